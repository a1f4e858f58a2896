"""Models that think first: how hard goes out, what they think stands apart, and no verdict is read from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import Ended, apart, judgebench, pairs, read_json, read_jsonl, write_jsonl, write_judges
from loopback import LoopbackServer, Reply, Request, message_text

FOLDER = Path("runs/rewardbench/mine/pairwise/one")
MODELS = ("openai/loopback", "hosted_vllm/loopback")
THOUGHT = "Surely the second: [[B]]"


def message(**parts: object) -> Reply:
    """A chat completion of this message, as some server words it."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **parts}}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return Reply(body={"id": "1", "object": "chat.completion", "created": 1, "choices": [choice], "usage": usage})


BLOCKS = [{"type": "thinking", "thinking": THOUGHT, "signature": "s"}]
APART = {
    "reasoning_content": lambda answer: Reply(answer, reasoning_content=THOUGHT),
    "reasoning": lambda answer: message(content=answer, reasoning=THOUGHT),
    "thinking blocks": lambda answer: message(content=answer, thinking_blocks=BLOCKS),
    "a tag": lambda answer: Reply(f"<think>{THOUGHT}</think>{answer}"),
}
INLINE = {
    "a tag after blanks": lambda answer: Reply(f"\n<think>{THOUGHT}</think>{answer}"),
    "a tag never opened": lambda answer: Reply(f"{THOUGHT}</think>{answer}"),
    "another tag never opened": lambda answer: Reply(f"{THOUGHT}</reasoning>{answer}"),
    "marks in brackets": lambda answer: Reply(f"[THINK]{THOUGHT}[/THINK]{answer}"),
    "channels": lambda answer: Reply(
        f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>{answer}"
    ),
}
EVERY = {**APART, **INLINE}


@pytest.fixture
def server():
    with LoopbackServer("[[A]]") as running:
        write_judges(running.url)
        write_jsonl(Path("pairs.jsonl"), pairs(4))
        yield running


def mine(*more: object) -> Ended:
    return judgebench("run", "rewardbench", "-j", "mine", "--data", "pairs.jsonl", *more)


def lines(folder: Path = FOLDER) -> list[dict]:
    return read_jsonl(folder / "judgements.jsonl")


def way_of(request: Request) -> str:
    """The way of an item: its number among all."""
    return [*EVERY][int(request.text.partition("Question ")[2].partition("?")[0])]


def in_every_way(folder: Path, answer: str, *more: object, model: str = MODELS[0]) -> tuple[list[dict], list[Request]]:
    """The judgements of a run over an item of each way, in the ways' order, and its requests."""

    def reply(request: Request) -> Reply | str:
        return "[[A]]" if len(request.messages) > 2 else EVERY[way_of(request)](answer)

    with apart(folder), LoopbackServer(reply) as running:
        write_judges(running.url, mine={"model": model})
        write_jsonl(Path("pairs.jsonl"), pairs(len(EVERY)))
        mine(*more)
        (path,) = Path("runs").rglob("judgements.jsonl")
        return sorted(lines(path.parent), key=lambda line: int(line["item"])), running.requests


@pytest.fixture(scope="module", params=MODELS)
def answered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """The judgement of an answer beside each kind of thinking."""
    found, _ = in_every_way(tmp_path_factory.mktemp("answered"), "[[A]]", model=request.param)
    return dict(zip(EVERY, found, strict=True))


