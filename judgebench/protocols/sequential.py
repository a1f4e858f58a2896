"""Two runs compared until the difference is shown: which items come when, and when the interval is looked at.

The items come in an order drawn from the seed and their ids alone, so that nothing that a judge says has a part in it.
Where the score weighs items differently, the groups of items of equal weight are drawn with the chance of their weight,
and an item of the group after that: so the mean difference over the items drawn is an unbiased estimate of the official
score's, and each difference is worth the same. When a group that is drawn has no item left, the draw ends; the items
left have a part in the last look alone. Items that belong together are not independent: one of them is drawn, with
the weight of all.
"""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from shlex import quote
from typing import TYPE_CHECKING

from judgebench.errors import ConfigError
from judgebench.items import Outcome
from judgebench.metrics.accuracy import group_weights
from judgebench.metrics.intervals import MeanStratum

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from judgebench.items import ItemKey
    from judgebench.metrics.accuracy import Layout

_FEWEST, _PART = 32, 8
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class UntilShown:
    """That a run goes on until its difference from another is shown, or cannot be of a size that matters.

    Attributes:
        against: What the other is called: its judge, or its template where the judge is the same.
        judge: The other's.
        template: The other's, by name.
        template_hash: What tells whether a template of that name is the same.
        other: A hash of what makes the other the run that it is.
        size: The smallest difference of the scores that matters.
        alpha: The chance of any error that the test allows.
    """

    against: str
    judge: str
    template: str
    template_hash: str
    other: str
    size: float
    alpha: float

    def identity(self) -> dict[str, object]:
        """What makes it another run than one against another, or with other options."""
        return {"other": self.other, "size": self.size, "alpha": self.alpha}


@dataclass(frozen=True, slots=True)
class ItemOrder:
    """Items in the order in which they are judged.

    Attributes:
        tested: Ids of those that the repeated looks see.
        rest: Ids of the others, which are judged only where no look has settled anything, before the last one.
        weighted: Ids of those of both that count for the score.
    """

    tested: tuple[str, ...]
    rest: tuple[str, ...]
    weighted: tuple[str, ...]


def item_weights(keys: Iterable[ItemKey], layout: Layout) -> dict[str, float]:
    """What each item's credit weighs in the benchmark's score, by id, summing to 1; items without a label have none.

    Raises:
        ConfigError: The score is no mean of credits, or no item has a label.
    """
    labelled = [key for key in keys if key.labelled]
    if own := sorted({key.subset for key in labelled} & layout.strata.keys()):
        others = " ".join(f"--subset {quote(subset)}" for subset in sorted({key.subset for key in labelled} - {*own}))
        raise ConfigError(
            f"--sequential compares means over items, and the score of {', '.join(own)} is not one: "
            + (f"name the others: {others}" if others else "leave it out")
        )
    if not labelled:
        raise ConfigError("--sequential compares scores, and no item has a label: leave it out")
    outcomes = [Outcome(key, 0.5, 0.5, 0.5) for key in labelled]
    if not isinstance(layout.stratum(outcomes, "credit"), MeanStratum):
        raise ConfigError("--sequential compares means over items, and this score is a correlation: leave it out")
    shares = {group.place: group.in_score / group.n for group in group_weights(outcomes, layout)}
    weights = {key.id: shares[layout.place_of(key)] for key in labelled}
    return {item: weight for item, weight in weights.items() if weight > 0}


def drawn(keys: Collection[ItemKey], layout: Layout, seed: int) -> ItemOrder:
    """The items in the order in which they are judged.

    Args:
        keys: All of the run's.
        layout: How they make the benchmark's score.
        seed: The run's.

    Raises:
        ConfigError: See `item_weights`.
    """
    units = {key.id: key.unit for key in keys}
    weights = item_weights(keys, layout)
    drawable = _one_a_unit(weights, units, seed)
    groups: dict[float, list[str]] = {}
    for item in sorted(drawable, key=lambda item: _digest(seed, item), reverse=True):
        groups.setdefault(round(drawable[item], _DIGITS), []).append(item)
    tested = tuple(_draw(groups, drawable, seed))
    seen = {*tested}
    rest = sorted((item for item in units if item not in seen), key=lambda item: _digest(seed, item))
    return ItemOrder(tested, tuple(rest), tuple(sorted(weights)))


def _one_a_unit(weights: Mapping[str, float], units: Mapping[str, str], seed: int) -> dict[str, float]:
    """One item of each unit, drawn by its weight (Efraimidis and Spirakis 2006), with the weight of all of them."""
    members: dict[str, list[str]] = {}
    for item in weights:
        members.setdefault(units[item], []).append(item)
    return {
        max(among, key=lambda item: (math.log(_uniform(seed, item)) / weights[item], item)): sum(
            weights[item] for item in among
        )
        for among in members.values()
    }


def _draw(groups: Mapping[float, list[str]], weights: Mapping[str, float], seed: int) -> Iterator[str]:
    """Items of groups that are drawn by their weight, until one of these is empty; of a single group all."""
    names = sorted(groups)
    ends = list(accumulate(sum(weights[item] for item in groups[name]) for name in names))
    number = 0
    while True:
        number += 1
        at = _uniform(seed, f"{number}") * ends[-1]
        group = groups[names[min(bisect_right(ends, at), len(names) - 1)]]
        if not group:
            return
        yield group.pop()


def _uniform(seed: int, text: str) -> float:
    """A number of (0, 1)."""
    return (int.from_bytes(_digest(seed, text)[:8], "big") + 0.5) / 2**64


def _digest(seed: int, text: str) -> bytes:
    return hashlib.sha256(f"{seed}\0until-shown\0{text}".encode("utf-8", "surrogatepass")).digest()


def blocks(items: Sequence[str]) -> Iterator[Sequence[str]]:
    """The items that are judged between one look and the next: 32, or an eighth of those before."""
    at = 0
    while at < len(items):
        end = min(len(items), at + max(_FEWEST, at // _PART))
        yield items[at:end]
        at = end
