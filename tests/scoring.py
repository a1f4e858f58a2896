"""Rows, items, readings and scores for tests of the benchmarks' rules."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import judgebench as jb
from judgebench.benchmarks import get_benchmark
from judgebench.errors import ConfigError
from judgebench.items import Failure, FailureKind, Item, ItemKey, Outcome, Reading, Verdict
from judgebench.metrics.accuracy import point_score
from judgebench.sources.opening import source_of
from judgebench.sources.source import Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DATA = Path(__file__).parent / "data"
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared(name: str) -> Path:
    """A folder of real data, or the test is skipped."""
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"the real data are not there: ../shared/data/{name}")
    return folder


def fixture_rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def write_rows(path: Path, rows: Iterable[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def items_of(benchmark: str, rows: Iterable[dict[str, Any]]) -> list[Item]:
    """The items of rows, which are named as a file's lines."""
    return list(get_benchmark(benchmark).items(Row(f"line {at}", row) for at, row in enumerate(rows, 1)))


def mistake_in(benchmark: str, path: str) -> str:
    """The message of the mistake that a file ends in."""
    with pytest.raises(ConfigError) as caught:
        list(get_benchmark(benchmark).items(source_of(path)))
    return str(caught.value)


def malformed(benchmark: str, tmp_path: Path, rows: list[dict[str, Any]], at: int, **changes: Any) -> str:
    """The message for a file whose row `at` has other values; None takes the column away."""
    row = {**rows[at], **changes}
    changed = [*rows[:at], {name: value for name, value in row.items() if value is not None}, *rows[at + 1 :]]
    return mistake_in(benchmark, write_rows(tmp_path / "rows.jsonl", changed))


def pair_key(identifier: str = "1", subset: str = "s", **more: Any) -> ItemKey:
    return ItemKey(identifier, subset, k=2, num_correct=1, lengths=(3, 4), **more)


def chose(index: int | None, order: Sequence[int] = (0, 1), sample: int = 0) -> Reading:
    """The reading in which the completion of that index won; None is a tie."""
    value = "tie" if index is None else "AB"[list(order).index(index)]
    return Reading(tuple(order), sample, Verdict(value))


def failed(order: Sequence[int] = (0, 1), sample: int = 0, kind: FailureKind = "unreadable") -> Reading:
    return Reading(tuple(order), sample, Failure(kind))


def rated(ratings: Sequence[float | None], sample: int = 0) -> list[Reading]:
    """A rating of each completion; None is a failure."""
    return [
        failed((index,), sample) if rating is None else Reading((index,), sample, Verdict(float(rating)))
        for index, rating in enumerate(ratings)
    ]


def bounds(outcomes: Sequence[Outcome], benchmark: str) -> tuple[float, float, float]:
    """The score with failures counted wrong, the score, and the score with failures counted right."""
    layout = get_benchmark(benchmark).layout
    low, score, high = (point_score(outcomes, layout, view) for view in ("low", "credit", "high"))
    assert low is not None
    assert score is not None
    assert high is not None
    return low, score, high


def run_offline(benchmark: str, tmp_path: Path, data: str, **options: Any) -> jb.Run:
    """A run by the offline judge that prefers the longer answer."""
    judge = options.pop("judge", "offline/longest")
    return jb.run(benchmark, judge=judge, data=data, out=tmp_path / "runs", cache_dir=tmp_path / "cache", **options)


def longest_rating(text: str) -> int:
    """The rating from 1 to 10 of the offline judge that prefers long answers."""
    return 1 + round(9 * min(1.0, math.log1p(len(text)) / math.log1p(5000)))
