"""A jury: finished runs of several judges over the same items, joined into one more run with no call."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from judgebench._util.table import Column, Table, Tabular, ends_of
from judgebench._util.text import coefficient, percent, score_head
from judgebench.analysis.agreement import agreement_columns, agreement_legend, agreement_of
from judgebench.analysis.compare import compare_finished
from judgebench.analysis.voting import Bench, Weights
from judgebench.errors import ConfigError
from judgebench.metrics.paired import ALPHA
from judgebench.metrics.rankings import holm
from judgebench.runs import (
    DEFAULT_OUT,
    DerivedRun,
    Run,
    member,
    opened_members,
    share_contents,
    total_usage,
    up_to_date,
    usage_over,
    write_made,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from judgebench._util.table import Columns
    from judgebench.analysis.agreement import RunsAgreement
    from judgebench.items import Measure, Reading
    from judgebench.metrics.agreement import Agreement
    from judgebench.metrics.paired import Difference
    from judgebench.metrics.summary import Usage
    from judgebench.runs import Finished

HELD_OUT = 0.2
"""The share of the items that accuracy is learnt from, unless another is asked for."""


@dataclass(frozen=True, slots=True)
class JuryMember:
    """A member beside the jury, over the jury's items.

    Attributes:
        weight: Of its vote; None where it is by confidence, and so another for each item.
        accuracy: Its mean credit on the held-out items; None without any.
        difference: The jury's score less its own; None where no item has a label.
        p: Of that, corrected by Holm's method over the members.
        cost_usd: Of its replies about these items; None where it is not known.
    """

    title: str
    path: Path
    weight: float | None
    accuracy: float | None
    score: float | None
    low: float | None
    high: float | None
    difference: Difference | None
    p: float | None
    cost_usd: float | None


@dataclass(frozen=True, repr=False)
class Jury(Tabular):
    """A jury's run, and its members beside it.

    Attributes:
        rule: How a jury's verdict is made, a sentence.
        items: How many it is over; those that weights were learnt from are left out.
        held_out: How many were left out.
        drawn: How many of its verdicts are ties because several choices had as many votes.
        verdicts: How many it has.
        agreement: Of each pair of members, by their numbers.
        krippendorff: Krippendorff's alpha of all members, nominal, over completions; of two too.
    """

    path: Path
    name: str
    benchmark: str
    title: str
    weights: Weights
    rule: str
    items: int
    held_out: int
    drawn: int
    verdicts: int
    measure: Measure | None
    score: float | None
    low: float | None
    high: float | None
    cost_usd: float | None
    members: tuple[JuryMember, ...]
    agreement: tuple[RunsAgreement, ...]
    krippendorff: Agreement | None
    notes: tuple[str, ...] = ()

    @property
    def run(self) -> Run:
        """The jury as a run like any other."""
        return Run(self.path)

    def to_json(self) -> dict[str, object]:
        """An object of plain values; what has no value is null."""
        said = asdict(self)
        said["path"] = str(self.path)
        for each in said["members"]:
            each["path"] = str(each["path"])
        for each in (*said["agreement"], {"alpha": said["krippendorff"]}):
            for figure in each.values():
                if isinstance(figure, dict):
                    figure |= {n: None for n, v in figure.items() if isinstance(v, float) and v != v}  # noqa: PLR0124
        return said

    def tables(self) -> Sequence[Table]:
        """The members against the jury, how far they agree, and what the figures rest on."""
        about = f"{self.name} of {len(self.members)} · {self.items} items"
        pairs = [(each.first, each.second) for each in self.agreement]
        columns: Columns = {Column("members", names=True): lambda pair: f"{pair[0] + 1} - {pair[1] + 1}"}
        return [
            replace(self.table(), title=self.title, about=about),
            Table.of(pairs, columns | agreement_columns(self.agreement)),
            Table((), notes=list(self._legend())),
        ]

    def table(self) -> Table:
        """The members and, below them, the jury."""
        columns: Columns = {
            Column("number", "count", head="", names=True): lambda line: line[0],
            Column("run", names=True): lambda line: line[1].title if line[0] else line[1].name,
        }
        if self.score is not None:
            columns |= {
                Column("score", "score", head=score_head([self.measure])): lambda line: (
                    "none" if line[1].score is None else line[1].score
                ),
                Column("95% CI", "interval"): lambda line: ends_of(line[1]),
                Column("jury diff", "difference"): lambda line: (
                    line[1].difference.difference if line[0] and line[1].difference is not None else None
                ),
                Column("p (Holm)", "p"): lambda line: line[1].p if line[0] else None,
            }
        if self.weights == "accuracy":
            columns[Column("weight", "number", form=".2f")] = lambda line: line[1].weight if line[0] else None
        columns[Column("cost", "money")] = lambda line: "unknown" if line[1].cost_usd is None else line[1].cost_usd
        lines: list[tuple[int | None, JuryMember | Jury]] = [*enumerate(self.members, 1), (None, self)]
        return Table.of(lines, columns, self._row)

    def _row(self, line: tuple[int | None, JuryMember | Jury]) -> dict[str, Any]:
        number, member = line
        strong = isinstance(member, JuryMember) and member.p is not None and member.p <= ALPHA
        return {"unit": self.measure, "style": "strong" if strong else "", "rule": number == len(self.members)}

    def remarks(self) -> Sequence[str]:
        """What a reader must know."""
        return self.notes

    def _legend(self) -> Iterator[str]:
        yield self.rule
        if self.score is not None:
            yield "jury diff: jury's score minus the member's, in percentage points; p: paired, Holm-corrected"
        if self.krippendorff is not None:
            yield f"all members, over completions: Krippendorff's alpha {coefficient(self.krippendorff.value)}"
            yield from agreement_legend(self.agreement)
            yield "members with errors in common gain little from a jury"
        if accuracies := [percent(each.accuracy) for each in self.members if each.accuracy is not None]:
            yield f"accuracy of the members on the held-out items: {', '.join(accuracies)}"


def jury(
    runs: Run | str | Path | Sequence[Run | str | Path],
    *,
    name: str | None = None,
    weights: Weights = "equal",
    held_out: float | None = None,
    seed: int = 0,
    out: str | Path = DEFAULT_OUT,
) -> Jury:
    """Joins finished runs of the same items into one more run, and compares it with its members.

    >>> import judgebench as jb
    >>> runs = jb.grid("rewardbench", judges=["offline/longest", "offline/first"], data="sample")
    >>> jb.jury(runs).name
    'jury-of-2'

    For each call that all members made (the same order and sample) the jury has one verdict: the choice with the most
    votes, where draws are ties, or the mean rating. Where their orders or samples differ, or votes count by
    confidence, it has one verdict a question, and a member's own verdicts on it come first to one vote. A member's
    failure is no vote; where all failed, the jury has a failure too.

    Args:
        runs: Judges' runs, or their folders.
        name: What stands in the judge's place; None for `jury-of-N`.
        weights: What a vote counts.
        held_out: The share of each subset's items that weights are learnt from, from 0 up to but not 1; they are left
            out of the jury's run. None for a fifth with weights by accuracy, else none.
        seed: Of the choice of the held-out items.
        out: The folder above the runs' folders.

    Raises:
        ConfigError: The runs do not fit together, or the weights cannot be had.
    """
    started = datetime.now(UTC).isoformat(timespec="seconds")
    share = HELD_OUT if held_out is None and weights == "accuracy" else held_out or 0.0
    _check_arguments(weights, share, seed)
    opened, templates = opened_members(runs, "a jury")
    bench = Bench(opened, templates, weights, held_out_items(opened[0], share, seed))
    said_name = name or f"jury-of-{len(opened)}"
    judgements = list(bench.judgements())
    readings: dict[str, list[Reading]] = {item: [] for item in bench.kept}
    for judgement in judgements:
        readings[judgement.item].append(judgement.reading)
    usages = [usage_over(each, bench.kept) for each in opened]
    notes = tuple(bench.notes())
    made = DerivedRun(
        kind="jury",
        name=said_name,
        protocol=bench.protocol_said(share, seed),
        said={
            "members": [member(each) | {"weight": w} for each, w in zip(opened, bench.weights, strict=True)],
            "weights": weights,
            "rule": bench.rule,
            "held_out": {"share": share, "seed": seed, "items": sorted(bench.held_out)},
        },
        judgements=judgements,
        readings=readings,
        outcomes=[bench.outcome(item, among) for item, among in readings.items()],
        usage=total_usage(usages),
        notes=notes,
        seed=seed,
    )
    path = write_made(made, opened, templates, Path(out), started)
    return _beside(path, made, opened, bench, usages)


def _check_arguments(weights: Any, held_out: Any, seed: Any) -> None:
    if weights not in get_args(Weights):
        raise ConfigError(f"weights is {weights!r}: must be one of {', '.join(get_args(Weights))}")
    if not isinstance(held_out, int | float) or not 0 <= held_out < 1:
        raise ConfigError(f"held_out is {held_out!r}: must be in [0, 1)")
    if weights == "accuracy" and not held_out:
        raise ConfigError("--weights accuracy needs held-out items: set --held-out above 0")
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise ConfigError(f"seed is {seed!r}: must be an integer >= 0")


def held_out_items(first: Finished, share: float, seed: int) -> frozenset[str]:
    """The items that something is learnt from: so many of each subset, drawn by the seed; what belongs together stays.

    Of every subset at least one unit is scored.

    Args:
        first: A run over the items.
        share: Of each subset's units, from 0 up to but not 1.
        seed: Of the choice.
    """
    units: dict[str, dict[str, list[str]]] = {}
    for key in first.keys.values():
        units.setdefault(key.subset, {}).setdefault(first.benchmark.unit(key), []).append(key.id)
    held: list[str] = []
    for among in units.values():
        drawn = sorted(among, key=lambda unit: hashlib.sha256(f"{seed}\0held out\0{unit}".encode()).digest())
        for unit in drawn[: min(round(share * len(drawn)), len(drawn) - 1)]:
            held += among[unit]
    return frozenset(held)


def _beside(path: Path, made: DerivedRun, opened: Sequence[Finished], bench: Bench, usages: Sequence[Usage]) -> Jury:
    """The jury compared with its members, over its items."""
    own = up_to_date(Run(path))
    share_contents([*opened, own])
    found = compare_finished([own, *opened], common=True, seed=made.seed)
    pairs = [] if found.whole is None else [pair for pair in found.whole.pairs if pair.first == 0]
    adjusted: Mapping[int, float] = dict(enumerate(holm([pair.p for pair in pairs]).tolist()))
    alike = agreement_of(opened, bench.kept)
    members = tuple(
        JuryMember(
            title=run.title,
            path=each.path,
            weight=bench.weights[at],
            accuracy=bench.accuracies[at],
            score=run.score,
            low=run.low,
            high=run.high,
            difference=pairs[at] if pairs else None,
            p=adjusted.get(at),
            cost_usd=usages[at].cost_usd,
        )
        for at, (run, each) in enumerate(zip(found.runs[1:], opened, strict=True))
    )
    return Jury(
        path=path,
        name=made.name,
        benchmark=found.benchmark,
        title=found.title,
        weights=bench.kind,
        rule=bench.rule,
        items=len(bench.kept),
        held_out=len(bench.held_out),
        drawn=bench.drawn,
        verdicts=sum(judgement.failure is None for judgement in made.judgements),
        measure=found.measure,
        score=found.runs[0].score,
        low=found.runs[0].low,
        high=found.runs[0].high,
        cost_usd=made.usage.cost_usd,
        members=members,
        agreement=alike.pairs,
        krippendorff=alike.krippendorff,
        notes=tuple(dict.fromkeys([*(note for each in opened for note in each.notes), *made.notes])),
    )
