"""Rules of answers in classes, and what a benchmark file says of classes and of parts of sections."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

import pytest
import yaml
from commands import judgebench
from hypothesis import given, settings, strategies as st
from scoring import write_rows
from sklearn.metrics import f1_score

import judgebench as jb
from judgebench.benchmarks.declared import declared_again
from judgebench.benchmarks.registry import RULES
from judgebench.benchmarks.spec import read_spec
from judgebench.items import Failure, ItemKey, Outcome, Reading, Verdict
from judgebench.metrics.accuracy import Layout, group_weights, official_scores, point_score

CLASSES = ("pass", "fail", "unsure")
SAID = st.lists(st.tuples(st.sampled_from(CLASSES), st.sampled_from([*CLASSES, None])), min_size=1, max_size=12)
LABEL_RULES = ("label_accuracy", "balanced_accuracy", "macro_f1")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def reading(said: str | None) -> Reading:
    return Reading((0,), 0, Failure("unreadable") if said is None else Verdict(said))


def outcomes_of(rule: str, pairs: list[tuple[str, str | None]]) -> list[Outcome]:
    keys = [ItemKey(str(at), "s", k=1, num_correct=0, lengths=(1,), label=gold) for at, (gold, _) in enumerate(pairs)]
    return [RULES[rule].judged(key, [reading(said)]) for key, (_, said) in zip(keys, pairs, strict=True)]


def score_of(rule: str, outcomes: list[Outcome], view: str = "credit") -> float:
    named = RULES[rule]
    layout = Layout(overall="items" if named.is_mean else "pooled", stratum=named.stratum, part_of=named.part_of)
    return point_score(outcomes, layout, view)


def reference(rule: str, pairs: list[tuple[str, str | None]]) -> float:
    """The figure in the plainest words; sklearn's F1, where no verdict is a class of its own that is not averaged."""
    if rule == "label_accuracy":
        return fmean(said == gold for gold, said in pairs)
    if rule == "balanced_accuracy":
        golds = {gold for gold, _ in pairs}
        return fmean(fmean(said == gold for gold, said in pairs if gold == each) for each in golds)
    there = sorted({gold for gold, _ in pairs} | {said for _, said in pairs if said})
    golds, saids = [gold for gold, _ in pairs], [said or "-" for _, said in pairs]
    return f1_score(golds, saids, labels=there, average="macro", zero_division=0)


