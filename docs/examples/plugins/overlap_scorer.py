"""A scorer that counts the prompt's words in the answer: `judgebench score overlap --benchmark NAME`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench.rewards.scorer import Scorer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class OverlapScorer(Scorer):
    """The share of the prompt's words that the answer has, times a weight."""

    name = "overlap"

    def __init__(self, rest: str) -> None:
        """Args: what stands after `overlap:`; here a weight, in a model's scorer a checkpoint."""
        self._weight = float(rest or 1)

    def scores(self, conversations: Iterable[list[dict[str, str]]]) -> Iterator[float]:
        """One score a conversation, in their order; a model would take them in batches."""
        for *prompt, answer in conversations:
            words = {word for turn in prompt for word in turn["content"].lower().split()}
            shared = words & {*answer["content"].lower().split()}
            yield self._weight * len(shared) / max(1, len(words))
