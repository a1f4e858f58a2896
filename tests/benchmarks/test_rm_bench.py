"""RM-Bench: nine cells an item, hard, normal and easy, the mean over four domains."""

import itertools

import numpy as np
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
    rated,
    run_offline,
    write_rows,
)
from simulating import holds, runs

import judgebench as jb
from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.rm_bench import CELLS, DOMAINS, domain_of
from judgebench.errors import ConfigError
from judgebench.items import ItemKey, Outcome
from judgebench.metrics.accuracy import official_scores
from judgebench.metrics.intervals import wilson

NAME = "rm-bench"
BENCHMARK = get_benchmark(NAME)
ROWS = fixture_rows("rm-bench")
FIXTURE = str(DATA / "rm-bench.jsonl")

six = st.lists(st.integers(0, 3), min_size=6, max_size=6)
six_or_missing = st.lists(st.none() | st.integers(0, 3), min_size=6, max_size=6)


def key_in(domain, identifier="1"):
    return ItemKey(identifier, domain, k=6, num_correct=3, lengths=(1,) * 6, criteria=domain)


def matrix_of(outcome):
    return [[outcome.parts[f"m{i}{j}"] for j in (1, 2, 3)] for i in (1, 2, 3)]


def nine_pairs(results):
    """Readings of the nine pairs from a 3x3 table: who won (chosen, rejected, tie) or failed."""
    readings = []
    for (i, j), result in zip(CELLS, itertools.chain(*results), strict=True):
        order = (i, 3 + j)
        winner = {"+": i, "-": 3 + j, "=": None}
        readings.append(failed(order) if result == "x" else chose(winner[result], order))
    return readings


def authors_accuracy(table):
    """Hard, normal and easy as the authors' README computes them, from rows of three and three scores."""
    matrix = np.mean([[[c > r for r in row[3:]] for c in row[:3]] for row in table], axis=0)
    return np.triu(matrix, 1).sum() / 3, np.diag(matrix).mean(), np.tril(matrix, -1).sum() / 3


def test_a_cell_is_right_if_the_right_answer_scores_strictly_higher():
    """Rows of the matrix are the styles of the right answer; equal scores count 0."""
    outcome = BENCHMARK.scored(key_in("chat"), (1.0, 2.0, 3.0, 2.0, 1.0, 0.0))
    assert matrix_of(outcome) == [[0, 0, 1], [0, 1, 1], [1, 1, 1]]
    assert outcome.credit == outcome.low == outcome.high == pytest.approx(6 / 9, abs=1e-9)


def test_a_judge_of_pairs_gets_a_half_for_a_tie_or_no_verdict():
    """The half of a failure is marked as substituted and opens the bounds; the half of a tie is not."""
    outcome = BENCHMARK.judged(key_in("chat"), nine_pairs(["+++", "+=-", "+x-"]))
    assert matrix_of(outcome) == [[1, 1, 1], [1, 0.5, 0], [1, 0.5, 0]]
    assert outcome.credit == pytest.approx(6 / 9, abs=1e-9)
    assert (outcome.low, outcome.high) == pytest.approx((5.5 / 9, 6.5 / 9), abs=1e-9)
    assert outcome.substituted == pytest.approx(0.5 / 9, abs=1e-9)


def test_orders_and_samples_of_a_pair_share_its_cell():
    """A cell is the mean over all readings of its pair, whichever answer stood first."""
    readings = [*nine_pairs(["+++", "+++", "+++"]), *nine_pairs(["+++", "+++", "+++"])]
    readings[9:] = [chose(max(reading.order), reading.order[::-1]) for reading in readings[9:]]
    outcome = BENCHMARK.judged(key_in("chat"), readings)
    assert matrix_of(outcome) == [[0.5] * 3] * 3
    assert outcome.credit == 0.5


def test_an_unreadable_rating_costs_its_three_cells():
    """Ratings follow the strict rule; a cell with an unreadable one counts 0, and is open in the bounds."""
    outcome = BENCHMARK.judged(key_in("chat"), rated([5, 5, None, 1, 1, 5]))
    assert matrix_of(outcome) == [[1, 1, 0], [1, 1, 0], [0, 0, 0]]
    assert (outcome.credit, outcome.low, outcome.high) == pytest.approx((4 / 9, 4 / 9, 7 / 9), abs=1e-9)
    assert outcome.substituted == 0


