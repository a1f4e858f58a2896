"""Process reward models: a score for each step of an answer, read where the model says whether the step is right."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from judgebench.errors import ConfigError
from judgebench.rewards.batching import batches, most_tokens
from judgebench.rewards.loading import Loaded, logits_of
from judgebench.rewards.model import ModelScore, ModelScorer
from judgebench.rewards.settings import head_weights
from judgebench.rewards.stepplaces import StepsAsTurns, StepsInAnswer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from judgebench.items import Item
    from judgebench.rewards.checkpoint import Checkpoint
    from judgebench.rewards.encoding import Encoded
    from judgebench.rewards.scorer import Conversation
    from judgebench.rewards.settings import RewardSettings
    from judgebench.rewards.stepplaces import Parted

_BETWEEN = "\n\n"
"""What parts an answer into steps, where the data does not."""


class ProcessScorer(ModelScorer):
    """A token classifier, or a language model that marks each step as right or wrong.

    A step's score is the probability of the class, or of the token, that means right: after the separator that ends the
    step, or where the assistant answers the turn that holds it.
    """

    def __init__(self, name: str, checkpoint: Checkpoint, settings: RewardSettings) -> None:
        self.name = name
        self._labels, self._head = checkpoint.labels, settings.head
        self._weights: list[float] | None = None
        if settings.step_tokens is None and not checkpoint.own_code:
            self._weights = _class_weights(settings.head, checkpoint.labels)
        self._loaded = Loaded(checkpoint, settings, _class_for(checkpoint, settings))
        self.batch_tokens = self._loaded.batch_tokens
        tokenizer = self._loaded.encoder.tokenizer
        if not tokenizer.is_fast:
            raise ConfigError(f"{checkpoint.model}: finding steps needs a fast tokenizer, and it has none")
        self._tokens = None if settings.step_tokens is None else _two_tokens(settings.step_tokens, tokenizer)
        self._steps: StepsInAnswer | StepsAsTurns
        if settings.step_turns:
            good = (settings.step_tokens or "").partition(",")[0]
            self._steps = StepsAsTurns(name, self._loaded.encoder, good, (self._tokens or [0])[0])
        else:
            self._steps = StepsInAnswer(name, self._loaded.encoder, settings.step_separator or "")
        self.notes = ()
        self.about = {
            "kind": "process",
            **self._loaded.about,
            "step_separator": settings.step_separator,
            "step_tokens": settings.step_tokens,
            "head": settings.head,
        }
        if settings.step_turns:
            self.about["step_turns"] = True

    def step_records(self, items: Iterable[Item]) -> Iterator[ModelScore]:
        """One record an item, all its steps in one pass."""
        return self._recorded(items, self._encode_items)

    def _encode_items(self, items: Sequence[Item]) -> list[Encoded]:
        return self._steps.encode([([turn.message for turn in item.conversation], list(item.steps)) for item in items])

    def encode(self, conversations: Sequence[Conversation]) -> list[Encoded]:
        """Conversations, the last turn of each in steps that blank lines part."""
        parted: list[Parted] = []
        for *before, last in conversations:
            steps = [step for step in last["content"].split(_BETWEEN) if step.strip()]
            parted.append((before, steps or [last["content"]]))
        return self._steps.encode(parted)

    def read(self, window: Sequence[Encoded]) -> list[ModelScore]:
        """The score of each step."""
        import torch

        found: dict[int, ModelScore] = {}
        loaded = self._loaded
        most = self.batch_tokens
        if self._tokens is not None:
            most = most_tokens(most, loaded.vocabulary, loaded.device)
        with torch.inference_mode():
            for batch in batches([len(each.ids) for each in window], most):
                output = loaded.run(**loaded.tensors([window[at].ids for at in batch]))
                for at, logits in zip(batch, logits_of(output), strict=True):
                    places = [place for place in window[at].steps if place >= 0]
                    cut_off = [math.nan] * (len(window[at].steps) - len(places))
                    found[at] = ModelScore([*cut_off, *self._read_at(logits[places].float())], window[at].truncated)
        return [found[at] for at in range(len(window))]

    def _read_at(self, logits: Any) -> list[float]:
        import torch

        if logits.ndim != 2:
            raise ConfigError(f"{self.name}: gives no output for each token: it is no process reward model")
        if self._tokens is not None:
            right: list[float] = logits[:, self._tokens].softmax(-1)[:, 0].tolist()
            return right
        chances = (logits.sigmoid() if logits.shape[-1] == 1 else logits.softmax(-1)).double().cpu()
        if self._weights is None:
            count = int(logits.shape[-1])
            named = self._labels if len(self._labels) == count else [f"LABEL_{at}" for at in range(count)]
            self._weights = _class_weights(self._head, named)
        scores: list[float] = (chances @ torch.tensor(self._weights, dtype=torch.float64)).tolist()
        return scores


def _class_weights(head: str | int | None, labels: list[str]) -> list[float]:
    """What each class counts; of two, the second means right where nothing is said."""
    return head_weights(1 if head is None and len(labels) == 2 else head, labels)


def _class_for(checkpoint: Checkpoint, settings: RewardSettings) -> str:
    if settings.step_tokens is not None:
        return "AutoModelForCausalLM"
    return checkpoint.auto_class("AutoModelForTokenClassification")


def _two_tokens(given: str, tokenizer: Any) -> list[int]:
    """The tokens for a right and a wrong step."""
    names = given.split(",")
    if len(names) != 2 or not all(name.strip() for name in names):
        raise ConfigError(f"--step-tokens {given}: must be two tokens, GOOD,BAD")
    if names[0].startswith(" ") != names[1].startswith(" "):
        raise ConfigError(f"--step-tokens '{given}': one begins with a blank and the other does not: write both alike")
    found = []
    for name in names:
        ids = tokenizer.encode(name, add_special_tokens=False)
        if not ids or (tokenizer.unk_token_id is not None and tokenizer.unk_token_id in ids):
            raise ConfigError(f"--step-tokens {given}: the tokenizer has no token '{name}'")
        found.append(ids[-1])  # some tokenizers put a blank before a text
    if found[0] == found[1]:
        raise ConfigError(f"--step-tokens {given}: both are the same token")
    return found
