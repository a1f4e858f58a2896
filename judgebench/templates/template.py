"""Find, check and render prompt templates.

A template is one Jinja file with YAML front matter: its blocks are the messages of the call, and its verdict rule says
how the reply is read. Text that comes from data is passed on as it is, and is never itself rendered.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import jinja2
from jinja2 import nodes
from jinja2.runtime import Context

from judgebench._util.resources import shipped
from judgebench.errors import ConfigError, unknown_name
from judgebench.items import LABELS, Mode
from judgebench.templates.environment import (
    BROKEN,
    ROLES,
    Environment,
    printed,
    role_of,
    says_something,
    text_of,
    uses,
    why,
)
from judgebench.templates.fromrows import filled_from, is_from_rows
from judgebench.templates.frontmatter import FrontMatter, blanked, read_front_matter
from judgebench.verdicts import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from judgebench.items import Criterion, Item, ItemKey, Turn
    from judgebench.verdicts import VerdictKind, VerdictRule

Message = dict[str, str]
BlockFunction = Callable[["Context"], Iterator[str]]

VARIABLES = frozenset(
    {"prompt", "conversation", "completions", "labels", "reference", "rubric", "criteria", "steps", "item"}
    | {"structured"}
)
SUFFIX = ".jinja"
SUFFIXES = frozenset({SUFFIX, ".j2", ".jinja2"})

TEMPLATE, TIES_TEMPLATE = "template.jinja", "template-ties.jinja"
INCLUDED = {TEMPLATE: "templates", TIES_TEMPLATE: "templates-ties"}
"""A run's templates, and the folder of what each includes: both may include files of one name with other texts."""


class UndefinedNamesError(ConfigError):
    """Names that a template uses and that stand for nothing.

    Attributes:
        names: Each with the nearest one that is known, or None.
        known: All that a template knows.
        files: Name and text of the files that it takes in.
    """

    def __init__(self, where: str, names: Iterable[str], files: Mapping[str, str]) -> None:
        self.names = {name: next(iter(difflib.get_close_matches(name, VARIABLES, n=1)), None) for name in names}
        self.known, self.files = sorted(VARIABLES), files
        listed = [f"'{name}'" + (f" (did you mean {near}?)" if near else "") for name, near in self.names.items()]
        what, fix = f"undefined {', '.join(listed)}", f"a template knows {', '.join(self.known)}"
        super().__init__(f"{where}: {what}; {fix}", what=what, where=where, fix=fix)


class _Absent(jinja2.StrictUndefined):
    """A value that this item does not have: false in a test, an error where it is printed."""

    def __bool__(self) -> bool:  # type: ignore[override]
        return False


_NO_REFERENCE, _NO_RUBRIC = _Absent("the item has no reference"), _Absent("the item has no rubric")
_NO_CRITERIA = _Absent("the item has no criteria")
_NO_STEPS = _Absent("the item has no steps")


class Layer(NamedTuple):
    """A template's own file, the one that it extends, or one further up; included files stand in their places.

    Attributes:
        inside: The file's name; empty for the template's own.
        tree: What it holds.
    """

    inside: str
    tree: nodes.Template


class MessageBlock(NamedTuple):
    """A block whose text is a message, and whose message it is."""

    name: str
    role: str


