"""The place of a verdict in a reply: what stands there is what was read, and so are its probabilities."""

import json
import math
from functools import cache

import pytest
from hypothesis import given, strategies as st
from shippedtemplates import NAMES, Rules

from judgebench.items import LABELS, Verdict
from judgebench.verdicts.reading import PlacedVerdict, read_placed, read_text
from judgebench.verdicts.reply import Reply
from judgebench.verdicts.rule import VerdictRule

JSON = VerdictRule(json="verdict")
OWN = {
    "object": JSON.model_copy(update={"example": '{"reasoning": "x", "verdict": "A"}'}),
    "object of scores": VerdictRule(json="scores", scores=(1, 10), example='{"scores": {"A": 8, "B": 6}}'),
    "list of scores": VerdictRule(json="scores", scores=(1, 10), example='{"scores": [8, 6]}'),
    "object of criteria": VerdictRule(
        json="marks", scale=(1, 5), criteria={"truth": 1, "form": 2}, example='{"marks": {"truth": 3, "form": 4}}'
    ),
    "list of places": VerdictRule(json="order", ranking="strict", example='{"order": ["B", "A"]}'),
}


@cache
def rules():
    """Those of the templates that ship, but for those that read the whole reply, and our own."""
    return {name: rule for name, rule in Rules(NAMES).items() if not rule.reads_all} | OWN


INSIDE = 0.9
"""The probability of each token that the verdict is made of, beside one that adds nothing; all others are certain."""


def slots(rule):
    """The number of slots that the rule's example is about."""
    fewest = 1 if rule.scale is not None else 2
    return next(k for k in range(fewest, 27) if isinstance(read_text(rule.example, rule, k), Verdict))


def spoken(text, likely):
    """A reply in which each character is a token, certain but for those at the places in `likely`."""
    tokens = [(at, c, {o: math.log(p) for o, p in likely.get(at, {c: 1.0}).items()}) for at, c in enumerate(text)]
    return Reply(text=text, logprobs=tokens)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ('```json\n{"reasoning": "x", "verdict": "A"}\n```\nI would not write {"verdict": "B"} here.', 1),
        ('{"verdict":"A","note":{"verdict":"B"}}', 1),
        ('{"note":{"verdict":"B"},"verdict":"A"}', 2),
        ('```\n{"verdict": "B"}\n```\nNo:\n```json\n{"verdict": "A"}\n```', 2),
        ('```\n{"verdict": "A"}\n```\nFence:\n```\nverdict: {"verdict": "B"}\n```', 1),
        ('{"reasoning": "not \\"verdict\\": \\"B\\"", "verdict": "A"}', 1),
        ('<think>{"verdict": "B"}</think>{"verdict": "A"}', 2),
        ('{"verdict": "A"}<think>{"verdict": "B"}</think>', 1),
    ],
)
def test_the_probabilities_are_those_of_the_verdict_that_was_read(text, at):
    """Of two fields, A is read with .8 to .2; the other, which does not count, says B with .99."""
    places = [n + len('"verdict":') for n in range(len(text)) if text.startswith('"verdict":', n)]
    letters = [text.index('"', n) + 1 for n in places]
    likely = {n: {"A": 0.8, "B": 0.2} if text[n] == "A" else {"A": 0.01, "B": 0.99} for n in letters}
    reading = read_placed(spoken(text, likely), JSON, 2)

    assert reading.verdict.value == "A"
    assert reading.span.start == letters[at - 1]
    assert dict(reading.verdict.soft.probabilities) == {"A": 0.8, "B": 0.2}


def test_a_score_inside_another_object_has_no_probabilities_of_a_slot():
    """The slots' own scores stand beside it: A has 8 or 9 and B 6 or 5, and so A is the choice for sure."""
    text = '{"scores": {"of which": {"A": 1, "B": 9}, "A": 8, "B": 6}}'
    rule = OWN["object of scores"]
    likely = {text.index(digit): {digit: 0.5, other: 0.5} for digit, other in ("12", "98", "89", "65")}
    reading = read_placed(spoken(text, likely), rule, 2)

    assert reading.verdict.value == "A"
    assert dict(reading.verdict.soft.probabilities) == {"A": 1.0}


def test_a_verdict_with_thinking_in_its_middle_has_no_place():
    """10 is read from two pieces: no characters of the reply are the verdict, so none are marked or weighed."""
    rule = VerdictRule(pattern=r"\[\[(\d+)\]\]", scale=(1, 10))
    reading = read_placed(spoken("[[1<think>9</think>0]]", {}), rule, 1)

    assert reading == PlacedVerdict(Verdict(10.0), None, None)


