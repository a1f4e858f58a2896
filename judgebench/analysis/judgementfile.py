"""Parquet files of judgements of any number of runs, read by DuckDB into numbers: never a Python object a row.

One pass finds the runs and the readings that differ (subset, label, order and what was said), one the items; the last
gives each row as a single whole number made of the three and the sample.
"""

from __future__ import annotations

import json
from functools import cached_property
from glob import escape
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any

import numpy as np

from judgebench.analysis.judgementcolumns import (
    COLUMNS,
    FLAG,
    INSTALL,
    METADATA,
    ORDER,
    REAL,
    SUFFIX,
    TEXT,
    WHOLE,
    FileBoard,
    FileRun,
    SaidReading,
    SampledItem,
    fits,
)
from judgebench.benchmarks import get_benchmark
from judgebench.errors import ConfigError, DataError
from judgebench.items import FAILURE_KINDS, LABELS, TIE, Failure, ItemKey, Verdict
from judgebench.metrics.votes import JOINS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import duckdb

    from judgebench.benchmarks.base import Benchmark
    from judgebench.metrics.resampling import Ints

_RUN = ("benchmark", "judge", "template", "protocol", "run", "mode", "aggregate", "pairs", "altered", "placed", "seed")
_READING = ("subset", "num_correct", "label", "criteria", "order", "verdict", "rating", "failure")
_CELL = (*_RUN, *_READING, "cached")
_SQL = {TEXT: "VARCHAR", WHOLE: "BIGINT", REAL: "DOUBLE", FLAG: "BOOLEAN", ORDER: "BIGINT[]"}
_MOST_READINGS, _MOST_NUMBER = 1_000_000, 2**62
_MEMORY = "512MB"


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
        self._error, self._full = duckdb.Error, duckdb.OutOfMemoryException
        self._sql = duckdb.connect()
        spilled = _text(gettempdir())
        self._sql.execute(f"SET memory_limit='{_MEMORY}'; SET preserve_insertion_order=false")
        self._sql.execute(f"SET temp_directory={spilled}")
        self.columns = self._known_columns()
        self._sql.execute(f"CREATE VIEW rows AS SELECT {', '.join(map(self._column, COLUMNS))} FROM {self._source}")

    @cached_property
    def benchmarks(self) -> tuple[str, ...]:
        """The names of the benchmarks.

        Raises:
            DataError: There are no rows, or they cannot be read.
        """
        found = tuple(name for (name,) in self._all("SELECT DISTINCT benchmark FROM rows ORDER BY 1"))
        if not found:
            raise DataError(f"{self.where}: no rows; export runs that have judgements")
        return found

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
                if name in found and not fits(found[name], kind):
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
        value = f'"{name}"' if name in self.columns else "NULL"
        if name in {"benchmark", "sample"}:  # the others' nulls are filled in where few rows are left
            value = f"coalesce({value}, {default if kind == WHOLE else _text(default)})"
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
        rows = self._run(
            f"SELECT ((c.run_code * {items} + i.code) * {len(said)} + c.said_code) * {samples} + p.sample AS code "
            f"FROM {some} p "
            f"JOIN numbered c ON c.hash = hash({self._list(_CELL, 'p')}) JOIN items i ON i.item = p.item"
        ).fetchnumpy()["code"]
        rows = np.asarray(rows, dtype=np.int64)
        rows.sort()
        each = items * len(said) * samples
        starts = np.searchsorted(rows, np.arange(len(runs) + 1, dtype=np.int64) * each)
        return FileBoard(self._benchmark(benchmark), runs, said, items, groups, samples, rows, starts)

    def some_items(self, benchmark: str, number: int, seed: int = 0) -> tuple[SampledItem, ...]:
        """Items of the board that was made last, drawn from the seed, with their texts where these lie beside the file.

        Args:
            benchmark: Its name.
            number: How many at most.
            seed: Of the drawing.
        """
        ids = dict(sorted(self._all(f"SELECT item, code FROM items ORDER BY hash(item, {seed}), item LIMIT {number}")))
        texts = self._texts(benchmark, list(ids))
        return tuple(SampledItem(at, item, *texts.get(item, ("", ()))) for item, at in ids.items())

    def _texts(self, benchmark: str, ids: Sequence[str]) -> dict[str, tuple[str, tuple[str, ...]]]:
        """Prompt and completions of items, from `items.parquet` of the same export."""
        beside = self.paths[0].with_name(f"items{SUFFIX}")
        if not beside.exists() or not ids:
            return {}
        try:
            rows = self._sql.execute(
                f"SELECT item, conversation, completions FROM read_parquet({_text(escape(str(beside)))}) "
                f"WHERE benchmark = {_text(benchmark)} AND item IN ({', '.join(map(_text, ids))})"
            ).fetchall()
        except self._error:  # another table of that name
            return {}
        return {item: (_said_in(turns), tuple(map(_said_in, answers))) for item, turns, answers in rows}

    def _list(self, names: Sequence[str], table: str = "") -> str:
        """Those of the columns that are there."""
        return ", ".join(
            f'{table}."{name}"' if table else f'"{name}"' for name in names if name in self.columns | {"benchmark"}
        )

    def _find_cells(self, some: str) -> None:
        """What differs in more than the item: a line for each, with its run, its reading and what its rows took."""
        sent = " OR ".join(f"{name} IS NOT NULL" for name in ("served_model", "latency_s") if name in self.columns)
        figures = {
            "n": "count(*)",
            "n_repairs": "count(*) FILTER (WHERE turn > 0)" if "turn" in self.columns else "0",
            **{name: f"sum({name})" if name in self.columns else "0" for name in _TOKENS},
            "cost": "sum(cost_usd)",
            "n_unknown": "count(*) - count(cost_usd)",
            "n_unknown_sent": f"count(*) FILTER (WHERE cost_usd IS NULL AND ({sent}))" if sent else "0",
        }
        there, lacking = (
            [n for n in _CELL if (n in self.columns | {"benchmark"}) == is_there] for is_there in (True, False)
        )
        constants = ", ".join(f'NULL::{_SQL[COLUMNS[name][0]]} AS "{name}"' for name in lacking)
        self._run(
            f"CREATE OR REPLACE TABLE cells AS SELECT *{', ' * bool(lacking)}{constants} FROM (SELECT "
            f"hash({self._list(_CELL)}) AS hash, {_firsts(there)}, "
            "first(item) AS item, max(sample) AS sample, min(sample) AS least, "
            f"{', '.join(f'{sql} AS {name}' for name, sql in figures.items())} FROM {some} GROUP BY 1)"
        )
        run, reading = (", ".join(f'"{name}"' for name in names) for names in (_RUN, _READING))
        # By order first, so that rows of one order of an item stand together.
        self._run(
            f"CREATE OR REPLACE TABLE numbered AS SELECT hash, dense_rank() OVER (ORDER BY {run}) - 1 AS run_code, "
            f'dense_rank() OVER (ORDER BY "order", {reading}) - 1 AS said_code FROM cells'
        )

    def _runs(self) -> tuple[FileRun, ...]:
        found = []
        paid = "cached IS DISTINCT FROM true"
        sent = "failure IS NULL OR failure NOT IN ('not_cached', 'not_asked')"
        sums = (
            f"sum(n) FILTER (WHERE cached), sum(n_repairs), sum(n) FILTER (WHERE {paid} AND ({sent})), "
            f"{', '.join(f'sum({name})' for name in _TOKENS)}, sum(cost), "
            f"sum(CASE WHEN failure IS NULL THEN n_unknown ELSE n_unknown_sent END), sum(cost) FILTER (WHERE {paid})"
        )
        for row in self._all(
            f"SELECT {_firsts(_RUN)}, {sums} FROM cells JOIN numbered USING (hash) GROUP BY run_code ORDER BY run_code"
        ):
            whose = dict(zip(_RUN, _filled(_RUN, row), strict=True))
            cached, repairs, calls, *tokens, cost, unknown, spent = row[len(_RUN) :]
            if whose["judge"] is None:
                raise DataError(f"{self.where}: a row without a judge; fill the column 'judge'")
            if whose["seed"] < 0:
                raise DataError(f"{self.where}: seed is {whose['seed']}, expected 0 or more")
            if whose["aggregate"] not in JOINS:
                raise DataError(
                    f"{self.where}: aggregate is '{whose['aggregate']}', expected one of {', '.join(JOINS)}"
                )
            usage: dict[str, Any] = dict(zip(_TOKENS, (int(each or 0) for each in tokens), strict=True))
            usage |= {
                "cached": int(cached or 0),
                "repairs": int(repairs),
                "calls": int(calls or 0),
                "may_have_cost_usd": None,
            }
            # As metrics.json has them: a sum depends on the order of the rows, but not in the digits that prices have.
            cost, spent = (None if unknown else round(each or 0.0, 10) for each in (cost, spent))
            usage |= {"cost_usd": cost, "spent_usd": spent}
            del whose["benchmark"]
            found.append(FileRun(usage=usage, name=whose.pop("run"), join=whose.pop("aggregate"), **whose))
        return tuple(found)

    def _said(self) -> tuple[SaidReading, ...]:
        (count,) = self._all("SELECT max(said_code) + 1 FROM numbered")[0]
        if count > _MOST_READINGS:
            raise DataError(f"{self.where}: {count:,} different readings, too many to be counted by kind; {ORDINARY}")
        rows = self._all(
            f"SELECT {_firsts(_READING)}, first(item), first(judge) FROM cells JOIN numbered USING (hash) "
            "GROUP BY said_code ORDER BY said_code"
        )
        return tuple(self._one(*_filled(_READING, row), *row[len(_READING) :]) for row in rows)

    def _one(self, *row: Any) -> SaidReading:
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
            raise DataError(
                f"{where}: verdict is '{verdict}', expected a slot of {k} ({', '.join(LABELS[:k])}) or {TIE}"
            )
        if k > 1 and not 0 <= num_correct <= k:
            raise DataError(
                f"{where}: num_correct is {num_correct}, expected 0 to {k}, as many as there are completions"
            )
        if k > 1 and label is not None and (label != TIE or k > 2):
            expected = f"{TIE} or null" if k == 2 else "null"
            raise DataError(
                f"{where}: label is '{label}', expected {expected} for {k} completions: which are correct is told by "
                "their numbers in order, the correct ones first"
            )
        result = Failure(failure) if failure is not None else Verdict(verdict if rating is None else float(rating))
        key = ItemKey("", subset, k, num_correct if k > 1 else 0, (0,) * k, label, criteria=criteria)
        return SaidReading(key, tuple(order), result)

    def _items(self, some: str) -> tuple[int, Ints | None]:
        """How many items there are, and the number of each one's group, where any has one."""
        grouped = "group" in self.columns
        more = ', first("group") AS "group", min(hash("group")) = max(hash("group")) AS one' if grouped else ""
        self._run(
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
        codes = self._run(
            f'SELECT CASE WHEN "group" IS NULL THEN code ELSE {count} + dense_rank() OVER (ORDER BY "group") END '
            "AS code FROM items ORDER BY items.code"
        ).fetchnumpy()["code"]
        return count, np.asarray(codes, dtype=np.int64)

    def _samples(self) -> int:
        low, high = self._all("SELECT min(least), max(sample) FROM cells")[0]
        if low < 0:
            raise DataError(f"{self.where}: sample is {low}, expected the number of the repetition, from 0 on")
        return int(high) + 1

    def _benchmark(self, name: str) -> Benchmark:
        said = self._declared.get(name)
        if said is None:
            return get_benchmark(name)
        from judgebench.benchmarks.declared import declared_again

        return declared_again(said)

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
        rows: list[tuple[Any, ...]] = self._run(query).fetchall()
        return rows

    def _run(self, query: str) -> duckdb.DuckDBPyConnection:
        try:
            return self._sql.execute(query)
        except self._full as error:
            mend = f"set TMPDIR, now {gettempdir()}, to a folder with more space"
            raise DataError(f"{self.where}: memory or disk is full ({_first_line(error)}); {mend}") from None
        except self._error as error:
            raise DataError(f"{self.where}: cannot be read ({_first_line(error)}); write it again") from None


_TOKENS = ("prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_prompt_tokens")
ORDINARY = "score such runs by judgebench leaderboard DIR and judgebench report RUN..."


def _said_in(turns: Sequence[Mapping[str, str]]) -> str:
    return "\n\n".join(turn["content"] if len(turns) == 1 else f"{turn['role']}: {turn['content']}" for turn in turns)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _filled(names: Sequence[str], row: Sequence[Any]) -> Iterator[Any]:
    """The columns of a row, with what a null counts as."""
    for name, value in zip(names, row, strict=False):
        default = COLUMNS[name][1]
        yield default if value is None and default is not ... else value


def _firsts(names: Sequence[str]) -> str:
    return ", ".join(f'first("{name}") AS "{name}"' for name in names)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
