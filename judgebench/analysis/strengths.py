"""How strong the models are that wrote the completions, by the verdicts of one finished run."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from judgebench._util.steps import step
from judgebench._util.table import Column, Table, Tabular, ends_of
from judgebench.analysis.labelled import labelled
from judgebench.errors import ConfigError
from judgebench.items import LABELS, TIE
from judgebench.metrics import bradley_terry
from judgebench.metrics.corrected import LEAST_LABELS, LabelledSample, labels_needed
from judgebench.metrics.corrected_strengths import corrected_strengths
from judgebench.metrics.resampling import codes
from judgebench.runs import Run, open_run, up_to_date

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from judgebench._util.table import Columns
    from judgebench.analysis.labelled import Labelled, LabelledItem, Said
    from judgebench.items import Reading
    from judgebench.metrics.corrected_strengths import CorrectedStrengths
    from judgebench.runs import Finished
    from judgebench.sources.opening import Data

_LEGEND = (
    "strength: log-odds of beating an average model, by this judge's verdicts (Bradley-Terry); intervals by a "
    "bootstrap of items, or of groups of them"
)
_CORRECTED = (
    "strength: log-odds of beating an average model, as people would say (Bradley-Terry by PPI++); judge alone: by its "
    "verdicts, whose errors pull strengths toward 0; labels: labelled pairs with the model"
)
ELO = 400 / math.log(10)
"""Elo's points for one of log-odds."""


@dataclass(frozen=True, slots=True)
class PairOutcome:
    """One comparison of two completions of an item; `weight` is 1/2 for each side of a tie."""

    item: str
    winner: int
    loser: int
    weight: float


@dataclass(frozen=True, slots=True)
class ModelStrength:
    """A model.

    Attributes:
        strength: The log-odds that it beats a model of mean strength; with labels as people would say, and None where
            too few of them have the model.
        games: How many comparisons with other models it was in.
        wins: The share of them that it won; a tie is a half.
        elo: The strength in Elo's points, 0 for the mean.
        group: Models of different groups never met, not even through others.
        judge_strength: With labels, what the verdicts alone say; None without labels.
        labels: In how many labelled pairs it is; None without labels.
    """

    model: str
    strength: float | None
    low: float | None
    high: float | None
    games: float
    wins: float
    elo: float | None
    group: int
    judge_strength: float | None = None
    labels: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class StrengthsFound(Tabular):
    """The models of a run, the strongest first."""

    path: Path
    benchmark: str
    title: str
    judge: str
    items: int
    comparisons: float
    models: tuple[ModelStrength, ...]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """An object of plain values."""
        return {**asdict(self), "path": str(self.path)}

    def tables(self) -> Sequence[Table]:
        """The models, the strongest first."""
        columns: Columns = {
            Column("model", names=True): lambda each: each.model,
            Column("strength", "number", form="+.2f"): lambda each: (
                "cannot say" if each.strength is None else each.strength
            ),
            Column("95% CI", "number", form="+.2f"): ends_of,
            Column("Elo", "count", form="+d"): lambda each: None if each.elo is None else round(each.elo),
        }
        if corrected := any(each.labels is not None for each in self.models):
            columns[Column("judge_strength", "number", head="judge alone", form="+.2f")] = lambda each: (
                each.judge_strength
            )
            columns[Column("labels", "count")] = lambda each: each.labels
        else:
            columns[Column("won", "share")] = lambda each: each.wins
            columns[Column("of", "number", form="g")] = lambda each: each.games
        if len({each.group for each in self.models}) > 1:
            columns[Column("group", "count")] = lambda each: each.group + 1
        about = f"{self.judge} · {self.comparisons:g} comparisons of {self.items} items"
        return [
            Table.of(self.models, columns, title=self.title, about=about, notes=[_CORRECTED if corrected else _LEGEND])
        ]

    def remarks(self) -> Sequence[str]:
        """What a reader must know."""
        return self.notes


