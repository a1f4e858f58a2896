"""`judgebench compare`, from runs on disk to the table and the JSON."""

from __future__ import annotations

import json
import random
import re
import shutil
from contextlib import chdir
from functools import cache
from itertools import combinations

import pytest
from commands import judgebench, lasting_folder, pairs
from finishedruns import judge_run, sample_runs, score_run, written_run

import judgebench as jb


def compared(*arguments):
    ended = judgebench("compare", *arguments, "--json")
    assert ended.status == 0, ended.err
    return json.loads(ended.out)


def test_two_score_runs_by_hand():
    """9 of 10 against 3 of 10, six items right in the first alone: +0.6, McNemar's mid-p 1 / 2^6, told apart."""
    first, second = score_run("first", [1] * 9 + [0]), score_run("second", [1] * 3 + [0] * 7)
    found = compared(first, second)
    (pair,) = found["whole"]["pairs"]
    assert (found["items"], pair["test"], pair["p"]) == (10, "mcnemar", pytest.approx(1 / 64))
    assert pair["difference"] == pytest.approx(0.6)
    assert [run["group"] for run in found["runs"]] == ["a", "b"]
    assert found["agreement"][0]["same"]["value"] == pytest.approx(0.4)


def test_a_judge_and_a_reward_model_stand_in_one_comparison():
    """A judge's run and a score file's run over the same rows are compared; choices agree where both are right."""
    judge = judge_run("offline/longest", 8)
    scores = score_run("rm", [1] * 8, pairs(8, ("alpacaeval-easy",)))
    found = compared(judge, scores)
    assert found["agreement"][0]["of"] == "choices"
    assert found["runs"][1]["name"]["template"] is None


def test_three_runs_have_letters_holm_and_kappas_of_all():
    """Holm corrects over the three pairs, and Fleiss' kappa and Krippendorff's alpha stand beside."""
    runs = [score_run(name, right) for name, right in [("a", [1] * 20), ("b", [1] * 19 + [0]), ("c", [0] * 20)]]
    found = compared(*runs)
    p = [pair["p"] for pair in found["whole"]["pairs"]]
    assert found["whole"]["adjusted"] == pytest.approx([p[0], 3 * p[1], 2 * p[2]])
    assert p[0] == pytest.approx(1 / 2)
    assert [run["group"] for run in found["runs"]] == ["a", "a", "b"]
    assert found["fleiss"] is not None
    assert found["krippendorff"] is not None


def test_the_table_fits_the_terminal(monkeypatch):
    """No line is wider than the terminal, narrow or wide; it says what was tested and what could have been seen."""
    runs = [score_run(name, right) for name, right in [("a", [1] * 20), ("b", [1] * 9 + [0] * 11), ("c", [0] * 20)]]
    for columns in (80, 200):
        monkeypatch.setenv("COLUMNS", str(columns))
        ended = judgebench("compare", *runs, "--subsets")
        assert max(map(len, ended.out.splitlines())) <= columns
        assert "McNemar's test (mid-p)" in " ".join(ended.out.split())
        assert "MDE" in ended.out


def test_runs_over_different_items_are_refused():
    """10 and 8 items: exit 2, with how many each has beyond the common ones, and the way to compare those."""
    first, second = score_run("first", [1] * 10), score_run("second", [1] * 8)
    ended = judgebench("compare", first, second)
    assert ended.status == 2
    assert "8 in common" in ended.err
    assert f"{first} has 2 more, {second} has 0 more" in ended.err
    assert "--common compares the 8" in ended.err


def test_common_items_are_compared_and_named():
    """--common compares 8 items, and says which run has how many beyond."""
    first, second = score_run("first", [1] * 10), score_run("second", [1] * 4 + [0] * 4)
    ended = judgebench("compare", first, second, "--common")
    assert ended.status == 0
    assert f"left out: {first}: 2" in ended.err
    assert compared(first, second, "--common")["whole"]["pairs"][0]["difference"] == pytest.approx(0.5)


