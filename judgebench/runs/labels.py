"""What runs are called beside each other: what is equal in all is left out, what differs is named.

Every table takes its names from here. A label depends on the set of runs, never on their order, and no two different
runs of a set have the same.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from judgebench.metrics.votes import AGGREGATES

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from judgebench.runs.manifest import Manifest
    from judgebench.runs.run import Finished, Run

_AGGREGATE_OF: dict[str, str] = {join: name for name, join in AGGREGATES.items()}
_PAIRS = {"all": "all pairs", "knockout": "knockout"}
_USUAL = frozenset({"", "one order"})
_MOST_SUBSETS, _MOST_SETTINGS, _LONGEST_SETTING, _LONGEST_MAPPING = 2, 3, 30, 60


@dataclass(frozen=True, slots=True)
class RunLabel:
    """What a run is called beside the others of its set.

    Attributes:
        title: The shortest text that says all that tells it apart from others of its judge.
        judge: The judge's name.
        wording: The template, with the date of its edit where several texts of one name are in the set; `scores` for
            scores.
        details: What else differs from others of the set: orders, limit, data file and the like.
        conditions: What is not as usual, whatever the others are.
    """

    title: str
    judge: str
    wording: str
    details: tuple[str, ...]
    conditions: tuple[str, ...]

    @property
    def how(self) -> str:
        """The wording and the details: what stands beside the judge's name in a table."""
        return ", ".join((self.wording, *self.details))

    @property
    def parts(self) -> tuple[str, ...]:
        """The judge, the wording and all that is not as usual or differs, as above the run's own table."""
        return tuple(dict.fromkeys((self.judge, self.wording, *self.conditions, *self.details)))


class _Facet(NamedTuple):
    """One respect in which runs may differ: what it is called for each, and whether it is named wherever it differs."""

    texts: list[str]
    always: bool = True


def run_labels(runs: Sequence[Run]) -> list[RunLabel]:
    """What runs are called in one table.

    >>> import judgebench as jb
    >>> from judgebench.runs import run_labels
    >>> runs = jb.grid("rewardbench", judges=["offline/first"], data="sample", orders="both")
    >>> run_labels(runs)[0].parts
    ('offline/first', 'pairwise', 'both orders')

    Args:
        runs: All runs of the table.

    Returns:
        A label for each, in their order.
    """
    return manifest_labels([run.manifest for run in runs], [run.path for run in runs])


def manifest_labels(manifests: Sequence[Manifest], paths: Sequence[Path]) -> list[RunLabel]:
    """What runs of these manifests, in these folders, are called in one table; see `run_labels`.

    Runs of several benchmarks are told apart by the benchmark first.
    """
    labels: dict[int, RunLabel] = {}
    groups = _groups(str(manifest.benchmark) for manifest in manifests)
    for group in groups:
        own = _labels_of_one([manifests[at] for at in group], [paths[at] for at in group])
        for at, label in zip(group, own, strict=True):
            title = label.title if len(groups) == 1 else f"{manifests[at].benchmark} · {label.title}"
            labels[at] = replace(label, title=title)
    return [labels[at] for at in range(len(manifests))]


def _labels_of_one(manifests: Sequence[Manifest], paths: Sequence[Path]) -> list[RunLabel]:
    """The labels of runs of one benchmark."""
    judges = [manifest.name.judge for manifest in manifests]
    wordings = _wordings(manifests)
    conditions = [list(_conditions(manifest)) for manifest in manifests]
    facets = [
        _Facet(_sources(manifests)),
        _Facet(_item_sets(manifests)),
        _Facet([_mapping(manifest) for manifest in manifests]),
        *(_Facet(list(texts)) for texts in zip(*conditions, strict=True)),
        _Facet(_settings(manifests)),
        _Facet(["rescored" if _is_plain_rescored(manifest) else "" for manifest in manifests]),
        _Facet([_corrected(manifest) for manifest in manifests]),
        _Facet(_tails([_score_file(manifest) for manifest in manifests]), always=False),
        _Facet(_moments([manifest.started for manifest in manifests]), always=False),
    ]
    places = [str(path) for path in paths]
    hows: list[list[str]] = [[] for _ in manifests]
    for facet in facets:
        if facet.always and len({*facet.texts}) > 1:
            _append(hows, facet.texts, range(len(hows)))
    rows = [(judge, wording) for judge, wording in zip(judges, wordings, strict=True)]
    _tell_apart(hows, facets, places, lambda at: (*rows[at], ", ".join(hows[at])))
    titles: list[list[str]] = [[judge] for judge in judges]
    for texts in (wordings, *(facet.texts for facet in facets if facet.always)):
        for group in _groups(judges):
            if len({texts[at] for at in group}) > 1:
                _append(titles, texts, group)
    _tell_apart(titles, facets, places, lambda at: " · ".join(titles[at]))
    return [
        RunLabel(" · ".join(title), judge, wording, tuple(how), tuple(text for text in also if text not in _USUAL))
        for title, judge, wording, how, also in zip(titles, judges, wordings, hows, conditions, strict=True)
    ]


