"""What a file with verdicts says, judgement by judgement, and the cells of its rows by their names."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from judgebench.runs.verdictwords import UnknownWordError, Word, is_none, order_of, pick_of, rating_of, text_of
from judgebench.sources.cells import decode_cell
from judgebench.sources.source import id_text
from judgebench.sources.turns import is_turn, turn_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from judgebench.items import Classes, StepIndex
    from judgebench.sources.source import Row

ID = ("id", "item", "item_id", "question_id", "prompt_id", "example_id", "sample_id", "uid", "idx")
VERDICT = (
    *("verdict", "judge_verdict", "judge_pick", "judge_choice", "judge_winner", "judge_decision", "decision"),
    *("pick", "choice", "prediction", "predicted", "pred", "preference", "judge_preference", "judge_label", "winner"),
)
RATING = ("rating", "judge_rating", "judge_score", "score", "grade")
LABEL = ("label", "gold", "gold_label", "human_winner", "human_label", "human_choice", "human_preference", "target")
GRADE = ("human_score", "human_rating", "gold_score")
REPLY = (
    *("reply", "judge_reply", "judge_output", "judgment", "judgement"),
    *("raw_judgment", "raw_completion", "raw_output"),
)
ORDER = ("order", "first", "swapped", "shown")
ANNOTATOR = ("annotator", "annotator_id", "judge", "judge_model", "rater", "evaluator", "annotator_index")
SAMPLE = ("sample", "repetition", "trial", "epoch")
PROMPT = ("prompt", "instruction", "question")
MODELS = (("model_a", "model_b"), ("model_1", "model_2"), ("generator_1", "generator_2"))
ANSWERS = (
    *(("response_a", "response_b"), ("answer_a", "answer_b"), ("output_1", "output_2"), ("response1", "response2")),
    ("chosen", "rejected"),
)


@dataclass(slots=True, kw_only=True)
class Judged:
    """One judgement of a file.

    Attributes:
        id: Of the item; None where the file has none.
        said: A choice, a rating, a class, or the first wrong step; None where there is none.
        order: Which of the row's answers (0 the first) stood in each slot; None where that is not known.
        rated: The answer that a rating is of.
        sample: Number of the repetition; None where the file does not say.
        annotator: Whose it is; None where the file does not say.
        reply: What the judge wrote.
        probabilities: Of each answer of the row, that the judge prefers it; what is left is a tie's.
        by_class: Of each class, how probable the judge finds it.
        cost_usd: What it cost.
        latency_s: How long it took.
        k: How many answers the item has.
        label: What people said of it.
        grade: What people rated it.
        gold: The class that people put it in.
        models: Whose each answer is.
        prompt: The item's.
        answers: The texts of the row's answers.
        subset: Of the item.
        group: Likewise.
    """

    id: str | None
    said: Word | float | str | StepIndex | None
    order: tuple[int, ...] | None = None
    rated: int = 0
    sample: int | None = None
    annotator: str | None = None
    reply: str | None = None
    probabilities: tuple[float, ...] | None = None
    by_class: tuple[tuple[str, float], ...] = ()
    cost_usd: float | None = None
    latency_s: float | None = None
    k: int = 2
    label: Word | None = None
    grade: float | None = None
    gold: str | None = None
    models: tuple[str | None, ...] = ()
    prompt: str | None = None
    answers: tuple[str, ...] = ()
    subset: str | None = None
    group: str | None = None


@dataclass(slots=True)
class VerdictCells:
    """A row by the plain names of its columns.

    Attributes:
        data: The cells, by names in small letters with underscores.
        number: Of the row, from 1 on.
        words: What the user said that words mean.
        k: How many answers an item has where its row does not say.
        rated: Whether the verdicts are ratings.
        classes: Those that the verdicts are, where they are no choices and no ratings.
    """

    data: Mapping[str, object]
    number: int
    words: Mapping[str, str] = field(default_factory=dict)
    k: int = 2
    rated: bool = False
    classes: Classes | None = None

    @classmethod
    def of(cls, row: Row, number: int, words: Mapping[str, str] | None = None, k: int = 2) -> VerdictCells:
        """The cells of a row."""
        return cls({plain(name): value for name, value in {**row.beside, **row.data}.items()}, number, words or {}, k)

    def first(self, columns: Sequence[str]) -> object:
        """The first of these columns that is there and filled."""
        return next((self.data[name] for name in columns if self.data.get(name) not in (None, "")), None)

    def text(self, columns: Sequence[str]) -> str | None:
        """That as text."""
        value = self.first(columns)
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return None
        return id_text(value) if isinstance(value, str | int | float) else json.dumps(value, default=str)

    def two(self, pairs: Sequence[tuple[str, str]]) -> tuple[str, ...]:
        """The texts in the first of these pairs of columns; none where no pair is there."""
        pair = next((pair for pair in pairs if pair[0] in self.data and pair[1] in self.data), None)
        return () if pair is None else tuple(str(self.text([name]) or "") for name in pair)

    def prompt(self, *columns: str) -> str | None:
        """The prompt: of turns the last one's text; the texts of several columns one after another."""
        value = decode_cell(self.first(columns[:1] or PROMPT))
        if isinstance(value, list) and value and is_turn(value[-1]):
            return turn_of(value[-1])["content"]
        texts = (self.text(columns[:1] or PROMPT), *(self.text([column]) for column in columns[1:]))
        return "\n\n".join(text for text in texts if text and text.strip()) or None

    def class_in(self, columns: Sequence[str]) -> str | None:
        """The class in the first of these columns that is there; None where nothing stands there.

        Raises:
            UnknownWordError: It is none; the message names the column.
        """
        assert self.classes is not None
        column = next((name for name in columns if name in self.data), None)
        if column is None or is_none(self.data[column]):
            return None
        said = class_text(self.data[column])
        found = self.classes.find(self.words.get(text_of(said), said))
        if found is None:
            names = ", ".join(self.classes.names)
            raise UnknownWordError(f"{column} is {said!r:.60}, expected one of {names}; --labels WORD=CLASS says which")
        return found

    def number_in(self, columns: Sequence[str]) -> float | None:
        """The number in the first of these columns that has one."""
        return rating_of(self.first(columns))


