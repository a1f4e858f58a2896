"""The conditional logit of which completion a judge chooses, given all that may explain the choice at once.

Judges choose the better answer, the one in a slot, the longer one, one of their own family. Where these go together
(the correct answers of easy items are longer, say) each on its own looks like the others, so they are fitted together.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

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


class _Rows(NamedTuple):
    """What may be chosen in each question: a completion, or `behind` of them, which are all but the one in `slot`.

    Each of shape (rows,); the questions are 0, 1, ... in order.
    """

    question: Ints
    item: Ints
    slot: Ints
    behind: Ints
    chosen: Floats
    correct: Floats
    length: Floats
    own: Floats
    rival: Floats


@dataclass(slots=True)
class Choices:
    """Questions that were answered by a choice, and the items that they are about; filled by `add`."""

    _item: array[int] = field(default_factory=lambda: array("q"))
    _slots: array[int] = field(default_factory=lambda: array("q"))
    _placed: array[int] = field(default_factory=lambda: array("b"))
    _shown: array[int] = field(default_factory=lambda: array("q"))
    _chosen: array[float] = field(default_factory=lambda: array("d"))
    _codes: dict[str, int] = field(default_factory=dict)
    _begins: array[int] = field(default_factory=lambda: array("q"))
    _lengths: array[int] = field(default_factory=lambda: array("q"))
    _own: array[int] = field(default_factory=lambda: array("b"))
    _num_correct: array[int] = field(default_factory=lambda: array("q"))
    _several: array[int] = field(default_factory=lambda: array("b"))
    _unit: array[int] = field(default_factory=lambda: array("q"))
    _units: dict[str, int] = field(default_factory=dict)
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
            own: Of each of the item's completions, whether the judge's family wrote it; None: not known. The item's
                first question says it.
            placed: Whether slots may matter: not for ratings, which are given one by one.
        """
        code = self._codes.get(key.id)
        self._item.append(self._add_item(key, own) if code is None else code)
        self._slots.append(len(shown))
        self._placed.append(placed)
        self._shown.extend(shown)
        self._chosen.extend(chosen)

    def _add_item(self, key: ItemKey, own: Sequence[bool] | None) -> int:
        """The number of a new item."""
        code = self._codes[key.id] = len(self._codes)
        self._subsets.append(key.subset if key.labelled else None)
        self._begins.append(len(self._lengths))
        self._lengths.extend(key.lengths)
        self._own.extend([False] * len(key.lengths) if own is None else map(bool, own))
        self._num_correct.append(key.num_correct)
        # Wrong answers, of which the family's may be the better ones.
        self._several.append(key.num_correct > 0 and key.k > 2)
        self._unit.append(self._units.setdefault(key.unit, len(self._units)))
        return code

    def _rows(self) -> _Rows:
        """A row a completion shown."""
        slots = np.asarray(self._slots)
        question = np.repeat(np.arange(len(slots)), slots)
        item = np.asarray(self._item)[question]
        place = np.arange(len(question)) - (np.cumsum(slots) - slots)[question]
        shown = np.asarray(self._shown)
        completion = np.asarray(self._begins)[item] + shown
        correct = (shown < np.asarray(self._num_correct)[item]).astype(np.float64)
        own = np.asarray(self._own)[completion].astype(np.float64)
        return _Rows(
            question=question,
            item=item,
            slot=np.where(np.asarray(self._placed)[question] > 0, place, 0),
            behind=np.zeros_like(place),
            chosen=np.asarray(self._chosen),
            correct=correct,
            length=np.log1p(np.asarray(self._lengths)[completion]),
            own=own,
            rival=own * (1 - correct) * np.asarray(self._several)[item],
        )

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
        shown = self._rows()
        scale = math.sqrt(np.mean(_relative(shown.length, shown.question) ** 2))
        rows = _nested(shown)
        terms = {"own": rows.own, "rival": rows.rival}
        if scale:
            surer = rows.correct * np.abs(_relative(rows.length, rows.question))
            terms |= {"length": rows.length / scale, "surer": surer}
        terms = {name: column for name, column in terms.items() if _centred(column, rows.question).any()}
        if not terms.keys() & {"own", "length"}:
            return None
        columns = np.stack([*terms.values(), *_places(rows.slot, rows.behind), rows.correct], axis=1)
        design = _Design.of(columns, self._groups()[rows.item], rows)
        coefficients, errors = design.fitted(np.asarray(self._unit)[design.item], ridge)
        at = {name: place for place, name in enumerate(terms)}
        adjusted = design.groups > 1 and None not in self._subsets

        def estimate(name: str) -> BiasEstimate | None:
            if name not in at:
                return None
            place = at[name]
            differs = design.columns[:, place] != 0
            questions, items = (np.count_nonzero(np.bincount(each[differs])) for each in (design.question, design.item))
            sizes = int(questions), int(items)
            return log_odds(float(coefficients[place]), float(errors[place]), sizes, association=not adjusted)

        return ChoiceModel(estimate("length"), estimate("own"), scale)

    def _groups(self) -> Ints:
        """Of each item, the number of its subset; one for all subsets of few labelled items."""
        items = Counter(self._subsets)
        large = [subset for subset, n in items.items() if subset is not None and n >= FEWEST_ITEMS]
        place: dict[str | None, int] = {subset: at for at, subset in enumerate(large)}
        return np.array([place.get(subset, len(large)) for subset in self._subsets])


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
        of_own = own.get(item)
        for reading in among:
            value = reading.result.value if isinstance(reading.result, Verdict) else None
            if isinstance(value, str) and len(reading.order) > 1:
                choices.add(key, reading.order, _shares(value, len(reading.order)), of_own)
    for outcome in outcomes:
        for scores in () if outcome.item.steps else outcome.scores:
            for pair in combinations(range(len(scores)), 2):
                one, other = scores[pair[0]], scores[pair[1]]
                if one is not None and other is not None:
                    first = 0.5 + 0.5 * ((one > other) - (one < other))
                    choices.add(outcome.item, pair, (first, 1 - first), own.get(outcome.item.id), placed=False)
    return choices


