"""`judgebench pick`: the cheapest judge that is good enough, and why not where there is none."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from commands import apart, judgebench, pairs
from finishedruns import score_run, written_run

import judgebench as jb
from judgebench.analysis.choice import Candidate, PartPick

if TYPE_CHECKING:
    from collections.abc import Callable

CHAT, SAFETY = "alpacaeval-easy", "donotanswer"
ROWS = pairs(1_000, (CHAT, SAFETY))


def judged(name: str, wrong: Callable[[int], bool], cost: float | None, **more: Any) -> Path:
    """A run over 500 items of Chat (even ids) and 500 of Safety, wrong on some; the cost is of one item."""
    return written_run(name, more.pop("rows", ROWS), lambda key, _: int(wrong(int(key.id))), cost=cost, **more)


def picked(*options: object) -> dict[str, Any]:
    ended = judgebench("pick", *options, "--json")
    assert ended.status == 0, ended.err
    return json.loads(ended.out)


@pytest.fixture(scope="module")
def three_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with apart(tmp_path_factory.mktemp("three")) as folder:
        judged("best", lambda at: at % 10 == 0, 0.01)
        judged("near", lambda at: at % 10 == 0 or at == 1, 0.002)
        judged("unsafe", lambda at: at % 10 == 0 or at % 4 == 1, 0.0005)
    return folder / "runs"


@pytest.fixture
def three(three_once: Path) -> None:
    """The best, one wrong on the same items and one more (0.1 points worse), and one wrong on half of Safety."""
    shutil.copytree(three_once, "runs")


def test_the_cheapest_within_the_margin_is_picked_overall_and_in_each_section(three) -> None:
    """In Chat the cheapest has the best one's verdicts; overall and in Safety it is far worse."""
    found = picked("runs")
    assert found["overall"] | {"run": None} == found["overall"] | {
        "run": None,
        "judge": "near",
        "template": "pairwise",
        "score": pytest.approx(0.899),
        "cost_per_1000": pytest.approx(2.0),
        "best": "best",
        "difference": pytest.approx(-0.001),
        "margin": 2.0,
        "why": None,
    }
    assert found["overall"]["run"] == "runs/rewardbench/near/pairwise/one"
    assert -0.02 < found["overall"]["low"] <= -0.001 <= found["overall"]["high"]
    assert {name: each["judge"] for name, each in found["sections"].items()} == {"Chat": "unsafe", "Safety": "near"}
    assert found["cascade"] is None


def test_a_pick_is_said_in_one_sentence_with_its_numbers(three) -> None:
    """Name, score, price, the best one's, and the difference with its interval."""
    out = " ".join(judgebench("pick", "runs").out.split())
    assert (
        "Overall: near (89.9%, $2.00 per 1,000 items) is the cheapest judge within 2 points of the best, best (90.0%, "
        "$10.00): difference -0.1 points (95% CI "
    ) in out


def _candidate(judge: str, cost: float, score: float = 0.888, template: str = "pairwise", more: int = 0) -> Candidate:
    ends = {"difference": 0.0, "low": -0.01, "high": 0.01}
    return Candidate(
        judge, Path(judge), judge, template, "one", score, cost, **ends, within=not more, beyond=False, more=more
    )


def _pick(*candidates: Candidate, budget: float | None = None) -> PartPick:
    """A pick among candidates of which the first is the best."""
    taken = next((each for each in candidates if each.within), None)
    return PartPick("Overall", 60, taken, candidates[0], candidates, 2.0, budget)


def test_equal_scores_are_one_sentence_in_any_order_of_the_runs() -> None:
    """The cheaper of two with the same score is picked, and the other's price is a multiple: $2.40 / $0.48 = 5."""
    for name, cost in (("premium", 0.0024), ("middle-plus", 0.00048)):
        judged(name, lambda at: at % 9 == 0, cost, rows=ROWS[:200])
    runs = [f"runs/rewardbench/{name}" for name in ("premium", "middle-plus")]
    said = [picked(*order)["overall"]["sentence"] for order in (runs, runs[::-1])]
    assert said[0] == said[1]
    assert "have the same highest score: middle-plus is picked, premium costs 5 times as much" in said[0]


