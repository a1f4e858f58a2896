"""`judgebench drift`: one judge on two dates."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest
from commands import judgebench, pairs, read_json
from finishedruns import judge_run, score_run, written_run

import judgebench as jb


def dated(
    where, wrong=(), *, noise=0.0, count=40, prefix="", judge="mine", started=None, served=None, fails=False, **planning
):
    """A judge's run in a folder of its own: wrong on some items, and on the others as often as noise has it."""
    rng = random.Random(where)
    rows = [{**row, "id": f"{prefix}{at}"} for at, row in enumerate(pairs(count, ("alpacaeval-easy",)))]
    number = lambda key: int(key.id.removeprefix(prefix))  # noqa: E731
    says = lambda key, _: -1 if fails else int((number(key) in wrong) ^ (rng.random() < noise))  # noqa: E731
    run = written_run(judge, rows, says, **{"orders": "both", "samples": 2, **planning})
    shutil.move("runs", where)
    moved = Path(where) / run.relative_to("runs")
    if started is not None:
        manifest = read_json(moved / "manifest.json")
        (moved / "manifest.json").write_text(json.dumps({**manifest, "started": started}), encoding="utf-8")
    if served is not None:
        path = moved / "judgements.jsonl"
        lines = [{**json.loads(line), "served_model": served} for line in path.read_text("utf-8").splitlines()]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return moved


def drifted(*arguments, status):
    ended = judgebench("drift", *arguments, "--json")
    assert ended.status == status, ended.err
    return json.loads(ended.out)


def test_a_changed_judge_is_shown():
    """Certain verdicts turn on 12 of 40 items: 30% between the dates, none on one, 30 points of score; status 3."""
    october = dated("october", started="2026-10-01T08:00:00+00:00", served="m-1")
    november = dated("november", range(12), started="2026-11-01T08:00:00+00:00", served="m-2")
    found = drifted(october, november, status=3)
    assert (found["decision"], found["flips"]["between"], found["flips"]["noise"]) == ("drift", 0.3, 0.0)
    assert found["judge"]["value"] == pytest.approx(-0.3)
    assert found["served_model_changed"]
    assert [each["served_models"] for each in found["runs"]] == [{"m-1": 160}, {"m-2": 160}]
    assert [each["item"] for each in found["flipped"]] == [str(at) for at in range(12)]
    ended = judgebench("drift", october, november)
    assert "30.0% of verdicts differ between 2026-10-01 and 2026-11-01, 0.0% on one date" in " ".join(ended.out.split())
    assert "the served model changed: m-1 on 2026-10-01, m-2 on 2026-11-01" in " ".join(ended.err.split())
    assert "the first run is the later one" in judgebench("drift", november, october).err


def test_a_noisy_judge_is_no_other_judge():
    """A tenth of its replies differs by chance on either date: no drift, status 0."""
    found = drifted(dated("october", noise=0.1), dated("november", noise=0.1), status=0)
    assert found["decision"] == "no_drift"
    assert found["flips"]["excess"]["low"] < 0 < found["flips"]["excess"]["high"]


def test_one_sample_cannot_tell_flips_from_noise():
    """Three items turn each way: status 4 and what to do; with a retest that repeats every verdict it is drift."""
    october = dated("october", range(6), samples=1)
    november = dated("november", range(6, 12), samples=1)
    found = drifted(october, november, status=4)
    assert (found["flips"]["p"], found["flips"]["flips"]) == (None, 0.3)
    assert "--samples 3" in found["reason"]
    assert drifted(october, november, "--retest", dated("again", range(6), samples=1), status=3)["flips"]["noise"] == 0
    still = drifted(october, dated("december", range(6), samples=1), status=0)
    assert still["reason"].startswith("NO DRIFT SHOWN: no verdict differs")


def test_a_systems_change_is_split_into_two_parts_that_add_up():
    """The judge loses 10 points on the same answers; the system's score falls by 30: 20 are its own."""
    arguments = dated("october"), dated("november", range(4)), "--system"
    found = drifted(
        *arguments, dated("old", prefix="s", count=60), dated("new", range(18), prefix="s", count=60), status=3
    )["system"]
    assert [round(found[part]["value"], 9) for part in ("total", "judge", "system")] == [-0.3, -0.1, -0.2]
    assert found["items"] == [60, 60]
    for part in ("total", "judge", "system"):
        assert found[part]["low"] < found[part]["value"] < found[part]["high"]


