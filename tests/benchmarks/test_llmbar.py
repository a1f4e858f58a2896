"""LLMBar: five of RewardBench's subsets, both orders, accuracy and agreement."""

import pytest
from hypothesis import given, strategies as st
from scoring import (
    DATA,
    bounds,
    chose,
    failed,
    fixture_rows,
    items_of,
    longest_rating,
    malformed,
    mistake_in,
    pair_key,
    rated,
    run_offline,
    shared,
    write_rows,
)

import judgebench as jb
from judgebench.benchmarks import get_benchmark
from judgebench.metrics.accuracy import official_scores
from judgebench.metrics.intervals import wilson

NAME = "llmbar"
BENCHMARK = get_benchmark(NAME)
ROWS = fixture_rows("llmbar")
FIXTURE = str(DATA / "llmbar.jsonl")
SWAPPED = (1, 0)
SUBSETS = (
    "llmbar-natural",
    "llmbar-adver-neighbor",
    "llmbar-adver-GPTInst",
    "llmbar-adver-GPTOut",
    "llmbar-adver-manual",
)

results = st.sampled_from([0, 1, None, "failed"])


def both(first, second):
    """The readings of both orders from who won in each."""
    return [
        failed(order) if winner == "failed" else chose(winner, order)
        for winner, order in ((first, (0, 1)), (second, SWAPPED))
    ]


@pytest.mark.parametrize(
    ("winners", "credit", "low", "high", "agrees"),
    [
        ((0, 0), 1, 1, 1, 1),
        ((0, 1), 0.5, 0.5, 0.5, 0),
        ((1, 1), 0, 0, 0, 1),
        ((0, None), 0.5, 0.5, 0.5, 0),
        ((0, "failed"), 0.5, 0.5, 1, None),
        (("failed", "failed"), 0, 0, 1, None),
    ],
)
def test_an_item_is_the_mean_over_both_orders(winners, credit, low, high, agrees):
    """A tie or a failure is not the better output, so it counts 0; a failed item has no say in the agreement."""
    outcome = BENCHMARK.judged(pair_key(), both(*winners))
    assert (outcome.credit, outcome.low, outcome.high) == (credit, low, high)
    assert outcome.parts.get("agrees") == agrees


@pytest.mark.parametrize(("ratings", "credit"), [((8, 3), 1), ((3, 8), 0), ((5, 5), 0.5), ((None, 5), 0.5)])
def test_ratings_follow_the_authors_script(ratings, credit):
    """Equal or unreadable ratings leave each order its own winner: 0.5; a reward model's equal scores count 0."""
    assert BENCHMARK.judged(pair_key(), rated(ratings)).credit == credit
    assert BENCHMARK.scored(pair_key(), (1.0, 1.0)).credit == 0


def test_rows_of_other_subsets_are_skipped():
    """Of RewardBench's rows, those of the five subsets become items, and nothing else."""
    items = items_of(NAME, ROWS)
    assert [(item.id, item.subset) for item in items] == [
        ("11", "llmbar-natural"),
        ("13", "llmbar-adver-neighbor"),
        ("14", "llmbar-adver-GPTInst"),
        ("15", "llmbar-adver-GPTOut"),
        ("16", "llmbar-adver-manual"),
    ]


def test_a_file_without_llmbar_rows_is_a_mistake(tmp_path):
    """Rows of other subsets alone end in a message that names the file and the five subsets."""
    path = write_rows(tmp_path / "rows.jsonl", [ROWS[1], ROWS[6]])
    assert mistake_in(NAME, path) == f"{path}: no row's subset is one of those that llmbar takes ({', '.join(SUBSETS)})"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"subset": None}, "line 3: has no column 'subset'"),
        ({"chosen": None}, "line 3: has no column 'chosen'"),
        ({"rejected": {"a": 1}}, "line 3: column 'rejected' is dict"),
        ({"id": None}, "line 3: has no column 'id'"),
    ],
)
def test_a_malformed_row_is_named(tmp_path, changes, said):
    """The message names the file's line and what is wrong."""
    assert malformed(NAME, tmp_path, ROWS, 2, **changes).startswith(f"rows.jsonl {said}")


def test_the_score_is_over_items_and_agreement_over_those_with_both_verdicts():
    """Hand-worked: credits 1, 0.5, 0, 1 and a half-failed 0.5 make 3 of 5; three of the four whole items agree."""
    winners = [(0, 0), (0, 1), (1, 1), (0, 0), (0, "failed")]
    keys = [item.key for item in items_of(NAME, ROWS)]
    outcomes = [BENCHMARK.judged(key, both(*pair)) for key, pair in zip(keys, winners, strict=True)]
    scores = official_scores(outcomes, BENCHMARK.layout)
    assert scores.score == pytest.approx(0.6, abs=1e-9)
    assert (scores.sections, scores.missing) == ({}, ())
    assert scores.subsets["llmbar-adver-GPTInst"].score == 0
    ends = wilson(0.75, 4)
    figures = {"agreement": 0.75, "agreement_low": ends.low, "agreement_high": ends.high}
    assert BENCHMARK.extra(outcomes) == pytest.approx(figures, abs=1e-9)
    assert bounds(outcomes, NAME) == pytest.approx((0.6, 0.6, 0.7), abs=1e-9)


