"""Leaderboards as tables for a terminal of 80 columns and more, as CSV and as Markdown."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.padding import Padding
from rich.text import Text

from judgebench._util.text import dollars, one_line, percent, score_head, score_range, score_text
from judgebench.reports.files import csv_text
from judgebench.reports.latex import latex_table
from judgebench.reports.styles import ASIDE
from judgebench.reports.table import natural_width, plain_table
from judgebench.runs import arrow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pyarrow as pa
    from rich.console import Console
    from rich.table import Table

    from judgebench.analysis.board import Board, Leaderboard, Place

    Columns = dict[str, Callable[[Place], str]]

_WIDE = 150
_LEFT = 3
_NAME = 24
"""Columns that a name gets at least before it is broken."""
_MOVED = ("verdicts", "items", "cost")
"""Columns that go into the table below where there is no room, in this order."""
_OTHER = "-"


def print_leaderboard(console: Console, found: Leaderboard) -> None:
    """A table a benchmark; where sections and figures do not fit beside the score, they get a table of their own."""
    for board in found.boards:
        count = sum(not place.published for place in board.places)
        said = [board.title, "1 run" if count == 1 else f"{count} runs"]
        items = {place.items for place in board.places if not place.published}
        if len(items) == 1:
            said.append(f"{items.pop()} items")
        if (protocol := _shared_protocol(board)) is not None:
            said.append(protocol)
        console.print(Text(" · ".join(said), style="bold"), soft_wrap=True)
        beside, below = _details(board, wide=console.width >= _WIDE)
        columns = _columns(board, beside)
        for name in _MOVED:
            if name in columns and _width(console, board, columns) > console.width:
                below[name] = columns.pop(name)
        again = len({place.judge for place in board.places}) < len(board.places)
        first = _fitting(console, board, columns, templates=True)
        for table in (*first, *_fitting(console, board, below, templates=again)):
            console.print(table)
            console.print()
        for line in _legend(board):
            console.print(Padding(Text(one_line(line)), (0, 0, 0, 2), expand=False))
        console.print()


def _fitting(console: Console, board: Board, columns: Columns, *, templates: bool) -> list[Table]:
    """The columns behind the names, in as many tables as are needed for each to fit."""
    tables: list[Table] = []
    rest = list(columns)
    while rest:
        taken = len(rest)
        while taken > 1 and _width(console, board, {name: columns[name] for name in rest[:taken]}) > console.width:
            taken -= 1
        tables.append(_table(console, board, {name: columns[name] for name in rest[:taken]}, templates=templates))
        rest = rest[taken:]
    return tables


def _width(console: Console, board: Board, columns: Columns) -> int:
    """The columns of a table whose names are broken where they are longer than they must have room for."""
    longest = max(cell_len(one_line(place.judge)) for place in board.places)
    return natural_width(console, _laid_out(board, columns, names=False)) + max(min(longest, _NAME) - len("judge"), 0)


def _table(console: Console, board: Board, columns: Columns, *, templates: bool) -> Table:
    """Names and columns: the template beside the judge, or below it where that does not fit; names break last."""
    beside = _laid_out(board, columns, templates=templates)
    if not templates or natural_width(console, beside) <= console.width:
        return beside
    return _laid_out(board, columns, below=True)


def _laid_out(
    board: Board, columns: Columns, *, templates: bool = True, below: bool = False, names: bool = True
) -> Table:
    own = templates and names and not below
    table = plain_table("", "judge", *(["template"] if own else []), *columns)
    for column in table.columns[: 2 + own]:
        column.justify, column.no_wrap, column.overflow = "left", False, "fold"
    table.columns[0].no_wrap = True
    for place in board.places:
        judge, template = one_line(place.judge) if names else "", _template(place, board)
        table.add_row(
            _rank(place),
            f"{judge}\n  {template}" if below else judge,
            *([template] if own else []),
            *(column(place) for column in columns.values()),
            style=ASIDE if place.published else "",
        )
    return table


def _columns(board: Board, details: Columns) -> Columns:
    """The columns behind the names that say something, and their cells; the given ones beside the score."""
    runs = [place for place in board.places if not place.published]
    columns: Columns = {
        score_head(place.measure for place in board.places): _score,
        "95% interval": _interval,
        **details,
    }
    if len({place.items for place in runs}) > 1:
        columns["items"] = lambda place: "" if place.items is None else str(place.items)
    if any(place.coverage != 1 for place in runs):
        columns["verdicts"] = lambda place: "" if place.coverage is None else percent(place.coverage)
    if any(place.template is not None for place in runs):
        columns["cost"] = _cost
    if any(place.group for place in runs):
        columns["group"] = lambda place: place.group
    return columns


def _template(place: Place, board: Board) -> str:
    """The template, with the protocol unless the title has it."""
    return one_line(place.template if place.template and _shared_protocol(board) is not None else _how(place))


def _rank(place: Place) -> str:
    if place.other_items:
        return _OTHER
    return "" if place.rank is None else str(place.rank)


def _interval(place: Place) -> str:
    return "" if place.low is None or place.high is None else score_range(place.low, place.high, place.measure)


def _score(place: Place) -> str:
    return "" if place.score is None else score_text(place.score, place.measure)


def _section(name: str, place: Place) -> str:
    score = place.sections.get(name)
    return "" if score is None else score_text(score, place.measure)


def _figure(name: str, place: Place) -> str:
    value = place.figures.get(name)
    return "" if value is None else f"{value:.3f}"


def _details(board: Board, *, wide: bool) -> tuple[Columns, Columns]:
    """The columns of sections and further figures: those beside the score, and those in a table of their own.

    A figure that is the score itself has none.
    """
    runs = [place for place in board.places if not place.published]
    sections: Columns = {name: partial(_section, name) for name in board.sections}
    figures: Columns = {n: partial(_figure, n) for n in board.figures if any(n != run.measure for run in runs)}
    if wide:
        return sections | figures, {}
    return ({}, sections | figures) if len(figures) > 1 else (figures, sections)


def _shared_protocol(board: Board) -> str | None:
    """What all judges' runs have in common, for the title: the name of their protocol, if it says anything."""
    protocols = {place.protocol for place in board.places if place.template is not None}
    shared = protocols.pop() if len(protocols) == 1 else ""
    return None if shared in {"", "one", "ratings"} or "-rescored-" in shared else shared


