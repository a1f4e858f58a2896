"""Process reward models: a score for each step of an answer, read at the text that ends the step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from judgebench.errors import ConfigError
from judgebench.rewards.batching import batches, most_tokens, padded, unused_token
from judgebench.rewards.encoding import Encoded
from judgebench.rewards.loading import Loaded
from judgebench.rewards.model import ModelScore, ModelScorer
from judgebench.rewards.settings import head_weights

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from judgebench.items import Item
    from judgebench.rewards.checkpoint import Checkpoint
    from judgebench.rewards.scorer import Conversation
    from judgebench.rewards.settings import RewardSettings

_BETWEEN = "\n\n"
"""What parts an answer into steps, where the data does not."""


class ProcessScorer(ModelScorer):
    """A token classifier, or a language model that marks each step as right or wrong.

    The model reads the answer as its steps with the separator after each, and a step's score is read at the last token
    of its separator: the probability of the class, or of the token, that means right.
    """

    def __init__(self, name: str, checkpoint: Checkpoint, settings: RewardSettings) -> None:
        self.name = name
        self._separator = settings.step_separator or ""
        self._weights: list[float] | None = None
        if settings.step_tokens is None and checkpoint.own_loader is None:
            head = 1 if settings.head is None and len(checkpoint.labels) == 2 else settings.head
            self._weights = head_weights(head, checkpoint.labels)
        self._loaded = Loaded(checkpoint, settings, _class_for(checkpoint, settings))
        self.batch_tokens = self._loaded.batch_tokens
        tokenizer = self._loaded.encoder.tokenizer
        if not tokenizer.is_fast:
            raise ConfigError(f"{checkpoint.model}: finding steps needs a fast tokenizer, and it has none")
        self._tokens = None if settings.step_tokens is None else _two_tokens(settings.step_tokens, tokenizer)
        self.notes = ()
        self.about = {
            "kind": "process",
            **self._loaded.about,
            "step_separator": self._separator,
            "step_tokens": settings.step_tokens,
            "head": settings.head,
        }

    def step_records(self, items: Iterable[Item]) -> Iterator[ModelScore]:
        """One record an item, all its steps in one pass."""
        return self._recorded(items, self._encode_items)

    def _encode_items(self, items: Sequence[Item]) -> list[Encoded]:
        return self._encode([([turn.message for turn in item.conversation], list(item.steps)) for item in items])

    def encode(self, conversations: Sequence[Conversation]) -> list[Encoded]:
        """Conversations, the last turn of each in steps that blank lines part."""
        parted = []
        for *before, last in conversations:
            steps = [step for step in last["content"].split(_BETWEEN) if step.strip()]
            parted.append((before, steps or [last["content"]]))
        return self._encode(parted)

    def _encode(self, parted: Sequence[tuple[Conversation, list[str]]]) -> list[Encoded]:
        encoder = self._loaded.encoder
        answers = ["".join(step + self._separator for step in steps) for _, steps in parted]
        turns = [
            [*before, {"role": "assistant", "content": answer}]
            for (before, _), answer in zip(parted, answers, strict=True)
        ]
        texts = encoder.texts(turns)
        found = encoder.tokenizer(
            texts, add_special_tokens=False, verbose=False, return_attention_mask=False, return_offsets_mapping=True
        )
        encoded = []
        for text, answer, (_, steps), ids, spans in zip(
            texts, answers, parted, found["input_ids"], found["offset_mapping"], strict=True
        ):
            start = text.rfind(answer)
            if start < 0:
                raise ConfigError(
                    f"{self.name}: its chat template changes the answer's text, so that steps are not found in it: "
                    "give another with --chat-template, or a --step-separator that it leaves alone"
                )
            places = self._places(spans, start, steps)
            encoded.append(encoder.cut(Encoded(list(ids), steps=places)))
        return encoded

    def _places(self, spans: Sequence[tuple[int, int]], start: int, steps: Sequence[str]) -> tuple[int, ...]:
        """The last token of each step's separator."""
        places = []
        token = 0
        for step in steps:
            start += len(step) + len(self._separator)
            while token + 1 < len(spans) and spans[token + 1][0] < start:
                token += 1
            if spans[token][1] > start:
                raise ConfigError(
                    f"{self.name}: the tokenizer joins --step-separator {self._separator!r} with the text after it: "
                    "name a separator that ends a token"
                )
            places.append(token)
        return tuple(places)

    def read(self, window: Sequence[Encoded]) -> list[ModelScore]:
        """The score of each step."""
        import torch

        found: dict[int, ModelScore] = {}
        loaded = self._loaded
        tokenizer = loaded.encoder.tokenizer
        most = self.batch_tokens
        if self._tokens is not None:
            most = most_tokens(most, loaded.vocabulary, loaded.device)
        with torch.inference_mode():
            for batch in batches([len(each.ids) for each in window], most):
                rows = [window[at].ids for at in batch]
                pad = unused_token(rows, tokenizer.pad_token_id, tokenizer.eos_token_id, loaded.vocabulary)
                ids, mask = padded(rows, pad)
                output = loaded.model(
                    input_ids=torch.tensor(ids, device=loaded.device),
                    attention_mask=torch.tensor(mask, device=loaded.device),
                )
                for at, logits in zip(batch, _logits(output), strict=True):
                    places = [place for place in window[at].steps if place >= 0]
                    cut_off = [math.nan] * (len(window[at].steps) - len(places))
                    found[at] = ModelScore([*cut_off, *self._read_at(logits[places].float())], window[at].truncated)
        return [found[at] for at in range(len(window))]

    def _read_at(self, logits: Any) -> list[float]:
        import torch

        if self._tokens is not None:
            right: list[float] = logits[:, self._tokens].softmax(-1)[:, 0].tolist()
            return right
        chances = (logits.sigmoid() if logits.shape[-1] == 1 else logits.softmax(-1)).double().cpu()
        weights = self._weights or [1.0] + [0.0] * (logits.shape[-1] - 1)
        scores: list[float] = (chances @ torch.tensor(weights, dtype=torch.float64)).tolist()
        return scores


def _logits(output: Any) -> Any:
    """What a model gives for each token: of code of its own it may be the first of several."""
    if hasattr(output, "logits"):
        return output.logits
    return output[0] if isinstance(output, tuple | list) else output


def _class_for(checkpoint: Checkpoint, settings: RewardSettings) -> str:
    if settings.step_tokens is not None:
        return "AutoModelForCausalLM"
    own = checkpoint.config.get("auto_map") or {}
    return "AutoModel" if "AutoModel" in own and "AutoModelForTokenClassification" not in own else _TOKENS


_TOKENS = "AutoModelForTokenClassification"


def _two_tokens(given: str, tokenizer: Any) -> list[int]:
    """The tokens for a right and a wrong step."""
    names = [name.strip() for name in given.split(",")]
    if len(names) != 2 or not all(names):
        raise ConfigError(f"--step-tokens {given}: must be two tokens, GOOD,BAD")
    found = []
    for name in names:
        ids = tokenizer.encode(name, add_special_tokens=False)
        if not ids or (tokenizer.unk_token_id is not None and tokenizer.unk_token_id in ids):
            raise ConfigError(f"--step-tokens {given}: the tokenizer has no token '{name}'")
        found.append(ids[-1])  # some tokenizers put a blank before a text
    if found[0] == found[1]:
        raise ConfigError(f"--step-tokens {given}: both are the same token")
    return found
