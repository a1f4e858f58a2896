"""How the readings of one question, over its orders and samples, become one: by agreement, votes or probabilities.

Pure. A reading without a verdict has no vote; what it could have made of the item stands in the outcome's bounds.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Literal

from judgebench.items import LABELS, NEVER_ASKED, TIE, Failure, Reading, StepIndex, Verdict, as_rating

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Join = Literal["mean", "agree", "majority", "probability"]
"""The rule: `mean` joins nothing, and an item has the mean of the official credit over its readings."""

JOINS: tuple[Join, ...] = Join.__args__  # type: ignore[attr-defined]

Aggregate = Literal["mean", "unanimous", "majority", "mean-prob"]
"""What options call the rules; manifests and folders keep the words of `Join`, so that old runs resume."""

AGGREGATES: dict[Aggregate, Join] = dict(zip(Aggregate.__args__, JOINS, strict=True))  # type: ignore[attr-defined]

Choice = int | str | None
"""The index of a completion, or a class; None for a tie."""

_EQUAL = 1e-9

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class AggregatedReading:
    """The one reading that a question's readings become.

    Attributes:
        reading: In the question's natural order, as sample 0.
        of: How many readings there were.
        missing: How many of them have no verdict, and so no vote.
        drawn: Whether it is a tie, or of classes no verdict, only because the readings did not decide: orders that
            disagree, equal votes or equal probabilities.
    """

    reading: Reading
    of: int
    missing: int
    drawn: bool


def join(readings: Sequence[Reading], rule: Join) -> list[Reading]:
    """One reading a question; the readings as they are for the rule `mean`."""
    if rule == "mean":
        return list(readings)
    return [each.reading for each in joined(readings, rule)]


def joined(readings: Iterable[Reading], rule: Join) -> list[AggregatedReading]:
    """What the readings of each question become, in the order of the questions' first readings.

    - `agree`: what all verdicts name, else a tie.
    - `majority`: what most verdicts name, ties among them; a tie where several have the most.
    - `probability`: what has the highest mean probability over the readings, a tie where several have it. A verdict
      without probabilities counts as certain.
    - Classes likewise; where none is named by all, or several have the most, there is no verdict (`ambiguous`).
    - Ratings become their mean by every rule; by `probability` that of the expected ratings.

    Where no reading has a verdict, the joined one is the first failure, one of a call that was made if there is one.

    Args:
        readings: Of one item, over any number of questions.
        rule: Any but `mean`.
    """
    questions: dict[tuple[int, ...], list[Reading]] = {}
    for reading in readings:
        questions.setdefault(tuple(sorted(reading.order)), []).append(reading)
    return [_one(question, among, rule) for question, among in questions.items()]


def join_criteria(readings: Sequence[Reading], rule: Join) -> list[Reading]:
    """One reading a question of verdicts on criteria; the readings as they are for the rule `mean`.

    Each criterion is decided by itself, as classes are; one that is undecided has no verdict. Where no reading has a
    verdict, the joined one is the failure that `joined` gives.

    Args:
        readings: Of one item.
        rule: How they are aggregated.
    """
    if rule == "mean":
        return list(readings)
    questions: dict[tuple[int, ...], list[Reading]] = {}
    for reading in readings:
        questions.setdefault(reading.order, []).append(reading)
    return [_of_criteria(question, among, rule) for question, among in questions.items()]


def _of_criteria(question: tuple[int, ...], among: Sequence[Reading], rule: Join) -> Reading:
    voting = [reading for reading in among if not reading.failed]
    if not voting:
        return _one(question, among, rule).reading
    votes = [(criteria_shares(reading, soft=rule == "probability"), 1.0) for reading in voting]
    parts = pooled_criteria(votes, unanimous=rule == "agree")
    if not parts:
        return Reading(question, 0, Failure("ambiguous", "the samples disagree on every criterion"))
    return Reading(question, 0, Verdict(as_rating(fmean(reading.rating or 0.0 for reading in voting)), parts=parts))


def criteria_shares(reading: Reading, *, soft: bool) -> dict[str, dict[float, float]]:
    """Of each criterion that a reading has a verdict on, the probability of each share of its weight.

    Args:
        reading: With a verdict.
        soft: Whether log-probabilities count, where there are any; else 1 for what was said.
    """
    assert isinstance(reading.result, Verdict)
    told, parts = reading.result.soft, reading.result.parts
    if soft and told is not None and len(parts) == 1:
        return {parts[0][0]: {float(text): share for text, share in told.probabilities}}
    known = dict(told.expected) if soft and told is not None else {}
    return {name: {1.0: known[name], 0.0: 1 - known[name]} if name in known else {share: 1.0} for name, share in parts}


def pooled_criteria(
    votes: Sequence[tuple[Mapping[str, Mapping[float, float]], float]], *, unanimous: bool = False
) -> tuple[tuple[str, float], ...]:
    """Of each criterion the share of its weight that has the most votes; those that are undecided are left out.

    Args:
        votes: What `criteria_shares` gives, each with its weight.
        unanimous: Whether only what all name counts.
    """
    totals: dict[str, defaultdict[float, float]] = {}
    for shares_, weight in votes:
        for name, each in shares_.items():
            for share, probability in each.items():
                totals.setdefault(name, defaultdict(float))[share] += weight * probability
    found = []
    for name, by_share in totals.items():
        most = max(by_share.values())
        top = [share for share, weight in by_share.items() if weight >= most - _EQUAL]
        if len(by_share) == 1 if unanimous else len(top) == 1:
            found.append((name, top[0]))
    return tuple(found)


def _one(question: tuple[int, ...], among: Sequence[Reading], rule: Join) -> AggregatedReading:
    voting = [reading for reading in among if not reading.failed]
    missing = len(among) - len(voting)
    if not voting:
        failures = [reading.result for reading in among if isinstance(reading.result, Failure)]
        made = [failure for failure in failures if failure.kind not in NEVER_ASKED]
        return AggregatedReading(Reading(question, 0, (made or failures)[0]), len(among), missing, drawn=False)
    if voting[0].rating is not None:
        ratings = [rating_of(reading, soft=rule == "probability") for reading in voting]
        mean = Verdict(as_rating(fmean(ratings)), parts=mean_parts(voting, soft=rule == "probability"))
        return AggregatedReading(Reading(question, 0, mean), len(among), missing, drawn=False)
    weights = mean_probabilities(voting) if rule == "probability" else _votes(voting)
    top = max(weights.values())
    best = [choice for choice, weight in weights.items() if weight >= top - _EQUAL]
    decided = len(weights) == 1 if rule == "agree" else len(best) == 1
    choice = best[0] if decided else None
    if voting[0].label is not None:
        said = " and ".join(sorted(map(str, weights if rule == "agree" else best)))
        result = (
            Verdict(as_said(str(choice), voting)) if decided else Failure("ambiguous", f"the samples say {said} alike")
        )
        return AggregatedReading(Reading(question, 0, result), len(among), missing, drawn=not decided)
    value = TIE if choice is None else LABELS[question.index(int(choice))]
    return AggregatedReading(Reading(question, 0, Verdict(value)), len(among), missing, drawn=not decided)


def as_said(name: str, voting: Sequence[Reading]) -> str | StepIndex:
    """A class, or a step, of that name."""
    is_step = any(isinstance(each.result, Verdict) and isinstance(each.result.value, StepIndex) for each in voting)
    return StepIndex(name) if is_step and name.lstrip("-").isdecimal() else name


def has_probabilities(readings: Iterable[Reading]) -> bool:
    """Whether any verdict came with its probability.

    Example:
        >>> has_probabilities([Reading((0, 1), 0, Verdict("A"))])
        False
    """
    return any(isinstance(each.result, Verdict) and each.result.soft is not None for each in readings)


def mode_of(readings: Sequence[Reading]) -> Reading:
    """What most of the verdicts name; of several with the most, that of the earliest sample.

    Without a verdict, the first failure, one of a call that was made if there is one.

    Args:
        readings: Of one question, one at least.
    """
    ordered = sorted(readings, key=lambda reading: reading.sample)
    voting = [reading for reading in ordered if not reading.failed]
    if not voting:
        made = [r for r in ordered if isinstance(r.result, Failure) and r.result.kind not in NEVER_ASKED]
        return (made or ordered)[0]
    counts = Counter(reading.named for reading in voting)
    most = max(counts.values())
    return next(reading for reading in voting if counts[reading.named] == most)


def mean_parts(voting: Sequence[Reading], *, soft: bool = False) -> tuple[tuple[str, float], ...]:
    """The mean of each criterion's rating, where all verdicts rate the same ones; with `soft` of the expected ones."""
    every = [_parts_of(reading, soft=soft) for reading in voting]
    names = list(every[0])
    if any(list(each) != names for each in every):
        return ()
    return tuple((name, as_rating(fmean(each[name] for each in every))) for name in names)


