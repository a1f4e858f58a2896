"""`judgebench data show`, benchmark files, and what a run says of its rows before its first call."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import re
import select
import sys
from pathlib import Path
from unittest import mock

import pytest
import yaml
from commands import judgebench, read_json, write_jsonl

import judgebench as jb
from judgebench.benchmarks.checking import Understood
from judgebench.cli import main
from judgebench.errors import ConfigError
from judgebench.reports.understood import understood_lines

PAIRS = (
    "question;answer_a;answer_b;preferred;team\nWhy?;because;no;model_a;x\nHow?;so;like this;tie;x\nWho?;me;you;;y\n"
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown(*arguments: object) -> dict[str, object]:
    """What `data show --json` prints, which is one JSON object and nothing else."""
    ended = judgebench("data", "show", *arguments, "--json")
    assert ended.status == 0, ended.err
    return json.loads(ended.out)


def test_the_json_has_the_promised_keys() -> None:
    """Form, rows, items, labels, columns, groups, empty answers, duplicates and bad rows are counted."""
    rows = [
        {"q": "Why?", "response_a": "a", "response_b": "b", "label": "A", "team": 1, "note": "n"},
        {"q": "Why?", "response_a": "a", "response_b": "b", "label": "A", "team": 1},
        {"q": "How?", "response_a": "c", "response_b": "d", "label": "tie", "team": 2},
        {"q": "Who?", "response_a": "c", "response_b": "d", "label": None, "team": 3},
        {"q": "When?", "response_a": "c", "response_b": "", "label": "B", "team": 3},
        {"q": "Where?", "response_a": "c", "response_b": None, "label": "B", "team": 3},
    ]
    found = shown(write_jsonl(Path("rows.jsonl"), rows), "--columns", "prompt=Q", "--group-column", "team")
    assert (found["form"], found["rows"], found["items"], found["unlabelled"]) == ("pairs", 6, 4, 1)
    assert found["labels"] == {"A": 2, "tie": 1}
    assert (found["groups"], found["empty"], found["duplicates"]) == (1, 1, 1)
    names = {"prompt": "q", "response_a": "response_a", "response_b": "response_b", "label": "label", "group": "team"}
    assert found["columns"] == {"used": names, "unused": ["note"]}
    assert [row["line"] for row in found["bad"]] == [5, 6]
    assert found["bad"][1]["what"] == "column 'response_b' is empty"


UNUSABLE = {
    "labels that nobody can read": (
        "prompt,response_a,response_b,label,team\np,a,b,0,x\nq,c,d,1,y\n",
        {"form": "pairs", "rows": 2, "items": 0, "labels": {}, "unlabelled": 2, "bad": []},
        "rows.csv: 'label' holds 0 and 1",
    ),
    "rows that are all bad": (
        "prompt,response_a,response_b,label\np,,b,A\n",
        {"form": "pairs", "rows": 1, "items": 0, "labels": {}, "empty": 1, "bad_rows": 1},
        "rows.csv line 2: the answer in 'response_a' is empty",
    ),
    "quotes that do not match": ('prompt,chosen\n"p,c\n', {"rows": 0, "labels": {}, "bad": []}, "not valid CSV"),
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_the_json_is_there_where_rows_cannot_be_used(what: str) -> None:
    """What was understood, with the problem, and exit status 2."""
    text, understood, problem = UNUSABLE[what]
    Path("rows.csv").write_text(text, encoding="utf-8")
    ended = judgebench("data", "show", "rows.csv", "--json")
    found = json.loads(ended.out)

    assert ended.status == 2
    assert {name: found[name] for name in understood} == understood
    assert problem in found["problem"]
    assert problem in ended.err


def in_a_terminal(answers: str, *arguments: object) -> tuple[int, str, str]:
    """Exit status, standard output and screen of a command in a terminal in which these lines are typed."""
    ours, theirs = pty.openpty()
    os.write(ours, answers.encode())
    out = io.StringIO()
    with os.fdopen(theirs, "r", encoding="utf-8") as typed, os.fdopen(os.dup(theirs), "w", encoding="utf-8") as screen:
        given = mock.patch.multiple(sys, stdin=typed, argv=["judgebench", *map(str, arguments)])
        with given, contextlib.redirect_stdout(out), contextlib.redirect_stderr(screen):
            with pytest.raises(SystemExit) as ended:
                main()
            screen.flush()
        shown = b""
        while select.select([ours], [], [], 0)[0]:
            shown += os.read(ours, 1 << 16)
    os.close(ours)
    return ended.value.code or 0, out.getvalue(), shown.decode()


def test_a_terminal_is_asked_what_labels_mean_and_keeps_it() -> None:
    """0 and 1 are asked for, one by one; what was learned is said as options and saved; elsewhere nothing waits."""
    Path("rows.csv").write_text(UNUSABLE["labels that nobody can read"][0], encoding="utf-8")
    status, out, screen = in_a_terminal("B\nA\n", "data", "show", "rows.csv", "--save", "kept.yaml")

    assert status == 0, screen
    assert "labels: B 1, A 1" in out
    assert "Which answer is better where 'label' is 0?" in screen
    assert """next time: --labels '"0"=B,"1"=A'""" in screen
    assert yaml.safe_load(Path("kept.yaml").read_text(encoding="utf-8"))["labels"] == {"0": "B", "1": "A"}
    assert judgebench("data", "show", "rows.csv").status == 2
    assert in_a_terminal("", "data", "show", "rows.csv", "--json")[0] == 2


def test_a_terminal_is_asked_whether_a_column_is_the_label() -> None:
    """Where none was found and one looks like it; its words are asked for then."""
    write_jsonl(Path("rows.jsonl"), [{"prompt": "p", "response_a": "a", "response_b": "b", "our vote": "top"}])
    status, out, screen = in_a_terminal("y\nA\n", "data", "show", "rows.jsonl")

    assert status == 0, screen
    assert "labels: A 1" in out
    assert """next time: --columns label="our vote" --labels '"top"=A'""" in screen


def test_the_longest_item_is_held_against_the_models_context() -> None:
    """About four characters are a token; the model with the least room is named, or each that is too small."""
    found = Understood(form="pairs", rows=1, items=1, longest=("7", 4001))

    def longest(contexts: dict[str, int]) -> str:
        return understood_lines(found, "rows.csv", contexts)[-1]

    assert longest({}) == "longest item: about 1,001 tokens (item '7')"
    assert longest({"big": 9000, "small": 1001}).endswith("(item '7'); small takes 1,001")
    assert longest({"big": 9000, "tiny": 1000}).endswith("(item '7'); tiny takes 1,000 (too long)")


def test_a_dry_run_says_what_a_listed_model_takes() -> None:
    """The context is the model's by LiteLLM's table."""
    write_jsonl(Path("rows.jsonl"), [{"prompt": "p", "response_a": "a", "response_b": "b", "label": "A"}])
    ended = judgebench("run", "custom", "--data", "rows.jsonl", "-j", "openai/gpt-4o-mini", "--dry-run")

    assert re.search(
        r"longest item: about \d+ tokens \(item '1'\); openai/gpt-4o-mini takes [\d,]+$", ended.err, re.MULTILINE
    )


def test_a_table_of_other_names_is_shown_with_two_items_as_they_will_be_asked() -> None:
    """In at most six lines before the columns, and no call is made."""
    Path("pairs.csv").write_text(PAIRS, encoding="utf-8")
    ended = judgebench("data", "show", "pairs.csv")
    assert ended.out.splitlines()[:4] == [
        "data: pairs.csv: 3 rows, 3 items (pairs)",
        "labels: A 1, tie 1; 1 item without a label (preferred names the better answer)",
        "columns not used: team (a template may show them as item.NAME)",
        "longest item: about 15 tokens (item '2')",
    ]
    assert "prompt=question, response_a=answer_a, response_b=answer_b, label=preferred" in ended.out
    assert ended.out.count("=== item ") == 2
    assert "How?" in ended.out
    assert "Who?" not in ended.out


def test_a_run_without_labels_is_said_before_its_first_call() -> None:
    """With the column that looks like a label; also in a dry run; standard output and --quiet have nothing of it."""
    rows = [{"prompt": "p", "response_a": "a", "response_b": "b", "outcome vote": "x y"}]
    write_jsonl(Path("rows.jsonl"), rows)
    run = ("run", "custom", "--data", "rows.jsonl", "-j", "offline/longest")
    for extra in ((), ("--dry-run",)):
        ended = judgebench(*run, *extra)
        assert ended.err.splitlines()[0] == "no label; `outcome vote` looks like one: --columns 'label=outcome vote'"
        assert len([line for line in ended.err.splitlines() if ":" in line]) <= 7
        assert "looks like one" not in ended.out
    assert "looks like one" not in judgebench(*run, "--quiet").err
    json.loads(judgebench(*run, "--json").out)


def test_what_was_understood_is_kept_as_a_benchmark_file() -> None:
    """It is read as BENCHMARK, as --data, and in Python, and makes the same items as the options it was made of."""
    Path("in").mkdir()
    Path("in/pairs.csv").write_text(PAIRS.replace("model_a", "left one").replace("tie", "0"), encoding="utf-8")
    named = ("--columns", "label=preferred", "--labels", '"left one"=A,0=tie', "--group-column", "team")
    ended = judgebench("data", "show", "in/pairs.csv", *named, "--save", "pairs.yaml", "--quiet")
    assert ended.status == 0, ended.err
    kept = yaml.safe_load(Path("pairs.yaml").read_text(encoding="utf-8"))
    assert (kept["name"], kept["source"], kept["item"]) == ("pairs", {"files": ["in/pairs.csv"]}, "pair")
    assert kept["labels"] == {"left one": "A", "0": "tie"}
    hashes = set()
    for out, command in {
        "a": ("custom", "--data", "in/pairs.csv", *named),
        "b": ("pairs.yaml",),
        "c": ("custom", "--data", "pairs.yaml"),
    }.items():
        ended = judgebench("run", *command, "-j", "offline/longest", "--out", out, "--quiet")
        assert ended.status == 0, ended.err
        (manifest,) = Path(out).rglob("manifest.json")
        hashes.add(read_json(manifest)["items"]["hash"])
    hashes.add(jb.run("pairs.yaml", judge="offline/longest", out="d").manifest.items.hash)
    assert len(hashes) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x\n", "x.yaml: not a benchmark file: it needs source:"),
        ("source: {files: [a.csv], hub: o/n}\n", "x.yaml, line 1: source must name one of files"),
        ("source: {file: a.csv}\n", "x.yaml, line 1: unknown key 'file': did you mean files?"),
        (
            "source: {files: [a.csv]}\nrule: strict_pare\n",
            "x.yaml, line 2: unknown rule 'strict_pare': did you mean strict_pair",
        ),
        ("source: {files: [a.csv]}\ncolums: {}\n", "x.yaml, line 2: unknown key 'colums': did you mean columns?"),
        ("source: {files: [a.csv]}\ncolumns: [prompt]\n", "x.yaml, line 2: columns must be names and values"),
        ("source: {files: [a.csv]}\n", "file or folder not found: 'a.csv'"),
    ],
)
def test_a_benchmark_file_that_is_wrong_names_the_line(text: str, message: str) -> None:
    """One line with the fix."""
    Path("x.yaml").write_text(text, encoding="utf-8")
    ended = judgebench("run", "x.yaml", "-j", "offline/longest")
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert message in ended.err


def test_a_template_is_rendered_with_rows_of_ones_own() -> None:
    """Without a benchmark they are `custom`, in any form and with the options that name columns."""
    Path("pairs.csv").write_text(PAIRS.replace("question", "zadání"), encoding="utf-8")
    ended = judgebench("templates", "render", "pairwise", "--data", "pairs.csv", "--columns", "prompt=ZADÁNÍ")
    assert ended.status == 0, ended.err
    assert "custom item 1" in ended.out
    assert "Why?" in ended.out


def test_messages_name_the_users_own_columns() -> None:
    """An empty answer, a label nobody knows and how labels are counted: none says `response_b` or `label`."""
    row = {"Question": "Q?", "Answer 1": "Yes.", "Answer 2": "No.", "Anns choice": "A"}
    write_jsonl(Path("empty.jsonl"), [row, {**row, "Answer 2": ""}])
    write_jsonl(Path("near.jsonl"), [row, row, {**row, "Anns choice": "Answr 1"}])
    write_jsonl(Path("good.jsonl"), [row, {**row, "Anns choice": "B"}])
    shown = {name: judgebench("data", "show", f"{name}.jsonl", "--columns", "label=Anns choice").out for name in NAMES}
    assert "line 2: the answer in 'Answer 2' is empty" in shown["empty"]
    assert "line 3: Anns choice is 'Answr 1', expected" in shown["near"]
    assert 'did you mean Answer 1? say what it means with --labels "Answr 1"=A' in shown["near"]
    assert "labels: A 1, B 1 (Anns choice names the better answer)" in shown["good"]


NAMES = ("empty", "near", "good")


def test_ties_that_a_template_cannot_give_are_said_before_the_first_call() -> None:
    """With the sibling that can give them; that one says nothing."""
    rows = [
        {"prompt": f"p{n}", "response_a": "a", "response_b": "b", "label": "tie" if n < 2 else "A"} for n in range(5)
    ]
    write_jsonl(Path("rows.jsonl"), rows)
    run = ("run", "custom", "--data", "rows.jsonl", "-j", "offline/longest", "--dry-run")
    said = "note: 2 of 5 labels are ties, which pairwise cannot give: take -t pairwise-ties"
    assert said in judgebench(*run, "-t", "pairwise").err.splitlines()
    assert "cannot give" not in judgebench(*run, "-t", "pairwise-ties").err


def test_bad_rows_are_listed_in_lines_below_the_message() -> None:
    """On the command line, and skipped with the option, whose rows the run's notes name."""
    rows = [{"prompt": f"p{n}", "chosen": "c", "rejected": None if n in {1, 3} else "r"} for n in range(5)]
    write_jsonl(Path("rows.jsonl"), rows)
    run = ("run", "custom", "--data", "rows.jsonl", "-j", "offline/longest", "--out", "runs")
    ended = judgebench(*run)
    assert ended.status == 2
    count = "2 of 5 rows cannot be used; --bad-rows skip leaves such rows out"
    assert ended.err.splitlines() == [
        f"judgebench: rows.jsonl line 2: column 'rejected' is empty ({count})",
        "  rows.jsonl line 4: column 'rejected' is empty",
    ]
    assert not Path("runs").exists()
    ended = judgebench(*run, "--bad-rows", "skip")
    assert ended.status == 0
    assert "note: 2 of 5 rows left out (--bad-rows skip): rows.jsonl line 2" in " ".join(ended.out.split())


def test_rows_in_python_are_described() -> None:
    """The same as a call; a list has no name that a benchmark file could give."""
    rows = [{"prompt": "p", "chosen": "c", "rejected": "r"}]
    found = jb.describe_data(rows)
    assert found.understood.labels == {"chosen": 1}
    assert found.examples[0].messages[-1]["role"] == "user"
    with pytest.raises(ConfigError, match="--save needs rows in a file or on the hub"):
        found.save("x.yaml")
