"""Label verdicts beside gold classes: the table of what was said for each class, and every figure that is made of it.

All figures are smooth functions of that table (or, of probabilities, of the table of their levels), and all intervals
come in one way: see `judgebench.metrics.blocks`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from judgebench.items import Verdict
from judgebench.metrics.blocks import CountedFigure, UnitBlocks, block_interval
from judgebench.metrics.thresholds import ranking_figures
from judgebench.metrics.votes import join, mean_probabilities

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from judgebench.items import Classes, Outcome, Reading
    from judgebench.metrics.intervals import Floats
    from judgebench.metrics.votes import Join

    Ints = NDArray[np.int64]

FIGURES = ("accuracy", "balanced_accuracy", "macro_f1", "precision", "recall", "specificity", "kappa", "mcc")
"""Of every label run, in the order of its table."""

NO_VERDICT = "no verdict"
"""What stands in the confusion table for a reply without a verdict."""

_FROM_MINUS_ONE = frozenset({"kappa", "mcc"})


@dataclass(frozen=True, slots=True)
class LabelVerdicts:
    """Verdicts beside the gold classes of their items, a row each.

    Attributes:
        gold: The number of the gold class, shape (n,).
        said: That of the class that was said, or the number of classes where there was no verdict, shape (n,).
        weight: What part of its item a row stands for: 1 over the item's verdicts, shape (n,).
        unit: A number of what the item belongs to, shape (n,).
        probability: Of the positive class, by the log-probabilities; not-a-number where none are known, shape (n,).
    """

    gold: Ints
    said: Ints
    weight: Floats
    unit: Ints
    probability: Floats

    @classmethod
    def of(
        cls, outcomes: Sequence[Outcome], readings: Mapping[str, Sequence[Reading]], classes: Classes, rule: Join
    ) -> LabelVerdicts:
        """Those of a run; items without a gold class, or of which nothing was asked, are left out.

        Args:
            outcomes: One an item.
            readings: By the item's id, before they are aggregated.
            classes: Of the template.
            rule: How the readings of an item are aggregated.
        """
        flat = np.fromiter(chain.from_iterable(_rows(outcomes, readings, classes, rule)), dtype=np.float64)
        gold, said, weight, unit, probability = flat.reshape(-1, 5).T
        return cls(gold.astype(np.int64), said.astype(np.int64), weight, unit.astype(np.int64), probability)


def _rows(
    outcomes: Sequence[Outcome], readings: Mapping[str, Sequence[Reading]], classes: Classes, rule: Join
) -> Iterator[tuple[float, float, float, float, float]]:
    number = {name: at for at, name in enumerate(classes.names)}
    none = len(number)
    for outcome in outcomes:
        item = outcome.item
        if outcome.credit is None or item.label is None:
            continue
        there = readings.get(item.id, ())
        among = there if rule == "mean" or len(there) < 2 else join(there, rule)
        unit = crc32(item.unit.encode("utf-8", "surrogatepass"))
        chance = _chance(there, classes.positive)
        for reading in among:
            label = reading.label
            said = none if label is None else number.get(label, none)
            yield number[item.label], said, 1 / len(among), unit, chance


def _chance(readings: Sequence[Reading], positive: str) -> float:
    """The mean probability of the positive class over an item's readings that tell one."""
    soft = [r for r in readings if isinstance(r.result, Verdict) and r.result.soft is not None]
    return mean_probabilities(soft).get(positive, 0.0) if soft else np.nan


