"""`judgebench cascade`: a cheap run first, a dear one where that is unsure."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from commands import judgebench, pairs, read_json, read_jsonl
from finishedruns import written_run

import judgebench as jb
from judgebench.analysis.jury import held_out_items
from judgebench.runs import opened_members

ROWS = pairs(4, ("alpacaeval-easy",))


def first_slot_on(*items):
    """A judge that takes the first slot on some items, and is right on the others."""
    return lambda key, call: call.order[0] if int(key.id) in items else 0


def cascaded(*arguments):
    ended = judgebench("cascade", *arguments, "--json")
    assert ended.status == 0, ended.err
    return json.loads(ended.out)


def simulated(seed, right, samples=1, cost=0.001, count=300, name="x"):
    """A judge that is right with the item's own chance, each call by itself."""
    rng = random.Random(seed)
    hard = [random.Random(f"item {at}").random() for at in range(count)]
    rows = pairs(count, ("alpacaeval-easy", "donotanswer"))
    says = lambda key, _: 0 if rng.random() < right(hard[int(key.id)]) else 1  # noqa: E731
    return written_run(name, rows, says, orders="both", samples=samples, cost=cost)


def test_a_cascade_by_hand():
    """Two of four items have orders that disagree: with those sent on, 1.0 at (8 x 1 + 4 x 10) / 4 = 12 tenths."""
    cheap = written_run("cheap", ROWS, first_slot_on(1, 3), orders="both", cost=0.1)
    dear = written_run("dear", ROWS, first_slot_on(), orders="both", cost=1.0)
    found = cascaded(cheap, dear)
    assert [
        (step["threshold"], step["share"], step["score"], round(step["cost_per_item"], 9)) for step in found["steps"]
    ] == [(None, 0.0, 0.75, 0.2), (0.5, 0.5, 1.0, 1.2), (0.0, 1.0, 1.0, 2.2)]
    assert [step["pareto"] for step in found["steps"]] == [True, True, False]


def test_the_ends_are_the_two_runs():
    """Nothing sent on is CHEAP, all sent on is DEAR: score and interval to the last digit, and every cost."""
    cheap = simulated(1, lambda hard: 0.9 - 0.4 * hard, name="cheap", samples=3)
    dear = simulated(2, lambda hard: 0.95 - 0.2 * hard, name="dear", cost=0.02)
    steps = cascaded(cheap, dear, "--by", "margin")["steps"]
    for step, run in ((steps[0], cheap), (steps[-1], dear)):
        metrics = read_json(run / "metrics.json")
        assert [step[name] for name in ("score", "low", "high")] == [metrics[n] for n in ("score", "low", "high")]
    costs = [read_json(run / "metrics.json")["usage"]["cost_usd"] / 300 for run in (cheap, dear)]
    assert [steps[0]["cost_per_item"], steps[-1]["cost_per_item"]] == pytest.approx([costs[0], sum(costs)])
    assert [step["share"] for step in steps] == sorted(step["share"] for step in steps)


def marked(*arguments):
    return [at for at, step in enumerate(cascaded(*arguments)["steps"]) if step["chosen"]]