def test_the_same_id_with_another_text_is_another_item():
    """Ids that stand for different texts are not compared, and that is said."""
    rows = pairs(8, ("alpacaeval-easy",))
    changed = [{**row, "prompt": "Another question?"} if row["id"] == 3 else row for row in rows]
    ended = judgebench("compare", score_run("first", [1] * 8, rows), score_run("second", [1] * 8, changed))
    assert ended.status == 2
    assert "1 of them with the same id, but another text or label" in ended.err


def test_other_columns_make_no_other_items():
    """A further column of the data changes the items' hash, but not what is judged."""
    rows = pairs(8, ("alpacaeval-easy",))
    more = [{**row, "chosen_model": "m"} for row in rows]
    assert compared(score_run("first", [1] * 8, rows), score_run("second", [1] * 8, more))["items"] == 8


def test_runs_of_different_benchmarks_are_refused(monkeypatch):
    """Exit 2, and each run's benchmark is named."""
    monkeypatch.chdir(sample_runs())
    first, second = "runs/rewardbench/offline--first/pairwise/one", "runs/rewardbench-2/offline--first/four-way/one"
    ended = judgebench("compare", first, second)
    assert ended.status == 2
    assert f"{first} is rewardbench, {second} is rewardbench-2" in ended.err


def test_rewardbench_2_is_compared_with_its_ties():
    """The bundled sample: six domains, Ties by the bootstrap of pairs, and the score as in metrics.json."""
    paths = [f"{sample_runs()}/runs/rewardbench-2/offline--{name}/four-way/one" for name in ("first", "longest")]
    found = compared(*paths)
    assert found["sections"][-1]["name"] == "Ties"
    assert found["sections"][-1]["pairs"][0]["test"] == "bootstrap"
    scores = [jb.Run.load(path).metrics.score for path in paths]
    assert [run["score"] for run in found["runs"]] == pytest.approx(scores)
    assert found["whole"]["pairs"][0]["difference"] == pytest.approx(scores[0] - scores[1])


@cache
def two_runs():
    """A folder of two runs and an empty folder; for reading alone."""
    here = lasting_folder()
    (here / "empty").mkdir()
    with chdir(here):
        score_run("first", [1] * 8)
        score_run("second", [1] * 8)
    return here


def test_one_run_twice_is_refused():
    """Comparing a run with itself says nothing."""
    run = score_run("first", [1] * 8)
    assert "named twice" in judgebench("compare", run, run).err
    assert "at least two runs" in judgebench("compare", run).err


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere", "nowhere: folder not found"),
        ("runs", "runs: not a run folder; below it are 2 runs; name one of runs/rewardbench/first/scores, "),
        ("runs/rewardbench/first", "not a run folder; below it is a run; name it: runs/rewardbench/first/scores\n"),
        ("runs/rewardbench/first/scores/metrics.json", "compare needs at least two runs"),
        ("empty", "not a run folder"),
    ],
)
def test_what_is_no_run_is_said(path, message, monkeypatch):
    """Exit 2 and one line with the mend."""
    monkeypatch.chdir(two_runs())
    ended = judgebench("compare", "runs/rewardbench/first/scores", path)
    assert ended.status == 2
    assert message in ended.err
    assert len(ended.err.splitlines()) == 1


def test_an_empty_run_is_refused():
    """A judge's run without a judgement is named, with the mend."""
    run = judge_run("offline/first")
    (run / "judgements.jsonl").write_text("")
    ended = judgebench("compare", run, score_run("rm", [1] * 8))
    assert ended.status == 2
    assert f"{run}: empty run" in ended.err


def test_a_run_that_was_cut_off_names_its_mend():
    """Without outcomes the run's own command, or rescore, is named."""
    run = judge_run("offline/first")
    (run / "outcomes.jsonl").unlink()
    ended = judgebench("compare", run, score_run("rm", [1] * 8))
    assert ended.status == 2
    assert f"judgebench rescore {run}" in ended.err