def label_figures(verdicts: LabelVerdicts, classes: Classes) -> dict[str, Any] | None:
    """The object under `labels` in `metrics.json`.

    Replies without a verdict count as wrong: they lower accuracy, recall and specificity, and are a class of their own
    for kappa and Matthews' coefficient (Gorodkin 2004, doi:10.1016/j.compbiolchem.2004.09.006). `verdicts_alone` has
    every figure without them. Means over classes leave out those that neither stand nor are said, and that of
    abstaining where it is no item's gold class. Without any verdict no figure is known.

    Args:
        verdicts: A row each.
        classes: Of the template.

    Returns:
        None without any row.
    """
    if not len(verdicts.gold):
        return None
    k = len(classes.names)
    blocks = UnitBlocks.of(verdicts.unit, verdicts.weight)
    by_block = blocks.tables(verdicts.gold * (k + 1) + verdicts.said, verdicts.weight, k * (k + 1))
    table: Floats = by_block.sum(axis=0).reshape(k, k + 1)
    without = table - by_block.reshape(-1, k, k + 1)
    some = bool(table[:, :k].any())
    parts = _parts(table, classes)
    found: dict[str, dict[str, float] | None] = dict.fromkeys(parts)
    if some:
        found = {name: _estimate(name, part, table, without, blocks) for name, part in parts.items()}
        found["balanced_accuracy"] = _at_least_of_recalls(found["balanced_accuracy"], table, without, blocks)
    alone = table.copy()
    alone[:, k] = 0.0
    return {
        "classes": list(classes.names),
        "positive": classes.positive,
        "abstain": classes.abstain,
        "n": _plain(table.sum()),
        **found,
        "confusion": _confusion(table, classes),
        "per_class": _per_class(table, classes),
        "verdicts_alone": _points(alone, classes) if table[:, k].any() else None,
        **ranking_figures(
            verdicts.probability, verdicts.gold == classes.names.index(classes.positive), verdicts.weight, blocks
        ),
    }


def _points(table: Floats, classes: Classes) -> dict[str, float | None]:
    with np.errstate(divide="ignore", invalid="ignore"):
        values = {name: float(part.value(table)) for name, part in _parts(table, classes).items()}
    return {name: value if np.isfinite(value) else None for name, value in values.items()}


def _parts(table: Floats, classes: Classes) -> dict[str, CountedFigure]:
    """Each figure as a function of tables of shape (..., classes, classes and no verdict)."""
    k = len(classes.names)
    at = classes.names.index(classes.positive)
    abstain = None if classes.abstain is None else classes.names.index(classes.abstain)
    counted = [c for c in range(k) if c != abstain or table[c].any()]
    negative = [c for c in range(k) if c not in {at, abstain}]

    def right(t: Floats) -> Floats:
        return np.einsum("...ii->...i", t[..., :k])  # type: ignore[no-any-return]

    def recalls(t: Floats) -> Floats:
        return right(t) / t.sum(axis=-1)  # type: ignore[no-any-return]

    def f1(t: Floats) -> Floats:
        return 2 * right(t) / (t.sum(axis=-1) + t[..., :k].sum(axis=-2))  # type: ignore[no-any-return]

    def kappa(t: Floats) -> Floats:
        n = t.sum(axis=(-1, -2))
        chance = (t.sum(axis=-1) * t[..., :k].sum(axis=-2)).sum(axis=-1) / n**2
        return (right(t).sum(axis=-1) / n - chance) / (1 - chance)  # type: ignore[no-any-return]

    def mcc(t: Floats) -> Floats:
        n, gold, said = t.sum(axis=(-1, -2)), t.sum(axis=-1), t.sum(axis=-2)
        common = right(t).sum(axis=-1) * n - (gold * said[..., :k]).sum(axis=-1)
        spread = (n**2 - (said**2).sum(axis=-1)) * (n**2 - (gold**2).sum(axis=-1))
        return common / np.sqrt(spread)  # type: ignore[no-any-return]

    def of(values: Callable[[Floats], Floats]) -> Callable[[Floats], Floats]:
        return lambda t: _mean(values(t)[..., counted])

    n, gold = float(table.sum()), table.sum(axis=-1)
    fewest = float(min((count for count in gold if count), default=0.0))
    return {
        "accuracy": CountedFigure(lambda t: right(t).sum(axis=-1) / t.sum(axis=(-1, -2)), n),
        "balanced_accuracy": CountedFigure(of(recalls), n, fewest),
        "macro_f1": CountedFigure(of(f1), n, fewest),
        "precision": CountedFigure(lambda t: t[..., at, at] / t[..., at].sum(axis=-1), float(table[:, at].sum())),
        "recall": _recall(at, table),
        "specificity": CountedFigure(
            lambda t: t[..., negative, :][..., negative].sum(axis=(-1, -2)) / t[..., negative, :].sum(axis=(-1, -2)),
            float(gold[negative].sum()),
        ),
        "kappa": CountedFigure(kappa, n),
        "mcc": CountedFigure(mcc, n),
    } | _selective(table, classes, abstain)


