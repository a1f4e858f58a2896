"""What a leaderboard is: a board a benchmark, a place a run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from judgebench._util.html import html_table, paragraphs
from judgebench._util.text import dollars, score_head, score_range, score_text

if TYPE_CHECKING:
    from judgebench.items import Measure

FIGURES = ("mrr", "hard", "normal", "easy", "pearson", "spearman", "kendall")
"""Further figures of some benchmarks that stand in the table."""


@dataclass(frozen=True, slots=True)
class Place:
    """One line of a leaderboard: a run, or a published figure.

    Attributes:
        rank: By score, 1 for the best; equal scores share one. None without a score, for a run over other items than
            those of the ranked ones, and for published figures.
        template: The template, or None for scores.
        figures: The benchmark's own further figures (RewardMATH's `mrr`, say).
        items: How many items the score is over; None for a published figure.
        cost_usd: Of all replies; None where it is not known, and for scores.
        group: Letters; two runs over the same items share one exactly where they cannot be told apart.
        pareto: Whether no other ranked run is as cheap and as good, and cheaper or better.
        published: Whether the figures are published ones, which were not measured again.
        note: What a reader of a published figure must know.
        measure: What score and sections are: a `share` or `pearson`; None without a score.
        baselines: The score that is reached without judging, by `longest` and the like.
        baselines_left_out: Subsets in which those make no sense (Ties).
    """

    rank: int | None
    judge: str
    template: str | None
    protocol: str
    score: float | None
    low: float | None
    high: float | None
    sections: dict[str, float]
    figures: dict[str, float] = field(default_factory=dict)
    items: int | None = None
    coverage: float | None = None
    cost_usd: float | None = None
    group: str = ""
    pareto: bool = False
    state: str = "done"
    path: str = ""
    published: bool = False
    source: str = ""
    date: str = ""
    note: str = ""
    measure: Measure | None = "share"
    other_items: bool = False
    baselines: dict[str, float] = field(default_factory=dict)
    baselines_left_out: tuple[str, ...] = ()

    @property
    def wording(self) -> str:
        """The template; for scores and published figures what stands in its place."""
        return self.template or self.protocol


def _section_text(place: Place, name: str) -> str:
    return score_text(place.sections[name], place.measure) if name in place.sections else ""


@dataclass(frozen=True, slots=True)
class Board:
    """The leaderboard of one benchmark.

    Attributes:
        sections: Names, in the published order.
        figures: Names of the benchmark's own further figures.
        items: How many items the ranked runs share; None where no run is ranked.
        notes: What a reader must know, a sentence each.
    """

    benchmark: str
    title: str
    sections: tuple[str, ...]
    figures: tuple[str, ...]
    places: tuple[Place, ...]
    items: int | None
    notes: tuple[str, ...] = ()

    @property
    def without_judging(self) -> list[str]:
        """What the scores are to be held against: one sentence, or one for the runs of each protocol."""
        beside: dict[str, list[str]] = {}
        for place in self.places:
            if place.baselines:
                said = ", ".join(f"{name} {score_text(each, place.measure)}" for name, each in place.baselines.items())
                if place.baselines_left_out:
                    said += f" (over all but {', '.join(place.baselines_left_out)})"
                named = f"{place.judge} {place.wording}" if place.rank is None else str(place.rank)
                beside.setdefault(said, []).append(named)
        if len(beside) == 1:
            return [f"without judging: {said}" for said in beside]
        return [f"without judging, beside {', '.join(named)}: {said}" for said, named in beside.items()]

    def _repr_html_(self) -> str:
        head = ["", "judge", "template", score_head(place.measure for place in self.places), "95% interval"]
        rows = [
            [
                "" if place.rank is None else str(place.rank),
                place.judge,
                place.wording,
                "" if place.score is None else score_text(place.score, place.measure),
                "" if place.low is None or place.high is None else score_range(place.low, place.high, place.measure),
                *(_section_text(place, name) for name in self.sections),
                "" if place.cost_usd is None else dollars(place.cost_usd),
                place.group,
            ]
            for place in self.places
        ]
        table = html_table([*head, *self.sections, "cost", "group"], rows, left=3, title=self.title)
        return table + paragraphs([*self.without_judging, *self.notes])


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """The leaderboards of all benchmarks that have a run.

    Attributes:
        unreadable: For each run that could not be read, why.
    """

    boards: tuple[Board, ...]
    unreadable: tuple[str, ...] = field(default=())

    def to_json(self) -> list[dict[str, Any]]:
        """A list with an object a benchmark."""
        return [asdict(board) for board in self.boards]

    def _repr_html_(self) -> str:
        return "".join(board._repr_html_() for board in self.boards) + paragraphs(self.unreadable)
