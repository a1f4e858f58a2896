"""Rows from the Hugging Face hub, its local cache, and folders in the `datasets` library's own formats.

The commit is asked for first, with a deadline, because `datasets` alone retries for 23 s before it gives up, and then
takes whatever revision lies in its cache. Every error is a `DataError`: what could not be loaded, why, and the fix.
"""

from __future__ import annotations

import glob
import re
import sys
import threading
import warnings
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgebench._util.redaction import in_one_line
from judgebench._util.steps import is_watched, step
from judgebench.errors import DataError
from judgebench.sources.source import BATCH_ROWS, Row, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

DEADLINE_S = 6.0
"""How long the hub may take to name a dataset's commit before the local cache is looked at instead."""

_BATCH = 256
_COMMIT = re.compile(r"[0-9a-f]{40}")
_FILE_INSTEAD = "or use a file with --data FILE"


class _UnreachableError(Exception):
    """The hub gave no usable answer; the message says why."""


@dataclass(frozen=True)
class Split:
    """One split of a dataset, on disk.

    Attributes:
        dataset: The `datasets.Dataset`.
        name: As its dataset calls it, where there are several.
        revision: The commit it comes from; None where it is not from the hub.
    """

    dataset: Any
    name: str | None = None
    revision: str | None = None

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Rows as plain Python values, read in batches: one at a time takes many times longer."""
        for batch in self.dataset.iter(batch_size=_BATCH):
            names = list(batch)
            for values in zip(*batch.values(), strict=True):
                yield dict(zip(names, values, strict=True))


class DatasetSource(Source):
    """The rows of one or several splits of a dataset."""

    def __init__(self, name: str, place: str, splits: Sequence[Split]) -> None:
        """Args: what it is called, what its rows' places begin with, and the splits in the order of reading."""
        self.name = name
        self.revision = splits[0].revision
        self.split = ",".join(split.name for split in splits if split.name) or None
        self._place, self._splits = place, splits

    def rows(self) -> Iterator[Row]:
        """The rows, split by split."""
        for split in self._splits:
            place = f"{self._place} split {split.name} row" if split.name else f"{self._place} row"
            for number, data in enumerate(split, 1):
                yield Row(f"{place} {number}", data, split.name)

    def batches(self) -> Iterator[Any] | None:
        """The rows as `datasets` keeps them, where the types of the splits' columns go together."""
        from judgebench.sources.tables import in_schema, joined_schema

        tables = [split.dataset.with_format("arrow") for split in self._splits]
        whole = joined_schema([table.features.arrow_schema for table in tables])
        if whole is None:
            return None
        found = (batch for table in tables for each in table.iter(batch_size=BATCH_ROWS) for batch in each.to_batches())
        return in_schema(found, whole) if len(tables) > 1 else found

    def count(self) -> int:
        """The number of rows of all splits."""
        return sum(len(split.dataset) for split in self._splits)


def load_hub(hub_id: str, *, split: str | None, revision: str | None, config: str | None = None) -> Split:
    """One split of a dataset on the hub, from the local cache where the hub cannot be reached.

    Args:
        hub_id: `owner/name`.
        split: The split's name; None takes the only one, else `test`, else `train`.
        revision: A commit, tag or branch; None is the newest.
        config: The configuration, where there are several; None for the default one.

    Raises:
        DataError: There is no such dataset, revision or split, or neither the hub nor the cache can give it.
    """
    splits, commit = _hub_splits(hub_id, revision, config)
    name = _choose(hub_id, splits, split)
    return Split(splits[name], name, commit)


def load_splits(hub_id: str, *, revision: str | None, config: str | None = None) -> list[Split]:
    """All splits of a dataset on the hub; see `load_hub`."""
    splits, commit = _hub_splits(hub_id, revision, config)
    return [Split(dataset, name, commit) for name, dataset in splits.items()]


