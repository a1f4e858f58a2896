"""The forms that rows come in, known by their columns, and the source that reads them so."""

from __future__ import annotations

from functools import cached_property
from itertools import islice
from pathlib import PurePath
from typing import TYPE_CHECKING

from judgebench.errors import DataError
from judgebench.sources.columns import LABELS, Columns, plain, words
from judgebench.sources.form import Cells, FormError, KnownForm
from judgebench.sources.known_table import FORMS
from judgebench.sources.labels import TIE, UNLABELLED, read_label
from judgebench.sources.named import named_form
from judgebench.sources.source import Row, Source, SourceOver

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

FIRST_ROWS = 300
"""So many rows are looked at to tell a form."""


def known_form(
    columns: Iterable[str],
    first_rows: Sequence[Mapping[str, object]],
    benchmark: str = "custom",
    meanings: Mapping[str, str] | None = None,
) -> KnownForm | None:
    """The form of a table, by its columns and its first rows.

    Args:
        columns: The names of its columns.
        first_rows: Some hundreds of its rows, to tell apart what columns alone do not.
        benchmark: Whose rows they are to become.
        meanings: What the user said that labels mean.

    Returns:
        The most specific form that fits: the one that needs the most columns. Where none does and the benchmark takes
        rows of one's own, what the usual names of columns say (`question`, `answer_a`, `preferred`). None where the
        columns are the benchmark's own already, or mean nothing.
    """
    table = Columns.of(columns)
    cells = [Cells(row, meanings) for row in first_rows]
    fitting = [form for form in FORMS if benchmark in form.benchmarks and form.matches(table, cells)]
    if fitting:
        return max(fitting, key=lambda form: len(form.needs)).of_benchmark(benchmark)
    return named_form(table, cells) if benchmark == "custom" else None


def likely_label(columns: Iterable[str], first_rows: Sequence[Mapping[str, object]]) -> list[str]:
    """The columns whose names look like a label's, the likeliest first: for rows in which none was understood."""
    table = Columns.of(columns)
    filled = [
        name
        for name in table.all(LABELS)
        if any(isinstance(row.get(name), str | int | float) and row.get(name) != "" for row in first_rows)
    ]
    named = [*filled, *(name for name in columns if name not in filled and _votes(name))]
    more = [name for name in columns if name not in named and _says_slots(name, first_rows)]
    return [*named, *more, *(name for name in columns if name not in [*named, *more] and _says_which(name, first_rows))]


_COUNTS = frozenset({"id", "idx", "index", "turn", "seed", "fold", "split", "round", "number", "batch", "version"})
_GRADED = frozenset(
    {"good", "bad", "pass", "fail", "passed", "failed", "correct", "incorrect", "right", "wrong", "yes", "no", "true"}
    | {"false", "ok", "not ok", "acceptable", "unacceptable", "accept", "reject", "safe", "unsafe"}
)
"""Words for a single answer's class."""


def _says_which(name: str, first_rows: Sequence[Mapping[str, object]]) -> bool:
    """Whether a column holds two or three values that number the answers, name their columns, or grade one answer."""
    values = [value for row in first_rows if (value := row.get(name)) is not None and value != ""]
    if not all(isinstance(value, str | int | float) for value in values):
        return False
    said = {str(value).strip() for value in values}
    if not 2 <= len(said) <= 3 or {*words(name)} & _COUNTS:
        return False
    columns = {plain(column) for row in first_rows[:1] for column in row}
    slots = said - {value for value in said if read_label(value) == TIE}
    return (
        said in ({"0", "1"}, {"1", "2"}, {"0", "1", "2"}, {"-1", "0", "1"})
        or {value.casefold() for value in said} <= _GRADED
        or (len(slots) > 1 and {plain(value) for value in slots} <= columns)
    )


def _says_slots(name: str, first_rows: Sequence[Mapping[str, object]]) -> bool:
    """Whether a column holds words for answers throughout, and more than one of them."""
    said = [read_label(row.get(name)) for row in first_rows]
    words = {each for each in said if each != UNLABELLED}
    return len(words - {TIE}) > 1 and all(isinstance(each, str) for each in words)


def _votes(name: str) -> bool:
    of = words(name)
    named = {"winner", "preferred", "preference", "vote", "label", "comparison"} & {*of}
    return bool(named) or of in {("score",), ("strength",), ("expected",), ("choice",)}


class KnownSource(SourceOver):
    """Another source with its rows in the benchmark's columns, where their form is known; else as they are.

    Args:
        source: The rows.
        benchmark: Whose they are.
        labels: What stands in the label's column -> `A`, `B` or `tie`, where the user said so.
    """

    def __init__(self, source: Source, benchmark: str = "custom", labels: Mapping[str, str] | None = None) -> None:
        super().__init__(source)
        self.benchmark, self.labels = benchmark, dict(labels or {})

    @property
    def below(self) -> Source:
        """The source whose rows these are."""
        return self._source

    @cached_property
    def form(self) -> KnownForm | None:
        """The form of the rows; None where they stand in the benchmark's own columns, or in unknown ones."""
        first = [row.data for row in islice(self._source.placed_rows(), FIRST_ROWS) if row.problem is None]
        columns = list(dict.fromkeys(str(name) for data in first for name in data))
        found = known_form(columns, first, self.benchmark, self.labels)
        asked = [found.label] if found is not None and found.unclear and found.label else []
        if len(first) < FIRST_ROWS or not (
            asked := [*asked, *(name for name in columns if name.casefold() == "language")]
        ):
            return found
        return known_form(columns, [*first, *self._others(asked)], self.benchmark, self.labels)

    def _others(self, columns: list[str]) -> list[Mapping[str, object]]:
        """Rows with another value in one of the columns, one for each value: what the first rows left open."""
        found: dict[tuple[str, str], Mapping[str, object]] = {}
        for row in self._source.placed_rows():
            for column in columns:
                key = (column, str(row.data.get(column))[:80])
                if key not in found and len(found) < FIRST_ROWS:
                    found[key] = row.data
        return list(found.values())

    def rows(self) -> Iterator[Row]:
        """The rows; one that contradicts the form has the reason with it, and is refused when it is read.

        Raises:
            DataError: Nobody can say what the labels mean; the message names the option that does.
        """
        form = self.form
        if form is None:
            yield from self._source.placed_rows()
            return
        if form.unclear is not None:
            raise DataError(f"{self.name}: {form.unclear}")
        placed = self._placed(form)
        for number, row in enumerate(self._source.placed_rows(), 1):
            cells = Cells(row.data, self.labels)
            if row.problem is not None or not cells.has(form.needs):
                yield row  # of another form than the first rows: what it is, its own columns say
                continue
            try:
                read = form.read_cells(cells)
            except FormError as error:
                row.problem = str(error)
                yield row
                continue
            for data in read:
                missing = {"subset": placed, "id": str(number)} if placed is not None else {}
                yield Row(row.where, {**missing, **data}, row.split, row.encoded, number=row.number)

    def _placed(self, form: KnownForm) -> str | None:
        """The subset that the path of the file says; None where the form has none by path."""
        folders = PurePath(self.name.casefold()).parts
        return next((subset for word, subset in form.places.items() if word in folders or not word), None)
