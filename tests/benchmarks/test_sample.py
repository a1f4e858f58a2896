"""The bundled sample rows have the benchmarks' shape, and no answer gives itself away by its length."""

import json
from collections import Counter
from pathlib import Path

import pytest

SAMPLE = Path(__file__).resolve().parents[2] / "judgebench" / "benchmarks" / "sample"
PAIR_COLUMNS = ["prompt", "chosen", "chosen_model", "rejected", "rejected_model", "subset", "id"]
BEST_OF_COLUMNS = [
    "id",
    "prompt",
    "chosen",
    "rejected",
    "num_correct",
    "num_incorrect",
    "total_completions",
    "models",
    "subset",
    "additional_metadata",
]
SUBSETS = {
    *("alpacaeval-easy", "alpacaeval-length", "alpacaeval-hard", "mt-bench-easy", "mt-bench-med", "mt-bench-hard"),
    *("llmbar-natural", "llmbar-adver-neighbor", "llmbar-adver-GPTInst", "llmbar-adver-GPTOut", "llmbar-adver-manual"),
    *("refusals-dangerous", "refusals-offensive", "xstest-should-refuse", "xstest-should-respond", "donotanswer"),
    *("math-prm", "hep-cpp", "hep-go", "hep-java", "hep-js", "hep-python", "hep-rust"),
}
DOMAINS = {"Factuality", "Precise IF", "Math", "Safety", "Focus"}


def rows(name):
    return [json.loads(line) for line in (SAMPLE / name).read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def pairs():
    return rows("rewardbench.jsonl")


@pytest.fixture(scope="module")
def best_of():
    return rows("rewardbench-2.jsonl")


def test_every_subset_has_at_least_two_pairs(pairs):
    """Each of RewardBench's 23 subsets, and no other, has two pairs or more."""
    counts = Counter(row["subset"] for row in pairs)
    assert set(counts) == SUBSETS
    assert min(counts.values()) >= 2


def test_pairs_have_the_columns_of_rewardbench(pairs):
    """A pair has RewardBench's columns in its order, texts that say something, and two different answers."""
    for row in pairs:
        assert list(row) == PAIR_COLUMNS
        assert all(isinstance(row[name], str) and row[name].strip() for name in PAIR_COLUMNS[:-1])
        assert row["chosen"] != row["rejected"]


def test_ids_are_unique(pairs, best_of):
    """Ids of pairs are whole numbers, and no id or prompt comes twice in a file."""
    assert all(type(row["id"]) is int for row in pairs)
    for data in (pairs, best_of):
        assert len({str(row["id"]) for row in data}) == len(data)
        assert len({row["prompt"] for row in data}) == len(data)


def test_length_does_not_give_the_chosen_answer_away(pairs):
    """Taking the longer answer is right on about half of the pairs, and no pair has two of the same length."""
    longest_wins = sum(len(row["chosen"]) > len(row["rejected"]) for row in pairs) / len(pairs)
    assert 0.35 <= longest_wins <= 0.7
    assert all(len(row["chosen"]) != len(row["rejected"]) for row in pairs)


def test_five_domains_have_six_rows_of_best_of_four(best_of):
    """Each of the five domains beside Ties has six rows with one correct answer and three others."""
    four = [row for row in best_of if row["subset"] != "Ties"]
    assert Counter(row["subset"] for row in four) == dict.fromkeys(DOMAINS, 6)
    assert all((row["num_correct"], row["num_incorrect"]) == (1, 3) for row in four)


def test_the_longest_of_four_is_seldom_correct(best_of):
    """The correct one of four is the longest in a quarter to two fifths of the rows."""
    four = [row for row in best_of if row["subset"] != "Ties"]
    longest_wins = sum(len(row["chosen"][0]) > max(map(len, row["rejected"])) for row in four) / len(four)
    assert 0.25 <= longest_wins <= 0.4


def test_best_of_rows_have_the_columns_of_rewardbench_2(best_of):
    """A row has RewardBench 2's columns in its order, and its counts are those of its lists."""
    for row in best_of:
        assert list(row) == BEST_OF_COLUMNS
        assert row["num_correct"] == len(row["chosen"])
        assert row["num_incorrect"] == len(row["rejected"])
        assert row["num_correct"] + row["num_incorrect"] == row["total_completions"] == len(row["models"])
        assert row["additional_metadata"] is None or isinstance(row["additional_metadata"], dict)


def test_completions_say_something_and_differ(best_of):
    """No text is empty, and no completion comes twice in a row."""
    for row in best_of:
        texts = [*row["chosen"], *row["rejected"]]
        assert all(isinstance(text, str) and text.strip() for text in [row["prompt"], *texts, *row["models"]])
        assert len(set(texts)) == len(texts)


def test_ties_are_paired(best_of):
    """Every ref:N has its tied:N, with one correct answer and with several, among at least 20 completions."""
    ties = {row["id"]: row for row in best_of if row["subset"] == "Ties"}
    numbers = {row_id.partition(":")[2] for row_id in ties}
    assert len(numbers) >= 3
    assert set(ties) == {f"{kind}:{number}" for kind in ("ref", "tied") for number in numbers}
    for row_id, row in ties.items():
        assert row["num_correct"] == 1 if row_id.startswith("ref:") else row["num_correct"] > 1
        assert row["total_completions"] >= 20
