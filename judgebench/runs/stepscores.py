"""Score files of process reward models: a score a step, or a label that says whether the step is right."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from judgebench.benchmarks import base
from judgebench.errors import ConfigError
from judgebench.runs.scorefiles import PROMPTS, ScoredRow, id_of, text_in
from judgebench.sources.cells import decode_cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from judgebench.runs.scorefiles import ScoreReading, Scores
    from judgebench.sources.source import Row

LABEL_THRESHOLD = 0.5
"""What parts labels of steps, which are 0 and 1."""

_VALIDITY = ("step_level_validity_labels", "step_level_validity_scores")
_REDUNDANCY = "step_level_redundancy_labels"
"""As PRMBench's own results name them."""

_COLUMNS = (
    *(
        "scores",
        "step_scores",
        "step_rewards",
        "step_labels",
        "rewards",
        "prm_scores",
        "prm_rewards",
        "process_rewards",
    ),
    *("probabilities", "probs", "score", "reward"),
)
"""Columns that may hold a list with a score a step, the first of them that is there."""


@dataclass(frozen=True, slots=True)
class StepScores:
    """What one row says of the steps of an item.

    Attributes:
        row: Its place, id and scores, a score a step.
        redundant: For each step 1 where it is said to be redundant, else 0; None where the file does not say.
    """

    row: ScoredRow
    redundant: Scores | None = None


def read_step_rows(rows: Iterable[Row], reading: ScoreReading) -> Iterator[StepScores]:
    """The rows of a file of step scores.

    A column holds a list of numbers or of truth values (true: the step is right), or an object of such lists, of which
    `--head` names one; PRMBench's results are read as they are.

    Args:
        rows: The file's.
        reading: Which head; labels go before scores where there is no threshold.

    Raises:
        DataError: A row has none; the message names it.
    """
    for row in rows:
        cell = _cell(row)
        redundant = None
        if isinstance(cell, dict):
            redundant = _numbers(row, _REDUNDANCY, cell[_REDUNDANCY]) if cell.get(_REDUNDANCY) is not None else None
            column, cell = _head(row, cell, reading)
        else:
            column = "scores"
        scores = () if cell is None else _numbers(row, column, cell)
        said = "empty" if not scores else "not a finite number"
        yield StepScores(
            ScoredRow(row.where, id_of(row), scores, said=said, prompt=text_in(row, PROMPTS), subset=None),
            None if reading.threshold is not None else redundant,
        )


def _cell(row: Row) -> Any:
    """What stands in the column of scores: a list, an object of lists, or None."""
    named = [name for name in (*_VALIDITY, _REDUNDANCY) if name in row.data]
    if named:
        return {name: decode_cell(row.data[name]) for name in named}
    column = next((name for name in _COLUMNS if name in row.data), None)
    if column is None:
        raise base.row_error(
            row,
            f"no column 'scores' with a list of one score per step; found {', '.join(map(str, row.data)) or 'none'}",
        )
    value = decode_cell(row.data[column])
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):  # the steps of the one completion
        value = value[0]
    return None if row.data.get("validity") is False else value


def _head(row: Row, cell: Mapping[str, Any], how: ScoreReading) -> tuple[str, Any]:
    """The list that counts of an object of several."""
    if how.head is not None:
        if how.head not in cell:
            raise base.row_error(row, f"column 'scores' has no head '{how.head}'; found {', '.join(cell)}")
        return how.head, cell[how.head]
    labels, scores = _VALIDITY
    order = (labels, scores) if how.threshold is None else (scores, labels)
    known = next((name for name in order if cell.get(name) is not None), None)
    if known is None and len(cell) != 1:
        raise base.row_error(
            row, f"column 'scores' has {len(cell)} lists ({base.named(list(cell))}): --head NAME takes one"
        )
    name = known or next(iter(cell))
    return name, decode_cell(cell[name])


def _numbers(row: Row, column: str, value: Any) -> Scores:
    if not isinstance(value, list | tuple):
        raise base.row_error(row, f"column '{column}' is {type(value).__name__}, expected a list of one score per step")
    return tuple(_number(row, column, each) for each in value)


def _number(row: Row, column: str, value: Any) -> float | None:
    """A score, or a truth value as 0 or 1; None for what is no finite number."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if value in (None, ""):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise base.row_error(row, f"column '{column}' holds {value!r:.60}, expected a number for each step") from None
    return number if math.isfinite(number) else None


def threshold_for(scores: Iterable[Scores], given: float | None, file: str) -> float:
    """Below which score a step is wrong.

    Args:
        scores: All of the file.
        given: As the user said; None: nothing was said.
        file: Its name, for messages.

    Raises:
        ConfigError: Nothing was said, and the scores are no labels; or no score can be below it, or every one is.
    """
    values = [score for row in scores for score in row if score is not None]
    if given is None:
        if values and {*values} <= {0.0, 1.0}:
            return LABEL_THRESHOLD
        raise ConfigError(
            f"{file}: has scores of steps, and nothing says which of them mean a wrong one: add --threshold NUMBER (a "
            f"step below it is wrong){_range(values)}"
        )
    if not math.isfinite(given):
        raise ConfigError(f"--threshold is {given}: it must be a finite number")
    if values and min(values) >= 0 and max(values) <= 1 and not 0 <= given <= 1:
        raise ConfigError(f"--threshold is {given:g}, where no score of {file} can be{_range(values)}")
    return given


def _range(values: Sequence[float]) -> str:
    return f"; they run from {min(values):g} to {max(values):g}" if values else ""
