"""Benchmarks of other packages: found through entry points, and the example in the docs works as it is."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from commands import judgebench
from plugins import lay_package
from scoring import run_offline, write_rows

import judgebench as jb
from judgebench.benchmarks import BENCHMARKS, get_benchmark, known_benchmarks
from judgebench.errors import ConfigError

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "judgebench-toy"

BROKEN = {
    "raises": "raise ValueError('boom')",
    "no-class": "class Other: ...",
    "no-benchmark": "class Plug: ...",
    "abstract": "from judgebench.benchmarks.base import Benchmark\nclass Plug(Benchmark): ...",
    "bare": (
        "from judgebench.benchmarks.base import Benchmark\n"
        "class Plug(Benchmark):\n    item = judged = scored = lambda self, *_: None\n    name = title = source = 'bare'"
    ),
    "misnamed": (
        "from judgebench.benchmarks.base import Benchmark\n"
        "class Plug(Benchmark):\n    item = judged = scored = lambda self, *_: None\n    name = 'other'\n"
        "    title = source = rule = ''\n    columns = templates = ()"
    ),
}
SAID = {
    "raises": "ValueError: boom",
    "no-class": "AttributeError: module",
    "no-benchmark": "it is not a subclass of judgebench.benchmarks.base.Benchmark",
    "abstract": "TypeError: Can't instantiate abstract class Plug",
    "bare": "it does not define columns, rule, templates",
    "misnamed": "it calls itself 'other', and the entry point 'misnamed'",
}


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """The folder in which pip has installed the example of the docs."""
    target = tmp_path_factory.mktemp("plugins")
    source = tmp_path_factory.mktemp("source") / EXAMPLE.name
    for path in EXAMPLE.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            copy = source / path.relative_to(EXAMPLE)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    command = ["install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", *command, "--target", target, source], check=True)
    return target


@pytest.fixture
def toy(installed, monkeypatch):
    """The example, installed."""
    monkeypatch.syspath_prepend(str(installed))
    yield
    sys.modules.pop("judgebench_toy", None)


@pytest.fixture
def plug(tmp_path, monkeypatch):
    """Lays down a package with a benchmark, as an installer would."""
    monkeypatch.syspath_prepend(str(tmp_path / "site"))

    def plug(name, code, package="plug"):
        module = f"{package}_{name.replace('-', '_')}"
        lay_package(tmp_path / "site", module, code, {"judgebench.benchmarks": {name: f"{module}:Plug"}})
        return module

    return plug


def test_the_example_is_found_and_run(toy, tmp_path):
    """The benchmark of the example has a run with its own sections, from its own rows, by an offline judge."""
    run = jb.run("toy", judge="offline/longest", out=tmp_path / "runs", cache_dir=tmp_path / "cache")
    assert {name: each.score for name, each in run.metrics.sections.items()} == {"easy": 0.5, "hard": 1.0}
    assert (run.metrics.benchmark, run.metrics.template, run.metrics.score) == ("toy", "four-way", 0.75)


def test_the_example_scores_reward_models_and_ratings(toy, tmp_path):
    """Score files and rating templates go by the example's rule too."""
    scores = [{"id": name, "scores": [2, 1, 2 if name == "h1" else 0]} for name in ("e1", "e2", "h1", "h2")]
    scored = jb.score(write_rows(tmp_path / "scores.jsonl", scores), benchmark="toy", out=tmp_path / "runs")
    assert scored.metrics.score == pytest.approx(0.875, abs=1e-12)
    data = write_rows(
        tmp_path / "rows.jsonl", [{"id": "1", "sum": "1 + 1", "right": "two", "wrong": ["three men"], "level": "easy"}]
    )
    rated = run_offline("toy", tmp_path, data, template="rating-10")
    assert (rated.metrics.score, rated.metrics.missing) == (0, ("hard",))


def test_the_example_names_the_line_of_a_malformed_row(toy, tmp_path):
    """The example's own check names the file and the line."""
    data = write_rows(
        tmp_path / "rows.jsonl", [{"id": 1, "sum": "1 + 1", "right": "2", "wrong": ["3"], "level": "odd"}]
    )
    with pytest.raises(ConfigError, match=r"rows.jsonl line 1: level 'odd' is not one of easy, hard"):
        run_offline("toy", tmp_path, data)


def test_the_command_line_lists_shows_and_runs_the_example(toy, tmp_path):
    """`benchmarks list` and `show` know the example, and `run` takes its name."""
    listed = judgebench("benchmarks", "list")
    assert (listed.status, "Toy sums" in listed.out, "RewardBench 2" in listed.out) == (0, True, True)
    assert "easy, hard" in judgebench("benchmarks", "show", "toy").out
    ended = judgebench("run", "toy", "-j", "offline/longest", "--json", "--out", tmp_path / "runs")
    assert (ended.status, ended.metrics[0]["score"]) == (0, 0.75), ended.err


def test_without_the_package_its_name_is_unknown():
    """Nothing of the example is there unless it is installed; its near names are offered."""
    with pytest.raises(ConfigError, match="unknown benchmark 'toy'"):
        get_benchmark("toy")
    assert known_benchmarks() == list(BENCHMARKS)


def test_unknown_names_are_compared_with_other_packages_too(toy):
    """A name with a slip in it is answered with the nearest, those of other packages included."""
    with pytest.raises(ConfigError, match="unknown benchmark 'toyy': did you mean toy"):
        get_benchmark("toyy")


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_package_is_one_clear_mistake(plug, name):
    """Whatever is wrong with another package is one line that names it, the reason and the mend."""
    module = plug(name, BROKEN[name])
    with pytest.raises(ConfigError) as caught:
        get_benchmark(name)
    message = str(caught.value)
    assert message.startswith(f"benchmark '{name}' of the package {module} ({module}:Plug) cannot be used: ")
    assert SAID[name] in message
    assert "\n" not in message


def test_a_broken_package_does_not_stop_the_list(plug):
    """The others are listed, and the broken one with what is wrong."""
    plug("raises", BROKEN["raises"])
    listed = judgebench("benchmarks", "list")
    assert (listed.status, "RewardBench 2" in listed.out, "broken" in listed.out) == (0, True, True)


def test_two_packages_with_one_name_are_a_mistake(plug):
    """Neither of two packages is taken silently."""
    plug("raises", "", "one")
    plug("raises", "", "two")
    with pytest.raises(ConfigError, match="comes from one_raises and two_raises: uninstall all but one"):
        get_benchmark("raises")


def test_our_own_names_cannot_be_taken(plug):
    """A package that calls its benchmark as one of ours is called is never even imported."""
    plug("rewardbench", "raise SystemExit")
    assert get_benchmark("rewardbench").title == "RewardBench"
    assert known_benchmarks() == list(BENCHMARKS)


def test_entry_points_are_only_looked_at_where_needed():
    """A benchmark of ours is had without reading the metadata of what is installed."""
    code = (
        "import importlib.metadata as m, json\n"
        "m.entry_points = lambda **_: 1 / 0\n"
        "from judgebench.benchmarks import get_benchmark\n"
        "print(json.dumps(get_benchmark('custom').title))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == "Custom"
