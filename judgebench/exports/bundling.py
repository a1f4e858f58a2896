"""What a bundle says of a run beside its replies, and how a reader gets the run's files and command from it."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from judgebench._util.files import check_no_links, whole_folder, write_text, writing
from judgebench._util.redaction import redact, without_secrets
from judgebench.benchmarks.dataset import BUNDLE
from judgebench.client import BundledRows, BundledRun, BundledTemplate, without_connection
from judgebench.errors import ConfigError
from judgebench.items import item_from_json, item_print, item_to_json
from judgebench.judges import address_variables
from judgebench.pages.reproduction import given_in_python, run_words
from judgebench.runs import Finished, Manifest, Run, folder_name, run_templates
from judgebench.templates import load_template, shipped_templates

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from judgebench.client import Header
    from judgebench.templates import Template

MOST_PRINTS = 300_000
"""Of more items a bundle says only the hash of all."""

NOWHERE = "http://server.invalid/v1"
"""Where a judge of the author's own server is sent, whose name is in the cache's key because it has an address."""

_RECIPE = ("template", "companion", "protocol", "selection", "seed", "data", "altered", "until_shown", "items")
_PROVIDER = ("model", "cache_as", "price", "family", "structured_output", "api", "system_role")
_ADDRESS = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9._:/-]{0,299}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+/-]{0,199}")
_VARIABLE = "address_variable"
_ENCODE = json.JSONEncoder(separators=(",", ":"), default=str).encode


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What a reader has of a bundle beside the replies.

    Attributes:
        folder: Where the files are; None where there are none.
        commands: What makes the runs again, a line each.
        needed: What the commands need that the bundle does not have, a sentence each.
        kinds: What the files are: `templates`, `rows`, `providers`.
    """

    folder: Path | None
    commands: tuple[str, ...]
    needed: tuple[str, ...]
    kinds: tuple[str, ...] = ()


def described(bare: BundledRun, path: Path) -> BundledRun:
    """A run with its command, templates, provider and the hash of its rows."""
    run = Run(path)
    manifest, templates = run.manifest, run_templates(Finished(run))
    said = manifest.to_json()
    recipe: dict[str, Any] = {name: said[name] for name in _RECIPE if said.get(name) is not None}
    recipe["data"] = {**recipe.get("data", {}), "source": _bare_name(manifest)}
    again = manifest.model_copy(update={"data": manifest.data.model_copy(update={"source": recipe["data"]["source"]})})
    again = again.model_copy(update={"providers": manifest.providers and Path(manifest.providers).name})
    reader = None if templates.reader is templates.wording else templates.reader
    return bare.model_copy(
        update={
            "command": [redact(word) for word in ("judgebench", *run_words(again))],
            "recipe": without_secrets(recipe),
            "provider": _provider(manifest),
            "wording": _own(templates.wording),
            "reader": None if reader is None else _own(reader),
            "rows": str(manifest.items.hash or ""),
        }
    )


def local_rows(run: BundledRun) -> str | None:
    """The author's own file that a run's rows are from; None where a reader can get them elsewhere."""
    data: Any = run.recipe.get("data") or {}
    source = data.get("source")
    return str(source) if source and not data.get("revision") and Path(source).suffix else None


def bundled_rows(path: Path, *, texts: bool) -> BundledRows:
    """The items of a run: of each its hash, and with `texts` all of it."""
    items = list(Run(path).items)
    prints = {item.id: item_print(item) for item in items} if len(items) <= MOST_PRINTS else {}
    return BundledRows(prints=prints, items=[redact(_ENCODE(item_to_json(item))) for item in items] if texts else None)


def _bare_name(manifest: Manifest) -> str | None:
    """The data as the author named them, without the folders that a file is in."""
    source = manifest.data.source
    if source is None or manifest.data.revision or not Path(source).suffix:
        return source
    return Path(source.replace("\\", "/")).name


def _own(template: Template) -> BundledTemplate | None:
    path = shipped_templates().get(template.name)
    if path is not None and load_template(path).hash == template.hash:
        return None
    files = {name: redact(text) for name, text in template.files.items()}
    return BundledTemplate(name=template.name, text=redact(template.source), files=files)


def _provider(manifest: Manifest) -> dict[str, Any]:
    """The judge's entry in `providers.yaml`; empty where its name alone makes it what it is."""
    judge = manifest.judge.model_dump(exclude_none=True)
    if not (manifest.providers or judge.get("api_base")) or str(judge.get("model", "")).startswith("python/"):
        return {}
    if judge.get(_VARIABLE):
        return {_VARIABLE: str(judge[_VARIABLE])}
    said = {name: judge[name] for name in _PROVIDER if name in judge}
    if judge.get("api_base") and "cache_as" not in said:
        said["api_base"] = NOWHERE
    if not judge.get("params_defaulted"):
        params = dict(judge.get("params", {}))
        if manifest.protocol.protocol.soft:
            params.pop("logprobs", None)
        said["params"] = params
    found: dict[str, Any] = without_secrets({**said, **without_connection(judge.get("extra", {}))})
    return found


