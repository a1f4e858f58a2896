"""Readings and scores into an item's credit: the rules that several benchmarks share.

Each function gives the credit, and beside it what it would be with every failure counted wrong and counted right.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from judgebench.items import NO_STEP, Outcome, Reading, Verdict, weighted_score
from judgebench.metrics.attributes import parts_of_readings, parts_of_scores
from judgebench.metrics.steps import FIRST_WRONG
from judgebench.metrics.votes import filled, mode_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from judgebench.items import ItemKey

    Scores = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Credit:
    """The credit of one official unit (a call, or all ratings of one sample), with its bounds."""

    value: float
    low: float
    high: float
    substituted: float = 0.0

    @classmethod
    def sure(cls, value: float) -> Credit:
        """A credit in which nothing failed."""
        return cls(value, value, value)


_RIGHT, _WRONG = Credit.sure(1.0), Credit.sure(0.0)


def outcome_of(key: ItemKey, credits_: Sequence[Credit], **more: Any) -> Outcome:
    """The mean credit over an item's units: one for the official way, more with further orders or samples."""
    if len(credits_) == 1:
        (only,) = credits_
        return Outcome(key, only.value, only.low, only.high, only.substituted, **more)
    if all(c.low == c.value == c.high for c in credits_):  # nearly all there are: nothing failed
        mean = fmean([c.value for c in credits_])
        return Outcome(key, mean, mean, mean, **more)
    return Outcome(
        key,
        credit=fmean([c.value for c in credits_]),
        low=fmean([c.low for c in credits_]),
        high=fmean([c.high for c in credits_]),
        substituted=fmean([c.substituted for c in credits_]),
        **more,
    )


def unlabelled(key: ItemKey, **more: Any) -> Outcome:
    """The outcome of an item without a label: verdicts, but no credit."""
    return Outcome(key, credit=None, low=None, high=None, **more)


def choice_source(readings: Sequence[Reading]) -> Mapping[str, Any]:
    """What an outcome by choices came from, for `outcomes.jsonl`."""
    return _verdicts(*(r.result.value if isinstance(r.result, Verdict) else r.result.kind for r in readings))


@lru_cache(maxsize=4096, typed=True)
def _verdicts(*said: str | float) -> Mapping[str, Any]:
    """One object for all items of which the same was said."""
    return MappingProxyType({"verdicts": list(said)})


def choice_credit(reading: Reading, key: ItemKey, neutral: float) -> Credit:
    """1 for a correct choice, 0 for an incorrect one, `neutral` for a tie or a failure."""
    if reading.failed:
        return Credit(neutral, 0.0, 1.0, substituted=neutral)
    choice = reading.choice
    if choice is None:
        return Credit.sure(neutral)
    return _RIGHT if choice < key.num_correct else _WRONG


def choices_outcome(key: ItemKey, readings: Sequence[Reading], neutral: float) -> Outcome:
    """The mean of `choice_credit` over an item's readings."""
    credits_ = [choice_credit(reading, key, neutral) for reading in readings]
    return outcome_of(key, credits_, source=choice_source(readings))


def label_credit(reading: Reading, gold: str) -> Credit:
    """1 for the gold class, 0 for another; a failure counts as another."""
    if reading.failed:
        return Credit(0.0, 0.0, 1.0)
    return _RIGHT if reading.label == gold else _WRONG


def label_outcome(key: ItemKey, readings: Sequence[Reading]) -> Outcome:
    """The mean of `label_credit` over the readings of a single completion; no credit without a gold class."""
    if key.label is None:
        return unlabelled(key, source=choice_source(readings))
    return outcome_of(key, [label_credit(reading, key.label) for reading in readings], source=choice_source(readings))


