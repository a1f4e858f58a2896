"""Variance components of finished runs: of one judge's runs with several templates, orders or samples."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from judgebench._util.table import Column, Marked, Table
from judgebench._util.text import coefficient
from judgebench.metrics.accuracy import group_weights
from judgebench.metrics.components import RESIDUAL, SAMPLES, WORDINGS, variance_components
from judgebench.protocols import pairs as pairings
from judgebench.runs import protocol_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from judgebench._util.table import Columns
    from judgebench.items import Reading
    from judgebench.metrics.components import Component, Components
    from judgebench.metrics.intervals import Floats
    from judgebench.runs import Finished

_FEW = 3


@dataclass(frozen=True, slots=True)
class RunComponents:
    """The variance components of one judge's runs that differ in nothing but the template, or of one run.

    Attributes:
        judge: The judge's name.
        runs: Their numbers in the comparison, from 0.
        templates: Of each run.
        left_out: How many items are left out, since a reply failed or there are no credits.
        found: The components.
    """

    judge: str
    runs: tuple[int, ...]
    templates: tuple[str, ...]
    left_out: int
    found: Components

    @property
    def sentence(self) -> str | None:
        """How far wordings move the score; None of a single one."""
        wordings = self.found.of(WORDINGS)
        if wordings is None:
            return None
        sd, low, high = (f"{100 * value:.1f}" for value in (wordings.sd, wordings.low**0.5, wordings.high**0.5))
        few = ", too few to say much of others" if self.found.wordings < _FEW else ""
        below = " (the estimate of its variance is below 0 and counts as 0)" if wordings.truncated else ""
        return (
            f"wording moves the score of {self.judge} by sd {sd} points{below} (95% CI {low} to {high}, from "
            f"{self.found.wordings} templates{few})"
        )


def components_of(runs: Sequence[Finished], items: Sequence[str]) -> tuple[RunComponents, ...]:
    """The variance components of each judge among runs over the same items that has several replies to an item.

    Args:
        runs: Of one benchmark.
        items: Ids of those that are compared and have labels.
    """
    groups: dict[tuple[str, ...], list[int]] = {}
    for at, run in enumerate(runs):
        if run.is_scores or run.made_of or run.run.manifest.altered is not None:
            continue
        protocol, template = protocol_of(run), run.run.manifest.template
        if not protocol.in_rounds and not protocol.recorded:
            place = (run.name.judge, run.name.protocol, str(template.mode))
            among = groups.setdefault(place, [])
            if run.name.template in {runs[other].name.template for other in among}:
                among = groups.setdefault((*place, str(at)), [])
            among.append(at)
    found = (_of_group(runs, among, items) for among in groups.values())
    return tuple(each for each in found if each is not None)


def _of_group(runs: Sequence[Finished], among: Sequence[int], items: Sequence[str]) -> RunComponents | None:
    first = runs[among[0]]
    protocol, layout = protocol_of(first), first.benchmark.layout
    if len(among) == 1 and protocol.samples == 1 and protocol.orders == "one":
        return None
    outcomes = [first.outcomes[item] for item in items]
    scored = [each for each in outcomes if each.credit is not None and each.item.subset not in layout.strata]
    if not scored:
        return None
    # Weights are those of all scored items: what is left out below is taken to be like the rest of its subset.
    weights = {group.place: group.in_score / group.n for group in group_weights(scored, layout)}
    scored = [each for each in scored if layout.place_of(each.item) in weights]
    if not scored:  # such as an F1 of items of one kind
        return None
    cells = [_Cells(runs[at]) for at in among]
    orders = Counter(cells[0].orders(each.item.id) for each in scored).most_common(1)[0][0]
    every = [(each, [cell.credits(each.item.id, orders) for cell in cells]) for each in scored]
    whole = [(each, credits_) for each, credits_ in every if all(one is not None for one in credits_)]
    if not whole:
        return None
    keys = [each.item for each, _ in whole]
    components = variance_components(
        np.array([credits_ for _, credits_ in whole], dtype=np.float64).swapaxes(0, 1),
        [weights[layout.place_of(key)] for key in keys],
        [key.subset for key in keys],
        [first.benchmark.unit(key) for key in keys],
    )
    if components is None:
        return None
    templates = tuple(runs[at].name.template or "" for at in among)
    return RunComponents(first.name.judge, tuple(among), templates, len(items) - len(whole), components)


class _Cells:
    """The credit of each order and sample of a run's items by itself."""

    def __init__(self, run: Finished) -> None:
        self._run, self._protocol = run, protocol_of(run)

    def orders(self, item: str) -> int:
        """In how many orders each question about an item was put; 0 where that differs between them."""
        counts = {len(orders) for orders in self._questions(item).values()}
        return counts.pop() if len(counts) == 1 else 0

    def credits(self, item: str, orders: int) -> Floats | None:
        """Shape (orders, samples); None where a reply is missing or failed, or there are not so many orders."""
        questions = self._questions(item)
        if not orders or self.orders(item) != orders or any(r.failed for r in self._run.readings.get(item, ())):
            return None
        samples, key, found = self._protocol.samples, self._run.keys[item], []
        for order in range(orders):
            for sample in range(samples):
                readings = [list(of.values())[order].get(sample) for of in questions.values()]
                there = [reading for reading in readings if reading is not None]
                if len(there) < len(readings):
                    return None
                credit = pairings.outcome(self._run.benchmark, self._protocol, key, there).credit
                if credit is None:
                    return None
                found.append(credit)
        return np.array(found).reshape(orders, samples)

    def _questions(self, item: str) -> Mapping[tuple[int, ...], Mapping[tuple[int, ...], Mapping[int, Reading]]]:
        """The readings of an item by question, order and sample."""
        found: dict[tuple[int, ...], dict[tuple[int, ...], dict[int, Reading]]] = {}
        for reading in sorted(self._run.readings.get(item, ()), key=lambda each: (each.order, each.sample)):
            by_order = found.setdefault(tuple(sorted(reading.order)), {})
            by_order.setdefault(reading.order, {})[reading.sample] = reading
        return found


