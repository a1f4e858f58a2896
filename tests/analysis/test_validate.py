"""Whether a judge is good enough against people's labels: decisions, their reasons, and exit statuses."""

import json
from contextlib import chdir
from functools import cache

import pytest
from commands import judgebench, lasting_folder

import judgebench as jb
from judgebench.errors import ConfigError


def imported(rows):
    """The run that verdicts make, in a folder of its own."""
    here = lasting_folder()
    with chdir(here):
        return jb.import_verdicts(rows, judge="mine", out=str(here / "runs"))[0]


@cache
def pairs(n=60, right=54):
    """Pairs whose better answer is A or B in turn, of which the judge finds so many."""
    return imported(
        [
            {"id": f"q{at}", "verdict": "AB"[(at + (at >= right)) % 2], "label": "AB"[at % 2], "subset": "xy"[at < 30]}
            for at in range(n)
        ]
    )


def labels(run, people, wrong=0):
    """Rows of several people who name the better answer, the first of them but for some items."""
    for at, item in enumerate(run.items):
        letters = "AB"[at % 2], "BA"[at % 2]
        for who in range(people):
            yield {"id": item.id, "label": letters[who == 0 and at < wrong], "annotator": f"ann{who}"}


@pytest.mark.parametrize(
    ("need", "decision", "status"),
    [("agreement=.75", "trusted", 0), ("agreement=0.98", "not_trusted", 3), ("kappa=.75", "cannot_say", 4)],
)
def test_the_gate_has_an_exit_status(need, decision, status):
    """54 of 60 right (79.5% to 96.2%, exact): trusted at 75%, not at 98%, and open for kappa 0.75."""
    ended = judgebench("validate", pairs().path, "--need", need, "--json")
    found = json.loads(ended.out)
    assert (found["decision"], ended.status) == (decision, status)
    assert found["agreement"]["score"] == pytest.approx(0.9)
    assert found["agreement"]["low"] == pytest.approx(0.7949, abs=0.006)


def test_json_has_the_promised_names():
    """Scripts find the same names whatever was decided, and null for what is not known."""
    found = jb.validate(pairs(), need="agreement=0.75").to_json()
    promised = {"decision", "reason", "labels_needed", "agreement", "ceiling", "alternative_annotator", "sections"}
    assert promised <= {*found}
    assert (found["ceiling"], found["alternative_annotator"], found["labels_needed"]) == (None, None, None)
    assert {name: each["items"] for name, each in found["subsets"].items()} == {"x": 30, "y": 30}


def test_without_a_need_and_a_ceiling_it_says_which_to_give():
    """One label an item says nothing of what people reach."""
    ended = judgebench("validate", pairs().path)
    assert ended.status == 4
    said = " ".join(ended.out.split())
    assert "CANNOT SAY" in said
    assert "--need agreement=0.8 or --need kappa=0.6" in said


def test_people_themselves_are_the_need():
    """A judge that is right in 90% beside people who always agree is more than 0 points worse, and within 25."""
    run = pairs()
    rows = list(labels(run, 3))
    strict, wide = (jb.validate(run, rows, margin=margin).runs[0] for margin in (0.0, 0.25))
    assert (strict.decision, wide.decision) == ("not_trusted", "trusted")
    assert strict.ceiling["agreement"].score == 1.0
    assert strict.difference["agreement"].score == pytest.approx(-0.1)


def test_the_alternative_annotator_test_stands_beside():
    """Where people have names it says how many of them the judge beats."""
    run = pairs()
    test = jb.validate(run, list(labels(run, 3, wrong=12))).to_json()["alternative_annotator"]
    assert (test["epsilon"], {*test["annotators"]}) == (0.2, {"ann0", "ann1", "ann2"})


def test_labels_needed_is_told_where_nothing_is_decided():
    """An open decision comes with how many more labels would make one; a figure at its need with none."""
    open_, equal = (jb.validate(pairs(), need={"agreement": need}).runs[0] for need in (0.85, 0.9))
    assert open_.decision == equal.decision == "cannot_say"
    assert open_.labels_needed > 60
    assert (equal.labels_needed, "no number of labels would decide" in equal.sentence) == (None, True)


CANNOT = {
    "few": (lambda: (pairs(), list(labels(pairs(), 1))[:8]), "too few labels for a decision, which needs 10 items"),
    "one class": (
        lambda: (classes(), [{"id": f"a{at}", "label": "pass"} for at in range(20)]),
        "every label of people is 'pass'",
    ),
}