def test_the_marked_threshold_is_chosen_by_a_held_part_and_measured_on_the_rest():
    """Labels of the other half, all turned round, change what is measured of the mark, and never the mark."""
    cheap = simulated(1, lambda hard: 0.95 if hard < 0.6 else 0.5, name="cheap", samples=3)
    dear = simulated(2, lambda _: 0.93, name="dear", cost=0.02)
    found = cascaded(cheap, dear, "--margin", "9")
    at = next(at for at, step in enumerate(found["steps"]) if step["chosen"])
    assert (found["margin"], found["held"], 0 < at < len(found["steps"]) - 1) == (9, 150, True)
    held = held_out_items(opened_members([cheap, dear], "a cascade")[0][0], 0.5, 0)
    assert len(held) == 150
    for run in (cheap, dear):
        lines = [json.loads(line) for line in (run / "outcomes.jsonl").read_text(encoding="utf-8").splitlines()]
        for line in lines:
            if line["item"] not in held:
                line["credit"] = 1 - line["credit"]
        (run / "outcomes.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    turned = cascaded(cheap, dear, "--margin", "9")
    assert [step["chosen"] for step in turned["steps"]] == [step["chosen"] for step in found["steps"]]
    assert turned["measured"]["score"] == pytest.approx(1 - found["measured"]["score"])
    assert marked(cheap, dear, "--margin", "90") == [0]


def test_a_cheap_judge_is_not_marked_for_lack_of_evidence():
    """40 items do not show that a worse judge is as good: nothing is marked, and it is said."""
    cheap = simulated(1, lambda _: 0.6, name="cheap", count=40)
    dear = simulated(2, lambda _: 0.80, name="dear", cost=0.02, count=40)
    assert marked(cheap, dear) == []
    said = " ".join(judgebench("cascade", cheap, dear).out.split())
    assert "none is shown by a held part of 20 items to be less than 2 points worse than the expensive run" in said


def test_the_legend_has_the_score_on_the_items_that_the_choice_was_not_made_by():
    """On those that it was made by, the score of a threshold is too high on average."""
    cheap = simulated(1, lambda _: 0.9, name="cheap")
    said = " ".join(judgebench("cascade", cheap, simulated(2, lambda _: 0.6, name="dear"), "--margin", "5").out.split())
    assert "<: cheapest threshold shown by a held part of 150 items to be less than 5 points worse" in said
    assert "On the other 150 items: score 9" in said


def test_a_threshold_writes_a_run_like_any_other():
    """Its items are decided by the run that they were sent to; its cost is both judges'; other commands read it."""
    cheap = written_run("cheap", ROWS, first_slot_on(1, 3), orders="both", cost=0.1)
    dear = written_run("dear", ROWS, first_slot_on(), cost=1.0)
    path = Path(cascaded(cheap, dear, "--threshold", "0.5")["path"])
    assert path == Path("runs/rewardbench/cheap+dear/pairwise/both-cascade-disagreement-0.5")
    metrics = read_json(path / "metrics.json")
    assert (metrics["score"], metrics["usage"]["cost_usd"], metrics["usage"]["cached"]) == (1.0, 2.8, 10)
    assert [line["item"] for line in read_jsonl(path / "judgements.jsonl")] == ["0", "0", "1", "2", "2", "3"]
    assert read_json(path / "manifest.json")["cascade"]["sent"] == 2
    for command in (("show", path), ("show", path, "1"), ("report", path), ("compare", path, cheap)):
        ended = judgebench(*command)
        assert (ended.status, "cheap+dear" in ended.out) == (0, True), (command, ended.err)
    assert "rerun judgebench cascade" in judgebench("rescore", path).err


def test_many_thresholds_make_a_table_of_twelve_rows(monkeypatch):
    """Ratings with a hundred margins: the table has 12 rows in 80 columns, the ends and the chosen one among them."""
    monkeypatch.setenv("COLUMNS", "80")
    rng = random.Random(1)
    rows = pairs(200, ("alpacaeval-easy",))
    rate = lambda _, call: round((6, 5)[call.order[0]] + rng.gauss(0, 1.5), 2)  # noqa: E731
    cheap = written_run("cheap", rows, rate, templates=["rating-10"], cost=0.0001)
    dear = written_run("dear", rows, lambda _, call: (9, 2)[call.order[0]], templates=["rating-10"], cost=0.01)
    found = cascaded(cheap, dear, "--by", "margin", "--margin", "15")
    out = judgebench("cascade", cheap, dear, "--by", "margin", "--margin", "15").out
    lines = out.splitlines()
    rows_shown = [line for line in lines if line.count("%") == 4 and "$" in line]
    assert (found["thresholds"] > 40, len(found["steps"]), len(rows_shown)) == (True, 40, 12)
    assert rows_shown[0].startswith("none")
    assert rows_shown[-1].startswith("0 (all)")
    assert sum("<" in line.split("$")[-1] for line in rows_shown) == 1
    assert max(map(len, lines)) <= 80


def test_an_unknown_price_leaves_the_share_sent_on():
    """Without prices the front is of score and share."""
    cheap = written_run("cheap", ROWS, first_slot_on(1, 3), orders="both", cost=None)
    dear = written_run("dear", ROWS, first_slot_on(), orders="both")
    steps = cascaded(cheap, dear)["steps"]
    assert [step["cost_per_item"] for step in steps] == [None] * 3
    assert [step["pareto"] for step in steps] == [True, True, False]


def test_in_python_a_cascade_is_a_call():
    """jb.cascade gives the steps, the chosen one and, with a threshold, the run."""
    cheap = written_run("cheap", ROWS, first_slot_on(1), orders="both")
    found = jb.cascade(cheap, written_run("dear", ROWS, first_slot_on()), threshold=0.5, name="both", margin=99)
    assert found.chosen in found.steps
    assert found.run.metrics.judge == "both"


def test_what_shows_no_unsureness_is_a_mistake():
    """One verdict an item, no labels, one run twice, a threshold out of range: one line each, exit status 2."""
    one = written_run("one", ROWS, first_slot_on())
    both = written_run("both", ROWS, first_slot_on(1), orders="both")
    rows = [{"prompt": f"Q{n}", "completions": ["one", "two"], "num_correct": 0} for n in range(4)]
    bare = [written_run(n, rows, lambda *_: 0, benchmark="custom", orders="both") for n in ("a", "b")]
    for arguments, said in (
        ((one, both), "--orders both or --samples"),
        (bare, "no item judged by both runs has a label"),
        ((both, both), "named twice"),
        ((both, one, "--threshold", "2"), "--threshold"),
    ):
        ended = judgebench("cascade", *arguments)
        assert (ended.status, said in ended.err, ended.err.count("\n")) == (2, True, 1), ended.err
