"""Steps and the first wrong one: ProcessBench's F1, PRMBench's score, and where wrong verdicts point.

Both scores are functions of counts. A group of items keeps its counts by blocks of units (see
`judgebench.metrics.blocks`), from which its interval and its resamples are made.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from judgebench.items import NO_STEP
from judgebench.metrics.accuracy import mean_stratum, official_scores, point_score
from judgebench.metrics.blocks import CountedFigure, UnitBlocks, block_interval
from judgebench.metrics.intervals import Interval
from judgebench.metrics.votes import mode_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from judgebench.items import Measure, Outcome, Reading
    from judgebench.metrics.accuracy import Layout
    from judgebench.metrics.intervals import Floats, View

COUNTS = ("tp", "fp", "tn", "fn")
"""Parts of an outcome by PRMBench's rule: right steps called right, wrong ones called right, wrong ones called wrong,
right ones called wrong."""


FIRST_WRONG = "first_wrong"
"""The part of an outcome of step scores that is the first step below the threshold."""


class CountedStratum:
    """A group of items whose score is a function of counts.

    Args:
        units: What each item belongs to.
        counts: Of each item, shape (n, counts).
        value: The score of counts of shape (..., counts).
        parts: Over how much each part of the score is, in all: what an interval without any spread is over.
    """

    measure: Measure = "share"
    lowest = 0.0

    def __init__(
        self, units: Sequence[str], counts: Floats, value: Callable[[Floats], Floats], parts: Sequence[float]
    ) -> None:
        self.n = len(units)
        numbers = np.array([crc32(unit.encode("utf-8", "surrogatepass")) for unit in units], dtype=np.int64)
        self._blocks = UnitBlocks.of(numbers, np.ones(self.n))
        self._table = np.zeros((self._blocks.count, counts.shape[1]))
        np.add.at(self._table, self._blocks.of_row, counts)
        self._value = value
        self._figure = CountedFigure(value, float(sum(parts)), float(min((each for each in parts if each), default=1)))
        self.value = float(self._of(self._table.sum(axis=0)))
        self.effective_n = float(self._blocks.units)
        without = self._without()
        self.constant = bool(np.all(without[np.isfinite(without)] == self.value))

    def _of(self, table: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            return self._value(table)

    def _without(self) -> Floats:
        """The score without each block."""
        return self._of(self._table.sum(axis=0) - self._table)

    def interval(self) -> Interval:
        """See `judgebench.metrics.blocks`."""
        found = block_interval(self.value, self._without(), self._figure, self._blocks, signed=False)
        return Interval(found["low"], found["high"])

    def draws(self, rng: np.random.Generator, size: int) -> Floats:
        """Scores of `size` resamples of the blocks, shape (size,), widened as `MeanStratum` does."""
        m = self._blocks.count
        if m == 1:
            return np.full(size, self.value)
        drawn = self._of(rng.multinomial(m, np.full(m, 1 / m), size=size) @ self._table)
        drawn = np.where(np.isfinite(drawn), drawn, self.value)
        widened: Floats = self.value + (drawn - self.value) * math.sqrt(m / (m - 1))
        return widened


def step_f1(counts: Floats) -> Floats:
    """2ab / (a + b) of the accuracies on items with a wrong step (a) and without one (b); 0 where both are 0.

    Args:
        counts: Right among the items with a wrong step, how many these are, and the same of those without one, shape
            (..., 4).
    """
    a, b = counts[..., 0] / counts[..., 1], counts[..., 2] / counts[..., 3]
    found: Floats = np.where(a + b > 0, 2 * a * b / np.where(a + b > 0, a + b, 1.0), a + b)
    return found


def step_f1_stratum(outcomes: Sequence[Outcome], view: View = "credit") -> CountedStratum | None:
    """The items in steps that have a credit, as one group; None unless some have a wrong step and some have none."""
    there = [outcome for outcome in outcomes if outcome.credit is not None]
    counts = np.zeros((len(there), 4))
    for at, outcome in enumerate(there):
        place = 2 if outcome.item.gold == str(NO_STEP) else 0
        counts[at, place : place + 2] = _credit(outcome, view), 1.0
    of = counts.sum(axis=0)[[1, 3]]
    if not of.all():
        return None
    return CountedStratum([outcome.item.unit for outcome in there], counts, step_f1, list(of))


def _credit(outcome: Outcome, view: View) -> float:
    if view in {"low", "high"}:
        return float(getattr(outcome, view))
    return (outcome.credit or 0.0) - (outcome.substituted if view == "bare" else 0.0)


def prm_score(counts: Floats) -> Floats:
    """The mean of the F1 of right and of wrong steps; that of right ones alone where no step is wrong, or the reverse.

    Args:
        counts: In the order of `COUNTS`, shape (..., 4).
    """
    tp, fp, tn, fn = (counts[..., at] for at in range(4))
    right, wrong = 2 * tp / (2 * tp + fp + fn), 2 * tn / (2 * tn + fp + fn)
    no_right, no_wrong = tp + fn == 0, tn + fp == 0
    both: Floats = np.where(no_right, np.where(no_wrong, np.nan, wrong), np.where(no_wrong, right, (right + wrong) / 2))
    return both


def prm_stratum(outcomes: Sequence[Outcome], view: View = "credit") -> CountedStratum | None:
    """The items with a verdict on their steps, as one group; those without are left out but in the bounds.

    Returns:
        None where there are none.
    """
    rows = [(outcome.item.unit, found) for outcome in outcomes if (found := step_counts(outcome, view)) is not None]
    if not rows:
        return None
    counts = np.array([found for _, found in rows])
    tp, fp, tn, fn = counts.sum(axis=0)
    return CountedStratum([unit for unit, _ in rows], counts, prm_score, [tp + fn, fp + tn])


def step_counts(outcome: Outcome, view: View = "credit") -> tuple[float, float, float, float] | None:
    """The counts of an item's steps, in the order of `COUNTS`.

    Args:
        outcome: By PRMBench's rule.
        view: `low` calls every step of an item without a verdict the opposite of what it is, `high` what it is.

    Returns:
        None where it has no label, or no verdict and the view leaves those out.
    """
    item = outcome.item
    if item.label is None:
        return None
    if COUNTS[0] in outcome.parts:
        return (outcome.parts["tp"], outcome.parts["fp"], outcome.parts["tn"], outcome.parts["fn"])
    wrong = float(len(item.wrong_steps))
    right = item.steps - wrong
    return {"low": (0.0, wrong, 0.0, right), "high": (right, 0.0, wrong, 0.0)}.get(view)


def prm_figures(outcomes: Iterable[Outcome]) -> dict[str, float | None]:
    """`f1` of right steps, `negative_f1` of wrong ones, and the share of either that is called what it is.

    Over all items; None where there are no such steps.
    """
    found = [counts for outcome in outcomes if (counts := step_counts(outcome)) is not None]
    tp, fp, tn, fn = (float(sum(column)) for column in zip(*found, strict=True)) if found else (0.0,) * 4
    return {
        "f1": 2 * tp / (2 * tp + fp + fn) if tp + fn else None,
        "negative_f1": 2 * tn / (2 * tn + fp + fn) if tn + fp else None,
        "error_accuracy": tn / (tn + fp) if tn + fp else None,
        "correct_accuracy": tp / (tp + fn) if tp + fn else None,
    }


PLACES = ("exact", "earlier", "later", "none", "no verdict")
"""Where a verdict on an item with a wrong step points: to it, before it, behind it, to none; or there is none."""


def placements(
    outcomes: Iterable[Outcome], readings: Mapping[str, Sequence[Reading]]
) -> dict[str, dict[str, int]] | None:
    """Where the verdicts on labelled items point, each the mode of its samples; for `metrics.json` under `steps`.

    Args:
        outcomes: One an item.
        readings: By the item's id; empty for step scores.

    Returns:
        Under `error`, the items with a wrong step by `PLACES`; under `correct`, those without one by `exact`, `named`
        (a step is) and `no verdict`. None where no labelled item was asked about.
    """
    found = {"error": dict.fromkeys(PLACES, 0), "correct": dict.fromkeys(("exact", "named", "no verdict"), 0)}
    for outcome in outcomes:
        item = outcome.item
        if item.gold is None or not item.steps:
            continue
        gold, said = int(item.gold), _said(outcome, readings.get(item.id, ()))
        if gold == NO_STEP:
            place = "no verdict" if said is None else "exact" if said == gold else "named"
            found["correct"][place] += 1
        else:
            place = (
                "no verdict" if said is None else "none" if said == NO_STEP else "earlier" if said < gold else "later"
            )
            found["error"]["exact" if said == gold else place] += 1
    return found if any(any(row.values()) for row in found.values()) else None


def _said(outcome: Outcome, readings: Sequence[Reading]) -> int | None:
    """The first wrong step by an item's readings, or by its scores."""
    if readings:
        label = mode_of(readings).label
        return None if label is None else int(label)
    first = outcome.parts.get(FIRST_WRONG)
    return None if first is None else int(first)


