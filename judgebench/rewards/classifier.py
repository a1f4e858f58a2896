"""Sequence classifiers: one number, or a weighted sum of several, for a whole conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from judgebench.errors import ConfigError
from judgebench.rewards.batching import batches
from judgebench.rewards.loading import Loaded, logits_of
from judgebench.rewards.model import ModelScore, ModelScorer
from judgebench.rewards.settings import head_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench.rewards.checkpoint import Checkpoint
    from judgebench.rewards.encoding import Encoded
    from judgebench.rewards.scorer import Conversation
    from judgebench.rewards.settings import RewardSettings


class ClassifierScorer(ModelScorer):
    """A sequence classifier of transformers, or a model whose loader another package brings."""

    def __init__(self, name: str, checkpoint: Checkpoint, settings: RewardSettings) -> None:
        self.name = name
        self._labels, self._head = checkpoint.labels, settings.head
        self._weights = None if checkpoint.own_code else head_weights(settings.head, checkpoint.labels)
        self._loaded = Loaded(checkpoint, settings, checkpoint.auto_class("AutoModelForSequenceClassification"))
        self._pairs = settings.text_pair
        self.batch_tokens = self._loaded.batch_tokens
        tokenizer = self._loaded.encoder.tokenizer
        ends = tokenizer.eos_token_id
        self.notes = ()
        if tokenizer.pad_token_id is None or tokenizer.pad_token_id == ends:
            self.notes = ("its tokenizer has no padding token of its own: another token that ends no answer fills up",)
        self.about = {"kind": "classifier", **self._loaded.about, "head": settings.head}
        if self._pairs:
            self.about["text_pair"] = True

    def encode(self, conversations: Sequence[Conversation]) -> list[Encoded]:
        """Whole conversations through the chat template, or each as a pair of texts."""
        encoder = self._loaded.encoder
        return encoder.encode_pairs(conversations) if self._pairs else encoder.encode(conversations)

    def read(self, window: Sequence[Encoded]) -> list[ModelScore]:
        """The score of each."""
        import torch

        found: dict[int, ModelScore] = {}
        with torch.inference_mode():
            for batch in batches([len(each.ids) for each in window], self.batch_tokens):
                for at, score in zip(batch, self._scores([window[at] for at in batch]), strict=True):
                    found[at] = ModelScore(score, window[at].truncated)
        return [found[at] for at in range(len(window))]

    def _scores(self, batch: Sequence[Encoded]) -> list[float]:
        import torch

        given = self._loaded.tensors([each.ids for each in batch], types=[each.types for each in batch])
        logits = logits_of(self._loaded.run(**given)).float()
        if logits.ndim == 1:
            logits = logits[:, None]
        if logits.ndim != 2:
            raise ConfigError(
                f"{self.name}: gives an output of shape {tuple(logits.shape)}, and not one row per conversation: it is "
                "no classifier of conversations; a head of its own needs a loader (docs/reward-models.md)"
            )
        weights = torch.tensor(self._weights_of(logits), dtype=torch.float64)
        scores: list[float] = (logits.double().cpu() @ weights).tolist()
        return scores

    def _weights_of(self, logits: Any) -> list[float]:
        """What each output counts; how many there are is known of a head of its own only when it has run."""
        if self._weights is None:
            count = int(logits.shape[-1])
            named = self._labels if len(self._labels) == count else [f"LABEL_{at}" for at in range(count)]
            self._weights = head_weights(self._head, named)
        return self._weights
