"""What is wrong with a template's file beyond what keeps it from loading: each finding with its line and the fix."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import nodes

from judgebench.errors import ConfigError
from judgebench.items import LABELS, Completion, Criterion, Item, Turn
from judgebench.templates.fromrows import is_from_rows
from judgebench.templates.frontmatter import FrontMatterError, blanked
from judgebench.templates.lint import headings, wording
from judgebench.templates.lint.wording import Remark
from judgebench.templates.template import (
    Template,
    UndefinedNamesError,
    check_messages,
    included_from,
    parse_template,
    template_source,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_PROMPT, _REFERENCE, _RUBRIC = "\ue000prompt\ue001", "\ue000reference\ue001", "\ue000rubric\ue001"
_STEPS = 3
_CHECKLIST = tuple(Criterion(f"\ue000criterion {n} id\ue001", f"\ue000criterion {n} text\ue001") for n in (1, 2))
_GIVEN = {"reference": _REFERENCE, "rubric": _RUBRIC}
_MARK = re.compile("\ue000[^\ue001]*\ue001")
_TELLING = re.compile(
    r"(?:^|_)(?:num_correct|label|labels|chosen|rejected|correct|incorrect|winner|preferred|preference|gold|ground_truth"
    r"|human_score|answer_key)(?:_|$)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake in a template.

    Attributes:
        file: The file it stands in, as it was named; a part that it takes in by the part's own name.
        line: From 1 on.
        kind: A word for the kind of mistake.
        what: What is wrong.
        mend: What to do about it.
    """

    file: str
    line: int
    kind: str
    what: str
    mend: str

    def __str__(self) -> str:
        said = f"{self.file}:{self.line}: {self.what}"
        return f"{said}; {self.mend}" if self.mend else said

    def to_json(self) -> dict[str, object]:
        """An object of plain values."""
        return asdict(self)


_FROM_ROWS = frozenset({"not-offered", "scale"})
"""What cannot be told of a template whose classes or scale are those of the rows."""


def lint(name: str | Path) -> list[Finding]:
    """What is wrong with a template, in the order of its lines.

    >>> import judgebench as jb
    >>> jb.lint("pairwise")
    []

    Args:
        name: One that ships, or a file.

    Raises:
        ConfigError: There is no such template, or the file cannot be read.
    """
    path, source = template_source(name)
    file = str(name) if Path(name).is_file() else path.name
    try:
        template = parse_template(source, path.name, included_from(path))
        check_messages(template)
    except UndefinedNamesError as error:
        return list(_undefined(error, source, file))
    except ConfigError as error:
        return [_broken(error, file, path.name)]
    left_out = _FROM_ROWS if is_from_rows(source) else frozenset[str]()
    remarks = (remark for remark in _remarks(template) if remark.kind not in left_out)
    found = list(dict.fromkeys(_located(remark, template, file) for remark in remarks))
    return sorted(found, key=lambda each: (each.file != file, each.file, each.line))


def unasked(template: Template) -> list[Finding]:
    """What the rule of a template reads and no message asks for, once, as `lint` finds it.

    Args:
        template: One that was loaded.
    """
    rule, k = template.rule, template.kind.numbers[0]
    whole = _sent(template, k, _GIVEN)
    if isinstance(whole, Remark):
        return []
    remarks = wording.never_asked(_MARK.sub(" ", whole), rule)
    return [_located(remark, template, template.where) for remark in remarks]


def _undefined(error: UndefinedNamesError, source: str, file: str) -> Iterator[Finding]:
    texts = {file: blanked(source), **{part: blanked(text) for part, text in error.files.items()}}
    for name, near in error.names.items():
        used = rf"(?<![\w.'\"]){re.escape(name)}"  # the name itself, no attribute and no text
        places = ((where, _line_of(text, used, inside=True)) for where, text in texts.items())
        where, line = next(((where, line) for where, line in places if line is not None), (file, 1))
        mend = f"did you mean {near}?" if near else error.fix
        yield Finding(where, line, "undefined", f"'{name}' is not defined", mend)


def _broken(error: ConfigError, file: str, name: str) -> Finding:
    """A template that cannot be loaded."""
    kind = "example" if isinstance(error, FrontMatterError) and error.key == ("verdict", "example") else "broken"
    return Finding(file if error.where in {"", name} else error.where, error.line or 1, kind, error.what, error.fix)


