"""Rows and exports at addresses: object storage, the web, memory."""

from __future__ import annotations

import errno
import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import fsspec
import pyarrow.parquet as pq
import pytest

import judgebench as jb
from judgebench.errors import DataError
from judgebench.sources.opening import source_of
from judgebench.sources.remote import _reached, put_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = [{"id": str(n), "prompt": "Q?", "chosen": "yes, " * (n + 1), "rejected": "no"} for n in range(3)]


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    """The file system in memory, with three rows in two files."""
    files = fsspec.filesystem("memory")
    for name, rows in (("a.jsonl", ROWS[:2]), ("b.jsonl", ROWS[2:])):
        files.pipe(f"/rows/{name}", "".join(json.dumps(row) + "\n" for row in rows).encode())
    yield files
    files.rm("/", recursive=True)


@pytest.mark.parametrize(
    ("address", "ids"),
    [
        ("memory://rows/a.jsonl", ["0", "1"]),
        ("memory://rows", ["0", "1", "2"]),
        ("memory://rows/*.jsonl", ["0", "1", "2"]),
    ],
)
def test_rows_at_an_address(memory: fsspec.AbstractFileSystem, address: str, ids: list[str]) -> None:
    """A file, a folder's files and those of a pattern are read in the order of their names, as often as asked."""
    source = source_of(address)
    assert [row.data["id"] for row in source.rows()] == ids
    assert [row.data["id"] for row in source.rows()] == ids
    assert source.name == address


def test_a_run_over_rows_at_an_address(memory: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
    """The same run as over the file: same items, same score; its judgements go to an address as Parquet."""
    (tmp_path / "rows.jsonl").write_bytes(memory.cat("/rows/a.jsonl"))
    runs = [
        jb.run("custom", judge="offline/longest", data=data, out=tmp_path / out)
        for data, out in (("memory://rows/a.jsonl", "far"), (str(tmp_path / "rows.jsonl"), "near"))
    ]
    assert runs[0].manifest.items.hash == runs[1].manifest.items.hash
    assert runs[0].metrics.score == runs[1].metrics.score == 1.0
    made = jb.export(runs[0], to="dataset", out="memory://judged")
    assert "memory://judged/judgements.parquet" in made.files
    with memory.open("/judged/judgements.parquet") as file:
        assert sorted(pq.read_table(file)["item"].to_pylist()) == ["0", "1"]
    with pytest.raises(DataError, match="memory://judged: something is there already"):
        jb.export(runs[0], to="dataset", out="memory://judged")


class _Served(BaseHTTPRequestHandler):
    """A file behind a signed address; another is forbidden, the rest is not there."""

    def do_GET(self) -> None:
        """One file."""
        body = b"".join(json.dumps(row).encode() + b"\n" for row in ROWS) if "rows.jsonl" in self.path else b""
        self.send_response(200 if body else 403 if "closed" in self.path else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the name that the library asks for

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    """The address of a server."""
    with HTTPServer(("127.0.0.1", 0), _Served) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_signed_address_shows_no_secret(web: str) -> None:
    """What signs an address is in no name that is stored or shown."""
    source = source_of(f"{web}/rows.jsonl?X-Amz-Signature=5ecret")
    assert len(list(source.rows())) == 3
    assert source.name == f"{web}/rows.jsonl"
    with pytest.raises(DataError) as raised:
        source_of(f"{web}/closed.jsonl?X-Amz-Signature=5ecret")
    assert "5ecret" not in str(raised.value)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("memory://rows/c.jsonl", "memory://rows/c.jsonl: nothing is there: check the address"),
        ("memory://rows/*.csv", r"memory://rows/\*.csv: no data files there"),
        ("s3://bucket/rows.jsonl", "s3:// needs a package that is not installed: pip install s3fs"),
        ("nowhere://bucket/rows.jsonl", "nowhere://bucket/rows.jsonl cannot be read .*not known"),
    ],
)
def test_what_cannot_be_had_is_one_line(memory: fsspec.AbstractFileSystem, address: str, said: str) -> None:
    """Nothing there, a package that is missing, a protocol that nobody knows."""
    with pytest.raises(DataError, match=said) as raised:
        source_of(address)
    assert "\n" not in str(raised.value)


def test_the_web_says_no(web: str) -> None:
    """A file that is not there, and one without a right to it."""
    with pytest.raises(DataError, match="nothing is there"):
        source_of(f"{web}/other.jsonl")
    with pytest.raises(DataError, match=r"closed\.jsonl cannot be read .*403.*check its rights"):
        source_of(f"{web}/closed.jsonl")


@pytest.mark.parametrize("address", ["memory://mixed", "memory://mixed/*", "MEMORY://mixed/*.jsonl"])
def test_other_files_among_the_rows_are_left_out(memory: fsspec.AbstractFileSystem, address: str) -> None:
    """What jobs leave beside their parts, and hidden copies; a protocol may be in capitals."""
    for name, body in (("a.jsonl", b'{"id": 1}\n'), (".a.jsonl", b"x"), ("_SUCCESS", b""), ("notes.txt", b"x")):
        memory.pipe(f"/mixed/{name}", body)
    assert [row.data["id"] for row in source_of(address).rows()] == [1]


def test_a_file_is_named_as_it_is_there_and_not_by_its_copy(memory: fsspec.AbstractFileSystem) -> None:
    """Where it cannot be read, or nothing says how: the latter before it is fetched."""
    memory.pipe("/bad/rows.parquet", b"x")
    memory.pipe("/bad/rows", b"x")
    with pytest.raises(DataError, match=r"^cannot read rows\.parquet as Parquet"):
        list(source_of("memory://bad/rows.parquet").rows())
    with pytest.raises(DataError, match=r"^memory://bad/rows: unknown file format: name a file that ends in \.jsonl"):
        source_of("memory://bad/rows")


def test_a_key_in_an_address_is_refused_and_not_repeated(tmp_path: Path) -> None:
    """Storages take keys from settings of their own; also where the key has a slash in it, and for an export."""
    for rest in ("AKIAEXAMPLE:5ec+ret@bucket/rows.jsonl", "AKIAEXAMPLE:5ec/ret@bucket/rows.jsonl"):
        for asked in (source_of, lambda address: put_folder(tmp_path, address)):
            with pytest.raises(DataError) as raised:
                asked(f"s3://{rest}")
            assert str(raised.value).startswith("s3://bucket/rows.jsonl: an address holds no key: give it by")
            assert "5ec" not in str(raised.value)


@pytest.mark.parametrize(
    ("error", "mend"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "set TMPDIR to a folder with more space"),
        (PermissionError("Forbidden"), "check its rights"),
        (ValueError("bucket 'user:5ecret@there', token%3D5ecret, 5ecret=token"), "check the address"),
    ],
)
def test_what_a_storage_says_is_one_line_without_secrets(error: Exception, mend: str) -> None:
    """With what mends it."""
    address = "memory://user:5ecret@there/rows.jsonl?sig=token%3D5ecret"
    with pytest.raises(DataError, match=mend) as raised, _reached(address, "memory://there/rows.jsonl", "read"):
        raise error
    assert "5ecret" not in str(raised.value)
