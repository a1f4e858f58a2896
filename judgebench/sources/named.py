"""Tables of one's own, as spreadsheets have them: what each column is, by the names that people give to columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from judgebench.sources.cells import decode_cell
from judgebench.sources.columns import GRADES, LABELS, LISTS, PROMPTS, SINGLES, SYSTEMS, Columns
from judgebench.sources.form import Cells, CustomRow, FormError, KnownForm, label_in
from judgebench.sources.known_read import as_text, asked, paired
from judgebench.sources.labels import LETTERS, TIE, UNLABELLED, numbering, read_label
from judgebench.sources.turns import is_turn

_SURE = LABELS[: LABELS.index("best_index") + 1]
"""Names of columns that are labels whatever stands in them; others only where all of it can be read."""

_OPTIONAL: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "uid", "uuid", "pair_id", "item_id", "example_id", "row_id", "sample_id"),
    "subset": ("subset",),
    "group": ("group",),
    "reference": ("reference", "reference_answer", "ref_answer", "gold_answer"),
    "rubric": ("rubric", "rubrics", "criteria", "scoring_rubric"),
}

_EMPTY = (None, "")


@dataclass(frozen=True)
class _Label:
    """A label's column: what its numbers mean, or why nobody can say."""

    column: str
    numbers: Mapping[int, str] | None = None
    unclear: str | None = None

    @property
    def codes(self) -> dict[str, str]:
        return {str(number): meaning for number, meaning in (self.numbers or {}).items()}


def named_form(table: Columns, rows: Sequence[Cells]) -> KnownForm | None:
    """The form that the names of the columns say; None where they are the benchmark's own, or say nothing.

    Args:
        table: The columns.
        rows: The first rows.
    """
    found = (
        _lists(table, rows) or _answers(table, rows) or _preferred(table) or _single(table, rows) or _talk(table, rows)
    )
    if found is None:
        return None
    if found.unclear is None and rows and all(_is_own(found, cells) for cells in rows):
        return None
    return found


def _is_own(form: KnownForm, cells: Cells) -> bool:
    """Whether a row stands in the benchmark's own columns already."""
    try:
        made = form.make(cells)
    except FormError:
        return False
    return all(
        cells.own(name) == name and cells.raw(name) == value for name, value in made.items() if value is not None
    )


# --- what a table may be


def _answers(table: Columns, rows: Sequence[Cells]) -> KnownForm | None:
    """Two or more answers in columns of their own, and a label."""
    answers = table.answers()
    prompt = _prompt(table, answers)
    if not answers or not _are_texts(rows, answers):
        return None
    if prompt is None and not any(_is_talk(cells(answers[0])) for cells in rows[:20]):
        return None
    label = _label(table, rows, (*answers, *([prompt] if prompt else [])), len(answers), answers)
    build = _pair if len(answers) == 2 else _several
    make = build(prompt, answers, label)
    return _form(
        "pairs" if len(answers) == 2 else f"{len(answers)} answers",
        table,
        (prompt, *answers),
        label,
        make,
        becomes="pair" if len(answers) == 2 else "best of k",
    )


def _pair(prompt: str | None, answers: Sequence[str], label: _Label | None) -> Callable[[Cells], CustomRow]:
    def make(cells: Cells) -> CustomRow:
        texts = [cells.need(answer) for answer in answers]
        models = (
            (cells.raw("model_a"), cells.raw("model_b"))
            if "model_a" in cells
            else (cells.raw("model_1"), cells.raw("model_2"))
        )
        said = UNLABELLED if label is None else label_in(cells, label.column, label.codes, models=models, texts=texts)
        made = paired(cells, None if prompt is None else _question(cells, prompt, texts), texts, said)
        if label is None:
            del made["label"]
        if label is None or label.column == "label":
            made.pop("models", None)  # so that the items of such rows stay those that earlier versions made of them
        return made

    return make


def _several(prompt: str | None, answers: Sequence[str], label: _Label | None) -> Callable[[Cells], CustomRow]:
    def make(cells: Cells) -> CustomRow:
        texts = [cells.need(answer) for answer in answers]
        said = UNLABELLED if label is None else label_in(cells, label.column, label.codes, texts=texts)
        made: CustomRow = {"completions": texts, "label": said or None}
        return made if prompt is None else {"prompt": _question(cells, prompt, texts), **made}

    return make


