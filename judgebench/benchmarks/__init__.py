"""The benchmarks by name: files in `files/`, or modules where a rule needs code; each has its line here.

Another package's are entry points, a user's own are files that are named by their path. Its modules are its face.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from importlib.resources import as_file, files
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from judgebench._util.plugins import plugin, plugin_names
from judgebench.benchmarks.file import is_benchmark_file
from judgebench.benchmarks.suites import SUITES, check_single
from judgebench.errors import unknown_name

if TYPE_CHECKING:
    from judgebench.benchmarks.base import Benchmark

BENCHMARKS = {
    "rewardbench": "judgebench.benchmarks.rewardbench:RewardBench",
    "rewardbench-2": "judgebench.benchmarks.rewardbench2:RewardBench2",
    "judgebench-gpt": "judgebench-gpt.yaml",
    "judgebench-claude": "judgebench-claude.yaml",
    "llmbar": "llmbar.yaml",
    "rm-bench": "judgebench.benchmarks.rm_bench:RMBench",
    "rewardmath": "judgebench.benchmarks.rewardmath:RewardMATH",
    "feedback-bench": "feedback-bench.yaml",
    "helpsteer2": "helpsteer2.yaml",
    "rmb": "rmb.yaml",
    "ppe-preference": "ppe-preference.yaml",
    "ppe-correctness": "ppe-correctness.yaml",
    "pandalm": "pandalm.yaml",
    "judge-bench": "judge-bench.yaml",
    "judge-bench-grades": "judge-bench-grades.yaml",
    "contextual-judge": "contextual-judge.yaml",
    "reasoning-judge": "reasoning-judge.yaml",
    "codejudge": "codejudge.yaml",
    "codejudge-adversarial": "codejudge-adversarial.yaml",
    "m-rewardbench": "m-rewardbench.yaml",
    "eval-bias": "eval-bias.yaml",
    "healthbench-meta": "healthbench-meta.yaml",
    "faithbench": "faithbench.yaml",
    "llm-aggrefact": "llm-aggrefact.yaml",
    "processbench": "processbench.yaml",
    "prmbench": "prmbench.yaml",
    "custom": "judgebench.benchmarks.custom:Custom",
}
"""Name -> file, or module and class; it is read when its benchmark is asked for."""

GROUP = "judgebench.benchmarks"
"""The entry points under which other packages bring benchmarks of their own."""

_NEEDED = ("name", "title", "source", "columns", "rule", "templates")


def get_benchmark(name: str) -> Benchmark:
    """The benchmark of that name: one of ours, a file of the user's own by its path, else another package's.

    Raises:
        ConfigError: There is none (the message names the nearest), it is several, or the file or package is broken.
    """
    if name in BENCHMARKS:
        return _shipped(name)
    check_single(name, f"judgebench run {name} or judgebench score --benchmark {name}")
    return _from_file(Path(name)) if is_benchmark_file(name) else _plugged(name)


@lru_cache(maxsize=64)
def _shipped(name: str) -> Benchmark:
    module, _, cls = BENCHMARKS[name].partition(":")
    if not cls:
        from judgebench.benchmarks.declared import declared

        return declared(Path(__file__).parent / "files" / module, ships=True)
    benchmark: Benchmark = getattr(import_module(module), cls)()
    return benchmark


def _from_file(path: Path) -> Benchmark:
    """The benchmark of a file, whose name is none of ours.

    Raises:
        ConfigError: The file is wrong, or its name is taken.
    """
    from judgebench._util.yaml import YamlFile
    from judgebench.benchmarks.declared import declared

    made = declared(path.expanduser())
    if made.name in BENCHMARKS:
        raise YamlFile(path.expanduser()).mistake(
            ["name"], f"is '{made.name}', a benchmark of judgebench's own: choose another"
        )
    return made


def known_benchmarks() -> list[str]:
    """The names of all benchmarks, ours first; none of another package's is imported."""
    return list(dict.fromkeys([*BENCHMARKS, *plugin_names(GROUP)]))


def _plugged(name: str) -> Benchmark:
    if name not in plugin_names(GROUP):
        raise unknown_name("benchmark", name, [*known_benchmarks(), *SUITES])
    made = plugin(GROUP, "benchmark", name, lambda made: _problem(made, name))
    if isinstance(made, ModuleType):
        with as_file(files(made) / f"{name}.yaml") as path:
            return _from_file(path)
    benchmark: Benchmark = _from_file(Path(made)) if isinstance(made, str | Path) else made
    return benchmark


def _problem(benchmark: Any, name: str) -> str:
    """What is wrong with what an entry point names: a class, a file's path, or a package with the file NAME.yaml."""
    from judgebench.benchmarks.base import Benchmark

    if isinstance(benchmark, ModuleType):
        found = hasattr(benchmark, "__path__") and (files(benchmark) / f"{name}.yaml").is_file()
        return "" if found else f"it has no file {name}.yaml"
    if isinstance(benchmark, str | Path):
        return "" if is_benchmark_file(benchmark) and Path(benchmark).is_file() else f"it has no file {benchmark}"

    if not isinstance(benchmark, Benchmark):
        return "it is not a subclass of judgebench.benchmarks.base.Benchmark"
    if lacking := [each for each in _NEEDED if not hasattr(benchmark, each)]:
        return f"it does not define {', '.join(lacking)}"
    return "" if benchmark.name == name else f"it calls itself '{benchmark.name}', and the entry point '{name}'"
