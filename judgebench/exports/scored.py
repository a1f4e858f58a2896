"""Judgements with what is needed to score them, for `judgebench leaderboard FILE.parquet`, some rows at a time."""

from __future__ import annotations

import json
from array import array
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import numpy as np

from judgebench.runs import calls_not_made, frames, read_judgements

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from judgebench.items import ItemKey, Reading
    from judgebench.runs import Finished, Judgement, Run

METADATA = "judgebench"
"""The key under which a file says which benchmarks files declare."""


def scored_schema(runs: Sequence[Run]) -> pa.Schema:
    """The columns of the judgements of runs; its metadata have the benchmarks that files declare."""
    import pyarrow as pa

    files = {
        str(run.manifest.benchmark): dict(run.manifest.benchmark_file) for run in runs if run.manifest.benchmark_file
    }
    more = [
        *((name, pa.string()) for name in ("mode", "aggregate", "pairs", "altered")),
        *(("placed", pa.bool_()), ("seed", pa.int64()), ("num_correct", pa.int64())),
        *((name, pa.string()) for name in ("label", "group", "criteria")),
    ]
    schema = frames.schema_of("judgements")
    for name, kind in more:
        schema = schema.append(pa.field(name, kind))
    return schema.with_metadata({METADATA: json.dumps({"benchmarks": files}, default=str)} if files else None)


def scored_judgements(finished: Finished, title: str, rows: int) -> Iterator[pa.Table]:
    """The judgements of a run that count, and the calls that an early end left out, some rows at a time.

    Args:
        finished: The run.
        title: What it is called beside the others of the table.
        rows: How many at a time.
    """
    manifest = finished.run.manifest
    protocol = manifest.protocol.protocol
    whose = {
        **frames.identity(str(manifest.benchmark), finished.name, title),
        "mode": manifest.template.mode,
        "aggregate": protocol.join,
        "pairs": protocol.pairs,
        "altered": None if manifest.altered is None else manifest.altered.title,
        "placed": finished.placed,
        "seed": protocol.seed,
    }
    schema = scored_schema([finished.run])
    every = chain(_said(finished), _not_made(finished))
    while some := list(islice(every, rows)):
        yield frames.arrow(({**whose, **row} for row in some), schema)


def _said(finished: Finished) -> Iterator[dict[str, Any]]:
    keys = finished.keys
    there = (each for each in _counting(finished.run) if each.item in keys)
    for row in frames.judgement_rows(there):
        yield {**row, **_label(keys[row["item"]])}


def _not_made(finished: Finished) -> Iterator[dict[str, Any]]:
    """A row for each call that an early end left out."""
    if finished.is_scores or finished.made_of is not None or finished.run.manifest.state == "done":
        return
    for key, reading in calls_not_made(finished):
        yield {**_label(key), **_of(key, reading)}


def _of(key: ItemKey, reading: Reading) -> dict[str, Any]:
    return {
        "item": key.id,
        "subset": key.subset,
        "order": list(reading.order),
        "sample": reading.sample,
        "turn": 0,
        "failure": "not_asked",
        "cached": False,
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "reasoning_tokens": 0,
        "cached_prompt_tokens": 0,
    }


def _label(key: ItemKey) -> dict[str, Any]:
    return {"num_correct": key.num_correct, "label": key.label, "group": key.group, "criteria": key.criteria}


def _counting(run: Run) -> Iterator[Judgement]:
    """The judgement that counts for each item, order and sample: the last one; eight bytes a line are kept of them."""
    prints = array("q", (hash(_place(each)) for each in read_judgements(run.path)))
    known, counts = np.unique(np.frombuffer(prints, dtype=np.int64), return_counts=True)
    again = set(known[counts > 1].tolist())
    last: dict[tuple[str, tuple[int, ...], int], int] = {}
    if again:
        for number, (each, found) in enumerate(zip(read_judgements(run.path), prints, strict=False)):
            if found in again:
                last[_place(each)] = number
    for number, each in enumerate(read_judgements(run.path)):
        if not again or last.get(_place(each), number) == number:
            yield each


def _place(judgement: Judgement) -> tuple[str, tuple[int, ...], int]:
    return judgement.item, judgement.order, judgement.sample
