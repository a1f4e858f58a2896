"""Sequence classifiers: one number, or a weighted sum of several, for a whole conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench.rewards.batching import batches, padded, unused_token
from judgebench.rewards.loading import Loaded
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
        own = checkpoint.own_loader is not None
        weights = None if own else head_weights(settings.head, checkpoint.labels)
        self._loaded = Loaded(checkpoint, settings, "AutoModelForSequenceClassification")
        self._weights, self._head = weights, settings.head
        self.batch_tokens = self._loaded.batch_tokens
        tokenizer = self._loaded.encoder.tokenizer
        ends = tokenizer.eos_token_id
        self.notes = ()
        if tokenizer.pad_token_id is None or tokenizer.pad_token_id == ends:
            self.notes = ("its tokenizer has no padding token of its own: another token that ends no answer fills up",)
        self.about = {"kind": "classifier", **self._loaded.about, "head": settings.head}

    def encode(self, conversations: Sequence[Conversation]) -> list[Encoded]:
        """Whole conversations through the chat template."""
        return self._loaded.encoder.encode(conversations)

    def read(self, window: Sequence[Encoded]) -> list[ModelScore]:
        """The score of each."""
        import torch

        found: dict[int, ModelScore] = {}
        with torch.inference_mode():
            for batch in batches([len(each.ids) for each in window], self.batch_tokens):
                for at, score in zip(batch, self._scores([window[at].ids for at in batch]), strict=True):
                    found[at] = ModelScore(score, window[at].truncated)
        return [found[at] for at in range(len(window))]

    def _scores(self, rows: list[list[int]]) -> list[float]:
        import torch

        model, tokenizer = self._loaded.model, self._loaded.encoder.tokenizer
        pad = unused_token(rows, tokenizer.pad_token_id, tokenizer.eos_token_id, self._loaded.vocabulary)
        # Transformers looks for the last token that is not this one, whatever the mask says.
        if hasattr(model, "config"):
            model.config.get_text_config().pad_token_id = pad
        ids, mask = padded(rows, pad)
        device = self._loaded.device
        output = model(
            input_ids=torch.tensor(ids, device=device),
            attention_mask=torch.tensor(mask, device=device),
        )
        logits = (output if isinstance(output, torch.Tensor) else output.logits).float()
        if logits.ndim == 1:
            logits = logits[:, None]
        if self._weights is None:
            labels = [f"LABEL_{at}" for at in range(logits.shape[-1])]
            self._weights = head_weights(self._head, labels)
        weights = torch.tensor(self._weights, dtype=torch.float64)
        scores: list[float] = (logits.double().cpu() @ weights).tolist()
        return scores
