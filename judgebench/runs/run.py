"""A run that is read from its folder."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from judgebench._util.jsonl import loads
from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.dataset import TOO_FEW, put_in_groups
from judgebench.errors import ConfigError
from judgebench.items import item_to_json
from judgebench.metrics.summary import Metrics
from judgebench.runs.itemfile import ITEMS, read_items
from judgebench.runs.journal import JUDGEMENTS
from judgebench.runs.judgements import latest, read_judgements
from judgebench.runs.manifest import FORMAT, MANIFEST, METRICS, TUNED, Manifest, read_manifest, wrong_format
from judgebench.runs.outcomes import outcome_lines, read_outcomes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import pandas as pd

    from judgebench._util.table import Table
    from judgebench.benchmarks.base import Benchmark
    from judgebench.items import Item, ItemKey, Outcome, Reading
    from judgebench.runs.frames import TableName
    from judgebench.runs.judgements import Judgement
    from judgebench.runs.manifest import Name

T_co = TypeVar("T_co", covariant=True)

_NAMED = 5


class Records(Generic[T_co]):
    """Records of a run; each time they are gone through they are read anew, so that they need no memory.

    Args:
        read: Reads them from the first on.
    """

    def __init__(self, read: Callable[[], Iterable[T_co]]) -> None:
        self._read = read

    def __iter__(self) -> Iterator[T_co]:
        return iter(self._read())

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Run:
    """A finished or begun run, read from its folder.

    Attributes:
        path: The folder.
        controls: The runs over altered items that were made with it, by name; none where it is only read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.controls: dict[str, Run] = {}

    @classmethod
    def load(cls, path: str | Path) -> Run:
        """The run in a folder.

        >>> import judgebench as jb
        >>> run = jb.run("rewardbench", judge="offline/longest", data="sample", out="runs")
        >>> jb.Run.load(run.path).metrics.judge
        'offline/longest'

        Raises:
            ConfigError: The folder holds no run.
        """
        folder = Path(path)
        if read_manifest(folder) is None:
            raise ConfigError(f"{folder}: not a run folder (no manifest.json); name the folder of one run")
        return cls(folder)

    @cached_property
    def manifest(self) -> Manifest:
        """What was run: versions, seed, protocol, hashes, data source, judge settings, state."""
        return read_manifest(self.path) or Manifest()

    @cached_property
    def metrics(self) -> Metrics:
        """The figures in `metrics.json`.

        Raises:
            ConfigError: They are not there, or of another version.
        """
        path = self.path / METRICS
        try:
            return Metrics.from_json(loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise ConfigError(f"{path}: file not found, the run was cut off; {self.mend}") from None
        except KeyError as error:
            raise ConfigError(
                f"{path}: written by an older version of judgebench, without the field '{error.args[0]}'; {self.mend}"
            ) from None
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise ConfigError(f"{path}: from another version, or damaged ({error!r}); {self.mend}") from None

    @property
    def mend(self) -> str:
        """What makes outcomes and figures anew, in words."""
        if self.manifest.scores is not None:
            return "score the file again with judgebench score"
        if self.manifest.origin is not None and self.manifest.rescored is None:
            return "import the file again with judgebench import"
        if self.manifest.made_of is not None:
            return f"rerun judgebench {self.manifest.made_of} with its runs"
        return f"rerun its command, or judgebench rescore {self.path}"

    @property
    def judgements(self) -> Records[Judgement]:
        """The judgement that counts for each item, order and sample; none for a score file's run."""
        return Records(lambda: latest(read_judgements(self.path)).values())

    @property
    def outcomes(self) -> Records[Outcome]:
        """Each item's outcome, from `outcomes.jsonl`; going through them raises a ConfigError where it is damaged."""
        return Records(lambda: iter(Finished(self).outcomes.values()))

    @property
    def items(self) -> Records[Item]:
        """The items, with their texts."""
        return Records(lambda: read_items(self.path))

    def to_pandas(self, table: TableName = "judgements") -> pd.DataFrame:
        """The run as a pandas table; `judgebench.to_pandas` makes one of several runs.

        Args:
            table: `judgements` (one row per reply), `outcomes` (one row per item) or `scores` (one row per score: of
                the whole, of each section and subset).

        Raises:
            ConfigError: There is no such table, or the run has no such file.
        """
        from judgebench.runs import frames

        return frames.pandas_of(frames.arrow(self.rows(table), frames.schema_of(table, whose=False)))

    def rows(self, table: TableName = "judgements") -> Iterator[dict[str, object]]:
        """The rows of that table, one by one.

        Raises:
            ConfigError: There is no such table, or the run has no such file.
        """
        from judgebench.runs import frames

        chosen = frames.check_table(table)
        if chosen == "judgements":
            return frames.judgement_rows(self.judgements)
        return (
            frames.score_rows(self.metrics)
            if chosen == "scores"
            else frames.outcome_rows(outcome_lines(self.path, self.mend))
        )

    @property
    def name(self) -> Name:
        """What tables call it: judge, template and protocol."""
        return self.manifest.name

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    def _repr_html_(self) -> str:
        from judgebench._util.html import paragraphs

        try:
            return self.table().to_html()
        except ConfigError as error:
            return paragraphs([repr(self), str(error)])

    def table(self) -> Table:
        """Its scores with intervals and counts, and what stands beside them.

        Raises:
            ConfigError: The run was cut off, so that it has no figures yet.
        """
        from judgebench.runs.naming import headings
        from judgebench.runs.shown import run_table

        return run_table(headings([self])[0], self.metrics)


def find_runs(folder: Path) -> list[Path]:
    """Every run's folder below (or at) a folder, sorted; hidden folders are left out."""
    found = []
    for path, folders, files in os.walk(folder):
        if MANIFEST in files:
            found.append(Path(path))
            folders.clear()
        folders[:] = sorted(name for name in folders if not name.startswith("."))
    return sorted(found)


def _parquet(paths: Iterable[Path]) -> str:
    if not any(path.suffix.lower() == ".parquet" for path in paths):
        return ""
    return "; Parquet files of judgements are for judgebench leaderboard, report and compare"


def list_runs(runs: Run | str | Path | Iterable[Run | str | Path]) -> list[Run | str | Path]:
    """Runs, or their folders, as a list; one by itself is a list of one.

    Of several, what `tune` keeps beside its runs is left out: `runs/custom/*/*/*` names it too.
    """
    if isinstance(runs, Run | str | Path):
        return [runs]
    every = list(runs)
    found = [each for each in every if isinstance(each, Run) or not _kept_by_tune(Path(each))]
    return found or every


def _kept_by_tune(path: Path) -> bool:
    return TUNED in {path.name, path.parent.name} and not (path / MANIFEST).exists() and not find_runs(path)


def open_run(path: str | Path) -> Run:
    """The run in a folder, with a message that helps where it is not one.

    Raises:
        ConfigError: There is no such folder, it holds no run, runs are only below it, or the run is of another version.
    """
    folder = Path(path)
    if not folder.exists():
        raise ConfigError(f"{folder}: folder not found; {_nearest(folder)}")
    if not folder.is_dir():
        mend = f"name its folder {folder.parent}" if (folder.parent / MANIFEST).exists() else "name a run's folder"
        raise ConfigError(f"{folder}: is a file; {mend}{_parquet([folder])}")
    manifest = read_manifest(folder)
    if manifest is None:
        below = [str(found) for found in find_runs(folder)]
        if not below:
            raise ConfigError(
                f"{folder}: not a run folder (no {MANIFEST} in it or below it){_parquet(folder.iterdir())}"
            )
        more = f" and {len(below) - _NAMED} more" if len(below) > _NAMED else ""
        many = f"are {len(below)} runs; name one of" if len(below) > 1 else "is a run; name it:"
        raise ConfigError(f"{folder}: not a run folder; below it {many} {', '.join(below[:_NAMED])}{more}")
    if manifest.format != FORMAT or manifest.benchmark is None:
        raise wrong_format(folder, manifest.format)
    if manifest.refreshed_from is not None:
        raise ConfigError(
            f"{folder}: its last --refresh is incomplete, so it mixes old and new replies; rerun its command with "
            "--refresh to resume"
        )
    return Run(folder)


def _nearest(folder: Path) -> str:
    """The fix for a folder that is missing: the run whose folder has the nearest name, if there is one."""
    above = next((each for each in folder.parents if each.is_dir()), None)
    found = [] if above is None or above in {Path(), Path("/")} else [str(path) for path in find_runs(above)]
    near = difflib.get_close_matches(str(folder), found, n=1, cutoff=0.7)
    return f"did you mean {near[0]}?" if near else f"name a run folder (with {MANIFEST})"


def torn(path: Path) -> bool:
    """Whether a file's last line has no end: a crash left it, and it is passed over."""
    if not path.exists() or not path.stat().st_size:
        return False
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def benchmark_of(manifest: Manifest) -> Benchmark:
    """Whose items a run judges: the benchmark of that name, or that of a file, of which the manifest says all.

    Raises:
        ConfigError: It is not installed, or the manifest is damaged.
    """
    if manifest.benchmark_file is not None:
        from judgebench.benchmarks.declared import declared_again

        return declared_again(manifest.benchmark_file)
    return get_benchmark(str(manifest.benchmark))


class Contents:
    """The items of a run, read when they are needed; runs of the same items can share them.

    Args:
        run: Whose folder they are read from.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    @cached_property
    def _grouped(self) -> tuple[dict[str, ItemKey], int]:
        benchmark = benchmark_of(self._run.manifest)
        keys = {item.id: benchmark.key(item) for item in self._run.items}
        return keys, put_in_groups(benchmark, keys)

    @property
    def keys(self) -> dict[str, ItemKey]:
        """The items, without their texts; in their groups, which files of earlier versions do not say."""
        return self._grouped[0]

    @property
    def ungrouped(self) -> int:
        """How many items share a prompt with others but are in no group."""
        return self._grouped[1]

    @cached_property
    def prints(self) -> dict[str, bytes]:
        """Of each item a hash of what is judged: texts, order, subset and label; metadata where there is no text."""
        prints = {}
        for item in self._run.items:
            said = item_to_json(item)
            if item.conversation or any(each.turns for each in item.completions):
                del said["metadata"]
            prints[item.id] = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).digest()
        return prints


class Finished:
    """A run whose outcomes are there, and what they are outcomes of.

    Args:
        run: The run.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.path = run.path
        self.contents = Contents(run)

    @cached_property
    def benchmark(self) -> Benchmark:
        """Whose items they are."""
        return benchmark_of(self.run.manifest)

    @cached_property
    def name(self) -> Name:
        """What tables call it."""
        return self.run.name

    @cached_property
    def is_scores(self) -> bool:
        """Whether it comes from a score file, and so has no judgements."""
        return self.run.manifest.scores is not None

    @cached_property
    def made_of(self) -> str | None:
        """`jury` or `cascade` where the run is made of other runs."""
        return self.run.manifest.made_of

    @cached_property
    def placed(self) -> bool:
        """Whether it is known in which slot each completion was shown."""
        origin = self.run.manifest.origin
        return origin is None or origin.ordered

    @cached_property
    def keys(self) -> dict[str, ItemKey]:
        """The items, without their texts; of a run that stopped when a difference was shown, those before that."""
        if self.run.manifest.asked is None:
            return self._every_key
        return {item: self._every_key[item] for item in self.outcomes}

    @cached_property
    def _every_key(self) -> dict[str, ItemKey]:
        """The items with the gold labels that the run's verdicts are held against."""
        template = self.run.manifest.template
        kind = template.kind
        if kind is None or kind.ordered:
            return self.contents.keys
        classes = template.label_classes
        return {item: kind.held_against(key, classes) for item, key in self.contents.keys.items()}

    @cached_property
    def outcomes(self) -> dict[str, Outcome]:
        """The outcome of each item.

        Raises:
            ConfigError: They are not there, or a line is none.
        """
        return read_outcomes(self.path, self._every_key, self.run.mend)

    @cached_property
    def metrics(self) -> Metrics:
        """The figures in `metrics.json`."""
        return self.run.metrics

    def with_figures(self, outcomes: dict[str, Outcome], metrics: Metrics) -> Finished:
        """The run with other outcomes and figures than its folder has."""
        other = copy(self)
        vars(other).update(outcomes=outcomes, metrics=metrics)
        return other

    @cached_property
    def recounted(self) -> tuple[int, int] | None:
        """How many judgements `metrics.json` is of and how many there are; None where these are as many.

        None too where there are no such figures.
        """
        try:
            stored = self.run.metrics
        except ConfigError:
            return None
        of = stored.judgements - stored.failures.get("not_asked", 0)
        if self.is_scores or len(self.judgements) == of:
            return None
        there = sum(item in self.keys for item, _, _ in self.judgements)
        return None if there == of else (of, there)

    @cached_property
    def moved(self) -> dict[str, tuple[int, ...]]:
        """Of each item whose label was corrected, which number each of its answers had when it was judged."""
        entry = self.run.manifest.rescored
        labels = None if entry is None else entry.labels
        return {} if labels is None else {item: tuple(order) for item, order in labels.moved.items()}

    @cached_property
    def models(self) -> dict[str, tuple[str | None, ...]]:
        """Of each item whose each completion is, where that is known of any."""
        found = ((item.id, self.benchmark.models(item)) for item in self.run.items)
        return {identifier: models for identifier, models in found if models is not None}

    @cached_property
    def judgements(self) -> dict[tuple[str, tuple[int, ...], int], Judgement]:
        """The judgement that counts for each item, order and sample; empty for scores."""
        found = latest(read_judgements(self.path))
        if self.run.manifest.asked is None:
            return found
        return {place: judgement for place, judgement in found.items() if judgement.item in self.keys}

    @cached_property
    def readings(self) -> dict[str, list[Reading]]:
        """What the replies say, by item."""
        readings: dict[str, list[Reading]] = {}
        for judgement in self.judgements.values():
            readings.setdefault(judgement.item, []).append(judgement.reading)
        return readings

    @property
    def notes(self) -> Iterator[str]:
        """What a reader must know of the folder, a sentence each."""
        if torn(self.path / JUDGEMENTS):
            yield f"{self.path / JUDGEMENTS}: the last line is cut off and was skipped"
        if self.recounted is not None:
            of, there = self.recounted
            yield (
                f"{self.path}: {METRICS} covers {of} judgements and {JUDGEMENTS} has {there}: all {there} are "
                f"used; {self.run.mend}"
            )

        if self.run.manifest.asked is not None:
            by = "--sequential" if self.run.manifest.until_shown is not None else "the race of tune"
            yield (
                f"{self.path}: stopped after {self.run.manifest.asked} items by {by}: fixed-sample "
                "intervals and p-values are too optimistic"
            )

        if self.contents.ungrouped and not any(TOO_FEW in note for note in self.metrics.notes):
            yield f"{self.path}: {self.contents.ungrouped} {TOO_FEW}"

    def need_judgements(self) -> None:
        """Raises ConfigError where the run has none."""
        if not self.is_scores and not self.judgements:
            raise ConfigError(f"{self.path}: empty run (no judgements); rerun its command")


def share_contents(runs: Sequence[Finished]) -> None:
    """Reads the items only once for all runs of the same ones."""
    first: dict[str, Contents] = {}
    for each in runs:
        if (each.path / ITEMS).exists():
            digest = str(each.run.manifest.items.hash)
            each.contents = first.setdefault(digest, each.contents)
