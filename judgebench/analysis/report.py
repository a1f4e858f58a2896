"""One or several runs reported: their scores side by side, their biases in full, what sureness and money are worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from judgebench._util.html import paragraphs
from judgebench._util.steps import counted
from judgebench.analysis.leaderboard import boards_of
from judgebench.errors import ConfigError
from judgebench.judges import family_of, load_judges
from judgebench.metrics.behaviour import Behaviour, Sureness, Votes, behaviours, sureness, votes
from judgebench.metrics.rankings import benjamini_hochberg
from judgebench.runs import Run, open_run, run_html, up_to_date

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from judgebench.analysis.board import Board
    from judgebench.metrics.summary import Metrics
    from judgebench.runs import Finished

QUANTILES = (0.5, 0.9, 0.99)


@dataclass(frozen=True, slots=True)
class Bias:
    """A bias with its q: its p corrected (Benjamini and Hochberg) over the report; None where it only describes."""

    behaviour: Behaviour
    q: float | None


@dataclass(frozen=True, slots=True)
class CostSummary:
    """What a run took.

    Attributes:
        per_item: US dollars an item; None where the price is not known.
        per_point: US dollars for each percentage point of the score; None where it is a correlation.
        latency: Seconds a reply, at the quantiles 0.5, 0.9 and 0.99; None where no reply was timed.
    """

    per_item: float | None
    per_point: float | None
    latency: tuple[float, ...] | None


@dataclass(frozen=True)
class Detail:
    """One run in a report.

    Attributes:
        family: The judge's own, where that and the models of the completions are known.
    """

    finished: Finished
    metrics: Metrics
    biases: tuple[Bias, ...]
    sureness: Sureness | None
    votes: Votes | None
    bill: CostSummary | None
    family: str | None = None


@dataclass(frozen=True)
class Report:
    """Runs reported.

    Attributes:
        boards: The runs of each benchmark, ranked.
        notes: What a reader must know.
    """

    boards: tuple[Board, ...]
    details: tuple[Detail, ...]
    notes: tuple[str, ...]

    def _repr_html_(self) -> str:
        boards = "".join(board._repr_html_() for board in self.boards if len(board.places) > 1)
        runs = (run_html(each.finished.benchmark.title, each.finished.name, each.metrics) for each in self.details)
        return boards + "".join(runs) + paragraphs(self.notes)


def report(runs: Sequence[Run | str | Path], *, seed: int = 0) -> Report:
    """Reports runs, of whatever benchmarks.

    >>> import judgebench as jb
    >>> run = jb.run("rewardbench", judge="offline/longest", data="sample")
    >>> len(jb.report([run]).details)
    1

    Args:
        runs: Runs, or their folders.
        seed: Of the tests between runs of one benchmark.

    Raises:
        ConfigError: A folder is no run, or its figures cannot be read.
    """
    opened = {}
    for run in counted(runs, "reading runs", unit="runs", total=len(runs)):
        finished = up_to_date(run if isinstance(run, Run) else open_run(run))
        opened[finished.path.resolve()] = finished
    if not opened:
        raise ConfigError("report takes a run's folder, or several")
    every = list(opened.values())
    for each in counted(every, "reading judgements", unit="runs", total=len(every)):
        each.need_judgements()
        _ = each.metrics, each.outcomes
    by_benchmark: dict[str, list[Finished]] = {}
    for each in every:
        by_benchmark.setdefault(each.benchmark.name, []).append(each)
    boards = boards_of(by_benchmark, seed=seed)
    families = [_family(each) for each in every]
    both = counted(zip(every, families, strict=True), "estimating biases", unit="runs", total=len(every))
    found = [behaviours(each.readings, each.keys, own[1]) for each, own in both]
    q = iter(benjamini_hochberg([b.estimate.p for among in found for b in among if b.tested]).tolist())
    details = tuple(
        Detail(
            finished=each,
            metrics=each.metrics,
            biases=tuple(Bias(behaviour, next(q) if behaviour.tested else None) for behaviour in among),
            sureness=sureness(o for o in each.outcomes.values() if not each.benchmark.by_ties(o.item)),
            votes=votes(each.readings, each.keys),
            bill=None if each.is_scores else _bill(each),
            family=family,
        )
        for each, among, (family, _) in zip(every, found, families, strict=True)
    )
    return Report(boards, details, tuple(note for each in every for note in each.notes))


def _family(finished: Finished) -> tuple[str | None, dict[str, list[bool]]]:
    """The judge's family, and of each item which completions are by it; none where models are not known."""
    judge = finished.run.manifest.get("judge", {})
    if not judge.get("model") or not finished.models:
        return None, {}
    # A run of an earlier version does not say which families it knew.
    families = finished.run.manifest.get("families") or load_judges().families
    family = judge.get("family") or family_of(str(judge["model"]), families)
    if family is None:
        return None, {}
    names = {name for models in finished.models.values() for name in models if name is not None}
    own = {name for name in names if family_of(name, families) == family}
    # A pair with one of unknown hand says nothing about whose was preferred.
    known = {item: models for item, models in finished.models.items() if None not in models}
    return family, {item: [name in own for name in models] for item, models in known.items()}


def _bill(finished: Finished) -> CostSummary:
    metrics = finished.metrics
    cost, percentages = metrics.usage.cost_usd, metrics.measure == "share"
    latencies = [j.latency_s for j in finished.judgements.values() if j.latency_s is not None]
    return CostSummary(
        per_item=None if cost is None or not metrics.items else cost / metrics.items,
        per_point=cost / (100 * metrics.score) if cost is not None and metrics.score and percentages else None,
        latency=tuple(float(each) for each in np.quantile(latencies, QUANTILES)) if latencies else None,
    )
