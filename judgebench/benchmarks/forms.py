"""The forms that rows of one's own come in, as preference datasets have them: into prompt, completions and label."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from judgebench.benchmarks import base
from judgebench.benchmarks.annotating import kept, labels_of, letter_of_people, mean_grade, ordered
from judgebench.items import LABELS, NO_STEP, TIE, Completion, most_said
from judgebench.sources.cells import decode_cell
from judgebench.sources.columns import PROMPTS, SINGLES, Columns, words
from judgebench.sources.form import option
from judgebench.sources.known import likely_label
from judgebench.sources.labels import read_label
from judgebench.sources.people import said_by_people
from judgebench.sources.source import id_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.items import Annotations, Turn
    from judgebench.sources.source import Row

PAIRS = (("response_a", "response_b"), ("response_A", "response_B"), ("answer_a", "answer_b"), ("answer_A", "answer_B"))
"""The two columns of a pair whose better one a label names."""

SINGLE = ("response", "completion")
"""The column of a single completion, any of them."""

TEXTS = (
    "prompt",
    "steps",
    "chosen",
    "rejected",
    "completions",
    *SINGLE,
    *(column for pair in PAIRS for column in pair),
)
"""Columns that hold what is judged."""

PEOPLE = "individual_human_scores"
"""The column of what several people said, beside a label that sums it up."""

ANSWERS = ("label", "num_correct", "human_score", "attributes", PEOPLE)
"""Columns that say how it should be judged; a template never sees them."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a row of any form says.

    Attributes:
        completions: The correct ones first, where any are known.
        num_correct: How many are; 0 where nobody has said.
        label: `tie` where people found a pair equal; the class of a single completion, or its wrong steps.
        human_score: The grade of a single completion; of several people's, the mean.
        annotations: What each of several people said.
        slots: The letter that each completion has in the row, where people said which is better.
        attributes: The grades of a single completion by attribute.
        steps: The parts of a single completion in steps.
    """

    conversation: tuple[Turn, ...]
    completions: tuple[Completion, ...]
    num_correct: int = 0
    label: str | None = None
    human_score: float | None = None
    annotations: Annotations = ()
    slots: str = ""
    attributes: tuple[tuple[str, float], ...] = ()
    steps: tuple[str, ...] = ()


def form_of(row: Row) -> Form:
    """What the row says.

    Raises:
        ConfigError: It has none of the forms, or contradicts itself.
    """
    if row.problem is not None:
        raise base.row_error(row, row.problem)
    data = row.data
    pair = next((pair for pair in PAIRS if pair[0] in data and pair[1] in data), None)
    single = next((column for column in SINGLE if column in data), None)
    if "chosen" in data or "rejected" in data:
        _refuse(row, "label", "human_score", why="chosen and rejected already define the correct completions")
        return _preference(row)
    if "completions" in data:
        return _completions(row, "completions")
    if pair is not None:
        _refuse(row, "num_correct", "human_score", why=f"of {' and '.join(pair)}, label names the better one")
        return _completions(row, *pair)
    if single is not None:
        _refuse(row, "num_correct", why="a single completion has no rival")
        return _completions(row, single)
    if "steps" in data:
        return in_steps(row)
    if row.encoded and any(map(_is_cell, map(str, data))):
        cells = ", ".join(f"{column!s:.30}" for column in data)
        names = "such as id,prompt,response_a,response_b,label"
        raise base.row_error(row, f"the first line looks like a row ({cells}): put a line of names above it, {names}")
    verdicts = likely_label([str(column) for column in data], [data])
    mend = f"say which is which, as in {_example([str(column) for column in data], verdicts)}"
    if verdicts:
        mend += f"; verdicts without answers ({', '.join(verdicts)}) become a run with `judgebench import FILE`"
    raise base.row_error(
        row,
        "has none of: chosen and rejected; completions; response_a and response_b; response; steps "
        f"(its columns: {', '.join(map(str, data)) or 'none'}): {mend}",
    )


def _is_cell(name: str) -> bool:
    """Whether the name of a column is more like what a cell holds: a number, a sentence, a long text."""
    text = name.strip()
    return text.replace(".", "", 1).isdigit() or text.endswith((".", "!")) or len(text) > 80


def _example(columns: Sequence[str], labels: Sequence[str]) -> str:
    """The option that names the columns of a prompt and two answers, or of one, filled in with a file's own."""
    prompt = Columns.of(columns).find(*PROMPTS)
    singles = [column for column in columns if words(column)[-1:] and words(column)[-1] in SINGLES]
    if prompt is not None and len(singles) == 1:
        meant = [("prompt", prompt), ("response", singles[0]), *(("label", label) for label in labels[:1])]
        said = ",".join(f"{role}={option(column)}" for role, column in meant if role != column)
        return f"--columns '{said}'" if '"' in said else f"--columns {said}"
    own = [option(column) for column in columns if column not in {"id", "prompt"}]
    asks = [] if "prompt" in columns else ["prompt"]
    roles = [*asks, "response_a", "response_b"] if len(own) >= len(asks) + 2 else [*asks, "response"]
    own += ["NAME"] * (len(roles) - len(own))
    said = ",".join(f"{role}={column}" for role, column in zip(roles, own, strict=False))
    return f"--columns '{said}'" if '"' in said else f"--columns {said}"


