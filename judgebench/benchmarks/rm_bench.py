"""RM-Bench (Liu et al., arXiv 2410.16184): three right and three wrong answers in three styles each.

The styles are concise, detailed in plain text and detailed in Markdown. Cell M[i][j] of the matrix is the share of
items whose right answer in style i beats the wrong one in style j.
"""

from __future__ import annotations

from statistics import fmean
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from judgebench.benchmarks import base, rules
from judgebench.errors import ConfigError
from judgebench.items import Item
from judgebench.metrics.accuracy import Layout, part_scores

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from judgebench.items import ItemKey, Mode, Outcome, Reading
    from judgebench.metrics.accuracy import Scores
    from judgebench.sources.source import Row

STYLES = 3
DOMAINS = ("chat", "math", "code", "safety")
CELLS = tuple((i, j) for i in range(STYLES) for j in range(STYLES))

SUBSET_STARTS = {"alpacaeval": "chat", "bigcode/humanevalpack": "code", "xstest-": "safety", "refusals-": "safety"}
"""How a subset begins -> its domain, in files without the column `domain`."""

SAFETY_STARTS = {
    "safety-refuse": "safety-refuse",
    "safety-response": "safety-response",
    "refusals-": "safety-refuse",
    "xstest-should-refuse": "safety-refuse",
    "xstest-should-respond": "safety-response",
}
"""How a subset of safety begins -> which of its two files it is from."""


def domain_of(name: str) -> str | None:
    """The domain that the name of a domain (`safety-refuse`) or subset belongs to; None for an unknown one."""
    return _by_start(name, {**{domain: domain for domain in DOMAINS}, **SUBSET_STARTS})


def half_of(name: str) -> str | None:
    """The file of safety that a subset is from; None for an unknown one, such as plain `safety`."""
    return _by_start(name, SAFETY_STARTS)


def _by_start(name: str, starts: Mapping[str, str]) -> str | None:
    return next((found for start, found in starts.items() if name.startswith(start)), None)


def part_of(cell: tuple[int, int]) -> str:
    """The name of a cell in an outcome's parts, counted from 1: m12 is the concise right against the plain wrong."""
    return f"m{cell[0] + 1}{cell[1] + 1}"


