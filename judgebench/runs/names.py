"""What a run is called, by its manifest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


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
