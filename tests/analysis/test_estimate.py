"""What people would say of what a run judged: which figure, from which items, and how it is said."""

import csv
import json
import math
from contextlib import chdir
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from commands import SHARED_DATA, judgebench, lasting_folder

import judgebench as jb
from judgebench.errors import ConfigError
from judgebench.metrics.corrected import LabelledSample, corrected


def imported(rows, **options):
    """The first run that verdicts make, in a folder of its own."""
    here = lasting_folder()
    with chdir(here):
        return jb.import_verdicts(rows, judge="mine", out=str(here / "runs"), **options)[0]


def classed(n, verdict, **more):
    """A class for an answer; the first two rows have a label, which tells that these are classes."""
    return {"id": f"q{n}", "verdict": verdict, **more} | ({"label": ["pass", "fail"][n]} if n < 2 else {})


def pair(n, verdict, order="AB"):
    """A verdict on a pair of two models, the first of which is ant in every row."""
    return {"id": f"q{n}", "verdict": verdict, "order": order, "model_a": "ant", "model_b": "bee"}


@cache
def pairs():
    """Sixty pairs in both orders: the judge prefers ant in 20, bee in 20, and follows the order in 20."""
    rows = []
    for n in range(60):
        first, second = [("A", "B"), ("B", "A"), ("A", "A")][n % 3]
        rows += [pair(n, first, "AB"), pair(n, second, "BA")]
    return imported(rows)


def votes(count, label=lambda n: "AB"[n % 2]):
    """People's labels of the first items."""
    return [{"id": f"q{n}", "label": label(n)} for n in range(count)]


@cache
def classes():
    """Ninety answers in classes, the judge has no verdict on the last ten."""
    said = [classed(n, ["pass", "fail", "pass"][n % 3]) for n in range(80)]
    return imported([*said, *({"id": f"q{n}", "verdict": "error"} for n in range(80, 90))])


def test_a_win_rate_averages_both_orders():
    """An item whose verdict follows the order counts a half, so that the judge alone says one half here."""
    found = jb.estimate(pairs(), votes(24))
    assert (found.target, found.of, found.against) == ("win_rate", "ant", "bee")
    assert found.method("judge").value == pytest.approx(0.5)
    assert (found.labelled, found.unlabelled, found.failed) == (24, 36, 0)


def test_the_other_models_win_rate_is_the_rest():
    """A model's win rate and its interval are one less the other's."""
    ant, bee = (
        jb.estimate(pairs(), votes(24, lambda n: "A" if n % 3 else "tie"), model=name) for name in ("ant", "bee")
    )
    assert [each.value for each in ant.estimates] == pytest.approx([1 - each.value for each in bee.estimates])
    # 16 of 24 say A, 8 a tie
    assert ant.method("labels").value == pytest.approx((16 + 8 / 2) / 24)


def test_of_many_models_one_is_named():
    """With three models the win rate is that of the one that is named, over its own items."""
    rows = [{"id": f"q{n}", "verdict": "A", "model_a": "ant", "model_b": ["bee", "cat"][n % 2]} for n in range(40)] + [
        {"id": f"r{n}", "verdict": "B", "model_a": "bee", "model_b": "cat"} for n in range(10)
    ]
    run = imported(rows)
    with pytest.raises(ConfigError, match="answers of 3 models: name one with --model: ant, bee, cat"):
        jb.estimate(run, votes(30))
    found = jb.estimate(run, votes(30), model="ant")
    assert (found.labelled, found.unlabelled, found.against) == (30, 10, None)
    assert any("10 items left out" in note for note in found.notes)
    with pytest.raises(ConfigError, match=r"unknown model 'art': did you mean cat or ant"):
        jb.estimate(run, votes(30), model="art")


def test_a_pass_rate_is_of_the_class_that_passes():
    """Of classes it is the share of the one that plainly passes; people who disagree count with their shares."""
    rows = [
        {"id": f"q{n}", "label": said, "annotator": who}
        for n in range(20)
        for who, said in [("x", "pass"), ("y", "fail")]
    ]
    found = jb.estimate(classes(), rows)
    assert (found.target, found.of) == ("pass_rate", "pass")
    assert found.method("labels").value == pytest.approx(0.5)


