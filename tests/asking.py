"""A judge's client against the loopback server, with a clock that does not wait."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from judgebench.client.cache.store import ReplyCache
from judgebench.client.calls import JudgeClient
from judgebench.client.providers.base import Request
from judgebench.client.testing import on_fake_clock
from judgebench.errors import JudgebenchError
from judgebench.judges.judge import Judge
from judgebench.verdicts.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from loopback import LoopbackServer

CHOICE = {"verdict": {"type": "choice", "instructions": "Which is better?", "criteria": {"A": None, "B": None}}}
"""What a decision model is asked."""

OPENAI, VLLM = "openai/loopback", "hosted_vllm/loopback"


@dataclass
class Asked:
    """What became of some requests, the waits between the tries, and what each one's further tries were counted under.

    The last are there where the requests were sent in turn.
    """

    ended: list[Reply | JudgebenchError]
    waits: list[float]
    asked_again: list[dict[str, int]]
    client: JudgeClient
    cache: ReplyCache

    @property
    def reply(self) -> Reply:
        assert isinstance(self.ended[0], Reply), self.ended[0]
        return self.ended[0]

    @property
    def error(self) -> JudgebenchError:
        assert isinstance(self.ended[0], JudgebenchError), self.ended[0]
        return self.ended[0]


@dataclass
class Asker:
    """Asks a server through a `JudgeClient` of its own; `with` closes the caches at the end.

    Args:
        server: Where the judge is.
        folder: For the cache.
        settings: Of the judge, beside its name and address.
    """

    server: LoopbackServer
    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    _opened: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._opened.close()

    def cache(self) -> ReplyCache:
        """One more view of the cache."""
        return self._opened.enter_context(ReplyCache(self.folder / "cache"))

    def judge(self, **settings: Any) -> Judge:
        return Judge.model_validate(
            {"name": "mine", "model": OPENAI, "api_base": self.server.url, "timeout": 5.0} | self.settings | settings
        )

    def ask(self, *texts: str, at_once: bool = False, cache: ReplyCache | None = None, **settings: Any) -> Asked:
        """Asks with each text in turn, or with all at once, and closes the connections."""
        waits: list[float] = []
        again: list[dict[str, int]] = []

        async def in_turn(each: Request) -> Reply | JudgebenchError:
            before = client.asked_again.copy()
            ended = await _ended(client, each)
            again.append(dict(client.asked_again - before))
            return ended

        async def sleep(seconds: float) -> None:
            waits.append(seconds)
            await asyncio.sleep(0)

        cache = cache or self.cache()
        client = JudgeClient(self.judge(**settings), cache, sleep=sleep)
        requests = [request(client, text) for text in texts or ("Which is better?",)]

        async def every() -> list[Reply | JudgebenchError]:
            async with aclosing(client):
                if at_once:
                    return list(await asyncio.gather(*(_ended(client, each) for each in requests)))
                return [await in_turn(each) for each in requests]

        return Asked(asyncio.run(every()), waits, again, client, cache)


def asked_on_fake_clock(
    folder: Path, judge: Judge, *texts: str, **settings: Any
) -> tuple[list[Reply | JudgebenchError], float, JudgeClient]:
    """What became of calls one after another, the seconds that they took on a clock that does not wait, the client."""

    async def every() -> tuple[list[Reply | JudgebenchError], float]:
        async with aclosing(client):
            ended = [await _ended(client, request(client, text)) for text in texts or ("Which is better?",)]
        return ended, asyncio.get_running_loop().time()

    with ReplyCache(folder / "cache") as cache:
        client = JudgeClient(judge, cache, **settings)
        return *on_fake_clock(every()), client


async def _ended(client: JudgeClient, each: Request) -> Reply | JudgebenchError:
    try:
        return (await client.ask(each)).reply
    except JudgebenchError as error:
        return error


def request(client: JudgeClient, text: str, *, sample: int = 0) -> Request:
    messages: Sequence[dict[str, str]] = [{"role": "user", "content": text}]
    questions = CHOICE if client.judge.decides else None
    return Request(client.keys.key(messages, sample, questions), messages, sample, questions=questions)
