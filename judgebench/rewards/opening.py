"""Which kind of reward model a checkpoint is, and the scorer that runs it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from judgebench.errors import ConfigError
from judgebench.rewards.checkpoint import find_checkpoint, need_libraries

if TYPE_CHECKING:
    from judgebench.rewards.checkpoint import Checkpoint
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
    language_model = _is_language_model(checkpoint)
    if _check_process(checkpoint, settings, language_model=language_model):
        from judgebench.rewards.process import ProcessScorer

        return ProcessScorer(called, checkpoint, settings)
    if language_model:
        _check_policy(checkpoint, settings)
        from judgebench.rewards.implicit import ImplicitScorer

        return ImplicitScorer(called, checkpoint, settings)
    from judgebench.rewards.classifier import ClassifierScorer

    _check_classifier(checkpoint, settings)
    return ClassifierScorer(called, checkpoint, settings)


def _name_of(model: str) -> str:
    path = Path(model).expanduser()
    return path.resolve().name.removesuffix(".gguf") if path.exists() else model


def _is_language_model(checkpoint: Checkpoint) -> bool:
    """Whether it gives tokens; an adapter says what its base is used as."""
    task = (checkpoint.adapter or {}).get("task_type")
    if task is not None:
        return bool(task == "CAUSAL_LM")
    named = checkpoint.architecture
    return "CausalLM" in named or "ConditionalGeneration" in named or (checkpoint.gguf is not None and not named)


def _check_process(checkpoint: Checkpoint, settings: RewardSettings, *, language_model: bool) -> bool:
    """Whether it is a process reward model."""
    separator, tokens, name = settings.step_separator, settings.step_tokens, checkpoint.model
    if tokens is not None and separator is None and not settings.step_turns:
        raise ConfigError("--step-tokens needs --step-separator, the text after each step, or --step-turns")
    if separator is None and not settings.step_turns:
        if "TokenClassification" in checkpoint.architecture or "ProcessReward" in checkpoint.architecture:
            raise ConfigError(f"{name}: is a process reward model: say what ends a step, --step-separator TEXT")
        return False
    given = "--step-separator" if separator is not None else "--step-turns"
    if language_model and tokens is None:
        raise ConfigError(f"{name}: is a language model: {given} needs --step-tokens GOOD,BAD beside it")
    if tokens is not None and not language_model:
        raise ConfigError(f"--step-tokens is for language models, and {name} is none: --head names a class")
    if "SequenceClassification" in checkpoint.architecture:
        raise ConfigError(f"{name}: scores whole conversations: leave {given} out")
    if settings.reference is not None or settings.reference_free:
        raise ConfigError(f"{given} is for process reward models: leave --reference and --reference-free out")
    if settings.text_pair:
        raise ConfigError(f"{given} is for process reward models: leave --text-pair out")
    return True


def _check_policy(checkpoint: Checkpoint, settings: RewardSettings) -> None:
    for flag, given in (("--head", settings.head is not None), ("--text-pair", settings.text_pair)):
        if given:
            raise ConfigError(f"{flag} is for classifiers, and {checkpoint.model} is a language model: leave it out")
    if settings.reference is None and not settings.reference_free and checkpoint.adapter is None:
        what = checkpoint.architecture or "GGUF"
        raise ConfigError(
            f"{checkpoint.model}: is a language model ({what}), and no classifier. A policy trained by DPO: add "
            "--reference MODEL, or --reference-free. A generative reward model is a judge: serve it, and name it with "
            "judgebench run -j"
        )


def _check_classifier(checkpoint: Checkpoint, settings: RewardSettings) -> None:
    if settings.reference is not None or settings.reference_free or settings.length_normalized:
        flag = "--reference" if settings.reference is not None else "--reference-free"
        flag = flag if settings.reference is not None or settings.reference_free else "--length-normalized"
        raise ConfigError(f"{flag} is for language models, and {checkpoint.model} is none: leave it out")
