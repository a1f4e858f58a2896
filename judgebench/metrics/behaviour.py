"""How a judge behaves beside being right: its biases from its readings, and what its sureness is worth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from judgebench.items import LABELS, TIE, Reading, Verdict
from judgebench.metrics import bias
from judgebench.metrics.calibration import risk_coverage
from judgebench.metrics.choice_model import collect_choices
from judgebench.metrics.retest import order_agreements
from judgebench.metrics.summary import chosen_slots

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from judgebench.items import ItemKey, Outcome
    from judgebench.metrics.bias import BiasEstimate
    from judgebench.metrics.choice_model import ChoiceModel

COVERAGES = (0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One bias of a judge.

    Attributes:
        name: What it is, in a few words.
        unit: A `share`, a `difference` of shares, or `log-odds`.
        estimate: With its interval, null, p, and the smallest effect that so many items show.
        tested: Whether it is a bias of its own, whose p is corrected; the others describe, or say the same again
            (with both orders, accuracy by position is the share of the first).
    """

    name: str
    unit: Literal["share", "difference", "log-odds"]
    estimate: BiasEstimate
    tested: bool = True


@dataclass(frozen=True, slots=True)
class Sureness:
    """What it is worth that a judge is sure: by how far its best score is above the next.

    Attributes:
        accuracy: Share of the items taken, the surest first, and the mean credit among them.
        area: Mean risk over all shares (AURC); lower is better.
        random: What it is in a random order.
        optimum: What it is with the right ones first.
        n: Items with ratings or scores.
    """

    accuracy: tuple[tuple[float, float], ...]
    area: float
    random: float
    optimum: float
    n: int


def behaviours(
    readings: Mapping[str, Sequence[Reading]],
    keys: Mapping[str, ItemKey],
    own: Mapping[str, Sequence[bool]] | None = None,
    outcomes: Iterable[Outcome] = (),
    *,
    placed: bool = True,
) -> list[Behaviour]:
    """Every bias that the readings can show.

    Args:
        readings: By the item's id.
        keys: The items.
        own: By the item's id, whether each completion is by the judge's own family, where that is known.
        outcomes: Those of ratings or scores, which are no choices among the readings.
        placed: Whether it is known in which slot each completion was shown.
    """
    found: list[Behaviour] = []
    if placed:
        found += _by_slot(readings, keys)
        found += _by_position(readings, keys)
        found += _consistency(readings, keys)
    found += _by_choice_model(collect_choices(readings, keys, outcomes, own).fit())
    return found


def _by_choice_model(model: ChoiceModel | None) -> Iterator[Behaviour]:
    """Length bias and self-preference, each beyond the other; associations where that is all that can be said."""
    if model is None:
        return
    for name, estimate in (("length", model.length), ("self-preference", model.own)):
        if estimate is not None:
            kind = " association" if estimate.association else " bias" if name == "length" else ""
            yield Behaviour(f"{name}{kind} (log-odds)", "log-odds", estimate, tested=not estimate.association)


def _by_position(readings: Mapping[str, Sequence[Reading]], keys: Mapping[str, ItemKey]) -> Iterator[Behaviour]:
    """Accuracy with the correct completion in one slot less that in the others; of a pair the second is the mirror."""
    units, slots, credits_ = [], [], []
    labelled = ((keys[item], reading) for item, among in readings.items() if item in keys for reading in among)
    for key, reading in labelled:
        said = reading.result.value if isinstance(reading.result, Verdict) else None
        correct = [slot for slot, index in enumerate(reading.order) if index < key.num_correct]
        if isinstance(said, str) and len(correct) == 1:
            units.append(key.unit)
            slots.append(correct[0])
            credits_.append(1 / len(reading.order) if said == TIE else float(said == LABELS[correct[0]]))
    if not units:
        return
    found = bias.accuracy_by_position(slots, credits_, clusters=units)
    for each in found[:1] if len(found) == 2 else found:
        if each.against_rest is not None:
            name = f"accuracy: correct answer in slot {LABELS[each.slot]} minus other slots"
            yield Behaviour(name, "difference", each.against_rest, tested=False)


def _by_slot(readings: Mapping[str, Sequence[Reading]], keys: Mapping[str, ItemKey]) -> Iterator[Behaviour]:
    """The share of the first slot; of more than two slots the test of all, with the share furthest from its null."""
    items, chosen, shown = chosen_slots(readings, keys)
    first, slots = bias.first_position(chosen, shown, clusters=items), bias.slot_shares(chosen, shown, clusters=items)
    if first is None or slots is None:
        return
    several = len(slots.shares) > 2
    yield Behaviour("position bias (first slot)", "share", first, tested=not several)
    if several:
        at = slots.furthest
        estimate = bias.share_against([each == at for each in chosen], slots.nulls[at], clusters=items)
        if estimate is not None:
            name = f"position bias (all slots; furthest: {LABELS[at]})"
            yield Behaviour(name, "share", replace(estimate, p=slots.p))


def _consistency(readings: Mapping[str, Sequence[Reading]], keys: Mapping[str, ItemKey]) -> Iterator[Behaviour]:
    """Agreement of all orders; with several samples, of two orders less that of two samples of one order."""
    every = [each for each in order_agreements(readings) if each.all_orders is not None]
    unit = {each.item: keys[each.item].unit if each.item in keys else each.item for each in every}
    same = [each.all_orders for each in every if each.all_orders is not None]
    estimate = bias.share_against(same, 0.5, clusters=[unit[each.item] for each in every])
    if estimate is not None:
        bare = replace(estimate, null=None, p=None, smallest_effect=None)
        yield Behaviour("position consistency", "share", bare, tested=False)
    repeated = [
        (unit[each.item], each.different_orders - each.same_order)
        for each in every
        if each.different_orders is not None and each.same_order is not None
    ]
    if repeated:
        items, differences = zip(*repeated, strict=True)
        effect = bias.mean_difference(differences, clusters=items)
        if effect is not None:
            yield Behaviour("agreement: two orders minus one order", "difference", effect, tested=False)


def sureness(outcomes: Iterable[Outcome]) -> Sureness | None:
    """Whether ratings or scores that are further apart are more often right; None where there are none.

    Items with a single correct completion count, whose scores are all there.
    """
    margins, credits_ = [], []
    for outcome in outcomes:
        if outcome.credit is None or outcome.item.num_correct != 1 or not outcome.scores:
            continue
        means = [None if None in column else sum(column) / len(column) for column in zip(*outcome.scores, strict=True)]
        there = [mean for mean in means if mean is not None]
        if len(there) < len(means) or len(there) < 2:
            continue
        best, second = sorted(there, reverse=True)[:2]
        margins.append(best - second)
        credits_.append(outcome.credit)
    if not margins:
        return None
    curve = risk_coverage(margins, credits_)
    n = len(margins)
    taken = [max(round(share * n), 1) for share in COVERAGES]
    accuracy = tuple((share, 1 - float(curve.risk[at - 1])) for share, at in zip(COVERAGES, taken, strict=True))
    return Sureness(accuracy, curve.area, curve.random, curve.optimum, n)