@dataclass(frozen=True, eq=False)
class Template:
    """A parsed template: nothing changes it, so that threads may share it.

    Attributes:
        source: The whole file.
        where: Its name, as messages give it.
        front: Its front matter.
        files: Name and text of every file that it extends, includes or imports.
        layers: Its own file, the one it extends, and so on up.
        imported: The files that it imports.
        messages: The blocks that are its messages, in order.
        used: The variables that it uses, tests included.
        edited: When its file was last changed, in UTC as ISO 8601 has it; None for one that ships, or has no file.
    """

    source: str
    where: str
    front: FrontMatter
    files: Mapping[str, str]
    layers: tuple[Layer, ...]
    imported: tuple[nodes.Template, ...]
    messages: tuple[MessageBlock, ...]
    used: frozenset[str]
    _compiled: jinja2.Template
    _blocks: dict[str, list[BlockFunction]] | None
    """The functions of each block, where nothing has to be run before a block: the child's first."""
    edited: str | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return parse_template, (self.source, self.where, (), dict(self.files))

    @property
    def name(self) -> str:
        """The template's name."""
        return self.front.name

    @property
    def file(self) -> str | None:
        """The name of the file that it was given as, where that is another than the template's: of a copy, mostly."""
        stem = Path(self.where).stem
        alike = re.sub(r"[\W_]+", "-", stem) == re.sub(r"[\W_]+", "-", self.name)
        return None if self.edited is None or alike else self.where

    @property
    def title(self) -> str:
        """The name, and the file where that is called otherwise: `terse (careful.jinja)`."""
        return self.name if self.file is None else f"{self.name} ({self.file})"

    @property
    def mode(self) -> Mode:
        """What a call shows: two completions, k, or one to rate."""
        return self.front.mode

    @property
    def kind(self) -> VerdictKind:
        """What its verdicts are."""
        return KINDS[self.front.mode]

    @property
    def rule(self) -> VerdictRule:
        """How the reply is read."""
        return self.front.verdict

    def rule_for(self, item: Item | ItemKey, order: Sequence[int]) -> VerdictRule:
        """How the reply to a question is read: in mode criteria, by the criteria that it is about."""
        return self.rule if self.rule.of is None else self.rule.about(asked_of(self.rule, item.checklist, order))

    @property
    def structured(self) -> bool:
        """Whether it asks for structured output, of judges that can give it."""
        return self.rule.json_field is not None

    @cached_property
    def hash(self) -> str:
        """SHA-256 over the file and every file that it extends, includes or imports."""
        digest = hashlib.sha256(self.source.encode())
        for name, text in sorted(self.files.items()):
            digest.update(f"\0{name}\0{text}".encode())
        return digest.hexdigest()

    def for_items(self, items: Iterable[Item]) -> Template:
        """The template with the classes or the scale of these items, where its head says that they are the rows'.

        Raises:
            ConfigError: The items have fewer than two classes.
        """
        if not is_from_rows(self.source):
            return self
        made = parse_template(filled_from(self.source, self.where, items), self.where, (), dict(self.files))
        return replace(made, edited=self.edited)

    @property
    def needs_item_data(self) -> bool:
        """Whether it uses what some items may lack, so that every item is rendered once before the first call."""
        return bool(self.used & {"item", "reference", "rubric", "steps"})

    def render(self, item: Item, order: Sequence[int], *, structured: bool = False) -> list[Message]:
        """The exact messages for one item.

        Args:
            item: The item.
            order: The index of the completion shown in each slot.
            structured: Whether a JSON schema for the reply goes out with them.

        Raises:
            ConfigError: The template uses something that this item does not have.
        """
        assert isinstance(self._compiled.environment, Environment)
        self._compiled.environment.begin_rendering()
        try:
            variables = _variables(item, order, self.rule, structured=structured)
            if self._blocks is not None:
                # What `new_context` makes of globals and blocks is needed by what stands outside the blocks alone.
                parent = {**self._compiled.globals, **variables}
                context = Context(self._compiled.environment, parent, self._compiled.name, {})
                context.blocks = self._blocks
            else:
                context = self._compiled.new_context(variables)
                for _ in self._compiled.root_render_func(context):
                    pass
            return [
                {"role": role, "content": "".join(context.blocks[name][0](context))} for name, role in self.messages
            ]
        except jinja2.UndefinedError as error:
            what = f"{error.message} (item '{item.id}')"
            raise ConfigError.at(self.where, what, fix="a template can test it with 'is defined'") from None
        except BROKEN as error:
            raise ConfigError.at(self.where, f"cannot be rendered for item '{item.id}': {why(error)}") from None


def asked_of(rule: VerdictRule, checklist: Sequence[Criterion], order: Sequence[int]) -> tuple[Criterion, ...]:
    """The criteria that a question is about: all, or the one whose number stands as its order."""
    return tuple(checklist[order[0] : order[0] + 1] if rule.reads_each else checklist)


