"""`judgebench benchmarks`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from judgebench.cli.completing import benchmark_names, files
from judgebench.cli.console import print_rows
from judgebench.cli.groups import Group

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgebench.benchmarks.base import Benchmark


@click.group(cls=Group, epilog="\b\nExample:\njudgebench benchmarks show rewardbench-2\n")
def benchmarks() -> None:
    """List, show and check benchmarks; list the rules that a benchmark file may name."""


@benchmarks.command("list", epilog="\b\nExample:\njudgebench benchmarks list\n")
def list_benchmarks() -> None:
    """List all benchmarks."""
    from judgebench.benchmarks import get_benchmark, known_benchmarks
    from judgebench.benchmarks.suites import SUITES
    from judgebench.errors import ConfigError

    rows = []
    for name in known_benchmarks():
        try:
            each = get_benchmark(name)
        except ConfigError as error:
            rows.append((name, f"broken: {error}", ""))
        else:
            rows.append((name, each.title, _where(each)))
    rows += [(name, suite.title, "each by its own") for name, suite in SUITES.items()]
    print_rows(rows)


def _where(benchmark: Benchmark) -> str:
    from judgebench.benchmarks.base import is_declared

    if is_declared(benchmark) and benchmark.spec.source.url:
        return "files, with --data"
    more = len(benchmark.spec.source.hub or ()) - 1 if is_declared(benchmark) else 0
    return (benchmark.hub_id or "your own rows") + (f" and {more} more" if more > 0 else "")


@benchmarks.command("show", epilog="\b\nExample:\njudgebench benchmarks show rewardbench-2\n")
@click.argument("name", shell_complete=benchmark_names, metavar="NAME|FILE.yaml")
def show_benchmark(name: str) -> None:
    """Show a benchmark's source, columns, official rule and defaults."""
    from judgebench.benchmarks import get_benchmark
    from judgebench.benchmarks.suites import SUITES

    if name in SUITES:
        suite = SUITES[name]
        rows = [("name", name), ("title", suite.title), ("benchmarks", suite.listed)]
        rows.append(("rule", "the plain mean of the benchmarks' scores; each by its own rule, orders and template"))
        print_rows(rows)
        return
    each = get_benchmark(name)
    sections = ", ".join(each.layout.sections) or ("as the rows name them" if each.layout.open_ended else "none")
    rows = [
        ("name", each.name),
        ("title", f"{each.title} ({each.source})"),
        *_rows(each),
        ("columns", ", ".join(each.columns)),
        ("sections", sections),
        ("rule", each.rule),
        ("orders", each.official_orders),
        ("templates", ", ".join(f"{template} ({mode})" for mode, template in each.templates.items())),
    ]
    if each.ties_template:
        rows.append(("Ties template", each.ties_template))
    print_rows(rows)


def _rows(benchmark: Benchmark) -> Iterator[tuple[str, str]]:
    """Where the rows are, by hand too, and their licence."""
    from judgebench.benchmarks.base import is_declared
    from judgebench.benchmarks.rowsources import by_hand

    if not is_declared(benchmark):
        split = f"split {benchmark.hub_split}" if benchmark.hub_split else "its only split"
        yield "rows", f"{benchmark.hub_id} (hub), {split}" if benchmark.hub_id else "your own, with --data"
        return
    yield "rows", benchmark.rows_are
    if benchmark.spec.source.files is None:
        yield "by hand", by_hand(benchmark.spec)
    yield "license", benchmark.spec.license or "not given"


@benchmarks.command("rules", epilog="\b\nExample:\njudgebench benchmarks rules consistent_accuracy\n")
@click.argument("name", required=False)
def show_rules(name: str | None) -> None:
    """List the named rules and averages of benchmark files: kinds of item, formula, source."""
    from judgebench.benchmarks.registry import AVERAGES, RULES
    from judgebench.errors import unknown_name

    if name is not None and name not in RULES:
        raise unknown_name("rule", name, RULES)
    for rule in RULES.values() if name is None else [RULES[name]]:
        click.echo(rule.name)
        modes = ", ".join(rule.templates)
        asked = f"{', '.join(rule.items)}; asked by {modes}; orders: {rule.orders}"
        print_rows([("  item", asked), ("  formula", rule.formula), ("  source", rule.source)])
    if name is None:
        click.echo("average")
        print_rows([(f"  {word}", said) for word, said in AVERAGES.items()])


@benchmarks.command("lint", epilog="\b\nExample:\njudgebench benchmarks lint mine.yaml\n")
@click.argument("file", shell_complete=files, metavar="FILE.yaml")
@click.option("--data", shell_complete=files, metavar="PATH", help="Rows in the place of the file's own.")
def lint(file: str, data: str | None) -> None:
    """Check a benchmark file: keys, rule, template, and its rows where they are files. No calls are made."""
    from judgebench.cli.progress import shown
    from judgebench.engine.linting import lint_benchmark

    with shown():
        found = lint_benchmark(file, data=data)
    print_rows(found.lines)
    for note in found.notes:
        click.echo(f"note: {note}")
    click.echo(f"ok: judgebench run {file} -j JUDGE")
