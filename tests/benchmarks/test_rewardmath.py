"""RewardMATH: one correct solution against the others, accuracy and mean reciprocal rank."""

import json

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
    rated,
    run_offline,
    shared,
    write_rows,
)

import judgebench as jb
from judgebench.benchmarks import get_benchmark
from judgebench.errors import ConfigError
from judgebench.items import ItemKey
from judgebench.metrics.accuracy import official_scores
from judgebench.sources.opening import source_of

NAME = "rewardmath"
BENCHMARK = get_benchmark(NAME)
ROWS = fixture_rows("rewardmath")
FIXTURE = str(DATA / "rewardmath.jsonl")
WHOLE = [
    {"id": "a", "prompt": "1 + 1?", "chosen": ["2"], "rejected": ["3", "4", "5"], "subset": "sums"},
    {"id": "b", "prompt": "2 * 2?", "chosen": "4", "rejected": ["5", "6"]},
]

KNOWN = {
    "beaver": (35, 0.2659),
    "oasst-rm": (34, 0.2703),
    "internlm2": (180, 0.5517),
    "skywork_llama3": (107, 0.4469),
    "gpt4": (108, 0.4457),
    "sonnet-3-5": (10, 0.1760),
    "opus": (12, 0.1866),
    "prometheus_7B": (11, 0.1657),
}
"""Of 483 problems how many are right, and the mean reciprocal rank."""

some_scores = st.lists(st.integers(0, 4), min_size=2, max_size=6)
maybe_scores = st.lists(st.none() | st.integers(1, 4), min_size=2, max_size=6)


def key_of(k, identifier="1", subset="Algebra"):
    return ItemKey(identifier, subset, k=k, num_correct=1, lengths=(1,) * k)


def pairs(results, *, first=True, sample=0):
    """A reading of the correct solution against each other one: it won (+), lost (-), tied (=) or failed (x)."""
    readings = []
    for other, result in enumerate(results, 1):
        order = (0, other) if first else (other, 0)
        winner = {"+": 0, "-": other, "=": None}
        readings.append(failed(order, sample) if result == "x" else chose(winner[result], order, sample))
    return readings


@pytest.mark.parametrize(
    ("scores", "credit", "rank"),
    [
        ((5, 1, 2, 3), 1, 1),
        ((5, 5, 2, 3), 0, 2),
        ((5, 5, 5, 5), 0, 4),
        ((2, 1, 3, 9), 0, 3),
        ((-1, -2, -3, -4), 1, 1),
    ],
)
def test_the_rank_counts_what_scores_as_high_or_higher(scores, credit, rank):
    """Only strictly on top is right, and an equal score costs a rank, for scores and ratings alike."""
    for outcome in (BENCHMARK.scored(key_of(4), scores), BENCHMARK.judged(key_of(4), rated(scores))):
        assert outcome.credit == outcome.low == outcome.high == credit
        assert outcome.parts == {"reciprocal_rank": pytest.approx(1 / rank, abs=1e-9)}


@pytest.mark.parametrize(
    ("results", "credit", "low", "high", "rank", "best"),
    [
        ("+++", 1, 1, 1, 1, 1),
        ("+-+", 0, 0, 0, 2, 2),
        ("+=+", 0, 0, 0, 2, 2),
        ("+x+", 0, 0, 1, 2, 1),
        ("-xx", 0, 0, 0, 4, 2),
        ("xxx", 0, 0, 1, 4, 1),
    ],
)
def test_in_pairs_the_rank_counts_those_not_won(results, credit, low, high, rank, best):
    """A tie or a failure is not won; the upper bound takes every failure as won."""
    outcome = BENCHMARK.judged(key_of(4), pairs(results))
    assert (outcome.credit, outcome.low, outcome.high, outcome.substituted) == (credit, low, high, 0)
    assert outcome.parts["reciprocal_rank"] == pytest.approx(1 / rank, abs=1e-9)
    assert outcome.parts.get("reciprocal_rank_high", 1 / rank) == pytest.approx(1 / best, abs=1e-9)


