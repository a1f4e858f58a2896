"""The site of `judgebench leaderboard --html`: a page with every board, and beside it a page for each run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from judgebench._util.steps import counted
from judgebench._util.table import Marked
from judgebench.analysis.judgementcolumns import judgement_files
from judgebench.analysis.leaderboard import leaderboard
from judgebench.analysis.report import report
from judgebench.errors import ConfigError
from judgebench.pages.report import page_of
from judgebench.pages.shell import Page, write_page
from judgebench.runs import Run, folder_name, list_runs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench._util.table import Table, Value
    from judgebench.analysis.board import Board, Leaderboard, Place
    from judgebench.analysis.fileboard import FileRuns

SCRIPTS = ("core.js", "sort.js", "leaderboard.js")

_JUDGE, _INTERVAL = 1, 4
"""Columns of a board that show more than their text."""


@dataclass(frozen=True)
class BoardCell:
    """A cell of a board.

    Attributes:
        text: As people read it.
        value: What it is sorted by: a number or text; None comes last.
        link: Where it leads to.
        bar: From where to where an interval reaches, and where the score is, in percent of the column's width.
    """

    text: str
    value: float | str | None
    link: str | None = None
    bar: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class BoardRow:
    """A run on a board.

    Attributes:
        kind: `judge`, `scores` (of a reward model) or `published`.
        group: Letters; two rows share one exactly where they are not significantly different.
        title: What the row is called where a sentence names it.
    """

    kind: str
    group: str
    title: str
    cells: tuple[BoardCell, ...]


@dataclass(frozen=True)
class Section:
    """A board, as the page's template takes it."""

    slug: str
    board: Board
    table: Table
    rows: tuple[BoardRow, ...]

    @property
    def grouped(self) -> bool:
        """Whether there are runs that share a letter, or might have."""
        return any(row.group for row in self.rows)


def leaderboard_page(
    folder: Run | str | Path | Sequence[Run | str | Path],
    file: str | Path,
    *,
    benchmark: str | None = None,
    published: bool = False,
    run_pages: bool = True,
    seed: int = 0,
) -> Path:
    """Writes a leaderboard as a page that opens from disk, with a page for each run in a folder beside it.

    >>> import judgebench as jb
    >>> run = jb.run("rewardbench", judge="offline/longest", data="sample", out="runs")
    >>> jb.leaderboard_page("runs", "leaderboard.html", run_pages=False).name
    'leaderboard.html'

    Args:
        folder: The folder above the runs' folders, or runs, or several of either; or Parquet files of judgements, whose
            runs have no pages of their own.
        file: Where to; one that is there is replaced. `board.html` has its runs' pages in `board-runs`.
        benchmark: Only this one.
        published: Put published figures beside the runs.
        run_pages: Whether each run gets its page.
        seed: Of the tests behind the letters.

    Returns:
        The file.

    Raises:
        ConfigError: There is no run that can be read, or a file cannot be written.
    """
    files = judgement_files([each.path if isinstance(each, Run) else each for each in list_runs(folder)])
    if files is not None:
        from judgebench.analysis.fileboard import file_runs, leaderboard_of

        runs = file_runs(files, benchmark)
        write_file_page(Path(file), leaderboard_of(runs, published=published, seed=seed), runs.runs)
        return Path(file)
    found = leaderboard(folder, benchmark=benchmark, published=published, seed=seed)
    write_leaderboard_page(Path(file), found, run_pages=run_pages)
    return Path(file)


def write_leaderboard_page(path: Path, found: Leaderboard, *, run_pages: bool = True) -> list[str]:
    """Writes a leaderboard as a page, after the pages that it leads to.

    Returns:
        Which runs have no page, and why, a sentence each.

    Raises:
        ConfigError: A file cannot be written.
    """
    _no_folder(path)
    links, without = _run_pages(path, found) if run_pages else ({}, [])
    write_page(path, page_of_boards(found, links))
    return without


