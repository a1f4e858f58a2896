"""Are a judge's probabilities right? Of each question, what it finds the most probably best, and how probable."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from judgebench.items import Verdict
from judgebench.metrics.calibration import ece, ece_if_calibrated, risk_coverage, squared_errors
from judgebench.metrics.intervals import Interval, MeanStratum, wilson
from judgebench.metrics.votes import criteria_shares, mean_probabilities, probabilities_of, rating_of, shares

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from judgebench.items import ItemKey, Reading
    from judgebench.metrics.intervals import Floats
    from judgebench.metrics.votes import Choice

BINS = 10
LEAST_VERDICTS = 5
"""From how many verdicts on one question on their share stands for a probability."""
COVERAGES = (0.25, 0.5, 0.75, 1.0)

By = Literal["disagreement", "margin", "confidence"]
"""What tells that a judge is unsure."""


@dataclass(frozen=True, slots=True)
class ProbabilityForecast:
    """What a judge makes of one question.

    Attributes:
        probability: That the completion it finds the most probable is the best, or that it is of the likeliest class.
        right: Whether that one is correct; a share where several are as probable.
        by_tokens: Whether it rests on log-probabilities throughout.
        verdicts: On how many verdicts it rests; of ratings, on how many of the completion that has the fewest.
        tied: How many completions are as probable.
    """

    probability: float
    right: float
    by_tokens: bool
    verdicts: int
    tied: int


def calibration(readings: Mapping[str, Sequence[Reading]], keys: Mapping[str, ItemKey]) -> dict[str, Any] | None:
    """The object under `calibration` in `metrics.json`; None where there is no question with a label and a verdict.

    Args:
        readings: By the item's id, before they are joined.
        keys: The items.
    """
    masses = [r.result.soft.mass for among in readings.values() for r in among if _is_soft(r)]  # type: ignore[union-attr]
    return _calibration(list(_by_unit(readings, keys)), masses)


def vote_calibration(readings: Mapping[str, Sequence[Reading]], keys: Mapping[str, ItemKey]) -> dict[str, Any] | None:
    """As `calibration`, of the shares of verdicts: what log-probabilities there are do not count.

    None where no question with a label has two; those with one are left out.
    """
    bare = {item: [_without_soft(each) for each in among] for item, among in readings.items()}
    return _calibration([(unit, each) for unit, each in _by_unit(bare, keys) if each.verdicts > 1], [])


def _by_unit(
    readings: Mapping[str, Sequence[Reading]], keys: Mapping[str, ItemKey]
) -> Iterator[tuple[str, ProbabilityForecast]]:
    known = ((keys[item], among) for item, among in readings.items() if item in keys)
    return ((key.unit, each) for key, among in known for each in forecasts(among, key))


def _is_probability(forecast: ProbabilityForecast) -> bool:
    """Whether it says how sure the judge is, and not just whether it was asked twice and said the same."""
    return forecast.by_tokens or forecast.verdicts >= LEAST_VERDICTS


def _calibration(by_unit: Sequence[tuple[str, ProbabilityForecast]], masses: Sequence[float]) -> dict[str, Any] | None:
    if not by_unit:
        return None
    units, found = zip(*by_unit, strict=True)
    probability = np.array([each.probability for each in found])
    right = np.array([each.right for each in found])
    squared, curve = squared_errors(probability, right), risk_coverage(probability, right)
    taken = [max(1, math.ceil(share * len(found))) for share in COVERAGES]
    return {
        "n": len(found),
        "by_tokens": sum(each.by_tokens for each in found),
        "probability": float(probability.mean()),
        "right": float(right.mean()),
        "brier": float(squared.mean()),
        **calibration_intervals(probability, right, units),
        "overconfidence": float((probability - right).mean()),
        **_error([each for each in found if _is_probability(each)]),
        "aurc": curve.area,
        "aurc_random": curve.random,
        "aurc_optimum": curve.optimum,
        "risk_coverage": [
            {"coverage": share, "risk": float(curve.risk[count - 1])}
            for share, count in zip(COVERAGES, taken, strict=True)
        ],
        "mass": math.fsum(masses) / len(masses) if masses else None,
    }


def _error(found: Sequence[ProbabilityForecast]) -> dict[str, Any]:
    """The calibration error of what are probabilities; None of each figure where nothing is."""
    probability = [each.probability for each in found]
    error = ece(probability, [each.right for each in found], bins=BINS) if found else None
    return {
        "ece_n": len(found),
        "ece": error.value if error else None,
        "ece_max": error.maximum if error else None,
        "ece_calibrated": ece_if_calibrated(probability, [each.tied for each in found], bins=BINS) if error else None,
        "binning": f"{BINS} of equal width",
        "bins": [asdict(each) for each in error.bins] if error else [],
    }


def _without_soft(reading: Reading) -> Reading:
    if not isinstance(reading.result, Verdict) or reading.result.soft is None:
        return reading
    return replace(reading, result=replace(reading.result, soft=None))


def calibration_intervals(probability: Floats, right: Floats, units: Sequence[str]) -> dict[str, float]:
    """Those of Brier's score and of overconfidence; as wide as can be where all is of one unit.

    Args:
        probability: That a question's answer is right, from 0 to 1, shape (n,).
        right: Whether it is, or the share, shape (n,).
        units: What each question belongs to.

    Returns:
        `brier_low`, `brier_high`, `overconfidence_low`, `overconfidence_high`.
    """
    if len({*units}) < 2:
        return {"brier_low": 0.0, "brier_high": 1.0, "overconfidence_low": -1.0, "overconfidence_high": 1.0}
    brier, excess = (ends(probability, right, units) for ends in (_brier_interval, _overconfidence_interval))
    return {
        "brier_low": brier.low,
        "brier_high": brier.high,
        "overconfidence_low": excess.low,
        "overconfidence_high": excess.high,
    }


def _brier_interval(probability: Floats, right: Floats, units: Sequence[str]) -> Interval:
    """Wilson's at the effective number of units; its upper end at least as far as errors not seen among so many go.

    Those raise the share of errors to Wilson's upper end, and the score by 2p - 1 for each.
    """
    squared, wrong = squared_errors(probability, right), 1 - float(right.mean())
    stratum = MeanStratum(squared, grouped=(squared, units))
    found = stratum.interval()
    unseen = wilson(wrong, stratum.effective_n).high - wrong
    return Interval(found.low, max(found.high, stratum.value + unseen * float((2 * probability - 1).mean())))


def _overconfidence_interval(probability: Floats, right: Floats, units: Sequence[str]) -> Interval:
    """The mean probability less Wilson's ends of the share right, at the effective number of questions.

    That is their number over the variance of probability - right by what the share right alone has, shrunk towards 1
    as by two questions more, and over the design effect of units; so a judge that is sure has a width too.
    """
    n, share = len(right), float(right.mean())
    spread = share * (1 - share)
    part = min(float((probability - right).var(ddof=1)) / spread, 1.0) if spread > 0 else 1.0
    effect = ((n - 1) * part + 2) / (n + 1)
    parts = probability - right
    found = wilson(share, MeanStratum(parts, grouped=(parts, units)).effective_n / effect)
    mean = float(probability.mean())
    return Interval(mean - found.high, mean - found.low)


def forecasts(readings: Sequence[Reading], key: ItemKey) -> Iterator[ProbabilityForecast]:
    """What the readings of a labelled item say of each of its questions, or of each of its criteria.

    Ratings are one question together.
    """
    if key.checklist:
        yield from _of_criteria(readings, key)
        return
    questions: dict[tuple[int, ...], list[Reading]] = {}
    for reading in readings:
        if not reading.failed:
            question = () if reading.rating is not None else tuple(sorted(reading.order))
            questions.setdefault(question, []).append(reading)
    for question, among in questions.items():
        shares, correct = _shares(among, question, key)
        if not correct or (len(question) != 1 and len(correct) == len(shares)):
            continue
        top = max(shares.values())
        best = [index for index, share in shares.items() if share >= top - 1e-9]
        right = sum(index in correct for index in best) / len(best)
        yield ProbabilityForecast(min(top, 1.0), right, all(map(_is_soft, among)), _fewest(among), len(best))


def _of_criteria(readings: Sequence[Reading], key: ItemKey) -> Iterator[ProbabilityForecast]:
    """What the readings say of each criterion with a label."""
    golds = {each.id: each.gold for each in key.checklist if each.gold is not None}
    for name, votes in _criteria_votes(readings).items():
        if name in golds:
            found = mean_shares([vote.probabilities for vote, _ in votes])
            top = max(found.values())
            best = [share for share, probability in found.items() if probability >= top - 1e-9]
            right = (str(golds[name]) in best) / len(best)
            yield ProbabilityForecast(min(top, 1.0), right, all(soft for _, soft in votes), len(votes), len(best))


def _criteria_votes(readings: Sequence[Reading]) -> dict[str, list[tuple[Vote, bool]]]:
    """By criterion the votes of the readings with a verdict on it, and whether each has log-probabilities."""
    found: defaultdict[str, list[tuple[Vote, bool]]] = defaultdict(list)
    for reading in readings:
        if not isinstance(reading.result, Verdict):
            continue
        soft, parts = reading.result.soft, reading.result.parts
        told = {*()} if soft is None else {parts[0][0]} if len(parts) == 1 else {name for name, _ in soft.expected}
        shares_ = criteria_shares(reading, soft=True)
        for name, share in parts:
            probabilities: dict[Choice, float] = {str(each): p for each, p in shares_[name].items()}
            found[name].append((Vote(str(share), probabilities), name in told))
    return found


def mean_shares(every: Sequence[Mapping[Choice, float]]) -> dict[Choice, float]:
    """The mean probability of each choice."""
    choices = dict.fromkeys(choice for each in every for choice in each)
    return {choice: math.fsum(each.get(choice, 0.0) for each in every) / len(every) for choice in choices}


def _shares(
    among: Sequence[Reading], question: Sequence[int], key: ItemKey
) -> tuple[dict[Choice, float], Sequence[Choice]]:
    """The probability of each completion to be the best, or of each class, and which of these are correct."""
    if among[0].label is not None:
        return mean_probabilities(among), [] if key.gold is None else [key.gold]
    shares = _best_of_choices(among, question) if question else _best_of_ratings(among, key.k)
    return shares, [index for index in range(key.num_correct) if index in shares]


def _fewest(among: Sequence[Reading]) -> int:
    """How many verdicts there are, or ratings of each completion at least."""
    if among[0].rating is None:
        return len(among)
    return min(Counter(reading.order for reading in among).values())


def _is_soft(reading: Reading) -> bool:
    return isinstance(reading.result, Verdict) and reading.result.soft is not None


def _best_of_choices(among: Sequence[Reading], question: Sequence[int]) -> dict[Choice, float]:
    """The mean probability of each completion; a tie's is shared among all."""
    means = mean_probabilities(among)
    tied = means.get(None, 0.0) / len(question)
    return {index: means.get(index, 0.0) + tied for index in question}


