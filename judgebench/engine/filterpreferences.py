"""Kept pairs as a preference dataset in TRL's form: `prompt`, `chosen` and `rejected` by the judge's verdict."""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgebench._util.files import output_file
from judgebench.benchmarks.base import conversation_of, turns_of
from judgebench.benchmarks.forms import PAIRS
from judgebench.engine.filteroutput import arrow_rows
from judgebench.engine.filterverdicts import CHOSEN, REJECTED
from judgebench.sources.cells import decode_cell
from judgebench.sources.source import BATCH_ROWS, Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TextIO

    from judgebench.engine.filterparts import JudgedRows
    from judgebench.engine.filterrows import FilterRows


@contextmanager
def preferences_out(rows: FilterRows, path: str | Path | None) -> Iterator[Preferences]:
    """The file of preferences: it appears whole when the block ends well, in one form throughout.

    Args:
        rows: How rows are read.
        path: The file, `.jsonl` or `.parquet`; None for none.
    """
    if path is None:
        yield Preferences(rows, None, None)
        return
    path = Path(path).expanduser()
    with output_file(path) as part, tempfile.TemporaryFile("w+", encoding="utf-8") as lines:
        found = Preferences(rows, path, lines)
        yield found
        found.finish(part)


class Preferences:
    """The pairs of a file of preferences, held on disk until the form of all is known.

    Args:
        rows: How rows are read.
        path: The file; None for none.
        lines: Where pairs are held.

    Attributes:
        count: How many pairs it has.
    """

    def __init__(self, rows: FilterRows, path: Path | None, lines: TextIO | None) -> None:
        self.path = path
        self.count = 0
        self._rows, self._lines = rows, lines
        self._forms: set[tuple[bool, bool]] = set()

    def write(self, rows: JudgedRows) -> None:
        """Adds the pairs of some rows of which the judge's replies all name the same answer."""
        if self._lines is None:
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
        self._forms.update((not isinstance(pair["chosen"], str), "prompt" in pair) for pair in found)
        self._lines.writelines(json.dumps(pair) + "\n" for pair in found)
        self.count += len(found)

    def finish(self, part: Path) -> None:
        """Writes all pairs to a file, whose form is that of `path`."""
        assert self.path is not None
        assert self._lines is not None
        self._lines.seek(0)
        turns = any(each for each, _ in self._forms)
        prompt = any(each for _, each in self._forms) or not self._forms
        pairs = (in_form(json.loads(line), turns=turns, prompt=prompt) for line in self._lines)
        if self.path.name.endswith(".parquet"):
            _write_parquet(part, pairs, turns=turns, prompt=prompt)
            return
        with part.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.writelines(json.dumps(pair, ensure_ascii=False) + "\n" for pair in pairs)


def preference(row: Row, choice: str) -> dict[str, Any] | None:
    """A pair in TRL's form; None where the choice is a tie, or the row has no two answers, or twice the same.

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
    if answers[0] == answers[1]:
        return None
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


def in_form(pair: dict[str, Any], *, turns: bool, prompt: bool) -> dict[str, Any]:
    """A pair in the form of the whole file: a trainer takes one.

    Args:
        pair: As `preference` makes it.
        turns: Whether any pair of the file is of turns, so that all are.
        prompt: Whether any has a prompt, so that all have: of turns, those with which both answers begin.
    """
    if turns and isinstance(pair["chosen"], str):
        roles = {"prompt": "user", "chosen": "assistant", "rejected": "assistant"}
        pair = {name: [{"role": roles[name], "content": text}] for name, text in pair.items()}
    if not prompt or "prompt" in pair:
        return pair
    chosen, rejected = pair["chosen"], pair["rejected"]
    if isinstance(chosen, str):
        return {"prompt": "", **pair}
    same = 0
    while same < min(len(chosen), len(rejected)) - 1 and chosen[same] == rejected[same]:
        same += 1
    return {"prompt": chosen[:same], "chosen": chosen[same:], "rejected": rejected[same:]}


def _write_parquet(path: Path, pairs: Iterator[dict[str, Any]], *, turns: bool, prompt: bool) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = pa.string()
    held = pa.list_(pa.struct([("role", text), ("content", text)])) if turns else text
    schema = pa.schema([(name, held) for name in ("prompt", "chosen", "rejected") if prompt or name != "prompt"])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        while some := [*islice(pairs, BATCH_ROWS)]:
            writer.write_batch(arrow_rows(some, schema))
