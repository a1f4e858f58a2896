"""A run's folder: enough by itself to report, compare, rescore and show, on another machine, with no call."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from concurrent.futures import wait
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgebench._util import locks
from judgebench._util.beside import beside
from judgebench._util.files import (
    check_no_links,
    open_to_append,
    unwritable,
    whole_folder,
    write_json,
    write_texts,
    writing,
)
from judgebench.errors import StorageError
from judgebench.runs import journal
from judgebench.runs.itemfile import ITEMS, shared_beside
from judgebench.runs.journal import JUDGEMENTS, REPLACED, compress, is_part, part_path, parts_of, set_apart
from judgebench.runs.judgements import cut_torn_line
from judgebench.runs.manifest import MANIFEST, METRICS, OUTCOMES, folder_of, is_torn, read_manifest
from judgebench.runs.outcomes import write_outcomes
from judgebench.runs.shardfile import SHARD
from judgebench.runs.templatefiles import READING, TEMPLATE_FILES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from judgebench.items import Item, Outcome
    from judgebench.metrics.summary import Metrics
    from judgebench.runs.judgements import Judgement
    from judgebench.runs.manifest import Manifest


PREFERENCES = "preferences.jsonl"
"""What earlier versions wrote for unlabelled pairs; `judgebench filter` writes such files."""

_OWN = frozenset(
    {MANIFEST, OUTCOMES, METRICS, JUDGEMENTS, REPLACED, PREFERENCES, ITEMS, READING, SHARD, *TEMPLATE_FILES},
)


def is_own(name: str) -> bool:
    """Whether a run's folder has a file of this name by the format."""
    return name in _OWN or is_part(name)


_FLUSH_EVERY = 200
_OTHER_OUT = "choose another with --out"