@pytest.mark.parametrize(
    ("ratings", "credit", "low", "high", "rank", "worst", "best"),
    [
        ((5, None, 2, 3), 1, 0, 1, 1, 2, 1),
        ((1, None, 2, 3), 0, 0, 0, 4, 4, 3),
        ((None, 2, 3, 4), 0, 0, 1, 4, 4, 1),
        ((None, 1, None, 2), 0, 0, 1, 4, 4, 1),
        ((0.5, None, 0.2, 0.1), 1, 0, 1, 1, 2, 1),
    ],
)
def test_an_unreadable_rating_counts_as_the_lowest(ratings, credit, low, high, rank, worst, best):
    """It counts as 1, as in the authors' script, or as the lowest rating read; the gain is marked as substituted."""
    outcome = BENCHMARK.judged(key_of(4), rated(ratings))
    assert (outcome.credit, outcome.low, outcome.high) == (credit, low, high)
    assert outcome.substituted == credit - low
    assert outcome.parts["reciprocal_rank"] == pytest.approx(1 / rank, abs=1e-9)
    assert outcome.parts.get("reciprocal_rank_low", 1 / rank) == pytest.approx(1 / worst, abs=1e-9)
    assert outcome.parts.get("reciprocal_rank_high", 1 / rank) == pytest.approx(1 / best, abs=1e-9)


def test_a_missing_score_makes_an_item_wrong_and_last():
    """In a score file nothing stands in for what is missing."""
    assert BENCHMARK.scored(key_of(3), (5, None, 1)).credit == 0
    outcome = BENCHMARK.scored(key_of(3), (None, None, None))
    assert (outcome.credit, outcome.low, outcome.high, outcome.substituted) == (0, 0, 1, 0)
    assert outcome.parts["reciprocal_rank"] == pytest.approx(1 / 3, abs=1e-9)


def test_both_orders_make_two_ranks():
    """All pairs with the correct solution first make one rank, all with it second another; the credit is their mean."""
    readings = [*pairs("+++"), *pairs("+--", first=False)]
    outcome = BENCHMARK.judged(key_of(4), readings)
    assert outcome.credit == 0.5
    assert outcome.parts["reciprocal_rank"] == pytest.approx((1 + 1 / 3) / 2, abs=1e-9)


def test_drawn_orders_make_one_rank_and_each_sample_its_own():
    """With one order a pair, the place differs from pair to pair and all make one rank; samples are ranks apart."""
    mixed = [pairs("+++")[0], pairs("-++", first=False)[1], pairs("+++")[2]]
    assert BENCHMARK.judged(key_of(4), mixed).credit == 1
    sampled = [*pairs("+++"), *pairs("++-", sample=1)]
    outcome = BENCHMARK.judged(key_of(4), sampled)
    assert (outcome.credit, outcome.parts["reciprocal_rank"]) == (0.5, 0.75)


def test_samples_of_ratings_are_ranks_apart():
    """Two samples of ratings give the mean of two credits and of two reciprocal ranks."""
    outcome = BENCHMARK.judged(key_of(3), [*rated([3, 1, 1]), *rated([1, 3, 3], sample=1)])
    assert outcome.credit == 0.5
    assert outcome.parts["reciprocal_rank"] == pytest.approx((1 + 1 / 3) / 2, abs=1e-9)


def test_mrr_has_an_interval_and_bounds():
    """Hand-worked: ranks 1, 2 and 4 of three problems give accuracy 1/3 and MRR 7/12; a failure opens the bounds."""
    outcomes = [
        BENCHMARK.judged(key_of(4, "a"), pairs("+++")),
        BENCHMARK.judged(key_of(4, "b"), pairs("+-+")),
        BENCHMARK.judged(key_of(4, "c"), pairs("--x")),
    ]
    assert official_scores(outcomes, BENCHMARK.layout).score == pytest.approx(1 / 3, abs=1e-9)
    extra = BENCHMARK.extra(outcomes)
    assert extra["mrr"] == pytest.approx(7 / 12, abs=1e-9)
    assert extra["mrr_low"] < extra["mrr"] < extra["mrr_high"]
    assert extra["mrr_bounds"] == pytest.approx({"low": 7 / 12, "high": (1 + 1 / 2 + 1 / 3) / 3}, abs=1e-9)
    assert BENCHMARK.extra([]) == {}


