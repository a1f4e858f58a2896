"""Parquet files of judgements of any number of runs, read by DuckDB into numbers: never a Python object a row.

One pass finds the runs and the readings that differ (subset, label, order and what was said), one the items; the last
gives each row as a single whole number made of the three and the sample.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from glob import escape, glob
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.declared import declared_again
from judgebench.errors import ConfigError, DataError
from judgebench.items import FAILURE_KINDS, LABELS, TIE, Failure, ItemKey, Verdict
from judgebench.metrics.votes import JOINS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb

    from judgebench.benchmarks.base import Benchmark
    from judgebench.metrics.resampling import Ints
    from judgebench.metrics.votes import Join

INSTALL = "pip install 'judgebench[large]'"

SUFFIX = ".parquet"
METADATA = "judgebench"
"""The key of what a file says of its benchmarks, as JSON."""

TEXT, WHOLE, REAL, FLAG, ORDER = "text", "whole numbers", "numbers", "true or false", "lists of whole numbers"

COLUMNS: dict[str, tuple[str, Any]] = {
    "benchmark": (TEXT, "custom"),
    "judge": (TEXT, ...),
    "template": (TEXT, "-"),
    "protocol": (TEXT, "-"),
    "run": (TEXT, None),
    "mode": (TEXT, None),
    "aggregate": (TEXT, "mean"),
    "pairs": (TEXT, None),
    "altered": (TEXT, None),
    "placed": (FLAG, True),
    "seed": (WHOLE, 0),
    "item": (TEXT, ...),
    "subset": (TEXT, "all"),
    "num_correct": (WHOLE, 1),
    "label": (TEXT, None),
    "group": (TEXT, None),
    "criteria": (TEXT, None),
    "order": (ORDER, [0]),
    "sample": (WHOLE, 0),
    "verdict": (TEXT, ...),
    "rating": (REAL, None),
    "failure": (TEXT, None),
    "turn": (WHOLE, 0),
    "cached": (FLAG, False),
    "served_model": (TEXT, None),
    "latency_s": (REAL, None),
    "cost_usd": (REAL, None),
    "prompt_tokens": (WHOLE, 0),
    "completion_tokens": (WHOLE, 0),
    "reasoning_tokens": (WHOLE, 0),
    "cached_prompt_tokens": (WHOLE, 0),
}
"""The columns that are read: what they hold, and as what a missing one, or a null, counts; `...` where it must be there."""

_RUN = ("benchmark", "judge", "template", "protocol", "run", "mode", "aggregate", "pairs", "altered", "placed", "seed")
_READING = ("subset", "num_correct", "label", "criteria", "order", "verdict", "rating", "failure")
_SQL = {TEXT: "VARCHAR", WHOLE: "BIGINT", REAL: "DOUBLE", FLAG: "BOOLEAN", ORDER: "BIGINT[]"}
_WHOLE_TYPES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
_MOST_READINGS, _MOST_NUMBER = 1_000_000, 2**62
_MEMORY = "512MB"


def judgement_files(paths: Sequence[str | Path]) -> list[Path] | None:
    """The Parquet files that paths name: files, patterns such as `parts/*.parquet`, and folders that have some.

    A folder with `judgements.parquet` in it (a dataset of `judgebench export`) stands for that file alone.

    Returns:
        None where no path names a Parquet file: they are folders of runs.

    Raises:
        ConfigError: Some do and some don't, or a file is missing.
    """
    found = [_files_of(Path(path)) for path in paths]
    if not any(found):
        return None
    for path, files in zip(paths, found, strict=True):
        if not files:
            raise ConfigError(f"{path}: not a Parquet file of judgements, as the others are: name one kind of them")
    every = [file for files in found for file in files or ()]
    for file in every:
        if not file.is_file():
            raise ConfigError(f"{file}: file not found")
    return list(dict.fromkeys(every))


def _files_of(path: Path) -> list[Path]:
    if path.is_dir():
        whole = path / f"judgements{SUFFIX}"
        return [whole] if whole.exists() else sorted(path.glob(f"*{SUFFIX}"))
    if path.suffix.lower() != SUFFIX:
        return []
    return [path] if path.exists() else sorted(map(Path, glob(str(path)))) or [path]


class Said(NamedTuple):
    """A reading as many rows may have it.

    Attributes:
        key: The item that it is of, without its id.
        order: The completion shown in each slot.
        result: A verdict or a failure.
    """

    key: ItemKey
    order: tuple[int, ...]
    result: Verdict | Failure


@dataclass(frozen=True, slots=True)
class FileRun:
    """One run of a file.

    Attributes:
        name: What the file calls it, where there are several of one judge, template and protocol.
        join: How its readings become one before the benchmark's rule.
        usage: What its replies took, by the fields of `judgebench.metrics.summary.Usage`.
    """

    judge: str
    template: str
    protocol: str
    name: str | None
    mode: str | None
    join: Join
    pairs: str | None
    altered: str | None
    placed: bool
    seed: int
    usage: dict[str, Any]


@dataclass(frozen=True)
class FileBoard:
    """The judgements of one benchmark.

    Attributes:
        said: What the rows say.
        groups: The number of the group of each item, shape (items,); None where items are by themselves.
        items: How many items there are.
    """

    benchmark: Benchmark
    runs: tuple[FileRun, ...]
    said: tuple[Said, ...]
    items: int
    groups: Ints | None
    samples: int
    _rows: Ints = field(repr=False)
    _starts: Ints = field(repr=False)

    def rows_of(self, run: int) -> tuple[Ints, Ints, Ints]:
        """Item, reading and sample of each row of a run, by item and reading."""
        rows = self._rows[self._starts[run] : self._starts[run + 1]]
        rest, sample = np.divmod(rows, self.samples)
        rest, said = np.divmod(rest, len(self.said))
        return rest % self.items, said, sample


class JudgementFile:
    """Parquet files of judgements, opened.

    Args:
        paths: The files.

    Raises:
        ConfigError: DuckDB is not installed.
        DataError: A file cannot be read, lacks a column, has one of another type, or has no rows.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = paths
        self.where = str(paths[0]) if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
        try:
            import duckdb
        except ImportError:
            raise ConfigError(f"{self.where}: Parquet files of judgements need one more library: {INSTALL}") from None
        self._error = duckdb.Error
        self._sql = duckdb.connect()
        self._sql.execute(f"SET memory_limit='{_MEMORY}'; SET preserve_insertion_order=false")
        self.columns = self._known_columns()
        self._sql.execute(f"CREATE VIEW rows AS SELECT {', '.join(map(self._column, COLUMNS))} FROM {self._source}")

    @cached_property
    def benchmarks(self) -> tuple[str, ...]:
        """The names of the benchmarks."""
        return tuple(name for (name,) in self._all("SELECT DISTINCT benchmark FROM rows ORDER BY 1"))

    @property
    def _source(self) -> str:
        # A bracket in a name is no pattern.
        names = ", ".join(_text(escape(str(path))) for path in self.paths)
        return f"read_parquet([{names}], union_by_name={str(len(self.paths) > 1).lower()})"

    def _known_columns(self) -> set[str]:
        known: set[str] = set()
        for path in self.paths:
            source = f"read_parquet({_text(escape(str(path)))})"
            try:
                found = dict(row[:2] for row in self._sql.execute(f"DESCRIBE SELECT * FROM {source}").fetchall())
            except self._error as error:
                raise DataError(f"{path}: not a valid Parquet file ({_first_line(error)}); write it again") from None
            for name, (kind, default) in COLUMNS.items():
                if name in found and not _fits(found[name], kind):
                    raise DataError(f"{path}: column '{name}' has the type {found[name]}, expected {kind}")
                if name not in found and default is ...:
                    raise DataError(
                        f"{path}: no column '{name}' (columns: {', '.join(list(found)[:20]) or 'none'}); expected "
                        "judgements, as judgebench export --to dataset writes them"
                    )
            known |= found.keys()
        return known

    def _column(self, name: str) -> str:
        kind, default = COLUMNS[name]
        if name not in self.columns:
            value = "NULL"
        elif name in {"benchmark", "sample"}:  # the others' nulls are filled in where few rows are left
            value = f'coalesce("{name}", {_text(str(default))})'
        else:
            value = f'"{name}"'
        return f'{value}::{_SQL[kind]} AS "{name}"'

    def board(self, benchmark: str) -> FileBoard:
        """The judgements of one benchmark.

        Raises:
            DataError: Rows that cannot be counted: without item or verdict, doubled, or at odds with others.
            ConfigError: The benchmark is not known.
        """
        some = "rows" if len(self.benchmarks) == 1 else f"(SELECT * FROM rows WHERE benchmark = {_text(benchmark)})"
        self._find_cells(some)
        runs, said = self._runs(), self._said()
        items, groups = self._items(some)
        samples = self._samples()
        if len(runs) * items * len(said) * samples > _MOST_NUMBER:
            raise DataError(f"{self.where}: too many different rows to be numbered; split it by subset")
        rows = self._sql.execute(
            f"SELECT ((c.run_code * {items} + i.code) * {len(said)} + c.said_code) * {samples} + p.sample AS code FROM {some} p "
            f"JOIN numbered c ON c.hash = hash({self._list(_RUN + _READING, 'p')}) JOIN items i ON i.item = p.item"
        ).fetchnumpy()["code"]
        rows = np.asarray(rows, dtype=np.int64)
        rows.sort()
        each = items * len(said) * samples
        starts = np.searchsorted(rows, np.arange(len(runs) + 1, dtype=np.int64) * each)
        return FileBoard(self._benchmark(benchmark), runs, said, items, groups, samples, rows, starts)

    def item_ids(self, numbers: Sequence[int]) -> list[str]:
        """The ids of items of the board that was made last, by their numbers."""
        found = dict(self._all(f"SELECT code, item FROM items WHERE code IN ({', '.join(map(str, numbers)) or 'NULL'})"))
        return [found[number] for number in numbers]

    def _list(self, names: Sequence[str], table: str = "") -> str:
        """Those of the columns that are there."""
        return ", ".join(f'{table}."{name}"' if table else f'"{name}"' for name in names if name in self.columns | {"benchmark"})

    def _find_cells(self, some: str) -> None:
        """What differs in more than the item: a line for each, with its run, its reading and what its rows took."""
        sent = " OR ".join(f"{name} IS NOT NULL" for name in ("served_model", "latency_s") if name in self.columns)
        paid, tokens = "cached IS DISTINCT FROM true", [name for name in _TOKENS if name in self.columns]
        figures = {
            "n_cached": "count(*) FILTER (WHERE cached)" if "cached" in self.columns else "0",
            "n_repairs": "count(*) FILTER (WHERE turn > 0)" if "turn" in self.columns else "0",
            "n_calls": f"count(*) FILTER (WHERE {paid})",
            **{name: f"sum({name})" if name in tokens else "0" for name in _TOKENS},
            "cost": "sum(cost_usd)",
            "n_unknown": "count(*) - count(cost_usd)",
            "n_unknown_sent": f"count(*) FILTER (WHERE cost_usd IS NULL AND ({sent}))" if sent else "0",
            "spent": f"sum(cost_usd) FILTER (WHERE {paid})" if "cached" in self.columns else "sum(cost_usd)",
        }
        there, lacking = ([n for n in _RUN + _READING if (n in self.columns | {"benchmark"}) == is_there] for is_there in (True, False))
        constants = ", ".join(f'NULL::{_SQL[COLUMNS[name][0]]} AS "{name}"' for name in lacking)
        self._sql.execute(
            f"CREATE OR REPLACE TABLE cells AS SELECT *{', ' * bool(lacking)}{constants} FROM (SELECT "
            f"hash({self._list(_RUN + _READING)}) AS hash, {_firsts(there)}, "
            "first(item) AS item, max(sample) AS sample, min(sample) AS least, "
            f"{', '.join(f'{sql} AS {name}' for name, sql in figures.items())} FROM {some} GROUP BY 1)"
        )
        (count,) = self._all("SELECT count(*) FROM cells")[0]
        if not count:
            raise DataError(f"{self.where}: no rows; export runs that have judgements")
        run, reading = (", ".join(f'"{name}"' for name in names) for names in (_RUN, _READING))
        # By order first, so that rows of one order of an item stand together.
        self._sql.execute(
            f"CREATE OR REPLACE TABLE numbered AS SELECT hash, dense_rank() OVER (ORDER BY {run}) - 1 AS run_code, "
            f'dense_rank() OVER (ORDER BY "order", {reading}) - 1 AS said_code FROM cells'
        )

    def _runs(self) -> tuple[FileRun, ...]:
        found = []
        calls = "sum(CASE WHEN failure IN ('not_cached', 'not_asked') THEN 0 ELSE n_calls END)"
        unknown = "sum(CASE WHEN failure IS NULL THEN n_unknown ELSE n_unknown_sent END)"
        sums = ", ".join(["sum(n_cached)", "sum(n_repairs)", calls, *(f"sum({name})" for name in _TOKENS), "sum(cost)", unknown, "sum(spent)"])
        for row in self._all(
            f"SELECT {_firsts(_RUN)}, {sums} FROM cells JOIN numbered USING (hash) GROUP BY run_code ORDER BY run_code"
        ):
            whose = dict(zip(_RUN, _filled(_RUN, row), strict=True))
            cached, repairs, calls, *tokens, cost, unknown, spent = row[len(_RUN) :]
            if whose["judge"] is None:
                raise DataError(f"{self.where}: a row without a judge; fill the column 'judge'")
            if whose["aggregate"] not in JOINS:
                raise DataError(
                    f"{self.where}: aggregate is '{whose['aggregate']}', expected one of {', '.join(JOINS)}"
                )
            usage = dict(zip(_TOKENS, (int(each or 0) for each in tokens), strict=True))
            usage |= {"cached": int(cached), "repairs": int(repairs), "calls": int(calls), "may_have_cost_usd": None}
            usage |= {"cost_usd": None if unknown else cost or 0.0, "spent_usd": None if unknown else spent or 0.0}
            del whose["benchmark"]
            found.append(FileRun(usage=usage, name=whose.pop("run"), join=whose.pop("aggregate"), **whose))
        return tuple(found)

    def _said(self) -> tuple[Said, ...]:
        (count,) = self._all("SELECT max(said_code) + 1 FROM numbered")[0]
        if count > _MOST_READINGS:
            raise DataError(f"{self.where}: {count:,} different readings, too many to be counted by kind; {ORDINARY}")
        rows = self._all(
            f"SELECT {_firsts(_READING)}, first(item), first(judge) FROM cells JOIN numbered USING (hash) "
            "GROUP BY said_code ORDER BY said_code"
        )
        return tuple(self._one(*_filled(_READING, row), *row[len(_READING) :]) for row in rows)

    def _one(self, *row: Any) -> Said:
        subset, num_correct, label, criteria, order, verdict, rating, failure, item, judge = row
        where = f"{self.where}: judge {judge}, item {item}"
        if order is None or not order or any(at is None or at < 0 for at in order):
            raise DataError(f"{where}: order is {order}, expected the completion shown in each slot, from 0 on")
        if sum(each is not None for each in (verdict, rating, failure)) != 1:
            raise DataError(f"{where}: expected a verdict or a failure, found {'both' if failure else 'neither'}")
        if failure is not None and failure not in FAILURE_KINDS:
            raise DataError(f"{where}: failure is '{failure}', expected one of {', '.join(FAILURE_KINDS)}")
        k = len(order)
        if verdict is not None and k > 1 and verdict != TIE and verdict not in {*LABELS[:k]}:
            raise DataError(f"{where}: verdict is '{verdict}', expected a slot of {k} ({', '.join(LABELS[:k])}) or {TIE}")
        result = Failure(failure) if failure is not None else Verdict(verdict if rating is None else float(rating))
        key = ItemKey("", subset, k, num_correct if k > 1 else 0, (0,) * k, label, criteria=criteria)
        return Said(key, tuple(order), result)

    def _items(self, some: str) -> tuple[int, Ints | None]:
        """How many items there are, and the number of each one's group, where any has one."""
        grouped = "group" in self.columns
        more = ', first("group") AS "group", min(hash("group")) = max(hash("group")) AS one' if grouped else ""
        self._sql.execute(
            f"CREATE OR REPLACE TABLE items AS SELECT row_number() OVER () - 1 AS code, * FROM (SELECT item{more} "
            f"FROM {some} GROUP BY item)"
        )
        count, named = self._all("SELECT count(*), count(item) FROM items")[0]
        if named < count:
            raise DataError(f"{self.where}: a row without an item; fill the column 'item'")
        if not grouped:
            return count, None
        if several := self._all("SELECT item FROM items WHERE NOT one LIMIT 1"):
            raise DataError(f"{self.where}: item {several[0][0]} is in several groups; give it one")
        if not self._all('SELECT count("group") FROM items')[0][0]:
            return count, None
        codes = self._sql.execute(
            'SELECT CASE WHEN "group" IS NULL THEN code ELSE $1 + dense_rank() OVER (ORDER BY "group") END AS code '
            "FROM items ORDER BY items.code",
            [count],
        ).fetchnumpy()["code"]
        return count, np.asarray(codes, dtype=np.int64)

    def _samples(self) -> int:
        low, high = self._all("SELECT min(least), max(sample) FROM cells")[0]
        if low < 0:
            raise DataError(f"{self.where}: sample is {low}, expected the number of the repetition, from 0 on")
        return int(high) + 1

    def _benchmark(self, name: str) -> Benchmark:
        said = self._declared.get(name)
        return get_benchmark(name) if said is None else declared_again(said)

    @cached_property
    def _declared(self) -> dict[str, Any]:
        """The benchmarks that files declare, as the Parquet files' own metadata have them."""
        found: dict[str, Any] = {}
        for path in self.paths:
            for key, value in self._all(f"SELECT key, value FROM parquet_kv_metadata({_text(escape(str(path)))})"):
                if bytes(key) == METADATA.encode():
                    found |= json.loads(bytes(value))["benchmarks"]
        return found

    def _all(self, query: str) -> list[tuple[Any, ...]]:
        return self._sql.execute(query).fetchall()


_TOKENS = ("prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_prompt_tokens")
ORDINARY = "score such runs by judgebench leaderboard DIR and judgebench report RUN..."


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _filled(names: Sequence[str], row: Sequence[Any]) -> Iterator[Any]:
    """The columns of a row, with what a null counts as."""
    for name, value in zip(names, row, strict=False):
        default = COLUMNS[name][1]
        yield default if value is None and default is not ... else value


def _firsts(names: Sequence[str]) -> str:
    return ", ".join(f'first("{name}") AS "{name}"' for name in names)


def _fits(found: str, kind: str) -> bool:
    if kind == TEXT:
        return found == "VARCHAR" or found in _WHOLE_TYPES or found.startswith("ENUM")
    if kind == ORDER:
        return found.endswith("[]") and found.removesuffix("[]") in _WHOLE_TYPES
    if kind == REAL:
        return found in {"DOUBLE", "FLOAT", *_WHOLE_TYPES} or found.startswith("DECIMAL")
    return found == "BOOLEAN" if kind == FLAG else found in _WHOLE_TYPES


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