def step_figures(outcomes: Sequence[Outcome], layout: Layout) -> dict[str, Any]:
    """`f1`, `error_accuracy` and `correct_accuracy` over the sections of a layout, the accuracies with their intervals.

    `error_accuracy` is over the items with a wrong step, `correct_accuracy` over those without one; each is None where
    there are none. Empty where no item in steps has a label.
    """
    steps = [outcome for outcome in outcomes if outcome.item.steps and outcome.item.gold is not None]
    if not steps:
        return {}
    found: dict[str, Any] = {"f1": point_score(steps, replace(layout, stratum=step_f1_stratum))}
    means = replace(layout, stratum=mean_stratum)
    for name, among in (
        ("error_accuracy", [outcome for outcome in steps if outcome.item.gold != str(NO_STEP)]),
        ("correct_accuracy", [outcome for outcome in steps if outcome.item.gold == str(NO_STEP)]),
    ):
        scores = official_scores(among, means)
        found |= {name: scores.score, f"{name}_low": scores.low, f"{name}_high": scores.high}
    return found


def step_notes(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """What a reader of F1 must know: which of both kinds of items is missing."""
    golds = [outcome.item.gold for outcome in outcomes if outcome.item.steps and outcome.item.gold is not None]
    if golds and len({gold == str(NO_STEP) for gold in golds}) < 2:
        what = "a wrong step" if golds[0] == str(NO_STEP) else "right steps alone"
        yield f"no score: F1 needs items with a wrong step and items without one, and none has {what}"
