"""Scores that a reward model, or anything else, gave: read, checked against the items, scored by the same rules."""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING, Any

from judgebench._util.steps import counted, step
from judgebench.benchmarks import base
from judgebench.errors import ConfigError
from judgebench.metrics.summary import Usage
from judgebench.protocols import Protocol
from judgebench.runs.folder import RunWriter, check_writable, in_place_of
from judgebench.runs.itemfile import share_items
from judgebench.runs.manifest import Name, folder_name, folder_of, make_manifest, now
from judgebench.runs.scoring import Beside, score
from judgebench.sources.cells import as_list, decode_cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from judgebench.benchmarks.dataset import Dataset
    from judgebench.items import ItemKey
    from judgebench.sources.source import Row, Source

    Scores = tuple[float | None, ...]

PROTOCOL = "scores"
"""The folder of a score file's run, in that of its name."""

_SHOWN = 5


def read_scores(
    source: Source, dataset: Dataset, *, allow_missing: bool = False, notes: list[str] | None = None
) -> dict[str, Scores]:
    """The scores of every item, in the order of its completions; None for each that is missing.

    Args:
        source: Rows with `id` and `scores`, or `scores_chosen` and `scores_rejected`.
        dataset: The items.
        allow_missing: Count scores that are not there, or not usable, as missing, instead of refusing the file.
        notes: Gets a sentence on what was passed over.

    Raises:
        ConfigError: The scores do not fit the items; the message names the first five.
    """
    found: dict[str, Scores] = {}
    unknown, wrong_count, not_finite = [], [], []
    file = source.name
    for row in counted(source, f"reading {file}", unit="rows", total=source.total):
        identifier = base.text_of(row, "id")
        key = dataset.keys.get(identifier)
        if identifier in found:
            raise base.row_error(row, f"duplicate id '{identifier}'")
        if key is None:
            unknown.append(identifier)
            continue
        chosen, rejected = _scores_of(row)
        scores = (*(chosen or ()), *rejected)
        if len(scores) != key.k:
            wrong_count.append(f"{identifier} ({len(scores)} for {key.k} completions)")
            scores = (None,) * key.k
        elif chosen is not None and key.num_correct and len(chosen) != key.num_correct:
            given, expected = f"{len(chosen)} and {len(rejected)}", f"{key.num_correct} and {key.k - key.num_correct}"
            wrong_count.append(f"{identifier} ({given} for {expected} chosen and rejected completions)")
            scores = (None,) * key.k
        elif any(score is None for score in scores):
            not_finite.append(identifier)
            scores = (None,) * key.k
        found[identifier] = scores
    if not found:
        raise ConfigError(f"{file}: no scores for any of the {len(dataset.keys)} items; use the ids of the data")
    missing = [identifier for identifier in dataset.keys if identifier not in found]
    if dataset.total > len(dataset.keys):
        unknown.clear()  # with --subset, those of the items left out are no mistake
    if not allow_missing:
        mend = "--allow-missing counts such items as failures"
        _refuse(file, "wrong number of scores", wrong_count, mend)
        _refuse(file, "scores that are not finite numbers", not_finite, mend)
        _refuse(file, "missing scores", missing, mend)
        _refuse(file, "ids not in the data", unknown, "--allow-missing ignores them")
    if unknown and notes is not None:
        what = "id" if len(unknown) == 1 else "ids"
        notes.append(f"{len(unknown)} {what} not in the data ignored: {base.named(unknown, _SHOWN)}")
    return {key.id: found.get(key.id, (None,) * key.k) for key in dataset.keys.values()}


def _refuse(file: str, what: str, ids: Sequence[str], mend: str) -> None:
    """Raises ConfigError where there are any such ids."""
    if ids:
        raise ConfigError(f"{file}: {what}: {base.named(ids, _SHOWN)}; {mend}")


def _scores_of(row: Row) -> tuple[Scores | None, Scores]:
    """The scores of the chosen completions and of the rejected ones; None and all where they stand in one list."""
    if "scores" in row.data:
        return None, _numbers(row, "scores")
    if "scores_chosen" in row.data and "scores_rejected" in row.data:
        return _numbers(row, "scores_chosen"), _numbers(row, "scores_rejected")
    raise base.row_error(row, "no column 'scores' (a list), or 'scores_chosen' and 'scores_rejected'")


def _numbers(row: Row, column: str) -> Scores:
    """The column's numbers; None for each that is not a finite one."""
    values = as_list(decode_cell(row.data[column]))
    numbers: list[float | None] = []
    for value in values:
        # A nested list with one number is how some trainers write a batch of one.
        single = value[0] if isinstance(value, list) and len(value) == 1 else value
        try:
            number = math.nan if single is None or single == "" else float(_not_bool(single))
        except (TypeError, ValueError):
            raise base.row_error(row, f"column '{column}' holds {single!r}, expected numbers") from None
        numbers.append(number if math.isfinite(number) else None)
    return tuple(numbers)


def _not_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise TypeError
    return value


def score_run(
    source: Source,
    dataset: Dataset,
    *,
    name: str,
    out: Path,
    allow_missing: bool = False,
    seed: int = 0,
) -> Path:
    """Scores what a source has by the benchmark's rule and writes the run's folder.

    Args:
        source: The scores; see `read_scores`.
        dataset: The items.
        name: Whose scores they are, as in tables.
        out: The folder above the runs' folders.
        allow_missing: See `read_scores`.
        seed: Of the intervals' resampling.

    Returns:
        The run's folder.
    """
    started = now()
    benchmark = dataset.benchmark
    plain = out / folder_name(benchmark.name) / folder_name(name) / PROTOCOL
    check_writable(plain, "--out")
    passed_over: list[str] = []
    scores = read_scores(source, dataset, allow_missing=allow_missing, notes=passed_over)
    digest = source.hash() or _hash(scores)
    identity = {"benchmark": benchmark.name, "scores": name, "file": digest, "items": dataset.hash, "seed": seed}
    folder = folder_of(plain, identity)
    if folder != plain:
        passed_over.append(f"another run has the folder's plain name, so this one is in {folder}")
    outcomes = [benchmark.scored(item, scores[item.id]) for item in dataset.keys.values()]
    with step(f"scoring {benchmark.name} · {name}"):
        beside = Beside(notes=[*passed_over, *_notes(dataset.keys.values(), scores)])
        metrics = score(benchmark, Name(name, None, PROTOCOL), Protocol(seed=seed), outcomes, {}, Usage(), beside)
    parts = {
        "benchmark": benchmark.name,
        "scores": {
            "name": name,
            "file": source.name,
            "hash": digest,
            "protocol": folder.name,
            "allow_missing": allow_missing,
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


def _hash(scores: dict[str, Scores]) -> str:
    """SHA-256 of the scores, where they come from no single file."""
    return hashlib.sha256(json.dumps(scores, sort_keys=True).encode()).hexdigest()


def _notes(items: Iterable[ItemKey], scores: dict[str, Scores]) -> Iterable[str]:
    missing = sum(None in scores[item.id] for item in items if item.human_score is None)
    if missing:
        yield "1 item without scores counts 0" if missing == 1 else f"{missing} items without scores count 0"
