"""The items of a run whose verdict is not the label: what they should be, and what was said."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from judgebench._util.table import Column, Table, Tabular
from judgebench._util.text import percent
from judgebench.analysis.flips import verdict_words
from judgebench.metrics.votes import criteria_shares, pooled_criteria
from judgebench.runs import headings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench._util.table import Columns
    from judgebench.items import Outcome
    from judgebench.runs import Finished

_NONE = "none"
_GRADED = "no item has a label that a verdict could miss (grades are compared by correlation)"

CORRECT = "correct"
"""What the label of completions with correct ones is, in words."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An item that the run does not have right.

    Attributes:
        gold: Its label in words: a class, `tie`, or `correct` for the correct completion.
        said: What the run's verdicts come to; `none` without any.
        credit: Below 1.
    """

    item: str
    subset: str
    gold: str
    said: str
    credit: float


@dataclass(frozen=True, repr=False)
class WrongList(Tabular):
    """The items that a run does not have right.

    Attributes:
        of: Among how many with a credit.
    """

    heading: str
    wrong: tuple[Disagreement, ...]
    of: int

    def tables(self, most: int | None = None) -> Sequence[Table]:
        """How many there are of each kind, then the items.

        Args:
            most: How many at most; None for all.
        """
        kinds = Counter(f"{each.gold} judged {each.said}" for each in self.wrong).most_common()
        share = percent(len(self.wrong) / self.of) if self.of else ""
        lines = [f"{len(self.wrong)} of {self.of} items with a label are not right ({share})" if share else _GRADED]
        lines += [", ".join(f"{kind}: {count}" for kind, count in kinds)] if kinds else []
        shown = self.wrong[:most]
        more = [f"and {len(self.wrong) - len(shown)} more; --all lists them"] if len(shown) < len(self.wrong) else []
        head = Table((), title=self.heading, notes=lines)
        return [head, self._table(shown, more)] if shown else [head]

    def table(self) -> Table:
        """Every item."""
        return self._table(self.wrong, [])

    def remarks(self) -> Sequence[str]:
        """What a reader must know: nothing."""
        return ()

    def _table(self, wrong: Sequence[Disagreement], notes: list[str]) -> Table:
        columns: Columns = {
            Column("item", names=True): lambda each: each.item,
            Column("subset"): lambda each: each.subset,
            Column("label"): lambda each: each.gold,
            Column("verdict"): lambda each: each.said,
            Column("credit", "mark"): lambda each: f"{each.credit:.3g}",
        }
        return Table.of(wrong, columns, notes=notes)


def list_wrong(finished: Finished) -> WrongList:
    """The items of a run whose credit is below 1, in the order of the items.

    Raises:
        ConfigError: The run has no judgements.
    """
    finished.need_judgements()
    scored = [outcome for outcome in finished.outcomes.values() if outcome.credit is not None]
    wrong = tuple(
        Disagreement(each.item.id, each.item.subset, *_words(each, finished), each.credit or 0.0)
        for each in scored
        if each.credit is not None and each.credit < 1
    )
    return WrongList(headings([finished.run])[0], wrong, len(scored))


def _words(outcome: Outcome, finished: Finished) -> tuple[str, str]:
    """The item's label, and what the verdicts come to; of criteria those that differ."""
    key, classes = outcome.item, finished.run.manifest.template.label_classes
    golds = {each.id: each.gold for each in key.checklist if each.gold is not None}
    if classes is not None and classes.shares and golds:
        voting = [reading for reading in finished.readings.get(key.id, ()) if not reading.failed]
        said = dict(pooled_criteria([(criteria_shares(reading, soft=False), 1.0) for reading in voting]))
        differ = {name: (gold, said.get(name)) for name, gold in golds.items() if said.get(name) != gold}
        name_of = dict(zip(classes.shares, classes.names, strict=True))
        gold_words = ", ".join(f"{name} {name_of[gold]}" for name, (gold, _) in differ.items())
        said_words = ", ".join(f"{name} {_NONE if met is None else name_of[met]}" for name, (_, met) in differ.items())
        return gold_words, said_words
    people = dict.fromkeys(str(said) for _, said in key.annotations) if key.k == 1 and key.gold is None else {}
    return key.gold or " or ".join(people) or CORRECT, verdict_words(key, finished, outcome)
