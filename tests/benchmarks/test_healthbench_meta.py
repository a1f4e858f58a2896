"""HealthBench's meta-evaluation: its rule by hand and beside a slow reference, on our own rows in its columns."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from commands import judgebench, read_json, write_jsonl, write_judges
from making import key, reading
from scripted import ScriptedModels

from judgebench.benchmarks.people_rules import PairwiseF1
from judgebench.metrics.accuracy import Layout
from judgebench.metrics.pairwise import people_figures

RULE = PairwiseF1()


def outcome_of(name, labels, said, **more):
    """An item with the labels of people d0, d1, ..., and the judge's verdict."""
    people = tuple((f"d{at}", label) for at, label in enumerate(labels))
    more["annotations" if len(people) > 1 else "label"] = people if len(people) > 1 else labels[0]
    return RULE.judged(key(name, k=1, num_correct=0, **more), [reading((0,), said)])


def slow(rows):
    """The rule as a list of agreements for each class that was said (precision) and for each label (recall).

    An F1 is known where both lists have an entry; the mean where both classes' F1 are.
    """
    lists = {}
    for labels, said in rows:
        for label in labels:
            lists.setdefault(("precision", said), []).append(said == label)
            lists.setdefault(("recall", label), []).append(said == label)
    f1s = []
    for name in ("met", "unmet"):
        if ("precision", name) not in lists or ("recall", name) not in lists:
            return None
        precision, recall = (sum(each) / len(each) for each in (lists["precision", name], lists["recall", name]))
        f1s.append(2 * precision * recall / (precision + recall) if precision + recall else 0.0)
    return sum(f1s) / 2


def score_of(outcomes):
    stratum = RULE.stratum(outcomes, "credit")
    return None if stratum is None else stratum.value


def test_the_rule_by_hand():
    """Pairs of verdict and label: met with met, met, unmet, unmet; unmet with met, unmet.

    met: precision 2/4, recall 2/3, F1 4/7; unmet: precision 1/2, recall 1/3, F1 2/5; mean 17/35.
    """
    outcomes = [
        outcome_of("a", ["met", "met", "unmet"], "met"),
        outcome_of("b", ["met", "unmet"], "unmet"),
        outcome_of("c", ["unmet"], "met"),
    ]
    assert score_of(outcomes) == pytest.approx(17 / 35)
    found = RULE.extra(outcomes, Layout())["pairwise"]
    assert found["pairs"] == 6
    assert {name: round(found["classes"]["met"][name], 6) for name in ("precision", "recall", "f1")} == {
        "precision": 0.5,
        "recall": 0.666667,
        "f1": 0.571429,
    }
    assert [outcome.credit for outcome in outcomes] == [pytest.approx(2 / 3), 0.5, 0.0]


def random_rows(seed, count=80):
    rng = random.Random(seed)
    rows = []
    for _ in range(count):
        labels = [rng.choice(["met", "met", "unmet"]) for _ in range(rng.choice([1, 2, 2, 3]))]
        rows.append((labels, labels[0] if rng.random() < 0.7 else rng.choice(["met", "unmet"])))
    return rows


@pytest.mark.parametrize("seed", range(5))
def test_the_score_is_that_of_the_slow_reference_in_any_order(seed):
    """And its interval holds it."""
    rows = random_rows(seed)
    outcomes = [outcome_of(str(at), labels, said) for at, (labels, said) in enumerate(rows)]
    assert score_of(outcomes) == pytest.approx(slow(rows))
    assert score_of(outcomes[::-1]) == pytest.approx(slow(rows))
    interval = RULE.stratum(outcomes, "credit").interval()
    assert interval.low < slow(rows) < interval.high


@pytest.mark.parametrize("seed", range(3))
def test_a_verdict_that_all_people_share_never_lowers_the_score(seed):
    """Of an item on which they agree."""
    rows = random_rows(seed)
    at = next(at for at, (labels, said) in enumerate(rows) if len(set(labels)) == 1 and said != labels[0])
    better = [*rows[:at], (rows[at][0], rows[at][0][0]), *rows[at + 1 :]]
    before, after = (
        score_of([outcome_of(str(n), labels, said) for n, (labels, said) in enumerate(each)]) for each in (rows, better)
    )
    assert after > before


def test_a_class_that_is_never_said_has_no_f1():
    """So there is no score, which a note says."""
    outcomes = [outcome_of("a", ["met", "unmet"], "met"), outcome_of("b", ["unmet", "unmet"], "met")]
    assert score_of(outcomes) is None
    assert "no score: of unmet there are no verdicts or no labels, so its F1 is not known" in [*RULE.notes(outcomes)]


