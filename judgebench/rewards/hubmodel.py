"""A model on the Hugging Face hub: which commit a revision stands for, and its small files."""

from __future__ import annotations

import json
import logging
import threading
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgebench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE_S = 10.0
"""How long the hub has to answer before the local cache is read."""

_ADAPTER_FILES = ["*.json", "*.safetensors", "*.jinja", "*.model", "adapter_model.bin"]


@dataclass(frozen=True, slots=True)
class HubModel:
    """A model on the hub, or the copy of it in the cache where the hub cannot be reached.

    Attributes:
        name: `OWNER/NAME`.
        commit: What the revision stands for.
        revision: As it was named: by this name the cache knows the commit later, without a network.
        offline: Whether only the cache is read.
        endpoint: The hub's address; None for the usual one.
        cache: The folder of copies; None for the usual one.
    """

    name: str
    commit: str
    revision: str | None = None
    offline: bool = False
    endpoint: str | None = None
    cache: str | None = None

    def read_json(self, file: str) -> dict[str, Any] | None:
        """A JSON file of the model's; None where it has none.

        Raises:
            ConfigError: It cannot be fetched, or is no JSON object.
        """
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

        try:
            with _quiet():
                path = hf_hub_download(
                    self.name,
                    file,
                    revision=self.commit if self.offline else self.revision,
                    endpoint=self.endpoint,
                    cache_dir=self.cache,
                    local_files_only=self.offline,
                )
            return json_object(Path(path))
        except LocalEntryNotFoundError as error:
            if self.offline:
                return None
            raise self._unfetched(error) from None
        except EntryNotFoundError:
            return None
        except (OSError, ValueError, RuntimeError) as error:
            raise self._unfetched(error) from None

    def folder(self) -> str:
        """The files of an adapter, fetched; the folder that they lie in.

        Raises:
            ConfigError: They cannot be fetched.
        """
        from huggingface_hub import snapshot_download

        try:
            with _quiet():
                return snapshot_download(
                    self.name,
                    revision=self.commit,
                    endpoint=self.endpoint,
                    cache_dir=self.cache,
                    local_files_only=self.offline,
                    allow_patterns=_ADAPTER_FILES,
                )
        except (OSError, ValueError, RuntimeError) as error:
            raise self._unfetched(error) from None

    def _unfetched(self, error: Exception) -> ConfigError:
        said = " ".join(str(error).split())[:200]
        return ConfigError(
            f"{self.name}: cannot be fetched from the Hugging Face hub ({said}): accept its terms on its page and log "
            "in with `hf auth login` where it is gated, or rerun the command"
        )


def find_on_hub(
    name: str, revision: str | None = None, *, endpoint: str | None = None, cache: str | None = None
) -> HubModel:
    """Asks the hub for a model's commit; where it does not answer, the cache.

    Args:
        name: `OWNER/NAME`.
        revision: Branch, tag or commit; None for the main branch.
        endpoint: See `HubModel`.
        cache: See `HubModel`.

    Raises:
        ConfigError: There is no such model or revision, or the hub cannot be reached and the cache has no copy.
    """
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        return HubModel(name, _commit(name, revision, endpoint), revision, endpoint=endpoint, cache=cache)
    except (RepositoryNotFoundError, HFValidationError):
        raise ConfigError(
            f"model not found: '{name}': no such folder or file here, and no model of that name on the Hugging Face "
            "hub, or it is private: check the name, or log in with `hf auth login`"
        ) from None
    except RevisionNotFoundError:
        raise ConfigError(f"--revision {revision}: {name} has no such branch, tag or commit") from None
    except TimeoutError:
        why = f"no answer within {DEADLINE_S:g} s"
    except Exception as error:  # noqa: BLE001 - of the client's HTTP library, which changes with its version
        why = " ".join(str(error).split())[:200] or type(error).__name__
    commit = _cached_commit(name, revision, cache)
    if commit is None:
        raise ConfigError(
            f"cannot load {name}: the Hugging Face hub cannot be reached ({why}), the local cache has no copy, and no "
            "file or folder here has that name: connect to the network, or name a local checkpoint"
        )
    return HubModel(name, commit, revision, offline=True, endpoint=endpoint, cache=cache)


def _commit(name: str, revision: str | None, endpoint: str | None) -> str:
    from huggingface_hub import HfApi, constants

    if constants.HF_HUB_OFFLINE:
        raise OSError("HF_HUB_OFFLINE is set")
    answer: Future[str] = Future()

    def ask() -> None:
        try:
            found = HfApi(endpoint=endpoint).model_info(name, revision=revision, timeout=DEADLINE_S)
        except Exception as error:  # noqa: BLE001 - raised again in the thread that waits
            answer.set_exception(error)
        else:
            answer.set_result(str(found.sha))

    # The client's timeout counts per address and not for name resolution: only a thread keeps the deadline.
    threading.Thread(target=ask, daemon=True).start()
    return answer.result(DEADLINE_S)


def _cached_commit(name: str, revision: str | None, cache: str | None) -> str | None:
    """The commit of the copy in the cache, by the name of the folder that holds its `config.json`."""
    from huggingface_hub import try_to_load_from_cache

    for file in ("config.json", "adapter_config.json"):
        found = try_to_load_from_cache(name, file, revision=revision, cache_dir=cache)
        if isinstance(found, str):
            return Path(found).parent.name
    return None


@contextmanager
def _quiet() -> Iterator[None]:
    """No bars and no warnings of the hub's client: what went wrong is an error of ours."""
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    log = logging.getLogger("huggingface_hub")
    level, shown = log.level, not are_progress_bars_disabled()
    log.setLevel(logging.CRITICAL)
    if shown:
        disable_progress_bars()
    try:
        yield
    finally:
        log.setLevel(level)
        if shown:
            enable_progress_bars()


def json_object(path: Path) -> dict[str, Any] | None:
    """What a JSON file of a checkpoint holds; None where there is no such file.

    Raises:
        ConfigError: It is no JSON object.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); copy the checkpoint again") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{path}: not a JSON object; copy the checkpoint again")
    return found
