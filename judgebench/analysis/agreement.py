"""How far runs over the same items say the same: which completion they choose, and which letter they name.

By completions (of an item, or of each question about it) two runs agree beyond chance as far as they err on the same
items, since the correct ones are first: `errors_in_common`, which is 0 where their errors are independent, however
often both are right. By letters they agree beyond chance as far as both follow anything in common, the truth too: the
kappa of papers on judges and annotators.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import combinations, product
from typing import TYPE_CHECKING

import numpy as np

from judgebench._util.table import Column
from judgebench.errors import ConfigError
from judgebench.items import NO_STEP
from judgebench.metrics.agreement import cohen_kappa, fleiss_kappa, gwet_ac1, krippendorff_alpha, percent_agreement
from judgebench.metrics.resampling import codes
from judgebench.metrics.steps import FIRST_WRONG
from judgebench.runs import run_templates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from judgebench._util.table import Columns, Value
    from judgebench.items import ItemKey, Outcome, Reading
    from judgebench.metrics.agreement import Agreement
    from judgebench.metrics.intervals import Floats
    from judgebench.runs import Finished

    Question = tuple[int, ...]
    Said = dict[Any, float]
    """What a run says, by item, by item and question, or by item and order."""

_TIED = math.inf
"""A tie, past the index of every completion."""


@dataclass(frozen=True, slots=True)
class RunsAgreement:
    """How far two runs say the same.

    Attributes:
        of: `choices` (which completion of an item, or a tie) where both runs have some, else `questions` (which
            completion of each question about an item, or a tie); `classes` of label verdicts.
        same: Share of items, or questions, on which they do.
        kappa: Cohen's, of the letters that they name (or a tie), by question and order. Ratings and scores name the
            letter of the best completion in the orders that the other run was shown; two runs of them, in each slot
            once. Without a value where no order is common.
        errors_in_common: Cohen's kappa of the completions, over the same rows as `same`.
        ac1: Gwet's of the completions, which stays high where both runs are nearly always right.
        categories: Of `ac1`: the completions, and a tie where a run of the table can have one.
    """

    first: int
    second: int
    of: str
    same: Agreement
    kappa: Agreement
    errors_in_common: Agreement
    ac1: Agreement
    categories: int


@dataclass(frozen=True, slots=True)
class Alike:
    """How far several runs say the same.

    Attributes:
        pairs: Each two runs that answer a common question.
        fleiss: Fleiss' kappa of all, of the completions; None where no two do.
        krippendorff: Krippendorff's alpha of all, nominal, of the completions; likewise.
        notes: What a reader must know.
    """

    pairs: tuple[RunsAgreement, ...]
    fleiss: Agreement | None = None
    krippendorff: Agreement | None = None
    notes: tuple[str, ...] = ()


class _Table:
    """What runs said, a row for each item, question or order and a column for each run.

    Args:
        said: Of each run, by row; a tie is `_TIED`.
        clusters: What the item of each row belongs to, or the item.
        categories: How many completions there are to name, at most, and a tie where a run can have one.
    """

    def __init__(self, said: Sequence[Said], clusters: Mapping[Any, str], categories: int = 0) -> None:
        self.ratings: Floats = np.array(
            [[run.get(row, math.nan) for run in said] for row in clusters], dtype=np.float64
        ).reshape(len(clusters), len(said))
        self.clusters, _ = codes(list(clusters.values()), len(clusters))
        occurring = len(np.unique(self.ratings[~np.isnan(self.ratings)]))
        self.categories = max(categories, occurring, 2)

    def kappa(self, first: int, second: int) -> Agreement:
        """Cohen's kappa of two runs."""
        return cohen_kappa(self.ratings[:, [first, second]], clusters=self.clusters)

    def of_two(self, first: int, second: int) -> tuple[Agreement, Agreement, Agreement] | None:
        """Share, kappa and AC1 of two runs; None where no row has both."""
        both = ~np.isnan(self.ratings[:, [first, second]]).any(axis=1)
        if not both.any():
            return None
        ratings, clusters = self.ratings[both][:, [first, second]], self.clusters[both]
        return (
            percent_agreement(ratings, clusters=clusters),
            cohen_kappa(ratings, clusters=clusters),
            gwet_ac1(ratings, categories=self.categories, clusters=clusters),
        )


