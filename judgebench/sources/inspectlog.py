"""Inspect's eval logs as rows: one for each score of each sample, from `.eval` archives and from JSON."""

from __future__ import annotations

import hashlib
import json
import zipfile
from typing import TYPE_CHECKING, Any

from judgebench.errors import DataError
from judgebench.sources.source import Row, Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_HEAD = 4096


def is_inspect_log(path: Path) -> bool:
    """Whether a file is such a log, by its name or its first words."""
    if not path.is_file():
        return False
    if path.suffix.lower() == ".eval":
        return True
    if path.suffix.lower() != ".json":
        return False
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return head.lstrip().startswith(b"{") and b'"eval"' in head and (b'"status"' in head or b'"version"' in head)


class InspectLog(Source):
    """The scores of an eval log."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self._path = path

    def hash(self) -> str | None:
        """SHA-256 of the file."""
        with self._path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def rows(self) -> Iterator[Row]:
        """A row a score; a sample without scores, as one that failed, has none.

        Raises:
            DataError: It is no eval log.
        """
        try:
            yield from self._archive() if zipfile.is_zipfile(self._path) else self._whole()
        except (OSError, ValueError, KeyError, AttributeError, TypeError, zipfile.BadZipFile) as error:
            reason = f"{type(error).__name__}: {error}"
            raise DataError(f"{self.name}: cannot be read as an eval log of Inspect ({reason:.100})") from error

    def _archive(self) -> Iterator[Row]:
        with zipfile.ZipFile(self._path) as archive:
            names = archive.namelist()
            header = "header.json" if "header.json" in names else "_journal/start.json"
            about = json.loads(archive.read(header))["eval"]
            for name in sorted(name for name in names if name.startswith("samples/") and name.endswith(".json")):
                yield from _scores(f"{self._path.name} {name}", json.loads(archive.read(name)), about)

    def _whole(self) -> Iterator[Row]:
        log = json.loads(self._path.read_text(encoding="utf-8"))
        for number, sample in enumerate(log.get("samples") or (), 1):
            yield from _scores(f"{self._path.name} sample {number}", sample, log["eval"])


def _scores(where: str, sample: Mapping[str, Any], about: Mapping[str, Any]) -> Iterator[Row]:
    output = sample.get("output") or {}
    roles = about.get("model_roles") or {}
    grader = (roles.get("grader") or {}).get("model") if isinstance(roles.get("grader"), dict) else None
    scores = sample.get("scores") or ({"score": sample["score"]} if sample.get("score") else {})
    target = sample.get("target")
    for name, score in scores.items():
        data = {
            "inspect_scorer": name,
            "id": sample["id"],
            "epoch": sample.get("epoch", 1),
            "input": _text(sample.get("input")),
            "choices": sample.get("choices"),
            "target": target[0] if isinstance(target, list) and len(target) == 1 else target,
            "output": _completion(output),
            "value": score.get("value"),
            "answer": score.get("answer"),
            "explanation": score.get("explanation"),
            "model": about.get("model"),
            "grader": grader or (name if len(scores) > 1 else f"{about.get('model')} graded by {name}"),
            "task": str(about.get("task") or "").rpartition("/")[2] or None,
            "total_time": sample.get("total_time"),
        }
        yield Row(where, data)


def _text(said: Any) -> str | None:
    """The last message of the user's, where the input is a conversation."""
    if isinstance(said, list):
        texts = [_content(message.get("content")) for message in said if message.get("role") == "user"]
        return texts[-1] if texts else None
    return None if said is None else str(said)


def _completion(output: Mapping[str, Any]) -> str | None:
    if output.get("completion") is not None:
        return str(output["completion"])
    choices = output.get("choices") or ()
    return _content(choices[0]["message"]["content"]) if choices else None


def _content(content: Any) -> str:
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content if isinstance(part, dict))
    return str(content)
