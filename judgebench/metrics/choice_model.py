"""The conditional logit of which completion a judge chooses, given all that may explain the choice at once.

Judges choose the better answer, the one in a slot, the longer one, one of their own family. Where these go together
(the correct answers of easy items are longer, say) each on its own looks like the others, so they are fitted together.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from dataclasses import dataclass, field
from itertools import combinations
from statistics import fmean
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from judgebench.items import LABELS, TIE, Verdict
from judgebench.metrics.bias import log_odds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from judgebench.items import ItemKey, Outcome, Reading
    from judgebench.metrics.bias import BiasEstimate
    from judgebench.metrics.intervals import Floats
    from judgebench.metrics.resampling import Ints

RIDGE = 0.1
FEWEST_ITEMS = 10
"""Subsets with fewer labelled items share one effect of the label."""


class _Row(NamedTuple):
    """What may be chosen: a completion, or `behind` of them, which are all but the one in `slot`."""

    slot: int
    behind: int
    chosen: float
    correct: float
    length: float
    own: float
    rival: float


@dataclass(slots=True)
class Choices:
    """Questions that were answered by a choice, a row a completion shown; filled by `add`."""

    _item: array[int] = field(default_factory=lambda: array("q"))
    _question: array[int] = field(default_factory=lambda: array("q"))
    _slot: array[int] = field(default_factory=lambda: array("q"))
    _behind: array[int] = field(default_factory=lambda: array("q"))
    _chosen: array[float] = field(default_factory=lambda: array("d"))
    _correct: array[float] = field(default_factory=lambda: array("d"))
    _length: array[float] = field(default_factory=lambda: array("d"))
    _own: array[float] = field(default_factory=lambda: array("d"))
    _rival: array[float] = field(default_factory=lambda: array("d"))
    _squares: float = 0.0
    _shown: int = 0
    _unit: array[int] = field(default_factory=lambda: array("q"))
    _units: dict[str, int] = field(default_factory=dict)
    _codes: dict[str, int] = field(default_factory=dict)
    _subsets: list[str | None] = field(default_factory=list)

    def add(
        self,
        key: ItemKey,
        shown: Sequence[int],
        chosen: Sequence[float],
        own: Sequence[bool] | None = None,
        *,
        placed: bool = True,
    ) -> None:
        """One question.

        Args:
            key: Of the item.
            shown: The completion in each slot.
            chosen: The share of the choice that falls on each slot, of sum 1: more than one has some in a tie.
            own: Of each of the item's completions, whether the judge's family wrote it; None: not known.
            placed: Whether slots may matter: not for ratings, which are given one by one.
        """
        several = key.num_correct > 0 and key.k > 2  # wrong answers, of which the family's may be the better ones
        rows = []
        for slot, (index, share) in enumerate(zip(shown, chosen, strict=True)):
            right, mine = index < key.num_correct, own is not None and own[index]
            size = math.log1p(key.lengths[index])
            rows.append(_Row(slot if placed else 0, 0, share, right, size, mine, mine and several and not right))
        self._measure([row.length for row in rows])
        correct = [row for row in rows if row.correct]
        if len(rows) == 2 or len(correct) != 1:
            self._put(key, rows)
            return
        (best,), wrong = correct, [row for row in rows if not row.correct]
        length, family = (fmean(float(getattr(row, name)) for row in wrong) for name in ("length", "own"))
        self._put(key, [best, _Row(best.slot, len(wrong), 1 - best.chosen, 0, length, family, 0)])
        if not best.chosen:
            self._put(key, wrong)

    def _measure(self, lengths: Sequence[float]) -> None:
        """Adds how far the log lengths shown are from each other."""
        total, others = sum(lengths), len(lengths) - 1
        if min(lengths) < max(lengths):
            self._squares += sum(((others + 1) * length - total) ** 2 for length in lengths) / others**2
        self._shown += len(lengths)

    def _put(self, key: ItemKey, rows: Sequence[_Row]) -> None:
        """One choice between rows."""
        if key.id not in self._codes:
            self._codes[key.id] = len(self._codes)
            self._subsets.append(key.subset if key.labelled else None)
        number = len(self._item)
        self._item.append(self._codes[key.id])
        self._unit.append(self._units.setdefault(key.unit, len(self._units)))
        columns: tuple[array[Any], ...] = (
            self._slot,
            self._behind,
            self._chosen,
            self._correct,
            self._length,
            self._own,
            self._rival,
        )
        for row in rows:
            self._question.append(number)
            for column, value in zip(columns, row, strict=True):
                column.append(value)

    def fit(self, *, ridge: float = RIDGE) -> ChoiceModel | None:
        """The coefficients by maximum likelihood; None without questions, or where nothing about them differs.

        Utility of a slot = its place + label of the subset x correct + b x correct x |relative length|
        + length x log(1 + length) / s + family x own + c x own x wrong; the chance of each slot is its share of
        exp(utility) (McFadden 1974). Relative length is the log length less the mean of the others'; s its root mean
        square over all slots shown. Of two slots this is a logistic regression on the differences.

        Of more than two, the correct one is chosen against the mean of the wrong ones, and one of these, where it is
        not (a nested logit): a judge whose errors fall on its family's wrong answers, because they are the better
        ones, is then no less right for it. c is for these, and for ratings of more than two.

        Fitted by Newton steps with a penalty of ridge / 2 times the squared coefficients: weaker than one question's
        worth of information, but it keeps coefficients finite where a judge can be told in advance. Errors are the
        cluster-robust sandwich's by group (Liang and Zeger 1986, doi:10.1093/biomet/73.1.13, times G / (G - 1)), or
        the model's own where larger: under separation the sandwich shrinks to nothing.

        Args:
            ridge: The penalty.
        """
        if not self._item:
            return None
        question = np.asarray(self._question, dtype=np.int64)
        relative = _relative(np.asarray(self._length), question)
        scale = math.sqrt(self._squares / self._shown)
        correct, own, rival = np.asarray(self._correct), np.asarray(self._own), np.asarray(self._rival)
        labels = self._labels(correct, question)
        terms = {"own": own, "rival": rival}
        if scale:
            terms |= {"length": np.asarray(self._length) / scale, "surer": correct * np.abs(relative)}
        terms = {name: column for name, column in terms.items() if _centred(column, question).any()}
        if not terms.keys() & {"own", "length"}:
            return None
        columns = [*terms.values(), *labels, *_places(np.asarray(self._slot), np.asarray(self._behind))]
        design = _Design.of(np.stack(columns, axis=1), np.asarray(self._chosen), question)
        coefficients, errors = design.fitted(np.asarray(self._unit, dtype=np.int64), ridge)
        at = {name: place for place, name in enumerate(terms)}
        adjusted = len(labels) > 1 and None not in self._subsets

        def estimate(name: str) -> BiasEstimate | None:
            if name not in at:
                return None
            place = at[name]
            sizes = self._sizes(design.question[np.abs(design.rows[:, place]) > 0])
            return log_odds(float(coefficients[place]), float(errors[place]), sizes, association=not adjusted)

        return ChoiceModel(estimate("length"), estimate("own"), scale)

    def _sizes(self, there: Ints) -> tuple[int, int]:
        """How many questions these are, each once or more in order, and how many items they are about."""
        items = np.asarray(self._item, dtype=np.int64)[there]
        return int(np.count_nonzero(np.diff(there, prepend=-1))), int(np.count_nonzero(np.bincount(items)))

    def _labels(self, correct: Floats, question: Ints) -> list[Floats]:
        """The label of each subset, and one for all subsets of few labelled items."""
        items = Counter(self._subsets)
        large = [subset for subset, n in items.items() if subset is not None and n >= FEWEST_ITEMS]
        place: dict[str | None, int] = {subset: at for at, subset in enumerate(large)}
        of_item = np.array([place.get(subset, len(large)) for subset in self._subsets])
        group = of_item[np.asarray(self._item)[question]]
        labels = [correct * (group == at) for at in range(len(large) + 1)]
        return [label for label in labels if _centred(label, question).any()]


@dataclass(frozen=True, slots=True)
class ChoiceModel:
    """What makes a judge choose a completion, in log-odds.

    Both are associations where labels are not known throughout, or their effect could not differ between subsets:
    they may be nothing but how hard the items are.

    Attributes:
        length: By how much `scale` more of log length raises them; None where lengths do not differ.
        own: By how much being written by the judge's own family does; None where that does not differ.
        scale: Root mean square of the relative log lengths: the unit of `length`.
    """

    length: BiasEstimate | None
    own: BiasEstimate | None
    scale: float


def collect_choices(
    readings: Mapping[str, Sequence[Reading]],
    keys: Mapping[str, ItemKey],
    outcomes: Iterable[Outcome] = (),
    own: Mapping[str, Sequence[bool]] | None = None,
) -> Choices:
    """Every choice among completions; ratings and scores are choices of the higher one in each pair of an item.

    Args:
        readings: By the item's id: the verdicts.
        keys: The items.
        outcomes: The ratings or scores, where there are any.
        own: By the item's id, whether each completion is by the judge's own family, where that is known.
    """
    choices, own = Choices(), own or {}
    for item, among in readings.items():
        if (key := keys.get(item)) is None:
            continue
        for reading in among:
            value = reading.result.value if isinstance(reading.result, Verdict) else None
            if isinstance(value, str) and len(reading.order) > 1:
                choices.add(key, reading.order, _shares(value, len(reading.order)), own.get(item))
    for outcome in outcomes:
        for scores in outcome.scores:
            for pair in combinations(range(len(scores)), 2):
                one, other = scores[pair[0]], scores[pair[1]]
                if one is not None and other is not None:
                    first = 0.5 + 0.5 * ((one > other) - (one < other))
                    choices.add(outcome.item, pair, (first, 1 - first), own.get(outcome.item.id), placed=False)
    return choices


def _shares(value: str, slots: int) -> list[float]:
    return [1 / slots] * slots if value == TIE else [float(label == value) for label in LABELS[:slots]]


@dataclass(frozen=True, slots=True)
class _Design:
    """The rows of a conditional logit.

    Attributes:
        rows: Regressors of each slot but a question's first, less those of the first, shape (rows, columns).
        chosen: The share of the choice that falls on the slot, shape (rows,).
        question: The question of each row: 0, 1, ... in order.
        starts: Where each question's rows begin.
    """

    rows: Floats
    chosen: Floats
    question: Ints
    starts: Ints

    @classmethod
    def of(cls, regressors: Floats, chosen: Floats, question: Ints) -> _Design:
        """From a row for each slot, the first of each question among them."""
        first = _starts(question)
        later = np.ones(len(question), dtype=bool)
        later[first] = False
        rows, left = (regressors - regressors[first][question])[later], question[later]
        return cls(rows, chosen[later], left, _starts(left))

    def fitted(self, clusters: Ints, ridge: float) -> tuple[Floats, Floats]:
        """Coefficients and standard errors, by Newton steps that are halved until the objective falls.

        Args:
            clusters: Of each question, 0, 1, ..., shape (questions,).
            ridge: The penalty.
        """
        coefficients = np.zeros(self.rows.shape[1])
        value = self._objective(coefficients, ridge)
        for _ in range(100):
            chance = self._chances(coefficients)
            gradient = self.rows.T @ (self.chosen - chance) - ridge * coefficients
            step = np.linalg.solve(self._information(chance, ridge), gradient)
            while (after := self._objective(coefficients + step, ridge)) > value and np.abs(step).max() > 1e-10:
                step = step / 2
            coefficients, value = coefficients + step, after
            if np.abs(step).max() < 1e-8:
                break
        return coefficients, self._errors(coefficients, clusters, ridge)

    def _objective(self, at: Floats, ridge: float) -> float:
        eta = self.rows @ at
        return float(self._log_sums(eta).sum() - self.chosen @ eta + ridge / 2 * (at @ at))

    def _chances(self, at: Floats) -> Floats:
        eta = self.rows @ at
        chances: Floats = np.exp(eta - self._log_sums(eta)[self.question])
        return chances

    def _log_sums(self, eta: Floats) -> Floats:
        """The logarithm of each question's sum of exp(utility), that of the first slot being 0."""
        top = np.maximum(np.maximum.reduceat(eta, self.starts), 0.0)
        sums: Floats = np.exp(-top) + np.add.reduceat(np.exp(eta - top[self.question]), self.starts)
        logs: Floats = np.log(sums) + top
        return logs

    def _information(self, chance: Floats, ridge: float) -> Floats:
        weighted = self.rows * chance[:, None]
        means = np.add.reduceat(weighted, self.starts, axis=0)
        found: Floats = _cross(self.rows, weighted) - _cross(means, means) + ridge * np.eye(self.rows.shape[1])
        return found

    def _errors(self, coefficients: Floats, clusters: Ints, ridge: float) -> Floats:
        chance = self._chances(coefficients)
        inverse = np.linalg.inv(self._information(chance, ridge))
        residuals = self.rows * (self.chosen - chance)[:, None]
        count = int(clusters.max()) + 1
        code = clusters[self.question]
        scores: Floats = np.stack(
            [np.bincount(code, weights=column, minlength=count) for column in residuals.T], axis=1
        )
        factor = count / (count - 1) if count > 1 else 1.0
        sandwich = inverse @ _cross(scores, scores) @ inverse * factor
        errors: Floats = np.sqrt(np.maximum(np.diag(sandwich), np.diag(inverse)))
        return errors