def _parts_of(reading: Reading, *, soft: bool) -> dict[str, float]:
    assert isinstance(reading.result, Verdict)
    expected = reading.result.soft.expected if soft and reading.result.soft is not None else ()
    return dict(expected or reading.result.parts)


def _votes(voting: Iterable[Reading]) -> dict[Choice, float]:
    return dict(Counter(reading.named for reading in voting))


def rating_of(reading: Reading, *, soft: bool = True) -> float:
    """A reading's rating: with `soft`, the mean over the scale where probabilities are known."""
    assert isinstance(reading.result, Verdict)
    if soft and reading.result.soft is not None:
        return math.fsum(float(text) * share for text, share in reading.result.soft.probabilities)
    return float(reading.result.value)


def probabilities_of(reading: Reading) -> dict[Choice, float]:
    """The probability of each completion and of a tie, or of each class, by one reading; 1 for a bare verdict's."""
    assert isinstance(reading.result, Verdict)
    if reading.result.soft is None:
        return {reading.named: 1.0}
    found: dict[Choice, float] = {}
    if reading.label is not None:
        return dict(reading.result.soft.probabilities)
    for label, share in reading.result.soft.probabilities:
        choice = None if label == TIE else reading.order[LABELS.index(label)]
        found[choice] = found.get(choice, 0.0) + share
    return found


