"""RewardMATH (Kim et al., arXiv 2410.01729): one correct solution of a problem against nine incorrect ones."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from judgebench.benchmarks import base
from judgebench.benchmarks.ranked_rules import ReciprocalRank
from judgebench.errors import ConfigError
from judgebench.items import Completion, Item, Turn
from judgebench.metrics.accuracy import Layout
from judgebench.sources.cells import as_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from judgebench.items import ItemKey, Mode, Outcome, Reading
    from judgebench.sources.source import Row

_RULE = ReciprocalRank()


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
        return _RULE.judged(item, readings)

    def scored(self, item: ItemKey, scores: tuple[float | None, ...]) -> Outcome:
        """Right if strictly on top; with a missing score the item is wrong and its rank the last possible."""
        return _RULE.scored(item, scores)

    def bounds_of_parts(self, ways: Sequence[Outcome]) -> Mapping[str, float]:
        """The lowest and the highest reciprocal rank."""
        return _RULE.bounds_of_parts(ways)

    def extra(self, outcomes: Sequence[Outcome]) -> dict[str, Any]:
        """`mrr`, its interval (`mrr_low`, `mrr_high`), and in `mrr_bounds` all failures counted wrong and right."""
        return _RULE.extra(outcomes, self.layout)


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