@pytest.fixture(scope="module")
def without_answer(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """The judgement of a reply whose thinking alone has a verdict."""
    found, _ = in_every_way(tmp_path_factory.mktemp("without"), "I leave it at that.")
    return dict(zip(EVERY, found, strict=True))


@pytest.fixture(scope="module")
def reminders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a judge whose reply was of no use is given back of it."""
    _, asked = in_every_way(tmp_path_factory.mktemp("repaired"), "Hm.", "--repair", 1)
    further = [request for request in asked if any(m["role"] == "assistant" for m in request.messages)]
    return {[*EVERY][number_in(request)]: request.messages[-2]["content"] for request in further}


def number_in(request: Request) -> int:
    """The number of the item of a follow-up."""
    return int(message_text(request.messages[-3]).partition("Question ")[2].partition("?")[0])


# --- thinking is never read


@pytest.mark.parametrize("way", EVERY)
def test_the_answers_verdict_counts(answered: dict[str, dict], way: str) -> None:
    """Whatever the thinking says, and wherever it stands."""
    assert answered[way].get("verdict") == "A"


@pytest.mark.parametrize("way", EVERY)
def test_a_verdict_in_the_thinking_alone_is_none(without_answer: dict[str, dict], way: str) -> None:
    """The reply is unreadable."""
    assert without_answer[way]["failure"]["kind"] == "unreadable"


@pytest.mark.parametrize("way", APART)
def test_thinking_has_a_field_of_its_own(answered: dict[str, dict], way: str) -> None:
    """In the judgement, beside the reply, which is the answer alone."""
    assert (answered[way]["reply"], answered[way]["reasoning"]) == ("[[A]]", THOUGHT)


@pytest.mark.parametrize("way", INLINE)
def test_thinking_that_the_server_leaves_in_the_reply_stays_there(answered: dict[str, dict], way: str) -> None:
    """The reply is kept as it came, and its thinking is passed over each time it is read."""
    assert THOUGHT in answered[way]["reply"]


def test_a_judge_that_does_not_think_has_no_such_field(server: LoopbackServer) -> None:
    """Its lines are as short as they were."""
    mine()
    assert not any("reasoning" in line for line in lines())


def test_thinking_comes_from_the_cache_too(server: LoopbackServer) -> None:
    """A replay's judgements have it."""
    server.answer = APART["reasoning_content"]("[[A]]")
    mine()
    mine("--offline", "--out", "again")
    again = read_jsonl(Path("again", *FOLDER.parts[1:], "judgements.jsonl"))
    assert {line["reasoning"] for line in again} == {THOUGHT}


def test_rescoring_keeps_thinking_and_does_not_read_it(server: LoopbackServer) -> None:
    """Nothing changes, and the new folder has it."""
    server.answer = APART["reasoning_content"]("[[A]]")
    mine()
    judgebench("rescore", FOLDER)
    (path,) = Path("runs").rglob("*rescored*/judgements.jsonl")
    assert {(line["verdict"], line["reasoning"]) for line in read_jsonl(path)} == {("A", THOUGHT)}


def test_thinking_is_shown_as_such(server: LoopbackServer) -> None:
    """`show` has it under a title of its own."""
    server.answer = APART["reasoning_content"]("[[A]]")
    mine()
    shown = judgebench("show", FOLDER, "1").out
    assert 0 < shown.index("thinking (not parsed for the verdict)") < shown.index(THOUGHT) < shown.index("--- reply")


@pytest.mark.parametrize("way", [*APART, "a tag after blanks"])
def test_a_follow_up_turn_does_not_give_the_thinking_back(reminders: dict[str, str], way: str) -> None:
    """What the judge is reminded of is its answer."""
    assert reminders[way].strip() == "Hm."


# --- how hard it thinks


@pytest.mark.parametrize("model", [*MODELS, "openai/o3", "openai/gpt-5-mini"])
def test_reasoning_effort_goes_out(server: LoopbackServer, model: str) -> None:
    """In the request's body, whatever LiteLLM knows of the model."""
    write_judges(server.url, mine={"model": model, "params": {"reasoning_effort": "low"}})
    assert mine().status == 0
    assert {request.params.get("reasoning_effort") for request in server.requests} == {"low"}


def test_another_effort_is_another_judge(server: LoopbackServer) -> None:
    """It is part of the key and of the folder's identity."""
    for effort in ("low", "high", "low"):
        write_judges(server.url, mine={"params": {"reasoning_effort": effort}})
        mine()
    assert (server.count, len(list(Path("runs").rglob("metrics.json")))) == (8, 2)


def test_reasoning_tokens_are_counted_and_priced(server: LoopbackServer) -> None:
    """4 x (100 in at 1 + 40 thought at 20 + 10 said at 10 USD a million) = 0.004 USD."""
    write_judges(server.url, mine={"price": {"input": 1, "output": 10, "reasoning": 20}})
    details = {"completion_tokens_details": {"reasoning_tokens": 40}}
    server.answer = Reply("[[A]]", usage={"prompt_tokens": 100, "completion_tokens": 50, **details})
    mine()
    usage = read_json(FOLDER / "metrics.json")["usage"]
    assert (usage["reasoning_tokens"], usage["completion_tokens"]) == (160, 200)
    assert usage["cost_usd"] == pytest.approx(0.004)


@pytest.mark.parametrize("model", [*MODELS, "openai/o3"])
def test_thinking_counted_beside_the_completion_is_part_of_it(server: LoopbackServer, model: str) -> None:
    """With a total and without: 32 in at 1 + 494 thought at 20 + 9 said at 10 USD a million = 0.010002 USD."""
    write_judges(server.url, mine={"model": model, "price": {"input": 1, "output": 10, "reasoning": 20}})
    usage = {"prompt_tokens": 32, "completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 494}}
    server.answer = lambda request: Reply("[[A]]", usage=usage | ({"total_tokens": 535} if request.number % 2 else {}))
    mine()
    tokens = [(line["usage"]["reasoning_tokens"], line["usage"]["completion_tokens"]) for line in lines()]
    assert tokens == [(494, 503)] * 4
    assert read_json(FOLDER / "metrics.json")["usage"]["cost_usd"] == pytest.approx(4 * 0.010002)


def test_little_thinking_beside_the_completion_is_known_by_the_total(server: LoopbackServer) -> None:
    """30 thought and 50 said make 80 where the total is 180 with 100 in, and 50 where it is 150."""
    details = {"completion_tokens_details": {"reasoning_tokens": 30}}
    usage = {"prompt_tokens": 100, "completion_tokens": 50, **details}
    server.answer = lambda request: Reply("[[A]]", usage=usage | {"total_tokens": 150 + 30 * (request.number <= 2)})
    mine("--concurrency", 1)
    assert [line["usage"]["completion_tokens"] for line in lines()] == [80, 80, 50, 50]


# --- which model answered


def test_the_model_that_served_each_reply_is_kept(server: LoopbackServer) -> None:
    """As it names itself, in the judgement and in the manifest."""
    server.answer = lambda request: Reply("[[A]]", served_model=f"loopback-{'ab'[request.number > 2]}")
    mine("--concurrency", 1)
    assert [line["served_model"] for line in lines()] == ["loopback-a", "loopback-a", "loopback-b", "loopback-b"]
    assert read_json(FOLDER / "manifest.json")["served_models"] == ["loopback-a", "loopback-b"]


def test_a_change_of_the_model_is_said(server: LoopbackServer) -> None:
    """With both names, beside the score and in metrics.json."""
    server.answer = lambda request: Reply("[[A]]", served_model=f"loopback-{'ab'[request.number > 2]}")
    said = "replies came from more than one model: loopback-a, loopback-b"
    out = " ".join(mine("--concurrency", 1).out.split())
    assert (said in out, said in read_json(FOLDER / "metrics.json")["notes"]) == (True, True)


def test_a_change_between_stop_and_resume_is_said(server: LoopbackServer) -> None:
    """The models of the replies that were there count too."""
    server.answer = Reply("[[A]]", served_model="loopback-a")
    mine()
    path = FOLDER / "judgements.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))
    server.answer = Reply("[[A]]", served_model="loopback-b")
    said = "replies came from more than one model: loopback-a, loopback-b"
    assert said in " ".join(mine("--cache-dir", "fresh").out.split())


def test_one_model_throughout_is_not_said(server: LoopbackServer) -> None:
    """There is nothing to say."""
    assert "more than one model" not in mine().out
