"""The benchmarks by name; a new one is a module with its line here, or an entry point. Its modules are its face."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from judgebench._util.plugins import plugin, plugin_names
from judgebench.errors import unknown_name

if TYPE_CHECKING:
    from judgebench.benchmarks.base import Benchmark

BENCHMARKS = {
    "rewardbench": "judgebench.benchmarks.rewardbench:RewardBench",
    "rewardbench-2": "judgebench.benchmarks.rewardbench2:RewardBench2",
    "judgebench-gpt": "judgebench.benchmarks.judgebench_pairs:JudgeBenchGpt",
    "judgebench-claude": "judgebench.benchmarks.judgebench_pairs:JudgeBenchClaude",
    "llmbar": "judgebench.benchmarks.llmbar:LLMBar",
    "rm-bench": "judgebench.benchmarks.rm_bench:RMBench",
    "rewardmath": "judgebench.benchmarks.rewardmath:RewardMATH",
    "feedback-bench": "judgebench.benchmarks.feedback_bench:FeedbackBench",
    "custom": "judgebench.benchmarks.custom:Custom",
}
"""Name -> module and class; a module is imported when its benchmark is asked for."""

GROUP = "judgebench.benchmarks"
"""The entry points under which other packages bring benchmarks of their own."""

_NEEDED = ("name", "title", "source", "columns", "rule", "templates")


def get_benchmark(name: str) -> Benchmark:
    """The benchmark of that name: one of ours, else another package's.

    Raises:
        ConfigError: There is none (the message names the nearest), or the package's is broken.
    """
    if name not in BENCHMARKS:
        return _plugged(name)
    module, _, cls = BENCHMARKS[name].partition(":")
    benchmark: Benchmark = getattr(import_module(module), cls)()
    return benchmark


def known_benchmarks() -> list[str]:
    """The names of all benchmarks, ours first; none of another package's is imported."""
    return list(dict.fromkeys([*BENCHMARKS, *plugin_names(GROUP)]))


def _plugged(name: str) -> Benchmark:
    if name not in plugin_names(GROUP):
        raise unknown_name("benchmark", name, known_benchmarks())
    benchmark: Benchmark = plugin(GROUP, "benchmark", name, lambda made: _problem(made, name))
    return benchmark


def _problem(benchmark: Any, name: str) -> str:
    from judgebench.benchmarks.base import Benchmark

    if not isinstance(benchmark, Benchmark):
        return "it is not a subclass of judgebench.benchmarks.base.Benchmark"
    if lacking := [each for each in _NEEDED if not hasattr(benchmark, each)]:
        return f"it does not define {', '.join(lacking)}"
    return "" if benchmark.name == name else f"it calls itself '{benchmark.name}', and the entry point '{name}'"
