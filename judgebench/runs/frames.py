"""Runs as tables with typed columns, for pandas, Parquet files and datasets: judgements, outcomes and scores.

A column has its type whatever its first rows hold, so that one that begins with nulls is what it is everywhere else.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal, get_args

from judgebench.errors import unknown_name
from judgebench.items import TIE
from judgebench.runs.outcomes import parts_of, samples_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pandas as pd
    import pyarrow as pa

    from judgebench.items import Item
    from judgebench.metrics.summary import Metrics
    from judgebench.runs.judgements import Judgement
    from judgebench.runs.manifest import Name

    Row = dict[str, Any]

TableName = Literal["judgements", "outcomes", "scores"]
"""A line a reply; a line an item; a line a score (of the whole, of each section and subset)."""

IDENTITY = ("benchmark", "judge", "template", "protocol", "run")
"""Whose line it is, before the table's own columns; `run` is what tells it from the others of the table."""

_TEXT, _WHOLE, _REAL, _YES_NO = "text", "whole", "real", "yes or no"
_NAMED, _TURNS = "named numbers", "turns"

_COLUMNS: dict[str, dict[str, str]] = {
    "judgements": {
        "item": _TEXT,
        "subset": _TEXT,
        "order": f"list of {_WHOLE}",
        "sample": _WHOLE,
        "turn": _WHOLE,
        "verdict": _TEXT,
        "rating": _REAL,
        "choice": _WHOLE,
        "failure": _TEXT,
        "failure_detail": _TEXT,
        "ranking": _TEXT,
        "parts": _NAMED,
        "probabilities": _NAMED,
        "mass": _REAL,
        "also": f"list of {_TEXT}",
        "reply": _TEXT,
        "reasoning": _TEXT,
        "finish_reason": _TEXT,
        "served_model": _TEXT,
        "prompt_tokens": _WHOLE,
        "completion_tokens": _WHOLE,
        "reasoning_tokens": _WHOLE,
        "cached_prompt_tokens": _WHOLE,
        "cost_usd": _REAL,
        "latency_s": _REAL,
        "cached": _YES_NO,
        "key": _TEXT,
    },
    "outcomes": {
        "item": _TEXT,
        "subset": _TEXT,
        "credit": _REAL,
        "low": _REAL,
        "high": _REAL,
        "verdicts": f"list of {_TEXT}",
        "scores": f"list of list of {_REAL}",
        "parts": _NAMED,
    },
    "scores": {
        "level": _TEXT,
        "name": _TEXT,
        "score": _REAL,
        "low": _REAL,
        "high": _REAL,
        "items": _WHOLE,
        "measure": _TEXT,
    },
    "items": {
        "benchmark": _TEXT,
        "item": _TEXT,
        "subset": _TEXT,
        "num_correct": _WHOLE,
        "conversation": _TURNS,
        "completions": f"list of {_TURNS}",
        "metadata": _TEXT,
    },
}
_AS_THEY_ARE = (
    *("reply", "reasoning", "finish_reason", "served_model"),
    *("cost_usd", "latency_s", "cached", "key"),
)
_MAY_LACK = frozenset({"choice"})
"""Columns of whole numbers with gaps."""


def check_table(name: str) -> TableName:
    """A table's name.

    Raises:
        ConfigError: There is no such table.
    """
    for known in get_args(TableName):
        if name == known:
            return known  # type: ignore[no-any-return]
    raise unknown_name("table", name, get_args(TableName))


def judgement_rows(judgements: Iterable[Judgement]) -> Iterator[Row]:
    """A row a judgement; `verdict` is a slot's letter or `tie`, a number stands under `rating`."""
    for each in judgements:
        reading, failure = each.reading, each.failure
        rating = reading.rating
        yield {
            "item": each.item,
            "subset": each.subset,
            "order": list(each.order),
            "sample": each.sample,
            "turn": each.turn,
            "verdict": None if failure is not None or rating is not None else str(each.verdict or TIE),
            "rating": rating,
            "choice": reading.choice,
            "failure": None if failure is None else failure.kind,
            "failure_detail": None if failure is None else failure.detail,
            "ranking": each.ranking,
            "parts": None if each.parts is None else _named(each.parts.items()),
            "probabilities": None if each.probabilities is None else _named(each.probabilities.items()),
            "mass": each.mass,
            "also": None if each.also is None else [v if isinstance(v, str) else f"{v:g}" for v in each.also],
            **asdict(each.usage),
            **{name: getattr(each, name) for name in _AS_THEY_ARE},
        }


