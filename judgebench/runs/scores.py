"""Scores that a reward model, or anything else, gave: read, checked against the items, scored by the same rules."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from judgebench._util.steps import counted, step
from judgebench.benchmarks import base
from judgebench.errors import ConfigError
from judgebench.items import class_key
from judgebench.metrics.attributes import parts_of_scores
from judgebench.metrics.summary import Usage
from judgebench.protocols import Protocol
from judgebench.runs.folder import RunWriter, check_writable, in_place_of
from judgebench.runs.itemfile import share_items
from judgebench.runs.manifest import Name, folder_name, folder_of, make_manifest, now
from judgebench.runs.scorefiles import ScoreReading, read_score_rows
from judgebench.runs.scorejoin import joined_rows
from judgebench.runs.scoring import Beside, score
from judgebench.runs.stepscores import read_step_rows, threshold_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from judgebench.benchmarks.dataset import Dataset
    from judgebench.items import ItemKey, Outcome
    from judgebench.runs.scorefiles import Scores, Steps
    from judgebench.runs.stepscores import StepScores
    from judgebench.sources.source import Source

PROTOCOL = "scores"
"""The folder of a score file's run, in that of its name."""

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class ScoreOptions:
    """How a score file is read and joined to the items.

    Attributes:
        allow_missing: Count scores that are not there, or not usable, as missing, instead of refusing the file.
        in_order: Take the rows in the order of the data, whatever their ids.
        head: Which of several scores of a completion: a name or an index.
        steps: How the scores of a completion's steps become one.
        threshold: Of items in steps, below which score a step is wrong.
    """

    allow_missing: bool = False
    in_order: bool = False
    head: str | int | None = None
    steps: Steps | None = None
    threshold: float | None = None

    @property
    def reading(self) -> ScoreReading:
        """How its numbers are taken."""
        head = None if self.head is None else str(self.head)
        return ScoreReading(head, self.steps, threshold=self.threshold)


@dataclass(frozen=True, slots=True)
class ScoredBy:
    """The model that gave the scores, where it was run here.

    Attributes:
        settings: The checkpoint, the precision, the template and what else they depend on, for the manifest.
        notes: What a reader must know of it, a sentence each.
    """

    settings: Mapping[str, object]
    notes: Sequence[str] = ()


def read_scores(
    source: Source,
    dataset: Dataset,
    options: ScoreOptions | None = None,
    notes: list[str] | None = None,
    heads: dict[str, Mapping[str, float]] | None = None,
) -> dict[str, Scores]:
    """The scores of every item, in the order of its completions or of its steps; None for each that is missing.

    Rows are joined to items by id; without ids by their prompts, or in the order of the data.

    Args:
        source: The rows; see `judgebench.runs.scorefiles.read_score_rows`.
        dataset: The items.
        options: How.
        notes: Gets a sentence on how rows were joined, where that is not by id, and on what was passed over.
        heads: Gets the scores of an item's attributes, where rows have some.

    Raises:
        ConfigError: The scores do not fit the items; the message names the first five.
    """
    options = options or ScoreOptions()
    said: list[str] = [] if notes is None else notes
    file = source.name
    rows = counted(source, f"reading {file}", unit="rows", total=source.total)
    if any(key.steps for key in dataset.keys.values()):
        return _of_steps(list(read_step_rows(rows, options.reading)), dataset, file, options, said)
    reading = replace(options.reading, attributes=_attributes(dataset))
    given = list(read_score_rows(rows, reading))
    joined = joined_rows(given, dataset, file, said, in_order=options.in_order, allow_missing=options.allow_missing)
    turned = _as_given(dataset, file) if any(row.as_given for row in given) else {}
    found: dict[str, Scores] = {}
    wrong_count, not_finite = [], []
    for identifier, row in joined.items():
        key, scores = dataset.keys[identifier], row.scores
        nothing: Scores = (None,) * key.k
        chosen = row.chosen
        if len(scores) != key.k:
            wrong_count.append(f"{identifier} ({len(scores)} for {key.k} completions)")
            scores = nothing
        elif chosen is not None and key.num_correct and chosen != key.num_correct:
            split, expected = f"{chosen} and {key.k - chosen}", f"{key.num_correct} and {key.k - key.num_correct}"
            wrong_count.append(f"{identifier} ({split} for {expected} chosen and rejected completions)")
            scores = nothing
        elif None in scores:
            not_finite.append(f"{identifier} ({row.said})")
            scores = nothing
        elif row.as_given:
            scores = tuple(scores[at] for at in turned[identifier])
        found[identifier] = scores
        if heads is not None and row.heads is not None:
            heads[identifier] = row.heads
    missing = [identifier for identifier in dataset.keys if identifier not in found]
    if not options.allow_missing:
        mend = "--allow-missing counts such items as failures"
        _refuse(file, "wrong number of scores", wrong_count, mend)
        _refuse(file, "scores that are not finite numbers", not_finite, mend)
        _refuse(file, "missing scores", missing, mend)
    return {key.id: found.get(key.id, (None,) * key.k) for key in dataset.keys.values()}


