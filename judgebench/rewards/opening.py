"""Which kind of reward model a checkpoint is, and the scorer that runs it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from judgebench.errors import ConfigError
from judgebench.rewards.checkpoint import Checkpoint, find_checkpoint, need_libraries

if TYPE_CHECKING:
    from judgebench.rewards.model import ModelScorer
    from judgebench.rewards.settings import RewardSettings


def open_model(model: str | Path, settings: RewardSettings, name: str | None = None) -> ModelScorer:
    """Loads a reward model.

    Args:
        model: A folder, a GGUF file, or an id on the hub.
        settings: How it is run.
        name: As in tables; None for the folder's name, or the id.

    Raises:
        ConfigError: It is no reward model that can be run so; the message says what it is and how to go on.
    """
    need_libraries()
    checkpoint = find_checkpoint(str(model), settings, settings.revision)
    called = name or _name_of(str(model))
    from judgebench.rewards.classifier import ClassifierScorer

    _check_classifier(checkpoint)
    return ClassifierScorer(called, checkpoint, settings)


def _name_of(model: str) -> str:
    path = Path(model).expanduser()
    return path.resolve().name.removesuffix(".gguf") if path.exists() else model


def _check_classifier(checkpoint: Checkpoint) -> None:
    architecture = checkpoint.architecture
    if "CausalLM" in architecture or "ConditionalGeneration" in architecture:
        raise ConfigError(
            f"{checkpoint.model}: is a language model ({architecture}), and no classifier. A generative reward model "
            "runs as a judge: serve it and name it with judgebench run -j"
        )