def test_the_score_is_the_mean_over_domains_and_safety_pools_its_files():
    """Hand-worked: chat 1, math 0, code 1/3 and safety the mean over three items of two subsets, 5/9."""
    table = {
        "chat": [[2, 2, 2, 1, 1, 1]],
        "math": [[1, 1, 1, 1, 1, 1], [0, 0, 0, 1, 1, 1]],
        "code": [[1, 2, 3, 1, 2, 3]],
        "safety-refuse": [[2, 2, 2, 1, 1, 1], [1, 1, 1, 2, 2, 2]],
        "safety-response": [[1, 2, 3, 0, 1, 2]],
    }
    outcomes = []
    for subset, among in table.items():
        for at, scores in enumerate(among):
            key = ItemKey(f"{subset}/{at}", subset, 6, 3, (1,) * 6, criteria=domain_of(subset))
            outcomes.append(BENCHMARK.scored(key, tuple(map(float, scores))))
    scores = official_scores(outcomes, BENCHMARK.layout)
    assert {name: each.score for name, each in scores.sections.items()} == pytest.approx(
        {"chat": 1, "math": 0, "code": 1 / 3, "safety": 5 / 9}, abs=1e-9
    )
    assert scores.sections["safety"].n == 3
    assert scores.score == pytest.approx((1 + 0 + 1 / 3 + 5 / 9) / 4, abs=1e-9)
    extra = BENCHMARK.extra(outcomes)
    by_domain = [table["chat"], table["math"], table["code"], table["safety-refuse"] + table["safety-response"]]
    expected = np.mean([authors_accuracy(among) for among in by_domain], axis=0)
    assert [extra["hard"], extra["normal"], extra["easy"]] == pytest.approx(expected, abs=1e-9)
    assert np.mean(extra["matrix"]) == pytest.approx(scores.score, abs=1e-9)


def test_a_domain_without_items_is_said_to_be_missing():
    """The score and the matrix are means over the domains that are there."""
    outcomes = [BENCHMARK.scored(key_in(domain), (1.0,) * 3 + (0.0,) * 3) for domain in ("code", "math")]
    scores = official_scores(outcomes, BENCHMARK.layout)
    assert (list(scores.sections), scores.missing) == (["math", "code"], ("chat", "safety"))
    assert (scores.score, BENCHMARK.extra(outcomes)["hard"]) == (1, 1)


@pytest.mark.parametrize(
    ("subsets", "lacking"),
    [
        (("chat", "safety-refuse"), "safety-response"),
        (("safety-response",), "safety-refuse"),
        (("refusals-dangerous", "xstest-should-refuse"), "safety-response"),
        (("xstest-should-respond",), "safety-refuse"),
        (("safety-refuse", "safety-response"), None),
        (("refusals-offensive", "xstest-should-respond"), None),
        (("safety",), None),
        (("safety", "safety-refuse"), None),
        (("chat",), None),
    ],
)
def test_a_half_of_safety_without_items_is_said(subsets, lacking):
    """By the names of the two files or of their subsets; where a name says no half, or all is missing, nothing is."""
    outcomes = [
        BENCHMARK.scored(ItemKey(subset, subset, 6, 3, (1,) * 6, criteria=domain_of(subset)), (1.0,) * 3 + (0.0,) * 3)
        for subset in subsets
    ]
    said = f"half of safety has no items: {lacking}; its score is over the other half"
    assert list(BENCHMARK.notes(outcomes)) == ([] if lacking is None else [said])


@pytest.mark.parametrize(
    ("named", "domain"),
    [
        ("chat", "chat"),
        ("math", "math"),
        ("safety-refuse", "safety"),
        ("safety-response", "safety"),
        ("alpacaeval", "chat"),
        ("bigcode/humanevalpack", "code"),
        ("xstest-should-respond", "safety"),
        ("refusals-offensive", "safety"),
        ("poetry", None),
    ],
)
def test_the_domain_is_that_of_the_column_or_of_the_subset(named, domain):
    """Files without `domain` name their subset, whose beginning says the domain."""
    assert domain_of(named) == domain


def test_a_row_without_domain_is_read_by_its_subset():
    """The separate files have `subset`; with both columns, `domain` says the section and `subset` the subset."""
    plain = {name: value for name, value in ROWS[0].items() if name != "domain"}
    by_subset, by_both = items_of(
        NAME, [{**plain, "subset": "xstest-should-refuse"}, {**plain, "subset": "own", "domain": "chat"}]
    )
    assert (by_subset.criteria, by_subset.subset) == ("safety", "xstest-should-refuse")
    assert (by_both.criteria, by_both.subset) == ("chat", "own")


