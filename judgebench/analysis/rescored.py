"""What reading stored replies again gave: judgements that differ, corrected labels, the score before and after."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from judgebench._util.table import Column, Table, Tabular
from judgebench._util.text import difference_text, score_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from judgebench._util.table import Columns
    from judgebench.analysis.relabel import LabelChange
    from judgebench.metrics.summary import Metrics


@dataclass(frozen=True, slots=True)
class Change:
    """A judgement that reads differently now.

    Attributes:
        order: The index of the completion shown in each slot.
        before: The verdict, or the kind of failure, as it was.
        after: As it is now.
        credit_before: The item's credit before, from all its judgements; None where it has none.
        credit_after: The same now.
    """

    item: str
    subset: str
    order: tuple[int, ...]
    sample: int
    before: str
    after: str
    credit_before: float | None
    credit_after: float | None


@dataclass(frozen=True, repr=False)
class Rescored(Tabular):
    """What reading the replies again gave.

    Attributes:
        reader: The template whose rule read them.
        judgements: How many judgements the run has.
        read: How many of them have a reply that was read again.
        changes: Those that read differently now, in the order of the items.
        score_before: The score by the stored verdicts; None where there is none.
        metrics: What `metrics.json` of the new run holds.
        path: The new run's folder; None with `dry_run`.
        notes: What a reader must know.
        labels: The labels that were corrected.
    """

    source: Path
    reader: str
    judgements: int
    read: int
    changes: tuple[Change, ...]
    score_before: float | None
    metrics: Metrics
    path: Path | None
    notes: tuple[str, ...]
    labels: tuple[LabelChange, ...] = ()

    @property
    def by_kind(self) -> list[tuple[str, str, int]]:
        """Before, after, and how many changed so, the most frequent first."""
        counts = Counter((change.before, change.after) for change in self.changes)
        return [(before, after, count) for (before, after), count in counts.most_common()]

    def tables(self, most: int | None = None) -> Sequence[Table]:
        """How many judgements changed and how, the score before and after, and the changes item by item.

        Args:
            most: How many changes at most; None for all.
        """
        read = f"{len(self.changes)} of {self.judgements} judgements differ ({self.read} replies parsed again)"
        corrected = [f"{len(self.labels)} label{'' if len(self.labels) == 1 else 's'} corrected"] if self.labels else []
        notes = [*corrected, read, self._score_line()]
        first = Table((), title=f"{self.source} parsed with '{self.reader}'", notes=notes)
        if self.labels:
            first = replace(_labels_table(self.labels), title=first.title, notes=notes)
        if not self.changes:
            return [first]
        kinds: Columns = {
            Column("before", names=True): lambda each: each[0].replace("_", " "),
            Column("after"): lambda each: each[1].replace("_", " "),
            Column("judgements", "count"): lambda each: each[2],
        }
        shown, more = self._table(self.changes[:most]), len(self.changes[most:]) if most is not None else 0
        notes = [f"and {more} more; --all lists them"] if more else []
        return [first, Table.of(self.by_kind, kinds), replace(shown, notes=notes)]

    def table(self) -> Table:
        """Every change."""
        return self._table(self.changes)

    def _table(self, changes: Sequence[Change]) -> Table:
        columns: Columns = {
            Column("item", names=True): lambda each: each.item,
            Column("subset"): lambda each: each.subset,
            Column("order", "mark"): _order,
            Column("before", "mark"): lambda each: each.before.replace("_", " "),
            Column("after", "mark"): lambda each: each.after.replace("_", " "),
            Column("credit", "mark"): lambda each: f"{_credit(each.credit_before)} to {_credit(each.credit_after)}",
        }
        return Table.of(changes, columns)

    def remarks(self) -> Sequence[str]:
        """What a reader must know."""
        return self.notes

    def _score_line(self) -> str:
        before, after, measure = self.score_before, self.metrics.score, self.metrics.measure
        if before is None or after is None:
            return "no score"
        change = f"{difference_text(after - before, measure)}{'' if measure == 'pearson' else ' pp'}"
        return f"score {score_text(before, measure)} before, {score_text(after, measure)} after ({change})"

    def to_json(self) -> dict[str, object]:
        """An object of plain values."""
        return {
            "source": str(self.source),
            "path": None if self.path is None else str(self.path),
            "reader": self.reader,
            "judgements": self.judgements,
            "read": self.read,
            "changed": len(self.changes),
            "by_kind": [{"before": b, "after": a, "count": n} for b, a, n in self.by_kind],
            "score_before": self.score_before,
            "score": self.metrics.score,
            "changes": [asdict(change) for change in self.changes],
            "labels": [asdict(change) for change in self.labels],
            "metrics": self.metrics.to_json(),
            "notes": list(self.notes),
        }


def _order(change: Change) -> str:
    order = " ".join(map(str, change.order))
    return f"{order}, sample {change.sample}" if change.sample else order


def _labels_table(labels: Sequence[LabelChange]) -> Table:
    columns: Columns = {
        Column("item", names=True): lambda each: each.item,
        Column("subset"): lambda each: each.subset,
        Column("label", "mark"): lambda each: each.label,
        Column("credit", "mark"): lambda each: f"{_credit(each.credit_before)} to {_credit(each.credit_after)}",
        Column("comment"): lambda each: each.comment,
    }
    return Table.of(labels, columns)


def _credit(credit: float | None) -> str:
    return "none" if credit is None else f"{credit:.2f}".rstrip("0").rstrip(".")
