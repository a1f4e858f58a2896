"""Items in steps: rows into items, ProcessBench's and PRMBench's rules beside slow references, and their files."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from scoring import mistake_in, write_rows

import judgebench as jb
from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.registry import RULES
from judgebench.benchmarks.rules import first_below, step_outcome
from judgebench.errors import ConfigError
from judgebench.items import Failure, ItemKey, Outcome, Reading, StepIndex, Verdict
from judgebench.metrics.accuracy import Layout, official_scores, point_score, score_bounds
from judgebench.metrics.steps import placements, prm_stratum, step_f1_stratum

F1 = Layout(overall="pooled", stratum=step_f1_stratum)
PRM = Layout(overall="pooled", stratum=prm_stratum)
RULE, PRM_RULE = RULES["step_f1"], RULES["prm_score"]


def key(name: str, label: str | None, steps: int = 4, subset: str = "all") -> ItemKey:
    return ItemKey(name, subset, 1, 0, (9,), label=label, steps=steps)


def said(*values: int | None) -> list[Reading]:
    """Samples that each name a step; None is an unreadable one."""
    made = (Failure("unreadable") if value is None else Verdict(StepIndex(value)) for value in values)
    return [Reading((0,), at, result) for at, result in enumerate(made)]


# --- rows


def row(**changes: object) -> dict[str, object]:
    return {"id": "a", "prompt": "p", "steps": ["one", "two", "three"], "label": 1, **changes}


@pytest.mark.parametrize(
    ("label", "gold"),
    [(1, "1"), ("-1", "-1"), (2.0, "2"), ([0, 2], "0 2"), ([], "-1"), ([True, False, True], "1"), ("", None)],
)
def test_a_label_is_the_first_wrong_step_or_all_of_them(tmp_path, label, gold):
    """Numbers from 0, -1 for none, or a truth value a step; empty is no label."""
    file = write_rows(tmp_path / "rows.jsonl", [row(label=label), row(id="b", label=0)])
    run = jb.run("custom", data=file, judge="offline/first", out=tmp_path / "runs")
    first, second = run.items
    assert (first.label, second.label, first.steps) == (gold, "0", ("one", "two", "three"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label": 3}, "line 2: label is 3, past the end: the steps are 0 to 2, and -1 says that none is wrong"),
        ({"label": [1, 7]}, "line 2: label is 7, past the end"),
        ({"label": -2}, "line 2: label is -2, before the first step"),
        ({"label": "second"}, "line 2: label is 'second', expected the number of the first wrong step, or -1"),
        ({"label": 1.5}, "line 2: label is 1.5, expected the number"),
        ({"steps": "one, two"}, "line 2: column 'steps' is str, expected a list of texts, one for each step"),
        ({"steps": []}, "line 2: column 'steps' is an empty list, expected a list of texts"),
        ({"steps": ["one", " "]}, "line 2: column 'steps': step 1 is empty, expected text"),
        ({"steps": ["one", 2]}, "line 2: column 'steps': step 1 is int, expected text"),
        ({"human_score": 2}, "line 2: has the column 'human_score' too"),
    ],
)
def test_rows_that_are_no_steps_are_refused_before_a_call(tmp_path, changes, message):
    """With file and line."""
    file = write_rows(tmp_path / "rows.jsonl", [row(), row(id="b") | changes])
    with pytest.raises(ConfigError) as caught:
        jb.run("custom", data=file, judge="offline/first", out=tmp_path / "runs")
    assert message in str(caught.value)
    assert not (tmp_path / "runs").exists()


# --- ProcessBench's rule


def slow_f1(items: list[tuple[str, list[int | None]]]) -> float:
    """The published script in plain loops: the mode of the readable answers, the earliest of several."""
    right: dict[bool, list[bool]] = {True: [], False: []}
    for gold, answers in items:
        readable = [each for each in answers if each is not None]
        prediction = Counter(readable).most_common(1)[0][0] if readable else None
        right[int(gold) == -1].append(prediction == int(gold))
    a, b = (sum(right[kind]) / len(right[kind]) for kind in (False, True))
    return 2 * a * b / (a + b) if a + b else 0.0


def drawn(rng: random.Random, n: int) -> list[tuple[str, list[int | None]]]:
    golds = ["-1", "0", *(str(rng.randint(-1, 3)) for _ in range(n - 2))]
    return [(gold, [rng.choice([None, -1, 0, 1, 2, 3, int(gold), 17]) for _ in range(3)]) for gold in golds]


def outcomes(items: list[tuple[str, list[int | None]]]) -> list[Outcome]:
    return [RULE.judged_steps(key(str(at), gold), said(*answers)) for at, (gold, answers) in enumerate(items)]


def test_f1_is_that_of_a_slow_reference_whatever_the_order_of_the_items():
    """Of samples with failures and ties; and a better answer never lowers it."""
    for seed in range(20):
        rng = random.Random(seed)
        items = drawn(rng, 12)
        score = point_score(outcomes(items), F1)
        assert score == pytest.approx(slow_f1(items))
        mixed = rng.sample(items, len(items))
        assert point_score(outcomes(mixed), F1) == pytest.approx(score)
        at = rng.randrange(len(items))
        better = [*items]
        better[at] = (items[at][0], [int(items[at][0])] * 3)
        assert point_score(outcomes(better), F1) >= score - 1e-12


def test_bounds_hold_what_failed_samples_could_have_said():
    """With 1, 1 and a failure nothing changes; the earliest of two decides; of five the two that failed do."""
    cases = {
        (1, 1, None): (1, 1, 1),
        (1, None): (1, 1, 1),
        (None, 1): (1, 0, 1),
        (None, None): (0, 0, 1),
        (-1, -1, 1, None, None): (0, 0, 1),
    }
    for answers, expected in cases.items():
        found = step_outcome(key("a", "1"), said(*answers))
        assert (found.credit, found.low, found.high) == expected, answers


def test_a_score_has_its_interval_and_bounds():
    """All right: Wilson's interval of as many items as the smaller kind has; one failure is wrong, and may be right."""
    items = [(("-1" if at % 2 else "1"), [-1 if at % 2 else 1]) for at in range(20)]
    scores = official_scores(outcomes(items), F1)
    assert (scores.score, scores.high) == (1.0, 1.0)
    assert scores.low == pytest.approx(10 / (10 + 1.959964**2), abs=1e-4)
    failed = outcomes([("1", [None]), *items[1:]])
    scores = official_scores(failed, F1)
    bounds = score_bounds(failed, F1, scores)
    assert scores.score == pytest.approx(2 * 0.9 / 1.9)
    assert (bounds.low, bounds.high) == (scores.score, 1.0)


