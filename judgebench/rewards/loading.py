"""Weights into memory: on which device, in which precision, and none of them made up."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgebench._util.plugins import plugin
from judgebench._util.steps import step
from judgebench.errors import ConfigError
from judgebench.rewards.batching import padded, unused_token
from judgebench.rewards.checkpoint import GROUP, adapter_shapes, fingerprint, library_versions, unusable
from judgebench.rewards.encoding import ChatEncoder

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from judgebench.rewards.checkpoint import Checkpoint
    from judgebench.rewards.settings import RewardSettings

_SHOWN = 3
_ACCELERATOR_TOKENS, _CPU_TOKENS = 16_384, 2_048


class Loaded:
    """A model in memory with its tokenizer.

    Attributes:
        model: In evaluation mode, on `device`.
        encoder: Its tokenizer and chat template.
        device: As PyTorch names it.
        batch_tokens: Most tokens in a batch.
        about: Where it comes from and how it was loaded, for manifests.
    """

    def __init__(self, checkpoint: Checkpoint, settings: RewardSettings, auto: str) -> None:
        """Args: `auto` is the class of transformers that makes the model."""
        self.device = find_device(settings.device)
        self.checkpoint = replace(checkpoint, dtype=_dtype_name(checkpoint, settings, self.device))
        with step(f"loading {checkpoint.model}"), _quiet():
            tokenizer = _tokenizer(self.checkpoint)
            self.encoder = ChatEncoder(tokenizer, checkpoint.config, settings, checkpoint.model)
            self.model = _model(self.checkpoint, auto, self.device)
        places = _places(self.model)
        if places is not None:
            self.encoder.limit(places, asked=settings.max_length)
        default = _CPU_TOKENS if self.device == "cpu" else _ACCELERATOR_TOKENS
        self.batch_tokens = settings.batch_tokens or default
        self.about: dict[str, object] = {
            "model": checkpoint.model,
            "revision": checkpoint.revision,
            "commit": checkpoint.commit,
            **_hashes(checkpoint),
            "architecture": checkpoint.architecture,
            "dtype": self.checkpoint.dtype,
            "device": self.device,
            "max_length": self.encoder.max_length,
            "chat_template": self.encoder.template_hash,
            "versions": library_versions(),
        }

    @property
    def vocabulary(self) -> int:
        """How many tokens the model has embeddings of; those of its tokenizer where it does not say."""
        if not hasattr(self.model, "get_input_embeddings"):
            return len(self.encoder.tokenizer)
        return int(self.model.get_input_embeddings().weight.shape[0])

    def run(self, **given: Any) -> Any:
        """What the model gives.

        Raises:
            ConfigError: It cannot be run: its code, or a config that does not fit its weights.
        """
        try:
            return self.model(**given)
        except Exception as error:
            if isinstance(error, MemoryError) or out_of_memory(error):
                raise
            said = " ".join(str(error).split())
            raise ConfigError(
                f"{self.checkpoint.model}: the model fails on {tuple(given['input_ids'].shape)[1]} tokens of a "
                f"conversation ({type(error).__name__}: {said[:200]}): if shorter ones pass, add --max-length N; else "
                "its config.json does not fit it, or it is made for another version of transformers"
            ) from error

    def tensors(
        self, rows: Sequence[Sequence[int]], *, before: int = 0, types: Sequence[Sequence[int]] = ()
    ) -> dict[str, Any]:
        """What the model takes: the rows padded on the right, and the mask that says what is theirs.

        Args:
            rows: The tokens of each.
            before: How many tokens stand before all of them, in a cache.
            types: Of the tokens, where the tokenizer tells two texts apart by them.
        """
        import torch

        tokenizer = self.encoder.tokenizer
        highest = max((max(row) for row in rows if row), default=0)
        if highest >= self.vocabulary:
            raise ConfigError(
                f"{self.checkpoint.model}: its tokenizer has a token {highest} "
                f"({tokenizer.convert_ids_to_tokens(highest)!r}), and the model embeddings of {self.vocabulary} tokens "
                "only: copy the tokenizer that the model was trained with"
            )
        pad = unused_token(rows, tokenizer.pad_token_id, tokenizer.eos_token_id, self.vocabulary)
        # A classifier of transformers looks for the last token that is not this one, whatever the mask says.
        if hasattr(self.model, "config"):
            self.model.config.get_text_config().pad_token_id = pad
        ids, mask = padded(rows, pad)
        given = {"input_ids": ids, "attention_mask": [[1] * before + row for row in mask]}
        if any(types):
            given["token_type_ids"] = padded(types, 0)[0]
        return {name: torch.tensor(value, device=self.device) for name, value in given.items()}


def out_of_memory(error: BaseException) -> bool:
    """Whether a device's memory, or the machine's, was too small."""
    return type(error).__name__ == "OutOfMemoryError" or "allocate memory" in str(error)


def _places(model: Any) -> int | None:
    """How many positions a model has that counts them from its padding token's on, as RoBERTa does; None of others."""
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            return int(module.num_embeddings) - int(module.padding_idx) - 1
    return None


