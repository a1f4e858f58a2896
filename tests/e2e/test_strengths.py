"""`judgebench strengths`: how strong the judged models are, by a run's verdicts."""

from __future__ import annotations

import json
import math
import random
from itertools import combinations

import pytest
from commands import judgebench, pairs
from finishedruns import score_run, written_run

import judgebench as jb

TRUE = {"large": 1.0, "middle": 0.0, "small": -1.0}


def found(run):
    ended = judgebench("strengths", run, "--json")
    assert ended.status == 0, ended.err
    return json.loads(ended.out)


def rows(count):
    """Pairs whose completions are by two of three models each."""
    every = list(combinations(TRUE, 2))
    return [
        row | dict(zip(("chosen_model", "rejected_model"), every[at % 3], strict=True))
        for at, row in enumerate(pairs(count, ("alpacaeval-easy",)))
    ]


def test_the_strengths_of_three_models_come_back():
    """A judge that prefers by the models' strengths: the intervals hold them, the strongest stands first."""
    data, rng = rows(600), random.Random(1)
    chance = [1 / (1 + math.exp(TRUE[row["rejected_model"]] - TRUE[row["chosen_model"]])) for row in data]
    run = written_run("judge", data, lambda key, _: 0 if rng.random() < chance[int(key.id)] else 1, orders="both")
    models = found(run)["models"]
    assert [each["model"] for each in models] == ["large", "middle", "small"]
    assert all(each["low"] <= TRUE[each["model"]] <= each["high"] for each in models)
    assert all(each["games"] == 800 for each in models)
    assert models[0]["elo"] == pytest.approx(400 * models[0]["strength"] / math.log(10))


def test_a_chosen_one_of_four_beats_the_others_and_ratings_beat_lower_ones():
    """Best of four: three wins an item; ratings 9, 5, 5: two wins and a tie."""
    custom = {"prompt": "Q", "num_correct": 1}
    four = [custom | {"completions": list("abcd"), "models": ["w", "x", "y", "z"]}]
    models = found(written_run("judge", four, lambda *_: 2, benchmark="custom"))["models"]
    assert {each["model"]: (each["games"], each["wins"]) for each in models} == {
        "y": (3, 1),
        **dict.fromkeys("wxz", (1, 0)),
    }
    three = [custom | {"completions": list("abc"), "models": ["w", "x", "y"]}]
    rated = written_run(
        "rater", three, lambda _, call: (9, 5, 5)[call.order[0]], benchmark="custom", templates=["rating-10"]
    )
    assert {each["model"]: each["wins"] for each in found(rated)["models"]} == {"w": 1, "x": 0.25, "y": 0.25}


def test_a_score_file_has_strengths_too():
    """A reward model's scores, and the table with its notes fits 80 columns."""
    run = score_run("rm", [1, 0, 1, 1, 0, 1], rows(6))
    assert found(run)["comparisons"] == 6
    ended = judgebench("strengths", run)
    assert max(map(len, ended.out.splitlines())) <= 80
    assert "large" in ended.out


def test_a_judges_errors_are_said():
    """With every table, and in the figures: strengths are of verdicts, and errors pull them toward 0."""
    run = score_run("rm", [1, 0, 1, 1, 0, 1], rows(6))

    assert any("its errors pull all strengths toward 0" in note for note in found(run)["notes"])
    assert "(a true win rate of 65% looks like 57.5%" in " ".join(judgebench("strengths", run).err.split())


def test_items_of_a_group_are_drawn_together():
    """144 items in groups of three that end alike: intervals as wide as those of 48 items, not of 144."""
    grouped = [row | {"id": str(at), "group": f"{at // 9} {at % 3}"} for at, row in enumerate(rows(144))]
    widths = []
    for name, data in (("grouped", grouped), ("alone", [{**row, "group": row["id"]} for row in grouped])):
        run = written_run(name, data, lambda key, _: int(key.id) // 9 % 4 // 3, benchmark="custom")
        widths.append([each["high"] - each["low"] for each in found(run)["models"]])

    assert all(one > 1.3 * other for one, other in zip(*widths, strict=True))


def test_without_models_there_are_no_strengths():
    """One line that says which columns are lacking, exit status 2."""
    ended = judgebench("strengths", score_run("rm", [1, 0]))
    assert (ended.status, "'chosen_model'" in ended.err, ended.err.count("\n")) == (2, True, 1)


def labelled_run(count, right):
    """Pairs by three models, a judge that is right in a share of them, and people's votes, drawn by true strengths."""
    rng = random.Random(5)
    verdicts, votes = [], []
    for at in range(count):
        first, second = rng.sample([*TRUE], 2)
        vote = "A" if rng.random() < 1 / (1 + math.exp(TRUE[second] - TRUE[first])) else "B"
        said = vote if rng.random() < right else "BA"[vote == "B"]
        verdicts.append({"id": f"q{at}", "verdict": said, "model_a": first, "model_b": second})
        votes.append({"id": f"q{at}", "label": vote})
    return jb.import_verdicts(verdicts, judge="mine", out="runs")[0], votes


def test_labels_correct_strengths(tmp_path, monkeypatch):
    """A judge that is right in 70% pulls strengths toward 0; with 150 labels intervals hold the true ones again."""
    monkeypatch.chdir(tmp_path)
    run, votes = labelled_run(600, 0.7)
    models = jb.strengths(run, votes[:150]).models
    assert all(each.low <= TRUE[each.model] <= each.high for each in models)
    assert [each.model for each in models] == ["large", "middle", "small"]
    assert models[0].judge_strength < 0.7
    assert sum(each.labels for each in models) == 2 * 150


def test_few_labels_do_not_say_how_strong(tmp_path, monkeypatch):
    """With eight labels no strength is given, the judge's own stands beside, and the number that is enough is said."""
    monkeypatch.chdir(tmp_path)
    run, votes = labelled_run(100, 0.7)
    found = jb.strengths(run, votes[:8])
    assert {each.strength for each in found.models} == {None}
    assert "cannot say how strong the models are: 8 labels; 20 would be enough" in found.notes


def test_a_model_that_nobody_labelled_has_no_strength(tmp_path, monkeypatch):
    """Labels of others say nothing of a model's own errors."""
    monkeypatch.chdir(tmp_path)
    run, votes = labelled_run(200, 0.9)
    two = [vote for vote in votes if "small" not in run_models(run, vote["id"])]
    found = jb.strengths(run, two)
    assert {each.model for each in found.models if each.strength is None} == {"small"}
    assert any("fewer than 10 labelled pairs: small (0)" in note for note in found.notes)


def run_models(run, item):
    """Whose the answers of an item are."""
    return next(each.metadata["models"] for each in run.items if each.id == item)