def _locks(file: Any) -> bool:
    """Whether this process now has the file for itself; true where the system has no such locks."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def check_writable(folder: Path, option: str, texts: Mapping[str, str] | None = None) -> None:
    """Finds out whether a folder can be written, or made, with such files in it; nothing is left behind.

    Args:
        folder: The folder, which need not be there yet.
        option: Names another, for the message.
        texts: Files by their paths in it, whose names and texts must come back as they are.

    Raises:
        ConfigError: It can not, or it is inside another run's folder, where no command would find it.
    """
    there = folder
    if around := next((each for each in folder.absolute().parents if _is_run(each)), None):
        raise StorageError(f"{around}: is a run's folder, in which no other run is found; choose another with {option}")
    with writing(there, f"choose another with {option}"):
        while not there.exists() and there.parent != there:
            there = there.parent
        if not there.is_dir():
            raise StorageError(f"{there}: is a file, expected a folder; choose another with {option}")
    with writing(there, f"choose another with {option}"):
        if not texts:
            with tempfile.TemporaryFile(dir=there):
                return
        _check_in_place(folder, texts, option)
        trial = Path(tempfile.mkdtemp(prefix=".", suffix=".part", dir=there))
        try:
            _check_texts(trial / folder.relative_to(there), texts, option)
        finally:
            shutil.rmtree(trial, ignore_errors=True)


def _is_run(folder: Path) -> bool:
    return (folder / MANIFEST).exists() and (folder / ITEMS).exists()


def _check_in_place(folder: Path, texts: Mapping[str, str], option: str) -> None:
    """Raises ConfigError where a folder stands in the place of one of the run's files, or a file in a folder's."""
    for name in (*texts, MANIFEST, OUTCOMES, METRICS, JUDGEMENTS, ITEMS, PREFERENCES):
        path = folder / name
        above = [each for each in path.parents if each.is_relative_to(folder)]
        wrong = next((each for each in above if each.exists() and not each.is_dir()), path if path.is_dir() else None)
        if wrong is not None:
            kind = "a folder, expected a file" if wrong == path else "a file, expected a folder"
            raise StorageError(f"{wrong}: is {kind} of the run; move it away, or choose another with {option}")


def _check_texts(folder: Path, texts: Mapping[str, str], option: str) -> None:
    """Writes files for trial and reads them back: one file system takes names that another has no place for."""
    for name, text in texts.items():
        try:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(text.encode())
        except OSError as error:
            raise StorageError(
                f"'{name}', which a template includes, cannot be saved in the run's folder ({error.strerror}); give "
                f"the file another name, or choose another folder with {option}"
            ) from None
    for name, text in texts.items():
        if (folder / name).read_bytes() != text.encode():
            raise StorageError(
                f"'{name}', which a template includes, has the same name as another file in the run's folder; "
                f"give it another name, or choose another folder with {option}"
            )


class RunWriter:
    """Writes a run's folder. Nothing is written before `begin`.

    Args:
        path: The folder.
        has_items: Whether the items in it are known to be the run's, and stay as they are.
    """

    def __init__(self, path: Path, *, has_items: bool = False) -> None:
        self.path = path
        self._has_items = has_items
        self.begun = False
        self._judgements: Any = None
        self._taken = False
        self._held = False
        self._place = os.path.realpath(path)
        self._unflushed = 0
        self._size = 0
        self._items: Future[None] | None = None
        self._compressed: Future[None] | None = None

    def hold(self) -> None:
        """Keeps other runs out of the folder, which need not be there yet, until `close`.

        Raises:
            ConfigError: Another run holds it.
        """
        check_no_links(self.path)
        if not locks.take(self._place):
            raise self._is_taken()
        self._held = True
        if (self.path / JUDGEMENTS).exists():
            with self._writing():
                self._judgements = self._locked()

    def _locked(self) -> Any:
        file = open_to_append(self.path / JUDGEMENTS)
        if not _locks(file):
            file.close()
            raise self._is_taken()
        return file

    def _is_taken(self) -> StorageError:
        return StorageError(f"{self.path}: another run is writing to it; wait for it, or choose another --out")

    def begin(self, manifest: Manifest, texts: Mapping[str, str], items: Iterable[Item]) -> None:
        """Makes the folder and writes what is known before the first call; a begun run is gone on with.

        The items are written beside what follows; `finish` waits for them.

        Args:
            manifest: As it is before the first call.
            texts: The templates by their paths in the folder; see `judgebench.runs.templatefiles.template_texts`.
            items: With their texts.

        Raises:
            ConfigError: It cannot be written, or another run has made it since this one looked.
        """
        check_no_links(self.path)
        with self._writing():
            self.path.mkdir(parents=True, exist_ok=True)
            if self._judgements is None and not self._taken:
                self._judgements = self._locked()
                if self._judgements.tell() > 0:
                    # Never tried again: that run's results are there by now, and would be taken for ours.
                    self.close()
                    self._taken = True
            if self._taken:
                raise StorageError(f"{self.path}: another run has just written it; rerun the command")
            crashed = is_torn(self.path) or (read_manifest(self.path) or manifest).state == "running"
            write_json(self.path / MANIFEST, manifest.to_json())
            if not self._has_items:
                self._items = shared_beside(self.path, str(manifest.items.hash), items, distrust=crashed)
            for left in self.path.glob(".*.part"):  # of a process that died while it wrote
                if left.is_file():
                    left.unlink()
            write_texts(self.path, texts)
            if SHARD not in texts:  # a merge that lacked parts, which this run makes up for
                (self.path / SHARD).unlink(missing_ok=True)
            cut_torn_line(self.path / JUDGEMENTS)
            self._size = (self.path / JUDGEMENTS).stat().st_size
            self._compress(part_path(self.path, number) for number in parts_of(self.path))
        self.begun = True

    def _writing(self) -> AbstractContextManager[None]:
        return writing(self.path, _OTHER_OUT)

    def append(self, judgement: Judgement) -> None:
        """Adds a line; one that was paid for is with the system when this returns, cached ones a little later."""
        self._unflushed += 1
        try:
            self._size += self._judgements.write(judgement.to_line())
            if not judgement.cached or self._unflushed >= _FLUSH_EVERY:
                self._judgements.flush()
                self._unflushed = 0
            if self._size >= journal.PART_BYTES:
                self._begin_part()
            if self._items is not None and self._items.done():
                self.have_items()
        except OSError as error:
            raise unwritable(self.path, error, _OTHER_OUT) from None

    def _begin_part(self) -> None:
        """Makes the file of judgements a finished part, compressed beside what follows, and begins the next."""
        part = part_path(self.path, max(parts_of(self.path), default=0) + 1)
        self._judgements.close()
        (self.path / JUDGEMENTS).rename(part)
        self._judgements, self._size, self._unflushed = self._locked(), 0, 0
        self._compress([part])

    def _compress(self, parts: Iterable[Path]) -> None:
        """Compresses those that are not yet, beside what follows."""
        for part in parts:
            if part.exists():
                self._compressed = beside(partial(compress, part))

    def have_items(self) -> None:
        """Returns when the items are there; raises what kept them from it."""
        items, self._items = self._items, None
        if items is not None:
            items.result()

    def finish(self, manifest: Manifest, outcomes: Sequence[Outcome], metrics: Metrics, *, replaced: int = 0) -> None:
        """Writes outcomes, metrics and the manifest's last state; each file appears whole or not at all.

        Args:
            manifest: As it is at the end.
            outcomes: Of each item.
            metrics: Of all.
            replaced: How many lines of judgements, from the first on, a refresh has replaced.
        """
        with self._writing():
            self.have_items()
            self.close()
            write_outcomes(self.path, outcomes)
            write_json(self.path / METRICS, metrics.to_json())
            with set_apart(self.path, replaced) if replaced else nullcontext():
                write_json(self.path / MANIFEST, manifest.to_json())

    def close(self) -> None:
        """Closes what is open, and leaves nobody writing."""
        wait([each for each in (self._items, self._compressed) if each is not None])
        if self._judgements is not None:
            self._judgements.close()
            self._judgements = None
        if self._held:
            locks.give_back(self._place)
            self._held = False


@contextmanager
def in_place_of(folder: Path, identity: Mapping[str, Any], mend: str) -> Iterator[Path]:
    """A run's folder to be filled, which takes the place of an earlier run when all of it is there.

    What an earlier one has beside the files of a run stays in it.

    Args:
        folder: What it becomes; need not be there yet.
        identity: What the run is: it takes no other's place.
        mend: What the user can do where it cannot be written.

    Raises:
        ConfigError: It cannot be written, holds files that are no run, or another run has just been written there.
    """
    check_no_links(folder)
    with writing(folder, mend):
        if folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).exists():
            raise StorageError(f"{folder}: contains files but no run; move it away, or {mend}")
        with whole_folder(folder, is_own) as part:
            yield part
            if folder_of(folder, identity) != folder:
                raise StorageError(f"{folder}: another run has just written it; rerun the command")


def read_results(folder: Path, items: int) -> Metrics | None:
    """The metrics of a run whose outcomes are there for so many items; None where either is missing or torn."""
    from judgebench.metrics.summary import Metrics

    try:
        metrics = Metrics.from_json(json.loads((folder / METRICS).read_text(encoding="utf-8")))
        outcomes = (folder / OUTCOMES).read_bytes()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return metrics if outcomes.count(b"\n") == items and outcomes.endswith(b"\n") else None
