"""The figures of runs of every kind, and those of a judge's run from the judgements in its folder."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import TYPE_CHECKING, Any

from judgebench._util.steps import step
from judgebench.benchmarks import baselines
from judgebench.items import NEVER_ASKED, Failure, Verdict, is_coefficient
from judgebench.metrics.accuracy import group_weights
from judgebench.metrics.controls import flips, padded_preference
from judgebench.metrics.retest import noise_of, retest
from judgebench.metrics.summary import LEAST_COVERAGE, Usage, summarise
from judgebench.metrics.votes import has_probabilities
from judgebench.protocols import (
    PADDED,
    PROTOCOL_NOTES,
    Call,
    Protocol,
    copy_of_first,
    number_of_calls,
    pairs as pairings,
    protocol_notes,
    target,
    with_unasked,
)
from judgebench.runs.judgements import add_usage, read_judgements
from judgebench.runs.manifest import METRICS, read_manifest
from judgebench.runs.run import Finished, Run
from judgebench.runs.templates import run_templates
from judgebench.runs.winrates import win_rates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from judgebench.benchmarks.base import Benchmark
    from judgebench.items import Classes, ItemKey, Outcome, Reading
    from judgebench.metrics.bias import BiasEstimate
    from judgebench.metrics.controls import Flips
    from judgebench.metrics.retest import Noise, Retest
    from judgebench.metrics.sequential import Sequential
    from judgebench.metrics.summary import Metrics
    from judgebench.metrics.votes import Join
    from judgebench.protocols import Alteration
    from judgebench.runs.judgements import Judgement
    from judgebench.runs.manifest import Manifest, Name
    from judgebench.runs.templates import RunTemplates


@dataclass(frozen=True, kw_only=True)
class Beside:
    """What is known of a run beside its outcomes and readings.

    Attributes:
        notes: Sentences for the reader; the benchmark's own come behind them.
        altered: What was done to the items.
        attack: How often it changed verdicts.
        sequential: What came of the comparison that the run is one side of.
        ordered: Whether the readings have the orders that were shown (a jury's have not).
        placed: Whether it is known where each completion was shown.
        models: Of verdicts made elsewhere, whose each item's completions are, for win rates.
        classes: Of label verdicts; None where they are none.
        drawn_from: How many items the run's are drawn from, or were to be judged; None where that is not known.
    """

    notes: Sequence[str] = ()
    altered: Alteration | None = None
    attack: Flips | None = None
    sequential: Sequential | None = None
    ordered: bool = True
    placed: bool = True
    models: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    classes: Classes | None = None
    drawn_from: int | None = None


_SAME = 1e-9
_LEAST_MASS = 0.9
"""Below it, what the probabilities of verdicts leave out is said."""
UNCOVERED = "coverage is below"
SAMPLED = "a sample of "
"""How the notes begin on few verdicts, and on a limit or a run that ended early."""


def _sampled(metrics: Metrics, readings: Mapping[str, Sequence[Reading]], drawn_from: int) -> Iterator[str]:
    """What a score says of the items that it was drawn from, where a limit or an early end left some of them out."""
    judged = sum(not all(_unasked(reading) for reading in among) for among in readings.values())
    if not 0 < judged < drawn_from:
        return
    said = f"{SAMPLED}{judged:,} of {drawn_from:,} items, in an order drawn from the seed"
    if metrics.score is not None and metrics.low is not None and metrics.high is not None:
        width = metrics.high - metrics.low
        wide = f"{width:.2f}" if is_coefficient(metrics.measure) else f"{100 * width:.1f} points"
        said += f": the score estimates that of all {drawn_from:,} (95% CI {wide} wide)"
    yield said


def low_coverage(metrics: Metrics) -> Iterator[str]:
    """The mark of a score that failures have made more than verdicts; calls that were not made are no part of it."""
    verdicts = metrics.judgements - sum(metrics.failures.values())
    asked = metrics.judgements - sum(metrics.failures.get(kind, 0) for kind in NEVER_ASKED)
    if metrics.score is not None and verdicts < LEAST_COVERAGE * asked:
        yield f"{UNCOVERED} {LEAST_COVERAGE:.0%}: the official score is mostly of failures, and the run is not ranked"


def _low_mass(readings: Mapping[str, Sequence[Reading]]) -> Iterator[str]:
    """What the probabilities leave out, where that is much."""
    verdicts = [reading.result for among in readings.values() for reading in among]
    masses = [each.soft.mass for each in verdicts if isinstance(each, Verdict) and each.soft is not None]
    if masses and (mean := fmean(masses)) < _LEAST_MASS:
        yield (
            f"the verdicts' log-probabilities add up to {mean:.0%} on average; the rest is left out: tokens that begin "
            "no verdict, and those after which more than one may stand (a 1 that may go on to 10)"
        )


def _unasked(reading: Reading) -> bool:
    return isinstance(reading.result, Failure) and reading.result.kind == "not_asked"


def score(
    benchmark: Benchmark,
    name: Name,
    protocol: Protocol,
    outcomes: Sequence[Outcome],
    readings: Mapping[str, Sequence[Reading]],
    usage: Usage,
    beside: Beside,
) -> Metrics:
    """The figures of a run of any kind.

    Args:
        benchmark: Whose items they are.
        name: Of the run.
        protocol: Its seed, how readings were aggregated, and whether probabilities were asked for.
        outcomes: One an item.
        readings: By the item's id; empty for a score file.
        usage: What the replies took.
        beside: What else is known of it.
    """
    metrics = summarise(
        benchmark=benchmark.name,
        judge=name.judge,
        template=name.template,
        layout=benchmark.layout,
        outcomes=outcomes,
        readings=readings,
        usage=usage,
        seed=protocol.seed,
    )
    pairs = protocol.pairs is not None
    probable = protocol.soft or has_probabilities(each for among in readings.values() for each in among)
    sampled = () if beside.drawn_from is None else _sampled(metrics, readings, beside.drawn_from)
    said = [
        *low_coverage(metrics),
        *sampled,
        *(_low_mass(readings) if probable else ()),
        *beside.notes,
        *benchmark.notes(outcomes),
    ]
    if not beside.placed:
        metrics = replace(metrics, position_bias=None, slots=None, consistency=None, consistency_n=0)
    rates = win_rates(readings, beside.models)
    known = metrics.coverage > 0
    figures = benchmark.extra(outcomes) | (_calibration(outcomes, readings) if probable else {})
    reached = baselines.controls(benchmark, outcomes, readings, rule=protocol.join, pairs=pairs, ordered=beside.ordered)
    return replace(
        metrics,
        extra={
            **(figures if known else {name: _unknown(value) for name, value in figures.items()}),
            **({"win_rates": rates} if rates else {}),
            **_labels(metrics, outcomes, readings, _classes(beside.classes, benchmark), protocol.join),
            **_label_scores(outcomes, readings, benchmark),
            **(_criteria(benchmark, outcomes) if beside.classes is not None and beside.classes.shares else {}),
            **_steps(metrics, figures, outcomes, readings),
            **_annotators(benchmark, outcomes, readings, protocol.join),
            **_attributes(outcomes, readings),
        },
        notes=tuple(dict.fromkeys(said)),
        controls=reached if known or reached is None else reached.beside_nothing(),
        altered=None if beside.altered is None else beside.altered.title,
        attack=beside.attack,
        sequential=beside.sequential,
        length_contrast=_padded(beside.altered, protocol.seed, outcomes, readings),
        retest=_retest(benchmark, protocol, outcomes, readings) if beside.ordered and known else None,
    )


def _unknown(value: object) -> object:
    """A further figure of a run in which nothing has a verdict: what failures count as says nothing of the judge."""
    if isinstance(value, dict):
        return {name: _unknown(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_unknown(each) for each in value]
    return None if isinstance(value, float) else value


def _classes(classes: Classes | None, benchmark: Benchmark) -> Classes | None:
    """The template's classes, with the positive one that the benchmark names."""
    named = None if classes is None or benchmark.positive is None else classes.find(benchmark.positive)
    return classes if classes is None or named is None else replace(classes, positive=named)


def _label_scores(
    outcomes: Sequence[Outcome], readings: Mapping[str, Sequence[Reading]], benchmark: Benchmark
) -> dict[str, Any]:
    """Scores of single completions beside their classes: how well they rank these."""
    if readings or not any(outcome.item.k == 1 and outcome.item.label is not None for outcome in outcomes):
        return {}
    from judgebench.metrics.labelscore import label_score_figures

    found = label_score_figures(outcomes, benchmark.positive)
    return {} if found is None else {"label_scores": found}


def _labels(
    metrics: Metrics,
    outcomes: Sequence[Outcome],
    readings: Mapping[str, Sequence[Reading]],
    classes: Classes | None,
    rule: Join,
) -> dict[str, Any]:
    """The figures of label verdicts; accuracy is the score, with its interval, where the score is that."""
    if classes is None or not readings:
        return {}
    each: dict[str, dict[str, Any]] = {}
    if classes.shares:
        from judgebench.metrics.criteria import criteria_figures

        found, each = criteria_figures(outcomes, readings, classes, rule)
    else:
        from judgebench.metrics.labels import LabelVerdicts, label_figures

        found = label_figures(LabelVerdicts.of(outcomes, readings, classes, rule), classes)
    if found is None:
        return {}
    if (
        metrics.score is not None
        and found["accuracy"] is not None
        and abs(metrics.score - found["accuracy"]["score"]) < _SAME
    ):
        found["accuracy"] = {"score": metrics.score, "low": metrics.low, "high": metrics.high}
    return {"labels": found, **({"criteria": each} if each else {})}


def _criteria(benchmark: Benchmark, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """What the answers score by the weights of their criteria."""
    if not any(outcome.item.checklist for outcome in outcomes):
        return {}
    from judgebench.metrics.criteria import weighted_figures

    found = weighted_figures(outcomes, benchmark.layout)
    return {} if found is None else {"weighted_score": found}


def _attributes(outcomes: Sequence[Outcome], readings: Mapping[str, Sequence[Reading]]) -> dict[str, Any]:
    """The figures of each attribute, where items have grades of some."""
    if not any(outcome.item.attributes for outcome in outcomes):
        return {}
    from judgebench.metrics.attributes import attribute_figures

    return {"attributes": attribute_figures(outcomes, judged=bool(readings))}


def _steps(
    metrics: Metrics,
    figures: Mapping[str, Any],
    outcomes: Sequence[Outcome],
    readings: Mapping[str, Sequence[Reading]],
) -> dict[str, Any]:
    """Where verdicts on the first wrong step point, and the score's interval for F1, where the score is that."""
    if not any(outcome.item.steps for outcome in outcomes) or not metrics.coverage:
        return {}
    from judgebench.metrics.steps import placements

    found = placements(outcomes, readings)
    f1, score = figures.get("f1"), metrics.score
    ends = (
        {}
        if f1 is None or score is None or abs(f1 - score) > _SAME
        else {"f1_low": metrics.low, "f1_high": metrics.high}
    )
    return {**ends, **({} if found is None else {"steps": found})}


def _annotators(
    benchmark: Benchmark, outcomes: Sequence[Outcome], readings: Mapping[str, Sequence[Reading]], rule: Join
) -> dict[str, Any]:
    """The judge beside several people, where items have their labels; of each section, where these are apart."""
    if not any(outcome.item.annotations for outcome in outcomes):
        return {}
    from judgebench.metrics.annotators import annotator_figures

    sections: dict[str, list[Outcome]] = {}
    for outcome in outcomes if benchmark.sections_apart else ():
        sections.setdefault(str(benchmark.layout.section_of(outcome.item)), []).append(outcome)
    if len(sections) > 1:
        each = {name: annotator_figures(among, readings, rule) for name, among in sections.items()}
        return {"annotators_by_section": {name: found for name, found in each.items() if found is not None}}
    found = annotator_figures(outcomes, readings, rule)
    return {} if found is None else {"annotators": found}


def _padded(
    altered: Alteration | None, seed: int, outcomes: Iterable[Outcome], readings: Mapping[str, Sequence[Reading]]
) -> BiasEstimate | None:
    """How often a padded copy was preferred to the answer itself, in the control that shows both."""
    if altered is None or altered.name != PADDED:
        return None
    keys = {outcome.item.id: outcome.item for outcome in outcomes}
    copies = {item: copy_of_first(key, seed) for item, key in keys.items()}
    return padded_preference(readings, {item: at for item, at in copies.items() if at is not None}, keys)


def _retest(
    benchmark: Benchmark, protocol: Protocol, outcomes: Sequence[Outcome], readings: Mapping[str, Sequence[Reading]]
) -> Retest | None:
    """What repeated samples say; nothing where it hangs on what was said whether there is another."""
    if protocol.samples < 2 or protocol.in_rounds:
        return None
    return retest(readings, _noise(benchmark, protocol, outcomes, readings))


def _noise(
    benchmark: Benchmark, protocol: Protocol, outcomes: Sequence[Outcome], readings: Mapping[str, Sequence[Reading]]
) -> Noise | None:
    """The judge's own noise, from the credit of each sample by itself."""
    layout = benchmark.layout
    scored = [o for o in outcomes if o.credit is not None and o.item.subset not in layout.strata]
    if not scored:
        return None
    by_group = {group.place: group.in_score / group.n for group in group_weights(scored, layout)}
    credits_, subsets, weights, units = [], [], [], []
    for each in scored:
        samples: list[list[Reading]] = [[] for _ in range(protocol.samples)]
        for reading in readings.get(each.item.id, ()):
            samples[reading.sample].append(reading)
        if any(not sample or any(map(_unasked, sample)) for sample in samples):
            continue
        weight = by_group.get(layout.place_of(each.item))
        if weight is None:  # a subset without a score, such as an F1 of items of one kind
            continue
        credits_.append([pairings.outcome(benchmark, protocol, each.item, sample).credit or 0.0 for sample in samples])
        subsets.append(each.item.subset)
        units.append(each.item.unit)
        weights.append(weight)
    total = sum(weights)
    return noise_of(credits_, subsets, [weight / total for weight in weights], units) if total else None


def _calibration(outcomes: Iterable[Outcome], readings: Mapping[str, Sequence[Reading]]) -> dict[str, Any]:
    from judgebench.metrics.sureness import calibration

    return {"calibration": calibration(readings, {outcome.item.id: outcome.item for outcome in outcomes})}


def up_to_date(run: Run) -> Finished:
    """The run with the outcomes and figures of the judgements that are there.

    A run that is going on, or was killed while it did, has more judgements than its `metrics.json` is of; one whose
    `judgements.jsonl` was cut has fewer. What `rescore` would count, counts here too; the run's notes say so.

    Raises:
        ConfigError: The run's figures, items or templates cannot be read.
    """
    finished = Finished(run)
    if finished.recounted is None:
        return finished
    templates = run_templates(finished)
    judgements = [j for j in finished.judgements.values() if j.item in finished.keys]
    protocol = protocol_of(finished)
    outcomes = outcomes_of(finished, templates, judgements, protocol)
    metrics = metrics_of(
        finished,
        templates,
        judgements,
        outcomes,
        protocol,
        usage=usage_of(j for j in read_judgements(run.path) if j.item in finished.keys),
        notes=old_notes(run.path),
        attack=flips_of(finished, judgements),
    )
    return finished.with_figures(outcomes, metrics)


def protocol_of(finished: Finished) -> Protocol:
    """How the run was asked, and its readings are joined."""
    return finished.run.manifest.protocol.protocol


def outcomes_of(
    finished: Finished, templates: RunTemplates, judgements: Iterable[Judgement], protocol: Protocol
) -> dict[str, Outcome]:
    """The outcome of each item, by the benchmark's rule."""
    readings = _readings(finished, templates, judgements, protocol)
    benchmark, keys = finished.benchmark, finished.keys
    return {item: pairings.outcome(benchmark, protocol, keys[item], among) for item, among in readings.items()}


def _readings(
    finished: Finished, templates: RunTemplates, judgements: Iterable[Judgement], protocol: Protocol
) -> dict[str, list[Reading]]:
    """The readings of each item, with a failure for each call of the protocol that was not made."""
    there: dict[str, dict[Call, Reading]] = {item: {} for item in finished.keys}
    for judgement in judgements:
        # Which calls there were to be is told by the numbers that the answers had then.
        reading = _renumbered(judgement.reading, finished.moved.get(judgement.item))
        there[judgement.item][Call(reading.order, reading.sample)] = reading
    readings = {}
    for item, among in there.items():
        key = finished.keys[item]
        mode = templates.wording_for(key, finished).mode
        questions = pairings.questions(finished.benchmark, protocol, key, mode, among)
        moved = finished.moved.get(item)
        back = None if moved is None else tuple(moved.index(at) for at in range(len(moved)))
        readings[item] = [_renumbered(each, back) for each in with_unasked(protocol, item, questions, among)]
    return readings


def calls_not_made(finished: Finished) -> Iterator[tuple[ItemKey, Reading]]:
    """Of a run that ended early, each call that was not made, as a failure.

    Args:
        finished: A judge's run.
    """
    judgements = [each for each in finished.judgements.values() if each.item in finished.keys]
    made = {(each.item, each.order, each.sample) for each in judgements}
    for item, among in _readings(finished, run_templates(finished), judgements, protocol_of(finished)).items():
        yield from ((finished.keys[item], each) for each in among if (item, each.order, each.sample) not in made)


def _renumbered(reading: Reading, numbers: tuple[int, ...] | None) -> Reading:
    """The reading with other numbers for its answers."""
    return reading if numbers is None else replace(reading, order=tuple(numbers[at] for at in reading.order))


def _planned(finished: Finished, templates: RunTemplates, protocol: Protocol, key: ItemKey) -> int:
    """How many calls there were to be about an item, at most."""
    mode = templates.wording_for(key, finished).mode
    return number_of_calls(protocol, pairings.questions_at_most(finished.benchmark, protocol, key, mode))


def usage_of(judgements: Iterable[Judgement]) -> Usage:
    """What the replies took; of a judgement that was asked again, all count."""
    usage = Usage()
    for judgement in judgements:
        add_usage(usage, judgement)
    return usage


def metrics_of(
    finished: Finished,
    templates: RunTemplates,
    judgements: Sequence[Judgement],
    outcomes: Mapping[str, Outcome],
    protocol: Protocol,
    *,
    usage: Usage,
    notes: Iterable[str] = (),
    attack: Flips | None = None,
) -> Metrics:
    """The figures of judgements, as the run itself makes them.

    Args:
        finished: The run.
        templates: Its own.
        judgements: Those that count, as they are read now.
        outcomes: What they come to.
        protocol: How they are joined.
        usage: What all replies took.
        notes: Sentences for the reader; those that the protocol makes of the readings are made anew.
        attack: How often an attack changed verdicts: see `flips_of`.
    """
    benchmark, manifest = finished.benchmark, finished.run.manifest
    readings = _readings(finished, templates, judgements, protocol)
    planned = sum(_planned(finished, templates, protocol, key) for key in finished.keys.values())
    kept = [note for note in notes if not note.startswith((UNCOVERED, SAMPLED, *PROTOCOL_NOTES))]
    name = replace(finished.name, template=templates.wording.name)
    made = protocol_notes(benchmark, templates.wording.mode, protocol, str(manifest.protocol.name), readings, planned)
    beside = Beside(
        notes=(*kept, *made),
        altered=manifest.altered,
        attack=attack,
        sequential=_old_sequential(finished.path),
        drawn_from=manifest.items.drawn_from or len(finished.keys),
        classes=templates.reader.rule.classes,
        ordered=finished.placed,
        placed=finished.placed,
        models={} if manifest.origin is None else finished.models,
    )
    with step(f"scoring {finished.path}"):
        return score(benchmark, name, protocol, list(outcomes.values()), readings, usage, beside)


def flips_of(
    finished: Finished, judgements: Iterable[Judgement], read: Callable[[Judgement], Judgement] | None = None
) -> Flips | None:
    """How often an attack changed verdicts against the run over the items as they are, in a folder beside it.

    Args:
        finished: The attack's run; of any other there is nothing to tell.
        judgements: Its own, as they are read now.
        read: How those of the other run are read now; None as they stand there.

    Returns:
        None where there is no such folder, or no verdict before and after.
    """
    alteration = finished.run.manifest.altered
    if alteration is None or alteration.kind != "attack" or (plain := _unaltered(finished)) is None:
        return None
    before = plain if read is None else map(read, plain)
    classes, seed = finished.run.manifest.template.label_classes, protocol_of(finished).seed
    return flips_between(before, _by_item(judgements), alteration.name, finished.keys, seed, classes)


def flips_between(
    before: Iterable[Judgement],
    after: Mapping[str, Sequence[Reading]],
    attack: str,
    keys: Mapping[str, ItemKey],
    seed: int,
    classes: Classes | None = None,
) -> Flips | None:
    """How often an attack of this name changed verdicts; `before` are the judgements of the items as they are."""
    targets = ((item, target(key, seed, classes)) for item, key in keys.items())
    altered = {item: at for item, at in targets if at is not None}
    aim = None if classes is None else classes.names[0]
    return flips(attack, _by_item(before), after, altered, {item: keys[item].unit for item in altered}, aim)


def _unaltered(finished: Finished) -> list[Judgement] | None:
    """The judgements of the run that an attack's is held against."""
    own = _asked_alike(finished.run.manifest)
    for path in sorted(path for path in finished.path.resolve().parent.iterdir() if path.is_dir()):
        manifest = read_manifest(path)
        if manifest is None or manifest.altered is not None or manifest.rescored is not None:
            continue
        if _asked_alike(manifest) == own:
            return list(Finished(Run(path)).judgements.values())
    return None


def _asked_alike(manifest: Manifest) -> dict[str, Any]:
    """The identity of a run but for what is done to its items, and how its replies are read and joined."""
    left_out = {"altered", "altered_by", "read_by", "join"}
    return {name: value for name, value in manifest.identity.items() if name not in left_out}


def _by_item(judgements: Iterable[Judgement]) -> dict[str, list[Reading]]:
    readings: dict[str, list[Reading]] = {}
    for judgement in judgements:
        readings.setdefault(judgement.item, []).append(judgement.reading)
    return readings


def old_notes(folder: Path) -> list[str]:
    """The notes in `metrics.json`, of whatever version; none where it cannot be read."""
    notes = _old_metrics(folder).get("notes")
    return [str(note) for note in notes] if isinstance(notes, list) else []


def _old_sequential(folder: Path) -> Sequential | None:
    """What came of the comparison that the run was one side of, as `metrics.json` has it."""
    from judgebench.metrics.sequential import Sequential

    try:
        return Sequential(**_old_metrics(folder)["sequential"])
    except (KeyError, TypeError):
        return None


def _old_metrics(folder: Path) -> dict[str, Any]:
    try:
        metrics = json.loads((folder / METRICS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return metrics if isinstance(metrics, dict) else {}
