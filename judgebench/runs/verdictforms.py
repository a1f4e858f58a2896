"""The forms of files in which others keep verdicts, as a table: which columns tell a form, and what its rows say.

A further form is a row of `FORMS`: its name, the columns that it needs, and a function from a row to its judgements.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from judgebench.items import LABELS, NO_STEP, StepIndex
from judgebench.runs import verdicttools as tools
from judgebench.runs.verdictcells import (
    ANNOTATOR,
    ANSWERS,
    GRADE,
    ID,
    LABEL,
    MODELS,
    ORDER,
    RATING,
    REPLY,
    SAMPLE,
    VERDICT,
    Judged,
    VerdictCells,
    VerdictForm,
    ordered,
    picked,
    plain,
)
from judgebench.runs.verdictwords import UnknownWordError, Word, is_none, pick_of, rating_of
from judgebench.sources.cells import decode_cell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


def form_of(columns: Sequence[str]) -> VerdictForm | None:
    """The form of a file with these columns; None where it is none that is known."""
    there = {plain(name) for name in columns}
    found = next((form for form in FORMS if form.needs <= there), None)
    if found is None and (there & {*VERDICT, *RATING, *REPLY}):
        return BARE
    return found


def verdict_column(columns: Sequence[str]) -> str | None:
    """The column that the verdicts of a bare file stand in."""
    there = {plain(name) for name in columns}
    return next((name for name in (*VERDICT, *RATING) if name in there), None)


def _bare(cells: VerdictCells) -> Iterator[Judged]:
    if cells.classes is not None:
        yield _classed(cells)
        return
    models, answers = cells.two(MODELS), cells.two(ANSWERS)
    completions = decode_cell(cells.data.get("completions"))
    if isinstance(completions, list) and not answers:
        answers = tuple(map(str, completions))
    k = len(answers) or len(models) or cells.k
    column = verdict_column([*cells.data])
    value = None if column is None else cells.data[column]
    order = cells.first(ORDER)
    said: Word | float | None
    if column is None or is_none(value):
        said = None
    elif cells.rated:
        said = rating_of(value)
        if said is None:
            raise UnknownWordError(f"{column} is {value!r:.60}, expected a number")
    else:
        said = picked(column, cells, value, k, models)
    sample = cells.number_in(SAMPLE)
    rated = cells.first(("completion", "rated")) if cells.rated else None
    yield Judged(
        id=cells.text(ID),
        said=said,
        order=None if order is None else ordered(order, k),
        rated=0 if rated is None else _index(rated, k),
        sample=None if sample is None else int(sample),
        annotator=cells.text(ANNOTATOR),
        reply=cells.text(REPLY),
        probabilities=_probabilities(cells, said, k),
        cost_usd=cells.number_in(("cost_usd", "cost", "price")),
        latency_s=cells.number_in(("latency_s", "latency")),
        k=1 if cells.rated and not answers and rated is None else k,
        label=_label(cells, k, models),
        grade=cells.number_in((*GRADE, *LABEL)) if cells.rated else None,
        models=models,
        prompt=cells.prompt(),
        answers=answers,
        subset=cells.text(("subset", "category")),
        group=cells.text(("group",)),
    )


def _classed(cells: VerdictCells) -> Judged:
    """A verdict that is a class of one answer."""
    classes = cells.classes
    assert classes is not None
    said, gold, grade = cells.class_in(VERDICT), cells.class_in(LABEL), cells.number_in(GRADE)
    sample, answer = cells.number_in(SAMPLE), cells.text(("response", "completion", "answer", "output"))
    return Judged(
        id=cells.text(ID),
        said=said,
        sample=None if sample is None else int(sample),
        annotator=cells.text(ANNOTATOR),
        reply=cells.text(REPLY),
        by_class=_by_class(cells, said, classes.names),
        cost_usd=cells.number_in(("cost_usd", "cost", "price")),
        latency_s=cells.number_in(("latency_s", "latency")),
        k=1,
        gold=gold if gold is not None or grade is None else classes.of_grade(grade),
        prompt=cells.prompt(),
        answers=() if answer is None else (answer,),
        subset=cells.text(("subset", "category")),
        group=cells.text(("group",)),
    )


def _by_class(cells: VerdictCells, said: str | None, names: Sequence[str]) -> tuple[tuple[str, float], ...]:
    """How probable each class is: `probability_CLASS` columns, or of two classes the verdict's `probability`."""
    columns = {name: (f"probability_{plain(name)}", f"prob_{plain(name)}") for name in names}
    found = {name: number for name, own in columns.items() if (number := cells.number_in(own)) is not None}
    if not found and said is not None and (number := cells.number_in(("probability", "prob"))) is not None:
        if number < 0.5:
            name = next(iter(names))
            raise UnknownWordError(
                f"probability is {number:g}, less than a half, and is that of the verdict: for that of {name} name the "
                f"column probability_{plain(name)}"
            )
        found = {said: number}
    if wrong := next((number for number in found.values() if not 0 <= number <= 1), None):
        raise UnknownWordError(f"probability is {wrong:g}, expected 0 to 1")
    if len(names) == 2 and len(found) == 1:
        (name,) = found
        found[next(other for other in names if other != name)] = 1 - found[name]
    if len(found) < len(names):
        return ()
    total = sum(found.values())
    if abs(total - 1) > 0.01:
        raise UnknownWordError(f"probabilities of the classes sum to {total:g}, expected 1")
    return tuple((name, found[name] / total) for name in names)