def _remarks(template: Template) -> Iterator[Remark]:
    rule, numbers = template.rule, template.kind.numbers
    if rule.example is None:
        mend = "add a reply that the rule parses"
        yield Remark(
            "no-example",
            "verdict:",
            "verdict.example is missing, and offline judges answer in its words",
            mend,
            in_head=True,
        )
    yield from wording.runs_away_from(rule)
    yield from wording.ends_not_read(rule)
    yield from _leaks(template)
    texts: dict[int, list[str]] = {}
    for k in numbers:
        whole = _sent(template, k, _GIVEN)
        if isinstance(whole, Remark):
            yield whole
            return
        texts[k] = [whole]
        for given in ({"rubric": _RUBRIC}, {"reference": _REFERENCE}, dict[str, str]()):
            bare = _sent(template, k, given)
            if isinstance(bare, str):  # a template may need the item's reference or rubric
                texts[k].append(bare)
    yield from _unshown(template, numbers[-1], texts[numbers[-1]][0])
    for k, variants in texts.items():
        marks = [_answer(slot) for slot in range(_shown(template, k))]
        if rule.steps:
            yield from headings.numbered(variants[0], marks)
            continue
        yield from headings.mislabelled(variants[0], marks, rule)
        yield from headings.introduced(variants[0], marks)
    words = {k: [_MARK.sub(" ", text) for text in variants] for k, variants in texts.items()}
    for k, variants in words.items():
        for text in variants:
            yield from _of_text(text, template, k)
            yield from _of_question(text, template, k)
        if "structured" in template.used:  # the schema asks for the verdict then
            with_schema = _sent(template, k, _GIVEN, structured=True)
            yield from _of_text(_MARK.sub(" ", with_schema), template, k) if isinstance(with_schema, str) else ()
    for at in range(min(len(variants) for variants in words.values())):
        yield from wording.fixed_number({k: variants[at] for k, variants in words.items()}, template.kind)


def _of_question(text: str, template: Template, k: int) -> Iterator[Remark]:
    """What the words say of the verdict against what the rule reads."""
    rule, labels = template.rule, LABELS[:k]
    yield from wording.never_asked(text, rule)
    yield from wording.not_offered(text, rule, labels)
    yield from wording.one_label(text, rule, labels)
    if "rubric" not in template.used:
        yield from wording.bounds_unsaid(text, rule)


def _of_text(text: str, template: Template, k: int) -> Iterator[Remark]:
    yield from wording.gives_away(text)
    yield from wording.placeholders(text)
    if k == template.kind.numbers[0]:
        yield from wording.not_read(text, template.rule, k)


def _unshown(template: Template, k: int, whole: str) -> Iterator[Remark]:
    """What no message shows though the template tests it, or though every message must."""
    for name, mark in (("reference", _REFERENCE), ("rubric", _RUBRIC)):
        if name in template.used and mark not in whole:
            what, mend = f"tests '{name}', and no message shows it", f"show it: {{{{ {name} }}}}"
            yield Remark("unused", name, what, mend)
    if _PROMPT not in whole:
        mend = "add {{ prompt }}, or {% include '_question.jinja' %} for all turns"
        yield Remark("not-shown", "", "no message shows the prompt", mend)
    yield from _unshown_criteria(template, whole)
    missing = [LABELS[slot] for slot in range(_shown(template, k)) if _answer(slot) not in whole]
    if missing and template.rule.steps:
        what = "no message shows every step"
        yield Remark("not-shown", "steps", what, "show all: {% for s in steps %}")
    elif missing:
        what = f"no message shows completion {', '.join(missing)} of {k}"
        yield Remark("not-shown", "completions", what, "show all: {% for c in completions %}")


def _unshown_criteria(template: Template, whole: str) -> Iterator[Remark]:
    """The criteria's texts, and, where a reply has to name them, their ids."""
    rule = template.rule
    if rule.of is None:
        return
    asked = _CHECKLIST[:1] if rule.reads_each else _CHECKLIST
    if any(each.text not in whole for each in asked):
        mend = (
            "add {{ criteria[0].text }}" if rule.reads_each else "add {% for c in criteria %}[{{ c.id }}] {{ c.text }}"
        )
        yield Remark("not-shown", "criteria", "no message shows the criteria", mend)
    elif rule.reads_all and any(each.id not in whole for each in asked):
        what, mend = "no message shows the criteria's ids, by which a reply names them", "add {{ c.id }} to each"
        yield Remark("not-shown", "criteria", what, mend)


