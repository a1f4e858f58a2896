"""Whether a template rates the attributes that items have grades of."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from judgebench.errors import ConfigError
from judgebench.items import class_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from judgebench.items import ItemKey
    from judgebench.templates import Template


def attribute_notes(template: Template, keys: Iterable[ItemKey]) -> Iterator[str]:
    """What a reader must know of the attributes that a template rates, a sentence each.

    Raises:
        ConfigError: The template rates attributes, and none that items have a grade of.
    """
    graded = list(dict.fromkeys(name for key in keys for name, _ in key.attributes))
    if not graded or template.rule.scale is None:
        return
    rated = list(template.rule.criteria or ())
    if not rated:
        yield f"template '{template.name}' gives one rating, which is compared with the grade of each attribute"
        return
    known = {class_key(name) for name in rated}
    lacking = [name for name in graded if class_key(name) not in known]
    if len(lacking) == len(graded):
        near = difflib.get_close_matches(graded[0], rated, n=1, cutoff=0.6)
        hint = f": did you mean {near[0]}?" if near else ""
        raise ConfigError(
            f"template '{template.name}' rates {', '.join(rated)}, and the rows have grades of {', '.join(graded)}: "
            f"name these in verdict.criteria{hint}"
        )
    if lacking:
        yield f"template '{template.name}' does not rate {', '.join(lacking)}: no figures of these"
