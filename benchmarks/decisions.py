"""How often decisions between runs are right: the tables under "Simulated decisions" in docs/comparing.md.

    python benchmarks/decisions.py [RUNS]

Each row has so many experiments (1,000): a share of 95% has a standard error of 0.7 points, one of 50% of 1.6.
It takes about three minutes of CPU. The tables in the page are replaced.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from judgebench.items import ItemKey, Outcome
from judgebench.metrics.accuracy import Layout, official_scores, score_bounds
from judgebench.metrics.comparisons import minimal_detectable_difference
from judgebench.metrics.paired import PairedScores
from judgebench.metrics.rankings import rank_intervals
from judgebench.metrics.selection import cheapest, standings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

PAGE = Path(__file__).parents[1] / "docs" / "comparing.md"
BEGIN, END = "<!-- python benchmarks/decisions.py -->", "<!-- end -->"
RESAMPLES = 400
DISCORDANT = [(20, 0.3), (60, 0.05), (60, 0.1), (100, 0.1), (300, 0.05), (1000, 0.2)]
FAILING = [(0.02, 0.9), (0.05, 0.9), (0.1, 0.9), (0.1, 0.5)]
CASCADES = [(60, 0.72), (300, 0.72), (1000, 0.72), (300, 0.8), (1000, 0.8)]
BOARDS = [60, 300, 1000]
PICKS = [(100, 0.02), (300, 0.02), (1000, 0.02), (1000, 0.0), (3000, 0.0)]


def paired_rows(runs: int, rng: np.random.Generator) -> Iterator[Sequence[str]]:
    """McNemar's mid-p and its interval: error where runs are equal; power and coverage at the MDE."""
    for n, discordant in DISCORDANT:
        effect = minimal_detectable_difference(n, discordant=discordant)
        share = max(discordant, effect)
        equal = [compared(n, discordant, 0.0, rng) for _ in range(runs)]
        apart = [compared(n, share, effect, rng) for _ in range(runs)]
        held = np.mean([inside for _, inside in equal + apart])
        found = (np.mean([p <= 0.05 for p, _ in each]) for each in (equal, apart))
        yield str(n), f"{discordant:.0%}", f"{100 * effect:.1f}", *(f"{each:.1%}" for each in found), f"{held:.1%}"


def compared(n: int, discordant: float, difference: float, rng: np.random.Generator) -> tuple[float, bool]:
    """The p of one experiment, and whether its interval holds the true difference."""
    chances = [(discordant + difference) / 2, (discordant - difference) / 2, (1 - discordant) / 2, (1 - discordant) / 2]
    first, second, both, _ = rng.multinomial(n, chances)
    credits_ = np.zeros((2, n))
    credits_[0, : first + both] = 1
    credits_[1, first : first + both + second] = 1
    found = PairedScores(credits_, resamples=RESAMPLES).difference(0, 1)
    return found.p, found.low <= difference <= found.high


def bounds_rows(runs: int, rng: np.random.Generator) -> Iterator[Sequence[str]]:
    """The bounds of a score of 300 items, right on 80% of those it answers, with and without their interval."""
    for failing, right in FAILING:
        truth = (1 - failing) * 0.8 + failing * right
        held = np.array([_held(failing, truth, rng) for _ in range(runs)]).mean(axis=0)
        yield f"{failing:.0%}", f"{right:.0%}", *(f"{each:.1%}" for each in held)


def _held(failing: float, truth: float, rng: np.random.Generator) -> tuple[bool, bool, bool]:
    drawn = zip(rng.random(300) < failing, rng.random(300), strict=True)
    outcomes = [_outcome(at, *row) for at, row in enumerate(drawn)]
    layout = Layout(overall="items")
    scores = official_scores(outcomes, layout, resamples=2)
    bounds = score_bounds(outcomes, layout, official_scores(outcomes, layout))
    assert bounds is not None
    assert bounds.interval is not None
    assert scores.low is not None
    assert scores.high is not None
    ends = ((scores.low, scores.high), (bounds.low, bounds.high), (bounds.interval.low, bounds.interval.high))
    score, points, interval = (low <= truth <= high for low, high in ends)
    return score, points, interval


def _outcome(at: int, failed: bool, drawn: float) -> Outcome:
    key = ItemKey(str(at), "s", 2, 1, (1, 1))
    credit = float(drawn < 0.8)
    return Outcome(key, 0.5, 0.0, 1.0, 0.5) if failed else Outcome(key, credit, credit, credit)


