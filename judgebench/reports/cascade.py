"""The thresholds of a cascade as a table for a terminal of 80 columns and more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.text import Text

from judgebench._util.text import (
    difference_text,
    dollars,
    one_line,
    p_text,
    percent,
    score_head,
    score_range,
    score_text,
)
from judgebench.reports.table import plain_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console
    from rich.table import Table

    from judgebench.analysis.cascade import Cascade, Threshold

ROWS = 12
"""How many thresholds the table shows at most."""

_SIGNS = {
    "disagreement": "the share of the cheap run's verdicts on an item that differ from its commonest one",
    "margin": "1 less the distance of its best two completions",
    "confidence": "1 less the probability of its best completion",
}


def print_cascade(console: Console, found: Cascade) -> None:
    """Each threshold with its score, what it costs, and how it stands to the dear run."""
    title = f"{found.title} · {found.cheap}, then {found.dear} · {found.items} items"
    console.print(Text(one_line(title), style="bold"), soft_wrap=True)
    console.print(_steps(found))
    console.print()
    for line in _legend(found):
        console.print(Padding(Text(one_line(line)), (0, 0, 0, 2), expand=False))


def _steps(found: Cascade) -> Table:
    head = score_head([found.measure])
    table = plain_table("from", "sent on", head, "95% interval", "to dear", "p", "an item", "")
    table.columns[0].no_wrap = True
    for step in thinned(found.steps):
        table.add_row(
            _threshold(step),
            percent(step.share),
            score_text(step.score, found.measure),
            score_range(step.low, step.high, found.measure),
            difference_text(step.difference.difference, found.measure),
            p_text(step.difference.p),
            "unknown" if step.cost_per_item is None else dollars(step.cost_per_item),
            "*" * step.pareto + "<" * step.chosen,
            style="bold" * step.chosen,
        )
    return table


def _threshold(step: Threshold) -> str:
    return "none" if step.threshold is None else "0 (all)" if not step.threshold else f"{step.threshold:.3g}"


def thinned(steps: Sequence[Threshold], most: int = ROWS) -> list[Threshold]:
    """At most so many of the steps: the ends and the chosen one, and others spread over the list."""
    if len(steps) <= most:
        return list(steps)
    places = {0, len(steps) - 1, next(at for at, step in enumerate(steps) if step.chosen)}
    spread = [round(at * (len(steps) - 1) / (most - 1)) for at in range(most)]
    for place in sorted(spread, key=lambda place: -min(abs(place - there) for there in places)):
        if len(places) < most:
            places.add(place)
    return [steps[place] for place in sorted(places)]


def _legend(found: Cascade) -> Iterator[str]:
    chosen = found.chosen
    yield f"from: items this unsure and more are sent on to {found.dear}; unsure is {_SIGNS[found.by]}"
    yield "to dear: the score less that of the dear run alone (paired, p uncorrected); an item: cost with both judges"
    yield "*: no other threshold is as cheap and as good, and cheaper or better"
    interval = f"{difference_text(chosen.difference.low, found.measure)} to "
    interval += difference_text(chosen.difference.high, found.measure)
    yield (
        f"<: the cheapest that is not shown to be worse than the dear run alone, which is not to say that it is as "
        f"good: the difference is from {interval}"
    )
    if found.thresholds > min(len(found.steps), ROWS):
        more = "; --json has more" if len(found.steps) > ROWS else ""
        yield f"{min(len(found.steps), ROWS)} of {found.thresholds} thresholds are shown{more}"
