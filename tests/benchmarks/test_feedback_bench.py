"""Direct assessment: ratings from 1 to 5 beside grades, scored by correlations."""

import json
import math

import numpy as np
import pytest
from commands import judgebench
from hypothesis import assume, given, strategies as st
from scipy import stats
from scoring import failed, items_of, malformed, rated, run_offline, write_rows

import judgebench as jb
from judgebench.benchmarks import get_benchmark
from judgebench.items import ItemKey, Outcome
from judgebench.metrics.accuracy import Layout, official_scores, point_score
from judgebench.metrics.grades import CorrelationStratum, correlation_stratum, mean_rating
from judgebench.templates.template import load_template

NAME = "feedback-bench"
BENCHMARK = get_benchmark(NAME)
DESCRIPTIONS = {f"orig_score{score}_description": f"What a {score} looks like." for score in range(1, 6)}
ANSWERS = [
    "No.",
    "It depends on the soil.",
    "Water it twice a week, " * 3,
    "Water it at dusk, " * 20,
    "Deep and seldom. " * 90,
]
GRADES = [1, 2, 2, 4, 5]
ROWS = [
    {
        "instruction": "the whole prompt of another judge",
        "output": f"It is so. [RESULT] {grade}",
        "orig_instruction": f"How often should bed {at} be watered?",
        "orig_response": answer,
        "orig_reference_answer": "Once a week and thoroughly.",
        "orig_criteria": "Is the advice sound and complete?",
        **DESCRIPTIONS,
        "orig_score": str(grade),
    }
    for at, (answer, grade) in enumerate(zip(ANSWERS, GRADES, strict=True))
]


def key(grade, identifier="1", subset="s"):
    return ItemKey(identifier, subset, k=1, num_correct=0, lengths=(1,), human_score=grade)


def graded(ratings, grades, subset="s"):
    """Outcomes from ratings (None has failed) and grades."""
    pairs = zip(ratings, grades, strict=True)
    return [BENCHMARK.judged(key(float(g), str(at), subset), rated([r])) for at, (r, g) in enumerate(pairs)]


def longest_of_five(text):
    """The rating from 1 to 5 of the offline judge that prefers long answers."""
    return 1 + round(4 * min(1.0, math.log1p(len(text)) / math.log1p(5000)))


def test_a_row_becomes_one_answer_with_rubric_reference_and_grade():
    """The rubric is the criteria with the descriptions below; a template sees nothing that tells the grade."""
    found = items_of(NAME, ROWS)[1]
    assert (found.id, [turn.content for turn in found.conversation]) == ("2", ["How often should bed 1 be watered?"])
    assert [completion.text for completion in found.completions] == [ANSWERS[1]]
    assert (found.human_score, found.num_correct, found.metadata) == (2.0, 0, {})
    assert found.reference == "Once a week and thoroughly."
    assert found.rubric == "\n".join(
        ["Is the advice sound and complete?", *(f"{score}: What a {score} looks like." for score in range(1, 6))]
    )


def test_an_id_and_a_subset_are_taken_where_they_are_there():
    """Clones of the data have ids, and rows may have subsets."""
    found = items_of(NAME, [{**ROWS[0], "id": 41, "subset": "garden", "orig_reference_answer": ""}])[0]
    assert (found.id, found.subset, found.reference) == ("41", "garden", None)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"orig_score": "6"},
            "human_score is 6, expected a number from 1 to 5 (in feedback-bench, human_score is orig_score)",
        ),
        ({"orig_score": "high"}, "column 'human_score' is 'high', expected a number"),
        ({"orig_score": None}, "has no label"),
        ({"orig_score3_description": None}, "has no column 'orig_score3_description'"),
        ({"orig_response": None}, "has no column 'orig_response'"),
        ({"orig_criteria": ["a"]}, "column 'orig_criteria' is list, expected text"),
    ],
)
def test_a_malformed_row_names_its_line(tmp_path, changes, said):
    """What is wrong with a row is said with the file and the line."""
    message = malformed(NAME, tmp_path, ROWS, 2, **changes)
    assert message.startswith("rows.jsonl line 3: ")
    assert said in message


