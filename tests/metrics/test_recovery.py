"""Judges whose truth is set here: what is reported of a thousand runs of each holds it as often as it claims.

A judge chooses the first of two with probability noise / 2 + (1 - noise) * logistic(first + skill * side + length * d),
where side is 1 with the correct completion first and else -1, and d is the difference of log length in units of
`SPREAD`. The truths are integrals over d, by quadrature, or closed forms: nothing of the package is in them.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest
from simulating import holds, runs

from judgebench.benchmarks import get_benchmark
from judgebench.items import LABELS, ItemKey, Reading, Soft, Verdict
from judgebench.metrics.accuracy import official_scores
from judgebench.metrics.behaviour import behaviours
from judgebench.metrics.paired import PairedRuns
from judgebench.metrics.sureness import calibration
from judgebench.metrics.votes import majority
from judgebench.protocols.orders import Protocol, calls_needed, orders_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

pytestmark = pytest.mark.simulation
BENCHMARK = get_benchmark("rewardbench")
RUNS, ITEMS = runs(1_000), 100
SPREAD = 0.5
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(60)
LONGER = 0.3
"""By how much of `SPREAD` correct completions are longer in the mean: labels and lengths go together."""


def logistic(x):
    return 1 / (1 + np.exp(-x))


@dataclass(frozen=True)
class Judge:
    """One whose strengths and weaknesses are known."""

    skill: float = 1.0
    first: float = 0.0
    length: float = 0.0
    noise: float = 0.0

    def chooses_first(self, side, d):
        """The probability, with the correct completion first (1) or second (-1), `d` longer than the other."""
        known = logistic(self.first + self.skill * side + self.length * side * d)
        return self.noise / 2 + (1 - self.noise) * known

    def over_lengths(self, figure: Callable) -> float:
        """The mean of a figure of d over its distribution, by Gauss and Hermite."""
        return float(WEIGHTS @ figure(LONGER + NODES) / WEIGHTS.sum())

    @property
    def accuracy(self) -> float:
        """Over both places of the correct completion."""
        return self.over_lengths(lambda d: (self.chooses_first(1, d) + 1 - self.chooses_first(-1, d)) / 2)

    @property
    def first_share(self) -> float:
        return self.over_lengths(lambda d: (self.chooses_first(1, d) + self.chooses_first(-1, d)) / 2)

    @property
    def consistency(self) -> float:
        """How often both orders, each by a draw of its own, name the same completion."""

        def same(d):
            one, other = self.chooses_first(1, d), 1 - self.chooses_first(-1, d)
            return one * other + (1 - one) * (1 - other)

        return self.over_lengths(same)


def items(random: np.random.Generator) -> tuple[list[ItemKey], np.ndarray]:
    """Pairs of one subset, and by how many spreads of log length the correct completion is longer."""
    d = random.normal(LONGER, 1.0, ITEMS)
    lengths = [(round(10_000 * math.exp(SPREAD * each)), 10_000) for each in d]
    keys = [ItemKey(str(at), "hep-go", 2, 1, each) for at, each in enumerate(lengths)]
    return keys, np.array([math.log(a / b) / SPREAD for a, b in lengths])


def judged(judge: Judge, random: np.random.Generator, protocol: Protocol):
    """Items, the judge's readings of each in the protocol's orders, and how much longer each correct one is."""
    keys, differences = items(random)
    readings: dict[str, list[Reading]] = {}
    for key, d in zip(keys, differences, strict=True):
        for order in orders_of(protocol, key.id, (0, 1)):
            for sample in range(protocol.samples):
                first = random.random() < judge.chooses_first(1 if order[0] == 0 else -1, d)
                readings.setdefault(key.id, []).append(Reading(order, sample, Verdict(LABELS[0 if first else 1])))
    return keys, readings, differences


def reported(judge: Judge, seed: int, protocol: Protocol) -> dict[str, bool]:
    """Whether each figure's interval holds what was put in, in one run of the judge."""
    keys, readings, d = judged(judge, np.random.default_rng([7, seed]), protocol)
    outcomes = [BENCHMARK.outcome(key, readings[key.id], protocol.join) for key in keys]
    score = official_scores(outcomes, BENCHMARK.layout, seed=seed).subsets["hep-go"]
    held = {"score": score.low <= judge.accuracy <= score.high}
    truths = {
        "position bias (first slot)": judge.first_share,
        "position consistency": judge.consistency,
        # In its unit, the root mean square of the run's own differences. Noise makes it no logistic regression's.
        **({} if judge.noise else {"length association (log-odds)": judge.length * math.sqrt(np.mean(d**2))}),
    }
    for each in behaviours(readings, {key.id: key for key in keys}):
        if each.name in truths:
            held[each.name] = each.estimate.low <= truths[each.name] <= each.estimate.high
    return held


