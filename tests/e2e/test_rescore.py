"""`judgebench rescore`: stored replies read again by another rule, and no call made."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from commands import apart, judgebench, pairs, read_json, read_jsonl, write_jsonl, write_judges
from faults import Reply
from finishedruns import judge_run, score_run
from scripted import ScriptedModels

import judgebench as jb

BOTH_SIDES = "At first sight [[A]], but then [[B]]."
OWN = """\
---
name: {name}
mode: {mode}
verdict:
  pattern: '\\[\\[([AB])\\]\\]'
  match: {match}
  example: 'This one. [[A]]'
---
{{% block user %}}
{{{{ prompt }}}}{{% for c in completions %}} [{{{{ c.label }}}}] {{{{ c.text }}}}{{% endfor %}}
{{% endblock %}}
"""


def own(name, match, mode="pairwise"):
    path = Path(f"{name}.jinja")
    path.write_text(OWN.format(name=name, match=match, mode=mode))
    return path


def judged(answer, *, count=4, match="last"):
    """A run whose judge always says the same, in one order."""
    data = write_jsonl(Path("rows.jsonl"), pairs(count, ("alpacaeval-easy",)))
    with ScriptedModels(answer) as server:
        write_judges(server.url, mine={"model": "scripted/mine"})
        template = own("own", match)
        judgebench("run", "rewardbench", "-j", "mine", "-t", template, "--data", data, "--orders", "both", "--json")
    return Path("runs/rewardbench/mine/own/both")


@pytest.fixture(scope="module")
def both_once(tmp_path_factory):
    with apart(tmp_path_factory.mktemp("both")) as folder:
        judged(BOTH_SIDES)
        shutil.rmtree("home")
    return folder


@pytest.fixture
def both(both_once):
    """A run whose judge always names both sides, read by its last mention, in the test's own folder."""
    shutil.copytree(both_once, ".", dirs_exist_ok=True)
    return Path("runs/rewardbench/mine/own/both")


def rescored(run, *arguments):
    ended = judgebench("rescore", run, *arguments, "--json")
    assert ended.status == 0, ended.err
    return json.loads(ended.out)


def test_the_run_s_own_rule_changes_nothing(both):
    """Reading the same replies by the same rule gives the same verdicts and score."""
    found = rescored(both, "--dry-run")
    assert (found["judgements"], found["read"], found["changed"]) == (8, 8, 0)
    assert found["score_before"] == found["score"] == 0.5


def test_another_rule_is_shown_item_by_item(both):
    """All 8 verdicts turn from B to A: half of them right before and after, as both orders were asked."""
    run = both
    found = rescored(run, "--template", own("other", "first"))
    assert found["by_kind"] == [{"before": "B", "after": "A", "count": 8}]
    first = found["changes"][0]
    assert (first["item"], first["credit_before"], first["credit_after"]) == ("0", 0.5, 0.5)


def test_a_new_run_stands_beside_and_the_old_one_stays(both):
    """The folder's name ends in -rescored-TEMPLATE; it can be compared, and says by whose rule it was read."""
    run = both
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    ended = judgebench("rescore", run, "-t", own("other", "first"))
    assert ended.status == 0, ended.err
    new = run.with_name("both-rescored-other")
    assert f"done: {new}\n" in ended.err
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before
    assert {line["verdict"] for line in read_jsonl(new / "judgements.jsonl")} == {"A"}
    assert read_json(new / "manifest.json")["rescored"]["template"] == "other"
    assert "read again with the rule of 'other'" in " ".join(jb.Run.load(new).metrics.notes)
    assert judgebench("compare", run, new).status == 0


def test_no_call_is_counted_in_the_new_run(both):
    """Every reply was there: no call, and nothing paid for now."""
    run = both
    rescored(run, "-t", own("other", "first"))
    usage = jb.Run.load(run.with_name("both-rescored-other")).metrics.usage
    assert (usage.calls, usage.cached, usage.spent_usd) == (0, 8, 0.0)


def test_dry_run_writes_nothing(both):
    """Only the screen changes."""
    run = both
    ended = judgebench("rescore", run, "-t", own("other", "first"), "--dry-run")
    assert "nothing written" in ended.err
    assert [path.name for path in run.parent.iterdir()] == ["both"]


def test_the_same_name_with_another_rule_gets_a_folder_of_its_own(both):
    """A second reading under the same template name leaves the first alone; the same reading replaces it."""
    run = both
    rescored(run, "-t", own("other", "first"))
    rescored(run, "-t", own("other", "first"))
    rescored(run, "-t", own("other", "only"))
    names = sorted(path.name for path in run.parent.iterdir())
    assert names[:2] == ["both", "both-rescored-other"]
    assert len(names) == 3