def answer_order(row: Row) -> tuple[int, ...] | None:
    """Which of the row's own answers each of its completions is; None where it says which is chosen, or has one.

    Raises:
        ConfigError: As `form_of`.
    """
    if "chosen" in row.data or "rejected" in row.data:
        return None
    k = len(form_of(row).completions)
    if k == 1:
        return None
    label = _label(row, k)
    best = 0 if label in {None, TIE} else LABELS.index(str(label))
    return (best, *(at for at in range(k) if at != best))


def given(row: Row, column: str) -> Any:
    """The value of a column that may be left out or empty; None then."""
    value = row.data.get(column)
    empty = (isinstance(value, str) and not value.strip()) or (isinstance(value, float) and math.isnan(value))
    return None if empty else value


def number_of(row: Row, column: str) -> float | None:
    """The number in a column that may be left out.

    Raises:
        ConfigError: It holds something else.
    """
    return number_in(row, f"column '{column}'", given(row, column))


def number_in(row: Row, what: str, value: Any) -> float | None:
    """A cell as a number; `what` it is, for messages."""
    if value is None:
        return None
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise base.row_error(row, f"{what} is {value!r}, expected a number")
    return number


def _refuse(row: Row, *columns: str, why: str) -> None:
    for column in columns:
        if given(row, column) is not None:
            raise base.row_error(row, f"has the column '{column}' too, and {why}: leave it out, or empty")


def _preference(row: Row) -> Form:
    chosen, rejected = _entries(row, "chosen"), _entries(row, "rejected")
    said = number_of(row, "num_correct")
    if said is not None and said != len(chosen):
        mend = "make them agree, or leave num_correct out"
        raise base.row_error(row, f"num_correct is {said:g}, but chosen holds {len(chosen)}: {mend}")
    conversation, completions = _parted(row, [*chosen, *rejected], "chosen and rejected")
    return Form(conversation, completions, len(chosen))


def _completions(row: Row, *columns: str) -> Form:
    entries = [entry for column in columns for entry in _entries(row, column)]
    if len(columns) > 1 and len(entries) != len(columns):
        raise base.row_error(
            row, f"columns {' and '.join(columns)} hold {len(entries)} completions, expected one per column"
        )
    conversation, completions = _parted(row, entries, " and ".join(columns))
    k = len(completions)
    if k == 1 and columns[0] in SINGLE:
        return _single(row, conversation, completions)
    letters = _letters(row, k)
    label = _label(row, k) if letters is None else letter_of_people(letters, k)
    num_correct, score = _num_correct(row, k), number_of(row, "human_score")
    if label is not None and num_correct:
        raise base.row_error(row, "has label and num_correct, two labels: leave one out, or empty")
    if score is not None and (k > 1 or label is not None or num_correct):
        raise base.row_error(row, "human_score grades a single completion: use one row per completion")
    if label is None or label == TIE:
        return Form(conversation, completions, num_correct, label, score, *ordered(letters or {}, range(k)))
    at = LABELS.index(label)
    order = (at, *range(at), *range(at + 1, k))
    people, slots = ordered(letters or {}, order)
    return Form(conversation, tuple(completions[each] for each in order), 1, annotations=people, slots=slots)


def _single(row: Row, conversation: tuple[Turn, ...], completions: tuple[Completion, ...]) -> Form:
    """A single completion with its class or grade, or those of several people."""
    classes, grades = labels_of(row, "label"), labels_of(row, "human_score")
    said: dict[str, str | float] = {}
    if classes is not None:
        named = {name: class_in(row, f"label of annotator {name}", value) for name, value in classes.items()}
        said = {name: value for name, value in named.items() if value is not None}
        label = most_said([str(value) for value in said.values()])
    else:
        label = class_of(row, "label")
    if grades is not None:
        numbers = {name: number_in(row, f"human_score of annotator {name}", each) for name, each in grades.items()}
        graded = {name: number for name, number in numbers.items() if number is not None}
        said, score = said or {**graded}, mean_grade(graded)
    else:
        score = number_of(row, "human_score")
    if not said and (people := labels_of(row, PEOPLE)) is not None:
        said = _of_kind(row, people, graded=label is None and score is not None)
    return Form(conversation, completions, 0, label, score, kept(said), attributes=attributes_of(row))


