"""`judges check NAME --server`: what a server does with what it is sent, and not what it answers 200 to."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest
from commands import judgebench, write_judges
from faults import Fault
from loopback import LoopbackServer, Reply
from scripted import ScriptedModels

if TYPE_CHECKING:
    from collections.abc import Callable

    from faults import Request

DRAWN = itertools.count()


def obedient(request: Request) -> Reply:
    """A server that does all that is asked."""
    params = request.params
    text = f"words {params.get('seed') or next(DRAWN)}" if params["temperature"] else "the sea is wide"
    if params["messages"][0]["role"] == "system":
        text = "Kiwi."
    if "response_format" in params:
        text = '{"verdict": "A"}'
    return Reply(text, logprobs=[(text, {text: 0.6, "x": 0.4})])


def deaf(_: Request) -> Reply:
    """A server that ignores everything, as `transformers serve` does with parameters."""
    return Reply("the sea is wide")


def roleless(request: Request) -> Reply:
    """A chat template without a system role, whose messages of that role are dropped."""
    said = " ".join(message["content"] for message in request.messages if message["role"] == "user")
    return Reply("kiwi" if "kiwi" in said else "Paris")


def found_by(answer: Callable[[Request], Reply], **settings: Any) -> dict[str, Any]:
    with ScriptedModels(answer) as running:
        write_judges(running.url, mine=settings)
        ended = judgebench("judges", "check", "mine", "--server", "--json")
    assert ended.status == 0, ended.err
    return json.loads(ended.out)


def works(found: dict[str, Any]) -> dict[str, bool | None]:
    return {name: each["works"] for name, each in found["findings"].items()}


def test_what_a_server_ignores_is_said() -> None:
    """It answers every call, and does nothing of what is asked; what its replies do not tell is not claimed."""
    found = found_by(deaf)
    assert works(found) == {
        "logprobs": False,
        "structured_output": False,
        "system_role": None,
        "temperature": False,
        "seed": None,
    }
    assert found["settings"] == {"structured_output": False}


def test_a_system_message_that_is_dropped_is_found() -> None:
    """The setting that mends it is named."""
    assert found_by(roleless)["settings"]["system_role"] is False


def test_what_a_server_does_is_found_over_a_socket() -> None:
    """All five, with a JSON schema in OpenAI's form."""
    with LoopbackServer(obedient) as live:
        write_judges(live.url, mine={"model": "hosted_vllm/loopback"})
        ended = judgebench("judges", "check", "mine", "--server", "--json")
    found = json.loads(ended.out)
    assert works(found) == dict.fromkeys(["logprobs", "structured_output", "system_role", "temperature", "seed"], True)
    assert found["settings"] == {"structured_output": True}


def test_what_a_server_refuses_is_said_and_not_an_end() -> None:
    """A schema that ends with an error 500, as at some servers, is one that is not taken."""
    with LoopbackServer(obedient) as live:
        live.faults = lambda request: Fault.status(500) if "response_format" in request.params else None
        write_judges(live.url, mine={"model": "hosted_vllm/loopback"})
        out = judgebench("judges", "check", "mine", "--server").out
    assert "structured_output  refused" in out
    assert "structured_output: false" in out


@pytest.mark.parametrize("name", ["offline/longest", "typesafe/jev-1.14.0"])
def test_a_judge_that_writes_no_text_is_refused(name: str) -> None:
    """With exit status 2."""
    ended = judgebench("judges", "check", name, "--server")
    assert (ended.status, "writes no text" in ended.err) == (2, True)


def test_what_is_found_is_kept_and_used() -> None:
    """With --save it stands in providers.yaml, and the next run goes by it."""
    with ScriptedModels(roleless) as running:
        write_judges(running.url)
        ended = judgebench("judges", "check", "mine", "--server", "--save")
        assert (ended.status, "saved: providers.yaml" in ended.err) == (0, True)
        judgebench("judges", "check", "mine")
    assert [message["role"] for message in running.requests[-1].messages] == ["user"]
    assert "system_role: false" in judgebench("judges", "show", "mine").out


@pytest.mark.parametrize("more", [("mine", "--save"), ("openai/gpt-4o", "--server", "--save")])
def test_save_without_something_to_keep_is_refused(more: tuple[str, ...]) -> None:
    """Without --server, or without an entry: exit status 2 before any call."""
    write_judges("http://127.0.0.1/scripted/0")
    ended = judgebench("judges", "check", *more)
    assert (ended.status, "--save keeps what --server finds" in ended.err) == (2, True)