def test_brackets_with_thinking_between_leave_the_letter_marked():
    """The verdict itself is in one piece."""
    text = "[[<think>B</think>A]]"
    reading = read_placed(Reply(text=text), rules()["pairwise"], 2)

    assert reading.span == reading.marked == (text.index("A"), text.index("A") + 1)


def rival(rule, k, example):
    """The example's mark with another verdict in it; of several parts, the same."""
    span, marked = example.span, example.marked
    text = rule.example[slice(*span)]
    if not rule.has_parts:
        others = [f"{end:g}" for end in rule.scale] if rule.scale is not None else rule.texts(LABELS[:k])
        text = next(other for other in others if other != text)
    return rule.example[marked.start : span.start] + text + rule.example[span.end : marked.end]


PROSE = st.lists(st.sampled_from(["So far, so good.", "A or B?", "É 👍🏽", "\t", ""]), max_size=3).map("\n".join)


@pytest.mark.simulation
def test_what_stands_at_the_place_is_what_was_read():
    """Whatever verdicts stand where a rule does not look, the place has the example's, and its tokens' chances."""
    for name in rules():
        given(st.just(name), PROSE, PROSE, st.integers(0, 3), st.booleans())(stands_there)()


def stands_there(name, before, after, rivals, thought):
    rule = rules()[name]
    k = slots(rule)
    example = read_placed(Reply(text=rule.example), rule, k)
    text = dressed(rule, rival(rule, k, example), before, after, rivals)
    text = f"<think>{rule.example}</think>\n{text}" if thought else text
    plain = read_placed(Reply(text=text), rule, k)
    assert plain.verdict == example.verdict
    assert text[slice(*plain.span)] == rule.example[slice(*example.span)]
    assert text[slice(*plain.marked)].strip() == rule.example[slice(*example.marked)].strip()

    inside = {at: {text[at]: INSIDE, "?": 1 - INSIDE} for at in range(*plain.span)}
    soft = read_placed(spoken(text, inside), rule, k).verdict.soft
    digits = sum(c.isdigit() for c in rule.example[slice(*example.span)])
    weighed = (
        1 if rule.ranking else digits if rule.has_parts else len(inside) - shorter(rule, k, text[slice(*plain.span)])
    )
    assert max(soft.probabilities, key=lambda each: each[1])[0] == best(example.verdict)
    assert soft.mass == pytest.approx(INSIDE**weighed, abs=1e-5)


def shorter(rule, k, said):
    """In how many places `?` ends a shorter verdict, which counts as well: 1 of 10, A+ of A++."""
    known = {"1"} if rule.scale is not None else set(rule.texts(LABELS[:k]))
    return sum(said[:at] in known for at in range(1, len(said)))


def best(verdict):
    return verdict.value if isinstance(verdict.value, str) else f"{verdict.value:g}"


def dressed(rule, mark, before, after, rivals):
    """The example in a longer reply, with other verdicts where they do not count."""
    marks = "".join(f"\n{mark}\n" for _ in range(rivals))
    if rule.pattern is None:
        others = f"\n{{{mark}}}\n" if rivals else ""
        fences = f"\n```json\n{{{mark}}}\n```\n" * rivals
        return f"{before}{fences}\n```json\n{rule.example}\n```\n{after}{others}"
    if rule.pattern.endswith(r"\Z"):
        return f"\n{rule.example}\n"
    if rule.match == "only":
        same = read_placed(Reply(text=rule.example), rule, 2).marked
        return f"{before}\n{rule.example[slice(*same)]}\n{rule.example}\n{after}"
    if rule.match == "first":
        before = "" if rule.pattern.startswith(r"\A") else before
        return f"\n{before}{rule.example}\n{marks}{after}"
    turn = "On reflection it is the other one.\n" if rivals else ""
    return f"{before}\n{marks}{turn}{rule.example}\n{after}"


def test_a_field_at_its_place_is_the_json_that_was_read():
    """The marked part alone, as an object, gives the same verdict, by each rule of a field."""
    found, expected = {}, {}
    for name, rule in rules().items():
        if rule.json_field is not None:
            reading = read_placed(Reply(text=rule.example), rule, slots(rule))
            alone = "{" + rule.example[slice(*reading.marked)] + "}"
            found[name] = [*json.loads(alone)], read_text(alone, rule, slots(rule))
            expected[name] = [rule.json_field], reading.verdict

    assert found == expected
    assert len(found) > 5
