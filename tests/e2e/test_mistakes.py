"""Bad input: exit 2 and one line that says what is wrong, where, and how to mend it; nothing written, no call made."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from commands import Ended, caches, files_below, judgebench, pairs, process, write_jsonl, write_judges
from loopback import LoopbackServer
from processes import Running

FRONT = """\
---
name: own
mode: pairwise
verdict: {pattern: '\\[\\[([AB])\\]\\]', example: 'The first. [[A]]'}
---
"""
USER = "{% block user %}\n{{ prompt }} {{ completions }}\n{% endblock %}\n"


@pytest.fixture
def server():
    with LoopbackServer() as running:
        write_judges(running.url)
        write_jsonl(Path("pairs.jsonl"), pairs(4))
        yield running


def mistake(server: LoopbackServer, *arguments: object) -> str:
    """The line on standard error, once it is sure that there is nothing else."""
    before = files_below(Path())
    ended = judgebench(*arguments)
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1), ended
    assert (files_below(Path()), caches(), server.count) == (before, [], 0)
    return ended.err.removeprefix("judgebench: ").rstrip("\n")


def of_run(server: LoopbackServer, *more: object, data: str = "pairs.jsonl") -> str:
    return mistake(server, "run", "rewardbench", "-j", "mine", "--data", data, *more)


# --- names


def test_an_unknown_benchmark(server: LoopbackServer) -> None:
    """The nearest names."""
    said = mistake(server, "run", "reward-bench2", "-j", "mine")
    assert said.startswith("unknown benchmark 'reward-bench2': did you mean rewardbench-2 or rewardbench")


def test_an_argument_as_an_option(server: LoopbackServer) -> None:
    """It is one without dashes."""
    said = mistake(server, "run", "--benchmark", "rewardbench")
    assert said == "no such option --benchmark; BENCHMARK is an argument, without dashes: judgebench run BENCHMARK"


def test_an_unknown_judge(server: LoopbackServer) -> None:
    """The nearest names, and the command that lists all."""
    said = of_run(server, "-j", "gpt-4.1-mni")
    assert "unknown judge 'gpt-4.1-mni': did you mean gpt-4.1-mini" in said
    assert "judgebench judges list" in said


def test_an_unknown_provider(server: LoopbackServer) -> None:
    """A model's id that LiteLLM cannot know."""
    assert "unknown provider 'opnai': did you mean openai" in of_run(server, "-j", "opnai/gpt-4.1")


def test_an_unknown_baseline(server: LoopbackServer) -> None:
    """The nearest there are."""
    assert "did you mean offline/longest or offline/shortest" in of_run(server, "-j", "offline/tallest")


def test_no_judge(server: LoopbackServer) -> None:
    """How to name one."""
    assert mistake(server, "run", "rewardbench", "--data", "pairs.jsonl").startswith("no judge named: add -j NAME")


def test_an_unknown_template(server: LoopbackServer) -> None:
    """The nearest names."""
    assert "did you mean pairwise" in of_run(server, "-t", "pairwize")


def test_a_template_file_that_is_not_there(server: LoopbackServer) -> None:
    """It is named."""
    assert "own.jinja" in of_run(server, "-t", "own.jinja")


def test_a_template_that_fits_nothing(server: LoopbackServer) -> None:
    """What the benchmark takes."""
    said = of_run(server, "-t", "four-way")
    assert said == "template 'four-way' (best_of_k) does not fit rewardbench, which takes pairwise or rating"


def test_an_unknown_subset(server: LoopbackServer) -> None:
    """The nearest names."""
    said = of_run(server, "--subset", "donotanser")
    assert said.startswith("unknown subset 'donotanser': did you mean donotanswer?")


@pytest.mark.parametrize("name", ["terse", "ters.jinja"])
def test_a_template_file_of_a_similar_name(server: LoopbackServer, name: str) -> None:
    """It is named, as the nearest data files are."""
    Path("terse.jinja").write_text(FRONT + USER)
    assert "did you mean terse.jinja?" in of_run(server, "-t", name)


def test_two_templates_of_one_name(server: LoopbackServer) -> None:
    """They would share a folder."""
    Path("own.jinja").write_text(FRONT.replace("own", "pairwise") + USER)
    assert "same name" in of_run(server, "-t", "pairwise", "-t", "own.jinja")


