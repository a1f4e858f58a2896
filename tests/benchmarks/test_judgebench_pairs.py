"""JudgeBench: votes over both orders, categories by source, accuracy over all pairs."""

import itertools

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
    pair_key,
    rated,
    run_offline,
    write_rows,
)

import judgebench as jb
from judgebench.benchmarks import get_benchmark
from judgebench.metrics.accuracy import official_scores
from judgebench.templates.template import load_template
from judgebench.verdicts.reading import read_text

NAME = "judgebench-gpt"
BENCHMARK = get_benchmark(NAME)
ROWS = fixture_rows("judgebench")
FIXTURE = str(DATA / "judgebench.jsonl")
SWAPPED = (1, 0)

readings_of_two_orders = st.tuples(
    *(
        st.sampled_from([chose(0, order), chose(1, order), chose(None, order), failed(order)])
        for order in ((0, 1), SWAPPED)
    )
)


@pytest.mark.parametrize(
    ("first", "second", "credit", "low", "high"),
    [
        (chose(0), chose(0, SWAPPED), 1, 1, 1),
        (chose(0), chose(1, SWAPPED), 0, 0, 0),
        (chose(0), chose(None, SWAPPED), 1, 1, 1),
        (chose(1), chose(None, SWAPPED), 0, 0, 0),
        (chose(None), chose(None, SWAPPED), 0, 0, 0),
        (chose(0), failed(SWAPPED), 1, 0, 1),
        (chose(1), failed(SWAPPED), 0, 0, 0),
        (chose(None), failed(SWAPPED), 0, 0, 1),
        (failed(), failed(SWAPPED), 0, 0, 1),
    ],
)
def test_a_pair_is_right_if_its_votes_sum_to_more_than_zero(first, second, credit, low, high):
    """Each order votes +1, -1 or 0; failures are 0, and -1 and +1 in the bounds."""
    outcome = BENCHMARK.judged(pair_key(), [first, second])
    assert (outcome.credit, outcome.low, outcome.high, outcome.substituted) == (credit, low, high, 0)


def test_each_sample_is_a_vote_of_its_own():
    """With two samples, the credit is the mean over the samples of the rule over both orders."""
    readings = [chose(0), chose(0, SWAPPED), chose(0, sample=1), chose(1, SWAPPED, sample=1)]
    assert BENCHMARK.judged(pair_key(), readings).credit == 0.5


def test_one_order_alone_is_the_rule_with_one_vote():
    """With one order, a pair is right if that order agrees with the label, and a tie is wrong."""
    assert [BENCHMARK.judged(pair_key(), [chose(c, SWAPPED)]).credit for c in (0, 1, None)] == [1, 0, 0]


@pytest.mark.parametrize(
    ("scores", "credit", "high"), [((2, 1), 1, 1), ((1, 1), 0, 0), ((1, 2), 0, 0), ((7, None), 0, 1), ((None, 7), 0, 1)]
)
def test_ratings_and_scores_must_be_strictly_higher(scores, credit, high):
    """Equal counts wrong; so does a pair with an unreadable rating, which only the upper bound counts right."""
    for outcome in (BENCHMARK.judged(pair_key(), rated(scores)), BENCHMARK.scored(pair_key(), scores)):
        assert (outcome.credit, outcome.high) == (credit, high)


def test_the_right_answer_comes_first_whatever_its_letter():
    """Label B>A puts response B first among the completions, and the label is kept from templates."""
    items = items_of(NAME, ROWS)
    assert [item.completions[0].text for item in items] == [
        row["response_A" if row["label"] == "A>B" else "response_B"] for row in ROWS
    ]
    assert all("label" not in item.metadata and item.num_correct == 1 for item in items)
    assert items[0].metadata["response_model"] == "model-x"


def test_the_score_is_over_pairs_and_categories_stand_beside_it():
    """Hand-worked: 1 of 2 knowledge, 1 of 1 reasoning, 0 of 1 math, 1 of 1 coding: 3 of 5, not the mean 0.625."""
    keys = [item.key for item in items_of(NAME, ROWS[:5])]
    outcomes = [BENCHMARK.scored(key, (1.0, wrong)) for key, wrong in zip(keys, (0, 2, 0, 1, 0), strict=True)]
    scores = official_scores(outcomes, BENCHMARK.layout)
    assert scores.score == pytest.approx(3 / 5, abs=1e-9)
    assert {name: (each.score, each.n) for name, each in scores.sections.items()} == {
        "knowledge": (0.5, 2),
        "reasoning": (1, 1),
        "math": (0, 1),
        "coding": (1, 1),
    }
    assert scores.subsets["mmlu-pro-law"].score == 0


def test_a_category_without_pairs_is_said_to_be_missing():
    """A file with knowledge and math alone has their two sections, and the others are named as missing."""
    outcomes = [BENCHMARK.scored(item.key, (1.0, 0.0)) for item in items_of(NAME, [ROWS[0], ROWS[3]])]
    scores = official_scores(outcomes, BENCHMARK.layout)
    assert (list(scores.sections), scores.missing) == (["knowledge", "math"], ("reasoning", "coding"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"label": "A?B"}, "line 2: label is 'A?B', expected A, B, tie, A>B, B>A or A=B"),
        ({"label": None}, "line 2: has no column 'label'"),
        ({"source": "gsm8k"}, "line 2: subset 'gsm8k' is in none of the sections knowledge, reasoning"),
        ({"pair_id": None}, "line 2: has no column 'pair_id'"),
        ({"response_B": {"a": 1}}, "line 2: column 'response_b' is dict"),
        ({"question": []}, "line 2: column 'prompt' is list"),
    ],
)
def test_a_malformed_row_is_named(tmp_path, changes, said):
    """The message names the file's line, what is wrong and what was expected."""
    assert malformed(NAME, tmp_path, ROWS, 1, **changes).startswith(f"rows.jsonl {said}")


