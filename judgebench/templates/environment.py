"""Where templates are compiled: Jinja's immutable sandbox, the files that one takes in, and what its nodes print."""

from __future__ import annotations

import threading
from collections.abc import Sized
from typing import TYPE_CHECKING, Any

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator
from jinja2.idtracking import VAR_LOAD_RESOLVE
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from judgebench._util.resources import shipped
from judgebench.errors import ConfigError
from judgebench.templates.frontmatter import blanked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from jinja2.compiler import Frame
    from jinja2.runtime import Context

ROLES = ("system", "user", "assistant")

BROKEN = (
    *(jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError),
    *(RecursionError, MemoryError, SyntaxError),
)
"""What an expression in a template can end in."""

_LARGEST = 10**7
"""Characters of a repeated text, entries of a repeated list, or bits of a power."""

MOST_STEPS = 1_000_000
"""So many steps the loops of one rendering may take together."""

_STEP = "_step"

_BLANK = " \t\r\n\ufeff"

_OF_DICTS = frozenset(dir(dict))


class _Generator(CodeGenerator):
    """Jinja's own, which also keeps what each file takes from outside: `jinja2.meta` needs a pass of its own."""

    def enter_frame(self, frame: Frame) -> None:
        super().enter_frame(frame)
        assert isinstance(self.environment, Environment)
        taken = self.environment.taken.setdefault(self.name, set())
        taken.update(
            name
            for action, name in frame.symbols.loads.values()
            if action == VAR_LOAD_RESOLVE and name is not None and name not in self.environment.globals
        )


class Environment(ImmutableSandboxedEnvironment):
    """Where one template is compiled.

    `read` holds every other file that it takes something from, `taken` the variables that each compiled file takes.

    A file is read once. What changes here changes while the template is parsed and compiled, and never after, for then
    threads may render it.
    """

    code_generator_class = _Generator
    intercepted_binops = frozenset({"*", "**"})

    def __init__(self, folders: Sequence[Path], files: Mapping[str, str] | None = None) -> None:
        self.read = dict(files or {})
        self.taken: dict[str | None, set[str]] = {}
        self.imported: dict[str, nodes.Template] = {}
        self._folders = folders
        self._within: list[str] = []
        super().__init__(
            loader=jinja2.FunctionLoader(self.source_of),
            undefined=jinja2.StrictUndefined,
            autoescape=False,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            auto_reload=False,
        )
        self._left = threading.local()
        self.filters[_STEP] = self._steps

    def begin_rendering(self) -> None:
        """Gives this thread's loops all their steps again."""
        self._left.count = MOST_STEPS

    def _steps(self, things: Iterable[Any]) -> Iterator[Any]:
        """What a loop goes over, counted, so that no template renders for ever."""
        left = self._left.__dict__
        for thing in things:
            left["count"] = left.get("count", MOST_STEPS) - 1
            if left["count"] < 0:
                raise OverflowError(f"its loops take more than {MOST_STEPS:,} steps")
            yield thing

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Multiplies or raises, unless the result would take the memory of everything else."""
        for part, times in ((left, right), (right, left)):
            if operator == "*" and isinstance(part, Sized) and isinstance(times, int) and len(part) * times > _LARGEST:
                raise OverflowError(f"a value is repeated {times} times, which is too large")
        whole = isinstance(left, int) and isinstance(right, int)
        if operator == "**" and whole and left.bit_length() * right > _LARGEST:
            raise OverflowError("a power is too large")
        return super().call_binop(context, operator, left, right)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """As in Jinja's sandbox, but what no dict has is looked up as the dict's key at once, not after an error."""
        if type(obj) is dict and attribute not in _OF_DICTS and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def source_of(self, name: str) -> str | None:
        """Source of another file: in the template's folders, else one that ships; front matter left out."""
        if name not in self.read and (text := text_of(name, self._folders)) is not None:
            self.read[name] = text
        return blanked(self.read[name]) if name in self.read else None

    def compile_imports(self) -> None:
        """Compiles what was imported, so that nothing is left to be compiled while threads render."""
        for name in list(self.imported):
            self.get_template(name)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """Parses; puts included files in their place; takes the file's own white space off both ends of each message.

        Jinja's own include takes a new context each time: with it, the row "cached run, 5970 judgements" of
        benchmarks/speed.py takes a fifth more CPU. And in its place, every check sees what is included.
        """
        tree = _Prepared(self).visit(super()._parse(source, name, filename))
        assert isinstance(tree, nodes.Template)
        for block in (node for node in tree.body if isinstance(node, nodes.Block) and role_of(node.name) in ROLES):
            first, last = (_text_at(block, end) for end in (0, -1))
            if first is not None:
                first.data = first.data.lstrip()
            if last is not None:
                last.data = last.data.rstrip()
        return tree

    def taken_in(self, node: nodes.Node) -> nodes.Template:
        """The parsed file that a node includes or imports."""
        named = getattr(node, "template", None)
        name = named.value if isinstance(named, nodes.Const) else None
        inside = self._within[-1] if self._within else None
        kind = type(node).__name__.removeprefix("From").lower()
        source = self.source_of(name) if isinstance(name, str) else None
        if not isinstance(name, str) or source is None:
            raise jinja2.TemplateSyntaxError(f"{kind} of '{name}': file not found", node.lineno, inside)
        if name in self._within:
            raise jinja2.TemplateSyntaxError(f"{kind} of '{name}' inside itself", node.lineno, inside)
        self._within.append(name)
        try:
            parsed = self.parse(source, name)
        finally:
            self._within.pop()
        if not isinstance(node, nodes.Include):
            self.imported[name] = parsed
        return parsed


