"""What people would say of what a run judged: the judge's figure, corrected by the labels of some of its items."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from judgebench.analysis.estimated import EstimateFound, MethodEstimate, SliceEstimate, counted_items
from judgebench.analysis.labelled import labelled
from judgebench.errors import ConfigError, unknown_name
from judgebench.items import LABELS, TIE
from judgebench.metrics.corrected import (
    LabelledSample,
    corrected,
    labels_needed,
    recommended,
)
from judgebench.metrics.intervals import CONFIDENCE
from judgebench.runs import run_templates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from judgebench.analysis.estimated import By, Target
    from judgebench.analysis.labelled import Labelled, LabelledItem, Said
    from judgebench.metrics.corrected import Corrected, Floats, Method
    from judgebench.runs import Finished, Run
    from judgebench.sources.opening import Data

_UNLIKE = 3.3
"""So many standard errors tell that labelled items are no random draw."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is estimated of each item.

    Attributes:
        of: Whose win rate, or the class whose share it is; None of grades.
        against: The other model, where there is one.
        scale: What 0 and 1 stand for.
        figure: An item and what is said of it -> a number from 0 to 1.
        items: The items that it can be asked of.
    """

    target: Target
    of: str | None
    against: str | None
    scale: tuple[float, float]
    figure: Callable[[LabelledItem, Said], float]
    items: Sequence[LabelledItem]


def estimate(
    run: Run | Finished | str | Path,
    labels: Data | None = None,
    *,
    model: str | None = None,
    confidence: float = CONFIDENCE,
    columns: Mapping[str, str] | None = None,
    meanings: Mapping[str, str] | None = None,
) -> EstimateFound:
    """The pass rate, win rate or mean grade that people would give, from a judge's verdicts and some people's labels.

    >>> import judgebench as jb
    >>> rows = [{"id": n, "verdict": "AB"[n % 3 > 0], "model_a": "ant", "model_b": "bee"} for n in range(90)]
    >>> run = jb.import_verdicts(rows, judge="mine")[0]
    >>> found = jb.estimate(run, [{"id": n, "label": "AB"[n % 4 > 0]} for n in range(30)])
    >>> found.of, found.recommended
    ('ant', 'ppi_plus')

    Of choices it is a model's win rate (a tie is a half); of classes the share of the one that plainly passes (pass,
    correct, yes), or of the template's positive one; of ratings the mean. Labels must be of items that were drawn at
    random, or with probabilities that a column states.

    Args:
        run: A run, or its folder.
        labels: Rows `id, label[, annotator, probability]`; None: the items' own labels.
        model: Whose win rate; None where there are only two.
        confidence: Of the intervals.
        columns: Columns of the labels by name.
        meanings: What stands in a label -> what it means.

    Raises:
        ConfigError: No item has a label, the labels are of other items, or several models are there and none is named.
    """
    if not 0 < confidence < 1:
        raise ConfigError(f"confidence is {confidence!r}: must be above 0 and below 1, such as 0.95")
    return estimate_labelled(labelled(run, labels, columns=columns, meanings=meanings), model, confidence)


def estimate_labelled(found: Labelled, model: str | None = None, confidence: float = CONFIDENCE) -> EstimateFound:
    """The same of a run that is beside people's labels already; see `estimate`."""
    question, finished = question_of(found, model), found.finished
    items = [item for item in question.items if item.shares]
    if not any(item.labels for item in items):
        raise ConfigError(f"{finished.path}: no labelled item was judged; label items that the judge was asked of")
    figures = ItemFigures.of(items, question, drawn=found.drawn)
    if not figures.has_verdicts:
        raise ConfigError(f"{finished.path}: no item has a verdict, so there is nothing to correct; judge again")
    return EstimateFound(
        path=finished.path,
        benchmark=finished.benchmark.name,
        title=finished.benchmark.title,
        judge=finished.name.judge,
        target=question.target,
        of=question.of,
        against=question.against,
        scale=question.scale,
        labelled=figures.labelled,
        unlabelled=len(items) - figures.labelled,
        failed=int(np.isnan(figures.judged).sum()),
        confidence=confidence,
        estimates=figures.estimates(question, confidence),
        recommended=figures.recommended(confidence),
        labels_needed=labels_needed(figures.sample()),
        slices=tuple(_slices(items, question, confidence, drawn=found.drawn)),
        notes=(*finished.notes, *found.notes, *_notes(found, question, items, figures)),
    )


def rated_models(found: Labelled) -> list[str]:
    """The models that can have a win rate: none where verdicts are no choices between known models."""
    return sorted({name for among in _models(found).values() for name in among}) if found.kind == "choices" else []