def test_a_reply_without_a_verdict_is_wrong():
    """It lowers recall and is no one's precision: met 1 of 2 found, unmet 1 of 1: F1 2/3 and 1."""
    outcomes = [
        outcome_of("a", ["met"], "met"),
        outcome_of("b", ["met"], "!unreadable"),
        outcome_of("c", ["unmet"], "unmet"),
    ]
    assert score_of(outcomes) == pytest.approx((2 / 3 + 1) / 2)
    assert (outcomes[1].credit, outcomes[1].high) == (0.0, 1.0)


def test_people_against_each_other_are_the_ceiling():
    """Each against the others, by the slow reference, weighted by what both F1 are over, as by hand.

    d0 says met, met, unmet where the others say (met, unmet), met, unmet; and so on.
    """
    items = [["met", "met", "unmet"], ["met", "met"], ["unmet", "unmet"]]
    annotations = [[(f"d{at}", label) for at, label in enumerate(labels)] for labels in items]
    reached, weights = [], []
    for person in range(3):
        rows = [
            ([label for at, label in enumerate(labels) if at != person], labels[person])
            for labels in items
            if person < len(labels)
        ]
        mean = slow(rows)
        if mean is None:
            continue
        weight = 0
        for name in ("met", "unmet"):
            pairs = [(said, label) for labels, said in rows for label in labels]
            weight += sum(name in pair for pair in pairs)
        reached.append(mean)
        weights.append(weight)
    found = people_figures(annotations)
    assert found["people"] == len(reached) == 2
    assert found["mean"] == pytest.approx(sum(reached) / 2)
    assert found["score"] == pytest.approx(sum(w * f for w, f in zip(weights, reached, strict=True)) / sum(weights))
    assert found["mean"] == pytest.approx((2 / 3 + 4 / 5) / 2)


def meta(at, labels, category, completion):
    """One row in the columns of the official file."""
    return {
        "prompt": [{"role": "user", "content": f"Question {at // 2}"}],
        "prompt_id": f"p{at // 2}",
        "completion": completion,
        "completion_id": f"k{at}",
        "rubric": f"Asks for more ({at}).",
        "category": f"cluster:{category}",
        "binary_labels": labels,
        "anonymized_physician_ids": [f"d{n}" for n in range(len(labels))],
        "canary": "none",
    }


ROWS = [
    meta(0, [True, True, False], "seeking", "answer met"),
    meta(1, [True, False], "seeking", "answer unmet"),
    meta(2, [False, False], "hedging", "answer unmet"),
    meta(3, [True, True], "hedging", "answer met"),
    meta(3, [False], "hedging", "answer met") | {"rubric": "Says when to come back."},
]


@pytest.fixture
def server():
    def say(request):
        word = request.text.partition("<answer>\nanswer ")[2].split()[0]
        assert "true" not in request.text.casefold()
        return f"So.\nVerdict: {word.upper()}"

    with ScriptedModels(say) as running:
        write_judges(running.url)
        yield running


def test_rows_in_the_official_columns_are_scored_by_the_file_alone(server):
    """The whole and each cluster by the slow reference; two people split an item and it counts all the same."""
    write_jsonl(Path("meta.jsonl"), ROWS)
    (metrics,) = judgebench("run", "healthbench-meta", "--data", "meta.jsonl", "-j", "mine", "--json").metrics
    rows = [
        (["met" if label else "unmet" for label in row["binary_labels"]], row["completion"].split()[1]) for row in ROWS
    ]
    assert metrics["score"] == pytest.approx(slow(rows))
    assert metrics["sections"]["cluster:seeking"]["score"] == pytest.approx(slow(rows[:2]))
    assert metrics["sections"]["cluster:hedging"]["score"] == pytest.approx(slow(rows[2:]))
    assert metrics["people"]["people"] == 2
    assert metrics["pairwise"]["pairs"] == 10
    manifest = read_json(next(Path("runs").rglob("manifest.json")))
    assert manifest["template"]["name"] == "criterion"


def test_names_and_labels_must_be_as_many(server):
    """A row whose people have fewer names than labels is refused with its line, before a call."""
    write_jsonl(Path("meta.jsonl"), [*ROWS[:1], ROWS[1] | {"anonymized_physician_ids": ["d1"]}])
    ended = judgebench("run", "healthbench-meta", "--data", "meta.jsonl", "-j", "mine")
    assert (ended.status, server.count) == (2, 0)
    assert "meta.jsonl line 2" in ended.err
    assert "1 names for the labels" in ended.err


def test_no_message_tells_what_people_said(server):
    """Neither their labels nor their names go out."""
    write_jsonl(Path("meta.jsonl"), ROWS)
    judgebench("run", "healthbench-meta", "--data", "meta.jsonl", "-j", "mine")
    sent = json.dumps([request.messages for request in server.requests])
    assert "d0" not in sent
    assert "Asks for more (3)." in sent
