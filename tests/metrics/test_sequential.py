"""The anytime-valid interval: its error rates over simulated runs, and its arithmetic against a plain loop."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import ttest_1samp
from simulating import runs

from judgebench.items import ItemKey, Outcome
from judgebench.metrics.accuracy import Layout
from judgebench.metrics.sequential import LOOKS, Look, last_look, log_wealth, look, lower_bound

RUNS, ITEMS, ALPHA = 1000, 1000, 0.05
DISAGREEMENTS = [(0.1, 0.1), (0.02, 0.02), (0.5, 0.5), (0.15, 0.05), (0.5, 0.2)]
"""How often only the first judge is right, and how often only the second."""


def differences(first: float, second: float, seed: int) -> np.ndarray:
    """Differences of credit of 1,000 runs over 1,000 items each."""
    rng = np.random.default_rng(seed)
    return rng.choice([1.0, -1.0, 0.0], (RUNS, ITEMS), p=[first, second, 1 - first - second])


def ever_excluded(run: np.ndarray, mean: float) -> bool:
    """Whether the interval leaves the mean outside after any item at all."""
    goal = math.log(2 / ALPHA)
    above = log_wealth(run, mean, alpha=ALPHA, planned=ITEMS)
    below = log_wealth(-run, -mean, alpha=ALPHA, planned=ITEMS)
    return bool((above >= goal).any() or (below >= goal).any())


@pytest.mark.simulation
@pytest.mark.parametrize(("first", "second"), DISAGREEMENTS)
def test_the_true_difference_is_ever_left_outside_in_at_most_alpha_of_runs(first: float, second: float) -> None:
    """After whichever item one looks; where the two judges are equally good that is the rate of false alarms."""
    tried = differences(first, second, 1)[: runs(5 * RUNS)]
    wrong = sum(ever_excluded(run, first - second) for run in tried)

    assert wrong <= ALPHA * len(tried)


def test_graded_credits_keep_the_error_rate_too() -> None:
    """Differences anywhere from -1 to 1: three samples an item, of two judges that are right in 80%."""
    rng = np.random.default_rng(2)
    credits_ = rng.binomial(3, 0.8, (2, RUNS, ITEMS)) / 3

    wrong = sum(ever_excluded(run, 0.0) for run in credits_[0] - credits_[1])

    assert wrong <= ALPHA * RUNS


def test_the_interval_uses_what_it_may() -> None:
    """It is no empty promise: some runs do leave the truth outside, and most ends are within 4.3 points of the mean.

    The usual interval for a number of items that is fixed beforehand has 1.96 sqrt(0.2 / 1000) = 2.8 points there.
    """
    runs = differences(0.1, 0.1, 3)
    looks = [look(run, alpha=ALPHA, planned=ITEMS) for run in runs[:100]]

    assert sum(ever_excluded(run, 0.0) for run in runs) >= 5
    assert np.median([each.high - each.low for each in looks]) / 2 < 0.043


def test_a_test_that_is_repeated_without_care_fails_the_same_check() -> None:
    """A paired t-test at 5% after every 32 items raises a false alarm in far more than 5% of runs."""
    runs = differences(0.1, 0.1, 1)
    alarms = np.zeros(RUNS, dtype=bool)
    for items in range(32, ITEMS + 1, 32):
        alarms |= ttest_1samp(runs[:, :items], 0.0, axis=1).pvalue < ALPHA

    assert alarms.mean() > 0.2


def test_a_difference_of_the_size_that_matters_is_seldom_called_too_small() -> None:
    """The interval lies all below it, after any item at all, in at most alpha of runs."""
    goal = math.log(2 / ALPHA)
    wrong = sum(
        (log_wealth(-run, -0.05, alpha=ALPHA, planned=ITEMS) >= goal).any() for run in differences(0.1, 0.05, 4)
    )

    assert wrong <= ALPHA * RUNS


def test_power() -> None:
    """A difference of 10 points is shown within 1,000 items nearly always, and one of none is called less than 10."""
    better, same = differences(0.15, 0.05, 5), differences(0.1, 0.1, 6)

    assert sum(look(run, alpha=ALPHA, planned=ITEMS).decision(0.1) == "shown" for run in better[:200]) >= 190
    assert sum(look(run, alpha=ALPHA, planned=ITEMS).decision(0.1) == "too_small" for run in same[:200]) >= 190


def test_the_wealth_is_that_of_a_plain_loop() -> None:
    """Bet by bet, as the paper has it."""
    rng = np.random.default_rng(7)
    values, mean, alpha = rng.uniform(-1, 1, 60), 0.2, 0.1
    x, m = [(value + 1) / 2 for value in values], (mean + 1) / 2
    halves, said = [0.5, 0.5], []
    for t in range(1, 61):
        means = [(0.5 + sum(x[: i + 1])) / (i + 2) for i in range(t - 1)]
        variance = (0.25 + sum((x[i] - means[i]) ** 2 for i in range(t - 1))) / t
        for half, horizon in enumerate((t * math.log(t + 1), 80)):
            bet = min(math.sqrt(2 * math.log(2 / alpha) / (variance * horizon)), 0.5 / m)
            halves[half] *= 1 + bet * (x[t - 1] - m)
        said.append(math.log(sum(halves)))

    assert log_wealth(values, mean, alpha=alpha, planned=80) == pytest.approx(said)


def test_the_bound_is_where_the_wealth_reaches_its_goal() -> None:
    """Against a slightly smaller mean more than 2 / alpha is made, against a larger one less."""
    values = np.random.default_rng(8).choice([1.0, 0.0], 200, p=[0.3, 0.7])
    bound = lower_bound(values, alpha=ALPHA, planned=ITEMS)

    wealth = [float(log_wealth(values, bound + step, alpha=ALPHA, planned=ITEMS)[-1]) for step in (-1e-6, 1e-6)]
    assert wealth[0] > math.log(2 / ALPHA) > wealth[1]


def test_the_interval_turns_with_the_sign() -> None:
    """Which of two judges is named first makes no difference."""
    values = np.random.default_rng(9).choice([1.0, -1.0, 0.0], 300, p=[0.3, 0.1, 0.6])
    one, other = look(values, alpha=ALPHA, planned=ITEMS), look(-values, alpha=ALPHA, planned=ITEMS)

    assert (one.low, one.high, one.difference) == pytest.approx((-other.high, -other.low, -other.difference))


def test_nothing_known_is_the_whole_range() -> None:
    """No items, or items without a single difference."""
    assert look([], alpha=ALPHA, planned=ITEMS) == Look(0, 0.0, -1.0, 1.0)
    assert look([math.nan] * 50, alpha=ALPHA, planned=ITEMS) == Look(
        50, 0.0, pytest.approx(-1.0), pytest.approx(1.0), 50
    )


def test_a_difference_that_is_not_known_may_be_anything() -> None:
    """The ends are those of sequences with -1, and with 1, in its place."""
    values = np.random.default_rng(10).choice([1.0, 0.0], 100, p=[0.5, 0.5])
    values[[3, 40, 77]] = math.nan
    found = look(values, alpha=ALPHA, planned=ITEMS)

    assert (found.items, found.missing) == (100, 3)
    assert found.difference == pytest.approx(np.nanmean(values))
    assert found.low == look(np.nan_to_num(values, nan=-1.0), alpha=ALPHA, planned=ITEMS).low
    assert found.high == look(np.nan_to_num(values, nan=1.0), alpha=ALPHA, planned=ITEMS).high


SECTIONS = Layout(sections=("few", "many"), section_of=lambda item: item.subset)


def outcomes(credits_: np.ndarray) -> list[Outcome]:
    """Of one run: 20 items of a section and 60 of another that weighs as much; the latter in groups of two."""
    keys = [ItemKey(f"{at}", "few", 2, 1, (1, 1)) for at in range(20)]
    keys += [ItemKey(f"{at}", "many", 2, 1, (1, 1), group=f"group {at // 2}") for at in range(20, 80)]
    return [Outcome(key, *3 * [None if math.isnan(c) else c]) for key, c in zip(keys, credits_.tolist(), strict=True)]


def last(first: np.ndarray, second: np.ndarray, alpha: float) -> Look:
    return last_look(outcomes(first), outcomes(second), SECTIONS, lambda key: key.unit, alpha=alpha)


@pytest.mark.simulation
def test_the_last_look_errs_in_its_part_of_alpha() -> None:
    """Equal judges of 80%, all of whose errors in a group of two are alike: a false alarm in a fifth of alpha."""
    rng, count = np.random.default_rng(11), runs(1000)
    right = rng.random((count, 2, 80)) < 0.8
    right[:, :, 21::2] = right[:, :, 20::2]
    level = (1 - LOOKS) * 0.25

    wrong = sum(last(*run.astype(float), alpha=level).decision(0.001) == "shown" for run in right)

    assert wrong <= level * count + 2 * math.sqrt(level * count)


def test_the_last_look_allows_for_what_is_not_known() -> None:
    """Two of 20 items of a section of half the weight: the ends are those with -1, and with 1, in their place."""
    rng = np.random.default_rng(12)
    first, second = rng.integers(0, 2, (2, 80)).astype(float)
    worst, best, gaps = first.copy(), first.copy(), [3, 7]
    other = second.copy()
    first[3] = second[7] = math.nan
    worst[gaps], best[gaps] = 0.0, 1.0
    found = last(first, second, ALPHA)

    assert (found.items, found.missing) == (80, 2)
    other[gaps] = 1.0
    assert found.low == last(worst, other, ALPHA).low
    other[gaps] = 0.0
    assert found.high == last(best, other, ALPHA).high


@pytest.mark.parametrize(
    ("low", "high", "decision"),
    [
        (0.001, 0.2, "shown"),
        (-0.2, -0.001, "shown"),
        (0.01, 0.04, "shown"),
        (-0.049, 0.049, "too_small"),
        (-0.05, 0.04, "open"),
        (0.0, 0.2, "open"),
    ],
)
def test_what_an_interval_settles(low: float, high: float, decision: str) -> None:
    """A difference is shown where 0 is outside, and too small where all of it is less than the size that matters."""
    assert Look(100, (low + high) / 2, low, high).decision(0.05) == decision