_BOTH = (
    "a and b both score 100.0%: cannot say with so few items (60) which is better; about 90 more items would be "
    "enough to rule out a difference of 2 points"
)
_FIRST = (
    "cannot say with so few items (60) which judge to take: a (90.0%, $2.00 per 1,000 items) has the highest score, "
    "but another could be 2 points or more better; about 90 more items would be enough to rule that out"
)
_SAME = (
    "a (88.8%, $2.00 per 1,000 items) and b (88.8%, $2.00) have the same highest score: a is picked, b costs the same"
)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (_pick(_candidate("a", 0.5, 1.0, more=90), _candidate("b", 2.0, 1.0, more=90)), _BOTH),
        (_pick(_candidate("a", 2.0, 0.9, more=90), _candidate("b", 0.5, 0.8, more=99)), _FIRST),
        (_pick(_candidate("a", 2.0), _candidate("b", 2.0)), _SAME),
    ],
)
def test_a_tie_is_called_a_tie(found: PartPick, said: str) -> None:
    """Runs that score the same are said to, whether one is picked or not."""
    assert found.sentence == f"Overall: {said}"


@pytest.mark.parametrize(
    ("candidates", "noun"),
    [
        ((_candidate("a", 2.0), _candidate("b", 9.0, 0.7)), "judge"),
        ((_candidate("a", 2.0, template="x"), _candidate("a", 9.0, 0.7, "y")), "prompt"),
        ((_candidate("a", 2.0, template="x"), _candidate("b", 9.0, 0.7, "y")), "run"),
    ],
)
def test_what_differs_is_named_by_its_noun(candidates: tuple[Candidate, ...], noun: str) -> None:
    """Judges, prompts of one judge, or runs of which both differ."""
    found = PartPick("Overall", 60, None, candidates[0], candidates, 2.0, 1.0)
    assert found.sentence.startswith(f"Overall: no {noun} is within the budget of $1.00")


def test_how_much_better_the_best_is_is_said_where_it_is_picked() -> None:
    """The next one follows, with its difference and interval: also of two prompts that cost the same."""
    for name, wrong in (("best", {0}), ("worse", {0, 1, 6})):
        judged(name, lambda at, wrong=wrong: at % 10 in wrong, 0.002, rows=ROWS[:100])
    out = " ".join(judgebench("pick", "runs").out.split())
    assert (
        "Overall: best (90.0%, $2.00 per 1,000 items) has the highest score and is the cheapest; next: worse (70.0%, "
        "$2.00), -20.0 points (95% CI "
    ) in out


def test_only_the_sections_that_are_named_are_tested(three) -> None:
    """In the order in which they are named; an unknown one is said with the nearest name."""
    assert list(picked("runs", "--section", "Safety")["sections"]) == ["Safety"]
    ended = judgebench("pick", "runs", "--section", "Saftey")
    assert (ended.status, "did you mean Safety?" in ended.err) == (2, True)


def test_a_budget_leaves_out_what_costs_more(three) -> None:
    """Nothing within it is good enough: null, and the closest judge with its numbers."""
    found = picked("runs", "--budget", 1)["overall"]
    assert (found["run"], found["score"], found["low"], found["best"]) == (None, None, None, "best")
    assert "within the budget of $1.00 per 1,000 items" in found["why"]
    assert "closest: unsafe (65.0%, $0.500), -25.0 points" in found["why"]
    lines = judgebench("pick", "runs", "--budget", 5).out.splitlines()
    assert any("budget $5.00 per 1,000 items" in line for line in lines)
    assert any(" Overall (budget: $5.00 per 1,000 items): near " in line for line in lines)
    ends = {line.split()[0]: line.split()[-1] for line in lines if line.strip().startswith(("best ", "near "))}
    assert ends == {"best": "over", "near": "within"}


def test_too_few_items_are_said_with_the_number_that_is_missing() -> None:
    """Sixty items of two judges that differ on two of them show no 2 points."""
    for name, wrong, cost in (("dear", {1}, 0.01), ("cheap", {2}, 0.001)):
        judged(name, wrong.__contains__, cost, rows=pairs(60))
    found = picked("runs")["overall"]
    assert found["run"] is None
    assert found["why"].startswith("cheap and dear both score 98.3%: cannot say with so few items (60) which is better")
    assert found["why"].endswith(" more items would be enough to rule out a difference of 2 points")


