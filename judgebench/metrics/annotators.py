"""A judge beside several people: how far they agree with each other, and the judge with them.

What people say of each other is the ceiling of what a judge can reach. Each figure has one value for people and one for
the judge, over the same items.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from itertools import combinations
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from judgebench.items import LABELS, TIE
from judgebench.metrics.agreement import cohen_kappa, krippendorff_alpha
from judgebench.metrics.alternative import EPSILONS, alternative_tests
from judgebench.metrics.intervals import MeanStratum
from judgebench.metrics.votes import join

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from judgebench.items import Outcome, Reading
    from judgebench.metrics.agreement import Agreement
    from judgebench.metrics.intervals import Floats
    from judgebench.metrics.votes import Join

    Said = str | float
    Shares = list[tuple[float, str]]
    """What an item counts, and its unit."""

    _GradeRow = tuple[float, float, float | None, str]
    """A person's grade, the mean of the others', the judge's, and the item's unit."""

EPSILON = EPSILONS["experts"]
"""Of the alternative-annotator test in a run's figures."""

_JUDGE = "the judge"
_MOST_PEOPLE = 10
"""Of more people there is no table of pairs."""


def annotator_figures(
    outcomes: Sequence[Outcome], readings: Mapping[str, Sequence[Reading]], rule: Join
) -> dict[str, Any] | None:
    """The object under `annotators` in `metrics.json`.

    The judge's verdict on an item is the majority of its readings unless the run aggregates them otherwise, or the mean
    of its ratings. Where it has none it agrees with nobody; kappas and the alternative-annotator test leave the item
    out.

    Args:
        outcomes: One an item.
        readings: By the item's id; empty for a score file.
        rule: How the readings of an item are aggregated.

    Returns:
        None where no item has labels of two people.
    """
    table = _Table(outcomes, readings, rule)
    if not table.people:
        return None
    names = sorted(table.people, key=_by_number)
    figures = _grade_figures(table) if table.grades else _label_figures(table)
    return {
        "people": len(names),
        "items": len(table.said),
        "labels": sum(map(len, table.said.values())),
        "values": "grades" if table.grades else "labels",
        "alpha": table.alpha(),
        **figures,
        "kappa": _kappas(table, names),
        "judge_kappa": _judge_kappas(table, names),
        "alternative_annotator": _alternative(table),
    }


def _by_number(name: str) -> tuple[int, str]:
    return (int(name), name) if name.isdigit() else (-1, name)


class _Table:
    """What people and the judge say of each item with labels of two people or more.

    Attributes:
        said: By item and annotator.
        judge: By item, where there is a verdict.
        unit: What each item belongs to.
        people: By annotator and item.
        grades: Whether labels are numbers.
    """

    def __init__(self, outcomes: Iterable[Outcome], readings: Mapping[str, Sequence[Reading]], rule: Join) -> None:
        self.said: dict[str, dict[str, Said]] = {}
        self.judge: dict[str, Said] = {}
        self.unit: dict[str, str] = {}
        self.people: dict[str, dict[str, Said]] = {}
        for outcome in outcomes:
            item = outcome.item
            if len(item.annotations) < 2:
                continue
            own = {
                LABELS[at]: letter for at, letter in enumerate(item.slots)
            }  # the row's letters, for chance agreement
            self.said[item.id] = {name: own.get(str(label), label) for name, label in item.annotations}
            self.unit[item.id] = item.unit
            for name, label in self.said[item.id].items():
                self.people.setdefault(name, {})[item.id] = label
            verdict = verdict_of(outcome, readings.get(item.id, ()), rule)
            if verdict is not None:
                self.judge[item.id] = own.get(str(verdict), verdict)
        every = [label for labels in self.said.values() for label in labels.values()]
        self.grades = bool(every) and not any(isinstance(label, str) for label in every)
        self._codes = {label: code for code, label in enumerate(dict.fromkeys([*every, *self.judge.values()]))}
        self.range = (min(every), max(every)) if self.grades else None

    @property
    def units(self) -> list[str]:
        """What each item belongs to, in the items' order."""
        return [*self.unit.values()]

    def column(self, said: Mapping[str, Said]) -> Floats:
        """What one says of each item, as codes of labels; not-a-number where nothing is said."""
        return np.array([self._codes[said[item]] if item in said else np.nan for item in self.said])

    def alpha(self) -> dict[str, float | None]:
        """Krippendorff's alpha of the people: nominal of labels, ordinal of whole grades, else interval."""
        numbers = {label: float(label) if self.grades else code for label, code in self._codes.items()}
        least = min(numbers.values(), default=0.0)  # numbers below 0 would be missing
        ratings = np.full((len(self.said), len(self.people)), np.nan)
        place = {name: at for at, name in enumerate(self.people)}
        for row, labels in enumerate(self.said.values()):
            for name, label in labels.items():
                ratings[row, place[name]] = numbers[label] - least
        whole = all(float(number).is_integer() for number in numbers.values())
        level: Any = "nominal" if not self.grades else "ordinal" if whole else "interval"
        return _estimate(krippendorff_alpha(ratings, level, clusters=self.units)) | {"level": level}


