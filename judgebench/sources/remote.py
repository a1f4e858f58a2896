"""Rows and exports at an address that fsspec knows: object storage (s3://, gs://, az://), https://, memory://, ..."""

from __future__ import annotations

import re
import shutil
import weakref
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from judgebench._util.redaction import without_secrets
from judgebench._util.steps import step
from judgebench.errors import DataError
from judgebench.sources import hub
from judgebench.sources.files import FileSource, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


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
        shown = str(without_secrets(address))
        copies = mkdtemp(prefix="judgebench-")
        weakref.finalize(self, shutil.rmtree, copies, ignore_errors=True)
        with step(f"fetching {shown}"), _reached(address, shown, "read") as (files, path):
            found = _data_files(files, path, address)
            if not found:
                raise DataError(f"{shown}: no data files there: check the address")
            paths = []
            for number, each in enumerate(found):
                name = PurePosixPath(urlsplit(each).path if _of_web(address) else each).name
                copy = Path(copies) / f"{number:05}" / name
                copy.parent.mkdir()
                files.get_file(each, str(copy))
                paths.append(copy)
        super().__init__(shown, paths)


def _of_web(address: str) -> bool:
    return urlsplit(address).scheme.lower() in {"http", "https"}


def put_folder(folder: Path, address: str) -> None:
    """Copies the files of a folder to an address.

    Raises:
        DataError: There is no right to it, something is there already, or a package is missing.
    """
    shown = str(without_secrets(address))
    with step(f"writing {shown}"), _reached(address, shown, "written") as (files, path):
        if files.exists(path) and (not files.isdir(path) or files.ls(path)):
            raise DataError(f"{shown}: something is there already: name a new folder with --out")
        files.makedirs(path, exist_ok=True)
        for each in sorted(folder.iterdir()):
            files.put_file(str(each), f"{path.rstrip('/')}/{each.name}")


def _data_files(files: Any, path: str, address: str) -> list[str]:
    """The files that an address means, in the order of their names."""
    if "*" in path:
        return sorted(files.glob(path))
    if _of_web(address):
        return [address]
    if files.isdir(path):
        return sorted(
            each for each in files.ls(path, detail=False) if kind_of(PurePosixPath(each)) not in {None, ".txt"}
        )
    return [path]


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
    except PermissionError as error:
        said = _without(error, address, shown)
        raise DataError(f"{shown} cannot be {done} ({said}): check its rights, and the credentials in use") from None
    except Exception as error:  # noqa: BLE001 - each protocol's package has errors of its own
        raise DataError(f"{shown} cannot be {done} ({_without(error, address, shown)}): check the address") from None


def _without(error: BaseException, address: str, shown: str) -> str:
    return str(without_secrets(hub.brief(error).replace(address, shown)))