@pytest.mark.parametrize(
    ("judge", "orders", "figures"),
    [
        pytest.param(Judge(first=0.7), "one", 3, id="prefers the first, one order"),
        pytest.param(Judge(first=0.7), "both", 4, id="prefers the first, both orders"),
        pytest.param(Judge(skill=2.5, noise=0.4), "both", 3, id="noisy, both orders"),
        pytest.param(Judge(skill=1.2, first=-0.5, length=0.6), "both", 4, id="biased in two ways, both orders"),
    ],
)
def test_reported_figures_hold_what_was_set(judge: Judge, orders: str, figures: int) -> None:
    """Score, position bias, length bias and consistency: of a thousand runs, 93 to 97 of 100 intervals each."""
    every = [reported(judge, seed, Protocol(orders, seed=seed)) for seed in range(RUNS)]
    held = {figure: [run[figure] for run in every] for figure in every[0]}

    assert len(held) == figures
    assert [figure for figure, each in held.items() if not holds(each)] == []


def soft_outcomes(random: np.random.Generator, bias: float) -> tuple[list, list]:
    """One run in one order, another with both joined by probabilities, over the same items.

    The judge finds the correct one better by N(1, 1) in log-odds, and the first by `bias` more.
    """
    one, both = [], []
    for at, better in enumerate(random.normal(1.0, 1.0, ITEMS)):
        key, readings = ItemKey(str(at), "hep-go", 2, 1, (10, 10)), []
        for order in ((0, 1), (1, 0)):
            a = float(logistic(better + bias if order[0] == 0 else -better + bias))
            readings.append(Reading(order, 0, Verdict("A" if a > 0.5 else "B", soft=Soft((("A", a), ("B", 1 - a)), 1))))
        one.append(BENCHMARK.outcome(key, [readings[random.integers(2)]]))
        both.append(BENCHMARK.outcome(key, readings, "probability"))
    return one, both


def difference_holds(first: Sequence, second: Sequence, truth: float, seed: int) -> bool:
    """Whether the interval of the paired difference, first less second, holds the truth."""
    paired = PairedRuns([first, second], BENCHMARK.layout, BENCHMARK.unit, seed=seed, resamples=1_000)
    found = paired.part(paired.whole).difference(0, 1)
    return found.low <= truth <= found.high


def test_the_gain_from_both_orders_holds_what_was_set():
    """Without its preference of 1 it knows P(N(1, 1) > 0); in one order it is right above -1 or 1: 0.1027 less."""
    phi = lambda x: (1 + math.erf(x / math.sqrt(2))) / 2  # noqa: E731
    gain = phi(1) - (phi(2) + phi(0)) / 2
    assert gain == pytest.approx(0.1027, abs=1e-4)
    held = []
    for seed in range(RUNS):
        one, both = soft_outcomes(np.random.default_rng([8, seed]), 1.0)
        held.append(difference_holds(both, one, gain, seed))
    assert holds(held)


