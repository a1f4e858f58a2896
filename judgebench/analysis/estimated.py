"""What `estimate` finds: one figure a method, side by side, and how it is said."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal

from judgebench._util.table import Column, Table, Tabular, ends_of
from judgebench._util.text import percent, thousands

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from judgebench._util.table import Columns
    from judgebench.metrics.corrected import Method

Target = Literal["win_rate", "pass_rate", "mean"]
By = Literal["section", "subset"]

METHOD_NAMES: dict[Method, str] = {
    "labels": "labels alone",
    "judge": "judge alone",
    "rogan_gladen": "Rogan-Gladen",
    "ppi": "PPI",
    "ppi_plus": "PPI++",
    "calibrated": "calibrated",
}
_RULE = "recommended (bold): PPI++ from 20 labels on, labels alone from 10 on, whatever the figures"


@dataclass(frozen=True, slots=True)
class MethodEstimate:
    """One method's figure.

    Attributes:
        value: A share, or a grade; None where the method cannot say.
        low: The interval's lower end; None where it claims nothing.
        high: Its upper end.
        note: What a reader must know of it; empty: nothing.
        labels_equivalent: How many labels alone would have the same variance; None where it is not known.
        bounds: The value with every missing verdict at its lowest and at its highest; None where none is missing.
    """

    method: Method
    value: float | None
    low: float | None
    high: float | None
    note: str
    labels_equivalent: float | None
    bounds: tuple[float, float] | None

    def to_json(self) -> dict[str, object]:
        """An object of plain values."""
        bounds = None if self.bounds is None else {"low": self.bounds[0], "high": self.bounds[1]}
        return {**asdict(self), "note": self.note or None, "bounds": bounds}


@dataclass(frozen=True, slots=True)
class SliceEstimate:
    """A section or a subset.

    Attributes:
        slice: Its name.
        by: What it is.
        confidence: Of its intervals: corrected for the number of slices (Bonferroni).
        judge: What the judge alone says; None without a verdict.
        recommended: The method to take; None where there are too few labels.
        labels_needed: How many labels in all would be enough; None where they are.
    """

    slice: str
    by: By
    labelled: int
    unlabelled: int
    confidence: float
    judge: float | None
    estimates: tuple[MethodEstimate, ...]
    recommended: Method | None
    labels_needed: int | None

    @property
    def taken(self) -> MethodEstimate | None:
        """The recommended figure."""
        return next((each for each in self.estimates if each.method == self.recommended), None)

    @property
    def note(self) -> str:
        """Why there is no figure; empty where there is one."""
        if self.taken is not None:
            return ""
        return f"cannot say: {_labels(self.labelled)}; {self.labels_needed} would be enough"

    def to_json(self) -> dict[str, object]:
        """An object of plain values."""
        taken = self.taken
        return {
            **asdict(self),
            "estimates": [each.to_json() for each in self.estimates],
            "value": None if taken is None else taken.value,
            "low": None if taken is None else taken.low,
            "high": None if taken is None else taken.high,
            "note": self.note or None,
        }


@dataclass(frozen=True, slots=True, repr=False)
class EstimateFound(Tabular):
    """What people would say of what was judged.

    Attributes:
        target: Which figure it is.
        of: Whose win rate, or the class whose share it is (what passes, else the positive one); None of a mean.
        against: The other model; None where there are several.
        scale: The lowest and the highest value.
        labelled: How many judged items have a label.
        unlabelled: How many have none.
        failed: How many have no verdict.
        recommended: The method to take; None where there are too few labels to say anything.
        labels_needed: How many labels in all would be enough; None where they are.
    """

    path: Path
    benchmark: str
    title: str
    judge: str
    target: Target
    of: str | None
    against: str | None
    scale: tuple[float, float]
    labelled: int
    unlabelled: int
    failed: int
    confidence: float
    estimates: tuple[MethodEstimate, ...]
    recommended: Method | None
    labels_needed: int | None
    slices: tuple[SliceEstimate, ...] = ()
    notes: tuple[str, ...] = ()

    def method(self, name: Method) -> MethodEstimate:
        """One method's figure.

        Raises:
            KeyError: There is none of that name.
        """
        for each in self.estimates:
            if each.method == name:
                return each
        raise KeyError(name)

    @property
    def taken(self) -> MethodEstimate | None:
        """The recommended figure."""
        return None if self.recommended is None else self.method(self.recommended)

    @property
    def level(self) -> str:
        """The confidence as people read it: 95%."""
        return f"{100 * self.confidence:g}%"

    @property
    def noun(self) -> str:
        """What the figure is, in words."""
        if self.target == "mean":
            return f"mean grade ({self.scale[0]:g} to {self.scale[1]:g})"
        if self.target == "pass_rate":
            return f"share of '{self.of}'"
        return f"win rate of {self.of}" + (f" against {self.against}" if self.against else "")

    @property
    def sentence(self) -> str:
        """The answer in a sentence, with its numbers."""
        judge = self.said(self.method("judge").value)
        taken = self.taken
        if taken is None or taken.value is None:
            why = f"{_labels(self.labelled)}; {self.labels_needed} would be enough"
            if self.labels_needed is None:
                why = self.method("labels").note.removeprefix("cannot say: ")
            return (
                f"Cannot say what people's {self.noun} is: {why}. The judge alone says {judge}, which its errors bias."
            )
        ends = "" if taken.low is None or taken.high is None else self._ends(taken.low, taken.high)
        by = _labels(self.labelled)
        how = METHOD_NAMES[taken.method]
        if self.recommended != "labels":
            by += f" and {thousands(self.labelled + self.unlabelled - self.failed)} verdicts"
            if taken.labels_equivalent is not None and self.unlabelled:
                how += f"; worth {taken.labels_equivalent:.0f} labels alone"
        return (
            f"People's {self.noun}: {self.said(taken.value)} ({self.level} CI {ends}), from {by} ({how}). "
            f"The judge alone says {judge}."
        )

    def said(self, value: float | None) -> str:
        """A value as people read it."""
        if value is None:
            return "nothing"
        return f"{value:.2f}" if self.target == "mean" else percent(value)

    def _ends(self, low: float, high: float) -> str:
        if self.target == "mean":
            return f"{low:.2f}-{high:.2f}"
        return f"{100 * low:.1f}-{100 * high:.1f}"

    def to_json(self) -> dict[str, object]:
        """An object of plain values."""
        return {
            "path": str(self.path),
            "benchmark": self.benchmark,
            "judge": self.judge,
            "target": self.target,
            "of": self.of,
            "against": self.against,
            "scale": list(self.scale),
            "labelled": self.labelled,
            "unlabelled": self.unlabelled,
            "failed": self.failed,
            "confidence": self.confidence,
            "estimates": [each.to_json() for each in self.estimates],
            "recommended": self.recommended,
            "labels_needed": self.labels_needed,
            "slices": [each.to_json() for each in self.slices],
            "sentence": self.sentence,
            "notes": list(self.notes),
        }

    def tables(self) -> Sequence[Table]:
        """The answer, every method's figure, and the slices."""
        tables = [Table((), notes=[self.sentence]), self._methods()]
        if self.slices:
            tables.append(self._slices())
        return [*tables, Table((), notes=list(self._legend()))]

    def _methods(self) -> Table:
        """The methods as people read them: notes below."""
        table = self.table()
        names: dict[str, list[str]] = {}
        for each in self.estimates:
            if each.note:
                names.setdefault(each.note, []).append(METHOD_NAMES[each.method])
        rows = [replace(row, entries=row.entries[:-1]) for row in table.rows]
        notes = [f"{', '.join(of)}: {note}" for note, of in names.items()]
        return replace(table, columns=table.columns[:-1], rows=rows, notes=notes)

    def table(self) -> Table:
        """Every method's figure, the recommended one in bold."""
        kind, form = self._form
        columns: Columns = {
            Column("method", names=True): lambda each: METHOD_NAMES[each.method],
            Column("estimate", kind, form=form): lambda each: each.value,
            Column(f"{self.level} CI", kind, form=form): ends_of,
            Column("labels_equivalent", "number", head="worth labels", form=".0f"): lambda each: each.labels_equivalent,
        }
        if self.failed:
            columns[Column("bounds", kind, form=form)] = lambda each: each.bounds
        columns[Column("note")] = lambda each: each.note
        about = f"{self.judge} · {_labels(self.labelled)} · {thousands(self.unlabelled)} items without"
        return Table.of(
            self.estimates,
            columns,
            lambda each: {"style": "strong" * (each.method == self.recommended)},
            title=f"{self.title}: {self.noun}",
            about=about,
        )

    @property
    def _form(self) -> tuple[Literal["number", "share"], str]:
        return ("number", ".2f") if self.target == "mean" else ("share", "")

    def _slices(self) -> Table:
        kind, form = self._form
        columns: Columns = {
            Column("slice", names=True): lambda each: each.slice,
            Column("judge", kind, head="judge alone", form=form): lambda each: each.judge,
            Column("estimate", kind, form=form): lambda each: each.taken.value if each.taken else "cannot say",
            Column("CI", kind, form=form): lambda each: each.taken and ends_of(each.taken),
            Column("labels", "count"): lambda each: each.labelled,
            Column("items", "tokens"): lambda each: each.labelled + each.unlabelled,
        }
        last = self.slices[-1]
        ends = f"CI: {100 * last.confidence:.4g}% each, so that all hold together at {self.level}"
        few = [f"{each.slice} ({each.labels_needed})" for each in self.slices if each.taken is None]
        needed = [f"cannot say with so few labels; enough would be: {', '.join(few)}"] if few else []
        return Table.of(
            self.slices,
            columns,
            title="By section and subset" if self.slices[0].by != last.by else f"By {last.by}",
            notes=[*needed, ends],
        )

    def _legend(self) -> Iterator[str]:
        yield _RULE
        yield "worth labels: how many labels alone would have the same variance"
        yield "assumed: items were drawn to be labelled at random, or as a column 'probability' states"

    def remarks(self) -> Sequence[str]:
        """What a reader must know."""
        return self.notes


def counted_items(count: int) -> str:
    """A number of items in words."""
    return "1 item" if count == 1 else f"{thousands(count)} items"


def _labels(count: int) -> str:
    return "1 label" if count == 1 else f"{thousands(count)} labels"