def _label(cells: VerdictCells, k: int, models: tuple[str, ...]) -> Word | None:
    if {"chosen", "rejected"} <= cells.data.keys():
        return Word(0, slot=False)
    column = next((name for name in LABEL if name in cells.data), None)
    if column is None or cells.rated or is_none(cells.data[column]):
        return None
    return picked(column, cells, cells.data[column], k, models)


def _index(value: object, k: int) -> int:
    number = rating_of(value)
    if number is not None:
        return int(number)
    found = pick_of(value, k)
    return 0 if found.index is None else found.index


def _probabilities(cells: VerdictCells, said: Word | float | None, k: int) -> tuple[float, ...] | None:
    of_each = [cells.number_in((f"probability_{LABELS[at].lower()}", f"prob_{LABELS[at].lower()}")) for at in range(k)]
    if None not in of_each:
        return tuple(each for each in of_each if each is not None)
    if k == 2 and of_each[0] is not None:
        return of_each[0], 1 - of_each[0]
    value = cells.number_in(("probability", "prob"))
    if value is None or not isinstance(said, Word) or said.index is None or k != 2:
        return None
    if not 0 <= value <= 1:
        raise UnknownWordError(f"probability is {value:g}, expected 0 to 1")
    if value < 0.5:
        raise UnknownWordError(
            f"probability is {value:g}, less than a half, and is that of the verdict: for that of A name the column "
            "probability_a"
        )
    return (value, 1 - value) if said.index == 0 else (1 - value, value)


def read_steps(cells: VerdictCells) -> Iterator[Judged]:
    """The first wrong step that a row names, or -1; of ProcessBench's own results the column `prediction`.

    Raises:
        UnknownWordError: What stands there is no number of a step.
    """
    value = next((cells.data[name] for name in (*VERDICT, "step") if name in cells.data), None)
    number = rating_of(value)
    said_something = number is None and not is_none(value)
    if said_something or (number is not None and (not number.is_integer() or number < NO_STEP)):
        raise UnknownWordError(f"verdict is {value!r:.40}, expected the number of the first wrong step, or {NO_STEP}")
    sample = cells.number_in(SAMPLE)
    yield Judged(
        id=cells.text(ID),
        said=None if number is None else StepIndex(number),
        sample=None if sample is None else int(sample),
        annotator=cells.text(ANNOTATOR),
        k=1,
        prompt=cells.prompt(),
        subset=cells.text(("subset",)),
    )


def _form(name: str, needs: str, read: Callable[[VerdictCells], Iterator[Judged]]) -> VerdictForm:
    return VerdictForm(name, frozenset(needs.split()), read)


FORMS: tuple[VerdictForm, ...] = (
    _form("Inspect log", "inspect_scorer id value", tools.inspect),
    replace(
        _form("AlpacaEval annotations", "instruction output_1 output_2 preference", tools.alpaca_eval), pooled=True
    ),
    _form("MT-Bench judgements of pairs", "question_id model_1 model_2 g1_winner g2_winner", tools.mt_bench_pair),
    _form("MT-Bench judgements of single answers", "question_id model judgment score", tools.mt_bench_single),
    _form("PandaLM results", "pandalm_result", tools.pandalm),
    _form("PandaLM annotators", "annotator1 annotator2 annotator3 response1 response2", tools.pandalm_people),
    _form("RewardBench results", "results subset", tools.rewardbench),
)
"""The forms, the more particular ones first."""

BARE = VerdictForm("verdicts", frozenset(), _bare, numbers=False)
"""Verdicts, ratings or replies under plain names of columns."""
