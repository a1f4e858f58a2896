"""Probabilities of verdicts from a reply's tokens: by hand, for each way in which tokens can cut a verdict."""

import math

import pytest

from judgebench.items import Verdict
from judgebench.verdicts.reading import read
from judgebench.verdicts.reply import Reply
from judgebench.verdicts.rule import VerdictRule
from judgebench.verdicts.soft import FIRST, LAST, place_tokens

TAG = VerdictRule(pattern=r"\[\[([AB])\]\]")
FIVE = VerdictRule(
    pattern=r"\[\[(A>>B|A>B|A=B|B>A|B>>A)\]\]", values={"A>>B": "A", "A>B": "A", "A=B": "tie", "B>A": "B", "B>>A": "B"}
)
TEN = VerdictRule(pattern=r"\[\[(\d+)\]\]", scale=(1, 10))
JSON = VerdictRule(json="better")


def reply(tokens, text=None, raw=True):
    """A reply of these tokens, each with the probabilities in its place (by itself 1)."""
    whole = "".join(token for token, _ in tokens) if text is None else text
    told = [
        (
            token,
            list(token.encode()) if raw else None,
            math.log(known.get(token, 1.0)),
            {other: math.log(p) for other, p in known.items()},
        )
        for token, known in tokens
    ]
    return Reply(text=whole, logprobs=place_tokens(whole, told))


def said(tokens, rule, k=2, **more):
    """Probabilities and mass, in four digits; None where there are none."""
    result = read(reply(tokens, **more), rule, k)
    assert isinstance(result, Verdict)
    return result.soft and (
        {name: round(p, 4) for name, p in result.soft.probabilities if p},
        round(result.soft.mass, 4),
    )


@pytest.mark.parametrize(
    "tokens",
    [
        [("So ", {}), ("[[", {}), ("A", {"A": 0.6, "B": 0.2, "C": 0.1}), ("]]", {})],
        [("So", {}), (" [[", {}), ("A]]", {"A]]": 0.6, "B]]": 0.2, "]]": 0.1})],
        [("So ", {}), ("[[A", {"[[A": 0.6, "[[B": 0.2, "[[": 0.1}), ("]]", {})],
        [("So ", {}), ("[[A]]", {"[[A]]": 0.6, "[[B]]": 0.2, "I": 0.1})],
        [("So [", {}), ("[", {}), ("A", {"A": 0.6, " B": 0.2, "An": 0.1}), ("]", {}), ("]", {})],
    ],
)
def test_the_letter_s_token_has_the_probabilities(tokens):
    """0.6 to 0.2 are 0.75 to 0.25; what is no verdict is left out, and the mass is 0.8."""
    assert said(tokens, TAG) == ({"A": 0.75, "B": 0.25}, 0.8)


def test_the_verdict_that_counts_is_the_one_that_is_looked_at():
    """The last match, not the first."""
    tokens = [("[[", {}), ("A", {"A": 0.9, "B": 0.1}), ("]] no, [[", {}), ("B", {"A": 0.3, "B": 0.7}), ("]]", {})]
    assert said(tokens, TAG) == ({"A": 0.3, "B": 0.7}, 1.0)


def test_a_verdict_of_several_tokens_has_their_product():
    """B then >: 0.6 x 0.5 for B>A and 0.6 x 0.4 for B>>A are both B's; A's 0.3 is shared by its three texts, A=B among.

    B: 0.54 of 0.84; A: 0.2; tie: 0.1.
    """
    tokens = [("[[", {}), ("B", {"B": 0.6, "A": 0.3}), (">", {">": 0.5, ">>": 0.4}), ("A", {"A": 1.0}), ("]]", {})]
    shares, mass = said(tokens, FIVE)
    assert mass == 0.84
    assert shares == pytest.approx({"B": 0.54 / 0.84, "A": 0.2 / 0.84, "tie": 0.1 / 0.84}, abs=1e-4)


def test_ratings_have_the_probability_of_each_number():
    """7 with 0.5, 8 with 0.3, 10 with 0.2 in one token each."""
    tokens = [("[[", {}), ("7", {"7": 0.5, "8": 0.3, "10": 0.2}), ("]]", {})]
    assert said(tokens, TEN, 1) == ({"7": 0.5, "8": 0.3, "10": 0.2}, 1.0)


def test_a_number_that_is_a_token_of_its_own_is_no_beginning_of_another():
    """Beside 10, the token 1 is the rating 1."""
    tokens = [("[[", {}), ("7", {"7": 0.5, "1": 0.3, "10": 0.2}), ("]]", {})]
    assert said(tokens, TEN, 1) == ({"1": 0.3, "7": 0.5, "10": 0.2}, 1.0)


def test_a_digit_that_may_begin_two_numbers_is_left_out():
    """Where digits are tokens, 1 may become 10: nobody knows which, so 0.4 lack in the mass."""
    tokens = [("[[", {}), ("7", {"7": 0.6, "1": 0.4}), ("]]", {})]
    assert said(tokens, TEN, 1) == ({"7": 1.0}, 0.6)


