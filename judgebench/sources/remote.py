"""Rows and exports at an address that fsspec knows: object storage (s3://, gs://, az://), https://, memory://, ..."""

from __future__ import annotations

import errno
import re
import shutil
import weakref
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import gettempdir, mkdtemp
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from judgebench._util.redaction import in_one_line, literal_secrets, without_secrets
from judgebench._util.steps import step
from judgebench.errors import DataError
from judgebench.sources import hub
from judgebench.sources.files import FORMATS, FileSource, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgebench.sources.source import Row

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_KEYS = {
    **dict.fromkeys(("s3", "s3a"), "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile"),
    **dict.fromkeys(("gs", "gcs"), "GOOGLE_APPLICATION_CREDENTIALS"),
    **dict.fromkeys(("az", "abfs", "abfss"), "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY"),
}
_NO_RIGHT = frozenset({401, 403})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_MOST = 200
_LONG = 4
"""Shorter parts of an address give nothing away, and are in other words too."""


def is_address(spec: str) -> bool:
    """Whether a text names something by a protocol, and not a path of this machine.

    Example:
        >>> is_address("s3://bucket/rows.parquet"), is_address("rows.parquet")
        (True, False)
    """
    return _ADDRESS.match(spec) is not None


def local_path(spec: str | Path) -> Path:
    """The path that a name of rows stands for, also as `file://...`; none may be there.

    Example:
        >>> local_path("file:///data/my%20rows.jsonl").as_posix()
        '/data/my rows.jsonl'
    """
    if str(spec).lower().startswith("file://"):
        return Path(unquote(urlsplit(str(spec)).path))
    return Path(spec).expanduser()


class RemoteSource(FileSource):
    """The rows of files at an address: copied to this machine's temporary folder once, and read from there.

    Rows are gone through more than once, and a copy is read as fast as any file; it is gone when the process ends.

    Args:
        address: Of a file, a folder of files, or a pattern with `*`.

    Raises:
        DataError: They cannot be had: a package is missing, nothing is there, or there is no right to it.
    """

    def __init__(self, address: str) -> None:
        address, shown = _told(address)
        copies = mkdtemp(prefix="judgebench-")
        weakref.finalize(self, shutil.rmtree, copies, ignore_errors=True)
        with step(f"fetching {shown}"), _reached(address, shown, "read") as (files, path):
            found = {each: _name_of(each, address) for each in _data_files(files, path, address)}
            if not found:
                raise DataError(f"{shown}: no data files there: check the address")
            for name in found.values():
                if kind_of(PurePosixPath(name)) is None:
                    raise DataError(f"{shown}: unknown file format: name a file that ends in {FORMATS}")
            paths = []
            for number, (each, name) in enumerate(found.items()):
                copy = Path(copies) / f"{number:05}" / name
                copy.parent.mkdir()
                files.get_file(each, str(copy))
                paths.append(copy)
        super().__init__(shown, paths)
        self._copies = re.compile(re.escape(copies) + r"[/\\]\d{5}[/\\]")

    def rows(self) -> Iterator[Row]:
        """See `FileSource`; what is wrong with a file is said with its own name, not with its copy's."""
        try:
            yield from super().rows()
        except DataError as error:
            raise DataError(self._copies.sub("", str(error))) from error


def _told(address: str) -> tuple[str, str]:
    """An address with the protocol's name as fsspec has it, and as it can be shown.

    Raises:
        DataError: It has a key in it, which storages take from their own settings.
    """
    protocol, _, rest = address.partition("://")
    protocol = protocol.lower()
    if protocol in _KEYS and ":" in rest.partition("/")[0] and "@" in rest and not rest.startswith("arn:"):
        shown = f"{protocol}://{rest.rpartition('@')[2]}"
        raise DataError(f"{shown}: an address holds no key: give it by the storage's own settings ({_KEYS[protocol]})")
    address = f"{protocol}://{rest}"
    return address, str(without_secrets(address))


def _name_of(path: str, address: str) -> str:
    return PurePosixPath(urlsplit(path).path if _of_web(address) else path).name


def _of_web(address: str) -> bool:
    return urlsplit(address).scheme.lower() in {"http", "https"}


def put_folder(folder: Path, address: str) -> list[str]:
    """Copies the files of a folder to an address, and gives their own, without secrets.

    Raises:
        DataError: There is no right to it, something is there already, or a package is missing.
    """
    address, shown = _told(address)
    with step(f"writing {shown}"), _reached(address, shown, "written") as (files, path):
        if files.exists(path) and (not files.isdir(path) or files.ls(path)):
            raise DataError(f"{shown}: something is there already: name a new folder with --out")
        if address.partition("://")[0] not in _KEYS:  # those would make a bucket, and have no folders
            files.makedirs(path, exist_ok=True)
        for each in sorted(folder.iterdir()):
            files.put_file(str(each), f"{path.rstrip('/')}/{each.name}")
    return [f"{shown.rstrip('/')}/{each.name}" for each in sorted(folder.iterdir())]


def _data_files(files: Any, path: str, address: str) -> list[str]:
    """The files that an address means, in the order of their names; of several, hidden and other ones are left out."""
    if "*" in path:
        found = files.glob(path)
    elif not _of_web(address) and files.isdir(path):
        found = files.ls(path, detail=False)
    else:
        return [address if _of_web(address) else path]
    return sorted(each for each in found if _is_rows(PurePosixPath(each)))


def _is_rows(path: PurePosixPath) -> bool:
    return kind_of(path) not in {None, ".txt"} and not path.name.startswith(".")


@contextmanager
def _reached(address: str, shown: str, done: str) -> Iterator[tuple[Any, str]]:
    """The file system behind an address, and the path in it; every error of it becomes one line.

    Args:
        address: Whose.
        shown: The address without secrets.
        done: What could not be.
    """
    import fsspec

    protocol = address.partition("://")[0].lower()
    try:
        yield fsspec.core.url_to_fs(address)
    except DataError:
        raise
    except ImportError as error:
        package = re.search(r"[Ii]nstall (\S+)|No module named '([\w-]+)'", str(error))
        named = next(filter(None, package.groups()), "") if package else ""
        mend = f": pip install {named}" if named else f" ({hub.brief(error)})"
        raise DataError(f"{shown}: {protocol}:// needs a package that is not installed{mend}") from None
    except FileNotFoundError:
        raise DataError(f"{shown}: nothing is there: check the address") from None
    except Exception as error:  # noqa: BLE001 - each protocol's package has errors of its own
        mend = "check the address"
        if isinstance(error, PermissionError) or getattr(error, "status", None) in _NO_RIGHT:
            mend = "check its rights, and the credentials in use"
        elif getattr(error, "errno", None) in _FULL:
            mend = f"it is copied to {gettempdir()}: set TMPDIR to a folder with more space"
        raise DataError(f"{shown} cannot be {done} ({_without(error, address, shown)}): {mend}") from None


def _without(error: BaseException, address: str, shown: str) -> str:
    """What an error says, without anything in the address that is not shown."""
    secrets = sorted({each for each in literal_secrets(address) if len(each) >= _LONG}, key=len, reverse=True)
    said = in_one_line(str(error).replace(address, shown), secrets) or type(error).__name__
    said = str(without_secrets(said))
    return said if len(said) <= _MOST else said[:_MOST] + "..."
