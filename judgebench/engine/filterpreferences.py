"""Kept pairs as a preference dataset in TRL's form: `prompt`, `chosen` and `rejected` by the judge's verdict."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from judgebench._util.files import output_file
from judgebench.benchmarks.base import conversation_of, turns_of
from judgebench.benchmarks.forms import PAIRS
from judgebench.engine.filteroutput import arrow_rows
from judgebench.engine.filterverdicts import CHOSEN, REJECTED
from judgebench.sources.cells import decode_cell
from judgebench.sources.source import Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.engine.filterparts import JudgedRows
    from judgebench.engine.filterrows import FilterRows


class Preferences:
    """The file of preferences, as a context manager: it appears whole when the block ends well.

    Args:
        rows: How rows are read.
        path: The file, `.jsonl` or `.parquet`; None for none.

    Attributes:
        count: How many pairs it has.
    """

    def __init__(self, rows: FilterRows, path: str | Path | None) -> None:
        self.path = None if path is None else Path(path).expanduser()
        self.count = 0
        self._rows = rows
        self._held = ExitStack()
        self._out: Any = None

    def __enter__(self) -> Self:
        if self.path is not None:
            part = self._held.enter_context(output_file(self.path))
            kind = _ParquetPairs if self.path.name.endswith(".parquet") else _JsonPairs
            self._out = self._held.enter_context(kind(part))
        return self

    def __exit__(self, *error: object) -> None:
        self._held.__exit__(*error)  # type: ignore[arg-type]

    def write(self, rows: JudgedRows) -> None:
        """Adds the pairs of some rows of which the judge's replies all name the same answer."""
        if self._out is None:
            return
        verdicts = [rows.verdicts[name].to_pylist() for name in ("choice", "consistent", "failure", "row")]
        own = rows.rows if rows.batch is None else rows.batch.to_pylist()
        given, choices = [], []
        for row, choice, consistent, failure, number in zip(own, *verdicts, strict=True):
            if choice is not None and consistent is not False and failure is None:
                given.append(Row(f"row {number}", dict(row), encoded=rows.encoded, number=number))
                choices.append(choice)
        found = []
        for row, choice in zip(self._rows.read(given).every_row() if given else (), choices, strict=True):
            pair = preference(row, choice)
            found += [] if pair is None else [pair]
        self._out.write(found)
        self.count += len(found)


def preference(row: Row, choice: str) -> dict[str, Any] | None:
    """A pair in TRL's form; None where the choice is a tie, or the row has no two answers.

    Texts stay texts; where any of them is a list of turns, all are. The prompt is left out where the row has none, or
    where both answers begin with it.

    Args:
        row: In the benchmark's columns.
        choice: As `RowVerdict` has it.
    """
    data = row.data
    columns = next((pair for pair in PAIRS if pair[0] in data and pair[1] in data), None)
    if CHOSEN in data and REJECTED in data:
        answers, order = [_cell(row, CHOSEN), _cell(row, REJECTED)], (CHOSEN, REJECTED)
    elif columns is not None:
        answers, order = [_cell(row, column) for column in columns], ("A", "B")
    else:
        answers, order = decode_cell(data.get("completions")), ("A", "B")
    if choice not in order or not isinstance(answers, list) or len(answers) != len(order):
        return None
    answers = [
        each[0] if isinstance(each, list) and _is_text(each[:1]) and len(each) == 1 else each for each in answers
    ]
    prompt = _cell(row, "prompt") if data.get("prompt") not in (None, "") else None
    better = order.index(choice)
    pair = {"prompt": prompt, "chosen": answers[better], "rejected": answers[1 - better]}
    if any(not isinstance(value, str) for value in pair.values() if value is not None):
        own = {name: conversation_of(row, "prompt") for name, value in pair.items() if name == "prompt" and value}
        turns = {
            **own,
            **{name: turns_of(row, name, pair[name], first_role="assistant") for name in ("chosen", "rejected")},
        }
        pair = {name: [turn.message for turn in each] for name, each in turns.items()}
        if all(pair[name][0]["role"] != "assistant" for name in ("chosen", "rejected")):
            pair.pop("prompt", None)
    return {name: value for name, value in pair.items() if value is not None}


def _cell(row: Row, column: str) -> Any:
    value = row.data[column]
    return decode_cell(value) if row.encoded or (isinstance(value, str) and column in row.lists) else value


def _is_text(values: Sequence[object]) -> bool:
    return bool(values) and all(isinstance(value, str) for value in values)


class _JsonPairs:
    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, pairs: Sequence[Mapping[str, Any]]) -> None:
        self._file.writelines(json.dumps(pair, ensure_ascii=False) + "\n" for pair in pairs)


class _ParquetPairs:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._writer is None and kind is None:
            empty = pa.schema([(name, pa.string()) for name in ("prompt", "chosen", "rejected")])
            pq.write_table(empty.empty_table(), self._path)
        elif self._writer is not None:
            self._writer.close()

    def write(self, pairs: Sequence[Mapping[str, Any]]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not pairs:
            return
        schema = None if self._writer is None else self._writer.schema
        table = pa.Table.from_batches([arrow_rows(pairs, schema)])
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, table.schema, compression="zstd")
        self._writer.write_table(table)
