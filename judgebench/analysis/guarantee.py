"""Selective judging: what can be left to one judge, or to several in turn, with a guaranteed agreement with people."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from judgebench._util.steps import counted
from judgebench.analysis.cascade import costs_by_item, soft_of
from judgebench.analysis.guaranteed import AnsweredItem, Applied, Guarantee, JudgePart
from judgebench.analysis.labelled import labelled, verdicts_of
from judgebench.errors import ConfigError
from judgebench.metrics.selection_guarantee import SelectiveTest, fewest_labels, select_in_turn
from judgebench.metrics.sureness import unsureness
from judgebench.runs import (
    Run,
    benchmark_title,
    check_same_items,
    list_runs,
    open_run,
    run_templates,
    share_contents,
    titles_of,
    up_to_date,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from judgebench.analysis.labelled import Labelled, LabelledItem
    from judgebench.items import ItemKey
    from judgebench.metrics.sureness import By
    from judgebench.runs import Finished
    from judgebench.sources.opening import Data

CONFIDENCE = 0.95
"""Of a guarantee, where nothing else is said."""

CURVE = (0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98)
"""The agreements whose coverage is drawn beside the one that is asked for."""


def guaranteed_cascade(
    runs: Run | str | Path | Sequence[Run | str | Path],
    *,
    agreement: float = 0.9,
    confidence: float = CONFIDENCE,
    labels: Data | None = None,
    columns: Mapping[str, str] | None = None,
    meanings: Mapping[str, str] | None = None,
    people_cost: float | None = None,
    apply_to: Run | str | Path | Sequence[Run | str | Path] = (),
) -> Guarantee:
    """What can be left to the judges, so that at least so much of it agrees with people.

    >>> import judgebench as jb
    >>> run = jb.run("rewardbench", judge="offline/longest", data="sample")
    >>> jb.guaranteed_cascade(run, agreement=0.9).shown
    False

    The first judge answers the items that it is certain enough of, the next one those of the rest, and so on; what is
    left goes to people. From items that people have labelled, thresholds of uncertainty are tested (see
    `judgebench.metrics.selection_guarantee`), so that with the given confidence the answers agree with people at least
    so often in the population which the labelled items are drawn from.

    Args:
        runs: One run or several over the same items, the cheapest judge first.
        agreement: The least share of answers that agree with people, between 0 and 1.
        confidence: How sure that is to be, between 0 and 1.
        labels: Rows `id, label[, annotator, probability]`; None: the items' own labels.
        columns: Columns of the labels by name.
        meanings: What stands in a label -> what it means.
        people_cost: US dollars that a person's verdict on an item costs; None: not known.
        apply_to: Runs of the same judges over other items of the same population, one a judge; empty: the runs' own
            items without a label.

    Raises:
        ConfigError: A number is out of range, the runs are not of the same items, verdicts are grades, or no item has a
            label.
    """
    for name, value in (("agreement", agreement), ("confidence", confidence)):
        if not 0 < value < 1:
            raise ConfigError(f"{name} is {value!r}: must be above 0 and below 1, as 0.9")
    if people_cost is not None and not 0 <= people_cost < math.inf:
        raise ConfigError(f"people_cost is {people_cost!r}: must be at least 0, in USD per item")
    read = [labelled(each, labels, columns=columns, meanings=meanings) for each in _opened(list_runs(runs))]
    turns = _Turns(read)
    found = turns.selections(agreement, confidence)
    targets = sorted({*CURVE, agreement})
    curve = tuple(
        (target, turns.coverage(found if target == agreement else turns.selections(target, confidence)))
        for target in counted(targets, "testing thresholds", unit="levels", total=len(targets))
    )
    judges = turns.judges
    others = list_runs(apply_to)
    applied = None
    if others or turns.unlabelled:
        where = [_Judge(each, verdicts_of(each)) for each in _opened(others)] if others else judges
        _check_same_judges(judges, where)
        items = [item for item in where[0].items if item.was_asked] if others else turns.unlabelled
        if items:
            applied = _applied(where, items, found, people_cost, own=not others)
    first = judges[0].finished
    titles = titles_of([each.finished for each in judges])
    return Guarantee(
        benchmark=first.benchmark.name,
        title=f"{benchmark_title([each.finished.run for each in judges])}: guaranteed agreement",
        agreement=agreement,
        confidence=confidence,
        judges=tuple(
            JudgePart(title, each.finished.path, each.sign, selection, turns.share(number, found))
            for number, (title, each, selection) in enumerate(zip(titles, judges, found, strict=True))
        ),
        labelled=len(turns.labelled),
        units=len({item.key.unit for item in turns.labelled}),
        drawn=turns.weights is not None,
        one_class=turns.one_class,
        coverage=turns.coverage(found),
        curve=curve,
        applied=applied,
        judges_cost=turns.cost(found),
        people_cost=people_cost,
        notes=tuple(turns.notes()),
    )


def coverage_curve(people: Labelled, confidence: float = CONFIDENCE) -> tuple[tuple[float, float], ...]:
    """What one judge may answer, as a share of the items, by the agreement that is guaranteed; each by itself.

    Args:
        people: The judge's run beside people's labels, choices or classes.
        confidence: Of each guarantee.
    """
    turns = _Turns([people])
    return tuple((target, turns.coverage(turns.selections(target, confidence))) for target in CURVE)


def _opened(runs: Sequence[Run | str | Path]) -> list[Finished]:
    """The judges' runs, all of the same items."""
    opened = [up_to_date(run if isinstance(run, Run) else open_run(run)) for run in runs]
    if not opened:
        raise ConfigError("no run named: name one or more run folders, the cheapest judge first")
    share_contents(opened)
    for at, each in enumerate(opened):
        if any(each.path.resolve() == other.path.resolve() for other in opened[:at]):
            raise ConfigError(f"{each.path}: named twice; name different runs")
        check_same_items(opened[0], each, "a cascade")
    return opened


