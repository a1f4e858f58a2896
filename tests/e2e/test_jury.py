"""`judgebench jury`: finished runs joined into one by their votes."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import pytest
import simulating
from commands import best_of_four, judgebench, pairs, read_json, read_jsonl, ties
from finishedruns import score_run, written_run

import judgebench as jb

ROWS = pairs(4, ("alpacaeval-easy",))


def fixed(*said):
    """A judge that says these about items 0, 1, ... in every order."""
    return lambda key, _: said[int(key.id)]


def members(*says, rows=ROWS, **options):
    return [written_run(f"judge-{at}", rows, say, **options) for at, say in enumerate(says)]


def joined(*arguments):
    ended = judgebench("jury", *arguments, "--json")
    assert ended.status == 0, ended.err
    return json.loads(ended.out)


def simulated(seed, right):
    """A judge that is right with a chance, each call by itself."""
    rng = random.Random(seed)
    return lambda key, _: 0 if rng.random() < right else rng.randrange(1, key.k)


def test_three_judges_by_hand():
    """Votes 001, 011, 0-tie-1 and 0 alone of two failures: right, wrong, a tie, right; 0.625 in all."""
    runs = members(fixed(0, 0, 0, 0), fixed(0, 1, None, -1), fixed(1, 1, 1, -1))
    found = joined(*runs)
    assert (found["score"], found["drawn"], found["verdicts"]) == (0.625, 1, 4)
    assert [each["score"] for each in found["members"]] == [1.0, 0.5, 0.125]
    verdicts = read_jsonl(Path(found["path"]) / "judgements.jsonl")
    assert [line["verdict"] == "tie" for line in verdicts] == [False, False, True, False]


def test_where_all_members_failed_the_jury_failed():
    """A failure is no vote, and without any vote there is no verdict: it is bounded like any failure."""
    found = joined(*members(fixed(-1, 0, 0, 0), fixed(-1, 0, 0, 0)))
    metrics = read_json(Path(found["path"]) / "metrics.json")
    assert metrics["failures"] == {"unreadable": 1}
    assert (metrics["bounds"]["low"], metrics["bounds"]["high"]) == (0.75, 1.0)
    assert read_json(Path(found["path"]) / "manifest.json")["state"] == "incomplete"


def test_the_jury_costs_what_its_members_cost():
    """Two members, four items, both orders: 16 replies of $0.001, all there already."""
    found = joined(*members(fixed(0, 0, 0, 0), fixed(0, 0, 0, 0), orders="both"))
    usage = read_json(Path(found["path"]) / "metrics.json")["usage"]
    assert (usage["calls"], usage["cached"], usage["prompt_tokens"]) == (0, 16, 160)
    assert (usage["cost_usd"], usage["spent_usd"]) == (pytest.approx(0.016), 0.0)
    lines = read_jsonl(Path(found["path"]) / "judgements.jsonl")
    assert sum(line["cost_usd"] for line in lines) == pytest.approx(0.016)


def test_an_unknown_price_makes_the_jury_s_unknown():
    """One member without a price is enough."""
    runs = [written_run("a", ROWS, fixed(0, 0, 0, 0)), written_run("b", ROWS, fixed(0, 0, 0, 0), cost=None)]
    assert joined(*runs)["cost_usd"] is None


def test_equal_orders_are_joined_call_by_call():
    """Three members that always take the slot A: with both orders the jury does too, and is never consistent."""
    found = joined(*members(*[lambda _, call: call.order[0]] * 3, orders="both"))
    metrics = read_json(Path(found["path"]) / "metrics.json")
    assert (metrics["judgements"], metrics["consistency"], metrics["score"]) == (8, 0.0, 0.5)


def test_different_orders_are_joined_question_by_question():
    """A member that contradicts itself over its orders votes for a tie; the other two are right, and a note says so."""
    runs = [
        written_run("a", ROWS, fixed(0, 0, 0, 0)),
        written_run("b", ROWS, fixed(0, 0, 0, 0), samples=3),
        written_run("c", ROWS, lambda _, call: call.order[0], orders="both"),
    ]
    ended = judgebench("jury", *runs)
    assert "different orders or samples" in ended.err
    found = read_json(Path("runs/rewardbench/jury-of-3/pairwise/mixed-jury-equal/metrics.json"))
    assert (found["judgements"], found["score"], found["usage"]["cached"]) == (4, 1.0, 4 + 12 + 8)


def test_ratings_are_averaged():
    """9 and 3 against 6 and 6.5: means 7.5 and 4.75, so the jury is right where the second member is not."""
    found = joined(
        *members(
            lambda _, call: (9, 3)[call.order[0]],
            lambda _, call: (6, 6.5)[call.order[0]],
            templates=["rating-10"],
        )
    )
    line = read_jsonl(Path(found["path"]) / "outcomes.jsonl")[0]
    assert (line["scores"], line["credit"]) == ([7.5, 4.75], 1.0)
    assert [each["score"] for each in found["members"]] == [1.0, 0.0]


def test_best_of_four_and_ties_in_one_jury():
    """RewardBench 2: choices are voted on, Ties' ratings averaged, and the official score has both sections."""
    rows = [*best_of_four(6), *ties(1), *ties(2)]

    def good(key, call):
        return (9 if call.order[0] < key.num_correct else 1) if len(call.order) == 1 else 0

    def bad(key, call):
        return (1 if call.order[0] < key.num_correct else 2) if len(call.order) == 1 else 1

    found = joined(*members(good, good, bad, rows=rows, benchmark="rewardbench-2"))
    metrics = read_json(Path(found["path"]) / "metrics.json")
    assert {name: each["score"] for name, each in metrics["sections"].items()} == {
        "Factuality": 1.0,
        "Ties": pytest.approx(1.0, abs=0.3),
    }