def strengths(
    run: Run | str | Path,
    labels: Data | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    meanings: Mapping[str, str] | None = None,
    seed: int = 0,
) -> StrengthsFound:
    """Bradley-Terry strengths of the models whose completions a run judges, with intervals by items, or groups.

    The completion that is chosen beats each other one that was shown; of two rated in one sample (or scored), the
    higher beats the lower. Failures, ties of more than two, and completions of the same model count for nothing.

    With people's labels of some pairs strengths are corrected for the judge's errors (PPI++ on the likelihood's
    equations); see `estimate` for the labels.

    Args:
        run: A judge's or a score file's run, or its folder.
        labels: Rows `id, label[, annotator, probability]` of pairs; None: the judge's verdicts alone.
        columns: Columns of the labels by name.
        meanings: What stands in a label -> what it means.
        seed: Of the bootstrap.

    Raises:
        ConfigError: The items do not say whose their completions are, no two models met, or labels are of other items.
    """
    finished = up_to_date(run if isinstance(run, Run) else open_run(run))
    finished.need_judgements()
    if not finished.models:
        raise ConfigError(
            f"{finished.path}: its items do not name the models of their completions: judge data with a column "
            "'models' (a list in the order of the completions), or with 'chosen_model' and 'rejected_model'"
        )
    rows = [(c, *_sides(finished, c)) for c in _comparisons(finished)]
    met = [(c, a, b) for c, a, b in rows if a is not None and b is not None and a != b]
    if not met:
        raise ConfigError(f"{finished.path}: no verdict compares completions of two different known models")
    names = sorted({name for _, *two in met for name in two})
    place = {name: at for at, name in enumerate(names)}
    items = dict.fromkeys(c.item for c, _, _ in met)
    units, _ = codes([finished.keys[item].unit for item in items], len(items))
    unit = dict(zip(items, units.tolist(), strict=True))
    with step("bootstrapping intervals"):
        found = bradley_terry.strengths(
            [place[winner] for _, winner, _ in met],
            [place[loser] for _, _, loser in met],
            [c.weight for c, _, _ in met],
            [unit[c.item] for c, _, _ in met],
            models=len(names),
            seed=seed,
        )
    models = [
        ModelStrength(
            model=name,
            strength=float(found.values[at]),
            low=float(found.low[at]),
            high=float(found.high[at]),
            games=float(found.games[at]),
            wins=float(found.wins[at] / found.games[at]),
            elo=ELO * float(found.values[at]),
            group=int(found.groups[at]),
        )
        for at, name in enumerate(names)
    ]
    models.sort(key=lambda each: (-(each.strength or 0.0), each.model))
    notes = list(_notes(found, finished, len(rows) - len(met), corrected=labels is not None))
    if labels is not None:
        models, further = with_labels(models, labelled(finished, labels, columns=columns, meanings=meanings))
        notes += further
    return StrengthsFound(
        path=finished.path,
        benchmark=finished.benchmark.name,
        title=finished.benchmark.title,
        judge=finished.name.judge,
        items=len(items),
        comparisons=math.fsum(c.weight for c, _, _ in met),
        models=tuple(models),
        notes=(*finished.notes, *notes),
    )


def with_labels(models: Sequence[ModelStrength], found: Labelled) -> tuple[list[ModelStrength], list[str]]:
    """The models with strengths that are corrected by labels of pairs, and what a reader must know of it.

    Raises:
        ConfigError: No labelled pair is of two models.
    """
    place = {each.model: at for at, each in enumerate(models)}
    sides = {item: tuple(place.get(str(name)) for name in names) for item, names in found.finished.models.items()}
    pairs = [
        (item, first, second)
        for item in found.items
        if item.shares and item.key.k == 2 and (two := sides.get(item.key.id)) is not None
        for first, second in [two]
        if first is not None and second is not None and first != second
    ]
    if not any(item.labels for item, _, _ in pairs):
        raise ConfigError(f"{found.finished.path}: no labelled item is a judged pair of two models")
    figures = [_first_wins(item) for item, _, _ in pairs]
    probabilities = [item.probability for item, _, _ in pairs]
    sample = LabelledSample(
        [judged for judged, _ in figures],
        [label for _, label in figures],
        probabilities if found.drawn else None,
        [item.key.unit for item, _, _ in pairs],
    )
    first, second = (np.array(column, dtype=np.int64) for column in list(zip(*pairs, strict=True))[1:])
    told = corrected_strengths(sample, first, second, models=len(models))
    enough = labels_needed(sample) is None
    corrected = [
        replace(
            each,
            strength=float(told.values[at]) if known else None,
            low=float(told.low[at]) if known else None,
            high=float(told.high[at]) if known else None,
            elo=ELO * float(told.values[at]) if known else None,
            judge_strength=each.strength,
            labels=int(told.labels[at]),
        )
        for at, each in enumerate(models)
        for known in [enough and not math.isnan(told.values[at])]
    ]
    corrected.sort(key=lambda each: -math.inf if each.strength is None else each.strength, reverse=True)
    return corrected, [*found.notes, *_label_notes(corrected, sample, told)]


