"""The shapes in which one object of JSON holds rows: in a list, in columns, by id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from judgebench.sources.columns import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

WRAPPERS = ("data", "rows", "items", "examples", "instances", "samples", "records", "results", "test", "train")
"""Where the rows stand in one object with other things beside them, the likeliest first."""

_ROW = frozenset(
    map(
        plain,
        (
            "id",
            "prompt",
            "chosen",
            "rejected",
            "completions",
            "response_a",
            "response",
            "label",
            "scores",
            "question",
            "instruction",
        ),
    )
)
_TURNS = ({"role", "content"}, {"from", "value"})
_OF_A_ROW = frozenset(map(plain, ("completions", "responses", "answers", "candidates", "outputs")))
"""Lists of objects that a single row has."""

Kind = Literal["row", "rows", "list", "table", "columns", "numbered columns", "by id"]


@dataclass(frozen=True)
class Shape:
    """Where the rows of a file's JSON stand.

    Attributes:
        kind: `row`, the object is one itself; `rows`, objects one after another; `list`, in a list of objects;
            `table`, in a list of lists; `columns`, in a list for each column; `numbered columns`, in an object for
            each column, by the row's number, as pandas writes them; `by id`, in an object of them.
        path: The names that lead to the list, the table or the columns.
        columns: The columns' names, where they do not stand in each row.
        beside: What the file says of all rows: the scalars of the object.
    """

    kind: Kind
    path: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    beside: Mapping[str, Any] | None = None


class Cut(list[Any]):
    """The first elements of a list, and how many it has."""

    length = 0


def shape_of(data: dict[str, Any]) -> Shape:
    """The shape of an object, of which lists may be `Cut` and objects shortened.

    Example:
        >>> shape_of({"prompt": ["p", "q"], "chosen": ["a", "b"], "model": "org/m"})
        Shape(kind='columns', path=(), columns=('prompt', 'chosen'), beside={'model': 'org/m'})
    """
    beside = {key: value for key, value in data.items() if isinstance(value, str | int | float)}
    return _shape(data, (), beside)


def _shape(data: dict[str, Any], path: tuple[str, ...], beside: Mapping[str, Any]) -> Shape:
    columns, table = data.get("columns"), data.get("data")
    if isinstance(columns, list) and isinstance(table, list) and all(isinstance(row, list) for row in table):
        return Shape("table", (*path, "data"), tuple(map(str, columns)), beside)
    lists = {key: value for key, value in data.items() if isinstance(value, list)}
    if not _ROW & {plain(key) for key, value in data.items() if not isinstance(value, list | dict)}:
        held = [key for key, value in lists.items() if value and all(_is_row(each, key) for each in value)]
        named = [key for key in WRAPPERS if key in held]
        outer = next((key for key in WRAPPERS if isinstance(data.get(key), dict)), None)
        if not lists and outer is not None and any(isinstance(data[outer].get(key), list) for key in WRAPPERS):
            return _shape(data[outer], (*path, outer), beside)
        if named or len(held) == 1:
            return Shape("list", (*path, (named or held)[0]), (), beside)
        if _are_columns(lists):
            return Shape("columns", path, tuple(lists), beside)
    objects = {key: value for key, value in data.items() if isinstance(value, dict)}
    if len(objects) == len(data) and data:
        keys = {tuple(value) for value in objects.values()}
        if all(key.isdigit() for each in keys for key in each) and len(keys) == 1 and next(iter(keys)):
            return Shape("numbered columns", path, tuple(objects), beside)
        if all(_is_row(value, "") for value in objects.values()) and len(objects) > 1:
            return Shape("by id", path, (), beside)
    return Shape("row")


def rows_of(shape: Shape, values: Callable[[tuple[str, ...], bool], Iterator[Any]]) -> Iterator[Any]:
    """The rows, one by one; what is no object in their place comes as it is.

    Args:
        shape: Where they stand.
        values: From the names that lead to a list, or with True to an object, to its values, or its names and values.
    """
    path, columns = shape.path, shape.columns
    match shape.kind:
        case "list":
            yield from values(path, False)
        case "table":
            for row in values(path, False):
                yield dict(zip(columns, row, strict=False)) if isinstance(row, list) else row
        case "by id":
            for key, value in values(path, True):
                yield {"id": key, **value} if isinstance(value, dict) else value
        case kind:
            numbered = kind == "numbered columns"
            for cells in zip(*(values((*path, name), numbered) for name in columns), strict=True):
                yield dict(zip(columns, (cell[1] for cell in cells) if numbered else cells, strict=True))


def _are_columns(lists: Mapping[str, list[Any]]) -> bool:
    """Whether lists are columns, all of one length; values beside them that are no lists are of the whole file."""
    lengths = {getattr(values, "length", len(values)) for values in lists.values()}
    within = all(
        isinstance(value, dict) and not _is_row(value, key) for key, values in lists.items() for value in values
    )
    return len(lengths) == 1 and bool(next(iter(lengths))) and not within


def _is_row(value: object, key: str) -> bool:
    """Whether an object in the list of this name can be a row: no turn, and no answer within one."""
    return isinstance(value, dict) and plain(key) not in _OF_A_ROW and not any(value.keys() >= turn for turn in _TURNS)
