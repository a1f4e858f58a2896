"""What `filter` did: counts of rows kept and dropped, what the judge said, and some rows to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from judgebench._util.table import Column, Table, Tabular
from judgebench._util.text import dollars, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from judgebench._util.table import Columns
    from judgebench.errors import JudgebenchError
    from judgebench.metrics.selection_guarantee import SelectiveTest
    from judgebench.metrics.sureness import By

State = Literal["done", "stopped", "interrupted", "cannot_say"]


@dataclass(frozen=True, slots=True)
class ValueCount:
    """What stands in one of the judge's columns.

    Attributes:
        column: The column's name.
        value: As text; `null` for none.
        rows: In how many rows.
        kept: How many of these are kept.
    """

    column: str
    value: str
    rows: int
    kept: int


@dataclass(frozen=True, slots=True)
class SubsetCount:
    """What became of a subset.

    Attributes:
        rows: How many it has.
        kept: How many are kept.
        agrees: In how many the verdict agrees with the row's label.
        labelled: In how many that is known.
    """

    subset: str
    rows: int
    kept: int
    agrees: int
    labelled: int


@dataclass(frozen=True, slots=True)
class Distribution:
    """How a column of numbers is distributed.

    Attributes:
        column: Its name.
        low: Where the first bin begins.
        high: Where the last one ends.
        kept: Rows that are kept, by bin.
        dropped: Rows that are dropped.
    """

    column: str
    low: float
    high: float
    kept: tuple[int, ...]
    dropped: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row to look at.

    Attributes:
        number: Of the row, the first being 1.
        reason: Why it was dropped; empty where it was kept.
        verdict: The judge's columns.
        prompt: What the answers reply to.
        answers: Name and text of each answer.
        replies: The judge's replies that the cache has, each with the order in which it saw the answers.
        others: The row's other columns, as text.
    """

    number: int
    reason: str
    verdict: Mapping[str, object]
    prompt: str
    answers: tuple[tuple[str, str], ...]
    replies: tuple[tuple[str, str], ...]
    others: Mapping[str, str]