def _best_of_ratings(among: Sequence[Reading], k: int) -> dict[Choice, float]:
    """The probability of each completion to be rated highest, its ratings independent of the others'.

    Those that are equally high share it. Empty where a completion has no rating.
    """
    spread: list[dict[float, float]] = [{} for _ in range(k)]
    samples = [sum(reading.order[0] == index for reading in among) for index in range(k)]
    if not all(samples):
        return {}
    for reading in among:
        assert isinstance(reading.result, Verdict)
        soft, index = reading.result.soft, reading.order[0]
        said = ((str(reading.result.value), 1.0),) if soft is None else soft.probabilities
        for text, share in said:
            spread[index][float(text)] = spread[index].get(float(text), 0.0) + share / samples[index]
    return {index: _highest(spread[index], spread[:index] + spread[index + 1 :]) for index in range(k)}


def _highest(own: Mapping[float, float], others: Sequence[Mapping[float, float]]) -> float:
    """The chance that a rating is above all others, ties shared evenly."""
    total = 0.0
    for level, share in own.items():
        ties = [1.0]  # the chance that none of the others is higher and so many are equal
        for other in others:
            below = math.fsum(p for rating, p in other.items() if rating < level)
            longer = [0.0] * (len(ties) + 1)
            for count, chance in enumerate(ties):
                longer[count] += chance * below
                longer[count + 1] += chance * other.get(level, 0.0)
            ties = longer
        total += share * math.fsum(chance / (count + 1) for count, chance in enumerate(ties))
    return total


