"""Which column is what, by the names that people give to columns."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PROMPTS = (
    "prompt",
    "question",
    "instruction",
    "query",
    "user_prompt",
    "user_query",
    "user_message",
    "user_input",
    "input",
    "problem",
    "task",
    "request",
    "post",
    "messages",
    "conversation",
    "conversations",
    "history",
    "context",
    "orig_instruction",
    "question_body",
    "original_prompt",
    "prompt_text",
)
"""Names of the prompt's column, the likeliest first."""

INPUTS = ("input",)
"""Names of a text that belongs to an `instruction`."""

SYSTEMS = ("system_prompt", "system_message", "system")

LABELS = (
    "label",
    "winner",
    "human_preference",
    "human_label",
    "human_winner",
    "human_choice",
    "human_vote",
    "human_verdict",
    "human_judgment",
    "preferred",
    "preference",
    "preferred_response",
    "preferred_answer",
    "preferred_output",
    "preferred_model",
    "preferred_completion",
    "chosen_index",
    "preferred_index",
    "winner_index",
    "best_index",
    "better",
    "better_response",
    "better_answer",
    "better_model",
    "best",
    "best_response",
    "best_answer",
    "winning_response",
    "winning_answer",
    "winning_model",
    "winner_model",
    "which_one_is_better",
    "which_answer_is_better",
    "which_response_is_better",
    "which_is_better",
    "chosen_response",
    "chosen_answer",
    "chosen_model",
    "chosen",
    "choice",
    "selected",
    "selection",
    "vote",
    "gold",
    "gold_label",
    "ground_truth",
    "annotation",
    "judgment",
    "judgement",
    "verdict",
    "result",
    "orig_preference",
    "overall_preference",
    "correct",
    "correct_answer",
)
"""Names of the column that says which answer is better, the likeliest first."""

GRADES = ("human_score", "human_rating", "human_grade", "rating", "grade", "score", "stars", "likert", "quality")
"""Names of the column that grades a single answer."""

SINGLES = (
    "response",
    "completion",
    "answer",
    "output",
    "reply",
    "generation",
    "model_output",
    "model_response",
    "model_answer",
    "assistant_response",
    "prediction",
)
"""Names of the column of a single answer."""

LISTS = ("completions", "responses", "answers", "outputs", "candidates", "generations", "options")
"""Names of a column that lists all answers."""

RATED = ("ratings", "rating", "scores", "score", "rewards", "ranks", "rank")
"""Names of a column that lists a number for each of them, the highest of the best; of a rank the lowest."""

_STEMS = (
    "response",
    "answer",
    "completion",
    "output",
    "reply",
    "generation",
    "candidate",
    "solution",
    "summary",
    "translation",
    "conversation",
    "assistant",
    "text",
    "option",
    "choice",
    "variant",
    "version",
    "result",
    "ref",
    "",
    "model",
)
"""Words for an answer, the likeliest first; the empty one is a column called `a`, or `left`."""

_MORE = frozenset(
    {
        "edited",
        "revised",
        "model",
        "llm",
        "human",
        "text",
        "content",
        "body",
        "the",
        "orig",
        "ai",
        "bot",
        "ref",
        "system",
    }
)
"""Words that may stand beside them."""

_SERIES = (
    ("a", "b", "c", "d", "e", "f", "g", "h"),
    ("1", "2", "3", "4", "5", "6", "7", "8", "9", "10"),
    ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"),
    ("first", "second", "third", "fourth"),
    ("one", "two", "three", "four"),
    ("left", "right"),
)
_BARE = frozenset({"a", "first", "left"})
"""What may be a column's whole name."""

_WON = ("chosen", "preferred", "winner", "winning", "better", "positive", "accepted", "good", "y w", "win", "pos")
_LOST = (
    "rejected",
    "reject",
    "dispreferred",
    "non preferred",
    "loser",
    "losing",
    "worse",
    "negative",
    "bad",
    "y l",
    "lose",
    "neg",
)


@lru_cache(maxsize=4096)
def plain(name: object) -> str:
    """A column's name for comparison: its letters and digits without case.

    Example:
        >>> plain("Response A") == plain("response_a") == plain("responseA")
        True
    """
    return re.sub(r"[\W_]+", "", str(name)).casefold()


def says_role(name: str) -> bool:
    """Whether a column's name is one of a prompt's, an answer's, a label's or a grade's."""
    known = {plain(each) for names in (PROMPTS, SYSTEMS, LABELS, GRADES, SINGLES, LISTS) for each in names}
    of = words(name)
    slot = len(of) == 1 and any(of[0] in series for series in _SERIES)
    sides = bool({*of} & {*_WON, *_LOST})
    return plain(name) in known or slot or sides or any(_rank(of, place) is not None for place in range(len(of)))


