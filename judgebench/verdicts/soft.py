"""How probable each verdict was, from the log-probabilities of a reply's tokens. Pure.

A provider tells with each token of a reply what else might have stood there, and how probable each was. Where the
verdict stands, these are the verdicts' probabilities. A verdict of several parts (ratings by criteria, scores of slots,
a ranking) has those of each part in its own place, after what stands before it. Beyond that, parts are taken to be
independent of each other: what the judge would have said after another first part is not known.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

from judgebench.items import LABELS, NO_STEP, TIE, Soft
from judgebench.verdicts.checklist import verdict_of
from judgebench.verdicts.parts import criteria_spans, label_span, score_spans
from judgebench.verdicts.rule import Span

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from judgebench.items import Verdict
    from judgebench.verdicts.rule import VerdictRule

    Spread = dict[float, float]

TOP = 5
"""How many tokens are asked for at each place: every provider that has any gives so many."""

PlacedToken = tuple[int, str, dict[str, float]]
"""A token of a reply: where in the text it begins, itself, and the log-probability of it and of others in its place."""

FIRST, LAST = 16, 48
"""So many tokens are kept from the beginning and the end; between, those that are a letter or a number alone."""

MOST_LEVELS = 101
"""A weighted mean of more different values is spread over as many evenly spaced ones; its mean stays what it was."""

_MOST_RATINGS = 101
_LEAST = -14.0
_FIRST_STEPS, _STEPS = (frozenset(map(str, range(NO_STEP, end))) for end in (10, 101))
"""Numbers of steps: beside one of a single digit, another digit is taken as a number by itself."""
_VERDICT_LIKE = re.compile(r"\W*(?:[A-Z]|\d{1,3})\W*")
_NUMBER = re.compile(r"-?\d+")
_GOES_ON = re.compile(r"\w|\.\d")


def place_tokens(
    text: str | None, tokens: Iterable[tuple[str, Sequence[int] | None, float, dict[str, float]]]
) -> list[PlacedToken] | None:
    """The tokens of a reply that a verdict may be read from, by any rule.

    Args:
        text: The reply.
        tokens: Each with its bytes, where they are told, its log-probability, and those of the others in its place.

    Returns:
        None where there are none, or where they do not make the text.
    """
    every = list(tokens)
    starts = _starts(text or "", [token for token, *_ in every], [raw for _, raw, *_ in every])
    if not text or not every or starts is None:
        return None
    inside = [(at, each) for at, each in zip(starts, every, strict=True) if -len(each[0]) < at < len(text)]
    found = []
    for at, (start, (token, _, own, others)) in enumerate(inside):
        if at >= FIRST and at < len(inside) - LAST and _VERDICT_LIKE.fullmatch(token) is None:
            continue
        known = others | {token: own}
        # One alternative stays, however rare: without any, nothing would be known of what else might have been said.
        best = max((t for t in known if t != token), key=known.__getitem__, default=None)
        kept = {t: round(max(p, -99.0), 6) for t, p in known.items() if t in {token, best} or p > _LEAST}
        found.append((start, token, kept))
    return found


def _starts(text: str, tokens: Sequence[str], raws: Sequence[Sequence[int] | None]) -> list[int] | None:
    """Where in the text each token begins; below 0 for those of thinking before it. None where they do not fit."""
    whole = "".join(tokens)
    at = whole.rfind(text)
    if at >= 0:
        starts, place = [], -at
        for token in tokens:
            starts.append(place)
            place += len(token)
        return starts
    if any(raw is None for raw in raws):
        return None
    # A letter of several tokens has parts that are none by themselves, so places are counted in bytes.
    data = b"".join(bytes(raw) for raw in raws if raw is not None)
    first = data.rfind(text.encode("utf-8", "surrogatepass"))
    if first < 0:
        return None
    starts, place = [], -first
    for raw in raws:
        starts.append(len(data[first : first + place].decode("utf-8", "ignore")) if place >= 0 else place)
        place += len(raw or ())
    return starts


def soft_verdict(
    tokens: Sequence[PlacedToken], text: str, span: Span, verdict: Verdict, rule: VerdictRule, k: int
) -> Soft | None:
    """The probability of each verdict in the place of the one that was read.

    A verdict of several tokens has the product of their probabilities. What might have stood in a token's place, but
    may begin several verdicts, is shared among them evenly, but for numbers: `1` may be 1 or 10, and is left out. That,
    and what is no verdict, lacks in the mass. A choice below the tokens that came counts with the most it can have had:
    the least probability that came, and no more than was left. Of a verdict of several parts:

    - Criteria: of each value of the weighted mean, with the expected rating of each criterion in `expected`.
    - Scores: of each slot to have the highest one, and of a tie; with the expected score of each slot.
    - A verdict on one criterion: of each share of its weight. Of several, each met or not: in `expected` how probable
      it is that each is met, of those whose tokens are known; what was read stands as certain beside it.
    - A strict ranking: of each slot to be named first (Reddy et al. 2024, FIRST, arXiv 2406.15657).

    Args:
        tokens: Those of the reply.
        text: The reply.
        span: Where in it the verdict stands.
        verdict: As it was read there.
        rule: By which it was read.
        k: How many slots the question had; 1 in mode rating.

    Returns:
        None where the tokens of that place, or what else might have stood there, are not known, or a number there is
        no whole one; None too for a ranking
        in which several can be equal, since after the first letter nothing is known of those that were not said.
    """
    if rule.of is not None and rule.reads_all:
        return _soft_checklist(tokens, text, span, verdict, rule.of.values)
    if rule.ranking is not None:
        return _soft_ranking(tokens, text, span, verdict, rule, k)
    if rule.criteria is not None and rule.scale is not None:
        return _soft_criteria(tokens, text, span, verdict, rule)
    if rule.scores is not None:
        return _soft_scores(tokens, text, span, verdict, rule)
    labels = LABELS[:k]
    if rule.steps:
        found = _shares_at(tokens, text, span, _FIRST_STEPS if text[span.start : span.end] in _FIRST_STEPS else _STEPS)
        return None if found is None else _rounded(_normalized(found.by_text), found.mass)
    if rule.scale is not None:
        meanings = _whole_ratings(rule.scale)
    else:
        meanings = {said: said if rule.values is None else rule.values[said] for said in rule.texts(labels)}
    if rule.of is not None:
        meanings = {said: f"{share:g}" for said, share in rule.of.values.items()}
    found = _shares_at(tokens, text, span, meanings)
    if found is None:
        return None
    shares: dict[str, float] = {}
    for said, share in found.by_text.items():
        shares[meanings[said]] = shares.get(meanings[said], 0.0) + share
    shares = _normalized(shares) if rule.scale is not None else _bounded(shares, found)
    # Rounded here, so that they are the same when they are read back from the run's folder.
    return Soft(tuple((value, round(share, 6)) for value, share in shares.items()), round(min(found.mass, 1.0), 6))


def _normalized(shares: Mapping[str, float]) -> dict[str, float]:
    total = math.fsum(shares.values())
    return {value: share / total for value, share in shares.items()}


def _bounded(shares: Mapping[str, float], found: _Shares) -> dict[str, float]:
    """Probabilities of choices, those that did not come at the most they can have had."""
    missing = [value for value, share in shares.items() if not share]
    most = min(found.least, max(0.0, found.outside) / len(missing)) if missing else 0.0
    return _normalized({value: share or most for value, share in shares.items()})


def _soft_ranking(
    tokens: Sequence[PlacedToken], text: str, span: Span, verdict: Verdict, rule: VerdictRule, k: int
) -> Soft | None:
    first = label_span(text[span.start : span.end], str(verdict.value))
    if rule.ranking != "strict" or first is None:
        return None
    found = _shares_at(tokens, text, first.moved(span.start), LABELS[:k])
    return None if found is None else _rounded(_bounded(found.by_text, found), found.mass)


def _soft_criteria(
    tokens: Sequence[PlacedToken], text: str, span: Span, verdict: Verdict, rule: VerdictRule
) -> Soft | None:
    assert rule.criteria is not None
    assert rule.scale is not None
    ratings = [(name, rating) for name, rating in verdict.parts if rule.criteria[name]]
    spans = criteria_spans(text[span.start : span.end], ratings)
    spreads = None if spans is None else _spreads(tokens, text, [part.moved(span.start) for part in spans], rule.scale)
    if spreads is None:
        return None
    known, mass = spreads
    levels = weighted_mean(known, [rule.criteria[name] for name, _ in ratings], rule.scale)
    expected = [(name, mean_of(spread)) for (name, _), spread in zip(ratings, known, strict=True)]
    return _rounded({f"{level:.6g}": share for level, share in levels.items()}, mass, expected)


def _soft_checklist(
    tokens: Sequence[PlacedToken], text: str, span: Span, verdict: Verdict, values: Mapping[str, float]
) -> Soft | None:
    if {*values.values()} != {0.0, 1.0}:
        return None
    inside = text[span.start : span.end]
    expected, mass = [], 1.0
    for name, _ in verdict.parts:
        matches = list(verdict_of(name, tuple(values)).finditer(inside))
        place = Span(*matches[-1].span(1)).moved(span.start) if matches else None
        found = None if place is None else _shares_at(tokens, text, place, values)
        if found is not None:
            shares = _normalized(found.by_text)
            expected.append((name, math.fsum(values[said] * share for said, share in shares.items())))
            mass *= found.mass
    return _rounded({f"{verdict.value:.6g}": 1.0}, mass, expected) if expected else None


def _soft_scores(
    tokens: Sequence[PlacedToken], text: str, span: Span, verdict: Verdict, rule: VerdictRule
) -> Soft | None:
    assert rule.scores is not None
    spans = score_spans(text[span.start : span.end], verdict.parts)
    spreads = None if spans is None else _spreads(tokens, text, [part.moved(span.start) for part in spans], rule.scores)
    if spreads is None:
        return None
    known, mass = spreads
    expected = [(label, mean_of(spread)) for (label, _), spread in zip(verdict.parts, known, strict=True)]
    return _rounded(highest(known), mass, expected)


def _rounded(shares: Mapping[str, float], mass: float, expected: Sequence[tuple[str, float]] = ()) -> Soft:
    """Rounded, so that they are the same when they are read back from the run's folder, without those of nothing."""
    kept = tuple((value, round(share, 6)) for value, share in shares.items() if round(share, 6))
    return Soft(kept, round(min(mass, 1.0), 6), tuple((name, round(mean, 6)) for name, mean in expected))