def unpack(header: Header, folder: Path, digest: str) -> Unpacked:
    """Writes the files of a bundle into a folder of their own, and says what makes its runs again.

    Nothing is written anywhere else, whatever the bundle's names are. A folder that holds other files is left alone:
    the files go beside it, into one with the first digits of the bundle's hash.

    Args:
        header: The bundle's.
        folder: Where to; need not be there.
        digest: The bundle's SHA-256.

    Raises:
        ConfigError: Something in the bundle is not what it should be, or the folder cannot be written.
    """
    runs = [run for run in header.runs if run.recipe]
    place = folder if _is_free(folder, digest) else folder.with_name(f"{folder.name}-{digest[:8]}")
    files: dict[str, str] = {}
    needed: dict[str, None] = {}
    drawn_from: dict[str, int] = {}
    words: dict[tuple[str, ...], list[list[str]]] = {}  # by what stands before the command
    for run in runs:
        manifest = _manifest(run)
        update, wants = _rows(header, run, manifest, files, place)
        if "data" in update and manifest.items.drawn_from is not None:
            drawn_from[Path(update["data"].source).name] = manifest.items.drawn_from
        manifest = manifest.model_copy(update=update)
        if given := given_in_python(manifest):
            needed[f"{run.judge}: {' and '.join(given)} came from Python; call jb.run with the same"] = None
            continue
        needed |= dict.fromkeys(wants)
        before: tuple[str, ...] = ()
        if variable := run.provider.get(_VARIABLE):
            before = _set(str(variable), run)
            if not before:
                needed[f"{run.judge}: set {variable} to the author's address, which is part of the cache key"] = None
        elif run.provider:
            manifest = manifest.model_copy(update={"providers": str(place / "providers.yaml")})
        if run.reader is not None:
            path = _template(run.reader, run.rows, files, place)
            needed[f"{run.judge}: the replies were then parsed with {path}: judgebench rescore RUN --template FILE"] = (
                None
            )
        template = None if run.wording is None else _template(run.wording, str(manifest.template.hash), files, place)
        words.setdefault(before, []).append(run_words(manifest, template))
    if providers := _providers(runs):
        files["providers.yaml"] = providers
    if files:
        _write(place, files, digest, drawn_from)
    commands = [
        " ".join([*before, shlex.join(["judgebench", *each, "--offline"])])
        for before, among in words.items()
        for each in _merged(among)
    ]
    return Unpacked(place if files else None, tuple(commands), tuple(needed), kinds_of(files))


def _set(variable: str, run: BundledRun) -> tuple[str, ...]:
    """What sets a variable to the author's address, which the cache's key has; with `--offline` nothing goes there."""
    judge = run.identity.get("judge")
    said = str(judge.get("identity", "")) if isinstance(judge, dict) else ""
    model, mark, address = said.partition(" at ")
    known = mark and variable in address_variables(model.partition("/")[0]) and _ADDRESS.fullmatch(address)
    return (f"{variable}={shlex.quote(address)}",) if known else ()


def kinds_of(files: Iterable[str]) -> tuple[str, ...]:
    """What a bundle's files are, by their names."""
    names = list(files)
    found = {
        "templates": any(name.startswith("templates/") for name in names),
        "rows": any(name.endswith(".items.jsonl") for name in names),
        "providers": "providers.yaml" in names,
    }
    return tuple(kind for kind, has in found.items() if has)


def _is_free(folder: Path, digest: str) -> bool:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        return False
    if not folder.exists() or not any(folder.iterdir()):
        return True
    mark = folder / BUNDLE
    try:
        return not mark.is_symlink() and json.loads(mark.read_text(encoding="utf-8"))["sha256"] == digest
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _manifest(run: BundledRun) -> Manifest:
    """As much of the run's manifest as makes its command."""
    for what, name in (("benchmark", run.benchmark), ("judge", run.judge), ("template", run.template)):
        if not _NAME.fullmatch(name):
            raise ConfigError(f"the bundle's {what} {name[:60]!r} is not a valid name; get the bundle again")
    try:
        known: Any = run.identity.get("judge", {})
        judge = {"name": run.judge, "model": known.get("model")}
        manifest = Manifest.model_validate({**run.recipe, "benchmark": run.benchmark, "judge": judge})
        _ = manifest.protocol.protocol.names(), [*run_words(manifest)]
    except (ValidationError, TypeError, KeyError, ValueError, AttributeError) as error:
        raise ConfigError(f"the bundle does not say how {run.judge} was run ({str(error)[:80]!r})") from None
    return manifest