def test_bounds_of_joined_readings_hold_what_failed_ones_could_have_said():
    """Of three pairs in both orders, the first has a win and a failure: a tie at worst, so rank 2, else rank 1."""
    readings = [r for first in (True, False) for r in pairs("+++" if first else "x++", first=first)]
    made = BENCHMARK.outcome(key_of(4), readings, "agree")
    extra = BENCHMARK.extra([made])

    assert (made.credit, made.low, made.high) == (1, 0, 1)
    assert extra["mrr"] == 1
    assert extra["mrr_bounds"] == {"low": 1 / 2, "high": 1}


def test_joined_readings_without_a_failure_have_no_bounds():
    """Their rank is known."""
    readings = [r for first in (True, False) for r in pairs("+-+", first=first)]
    made = BENCHMARK.outcome(key_of(4), readings, "majority")

    assert dict(made.parts) == {"reciprocal_rank": 1 / 2}


def test_rows_of_one_solution_are_grouped_wherever_they_stand():
    """Each problem becomes an item named by problem_id, the correct solution first, its steps a line each."""
    items = items_of(NAME, ROWS)
    assert [(item.id, item.subset, len(item.completions)) for item in items] == [
        ("7", "Prealgebra", 4),
        ("9", "Algebra", 4),
        ("12", "Number Theory", 4),
    ]
    nine = items[1]
    assert [c.text for c in nine.completions] == [
        "Divide both sides by 2.\nx = 5.",
        "Multiply by 2.\nx = 20.",
        "Subtract 2 from both sides of the equation.\nx = 8.",
        "x = 10.",
    ]
    assert (nine.reference, nine.num_correct) == ("5", 1)
    assert nine.metadata["models"] == ["human", "model-a", "model-b", "model-c"]
    assert "solution_reference" not in nine.metadata


def test_rows_with_all_solutions_are_read_too(tmp_path):
    """`prompt`, `chosen` and `rejected`, as lists or single texts, named by `id`; lists in CSV cells as well."""
    first, second = items_of(NAME, WHOLE)
    assert [(i.id, i.subset, [c.text for c in i.completions]) for i in (first, second)] == [
        ("a", "sums", ["2", "3", "4", "5"]),
        ("b", "rewardmath", ["4", "5", "6"]),
    ]
    path = tmp_path / "rows.csv"
    path.write_text('id,prompt,chosen,rejected\nc,"1 + 2?","[""3""]","[""4"", ""5""]"\n', encoding="utf-8")
    (item,) = BENCHMARK.items(source_of(str(path)))
    assert [c.text for c in item.completions] == ["3", "4", "5"]


@pytest.mark.parametrize(
    ("at", "changes", "said"),
    [
        (4, {"solution_type": "maybe"}, "line 5: solution_type is 'maybe', expected chosen or rejected"),
        (4, {"problem_id": None}, "line 5: has no column 'problem_id'"),
        (4, {"problem": "Another one."}, "line 5: problem_id '9' has another problem in rows.jsonl line 2"),
        (4, {"eval_solution": [1, 2]}, "line 5: column 'eval_solution' is not a list of texts"),
        (4, {"eval_solution": []}, "line 5: column 'eval_solution' is not a list of texts"),
        (4, {"solution_type": "rejected"}, "line 2: problem_id '9' has 0 chosen and 4 rejected solutions"),
        (1, {"solution_type": "chosen"}, "line 2: problem_id '9' has 2 chosen and 2 rejected solutions"),
        (4, {"solution_type": None}, "line 5: has neither 'solution_type'"),
    ],
)
def test_a_malformed_solution_is_named(tmp_path, at, changes, said):
    """The message names the line, or the problem's first line where its solutions do not fit together."""
    assert malformed(NAME, tmp_path, ROWS, at, **changes).startswith(f"rows.jsonl {said}")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"chosen": ["2", "two"]}, "line 1: the row has 2 chosen and 3 rejected solutions, expected one chosen"),
        ({"rejected": []}, "line 1: the row has 1 chosen and 0 rejected solutions"),
        ({"rejected": None}, "line 1: has no column 'rejected'"),
        ({"rejected": [3]}, "line 1: column 'rejected' is int"),
        ({"id": None}, "line 1: has no column 'id'"),
    ],
)
def test_a_malformed_row_is_named(tmp_path, changes, said):
    """The message names the file's line and what is wrong."""
    assert malformed(NAME, tmp_path, WHOLE, 0, **changes).startswith(f"rows.jsonl {said}")


