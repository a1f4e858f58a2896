"""An experiment in a file: `judgebench run --config FILE` takes from it what the command line does not say."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from judgebench._util.signatures import current
from judgebench.cli.completing import files
from judgebench.cli.console import messages
from judgebench.cli.options import OPTIONS

if TYPE_CHECKING:
    from judgebench._util.yaml import YamlFile
    from judgebench.engine.options import Option

# Paths of what is read: those beside the file come before those in the current folder.
_READ = frozenset({"data", "templates", "providers"})


def config_option(command: Any) -> Any:
    """Adds `--config FILE` to a command."""
    return click.option(
        "--config",
        shell_complete=files,
        is_eager=True,
        expose_value=False,
        callback=_take,
        metavar="FILE",
        help="YAML file with any of these options; the command line overrides it.",
    )(command)


def _take(ctx: click.Context, _: click.Parameter, name: str | None) -> None:
    """Makes what the file says the defaults of the command's other options.

    Raises:
        ConfigError: The file cannot be read, or an option in it is unknown or has a wrong value.
    """
    if name is None:
        return
    from judgebench._util.yaml import YamlFile
    from judgebench.errors import ConfigError, unknown_name

    file = YamlFile(Path(name))
    if not isinstance(file.data, dict):
        raise ConfigError(f"{name}: expected options of `judgebench run`, such as `judges: [gpt-6-luna]`")
    known = {name: option for option in OPTIONS.values() for name in option.names}
    values: dict[str, Any] = {}
    for key, given in file.data.items():
        former = str(key).replace("-", "_")
        called, value = current(former, given)
        if called not in {"benchmark", *known}:
            error = unknown_name("option", str(key), ["benchmark", *known], mend="judgebench run --help lists them")
            raise ConfigError(f"{name}, line {file.line([key])}: {error}")
        if called != former:
            messages().print(f"note: {name}, line {file.line([key])}: {key} is now {called}", soft_wrap=True)
        option = known.get(called)
        target = "benchmark" if option is None else option.name
        if target in values:
            raise file.mistake([key], "sets an option that another key has set: keep one")
        if value is not None:
            values[target] = _value(option, value, key, file)
    ctx.default_map = values


def _value(option: Option | None, value: Any, key: Any, file: YamlFile) -> Any:
    if option is not None and option.pairs and isinstance(value, dict):
        if any(isinstance(each, dict | list) for each in value.values()):
            raise file.mistake([key], "must be names and values, such as {prompt: question}")
        return ",".join(f'"{name}"="{"" if own is None else own}"' for name, own in value.items())
    several = value if isinstance(value, list) else [value]
    if isinstance(value, list) and (option is None or not option.several):
        raise file.mistake([key], "must be one value, not a list")
    if any(isinstance(each, dict | list) or each is None for each in several):
        raise file.mistake([key], "must be a plain value")
    if option is None:
        return str(value)
    several = [_plain(option, each) for each in several]
    for each in several:
        if (wrong := option.mistake(each)) is not None:
            raise file.mistake([key], f"is {each!r}: {wrong}")
    if option.name in _READ:
        several = [_beside(file.path, each) for each in several]
    return several if option.several else several[0]


def _plain(option: Option, value: Any) -> Any:
    """A value as the option takes it: YAML reads `1e-3` as a text, and the name `4` as a number."""
    if option.kind not in {int, float, bool}:
        return str(value)
    if option.kind is not bool and isinstance(value, str):
        with suppress(ValueError):
            return option.kind(value)
    return value


def _beside(file: Path, name: str) -> str:
    there = file.parent / name
    return str(there) if there.exists() else name
