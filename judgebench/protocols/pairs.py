"""From pairs to a best of k: which of an item's completions meet, and what their verdicts make of the item.

Either all meet, and the one with the most wins is the best; or they meet in a knockout, whose bracket is drawn from the
seed and the item's id. A match is won by the completion that most of its verdicts name, over orders and samples.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations, islice
from statistics import fmean
from typing import TYPE_CHECKING

from judgebench.items import ASKED_AGAIN, NEVER_ASKED, Failure, Reading, Verdict
from judgebench.metrics.votes import join
from judgebench.protocols.orders import Call, calls_open, drawn_order

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from judgebench.benchmarks.base import Benchmark
    from judgebench.items import ItemKey, Mode, Outcome
    from judgebench.protocols.orders import Protocol

Pair = tuple[int, int]
"""Two completions of an item, the lower index first."""

UNDECIDED = Failure("unreadable", "no match has a verdict")


@dataclass(frozen=True, slots=True)
class Bracket:
    """A knockout as far as it is known.

    Attributes:
        matches: Those that were played, or are to be played now, round by round.
        winners: The last one left; two where the final is drawn; none before it is decided.
    """

    matches: tuple[Pair, ...]
    winners: tuple[int, ...]


def is_paired(protocol: Protocol, key: ItemKey, mode: Mode) -> bool:
    """Whether the item's best is found from pairs."""
    return protocol.pairs is not None and mode == "pairwise" and key.k > 2


def questions(
    benchmark: Benchmark, protocol: Protocol, key: ItemKey, mode: Mode, done: Mapping[Call, Reading] | None = None
) -> list[tuple[int, ...]]:
    """The completions that each question about the item shows, as far as it is known what is to be asked.

    Args:
        benchmark: Whose item it is.
        protocol: How it is asked.
        key: The item.
        mode: Of its template.
        done: The readings that are there, on which a knockout's next round depends.
    """
    if not is_paired(protocol, key, mode):
        return _usual(benchmark, protocol, key, mode)
    if protocol.pairs == "all":
        return list(combinations(range(key.k), 2))
    return list(bracket(protocol, key, done or {}).matches)


def questions_at_most(
    benchmark: Benchmark, protocol: Protocol, key: ItemKey, mode: Mode, done: Mapping[Call, Reading] | None = None
) -> list[tuple[int, ...]]:
    """As many questions as the item may need in all; of a knockout, other pairs stand for matches still to be drawn."""
    if not is_paired(protocol, key, mode):
        return _usual(benchmark, protocol, key, mode)
    known = questions(benchmark, protocol, key, mode, done)
    others = (pair for pair in combinations(range(key.k), 2) if pair not in known)
    return [*known, *islice(others, max(key.k - 1 - len(known), 0))]


def every_question(benchmark: Benchmark, protocol: Protocol, key: ItemKey, mode: Mode) -> list[tuple[int, ...]]:
    """The questions that may be put, whatever the readings say."""
    if is_paired(protocol, key, mode):
        return list(combinations(range(key.k), 2))
    return _usual(benchmark, protocol, key, mode)


def _usual(benchmark: Benchmark, protocol: Protocol, key: ItemKey, mode: Mode) -> list[tuple[int, ...]]:
    """The questions that an item has by itself: of one about each criterion, the criterion's number."""
    usual = benchmark.questions(key, mode)
    return [(at,) for at in range(len(key.checklist))] if protocol.each else usual


def bracket(protocol: Protocol, key: ItemKey, done: Mapping[Call, Reading]) -> Bracket:
    """The knockout of an item's completions, as far as its readings decide it.

    Neighbours in a drawn order meet; of an odd number the last one waits, and stands first in the next round. Of a
    drawn match, or one without a verdict, the one that was drawn first goes on; a drawn final has two winners. A match
    with a call that is still to be made, or to be made again (after an outage, say), holds its item up.
    """
    alive = drawn_order(protocol.seed, f"{key.id}\0knockout", range(key.k))
    matches: list[Pair] = []
    while len(alive) > 1:
        rivals = list(zip(alive[::2], alive[1::2], strict=False))
        matches += [(min(two), max(two)) for two in rivals]
        shares = [_share(protocol, key, two, done) for two in rivals]
        if None in shares:
            return Bracket(tuple(matches), ())
        if len(alive) == 2 and shares == [0.5]:
            return Bracket(tuple(matches), alive)
        won = [share is None or share >= 0.5 for share in shares]
        through = [two[0] if first else two[1] for two, first in zip(rivals, won, strict=True)]
        alive = (*(alive[-1:] if len(alive) % 2 else ()), *through)
    return Bracket(tuple(matches), alive)