def titles_of(finished: Sequence[Finished]) -> list[str]:
    """The titles of runs that are read already."""
    return [label.title for label in run_labels([each.run for each in finished])]


def shared_conditions(runs: Sequence[Run]) -> list[str]:
    """What is not as usual and the same in all runs that were judged."""
    found = [[*_conditions(run.manifest)] for run in runs if run.manifest.scores is None]
    return [texts[0] for texts in zip(*found, strict=True) if len({*texts}) == 1 and texts[0] not in _USUAL]


def _append(parts: list[list[str]], texts: Sequence[str], group: Iterable[int]) -> None:
    for at in group:
        if texts[at]:
            parts[at].append(texts[at])


def _groups(keys: Iterable[Hashable]) -> list[list[int]]:
    """The places of equal keys."""
    found: dict[Hashable, list[int]] = defaultdict(list)
    for at, key in enumerate(keys):
        found[key].append(at)
    return list(found.values())


def _tell_apart(parts: list[list[str]], facets: Sequence[_Facet], places: Sequence[str], said: Any) -> None:
    """Adds to names that are alike what differs between them, and at last the folders."""
    every = range(len(parts))
    for texts in [*(facet.texts for facet in facets if not facet.always), None, list(places)]:
        for group in _groups(map(said, every)):
            if len({places[at] for at in group}) > 1:
                own = texts or dict(zip(group, _middles([places[at] for at in group]), strict=True))
                if len({own[at] for at in group}) > 1:
                    _append(parts, own, group)  # type: ignore[arg-type]
    for group in _groups(map(said, every)):  # names that hold what stands between their parts
        order = sorted({places[at] for at in group})
        if len(order) > 1:
            _append(parts, [f"({order.index(place) + 1})" if place in order else "" for place in places], group)


def _wordings(manifests: Sequence[Manifest]) -> list[str]:
    """The templates' names; of several texts of one name, all but the earliest with the date of the edit."""
    names = ["scores" if manifest.scores is not None else _named(manifest) for manifest in manifests]
    versions = [None if manifest.scores is not None else _version(manifest) for manifest in manifests]
    said = [*names]
    for group in _groups(names):
        found: dict[object, list[Manifest]] = defaultdict(list)
        for at in group:
            found[versions[at]].append(manifests[at])
        if len(found) < 2:
            continue
        edits = {version: _edit(among) for version, among in found.items()}
        starts = {version: min(str(each.started or "") for each in among) for version, among in found.items()}
        if len({*edits.values()}) < len(edits):  # what it includes was edited, or the file was put back
            edits = {version: starts[version] or None for version in edits}
        order = sorted(found, key=lambda version: (edits[version] or "", starts[version], str(version)))
        dated = dict(zip(order[1:], _moments([edits[version] for version in order[1:]]), strict=True))
        again = {date for date in dated.values() if not date or [*dated.values()].count(date) > 1}
        for at in group:
            if (date := dated.get(versions[at])) is not None:
                mark = f"edited {date}".strip()
                said[at] += f" ({mark}, {_short(versions[at])})" if date in again else f" ({mark})"
    return said


def _named(manifest: Manifest) -> str:
    template, rescored = manifest.template, manifest.rescored
    if rescored is not None and rescored.template == template.name and rescored.hash not in {None, template.hash}:
        return f"{template.name} parsed with {template.name} (edited)"
    wording = manifest.name.wording
    if template.file is not None and wording == template.name:
        return f"{wording} ({template.file})"
    return wording


def _version(manifest: Manifest) -> tuple[str | None, ...]:
    """What makes the wording another of the same name: its text, its companion's, the rule that read the replies."""
    own = manifest.template.hash
    companion = None if manifest.companion is None else manifest.companion.hash
    reader = None if manifest.rescored is None else manifest.rescored.hash
    return own, companion, None if reader == own else reader