def _hub_splits(hub_id: str, revision: str | None, config: str | None) -> tuple[Mapping[str, Any], str]:
    """The splits, and the commit that they are of."""
    try:
        commit = _commit(hub_id, revision)
    except _UnreachableError as error:
        splits, commit = _from_cache(hub_id, revision, config, why=str(error))
    else:
        mend = "check the id and the network"
        splits = _load(hub_id, mend, lambda datasets: datasets.load_dataset(hub_id, config, revision=commit))
        loaded = _loaded_commit(splits) or commit
        if revision is not None and loaded != commit:
            raise DataError(
                f"{hub_id}@{revision}: the hub connection was lost, and the local cache has another revision, "
                f"{loaded}: try again, {_FILE_INSTEAD}"
            )
        commit = loaded
    return splits, commit


def load_folder(folder: Path, *, split: str | None) -> Split:
    """One split of a folder laid out like a dataset of the hub (`data/test-00000-of-00001.parquet`).

    Raises:
        DataError: It cannot be read, or has no such split.
    """
    mend = "name one of its files, or a folder with files of one format"
    splits = _load(str(folder), mend, lambda datasets: datasets.load_dataset(str(folder)))
    name = _choose(str(folder), splits, split, only_one_is_right=True)
    return Split(splits[name], name)


def is_saved(folder: Path) -> bool:
    """Whether the folder was made by `Dataset.save_to_disk` or `DatasetDict.save_to_disk`."""
    return (folder / "dataset_dict.json").is_file() or (
        (folder / "state.json").is_file() and (folder / "dataset_info.json").is_file()
    )


def load_saved(folder: Path, *, split: str | None) -> Split:
    """A folder that `save_to_disk` made: the dataset, or one split of it.

    Raises:
        DataError: It cannot be read, or has no such split.
    """
    saved = _load(str(folder), "save it again with save_to_disk", lambda datasets: datasets.load_from_disk(str(folder)))
    if not isinstance(saved, dict):
        return Split(saved)
    name = _choose(str(folder), saved, split, only_one_is_right=True)
    return Split(saved[name], name)


def _load(what: str, mend: str, load: Callable[[Any], Any]) -> Any:
    """What `load` makes of the `datasets` module, its errors turned into ours."""
    import datasets

    try:
        with _quiet(what):
            return load(datasets)
    except Exception as error:  # of datasets, and of its HTTP library, which changes with its version
        if (said := _configurations(str(error))) is not None:
            raise DataError(f"{what} {said}") from error
        raise DataError(f"cannot load {what} ({brief(error.__cause__ or error)}): {mend}, {_FILE_INSTEAD}") from error


def _configurations(message: str) -> str | None:
    """What to say where `datasets` lists configurations because none, or an unknown one, was named."""
    found = re.search(
        r"(?:'([^']*)' not found\.\s*)?(?:available configs|Available): \[(.*?)\]", message, flags=re.DOTALL
    )
    if found is None:
        return None
    unknown, names = found[1], found[2].replace("'", "")
    said = f"has no configuration '{unknown}'" if unknown else "has several configurations"
    return f"{said}: name one with --config-name: {names}"


def brief(error: BaseException) -> str:
    """An error of another library in one short line."""
    text = in_one_line(str(error), ()) or type(error).__name__
    return text if len(text) <= 200 else text[:197] + "..."


@contextmanager
def _quiet(what: str) -> Iterator[None]:
    """No progress bars or warnings of `datasets` where nobody watches a terminal, or our own steps are shown there."""
    import datasets
    import huggingface_hub.utils as hub

    if sys.stderr.isatty() and not is_watched():
        yield
        return
    noisy = [library for library in (datasets.utils, hub) if not library.are_progress_bars_disabled()]
    verbosity = datasets.logging.get_verbosity()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where the environment switches the bars on, that stays, with a warning
        for library in noisy:
            library.disable_progress_bars()
    datasets.logging.set_verbosity_error()
    try:
        with step(f"loading {what}"):
            yield
    finally:
        datasets.logging.set_verbosity(verbosity)
        for library in noisy:
            library.enable_progress_bars()


