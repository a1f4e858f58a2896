"""What `judgebench run` prints when it has ended: the scores, and what became of each run."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import TYPE_CHECKING

from judgebench._util.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from judgebench.analysis.suite import SuiteTable
    from judgebench.engine.grid import GridResult
    from judgebench.engine.plan import Grid
    from judgebench.engine.recorder import RunResult


_NAMED = 3
"""So many runs that were not begun are named."""


def print_scores(ended: Sequence[RunResult], console: Console) -> None:
    """One run or two of a benchmark in full; two and more in a table with what tells them apart."""
    from judgebench.reports.table import print_tables
    from judgebench.runs import Run, headings, run_tables

    by_benchmark: dict[str, list[RunResult]] = {}
    altered = _altered(ended)
    beside = {id(other) for _, others in altered for other in others}
    for result in ended:
        if id(result) not in beside:
            by_benchmark.setdefault(result.cell.benchmark.title, []).append(result)
    for results in by_benchmark.values():
        if len(results) <= 2:
            for result, heading in zip(results, headings([Run(result.folder) for result in results]), strict=True):
                print_tables(console, run_tables(heading, result.metrics, result.stored))
        if results[0].cell.until_shown is not None:
            from judgebench.reports.sequential import print_sequential

            print_sequential(console, results[0].metrics, results[-1].metrics)
        elif len(results) >= 2:
            _print_together(results, console)
    for plain, others in altered:
        from judgebench.analysis.controls import controls_table, held_against
        from judgebench.cli.progress import shown

        with shown():
            held = held_against(plain.folder, [other.folder for other in others])
        print_tables(console, [controls_table(plain.metrics, held, plain.cell.benchmark.title)])


def suite_of(ended: Sequence[RunResult], grid: Grid) -> SuiteTable:
    """The table of a suite's runs, with what is missing."""
    from judgebench.analysis.suite import suite_table
    from judgebench.runs import Run

    assert grid.suite is not None
    return suite_table(grid.suite, [Run(result.folder) for result in ended], missing=grid.missing)


def _print_together(results: Sequence[RunResult], console: Console) -> None:
    """The runs of a benchmark in one table, and which of them to take."""
    from judgebench._util.table import Table
    from judgebench.analysis.leaderboard import boards_of, open_by_benchmark
    from judgebench.analysis.pick import pick_finished
    from judgebench.cli.progress import shown
    from judgebench.errors import ConfigError
    from judgebench.reports.table import print_tables

    with shown():
        by_benchmark, _ = open_by_benchmark([result.folder for result in results])
        boards = boards_of(by_benchmark)
        try:
            picks = [pick_finished(opened).in_short for opened in by_benchmark.values()]
        except ConfigError:  # runs without labels, say, have a table and nothing to pick by
            picks = []
    print_tables(console, [board.tables()[0] for board in boards])
    print_tables(console, [Table((), notes=lines) for lines in picks])


def _altered(ended: Sequence[RunResult]) -> list[tuple[RunResult, list[RunResult]]]:
    """Each run over the items as they are, with those over the same items, altered, if there are any."""
    found = []
    for plain in (result for result in ended if result.cell.alteration is None):
        alike = [each for each in ended if each is not plain and each.cell.unaltered == plain.cell]
        if alike:
            found.append((plain, alike))
    return found


def print_folders(ended: GridResult[RunResult], console: Console) -> None:
    """A line a run: its folder, and how many judgements have no verdict and how many retries there were, by kind."""
    from judgebench.cli.console import messages
    from judgebench.client import OTHER_ROWS
    from judgebench.reports.styles import WARNING

    failing = [result for result in ended if any(kind != "not_asked" for kind in _kinds(result))]
    for result in ended:
        state = "done" if result.state == "incomplete" else result.state
        said = "; ".join(_missing(result))
        messages(errors=state == "interrupted").print(
            one_line(f"{state}: {result.folder}{f' ({said})' if said else ''}"),
            style=WARNING if result.unjudged else None,
            soft_wrap=True,
        )
    if len(ended) > 2:  # of one or two the table has it
        notes = (note for result in ended for note in result.metrics.notes if note.startswith(OTHER_ROWS))
        for note in dict.fromkeys(notes):
            console.print(one_line(note), style=WARNING, soft_wrap=True)
    if failing:
        console.print(f"details: judgebench show {shlex.quote(str(failing[0].folder))}", soft_wrap=True)


