"""How unsure a judge is of one item, from its own readings: from 0, sure, to 1."""

from __future__ import annotations

from collections import defaultdict
from statistics import fmean
from typing import TYPE_CHECKING, Literal, NamedTuple

from judgebench.metrics.pools import shares
from judgebench.metrics.votes import probabilities_of, rating_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.items import ItemKey, Reading

By = Literal["disagreement", "margin", "confidence"]
"""What tells that a judge is unsure."""


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
    if len(readings[0].order) == 1:
        if by == "margin" and scale is not None:
            return 1 - _rating_margin(key, readings, scale)
        questions = {tuple(range(key.k)): _by_sample(key, readings)}
    else:
        questions = defaultdict(list)
        for reading in readings:
            questions[tuple(sorted(reading.order))].append(
                Vote(None if reading.failed else reading.choice, {} if reading.failed else probabilities_of(reading))
            )
    return fmean(_of_votes(shown, votes, by) for shown, votes in questions.items())


class Vote(NamedTuple):
    """The completion that is named, None for a tie; and how probable each is, empty for a failure."""

    choice: int | None
    probabilities: Mapping[int | None, float]


def _of_votes(shown: Sequence[int], votes: Sequence[Vote], by: By) -> float:
    if by == "disagreement":
        named = [vote.choice for vote in votes if vote.probabilities]
        return 1 - max(shares(named).values()) * len(named) / len(votes) if named else 1.0
    found = dict.fromkeys(shown, 0.0)
    for vote in votes:
        for choice, probability in (vote.probabilities or {None: 1.0}).items():
            for index in shown if choice is None else (choice,):
                found[index] += probability / len(votes) / (len(shown) if choice is None else 1)
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
