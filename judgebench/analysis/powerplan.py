"""What a plan is: the items, samples and labels that a comparison or an interval needs, and how it is said."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from judgebench._util.table import Column, Table, Tabular
from judgebench._util.text import dollars, percent, thousands
from judgebench.analysis.equivalent import margin_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from judgebench._util.table import Columns
    from judgebench.items import Measure


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What is taken to be so, each a share from 0 to 1 unless said; None: as the pilot has it, or the usual.

    Attributes:
        accuracy: Share of items that a judge gets right; without a pilot 0.8.
        discordance: Share of items on which two runs differ in credit; else at most 0.2.
        rate: Share of the labels' positive class, or the win rate; else that of the pilot's labels, or 0.5.
        retest: How often two samples of a judge are the same.
        consistency: How often the verdicts of both orders are the same.
        design_effect: By how many times groups of items that belong together make more items necessary; at least 1.
    """

    accuracy: float | None = None
    discordance: float | None = None
    rate: float | None = None
    retest: float | None = None
    consistency: float | None = None
    design_effect: float | None = None


@dataclass(frozen=True, slots=True)
class DifferenceNeed:
    """The items that show a difference of two runs.

    Attributes:
        difference: The true difference, in points (hundredths of a correlation).
        orders: In how many orders each item is judged.
        samples: Of each order.
        items: That show it with a chance of 80%; None where it is what so many items detect.
        items_low: By the lower end of the pilot's interval of how often two runs differ; None of a guess.
        items_high: By its upper end.
        replies: Of all runs together.
        cost_usd: Of these, at the pilot's price of a reply; None where that is not known.
    """

    difference: float
    orders: int
    samples: int
    items: int
    items_low: int | None
    items_high: int | None
    replies: int
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class LabelNeed:
    """The labels that make an interval of a rate so wide.

    Attributes:
        width: From the lower to the upper end, in points.
        labels: By people, without a judge.
        with_judge: With the judge's verdicts on the same items and on `judged` more (PPI++).
        judged: The items that only the judge judges.
        cost_usd: Of all verdicts of one judge; None where the price is not known.
    """

    width: float
    labels: int
    with_judge: int
    judged: int
    cost_usd: float | None