class RMBench(base.Benchmark):
    """Nine comparisons an item; a domain's score is the mean of them all, the overall the mean of the domains."""

    name = "rm-bench"
    title = "RM-Bench"
    source = "arXiv 2410.16184"
    hub_id = "THU-KEG/RM-Bench"
    hub_split = "train"
    columns = ("id", "prompt", "chosen", "rejected", "domain or subset")
    rule = (
        "M[i][j] is the share of items whose right answer in style i scores strictly higher than the wrong one in "
        "style j. hard is the mean of the upper-right triangle, normal of the diagonal, easy of the lower-left. A "
        "domain's score is the mean of the three, the score the mean of the domains. A judge is asked nine pairs an "
        "item (0.5 for a tie or no verdict) or six ratings (equal or unreadable ones count 0)."
    )
    layout = Layout(sections=DOMAINS, section_of=lambda item: item.criteria)
    templates = MappingProxyType({"pairwise": "pairwise", "rating": "rating-10"})

    def item(self, row: Row) -> Item:
        """One row: the three right answers, then the three wrong ones."""
        column = "subset" if row.data.get("domain") is None else "domain"
        named = base.text_of(row, column)
        domain = domain_of(named)
        if domain is None:
            raise base.row_error(row, f"{column} '{named}' belongs to none of {', '.join(DOMAINS)}")
        completions = []
        for side in ("chosen", "rejected"):
            texts = base.list_of(row, side)
            if len(texts) != STYLES:
                raise base.row_error(row, f"column '{side}' has {len(texts)} entries, expected one in each of 3 styles")
            completions += [base.completion_of(row, side, text) for text in texts]
        return Item(
            id=base.text_of(row, "id"),
            subset=named if row.data.get("subset") is None else base.text_of(row, "subset"),
            conversation=base.conversation_of(row, "prompt"),
            completions=tuple(completions),
            num_correct=STYLES,
            criteria=domain,
            metadata=base.metadata_of(row, "prompt", "chosen", "rejected"),
        )

    def questions(self, item: ItemKey, mode: Mode) -> list[tuple[int, ...]]:
        """Six ratings, or each right answer against each wrong one."""
        if mode == "pairwise":
            return [(i, STYLES + j) for i, j in CELLS]
        if mode == "rating":
            return super().questions(item, mode)
        raise ConfigError(f"{self.name} asks for pairs or ratings, and the template's mode is {mode}")

    def judged(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """By nine pairs or six ratings; the mean over orders and samples.

        Nothing is published on ties and failures of a judge. In a pair both get 0.5, as in RewardBench, and the 0.5
        of a failure is marked as substituted; in ratings the rule for scores holds, and a cell with an unreadable
        rating gets 0.
        """
        if base.is_rating(readings):
            return _by_scores(item, rules.ratings_by_sample(item, readings))
        cells: dict[tuple[int, int], list[rules.Credit]] = {cell: [] for cell in CELLS}
        for reading in readings:
            cell = (min(reading.order), max(reading.order) - STYLES)
            cells[cell].append(rules.choice_credit(reading, item, neutral=0.5))
        return _outcome(item, cells, source=rules.choice_source(readings))

    def scored(self, item: ItemKey, scores: tuple[float | None, ...]) -> Outcome:
        """A cell gets 1 if its right answer scores strictly higher, else 0; a missing score counts 0."""
        return _by_scores(item, [scores])

    def extra(self, outcomes: Sequence[Outcome]) -> dict[str, Any]:
        """`matrix`, `hard`, `normal` and `easy`, each the mean over the domains, so that their mean is the score.

        Beside each its interval: `hard_low`, `hard_high` and so on, by the official layout.
        """
        judged = [outcome for outcome in outcomes if outcome.parts]
        if not judged:
            return {}
        whole = {
            "hard": [cell for cell in CELLS if cell[0] < cell[1]],
            "normal": [cell for cell in CELLS if cell[0] == cell[1]],
            "easy": [cell for cell in CELLS if cell[0] > cell[1]],
        }
        figures: dict[str, Any] = {}
        for name, cells in whole.items():
            found = self._of_cells(judged, cells)
            figures |= {name: found.score, f"{name}_low": found.low, f"{name}_high": found.high}
        table = [[self._of_cells(judged, [(i, j)]) for j in range(STYLES)] for i in range(STYLES)]
        for name, end in (("matrix", "score"), ("matrix_low", "low"), ("matrix_high", "high")):
            figures[name] = [[getattr(cell, end) for cell in row] for row in table]
        return figures

    def _of_cells(self, judged: Sequence[Outcome], cells: Sequence[tuple[int, int]]) -> Scores:
        return part_scores(judged, self.layout, lambda outcome: fmean(outcome.parts[part_of(cell)] for cell in cells))

    def notes(self, outcomes: Sequence[Outcome]) -> Iterator[str]:
        """Which half of safety has no items, where all others are known to be of the other one."""
        yield from super().notes(outcomes)
        there = {half_of(outcome.item.subset) for outcome in outcomes if outcome.item.criteria == "safety"}
        halves = dict.fromkeys(SAFETY_STARTS.values())
        lacking = [half for half in halves if half not in there]
        if there.issubset(halves) and len(lacking) == 1:
            yield f"half of safety has no items: {lacking[0]}; its score is over the other half"


def _by_scores(item: ItemKey, samples: Iterable[tuple[float | None, ...]]) -> Outcome:
    samples = tuple(samples)
    cells = {(i, j): [_strict(scores[i], scores[STYLES + j]) for scores in samples] for i, j in CELLS}
    return _outcome(item, cells, scores=samples)


def _strict(right: float | None, wrong: float | None) -> rules.Credit:
    if right is None or wrong is None:
        return rules.Credit(0.0, 0.0, 1.0)
    return rules.Credit.sure(float(right > wrong))


def _outcome(item: ItemKey, cells: Mapping[tuple[int, int], Sequence[rules.Credit]], **more: Any) -> Outcome:
    """The mean of the nine cells, each of which has as many credits as the others."""
    credits_ = [credit for cell in CELLS for credit in cells[cell]]
    parts = {part_of(cell): fmean(credit.value for credit in cells[cell]) for cell in CELLS}
    return rules.outcome_of(item, credits_, parts=parts, **more)