@pytest.mark.parametrize("known", [{}, {"A": 0.55}])
def test_without_alternatives_there_is_no_probability(known):
    """No token but the chosen one came: what else might have been said is not known."""
    assert said([("[[", {}), ("A", known), ("]]", {})], TAG) is None


def test_a_choice_below_the_tokens_that_came_has_at_most_the_least_of_them():
    """A has 0.2, others 0.5, 0.2 and 0.04; B, which did not come, had at most 0.04, though 0.06 are left: 5 to 1."""
    tokens = [("[[", {}), ("A", {"A": 0.2, "The": 0.5, "An": 0.2, "I": 0.04}), ("]]", {})]
    assert said(tokens, TAG) == ({"A": 0.8333, "B": 0.1667}, 0.2)


def test_choices_below_the_tokens_that_came_share_what_is_left():
    """A has 0.8 and B 0.16; C and D had at most 0.04 together."""
    rule = VerdictRule(pattern=r"\[\[([ABCD])\]\]")
    tokens = [("[[", {}), ("A", {"A": 0.8, "B": 0.16}), ("]]", {})]
    assert said(tokens, rule, 4) == ({"A": 0.8, "B": 0.16, "C": 0.02, "D": 0.02}, 0.96)


@pytest.mark.parametrize("end", ["]]", "0"])
def test_where_it_was_said_the_next_token_tells(end):
    """1 with 0.8, and then 0 with 0.25: 10 has 0.2, 1 has 0.6, and 7 has its 0.2."""
    known = {"]]": 0.7, "]": 0.05, "0": 0.25}
    tokens = [("[[", {}), ("1", {"1": 0.8, "7": 0.2}), (end, known), *([("]]", {})] if end == "0" else [])]
    assert said(tokens, TEN, 1) == ({"1": 0.6, "7": 0.2, "10": 0.2}, 1.0)


def test_a_field_of_an_object_is_found():
    """The value of the named field, whatever the reasoning before it says."""
    tokens = [
        ('{"reasoning": "A or B", "better": "', {}),
        ("B", {"A": 0.1, "B": 0.9}),
        ('"}', {}),
    ]
    assert said(tokens, JSON) == ({"A": 0.1, "B": 0.9}, 1.0)


def test_thinking_before_the_answer_moves_nothing():
    """Tags of thinking in the text, or tokens of thinking that the text does not have."""
    verdict = [("[[", {}), ("A", {"A": 0.6, "B": 0.4}), ("]]", {})]
    thought = [("<think>[[", {}), ("B", {"B": 1.0}), ("]]</think>", {})]
    assert said([*thought, *verdict], TAG) == ({"A": 0.6, "B": 0.4}, 1.0)
    assert said([*thought, *verdict], TAG, text="[[A]]") == ({"A": 0.6, "B": 0.4}, 1.0)


def test_a_letter_in_parts_is_counted_in_bytes():
    """Tokens that are half a letter each come as replacement characters, with their bytes."""
    euro = "€".encode()
    told = [
        ("\ufffd", list(euro[:2]), 0.0, {}),
        ("\ufffd", list(euro[2:]), 0.0, {}),
        ("[[", [91, 91], 0.0, {}),
        ("A", [65], math.log(0.6), {"A": math.log(0.6), "B": math.log(0.4)}),
        ("]]", [93, 93], 0.0, {}),
    ]
    made = Reply(text="€[[A]]", logprobs=place_tokens("€[[A]]", told))
    assert dict(read(made, TAG, 2).soft.probabilities) == pytest.approx({"A": 0.6, "B": 0.4}, abs=1e-5)


def test_tokens_that_do_not_make_the_text_say_nothing():
    """And the verdict is as it was."""
    tokens = [("[[B]]", {"[[B]]": 1.0})]
    assert reply(tokens, text="[[A]] ", raw=False).logprobs is None
    assert said(tokens, TAG, text="[[A]] ") is None


STRICT = VerdictRule(pattern=r"\[\[(.*)\]\]", ranking="strict", example="[[A > B]]")
CRITERIA = VerdictRule(
    pattern=r"(?s)<r>(.*)</r>", scale=(1, 5), criteria={"depth": 3, "clarity": 1, "length": 0}, example="<r>depth 1</r>"
)
SCORES = VerdictRule(pattern=r"boxed\{(.*)\}", scores=(1, 10), example="boxed{1, 2}")


def test_a_ranking_s_first_letter_has_the_probabilities():
    """What the judge would have named first; the order of the rest says nothing of it."""
    tokens = [("Best: [[", {}), ("B", {"B": 0.6, " A": 0.3, "Z": 0.1}), (" > A]]", {})]
    assert said(tokens, STRICT) == ({"A": 0.3333, "B": 0.6667}, 0.9)


def test_a_ranking_with_ties_has_none():
    """After A the next may be `=`, and after another letter it is not known."""
    rule = VerdictRule(pattern=r"\[\[(.*)\]\]", ranking="ties", example="[[A = B]]")
    assert said([("[[", {}), ("B", {"B": 0.6, "A": 0.4}), (" > A]]", {})], rule) is None


