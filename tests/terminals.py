"""A command in a pseudo-terminal of a given size, and what its screen shows."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import struct
import subprocess
import termios
import time
from typing import TYPE_CHECKING

import pyte
from processes import Running

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

_LONGEST_S = 120.0
_LINES_KEPT = 500


class Terminal:
    """A process in a pseudo-terminal, whose output a terminal emulator draws.

    Args:
        program: What runs.
        arguments: Its arguments.
        columns: Of the screen.
        rows: Of the screen.
        environment: Variables beside those of the test.
    """

    def __init__(
        self, program: str, *arguments: object, columns: int = 80, rows: int = 24, **environment: str | None
    ) -> None:
        settings = {**os.environ, "TERM": "xterm-256color", **environment}
        for name in ("COLUMNS", "LINES", *(name for name, value in environment.items() if value is None)):
            settings.pop(name, None)
        self.raw = b""
        self.screen = pyte.HistoryScreen(columns, rows, history=_LINES_KEPT, ratio=1.0)
        self._stream = pyte.ByteStream(self.screen)
        self._ours, theirs = os.openpty()
        self.resize(columns, rows)
        self.process = _start(theirs, settings, program, *map(str, arguments))
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self._close()

    @property
    def lines(self) -> list[str]:
        """All lines that the terminal has shown, those that have scrolled out at the top included."""
        above = ["".join(line[at].data for at in range(self.screen.columns)) for line in self.screen.history.top]
        return [line.rstrip() for line in (*above, *self.screen.display)]

    @property
    def text(self) -> str:
        """The same as one text."""
        return "\n".join(self.lines).rstrip()

    def read(self, seconds: float = 0.05) -> None:
        """Takes in what has been written, and waits so long for more."""
        if not select.select([self._ours], [], [], seconds)[0]:
            return
        try:
            part = os.read(self._ours, 65536)
        except OSError as ended:  # Linux ends a pseudo-terminal that nobody writes to any more with an error.
            raise EOFError from ended
        self.raw += part
        self._stream.feed(part)

    def wait(self, reached: Callable[[], object], what: str) -> None:
        """Reads until something is so; an AssertionError with the screen where it never is."""
        end = time.monotonic() + _LONGEST_S
        while not reached():
            assert time.monotonic() < end, f"never {what}:\n{self.text}"
            try:
                self.read()
            except EOFError:
                assert reached(), f"ended, and never {what}:\n{self.text}"

    def shows(self, words: str) -> None:
        """Reads until the words stand on the screen."""
        self.wait(lambda: words in self.text, f"shown: {words}")

    def end(self) -> int:
        """Reads to the end; the exit status, negative where a signal ended it."""
        with contextlib.suppress(EOFError):
            while True:
                self.read(1.0)
        return self.process.wait()

    def resize(self, columns: int, rows: int) -> None:
        """Makes the terminal larger or smaller; the process is told."""
        self.screen.resize(rows, columns)
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def close_window(self) -> None:
        """Closes the terminal under the process, and waits for that to end."""
        self._close()
        self.process.wait()

    def _close(self) -> None:
        if self._ours >= 0:
            os.close(self._ours)
            self._ours = -1

    def press(self, keys: str) -> None:
        """Types."""
        os.write(self._ours, keys.encode())


def judgebench_in(*arguments: object, columns: int = 80, rows: int = 24, **environment: str | None) -> Terminal:
    """A command of ours in a terminal."""
    return Terminal("judgebench", *arguments, columns=columns, rows=rows, **environment)


def _start(
    terminal: int, environment: dict[str, str], program: str, *arguments: str
) -> Running | subprocess.Popen[bytes]:
    """Starts a program as the leader of the terminal's session."""
    if program == "judgebench":
        return Running(*arguments, env=environment, streams=(terminal, terminal, terminal), leads=True)
    # The first terminal that the leader of a session opens is the session's.
    script = 'exec <>"$0" >&0 2>&0 "$@"'
    command = ["sh", "-c", script, os.ttyname(terminal), program, *arguments]
    # It holds the terminal from the first on: a reader of one that nobody has open gets an error.
    streams = {"stdin": terminal, "stdout": terminal, "stderr": terminal}
    return subprocess.Popen(command, env=environment, start_new_session=True, **streams)
