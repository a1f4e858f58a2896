"""`judgebench show`: one item in full, and what failed."""

from __future__ import annotations

import json
from pathlib import Path

from commands import judgebench, pairs, write_jsonl, write_judges
from finishedruns import judge_run, score_run
from loopback import LoopbackServer

from judgebench.templates.template import load_template
from judgebench.verdicts.reading import read_placed
from judgebench.verdicts.reply import Reply
from judgebench.verdicts.rule import VerdictRule


def judged(answer, rows):
    data = write_jsonl(Path("rows.jsonl"), rows)
    with LoopbackServer(answer) as server:
        write_judges(server.url)
        judgebench("run", "rewardbench", "-j", "mine", "--data", data, "--json")
    return Path("runs/rewardbench/mine/pairwise/one")


def test_an_item_in_full():
    """Prompt, completions, the exact messages, reply, verdict, credit and price are all there."""
    run = judge_run("offline/longest")
    ended = judgebench("show", run, "3")
    assert ended.status == 0, ended.err
    (message,) = [m for m in load_template("pairwise").render(*_item(run, "3")) if m["role"] == "user"]
    for text in ("Question 3?", "A good answer: number 3.", "A bad answer: number 3.", "verdict: ", "credit ", "$0.00"):
        assert text in ended.out
    assert message["content"].strip() in ended.out
    assert "not correct" in ended.out


def _item(run, identifier):
    import judgebench as jb

    loaded = jb.Run.load(run)
    item = next(each for each in loaded.items if each.id == identifier)
    return item, next(j.order for j in loaded.judgements if j.item == identifier)


def test_with_no_item_what_failed():
    """Failures by kind with their detail, and how to see one in full."""
    run = judged("I cannot help with this.", pairs(12, ("alpacaeval-easy",)))
    ended = judgebench("show", run)
    assert ended.status == 0
    assert "refused: 12" in ended.out
    assert "and 2 more; --all lists them" in ended.out
    assert f"judgebench show {run} ITEM" in ended.out
    assert "more" not in judgebench("show", run, "--all").out


def test_nothing_failed():
    """A run without failures says so."""
    assert "no failures: all 8 verdicts parsed" in judgebench("show", judge_run("offline/longest")).out


def test_another_verdict_of_a_reply_is_kept_counted_and_said():
    """Its record, the figures, the report and the item name it; other records have no such field."""
    rows = pairs(3, ("alpacaeval-easy",))
    said = {"Question 1?": "First [[A]], but no: [[B]]"}
    run = judged(lambda asked: next((text for key, text in said.items() if key in str(asked.messages)), "[[A]]"), rows)
    records = [json.loads(line) for line in (run / "judgements.jsonl").read_text().splitlines()]
    assert {each["item"]: each.get("also") for each in records} == {"0": None, "1": ["A"], "2": None}
    assert json.loads((run / "metrics.json").read_text())["also"] == 1
    assert "first and last mark differ in 1 of 3 replies" in judgebench("report", run).out
    assert "verdict: B" in judgebench("show", run, "1").out
    assert "also A" in judgebench("show", run, "1").out


def test_a_failed_item_shows_its_reply_and_reason():
    """The reply is there although it has no verdict."""
    ended = judgebench("show", judged("Both are fine.", pairs(2, ("alpacaeval-easy",))), "1")
    assert "Both are fine." in ended.out
    assert "no verdict: unreadable" in ended.out


def test_scores_are_shown_beside_the_completions():
    """A score file's run has scores and no calls."""
    ended = judgebench("show", score_run("rm", [1, 0]), "1")
    assert "completion 0 · correct · score 0" in ended.out
    assert "completion 1 · not correct · score 0.5" in ended.out


def test_data_cannot_control_the_terminal():
    """Escapes in prompts, completions, replies and ids are written out."""
    rows = pairs(2, ("alpacaeval-easy",))
    rows[0] |= {"id": "\x1b]0;id\x07", "prompt": "Clear: \x1b[2J", "chosen": "a\rb\x9b"}
    run = judged("Look: \x1b[31m \u202e [[A]]", rows)
    for ended in (judgebench("show", run, "\x1b]0;id\x07"), judgebench("show", run)):
        assert ended.status == 0, ended.err
        assert not set(ended.out) & {"\x1b", "\x07", "\r", "\x9b", "\u202e"}
    assert "Clear: \\x1b[2J" in judgebench("show", run, "\x1b]0;id\x07").out


def test_of_many_calls_the_first_shows_its_messages():
    """An item of Ties is rated once a completion; --messages shows the messages of every call."""
    assert judgebench("run", "-j", "offline/first", "--json").status == 0
    run = Path("runs/rewardbench-2/offline--first/four-way/one")
    identifier = next(j["id"] for j in _items(run) if j["subset"] == "Ties" and len(j["completions"]) > 4)
    short, full = judgebench("show", run, identifier).out, judgebench("show", run, identifier, "--messages").out
    assert "add --messages" in short
    assert short.count("--- message · user") == 1
    assert full.count("--- message · user") > 4


def _items(run):
    import gzip

    with gzip.open(run / "items.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def test_an_unknown_item_names_the_nearest():
    """Exit 2, one line."""
    ended = judgebench("show", judge_run("offline/longest"), "33")
    assert ended.status == 2
    assert "unknown item '33'" in ended.err
    assert len(ended.err.splitlines()) == 1


def test_a_run_without_judgements_is_said():
    """An empty run: exit 2 with the mend."""
    run = judge_run("offline/longest")
    (run / "judgements.jsonl").write_text("")
    assert "empty run" in judgebench("show", run).err


RULE = VerdictRule(pattern=r"\[\[([AB])\]\]", example="[[A]]")


def marked(reply, rule):
    """What of a reply is shown as the verdict."""
    reading = read_placed(Reply(text=reply), rule, 2)
    return reply[slice(*reading.marked)], reading.marked.start


def test_the_verdict_that_counts_is_marked():
    """The last match by default, the first where the rule says so; thinking is not read."""
    assert marked("[[A]] or [[B]]", RULE) == ("[[B]]", 9)
    assert marked("[[A]] or [[A]]", RULE.model_copy(update={"match": "first"})) == ("[[A]]", 0)
    assert marked("<think>[[B]]</think>It is [[B]].", RULE) == ("[[B]]", 26)


def test_the_field_of_a_structured_reply_is_marked():
    """The named field with its value."""
    reply = '{"reasoning": "x", "verdict": "A"}'
    assert marked(reply, VerdictRule(json_field="verdict", example=reply)) == ('"verdict": "A"', 19)