def _how(place: Place) -> str:
    if place.template is None:
        return place.wording
    protocol = place.protocol.partition("-rescored-")[0]
    return place.template if protocol in {"one", "ratings"} else f"{place.template}, {protocol}"


def _cost(place: Place) -> str:
    if place.published or place.template is None:
        return ""
    cost = "unknown" if place.cost_usd is None else dollars(place.cost_usd)
    return f"{cost} *" if place.pareto else f"{cost}  "


def _legend(board: Board) -> Iterable[str]:
    yield from board.without_judging
    if any(place.group for place in board.places):
        yield (
            "group: runs that share a letter cannot be told apart (paired tests, Holm's correction), which is not to "
            "say that they are alike"
        )
    others = [place for place in board.places if place.other_items]
    if others:
        yield f"{_OTHER}: over other items, and so not ranked: {', '.join(f'{o.judge} {_how(o)}' for o in others)}"
    if any(place.pareto for place in board.places):
        yield "*: no other judge here is as cheap and as good, and cheaper or better"
    unfinished = [place for place in board.places if place.state not in {"done", "incomplete"}]
    if unfinished:
        yield f"not finished: {', '.join(f'{place.judge} ({place.state})' for place in unfinished)}"
    for note in board.notes:
        yield f"note: {note}"