def test_one_kind_of_items_alone_has_no_f1(tmp_path):
    """And the run says which kind is missing; the accuracy is there."""
    file = write_rows(tmp_path / "rows.jsonl", [row(), row(id="b", label=0)])
    metrics = jb.run("custom", data=file, judge="offline/first", out=tmp_path / "runs").metrics
    assert (metrics.score, metrics.extra["error_accuracy"], metrics.extra["correct_accuracy"]) == (None, 0.5, None)
    assert any("none has right steps alone" in note for note in metrics.notes)


def test_where_wrong_verdicts_point_is_counted():
    """Too early, too late, no step named; and a step named where none is wrong."""
    items = [("2", [0]), ("2", [3]), ("2", [-1]), ("2", [2]), ("2", [None]), ("-1", [1]), ("-1", [-1])]
    made = outcomes(items)
    found = placements(made, {each.item.id: said(*answers) for each, (_, answers) in zip(made, items, strict=True)})
    assert found == {
        "error": {"exact": 1, "earlier": 1, "later": 1, "none": 1, "no verdict": 1},
        "correct": {"exact": 1, "named": 1, "no verdict": 0},
    }


@pytest.mark.parametrize(("scores", "first"), [([0.9, 0.5, 0.4], 2), ([0.5, 0.6], -1), ([0.1, 0.0], 0), ([], -1)])
def test_the_first_score_below_the_threshold_is_the_first_wrong_step(scores, first):
    """A score at the threshold is not below it."""
    assert first_below(scores, 0.5) == first


# --- PRMBench's rule


def slow_prm(items: list[tuple[set[int], list[int]]]) -> float:
    """The published script in plain loops, over labels that are 1 for a right step."""
    tp = fp = tn = fn = 0
    for wrong, labels in items:
        for at, label in enumerate(labels):
            if at in wrong:
                fp, tn = fp + (label == 1), tn + (label == 0)
            else:
                tp, fn = tp + (label == 1), fn + (label == 0)

    def f1(hit: int, false: int, missed: int) -> float:
        precision = hit / (hit + false) if hit + false else 0.0
        recall = hit / (hit + missed) if hit + missed else 0.0
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0

    right, negative = f1(tp, fp, fn), f1(tn, fn, fp)
    return (right + negative) / 2 if fp + tn else right