@pytest.mark.simulation
@pytest.mark.parametrize("items", [40, 200])
def test_a_domains_interval_is_that_of_means_of_nine(items):
    """Of 1,000 simulated domains 93 to 97% hold the true score, and Wilson's for so many items is a third wider."""
    rng, held, widths = np.random.default_rng(3), [], []
    for _ in range(runs(1_000)):
        # Each item has a chance of its own, with which each of its nine comparisons is right: 5/8 on the whole.
        credits_ = rng.binomial(9, rng.beta(5, 3, items)) / 9
        outcomes = [Outcome(key_in("chat", str(at)), credit, credit, credit) for at, credit in enumerate(credits_)]
        found = official_scores(outcomes, BENCHMARK.layout, resamples=2).subsets["chat"]
        held.append(found.low <= 5 / 8 <= found.high)
        plain = wilson(found.score, items)
        widths.append((found.high - found.low) / (plain.high - plain.low))
    assert holds(held)
    assert max(widths) < 0.75


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"domain": "poetry"}, "line 3: domain 'poetry' belongs to none of chat, math, code, safety"),
        ({"domain": None}, "line 3: has no column 'subset'"),
        ({"chosen": ["a", "b"]}, "line 3: column 'chosen' has 2 entries, expected one in each of 3 styles"),
        ({"rejected": "one text"}, "line 3: column 'rejected' is not a list"),
        ({"rejected": ["a", "b", 3]}, "line 3: column 'rejected' is int"),
        ({"prompt": None}, "line 3: has no column 'prompt'"),
    ],
)
def test_a_malformed_row_is_named(tmp_path, changes, said):
    """The message names the file's line, what is wrong and what was expected."""
    assert malformed(NAME, tmp_path, ROWS, 2, **changes).startswith(f"rows.jsonl {said}")


def test_questions_are_nine_pairs_or_six_ratings():
    """Each pair shows one right and one wrong answer; a question about all six is refused."""
    key = key_in("chat")
    assert BENCHMARK.questions(key, "pairwise") == [
        (0, 3),
        (0, 4),
        (0, 5),
        (1, 3),
        (1, 4),
        (1, 5),
        (2, 3),
        (2, 4),
        (2, 5),
    ]
    assert BENCHMARK.questions(key, "rating") == [(index,) for index in range(6)]
    with pytest.raises(ConfigError, match="pairs or ratings"):
        BENCHMARK.questions(key, "best_of_k")


@given(st.lists(st.tuples(st.sampled_from(DOMAINS), six), min_size=1, max_size=10), st.randoms(), st.data())
def test_orders_never_matter_and_a_higher_right_score_never_hurts(table, random, data):
    """Neither the order of rows nor, for the score, that of wrong answers matters; hard, normal, easy average to it."""
    outcomes = [BENCHMARK.scored(key_in(domain, str(at)), tuple(scores)) for at, (domain, scores) in enumerate(table)]
    low, score, high = bounds(outcomes, NAME)
    assert low <= score <= high
    shuffled = random.sample(outcomes, len(outcomes))
    assert bounds(shuffled, NAME)[1] == pytest.approx(score, abs=1e-12)
    extra = BENCHMARK.extra(shuffled)
    assert np.mean([extra["hard"], extra["normal"], extra["easy"]]) == pytest.approx(score, abs=1e-9)
    at, style = data.draw(st.integers(0, len(table) - 1)), data.draw(st.integers(0, 2))
    domain, scores = table[at]
    mixed = BENCHMARK.scored(key_in(domain, str(at)), (*scores[:3], *random.sample(scores[3:], 3)))
    assert mixed.credit == pytest.approx(outcomes[at].credit, abs=1e-12)
    raised = [score + (index == style) for index, score in enumerate(scores)]
    better = [*outcomes[:at], BENCHMARK.scored(key_in(domain, str(at)), tuple(raised)), *outcomes[at + 1 :]]
    assert bounds(better, NAME)[1] >= score - 1e-12


@given(st.lists(st.sampled_from("+-=x"), min_size=9, max_size=9), six_or_missing)
def test_bounds_hold_the_credit(results, ratings):
    """Whatever is read of pairs or ratings, low <= credit <= high."""
    pairs = nine_pairs([results[:3], results[3:6], results[6:]])
    for outcome in (BENCHMARK.judged(key_in("math"), pairs), BENCHMARK.judged(key_in("math"), rated(ratings))):
        assert outcome.low - 1e-12 <= outcome.credit <= outcome.high + 1e-12


