"""What stands above a run's own table, and where a run goes whose plain folder another run has."""

from __future__ import annotations

import glob
from typing import TYPE_CHECKING, Any

from judgebench.benchmarks import BENCHMARKS, get_benchmark
from judgebench.benchmarks.base import is_declared
from judgebench.runs.labels import manifest_labels, run_labels
from judgebench.runs.manifest import (
    MANIFEST,
    folder_name,
    is_torn,
    protocol_folder,
    read_manifest,
    short_hash,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from judgebench.benchmarks.base import Benchmark
    from judgebench.runs.manifest import Manifest
    from judgebench.runs.run import Run

_MOST_SAID = 60
_BUNDLED = ".items.jsonl"
"""How the file of a bundle's rows ends, behind the name of the author's."""


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


def benchmark_title(runs: Sequence[Run]) -> str:
    """What the benchmark of some runs is called: rows of one's own go by the name of their file, where it is one."""
    benchmarks = {str(run.manifest.benchmark) for run in runs}
    name = benchmarks.pop()
    files = [run.manifest.benchmark_file for run in runs]
    benchmark = get_benchmark(name) if name in BENCHMARKS else None
    if files[0] is not None:
        from judgebench.benchmarks.declared import declared_again

        benchmark = declared_again(files[0])
    title = name if benchmark is None else benchmark.title
    return titled(benchmark, [run.manifest.data.source for run in runs]) if not benchmarks and benchmark else title


def headings(runs: Sequence[Run]) -> list[str]:
    """What stands above the own table of each run: its benchmark or file, and what it is called beside the others.

    A run that is beside the one with the plain folder's name is called by what tells it from that, too.
    """
    paths = {run.path for run in runs}
    beside = {path for run in runs if (path := _plain(run)) not in paths and (path / MANIFEST).is_file()}
    labels = run_labels([*runs, *(type(runs[0])(path) for path in sorted(beside))])
    titles = [benchmark_title([run]) for run in runs]
    return [
        " · ".join(dict.fromkeys((title, *label.parts)))
        for title, label in zip(titles, labels[: len(runs)], strict=True)
    ]


def _plain(run: Run) -> Path:
    """The folder that the run would have if no other had it."""
    manifest = run.manifest
    name = "scores" if manifest.scores is not None else protocol_folder(str(manifest.protocol.name))
    return run.path.with_name(name)


def titled(benchmark: Benchmark, sources: Iterable[object]) -> str:
    """The benchmark's title; for rows of one's own that all come from one file, that file's name."""
    names = {str(source).replace("\\", "/").rpartition("/")[2] for source in sources}
    by_file = benchmark.own_rows and not is_declared(benchmark)
    if by_file and len(names) == 1 and "." in min(names):
        return names.pop().removesuffix(_BUNDLED)
    return benchmark.title
