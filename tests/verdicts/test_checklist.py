"""Verdicts on an item's own criteria: read from a reply about all of them or about one, asked for, and phrased."""

from __future__ import annotations

import json
import math

import pytest
from making import template

from judgebench.client.providers.offline import answer
from judgebench.errors import ConfigError
from judgebench.items import Completion, Criterion, Failure, Item, Turn, Verdict, weighted_score
from judgebench.templates import hint_for, load_template
from judgebench.templates.followup import wanted
from judgebench.verdicts import Reply, place_tokens, read, structured_schema

CRITERIA = (
    Criterion("c1", "Names the city.", 3.0),
    Criterion("c10", "Names the year.", 2.0),
    Criterion("safe", "Says something dangerous.", -4.0),
)
ITEM = Item(
    "q", "all", (Turn("user", "Where?"),), (Completion((Turn("assistant", "In Rome."),)),), 0, checklist=CRITERIA
)
ALL, EACH = load_template("criteria"), load_template("criteria-each")
USER = (
    "{% block user %}{{ prompt }} {{ completions[0].text }}{% for c in criteria %}{{ c.id }} {{ c.text }}{% endfor %}"
)
LINES = (
    "---\nname: lines\nmode: criteria\nverdict:\n  pattern: '(?s)<verdicts>(.*?)</verdicts>'\n"
    '  of: {values: {met: 1, partial: 0.5, unmet: 0}}\n  example: "<verdicts>\\nc1: met\\n</verdicts>"\n---\n'
)


def says(text, by=ALL, order=(0,)):
    return read(Reply(text=text, finish_reason="stop"), by.rule_for(ITEM, order), 1)


@pytest.mark.parametrize(
    "verdicts",
    [
        '{"c1": "met", "c10": "unmet", "safe": "unmet"}',
        '{"safe": "Unmet", "C10": "**unmet**", "c1": " MET."}',
        '{"c1": true, "c10": false, "safe": 0}',
        '[{"id": "c1", "verdict": "met"}, {"id": "c10", "verdict": "unmet"}, {"id": "safe", "verdict": "unmet"}]',
        '{"c1": {"reason": "It is named.", "verdict": "met"}, "c10": "unmet", "safe": "unmet"}',
        '{"c1": "met", "c10": "unmet", "safe": "unmet", "overall": "met"}',
    ],
)
def test_verdicts_on_all_criteria_are_read_in_any_ordinary_dress(verdicts):
    """c1 earns 3 of 5 and nothing is taken off; what is no criterion is left aside."""
    result = says(f'Here it is:\n```json\n{{"reasoning": "So.", "verdicts": {verdicts}}}\n```')
    assert result == Verdict(0.6, parts=(("c1", 1.0), ("c10", 0.0), ("safe", 0.0)))


@pytest.mark.parametrize(
    ("verdicts", "detail"),
    [
        ('{"c1": "met", "safe": "unmet"}', "no verdict on c10 (1 of 3 criteria)"),
        ('{"c1": "met", "c11": "met", "safe": "unmet"}', "names c11, which is no criterion: did it mean c10?"),
        ('{"c1": "met", "c10": "maybe", "safe": "unmet"}', "'c10': 'maybe' is not one of met, unmet"),
        ('{"c1": "met", "c10": 0.5, "safe": "unmet"}', "'c10': 0.5 is none of met, unmet"),
        ("{}", "no verdict on c1, c10, safe (3 of 3 criteria)"),
        ('"met"', "no verdict on c1, c10, safe"),
    ],
)
def test_a_reply_without_a_verdict_on_each_criterion_is_a_failure(verdicts, detail):
    """Which says what is missing, and what may have been meant: nothing is guessed."""
    result = says(f'{{"reasoning": "", "verdicts": {verdicts}}}')
    assert isinstance(result, Failure)
    assert result.kind == "unreadable"
    assert detail in result.detail


def test_two_verdicts_on_one_criterion_are_ambiguous():
    """An object with both says neither."""
    verdicts = '{"c1": {"first": "met", "then": "unmet"}, "c10": "met", "safe": "met"}'
    result = says(f'{{"verdicts": {verdicts}}}')
    assert isinstance(result, Failure)
    assert result.kind == "ambiguous"


def test_verdicts_may_stand_in_lines():
    """Each behind its own id: c1 is not c10."""
    by = template(USER + "{% endblock %}", LINES)
    result = says("<verdicts>\n- **c10**: partial\n- c1 = unmet\n- safe: unmet\n</verdicts>", by)
    assert result == Verdict(0.2, parts=(("c1", 0.0), ("c10", 0.5), ("safe", 0.0)))


def test_a_reply_about_one_criterion_has_its_verdict():
    """The order of the question is the criterion's number."""
    assert says("Named.\nVerdict: MET", EACH, (1,)) == Verdict(1.0, parts=(("c10", 1.0),))
    assert says("Hm.", EACH, (1,)).kind == "unreadable"
    text = " ".join(message["content"] for message in EACH.render(ITEM, (2,)))
    assert "dangerous" in text
    assert "year" not in text


def test_the_probability_of_a_verdict_on_one_criterion_is_that_of_its_share():
    """Of MET at log(0.75) against UNMET at log(0.25)."""
    text = "Verdict: MET"
    tokens = [("Verdict", None, -0.0, {"Verdict": -0.0}), (":", None, -0.0, {":": -0.0})]
    tokens += [(" MET", None, -0.287682, {" MET": -0.287682, " UNMET": -1.386294})]
    placed = place_tokens(text, tokens)
    result = read(Reply(text=text, finish_reason="stop", logprobs=placed), EACH.rule_for(ITEM, (0,)), 1)
    assert dict(result.soft.probabilities) == pytest.approx({"1": 0.75, "0": 0.25}, abs=1e-5)


