"""The loopback server's answers without its sockets, for tests of what becomes of replies."""

from __future__ import annotations

import itertools
import json
import math
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from faults import Reply, Request
from scriptedbatches import BatchDesk, ScriptedBatches

from judgebench.client import Provider
from judgebench.verdicts import Reply as Kept, place_tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from judgebench.client import Batches, Request as Asked

    Answer = str | Reply | Callable[[Request], Reply | str]

_numbers = itertools.count(1)
_running: dict[str, ScriptedModels] = {}


SITE = str(Path(__file__).parent / "data/site")
"""Where the entry point of `scripted/NAME` stands, as if a package had brought it."""


class ScriptedModels:
    """What `LoopbackServer` is, in this process: `url` is an address for `write_judges`.

    Args:
        answer: A text, a `Reply`, or a callable that makes either from a `Request`.
    """

    def __init__(self, answer: Answer = "[[A]]") -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.url = f"http://127.0.0.1/scripted/{next(_numbers)}"
        self.desk = BatchDesk()

    @property
    def count(self) -> int:
        """The requests so far."""
        return len(self.requests)

    def __enter__(self) -> Self:
        _running[self.url] = self
        sys.path.insert(0, SITE)
        return self

    def __exit__(self, *_: object) -> None:
        sys.path.remove(SITE)
        del _running[self.url]


@contextmanager
def judge_of_rows(answer: Answer, rows: Sequence[Mapping[str, object]]) -> Iterator[ScriptedModels]:
    """Models that answer so for the judge `mine`, and `rows.jsonl` beside its providers.yaml, in this folder."""
    from commands import write_jsonl, write_judges

    with ScriptedModels(answer) as running:
        write_judges(running.url)
        write_jsonl(Path("rows.jsonl"), rows)
        yield running


class Scripted(Provider):
    """`scripted/NAME`: the model of that name among the `ScriptedModels` at the judge's address."""

    def batches(self) -> Batches:
        """Those of the models' desk."""
        return ScriptedBatches(self, _running[str(self.judge.api_base)].desk)

    async def complete(self, request: Asked) -> Kept:
        """What `answer` gives."""
        models = _running[str(self.judge.api_base)]
        params, _ = self.judge.params_asked()
        body: dict[str, Any] = {"model": self.judge.model.partition("/")[2], "messages": [*request.messages], **params}
        if request.questions is not None:
            state = "\n\n".join(message["content"] for message in request.messages)
            body = {"model": body["model"], "state": state, "questions": dict(request.questions)}
        asked = Request(models.count + 1, time.monotonic(), body, {})
        models.requests.append(asked)
        reply = models.answer(asked) if callable(models.answer) else models.answer
        reply = Reply(reply) if isinstance(reply, str) else reply
        return Kept(
            text=reply.content if reply.answers is None else json.dumps(reply.answers),
            answers=None if reply.answers is None else [None if each is None else {**each} for each in reply.answers],
            reasoning=reply.reasoning_content,
            finish_reason=reply.finish_reason,
            refusal=reply.refusal,
            served_model=reply.served_model or asked.model,
            prompt_tokens=reply.usage.get("prompt_tokens", len(asked.text) // 4),
            completion_tokens=reply.usage.get("completion_tokens", len(reply.content or "") // 4 + 1),
            logprobs=_placed(reply, body.get("top_logprobs", 0)) if body.get("logprobs") else None,
        )


def _placed(reply: Reply, most: int) -> Any:
    tokens = []
    for token, known in reply.logprobs or ():
        top = sorted(known.items(), key=lambda each: -each[1])[:most]
        tokens.append(
            (token, list(token.encode()), math.log(known.get(token, 1.0)), {name: math.log(p) for name, p in top})
        )
    return place_tokens(reply.content, tokens) if tokens else None