def _of_steps(
    given: Sequence[StepScores], dataset: Dataset, file: str, options: ScoreOptions, said: list[str]
) -> dict[str, Scores]:
    """The scores of every step of every item; inverted redundancy labels where the benchmark's rule takes those."""
    redundant = {each.row.where: each.redundant for each in given if each.redundant is not None}
    rows = [each.row for each in given]
    joined = joined_rows(rows, dataset, file, said, in_order=options.in_order, allow_missing=options.allow_missing)
    found: dict[str, Scores] = {}
    wrong_count, not_finite = [], []
    for identifier, row in joined.items():
        key, scores = dataset.keys[identifier], row.scores
        if dataset.benchmark.takes_redundancy(key) and (labels := redundant.get(row.where)) is not None:
            scores = tuple(None if label is None else 1.0 - label for label in labels)
        nothing: Scores = (None,) * key.steps
        if not scores or None in scores:
            not_finite.append(f"{identifier} ({row.said})")
            scores = nothing
        elif len(scores) != key.steps:
            wrong_count.append(f"{identifier} ({len(scores)} for {key.steps} steps)")
            scores = nothing
        found[identifier] = scores
    if not options.allow_missing:
        mend = "--allow-missing counts such items as failures"
        _refuse(file, "wrong number of scores", wrong_count, mend)
        _refuse(file, "steps without a score", not_finite, mend)
        _refuse(file, "missing scores", [item for item in dataset.keys if item not in found], mend)
    return {key.id: found.get(key.id, (None,) * key.steps) for key in dataset.keys.values()}


def _in_steps(dataset: Dataset, options: ScoreOptions) -> bool:
    """Whether the items are in steps.

    Raises:
        ConfigError: An option says otherwise.
    """
    name = dataset.benchmark.name
    in_steps = any(key.steps for key in dataset.keys.values())
    if options.threshold is not None and not in_steps:
        raise ConfigError(f"--threshold is for items in steps, and {name} has none: leave it out")
    if options.steps is not None and in_steps:
        raise ConfigError(f"--steps {options.steps}: {name} is scored step by step: leave it out, and give --threshold")
    return in_steps


def _attributes(dataset: Dataset) -> tuple[str, ...]:
    """The attributes that items have grades of."""
    return tuple(dict.fromkeys(name for key in dataset.keys.values() for name, _ in key.attributes))


def _refuse(file: str, what: str, ids: Sequence[str], mend: str) -> None:
    """Raises ConfigError where there are any such ids."""
    if ids:
        raise ConfigError(f"{file}: {what}: {base.named(ids, _SHOWN)}; {mend}")


def _as_given(dataset: Dataset, file: str) -> dict[str, tuple[int, ...]]:
    """Of each item, which of the answers in its row each of its completions is."""
    turned = dataset.as_given()
    lacking = next((item for item in dataset.keys if item not in turned), None)
    if lacking is not None:
        raise ConfigError(
            f"{file}: has scores of answers a and b, and the rows of {dataset.source} say which is chosen (item "
            f"'{lacking}'): name the columns scores_chosen and scores_rejected"
        )
    return turned