def mean_probabilities(readings: Sequence[Reading]) -> dict[Choice, float]:
    """The mean over choices of each completion's probability, and a tie's."""
    every = [probabilities_of(reading) for reading in readings]
    choices = dict.fromkeys(choice for each in every for choice in each)
    return {choice: math.fsum(each.get(choice, 0.0) for each in every) / len(every) for choice in choices}


def filled(readings: Sequence[Reading], gold: str | None = None) -> Iterator[list[Reading]]:
    """The readings with those that failed in the place of verdicts, in each way that bounds the joined one.

    Choices: all failures name the first completion of their question, or the second, ..., or a tie. Ratings: a
    completion of which any rating failed has failed, as in the official bounds. Classes: all failures name the gold
    one, or each of the others that a reading names, or one that none names.
    """
    unread = {reading.order for reading in readings if reading.failed}
    if not unread:
        return
    if gold is not None:
        for name in dict.fromkeys((gold, *(r.label for r in readings if r.label is not None), f"not {gold}")):
            yield [Reading(r.order, r.sample, Verdict(name)) if r.failed else r for r in readings]
        return
    if len(readings[0].order) == 1:
        failure = Failure("unreadable")
        yield [Reading(r.order, r.sample, failure) if r.order in unread else r for r in readings]
        return
    for place in (*range(len(readings[0].order)), None):
        yield [_named(reading, place) if reading.failed else reading for reading in readings]


def _named(reading: Reading, place: int | None) -> Reading:
    value = TIE if place is None else LABELS[reading.order.index(sorted(reading.order)[place])]
    return Reading(reading.order, reading.sample, Verdict(value))


def still_to_ask(readings: Sequence[Reading], planned: int) -> int:
    """How many more of a question's planned calls are needed before its majority can be settled; 0: it is.

    It is settled where no other verdict can draw level with the leading one, whatever the calls left would say. So
    many calls can be made at once without one that a slower way would have saved.

    Args:
        readings: Of one question, so far.
        planned: How many there are to be in all.
    """
    left = planned - len(readings)
    if left <= 0:
        return 0
    if any(reading.rating is not None for reading in readings):  # a mean is never settled
        return left
    votes = sorted(_votes(reading for reading in readings if not reading.failed).values(), reverse=True)
    first, second = [*votes, 0, 0][:2]
    lead = int(first - second)
    return 0 if lead > left else (left - lead) // 2 + 1


