"""Figures of runs over items that several people labelled: the judge beside them, and whether it may replace one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from judgebench._util.table import Column, Table
from judgebench.pages.axes import decimal_tick, linear
from judgebench.pages.figures import Figure, estimate_text
from judgebench.pages.plots import Dot, intervals

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from judgebench.pages.chapters import Line, Subject

    Found = Mapping[str, Any]


def annotator_figures(subject: Subject) -> Iterator[Figure]:
    """Those of the runs whose items have labels of several people; none where there are none."""
    runs = [(line, found) for line in subject.lines if (found := _found(line)) is not None]
    if not runs:
        return
    yield _agreement(subject, runs)
    tested = [(line, found["alternative_annotator"]) for line, found in runs if found["alternative_annotator"]]
    if any(test["annotators"] for _, test in tested):
        yield _alternative(subject, tested)


def _found(line: Line) -> Found | None:
    return cast("Found | None", line.detail.metrics.extra.get("annotators"))


def _agreement(subject: Subject, runs: list[tuple[Line, Found]]) -> Figure:
    slug, title = f"{subject.slug}-annotators", "Annotators"
    first = runs[0][1]
    rows = [("annotators", "Krippendorff's alpha", first["alpha"])]
    rows += [("annotators", f"kappa {each['first']}, {each['second']}", each) for each in first["kappa"] or ()]
    for name in ("leave_one_out", "soft"):
        of = (first[name] or {}).get("people")
        rows += [] if of is None else [("an annotator (ceiling)", _WORDS[name, first["values"]], of)]
    numbers: dict[str, int] = {}
    for line, found in runs:
        numbers[line.title] = line.number
        for name in ("leave_one_out", "soft"):
            of = (found[name] or {}).get("judge")
            rows += [] if of is None else [(line.title, _WORDS[name, found["values"]], of)]
        rows += [(line.title, f"kappa with {each['annotator']}", each) for each in found["judge_kappa"] or ()]
    known = [(who, what, each["score"], (each["low"], each["high"])) for who, what, each in rows if _is_known(each)]
    dots = [
        Dot(
            what,
            who,
            numbers.get(who, len(subject.lines)),
            f"{who}: {what} {value:.3f}",
            value,
            ends,
            None,
            _text(value, ends),
        )
        for who, what, value, ends in known
    ]
    lowest = min(0.0, *(ends[0] for *_, ends in known)) if known else 0.0
    return Figure(
        slug,
        title,
        f"{first['people']:,} annotators, {first['labels']:,} labels of {first['items']:,} items. What annotators "
        "reach among themselves is the ceiling of a judge: each is left out in turn and compared with the others, and "
        "the judge with the same ones.",
        Table.rows_of(
            known, Column("of"), Column("figure"), Column("value", "coefficient"), Column("95% interval", "coefficient")
        ),
        intervals(dots, linear(lowest, 1.0, decimal_tick, "value", (-1.0, 1.0)), title),
    )


_WORDS = {
    ("leave_one_out", "labels"): "agreement with the others' majority",
    ("leave_one_out", "grades"): "Pearson's r with the others' mean",
    ("soft", "labels"): "share of annotators who say the same",
}


def _is_known(each: Found) -> bool:
    return None not in (each["score"], each["low"], each["high"])


def _text(value: float, ends: tuple[float, float]) -> str:
    return estimate_text(value, ends, "pearson")


def _alternative(subject: Subject, tested: list[tuple[Line, Found]]) -> Figure:
    rows = [
        (line.title, name, each["items"], each["judge_wins"], each["annotator_wins"], each["p"], _yes(each["beaten"]))
        for line, test in tested
        for name, each in test["annotators"].items()
    ]
    said = "; ".join(
        f"{line.title}: winning rate {test['winning_rate']:.2f}, advantage probability "
        f"{test['advantage_probability']:.2f}, {'passed' if test['passes'] else 'not passed'}"
        for line, test in tested
        if test["winning_rate"] is not None
    )
    return Figure(
        f"{subject.slug}-alternative",
        "Alternative-annotator test",
        f"Whether the judge may stand in for one of the annotators, at epsilon {tested[0][1]['epsilon']:g}. {said}. It "
        "is passed where the judge beats half of the annotators or more.",
        Table.rows_of(
            rows,
            Column("run"),
            Column("annotator"),
            Column("items", "count"),
            Column("judge as close", "share"),
            Column("annotator as close", "share"),
            Column("p", "p"),
            Column("beaten"),
        ),
    )


def _yes(beaten: bool) -> str:
    return "yes" if beaten else "no"