def test_what_has_no_price_or_no_cost_is_compared_with_and_never_picked(three) -> None:
    """A score file is the best here, a judge without a price the second; both are named."""
    judged("unpriced", lambda at: at % 20 == 0, None)
    score_run("rm", [True] * 1_000, ROWS)
    ended = judgebench("pick", "runs", "--json")
    found = json.loads(ended.out)
    assert (found["overall"]["best"], found["overall"]["best_cost_per_1000"]) == ("rm", None)
    assert found["overall"]["run"] is None
    assert "score files have no cost and are not picked, only compared with: rm" in ended.err
    assert "no known price, so not picked, only compared with: unpriced" in ended.err


def test_a_run_with_few_verdicts_or_other_items_is_left_out(three) -> None:
    """And named, with the reason."""
    judged("broken", lambda _: False, 0.0001, rows=ROWS[:999])
    written_run("mute", ROWS, lambda key, _: -1 if int(key.id) % 3 else 0, cost=0.0001)
    ended = judgebench("pick", "runs", "--json")
    assert json.loads(ended.out)["overall"]["judge"] == "near"
    assert "left out (coverage below 50%): runs/rewardbench/mute/pairwise/one" in ended.err
    alone = judgebench("pick", "runs/rewardbench/mute", "runs/rewardbench/near")
    assert alone.status == 2
    assert (
        "(left out (coverage below 50%): runs/rewardbench/mute/pairwise/one; left: runs/rewardbench/near" in alone.err
    )


def test_a_cascade_that_does_as_well_for_less_is_named_with_its_price() -> None:
    """The cheap judge is wrong on a tenth, in one order only, so that its orders disagree on just these.

    Escalated, these cost 0.1 x $20 beside $1 for all: $3 for 1,000 items instead of $20, and the same verdicts.
    """
    rows = ROWS[:400]
    judged("sure", lambda at: at % 50 == 0, 0.01, orders="both", rows=rows)
    written_run(
        "torn",
        rows,
        lambda key, call: int(int(key.id) % 50 == 0 or (int(key.id) % 10 == 1 and call.order[0] == 0)),
        cost=0.0005,
        orders="both",
    )
    found = picked("runs")
    assert found["overall"]["judge"] == "sure"
    cascade = found["cascade"]
    assert (cascade["cheap"], cascade["expensive"], cascade["share"]) == ("torn", "sure", pytest.approx(0.1))
    assert (cascade["cost_per_1000"], cascade["difference"]) == (pytest.approx(3.0), pytest.approx(0.0))
    out = " ".join(judgebench("pick", "runs").out.split())
    assert "Cascade: torn first, sure for the 10.0% of items with disagreement >= " in out
    assert "for $3.00 per 1,000 items instead of $20.00 for sure" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "nowhere: folder not found"),
        (["runs/rewardbench/best"], "pick needs at least two runs"),
        (["runs", "--margin", "0"], "--margin"),
        (["runs", "--budget", "-1"], "--budget"),
    ],
)
def test_mistakes_are_one_line(three, arguments: list[str], said: str) -> None:
    """What is wrong, and exit status 2."""
    ended = judgebench("pick", *arguments)
    assert (ended.status, said in ended.err, ended.err.count("\n")) == (2, True, 1)


def test_runs_of_two_benchmarks_are_not_mixed(three) -> None:
    """Which ones they are of is said."""
    judgebench("run", "rewardbench-2", "--data", "sample", "-j", "offline/first", "--quiet")
    ended = judgebench("pick", "runs")
    assert (ended.status, "2 benchmarks (rewardbench, rewardbench-2)" in ended.err) == (2, True)


def test_a_grid_ends_with_its_pick() -> None:
    """Below the table, in the last lines; offline judges cost nothing."""
    judges = ["-j", "offline/longest", "-j", "offline/first"]
    lines = judgebench("run", "rewardbench", "--data", "sample", *judges).out.rstrip().splitlines()
    below = lines[max(at for at, line in enumerate(lines) if "─" in line) :]
    assert any(line.strip().startswith("Overall: ") for line in below)


def test_a_pick_in_python_is_a_table_like_other_results(three) -> None:
    """A line for the score and for each section."""
    found = jb.pick("runs", sections=["Safety"], margin=3)
    assert found.overall.picked is not None
    assert found.to_csv().splitlines()[0] == "of,pick,score,cost_per_1000,best,difference,low,high"
    assert [line.partition(",")[0] for line in found.to_csv().splitlines()[1:]] == ["Overall", "Safety"]
    assert "near" in found.to_html()
