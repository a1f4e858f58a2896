"""A decision model's probabilities as verdicts: figures worked by hand, and every form of template."""

from __future__ import annotations

import math
from typing import Any

import pytest
from shippedtemplates import loaded

from judgebench.items import LABELS, TIE, Criterion, Failure, StepIndex, Verdict
from judgebench.verdicts import Reply, VerdictRule, read, typed_questions
from judgebench.verdicts.decisions import levels_of

PAIR = VerdictRule(pattern="([AB])")
TIES = VerdictRule(pattern="(A|B|C)", values={"A": "A", "B": "B", "C": TIE})
TEN = VerdictRule(pattern=r"(\d+)", scale=(1, 10))
PASS = VerdictRule(pattern="(PASS|FAIL)", values={"PASS": "pass", "FAIL": "fail"}, positive="pass")
THREE = VerdictRule(pattern="([NPU])", values={"N": "no", "P": "yes", "U": "unsure"}, positive="yes", abstain="unsure")
MET = VerdictRule.model_validate({"json": "verdicts", "of": {"values": {"met": 1, "unmet": 0}}, "example": "{}"})
ABOUT = MET.about(
    (Criterion("c1", "Is it short?", 3.0), Criterion("c2", "Is it rude?", -1.0), Criterion("c3", "", 1.0))
)
SCORES = VerdictRule(pattern="(.*)", scores=(1, 3), example="1 2")
RANKING = VerdictRule(pattern="(.*)", ranking="strict", example="B > A")
MEAN = VerdictRule(pattern="(.*)", scale=(1, 3), criteria={"clear": 1.0, "true": 3.0}, example="clear: 1, true: 2")
STEPS = VerdictRule(pattern=r"(-?\d+)", steps=True)


def verdict(rule: VerdictRule, k: int, *answers: Any) -> Verdict:
    found = read(Reply(answers=list(answers), finish_reason="stop"), rule, k)
    assert isinstance(found, Verdict), found
    return found


def soft(found: Verdict) -> dict[str, float]:
    assert found.soft is not None
    return dict(found.soft.probabilities)


def test_a_choice_is_its_most_probable_slot() -> None:
    """With the probabilities as they came."""
    found = verdict(PAIR, 2, {"A": 0.3123456789, "B": 0.6876543211})
    assert (found.value, soft(found)) == ("B", {"A": 0.3123456789, "B": 0.6876543211})


def test_four_slots_are_one_choice() -> None:
    """Of several that are equally probable none is chosen: a tie, with a template without ties too."""
    assert verdict(PAIR, 4, {"A": 0.1, "B": 0.2, "C": 0.6, "D": 0.1}).value == "C"
    assert verdict(PAIR, 4, {"A": 0.4, "B": 0.1, "C": 0.4, "D": 0.1}).value == TIE


def test_a_tie_is_an_option_where_the_template_has_one() -> None:
    """It is asked about, and may be the verdict."""
    assert [*typed_questions(TIES, "AB")["verdict"]["criteria"]] == ["A", "B", TIE]
    assert verdict(TIES, 2, {"A": 0.3, "B": 0.3, TIE: 0.4}).value == TIE


def test_a_rating_is_the_mean_of_its_levels() -> None:
    """1 to 10 with 0.25 on 4, 0.5 on 7 and 0.25 on 8: 1 + 3.5 + 2 = 6.5."""
    shares = {str(level): 0.0 for level in range(1, 11)} | {"4": 0.25, "7": 0.5, "8": 0.25}
    found = verdict(TEN, 1, shares)
    assert (found.value, soft(found)["7"]) == (6.5, 0.5)


@pytest.mark.parametrize(
    ("scale", "levels"),
    [
        ((1, 5), [1, 2, 3, 4, 5]),
        ((0, 10), [0, 2, 4, 6, 8, 10]),
        ((0, 100), [0, 20, 40, 60, 80, 100]),
        ((0, 1), [0, 1]),
        ((-1, 1), [-1, 0, 1]),
        ((1, 20), [1 + 19 * step / 9 for step in range(10)]),
        ((0.5, 5), [0.5 + 0.5 * step for step in range(10)]),
    ],
)
def test_a_scale_has_ten_levels_at_most(scale: tuple[float, float], levels: list[float]) -> None:
    """Its whole numbers, else evenly spaced ones, both ends among them."""
    assert levels_of(scale) == pytest.approx(levels)