@dataclass(frozen=True)
class VerdictForm:
    """A form of files with verdicts.

    Attributes:
        name: As users know it.
        needs: Columns that all have to be there.
        read: The judgements of a row.
        numbers: Whether the form says what numbers mean, so that 0 and 1 are no matter of guessing.
        pooled: Whether annotators who judged no item in common are one run, as the form's own figures take them.
    """

    name: str
    needs: frozenset[str]
    read: Callable[[VerdictCells], Iterator[Judged]]
    numbers: bool = True
    pooled: bool = False


def class_text(value: object) -> str:
    """A cell as the name of a class: a truth value as JSON writes it, whole numbers without their point."""
    if isinstance(value, bool):
        return str(value).lower()
    return id_text(value).strip() if isinstance(value, str | int | float) else str(value)


def plain(name: object) -> str:
    """A column's name in small letters, with underscores."""
    return str(name).strip().casefold().replace(" ", "_").replace("-", "_").replace(".", "_")


def picked(column: str, cells: VerdictCells, value: object, k: int, models: Sequence[str | None] = ()) -> Word:
    """The choice in a column.

    Raises:
        UnknownWordError: It names none; the message names the column.
    """
    try:
        return pick_of(value, k, models, cells.words)
    except UnknownWordError as error:
        raise UnknownWordError(f"{column} {error}") from None


def ordered(value: object, k: int) -> tuple[int, ...]:
    """The order in which answers were shown.

    Raises:
        UnknownWordError: It is none; the message names the column.
    """
    try:
        return order_of(decode_cell(value), k)
    except UnknownWordError as error:
        raise UnknownWordError(f"order {error}") from None
