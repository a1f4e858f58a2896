"""Items whose verdict changes: with the order of the answers within one run, or between two runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from judgebench._util.table import Column, Table, Tabular
from judgebench._util.text import percent
from judgebench.errors import ConfigError
from judgebench.metrics.steps import FIRST_WRONG
from judgebench.runs import headings, share_contents, titles_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgebench._util.table import Columns
    from judgebench.items import ItemKey, Outcome, Reading
    from judgebench.runs import Finished

_TIE, _NONE = "tie", "none"


@dataclass(frozen=True, slots=True)
class Flip:
    """An item whose verdict changes.

    Attributes:
        verdicts: What was said, in words: for each order, or by each run.
        change: The place of the answer that each order chose (`shown first`); or the credit in both runs, in words.
        credit: The item's credit in both runs; None where it has none in one.
    """

    item: str
    subset: str
    verdicts: tuple[str, ...]
    change: str
    credit: tuple[float, float] | None = None


@dataclass(frozen=True, repr=False)
class FlipList(Tabular):
    """The items whose verdict changes.

    Attributes:
        titles: Above the table, and the heads of its columns of verdicts.
        of: Among how many items: those with a verdict in each order, or in both runs.
    """

    heading: str
    titles: tuple[str, ...]
    flips: tuple[Flip, ...]
    of: int

    def tables(self, most: int | None = None) -> Sequence[Table]:
        """How many items change and how, then the items.

        Args:
            most: How many at most; None for all.
        """
        share = f" ({percent(len(self.flips) / self.of)})" if self.of else ""
        what = "with the order" if len(self.titles) == 1 else "between the runs"
        lines = [f"{len(self.flips)} of {self.of} items change their verdict {what}{share}"]
        changes = Counter(flip.change for flip in self.flips).most_common()
        if self.flips and len(self.titles) == 1:
            lines.append(", ".join(f"{change} in all orders: {count}" for change, count in changes))
        elif self.flips:
            lines.append(f"credit: {', '.join(f'{change}: {count}' for change, count in changes)}")
            lines += [f"{number}: {title}" for number, title in enumerate(self.titles, 1)]
        if self.flips and len(self.titles) == 1:
            lines.append("X first: the verdict where X is shown first")
        shown = self.flips[:most]
        more = [f"and {len(self.flips) - len(shown)} more; --all lists them"] if len(shown) < len(self.flips) else []
        return (
            [Table((), title=self.heading, notes=lines), self._table(shown, more)]
            if shown
            else [Table((), title=self.heading, notes=lines)]
        )

    def table(self) -> Table:
        """Every item."""
        return self._table(self.flips, [])

    def remarks(self) -> Sequence[str]:
        """What a reader must know: nothing."""
        return ()

    def _table(self, flips: Sequence[Flip], notes: list[str]) -> Table:
        one = len(self.titles) == 1
        columns: Columns = {
            Column("item", names=True): lambda flip: flip.item,
            Column("subset"): lambda flip: flip.subset,
        }
        if one:
            columns[Column("verdict by order")] = lambda flip: "; ".join(flip.verdicts)
            columns[Column("chosen")] = lambda flip: flip.change
        else:
            columns[Column("1")] = lambda flip: flip.verdicts[0]
            columns[Column("2")] = lambda flip: flip.verdicts[1]
            columns[Column("credit", "mark")] = lambda flip: flip.change
        return Table.of(flips, columns, notes=notes)


def order_flips(finished: Finished) -> FlipList:
    """The items of a run whose verdict changes with the order of the answers.

    Of several samples of an order the most frequent verdict counts. An item counts where every order has one.

    Raises:
        ConfigError: No item was judged in several orders.
    """
    finished.need_judgements()
    found, of, asked = [], 0, False
    for item, readings in finished.readings.items():
        for orders in _by_question(readings):
            if len(orders) < 2:
                continue
            asked = True
            said = {order: _most(among) for order, among in sorted(orders.items())}
            if any(choice == _NONE for choice in said.values()):
                continue
            of += 1
            if len({*said.values()}) > 1:
                found.append(_order_flip(finished.keys[item], said))
    if not asked:
        raise ConfigError(
            f"{finished.path}: no item was judged in several orders; run it with --orders both, or name a second run"
        )
    return FlipList(headings([finished.run])[0], ("",), tuple(found), of)


def _by_question(readings: Sequence[Reading]) -> Iterator[dict[tuple[int, ...], list[Reading]]]:
    """The readings of each question about the same completions, by order."""
    questions: dict[tuple[int, ...], dict[tuple[int, ...], list[Reading]]] = {}
    for reading in readings:
        questions.setdefault(tuple(sorted(reading.order)), {}).setdefault(reading.order, []).append(reading)
    yield from questions.values()


def _most(readings: Sequence[Reading]) -> int | str:
    """What most readings name: a completion or a class, `tie` where that is no single one, `none` without a verdict."""
    counts = Counter(_TIE if each.named is None else each.named for each in readings if not each.failed)
    if not counts or any(each.rating is not None for each in readings):
        return _NONE
    (first, most), *others = counts.most_common()
    return _TIE if others and others[0][1] == most else first


def _order_flip(key: ItemKey, said: dict[tuple[int, ...], int | str]) -> Flip:
    places = {order.index(choice) if isinstance(choice, int) else -1 for order, choice in said.items()}
    place = places.pop() if len(places) == 1 else -1
    names = ("shown first", "shown second", "shown third")
    chosen = "mixed" if place < 0 else names[place] if place < len(names) else f"shown at {place + 1}"
    verdicts = tuple(f"{_order_words(key, order)}: {_words(key, choice)}" for order, choice in said.items())
    return Flip(key.id, key.subset, verdicts, chosen)


def _order_words(key: ItemKey, order: Sequence[int]) -> str:
    """An order in words: of two completions which is shown first, of more their numbers as they are shown."""
    return f"{_words(key, order[0])} first" if len(order) == 2 else f"shown as {' '.join(map(str, order))}"


def _words(key: ItemKey, choice: int | str) -> str:
    """A choice in words: whether it is correct, where a label says so."""
    if isinstance(choice, str):
        return choice
    if not key.num_correct or key.num_correct >= key.k:
        return f"completion {choice}"
    correct = choice < key.num_correct
    return ("correct" if correct else "wrong") if key.k == 2 else f"{choice} ({'correct' if correct else 'wrong'})"


def run_flips(first: Finished, second: Finished) -> FlipList:
    """The items whose verdict, or whose credit, differs between two runs.

    Raises:
        ConfigError: They have no item in common, or one has no judgements.
    """
    both = [first, second]
    for each in both:
        each.need_judgements()
    share_contents(both)
    prints = [each.contents.prints for each in both]
    common = [item for item in first.keys if item in second.keys and prints[0][item] == prints[1][item]]
    if not common:
        raise ConfigError(f"{first.path} and {second.path} have no items in common; name runs of the same items")
    found, of = [], 0
    for item in common:
        key, outcomes = first.keys[item], [each.outcomes.get(item) for each in both]
        said = [verdict_words(key, each, outcome) for each, outcome in zip(both, outcomes, strict=True)]
        if _NONE in said:
            continue
        of += 1
        credits_ = [None if outcome is None else outcome.credit for outcome in outcomes]
        if said[0] != said[1] or credits_[0] != credits_[1]:
            change = " to ".join("none" if credit is None else f"{credit:.3g}" for credit in credits_)
            known = [credit for credit in credits_ if credit is not None]
            both_credits = (known[0], known[1]) if len(known) == len(both) else None
            found.append(Flip(key.id, key.subset, (said[0], said[1]), change, both_credits))
    return FlipList("Verdicts of two runs", tuple(titles_of(both)), tuple(found), of)


def verdict_words(key: ItemKey, finished: Finished, outcome: Outcome | None) -> str:
    """What a run says of an item, over all its readings or scores, in words."""
    if outcome is not None and FIRST_WRONG in outcome.parts:
        return f"{outcome.parts[FIRST_WRONG]:g}"
    readings = [reading for reading in finished.readings.get(key.id, ()) if not reading.failed]
    ratings: dict[int, list[float]] = {}
    for reading in readings:
        if reading.rating is not None:
            ratings.setdefault(reading.order[0], []).append(reading.rating)
    if finished.is_scores and outcome is not None:
        for sample in outcome.scores:
            for at, score in enumerate(sample):
                if score is not None:
                    ratings.setdefault(at, []).append(score)
    if ratings:
        means = {at: fmean(values) for at, values in ratings.items()}
        if len(means) == 1:
            return f"{next(iter(means.values())):g}"
        best = [at for at, mean in means.items() if mean == max(means.values())]
        return _words(key, best[0] if len(best) == 1 else _TIE)
    return _words(key, _most(readings)) if readings else _NONE