@dataclass(frozen=True, slots=True, repr=False)
class PowerPlan(Tabular):
    """What `plan` found.

    Attributes:
        pilot: The folders of the pilot runs; empty of a guess.
        pilot_items: The labelled items that they share; 0 of a guess.
        runs: How many runs are compared.
        alpha: The level of each test, after Holm's correction.
        assumed: What was taken to be so: from the pilot, given, or the usual.
        differences: The items for a difference, or the difference that a number of items detects.
        labels: The labels for an interval of a rate.
        asked_items: The number of items that differences are of; None where items are what is asked.
        cannot: What cannot be said, and what would be enough.
        measure: What the scores are.
    """

    pilot: tuple[Path, ...]
    pilot_items: int
    runs: int
    alpha: float
    assumed: tuple[tuple[str, float, str], ...]
    differences: tuple[DifferenceNeed, ...]
    labels: tuple[LabelNeed, ...]
    asked_items: int | None = None
    cannot: tuple[str, ...] = ()
    measure: Measure | None = "share"

    def to_json(self) -> dict[str, object]:
        """An object of plain values."""
        data = asdict(self)
        data["pilot"] = list(map(str, self.pilot))
        data["assumed"] = {name: {"value": value, "source": source} for name, value, source in self.assumed}
        return {"sentence": self.sentence, **data}

    @property
    def sentence(self) -> str:
        """The answer in a sentence."""
        return "; ".join(filter(None, (self._of_differences, self._of_labels)))

    @property
    def _of_differences(self) -> str:
        if not self.differences:
            return ""
        few, two = self.differences[0], "two runs" if self.runs == 2 else f"any two of {self.runs} runs"
        points = margin_text(few.difference if self.asked_items is None else round(few.difference, 1), self.measure)
        if self.asked_items is not None:
            return f"{_items(few.items)} detect differences of {points} or more between {two} (80% power)"
        price = "" if few.cost_usd is None else f", {dollars(few.cost_usd)}"
        said = f"{_items(few.items)} show a difference of {points} between {two} (80% power){price}"
        same = [each for each in self.differences if each.difference == few.difference]
        best = min(same, key=lambda each: each.replies)
        if best is few:
            return said
        price = "" if best.cost_usd is None else f", {dollars(best.cost_usd)}"
        orders = f"{best.orders} orders and " * (best.orders > 1)
        each = f"{orders}{best.samples} sample{'s' * (best.samples > 1)}"
        return f"{said}; fewest replies with {each}: {_items(best.items)}, {thousands(best.replies)} replies{price}"

    @property
    def _of_labels(self) -> str:
        if not self.labels:
            return ""
        first = self.labels[0]
        return (
            f"{thousands(first.labels)} labels make an interval {margin_text(first.width, 'share')} wide, "
            f"{thousands(first.with_judge)} with the judge's verdicts on {thousands(first.judged)} more items"
        )

    def tables(self) -> Sequence[Table]:
        """The answer, the items for a difference, the labels for a width, and what was assumed."""
        tables = [Table((), title="plan", about=self._about, notes=[self.sentence])]
        if self.differences:
            tables.append(self._differences())
        if self.labels:
            tables.append(self._labels())
        return [*tables, Table((), notes=list(self._legend()))]

    def table(self) -> Table:
        """The items for a difference; where none was asked for, the labels for a width."""
        return self._differences() if self.differences else self._labels()

    def remarks(self) -> Sequence[str]:
        """What cannot be said, and what would be enough."""
        return self.cannot

    @property
    def _about(self) -> str:
        pilot = f"pilot: {len(self.pilot)} runs" if len(self.pilot) > 1 else "pilot: 1 run"
        return f"{pilot} · {self.pilot_items:,} items" if self.pilot else "from a guess"

    def _differences(self) -> Table:
        columns: Columns = {
            Column("difference", "number", head=f"difference ({self._unit})", form=".3g"): lambda each: each.difference,
        }
        if len({each.orders for each in self.differences}) > 1 or self.differences[0].orders > 1:
            columns[Column("orders", "count")] = lambda each: each.orders
        columns[Column("samples", "count")] = lambda each: each.samples
        columns[Column("items", "tokens")] = lambda each: each.items
        if any(each.items_low is not None for each in self.differences):
            columns[Column("items, 95% CI", "tokens", head="95% CI")] = lambda each: (
                None if each.items_low is None else (each.items_low, each.items_high)
            )
        columns[Column("replies", "tokens")] = lambda each: each.replies
        if any(each.cost_usd is not None for each in self.differences):
            columns[Column("cost", "money")] = lambda each: each.cost_usd
        return Table.of(self.differences, columns)

    def _labels(self) -> Table:
        columns: Columns = {
            Column("width", "number", head="width (pp)", form=".3g"): lambda each: each.width,
            Column("labels", "tokens", head="labels alone"): lambda each: each.labels,
            Column("with the judge", "tokens", head="labels with the judge"): lambda each: each.with_judge,
            Column("judged", "tokens", head="items judged"): lambda each: each.judged + each.with_judge,
        }
        if any(each.cost_usd is not None for each in self.labels):
            columns[Column("cost", "money")] = lambda each: each.cost_usd
        return Table.of(self.labels, columns)

    @property
    def _unit(self) -> str:
        return "pp" if self.measure == "share" else "hundredths"

    def _legend(self) -> Iterator[str]:
        for source in dict.fromkeys(source for *_, source in self.assumed):
            named = [f"{name} {_value(name, value)}" for name, value, own in self.assumed if own == source]
            yield f"{source}: {', '.join(named)}"
        if self.differences:
            pairs = self.runs * (self.runs - 1) // 2
            corrected = "" if pairs == 1 else f" (5% by Holm over {pairs} pairs)"
            yield f"items: 80% power at the level {self.alpha:.3g}{corrected}, two-sided, runs over the same items"
            if len({(each.orders, each.samples) for each in self.differences}) > 1:
                yield "orders, samples: the mean credit of all replies to an item counts"
            if any(each.items_low is not None for each in self.differences):
                yield "95% CI: from the pilot's interval of how often two runs differ, for its own orders and samples"
        if self.labels:
            yield "labels: drawn at random; with the judge: PPI++ (judgebench estimate), its verdicts on all items"


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{thousands(count)} items"


def _value(name: str, value: float) -> str:
    return f"{value:.2f}" if name in {"design effect", "correlation of verdict and label"} else percent(value)
