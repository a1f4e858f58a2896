"""A figure of a page: what it shows, how it is read, its table, and its plot."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from judgebench._util.text import decimals, percent
from judgebench.items import is_coefficient
from judgebench.pages.axes import Axis, decimal_tick, linear, reach, share_tick

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from markupsafe import Markup

    from judgebench._util.table import Table
    from judgebench.items import Measure
    from judgebench.pages.plots import Dot


@dataclass(frozen=True)
class Figure:
    """One figure, which stands in the page as a plot, as a table and as data to download.

    Attributes:
        id: Its anchor, and the name of its data: letters, digits and dashes.
        words: How it is read, in a sentence or two.
        table: Its data; none where there is nothing to show.
        plot: Made by `judgebench.pages.plots`; None where the figure is a table alone.
        ranking: The table as HTML of its own, where it is more than rows of text.
        empty: Why there is nothing to show, and what would make it; then it has no rows.
    """

    id: str
    title: str
    words: str = ""
    table: Table | None = None
    plot: Markup | None = None
    ranking: Markup | None = None
    empty: str = ""

    def to_json(self) -> dict[str, Any]:
        """What the page's scripts need: the data."""
        columns, rows = ([], []) if self.table is None else self.table.records
        return {"id": self.id, "columns": [column.name for column in columns], "rows": plain(rows)}


def sentences(lines: Iterable[str]) -> str:
    """Lines as sentences of a paragraph.

    Example:
        >>> sentences(["p: exact", "no label"])
        'P: exact. No label.'
    """
    return " ".join(f"{line[:1].upper()}{line[1:]}." for line in lines)


def score_axis(dots: Sequence[Dot], measure: Measure | None, title: str = "score") -> Axis:
    """An axis that the scores and most of their intervals fit on."""
    low, high = reach([dot.value for dot in dots], [dot.ends or (dot.value, dot.value) for dot in dots])
    if is_coefficient(measure):
        return linear(low, high, decimal_tick, title, (-1.0, 1.0))
    return linear(low, high, share_tick, title, (0.0, 1.0))


def estimate_text(value: float, ends: tuple[float, float] | None, measure: Measure | None) -> str:
    """An estimate with its interval beside a dot: 78.4 (76.1-81.4)."""
    said = decimals if is_coefficient(measure) else _hundredths
    return said(value) if ends is None else f"{said(value)} ({said(ends[0])}\u2013{said(ends[1])})"


def _hundredths(share: float) -> str:
    return percent(share).removesuffix("%")


def plain(value: Any) -> Any:
    """A value for JSON: what is no number, or infinite, becomes null."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