def unsureness(key: ItemKey, readings: Sequence[Reading], by: By, scale: tuple[float, float] | None = None) -> float:
    """How unsure the readings of an item are, the mean over its questions.

    - `disagreement`: 1 less the share of the verdict that most orders and samples have; a failure agrees with nothing.
    - `margin`: 1 less the distance between the best two completions: of their mean probabilities, which are the shares
      of verdicts where the judge gave none (ties and failures count for all alike); of ratings, of their mean ratings
      as a part of the scale.
    - `confidence`: 1 less the best completion's mean probability, likewise.

    By ratings, each sample's verdict is its top completion.

    Args:
        key: The item, of two completions or more.
        readings: All of them.
        by: What counts.
        scale: Of ratings, for their margin.
    """
    if not readings:
        return 1.0
    if key.checklist:
        by_criterion = _criteria_votes(readings)
        every = [[vote for vote, _ in by_criterion.get(each.id, ())] for each in key.checklist]
        return fmean(_of_votes((), votes, by) if votes else 1.0 for votes in every)
    if len(readings[0].order) == 1 and any(reading.label is not None for reading in readings):
        return _of_votes((), [_vote(reading) for reading in readings], by)
    if len(readings[0].order) == 1:
        if by == "margin" and scale is not None:
            return 1 - _rating_margin(key, readings, scale)
        questions = {tuple(range(key.k)): _by_sample(key, readings)}
    else:
        questions = defaultdict(list)
        for reading in readings:
            questions[tuple(sorted(reading.order))].append(_vote(reading))
    return fmean(_of_votes(shown, votes, by) for shown, votes in questions.items())


