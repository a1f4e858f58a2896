"""Bundles: replies in one file with checksums, from which anyone reproduces a run with no key and no call.

A bundle is gzip over JSON lines: a header, a line for each reply in the order of the keys, a footer. `docs/cache.md`
describes it for those who read one without judgebench.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zlib
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from judgebench._util.files import output_file
from judgebench._util.steps import counted
from judgebench.client.cache.header import FORMAT, VERSION, Header
from judgebench.client.cache.keys import KEY_VERSION
from judgebench.client.cache.store import is_plausible
from judgebench.errors import ConfigError
from judgebench.verdicts import Reply

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

MAX_LINE = 1 << 27
"""Bytes in a line: a reply of 10 MB and thinking of 10 MB fit, however much of them JSON escapes."""

MAX_VALUES = 1_000_000
"""Lists, objects and values in a line: JSON takes up to 100 times its bytes in memory, and gzip hides those. A reply of
20,000 tokens with 20 alternatives of each has half as many."""

_LEVEL = 4
"""Of gzip: the higher ones take several times as long for a few hundredths of the size."""

_KEY = re.compile(r"[0-9a-f]{64}")
_HASH = re.compile(rb"(.*),\"sha256\":\"([0-9a-f]{64})\"\}", re.DOTALL)
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_ENCODE = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def write_bundle(path: Path, header: Header, replies: Iterable[tuple[str, Reply]]) -> None:
    """Writes a bundle, whole or not at all; the same content makes the same bytes.

    Args:
        path: The file.
        header: Its first line.
        replies: Keys and replies, as many as the header says, in the order of the keys.

    Raises:
        ConfigError: The file cannot be written, or there are not as many replies as the header says.
    """
    digest, count = hashlib.sha256(), 0
    with _whole(path) as raw, gzip.GzipFile(filename="", mode="wb", compresslevel=_LEVEL, fileobj=raw, mtime=0) as file:

        def write(line: str) -> None:
            data = line.encode() + b"\n"
            digest.update(data)
            file.write(data)

        head = _ENCODE(header.model_dump(exclude=None if header.rows else {"rows"}))
        if len(head) >= MAX_LINE or (len(head) > MAX_VALUES and _values(head.encode()) > MAX_VALUES):
            raise ConfigError("the rows are too many for a bundle: leave out --rows, or export fewer runs")
        write(head)
        for key, reply in counted(replies, f"writing {path}", unit="replies", total=header.count):
            if not is_plausible(reply):
                raise ConfigError(f"the cached reply {key} has an impossible number; request it again (--refresh)")
            write(_line(key, reply))
            count += 1
        if count != header.count:
            raise ConfigError("the cache was changed during the export; export again")
        write(_ENCODE({"count": count, "sha256": digest.hexdigest()}))


def _line(key: str, reply: Reply) -> str:
    said = _ENCODE({"key": key, "reply": reply.model_dump(exclude_defaults=True, exclude={"imported"})})
    return f'{said[:-1]},"sha256":"{hashlib.sha256(said.encode()).hexdigest()}"}}'


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """A file that takes its name when the block has ended well."""
    if path.is_dir():
        raise ConfigError(f"{path}: is a folder; name the bundle's file first, such as replies.jsonl.gz, then the runs")
    with output_file(path, lasting=True) as part, part.open("wb") as file:
        yield file


class Bundle:
    """A bundle to be read. Each pass over it checks every line, and ends well only behind a footer that is right."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._line = 0

    def check(self) -> Header:
        """The header, once all that follows it has been checked.

        Raises:
            ConfigError: The file is no bundle, is torn or changed, or is of another version.
        """
        with self._opened() as file:
            digest = hashlib.sha256()
            header = self._header(self._next(file, digest))
            replies = self._replies(file, digest, header.count)
            for _ in counted(replies, f"checking {self.path}", unit="replies", total=header.count):
                pass
            return header

    def origin(self) -> str:
        """What the replies say of where they are from: the file's SHA-256, and today."""
        with self.path.open("rb") as file:
            return f"{hashlib.file_digest(file, 'sha256').hexdigest()} {datetime.now(UTC):%Y-%m-%d}"

    def replies(self) -> Iterator[tuple[str, Reply]]:
        """The keys and replies.

        Raises:
            ConfigError: As `check` does, where the mistake is met.
        """
        with self._opened() as file:
            digest = hashlib.sha256()
            header = self._header(self._next(file, digest))
            yield from self._replies(file, digest, header.count)

    @contextmanager
    def _opened(self) -> Iterator[gzip.GzipFile]:
        self._line = 0
        if not self.path.exists():
            raise ConfigError(f"{self.path}: file not found; name a bundle from judgebench cache export")
        if not self.path.is_file():
            raise ConfigError(f"{self.path}: not a file; name a bundle from judgebench cache export")
        try:
            with self.path.open("rb") as raw, gzip.GzipFile(fileobj=raw) as file:
                if raw.read(2) != b"\x1f\x8b":
                    raise ConfigError(
                        f"{self.path}: not a valid bundle (not gzip); name one from judgebench cache export"
                    )
                raw.seek(0)
                yield file
        except (gzip.BadGzipFile, zlib.error) as error:
            raise self._mistake(f"is damaged ({error})") from None
        except EOFError:
            raise self._mistake("the file is cut off") from None
        except OSError as error:
            raise ConfigError(f"{self.path}: cannot be read ({error.strerror or error})") from None

    def _mistake(self, what: str) -> ConfigError:
        return ConfigError(f"{self.path} line {self._line}: {what}; nothing imported; get the bundle again")

    def _next(self, file: gzip.GzipFile, digest: Any) -> bytes:
        """The next line, without its end; `digest` takes it in."""
        self._line += 1
        line = file.readline(MAX_LINE)
        if not line.endswith(b"\n"):
            if len(line) == MAX_LINE:
                raise self._mistake(f"longer than {MAX_LINE >> 20} MiB")
            raise self._mistake("the footer is missing, the bundle is cut off")
        digest.update(line)
        return line[:-1]

    def _parsed(self, line: bytes) -> dict[str, Any]:
        if len(line) > MAX_VALUES and _values(line) > MAX_VALUES:
            raise self._mistake(f"has more than {MAX_VALUES:,} values")
        try:
            data = json.loads(line, parse_constant=_no_number)
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict):
            raise self._mistake("not a JSON object")
        return data

    def _header(self, line: bytes) -> Header:
        no_bundle = (
            f"{self.path}: not a valid bundle (no header in its first line); name one from judgebench cache export"
        )
        try:
            data = self._parsed(line)
        except ConfigError:
            raise ConfigError(no_bundle) from None
        if data.get("format") != FORMAT:
            raise ConfigError(no_bundle)
        for name, known, what in (("version", VERSION, "a bundle"), ("key_version", KEY_VERSION, "a bundle with keys")):
            if data.get(name) != known:
                raise ConfigError(
                    f"{self.path}: is {what} of version {str(data.get(name))[:20]}, and this judgebench reads {known}; "
                    f"use the version that wrote it (judgebench {str(data.get('judgebench'))[:20]})"
                )
        try:
            return Header.model_validate(data)
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"]))
            raise self._mistake(f"the header's {where} is not valid") from None

    def _replies(self, file: gzip.GzipFile, digest: Any, count: int) -> Iterator[tuple[str, Reply]]:
        last = ""
        for _ in range(count):
            line = self._next(file, digest)
            key, reply = self._reply(line)
            if key <= last:
                raise self._mistake("keys not in order")
            last = key
            yield key, reply
        expected = {"count": count, "sha256": digest.hexdigest()}
        if self._parsed(self._next(file, digest)) != expected:
            raise self._mistake("checksum or count in the footer does not match")
        if file.read(1):
            raise self._mistake("data after the footer")

    def _reply(self, line: bytes) -> tuple[str, Reply]:
        found = _HASH.fullmatch(line)
        if found is None or not line.startswith(b'{"key":'):
            raise self._mistake("not a reply with a checksum; fewer replies than in the header")
        if hashlib.sha256(found[1] + b"}").hexdigest().encode() != found[2]:
            raise self._mistake("the reply does not match its checksum")
        data = self._parsed(line)
        key = data.get("key")
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise self._mistake("its key is not 64 hexadecimal digits")
        try:
            reply = Reply.model_validate(data.get("reply"))
        except ValidationError:
            reply = None
        if reply is None or not is_plausible(reply):
            raise self._mistake("not a valid reply")
        return key, reply


def _values(line: bytes) -> int:
    """How many values a line has at most, without taking it apart."""
    bare = _TEXT.sub(b"", line)
    return sum(map(bare.count, (b",", b"[", b"{")))


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is not JSON")