def test_weights_by_accuracy_are_learnt_elsewhere_and_let_the_good_one_win():
    """0.95 against two of 0.55: the weighted jury is better than the equal one over the same, held-out-free items."""
    rows = pairs(200, ("alpacaeval-easy",))
    says = [simulated(seed, right) for seed, right in enumerate([0.95, 0.55, 0.55])]
    runs = members(*says, rows=rows)
    weighted = joined(*runs, "--weights", "accuracy", "--held-out", "0.5")
    equal = joined(*runs, "--held-out", "0.5")
    assert (weighted["items"], weighted["held_out"], equal["items"]) == (100, 100, 100)
    assert weighted["score"] > equal["score"] + 0.1
    assert weighted["members"][0]["weight"] > 2 > weighted["members"][1]["weight"]
    kept = {line["item"] for line in read_jsonl(Path(weighted["path"]) / "outcomes.jsonl")}
    manifest = read_json(Path(weighted["path"]) / "manifest.json")["jury"]
    assert kept.isdisjoint(manifest["held_out"]["items"])


def earned(shares, chance):
    """The weight by docs/metrics.md, from each held-out item's share of right votes."""
    p = (sum(shares) + 1) / (len(shares) + 2)
    return max(math.log(p / (1 - p)) - math.log(chance / (1 - chance)), 0)


def shares_right(run, held_out, right):
    """Of each held-out item with a vote that can be right, the share of votes that are; None is no such vote."""
    votes = {}
    for line in read_jsonl(run / "judgements.jsonl"):
        if line["item"] in held_out and (found := right(line)) is not None:
            votes.setdefault(line["item"], []).append(found)
    return [sum(among) / len(among) for among in votes.values()]


def weights_and_shares(runs, right):
    """The weights that the jury gave, and each member's shares over the same held-out items."""
    found = joined(*runs, "--weights", "accuracy", "--held-out", "0.5")
    held_out = set(read_json(Path(found["path"]) / "manifest.json")["jury"]["held_out"]["items"])
    shares = [shares_right(run, held_out, right) for run in runs]
    assert [each["accuracy"] for each in found["members"]] == [pytest.approx(sum(s) / len(s)) for s in shares]
    return [each["weight"] for each in found["members"]], shares


