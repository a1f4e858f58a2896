"""The page of `judgebench report --html`: summary, figures, the browser of items, and how it is made again."""

from __future__ import annotations

import shlex
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from judgebench.analysis.cascade import MARGIN
from judgebench.analysis.compare import compare_finished
from judgebench.analysis.edits import wording_edits
from judgebench.analysis.report import report
from judgebench.errors import ConfigError
from judgebench.pages import comparisonfigures, judgingfigures, rewardfigures, scorefigures
from judgebench.pages.annotatorfigures import annotator_figures
from judgebench.pages.attributefigures import attribute_figures
from judgebench.pages.browser import Browser
from judgebench.pages.chapters import Chapter, Line, Subject
from judgebench.pages.driftfigures import drift_figures
from judgebench.pages.estimatefigures import estimate_figures
from judgebench.pages.guaranteefigures import guarantee_figures
from judgebench.pages.labelfigures import label_figures
from judgebench.pages.reproduction import recipe
from judgebench.pages.shell import Page, encoded, write_page
from judgebench.pages.standing import standing
from judgebench.pages.stepfigures import step_figures
from judgebench.pages.summary import pick_card, summary
from judgebench.pages.trustfigures import trust_card, trust_figures
from judgebench.pages.tunedfigures import tuned_cards, tuned_figures
from judgebench.runs import share_contents, titles_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.analysis.board import Board
    from judgebench.analysis.comparison import Comparison
    from judgebench.analysis.report import Detail, Report
    from judgebench.pages.figures import Figure
    from judgebench.runs import Run
    from judgebench.sources.opening import Data

SCRIPTS = (
    "core.js",
    "sort.js",
    "figures.js",
    "markdown.js",
    "list.js",
    "items.js",
    "detail.js",
    "triage.js",
    "report.js",
)


def report_page(
    runs: Run | str | Path | Sequence[Run | str | Path],
    file: str | Path,
    *,
    seed: int = 0,
    labels: Data | None = None,
    need: str | Mapping[str, float] | None = None,
    columns: Mapping[str, str] | None = None,
    meanings: Mapping[str, str] | None = None,
) -> Path:
    """Reports runs as one page that opens from disk, with all their items.

    >>> import judgebench as jb
    >>> run = jb.run("rewardbench", judge="offline/longest", data="sample")
    >>> jb.report_page(run, "report.html").name
    'report.html'

    Args:
        runs: A run or several, or their folders, of whatever benchmarks.
        file: Where to; one that is there is replaced.
        seed: Of the tests between runs of one benchmark.
        labels: People's labels of the runs' items; see `validate`, as for the following ones.
        need: What the judges are held to.
        columns: Columns of the labels by name.
        meanings: What stands in a label -> what it means.

    Returns:
        The file.

    Raises:
        ConfigError: A folder is no run, its figures or texts cannot be read, or the file cannot be written.
    """
    found = report(runs, seed=seed, labels=labels, need=need, columns=columns, meanings=meanings)
    write_report_page(Path(file), found)
    return Path(file)


def write_report_page(path: Path, found: Report) -> int:
    """Writes a report as one page.

    Args:
        path: The file; one that is there is replaced.
        found: The report.

    Returns:
        The number of bytes.

    Raises:
        ConfigError: The file cannot be written, or a run's texts cannot be read.
    """
    return write_page(path, page_of(found))


def page_of(found: Report) -> Page:
    """A report as one page."""
    share_contents([each.finished for each in found.details])
    subjects = [_subject(board, found.details) for board in found.boards]
    chapters = [_chapter(subject) for subject in subjects]
    figures = [figure.to_json() for chapter in chapters for figure in chapter.figures]
    lines = [(at, line) for at, subject in enumerate(subjects) for line in subject.lines]
    recipes = [recipe(line.detail.finished, line.title) for _, line in lines]
    paths = [str(line.detail.finished.path) for _, line in lines]
    names = [chapter.title for chapter in chapters]
    # Made here, before anything is written: it reads the runs' templates, and one that is damaged is said.
    browser = Browser(
        [line.detail.finished for _, line in lines],
        [line.title for _, line in lines],
        [at for at, _ in lines],
        good_judges([line for _, line in lines]),
    )
    return Page(
        template="report.html",
        title=f"{', '.join(names)}: {_count(len(lines), 'run')}",
        context={
            "chapters": chapters,
            "recipes": recipes,
            "command": shlex.join(["judgebench", "report", *paths, *found.options, "--html", "page.html"]),
            "notes": list(dict.fromkeys(found.notes)),
        },
        scripts=SCRIPTS,
        blocks=chain([("figures", encoded(figures))], browser.blocks()),
    )


