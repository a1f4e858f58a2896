"""The cells of a grid, out of the names of a benchmark, judges and templates."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.dataset import Selection, load_dataset
from judgebench.benchmarks.file import rows_of
from judgebench.benchmarks.sampling import Shard
from judgebench.engine.attributes import attribute_notes
from judgebench.engine.spec import RunSpec
from judgebench.errors import ConfigError
from judgebench.judges import check_transport, load_judges, own_files
from judgebench.metrics.votes import AGGREGATES
from judgebench.protocols import Protocol, UntilShown, check_attack, drawn, find_alterations
from judgebench.runs import short_hash
from judgebench.templates import load_template

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from judgebench.benchmarks.base import Benchmark
    from judgebench.benchmarks.dataset import Dataset
    from judgebench.benchmarks.suites import Suite
    from judgebench.engine.options import PlanOptions
    from judgebench.items import Pairs
    from judgebench.judges import Judge, Judges
    from judgebench.templates import Template

PAIRWISE = "pairwise"
"""The template that finds the best from pairs, for benchmarks that have no pairwise one of their own."""


@dataclass(frozen=True)
class Grid:
    """Runs to be made.

    Attributes:
        cells: What is run.
        left_out: Combinations that do not fit the benchmark, a sentence each.
        notes: What is odd about what was asked, but no mistake, a sentence each.
        suite: Whose benchmarks they are of; None for one benchmark, or the samples.
        missing: The suite's benchmarks without a run, each with why.
    """

    cells: list[RunSpec]
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    suite: Suite | None = None
    missing: Mapping[str, str] = field(default_factory=dict)


def plan(benchmark: str, options: PlanOptions) -> Grid:
    """The cells of a grid: every judge with every template that fits. Nothing is written and no call is made.

    Args:
        benchmark: Its name.
        options: What is asked.

    Raises:
        ConfigError: Something is missing, malformed, or does not fit.
    """
    name, data = rows_of(benchmark, options.data)
    chosen = get_benchmark(name)
    known, judges = chosen_judges(options)
    files = own_files(known, [name for name in options.judges if isinstance(name, str)])
    fitting, left_out = fitting_templates(chosen, named_templates(options.templates), options.pairs)
    selection = Selection(tuple(dict.fromkeys(options.subsets)), options.limit, options.seed, options.rows)
    dataset = load_dataset(chosen, data, selection)
    if not fitting:
        default = chosen.default_template(dataset.keys.values())
        pairwise = chosen.templates.get("pairwise", PAIRWISE)
        fitting = [load_template(default if options.pairs is None else pairwise)]
        if options.pairs is None and fitting[0].mode not in chosen.templates:
            modes = " or ".join(chosen.templates)
            raise ConfigError(f"{chosen.name}: its template '{default}' has mode {fitting[0].mode}, expected {modes}")
    fitting = [template.for_items(dataset) for template in fitting]
    others = find_alterations(options.controls, options.attacks)
    protocol = _protocol(options, chosen)
    cells: list[RunSpec] = []
    notes = [note for template in fitting for note in _notes(template, options)]
    for template in fitting:
        put = _protocol_of(protocol, template, chosen)
        companion = companion_of(chosen, dataset, template)
        notes += attribute_notes(template, dataset.keys.values())
        held = dataset.held_against(template.mode, template.rule.classes, template.name)
        made = [
            RunSpec(
                held, judge, template, companion, _put_to(judge, put), selection, known.families, files.get(judge.name)
            )
            for judge in judges
        ]
        for alteration in others:
            check_attack(alteration, dataset.keys.values(), [template, *([] if companion is None else [companion])])
        cells += [each for cell in made for each in (cell, *(replace(cell, alteration=other) for other in others))]
    if options.sequential:
        cells = _until_shown(cells, left_out, options)
    elif options.shard is not None:
        cells = in_shard(cells, Shard.parse(options.shard))
    return Grid(cells, left_out, notes)


def in_shard(cells: Sequence[RunSpec], shard: Shard) -> list[RunSpec]:
    """The cells over one part of their items; those of the same items share the part.

    Raises:
        ConfigError: There are fewer items than parts.
    """
    parts: dict[int, Dataset] = {}
    made = []
    for cell in cells:
        if (part := parts.get(id(cell.dataset))) is None:
            part = parts[id(cell.dataset)] = cell.dataset.shard(shard)
        made.append(replace(cell, dataset=part, selection=part.selection, whole=cell))
    return made


def single_spec(dataset: Dataset, judge: Judge, template: Template, options: PlanOptions, known: Judges) -> RunSpec:
    """The run of one judge and one template over items that are read already.

    Args:
        dataset: The items.
        judge: Who is asked.
        template: Which fits them.
        options: What is asked.
        known: All judges that there are.

    Raises:
        ConfigError: A label is of none of the template's classes.
    """
    put = _protocol_of(_protocol(options, dataset.benchmark), template, dataset.benchmark)
    held = dataset.held_against(template.mode, template.rule.classes, template.name)
    file = own_files(known, [name for name in options.judges if isinstance(name, str)]).get(judge.name)
    return RunSpec(held, judge, template, None, _put_to(judge, put), dataset.selection, known.families, file)


def chosen_judges(options: PlanOptions) -> tuple[Judges, list[Judge]]:
    """All judges that there are, and those that are asked.

    Raises:
        ConfigError: None is named, one is unknown or cannot be called so, or a file of judges is wrong.
    """
    if not options.judges or "" in options.judges:
        raise ConfigError("no judge named: add -j NAME (judgebench judges list shows them)")
    known = load_judges(None if options.providers is None else Path(options.providers))
    update: dict[str, object] = {"soft": options.logprobs}
    if options.transport is not None:
        update["transport"] = options.transport
    judges = [judge.model_copy(update=update) for judge in known.chosen(options.judges)]
    for judge in judges:
        check_transport(judge)
    return known, judges


def _notes(template: Template, options: PlanOptions) -> Iterator[str]:
    """What of the options has no meaning for a template, and what no message of one's own template asks for."""
    if options.orders not in {None, "one"} and not template.kind.ordered:
        shown = f"a question of template '{template.name}' ({template.mode}) shows {template.kind.answers}"
        yield f"{shown} and has no order: --orders {options.orders} changes nothing"
    if template.edited is not None:
        from judgebench.templates import unasked

        yield from map(str, unasked(template))


