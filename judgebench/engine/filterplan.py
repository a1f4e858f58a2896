"""What `filter` is to do, checked as a whole before the first call: rows, judge, template, condition and files."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgebench._util.redaction import without_secrets
from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.sampling import Shard
from judgebench.client import KeyMaker
from judgebench.engine.filterlabels import read_people, row_labels
from judgebench.engine.filteroutput import RowsSchema, check_name
from judgebench.engine.filterrows import CHUNK_ROWS, FilterRows, Survey, survey
from judgebench.engine.filterverdicts import COLUMNS, VerdictReader
from judgebench.engine.plan import chosen_judges, fitting_templates, named_templates, single_spec
from judgebench.engine.questions import Questions
from judgebench.errors import ConfigError
from judgebench.metrics.selection_guarantee import fewest_labels
from judgebench.sources.condition import Condition
from judgebench.sources.remote import is_address, local_path
from judgebench.templates import load_template

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from judgebench.benchmarks.dataset import Dataset
    from judgebench.engine.filterrows import ChunkItems, RowChunk
    from judgebench.engine.options import FilterOptions, PlanOptions
    from judgebench.engine.spec import RunSpec
    from judgebench.judges import Judge, Judges
    from judgebench.sources.source import Row
    from judgebench.templates import Template

CONFIDENCE = 0.95
"""Of the guarantee of `--agreement`."""


@dataclass(frozen=True)
class FilterPlan:
    """What is to be done.

    Attributes:
        rows: Where they come from.
        out: The file that is written.
        options: What is kept, and what is written beside it.
        asked: What is asked of the judge.
        found: What all rows are.
        wanted: Numbers of the rows that are taken; None for all.
        spec: The run, over one row of each shape.
        reader: Makes verdicts.
        keep: The condition; None where all rows are kept.
        names: Fields of a verdict -> the columns that they become.
        people: By row number, people's label in the row's own terms.
        schema: What the output's own columns are.
        notes: What is odd about what was asked, but no mistake, a sentence each.
    """

    rows: FilterRows
    out: Path
    options: FilterOptions
    asked: PlanOptions
    found: Survey
    wanted: Container[int] | None
    judge: Judge
    template: Template
    judges: Judges
    spec: RunSpec
    reader: VerdictReader
    keep: Condition | None
    names: Mapping[str, str]
    people: Mapping[int, str]
    schema: RowsSchema
    notes: tuple[str, ...] = field(default=())

    @property
    def folder(self) -> Path:
        """What is kept beside the output."""
        return self.out.with_name(f"{self.out.name}.parts")

    @property
    def subset(self) -> str | None:
        """The user's column of subsets; None without one."""
        return self.found.understood.used.get("subset")

    @property
    def calls(self) -> int:
        """How many calls all rows need, at most."""
        return self.found.calls(self.spec.count)

    @property
    def protocol(self) -> str:
        """How each row is put to the judge, in words."""
        orders = self.spec.orders
        put = {"one": "one order", "both": "both orders", "all": "all orders"}[orders.orders]
        said = [put] if self.template.kind.ordered else []
        said += [f"{orders.samples} samples"] if orders.samples > 1 else []
        said += ["log-probabilities"] if orders.soft else []
        return ", ".join(said) or "one reply"

    def run_over(self, dataset: Dataset) -> RunSpec:
        """The run over a chunk."""
        return single_spec(dataset, self.judge, self.template, self.asked, self.judges)


