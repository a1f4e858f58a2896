"""How a judge behaves beside being right: its biases from its readings, and what its sureness is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from judgebench.items import LABELS, TIE, Reading, Verdict
from judgebench.metrics import bias
from judgebench.metrics.calibration import risk_coverage
from judgebench.metrics.choice_model import collect_choices
from judgebench.metrics.summary import position_bias

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
) -> list[Behaviour]:
    """Every bias that the readings can show.

    Args:
        readings: By the item's id.
        keys: The items.
        own: By the item's id, whether each completion is by the judge's own family, where that is known.
        outcomes: Those of ratings or scores, which are no choices among the readings.
    """
    found: list[Behaviour] = []
    first = position_bias(readings, keys)
    if first is not None:
        found.append(Behaviour("position bias (first slot)", "share", first))
    found += _by_position(readings, keys)
    same = _consistency(readings)
    if same is not None:
        found.append(Behaviour("position consistency", "share", same, tested=False))
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


def _choices(readings: Mapping[str, Sequence[Reading]]) -> Iterator[tuple[int, str, Reading]]:
    for number, (item, among) in enumerate(readings.items()):
        for reading in among:
            if isinstance(reading.result, Verdict) and isinstance(reading.result.value, str):
                yield number, item, reading


def _by_position(readings: Mapping[str, Sequence[Reading]], keys: Mapping[str, ItemKey]) -> Iterator[Behaviour]:
    """Accuracy with the correct completion in one slot less that in the others; of a pair the second is the mirror."""
    items, slots, credits_ = [], [], []
    for number, item, reading in _choices(readings):
        key = keys.get(item)
        correct = [slot for slot, index in enumerate(reading.order) if key is not None and index < key.num_correct]
        if len(correct) == 1:
            items.append(number)
            slots.append(correct[0])
            said = reading.result.value if isinstance(reading.result, Verdict) else TIE
            credits_.append(1 / len(reading.order) if said == TIE else float(said == LABELS[correct[0]]))
    if not items:
        return
    found = bias.accuracy_by_position(slots, credits_, clusters=items)
    for each in found[:1] if len(found) == 2 else found:
        if each.against_rest is not None:
            name = f"accuracy: correct answer in slot {LABELS[each.slot]} minus other slots"
            yield Behaviour(name, "difference", each.against_rest, tested=False)


def _consistency(readings: Mapping[str, Sequence[Reading]]) -> BiasEstimate | None:
    """Over questions that were put in several orders; a tie is a choice of its own."""
    orders: dict[tuple[int, tuple[int, ...]], set[tuple[int, ...]]] = {}
    rows = []
    for number, _, reading in _choices(readings):
        question = (number, tuple(sorted(reading.order)))
        orders.setdefault(question, set()).add(reading.order)
        rows.append((question, -1 if reading.choice is None else reading.choice, len(reading.order)))
    several = {question: at for at, question in enumerate(q for q, seen in orders.items() if len(seen) > 1)}
    rows = [row for row in rows if row[0] in several]
    if not rows:
        return None
    questions, chosen, slots = zip(*rows, strict=True)
    return bias.consistency(chosen, [several[question] for question in questions], slots)


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
