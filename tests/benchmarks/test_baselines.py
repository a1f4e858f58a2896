"""What is reached without judging: by hand, and beside the offline judges that do the same by calls."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import best_of_four, judgebench, pairs, read_json, ties, write_jsonl
from making import key, reading

from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.baselines import controls
from judgebench.items import ItemKey, Reading
from judgebench.metrics.summary import Metrics


def found(
    name: str, items: dict[ItemKey, list[Reading]], rule: str = "mean", *, of_pairs: bool = False, **more: bool
) -> dict[str, float]:
    """The scores that the baselines reach over items with these readings, whatever those say."""
    benchmark = get_benchmark(name)
    outcomes = [benchmark.outcome(item, among) for item, among in items.items()]
    readings = {item.id: among for item, among in items.items()}
    made = controls(benchmark, outcomes, readings, rule=rule, pairs=of_pairs, **more)
    return {} if made is None else {name: each.score for name, each in made.baselines.items()}


def pair(number: int, lengths: tuple[int, int], *orders: tuple[int, int]) -> tuple[ItemKey, list[Reading]]:
    item = key(str(number), "donotanswer", lengths=lengths)
    return item, [reading(order, "A") for order in orders or [(0, 1)]]


def test_pairs_in_one_order_by_hand() -> None:
    """Of four the correct one is the longest in one and shown first in three; of two equal ones the first is taken."""
    items = dict(
        [pair(1, (9, 5)), pair(2, (3, 5)), pair(3, (3, 5), (1, 0)), pair(4, (5, 5), (0, 1))],
    )

    assert found("rewardbench", items) == {"longest": 0.5, "shortest": 0.75, "first": 0.75, "random": 0.5}


def test_both_orders_make_the_first_one_half() -> None:
    """Each completion stands first once."""
    both = ((0, 1), (1, 0))
    items = dict([pair(1, (9, 5), *both), pair(2, (9, 5), *both), pair(3, (1, 5), *both)])

    assert found("rewardbench", items)["first"] == 0.5
    assert found("rewardbench", items)["longest"] == pytest.approx(2 / 3)


def test_orders_that_make_one_credit_together() -> None:
    """JudgeBench: first in both orders says nothing, so 0; a random pair is right where both coins are: 1 in 4."""
    item = key("1", "mmlu-pro-law", lengths=(9, 5))

    assert found("judgebench-gpt", {item: [reading((0, 1), "A"), reading((1, 0), "A")]}) == {
        "longest": 1.0,
        "shortest": 0.0,
        "first": 0.0,
        "random": 0.25,
    }


def test_samples_of_the_random_one_do_not_change_what_is_expected() -> None:
    """The mean over samples is a mean."""
    item = key("1", "mmlu-pro-law", lengths=(9, 5))
    readings = [reading(order, "A", sample) for order in ((0, 1), (1, 0)) for sample in range(3)]

    assert found("judgebench-gpt", {item: readings})["random"] == 0.25


def test_a_random_majority_of_three_of_four_completions() -> None:
    """Of 64 ways 24 draw (1/4 credit each), and of the other 40 a quarter is right: (6 + 10) / 64."""
    item = key("1", "Math", k=4, lengths=(1, 2, 3, 4))
    readings = [reading((0, 1, 2, 3), "A", sample) for sample in range(3)]

    assert found("rewardbench-2", {item: readings}, "majority")["random"] == pytest.approx(16 / 64)


def test_too_many_ways_are_left_out() -> None:
    """Eleven votes on a pair are 2,048 ways."""
    item = key("1", "donotanswer", lengths=(9, 5))
    readings = [reading((0, 1), "A", sample) for sample in range(11)]

    assert "random" not in found("rewardbench", {item: readings}, "majority")


def test_all_nine_wins_at_random() -> None:
    """RewardMATH asks nine pairs, and all must be won: 1 in 512."""
    item = key("1", "rewardmath", k=10, lengths=(99, *range(1, 10)))
    readings = [reading((0, other), "A") for other in range(1, 10)]

    assert found("rewardmath", {item: readings}) == {
        "longest": 1.0,
        "shortest": 0.0,
        "first": 1.0,
        "random": pytest.approx(1 / 512),
    }


def test_ratings_have_no_first_one() -> None:
    """The lengths are the ratings; the best of four different random ones is correct in 1 of 4."""
    item = key("1", "Math", k=4, lengths=(4, 1, 9, 2))
    ratings = [reading((index,), 5.0) for index in range(4)]

    assert found("rewardbench-2", {item: ratings}) == {"longest": 0.0, "shortest": 0.0, "random": 0.25}


def test_equal_lengths_as_ratings_are_a_tie() -> None:
    """0.5 in RewardBench."""
    item = key("1", "donotanswer", lengths=(5, 5))
    ratings = [reading((index,), 5.0) for index in range(2)]

    assert found("rewardbench", {item: ratings})["longest"] == 0.5


def test_rm_bench_is_a_half_at_random() -> None:
    """Nine pairs and six ratings alike; by length 6 of the 9 cells here: 1 > 0; 2 > 0, 1; 3 > all three."""
    item = ItemKey("1", "chat", 6, 3, (2, 4, 6, 1, 3, 5), criteria="chat")
    nine = [reading((i, 3 + j), "A") for i in range(3) for j in range(3)]

    assert found("rm-bench", {item: nine})["random"] == 0.5
    assert found("rm-bench", {item: nine})["longest"] == pytest.approx(6 / 9)
    assert found("rm-bench", {item: [reading((index,), 1.0) for index in range(6)]})["random"] == pytest.approx(0.5)


def test_the_best_of_four_from_pairs_has_no_first_one() -> None:
    """The two longest of four are equal, and one of them is right: one half."""
    item = key("1", "Math", k=4, lengths=(5, 5, 3, 2))

    assert found("rewardbench-2", {item: [reading((0, 1), "A")]}, of_pairs=True) == {
        "longest": 0.5,
        "shortest": 0.0,
        "random": 0.25,
    }


def test_people_said_tie() -> None:
    """No baseline says so."""
    item = key("1", "all", num_correct=0, label="tie")

    assert set(found("custom", {item: [reading((0, 1), "tie")]}).values()) == {0.0}


def test_without_a_label_there_is_nothing_to_reach() -> None:
    """No score, no baseline."""
    assert found("custom", {key("1", "all", num_correct=0): [reading((0, 1), "A")]}) == {}


def test_grades_are_held_against_the_lengths() -> None:
    """Lengths 1, 2, 3 and grades 1, 2, 3 correlate fully."""
    items = [key(str(n), "s", k=1, num_correct=0, lengths=(n,), human_score=float(n)) for n in (1, 2, 3)]

    assert found("feedback-bench", {item: [reading((0,), 3.0)] for item in items}) == {"longest": pytest.approx(1.0)}


def test_items_without_a_credit_are_left_out() -> None:
    """Of two the one that was not asked has none."""
    asked, other = pair(1, (9, 5)), pair(2, (5, 9))

    assert found("rewardbench", {asked[0]: asked[1], other[0]: [reading((0, 1), "!not_asked")]})["longest"] == 1.0


@pytest.mark.parametrize("baseline", ["longest", "shortest", "first"])
@pytest.mark.parametrize("orders", ["one", "both"])
def test_the_offline_judge_of_the_same_name_gets_the_same_score(baseline: str, orders: str, tmp_path: Path) -> None:
    """Sections and subsets too."""
    rows = pairs(24, ("alpacaeval-easy", "donotanswer", "hep-go"))
    for number, row in enumerate(rows):
        row["chosen"] += "!" * (number * 7 % 5)
    data = write_jsonl(tmp_path / "rows.jsonl", rows)
    run = ("run", "rewardbench", "-j", f"offline/{baseline}", "--data", data, "--orders", orders, "--json")
    (metrics,) = judgebench(*run).metrics
    reached = metrics["controls"]["baselines"][baseline]

    assert reached["score"] == pytest.approx(metrics["score"])
    assert reached["sections"] == pytest.approx({name: each["score"] for name, each in metrics["sections"].items()})
    assert reached["subsets"] == pytest.approx({name: each["score"] for name, each in metrics["subsets"].items()})


def test_ties_are_left_out_and_said(tmp_path: Path) -> None:
    """With what the judge has without them, within 80 columns."""
    data = write_jsonl(tmp_path / "rows.jsonl", [*best_of_four(8), *best_of_four(8, "Math"), *ties(1)])
    run = ("run", "rewardbench-2", "-j", "offline/longest", "--data", data)
    (metrics,) = judgebench(*run, "--json").metrics
    lines = judgebench(*run).out.splitlines()
    others = [metrics["sections"][name]["score"] for name in ("Factuality", "Math")]

    assert metrics["controls"]["left_out"] == ["Ties"]
    assert metrics["controls"]["judged"] == pytest.approx(sum(others) / 2)
    assert metrics["controls"]["baselines"]["random"]["score"] == 0.25
    (at,) = [number for number, line in enumerate(lines) if line.startswith("  baselines: longest ")]
    assert lines[at + 1].startswith("  (baselines without Ties; the judge on the same items: ")
    assert max(map(len, lines[at : at + 2])) <= 80


def test_the_judge_is_tested_against_each_by_hand() -> None:
    """Right on all of six, the longest on none: one of 2 in 64 sign patterns; against its own credits p is 1."""
    keys = [key(str(n), "donotanswer", lengths=(5, 9)) for n in range(6)]
    readings = {item.id: [reading((0, 1), "A")] for item in keys}
    benchmark = get_benchmark("rewardbench")
    made = controls(benchmark, [benchmark.outcome(item, readings[item.id]) for item in keys], readings)
    assert made is not None
    assert {name: made.baselines[name].p for name in ("longest", "first")} == {"longest": 2 / 64, "first": 1.0}


def test_a_score_file_has_them_too(tmp_path: Path) -> None:
    """By the rule for reward models, where equal is not above; no order was shown."""
    rows = pairs(4)
    rows[0]["chosen"] += "!!!!!"
    data = write_jsonl(tmp_path / "rows.jsonl", rows)
    scores = write_jsonl(tmp_path / "scores.jsonl", [{"id": n, "scores": [1.0, 0.0]} for n in range(4)])
    ended = judgebench("score", scores, "--benchmark", "rewardbench", "--data", data, "--json")

    assert set(ended.metrics[0]["controls"]["baselines"]) == {"longest", "shortest", "random"}


def test_metrics_of_an_earlier_version_have_none(tmp_path: Path) -> None:
    """They can be read all the same; and those of this one come back as they were."""
    data = write_jsonl(tmp_path / "rows.jsonl", pairs(4))
    judgebench("run", "rewardbench", "-j", "offline/first", "--data", data)
    (path,) = Path("runs").rglob("metrics.json")
    said = read_json(path)

    assert json.loads(json.dumps(Metrics.from_json(said).to_json())) == said
    del said["controls"]
    assert Metrics.from_json(said).controls is None


def test_a_report_says_them(tmp_path: Path) -> None:
    """Under the scores of each run."""
    data = write_jsonl(tmp_path / "rows.jsonl", pairs(4))
    judgebench("run", "rewardbench", "-j", "offline/first", "--data", data)
    (path,) = Path("runs").rglob("metrics.json")

    assert "\n  baselines: longest " in judgebench("report", path.parent).out