def score_run(
    source: Source,
    dataset: Dataset,
    *,
    name: str,
    out: Path,
    options: ScoreOptions | None = None,
    model: ScoredBy | None = None,
    seed: int = 0,
) -> Path:
    """Scores what a source has by the benchmark's rule and writes the run's folder.

    Args:
        source: The scores; see `read_scores`.
        dataset: The items.
        name: Whose scores they are, as in tables.
        out: The folder above the runs' folders.
        options: How they are read and joined.
        model: What gave them, where that was run here.
        seed: Of the intervals' resampling.

    Returns:
        The run's folder.
    """
    started = now()
    options = options or ScoreOptions()
    benchmark = dataset.benchmark
    plain = out / folder_name(benchmark.name) / folder_name(name) / PROTOCOL
    check_writable(plain, "--out")
    in_steps = _in_steps(dataset, options)
    passed_over: list[str] = [] if model is None else [*model.notes]
    heads: dict[str, Mapping[str, float]] = {}
    scores = read_scores(source, dataset, options, passed_over, heads)
    threshold = threshold_for(scores.values(), options.threshold, source.name) if in_steps else None
    digest = source.hash() or _hash(scores)
    identity = {**benchmark.identity(), "scores": name, "file": digest, "items": dataset.hash, "seed": seed}
    identity |= _said(options)
    folder = folder_of(plain, identity)
    if folder != plain:
        passed_over.append(f"another run has the folder's plain name, so this one is in {folder}")
    if threshold is None:
        outcomes = [
            _with_heads(benchmark.scored(item, scores[item.id]), heads.get(item.id), options)
            for item in dataset.keys.values()
        ]
    else:
        outcomes = [benchmark.scored_steps(item, scores[item.id], threshold) for item in dataset.keys.values()]
        passed_over.append(f"steps are taken as wrong by their scores: the threshold is {threshold:g}")
    with step(f"scoring {benchmark.name} · {name}"):
        beside = Beside(notes=[*passed_over, *_notes(dataset.keys.values(), scores)])
        metrics = score(benchmark, Name(name, None, PROTOCOL), Protocol(seed=seed), outcomes, {}, Usage(), beside)
    parts = {
        "benchmark": benchmark.name,
        "benchmark_file": benchmark.declaration() or None,
        "scores": {
            "name": name,
            "file": source.name,
            "hash": digest,
            "protocol": folder.name,
            "allow_missing": options.allow_missing,
            **_said(options),
            **({} if model is None else {"model": dict(model.settings)}),
        },
        "selection": dataset.selection.to_json(),
        "seed": seed,
        "data": dataset.origin,
        "items": {"count": len(dataset.keys), "of": dataset.total, "hash": dataset.hash},
        "identity": identity,
    }
    manifest = make_manifest("incomplete" if metrics.failures else "done", started, parts)
    with in_place_of(folder, identity, "choose another with --out") as part:
        share_items(part, dataset.hash, dataset, levels=1)
        RunWriter(part).finish(manifest, outcomes, metrics)
    return folder


def _with_heads(outcome: Outcome, heads: Mapping[str, float] | None, options: ScoreOptions) -> Outcome:
    """The outcome with a score for each attribute, or for the one that `--head` names."""
    item = outcome.item
    head = next((name for name, _ in item.attributes if class_key(name) == class_key(str(options.head))), None)
    if heads is None and head is None:
        return outcome
    score = outcome.scores[0][0] if outcome.scores else None
    of_head = {} if score is None or head is None else {head: score}
    return replace(outcome, parts=parts_of_scores(item, of_head if heads is None else dict(heads)))


def _said(options: ScoreOptions) -> dict[str, str | bool | float]:
    """What makes the scores of one file others."""
    said = {"head": options.reading.head, "steps": options.steps, "in_order": options.in_order}
    threshold = {} if options.threshold is None else {"threshold": options.threshold}
    return {name: value for name, value in said.items() if value} | threshold


def _hash(scores: dict[str, Scores]) -> str:
    """SHA-256 of the scores, where they come from no single file."""
    return hashlib.sha256(json.dumps(scores, sort_keys=True).encode()).hexdigest()


def _notes(items: Iterable[ItemKey], scores: dict[str, Scores]) -> Iterable[str]:
    missing = sum(None in scores[item.id] for item in items if not item.graded)
    if missing:
        yield "1 item without scores counts 0" if missing == 1 else f"{missing} items without scores count 0"
