"""What one process of a user's has for itself on this machine: a run's folder, or a call that is being made."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from judgebench._util.files import NO_LINK


def take(what: str) -> bool:
    """Whether this process now has it and no other process has; true as well where the system has no such locks.

    Each thing is one byte of one file of the user's, and the system gives the lock on it back when the process ends,
    however it ends. The file is opened once: closing it would give back every lock of the process.
    """
    handle = _file()
    if handle is None:
        return True
    import fcntl

    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(what))
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # a file system without locks, or too many of them
        return True
    return True


def give_back(what: str) -> None:
    """Lets other processes have it."""
    handle = _file()
    if handle is not None:
        import fcntl

        with suppress(OSError):
            fcntl.lockf(handle, fcntl.LOCK_UN, 1, _place(what))


@lru_cache(maxsize=1024)
def _place(what: str) -> int:
    """The byte that stands for it: 62 bits, so that two things have the same one once in 2 ** 31 of them."""
    return int.from_bytes(hashlib.sha256(what.encode("utf-8", "surrogatepass")).digest()[:8]) >> 2


@lru_cache(maxsize=1)
def _file() -> int | None:
    if os.name == "nt":
        return None
    path = Path(tempfile.gettempdir()) / f"judgebench-{os.getuid()}.lock"
    try:
        return os.open(path, os.O_CREAT | os.O_RDWR | NO_LINK, 0o600)
    except OSError:
        return None