def _variables(item: Item, order: Sequence[int], rule: VerdictRule, *, structured: bool) -> dict[str, Any]:
    """What a template knows of an item."""
    checklist = asked_of(rule, item.checklist, order) if item.checklist else ()
    completions = [item.completions[index] for index in ([0] if rule.reads_each else order)]
    # A mapping, not an object: the sandbox looks closely at every attribute of an object.
    shown = [
        {"label": LABELS[slot], "text": completion.text, "turns": _turns(completion.turns)}
        for slot, completion in enumerate(completions)
    ]
    criteria = [{"id": each.id, "text": each.text, "weight": each.weight} for each in checklist]
    return {
        "prompt": next((turn.text for turn in reversed(item.conversation) if turn.role == "user"), ""),
        "conversation": _turns(item.conversation),
        "completions": shown,
        "labels": list(LABELS[: len(shown)]),
        "reference": _NO_REFERENCE if item.reference is None else item.reference,
        "rubric": _NO_RUBRIC if item.rubric is None else item.rubric,
        "criteria": criteria or _NO_CRITERIA,
        "item": item.metadata,
        "steps": [{"index": at, "text": text} for at, text in enumerate(item.steps)] if item.steps else _NO_STEPS,
        "structured": structured,
    }


def _turns(turns: Iterable[Turn]) -> list[Message]:
    return [turn.message for turn in turns]


def parse_template(
    source: str, where: str, folders: Sequence[Path], files: Mapping[str, str] | None = None
) -> Template:
    """A template from the text of its file.

    Args:
        source: The whole file.
        where: Its name, as messages give it.
        folders: Where the files are that it takes in, the first that has one; else one that ships is meant.
        files: Texts of such files by name, which go before those of the folders.

    Raises:
        ConfigError: It does not hold what a template must.
    """
    front = read_front_matter(source, where)
    environment = Environment(folders, files)
    try:
        layers, chain = _load_chain(environment, blanked(source), where)
        environment.compile_imports()
    except jinja2.TemplateSyntaxError as error:
        inside = None if error.name in {None, where} else error.name
        place = f" line {error.lineno}" if inside is None else f" (in {inside} line {error.lineno})"
        what, fix = str(error.message), "see docs/templates.md"
        message = f"{where}{place}: {what}; {fix}"
        raise ConfigError(message, what=what, where=inside or where, line=error.lineno, fix=fix) from None
    except BROKEN as error:
        raise ConfigError.at(where, f"not a valid template: {why(error)}") from None
    messages, used = _message_blocks(layers, where), _used(layers, environment, where)
    if unknown := sorted(used - VARIABLES):
        raise UndefinedNamesError(where, unknown, environment.read)
    files, imported = MappingProxyType(dict(environment.read)), tuple(environment.imported.values())
    blocks = None if any(_has_preamble(layer.tree) for layer in layers) else _block_functions(chain)
    return Template(source, where, front, files, layers, imported, messages, used, chain[0], blocks)


def _load_chain(
    environment: Environment, body: str, where: str
) -> tuple[tuple[Layer, ...], tuple[jinja2.Template, ...]]:
    """The template, the one it extends, and so on up: parsed, and compiled."""
    tree = environment.parse(body, where)
    code = environment.compile(tree, where, where)
    layers = [Layer("", tree)]
    # Every call needs a context; of a plain dict it is made in a fifth of the time that Jinja's chain of dicts takes.
    chain = [jinja2.Template.from_code(environment, code, dict(environment.globals))]
    seen = {where}
    while extends := next(tree.find_all(nodes.Extends), None):
        name = extends.template.value if isinstance(extends.template, nodes.Const) else None
        if not isinstance(name, str) or name in seen:
            raise ConfigError.at(where, "extends needs the plain name of another file", line=extends.lineno)
        text = environment.source_of(name)
        if text is None:
            raise ConfigError.at(where, f"extends '{name}': file not found", line=extends.lineno)
        seen.add(name)
        tree = environment.parse(text, name)
        layers.append(Layer(name, tree))
        chain.append(environment.get_template(name))
    return tuple(layers), tuple(chain)


def _block_functions(chain: Sequence[jinja2.Template]) -> dict[str, list[BlockFunction]]:
    """The functions of each block, the child's first, as Jinja puts them together where a template extends another."""
    functions: dict[str, list[BlockFunction]] = {}
    for template in chain:
        for name, function in template.blocks.items():
            functions.setdefault(name, []).append(function)
    return functions


