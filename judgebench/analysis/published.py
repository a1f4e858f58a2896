"""Figures that others measured, which tables put beside runs."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from judgebench.benchmarks.suites import SUITES


class Published(BaseModel):
    """A row of `published.json`: figures that others measured.

    Attributes:
        benchmark: Its name, or that of a suite, whose benchmarks are the sections.
        score: None for the mean of the sections.
        source: Where they stand.
        date: Of the source.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    benchmark: str
    name: str
    score: float | None = None
    sections: dict[str, float]
    note: str
    source: str
    date: str


@lru_cache(maxsize=1)
def published_figures() -> tuple[Published, ...]:
    """The published figures that ship."""
    rows = json.loads((Path(__file__).parent / "published.json").read_text(encoding="utf-8"))
    return tuple(Published.model_validate(row) for row in rows)


def published_of(benchmark: str) -> list[Published]:
    """The published figures of one benchmark, those of a suite that has it among them."""
    found = []
    for row in published_figures():
        if row.benchmark == benchmark:
            found.append(row)
        elif row.benchmark in SUITES and benchmark in row.sections:
            score = row.sections[benchmark]
            found.append(row.model_copy(update={"benchmark": benchmark, "score": score, "sections": {}}))
    return found
