"""Replies on disk: diskcache with text values, no eviction, no size limit, no pickle."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sqlite3
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import diskcache
from pydantic import ValidationError

from judgebench._util import locks
from judgebench._util.redaction import redact
from judgebench.client.cache.reserve import Reserve, is_full
from judgebench.errors import ConfigError, StorageError
from judgebench.judges import MOST_TOKENS
from judgebench.verdicts import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

VARIABLE = "JUDGEBENCH_CACHE_DIR"

BUSY_S = 20.0
"""How long another process may keep the cache locked: a write takes milliseconds, a batch of an import a second."""

_SETTINGS = {"eviction_policy": "none", "size_limit": 2**62, "cull_limit": 0, "tag_index": 1}
# Bytes and pages of the database that may stand in memory: diskcache's own 64 and 32 MB grow with a run.
_SETTINGS |= {"sqlite_mmap_size": 2**24, "sqlite_cache_size": 2**11}
_PICKLE_MODE = 4
_INSERT = (  # as diskcache stores a text that has no file of its own
    "INSERT OR IGNORE INTO Cache(key, raw, store_time, expire_time, access_time, access_count, tag, size, mode, "
    "filename, value) VALUES (?, 1, ?, NULL, ?, 0, ?, 0, 1, NULL, ?)"
)
Row = tuple[str, str, str | None]
"""Key, text and tag of what is stored."""
_DATABASE = "cache.db"  # its log and locks have names that begin so
_PAUSE_S = 0.005
_YEAR_9999 = 253_370_764_800.0


_FILE_NAME = re.compile(r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{28}\.val".replace("/", re.escape(os.sep)))
"""As diskcache names the file of a long text. A cache from elsewhere may hold any other, also of a file outside."""


class _TextDisk(diskcache.Disk):  # type: ignore[misc]
    """Text keys and values only, in files of the cache's own.

    A pickle, which runs code when it is read, is refused both ways; a file elsewhere is neither read, nor written, nor
    removed.
    """

    def _is_inside(self, filename: Any) -> bool:
        """Whether a name out of the database is that of a file in the cache's folder, and leads through no link."""
        if not isinstance(filename, str) or not _FILE_NAME.fullmatch(filename):
            return False
        path = Path(self._directory, filename)
        return not any(each.is_symlink() for each in (path, *path.parents[:2])) and (
            path.is_file() or not path.exists()
        )

    def filename(self, key: Any = diskcache.UNKNOWN, value: Any = diskcache.UNKNOWN) -> tuple[str, str]:
        name, path = super().filename(key, value)
        if not self._is_inside(name):
            raise OSError(f"{Path(path).parent} leads elsewhere by a symbolic link")
        return name, path

    def remove(self, file_path: str) -> None:
        if self._is_inside(file_path):
            super().remove(file_path)

    def store(self, value: Any, read: bool, key: Any = diskcache.UNKNOWN) -> Any:
        if not isinstance(value, str):
            raise TypeError(f"the cache holds text, not {type(value).__name__}")
        return super().store(value, read, key)

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> Any:
        if mode == _PICKLE_MODE:
            raise TypeError("the cache holds a pickled value, which judgebench never wrote")
        if filename is not None and not self._is_inside(filename):
            raise ValueError("the entry's file is not in the cache")  # counts as torn
        return super().fetch(mode, filename, value, read)

    def put(self, key: Any) -> Any:
        if not isinstance(key, str):
            raise TypeError(f"the cache has text keys, not {type(key).__name__}")
        return super().put(key)

    def get(self, key: Any, raw: bool) -> Any:
        if not raw:
            raise TypeError("the cache holds a pickled key, which judgebench never wrote")
        return super().get(key, raw)


