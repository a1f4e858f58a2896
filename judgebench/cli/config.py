"""An experiment in a file: `judgebench run --config FILE` takes from it what the command line does not say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from judgebench.cli.completing import files

# Paths of what is read: those beside the file come before those in the current folder.
_READ = frozenset({"data", "templates", "providers"})
# What belongs to one call of the command, not to the experiment.
_NEVER = frozenset({"config", "as_json", "quiet", "dry_run", "help"})


def config_option(command: Any) -> Any:
    """Adds `--config FILE` to a command."""
    return click.option(
        "--config",
        shell_complete=files,
        is_eager=True,
        expose_value=False,
        callback=_take,
        metavar="FILE",
        help="A YAML file with any of these options; the command line has the last word.",
    )(command)


def _take(ctx: click.Context, _: click.Parameter, name: str | None) -> None:
    """Makes what the file says the defaults of the command's other options.

    Raises:
        ConfigError: The file cannot be read, or an option in it is not there or has a wrong value.
    """
    if name is None:
        return
    from judgebench._util.yaml import YamlFile
    from judgebench.errors import ConfigError, unknown_name

    file = YamlFile(Path(name))
    if not isinstance(file.data, dict):
        raise ConfigError(f"{name}: expected options of `judgebench run`, such as `judges: [gpt-4.1-mini]`")
    known = _options(ctx.command)
    found: dict[str, Any] = {}
    for key, value in file.data.items():
        param = known.get(str(key).replace("-", "_"))
        if param is None or param.name is None:
            error = unknown_name("option", str(key), known, mend="judgebench run --help lists them")
            raise ConfigError(f"{name}, line {file.line([key])}: {error}")
        if param.name in found:
            raise file.mistake([key], "says again what another key has said: keep one")
        if value is not None:
            found[param.name] = _value(ctx, param, value, [key], file)
    ctx.default_map = found


def _options(command: click.Command) -> dict[str, click.Parameter]:
    """The command's options and arguments under each of their names, with `_` for `-`."""
    params = [param for param in command.params if param.name not in _NEVER]
    names = {opt.lstrip("-").replace("-", "_"): p for p in params for opt in (*p.opts, p.name or "") if len(opt) > 2}
    return dict(sorted(names.items()))


def _value(ctx: click.Context, param: click.Parameter, value: Any, keys: list[Any], file: Any) -> Any:
    several = value if isinstance(value, list) else [value]
    if not param.multiple and isinstance(value, list):
        raise file.mistake(keys, "takes one value, not a list")
    if any(isinstance(each, dict | list) or each is None for each in several):
        raise file.mistake(keys, "takes plain values")
    if isinstance(param, click.Option) and param.is_flag and not isinstance(value, bool):
        raise file.mistake(keys, f"is {value!r}, expected true or false")
    for each in several:
        if (kind := _other_than(param, each)) is not None:
            raise file.mistake(keys, f"is {each!r}, expected {kind}")
    if param.name in _READ:
        several = [_beside(file.path, str(each)) for each in several]
    try:
        return param.type_cast_value(ctx, several if param.multiple else several[0])
    except click.BadParameter as error:
        raise file.mistake(keys, f"has a wrong value: {error.message}") from None


def _other_than(param: click.Parameter, value: Any) -> str | None:
    """What kind of number an option takes, where a value of the file is a number or a truth value, and not that."""
    if isinstance(value, str) or (isinstance(param, click.Option) and param.is_flag):
        return None
    if isinstance(param.type, click.types.IntParamType):
        return None if isinstance(value, int) and not isinstance(value, bool) else "a whole number"
    if isinstance(param.type, click.types.FloatParamType):
        return None if not isinstance(value, bool) else "a number"
    return None


def _beside(file: Path, name: str) -> str:
    there = file.parent / name
    return str(there) if there.exists() else name
