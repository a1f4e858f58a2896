"""Judges: the presets of providers.yaml, LiteLLM ids and the offline baselines, as typed settings. No network."""

from __future__ import annotations

import difflib
import math
import os
import re
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import ValidationError

from judgebench._util.plugins import plugin_names
from judgebench._util.redaction import secrets_in
from judgebench._util.resources import shipped
from judgebench._util.yaml import YamlText, yaml_in
from judgebench.errors import ConfigError, unknown_name
from judgebench.judges.addresses import addresses_in, at_its_address, is_foreign
from judgebench.judges.callables import callable_judge
from judgebench.judges.catalog import PROVIDERS, Price, is_listed_provider
from judgebench.judges.connection import header_mistakes
from judgebench.judges.credentials import keys_sent
from judgebench.judges.judge import OFFLINE, Judge, Limits
from judgebench.judges.kinds import check_kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence


AnyJudge: TypeAlias = "str | Judge | Callable[..., object]"
"""A name, a judge, or a function that answers in the place of a model."""

FILE = "providers.yaml"

PLUGINS = "judgebench.providers"
"""The entry points under which other packages bring providers of their own."""


_OURS_ALONE = {"name", "extra", "soft", "function", "address_variable", "found"}
_FIELDS = tuple(field for field in Judge.model_fields if field not in _OURS_ALONE)
_TOP = ("defaults", "families", "judges")
_NOT_DEFAULTS = ("model", "api_base", "cache_as", "api")
_PARAMS = (
    *("temperature", "top_p", "top_k", "min_p", "seed", "stop", "logit_bias", "logprobs", "top_logprobs"),
    *("max_tokens", "max_completion_tokens", "frequency_penalty", "presence_penalty", "repetition_penalty"),
    *("reasoning_effort", "thinking", "verbosity", "extra_body"),
)
_OURS = (
    *("messages", "stream", "n", "num_retries", "max_retries", "fallbacks", "mock_response", "caching"),
    *("address_variable", "found"),
)

_RENAMED = {
    "supports_response_schema": "structured_output",
    "base_url": "api_base",
    "key_env": "api_key_env",
    "request_timeout": "timeout",
    "parameters": "params",
}
_EXPECTED = {
    "model": "a LiteLLM id such as openai/gpt-6-luna",
    "api_base": "an address such as http://127.0.0.1:8000/v1",
    "api_key_env": "the name of an environment variable such as MY_KEY",
    "params": "a mapping such as {temperature: 0}",
    "limits": "a mapping such as {concurrency: 32, rpm: 600}",
    "limits.": "an integer >= 1",
    "price": "a mapping such as {input: 0.15, output: 0.60}",
    "price.": "USD per million tokens, >= 0",
    "cache_as": "text (quote it)",
    "timeout": "seconds, more than 0",
    "family": "text (quote it)",
    "structured_output": "true or false, or json_object for llama.cpp's form",
    "api": "chat or decisions",
    "transport": "litellm or direct",
    "system_role": "true or false",
    "context": "an integer >= 1: tokens",
    "cuts_prompts": "true or false",
}
_SECRET = "contains a key: put it in an environment variable and name that in api_key_env"  # noqa: S105
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+-]{0,99}")
# Keys of some providers are 32 letters and digits, which would do as a variable's name too.
_VARIABLE = re.compile(r"(?!(?=\D*\d)[A-Za-z0-9]{24,}$)[A-Za-z_][A-Za-z0-9_]{0,99}")

_NESTED = ("limits", "price", "params", "extra")

_EXAMPLE = "expected a list of patterns such as ['claude*']"