def scored(items: list[tuple[set[int], list[int]]]) -> list[Outcome]:
    made = []
    for at, (wrong, labels) in enumerate(items):
        label = " ".join(map(str, sorted(wrong))) or "-1"
        made.append(PRM_RULE.scored_steps(key(str(at), label, len(labels)), tuple(map(float, labels)), 0.5))
    return made


def test_the_prm_score_is_that_of_a_slow_reference_whatever_the_order_of_the_items():
    """And a better label never lowers it."""
    for seed in range(20):
        rng = random.Random(seed)
        items = []
        for _ in range(8):
            n = rng.randint(1, 6)
            items.append(({at for at in range(n) if rng.random() < 0.3}, [rng.randint(0, 1) for _ in range(n)]))
        score = point_score(scored(items), PRM)
        assert score == pytest.approx(slow_prm(items))
        assert point_score(scored(rng.sample(items, len(items))), PRM) == pytest.approx(score)
        wrong, labels = items[0]
        items[0] = (wrong, [0 if at in wrong else 1 for at in range(len(labels))])
        assert point_score(scored(items), PRM) >= score - 1e-12


def test_steps_behind_the_one_that_a_judge_names_are_taken_as_right():
    """Steps 1 and 3 of 4 are wrong, and 1 is named: 2 right ones found, 1 wrong one found, 1 missed: 3 of 4."""
    made = PRM_RULE.judged_steps(key("a", "1 3"), said(1))
    assert [made.parts[name] for name in ("tp", "fp", "tn", "fn")] == [2, 1, 1, 0]
    assert made.credit == 0.75


# --- the files


def process_row(name: str, label: int, n: int = 3) -> dict[str, object]:
    steps = [f"{name} step {at}" for at in range(n)]
    return {
        "id": name,
        "generator": "g",
        "problem": f"Problem {name}?",
        "steps": steps,
        "final_answer_correct": label < 0,
        "label": label,
    }


ROWS = [
    *(process_row("gsm8k-0", 1), process_row("gsm8k-1", 0), process_row("gsm8k-2", -1), process_row("gsm8k-3", -1, 1)),
    *(process_row("math-0", 2), process_row("math-1", -1)),
    *(process_row("olympiadbench-0", 2), process_row("olympiadbench-1", -1)),
]
PRM_SCORES = {  # by hand at .5: gsm8k 1 of 2 and 2 of 2: 2/3; math 0 of 1: 0; olympiadbench all: 1. Mean 5/9.
    "gsm8k-0": [0.9, 0.3, 0.8],
    "gsm8k-1": [0.7, 0.2, 0.2],
    "gsm8k-2": [0.9, 0.5, 0.6],
    "gsm8k-3": [0.8],
    "math-0": [0.9, 0.1, 0.1],
    "math-1": [0.9, 0.9, 0.9],
    "olympiadbench-0": [0.6, 0.7, 0.4],
    "olympiadbench-1": [0.6, 0.7, 0.9],
}


def score(tmp_path, benchmark, rows, lines, **options):
    data, file = write_rows(tmp_path / "rows.jsonl", rows), write_rows(tmp_path / "prm.jsonl", lines)
    return jb.score(file, benchmark=benchmark, data=data, out=tmp_path / "runs", **options)


def test_processbench_is_the_mean_of_its_splits(tmp_path):
    """Worked by hand beside the scores; the threshold makes another run of the same file."""
    lines = [{"id": name, "scores": scores} for name, scores in PRM_SCORES.items()]
    run = score(tmp_path, "processbench", ROWS, lines, threshold=0.5)
    metrics = run.metrics
    assert metrics.score == pytest.approx(5 / 9)
    assert {name: each.score for name, each in metrics.sections.items()} == {
        "gsm8k": pytest.approx(2 / 3),
        "math": 0.0,
        "olympiadbench": 1.0,
    }
    assert metrics.missing == ("omnimath",)
    assert metrics.extra["f1"] == pytest.approx(5 / 9)
    assert metrics.extra["error_accuracy"] == pytest.approx((1 / 2 + 0 + 1) / 3)
    assert metrics.extra["correct_accuracy"] == 1.0
    assert (metrics.extra["f1_low"], metrics.extra["f1_high"]) == (metrics.low, metrics.high)
    other = score(tmp_path, "processbench", ROWS, lines, threshold=0.35)
    assert other.path != run.path
    assert other.manifest.identity["threshold"] == 0.35


