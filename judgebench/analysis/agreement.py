"""How far runs over the same items say the same, whatever the labels say: choice by choice, or question by question."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import combinations, product
from typing import TYPE_CHECKING

import numpy as np

from judgebench._util.table import Column
from judgebench.metrics.agreement import cohen_kappa, fleiss_kappa, gwet_ac1, krippendorff_alpha, percent_agreement
from judgebench.metrics.resampling import codes

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from judgebench._util.table import Columns, Value
    from judgebench.items import ItemKey, Outcome, Reading
    from judgebench.metrics.agreement import Agreement
    from judgebench.metrics.intervals import Floats
    from judgebench.runs import Finished

    Question = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RunsAgreement:
    """How far two runs say the same.

    Attributes:
        of: `choices` (which completion of an item, or a tie) where both runs have some, else `questions` (which
            completion of each question about an item, or a tie).
        same: Share of items, or questions, on which they do.
        kappa: Cohen's.
        ac1: Gwet's, which stays high where both runs nearly always say the same one thing.
    """

    first: int
    second: int
    of: str
    same: Agreement
    kappa: Agreement
    ac1: Agreement


@dataclass(frozen=True, slots=True)
class Alike:
    """How far several runs say the same.

    Attributes:
        pairs: Each two runs that answer a common question.
        fleiss: Fleiss' kappa of all; None where no two do.
        krippendorff: Krippendorff's alpha of all, nominal; likewise.
        notes: What a reader must know.
    """

    pairs: tuple[RunsAgreement, ...]
    fleiss: Agreement | None = None
    krippendorff: Agreement | None = None
    notes: tuple[str, ...] = ()


class _Table:
    """What runs said, a row for each item or question and a column for each run.

    Args:
        said: Of each run, by item or by item and question.
        clusters: The item of each row.
    """

    def __init__(self, said: Sequence[Mapping[Hashable, float]], clusters: Mapping[Hashable, str]) -> None:
        self.ratings: Floats = np.array(
            [[run.get(row, math.nan) for run in said] for row in clusters], dtype=np.float64
        ).reshape(len(clusters), len(said))
        self.clusters, _ = codes(list(clusters.values()), len(clusters))

    def of_two(self, first: int, second: int) -> tuple[Agreement, Agreement, Agreement] | None:
        """Share, kappa and AC1 of two runs; None where no row has both."""
        both = ~np.isnan(self.ratings[:, [first, second]]).any(axis=1)
        if not both.any():
            return None
        ratings, clusters = self.ratings[both][:, [first, second]], self.clusters[both]
        return (
            percent_agreement(ratings, clusters=clusters),
            cohen_kappa(ratings, clusters=clusters),
            gwet_ac1(ratings, clusters=clusters),
        )


def agreement_of(opened: Sequence[Finished], ids: Sequence[str]) -> Alike:
    """How far runs over the same items say the same: each pair, and all.

    Args:
        opened: The runs, two or more.
        ids: The items that count.
    """
    tables = {"choices": _Table([choices(each) for each in opened], {item: item for item in ids})}
    numbers = list(combinations(range(len(opened)), 2))
    found = {pair: ("choices", figures) for pair in numbers if (figures := tables["choices"].of_two(*pair))}
    if len(found) < len(numbers):
        tables["questions"] = _by_question(opened, ids)
        more = {pair: tables["questions"].of_two(*pair) for pair in numbers if pair not in found}
        found |= {pair: ("questions", figures) for pair, figures in more.items() if figures}
    pairs = tuple(RunsAgreement(*pair, *found[pair][:1], *found[pair][1]) for pair in numbers if pair in found)
    notes = tuple(_notes(opened, ids, [pair for pair in numbers if pair not in found]))
    if not pairs:
        return Alike((), notes=notes)
    all_ = tables["choices" if all(each.of == "choices" for each in pairs) else "questions"]
    fleiss, alpha = (measure(all_.ratings, clusters=all_.clusters) for measure in (fleiss_kappa, krippendorff_alpha))
    return Alike(pairs, fleiss, alpha, notes)


def _notes(opened: Sequence[Finished], ids: Sequence[str], without: Sequence[tuple[int, int]]) -> list[str]:
    """Why there is no agreement of some pairs of runs, where items have completions to choose from."""
    if not without or all(opened[0].keys[item].k == 1 for item in ids):
        return []
    said = ", ".join(f"{first + 1} and {second + 1}" for first, second in without)
    return [f"no agreement for runs {said}: no common questions"]


def _by_question(opened: Sequence[Finished], ids: Sequence[str]) -> _Table:
    """The verdict on each question that any run answers: the place of what it names among those shown, or past them."""
    said: list[dict[Hashable, float]] = []
    rows: dict[Hashable, str] = {}
    for each in opened:
        run: dict[Hashable, float] = {}
        for item in ids:
            for question, place in _verdicts(each, each.outcomes[item]).items():
                run[item, question] = place
                rows[item, question] = item
        said.append(run)
    return _Table(said, rows)


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
        return {q: float(len(q) if choice is None else q.index(choice)) for q, choice in named}
    means = _means(outcome)
    found: dict[Question, float] = {}
    for pair in product(range(key.num_correct), range(key.num_correct, key.k)):
        right, wrong = (means[index] for index in pair)
        if right is not None and wrong is not None:
            found[pair] = 2.0 if right == wrong else float(wrong > right)
    return found


def choices(finished: Finished) -> dict[Hashable, float]:
    """Which completion a run prefers, by item: its index, or the number of completions for a tie.

    From readings, the one that most of an item's verdicts name; from ratings or scores, the one with the highest mean.
    Items with one completion or several correct ones, and those asked in several questions, have no single choice.
    """
    chosen: dict[Hashable, float] = {}
    for item, outcome in finished.outcomes.items():
        key = outcome.item
        if key.k == 1 or key.num_correct > 1 or finished.benchmark.by_ties(key):
            continue
        found = _top(outcome) if outcome.scores else _named(key, finished.readings.get(item, ()))
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


def _named(key: ItemKey, readings: Sequence[Reading]) -> int | None:
    said = [reading for reading in readings if not reading.failed]
    if not said or any(len(reading.order) != key.k for reading in said):
        return None
    choice = _most_named(said)
    return key.k if choice is None else choice


def _most_named(said: Sequence[Reading]) -> int | None:
    """What most of a question's verdicts name; None for a tie."""
    (choice, count), *others = Counter(reading.choice for reading in said).most_common(2)
    return None if others and others[0][1] == count else choice


def agreement_columns(pairs: Sequence[RunsAgreement]) -> Columns:
    """How far two runs say the same, of a pair of their numbers; where there is no room, in a table below."""
    by_pair = {(each.first, each.second): each for each in pairs}

    def value(pair: tuple[int, int], name: str) -> Value:
        return getattr(by_pair[pair], name).value if pair in by_pair else None

    return {
        Column("agreement", "share", form=".0%", priority=1): lambda pair: value(pair, "same"),
        Column("kappa", "coefficient", priority=1): lambda pair: value(pair, "kappa"),
        Column("AC1", "coefficient", priority=1): lambda pair: value(pair, "ac1"),
    }