def _short(version: object) -> str:
    parts = version if isinstance(version, tuple) else (version,)
    return " ".join(str(part)[:8] for part in parts if part is not None)


def _edit(manifests: Iterable[Manifest]) -> str | None:
    """When a wording was edited, by what its runs say; else when the first of them began."""
    entries = list(manifests)
    edits = [
        str(edit)
        for each in entries
        if (edit := each.template.edited if each.rescored is None else each.rescored.edited)
    ]
    starts = [str(each.started) for each in entries if each.started]
    return min(edits or starts, default=None)


def _moments(stamps: Sequence[str | None]) -> list[str]:
    """Times as people write them, in local time, no finer than tells different ones apart."""
    times = [_time(stamp) for stamp in stamps]
    known = {time for time in times if time is not None}
    year = " %Y" if len({time.year for time in known}) > 1 else ""
    for form in (f"%d %b{year} %H:%M", f"%d %b{year} %H:%M:%S", f"%d %b{year} %H:%M:%S.%f"):
        if len({time.strftime(form) for time in known}) == len(known):
            break
    return ["" if time is None else time.strftime(form).lstrip("0") for time in times]


def _time(stamp: str | None) -> datetime | None:
    try:
        return None if stamp is None else datetime.fromisoformat(stamp).astimezone()
    except (ValueError, OverflowError):
        return None


def _conditions(manifest: Manifest) -> Iterator[str]:
    """How the questions were put and which items were chosen; empty texts for what is as usual."""
    protocol, selection = manifest.protocol.protocol, manifest.selection
    judged = manifest.scores is None
    kind = manifest.template.kind
    orders = judged and (kind is None or kind.ordered)
    yield f"{protocol.orders} order{'' if protocol.orders == 'one' else 's'}" if orders else ""
    yield _PAIRS.get(str(protocol.pairs), "") if judged else ""
    yield f"{protocol.samples} samples" if judged and protocol.samples > 1 else ""
    yield "logprobs" if judged and protocol.soft else ""
    yield _AGGREGATE_OF[protocol.join] if judged and protocol.join != "mean" else ""
    yield "early stop" if judged and protocol.early_stop else ""
    yield f"repair {protocol.repair}" if judged and protocol.repair else ""
    yield f"limit {selection.limit}" if selection.limit is not None else ""
    yield f"{selection.part} items" if selection.part is not None else ""
    yield f"shard {selection.shard}" if selection.shard is not None else ""
    subsets = ", ".join(selection.subsets)
    yield subsets if len(selection.subsets) <= _MOST_SUBSETS else f"{len(selection.subsets)} subsets"
    yield f"grouped by {selection.group_column}" if selection.group_column is not None else ""
    yield f"seed {manifest.seed}" if manifest.seed else ""
    yield manifest.altered.title if manifest.altered is not None else ""
    yield f"sequential against {manifest.until_shown.against}" if manifest.until_shown is not None else ""
    made = manifest.jury or manifest.cascade
    yield f"{len(made.members)} runs" if made is not None else ""
    yield f"{made.weights} weights" if made is not None and made.weights != "equal" else ""
    yield f"held out {(made.held_out or {}).get('share')}" if made is not None and made.held_out else ""
    yield f"threshold {made.threshold:g}" if made is not None and made.threshold is not None else ""
    yield f"by {made.by}" if made is not None and made.by != "disagreement" else ""


def _mapping(manifest: Manifest) -> str:
    """How the columns and labels of the rows are read, where that was said."""
    selection = manifest.selection
    pairs = [f"{name}={value}" for each in (selection.columns, selection.labels) for name, value in each.items()]
    said = ", ".join([*pairs, *([f"ids from {selection.id_column}"] if selection.id_column is not None else [])])
    return said if len(said) <= _LONGEST_MAPPING else f"{said[: _LONGEST_MAPPING - 1]}…"


def _sources(manifests: Sequence[Manifest]) -> list[str]:
    """The shortest names of the files that the rows are from; none where all have the same items."""
    if len({manifest.items.hash for manifest in manifests if not _corrected(manifest)}) < 2:
        return [""] * len(manifests)
    tails = _tails([_source(manifest) for manifest in manifests])
    revisions = [str(manifest.data.revision or "") for manifest in manifests]
    for group in _groups(tails):
        if len({revisions[at] for at in group}) > 1:
            for at in group:
                tails[at] = f"{tails[at]}@{revisions[at][:12]}".rstrip("@")
    return tails


