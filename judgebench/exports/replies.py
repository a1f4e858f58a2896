"""The reply cache as a whole: what is in it, taking old replies out, and bundles of replies to give away."""

from __future__ import annotations

import dataclasses
import json
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from judgebench._util.steps import counted
from judgebench.client import Bundle, BundledRun, Choice, Header, ReplyStore, keep_author_rows, write_bundle
from judgebench.errors import ConfigError
from judgebench.exports.bundling import bundled_rows, described, local_rows, unpack
from judgebench.runs import (
    JUDGEMENTS,
    MANIFEST,
    Judgement,
    Run,
    as_one_file,
    count_judgements,
    list_runs,
    read_manifest,
)
from judgebench.verdicts import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgebench.client import CacheInfo, PruneResult

_FINISHED = {"truncated": "length", "filtered": "content_filter", "context": "context"}
"""Why the model stopped, as a failure tells where the judgement itself does not."""


@dataclass(slots=True)
class ExportedReplies:
    """What went into a bundle.

    Attributes:
        replies: How many it has.
        rebuilt: How many of them were made from a run's own lines, because the cache has none or another.
        missing: Calls of the runs that have no reply, by kind of failure.
        conflicts: Replies that differ between the runs; the first run's is in the bundle.
        unreadable: Entries of the cache that are no reply, so not in the bundle of all of it.
        rows_needed: Files of the author's own whose rows a reader needs and the bundle does not have.
    """

    file: str
    replies: int = 0
    rebuilt: int = 0
    missing: dict[str, int] = field(default_factory=dict)
    conflicts: int = 0
    size_bytes: int = 0
    unreadable: int = 0
    rows_needed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a bundle's replies.

    Attributes:
        same: In the cache already.
        different: In the cache already with another reply, which stays.
        replaced: In the cache already with another reply, which made place.
        runs: Whose replies they are.
        folder: Where the bundle's templates, rows and providers were written; None where there are none.
        commands: What makes the runs again with no call.
        needed: What these need that the bundle does not have, a sentence each.
        kinds: What the files in the folder are: `templates`, `rows`, `providers`.
    """

    file: str
    replies: int
    new: int
    same: int
    different: int
    replaced: int
    runs: list[BundledRun]
    folder: str | None = None
    commands: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()


def cache_info(cache_dir: str | Path | None = None) -> CacheInfo:
    """What is in the cache: replies, size, ages, and each model's share.

    >>> import judgebench as jb
    >>> jb.cache_info("an-empty-folder").replies
    0
    """
    with _store(cache_dir) as store:
        return store.info()


def prune_cache(
    *,
    older_than: float | None = None,
    model: str | None = None,
    everything: bool = False,
    imported: bool = False,
    dry_run: bool = False,
    cache_dir: str | Path | None = None,
) -> PruneResult:
    """Takes replies out of the cache; of several conditions, all must be met.

    >>> import judgebench as jb
    >>> jb.prune_cache(everything=True, dry_run=True, cache_dir="an-empty-folder").deleted
    0

    Args:
        older_than: Days since the reply was given.
        model: Its served model.
        everything: All of them.
        imported: Those that were imported from bundles.
        dry_run: Only count.
        cache_dir: The cache; None for the user's own.

    Raises:
        ConfigError: Nothing says which, or `everything` stands beside a condition.
    """
    if everything == (older_than is not None or model is not None or imported):
        raise ConfigError("select replies: --older-than DAYS, --model NAME, --imported or several, or --all")
    if older_than is not None and older_than < 0:
        raise ConfigError(f"--older-than {older_than:g}: must be >= 0")
    with _store(cache_dir) as store:
        return store.prune(Choice.older_than(older_than, model, imported=imported), dry_run=dry_run)


def export_replies(
    file: str | Path,
    runs: Run | str | Path | Sequence[Run | str | Path] = (),
    *,
    rows: bool = False,
    cache_dir: str | Path | None = None,
) -> ExportedReplies:
    """Writes a bundle of the replies of one or more runs, with their commands, templates and providers.

    A reply that the cache lacks, or has otherwise than the run, is rebuilt from the run's own lines.

    Args:
        file: The bundle, replaced where it is there.
        runs: A run or several, or their folders; none for the whole cache.
        rows: Put the rows into the bundle, which else has their hashes alone.
        cache_dir: The cache; None for the user's own.

    Raises:
        ConfigError: There is nothing to export, a folder holds no run, or something cannot be read or written.
    """
    exported = ExportedReplies(str(file))
    with ExitStack() as stack:
        store = stack.enter_context(_store(cache_dir))
        if among := list_runs(runs):
            folders = [run.path if isinstance(run, Run) else Path(run) for run in among]
            _export_runs(exported, store, [_RunReplies(folder, stack) for folder in folders], rows=rows)
        else:
            if rows:
                raise ConfigError("--rows: name the runs whose rows go into the bundle")
            _export_all(exported, store)
    exported.size_bytes = Path(file).stat().st_size
    return exported


def import_replies(
    file: str | Path,
    *,
    replace: bool = False,
    files: str | Path | None = None,
    cache_dir: str | Path | None = None,
) -> Imported:
    """Puts a bundle's replies into the cache, once all of the bundle has been checked.

    Args:
        file: The bundle.
        replace: Take the bundle's reply where the cache has another.
        files: The folder for the bundle's templates, rows and providers; None writes none, and gives no commands.
        cache_dir: The cache; None for the user's own.

    Raises:
        ConfigError: The bundle is torn, changed, of another version or none at all; nothing is written then.
    """
    bundle = Bundle(Path(file))
    header = bundle.check()
    origin = bundle.origin()
    unpacked = None if files is None else unpack(header, Path(files), origin.partition(" ")[0])
    with _store(cache_dir) as store:
        keep_author_rows(store.folder, header, origin.partition(" ")[0])
        marked = ((key, reply.model_copy(update={"imported": origin})) for key, reply in bundle.replies())
        replies = counted(marked, "putting replies into the cache", unit="replies", total=header.count)
        added = store.add(replies, replace=replace)
    done = Imported(str(file), header.count, added.new, added.same, added.different, added.replaced, list(header.runs))
    if unpacked is None:
        return done
    folder = None if unpacked.folder is None else str(unpacked.folder)
    return dataclasses.replace(
        done, folder=folder, commands=unpacked.commands, needed=unpacked.needed, kinds=unpacked.kinds
    )


def _store(cache_dir: str | Path | None) -> ReplyStore:
    return ReplyStore(None if cache_dir is None else Path(cache_dir))


class _RunReplies:
    """Where a run's replies stand in its judgements.

    Attributes:
        places: The offset of the line that counts for each key.
        missing: The kind of failure of each key without a reply.
    """

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self.path = folder, folder / JUDGEMENTS
        manifest = read_manifest(folder)
        if manifest is None:
            raise ConfigError(f"{folder}: not a run folder (no {MANIFEST}); name the folder of one run")
        if manifest.made_of is not None:
            raise ConfigError(f"{folder}: is a {manifest.made_of}, without replies of its own; name its runs")
        try:
            self._file = stack.enter_context(as_one_file(folder))
        except FileNotFoundError:
            raise ConfigError(f"{folder}: has no replies (no {JUDGEMENTS}); name a judge's run") from None
        except OSError as error:
            raise ConfigError(f"{self.path}: cannot be read ({error.strerror})") from None
        try:
            self.run = BundledRun.of(manifest.to_json())
            self._left_out = list(manifest.left_out)
            self._started = datetime.fromisoformat(str(manifest.started)).timestamp()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ConfigError(f"{folder / MANIFEST}: not a valid manifest ({error!r})") from None
        self.places: dict[bytes, int] = {}
        self.missing: dict[bytes, str] = {}
        self._find()

    def _find(self) -> None:
        start = 0
        lines = counted(
            self._file, f"reading {self.path}", unit="judgements", total=lambda: count_judgements(self.folder)
        )
        for number, line in enumerate(lines, 1):
            if not line.endswith(b"\n"):
                return
            try:
                judgement = Judgement.from_line(line)
                key = bytes.fromhex(judgement.key)
            except (TypeError, ValueError) as error:
                raise ConfigError(f"{self.path} line {number}: not a valid judgement record ({error})") from None
            if judgement.failure is not None and judgement.is_asked_again:
                self.places.pop(key, None)
                self.missing[key] = judgement.failure.kind
            else:
                self.missing.pop(key, None)
                self.places[key] = start
            start += len(line)

    def judgement(self, key: bytes) -> Judgement:
        """The judgement that counts for a key."""
        try:
            self._file.seek(self.places[key])
            return Judgement.from_line(self._file.readline())
        except (OSError, KeyError, TypeError, ValueError):
            raise ConfigError(f"{self.path}: changed during the export; export again") from None

    def reply(self, judgement: Judgement, cached: Reply | None) -> tuple[Reply, bool]:
        """The reply of a judgement, and whether it had to be rebuilt.

        What the judgement tells is as the run had it; the rest is the cache's, where that has the same text.
        """
        told = {name: getattr(judgement, name) for name in ("served_model", "cost_usd", "latency_s")}
        told |= asdict(judgement.usage)
        if cached is not None and cached.text == judgement.reply:
            return cached.model_copy(update=told), False
        failure, finish_reason = judgement.failure, judgement.finish_reason
        kind = None if failure is None else failure.kind
        marked = kind == "refused" and finish_reason in {None, "refusal"}
        reply = Reply(
            text=judgement.reply,
            reasoning=judgement.reasoning,
            finish_reason=finish_reason or _FINISHED.get(kind or ""),
            refusal=failure.detail if failure is not None and marked else None,
            created=self._started,
            left_out=self._left_out,
            answers=judgement.answers,
            **told,
        )
        return reply, True


def _export_runs(exported: ExportedReplies, store: ReplyStore, runs: Sequence[_RunReplies], *, rows: bool) -> None:
    for run in runs:
        for kind in run.missing.values():
            exported.missing[kind] = exported.missing.get(kind, 0) + 1
    keys = sorted({key for run in runs for key in run.places})
    if not keys:
        raise ConfigError("the runs have no replies to export")
    exported.replies = len(keys)

    def replies() -> Iterator[tuple[str, Reply]]:
        for key in keys:
            first, *others = [run for run in runs if key in run.places]
            judgement = first.judgement(key)
            reply, rebuilt = first.reply(judgement, store.get(key.hex()))
            exported.rebuilt += rebuilt
            exported.conflicts += any(other.judgement(key).reply != judgement.reply for other in others)
            yield key.hex(), reply

    said = [described(run.run, run.folder) for run in runs]
    if not rows:
        exported.rows_needed = tuple(dict.fromkeys(filter(None, map(local_rows, said))))
    whose = {json.dumps(each.model_dump(), sort_keys=True): each for each in said}
    folders = {each.rows: run.folder for each, run in zip(said, runs, strict=True)}
    header = Header(
        count=len(keys),
        runs=[run for _, run in sorted(whose.items(), key=lambda pair: pair[0])],
        rows={digest: bundled_rows(folder, texts=rows) for digest, folder in folders.items()},
    )
    write_bundle(Path(exported.file), header, replies())


def _export_all(exported: ExportedReplies, store: ReplyStore) -> None:
    keys: list[str] = []
    for key, there in store.replies():
        if there is None:
            exported.unreadable += 1
        else:
            keys.append(key)
    keys.sort()
    if not keys:
        raise ConfigError(f"cache folder {store.folder}: no replies; name another with --cache-dir")
    exported.replies = len(keys)
    found = ((key, reply) for key in keys if (reply := store.get(key)) is not None)
    write_bundle(Path(exported.file), Header(count=len(keys)), found)
