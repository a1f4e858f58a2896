"""The cache as a whole: what is in it, what to take out of it, and many replies put into it at once."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from judgebench._util.steps import counted
from judgebench.client.cache.keys import KEY_VERSION
from judgebench.client.cache.store import ReplyCache
from judgebench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from judgebench.verdicts import Reply

_BATCH = 500
_BATCH_CHARACTERS = 16_000_000
"""A transaction holds other processes up, so it ends after so many replies, or so much text."""

_DAY_S = 86_400.0


@dataclass(slots=True)
class ModelShare:
    """What the cache has of one model.

    Attributes:
        model: As it names itself; None for replies that name none (a prompt too long, say).
        cost_usd: What the replies with a known price cost; None where no price is known.
        unpriced: How many have no known price.
    """

    model: str | None
    replies: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = None
    unpriced: int = 0

    def add(self, reply: Reply) -> None:
        """Counts a reply."""
        self.replies += 1
        self.prompt_tokens += reply.prompt_tokens
        self.completion_tokens += reply.completion_tokens
        if reply.cost_usd is None:
            self.unpriced += 1
        else:
            self.cost_usd = (self.cost_usd or 0.0) + reply.cost_usd


@dataclass(slots=True)
class CacheInfo:
    """What is in the cache.

    Attributes:
        size_bytes: On disk.
        oldest: When the oldest reply was given, in seconds since 1970; None where no reply tells.
        unreadable: Entries that are no reply; to runs they are not there.
        imported: Replies that were imported from bundles.
        models: By served model, the one with the most replies first.
    """

    folder: str
    replies: int = 0
    size_bytes: int = 0
    oldest: float | None = None
    newest: float | None = None
    key_version: int = KEY_VERSION
    unreadable: int = 0
    imported: int = 0
    models: list[ModelShare] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which replies to take out: those that meet every condition that is set; with none, all.

    Attributes:
        before: Given before this time, in seconds since 1970; a reply that does not tell counts as old.
        model: Served by this model.
        imported: From bundles alone.
    """

    before: float | None = None
    model: str | None = None
    imported: bool = False

    @classmethod
    def older_than(cls, days: float | None, model: str | None = None, *, imported: bool = False) -> Choice:
        """Replies given more than so many days ago."""
        return cls(None if days is None else time.time() - days * _DAY_S, model, imported)

    def takes(self, reply: Reply | None) -> bool:
        """Whether a reply is meant; an unreadable one (None) only where all are."""
        if reply is None:
            return self == Choice()
        old = self.before is None or (reply.created or 0.0) < self.before
        ours = reply.imported is None
        return old and not (self.imported and ours) and (self.model is None or reply.served_model == self.model)


@dataclass(slots=True)
class PruneResult:
    """What was taken out, or would be."""

    deleted: int = 0
    kept: int = 0


@dataclass(slots=True)
class ImportResult:
    """What became of replies that were put in together.

    Attributes:
        same: There already, and equal.
        different: There already with another reply, which stays.
        replaced: There already with another reply, which made place.
    """

    new: int = 0
    same: int = 0
    different: int = 0
    replaced: int = 0


class ReplyStore(ReplyCache):
    """A reply cache with what concerns all replies at once."""

    def keys(self) -> Iterator[str]:
        """Every key, in no order that means anything; none is kept in memory."""
        with self._guarded("read"):
            store = self._open(make=False)
            yield from () if store is None else store

    def _count(self) -> int | None:
        with self._guarded("read"):
            store = self._open(make=False)
            return None if store is None else len(store)

    def replies(self) -> Iterator[tuple[str, Reply | None]]:
        """Every key with its reply; None for one that cannot be read."""
        for key in counted(self.keys(), "reading the cache", unit="replies", total=self._count):
            reply = None
            with suppress(ConfigError):
                reply = self.read(key)
                if reply is None:  # deleted by another process since
                    continue
            yield key, reply

    def info(self) -> CacheInfo:
        """What is in the cache; one pass over it."""
        info = CacheInfo(str(self.folder))
        shares: dict[str | None, ModelShare] = {}
        for _, reply in self.replies():
            if reply is None:
                info.unreadable += 1
                continue
            info.replies += 1
            info.imported += reply.imported is not None
            shares.setdefault(reply.served_model, ModelShare(reply.served_model)).add(reply)
            if reply.created is not None:
                info.oldest = reply.created if info.oldest is None else min(reply.created, info.oldest)
                info.newest = reply.created if info.newest is None else max(reply.created, info.newest)
        info.models = sorted(shares.values(), key=lambda share: (-share.replies, share.model or ""))
        with self._guarded("read"):
            store = self._open(make=False)
            info.size_bytes = 0 if store is None else store.volume()
        return info

    def prune(self, choice: Choice, *, dry_run: bool = False) -> PruneResult:
        """Takes replies out.

        Args:
            choice: Which.
            dry_run: Only count them.
        """
        if choice == Choice():
            return PruneResult(self._clear(dry_run=dry_run))
        pruned = PruneResult()
        replies = self.replies()
        while batch := list(islice(replies, _BATCH)):
            chosen = [key for key, reply in batch if choice.takes(reply)]
            pruned.kept += len(batch) - len(chosen)
            pruned.deleted += len(chosen) if dry_run else self._delete(chosen, choice)
        return pruned

    def _clear(self, *, dry_run: bool) -> int:
        with self._guarded("read" if dry_run else "written"):
            store = self._open(make=False)
            if store is None:
                return 0
            return len(store) if dry_run else int(store.clear())

    def _delete(self, keys: Sequence[str], choice: Choice) -> int:
        """Deletes replies that are still meant: another process may have asked for one again meanwhile."""
        if not keys:
            return 0
        count = 0
        with self._guarded("written"):
            store = self._open(make=True)
            with store.transact():
                for key in keys:
                    reply = None
                    with suppress(ConfigError):
                        reply = self.get(key)
                    if choice.takes(reply) and store.delete(key):
                        count += 1
        return count

    def add(self, replies: Iterable[tuple[str, Reply]], *, replace: bool = False) -> ImportResult:
        """Puts replies in, many in a transaction.

        Args:
            replies: Keys and replies; read once, as they are written.
            replace: Whether a different reply that is there makes place.
        """
        added = ImportResult()
        for batch in _batches(replies):
            with self._guarded("written"):
                store = self._open(make=True)
                with store.transact():
                    for key, reply in batch:
                        self._add(added, key, reply, replace=replace)
        return added

    def _add(self, added: ImportResult, key: str, reply: Reply, *, replace: bool) -> None:
        there = self.get(key)
        if there is not None and there.model_copy(update={"imported": reply.imported}) == reply:
            added.same += 1
        elif there is None:
            added.new += 1
            self.put(key, reply)
        elif replace:
            added.replaced += 1
            self.put(key, reply)
        else:
            added.different += 1


def _batches(replies: Iterable[tuple[str, Reply]]) -> Iterator[list[tuple[str, Reply]]]:
    batch: list[tuple[str, Reply]] = []
    characters = 0
    for key, reply in replies:
        batch.append((key, reply))
        characters += len(reply.text or "") + len(reply.reasoning or "")
        if len(batch) >= _BATCH or characters >= _BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch
