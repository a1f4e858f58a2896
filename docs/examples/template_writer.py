"""A candidate writer for `judgebench tune`: a function that adds one sentence for each class of mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import judgebench as jb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def add_warning(template: str, edit: jb.TemplateEdit, failures: Sequence[jb.TrainFailure]) -> Iterator[str]:
    """The template in use with the edit's own words at the head of its system message, if there is anything to mend."""
    if failures:
        yield template.replace("{% block system %}", f"{{% block system %}}\n{edit.instruction}\n", 1)


def tuned(data: str, judge: str) -> jb.Tuned:
    """What the function's candidates gain for a judge on labelled rows."""
    return jb.tune(data=data, judge=judge, templates=["pairwise"], writer=add_warning, budget=5)