def test_five_steps_are_read_and_must_be_the_same_text():
    """`>>` counts as `>`, and a reply that says both A>>B and A>B has no verdict."""
    rule = load_template("five-point").rule
    read = {text: read_text(f"so [[{text}]]", rule, 2).value for text in ("A>>B", "A>B", "A=B", "B>A", "B>>A")}
    assert read == {"A>>B": "A", "A>B": "A", "A=B": "tie", "B>A": "B", "B>>A": "B"}
    assert read_text("[[A>B]] and again [[A>B]]", rule, 2).value == "A"
    assert read_text("[[A>>B]], no, [[A>B]]", rule, 2).kind == "ambiguous"


def test_both_splits_are_benchmarks_of_one_hub_dataset():
    """The two names differ in the split alone."""
    claude = get_benchmark("judgebench-claude")
    assert (BENCHMARK.hub_id, claude.hub_id) == ("ScalerLab/JudgeBench",) * 2
    assert (BENCHMARK.hub_split, claude.hub_split) == ("gpt", "claude")


@given(readings_of_two_orders, st.randoms())
def test_bounds_hold_the_credit_and_the_order_of_readings_does_not_matter(readings, random):
    """Whatever is read, low <= credit <= high, and the readings may come in any order."""
    outcome = BENCHMARK.judged(pair_key(), readings)
    assert outcome.low <= outcome.credit <= outcome.high
    shuffled = random.sample(readings, len(readings))
    again = BENCHMARK.judged(pair_key(), shuffled)
    assert (again.credit, again.low, again.high) == (outcome.credit, outcome.low, outcome.high)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12), st.randoms(), st.data())
def test_order_of_rows_never_matters_and_a_higher_right_score_never_hurts(scores, random, data):
    """The score is the same in any order of rows, and raising one right answer's score never lowers it."""
    keys = [
        pair_key(str(at), source)
        for at, source in zip(
            range(len(scores)), itertools.cycle(["mmlu-pro-x", "livebench-math", "livecodebench"]), strict=False
        )
    ]
    outcomes = [BENCHMARK.scored(key, pair) for key, pair in zip(keys, scores, strict=True)]
    low, score, high = bounds(outcomes, NAME)
    assert low <= score <= high
    assert bounds(random.sample(outcomes, len(outcomes)), NAME)[1] == pytest.approx(score, abs=1e-12)
    at = data.draw(st.integers(0, len(scores) - 1))
    right, wrong = scores[at]
    raised = [*outcomes[:at], BENCHMARK.scored(keys[at], (right + 1, wrong)), *outcomes[at + 1 :]]
    assert bounds(raised, NAME)[1] >= score - 1e-12


@pytest.mark.parametrize("name", [NAME, "judgebench-claude"])
def test_a_run_asks_both_orders_with_five_steps(tmp_path, name):
    """The judge of longer answers is right on 4 of the 6 pairs, and the same in both orders of all."""
    run = run_offline(name, tmp_path, FIXTURE)
    metrics = run.metrics
    assert metrics.template == "five-point"
    assert (metrics.judgements, metrics.coverage, metrics.consistency) == (12, 1, 1)
    assert metrics.score == pytest.approx(4 / 6, abs=1e-9)
    assert {section: each.score for section, each in metrics.sections.items()} == {
        "knowledge": 0.5,
        "reasoning": 1,
        "math": 0,
        "coding": 1,
    }
    assert metrics.notes == ()


def test_a_run_with_ratings_compares_them(tmp_path):
    """In mode rating each pair is right where the right answer's rating is strictly higher."""
    metrics = run_offline(NAME, tmp_path, FIXTURE, template="rating-10").metrics
    pairs = [tuple(longest_rating(c.text) for c in item.completions) for item in items_of(NAME, ROWS)]
    assert metrics.score == pytest.approx(sum(right > wrong for right, wrong in pairs) / 6, abs=1e-9)
    assert metrics.judgements == 12


def test_score_files_have_the_right_answer_first(tmp_path):
    """`scores` and `scores_chosen` with `scores_rejected` give the same result, the right answer's score first."""
    wins = {"pair-1", "pair-2", "pair-5"}
    rows = [{"id": row["pair_id"], "scores": [1.0, 0.0 if row["pair_id"] in wins else 1.0]} for row in ROWS]
    split = [{"id": r["id"], "scores_chosen": r["scores"][:1], "scores_rejected": r["scores"][1:]} for r in rows]
    for name, among in (("a", rows), ("b", split)):
        file = write_rows(tmp_path / f"{name}.jsonl", among)
        metrics = jb.score(file, benchmark=NAME, data=FIXTURE, out=tmp_path / "runs").metrics
        assert metrics.score == pytest.approx(0.5, abs=1e-9)
