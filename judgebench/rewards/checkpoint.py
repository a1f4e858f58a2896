"""What a checkpoint is, from its small files alone: a classifier, a language model, an adapter."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from judgebench._util.plugins import plugin_names
from judgebench._util.steps import step
from judgebench.errors import ConfigError
from judgebench.rewards.hubmodel import find_on_hub, json_object

if TYPE_CHECKING:
    from judgebench.rewards.hubmodel import HubModel
    from judgebench.rewards.settings import RewardSettings

GROUP = "judgebench.reward_models"
"""The entry points that load models with heads of their own, each under the architecture's name in `config.json`."""

Kind = Literal["classifier", "implicit", "process"]

_CHUNK = 1 << 22
_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".gguf", ".h5", ".msgpack")
_ADAPTERS = ("adapter_model.safetensors", "adapter_model.bin")
_TOKENIZERS = ("tokenizer", "vocab", "spiece", "sentencepiece", "tiktoken", "merges")
_LIBRARIES = ("torch", "transformers", "tokenizers", "accelerate", "peft", "gguf")
INSTALL = "pip install 'judgebench[reward]'"


def need_libraries() -> None:
    """Says what to install where torch or transformers is missing.

    Raises:
        ConfigError: One is.
    """
    missing = [name for name in ("torch", "transformers", "accelerate") if find_spec(name) is None]
    if missing:
        raise ConfigError(f"not installed: {', '.join(missing)}: reward models need {INSTALL}")


def library_versions() -> dict[str, str]:
    """The versions of the libraries that scores depend on, of those that are installed."""
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint, before its weights are read.

    Attributes:
        model: As the user named it.
        path: The folder, or the hub's id.
        revision: See `RewardSettings`.
        commit: What is loaded from the hub; of an adapter, its base's. None of a folder.
        gguf: The name of the GGUF file in the folder; None where the weights are in another form.
        config: `config.json`, or what `transformers` makes of a GGUF file's header.
        adapter: `adapter_config.json`, where the checkpoint is a PEFT adapter; then `path` is that of its base.
        adapter_path: The folder that the adapter is in.
        trust_remote_code: Whether the checkpoint's own code may run.
        dtype: The precision that its weights are to be loaded in, by PyTorch's name.
        adapter_commit: What the adapter's revision stands for on the hub.
        offline: Whether the hub cannot be reached, so that the cache is read alone.
        outputs: How many outputs the head of an adapter has; None where it has none of its own.
    """

    model: str
    path: str
    revision: str | None
    commit: str | None
    gguf: str | None
    config: dict[str, Any]
    adapter: dict[str, Any] | None = None
    adapter_path: str | None = None
    trust_remote_code: bool = False
    dtype: str = "float32"
    outputs: int | None = None
    adapter_commit: str | None = None
    offline: bool = False

    @property
    def architecture(self) -> str:
        """The class that the checkpoint was saved from; empty where it does not say."""
        named = self.config.get("architectures") or [""]
        return str(named[0])

    @property
    def labels(self) -> list[str]:
        """The names of a classifier's outputs."""
        by_id = self.config.get("id2label")
        if isinstance(by_id, dict) and by_id and self.outputs in {None, len(by_id)}:
            numbered = all(str(key).isdecimal() for key in by_id)
            return [str(by_id[key]) for key in (sorted(by_id, key=int) if numbered else by_id)]
        return [f"LABEL_{at}" for at in range(self.outputs or int(self.config.get("num_labels", 2)))]

    @property
    def own_loader(self) -> str | None:
        """The entry point that loads it; None where transformers does."""
        return self.architecture if self.architecture in plugin_names(GROUP) else None

    @property
    def own_code(self) -> bool:
        """Whether something else than transformers says what its head gives: a loader, or code that comes with it."""
        return self.own_loader is not None or bool(self.config.get("auto_map"))

    def auto_class(self, wanted: str) -> str:
        """The class of transformers that loads it: `AutoModel` where its own code knows no other for this use."""
        own = self.config.get("auto_map") or {}
        known = wanted in own or wanted.removeprefix("AutoModelFor") in self.architecture
        return "AutoModel" if "AutoModel" in own and not known else wanted


def find_checkpoint(model: str, settings: RewardSettings, revision: str | None = None) -> Checkpoint:
    """Reads what a checkpoint says of itself.

    Args:
        model: A folder, a GGUF file, or an id on the hub.
        settings: Whether its own code may run.
        revision: Of a hub model.

    Raises:
        ConfigError: It is not there, or is no checkpoint of transformers.
    """
    given = Path(model).expanduser()
    local = bool(model) and given.exists()
    if not local and (model.startswith((".", "/", "~")) or model.count("/") != 1):
        raise ConfigError(f"model not found: '{model}': name a folder with config.json, a .gguf file or a hub id")
    if local and revision is not None:
        raise ConfigError(f"--revision {revision}: {model} is a local checkpoint, which has no revisions: leave it out")
    gguf = given.name if local and given.is_file() else None
    if gguf is not None and given.suffix != ".gguf":
        raise ConfigError(f"{model}: not a checkpoint; name its folder, or a .gguf file")
    if gguf is not None and find_spec("gguf") is None:
        raise ConfigError(f"{model}: reading GGUF files needs pip install gguf")
    if not local:
        return _from_hub(model, find_on_hub(model, revision), settings, revision)
    path = str(given.parent if gguf is not None else given)
    if gguf is not None:
        config = _gguf_config(path, gguf)
        return Checkpoint(model, path, None, None, gguf, config, trust_remote_code=settings.trust_remote_code)
    adapter = json_object(given / "adapter_config.json")
    if adapter is not None:
        if not any((given / name).exists() for name in _ADAPTERS):
            raise ConfigError(f"{model}: has no weights ({_ADAPTERS[0]}): copy the adapter again")
        return _with_base(Checkpoint(model, path, None, None, None, {}), adapter, settings)
    found = json_object(given / "config.json")
    if found is None:
        raise ConfigError(f"{model}: has no config.json: name the folder that save_pretrained wrote")
    made = Checkpoint(model, path, None, None, None, found, trust_remote_code=settings.trust_remote_code)
    if made.own_loader is None:
        _check_files(model, given)
    return made


