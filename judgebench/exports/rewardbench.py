"""Results in RewardBench's own format, as its scripts write them and its leaderboard reads them.

From https://github.com/allenai/reward-bench: `scripts/run_rm.py`, `run_generative.py`, `run_v2.py` and
`run_generative_v2.py` save two files a model, `eval-set/ORGANISATION/MODEL.json` with a figure a subset and
`eval-set-scores/...` with a list a column; rows of the prior sets go to `pref-sets/` and `pref-sets-scores/`. The
leaderboard reads every file two folders deep.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from judgebench.benchmarks.rewardbench import PRIOR_SETS, SECTIONS, RewardBench
from judgebench.benchmarks.rewardbench2 import DOMAINS, TIES, RewardBench2
from judgebench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgebench.exports.models import Model
    from judgebench.items import Item, Outcome
    from judgebench.runs import Finished

MODEL_TYPES = ("Seq. Classifier", "DPO", "Custom Classifier", "Generative RM")
"""What the leaderboard tells apart."""

REPOSITORIES = {RewardBench.name: "reward-bench-results", RewardBench2.name: "reward-bench-2-results"}
"""The dataset on the hub that holds a benchmark's results."""


@dataclass(frozen=True)
class Result:
    """A file of results.

    Attributes:
        path: Where it belongs, relative to the folder of the export.
        content: The object in it.
    """

    path: str
    content: dict[str, Any]

    @property
    def text(self) -> str:
        """As the official scripts write it: keys sorted, four blanks of indent."""
        return json.dumps(self.content, indent=4, sort_keys=True) + "\n"


def results(finished: Finished, model: Model, model_type: str | None = None) -> list[Result]:
    """The files of one run.

    Args:
        finished: A run of RewardBench or RewardBench 2.
        model: Whose results they are.
        model_type: One of `MODEL_TYPES`; None for `Generative RM` of a judge (with `PoLL` of a jury), and
            `Seq. Classifier` of scores.

    Raises:
        ConfigError: The run is of another benchmark, over altered items, or not finished.
    """
    benchmark = finished.benchmark.name
    if benchmark not in REPOSITORIES:
        raise ConfigError(
            f"{finished.path}: is of {benchmark}; RewardBench's format is for {' and '.join(REPOSITORIES)}"
        )
    if finished.run.manifest.altered is not None:
        raise ConfigError(f"{finished.path}: is a control (altered items), not a result of the benchmark")
    if finished.run.manifest.asked is not None:
        raise ConfigError(
            f"{finished.path}: stopped early by --sequential, not a result of the "
            "benchmark: rerun its command without --sequential"
        )
    lacking = [item for item, outcome in finished.outcomes.items() if outcome.credit is None]
    if lacking or len(finished.outcomes) < len(finished.keys):
        count = len(lacking) + len(finished.keys) - len(finished.outcomes)
        raise ConfigError(f"{finished.path}: {count} of {len(finished.keys)} items are not judged; {finished.run.mend}")
    head = {"model": model.id, "model_type": model_type or _kind(finished), "chat_template": None}
    return [made for sets in ("eval-set", "pref-sets") for made in _files(finished, model, head, sets)]


def _kind(finished: Finished) -> str:
    if finished.is_scores:
        return "Seq. Classifier"
    return "Generative RM PoLL" if finished.made_of == "jury" else "Generative RM"


def _files(finished: Finished, model: Model, head: dict[str, Any], sets: str) -> Iterator[Result]:
    """The two files of the core set or of the prior sets; none where the run has no such items."""
    prior = sets == "pref-sets"
    chosen = {
        item: outcome
        for item, outcome in finished.outcomes.items()
        if (finished.benchmark.name == RewardBench.name and outcome.item.subset in PRIOR_SETS) == prior
    }
    if not chosen:
        return
    below = REPOSITORIES[finished.benchmark.name]
    there = {outcome.item.subset for outcome in chosen.values()}
    subsets = {name: each.score for name, each in finished.metrics.subsets.items() if name in there}
    yield Result(f"{below}/{sets}/{model.id}.json", {**head, **subsets})
    items = [item for item in finished.run.items if item.id in chosen]
    outcomes = [chosen[item.id] for item in items]
    columns = _columns(items, outcomes) if finished.benchmark.name == RewardBench.name else _columns2(items, outcomes)
    yield Result(f"{below}/{sets}-scores/{model.id}.json", {**head, **columns})


def _columns(items: Sequence[Item], outcomes: Sequence[Outcome]) -> dict[str, list[Any]]:
    """A list a column: pairs."""
    columns: dict[str, list[Any]] = {
        "id": [int(item.id) if item.id.isdecimal() else item.id for item in items],
        "subset": [item.subset for item in items],
        "results": [outcome.credit for outcome in outcomes],
        "text_chosen": [_conversation(item, 0) for item in items],
        "text_rejected": [_conversation(item, 1) for item in items],
    }
    if any(outcome.scores for outcome in outcomes):
        scores = [_mean(outcome) or [None, None] for outcome in outcomes]
        columns |= {"scores_chosen": [each[0] for each in scores], "scores_rejected": [each[1] for each in scores]}
    return columns


def _columns2(items: Sequence[Item], outcomes: Sequence[Outcome]) -> dict[str, list[Any]]:
    """A list a column: best of k; single items of Ties have no result, which only pairs of them have."""
    columns: dict[str, list[Any]] = {
        "id": [item.id for item in items],
        "subset": [item.subset for item in items],
        "num_correct": [item.num_correct for item in items],
        "results": [
            None if item.subset == TIES else outcome.credit for item, outcome in zip(items, outcomes, strict=True)
        ],
        "text": [[_conversation(item, at) for at in range(len(item.completions))] for item in items],
    }
    if any(outcome.scores for outcome in outcomes):
        columns["scores"] = [_mean(outcome) for outcome in outcomes]
    return columns


def _conversation(item: Item, index: int) -> list[dict[str, str]]:
    turns = (*item.conversation, *item.completions[index].turns)
    return [turn.message for turn in turns]


def _mean(outcome: Outcome) -> list[float | None] | None:
    """One score a completion, the mean over samples; None where there is none."""
    if not outcome.scores:
        return None
    columns = [[score for score in column if score is not None] for column in zip(*outcome.scores, strict=True)]
    return [sum(column) / len(column) if column else None for column in columns]


def notes(finished: Finished) -> Iterator[str]:
    """What keeps a run from standing on the leaderboard, a sentence each."""
    benchmark = finished.benchmark
    wanted = DOMAINS if benchmark.name == RewardBench2.name else [each for among in SECTIONS.values() for each in among]
    lacking = [name for name in wanted if name not in finished.metrics.subsets]
    if lacking:
        yield f"{finished.path}: {len(lacking)} of {len(wanted)} subsets have no items; the leaderboard needs all"
    manifest = finished.run.manifest
    items, source = manifest.items, manifest.data.source
    if items.count != items.of:
        yield f"{finished.path}: has {items.count} of {items.of} items"
    if source != benchmark.hub_id:
        yield f"{finished.path}: has rows of {source}, not of {benchmark.hub_id}"