_FAMILY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Judges:
    """The judges that can be named: the presets of all files read, any LiteLLM id, and the offline baselines.

    Attributes:
        families: Whose model a name is: the patterns of each family, of all files.
        sources: The files read, the one that ships first.
    """

    def __init__(
        self,
        presets: Mapping[str, Judge],
        defaults: Mapping[str, Any],
        sources: Sequence[Path],
        families: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._presets = dict(presets)
        self._defaults = dict(defaults)
        self.families = dict(families or {})
        self.sources = tuple(sources)

    def names(self) -> list[str]:
        """The presets' names, in the order of the files."""
        return list(self._presets)

    def __iter__(self) -> Iterator[Judge]:
        return map(_at_its_address, self._presets.values())

    def __len__(self) -> int:
        return len(self._presets)

    def family_of(self, model: str) -> str | None:
        """Whose model a name is, by the patterns of `families`; None where none fits."""
        return family_of(model, self.families)

    def get(self, name: str) -> Judge:
        """The judge of a name: a preset without a slash, a LiteLLM id or an offline baseline with one.

        Raises:
            ConfigError: There is no such preset, provider or baseline (the nearest names are in the message), or the
                variable that holds its address holds none.
        """
        if name in self._presets:
            return _of_its_kind(_at_its_address(self._presets[name]))
        if "/" not in name:
            raise unknown_name("judge", name, self._presets, mend="`judgebench judges list` shows all.")
        _check_model(name)
        return _of_its_kind(_at_its_address(Judge.model_validate({**self._defaults, "name": name, "model": name})))

    def chosen(self, judges: Iterable[AnyJudge]) -> list[Judge]:
        """The judges that names, functions and judges stand for, each once.

        Raises:
            ConfigError: A name stands for none, or two are called the same.
        """
        found: list[Judge] = []
        for each in judges:
            judge = self._meant(each)
            if judge not in found:
                found.append(judge)
        names = [judge.name for judge in found]
        for name in names:
            if not _NAME.fullmatch(name.replace("/", "_")):
                raise ConfigError(f"'{name}' is not a valid judge name: expected letters, digits and . _ - : @ +")
            if names.count(name) > 1:
                raise ConfigError(f"two judges are called '{name}': rename one with callable_judge(..., name=)")
        return found

    def _meant(self, judge: AnyJudge) -> Judge:
        if isinstance(judge, Judge):
            return _of_its_kind(_at_its_address(judge))
        if isinstance(judge, str) and judge:
            return self.get(judge)
        if callable(judge):
            return callable_judge(judge)
        raise ConfigError(f"judge {judge!r} must be a name, a function or a Judge: add -j NAME, or judge=NAME")


def own_files(known: Judges, names: Iterable[str]) -> dict[str, Path | None]:
    """The file of the user's own that makes each judge what it is; None where it is the same without."""
    ships = load_judges(known.sources[0]) if len(known.sources) > 1 else known
    alike = ships.families == known.families
    return {name: None if alike and _same(ships, known, name) else known.sources[-1] for name in names}


def _same(ships: Judges, known: Judges, name: str) -> bool:
    try:
        return ships.get(name) == known.get(name)
    except ConfigError:
        return False


def is_moved(judge: Judge) -> bool:
    """Whether a file that nobody named sends a preset that ships, or a key, to an address not its provider's own."""
    return judge.found and (bool(keys_sent(judge)) or judge.name in _judges_in(_read(shipped(FILE))))


def load_judges(user_file: Path | None = None) -> Judges:
    """Read the judges that ship, then the user's own, merged key by key; a null takes a key away.

    Args:
        user_file: The user's file; None: `./providers.yaml`, else the one in the configuration folder, else none.

    Raises:
        ConfigError: A file is not there, is empty, is broken or holds a key; the message names file, line and mend.
    """
    ours = shipped(FILE)
    own = _own_file() if user_file is None else user_file.expanduser()
    paths = [ours]
    if own is not None and not (own.exists() and own.samefile(ours)):
        paths.append(own)
    files = [_read(path) for path in paths]
    defaults: dict[str, Any] = {}
    entries: dict[str, Any] = {}
    families: dict[str, Any] = {}
    for file in files:
        defaults = _merged(defaults, file.data.get("defaults") or {})
        families = _merged(families, file.data.get("families") or {})
        entries = _merged(entries, {name: entry or {} for name, entry in _judges_in(file).items()})
    here = user_file is None and own == Path(FILE) and len(files) > 1
    ships = _judges_in(files[0])
    presets = {}
    for name, entry in entries.items():
        file = next(file for file in reversed(files) if name in _judges_in(file))
        settings = _merged(defaults, entry)
        if "model" not in settings:
            raise file.mistake(("judges", name), f"missing model: expected {_EXPECTED['model']}")
        judge = _validated(file, ("judges", name), name, settings)
        found = here and is_foreign(judge) and addresses_in(settings) != addresses_in(ships.get(name) or {})
        presets[name] = judge.model_copy(update={"found": True}) if found else judge
    any_model = _split(defaults) | {"found": bool(here and addresses_in(defaults))}
    return Judges(presets, any_model, paths, families)


def _own_file() -> Path | None:
    home = os.environ.get("XDG_CONFIG_HOME", "")
    try:
        folder = Path(home) if Path(home).is_absolute() else Path.home() / ".config"
    except RuntimeError:
        if Path(FILE).is_file():
            return Path(FILE)
        raise ConfigError(f"no home folder to search for {FILE}: set HOME, or add --providers") from None
    return next((path for path in (Path(FILE), folder / "judgebench" / FILE) if path.is_file()), None)


def _read(path: Path) -> YamlText:
    return _checked(path, yaml_in(path))


def _judges_in(file: YamlText) -> dict[str, Any]:
    return file.data.get("judges") or {}


@lru_cache(maxsize=8)
def _checked(path: Path, text: str) -> YamlText:
    """A file that has been read and holds no mistake of its own.

    Each text is checked once a process: the row "a further command of a process" of benchmarks/speed.py.
    """
    file = YamlText(text, str(path))
    _check_file(file)
    return file


def _check_file(file: YamlText) -> None:
    if file.data is None:
        raise ConfigError(f"{file.name}: the file is empty: expected the keys 'defaults' and 'judges'")
    if not isinstance(file.data, dict):
        raise file.mistake((), f"found {_found(file.data)}: expected a mapping with the keys 'defaults' and 'judges'")
    for path in secrets_in(file.data):
        raise file.mistake(path, _SECRET)
    for key in file.data:
        if key not in _TOP:
            raise file.mistake((key,), f"unknown key: {_nearest(key, _TOP)}")
    for key, value in file.data.items():
        if value is not None and not isinstance(value, dict):
            raise file.mistake((key,), f"is {_found(value)}: expected a mapping")
    check_families(file)
    _check_entry(file, ("defaults",), file.data.get("defaults") or {})
    for name, entry in _judges_in(file).items():
        where = ("judges", name)
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise file.mistake(where, "is not a valid judge name: expected letters, digits and . _ - : @ + (quote it)")
        if entry is not None and not isinstance(entry, dict):
            raise file.mistake(where, f"is {_found(entry)}: expected a mapping such as {{model: openai/gpt-6-luna}}")
        _check_entry(file, where, entry or {})


def _check_entry(file: YamlText, where: tuple[str, ...], entry: dict[Any, Any]) -> None:
    for key, value in entry.items():
        _check_key(file, (*where, key))
        for path in _not_json(value, (*where, key)) if key == "params" or key not in _FIELDS else ():
            raise file.mistake(path, "is not plain data: expected text, a number, true, false, a list or a mapping")
    params = entry.get("params")
    for key in params if isinstance(params, dict) else ():
        if key in _OURS or key == "model":
            raise file.mistake((*where, "params", key), "is set by judgebench itself: leave it out")
    body = params.get("extra_body") if isinstance(params, dict) else None
    if body is not None and not isinstance(body, dict):
        raise file.mistake((*where, "params", "extra_body"), "is no mapping: expected fields such as {top_k: 5}")
    for path, problem in header_mistakes(entry):
        raise file.mistake((*where, *path), problem)
    variable = entry.get("api_key_env")
    if variable is not None and not (isinstance(variable, str) and _VARIABLE.fullmatch(variable)):
        raise file.mistake((*where, "api_key_env"), f"is something else: expected {_EXPECTED['api_key_env']}")
    _validated(file, where, "name", {"model": "openai/any", **_merged({}, entry)}, partial=True)
    if isinstance(entry.get("model"), str):
        try:
            _check_model(entry["model"])
        except ConfigError as error:
            raise file.mistake((*where, "model"), f"cannot be used: {error}") from None


def _check_key(file: YamlText, path: tuple[Any, ...]) -> None:
    key = path[-1]
    if not isinstance(key, str):
        raise file.mistake(path, "is not a setting: expected text")
    if path[0] == "defaults" and key in _NOT_DEFAULTS:
        raise file.mistake(path, "cannot be a default: set it for each judge")
    if key in _FIELDS:
        return
    if key in _OURS:
        raise file.mistake(path, "is set by judgebench itself: leave it out")
    if key in _PARAMS:
        raise file.mistake(path, f"must be inside 'params': params: {{{key}: ...}}")
    near = _RENAMED.get(key) or next((field for field in _FIELDS if _is_slip(key, field)), None)
    if near is not None:
        raise file.mistake(path, f"unknown key: did you mean {near}?")


def _is_slip(key: str, field: str) -> bool:
    # Further keys go to LiteLLM, so only what differs in a letter, a plural or a sign is taken for a slip.
    return difflib.SequenceMatcher(None, key.lower().replace("-", "_"), field).ratio() >= 0.8


def _nearest(key: Any, known: Iterable[str]) -> str:
    return str(unknown_name("key", str(key), known)).partition("': ")[2]


def _check_model(model: str) -> None:
    provider, _, rest = model.partition("/")
    if not rest.strip() or not provider:
        raise ConfigError(f"the model '{model}' has no provider: expected {_EXPECTED['model']}")
    if provider == "offline":
        if rest not in OFFLINE:
            raise unknown_name("offline judge", model, [f"offline/{name}" for name in OFFLINE])
    elif provider == "python":
        raise ConfigError(f"judge '{model}': python/ is for functions given in Python: jb.run(..., judge=FUNCTION)")
    elif not (provider in PROVIDERS or is_plugged(provider) or is_listed_provider(provider)):
        mend = "A LiteLLM id starts with its provider; a model on your own server is hosted_vllm/NAME."
        raise unknown_name("provider", provider, {*PROVIDERS, *plugin_names(PLUGINS)}, mend=mend)


def is_plugged(provider: str) -> bool:
    """Whether another package brings this provider: one that is none of LiteLLM's names."""
    return provider not in PROVIDERS and provider in plugin_names(PLUGINS)


def _at_its_address(judge: Judge) -> Judge:
    """The judge at the address of the environment, where there is one that LiteLLM would send it to."""
    has_none = judge.offline or judge.function is not None or is_plugged(judge.provider)
    return judge if has_none else at_its_address(judge)


def _of_its_kind(judge: Judge) -> Judge:
    if not (judge.offline or judge.function is not None or is_plugged(judge.provider)):
        check_kind(judge)
    return judge


def _split(settings: Mapping[str, Any]) -> dict[str, Any]:
    known = {key: value for key, value in settings.items() if key in _FIELDS}
    return known | {"extra": {key: value for key, value in settings.items() if key not in _FIELDS}}


def _validated(
    file: YamlText, where: tuple[str, ...], name: str, settings: Mapping[str, Any], *, partial: bool = False
) -> Judge:
    """The judge of some settings, or the mistake in them; a file's own part of them may lack keys (`partial`)."""
    try:
        return Judge.model_validate({"name": name, **_split(settings)})
    except ValidationError as error:
        problems = [problem for problem in error.errors() if not (partial and problem["type"] == "missing")]
    mistakes = sorted(((file.line((*where, *p["loc"])), p) for p in problems), key=lambda pair: pair[0])
    for _, problem in mistakes:
        path = tuple(key for key in problem["loc"] if key != "[key]")
        top = str(path[0])
        path = path if top in _NESTED else path[:1]  # below it, Pydantic names the kinds that it tried
        if problem["type"] == "extra_forbidden":
            fields = Limits.model_fields if top == "limits" else Price.model_fields
            raise file.mistake((*where, *path), f"unknown key: {_nearest(path[-1], fields)}")
        if problem["type"] == "missing":
            raise file.mistake((*where, top), f"missing {path[-1]}: expected {_EXPECTED[top]}")
        expected = _EXPECTED.get(top if len(path) == 1 else f"{top}.", "text as a key")
        raise file.mistake((*where, *path), f"is {_found(problem['input'])}: expected {expected}")
    return Judge(name=name, model="openai/any")


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(old)
    for key, value in new.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            below = merged.get(key)
            merged[key] = _merged(below if isinstance(below, dict) else {}, value)
        else:
            merged[key] = value
    return merged


def _not_json(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _not_json(inner, (*path, key)) if isinstance(key, str) else [(*path, key)]
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _not_json(inner, (*path, index))
    elif not (value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))):
        yield path