def outcome_rows(outcomes: Iterable[Mapping[str, Any]]) -> Iterator[Row]:
    """A row an item, from the lines of `outcomes.jsonl`; where there are no bounds, these are the credit itself."""
    for each in outcomes:
        credit, parts = each["credit"], parts_of(each)
        verdicts = each.get("verdicts")
        yield {
            "item": each["item"],
            "subset": each["subset"],
            "credit": credit,
            "low": each.get("low", credit),
            "high": each.get("high", credit),
            "verdicts": None if verdicts is None else [str(said) for said in verdicts],
            "scores": samples_of(each) or None,
            "parts": _named(parts.items()) if parts else None,
        }


def score_rows(metrics: Metrics) -> Iterator[Row]:
    """A row a score: of the whole (`level` is `score`), of each section and each subset."""
    n = sum(each.n for each in metrics.subsets.values())
    whole = {"score": metrics.score, "low": metrics.low, "high": metrics.high}
    yield {"level": "score", "name": "", **whole, "items": n, "measure": metrics.measure}
    for level, among in (("section", metrics.sections), ("subset", metrics.subsets)):
        for name, each in among.items():
            found = {"score": each.score, "low": each.low, "high": each.high, "items": each.n}
            yield {"level": level, "name": name, **found, "measure": metrics.measure}


def item_rows(benchmark: str, items: Iterable[Item]) -> Iterator[Row]:
    """A row an item, with its texts; its further columns as one JSON object."""
    for each in items:
        yield {
            "benchmark": benchmark,
            "item": each.id,
            "subset": each.subset,
            "num_correct": each.num_correct,
            "conversation": [turn.message for turn in each.conversation],
            "completions": [[turn.message for turn in completion.turns] for completion in each.completions],
            "metadata": json.dumps(dict(each.metadata), default=str),
        }


def identity(benchmark: str, name: Name, title: str) -> Row:
    """The columns that say whose line it is; `title` is the run's label beside the others of the table."""
    return dict(zip(IDENTITY, (benchmark, name.judge, name.wording, name.protocol, title), strict=True))


def _named(pairs: Iterable[tuple[str, float]]) -> list[Row]:
    return [{"name": name, "value": float(value)} for name, value in pairs]


def schema_of(table: str, *, whose: bool = True) -> pa.Schema:
    """The columns of a table, with their types.

    Args:
        table: Its name, or `items`.
        whose: Whether the columns that say whose line it is stand before them.
    """
    import pyarrow as pa

    columns = {**(dict.fromkeys(IDENTITY, _TEXT) if whose and table != "items" else {}), **_COLUMNS[table]}
    return pa.schema([(name, _type(kind)) for name, kind in columns.items()])


def _type(kind: str) -> pa.DataType:
    import pyarrow as pa

    if kind.startswith("list of "):
        return pa.list_(_type(kind.removeprefix("list of ")))
    if kind == _NAMED:
        return pa.list_(pa.struct([("name", pa.string()), ("value", pa.float64())]))
    if kind == _TURNS:
        return pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    return {_TEXT: pa.string(), _WHOLE: pa.int64(), _REAL: pa.float64(), _YES_NO: pa.bool_()}[kind]


def arrow(rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    r"""Rows as an Arrow table; a lone surrogate, which no file of UTF-8 can hold, is written out as in `\ud800`."""
    import pyarrow as pa

    rows = list(rows)
    columns = {name: [row.get(name) for row in rows] for name in schema.names}
    try:
        return pa.table(columns, schema=schema)
    except UnicodeEncodeError:
        return pa.table({name: _storable(values) for name, values in columns.items()}, schema=schema)


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list):
        return [_storable(each) for each in value]
    if isinstance(value, dict):
        return {name: _storable(each) for name, each in value.items()}
    return value


def pandas_of(table: pa.Table) -> pd.DataFrame:
    """An Arrow table as a pandas one.

    Whole numbers with gaps are `Int64`, text is pandas' own type for it, lists are lists, and named numbers (parts,
    probabilities) a dictionary.
    """
    import pandas as pd
    import pyarrow as pa

    columns = {}
    for field, column in zip(table.schema, table.columns, strict=True):
        if pa.types.is_list(field.type):
            columns[field.name] = pd.Series([_plain(value) for value in column.to_pylist()], dtype=object)
        elif field.name in _MAY_LACK:
            columns[field.name] = column.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
        else:
            columns[field.name] = column.to_pandas()
    return pd.DataFrame(columns)


def _plain(value: Any) -> Any:
    if isinstance(value, list) and value and isinstance(value[0], dict) and "name" in value[0]:
        return {each["name"]: each["value"] for each in value}
    return value


def concatenated(tables: Sequence[pa.Table]) -> pa.Table:
    """Tables of the same columns as one."""
    import pyarrow as pa

    return pa.concat_tables(tables)