def _spreads(
    tokens: Sequence[PlacedToken], text: str, spans: Iterable[Span], scale: tuple[float, float]
) -> tuple[list[Spread], float] | None:
    """Of each part the probability of each number, and the product of their masses."""
    texts = _whole_ratings(scale)
    spreads, mass = [], 1.0
    for span in spans:
        found = _shares_at(tokens, text, span, texts)
        if found is None:
            return None
        spreads.append({float(number): share for number, share in _normalized(found.by_text).items()})
        mass *= found.mass
    return spreads, mass


def mean_of(spread: Spread) -> float:
    """The mean of numbers by their probabilities."""
    return math.fsum(level * share for level, share in spread.items())


def weighted_mean(spreads: Sequence[Spread], weights: Sequence[float], scale: tuple[float, float]) -> Spread:
    """The distribution of a weighted mean of independent numbers."""
    total, whole = math.fsum(weights), {0.0: 1.0}
    done = 0.0
    for spread, weight in zip(spreads, weights, strict=True):
        part = weight / total
        longer: Spread = {}
        for level, share in whole.items():
            for number, chance in spread.items():
                value = round(level + part * number, 9)
                longer[value] = longer.get(value, 0.0) + share * chance
        done += part
        whole = _thinned(longer, scale[0] * done, scale[1] * done)
    return dict(sorted(whole.items()))