def test_a_torn_last_judgement_is_passed_over_and_said():
    """The rest stays readable."""
    run = judge_run("offline/first")
    with (run / "judgements.jsonl").open("a") as file:
        file.write('{"item": "3", "sub')
    ended = judgebench("compare", run, score_run("rm", [1] * 8))
    assert ended.status == 0
    assert "the last line is cut off" in ended.err


def test_a_run_of_another_format_is_refused():
    """A manifest of a later layout is not guessed at."""
    first, second = score_run("first", [1] * 8), score_run("second", [1] * 8)
    manifest = json.loads((second / "manifest.json").read_text())
    (second / "manifest.json").write_text(json.dumps({**manifest, "format": 99}))
    assert "has format 99" in judgebench("compare", first, second).err


def test_compare_in_python_takes_runs_and_paths():
    """jb.compare gives the same as the command."""
    first, second = score_run("first", [1] * 9 + [0]), score_run("second", [1] * 3 + [0] * 7)
    found = jb.compare([jb.Run.load(first), second])
    assert found.to_json() == compared(first, second)


def test_items_that_were_not_asked_are_not_compared():
    """Of an interrupted run only the items with a credit count."""
    first, second = score_run("first", [1] * 8), score_run("second", [0] * 8)
    lines = (second / "outcomes.jsonl").read_text().splitlines()
    item, subset = (json.loads(lines[0])[name] for name in ("item", "subset"))
    said = {"item": item, "subset": subset, "credit": None, "low": 0.0, "high": 1.0, "verdicts": ["not_asked"]}
    (second / "outcomes.jsonl").write_text("\n".join([json.dumps(said), *lines[1:]]) + "\n")
    ended = judgebench("compare", first, second)
    assert f"7 in common; {first} has 1 more, {second} has 0 more;" in ended.err


def test_names_from_data_cannot_control_the_terminal():
    """An escape in a run's name is written out."""
    first, second = score_run("first", [1] * 8), score_run("plain", [0] * 8)
    moved = first.parent.with_name("other") / "scores"
    shutil.copytree(first, moved)
    manifest = json.loads((moved / "manifest.json").read_text())
    manifest["scores"]["name"] = "\x1b[2Jevil"
    (moved / "manifest.json").write_text(json.dumps(manifest))
    ended = judgebench("compare", moved, second)
    assert "\x1b" not in ended.out
    assert "\\x1b[2Jevil" in ended.out


def test_gwet_s_ac1_stands_beside_kappa():
    """All right against 9 of 10: agreement 0.9; completions 0.95 and 0.05, of three categories: chance 0.095 / 2.

    Over letters each pair counts in both orders, so that A and B are half each: chance 0.5.
    """
    runs = [score_run("all", [1] * 10), score_run("nine", [1] * 9 + [0])]
    (pair,) = compared(*runs)["agreement"]
    assert pair["ac1"]["value"] == pytest.approx((0.9 - 0.0475) / (1 - 0.0475))
    assert (pair["errors_in_common"]["value"], pair["categories"]) == (pytest.approx(0.0), 3)
    assert (pair["kappa"]["value"], pair["kappa"]["items"]) == (pytest.approx(0.8), 20)
    assert "errors in common" in judgebench("compare", *runs).out


def test_one_tie_does_not_move_ac1():
    """A tie is a category of scores whether one occurs or not: agreement 0.9 in both, chance q (1 - q) / 2 of each."""
    right, other = [1.0] * 5 + [0.0] * 5, [1.0] * 4 + [0.0] * 6
    runs = [score_run("a", right), score_run("b", other), score_run("tie", [*right[:4], 0.5, *right[5:]])]
    without, tied, _ = (pair["ac1"]["value"] for pair in compared(*runs)["agreement"])
    assert without == pytest.approx((0.9 - 0.2475) / (1 - 0.2475))  # 0.45 and 0.55
    chance = (0.45 * 0.55 + 0.5 * 0.5 + 0.05 * 0.95) / 2
    assert tied == pytest.approx((0.9 - chance) / (1 - chance))


