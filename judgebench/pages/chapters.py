"""What a page says of the runs of one benchmark: which is best, and the figures that show it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench.analysis.board import Board, Place
    from judgebench.analysis.comparison import Comparison
    from judgebench.analysis.edits import Edit
    from judgebench.analysis.report import Detail
    from judgebench.items import Measure
    from judgebench.pages.figures import Figure


@dataclass(frozen=True)
class Line:
    """One run in a chapter.

    Attributes:
        number: From 0 on, in the order in which the chapter names its runs; it tells the run's colour.
        title: What the chapter calls it: as short as tells its runs apart.
        place: Its place on the board.
    """

    number: int
    title: str
    detail: Detail
    place: Place

    @property
    def is_scores(self) -> bool:
        """Whether it is a reward model's."""
        return self.detail.finished.is_scores


@dataclass(frozen=True)
class Subject:
    """The runs of one benchmark, and what was found by comparing them.

    Attributes:
        lines: The runs, the best first.
        comparison: Of the runs that are over the same items; None where there are not two.
        compared: Which lines these are, in the comparison's order.
    """

    board: Board
    lines: tuple[Line, ...]
    comparison: Comparison | None
    compared: tuple[int, ...]

    @property
    def slug(self) -> str:
        """The benchmark's name as a part of an anchor."""
        return re.sub(r"[^A-Za-z0-9]+", "-", self.board.benchmark).strip("-").lower() or "benchmark"

    @property
    def measure(self) -> Measure | None:
        """What the scores are."""
        return next((line.place.measure for line in self.lines if line.place.measure is not None), None)


@dataclass(frozen=True)
class Card:
    """One answer of a summary: in a word, in a sentence, and in further ones where there are any.

    Attributes:
        first: Whether it stands above the others, in a line of its own.
    """

    question: str
    answer: str
    words: str
    more: Sequence[str] = ()
    first: bool = False


@dataclass(frozen=True)
class Chapter:
    """A benchmark's part of a page.

    Attributes:
        lead: A sentence for anyone.
        cards: Best, by how much, how sure, at what cost.
        keys: Number and title of each run, for the colours.
        figures: Those that show something.
        edits: Templates that were edited between the runs.
        bare: Title of each figure that would have nothing to show, and why.
    """

    slug: str
    title: str
    lead: str
    cards: Sequence[Card]
    keys: Sequence[tuple[int, str]]
    figures: Sequence[Figure]
    bare: Sequence[tuple[str, str]]
    notes: Sequence[str]
    edits: Sequence[Edit] = ()