def _lists(table: Columns, rows: Sequence[Cells]) -> KnownForm | None:
    """All answers in one list."""
    prompt = _prompt(table, ())
    column = next((name for name in table.all(LISTS) if _all_lists(rows, name)), None)
    if column is None or prompt is None or table.preferred() is not None:
        return None
    sizes = {len(value) for cells in rows if isinstance(value := cells(column), list)}
    slots = sizes.pop() if len(sizes) == 1 else 2
    label = None if "num_correct" in table.names else _label(table, rows, (column, prompt), slots, ())

    def make(cells: Cells) -> CustomRow:
        value = cells(column)
        texts = [_answer_text(each) for each in value] if isinstance(value, list) else []
        made: CustomRow = {"prompt": _question(cells, prompt, texts), "completions": texts}
        if label is not None:
            made["label"] = label_in(cells, label.column, label.codes, texts=texts) or None
        elif "num_correct" in cells:
            made["num_correct"] = cells.raw("num_correct")
        return made

    return _form("best of k", table, (prompt, column), label, make, becomes="best of k", also=("num_correct",))


def _answer_text(value: object) -> object:
    """An answer in a list: as it is, or the text of an object."""
    if isinstance(value, Mapping) and not is_turn(value):
        for name in ("response", "answer", "completion", "output", "text", "content"):
            if isinstance(value.get(name), str):
                return value[name]
    return value


def _preferred(table: Columns) -> KnownForm | None:
    """The better and the worse answer in columns of their own."""
    columns = table.preferred()
    if columns is None:
        return None
    prompt = _prompt(table, columns)

    def make(cells: Cells) -> CustomRow:
        texts = [_talk_in(cells, column) for column in columns]
        made: CustomRow = dict(zip(("chosen", "rejected"), texts, strict=True))
        made |= {"num_correct": cells.raw("num_correct")} if "num_correct" in cells else {}
        return made if prompt is None else {"prompt": _question(cells, prompt, texts), **made}

    return _form("preference pairs", table, (prompt, *columns), None, make, becomes="pair", also=("num_correct",))


def _single(table: Columns, rows: Sequence[Cells]) -> KnownForm | None:
    """One answer, with a grade or without."""
    column = table.find(*SINGLES)
    prompt = _prompt(table, (column,) if column else ())
    if column is None or prompt is None:
        return None
    grade = next((name for name in table.all(GRADES) if _are_numbers(rows, name)), None) or table.find("human_score")
    asks = None
    if grade is None and _label(table, rows, (column, prompt), 2, ()) is not None:
        said = table.find(*_SURE)
        asks = (
            f"of single answers '{said}' can be a grade only, a number: name it with --columns human_score={said}"
            if said
            else None
        )

    def make(cells: Cells) -> CustomRow:
        texts = [cells.need(column)]
        made: CustomRow = {"prompt": _question(cells, prompt, texts), "response": texts[0]}
        return made if grade is None else made | {"human_score": cells.number(grade)}

    made = _form(
        "graded answers" if grade else "answers",
        table,
        (prompt, column),
        None,
        make,
        becomes="grade" if grade else "no label",
        also=(grade,),
    )
    return replace(made, unclear=asks)


def _talk(table: Columns, rows: Sequence[Cells]) -> KnownForm | None:
    """Whole conversations, whose last answer is judged."""
    column = next(
        (name for name in table.all(("messages", "conversations", "conversation")) if _all_lists(rows, name)), None
    )
    if column is None:
        return None
    grade = next((name for name in table.all(GRADES) if _are_numbers(rows, name)), None)

    def make(cells: Cells) -> CustomRow:
        turns = cells(column)
        if not isinstance(turns, list) or len(turns) < 2:
            raise FormError(f"column '{cells.own(column)}' has no answer after the prompt")
        made: CustomRow = {"prompt": turns[:-1], "response": turns[-1:]}
        return made if grade is None else made | {"human_score": cells.number(grade)}

    return _form("conversations", table, (column, grade), None, make, becomes="grade" if grade else "no label")


# --- their parts


def _form(
    name: str,
    table: Columns,
    used: Sequence[str | None],
    label: _Label | None,
    make: Callable[[Cells], CustomRow],
    *,
    becomes: str,
    also: Sequence[str | None] = (),
) -> KnownForm:
    columns = [column for column in used if column is not None and column in table.names]
    extra = {role: own for role, names in _OPTIONAL.items() if (own := table.find(*names)) is not None}
    systems = table.all(SYSTEMS)

    def whole(cells: Cells) -> CustomRow:
        return make(cells) | {
            role: as_text(_kept(cells, role, own)) for role, own in extra.items() if cells.raw(own) not in _EMPTY
        }

    uses = (
        *(name for name in also if name),
        *extra.values(),
        *systems,
        *([label.column] if label else []),
        *(table.all(("input",)) if "instruction" in columns else []),
    )
    return KnownForm(
        name,
        tuple(columns),
        becomes,
        _said(label),
        whole,
        label=None if label is None else label.column,
        labels={} if label is None else label.codes,
        uses=uses,
        unclear=None if label is None else label.unclear,
    )


def _kept(cells: Cells, role: str, own: str) -> object:
    return cells.raw(own) if role in {"id", "subset", "group"} else _decoded(cells.raw(own))


