"""A decision model by LiteLLM over a socket: what goes out, what comes back, and what goes wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from asking import CHOICE, OPENAI, VLLM, Asker
from deciding import questions_of, said
from loopback import Fault, LoopbackServer, Reply

from judgebench.client.providers.decisions import as_sent
from judgebench.errors import FatalProviderError, VerdictFailure
from judgebench.verdicts import Reply as Answer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANSWERS = [{"A": 0.81234567891, "B": 0.18765432109}]


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer(Reply(answers=ANSWERS, usage={"input_tokens": 120, "output_tokens": 0})) as running:
        yield running


@pytest.fixture
def asker(server: LoopbackServer, tmp_path: Path, way: str) -> Iterator[Asker]:
    settings = {"api": "decisions", "price": {"input": 2.0, "output": 0.0}, "transport": way}
    with Asker(server, tmp_path, settings) as made:
        yield made


@pytest.fixture(params=["litellm", "direct"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_probabilities_come_as_they_were_said(asker: Asker) -> None:
    """By System One's protocol; 120 tokens at $2 a million cost $0.00024."""
    _come_as_they_were_said(asker, VLLM)


@pytest.mark.parametrize("way", ["litellm"])
def test_the_probabilities_come_as_they_were_said_by_openai(asker: Asker, way: str) -> None:
    """By its own protocol, through LiteLLM."""
    _come_as_they_were_said(asker, OPENAI)


def _come_as_they_were_said(asker: Asker, model: str) -> None:
    reply = asker.ask("Two answers.", model=model).reply
    assert (reply.answers, json.loads(reply.text or "")) == (ANSWERS, ANSWERS[0])
    assert (reply.prompt_tokens, reply.completion_tokens, reply.cost_usd) == (120, 0, pytest.approx(0.00024))
    (asked,) = asker.server.requests
    assert (questions_of(asked)[0]["options"], "temperature" in asked.params) == (["A", "B"], False)


def test_a_rate_limit_is_waited_for(asker: Asker) -> None:
    """As long as Retry-After says, and counted as a rate limit."""
    asker.server.faults = lambda r: Fault.status(429, retry_after=7) if r.number == 1 else None
    asked = asker.ask(model=VLLM)
    assert (asked.reply.answers, asked.waits, asked.asked_again) == (ANSWERS, [7.0], [{"rate limit": 1}])


def test_a_server_error_is_tried_again(asker: Asker) -> None:
    """As for a judge that writes text."""
    asker.server.faults = lambda r: Fault.status(500) if r.number == 1 else None
    assert (asker.ask(model=VLLM).reply.answers, asker.server.count) == (ANSWERS, 2)


def test_a_server_without_decisions_stops_the_judge(asker: Asker) -> None:
    """With the address, after a single call."""
    asker.server.faults = lambda _: Fault.status(404, message="Not Found")
    error = asker.ask("one", "two", model=VLLM).error
    assert isinstance(error, FatalProviderError)
    assert (f"no decisions at {asker.server.url}" in str(error), asker.server.count) == (True, 1)


def test_a_prompt_that_is_too_long_is_said_as_such(asker: Asker) -> None:
    """And is kept like a reply."""
    words = "This model's maximum context length is 8192 tokens, however you requested 9000 tokens"
    asker.server.faults = lambda _: Fault.status(400, message=words)
    assert asker.ask(model=VLLM).reply.finish_reason == "context"


def test_a_body_without_answers_is_no_reply(asker: Asker) -> None:
    """Asked three times, since it may have been paid for, then a failure of the call."""
    asker.server.answer = Reply(body={"model": "m", "usage": {"input_tokens": 5, "output_tokens": 0}})
    error = asker.ask(model=VLLM).error
    assert isinstance(error, VerdictFailure)
    assert (error.kind, asker.server.count) == ("provider", 3)
    assert 'the provider\'s reply is not one of a decision model: {"model": "m"' in error.detail


def test_a_refusal_is_an_answer_that_is_missing(asker: Asker) -> None:
    """And the call is made once."""
    asker.server.answer = Reply(answers=[None])
    assert (asker.ask(model=VLLM).reply.answers, asker.server.count) == ([None], 1)


@pytest.mark.parametrize("way", ["litellm"])
def test_a_refusal_of_openais_is_an_answer_that_is_missing(asker: Asker, way: str) -> None:
    """Asked once too."""
    asker.server.answer = Reply(answers=[None])
    assert (asker.ask(model=OPENAI).reply.answers, asker.server.count) == ([None], 1)


def test_numbers_that_are_none_are_kept_as_none(asker: Asker) -> None:
    """NaN in JSON is read, and stored as null."""
    asker.server.answer = Reply(answers=[{"A": float("nan"), "B": 0.5}])
    assert asker.ask(model=VLLM).reply.answers == [{"A": None, "B": 0.5}]


NO_NUMBERS: list[object] = [
    *(None, "0.7", "NaN", "1e400", "0,7", "", True, False, [0.7], {"p": 0.7}, float("inf"), 10**400),
]


def test_only_a_number_is_a_probability(asker: Asker) -> None:
    """A text that names one, true, a list and an object are none; the call is made once, whichever came."""
    _only_a_number_counts(asker, VLLM)


@pytest.mark.parametrize("way", ["litellm"])
def test_only_a_number_is_a_probability_of_openai_s(asker: Asker, way: str) -> None:
    """By its own protocol too."""
    _only_a_number_counts(asker, OPENAI)


def _only_a_number_counts(asker: Asker, model: str) -> None:
    asker.server.answer = lambda request: Reply(answers=[{"A": NO_NUMBERS[int(said(request))], "B": 0.3}])
    ended = asker.ask(*map(str, range(len(NO_NUMBERS))), at_once=True, model=model).ended
    found = [each.answers if isinstance(each, Answer) else str(each) for each in ended]
    assert found == [[{"A": None, "B": 0.3}]] * len(NO_NUMBERS)
    assert asker.server.count == len(NO_NUMBERS)


def test_the_system_message_is_the_question_s() -> None:
    """Once: with several questions it stands before the state."""
    messages = [{"role": "system", "content": "Be strict."}, {"role": "user", "content": "A: 4. B: 5."}]
    state, one = as_sent(messages, CHOICE)
    assert (state, one["verdict"]["instructions"]) == ("A: 4. B: 5.", "Be strict.\n\nWhich is better?")
    several: dict[str, dict[str, Any]] = {"1": CHOICE["verdict"], "2": CHOICE["verdict"]}
    state, two = as_sent(messages, several)
    assert (state, two["2"]["instructions"]) == ("Be strict.\n\nA: 4. B: 5.", "Which is better?")
