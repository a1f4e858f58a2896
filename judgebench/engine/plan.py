"""The cells of a grid, out of the names of a benchmark, judges and templates."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.dataset import Selection, load_dataset
from judgebench.engine.spec import RunSpec
from judgebench.errors import ConfigError
from judgebench.items import Orders, Pairs
from judgebench.judges import load_judges
from judgebench.metrics.votes import JOINS
from judgebench.protocols import ALPHA, SIZE, Protocol, UntilShown, check_attack, check_options, drawn, find_alterations
from judgebench.runs import short_hash
from judgebench.templates import MOST_FOLLOW_UPS, load_template

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench.benchmarks.base import Benchmark
    from judgebench.benchmarks.dataset import Dataset
    from judgebench.judges import AnyJudge, Judges
    from judgebench.metrics.votes import Join
    from judgebench.templates import Template

MOST_SAMPLES = 1000
PAIRWISE = "pairwise"
"""The template that finds the best from pairs, for benchmarks that have no pairwise one of their own."""


@dataclass(frozen=True)
class Grid:
    """Runs to be made.

    Attributes:
        cells: What is run.
        left_out: Combinations that do not fit the benchmark, a sentence each.
    """

    cells: list[RunSpec]
    left_out: list[str] = field(default_factory=list)


def plan(
    benchmark: str,
    *,
    judges: Sequence[AnyJudge],
    templates: Sequence[str | Path] = (),
    data: str | None = None,
    subsets: Sequence[str] = (),
    limit: int | None = None,
    seed: int = 0,
    orders: Orders | None = None,
    samples: int = 1,
    repair: int = 0,
    join: Join = "mean",
    early_stop: bool = False,
    soft: bool = False,
    pairs: Pairs | None = None,
    controls: Sequence[str] = (),
    attacks: Sequence[str] = (),
    stop_when_shown: bool = False,
    size: float = SIZE,
    alpha: float = ALPHA,
    providers: str | Path | None = None,
) -> Grid:
    """The cells of a grid: every judge with every template that fits. Nothing is written and no call is made.

    Args:
        benchmark: Its name.
        judges: Presets, LiteLLM ids or offline baselines; functions, or judges.
        templates: Names of templates that ship, or files; none for the benchmark's default.
        data: A path or hub id; None for the benchmark's own rows on the hub; `sample` for the bundled ones.
        subsets: Only these.
        limit: At most so many items, spread over the subsets.
        seed: Of the position orders, the choice that a limit makes, and the intervals.
        orders: None for the benchmark's official way.
        samples: Replies to each question.
        repair: How many follow-up turns a reply that cannot be read may get.
        join: How the readings of a question become one (`agree`, `majority`, `probability`); `mean`: not at all.
        early_stop: Do not ask a question again whose majority is settled; with `join="majority"`.
        soft: Ask for the log-probabilities of the reply's tokens, from which each verdict gets a probability.
        pairs: Find the best of more than two completions from pairs: `all`, or `knockout`.
        controls: Further cells with the items altered: `blind` withholds the request.
        attacks: Further cells with one rejected completion of each item altered; see
                `judgebench.protocols.alterations.ATTACKS`.
        stop_when_shown: Stop two runs as soon as their difference is shown, or cannot be of a size that matters.
        size: The smallest difference of the scores that matters; with `stop_when_shown`.
        alpha: The chance of an error that the test for that allows, over all its looks together.
        providers: A providers.yaml beside the one that ships.

    Raises:
        ConfigError: Something is not there, malformed, or does not fit.
    """
    _check_arguments(limit=limit, seed=seed, orders=orders, samples=samples, repair=repair)
    _check_join(join, early_stop=early_stop)
    chosen = get_benchmark(benchmark)
    if not judges or "" in judges:
        raise ConfigError("no judge named: add -j NAME (judgebench judges list shows them)")
    known = load_judges(None if providers is None else Path(providers))
    found = [judge.model_copy(update={"soft": soft}) for judge in known.chosen(judges)]
    files = _files(known, [name for name in judges if isinstance(name, str)])
    fitting, left_out = fitting_templates(chosen, _named(templates), pairs)
    protocol = Protocol(orders or chosen.official_orders, samples, seed, repair, join, early_stop, soft, pairs)
    selection = Selection(tuple(dict.fromkeys(subsets)), limit, seed)
    dataset = load_dataset(chosen, data, selection)
    if not fitting:
        default = chosen.default_template(dataset.keys.values())
        fitting = [load_template(default if pairs is None else chosen.templates.get("pairwise", PAIRWISE))]
    others = find_alterations(controls, attacks)
    cells: list[RunSpec] = []
    for template in fitting:
        companion = companion_of(chosen, dataset, template)
        made = [
            RunSpec(dataset, judge, template, companion, protocol, selection, known.families, files.get(judge.name))
            for judge in found
        ]
        for alteration in others:
            check_attack(alteration, dataset.keys.values(), [template, *([] if companion is None else [companion])])
        cells += [each for cell in made for each in (cell, *(replace(cell, alteration=other) for other in others))]
    return Grid(_until_shown(cells, left_out, size, alpha) if stop_when_shown else cells, left_out)


def _until_shown(cells: Sequence[RunSpec], left_out: Sequence[str], size: float, alpha: float) -> list[RunSpec]:
    """Two cells, each compared with the other until the difference is shown."""
    check_options(size, alpha)
    if any(cell.alteration is not None for cell in cells):
        raise ConfigError(
            "--stop-when-shown compares two runs over the items as they are: leave out --control and --attack"
        )
    if len(cells) != 2:
        found = f"{len(cells)} run" + "s" * (len(cells) != 1)
        aside = f" ({'; '.join(left_out)})" if left_out else ""
        raise ConfigError(
            f"--stop-when-shown compares two runs, and this would be {found}{aside}: name two judges (-j), or one "
            "judge and two templates (-t)"
        )
    first, second = cells
    drawn(first.dataset.keys.values(), first.benchmark.layout, first.orders.seed)
    by_judge = first.judge.name != second.judge.name

    def against(other: RunSpec) -> UntilShown:
        name = other.judge.name if by_judge else other.template.name
        template, identity = other.template, other.identity()
        return UntilShown(name, other.judge.name, template.name, template.hash, short_hash(identity), size, alpha)

    return [replace(first, until_shown=against(second)), replace(second, until_shown=against(first))]


def _files(known: Judges, names: Sequence[str]) -> dict[str, Path | None]:
    """The file of one's own that makes each judge what it is; None where it is the same without."""
    ships = load_judges(known.sources[0]) if len(known.sources) > 1 else known
    alike = ships.families == known.families
    return {name: None if alike and _same(ships, known, name) else known.sources[-1] for name in names}


