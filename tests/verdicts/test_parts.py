"""Verdicts of several parts: rankings, ratings by criteria and scores by slot, from the reply to the record."""

import json
import re

import pytest
from commands import judgebench, pairs, write_jsonl
from hypothesis import given, strategies as st
from making import item, refusal, template

from judgebench.client.providers.offline import answer
from judgebench.items import LABELS, TIE, Failure, Verdict
from judgebench.runs.judgements import Judgement, ReplyUsage
from judgebench.templates.followup import wanted
from judgebench.templates.hints import hint_for
from judgebench.verdicts.reading import read
from judgebench.verdicts.reply import Reply
from judgebench.verdicts.rule import VerdictRule, structured_schema

RANKING = VerdictRule(pattern=r"\[\[([^\]]+)\]\]", ranking="strict", example="C wins. [[C > A > B]]")
WITH_TIES = RANKING.model_copy(update={"ranking": "ties"})
CRITERIA = VerdictRule(
    pattern=r"(?s)<ratings>(.*?)</ratings>",
    scale=(1, 5),
    criteria={"helpfulness": 3, "clarity of style": 1},
    example="Fine.\n<ratings>\nhelpfulness: 4\nclarity of style: 2\n</ratings>",
)
SCORES = VerdictRule(pattern=r"(?m)\A\s*(\d.*)$", scores=(1, 10), example="8 6\nThe first is better.")
IN_JSON = {
    "ranking": VerdictRule(json="order", ranking="strict", example='{"reasoning": "r", "order": ["B", "A"]}'),
    "criteria": VerdictRule(
        json="marks", scale=(1, 5), criteria={"truth": 1, "form": 1}, example='{"marks": {"truth": 4, "form": 2}}'
    ),
    "scores": VerdictRule(json="marks", scores=(1, 10), example='{"marks": {"A": 4, "B": 2}}'),
}


def said(text, rule, k=3):
    return read(Reply(text=text), rule, k)


@pytest.mark.parametrize(
    "text", ["[[B > C > A]]", "[[B>C>A]]", "[[ B >\nC > A ]]", "[[(B) > (C) > (A)]]", "[[**B** > C > A.]]"]
)
def test_a_ranking_is_its_first_and_kept_whole(text):
    """Spaces, brackets and marks around the letters do not matter."""
    assert said(text, RANKING) == Verdict("B", ranking="B>C>A")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[B > A]]", "without C"),
        ("[[B > A > C > A]]", "with A in several places"),
        ("[[B > A > C > D]]", "'D', not one of A, B, C"),
        ("[[B > A > x]]", "'x', not one of"),
        ("[[B >> A > C]]", "'', not one of"),
        ("[[B, A, C]]", "'B, A, C', not one of"),
        ("[[B > A = C]]", "does not allow"),
        ("B > A > C", "nothing matches"),
    ],
)
def test_what_is_no_permutation_is_unreadable(text, why):
    """Each slot stands once in a ranking, and nothing else does; the failure says what is wrong."""
    result = said(text, RANKING)

    assert result.kind == "unreadable"
    assert why in result.detail


@pytest.mark.parametrize(
    ("text", "value", "ranking"),
    [
        ("[[B > C = A]]", "B", "B>A=C"),
        ("[[C = B > A]]", TIE, "B=C>A"),
        ("[[A = B = C]]", TIE, "A=B=C"),
        ("[[A > B > C]]", "A", "A>B>C"),
    ],
)
def test_ties_in_a_ranking_are_read_where_the_rule_has_them(text, value, ranking):
    """Only one that stands alone in the first place is a choice."""
    assert said(text, WITH_TIES) == Verdict(value, ranking=ranking)


@given(st.integers(2, 26).flatmap(lambda k: st.permutations(LABELS[:k])))
def test_every_permutation_is_read_as_it_is(order):
    """Of any number of slots up to 26."""
    assert said(f"[[{' > '.join(order)}]]", RANKING, len(order)) == Verdict(order[0], ranking=">".join(order))


