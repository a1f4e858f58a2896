"""How often judges without a bias are flagged, and what of a planted bias is found: the table in docs/metrics.md.

    python benchmarks/biases.py [RUNS]

Each row: RUNS (400) simulated runs of one judge, reported as `judgebench report` does. Flagged shares near 5% have a
standard error of 1 point. It takes two and a half minutes of CPU.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Literal

import numpy as np

from judgebench.items import LABELS, ItemKey, Outcome, Reading, Verdict
from judgebench.metrics.behaviour import behaviours

SPREAD, CHARACTERS = 0.5, 3_000
LEVEL = 0.05


@dataclass(frozen=True)
class Judge:
    """One whose biases are known, over items of two subsets.

    Attributes:
        accuracy: In each subset, where nothing else has a say.
        longer: By how much log length the correct answer is longer in each subset, in the mean.
        own: How often the judge's family wrote the correct answer in each subset; else it wrote a wrong one.
        length: The log-odds that a typical difference in length adds; `preference`: what its own family adds.
        own_longer: By how much log length its family's answers are longer.
        fades: By how much accuracy's log-odds fall with the size of the difference in length.
        tempting: The share of its errors that falls on its family's wrong answer, however right it is; None: by chance.
        form: What it is asked for: both orders of pairs, the best of four, or ratings of four.
    """

    name: str
    items: int
    accuracy: tuple[float, float] = (0.8, 0.8)
    longer: tuple[float, float] = (0.0, 0.0)
    own: tuple[float, float] = (0.5, 0.5)
    length: float = 0.0
    preference: float = 0.0
    own_longer: float = 0.0
    fades: float = 0.0
    tempting: float | None = None
    form: Literal["pairs", "four", "ratings"] = "pairs"


JUDGES = (
    Judge("no bias; easy items have longer correct answers", 60, (0.95, 0.65), (0.5, -0.5)),
    Judge("no bias; easy items have longer correct answers", 300, (0.95, 0.65), (0.5, -0.5)),
    Judge("no bias; the same, milder", 300, (0.9, 0.75), (0.3, -0.3)),
    Judge("no bias; accuracy falls with the difference in length", 300, (0.93, 0.93), (0.5, 0.5), fades=1.5),
    Judge("no bias; its family wrote 80% and 30% of the correct answers", 100, (0.95, 0.65), own=(0.8, 0.3)),
    Judge("no bias; its family wrote 90% and 10%", 400, (0.95, 0.65), own=(0.9, 0.1)),
    Judge(
        "no bias; best of four, its family's wrong answers are tempting",
        300,
        (0.85, 0.6),
        (0.4, -0.4),
        (0.3, 0.3),
        tempting=0.6,
        form="four",
    ),
    Judge("no bias; ratings of four answers", 300, (0.85, 0.6), (0.4, -0.4), (0.3, 0.3), form="ratings"),
    Judge("length 0.6", 200, length=0.6),
    Judge("length 0.6; easy items have longer correct answers", 400, (0.95, 0.65), (0.5, -0.5), length=0.6),
    Judge("length 0.6; its family's answers are longer", 200, length=0.6, own_longer=0.5),
    Judge("length 0.6; best of four", 300, (0.85, 0.6), (0.4, -0.4), length=0.6, form="four"),
    Judge("length 0.6; ratings of four answers", 300, (0.85, 0.6), (0.4, -0.4), length=0.6, form="ratings"),
    Judge("preference 0.5", 200, preference=0.5),
    Judge("preference 0.5; its family wrote 10% of the correct answers", 400, own=(0.1, 0.1), preference=0.5),
    Judge("preference 0.5; best of four", 600, (0.85, 0.6), own=(0.3, 0.3), preference=0.5, form="four"),
)


class Simulated:
    """One run of a judge: its items, who wrote what, and its verdicts or ratings."""

    def __init__(self, judge: Judge, rng: np.random.Generator) -> None:
        self.judge, self.rng = judge, rng
        self.k = 2 if judge.form == "pairs" else 4
        self.keys: dict[str, ItemKey] = {}
        self.own: dict[str, list[bool]] = {}
        self.readings: dict[str, list[Reading]] = {}
        self.outcomes: list[Outcome] = []
        drawn = [self._lengths(at % 2) for at in range(judge.items)]
        logs = np.array([lengths for lengths, _ in drawn])
        apart = logs[:, :, None] - logs[:, None, :]  # of one by one for ratings, else of one and the mean of the others
        apart = apart[:, ~np.eye(self.k, dtype=bool)] if judge.form == "ratings" else apart.sum(axis=2) / (self.k - 1)
        typical = math.sqrt(float(np.mean(apart**2)))
        for at, (lengths, own) in enumerate(drawn):
            key = ItemKey(str(at), f"subset {at % 2}", self.k, 1, tuple(np.rint(np.exp(lengths)).astype(int).tolist()))
            self.keys[key.id], self.own[key.id] = key, own.tolist()
            self._ask(key, lengths, own, typical)

    def _lengths(self, subset: int) -> tuple[np.ndarray, np.ndarray]:
        """Log lengths of an item's answers, and which are by the judge's family."""
        judge, rng = self.judge, self.rng
        own = np.zeros(self.k, dtype=bool)
        own[0 if rng.random() < judge.own[subset] else 1] = True
        lengths = math.log(CHARACTERS) + rng.normal(0, SPREAD / math.sqrt(2), self.k)
        lengths[0] += judge.longer[subset]
        return lengths + judge.own_longer * own, own

    def _ask(self, key: ItemKey, lengths: np.ndarray, own: np.ndarray, typical: float) -> None:
        judge, rng = self.judge, self.rng
        accuracy = judge.accuracy[int(key.subset[-1])]
        utility = judge.length * lengths / typical + judge.preference * own
        utility[0] += math.log((self.k - 1) * accuracy / (1 - accuracy))
        utility[0] -= judge.fades * abs(lengths[0] - lengths[1:].mean())
        if judge.form == "ratings":
            scores = tuple((utility + rng.gumbel(size=self.k)).tolist())
            self.outcomes.append(Outcome(key, 1.0, 1.0, 1.0, scores=(scores,)))
            return
        for order in ((0, 1), (1, 0)) if self.k == 2 else (tuple(rng.permutation(self.k).tolist()),):
            choice = self._choice(utility, own, accuracy)
            self.readings.setdefault(key.id, []).append(Reading(order, 0, Verdict(LABELS[order.index(choice)])))

    def _choice(self, utility: np.ndarray, own: np.ndarray, accuracy: float) -> int:
        tempting = self.judge.tempting
        if tempting is None:
            return int(np.argmax(utility + self.rng.gumbel(size=self.k)))
        if self.rng.random() < accuracy:
            return 0
        if own[1] and self.rng.random() < tempting:
            return 1
        return int(self.rng.integers(2 if own[1] else 1, self.k))


def simulate(judge: Judge, runs: int, seed: int = 0) -> dict[str, tuple[float, float]]:
    """The mean estimate and the share of runs with p of 0.05 or less, of length and of self-preference."""
    found: dict[str, list[tuple[float, bool]]] = {"length": [], "self-preference": []}
    for run in range(runs):
        made = Simulated(judge, np.random.default_rng([seed, run]))
        for each in behaviours(made.readings, made.keys, made.own, made.outcomes):
            name, estimate = each.name.split(" ")[0], each.estimate
            if name in found and estimate.p is not None:
                found[name].append((estimate.estimate, estimate.p <= LEVEL))
    return {name: tuple(np.mean(each, axis=0).tolist()) for name, each in found.items()}


def main() -> None:
    """Prints the table."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    print("| judge | items | length | flagged | self-preference | flagged |")
    print("|---|---:|---:|---:|---:|---:|")
    for judge in JUDGES:
        cells = [f"{mean:+.2f} | {flagged:.0%}" for mean, flagged in simulate(judge, runs).values()]
        print(f"| {judge.name} | {judge.items} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
