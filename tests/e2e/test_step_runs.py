"""Runs that name the first wrong step: asked, cached, voted, rescored, compared, shown; killed and gone on with."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from commands import judgebench, read_json, read_jsonl, write_jsonl, write_judges
from faults import Fault
from loopback import LoopbackServer
from processes import Running
from scripted import Reply, ScriptedModels, judge_of_rows

import judgebench as jb

FOLDER = Path("runs/custom/mine/first-wrong-step/steps")
GOLD = [1, 2, 0, -1, -1, 2, -1, -1]


def rows() -> list[dict[str, object]]:
    """Four answers with a wrong step and four without one."""
    return [
        {"id": f"q{at}", "prompt": f"Question {at}", "steps": [f"q{at} step {n}" for n in range(3)], "label": gold}
        for at, gold in enumerate(GOLD)
    ]


def answer(request):
    """Right but for items 1 (too early), 3 (a step named) and 5 (unreadable)."""
    at = int(re.search(r"q(\d) step 0", request.text)[1])
    said = {1: "0", 3: "2", 5: "the second"}.get(at, str(GOLD[at]))
    return rf"Looked at each step. \boxed{{{said}}}"


@pytest.fixture
def server():
    with judge_of_rows(answer, rows()) as running:
        yield running


def run(*more: object):
    return judgebench("run", "custom", "--data", "rows.jsonl", "-j", "mine", *more)


def test_a_step_run_says_what_it_found(server):
    """2 of 4 wrong steps are found and 3 of 4 right answers: F1 = 2 x .5 x .75 / 1.25 = .6; the failure is wrong."""
    ended = run("--json")
    (metrics,) = ended.metrics
    assert metrics["score"] == metrics["f1"] == pytest.approx(0.6)
    assert (metrics["error_accuracy"], metrics["correct_accuracy"]) == (0.5, 0.75)
    assert (metrics["f1_low"], metrics["f1_high"]) == (metrics["low"], metrics["high"])
    assert metrics["bounds"]["high"] == pytest.approx(0.75)  # both .75
    assert metrics["failures"] == {"unreadable": 1}
    assert metrics["steps"] == {
        "error": {"exact": 2, "earlier": 1, "later": 0, "none": 0, "no verdict": 1},
        "correct": {"exact": 3, "named": 1, "no verdict": 0},
    }
    verdicts = {line["item"]: line.get("verdict") for line in read_jsonl(FOLDER / "judgements.jsonl")}
    assert verdicts == {"q0": 1, "q1": 0, "q2": 0, "q3": 2, "q4": -1, "q5": None, "q6": -1, "q7": -1}
    shown = server.requests[0].text
    assert re.search(r"<step_0>\nq\d step 0\n</step_0>\n<step_1>\nq\d step 1\n</step_1>", shown)


def test_the_end_of_a_run_fits_80_columns(server):
    """Both accuracies with their intervals, and where wrong verdicts point."""
    out = run().out
    assert max(map(len, out.splitlines())) <= 80
    said = " ".join(out.split())
    assert (
        "items with a wrong step: 4, of which 2 exact, 1 too early, 1 no verdict; error_accuracy 50.0% (95% CI" in said
    )
    assert "items without one: 4, of which 3 exact, 1 a step named; correct_accuracy 75.0% (95% CI" in said


def test_the_same_again_is_cached_and_read_again_alike(server):
    """Every reply from the cache; rescored, no verdict differs, also where they are read back from the folder."""
    whole = run("--json").metrics[0]
    asked = server.count
    again = run("--json", "--out", "other").metrics[0]
    assert server.count == asked
    assert (again["score"], again["steps"]) == (whole["score"], whole["steps"])
    assert "0 of 8 judgements differ" in judgebench("rescore", FOLDER).out


def test_samples_vote(server):
    """Of 2, 1 and 1 the mode is right; the official way, so nothing says that it is not."""
    said = {}

    def changing(request):
        at = int(re.search(r"q(\d) step 0", request.text)[1])
        said[at] = said.get(at, 0) + 1
        return r"\boxed{2}" if said[at] == 1 and at == 0 else answer(request)

    server.answer = changing
    (metrics,) = run("--samples", 3, "--json").metrics
    assert metrics["score"] == pytest.approx(0.6)
    assert any("is the mode of its 3 samples" in note for note in metrics["notes"])
    (by_majority,) = run("--samples", 3, "--aggregate", "majority", "--json").metrics
    assert by_majority["score"] == pytest.approx(0.6)


def test_disagreements_and_one_item_are_shown(server):
    """Each with its label and verdict; the item with its steps by number."""
    run()
    out = judgebench("show", FOLDER, "--wrong").out
    assert [line.split() for line in out.splitlines() if line.startswith("q")] == [
        ["q1", "all", "2", "0", "0"],
        ["q3", "all", "-1", "2", "0"],
        ["q5", "all", "2", "none", "0"],
    ]
    item = judgebench("show", FOLDER, "q1").out
    for words in ("3 steps · wrong: step 2", "step 1:\nq1 step 1", "verdict: 0"):
        assert words in item


def test_runs_are_compared_voted_on_and_in_the_page(server):
    """With offline judges beside; a corrected label counts; the page has the steps under their numbers."""
    run()
    others = ("offline/first", "offline/random")
    judgebench("run", "custom", "--data", "rows.jsonl", *(word for name in others for word in ("-j", name)))
    folders = [FOLDER, *(Path(f"runs/custom/{name.replace('/', '--')}/first-wrong-step/steps") for name in others)]
    compared = jb.compare(folders[0], folders[1])
    assert compared.whole is not None
    assert compared.agreement[0].of == "classes"
    made = judgebench("jury", *folders, "--json")
    assert made.status == 0, made.err
    jury = next(Path("runs/custom").glob("*jury*/first-wrong-step/*"))
    said = {line["item"]: line.get("verdict") for line in read_jsonl(jury / "judgements.jsonl")}
    assert said["q2"] == 0  # two of three at least
    Path("fixes.csv").write_text("id,label\nq1,0\nq3,keep\n")
    assert judgebench("rescore", FOLDER, "--labels", "fixes.csv").status == 0
    Path("fixes.csv").write_text("id,label\nq1,3\n")
    refused = judgebench("rescore", FOLDER, "--labels", "fixes.csv")
    assert (refused.status, "the number of its first wrong step, 0 to 2, or -1" in refused.err) == (2, True)
    assert judgebench("report", *folders, "--html", "page.html").status == 0
    page = Path("page.html").read_text(encoding="utf-8")
    assert "First wrong steps" in page


def test_probabilities_of_steps_are_kept():
    """The judge that says 1 gives 0 a fifth of the probability."""
    with ScriptedModels(
        lambda _: Reply(r"\boxed{1}", logprobs=[(r"\boxed{", {}), ("1", {"1": 0.8, "0": 0.2}), ("}", {})])
    ) as models:
        write_judges(models.url)
        write_jsonl(Path("rows.jsonl"), rows())
        (metrics,) = run("--logprobs", "--json").metrics
    (first, *_) = read_jsonl(next(FOLDER.parent.glob("*/judgements.jsonl")))
    assert first["probabilities"] == pytest.approx({"1": 0.8, "0": 0.2}, abs=1e-5)
    assert metrics["calibration"]["n"] == len(GOLD)


def test_a_template_that_shows_other_rows_or_no_steps_is_refused(server):
    """Rows without steps, and a template that shows the answer whole."""
    write_jsonl(Path("rows.jsonl"), [{"prompt": "p", "response": "x", "label": "pass"}])
    ended = run("-t", "first-wrong-step")
    assert (ended.status, server.count) == (2, 0)
    assert "has no steps, which a steps template shows" in ended.err
    assert judgebench("templates", "new", "mine", "--mode", "steps").status == 0
    assert judgebench("templates", "lint", "mine.jinja").out.strip() == "no problems found"
    text = Path("mine.jinja").read_text()
    Path("mine.jinja").write_text(text.replace("{{ step.index }}", "{{ loop.index }}"))
    assert "numbers the steps from 1, and verdicts count from 0" in judgebench("templates", "lint", "mine.jinja").out
    Path("mine.jinja").write_text(re.sub(r"\{% for.*endfor %\}", "{{ completions[0].text }}", text, flags=re.DOTALL))
    assert "no message shows the steps" in judgebench("templates", "lint", "mine.jinja").out


def test_rows_in_steps_are_kept_as_a_benchmark_file(server):
    """`data show` counts both kinds of labels, and the file that it writes runs."""
    ended = judgebench("data", "show", "rows.jsonl", "--save", "mine.yaml", "--json")
    assert json.loads(ended.out)["labels"] == {"a wrong step": 4, "no wrong step": 4}
    (metrics,) = judgebench("run", "mine.yaml", "-j", "mine", "--json").metrics
    assert (metrics["template"], metrics["score"]) == ("first-wrong-step", pytest.approx(0.6))


def test_a_killed_run_goes_on():
    """Killed with kill -9 when four of its eight calls were answered, it asks for the others alone."""
    with LoopbackServer(answer) as server:
        write_judges(server.url)
        write_jsonl(Path("rows.jsonl"), rows())
        server.faults = lambda request: Fault.hang() if request.number > 4 else None
        running = Running("run", "custom", "--data", "rows.jsonl", "-j", "mine", "--concurrency", "2")
        server.wait_count(6)
        running.kill()
        running.communicate()
        server.faults, asked = None, server.count
        out, _ = Running("run", "custom", "--data", "rows.jsonl", "-j", "mine", "--json").communicate()
        assert json.loads(out)[0]["score"] == pytest.approx(0.6)
        assert server.count - asked == 4
    assert read_json(FOLDER / "manifest.json")["state"] == "incomplete"  # one reply is unreadable


def test_a_jurys_even_votes_are_counted_by_judgement():
    """Two samples of an item can be two of them, which are not two items."""
    write_jsonl(Path("rows.jsonl"), rows())
    judges = ("offline/random", "offline/longest")
    asked = [part for judge in judges for part in ("-j", judge)]
    assert judgebench("run", "custom", "--data", "rows.jsonl", *asked, "--samples", "2").status == 0
    made = judgebench("jury", *sorted(Path("runs/custom").glob("offline--*/*/*")))
    jury = next(Path("runs/custom").glob("*jury*/*/*"))
    even = sum("verdict" not in line for line in read_jsonl(jury / "judgements.jsonl"))
    assert even > 2
    assert f"note: {even} judgements have no verdict (even votes)" in made.out + made.err


def test_samples_of_items_of_one_kind(server):
    """Where no answer is right there is no F1, and repeated samples have no noise of one: no line breaks off."""
    write_jsonl(Path("rows.jsonl"), [row for row in rows() if row["label"] != -1])
    (metrics,) = run("--samples", 2, "--json").metrics
    assert (metrics["score"], metrics["items"], metrics["retest"]["noise"]) == (None, 4, None)
    assert judgebench("report", FOLDER.with_name("steps-x2")).status == 0
