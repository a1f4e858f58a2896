"""Whether judges may be trusted, where people have labelled items: the card of the first screen, and the figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench._util.table import Column, Table, ends_of
from judgebench._util.text import score_text
from judgebench.pages.chapters import Card
from judgebench.pages.figures import Figure, estimate_text, score_axis
from judgebench.pages.plots import Dot, intervals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgebench._util.table import Kind
    from judgebench.analysis.validation import RunValidation
    from judgebench.items import Measure
    from judgebench.pages.chapters import Line, Subject

_ANSWERS = {"trusted": "yes", "not_trusted": "no", "cannot_say": "cannot say yet"}
_MEASURES: dict[str, Measure] = {"agreement": "share", "kappa": "kappa", "pearson": "pearson"}
_MOST = 4


def trust_card(subject: Subject) -> list[Card]:
    """What `judgebench validate` says of the runs that people's labels are beside; none where there are none."""
    found = [validation for _, validation in _validated(subject)]
    if not found:
        return []
    if len(found) == 1:
        return [Card("Can you trust it", _ANSWERS[found[0].decision], found[0].reason, first=True)]
    trusted = [each.title for each in found if each.decision == "trusted"]
    answer = trusted[0] if len(trusted) == 1 else f"{len(trusted)} of {len(found)} runs"
    first, *more = [each.sentence for each in found]
    left = [f"and {len(more) - _MOST + 1} more: judgebench validate shows them"] if len(more) >= _MOST else []
    return [Card("Can you trust it", answer, first, [*more[: _MOST - len(left)], *left], first=True)]


def trust_figures(subject: Subject) -> Iterator[Figure]:
    """Agreement with people beside what people reach among themselves."""
    runs = _validated(subject)
    if not runs:
        return
    measure = runs[0][1].measure
    rows, dots = [], []
    for line, found in runs:
        sides = ((line.title, line.number, found.figures), ("people (ceiling)", len(subject.lines), found.ceiling))
        for who, number, figures in sides:
            each = figures.get(measure)
            if each is None:
                continue
            rows.append((line.title, who, each.score, ends_of(each), each.n, found.decision.replace("_", " ")))
            said = f"{who}: {score_text(each.score, _MEASURES[measure])} on {each.n:,} items"
            value = estimate_text(each.score, ends_of(each), _MEASURES[measure])
            dots.append(Dot(line.title, who, number, said, each.score, ends_of(each), found.need.value, value))
    if not dots:
        return
    kind: Kind = "share" if measure == "agreement" else "coefficient"
    words = {"agreement": "Agreement", "kappa": "Cohen's kappa", "pearson": "Pearson's r"}[measure]
    need = runs[0][1].need
    gate = (
        f"The need is {score_text(need.value, _MEASURES[measure]).rpartition(' ')[2]}."
        if need.value is not None
        else f"The need is what people reach among themselves, less {need.margin:g}."
    )
    title = "Agreement with people"
    yield Figure(
        f"{subject.slug}-trust",
        title,
        f"{words} of each judge with people's labels, and of people with each other on the same items, each left out "
        f"in turn. {gate} A judge is trusted where its interval lies there or above.",
        Table.rows_of(
            rows,
            Column("run"),
            Column("who"),
            Column("value", kind),
            Column("95% interval", kind),
            Column("items", "count"),
            Column("decision"),
        ),
        intervals(dots, score_axis(dots, _MEASURES[measure], words.lower()), title),
    )


def _validated(subject: Subject) -> list[tuple[Line, RunValidation]]:
    return [(line, line.detail.validation) for line in subject.lines if line.detail.validation is not None]
