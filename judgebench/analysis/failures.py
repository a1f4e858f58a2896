"""What failures do to a comparison: over the items that both runs answered, and with failures as bad or good as can be.

The official score credits a failure by its benchmark's rule (half a pair, say), so that a run that gives no verdict on
what is hard may look as good as one that answers all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from judgebench._util.table import Column, Table, ends_of
from judgebench._util.text import difference_head, difference_text, p_text, thousands
from judgebench.metrics.intervals import Bounds, Interval
from judgebench.metrics.paired import ALPHA, PairedRuns
from judgebench.metrics.rankings import holm

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgebench._util.table import Columns
    from judgebench.benchmarks.base import Benchmark
    from judgebench.items import Measure, Outcome
    from judgebench.metrics.intervals import View
    from judgebench.metrics.paired import Difference


LEGEND = (
    "failures: the difference over the items that both answered (p corrected as above), and its bounds: each failure "
    "counted as bad, and as good, as can be for the first run, with the sampling error"
)
_VIEWS: tuple[View, View] = ("low", "high")


@dataclass(frozen=True, slots=True)
class FailureEffect:
    """Two runs of which at least one has failures.

    Attributes:
        first: Number of the first run, from 0.
        second: Number of the second run.
        items: How many items both answered, without any failure.
        answered: The difference over these items; None where there are none.
        answered_p: Its p, corrected as the official one.
        bounds: The difference with the first run's failures counted wrong and the second's right, and the other way
            round; None for correlations.
        depends: Whether the conclusion (which is significantly better, or neither) is another one over the items that
            both answered, or at either bound.
    """

    first: int
    second: int
    items: int
    answered: Difference | None
    answered_p: float | None
    bounds: Bounds | None
    depends: bool


def failure_effects(
    outcomes: Sequence[Sequence[Outcome]], benchmark: Benchmark, official: Sequence[Difference], seed: int = 0
) -> tuple[FailureEffect, ...]:
    """What failures do to each pair of runs of which one has some.

    Args:
        outcomes: Of each run, of the same labelled items in the same order.
        benchmark: Theirs.
        official: The official difference of each pair; p is corrected over them.
        seed: Of the resampling.
    """
    failing = [any(outcome.failed for outcome in run) for run in outcomes]
    pairs = [pair for pair in official if failing[pair.first] or failing[pair.second]]
    if not pairs:
        return ()
    answered = {_at(pair): _answered(outcomes, benchmark, pair, seed) for pair in pairs}
    extremes = _extremes(outcomes, benchmark, pairs, seed)
    ways: list[dict[tuple[int, int], Difference]] = [
        {at: found for at, (_, found) in answered.items() if found is not None},
        {at: low for at, (low, _) in extremes.items()},
        {at: high for at, (_, high) in extremes.items()},
    ]
    corrected = [_corrected(official, way) for way in ({}, *ways)]
    return tuple(
        FailureEffect(
            first=pair.first,
            second=pair.second,
            items=answered[_at(pair)][0],
            answered=answered[_at(pair)][1],
            answered_p=None if answered[_at(pair)][1] is None else corrected[1][_at(pair)][1],
            bounds=_bounds(*extremes[_at(pair)]) if extremes else None,
            depends=len({_conclusion(*way[_at(pair)]) for way in corrected}) > 1,
        )
        for pair in pairs
    )


def failures_table(effects: Sequence[FailureEffect], names: Sequence[str], measure: Measure | None) -> Table:
    """A row a pair: the difference over the items that both answered, and its bounds.

    Args:
        effects: Of the pairs.
        names: Of the runs.
        measure: What their scores are.
    """
    columns: Columns = {
        Column("failures", names=True): lambda each: f"{names[each.first]} - {names[each.second]}",
        Column("answered", "count", head="n"): lambda each: each.items,
        Column("difference", "difference", head=difference_head(measure)): lambda each: (
            None if each.answered is None else each.answered.difference
        ),
        Column("95% CI", "difference"): lambda each: None if each.answered is None else ends_of(each.answered),
        Column("p (Holm)", "p", head="p"): lambda each: each.answered_p,
        Column("bounds", "difference"): lambda each: None if each.bounds is None else ends_of(each.bounds),
        Column("bounds' 95% CI", "difference", head="their CI"): lambda each: (
            None if each.bounds is None else ends_of(each.bounds.interval)
        ),
    }
    return Table.of(effects, columns, lambda each: {"unit": measure, "style": "strong" * each.depends})


def failure_notes(effects: Sequence[FailureEffect], names: Sequence[str], measure: Measure | None) -> Iterator[str]:
    """A sentence for each pair whose conclusion depends on failures.

    Args:
        effects: Of the pairs.
        names: Of the runs.
        measure: What their scores are.
    """
    for each in effects:
        if each.depends:
            said = f"whether {names[each.first]} or {names[each.second]} is better depends on their failures"
            if each.answered is not None and each.answered_p is not None:
                found = f"{difference_text(each.answered.difference, measure)} (p {p_text(each.answered_p)})"
                said += f": {found} on the {thousands(each.items)} items that both answered"
            if each.bounds is not None:
                ends = (difference_text(end, measure) for end in (each.bounds.low, each.bounds.high))
                said += f"; bounds {' to '.join(ends)}"
            yield said


def _at(pair: Difference) -> tuple[int, int]:
    return pair.first, pair.second


def _answered(
    outcomes: Sequence[Sequence[Outcome]], benchmark: Benchmark, pair: Difference, seed: int
) -> tuple[int, Difference | None]:
    """How many items both answered, and the difference over them."""
    both = zip(outcomes[pair.first], outcomes[pair.second], strict=True)
    rows = [(one, other) for one, other in both if not one.failed and not other.failed]
    if not rows:
        return 0, None
    paired = PairedRuns(list(zip(*rows, strict=True)), benchmark.layout, benchmark.unit, seed=seed)
    return len(rows), paired.part(paired.whole).difference(0, 1) if any(paired.whole) else None


def _extremes(
    outcomes: Sequence[Sequence[Outcome]], benchmark: Benchmark, pairs: Sequence[Difference], seed: int
) -> dict[tuple[int, int], tuple[Difference, Difference]]:
    """The lowest and the highest difference of each pair; none for correlations."""
    if any(outcome.credit is None for run in outcomes for outcome in run):
        return {}
    count, views = len(outcomes), [view for view in _VIEWS for _ in outcomes]
    paired = PairedRuns([*outcomes, *outcomes], benchmark.layout, benchmark.unit, seed=seed, views=views)
    whole = paired.part(paired.whole)
    return {
        _at(pair): (
            whole.difference(pair.first, count + pair.second),
            whole.difference(count + pair.first, pair.second),
        )
        for pair in pairs
    }


def _bounds(low: Difference, high: Difference) -> Bounds:
    return Bounds(low.difference, high.difference, Interval(low.low, high.high))


def _corrected(
    official: Sequence[Difference], way: dict[tuple[int, int], Difference]
) -> dict[tuple[int, int], tuple[float, float]]:
    """Difference and corrected p of every pair, with some of them replaced."""
    found = [way.get(_at(pair), pair) for pair in official]
    adjusted = holm([each.p for each in found]).tolist()
    return {_at(pair): (each.difference, p) for pair, each, p in zip(official, found, adjusted, strict=True)}


def _conclusion(difference: float, p: float) -> int:
    """1 where the first run is significantly better, -1 where the second is, 0 where neither."""
    return 0 if p > ALPHA else 1 if difference > 0 else -1