def step_outcome(key: ItemKey, readings: Sequence[Reading]) -> Outcome:
    """1 where the mode of an item's samples is the first wrong step (or -1), else 0; a failure has no vote.

    Without any verdict it is wrong; the bounds are over what failed samples could have made of the mode.
    """
    source = choice_source(readings)
    if key.gold is None:
        return unlabelled(key, source=source)
    ways = [label_credit(mode_of(each), key.gold).value for each in (readings, *filled(readings, key.gold))]
    return Outcome(key, ways[0], min(ways), max(ways), source=source)


def first_below(scores: Sequence[float], threshold: float) -> int:
    """The first step whose score is below a threshold; -1 where none is.

    Example:
        >>> first_below([0.9, 0.5, 0.2], 0.5)
        2
    """
    return next((at for at, score in enumerate(scores) if score < threshold), NO_STEP)


def scored_step_outcome(key: ItemKey, scores: Scores, threshold: float) -> Outcome:
    """1 where the first step below a threshold is the first wrong one, else 0; a missing score is wrong."""
    known = [score for score in scores if score is not None]
    if len(known) < len(scores) or not scores:
        return unlabelled(key) if key.gold is None else Outcome(key, 0.0, 0.0, 1.0, scores=(tuple(scores),))
    said = first_below(known, threshold)
    credit = None if key.gold is None else float(str(said) == key.gold)
    return Outcome(key, credit, credit, credit, scores=(tuple(scores),), parts={FIRST_WRONG: float(said)})


def criteria_outcome(key: ItemKey, readings: Sequence[Reading]) -> Outcome:
    """The share of an item's labelled criteria whose verdict is people's; one without a verdict counts as another.

    `scores` has the weighted score of each sample. Without labels, a grade of the whole item stands beside it, as
    beside a rating; without either there is no credit.
    """
    samples: dict[int, dict[str, float]] = {}
    for reading in readings:
        parts = reading.result.parts if isinstance(reading.result, Verdict) else ()
        samples.setdefault(reading.sample, {}).update(parts)
    scores = tuple((weighted_score(met, key.checklist),) for met in samples.values())
    source = {"verdicts": dict(next(iter(samples.values()))) if len(samples) == 1 else list(samples.values())}
    gold = {each.id: each.gold for each in key.checklist if each.gold is not None}
    if not gold:
        return (
            graded_outcome(key, scores)
            if key.human_score is not None
            else unlabelled(key, scores=scores, source=source)
        )
    credits_ = [_criteria_credit(met, gold) for met in samples.values()]
    return outcome_of(key, credits_, scores=scores, source=source)


def _criteria_credit(met: Mapping[str, float], gold: Mapping[str, float]) -> Credit:
    right = sum(met.get(name) == share for name, share in gold.items())
    missing = sum(name not in met for name in gold)
    return Credit(right / len(gold), right / len(gold), (right + missing) / len(gold))


def graded_outcome(key: ItemKey, samples: Sequence[Scores], parts: Mapping[str, float] | None = None) -> Outcome:
    """The outcome of one completion beside a graded label: its ratings, from which a correlation is made; no credit.

    Args:
        key: The item, with a single completion.
        samples: For each sample its rating; None where it failed.
        parts: The ratings of its attributes.
    """
    ratings = [scores[0] for scores in samples if scores[0] is not None]
    failed = len(ratings) < len(samples)
    said = {"rating": fmean(ratings) if ratings else None, "human_score": key.human_score}
    low, high = (0.0, 1.0) if failed else (None, None)
    return Outcome(key, None, low, high, scores=tuple(samples), source=said, parts=parts or {})


def judged_grade(key: ItemKey, readings: Sequence[Reading]) -> Outcome:
    """`graded_outcome` of a judge's readings, with the ratings of attributes where the item has grades of some."""
    parts = parts_of_readings(key, readings) if key.attributes else None
    return graded_outcome(key, ratings_by_sample(key, readings), parts)


def scored_grade(key: ItemKey, scores: Scores) -> Outcome:
    """`graded_outcome` of one score, which is that of each attribute."""
    return graded_outcome(key, [scores], parts_of_scores(key, scores[0]) if key.attributes else None)


