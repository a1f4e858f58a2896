"""How rows with answers in parts are read: a rubric's criteria, and the steps of a solution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from judgebench.sources.columns import plain
from judgebench.sources.form import Cells, CustomRow, FormError
from judgebench.sources.known_read import asked

if TYPE_CHECKING:
    from collections.abc import Sequence

ANSWERS = ("response", "completion")


def has_answer(rows: Sequence[Cells]) -> bool:
    """Rubrics of criteria with points, beside one answer: the published prompts alone have none."""
    return all(any(name in cells for name in ANSWERS) for cells in rows)


def healthbench(cells: Cells) -> CustomRow:
    """An answer with HealthBench's rubric, whose criteria without ids are known by their places from 1 on."""
    rubrics = cells("rubrics")
    if not isinstance(rubrics, list) or not all(isinstance(each, Mapping) for each in rubrics):
        raise FormError(f"{cells.own('rubrics')} is no list of criteria")
    named = [{plain(name) for name in each} & {"id", "criterionid", "criteriaid"} for each in rubrics]
    criteria = rubrics if any(named) else [{"id": str(place), **each} for place, each in enumerate(rubrics, 1)]
    answer = next(name for name in ANSWERS if name in cells)
    return {"prompt": asked(cells, "prompt"), "response": cells.need(answer), "criteria": criteria}


def is_stepwise(rows: Sequence[Cells]) -> bool:
    """As many truth values as completions, which are the steps of one solution."""
    return all(_marks(cells) is not None for cells in rows)


def _marks(cells: Cells) -> list[object] | None:
    steps, marks = cells("completions"), cells("labels")
    if not isinstance(steps, list) or not isinstance(marks, list) or len(steps) != len(marks):
        return None
    return marks if all(isinstance(mark, bool) or mark in (0, 1) for mark in marks) else None


def stepwise(cells: Cells) -> CustomRow:
    """TRL's stepwise supervision: true is a right step."""
    marks = _marks(cells)
    if marks is None:
        raise FormError(f"{cells.own('labels')} has to be a list with true or false for each step of 'completions'")
    return {
        "prompt": asked(cells, "prompt"),
        "steps": cells("completions"),
        "label": [at for at, mark in enumerate(marks) if not mark],
    }


def processbench(cells: Cells) -> CustomRow:
    """A solution in steps, and the first wrong one."""
    return {"prompt": asked(cells, "problem"), "steps": cells.need("steps"), "label": cells.raw("label")}