def rated(depth, clarity, length=None):
    """A reply with ratings of three criteria."""
    numbers = {"depth": depth, "clarity": clarity, "length": length or {"5": 1.0}}
    ratings = [[(f"{name}: ", {}), (next(iter(known)), known), (", ", {})] for name, known in numbers.items()]
    return [("<r>", {}), *(token for each in ratings for token in each), ("</r>", {})]


def test_criteria_have_the_distribution_of_their_weighted_mean():
    """3/4 of depth (4 or 2) and 1/4 of clarity (5 or 1), independent: 4.25, 3.25, 2.75, 1.75; weight 0 has no part.

    The masses are 0.8 and 1.
    """
    tokens = rated({"4": 0.6, "2": 0.2}, {"5": 0.9, "1": 0.1}, {"3": 0.5})
    shares, mass = said(tokens, CRITERIA)
    assert shares == pytest.approx({"4.25": 0.675, "3.25": 0.075, "2.75": 0.225, "1.75": 0.025})
    assert mass == 0.8
    result = read(reply(tokens), CRITERIA, 1)
    assert dict(result.soft.expected) == pytest.approx({"depth": 3.5, "clarity": 4.6})
    assert result.value == 4.25


def test_a_criterion_without_tokens_leaves_all_without():
    """A rating of 4.5 is no whole number, and what might have stood in its place is not known."""
    assert said(rated({"4.5": 1.0}, {"5": 0.9, "1": 0.1}), CRITERIA) is None


def test_many_levels_are_thinned_and_the_mean_stays():
    """Seven criteria of five levels and odd weights: at most 101 levels, and the mean of the criteria's means."""
    weights = {f"c{at}": 1 + 0.137 * at for at in range(7)}
    rule = VerdictRule(pattern=r"(?s)<r>(.*)</r>", scale=(1, 5), criteria=weights, example="<r>c0 1</r>")
    known = {"2": 0.1, "1": 0.2, "3": 0.25, "4": 0.3, "5": 0.15}
    parts = [token for name in weights for token in ((f"{name}: ", {}), ("2", known), ("\n", {}))]
    result = read(reply([("<r>", {}), *parts, ("</r>", {})]), rule, 1)
    shares = {float(level): share for level, share in result.soft.probabilities}
    mean = sum(int(level) * share for level, share in known.items())

    assert len(shares) <= 101
    assert sum(shares.values()) == pytest.approx(1, abs=1e-4)
    assert sum(level * share for level, share in shares.items()) == pytest.approx(mean, abs=1e-3)


def test_scores_of_slots_say_how_probably_each_is_the_highest():
    """8 or 5 against 6 or 8: the first is above in 0.5 x 0.75, the second in 0.5, and 0.5 x 0.25 are equal."""
    tokens = [("boxed{", {}), ("8", {"8": 0.5, "5": 0.5}), (",", {}), (" 6", {" 6": 0.75, " 8": 0.25}), ("}", {})]
    assert said(tokens, SCORES) == ({"A": 0.375, "B": 0.5, "tie": 0.125}, 1.0)


def test_parts_in_an_object_are_found():
    """A list of letters, ratings by name, scores by slot."""
    ranking = VerdictRule(json="order", ranking="strict", example='{"reasoning": "", "order": ["A", "B"]}')
    tokens = [('{"reasoning": "A", "order": ["', {}), ("B", {"B": 0.8, "A": 0.2}), ('", "A"]}', {})]
    assert said(tokens, ranking) == ({"A": 0.2, "B": 0.8}, 1.0)
    criteria = VerdictRule(
        json="r", scale=(1, 5), criteria={"depth": 1}, example='{"reasoning": "", "r": {"depth": 1}}'
    )
    tokens = [('{"reasoning": "depth: 2", "r": {"depth": ', {}), ("4", {"4": 0.7, "5": 0.3}), ("}}", {})]
    assert said(tokens, criteria, 1) == ({"4": 0.7, "5": 0.3}, 1.0)
    scores = VerdictRule(json="s", scores=(1, 5), example='{"reasoning": "", "s": {"A": 1, "B": 2}}')
    four, three = ("4", {"4": 0.7, "1": 0.3}), ("3", {"3": 0.75, "5": 0.25})
    tokens = [('{"reasoning": "", "s": {"A": ', {}), four, (', "B": ', {}), three, ("}}", {})]
    assert said(tokens, scores) == ({"A": 0.525, "B": 0.475}, 1.0)


def test_of_a_long_reply_only_what_may_be_a_verdict_is_kept():
    """The beginning, the end, and letters or numbers alone between; rare tokens of a place are dropped."""
    tokens = [(f"w{'x' * (at % 3)} ", {}) for at in range(300)]
    tokens[100], tokens[150] = ("[[B", {}), ("7", {"7": 0.999999, "8": 1e-7, "9": 1e-8})
    kept = reply(tokens).logprobs
    assert len(kept) == FIRST + LAST + 2
    assert [list(known) for _, token, known in kept if token == "7"] == [["7", "8"]]
