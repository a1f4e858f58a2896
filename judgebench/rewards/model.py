"""What every reward model that is run here has in common: conversations in batches, and a record of each."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from judgebench.errors import ConfigError
from judgebench.rewards.loading import out_of_memory
from judgebench.rewards.scorer import Scorer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from judgebench.items import Item
    from judgebench.rewards.encoding import Encoded
    from judgebench.rewards.scorer import Conversation

T = TypeVar("T")

_SHORT_S, _LONG_S, _MOST_BATCHES = 2.0, 10.0, 16


@dataclass(frozen=True, slots=True)
class ModelScore:
    """What a model says of one conversation.

    Attributes:
        score: One number, or one a step.
        truncated: How many tokens were cut off.
        figures: What else it says, by the name of the score file's column.
    """

    score: float | list[float]
    truncated: int = 0
    figures: dict[str, float | int] = field(default_factory=dict)


class RewardModel(Scorer):
    """A reward model that is run by this command, and says more of each conversation than its score.

    Attributes:
        pending: How many conversations it has read whose records were not yet taken.
        about: What its scores depend on: the checkpoint, the precision, the template; for manifests.
        notes: What a reader must know of it, a sentence each.
    """

    pending: int = 0
    about: dict[str, object]
    notes: tuple[str, ...]

    def scores(self, conversations: Iterable[Conversation]) -> Iterator[float]:
        """One score a conversation."""
        for record in self.records(conversations):
            assert not isinstance(record.score, list), "a model that scores steps says how they become one score"
            yield record.score

    @abstractmethod
    def records(self, conversations: Iterable[Conversation]) -> Iterator[ModelScore]:
        """One record a conversation, in their order."""

    @abstractmethod
    def step_records(self, items: Iterable[Item]) -> Iterator[ModelScore]:
        """One record an item in steps, whose `score` is a list with one number a step."""


class ModelScorer(RewardModel):
    """A reward model whose weights are in this process.

    Attributes:
        batch_tokens: Most tokens in a batch.
        read_at_once: How many conversations are read together.
        batches_at_once: How many full batches are sorted by length among themselves, at first: more where they take
            little time, so that less is padded; fewer where they take long, so that rows are written every few seconds.
    """

    read_at_once: int = 8
    batches_at_once: int = 2

    batch_tokens: int

    def records(self, conversations: Iterable[Conversation]) -> Iterator[ModelScore]:
        """One record a conversation, in their order.

        So many are read that several batches are full, and sorted by length among themselves.
        """
        return self._recorded(conversations, self.encode)

    def step_records(self, items: Iterable[Item]) -> Iterator[ModelScore]:
        """One record an item in steps, whose `score` is a list with one number a step.

        A model that scores whole answers takes each step by what is there up to its end.
        """
        for item in items:
            before = [turn.message for turn in item.conversation]
            parts = [
                [*before, {"role": "assistant", "content": "\n\n".join(item.steps[: at + 1])}]
                for at in range(len(item.steps))
            ]
            found = list(self.records(parts))
            scores = [each.score for each in found if not isinstance(each.score, list)]
            yield ModelScore(scores, sum(each.truncated for each in found))

    def _read(self, window: Sequence[Encoded]) -> list[ModelScore]:
        try:
            return self.read(window)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            raise ConfigError(
                f"{self.name}: out of memory with batches of {self.batch_tokens:,} tokens: lower --batch-tokens or "
                "--max-length, then rerun the same command to resume"
            ) from None

    def _recorded(self, asked: Iterable[T], encode: Callable[[Sequence[T]], list[Encoded]]) -> Iterator[ModelScore]:
        waiting = iter(asked)
        self.pending = 0
        while window := self._window(waiting, encode):
            self.pending = len(window)
            started = monotonic()
            records = self._read(window)
            self._adapt(monotonic() - started)
            for record in records:
                self.pending -= 1
                yield record

    def _adapt(self, seconds: float) -> None:
        """The size of the next window, by how long the last one took."""
        if seconds < _SHORT_S:
            self.batches_at_once = min(8 * self.batches_at_once, _MOST_BATCHES)
        elif seconds > _LONG_S:
            self.batches_at_once = max(self.batches_at_once // 2, 1)

    def _window(self, waiting: Iterator[T], encode: Callable[[Sequence[T]], list[Encoded]]) -> list[Encoded]:
        window: list[Encoded] = []
        tokens = 0
        while tokens < self.batches_at_once * self.batch_tokens and (some := list(islice(waiting, self.read_at_once))):
            encoded = encode(some)
            tokens += sum(len(each.ids) for each in encoded)
            window += encoded
        return window

    @abstractmethod
    def encode(self, conversations: Sequence[Conversation]) -> list[Encoded]:
        """The tokens of some conversations."""

    @abstractmethod
    def read(self, window: Sequence[Encoded]) -> list[ModelScore]:
        """The records of some conversations, in their order."""