@lru_cache(maxsize=64)
def _shares(value: str, slots: int) -> tuple[float, ...]:
    return (1 / slots,) * slots if value == TIE else tuple(float(label == value) for label in LABELS[:slots])


def _nested(rows: _Rows) -> _Rows:
    """A question of more than two with one correct completion as that one against the others, then these by themselves.

    The others are a choice of their own only where the correct one has no share of it.
    """
    question, right = rows.question, rows.correct > 0
    slots = np.bincount(question)
    nested = ((slots > 2) & (np.bincount(question, weights=rows.correct) == 1))[question]
    best, wrong = _Rows(*(column[nested & right] for column in rows)), nested & ~right
    if not len(best.question):
        return rows
    number = np.zeros(len(slots), dtype=np.int64)
    number[best.question] = np.arange(len(best.question))
    behind = slots[best.question] - 1
    length, own = (np.bincount(number[question[wrong]], weights=c[wrong]) / behind for c in (rows.length, rows.own))
    zero = np.zeros(len(behind))
    rest = best._replace(behind=behind, chosen=1 - best.chosen, correct=zero, length=length, own=own, rival=zero)
    missed = wrong & (np.bincount(question, weights=rows.correct * rows.chosen) == 0)[question]
    parts = [rows, rest, rows]
    chosen_rows = [~wrong, np.ones(len(behind), dtype=bool), missed]
    names = [2 * part.question + second for part, second in zip(parts, (0, 0, 1), strict=True)]
    together = np.concatenate([name[kept] for name, kept in zip(names, chosen_rows, strict=True)])
    order = np.argsort(together, kind="stable")
    columns = (
        np.concatenate([column[kept] for column, kept in zip(three, chosen_rows, strict=True)])[order]
        for three in zip(*parts, strict=True)
    )
    return _Rows(*columns)._replace(question=np.unique(together[order], return_inverse=True)[1])


