"""`judgebench templates`: the list, the messages with their tokens, and the findings."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from commands import best_of_four, judgebench, pairs, process, ties, write_jsonl, write_judges
from scripted import ScriptedModels

from judgebench.templates.template import shipped_templates
from judgebench.verdicts import KINDS

GOOD = (
    "---\nname: mine\nmode: pairwise\nverdict: {pattern: '\\[\\[([AB])\\]\\]', example: 'So [[A]]'}\n---\n"
    "{% block user %}\n{{ prompt }}{% for c in completions %}[{{ c.label }}] {{ c.text }}{% endfor %}\n"
    "End with [[A]] or [[B]].\n{% endblock %}\n"
)


def write(text: str, name: str = "mine.jinja") -> str:
    Path(name).write_text(text, encoding="utf-8")
    return name


def test_the_list_has_every_template_under_its_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each once, in the part of its mode, nothing wider than 80 columns, and no blanks at the line ends."""
    monkeypatch.setenv("COLUMNS", "80")
    lines = judgebench("templates", "list").out.splitlines()
    names = [line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "]
    assert sorted(names) == sorted(shipped_templates())
    assert [line for line in lines if line and line[0] != " "] == [
        f"{kind.mode}: {kind.shows}" for kind in KINDS.values()
    ]
    assert [line for line in lines if len(line) > 80 or line != line.rstrip()] == []


def test_the_list_can_be_of_one_mode() -> None:
    """In JSON too, with the source of each method."""
    out = judgebench("templates", "list", "--mode", "best_of_k").out
    listed = json.loads(judgebench("templates", "list", "--mode", "best_of_k", "--json").out)
    assert out.startswith("best_of_k")
    assert "pairwise:" not in out
    assert {each["mode"] for each in listed} == {"best_of_k"}
    assert {"name": "ranking", "source": "listwise ranking as in RankGPT (arXiv 2304.09542)"}.items() <= next(
        each for each in listed if each["name"] == "ranking"
    ).items()


def test_messages_come_with_an_estimate_of_their_tokens() -> None:
    """A quarter of the characters, said to be about that, and without LiteLLM, whose import takes seconds."""
    write(GOOD.replace("{% block user %}", "{% block system %}12345678{% endblock %}{% block user %}"))
    code = "import sys; from judgebench.cli import main\ntry: main()\nfinally: print('litellm' in sys.modules)"
    ended = process("templates", "render", "mine.jinja", python=("-c", code))
    assert "--- system · about 2 tokens\n12345678\n" in ended.out
    assert "-j JUDGE counts them" in ended.out
    assert ended.out.endswith("False\n")


@pytest.mark.parametrize(
    ("judge", "said"),
    [
        ("openai/gpt-4o", "tokenizer o200k_base, the model's own"),
        ("gpt-4.1-mini", "tokenizer o200k_base, the model's own"),
        ("openai/gpt-4", "tokenizer cl100k_base, the model's own"),
        ("anthropic/claude-sonnet-4-5", "tokenizer cl100k_base, an estimate"),
        ("hosted_vllm/my-model", "tokenizer cl100k_base, an estimate"),
    ],
)
def test_tokens_are_counted_for_a_judge(judge: str, said: str) -> None:
    """With the tokenizer named, and whether it is the model's; no key is needed and no call is made."""
    write(GOOD.replace("{% block user %}", "{% block system %}hello world{% endblock %}{% block user %}"))
    ended = judgebench("templates", "render", "mine.jinja", "-j", judge)
    assert ended.status == 0
    assert "--- system · 2 tokens\n" in ended.out
    assert said in ended.out.splitlines()[-1]


def test_a_judges_count_of_the_whole_is_more_than_its_messages() -> None:
    """The marks around messages are tokens too: in OpenAI's protocol three a message and three for the reply."""
    head = "---\nname: mine\nmode: pairwise\nverdict: {pattern: '([AB])'}\n---\n"
    write(head + "{% block user %}hello{% if 0 %}{{ completions }}{% endif %}{% endblock %}")
    out = judgebench("templates", "render", "mine.jinja", "-j", "openai/gpt-4o").out
    assert "--- user · 1 tokens\n" in out
    assert "total 8 tokens" in out  # 3 for the message, 1 for its role, 1 for its text, 3 for the reply


@pytest.mark.parametrize(
    "options",
    [
        ("rating-ties", "rewardbench", pairs(1)),
        ("rating-ties", "rewardbench-2", best_of_four(1)),
        ("four-way", "rewardbench-2", ties(1)),
        ("pairwise", "rewardbench-2", best_of_four(1), "--pairs", "all"),
        ("pairwise", "rewardbench-2", best_of_four(1), "--pairs", "knockout"),
        ("pairwise", "rewardbench-2", ties(1), "--pairs", "all"),
    ],
    ids=lambda options: " ".join(str(each) for each in options if isinstance(each, str)),
)
def test_what_is_shown_is_what_a_run_sends_first(options: tuple[Any, ...]) -> None:
    """Template, benchmark, rows and ways of pairing that a run takes are shown, in the run's own words and order."""
    template, benchmark, rows, *more = options
    write_jsonl(Path("rows.jsonl"), rows)
    with ScriptedModels("[[A]]") as server:
        write_judges(server.url)
        judgebench("run", benchmark, "-j", "mine", "-t", template, "--data", "rows.jsonl", "--concurrency", 1, *more)
        sent = server.requests[0].messages
    out = judgebench("templates", "render", template, "--benchmark", benchmark, "--data", "rows.jsonl", *more).out
    parts = re.split(r"^--- .*\n", out, flags=re.MULTILINE)[1:-1]
    assert [part.removesuffix("\n") for part in parts] == [message["content"] for message in sent]


def test_an_item_that_is_always_rated_is_shown_so() -> None:
    """With the template that rates it, which is said."""
    ended = judgebench("templates", "render", "four-way", "--benchmark", "rewardbench-2", "--item", "ref:1")
    assert ended.out.splitlines()[:2] == [
        "rating-ties · rewardbench-2 item ref:1 · completions shown: 0",
        "rewardbench-2 always rates this item with rating-ties; four-way is for other items",
    ]


def test_a_template_that_a_run_refuses_is_refused() -> None:
    """In the run's words, whose mend is an option here too."""
    run, shown = (
        judgebench(*command, "--data", "sample")
        for command in (
            ("run", "rewardbench-2", "-j", "offline/first", "-t", "pairwise"),
            ("templates", "render", "pairwise", "--benchmark", "rewardbench-2"),
        )
    )
    assert (shown.status, shown.err) == (2, run.err)
    assert shown.err.endswith("or pairwise with --pairs all or knockout\n")


@pytest.mark.parametrize(
    ("options", "item"),
    [
        (("four-way",), "rewardbench-2 item factuality-1"),
        (("rating-ties",), "rewardbench-2 item ref:1"),
        (("pairwise",), "rewardbench item 1"),
        (("pairwise", "--pairs", "all"), "rewardbench-2 item factuality-1"),
    ],
)
def test_without_a_benchmark_an_item_that_fits_is_found(options: tuple[str, ...], item: str) -> None:
    """The first of a sample, of the kind that the template is made for."""
    assert item in judgebench("templates", "render", *options).out.splitlines()[0]


def test_an_unknown_judge_is_one_line() -> None:
    """Exit status 2."""
    ended = judgebench("templates", "render", "pairwise", "-j", "gpt-4.1-mimi")
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)