# --- arguments


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "--juge", "x"], "no such option --juge; did you mean --judge?"),
        (["run", "--offlin"], "no such option --offlin; did you mean --offline?"),
        (["run", "--file", "x"], "no such option --file; did you mean --data?"),
        (["version"], "unknown command 'version': did you mean judgebench --version?"),
        (["zzz"], "unknown command 'zzz' (see judgebench --help)"),
        (["rum"], "unknown command 'rum': did you mean run"),
        (["templates", "lst"], "unknown command 'lst': did you mean list or lint? (see judgebench templates --help)"),
        (["cache", "inf"], "unknown command 'inf': did you mean info? (see judgebench cache --help)"),
        (["run", "--orders", "xx"], "'xx' is not one of 'one', 'both', 'all' (see judgebench run --help)"),
        (["run", "--attack", "paddng"], "'empty': did you mean padding? (see judgebench run --help)"),
        (["run", "--aggregate", "majorty"], "'mean-prob': did you mean majority?"),
        (["report", "a-run", "--html", ""], "'--html': the name is empty; name a file (see judgebench report --help)"),
        (["leaderboard", "runs", "--csv", ""], "'--csv': the name is empty; name a file (see judgebench leaderboard"),
        (["run", "--limit", "0"], "'--limit': 0 must be >= 1 (see"),
        (["run", "--repair", "6"], "'--repair': 6 must be in [0, 5] (see"),
        (["run", "--samples", "many"], "'many' must be an integer (see"),
        (["run", "--budget", "much"], "'much' must be a number (see"),
        (["run", "rewardbench", "rm-bench"], "unexpected extra argument (rm-bench)"),
        (["score", "x.jsonl"], "missing option '--benchmark'"),
        (["benchmarks", "show", "rewardbnch"], "unknown benchmark 'rewardbnch': did you mean rewardbench"),
        (["leaderboard", ".", "--benchmark", "llmbr"], "unknown benchmark 'llmbr': did you mean llmbar"),
        (["templates", "show", "pairwse"], "unknown template 'pairwse': did you mean pairwise"),
        (["judges", "show", "offline/frst"], "did you mean offline/first"),
        (["run", "--data", "pairs.jsonl"], "--data needs a benchmark"),
    ],
)
def test_arguments(server: LoopbackServer, arguments: list[str], said: str) -> None:
    """A slip in an option, a command or a value."""
    assert said in mistake(server, *arguments)


# --- keys


def test_a_missing_key(server: LoopbackServer) -> None:
    """The variable to set."""
    said = mistake(server, "run", "rewardbench", "-j", "openai/gpt-4.1", "--data", "pairs.jsonl")
    assert said == "judge 'openai/gpt-4.1' needs a key: set the environment variable OPENAI_API_KEY"


def test_a_missing_key_of_one_judge_of_several(server: LoopbackServer) -> None:
    """Found before the first call of any."""
    assert "OPENAI_API_KEY" in of_run(server, "-j", "gpt-4.1")


# --- rows


ROW = '{"id": 1, "prompt": "p", "chosen": "c", "rejected": "r", "subset": "donotanswer"}\n'
DATA = {
    "no JSON": (ROW + '{"id": 2,\n', "bad.jsonl line 2: not valid JSON"),
    "no object": (ROW + "[1]\n", "bad.jsonl line 2: a JSON array, not an object"),
    "no column": (ROW + '{"id": 2, "prompt": "p"}\n', "bad.jsonl line 2: has no column 'subset'"),
    "no text": (ROW + ROW.replace('"c"', "true").replace("1", "2", 1), "bad.jsonl line 2: column 'chosen' is bool"),
    "null": (ROW + ROW.replace('"p"', "null").replace("1", "2", 1), "bad.jsonl line 2: column 'prompt' is empty"),
    "subset": (ROW + ROW.replace("donot", "willnot"), "bad.jsonl line 2: subset 'willnotanswer' is not one of"),
    "an id twice": (ROW + ROW, "duplicate id '1'"),
    "nothing": ("", "bad.jsonl is empty"),
    "blank lines": ("\n\n", "bad.jsonl is empty"),
}


@pytest.mark.parametrize("case", DATA)
def test_rows(server: LoopbackServer, case: str) -> None:
    """The file, the line, what was found."""
    text, said = DATA[case]
    Path("bad.jsonl").write_text(text)
    assert said in of_run(server, data="bad.jsonl")


