"""How often 95% intervals hold the truth, by simulation; the table stands in docs/metrics.md.

python benchmarks/coverage.py           simulates all (minutes), keeps the shares in coverage.json and writes the table
python benchmarks/coverage.py --table   writes the table from the shares that are kept
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.rewardbench import SECTIONS
from judgebench.benchmarks.sampling import sampling_order, take
from judgebench.items import ItemKey, Outcome
from judgebench.metrics.accuracy import official_scores, score_bounds
from judgebench.metrics.calibration import pearson
from judgebench.metrics.intervals import MeanStratum
from judgebench.metrics.sureness import calibration_intervals

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Interval = tuple[float | None, float | None]
    Draw = Callable[[np.random.Generator, int], tuple[float, Interval]]

KEPT = Path(__file__).with_name("coverage.json")
DOCS = Path(__file__).parents[1] / "docs" / "metrics.md"
BEGIN, END = "<!-- coverage.py: begin -->\n", "<!-- coverage.py: end -->\n"
SIZES = (20, 60, 300, 3000)
RUNS = 300
RESAMPLES = 2_000
CUSTOM, REWARDBENCH, JUDGEBENCH = (get_benchmark(name) for name in ("custom", "rewardbench", "judgebench-gpt"))


@dataclass(frozen=True)
class Scenario:
    """One row of the table.

    Attributes:
        name: What is simulated.
        draw: The true value and the interval of one simulated run of n items.
        sizes: The n that make sense.
    """

    name: str
    draw: Draw
    sizes: Sequence[int] = SIZES


def outcomes_of(keys: Sequence[ItemKey], credits_: Floats) -> list[Outcome]:
    """Items with these credits and without a failure."""
    return [Outcome(key, *[float(credit)] * 3) for key, credit in zip(keys, credits_, strict=True)]


def pair_keys(subsets: Sequence[str], groups: Sequence[str | None] | None = None) -> list[ItemKey]:
    """Pairs of these subsets and groups."""
    groups = [None] * len(subsets) if groups is None else groups
    return [ItemKey(str(n), s, 2, 1, (1, 1), group=g) for n, (s, g) in enumerate(zip(subsets, groups, strict=True))]


def independent(p: float, rng: np.random.Generator, n: int) -> tuple[float, Interval]:
    """Items that are right with chance p, as one subset."""
    found = MeanStratum((rng.random(n) < p).astype(np.float64)).interval()
    return p, (found.low, found.high)


def clustered(p: float, size: int, rng: np.random.Generator, n: int) -> tuple[float, Interval]:
    """Groups of one size, whose chances are spread by a beta distribution of mean p and intra-class correlation .5."""
    count = n // size
    chances = np.repeat(rng.beta(p, 1 - p, count), size)
    credits_ = (rng.random(len(chances)) < chances).astype(np.float64)
    found = MeanStratum(credits_, grouped=(credits_, [str(at // size) for at in range(len(chances))])).interval()
    return p, (found.low, found.high)


def weighted(spread: float, rng: np.random.Generator, n: int) -> tuple[float, Interval]:
    """RewardBench's subsets and weights, of unlike difficulty; HumanEvalPack's problems have an effect of their own."""
    weights = {name: weight for section in SECTIONS.values() for name, weight in section.items()}
    counts = {name: max(1, round(n * min(weight, 447) / 2985)) for name, weight in weights.items()}
    easiness = dict(zip(counts, np.linspace(0.5, 2.5, len(counts)), strict=True))
    effects = spread * rng.standard_normal(447)
    keys: list[ItemKey] = []
    chances: list[float] = []
    for name, count in counts.items():
        shared = name.startswith("hep-")
        groups = [f"hep-{at}" if shared else None for at in range(count)]
        keys += [ItemKey(f"{name}-{at}", name, 2, 1, (1, 1), group=group) for at, group in enumerate(groups)]
        own = effects[:count] if shared else spread * rng.standard_normal(count)
        chances += (1 / (1 + np.exp(-easiness[name] - own))).tolist()
    found = official_scores(
        outcomes_of(keys, rng.random(len(keys)) < np.array(chances)), REWARDBENCH.layout, resamples=RESAMPLES
    )
    return _rewardbench_truth(easiness, spread), (found.low, found.high)


def _rewardbench_truth(easiness: dict[str, float], spread: float) -> float:
    """The score by Gauss-Hermite sums over the items' effects."""
    nodes, shares = np.polynomial.hermite_e.hermegauss(40)
    mean = {
        name: float(shares @ (1 / (1 + np.exp(-e - spread * nodes))) / shares.sum()) for name, e in easiness.items()
    }
    sections = [
        sum(weight * mean[name] for name, weight in subsets.items()) / sum(subsets.values())
        for subsets in SECTIONS.values()
    ]
    return sum(sections) / len(sections)


def failing(rng: np.random.Generator, n: int, *, bounds: bool) -> tuple[float, Interval]:
    """Right with .9; one verdict in ten fails, and more often where the judge would be wrong (one in five of these)."""
    right = rng.random(n) < 0.9
    failed = rng.random(n) < np.where(right, 0.08 / 0.9, 0.2)
    outcomes = [
        Outcome(key, 0.5, 0.0, 1.0, substituted=0.5) if fails else Outcome(key, *[float(is_right)] * 3)
        for key, is_right, fails in zip(pair_keys(["all"] * n), right, failed, strict=True)
    ]
    scores = official_scores(outcomes, CUSTOM.layout)
    if bounds:
        found = score_bounds(outcomes, CUSTOM.layout, scores)
        assert found is not None
        assert found.interval is not None
        return 0.9, (found.interval.low, found.interval.high)
    return 0.82 + 0.1 * 0.5, (scores.low, scores.high)