def _thinned(spread: Spread, low: float, high: float) -> Spread:
    """At most `MOST_LEVELS` levels: each one between two of them is shared so that its mean stays."""
    if len(spread) <= MOST_LEVELS:
        return spread
    step = (high - low) / (MOST_LEVELS - 1)
    thinned: Spread = {}
    for level, share in spread.items():
        at = min(max((level - low) / step, 0.0), MOST_LEVELS - 1.0)
        below = min(math.floor(at), MOST_LEVELS - 2)
        for place, part in ((below, below + 1 - at), (below + 1, at - below)):
            value = round(low + place * step, 9)
            thinned[value] = thinned.get(value, 0.0) + share * part
    return thinned


def highest(spreads: Sequence[Spread]) -> dict[str, float]:
    """The chance of each slot to be above all others, and of a tie at the top."""
    shares = {label: 0.0 for label, _ in zip(LABELS, spreads, strict=False)}
    for label, (at, own) in zip(shares, enumerate(spreads), strict=True):
        others = [*spreads[:at], *spreads[at + 1 :]]
        for level, share in own.items():
            below = (math.fsum(p for number, p in other.items() if number < level) for other in others)
            shares[label] += share * math.prod(below)
    return {**shares, TIE: max(0.0, 1.0 - math.fsum(shares.values()))}


