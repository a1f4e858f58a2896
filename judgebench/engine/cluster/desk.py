"""On the driver's machine: hands bundles to the pipeline, and keeps the workers' replies in the driver's cache."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from judgebench.client import ReplyCache
from judgebench.errors import ConfigError, FatalProviderError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench.verdicts import Reply


MOST_DEATHS = 5
"""So often may a worker die over one bundle: more often, its calls are what kills it."""


class Kept(NamedTuple):
    """A reply on its way into the cache."""

    number: int
    key: str
    reply: Reply
    tag: str | None


class Desk:
    """One actor has it; the driver and the workers ask it.

    A bundle stays here until the driver has told what came of it, and the keys of its replies with it: where a worker
    dies, its bundles are made again, and what was paid for is there.

    Args:
        folder: The driver's cache.
        calls: How many may be in flight, for the cache's reserve.
    """

    def __init__(self, folder: str, calls: int) -> None:
        self._cache = ReplyCache(Path(folder))
        self._cache.reserve.calls = calls
        self._bundles: dict[int, bytes] = {}
        self._keys: dict[int, list[str]] = {}
        self._begun: Counter[int] = Counter()
        self._through: set[int] = set()
        self._all_through_below = 0
        self._total: int | None = None
        self._news = asyncio.Event()

    async def put(self, number: int, bundle: bytes) -> None:
        """Takes a bundle from the driver; they are numbered from 0 and come in any order, as Ray has it."""
        self._bundles[number] = bundle
        self._tell()

    async def close(self, total: int) -> None:
        """Says how many bundles there are, so that no more come."""
        self._total = total
        self._tell()

    async def take(self, number: int) -> bytes | None:
        """The bundle of this number, once it is there; empty where it is through already, None where none will come."""
        while number not in self._bundles:
            if number < self._all_through_below or number in self._through:
                return b""
            if self._total is not None and number >= self._total:
                return None
            await self._news.wait()
        return self._bundles[number]

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def begin(self, number: int) -> dict[str, Reply]:
        """The replies to the bundle's calls that are kept already, by key: those of a worker that died over it.

        Raises:
            FatalProviderError: Workers have died over it too often.
        """
        if self._begun[number] == MOST_DEATHS:
            raise FatalProviderError(
                f"Ray workers died {MOST_DEATHS} times over the same calls: out of memory, or by the judge's own code"
            )
        self._begun[number] += 1
        kept = self._keys.setdefault(number, [])
        found = self._cache.get_many(kept) if kept else {}
        for key in kept:  # very long ones
            if key not in found and (reply := self._cache.get(key)) is not None:
                found[key] = reply
        return found

    async def keep(self, replies: Sequence[Kept]) -> ConfigError | None:
        """Puts replies into the cache: they are on disk when this returns. What is wrong with the disk, if anything."""
        for each in replies:
            try:
                self._cache.put(each.key, each.reply, each.tag)
            except ConfigError as error:
                return error
            self._keys.setdefault(each.number, []).append(each.key)
        return self._cache.out_of_space

    async def done(self, number: int) -> None:
        """Forgets a bundle of which the driver has told all."""
        self._bundles.pop(number, None)
        self._keys.pop(number, None)
        self._begun.pop(number, None)
        self._through.add(number)
        while self._all_through_below in self._through:
            self._through.remove(self._all_through_below)
            self._all_through_below += 1
