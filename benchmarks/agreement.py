"""How often the intervals of agreement hold, and calibrated judges pass for such: two tables in docs/metrics.md.

    python benchmarks/agreement.py [RUNS]

Each row: RUNS (400) simulated pairs of judges, or judges. It takes six minutes.
"""

from __future__ import annotations

import sys

import numpy as np

from judgebench.metrics.agreement import cohen_kappa, gwet_ac1, percent_agreement
from judgebench.metrics.calibration import ece, ece_if_calibrated

SIZES = (20, 60, 300)
QUESTIONS = (60, 200, 1000)
BINS = 10


def two_by_two(common: float, kappa: float) -> np.ndarray:
    """The chances of what two judges choose, each the common one with the same chance."""
    extra = kappa * common * (1 - common)
    apart = common * (1 - common) - extra
    return np.array([[common**2 + extra, apart], [apart, (1 - common) ** 2 + extra]])


def with_ties(table: np.ndarray, share: float) -> np.ndarray:
    """The same, where a share of the items has a tie by one judge or by both."""
    found = np.zeros((3, 3))
    found[:2, :2] = table * (1 - share)
    found[2] = found[:, 2] = share * 0.15
    found[2, 2] = share * 0.4
    return found


PAIRS = {
    "half, kappa .4": (two_by_two(0.5, 0.4), 1),
    "90%, kappa 0 (independent errors)": (two_by_two(0.9, 0.0), 1),
    "90%, kappa .6": (two_by_two(0.9, 0.6), 1),
    "97%, kappa .33": (two_by_two(0.97, 0.33), 1),
    "80%, kappa .5, ties in 4%": (with_ties(two_by_two(0.8, 0.5), 0.04), 1),
    "half, kappa .4, each item twice": (two_by_two(0.5, 0.4), 2),
}


def coefficients(table: np.ndarray) -> tuple[float, float, float]:
    """Agreement, kappa and AC1 of the chances."""
    same, first, second = float(np.trace(table)), table.sum(axis=1), table.sum(axis=0)
    shares = (first + second) / 2
    by_chance = float(first @ second), float(shares @ (1 - shares)) / (len(table) - 1)
    return same, *((same - chance) / (1 - chance) for chance in by_chance)


def held(table: np.ndarray, times: int, n: int, runs: int, rng: np.random.Generator) -> list[float]:
    """The share of intervals that hold the true coefficient, of those that have a value."""
    shown: list[list[bool]] = [[], [], []]
    for _ in range(runs):
        drawn = rng.multinomial(n, table.ravel())
        rows = np.argwhere(np.ones_like(table)).repeat(drawn, axis=0).repeat(times, axis=0)
        items = np.arange(n).repeat(times)
        found = (
            percent_agreement(rows, clusters=items),
            cohen_kappa(rows, clusters=items),
            gwet_ac1(rows, categories=len(table), clusters=items),
        )
        for each, truth, own in zip(found, coefficients(table), shown, strict=True):
            if not np.isnan(each.value):
                own.append(each.low <= truth <= each.high)
    return [float(np.mean(own)) for own in shown]


JUDGES = {
    "calibrated, p from .5 to 1": (lambda rng, n: rng.uniform(0.5, 1, n), None),
    "calibrated, p about .95": (lambda rng, n: np.maximum(rng.beta(18, 1, n), 0.5), None),
    "calibrated, p = .99": (lambda _, n: np.full(n, 0.99), None),
    "right 80%, p about .95": (lambda rng, n: np.maximum(rng.beta(18, 1, n), 0.5), 0.8),
}


def errors(judge: str, n: int, runs: int, rng: np.random.Generator) -> tuple[float, float, float]:
    """The mean calibration error, the mean of what 5% of calibrated judges exceed, and the share above it."""
    draw, accuracy = JUDGES[judge]
    found = []
    for _ in range(runs):
        p = draw(rng, n)
        right = rng.random(n) < (p if accuracy is None else accuracy)
        found.append((ece(p, right, bins=BINS).value, ece_if_calibrated(p, bins=BINS)))
    own, reference = np.array(found).T
    return float(own.mean()), float(reference.mean()), float((own > reference + 1e-12).mean())


def main(runs: int = 400) -> None:
    """Prints the tables."""
    rng = np.random.default_rng(0)
    print("| commonest choice | items | agreement | kappa | AC1 |")
    print("|---|---:|---:|---:|---:|")
    for name, (table, times) in PAIRS.items():
        for n in SIZES:
            said = " | ".join(f"{100 * share:.0f}%" for share in held(table, times, n, runs, rng))
            print(f"| {name} | {n} | {said} |", flush=True)
    print("\n| judge | questions | mean ECE | mean `ece_calibrated` | above it |")
    print("|---|---:|---:|---:|---:|")
    for judge in JUDGES:
        for n in QUESTIONS:
            own, reference, above = errors(judge, n, runs, rng)
            print(f"| {judge} | {n} | {own:.3f} | {reference:.3f} | {100 * above:.0f}% |", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
