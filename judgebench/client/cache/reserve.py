"""Space kept back on the cache's disk, so that replies in flight when it fills up can still be written."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING

from judgebench._util.files import FULL, NO_LINK

if TYPE_CHECKING:
    from pathlib import Path

BYTES, BYTES_A_CALL = 4 * 2**20, 2**16
"""At least so much, and so much for each call in flight: SQLite's log takes 20 to 32 kB for a reply of 4 kB."""


def is_full(error: Exception) -> bool:
    """Whether an error says that a disk, or a quota, is full."""
    if isinstance(error, OSError):
        return error.errno in FULL
    return isinstance(error, sqlite3.OperationalError) and "full" in str(error)


class Reserve:
    """A file that takes up space until it is needed.

    Args:
        path: Where it lies.

    Attributes:
        calls: How many calls may be in flight when the disk fills up.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.calls = 0

    @property
    def size(self) -> int:
        """Bytes that the calls in flight may need."""
        return max(BYTES, self.calls * BYTES_A_CALL)

    def take(self) -> None:
        """Takes the space up, where there is that much; a disk that is nearly full has no reserve."""
        with suppress(OSError):
            if self.path.exists() and self.path.stat().st_size >= self.size:
                return
            handle = os.open(self.path, os.O_CREAT | os.O_WRONLY | NO_LINK, 0o600)
            try:
                self._fill(handle)
            except OSError:
                self.path.unlink()
            finally:
                os.close(handle)

    def _fill(self, handle: int) -> None:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(handle, 0, self.size)
            return
        block = bytes(2**16)
        for _ in range(self.size // len(block)):
            os.write(handle, block)

    def release(self) -> bool:
        """Gives the space free; false where there was none."""
        try:
            self.path.unlink()
        except OSError:
            return False
        return True