def logits_of(output: Any) -> Any:
    """What a model gives: of code of its own it may be the first of several, or a tensor alone."""
    if hasattr(output, "logits"):
        return output.logits
    return output if hasattr(output, "ndim") else output[0]


def _hashes(checkpoint: Checkpoint) -> dict[str, object]:
    """What tells one local checkpoint from another; of a hub model its commit does."""
    found: dict[str, object] = {}
    if Path(checkpoint.path).is_dir():
        found["weights"] = fingerprint(checkpoint.path, checkpoint.gguf)
    if checkpoint.adapter_path is not None:
        found["base"] = checkpoint.path
        found["adapter"] = checkpoint.adapter_commit or fingerprint(checkpoint.adapter_path)
    return found


def find_device(wanted: str | None) -> str:
    """The device that is asked for, or else the first accelerator, or else the CPU.

    Raises:
        ConfigError: It is not there.
    """
    import torch

    if wanted is None:
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        kind = torch.device(wanted).type
    except RuntimeError:
        raise ConfigError(f"--device {wanted}: unknown device; cpu, cuda, cuda:1 or mps") from None
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if not there.get(kind, False):
        raise ConfigError(f"--device {wanted}: PyTorch {torch.__version__} finds no such device here; leave it out")
    if kind == "cuda" and (torch.device(wanted).index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"--device {wanted}: there are only {torch.cuda.device_count()} CUDA devices")
    return wanted


