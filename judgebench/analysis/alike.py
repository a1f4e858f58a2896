"""Which of some runs are over the same items, so that they can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from judgebench.errors import ConfigError
from judgebench.runs import share_contents, titles_of, was_judged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from judgebench.runs import Finished

_LISTED = 8


@dataclass(frozen=True, slots=True)
class OtherRun:
    """A run that is not compared, since it has other items than those that are.

    Attributes:
        title: What it is called beside all runs that were named.
        benchmark: Its own.
        items: How many items it was asked about.
        shared: How many of these are among the compared ones.
    """

    title: str
    path: Path
    benchmark: str
    items: int
    shared: int


def largest_set(runs: Sequence[Finished]) -> tuple[list[Finished], tuple[OtherRun, ...]]:
    """The most runs of one benchmark that were asked about the same items, and the others.

    Of several sets of as many runs it is the one with the most items.

    Args:
        runs: Two or more.

    Raises:
        ConfigError: Several sets are as large.
    """
    share_contents(runs)
    judged = [frozenset(_judged(each)) for each in runs]
    sets: dict[tuple[str, frozenset[tuple[str, bytes]]], list[int]] = {}
    for at, each in enumerate(runs):
        sets.setdefault((each.benchmark.name, judged[at]), []).append(at)
    sizes = {same: (len(among), len(same[1])) for same, among in sets.items()}
    largest = [same for same, size in sizes.items() if size == max(sizes.values())]
    among = sets[largest[0]]
    names = titles_of(runs)
    if len(largest) > 1 and len(among) > 1:
        firsts = ", ".join(names[sets[same][0]] for same in largest)
        raise ConfigError(
            f"{len(largest)} sets of {len(among)} runs are over {len(largest[0][1])} items each, and not the same "
            f"ones: name the runs of one set (the first of each: {firsts})"
        )
    items = judged[among[0]]
    others = tuple(
        OtherRun(names[at], each.path, each.benchmark.name, len(judged[at]), len(judged[at] & items))
        for at, each in enumerate(runs)
        if at not in among
    )
    return [runs[at] for at in among], others


def _judged(run: Finished) -> Iterator[tuple[str, bytes]]:
    prints = run.contents.prints
    return ((item, prints[item]) for item, outcome in run.outcomes.items() if was_judged(outcome))


def other_lines(others: Sequence[OtherRun], benchmark: str) -> Iterator[str]:
    """What is not compared, a line a run."""
    if not others:
        return
    are = "1 run has other items and is" if len(others) == 1 else f"{len(others)} runs have other items and are"
    common = all(each.shared for each in others)
    yield f"{are} not compared{'; --common compares the items that all runs have' if common else ''}:"
    for each in others[:_LISTED]:
        if each.benchmark != benchmark:
            said = f"of {each.benchmark}"
        else:
            said = f"{each.items} items ({'all' if each.shared == each.items else each.shared} in common)"
        yield f"- {each.title}: {said}"
    if len(others) > _LISTED:
        yield f"- and {len(others) - _LISTED} more"