class _TextCache(diskcache.Cache):  # type: ignore[misc]
    """diskcache with one query for many keys, and one limit for everything that waits for a lock."""

    def __init__(self, folder: str, **settings: Any) -> None:
        with ExitStack() as on_failure:
            on_failure.callback(self.close)
            super().__init__(folder, timeout=BUSY_S, disk=_TextDisk, **settings)
            on_failure.pop_all()

    @property
    def _sql_retry(self) -> Callable[..., sqlite3.Cursor]:
        """What diskcache opens a cache with; its own has 60 seconds written into it."""
        execute = self._sql

        def tried(statement: str, *values: Any) -> sqlite3.Cursor:
            until = time.monotonic() + BUSY_S
            while True:
                try:
                    cursor: sqlite3.Cursor = execute(statement, *values)
                except sqlite3.OperationalError as error:
                    if not _is_locked(error) or time.monotonic() > until:
                        raise
                    time.sleep(_PAUSE_S)
                else:
                    return cursor

        return tried

    def put_all(self, rows: Sequence[Row]) -> None:
        """Stores texts; those of ordinary length under new keys in one transaction.

        A transaction for each, or diskcache's four statements, take a twentieth more of the row "CPU of a live call,
        transport: direct" of benchmarks/speed.py.
        """
        if len(rows) == 1:
            left = [row for row in rows if not self._insert(*row)]
        else:
            with self._con:  # diskcache's own transaction makes a full disk another error
                self._sql("BEGIN IMMEDIATE")
                left = [row for row in rows if not self._insert(*row)]
        for key, text, tag in left:
            self.set(key, text, tag=tag)

    def _insert(self, key: str, text: str, tag: str | None) -> bool:
        """Whether a text could be stored by a mere insertion, and is."""
        if len(text) >= self._disk.min_file_size:
            return False
        now = time.time()
        return bool(self._sql(_INSERT, (key, now, now, tag, text)).rowcount)

    def get_many(self, keys: Sequence[str]) -> list[tuple[str, str]]:
        """Key and text of those that are there; texts that are long enough for a file of their own are left out."""
        query = "SELECT key, value FROM Cache WHERE raw = 1 AND mode <> ? AND filename IS NULL"
        among = " AND key IN (SELECT value FROM json_each(?))"
        found: list[tuple[str, str]] = self._sql(query + among, (_PICKLE_MODE, json.dumps(keys))).fetchall()
        return found

    def latest(self, count: int) -> list[str]:
        """The texts that were stored last, at most so many; those with a file of their own are left out."""
        query = "SELECT value FROM Cache WHERE raw = 1 AND mode <> ? AND filename IS NULL ORDER BY rowid DESC LIMIT ?"
        return [text for (text,) in self._sql(query, (_PICKLE_MODE, count)).fetchall()]

    def tagged(self, tag: str) -> list[str]:
        """The keys of what has this tag; none where there is no index to find them by."""
        if "Cache_tag_rowid" not in self._indexes:
            return []
        return [key for (key,) in self._sql("SELECT key FROM Cache WHERE tag = ? AND raw = 1", (tag,)).fetchall()]

    def lacks(self, key: str, tag: str) -> bool:
        """Whether there is nothing under a key, and nothing with a tag, in one query."""
        by_tag = " OR tag = ?" if "Cache_tag_rowid" in self._indexes else ""
        query = f"SELECT 1 FROM Cache WHERE key = ?{by_tag} LIMIT 1"  # noqa: S608 - it holds nobody's text
        return self._sql(query, (key, tag) if by_tag else (key,)).fetchone() is None

    @cached_property
    def _indexes(self) -> set[str]:
        return {name for (name,) in self._sql("SELECT name FROM sqlite_master WHERE type = 'index'").fetchall()}


class _ReadOnlyCache(_TextCache):
    """A cache that is there and may only be read: its settings are taken as they are, and nothing is set up."""

    def __init__(self, folder: str) -> None:
        self._directory = folder
        self._timeout = BUSY_S
        self._local = threading.local()
        self._txn_id = None
        self._disk = _TextDisk(folder)
        self.eviction_policy, self.statistics = "none", 0
        with ExitStack() as on_failure:
            on_failure.callback(self.close)
            ((self._page_size,),) = self._sql("PRAGMA page_size").fetchall()
            on_failure.pop_all()

    @property
    def _con(self) -> sqlite3.Connection:
        if getattr(self._local, "con", None) is None:
            self._local.con = self._connected()
        connection: sqlite3.Connection = self._local.con
        return connection

    def _connected(self) -> sqlite3.Connection:
        """With the other processes' log; where there is none and none can be made, without."""
        address = (Path(self._directory).absolute() / _DATABASE).as_uri() + "?mode=ro"
        for way in (address, f"{address}&immutable=1"):
            connection = sqlite3.connect(way, timeout=self._timeout, isolation_level=None, uri=True)
            try:
                connection.execute("SELECT key FROM Settings LIMIT 1").fetchall()
            except sqlite3.Error as error:
                connection.close()
                if way != address or not isinstance(error, sqlite3.OperationalError):
                    raise
            else:
                break
        return connection


def default_cache_dir() -> Path:
    """`$JUDGEBENCH_CACHE_DIR`, else `judgebench` in the user's cache folder.

    Raises:
        ConfigError: The user has no home.
    """
    if named := os.environ.get(VARIABLE):
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "judgebench"
    except RuntimeError:
        raise StorageError("no home folder for the cache: set HOME, or add --cache-dir") from None