@dataclass(frozen=True, repr=False)
class Filtered(Tabular):
    """What `filter` did.

    Attributes:
        state: `done`; `stopped` (the budget, the provider) or `interrupted` before all rows were judged; `cannot_say`
            where no threshold is shown to reach the agreement that was asked for. Only where it is done is `out` there.
        out: The output.
        preferences: The file of preferences; None where none was asked for.
        parts: The folder of what was judged, from which another condition is applied without a call.
        judge: Who judged.
        template: By which template.
        protocol: In which orders and samples.
        rows: Rows that were to be judged.
        judged: Rows that were.
        kept: Rows that were written.
        dropped: How many rows were not, by reason, the most frequent first.
        values: What stands in the judge's columns.
        subsets: By subset, where the rows have some.
        distributions: Of the judge's columns of numbers.
        pairs: Rows in the file of preferences.
        cost_usd: What all replies cost, cached ones at their price; None where a price is not known.
        spent_usd: What this command spent.
        test: The threshold of `--agreement`; None without it.
        agreement: What was asked for.
        sign: What tells how sure the judge is.
        sample: Rows to look at: of those dropped, or where none is, of those kept.
        error: What stopped it.
        bad: Rows that cannot be used, place and reason; the first of them.
        notes: What a reader must know.
    """

    state: State
    out: Path
    parts: Path
    judge: str
    template: str
    protocol: str
    rows: int
    judged: int
    preferences: Path | None = None
    kept: int = 0
    dropped: Mapping[str, int] | None = None
    values: tuple[ValueCount, ...] = ()
    subsets: tuple[SubsetCount, ...] = ()
    distributions: tuple[Distribution, ...] = ()
    pairs: int = 0
    cost_usd: float | None = None
    spent_usd: float | None = None
    keep: str | None = None
    test: SelectiveTest | None = None
    agreement: float | None = None
    sign: By | None = None
    sample: tuple[ShownRow, ...] = ()
    error: JudgebenchError | None = None
    bad: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """The object that `--json` prints."""
        test = self.test
        return {
            "state": self.state,
            "out": str(self.out),
            "preferences": None if self.preferences is None else str(self.preferences),
            "parts": str(self.parts),
            "judge": self.judge,
            "template": self.template,
            "protocol": self.protocol,
            "keep": self.keep,
            "rows": self.rows,
            "judged": self.judged,
            "kept": self.kept if self.dropped is not None else None,
            "dropped": None if self.dropped is None else dict(self.dropped),
            "values": [_fields(each) for each in self.values],
            "subsets": [_fields(each) for each in self.subsets],
            "distributions": [_fields(each) for each in self.distributions],
            "pairs": self.pairs if self.preferences is not None else None,
            "cost_usd": self.cost_usd,
            "spent_usd": self.spent_usd,
            "agreement": None
            if test is None
            else {
                "asked": self.agreement,
                "guaranteed": test.shown,
                "by": self.sign,
                "reason": self.guarantee(),
                "labels_needed": self.labels_needed,
                **_fields(test),
            },
            "bad": [{"where": where, "what": what} for where, what in self.bad],
            "error": None if self.error is None else str(self.error),
            "notes": list(self.notes),
        }

    @property
    def labels_needed(self) -> int | None:
        """Where no threshold is shown, about how many labels would be enough; None where one is, or none would."""
        test = self.test
        if test is None or test.shown:
            return None
        return test.fewest if test.units < test.fewest else test.enough

    def guarantee(self) -> str:
        """What is shown of the agreement, in a sentence; empty where it was not asked for."""
        test = self.test
        if test is None:
            return ""
        asked = f"{100 * (self.agreement or 0):.4g}%"
        if test.shown:
            return (
                f"with 95% confidence, at least {asked} of the verdicts that are sure enough agree with people (on the "
                f"labelled rows {test.right:,} of {test.answered:,})"
            )
        why = f"{test.units:,} labelled rows or groups of them are too few: at least {test.fewest:,} are needed"
        if test.units >= test.fewest and test.best is None:
            why = f"fewer than {test.fewest:,} labelled rows have a verdict"
        elif test.units >= test.fewest:
            best = f"at best {percent(test.best or 0)} agree, on the surest {percent(test.best_share or 0)}"
            more = "more labels will not help; ask for less agreement or use a better judge"
            if test.enough is not None:
                more = f"about {test.enough:,} labelled rows would be enough if that is so (there are {test.labels:,})"
            why = f"{best}; {more}"
        return f"cannot say: no threshold is shown to reach {asked} agreement with 95% confidence; {why}"

    @property
    def has_verdicts(self) -> bool:
        """Whether the judge said anything of any row."""
        return any(each.column.endswith(("choice", "label")) and each.value != "null" for each in self.values) or any(
            sum((*each.kept, *each.dropped)) for each in self.distributions
        )

    @property
    def sentence(self) -> str:
        """The answer in a sentence."""
        if self.state == "cannot_say":
            return self.guarantee()
        if self.dropped is None:
            return f"{self.state}: {self.judged:,} of {self.rows:,} rows are judged"
        share = f" ({percent(self.kept / self.rows)})" if self.rows else ""
        return f"kept {self.kept:,} of {self.rows:,} rows{share}"

    def tables(self) -> Sequence[Table]:
        """What was dropped and why, what the judge said, and each subset."""
        if self.dropped is None:
            return [Table((), notes=[self.sentence])]
        said = [self.guarantee()] if self.test is not None else []
        found = [Table((), notes=[self.sentence, *said], title=f"{self.judge} · {self.template} · {self.protocol}")]
        found += [self.table()] if self.dropped else []
        found += [self.said()] if self.values else []
        found += [self.by_subset()] if self.subsets else []
        return [*found, Table((), notes=list(self._costs()))]

    def table(self) -> Table:
        """Rows dropped, by reason."""
        columns: Columns = {
            Column("reason dropped", names=True): lambda each: each[0],
            Column("rows", "tokens"): lambda each: each[1],
            Column("share", "share"): lambda each: each[1] / self.rows,
        }
        return Table.of(list((self.dropped or {}).items()), columns)

    def said(self) -> Table:
        """What stands in the judge's columns."""
        columns: Columns = {
            Column("column", names=True): lambda each: each.column,
            Column("value", names=True): lambda each: each.value,
            Column("rows", "tokens"): lambda each: each.rows,
            Column("kept", "tokens"): lambda each: each.kept,
        }
        return Table.of(self.values, columns)

    def by_subset(self) -> Table:
        """Rows of each subset."""
        columns: Columns = {
            Column("subset", names=True): lambda each: each.subset,
            Column("rows", "tokens"): lambda each: each.rows,
            Column("kept", "tokens"): lambda each: each.kept,
            Column("share", "share"): lambda each: each.kept / each.rows,
        }
        if any(each.labelled for each in self.subsets):
            columns[Column("agreement", "share")] = lambda each: each.agrees / each.labelled if each.labelled else None
        return Table.of(self.subsets, columns)

    def remarks(self) -> Sequence[str]:
        """What a reader must know."""
        return self.notes

    def _costs(self) -> Iterator[str]:
        if self.preferences is not None:
            left = f"; the other {self.kept - self.pairs:,} kept rows have no clear preference"
            yield f"preferences: {self.pairs:,} pairs{left if self.kept > self.pairs else ''}"
        if self.cost_usd is None:
            yield "cost: unknown, the judge has no known price"
            return
        spent = "" if self.spent_usd is None else f", {dollars(self.spent_usd)} of it now"
        yield f"cost: {dollars(self.cost_usd)}{spent}"


def _fields(record: object) -> dict[str, object]:
    from dataclasses import asdict

    return asdict(record)  # type: ignore[call-overload, no-any-return]