def _selective(table: Floats, classes: Classes, abstain: int | None) -> dict[str, CountedFigure]:
    """Where the judge may abstain: on what share it does not, and how often it is right on these."""
    if abstain is None:
        return {}
    k = len(classes.names)
    answers = [c for c in range(k) if c != abstain]

    def answered(t: Floats) -> Floats:
        return t[..., answers].sum(axis=(-1, -2))  # type: ignore[no-any-return]

    def right(t: Floats) -> Floats:
        return sum(t[..., c, c] for c in answers)  # type: ignore[return-value]

    return {
        "answered": CountedFigure(lambda t: answered(t) / t.sum(axis=(-1, -2)), float(table.sum())),
        "selective_accuracy": CountedFigure(lambda t: right(t) / answered(t), float(answered(table))),
    }


def _mean(values: Floats) -> Floats:
    """The mean over the last axis, of what is known."""
    known = ~np.isnan(values)
    return np.where(known, values, 0.0).sum(axis=-1) / known.sum(axis=-1)  # type: ignore[no-any-return]


def _estimate(
    name: str, part: CountedFigure, table: Floats, without: Floats, blocks: UnitBlocks
) -> dict[str, float] | None:
    with np.errstate(divide="ignore", invalid="ignore"):
        value, others = float(part.value(table)), part.value(without)
    if not np.isfinite(value):
        return None
    return block_interval(value, others, part, blocks, signed=name in _FROM_MINUS_ONE)


def _recall(row: int, table: Floats) -> CountedFigure:
    def value(t: Floats) -> Floats:
        return t[..., row, row] / t[..., row, :].sum(axis=-1)  # type: ignore[no-any-return]

    return CountedFigure(value, float(table[row].sum()))


def _at_least_of_recalls(
    found: dict[str, float] | None, table: Floats, without: Floats, blocks: UnitBlocks
) -> dict[str, float] | None:
    """The interval of a mean of recalls, as wide at least as theirs together make it (Zou and Donner 2008).

    The recall of few items that are all right has no variance of its own, and an interval all the same.
    """
    there = [row for row in range(len(table)) if table[row].any()]
    recalls = [_estimate("recall", _recall(row, table), table, without, blocks) for row in there]
    known = [each for each in recalls if each is not None]
    if found is None or not known:
        return found
    down, up = (sum((each["score"] - each[end]) ** 2 for each in known) ** 0.5 / len(known) for end in ("low", "high"))
    value = found["score"]
    return {
        "score": value,
        "low": max(min(found["low"], value - down), 0.0),
        "high": min(max(found["high"], value + up), 1.0),
    }


def _confusion(table: Floats, classes: Classes) -> dict[str, dict[str, float]]:
    """Gold -> said -> count; a class that is neither stands there with zeros."""
    said = [*classes.names, *([NO_VERDICT] if table[:, -1].any() else [])]
    return {
        gold: {name: _plain(table[row, column]) for column, name in enumerate(said)}
        for row, gold in enumerate(classes.names)
    }


def _per_class(table: Floats, classes: Classes) -> dict[str, dict[str, float | None]]:
    """Of each class how often it is gold and said, with precision, recall and F1."""
    found, some = {}, table[:, :-1].any()
    for at, name in enumerate(classes.names):
        gold, said, both = table[at].sum(), table[:, at].sum(), table[at, at]
        found[name] = {
            "gold": _plain(gold),
            "said": _plain(said),
            "precision": float(both / said) if said else None,
            "recall": float(both / gold) if gold and some else None,
            "f1": float(2 * both / (gold + said)) if gold + said and some else None,
        }
    return found


def _plain(count: float) -> float:
    """A count as a whole number where it is one, for several samples of an item make parts of it."""
    return round(count) if abs(count - round(count)) < 1e-9 else round(float(count), 6)
