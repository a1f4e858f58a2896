"""Tables of one's own, as spreadsheets have them: what each column is, by the names that people give to columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from judgebench.sources.columns import GRADES, LABELS, LISTS, PROMPTS, RATED, SINGLES, SYSTEMS, Columns, plain
from judgebench.sources.form import Cells, CustomRow, FormError, KnownForm, label_in
from judgebench.sources.known_lists import best_of
from judgebench.sources.known_read import MODELS, as_text, asked, float_of, paired
from judgebench.sources.labels import LETTERS, TIE, UNLABELLED, numbering, read_label
from judgebench.sources.people import each_label, said_by_people
from judgebench.sources.turns import is_turn

_SURE = LABELS[: LABELS.index("which_is_better") + 1]
"""Names of columns that are labels whatever stands in them; others only where all of it can be read."""

_OPTIONAL: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "uid", "uuid", "pair_id", "item_id", "example_id", "row_id", "sample_id"),
    "subset": ("subset",),
    "group": ("group",),
    "reference": ("reference", "reference_answer", "ref_answer", "gold_answer"),
    "rubric": ("rubric", "rubrics", "criteria", "scoring_rubric"),
}

_EMPTY = (None, "")
_MOST_CLASSES, _LONGEST_CLASS = 20, 40


@dataclass(frozen=True)
class _Label:
    """A label's column, and what can stand in it.

    Attributes:
        column: Its name in the file.
        answers: The answers' columns, where they have some.
        names: The two models by name, where the columns of their answers name them.
        numbers: What its numbers mean.
        unclear: Why nobody can say that.
        listed: The column that lists all answers, of models that the label may name.
    """

    column: str
    answers: Sequence[str] = ()
    names: Sequence[str] = ()
    numbers: Mapping[int, str] = field(default_factory=dict)
    unclear: str | None = None
    listed: str | None = None

    @property
    def codes(self) -> dict[str, str]:
        return {str(number): meaning for number, meaning in self.numbers.items()}

    def read(self, cells: Cells, texts: Sequence[object]) -> str | dict[str, str]:
        """The label of a row whose answers are `texts`; of several people, each one's."""
        models = [cells.first(names) for names in MODELS]
        if self.listed is not None:
            entries = cells(self.listed)
            models = [_model_of(each) for each in entries] if isinstance(entries, list) else []
        names = [each for each in (self.answers, self.names) if each]

        def one(value: object) -> str:
            own = cells.with_cell(self.column, value)
            return label_in(own, self.column, self.codes, models=models, texts=texts, columns=names)

        return each_label(cells.raw(self.column), one)  # type: ignore[return-value]

    def reads(self, cells: Cells) -> bool:
        """Whether a row's label can be read."""
        try:
            said = self.read(cells, [cells.raw(name) for name in self.answers])
            return bool(said) or cells.meaning(self.column) is not None
        except FormError:
            return False

    def __str__(self) -> str:
        """How it is counted."""
        if not self.numbers:
            return f"{self.column} names the better answer"
        meanings = [
            (number, "a tie" if said == TIE else f"answer {said}") for number, said in sorted(self.numbers.items())
        ]
        return f"{self.column}: " + ", ".join(f"{number} is {said}" for number, said in meanings)


def named_form(table: Columns, rows: Sequence[Cells]) -> KnownForm | None:
    """The form that the names of the columns say; None where they are the benchmark's own, or say nothing.

    Args:
        table: The columns.
        rows: The first rows.
    """
    table = Columns.of(name for name in table.names if name not in _repeated(table, rows))
    ways = [_lists, _answers, _preferred, _called, _single, _talk]
    if table.has("chosen", "rejected"):
        ways = [_preferred, *ways]
    found = next((form for way in ways if (form := way(table, rows)) is not None), None)
    if found is None:
        return None
    if found.unclear is None and rows and all(_is_own(found, cells) for cells in rows):
        return None
    return found


