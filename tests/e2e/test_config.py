"""`judgebench run --config FILE`: an experiment in a file, under the last word of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import judgebench, pairs, read_json, write_jsonl

EXPERIMENT = """\
benchmark: custom
data: rows.jsonl
judges: [offline/longest, offline/first]
template: pairwise
orders: both
limit: 3
cache-dir: cache
"""


@pytest.fixture(autouse=True)
def experiment() -> None:
    """An experiment with its rows beside it, in a folder that is not the current one."""
    Path("paper").mkdir()
    write_jsonl(Path("paper/rows.jsonl"), pairs(5))
    Path("paper/experiment.yaml").write_text(EXPERIMENT)


def run(*options: object, added: str = ""):
    Path("paper/experiment.yaml").write_text(EXPERIMENT + added)
    return judgebench("run", "--config", "paper/experiment.yaml", *options)


def test_the_file_says_all() -> None:
    """Benchmark, judges, template, orders and limit; the rows are looked for beside the file."""
    ended = run("--json")
    assert ended.status == 0
    assert [(each["judge"], each["template"], each["judgements"]) for each in ended.metrics] == [
        ("offline/longest", "pairwise", 6),
        ("offline/first", "pairwise", 6),
    ]


def test_the_command_line_has_the_last_word() -> None:
    """A list there takes the place of the file's list."""
    ended = run("--limit", 2, "-j", "offline/random", "--json")
    assert [(each["judge"], each["judgements"]) for each in ended.metrics] == [("offline/random", 4)]


def test_a_run_from_a_file_is_the_run_of_its_options() -> None:
    """Folder and hashes are those of the same options given by hand."""
    run("--out", "by-file")
    options = ("--data", "paper/rows.jsonl", "-j", "offline/longest", "-t", "pairwise", "--orders", "both")
    judgebench("run", "custom", *options, "--limit", 3, "--cache-dir", "cache", "--out", "by-hand")
    of_file, by_hand = (
        read_json(Path(out) / "custom/offline--longest/pairwise/both-limit3/manifest.json")
        for out in ("by-file", "by-hand")
    )
    shared = ("benchmark", "judge", "template", "protocol", "selection", "items", "seed")
    assert {name: of_file[name] for name in shared} == {name: by_hand[name] for name in shared}


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ("sample: 3\n", "experiment.yaml, line 8: unknown option 'sample': did you mean samples"),
        ("seed: many\n", "experiment.yaml, line 8: seed is 'many': must be an integer >= 0"),
        ("samples: 2.5\n", "experiment.yaml, line 8: samples is 2.5: must be an integer in [1, 1000]"),
        ("samples: true\n", "experiment.yaml, line 8: samples is True: must be an integer in [1, 1000]"),
        ("budget: no\n", "experiment.yaml, line 8: budget is False: must be a number >= 0"),
        ("samples: [1, 2]\n", "experiment.yaml, line 8: samples must be one value, not a list"),
        ("subsets: {a: b}\n", "experiment.yaml, line 8: subsets must be a plain value"),
        ("refresh: 3\n", "experiment.yaml, line 8: refresh is 3: must be true or false"),
        ("judge: offline/first\n", "experiment.yaml, line 8: judge sets an option that another key has set: keep one"),
        ("ordrs: both\n", "experiment.yaml, line 8: unknown option 'ordrs': did you mean orders"),
        ("pairs: al\n", "experiment.yaml, line 8: pairs is 'al': must be one of all, knockout; did you mean all?"),
        ("quiet: true\n", "experiment.yaml, line 8: unknown option 'quiet'"),
        ("- x\n", "experiment.yaml, line 8: not YAML"),
    ],
)
def test_a_mistake_in_the_file(added: str, said: str) -> None:
    """One line with the place and the mend, exit 2, and nothing is written."""
    ended = run(added=added)
    assert (ended.status, ended.err.count("\n"), Path("runs").exists()) == (2, 1, False)
    assert said in ended.err


def test_a_file_that_is_not_there() -> None:
    ended = judgebench("run", "--config", "none.yaml")
    assert (ended.status, ended.err) == (2, "judgebench: none.yaml: file not found\n")


def test_a_file_of_something_else() -> None:
    Path("list.yaml").write_text("- a\n- b\n")
    ended = judgebench("run", "--config", "list.yaml")
    assert ended.status == 2
    assert "expected options of `judgebench run`" in ended.err


@pytest.mark.parametrize(
    ("former", "name"),
    [("join: majority\n", "join is now aggregate"), ("soft: false\n", "soft is now logprobs")],
)
def test_a_former_name_is_taken_with_a_note(former: str, name: str) -> None:
    """For one version more."""
    ended = run(added=former)
    assert (ended.status, f"note: paper/experiment.yaml, line 8: {name}" in ended.err) == (0, True)
