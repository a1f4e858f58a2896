"""`judgebench templates`: what ships, the messages for an item, and what is wrong with a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import click

from judgebench.cli.completing import benchmark_names, files, judge_names, template_names
from judgebench.cli.console import seed_option
from judgebench.cli.errors import EXIT_INCOMPLETE
from judgebench.cli.groups import Group
from judgebench.cli.options import row_options
from judgebench.items import Mode

if TYPE_CHECKING:
    from judgebench.api import Rendered
    from judgebench.client import TokenCount

_MODES = get_args(Mode)


@click.group(cls=Group, epilog="\b\nExample:\njudgebench templates render four-way --benchmark rewardbench-2\n")
def templates() -> None:
    """Write, list, show, render and check prompt templates."""


@templates.command("list", epilog="\b\nExample:\njudgebench templates list --mode rating\n")
@click.option("--mode", type=click.Choice(_MODES), help="List templates of this mode only.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_templates(mode: str | None, as_json: bool) -> None:
    """List the templates that ship, by mode."""
    import json

    from judgebench.cli.console import print_rows
    from judgebench.templates import load_template, shipped_templates
    from judgebench.verdicts import KINDS

    loaded = [load_template(name) for name in sorted(shipped_templates())]
    if as_json:
        fronts = [each.front for each in loaded if mode in {None, each.mode}]
        keys = ("name", "mode", "description", "source")
        click.echo(json.dumps([{key: getattr(front, key) for key in keys} for front in fronts], indent=2))
        return
    for number, each in enumerate(each for each in _MODES if mode in {None, each}):
        if number:
            click.echo()
        click.echo(f"{each}: {KINDS[each].shows}")
        print_rows([(f"  {t.name}", t.front.description) for t in loaded if t.mode == each])


@templates.command("show", epilog="\b\nExample:\njudgebench templates show four-way\n")
@click.argument("name", shell_complete=template_names, metavar="NAME|FILE")
def show_template(name: str) -> None:
    """Print a template's file."""
    from judgebench.templates import load_template

    click.echo(load_template(name).source, nl=False)


@templates.command("new", epilog="\b\nExample:\njudgebench templates new my-prompt --mode rating\n")
@click.argument("name", metavar="NAME|FILE")
@click.option(
    "--mode",
    type=click.Choice(_MODES),
    default="pairwise",
    show_default=True,
    help="Two completions, 2 to 26, or one: to rate, to put in a class, with criteria, or in steps.",
)
def new(name: str, mode: Mode) -> None:
    """Write NAME.jinja: a template to edit, which works as it is.

    No file is overwritten.
    """
    import shlex

    from rich.text import Text

    from judgebench.cli.console import messages, print_written
    from judgebench.templates import new_template

    path = new_template(name, mode=mode)
    print_written(str(path))
    place = shlex.quote(str(path))
    for said in (
        f"check: judgebench templates lint {place}",
        f"run:   judgebench run custom --data FILE -j JUDGE -t {place}",
    ):
        messages().print(Text(said), soft_wrap=True)


@templates.command(
    "render",
    epilog="\b\nExample:\njudgebench templates render four-way --benchmark rewardbench-2 --data sample\n"
    "judgebench templates render pairwise -j gpt-6-luna\n",
)
@click.argument("name", shell_complete=template_names, metavar="NAME|FILE")
@click.option(
    "--benchmark",
    shell_complete=benchmark_names,
    metavar="NAME",
    help="Benchmark of the item; default: custom with --data, else one that fits, from the bundled sample.",
)
@click.option("--data", shell_complete=files, metavar="PATH|HUB-ID", help="Items; default: the bundled sample.")
@row_options
@click.option("--item", metavar="ID", help="Item to show; default: the first.")
@click.option(
    "--pairs",
    type=click.Choice(["all", "knockout"]),
    help="Show the first pair of a run with this --pairs.",
)
@seed_option("order")
@click.option("--structured", is_flag=True, help="Render for a judge that supports JSON schemas; show the schema.")
@click.option(
    "-j",
    "--judge",
    shell_complete=judge_names,
    metavar="NAME",
    help="Count tokens for this judge (no API call).",
)
@click.option("--providers", shell_complete=files, metavar="FILE", help="Your own providers.yaml.")
def render_template(name: str, judge: str | None, providers: str | None, **options: Any) -> None:
    """Show the exact messages for one item, with token counts."""
    import json

    from rich.text import Text

    from judgebench.api import render
    from judgebench.cli.console import results
    from judgebench.engine.options import RowOptions, options_of
    from judgebench.reports.styles import BAR

    counted = None
    rows = {option.name: options.pop(option.name) for option in options_of(RowOptions)}
    shown = render(name, reading=RowOptions(**rows), **options)
    if judge is not None:
        counted = _counted(shown, judge, providers)
    console = results()
    order = ", ".join(str(index) for index in shown.order)
    console.print(
        Text(f"{shown.template} · {shown.benchmark} item {shown.item} · completions shown: {order}", style="bold"),
        soft_wrap=True,
    )
    if shown.instead_of is not None:
        said = f"{shown.benchmark} always rates this item with {shown.template}; {shown.instead_of} is for other items"
        console.print(Text(said), soft_wrap=True)
    for number, message in enumerate(shown.messages):
        tokens = f"about {_estimate(message['content']):,}" if counted is None else f"{counted.messages[number]:,}"
        console.print(Text(f"--- {message['role']} · {tokens} tokens", style=BAR))
        click.echo(message["content"])
    if shown.schema is not None:
        console.print(Text("--- the reply's schema", style=BAR))
        click.echo(json.dumps(shown.schema, indent=2))
    console.print(Text(f"--- {_total(shown, counted)}", style=BAR), soft_wrap=True)


def _counted(shown: Rendered, name: str, providers: str | None) -> TokenCount:
    from pathlib import Path

    from judgebench.client import counted
    from judgebench.judges import load_judges

    return counted(load_judges(None if providers is None else Path(providers)).get(name), shown.messages)


def _estimate(text: str) -> int:
    """Tokens by the rule of thumb for English: four characters each."""
    return -(-len(text) // 4)


def _total(shown: Rendered, counted: TokenCount | None) -> str:
    if counted is None:
        total = sum(_estimate(message["content"]) for message in shown.messages)
        return f"total about {total:,} tokens (4 characters each); -j JUDGE counts them"
    how = "the model's own" if counted.exact else "an estimate: the model's own is not installed"
    return f"total {counted.total:,} tokens including message markers; tokenizer {counted.tokenizer}, {how}"


@templates.command("lint", epilog="\b\nExample:\njudgebench templates lint my-pairwise.jinja\n")
@click.argument("names", shell_complete=template_names, metavar="NAME|FILE...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as a JSON list.")
def lint_templates(names: tuple[str, ...], as_json: bool) -> int:
    """Check templates; print one line per problem, with its fix.

    Exit status 1 if there are problems, 2 if a file cannot be read.
    """
    import json

    from judgebench.templates import NO_FRONT_MATTER, lines_to_add, lint_all

    findings = lint_all(names)
    if as_json:
        click.echo(json.dumps([finding.to_json() for finding in findings], indent=2))
    for finding in () if as_json else findings:
        click.echo(str(finding))
        if finding.what == NO_FRONT_MATTER:
            click.echo(f"or add these lines to {finding.file}:\n\n{lines_to_add(finding.file)}")
    if not findings and not as_json:
        click.echo("no problems found" if len(names) == 1 else f"no problems found in {len(names)} templates")
    return EXIT_INCOMPLETE if findings else 0
