"""Where a run goes whose plain folder another run has: beside it, under a name that says what differs."""

from __future__ import annotations

import glob
from typing import TYPE_CHECKING, Any

from judgebench.runs.labels import manifest_labels
from judgebench.runs.manifest import folder_name, is_torn, read_manifest, short_hash

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from judgebench.runs.manifest import Manifest

_MOST_SAID = 60


def named_beside(plain: Path, new: Manifest, identity: Mapping[str, Any]) -> Path:
    """The folder of a run beside the plain one that another run has: its name says what differs, and ends in a hash.

    One that holds a run of this identity already is found again, whatever it is called.

    Args:
        plain: The folder that the run would have.
        new: What is known of the run.
        identity: What makes it the run that it is.
    """
    digest = short_hash(identity)
    for folder in sorted(plain.parent.glob(f"{glob.escape(plain.name)}-*{digest}")):
        if is_torn(folder) or getattr(read_manifest(folder), "identity", None) == identity:
            return folder
    existing = read_manifest(plain)
    label = manifest_labels([new, existing or new], [plain, plain])[0]
    edit = label.wording.removeprefix(new.name.wording).strip(" ()")
    differs = folder_name("-".join(filter(None, (edit, *label.details))), _MOST_SAID).strip("-")
    return plain.with_name("-".join(filter(None, (plain.name, "" if differs == "-" else differs, digest))))


def taken_note(path: Path, new: Manifest, other: Manifest | None) -> str:
    """That a run is not in the plain folder, and by what that is taken."""
    was, own = (other or new).identity, new.identity
    reasons = {"items": "other data", "template": "another wording", "judge": "other settings of the judge"}
    said = " and ".join(text for name, text in reasons.items() if was.get(name) != own.get(name)) or "other settings"
    return f"saved as {path} (the plain name is taken by a run with {said})"
