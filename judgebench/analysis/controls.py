"""Runs over altered items held against the run over the items as they are: blind runs and attacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from judgebench._util.table import Column, Table, ends_of
from judgebench._util.text import difference_head, score_head
from judgebench.analysis.compare import compare_finished
from judgebench.errors import ConfigError
from judgebench.metrics.rankings import holm
from judgebench.runs import flips_line, open_run, padded_line, share_contents, up_to_date

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from judgebench._util.table import Columns
    from judgebench.metrics.paired import Difference
    from judgebench.metrics.summary import Metrics
    from judgebench.runs import Finished


@dataclass(frozen=True, slots=True)
class Held:
    """One run over altered items.

    Attributes:
        difference: Its score less the other's, paired by item; None without a score.
        adjusted: The p of that after Holm's correction over all that were held against the same run.
    """

    metrics: Metrics
    difference: Difference | None
    adjusted: float | None


def held_against(plain: Path, others: Sequence[Path]) -> tuple[Held, ...]:
    """The runs in some folders held against the one over the items as they are.

    Args:
        plain: Its folder.
        others: Folders of runs over the same items, altered.

    Raises:
        ConfigError: A folder is no run.
    """
    runs = [up_to_date(open_run(path)) for path in (plain, *others)]
    share_contents(runs)
    differences = [_difference(run, runs[0]) for run in runs[1:]]
    known = [each.p for each in differences if each is not None]
    p = iter(holm(known).tolist() if known else ())
    return tuple(
        Held(run.metrics, each, None if each is None else next(p))
        for run, each in zip(runs[1:], differences, strict=True)
    )


def _difference(run: Finished, plain: Finished) -> Difference | None:
    try:
        found = compare_finished([run, plain])
    except ConfigError:  # such as a run that was cut off before it judged all items
        return None
    return None if found.whole is None else found.whole.pairs[0]


def controls_table(plain: Metrics, held: Sequence[Held], title: str) -> Table:
    """A line a run: its score, its difference from the run over the items as they are, and how many verdicts flipped.

    Args:
        plain: Of the run over the items as they are.
        held: The others.
        title: The benchmark's title.
    """
    lines: list[Held | None] = [*([] if plain.score is None else [None]), *held]
    columns: Columns = {
        Column("items", head="", names=True, width=20): lambda each: each.metrics.altered if each else "unaltered",
        Column("score", "score", head=score_head([plain.measure])): lambda each: (
            (each.metrics if each else plain).score
        ),
        Column("difference", "difference", head=difference_head(plain.measure)): lambda each: (
            each.difference.difference if each and each.difference else None
        ),
        Column("95% CI", "difference"): lambda each: ends_of(each.difference) if each and each.difference else None,
        Column("p (Holm)", "p"): lambda each: each.adjusted if each else None,
    }
    return Table.of(
        lines,
        columns,
        lambda each: {"unit": (each.metrics if each else plain).measure},
        title=title,
        about=f"{plain.judge} · {plain.template}: controls",
        notes=[
            *(flips_line(each.metrics.attack) for each in held if each.metrics.attack is not None),
            *(padded_line(each.metrics.length_contrast) for each in held if each.metrics.length_contrast is not None),
        ],
        tight=True,
    )