def _found(value: Any) -> str:
    if isinstance(value, str) and "@" in value:
        return "something else"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def family_of(model: str, families: Mapping[str, Sequence[str]]) -> str | None:
    """The first family with a pattern that fits a model's name, whose capitals and path do not count.

    Args:
        model: Such as `meta-llama/Llama-2-70b-chat-hf`; the part behind its last slash counts.
        families: The patterns of each, as in a shell.
    """
    name = model.rpartition("/")[2].strip().lower()
    return next(
        (family for family, patterns in families.items() if any(fnmatchcase(name, each.lower()) for each in patterns)),
        None,
    )


def check_families(file: YamlText) -> None:
    """Raises ConfigError where a file's `families` hold anything but lists of patterns, or null, by name."""
    for name, patterns in (file.data.get("families") or {}).items():
        where = ("families", name)
        if not isinstance(name, str) or not _FAMILY_NAME.fullmatch(name):
            raise file.mistake(where, "is not a valid family name: expected letters, digits and . _ - (quote it)")
        if patterns is not None and (not isinstance(patterns, list) or not patterns):
            raise file.mistake(where, f"must be a list with at least one entry: {_EXAMPLE}")
        for at, pattern in enumerate(patterns or ()):
            if not isinstance(pattern, str) or not pattern.strip():
                raise file.mistake((*where, at), f"must be text: {_EXAMPLE}")
            if not pattern.strip("*? "):
                raise file.mistake((*where, at), "fits every model: name the beginning of theirs, such as claude*")
