"""What a judge says of one row, in the row's own terms: the columns that `filter` writes beside it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Literal, NamedTuple

from judgebench._util.text import encodable
from judgebench.items import LABELS, TIE, Failure
from judgebench.metrics.sureness import unsureness
from judgebench.metrics.votes import join, rating_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from judgebench.engine.filterrows import ChunkItems
    from judgebench.engine.spec import RunSpec
    from judgebench.items import FailureKind, ItemKey, Reading
    from judgebench.metrics.sureness import By
    from judgebench.runs import Judgement
    from judgebench.sources.cellvalues import Kind

COLUMNS: dict[str, Kind] = {
    "choice": "text",
    "agrees": "boolean",
    "consistent": "boolean",
    "probability": "number",
    "rating": "number",
    "label": "text",
    "failure": "text",
    "cost_usd": "number",
}
"""What the judge's columns hold, by their names after the prefix."""

CHOSEN, REJECTED = "chosen", "rejected"
"""What `choice` calls the answers of rows that say which is which."""

Asked = Literal["choices", "ratings", "grades", "classes", "steps", "criteria"]


class RowVerdict(NamedTuple):
    """What a judge says of one row.

    Attributes:
        row: Its number.
        bad: Why it cannot be used; the rest is then null.
        choice: `chosen` or `rejected` (`rejected[1]` of several), where the row says which is which; else the letter of
            the answer in the row, `A` the first; or `tie`. Null where the judge chooses nothing.
        agrees: Whether the verdict is the row's label; null without a label, or without a verdict.
        consistent: Whether all replies (orders, samples) say the same; null with one reply, or where one failed.
        probability: Of what the judge finds the most probable: by log-probabilities, else the share of its replies;
            null with one reply and no log-probabilities.
        rating: The mean rating of the answer, of several that of the highest; of criteria, their weighted score.
        label: The class, or the number of the first wrong step.
        failure: The kind of the first reply that has no verdict; null where all have one.
        cost_usd: What the replies cost; null where the price is not known.
        uncertainty: How unsure the judge is, as `cascade` measures it; null without a verdict.
        labelled: Whether the row has a label that a verdict can agree with.
        unit: What it shares with others: its group, or its prompt.
    """

    row: int
    bad: str | None = None
    choice: str | None = None
    agrees: bool | None = None
    consistent: bool | None = None
    probability: float | None = None
    rating: float | None = None
    label: str | None = None
    failure: str | None = None
    cost_usd: float | None = None
    uncertainty: float | None = None
    labelled: bool = False
    unit: str | None = None