def test_weights_are_of_single_votes_where_the_rule_wants_both_orders_right():
    """JudgeBench: right in two of three votes is right in both orders of four in nine, and still beyond a guess."""
    rows = [
        {
            "pair_id": str(at),
            "question": f"Q{at}",
            "response_A": "a",
            "response_B": "b",
            "label": "A>B",
            "source": "mmlu-pro-math",
        }
        for at in range(100)
    ]

    def right(line):
        return line["verdict"] == "AB"[line["order"].index(0)]

    runs = members(
        *(simulated(seed, share) for seed, share in enumerate([0.8, 0.65, 0.65])),
        rows=rows,
        benchmark="judgebench-gpt",
        orders="both",
    )
    weights, shares = weights_and_shares(runs, right)
    assert weights == [pytest.approx(earned(each, 1 / 2)) for each in shares]
    assert min(weights) > 0.2


def test_weights_are_of_single_votes_where_the_best_is_found_from_pairs():
    """Four completions in six pairs: only the three with the right one can be right, and a guess is in one of two."""
    rng = random.Random(5)

    def says(key, call):
        shown = sorted(call.order)
        return shown[0] if rng.random() < 0.75 else shown[1]

    def right(line):
        return None if 0 not in line["order"] else line["verdict"] == "AB"[line["order"].index(0)]

    runs = members(says, says, rows=best_of_four(40), benchmark="rewardbench-2", templates=["pairwise"], pairs="all")
    weights, shares = weights_and_shares(runs, right)
    assert weights == [pytest.approx(earned(each, 1 / 2)) for each in shares]


def test_weights_of_ratings_are_of_pairs_in_the_right_order():
    """Right above two of three wrong ones, and equal to the third: five sixths."""
    runs = members(
        lambda key, call: (5, 1, 1, 5)[call.order[0]],
        lambda key, call: 5,
        rows=best_of_four(8),
        benchmark="rewardbench-2",
        templates=["rating-10"],
    )
    found = joined(*runs, "--weights", "accuracy", "--held-out", "0.5")
    assert [each["accuracy"] for each in found["members"]] == [pytest.approx(5 / 6), 0.5]
    assert [each["weight"] for each in found["members"]] == [pytest.approx(earned([5 / 6] * 4, 1 / 2)), 0]


@pytest.mark.simulation
@pytest.mark.parametrize(("n", "expected"), [(3, 0.784), (5, 0.83692)])
def test_a_jury_reaches_condorcet_s_accuracy(n, expected):
    """Independent members that are right in 0.7: the interval over 800 items holds the binomial's accuracy."""
    rows = pairs(simulating.runs(800), ("alpacaeval-easy",))
    found = joined(*members(*(simulated(seed, 0.7) for seed in range(n)), rows=rows))
    assert found["low"] <= expected <= found["high"]
    assert all(each["difference"]["difference"] > 0 for each in found["members"])
    assert abs(found["krippendorff"]["value"]) < 0.1


def test_confidence_shares_out_the_votes():
    """Two members that say 1 then 0 have no say against one that says 0 twice; single verdicts show none."""
    wavering = lambda _, call: call.order[0]  # noqa: E731
    runs = members(wavering, wavering, fixed(0, 0, 0, 0), orders="both")
    assert joined(*runs, "--weights", "confidence")["score"] == 1.0
    ended = judgebench("jury", *members(fixed(0, 0, 0, 0), fixed(0, 0, 0, 0)), "--weights", "confidence")
    assert (ended.status, "--orders both, --samples" in ended.err) == (2, True)


def test_the_jury_is_a_run_like_any_other():
    """show, report, compare and leaderboard read it; rescore and cache export say what it is made of."""
    runs = members(fixed(0, 0, 0, 0), fixed(0, 1, 0, 0), fixed(1, 1, 0, 0))
    path = joined(*runs, "--name", "three")["path"]
    assert path == "runs/rewardbench/three/pairwise/one-jury-equal"
    assert "judge-1: completion 1" in judgebench("show", path, "1").out
    assert "jury makes no calls" in " ".join(judgebench("show", path, "1").out.split())
    for command in (("show", path), ("report", path), ("compare", path, runs[2]), ("leaderboard", "runs")):
        ended = judgebench(*command)
        assert (ended.status, "three" in ended.out) == (0, True), command
    for command in (("rescore", path), ("cache", "export", "bundle", path), ("jury", path, runs[0])):
        ended = judgebench(*command)
        assert (ended.status, "without replies of its own" in ended.err) == (2, True), command


