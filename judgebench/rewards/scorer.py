"""What a reward model is here: a score for each conversation."""

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from itertools import islice
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING

from judgebench._util.plugins import blaming, class_of, plugin, plugin_names
from judgebench.errors import ConfigError, unknown_name
from judgebench.sources.files import FORMATS
from judgebench.sources.opening import names_data
from judgebench.sources.source import Row, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from judgebench.benchmarks.dataset import Dataset

    Conversation = list[dict[str, str]]

GROUP = "judgebench.scorers"
"""The entry points under which other packages bring scorers; each names a callable of the text after the colon."""


class Scorer(ABC):
    """A reward model, or anything else that gives an answer a number.

    Attributes:
        name: As in tables.
    """

    name: str

    @abstractmethod
    def scores(self, conversations: Iterable[Conversation]) -> Iterable[float]:
        """One score a conversation, in their order; a higher one means a better answer.

        Args:
            conversations: The prompt's turns and one completion's after them, each `{role, content}`; of items in
                steps, one up to the end of each step. They are read as they are taken, so a model may take as many at
                a time as it has room for.
        """


class LengthScorer(Scorer):
    """The number of characters of the last turn: a baseline, and a reward model for tests."""

    name = "length"

    def scores(self, conversations: Iterable[Conversation]) -> Iterator[float]:
        """The lengths."""
        return (float(len(turns[-1]["content"])) for turns in conversations)


_NAMED = ("nan", "inf", "-inf")
"""How a score file's JSON has what is not finite."""

SCORERS: dict[str, Callable[[str], Scorer]] = {LengthScorer.name: lambda _: LengthScorer()}
"""Those that ship, by name."""


class ScoredDataset(Source):
    """A scorer's scores of a dataset, as rows of `id` and `scores`: what a score file holds."""

    def __init__(self, scorer: Scorer, dataset: Dataset) -> None:
        self.name = scorer.name
        self._scorer, self._dataset = scorer, dataset

    def rows(self) -> Iterator[Row]:
        """A row an item; the scorer is asked as they are taken."""
        scores, said = self._scores(), False
        for key in self._dataset.keys.values():
            wanted = key.steps or key.k
            given = list(islice(scores, wanted))
            if len(given) < wanted:
                raise ConfigError(f"scorer '{self.name}' ended at item '{key.id}': it must score every item")
            said = said or say_not_finite(f"scorer '{self.name}'", key.id, given)
            yield Row(f"{self.name} item '{key.id}'", {"id": key.id, "scores": given})
        if next(scores, None) is not None:
            raise ConfigError(f"scorer '{self.name}' gave more scores than conversations: it must give one score each")

    def _scores(self) -> Iterator[float]:
        with blaming(f"scorer '{self.name}'", self._scorer, "scores"):
            yield from self._scorer.scores(_conversations(self._dataset))

    def count(self) -> int:
        """The number of items."""
        return len(self._dataset.keys)


def say_not_finite(who: str, item_id: str, scores: object) -> bool:
    """Whether a score of an item is not finite; a warning then says so, and what becomes of such items.

    Args:
        who: What gave it, as it starts the sentence.
        item_id: The item's.
        scores: Its scores, in lists of any depth; a text names a number that is not finite.
    """
    found = next(_not_finite(scores), None)
    if found is None:
        return False
    fate = (
        "--allow-missing counts such items as failures; without it the command ends with an error after the last item"
    )
    warnings.warn(f"{who}: item '{item_id}' has the score {found}, not a finite number: {fate}", stacklevel=2)
    return True


def _not_finite(scores: object) -> Iterator[str]:
    if isinstance(scores, list | tuple):
        for each in scores:
            yield from _not_finite(each)
    elif scores in _NAMED or (isinstance(scores, Real) and not math.isfinite(scores)):
        yield str(scores)


def _conversations(dataset: Dataset) -> Iterator[Conversation]:
    for item in dataset:
        before = [turn.message for turn in item.conversation]
        for at in range(len(item.steps)):  # a step by what is there up to its end
            yield [*before, {"role": "assistant", "content": "\n\n".join(item.steps[: at + 1])}]
        for completion in () if item.steps else item.completions:
            turns = (*item.conversation, *completion.turns)
            yield [turn.message for turn in turns]


def find_scorer(given: object) -> Scorer | None:
    """The scorer that is given, or that a text `NAME` or `NAME:REST` names; None for a file's name and anything else.

    Raises:
        ConfigError: The package that brings it is broken, or there is neither a scorer nor a file of this name.
    """
    if isinstance(given, Scorer):
        if problem := _problem(given):
            raise ConfigError(f"scorer {class_of(given)} cannot be used: {problem}")
        return given
    if not isinstance(given, str) or Path(given).expanduser().exists():
        return None
    name, _, rest = given.partition(":")
    if name in SCORERS:
        return SCORERS[name](rest)
    if name not in plugin_names(GROUP):
        if names_data(given):
            return None
        scorers = sorted({*SCORERS, *plugin_names(GROUP)})
        mend = f"The scorers are {', '.join(scorers)}; a file of scores ends in {FORMATS}."
        raise unknown_name("scorer", name, scorers, mend=mend)
    scorer: Scorer = plugin(GROUP, "scorer", name, _problem, rest)
    return scorer


def _problem(made: object) -> str:
    if not isinstance(made, Scorer):
        return "it does not return a judgebench.rewards.scorer.Scorer"
    return "" if isinstance(getattr(made, "name", None), str) else "it has no name: set name to a text"
