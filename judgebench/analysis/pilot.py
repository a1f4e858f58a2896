"""What finished runs say for the planning of larger ones: how far they differ, their noise, groups and cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from judgebench.analysis.components import components_of
from judgebench.errors import ConfigError
from judgebench.metrics.components import ORDERS, RESIDUAL, SAMPLES
from judgebench.metrics.intervals import wilson
from judgebench.metrics.paired import PairedRuns, PairedScores
from judgebench.metrics.planning import ReplyNoise
from judgebench.runs import protocol_of, was_judged

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from judgebench.items import Measure
    from judgebench.metrics.intervals import Floats
    from judgebench.runs import Finished

LEAST_ITEMS = 10
"""Of fewer labelled items nothing is planned."""


@dataclass(frozen=True, slots=True)
class PilotPair:
    """How far two runs differ: of several, those that differ most.

    Attributes:
        square: Mean square of the items' differences in credit: the discordance where credits are 0 or 1; of a score
            that is no mean of credits, the variance that stands for it.
        low: The lower end of its 95% interval; None where the score is no mean of credits.
        high: The upper end.
        difference: Of the scores.
        variance: Of one item's difference, with what weights and groups add.
        binary: Whether all credits are 0 or 1, items weigh the same and are in no groups.
    """

    square: float
    low: float | None
    high: float | None
    difference: float
    variance: float
    binary: bool


@dataclass(frozen=True, slots=True)
class Pilot:
    """Finished runs over the same labelled items.

    Attributes:
        paths: Their folders.
        items: How many labelled items all have judged.
        accuracy: Their mean score.
        pair: How far two differ; None of a single run.
        design_effect: By how many times more items are needed than if all were independent and weighed the same.
        noise: Of one reply, the mean of the runs.
        orders: In how many orders each item was judged: of the run with the fewest.
        samples: Of each order, likewise.
        replies: To one item in one order and sample.
        cost_per_reply: US dollars, the mean of the runs; None where a price is not known, and for scores.
        correlation: Of the verdict with the label (Matthews' coefficient), of label runs; None of others.
        rate: Of the labels' positive class, of label runs.
        measure: What the scores are.
    """

    paths: tuple[Path, ...]
    items: int
    accuracy: float
    pair: PilotPair | None
    design_effect: float
    noise: ReplyNoise
    orders: int
    samples: int
    replies: float
    cost_per_reply: float | None
    correlation: float | None = None
    rate: float | None = None
    measure: Measure | None = "share"


def pilot_of(runs: Sequence[Finished]) -> Pilot:
    """What the runs say.

    Raises:
        ConfigError: They are of different benchmarks, have no labels or verdicts, or share fewer than 10 items.
    """
    first = runs[0]
    if len({run.benchmark.name for run in runs}) > 1:
        names = ", ".join(dict.fromkeys(run.benchmark.name for run in runs))
        raise ConfigError(f"the pilot runs are of different benchmarks ({names}); name runs of one")
    ids = _items(runs)
    outcomes = [[run.outcomes[item] for item in ids] for run in runs]
    nothing = [replace(each, credit=0.0, low=0.0, high=0.0) for each in outcomes[0]]
    layout = first.benchmark.layout
    by_means = not layout.strata and all(each.credit is not None for run in outcomes for each in run)
    paired = PairedRuns([*outcomes, nothing] if by_means else outcomes, layout, first.benchmark.unit)
    if not any(paired.whole):
        raise ConfigError(f"{first.path}: no section of the benchmark is complete, so it has no score to plan by")
    whole = paired.part(paired.whole)
    credits_ = np.array([[np.nan if each.credit is None else each.credit for each in run] for run in outcomes])
    measure = next((run.metrics.measure for run in runs if run.metrics.measure is not None), None)
    units = len({first.benchmark.unit(first.keys[item]) for item in ids})
    pair = _pair(whole, credits_, units)
    noise, orders, samples = _noise(runs, ids)
    correlation, rate = _of_labels(first)
    costs = [_cost_per_reply(run) for run in runs]
    known = [cost for cost in costs if cost is not None]
    judged = [run for run in runs if not run.is_scores]
    per_item = [_replies(run) / max(run.metrics.items, 1) for run in judged]
    return Pilot(
        paths=tuple(run.path for run in runs),
        items=len(ids),
        accuracy=float(np.mean(whole.scores[: len(runs)])),
        pair=pair,
        design_effect=_design_effect(whole, credits_) if by_means else 1.0,
        noise=noise,
        orders=orders,
        samples=samples,
        replies=float(np.mean(per_item)) / (orders * samples) if per_item else 1.0,
        cost_per_reply=float(np.mean(known)) if known and len(known) == len(judged) else None,
        correlation=correlation,
        rate=rate,
        measure=measure,
    )


def _items(runs: Sequence[Finished]) -> list[str]:
    """The labelled items that all runs have judged."""
    for run in runs:
        if not run.metrics.coverage:
            raise ConfigError(f"{run.path}: no reply has a verdict, so it is no pilot; judgebench show {run.path}")
    ids = [item for item, outcome in runs[0].outcomes.items() if was_judged(outcome) and runs[0].keys[item].labelled]
    if not ids:
        raise ConfigError(
            f"{runs[0].path}: no item has a label, so there is no score to plan by; plan by a guess instead: "
            "judgebench plan --accuracy 0.8 --discordance 0.2"
        )
    for run in runs[1:]:
        ids = [item for item in ids if item in run.outcomes and was_judged(run.outcomes[item])]
    if len(ids) < LEAST_ITEMS:
        common = "labelled items in common" if len(runs) > 1 else "labelled items"
        only = common.replace("items", "item") if len(ids) == 1 else common
        raise ConfigError(
            f"{runs[0].path}: cannot say from {len(ids)} {only}: a pilot needs {LEAST_ITEMS} or more, better 50; or "
            "plan by a guess: judgebench plan --accuracy 0.8 --discordance 0.2"
        )
    return ids


def _pair(whole: PairedScores, credits_: Floats, units: int) -> PilotPair | None:
    """Of all pairs the one that differs most."""
    found = []
    n = whole.n
    for first, second in combinations(range(len(credits_)), 2):
        apart = credits_[first] - credits_[second]
        difference, variance = float(whole.scores[first] - whole.scores[second]), n * whole.variance(first, second)
        if np.isnan(apart).all():
            found.append(PilotPair(variance + difference**2, None, None, difference, variance, binary=False))
            continue
        square = float(np.nanmean(np.square(apart)))
        plain = bool(np.isin(credits_[[first, second]], (0.0, 1.0)).all())
        alike = plain and units == n and abs(whole.effective_n - n) < 1e-6 * n
        ends = wilson(min(square, 1.0), units)
        found.append(PilotPair(square, ends.low, ends.high, difference, variance, alike))
    return max(found, key=lambda each: each.variance, default=None)


def _design_effect(whole: PairedScores, credits_: Floats) -> float:
    """What groups and weights add to the variance of a score, the mean of the runs.

    Args:
        whole: The runs' scores, and last one of credits that are all 0.
        credits_: Of the runs, shape (runs, items).
    """
    plain = [float(each.var(ddof=1)) for each in credits_]
    own = [whole.n * whole.variance(at, len(credits_)) for at in range(len(credits_))]
    return float(np.mean([one / of for one, of in zip(own, plain, strict=True) if of > 0] or [1.0]))


def _noise(runs: Sequence[Finished], ids: Sequence[str]) -> tuple[ReplyNoise, int, int]:
    """The noise of one reply, the mean of the runs, and in how many orders and samples they were judged.

    Runs of different orders or samples, of votes that stop early and of scores say nothing of it, nor do fewer than 10
    items with a credit for every reply.
    """
    every = [each.found for run in runs for each in components_of([run], ids)]
    few = any(each.items < LEAST_ITEMS for each in every)
    if few or len(every) < len(runs) or len({(each.orders, each.samples) for each in every}) > 1:
        asked = [protocol_of(run) for run in runs if not run.is_scores]
        designs = {(2 if each.orders == "both" else 1, each.samples) for each in asked}
        return ReplyNoise(), *(designs.pop() if len(designs) == 1 else (1, 1))
    orders, sample, order = every[0].orders, [], []
    for found in every:
        own, between, rest = (found.of(name) for name in (SAMPLES, ORDERS, RESIDUAL))
        if own is not None:
            sample.append(max(own.variance, 0.0))
        if between is not None and own is not None:
            order.append(max(between.variance * orders / (orders - 1) + own.variance, 0.0))
        elif rest is not None:
            order.append(max(rest.variance, 0.0))
    noise = ReplyNoise(float(np.mean(sample)) if sample else None, float(np.mean(order)) if order else None)
    return noise, orders, every[0].samples


def _of_labels(run: Finished) -> tuple[float | None, float | None]:
    """The correlation of verdict and label and the rate of the positive class, of a run of labels."""
    found = run.metrics.extra.get("labels")
    classes = run.run.manifest.template.label_classes
    if not isinstance(found, dict) or classes is None:
        return None, None
    mcc, confusion = found.get("mcc"), found.get("confusion", {})
    totals = {name: sum(said.values()) for name, said in confusion.items()}
    total = sum(totals.values())
    correlation = mcc.get("score") if isinstance(mcc, dict) else None
    return correlation, totals.get(classes.positive, 0) / total if total else None


def _replies(run: Finished) -> int:
    """How many were asked for: of a jury or a cascade those of all its judges."""
    usage = run.metrics.usage
    return usage.calls + usage.cached if run.made_of else run.metrics.judgements


def _cost_per_reply(run: Finished) -> float | None:
    usage = run.metrics.usage
    replies = usage.calls + usage.cached
    return None if run.is_scores or usage.cost_usd is None or not replies else usage.cost_usd / replies