def role_of(block: str) -> str:
    """The role of the message that a block of this name is."""
    return block.partition("_")[0]


def text_of(name: str, folders: Sequence[Path]) -> str | None:
    """Text of a file that a template takes in, in the first of its folders that has it, else one that ships.

    Raises:
        ConfigError: It cannot be read.
    """
    for place in (*folders, shipped("prompt_templates")):
        try:
            path = (place / name).resolve()
            if path.is_relative_to(place.resolve()) and path.is_file():
                return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError.at(name, f"cannot be read: {error}") from None
    return None


class _Prepared(NodeTransformer):
    """Replaces `{% include 'name' %}` by what the file holds, reads what is imported, and counts the steps of loops."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def visit_Include(self, node: nodes.Include) -> Any:  # noqa: N802 - Jinja's naming
        body = self._environment.taken_in(node).body
        for inner in body:
            inner.set_lineno(node.lineno, override=True)  # lines are those of the file that a message names
            for data in inner.find_all(nodes.TemplateData):
                data.lineno -= _blank_lines(data.data)
        return body

    def visit_Import(self, node: nodes.Import) -> nodes.Node:  # noqa: N802
        self._environment.taken_in(node)
        return node

    def visit_FromImport(self, node: nodes.FromImport) -> nodes.Node:  # noqa: N802
        self._environment.taken_in(node)
        return node

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, _STEP, [], [], None, None, lineno=node.iter.lineno)
        return node


def _text_at(block: nodes.Block, end: int) -> nodes.TemplateData | None:
    output = block.body[end] if block.body else None
    node = output.nodes[end] if isinstance(output, nodes.Output) else None
    return node if isinstance(node, nodes.TemplateData) else None


def printed(body: Iterable[nodes.Node]) -> Iterator[int]:
    """The lines of what these nodes print, blocks left out."""
    for node in body:
        if isinstance(node, nodes.Output):
            for part in node.nodes:
                if not isinstance(part, nodes.TemplateData):
                    yield part.lineno
                elif part.data.strip(_BLANK):
                    yield part.lineno + _blank_lines(part.data)
        elif isinstance(node, nodes.CallBlock | nodes.FilterBlock):
            yield node.lineno
        elif not isinstance(node, nodes.Block | nodes.Macro | nodes.AssignBlock):
            yield from printed(node.iter_child_nodes())


def says_something(block: nodes.Block) -> bool:
    """Whether there is anything between the tags of a block but comments, settings and white space."""
    printing = (nodes.Block, nodes.CallBlock, nodes.FilterBlock)
    return next(printed(block.body), None) is not None or next(block.find_all(printing), None) is not None


def uses(node: nodes.Node, name: str) -> bool:
    """Whether a node, inner blocks left out, takes something from a variable such as `completions`."""
    if isinstance(node, nodes.Name):
        return node.name == name and node.ctx == "load"
    return any(uses(part, name) for part in node.iter_child_nodes() if not isinstance(part, nodes.Block))


def why(error: BaseException) -> str:
    """What an error says, in words where it has none."""
    return "out of memory" if isinstance(error, MemoryError) else str(error)


def _blank_lines(text: str) -> int:
    """How many line ends stand before what there is to see."""
    return text.count("\n", 0, len(text) - len(text.lstrip(_BLANK)))
