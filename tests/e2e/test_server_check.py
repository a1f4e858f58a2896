"""`judges check NAME --server`: what a server does with what it is sent, and not what it answers 200 to."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest
from commands import judgebench, write_judges
from faults import Fault, error_reply
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
        text = '{"score": 5}' if "score" in str(params["response_format"]) else '{"verdict": "A"}'
    elif "250" in request.text:
        text = '{"score": 250}'
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
        "number_bounds": None,
        "system_role": None,
        "temperature": False,
        "seed": None,
        "n": None,
        "context": None,
        "long_prompts": None,
    }
    assert found["settings"] == {"structured_output": False}


def test_a_system_message_that_is_dropped_is_found() -> None:
    """The setting that mends it is named."""
    assert found_by(roleless)["settings"]["system_role"] is False


def check(live: LoopbackServer, *more: str, **settings: Any) -> Any:
    """What `judges check mine --server` finds of a live server, with these further options and settings."""
    write_judges(live.url, mine={"model": "hosted_vllm/loopback", **settings})
    ended = judgebench("judges", "check", "mine", "--server", "--json", *more)
    assert ended.status == 0, ended.err
    return json.loads(ended.out)


def test_what_a_server_does_is_found_over_a_socket() -> None:
    """A JSON schema in OpenAI's form, bounds and all; of n = 2 one reply came, and the long prompt was read whole."""
    with LoopbackServer(obedient) as live:
        found = check(live)
    assert works(found) == {
        **dict.fromkeys(["logprobs", "structured_output", "number_bounds", "system_role", "temperature", "seed"], True),
        "n": False,
        "context": None,
        "long_prompts": True,
    }
    assert found["settings"] == {"structured_output": True}


def llama_cpp(request: Request) -> Reply:
    """llama.cpp's server: a schema beside `json_object` is enforced but for the bounds of its numbers."""
    form = request.params.get("response_format", {})
    if "250" in request.text:
        return Reply('{"score": 250}')
    return Reply('{"verdict": "A"}' if form.get("schema") else "the sea is wide")


def test_a_form_of_the_schema_that_works_is_found_kept_and_used() -> None:
    """OpenAI's form ends with 500; with --save, the next call of a structured template goes out in llama.cpp's."""
    with LoopbackServer(llama_cpp) as live:
        live.faults = lambda request: Fault.status(500) if "json_schema" in str(request.params) else None
        found = check(live, "--save")
        live.answer = '{"reasoning": "So.", "verdict": "A"}'
        assert judgebench("judges", "check", "mine", "-t", "pairwise-json").status == 0
        sent = live.requests[-1].params["response_format"]
    assert found["settings"] == {"structured_output": "json_object"}
    assert "structured_output: json_object" in judgebench("judges", "show", "mine").out
    assert found["findings"]["number_bounds"]["detail"] == "not enforced: 250 came back for 1 to 5"
    assert (sent["type"], sent["schema"]["required"]) == ("json_object", ["reasoning", "verdict"])


def refusing(request: Request) -> Reply:
    """A server that refuses a prompt of more than 2,048 tokens."""
    if len(request.text) > 8_000:
        said = "This model's maximum context length is 2048 tokens. However, you requested 4530 tokens."
        return error_reply(400, said, code="context_length_exceeded")
    return deaf(request)


def test_a_context_that_is_said_with_a_refusal_is_found() -> None:
    """Where the server tells it nowhere else."""
    with LoopbackServer(refusing) as live:
        found = check(live)
    assert (works(found)["long_prompts"], found["settings"]["context"]) == (True, 2048)


def cutting(request: Request) -> Reply:
    """A server that reads at most 1,000 tokens and says nothing of the rest."""
    return Reply("the sea is wide", usage={"prompt_tokens": min(1_000, len(request.text) // 4)})


def test_a_server_that_cuts_prompts_is_found_and_its_replies_fail() -> None:
    """With --save, a reply to a prompt that filled the context is a failure `context`, though it has a verdict."""
    with LoopbackServer(cutting) as live:
        found = check(live, "--save")
        live.answer = Reply("[[A]]", usage={"prompt_tokens": 1_000})
        cut = judgebench("judges", "check", "mine", "--json")
        live.answer = Reply("[[A]]", usage={"prompt_tokens": 999})
        whole = judgebench("judges", "check", "mine", "--json")
    assert found["settings"] == {"structured_output": False, "context": 1000, "cuts_prompts": True}
    assert (cut.metrics["failure"]["kind"], whole.metrics["verdict"]) == ("context", "A")


def test_a_server_that_counts_no_tokens_is_not_one_that_cuts() -> None:
    """The same number whatever it is sent: nothing is said of its context, and nothing is kept."""
    with LoopbackServer(lambda _: Reply("the sea is wide", usage={"prompt_tokens": 10})) as live:
        found = check(live)
    assert (works(found)["context"], works(found)["long_prompts"]) == (None, None)
    assert found["settings"] == {"structured_output": False}


def test_several_replies_of_one_call_are_found() -> None:
    """Two choices came for n = 2."""
    choice = {"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}
    with LoopbackServer(
        lambda request: Reply(body={"choices": [choice] * 2}) if "n" in request.params else "a"
    ) as live:
        assert works(check(live))["n"] is True


def test_the_context_that_a_server_tells_is_found() -> None:
    """Without a long prompt where that would have more than 60,000 tokens."""
    listed = {"data": [{"id": "loopback", "owned_by": "vllm", "max_model_len": 131072}]}
    with LoopbackServer(obedient, pages={"/v1/models": listed}) as live:
        found = check(live)
        longest = max(len(request.text) for request in live.requests)
    assert (found["settings"]["context"], works(found)["long_prompts"]) == (131072, None)
    assert longest < 1_000


def test_what_a_server_refuses_is_said_and_not_an_end() -> None:
    """A schema that ends with an error 500 in both forms is one that is not taken."""
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
