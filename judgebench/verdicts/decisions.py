"""Typed questions of a template's rule for a decision model, and the verdict that its probabilities are. Pure.

A decision model writes no text. It is asked for a choice (a probability of each option), a predicate (that something is
true) or a score (of each level), and the verdict is what it finds the most probable, or the mean of a rating.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from judgebench.items import LABELS, NO_STEP, TIE, Failure, Soft, StepIndex, Verdict, as_rating
from judgebench.verdicts.checklist import of_one, score_of
from judgebench.verdicts.soft import highest, mean_of, weighted_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from judgebench.items import Classes
    from judgebench.verdicts.rule import VerdictRule

    Answers = Sequence[Mapping[str, float | None] | None]
    Shares = dict[str, float]

MOST_LEVELS = 10
"""A score has at most so many levels."""

_FEWEST_LEVELS = 5
_EQUAL = 1e-9
_OFF = 0.01
"""So far from 1 probabilities may sum to: servers round them."""
TRUE, FALSE = "true", "false"
"""The options of a predicate."""


class _Question(NamedTuple):
    """A question and what its answer has a probability of.

    Attributes:
        kind: `choice`, `noul` (a predicate) or `score`, as the System One protocol names them.
        ask: In words.
        options: Of a choice what is chosen from, of a score its levels; of steps none is named here.
        says: What some options mean, by name.
    """

    kind: str
    ask: str
    options: tuple[str, ...]
    says: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """The question in the System One protocol."""
        criteria: Any = {option: self.says.get(option) for option in self.options}
        if self.kind == "score":
            criteria = list(self.options)
        return {"type": self.kind, "instructions": self.ask, "criteria": criteria}


def typed_questions(rule: VerdictRule, labels: Sequence[str], steps: int = 0) -> dict[str, dict[str, Any]]:
    """What a decision model is asked for a verdict of this rule, by name, in the System One protocol.

    Args:
        rule: The template's; in mode criteria with the criteria that the question is about.
        labels: The slots of the question.
        steps: How many steps the completion has, in mode steps.

    Example:
        >>> from judgebench.verdicts import VerdictRule
        >>> typed_questions(VerdictRule(pattern="([AB])"), "AB")["verdict"]["criteria"]
        {'A': None, 'B': None}
    """
    asked = _asked(rule, labels, [str(step) for step in range(NO_STEP, steps)])
    names = ["verdict"] if len(asked) == 1 else [str(number) for number in range(1, len(asked) + 1)]
    return {name: question.to_json() for name, question in zip(names, asked, strict=True)}


def read_answers(answers: Answers, rule: VerdictRule, k: int) -> Verdict | Failure:
    """The verdict that a decision model's answers are, with its probabilities.

    - A choice: the most probable slot; a tie where several are. Of a ranking rule all slots by their probability.
    - A class, a step, a criterion: the most probable one; of several the first that the template names.
    - A rating: the mean over the scale. Of ratings by criteria their weighted mean.
    - Scores of slots: the slot with the highest mean.

    Args:
        answers: In the order of `typed_questions`: the probability of each option, which sum to 1 but for rounding.
        rule: The template's.
        k: How many slots the question had; 1 where a single completion was shown.

    Returns:
        A failure of kind `refused` where a question has no answer; `unreadable` where an option has no probability, one
        is unknown, or the probabilities are none.
    """
    steps = [*(answers[0] or ())] if rule.steps and answers else []
    if not all(step.removeprefix("-").isdecimal() for step in steps):
        return Failure("unreadable", "an option is not the number of a step")
    asked = _asked(rule, LABELS[:k], sorted(steps, key=int))
    if len(answers) != len(asked):
        return Failure("unreadable", f"{len(answers)} answers to {len(asked)} questions")
    every: list[Shares] = []
    mass = 1.0
    for number, (question, answer) in enumerate(zip(asked, answers, strict=True), 1):
        problem = _problem(question, answer)
        if isinstance(problem, Failure):
            where = f"question {number}: " if len(asked) > 1 else ""
            return Failure(problem.kind, f"{where}{problem.detail}")
        total = math.fsum(problem.values())
        mass *= min(total, 1.0)
        every.append({option: share / total for option, share in problem.items()})
    return _verdict(every, mass, rule, LABELS[:k])


def _asked(rule: VerdictRule, labels: Sequence[str], steps: Sequence[str]) -> list[_Question]:
    if rule.of is not None:
        return [_of_class(rule.of.classes, f"criterion '{each.text}'") for each in rule.asked or ()]
    if rule.classes is not None:
        return [_of_class(rule.classes, "")]
    if rule.scores is not None:
        return [_score(rule.scores, f"score from {{}} does answer {label} get") for label in labels]
    if rule.scale is not None:
        of = [f" for {name}" for name in rule.criteria or ()] or [""]
        return [_score(rule.scale, f"rating from {{}} does the answer get{each}") for each in of]
    if rule.steps:
        said = {str(NO_STEP): "no step is wrong"}
        return [_Question("choice", "Which step is the first wrong one?", tuple(steps), said)]
    better = "better" if len(labels) == 2 else "best"
    options = (*labels, TIE) if rule.can_tie and rule.ranking is None else tuple(labels)
    return [_Question("choice", f"Which answer is {better}: {_either(options)}?", options, {TIE: f"none is {better}"})]


def _of_class(classes: Classes, of: str) -> _Question:
    """A predicate where there are two classes, one of which earns all and the other nothing; else a choice."""
    what = f"the verdict on the {of}" if of else "the verdict"
    if _is_predicate(classes):
        (other,) = (name for name in classes.names if name != classes.positive)
        said = {TRUE: f"the verdict is {classes.positive}", FALSE: f"the verdict is {other}"}
        return _Question("noul", f"Is {what} '{classes.positive}'?", (TRUE, FALSE), said)
    return _Question("choice", f"What is {what}: {_either(classes.names)}?", classes.names, {})


def _is_predicate(classes: Classes) -> bool:
    return len(classes.names) == 2 and classes.abstain is None and set(classes.shares) <= {0.0, 1.0}


def _score(scale: tuple[float, float], asks: str) -> _Question:
    between = f"{scale[0]:g} to {scale[1]:g}"
    return _Question("score", f"Which {asks.format(between)}?", tuple(f"{level:.6g}" for level in levels_of(scale)), {})


def levels_of(scale: tuple[float, float]) -> list[float]:
    """The levels of a score on a scale: its whole numbers, or where those are too many, ones evenly spaced.

    Example:
        >>> levels_of((1, 5)), levels_of((0, 100))
        ([1.0, 2.0, 3.0, 4.0, 5.0], [0.0, 20.0, 40.0, 60.0, 80.0, 100.0])
    """
    low, high = scale
    first, last = math.ceil(low), math.floor(high)
    if (first, last) == (low, high):
        span = last - first
        fits = (n for n in range(MOST_LEVELS - 1, _FEWEST_LEVELS - 2, -1) if span % n == 0)
        steps = span if span < MOST_LEVELS else next(fits, MOST_LEVELS - 1)
    else:
        steps = MOST_LEVELS - 1
    return [low + (high - low) * step / steps for step in range(steps + 1)]


def _either(options: Sequence[str]) -> str:
    return f"{', '.join(options[:-1])} or {options[-1]}"


def _problem(question: _Question, answer: Mapping[str, float | None] | None) -> Shares | Failure:
    """What an answer has of each option, as it came; or what is wrong with it."""
    if answer is None:
        return Failure("refused", "the model gave no answer to the question")
    if unknown := [option for option in answer if option not in question.options]:
        known = ", ".join(question.options[:MOST_LEVELS])
        return Failure("unreadable", f"a probability of '{unknown[0][:40]}', not one of {known}")
    found: Shares = {}
    for option in question.options:
        share = answer.get(option)
        if option not in answer:
            return Failure("unreadable", f"no probability of '{option[:40]}'")
        if share is None or not 0.0 <= share <= 1.0:  # NaN is neither
            said = "no number" if share is None else f"{share:g}"
            return Failure("unreadable", f"the probability of '{option[:40]}' is {said}, expected 0 to 1")
        found[option] = share
    total = math.fsum(found.values())
    if abs(total - 1.0) > _OFF:
        return Failure("unreadable", f"the probabilities sum to {total:.6g}, expected 1")
    return found


def _verdict(every: Sequence[Shares], mass: float, rule: VerdictRule, labels: Sequence[str]) -> Verdict | Failure:
    if rule.of is not None:
        return _of_criteria(every, mass, rule)
    if rule.classes is not None:
        shares = _by_class(every[0], rule.classes)
        return Verdict(_top(shares)[0], soft=_soft(shares, mass))
    if rule.scores is not None:
        spreads = [_spread(shares) for shares in every]
        means = [as_rating(mean_of(spread)) for spread in spreads]
        best = [label for label, mean in zip(labels, means, strict=True) if mean == max(means)]
        parts = tuple(zip(labels, means, strict=True))
        value = best[0] if len(best) == 1 else TIE
        return Verdict(value, parts=parts, soft=_soft(highest(spreads), mass, parts))
    if rule.scale is not None:
        return _rating(every, mass, rule, rule.scale)
    shares = every[0]
    if rule.steps:
        return Verdict(StepIndex(_top(shares)[0]), soft=_soft(shares, mass))
    best = _top(shares)
    value = best[0] if len(best) == 1 else TIE
    return Verdict(value, _ranking(shares) if rule.ranking is not None else None, soft=_soft(shares, mass))


def _rating(every: Sequence[Shares], mass: float, rule: VerdictRule, scale: tuple[float, float]) -> Verdict:
    spreads = [_spread(shares) for shares in every]
    if rule.criteria is None:
        value = as_rating(mean_of(spreads[0]))
        return Verdict(_within(value, scale), soft=_soft({f"{at:.6g}": p for at, p in spreads[0].items()}, mass))
    means = [as_rating(mean_of(spread)) for spread in spreads]
    parts = tuple(zip(rule.criteria, means, strict=True))
    weights = list(rule.criteria.values())
    mean = math.fsum(w * m for w, m in zip(weights, means, strict=True)) / math.fsum(weights)
    counted = [(spread, weight) for spread, weight in zip(spreads, weights, strict=True) if weight]
    levels = weighted_mean([spread for spread, _ in counted], [weight for _, weight in counted], scale)
    soft = _soft({f"{level:.6g}": share for level, share in levels.items()}, mass, parts)
    return Verdict(_within(as_rating(mean), scale), parts=parts, soft=soft)


def _of_criteria(every: Sequence[Shares], mass: float, rule: VerdictRule) -> Verdict | Failure:
    """The most probable class of each criterion, and the score that they make."""
    assert rule.of is not None
    classes = rule.of.classes
    if not every:
        return Failure("unreadable", "the item has no criteria")
    by_class = [_by_class(shares, classes) for shares in every]
    earns = dict(zip(classes.names, classes.shares, strict=True))
    if rule.reads_each:
        (only,) = by_class
        verdict = of_one(_top(only)[0], rule)
        return replace(verdict, soft=_soft({f"{earns[name]:g}": share for name, share in only.items()}, mass))
    ids = [each.id for each in rule.asked or ()]
    met = {each: earns[_top(shares)[0]] for each, shares in zip(ids, by_class, strict=True)}
    value = score_of(met, rule)
    soft: Soft | None = None
    if {*classes.shares} == {0.0, 1.0}:
        whole = [
            (each, shares[classes.names[classes.shares.index(1.0)]]) for each, shares in zip(ids, by_class, strict=True)
        ]
        soft = _soft({f"{value:.6g}": 1.0}, mass, whole)
    return Verdict(value, parts=tuple(met.items()), soft=soft)


def _by_class(shares: Shares, classes: Classes) -> Shares:
    if not _is_predicate(classes):
        return shares
    return {name: shares[TRUE if name == classes.positive else FALSE] for name in classes.names}


def _top(shares: Shares) -> list[str]:
    """The most probable options."""
    most = max(shares.values())
    return [option for option, share in shares.items() if share >= most - _EQUAL]


def _ranking(shares: Shares) -> str:
    places: list[list[str]] = []
    for label, share in sorted(shares.items(), key=lambda each: -each[1]):
        if places and shares[places[-1][0]] - share <= _EQUAL:
            places[-1].append(label)
        else:
            places.append([label])
    return ">".join("=".join(sorted(place)) for place in places)


def _spread(shares: Shares) -> dict[float, float]:
    return {float(level): share for level, share in shares.items()}


def _soft(shares: Shares, mass: float, expected: Iterable[tuple[str, float]] = ()) -> Soft:
    return Soft(tuple(shares.items()), mass, tuple(expected))


def _within(rating: float, scale: tuple[float, float]) -> float:
    return min(max(rating, scale[0]), scale[1])