def _from_hub(model: str, found: HubModel, settings: RewardSettings, revision: str | None) -> Checkpoint:
    adapter = found.read_json("adapter_config.json")
    made = Checkpoint(
        *(model, model, revision, found.commit, None, {}),
        trust_remote_code=settings.trust_remote_code,
        offline=found.offline,
    )
    if adapter is not None:
        return _with_base(replace(made, path=found.folder()), adapter, settings)
    config = found.read_json("config.json")
    if config is None:
        raise ConfigError(f"{model}: has no config.json: it is no checkpoint of transformers")
    return replace(made, config=config)


def _check_files(model: str, folder: Path) -> None:
    """Whether a folder has what is needed beside its config: said here rather than by a library that looks for it."""
    names = {file.name for file in folder.iterdir()}
    if not any(name.endswith(_WEIGHTS) for name in names):
        raise ConfigError(f"{model}: has no weights (model.safetensors): copy the checkpoint again")
    if not any(name.startswith(_TOKENIZERS) for name in names):
        raise ConfigError(f"{model}: has no tokenizer (tokenizer.json): save it beside the model, or copy its files")


def _with_base(own: Checkpoint, adapter: dict[str, Any], settings: RewardSettings) -> Checkpoint:
    """An adapter's checkpoint, which lies in `own.path`, with its base's config and weights."""
    base = adapter.get("base_model_name_or_path")
    if not base:
        raise ConfigError(f"{own.model}: adapter_config.json names no base model (base_model_name_or_path)")
    if find_spec("peft") is None:
        raise ConfigError(f"{own.model}: is an adapter, which needs peft: {INSTALL}")
    below = Path(own.path) / str(base)
    named = str(below) if below.exists() else str(base)
    try:
        found = find_checkpoint(named, settings, None if Path(named).exists() else adapter.get("revision"))
    except ConfigError as error:
        raise ConfigError(f"{own.model}: is an adapter, whose base cannot be read: {error}") from None
    return replace(
        found,
        model=own.model,
        revision=own.revision,
        adapter=adapter,
        adapter_path=own.path,
        adapter_commit=own.commit,
        outputs=_outputs(own.path, adapter),
    )


def adapter_shapes(path: str) -> dict[str, list[int]]:
    """The shapes of an adapter's weights by name."""
    import torch
    from safetensors import safe_open

    file = next((found for name in _ADAPTERS if (found := Path(path) / name).exists()), None)
    if file is None:
        return {}
    try:
        if file.suffix == ".bin":
            return {name: list(each.shape) for name, each in torch.load(file, "meta", weights_only=True).items()}
        with safe_open(str(file), framework="pt") as opened:
            return {name: list(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118 - no mapping
    except Exception as error:  # noqa: BLE001 - files and their readers each raise errors of their own
        raise unusable(path, error) from None


def _outputs(path: str, adapter: dict[str, Any]) -> int | None:
    """Of an adapter with a head: the rows of the head's weights, which its base's config knows nothing of."""
    if adapter.get("task_type") not in {"SEQ_CLS", "TOKEN_CLS"}:
        return None
    heads = [f"{name}.weight" for name in adapter.get("modules_to_save") or ()]
    sizes = [shape[0] for name, shape in adapter_shapes(path).items() if name.endswith(tuple(heads or ["?"]))]
    if heads and not sizes:
        raise ConfigError(f"{path}: the adapter has no weights for its head ({', '.join(heads)}): copy it again")
    return sizes[0] if sizes else None


def _gguf_config(path: str, gguf: str) -> dict[str, Any]:
    """What transformers makes of the file's header."""
    from transformers import AutoConfig

    try:
        found: dict[str, Any] = AutoConfig.from_pretrained(path, gguf_file=gguf).to_dict()
    except Exception as error:  # noqa: BLE001 - files and readers each raise errors of their own
        raise unusable(f"{path}/{gguf}", error) from None
    return found


def unusable(path: str, error: Exception) -> ConfigError:
    """The error for what transformers could not load, in one line."""
    said = " ".join(str(error).split())
    if "trust_remote_code" in said:
        return ConfigError(f"{path}: needs code of its own to run: read that code, then add --trust-remote-code")
    return ConfigError(
        f"{path}: transformers {version('transformers')} cannot load it ({type(error).__name__}: {said[:200]}): copy "
        "the checkpoint again, or install the version of transformers that it was made with"
    )


def fingerprint(folder: str, gguf: str | None = None) -> str:
    """SHA-256 over what a checkpoint's folder holds: its JSON files and its weights, by name and content."""
    digest = hashlib.sha256()
    every = [Path(folder) / gguf] if gguf is not None else sorted(Path(folder).iterdir())
    files = [each for each in every if each.is_file() and each.suffix in {*_WEIGHTS, ".json", ".jinja", ".model"}]
    with step("hashing the checkpoint", unit="MB", total=sum(each.stat().st_size for each in files) >> 20) as mine:
        for file in files:
            digest.update(f"{file.name}\0".encode())
            with file.open("rb") as opened:
                while chunk := opened.read(_CHUNK):
                    digest.update(chunk)
                    mine.done += len(chunk) >> 20
    return digest.hexdigest()
