"""What `filter` counts while it writes: rows kept and dropped by reason, what the judge said, and a sample of rows."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.engine.filterparts import JudgedRows
    from judgebench.metrics.selection_guarantee import SelectiveTest
    from judgebench.sources.condition import Condition

SAMPLE = 50
"""So many rows are drawn to look at."""

BAD, UNSURE = "row cannot be used", "not sure enough (--agreement)"
"""Reasons for which rows are dropped, beside the clauses of the condition and failures."""

BINS = 10
"""Of the distribution of a column of numbers."""

_SAID = ("choice", "agrees", "consistent", "label", "failure")
_MOST_VALUES = 50


@dataclass
class Decider:
    """Which rows are kept.

    Attributes:
        keep: The condition; None where all rows are kept.
        test: The threshold on uncertainty; None without one.
        names: Fields of a verdict -> the columns that the condition knows.
        columns: The user's columns.
    """

    keep: Condition | None
    test: SelectiveTest | None
    names: Mapping[str, str]

    def unmet(self, rows: JudgedRows) -> list[str | None]:
        """Of each row the first clause of the condition that is not true; None where all are."""
        if self.keep is None:
            return [None] * len(rows)
        fields = {column: name for name, column in self.names.items()}
        columns = [
            rows.verdicts[fields[name]].to_pylist() if name in fields else rows.column(name)
            for name in self.keep.columns
        ]
        names = list(self.keep.columns)
        return (
            [
                self.keep.first_unmet(row) or None
                for row in (dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True))
            ]
            if names
            else [self.keep.first_unmet({}) or None] * len(rows)
        )

    def reasons(self, rows: JudgedRows) -> list[str | None]:
        """Of each row why it is dropped; None where it is kept."""
        verdicts = rows.verdicts
        bad, failure = verdicts["bad"].to_pylist(), verdicts["failure"].to_pylist()
        said = [verdicts[name].to_pylist() for name in ("choice", "label", "rating")]
        unsure = verdicts["uncertainty"].to_pylist()
        found: list[str | None] = []
        for at, clause in enumerate(self.unmet(rows)):
            silent = all(column[at] is None for column in said)
            if bad[at] is not None:
                found.append(BAD)
            elif clause is not None or (self.test is not None and silent):
                found.append(
                    f"no verdict: {failure[at].replace('_', ' ')}"
                    if silent and failure[at]
                    else UNSURE
                    if clause is None
                    else f"{clause} is not true"
                )
            elif self.test is not None and (unsure[at] is None or not self.test.answers(unsure[at])):
                found.append(UNSURE)
            else:
                found.append(None)
        return found


@dataclass(frozen=True, slots=True)
class DrawnRow:
    """A row that was drawn to be looked at.

    Attributes:
        number: Of the row, the first being 1.
        reason: Why it was dropped; empty where it was kept.
        row: As its source has it.
        verdict: The judge's columns.
        bad: Why it cannot be used; None where it can.
        encoded: Whether lists stand as text in its cells.
    """

    number: int
    reason: str
    row: Mapping[str, Any]
    verdict: Mapping[str, Any]
    bad: str | None
    encoded: bool


class Reservoir:
    """A sample of rows, each as likely as any other (reservoir sampling, Vitter 1985, R)."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._count = 0
        self.drawn: list[DrawnRow] = []

    def add(self, rows: JudgedRows, at: int, reason: str, names: Mapping[str, str]) -> None:
        """Takes in a row, or not."""
        self._count += 1
        place = len(self.drawn) if len(self.drawn) < SAMPLE else self._random.randrange(self._count)
        if place >= SAMPLE:
            return
        said = rows.verdicts.slice(at, 1).to_pylist()[0]
        verdict = {name: said[each] for each, name in names.items()}
        row = DrawnRow(said["row"], reason, dict(rows.row(at)), verdict, said["bad"], rows.encoded)
        self.drawn[place : place + 1] = [row]


@dataclass
class Tally:
    """What was counted.

    Attributes:
        rows: Rows that were judged, bad ones too.
        kept: How many were kept.
        dropped: How many were not, by reason.
        said: By column of the judge's and what stands there, how many rows and how many of them are kept.
        subsets: By subset rows, those kept, those whose verdict agrees with the label, and those where that is known.
        numbers: By column of numbers, how many rows kept and dropped fall in each bin.
        bounds: Of these columns, from where to where the bins are.
        cost_usd: What the replies cost, cached ones at their price; None where a price is not known.
    """

    bounds: Mapping[str, tuple[float, float]]
    rows: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    said: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    subsets: dict[str, list[int]] = field(default_factory=dict)
    numbers: dict[str, tuple[list[int], list[int]]] = field(default_factory=dict)
    cost_usd: float | None = 0.0

    def add(self, rows: JudgedRows, reasons: Sequence[str | None], subset: str | None) -> None:
        """Counts rows."""
        kept = [reason is None for reason in reasons]
        self.rows += len(rows)
        self.kept += sum(kept)
        self.dropped.update(reason for reason in reasons if reason is not None)
        columns = {name: rows.verdicts[name].to_pylist() for name in (*_SAID, *self.bounds, "cost_usd", "bad")}
        used = [what is None for what in columns["bad"]]
        for name in _SAID:
            for (value, is_kept, is_used), count in Counter(zip(columns[name], kept, used, strict=True)).items():
                if is_used:
                    self._say(name, value, count, is_kept=is_kept)
        for name, (low, high) in self.bounds.items():
            bins = self.numbers.setdefault(name, ([0] * BINS, [0] * BINS))
            for value, is_kept in zip(columns[name], kept, strict=True):
                if value is not None:
                    place = min(max(int((value - low) / (high - low) * BINS), 0), BINS - 1)
                    bins[not is_kept][place] += 1
        if self.cost_usd is not None:
            paid = [cost for cost, is_used in zip(columns["cost_usd"], used, strict=True) if is_used]
            self.cost_usd = None if None in paid else self.cost_usd + sum(paid)
        if subset is not None:
            for name, is_kept, agrees in zip(rows.column(subset), kept, columns["agrees"], strict=True):
                counts = self.subsets.setdefault("" if name is None else str(name), [0, 0, 0, 0])
                counts[0] += 1
                counts[1] += is_kept
                counts[2] += agrees is True
                counts[3] += agrees is not None

    def _say(self, name: str, value: object, count: int, *, is_kept: bool) -> None:
        text = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        at = (name, text)
        if at not in self.said and len(self.said) >= _MOST_VALUES:
            at = (name, "other")
        counts = self.said.setdefault(at, [0, 0])
        counts[0] += count
        counts[1] += count * is_kept

    def count(self, name: str, value: str) -> int:
        """How many rows have this in a column of the judge's."""
        return self.said.get((name, value), [0, 0])[0]
