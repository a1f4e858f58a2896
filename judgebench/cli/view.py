"""What progress looks like: the lines of a terminal's view, and the one line of a log. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench._util.text import duration, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from judgebench._util.steps import Step
    from judgebench.cli.tallies import GridTally, JudgeTally

_SPARE = 4
"""Columns left free at the end of a line: what the terminal itself writes there (^C) must not wrap."""
_MOST_JUDGES = 12
_NARROWEST_NAME = 10
_HEAD_LINES = 6
"""Lines of the view, and around it, that are no judge's."""


def per_second(rate: float) -> str:
    """A rate with as many digits as say something: 1240/s, 41.3/s, 0.25/s."""
    return f"{rate:.0f}/s" if rate >= 100 else f"{rate:.1f}/s" if rate >= 1 or rate == 0 else f"{rate:.2g}/s"


def time_left(seconds: float | None) -> str:
    """How long it still takes, in words."""
    return "time left unknown" if seconds is None else f"{duration(seconds)} left"


def step_parts(step: Step, now: float) -> Iterator[str]:
    """A step in parts: what is done, how far, how fast, and how long it still takes."""
    yield one_line(step.what)
    seconds = max(now - step.since, 1e-9)
    if not step.unit:
        yield duration(seconds)
        return
    yield f"{step.done:,} of {step.total:,} {step.unit}" if step.total is not None else f"{step.done:,} {step.unit}"
    if step.done:
        rate = step.done / seconds
        yield per_second(rate)
        if step.total is not None:
            yield time_left(max(step.total - step.done, 0) / rate)


def grid_parts(grid: GridTally, now: float) -> Iterator[str]:
    """A grid in parts: runs, judgements, rate, failures, cost, time left."""
    cells, judges = grid.cells, grid.every_judge
    if len(cells) > 1:
        yield f"{sum(cell.over for cell in cells)} of {len(cells)} runs done"
    yield f"{sum(cell.done for cell in cells):,} of {sum(cell.total for cell in cells):,} judged"
    waiting = not any(judge.pace.count for judge in judges)
    if not waiting:
        yield per_second(grid.rate(now))
    if cached := sum(judge.cached for judge in judges):
        yield f"{cached:,} cached"
    yield f"{sum(judge.failed for judge in judges):,} failed"
    wholes = [judge.whole_cost for judge in judges]
    expected = sum(each for each in wholes if each is not None) if None not in wholes else 0.0
    paid = _cost(sum(judge.cost for judge in judges), unpriced=any(judge.unpriced for judge in judges))
    yield f"{paid} of about {_cost(expected, unpriced=False)}" if expected and not waiting else paid
    yield "no reply yet" if waiting else time_left(grid.seconds_left(now))
    for judge in judges:
        if judge.throttled:
            yield f"{one_line(judge.name)} {judge.throttled}" if len(judges) > 1 else judge.throttled


def log_line(grid: GridTally, steps: Sequence[Step], now: float) -> str | None:
    """The one line for a log, which begins with `progress:`; None where nothing goes on."""
    if grid.going_on:
        cells = grid.cells
        title = cells[0].title if len(cells) == 1 else "grid"
        also = f"; {', '.join(step_parts(steps[-1], now))}" if steps else ""
        return f"progress: {one_line(title)}: {', '.join(grid_parts(grid, now))}{also}"
    if steps:
        return f"progress: {', '.join(step_parts(steps[-1], now))}"
    return None


def frame(
    grid: GridTally, steps: Sequence[Step], *, width: int, height: int, now: float, plain: bool = False
) -> list[str]:
    """The lines of a terminal's view, none wider than the terminal and together never higher.

    Args:
        grid: What is being judged, if anything is.
        steps: The steps that are open.
        width: Columns of the terminal.
        height: Rows of the terminal.
        now: By the clock of the tallies.
        plain: Whether the terminal shows no more than ASCII.
    """
    room = max(width - _SPARE, 20)
    lines: list[str] = []
    if grid.going_on:
        cells = grid.cells
        if len(cells) == 1:
            lines.append(cut(one_line(cells[0].title), room))
        done, total = sum(cell.total - cell.left for cell in cells), sum(cell.total for cell in cells)
        lines.append(_bar(done, total, room, plain=plain))
        lines += _packed(list(grid_parts(grid, now)), room)
        if len(cells) > 1:
            lines += _judges(grid, room, height - _HEAD_LINES - len(lines), now)
    inner = steps[-1:] if grid.going_on or not steps else [*steps[:1], *steps[1:][-1:]]
    for step in inner:
        lines += _packed(list(step_parts(step, now)), room)
    lines = lines[: max(height - 1, 1)]
    return [line.replace("·", "-").replace("…", "~") for line in lines] if plain else lines