def test_failures_are_bounds():
    """Missing verdicts stand with the judge's mean; beside it is what they could make of the figure."""
    found = jb.estimate(classes(), votes(30, lambda n: "pass"))
    passed = sum(n % 3 != 1 for n in range(80))
    judge = found.method("judge")
    assert judge.value == pytest.approx(passed / 80)
    assert judge.bounds == pytest.approx((passed / 90, (passed + 10) / 90))
    assert found.method("labels").bounds is None
    assert found.method("ppi").bounds[0] < found.method("ppi").value < found.method("ppi").bounds[1]
    assert any(note.startswith("10 items without a verdict (unreadable 10), 0 labelled") for note in found.notes)


def test_grades_are_on_their_scale():
    """Of ratings it is the mean grade; values and intervals are on the scale of the ratings."""
    run = imported([{"id": f"q{n}", "rating": 1 + n % 5} for n in range(100)])
    found = jb.estimate(run, [{"id": f"q{n}", "label": 1 + (n + 1) % 5} for n in range(40)])
    assert (found.target, found.method("labels").value) == ("mean", pytest.approx(3.0))
    assert found.method("judge").value == pytest.approx(3.0)
    assert 1 < found.method("ppi").low < 3 < found.method("ppi").high < 5
    assert found.method("rogan_gladen").note == "cannot say: of shares only, not of grades"


def test_slices_are_corrected_and_say_where_they_cannot():
    """Intervals of slices hold together; one with few labels has the number that is enough in place of a figure."""
    rows = [classed(n, "pass" if n % 3 else "fail", subset="ab"[n < 20]) for n in range(120)]
    found = jb.estimate(imported(rows), votes(60, lambda n: "pass" if n % 4 else "fail")[16:])
    few, many = sorted(found.slices, key=lambda each: each.labelled)
    assert (few.labelled, few.recommended, few.labels_needed) == (4, None, 20)
    assert few.note == "cannot say: 4 labels; 20 would be enough"
    assert (many.labelled, many.recommended, many.confidence) == (40, "ppi_plus", pytest.approx(0.975))


def test_groups_are_what_is_independent():
    """Labels of items that belong together are as many as their groups."""
    rows = [classed(n, "pass", group=f"g{n // 10}") for n in range(200)]
    found = jb.estimate(imported(rows), votes(40, lambda n: "pass"))
    assert (found.recommended, found.labels_needed) == (None, 200)
    assert "40 labels, worth 4 independent ones" in found.method("ppi").note


def test_labels_that_are_no_random_draw_are_told():
    """Where the judge says other things of the labelled items than of the rest, a note says so."""
    run = imported([classed(n, "pass" if n < 40 else "fail") for n in range(100)])
    found = jb.estimate(run, votes(60, lambda n: "pass"))
    assert any("do not look drawn at random" in note for note in found.notes)


def test_few_labels_that_are_alike_by_chance_are_no_warning():
    """No pass among 20 labels where the judge passes 5% is likely (0.95^20 = 36%), so nothing is said."""
    run = imported([classed(n, "pass" if 40 <= n < 45 else "fail") for n in range(100)])
    assert not any("look drawn" in note for note in jb.estimate(run, votes(20, lambda n: "fail")).notes)


def test_grades_of_another_scale_are_told():
    """Grades to 100 beside ratings from 1 to 5 are noted: the judge's own mean is none of theirs."""
    run = imported([{"id": f"q{n}", "rating": 1 + n % 5} for n in range(30)])
    found = jb.estimate(run, votes(20, lambda n: 20 * (1 + n % 5)))
    assert any("grades go from 20 to 100" in note for note in found.notes)


def test_long_names_fit_a_terminal():
    """The title above the table is broken where models' names make it longer than 80 columns."""
    names = {"model_a": "a-model-with-quite-a-long-name", "model_b": "another-one-with-a-longer-name"}
    run = imported([{"id": f"q{n}", "verdict": "AB"[n % 2], **names} for n in range(30)])
    labels = Path(run.path) / "people.csv"
    labels.write_text("id,label\n" + "".join(f"q{n},A\n" for n in range(20)))
    ended = judgebench("estimate", run.path, "--labels", labels)
    assert max(map(len, ended.out.splitlines())) <= 80


def test_labels_that_leave_a_kind_out_say_nothing():
    """Thirty labels drawn with 0.9 stand for 33 of 90 items, so the sentence says that it cannot say, and why."""
    rows = [{**row, "probability": 0.9} for row in votes(30, lambda n: ["pass", "fail"][n % 2])]
    found = jb.estimate(classes(), rows)
    assert found.recommended is None
    assert "do not stand for all" in found.sentence


