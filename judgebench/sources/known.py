"""The forms that rows come in, known by their columns: what a form is, and which of them a table has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from judgebench.sources.cells import decode_cell
from judgebench.sources.columns import Columns, plain
from judgebench.sources.labels import TIE, UNLABELLED, coded, read_label

CustomRow = dict[str, object]
"""A row in the columns that benchmarks know."""

CANONICAL = frozenset(
    {
        "prompt",
        "chosen",
        "rejected",
        "completions",
        "response",
        "completion",
        "response_a",
        "response_b",
        "response_A",
        "response_B",
        "answer_a",
        "answer_b",
        "answer_A",
        "answer_B",
        "label",
        "num_correct",
        "human_score",
    }
)
"""Columns that say what is judged and which is better; a form leaves none of them standing that it has not made."""


class FormError(ValueError):
    """A row that contradicts its form; the message says what is wrong and the option that helps, without its place."""


class Cells:
    """A row's cells, by any spelling of a column's name."""

    def __init__(self, row: Mapping[str, object]) -> None:
        self._row = row
        self._own = {plain(name): name for name in reversed(list(row))}

    def own(self, name: str) -> str:
        """The column's name as the file has it."""
        return self._own.get(plain(name), name)

    def __contains__(self, name: str) -> bool:
        """Whether there is such a column."""
        return plain(name) in self._own

    def __call__(self, name: str) -> object:
        """The cell; None where it is empty or not there. Lists and objects that stand as text are decoded."""
        return decode_cell(self.raw(name))

    def raw(self, name: str) -> object:
        """The cell as it stands."""
        return self._row.get(self._own.get(plain(name), name))

    def need(self, name: str) -> object:
        """The cell of a column that must hold something."""
        value = self.raw(name)
        if value is None:
            raise FormError(f"column '{self.own(name)}' is empty")
        return value

    def number(self, name: str) -> float | None:
        """The number in a cell; None where there is none.

        Raises:
            FormError: It holds something else.
        """
        value = self.raw(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        try:
            number = float("nan") if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            raise FormError(f"column '{self.own(name)}' is {value!r}, expected a number") from None
        return None if number != number else number

    def rest(self, *used: str) -> CustomRow:
        """All other cells, which go along."""
        taken = {plain(name) for name in used}
        return {name: value for name, value in self._row.items() if plain(name) not in taken and name not in CANONICAL}


Make = Callable[[Cells], CustomRow]
Fits = Callable[[Sequence[Cells]], bool]


def _always(rows: Sequence[Cells]) -> bool:  # noqa: ARG001 - columns alone tell
    return True


@dataclass(frozen=True)
class KnownForm:
    """One form of rows.

    Attributes:
        name: What people call it: "Chatbot Arena".
        needs: The columns that it is known by, in any spelling.
        becomes: What a row becomes: `pair`, `best of k`, `grade`.
        said: How the labels are counted, in one line.
        make: From a row to the columns that the benchmark knows.
        label: The column that says which is better, if one does.
        labels: What stands in it -> `A`, `B` or `tie`; empty where words are read.
        uses: All columns that are read, beside `needs`.
        benchmarks: Whose rows they become.
        fits: Whether the first rows are of this form, where the columns alone do not say so.
        exact: Whether a column's absence is a sign, too: these must not be there.
    """

    name: str
    needs: tuple[str, ...]
    becomes: str
    said: str
    make: Make = field(repr=False)
    label: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    uses: tuple[str, ...] = ()
    benchmarks: tuple[str, ...] = ("custom",)
    fits: Fits = field(default=_always, repr=False)
    without: tuple[str, ...] = ()

    def read(self, row: Mapping[str, object]) -> list[CustomRow]:
        """The rows that one row becomes, in the columns that the benchmark knows; every other column goes along.

        Raises:
            FormError: The row contradicts the form.
        """
        cells = Cells(row)
        return [cells.rest(*self.needs, *self.uses) | self.make(cells)]

    def matches(self, columns: Columns, rows: Sequence[Cells]) -> bool:
        """Whether a table with these columns and first rows is of this form."""
        absent = not any(columns.has(name) for name in self.without)
        return columns.has(*self.needs) and absent and self.fits(rows)


def label_in(cells: Cells, column: str, codes: Mapping[str, str] | None = None, *, models: Sequence[object] = ()) -> str:
    """The label that a cell holds, `A`, `B`, `tie` or empty.

    Args:
        cells: The row.
        column: The label's column.
        codes: What stands there -> what it means; words for slots and ties where there are none.
        models: The names of the two models, one of which the label may be.

    Raises:
        FormError: It is none of these; the message names `--labels`.
    """
    value = cells.raw(column)
    said = read_label(value)
    if codes:
        found = coded(value, codes) or (UNLABELLED if said == UNLABELLED else None)
        found = found if found is not None else said if value in {"A", "B", TIE} else None  # type: ignore[comparison-overlap]
    else:
        found = said if isinstance(said, str) else None
    named = {"AB"[at] for at, name in enumerate(models) if name is not None and str(name) == str(value)}
    if len(named) == 1:
        by_name = named.pop()
        if found not in {None, by_name}:
            raise FormError(f"{cells.own(column)} is {value!r}, both a slot and the name of the other model: {_mend(value)}")
        found = by_name
    if found is None:
        expected = ", ".join(codes) if codes else "A, B or tie, or a word for one of them"
        raise FormError(f"{cells.own(column)} is {value!r}, expected {expected}: {_mend(value)}")
    return found


def _mend(value: object) -> str:
    text = str(value)
    shown = text if len(text) <= 40 and not set(text) & set(' ,=()"') else f'"{text[:40]}"'
    return f"say what it means with --labels {shown}=A (or B, or tie)"


def known_form(
    columns: Iterable[str], first_rows: Sequence[Mapping[str, object]], benchmark: str = "custom"
) -> KnownForm | None:
    """The form of a table, by its columns and its first rows.

    Args:
        columns: The names of its columns.
        first_rows: Some hundreds of its rows, to tell apart what columns alone do not.
        benchmark: Whose rows they are to become.

    Returns:
        The most specific form that fits: the one that needs the most columns. Where none does and the benchmark takes
        rows of one's own, what the usual names of columns say (`question`, `answer_a`, `preferred`). None where the
        columns are the benchmark's own already, or mean nothing.
    """
    from judgebench.sources.known_table import FORMS
    from judgebench.sources.named import named_form

    table = Columns.of(columns)
    cells = [Cells(row) for row in first_rows]
    fitting = [form for form in FORMS if benchmark in form.benchmarks and form.matches(table, cells)]
    if fitting:
        return max(fitting, key=lambda form: len(form.needs))
    return named_form(table, cells) if benchmark == "custom" else None