def _message_blocks(layers: Sequence[Layer], where: str) -> tuple[MessageBlock, ...]:
    """The blocks that are messages: the top ones, those of the furthest parent first."""
    nested = {block.name for layer in layers for block in _nested_blocks(layer.tree)}
    messages: dict[str, MessageBlock] = {}
    for layer in reversed(layers):
        for block in (node for node in layer.tree.body if isinstance(node, nodes.Block)):
            if block.name in messages or block.name in nested:
                continue
            role = role_of(block.name)
            if role not in ROLES:
                what = f"block '{block.name}' is not a message: blocks are named system, user or assistant, "
                what += "with a number after an underscore where there are several"
                raise ConfigError(f"{where}: {what}", what=what, where=layer.inside or where, line=block.lineno)
            messages[block.name] = MessageBlock(block.name, role)
    if "user" not in {message.role for message in messages.values()}:
        raise ConfigError.at(where, "has no block 'user'", fix="add {% block user %}...{% endblock %}")
    return tuple(messages.values())


def _used(layers: Sequence[Layer], environment: Environment, where: str) -> frozenset[str]:
    """The names that a template uses and does not set itself."""
    set_above = {name for layer in layers for name in _set_at_the_top(layer.tree)}
    return frozenset().union(*(environment.taken[layer.inside or where] for layer in layers)) - set_above


def _has_preamble(tree: nodes.Template) -> bool:
    """Whether anything outside the blocks may change what is inside."""
    return any(
        not isinstance(node, nodes.Block | nodes.Extends)
        and not (isinstance(node, nodes.Output) and all(isinstance(n, nodes.TemplateData) for n in node.nodes))
        for node in tree.body
    )


def check_messages(template: Template) -> None:
    """Refuses what is written and never sent, and a question without the answers that it is about.

    Raises:
        ConfigError: Text stands outside the blocks, a message is empty, or the completions are in no message.
    """
    where = template.where
    for inside, tree in template.layers:
        for line in printed(tree.body):
            what = "outside every block, so it is in no message"
            raise ConfigError.at(where, what, line=line, inside=inside, fix="put it in one")
    for message in template.messages:
        inside, block = _definitions(template, message.name)[0]
        if not says_something(block):
            raise ConfigError.at(where, f"block '{message.name}' is empty", line=block.lineno, inside=inside)
    above = [node for _, tree in template.layers for node in tree.body if not isinstance(node, nodes.Block)]
    in_steps = template.rule.steps
    if not any(
        uses(node, "steps" if in_steps else "completions") for node in (*above, *template.imported, *_sent(template))
    ):
        user = next(message.name for message in template.messages if message.role == "user")
        inside, block = _definitions(template, user)[0]
        fix = "add {% for c in completions %}[{{ c.label }}] {{ c.text }}{% endfor %}"
        if in_steps:
            fix = "add {% for s in steps %}<step_{{ s.index }}>{{ s.text }}</step_{{ s.index }}>{% endfor %}"
        what = f"no message shows the {'steps' if in_steps else 'completions'}"
        raise ConfigError.at(where, what, line=block.lineno, inside=inside, fix=fix)


def _definitions(template: Template, name: str) -> list[tuple[str, nodes.Block]]:
    """Where a block is defined, and how: the one that counts first, then those that its `super()` means."""
    return [
        (layer.inside, block)
        for layer in template.layers
        for block in layer.tree.find_all(nodes.Block)
        if block.name == name
    ]


def _sent(template: Template) -> Iterator[nodes.Block]:
    """The blocks that messages are made of, inner ones as the furthest child has them."""
    names = [message.name for message in template.messages]
    for name in names:  # grows
        for _, block in _definitions(template, name):
            yield block
            names += [inner.name for inner in block.find_all(nodes.Block) if inner.name not in names]
            if not any(part.name == "super" for part in block.find_all(nodes.Name)):
                break


def _nested_blocks(tree: nodes.Template) -> Iterator[nodes.Block]:
    top = {id(node) for node in tree.body}
    return (block for block in tree.find_all(nodes.Block) if id(block) not in top)