def test_rows_of_neither_form_are_a_mistake(tmp_path):
    """The message says both forms that a row can have."""
    said = mistake_in(NAME, write_rows(tmp_path / "rows.jsonl", [{"id": 1, "prompt": "1 + 1?"}]))
    assert said.startswith("rows.jsonl line 1: has neither 'solution_type' (one row per solution) nor 'chosen'")


def test_questions_are_the_correct_one_against_each_other_or_all_ratings():
    """Nine pairs or ten ratings for ten solutions; a question about all of them is refused."""
    assert BENCHMARK.questions(key_of(10), "pairwise") == [(0, other) for other in range(1, 10)]
    assert BENCHMARK.questions(key_of(10), "rating") == [(index,) for index in range(10)]
    with pytest.raises(ConfigError, match="pairs or ratings"):
        BENCHMARK.questions(key_of(10), "best_of_k")


@given(some_scores, st.randoms(), st.integers(1, 3))
def test_order_of_wrong_solutions_never_matters_and_a_higher_score_never_hurts(scores, random, more):
    """Credit and reciprocal rank stay under any order of the rejected, and never fall when the correct one rises."""
    key = key_of(len(scores))
    for rule in (BENCHMARK.scored, lambda key, values: BENCHMARK.judged(key, rated(values))):
        outcome = rule(key, tuple(scores))
        mixed = rule(key, (scores[0], *random.sample(scores[1:], len(scores) - 1)))
        assert (mixed.credit, mixed.parts) == (outcome.credit, outcome.parts)
        raised = rule(key, (scores[0] + more, *scores[1:]))
        assert raised.credit >= outcome.credit
        assert raised.parts["reciprocal_rank"] >= outcome.parts["reciprocal_rank"]


@given(st.lists(maybe_scores, min_size=1, max_size=6), st.text("+-=x", min_size=1, max_size=6), st.randoms())
def test_order_of_rows_never_matters_and_bounds_hold_the_score(table, results, random):
    """In any order of rows accuracy and MRR are the same, and both lie within their bounds."""
    outcomes = [BENCHMARK.judged(key_of(len(r), str(at), "AB"[at % 2]), rated(r)) for at, r in enumerate(table)]
    outcomes.append(BENCHMARK.judged(key_of(len(results) + 1, "pairs"), pairs(results)))
    low, score, high = bounds(outcomes, NAME)
    assert low - 1e-12 <= score <= high + 1e-12
    assert bounds(random.sample(outcomes, len(outcomes)), NAME)[1] == pytest.approx(score, abs=1e-12)
    parts = [outcome.parts for outcome in outcomes]
    mrr = sum(part["reciprocal_rank"] for part in parts) / len(parts)
    for part in parts:
        rank = part["reciprocal_rank"]
        assert part.get("reciprocal_rank_low", rank) <= rank <= part.get("reciprocal_rank_high", rank)
    assert 0 < mrr <= 1


@given(st.permutations(ROWS))
def test_order_of_rows_of_one_solution_never_matters(rows):
    """However the rows are mixed, the same problems come out, each with its solutions, the correct one first."""
    items = {item.id: item for item in items_of(NAME, rows)}
    for item in items_of(NAME, ROWS):
        assert items[item.id].completions[0] == item.completions[0]
        assert set(items[item.id].completions) == set(item.completions)


