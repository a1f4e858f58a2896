"""What came of two runs compared until the difference is shown, in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.text import Text

from judgebench._util.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from judgebench.metrics.sequential import Sequential
    from judgebench.metrics.summary import Metrics


def print_sequential(console: Console, first: Metrics, second: Metrics) -> None:
    """The verdict, the difference with its interval, and what was saved; nothing where no look was taken.

    Args:
        console: Where to.
        first: The figures of the run whose score less the other's is the difference.
        second: Those of the other.
    """
    found, other = first.sequential, second.sequential
    if found is None or other is None:
        return
    names = one_line(other.against), one_line(found.against)
    console.print(Text(_verdict(found, *names), style="bold"), soft_wrap=True)
    for line in _lines(found, names, found.saved + other.saved):
        console.print(Padding(Text(line), (0, 0, 0, 2)))
    console.print()


def _verdict(found: Sequential, first: str, second: str) -> str:
    after = f"after {found.items} of {found.of} items"
    if found.decision == "shown":
        better, worse = (first, second) if found.difference > 0 else (second, first)
        return f"{better} is significantly better than {worse} {after}"
    if found.decision == "too_small":
        return f"{first} and {second} are equivalent within {_points(found.size)} {after}"
    return f"{first} and {second}: inconclusive {after}, neither different nor equivalent within {_points(found.size)}"


def _lines(found: Sequential, names: tuple[str, str], saved: int) -> Iterator[str]:
    difference, low, high = (f"{100 * share:+.1f}" for share in (found.difference, found.low, found.high))
    yield f"{names[0]} minus {names[1]}: {difference} points ({low} to {high})"
    kind = "anytime-valid" if found.items < found.of else "of the last look, at all items"
    yield f"{100 * (1 - found.alpha):g}% CI, {kind}: corrected for interim looks and early stopping"
    if found.missing:
        have = "1 item has" if found.missing == 1 else f"{found.missing} items have"
        yield f"{have} no credit from one run; the interval allows for any value"
    if saved:
        yield f"{saved} calls saved"


def _points(share: float) -> str:
    return "1 point" if share == 0.01 else f"{100 * share:g} points"
