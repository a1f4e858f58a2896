"""What Parquet files of judgements hold: their columns, and the runs and readings that rows are of."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from judgebench._util.redaction import without_secrets
from judgebench.errors import ConfigError
from judgebench.sources.remote import is_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from judgebench.benchmarks.base import Benchmark
    from judgebench.items import Failure, ItemKey, Verdict
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
"""The columns that are read: what they hold, and what a missing one, or a null, counts as; `...`: it must be there."""

_WHOLE_TYPES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")


def judgement_files(paths: Sequence[str | Path]) -> list[Path] | None:
    """The Parquet files that paths name: files, patterns such as `parts/*.parquet`, and folders that have some.

    A folder with `judgements.parquet` in it (a dataset of `judgebench export`) stands for that file alone.

    Returns:
        None where no path names a Parquet file: they are folders of runs.

    Raises:
        ConfigError: Some do and some don't, or a file is missing.
    """
    for path in paths:
        if is_address(str(path)):
            shown = without_secrets(str(path))
            raise ConfigError(f"{shown}: runs and Parquet files of judgements are read from this machine: copy it here")
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
        return [whole] if whole.exists() else _shown(path.glob(f"*{SUFFIX}"))
    if path.suffix.lower() != SUFFIX:
        return []
    return (
        [path] if path.exists() else _shown(Path(path.anchor or ".").glob(str(path.relative_to(path.anchor)))) or [path]
    )


def _shown(paths: Iterable[Path]) -> list[Path]:
    return sorted(path for path in paths if not path.name.startswith("."))


class SaidReading(NamedTuple):
    """A reading as many rows may have it.

    Attributes:
        key: The item that it is of, without its id.
        order: The completion shown in each slot.
        result: A verdict or a failure.
    """

    key: ItemKey
    order: tuple[int, ...]
    result: Verdict | Failure


class SampledItem(NamedTuple):
    """An item to look at.

    Attributes:
        number: In its board.
        id: As the file has it.
        prompt: Its text; empty where it is not known, as the completions are.
        completions: Their texts.
    """

    number: int
    id: str
    prompt: str
    completions: tuple[str, ...]


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
    said: tuple[SaidReading, ...]
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


def fits(found: str, kind: str) -> bool:
    """Whether a column's type holds what is expected of it.

    Args:
        found: As DuckDB names it.
        kind: As in `COLUMNS`.

    Example:
        >>> fits("BIGINT[]", ORDER), fits("DOUBLE", WHOLE)
        (True, False)
    """
    if found.strip('"') == "NULL":  # a column without any value
        return True
    if kind == TEXT:
        return found == "VARCHAR" or found in _WHOLE_TYPES or found.startswith("ENUM")
    if kind == ORDER:
        return found.endswith("[]") and found.removesuffix("[]") in _WHOLE_TYPES
    if kind == REAL:
        return found in {"DOUBLE", "FLOAT", *_WHOLE_TYPES} or found.startswith("DECIMAL")
    return found == "BOOLEAN" if kind == FLAG else found in _WHOLE_TYPES
