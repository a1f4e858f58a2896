"""When `--sequential` stops, and how often it is wrong: the table in docs/sequential.md.

    python benchmarks/stopping.py

Each row: 1,000 simulated comparisons of two judges over 1,000 items, looked at as a run does. It takes 15 minutes.
"""

from __future__ import annotations

import numpy as np

from judgebench.items import ItemKey, Outcome
from judgebench.metrics.accuracy import Layout
from judgebench.metrics.sequential import LOOKS, last_look, look
from judgebench.protocols.sequential import blocks

RUNS, ITEMS, ALPHA, SIZE = 1000, 1000, 0.05, 0.05
CASES = [
    (0.10, 0.10),
    (0.03, 0.03),
    (0.115, 0.085),
    (0.125, 0.075),
    (0.15, 0.05),
    (0.25, 0.05),
    (0.3, 0.3),
    (0.35, 0.25),
]


def stopped(differences: np.ndarray) -> tuple[str, int]:
    """The decision, after how many items."""
    at = 0
    for block in blocks(range(len(differences))):
        at += len(block)
        found = look(differences[:at], alpha=LOOKS * ALPHA, planned=ITEMS)
        if found.decision(SIZE) != "open":
            return found.decision(SIZE), at
    first, second = outcomes(differences > 0), outcomes(differences < 0)
    last = last_look(first, second, Layout(overall="items"), lambda key: key.unit, alpha=(1 - LOOKS) * ALPHA)
    return last.decision(SIZE), at


def outcomes(right: np.ndarray) -> list[Outcome]:
    """Of one judge."""
    return [Outcome(ItemKey(str(at), "all", 2, 1, (1, 1)), *3 * [float(each)]) for at, each in enumerate(right)]


def main() -> None:
    """Prints the table."""
    print("| only one right, only the other | difference | shown | below 5 points | neither | half stop by, 90% by |")
    print("|---|---:|---:|---:|---:|---:|")
    rng = np.random.default_rng(0)
    for first, second in CASES:
        ends = [
            stopped(rng.choice([1.0, -1.0, 0.0], ITEMS, p=[first, second, 1 - first - second])) for _ in range(RUNS)
        ]
        shares = [sum(decision == name for decision, _ in ends) / RUNS for name in ("shown", "too_small", "open")]
        half, most = np.percentile([items for _, items in ends], [50, 90])
        said = " | ".join(f"{share:.1%}" for share in shares)
        print(f"| {first:.1%}, {second:.1%} | {100 * (first - second):.0f} | {said} | {half:.0f}, {most:.0f} |")


if __name__ == "__main__":
    main()