@pytest.mark.parametrize("rule", LABEL_RULES)
@given(pairs=SAID, random=st.randoms(use_true_random=False), data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_label_rule_is_its_formula_in_any_order_and_a_right_verdict_never_lowers_it(rule, pairs, random, data):
    """Held against a plain reference; shuffled; with one more right verdict; failures counted right are the most."""
    if rule == "macro_f1" and not any(said for _, said in pairs):
        return  # without any verdict no figure is known
    outcomes = outcomes_of(rule, pairs)
    score = score_of(rule, outcomes)
    assert score == pytest.approx(reference(rule, pairs))
    assert score_of(rule, random.sample(outcomes, len(outcomes))) == pytest.approx(score)
    at = data.draw(st.integers(0, len(pairs) - 1))
    better = [*pairs[:at], (pairs[at][0], pairs[at][0]), *pairs[at + 1 :]]
    assert score_of(rule, outcomes_of(rule, better)) >= score - 1e-12
    assert score_of(rule, outcomes, "low") <= score + 1e-12
    assert score_of(rule, outcomes, "high") >= score - 1e-12


def test_intervals_of_label_rules_hold_the_score_and_shrink():
    """Ten times the items, about a third of the width."""
    pairs = [("pass", "pass"), ("pass", "fail"), ("fail", "fail"), ("fail", None), ("pass", "pass")] * 4
    for rule in LABEL_RULES:
        named = RULES[rule]
        layout = Layout(overall="items" if named.is_mean else "pooled", stratum=named.stratum, part_of=named.part_of)
        few, many = (official_scores(outcomes_of(rule, pairs * times), layout) for times in (1, 10))
        assert few.low < few.score < few.high
        assert (few.high - few.low) / (many.high - many.low) == pytest.approx(10**0.5, rel=0.25)


@given(sizes=st.lists(st.integers(1, 5), min_size=2, max_size=4), random=st.randoms(use_true_random=False))
def test_parts_of_a_section_count_the_same(sizes, random):
    """A section is the plain mean of its parts, whatever their sizes; the weights of all items sum to 1."""
    layout = Layout(section_of=lambda _: "S", open_ended=True, part_of=lambda item: item.subset)
    keys = [ItemKey(f"{p}:{at}", str(p), 2, 1, (1, 1)) for p, size in enumerate(sizes) for at in range(size)]
    credits_ = {key.id: float(random.random() < 0.5) for key in keys}
    outcomes = [Outcome(key, credits_[key.id], credits_[key.id], credits_[key.id]) for key in keys]
    means = [fmean(credits_[key.id] for key in keys if key.subset == str(part)) for part in range(len(sizes))]
    assert point_score(outcomes, layout) == pytest.approx(fmean(means))
    assert official_scores(outcomes, layout, resamples=10).sections["S"].score == pytest.approx(fmean(means))
    weights = group_weights(outcomes, layout)
    assert sum(each.in_score for each in weights) == pytest.approx(1)
    assert sum(each.in_section for each in weights) == pytest.approx(1)


def lay(rows: list[dict[str, object]], **said: object) -> str:
    write_rows(Path("rows.jsonl"), rows)
    columns = {"prompt": "q", "response": "a", "label": "ok"}
    text = yaml.safe_dump({"source": {"files": ["rows.jsonl"]}, "item": "label", "columns": columns, **said})
    Path("mine.yaml").write_text(text, encoding="utf-8")
    return "mine.yaml"


ROWS = [{"q": f"{at}?", "a": "x", "ok": "good" if at < 3 else "bad"} for at in range(4)]
LABELS = {"good": "pass", "bad": "fail"}


def test_positive_is_the_files_class():
    """The template's positive class is fail; the file's pass has the precision and recall."""
    said = {}
    for positive in (None, "pass"):
        more = {} if positive is None else {"positive": positive}
        path = lay(ROWS, labels=LABELS, rule="balanced_accuracy", name=f"of-{positive}".lower(), **more)
        labels = jb.run(path, judge="offline/first").metrics.extra["labels"]
        said[positive] = labels["positive"], labels["recall"]["score"], labels["specificity"]["score"]
    assert (said[None][0], said["pass"][0]) == ("fail", "pass")
    assert said[None][1:] == said["pass"][:0:-1]


def test_two_runs_are_compared_by_the_score_of_the_rule():
    """The difference in `compare` is that of the two balanced accuracies, not of accuracies."""
    path = lay(ROWS, labels=LABELS, rule="balanced_accuracy")
    runs = [jb.run(path, judge="offline/random", seed=seed) for seed in (1, 3)]
    first, second = (run.metrics.score for run in runs)
    whole = jb.compare(*runs).whole
    assert abs(whole.pairs[0].difference) == pytest.approx(abs(first - second))


def test_scores_of_answers_with_two_classes_have_roc_auc_and_average_precision():
    """Hand-worked: pass at .9, .5, .2 and fail at .4: two of three pairs right, AP (1 + 1 + 3/4) / 3; no score."""
    path = lay(ROWS, labels=LABELS)
    write_rows(Path("s.jsonl"), [{"id": at, "scores": [each]} for at, each in enumerate((0.9, 0.5, 0.2, 0.4), 1)])
    metrics = jb.score("s.jsonl", benchmark=path).metrics
    ranked = metrics.extra["label_scores"]
    assert (metrics.score, ranked["positive"], ranked["n"]) == (None, "pass", 4)
    assert ranked["roc_auc"]["score"] == pytest.approx(2 / 3)
    assert ranked["average_precision"]["score"] == pytest.approx((1 + 1 + 3 / 4) / 3)
    assert "scores of pass against the other class: ROC AUC 0.667" in " ".join(
        judgebench("score", "s.jsonl", "--benchmark", path).out.split()
    )


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"positive": "pas", "labels": LABELS}, "unknown class 'pas': did you mean pass?"),
        (
            {"positive": "A", "item": "pair", "columns": {"chosen": "a"}},
            "positive is for item: label, not for item: pair",
        ),
        ({"severity": ["pass"], "labels": LABELS}, "severity leaves out 'fail', which labels name"),
        ({"severity": ["pass", "fail"]}, "row"),
        ({"parts": {"A": ["x"]}, "labels": LABELS}, "parts are parts of sections: write sections too"),
        (
            {"parts": {"A": ["x"]}, "sections": {"column": "q"}, "rule": "balanced_accuracy", "labels": LABELS},
            "parts do not go with the rule balanced_accuracy",
        ),
        (
            {"parts": {"A": {"subsets": ["x"], "weight": 2}}, "sections": {"column": "q"}, "labels": LABELS},
            "parts.A has a weight: the parts of a section count the same",
        ),
        (
            {"parts": {"A": ["x"], "B": ["x"]}, "sections": {"column": "q"}, "labels": LABELS},
            "parts.B has the subset 'x'",
        ),
        ({"positive": "unsure", "labels": {**LABELS, "maybe": "unsure"}}, "unknown class of positive in mine 'unsure'"),
    ],
)
def test_mistakes_of_classes_and_parts_are_told_before_a_call(said, message):
    """The file and what is wrong, with the nearest name; exit status 2."""
    ended = judgebench("run", lay(ROWS, **said), "-j", "offline/first")
    assert (ended.status, message in ended.err) == (2, True), ended.err


def test_a_list_of_labels_is_its_worst():
    """Lists in lists, as a text and empty; a word that is no class names the row."""
    spec = {"name": "x", "item": "label", "columns": {"prompt": "q", "response": "a", "label": "spans.kind"}}
    spec |= {"labels": {"ok": "good", "slip": "bad"}, "severity": ["good", "bad"]}
    from judgebench.sources.source import Row

    spans = [[], [{"kind": ["ok"]}, {"kind": "slip"}], '[{"kind": "ok"}]']
    items = declared_again({"spec": spec}).items(
        Row(f"row {at}", {"q": "?", "a": "x", "spans": each}) for at, each in enumerate(spans)
    )
    assert [item.label for item in items] == ["good", "bad", "good"]


def test_the_hash_of_a_file_without_new_keys_is_as_it_was():
    """So that runs of earlier versions resume: the new keys count only where they are given."""
    lay(ROWS, labels=LABELS)
    plain = read_spec(Path("mine.yaml")).hash
    lay(ROWS, labels=LABELS, positive="pass")
    assert read_spec(Path("mine.yaml")).hash != plain
    dumped = read_spec(Path("mine.yaml")).model_dump(mode="json")
    assert {"severity", "positive", "parts"} <= dumped.keys()
