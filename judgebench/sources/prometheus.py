"""Prometheus' files: rows of Feedback-Bench and Preference-Bench, and prompts that hold everything in one text."""

from __future__ import annotations

import re
from statistics import fmean
from typing import TYPE_CHECKING

from judgebench.sources.form import Cells, CustomRow, FormError, label_in
from judgebench.sources.known_read import float_of, paired
from judgebench.sources.labels import TIE

if TYPE_CHECKING:
    from collections.abc import Mapping

PARTS = ("orig_instruction", "orig_response", "orig_reference_answer", "orig_criteria")
DESCRIPTIONS = tuple(f"orig_score{score}_description" for score in range(1, 6))
"""Columns of Feedback-Bench that every filled prompt has, too."""

_SECTIONS = re.compile(
    r"###\s*The instruction to evaluate:(?P<orig_instruction>.*?)###\s*Response to evaluate:(?P<orig_response>.*?)"
    r"(?:###\s*Reference Answer[^\n]*:(?P<orig_reference_answer>.*?))?###\s*Score Rubrics?:(?P<rubric>.*?)"
    r"(?:###\s*Feedback:.*)?$",
    re.DOTALL,
)
_RUBRIC = re.compile(r"^\s*Score (?P<score>[1-5]):\s*(?P<text>.*)$", re.MULTILINE)


def sections(text: object) -> dict[str, str]:
    """What a filled prompt of Prometheus holds, by the names of Feedback-Bench's columns.

    Raises:
        FormError: It has no such sections.
    """
    found = _SECTIONS.search(text) if isinstance(text, str) else None
    if found is None:
        raise FormError(
            "the instruction has no sections '###The instruction to evaluate:', '###Response to evaluate:' ..."
        )
    parts = {name: value.strip() for name, value in found.groupdict().items() if value is not None}
    rubric = parts.pop("rubric")
    parts["orig_criteria"] = _RUBRIC.sub("", rubric).strip().removeprefix("[").removesuffix("]").strip()
    return parts | {f"orig_score{each['score']}_description": each["text"].strip() for each in _RUBRIC.finditer(rubric)}


def mean_score(cells: Cells, column: str) -> float | None:
    """A score, or the mean of several."""
    value = cells(column)
    scores = [float_of(each) for each in (value if isinstance(value, list) else [value])]
    known = [score for score in scores if score is not None]
    return fmean(known) if known else None


def feedback(cells: Cells) -> CustomRow:
    """A filled prompt of Prometheus with GPT-4's scores, in the columns of Feedback-Bench."""
    return {**sections(cells.need("instruction")), "orig_score": mean_score(cells, "gpt4_score")}


def feedback_grade(cells: Cells) -> CustomRow:
    """The same, as a graded answer."""
    return _graded_sections(sections(cells.need("instruction")), mean_score(cells, "gpt4_score"))


def prometheus_grade(cells: Cells) -> CustomRow:
    """A row of Feedback-Bench as a graded answer."""
    parts = {name: str(cells.raw(name)) for name in (*PARTS, *DESCRIPTIONS) if cells.raw(name) is not None}
    return _graded_sections(parts, mean_score(cells, "orig_score"))


def _graded_sections(parts: Mapping[str, str], score: float | None) -> CustomRow:
    made: CustomRow = {"prompt": parts["orig_instruction"], "response": parts["orig_response"], "human_score": score}
    return made | _guidance(parts)


def _guidance(parts: Mapping[str, str]) -> CustomRow:
    """Reference and rubric."""
    described = [f"Score {score}: {parts[name]}" for score, name in enumerate(DESCRIPTIONS, 1) if name in parts]
    rubric = "\n".join([*([parts["orig_criteria"]] if parts.get("orig_criteria") else []), *described])
    return {
        **({"reference": parts["orig_reference_answer"]} if parts.get("orig_reference_answer") else {}),
        **({"rubric": rubric} if rubric else {}),
    }


def prometheus_pair(cells: Cells) -> CustomRow:
    """Preference-Bench: two responses, and `orig_preference` A or B."""
    parts = {name: str(cells.raw(name)) for name in (*PARTS, *DESCRIPTIONS) if cells.raw(name) is not None}
    label = label_in(cells, "orig_preference")
    answers = [cells.need("orig_response_A"), cells.need("orig_response_B")]
    return paired(cells, parts.get("orig_instruction"), answers, label) | _guidance(parts)


def prometheus_filled_pair(cells: Cells) -> CustomRow:
    """Two filled prompts of Prometheus, of the better and the worse response; `tie` 1 for people's ties."""
    better, worse = (sections(cells.need(name)) for name in ("chosen_instruction", "rejected_instruction"))
    label = TIE if cells.number("tie") == 1 else "A"
    answers = [better["orig_response"], worse["orig_response"]]
    return paired(cells, better["orig_instruction"], answers, label) | _guidance(better)