def question_of(found: Labelled, model: str | None) -> Question:
    """What can be asked of a run: whose win rate, the share of which class, or the mean on which scale."""
    if model is not None and found.kind != "choices":
        raise ConfigError(f"--model {model}: of runs that compare models; {found.finished.path} has {found.kind}")
    if found.kind == "choices":
        return _win_rate(found, model)
    if found.kind == "grades":
        low, high = _scale(found)

        def graded(_: LabelledItem, said: Said) -> float:
            return (float(said) - low) / (high - low)

        return Question("mean", None, None, (low, high), graded, found.items)
    positive = "-1" if found.classes is None else found.classes.of_grade(1.0) or found.classes.positive

    def passes(_: LabelledItem, said: Said) -> float:
        return float(said == positive)

    of = positive if found.classes is not None else "no wrong step"
    return Question("pass_rate", of, None, (0.0, 1.0), passes, found.items)


def _win_rate(found: Labelled, model: str | None) -> Question:
    models, names = _models(found), rated_models(found)
    if len(names) < 2:
        raise ConfigError(
            f"{found.finished.path}: its items do not name the models of their answers, so there is no win rate: judge "
            "data with a column 'models', or with 'model_a' and 'model_b'"
        )
    if model is None and len(names) > 2:
        raise ConfigError(f"answers of {len(names)} models: name one with --model: {', '.join(names)}")
    of = names[0] if model is None else model
    if of not in names:
        raise unknown_name("model", of, names)
    items = [each for each in found.items if len({*models.get(each.key.id, ())} | {of}) > 1]
    items = [each for each in items if of in models[each.key.id]]

    def won(item: LabelledItem, said: Said) -> float:
        if said == TIE:
            return 1 / item.key.k
        return float(models[item.key.id][LABELS.index(str(said))] == of)

    others = {name for each in items for name in models[each.key.id]} - {of}
    return Question("win_rate", of, others.pop() if len(others) == 1 else None, (0.0, 1.0), won, items)


def _models(found: Labelled) -> dict[str, tuple[str, ...]]:
    """Whose the completions of each item are; without names, the letters of a pair's two answers in its row."""
    models = {item: tuple(str(name) for name in names) for item, names in found.finished.models.items()}
    if not models and all(len(item.slots) == 2 for item in found.items):
        return {item.key.id: tuple(item.slots) for item in found.items}
    return models


def _scale(found: Labelled) -> tuple[float, float]:
    """The template's scale, widened where labels are beyond it; of scores that of the labels."""
    said = [float(label) for item in found.labelled for _, label in item.labels]
    finished = found.finished
    if not finished.is_scores and not finished.made_of:
        said += run_templates(finished).wording.rule.scale or ()
    low, high = min(said), max(said)
    return low, high if high > low else low + 1


@dataclass(frozen=True, slots=True)
class ItemFigures:
    """Items as numbers from 0 to 1.

    Attributes:
        judged: The judge's mean over its readings, NaN without a verdict.
        failed: The share of readings without a verdict.
        labels: People's mean, NaN without a label.
        probabilities: Of being labelled; None where all are alike.
        units: What each item belongs to; None where each is by itself.
    """

    judged: Floats
    failed: Floats
    labels: Floats
    probabilities: Floats | None
    units: list[str] | None
    means: bool

    @classmethod
    def of(cls, items: Sequence[LabelledItem], question: Question, *, drawn: bool) -> ItemFigures:
        """The items' figures."""
        judged, failed, labels = (np.full(len(items), math.nan) for _ in range(3))
        for at, item in enumerate(items):
            said = [(question.figure(item, verdict), share) for verdict, share in item.shares if verdict is not None]
            shared = math.fsum(share for _, share in said)
            failed[at] = 1 - shared
            if said:
                judged[at] = math.fsum(figure * share for figure, share in said) / shared
            if item.labels:
                labels[at] = math.fsum(question.figure(item, each) for _, each in item.labels) / len(item.labels)
        units = [item.key.unit for item in items]
        return cls(
            judged=judged,
            failed=failed,
            labels=labels,
            probabilities=np.array([item.probability for item in items]) if drawn else None,
            units=units if len({*units}) < len(items) else None,
            means=question.target == "mean",
        )

    @property
    def labelled(self) -> int:
        """How many items have a label."""
        return int((~np.isnan(self.labels)).sum())

    @property
    def has_verdicts(self) -> bool:
        """Whether the judge said anything."""
        return not bool(np.isnan(self.judged).all())

    def sample(self, failures: float | None = None) -> LabelledSample:
        """The items for the formulas; None: failures have the judge's mean, with a number they count as that."""
        known = np.where(np.isnan(self.judged), 0.0 if failures is not None else np.nanmean(self.judged), self.judged)
        figures = known if failures is None else known * (1 - self.failed) + failures * self.failed
        return LabelledSample(figures, self.labels, self.probabilities, self.units, means=self.means)

    def recommended(self, confidence: float) -> Method | None:
        """The method that the rule names."""
        return recommended(corrected(self.sample(), confidence))

    def estimates(self, question: Question, confidence: float) -> tuple[MethodEstimate, ...]:
        """Every method's figure, with its bounds where verdicts are missing."""
        found = corrected(self.sample(), confidence)
        ends = [corrected(self.sample(end), confidence) for end in (0.0, 1.0)] if self.failed.any() else []
        return tuple(_said(each, [end[name] for end in ends], question) for name, each in found.items())