def print_reasons(
    ended: GridResult[RunResult], console: Console, mend: str = "rerun the same command to resume"
) -> None:
    """What stopped runs, and how to go on: with what is still with a provider, and otherwise."""
    from judgebench.cli.console import messages
    from judgebench.reports.styles import ERROR

    for error in (*filter(None, (result.error for result in ended)), *ended.errors):
        messages(errors=True).print(one_line(f"stopped: {error}"), style=ERROR, soft_wrap=True)
    if named := [f"{cell.judge.name} · {cell.template.title}" for cell in ended.not_begun]:
        more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        line = f"interrupted: {_counted(len(named), 'run')} not begun ({', '.join(named[:_NAMED])}{more})"
        messages(errors=True).print(one_line(line), soft_wrap=True)
    left = _left_in_batches(ended)
    for line in left:
        messages(errors=True).print(one_line(line), soft_wrap=True)
    if not left and (ended.not_begun or any(result.state in {"interrupted", "stopped"} for result in ended)):
        console.print(mend)


def _left_in_batches(ended: Sequence[RunResult]) -> list[str]:
    """What is still with providers, a line a run, and how to get it."""
    from judgebench.runs import open_batches

    lines = []
    for result in ended:
        if there := open_batches(result.folder):
            batches, requests = len(there), sum(entry.requests for entry in there)
            count = f"{_counted(batches, 'batch') if batches == 1 else f'{batches:,} batches'} ({requests:,} requests)"
            lines.append(
                f"{count} still with the provider: rerun run --batch to resume, or "
                f"judgebench batch status|fetch|cancel {shlex.quote(str(result.folder))}"
            )
    return lines


def too_few(result: RunResult, fail_under: float) -> bool:
    """Whether a run has no verdict at all, or fewer than the share of its judgements that was asked for."""
    return not result.metrics.coverage or result.metrics.coverage < fail_under


def say_why(ended: GridResult[RunResult], fail_under: float) -> None:
    """Which runs have too few verdicts, for these make the exit status 1; also with --quiet."""
    from judgebench.cli.console import messages
    from judgebench.reports.styles import ERROR

    for result in ended:
        if too_few(result, fail_under) and result.state not in {"interrupted", "stopped"}:
            metrics = result.metrics
            kinds = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in metrics.failures.items())
            line = f"{metrics.judge}: no judgement has a verdict (failures: {kinds})"
            if metrics.coverage:
                line = f"{metrics.judge}: coverage {metrics.coverage:.4g} is below --fail-under {fail_under:g}"
            messages(errors=True).print(one_line(line), style=ERROR, soft_wrap=True)


def _kinds(result: RunResult) -> Counter[str]:
    """The judgements without a verdict, by the kind of their failure."""
    return Counter(failure.kind for _, failure in result.unjudged)


def _missing(result: RunResult) -> Iterator[str]:
    """What a run lacks and what it took, in parts."""
    from judgebench.runs import open_batches

    kinds = _kinds(result)
    unasked = kinds.pop("not_asked", 0)
    if kinds:
        named = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in kinds.most_common())
        yield f"{kinds.total():,} of {result.metrics.judgements:,} without a verdict: {named}"
    if unasked:
        one, several = ("has", "have") if open_batches(result.folder) else ("was", "were")
        calls = f"{unasked:,} {f'call {one}' if unasked == 1 else f'calls {several}'}"
        yield f"{calls} {'no reply yet' if one == 'has' else 'not made'}"
    if counts := result.asked_again:
        reasons = ", ".join(_counted(count, name) for name, count in counts.most_common())
        yield f"{_counted(counts.total(), 'retry')}: {reasons}"


def _counted(count: int, name: str) -> str:
    if count == 1:
        return f"1 {name}"
    return f"{count:,} {name[:-1]}ies" if name.endswith("y") else f"{count:,} {name}s"