def test_the_template_shows_rubric_and_reference_only_where_they_are():
    """direct-assessment words both, and goes without where a row has neither."""
    template = load_template("direct-assessment")
    whole = "\n".join(message["content"] for message in template.render(items_of(NAME, ROWS)[0], (0,)))
    assert "4: What a 4 looks like." in whole
    assert "<reference_answer>\nOnce a week and thoroughly.\n</reference_answer>" in whole
    assert "[RESULT]" not in whole
    bare = items_of("custom", [{"prompt": "p", "response": "x", "human_score": 3}])[0]
    text = "\n".join(message["content"] for message in template.render(bare, (0,)))
    assert "rubric" not in text
    assert "reference" not in text


def test_the_correlations_of_a_worked_case():
    """Ratings 1 2 3 4 5 beside grades 2 1 4 3 5: Pearson and Spearman .8, Kendall (8 - 2) / 10."""
    outcomes = graded([1, 2, 3, 4, 5], [2, 1, 4, 3, 5])
    extra = BENCHMARK.extra(outcomes)
    assert extra["pearson"] == pytest.approx(0.8, abs=1e-12)
    assert extra["spearman"] == pytest.approx(0.8, abs=1e-12)
    assert extra["kendall"] == pytest.approx(0.6, abs=1e-12)
    assert {name: each["n"] for name, each in extra["correlations"].items()} == dict.fromkeys(
        ("pearson", "spearman", "kendall"), 5
    )
    found = official_scores(outcomes, BENCHMARK.layout)
    assert found.score == pytest.approx(0.8, abs=1e-12)
    half = 1.959963984540054 / math.sqrt(2)
    assert (found.low, found.high) == pytest.approx(
        (math.tanh(math.atanh(0.8) - half), math.tanh(math.atanh(0.8) + half)), abs=1e-12
    )
    assert (
        point_score(outcomes, BENCHMARK.layout, "low") == point_score(outcomes, BENCHMARK.layout, "high") == found.score
    )


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=2, max_size=30), st.randoms())
def test_the_score_is_scipys_in_any_order(pairs, random):
    """The score is Pearson's r as scipy has it, inside its interval, and the order of rows never matters."""
    ratings, grades = zip(*pairs, strict=True)
    assume(len(set(ratings)) > 1 and len(set(grades)) > 1)
    outcomes = graded(ratings, grades)
    found = official_scores(outcomes, BENCHMARK.layout)
    assert found.score == pytest.approx(stats.pearsonr(ratings, grades).statistic, abs=1e-9)
    assert -1 <= found.low <= found.score <= found.high <= 1
    shuffled = random.sample(outcomes, len(outcomes))
    assert point_score(shuffled, BENCHMARK.layout) == pytest.approx(found.score, abs=1e-9)


def test_a_negative_correlation_keeps_its_sign():
    """A judge that rates the wrong way round has a score below 0, and an interval that says so."""
    found = official_scores(graded([5, 4, 3, 2, 1, 1] * 5, [1, 2, 3, 4, 5, 4] * 5), BENCHMARK.layout)
    assert found.score < -0.9
    assert -1 <= found.low < found.score < found.high < 0


def test_samples_are_rated_by_their_mean():
    """With several samples the mean of the readable ratings counts."""
    readings = [*rated([2]), *rated([5], sample=1), failed((0,), sample=2)]
    outcome = BENCHMARK.judged(key(3.0), readings)
    assert mean_rating(outcome) == 3.5
    assert (outcome.credit, outcome.failed, outcome.source["rating"]) == (None, True, 3.5)


def test_failures_are_left_out_and_leave_no_bounds():
    """An answer without a rating is in no correlation, is counted, and makes bounds impossible."""
    outcomes = graded([1, 2, None, 4, 5], [2, 1, 4, 3, 5])
    assert point_score(outcomes, BENCHMARK.layout) == pytest.approx(
        stats.pearsonr([1, 2, 4, 5], [2, 1, 3, 5]).statistic, abs=1e-9
    )
    assert point_score(outcomes, BENCHMARK.layout, "low") is None
    assert any("1 of 5 items have no rating" in note for note in BENCHMARK.notes(outcomes))


@pytest.mark.parametrize(
    ("ratings", "grades"), [([3, 3, 3], [1, 2, 3]), ([1, 2, 3], [4, 4, 4]), ([None, None], [1, 2]), ([3], [2])]
)
def test_without_variation_there_is_no_score_and_a_note(ratings, grades):
    """A correlation needs two ratings and two grades that differ: else the score is null, and why is said."""
    outcomes = graded(ratings, grades)
    assert official_scores(outcomes, BENCHMARK.layout).score is None
    assert BENCHMARK.extra(outcomes)["pearson"] is None
    assert any("do not vary" in note for note in BENCHMARK.notes(outcomes))


