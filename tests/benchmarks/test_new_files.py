"""Benchmarks that are files alone: our own rows in their columns, and scores worked by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import write_judges
from scoring import run_offline, shared, write_rows
from scripted import ScriptedModels

import judgebench as jb
from judgebench.benchmarks import get_benchmark

NEW = (
    *("rmb", "ppe-preference", "ppe-correctness", "pandalm", "contextual-judge", "reasoning-judge", "codejudge"),
    *("eval-bias", "codejudge-adversarial", "m-rewardbench", "faithbench", "llm-aggrefact", "healthbench-meta"),
)


def turn(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text, "language": "English"}]


def answers(*texts: str) -> list[dict[str, str]]:
    return [{"llm_name": f"m{at}", "answer": text} for at, text in enumerate(texts)]


def test_rmb_is_the_mean_of_its_four_sections(tmp_path):
    """The longest answer: helpful pair right, helpful best of 3 wrong (one loser longer), harmless pair right: 2/3."""
    folder = tmp_path / "RMB_dataset"
    pairs, best = folder / "Pairwise_set" / "Helpfulness" / "Chat", folder / "BoN_set" / "Helpfulness" / "Chat"
    harm = folder / "Pairwise_set" / "Harmlessness"
    for each in (pairs, best, harm):
        each.mkdir(parents=True)
    (chosen,), (reject,) = answers("long answer"), answers("short")
    pair = {"pair_uid": "1", "conversation_input": turn("Hi?"), "chosen": chosen, "reject": reject}
    (pairs / "x.json").write_text(json.dumps([pair | {"category_path": "Pairwise_set/Helpfulness/Chat"}]))
    (harm / "S1.json").write_text(json.dumps([pair | {"category_path": "Pairwise_set/Harmlessness/S1"}]))
    row = {"bon_uid": "1", "conversation_input": turn("Ho?"), "bon_best": chosen}
    row |= {"loser_list": answers("no", "longer than the best"), "category_path": "BoN_set/Helpfulness/Chat"}
    (best / "x.json").write_text(json.dumps([row]))
    metrics = run_offline("rmb", tmp_path, str(folder)).metrics
    assert metrics.score == pytest.approx(2 / 3)
    assert metrics.missing == ("harmlessness best of n",)
    assert metrics.judgements == 4


def test_ppe_preference_leaves_ties_out(tmp_path):
    """Of three rows the tie is not asked; the longer answer wins one of the others."""
    rows = [
        {"question_id": at, "prompt": "p", "response_1": "long text", "response_2": "short", "winner": winner}
        for at, winner in enumerate(("model_a", "model_b", "tie"))
    ]
    metrics = run_offline("ppe-preference", tmp_path, write_rows(tmp_path / "rows.jsonl", rows)).metrics
    assert (metrics.items, metrics.score) == (2, 0.5)


def test_ppe_correctness_asks_the_sampled_pairs(tmp_path):
    """MATH has 1 of 2 sampled pairs, GPQA 1 of 1: a mean of 3/4. Of all pairs of MATH 3 of 4, which is its auc."""
    math = {"question_id": 1, "prompt": "p", "scores": [False, True, True, False]}
    math |= {f"response_{at}": f"r{at}" for at in (1, 2, 3, 4)} | {"sampled_conflict_pairs": [[0, 1], [2, 3]]}
    gpqa = {"question_id": 1, "prompt": "q", "scores": [True, False], "response_1": "x", "response_2": "y"}
    for name, row in (("PPE-MATH-Best-of-K", math), ("PPE-GPQA-Best-of-K", gpqa)):
        (tmp_path / "rows" / name).mkdir(parents=True)
        write_rows(tmp_path / "rows" / name / "test.jsonl", [row])
    scores = [  # right ones first: responses 2 and 3, then 1 and 4
        {"id": "PPE-MATH-Best-of-K:1", "scores": [2, 4, 3, 1]},
        {"id": "PPE-GPQA-Best-of-K:1", "scores": [2, 1]},
    ]
    file = write_rows(tmp_path / "scores.jsonl", scores)
    metrics = jb.score(file, benchmark="ppe-correctness", data=str(tmp_path / "rows"), out=tmp_path / "runs").metrics
    assert metrics.score == pytest.approx(3 / 4)
    assert metrics.extra["auc"] == pytest.approx((3 / 4 + 1) / 2)
    assert metrics.extra["best_of_k"]["end"] == 1  # the top answer of all four is a right one


def test_contextual_judge_is_right_in_both_orders(tmp_path):
    """The split of each file is its section; the longer answer is right in one of two splits."""
    for split, good in (("faithfulness_qa", "a long answer"), ("refusal_answerable", "a")):
        row = {
            "question": "q",
            "context": "c",
            "positive_response": good,
            "negative_response": "middle",
            "question_id": 1,
        }
        (tmp_path / "rows").mkdir(exist_ok=True)
        write_rows(tmp_path / "rows" / f"{split}-00000-of-00001.jsonl", [row])
    metrics = run_offline("contextual-judge", tmp_path, str(tmp_path / "rows")).metrics
    assert (metrics.score, metrics.judgements) == (0.5, 4)
    assert {name: each.score for name, each in metrics.sections.items()} == {
        "faithfulness_qa": 1.0,
        "refusal_answerable": 0.0,
    }


def test_reasoning_judge_puts_thirteen_splits_into_four_sections(tmp_path):
    """Two splits of math, one right; domain wrong: micro 1 of 3, and the sections 1/2 and 0."""
    (tmp_path / "rows").mkdir()
    for split, good in (("aime_pairwise", "long"), ("bbeh_ma_pairwise", "a"), ("supergpqa_pairwise", "a")):
        row = {"instruction": "q", "positive_response": good, "negative_response": "mid", "label": 1}
        write_rows(tmp_path / "rows" / f"{split}-00000-of-00001.jsonl", [row])
    run = run_offline("reasoning-judge", tmp_path, str(tmp_path / "rows"))
    assert run.metrics.score == pytest.approx(1 / 3)
    assert {name: each.score for name, each in run.metrics.sections.items()} == {"math": 0.5, "domain": 0.0}


def test_the_page_has_them_all():
    """Name, rule, licence and data of every file that ships without a page of its own."""
    page = (Path(__file__).parents[2] / "docs" / "benchmarks" / "more.md").read_text(encoding="utf-8")
    for name in NEW:
        spec = get_benchmark(name).spec
        (line,) = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
        assert f"`{spec.rule}`" in line
        assert spec.license in line
        assert (spec.source.url or spec.source.hub[0]) in line


def test_codejudge_is_the_mean_over_orders_and_items(tmp_path):
    """Tasks by folder, difficulties as subsets; a judge that takes the first is right in half of the orders."""
    for task in ("codegen", "testgen"):
        (tmp_path / "rows" / task).mkdir(parents=True)
        row = {"question_content": "q", "pos_response": "good", "neg_response": "b", "difficulty": "easy"}
        write_rows(tmp_path / "rows" / task / "model.jsonl", [row, row | {"difficulty": "hard"}])
    metrics = run_offline("codejudge", tmp_path, str(tmp_path / "rows"), judge="offline/first").metrics
    assert (metrics.score, metrics.items, metrics.missing) == (0.5, 4, ("coderepair",))
    assert set(metrics.subsets) == {"codegen easy", "codegen hard", "testgen easy", "testgen hard"}


def test_eval_bias_has_a_section_for_each_bias(tmp_path):
    """The longer answer is never right where the bias is length."""
    rows = [
        {"bias": "length bias", "instruction": "p", "response1": "a", "response2": "a longer one", "label": 1},
        {"bias": "concreteness", "instruction": "p", "response1": "a longer one", "response2": "a", "label": 1},
        {"bias": "concreteness", "instruction": "p", "response1": "a", "response2": "a longer one", "label": 2},
    ]
    metrics = run_offline("eval-bias", tmp_path, write_rows(tmp_path / "rows.jsonl", rows)).metrics
    assert metrics.score == pytest.approx(2 / 3)
    assert {name: each.score for name, each in metrics.sections.items()} == {"length bias": 0, "concreteness": 1}


def test_pandalm_takes_the_majority_of_three(tmp_path):
    """Labels 1, 2 and none in common (a tie); the longer answer is the first throughout: 1 of 3."""
    votes = ((1, 1, 0), (2, 2, 2), (0, 1, 2))
    rows = [
        {"idx": at, "motivation_app": "app", "instruction": "p", "input": "", "response1": "long", "response2": "s"}
        | {f"annotator{person}": vote for person, vote in enumerate(said, 1)}
        for at, said in enumerate(votes)
    ]
    metrics = run_offline("pandalm", tmp_path, write_rows(tmp_path / "rows.jsonl", rows)).metrics
    assert (metrics.template, metrics.score) == ("pairwise-ties", pytest.approx(1 / 3))
    assert metrics.extra["macro_recall"] == pytest.approx((1 + 0 + 0) / 3)


def test_pandalms_published_figures_come_out(tmp_path):
    """PandaLM-7B's own verdicts on the real pairs: accuracy .667668 and macro-F1 .574305."""
    folder: Path = shared("pandalm")
    (run,) = jb.import_verdicts(
        folder / "pandalm-7b-testset-v1.json",
        benchmark="pandalm",
        data=str(folder / "testset-v1.json"),
        out=tmp_path / "runs",
    )
    assert run.metrics.score == pytest.approx(0.667668, abs=5e-7)
    assert run.metrics.extra["macro_f1"] == pytest.approx(0.574305, abs=5e-7)