def _source(manifest: Manifest) -> str:
    data = manifest.data
    return f"{str(data.source or '').removesuffix(' (bundled)')}{f':{data.split}' if data.split else ''}"


def _score_file(manifest: Manifest) -> str:
    return "" if manifest.scores is None else str(manifest.scores.file or "")


def _tails(paths: Sequence[str]) -> list[str]:
    """The last parts of paths, as few as tell different ones apart."""
    split = {path: [part for part in path.replace("\\", "/").split("/") if part] for path in paths}
    said = {}
    for path, parts in split.items():
        for count in range(1, len(parts) + 1):
            said[path] = "/".join(parts[-count:])
            if not any(other[-count:] == parts[-count:] for name, other in split.items() if name != path):
                break
    return [said.get(path, "") for path in paths]


def _middles(paths: Sequence[str]) -> list[str]:
    """Folders without the parts that all begin and end with."""
    split = [path.split("/") for path in paths]
    room = min(map(len, split)) - 1
    same = [len({*parts}) == 1 for parts in zip(*split, strict=False)]
    start = next((at for at in range(room) if not same[at]), room)
    ends = [len({parts[-at] for parts in split}) == 1 for at in range(1, room - start + 1)]
    end = next((at for at, alike in enumerate(ends) if not alike), len(ends))
    return ["/".join(parts[start : len(parts) - end]) or path for parts, path in zip(split, paths, strict=True)]


def _item_sets(manifests: Sequence[Manifest]) -> list[str]:
    """What tells items apart that were chosen alike from a file of one name: rows that were edited between runs."""
    said = [""] * len(manifests)
    chosen = [
        (_source(each), each.data.revision, str(each.selection), each.seed if each.selection.limit else 0)
        for each in manifests
    ]
    for every in _groups(chosen):
        group = [at for at in every if not _corrected(manifests[at])]
        found: dict[object, list[Manifest]] = defaultdict(list)
        for at in group:
            found[manifests[at].items.hash].append(manifests[at])
        if len(found) < 2:
            continue
        counts = {digest: among[0].items.count for digest, among in found.items()}
        order = sorted(found, key=str)
        first = [min((str(each.started) for each in found[digest] if each.started), default=None) for digest in order]
        dates = dict(zip(order, _moments(first), strict=True))
        dated = len({*dates.values()}) == len(order)
        for at in group:
            digest = manifests[at].items.hash
            if len({*counts.values()}) == len(counts):
                said[at] = f"{counts[digest]} items"
            else:
                said[at] = f"rows of {dates[digest]}" if dated and dates[digest] else f"rows {str(digest)[:8]}"
    return said


def _settings(manifests: Sequence[Manifest]) -> list[str]:
    """The settings in which runs of one judge's name differ."""
    said = [""] * len(manifests)
    every = [_flat(manifest) for manifest in manifests]
    for group in _groups(manifest.name.judge for manifest in manifests):
        names = sorted({name for at in group for name in every[at]})
        varied = [name for name in names if len({every[at].get(name) for at in group}) > 1][:_MOST_SETTINGS]
        for at in group:
            said[at] = ", ".join(f"{name} {every[at][name]}" for name in varied if name in every[at])
    return said


def _flat(manifest: Manifest) -> dict[str, str]:
    judge = manifest.identity.get("judge")
    if manifest.scores is not None or not isinstance(judge, dict):
        return {}
    parts: dict[str, Any] = {"model": judge.get("model"), "judge": judge.get("identity")}
    given: list[Mapping[str, Any]] = [e for e in (judge.get("params"), judge.get("extra")) if isinstance(e, dict)]
    parts |= {str(name): value for each in given for name, value in each.items()}
    soft = {"logprobs", "top_logprobs"} if manifest.protocol.protocol.soft else set()
    return {name: _setting(value) for name, value in parts.items() if name not in soft}


def _setting(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return text if len(text) <= _LONGEST_SETTING else f"{text[: _LONGEST_SETTING - 1]}…"


def _is_plain_rescored(manifest: Manifest) -> bool:
    """Whether the replies were read again with nothing else in the name that says so."""
    rescored = manifest.rescored
    return (
        rescored is not None
        and rescored.labels is None
        and rescored.template == manifest.template.name
        and rescored.hash == manifest.template.hash
    )


def _corrected(manifest: Manifest) -> str:
    """That labels were corrected, and by which file."""
    labels = None if manifest.rescored is None else manifest.rescored.labels
    return "" if labels is None else f"labels corrected ({labels.file})" if labels.file else "labels corrected"