@given(st.lists(st.sampled_from("ABC"), min_size=1, max_size=5))
def test_only_permutations_are_rankings(letters):
    """A list of letters is a verdict exactly where each slot stands in it once."""
    assert isinstance(said(f"[[{'>'.join(letters)}]]", RANKING), Verdict) == (sorted(letters) == ["A", "B", "C"])


@pytest.mark.parametrize(
    "text",
    [
        "helpfulness: 4, clarity of style: 2",
        "helpfulness: 4/5, clarity of style: 2 out of 5",
        "- **Helpfulness**: 4\n- **Clarity of  Style** = 2",
        "clarity of style: [2]\noverall: 1\nhelpfulness 4",
        '"helpfulness": 4.0, "clarity of style": "2"',
        "helpfulness: 4\nhelpfulness: 4\nclarity of style: 2.",
    ],
)
def test_criteria_are_read_by_their_names(text):
    """The rating is the weighted mean, (3 * 4 + 1 * 2) / 4, and each criterion is kept."""
    verdict = said(f"<ratings>{text}</ratings>", CRITERIA, 1)

    assert verdict == Verdict(3.5, parts=(("helpfulness", 4.0), ("clarity of style", 2.0)))


@pytest.mark.parametrize(
    ("text", "kind", "why"),
    [
        ("helpfulness: 4", "unreadable", "no rating of 'clarity of style'"),
        ("unhelpfulness: 4, clarity of style: 2", "unreadable", "no rating of 'helpfulness'"),
        (
            "helpfulness: 4/10, clarity of style: 2",
            "unreadable",
            "'helpfulness': out of 10, and the scale ends at 5",
        ),
        ("helpfulness: 4, clarity of style: 2-3", "unreadable", "'clarity of style': undecided: ': 2-3'"),
        ("helpfulness: 3 or 4\nclarity of style: 2", "unreadable", "'helpfulness': undecided: ': 3 or 4'"),
        ("helpfulness: four, clarity of style: 2", "unreadable", "no rating of 'helpfulness'"),
        ("helpfulness: 6, clarity of style: 2", "unreadable", "'helpfulness' has 6, outside 1 to 5"),
        ("helpfulness: 4, clarity of style: 2, helpfulness: 3", "ambiguous", "rates 'helpfulness' with 3, 4"),
    ],
)
def test_a_criterion_without_one_rating_is_a_failure(text, kind, why):
    """Missing, no number, off the scale or contradicted: each says which criterion."""
    assert said(f"<ratings>{text}</ratings>", CRITERIA, 1) == Failure(kind, why)


def test_equal_weighted_means_are_equal():
    """0.1 x 3 + 0.2 x 6 is as much as 0.1 x 7 + 0.2 x 4, whatever the last digit of the sums: both are rated 5."""
    rule = CRITERIA.model_copy(update={"scale": (1, 10), "criteria": {"a": 0.1, "b": 0.2}})
    ratings = {said(f"<ratings>a: {a} b: {b}</ratings>", rule).value for a, b in ((3, 6), (7, 4))}
    assert ratings == {5.0}


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(1, 5)), min_size=1, max_size=6))
def test_the_weighted_mean_is_on_the_scale(parts):
    """It is the plain formula's, and never leaves the scale by rounding."""
    weights = {f"c{n}": weight for n, (weight, _) in enumerate(parts)}
    if not any(weights.values()):
        return
    text = ", ".join(f"c{n}: {rating:.17f}" for n, (_, rating) in enumerate(parts))
    rule = CRITERIA.model_copy(update={"criteria": weights})
    value = said(f"<ratings>{text}</ratings>", rule, 1).value

    assert 1 <= value <= 5
    assert value == pytest.approx(sum(w * r for w, r in parts) / sum(w for w, _ in parts))