def _check_same_judges(judges: Sequence[_Judge], others: Sequence[_Judge]) -> None:
    """Finds out whether the runs that thresholds are applied to are of the judges that they are of."""
    if len(judges) != len(others):
        raise ConfigError(f"{len(judges)} runs are tested and {len(others)} applied to: name one for each, in order")
    for judge, other in zip(judges, others, strict=True):
        differing = [name for name, one in judge.made_by.items() if one != other.made_by[name]]
        if differing:
            raise ConfigError(
                f"{other.finished.path} has another {' and '.join(differing)} than {judge.finished.path}: a threshold "
                "holds for the judge, template and protocol that it was shown for"
            )


class _Judge:
    """A run's verdicts, and how uncertain each is.

    Attributes:
        sign: What tells of uncertainty; None where nothing does.
        uncertainty: By item; infinity without a verdict.
    """

    def __init__(self, finished: Finished, found: Labelled) -> None:
        if found.kind == "grades":
            raise ConfigError(
                f"{finished.path}: verdicts are grades, which agree more or less; guaranteed agreement needs "
                "choices or classes (for how far grades agree: judgebench validate)"
            )
        self.finished, self.items = finished, found.items
        self.sign = self._sign()
        self.costs = costs_by_item(finished)
        self.by_id = {item.key.id: item for item in found.items}
        self.uncertainty = {item.key.id: self._uncertainty(item) for item in found.items}

    @property
    def made_by(self) -> dict[str, object]:
        """What a threshold holds for."""
        manifest = self.finished.run.manifest
        protocol = self.finished.name.protocol
        return {
            "judge": manifest.judge.model or self.finished.name.judge,
            "template": manifest.template.hash,
            "protocol": protocol,
        }

    def _sign(self) -> By | None:
        finished = self.finished
        every = [among for among in finished.readings.values() if among]
        if finished.is_scores or any(self._rates_several(finished.keys[item]) for item in finished.readings):
            return "margin"
        if any(soft_of(reading) for among in every for reading in among):
            return "confidence"
        return "disagreement" if any(len(among) > 1 for among in every) else None

    def _rates_several(self, key: ItemKey) -> bool:
        among = self.finished.readings.get(key.id, [])
        return key.k > 1 and any(reading.rating is not None for reading in among)

    def _uncertainty(self, item: LabelledItem) -> float:
        if item.verdict is None:
            return math.inf
        key, among = item.key, self.finished.readings.get(item.key.id, [])
        if not among:
            return self._of_scores(key.id)
        scale = None
        if self._rates_several(key):
            scale = run_templates(self.finished).reader_for(key, self.finished).rule.scale
        # Sums of shares differ in the last digits by their order, which is no difference in certainty.
        return round(unsureness(key, among, self.sign or "disagreement", scale), 9)

    def _of_scores(self, item: str) -> float:
        """1 over 1 and the distance between the two highest scores."""
        scores = [sample for sample in self.finished.outcomes[item].scores if None not in sample]
        if not scores:
            return 1.0
        best, second = np.sort(np.mean(np.array(scores, dtype=np.float64), axis=0))[::-1][:2]
        return round(1 / (1 + float(best - second)), 9)

    def cost(self, items: Sequence[str]) -> float | None:
        """US dollars of the replies about some items; None where that of one is not known."""
        paid = [self.costs.get(item, 0.0) for item in items]
        return None if any(each is None for each in paid) else math.fsum(each or 0.0 for each in paid)