def prm_row(name: str, kind: str, error_steps: list[int], n: int = 3) -> dict[str, object]:
    steps = [f"{at}. {name}" for at in range(1, n + 1)]
    return {
        "original_question": "q",
        "modified_question": f"{kind} {name}?",
        "original_process": ["1. other"],
        "modified_process": steps,
        "modified_steps": error_steps,
        "error_steps": error_steps,
        "reason": "r",
        "idx": name,
        "question": "q",
        "classification": kind,
    }


def test_prmbench_counts_every_step_of_its_nine_classes(tmp_path):
    """By hand: circular 3 of 3 by inverted redundancy labels; confidence F1 0 and 2/3; multi_solutions F1 2/3 alone.

    Together 3 right steps found, 1 wrong one not, 2 wrong ones found, 1 right one lost: (6/8 + 4/6) / 2.
    """
    rows = [
        prm_row("p1", "circular", [2]),
        prm_row("p1", "multi_solutions", [], 2),
        prm_row("p1", "confidence", [1, 2], 2),
    ]
    valid, redundant = "step_level_validity_labels", "step_level_redundancy_labels"
    lines = [
        {"idx": "circular_p1", "scores": {valid: [True] * 3, redundant: [False, True, False]}},
        {"idx": "multi_solutions_p1", "scores": {valid: [True, False], redundant: [True, True]}},
        {"idx": "confidence_p1", "scores": {valid: [False, True]}},
    ]
    metrics = score(tmp_path, "prmbench", rows, lines).metrics
    assert metrics.score == pytest.approx((6 / 8 + 4 / 6) / 2)
    assert {name: each.score for name, each in metrics.subsets.items()} == {
        "circular": 1.0,
        "confidence": pytest.approx(2 / 3),
        "multi_solutions": pytest.approx(2 / 3),
    }
    figures = {name: metrics.extra[name] for name in ("f1", "negative_f1", "error_accuracy", "correct_accuracy")}
    assert figures == pytest.approx(
        {"f1": 6 / 8, "negative_f1": 4 / 6, "error_accuracy": 2 / 3, "correct_accuracy": 3 / 4}
    )


def test_steps_of_prmbench_count_from_1(tmp_path):
    """0 and 4 of 3 are no steps."""
    for at, where in ((0, "before the first step"), (4, "past the end")):
        message = mistake_in("prmbench", write_rows(tmp_path / "rows.jsonl", [prm_row("p", "circular", [2, at])]))
        assert f"label is {at}, {where}: the steps are 1 to 3" in message


@pytest.mark.parametrize(
    ("lines", "options", "message"),
    [
        (
            [{"id": "gsm8k-0", "scores": [0.9, 0.3, 0.8]}],
            {},
            "nothing says which of them mean a wrong one: add --threshold",
        ),
        ([{"id": "gsm8k-0", "scores": [0.9, 0.3, 0.8]}], {"threshold": 5}, "--threshold is 5, where no score"),
        ([{"id": "gsm8k-0", "scores": [0.9, 0.3]}], {"threshold": 0.5}, "gsm8k-0 (2 for 3 steps)"),
        ([{"id": "gsm8k-0", "scores": [0.9, None, 1]}], {"threshold": 0.5}, "steps without a score: gsm8k-0"),
        ([{"id": "gsm8k-0", "scores": 0.9}], {"threshold": 0.5}, "line 1: column 'scores' is float, expected a list"),
        ([{"id": "gsm8k-0", "scores": ["good"]}], {"threshold": 0.5}, "line 1: column 'scores' holds 'good', expected"),
        ([{"id": "gsm8k-0", "scores": [0.9]}], {"threshold": 0.5, "steps": "min"}, "is scored step by step"),
        ([{"id": "gsm8k-0", "value": [0.9]}], {"threshold": 0.5}, "no column 'scores' with a list"),
    ],
)
def test_score_files_that_say_nothing_of_the_steps_are_refused(tmp_path, lines, options, message):
    """A threshold that nothing states, or that no score can be at; scores that are too few or none."""
    with pytest.raises(ConfigError) as caught:
        score(tmp_path, "processbench", ROWS[:1], lines, **options)
    assert message in str(caught.value)