def test_pandalms_annotators_agree_as_published(tmp_path):
    """Imported from the real pairs, the three people's kappas are .852, .879 and .862."""
    people = jb.import_verdicts(shared("pandalm") / "testset-v1.json", out=tmp_path / "runs")
    found = jb.compare(*people).to_json()["agreement"]
    assert [each["kappa"]["value"] for each in found] == pytest.approx([0.852, 0.879, 0.862], abs=5e-4)


def faith(sample: int, *labels: list[str]) -> dict[str, object]:
    """A summary of FaithBench with its annotated spans."""
    spans = [{"annot_id": at, "label": each, "summary_span": "x"} for at, each in enumerate(labels)]
    return {"sample_id": sample, "source": f"Text {sample}.", "summary": "A summary.", "annotations": spans}


def test_faithbench_takes_the_worst_span(tmp_path):
    """No span or a benign one is faithful; a questionable or unwanted one among them is not: 2 and 3 of five."""
    samples = [
        faith(0),
        faith(1, ["Benign"], ["Benign"]),
        faith(2, ["Benign"], ["Questionable"]),
        faith(3, ["Unwanted", "Unwanted.Intrinsic"]),
        faith(4, ["Questionable"], ["Benign"], ["Unwanted.Extrinsic"]),
    ]
    (tmp_path / "batch_1.json").write_text(json.dumps({"samples": samples}))
    run = run_offline("faithbench", tmp_path, str(tmp_path / "batch_1.json"), judge="offline/first")
    assert {item.id: item.label for item in run.items} == {
        "batch_1:0": "faithful",
        "batch_1:1": "faithful",
        **{f"batch_1:{at}": "unfaithful" for at in (2, 3, 4)},
    }
    labels = run.metrics.extra["labels"]
    assert (run.metrics.template, labels["positive"]) == ("faithfulness", "unfaithful")
    assert run.metrics.score == pytest.approx(labels["balanced_accuracy"]["score"])