def _cross(one: Floats, other: Floats) -> Floats:
    """`one.T @ other` of tall arrays, without the threads of BLAS, which wait for each other on busy cores."""
    product: Floats = np.einsum("ij,ik->jk", one, other)
    return product


def _starts(question: Ints) -> Ints:
    """Where each question's rows begin."""
    starts: Ints = np.flatnonzero(np.diff(question, prepend=-1))
    return starts


def _relative(values: Floats, question: Ints) -> Floats:
    """Each row's value less the mean of the others of its question."""
    shown = np.bincount(question)[question]
    relative: Floats = _centred(values, question) * shown / np.maximum(shown - 1, 1)
    return relative


def _centred(values: Floats, question: Ints) -> Floats:
    """Values less their mean in each question, shape (rows,); equal ones are exactly 0."""
    starts = _starts(question)
    shifted = values - values[starts][question]
    centred: Floats = shifted - (np.add.reduceat(shifted, starts) / np.bincount(question))[question]
    return centred


def _places(slot: Ints, behind: Ints) -> list[Floats]:
    """A column for each slot but the first; a row for several slots stands for all but the one, and has their mean."""
    last = max(int(slot.max()), int(behind.max()))
    several, number = behind > 0, np.maximum(behind, 1)
    return [
        np.where(several, (slot != at) * (at <= behind) / number, slot == at).astype(np.float64)
        for at in range(1, last + 1)
    ]
