"""Figures of label verdicts: against scikit-learn, with honest intervals, and the same in any order of the rows."""

from __future__ import annotations

import numpy as np
import pytest
from making import key, reading
from sklearn import metrics as sk

from judgebench.benchmarks.rules import label_outcome
from judgebench.items import Classes, Failure, Reading, Soft, Verdict
from judgebench.metrics.labels import NO_VERDICT, LabelVerdicts, label_figures

TWO = Classes(("pass", "fail"), "fail")
THREE = Classes(("correct", "incorrect", "not attempted"), "correct")


def figures(gold, said, classes=TWO, *, groups=None, chances=None, rule="mean"):
    """The figures of a run that said so of items of these gold classes; None is a failure, a list several samples."""
    outcomes, readings = [], {}
    for at, (label, verdicts) in enumerate(zip(gold, said, strict=True)):
        item = key(f"i{at}", k=1, num_correct=0, label=label, group=None if groups is None else groups[at])
        soft = None
        if chances is not None:
            other = next(name for name in classes.names if name != classes.positive)
            soft = Soft(((classes.positive, chances[at]), (other, 1 - chances[at])), 1.0)
        among = [
            Reading((0,), sample, Failure("unreadable") if each is None else Verdict(each, soft=soft))
            for sample, each in enumerate(verdicts if isinstance(verdicts, list) else [verdicts])
        ]
        readings[item.id] = among
        outcomes.append(label_outcome(item, among))
    return label_figures(LabelVerdicts.of(outcomes, readings, classes, rule), classes)


def drawn(n, classes, seed, right=0.7):
    """Gold classes, and verdicts that are right so often."""
    rng = np.random.default_rng(seed)
    gold = rng.choice(classes.names, n, p=np.arange(len(classes.names), 0, -1) / sum(range(len(classes.names) + 1)))
    said = np.where(rng.random(n) < right, gold, rng.choice(classes.names, n))
    return gold.tolist(), said.tolist()


def scores(found):
    return {name: each["score"] for name, each in found.items() if isinstance(each, dict) and "score" in each}


@pytest.mark.parametrize("classes", [TWO, THREE])
def test_every_figure_is_that_of_scikit_learn(classes):
    """Of two classes and of three, with the positive one against all others."""
    gold, said = drawn(90, classes, 3)
    own = [label == classes.positive for label in gold], [label == classes.positive for label in said]
    assert scores(figures(gold, said, classes)) == pytest.approx(
        {
            "accuracy": sk.accuracy_score(gold, said),
            "balanced_accuracy": sk.balanced_accuracy_score(gold, said),
            "macro_f1": sk.f1_score(gold, said, average="macro"),
            "precision": sk.precision_score(*own),
            "recall": sk.recall_score(*own),
            "specificity": sum(
                g == s or (s != classes.positive) for g, s in zip(gold, said, strict=True) if g != classes.positive
            )
            / sum(g != classes.positive for g in gold),
            "kappa": sk.cohen_kappa_score(gold, said),
            "mcc": sk.matthews_corrcoef(gold, said),
        }
    )


def test_a_reply_without_a_verdict_is_wrong():
    """It stands in its own column, counts as a class of its own for kappa and MCC, and is left out beside that."""
    gold, said = ["pass", "pass", "fail", "fail", "fail"], ["pass", None, "fail", None, "pass"]
    found = figures(gold, said)
    named = [NO_VERDICT if each is None else each for each in said]
    assert found["confusion"] == {
        "pass": {"pass": 1, "fail": 0, NO_VERDICT: 1},
        "fail": {"pass": 1, "fail": 1, NO_VERDICT: 1},
    }
    assert (found["accuracy"]["score"], found["recall"]["score"], found["specificity"]["score"]) == (0.4, 1 / 3, 0.5)
    assert found["kappa"]["score"] == pytest.approx(sk.cohen_kappa_score(gold, named))
    assert found["mcc"]["score"] == pytest.approx(sk.matthews_corrcoef(gold, named))
    assert found["verdicts_alone"]["accuracy"] == pytest.approx(2 / 3)


def test_figures_that_do_not_exist_are_null():
    """No item is positive: there is no recall; nothing but one class stands: no kappa."""
    found = figures(["pass", "pass"], ["pass", "pass"])
    assert [found[name] for name in ("recall", "precision", "kappa", "mcc")] == [None] * 4
    assert figures([None], ["pass"]) is None


def test_samples_are_parts_of_their_item():
    """By the mean a verdict of three is a third of its item; by majority an item has one."""
    gold, said = ["pass", "fail"], [["pass", "pass", "fail"], ["fail"] * 3]
    assert figures(gold, said)["confusion"]["pass"] == {
        "pass": pytest.approx(2 / 3, abs=1e-6),
        "fail": pytest.approx(1 / 3, abs=1e-6),
    }
    assert figures(gold, said, rule="majority")["confusion"]["pass"] == {"pass": 1, "fail": 0}


