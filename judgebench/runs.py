"""A run's folder: enough by itself to report, compare, rescore and show, on another machine, with no call."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
from concurrent.futures import wait
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from judgebench.errors import ConfigError
from judgebench.itemfiles import shared_beside
from judgebench.judgements import JUDGEMENTS, cut_torn_line, encode, set_apart

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from judgebench.items import Item, Outcome
    from judgebench.judgements import Judgement
    from judgebench.metrics.summary import Metrics

DEFAULT_OUT = "runs"
"""Where runs go when nothing else is said."""
FORMAT = 1
"""The version of the folder's layout, in every manifest."""

MANIFEST, TEMPLATE = "manifest.json", "template.jinja"
OUTCOMES, METRICS = "outcomes.jsonl", "metrics.json"

ASKED = "asked"
"""In the manifest of a run that stopped when a difference was shown: how many items it judged; they have outcomes."""

REFRESHED_FROM = "refreshed_from"
"""In the manifest of a run whose refresh has not ended: how many lines of judgements are older than it."""

REFRESH = "refresh"
"""In the manifest of a run that was refreshed: which refresh it was, of all runs of one command the same."""

MADE = ("jury", "cascade")
"""Runs that are made of other runs; the manifest says of which under this name."""

_FLUSH_EVERY = 200


def folder_name(text: str) -> str:
    """A name that is safe as a folder's: anything unusual becomes a dash."""
    return re.sub(r"[^A-Za-z0-9._@+-]", "-", text.replace("/", "--")).lstrip(".")[:100] or "-"


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


def check_writable(folder: Path, option: str) -> None:
    """Finds out whether a folder can be written, or made; nothing is left behind.

    Args:
        folder: The folder, which need not be there yet.
        option: Names another, for the message.

    Raises:
        ConfigError: It can not.
    """
    there = folder
    try:
        while not there.exists() and there.parent != there:
            there = there.parent
        if not there.is_dir():
            raise ConfigError(f"{there}: is a file, where a folder is needed; choose another with {option}")
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise ConfigError(f"{there}: cannot be written ({error.strerror}); choose another with {option}") from None


class RunFolder:
    """Writes a run's folder. Nothing is written before `begin`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.begun = False
        self._judgements: Any = None
        self._taken = False
        self._unflushed = 0
        self._items: Future[None] | None = None

    def hold(self) -> None:
        """Keeps other runs out of a folder that is there, until `close`.

        Raises:
            ConfigError: Another run holds it.
        """
        if (self.path / JUDGEMENTS).exists():
            with self._writing():
                self._judgements = self._locked()

    def _locked(self) -> Any:
        file = (self.path / JUDGEMENTS).open("a", encoding="utf-8")
        if not _locks(file):
            file.close()
            raise ConfigError(f"{self.path}: another run is writing there; wait for it, or choose another --out")
        return file

    def begin(self, manifest: dict[str, Any], template: str, files: dict[str, str], items: Iterable[Item]) -> None:
        """Makes the folder and writes what is known before the first call; a begun run is gone on with.

        The items are written beside what follows; `finish` waits for them.

        Raises:
            ConfigError: It cannot be written, or another run has made it since this one looked.
        """
        with self._writing():
            self.path.mkdir(parents=True, exist_ok=True)
            if self._judgements is None and not self._taken:
                self._judgements = self._locked()
                if self._judgements.tell() > 0:
                    # Never tried again: that run's results are there by now, and would be taken for ours.
                    self.close()
                    self._taken = True
            if self._taken:
                raise ConfigError(f"{self.path}: another run has just written there; give the command again")
            self._lay_out(manifest, items)
            for name, text in {TEMPLATE: template, **files}.items():
                _write_text(self.path / name, text)
            cut_torn_line(self.path / JUDGEMENTS)
        self.begun = True

    def begin_scores(self, manifest: dict[str, Any], items: Iterable[Item]) -> None:
        """Makes the folder of a score file's run, which has no judgements."""
        with self._writing():
            self._lay_out(manifest, items)

    def _lay_out(self, manifest: dict[str, Any], items: Iterable[Item]) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        crashed = is_torn(self.path) or (read_manifest(self.path) or {}).get("state") == "running"
        write_json(self.path / MANIFEST, manifest)
        self._items = shared_beside(self.path, manifest["items"]["hash"], items, distrust=crashed)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._not_written(error) from None

    def _not_written(self, error: OSError) -> ConfigError:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return ConfigError(f"{self.path}: the disk is full; free some space, then give the same command again")
        return ConfigError(f"{self.path}: cannot be written ({error.strerror}); choose another with --out")

    def append(self, judgement: Judgement) -> None:
        """Adds a line; one that was paid for is with the system when this returns, cached ones a little later."""
        self._unflushed += 1
        try:
            self._judgements.write(encode(judgement.to_json()) + "\n")
            if not judgement.cached or self._unflushed >= _FLUSH_EVERY:
                self._judgements.flush()
                self._unflushed = 0
            if self._items is not None and self._items.done():
                self._have_items()
        except OSError as error:
            raise self._not_written(error) from None

    def _have_items(self) -> None:
        """Returns when the items are there; raises what kept them from it."""
        items, self._items = self._items, None
        if items is not None:
            items.result()

    def finish(
        self, manifest: dict[str, Any], outcomes: Sequence[Outcome], metrics: Metrics, *, replaced: int = 0
    ) -> None:
        """Writes outcomes, metrics and the manifest's last state; each file appears whole or not at all.

        Args:
            manifest: As it is at the end.
            outcomes: Of each item.
            metrics: Of all.
            replaced: How many lines of judgements, from the first on, a refresh has replaced.
        """
        with self._writing():
            self._have_items()
            self.close()
            lines = (encode(outcome_to_json(outcome)) + "\n" for outcome in outcomes)
            _write_all(self.path / OUTCOMES, lines)
            write_json(self.path / METRICS, metrics.to_json())
            write_json(self.path / MANIFEST, manifest)
            if replaced:
                set_apart(self.path, replaced)

    def close(self) -> None:
        """Closes what is open, and leaves nobody writing."""
        if self._items is not None:
            wait([self._items])
        if self._judgements is not None:
            self._judgements.close()
            self._judgements = None


