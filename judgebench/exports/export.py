"""Finished runs written in the forms that other tools read."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from judgebench._util.files import json_text, write_texts, writing
from judgebench.errors import ConfigError, unknown_name
from judgebench.exports import dataset, every_eval, rewardbench
from judgebench.exports.models import UNKNOWN, model_of
from judgebench.exports.tables import opened
from judgebench.runs import up_to_date
from judgebench.sources.remote import is_address, put_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench.exports.models import Model
    from judgebench.runs import Finished, Run

FORMS = ("dataset", "every-eval-ever", "rewardbench")
"""What runs can be exported to."""

_OPTIONS = {
    "dataset": {"items"},
    "every-eval-ever": {"model", "organization", "relationship"},
    "rewardbench": {"model", "model_type"},
}


@dataclass(frozen=True)
class Exported:
    """What an export has written.

    Attributes:
        files: In the order they were written; addresses where `out` was one.
        notes: What a reader must know, a sentence each.
    """

    files: tuple[Path | str, ...]
    notes: tuple[str, ...] = ()


def export(
    runs: Run | str | Path | Sequence[Run | str | Path],
    *,
    to: str,
    out: str | Path,
    items: bool = False,
    model: str | None = None,
    model_type: str | None = None,
    organization: str | None = None,
    relationship: str | None = None,
) -> Exported:
    """Writes finished runs in a form that another tool reads.

    >>> import judgebench as jb
    >>> run = jb.run("rewardbench", judge="offline/longest", data="sample")
    >>> (jb.export(run, to="dataset", out="dataset").files[0]).parts[0]
    'dataset'

    Args:
        runs: A run or several, or their folders.
        to: `dataset` (a folder for `datasets.load_dataset`), `every-eval-ever` (the schema of that database), or
            `rewardbench` (the files that RewardBench's leaderboard reads).
        out: The folder. A dataset's must be new or empty, and can be at an address that fsspec knows
            (`s3://bucket/judged`); the other two add to theirs.
        items: With a dataset, write the items' texts too.
        model: What a single run's model is called, as ORGANISATION/MODEL; None to tell by its LiteLLM id.
        model_type: For RewardBench: one of `judgebench.exports.rewardbench.MODEL_TYPES`.
        organization: For Every Eval Ever: who evaluates.
        relationship: For Every Eval Ever: one of `judgebench.exports.every_eval.RELATIONSHIPS`.

    Raises:
        ConfigError: Something is not there, does not fit the form, or cannot be written.
    """
    if to not in FORMS:
        raise unknown_name("form", to, FORMS)
    given = {"items": items, "model": model, "model_type": model_type}
    given |= {"organization": organization, "relationship": relationship}
    for name, value in given.items():
        if value and name not in _OPTIONS[to]:
            fitting = " and ".join(form for form, options in _OPTIONS.items() if name in options)
            raise ConfigError(f"--{name.replace('_', '-')} is for {fitting}, not for {to}: leave it out")
    _check("--model-type", model_type, rewardbench.MODEL_TYPES)
    _check("--relationship", relationship, every_eval.RELATIONSHIPS)
    if to != "dataset" and is_address(str(out)):
        raise ConfigError(f"--out {out} is an address, and only a dataset can be written to one: name a folder")
    found, folder = opened(runs), Path(out)
    if model is not None and len(found) > 1:
        raise ConfigError(f"--model names one model, and there are {len(found)} runs: export them one by one")
    if to == "dataset":
        for run in found:
            _ = run.metrics
        if is_address(str(out)):
            return Exported(_sent(found, str(out), items=items))
        return Exported(tuple(dataset.write_dataset(found, folder, items=items)))
    models = [model_of(run, model) for run in found]
    finished = [up_to_date(run) for run in found]
    for each in finished:
        each.need_judgements()
    notes = [
        f"{run.path}: unknown model {each.name}: add --model ORGANISATION/MODEL"
        for run, each in zip(found, models, strict=True)
        if each.organisation == UNKNOWN
    ]
    if to == "rewardbench":
        return _rewardbench(finished, models, folder, model_type, notes)
    return _every_eval(finished, models, folder, organization or UNKNOWN, relationship or "other", notes)


def _sent(runs: Sequence[Run], address: str, *, items: bool) -> tuple[str, ...]:
    """Writes a dataset to an address, by way of a folder of this machine."""
    with TemporaryDirectory(prefix="judgebench-") as folder:
        dataset.write_dataset(runs, Path(folder) / "dataset", items=items)
        return tuple(put_folder(Path(folder) / "dataset", address))


def _check(option: str, value: str | None, known: Sequence[str]) -> None:
    if value is not None and value not in known:
        raise unknown_name(option, value, known)


def _rewardbench(
    finished: Sequence[Finished], models: Sequence[Model], out: Path, model_type: str | None, notes: list[str]
) -> Exported:
    files: dict[str, tuple[Path, str]] = {}
    for each, model in zip(finished, models, strict=True):
        for result in rewardbench.results(each, model, model_type):
            if result.path in files:
                raise ConfigError(
                    f"{files[result.path][0]} and {each.path} are both results of {model.id}: export them one by one, "
                    "and name one with --model"
                )
            files[result.path] = each.path, result.text
        notes += rewardbench.notes(each)
    for name, (_, text) in files.items():
        _write(out / name, text)
    return Exported(tuple(out / name for name in files), tuple(notes))


def _every_eval(
    finished: Sequence[Finished],
    models: Sequence[Model],
    out: Path,
    organization: str,
    relationship: str,
    notes: list[str],
) -> Exported:
    files = []
    for each, model in zip(finished, models, strict=True):
        made = every_eval.record(each, model, now=time.time(), organization=organization, relationship=relationship)
        path = out / made.folder / f"{made.name}.json"
        _write(path, json_text(made.log))
        files.append(path)
        if made.instances:
            lines = path.with_suffix(".jsonl")
            _write(lines, made.instances)
            files.append(lines)
    return Exported(tuple(files), tuple(notes))


def _write(path: Path, text: str) -> None:
    with writing(path, "choose another with --out"):
        write_texts(path.parent, {path.name: text})