def agreement_of(opened: Sequence[Finished], ids: Sequence[str]) -> Alike:
    """How far runs over the same items say the same: each pair, and all.

    Args:
        opened: The runs, two or more.
        ids: The items that count.
    """
    ties = any(map(_can_tie, opened))
    tables = {"choices": _by_item(opened, ids, ties=ties)}
    tables["classes"] = tables["choices"]
    numbers = list(combinations(range(len(opened)), 2))
    whole = "classes" if all(map(_classes, opened)) else "choices"
    found = {pair: (whole, figures) for pair in numbers if (figures := tables["choices"].of_two(*pair))}
    if len(found) < len(numbers):
        tables["questions"] = _by_question(opened, ids, ties=ties)
        more = {pair: tables["questions"].of_two(*pair) for pair in numbers if pair not in found}
        found |= {pair: ("questions", figures) for pair, figures in more.items() if figures}
    notes = tuple(_notes(opened, ids, [pair for pair in numbers if pair not in found]))
    if not found:
        return Alike((), notes=notes)
    letters = _Letters(opened, ids)
    pairs = tuple(
        RunsAgreement(*pair, of, same, letters.kappa(*pair), kappa, ac1, tables[of].categories)
        for pair, (of, (same, kappa, ac1)) in sorted(found.items())
    )
    all_ = tables["questions" if any(each.of == "questions" for each in pairs) else "choices"]
    fleiss, alpha = (measure(all_.ratings, clusters=all_.clusters) for measure in (fleiss_kappa, krippendorff_alpha))
    return Alike(pairs, fleiss, alpha, notes)


def _can_tie(finished: Finished) -> bool:
    """Whether a run can find two completions equal: by its rule, by equal ratings, or by verdicts that differ."""
    if finished.is_scores or finished.made_of is not None:
        return True
    protocol = finished.run.manifest.protocol.protocol
    if protocol.orders != "one" or protocol.samples > 1:
        return True
    try:
        reader = run_templates(finished).reader
    except ConfigError:
        return True
    return not reader.kind.ordered or reader.rule.can_tie


def _by_item(opened: Sequence[Finished], ids: Sequence[str], *, ties: bool) -> _Table:
    """The completion that each run prefers of each item."""
    keys = opened[0].keys
    said: list[Said] = []
    for each in opened:
        found = choices(each)
        said.append({i: _TIED if found[i] == keys[i].k > 1 else found[i] for i in ids if i in found})
    completions = max((keys[item].k for run in said for item in run), default=0)
    classes = max((len(_classes(each)) for each in opened), default=0)
    return _Table(said, {item: item for item in ids}, classes or completions + ties)


class _Letters:
    """The letters that runs name, by item and order."""

    def __init__(self, opened: Sequence[Finished], ids: Sequence[str]) -> None:
        named = [_named_letters(each, ids) for each in opened]
        self._scored = [not letters for letters in named]
        rows = {row: row[0] for letters in named for row in letters}
        self._shown = self._table(opened, named, rows)
        turned = {(i, order): i for i in ids for order in _turns(opened, i)} if sum(self._scored) > 1 else {}
        self._turned = self._table(opened, [{} for _ in opened], turned)

    def _table(self, opened: Sequence[Finished], named: Sequence[Said], rows: Mapping[Any, str]) -> _Table:
        every = zip(opened, named, self._scored, strict=True)
        return _Table([_best_letters(each, rows) if scored else letters for each, letters, scored in every], rows)

    def kappa(self, first: int, second: int) -> Agreement:
        """Of two runs; of two that were shown no order, over each completion in each slot."""
        table = self._turned if self._scored[first] and self._scored[second] else self._shown
        return table.kappa(first, second)