_JUDGEBENCH = {**{f"mmlu-pro-{n}": 110 for n in range(14)}, "livebench-math": 980, "livecodebench": 980}


def limited(rng: np.random.Generator, n: int) -> tuple[float, Interval]:
    """`--limit n` of ten times JudgeBench's pairs, right in 50 to 80% by subset; the truth is the full score."""
    keys, right = _judgebench()
    chosen = take(sampling_order(JUDGEBENCH, keys, int(rng.integers(2**31))), n)
    at = sorted(map(int, chosen))
    found = official_scores(outcomes_of([keys[n] for n in at], right[at]), JUDGEBENCH.layout, resamples=RESAMPLES)
    return float(right.mean()), (found.low, found.high)


@cache
def _judgebench() -> tuple[list[ItemKey], Floats]:
    chances = np.repeat(np.linspace(0.5, 0.8, len(_JUDGEBENCH)), list(_JUDGEBENCH.values()))
    right = np.random.default_rng(0).random(len(chances)) < chances
    return pair_keys([name for name, count in _JUDGEBENCH.items() for _ in range(count)]), right.astype(np.float64)


def graded(tail: float, rng: np.random.Generator, n: int) -> tuple[float, Interval]:
    """Grades from 1 to 5, and ratings a rounded normal of sd .5 around them, but for a share at random: Pearson's r."""
    rating, grade = _grades(tail, rng, n)
    found = pearson(rating, grade)
    assert found is not None
    return _true_r(tail), (found.low, found.high)


def _grades(tail: float, rng: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    grade = rng.integers(1, 6, n).astype(float)
    near = np.clip(np.round(grade + rng.normal(0, 0.5, n)), 1, 5)
    return np.where(rng.random(n) < tail, rng.integers(1, 6, n), near), grade


@cache
def _true_r(tail: float) -> float:
    return float(np.corrcoef(*_grades(tail, np.random.default_rng(0), 2_000_000))[0, 1])


def sure(right_as_said: bool, figure: str, rng: np.random.Generator, n: int) -> tuple[float, Interval]:
    """A judge that says about .95 (beta 18, 1), and is right as often, or in .8: overconfidence, or Brier's score."""
    said = np.maximum(rng.beta(18, 1, n), 0.5)
    chance = said if right_as_said else np.full(n, 0.8)
    right = (rng.random(n) < chance).astype(float)
    found = calibration_intervals(said, right, [str(at) for at in range(n)])
    return _sure_truth(right_as_said, figure), (found[f"{figure}_low"], found[f"{figure}_high"])


@cache
def _sure_truth(right_as_said: bool, figure: str) -> float:
    said = np.maximum(np.random.default_rng(0).beta(18, 1, 2_000_000), 0.5)
    chance = said if right_as_said else np.full(len(said), 0.8)
    values = said - chance if figure == "overconfidence" else chance * (1 - said) ** 2 + (1 - chance) * said**2
    return float(values.mean())


SCENARIOS = (
    *(Scenario(f"score: items right with {p}", partial(independent, p)) for p in (0.5, 0.9, 0.98)),
    *(
        Scenario(f"score: groups of {size}, ICC .5, right with {p}", partial(clustered, p, size), sizes)
        for size, p, sizes in ((3, 0.8, SIZES), (3, 0.98, SIZES), (10, 0.8, SIZES[1:]))
    ),
    *(
        Scenario(f"score: RewardBench's weights, item effects of sd {spread:g}", partial(weighted, spread), SIZES[1:])
        for spread in (1.0, 2.0)
    ),
    Scenario("score: one verdict in ten fails", partial(failing, bounds=False)),
    Scenario("bounds: the same, of what the failures would have been", partial(failing, bounds=True)),
    Scenario("`--limit`: the full score of 3,500 items", limited, SIZES[:3]),
    *(Scenario(f"Pearson's r: {tail:.0%} of ratings at random", partial(graded, tail)) for tail in (0.0, 0.05, 0.1)),
    *(
        Scenario(f"{name}: says .95, is right in {right}", partial(sure, as_said, figure))
        for figure, name in (("overconfidence", "overconfidence"), ("brier", "Brier score"))
        for as_said, right in ((True, ".95"), (False, ".8"))
    ),
)


def simulate(scenario: Scenario, n: int, runs: int = RUNS) -> float:
    """The share of simulated runs whose interval holds the true value."""
    held = 0
    for seed in range(runs):
        truth, (low, high) = scenario.draw(np.random.default_rng([n, seed]), n)
        assert low is not None
        assert high is not None
        held += low - 1e-9 <= truth <= high + 1e-9
    return held / runs


def table_of(kept: dict[str, dict[str, float]]) -> str:
    """The shares as a Markdown table, in percent."""
    head = ["figure and scenario", *(f"n = {n:,}" for n in SIZES)]
    lines = [head, ["---"] * len(head)]
    for name, shares in kept.items():
        lines.append([name, *(f"{100 * shares[str(n)]:.1f}" if str(n) in shares else "" for n in SIZES)])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def write_table(kept: dict[str, dict[str, float]]) -> None:
    """Puts the table into the page, between its marks."""
    text = DOCS.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    DOCS.write_text(f"{before}{BEGIN}{table_of(kept)}{END}{after}", encoding="utf-8")


def main() -> None:
    """Simulates, keeps and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", action="store_true", help="Write the table from coverage.json; simulate nothing.")
    if not parser.parse_args().table:
        kept: dict[str, dict[str, float]] = {}
        for scenario in SCENARIOS:
            kept[scenario.name] = {str(n): simulate(scenario, n) for n in scenario.sizes}
            print(scenario.name, kept[scenario.name], flush=True)
        KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    write_table(json.loads(KEPT.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
