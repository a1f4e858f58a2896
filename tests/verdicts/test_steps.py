"""What a reply says of the first wrong step, in any ordinary dress; and what a rule of mode steps must be."""

from __future__ import annotations

import math

import pytest

from judgebench.errors import ConfigError
from judgebench.items import NO_STEP, StepIndex, Verdict
from judgebench.templates.frontmatter import read_front_matter
from judgebench.verdicts import KINDS, Reply, VerdictRule, place_tokens, read
from judgebench.verdicts.rule import structured_schema

BOXED = VerdictRule(pattern=r"\\boxed\{([^{}]*)\}", steps=True)
FIELD = VerdictRule(json="step", steps=True)


def head(verdict: str, mode: str = "steps") -> str:
    return f"---\nname: mine\nmode: {mode}\nverdict: {verdict}\n---\n"


@pytest.mark.parametrize(
    ("text", "step"),
    [
        (r"StepIndex 2 adds wrongly. \boxed{2}", 2),
        (r"All hold. \boxed{-1}", NO_STEP),
        (r"First \boxed{4}, no: \boxed{ 1 }", 1),
        (r"\boxed{**3**}", 3),
        ("\\boxed{\u22121}", NO_STEP),
        (r"\boxed{step 12}", 12),
        (r"\boxed{paragraph_3}", 3),
        (r"\boxed{step-1}", 1),
        (r"\boxed{step -1}", NO_STEP),
        (r"\boxed{2.0}", 2),
        (r"\boxed{\text{-1}}", NO_STEP),
    ],
)
def test_a_step_is_read_in_any_dress(text, step):
    """The last mark counts; -1 says that no step is wrong."""
    found = read(Reply(text=text, finish_reason="stop"), BOXED, 1)
    assert isinstance(found, Verdict), found
    assert (found.value, type(found.value)) == (step, StepIndex)


@pytest.mark.parametrize("inside", ["-2", "1.5", "none", "2 or 3", "x = 4", "", "12345678"])
def test_what_is_no_step_is_not_guessed(inside):
    """Neither a fraction nor words nor two numbers are a verdict."""
    found = read(Reply(text=rf"So \boxed{{{inside}}}", finish_reason="stop"), BOXED, 1)
    assert getattr(found, "kind", found) == "unreadable"


@pytest.mark.parametrize("said", ["3", '"3"', "3.0"])
def test_a_field_holds_a_whole_number(said):
    """Also as text; the schema asks for an integer from -1."""
    found = read(Reply(text=f'{{"reasoning": "r", "step": {said}}}', finish_reason="stop"), FIELD, 1)
    assert found == Verdict(StepIndex(3))
    assert structured_schema(FIELD, "A")["properties"]["step"] == {"type": "integer", "minimum": -1}


@pytest.mark.parametrize(
    ("verdict", "mode", "said"),
    [
        (r"{pattern: 'step (\d+)'}", "steps", "can never give -1, which says that no step is wrong"),
        (r"{pattern: 'step (-1|[1-9])'}", "steps", "can never give 0, the first step"),
        (r"{pattern: '(-?\d+)', values: {A: B}}", "steps", "neither values nor scale is allowed"),
        (r"{pattern: '(-?\d+)', scale: [-1, 9]}", "steps", "neither values nor scale is allowed"),
        (r"{pattern: '([AB])', steps: true}", "pairwise", "verdict.steps belongs to mode steps"),
        (r"{pattern: '(-?\d+)', example: 'step two'}", "steps", "verdict.example is not parsed"),
    ],
)
def test_a_rule_must_be_able_to_say_every_step(verdict, mode, said):
    """A pattern without a sign would read -1 as 1; the mistake is found when the template is loaded."""
    with pytest.raises(ConfigError) as caught:
        read_front_matter(head(verdict, mode), "mine.jinja")
    assert said in str(caught.value)


def test_the_probability_of_each_step_is_read_where_it_stands():
    """.7 for step 2 and .2 for step 1 of .9: 7/9 and 2/9."""
    tokens = [(r"\boxed{", None, 0.0, {}), ("2", None, math.log(0.7), {"1": math.log(0.2)}), ("}", None, 0.0, {})]
    text = r"\boxed{2}"
    found = read(Reply(text=text, finish_reason="stop", logprobs=place_tokens(text, tokens)), BOXED, 1)
    assert isinstance(found, Verdict)
    assert found.soft is not None
    assert dict(found.soft.probabilities) == pytest.approx({"2": 7 / 9, "1": 2 / 9}, abs=1e-5)


def test_samples_of_steps_vote_and_have_no_order():
    """No order to put a question in; several samples are one verdict."""
    kind = KINDS["steps"]
    assert (kind.ordered, kind.votes, kind.many) == (False, True, "steps")
