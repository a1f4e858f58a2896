"""A reward model run here: its scores into a file, and from there the way of every score file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from judgebench.analysis.rewardvariants import ranking_accuracy
from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.dataset import Selection, load_dataset
from judgebench.benchmarks.file import rows_of
from judgebench.benchmarks.suites import check_single
from judgebench.errors import ConfigError
from judgebench.rewards.cluster import running_model
from judgebench.rewards.scorefile import ScoreFile, score_dataset
from judgebench.runs import DEFAULT_OUT, Run, Steps, folder_name
from judgebench.runs.scores import ScoredBy, ScoreOptions, score_run
from judgebench.sources.opening import source_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgebench.benchmarks.dataset import Dataset
    from judgebench.rewards.model import RewardModel
    from judgebench.rewards.settings import RewardSettings
    from judgebench.sources.mapped import RowMap
    from judgebench.sources.opening import Data

SCORE_FILES = "score-files"
"""The folder of score files, beside those of the benchmarks' runs."""

_NOT_IDENTITY = {"versions", "device"}


def reward_run(
    model: str | Path,
    *,
    benchmark: str,
    data: Data | None = None,
    subsets: Sequence[str] = (),
    out: str | Path = DEFAULT_OUT,
    name: str | None = None,
    settings: RewardSettings,
    rows: RowMap,
) -> Run:
    """Runs a reward model here and scores it by the benchmark's rule; see `judgebench.reward`.

    Args:
        model: A folder that `save_pretrained` wrote, a GGUF file, or an id on the hub.
        benchmark: Whose items are scored.
        data: Where the items come from; None for the benchmark's own rows on the hub.
        subsets: Only these.
        out: The folder above the runs' folders.
        name: The model's name in tables; None for the folder's name, or the id.
        settings: How the model is run.
        rows: How rows are read: columns and labels by name.

    Raises:
        ConfigError: The model cannot be run, or does not fit the items.
    """
    check_single(benchmark, "judgebench reward for each of them")
    chosen = (subsets,) if isinstance(subsets, str) else tuple(subsets)
    benchmark, data = rows_of(benchmark, data)
    dataset = load_dataset(get_benchmark(benchmark), data, Selection(chosen, rows=rows))
    options = ScoreOptions(
        allow_missing=settings.allow_missing, steps=cast("Steps | None", settings.steps), threshold=settings.threshold
    )
    _check_steps(dataset, settings)
    with running_model(model, settings, name) as scorer:
        file = _scored(scorer, dataset, Path(out))
    notes = (*scorer.notes, *_truncated(file, scorer), *_constant(file, dataset))
    accuracy = ranking_accuracy(file.rows(), dataset)
    about = {**scorer.about, **({"ranking_accuracy": accuracy} if accuracy else {})}
    path = score_run(
        source_of(file.path),
        dataset,
        name=scorer.name,
        out=Path(out),
        options=options,
        model=ScoredBy(about, notes),
    )
    return Run.load(path)


def _check_steps(dataset: Dataset, settings: RewardSettings) -> None:
    """Says what scores of steps need before a model is loaded."""
    name = dataset.benchmark.name
    if any(key.steps for key in dataset.keys.values()):
        if settings.threshold is None:
            raise ConfigError(f"{name} has items in steps: add --threshold NUMBER (a step below it is wrong)")
    elif settings.step_separator is not None and settings.steps is None:
        aggregates = ", ".join(get_args(Steps))
        raise ConfigError(f"{name} has whole answers, and the model scores steps: add --steps, one of {aggregates}")


def _scored(scorer: RewardModel, dataset: Dataset, out: Path) -> ScoreFile:
    """The file with the scores of all items."""
    plain = out / SCORE_FILES / folder_name(dataset.benchmark.name) / f"{folder_name(scorer.name)}.jsonl"
    named = {"model"} if "weights" in scorer.about else set()  # the same files at another path are the same model
    said = {name: value for name, value in scorer.about.items() if name not in _NOT_IDENTITY | named}
    file = ScoreFile(plain, {**said, "benchmark": dataset.benchmark.name, "items": dataset.hash})
    with file.open({"model": scorer.about}):
        score_dataset(scorer, dataset, file)
    return file


def _truncated(file: ScoreFile, scorer: RewardModel) -> Iterator[str]:
    """How many conversations were too long."""
    cut = sum(int(row.get("truncated", 0)) for row in file.rows())
    if cut:
        what = "conversation is" if cut == 1 else "conversations are"
        limit = scorer.about.get("max_length")
        yield f"{cut} {what} longer than {limit:,} tokens and lost the beginning (--max-length)"


def _constant(file: ScoreFile, dataset: Dataset) -> Iterator[str]:
    """Whether no two answers of an item have different scores, which says nothing of the items."""
    compared = [row["scores"] for row in file.rows() if str(row["id"]) in dataset.keys and len(row["scores"]) > 1]
    if compared and all(isinstance(each[0], float) and len(set(map(str, each))) == 1 for each in compared):
        yield (
            f"the answers of an item have equal scores, in all {len(compared):,} items: the chat template leaves them "
            "out, or the model tells nothing apart (an untrained adapter, a head of zeros)"
        )