def test_probabilities_give_the_ranking_figures_of_scikit_learn():
    """ROC AUC and average precision, ties among the probabilities too; the thresholds end at recall 1."""
    gold, said = drawn(80, TWO, 5)
    rng = np.random.default_rng(1)
    chances = [round(float(rng.beta(4, 2) if label == "fail" else rng.beta(2, 4)), 1) for label in gold]
    found = figures(gold, said, chances=chances)
    positive = [label == "fail" for label in gold]
    assert found["roc_auc"]["score"] == pytest.approx(sk.roc_auc_score(positive, chances))
    assert found["average_precision"]["score"] == pytest.approx(sk.average_precision_score(positive, chances))
    assert [each["threshold"] for each in found["thresholds"]] == sorted({*chances}, reverse=True)
    assert (found["thresholds"][-1]["recall"], found["thresholds"][-1]["specificity"]) == (1.0, 0.0)


def test_abstaining_is_a_class_of_its_own():
    """Three of four are answered, two of these rightly; macro-F1 is over the classes that stand."""
    classes = Classes(("pass", "fail", "unsure"), "fail", "unsure")
    gold, said = ["pass", "pass", "fail", "fail"], ["pass", "unsure", "fail", "pass"]
    found = figures(gold, said, classes)
    assert (found["answered"]["score"], found["selective_accuracy"]["score"]) == (0.75, pytest.approx(2 / 3))
    assert (found["accuracy"]["score"], found["specificity"]["score"]) == (0.5, 0.5)
    assert found["macro_f1"]["score"] == pytest.approx((2 * 1 / (2 + 2) + 2 * 1 / (2 + 1)) / 2)


def test_the_order_of_the_rows_is_nothing():
    """Also for the intervals, of more groups than there are blocks."""
    gold, said = drawn(900, TWO, 7)
    groups = [f"g{at // 2}" for at in range(900)]
    order = np.random.default_rng(0).permutation(900)
    again = figures([gold[at] for at in order], [said[at] for at in order], groups=[groups[at] for at in order])
    first = figures(gold, said, groups=groups)
    for name, each in first.items():
        if isinstance(each, dict) and "score" in each:
            assert again[name] == pytest.approx(each)


def test_a_better_verdict_never_lowers_a_figure():
    """One wrong verdict made right."""
    gold, said = drawn(40, THREE, 2)
    before = scores(figures(gold, said, THREE))
    for at in [at for at in range(40) if gold[at] != said[at]][:4]:
        after = scores(figures(gold, [*said[:at], gold[at], *said[at + 1 :]], THREE))
        assert all(after[name] >= before[name] - 1e-12 for name in ("accuracy", "balanced_accuracy", "kappa"))


def test_items_of_one_group_count_as_one():
    """Each item ten times over in its group has the interval of one, about."""
    gold, said = drawn(60, TWO, 4)
    one = figures(gold, said)["kappa"]
    ten = figures(gold * 10, said * 10, groups=[f"g{at}" for at in range(60)] * 10)["kappa"]
    assert (ten["low"], ten["high"]) == pytest.approx((one["low"], one["high"]), abs=0.02)


@pytest.mark.parametrize("size", [1, 4])
def test_intervals_hold_the_truth_as_often_as_they_say(size):
    """A judge of known recall and specificity, on items by themselves and in groups that are alike."""
    rng = np.random.default_rng(11)
    runs, n, prevalence, recall, specificity = 120, 160, 0.25, 0.75, 0.9
    table = np.array([[(1 - prevalence) * specificity, (1 - prevalence) * (1 - specificity)]])
    table = np.vstack([table, [prevalence * (1 - recall), prevalence * recall]])
    chance = table.sum(axis=1) @ table.sum(axis=0)
    truth = {
        "recall": recall,
        "specificity": specificity,
        "balanced_accuracy": (recall + specificity) / 2,
        "kappa": (table.trace() - chance) / (1 - chance),
    }
    hits = dict.fromkeys(truth, 0)
    for _ in range(runs):
        shared = rng.random((n // size, 2))
        own = rng.random((n, 2))
        draws = np.where(rng.random((n, 1)) < 0.6, np.repeat(shared, size, axis=0), own) if size > 1 else own
        gold = (draws[:, 0] < prevalence).astype(np.int64)
        said = np.where(gold, draws[:, 1] < recall, draws[:, 1] > specificity).astype(np.int64)
        unit = np.repeat(np.arange(n // size), size)
        found = label_figures(LabelVerdicts(gold, said, np.ones(n), unit, np.full(n, np.nan)), TWO)
        for name, value in truth.items():
            hits[name] += found[name]["low"] <= value <= found[name]["high"]
    assert all(count / runs >= 0.88 for count in hits.values()), hits


def test_a_failed_reading_of_a_gold_class_has_bounds():
    """Wrong as it stands, right at best."""
    found = label_outcome(
        key(k=1, num_correct=0, label="pass"), [reading((0,), "!unreadable"), reading((0,), "pass", 1)]
    )
    assert (found.credit, found.low, found.high) == (0.5, 0.5, 1.0)
