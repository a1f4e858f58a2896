"""Which batches of a run are with its provider: a line an event, flushed to disk before anything follows from it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from judgebench._util.files import check_no_links, open_to_append, writing
from judgebench.errors import DataError
from judgebench.runs.judgements import cut_torn_line
from judgebench.runs.manifest import Manifest, read_manifest, short_hash

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

BATCHES = "batches.jsonl"
FORMAT = 1
_KEY = 16
"""So many digits of a request's key tell it from all others of a run."""
_MEND = "free some space, then rerun the command"


def short_key(key: str) -> str:
    """A request's key as it stands in the file."""
    return key[:_KEY]


@dataclass(slots=True)
class BatchEntry:
    """One batch of a run.

    Attributes:
        tag: What it was made under.
        requests: How many it has.
        at: When it was to be made, in seconds since 1970.
        keys: Those of its requests, shortened by `short_key`.
        id: The provider's name for it; None where nothing says that it was made.
        state: The provider's last word on it.
        counts: How many of its requests are done, and how many failed, as far as was said last.
        taken: Whether all that came of it is in the run.
    """

    tag: str
    requests: int
    at: float
    keys: frozenset[str]
    id: str | None = None
    state: str = ""
    counts: tuple[int, int] = (0, 0)
    taken: bool = False


class BatchFile:
    """The file in a run's folder.

    Args:
        folder: The run's.
        run: The hash of what makes the run what it is; a file of another run is refused. None: that of the manifest.
    """

    def __init__(self, folder: Path, run: str | None) -> None:
        self.path = folder / BATCHES
        if run is None:
            run = short_hash((read_manifest(folder) or Manifest()).identity)
        self.run = run
        self.entries: dict[str, BatchEntry] = {}
        for event in _events(self.path):
            if event.get("run", run) != run:
                raise DataError(
                    f"{self.path}: its batches belong to another run; move the file away, or copy the run's folder as "
                    "a whole"
                )
            _apply(self.entries, event)

    @property
    def open(self) -> list[BatchEntry]:
        """The batches that are not taken, the oldest first."""
        return [entry for entry in self.entries.values() if not entry.taken]

    def intend(self, tag: str, keys: Sequence[str], at: float) -> BatchEntry:
        """Notes that a batch is about to be made.

        Raises:
            StorageError: The file cannot be written.
        """
        event = {"event": "intended", "tag": tag, "at": at, "keys": [short_key(key) for key in keys]}
        self._write({"format": FORMAT, "run": self.run, **event})
        return self.entries[tag]

    def made(self, tag: str, batch: str) -> None:
        """Notes the provider's name for a batch."""
        self._write({"event": "made", "tag": tag, "id": batch})

    def seen(self, tag: str, state: str, done: int, failed: int) -> None:
        """Notes how a batch stands, where that has changed."""
        entry = self.entries[tag]
        if (entry.state, entry.counts) != (state, (done, failed)):
            self._write({"event": "seen", "tag": tag, "state": state, "done": done, "failed": failed})

    def took(self, tag: str) -> None:
        """Notes that all that came of a batch is in the run; or that it was never made."""
        self._write({"event": "taken", "tag": tag})

    def _write(self, event: Mapping[str, Any]) -> None:
        with writing(self.path, _MEND):
            cut_torn_line(self.path)
            with open_to_append(self.path) as file:
                file.write(json.dumps(event).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        _apply(self.entries, event)


def open_batches(folder: Path) -> list[BatchEntry]:
    """The batches of a run that are not taken, the oldest first; none where it has no such file."""
    entries: dict[str, BatchEntry] = {}
    for event in _events(folder / BATCHES):
        _apply(entries, event)
    return [entry for entry in entries.values() if not entry.taken]


def _events(path: Path) -> list[dict[str, Any]]:
    """The events of a file; a torn last line, as a crash leaves it, is none."""
    if not os.path.lexists(path):
        return []
    check_no_links(path.parent)
    events: list[dict[str, Any]] = []
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], 1):
        try:
            event = json.loads(line)
            whole = _FIELDS[event["event"]] <= event.keys()
        except (ValueError, KeyError, TypeError, AttributeError):
            whole = False
        if not whole:
            raise DataError(f"{path} line {number}: not a batch record; restore it from the original run's folder")
        if event.get("format", FORMAT) != FORMAT:
            raise DataError(f"{path}: has format {event['format']!r}; use the version of judgebench that wrote it")
        events.append(event)
    return events


_FIELDS = {
    "intended": {"tag", "at", "keys", "run"},
    "made": {"tag", "id"},
    "seen": {"tag", "state", "done", "failed"},
    "taken": {"tag"},
}
"""The fields of each kind of event."""


def _apply(entries: dict[str, BatchEntry], event: Mapping[str, Any]) -> None:
    tag, kind = event["tag"], event["event"]
    if kind == "intended":
        entries[tag] = BatchEntry(tag, len(event["keys"]), event["at"], frozenset(event["keys"]))
        return
    entry = entries.get(tag)
    if entry is None:
        return
    if kind == "made":
        entry.id = event["id"]
    elif kind == "seen":
        entry.state, entry.counts = event["state"], (event["done"], event["failed"])
    else:
        entry.taken = True
        entry.keys = frozenset()
