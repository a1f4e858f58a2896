"""The cells of one benchmark, or of several that are reported together, out of one set of options."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.dataset import SAMPLE, sample_path
from judgebench.benchmarks.suites import SUITES, SuiteFolder, how_to_fetch
from judgebench.engine.options import PlanOptions, options_of
from judgebench.engine.plan import Grid, chosen_judges, fitting_templates, named_templates, plan
from judgebench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgebench.benchmarks.suites import Suite

_ONE = frozenset({"subsets", "columns", "labels", "id_column", "group_column", "config_name", "sequential"})
"""Options that are for one benchmark."""


def plan_benchmarks(name: str, options: PlanOptions) -> Grid:
    """The cells of a benchmark, or of a suite of them; of a suite, what cannot be had is in `missing`.

    Args:
        name: Of the benchmark, or of a suite.
        options: What is asked. The data of a suite is a folder with a file or folder per benchmark; one that it lacks
            comes from the benchmark's own source.

    Raises:
        ConfigError: As `plan`; or nothing of a suite can be had.
    """
    return _suite(SUITES[name], options) if name in SUITES else plan(name, options)


def _suite(suite: Suite, options: PlanOptions) -> Grid:
    for given in _of_one(options):
        raise ConfigError(f"{given} is for one benchmark: leave it out, or name one of {suite.listed}")
    chosen_judges(options)
    templates = named_templates(options.templates)
    folder = _folder(suite, options)
    grids: list[Grid] = []
    missing: dict[str, str] = {}
    left_out: list[str] = []
    unloaded: set[str] = set()
    for name in suite.benchmarks:
        own = None if folder is None else folder.of(name)
        try:
            fitting_templates(get_benchmark(name), templates, options.pairs)
        except ConfigError as error:
            missing[name] = str(error)
            continue
        sample = options.data == SAMPLE and folder is None
        if sample and not sample_path(name).exists():
            missing[name] = "no sample is bundled"
            continue
        data = SAMPLE if sample else None if own is None else str(own)
        try:
            grids.append(plan(name, replace(options, data=data)))
        except ConfigError as error:
            if own is not None:
                raise
            missing[name] = how_to_fetch(get_benchmark(name))
            unloaded.add(name)
            left_out.append(f"{suite.benchmarks[name]}: {error}" + (f"; {folder.lacks(name)}" if folder else ""))
    if not grids:
        name, why = next(iter(missing.items()))
        first = left_out[0] if left_out else f"{suite.benchmarks[name]}: {why}"
        raise ConfigError(
            f"none of '{suite.name}' can be run; the first: {first}" + (f"; by hand: {why}" if left_out else "")
        )
    left_out += [f"{suite.benchmarks[name]}: {why}" for name, why in missing.items() if name not in unloaded]
    left_out += chain.from_iterable(grid.left_out for grid in grids)
    notes = [*chain.from_iterable(grid.notes for grid in grids), *(() if folder is None else folder.unused())]
    cells = [cell for grid in grids for cell in grid.cells]
    return Grid(cells, [*dict.fromkeys(left_out)], [*dict.fromkeys(notes)], suite, missing)


def _folder(suite: Suite, options: PlanOptions) -> SuiteFolder | None:
    data = options.data
    if data is None or (data == SAMPLE and not Path(SAMPLE).exists()):
        return None
    if not isinstance(data, str | Path):
        raise ConfigError(f"data of '{suite.name}' must be a folder with a file or folder per benchmark")
    return SuiteFolder(Path(data).expanduser(), suite)


def _of_one(options: PlanOptions) -> Iterator[str]:
    """The options that are given and mean nothing to several benchmarks."""
    yield from (each.flags[0] for each in options_of(PlanOptions) if each.name in _ONE and getattr(options, each.name))