def named(each: RunComponents, among: Sequence[RunComponents], names: Sequence[str] = ()) -> str:
    """What the runs of one judge are called: the judge where no other runs are its own.

    Args:
        each: The judge's components.
        among: Those of all judges.
        names: What the runs are called; empty for their numbers from 1.
    """
    if names and sum(other.judge == each.judge for other in among) == 1:
        return each.judge
    return ", ".join(names[at] if names else str(at + 1) for at in each.runs)


def components_table(every: Sequence[RunComponents], names: Sequence[str] = ()) -> Table:
    """The components of each judge, the standard deviation in points.

    Args:
        every: Of each judge.
        names: What the runs are called; empty for their numbers from 1.
    """
    rows = [(each, part) for each in every for part in each.found.components]
    columns: Columns = {
        **({Column("runs", names=True): lambda row: named(row[0], every, names)} if len(every) > 1 else {}),
        Column("variance of", names=True): lambda row: row[1].source,
        Column("sd", "reach", head="sd (pp)"): lambda row: Marked(row[1].sd, "*") if row[1].truncated else row[1].sd,
        Column("95% CI", "reach"): lambda row: (row[1].low ** 0.5, row[1].high ** 0.5),
        Column("share", "share", head="share of variance"): lambda row: row[1].share,
    }
    last = {id(each.found.components[-1]) for each in every}
    return Table.of(rows, columns, lambda row: {"unit": "share", "rule": len(every) > 1 and id(row[1]) in last})


def component_lines(every: Sequence[RunComponents]) -> Iterator[str]:
    """What the components say: wordings in a sentence, ICC, and how they were made."""
    yield from filter(None, (each.sentence for each in every))
    for each in every:
        found = each.found
        if found.icc is not None and found.icc_low is not None and found.icc_high is not None:
            ends = f"{coefficient(found.icc_low)} to {coefficient(found.icc_high)}"
            yield (
                f"ICC of {each.judge}: {coefficient(found.icc)} (95% CI {ends}): share of the variance of one reply's "
                f"credit that is between items ({found.items} items)"
            )
    parts = list(chain.from_iterable(each.found.components for each in every))
    yield from _how(every, parts)


def _how(every: Sequence[RunComponents], parts: Sequence[Component]) -> Iterator[str]:
    sources = {part.source for part in parts}
    said = "variance components: sd of one reply's credit within its subset"
    yield f"{said}; of wordings, of the score" if WORDINGS in sources else said
    if RESIDUAL in sources and SAMPLES not in sources:
        yield "residual: what cannot be separated without repeated samples (--samples 3)"
    if any(part.truncated for part in parts):
        yield "*: the unbiased estimate is below 0 and counts as 0"
    if left_out := max(each.left_out for each in every):
        yield f"up to {left_out} items without a credit for every reply are left out of the components"
