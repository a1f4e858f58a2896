"""The order in which a benchmark's items are taken and asked, any part of which is a sample of them all."""

from __future__ import annotations

import hashlib
import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from judgebench.benchmarks.base import Benchmark
    from judgebench.items import ItemKey


def sampling_order(benchmark: Benchmark, keys: Sequence[ItemKey], seed: int) -> Iterator[Sequence[str]]:
    """Ids of the items in an order drawn from the seed and the ids, those that a rule scores together in one step.

    Items that count the same in the score come in proportion to the sizes of their subsets, so that the mean over the
    first n estimates that over all. Groups of fixed weight (`Layout.weighed_apart`) take turns, those with the largest
    units last: a unit that does not fit into a limit ends the choice, and a greater limit takes all that a smaller one
    did.
    """
    apart: dict[str, dict[str, dict[str, list[str]]]] = {}
    for key in keys:
        unit = benchmark.unit(key) if key.subset in benchmark.layout.strata else key.id
        subsets = apart.setdefault(benchmark.layout.weighed_apart(key), {})
        subsets.setdefault(key.subset, {}).setdefault(unit, []).append(key.id)
    groups = sorted(apart.items(), key=lambda group: (_largest(group[1]), _rank(seed, group[0])))
    queues = [_in_proportion(subsets, seed) for _, subsets in groups]
    while queues:
        for queue in list(queues):
            unit_ids = next(queue, None)
            if unit_ids is None:
                queues.remove(queue)
            else:
                yield unit_ids


def _in_proportion(subsets: dict[str, dict[str, list[str]]], seed: int) -> Iterator[Sequence[str]]:
    """The units of all subsets, each subset's spread evenly from a start of its own (systematic sampling).

    Takes the units out of `subsets`: of 100,000 items they would stay beside their ranks.
    """
    names = list(subsets)
    spread = [_spread(name, subsets.pop(name), seed) for name in names]
    return (ids for _, _, ids in heapq.merge(*spread))


def _spread(name: str, units: Mapping[str, Sequence[str]], seed: int) -> Iterator[tuple[float, bytes, Sequence[str]]]:
    """A subset's units with their places from 0 to 1, in the order of these."""
    start = int.from_bytes(_rank(seed, f"\0{name}")[:8], "big") / 2**64
    ranked = sorted((_rank(seed, unit), ids) for unit, ids in units.items())
    del units
    return (((at + start) / len(ranked), rank, ids) for at, (rank, ids) in enumerate(ranked))


def _largest(subsets: Mapping[str, Mapping[str, Sequence[str]]]) -> int:
    return max(len(ids) for units in subsets.values() for ids in units.values())


def _rank(seed: int, text: str) -> bytes:
    return hashlib.sha256(f"{seed}\0{text}".encode("utf-8", "surrogatepass")).digest()


def take(order: Iterator[Sequence[str]], limit: int) -> set[str]:
    """The first ids of an order, at most `limit`, up to a unit that does not fit."""
    taken: set[str] = set()
    for ids in order:
        if len(taken) + len(ids) > limit:
            break
        taken.update(ids)
    return taken
