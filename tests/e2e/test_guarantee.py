"""`judgebench cascade --agreement`: what can be left to judges with a guaranteed agreement with people."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import judgebench, pairs, read_jsonl, write_jsonl
from finishedruns import judge_run, score_run, written_run

import judgebench as jb

COUNT = 60


def judge(name, unsure=(), wrong=(), *, count=COUNT, cost=0.01, orders="both", rows=None):
    """A judge that takes the first slot on some items, the wrong answer on others, and is right on the rest."""
    chosen = lambda key, call: call.order[0] if int(key.id) in unsure else int(int(key.id) in wrong)  # noqa: E731
    return written_run(name, rows or pairs(count, ("alpacaeval-easy",)), chosen, orders=orders, cost=cost)


def guaranteed(*arguments, status=0):
    ended = judgebench("cascade", *arguments, "--json")
    assert ended.status == status, ended.err
    return json.loads(ended.out)


def people(*items, label="chosen", name="people.jsonl"):
    return write_jsonl(Path(name), [{"id": str(item), "label": label} for item in items])


def test_one_judge_answers_what_it_is_certain_of():
    """Both orders agree on 40 items, all right, which shows 90% (29 would do); on 20 they do not."""
    found = guaranteed(judge("small", unsure=range(40, 60)), "--agreement", "0.9")
    (only,) = found["judges"]
    assert (only["by"], only["threshold"], only["answered"], only["right"]) == ("disagreement", 0.5, 40, 40)
    assert (found["guaranteed"], found["coverage"], found["labelled"]) == (True, pytest.approx(40 / 60), 60)
    assert dict(map(dict.values, found["curve"]))[0.98] == 0.0  # needs 149


def test_too_few_labels_say_how_many_are_enough():
    """20 labels cannot show 90% at 95% confidence: 29 right ones are needed, and the exit status is 4."""
    found = guaranteed(judge("small"), "--agreement", "0.9", "--labels", people(*range(20)), status=4)
    assert (found["guaranteed"], found["labels_needed"], found["coverage"]) == (False, 29, 0)
    assert "20 labelled items are too few: at least 29 are needed, all of them right" in found["reason"]
    assert found["applied"]["people"] == 40


def test_a_judge_that_agrees_too_rarely_is_told_that_labels_will_not_help():
    """Every third item is wrong."""
    said = judgebench("cascade", judge("small", wrong=range(0, 60, 3)), "--agreement", "0.9")
    assert (said.status, "more labels will not help" in " ".join(said.out.split())) == (4, True)


def test_the_threshold_is_applied_to_items_without_a_label():
    """40 of 80 items have a label; of the rest the judge answers 30 for 2 replies at a cent, people 10 at a dollar."""
    run = judge("small", unsure=range(70, 80), count=80)
    found = guaranteed(
        *(run, "--agreement", "0.9", "--labels", people(*range(40))),
        *("--people-cost", "1", "--answered", "answered.jsonl"),
    )
    applied = found["applied"]
    assert (applied["items"], applied["answered"], applied["people"]) == (40, 40, 0)  # no labelled item is uncertain
    assert (applied["judges_cost_usd"], applied["saved_usd"]) == (pytest.approx(0.8), pytest.approx(39.2))
    found = guaranteed(run, "--agreement", "0.9", "--labels", people(*range(35), *range(70, 75)), "--people-cost", "1")
    applied = found["applied"]
    assert (applied["answered"], applied["people"]) == (35, 5)
    assert applied["saved_usd"] == pytest.approx(40 - 5 - 0.8)
    cost = found["cost_per_item"]
    assert [cost[name] for name in ("judges_usd", "people_usd", "saved_usd")] == pytest.approx([0.02, 0.125, 0.855])
    lines = read_jsonl(Path("answered.jsonl"))
    assert (len(lines), lines[0]) == (40, {"id": "40", "judge": "small", "verdict": "A", "uncertainty": 0.0})


def test_what_the_first_judge_leaves_goes_to_the_next_and_then_to_people():
    """The small one is certain of 40, the large one of 40 others; of 20 neither is, and people have them."""
    small, large = judge("small", unsure=range(40, 100), count=100), judge("large", unsure=range(80, 100), count=100)
    found = guaranteed(small, large, "--agreement", "0.9")
    assert [each["answered"] for each in found["judges"]] == [40, 40]
    assert [each["share"] for each in found["judges"]] == pytest.approx([0.4, 0.4])
    said = " ".join(judgebench("cascade", small, large, "--agreement", "0.9").out.split())
    assert "80.0% of items can be left to judges: with 95% confidence, at least 90% of those verdicts agree" in said


def test_a_run_over_other_items_gets_the_threshold_of_its_judge():
    """30 new pairs, of which the judge is uncertain of 10; another judge's run, or two runs for one, is a mistake."""
    known = judge("small", unsure=range(40, 60))
    Path("later").mkdir()
    fresh = [{**row, "id": str(1000 + at)} for at, row in enumerate(pairs(30, ("alpacaeval-easy",)))]
    other = judge("large", rows=fresh, unsure=range(1020, 1030))
    Path("runs/rewardbench/small").rename("runs/rewardbench/tested")
    known = Path("runs/rewardbench/tested") / known.relative_to("runs/rewardbench/small")
    applied = judge("small", rows=fresh, unsure=range(1020, 1030))
    found = guaranteed(known, "--agreement", "0.9", "--apply-to", applied)
    assert (found["applied"]["answered"], found["applied"]["people"]) == (20, 10)
    assert [each["id"] for each in found["answered"]][:2] == ["1000", "1001"]
    refused = judgebench("cascade", known, "--agreement", "0.9", "--apply-to", other)
    assert (refused.status, "has another judge than" in refused.err) == (2, True)
    refused = judgebench("cascade", known, "--agreement", "0.9", "--apply-to", applied, "--apply-to", other)
    assert (refused.status, "1 runs are tested and 2 applied to" in refused.err) == (2, True)


