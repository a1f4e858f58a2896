"""The figure of the differences between runs: how large each is, and how sure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from judgebench._util.text import difference_text, p_text
from judgebench.pages.figures import Figure
from judgebench.pages.scorefigures import dots, names_below

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench.pages.chapters import Subject


def differences(subject: Subject) -> Figure:
    """Each two runs by paired tests, over the score and each section; the plot has the best against all others."""
    slug, title = f"{subject.slug}-differences", "Differences, paired"
    found = subject.comparison
    if found is None or found.whole is None:
        return Figure(slug, title, empty="no two runs here have a score over the same items")
    names = [subject.lines[number].title for number in subject.compared]
    rows = [
        (
            part.name,
            names[each.first],
            names[each.second],
            each.difference,
            each.low,
            each.high,
            each.p,
            p,
            each.smallest,
        )
        for part in (found.whole, *found.sections)
        for each, p in zip(part.pairs, part.adjusted, strict=True)
    ]
    best = [row for row in rows if row[:2] == (found.whole.name, names[0])]
    said = [f"{row[1]} less {row[2]}: {_interval(row, subject)}, p {p_text(row[7])} (Holm)" for row in best]
    trace = dots(list(range(len(best))), [row[3:6] for row in best], said, run=0)
    axis, height = names_below([f"less {row[2]}" for row in best], row=30)
    zero = {"type": "line", "x0": 0, "x1": 0, "y0": -0.5, "y1": len(best) - 0.5}
    unit = {} if subject.measure == "pearson" else {"tickformat": "+.0%"}
    return Figure(
        slug,
        title,
        f"By how much {names[0]} is above each other run over the same items, with 95% intervals; the table has every "
        "two runs, for the score and each section. 'p (Holm)' is corrected for all pairs of a kind; 'shows' is the "
        "smallest difference that so many items show in 4 of 5 tries.",
        ("of", "run", "less", "difference", "low", "high", "p", "p (Holm)", "shows"),
        rows,
        [
            [*row[:3], *(_text(each, subject) for each in row[3:6]), *map(p_text, row[6:8]), _least(row, subject)]
            for row in rows
        ],
        [trace],
        {"xaxis": {"title": {"text": "difference"}, **unit}, "yaxis": axis, "shapes": [zero], "height": height},
    )


def _text(value: float, subject: Subject) -> str:
    return difference_text(value, subject.measure)


def _least(row: Sequence[Any], subject: Subject) -> str:
    return "none" if row[8] >= 1 else _text(row[8], subject).removeprefix("+")


def _interval(row: Sequence[Any], subject: Subject) -> str:
    return f"{_text(row[3], subject)} ({_text(row[4], subject)} to {_text(row[5], subject)})"
