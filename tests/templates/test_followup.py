"""The follow-up turn: what it says for each kind of rule."""

import pytest

from judgebench.items import Failure, Verdict
from judgebench.templates.followup import can_be_mended, follow_up, wanted
from judgebench.templates.template import load_template
from judgebench.verdicts.rule import VerdictRule

WANTED = {
    "letters": (VerdictRule(pattern=r"\[\[([AB])\]\]", example="Good. [[A]]"), 2, "[[A]] or [[B]]"),
    "three slots": (VerdictRule(pattern=r"\[\[([A-Z])\]\]", example="[[C]]"), 3, "[[A]] or [[B]] or [[C]]"),
    "values": (
        VerdictRule(
            pattern=r"<(first|second|same)>", values={"first": "A", "second": "B", "same": "tie"}, example="<same>"
        ),
        2,
        "<first> or <second> or <same>",
    ),
    "no example": (VerdictRule(pattern=r"\[\[([AB])\]\]"), 2, "A or B"),
    "the example's last": (VerdictRule(pattern=r"is (\w)", example="is A, no, is B!"), 2, "is A or is B"),
    "a rating": (
        VerdictRule(pattern=r"Rating: (\d+)", scale=(1, 10), example="Rating: 7"),
        1,
        "Rating: (a number from 1 to 10)",
    ),
    "an object": (
        VerdictRule(json="winner", values={"one": "A", "two": "B"}),
        2,
        'a JSON object with "reasoning" and "winner", which is one or two',
    ),
}


@pytest.mark.parametrize("case", WANTED)
def test_every_verdict_is_named_in_the_rules_own_form(case):
    """None is suggested: all stand there, as the rule reads them."""
    rule, slots, words = WANTED[case]
    assert wanted(rule, slots) == words


@pytest.mark.parametrize("kind", ["unreadable", "ambiguous"])
def test_the_form_of_a_reply_can_be_mended(kind):
    """The model said something."""
    assert can_be_mended(Failure(kind, ""))


@pytest.mark.parametrize(
    "result", [Failure("refused", ""), Failure("truncated", ""), Failure("empty", ""), Verdict("A")]
)
def test_nothing_else_is(result):
    """A refusal, a reply cut off or empty, and a verdict stay as they are."""
    assert not can_be_mended(result)


def test_the_turn_goes_on_from_the_reply():
    """The question as it was sent, the reply, and the request."""
    sent = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    messages = follow_up(load_template("pairwise").rule, sent, "Hm.", 2)
    assert messages[:3] == [*sent, {"role": "assistant", "content": "Hm."}]
    assert messages[3]["role"] == "user"
    assert messages[3]["content"].endswith("exactly this form: [[A]] or [[B]]")