def _dtype_name(checkpoint: Checkpoint, settings: RewardSettings, device: str) -> str:
    """float32 on the CPU, where half precision is slow and less exact; else what the checkpoint was saved in."""
    if settings.dtype is not None:
        return settings.dtype
    if device == "cpu":
        return "float32"
    own = str(checkpoint.config.get("dtype") or checkpoint.config.get("torch_dtype") or "float32")
    return own.removeprefix("torch.")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps what transformers says while it loads from the terminal: what matters is an error here, or a note."""
    from transformers.utils import logging as own

    before, bar = own.get_verbosity(), own.is_progress_bar_enabled()
    own.set_verbosity(logging.CRITICAL)
    own.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of one library, about its use of another
            yield
    finally:
        own.set_verbosity(before)
        if bar:
            own.enable_progress_bar()


def _sources(checkpoint: Checkpoint) -> dict[str, Any]:
    more: dict[str, Any] = {"trust_remote_code": checkpoint.trust_remote_code}
    if checkpoint.gguf is not None:
        more["gguf_file"] = checkpoint.gguf
    if checkpoint.commit is not None:  # tokenizer, code and weights of one commit, whatever is pushed meanwhile
        more |= {"revision": checkpoint.commit, "local_files_only": checkpoint.offline}
    return more


def _head(checkpoint: Checkpoint) -> dict[str, Any]:
    return {} if checkpoint.outputs is None else {"num_labels": checkpoint.outputs}


def _tokenizer(checkpoint: Checkpoint) -> Any:
    from transformers import AutoTokenizer

    own = checkpoint.adapter_path
    path = own if own is not None and (Path(own) / "tokenizer_config.json").exists() else checkpoint.path
    try:
        return AutoTokenizer.from_pretrained(path, **(_sources(checkpoint) if path == checkpoint.path else {}))
    except Exception as error:  # noqa: BLE001 - files, the hub and tokenizers each raise errors of their own
        raise unusable(path, error) from None


def _model(checkpoint: Checkpoint, auto: str, device: str) -> Any:
    import torch
    import transformers

    if checkpoint.own_loader is not None:
        model = plugin(GROUP, "reward model loader", checkpoint.own_loader, _problem, checkpoint)
    else:
        kind = getattr(transformers, auto)
        try:
            model, info = kind.from_pretrained(
                checkpoint.path,
                dtype=getattr(torch, checkpoint.dtype),
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # told of by check_weights
                **_sources(checkpoint),
                **_head(checkpoint),
            )
        except Exception as error:  # noqa: BLE001 - files, the hub and models each raise errors of their own
            raise unusable(checkpoint.model, error) from None
        check_weights(checkpoint, info)
        if checkpoint.adapter_path is not None:
            model = _with_adapter(model, checkpoint)
    return model.to(device).eval()


def _problem(made: object) -> str:
    return "" if callable(made) and hasattr(made, "eval") else "it does not return a PyTorch module"


def check_weights(checkpoint: Checkpoint, info: dict[str, Any]) -> None:
    """Refuses a model some of whose weights the checkpoint has not: they are random numbers.

    Args:
        checkpoint: With an adapter, what that brings is no lack.
        info: What `from_pretrained` says of its loading.

    Raises:
        ConfigError: There are some.
    """
    missing = sorted({*info.get("missing_keys", ())} - _brought(checkpoint, info.get("missing_keys", ())))
    mismatched = sorted(str(each[0] if isinstance(each, tuple | list) else each) for each in info["mismatched_keys"])
    if not missing and not mismatched:
        return
    lacking = missing or mismatched
    what = "has no weights for" if missing else "has weights of another shape for"
    other = sorted(map(str, info.get("unexpected_keys", ())))[:_SHOWN]
    instead = f" (it has {', '.join(other)} instead)" if other and missing else ""
    raise ConfigError(
        f"{checkpoint.model}: the checkpoint {what} {_named(lacking)}{instead}: its scores would be those of random "
        "numbers. It is no reward model that transformers loads; a head of its own needs a loader "
        "(docs/reward-models.md)"
    )


def _brought(checkpoint: Checkpoint, missing: Collection[str]) -> set[str]:
    """The missing weights that the adapter has."""
    saved = (checkpoint.adapter or {}).get("modules_to_save") or ()
    if checkpoint.adapter_path is None or not saved:
        return set()
    names = adapter_shapes(checkpoint.adapter_path)
    return {key for key in missing if any(name.endswith(f".{key}") or f".{key}" in name for name in names)}


def _with_adapter(model: Any, checkpoint: Checkpoint) -> Any:
    from peft import PeftModel, get_peft_model_state_dict
    from peft.utils import load_peft_weights

    try:
        made = PeftModel.from_pretrained(model, checkpoint.adapter_path, is_trainable=False)
        wanted = get_peft_model_state_dict(made, save_embedding_layers=False)
        missing = sorted(set(wanted) - set(load_peft_weights(checkpoint.adapter_path, device="cpu")))
    except Exception as error:  # noqa: BLE001 - files and peft raise errors of their own
        raise unusable(checkpoint.model, error) from None
    if missing:
        raise ConfigError(
            f"{checkpoint.model}: the adapter has no weights for {_named(missing)}: its scores would be those of "
            f"random numbers, or of its base alone: copy it again, or name its base, if {checkpoint.path} is another"
        )
    return made


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