def write_file_page(path: Path, found: Leaderboard, runs: Sequence[FileRuns]) -> None:
    """Writes the runs of Parquet files as one page: the boards, biases and agreement, subsets, and a sample of items.

    Args:
        path: The file.
        found: Their boards.
        runs: The runs themselves.

    Raises:
        ConfigError: The file cannot be written.
    """
    from judgebench.pages.filepage import beside_boards

    page = page_of_boards(found, {})
    write_page(_no_folder(path), replace(page, context={**page.context, "beside": beside_boards(runs)}))


def _no_folder(path: Path) -> Path:
    if path.is_dir():
        raise ConfigError(f"{path}: is a folder; name a file in it, {path / 'leaderboard.html'} say")
    return path


def _run_pages(path: Path, found: Leaderboard) -> tuple[dict[str, str], list[str]]:
    """Writes each run's page into the folder beside the leaderboard's; gives the links to them by the runs' paths."""
    folder = path.with_name(f"{path.stem}-runs")
    places = [(board, place) for board in found.boards for place in board.places if not place.published]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be made ({error.strerror}); name another file") from None
    links: dict[str, str] = {}
    without: list[str] = []
    taken: Counter[str] = Counter()
    for board, place in counted(places, "writing pages", unit="runs", total=len(places)):
        stem = page_stem(board, place)
        taken[stem] += 1
        name = f"{stem}.html" if taken[stem] == 1 else f"{stem}~{taken[stem]}.html"
        try:
            page = page_of(report([place.path]))
        except ConfigError as error:
            without.append(f"no page: {error}")
            continue
        write_page(folder / name, page)
        links[place.path] = f"{quote(folder.name)}/{quote(name)}"
    return links, without


def page_stem(board: Board, place: Place) -> str:
    """The name of a run's page, without its ending: safe on every host, whatever the judge is called."""
    parts = [board.benchmark, place.judge, place.wording, place.protocol if place.template else ""]
    return folder_name("-".join(part for part in parts if part))


def page_of_boards(found: Leaderboard, links: Mapping[str, str]) -> Page:
    """A leaderboard as one page.

    Args:
        found: The leaderboard.
        links: By a run's path, where its page is.
    """
    sections = [_section(board, links) for board in found.boards]
    count = sum(row.kind != "published" for section in sections for row in section.rows)
    names = ", ".join(section.board.title for section in sections)
    kinds = {row.kind for section in sections for row in section.rows}
    return Page(
        template="leaderboard.html",
        title=f"Leaderboard: {names}, {count} run{'' if count == 1 else 's'}",
        context={
            "sections": sections,
            "unreadable": found.unreadable,
            "kinds": sorted(kinds),
            "linked": bool(links),
            "beside": {},
        },
        scripts=SCRIPTS,
    )


def _section(board: Board, links: Mapping[str, str]) -> Section:
    table = board.table()
    low, high = _reach(board.places)
    rows = []
    for place, row, texts in zip(board.places, table.rows, table.cells, strict=True):
        cells = [BoardCell(text, _sorted_by(value)) for text, value in zip(texts, row.entries, strict=True)]
        cells[_JUDGE] = replace(cells[_JUDGE], link=links.get(place.path))
        cells[_INTERVAL] = replace(cells[_INTERVAL], bar=_bar(place, low, high))
        kind = "published" if place.published else "judge" if place.template is not None else "scores"
        rows.append(BoardRow(kind, place.group, place.label, tuple(cells)))
    return Section(f"board-{board.benchmark}", board, table, tuple(rows))


def _sorted_by(value: Value) -> float | str | None:
    """What a cell's value is sorted by: an interval by its lower end."""
    if isinstance(value, Marked):
        return None if isinstance(value.value, str) else _sorted_by(value.value)
    if isinstance(value, tuple):
        return value[0]
    return None if value in {"", "-"} else value.casefold() if isinstance(value, str) else value


def _reach(places: Sequence[Place]) -> tuple[float, float]:
    """What the column of intervals spans."""
    ends = [end for place in places for end in (place.low, place.high, place.score) if end is not None]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _bar(place: Place, low: float, high: float) -> tuple[float, float, float] | None:
    if place.score is None or place.low is None or place.high is None:
        return None
    left, right, middle = (
        round(100 * (value - low) / (high - low), 2) for value in (place.low, place.high, place.score)
    )
    return left, max(right - left, 0.5), middle
