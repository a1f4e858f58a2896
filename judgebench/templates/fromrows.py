"""Templates whose classes, or whose scale, are those of the rows: the head says `values: rows` or `scale: rows`.

Before a run the head is filled in, and the run's folder keeps a template like any other. Until then, and for rows that
do not say, it has the classes yes and no, and the scale from 1 to 5.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from judgebench.errors import ConfigError
from judgebench.items import class_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from judgebench.items import Item

CLASSES = "classes"
"""The column that lists the classes of a row."""

BOUNDS = ("lowest", "highest")
"""The columns that have the ends of a row's scale."""

_HEAD = re.compile(r"\A\ufeff?---[ \t]*\r?\n.*?^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_VALUES = re.compile(r"^(\s*values:\s*)rows[ \t]*$", re.MULTILINE)
_SCALE = re.compile(r"^(\s*scale:\s*)rows[ \t]*$", re.MULTILINE)


def is_from_rows(source: str) -> bool:
    """Whether a template's classes or scale are those of the rows."""
    head = _HEAD.match(source)
    return head is not None and (_VALUES.search(head[0]) is not None or _SCALE.search(head[0]) is not None)


def filled_in(source: str, classes: Sequence[str] = ("yes", "no"), scale: tuple[float, float] = (1, 5)) -> str:
    r"""The template with these classes, or this scale, in its head; any other template as it is.

    `{classes}` becomes a pattern of them, `{class}` the first, `{lowest}` and `{highest}` the ends of the scale.

    Example:
        >>> head = "---\nname: n\nverdict:\n  pattern: '({classes})'\n  values: rows\n---\n"
        >>> print(filled_in(head, ["good", "bad"]).splitlines()[3:5])
        ["  pattern: '(good|bad)'", '  values: {"good": "good", "bad": "bad"}']
    """
    if not is_from_rows(source):
        return source
    head = _HEAD.match(source)
    assert head is not None
    text = head[0]
    low, high = (f"{end:g}" for end in scale)
    pattern = "|".join(re.escape(name) for name in sorted(classes, key=len, reverse=True)).replace("'", "''")
    values = json.dumps({name: name for name in classes}, ensure_ascii=False)
    text = _VALUES.sub(lambda match: match[1] + values, text)
    text = _SCALE.sub(lambda match: f"{match[1]}[{low}, {high}]", text)
    text = text.replace("{classes}", pattern).replace("{class}", classes[0].replace("'", "''"))
    return text.replace("{lowest}", low).replace("{highest}", high) + source[head.end() :]


def filled_from(source: str, where: str, items: Iterable[Item]) -> str:
    """The template with the classes and the scale of items: what their rows list, else their labels.

    Raises:
        ConfigError: There is one class, or some that differ in case and spaces alone.
    """
    listed: dict[str, None] = {}
    gold: dict[str, None] = {}
    ends: list[float] = []
    grades: list[float] = []
    for item in items:
        options = item.metadata.get(CLASSES)
        listed |= dict.fromkeys(map(str, options)) if isinstance(options, list) else {}
        gold |= {} if item.label is None else {item.label: None}
        bounds = [item.metadata.get(name) for name in BOUNDS]
        ends += [float(end) for end in bounds if isinstance(end, int | float)]
        grades += [] if item.human_score is None else [item.human_score]
    names = list(listed or gold)
    labelled = _VALUES.search(source) is not None
    if labelled and names and len({class_key(name) for name in names}) < max(2, len(names)):
        raise ConfigError(
            f"template {where} takes its classes from the rows, which have {', '.join(names)}: it needs two or more "
            "that differ"
        )
    known = ends or grades
    scale = (min(known), max(known)) if known and min(known) < max(known) else (1.0, 5.0)
    return filled_in(source, names or ("yes", "no"), scale)
