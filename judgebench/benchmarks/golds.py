"""What rows say of the class or the grade of a single completion, and whether a template's classes have it."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from judgebench.benchmarks.annotating import SAID, too_few
from judgebench.errors import DataError
from judgebench.sources.form import option

if TYPE_CHECKING:
    from judgebench.items import Classes, Item
    from judgebench.sources.source import Row

_MOST = 100
_SHOWN = 4


class Golds:
    """The first rows of each class and of each grade."""

    def __init__(self) -> None:
        self._classes: dict[str, str] = {}
        self._grades: dict[float, str] = {}
        self._criteria: dict[str, tuple[str, str]] = {}
        self._people: dict[str, tuple[int, str]] = {}

    def note(self, item: Item, row: Row) -> None:
        """Keeps the place of a row whose class or grade no earlier one has; of a hundred at most."""
        for each in item.checklist:
            if each.label is not None and each.label not in self._criteria and len(self._criteria) < _MOST:
                self._criteria[each.label] = row.where, each.id
        if item.annotations:
            for _, said in item.annotations:
                self._note(said, row)
        elif item.label is not None or item.human_score is not None:
            self._note(item.human_score if item.label is None else item.label, row)  # type: ignore[arg-type]

    def add(self, other: Golds) -> None:
        """Takes in what further rows say."""
        for own, others in ((self._classes, other._classes), (self._grades, other._grades)):
            for said, where in others.items() if len(own) < _MOST else ():
                own.setdefault(said, where)  # type: ignore[arg-type]
        for label, first in other._criteria.items() if len(self._criteria) < _MOST else ():
            self._criteria.setdefault(label, first)

    def note_people(self, item: Item, row: Row) -> None:
        """Counts the items of each annotator who has a name, also those that no one else labels."""
        names = [name for name, _ in item.annotations]
        for column in () if names else SAID:
            if isinstance(alone := row.data.get(column), dict):
                names = [name for name, said in alone.items() if said is not None]
                break
        for name in dict.fromkeys(names):
            count, where = self._people.get(name, (0, row.where))
            self._people[name] = count + 1, where

    def check_people(self) -> None:
        """Whether each annotator labels two items or more.

        Raises:
            DataError: One labels a single item; the message names its row.
        """
        for name, (count, where) in self._people.items():
            if count == 1 and not name.isdigit():  # in a list annotators have places and no names
                raise DataError(f"{where}: {too_few(name)}")

    def _note(self, said: str | float, row: Row) -> None:
        if isinstance(said, str):
            if said not in self._classes and len(self._classes) < _MOST:
                self._classes[said] = row.where
        elif said not in self._grades and len(self._grades) < _MOST:
            self._grades[said] = row.where

    def check(self, classes: Classes, template: str) -> None:
        """Whether a template's classes have one that each class, and each grade, stands for.

        Raises:
            DataError: They have none; the message names the row, and the option that says what is meant.
        """
        if classes.shares:
            self._check_criteria(classes, template)
            return
        names = f"the classes of template '{template}' ({', '.join(classes.names)})"
        for gold, where in self._classes.items():
            if classes.find(gold) is None:
                near = difflib.get_close_matches(gold.casefold(), classes.names, n=1, cutoff=0.5)
                hint = f"did you mean {near[0]}? " if near else ""
                raise DataError(f"{where}: label '{gold}' is not one of {names}: {hint}{self._meanings(classes)}")
        for grade, where in self._grades.items():
            if classes.of_grade(grade) is not None:
                continue
            if grade in {0.0, 1.0}:
                says = "--columns label=human_score --labels 1=CLASS,0=CLASS says it"
                raise DataError(f"{where}: human_score {grade:g} does not say which of {names} it is: {says}")
            mend = "only 0 and 1 can be: take a template of mode rating, such as -t rating-10"
            raise DataError(f"{where}: human_score {grade:g} is not one of {names}; {mend}")

    def _meanings(self, classes: Classes) -> str:
        """The option that says what all unknown labels mean: the class that one nearly is, else a gap to fill."""
        unknown = [gold for gold in self._classes if classes.find(gold) is None]
        said = ",".join(f"{option(gold)}={_meant(gold, classes)}" for gold in unknown[:_SHOWN])
        said += ",..." if len(unknown) > _SHOWN else ""
        return f"say it with --labels {said if said.replace('=', '').replace(',', '').isalnum() else repr(said)}"

    def _check_criteria(self, classes: Classes, template: str) -> None:
        for label, (where, criterion) in self._criteria.items():
            if classes.share(label) is None:
                names = ", ".join(classes.names)
                near = difflib.get_close_matches(label.casefold(), classes.names, n=1, cutoff=0.5)
                hint = f": did you mean {near[0]}? say it with" if near else ": say it with"
                means = f"{option(label)}={near[0] if near else classes.names[0]}"
                raise DataError(
                    f"{where}: criterion '{criterion}' has the label '{label}', not one of the classes of template "
                    f"'{template}' ({names}){hint} --labels {means}"
                )


def _meant(gold: str, classes: Classes) -> str:
    """The class that an unknown label nearly is, or plainly means; else a gap to fill."""
    near = difflib.get_close_matches(gold.casefold(), classes.names, n=1, cutoff=0.5)
    if near:
        return near[0]
    return classes.plainly(gold) or "CLASS"
