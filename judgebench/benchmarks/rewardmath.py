"""RewardMATH (Kim et al., arXiv 2410.01729): one correct solution of a problem against nine incorrect ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from statistics import fmean
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from judgebench.benchmarks import base, rules
from judgebench.errors import ConfigError
from judgebench.items import Completion, Item, Turn
from judgebench.metrics.accuracy import Layout, part_scores
from judgebench.sources.cells import as_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from judgebench.items import ItemKey, Mode, Outcome, Reading
    from judgebench.sources.source import Row

RANK = "reciprocal_rank"
BOUNDS = ("_low", "_high")

LOWEST_RATING = 1.0
"""What the authors' script takes for a rating that it cannot read."""


@dataclass(frozen=True, slots=True)
class Rank:
    """The correct solution's rank: 1 + how many incorrect ones stand as high or higher.

    Attributes:
        worst: With every failure counted wrong.
        best: With every failure counted right.
    """

    value: int
    worst: int
    best: int

    @property
    def accuracy(self) -> rules.Credit:
        """1 for the first rank, else 0."""
        value, low, high = (float(rank == 1) for rank in (self.value, self.worst, self.best))
        return rules.Credit(value, low, high, substituted=value - low)


class RewardMATH(base.Benchmark):
    """One correct solution against several incorrect ones: the share at the top, and the mean reciprocal rank."""

    name = "rewardmath"
    title = "RewardMATH"
    source = "arXiv 2410.01729"
    hub_id = "RewardMATH/RewardMATH"
    hub_split = None
    columns = ("problem", "eval_solution", "solution_type", "problem_id; or: id", "prompt", "chosen", "rejected")
    rule = (
        "An item is right if its correct solution scores strictly higher than all nine incorrect ones; mrr is the mean "
        "of 1/rank, where the rank is 1 + how many incorrect ones score as high or higher. A pairwise judge is asked "
        "the correct solution against each incorrect one, and the rank is 1 + how many it does not win against (ties "
        "and failures included); of a judge's ratings, an unreadable one counts as the lowest."
    )
    layout = Layout(overall="items")
    templates = MappingProxyType({"pairwise": "pairwise", "rating": "rating-10"})

    def items(self, rows: Iterable[Row]) -> Iterator[Item]:
        """An item a problem; rows that hold one solution each are grouped by `problem_id`, wherever they stand."""
        problems: dict[str, list[Row]] = {}
        for row in rows:
            if "solution_type" in row.data:
                among = problems.setdefault(base.text_of(row, "problem_id"), [])
                if not any(_is_same(row, other) for other in among):
                    among.append(row)
            elif (item := base.made(rows, row, self.item)) is not None:
                yield item
        for identifier, among in problems.items():
            yield _problem(identifier, among)

    def item(self, row: Row) -> Item:
        """A row with all solutions of a problem: `prompt`, `chosen` and `rejected`."""
        if "chosen" not in row.data:
            raise base.row_error(row, "has neither 'solution_type' (one row per solution) nor 'chosen' and 'rejected'")
        sides = {side: as_list(base.need(row, side)) for side in ("chosen", "rejected")}
        _check_counts(row, len(sides["chosen"]), len(sides["rejected"]))
        return Item(
            id=base.text_of(row, "id"),
            subset=_subset_of(row),
            conversation=base.conversation_of(row, "prompt"),
            completions=tuple(base.completion_of(row, side, text) for side, texts in sides.items() for text in texts),
            num_correct=1,
            metadata=base.metadata_of(row, "prompt", "chosen", "rejected"),
        )

    def questions(self, item: ItemKey, mode: Mode) -> list[tuple[int, ...]]:
        """A rating of each solution, or the correct one against each of the others."""
        if mode == "pairwise":
            return [(0, other) for other in range(1, item.k)]
        if mode == "rating":
            return super().questions(item, mode)
        raise ConfigError(f"{self.name} asks for pairs or ratings, and the template's mode is {mode}")

    def judged(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """The mean over samples; of pairs also over the correct solution's places, where each was asked in both."""
        if base.is_rating(readings):
            samples = rules.ratings_by_sample(item, readings)
            return _outcome(item, [rated_rank(scores) for scores in samples], scores=samples)
        ranks = [pairwise_rank(unit) for unit in _units(readings)]
        return _outcome(item, ranks, source=rules.choice_source(readings))

    def scored(self, item: ItemKey, scores: tuple[float | None, ...]) -> Outcome:
        """Right if strictly on top; with a missing score the item is wrong and its rank the last possible."""
        rank = rated_rank(scores)
        return _outcome(item, [replace(rank, value=rank.worst)], scores=(scores,))

    def bounds_of_parts(self, ways: Sequence[Outcome]) -> Mapping[str, float]:
        """The lowest and the highest reciprocal rank."""
        ranks = [way.parts.get(f"{RANK}{bound}", way.parts[RANK]) for way in ways if way.parts for bound in BOUNDS]
        return {} if len(set(ranks)) < 2 else {f"{RANK}{BOUNDS[0]}": min(ranks), f"{RANK}{BOUNDS[1]}": max(ranks)}

    def extra(self, outcomes: Sequence[Outcome]) -> dict[str, Any]:
        """`mrr`, its interval (`mrr_low`, `mrr_high`), and in `mrr_bounds` all failures counted wrong and right."""
        views = {"mrr": "", "low": "_low", "high": "_high"}
        found = {
            name: part_scores(outcomes, self.layout, partial(_reciprocal, bound=bound)) for name, bound in views.items()
        }
        mrr = found.pop("mrr")
        if mrr.score is None:
            return {}
        bounds = {name: each.score for name, each in found.items()}
        return {"mrr": mrr.score, "mrr_low": mrr.low, "mrr_high": mrr.high, "mrr_bounds": bounds}


def _reciprocal(outcome: Outcome, bound: str) -> float | None:
    """The reciprocal rank, or a bound of it where that is another."""
    return outcome.parts.get(f"{RANK}{bound}", outcome.parts.get(RANK))


def rated_rank(scores: Sequence[float | None]) -> Rank:
    """The rank by a judge's ratings, the correct solution's first; None is a failure.

    A failure counts as a rating of 1, as in the authors' script; on a scale that begins elsewhere, as the lowest
    rating that was read, where that is lower.
    """
    lowest = min([LOWEST_RATING, *(score for score in scores if score is not None)])
    correct, *incorrect = scores
    rank = 1 + sum(
        (lowest if other is None else other) >= (lowest if correct is None else correct) for other in incorrect
    )
    if correct is None:
        return Rank(rank, worst=len(scores), best=1)
    return Rank(
        rank,
        worst=1 + sum(other is None or other >= correct for other in incorrect),
        best=1 + sum(other is not None and other >= correct for other in incorrect),
    )


def pairwise_rank(readings: Sequence[Reading]) -> Rank:
    """The rank from one verdict on each pair: 1 + how many pairs the correct solution (index 0) did not win."""
    lost = 1 + sum(reading.choice != 0 for reading in readings)
    return Rank(lost, worst=lost, best=lost - sum(reading.failed for reading in readings))


def _units(readings: Sequence[Reading]) -> list[list[Reading]]:
    """The readings that make one rank each: those of one sample, and of one place of the correct solution.

    Where each pair was put in one drawn order, all pairs of a sample make one rank.
    """
    several = len({reading.order for reading in readings}) > len({frozenset(reading.order) for reading in readings})
    units: dict[tuple[int, int], list[Reading]] = {}
    for reading in readings:
        place = reading.order.index(0) if several else 0
        units.setdefault((reading.sample, place), []).append(reading)
    return list(units.values())


def _outcome(item: ItemKey, ranks: Sequence[Rank], **more: Any) -> Outcome:
    value, low, high = (
        fmean(1 / rank for rank in among)
        for among in (
            [rank.value for rank in ranks],
            [rank.worst for rank in ranks],
            [rank.best for rank in ranks],
        )
    )
    parts = {RANK: value} | ({f"{RANK}_low": low, f"{RANK}_high": high} if low != high else {})
    return rules.outcome_of(item, [rank.accuracy for rank in ranks], parts=parts, **more)


# --- rows that hold one solution each


def _is_same(row: Row, other: Row) -> bool:
    """Whether two rows hold the same correct solution, as the pairs of a problem do."""
    columns = ("solution_type", "eval_solution")
    return row.data.get("solution_type") == "chosen" and all(row.data.get(c) == other.data.get(c) for c in columns)


def _problem(identifier: str, rows: Sequence[Row]) -> Item:
    """The item of one problem: its correct solution, then the incorrect ones as they stand."""
    first = rows[0]
    sides: dict[str, list[Row]] = {"chosen": [], "rejected": []}
    for row in rows:
        side = base.text_of(row, "solution_type")
        if side not in sides:
            raise base.row_error(row, f"solution_type is '{side}', expected chosen or rejected")
        if base.text_of(row, "problem") != base.text_of(first, "problem"):
            raise base.row_error(row, f"problem_id '{identifier}' has another problem in {first.where}")
        sides[side].append(row)
    _check_counts(first, len(sides["chosen"]), len(sides["rejected"]), f"problem_id '{identifier}'")
    ordered = [*sides["chosen"], *sides["rejected"]]
    metadata = base.metadata_of(
        ordered[0], "problem", "eval_solution", "solution_reference", "solution_type", "problem_id", "id"
    )
    models = [row.data.get("solution_reference") for row in ordered]
    return Item(
        id=identifier,
        subset=_subset_of(ordered[0]),
        conversation=base.conversation_of(first, "problem"),
        completions=tuple(_solution(row) for row in ordered),
        num_correct=1,
        reference=None if metadata.get("answer") is None else base.text_of(ordered[0], "answer"),
        metadata=metadata | {"models": models},
    )


def _solution(row: Row) -> Completion:
    """The steps of a solution, a line each, as the authors show them to reward models."""
    steps = as_list(base.need(row, "eval_solution"))
    if not steps or not all(isinstance(step, str) for step in steps):
        raise base.row_error(row, "column 'eval_solution' is not a list of texts, one a step")
    return Completion((Turn("assistant", "\n".join(steps)),))


def _subset_of(row: Row) -> str:
    column = next((name for name in ("subset", "subject") if row.data.get(name) is not None), None)
    return "rewardmath" if column is None else base.text_of(row, column)


def _check_counts(row: Row, correct: int, incorrect: int, what: str = "the row") -> None:
    if correct != 1 or not incorrect:
        raise base.row_error(
            row, f"{what} has {correct} chosen and {incorrect} rejected solutions, expected one chosen and the others"
        )