def _repeated(table: Columns, rows: Sequence[Cells]) -> list[str]:
    """Columns with an id's name that are none, for they repeat: the pair that several people labelled, say."""
    names = table.all(_OPTIONAL["id"][1:])
    return [name for name in names if len({str(cells.raw(name)) for cells in rows}) < len(rows)]


def _is_own(form: KnownForm, cells: Cells) -> bool:
    """Whether a row stands in the benchmark's own columns already."""
    try:
        (made,) = form.read(cells.row)
    except FormError:
        return False
    return made == cells.row


# --- what a table may be


def _answers(table: Columns, rows: Sequence[Cells]) -> KnownForm | None:
    """Two or more answers in columns of their own, and a label."""
    named: dict[str, str] = {}
    answers = table.answers()
    if not answers or not _are_texts(rows, answers):
        named = table.named_answers()
        answers = tuple(named.values())
    prompt = _prompt(table, answers)
    if not answers or (prompt is None and not any(_is_talk(cells(answers[0])) for cells in rows[:20])):
        return None
    return _in_columns(table, rows, prompt, answers, tuple(named))


def _in_columns(
    table: Columns, rows: Sequence[Cells], prompt: str | None, answers: Sequence[str], named: tuple[str, ...]
) -> KnownForm | None:
    taken = (*answers, *([prompt] if prompt else []))
    label = _label(table, rows, taken, _Label("", answers, named), len(answers))
    if named and (label is None or label.unclear or table.preferred() is not None):
        return None  # `gold_answer` and `model_answer` are two columns of another kind

    def make(cells: Cells) -> CustomRow:
        texts = [_answer_text(cells.need(answer)) for answer in answers]
        said = UNLABELLED if label is None else label.read(cells, texts)
        asks = None if prompt is None else _question(cells, prompt, texts)
        if len(answers) > 2:
            return {**({"prompt": asks} if prompt else {}), "completions": texts, "label": said or None}
        made = paired(cells, asks, texts, said)
        if label is None:
            del made["label"]
        if label is None or label.column == "label":
            made.pop("models", None)  # so that the items of such rows stay those that earlier versions made of them
        return made

    two = len(answers) == 2
    letters = LETTERS.casefold()
    roles = {f"response_{letters[at]}" if two else f"completion {at + 1}": own for at, own in enumerate(answers)}
    return _form("pairs" if two else f"{len(answers)} answers", table, prompt, roles, make, label=label)


def _called(table: Columns, rows: Sequence[Cells]) -> KnownForm | None:
    """Answers in columns of any name, which the label repeats: `baseline` and `candidate`, `gpt-4o` and `claude-3`."""
    for column in table.all(_SURE):
        said = {value for cells in rows if (value := cells.raw(column)) not in _EMPTY and isinstance(value, str)}
        words = {value for value in said if read_label(value) not in {TIE, UNLABELLED}}
        answers = [name for name in table.names if name != column and plain(name) in {plain(word) for word in words}]
        if len(answers) < 2 or len(answers) < len({plain(word) for word in words}):
            continue
        prompt = _prompt(table, (*answers, column))
        if prompt is not None:
            return _in_columns(table, rows, prompt, answers, ())
    return None


def _lists(table: Columns, rows: Sequence[Cells]) -> KnownForm | None:
    """All answers in one list."""
    prompt = _prompt(table, ())
    column = next((name for name in table.all(LISTS) if _all_lists(rows, name)), None)
    if column is None or prompt is None or table.preferred() is not None:
        return None
    sizes = {len(value) for cells in rows if isinstance(value := cells(column), list)}
    counted = table.find("num_correct")
    slots = sizes.pop() if len(sizes) == 1 else 2
    label = None if counted else _label(table, rows, (column, prompt), _Label("", listed=column), slots)
    rated = None if counted or label else _rated(table, rows, column)
    sign = -1 if rated and plain(rated).startswith("rank") else 1

    def make(cells: Cells) -> CustomRow:
        value = cells(column)
        texts = [_answer_text(each) for each in value] if isinstance(value, list) else []
        made: CustomRow = {"prompt": _question(cells, prompt, texts), "completions": texts}
        if counted:
            return made | {"num_correct": cells.raw(counted)}
        if rated:
            values = [None if (number := float_of(each)) is None else sign * number for each in _numbers(cells, rated)]
            models = [_model_of(each) for each in value] if isinstance(value, list) else []
            return best_of(made["prompt"], texts, values, models)
        return made if label is None else made | {"label": label.read(cells, texts) or None}

    said = f"the first {counted} completions are correct" if counted else ""
    if rated:
        said = f"the completions of the {'highest' if sign > 0 else 'lowest'} {rated} are correct"
    return _form(
        "best of k",
        table,
        prompt,
        {"completions": column},
        make,
        label=label,
        said=said,
        num_correct=counted,
        rated=rated,
    )