class _Shares(NamedTuple):
    """The probability of each text to stand in a place of a reply.

    Attributes:
        by_text: Of each; 0 where it did not come.
        mass: Their sum.
        least: The least probability that came for any token there.
        outside: What the tokens that came leave to others.
    """

    by_text: dict[str, float]
    mass: float
    least: float
    outside: float


def _shares_at(tokens: Sequence[PlacedToken], text: str, span: Span, texts: Collection[str]) -> _Shares | None:
    """The probability of each text to stand in a place of a reply.

    Args:
        tokens: Those of the reply.
        text: The reply.
        span: The place.
        texts: All that might have stood there.

    Returns:
        None where the tokens are not known, or for none of them what else might have stood there, or what stands there
        is none of the texts.
    """
    start, end = span
    said = text[start:end]
    if said not in texts:
        return None
    found = dict.fromkeys(texts, 0.0)
    path, prefix, reached = 1.0, "", start
    least, outside = 0.0, 0.0
    for place, token, known in tokens:
        if place + len(token) <= start or not token:
            continue
        if place > reached if prefix else place > start:
            return None
        lead = token[: max(0, start - place)]
        reached = place + len(token)
        candidates = {other: None if (rest := _without_lead(other, lead)) is None else prefix + rest for other in known}
        for other, logprob in known.items():
            if other != token:
                _add(found, candidates[other], path * math.exp(logprob), prefix, candidates.values())
        if len(known) > 1:
            least = max(least, path * math.exp(min(known.values())))
            outside += path * (1.0 - math.fsum(map(math.exp, known.values())))
        path *= math.exp(known[token])
        prefix += token[len(lead) :] if lead else token.lstrip() if not prefix else token
        if reached >= end and not _may_go_on(prefix, said, texts):
            break
    if reached < end or not least:
        return None
    found[said] += path
    mass = math.fsum(found.values())
    return _Shares(found, mass, least, outside) if mass > 0.0 else None


def _whole_ratings(scale: tuple[float, float]) -> dict[str, str]:
    """The whole numbers of a scale as texts, under themselves; none of a scale that is too long."""
    low, high = math.ceil(scale[0]), math.floor(scale[1])
    return {str(n): str(n) for n in range(low, high + 1)} if high - low < _MOST_RATINGS else {}


def _without_lead(other: str, lead: str) -> str | None:
    """What of another token belongs to the verdict, where the one that was said began with `lead` before it."""
    if lead and other.startswith(lead):
        return other[len(lead) :]
    # A space before the verdict says nothing: `A` and ` A` are the same.
    return other.lstrip() if not lead.strip() else None


def _add(
    found: dict[str, float], candidate: str | None, share: float, prefix: str, beside: Collection[str | None]
) -> None:
    """Adds a probability to the verdicts that a text is, or may be the beginning of; to no number of several."""
    fitting = [] if candidate is None else _fitting(candidate, found, prefix, beside)
    if len(fitting) > 1 and all(_NUMBER.fullmatch(text) for text in fitting):
        return
    for text in fitting:
        found[text] += share / len(fitting)


def _fitting(candidate: str, texts: Iterable[str], prefix: str, beside: Collection[str | None]) -> list[str]:
    """The verdicts that may begin with a candidate, or else the longest that the candidate goes beyond.

    Where `10` is a token of its own in the same place, `1` is no beginning of it.
    """
    if candidate and candidate != prefix:
        begun = [text for text in texts if text.startswith(candidate) and (text == candidate or text not in beside)]
        if begun:
            return begun
    whole = [text for text in texts if candidate.startswith(text) and not _runs_on(text, candidate[len(text) :])]
    return [max(whole, key=len)] if whole else []


def _runs_on(text: str, rest: str) -> bool:
    """Whether what follows makes another word or number of a verdict's text."""
    return bool(rest) and text[-1:].isalnum() and _GOES_ON.match(rest) is not None


def _may_go_on(prefix: str, said: str, texts: Iterable[str]) -> bool:
    """Whether the next token may still make another verdict of what was said: `1` may become `10`."""
    return prefix == said and any(text != said and text.startswith(said) for text in texts)
