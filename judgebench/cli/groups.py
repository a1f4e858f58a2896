"""Groups of commands that know the nearest name to a mistyped one, and commands whose options had other names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from judgebench._util.signatures import current
from judgebench.cli.console import messages, takes_quiet
from judgebench.errors import ConfigError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Renamed(click.Command):
    """A command that takes the former names of its options for one version more, with a note."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Takes the arguments apart, each option under the name that it has now."""
        known = {flag for param in self.params for flag in param.opts}
        notes = []
        for at, arg in enumerate(args):
            flag, equals, value = arg.partition("=")
            if flag in known or not flag.startswith("--"):
                continue
            name, value = current(flag[2:].replace("-", "_"), value)
            new = f"--{name.replace('_', '-')}"
            if new in known:
                args[at] = new + equals + value
                notes.append(f"note: {flag} is now {new}; the old name will go")
                if not equals and at + 1 < len(args):
                    args[at + 1] = current(flag[2:], args[at + 1])[1]
        left = super().parse_args(ctx, args)
        for note in notes:
            messages().print(note, soft_wrap=True)
        return left


class Sectioned(Renamed):
    """A command with many options, which its help shows under headings.

    Args:
        sections: The names of the options under each heading; those that are under none come last.
    """

    def __init__(self, *args: Any, sections: Mapping[str, Sequence[str]], **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.sections = sections

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Each heading with its options, in the order in which it names them."""
        options = (param for param in self.get_params(ctx) if isinstance(param, click.Option))
        records = {option.name: record for option in options if (record := option.get_help_record(ctx))}
        for title, names in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([records.pop(name) for name in names])
        with formatter.section("Other options"):
            formatter.write_dl(list(records.values()))


class Group(click.Group):
    """With no argument at all, the help is what was asked for: on standard output, exit status 0."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Takes the arguments apart; none at all ends with the help."""
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), color=ctx.color)
            ctx.exit()
        return super().parse_args(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command, which takes --quiet as every one does."""
        command = super().get_command(ctx, cmd_name)
        return None if command is None else takes_quiet(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Each command with the whole first sentence of its help; click cuts it."""
        rows = []
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            rows.append((name, (command.help or "").partition("\n\n")[0].strip() if command else ""))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is named.

        Raises:
            ConfigError: There is none of that name.
        """
        names = self.list_commands(ctx)
        if args and not ctx.resilient_parsing and args[0] not in names and not args[0].startswith("-"):
            flag = f"--{args[0]}"
            if any(flag in param.opts for param in self.get_params(ctx)):
                raise ConfigError(f"unknown command '{args[0]}': did you mean {ctx.command_path} {flag}?")
            raise unknown_name("command", args[0], names, mend=f"(see {ctx.command_path} --help)")
        return super().resolve_command(ctx, args)
