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
from itertools import combinations, count
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from judgebench.items import LABELS, TIE, Verdict
from judgebench.metrics.bias import log_odds
from judgebench.metrics.conditional_logit import Block, Design, starts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from judgebench.items import ItemKey, Outcome, Reading
    from judgebench.metrics.bias import BiasEstimate
    from judgebench.metrics.intervals import Floats
    from judgebench.metrics.resampling import Ints

RIDGE = 0.1
BLOCK = 8192
"""Questions that are read into rows at once."""
TERMS = ("own", "rival", "length", "surer")
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

    _item: array[int] = field(default_factory=lambda: array("i"))
    _slots: array[int] = field(default_factory=lambda: array("i"))
    _placed: array[int] = field(default_factory=lambda: array("b"))
    _shown: array[int] = field(default_factory=lambda: array("i"))
    _chosen: array[float] = field(default_factory=lambda: array("d"))
    _last: str | None = None
    _begins: array[int] = field(default_factory=lambda: array("i"))
    _lengths: array[int] = field(default_factory=lambda: array("i"))
    _own: array[int] = field(default_factory=lambda: array("b"))
    _num_correct: array[int] = field(default_factory=lambda: array("i"))
    _several: array[int] = field(default_factory=lambda: array("b"))
    _units: list[str | None] = field(default_factory=list)
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
        """One question; all of an item come one after another.

        Args:
            key: Of the item.
            shown: The completion in each slot.
            chosen: The share of the choice that falls on each slot, of sum 1: more than one has some in a tie.
            own: Of each of the item's completions, whether the judge's family wrote it; None: not known. The item's
                first question says it.
            placed: Whether slots may matter: not for ratings, which are given one by one.
        """
        if key.id != self._last:
            self._last = key.id
            self._add_item(key, own)
        self._item.append(len(self._units) - 1)
        self._slots.append(len(shown))
        self._placed.append(placed)
        self._shown.extend(shown)
        self._chosen.extend(chosen)

    def _add_item(self, key: ItemKey, own: Sequence[bool] | None) -> None:
        self._subsets.append(key.subset if key.labelled else None)
        self._begins.append(len(self._lengths))
        self._lengths.extend(key.lengths)
        self._own.extend([False] * len(key.lengths) if own is None else map(bool, own))
        self._num_correct.append(key.num_correct)
        # Wrong answers, of which the family's may be the better ones.
        self._several.append(key.num_correct > 0 and key.k > 2)
        self._units.append(key.group)

    def _blocks(self, block: int) -> Iterator[_Rows]:
        """A row a completion shown, of so many questions at once: with all of them memory would grow by a kB each."""
        slots, begin = np.asarray(self._slots), 0
        for first in range(0, len(slots), block):
            shown = slots[first : first + block]
            end = begin + int(shown.sum())
            yield self._rows(slice(first, first + block), slice(begin, end), shown)
            begin = end

    def _rows(self, questions: slice, rows: slice, slots: Ints) -> _Rows:
        """The rows of a block of questions, each with so many slots."""
        question = np.repeat(np.arange(len(slots)), slots)
        item = np.asarray(self._item)[questions][question]
        place = np.arange(len(question)) - (np.cumsum(slots) - slots)[question]
        shown = np.asarray(self._shown)[rows]
        completion = np.asarray(self._begins)[item] + shown
        correct = (shown < np.asarray(self._num_correct)[item]).astype(np.float64)
        own = np.asarray(self._own)[completion].astype(np.float64)
        return _Rows(
            question=question,
            item=item,
            slot=np.where(np.asarray(self._placed)[questions][question] > 0, place, 0),
            behind=np.zeros_like(place),
            chosen=np.asarray(self._chosen)[rows],
            correct=correct,
            length=np.log1p(np.asarray(self._lengths)[completion]),
            own=own,
            rival=own * (1 - correct) * np.asarray(self._several)[item],
        )

    def fit(self, *, ridge: float = RIDGE, block: int = BLOCK) -> ChoiceModel | None:
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
            block: Questions that are read into rows at once, which changes nothing but memory.
        """
        if not self._item:
            return None
        squares, rows, last, differ = 0.0, 0, 0, set[str]()
        for shown in self._blocks(block):
            relative = _relative(shown.length, shown.question)
            squares, rows = squares + float(relative @ relative), rows + len(relative)
            nested = _nested(shown)
            last = max(last, int(nested.slot.max()), int(nested.behind.max()))
            differ |= {name for name, column in _terms(nested).items() if _centred(column, nested.question).any()}
        scale = math.sqrt(squares / rows)
        differ -= set() if scale else {"length", "surer"}
        if not differ & {"own", "length"}:
            return None
        groups, unit = self._groups(), self._numbered_units()
        design = Design.of(
            Block.of(_slots(nested, _columns(nested, differ, last, scale), groups, unit))
            for nested in map(_nested, self._blocks(block))
        )
        coefficients, errors = design.fitted(ridge)
        at = {name: place for place, name in enumerate(name for name in TERMS if name in differ)}
        adjusted = design.groups > 1 and None not in self._subsets

        def estimate(name: str) -> BiasEstimate | None:
            if name not in at:
                return None
            place = at[name]
            sizes = design.sizes(place)
            return log_odds(float(coefficients[place]), float(errors[place]), sizes, association=not adjusted)

        return ChoiceModel(estimate("length"), estimate("own"), scale)

    def _numbered_units(self) -> Ints:
        """Of each item, the number of what it belongs to: its group, or itself."""
        return np.fromiter(unit_numbers(self._units), dtype=np.int32, count=len(self._units))

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


def unit_numbers(groups: Iterable[str | None]) -> Iterator[int]:
    """The number of each item's unit, from 0 on: one for all items of a group, one for each item without a group.

    Example:
        >>> list(unit_numbers(["a", None, "a", None]))
        [0, 1, 0, 2]
    """
    fresh = count()
    numbers: dict[str, int] = {}
    for group in groups:
        number = None if group is None else numbers.get(group)
        if number is None:
            number = next(fresh)
            if group is not None:
                numbers[group] = number
        yield number


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


def _terms(rows: _Rows) -> dict[str, Floats]:
    """What may explain a choice but for the place and the label, lengths in log units."""
    surer = rows.correct * np.abs(_relative(rows.length, rows.question))
    return dict(zip(TERMS, (rows.own, rows.rival, rows.length, surer), strict=True))


def _slots(rows: _Rows, columns: Floats, groups: Ints, units: Ints) -> Block:
    """A row for each slot, with the group and the unit of its item."""
    item, question = rows.item, rows.question
    return Block(columns, groups[item], rows.chosen, question, item, units[item], starts_of(question))


def _columns(rows: _Rows, names: set[str], last: int, scale: float) -> Floats:
    """The regressors of each row: the terms of these names, the places up to the last, the label."""
    terms = [(name, column) for name, column in _terms(rows).items() if name in names]
    found = [column / scale if name == "length" else column for name, column in terms]
    return np.stack([*found, *_places(rows.slot, rows.behind, last), rows.correct], axis=1)


def _relative(values: Floats, question: Ints) -> Floats:
    """Each row's value less the mean of the others of its question."""
    shown = np.bincount(question)[question]
    relative: Floats = _centred(values, question) * shown / np.maximum(shown - 1, 1)
    return relative


def _centred(values: Floats, question: Ints) -> Floats:
    """Values less their mean in each question, shape (rows,); equal ones are exactly 0."""
    starts = starts_of(question)
    shifted = values - values[starts][question]
    centred: Floats = shifted - (np.add.reduceat(shifted, starts) / np.bincount(question))[question]
    return centred


def _places(slot: Ints, behind: Ints, last: int) -> list[Floats]:
    """A column for each slot but the first; a row for several slots stands for all but the one, and has their mean."""
    several, number = behind > 0, np.maximum(behind, 1)
    return [
        np.where(several, (slot != at) * (at <= behind) / number, slot == at).astype(np.float64)
        for at in range(1, last + 1)
    ]
