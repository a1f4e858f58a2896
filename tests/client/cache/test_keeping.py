"""Replies that calls keep in the same turn of the event loop: one transaction, each on disk before its call goes on."""

import asyncio
import sqlite3
import struct

import pytest

from judgebench.client.cache.store import ReplyCache
from judgebench.errors import ConfigError
from judgebench.verdicts.reply import Reply

REPLIES = {f"{number:064d}": Reply(text=f"reply {number}") for number in range(20)}
LONG = Reply(text="x" * 50_000)


@pytest.fixture
def cache(tmp_path):
    """A cache with one reply in it."""
    with ReplyCache(tmp_path / "cache") as made:
        made.put("f" * 64, Reply(text="before"))
        yield made


def commits(cache):
    """How many transactions stand in SQLite's log: the frames that hold the database's size are each one's last."""
    log = (cache.folder / "cache.db-wal").read_bytes()
    (page,) = struct.unpack(">I", log[8:12])
    return sum(log[at + 4 : at + 8] != bytes(4) for at in range(32, len(log), 24 + page))


async def keep_all(cache, replies):
    await asyncio.gather(*(cache.keep(key, reply) for key, reply in replies.items()))


def test_replies_of_one_turn_are_one_transaction(cache):
    """However many calls end at once."""
    before = commits(cache)
    asyncio.run(keep_all(cache, REPLIES))
    assert commits(cache) - before == 1


def test_a_kept_reply_is_there_for_other_processes(cache):
    """When `keep` returns, whoever else opens the cache finds the reply: short, long, and one that was there."""
    replies = {**REPLIES, "e" * 64: LONG, "f" * 64: Reply(text="asked again")}

    async def seen_by_another():
        await keep_all(cache, replies)
        with ReplyCache(cache.folder) as other:
            return {key: other.get(key) for key in replies}

    assert asyncio.run(seen_by_another()) == replies


def test_a_reply_is_kept_though_its_call_is_given_up(cache):
    """It was paid for: a second Ctrl-C that comes before the transaction loses nothing."""

    async def given_up():
        call = asyncio.create_task(cache.keep("e" * 64, Reply(text="paid")))
        await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)

    asyncio.run(given_up())
    assert cache.get("e" * 64) == Reply(text="paid")


def test_each_call_hears_that_the_cache_is_locked(cache, monkeypatch):
    """None goes on as if its reply were stored."""
    monkeypatch.setattr("judgebench.client.cache.store.BUSY_S", 0.02)
    cache.close()
    assert cache.get("f" * 64)
    other = sqlite3.connect(cache.folder / "cache.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def said():
        return await asyncio.gather(*(cache.keep(key, REPLIES[key]) for key in REPLIES), return_exceptions=True)

    errors = asyncio.run(said())
    other.close()
    assert {isinstance(error, ConfigError) and "locked" in str(error) for error in errors} == {True}


def test_after_a_full_disk_replies_are_kept_again(cache):
    """A transaction that did not fit is taken back whole, and is in the way of no later one."""
    pages = cache._store._sql("PRAGMA page_count").fetchone()[0]
    cache._store._sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(ConfigError, match="the disk is full"):
        asyncio.run(keep_all(cache, {key: Reply(text="y" * 3000) for key in REPLIES}))
    cache._store._sql("PRAGMA max_page_count = 100000")
    asyncio.run(keep_all(cache, REPLIES))
    assert cache.get_many(list(REPLIES)) == REPLIES