def _share(protocol: Protocol, key: ItemKey, rivals: Pair, done: Mapping[Call, Reading]) -> float | None:
    """The first one's share of a match's verdicts, a half without any; None where the match is held up."""
    match = (min(rivals), max(rivals))
    readings = [reading for reading in done.values() if {*reading.order} == {*match}]
    if next(calls_open(protocol, key.id, [match], done), None) is not None:
        return None
    if any(isinstance(r.result, Failure) and r.result.kind in ASKED_AGAIN for r in readings):
        return None
    found = _won(rivals[0], readings, protocol)
    return 0.5 if found is None else found


def _won(index: int, readings: Sequence[Reading], protocol: Protocol, failed: float | None = None) -> float | None:
    """A completion's share of a match's verdicts; ties are halves.

    Args:
        index: The completion.
        readings: Of the match.
        protocol: How they are joined.
        failed: What a failure counts; None for nothing.
    """
    shares: list[float] = []
    for reading in join(readings, protocol.join) if failed is None else readings:
        if not reading.failed:
            shares.append(0.5 if reading.choice is None else float(reading.choice == index))
        elif failed is not None:
            shares.append(failed)
    return fmean(shares) if shares else None


def outcome(benchmark: Benchmark, protocol: Protocol, key: ItemKey, readings: Sequence[Reading]) -> Outcome:
    """The outcome of an item, from pairs or as the benchmark has it.

    Wins (or 1 for a knockout's winner) stand as ratings, so that the benchmark's rule for ratings applies: those at the
    top share the credit. The bounds are those of failures that all fall to the wrong ones, or to the right ones; in a
    knockout, where they would have changed who meets whom, 0 and 1.
    """
    paired = protocol.pairs is not None and key.k > 2 and readings and len(readings[0].order) == 2
    if not paired or all(isinstance(r.result, Failure) and r.result.kind in NEVER_ASKED for r in readings):
        return benchmark.outcome(key, readings, protocol.join)
    failed = any(reading.failed for reading in readings)
    scores = _knockout(protocol, key, readings) if protocol.pairs == "knockout" else _wins(protocol, key, readings)
    made = replace(_rated(benchmark, key, scores), source={"pairs": protocol.pairs})
    if not failed or made.credit is None or scores is None:
        return made
    if protocol.pairs == "knockout":
        return replace(made, low=0.0, high=1.0)
    worst, best = (_rated(benchmark, key, _wins(protocol, key, readings, right=right)) for right in (0.0, 1.0))
    lows, highs = [made.credit, worst.credit], [made.credit, best.credit]
    return replace(made, low=min(x for x in lows if x is not None), high=max(x for x in highs if x is not None))


def _rated(benchmark: Benchmark, key: ItemKey, scores: Sequence[float] | None) -> Outcome:
    results: list[Verdict | Failure] = [UNDECIDED] * key.k if scores is None else [*map(Verdict, scores)]
    return benchmark.outcome(key, [Reading((index,), 0, result) for index, result in enumerate(results)])


def _knockout(protocol: Protocol, key: ItemKey, readings: Collection[Reading]) -> list[float] | None:
    if all(reading.failed for reading in readings):
        return None
    winners = bracket(protocol, key, {Call(reading.order, reading.sample): reading for reading in readings}).winners
    return [float(index in winners) for index in range(key.k)] if winners else None


def _wins(
    protocol: Protocol, key: ItemKey, readings: Sequence[Reading], right: float | None = None
) -> list[float] | None:
    """How many matches each completion won; drawn ones are halves, those without a verdict nobody's.

    Args:
        protocol: How the readings of a match are joined.
        key: The item.
        readings: All of them.
        right: What a failure counts for a correct completion, and the rest of 1 for an incorrect one; None for nothing.
    """
    by_pair: dict[Pair, list[Reading]] = {}
    for reading in readings:
        by_pair.setdefault((min(reading.order), max(reading.order)), []).append(reading)
    wins, decided = [0.0] * key.k, False
    for match, among in by_pair.items():
        for index in match:
            failed = None if right is None else right if index < key.num_correct else 1 - right
            share = _won(index, among, protocol, failed)
            decided = decided or share is not None
            wins[index] += 0.0 if share is None or share < 0.5 else 0.5 if share == 0.5 else 1.0
    return wins if decided else None