def _named_letters(finished: Finished, ids: Sequence[str]) -> Said:
    """The slot, or the class, that most of the samples of an order name, by item and order."""
    found: Said = {}
    classes = _classes(finished)
    for item in ids:
        if finished.benchmark.by_ties(finished.keys[item]):
            continue
        orders: dict[Question, list[Reading]] = {}
        for reading in finished.readings.get(item, ()):
            if not reading.failed and reading.rating is None:
                orders.setdefault(reading.order, []).append(reading)
        for order, among in orders.items():
            choice = _most_named(among)
            places = classes if len(order) == 1 else order
            place = len(places) if choice not in places else places.index(choice)  # a step past the end
            found[item, order] = _TIED if choice is None else float(place)
    return found


def _classes(finished: Finished) -> Sequence[str | int]:
    """The classes of label verdicts, or the numbers of steps with -1; none of others."""
    if steps := max((key.steps for key in finished.keys.values()), default=0):
        return tuple(map(str, range(NO_STEP, steps)))
    classes = finished.run.manifest.template.label_classes
    return () if classes is None else classes.names


def _best_letters(finished: Finished, rows: Mapping[Any, str]) -> Said:
    """The slot of the completion with the highest mean rating or score, by item and order."""
    found: Said = {}
    means = {item: _means(finished.outcomes[item]) for item in set(rows.values())}
    for item, order in rows:
        if len(order) == 1:  # a class, which no score names
            continue
        shown = [mean for index in order if means[item] and (mean := means[item][index]) is not None]
        if len(shown) == len(order):
            top = max(shown)
            found[item, order] = float(shown.index(top)) if shown.count(top) == 1 else _TIED
    return found


def _turns(opened: Sequence[Finished], item: str) -> Iterator[Question]:
    """Orders that put each completion of a question once in each slot; questions as in `_verdicts`."""
    key = opened[0].keys[item]
    if opened[0].benchmark.by_ties(key):
        return
    several = product(range(key.num_correct), range(key.num_correct, key.k))
    for question in [tuple(range(key.k))] if key.num_correct < 2 else several:
        for at in range(len(question)):
            yield question[at:] + question[:at]


def _notes(opened: Sequence[Finished], ids: Sequence[str], without: Sequence[tuple[int, int]]) -> list[str]:
    """Why there is no agreement of some pairs of runs, where items have completions to choose from."""
    if not without or all(opened[0].keys[item].k == 1 for item in ids):
        return []
    said = ", ".join(f"{first + 1} and {second + 1}" for first, second in without)
    return [f"no agreement for runs {said}: no common questions"]


def _by_question(opened: Sequence[Finished], ids: Sequence[str], *, ties: bool) -> _Table:
    """The verdict on each question that any run answers: the place of what it names among those shown, or a tie."""
    said: list[Said] = []
    rows: dict[tuple[str, Question], str] = {}
    for each in opened:
        run: Said = {}
        for item in ids:
            for question, place in _verdicts(each, each.outcomes[item]).items():
                run[item, question] = place
                rows[item, question] = each.keys[item].unit
        said.append(run)
    completions = max((len(question) for _, question in rows), default=0)
    return _Table(said, rows, completions + ties)


def _verdicts(finished: Finished, outcome: Outcome) -> dict[Question, float]:
    """By question: the readings', else, from scores, those on each pair of a correct and an incorrect completion."""
    key = outcome.item
    if finished.benchmark.by_ties(key):
        return {}
    questions: dict[Question, list[Reading]] = {}
    for reading in finished.readings.get(key.id, ()):
        if len(reading.order) > 1 and not reading.failed:
            questions.setdefault(tuple(sorted(reading.order)), []).append(reading)
    if questions or not outcome.scores:
        named = ((question, _most_named(among)) for question, among in questions.items())
        return {q: _TIED if choice is None else float(q.index(choice)) for q, choice in named}
    means = _means(outcome)
    found: dict[Question, float] = {}
    for pair in product(range(key.num_correct), range(key.num_correct, key.k)):
        right, wrong = (means[index] for index in pair)
        if right is not None and wrong is not None:
            found[pair] = _TIED if right == wrong else float(wrong > right)
    return found