def _same(ships: Judges, known: Judges, name: str) -> bool:
    try:
        return ships.get(name) == known.get(name)
    except ConfigError:
        return False


def _named(templates: Sequence[str | Path]) -> list[Template]:
    """The templates of these names, each with a name of its own."""
    loaded = [load_template(name) for name in templates]
    names = [template.name for template in loaded]
    if len(set(names)) < len(names):
        raise ConfigError(f"two templates have the same name: {', '.join(sorted(names))}; give each a name of its own")
    return loaded


def _check_arguments(*, limit: Any, seed: Any, orders: Any, samples: Any, repair: Any) -> None:
    if orders not in {None, *get_args(Orders)}:
        raise ConfigError(f"orders is {orders!r}, expected one of {', '.join(get_args(Orders))}")
    for name, value, lowest, highest in (
        ("limit", 1 if limit is None else limit, 1, None),
        ("seed", seed, 0, None),
        ("samples", samples, 1, MOST_SAMPLES),
        ("repair", repair, 0, MOST_FOLLOW_UPS),
    ):
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or value < lowest or (highest is not None and value > highest):
            upper = "" if highest is None else f" to {highest}"
            raise ConfigError(f"{name} is {value!r}, expected a whole number from {lowest}{upper or ' on'}")


def _check_join(join: Any, *, early_stop: bool) -> None:
    if join not in JOINS:
        raise ConfigError(f"join is {join!r}, expected one of {', '.join(JOINS)}")
    if early_stop and join != "majority":
        raise ConfigError("--early-stop is for votes: add --join majority, or leave it out")


def _check_pairs(pairs: Any, benchmark: Benchmark) -> None:
    if pairs not in {None, *get_args(Pairs)}:
        raise ConfigError(f"pairs is {pairs!r}, expected one of {', '.join(get_args(Pairs))}")
    if pairs is not None and "best_of_k" not in benchmark.templates:
        raise ConfigError(
            f"--pairs finds the best of more than two, and {benchmark.name} asks for no best: leave it out"
        )


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
                f"template '{template.name}' ({template.mode}) shows no pairs, which --pairs {pairs} asks for"
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