@pytest.mark.parametrize(
    ("text", "value", "parts"),
    [
        ("8 6", "A", (("A", 8.0), ("B", 6.0))),
        ("7.5, 9\nBecause 3 of 4 ...", "B", (("A", 7.5), ("B", 9.0))),
        ("5 5", TIE, (("A", 5.0), ("B", 5.0))),
    ],
)
def test_the_highest_score_is_the_choice(text, value, parts):
    """Equal ones at the top are a tie; all are kept."""
    assert said(text, SCORES, 2) == Verdict(value, parts=parts)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("8", "1 scores for 2 slots"),
        ("8 6 4", "3 scores for 2 slots"),
        ("8 11", "'B' has 11, outside 1 to 10"),
        ("8 to 6", "is not a list of scores"),
        ("first 8 6", "nothing matches"),
    ],
)
def test_scores_that_do_not_fit_the_slots_are_unreadable(text, why):
    """A number for each slot, on the scale."""
    result = said(text, SCORES, 2)

    assert result.kind == "unreadable"
    assert why in result.detail


@pytest.mark.parametrize(
    ("form", "value", "expected"),
    [
        ("ranking", ["B", "A"], Verdict("B", ranking="B>A")),
        ("ranking", "B > A", Verdict("B", ranking="B>A")),
        ("criteria", {"truth": 5, "form": 2}, Verdict(3.5, parts=(("truth", 5.0), ("form", 2.0)))),
        ("scores", {"B": 9, "A": 2}, Verdict("B", parts=(("A", 2.0), ("B", 9.0)))),
        ("scores", [2, 9], Verdict("B", parts=(("A", 2.0), ("B", 9.0)))),
    ],
)
def test_parts_are_read_from_an_object(form, value, expected):
    """Structured output holds lists and objects in the place of text."""
    rule = IN_JSON[form]
    text = json.dumps({"reasoning": "r", rule.json_field: value})

    assert said(text, rule, 1 if form == "criteria" else 2) == expected


JUNK = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(JUNK, st.sampled_from(sorted(IN_JSON)))
def test_any_object_in_the_place_of_parts_is_read_or_unreadable(value, form):
    """No structured reply ends in an error."""
    rule = IN_JSON[form]

    assert isinstance(said(json.dumps({rule.json_field: value}), rule, 2), Verdict | Failure)


@given(st.text(), st.sampled_from([RANKING, WITH_TIES, CRITERIA, SCORES]), st.integers(1, 26))
def test_any_text_in_the_place_of_parts_is_read_or_unreadable(text, rule, k):
    """No reply ends in an error, in its tags or out of them."""
    for form in ("{}", "[[{}]]", "<ratings>helpfulness {}</ratings>", "1{}"):
        assert isinstance(said(form.format(text), rule, k), Verdict | Failure)


@pytest.mark.parametrize(
    ("rule", "properties"),
    [
        (IN_JSON["ranking"], {"type": "array", "items": {"type": "string", "enum": ["A", "B"]}}),
        (
            IN_JSON["criteria"],
            {
                "type": "object",
                "properties": {name: {"type": "number", "minimum": 1, "maximum": 5} for name in ("truth", "form")},
                "required": ["truth", "form"],
                "additionalProperties": False,
            },
        ),
        (
            IN_JSON["scores"],
            {
                "type": "object",
                "properties": {name: {"type": "number", "minimum": 1, "maximum": 10} for name in "AB"},
                "required": ["A", "B"],
                "additionalProperties": False,
            },
        ),
    ],
)
def test_a_schema_has_every_part(rule, properties):
    """Criteria and slots are fields, and a ranking is a list of the slots."""
    assert structured_schema(rule, "AB")["properties"][rule.json_field] == properties


def own(mode, verdict):
    """A template with this verdict rule."""
    body = "{% block user %}{{ prompt }}{% for c in completions %}{{ c.text }}{% endfor %}{% endblock %}"
    return template(body, f"---\nname: own\nmode: {mode}\nverdict: {verdict}\n---\n")


