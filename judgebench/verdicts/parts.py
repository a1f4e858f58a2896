"""Verdicts of several parts: a ranking of all slots, a rating of each criterion, a score of each slot. Pure."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from judgebench.items import TIE, Failure, Verdict, as_rating
from judgebench.verdicts.marks import number_goes_on
from judgebench.verdicts.objects import object_fields
from judgebench.verdicts.rule import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_SCORES = re.compile(rf"\s*{_NUMBER}(?:[\s,;|]+{_NUMBER})*\s*")
_DECORATION = " \t\r\n[](){}*_`\"'."


def read_ranking(text: str, labels: Sequence[str], *, ties: bool) -> Verdict | Failure:
    """The verdict of a ranking such as `B > A > C`: its first, and the whole of it.

    Args:
        text: Labels from the best to the worst with `>` between them, in brackets or not.
        labels: The slots of the question, each of which must be there once.
        ties: Whether `=` may stand between two that are equally good; several in the first place are a tie.
    """
    places = [[part.strip(_DECORATION) for part in place.split("=")] for place in text.split(">")]
    said, labels = [label for place in places for label in place], tuple(labels)
    if not ties and len(said) > len(places):
        return Failure("unreadable", "a ranking with '=', which the rule does not allow")
    if unknown := [label for label in said if label not in labels]:
        return Failure("unreadable", f"a ranking with {_short(unknown[0])}, not one of {', '.join(labels)}")
    if twice := [label for label in labels if said.count(label) > 1]:
        return Failure("unreadable", f"a ranking with {', '.join(twice)} in several places")
    if missing := [label for label in labels if label not in said]:
        return Failure("unreadable", f"a ranking without {', '.join(missing)}")
    value = places[0][0] if len(places[0]) == 1 else TIE
    return Verdict(value, ranking=">".join("=".join(sorted(place)) for place in places))


def read_criteria(text: str, weights: Mapping[str, float], scale: tuple[float, float]) -> Verdict | Failure:
    """The weighted mean of a rating for each criterion, such as `helpfulness: 4, correctness: 3`.

    Args:
        text: The criteria, in upper or lower case and any order, each with its number; others are left aside.
        weights: What each criterion counts; some more than 0, none less.
        scale: The lowest and the highest rating.
    """
    ratings = []
    for name in weights:
        matches = list(_criterion_pattern(name).finditer(text))
        if undecided := next(filter(None, (number_goes_on(text, match.end(), scale[1]) for match in matches)), None):
            return Failure("unreadable", f"'{name}': {undecided}")
        found = {float(match[1]) for match in matches}
        if not found:
            return Failure("unreadable", f"no rating of '{name}'")
        if len(found) > 1:
            said = ", ".join(f"{number:g}" for number in sorted(found))
            return Failure("ambiguous", f"rates '{name}' with {said}")
        ratings.append((name, found.pop()))
    if outside := _outside(ratings, scale):
        return outside
    mean = math.fsum(weights[name] * rating for name, rating in ratings) / math.fsum(weights.values())
    return Verdict(min(max(as_rating(mean), scale[0]), scale[1]), parts=tuple(ratings))


def read_slot_scores(text: str, labels: Sequence[str], scale: tuple[float, float]) -> Verdict | Failure:
    """The slot with the highest of several scores, such as `8 6`; a tie where several have it.

    Args:
        text: A number for each slot in the order shown, with white space, `,`, `;` or `|` between them.
        labels: The slots of the question.
        scale: The lowest and the highest score.
    """
    if _SCORES.fullmatch(text) is None:
        return Failure("unreadable", f"{_short(text)} is not a list of scores")
    numbers = [float(number) for number in re.findall(_NUMBER, text)]
    if len(numbers) != len(labels):
        return Failure("unreadable", f"{len(numbers)} scores for {len(labels)} slots")
    scores = list(zip(labels, numbers, strict=True))
    if outside := _outside(scores, scale):
        return outside
    best = [label for label, score in scores if score == max(numbers)]
    return Verdict(best[0] if len(best) == 1 else TIE, parts=tuple(scores))


def as_text(value: Any) -> str:
    """A field of a structured reply as the text that the readers above take: a list, an object, or text."""
    if isinstance(value, dict):
        return "\n".join(f"{name}: {part}" for name, part in value.items())
    if isinstance(value, list):
        numbers = all(isinstance(part, int | float) for part in value)
        return (" " if numbers else ">").join(str(part) for part in value)
    return str(value)


def ranking_like(example: str, labels: Sequence[str]) -> str:
    """A ranking of these labels in the form of another: its brackets and its spaces."""
    first, between = (re.search(pattern, example) for pattern in (r"\A[^>=]*", r"(?<=[\w\])])\s*>\s*"))
    around = first.group().strip() if first else ""
    before, _, after = around.partition(around.strip(_DECORATION) or around)
    return (between.group() if between else " > ").join(f"{before}{label}{after}" for label in labels)


def criteria_like(example: str, names: Sequence[str], said: Callable[[str], str]) -> str:
    """The ratings of an example with others in their place: for each name what `said` gives."""
    for name in names:
        for match in reversed(list(_criterion_pattern(name).finditer(example))):
            example = f"{example[: match.start(1)]}{said(name)}{example[match.end(1) :]}"
    return example


def scores_like(example: str, scores: Sequence[str]) -> str:
    """Scores with what stands between those of an example."""
    between = re.search(rf"(?<=\d)[\s,;|]+(?={_NUMBER})", example)
    return (between.group() if between else " ").join(scores)


def criteria_spans(text: str, ratings: Sequence[tuple[str, float]]) -> list[Span] | None:
    """Where the rating of each criterion stands, the last of equal ones; None where one is not to be found.

    Args:
        text: What `read_criteria` has read, or the object that it was read from.
        ratings: What it read: names and numbers.
    """
    spans = [
        next(
            (
                Span(*match.span(1))
                for match in reversed(list(_criterion_pattern(name).finditer(text)))
                if _is_number(match[1], rating)
            ),
            None,
        )
        for name, rating in ratings
    ]
    return _all_known(spans)


def score_spans(text: str, scores: Sequence[tuple[str, float]]) -> list[Span] | None:
    """Where the score of each slot stands; None where one is not to be found.

    Args:
        text: What `read_slot_scores` has read, or the list or object that it was read from.
        scores: What it read: letters and numbers.
    """
    if text.startswith("{"):
        try:
            fields = {name: span for name, _, span in object_fields(text)}
        except (ValueError, IndexError):  # an object that is not quite of JSON
            return None
        spans = [fields.get(label) for label, _ in scores]
    else:
        spans = [Span(*match.span()) for match in re.finditer(_NUMBER, text)]
    known = _all_known(spans)
    if known is None or len(known) != len(scores):
        return None
    same = all(_is_number(text[start:end], score) for (start, end), (_, score) in zip(known, scores, strict=True))
    return known if same else None


def label_span(text: str, label: str) -> Span | None:
    """Where a slot's letter first stands by itself."""
    match = re.search(rf"(?<!\w){re.escape(label)}(?!\w)", text)
    return None if match is None else Span(*match.span())


def _all_known(spans: Sequence[Span | None]) -> list[Span] | None:
    known = [span for span in spans if span is not None]
    return known if len(known) == len(spans) else None


def _is_number(text: str, number: float) -> bool:
    """Whether a text is this number."""
    return float(text) == number


@lru_cache(maxsize=256)
def _criterion_pattern(name: str) -> re.Pattern[str]:
    """A criterion's name and, as the group, its number: `**Clarity**: 4`, `clarity=4`, `"clarity": 4`."""
    words = r"\s+".join(map(re.escape, name.split()))
    return re.compile(
        rf"(?<!\w){words}[\"'*_`\s]{{0,20}}[:=]?[\"'*_`\s\[]{{0,20}}({_NUMBER})(?!\w|\.\d)", re.IGNORECASE
    )


def _outside(parts: Sequence[tuple[str, float]], scale: tuple[float, float]) -> Failure | None:
    for name, number in parts:
        if not scale[0] <= number <= scale[1]:
            return Failure("unreadable", f"'{name}' has {number:g}, outside {scale[0]:g} to {scale[1]:g}")
    return None


def _short(text: str) -> str:
    line = " ".join(text.split())
    return f"'{line if len(line) <= 40 else line[:37] + '...'}'"
