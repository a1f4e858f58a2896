"""Rows as annotation and tracing tools export them, in objects: their fields as columns, people's votes as labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from judgebench.sources.cells import decode_cell
from judgebench.sources.columns import plain
from judgebench.sources.source import Row, SourceOver

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_HOLDERS = frozenset(
    {
        *("inputs", "outputs", "input", "output", "data", "fields", "vars", "variables", "example", "record", "item"),
        *("referenceoutputs", "payload", "sample", "row", "values"),
    }
)
"""Plain names of columns whose objects hold the columns: LangSmith, Braintrust, Label Studio, Argilla, promptfoo."""

_ANSWERS = frozenset({"responses", "answers", "completions", "candidates", "generations", "options"})
"""Plain names of columns whose objects hold an answer each, by its slot or its model."""

_CHOSEN = ("selected", "choices", "choice", "label", "value")
_GRADED = ("rating", "number")


class NestedSource(SourceOver):
    """Another source with the fields of its objects as columns."""

    def rows(self) -> Iterator[Row]:
        """The rows, flat."""
        for row in self._source.placed_rows():
            if row.problem is None:
                row.data = flat(row.data)
            yield row


def is_nested(rows: Sequence[Mapping[str, object]]) -> bool:
    """Whether any row has fields in objects, or in columns such as `inputs.question`, or votes in lists."""
    return any({*flat(row)} != {*row} or any(_votes(value) is not None for value in row.values()) for row in rows)


def flat(row: Mapping[str, object]) -> dict[str, object]:
    """A row with the fields of its objects beside its other columns; what stands at the top counts first.

    Example:
        >>> flat({"inputs": {"question": "q"}, "outputs.best": "A", "id": 7})
        {'question': 'q', 'best': 'A', 'id': 7}
    """
    made: dict[str, object] = {}
    for name, value in row.items():
        holder, dot, rest = name.partition(".")
        holds = plain(name) in _HOLDERS | _ANSWERS or name == "annotations"
        inner = decode_cell(value) if holds else value
        if dot and rest and plain(holder) in _HOLDERS:
            made.setdefault(rest, value)
        elif isinstance(inner, Mapping) and (plain(name) in _HOLDERS or _are_answers(name, inner)):
            for field, own in inner.items():
                made.setdefault(str(field), own)
        elif name == "responses" and isinstance(value, Mapping):
            made |= {str(question): _votes(answers) for question, answers in value.items()}
        elif name == "annotations" and isinstance(inner, list):
            made |= _annotated(inner)
        elif (vote := _votes(value)) is not None:
            made[name] = vote
        else:
            made[name] = value
    return made


def _are_answers(name: str, value: Mapping[object, object]) -> bool:
    """Whether an object holds an answer each by its slot or its model."""
    return plain(name) in _ANSWERS and len(value) > 1 and all(isinstance(each, str) for each in value.values())


def _votes(value: object) -> object:
    """What most people said, of a list with one `value` each; empty where as many said something else; else None."""
    if not isinstance(value, list) or not value:
        return None
    if not all(isinstance(each, Mapping) and "value" in each for each in value):
        return None
    return _majority([each["value"] for each in value if each.get("status") not in {"discarded", "draft"}])


def _majority(said: Sequence[object]) -> object:
    counts = Counter(str(each) for each in said if each is not None).most_common(2)
    if not counts or (len(counts) > 1 and counts[0][1] == counts[1][1]):
        return ""
    return next(each for each in said if str(each) == counts[0][0])


def _annotated(annotations: Sequence[object]) -> dict[str, object]:
    """The label, or the grade, of Label Studio's annotations."""
    found: dict[str, list[object]] = {"label": [], "rating": []}
    for annotation in annotations:
        if not isinstance(annotation, Mapping) or annotation.get("was_cancelled"):
            continue
        for result in annotation.get("result") or ():
            value = result.get("value") if isinstance(result, Mapping) else None
            for column, names in (("label", _CHOSEN), ("rating", _GRADED)):
                said = (
                    next((value[name] for name in names if name in value), None) if isinstance(value, Mapping) else None
                )
                if said is not None:
                    found[column].append(said[0] if isinstance(said, list) and len(said) == 1 else said)
    return {column: _majority(said) for column, said in found.items() if said}
