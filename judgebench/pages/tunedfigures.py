"""What `tune` found: the answer as a card, and the wordings of its race by what they gain and cost."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from judgebench._util.table import Column, Table
from judgebench._util.text import dollars
from judgebench.items import is_coefficient
from judgebench.pages.axes import decimal_tick, linear, of_money, points_tick, reach
from judgebench.pages.chapters import Card
from judgebench.pages.figures import Figure
from judgebench.pages.plots import Dot, Point, intervals, points
from judgebench.runs import points_text, tuned_beside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markupsafe import Markup

    from judgebench._util.table import Columns
    from judgebench.pages.chapters import Subject
    from judgebench.runs import Tuned

_WORDS = (
    "Gain: score less that of the template in use. On the train items it chose the winner, so it is too high there; "
    "the held-out items were looked at once, and their interval (95%) is what counts."
)


def tuned_of(subject: Subject) -> list[Tuned]:
    """What `tune` found with the runs of a chapter, each once."""
    found = {}
    for line in subject.lines:
        for each in tuned_beside(line.detail.finished.path):
            found[each.judge, each.candidates[0].name] = each
    return list(found.values())


def tuned_cards(subject: Subject) -> list[Card]:
    """Whether a better wording was found; none where `tune` made no run."""
    return [
        Card(
            f"Better wording than {each.candidates[0].name}",
            each.look.winner if each.found and each.look is not None else "none found",
            each.sentence,
            each.notes,
        )
        for each in tuned_of(subject)
    ]


def tuned_figures(subject: Subject) -> Iterator[Figure]:
    """The wordings of each race by gain and cost; none where `tune` made no run."""
    for each in tuned_of(subject):
        name = re.sub(r"[^A-Za-z0-9]+", "-", f"{each.judge}-{each.candidates[0].name}").strip("-").lower()
        title = f"Tuned wording: {each.judge}"
        yield Figure(
            f"{subject.slug}-tuned-{name}", title, f"{each.sentence}. {_WORDS}", _table(each), _plot(each, title)
        )


@dataclass(frozen=True, slots=True)
class _Measured:
    """A wording over the items of one part; `number` tells its colour."""

    number: int
    name: str
    part: str
    items: int
    score: float | None
    gain: float | None
    ends: tuple[float, float] | None
    cost: float | None
    result: str = ""


def _measured(tuned: Tuned) -> list[_Measured]:
    every = [
        _Measured(at, each.name, "train", each.items, each.score, each.gain, None, each.cost_per_1000, each.result)
        for at, each in enumerate(tuned.candidates)
    ]
    if (look := tuned.look) is not None:
        at = next(at for at, each in enumerate(tuned.candidates) if each.name == look.winner)
        ends, cost = (look.low, look.high), look.cost_per_1000
        every.append(_Measured(at, look.winner, "held out", look.items, look.score, look.difference, ends, cost))
        used, cost = tuned.candidates[0].name, look.baseline_cost_per_1000
        every.append(_Measured(0, used, "held out", look.items, look.baseline_score, None, None, cost))
    return every


def _table(tuned: Tuned) -> Table:
    columns: Columns = {
        Column("template"): lambda each: each.name,
        Column("part"): lambda each: each.part,
        Column("items", "tokens"): lambda each: each.items or None,
        Column("score", "score"): lambda each: each.score,
        Column("gain", "difference"): lambda each: each.gain,
        Column("95% CI", "difference"): lambda each: each.ends,
        Column("USD per 1,000 items", "money"): lambda each: each.cost,
        Column("result"): lambda each: each.result,
    }
    return Table.of(_measured(tuned), columns, lambda _: {"unit": tuned.measure})


def _plot(tuned: Tuned, title: str) -> Markup:
    """Gain against cost; gains alone where prices are not known."""
    shown = [(each, each.gain or 0.0) for each in _measured(tuned) if each.gain is not None or each.result == "in use"]
    low, high = reach([gain for _, gain in shown], [each.ends or (gain, gain) for each, gain in shown])
    coefficient = is_coefficient(tuned.measure)
    tick, head = (decimal_tick, "gain") if coefficient else (points_tick, "gain (points)")
    axis = linear(low, high, tick, head, (-1.0, 1.0))
    names = [each.name if each.result == "in use" else f"{each.name} ({each.part})" for each, _ in shown]
    texts = [points_text(gain, tuned.measure) for _, gain in shown]
    if any(each.cost for each, _ in shown) and all(each.cost is not None for each, _ in shown):
        placed = [
            Point(
                each.cost or 0.0,
                gain,
                each.number,
                f"{name}: {text} for {dollars(each.cost)} per 1,000 items",
                name,
                each.ends,
            )
            for (each, gain), name, text in zip(shown, names, texts, strict=True)
        ]
        return points(placed, of_money([each.x for each in placed], "US dollars per 1,000 items"), axis, title)
    dots = [
        Dot(name, name, each.number, f"{name}: {text}", gain, each.ends, None, text)
        for (each, gain), name, text in zip(shown, names, texts, strict=True)
    ]
    return intervals(dots, axis, title, zero=True)
