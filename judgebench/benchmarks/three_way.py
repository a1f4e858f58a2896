"""PandaLM's rule: the first answer, the second, or a tie, as three classes."""

from __future__ import annotations

from statistics import fmean
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from judgebench.benchmarks import rules
from judgebench.benchmarks.base import is_rating
from judgebench.benchmarks.named_rules import Rule, is_right
from judgebench.items import TIE, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.items import ItemKey, Mode, Reading
    from judgebench.metrics.accuracy import Layout

    Scores = tuple[float | None, ...]

CLASSES = ("A", "B", TIE)
_RESAMPLES = 2000
_FIGURES = ("macro_precision", "macro_recall", "macro_f1")


class ThreeWay(Rule):
    """Accuracy over three classes; macro precision, recall and F1 beside it."""

    name = "three_way"
    formula = (
        "Right if the verdict is the label of three: first answer, second, tie; no verdict is wrong. macro_precision, "
        "macro_recall, macro_f1: plain means over the three classes, by the row's own order of answers. Ratings and "
        "scores: the higher one, a tie where equal."
    )
    source = "PandaLM, arXiv 2306.05087"
    items = ("pair",)
    templates: ClassVar[Mapping[Mode, str]] = MappingProxyType({"pairwise": "pairwise-ties", "rating": "rating-10"})
    by_slot = True

    def judged(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """See the formula; the mean over orders and samples."""
        if is_rating(readings):
            return _by_scores(item, rules.ratings_by_sample(item, readings))
        rights = [(reading.failed, is_right(reading, item)) for reading in readings]
        said = [None if reading.failed else _class_of(reading.choice, item) for reading in readings]
        return _made(item, rights, said, source=rules.choice_source(readings))

    def scored(self, item: ItemKey, scores: Scores) -> Outcome:
        """See the formula; a missing score is wrong."""
        return _by_scores(item, [scores])

    def over_orders(self, item: ItemKey, readings: Sequence[Reading]) -> Mapping[str, float]:
        """The share of readings that say each class."""
        return {} if is_rating(readings) else self.judged(item, readings).parts

    def extra(self, outcomes: Sequence[Outcome], layout: Layout) -> dict[str, Any]:  # noqa: ARG002
        """The macro figures with their intervals, from resamples of the items (of their groups); and `confusion`."""
        there = [outcome for outcome in outcomes if outcome.credit is not None]
        if not there:
            return {}
        table = _tables(there)
        figures = _macro(table.sum(axis=0)[None])[0]
        rng = np.random.default_rng(0)
        alike, counts = np.unique(table.reshape(len(table), -1), axis=0, return_counts=True)
        draws = rng.multinomial(len(table), counts / len(table), size=_RESAMPLES)
        resampled = _macro((draws @ alike).reshape(-1, *table.shape[1:]))
        low, high = np.percentile(resampled, [2.5, 97.5], axis=0)
        found: dict[str, Any] = {}
        for at, name in enumerate(_FIGURES):
            found |= {name: float(figures[at]), f"{name}_low": float(low[at]), f"{name}_high": float(high[at])}
        whole = table.sum(axis=0)
        confusion = {
            gold: {said: float(whole[row, at]) for at, said in enumerate((*CLASSES, "no verdict"))}
            for row, gold in enumerate(CLASSES)
        }
        return found | {"confusion": confusion}


def _by_scores(item: ItemKey, samples: Sequence[Scores]) -> Outcome:
    rights: list[tuple[bool, bool]] = []
    said: list[str | None] = []
    for first, second in samples:
        if first is None or second is None:
            rights.append((True, False))
            said.append(None)
            continue
        choice = None if first == second else int(second > first)
        rights.append((False, choice is None if item.label == TIE else choice == 0))
        said.append(_class_of(choice, item))
    return _made(item, rights, said, scores=tuple(samples), source={})


def _made(item: ItemKey, rights: Sequence[tuple[bool, bool]], said: Sequence[str | None], **more: Any) -> Outcome:
    credits_ = [rules.Credit(float(right), float(right), float(right or failed)) for failed, right in rights]
    parts = {f"said_{name}": fmean(each == name for each in said) for name in CLASSES}
    return rules.outcome_of(item, credits_, parts=parts, **more)


def _class_of(choice: int | None, item: ItemKey) -> str:
    """The row's own slot of a completion; `tie` for none."""
    if choice is None:
        return TIE
    return "AB"[choice != (item.criteria or "A").startswith("B")]


def gold_of(item: ItemKey) -> str:
    """The class that is the item's label."""
    return TIE if item.label == TIE else _class_of(0, item)


def _tables(outcomes: Sequence[Outcome]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Of each unit a table of gold class by said class; the last column is for no verdict."""
    place: dict[str, int] = {}
    rows: list[Any] = []
    for outcome in outcomes:
        said = [outcome.parts.get(f"said_{name}", 0.0) for name in CLASSES]
        table = np.zeros((len(CLASSES), len(CLASSES) + 1))
        table[CLASSES.index(gold_of(outcome.item))] = [*said, 1 - sum(said)]
        at = place.setdefault(outcome.item.unit, len(place))
        if at == len(rows):
            rows.append(table)
        else:
            rows[at] += table
    return np.array(rows)


def _macro(tables: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Macro precision, recall and F1 of each table; a class that is never said, or never right, has 0."""
    hits = np.stack([tables[:, at, at] for at in range(len(CLASSES))], axis=1)
    said, gold = tables[:, :, : len(CLASSES)].sum(axis=1), tables.sum(axis=2)
    precision = np.divide(hits, said, out=np.zeros_like(hits), where=said > 0)
    recall = np.divide(hits, gold, out=np.zeros_like(hits), where=gold > 0)
    f1 = np.divide(2 * hits, said + gold, out=np.zeros_like(hits), where=said + gold > 0)
    return np.stack([precision.mean(axis=1), recall.mean(axis=1), f1.mean(axis=1)], axis=1)
