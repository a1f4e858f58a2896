"""How a comparison says which runs are equivalent within a margin, and which can still be the best."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

from judgebench.items import is_coefficient
from judgebench.metrics.intervals import CONFIDENCE, POWER
from judgebench.metrics.paired import ALPHA

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgebench.analysis.comparison import Comparison
    from judgebench.items import Measure

_NAMED = 8


def margin_text(margin: float, measure: Measure | None) -> str:
    """A margin in words: `2 points`, or `0.02` of a correlation.

    Example:
        >>> margin_text(1, "share"), margin_text(2.5, "share"), margin_text(2, "pearson")
        ('1 point', '2.5 points', '0.02')
    """
    if is_coefficient(measure):
        return f"{margin / 100:g}"
    return "1 point" if margin == 1 else f"{margin:g} points"


def within_head(found: Comparison) -> str:
    """The head of the column that says what is shown at the margin."""
    return f"within {margin_text(found.margin or 0.0, found.measure)}"


def decisions(found: Comparison, names: Sequence[str] = ()) -> dict[tuple[int, int], str]:
    """What is shown of each pair of runs at the margin, in a word, with the run that it is shown of.

    Args:
        found: The comparison.
        names: What the runs are called; empty for their numbers from 1.
    """
    said = {}
    for pair in found.equivalences:
        runs = [names[at] if names else str(at + 1) for at in pair.not_worse]
        said[pair.first, pair.second] = " ".join([*(runs if len(runs) == 1 else []), pair.decision])
    return said


def margin_lines(found: Comparison) -> Iterator[str]:
    """What is shown at the margin in a sentence, and how it was tested."""
    if not found.equivalences or found.whole is None or found.margin is None:
        return
    within, count = margin_text(found.margin, found.measure), len(found.whole.pairs)
    if len(found.runs) > 2:
        equal = sum(pair.decision == "equivalent" for pair in found.equivalences)
        yield f"{equal} of {count} pairs are equivalent within {within}"
    else:
        yield f"{_decided(found, within)}{_enough(found)}"
    corrected = f", Holm-corrected for {count} pairs" if count > 1 else ""
    yield (
        f"within {within}: two one-sided tests at 5%{corrected}; non-inferior: shown to be less than {within} worse "
        "than the other; equivalent: both are; open: neither is shown"
    )


def _decided(found: Comparison, within: str) -> str:
    """Two runs at the margin, as a sentence."""
    (pair,) = found.equivalences
    if pair.decision == "equivalent":
        return f"the runs are equivalent within {within}"
    if pair.decision == "open":
        return f"open: neither run is shown to be less than {within} worse than the other"
    better, other = pair.not_worse[0] + 1, 2 - pair.not_worse[0]
    return f"run {better} is non-inferior: shown to be less than {within} worse than run {other}; the reverse is open"


def _enough(found: Comparison) -> str:
    """How many more items would show two runs to be equivalent, if the difference stays; empty where none would."""
    (pair,), (each,) = found.equivalences, found.whole.pairs  # type: ignore[union-attr]
    room = (found.margin or 0.0) / 100 - abs(each.difference)
    if pair.decision == "equivalent" or room <= 0:
        return ""
    normal = NormalDist()
    error = (each.high - each.low) / 2 / normal.inv_cdf(0.5 + CONFIDENCE / 2)
    needed = each.n * ((normal.inv_cdf(1 - ALPHA) + normal.inv_cdf((1 + POWER) / 2)) * error / room) ** 2
    more = max(math.ceil(needed) - each.n, 1)
    return f"; about {_rounded(more):,} more items would show that they are equivalent, if the difference stays"


def _rounded(count: int) -> int:
    """An estimate of a number, to two digits, upward."""
    step: int = 10 ** max(len(str(count)) - 2, 0)
    return -(-count // step) * step


def best_line(kept: Sequence[str], of: int) -> str:
    """Which runs can still be the best, by multiple comparisons with the best.

    Args:
        kept: What those that can be are called, the best first.
        of: How many runs there are.

    Example:
        >>> best_line(["1", "3"], 4)
        '1, 3 can still be the best of 4 runs (95%, multiple comparisons with the best)'
    """
    how = "(95%, multiple comparisons with the best)"
    if len(kept) == of:
        return f"each of the {of} runs can still be the best {how}"
    more = f" and {len(kept) - _NAMED} more" if len(kept) > _NAMED else ""
    what = "can still be the best" if len(kept) > 1 else "is the best"
    return f"{', '.join(kept[:_NAMED])}{more} {what} of {of} runs {how}"