@dataclass(frozen=True, slots=True)
class _Design:
    """The rows of a conditional logit: the slots of each question but its first, less that one.

    Each row has the label of one group alone, so that the labels are no columns of their own.

    Attributes:
        columns: Regressors, the last the label, shape (rows, columns).
        group: Whose label it is, shape (rows,).
        chosen: The share of the choice that falls on the slot, shape (rows,).
        question: The question of each row: 0, 1, ... in order.
        item: The item of each row.
        starts: Where each question's rows begin.
        groups: How many labels there are.
    """

    columns: Floats
    group: Ints
    chosen: Floats
    question: Ints
    item: Ints
    starts: Ints
    groups: int

    @classmethod
    def of(cls, columns: Floats, group: Ints, rows: _Rows) -> _Design:
        """From a row for each slot, the first of each question among them."""
        first = _starts(rows.question)
        later = np.ones(len(rows.question), dtype=bool)
        later[first] = False
        differences, left = (columns - columns[first][rows.question])[later], rows.question[later]
        labels = np.flatnonzero(np.bincount(group[later][differences[:, -1] != 0]))
        place = np.zeros(int(group.max()) + 1, dtype=np.int64)
        place[labels] = np.arange(len(labels))
        return cls(
            differences, place[group[later]], rows.chosen[later], left, rows.item[later], _starts(left), len(labels)
        )

    def fitted(self, clusters: Ints, ridge: float) -> tuple[Floats, Floats]:
        """Coefficients and the columns' standard errors, by Newton steps that are halved until the objective falls.

        Args:
            clusters: Of each row, 0, 1, ..., shape (rows,).
            ridge: The penalty.

        Returns:
            The coefficients of the columns, then of the labels; the errors of the columns alone.
        """
        coefficients = np.zeros(self.columns.shape[1] - 1 + self.groups)
        value, chance = self._objective(coefficients, ridge)
        for _ in range(100):
            gradient = self._sums(self.chosen - chance) - ridge * coefficients
            step = np.linalg.solve(self._information(chance, ridge), gradient)
            while (after := self._objective(coefficients + step, ridge))[0] > value and np.abs(step).max() > 1e-10:
                step = step / 2
            coefficients, (value, chance) = coefficients + step, after
            if np.abs(step).max() < 1e-8:
                break
        return coefficients, self._errors(chance, clusters, ridge)

    def _utilities(self, at: Floats) -> Floats:
        dense = self.columns.shape[1] - 1
        labels = np.append(at[dense:], 0.0)  # of no group at all
        found: Floats = self.columns[:, :dense] @ at[:dense] + self.columns[:, dense] * labels[self.group]
        return found

    def _sums(self, weights: Floats) -> Floats:
        """The weighted sum of the rows."""
        labels = np.bincount(self.group, weights=self.columns[:, -1] * weights, minlength=self.groups)
        return np.concatenate([weights @ self.columns[:, :-1], labels[: self.groups]])

    def _objective(self, at: Floats, ridge: float) -> tuple[float, Floats]:
        """What the coefficients minimise, and the chance of each row."""
        eta = self._utilities(at)
        logs = self._log_sums(eta)
        value = float(logs.sum() - self.chosen @ eta + ridge / 2 * (at @ at))
        return value, np.exp(eta - logs[self.question])

    def _log_sums(self, eta: Floats) -> Floats:
        """The logarithm of each question's sum of exp(utility), that of the first slot being 0."""
        top = np.maximum(np.maximum.reduceat(eta, self.starts), 0.0)
        sums: Floats = np.exp(-top) + np.add.reduceat(np.exp(eta - top[self.question]), self.starts)
        logs: Floats = np.log(sums) + top
        return logs

    def _information(self, chance: Floats, ridge: float) -> Floats:
        weighted = self.columns * chance[:, None]
        means = np.add.reduceat(weighted, self.starts, axis=0)
        found = self._cross(self.columns, weighted, self.group) - self._cross(means, means, self.group[self.starts])
        return found + ridge * np.eye(len(found))

    def _cross(self, one: Floats, other: Floats, group: Ints) -> Floats:
        """`one.T @ other` with the last column of each apart by group; without the threads of BLAS, which wait."""
        dense, count = one.shape[1] - 1, self.groups
        product = np.zeros((dense + count, dense + count))
        product[:dense, :dense] = np.einsum("ij,ik->jk", one[:, :dense], other[:, :dense])
        labels = [np.bincount(group, weights=one[:, -1] * each, minlength=count)[:count] for each in other.T]
        product[dense:, :dense] = np.stack(labels[:-1], axis=1)
        product[:dense, dense:] = product[dense:, :dense].T
        product[dense:, dense:] = np.diag(labels[-1])
        return product

    def _errors(self, chance: Floats, clusters: Ints, ridge: float) -> Floats:
        inverse = np.linalg.inv(self._information(chance, ridge))
        residuals = self.chosen - chance
        count = int(clusters.max()) + 1
        factor = count / (count - 1) if count > 1 else 1.0
        dense = self.columns.shape[1] - 1
        scores = [np.bincount(clusters, weights=self._utilities(row) * residuals) for row in inverse[:dense]]
        sandwich = [float(each @ each) * factor for each in scores]
        errors: Floats = np.sqrt(np.maximum(sandwich, np.diag(inverse)[:dense]))
        return errors


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