def verdict_of(outcome: Outcome, readings: Sequence[Reading], rule: Join) -> Said | None:
    """What a judge says of an item as a person would: a letter of the item's completions or `tie`, a class, a grade.

    Returns:
        None without a verdict, and where several questions were asked about the item.
    """
    if outcome.item.k > 1:
        if outcome.scores:
            return _highest(outcome)
        made = _joined(readings, rule)
        if len(made) != 1 or made[0].failed:
            return None
        return TIE if made[0].choice is None else LABELS[made[0].choice]
    if not readings:
        scores = [sample[0] for sample in outcome.scores if sample[0] is not None]
        return fmean(scores) if scores else None
    (only,) = _joined(readings, rule)
    return only.rating if only.rating is not None else only.label


def _joined(readings: Sequence[Reading], rule: Join) -> Sequence[Reading]:
    return readings if len(readings) == 1 else join(readings, "majority" if rule == "mean" else rule)


def _highest(outcome: Outcome) -> str | None:
    """The completion with the highest mean score; a tie where several have it."""
    columns = list(zip(*outcome.scores, strict=True))
    known = [[score for score in column if score is not None] for column in columns]
    if not all(known):
        return None
    means = [fmean(column) for column in known]
    best = [at for at, mean in enumerate(means) if mean == max(means)]
    return LABELS[best[0]] if len(best) == 1 else TIE


def _label_figures(table: _Table) -> dict[str, Any]:
    """`leave_one_out` and `soft`, each for `people` and for the `judge`.

    `leave_one_out`: each person is left out in turn, and compared with the majority of the others; so is the judge.
    `soft`: the share of people who say the same as a person who is left out, and as the judge.
    """
    people: Shares = []
    judges: Shares = []
    soft_people: Shares = []
    soft_judge: Shares = []
    known: dict[tuple[object, ...], tuple[list[tuple[float, float]], float, float]] = {}  # few items are unlike
    for item, labels in table.said.items():
        unit, pattern = table.unit[item], (*labels.values(), table.judge.get(item))
        if pattern not in known:
            known[pattern] = _left_out([*labels.values()], table.judge.get(item))
        right, alike, with_judge = known[pattern]
        people.append((fmean([own for own, _ in right]), unit))
        judges.append((fmean([its for _, its in right]), unit))
        soft_people.append((alike, unit))
        soft_judge.append((with_judge, unit))
    return {
        "leave_one_out": {"people": _mean(people), "judge": _mean(judges)},
        "soft": {"people": _mean(soft_people), "judge": _mean(soft_judge)},
    }


def _left_out(labels: Sequence[Said], verdict: Said | None) -> tuple[list[tuple[float, float]], float, float]:
    """Of one item: each person and the judge against the others' majority, and the shares who say the same as both.

    Where the others are divided, each of the labels that most of them gave is right in part: one of two counts half.
    """
    counts, n = Counter(labels), len(labels)
    right = []
    for label in labels:
        others = counts - Counter([label])
        most = [each for each, count in others.items() if count == max(others.values())]
        right.append(((label in most) / len(most), (verdict in most) / len(most)))
    alike = sum(count * (count - 1) for count in counts.values()) / (n * (n - 1))
    return right, alike, (0 if verdict is None else counts.get(verdict, 0)) / n


