"""A judge's classes beside each of several people's: every label counts for itself, and people are held to each other.

HealthBench's meta-evaluation (arXiv 2505.08775): each pair of a verdict and one person's label is a row; the score is
the mean of the classes' F1, and what each person reaches against the others is the ceiling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from judgebench.metrics.blocks import CountedFigure, UnitBlocks, block_interval
from judgebench.metrics.intervals import Interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from judgebench.items import Measure, Outcome
    from judgebench.metrics.intervals import Floats, View

AGAINST = " against "
"""Between what was said and a person's label, in the name of a part of an outcome: `met against unmet`."""

NOTHING = "no verdict"


def pairs_of(labels: Iterable[str], said: Sequence[str | None]) -> dict[str, float]:
    """How often each class was said against each label of a person, over the readings of an item.

    Args:
        labels: What each person said of the item.
        said: The class of each reading; None where it has no verdict. Each reading stands for an equal part.
    """
    found: dict[str, float] = {}
    for label in labels:
        for each in said:
            name = f"{NOTHING if each is None else each}{AGAINST}{label}"
            found[name] = found.get(name, 0.0) + 1 / len(said)
    return found


@dataclass(frozen=True, slots=True)
class PairTable:
    """Counts of pairs: rows are people's labels, columns what was said, the last one no verdict.

    Attributes:
        names: The classes.
        by_block: Counts in each block of units, shape (blocks, classes, classes + 1).
        blocks: The blocks.
        items: How many items there are.
    """

    names: tuple[str, ...]
    by_block: Floats
    blocks: UnitBlocks
    items: int

    @classmethod
    def of(cls, outcomes: Sequence[Outcome]) -> PairTable | None:
        """That of outcomes with parts as `pairs_of` gives them; None where none has any."""
        rows = [
            (*name.split(AGAINST), count, crc32(outcome.item.unit.encode("utf-8", "surrogatepass")))
            for outcome in outcomes
            for name, count in outcome.parts.items()
            if AGAINST in name
        ]
        if not rows:
            return None
        said, labels, counts, units = zip(*rows, strict=True)
        names = tuple(sorted({*labels, *said} - {NOTHING}))
        place = {name: at for at, name in enumerate((*names, NOTHING))}
        k = len(names)
        cells = np.array([place[label] * (k + 1) + place[each] for label, each in zip(labels, said, strict=True)])
        weights: Floats = np.array(counts, dtype=np.float64)
        blocks = UnitBlocks.of(np.array(units), weights)
        table = blocks.tables(cells, weights, k * (k + 1)).reshape(-1, k, k + 1)
        return cls(names, table, blocks, len(outcomes))


def balanced_f1(tables: Floats) -> Floats:
    """The mean of the classes' F1, of tables of shape (..., classes, classes + 1).

    Not-a-number where there are fewer than two classes, or one of them was never said or is no one's label: its
    precision, or its recall, is not known then.
    """
    k = tables.shape[-2]
    right, gold, said = np.einsum("...ii->...i", tables[..., :k]), tables.sum(axis=-1), tables.sum(axis=-2)[..., :k]
    with np.errstate(divide="ignore", invalid="ignore"):
        f1 = np.where((gold > 0) & (said > 0), 2 * right / (gold + said), np.nan)
    mean: Floats = f1.mean(axis=-1) if k > 1 else np.full(tables.shape[:-2], np.nan)
    return mean


class BalancedF1Stratum:
    """A group of items whose score is the mean of the classes' F1 over all pairs of a verdict and a person's label."""

    measure: Measure = "share"
    lowest = 0.0

    def __init__(self, table: PairTable) -> None:
        self._table = table
        whole = table.by_block.sum(axis=0)
        self.value = float(balanced_f1(whole))
        self.n = table.items
        self.effective_n = float(table.items)
        self.constant = table.blocks.count < 2

    def interval(self) -> Interval:
        """By a jackknife over items, or over groups where items have some: see `judgebench.metrics.blocks`."""
        return interval_of(self._table, self.value)

    def draws(self, rng: np.random.Generator, size: int) -> Floats:
        """Scores of `size` resamples of the blocks of items, shape (size,)."""
        blocks, k = self._table.by_block.shape[:2]
        counts = rng.multinomial(blocks, np.full(blocks, 1 / blocks), size)
        drawn = balanced_f1((counts @ self._table.by_block.reshape(blocks, -1)).reshape(size, k, k + 1))
        found: Floats = np.where(np.isnan(drawn), self.value, drawn)
        return found