def test_a_clean_template_ends_with_0() -> None:
    """Several too, of which some ship."""
    one, more = judgebench("templates", "lint", write(GOOD)), judgebench("templates", "lint", "mine.jinja", "pairwise")
    assert (one.status, one.out) == (0, "no problems found\n")
    assert (more.status, more.out) == (0, "no problems found in 2 templates\n")


def test_findings_end_with_1() -> None:
    """A line each, with the file as it was named, the line and the mend."""
    write(GOOD.replace("End with", "Compare the four answers.\nEnd with"))
    ended = judgebench("templates", "lint", "pairwise", "mine.jinja")
    assert (ended.status, ended.err) == (1, "")
    assert ended.out == "mine.jinja:8: says 'the four answers', where 2 are shown; write 'two'\n"


def test_findings_are_json_where_it_is_asked_for() -> None:
    """A list, empty where there are none."""
    write(GOOD.replace(", example: 'So [[A]]'", ""))
    ended = judgebench("templates", "lint", "mine.jinja", "--json")
    clean = judgebench("templates", "lint", "pairwise", "--json")
    [finding] = json.loads(ended.out)
    assert (ended.status, clean.status, json.loads(clean.out)) == (1, 0, [])
    assert (finding["file"], finding["line"], finding["kind"]) == ("mine.jinja", 4, "no-example")


@pytest.mark.parametrize("name", ["nope.jinja", "nope", "bad.jinja", "."])
def test_a_file_that_cannot_be_read_ends_with_2(name: str) -> None:
    """One line, and no finding."""
    Path("bad.jinja").write_bytes(b"\xff\xfe")
    ended = judgebench("templates", "lint", name)
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)


def test_a_template_that_does_not_load_is_a_finding() -> None:
    """What `run` would refuse is said with its line."""
    ended = judgebench("templates", "lint", write(GOOD.replace("prompt", "promt")))
    assert (ended.status, ended.out) == (1, "mine.jinja:7: 'promt' is not defined; did you mean prompt?\n")