def _grade_figures(table: _Table) -> dict[str, Any]:
    """`leave_one_out`: Pearson's r of each person, and of the judge, with the mean of the other people's grades."""
    rows: list[_GradeRow] = []
    for item, labels in table.said.items():
        grades = [float(label) for label in labels.values()]
        verdict, others = table.judge.get(item), len(grades) - 1
        said = None if verdict is None else float(verdict)
        rows += [(grade, (sum(grades) - grade) / others, said, table.unit[item]) for grade in grades]
    judged = [row for row in rows if row[2] is not None]
    return {
        "leave_one_out": {
            "people": _correlation([row[0] for row in rows], rows),
            "judge": _correlation([row[2] or 0.0 for row in judged], judged),
        },
        "soft": None,
    }


def _correlation(values: Sequence[float], rows: Sequence[_GradeRow]) -> dict[str, Any] | None:
    from judgebench.metrics.calibration import pearson

    if not rows:
        return None
    found = pearson(values, [row[1] for row in rows], clusters=[row[3] for row in rows])
    return None if found is None else {"score": found.value, "low": found.low, "high": found.high}


def _mean(shares: Shares) -> dict[str, float] | None:
    if not shares:
        return None
    values = np.array([share for share, _ in shares])
    units = [unit for _, unit in shares]
    grouped = (values, units) if len(set(units)) < len(units) else None
    stratum = MeanStratum(values, grouped=grouped)
    interval = stratum.interval()
    return {"score": stratum.value, "low": interval.low, "high": interval.high}


def _estimate(found: Agreement) -> dict[str, Any]:
    known = {"score": found.value, "low": found.low, "high": found.high}
    return {name: None if np.isnan(value) else float(value) for name, value in known.items()}


def _kappas(table: _Table, names: Sequence[str]) -> list[dict[str, Any]] | None:
    """Cohen's kappa of each two people; None of grades, and of too many people."""
    if table.grades or len(names) > _MOST_PEOPLE:
        return None
    columns = {name: table.column(table.people[name]) for name in names}
    return list(_of_pairs(table, columns, combinations(names, 2)))


def _judge_kappas(table: _Table, names: Sequence[str]) -> list[dict[str, Any]] | None:
    """The same of the judge and each person."""
    if table.grades or len(names) > _MOST_PEOPLE or not table.judge:
        return None
    columns = {name: table.column(table.people[name]) for name in names}
    judge = table.column(table.judge)
    found = _of_pairs(table, {**columns, _JUDGE: judge}, ((name, _JUDGE) for name in names))
    return [{"annotator": each.pop("first"), **each} for each in found if each.pop("second") == _JUDGE]


def _of_pairs(
    table: _Table, columns: Mapping[str, Floats], pairs: Iterable[tuple[str, str]]
) -> Iterator[dict[str, Any]]:
    units = np.array(table.units)
    for first, second in pairs:
        both = np.stack([columns[first], columns[second]], axis=1)
        there = ~np.isnan(both).any(axis=1)
        if there.sum() > 1:
            found = cohen_kappa(both[there], clusters=units[there])
            yield {"first": first, "second": second, **_estimate(found), "items": found.items}


def _alternative(table: _Table) -> dict[str, Any] | None:
    """The alternative-annotator test at 0.2, and the winning rate at each of the usual values of epsilon.

    None without a verdict, and where ratings lie outside the people's grades: no distance says anything of those.
    """
    if not table.judge or (table.range is not None and not _within(table)):
        return None
    epsilons = [EPSILON, *(each for each in EPSILONS.values() if each != EPSILON)]
    tests = alternative_tests(table.people, table.judge, grades=table.grades, epsilons=epsilons)
    rates = {f"{test.epsilon:g}": test.winning_rate for test in tests}
    return {**asdict(tests[0]), "passes": tests[0].passes, "winning_rates": rates}


def _within(table: _Table) -> bool:
    low, high = table.range or (0.0, 0.0)
    return all(low <= verdict <= high for verdict in table.judge.values())  # type: ignore[operator]