def test_a_csv_file_with_a_row_too_short(server: LoopbackServer) -> None:
    """The line where it begins."""
    Path("bad.csv").write_text("id,prompt,chosen,rejected,subset\n1,p,c,r,donotanswer\n2,p,c\n")
    assert "bad.csv line 3: 3 cells where the header has 5" in of_run(server, data="bad.csv")


def test_a_file_that_is_not_there(server: LoopbackServer) -> None:
    """The nearest one that is."""
    said = of_run(server, data="pear.jsonl")
    assert said.startswith("file or folder not found: 'pear.jsonl': did you mean pairs.jsonl?")


def test_a_file_of_no_known_form(server: LoopbackServer) -> None:
    """The suffixes that are read."""
    Path("pairs.xls").write_text("")
    assert "pairs.xls: unknown file format (save the sheet as .xlsx or .csv)" in of_run(server, data="pairs.xls")


def test_an_empty_folder(server: LoopbackServer) -> None:
    """No data file in it."""
    Path("rows").mkdir()
    assert "the folder rows contains no data files" in of_run(server, data="rows")


# --- templates


TEMPLATES = {
    "no front matter": (USER, "own.jinja"),
    "undefined": (FRONT + USER.replace("prompt", "promt"), "'promt' (did you mean prompt?)"),
    "syntax": (FRONT + "{% block user %}\n{{ prompt }\n{% endblock %}\n", "own.jinja line 7"),
    "no user": (FRONT + USER.replace("user", "system"), "has no block 'user'"),
    "pattern": (FRONT.replace("([AB])", "([AB]") + USER, "not a regular expression"),
    "no group": (FRONT.replace("([AB])", "[AB]") + USER, "0 groups, expected one"),
    "unreachable": (FRONT.replace("[[A]]'}", "((A))'}") + USER, "example"),
    "unknown mode": (FRONT.replace("pairwise", "threeway") + USER, "mode"),
}


@pytest.mark.parametrize("case", TEMPLATES)
def test_templates(server: LoopbackServer, case: str) -> None:
    """The file and what is wrong in it."""
    text, said = TEMPLATES[case]
    Path("own.jinja").write_text(text)
    line = of_run(server, "-t", "own.jinja")
    assert ("own.jinja" in line, said in line) == (True, True), line


def test_a_column_that_only_some_rows_have(server: LoopbackServer) -> None:
    """Found before the first call, with the item that lacks it."""
    rows = pairs(4)
    rows[0]["topic"] = rows[1]["topic"] = "x"
    write_jsonl(Path("pairs.jsonl"), rows)
    Path("own.jinja").write_text(FRONT + USER.replace("prompt", "item.topic"))
    assert "item '2'" in of_run(server, "-t", "own.jinja")


# --- providers.yaml


PROVIDERS = {
    "no YAML": ("judges:\n  mine: [\n", "line"),
    "unknown key": ("judges:\n  mine:\n    model: openai/x\n    api-base: y\n", "line 4"),
    "a key itself": ("judges:\n  mine:\n    model: openai/x\n    api_key: sk-abcdefghijklmnopqrstuvwx\n", "line 4"),
    "wrong type": ("judges:\n  mine:\n    model: openai/x\n    timeout: soon\n", "line 4"),
    "no model": ("judges:\n  mine:\n    timeout: 5\n", "line 2: judges.mine missing model"),
    "nothing": ("", "the file is empty"),
}


@pytest.mark.parametrize("case", PROVIDERS)
def test_providers(server: LoopbackServer, case: str) -> None:
    """The file and its line."""
    text, said = PROVIDERS[case]
    Path("own.yaml").write_text(text)
    line = of_run(server, "--providers", "own.yaml")
    assert ("own.yaml" in line, said in line) == (True, True), line


def test_a_key_in_a_file_is_not_repeated(server: LoopbackServer) -> None:
    """The message about it has it not."""
    Path("own.yaml").write_text(PROVIDERS["a key itself"][0])
    assert "sk-abc" not in of_run(server, "--providers", "own.yaml")


def test_a_providers_file_that_is_not_there(server: LoopbackServer) -> None:
    """It is named."""
    assert of_run(server, "--providers", "own.yaml") == "own.yaml: file not found"


# --- folders


