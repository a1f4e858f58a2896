"""The manifest of a run: what was run and how, as the makers of runs write it and the readers take it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import distribution, version
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from judgebench._util.files import check_no_links
from judgebench._util.jsonl import AnyText, first_error
from judgebench.errors import ConfigError
from judgebench.items import Classes
from judgebench.protocols import Alteration, Protocol, UntilShown
from judgebench.verdicts import KINDS

if TYPE_CHECKING:
    from pathlib import Path

    from judgebench.verdicts import VerdictKind

DEFAULT_OUT = "runs"
"""Where runs go when nothing else is said."""

TUNED = "tuned"
"""The folder beside the templates' folders in which `tune` keeps what it found."""
FORMAT = 1
"""The version of the folder's layout, in every manifest."""

MANIFEST, OUTCOMES, METRICS = "manifest.json", "outcomes.jsonl", "metrics.json"

IMPORTED = "imported"
"""The template's name of verdicts that were made elsewhere where the question is not known, and their kind."""

NAME_LENGTH = 100
"""How long a name of one thing may be as a folder's."""


class _Entry(BaseModel):
    """A part of a manifest; whatever else stands there is kept."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)


class JudgeEntry(_Entry):
    """The judge's settings, without secrets; of a jury or a cascade the name alone."""

    name: AnyText | None = None
    model: AnyText | None = None
    api_base: AnyText | None = None
    params: Mapping[AnyText, object] = Field(default_factory=dict)
    family: AnyText | None = None


class ClassesEntry(_Entry):
    """The classes that a label template puts answers in, or a criteria template each criterion."""

    names: tuple[AnyText, ...]
    positive: AnyText
    abstain: AnyText | None = None
    shares: tuple[float, ...] = ()


class TemplateEntry(_Entry):
    """Which template, and in which version of its text; `edited` is when its file was, in UTC.

    `file` is the file's name where the template's is another.
    """

    name: AnyText | None = None
    hash: AnyText | None = None
    mode: AnyText | None = None
    edited: AnyText | None = None
    file: AnyText | None = None
    classes: ClassesEntry | None = None

    @property
    def kind(self) -> VerdictKind | None:
        """What its verdicts are; None where no template is known."""
        return next((kind for mode, kind in KINDS.items() if mode == self.mode), None)

    @property
    def label_classes(self) -> Classes | None:
        """The classes of a label template, or of one with criteria."""
        said = self.classes
        return None if said is None else Classes(said.names, said.positive, said.abstain, said.shares)


class ProtocolEntry(_Entry):
    """The protocol's name; its settings stand beside it."""

    name: AnyText | None = None

    @property
    def protocol(self) -> Protocol:
        """How each question was put, and its readings are aggregated."""
        return Protocol.from_json(self.model_extra or {})


class SelectionEntry(_Entry):
    """Which of the benchmark's items were chosen."""

    subsets: Sequence[AnyText] = ()
    limit: int | None = None
    part: AnyText | None = None
    held_out: float | None = None
    shard: AnyText | None = None
    columns: Mapping[AnyText, AnyText] = Field(default_factory=dict)
    labels: Mapping[AnyText, AnyText] = Field(default_factory=dict)
    id_column: AnyText | None = None
    group_column: AnyText | None = None
    bad_rows: AnyText | None = None
    empty_answers: AnyText | None = None
    config_name: AnyText | None = None


class DataEntry(_Entry):
    """Where the rows are from."""

    source: AnyText | None = None
    revision: AnyText | None = None
    split: AnyText | None = None


class ItemsEntry(_Entry):
    """How many items there are, of how many in the data, and the hash of their texts."""

    count: int | None = None
    of: int | None = None
    drawn_from: int | None = None
    hash: AnyText | None = None


class ScoresEntry(_Entry):
    """The score file of a run that has no judge; `protocol` is the name of the folder."""

    name: AnyText | None = None
    file: AnyText | None = None
    hash: AnyText | None = None
    protocol: AnyText = "scores"
    allow_missing: bool | None = None
    in_order: bool = False
    head: AnyText | None = None
    steps: AnyText | None = None
    threshold: float | None = None


