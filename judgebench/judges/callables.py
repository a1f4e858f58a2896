"""A Python function as a judge: what it is given, and what tells it from another."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from types import CodeType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from judgebench.errors import ConfigError
from judgebench.judges.judge import DEFAULT_PARAMS, Judge

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PER_CALL = ("sample", "schema")
"""What a call has beside its messages and the judge's parameters."""
_DEEPEST = 3
"""A function, an object that it holds, and one that that holds; of what lies deeper only the type counts."""


def callable_judge(
    function: Callable[..., object],
    *,
    name: str | None = None,
    params: Mapping[str, object] | None = None,
    limits: Mapping[str, int] | None = None,
    price: Mapping[str, float] | None = None,
) -> Judge:
    """A function, or another callable, as a judge.

    Its first argument is the messages, a list of `{"role": ..., "content": ...}`. What else it names of `params`,
    `sample` (the number of the repetition) and `schema` (the JSON schema of the reply, or None) it gets by name. It
    gives the reply's text, or a `Reply` with tokens, price and more; a coroutine is awaited. It may raise the errors of
    `judgebench.errors`; an `OSError` is tried again, any other exception fails the one call.

    Replies are kept in the cache under the name and a digest of the function: its source and what plain data it holds,
    but not what it calls.

    >>> import judgebench as jb
    >>> judge = jb.callable_judge(lambda messages: "[[A]]", name="always-a")
    >>> jb.run("rewardbench", judge=judge, data="sample", limit=4).metrics.items
    4

    Args:
        function: Called in a thread, one call at a time unless `limits` or the run's `concurrency` allow more; where it
            is `async`, in the loop.
        name: Of the judge; None for the function's own.
        params: What it may ask for by name; None for those of temperature 0 and 2048 tokens that it asks for.
        limits: `concurrency`, `rpm` and `tpm`, as in providers.yaml.
        price: `input` and `output`, in USD per million of the tokens that its replies report.

    Raises:
        ConfigError: It asks for something that no call has, or an argument is not as it should be.
    """
    own = str(getattr(function, "__name__", type(function).__name__))
    name = name or re.sub(r"\W+", "", own, flags=re.ASCII).removeprefix("_") or "function"
    asked, every = _asked_for(function, name)
    known = DEFAULT_PARAMS if params is None else params
    lacking = [each for each, needed in asked.items() if needed and each not in {*known, *PER_CALL}]
    if lacking:
        raise ConfigError(
            f"judge '{name}': the function needs {', '.join(lacking)}; a call has messages, "
            f"{', '.join([*known, *PER_CALL])}: give the argument a default, or a value in params"
        )
    digest = hashlib.sha256(json.dumps(_told(function), sort_keys=True).encode()).hexdigest()[:16]
    settings = {
        "name": name,
        "model": f"python/{name}",
        "params": {each: value for each, value in known.items() if params is not None or every or each in asked},
        "limits": {"concurrency": 32 if is_async(function) else 1, **(limits or {})},
        "price": price and dict(price),
        "cache_as": f"python/{name}@{digest}",
        "function": function,
    }
    try:
        return Judge.model_validate(settings)
    except ValidationError as error:
        wrong = error.errors()[0]
        raise ConfigError(f"judge '{name}': {'.'.join(map(str, wrong['loc']))}: {wrong['msg']}") from None


def is_async(function: Callable[..., object]) -> bool:
    """Whether a call gives a coroutine."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


def arguments_of(function: Callable[..., object], known: Mapping[str, Any]) -> dict[str, Any]:
    """Those of some arguments that a function asks for by name."""
    asked, every = _asked_for(function, "")
    return {name: value for name, value in known.items() if every or name in asked}


def _asked_for(function: Callable[..., object], name: str) -> tuple[dict[str, bool], bool]:
    """What a function takes beside the messages, each with whether it must have it; and whether it takes any name."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # some of C's say nothing
        return {}, False
    first = next(iter(parameters), None)
    if first is None or first.kind in {first.KEYWORD_ONLY, first.VAR_KEYWORD}:
        raise ConfigError(f"judge '{name}': the function has no argument: the first must take the messages")
    named = [each for each in parameters[1:] if each.kind in {each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY}]
    asked = {each.name: each.default is each.empty for each in named}
    return asked, any(each.kind is each.VAR_KEYWORD for each in parameters)


_OF_NO_FILE = {"<string>", "<stdin>", "<console>"}


def _told(value: Any, deep: int = _DEEPEST) -> Any:
    """What tells a value from another, as JSON: its source, its plain data, its type; no address, no private field."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, list | tuple):
        return [_told(each, deep) for each in value]
    if isinstance(value, dict):
        return {str(name): _told(each, deep) for name, each in value.items() if not str(name).startswith("_")}
    if deep == 0:
        return type(value).__qualname__
    return [type(value).__qualname__, *(_told(each, deep - 1) for each in _parts(value))]


def _parts(value: Any) -> list[Any]:
    if isinstance(value, MethodType):
        return [value.__func__, value.__self__]
    if isinstance(value, CodeType):
        return [value.co_code.hex(), list(value.co_names), list(value.co_consts)]
    if isinstance(value, FunctionType):
        closed = inspect.getclosurevars(value).nonlocals
        return [_source(value) or value.__code__, value.__defaults__, value.__kwdefaults__, dict(closed)]
    if isinstance(value, type):
        return [value.__qualname__, _source(value)]
    held = [getattr(value, name, None) for name in ("func", "args", "keywords")]  # of functools.partial
    return [type(value), held, getattr(value, "__dict__", None)]


def _source(value: Any) -> str:
    # Python 3.13 keeps one text under such a name, of whatever was given to `python -c` last.
    if isinstance(value, FunctionType) and value.__code__.co_filename in _OF_NO_FILE:
        return ""
    try:
        return inspect.getsource(value)
    except (OSError, TypeError):
        return ""
