"""RewardBench 2's rule for Ties (arXiv 2506.01937, appendix on the Ties domain).

Prompts come in pairs of one kind: `ref:N` has one correct answer, `tied:N` several. A good judge puts every correct
answer above every incorrect one, and does so by more than it tells the correct ones apart.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from judgebench.items import Measure, Outcome
    from judgebench.metrics.intervals import Floats, View

UNREADABLE_RATING = -1.0
"""What an unreadable rating counts as, below every real one."""

WEIGHTS = np.array([0.30, 0.30, 0.20, 0.20, 0.01])
"""Of: tied prompt accurate, ref prompt accurate, margin_tied > spread, min margin > spread, tanh term."""

ID = re.compile(r"(ref|tied):(0|[1-9][0-9]*)")
"""How the ids of Ties items look."""


@dataclass(frozen=True, slots=True)
class TiesItem:
    """One prompt: its margin (lowest correct less highest incorrect) and the spread of its correct scores."""

    margin: float
    spread: float

    @property
    def accurate(self) -> bool:
        """Whether every correct completion stands above every incorrect one."""
        return self.margin > 0


def ties_item(scores: Sequence[float | None], num_correct: int) -> TiesItem:
    """Margin and spread of one prompt.

    Args:
        scores: One a completion, correct ones first; None (unreadable) counts as -1.
        num_correct: How many are correct.
    """
    values = [UNREADABLE_RATING if score is None else score for score in scores]
    correct, incorrect = values[:num_correct], values[num_correct:]
    return TiesItem(margin=min(correct) - max(incorrect), spread=max(correct) - min(correct))


def ties_credit(scores: Sequence[float | None], num_correct: int) -> float:
    """1 if every correct completion stands above every incorrect one, else 0."""
    return float(ties_item(scores, num_correct).accurate)


class TiesStratum:
    """The Ties domain: pairs of prompts, resampled as pairs.

    Attributes:
        value: The official score; a part for which there is no prompt at all counts 0, as in the official script.
        n: How many prompts there are.
        effective_n: How many pairs (and prompts without a partner) there are.
    """

    measure: Measure = "share"
    lowest = 0.0

    def __init__(self, outcomes: Iterable[Outcome], view: View = "credit") -> None:
        pairs: dict[int, dict[str, Outcome]] = {}
        self.n = 0
        for outcome in outcomes:
            kind, number = outcome.item.id.split(":")
            pairs.setdefault(int(number), {})[kind] = outcome
            self.n += 1
        self.effective_n = float(len(pairs))
        parts = np.array([_pair_parts(pair.get("ref"), pair.get("tied"), view) for _, pair in sorted(pairs.items())])
        self._there = ~np.isnan(parts)
        self._parts = np.where(self._there, parts, 0.0)
        self.value = float(self._score(np.ones((1, len(pairs))))[0])
        # The fifth part, of weight 0.01, seldom is the same twice, and says next to nothing about the spread.
        self.constant = bool((self._parts[:, :4] == self._parts[0, :4]).all())

    def interval(self) -> None:
        """None: there is no formula."""

    def _score(self, counts: Floats) -> Floats:
        """The official score for each row of counts, shape (rows, pairs)."""
        number = counts @ self._there
        means = np.divide(counts @ self._parts, number, out=np.zeros_like(number), where=number > 0)
        score: Floats = means @ WEIGHTS
        return score

    def draws(self, rng: np.random.Generator, size: int) -> Floats:
        """Scores of `size` resamples of the pairs, shape (size,), widened as `MeanStratum` does."""
        n = len(self._parts)
        if n == 1:
            return np.full(size, self.value)
        drawn = self._score(rng.multinomial(n, np.full(n, 1 / n), size=size).astype(np.float64))
        widened: Floats = self.value + (drawn - self.value) * math.sqrt(n / (n - 1))
        return widened


def ties_stratum(outcomes: Iterable[Outcome], view: View = "credit") -> TiesStratum | None:
    """The Ties prompts that have a credit, as one group; None where there are none."""
    judged = [outcome for outcome in outcomes if outcome.credit is not None]
    return TiesStratum(judged, view) if judged else None


def _pair_parts(ref: Outcome | None, tied: Outcome | None, view: View) -> list[float]:
    """The five parts for one pair, the mean over samples; not-a-number where a prompt is not there."""
    samples = max(len(outcome.scores) for outcome in (ref, tied) if outcome is not None)
    rows = [_sample_parts(ref, tied, sample, view) for sample in range(samples)]
    return [float(np.mean(column)) for column in zip(*rows, strict=True)]


def _sample_parts(ref: Outcome | None, tied: Outcome | None, sample: int, view: View) -> list[float]:
    nan = math.nan
    ref_item, ref_failed = _prompt(ref, sample)
    tied_item, tied_failed = _prompt(tied, sample)
    parts = [
        float(tied_item.accurate) if tied_item else nan,
        float(ref_item.accurate) if ref_item else nan,
        nan,
        nan,
        nan,
    ]
    if ref_item and tied_item:
        smaller = min(ref_item.margin, tied_item.margin)
        with np.errstate(divide="ignore", invalid="ignore"):
            closeness = float(np.tanh(np.float64(smaller) / np.float64(tied_item.spread) - 1))
        parts[2] = float(tied_item.margin > tied_item.spread)
        parts[3] = float(smaller > tied_item.spread)
        parts[4] = 0.0 if math.isnan(closeness) else closeness
    if view == "credit":
        return parts
    touched = (tied_failed, ref_failed, tied_failed, ref_failed or tied_failed, ref_failed or tied_failed)
    best = float(view == "high")
    extremes = (best, best, best, best, {"high": 1.0, "low": -1.0, "bare": 0.0}[view])
    return [
        extreme if failed and not math.isnan(part) else part
        for part, failed, extreme in zip(parts, touched, extremes, strict=True)
    ]


def _prompt(outcome: Outcome | None, sample: int) -> tuple[TiesItem | None, bool]:
    """The prompt's figures in one sample, and whether a rating failed in it."""
    if outcome is None:
        return None, False
    scores = outcome.scores[min(sample, len(outcome.scores) - 1)]
    return ties_item(scores, outcome.item.num_correct), None in scores
