"""Whether planned items find the difference, margins err as promised, the best is kept, and components are held."""

from __future__ import annotations

from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.trust.row import Row
from judgebench.metrics.components import variance_components
from judgebench.metrics.corrected import LabelledSample, corrected
from judgebench.metrics.equivalence import contenders, equivalences
from judgebench.metrics.paired import PairedScores
from judgebench.metrics.planning import (
    corrected_level,
    items_for_difference,
    label_correlation,
    labels_for_width,
    noise_of_guess,
)

if TYPE_CHECKING:
    from judgebench.metrics.intervals import Floats


def two_runs(rng: np.random.Generator, n: int, difference: float, discordant: float) -> Floats:
    """Credits of two runs, the first better by so much, on items of which they differ on a share."""
    win, lose = (discordant + difference) / 2, (discordant - difference) / 2
    drawn = rng.choice(4, size=n, p=[win, lose, (1 - discordant) * 0.75, (1 - discordant) * 0.25])
    return np.stack([np.isin(drawn, (0, 2)), np.isin(drawn, (1, 2))]).astype(float)


def power(runs: int, *, difference: float, discordant: float, compared: int = 2, group: int = 1) -> float:
    """The share of runs in which the planned items show the difference; items of a group are all alike."""
    rng, alpha = np.random.default_rng(1), corrected_level(compared)
    n = items_for_difference(difference, discordant=discordant, alpha=alpha)
    if group > 1:
        n = items_for_difference(difference, square=discordant, step=1.0, alpha=alpha)
    found = 0
    for _ in range(runs):
        credits_ = np.repeat(two_runs(rng, n, difference, discordant), group, axis=1)
        clusters = None if group == 1 else np.repeat(np.arange(n), group)
        found += PairedScores(credits_, clusters=clusters, resamples=2_000).p(0, 1) <= alpha
    return found / runs


def power_of_samples(runs: int, *, orders: int, samples: int) -> float:
    """The same of means over orders and samples, planned from how often replies of one judge agree.

    An item's chance to be judged right is 0.9 or 0.5 in its two orders, or the other way round; the second run is right
    5 points less often.
    """
    rng, difference = np.random.default_rng(2), 0.05
    chances = np.array([[0.9, 0.5], [0.9 - difference, 0.5 - difference]])
    retest = float((chances**2 + (1 - chances) ** 2).mean())
    consistency = float((chances.prod(axis=1) + (1 - chances).prod(axis=1)).mean())
    one = chances.mean(axis=1)
    square = float(one[0] * (1 - one[1]) + one[1] * (1 - one[0]))  # of one reply each, in drawn orders
    saved = 2 * (noise_of_guess(retest, consistency).saved(orders, samples) or 0.0)
    n = items_for_difference(difference, square=square - saved, step=1 / (orders * samples))
    found = 0
    for _ in range(runs):
        credits_ = np.zeros((2, n))
        for run in (0, 1):
            first = rng.integers(0, 2, n)
            for order in range(orders):
                credits_[run] += rng.binomial(samples, chances[run][(first + order) % 2]) / (orders * samples)
        found += PairedScores(credits_, resamples=2_000).p(0, 1) <= 0.05
    return found / runs


