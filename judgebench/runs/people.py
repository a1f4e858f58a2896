"""A judge beside several people, in lines: their agreement, the ceiling, and the alternative-annotator test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from judgebench._util.text import one_line, percent, score_range
from judgebench.items import LABELS, TIE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from judgebench.items import Item


def people_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """What matters most, a line each.

    Args:
        found: `annotators` in `metrics.json`.
    """
    line = f"annotators: {found['people']:,} on {found['items']:,} item{'' if found['items'] == 1 else 's'}"
    if (alpha := found["alpha"])["score"] is not None:
        line += f"; Krippendorff's alpha {_coefficient(alpha)}"
    if (kappas := _kappas(found["kappa"])) is not None:
        line += f"; kappa of two {kappas}"
    yield line
    if (own := _kappas(found["judge_kappa"])) is not None:
        yield f"kappa of the judge and an annotator {own}"
    people, judge = found["leave_one_out"]["people"], found["leave_one_out"]["judge"]
    if people is not None and judge is not None:
        if found["values"] == "grades":
            what, said = "Pearson's r with the mean of the other annotators", _coefficient
        else:
            what, said = "agreement with the majority of the other annotators", _share
        yield f"{what}: judge {said(judge)}, an annotator {said(people)} (ceiling)"
    if (soft := found["soft"]) is not None:
        yield f"annotators who say the same: as the judge {_share(soft['judge'])}, as another {_share(soft['people'])}"
    yield from _alternative(found["alternative_annotator"])


def section_line(name: str, found: Mapping[str, Any]) -> str:
    """The annotators of one section in a line: how far they agree, and the judge beside them."""
    alpha, sides = found["alpha"], found["leave_one_out"]
    line = f"annotators of {one_line(name)}: {found['people']:,} on {found['items']:,} items"
    line += "" if alpha["score"] is None else f", Krippendorff's alpha {alpha['score']:.3f}"
    if sides["people"] is None or sides["judge"] is None:
        return line
    what = "r with the others' mean" if found["values"] == "grades" else "agreement with the others' majority"
    return f"{line}; {what}: judge {sides['judge']['score']:.3f}, an annotator {sides['people']['score']:.3f}"


def _alternative(test: Mapping[str, Any] | None) -> Iterator[str]:
    if test is None:
        return
    named = f"alternative-annotator test (epsilon {test['epsilon']:g})"
    if test["winning_rate"] is None:
        most = max(test["too_few"].values(), default=0)
        yield f"{named}: not done, it needs 30 items of an annotator that others labelled too; the most here is {most}"
        return
    tested = test["annotators"]
    beaten = sum(each["beaten"] for each in tested.values())
    aside = f", {len(test['too_few'])} with fewer than 30 items left out" if test["too_few"] else ""
    came = "passed" if test["passes"] else "not passed"
    yield (
        f"{named}: {came}, winning rate {test['winning_rate']:.2f} ({beaten} of "
        f"{len(tested)} annotators{aside}), advantage probability {test['advantage_probability']:.2f}"
    )


def _kappas(pairs: Sequence[Mapping[str, Any]] | None) -> str | None:
    """The range of several kappas, and their mean."""
    known = [each["score"] for each in pairs or () if each["score"] is not None]
    if not known:
        return None
    mean = sum(known) / len(known)
    return f"{mean:.3f}" if len(known) == 1 else f"{min(known):.3f} to {max(known):.3f} (mean {mean:.3f})"


def _coefficient(found: Mapping[str, Any]) -> str:
    ends = "" if found["low"] is None else f" (95% CI {found['low']:.3f} to {found['high']:.3f})"
    return f"{found['score']:.3f}{ends}"


def _share(found: Mapping[str, Any]) -> str:
    return f"{percent(found['score'])} (95% CI {score_range(found['low'], found['high'], 'share')})"


def people_said(item: Item) -> Iterator[str]:
    """What people said of an item, a line each: its class or grade, grades by attribute, and each annotator's label."""
    if len(item.completions) == 1 and item.label is not None and not item.steps:
        yield f"label: {item.label}"
    if item.human_score is not None:
        yield f"grade: {item.human_score:g}"
    if item.attributes:
        yield "grades: " + ", ".join(f"{name} {grade:g}" for name, grade in item.attributes)
    if item.annotations:
        said = [f"{name} {_said_of(item, label)}" for name, label in item.annotations]
        yield f"annotators: {', '.join(said)}"


def _said_of(item: Item, label: str | float) -> str:
    if not isinstance(label, str):
        return f"{label:g}"
    several = len(item.completions) > 1 and label != TIE
    return f"completion {LABELS.index(label)}" if several else label