def test_the_gain_of_a_jury_holds_what_was_set():
    """Three independent members that are right in 0.7 make 0.784, which is 0.084 more than one."""
    gain = 0.7**3 + 3 * 0.7**2 * 0.3 - 0.7
    held = []
    for seed in range(RUNS):
        wrong = np.random.default_rng([9, seed]).random((ITEMS, 3)) >= 0.7
        alone, jury = [], []
        for at, votes in enumerate(wrong.astype(int).tolist()):
            key = ItemKey(str(at), "hep-go", 2, 1, (10, 10))
            choice = majority([(vote, 1.0) for vote in votes]).choice
            for made, said in ((alone, votes[0]), (jury, choice)):
                made.append(BENCHMARK.outcome(key, [Reading((0, 1), 0, Verdict(LABELS[said]))]))
        held.append(difference_holds(jury, alone, gain, seed))
    assert holds(held)


@pytest.mark.parametrize("sharper", [1.0, 2.0])
def test_calibration_holds_what_was_set(sharper):
    """A judge right with p, uniform from 0.5 to 1, says p, or is too sure: s, with twice its log-odds.

    Brier's score is E[p (1 - s)^2 + (1 - p) s^2], the excess of confidence E[s - p], by sums over p.
    """
    p = np.linspace(0.5, 1, 200_002)[1:-1]
    s = p**sharper / (p**sharper + (1 - p) ** sharper)
    brier, overconfidence = np.mean(p * (1 - s) ** 2 + (1 - p) * s**2), np.mean(s - p)
    keys = {str(at): ItemKey(str(at), "hep-go", 2, 1, (10, 10)) for at in range(ITEMS)}
    held = []
    for seed in range(RUNS):
        random = np.random.default_rng([10, seed])
        readings = {}
        for name, true in zip(keys, random.uniform(0.5, 1, ITEMS).tolist(), strict=True):
            says = true**sharper / (true**sharper + (1 - true) ** sharper)
            shares = (("A", says), ("B", 1 - says)) if random.random() < true else (("A", 1 - says), ("B", says))
            readings[name] = [Reading((0, 1), 0, Verdict("A", soft=Soft(shares, 1.0)))]
        found = calibration(readings, keys)
        held.append(
            (
                found["brier_low"] <= brier <= found["brier_high"],
                found["overconfidence_low"] <= overconfidence <= found["overconfidence_high"],
            )
        )
    assert [holds(each) for each in zip(*held, strict=True)] == [True, True]


def calls_by_hand(n: int, right: float) -> dict[int, float]:
    """How probably a vote of n needs so many calls, by going through every way in which they can fall."""
    found: Counter[int] = Counter()
    for votes in product((0, 1), repeat=n):
        settled = next(at for at in range(1, n + 1) if abs(2 * sum(votes[:at]) - at) > n - at or at == n)
        found[settled] += math.prod(right if vote else 1 - right for vote in votes)
    return dict(found)


@pytest.mark.parametrize(("n", "right"), [(3, 0.7), (4, 0.6), (5, 0.7), (6, 0.8), (7, 0.5)])
def test_votes_stop_as_early_as_they_may(n, right):
    """The number of calls of 5,000 questions, against the law of it worked out by going through all votes."""
    protocol = Protocol("one", n, join="majority", early_stop=True)
    random, counts, questions = np.random.default_rng(n), Counter(), runs(5_000)
    for at in range(questions):
        done: dict = {}
        while calls := list(calls_needed(protocol, str(at), [(0, 1)], done)):
            for call in calls:
                said = LABELS[call.order.index(0 if random.random() < right else 1)]
                done[call] = Reading(call.order, call.sample, Verdict(said))
        counts[len(done)] += 1
    for calls, share in calls_by_hand(n, right).items():
        error = math.sqrt(share * (1 - share) / questions)
        assert counts[calls] / questions == pytest.approx(share, abs=4 * error)
    assert counts.keys() <= calls_by_hand(n, right).keys()