@pytest.mark.parametrize(
    ("planning", "categories"),
    [
        ({}, 2),
        ({"templates": ["pairwise-ties"]}, 3),
        ({"orders": "both"}, 3),
        ({"samples": 2}, 3),
        ({"templates": ["rating-10"]}, 3),
    ],
)
def test_ties_are_a_category_where_a_run_can_have_one(planning, categories):
    """By its template, by equal ratings, or by verdicts on one question that differ."""
    rows = pairs(4, ("alpacaeval-easy",))
    runs = [written_run(name, rows, lambda _, call: min(call.order), **planning) for name in "ab"]
    assert [pair["categories"] for pair in compared(*runs)["agreement"]] == [categories]


def test_kappa_is_over_letters_and_errors_in_common_over_completions():
    """Each right on 90 of 100, wrong together on 1: independent errors, letters even: (0.82 - 0.5) / 0.5."""
    rows = pairs(100, ("alpacaeval-easy",))
    number = {row["id"]: at for at, row in enumerate(rows)}

    def wrong(*those):
        return lambda key, call: max(call.order) if number[int(key.id)] in those else min(call.order)

    runs = [
        written_run("a", rows, wrong(*range(10)), orders="both"),
        written_run("b", rows, wrong(*range(9, 19)), orders="both"),
        score_run("c", [float(not 9 <= at < 19) for at in range(100)], rows),
    ]
    found = compared(*runs)["agreement"]
    assert [pair["errors_in_common"]["value"] for pair in found] == pytest.approx([0.0, 0.0, 1.0])
    assert [pair["kappa"]["value"] for pair in found] == pytest.approx([0.64, 0.64, 1.0])
    assert [pair["kappa"]["items"] for pair in found] == [200, 200, 200]


def test_letters_of_different_orders_are_not_compared():
    """One judge sees each pair in its order, the other in the reverse: no letter is an answer to the same call."""
    rows = pairs(6, ("alpacaeval-easy",))
    both = [written_run(name, rows, lambda _, call: min(call.order), orders="both") for name in ("a", "b")]
    for run, keep in zip(both, (0, 1), strict=True):
        path = run / "judgements.jsonl"
        kept = [line for line in path.read_text().splitlines() if json.loads(line)["order"][0] == keep]
        path.write_text("".join(f"{line}\n" for line in kept))
    (pair,) = compared(*both)["agreement"]
    assert (pair["same"]["value"], pair["kappa"]["value"]) == (1.0, None)


def rm_rows(count):
    """Items of RM-Bench, each with three right and three wrong answers."""
    answers = {side: [f"{side} {style}" for style in range(3)] for side in ("chosen", "rejected")}
    return [{"id": at, "prompt": "p", "domain": "chat", **answers} for at in range(count)]


def test_nine_pairs_are_agreed_on_one_by_one():
    """Of 18 questions about two items one judge is right on all; another errs on 3 of the first, fails on 1: 14 of 17.

    A judge that rates is compared by what its ratings say of each pair: all right, as the first.
    """
    wrong = {(0, 3), (0, 4), (0, 5)}

    def errs(key, call):
        if key.id == "1":
            return -1 if set(call.order) == {2, 5} else min(call.order)
        return max(call.order) if tuple(sorted(call.order)) in wrong else min(call.order)

    runs = [
        written_run("right", rm_rows(2), lambda _, call: min(call.order), benchmark="rm-bench"),
        written_run("errs", rm_rows(2), errs, benchmark="rm-bench"),
        written_run(
            "rates",
            rm_rows(2),
            lambda _, call: 9 if call.order[0] < 3 else 2,
            benchmark="rm-bench",
            templates=["rating-10"],
        ),
    ]
    found = compared(*runs)
    assert [(each["of"], each["same"]["items"]) for each in found["agreement"]] == [
        ("questions", 17),
        ("questions", 18),
        ("questions", 17),
    ]
    assert [each["same"]["value"] for each in found["agreement"]] == pytest.approx([14 / 17, 1.0, 14 / 17])
    assert found["agreement"][1]["same"]["low"] == pytest.approx(2 / (2 + 1.96**2), abs=1e-4)