class OriginEntry(_Entry):
    """Where the verdicts of a run come from that were made elsewhere.

    Attributes:
        kind: `imported`.
        form: Of the file.
        annotator: Which of those that the file names; None where it names none.
        ordered: Whether it is known in which order answers were shown.
        texts: Whether more is known of the items than their ids.
    """

    kind: AnyText | None = None
    form: AnyText | None = None
    file: AnyText | None = None
    hash: AnyText | None = None
    annotator: AnyText | None = None
    ordered: bool = True
    texts: bool = True


class LabelsEntry(_Entry):
    """The file of corrected labels, how many and the score before, and which numbers answers had before (`moved`)."""

    file: AnyText | None = None
    hash: AnyText | None = None
    count: int | None = None
    score_before: float | None = None
    moved: Mapping[AnyText, Sequence[int]] = Field(default_factory=dict)


class RescoredEntry(_Entry):
    """Which template's rule read the replies of which run (`source`) again; `protocol` is that run's."""

    template: AnyText | None = None
    hash: AnyText | None = None
    edited: AnyText | None = None
    companion: TemplateEntry | None = None
    protocol: AnyText | None = None
    joined: AnyText | None = None
    source: AnyText | None = Field(default=None, alias="from")
    version: AnyText | None = None
    labels: LabelsEntry | None = None


class MemberEntry(_Entry):
    """A run that another is made of."""

    path: AnyText | None = None


class DerivedEntry(_Entry):
    """What a jury or a cascade is made of, and how."""

    members: Sequence[MemberEntry] = ()
    weights: AnyText = "equal"
    held_out: Mapping[AnyText, object] | None = None
    threshold: float | None = None
    by: AnyText = "disagreement"


class PartEntry(_Entry):
    """A part (`3/8`) that a run was merged from: how many items it has, its state, and when it was made."""

    part: AnyText | None = None
    items: int | None = None
    state: AnyText | None = None
    started: AnyText | None = None
    ended: AnyText | None = None


class Manifest(_Entry):
    """What a run is and how it was made; see `make_manifest`.

    Attributes:
        refreshed_from: Of a refresh that has not ended: how many lines of judgements are older than it.
        refresh: Which refresh the run was part of last, of all runs of one command the same.
        state: `running`, `done`, `incomplete`, `interrupted` or `stopped`.
        benchmark_file: The `hash` and the `spec` of the file that declares the benchmark, where that does not ship.
        families: Whose model a name is; empty in runs of earlier versions.
        providers: The user's own file that makes the judge what it is.
        companion: The template for items that are always rated.
        identity: What makes two runs the same run.
        asked: How many items were judged before a comparison was settled; the others have no outcomes.
        imported: How many replies are from each imported bundle, named by its SHA-256 and the day of the import.
        sent_as: The model as it was sent, where that is not as the judge names it.
        transport: `direct` where calls were made by plain HTTP; None where LiteLLM made all.
        parts: The parts (`--shard`) that `judgebench merge` made it of.
    """

    format: int | None = None
    refreshed_from: int | None = None
    refresh: AnyText | None = None
    state: AnyText | None = None
    started: AnyText | None = None
    ended: AnyText | None = None
    benchmark: AnyText | None = None
    benchmark_file: Mapping[str, object] | None = None
    judge: JudgeEntry = Field(default_factory=JudgeEntry)
    families: Mapping[AnyText, Sequence[AnyText]] = Field(default_factory=dict)
    providers: AnyText | None = None
    template: TemplateEntry = Field(default_factory=TemplateEntry)
    companion: TemplateEntry | None = None
    protocol: ProtocolEntry = Field(default_factory=ProtocolEntry)
    scores: ScoresEntry | None = None
    selection: SelectionEntry = Field(default_factory=SelectionEntry)
    seed: int = 0
    data: DataEntry = Field(default_factory=DataEntry)
    items: ItemsEntry = Field(default_factory=ItemsEntry)
    altered: Alteration | None = None
    until_shown: UntilShown | None = None
    jury: DerivedEntry | None = None
    cascade: DerivedEntry | None = None
    identity: Mapping[str, object] = Field(default_factory=dict)
    rescored: RescoredEntry | None = None
    origin: OriginEntry | None = None
    asked: int | None = None
    served_models: Sequence[AnyText] = ()
    left_out: Sequence[AnyText] = ()
    sent_as: AnyText | None = None
    transport: AnyText | None = None
    imported: Mapping[AnyText, int] = Field(default_factory=dict)
    parts: Sequence[PartEntry] = ()
    versions: Mapping[AnyText, AnyText] = Field(default_factory=dict)

    @property
    def made_of(self) -> str | None:
        """`jury` or `cascade` where the run is made of other runs, which stand under this name; else None."""
        return "jury" if self.jury is not None else "cascade" if self.cascade is not None else None

    @property
    def name(self) -> Name:
        """What tables call the run."""
        if self.scores is not None:
            return Name(str(self.scores.name), None, self.scores.protocol)
        template = str(self.template.name)
        reader = template if self.rescored is None else self.rescored.template
        wording = template if reader == template else f"{template} parsed with {reader}"
        return Name(str(self.judge.name), wording, str(self.protocol.name))

    def to_json(self) -> dict[str, object]:
        """The object in `manifest.json`: what was given, and no defaults."""
        return self.model_dump(exclude_unset=True, by_alias=True)


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    """The versions of what asks, reads and counts."""
    return {name: _version(name) for name in ("judgebench", "litellm", "jinja2", "pydantic", "numpy")}