class Vote(NamedTuple):
    """The completion or class that is named, None for a tie; and how probable each is, empty for a failure."""

    choice: Choice
    probabilities: Mapping[Choice, float]


def _vote(reading: Reading) -> Vote:
    return Vote(None, {}) if reading.failed else Vote(reading.named, probabilities_of(reading))


def _of_votes(shown: Sequence[int], votes: Sequence[Vote], by: By) -> float:
    if by == "disagreement":
        named = [vote.choice for vote in votes if vote.probabilities]
        return 1 - max(shares(named).values()) * len(named) / len(votes) if named else 1.0
    every: Sequence[Choice] = shown or [*{choice: None for vote in votes for choice in vote.probabilities}, ""]
    found = dict.fromkeys(every, 0.0)  # of classes those that are named, and one for all others
    for vote in votes:
        for choice, probability in (vote.probabilities or {None: 1.0}).items():
            for each in every if choice is None else (choice,):
                found[each] += probability / len(votes) / (len(every) if choice is None else 1)
    best, second = sorted(found.values(), reverse=True)[:2]
    return 1 - best if by == "confidence" else 1 - (best - second)


def _by_sample(key: ItemKey, readings: Sequence[Reading]) -> list[Vote]:
    """The verdict of each sample's ratings: its top completion, a tie of several, or a failure of any."""
    ratings: defaultdict[int, dict[int, float]] = defaultdict(dict)
    for reading in readings:
        among = ratings[reading.sample]
        if reading.rating is not None:
            among[reading.order[0]] = reading.rating
    votes: list[Vote] = []
    for among in ratings.values():
        top = [index for index, rating in among.items() if rating == max(among.values())]
        choice = top[0] if len(top) == 1 else None
        votes.append(Vote(choice, {choice: 1.0}) if len(among) == key.k else Vote(None, {}))
    return votes


def _rating_margin(key: ItemKey, readings: Sequence[Reading], scale: tuple[float, float]) -> float:
    """The distance of the best two mean ratings, as a part of the scale; 0 where one has no rating."""
    ratings: defaultdict[int, list[float]] = defaultdict(list)
    for reading in readings:
        if reading.rating is not None:
            ratings[reading.order[0]].append(rating_of(reading))
    if len(ratings) < key.k:
        return 0.0
    best, second = sorted(map(fmean, ratings.values()), reverse=True)[:2]
    return (best - second) / (scale[1] - scale[0])
