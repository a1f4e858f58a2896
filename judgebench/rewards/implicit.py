"""Language models trained by preferences as reward models: how much likelier an answer is than under the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench.errors import ConfigError
from judgebench.rewards.checkpoint import Checkpoint, find_checkpoint
from judgebench.rewards.encoding import Encoded
from judgebench.rewards.loading import Loaded
from judgebench.rewards.logprobs import CompletionScorer
from judgebench.rewards.model import ModelScore, ModelScorer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench.rewards.scorer import Conversation
    from judgebench.rewards.settings import RewardSettings

_AUTO = "AutoModelForCausalLM"


class ImplicitScorer(ModelScorer):
    """DPO's implicit reward: beta (log pi(y|x) - log pi_ref(y|x)), the second term left out where it is reference-free.

    Of an adapter the base is the reference, which is the same model with the adapter switched off.
    """

    def __init__(self, name: str, checkpoint: Checkpoint, settings: RewardSettings, *, share: bool = True) -> None:
        self.name, self._settings = name, settings
        self.notes = ()
        own = checkpoint.adapter_path is not None and settings.reference is None and not settings.reference_free
        reference = None
        if settings.reference is not None:
            reference = find_checkpoint(str(settings.reference), settings)
            if "CausalLM" not in (reference.architecture or "CausalLM"):
                raise ConfigError(f"--reference {reference.model}: is no language model ({reference.architecture})")
        self._loaded = Loaded(checkpoint, settings, _AUTO)
        self.batch_tokens = self._loaded.batch_tokens
        self._policy = CompletionScorer(self._loaded, self.batch_tokens, share=share)
        self._reference: CompletionScorer | None = None
        about: object = None
        if own:
            self._reference = CompletionScorer(self._loaded, self.batch_tokens, without_adapter=True, share=share)
            about = "the base, with the adapter switched off"
        elif reference is not None:
            loaded = Loaded(reference, settings, _AUTO)
            _check_tokens(self._loaded, loaded)
            _check_other(self._loaded, loaded)
            self._reference = CompletionScorer(loaded, self.batch_tokens, share=share)
            about = {name: value for name, value in loaded.about.items() if name not in {"versions", "device"}}
        self.about = {
            "kind": "implicit",
            **self._loaded.about,
            "reference": about,
            "beta": settings.beta,
            "length_normalized": settings.length_normalized,
        }

    def encode(self, conversations: Sequence[Conversation]) -> list[Encoded]:
        """Whole conversations, with the place where the last turn's answer begins."""
        encoder = self._loaded.encoder
        whole = encoder.tokens(encoder.texts(conversations))
        before = [turns[:-1] for turns in conversations]
        prompts = {str(turns): turns for turns in before}  # those of one item are equal
        made = encoder.tokens(encoder.texts(list(prompts.values()), prompts=True))
        tokens = dict(zip(prompts, made, strict=True))
        found = []
        for ids, turns in zip(whole, before, strict=True):
            prompt = _common(tokens[str(turns)], ids)
            cut = encoder.cut(Encoded(ids, prompt))
            cut.prompt = max(cut.prompt, 1)  # nothing says how likely a first token is
            found.append(cut)
        return found

    def read(self, window: Sequence[Encoded]) -> list[ModelScore]:
        """The reward of each, and what it is made of."""
        policy = self._policy.logprobs(window)
        reference = None if self._reference is None else self._reference.logprobs(window)
        found = []
        for at, (one, own) in enumerate(zip(window, policy, strict=True)):
            tokens = len(one.ids) - one.prompt
            figures: dict[str, float | int] = {"logprobs": own, "tokens": tokens}
            if reference is not None:
                figures["reference_logprobs"] = reference[at]
            score = reward_of(figures, self._settings.beta, per_token=self._settings.length_normalized)
            found.append(ModelScore(score, one.truncated, figures))
        return found


def reward_of(
    figures: dict[str, float | int], beta: float, *, per_token: bool = False, with_reference: bool = True
) -> float:
    """The implicit reward of a completion.

    Args:
        figures: `logprobs`, `tokens`, and `reference_logprobs` where there is a reference.
        beta: The factor.
        per_token: Whether log-probabilities are divided by the number of tokens.
        with_reference: Whether the reference's is taken off.

    Example:
        >>> reward_of({"logprobs": -8.0, "reference_logprobs": -12.0, "tokens": 4}, 0.5)
        2.0
    """
    reference = figures.get("reference_logprobs", 0.0) if with_reference else 0.0
    return beta * (figures["logprobs"] - reference) / (max(figures["tokens"], 1) if per_token else 1)


def _common(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens two sequences begin with alike."""
    for at, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return at
    return min(len(first), len(second))


_SAME = ("weights", "model", "commit", "base", "adapter")


def _check_other(policy: Loaded, reference: Loaded) -> None:
    one, other = (
        {name: each.about.get(name) for name in _SAME if name != "model" or "weights" not in each.about}
        for each in (policy, reference)
    )
    if one == other:
        raise ConfigError(
            f"--reference {reference.checkpoint.model}: is the policy itself, so that every reward would be 0: name "
            "the model that the policy was trained from, or --reference-free"
        )


def _check_tokens(policy: Loaded, reference: Loaded) -> None:
    if policy.encoder.tokenizer.get_vocab() != reference.encoder.tokenizer.get_vocab():
        raise ConfigError(
            f"--reference {reference.checkpoint.model}: its tokenizer has other tokens than that of "
            f"{policy.checkpoint.model}: name the model that the policy was trained from"
        )
