"""The parts of runs below some folders: which plan each is of, which are missing, and in what plans differ."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgebench._util.steps import counted
from judgebench.benchmarks.sampling import Shard
from judgebench.errors import ConfigError
from judgebench.runs import Manifest, ShardFile, find_runs, open_run, read_judgements, read_manifest, read_shard

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ENDED = frozenset({"done", "incomplete"})
"""The states of a part of which nothing is left to be asked."""

_NAMED = 10
"""So many parts are named in a line."""


@dataclass(frozen=True)
class RunPart:
    """A folder that a run with `--shard` has made.

    Attributes:
        path: The folder.
        manifest: Its manifest.
        said: What it says of the whole run.
        shard: Which part it is.
    """

    path: Path
    manifest: Manifest
    said: ShardFile
    shard: Shard

    @property
    def ended(self) -> bool:
        """Whether nothing is left to be asked about its items."""
        return self.manifest.state in ENDED

    @property
    def progress(self) -> tuple[bool, int, str]:
        """How far it got: of two copies, the one that got further has the greater value."""
        return self.ended, sum(1 for _ in read_judgements(self.path)), str(self.manifest.ended)


@dataclass
class RunInParts:
    """The parts of one run.

    Attributes:
        plan: The whole run's manifest, as far as it is known before the run.
        of: How many parts there are to be.
        parts: Those that are there, by number from 1 on.
    """

    plan: Manifest
    of: int
    parts: dict[int, RunPart] = field(default_factory=dict)

    @property
    def first(self) -> RunPart:
        """The first part that is there."""
        return self.parts[min(self.parts)]

    @property
    def open(self) -> list[int]:
        """The parts that are missing or have not ended."""
        return [number for number in range(1, self.of + 1) if number not in self.parts or not self.parts[number].ended]

    @property
    def lacking(self) -> list[int]:
        """The parts that are missing."""
        return [number for number in range(1, self.of + 1) if number not in self.parts]

    @property
    def title(self) -> str:
        """What the run is called in messages."""
        name = self.plan.name
        return " · ".join((str(self.plan.benchmark), name.judge, name.wording, name.protocol))

    @property
    def of_grid(self) -> tuple[object, ...]:
        """What tells the runs of one grid apart, each of which has parts of its own."""
        altered = None if self.plan.altered is None else self.plan.altered.title
        return self.plan.benchmark, self.plan.judge.name, self.plan.template.name, altered

    @cached_property
    def facts(self) -> dict[str, str]:
        """What makes the plan another than one with the same names."""
        plan, identity = self.plan, self.plan.identity
        judge = identity.get("judge")
        protocol = plan.protocol.protocol.to_json() | {"seed": plan.seed}
        return {
            "N of --shard": str(self.of),
            **{f"judge: {name}": value for name, value in _flat(judge if isinstance(judge, dict) else {})},
            "text of the template": str(plan.template.hash)[:8],
            "text of the template for Ties": str(plan.companion and plan.companion.hash)[:8],
            **{name: str(value) for name, value in protocol.items()},
            "limit": str(plan.selection.limit or "none"),
            "subsets": ", ".join(plan.selection.subsets),
            "rows": str(identity.get("items"))[:8],
        }


class MissingPartsError(ConfigError):
    """Parts of a run are missing, or have not ended.

    Attributes:
        runs: The runs that lack some.
    """

    def __init__(self, message: str, runs: Sequence[RunInParts]) -> None:
        super().__init__(message)
        self.runs = tuple(runs)


def find_parts(folders: Sequence[str | Path]) -> list[RunInParts]:
    """The runs of which parts stand at or below some folders, in the order in which they are found.

    Of two copies of a part, the one that got further is taken.

    Raises:
        ConfigError: A folder is not there, no part is below them, or one cannot be read.
    """
    runs: dict[tuple[str, int], RunInParts] = {}
    paths = {path.resolve(): path for each in reversed(folders) for path in reversed(_runs_at(Path(each)))}
    for path in counted(reversed(paths.values()), "reading parts", unit="parts", total=len(paths)):
        part = _part(path)
        if part is None:
            continue
        run = runs.setdefault((_identity(part), part.shard.of), RunInParts(_plan(part), part.shard.of))
        there = run.parts.get(part.shard.number)
        if there is None or part.progress > there.progress:
            run.parts[part.shard.number] = part
    if not runs:
        where = ", ".join(map(str, folders))
        raise ConfigError(f"{where}: no part of a run found; a part is made by judgebench run ... --shard I/N")
    return list(runs.values())


def _runs_at(folder: Path) -> list[Path]:
    if not folder.exists():
        raise ConfigError(f"{folder}: folder not found; name the folders of the parts, or those above them")
    return find_runs(folder)


def _part(path: Path) -> RunPart | None:
    """The part in a run's folder; None where the run is whole, or another was made of a part."""
    manifest = read_manifest(path)
    if manifest is None or manifest.selection.shard is None or manifest.rescored is not None or manifest.made_of:
        return None
    open_run(path)
    return RunPart(path, manifest, read_shard(path), Shard.parse(manifest.selection.shard))


def _plan(part: RunPart) -> Manifest:
    return Manifest.model_validate(part.said.plan)


def _identity(part: RunPart) -> str:
    return json.dumps(part.said.plan.get("identity"), sort_keys=True)


def check_parts(runs: Sequence[RunInParts], *, allow_missing: bool) -> None:
    """Finds out whether runs can be merged.

    Args:
        runs: The runs.
        allow_missing: Take a run of which parts are missing or have not ended.

    Raises:
        MissingPartsError: A run lacks some.
        ConfigError: Parts of one grid are of different plans.
    """
    lacking = [run for run in runs if run.open]
    for run in lacking:
        for other in runs:
            if other is not run and other.of_grid == run.of_grid and (other.of != run.of or run.open):
                raise _different(*sorted((run, other), key=lambda each: min(each.parts)))
    if lacking and not allow_missing:
        said = "; ".join(f"{run.title}: {_lacks(run)}" for run in lacking[:3])
        more = f"; and {len(lacking) - 3} more runs" if len(lacking) > 3 else ""
        raise MissingPartsError(f"{said}{more}; make them, or give --allow-missing to merge the others", lacking)


def _lacks(run: RunInParts) -> str:
    begun = [number for number in run.open if number in run.parts]
    said = [f"{_listed(run.lacking)} of {run.of} missing"] if run.lacking else []
    said += [f"{_listed(begun)} of {run.of} {run.parts[begun[0]].manifest.state}"] if begun else []
    return ", ".join(said)


def _listed(numbers: Sequence[int]) -> str:
    more = f" and {len(numbers) - _NAMED} more" if len(numbers) > _NAMED else ""
    return f"part{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers[:_NAMED]))}{more}"


def _different(run: RunInParts, other: RunInParts) -> ConfigError:
    """Parts that cannot be of one run."""
    mine, theirs = run.facts, other.facts
    names = [name for name in {**mine, **theirs} if mine.get(name) != theirs.get(name)]
    if len(names) > 1 and {"limit", "subsets", "seed"} & {*names}:
        names = [name for name in names if name != "rows"]  # others were chosen of the same
    said = ", ".join(f"{name} ({mine.get(name)}, {theirs.get(name)})" for name in names) or "other settings"
    return ConfigError(
        f"{run.first.path} and {other.first.path} are parts of different plans: they differ in {said}; make the parts "
        "with one command, or merge them one plan at a time"
    )


def _flat(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The settings of a judge, those in its parameters one by one."""
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from _flat(value)
        else:
            yield name, str(value)
