"""What is understood of rows, with two items as they will be asked, before anything is run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.base import is_declared
from judgebench.benchmarks.checking import Understood, UnusableRowsError
from judgebench.benchmarks.dataset import Selection, load_dataset, opened
from judgebench.benchmarks.declared import declared_again
from judgebench.benchmarks.file import benchmark_yaml, is_benchmark_file, rows_of
from judgebench.engine.options import RowOptions
from judgebench.errors import ConfigError
from judgebench.protocols import Protocol, orders_of, questions
from judgebench.sources.known import KnownSource
from judgebench.sources.labels import read_label
from judgebench.sources.mapped import RowMap
from judgebench.templates import load_template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judgebench.benchmarks.dataset import Dataset
    from judgebench.sources.mapped import EmptyAnswers
    from judgebench.sources.opening import Data

_EXAMPLES = 2
_VALUES = 10


@dataclass(frozen=True)
class ItemPreview:
    """An item as it will be asked.

    Attributes:
        item: Its id.
        template: The template that words it where none is named.
        messages: Role and content of each message.
    """

    item: str
    template: str
    messages: list[dict[str, str]]


@dataclass(frozen=True)
class DataDescription:
    """What is understood of rows.

    Attributes:
        source: What they are called.
        understood: Their form, columns, labels and what is odd about them.
        examples: The first two items as they will be asked.
    """

    source: str
    understood: Understood
    examples: list[ItemPreview]
    _names: RowMap = field(repr=False)
    _dataset: Dataset = field(repr=False)

    def to_json(self) -> dict[str, object]:
        """What `data show --json` prints."""
        shown = [{"item": each.item, "template": each.template, "messages": each.messages} for each in self.examples]
        return {"source": self.source, **self.understood.to_json(), "examples": shown, "problem": None}

    def save(self, path: str | Path) -> Path:
        """Keeps how the rows are read as a benchmark file, which `--data` and BENCHMARK take.

        Raises:
            ConfigError: The rows have no name that a file could give, or the file cannot be written.
        """
        from judgebench._util.files import write_text

        target = Path(path)
        if not is_benchmark_file(target):
            raise ConfigError(f"--save {path}: a benchmark file ends in .yaml")
        text = benchmark_yaml(target.stem, self._place(target), self._kind(), self._kept(), self._head(target))
        write_text(target, text)
        return target

    def _place(self, target: Path) -> dict[str, object]:
        rows = self._dataset.rows
        if is_declared(self._dataset.benchmark):
            raise ConfigError(f"{self.source} has a benchmark file already: give --save with the rows themselves")
        if rows.revision is not None:
            hub = {"hub": rows.name, "revision": rows.revision, "config": self._names.config_name, "split": rows.split}
            return {key: value for key, value in hub.items() if value is not None}
        there = Path(rows.name).expanduser()
        if not there.exists():
            raise ConfigError(f"--save needs rows in a file or on the hub, and these are a {rows.name}")
        try:
            name = there.resolve().relative_to(target.resolve().parent)
        except ValueError:
            name = there.resolve()
        return {"files": [str(name)]}

    def _kind(self) -> str:
        keys = self._dataset.keys.values()
        if any(key.checklist for key in keys):
            return "criteria"
        if any(key.steps for key in keys):
            return "steps"
        if any(key.classed for key in keys):
            return "label"
        if any(key.graded or key.k == 1 for key in keys):
            return "rating"
        return "pair" if all(key.k == 2 for key in keys) else "best_of_k"

    def _kept(self) -> RowMap:
        """The columns that were understood, where naming them makes the same items; else those that were named."""
        every = replace(
            self._names, columns={**self.understood.used, **self._names.names}, id_column=None, group_column=None
        )
        said = {"name": "kept", "item": self._kind(), "columns": every.names, "labels": every.labels}
        rows = RowMap(empty_answers=self._names.empty_answers, bad_rows="skip", config_name=self._names.config_name)
        try:
            again = load_dataset(declared_again({"spec": said}), self._dataset.rows.name, Selection(rows=rows))
        except ConfigError:
            return self._names
        return every if again.hash == self._dataset.hash else self._names

    def _head(self, target: Path) -> str:
        return (
            f"{self.understood.form}, as `judgebench data show` understood them; run: judgebench run {target} -j JUDGE"
            "\n# more keys (context, sections, rule, average, orders): docs/benchmarks/files.md; `benchmarks "
            "rules` lists the rules, `lint` checks the file"
        )


def describe_data(
    data: Data,
    *,
    benchmark: str = "custom",
    columns: Mapping[str, str] | str | None = None,
    labels: Mapping[str, str] | str | None = None,
    id_column: str | None = None,
    group_column: str | None = None,
    empty_answers: EmptyAnswers = "refuse",
    config_name: str | None = None,
) -> DataDescription:
    """What is understood of rows; no call is made.

    >>> import judgebench as jb
    >>> rows = [{"question": "2 + 2?", "answer_a": "4", "answer_b": "5", "preferred": "model_a"}]
    >>> jb.describe_data(rows).understood.labels
    Counter({'A': 1})

    Args:
        data: The rows, as in `jb.run`.
        benchmark: Whose rows they are.
        columns: Their columns by name, as in `jb.run`: `{"prompt": "question"}`.
        labels: What their labels mean: `{"model_a": "A"}`.
        id_column: The column of the ids.
        group_column: The column that names rows that belong together.
        empty_answers: `keep` takes an empty answer as one.
        config_name: The configuration of a hub dataset.

    Raises:
        ConfigError: The rows cannot be read, or none can be used.
    """
    names = RowOptions(
        columns=columns,
        labels=labels,
        id_column=id_column,
        group_column=group_column,
        bad_rows="skip",
        empty_answers=empty_answers,
        config_name=config_name,
    ).rows
    name, rows = rows_of(benchmark, data)
    chosen = get_benchmark(name)
    dataset = load_dataset(chosen, rows, Selection(rows=names))
    template = load_template(chosen.default_template(dataset.keys.values()))
    protocol, examples = Protocol(), []
    for item in islice(dataset, _EXAMPLES):
        shown = questions(chosen, protocol, item.key, template.mode)[0]
        order = orders_of(protocol, item.id, shown)[0]
        examples.append(
            ItemPreview(item.id, template.name, template.render(item, order, structured=template.structured))
        )
    return DataDescription(dataset.source, dataset.understood, examples, names, dataset)


def unusable_json(source: str, error: ConfigError) -> dict[str, object]:
    """What `data show --json` prints where rows cannot be used: what was understood of them, and `problem`.

    >>> unusable_json("pairs.csv", ConfigError("file or folder not found"))["problem"]
    'file or folder not found'
    """
    found = error.understood if isinstance(error, UnusableRowsError) else Understood()
    return {"source": source, **found.to_json(), "examples": [], "problem": str(error)}


def label_column(data: Data, benchmark: str, names: RowMap) -> tuple[str, list[str]] | None:
    """The column of labels that nobody can read without being told, and what stands in it; None where there is none.

    Raises:
        ConfigError: The rows cannot be read.
    """
    name, rows = rows_of(benchmark, data)
    source = opened(get_benchmark(name), rows if rows is not None else "", names)
    if not isinstance(source, KnownSource):
        return None
    column = source.form.label if source.form is not None else None
    column = "label" if "label" in names.columns else column
    if column is None:
        return None
    values: dict[str, None] = {}
    for row in source.below.placed_rows():
        value = row.data.get(column)
        if value is not None and str(value).strip() and not isinstance(read_label(value), str):
            values[str(value)] = None
        if len(values) > _VALUES:
            return None
    return (column, list(values)) if values else None