def good_judges(lines: Sequence[Line]) -> list[int]:
    """Whose verdicts put a label in doubt: the judges that are above every baseline, by their intervals.

    Where no judge is, all that have a score: their places in the list.
    """
    scored = [at for at, line in enumerate(lines) if line.place.score is not None and not line.place.low_coverage]
    return [at for at in scored if _beats_baselines(lines[at])] or scored


def _beats_baselines(line: Line) -> bool:
    controls = line.detail.metrics.controls
    reached = [each.score for each in controls.baselines.values()] if controls is not None else []
    return line.place.low is not None and line.place.low > max(reached, default=0.0)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _subject(board: Board, details: Sequence[Detail]) -> Subject:
    by_path = {str(each.finished.path): each for each in details}
    among = [by_path[place.path] for place in board.places]
    named = titles_of([each.finished for each in among])
    lines = tuple(
        Line(number, title, detail, place)
        for number, (title, detail, place) in enumerate(zip(named, among, board.places, strict=True))
    )
    ranked = [line.number for line in lines if line.place.rank is not None]
    compared = ranked or [line.number for line in lines if line.place.score is None]
    return Subject(board, lines, _compared([lines[at] for at in compared]), tuple(compared))


def _compared(lines: Sequence[Line]) -> Comparison | None:
    if len(lines) < 2:
        return None
    try:
        return compare_finished([line.detail.finished for line in lines], common=True, margin=MARGIN)
    except ConfigError:
        # Runs without labels may have no item in common; then there is nothing to compare, and nobody asked for it.
        return None


def _chapter(subject: Subject) -> Chapter:
    every = [
        standing(subject),
        *trust_figures(subject),
        *guarantee_figures(subject),
        *drift_figures(subject),
        *estimate_figures(subject),
        *label_figures(subject),
        *annotator_figures(subject),
        *attribute_figures(subject),
        *step_figures(subject),
        *tuned_figures(subject),
        scorefigures.differences(subject),
        comparisonfigures.best(subject),
        comparisonfigures.components(subject),
        scorefigures.failure_effects(subject),
        scorefigures.parts(subject, "section"),
        scorefigures.parts(subject, "subset"),
        scorefigures.kinds(subject),
        scorefigures.cost(subject),
        judgingfigures.agreement(subject),
        judgingfigures.position(subject),
        judgingfigures.biases(subject),
        judgingfigures.calibration(subject),
        judgingfigures.surest(subject),
        judgingfigures.failures(subject),
        scorefigures.matrix(subject),
        scorefigures.ties(subject),
        rewardfigures.best_of(subject),
    ]
    lead, cards = summary(subject)
    figures: list[Figure] = [figure for figure in every if figure.table]
    bare = [(figure.title, figure.empty or "nothing to show") for figure in every if not figure.table]
    return Chapter(
        subject.slug,
        subject.board.title,
        lead,
        [*trust_card(subject), *tuned_cards(subject), *pick_card(subject), *cards],
        [(line.number, line.title) for line in subject.lines],
        figures,
        bare,
        _notes(subject),
        wording_edits([line.detail.finished for line in subject.lines]),
    )


def _notes(subject: Subject) -> list[str]:
    said = [f"{line.title}: {note}" for line in subject.lines for note in line.detail.metrics.notes]
    states = (line.place.state for line in subject.lines)
    said += [
        f"{line.title}: the run is {s}"
        for line, s in zip(subject.lines, states, strict=True)
        if s not in {"done", "incomplete"}
    ]
    return [*dict.fromkeys([*subject.board.notes, *said])]
