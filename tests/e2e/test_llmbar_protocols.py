"""Protocols on LLMBar's real replies: 374 of 419 pairs are judged alike in both orders, 318 of them right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import SHARED_DATA, judgebench, read_jsonl, write_judges
from llmbar import ROWS, LlmbarAnswers
from loopback import LoopbackServer

DATA = SHARED_DATA / "llmbar"
RUN = ("run", "llmbar", "-t", "llmbar-cot", "--data", DATA / ROWS, "--json")
MADE = Path("runs/llmbar")

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="LLMBar's rows and replies are not at ../shared/data/llmbar")


@pytest.fixture
def server():
    with LoopbackServer(LlmbarAnswers(DATA), keep_requests=False) as running:
        write_judges(running.url)
        yield running


def test_orders_joined_and_votes_as_probabilities(server: LoopbackServer) -> None:
    """681 of 838 right; joined, the 45 that differ are ties, which LLMBar counts wrong: 318 of 419.

    Without log-probabilities the orders' shares stand in: 1 for 374, of which 56 are wrong; 0.5 for 45 ties, 0.25 each.
    """
    (metrics,) = judgebench(*RUN, "-j", "mine", "--orders", "both", "--logprobs").metrics
    found = metrics["calibration"]
    rescored = [
        json.loads(judgebench("rescore", MADE / "mine/llmbar-cot/both-soft", "--aggregate", rule, "--json").out)
        for rule in ("unanimous", "majority", "mean-prob")
    ]

    assert metrics["score"] == pytest.approx(681 / 838)
    assert [each["score"] for each in rescored] == [pytest.approx(318 / 419)] * 3
    assert all("45 of 419 questions are ties" in str(each["metrics"]["notes"]) for each in rescored)
    assert (found["n"], found["by_tokens"]) == (419, 0)
    assert found["brier"] == pytest.approx((56 + 45 / 4) / 419)
    assert found["overconfidence"] == pytest.approx(56 / 419)


def test_votes_over_orders_and_samples_stop_early(server: LoopbackServer) -> None:
    """Of six votes, four that agree settle it: 374 x 4 calls; three to three are asked to the end: 45 x 6."""
    options = ("--orders", "both", "--samples", 3, "--aggregate", "majority", "--early-stop")
    (metrics,) = judgebench(*RUN, "-j", "mine", *options).metrics
    assert (server.count, metrics["score"]) == (374 * 4 + 45 * 6, pytest.approx(318 / 419))
    assert f"{6 * 419 - 1766} of {6 * 419} calls saved" in str(metrics["notes"])


def test_a_cascade_sends_the_inconsistent_ones_on(server: LoopbackServer) -> None:
    """The 45 to the judge that takes the shortest: 318 are right, and those it is right about."""
    for judge in ("mine", "offline/shortest"):
        assert judgebench(*RUN, "-j", judge, "--orders", "both").status == 0
    runs = [MADE / judge / "llmbar-cot/both" for judge in ("mine", "offline--shortest")]
    cheap, dear = ({line["item"]: line for line in read_jsonl(run / "outcomes.jsonl")} for run in runs)
    step = json.loads(judgebench("cascade", *runs, "--json").out)["steps"][1]
    unsure = [item for item, line in cheap.items() if line["credit"] == 0.5]

    assert (step["sent"], len(unsure)) == (45, 45)
    assert step["score"] == pytest.approx((318 + sum(dear[item]["credit"] for item in unsure)) / 419)