def test_a_rescored_run_is_rescored_by_the_rule_that_read_it(both):
    """Without a template nothing changes, since its own rule is the one that read it."""
    run = both
    rescored(run, "-t", own("other", "first"))
    found = rescored(run.with_name("both-rescored-other"), "--dry-run")
    assert (found["reader"], found["changed"]) == ("other", 0)


def test_unreadable_replies_can_become_verdicts_and_the_other_way():
    """`only` makes an ambiguous failure of what names both, and reading by the last match makes it a verdict again."""
    run = judged(BOTH_SIDES, match="only")
    assert jb.Run.load(run).metrics.failures == {"ambiguous": 8}
    found = rescored(run, "-t", own("other", "last"))
    assert found["by_kind"] == [{"before": "ambiguous", "after": "B", "count": 8}]
    assert found["metrics"]["failures"] == {}


def test_a_reply_that_was_cut_off_stays_a_failure():
    """A truncated reply may name a verdict, and is none, by whatever rule."""
    run = judged(Reply("[[A]] and so", finish_reason="length"))
    found = rescored(run, "-t", own("other", "first"), "--dry-run")
    assert (found["read"], found["changed"]) == (0, 0)
    assert found["metrics"]["failures"] == {"truncated": 8}
    assert any("truncated" in note for note in found["notes"])


def test_a_refusal_by_wording_is_read_again_but_stays_one():
    """A refusal without a verdict is read again, and refused again."""
    found = rescored(judged("I'm sorry, but I can't help with that."), "--dry-run")
    assert (found["read"], found["changed"], found["metrics"]["failures"]) == (8, 0, {"refused": 8})


def test_a_run_that_was_cut_off_gets_its_figures(both):
    """Judgements alone are enough: what was not asked is a failure of kind not_asked."""
    run = both
    lines = (run / "judgements.jsonl").read_text().splitlines(keepends=True)
    (run / "judgements.jsonl").write_text("".join(lines[:5]) + lines[5][:20])
    for name in ("outcomes.jsonl", "metrics.json"):
        (run / name).unlink()
    found = rescored(run)
    assert (found["judgements"], found["metrics"]["failures"]) == (5, {"not_asked": 3})
    assert any("the last line is cut off" in note for note in found["notes"])


def test_figures_of_an_older_version_name_rescore_and_are_mended_by_it(both):
    """A metrics.json without a field is one line and exit 2; rescore writes a run that can be read."""
    run = both
    old = read_json(run / "metrics.json")
    del old["bounds"]
    (run / "metrics.json").write_text(json.dumps(old))
    ended = judgebench("report", run)
    assert ended.status == 2
    assert len(ended.err.splitlines()) == 1
    assert f"judgebench rescore {run}" in ended.err
    found = rescored(run)
    assert judgebench("report", found["path"]).status == 0


def test_a_template_of_another_mode_is_refused(both):
    """Replies to pairs cannot be read as ratings."""
    ended = judgebench("rescore", both, "-t", "rating-10")
    assert ended.status == 2
    assert "has mode rating, the run's replies pairwise" in ended.err


def test_scores_have_no_replies():
    """A score file's run is refused, with what to do instead."""
    ended = judgebench("rescore", score_run("rm", [1] * 8))
    assert ended.status == 2
    assert "use judgebench score" in ended.err


def test_ties_are_read_by_the_companion_s_rule():
    """The bundled RewardBench 2 sample: choices by four-way, Ties by ratings, nothing changes."""
    assert judgebench("run", "-j", "offline/first", "--json").status == 0
    run = Path("runs/rewardbench-2/offline--first/four-way/one")
    found = rescored(run)
    assert found["changed"] == 0
    assert found["score"] == pytest.approx(jb.Run.load(run).metrics.score)
    assert jb.Run.load(found["path"]).metrics.sections["Ties"] == jb.Run.load(run).metrics.sections["Ties"]


def test_an_offline_run_can_be_rescored_in_python():
    """jb.rescore takes a run or a path."""
    found = jb.rescore(jb.Run.load(judge_run("offline/longest")), dry_run=True)
    assert (len(found.changes), found.path) == (0, None)


@pytest.mark.parametrize("columns", [80, 200])
def test_the_screen_fits_the_terminal(columns, monkeypatch):
    """No line of the tables is wider than the terminal, and more than 20 changes are only counted."""
    monkeypatch.setenv("COLUMNS", str(columns))
    run = judged(BOTH_SIDES, count=15)
    ended = judgebench("rescore", run, "-t", own("other", "first"), "--dry-run")
    assert max(map(len, ended.out.splitlines())) <= columns
    assert "and 10 more; --all lists them" in ended.out