def claims(runs: int, *, n: int, margin: float, compared: int = 2, group: int = 1) -> float:
    """The share of runs in which a run that is truly the margin worse is called non-inferior or equivalent.

    The first run is the margin better than each other; these are as good as each other, and so is what is said of them.
    """
    rng, wrong = np.random.default_rng(3), 0
    pairs = list(combinations(range(compared), 2))
    for _ in range(runs):
        first = rng.random(n // group) < 0.8
        credits_ = [first]
        for _ in range(compared - 1):
            lost = first & (rng.random(len(first)) < (0.1 + margin / 2) / 0.8)
            credits_.append((first & ~lost) | (~first & (rng.random(len(first)) < (0.1 - margin / 2) / 0.2)))
        clusters = None if group == 1 else np.repeat(np.arange(n // group), group)
        part = PairedScores(
            np.repeat(np.array(credits_, dtype=float), group, axis=1), clusters=clusters, resamples=2_000
        )
        found = equivalences(part, pairs, margin)
        wrong += any(each.first == 0 and each.second in each.not_worse for each in found)
    return wrong / runs


def keeps_best(runs: int, *, n: int, compared: int, ahead: float) -> float:
    """The share of runs in which the truly best judge is among those that can be the best."""
    rng, kept = np.random.default_rng(4), 0
    for _ in range(runs):
        hard = rng.random(n)
        rights = [0.8, *([0.8 - ahead] * (compared - 1))]
        credits_ = np.array([0.5 * hard + 0.5 * rng.random(n) < _cut(right) for right in rights], dtype=float)
        part = PairedScores(credits_, resamples=2_000)
        kept += contenders(part.scores, part.drawn, part.effective_n)[0].can_be_best
    return kept / runs


def _cut(share: float) -> float:
    """Below which the mean of two uniform numbers is, with that chance (of at least a half)."""
    return float(1 - ((1 - share) / 2) ** 0.5)


def components_hold(
    runs: int, *, source: str, wordings: int, items: int, orders: int, samples: int, alike: bool = False
) -> float:
    """The share of intervals of one component that hold it.

    An item's chance is .3, .5 or .7; with each wording .08 more or less, in one order .1 more and in the other less;
    wordings move all by a normal amount of sd 3 points. Where wordings and orders are `alike` they move nothing.
    """
    rng, held = np.random.default_rng(5), 0
    off, by_order, by_wording = (0.0, 0.0, 0.0) if alike else (0.08, 0.1, 0.03)
    truth = {
        "items": 0.04 * 2 / 3 + (off**2 if wordings == 1 else 0.0),
        "items x wordings": off**2,
        "orders": by_order**2,
        "orders x wordings": 0.0,
        "samples": 0.25 - 0.04 * 2 / 3 - off**2 - (by_order**2 if orders > 1 else 0.0) - by_wording**2,
        "wordings": by_wording**2,
    }
    for _ in range(runs):
        chance = rng.choice([0.3, 0.5, 0.7], items)[None, :] + rng.choice([-off, off], (wordings, items))
        sign = rng.choice([-1, 1], items)
        in_order = np.stack([sign * by_order, -sign * by_order], axis=1)[:, :orders] if orders > 1 else 0.0
        chances = chance[:, :, None] + in_order + rng.normal(0, by_wording, wordings)[:, None, None]
        drawn = rng.random((wordings, items, orders, samples)) < np.clip(chances, 0, 1)[..., None]
        found = variance_components(drawn.astype(float))
        part = None if found is None else found.of(source)
        held += part is not None and part.low <= truth[source] + 1e-12 and part.high >= truth[source] - 1e-12
    return held / runs


def rare_noise_holds(runs: int, *, source: str, items: int, noisy: float) -> float:
    """The share of intervals of one component (or of the ICC) that hold it, of a judge that is right but on few items.

    On these it is right in 60%; where nothing at all varied there is no ICC, which is no wrong one.
    """
    rng, held = np.random.default_rng(7), 0
    between, within = 0.16 * noisy * (1 - noisy), 0.24 * noisy
    truth = {"items": between, "samples": within, "ICC": between / (between + within)}[source]
    for _ in range(runs):
        right = np.where(rng.random(items) < noisy, 0.6, 1.0)
        found = variance_components((rng.random((1, items, 2, 2)) < right[None, :, None, None]).astype(float))
        part = None if found is None else found.of(source)
        ends = (0.0, 1.0) if part is None else (part.low, part.high)
        if source == "ICC" and found is not None and found.icc_low is not None and found.icc_high is not None:
            ends = found.icc_low, found.icc_high
        held += ends[0] <= truth <= ends[1]
    return held / runs


def width(runs: int, *, wide: float, right: float, rate: float) -> float:
    """The mean width of PPI++'s interval with the planned labels, as a share of the width that was planned."""
    rng, judged = np.random.default_rng(6), 5_000
    labels = labels_for_width(wide, rate, correlation=label_correlation(right, rate), judged=judged)
    total = 0.0
    for _ in range(runs):
        truth = (rng.random(labels + judged) < rate).astype(float)
        said = np.where(rng.random(labels + judged) < right, truth, 1 - truth)
        known = np.arange(labels + judged) < labels
        found = corrected(LabelledSample(said, np.where(known, truth, np.nan)))["ppi_plus"]
        total += (found.high or 0.0) - (found.low or 0.0)
    return total / runs / wide


_POWER = ("80%", 0.765, 0.87)
_ERROR = ("at most 5%", 0.0, 0.065)
_HOLD = ("at least 93%", 0.914, 1.0)

ROWS = [
    Row(f"power of planned items: {name}", _POWER[0], partial(power, **asked), *_POWER[1:], 4_000)
    for name, asked in {
        "5 points, discordance 20%": {"difference": 0.05, "discordant": 0.2},
        "20 points, discordance 30% (few items)": {"difference": 0.2, "discordant": 0.3},
        "5 points, discordance 10%, 5 runs": {"difference": 0.05, "discordant": 0.1, "compared": 5},
        "10 points, groups of 4 that are alike": {"difference": 0.1, "discordant": 0.3, "group": 4},
    }.items()
]
ROWS += [
    Row(
        f"power of planned items: {o} orders, {s} samples",
        _POWER[0],
        partial(power_of_samples, orders=o, samples=s),
        *_POWER[1:],
        runs=4_000,
    )
    for o, s in ((1, 3), (2, 1), (2, 3))
]
ROWS += [
    Row(
        f"a run that is the margin worse is called non-inferior: {name}",
        _ERROR[0],
        partial(claims, **asked),
        *_ERROR[1:],
    )
    for name, asked in {
        "100 items, 5 points": {"n": 100, "margin": 0.05},
        "1,000 items, 2 points": {"n": 1_000, "margin": 0.02},
        "400 items in groups of 4": {"n": 400, "margin": 0.05, "group": 4},
        "any of 3 in 4 runs, 400 items": {"n": 400, "margin": 0.05, "compared": 4},
    }.items()
]
ROWS += [
    Row(
        f"the best of {k} runs can be the best: {n} items, {100 * ahead:g} points ahead",
        "95% or more",
        partial(keeps_best, n=n, compared=k, ahead=ahead),
        0.936,
    )
    for n, k, ahead in ((60, 5, 0.0), (1_000, 5, 0.0), (300, 12, 0.0), (300, 5, 0.02))
]
ROWS += [
    Row(
        f"interval of the component {source}: {name}",
        _HOLD[0],
        partial(components_hold, source=source, **asked),
        *_HOLD[1:],
    )
    for name, asked, sources in (
        (
            "3 wordings, 100 items, 2 orders, 3 samples",
            {"wordings": 3, "items": 100, "orders": 2, "samples": 3},
            ("wordings", "items", "items x wordings", "orders", "samples"),
        ),
        ("30 items, 2 samples", {"wordings": 1, "items": 30, "orders": 1, "samples": 2}, ("items", "samples")),
        (
            "wordings and orders that change nothing",
            {"wordings": 3, "items": 100, "orders": 2, "samples": 2, "alike": True},
            ("wordings", "items x wordings", "orders"),
        ),
    )
    for source in sources
]
ROWS += [
    Row(
        f"interval of {source}: {n} items, noise on {noisy:.0%}",
        _HOLD[0],
        partial(rare_noise_holds, source=source, items=n, noisy=noisy),
        *_HOLD[1:],
    )
    for n, noisy in ((12, 0.05), (30, 0.05))
    for source in ("items", "samples", "ICC")
]
ROWS += [
    Row(
        f"mean width with planned labels and a judge of {right:.0%}, of {100 * wide:g} points",
        "at most 100%",
        partial(width, wide=wide, right=right, rate=0.5),
        0.0,
        1.0,
        200,
    )
    for wide, right in ((0.1, 0.85), (0.2, 0.7))
]