@contextmanager
def in_place_of(folder: Path, mend: str) -> Iterator[Path]:
    """A folder to be filled, which takes the other's place when all of it is there; else that stays as it was.

    Args:
        folder: What it becomes; need not be there yet.
        mend: What the user can do where it cannot be written.

    Raises:
        ConfigError: It cannot be written.
    """
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        part.mkdir(parents=True)
        yield part
        if folder.exists():
            shutil.rmtree(folder)
        part.replace(folder)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written ({error.strerror}); {mend}") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def folder_of(plain: Path, identity: Mapping[str, Any]) -> Path:
    """The plain folder, or, where that holds a run of another identity, one beside it that is named by this one."""
    there = read_manifest(plain)
    return plain if there is None or there.get("identity") == identity else named_by(plain, identity)


def named_by(plain: Path, identity: Mapping[str, Any]) -> Path:
    """The folder beside the plain one that is named by what a run is."""
    return plain.with_name(f"{plain.name}-{short_hash(identity)}")


def short_hash(identity: Mapping[str, Any]) -> str:
    """A name of eight digits for what a run is."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:8]


def write_texts(folder: Path, files: Mapping[str, str]) -> None:
    """Writes files by their paths within a folder, as templates and what they include."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def outcome_to_json(outcome: Outcome) -> dict[str, Any]:
    """The object in `outcomes.jsonl`."""
    said: dict[str, Any] = {"item": outcome.item.id, "subset": outcome.item.subset, "credit": outcome.credit}
    if outcome.low != outcome.high:
        said |= {"low": outcome.low, "high": outcome.high}
    if outcome.scores:
        said["scores"] = outcome.scores[0] if len(outcome.scores) == 1 else outcome.scores
    return {**said, **outcome.source, **outcome.parts}


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest; None where the folder has none.

    Raises:
        ConfigError: It cannot be read.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); move the folder away to start afresh") from None
    if not isinstance(manifest, dict):
        raise ConfigError(f"{path}: is no manifest; move the folder away to start afresh")
    return manifest


def read_results(folder: Path, items: int) -> Metrics | None:
    """The metrics of a run whose outcomes are there for so many items; None where either is missing or torn."""
    from judgebench.metrics.summary import Metrics

    try:
        metrics = Metrics.from_json(json.loads((folder / METRICS).read_text(encoding="utf-8")))
        outcomes = (folder / OUTCOMES).read_bytes()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return metrics if outcomes.count(b"\n") == items and outcomes.endswith(b"\n") else None


def is_torn(folder: Path) -> bool:
    """Whether a folder has a manifest that cannot be read, as a crash leaves it."""
    try:
        json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except ValueError:
        return True
    except OSError:
        return False
    return False


def write_json(path: Path, data: Any) -> None:
    """Writes an indented JSON file, whole or not at all."""
    _write_text(path, json.dumps(data, indent=2, ensure_ascii=False) + "\n")


def _write_text(path: Path, text: str) -> None:
    _write_all(path, [text])


def _write_all(path: Path, texts: Iterable[str]) -> None:
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(texts)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