def _set_at_the_top(tree: nodes.Template) -> Iterator[str]:
    """Names that stand for something in every block: set, defined as a macro or imported outside the blocks."""
    for node in tree.body:
        if isinstance(node, nodes.Macro):
            yield node.name
        elif isinstance(node, nodes.Import):
            yield node.target
        elif isinstance(node, nodes.FromImport):
            yield from (name if isinstance(name, str) else name[1] for name in node.names)
        elif not isinstance(node, nodes.Block):
            yield from (name.name for name in node.find_all(nodes.Name) if name.ctx == "store")


def shipped_templates() -> dict[str, Path]:
    """Name and file of every template that ships."""
    return {path.stem: path for path in sorted(shipped("prompt_templates").iterdir()) if _ships(path)}


def _ships(path: Path) -> bool:
    """Whether a file is a template that ships, and no part of one."""
    is_whole = path.suffix == SUFFIX and not path.name.startswith("_")
    return is_whole and path.parent == shipped("prompt_templates") and path.is_file()


def template_source(name: str | Path) -> tuple[Path, str]:
    """File and text of a template, by the name of one that ships or by the path of a file.

    Raises:
        ConfigError: There is none, or it cannot be read.
    """
    path = Path(name)
    try:
        is_file = path.is_file()
    except OSError as error:
        raise ConfigError(f"template '{name}': cannot be read: {error.strerror}") from None
    if path.suffix in SUFFIXES or is_file or len(path.parts) > 1:
        if not is_file:
            what = "is not a file" if path.exists() else f"file not found{_similar_files(path)}"
            raise ConfigError(f"template '{name}': {what}")
    else:
        path = shipped("prompt_templates", f"{name}{SUFFIX}")
        if not _ships(path):
            mend = "`judgebench templates list` shows all; your own file must end in .jinja."
            if own := _similar_files(Path(f"{name}{SUFFIX}"), cutoff=0.85):
                raise ConfigError(f"unknown template '{name}'{own}")
            raise unknown_name("template", str(name), shipped_templates(), mend=mend)
    try:
        return path, path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"template '{name}': cannot be read: {error}") from None


def _similar_files(path: Path, cutoff: float = 0.6) -> str:
    """Which template files in a path's folder have a similar name, as the end of a sentence; empty where none has."""
    try:
        names = sorted(each.name for each in path.parent.iterdir() if each.suffix in SUFFIXES and each.is_file())
    except OSError:
        return ""
    near = difflib.get_close_matches(path.name, names, n=3, cutoff=cutoff)
    return f": did you mean {' or '.join(str(path.with_name(each)) for each in near)}?" if near else ""


def included_from(path: Path) -> tuple[Path, ...]:
    """The folders of what a template takes in: its own, and before that, in a run's folder, the one that is kept so.

    Runs of earlier versions have what their templates take in beside these.
    """
    run = (path.parent, path.parent.parent)  # a rescored one has its reader in a folder below
    if path.name in INCLUDED and any((folder / "manifest.json").is_file() for folder in run):
        return path.parent / INCLUDED[path.name], path.parent
    return (path.parent,)


def load_template(name: str | Path) -> Template:
    """A template by the name of one that ships, or by the path of a file.

    Raises:
        ConfigError: There is none, or it does not hold what a template must.
    """
    path, source = template_source(name)
    folders = included_from(path)
    template = _checked(source, path.name, folders)
    if any(text_of(inner, folders) != text for inner, text in template.files.items()):
        _checked.cache_clear()
        template = _checked(source, path.name, folders)
    return template if _ships(path) else replace(template, edited=_edited(path))


@lru_cache(maxsize=256)  # more than ship
def _checked(source: str, where: str, folders: tuple[Path, ...]) -> Template:
    """A template that holds all it must, as long as what it takes in from the folders stays as it is.

    Each is parsed once a process: the row "a further command of a process" of benchmarks/speed.py.
    """
    template = parse_template(source, where, folders)
    check_messages(template)
    return template


def _edited(path: Path) -> str | None:
    """When a file was last changed."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="milliseconds")
    except (OSError, OverflowError, ValueError):
        return None
