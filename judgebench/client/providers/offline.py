"""Judges that need no network: baselines that choose by length, place or chance, as a LiteLLM custom provider.

They go the same way as a real judge. What they are told beside the messages is the hint (`judgebench.templates.hints`);
their answer is the template's own example with their verdict in the place of the example's.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING, Any

from judgebench.client.providers.litellm import transport as lite
from judgebench.judges import OFFLINE
from judgebench.templates import rule_of
from judgebench.verdicts import fill_example, phrase_choice, phrase_rating

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROVIDER = "offline"
HINT = "judgebench_hint"
"""The keyword under which LiteLLM hands the hint to the provider."""

_LONG = 5_000
"""Characters of an answer that gets the highest rating from `longest`."""


def answer(model: str, messages: Sequence[Mapping[str, str]], hint: Mapping[str, Any]) -> str:
    """The reply of the offline judge `longest`, `shortest`, `first` or `random`."""
    rule = rule_of(hint)
    lengths: Sequence[int] = hint["lengths"]
    digest = hashlib.sha256(json.dumps([model, messages]).encode()).digest()
    chance = int.from_bytes(digest[:8], "big")
    if rule.scale is not None:
        return fill_example(rule, phrase_rating(rule, _rating_text(model, lengths[0], chance, rule.scale)))
    slots = range(len(lengths))
    slot = {
        "longest": max(slots, key=lengths.__getitem__),
        "shortest": min(slots, key=lengths.__getitem__),
        "first": 0,
        "random": chance % len(lengths),
    }[model]
    by_length = {"longest": lambda at: -lengths[at], "shortest": lengths.__getitem__}
    others = sorted((at for at in slots if at != slot), key=by_length.get(model))
    return fill_example(rule, phrase_choice(rule, [slot, *others]))


def _rating_text(model: str, length: int, chance: int, scale: tuple[float, float]) -> str:
    """A whole number on the scale, where it holds one; `first` always gives the middle."""
    lowest, highest = scale
    low, high = math.ceil(lowest), math.floor(highest)
    share = min(1.0, math.log1p(length) / math.log1p(_LONG))
    steps = max(high - low, 1)
    place = {"longest": share, "shortest": 1 - share, "first": 0.5, "random": (chance % (steps + 1)) / steps}[model]
    return str(low + round(place * (high - low))) if low <= high else f"{lowest + place * (highest - lowest):g}"


def register() -> None:
    """Makes `offline/...` a provider of LiteLLM's."""
    litellm = lite.litellm()

    base: Any = litellm.CustomLLM

    class OfflineJudge(base):  # type: ignore[misc]
        async def acompletion(self, *_: Any, **call: Any) -> Any:
            response = call["model_response"]
            hint = call["optional_params"][HINT]
            response.choices[0].message.content = answer(call["model"], call["messages"], hint)
            response.model = f"{PROVIDER}/{call['model']}"
            return response

    # Without a price of their own LiteLLM looks for one by patterns, several times a call.
    free = {"litellm_provider": PROVIDER, "mode": "chat", "input_cost_per_token": 0.0, "output_cost_per_token": 0.0}
    litellm.register_model({f"{PROVIDER}/{model}": free for model in OFFLINE})
    others = [entry for entry in litellm.custom_provider_map if entry["provider"] != PROVIDER]
    litellm.custom_provider_map = [*others, {"provider": PROVIDER, "custom_handler": OfflineJudge()}]