def test_runs_without_a_common_question_have_no_agreement():
    """One judge sees all four answers at once, the other's ratings say something of single pairs of them."""
    rows = [{"id": at, "prompt": "p", "chosen": ["a", "b"], "rejected": ["c", "d"]} for at in range(6)]
    best = written_run("best", rows, lambda *_: 0, benchmark="custom", templates=["four-way"])
    rates = written_run("rates", rows, lambda _, call: call.order[0], benchmark="custom", templates=["rating-10"])
    found = compared(best, rates)
    assert found["agreement"] == []
    assert found["notes"][-1] == "no agreement for runs 1 and 2: no common questions"


def frail_and_steady():
    """Of 100 pairs one judge answers 80, all right; the other answers all and is wrong on the 20 and on 10 more."""
    rows = pairs(100, ("alpacaeval-easy",))
    frail = written_run("frail", rows, lambda key, _: -1 if int(key.id) < 20 else 0)
    steady = written_run("steady", rows, lambda key, _: 1 if int(key.id) % 10 == 9 else 0)
    return frail, steady


def test_failures_are_told_apart_from_verdicts():
    """90% each by the official rule; of 80 answered by both 8 are right in one alone; the bounds are 20 points apart.

    The mid-p of 8 against 0 is 1 / 2^8; at the bounds the frail run has 80 or 100 right of 100.
    """
    found = compared(*frail_and_steady())
    (effect,) = found["failures"]

    assert [run["coverage"] for run in found["runs"]] == [0.8, 1.0]
    assert found["whole"]["pairs"][0]["difference"] == pytest.approx(0.0)
    assert (effect["items"], effect["answered"]["difference"]) == (80, pytest.approx(0.1))
    assert effect["answered_p"] == pytest.approx(1 / 256)
    assert (effect["bounds"]["low"], effect["bounds"]["high"]) == pytest.approx((-0.1, 0.1))
    assert effect["bounds"]["interval"]["low"] < -0.1
    assert effect["bounds"]["interval"]["high"] > 0.1
    assert effect["depends"]
    assert any("whether frail or steady is better depends on their failures" in note for note in found["notes"])


def test_the_table_has_what_failures_do(monkeypatch):
    """Coverage, the difference over items that both answered and the bounds, in 80 columns, and a warning."""
    monkeypatch.setenv("COLUMNS", "80")
    ended = judgebench("compare", *frail_and_steady())
    lines = ended.out.splitlines()

    assert max(map(len, lines)) <= 80
    assert any(line.split()[:4] == ["1", "-", "2", "80"] and "+10.0" in line for line in lines)
    assert "80.0%" in ended.out
    assert "depends on their failures: +10.0 (p 0.004) on the 80 items that both answered" in ended.err


def test_a_clear_difference_does_not_depend_on_a_failure():
    """One failure of 40 changes nothing of 20 against 0."""
    rows = pairs(40, ("alpacaeval-easy",))
    good = written_run("good", rows, lambda key, _: -1 if int(key.id) == 0 else 0)
    bad = written_run("bad", rows, lambda key, _: 1 if int(key.id) % 2 else 0)
    found = compared(good, bad)

    assert [each["depends"] for each in found["failures"]] == [False]
    assert found["notes"] == []


def test_without_failures_nothing_is_said_of_them():
    """No table, no coverage."""
    ended = judgebench("compare", score_run("first", [1] * 8), score_run("second", [0] * 8))
    assert "failures" not in ended.out
    assert "coverage" not in ended.out