def test_scores_are_as_certain_as_their_distance():
    """Of a reward model's scores, 1 against 0.5 counts as uncertain by 1 / 1.5."""
    found = guaranteed(score_run("rm", [True] * 40), "--agreement", "0.9")
    assert (found["judges"][0]["by"], found["judges"][0]["answered"]) == ("margin", 40)


def test_one_verdict_an_item_is_all_or_nothing():
    """It says so, and what would tell of uncertainty."""
    run = judge_run("offline/longest", 40)
    ended = judgebench("cascade", run, "--agreement", "0.5")
    assert "it answers all or nothing (use --orders both, --samples or --logprobs)" in " ".join(ended.err.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--agreement", "1"], "--agreement"),
        (["--agreement", "90"], "--agreement"),
        (["--agreement", "0.9", "--by", "margin"], "--by goes without --agreement"),
        (["--labels", "people.jsonl"], "--labels goes with --agreement"),
        ([], "name two runs, CHEAP and EXPENSIVE, not 1"),
        (["--agreement", "0.9", "--answered", "out.jsonl"], "every item has a label"),
        (["--agreement", "0.9", "--labels", "nowhere.csv"], "nowhere.csv"),
    ],
)
def test_a_mistake_is_one_line(arguments, said):
    """With exit status 2 and what is wrong."""
    ended = judgebench("cascade", judge("small"), *arguments)
    assert (ended.status, said in ended.err, "Traceback" in ended.err) == (2, True, False), ended.err


def test_the_function_takes_rows():
    """What the command does, a call does, with labels from a list."""
    run = judge("small", unsure=range(40, 60))
    found = jb.guaranteed_cascade(run, agreement=0.9, labels=[{"id": str(at), "label": "chosen"} for at in range(40)])
    assert (found.shown, found.applied.answered, found.applied.people) == (True, 20, 0)
    assert "100.0% of items" in found.sentence()
    with pytest.raises(jb.ConfigError, match="agreement is 90: must be above 0 and below 1"):
        jb.guaranteed_cascade(run, agreement=90)


def graded(where, turn=0):
    """Imported verdicts on 60 answers, of which some that pass are called 'fail'."""
    rows = [
        {
            "id": str(at),
            "verdict": "fail" if at % 3 == 0 or at < turn else "pass",
            "label": "pass" if at % 3 else "fail",
        }
        for at in range(60)
    ]
    return jb.import_verdicts(rows, judge="mine", out=where)[0], rows


def test_labels_of_one_class_say_nothing():
    """40 of 40 right would show 90%, but all are 'pass': cannot say, status 4; with both classes it is shown."""
    run, rows = graded("one")
    write_jsonl(Path("one.jsonl"), [{"id": each["id"], "label": "pass"} for each in rows if each["label"] == "pass"])
    found = guaranteed(run.path, "--agreement", "0.9", "--labels", "one.jsonl", status=4)
    assert "all 40 labels are 'pass': label items of other classes too" in found["reason"]
    assert guaranteed(run.path, "--agreement", "0.9")["coverage"] == 1.0


def test_imported_verdicts_have_drift_too():
    """Verdicts of two dates without replies are no copies out of a cache; 10 turn one way: p 0.002."""
    (october, _), (november, _) = graded("october"), graded("november", 15)
    found = jb.drift(october, november)
    assert (found.decision, found.items, found.same_replies) == ("drift", 60, 0)
    assert found.p == 2 / 2**10