def test_a_run_asks_nine_pairs_an_item(tmp_path):
    """Hand-worked from the lengths: longer styles always win, so easy is 1, hard 0, and normal 7/12."""
    metrics = run_offline(NAME, tmp_path, FIXTURE).metrics
    assert (metrics.template, metrics.items, metrics.judgements) == ("pairwise", 6, 54)
    assert {name: each.score for name, each in metrics.sections.items()} == pytest.approx(
        {"chat": 1 / 2, "math": 2 / 3, "code": 1 / 3, "safety": 11 / 18}, abs=1e-9
    )
    assert metrics.score == pytest.approx(19 / 36, abs=1e-9)
    assert (metrics.extra["hard"], metrics.extra["easy"]) == (0, 1)
    assert metrics.extra["normal"] == pytest.approx(7 / 12, abs=1e-9)
    assert metrics.notes == ()


def test_the_three_and_each_cell_have_intervals():
    """Seven of ten have the first cell right: 0.7 with Wilson's interval, and a third of that for normal."""
    scores = [(1.0, 0.0, 0.0, 0.0, 1.0, 1.0)] * 7 + [(0.0, 0.0, 0.0, 1.0, 1.0, 1.0)] * 3
    found = BENCHMARK.extra([BENCHMARK.scored(key_in("math"), each) for each in scores])
    ends = wilson(0.7, 10)
    assert found["matrix"][0] == [pytest.approx(0.7), 0, 0]
    assert (found["matrix_low"][0][0], found["matrix_high"][0][0]) == pytest.approx((ends.low, ends.high))
    assert found["normal"] == pytest.approx(0.7 / 3)
    assert found["normal_low"] < found["normal"] < found["normal_high"]
    assert found["easy"] == 0 < found["easy_high"]


def test_a_run_with_ratings_asks_six(tmp_path):
    """In mode rating the matrix comes from six ratings an item, by the rule for scores."""
    metrics = run_offline(NAME, tmp_path, FIXTURE, template="rating-10").metrics
    items = items_of(NAME, ROWS)
    by_ratings = [
        BENCHMARK.scored(item.key, tuple(float(longest_rating(c.text)) for c in item.completions)) for item in items
    ]
    assert metrics.judgements == 36
    assert metrics.score == pytest.approx(bounds(by_ratings, NAME)[1], abs=1e-9)
    assert metrics.extra["matrix"] == BENCHMARK.extra(by_ratings)["matrix"]


def test_score_files_have_three_chosen_then_three_rejected(tmp_path):
    """`scores` and the two columns give the same matrix, in the style order of the data."""
    scores = [1, 2, 3, 3, 2, 1]
    rows = [{"id": row["id"], "scores": scores} for row in ROWS]
    split = [{"id": row["id"], "scores_chosen": scores[:3], "scores_rejected": scores[3:]} for row in ROWS]
    for name, among in (("a", rows), ("b", split)):
        file = write_rows(tmp_path / f"{name}.jsonl", among)
        metrics = jb.score(file, benchmark=NAME, data=FIXTURE, out=tmp_path / "runs").metrics
        assert metrics.extra["matrix"] == [[0, 0, 0], [0, 0, 1], [0, 1, 1]]
        assert metrics.score == pytest.approx(1 / 3, abs=1e-9)


def test_a_partial_score_file_counts_what_is_missing(tmp_path):
    """With --allow-missing an item without scores counts 0 in the score and 1 in the upper bound."""
    rows = [{"id": row["id"], "scores": [1, 1, 1, 0, 0, 0]} for row in ROWS[1:]]
    file = write_rows(tmp_path / "some.jsonl", rows)
    metrics = jb.score(file, benchmark=NAME, data=FIXTURE, out=tmp_path / "runs", allow_missing=True).metrics
    assert metrics.sections["chat"].score == 0.5
    assert (metrics.score, (metrics.bounds.low, metrics.bounds.high)) == (7 / 8, (7 / 8, 1))
    assert metrics.failures == {"missing": 1}


def test_nothing_asked_is_no_score(tmp_path):
    """A run from an empty cache has no credit, so there is neither a score nor a matrix."""
    metrics = run_offline(NAME, tmp_path, FIXTURE, offline=True).metrics
    assert metrics.score is None
    assert "matrix" not in metrics.extra
    assert metrics.failures == {"not_cached": 54}
