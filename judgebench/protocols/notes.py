"""What a reader must know of how the calls became a score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench.items import Verdict
from judgebench.metrics.votes import JOINED, join_notes
from judgebench.verdicts import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from judgebench.benchmarks.base import Benchmark
    from judgebench.items import Mode, Reading
    from judgebench.protocols.orders import Protocol

UNOFFICIAL, EARLY, SOFT = "not the official way", "votes stopped early", "probabilities (--logprobs)"

ALSO = "first and last mark differ"

MODE = "the verdict on an item is the mode"

PER_CRITERION, ALL_CRITERIA = "one call for each criterion", "one call for all criteria of an item"

PROTOCOL_NOTES = (
    UNOFFICIAL,
    EARLY,
    ALSO,
    MODE,
    PER_CRITERION,
    ALL_CRITERIA,
    "probabilities (",
    JOINED,
    "verdicts of a question are joined by",
)
"""How the notes begin that a protocol makes of a run's readings; the last one stands in runs of earlier versions."""


def unofficial(benchmark: Benchmark, mode: Mode, protocol: Protocol, name: str) -> Iterator[str]:
    """What of a protocol is not the benchmark's official way, if anything, as a sentence."""
    if not benchmark.has_official_way:
        return
    official = benchmark.official_orders
    other_orders = KINDS[mode].ordered and protocol.orders != official
    joined = protocol.join != "mean"
    several = protocol.samples > 1 and not KINDS[mode].votes
    if protocol.pairs is not None:
        by = "that of the completion with the most wins over all pairs" if protocol.pairs == "all" else "the winner's"
        yield f"{UNOFFICIAL} ({mode} questions about more than two completions): the credit is {by} ({name})"
    elif several or other_orders or joined:
        what = "the aggregated verdict's credit" if joined else "the mean of the official credit over the calls made"
        orders = f"{official} order{'s' if official != 'one' else ''}"
        yield f"{UNOFFICIAL} ({orders}, one sample): the score is {what} ({name})"


def protocol_notes(
    benchmark: Benchmark,
    mode: Mode,
    protocol: Protocol,
    name: str,
    readings: Mapping[str, Sequence[Reading]],
    planned: int,
) -> Iterator[str]:
    """What a reader must know of how the calls became a score, a sentence each.

    Args:
        benchmark: Whose items they are.
        mode: The template's.
        protocol: How they were asked.
        name: The protocol's.
        readings: By the item's id, with failures of those that were not asked.
        planned: How many calls there were to be at most.
    """
    if mode == "criteria":
        yield PER_CRITERION if protocol.each else ALL_CRITERIA
    yield from unofficial(benchmark, mode, protocol, name)
    yield from join_notes(readings, protocol.join)
    if KINDS[mode].votes and protocol.samples > 1 and protocol.join == "mean":
        yield f"{MODE} of its {protocol.samples} samples, the earliest of several"
    yield from _also_note(readings)
    if protocol.early_stop:
        saved = planned - sum(map(len, readings.values()))
        yield f"{EARLY}: {saved} of {planned} calls saved, as no majority could have changed"
    if protocol.soft:
        yield from _soft_note(readings)


def _also_note(readings: Mapping[str, Sequence[Reading]]) -> Iterator[str]:
    """In how many replies the rule chose among several verdicts."""
    results = [reading.result for among in readings.values() for reading in among]
    several = sum(isinstance(result, Verdict) and bool(result.also) for result in results)
    if several:
        yield f"{ALSO} in {several} of {len(results)} replies: the template's rule says which verdict counts"


def _soft_note(readings: Mapping[str, Sequence[Reading]]) -> Iterator[str]:
    """Where probabilities come from, if not from log-probabilities alone."""
    verdicts = [r.result for among in readings.values() for r in among if isinstance(r.result, Verdict)]
    bare = sum(verdict.soft is None for verdict in verdicts)
    several = any(len(among) > len({tuple(sorted(r.order)) for r in among}) for among in readings.values())
    instead = "shares of the question's verdicts are used" if several else "each counts as certain"
    if bare:
        yield f"{SOFT}: {bare} of {len(verdicts)} verdicts came without log-probabilities: {instead}"