def _label_notes(models: Sequence[ModelStrength], sample: LabelledSample, told: CorrectedStrengths) -> Iterator[str]:
    if needed := labels_needed(sample):
        yield f"cannot say how strong the models are: {sample.n} label{'s' * (sample.n != 1)}; {needed} would be enough"
        return
    yield (
        f"corrected by {sample.n} labelled pairs, taken as drawn at random (or as a column 'probability' states); the "
        f"judge counts {told.power:.2f} in PPI++ (0: not at all, 1: in full)"
    )
    if few := [f"{each.model} ({each.labels})" for each in models if each.strength is None]:
        yield f"cannot say of models with fewer than {LEAST_LABELS} labelled pairs: {', '.join(few)}"
    if told.penalised:
        yield "labels of some models are all of one kind: each model has half a win and half a loss added"


def _first_wins(item: LabelledItem) -> tuple[float, float]:
    """What the judge, and what people give to the first completion: 1, 0, or between; NaN without a label."""

    def won(said: Said) -> float:
        return 0.5 if said == TIE else float(said == LABELS[0])

    judged = math.fsum(share * (0.5 if said is None else won(said)) for said, share in item.shares)
    labels = [won(said) for _, said in item.labels]
    return judged, math.fsum(labels) / len(labels) if labels else math.nan


def _notes(found: bradley_terry.Strengths, finished: Finished, left_out: int, *, corrected: bool) -> Iterator[str]:
    if not corrected:
        yield (
            "strengths and intervals are of the judge's verdicts, not of the truth: its errors pull all strengths "
            "toward 0 (a true win rate of 65% looks like 57.5% to a judge that is right in 75%), and no interval "
            "allows for that; --labels FILE, people's labels of some pairs, corrects for it"
        )
    if found.separated and not corrected:
        yield (
            "some models never lost, or never won, against all others, so there is no maximum likelihood estimate: "
            "each model has half a win and half a loss added against an average model"
        )
    if groups := int(found.groups.max()):
        yield f"the models are {groups + 1} groups that never met: strengths of different groups cannot be compared"
    if left_out:
        yield f"{left_out} comparisons of the same model or an unknown one are left out"
    if len(finished.models) < len(finished.keys):
        yield f"{len(finished.keys) - len(finished.models)} items do not name the models of their completions"


def _sides(finished: Finished, comparison: PairOutcome) -> tuple[str | None, str | None]:
    models = finished.models.get(comparison.item)
    return (None, None) if models is None else (models[comparison.winner], models[comparison.loser])


def _comparisons(finished: Finished) -> Iterator[PairOutcome]:
    """All that the run says of two completions of an item."""
    if finished.is_scores:
        for item, outcome in finished.outcomes.items():
            for scores in () if outcome.item.steps else outcome.scores:
                yield from _by_scores(item, {at: score for at, score in enumerate(scores) if score is not None})
        return
    for item, readings in finished.readings.items():
        if item not in finished.keys:
            continue
        yield from _by_choices(item, readings)
        samples: defaultdict[int, dict[int, float]] = defaultdict(dict)
        for reading in readings:
            if reading.rating is not None:
                samples[reading.sample][reading.order[0]] = reading.rating
        for ratings in samples.values():
            yield from _by_scores(item, ratings)


def _by_choices(item: str, readings: Iterable[Reading]) -> Iterator[PairOutcome]:
    for reading in readings:
        if reading.failed or reading.rating is not None:
            continue
        if reading.choice is not None:
            for other in reading.order:
                if other != reading.choice:
                    yield PairOutcome(item, reading.choice, other, 1.0)
        elif len(reading.order) == 2:
            yield from _tie(item, reading.order)


def _by_scores(item: str, scores: dict[int, float]) -> Iterator[PairOutcome]:
    for first, second in combinations(scores, 2):
        if scores[first] == scores[second]:
            yield from _tie(item, (first, second))
        else:
            higher, lower = (first, second) if scores[first] > scores[second] else (second, first)
            yield PairOutcome(item, higher, lower, 1.0)


def _tie(item: str, order: Sequence[int]) -> Iterator[PairOutcome]:
    first, second = order
    yield PairOutcome(item, first, second, 0.5)
    yield PairOutcome(item, second, first, 0.5)