def test_pass_and_fail_are_a_predicate() -> None:
    """Whose truth is the positive class."""
    assert typed_questions(PASS, "A")["verdict"]["type"] == "noul"
    found = verdict(PASS, 1, {"true": 0.2, "false": 0.8})
    assert (found.value, soft(found)) == ("fail", {"pass": 0.2, "fail": 0.8})


def test_classes_that_are_called_true_and_false_are_not_mistaken() -> None:
    """The predicate's `true` is the positive class, here `false`."""
    rule = VerdictRule(pattern="(.)", values={"F": "false", "T": "true"}, positive="false")
    assert verdict(rule, 1, {"true": 0.9, "false": 0.1}).value == "false"


def test_three_classes_are_a_choice() -> None:
    """Abstention among them."""
    assert [*typed_questions(THREE, "A")["verdict"]["criteria"]] == ["no", "yes", "unsure"]
    assert verdict(THREE, 1, {"no": 0.2, "yes": 0.3, "unsure": 0.5}).value == "unsure"


def test_criteria_are_questions_of_one_call() -> None:
    """Met, not met, met: (3 + 1) / 4 is the whole weight; each is as probable as it was said to be."""
    asked = typed_questions(ABOUT, "A")
    assert ([*asked], "Is it rude?" in asked["2"]["instructions"]) == (["1", "2", "3"], True)
    answers = [{"true": share, "false": 1 - share} for share in (0.9, 0.25, 0.5)]
    found = verdict(ABOUT, 1, *answers)
    assert (found.value, found.parts) == (1.0, (("c1", 1.0), ("c2", 0.0), ("c3", 1.0)))
    assert found.soft is not None
    assert found.soft.expected == (("c1", 0.9), ("c2", 0.25), ("c3", 0.5))


def test_scores_of_slots_are_questions_of_one_call() -> None:
    """Means 2 and 1.5; A above B: 0.5 x 0.5 (2 or 3 over 1) + 0.5 x 0.5 (3 over 2) and B above A 0.5 x 0.5."""
    found = verdict(SCORES, 2, {"1": 0.5, "2": 0.0, "3": 0.5}, {"1": 0.5, "2": 0.5, "3": 0.0})
    assert (found.value, found.parts) == ("A", (("A", 2.0), ("B", 1.5)))
    assert soft(found) == pytest.approx({"A": 0.5, "B": 0.25, TIE: 0.25}, abs=1e-12)


def test_a_ranking_is_the_slots_by_their_probability() -> None:
    """The first is the verdict; equal ones stand side by side."""
    found = verdict(RANKING, 3, {"A": 0.2, "B": 0.6, "C": 0.2})
    assert (found.value, found.ranking) == ("B", "B>A=C")


def test_ratings_by_criteria_are_weighted() -> None:
    """(1 x 1.5 + 3 x 3) / 4 = 2.625."""
    found = verdict(MEAN, 1, {"1": 0.5, "2": 0.5, "3": 0.0}, {"1": 0.0, "2": 0.0, "3": 1.0})
    assert (found.value, found.parts) == (2.625, (("clear", 1.5), ("true", 3.0)))
    assert math.fsum(float(level) * share for level, share in soft(found).items()) == pytest.approx(2.625, abs=1e-9)


def test_a_step_is_a_choice_of_numbers() -> None:
    """-1 for none."""
    assert [*typed_questions(STEPS, "A", 3)["verdict"]["criteria"]] == ["-1", "0", "1", "2"]
    found = verdict(STEPS, 1, {"-1": 0.2, "0": 0.1, "1": 0.7, "2": 0.0})
    assert (found.value, type(found.value)) == (1, StepIndex)


