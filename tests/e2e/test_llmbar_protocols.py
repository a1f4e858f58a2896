"""Protocols on LLMBar's real replies: 374 of 419 pairs are judged alike in both orders, 318 of them right."""

from __future__ import annotations

import json
from functools import cache

import pytest
from commands import SHARED_DATA, judgebench, lasting_folder, read_jsonl
from llmbar import ROWS, LlmbarAnswers

import judgebench as jb

DATA = SHARED_DATA / "llmbar"

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="LLMBar's rows and replies are not at ../shared/data/llmbar")


class Recorded:
    """A judge whose replies are those recorded; it counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self, messages: list[dict[str, str]]) -> str:
        self.calls += 1
        return recorded("\n\n".join(message["content"] for message in messages))


@cache
def answers() -> LlmbarAnswers:
    return LlmbarAnswers(DATA)


@cache
def recorded(text: str) -> str:
    """The reply to the text of a conversation."""
    return answers().reply(text)


def judged(judge: Recorded | str, **options: object) -> jb.Run:
    """Both orders of all pairs, from `judge`."""
    if isinstance(judge, Recorded):
        judge = jb.callable_judge(judge, name="mine")
    return jb.run("llmbar", judge=judge, template="llmbar-cot", data=DATA / ROWS, orders="both", **options)


@cache
def both_orders() -> jb.Run:
    """One reply in each order of each pair."""
    return judged(Recorded(), logprobs=True, out=lasting_folder() / "runs")


def test_orders_joined_and_votes_as_probabilities() -> None:
    """681 of 838 right; joined, the 45 that differ are ties, which LLMBar counts wrong: 318 of 419.

    Without log-probabilities the orders' shares stand in: 1 for 374, of which 56 are wrong; 0.5 for 45 ties, 0.25 each.
    """
    run = both_orders()
    found = run.metrics.extra["calibration"]
    rescored = [
        json.loads(judgebench("rescore", run.path, "--aggregate", rule, "--json").out)
        for rule in ("unanimous", "majority", "mean-prob")
    ]

    assert run.metrics.score == pytest.approx(681 / 838)
    assert [each["score"] for each in rescored] == [pytest.approx(318 / 419)] * 3
    assert all("45 of 419 questions are ties" in str(each["metrics"]["notes"]) for each in rescored)
    assert (found["n"], found["by_tokens"]) == (419, 0)
    assert found["brier"] == pytest.approx((56 + 45 / 4) / 419)
    assert found["overconfidence"] == pytest.approx(56 / 419)


def test_votes_over_orders_and_samples_stop_early() -> None:
    """Of four votes, three that agree settle it: 374 x 3 calls; two to two are asked to the end: 45 x 4."""
    judge = Recorded()
    metrics = judged(judge, samples=2, aggregate="majority", early_stop=True).metrics
    assert (judge.calls, metrics.score) == (374 * 3 + 45 * 4, pytest.approx(318 / 419))
    assert "374 of 1676 calls saved" in str(metrics.notes).replace(",", "")


def test_a_cascade_sends_the_inconsistent_ones_on() -> None:
    """The 45 to the judge that takes the shortest: 318 are right, and those it is right about."""
    runs = [both_orders().path, judged("offline/shortest").path]
    cheap, dear = ({line["item"]: line for line in read_jsonl(run / "outcomes.jsonl")} for run in runs)
    step = json.loads(judgebench("cascade", *runs, "--json").out)["steps"][1]
    unsure = [item for item, line in cheap.items() if line["credit"] == 0.5]

    assert (step["sent"], len(unsure)) == (45, 45)
    assert step["score"] == pytest.approx((318 + sum(dear[item]["credit"] for item in unsure)) / 419)