_COLUMNS = (
    "benchmark",
    "rank",
    "judge",
    "template",
    "protocol",
    "score",
    "low",
    "high",
    "items",
    "coverage",
    "cost_usd",
    "group",
    "pareto",
    "state",
    "published",
    "source",
    "date",
    "path",
    "measure",
)


def leaderboard_csv(boards: Sequence[Board]) -> str:
    """A line a run, fractions as they are; every section of any benchmark has a column."""
    head, rows = _lines(boards)
    return csv_text(head, rows)


def leaderboard_table(boards: Sequence[Board]) -> pa.Table:
    """The same as an Arrow table, for Parquet."""
    import pyarrow as pa

    head, rows = _lines(boards)
    whole, yes_no, real = {"rank", "items"}, {"pareto", "published"}, {"score", "low", "high", "coverage", "cost_usd"}
    kinds = {
        **dict.fromkeys({*_COLUMNS} - whole - yes_no - real, pa.string()),
        **dict.fromkeys(whole, pa.int64()),
        **dict.fromkeys(yes_no, pa.bool_()),
    }
    # A section may be named like a column; in Parquet every name is there once.
    names = [*_COLUMNS, *(f"section {name}" if name in _COLUMNS else name for name in head[len(_COLUMNS) :])]
    schema = pa.schema([(name, kinds.get(name, pa.float64())) for name in names])
    return arrow([dict(zip(names, row, strict=True)) for row in rows], schema)


def _lines(boards: Sequence[Board]) -> tuple[list[str], list[list[Any]]]:
    """The columns of all boards together, and a line a run."""
    sections = list(dict.fromkeys(name for board in boards for name in board.sections))
    figures = list(dict.fromkeys(name for board in boards for name in board.figures))
    lines = []
    for board in boards:
        for place in board.places:
            values = {"benchmark": board.benchmark, **{name: getattr(place, name) for name in _COLUMNS[1:]}}
            values["template"] = "" if place.published else place.wording
            line = [values[name] for name in _COLUMNS] + [place.sections.get(name) for name in sections]
            lines.append(line + [place.figures.get(name) for name in figures])
    return [*_COLUMNS, *sections, *figures], lines


def leaderboard_markdown(boards: Sequence[Board]) -> str:
    """A table a benchmark, with its notes below."""
    parts = []
    for board in boards:
        head, rows, notes = board_cells(board)
        said = "".join(f"\n- {markdown_cell(line)}" for line in notes)
        parts.append(f"## {board.title}\n\n{markdown_table(head, rows, _LEFT)}\n{said}\n")
    return "\n".join(parts)


def leaderboard_latex(boards: Sequence[Board]) -> str:
    """A table a benchmark, its notes as comments."""
    needs = "% Needs \\usepackage{booktabs} and \\usepackage[T1]{fontenc}.\n"
    return needs + "\n".join(latex_table(board.title, *board_cells(board), left=_LEFT) for board in boards)


def board_cells(board: Board) -> tuple[list[str], list[list[str]], list[str]]:
    """The head, the cells as people read them, and the notes of a board."""
    names: Columns = {
        "": _rank,
        "judge": lambda place: one_line(place.judge),
        "template": partial(_template, board=board),
    }
    columns = names | _columns(board, _details(board, wide=True)[0])
    rows = [[column(place).strip() for column in columns.values()] for place in board.places]
    return list(columns), rows, list(_legend(board))


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> str:
    """A table; the first `left` columns are text, the others numbers."""
    rule = ["---" if at < left else "---:" for at in range(len(head))]
    return "\n".join(f"| {' | '.join(map(markdown_cell, row))} |" for row in [head, rule, *rows])


def markdown_cell(text: str) -> str:
    """Text that stays within its cell and is shown as it is."""
    safe = one_line(text).replace("\\", "\\\\")
    for mark in "|*_`<>[]&~#$!":
        safe = safe.replace(mark, f"\\{mark}")
    return safe