def test_a_run_below_half_coverage_has_no_letter():
    """One that answers 19 of 40 is compared, without a letter; one that answers 20 has one."""
    runs = [written_run(f"judge{n}", pairs(40), lambda key, _, n=n: 0 if int(key.id) < n else -1) for n in (19, 20, 40)]
    assert [bool(run.group) for run in jb.compare(runs).runs] == [False, True, True]


def test_the_largest_set_over_the_same_items_is_compared() -> None:
    """Two pilots over fewer items are left out and listed, a line each; what is compared is as without them."""
    rows = pairs(12, ("alpacaeval-easy",))
    whole = [score_run(f"whole{at}", [1] * (6 + at) + [0] * (6 - at), rows) for at in range(2)]
    pilots = [score_run(f"pilot{at}", [1] * 4, rows[:4]) for at in range(2)]
    found = json.loads(judgebench("compare", *pilots, *whole, "--json").out)
    alone = json.loads(judgebench("compare", *whole, "--json").out)
    assert [(each["path"], each["items"], each["shared"]) for each in found.pop("others")] == [
        (str(path), 4, 4) for path in pilots
    ]
    assert (alone.pop("others"), found["whole"], found["items"]) == ([], alone["whole"], 12)
    shown = judgebench("compare", *pilots, *whole).out
    assert "2 runs have other items and are not compared; --common compares" in " ".join(shown.split())
    assert [line.strip() for line in shown.splitlines() if "pilot" in line] == [
        f"- pilot{at}: 4 items (all in common)" for at in range(2)
    ]


def test_two_sets_of_one_size_are_nobodys_choice() -> None:
    """As many runs over as many other items: the first of each is named."""
    rows = pairs(6, ("alpacaeval-easy",))
    other = [row | {"prompt": f"Other: {row['prompt']}"} for row in rows]
    paths = [score_run(name, [1] * 3 + [0] * 3, rows) for name in ("a1", "a2")]
    paths += [score_run(name, [1] * 3 + [0] * 3, other) for name in ("b1", "b2")]
    ended = judgebench("compare", *paths)
    assert (ended.status, "2 sets of 2 runs are over 6 items each" in ended.err) == (2, True)


def test_many_runs_show_the_pairs_of_the_best() -> None:
    """Of six runs' 15 pairs the five of the best are shown, and the option that shows all."""
    rows = pairs(8, ("alpacaeval-easy",))
    paths = [score_run(f"run{at}", [1] * at + [0] * (8 - at), rows) for at in range(6)]
    shown = judgebench("compare", *paths).out
    listed = {line[:5] for line in shown.splitlines() if re.match(r"\d - \d ", line)}
    assert listed == {f"{at} - 6" for at in range(1, 6)}
    assert "pairs of the best run; 10 more: --all" in shown
    every = {line[:5] for line in judgebench("compare", *paths, "--all").out.splitlines()}
    assert len({line for line in every if re.match(r"\d - \d", line)}) == 15


def test_three_runs_at_a_margin_and_which_can_be_the_best():
    """Of 200 items two runs are right on the same 190 but one: equivalent within 4 points, a third is not."""
    rows = pairs(200, ("alpacaeval-easy",))
    rights = {"one": [1] * 190 + [0] * 10, "other": [1] * 189 + [0] * 11, "third": [1] * 100 + [0] * 100}
    ended = judgebench("compare", *(score_run(*each, rows) for each in rights.items()), "--margin", 4, "--json")
    found = json.loads(ended.out)
    assert [each["decision"] for each in found["equivalences"]] == ["equivalent", "non-inferior", "non-inferior"]
    assert [each["not_worse"] for each in found["equivalences"]] == [[0, 1], [0], [1]]
    assert [each["can_be_best"] for each in found["contenders"]] == [True, True, False]