def _version(package: str) -> str:
    """Of an installed package; `importlib.metadata.version` reads the description below the head as well: 10 ms."""
    head = re.search(r"^Version: *(\S+)", distribution(package).read_text("METADATA") or "", re.MULTILINE)
    return version(package) if head is None else head[1]


def make_manifest(state: str | None, started: str | None, parts: Mapping[str, Any]) -> Manifest:
    """The manifest of a run as it is now, of whatever kind.

    Args:
        state: See `Manifest`.
        started: When it was, in UTC.
        parts: What else is known of it, by the names of `Manifest`; versions of an earlier maker are kept.
    """
    return Manifest.model_validate(
        {
            "format": FORMAT,
            **parts,
            "state": state,
            "started": started,
            "ended": None if state == "running" else now(),
            "versions": {**_versions(), **parts.get("versions", {})},
        }
    )


def now() -> str:
    """The time, as a manifest has it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def folder_name(text: str, length: int = NAME_LENGTH) -> str:
    """A name that is safe as a folder's: anything unusual becomes a dash."""
    return re.sub(r"[^A-Za-z0-9._@+-]", "-", text.replace("/", "--")).lstrip(".")[:length] or "-"


def protocol_folder(name: str) -> str:
    """The folder's name for a protocol's, which may be long, and may come out of a stranger's manifest."""
    return folder_name(name, 2 * NAME_LENGTH)


def folder_of(plain: Path, identity: Mapping[str, Any]) -> Path:
    """The plain folder, or, where that holds a run of another identity, one beside it that is named by this one."""
    existing = read_manifest(plain)
    return plain if existing is None or existing.identity == identity else named_by(plain, identity)


def named_by(plain: Path, identity: Mapping[str, Any]) -> Path:
    """The folder beside the plain one that is named by what a run is."""
    return plain.with_name(f"{plain.name}-{short_hash(identity)}")


def short_hash(identity: Mapping[str, Any]) -> str:
    """A name of eight digits for what a run is."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:8]


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest; None where the folder has none.

    Raises:
        ConfigError: It cannot be read, or the folder has links in it.
    """
    path = folder / MANIFEST
    if not os.path.lexists(path):  # a folder of other things, which may have links
        return None
    check_no_links(folder)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); move the folder away to start over") from None
    try:
        return Manifest.model_validate(data)
    except ValidationError as error:
        if isinstance(data, dict) and data.get("format", FORMAT) != FORMAT:
            raise wrong_format(folder, data["format"]) from None
        raise ConfigError(
            f"{path}: not a valid manifest ({first_error(error)}); move the folder away to start over"
        ) from None


def wrong_format(folder: Path, found: object) -> ConfigError:
    """The error about a run of another version."""
    return ConfigError(
        f"{folder / MANIFEST}: has format {found!r}, and this version of judgebench reads {FORMAT}; use the "
        "version that wrote it"
    )


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