@pytest.mark.parametrize(
    ("mode", "verdict", "why"),
    [
        ("best_of_k", "{pattern: '(.+)', ranking: strict}", "ranking needs an example"),
        ("best_of_k", "{pattern: '(.+)', ranking: strict, example: 'A > A'}", "example is not parsed by the rule"),
        ("best_of_k", "{pattern: '(.+)', ranking: loose, example: 'A > B'}", "ranking: Input should be"),
        ("best_of_k", "{pattern: '(.+)', ranking: strict, values: {A: A, B: B}, example: 'A>B'}", "keep one"),
        ("pairwise", "{pattern: '(.+)', ranking: strict, example: 'A > B > C'}", "'C', not one of A, B"),
        ("pairwise", "{pattern: '(.+)', scores: [10, 1], example: '1 2'}", "scores runs from 10 to 1"),
        ("pairwise", "{pattern: '(.+)', criteria: {a: 1}, example: 'a: 1'}", "criteria belongs to mode rating"),
        ("rating", "{pattern: '(.+)', criteria: {a: 1}, example: 'a: 1'}", "mode rating needs verdict.scale"),
        ("rating", "{pattern: '(.+)', scale: [1, 5], ranking: strict, example: 'A'}", "are not allowed"),
        (
            "rating",
            "{pattern: '(.+)', scale: [1, 5], criteria: {a: -1, b: 2}, example: 'a: 1 b: 1'}",
            "weights must be >= 0",
        ),
        ("rating", "{pattern: '(.+)', scale: [1, 5], criteria: {a: 0}, example: 'a: 1'}", "at least one above 0"),
        ("rating", "{pattern: '(.+)', scale: [1, 5], criteria: {a: 1, A: 1}, example: 'a: 1'}", "names must be unique"),
        ("rating", "{pattern: '(.+)', scale: [1, 5], criteria: {a: 1, b: 1}, example: 'a: 1'}", "no rating of 'b'"),
    ],
)
def test_mistakes_in_a_rule_of_parts_are_one_line(mode, verdict, why):
    """What fits no mode, has no example or could never be read is found when the template is loaded."""
    assert why in refusal(own, mode, verdict)


@pytest.mark.parametrize("model", ["longest", "shortest", "first", "random"])
@pytest.mark.parametrize("k", [2, 4, 26])
@pytest.mark.parametrize("example", ["[[C > A > B]]", "[[(C)>(A)>(B)]]", "[[B > A]]"])
def test_offline_judges_rank_in_the_examples_form(model, k, example):
    """Each ranks all slots, its own choice first."""
    mine = own("best_of_k", f"{{pattern: '\\[\\[([^\\]]+)\\]\\]', ranking: strict, example: '{example}'}}")
    of = item(answers=tuple("x" * (5 + n * 7 % 26) for n in range(k)))
    lengths = [len(c.text) for c in of.completions]
    verdict = said(answer(model, [], hint_for(mine, of, range(k))), mine.rule, k)
    first = {"longest": lengths.index(max(lengths)), "shortest": lengths.index(min(lengths)), "first": 0}

    assert sorted(verdict.ranking.split(">")) == list(LABELS[:k])
    assert model == "random" or verdict.value == LABELS[first[model]]


def test_offline_judges_give_scores_and_criteria():
    """The choice has the highest score, and every criterion the same rating."""
    of = item(answers=("short", "a longer one"))
    scores = own("pairwise", r"{pattern: '\A(\d.*)', scores: [1, 10], example: '8, 6'}")
    criteria = own("rating", "{pattern: '<(.*)>', scale: [1, 5], criteria: {a: 1, b: 3}, example: '<a: 2; b: 1>'}")

    assert answer("longest", [], hint_for(scores, of, (0, 1))) == "1, 10"
    assert answer("first", [], hint_for(criteria, of, (0,))) == "<a: 3; b: 3>"