def _rows(
    header: Header, run: BundledRun, manifest: Manifest, files: dict[str, str], place: Path
) -> tuple[dict[str, Any], Iterator[str]]:
    """What of the manifest is otherwise with the bundle's rows, and what is needed without them."""
    rows = header.rows.get(run.rows)
    if rows is None or rows.items is None:
        return {}, _without_rows(manifest)
    text = "".join(f"{_item_line(line)}\n" for line in rows.items)
    stem = folder_name(Path(str(manifest.data.source or "rows")).name.partition(".")[0], 60)
    name = f"{stem}.items.jsonl"
    if files.setdefault(name, text) != text:
        name = f"{stem}-{folder_name(run.rows, 8)}.items.jsonl"
        files[name] = text
    data = manifest.data.model_copy(update={"source": str(place / name), "revision": None, "split": None})
    chosen = {"subsets": manifest.selection.subsets, "limit": manifest.selection.limit}
    return {"data": data, "selection": type(manifest.selection).model_validate(chosen)}, iter(())


def _without_rows(manifest: Manifest) -> Iterator[str]:
    source = manifest.data.source
    if source and Path(source).suffix and not Path(source).exists():
        yield f"the rows are not in the bundle: put the author's {source} here (a bundle made with --rows has them)"


def _item_line(text: str) -> str:
    """An item's line, checked and written anew."""
    try:
        return _ENCODE(item_to_json(item_from_json(json.loads(text))))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ConfigError("a row in the bundle is not a valid item; get the bundle again") from None


def _template(own: BundledTemplate, digest: str, files: dict[str, str], place: Path) -> str:
    """Where a template of the bundle stands, with what it includes beside it."""
    name = folder_name(own.name, 60)
    base = PurePosixPath("templates", f"{name}-{folder_name(digest, 8)}")
    files[str(base / f"{name}.jinja")] = own.text
    for path, text in own.files.items():
        parts = PurePosixPath(path).parts
        if not parts or any(part in {"..", "/", ""} or "\\" in part or "\0" in part for part in parts):
            raise ConfigError(
                f"the bundle's template '{own.name[:60]}' includes a file outside its folder; not imported"
            )
        files[str(base.joinpath(*parts))] = text
    return str(place / base / f"{name}.jinja")


def _providers(runs: Sequence[BundledRun]) -> str:
    """The bundle's judges as a `providers.yaml`; of judges named by a model alone the common settings."""
    judges: dict[str, Any] = {}
    defaults: dict[str, Any] = {}
    for run in runs:
        if _VARIABLE in run.provider:
            continue
        allowed = {
            name: value for name, value in run.provider.items() if name not in {"api_key_env", "timeout", "limits"}
        }
        if allowed.get("api_base") is not None:
            allowed["api_base"] = NOWHERE
        if "/" in run.judge:
            defaults |= {
                name: value for name, value in allowed.items() if name not in {"model", "api_base", "cache_as"}
            }
        elif allowed:
            judges[run.judge] = allowed
    said = {**({"defaults": defaults} if defaults else {}), **({"judges": judges} if judges else {})}
    return yaml.safe_dump(without_secrets(said), sort_keys=False, allow_unicode=True) if said else ""


def _write(place: Path, files: Mapping[str, str], digest: str, drawn_from: Mapping[str, int]) -> None:
    with writing(place, "choose another with --files"):
        check_no_links(place)
        own = {BUNDLE, *(PurePosixPath(name).parts[0] for name in files)}
        with whole_folder(place, own.__contains__) as part:
            for name, text in files.items():
                (part / name).parent.mkdir(parents=True, exist_ok=True)
                write_text(part / name, text)
            write_text(part / BUNDLE, json.dumps({"sha256": digest, "drawn_from": drawn_from}))


def _merged(commands: Sequence[list[str]]) -> Iterator[list[str]]:
    """Commands that are alike but for judge and template, and that together are all their pairs, as one."""
    groups: dict[tuple[str, ...], list[tuple[tuple[str, ...], tuple[str, ...]]]] = {}
    for words in commands:
        named: dict[str, list[str]] = {"--judge": [], "--template": []}
        rest: list[str] = []
        given = iter(words)
        for word in given:
            named.get(word, rest).append(next(given) if word in named else word)
        pair = tuple(sorted(named["--judge"])), tuple(sorted(named["--template"]))
        groups.setdefault(tuple(rest), []).append(pair)
    for every, found in groups.items():
        pairs = list(dict.fromkeys(found))
        judges, templates = (list(dict.fromkeys(pair[at] for pair in pairs)) for at in (0, 1))
        whole = len(pairs) == len(judges) * len(templates)
        for some, others in [(judges, templates)] if whole else [([judge], [other]) for judge, other in pairs]:
            options = [("--judge", name) for names in some for name in names]
            options += [("--template", name) for names in others for name in names]
            yield [*every[:2], *(word for option in dict.fromkeys(options) for word in option), *every[2:]]
