"""How likely a language model finds completions: sums over their tokens, the prompt's keys and values shared."""

from __future__ import annotations

import copy
from contextlib import nullcontext
from inspect import signature
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from judgebench.rewards.batching import batches, most_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench.rewards.encoding import Encoded
    from judgebench.rewards.loading import Loaded

_WORTH_SHARING = 256
"""Prompt tokens that sharing has to save: of short prompts, batches over several items save more."""


class CompletionScorer:
    """Log-probabilities of completions under one model.

    Attributes:
        without_adapter: Whether the model's adapter is switched off.
        share: Whether completions with one prompt share its keys and values.
    """

    def __init__(self, loaded: Loaded, batch_tokens: int, *, without_adapter: bool = False, share: bool = True) -> None:
        self._loaded = loaded
        self.without_adapter, self.share = without_adapter, share
        model = loaded.model
        inner = model.get_base_model() if hasattr(model, "get_base_model") else model
        names = signature(inner.forward).parameters
        self._cache = "cache" if "cache" in names else "past_key_values"  # its name since transformers 5.20
        self._first = {"logits_to_keep": 1} if "logits_to_keep" in names else {}
        self._most = most_tokens(batch_tokens, loaded.vocabulary, loaded.device)

    def logprobs(self, window: Sequence[Encoded]) -> list[float]:
        """For each conversation the sum over its completion's tokens; nothing of the prompt counts."""
        import torch

        found = [0.0] * len(window)
        off = self._loaded.model.disable_adapter() if self.without_adapter else nullcontext()
        with torch.inference_mode(), off:
            alone = []
            for group in self._groups(window):
                prompt = window[group[0]].prompt
                if not (
                    self.share and prompt * (len(group) - 1) >= _WORTH_SHARING and self._shared(window, group, found)
                ):
                    alone += group
            for batch in batches([len(window[at].ids) for at in alone], self._most):
                self._whole([alone[each] for each in batch], window, found)
        return found

    def _groups(self, window: Sequence[Encoded]) -> list[list[int]]:
        """Neighbours with one prompt."""
        groups: list[list[int]] = [[0]] if window else []
        for at, (before, one) in enumerate(pairwise(window), 1):
            same = before.prompt == one.prompt and before.ids[: one.prompt] == one.ids[: one.prompt]
            groups[-1].append(at) if same else groups.append([at])
        return groups

    def _whole(self, batch: Sequence[int], window: Sequence[Encoded], found: list[float]) -> None:
        """Prompt and completion of each, in one pass."""
        rows = [window[at].ids for at in batch]
        logits = self._loaded.run(**self._loaded.tensors(rows), use_cache=False).logits
        for at, row, out in zip(batch, rows, logits, strict=True):
            start = window[at].prompt
            found[at] = _summed(out[start - 1 : len(row) - 1], row[start:])

    def _shared(self, window: Sequence[Encoded], group: Sequence[int], found: list[float]) -> bool:
        """The prompt once, then every completion after its keys and values; false where the model keeps none."""
        import torch

        prompt = window[group[0]].ids[: window[group[0]].prompt]
        model = self._loaded.run
        first = model(**self._loaded.tensors([prompt]), use_cache=True, **self._first)
        kept: Any = getattr(first, self._cache, None)
        if not hasattr(kept, "batch_repeat_interleave"):
            return False
        start = first.logits[0, -1:]
        rest = [window[at].ids[len(prompt) :] for at in group]
        parts = list(batches([len(row) for row in rest], self._most))
        for number, part in enumerate(parts):
            rows = [rest[each] for each in part]
            cache = kept if number == len(parts) - 1 else copy.deepcopy(kept)
            cache.batch_repeat_interleave(len(rows))
            given = self._loaded.tensors(rows, before=len(prompt))
            places = torch.arange(len(prompt), len(prompt) + max(map(len, rows)), device=self._loaded.device)
            given["position_ids"] = places.expand(len(rows), -1)
            logits = model(**given, **{self._cache: cache}, use_cache=True).logits
            for each, row, out in zip(part, rows, logits, strict=True):
                found[group[each]] = _summed(torch.cat([start, out[: len(row) - 1]]), row)
        return True


def _summed(logits: Any, tokens: Sequence[int]) -> float:
    """The log-probability of tokens, each by the logits of the place before it; 0 of none."""
    import torch

    if not tokens:
        return 0.0
    logits = logits.float()
    wanted = torch.tensor(tokens, device=logits.device)[:, None]
    each = logits.gather(-1, wanted)[:, 0] - logits.logsumexp(-1)
    return float(each.double().sum())