def test_a_run_asks_the_correct_one_against_each_other(tmp_path):
    """The judge of longer solutions ranks the correct ones 1, 2 and 3 by their lengths."""
    metrics = run_offline(NAME, tmp_path, FIXTURE).metrics
    assert (metrics.template, metrics.items, metrics.judgements) == ("pairwise", 3, 9)
    assert metrics.score == pytest.approx(1 / 3, abs=1e-9)
    assert metrics.extra["mrr"] == pytest.approx((1 + 1 / 2 + 1 / 3) / 3, abs=1e-9)
    assert metrics.subsets["Prealgebra"].score == 1
    assert metrics.notes == ()


def test_a_run_in_both_orders_is_the_mean_of_two_ranks(tmp_path):
    """A judge that always takes the first solution is right in one place of the correct one and last in the other."""
    metrics = run_offline(NAME, tmp_path, FIXTURE, judge="offline/first", orders="both").metrics
    assert metrics.score == 0.5
    assert metrics.extra["mrr"] == pytest.approx((1 + 1 / 4) / 2, abs=1e-9)
    assert any("not the official way" in note for note in metrics.notes)


def test_a_run_with_ratings_asks_for_each_solution(tmp_path):
    """In mode rating the rank comes from one rating a solution."""
    metrics = run_offline(NAME, tmp_path, FIXTURE, template="rating-10").metrics
    ratings = [[longest_rating(c.text) for c in item.completions] for item in items_of(NAME, ROWS)]
    ranks = [1 + sum(other >= correct for other in others) for correct, *others in ratings]
    assert metrics.judgements == 12
    assert metrics.score == pytest.approx(ranks.count(1) / 3, abs=1e-9)
    assert metrics.extra["mrr"] == pytest.approx(sum(1 / rank for rank in ranks) / 3, abs=1e-9)


def test_a_partial_score_file_is_refused_or_counted(tmp_path):
    """Without --allow-missing the missing problem is named; with it, it is wrong, last, and opens the bounds."""
    rows = [{"id": "7", "scores": [2, 1, 1, 1]}, {"id": "9", "scores": [2, 2, 1, 1]}]
    file = write_rows(tmp_path / "rm.jsonl", rows)
    with pytest.raises(ConfigError, match="missing scores: 12"):
        jb.score(file, benchmark=NAME, data=FIXTURE, out=tmp_path / "runs")
    metrics = jb.score(file, benchmark=NAME, data=FIXTURE, out=tmp_path / "runs", allow_missing=True).metrics
    assert metrics.score == pytest.approx(1 / 3, abs=1e-9)
    assert (metrics.bounds.low, metrics.bounds.high) == pytest.approx((1 / 3, 2 / 3), abs=1e-9)
    assert metrics.extra["mrr"] == pytest.approx((1 + 1 / 2 + 1 / 4) / 3, abs=1e-9)
    assert metrics.extra["mrr_bounds"]["high"] == pytest.approx((1 + 1 / 2 + 1) / 3, abs=1e-9)


@pytest.mark.parametrize("name", KNOWN)
def test_scores_of_real_models_give_the_known_figures(tmp_path, name):
    """Accuracy and MRR of eight judges and reward models on 483 problems are those of the authors' results."""
    folder = shared("rewardmath")
    right, mrr = KNOWN[name]
    file, data = folder / "scores" / f"{name}.jsonl", folder / "items.jsonl"
    metrics = jb.score(file, benchmark=NAME, data=str(data), out=tmp_path / "runs").metrics
    assert (metrics.items, metrics.coverage) == (483, 1)
    assert metrics.score == pytest.approx(right / 483, abs=1e-9)
    assert metrics.extra["mrr"] == pytest.approx(mrr, abs=5e-5)
    assert json.loads((tmp_path / "runs" / NAME / name / "scores" / "metrics.json").read_text())[
        "mrr"
    ] == pytest.approx(mrr, abs=5e-5)