def words(name: object) -> tuple[str, ...]:
    """The words of a column's name: `modelAResponse`, `model_a_response` and `Model A Response` have the same."""
    text = re.sub(
        r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", " ", str(name)
    )
    return tuple(re.sub(r"[\W_]+", " ", text).casefold().split())


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table, looked up by any spelling of their names."""

    names: Sequence[str]
    _by_plain: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, names: Iterable[object]) -> Columns:
        """The columns of these names; of two that differ only in spelling the first counts."""
        texts = [str(name) for name in names]
        return cls(texts, {plain(name): name for name in reversed(texts)})

    def find(self, *names: str) -> str | None:
        """The table's own name of the first of `names` that it has."""
        return next((self._by_plain[plain(name)] for name in names if plain(name) in self._by_plain), None)

    def has(self, *names: str) -> bool:
        """Whether it has all of `names`."""
        return all(plain(name) in self._by_plain for name in names)

    def all(self, names: Iterable[str]) -> list[str]:
        """The table's own names of those of `names` that it has, in their order."""
        return [self._by_plain[plain(name)] for name in names if plain(name) in self._by_plain]

    def answers(self) -> tuple[str, ...]:
        """The columns that hold the answers, one each (`response_a`, `response_b`), in their order; () if none do."""
        by_words = {words(name): name for name in reversed(self.names)}
        found: list[tuple[tuple[int, int, int, int], tuple[str, ...]]] = []
        for name in self.names:
            of = words(name)
            for series_at, series in enumerate(_SERIES):
                for place, word in enumerate(of):
                    if word == series[0] and (rank := _rank(of, place)) is not None:
                        group = _series(by_words, of, place, series)
                        if len(group) > 1:
                            found.append(((*rank, -len(group), series_at), group))
        return min(found)[1] if found else ()

    def named_answers(self) -> dict[str, str]:
        """Two columns that hold the answers of two models by name (`gpt4_response`, `claude_response`).

        Returns:
            The model's name -> its column; empty where there are not exactly two such columns.
        """
        for stem in _STEMS[:-2]:
            found = {" ".join(rest): name for name in self.names if (rest := _named(words(name), stem))}
            if len(found) == 2:
                return found
        return {}

    def preferred(self) -> tuple[str, str] | None:
        """The two columns of the better and the worse answer (`chosen`, `rejected`); None if there are none."""
        by_words = {" ".join(words(name)): name for name in reversed(self.names)}
        for better in _WON:
            for worse in _LOST:
                for name, own in by_words.items():
                    rest = _without(name, better)
                    if rest is None or (rest and not _is_answer(rest)):
                        continue
                    other = next(
                        (by_words[each] for each in by_words if _without(each, worse) == rest and each != name), None
                    )
                    if other is not None:
                        return own, other
        return None


def _without(name: str, word: str) -> str | None:
    """A name's other words, where `word` is one of it; None where it is not."""
    parts = f" {name} ".split(f" {word} ")
    return " ".join(" ".join(parts).split()) if len(parts) == 2 else None


def _is_answer(rest: str) -> bool:
    return all(word in _STEMS or word in _MORE for word in rest.split()) and rest != "model"


def _named(of: tuple[str, ...], stem: str) -> tuple[str, ...] | None:
    """The other words of a name that begins or ends with a word for an answer; None where it does not."""
    if len(of) < 2 or stem not in {of[0], of[-1]}:
        return None
    rest = of[:-1] if of[-1] == stem else of[1:]
    return rest if not set(rest) & {"correct", "reference", "ref", "gold", "expected", "ideal", "the"} else None


def _rank(of: tuple[str, ...], place: int) -> tuple[int, int] | None:
    """How likely a column with these words, one of which counts, holds an answer; None if it does not."""
    rest = of[:place] + of[place + 1 :]
    if not rest:
        return (_STEMS.index(""), 0) if of[place] in _BARE else None
    stems = [word for word in rest if word in _STEMS]
    others = [word for word in rest if word not in _STEMS]
    if not stems or any(word not in _MORE for word in others):
        return None
    return min(_STEMS.index(word) for word in stems), len(rest)


def _series(
    by_words: Mapping[tuple[str, ...], str], of: tuple[str, ...], place: int, series: tuple[str, ...]
) -> tuple[str, ...]:
    group = []
    for word in series:
        own = by_words.get((*of[:place], word, *of[place + 1 :]))
        if own is None:
            break
        group.append(own)
    return tuple(group)