def test_the_words_of_a_margin_and_of_the_best_stand_in_the_table():
    """Three runs of 40 items: a column for each pair, how many are equivalent, and which run is the best."""
    rights = {"one": [1] * 38 + [0] * 2, "other": [1] * 10 + [0] * 30, "third": [1] * 9 + [0] * 31}
    ended = judgebench("compare", *(score_run(*each) for each in rights.items()), "--margin", 10)
    shown = " ".join(ended.out.split())
    assert "within 10 points" in shown
    assert re.search(r"1 - 2 .* 1 non-inferior 1 - 3 .* 1 non-inferior 2 - 3 .* (equivalent|open|non-inferior)", shown)
    assert "of 3 pairs are equivalent within 10 points" in shown
    assert "1 is the best of 3 runs (95%, multiple comparisons with the best)" in shown


def test_an_open_margin_says_how_many_items_would_be_enough():
    """40 items with 2 discordant ones each way cannot show equivalence within 2 points."""
    right = [1] * 30 + [0] * 10
    runs = [score_run("one", right), score_run("other", [*right[2:], 1, 1])]
    shown = " ".join(judgebench("compare", *runs, "--margin", 2).out.split())
    assert "open: neither run is shown to be less than 2 points worse than the other; about" in shown
    assert "more items would show that they are equivalent" in shown


@pytest.mark.parametrize("margin", ["0", "-1", "nan", "100"])
def test_a_margin_that_is_none_is_refused(margin):
    """A margin is above 0 and below 100 points, on the command line and in Python."""
    ended = judgebench("compare", "a", "b", "--margin", margin)
    assert (ended.status, ended.out) == (2, "")
    assert "--margin" in ended.err
    with pytest.raises(jb.ConfigError, match="margin"):
        jb.compare("a", "b", margin=float(margin))


def test_wordings_orders_and_samples_are_variance_components():
    """One judge with two templates, both orders and two samples; the other judge has its own components."""
    rows = pairs(20, ("alpacaeval-easy",))

    def says(key, call):
        return int((int(key.id) + call.order[0] + call.sample) % 3 == 0)

    asked = {"orders": "both", "samples": 2}
    runs = [written_run("one", rows, says, templates=[name], **asked) for name in ("pairwise", "pairwise-ties")]
    runs.append(written_run("two", rows, says, **asked))
    ended = judgebench("compare", *runs, "--json")
    one, two = json.loads(ended.out)["components"]
    assert (one["runs"], one["templates"], one["left_out"]) == ([0, 1], ["pairwise", "pairwise-ties"], 0)
    assert [each["source"] for each in one["found"]["components"]][:3] == ["wordings", "items", "items x wordings"]
    assert [each["source"] for each in two["found"]["components"]] == ["items", "orders", "samples"]
    shown = " ".join(judgebench("compare", *runs).out.split())
    assert "wording moves the score of one by sd 0.0 points" in shown
    assert "from 2 templates, too few to say much of others" in shown
    assert "ICC of two" in shown


def test_items_with_a_failed_reply_are_left_out_of_the_components():
    """A failure is no credit: two of 20 items have one in some sample."""
    rows = pairs(20, ("alpacaeval-easy",))
    runs = [
        written_run(name, rows, lambda key, call: -1 if int(key.id) < 2 and call.sample else int(key.id) % 2, samples=2)
        for name in ("one", "two")
    ]
    every = jb.compare(*runs).components
    assert [(each.left_out, each.found.items) for each in every] == [(2, 18), (2, 18)]


def test_runs_of_one_reply_an_item_have_no_components():
    """Nothing to separate: no table, and an empty list."""
    runs = [judge_run(judge) for judge in ("offline/longest", "offline/first")]
    assert compared(*runs)["components"] == []


# --- reward models as functions

FOURS = [{"id": str(at), "prompt": f"p{at}", "chosen": "a", "rejected": ["b", "c", "d"]} for at in range(5)]
"""The first of four answers is right."""


def scored_fours(out, name, scores):
    rows = [{"id": row["id"], "scores": scores} for row in FOURS]
    return jb.score(rows, benchmark="custom", data=FOURS, out=out, name=name)