def _rated(table: Columns, rows: Sequence[Cells], column: str) -> str | None:
    """The column with a list of a number for each answer."""
    for name in table.all(RATED):
        lists = [(cells(column), numbers) for cells in rows if (numbers := _numbers(cells, name))]
        if lists and all(isinstance(texts, list) and len(texts) == len(numbers) for texts, numbers in lists):
            return name
    return None


def _numbers(cells: Cells, column: str) -> list[object]:
    value = cells(column)
    return value if isinstance(value, list) and all(map(_is_number, value)) else []


def _model_of(value: object) -> object:
    """Whose an answer in a list is, where it is an object that says so."""
    names = ("model", "model_name", "generator", "name")
    return next((value[name] for name in names if name in value), None) if isinstance(value, Mapping) else None


def _answer_text(value: object) -> object:
    """An answer in a list: as it is, or the text of an object."""
    if isinstance(value, Mapping) and not is_turn(value):
        for name in ("response", "answer", "completion", "output", "text", "content"):
            if isinstance(value.get(name), str):
                return value[name]
    return value


def _preferred(table: Columns, rows: Sequence[Cells]) -> KnownForm | None:  # noqa: ARG001 - as the others
    """The better and the worse answer in columns of their own."""
    columns = table.preferred()
    if columns is None:
        return None
    prompt, counted = _prompt(table, columns), table.find("num_correct")

    def make(cells: Cells) -> CustomRow:
        texts = [_talk_in(cells, column) for column in columns]
        made: CustomRow = dict(zip(("chosen", "rejected"), texts, strict=True))
        made |= {"num_correct": cells.raw(counted)} if counted else {}
        return made if prompt is None else {"prompt": _question(cells, prompt, texts), **made}

    roles = dict(zip(("chosen", "rejected"), columns, strict=True))
    said = f"{columns[0]} is better than {columns[1]}"
    return _form("preference pairs", table, prompt, roles, make, said=said, num_correct=counted)


def _single(table: Columns, rows: Sequence[Cells]) -> KnownForm | None:
    """One answer, with a grade, a class or criteria, or without."""
    column = table.find(*SINGLES)
    prompt = _prompt(table, (column,) if column else ())
    if column is None or prompt is None:
        return None
    grade = _grade(table, rows) or table.find("human_score")
    label = _class(table, rows, (column, prompt)) if grade is None else table.find("label")
    criteria = _criteria(table, rows)

    def make(cells: Cells) -> CustomRow:
        texts = [cells.need(column)]
        made: CustomRow = {"prompt": _question(cells, prompt, texts), "response": texts[0]}
        if label is not None:
            made["label"] = each_label(cells.raw(label), lambda said: _class_said(cells.with_cell(label, said), label))
        made |= {} if criteria is None else {"criteria": cells(criteria)}
        return made if grade is None else made | {"human_score": cells.grade(grade)}

    name = (
        "answers with criteria"
        if criteria
        else "labelled answers"
        if label
        else "graded answers"
        if grade
        else "answers"
    )
    said = "each criterion may have a label" if criteria else f"{label} is the class" if label else _graded(grade)
    return _form(
        name,
        table,
        prompt,
        {"response": column},
        make,
        label=_Label(label) if label else None,
        said=said,
        human_score=grade,
        criteria=criteria,
    )


