"""How a reward model is run here, as the user says it: checked before anything is loaded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from judgebench.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

Dtype = Literal["float32", "bfloat16", "float16"]
"""The precision of the weights."""

RewardEngine = Literal["local", "ray"]
"""Where a model is run: in this process, or by the actors of a Ray cluster."""


@dataclass(frozen=True, slots=True)
class RewardSettings:
    """How `judgebench reward` runs a model.

    Attributes:
        revision: Branch, tag or commit of a hub model; None for its main branch.
        device: `cpu`, `cuda`, `cuda:1`, `mps`; None for the first accelerator, else the CPU.
        dtype: None for the checkpoint's own on an accelerator, and float32 on the CPU.
        batch_tokens: Most tokens in a batch, padding included; None for 16,384 on an accelerator, 2,048 on the CPU.
        max_length: Tokens of a conversation; what is longer loses its beginning. None for the model's own limit.
        head: Which of several outputs: a name, an index, or weights (`helpfulness=0.7,verbosity=-0.3`).
        chat_template: A Jinja file that takes the place of the tokenizer's chat template.
        text_pair: Give the tokenizer prompt and answer as two texts, without a chat template.
        trust_remote_code: Run the code that comes with the checkpoint.
        reference: The reference model of a DPO policy.
        reference_free: Score a DPO policy by its own log-probability.
        beta: The factor of implicit rewards.
        length_normalized: Divide a completion's log-probability by its number of tokens.
        step_separator: Of a process reward model: the text after each step, at whose last token the score is read.
        step_tokens: Of one that is a language model: its tokens for a right and a wrong step (`+,-`).
        step_turns: Each step is a turn of the user's, and what is said of it the assistant's turn after it.
        steps: How the scores of a completion's steps become one, as in `jb.score`.
        threshold: Of items in steps: a step with a score below it is wrong.
        allow_missing: Count scores that are no finite numbers as failures.
        engine: `ray` runs the model on each GPU, or else each CPU core, of a Ray cluster.
        ray_address: Its address, with `ray`; None for `RAY_ADDRESS`, else one that is started on this machine.
    """

    revision: str | None = None
    device: str | None = None
    dtype: Dtype | None = None
    batch_tokens: int | None = None
    max_length: int | None = None
    head: str | int | None = None
    chat_template: str | Path | None = None
    text_pair: bool = False
    trust_remote_code: bool = False
    reference: str | Path | None = None
    reference_free: bool = False
    beta: float = 0.1
    length_normalized: bool = False
    step_separator: str | None = None
    step_tokens: str | None = None
    step_turns: bool = False
    steps: str | None = None
    threshold: float | None = None
    allow_missing: bool = False
    engine: RewardEngine = "local"
    ray_address: str | None = None

    def __post_init__(self) -> None:
        if self.dtype is not None and self.dtype not in get_args(Dtype):
            raise ConfigError(f"dtype is {self.dtype!r}: must be one of {', '.join(get_args(Dtype))}")
        for name, value in (("batch_tokens", self.batch_tokens), ("max_length", self.max_length)):
            if value is not None and value < 1:
                raise ConfigError(f"{name} is {value}: must be an integer >= 1")
        if not math.isfinite(self.beta) or self.beta <= 0:
            raise ConfigError(f"beta is {self.beta:g}: must be a number > 0")
        if self.reference is not None and self.reference_free:
            raise ConfigError("--reference and --reference-free exclude each other: give one of them")
        if self.text_pair and self.chat_template is not None:
            raise ConfigError("--text-pair takes no chat template: leave --chat-template or --text-pair out")
        if self.step_turns and self.step_separator is not None:
            raise ConfigError("--step-turns and --step-separator exclude each other: give one of them")
        if self.step_turns and self.step_tokens is None:
            raise ConfigError("--step-turns needs --step-tokens GOOD,BAD: what the assistant says of a step")
        if self.step_separator == "":
            raise ConfigError("--step-separator is empty: name the text after each step")
        self._check_engine()

    def _check_engine(self) -> None:
        if self.engine not in get_args(RewardEngine):
            raise ConfigError(f"engine is {self.engine!r}: must be one of {', '.join(get_args(RewardEngine))}")
        if self.engine == "local" and self.ray_address is not None:
            raise ConfigError("--ray-address needs --engine ray: add it, or leave --ray-address out")
        if self.engine == "ray" and self.device not in {None, "cpu", "cuda"}:
            raise ConfigError(
                f"--engine ray gives each of its actors a device: --device {self.device} must be cpu or cuda"
            )


Weights = dict[str, float]
"""Names or indices of outputs and what each counts."""


def head_weights(head: str | int | None, labels: list[str]) -> list[float]:
    """What each of a model's outputs counts in its score.

    Args:
        head: See `RewardSettings.head`; None where there is one output.
        labels: The outputs' names, in their order.

    Raises:
        ConfigError: There are several and nothing says which, or a name is not among them.

    Example:
        >>> head_weights("good=2,bad=-1", ["bad", "good"])
        [-1.0, 2.0]
    """
    if head is None:
        if len(labels) == 1:
            return [1.0]
        raise ConfigError(
            f"the model has {len(labels)} outputs ({', '.join(labels)}): --head NAME|INDEX takes one, "
            "--head NAME=WEIGHT,... a weighted sum"
        )
    parts = [part.strip() for part in str(head).split(",")]
    given: Weights = {}
    for part in parts:
        name, equals, weight = part.rpartition("=") if "=" in part else (part, "", "1")
        try:
            value = float(weight)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise ConfigError(f"--head {part}: the weight of '{name}' is not a number")
        if name.strip() in given:
            raise ConfigError(f"--head {head}: '{name.strip()}' is named twice")
        given[name.strip()] = value
        if not equals and len(parts) > 1:
            raise ConfigError(f"--head {head}: '{part}' has no weight; write NAME=WEIGHT for each output")
    weights = [0.0] * len(labels)
    for name, value in given.items():
        weights[_place(name, labels)] += value
    if not any(weights):
        raise ConfigError(f"--head {head}: all weights are 0, so that every score would be")
    return weights


def _place(name: str, labels: list[str]) -> int:
    folded = [label.casefold() for label in labels]
    if name.casefold() in folded:
        return folded.index(name.casefold())
    try:
        place = int(name)
    except ValueError:
        place = len(labels)
    if not -len(labels) <= place < len(labels):
        raise ConfigError(f"--head {name}: the model has no such output; it has {', '.join(labels)} (0 the first)")
    return place % len(labels)
