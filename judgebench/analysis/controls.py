"""Runs over altered items held against the run over the items as they are: blind runs and attacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from judgebench.analysis.compare import compare_finished
from judgebench.errors import ConfigError
from judgebench.metrics.rankings import holm
from judgebench.runs import open_run, share_contents, up_to_date

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

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