def _class_said(cells: Cells, column: str) -> object:
    given = cells.meaning(column)
    return cells.raw(column) if given is None else given or None


def _class(table: Columns, rows: Sequence[Cells], taken: Sequence[str | None]) -> str | None:
    """The first column with a label's name that holds few short values: the class of each answer."""
    for column in table.all(LABELS):
        cells_there = [value for cells in rows if (value := cells.raw(column)) not in _EMPTY]
        said = [each for cell in cells_there for each in (said_by_people(cell) or {"": cell}).values()]
        values = {str(value).strip() for value in said}
        few = len(values) <= max(2, min(_MOST_CLASSES, len(rows) // 2)) and all(
            len(v) <= _LONGEST_CLASS for v in values
        )
        if column not in taken and values and (few or column == "label"):
            return column
    return None


def _talk(table: Columns, rows: Sequence[Cells]) -> KnownForm | None:
    """Whole conversations, whose last answer is judged."""
    talks = ("messages", "conversations", "conversation")
    column = next((name for name in table.all(talks) if _all_lists(rows, name)), None)
    if column is None:
        return None
    grade = _grade(table, rows)

    def make(cells: Cells) -> CustomRow:
        turns = cells(column)
        if not isinstance(turns, list) or len(turns) < 2:
            raise FormError(f"column '{cells.own(column)}' has no answer after the prompt")
        made: CustomRow = {"prompt": turns[:-1], "response": turns[-1:]}
        return made if grade is None else made | {"human_score": cells.grade(grade)}

    said = f"the last turn of {column} is judged; {_graded(grade)}"
    return _form("conversations", table, None, {"conversation": column}, make, said=said, human_score=grade)


def _graded(grade: str | None) -> str:
    return f"{grade} is the grade" if grade else "no label"


# --- their parts


def _form(
    name: str,
    table: Columns,
    prompt: str | None,
    answers: Mapping[str, str],
    make: Callable[[Cells], CustomRow],
    *,
    label: _Label | None = None,
    said: str = "",
    **more: str | None,
) -> KnownForm:
    extra = {role: own for role, names in _OPTIONAL.items() if (own := table.find(*names)) is not None}
    extra = {role: own for role, own in extra.items() if own != more.get("criteria")}
    beside = {"input": table.find("input")} if prompt and prompt.casefold() == "instruction" else {}
    roles = {"prompt": prompt, **answers, **beside, "label": label.column if label else None, **more, **extra}

    def whole(cells: Cells) -> CustomRow:
        kept = {role: _kept(cells, role, own) for role, own in extra.items() if cells.raw(own) not in _EMPTY}
        return make(cells) | kept

    needs = tuple(own for own in (prompt, *answers.values()) if own)
    becomes = {"chosen": "pair", "response_a": "pair", "response": "grade", "conversation": "grade"}.get(
        next(iter(answers)), "best of k"
    )
    return KnownForm(
        name,
        needs,
        becomes,
        said or (str(label) if label else "no label"),
        whole,
        label=label.column if label else None,
        labels=label.codes if label else {},
        uses=tuple(own for own in roles.values() if own and own not in needs),
        roles={role: own for role, own in roles.items() if own},
        unclear=label.unclear if label else None,
    )


def _kept(cells: Cells, role: str, own: str) -> object:
    return cells.raw(own) if role in {"id", "subset", "group"} else as_text(cells(own))


def _prompt(table: Columns, taken: Sequence[str | None]) -> str | None:
    return next((own for own in table.all(PROMPTS) if own not in taken), None)


def _question(cells: Cells, prompt: str, answers: Sequence[object]) -> object:
    """The prompt, with the input of an instruction, and after a system turn where a column has one."""
    more = ("input",) if prompt.strip().casefold() == "instruction" and "input" in cells else ()
    value = asked(cells, prompt, *more)
    system = cells.first(SYSTEMS)
    if (
        not isinstance(system, str)
        or " " not in system.strip()
        or not all(isinstance(answer, str) for answer in answers)
    ):
        return value
    turns = value if isinstance(value, list) else [{"role": "user", "content": value}]
    return [{"role": "system", "content": system}, *turns]


def _talk_in(cells: Cells, column: str) -> object:
    """A cell, and one turn as a list of it."""
    value = cells.need(column)
    return [value] if is_turn(value) else value


def _is_talk(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(is_turn(each) for each in value)


def _criteria(table: Columns, rows: Sequence[Cells]) -> str | None:
    """The column of each answer's own criteria: `criteria` where it holds no text, or a rubric of objects with ids."""
    if (named := table.find("criteria")) is not None:
        values = [value for cells in rows if (value := cells(named)) not in _EMPTY]
        return named if values and all(isinstance(value, list | dict) for value in values) else None
    for name in table.all(("rubrics", "rubric")):
        parts = [part for cells in rows if isinstance(value := cells(name), list) for part in value]
        if parts and all(isinstance(part, Mapping) and "id" in part for part in parts):
            return name
    return None


def _all_lists(rows: Sequence[Cells], column: str) -> bool:
    values = [value for cells in rows if (value := cells(column)) not in _EMPTY]
    return bool(values) and all(isinstance(value, list) for value in values)


def _are_texts(rows: Sequence[Cells], answers: Sequence[str]) -> bool:
    """Whether columns hold answers: names of models, which `model_a` may hold as well, have no spaces."""
    if "".join(answers[0].casefold().split("_")).startswith("model") and len(answers[0]) <= len("model_a"):
        return any(" " in str(cells.raw(answer)).strip() for cells in rows for answer in answers)
    return True


def _grade(table: Columns, rows: Sequence[Cells]) -> str | None:
    """The first column of a grade's name that holds numbers only."""
    for column in table.all(GRADES):
        values = [
            value
            for cells in rows
            if (cell := cells.raw(column)) not in _EMPTY
            for value in (said_by_people(cell) or {"": cell}).values()
        ]
        if values and all(_is_number(value) for value in values):
            return column
    return None


def _is_number(value: object) -> bool:
    return not isinstance(value, bool) and float_of(value) is not None


def _label(table: Columns, rows: Sequence[Cells], taken: Sequence[str], like: _Label, slots: int) -> _Label | None:
    """The column that says which answer is better: the likeliest name whose cells can be read."""
    unclear: _Label | None = None
    for column in table.all(LABELS):
        found = None if column in taken else _read(replace(like, column=column), table, rows, slots)
        if found is not None and found.unclear is None:
            return found
        unclear = unclear or found
    return unclear


def _read(label: _Label, table: Columns, rows: Sequence[Cells], slots: int) -> _Label | None:
    """A column as the label; None where too little of it can be read."""
    filled = [cells for cells in rows if read_label(cells.raw(label.column), slots) != UNLABELLED]
    said = [
        read_label(value, slots)
        for cells in filled
        if not label.reads(cells)
        for value in (said_by_people(cells.raw(label.column)) or {"": cells.raw(label.column)}).values()
    ]
    codes = {each for each in said if isinstance(each, int)}
    sure = label.column in table.all(_SURE)
    numbers = numbering(codes, slots) if codes else {}
    if numbers is None:
        return replace(label, unclear=_asks(label.column, codes, slots)) if sure else None
    counted = replace(label, numbers=numbers)
    readable = sum(counted.reads(cells) for cells in filled)
    enough = readable == len(filled) or (sure and 2 * readable >= len(filled))
    return counted if label.column == "label" or (filled and enough) else None


def _asks(column: str, codes: set[int], slots: int) -> str:
    *others, last = (str(code) for code in sorted(codes))
    shown = f"{', '.join(others)} and {last}" if others else last
    orders = (LETTERS[:slots], LETTERS[:slots][::-1])[: 2 if slots == 2 else 1]
    ways = [",".join(map("{}={}".format, sorted(codes), order)) for order in orders]
    said = "they mean" if others else "it means"
    return f"'{column}' holds {shown}, and what {said} is not known: say it with --labels {' or '.join(ways)}"