def cut(text: str, width: int) -> str:
    """The text in so many columns at most, with an ellipsis where something is left out."""
    from rich.cells import cell_len, set_cell_size

    return text if cell_len(text) <= width else set_cell_size(text, max(width - 1, 0)).rstrip() + "…"


def _cost(amount: float, *, unpriced: bool) -> str:
    from judgebench._util.text import dollars

    if unpriced:
        return f"at least {dollars(amount)} (a price is unknown)" if amount else "cost unknown"
    return dollars(amount)


def _cost_cell(judge: JudgeTally) -> str:
    if judge.unpriced and judge.cost:
        return f"{_cost(judge.cost, unpriced=False)}+"
    return _cost(judge.cost, unpriced=judge.unpriced)


def _packed(parts: Sequence[str], width: int) -> list[str]:
    """The parts with dots between, as many on a line as fit."""
    lines: list[str] = []
    for part in (cut(each, width) for each in parts):
        longer = f"{lines[-1]} · {part}" if lines else part
        if lines and cut(longer, width) == longer:
            lines[-1] = longer
        else:
            lines.append(part)
    return lines


def _bar(done: int, total: int, width: int, *, plain: bool) -> str:
    share = done / total if total else 1.0
    said = f" {int(100 * share)}%"
    length = max(width - len(said), 10)
    full = int(length * share)
    on, off = ("#", "-") if plain else ("━", "─")
    return on * full + off * (length - full) + said


def _judges(grid: GridTally, width: int, height: int, now: float) -> list[str]:
    """A line a judge, as many as there is room for; those that are through are left out first."""
    judges = grid.every_judge
    most = max(min(height - 1, _MOST_JUDGES), 0)
    if len(judges) > most:
        most = max(most - 1, 0)  # for the line that says how many are not shown
    chosen = sorted(sorted(judges, key=lambda judge: not judge.left)[:most], key=judges.index)
    if not chosen:
        return []
    columns = {name: [cell(judge, now) for judge in chosen] for name, cell in _COLUMNS.items()}
    for name in _DROPPED:
        if width - _wide(columns) < _NAME:
            del columns[name]
    names = [one_line(judge.name) for judge in chosen]
    room = min(max(width - _wide(columns), _NARROWEST_NAME), max(map(_cells, [*names, "judge"])))
    lines = [cut(name, room) + " " * (room - _cells(cut(name, room))) for name in ["judge", *names]]
    for name, said in columns.items():
        wide = max(map(_cells, [name, *said]))
        lines = [
            f"{line}  {' ' * (wide - _cells(cell))}{cell}" for line, cell in zip(lines, [name, *said], strict=True)
        ]
    if hidden := len(judges) - len(chosen):
        lines.append(f"and {hidden} more {'judge' if hidden == 1 else 'judges'}")
    return [cut(line, width) for line in lines]


def _wide(columns: dict[str, list[str]]) -> int:
    return sum(2 + max(map(_cells, [name, *said])) for name, said in columns.items())


def _cells(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def _left(judge: JudgeTally, now: float) -> str:
    seconds = judge.seconds_left(now)
    if not judge.left:
        return "done"
    if not judge.pace.count:
        return "no reply yet"
    return "unknown" if seconds is None else duration(seconds)


_COLUMNS: dict[str, Callable[[JudgeTally, float], str]] = {
    "runs": lambda judge, _: f"{judge.through}/{len(judge.cells)}",
    "template": lambda judge, _: cut(one_line(judge.now.template), 18) if judge.left else "",
    "judged": lambda judge, _: f"{judge.now.done:,}/{judge.now.total:,}",
    "rate": lambda judge, now: per_second(judge.pace.rate(now)) if judge.left and judge.pace.count else "",
    "failed": lambda judge, _: f"{judge.failed:,}",
    "cost": lambda judge, _: _cost_cell(judge),
    "left": _left,
}
_DROPPED = ("template", "rate", "cost", "runs", "judged", "failed")
_NAME = 20
"""Columns that a judge's name has at least, before others are left out for it."""
