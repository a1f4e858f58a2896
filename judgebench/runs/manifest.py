"""The manifest of a run: how it is read, and what the run is called by it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from judgebench._util.files import check_no_links
from judgebench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DEFAULT_OUT = "runs"
"""Where runs go when nothing else is said."""

FORMAT = 1
"""The version of the folder's layout, in every manifest."""

MANIFEST, OUTCOMES, METRICS = "manifest.json", "outcomes.jsonl", "metrics.json"

NAME_LENGTH = 100
"""How long a name of one thing may be as a folder's."""

ASKED = "asked"
"""In the manifest of a run that stopped when a difference was shown: how many items it judged; they have outcomes."""

REFRESHED_FROM = "refreshed_from"
"""In the manifest of a run whose refresh has not ended: how many lines of judgements are older than it."""

REFRESH = "refresh"
"""In the manifest of a run that was refreshed: which refresh it was, of all runs of one command the same."""

MADE = ("jury", "cascade")
"""Runs that are made of other runs; the manifest says of which under this name."""


def folder_name(text: str, length: int = NAME_LENGTH) -> str:
    """A name that is safe as a folder's: anything unusual becomes a dash."""
    return re.sub(r"[^A-Za-z0-9._@+-]", "-", text.replace("/", "--")).lstrip(".")[:length] or "-"


def protocol_folder(name: str) -> str:
    """The folder's name for a protocol's, which may be long, and may come out of a stranger's manifest."""
    return folder_name(name, 2 * NAME_LENGTH)


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


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest; None where the folder has none.

    Raises:
        ConfigError: It cannot be read, or the folder has links in it.
    """
    path = folder / MANIFEST
    if not os.path.lexists(path):  # a folder of other things, which may have links
        return None
    check_no_links(folder)
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); move the folder away to start afresh") from None
    if not isinstance(manifest, dict):
        raise ConfigError(f"{path}: is no manifest; move the folder away to start afresh")
    return manifest


def is_torn(folder: Path) -> bool:
    """Whether a folder has a manifest that cannot be read, as a crash leaves it."""
    if not os.path.lexists(folder / MANIFEST):
        return False
    check_no_links(folder)
    try:
        json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except ValueError:
        return True
    except OSError:
        return False
    return False


@dataclass(frozen=True)
class Name:
    """What a run is called.

    Attributes:
        template: The template's name, with the rule its replies were read by where that is another's; None for scores.
        protocol: The name of the protocol's folder; for scores `scores`, with a hash where that was another run's.
    """

    judge: str
    template: str | None
    protocol: str

    @property
    def wording(self) -> str:
        """The template; for scores the protocol, which tells apart those of one name."""
        return self.template or self.protocol


def name_of(manifest: Mapping[str, Any]) -> Name:
    """What tables call the run with this manifest."""
    if "scores" in manifest:
        scores = manifest["scores"]
        return Name(str(scores.get("name")), None, str(scores.get("protocol", "scores")))
    template = str(manifest.get("template", {}).get("name"))
    reader = manifest.get("rescored", {}).get("template", template)
    said = template if reader == template else f"{template} read by {reader}"
    return Name(str(manifest.get("judge", {}).get("name")), said, str(manifest.get("protocol", {}).get("name")))