def test_reward_models_are_compared_as_functions(tmp_path):
    """Another scale is no distance; the right answer is ranked second of four, so it wins a draw without the first."""
    runs = [scored_fours(tmp_path, name, given) for name, given in (("one", [3, 4, 1, 0]), ("two", [30, 40, 10, 0]))]
    found = compared(*(str(run.path) for run in runs))
    (pair,) = found["rewards"]
    assert (pair["first"], pair["second"], pair["found"]["completions"]) == (0, 1, 20)
    assert pair["found"]["distance"] == pytest.approx(0, abs=1e-12)
    assert [pair["found"][name] for name in ("r2", "spearman")] == pytest.approx([1, 1])
    assert [each["n"] for each in found["best_of"]] == [1, 2, 3, 4]
    assert [each["right"][0] for each in found["best_of"]] == pytest.approx([1 / 4, 2 / 6, 1 / 4, 0])
    assert [each["possible"] for each in found["best_of"]] == pytest.approx([1 / 4, 1 / 2, 3 / 4, 1])
    shown = judgebench("compare", *(run.path for run in runs)).out
    assert "Reward functions" in shown
    assert "Best of N" in shown


def test_best_of_n_where_items_have_different_numbers_of_answers(tmp_path):
    """Up to the number that half of the items have, over these alone: worked out here over every draw."""
    sizes, draw = [3, 5, 4, 5, 6, 2], random.Random(3)
    rows = [
        {"id": str(at), "prompt": f"p{at}", "chosen": "a", "rejected": [f"r{each}" for each in range(size - 1)]}
        for at, size in enumerate(sizes)
    ]
    scores = {row["id"]: [draw.random() for _ in range(size)] for row, size in zip(rows, sizes, strict=True)}
    given = [{"id": item, "scores": own} for item, own in scores.items()]
    runs = [jb.score(given, benchmark="custom", data=rows, out=tmp_path, name=name) for name in ("one", "other")]
    many = [own for own in scores.values() if len(own) >= 5]

    def right(own, n):
        draws = list(combinations(range(len(own)), n))
        return sum(max(drawn, key=own.__getitem__) == 0 for drawn in draws) / len(draws)

    expected = [sum(right(own, n) for own in many) / 3 for n in (1, 2, 3, 4, 5)]
    found = compared(*(str(run.path) for run in runs))["best_of"]
    assert [(each["n"], each["items"]) for each in found] == [(n, 3) for n in (1, 2, 3, 4, 5)]
    assert [each["right"] for each in found] == [pytest.approx([each, each]) for each in expected]
    ended = judgebench("report", runs[0].path, "--html", tmp_path / "page.html")
    table = ended.out.partition("Best of N")[2].splitlines()
    assert [row.split()[:2] for row in table[3:8]] == [
        [str(n), f"{100 * each:.1f}%"] for n, each in enumerate(expected, 1)
    ]
    assert ">Best of N<" in (tmp_path / "page.html").read_text()


def test_judges_are_no_reward_functions():
    """A judge and a reward model have no distance, and pairs no best of N."""
    found = compared(judge_run("offline/longest", 8), score_run("rm", [1] * 8, pairs(8, ("alpacaeval-easy",))))
    assert (found["rewards"], found["best_of"]) == ([], [])


def test_a_margin_without_a_score_is_no_answer():
    """Runs of items without labels: it is said that nothing can be, and no margin is in the JSON."""
    rows = [{"id": str(at), "prompt": f"p{at}", "response_a": "a", "response_b": "b"} for at in range(12)]
    runs = [written_run(name, rows, lambda *_: 0, benchmark="custom") for name in ("one", "other")]
    ended = judgebench("compare", *runs, "--margin", 2, "--json")
    found = json.loads(ended.out)
    assert (ended.status, found["equivalences"]) == (0, [])
    assert "cannot say what holds within the margin: there is no score" in found["notes"]