def _of_kind(row: Row, people: Mapping[str, object], *, graded: bool) -> dict[str, str | float]:
    """What people said beside a grade, as numbers, or beside a class, as text."""
    said: dict[str, str | float] = {}
    for name, value in people.items():
        what = f"{PEOPLE} {name}"
        each = number_in(row, what, value) if graded else class_in(row, what, value)
        said |= {} if each is None else {name: each}
    return said


def attributes_of(row: Row) -> tuple[tuple[str, float], ...]:
    """The grades by attribute in the column `attributes`, an object; of several people's, the mean."""
    value = decode_cell(given(row, "attributes"))
    if value is None:
        return ()
    if not isinstance(value, dict):
        raise base.row_error(row, "attributes is no object of grades, such as {clarity: 4, depth: 2}")
    found = []
    for name, cell in value.items():
        people = said_by_people(cell)
        numbers = [
            number_in(row, f"attributes.{name}", each) for each in ([cell] if people is None else people.values())
        ]
        grade = mean_grade({str(at): number for at, number in enumerate(numbers) if number is not None})
        found += [] if grade is None else [(str(name), grade)]
    return tuple(found)


def _letters(row: Row, k: int) -> dict[str, str] | None:
    """By annotator what several people said: a slot's letter or `tie`; None where there is one label, or none."""
    people = labels_of(row, "label")
    if people is None:
        return None
    letters = {name: _letter(row, value, k, f"label of annotator {name}") for name, value in people.items()}
    return {name: letter for name, letter in letters.items() if letter is not None}


def in_steps(row: Row, first: int = 0) -> Form:
    """What a row of one answer in steps says.

    Args:
        row: With `prompt`, `steps` and `label`.
        first: The number that its label has for the first step.

    Raises:
        DataError: The steps are no list of texts, or the label names none of them.
    """
    _refuse(row, "num_correct", "human_score", why="an answer in steps is labelled by its first wrong step")
    value = decode_cell(base.need(row, "steps"))
    if not isinstance(value, list | tuple) or not value:
        found = "an empty list" if isinstance(value, list | tuple) else f"{type(value).__name__}"
        raise base.row_error(row, f"column 'steps' is {found}, expected a list of texts, one for each step")
    steps = tuple(_step(row, at + first, each) for at, each in enumerate(value))
    text = "\n\n".join(steps)
    completion = Completion(base.turns_of(row, "steps", text, first_role="assistant"))
    return Form(_prompt(row), (completion,), 0, _wrong_steps(row, len(steps), first), steps=steps)


def _step(row: Row, number: int, value: Any) -> str:
    text = (
        next((value[name] for name in ("text", "content") if name in value), value)
        if isinstance(value, dict)
        else value
    )
    if not isinstance(text, str) or not text.strip():
        found = "empty" if text in (None, "") or isinstance(text, str) else f"{type(text).__name__}"
        raise base.row_error(row, f"column 'steps': step {number} is {found}, expected text")
    return text


def _wrong_steps(row: Row, n: int, first: int) -> str | None:
    """The wrong steps counted from 0, as a label has them; None where nothing stands there."""
    value = decode_cell(given(row, "label"))
    if value is None:
        return None
    several = isinstance(value, list | tuple)
    said = list(value) if several else [value]
    if several and len(said) == n and all(isinstance(each, bool) for each in said):
        wrong = [at for at, right in enumerate(said) if not right]
        return " ".join(map(str, wrong)) or str(NO_STEP)
    numbers = [_whole(each) for each in said]
    if None in numbers:
        raise base.row_error(
            row, f"label is {value!r:.60}, expected the number of the first wrong step, or -1 for none"
        )
    wrong = sorted({number - first for number in numbers if number is not None and number != NO_STEP})
    if not several and first == 1 and wrong == [-1]:  # 0, where steps count from 1
        wrong = []
    if wrong and not 0 <= wrong[0] <= wrong[-1] < n:
        past = next(at for at in wrong if not 0 <= at < n) + first
        last = n - 1 + first
        where = "past the end" if past > last else "before the first step"
        which = f"the steps are {first} to {last}" if n > 1 else f"the only step is {first}"
        raise base.row_error(row, f"label is {past}, {where}: {which}, and -1 says that none is wrong")
    return " ".join(map(str, wrong)) or str(NO_STEP)