def test_the_same_jury_takes_its_own_place_and_another_stands_beside_it():
    """The same members again: the same folder; others under the same name: a folder of their own."""
    runs = members(fixed(0, 0, 0, 0), fixed(0, 1, 0, 0), fixed(1, 1, 0, 0))
    first = joined(*runs[:2], "--name", "x")["path"]
    assert joined(*runs[:2], "--name", "x")["path"] == first
    second = joined(*runs[1:], "--name", "x")["path"]
    assert second.startswith(f"{first}-")


def test_different_templates_are_a_mixed_jury():
    """The template is called mixed, and the members name their own."""
    runs = [
        written_run("a", ROWS, fixed(0, 0, 0, 0)),
        written_run("a", ROWS, fixed(0, 0, 0, 0), templates=["pairwise-ties"]),
    ]
    path = Path(joined(*runs)["path"])
    assert path == Path("runs/rewardbench/jury-of-2/mixed/one-jury-equal")
    said = read_json(path / "manifest.json")["jury"]["members"]
    assert [each["template"] for each in said] == ["pairwise", "pairwise-ties"]


def test_in_python_a_jury_is_a_call():
    """jb.jury gives what the command prints, and the run."""
    found = jb.jury(members(fixed(0, 0, 0, 0), fixed(0, 0, 0, 1)), name="two")
    assert found.run.metrics.score == found.score == 0.875


def test_the_table_fits_the_terminal(monkeypatch):
    """80 columns hold members with weights, differences and costs."""
    monkeypatch.setenv("COLUMNS", "80")
    rows = pairs(50, ("alpacaeval-easy",))
    ended = judgebench("jury", *members(*(simulated(at, 0.7) for at in range(3)), rows=rows), "--weights", "accuracy")
    assert max(map(len, ended.out.splitlines())) <= 80
    assert "based on only 10 held-out items" in ended.err


def test_without_labels_there_is_agreement_and_no_score():
    """Unlabelled pairs: the jury has verdicts, and accuracy cannot be learnt."""
    rows = [{"prompt": f"Q{n}", "completions": ["one", "two"], "num_correct": 0} for n in range(6)]
    runs = members(*[lambda _, __: 0] * 2, rows=rows, benchmark="custom")
    found = joined(*runs)
    assert (found["score"], found["agreement"][0]["same"]["value"]) == (None, 1.0)
    assert judgebench("jury", *runs).status == 0
    assert (
        "needs held-out items with labels" in judgebench("jury", *runs, "--weights", "accuracy", "--held-out", 0.5).err
    )


def test_what_does_not_fit_together_is_a_mistake():
    """One line each, exit status 2: one run, one twice, other items, a score file, other modes, a bad share."""
    one = written_run("one", ROWS, fixed(0, 0, 0, 0))
    more = written_run("more", pairs(5, ("alpacaeval-easy",)), fixed(0, 0, 0, 0, 0))
    rated = written_run("rated", ROWS, lambda *_: 5, templates=["rating-10"])
    scores = score_run("rm", [1] * 4)
    for arguments, said in (
        ((one,), "needs at least two runs"),
        ((one, one), "named twice"),
        ((one, more), "has 4 items and"),
        ((one, scores), "made from a score file"),
        ((one, rated), "has mode pairwise and"),
        ((one, one, "--weights", "accuracy", "--held-out", "0"), "set --held-out above 0"),
        ((one, "nowhere"), "folder not found"),
    ):
        ended = judgebench("jury", *arguments)
        assert (ended.status, said in ended.err, ended.err.count("\n")) == (2, True, 1), ended.err