def plan_filter(asked: PlanOptions, options: FilterOptions, *, chunk_rows: int = CHUNK_ROWS) -> FilterPlan:
    """Reads and checks all rows, and everything else that is named. Nothing is written and no call is made.

    Args:
        asked: What is asked of the judge; its `data` are the rows.
        options: What is kept, and where it is written.
        chunk_rows: Rows of one run at most.

    Raises:
        ConfigError: Something is missing, malformed, or does not fit.
    """
    out = _local(options.out, "--out")
    keep = None if options.keep is None else Condition(options.keep)
    if options.preferences is not None:
        options = replace(options, preferences=_local(options.preferences, "--preferences"))
    _check_files(out, asked, options)
    judges, judge = _one_judge(asked)
    templates = named_templates(asked.templates)
    if len(templates) > 1:
        raise ConfigError("filter takes one template: name one with -t")
    if asked.shard is not None and not templates:
        raise ConfigError("--shard needs -t: which template is the default depends on all rows")
    benchmark = get_benchmark("custom")
    fitting_templates(benchmark, templates, None)
    assert asked.data is not None
    rows = FilterRows(asked.data, asked.rows, chunk_rows)
    wanted = _wanted(rows, asked)
    people = {} if options.people_labels is None else read_people(options.people_labels)
    schema = RowsSchema.of(rows, out)
    samples = _Samples()

    def watch(chunk: RowChunk, made: ChunkItems) -> None:
        samples.note(chunk, made)
        schema.note([row.data for row in chunk.rows if row.problem is None])

    columns = set() if keep is None else {*keep.columns}
    found = survey(rows, seed=asked.seed, wanted=wanted, columns=columns, people=people, watch=watch)
    if people and not found.people:
        raise ConfigError(
            f"{options.people_labels}: no label is of a row of {rows.name}: name its ids with --id-column"
        )
    template = templates[0] if templates else load_template(benchmark.default_template(found.keys.values()))
    template = template.for_items(found.told)
    if template.rule.classes is not None and not template.kind.ordered:
        found.golds.check(template.rule.classes, template.name)
    spec = single_spec(_dataset(rows, samples.rows, asked), judge, template, asked, judges)
    reader = VerdictReader.of(spec, found.keys.values())
    Questions(spec, KeyMaker(judge)).check()
    names = {field: f"{options.prefix}{field}" for field in COLUMNS}
    _check_names(names, schema.columns or list(found.columns), rows.name)
    _check_kept(keep, found, reader, names, schema)
    _check_agreement(options, keep, found, reader, names)
    if options.preferences is not None and (reader.asked not in {"choices", "ratings"} or not _has_pairs(found)):
        raise ConfigError("--preferences needs rows with two answers, judged by choice or by rating: leave it out")
    plan = FilterPlan(
        rows=rows,
        out=out,
        options=options,
        asked=asked,
        found=found,
        wanted=wanted,
        judge=judge,
        template=template,
        judges=judges,
        spec=spec,
        reader=reader,
        keep=keep,
        names=names,
        people=row_labels(found.people, spec, asked.rows.labels) if people else {},
        schema=schema,
        notes=tuple(_notes(asked, template, found)),
    )
    if template.needs_item_data:
        for chunk in rows.chunks(wanted):
            dataset = rows.items(chunk.rows, asked.seed).dataset
            if dataset is not None:
                Questions(plan.run_over(dataset), KeyMaker(judge)).check()
            del chunk, dataset
    return plan


