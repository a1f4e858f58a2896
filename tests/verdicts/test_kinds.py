"""Kinds of verdicts: what follows from a template's mode, and label verdicts read, phrased and joined."""

from __future__ import annotations

import math
from typing import get_args

import pytest
from making import item, key, reading, refusal, template

from judgebench.client.providers.offline import answer
from judgebench.items import Classes, Failure, Mode, Verdict
from judgebench.metrics.sureness import forecasts, unsureness
from judgebench.metrics.votes import join, still_to_ask
from judgebench.templates.hints import hint_for
from judgebench.verdicts import KINDS, Reply, place_tokens, read, structured_schema

USER = "{% block user %}{{ prompt }} {{ completions[0].text }} Verdict: PASS or Verdict: FAIL{% endblock %}"
HEAD = "---\nname: own\nmode: label\n%s---\n"
RULE = (
    "verdict: {pattern: 'Verdict: (PASS|FAIL)', values: {PASS: pass, FAIL: fail}, anchor: line, "
    "example: 'Verdict: PASS'}\n"
)


def label(more="positive: fail\n", rule=RULE):
    return template(USER, HEAD % (more + rule))


def test_every_mode_has_its_kind():
    """And a starter that `templates new` writes."""
    assert tuple(KINDS) == get_args(Mode)
    assert {mode: kind.ordered for mode, kind in KINDS.items()} == {
        "pairwise": True,
        "best_of_k": True,
        "rating": False,
        "label": False,
        "criteria": False,
        "steps": False,
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("It is right.\nVerdict: PASS", "pass"),
        ("**Verdict: fail**", "fail"),
        ("Verdict:  Fail.", "fail"),
        ("<think>Verdict: FAIL</think>Verdict: PASS", "pass"),
        ("I would say it is fine.", None),
        ("Verdict: PASS or FAIL", None),
        ("Verdict: MAYBE", None),
    ],
)
def test_a_class_is_read_in_any_ordinary_dress(text, said):
    """And never guessed."""
    result = read(Reply(text=text, finish_reason="stop"), label().rule, 1)
    assert (result.value if isinstance(result, Verdict) else None) == said


def test_a_class_may_be_named_like_a_slot_or_a_tie():
    """Since a single completion has no slots."""
    rule = label(
        rule="verdict: {pattern: '<(X|Y|Z)>', values: {X: A, Y: tie, Z: B}, example: '<X>'}\n", more="positive: A\n"
    ).rule
    said = [reading((0,), str(read(Reply(text=f"<{text}>"), rule, 1).value)) for text in "XYZ"]
    assert [(each.label, each.choice, each.named) for each in said] == [
        ("A", None, "A"),
        ("tie", None, "tie"),
        ("B", None, "B"),
    ]


def test_structured_output_names_the_classes_texts():
    """In the schema, and in an object that comes back."""
    rule = label(
        rule='verdict: {json: verdict, values: {PASS: pass, FAIL: fail}, example: \'{"verdict": "PASS"}\'}\n'
    ).rule
    schema = structured_schema(rule, ["A"])
    assert schema is not None
    assert schema["properties"]["verdict"] == {"type": "string", "enum": ["PASS", "FAIL"]}
    assert read(Reply(text='{"reasoning": "x", "verdict": "FAIL"}', finish_reason="stop"), rule, 1) == Verdict("fail")


def test_probabilities_stand_at_the_verdict():
    """Of words of several tokens too: P-ASS has .6 of .8, F-AIL .2."""
    tokens = [("Verdict: ", {}), ("P", {"P": 0.6, "F": 0.2}), ("ASS", {"ASS": 1.0})]
    placed = place_tokens(
        "Verdict: PASS",
        [
            (text, None, math.log(known.get(text, 1.0)), {t: math.log(p) for t, p in known.items()})
            for text, known in tokens
        ],
    )
    verdict = read(Reply(text="Verdict: PASS", finish_reason="stop", logprobs=placed), label().rule, 1)
    assert isinstance(verdict, Verdict)
    assert verdict.soft is not None
    assert dict(verdict.soft.probabilities) == pytest.approx({"pass": 0.75, "fail": 0.25}, abs=1e-5)