def _leaks(template: Template) -> Iterator[Remark]:
    """Data of the item that tells which completion is correct, or all of its data at once."""
    for tree in (layer.tree for layer in template.layers):
        taken = set()
        for node in _lookups(tree):
            if not (isinstance(node.node, nodes.Name) and node.node.name == "item"):
                continue
            taken.add(id(node.node))
            name = _column(node)
            if name in {"items", "values"}:
                taken.discard(id(node.node))
            elif name is not None and _TELLING.search(name):
                what = f"item.{name} tells which completion is correct, or something near it"
                yield Remark("leak", name, what, "leave it out: the judge must not know")
        for each in tree.find_all(nodes.Name):
            if each.name == "item" and each.ctx == "load" and id(each) not in taken:
                what = "shows all of the item's data, among which may be the label"
                yield Remark("leak", "item", what, "name the one column that the judge needs: item.NAME")


def _lookups(tree: nodes.Template) -> Iterator[nodes.Getattr | nodes.Getitem]:
    yield from tree.find_all(nodes.Getattr)
    yield from tree.find_all(nodes.Getitem)


def _column(node: nodes.Getattr | nodes.Getitem) -> str | None:
    if isinstance(node, nodes.Getattr):
        return node.attr
    return str(node.arg.value) if isinstance(node.arg, nodes.Const) else None


def _shown(template: Template, k: int) -> int:
    """How many texts a question shows: of steps, three."""
    return _STEPS if template.rule.steps else k


def _answer(slot: int) -> str:
    return f"\ue000answer {slot}\ue001"


def _sent(template: Template, k: int, given: Mapping[str, str], *, structured: bool = False) -> str | Remark:
    """The messages about k completions, with marks in the place of data; a remark where they cannot be rendered."""
    columns = {_column(node) for tree in (layer.tree for layer in template.layers) for node in _lookups(tree)}
    item = Item(
        id="lint",
        subset="",
        conversation=(Turn("user", _PROMPT),),
        completions=tuple(Completion((Turn("assistant", _answer(slot)),)) for slot in range(k)),
        steps=tuple(_answer(step) for step in range(_STEPS)) if template.rule.steps else (),
        num_correct=0,
        metadata={name: "\ue000item\ue001" for name in columns if name is not None},
        reference=given.get("reference"),
        rubric=given.get("rubric"),
        checklist=_CHECKLIST if template.rule.of is not None else (),
    )
    try:
        return "\n\n".join(message["content"] for message in template.render(item, range(k), structured=structured))
    except ConfigError as error:
        why = (
            str(error).removeprefix(f"{template.where}: ").partition(" (item 'lint')")[0].partition(" for item 'lint'")
        )
        what = f"cannot be rendered for {k} completion{'s' if k > 1 else ''}: {why[0]}{why[2]}"
        mend = (
            "loop over completions, which are 2 to 26"
            if len(template.kind.numbers) > 1
            else "see 'Messages' in the docs"
        )
        named = re.search(r"'([\w ]+)'\s*$", why[0])
        words = named[1] if named else "completions[" if "element" in why[0] else ""
        return Remark("not-rendered", words, what, mend)


def _located(remark: Remark, template: Template, file: str) -> Finding:
    """Where the words of a remark stand: in the template, in a part of it, else at its user block."""
    sources = {file: template.source if remark.in_head else blanked(template.source)}
    sources |= {part: blanked(text) for part, text in template.files.items()}
    inside = remark.kind in {"leak", "unused"} and remark.words.isidentifier()
    for words in (*_ever_shorter(remark.words), r"\{%-?\s*block\s+user\b", r"\{%"):
        for where, source in sources.items():
            line = _line_of(source, words, inside=inside and not words.startswith("\\"))
            if line is not None:
                return Finding(where, line, remark.kind, remark.what, remark.mend)
    return Finding(file, 1, remark.kind, remark.what, remark.mend)


def _ever_shorter(words: str) -> Iterator[str]:
    """Patterns for words of a message, which may stand in the file with tags between them."""
    parts = [re.escape(part) for part in words.split()]
    yield from (r"\s+".join(parts[:length]) for length in range(len(parts), min(len(parts), 2) - 1, -1) if parts)


def _line_of(source: str, pattern: str, *, inside: bool = False) -> int | None:
    """The line on which a pattern matches; with `inside`, only within Jinja's tags."""
    if inside:
        pattern = rf"\{{[{{%][^}}%]*\b{pattern}\b"
    match = re.search(pattern, source, re.MULTILINE)
    if match is None:
        return None
    start = match.end() if inside else match.start() + len(match.group()) - len(match.group().lstrip())
    return source.count("\n", 0, start) + 1


def lint_all(names: Iterable[str | Path]) -> list[Finding]:
    """The findings of several templates, one after the other.

    Raises:
        ConfigError: One of them cannot be read.
    """
    return [finding for name in names for finding in lint(name)]