def test_replies_out_of_the_cache_are_no_second_date():
    """The same command again has the first date's replies: nothing can be said, and --refresh is the fix."""
    october = dated("october")
    copied = shutil.copytree("october", "november") / october.relative_to("october")
    path = copied / "judgements.jsonl"
    path.write_text(path.read_text("utf-8").replace('"cached":false', '"cached":true'), encoding="utf-8")
    found = drifted(october, copied, status=4)
    assert (found["same_replies"], found["items"]) == (160, 0)
    assert "--refresh" in found["reason"]


def test_replies_without_a_verdict_show_no_steady_judge():
    """All replies fail on both dates: nothing can be said, and no score is made up; on one date it is drift."""
    fails = lambda where: dated(where, noise=0, fails=True)  # noqa: E731
    october, november = fails("october"), fails("november")
    found = drifted(october, november, status=4)
    assert (found["items"], found["judged"], found["scores"]) == (40, 0, None)
    assert found["reason"].startswith("CANNOT SAY: 0 of 40 items have a verdict on a date; 10 are needed")
    found = drifted(dated("may"), october, status=3)
    assert (found["judged"], found["scores"]) == (40, None)
    assert "no verdict in 0.0% of replies on the first date and 100.0% on the second" in " ".join(found["notes"])


def test_dates_that_do_not_fit_are_said():
    """A retest of another day hides a change as noise; a system's runs the wrong way round turn its change over."""
    may, june = (f"2026-{month}-01T08:00:00+00:00" for month in ("05", "06"))
    first, second = dated("first", started=may), dated("second", started=june)
    old, new = (dated(name, prefix="s", started=at) for name, at in (("old", may), ("new", june)))
    late = dated("late", started=june)
    notes = lambda *options: " ".join(drifted(first, second, *options, status=0)["notes"])  # noqa: E731
    assert "the retest is of 2026-06-01 and the first run of 2026-05-01" in notes("--retest", late)
    assert "the first run of --system is the later one" in notes("--system", new, old)
    assert notes("--system", old, new) == ""


def test_ratings_and_classes_have_drift_too():
    """Grades fall by 2 of a scale of 9 on every item: 22% of the scale, -2.00 grades."""
    rows = lambda: [{"id": str(at), "prompt": "p", "response": "r"} for at in range(20)]  # noqa: E731
    runs = []
    for where, grade in (("october", 7), ("november", 5)):
        run = written_run("mine", rows(), lambda *_, grade=grade: grade, benchmark="custom", templates=["rating-10"])
        shutil.move("runs", where)
        runs.append(Path(where) / run.relative_to("runs"))
    found = drifted(*runs, status=3)
    assert (found["score"], found["scores"], found["judge"]["value"]) == ("mean grade", [7, 5], -2)
    assert found["flips"]["flips"] == pytest.approx(2 / 9)


def test_runs_that_are_no_two_dates_of_one_judge_are_refused():
    """Exit status 2, and which of judge, template, protocol or items differs."""
    october = dated("october")
    others = {
        "another judge": dated("a", judge="other"),
        "another protocol (orders)": dated("b", orders="one"),
        "other items: october": dated("c", count=30),
        "another template": dated("d", templates=["pairwise-ties"]),
        "named twice": october,
        "a score file's run": score_run("rm", [True] * 40),
        "folder not found": Path("nowhere"),
    }
    for said, run in others.items():
        ended = judgebench("drift", october, run)
        assert (ended.status, said in ended.err, "Traceback" in ended.err) == (2, True, False), (said, ended.err)
    ended = judgebench("drift", october, dated("e"), "--system", dated("f", prefix="s"), dated("g", judge="other"))
    assert (ended.status, "another judge" in ended.err) == (2, True)
    ended = judgebench("drift", october, dated("h"), "--system", dated("i", prefix="s"), october)
    assert (ended.status, "october/rewardbench/mine/pairwise/both-x2: named twice" in ended.err) == (2, True)


def test_few_items_say_nothing():
    """9 of them, all turned: 10 are needed."""
    found = drifted(dated("october", count=9), dated("november", range(9), count=9), status=4)
    assert "9 items have new replies on both dates; 10 are needed" in found["reason"]


def test_the_function_does_what_the_command_does():
    """Offline judges answer alike on every date."""
    first = judge_run("offline/longest", 12)
    shutil.move("runs", "may")
    found = jb.drift(Path("may") / first.relative_to("runs"), judge_run("offline/longest", 12, "--refresh"))
    assert (found.decision, found.flips.flips, found.judge.value) == ("no_drift", 0.0, 0.0)
