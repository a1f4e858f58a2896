"""JUDGE-BENCH's files: rows of their properties, kappa and Spearman's rho by hand, and broken files before a call."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import judgebench, write_judges
from making import key
from scripted import ScriptedModels

from judgebench.benchmarks.registry import RULES
from judgebench.items import Failure, Outcome, Reading, Verdict
from judgebench.metrics.accuracy import Layout
from judgebench.metrics.coefficients import kappa_or_spearman
from judgebench.sources.files import FileSource
from judgebench.templates.fromrows import filled_in, is_from_rows

PEOPLE = "individual_human_scores"
NOTES = ["Please close the door.", "Shut it.", "Thanks!", "Go away.", "Hm."]
LABELS = ["Yes", "No", "Yes", "No", "Unsure"]
REPLIES = ["Yes", "no.", "YES, certainly", "Yes", "I cannot say."]


def polite(**more):
    """A file of one categorical property, of which three people each said something."""
    people = [["Yes", "Yes", "No"], ["No", "No", "No"], ["Yes", "Yes", "Yes"], ["No", "Yes", "No"], ["Unsure", "No"]]
    declared = {"metric": "polite", "category": "categorical", "prompt": "Is it polite? {{ instance }}"}
    instances = [
        {"id": at, "instance": note, "annotations": {"polite": {"majority_human": label, PEOPLE: said}}}
        for at, (note, label, said) in enumerate(zip(NOTES, LABELS, people, strict=True))
    ]
    declared |= {"labels_list": ["Yes", "No", "Unsure"]}
    return {"dataset": "Notes", "annotations": [declared | more], "instances": instances}


def summaries():
    """A file of a graded property, a continuous one and a categorical one, about instances of two parts."""
    declared = [
        {
            "metric": "fluency",
            "category": "graded",
            "prompt": "Rate {{ summary }} of {{source}}.",
            "worst": 1,
            "best": 5,
        },
        {"metric": "truth", "category": "continuous", "prompt": "How true is {{ summary }}?", "worst": 100, "best": 0},
        {"metric": "kept", "category": "categorical", "prompt": "Keep {{ summary }}?", "labels_list": ["Yes", "No"]},
    ]
    instances = [
        {
            "id": f"s{at}",
            "instance": {"source": f"Text {at}", "summary": f"Summary {at}"},
            "annotations": {
                "fluency": {"mean_human": fluency, "individual_human_scores": [fluency, fluency]},
                "truth": {"mean_human": truth, "individual_human_scores": [truth, truth]},
                "kept": {"majority_human": "Yes", "individual_human_scores": ["Yes", "No"]},
            },
        }
        for at, (fluency, truth) in enumerate([(1, 10), (2, 20), (3, 40), (4, 30)])
    ]
    return {"dataset": "Summaries", "annotations": declared, "instances": instances}


def written(data, name="set.json"):
    Path(name).write_text(json.dumps(data, indent=1))
    return name


def run(name, data, *more):
    return judgebench("run", name, "--data", written(data), "-j", "mine", "--json", *more)


def test_rows_are_the_properties_of_each_instance():
    """An instance stands in the prompt's place, each property is a row, and its classes or bounds go along."""
    (first, *_) = [row.data for row in FileSource("set.json", [Path(written(polite()))])]
    assert (first["id"], first["prompt"]) == (0, "Is it polite? Please close the door.")
    assert (first["label"], first["classes"]) == ("Yes", ["Yes", "No", "Unsure"])
    assert first["individual_human_scores"] == ["Yes", "Yes", "No"]
    fluency, truth, kept, *_ = [row.data for row in FileSource("set.json", [Path(written(summaries()))])]
    assert (fluency["id"], fluency["prompt"]) == ("s0/fluency", "Rate Summary 0 of Text 0.")
    assert (fluency["response"], fluency["human_score"]) == ("Summary 0", 1)
    assert (truth["lowest"], truth["highest"], kept["category"]) == (0, 100, "categorical")


def test_classes_are_scored_by_kappa():
    """Four valid replies, Yes, No, Yes, Yes beside Yes, No, Yes, No: 3/4 alike, by chance 1/2, kappa 1/2."""
    replies = dict(zip(NOTES, REPLIES, strict=True))
    with ScriptedModels(lambda request: next(said for note, said in replies.items() if note in request.text)) as server:
        write_judges(server.url)
        (metrics,) = run("judge-bench", polite()).metrics
    assert "Answer with one of Yes, No, Unsure. Do not explain" in server.requests[0].text
    assert metrics["score"] == pytest.approx(0.5)
    assert (metrics["measure"], metrics["valid"], metrics["bounds"]) == ("kappa", 0.8, None)
    assert metrics["labels"]["confusion"]["No"] == {"Yes": 1, "No": 1, "Unsure": 0, "no verdict": 0}
    assert (metrics["annotators"]["people"], metrics["annotators"]["items"]) == (3, 5)