class _Samples:
    """One row of each shape."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._seen: set[tuple[object, ...]] = set()

    def note(self, chunk: RowChunk, made: ChunkItems) -> None:
        """Takes in a chunk."""
        if made.dataset is None:
            return
        by_number = {row.number: row for row in chunk.rows}
        for key in made.dataset.keys.values():
            shape = (key.k, len(key.checklist), key.steps > 0, key.label, key.num_correct, key.graded)
            if shape not in self._seen and len(self._seen) < _MOST_SHAPES:
                self._seen.add(shape)
                self.rows.append(by_number[made.numbers[key.id]])


_MOST_SHAPES = 200


def _dataset(rows: FilterRows, samples: Sequence[Row], asked: PlanOptions) -> Dataset:
    dataset = rows.items(samples, asked.seed).dataset
    assert dataset is not None, "the survey has found items"
    return dataset


def _one_judge(asked: PlanOptions) -> tuple[Judges, Judge]:
    known, judges = chosen_judges(asked)
    if len(judges) != 1:
        raise ConfigError("filter takes one judge: name one with -j, and filter its output by the next")
    return known, judges[0]


def _check_files(out: Path, asked: PlanOptions, options: FilterOptions) -> None:
    check_name(out, "--out")
    written = {"--out": out}
    if options.preferences is not None:
        written["--preferences"] = Path(options.preferences)
        if not written["--preferences"].name.endswith((".jsonl", ".parquet")):
            raise ConfigError(f"--preferences {options.preferences}: must end in .jsonl or .parquet")
    read = {"IN": asked.data, "--people-labels": options.people_labels}
    read_paths = {name: local_path(each) for name, each in read.items() if isinstance(each, str | Path)}
    places: dict[Path, str] = {}
    for option, path in written.items():
        if not path.parent.is_dir():
            raise ConfigError(
                f"{option} {path}: the folder {path.parent} does not exist; make it, or name another file"
            )
        if path.is_dir():
            raise ConfigError(f"{option} {path}: is a folder; name a file in it")
        other = places.setdefault(path.resolve(), option)
        for name, each in read_paths.items():
            if each.is_dir() and path.resolve().is_relative_to(each.resolve()):
                raise ConfigError(f"{option} {path}: is in the folder {each}, which is read: name a file elsewhere")
            if "*" in each.name and not each.exists() and _fits(path, each):
                raise ConfigError(f"{option} {path}: fits the pattern {each}, which is read: name it otherwise")
            other = name if path.resolve() == each.resolve() else other
        if other != option:
            one, two = sorted((option, other), key=["--out", "IN", "--preferences", "--people-labels"].index)
            raise ConfigError(f"{one} and {two} are the same file, {path}: name another")


def _local(name: str | Path, option: str) -> Path:
    """The path of a file to write."""
    if is_address(str(name)) and not str(name).lower().startswith("file://"):
        raise ConfigError(f"{option} {without_secrets(str(name))}: is no file of this machine: name one, and copy it")
    return local_path(name)


def _fits(path: Path, pattern: Path) -> bool:
    """Whether a pattern of files takes in a path."""
    if "**" in pattern.parts:
        top = Path(*pattern.parts[: pattern.parts.index("**")])
        return path.resolve().is_relative_to(top.resolve())
    return path.resolve().match(str(pattern.absolute()))


def _wanted(rows: FilterRows, asked: PlanOptions) -> Container[int] | None:
    """Numbers of the rows that are taken: a part of them in order, or some drawn from the seed; None for all."""
    if asked.shard is None and asked.limit is None:
        return None
    count = rows.count()
    part = range(1, count + 1)
    if asked.shard is not None:
        shard = Shard.parse(asked.shard)
        part = range(count * (shard.number - 1) // shard.of + 1, count * shard.number // shard.of + 1)
        if not part:
            raise ConfigError(f"--shard {asked.shard}: {rows.name} has {count:,} rows, too few for so many parts")
    if asked.limit is None or asked.limit >= len(part):
        return part
    return frozenset(random.Random(asked.seed).sample(part, asked.limit))


def _check_names(names: Mapping[str, str], columns: Sequence[str], source: str) -> None:
    taken = [name for name in names.values() if name in columns]
    if taken:
        raise ConfigError(
            f"{source} already has the column '{taken[0]}': write this judge's columns under another prefix, "
            "as in --prefix second_"
        )


def _check_kept(
    keep: Condition | None, found: Survey, reader: VerdictReader, names: Mapping[str, str], schema: RowsSchema
) -> None:
    """Finds out whether the condition names columns that there are, and that can hold anything."""
    if keep is None:
        return
    own: dict[str, Any] = {**dict.fromkeys(schema.columns, "nothing"), **found.columns}
    keep.check({**own, **{names[field]: kind for field, kind in COLUMNS.items()}}, found.numeric, found.fields)
    for name, column in names.items():
        if column not in keep.columns:
            continue
        why = _never(name, reader, names) if name not in reader.columns else ""
        if name == "agrees" and not why and not found.labelled:
            why = "no row has a label"
        if why:
            raise ConfigError(f"--keep '{keep.text}': {column} is null in every row: {why}")


def _never(name: str, reader: VerdictReader, names: Mapping[str, str]) -> str:
    """Why a column of the judge's holds nothing."""
    template = reader.spec.template
    verdicts = {"choices": "choices", "ratings": "ratings of each answer", "grades": "ratings"}
    said = verdicts.get(reader.asked, reader.asked)
    kind = f"verdicts of template '{template.name}' are {said}"
    if name in {"consistent", "probability"} and reader.asked in {"choices", "classes", "steps"}:
        more = "--orders both or --samples" if reader.asked == "choices" else "--samples"
        return f"each row gets one reply; add {more}" + (", or --logprobs" if name == "probability" else "")
    return f"{kind}; there are {', '.join(names[each] for each in sorted(reader.columns - {'cost_usd', 'failure'}))}"


def _check_agreement(
    options: FilterOptions, keep: Condition | None, found: Survey, reader: VerdictReader, names: Mapping[str, str]
) -> None:
    """Finds out whether a threshold can be shown at all."""
    if options.agreement is None:
        return
    if reader.asked in {"grades", "criteria"}:
        raise ConfigError("--agreement needs choices or classes; ratings of single answers agree more or less")
    if keep is not None and names["agrees"] in keep.columns:
        raise ConfigError(
            f"--keep names {names['agrees']}, which only labelled rows have, and --agreement is for those without: "
            "leave one out"
        )
    labels = len(found.people) if options.people_labels is not None else found.labelled
    fewest = fewest_labels(options.agreement, 1 - CONFIDENCE)
    if labels < fewest:
        where = "rows have a label" if labels != 1 else "row has a label"
        raise ConfigError(
            f"--agreement {options.agreement:g}: {labels:,} {where}, and at least {fewest:,} are needed, all of them "
            "right: label more (--people-labels FILE), or ask for less agreement"
        )


def _has_pairs(found: Survey) -> bool:
    return any(key.k == 2 for key in found.keys.values())


def _notes(asked: PlanOptions, template: Template, found: Survey) -> Sequence[str]:
    notes = list(found.understood.notes)
    if asked.orders not in {None, "one"} and not template.kind.ordered:
        shown = f"a question of template '{template.name}' ({template.mode}) shows {template.kind.answers}"
        notes.append(f"{shown} and has no order: --orders {asked.orders} changes nothing")
    if template.edited is not None:
        from judgebench.templates import unasked

        notes += map(str, unasked(template))
    return notes