def interval_of(table: PairTable, value: float) -> Interval:
    """The interval of the mean F1 of a table."""
    whole = table.by_block.sum(axis=0)
    part = CountedFigure(balanced_f1, float(whole.sum()), float(min(whole.sum(axis=-1))))
    found = block_interval(value, balanced_f1(whole - table.by_block), part, table.blocks, signed=False)
    return Interval(found["low"], found["high"])


def balanced_f1_stratum(outcomes: Sequence[Outcome], view: View = "credit") -> BalancedF1Stratum | None:
    """The items with labels as a group.

    Returns:
        None where no F1 is known, and for the bounds where there are failures: no verdict in their place is the worst,
        or the best, for every F1.
    """
    if view in {"low", "high"} and any(outcome.failed for outcome in outcomes):
        return None
    table = PairTable.of([outcome for outcome in outcomes if outcome.credit is not None])
    if table is None:
        return None
    found = BalancedF1Stratum(table)
    return None if np.isnan(found.value) else found


def class_figures(outcomes: Sequence[Outcome]) -> dict[str, Any] | None:
    """Precision, recall and F1 of each class over all pairs, their mean, and how many pairs there are.

    Returns:
        None where no item has labels and verdicts.
    """
    table = PairTable.of([outcome for outcome in outcomes if outcome.credit is not None])
    if table is None:
        return None
    whole = table.by_block.sum(axis=0)
    classes = {}
    for at, name in enumerate(table.names):
        right, gold, said = whole[at, at], whole[at].sum(), whole[:, at].sum()
        known = gold > 0 and said > 0
        classes[name] = {
            "precision": float(right / said) if said else None,
            "recall": float(right / gold) if gold else None,
            "f1": float(2 * right / (gold + said)) if known else None,
            "gold": float(gold),
            "said": float(said),
        }
    mean = float(balanced_f1(whole))
    return {"pairs": float(whole.sum()), "classes": classes, "f1": None if np.isnan(mean) else mean}


def people_figures(annotations: Iterable[Sequence[tuple[str, str | float]]]) -> dict[str, Any] | None:
    """What people reach against each other: the mean F1 of each person's labels against the others'.

    Args:
        annotations: Of each item what each of several people said.

    Returns:
        `score`, the mean over people weighted by what each one's F1 are over, as HealthBench reports it; `mean`, the
        plain one; and `people`, how many have an F1 of every class. None where nobody has.
    """
    counts: dict[str, dict[tuple[str, str], float]] = {}
    names: set[str] = set()
    for said in annotations:
        labels = [(who, str(label)) for who, label in said]
        names.update(label for _, label in labels)
        for at, (who, own) in enumerate(labels):
            table = counts.setdefault(who, {})
            for place, (_, other) in enumerate(labels):
                if place != at:
                    table[other, own] = table.get((other, own), 0.0) + 1
    found = [each for table in counts.values() if (each := _person(table, sorted(names))) is not None]
    if not found:
        return None
    total = sum(weight for _, weight in found)
    return {
        "score": sum(f1 * weight for f1, weight in found) / total,
        "mean": sum(f1 for f1, _ in found) / len(found),
        "people": len(found),
    }


def _person(counts: Mapping[tuple[str, str], float], names: Sequence[str]) -> tuple[float, float] | None:
    """One person's mean F1, and over how many pairs its classes' F1 are: those with the class on either side."""
    if len(names) < 2:
        return None
    table = np.array([[counts.get((label, said), 0.0) for said in names] + [0.0] for label in names])
    mean = float(balanced_f1(table))
    right = np.diag(table[:, :-1])
    weight = float((table.sum(axis=1) + table[:, :-1].sum(axis=0) - right).sum())
    return None if np.isnan(mean) else (mean, weight)