def test_grades_are_scored_by_spearman_in_each_property():
    """Fluency is rated 1, 2, 3, 4: rho 1. Truth 10, 20, 30, 40 beside 10, 20, 40, 30: rho .8. The mean is .9."""

    def rated(request):
        at = int(request.text.partition("Summary ")[2][0])
        return str(at + 1) if "Rate" in request.text else f"{10 * (at + 1)} of 100"

    with ScriptedModels(rated) as server:
        write_judges(server.url)
        (metrics,) = run("judge-bench-grades", summaries()).metrics
    assert any("Answer with a number from 0 to 100." in request.text for request in server.requests)
    assert (metrics["measure"], metrics["score"]) == ("spearman", pytest.approx(0.9))
    assert {name: each["score"] for name, each in metrics["sections"].items()} == {
        "fluency": pytest.approx(1.0),
        "truth": pytest.approx(0.8),
    }
    assert {*metrics["annotators_by_section"]} == {"fluency", "truth"}


def test_runs_are_compared_by_kappa():
    """A judge that is always right is ahead by what it has more of kappa, in resamples of the same items."""
    data = polite()
    data["instances"] = [
        {**each, "id": f"{at}{turn}", "instance": f"{each['instance']} {turn}"}
        for turn in range(4)
        for at, each in enumerate(data["instances"])
    ]
    right = dict(zip(NOTES, LABELS, strict=True))
    with ScriptedModels(lambda request: next(said for note, said in right.items() if note in request.text)) as server:
        write_judges(server.url)
        (good,) = run("judge-bench", data).metrics
        run("judge-bench", data, "-j", "offline/first")
    assert good["score"] == pytest.approx(1.0)
    ended = judgebench("compare", *sorted(Path("runs/judge-bench").glob("*/*/labels")))
    assert ended.status == 0
    assert "diff (kappa)" in ended.out


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (
            polite(prompt="Is it polite?"),
            "judge-bench",
            "set.json instance 1: the prompt has no place for the instance",
        ),
        (polite(labels_list=[]), "judge-bench", "set.json instance 1: the property 'polite' is categorical and has no"),
        (polite(labels_list=["Yes", "No"]), "judge-bench", "label 'Unsure' is not one of the classes"),
        (polite(), "judge-bench-grades", "no row's category is one of those that judge-bench-grades takes"),
        ({**polite(), "instances": [{"id": 1}]}, "judge-bench", "set.json instance 1: has no object 'annotations'"),
    ],
    ids=["no place", "no labels", "unknown class", "another kind", "no annotations"],
)
def test_broken_files_stop_before_a_call(data, name, said):
    """What is wrong with a file is named with its instance, and nothing is asked."""
    with ScriptedModels() as server:
        write_judges(server.url)
        ended = run(name, data)
    assert (ended.status, server.count) == (2, 0)
    assert said in ended.err


RULE = RULES["kappa_or_spearman"]


def judged(golds, said):
    """Outcomes of items with classes, by what each reply says; None is no verdict."""
    made = []
    for at, (gold, each) in enumerate(zip(golds, said, strict=True)):
        result = Failure("unreadable") if each is None else Verdict(each)
        item = key(f"i{at}", k=1, num_correct=0, label=gold)
        made.append(RULE.judged(item, [Reading((0,), 0, result)]))
    return made


def test_the_rule_in_any_order_and_never_lower_for_a_better_answer():
    """The order of rows is nothing, and putting a wrong class right never lowers kappa."""
    golds, said = ["a", "b", "a", "b", "a", "b"], ["a", "b", "b", "a", "a", None]
    found = kappa_or_spearman(judged(golds, said))
    assert found.value == pytest.approx(kappa_or_spearman(judged(golds[::-1], said[::-1])).value)
    assert found.value == pytest.approx((3 / 5 - 13 / 25) / (1 - 13 / 25))  # 3 a, 2 b beside 3 a, 2 b
    for at in (2, 3):
        better = [*said[:at], golds[at], *said[at + 1 :]]
        assert kappa_or_spearman(judged(golds, better)).value > found.value
    assert kappa_or_spearman(judged(golds, said), "low") is None
    assert RULE.extra(judged(golds, said), Layout()) == {"valid": 5 / 6}


def test_grades_that_do_not_vary_have_no_score():
    """Equal ratings, or none, have no coefficient."""
    item = key("i", k=1, num_correct=0, human_score=2.0)
    assert kappa_or_spearman([Outcome(item, None, None, None, scores=((1.0,),))] * 3) is None
    assert kappa_or_spearman([Outcome(item, None, None, None)]) is None
    assert kappa_or_spearman(judged(["a", "a"], ["a", "a"])) is None


def test_a_templates_classes_may_be_those_of_the_rows():
    """`values: rows` and `scale: rows` are filled in, with classes escaped in the pattern, the longest first."""
    head = "---\nname: n\nverdict:\n  pattern: '({classes})'\n  values: rows\n  example: '{class}'\n---\n{classes}"
    assert is_from_rows(head)
    assert filled_in(head, ["a+b", "a+b it's"]) == (
        "---\nname: n\nverdict:\n  pattern: '(a\\+b\\ it''s|a\\+b)'\n"
        '  values: {"a+b": "a+b", "a+b it\'s": "a+b it\'s"}\n  example: \'a+b\'\n---\n{classes}'
    )
    scale = "---\nscale: rows\nexample: '{lowest}'\n---\n"
    assert filled_in(scale, scale=(0, 100)) == "---\nscale: [0, 100]\nexample: '0'\n---\n"
    assert not is_from_rows("---\nvalues: {a: b}\n---\nvalues: rows\n")
