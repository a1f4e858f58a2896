"""Works that wait for their replies, on disk: of each only its number is in memory."""

from __future__ import annotations

import pickle
import tempfile
from array import array
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from judgebench._util.files import writing

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from judgebench.engine.base import Work


class WorkStore:
    """Works by the numbers that they got; the file has no name, and is gone with the store or the process."""

    def __init__(self) -> None:
        self._file: BinaryIO | None = None
        self._starts = array("q")
        self._end = 0

    def add(self, work: Work) -> int:
        """Keeps a work; its number.

        Raises:
            StorageError: The temporary folder has no room for it.
        """
        with _writing():
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
            self._file.seek(self._end)
            size = self._file.write(pickle.dumps(work, pickle.HIGHEST_PROTOCOL))
        self._starts.append(self._end)
        self._end += size
        return len(self._starts) - 1

    def __getitem__(self, number: int) -> Work:
        """The work of this number."""
        assert self._file is not None
        with _writing():  # what is not on the disk yet
            self._file.seek(self._starts[number])
        work: Work = pickle.load(self._file)  # noqa: S301 - this process has written it, and no other can
        return work

    def close(self) -> None:
        """Forgets them."""
        if self._file is not None:
            with suppress(OSError):  # of a full disk
                self._file.close()


def _writing() -> AbstractContextManager[None]:
    return writing(Path(tempfile.gettempdir()), "set TMPDIR to a folder with more space")