def tied_choices_outcome(key: ItemKey, readings: Sequence[Reading]) -> Outcome:
    """Where people found a pair equal: 1 for the verdict that it is, 0 for a choice, 0.5 for a failure."""
    credits_ = [
        Credit(0.5, 0.0, 1.0, substituted=0.5) if reading.failed else Credit.sure(float(reading.choice is None))
        for reading in readings
    ]
    return outcome_of(key, credits_, source=choice_source(readings))


def tied_scores_outcome(key: ItemKey, samples: Sequence[Scores], neutral: float) -> Outcome:
    """Where people found a pair equal: 1 for equal scores, 0 for others, `neutral` where one is not there."""
    credits_ = [
        Credit(neutral, 0.0, 1.0, substituted=neutral) if None in scores else Credit.sure(float(len(set(scores)) == 1))
        for scores in samples
    ]
    return outcome_of(key, credits_, scores=tuple(samples), source={})


def ratings_by_sample(key: ItemKey, readings: Sequence[Reading]) -> tuple[Scores, ...]:
    """For each sample the rating of each completion, None where it failed."""
    samples = sorted({reading.sample for reading in readings})
    table: dict[int, list[float | None]] = {sample: [None] * key.k for sample in samples}
    for reading in readings:
        table[reading.sample][reading.order[0]] = reading.rating
    return tuple(tuple(table[sample]) for sample in samples)


def scores_outcome(
    key: ItemKey, samples: Sequence[Scores], rule: Callable[[Scores, int], float], neutral: float
) -> Outcome:
    """The mean of a rule over samples of scores, in which None is a failure.

    Args:
        key: The item.
        samples: For each sample one score a completion, correct ones first.
        rule: Credit from the scores and the number of correct ones; handles None.
        neutral: The credit where no score is there.
    """
    credits_ = [_scores_credit(scores, key.num_correct, rule, neutral) for scores in samples]
    return outcome_of(key, credits_, scores=tuple(samples), source={})


def _scores_credit(scores: Scores, num_correct: int, rule: Callable[[Scores, int], float], neutral: float) -> Credit:
    if None not in scores:
        return Credit.sure(rule(scores, num_correct))
    value = neutral if all(score is None for score in scores) else rule(scores, num_correct)
    correct = scores[:num_correct]
    incorrect = tuple(score for score in scores[num_correct:] if score is not None)
    high = 1.0 if None in correct or not incorrect else rule((*correct, *incorrect), num_correct)
    return Credit(value, 0.0, high, substituted=value)


def _readable(scores: Scores) -> tuple[float, ...]:
    """The scores, with a failure below all real ones."""
    return tuple(-math.inf if score is None else score for score in scores)


def share_at_top(scores: Scores, num_correct: int) -> float:
    """RewardBench 2's rule: with m completions at the top score, 1/m if a correct one is among them, else 0.

    With several correct ones among them, their share. A failed score stands below all others.
    """
    values = _readable(scores)
    top = max(values)
    return sum(value == top for value in values[:num_correct]) / sum(value == top for value in values)


def strictly_above(scores: Scores, num_correct: int) -> float:
    """1 if every correct completion stands strictly above every incorrect one, else 0: a reward model's rule."""
    values = _readable(scores)
    return float(min(values[:num_correct]) > max(values[num_correct:]))


def above_or_half(scores: Scores, num_correct: int) -> float:
    """A judge's ratings of a pair: 1 if the correct one is higher, 0 if lower, 0.5 if equal or one is not there."""
    if None in scores:
        return 0.5
    values = _readable(scores)
    correct, incorrect = min(values[:num_correct]), max(values[num_correct:])
    return 0.5 if correct == incorrect else float(correct > incorrect)


def known_above(scores: Scores, num_correct: int) -> float:
    """`strictly_above`, and 0 if any score is not there."""
    return 0.0 if None in scores else strictly_above(scores, num_correct)