def _whole(value: Any) -> int | None:
    """The whole number that a cell is; None where it is none."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None
    return int(number) if number.is_integer() else None


def class_of(row: Row, column: str) -> str | None:
    """The class in a column, as text; None where nothing stands there.

    Raises:
        DataError: It holds no text, number or truth value.
    """
    return class_in(row, f"column '{column}'", given(row, column))


def class_in(row: Row, what: str, value: Any) -> str | None:
    """A cell as the name of a class; `what` it is, for messages."""
    if value is None:
        return None
    said = _plain(value)
    if not isinstance(said, str):
        raise base.row_error(row, f"{what} is {type(value).__name__}, expected the name of a class")
    return said.strip()


def letter_of(row: Row, k: int) -> str | None:
    """The letter or `tie` in the row's column `label`; None where it has no such column, or nothing stands there."""
    return _label(row, k) if "chosen" not in row.data else None


def _label(row: Row, k: int) -> str | None:
    """A slot's letter or `tie`, of several people's by their majority; None where there is no label."""
    letters = _letters(row, k)
    return _letter(row, given(row, "label"), k, "label") if letters is None else letter_of_people(letters, k)


def _letter(row: Row, value: Any, k: int, what: str) -> str | None:
    if value is None:
        return None
    said = read_label(value, k)
    if isinstance(said, str):
        return said or None
    forms = "A, B, tie, A>B, B>A or A=B" if k == 2 else f"a letter from A to {LABELS[:k][-1]}"
    raise base.row_error(
        row,
        f"{what} is {value!r}, expected {forms}, or empty if there is no label: say what it means with --labels "
        f"{option(value)}=A",
    )


def _num_correct(row: Row, k: int) -> int:
    number = number_of(row, "num_correct")
    if number is None:
        return 0
    if number != int(number) or not 0 <= number < k:
        raise base.row_error(
            row, f"num_correct is {number:g} for {k} completions, expected 1 to {k - 1}, or 0 if there is no label"
        )
    return int(number)


def _entries(row: Row, column: str) -> list[tuple[Turn, ...]]:
    """The completions in a column, each as turns: a text or a conversation, or a list of either."""
    value = base.value_of(row, column)
    if isinstance(value, str):
        return [base.turns_of(row, column, value, first_role="assistant")]
    if isinstance(value, list) and not value:
        raise base.row_error(row, f"column '{column}' is an empty list, expected a completion at least")
    several = isinstance(value, list) and not all(isinstance(entry, dict) for entry in value)
    entries = [_plain(entry) for entry in (value if several else [value])]
    return [base.turns_of(row, column, entry, first_role="assistant") for entry in entries]


def _plain(value: Any) -> Any:
    """A number or a truth value as the text that JSON writes; anything else as it is."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    missing = isinstance(value, float) and math.isnan(value)
    return id_text(value) if isinstance(value, int | float) and not missing else value


def _prompt(row: Row) -> tuple[Turn, ...]:
    if "prompt" not in row.data:
        found = ", ".join(map(str, row.data))
        raise base.row_error(row, f"has no column 'prompt'; found {found}: name it with --columns prompt=NAME")
    return base.turns_of(row, "prompt", _plain(base.value_of(row, "prompt")), first_role="user")


def _parted(
    row: Row, entries: Sequence[tuple[Turn, ...]], columns: str
) -> tuple[tuple[Turn, ...], tuple[Completion, ...]]:
    """The prompt's turns, and each completion without them where it is a whole conversation."""
    whole = [turns[0].role != "assistant" for turns in entries]
    prompt = _prompt(row) if "prompt" in row.data or not any(whole) else None
    if prompt is not None and not any(whole):
        return prompt, tuple(Completion(turns) for turns in entries)
    if not all(whole):
        raise base.row_error(row, f"{columns}: some are whole conversations and some only answers, expected one kind")
    shared = _shared(entries)
    before = entries[0][:shared]
    if not shared:
        raise base.row_error(row, f"{columns} have no turns before the answer in common, which would be the prompt")
    if prompt is not None and not any(_alike(prompt, part) for part in (before[: len(prompt)], before[-len(prompt) :])):
        raise base.row_error(row, f"{columns} are conversations that do not begin with the turns of 'prompt'")
    return before, tuple(Completion(turns[shared:]) for turns in entries)


def _alike(first: Sequence[Turn], second: Sequence[Turn]) -> bool:
    """Whether turns are the same but for white space."""
    spaced = [[(turn.role, " ".join(turn.text.split())) for turn in turns] for turns in (first, second)]
    return spaced[0] == spaced[1]


def _shared(entries: Sequence[tuple[Turn, ...]]) -> int:
    """How many turns are the same in all, up to an assistant's turn that is each one's own."""
    most = min(len(turns) for turns in entries) - 1
    shared = next((at for at in range(most) if any(turns[at] != entries[0][at] for turns in entries)), most)
    while shared > 0 and any(turns[shared].role != "assistant" for turns in entries):
        shared -= 1
    return max(shared, 0)