class UnreadableEntryError(ConfigError):
    """An entry that is no reply: torn by a power cut, say."""


class ReplyCache:
    """Replies by key. The folder is made when the first reply is stored, not before.

    The database is opened when it is needed; `with` closes it at the end. One thread uses it, and closes it.

    Attributes:
        out_of_space: Set when the disk was full when a reply was to be stored. That one, and those in flight, go into
            the reserve; a call that is made after that might have its reply nowhere to go.
        reserve: Space kept back for that.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or default_cache_dir()
        self.out_of_space: ConfigError | None = None
        self._place = os.path.realpath(self.folder)
        self.reserve = Reserve(self.folder / "reserve")
        self._reserved = False
        self._store: Any = None
        self._coming: list[tuple[Row, asyncio.Future[None]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def get(self, key: str) -> Reply | None:
        """The reply under a key, or None; so it is for an entry that was torn, whose place the next `put` takes."""
        try:
            return self.read(key)
        except UnreadableEntryError:
            return None

    def read(self, key: str) -> Reply | None:
        """The reply under a key, or None where there is no entry.

        Raises:
            UnreadableEntryError: It is no reply.
        """
        with self._guarded("read"):
            store = self._open(make=False)
            if store is None:
                return None
            try:
                text = store.get(key)
                return None if text is None else _reply(text)
            except (ValueError, RecursionError):
                raise UnreadableEntryError(
                    f"cache folder {self.folder}: the entry {key} is not a valid reply"
                ) from None

    def get_many(self, keys: Sequence[str]) -> dict[str, Reply]:
        """What there is under some of the keys, in one query: for the rest, and for very long replies, ask `get`."""
        with self._guarded("read"):
            store = self._open(make=False)
            texts = [] if store is None else store.get_many(keys)
            return {key: reply for key, text in texts if (reply := _reply_or_none(text)) is not None}

    def latest(self, count: int) -> list[Reply]:
        """The replies that were stored last, whoever gave them, at most so many."""
        with self._guarded("read"):
            store = self._open(make=False)
            texts = [] if store is None else store.latest(count)
        return [reply for text in texts if (reply := _reply_or_none(text)) is not None]

    def tagged(self, tag: str) -> Iterator[Reply]:
        """The replies that were stored with this tag."""
        with self._guarded("read"):
            store = self._open(make=False)
            keys = [] if store is None else store.tagged(tag)
        for key in keys:
            if (reply := self.get(key)) is not None:
                yield reply

    def lacks(self, key: str, tag: str) -> bool:
        """Whether there is surely nothing under a key, and nothing that was stored with a tag: `get` is asked else."""
        with self._guarded("read"):
            store = self._open(make=False)
            return store is None or bool(store.lacks(key, tag))

    def put(self, key: str, reply: Reply, tag: str | None = None) -> None:
        """Stores a reply; it is on disk when this returns.

        Args:
            key: Of its call.
            reply: What came back.
            tag: What else it is found by.
        """
        self._put_all([(key, _text(reply), tag)])

    async def keep(self, key: str, reply: Reply, tag: str | None = None) -> None:
        """As `put`, in one transaction with all that other calls keep in the same turn of the event loop."""
        loop = asyncio.get_running_loop()
        if not self._coming:
            loop.call_soon(self._keep_coming)
        stored: asyncio.Future[None] = loop.create_future()
        self._coming.append(((key, _text(reply), tag), stored))
        await stored

    def _keep_coming(self) -> None:
        coming, self._coming = self._coming, []
        error: Exception | None = None
        try:
            self._put_all([row for row, _ in coming])
        except Exception as caught:  # noqa: BLE001 - whoever waits raises it
            error = caught
        for _, stored in coming:
            if stored.done():  # a call that was given up
                continue
            if error is None:
                stored.set_result(None)
            else:
                stored.set_exception(error)

    def _put_all(self, rows: Sequence[Row]) -> None:
        """Stores them; where the disk is full, with the help of the reserve."""
        with self._guarded("written"):
            try:
                self._open(make=True).put_all(rows)
                if not self._reserved:
                    self._reserved = True
                    self.reserve.take()
            except (OSError, sqlite3.Error, diskcache.Timeout) as error:
                if not is_full(_cause(error)):
                    raise
                self.out_of_space = self._full()
                self.reserve.release()
                self._open(make=True).put_all(rows)

    def take(self, key: str) -> bool:
        """Whether this process is now the one that makes a call; false while another that shares the cache does."""
        return locks.take(self._call(key))

    def give_back(self, key: str) -> None:
        """Ends that: the reply is there, or there is none."""
        locks.give_back(self._call(key))

    def _call(self, key: str) -> str:
        return f"{self._place} {key}"

    def close(self) -> None:
        """Closes the database."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def _open(self, *, make: bool) -> Any:
        """The database; where it is there and only to be read, also one that may not be written."""
        if make and isinstance(self._store, _ReadOnlyCache):
            self.close()
        if self._store is None and self.folder.exists() and not self.folder.is_dir():
            raise NotADirectoryError("is a file, expected a folder")
        if self._store is None:
            for path in self.folder.glob(f"{_DATABASE}*"):
                if path.is_symlink():
                    raise OSError(f"{path.name} is a symbolic link")
        if self._store is None and (make or (self.folder / _DATABASE).exists()):
            try:
                if make and not (self.folder / _DATABASE).exists():
                    self._make_database()
                self._store = _TextCache(str(self.folder), **_SETTINGS)
            except sqlite3.OperationalError as error:
                if make or _is_locked(error):
                    raise
                self._store = _ReadOnlyCache(str(self.folder))
        return self._store

    def _make_database(self) -> None:
        """Makes the database for whom its folder is for: the user alone where that is new as well.

        SQLite gives its further files the same rights.
        """
        if not self.folder.exists():
            self.folder.mkdir(parents=True, mode=0o700)
        handle = os.open(self.folder / _DATABASE, os.O_CREAT | os.O_WRONLY, 0o600)
        with os.fdopen(handle), suppress(OSError):
            (self.folder / _DATABASE).chmod(self.folder.stat().st_mode & 0o666)

    @contextmanager
    def _guarded(self, done: str) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error, TypeError, ValueError, diskcache.Timeout) as caught:
            error = _cause(caught)
            if _is_locked(error):
                raise StorageError(
                    f"cache folder {self.folder}: locked by another process for more than {BUSY_S:.0f} s; "
                    "rerun the command when it has ended"
                ) from None
            if is_full(error):
                raise self._full() from None
            fix = "name another with --cache-dir"
            if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
                fix = "move it away; judgebench cache export FILE RUN... rebuilds the replies of your runs"
            raise StorageError(f"cache folder {self.folder}: cannot be {done} ({redact(str(error))}); {fix}") from None

    def _full(self) -> ConfigError:
        return ConfigError(f"cache folder {self.folder}: the disk is full; free some space, then rerun the command")


