"""What a run says of templates, orders and rows before its first call, and what it is called then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import judgebench, pairs, read_json, write_jsonl

import judgebench as jb
from judgebench.items import Completion, Item, Turn, item_to_json
from judgebench.runs import Run, headings

TERSE = """---
name: terse
mode: pairwise
verdict:
  pattern: '\\[\\[(A|B)\\]\\]'
  example: '[[A]]'
---
{% block user %}
{{ prompt }}
{{ completions[0] }}
{{ completions[1] }}
Reply with [[A]] or [[B]].
{% endblock %}
"""


def run(template: str, *more: object):
    write_jsonl(Path("rows.jsonl"), pairs(4))
    return judgebench("run", "custom", "--data", "rows.jsonl", "-j", "offline/longest", "-t", template, *more)


def test_a_copied_template_is_called_by_its_file_too() -> None:
    """The copy has the old name in its head: what differs is in the title and the folder, and its rerun is the same."""
    Path("terse.jinja").write_text(TERSE)
    Path("careful.jinja").write_text(TERSE.replace("Reply", "Think, then reply"))
    for name in ("terse.jinja", "careful.jinja", "careful.jinja"):
        assert run(name).status == 0
    found = sorted(Path("runs/custom/offline--longest/terse").iterdir(), key=lambda path: len(path.name))
    assert [path.name.rpartition("-")[0] or path.name for path in found] == ["one", "one-careful.jinja"]
    assert [title.split(" \u00b7 ")[2] for title in headings([Run.load(path) for path in found])] == [
        "terse",
        "terse (careful.jinja)",
    ]


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_template_that_does_not_ask_for_its_marks_is_noted(more: tuple[str, ...]) -> None:
    """As `templates lint` finds it, before any call; a template that asks has no note."""
    Path("terse.jinja").write_text(TERSE)
    Path("mute.jinja").write_text(
        TERSE.replace("name: terse", "name: mute").replace("Reply with [[A]] or [[B]].", "A or B?")
    )
    said = run("mute.jinja", *more).err
    assert "note: mute.jinja:8: no message asks for '[[', by which the rule finds the verdict; ask for it" in said
    assert "note:" not in run("terse.jinja", *more).err


@pytest.mark.parametrize(("template", "folder"), [("pass-fail", "labels"), ("rating-10", "ratings")])
def test_orders_are_nothing_to_questions_that_show_one_answer(template: str, folder: str) -> None:
    """`--orders both` is the same run, and a note says why."""
    write_jsonl(Path("rows.jsonl"), [{"prompt": f"q{at}", "response": "a" * at, "label": "pass"} for at in range(1, 4)])
    command = ("run", "custom", "--data", "rows.jsonl", "-j", "offline/longest", "-t", template)
    plain, both = judgebench(*command), judgebench(*command, "--orders", "both")
    assert ("has no order" in plain.err, "has no order: --orders both changes nothing" in both.err) == (False, True)
    assert [path.parent.name for path in Path("runs").rglob("metrics.json")] == [folder]
    assert ("mean nothing" in plain.out) is (template == "pass-fail")


def test_the_rows_of_a_bundle_are_called_as_the_authors() -> None:
    """They go by the author's file, are pairs or answers by their completions, and none of their columns is unused."""
    for count, form in ((2, "pairs"), (1, "graded answers"), (3, "best of k")):
        completions = tuple(Completion((Turn("assistant", f"answer {at}"),)) for at in range(count))
        items = [
            Item(
                f"{at}",
                "all",
                (Turn("user", f"q{at}"),),
                completions,
                int(count > 1),
                human_score=None if count > 1 else 2.0,
            )
            for at in range(3)
        ]
        write_jsonl(Path("mine.items.jsonl"), [item_to_json(item) for item in items])
        said = json.loads(judgebench("data", "show", "mine.items.jsonl", "--json").out)
        assert (said["form"], said["columns"]["unused"]) == (form, [])
    run = jb.run("custom", judge="offline/longest", data="mine.items.jsonl")
    assert headings([run])[0].startswith("mine \u00b7 ")
    assert read_json(run.path / "manifest.json")["template"].get("file") is None
