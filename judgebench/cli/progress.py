"""Progress on standard error: a view that moves in a terminal, else one plain line every 10 seconds."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from judgebench._util.steps import watched
from judgebench.cli.tallies import GridTally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderResult
    from rich.live import Live

    from judgebench._util.steps import Step

PLAIN_EVERY_S = 10.0
_SHOWN_AFTER_S, _DRAWN_EVERY_S = 0.4, 0.125
_BARS_OF_OTHERS = ("HF_DATASETS_DISABLE_PROGRESS_BARS", "HF_HUB_DISABLE_PROGRESS_BARS")


@contextmanager
def shown(console: Console | None = None, *, offline: bool = False) -> Iterator[GridTally | None]:
    """Shows the steps and the grid that the block works on; nothing at all where it is quiet.

    Args:
        console: Of standard error; None for a new one, quiet where the command is.
        offline: Whether the grid makes no call.

    Yields:
        What is to watch the grid; None where it is quiet.
    """
    from judgebench.cli.console import is_quiet

    if is_quiet():
        for name in _BARS_OF_OTHERS:
            os.environ.setdefault(name, "1")
        yield None
        return
    grid = GridTally(offline=offline)
    with watched() as steps:
        showing = _View(grid, steps, console) if _moves() else _Log(grid, steps)
        showing.start()
        try:
            yield grid
        finally:
            showing.end()


def _moves() -> bool:
    """Whether standard error is a terminal whose lines can be written anew."""
    try:
        return sys.stderr.isatty() and os.environ.get("TERM", "").lower() not in {"", "dumb", "unknown"}
    except ValueError:  # closed
        return False


class _Ticker:
    """Says something again and again in a thread of its own; a terminal that has gone away ends that, and no more."""

    def __init__(self, say: Callable[[], None], first: float, every: float) -> None:
        self._say, self._first, self._every = say, first, every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="progress", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    def _work(self) -> None:
        wait = self._first
        with suppress(OSError, ValueError):
            while not self._ended.wait(wait):
                self._say()
                wait = self._every


class _Log:
    """A line every 10 seconds, whether anything has come or not; while batches are waited for, where it changes."""

    def __init__(self, grid: GridTally, steps: list[Step]) -> None:
        self._grid, self._steps = grid, steps
        self._last: str | None = None
        self._ticker = _Ticker(self._say, PLAIN_EVERY_S, PLAIN_EVERY_S)
        self.start, self.end = self._ticker.start, self._ticker.end

    def _say(self) -> None:
        from judgebench.cli.view import log_line

        line = log_line(self._grid, list(self._steps), time.monotonic())
        same = line == self._last and self._grid.going_on and bool(self._steps)
        self._last = line
        if line is not None and not same:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()


class _View:
    """A few lines that are written anew eight times a second, and gone at the end.

    What is over in less than 0.4 s shows nothing, and imports nothing.
    """

    def __init__(self, grid: GridTally, steps: list[Step], console: Console | None) -> None:
        self._grid, self._steps, self._console = grid, steps, console
        self._live: Live | None = None
        self._last: list[int] = []  # columns of each line that stands there
        self._ticker = _Ticker(self._draw, _SHOWN_AFTER_S, _DRAWN_EVERY_S)

    def start(self) -> None:
        self._ticker.start()

    def end(self) -> None:
        self._ticker.end()
        if self._live is not None:
            with suppress(OSError, ValueError):
                self._live.stop()
            self._live.console.pop_render_hook()

    def _draw(self) -> None:
        if self._live is None:
            from rich.live import Live

            from judgebench.cli.console import messages

            console = self._console or messages()
            console.push_render_hook(self)  # type: ignore[arg-type] # a subclass would import rich at once
            self._live = Live(self, console=console, auto_refresh=False, transient=True, redirect_stdout=False)
            self._live.start()
        self._live.refresh()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.cells import cell_len
        from rich.text import Text

        from judgebench.cli.view import frame

        now = time.monotonic()
        plain = options.ascii_only
        lines = frame(
            self._grid, list(self._steps), width=options.max_width, height=console.height, now=now, plain=plain
        )
        self._last = [cell_len(line) for line in lines]
        yield Text("\n".join(lines), no_wrap=True, overflow="crop")

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """Clears the further rows that a terminal made of our lines when it became narrower."""
        from rich.control import Control
        from rich.segment import ControlType

        assert self._live is not None or not self._last
        width = self._live.console.width if self._live is not None else 0
        more = sum(-(-columns // width) - 1 for columns in self._last if columns > width) if width else 0
        if not more:
            return renderables
        self._last = []
        return [Control(*((ControlType.CURSOR_UP, 1), (ControlType.ERASE_IN_LINE, 2)) * more), *renderables]
