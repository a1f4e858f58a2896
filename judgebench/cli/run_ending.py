"""What `judgebench run` prints when it has ended: the scores, and what became of each run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench._util.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from judgebench.engine.grid import GridResult
    from judgebench.engine.recorder import RunResult

_LISTED, _LISTED_IN_A_GRID = 10, 3
"""So many judgements without a verdict are listed of a run: of one or two, and of each where there are more."""


def print_scores(ended: Sequence[RunResult], console: Console) -> None:
    """One run or two of a benchmark in full; two and more in a table with what tells them apart."""
    from judgebench.reports.table import print_tables
    from judgebench.runs import Run, headings, run_table

    by_benchmark: dict[str, list[RunResult]] = {}
    altered = _altered(ended)
    beside = {id(other) for _, others in altered for other in others}
    for result in ended:
        if id(result) not in beside:
            by_benchmark.setdefault(result.cell.benchmark.title, []).append(result)
    for results in by_benchmark.values():
        if len(results) <= 2:
            for result, heading in zip(results, headings([Run(result.folder) for result in results]), strict=True):
                print_tables(console, [run_table(heading, result.metrics)])
        if results[0].cell.until_shown is not None:
            from judgebench.reports.sequential import print_sequential

            print_sequential(console, results[0].metrics, results[-1].metrics)
        elif len(results) >= 2:
            from judgebench.analysis.leaderboard import standing
            from judgebench.cli.progress import shown

            with shown():
                found = standing([result.folder for result in results])
            print_tables(console, found.tables())
    for plain, others in altered:
        from judgebench.analysis.controls import controls_table, held_against
        from judgebench.cli.progress import shown

        with shown():
            held = held_against(plain.folder, [other.folder for other in others])
        print_tables(console, [controls_table(plain.metrics, held, plain.cell.benchmark.title)])


def _altered(ended: Sequence[RunResult]) -> list[tuple[RunResult, list[RunResult]]]:
    """Each run over the items as they are, with those over the same items, altered, if there are any."""
    found = []
    for plain in (result for result in ended if result.cell.alteration is None):
        alike = [each for each in ended if each is not plain and each.cell.unaltered == plain.cell]
        if alike:
            found.append((plain, alike))
    return found


def print_end(ended: GridResult[RunResult], console: Console) -> None:
    """What stopped each run, what has no verdict, and where its folder is."""
    from judgebench.cli.console import messages
    from judgebench.reports.styles import ERROR

    for result in ended:
        if result.asked_again:
            console.print(_asked_again(result), soft_wrap=True)
        if result.unjudged:
            _print_unjudged(result, console, shown=_LISTED if len(ended) <= 2 else _LISTED_IN_A_GRID)
        if result.error is not None:
            messages(errors=True).print(one_line(f"stopped: {result.error}"), style=ERROR, soft_wrap=True)
        said = messages(errors=result.state == "interrupted")
        said.print(f"{result.state}: {result.folder}", soft_wrap=True)
    if any(result.state in {"interrupted", "stopped"} for result in ended):
        console.print("rerun the same command to resume")
    for error in ended.errors:
        messages(errors=True).print(one_line(f"stopped: {error}"), style=ERROR, soft_wrap=True)


def too_few(result: RunResult, fail_under: float) -> bool:
    """Whether a run has no verdict at all, or fewer than the share of its judgements that was asked for."""
    return not result.metrics.coverage or result.metrics.coverage < fail_under


def say_why(ended: GridResult[RunResult], fail_under: float, errors: Console) -> None:
    """Which runs have too few verdicts, for these make the exit status 1; also with --quiet."""
    from judgebench.reports.styles import ERROR

    for result in ended:
        if too_few(result, fail_under) and result.state not in {"interrupted", "stopped"}:
            metrics = result.metrics
            kinds = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in metrics.failures.items())
            line = f"{metrics.judge}: no judgement has a verdict (failures: {kinds})"
            if metrics.coverage:
                line = f"{metrics.judge}: coverage {metrics.coverage:.4g} is below --fail-under {fail_under:g}"
            errors.print(one_line(line), style=ERROR, soft_wrap=True)


def _print_unjudged(result: RunResult, console: Console, *, shown: int) -> None:
    """The first judgements without a verdict; of those that were never asked for, only how many."""
    from rich.text import Text

    from judgebench.reports.styles import WARNING

    rows = [(item, failure.kind, failure.detail) for item, failure in result.unjudged]
    failed = [row for row in rows if row[1] != "not_asked"]
    judge = result.metrics.judge
    if unasked := len(rows) - len(failed):
        calls, were = ("call", "was") if unasked == 1 else ("calls", "were")
        console.print(
            f"{unasked} {calls} to {judge} {were} not made: the run ended early", style=WARNING, soft_wrap=True
        )
    if failed:
        have = "1 judgement of {} has" if len(failed) == 1 else f"{len(failed)} judgements of {{}} have"
        console.print(f"{have.format(judge)} no verdict:", style=WARNING, soft_wrap=True)
        for item, kind, detail in failed[:shown]:
            line = one_line(f"{item}: {kind.replace('_', ' ')}: {detail}")
            console.print(Text(f"  {line}", overflow="ellipsis", no_wrap=True), soft_wrap=not console.is_terminal)
        if len(failed) > shown:
            console.print(
                f"  and {len(failed) - shown} more: judgebench show {result.folder}", soft_wrap=not console.is_terminal
            )


def _asked_again(result: RunResult) -> str:
    """The number of retries and their reasons, the most frequent first."""
    counts = result.asked_again
    reasons = ", ".join(_counted(count, name) for name, count in counts.most_common())
    return f"{_counted(counts.total(), 'retry')} ({result.metrics.judge}): {reasons}"


def _counted(count: int, name: str) -> str:
    if count == 1:
        return f"1 {name}"
    return f"{count} {name[:-1]}ies" if name.endswith("y") else f"{count} {name}s"