def join_notes(readings: Mapping[str, Sequence[Reading]], rule: Join) -> Iterator[str]:
    """What a reader of the score must know of the rule, a sentence; nothing for `mean`.

    Args:
        readings: By the item's id, before they are joined.
        rule: The rule.
    """
    if rule == "mean":
        return
    every = [each for among in readings.values() for each in joined(among, rule)]
    ties = sum(each.drawn for each in every)
    partly = sum(0 < each.missing < each.of for each in every)
    none = sum(each.missing == each.of for each in every)
    if any(reading.label is not None for among in readings.values() for reading in among):
        said = f"{JOINED} {_LABEL_RULES[rule]}: {ties} of {len(every)} items are undecided, which is no verdict"
    else:
        said = f"{JOINED} {_RULES[rule]}: {ties} of {len(every)} questions are ties"
    if partly:
        said += f"; {partly} with some replies without a verdict"
    if none:
        said += f"; {none} without any verdict"
    yield said


JOINED = "verdicts of a question are aggregated by"
"""How the note begins."""

_RULES = {
    "agree": "agreement (all of them, else a tie)",
    "majority": "majority (a draw is a tie)",
    "probability": "their mean probability (equal ones are a tie)",
}


_LABEL_RULES = {
    "agree": "agreement (the class that all name)",
    "majority": "majority",
    "probability": "their mean probability",
}


@dataclass(frozen=True, slots=True)
class Pooled:
    """What votes come to.

    Attributes:
        choice: The completion, or the class, with the most weight; None for a tie.
        drawn: Whether that tie is a draw: several have the most weight.
    """

    choice: Choice
    drawn: bool = False


def majority(votes: Iterable[tuple[Choice, float]]) -> Pooled:
    """The choice with the most weight; where several have as much, a tie.

    Args:
        votes: Choice (None is a vote for a tie) and weight of each; a weight of 0 is no vote.

    Raises:
        ValueError: There is no vote.
    """
    totals: defaultdict[Choice, float] = defaultdict(float)
    for choice, weight in votes:
        if weight > 0:
            totals[choice] += weight
    if not totals:
        raise ValueError("no vote with a weight above 0")
    most = max(totals.values())
    top = [choice for choice, weight in totals.items() if weight >= most - _ROUNDING]
    return Pooled(top[0]) if len(top) == 1 else Pooled(None, drawn=True)


def shares(choices: Sequence[Choice]) -> dict[Choice, float]:
    """The share of votes for each choice, one vote or more."""
    return {choice: choices.count(choice) / len(choices) for choice in dict.fromkeys(choices)}


def mean_rating(ratings: Iterable[tuple[float, float]]) -> float:
    """The weighted mean of ratings, each with its weight; where all weights are 0, the plain mean."""
    given = list(ratings)
    total = sum(weight for _, weight in given)
    mean = sum(rating * weight for rating, weight in given) / total if total else fmean(rating for rating, _ in given)
    return as_rating(mean)


def log_odds_weight(right: float, n: int, chance: float) -> float:
    """What a voter's accuracy earns: its log-odds beyond those of a guess, at least 0.

    With the majority of independent voters so weighted, the jury is right as often as any rule of their votes can be
    (Nitzan and Paroush 1982, doi:10.2307/2526438): log(p / (1 - p)) for pairs, where a guess has even odds; for k
    choices that are wrong alike, log((k - 1) p / (1 - p)). p is (right + 1) / (n + 2), so that a voter without a fault
    on few items has no endless weight. One that is no better than a guess gets 0: its vote is not turned round.

    Args:
        right: How often it was right; fractions count as such.
        n: Of how many.
        chance: How often a guess is, between 0 and 1.
    """
    p = (right + 1) / (n + 2)
    return max(math.log(p / (1 - p)) - math.log(chance / (1 - chance)), 0.0)


def pooled_shares(voters: Iterable[Mapping[Choice, float]]) -> Pooled:
    """The choice with the highest mean share (a linear opinion pool, Stone 1961, doi:10.1214/aoms/1177704873)."""
    return majority(vote for voter in voters for vote in voter.items())
