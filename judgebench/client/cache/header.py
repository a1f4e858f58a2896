"""A bundle's first line: whose replies it has, and what a reader needs to make the runs again.

Versions of judgebench that know less of it read the replies all the same.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from judgebench._util.redaction import without_secrets
from judgebench.client.cache.keys import CONNECTION, CONNECTION_PREFIXES, KEY_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT, VERSION = "judgebench-replies", 1
"""What a bundle's header calls itself, and the version of the layout."""

_Print = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]


class BundledTemplate(BaseModel):
    """A template that does not ship: its text, and those of the files that it includes by their names."""

    model_config = ConfigDict(extra="ignore")

    name: str
    text: str
    files: dict[str, str] = Field(default_factory=dict)


class BundledRows(BaseModel):
    """The items of runs, by the hash of all of them in the header.

    Attributes:
        prints: Of each item, by its id, the first 16 digits of the SHA-256 of what is judged; empty for very many.
        items: Each as a line of `items.jsonl.gz`; None where the author did not add them.
    """

    model_config = ConfigDict(extra="ignore")

    prints: dict[str, _Print] = Field(default_factory=dict)
    items: list[str] | None = None


class BundledRun(BaseModel):
    """A run whose replies a bundle has: what it was, with neither address nor secret.

    Attributes:
        identity: As in the run's manifest, without settings of the connection.
        command: The author's command, word for word but for paths.
        recipe: Of the manifest what makes the run again: template, protocol, selection, seed, data, items.
        provider: The entry of `providers.yaml`; empty where the judge needs none.
        wording: The template; None where it ships.
        reader: The template whose rule read the replies, where that is another; None where it ships.
        rows: The hash under which the header has the items.
    """

    model_config = ConfigDict(extra="ignore")

    benchmark: str
    judge: str
    template: str
    protocol: str
    identity: dict[str, object] = Field(default_factory=dict)
    command: list[str] = Field(default_factory=list)
    recipe: dict[str, object] = Field(default_factory=dict)
    provider: dict[str, object] = Field(default_factory=dict)
    wording: BundledTemplate | None = None
    reader: BundledTemplate | None = None
    rows: str = ""

    @classmethod
    def of(cls, manifest: Mapping[str, object]) -> BundledRun:
        """The run of a manifest, by its names and its identity.

        Raises:
            KeyError, TypeError, ValueError: The manifest lacks something.
        """
        known = cast("Mapping[str, Any]", manifest)
        identity = without_secrets(known["identity"])
        judge = identity.get("judge", {})
        judge["extra"] = without_connection(judge.get("extra", {}))
        return cls(
            benchmark=known["benchmark"],
            judge=known["judge"]["name"],
            template=known["template"]["name"],
            protocol=known["protocol"]["name"],
            identity=identity,
        )


def without_connection(extra: Mapping[str, Any]) -> dict[str, Any]:
    """A judge's further settings without those that say how it is reached."""
    return {
        name: value
        for name, value in extra.items()
        if name not in CONNECTION and not name.startswith(CONNECTION_PREFIXES)
    }


class Header(BaseModel):
    """A bundle's first line.

    Attributes:
        count: How many replies follow.
        runs: Whose they are; none for a whole cache.
        rows: The items of the runs, by their hash.
    """

    model_config = ConfigDict(extra="ignore")

    format: str = FORMAT
    version: int = VERSION
    key_version: int = KEY_VERSION
    judgebench: str = Field(default_factory=lambda: version("judgebench"))
    count: int = Field(ge=0)
    runs: list[BundledRun] = Field(default_factory=list)
    rows: dict[str, BundledRows] = Field(default_factory=dict)