def test_rounded_probabilities_are_made_to_sum_to_one() -> None:
    """0.333 of 0.999 is a third; what came stays as the mass."""
    found = verdict(VerdictRule(pattern="([ABC])"), 3, {"A": 0.333, "B": 0.333, "C": 0.333})
    assert found.soft is not None
    assert soft(found)["A"] == pytest.approx(1 / 3, abs=1e-12)
    assert found.soft.mass == pytest.approx(0.999)


BROKEN: dict[str, tuple[VerdictRule, int, list[Any], str]] = {
    "none": (PAIR, 2, [None], "refused"),
    "no answers": (PAIR, 2, [], "unreadable"),
    "fewer options": (PAIR, 2, [{"A": 1.0}], "unreadable"),
    "no options": (PAIR, 2, [{}], "unreadable"),
    "unknown option": (PAIR, 2, [{"A": 0.5, "B": 0.3, "C": 0.2}], "unreadable"),
    "other words": (PAIR, 2, [{"A": 0.5, "b": 0.5}], "unreadable"),
    "sum below": (PAIR, 2, [{"A": 0.3, "B": 0.3}], "unreadable"),
    "sum above": (PAIR, 2, [{"A": 0.9, "B": 0.9}], "unreadable"),
    "no number": (PAIR, 2, [{"A": None, "B": 0.5}], "unreadable"),
    "not a number": (PAIR, 2, [{"A": math.nan, "B": 0.5}], "unreadable"),
    "infinite": (PAIR, 2, [{"A": math.inf, "B": 0.5}], "unreadable"),
    "negative": (PAIR, 2, [{"A": 1.5, "B": -0.5}], "unreadable"),
    "predicate above 1": (PASS, 1, [{"true": 1.25, "false": -0.25}], "unreadable"),
    "a level short": (TEN, 1, [{str(level): 0.125 for level in range(1, 9)}], "unreadable"),
    "one criterion refused": (ABOUT, 1, [{"true": 1.0, "false": 0.0}, None, {"true": 1.0, "false": 0.0}], "refused"),
    "a criterion short": (ABOUT, 1, [{"true": 1.0, "false": 0.0}], "unreadable"),
    "no step": (STEPS, 1, [{"first": 1.0}], "unreadable"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_are_no_probabilities_is_a_failure(name: str) -> None:
    """With its kind, and never a verdict."""
    rule, k, answers, kind = BROKEN[name]
    found = read(Reply(answers=answers, text="A", finish_reason="stop"), rule, k)
    assert isinstance(found, Failure), found
    assert (found.kind, found.detail != "") == (kind, True)


def test_a_reply_of_text_is_read_as_before() -> None:
    """Answers are what makes the difference."""
    assert read(Reply(text="A", finish_reason="stop"), PAIR, 2) == Verdict("A")


FORMS = (
    *("pairwise", "pairwise-ties", "pairwise-json", "arena-hard", "four-way", "ranking", "judgelm", "rating-10"),
    *("rating-criteria", "pass-fail", "pass-fail-unsure", "criteria", "criteria-each", "first-wrong-step"),
)
"""Templates of every form that a rule may have."""


@pytest.mark.parametrize("name", FORMS)
def test_every_form_of_template_can_be_asked_of_a_decision_model(name: str) -> None:
    """The questions have options, and answers that prefer the first are a verdict with probabilities."""
    template = loaded(name)
    for k in template.kind.numbers:
        asked = ABOUT.asked or ()
        rule = template.rule
        if rule.of is not None:
            rule = rule.about(asked[:1] if rule.reads_each else asked)
        answers = []
        for question in typed_questions(rule, LABELS[:k], 4).values():
            options = {"noul": ["true", "false"]}.get(question["type"]) or [*question["criteria"]]
            rest = dict.fromkeys(options[1:], 0.4 / (len(options) - 1))
            answers.append({options[0]: 0.6} | rest)
            assert question["type"] != "score" or len(options) <= 10
        found = verdict(rule, k, *answers)
        assert math.fsum(soft(found).values()) == pytest.approx(1, abs=1e-9)
