"""Benchmarks that are reported together, and the files of a folder that are theirs."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from judgebench.errors import ConfigError
from judgebench.sources.files import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from judgebench.benchmarks.base import Benchmark


@dataclass(frozen=True)
class Suite:
    """Several benchmarks with one table.

    Attributes:
        name: As on the command line.
        title: What they are.
        benchmarks: Their names, each with its head in the table.
    """

    name: str
    title: str
    benchmarks: Mapping[str, str]

    @property
    def listed(self) -> str:
        """Their names."""
        return ", ".join(self.benchmarks)


SEVEN = Suite(
    "seven",
    "The seven benchmarks that reward-model papers report",
    MappingProxyType(
        {
            "rewardbench": "RewardBench",
            "rewardbench-2": "RewardBench 2",
            "ppe-preference": "PPE Pref",
            "ppe-correctness": "PPE Corr",
            "rmb": "RMB",
            "rm-bench": "RM-Bench",
            "judgebench-gpt": "JudgeBench",
        }
    ),
)

SUITES: Mapping[str, Suite] = MappingProxyType({SEVEN.name: SEVEN})
"""Name -> the suite."""


def how_to_fetch(benchmark: Benchmark) -> str:
    """How a benchmark's rows are had by hand and put into the folder that a suite takes as `--data`."""
    from judgebench.benchmarks.base import is_declared

    name = benchmark.name
    hub: Sequence[str] = [str(benchmark.hub_id)]
    if is_declared(benchmark):
        hub = benchmark.spec.source.hub or ()
        if benchmark.spec.fetch:
            return f"{benchmark.spec.fetch}; or put it at FOLDER/{name}, with --data FOLDER"
    inside = f"/{hub[0].rpartition('/')[2]}" if len(hub) > 1 else ""
    more = f" (likewise {', '.join(hub[1:])})" if len(hub) > 1 else ""
    return f"hf download {hub[0]} --repo-type dataset --local-dir FOLDER/{name}{inside}{more}, then --data FOLDER"


def check_single(name: str, instead: str) -> None:
    """Refuses a suite where one benchmark is meant.

    Args:
        name: What was given.
        instead: What takes a suite.

    Raises:
        ConfigError: It is a suite.
    """
    if name in SUITES:
        raise ConfigError(f"'{name}' is several benchmarks ({SUITES[name].listed}): name one of them, or use {instead}")


class SuiteFolder:
    """A folder with a data file, or a folder of them, for each benchmark of a suite: `rmb.jsonl`, or `rmb/`.

    Args:
        folder: It.
        suite: The suite.

    Raises:
        ConfigError: It is no folder, has nothing of the suite, or has two of a benchmark.
    """

    def __init__(self, folder: Path, suite: Suite) -> None:
        self.folder, self.suite = folder, suite
        form = (
            f"a folder with a file per benchmark, named {suite.listed} (such as {next(iter(suite.benchmarks))}.jsonl)"
        )
        if not folder.is_dir():
            there = "is a file" if folder.exists() else "not found"
            raise ConfigError(f"{folder}: {there}; '{suite.name}' takes {form}")
        self._parts: dict[str, Path] = {}
        self.others: list[str] = []
        for path in sorted(folder.iterdir()):
            name = _benchmark_of(path)
            if name not in suite.benchmarks:
                self.others += [path.name] if name else []
            elif name in self._parts:
                raise ConfigError(f"{folder}: {self._parts[name].name} and {path.name} are both of {name}: keep one")
            else:
                self._parts[name] = path
        if not self._parts:
            found = f" (found {', '.join(self.others[:5])})" if self.others else ""
            raise ConfigError(f"{folder}: has nothing of '{suite.name}'{found}: it takes {form}")

    def of(self, benchmark: str) -> Path | None:
        """The benchmark's file or folder; None where it has none."""
        return self._parts.get(benchmark)

    def lacks(self, benchmark: str) -> str:
        """That the benchmark has no file, with the nearest name that is not used."""
        meant = [other for other in self.others if _nearest(other, self.suite.benchmarks) == benchmark]
        hint = f": is {meant[0]} meant? Rename it" if meant else ""
        return f"no {benchmark}.jsonl in {self.folder}{hint}"

    def unused(self) -> Iterator[str]:
        """Files that are no benchmark's, a sentence."""
        if self.others:
            more = f" and {len(self.others) - 5} more" if len(self.others) > 5 else ""
            yield f"not used, as no benchmark of '{self.suite.name}' is named so: {', '.join(self.others[:5])}{more}"


def _benchmark_of(path: Path) -> str:
    """The name that a data file or a folder has; empty for anything else."""
    if path.name.startswith("."):
        return ""
    if path.is_dir():
        return path.name
    return path.name.partition(".")[0] if kind_of(path) is not None else ""


def _nearest(file: str, benchmarks: Iterable[str]) -> str | None:
    """The benchmark whose name is most like a file's."""
    near = difflib.get_close_matches(file.partition(".")[0], list(benchmarks), n=1, cutoff=0.5)
    return near[0] if near else None