def test_one_order_has_no_agreement():
    """With a single order there is nothing to agree with."""
    assert BENCHMARK.extra([BENCHMARK.judged(pair_key(), [chose(0)])]) == {}


@given(st.lists(st.tuples(results, results), min_size=1, max_size=10), st.randoms(), st.data())
def test_order_of_rows_never_matters_and_bounds_hold_the_score(winners, random, data):
    """In any order of rows the score is the same and within its bounds; one more right verdict never lowers it."""
    keys = [pair_key(str(at), SUBSETS[at % 5]) for at in range(len(winners))]
    outcomes = [BENCHMARK.judged(key, both(*pair)) for key, pair in zip(keys, winners, strict=True)]
    low, score, high = bounds(outcomes, NAME)
    assert low - 1e-12 <= score <= high + 1e-12
    shuffled = random.sample(outcomes, len(outcomes))
    assert bounds(shuffled, NAME)[1] == pytest.approx(score, abs=1e-12)
    assert BENCHMARK.extra(shuffled) == pytest.approx(BENCHMARK.extra(outcomes))
    at = data.draw(st.integers(0, len(winners) - 1))
    better = [*outcomes[:at], BENCHMARK.judged(keys[at], both(0, winners[at][1])), *outcomes[at + 1 :]]
    assert bounds(better, NAME)[1] >= score - 1e-12


@given(st.integers(0, 5), st.integers(0, 5), st.integers(1, 3))
def test_raising_the_better_score_never_lowers_an_item(better, worse, more):
    """Neither a reward model's credit nor a judge's by ratings falls when the better output scores higher."""
    for rule in (BENCHMARK.scored, lambda key, pair: BENCHMARK.judged(key, rated(pair))):
        assert rule(pair_key(), (better + more, worse)).credit >= rule(pair_key(), (better, worse)).credit


def test_a_run_asks_both_orders(tmp_path):
    """The judge of longer answers is right on 2 of the 5 items and of one mind in both orders."""
    metrics = run_offline(NAME, tmp_path, FIXTURE).metrics
    assert (metrics.template, metrics.items, metrics.judgements) == ("pairwise", 5, 10)
    assert metrics.score == pytest.approx(2 / 5, abs=1e-9)
    assert metrics.extra["agreement"] == metrics.consistency == 1
    assert metrics.notes == ()


def test_a_judge_that_always_takes_the_first_never_agrees_with_itself(tmp_path):
    """Half of its verdicts are right, and no item has the same winner in both orders."""
    metrics = run_offline(NAME, tmp_path, FIXTURE, judge="offline/first").metrics
    assert (metrics.score, metrics.extra["agreement"], metrics.consistency) == (0.5, 0, 0)


def test_a_run_with_ratings_compares_them(tmp_path):
    """In mode rating an item gets 1, 0.5 or 0 by its two ratings, and there is no agreement over orders."""
    metrics = run_offline(NAME, tmp_path, FIXTURE, template="rating-10").metrics
    pairs = [tuple(longest_rating(c.text) for c in item.completions) for item in items_of(NAME, ROWS)]
    expected = sum(0.5 if right == wrong else right > wrong for right, wrong in pairs) / 5
    assert metrics.score == pytest.approx(expected, abs=1e-9)
    assert "agreement" not in metrics.extra


def test_score_files_have_the_better_output_first(tmp_path):
    """A reward model's scores are read in the order chosen, rejected."""
    rows = [{"id": item.id, "scores": [1, at % 2]} for at, item in enumerate(items_of(NAME, ROWS))]
    metrics = jb.score(
        write_rows(tmp_path / "rm.jsonl", rows), benchmark=NAME, data=FIXTURE, out=tmp_path / "runs"
    ).metrics
    assert metrics.score == pytest.approx(3 / 5, abs=1e-9)


def test_recorded_replies_to_the_real_pairs_give_the_known_figures():
    """681 of 838 right and 374 of 419 consistent, subset by subset, when the last mention is read."""
    import json
    import re

    folder = shared("llmbar")
    rows = [json.loads(line) for line in (folder / "rewardbench_rows.jsonl").read_text(encoding="utf-8").splitlines()]
    replies = (folder / "gpt4_cot_replies.jsonl").read_text(encoding="utf-8").splitlines()
    readings = {}
    for reply in map(json.loads, replies):
        order = (0, 1) if reply["first"] == "chosen" else SWAPPED
        shown = "ab".index(re.findall(r"Output \(([ab])\)", reply["reply"])[-1])
        readings.setdefault(str(reply["id"]), []).append(chose(order[shown], order))
    outcomes = [BENCHMARK.judged(item.key, readings[item.id]) for item in items_of(NAME, rows)]
    scores = official_scores(outcomes, BENCHMARK.layout)
    right = {name: round(each.score * each.n * 2) for name, each in scores.subsets.items()}
    assert right == dict(zip(SUBSETS, (189, 201, 153, 70, 68), strict=True))
    assert scores.score == pytest.approx(681 / 838, abs=1e-9)
    assert BENCHMARK.extra(outcomes)["agreement"] == pytest.approx(374 / 419, abs=1e-9)
