"""What a benchmark is: where its items come from, how they are grouped, and its official rule."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar

from judgebench.benchmarks.rules import criteria_outcome, label_outcome, scored_step_outcome, step_outcome
from judgebench.errors import ConfigError, DataError
from judgebench.items import LABELS, NEVER_ASKED, Completion, Failure, Item, Outcome, StepIndex, Turn, Verdict
from judgebench.metrics.accuracy import Layout
from judgebench.metrics.votes import filled, join, join_criteria
from judgebench.sources.cells import decode_cell, list_in
from judgebench.sources.source import id_text
from judgebench.sources.turns import TurnError, is_turn, turn_of
from judgebench.verdicts import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from judgebench.benchmarks.declared import Declared
    from judgebench.items import ItemKey, Mode, Orders, Reading
    from judgebench.metrics.votes import Join
    from judgebench.sources.source import Row


T = TypeVar("T")


class Benchmark(ABC):
    """One benchmark. Subclasses fill in the attributes and the rule.

    Attributes:
        name: As on the command line.
        title: As in tables.
        source: The paper with the rule.
        hub_id: The dataset on the hub; None where the user brings the rows.
        hub_split: Its split; None for the only one.
        layout: How outcomes make sections and the score.
        columns: What a row holds, for `benchmarks show`.
        rule: The official rule in a sentence or two, for `benchmarks show`.
        templates: For each mode that fits, the template that is taken by default; the first is the benchmark's own.
        official_orders: The orders of the official way; where there is none, those that are taken by default.
        has_official_way: Whether a published rule says how the questions are put.
        joint_orders: Whether the orders of a question make one credit together, which is no mean over them.
        sections_apart: Whether its sections are different questions, whose annotators are each by themselves.
        own_rows: Whether it takes rows of the user's own, with a column `group`.
        by_file: Whether a benchmark file declares it: see `is_declared`.
        ties_template: The default companion that judges the items of Ties; None where there are none.
        positive: The class that precision, recall and ranking figures are of; None for the template's.
    """

    name: str
    title: str
    source: str
    hub_id: str | None = None
    hub_split: str | None = "test"
    layout: Layout = Layout()
    columns: tuple[str, ...]
    rule: str
    templates: Mapping[Mode, str]
    official_orders: Orders = "one"
    has_official_way: bool = True
    joint_orders: bool = False
    sections_apart: bool = False
    own_rows: bool = False
    by_file: bool = False
    ties_template: str | None = None
    positive: str | None = None

    def items(self, rows: Iterable[Row]) -> Iterator[Item]:
        """The items of the rows, one by one.

        Raises:
            ConfigError: A row is malformed; the message names its place.
        """
        for row in rows:
            if (item := made(rows, row, self.item)) is not None:
                yield item

    @abstractmethod
    def item(self, row: Row) -> Item:
        """One row as an item."""

    def label_class(self, row: Row, item: Item) -> str | None:  # noqa: ARG002 - for those whose rows say it
        """What the item's label is, to be counted; None where it has none."""
        if item.human_score is not None:
            return f"{item.human_score:g}"
        return item.label or ("chosen" if item.num_correct else None)

    def declaration(self) -> dict[str, Any]:
        """What a run keeps of the file that declares the benchmark: its `hash` and `spec`; empty for any other."""
        return {}

    def identity(self) -> dict[str, Any]:
        """What makes a run of it another than one of the same name."""
        declared = self.declaration()
        return {"benchmark": self.name, **({"benchmark_file": declared["hash"]} if declared else {})}

    def columns_used(self, columns: Iterable[str]) -> tuple[dict[str, str], list[str]] | None:  # noqa: ARG002 - for some
        """Role -> what it is in the rows, and the columns that are used for nothing; None where the source knows."""
        return None

    def check(self, keys: Collection[ItemKey]) -> None:  # noqa: B027 - most items do
        """Whether the items go together.

        Raises:
            DataError: They have no common score.
        """

    def answer_order(self, row: Row, number: int) -> tuple[str, tuple[int, ...]] | None:  # noqa: ARG002 - for own rows
        """The id of a row, and which of its own answers each completion of its item is; None where these have no names.

        Args:
            row: As the source has it.
            number: Of the row, from 1 on.
        """
        return None

    def by_ties(self, item: ItemKey) -> bool:  # noqa: ARG002 - for those that have some
        """Whether the item is judged by ratings and scored by the rule for Ties, whatever the template's mode."""
        return False

    def default_template(self, keys: Collection[ItemKey]) -> str:  # noqa: ARG002 - for those where it depends on them
        """The template that is taken for these items where none is named."""
        return next(iter(self.templates.values()))

    def models(self, item: Item) -> tuple[str | None, ...] | None:
        """Whose each completion is: the item's `models`, or `chosen_model` and `rejected_model`; None if unknown."""
        said = item.metadata.get("models")
        if said is None and len(item.completions) == 2:
            said = [item.metadata.get("chosen_model"), item.metadata.get("rejected_model")]
        said = decode_cell(said)
        if not isinstance(said, list) or len(said) != len(item.completions):
            return None
        models = tuple(name if isinstance(name, str) and name.strip() else None for name in said)
        return models if any(models) else None

    def unit(self, item: ItemKey) -> str:
        """What is one in intervals, tests and held-out parts: the item's group, the pair it is of, or the item."""
        return item.unit

    def key(self, item: Item) -> ItemKey:
        """The item without its texts, in the group that it alone tells: those of earlier versions do not say it."""
        return item.key

    def groups(self, keys: Collection[ItemKey]) -> Mapping[str, str | None]:  # noqa: ARG002 - for those that look at all
        """By id, the groups of items that only all rows together tell; those of others stay as they are."""
        return {}

    def questions(self, item: ItemKey, mode: Mode) -> list[tuple[int, ...]]:
        """The completions that each question about the item shows, by index.

        Raises:
            ConfigError: The item does not fit the mode.
        """
        if not KINDS[mode].ordered:
            if mode != "rating" and item.k != 1:
                raise ConfigError(f"item '{item.id}' has {item.k} completions, a {mode} template shows 1: one row each")
            if mode == "criteria" and not item.checklist:
                raise ConfigError(f"item '{item.id}' has no criteria: give each row a column 'criteria', or name it")
            if mode == "steps" and not item.steps:
                mend = "rows with a list in the column 'steps' have some"
                raise ConfigError(f"item '{item.id}' has no steps, which a steps template shows: {mend}")
            return [(index,) for index in range(item.k)]
        if mode == "pairwise" and item.k != 2:
            mend = "; --pairs all finds the best of more" if item.k > 2 and "best_of_k" in self.templates else ""
            raise ConfigError(f"item '{item.id}' has {item.k} completions, a pairwise template shows 2{mend}")
        if item.k > len(LABELS):
            raise ConfigError(f"item '{item.id}' has {item.k} completions, a question shows at most {len(LABELS)}")
        return [tuple(range(item.k))]

    def outcome(self, item: ItemKey, readings: Sequence[Reading], rule: Join = "mean") -> Outcome:
        """The outcome of an item; one of which nothing was asked has no credit, only bounds.

        Args:
            item: The item.
            readings: All of them.
            rule: How those of one question are joined before the official rule sees them. The bounds are then over
                what failed readings could have made of the joined ones.
        """
        if rule == "mean":
            return self._outcome(item, readings)
        together = join_criteria if is_checklist(item, readings) else join
        made = self._outcome(item, together(readings, rule))
        made = replace(made, parts={**made.parts, **self.over_orders(item, readings)})
        if made.credit is None or made.low is None or made.high is None:
            return made
        gold = item.gold if is_label(item, readings) else None
        others = [self._outcome(item, together(among, rule)) for among in filled(readings, gold)]
        lows = [made.low, *(other.low for other in others if other.low is not None)]
        highs = [made.high, *(other.high for other in others if other.high is not None)]
        parts = {**made.parts, **self.bounds_of_parts([made, *others])}
        return replace(made, low=min(lows), high=max(highs), parts=parts)

    def bounds_of_parts(self, ways: Sequence[Outcome]) -> Mapping[str, float]:  # noqa: ARG002 - for those that have some
        """The bounds of the outcome's parts over each way in which failed readings can be filled in."""
        return {}

    def over_orders(self, item: ItemKey, readings: Sequence[Reading]) -> Mapping[str, float]:  # noqa: ARG002 - for some
        """Parts of the outcome that say how the item's orders compare, from readings that are not joined."""
        return {}

    def _outcome(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        kinds = [reading.result.kind for reading in readings if isinstance(reading.result, Failure)]
        if len(kinds) == len(readings) and NEVER_ASKED.issuperset(kinds):
            return Outcome(item, None, 0.0, 1.0, source={"verdicts": kinds})
        if is_checklist(item, readings):
            return criteria_outcome(item, readings)
        if is_step(item, readings):
            return self.judged_steps(item, readings)
        return self.judged_label(item, readings) if is_label(item, readings) else self.judged(item, readings)

    def judged_label(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """The outcome of a single completion that was put in classes."""
        return label_outcome(item, readings)

    def judged_steps(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """The outcome of an item from what its readings say is the first wrong step."""
        return step_outcome(item, readings)

    def scored_steps(self, item: ItemKey, scores: tuple[float | None, ...], threshold: float) -> Outcome:
        """The outcome of an item from one score a step, of which those below a threshold are wrong; None is missing."""
        return scored_step_outcome(item, scores, threshold)

    def takes_redundancy(self, item: ItemKey) -> bool:  # noqa: ARG002 - for those that do
        """Whether an item's steps are wrong where a score file says that they are redundant."""
        return False

    @abstractmethod
    def judged(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """The outcome of an item from all its readings."""

    @abstractmethod
    def scored(self, item: ItemKey, scores: tuple[float | None, ...]) -> Outcome:
        """The outcome of an item from one score a completion; None where it is missing."""

    def extra(self, outcomes: Sequence[Outcome]) -> dict[str, Any]:  # noqa: ARG002 - for those that have some
        """The benchmark's own further figures for `metrics.json`."""
        return {}

    def notes(self, outcomes: Sequence[Outcome]) -> Iterator[str]:
        """What a reader of the metrics must know, a sentence each."""
        unlabelled = sum(not outcome.item.labelled and outcome.credit is None for outcome in outcomes)
        if unlabelled == len(outcomes):
            yield "no item has a label: no score, only verdicts, biases and agreement"
        elif unlabelled:
            divided = sum(not outcome.item.labelled and bool(outcome.item.annotations) for outcome in outcomes)
            why = f" ({divided} have annotators who are divided)" if divided else ""
            yield f"{unlabelled} of {len(outcomes)} items have no label{why} and are not scored"


def is_declared(benchmark: Benchmark) -> TypeGuard[Declared]:
    """Whether a benchmark is one that a file declares; asking imports nothing that reads such files."""
    return benchmark.by_file


def named(names: Sequence[str], shown: int = 5) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def partial_note(sections: Mapping[str, Collection[str]], outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Which subsets have no items, of the sections that have some; those without any are said elsewhere.

    Args:
        sections: The subsets of each.
        outcomes: Of all items.
    """
    there = {outcome.item.subset for outcome in outcomes}
    partial = {name: subsets for name, subsets in sections.items() if 0 < len(there & {*subsets}) < len(subsets)}
    lacking = [subset for subsets in partial.values() for subset in subsets if subset not in there]
    if lacking:
        of = sum(len(subsets) for subsets in partial.values())
        where = " and ".join(partial)
        yield f"{len(lacking)} of {of} subsets of {where} have no items: {named(lacking)}; scores are over the rest"


def is_rating(readings: Sequence[Reading]) -> bool:
    """Whether the readings are ratings of single completions, not choices."""
    return len(readings[0].order) == 1


def is_label(item: ItemKey, readings: Sequence[Reading]) -> bool:
    """Whether the readings put a single completion in a class or name its first wrong step, or failed to."""
    if item.k != 1:
        return False
    by_people = any(isinstance(said, str) for _, said in item.annotations)
    return by_people or item.label is not None or any(reading.label is not None for reading in readings)


def is_step(item: ItemKey, readings: Sequence[Reading]) -> bool:
    """Whether the readings name the first wrong step of an item, or failed to."""
    said = [reading.result.value for reading in readings if isinstance(reading.result, Verdict)]
    return item.steps > 0 and (isinstance(said[0], StepIndex) if said else item.label is not None)


def is_checklist(item: ItemKey, readings: Sequence[Reading]) -> bool:
    """Whether the readings are verdicts on the item's own criteria, or failed to be."""
    ids = {each.id for each in item.checklist}
    verdicts = [reading.result for reading in readings if isinstance(reading.result, Verdict)]
    return bool(ids) and all(each.parts and ids.issuperset(name for name, _ in each.parts) for each in verdicts)


def row_error(row: Row, message: str) -> DataError:
    """The error for a malformed row."""
    return DataError(f"{row.where}: {message}")


def gone_to(rows: Iterable[Row], row: Row) -> None:
    """Says which row is gone to, of those that are put together, to rows that keep it as `row` (see `CheckedRows`)."""
    if getattr(rows, "row", row) is not row:
        rows.row = row  # type: ignore[attr-defined]


def made(rows: Iterable[Row], row: Row, make: Callable[..., T], *arguments: object) -> T | None:
    """What is made of a row; None where it cannot be used and the rows keep such rows aside.

    Args:
        rows: What is gone through; where it has a method `refuse(row, what)`, a bad row goes there.
        row: The row of them.
        make: From a row, and the arguments, to its item, say.
        arguments: What else it takes.

    Raises:
        DataError: The row cannot be used.
    """
    try:
        return make(row, *arguments)
    except DataError as error:
        refuse = getattr(rows, "refuse", None)
        if refuse is None:
            raise
        refuse(row, str(error))
        return None


def need(row: Row, column: str) -> Any:
    """The value of a column that must be there."""
    if row.problem is not None:
        raise row_error(row, row.problem)
    try:
        value = row.data[column]
    except KeyError:
        raise row_error(row, f"has no column '{column}'; found {', '.join(map(str, row.data)) or 'none'}") from None
    if value is None or (isinstance(value, float) and math.isnan(value)):
        raise row_error(row, f"column '{column}' is empty")
    return value


def value_of(row: Row, column: str) -> Any:
    """The value of a column that must be there; the list that a text stands for, where all of its column do."""
    value = need(row, column)
    if isinstance(value, str) and value.lstrip().startswith("[") and column in row.lists:
        return list_in(value, texts=row.encoded)
    return value


def text_of(row: Row, column: str) -> str:
    """The text of a column that must hold one; numbers are taken as text."""
    value = need(row, column)
    if column == "id" and row.encoded and isinstance(value, str):
        value = re.sub(r"^(-?\d+)\.0+$", r"\1", value.strip())  # as pandas writes a column of numbers with a gap
    if isinstance(value, str) and (value.strip() or column not in {"id", "subset"}):
        return value
    if isinstance(value, str):
        raise row_error(row, f"column '{column}' is empty")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return id_text(value)
    raise row_error(row, f"column '{column}' is {type(value).__name__}, expected text")


def conversation_of(row: Row, column: str, *, first_role: str = "user") -> tuple[Turn, ...]:
    """A column as turns: a string, a list of strings that take turns, or a list of turns (`turn_of`)."""
    return turns_of(row, column, value_of(row, column), first_role=first_role)


def turns_of(row: Row, column: str, value: Any, *, first_role: str) -> tuple[Turn, ...]:
    """A value as turns; see `conversation_of`."""
    if isinstance(value, str):
        return (Turn(first_role, value),)
    if isinstance(value, dict) and isinstance(value.get("messages"), list):
        value = value["messages"]
    if is_turn(value):
        value = [value]
    if not isinstance(value, list) or not value:
        raise row_error(row, f"column '{column}' is {type(value).__name__}, expected text or a list of turns")
    turns = []
    roles = ("user", "assistant") if first_role == "user" else ("assistant", "user")
    for at, turn in enumerate(value):
        if isinstance(turn, str):
            turns.append(Turn(roles[at % 2], turn))
        elif is_turn(turn):
            try:
                turns.append(Turn(**turn_of(turn)))
            except TurnError as error:
                raise row_error(row, f"column '{column}', turn {at + 1}: {error}") from error
        else:
            raise row_error(row, f"column '{column}', turn {at + 1}: expected text, or role and content as text")
    return tuple(turns)


def list_of(row: Row, column: str) -> list[Any]:
    """A column that must hold a list; a string that holds a list, as JSON or as Python prints it, is read as such."""
    value = decode_cell(need(row, column))
    if not isinstance(value, list) or not value:
        raise row_error(row, f"column '{column}' is not a list with at least one entry")
    return value


def completion_of(row: Row, column: str, value: Any) -> Completion:
    """A value as a completion: a string, or a list of turns that begins with the assistant's."""
    return Completion(turns_of(row, column, value, first_role="assistant"))


def pair_of(row: Row) -> tuple[Completion, Completion]:
    """The columns `chosen` and `rejected` as two completions, the chosen one first."""
    return (
        completion_of(row, "chosen", value_of(row, "chosen")),
        completion_of(row, "rejected", value_of(row, "rejected")),
    )


def metadata_of(row: Row, *texts: str) -> dict[str, Any]:
    """The row's other columns, which a template sees as `item`."""
    # An id is text whatever the file's format, so that the items are the same.
    return {
        column: id_text(value) if column in {"id", "subset"} else value
        for column, value in row.data.items()
        if column not in texts
    }