def test_verdicts_made_elsewhere_are_imported(tmp_path):
    """ProcessBench's own results by `prediction` (-1 is a verdict), and recorded replies by a template's rule."""
    data = write_rows(tmp_path / "rows.jsonl", ROWS[:4])
    told = [1, 1, -1, None]
    results = [{"id": row["id"], "prediction": step, "match": True} for row, step in zip(ROWS, told, strict=False)]
    replies = [{"id": row["id"], "reply": rf"So \boxed{{{step}}}"} for row, step in zip(ROWS, told, strict=False)]
    for lines, template in ((results, None), (replies, "first-wrong-step")):
        (run,) = jb.import_verdicts(
            write_rows(tmp_path / "x.jsonl", lines),
            benchmark="processbench",
            data=data,
            judge="x",
            template=template,
            out=tmp_path / "runs",
        )
        assert run.metrics.score == pytest.approx(0.5)  # 1 of 2 and 1 of 2
        assert run.metrics.failures == {"unreadable": 1}
    bad = write_rows(tmp_path / "x.jsonl", [{"id": "gsm8k-0", "prediction": "two"}])
    with pytest.raises(ConfigError, match="line 1: verdict is 'two', expected the number of the first wrong step"):
        jb.import_verdicts(bad, benchmark="processbench", data=data, judge="x", out=tmp_path / "runs")


def test_a_threshold_is_for_steps(tmp_path):
    """Pairs have none."""
    rows = [{"id": "a", "prompt": "p", "chosen": "x", "rejected": "y"}]
    with pytest.raises(ConfigError, match="--threshold is for items in steps, and custom has none"):
        score(tmp_path, "custom", rows, [{"id": "a", "scores": [1, 0]}], threshold=0.5)


def test_lists_of_one_list_and_missing_items_are_taken(tmp_path):
    """A score file may hold a list of one completion's steps; --allow-missing counts the rest as wrong."""
    run = score(
        tmp_path,
        "processbench",
        ROWS[:3],
        [{"id": "gsm8k-2", "step_scores": [[0.9, 0.8, 0.7]]}],
        threshold=0.5,
        allow_missing=True,
    )
    assert (run.metrics.extra["correct_accuracy"], run.metrics.extra["error_accuracy"]) == (1.0, 0.0)
    assert run.metrics.bounds.high == 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("columns: {prompt: q, label: at}", "columns must name the column of the steps: {steps: NAME}"),
        ("first_step: 2", "first_step is 2, and must be 0 or 1"),
        ("labels: {fine: -1, second: two}", "is 'two': write the number of a step, -1, or nothing"),
        ("rule: strict_pair", "rule is strict_pair, which is not for item: steps; for it are step_f1, prm_score"),
        ("template: {pairwise: pairwise}", "unknown mode 'pairwise'"),
        ("item: pair", "columns.steps is for item: steps"),
        ("item: step", "did you mean steps?"),
    ],
)
def test_mistakes_in_a_file_of_steps_are_said_with_their_line(tmp_path, change, message):
    """Before a row is read."""
    lines = {
        "source": "source: {files: [rows.jsonl]}",
        "item": "item: steps",
        "columns": "columns: {prompt: q, steps: s, label: at}",
    }
    lines[change.partition(":")[0]] = change
    file = tmp_path / "mine.yaml"
    file.write_text("\n".join(lines.values()), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        get_benchmark(str(file))
    assert message in str(caught.value)
    assert "mine.yaml, line " in str(caught.value)


def test_a_file_of_ones_own_counts_from_1_and_catches_its_subsets(tmp_path):
    """Labels by words, `first_step: 1`, and the subset as a part of the id."""
    rows = [
        {"q": "p", "s": ["a", "b"], "at": at, "key": f"{subset}-{number}"}
        for number, (subset, at) in enumerate([("x", 1), ("x", "fine"), ("y", [2]), ("y", 0)])
    ]
    write_rows(tmp_path / "rows.jsonl", rows)
    (tmp_path / "mine.yaml").write_text(
        "source: {files: [rows.jsonl]}\nitem: steps\nfirst_step: 1\nlabels: {fine: -1}\naverage: macro\n"
        "columns: {id: key, prompt: q, steps: s, label: at, subset: 'key ~ (.+)-\\d+'}\n",
        encoding="utf-8",
    )
    run = jb.run(str(tmp_path / "mine.yaml"), judge="offline/first", out=tmp_path / "runs")
    assert [(item.label, item.subset) for item in run.items] == [("0", "x"), ("-1", "x"), ("1", "y"), ("-1", "y")]
    assert run.metrics.extra["error_accuracy"] == 0.5
