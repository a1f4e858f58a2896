"""Score files in the forms that the field writes: rows of columns into the scores of each item's completions."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import chain, groupby
from statistics import fmean, geometric_mean
from typing import TYPE_CHECKING, Any, Literal

from judgebench.benchmarks import base
from judgebench.errors import ConfigError, DataError
from judgebench.items import class_key
from judgebench.sources.cells import decode_cell
from judgebench.sources.source import Row, id_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from judgebench.sources.source import Source

Scores = tuple[float | None, ...]
"""One score a completion; None for each that is not there."""

Steps = Literal["min", "max", "prod", "mean", "geometric-mean", "mean-logit", "mean-odds", "last"]
"""How the scores of a completion's steps become one."""


def _logit(p: float) -> float:
    return math.inf if p >= 1 else -math.inf if p <= 0 else math.log(p / (1 - p))


def _odds(p: float) -> float:
    return math.inf if p >= 1 else p / (1 - p)


STEPS: Mapping[Steps, Callable[[Sequence[float]], float]] = {
    "min": min,
    "max": max,
    "prod": math.prod,
    "mean": fmean,
    "geometric-mean": lambda steps: geometric_mean(steps) if min(steps) > 0 else 0.0,
    "mean-logit": lambda steps: 1 / (1 + math.exp(-fmean(map(_logit, steps)))),
    "mean-odds": lambda steps: max(0.0, fmean(map(_odds, steps))),
    "last": lambda steps: steps[-1],
}

IDS = ("id", "item", "item_id", "question_id", "prompt_id", "example_id", "sample_id", "uid", "idx")
"""Columns that may hold an item's id, the first of them that is there."""

PROMPTS = ("prompt", "problem", "question", "instruction")
"""Columns that may hold an item's prompt."""

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
_SPELLED = {"reject": "rejected"}
_DECIMAL_COMMA = re.compile(r"\s*[-+]?\d*,\d+(?:[eE][-+]?\d+)?\s*")
_SCORE = {"score", "reward", "logit"}
_ANSWER = {"response", "answer", "completion", "output", "model"}
_SIDES = ({"chosen"}, {"rejected"})
_PLACES = (({"a"}, {"b"}), ({"1"}, {"2"}))
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class ScoreReading:
    """How the numbers of a score file are taken.

    Attributes:
        head: Which of several scores of a completion: a name or an index.
        steps: How the scores of its steps become one.
        attributes: The attributes that items have grades of; without `head` each is a head of the completion.
        threshold: Below which score a step is wrong, where each is judged by itself.
    """

    head: str | None = None
    steps: Steps | None = None
    attributes: tuple[str, ...] = ()
    threshold: float | None = None

    def __post_init__(self) -> None:
        if self.steps is not None and self.steps not in STEPS:
            raise ConfigError(f"steps is {self.steps!r}: must be one of {', '.join(STEPS)}")