def test_llm_aggrefact_is_the_mean_over_its_sets_of_balanced_accuracy(tmp_path):
    """Hand-worked from verdicts: in set a recalls 1/2 and 1, in b 1 and 0: balanced 3/4 and 1/2, their mean 5/8."""
    said = [("a", 1, 1), ("a", 1, 0), ("a", 0, 0), ("b", 1, 1), ("b", 1, 1), ("b", 1, 1), ("b", 0, 1)]
    rows = [
        {"dataset": name, "doc": f"Doc {at}.", "claim": "c", "label": gold, "contamination_identifier": "id"}
        for at, (name, gold, _) in enumerate(said)
    ]
    words = {1: "FAITHFUL", 0: "UNFAITHFUL"}
    (tmp_path / "rows").mkdir()
    data = write_rows(tmp_path / "rows" / "test-00000-of-00001.jsonl", rows)
    write_rows(tmp_path / "rows" / "dev-00000-of-00001.jsonl", [{"another": "split"}])
    with ScriptedModels(lambda asked: f"Verdict: {words[said[int(asked.text.split('Doc ')[1][0])][2]]}") as models:
        providers = write_judges(models.url, tmp_path)
        for given in (data, str(tmp_path / "rows")):
            out = tmp_path / f"runs-{len(given)}"
            run = jb.run("llm-aggrefact", judge="mine", data=given, providers=providers, out=out, cache_dir=out)
            assert {name: each.score for name, each in run.metrics.sections.items()} == {"a": 0.75, "b": 0.5}
            assert run.metrics.score == pytest.approx(5 / 8)
            assert run.metrics.low < 5 / 8 < run.metrics.high
            assert run.metrics.extra["labels"]["positive"] == "faithful"


def test_m_rewardbench_is_rewardbenchs_rule_in_each_language(tmp_path):
    """Arabic: Chat (100 of 195 right) and Safety (right): mean of both; Czech: Chat wrong: 0. Mean over languages."""
    rows = {
        "arb_Arab": [("alpacaeval-easy", True), ("alpacaeval-hard", False), ("donotanswer", True)],
        "ces_Latn": [("alpacaeval-easy", False)],
    }
    for language, among in rows.items():
        (tmp_path / "rows" / language).mkdir(parents=True)
        write_rows(
            tmp_path / "rows" / language / "test-00000-of-00001.jsonl",
            [
                {"id": at, "language": "x", "prompt": "p", "source": subset}
                | {"chosen": "longer text" if right else "a", "rejected": "middle"}
                for at, (subset, right) in enumerate(among)
            ],
        )
    run = run_offline("m-rewardbench", tmp_path, str(tmp_path / "rows"))
    arabic = (100 / 195 + 1) / 2
    assert {name: each.score for name, each in run.metrics.sections.items()} == {
        "arb_Arab": pytest.approx(arabic),
        "ces_Latn": 0.0,
    }
    assert run.metrics.score == pytest.approx(arabic / 2)
    assert {item.id: item.group for item in run.items}["ces_Latn:0"] == "0"


def test_the_adversarial_codejudge_has_the_columns_of_the_other(tmp_path):
    """Another dataset, the same rule: mean over orders and pairs."""
    (tmp_path / "rows" / "codegen").mkdir(parents=True)
    row = {"question_content": "q", "pos_response": "good", "neg_response": "b", "difficulty": "easy"}
    write_rows(tmp_path / "rows" / "codegen" / "model.jsonl", [row])
    metrics = run_offline("codejudge-adversarial", tmp_path, str(tmp_path / "rows")).metrics
    assert (metrics.score, metrics.judgements, get_benchmark("codejudge-adversarial").hub_id) == (
        *(1.0, 2),
        "mattymchen/codejudgebench-adversarial",
    )