def _decoded(value: object) -> object:
    return decode_cell(value)


def _said(label: _Label | None) -> str:
    if label is None:
        return "no label"
    if not label.numbers:
        return f"{label.column}: words for the answers, such as A, response_b, left or tie"
    shown = ", ".join(
        f"{number} is {'a tie' if meaning == TIE else f'answer {meaning}'}"
        for number, meaning in sorted(label.numbers.items())
    )
    return f"{label.column}: {shown}"


def _prompt(table: Columns, taken: Sequence[str | None]) -> str | None:
    return next((own for own in table.all(PROMPTS) if own not in taken), None)


def _question(cells: Cells, prompt: str, answers: Sequence[object]) -> object:
    """The prompt, with the input of an instruction, and after a system turn where a column has one."""
    more = ("input",) if prompt.strip().casefold() == "instruction" and "input" in cells else ()
    value = asked(cells, prompt, *more)
    system = next((text for name in SYSTEMS if isinstance(text := cells.raw(name), str) and " " in text.strip()), None)
    if system is None or not all(isinstance(answer, str) for answer in answers):
        return value
    turns = value if isinstance(value, list) else [{"role": "user", "content": value}]
    return [{"role": "system", "content": system}, *turns]


def _talk_in(cells: Cells, column: str) -> object:
    """A cell, and one turn as a list of it."""
    value = cells.need(column)
    return [value] if is_turn(value) else value


def _is_talk(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(is_turn(each) for each in value)


def _all_lists(rows: Sequence[Cells], column: str) -> bool:
    values = [value for cells in rows if (value := cells(column)) not in _EMPTY]
    return bool(values) and all(isinstance(value, list) for value in values)


def _are_texts(rows: Sequence[Cells], answers: Sequence[str]) -> bool:
    """Whether columns hold answers: names of models, which `model_a` may hold as well, have no spaces."""
    if "".join(answers[0].casefold().split("_")).startswith("model") and len(answers[0]) <= len("model_a"):
        return any(" " in str(cells.raw(answer)).strip() for cells in rows for answer in answers)
    return True


def _are_numbers(rows: Sequence[Cells], column: str) -> bool:
    values = [value for cells in rows if (value := cells.raw(column)) not in _EMPTY]
    return bool(values) and all(_is_number(value) for value in values)


def _is_number(value: object) -> bool:
    try:
        return not isinstance(value, bool) and float(str(value)) is not None
    except ValueError:
        return False


def _label(
    table: Columns, rows: Sequence[Cells], taken: Sequence[str], slots: int, answers: Sequence[str]
) -> _Label | None:
    """The column that says which answer is better: the likeliest name whose cells can be read."""
    unclear: _Label | None = None
    for column in table.all(LABELS):
        if column in taken:
            continue
        found = _read(column, rows, slots, answers, sure=column == "label" or table.find(*_SURE) == column)
        if found is not None and found.unclear is None:
            return found
        unclear = unclear or found
    return unclear


def _read(column: str, rows: Sequence[Cells], slots: int, answers: Sequence[str], *, sure: bool) -> _Label | None:
    """A column as the label; None where too little of it can be read."""
    filled = [cells for cells in rows if read_label(cells.raw(column), slots) != UNLABELLED]
    codes = {
        said
        for cells in filled
        if cells.meaning(column) is None and isinstance(said := read_label(cells.raw(column), slots), int)
    }
    numbers = numbering(codes, slots) if codes else None
    label = _Label(column, numbers)
    readable = sum(_reads(label, cells, answers) for cells in filled)
    if codes and numbers is None and sure and readable < len(filled):
        return replace(label, unclear=_asks(column, codes, slots))
    if column == "label" or (filled and (readable == len(filled) or (sure and 2 * readable >= len(filled)))):
        return label
    return None


def _reads(label: _Label, cells: Cells, answers: Sequence[str]) -> bool:
    models = [cells.raw(name) for name in ("model_a", "model_b")]
    try:
        return bool(
            label_in(cells, label.column, label.codes, models=models, texts=[cells.raw(name) for name in answers])
        )
    except FormError:
        return False


def _asks(column: str, codes: set[int], slots: int) -> str:
    shown = " and ".join(
        [", ".join(map(str, sorted(codes)[:-1])), str(max(codes))] if len(codes) > 1 else [str(*codes)]
    )
    first = sorted(codes)
    ways = ",".join(f"{code}={LETTERS[at]}" for at, code in enumerate(first[:slots]))
    other = ",".join(f"{code}={LETTERS[slots - 1 - at]}" for at, code in enumerate(first[:slots]))
    return (
        f"'{column}' holds {shown}, and which answer each means is not known: say it with --labels {ways} (or {other})"
    )