@pytest.mark.parametrize("form", sorted(IN_JSON))
def test_offline_judges_answer_in_objects(form):
    """Of which the rule reads a verdict."""
    rule = IN_JSON[form]
    hint = {"example": rule.example, "json": rule.json_field, "pattern": None, "values": None, "scale": rule.scale}
    hint |= {"ranking": rule.ranking, "criteria": rule.criteria, "scores": rule.scores, "lengths": [3, 9]}

    verdict = said(answer("longest", [], hint), rule, 1 if form == "criteria" else 2)

    assert verdict.value == (2 if form == "criteria" else "B")


@pytest.mark.parametrize(
    ("rule", "form"),
    [
        (RANKING, "[[(the letters A, B and C, each once, the best first, with > between them)]]"),
        (SCORES.model_copy(update={"pattern": r"(?m)\A(\d.*)$"}), "(a number from 1 to 10) (a number from 1 to 10)"),
        (
            CRITERIA,
            "<ratings>\nhelpfulness: (a number from 1 to 5)\nclarity of style: (a number from 1 to 5)\n</ratings>",
        ),
        (IN_JSON["criteria"], '"marks", which holds (a number from 1 to 5) for each of truth, form'),
    ],
)
def test_a_repair_asks_for_all_parts(rule, form):
    """In the example's form, and with no verdict suggested."""
    assert form in wanted(rule, 3)


@pytest.mark.parametrize(
    ("verdict", "more"),
    [("B", {"ranking": "B>A=C"}), (3.5, {"parts": {"helpfulness": 4.0, "clarity": 2.0}}), ("A", {})],
)
def test_parts_are_kept_in_the_record(verdict, more):
    """A line of judgements.jsonl gives back the same judgement, and has no field more than it needs."""
    parts = tuple(more.get("parts", {}).items())
    call = {"item": "7", "subset": "s", "order": (1, 0), "sample": 0, "cached": False, "key": "k"}
    rest = {"reply": "r", "finish_reason": None, "served_model": None, "cost_usd": None, "latency_s": None}
    judgement = Judgement(**call, **rest, **more, verdict=verdict, usage=ReplyUsage(0, 0, 0, 0))
    line = judgement.to_line()
    written = json.loads(line)

    assert {name: written[name] for name in ("ranking", "parts") if name in written} == more
    assert Judgement.from_line(line) == judgement
    assert judgement.reading.result == Verdict(verdict, more.get("ranking"), parts)


def test_a_ranking_from_run_to_rescore(tmp_path):
    """The run keeps the whole ranking, credits its first place, and reads the same again."""
    write_jsonl(tmp_path / "rows.jsonl", pairs(4))
    head = (
        "---\nname: mine\nmode: pairwise\nverdict: {pattern: '\\[\\[(.+)\\]\\]', ranking: ties, example: '[[B > A]]'}\n"
    )
    body = "---\n{% block user %}{{ prompt }}{% for c in completions %}{{ c.text }}{% endfor %}{% endblock %}\n"
    (tmp_path / "mine.jinja").write_text(head + body)
    command = ["run", "rewardbench", "-j", "offline/first", "-t", str(tmp_path / "mine.jinja")]
    ran = judgebench(*command, "--data", str(tmp_path / "rows.jsonl"), "--orders", "both", "--out", str(tmp_path / "o"))
    [folder] = {path.parent for path in (tmp_path / "o").rglob("judgements.jsonl")}
    lines = [json.loads(line) for line in (folder / "judgements.jsonl").read_text().splitlines()]
    again = json.loads(judgebench("rescore", str(folder), "--json").out)
    shown = judgebench("show", str(folder), lines[0]["item"]).out

    assert ran.status == 0
    assert {(line["verdict"], line["ranking"]) for line in lines} == {("A", "A>B")}
    assert (again["changed"], again["score"]) == (0, 0.5)
    assert re.search(r"verdict: A \(completion \d\) · ranking A>B", shown)