def cascade_rows(runs: int, rng: np.random.Generator) -> Iterator[Sequence[str]]:
    """What a held half marks within 2 points: the cheap judge alone, its inconsistent items escalated, or nothing."""
    for n, right in CASCADES:
        marks = [cascade_mark(n, right, rng) for _ in range(runs)]
        yield str(n), f"{right:.0%}", *(f"{marks.count(mark) / runs:.1%}" for mark in ("cheap", "escalated", "none"))


def cascade_mark(n: int, right: float, rng: np.random.Generator) -> str:
    """The mark of one experiment: two orders an item, judges that find the same items hard; half of them are held."""
    hard = rng.normal(0, 1, n // 2)
    cheap, dear = (_both_orders(share, hard, rng) for share in (right, 0.8))
    mixed = np.where(cheap[:, 0] == cheap[:, 1], cheap.mean(axis=1), dear.mean(axis=1))
    paired = PairedScores(np.array([cheap.mean(axis=1), mixed, dear.mean(axis=1)]), resamples=RESAMPLES)
    lows = [paired.difference(at, 2).low for at in (0, 1)]
    return "none" if lows[1] <= -0.02 else "cheap" if lows[0] > -0.02 else "escalated"


def _both_orders(right: float, hard: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.bool_]:
    skill = NormalDist(0, 2**0.5).inv_cdf(right)
    verdicts: NDArray[np.bool_] = skill - hard[:, None] + rng.normal(0, 1, (len(hard), 2)) > 0
    return verdicts


def board_rows(runs: int, rng: np.random.Generator) -> Iterator[Sequence[str]]:
    """Twenty equal judges: how far the best score is above the truth, and whether its ranks are 1 to 20."""
    for n in BOARDS:
        scores = rng.binomial(n, 0.8, (runs, 20)) / n
        drawn = (rng.binomial(n, each[:, None], (20, 5 * RESAMPLES)) / n for each in scores)
        ranks = [rank_intervals(each, draws, n)[int(each.argmax())] for each, draws in zip(scores, drawn, strict=True)]
        whole = np.mean([ends == (1, 20) for ends in ranks])
        yield str(n), f"{100 * (scores.max(axis=1) - 0.8).mean():+.1f}", f"{whole:.1%}"


def pick_rows(runs: int, rng: np.random.Generator) -> Iterator[Sequence[str]]:
    """What is picked, with a margin of 2 points, of five judges of which four are cheaper and so much worse."""
    for n, worse in PICKS:
        marks = [_picked(n, worse, rng) for _ in range(runs)]
        shares = (f"{marks.count(mark) / runs:.1%}" for mark in ("cheaper", "best", "none"))
        yield str(n), f"{100 * worse:g} points", *shares


def _picked(n: int, worse: float, rng: np.random.Generator) -> str:
    hard = rng.normal(0, 1, n)
    right = np.array([_both_orders(0.8 - worse * (at > 0), hard, rng)[:, 0] for at in range(5)], dtype=np.float64)
    found = cheapest(standings(PairedScores(right, resamples=5 * RESAMPLES), 0.02), [5.0, 4.0, 3.0, 2.0, 1.0])
    return "none" if found is None else "cheaper" if found.run else "best"


TABLES = (
    (
        "Two runs, credits 0 or 1 (type I error where they are equal, power where they differ by the MDE, in points)",
        ("items", "runs differ on", "MDE", "type I error", "power at the MDE", "coverage of the 95% CI"),
        paired_rows,
    ),
    (
        "One run of 300 items, right on 80% of those that it answers (share that holds the true score)",
        ("failures", "of which truly right", "95% CI of the score", "bounds alone", "interval of the bounds"),
        bounds_rows,
    ),
    (
        "Cascades with an expensive judge of 80% and a margin of 2 points (what is marked)",
        ("items", "cheap judge right", "cheap alone", "inconsistent escalated", "none"),
        cascade_rows,
    ),
    (
        "Twenty equal judges of 80% (the best of them)",
        ("items", "best score above the truth", "its rank interval is 1 to 20"),
        board_rows,
    ),
    (
        "Five judges, the best of 80% and four cheaper ones, picked with a margin of 2 points",
        ("items", "cheaper ones are worse by", "cheaper one picked", "best picked", "cannot say"),
        pick_rows,
    ),
)


def tables(runs: int) -> str:
    """All tables, each from a seed of its own."""
    parts = []
    for number, (title, head, rows) in enumerate(TABLES):
        lines = [head, ["---:"] * len(head), *rows(runs, np.random.default_rng(number))]
        parts.append(f"{title}:\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines))
    return "\n\n".join(parts)


def main(runs: int = 1_000) -> None:
    """Writes the tables into the page."""
    made = f"{BEGIN}\n\n{tables(runs)}\n\n{END}"
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(re.sub(f"{BEGIN}.*?{END}", lambda _: made, text, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