def choices(finished: Finished) -> dict[str, float]:
    """Which completion a run prefers, by item: its index, or the number of completions for a tie.

    From readings, the one that most of an item's verdicts name; from ratings or scores, the one with the highest mean.
    Items with one completion or several correct ones, and those asked in several questions, have no single choice; one
    in a class has the class: 0 for the gold one, else its number among the others, from 1 on.
    """
    chosen: dict[str, float] = {}
    classes = _classes(finished)
    for item, outcome in finished.outcomes.items():
        key = outcome.item
        if key.steps:
            said = [reading for reading in finished.readings.get(item, ()) if reading.label is not None]
            step = _most_named(said) if said else outcome.parts.get(FIRST_WRONG)
            if step is not None:  # 0 for the right one, and another number for each other
                chosen[item] = 0.0 if str(int(step)) == key.gold else float(step) + 2
            continue
        if classes and key.k == 1:
            said = [reading for reading in finished.readings.get(item, ()) if reading.label is not None]
            label = _most_named(said) if said else None
            if label is not None:
                others = [name for name in classes if name != key.label]
                chosen[item] = 0.0 if label == key.label else 1.0 + others.index(label)
            continue
        if key.k == 1 or key.num_correct > 1 or finished.benchmark.by_ties(key):
            continue
        found = _top(outcome) if outcome.scores else named_choice(key, finished.readings.get(item, ()))
        if found is not None:
            chosen[item] = float(found)
    return chosen


def _means(outcome: Outcome) -> list[float | None]:
    """The mean score of each completion over the samples that have one."""
    columns = [[score for score in column if score is not None] for column in zip(*outcome.scores, strict=True)]
    return [sum(column) / len(column) if column else None for column in columns]


def _top(outcome: Outcome) -> int | None:
    means = _means(outcome)
    there = [mean for mean in means if mean is not None]
    if not there:
        return None
    top = max(there)
    return means.index(top) if means.count(top) == 1 else outcome.item.k


def named_choice(key: ItemKey, readings: Sequence[Reading]) -> int | None:
    """The completion that most of an item's verdicts name, or `k` for a tie; None where they show some of it, or none.

    Args:
        key: The item.
        readings: All of its own.
    """
    said = [reading for reading in readings if not reading.failed]
    if not said or any(len(reading.order) != key.k for reading in said):
        return None
    choice = _most_named(said)
    return key.k if choice is None else choice


def _most_named(said: Sequence[Reading]) -> Any:
    """What most of a question's verdicts name, a completion or a class; None for a tie."""
    (choice, count), *others = Counter(reading.named for reading in said).most_common(2)
    return None if others and others[0][1] == count else choice


def agreement_legend(pairs: Sequence[RunsAgreement]) -> Iterator[str]:
    """What each column of `agreement_columns` is over, a line each; nothing without pairs."""
    of = {each.of for each in pairs}
    if not of:
        return
    if of == {"classes"}:
        yield "agreement: share of items with the same class; kappa: Cohen's, over the classes"
        yield "errors in common: Cohen's kappa, over right and wrong classes (0: independent errors)"
        yield "AC1: Gwet's, likewise"
        return
    several = "items" if of == {"choices"} else "items (where an item has several, common questions)"
    yield f"agreement: share of {'common questions' if of == {'questions'} else several} with the same choice"
    yield "kappa: Cohen's, over the letters named (or a tie) by question and order"
    yield "errors in common: Cohen's kappa over completions (0: independent errors)"
    names = " or ".join(str(each) for each in sorted({each.categories for each in pairs}))
    yield f"AC1: Gwet's, over completions ({names} categories)"


def agreement_columns(pairs: Sequence[RunsAgreement]) -> Columns:
    """How far two runs say the same, of a pair of their numbers; where there is no room, in a table below."""
    by_pair = {(each.first, each.second): each for each in pairs}

    def value(pair: tuple[int, int], name: str) -> Value:
        return getattr(by_pair[pair], name).value if pair in by_pair else None

    return {
        Column("agreement", "share", form=".0%", priority=1): lambda pair: value(pair, "same"),
        Column("kappa", "coefficient", priority=1): lambda pair: value(pair, "kappa"),
        Column("errors in common", "coefficient", priority=1): lambda pair: value(pair, "errors_in_common"),
        Column("AC1", "coefficient", priority=1): lambda pair: value(pair, "ac1"),
    }