def test_too_few_labels_say_nothing():
    """With six labels the sentence says that it cannot say, and how many are enough."""
    found = jb.estimate(pairs(), votes(6))
    assert found.recommended is None
    assert found.sentence.startswith("Cannot say what people's win rate of ant against bee is: 6 labels; 20 would be")


def test_verdicts_are_needed():
    """A judge without a verdict, or labels of items that were not judged, leave nothing to correct."""
    run = imported([{"id": "q0", "verdict": "error"}, {"id": "q1", "verdict": "error"}])
    with pytest.raises(ConfigError, match="no item has a verdict"):
        jb.estimate(run, [{"id": "q0", "label": "A"}, {"id": "q1", "label": "B"}])


def test_the_promised_object():
    """Every promised name is there, all methods in their order, and what is not known is null."""
    found = jb.estimate(pairs(), votes(24), confidence=0.9).to_json()
    promised = {"target", "labelled", "unlabelled", "confidence", "estimates", "recommended", "slices"}
    assert promised <= set(json.loads(json.dumps(found)))
    assert [each["method"] for each in found["estimates"]] == [
        *("labels", "judge", "rogan_gladen", "ppi", "ppi_plus", "calibrated")
    ]
    judge = found["estimates"][1]
    assert (judge["low"], judge["high"], found["confidence"], found["recommended"]) == (None, None, 0.9, "ppi_plus")


ARENA = SHARED_DATA / "arena-verdicts"
OPUS = "claude-opus-4-20250514"


@pytest.mark.skipif(not ARENA.is_dir(), reason=f"needs the verdicts of {ARENA}")
@pytest.mark.parametrize(
    ("name", "judge", "people"),
    [
        ("gemini-2.5-flash", 0.209, 0.409),
        ("gemini-2.5-pro", 0.159, 0.236),
        ("qwen3-235b-a22b-no-thinking", 0.225, 0.400),
    ],
)
def test_real_verdicts_are_corrected(name, judge, people):
    """On real votes every fifth item's label is enough for an interval that holds people's figure, not the judge's."""
    rows = json.loads((ARENA / f"{name}.json").read_text(encoding="utf-8"))
    known = [row for row in rows if row["judge_pick"]]
    run = imported([{key: row[key] for key in ("id", "model_a", "model_b", "judge_pick")} for row in known])
    labels = [{"id": row["id"], "label": row["human_winner"]} for row in known[::5]]
    found = jb.estimate(run, labels, model=OPUS)
    assert found.method("judge").value == pytest.approx(judge, abs=5e-4)
    assert found.taken.low <= people <= found.taken.high


@pytest.mark.skipif(not ARENA.is_dir(), reason=f"needs the verdicts of {ARENA}")
@pytest.mark.parametrize("name", ["gemini-2.5-flash", "gemini-2.5-pro", "qwen3-235b-a22b-no-thinking"])
def test_real_votes_are_held_in_most_draws(name):
    """Of 100 random draws of 30 real votes at least 93% have an interval that holds the share of all, less chance."""
    rows = [row for row in json.loads((ARENA / f"{name}.json").read_text(encoding="utf-8")) if row["judge_pick"]]
    judged = np.array([row[f"model_{row['judge_pick'].lower()}"] == OPUS for row in rows], dtype=float)
    voted = np.array([row[row["human_winner"]] == OPUS for row in rows], dtype=float)
    rng, held = np.random.default_rng(1), 0
    for _ in range(100):
        labels = np.where(rng.permutation(len(rows)) < 30, voted, np.nan)
        found = corrected(LabelledSample(judged, labels))["ppi_plus"]
        held += found.low <= voted.mean() <= found.high
    assert held >= 100 * (0.93 - 2 * math.sqrt(0.93 * 0.07 / 100))


def test_the_command_says_the_answer_first(tmp_path, monkeypatch):
    """The command prints the sentence, the methods and how they were made; labels come from a CSV file."""
    run = pairs()
    monkeypatch.chdir(tmp_path)
    with Path("people.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("key", "vote"), *((f"q{n}", "lr"[n % 2]) for n in range(24))])
    done = judgebench(
        "estimate", run.path, "--labels", "people.csv", "--columns", "id=key,label=vote", "--label-map", "l=A,r=B"
    )
    lines = done.out.split("\n")
    assert lines[0].strip().startswith("People's win rate of ant against bee: 50.0% (95% CI ")
    assert "assumed: items were drawn to be labelled at random" in done.out