def _said(found: Corrected, ends: Sequence[Corrected], question: Question) -> MethodEstimate:
    low, high = question.scale

    def of(value: float | None) -> float | None:
        return None if value is None else low + (high - low) * value

    values = [value for each in ends if (value := of(each.value)) is not None]
    return MethodEstimate(
        method=found.method,
        value=of(found.value),
        low=of(found.low),
        high=of(found.high),
        note=found.note,
        labels_equivalent=found.worth,
        bounds=(min(values), max(values)) if values and found.method != "labels" else None,
    )


def _slices(
    items: Sequence[LabelledItem], question: Question, confidence: float, *, drawn: bool
) -> Iterator[SliceEstimate]:
    """The sections and the subsets, with Bonferroni's confidence."""
    kinds: list[tuple[By, Callable[[LabelledItem], str | None]]] = [
        ("section", lambda item: item.section),
        ("subset", lambda item: item.key.subset),
    ]
    parts: list[tuple[By, str, list[LabelledItem]]] = []
    for by, name_of in kinds:
        names = dict.fromkeys(name for item in items if (name := name_of(item)) is not None)
        among = [(by, name, [item for item in items if name_of(item) == name]) for name in names]
        if len(names) > 1 and [own for *_, own in among] != [own for *_, own in parts]:
            parts += among
    for by, name, own in parts:
        yield _slice(by, name, own, question, 1 - (1 - confidence) / len(parts), drawn=drawn)


def _slice(
    by: By, name: str, items: Sequence[LabelledItem], question: Question, confidence: float, *, drawn: bool
) -> SliceEstimate:
    figures = ItemFigures.of(items, question, drawn=drawn)
    estimates: tuple[MethodEstimate, ...] = ()
    method, needed = None, 20
    if figures.labelled and figures.has_verdicts:
        estimates, method = figures.estimates(question, confidence), figures.recommended(confidence)
        needed = labels_needed(figures.sample()) or 0
    judge = _mean_of(figures.judged, question)
    return SliceEstimate(
        slice=name,
        by=by,
        labelled=figures.labelled,
        unlabelled=len(items) - figures.labelled,
        confidence=confidence,
        judge=judge,
        estimates=estimates,
        recommended=method,
        labels_needed=needed or None,
    )


def _mean_of(judged: Floats, question: Question) -> float | None:
    known = judged[~np.isnan(judged)]
    low, high = question.scale
    return low + (high - low) * float(known.mean()) if len(known) else None


def _notes(found: Labelled, question: Question, items: Sequence[LabelledItem], sample: ItemFigures) -> Iterable[str]:
    left = len(found.items) - len(question.items)
    if left:
        yield f"{counted_items(left)} left out: not of {question.of}, or of models that are not known"
    if unasked := [item for item in question.items if not item.shares]:
        also = sum(bool(item.labels) for item in unasked)
        labels = f", {also:,} of them labelled" if also else ""
        yield f"{counted_items(len(unasked))} left out, never judged{labels}"
    failures = Counter(item.failure for item in items if item.failure is not None)
    if failures:
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in sorted(failures.items()))
        among = sum(item.failure is not None and bool(item.labels) for item in items)
        yield (
            f"{counted_items(failures.total())} without a verdict ({kinds}), {among:,} labelled: counted as the "
            "judge's mean; bounds: all at the lowest value, and at the highest"
        )
    if sample.labelled == len(items):
        yield "every judged item is labelled: intervals are for further items of the kind"
    elif said := _unlike(sample, question):
        yield said


def _unlike(sample: ItemFigures, question: Question) -> str | None:
    """A warning where the judge says other things of the labelled items, by their weights, than of all or the rest."""
    known, has = ~np.isnan(sample.judged), ~np.isnan(sample.labels)
    drawn = sample.probabilities is not None
    one, other = sample.judged[known & has], sample.judged[known if drawn else known & ~has]
    if min(len(one), len(other)) < 20 or sample.units is not None:
        return None
    weight = np.ones(len(one)) if sample.probabilities is None else 1 / sample.probabilities[known & has]
    independent = weight.sum() ** 2 / (weight @ weight)
    error = math.sqrt(sample.judged[known].var(ddof=1) * (1 / independent + 1 / len(other)))
    means = [float(weight @ one / weight.sum()), float(other.mean())]
    if abs(means[0] - means[1]) <= _UNLIKE * error:
        return None
    low, high = question.scale
    ours, others = (low + (high - low) * mean for mean in means)
    if drawn:
        return (
            f"the judge's mean is {ours:.3f} on labelled items, weighted, and {others:.3f} on all: they do not look "
            "drawn with these probabilities, or a kind of items was hardly drawn; check the column, and label more"
        )
    return (
        f"the judge's mean is {ours:.3f} on labelled items and {others:.3f} on the others: labelled items do not "
        "look drawn at random; draw them so, or say in a column 'probability' how likely each was to be labelled"
    )