class _Turns:
    """Judges who are asked in turn, over the items that people have labelled."""

    def __init__(self, read: Sequence[Labelled]) -> None:
        self.judges = [_Judge(each.finished, each) for each in read]
        self.read = read[0]
        asked = [item for item in read[0].items if item.was_asked]
        self.labelled = [item for item in asked if item.labels]
        self.unlabelled = [item for item in asked if not item.labels]
        self.uncertainties = [
            np.array([j.uncertainty.get(i.key.id, math.inf) for i in self.labelled]) for j in self.judges
        ]
        self.rights = [
            np.array([self._agrees(j, item) for item in self.labelled], dtype=np.float64) for j in self.judges
        ]
        units = [item.key.unit for item in self.labelled]
        self.units = units if len({*units}) < len(units) else None
        said = {str(item.label) for item in self.labelled}
        self.one_class = said.pop() if len(said) == 1 and self.read.kind != "choices" else None
        weights = np.array([1 / item.probability for item in self.labelled])
        self.weights = weights if len(weights) and np.ptp(weights) > 1e-9 * weights.max() else None

    @staticmethod
    def _agrees(judge: _Judge, item: LabelledItem) -> bool:
        own = judge.by_id.get(item.key.id)
        return own is not None and own.verdict is not None and own.verdict == item.label

    def selections(self, agreement: float, confidence: float) -> list[SelectiveTest]:
        """Of each judge what it answers; nothing where all labels are of one class."""
        if self.one_class is not None:
            fewest = fewest_labels(agreement, (1 - confidence) / len(self.judges))
            count = len(self.labelled)
            return [SelectiveTest(False, None, 0, 0, None, None, count, count, fewest)] * len(self.judges)
        return select_in_turn(
            self.uncertainties,
            self.rights,
            agreement=agreement,
            confidence=confidence,
            units=self.units,
            weights=self.weights,
        )

    def taken(self, found: Sequence[SelectiveTest]) -> list[int | None]:
        """Which judge answers each labelled item; None for people."""
        return [_answering(found, [each[at] for each in self.uncertainties]) for at in range(len(self.labelled))]

    def coverage(self, found: Sequence[SelectiveTest]) -> float:
        """The share of labelled items that are answered, each counting what it stands for."""
        return math.fsum(self.share(number, found) for number in range(len(found)))

    def share(self, judge: int, found: Sequence[SelectiveTest]) -> float:
        """The same of one judge."""
        if not self.labelled:
            return 0.0
        weights = np.ones(len(self.labelled)) if self.weights is None else self.weights
        return float(weights[[each == judge for each in self.taken(found)]].sum() / weights.sum())

    def cost(self, found: Sequence[SelectiveTest]) -> float | None:
        """US dollars of the judges' replies about a labelled item, each counting what it stands for."""
        weights = [1.0] * len(self.labelled) if self.weights is None else self.weights.tolist()
        paid = 0.0
        for item, taken, weight in zip(self.labelled, self.taken(found), weights, strict=True):
            for number in _asked(found, taken):
                cost = self.judges[number].cost([item.key.id])
                if cost is None:
                    return None
                paid += weight * cost
        return paid / math.fsum(weights)

    def notes(self) -> list[str]:
        """What a reader must know."""
        found = [*self.read.notes, *(note for each in self.judges for note in each.finished.notes)]
        undecided = sum(item.label is None for item in self.labelled)
        if undecided:
            found.append(f"{undecided} items whose annotators are divided agree with no verdict")
        found += [
            f"{each.finished.path}: one verdict per item and no probabilities: it answers all or nothing (use --orders "
            "both, --samples or --logprobs)"
            for each in self.judges
            if each.sign is None
        ]
        if self.units is not None:
            found.append(
                f"the {len(self.labelled):,} labelled items are of {len({*self.units}):,} groups, which count as one "
                "each (bound by betting)"
            )
        if self.weights is not None:
            found.append("items count by the probabilities that they were drawn with (bound by betting)")
        return found


def _answering(found: Sequence[SelectiveTest], uncertainties: Sequence[float]) -> int | None:
    """The first judge that answers an item of these uncertainties."""
    both = enumerate(zip(found, uncertainties, strict=True))
    return next((number for number, (each, unsure) in both if each.answers(unsure)), None)


def _asked(found: Sequence[SelectiveTest], taken: int | None) -> Iterator[int]:
    """The judges that are asked about an item, up to the one that answers it; one that answers nothing never is."""
    return (at for at, each in enumerate(found) if each.shown and (taken is None or at <= taken))


def _applied(
    judges: Sequence[_Judge],
    items: Sequence[LabelledItem],
    found: Sequence[SelectiveTest],
    people_cost: float | None,
    *,
    own: bool,
) -> Applied:
    """What the thresholds make of items without labels."""
    titles = titles_of([each.finished for each in judges])
    reached: list[list[str]] = [[] for _ in judges]
    answers = []
    for item in items:
        name = item.key.id
        unsure = [each.uncertainty.get(name, math.inf) for each in judges]
        number = _answering(found, unsure)
        for asked in _asked(found, number):
            reached[asked].append(name)
        if number is None:
            answers.append(AnsweredItem(name, None, None, None))
        else:
            verdict = judges[number].by_id[name].verdict
            answers.append(
                AnsweredItem(name, titles[number], None if verdict is None else str(verdict), unsure[number])
            )
    paid = [each.cost(names) for each, names in zip(judges, reached, strict=True)]
    applied = Applied(
        path=judges[0].finished.path,
        own=own,
        items=tuple(answers),
        judges_cost=None if any(each is None for each in paid) else math.fsum(each or 0.0 for each in paid),
        people_cost=None,
        saved=None,
    )
    if people_cost is None:
        return applied
    rest = people_cost * applied.people
    saved = None if applied.judges_cost is None else people_cost * len(answers) - rest - applied.judges_cost
    return replace(applied, people_cost=rest, saved=saved)