@dataclass(frozen=True)
class VerdictReader:
    """Makes the verdicts of the rows of a run.

    Attributes:
        asked: What verdicts are.
        several: Whether a row gets several replies to one question.
        sign: What tells that the judge is unsure; None where nothing does.
        scale: Of ratings.
    """

    spec: RunSpec
    asked: Asked
    several: bool
    sign: By | None
    scale: tuple[float, float] | None

    @classmethod
    def of(cls, spec: RunSpec, keys: Iterable[ItemKey]) -> VerdictReader:
        """The reader for a run.

        Args:
            spec: The run.
            keys: An item of each shape.
        """
        keys = list(keys)
        mode = spec.template.mode
        single = all(key.k == 1 for key in keys)
        asked: Asked = "choices"
        if mode == "rating":
            asked = "grades" if single else "ratings"
        elif mode in {"label", "steps", "criteria"}:
            asked = {"label": "classes", "steps": "steps", "criteria": "criteria"}[mode]  # type: ignore[assignment]
        several = any(spec.count(key) > len(spec.every_question(key)) for key in keys)
        sign: By | None = "disagreement" if several else None
        if asked == "ratings":
            sign = "margin"
        elif spec.orders.soft or spec.judge.decides:
            sign = "confidence"
        return cls(spec, asked, several, sign, spec.template.rule.scale)

    @property
    def columns(self) -> set[str]:
        """Names of the columns that can hold anything, labels aside."""
        found = {"failure", "cost_usd"}
        found |= {"choice"} if self.asked in {"choices", "ratings"} else set()
        found |= {"rating"} if self.asked in {"ratings", "grades", "criteria"} else set()
        found |= {"label"} if self.asked in {"classes", "steps"} else set()
        found |= {"consistent"} if self.several and self.asked not in {"grades", "criteria"} else set()
        if self.asked in {"choices", "classes", "steps"}:
            found |= {"probability"} if self.several or self.sign == "confidence" else set()
        return found | ({"agrees"} if self.asked not in {"grades", "criteria"} else set())

    def verdicts(
        self, spec: RunSpec | None, made: ChunkItems, judgements: Iterable[Judgement]
    ) -> tuple[list[RowVerdict], bool]:
        """The verdicts of a chunk, in the order of its rows, and whether none of its calls is to be made again.

        Args:
            spec: The run over it; None where no row is an item.
            made: Its items.
            judgements: All that were recorded, in order.
        """
        readings: dict[str, dict[tuple[tuple[int, ...], int], Reading]] = {}
        costs: dict[str, float | None] = {}
        again: set[tuple[str, tuple[int, ...], int]] = set()
        for each in judgements:
            call = (each.item, each.order, each.sample)
            readings.setdefault(each.item, {})[call[1:]] = each.reading
            (again.add if each.is_asked_again else again.discard)(call)
            paid, before = _cost_of(each), costs.get(each.item, 0.0)
            costs[each.item] = None if paid is None or before is None else before + paid
        found = [RowVerdict(number, bad=what) for number, what in made.bad.items()]
        if spec is None:
            return sorted(found), True
        dataset, given = spec.dataset, made.orders
        for item in dataset:
            key = dataset.keys[item.id]
            unit = dataset.benchmark.key(item).group
            own = list(readings.get(item.id, {}).values())
            verdict = self._verdict(made.numbers[item.id], key, own, given.get(item.id))
            found.append(verdict._replace(cost_usd=costs.get(item.id, 0.0), unit=encodable(unit)))
        return sorted(found), not again

    def _verdict(
        self, number: int, key: ItemKey, readings: Sequence[Reading], order: Sequence[int] | None
    ) -> RowVerdict:
        said, rating = self._said(key, readings)
        failure: FailureKind | None = next((r.result.kind for r in readings if isinstance(r.result, Failure)), None)
        labelled = key.labelled and not key.graded and self.asked not in {"grades", "criteria"}
        asked = self.asked in {"choices", "classes", "steps"}
        known = [reading for reading in readings if not reading.failed]
        unsure = None
        if said is not None and self.asked != "criteria":
            unsure = round(unsureness(key, readings, self.sign or "disagreement", self.scale), 9)
        choosing = self.asked in {"choices", "ratings"} and said is not None
        return RowVerdict(
            row=number,
            choice=_named(key, said, order) if choosing and said is not None else None,
            agrees=_agrees(key, said) if labelled and said is not None else None,
            consistent=self._same(key, readings),
            probability=round(1 - unsureness(key, readings, "confidence"), 9)
            if asked and known and (self.several or self.sign == "confidence")
            else None,
            rating=rating,
            label=str(said) if said is not None and self.asked in {"classes", "steps"} else None,
            failure=failure,
            uncertainty=unsure,
            labelled=labelled,
        )

    def _same(self, key: ItemKey, readings: Sequence[Reading]) -> bool | None:
        """Whether all replies name the same, or all samples rate the same answer highest; None where one has failed."""
        if not self.several or len(readings) < 2 or any(each.failed for each in readings):
            return None
        if self.asked in {"choices", "classes", "steps"}:
            return len({each.named for each in readings}) == 1
        if self.asked != "ratings":
            return None
        samples: dict[int, list[Reading]] = {}
        for each in readings:
            samples.setdefault(each.sample, []).append(each)
        return len({_highest(key, among)[0] for among in samples.values()}) == 1

    def _said(self, key: ItemKey, readings: Sequence[Reading]) -> tuple[int | str | None, float | None]:
        """The one verdict, the number of a completion or a text, and the rating."""
        rule = self.spec.orders.join
        known = [reading for reading in readings if not reading.failed]
        if self.asked in {"grades", "criteria"}:
            soft = rule == "probability"
            if self.asked == "grades":
                return None, fmean(rating_of(each, soft=soft) for each in known) if known else None
            return None, fmean(each.rating or 0.0 for each in known) if known else None
        if self.asked == "ratings":
            return _highest(key, known)
        if rule == "mean" and self.asked == "steps":
            rule = "majority"
        votes = Counter(
            None if each.failed else TIE if each.named is None else each.named for each in join(readings, rule)
        )
        votes.pop(None, None)
        if not votes:
            return None, None
        most = max(votes.values())
        best = [each for each, count in votes.items() if count == most]
        return (best[0] if len(best) == 1 else TIE if self.asked == "choices" else None), None


def _highest(key: ItemKey, known: Sequence[Reading]) -> tuple[int | str | None, float | None]:
    """The completion with the highest mean rating, or a tie, and that rating; nothing where one has no rating."""
    ratings: dict[int, list[float]] = {}
    for each in known:
        ratings.setdefault(each.order[0], []).append(rating_of(each, soft=False))
    if len(ratings) < key.k:
        return None, None
    means = {at: fmean(found) for at, found in ratings.items()}
    top = max(means.values())
    best = [at for at, mean in means.items() if mean == top]
    return (best[0] if len(best) == 1 else TIE), top


def _named(key: ItemKey, said: int | str, order: Sequence[int] | None) -> str:
    """A completion as the row calls it."""
    if isinstance(said, str):
        return said
    if order is not None:
        return LABELS[order[said]]
    name, at, of = CHOSEN, said, key.num_correct
    if said >= key.num_correct:
        name, at, of = REJECTED, said - key.num_correct, key.k - key.num_correct
    return name if of == 1 else f"{name}[{at}]"


def _agrees(key: ItemKey, said: int | str) -> bool:
    if key.k == 1:
        return str(said) == key.gold
    return said == TIE if key.label == TIE else isinstance(said, int) and said < key.num_correct


def _cost_of(judgement: Judgement) -> float | None:
    """What a reply cost; None where there is one, and that is not known."""
    if judgement.cost_usd is not None:
        return judgement.cost_usd
    said = judgement.failure is None or judgement.reply is not None or judgement.latency_s is not None
    return None if said else 0.0