def _commit(hub_id: str, revision: str | None) -> str:
    """The commit that the hub has for a revision.

    Raises:
        DataError: The hub says that there is no such dataset or revision.
        _UnreachableError: It cannot be asked, or does not answer in time.
    """
    import datasets
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

    if datasets.config.HF_HUB_OFFLINE:
        raise _UnreachableError("HF_HUB_OFFLINE is set")
    answer: Future[str] = Future()

    def ask() -> None:
        try:
            hub = HfApi(endpoint=datasets.config.HF_ENDPOINT)
            found = hub.dataset_info(hub_id, revision=revision, timeout=DEADLINE_S)
        except Exception as error:  # noqa: BLE001 - raised again in the thread that waits
            answer.set_exception(error)
        else:
            answer.set_result(str(found.sha))

    # The client's timeout counts per address and not for name resolution: only a thread keeps the deadline.
    threading.Thread(target=ask, daemon=True).start()
    try:
        return answer.result(DEADLINE_S)
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise DataError(
            f"file or folder not found: '{hub_id}', and no dataset of that name on the Hugging Face hub, or it "
            f"is private: check the name, log in with `hf auth login`, {_FILE_INSTEAD}"
        ) from error
    except RevisionNotFoundError as error:
        raise DataError(f"{hub_id} has no revision '{revision}': name a commit, tag or branch that it has") from error
    except TimeoutError as error:
        raise _UnreachableError(f"no answer within {DEADLINE_S:g} s") from error
    except Exception as error:  # of the client's HTTP library, which changes with its version
        raise _UnreachableError(brief(error)) from error


def _from_cache(
    hub_id: str, revision: str | None, wanted_config: str | None, *, why: str
) -> tuple[Mapping[str, Any], str]:
    """The splits and commit of the copy that `datasets` keeps: the pinned one, else the latest that was loaded."""
    import datasets
    from datasets.naming import camelcase_to_snakecase
    from datasets.packaged_modules.cache.cache import Cache

    owner, name = hub_id.split("/")
    root = Path(datasets.config.HF_DATASETS_CACHE).expanduser() / f"{owner}___{camelcase_to_snakecase(name)}"
    places = f"{'*' if wanted_config is None else glob.escape(wanted_config)}/*/*/dataset_info.json"
    copies = [info.parent for info in root.glob(places) if _COMMIT.fullmatch(info.parent.name)]
    copies.sort(key=lambda copy: copy.stat().st_mtime)
    pinned = None if revision == "main" else revision
    fitting = [copy for copy in copies if pinned is None or copy.name.startswith(pinned)]
    if not fitting:
        held = ", ".join(copy.name for copy in copies)
        cache = f"the local cache has only {held}" if held else "the local cache has no copy"
        wanted = f"{hub_id}@{revision}" if revision else hub_id
        raise DataError(
            f"cannot load {wanted}: the Hugging Face hub cannot be reached ({why}), {cache}, and no file or folder "
            f"here has that name: connect to the network, {_FILE_INSTEAD}"
        )
    config, version, commit = fitting[-1].parts[-3:]

    def splits(_: Any) -> Any:
        cached = Cache(dataset_name=name, repo_id=hub_id, config_name=config, version=version, hash=commit)
        return cached.as_dataset()

    return _load(hub_id, f"remove {fitting[-1]} and load it again", splits), commit


def _loaded_commit(splits: Mapping[str, Any]) -> str | None:
    """The commit in the path of the cached files, which is what was read, whatever was asked for."""
    for dataset in splits.values():
        for file in dataset.cache_files:
            commit = Path(file["filename"]).parent.name
            if _COMMIT.fullmatch(commit):
                return commit
    return None


def _choose(what: str, splits: Mapping[str, Any], wanted: str | None, *, only_one_is_right: bool = False) -> str:
    """The split to read; in a folder of the user's own, the only one needs no particular name."""
    if wanted in splits:
        return str(wanted)
    names = list(splits)
    if len(names) == 1 and (wanted is None or only_one_is_right):
        return str(names[0])
    if wanted is None:
        for usual in ("test", "train"):
            if usual in splits:
                return usual
        raise DataError(f"{what} has the splits {', '.join(names)}, none of them the usual one: use one as a file")
    raise DataError(f"{what} has no split '{wanted}', only {', '.join(names)}: check the id, {_FILE_INSTEAD}")