def _protocol(options: PlanOptions, benchmark: Benchmark) -> Protocol:
    return Protocol(
        orders=options.orders or benchmark.official_orders,
        samples=options.samples,
        seed=options.seed,
        repair=options.repair,
        join=AGGREGATES[options.aggregate],
        early_stop=options.early_stop,
        soft=options.logprobs,
        pairs=options.pairs,
    )


def _protocol_of(protocol: Protocol, template: Template, benchmark: Benchmark) -> Protocol:
    """The protocol for a template: what has no order is put once."""
    put = protocol if template.kind.ordered else replace(protocol, orders=benchmark.official_orders)
    return replace(put, each=template.rule.reads_each)


def _put_to(judge: Judge, protocol: Protocol) -> Protocol:
    """The protocol for a judge: a decision model gives its probabilities unasked, and never needs a follow-up turn."""
    return replace(protocol, soft=False, repair=0) if judge.decides else protocol


def _until_shown(cells: Sequence[RunSpec], left_out: Sequence[str], options: PlanOptions) -> list[RunSpec]:
    """Two cells, each compared with the other until the difference is shown."""
    if any(cell.alteration is not None for cell in cells):
        raise ConfigError("--sequential compares two runs on unaltered items: leave out --control and --attack")
    if len(cells) != 2:
        found = f"{len(cells)} run" + "s" * (len(cells) != 1)
        aside = f" ({'; '.join(left_out)})" if left_out else ""
        raise ConfigError(
            f"--sequential compares two runs, not {found}{aside}: name two judges (-j), or one "
            "judge and two templates (-t)"
        )
    first, second = cells
    drawn(first.dataset.keys.values(), first.benchmark.layout, first.orders.seed)
    by_judge = first.judge.name != second.judge.name

    def against(other: RunSpec) -> UntilShown:
        name = other.judge.name if by_judge else other.template.name
        template, identity = other.template, other.identity()
        sizes = (options.min_effect, options.alpha)
        return UntilShown(name, other.judge.name, template.name, template.hash, short_hash(identity), *sizes)

    return [replace(first, until_shown=against(second)), replace(second, until_shown=against(first))]


def named_templates(templates: Sequence[str | Path]) -> list[Template]:
    """The templates of these names, each with a name of its own.

    Raises:
        ConfigError: One is unknown or wrong, or two have one name.
    """
    loaded = [load_template(name) for name in templates]
    given: dict[str, str] = {}
    for template, name in zip(loaded, map(str, templates), strict=True):
        if template.name not in given:
            given[template.name] = name
        elif given[template.name] == name:
            raise ConfigError(f"template {name} is given twice; leave one out")
        else:
            both, line = f"{given[template.name]} and {name}", f"`name: {template.name}`"
            raise ConfigError(f"two templates have the same name: {both}; change the line {line} in one of them")
    return loaded


def _check_pairs(pairs: Pairs | None, benchmark: Benchmark) -> None:
    if pairs is not None and "best_of_k" not in benchmark.templates:
        raise ConfigError(f"--pairs needs best-of-k items, and {benchmark.name} has none: leave it out")


def fitting_templates(
    benchmark: Benchmark, templates: Sequence[Template], pairs: Pairs | None
) -> tuple[list[Template], list[str]]:
    """The templates that a benchmark takes, and for each of the others why it does not.

    Raises:
        ConfigError: It takes none of them, or asks for no best that pairs could find.
    """
    _check_pairs(pairs, benchmark)
    fitting, left_out = [], []
    for template in templates:
        if pairs is not None and template.mode != "pairwise":
            left_out.append(
                f"template '{template.name}' ({template.mode}) is not pairwise, as --pairs {pairs} requires"
            )
        elif template.mode in benchmark.templates or pairs is not None:
            fitting.append(template)
        else:
            modes = " or ".join(benchmark.templates)
            if template.mode == "pairwise" and "best_of_k" in benchmark.templates:
                modes += ", or pairwise with --pairs all or knockout"
            left_out.append(
                f"template '{template.name}' ({template.mode}) does not fit {benchmark.name}, which takes {modes}"
            )
    if templates and not fitting:
        raise ConfigError("; ".join(left_out))
    return fitting, left_out


def companion_of(benchmark: Benchmark, dataset: Dataset, template: Template) -> Template | None:
    """The template for the items that are rated whatever the main template's mode; None where there are none."""
    if benchmark.ties_template is None or not any(benchmark.by_ties(key) for key in dataset.keys.values()):
        return None
    named = template.front.ties
    companion = load_template(named if named is not None else benchmark.ties_template)
    if companion.mode != "rating":
        raise ConfigError(
            f"{template.where}: ties names '{companion.name}', whose mode is {companion.mode}, not rating"
        )
    return companion
