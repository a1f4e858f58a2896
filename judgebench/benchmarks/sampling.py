"""The order in which a benchmark's items are taken and asked, any part of which is a sample of them all; its shards."""

from __future__ import annotations

import hashlib
import heapq
import re
from typing import TYPE_CHECKING, NamedTuple

from judgebench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

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


class Shard(NamedTuple):
    """Part `number` of `of` of a run's items, from 1 on.

    >>> str(Shard.parse("3/8"))
    '3/8'
    """

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """What `--shard I/N` names.

        Raises:
            ConfigError: It is no such pair, or there is no such part.
        """
        found = re.fullmatch(r"\s*(\d{1,9})\s*/\s*(\d{1,9})\s*", text)
        if found is None:
            raise ConfigError(f"--shard {text}: must be I/N, such as 1/8 for the first of 8 parts")
        number, of = int(found[1]), int(found[2])
        if not 1 <= number <= of:
            raise ConfigError(f"--shard {text}: parts are numbered from 1 to N (in a SLURM job: sbatch --array=1-N)")
        return cls(number, of)

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def shard_of(benchmark: Benchmark, keys: Collection[ItemKey], seed: int, shard: Shard) -> set[str]:
    """Ids of the items in one part of all: a sample drawn from the seed and the ids, of each subset alike.

    Parts differ by at most one unit in size. An item is one unit; items that a rule scores together (Ties) are one.

    Raises:
        ConfigError: There are fewer units than parts.
    """
    units: dict[tuple[str, str], list[str]] = {}
    for key in keys:
        unit = benchmark.unit(key) if key.subset in benchmark.layout.strata else key.id
        units.setdefault((key.subset, unit), []).append(key.id)
    if len(units) < shard.of:
        raise ConfigError(
            f"--shard {shard}: {len(keys):,} item{'s' * (len(keys) != 1)} of {benchmark.name} make at most "
            f"{len(units):,} part{'s' * (len(units) != 1)}; take a smaller N"
        )
    ranked = sorted((subset, _rank(seed, unit), ids) for (subset, unit), ids in units.items())
    return {item for _, _, ids in ranked[shard.number - 1 :: shard.of] for item in ids}


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