@pytest.mark.parametrize("out", ["taken", "taken/below"])
def test_out_is_a_file(server: LoopbackServer, out: str) -> None:
    """Found before anything is asked."""
    Path("taken").write_text("")
    assert of_run(server, "--out", out) == "taken: is a file, expected a folder; choose another with --out"


@pytest.mark.parametrize("option", ["--out", "--cache-dir"])
@pytest.mark.skipif(os.getuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_without_permission(server: LoopbackServer, option: str) -> None:
    """Found before anything is asked."""
    Path("mine").mkdir(mode=0o500)
    said = of_run(server, option, "mine")
    assert said == f"mine: cannot be written (Permission denied); choose another with {option}"


@pytest.mark.parametrize("option", ["--out", "--cache-dir"])
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc that nobody can write to")
def test_a_folder_that_nobody_can_write(server: LoopbackServer, option: str) -> None:
    """Not even the superuser."""
    assert of_run(server, option, "/proc/judgebench").startswith("/proc: cannot be written (")


def test_a_manifest_that_is_none(server: LoopbackServer) -> None:
    """It is named; nothing is written over."""
    folder = Path("runs/rewardbench/mine/pairwise/one")
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("[]")
    assert of_run(server).startswith(f"{folder}/manifest.json: not a valid manifest")


# --- in a process of its own


@pytest.mark.parametrize("arguments", [["run", "nothing"], ["run", "rewardbench", "-j", "mine", "--data", "x.jsonl"]])
def test_a_process_shows_one_line_and_no_traceback(server: LoopbackServer, arguments: list[str]) -> None:
    """As a shell sees it."""
    ended: Ended = process(*arguments)
    assert (ended.status, ended.out, ended.err.count("\n"), ended.err[:12]) == (2, "", 1, "judgebench: ")


def test_a_name_with_terminal_codes_does_no_harm(server: LoopbackServer) -> None:
    """What the terminal would obey is written out."""
    said = mistake(server, "run", "\x1b[2Jrewardbench", "-j", "mine")
    assert said.startswith(r"unknown benchmark '\x1b[2Jrewardbench': did you mean rewardbench")


CLOSED = [
    *[("run --limit 2", 0, closed) for closed in ([0], [1], [2], [1, 2])],
    ("benchmarks list", 0, [1]),
    ("run -j nobody", 2, [2]),
]
AS_A_SHELL_DOES = """\
import os, runpy, sys
for number in CLOSED:
    os.close(number)
    for name in (("stdin", "stdout", "stderr")[number], ("__stdin__", "__stdout__", "__stderr__")[number]):
        setattr(sys, name, None)
runpy.run_module("judgebench", run_name="__main__")
"""
"""Closes streams, and has Python know of it as it does where it starts without them."""


@pytest.mark.parametrize(("command", "status", "closed"), CLOSED)
def test_closed_streams_change_nothing_else(command: str, status: int, closed: list[int]) -> None:
    """What cannot be said is not said: the exit status is the same, and there is no traceback."""
    with Running(*command.split(), code=AS_A_SHELL_DOES.replace("CLOSED", str(closed))) as running:
        out, err = running.communicate()
    assert (running.returncode, "Traceback" in out + err) == (status, False), err
    assert "done: runs/" in err or "run --limit" not in command or 2 in closed


def test_a_shell_may_close_all_streams() -> None:
    """`<&- >&- 2>&-`: the run is made."""
    command = f'"{sys.executable}" -m judgebench run rewardbench --data sample -j offline/first <&- >&- 2>&-'
    ended = subprocess.run(command, shell=True, check=False)
    assert (ended.returncode, len([*Path("runs").rglob("metrics.json")])) == (0, 1)


def test_not_a_number_is_no_share():
    """No comparison refuses it."""
    ended = judgebench("run", "--fail-under", "nan")
    assert (ended.status, ended.err) == (
        2,
        "judgebench: invalid value for '--fail-under': 'nan' must be a number (see judgebench run --help)\n",
    )


@pytest.mark.parametrize("command", ["cascade a b", "compare a b", "jury a b", "pick a", "strengths a", "run"])
def test_a_negative_seed_is_refused(command):
    """By every command that draws at random, in one line, before anything is read."""
    ended = judgebench(*command.split(), "--seed", -1)
    said = f"judgebench: invalid value for '--seed': -1 must be >= 0 (see judgebench {command.split()[0]} --help)\n"
    assert (ended.status, ended.err) == (2, said)