@cache
def classes(said="pass"):
    """Twenty answers, which the judge puts in one class, or in the one that people do."""
    return imported(
        [
            {"id": f"a{at}", "verdict": said or ("pass", "fail")[at % 2], "label": ("pass", "fail")[at % 2]}
            for at in range(20)
        ]
    )


@pytest.mark.parametrize("case", CANNOT)
def test_labels_that_cannot_tell_give_no_decision(case):
    """Fewer than ten items, or a single class, say nothing of the judge, with the reason."""
    (run, rows), said = CANNOT[case][0](), CANNOT[case][1]
    found = jb.validate(run, rows, need="agreement=0.1").runs[0]
    assert found.decision == "cannot_say"
    assert said in found.sentence


def test_label_runs_have_the_figures_of_classes():
    """Accuracy, F1, recall and the others stand beside agreement; a judge with one class has no kappa to speak of."""
    found = jb.validate(classes(), need="kappa=0.6").runs[0]
    assert found.labels["accuracy"]["score"] == found.figures["agreement"].score == 0.5
    assert (found.decision, found.figures["kappa"].score) == ("not_trusted", 0.0)


def test_ratings_are_held_to_a_correlation():
    """Of ratings the figure is Pearson's r, with a weighted kappa beside it."""
    run = imported([{"id": f"r{at}", "rating": at % 5 + 1, "human_score": at % 5 + 1} for at in range(40)])
    found = jb.validate(run, need="pearson=0.6")
    assert (found.decision, found.to_json()["agreement"]["measure"]) == ("trusted", "pearson")


def test_the_worst_of_several_runs_is_the_status():
    """Not trusted counts before what cannot be said, and that before trusted; each run has its line."""
    good, bad = pairs(), pairs(60, 20)
    ended = judgebench("validate", good.path, bad.path, "--need", "agreement=0.75")
    assert ended.status == 3
    assert "TRUSTED" in ended.out
    found = jb.validate([good, bad], need="agreement=0.75").to_json()
    assert [run["decision"] for run in found["runs"]] == ["trusted", "not_trusted"]


def test_items_drawn_unequally_are_weighted():
    """Items that were drawn with 0.1 stand for ten each."""
    rows = [{**row, "probability": 0.1 if at < 30 else 1.0} for at, row in enumerate(labels(pairs(), 1))]
    found = jb.validate(pairs(), rows, need="agreement=0.75").runs[0]
    assert found.figures["agreement"].score == pytest.approx((300 + 24) / 330)


def test_a_judge_without_verdicts_is_refused():
    """There is nothing to hold against the labels; the message says which failures there are."""
    run = imported([{"id": "a", "verdict": "A", "label": "A"}, {"id": "b", "verdict": "error", "label": "B"}])
    with pytest.raises(ConfigError, match=r"no verdict on any of the 1 labelled items \(unreadable 1\)"):
        jb.validate(run, [{"id": "b", "label": "B"}])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--need", "accuracy=0.9"), "unknown measure 'accuracy'"),
        (("--need", "kapa=0.9"), "did you mean kappa?"),
        (("--need", "0.8"), "write MEASURE=VALUE, such as kappa=0.6"),
        (("--need", "agreement=85"), "must be above 0 and at most 1"),
        (("--need", "agreement=high"), "must be above 0 and at most 1"),
        (("--need", "pearson=0.7"), "its verdicts are choices or classes, of which there is no Pearson's r"),
        (("--need", "kappa=0.6", "--margin", "0.1"), "give one of them"),
        (("--margin", "5"), "must be in [0, 1)"),
        (("--labels", "none.csv"), "file or folder not found"),
    ],
)
def test_usage_errors_are_one_line(options, said):
    """What is wrong and the fix, with exit status 2."""
    ended = judgebench("validate", pairs().path, *options)
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert said in ended.err


def test_labels_that_leave_a_kind_out_do_not_decide():
    """All of 30 labels are right, but drawn with 0.9 they stand for 33 of 60 items: the rest may all be wrong."""
    rows = [{"id": f"q{at}", "label": "AB"[at % 2]} for at in range(30)]
    assert jb.validate(pairs(), rows, need="agreement=0.8").decision == "trusted"
    drawn = [{**row, "probability": 0.9} for row in rows]
    assert jb.validate(pairs(), drawn, need="agreement=0.8").decision == "cannot_say"