def test_a_run_from_end_to_end(tmp_path):
    """A judge's run has the three correlations in metrics.json, and its ratings in outcomes.jsonl."""
    run = run_offline(NAME, tmp_path, write_rows(tmp_path / "rows.jsonl", ROWS))
    ratings = [longest_of_five(answer) for answer in ANSWERS]
    metrics = json.loads((run.path / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["template"] == "direct-assessment"
    assert metrics["score"] == metrics["pearson"] == pytest.approx(stats.pearsonr(ratings, GRADES).statistic, abs=1e-9)
    assert metrics["spearman"] == pytest.approx(stats.spearmanr(ratings, GRADES).statistic, abs=1e-9)
    assert metrics["kendall"] == pytest.approx(stats.kendalltau(ratings, GRADES).statistic, abs=1e-9)
    assert [metrics["bounds"][end] for end in ("low", "high")] == [metrics["score"]] * 2
    assert [(each.parts["rating"], each.parts["human_score"], each.credit) for each in run.outcomes] == [
        (rating, grade, None) for rating, grade in zip(ratings, GRADES, strict=True)
    ]


def test_only_ratings_fit(tmp_path):
    """A template that compares is a mistake of the user's, with exit status 2."""
    data = write_rows(tmp_path / "rows.jsonl", ROWS)
    ended = judgebench(
        "run", NAME, "--data", data, "-j", "offline/longest", "-t", "pairwise", "--out", tmp_path / "runs"
    )
    assert ended.status == 2
    assert "does not fit feedback-bench, which takes rating" in ended.err


def test_scores_of_a_reward_model_on_any_scale(tmp_path):
    """A reward model's scores stand in for the ratings; those that are missing are left out, and said."""
    scores = [{"id": str(at), "scores": value} for at, value in enumerate([-3.5, 0.25, -1.0, 8.0], 1)]
    run = jb.score(
        write_rows(tmp_path / "scores.jsonl", scores),
        benchmark=NAME,
        data=write_rows(tmp_path / "rows.jsonl", ROWS),
        out=tmp_path / "runs",
        allow_missing=True,
    )
    assert run.metrics.score == pytest.approx(stats.pearsonr([-3.5, 0.25, -1.0, 8.0], GRADES[:4]).statistic, abs=1e-9)
    assert (run.metrics.failures, run.metrics.bounds) == ({"missing": 1}, None)
    assert not any("counts 0" in note for note in run.metrics.notes)


def test_grades_of_ones_own_have_subsets_beside(tmp_path):
    """Custom rows with human_score: one correlation over all, and each subset's own where it varies."""
    rows = [
        {"prompt": f"q{at}", "response": answer, "human_score": 10 * grade, "subset": "same" if at < 1 else "varied"}
        for at, (answer, grade) in enumerate(zip(ANSWERS, GRADES, strict=True))
    ]
    metrics = run_offline("custom", tmp_path, write_rows(tmp_path / "rows.jsonl", rows)).metrics
    ratings = [longest_of_five(answer) for answer in ANSWERS]
    assert metrics.score == pytest.approx(stats.pearsonr(ratings, GRADES).statistic, abs=1e-9)
    assert list(metrics.subsets) == ["varied"]
    assert metrics.subsets["varied"].score == pytest.approx(stats.pearsonr(ratings[1:], GRADES[1:]).statistic, abs=1e-9)


def test_correlations_can_be_sections_of_a_mean():
    """A layout may weigh the correlations of its subsets: the interval then comes from draws around each."""
    layout = Layout(sections=("a", "b"), section_of=lambda item: item.subset, stratum=correlation_stratum)
    ratings, grades = [1, 2, 3, 4, 5, 3], [2, 1, 4, 3, 5, 3]
    outcomes: list[Outcome] = [*graded(ratings, grades, "a"), *graded(ratings, grades[::-1], "b")]
    found = official_scores(outcomes, layout)
    assert found.score == pytest.approx(sum(each.score for each in found.sections.values()) / 2, abs=1e-12)
    assert found.sections["a"].low < found.sections["a"].score < found.sections["a"].high
    few = CorrelationStratum(correlation_of_two())
    assert np.ptp(few.draws(np.random.default_rng(0), 1000)) > 1


def correlation_of_two():
    """A correlation that says nothing, being of two pairs."""
    from judgebench.metrics.calibration import pearson

    return pearson([1, 2], [1, 2])
