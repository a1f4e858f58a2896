"""What a label of people means for an item: which of its completions, which class, which step, or which grade."""

from __future__ import annotations

import difflib
import math
from functools import cached_property
from typing import TYPE_CHECKING

from judgebench.analysis.rowanswers import row_answers
from judgebench.errors import DataError
from judgebench.items import LABELS, NO_STEP, TIE
from judgebench.sources.labels import decimal, numbering, read_label
from judgebench.sources.source import id_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench.analysis.labelled import Kind, Said
    from judgebench.analysis.peoplerows import PeopleRow
    from judgebench.items import Classes, ItemKey
    from judgebench.runs import Finished

_SHOWN = 6

_TRUTH = {"true": 1.0, "false": 0.0}


class LabelWords:
    """Reads labels for a run's items.

    Args:
        finished: The run.
        kind: What its verdicts are.
        classes: Of classes.
        rows: All labels of the file, for numbers mean what they do in all of it.
    """

    def __init__(self, finished: Finished, kind: Kind, classes: Classes | None, rows: Sequence[PeopleRow]) -> None:
        self._finished, self._kind, self._classes, self._rows = finished, kind, classes, rows
        self._codes: dict[int, set[int]] = {}
        for row in rows if kind == "choices" else ():
            k = finished.keys[row.id].k
            if isinstance(said := read_label(row.label, k), int):
                self._codes.setdefault(k, set()).add(said)

    def label(self, row: PeopleRow, key: ItemKey) -> Said:
        """The label.

        Raises:
            DataError: It says nothing of such an item; the message names its row and what could stand there.
        """
        if self._kind == "choices":
            return self._choice(row, key)
        if self._kind == "grades":
            return self._grade(row)
        return self._step(row, key) if self._kind == "steps" else self._class(row)

    def slots(self, key: ItemKey) -> str:
        """Which letter each completion has in the item's row; empty where that is not known."""
        if self._kind != "choices":
            return ""
        order = self._known_order(key) or vars(self).get("_orders", {}).get(key.id)
        return "".join(LABELS[order.index(at)] for at in range(key.k)) if order is not None else ""

    # --- choices

    def _choice(self, row: PeopleRow, key: ItemKey) -> str:
        text = id_text(row.label) if isinstance(row.label, str | int | float) else str(row.label)
        models = self._finished.models.get(key.id) or ()
        if (named := _only(models, text.strip())) is not None:
            return LABELS[named]
        if text.strip().casefold() in {"chosen", "rejected"} and key.num_correct == 1:
            if text.strip().casefold() == "chosen":
                return LABELS[0]
            if key.k == 2:
                return LABELS[1]
        said = read_label(row.label, key.k)
        if (
            said is None
            and (named := _only([str(each).casefold() for each in models], text.strip().casefold())) is not None
        ):
            return LABELS[named]
        if isinstance(said, int):
            said = self._counted(row, key.k, said)
        if said == TIE and key.k == 2:
            return TIE
        if said is None or said not in LABELS[: key.k] or not said:
            raise self._unknown(row, key, text)
        order = self._order_of(row, key, models)
        if order is None:
            words = ["'chosen' or 'rejected'"] if key.k == 2 and key.num_correct == 1 else ["'chosen'"]
            words += ["the name of the answer's model"] if len({*models} - {None}) > 1 else []
            raise DataError(
                f"{row.where}: label {text!r:.40} counts the answers of item '{key.id}' in its row, and the run does "
                f"not say which one that is: write {' or '.join(words)}"
            )
        return LABELS[order[LABELS.index(said)]]

    def _counted(self, row: PeopleRow, k: int, said: int) -> str | None:
        """The slot that a number stands for."""
        meaning = numbering(self._codes[k], k)
        if meaning is None and k == 2 and self._codes[k] == {0, 1}:
            raise DataError(
                f"{row.where}: labels 0 and 1 can be counted in two ways: say it with --label-map 0=A,1=B or 1=A,0=B"
            )
        if meaning is None and self._codes[k] <= {0, *range(1, k + 1)}:
            meaning = {0: TIE, **dict(enumerate(LABELS[:k], 1))}
        return None if meaning is None else meaning.get(said)

    def _order_of(self, row: PeopleRow, key: ItemKey, models: Sequence[str | None]) -> tuple[int, ...] | None:
        """The completion that each answer of the row is: by the models that it names, else by the item's own row."""
        if row.models and key.k == 2 and {*row.models} == {*models} and len({*models}) == 2:
            return tuple(models.index(model) for model in row.models)
        return self._order(key)

    def _order(self, key: ItemKey) -> tuple[int, ...] | None:
        return self._known_order(key) or self._orders.get(key.id)

    def _known_order(self, key: ItemKey) -> tuple[int, ...] | None:
        """The completion that each answer of an item's row is, by what the run's folder says."""
        if key.slots:
            return tuple(key.slots.index(letter) for letter in LABELS[: key.k])
        if not key.num_correct and not self._corrected:
            return tuple(range(key.k))
        return self._given.get(key.id)

    @property
    def _corrected(self) -> bool:
        entry = self._finished.run.manifest.rescored
        return entry is not None and entry.labels is not None

    @cached_property
    def _given(self) -> dict[str, tuple[int, ...]]:
        """By the letter that an item's metadata keep of its label, as those of imported verdicts do."""
        found = {}
        for item in () if self._corrected else self._finished.run.items:
            best, k = item.metadata.get("label"), len(item.completions)
            if isinstance(best, str) and best in LABELS[:k] and best and item.num_correct == 1:
                at = LABELS.index(best)
                found[item.id] = tuple(0 if each == at else each + (each < at) for each in range(k))
        return found

    @cached_property
    def _orders(self) -> dict[str, tuple[int, ...]]:
        """By the rows that the run was made of."""
        return row_answers(self._finished, {row.id for row in self._rows})

    def _unknown(self, row: PeopleRow, key: ItemKey, text: str) -> DataError:
        letters = "A, B, tie" if key.k == 2 else f"A to {LABELS[key.k - 1]}"
        among = self._finished.models.get(key.id) or ()
        models = [str(model) for model in among if model is not None and among.count(model) == 1]
        near = difflib.get_close_matches(text, [*models, TIE, "chosen", "rejected"], n=1, cutoff=0.6)
        hint = f": did you mean {near[0]}?" if near else ""
        names = f", or the name of its model ({', '.join(models[:_SHOWN])})" if models else ""
        return DataError(
            f"{row.where}: label {text!r:.60} of item '{key.id}' is no answer: expected {letters}, 1 to {key.k}, chosen"
            f"{names}{hint}; --label-map WORD=A says what it is"
        )

    # --- classes, steps, grades

    def _class(self, row: PeopleRow) -> str:
        assert self._classes is not None
        text = str(row.label).lower() if isinstance(row.label, bool) else id_text(row.label).strip()
        found = self._classes.find(text)
        number = _TRUTH.get(text.casefold(), _number(text))
        if found is None and number is not None:
            found = self._classes.of_grade(number)
        if found is not None:
            return found
        names = self._classes.names
        near = difflib.get_close_matches(text.casefold(), names, n=1, cutoff=0.5)
        meant = near[0] if near else self._classes.plainly(text)
        hint = f": did you mean {meant}?" if meant else ";"
        raise DataError(
            f"{row.where}: label {text!r:.60} of item '{row.id}' is not one of the classes of the run "
            f"({', '.join(names)}){hint} --label-map {text if text.isalnum() else repr(text)}={meant or 'CLASS'} says "
            "what it is"
        )

    def _step(self, row: PeopleRow, key: ItemKey) -> str:
        text = id_text(row.label).strip()
        if text not in {str(at) for at in range(NO_STEP, key.steps)}:
            raise DataError(
                f"{row.where}: label {text!r:.60} of item '{key.id}' is no step: expected the number of the first "
                f"wrong one, 0 to {key.steps - 1}, or {NO_STEP} where none is"
            )
        return text

    def _grade(self, row: PeopleRow) -> float:
        number = None if isinstance(row.label, bool) else _number(str(row.label))
        if number is None:
            raise DataError(
                f"{row.where}: label {str(row.label)!r:.60} of item '{row.id}' is no grade: the run's verdicts are "
                "ratings, so labels are numbers"
            )
        return number


def _only(names: Sequence[str | None], wanted: str) -> int | None:
    """The place of the one name that is the wanted one."""
    places = [at for at, name in enumerate(names) if name == wanted]
    return places[0] if len(places) == 1 else None


def _number(text: str) -> float | None:
    try:
        number = float(decimal(text))
    except ValueError:
        return None
    return number if math.isfinite(number) else None