def test_the_probabilities_of_verdicts_on_all_criteria():
    """Each in its own place: 0.75 and 0.1 that they are met; of the last one nothing else is known."""
    text = '{"verdicts": {"c1": "met", "c10": "unmet", "safe": "unmet"}}'
    parts = [('{"verdicts": {"c1": "', {}), ("met", {"unmet": 0.25}), ('", "c10": "', {}), ("unmet", {"met": 0.1})]
    parts += [('", "safe": "unmet"}}', {})]
    tokens = [
        (said, None, math.log(1 - sum(others.values())), {o: math.log(p) for o, p in others.items()})
        for said, others in parts
    ]
    reply = Reply(text=text, finish_reason="stop", logprobs=place_tokens(text, tokens))
    soft = read(reply, ALL.rule_for(ITEM, (0,)), 1).soft
    assert dict(soft.expected) == pytest.approx({"c1": 0.75, "c10": 0.1}, abs=1e-5)


def test_the_schema_wants_every_id_of_the_item():
    """And no other, each with one of the values."""
    schema = structured_schema(ALL.rule_for(ITEM, (0,)), "A")["properties"]["verdicts"]
    assert schema["required"] == ["c1", "c10", "safe"]
    assert schema["properties"]["safe"] == {"type": "string", "enum": ["met", "unmet"]}
    assert not schema["additionalProperties"]


def test_a_follow_up_names_every_criterion():
    """With all values, so that none is suggested."""
    said = wanted(ALL.rule_for(ITEM, (0,)), 1)
    assert all(f'"{each.id}": "(met or unmet)"' in said for each in CRITERIA)
    assert wanted(EACH.rule_for(ITEM, (0,)), 1) == "Verdict: MET or Verdict: UNMET"


@pytest.mark.parametrize("model", ["longest", "shortest", "first", "random"])
@pytest.mark.parametrize("by", [ALL, EACH, template(USER + "{% endblock %}", LINES)], ids=lambda by: by.name)
def test_an_offline_judge_answers_by_the_template(model, by):
    """With a verdict on each criterion that it was asked about."""
    text = answer(
        model, by.render(ITEM, (1,) if by is EACH else (0,)), hint_for(by, ITEM, (1,) if by is EACH else (0,))
    )
    result = says(text, by, (1,) if by is EACH else (0,))
    assert [name for name, _ in result.parts] == (["c10"] if by is EACH else ["c1", "c10", "safe"])


@pytest.mark.parametrize(
    ("met", "score"),
    [
        ({"c1": 1, "c10": 1, "safe": 0}, 1.0),
        ({"c1": 1, "c10": 0.5, "safe": 0}, 0.8),
        ({"c1": 1, "c10": 1, "safe": 1}, 0.2),
        ({"c1": 0, "c10": 1, "safe": 1}, 0.0),
        ({"c1": 1, "c10": 1}, None),
    ],
)
def test_the_weighted_score(met, score):
    """(3 + 2) / 5; 3 + 2 x 0.5; 5 - 4; -2, which is 0; none without a verdict on each."""
    assert weighted_score(met, CRITERIA) == score


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        ("{pattern: '(x)'}", "mode criteria needs verdict.of"),
        ("{json: v, of: {values: {met: 1}}}", "verdict.of.values"),
        ("{json: v, of: {values: {met: 2, unmet: 0}}}", "run from 0 to 1"),
        ("{json: v, of: {values: {met: 0.5, unmet: 0}}}", "one text must earn 1"),
        ("{json: v, of: {values: {met: 1, MET: 0}}}", "differ in more than case"),
        (
            "{json: v, of: {valeus: {met: 1, unmet: 0}}}",
            "verdict.of.valeus: is not a template key; did you mean values?",
        ),
        (
            '{json: v, of: {values: {met: 1, unmet: 0}}, example: \'{"v": {"a": "met"}}\', scale: [1, 5]}',
            "of verdict's forms it has of alone",
        ),
        ("{json: v, of: {values: {met: 1, unmet: 0}}}", "of needs an example"),
    ],
)
def test_a_mistake_in_the_rule_is_named(rule, what):
    """With its line, before anything is asked."""
    with pytest.raises(ConfigError, match="line") as raised:
        template(USER + "{% endblock %}", f"---\nname: own\nmode: criteria\nverdict: {rule}\n---\n")
    assert what in str(raised.value)


def test_of_belongs_to_criteria():
    """A rule for another mode does not have it."""
    rule = "{json: v, values: {a: a, b: b}, of: {values: {a: 1, b: 0}}}"
    with pytest.raises(ConfigError, match=r"verdict\.of belongs to mode criteria, not to label"):
        template(USER + "{% endblock %}", f"---\nname: own\nmode: label\npositive: a\nverdict: {rule}\n---\n")


def test_ids_in_a_reply_are_compared_as_they_stand_first():
    """Two ids of one beginning never stand for each other."""
    said = {"c1": "unmet", "c10": "met", "safe": "unmet"}
    assert dict(says(json.dumps({"verdicts": said})).parts) == {"c1": 0.0, "c10": 1.0, "safe": 0.0}
