"""Scores of label verdicts that are no mean of credits, by the same table and intervals as the figures of a run."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from judgebench.items import Classes
from judgebench.metrics.blocks import UnitBlocks
from judgebench.metrics.intervals import CONFIDENCE, Interval
from judgebench.metrics.labels import LabelVerdicts, label_figures
from judgebench.metrics.thresholds import ranking_figures

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgebench.items import Measure, Outcome
    from judgebench.metrics.intervals import Floats, View

SAID = "said_"
"""How the parts of an outcome begin that have the share of readings which say a class."""

_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)


class LabelStratum:
    """A group of answers with a class whose score is a figure of the table of gold and said classes.

    Resamples are drawn from a normal limit whose quantiles are the ends of the interval.
    """

    measure: Measure = "share"
    lowest = 0.0
    constant = False

    def __init__(self, found: dict[str, float], n: int, units: int) -> None:
        self.value, self.n, self.effective_n = found["score"], n, float(units)
        self._interval = Interval(found["low"], found["high"])

    def interval(self) -> Interval:
        """See `judgebench.metrics.blocks`."""
        return self._interval

    def draws(self, rng: np.random.Generator, size: int) -> Floats:
        """Scores of `size` resamples, shape (size,)."""
        z = rng.normal(0.0, 1.0, size) / _Z
        sides = np.where(z < 0, self.value - self._interval.low, self._interval.high - self.value)
        drawn: Floats = np.clip(self.value + z * sides, 0.0, 1.0)
        return drawn


def macro_f1_stratum(outcomes: Sequence[Outcome], view: View = "credit") -> LabelStratum | None:
    """The answers with a class and a credit, as one group whose score is macro-F1.

    Args:
        outcomes: Whose parts `said_CLASS` have the share of readings that say each class.
        view: `high` takes each failure for the label's class; in the others it is a miss of that class.
    """
    there = [outcome for outcome in outcomes if outcome.credit is not None and outcome.item.label is not None]
    if not there:
        return None
    names = {str(outcome.item.label) for outcome in there}
    names |= {name.removeprefix(SAID) for outcome in there for name in outcome.parts if name.startswith(SAID)}
    classes = Classes(tuple(sorted(names)), min(names))
    number = {name: at for at, name in enumerate(classes.names)}
    rows = np.array([row for outcome in there for row in _rows(outcome, number, view)], dtype=np.float64)
    gold, said, weight, unit = rows.T
    nothing = np.full(len(rows), np.nan)
    verdicts = LabelVerdicts(gold.astype(np.int64), said.astype(np.int64), weight, unit.astype(np.int64), nothing)
    found: dict[str, Any] = label_figures(verdicts, classes) or {}
    figure = found.get("macro_f1") or {"score": 0.0, "low": 0.0, "high": 0.0}
    return LabelStratum(figure, len(there), len({outcome.item.unit for outcome in there}))


def _rows(outcome: Outcome, number: dict[str, int], view: View) -> Iterator[tuple[float, ...]]:
    """Gold class, said class, weight and unit, a row for each class that was said and for what failed."""
    item = outcome.item
    gold, unit = number[str(item.label)], crc32(item.unit.encode("utf-8", "surrogatepass"))
    shares = {name.removeprefix(SAID): share for name, share in outcome.parts.items() if name.startswith(SAID)}
    failed = 1 - sum(shares.values())
    for name, share in shares.items():
        yield gold, number[name], share, unit
    if failed > 1e-9:
        yield gold, gold if view == "high" else len(number), failed, unit


def label_score_figures(outcomes: Sequence[Outcome], positive: str | None) -> dict[str, Any] | None:
    """How well scores of single completions rank their two classes: the object under `label_scores`.

    Args:
        outcomes: One an item; those without a score are left out.
        positive: The class that high scores are for, where the classes' names do not say which one is good.

    Returns:
        None unless there are two classes, and it is known which of them is good.
    """
    there = [outcome for outcome in outcomes if outcome.item.label is not None and _score(outcome) is not None]
    names = sorted({str(outcome.item.label) for outcome in there})
    if len(names) != 2:
        return None
    good = Classes(tuple(names), names[0]).of_grade(1.0) or positive
    if good not in names:
        return None
    unit = np.array([crc32(each.item.unit.encode("utf-8", "surrogatepass")) for each in there], dtype=np.int64)
    weight = np.ones(len(there))
    scores = np.array([_score(outcome) for outcome in there], dtype=np.float64)
    is_good = np.array([outcome.item.label == good for outcome in there])
    found = ranking_figures(scores, is_good, weight, UnitBlocks.of(unit, weight))
    return {"positive": good, "n": len(there), "of": len(outcomes), **{name: found[name] for name in _RANKING}}


_RANKING = ("roc_auc", "average_precision", "thresholds")


def _score(outcome: Outcome) -> float | None:
    return outcome.scores[0][0] if outcome.scores else None