@pytest.mark.parametrize(
    ("more", "rule", "line", "said"),
    [
        ("positive: fial\n", RULE, 4, "positive is 'fial', not one of the classes pass, fail; did you mean fail?"),
        ("positive: fail\nabstain: sure\n", RULE, 5, "abstain is 'sure', not one of the classes pass, fail"),
        ("positive: fail\n", "verdict: {pattern: '(PASS)', example: PASS}\n", 5, "values are missing"),
        ("", "verdict: {pattern: '(PASS)', example: PASS}\n", 3, "mode label needs verdict.values"),
        (
            "",
            "verdict: {pattern: '(P|p)', values: {P: pass, p: Pass}, example: P}\n",
            4,
            "must differ in more than case",
        ),
        ("", "verdict: {pattern: '(P)', values: {P: pass}, example: P}\n", 4, "needs two classes at least"),
        ("", "verdict: {pattern: '(\\d)', scale: [1, 5], example: '3'}\n", 3, "of verdict's forms it has values alone"),
        ("", RULE.replace("(PASS|FAIL)", "(PASS)"), 4, "verdict.values has 'FAIL', which verdict.pattern"),
    ],
)
def test_a_mistake_in_a_label_template_is_one_line(more, rule, line, said):
    """With the file and the line of the key."""
    message = refusal(label, more, rule)
    assert message.startswith(f"own.jinja, line {line}: "), message
    assert said in message


def test_classes_belong_to_mode_label():
    """A pair has no positive class."""
    rule = "verdict: {pattern: '([AB])', values: {A: A, B: B}, example: A}"
    front = f"---\nname: own\nmode: pairwise\npositive: A\n{rule}\n---\n"
    assert "belongs to mode label" in refusal(template, USER, front)


def test_without_positive_the_first_class_is():
    """That `values` names."""
    assert label(more="").rule.classes == Classes(("pass", "fail"), "pass")


def test_samples_become_one_class():
    """By agreement, votes or probabilities; a draw is no verdict, and no class."""
    two, three = [reading((0,), "pass"), reading((0,), "fail", 1)], reading((0,), "fail", 2)
    assert [each.label for each in join([*two, three], "majority")] == ["fail"]
    (drawn,) = join(two, "majority")
    assert isinstance(drawn.result, Failure)
    assert drawn.result.kind == "ambiguous"
    (torn,) = join([*two, three], "agree")
    assert torn.failed


def test_early_stop_settles_a_majority_of_classes():
    """Two alike of three need no third; of ratings all are needed."""
    assert still_to_ask([reading((0,), "pass"), reading((0,), "pass", 1)], 3) == 0
    assert still_to_ask([reading((0,), 3.0), reading((0,), 3.0, 1)], 3) == 1


def test_unsureness_and_forecasts_are_by_class():
    """Two of three samples say pass: a third is unsure, and so probable it is."""
    said = [reading((0,), text, sample) for sample, text in enumerate(("pass", "pass", "fail"))]
    item_key = key(k=1, num_correct=0, label="pass")
    assert unsureness(item_key, said, "disagreement") == pytest.approx(1 / 3)
    assert unsureness(item_key, said, "margin") == pytest.approx(2 / 3)
    (forecast,) = forecasts(said, item_key)
    assert (forecast.probability, forecast.right) == (pytest.approx(2 / 3), 1.0)


@pytest.mark.parametrize(
    ("model", "short", "long"), [("longest", "FAIL", "PASS"), ("shortest", "PASS", "FAIL"), ("first", "PASS", "PASS")]
)
def test_offline_judges_name_a_class(model, short, long):
    """The first for a long answer by `longest`, the last for a short one."""
    own = label()
    said = [
        answer(model, [], hint_for(own, item(answers=("x" * length,), num_correct=0), (0,))) for length in (1, 9000)
    ]
    assert said == [f"Verdict: {short}", f"Verdict: {long}"]


@pytest.mark.parametrize(
    ("names", "grade", "said"),
    [
        (("pass", "fail"), 1.0, "pass"),
        (("FAIL", "Pass"), 0.0, "FAIL"),
        (("correct", "incorrect", "not attempted"), 0.0, "incorrect"),
        (("harmless", "harmful"), 1.0, None),
        (("pass", "fail"), 0.5, None),
    ],
)
def test_a_grade_of_0_or_1_stands_for_a_plain_class(names, grade, said):
    """And for none where the names do not say which is good."""
    assert Classes(names, names[0]).of_grade(grade) == said