@dataclass(frozen=True, slots=True)
class ScoredRow:
    """What one row of a score file says.

    Attributes:
        where: Its place, for messages.
        id: As text; None where the file has no ids.
        scores: Of each completion; None for each that is no finite number.
        chosen: How many of them are said to be of chosen completions; None where they stand in one list.
        as_given: Whether they are in the order of the row's own answers, and not the correct ones first.
        said: What stands in the place of scores that are no finite numbers.
        prompt: As the file has it.
        subset: Likewise.
        heads: The score of each attribute, by its name in the data; None where there is one score for all.
    """

    where: str
    id: str | None
    scores: Scores
    chosen: int | None = None
    as_given: bool = False
    said: str = ""
    prompt: str | None = None
    subset: str | None = None
    heads: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where a file has its scores: one column, or two."""

    one: str | None
    two: tuple[str, str] | None = None
    as_given: bool = False


def read_score_rows(rows: Source | Iterable[Row], reading: ScoreReading) -> Iterator[ScoredRow]:
    """The rows of a score file of any of the forms.

    A column of scores holds a number or a list (of lists, of objects with a score); `scores` all of an item's, the
    correct ones first, two columns that differ by `chosen` and `rejected` those of each kind, and two that differ by
    `a` and `b` (or `1` and `2`) those of a pair in the order of the data.

    Args:
        rows: The file's.
        reading: How numbers are taken.

    Raises:
        DataError: A row has no scores, or something else in their place; the message names it.
    """
    columns, known = None, None
    for row in _one_an_item(rows):
        if reading.attributes and reading.head is None and (heads := _heads(row, reading)) is not None:
            yield heads
            continue
        if columns is None or row.data.keys() != known:
            columns, known = _columns_of(row), row.data.keys()
        yield _scored(row, columns, reading)


def _scored(row: Row, columns: _Columns, how: ScoreReading) -> ScoredRow:
    said: list[str] = []
    deep = how.head is not None or how.steps is not None
    if columns.one is not None:
        value = decode_cell(row.data[columns.one])
        if "chosen_position" in row.data:
            scores, chosen = _against_each(row, value), None
        elif isinstance(value, dict) and {*value} == {"chosen", "rejected"}:
            sides = [_numbers(row, f"{columns.one}.{name}", value[name], how, said, deep=deep) for name in value]
            scores, chosen = (*sides[0], *sides[1]), len(sides[0])
        else:
            scores, chosen = _numbers(row, columns.one, value, how, said), None
    else:
        assert columns.two is not None
        first, second = (_numbers(row, name, decode_cell(row.data[name]), how, said, deep=deep) for name in columns.two)
        scores, chosen = (*first, *second), None if columns.as_given else len(first)
    return ScoredRow(
        where=row.where,
        id=id_of(row),
        scores=scores,
        chosen=chosen,
        as_given=columns.as_given,
        said=", ".join(dict.fromkeys(said)),
        prompt=text_in(row, PROMPTS),
        subset=text_in(row, ("subset",)),
    )


def _heads(row: Row, how: ScoreReading) -> ScoredRow | None:
    """A row with a score for each attribute, in an object or in columns; None where it has none of them."""
    wanted = {class_key(name): name for name in how.attributes}
    cells = [decode_cell(row.data[name]) for name in ("scores", "score", "rewards", "reward") if name in row.data]
    cells = [each[0] if isinstance(each, list) and len(each) == 1 else each for each in cells]
    for cell in (*cells, row.data):
        if not isinstance(cell, dict):
            continue
        named = {wanted[key]: value for name, value in cell.items() if (key := class_key(str(name))) in wanted}
        if not named:
            continue
        if lacking := [name for name in how.attributes if name not in named]:
            raise base.row_error(row, f"has no score of {base.named(lacking)}; found {', '.join(named)}")
        heads = {name: _number(row, name, value, ScoreReading(steps=how.steps)) for name, value in named.items()}
        finite = {name: score for name, score in heads.items() if math.isfinite(score)}
        said = ", ".join(f"{name}: {named[name]}" for name in heads if name not in finite)
        score = fmean(finite.values()) if len(finite) == len(heads) else None
        texts = (text_in(row, PROMPTS), text_in(row, ("subset",)))
        return ScoredRow(
            row.where, id_of(row), (score,), None, said=said, prompt=texts[0], subset=texts[1], heads=finite
        )
    return None


def id_of(row: Row) -> str | None:
    """The id in the first column that may hold one, as text; None without such a column."""
    column = next((name for name in IDS if name in row.data), None)
    if column is None:
        return None
    value = row.data[column]
    if value is None or isinstance(value, bool | list | dict) or not str(value).strip():
        raise base.row_error(row, f"column '{column}' is {value!r:.40}, expected an id")
    return id_text(value).strip()


def text_in(row: Row, columns: Sequence[str]) -> str | None:
    """The first text in these columns; None where none holds one."""
    found = next((row.data[name] for name in columns if isinstance(row.data.get(name), str)), None)
    return None if found is None else str(found)


def _columns_of(row: Row) -> _Columns:
    """Which columns hold the scores."""
    if "scores" in row.data:
        return _Columns("scores")
    words = {
        name: {_SPELLED.get(said := word.lower().removesuffix("s"), said) for word in _WORDS.findall(str(name))}
        for name in row.data
    }
    for name, own in words.items():
        other = next((each for each in words if words[each] == (own - {"chosen"}) | {"rejected"}), None)
        if "chosen" in own and other is not None and own - {"chosen"} <= _SCORE and _is_scores(row.data[name]):
            return _Columns(None, (name, other))
    for name, own in words.items():
        for (first,), (second,) in _PLACES:
            other = next((each for each in words if words[each] == (own - {first}) | {second}), None)
            rest = own - {first}
            if first in own and other is not None and rest & _SCORE and rest <= _SCORE | _ANSWER:
                return _Columns(None, (name, other), as_given=True)
    one = next((name for name, own in words.items() if own and own <= _SCORE), None)
    if one is not None:
        return _Columns(one)
    results = "; its results are verdicts, which judgebench import takes" if "results" in row.data else ""
    raise base.row_error(
        row,
        "no column 'scores' (a list), or 'scores_chosen' and 'scores_rejected', or 'score_a' and 'score_b'; found "
        f"{', '.join(map(str, row.data)) or 'none'}{results}",
    )


def _is_scores(value: Any) -> bool:
    """Whether a value is of numbers, and no text or conversation."""
    value = decode_cell(value)
    if isinstance(value, list):
        return bool(value) and _is_scores(value[0])
    if isinstance(value, dict):
        return "content" not in value and "text" not in value
    if isinstance(value, str):
        try:
            _float(value)
        except ValueError:
            return not value.strip()
    return True


def _float(value: Any) -> float:
    """A number, also one with a decimal comma, as tables with semicolons have them."""
    if isinstance(value, str) and _DECIMAL_COMMA.fullmatch(value):
        value = value.replace(",", ".")
    return float(value)


def _numbers(row: Row, column: str, value: Any, how: ScoreReading, said: list[str], *, deep: bool = False) -> Scores:
    """The scores in a cell, one a completion; None for each that is not finite.

    Args:
        row: For messages.
        column: Likewise.
        value: The cell.
        how: How numbers are taken.
        said: Gets what stands in the place of numbers.
        deep: Whether a flat list is all of one completion.
    """
    if isinstance(value, dict) and not deep and len(value) > 1 and "score" not in value:
        value = [value]
    values = list(value) if isinstance(value, list | tuple) else [] if value is None else [value]
    if deep and len(values) > 1 and not any(isinstance(each, list | dict) for each in values):
        values = [values]
    numbers: list[float | None] = []
    for each in values:
        number = _number(row, column, each, how)
        if not math.isfinite(number):
            said.append("empty" if each in (None, "", []) else "NaN" if math.isnan(number) else str(number))
        numbers.append(number if math.isfinite(number) else None)
    return tuple(numbers)


def _number(row: Row, column: str, value: Any, how: ScoreReading) -> float:
    """One score; not-a-number where none is there."""
    if isinstance(value, dict):
        return _number(row, column, _named(row, column, value, how), ScoreReading(steps=how.steps))
    if isinstance(value, list | tuple):
        if len(value) == 1:  # how some trainers write a batch of one
            return _number(row, column, value[0], how)
        return _of_several(row, column, value, how)
    if value is None or value == "":
        return math.nan
    try:
        number = None if isinstance(value, bool) else _float(value)
    except (TypeError, ValueError):
        number = None
    if number is None:
        raise base.row_error(row, f"column '{column}' holds {value!r:.60}, expected numbers")
    return number


def _named(row: Row, column: str, value: Mapping[str, Any], how: ScoreReading) -> Any:
    names = [name for name in value if name not in {"label", "text", "completion", "response"}]
    if how.head is not None:
        if how.head not in value:
            raise base.row_error(row, f"column '{column}' has no head '{how.head}'; found {', '.join(names)}")
        return value[how.head]
    if "score" in value:
        return value["score"]
    if len(names) == 1:
        return value[names[0]]
    raise base.row_error(
        row, f"column '{column}' has {len(names)} scores a completion ({base.named(names)}): --head NAME takes one"
    )


def _of_several(row: Row, column: str, value: Sequence[Any], how: ScoreReading) -> float:
    if not value:
        return math.nan
    if how.head is not None:
        try:
            return _number(row, column, value[int(how.head)], ScoreReading(steps=how.steps))
        except (ValueError, IndexError):
            mend = f"--head 0 to {len(value) - 1}"
            raise base.row_error(row, f"column '{column}' has no head '{how.head}': {mend}") from None
    if how.steps is not None:
        steps = [_number(row, column, each, ScoreReading()) for each in value]
        return math.nan if not all(map(math.isfinite, steps)) else STEPS[how.steps](steps)
    raise base.row_error(
        row,
        f"column '{column}' has {len(value)} scores a completion: --head 0 (to {len(value) - 1}) takes one of several "
        f"heads, --steps min (or {', '.join(name for name in STEPS if name != 'min')}) makes one of the steps' scores",
    )


def _against_each(row: Row, said: Any) -> Scores:
    """Scores of a judge that saw the correct completion beside each wrong one, as RewardMATH makes them."""
    places = decode_cell(row.data["chosen_position"])
    if not isinstance(said, list) or not isinstance(places, list) or len(said) != len(places):
        raise base.row_error(row, "score and chosen_position are not lists of one length")
    won = [a == b for a, b in zip(said, places, strict=True)]
    return (sum(won) + 1.0, *(1.0 if each else len(won) + 2.0 for each in won))


def _one_an_item(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows, those of one completion each put together: RewardMATH has RewardBench's pairs in rows like these."""
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        return
    if not {"solution_type", "problem_id"} <= first.data.keys():
        yield first
        yield from rows
        return
    for _, among in groupby(chain([first], rows), key=lambda row: row.data.get("problem_id")):
        both = list(among)
        sides: dict[str, list[Any]] = {"chosen": [], "rejected": []}
        for row in both:
            side = sides.get(str(row.data.get("solution_type")))
            if side is None:
                raise DataError(f"{row.where}: solution_type is neither chosen nor rejected")
            output = row.data.get("output")
            side.append(output.get("step_scores") if isinstance(output, dict) else row.data.get("score"))
        data = {"problem": both[0].data.get("problem")} | {f"scores_{name}": each for name, each in sides.items()}
        yield Row(both[0].where, data, both[0].split)