def _cause(error: Exception) -> Exception:
    """What SQLite said, where diskcache calls it a timeout, whatever it was."""
    said = error.__context__
    return said if isinstance(error, diskcache.Timeout) and isinstance(said, sqlite3.Error) else error


def _is_locked(error: Exception) -> bool:
    if isinstance(error, diskcache.Timeout):
        return True
    return isinstance(error, sqlite3.OperationalError) and "locked" in str(error)


def _text(reply: Reply) -> str:
    """The reply as it is stored: JSON in ASCII, with the numbers that JSON has no word for as Python writes them."""
    if reply.logprobs is None and reply.answers is None:
        try:
            return reply.__pydantic_serializer__.to_json(reply, exclude_defaults=True, ensure_ascii=True).decode()
        except ValueError:  # lone surrogates, which are no UTF-8
            pass
    return json.dumps(reply.model_dump(exclude_defaults=True), separators=(",", ":"))


def _reply(text: str) -> Reply:
    """The reply that was stored as this text.

    Raises:
        ValueError: It is none, or has a number that cannot be.
    """
    try:
        reply = Reply.model_validate_json(text)
    except ValidationError:  # of halves of surrogate pairs, too, which only Python's own reader takes
        reply = Reply.model_validate(json.loads(text))
    if not is_plausible(reply):
        raise ValueError("an impossible number")
    return reply


def is_plausible(reply: Reply) -> bool:
    """Whether the reply's numbers can be: none below 0, no cost or time beyond the year 9999, no count that is none."""
    tokens = (reply.prompt_tokens, reply.completion_tokens, reply.reasoning_tokens, reply.cached_prompt_tokens)
    return (
        0 <= min(tokens) <= max(tokens) <= MOST_TOKENS
        and 0 <= (reply.cost_usd or 0) < _YEAR_9999
        and 0 <= (reply.latency_s or 0) < _YEAR_9999
        and 0 <= (reply.created or 0) < _YEAR_9999
    )


def _reply_or_none(text: str) -> Reply | None:
    try:
        return _reply(text)
    except (ValueError, RecursionError):
        return None
