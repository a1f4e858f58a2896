"""Verdicts on items' own criteria beside people's labels: the figures of labels over all, and for each criterion."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from judgebench.items import Verdict, weighted_score
from judgebench.metrics.accuracy import mean_stratum, part_scores
from judgebench.metrics.labels import LabelVerdicts, label_figures
from judgebench.metrics.votes import criteria_shares, join_criteria

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from judgebench.items import Classes, Outcome, Reading
    from judgebench.metrics.accuracy import Layout
    from judgebench.metrics.votes import Join

MOST = 200
"""So many criteria have figures of their own, those of the most items first; the others count in those over all."""

Row = tuple[str, float, float, float, float, float]
"""A criterion's id and a row of `LabelVerdicts`."""


def criteria_figures(
    outcomes: Sequence[Outcome], readings: Mapping[str, Sequence[Reading]], classes: Classes, rule: Join
) -> tuple[dict[str, Any] | None, dict[str, dict[str, Any]]]:
    """The objects under `labels` and under `criteria` in `metrics.json`: over all criteria, and of each by its id.

    The verdicts on one item's criteria are not independent: intervals are clustered by item (by group, where items
    have one). A criterion without a verdict counts as wrong.

    Args:
        outcomes: One an item.
        readings: By the item's id, before they are aggregated.
        classes: Of the template.
        rule: How the readings of an item are aggregated.
    """
    rows = list(_rows(outcomes, readings, classes, rule))
    if not rows:
        return None, {}
    ids = np.array([row[0] for row in rows], dtype=object)
    whole = np.array([row[1:] for row in rows], dtype=np.float64)
    items = Counter(each.id for o in outcomes for each in o.item.checklist if each.gold is not None)
    shown = sorted(items, key=lambda name: (-items[name], name))[:MOST]
    found = {name: _figures(whole[ids == name], classes) for name in sorted(shown)}
    return _figures(whole, classes), {name: each for name, each in found.items() if each is not None}


def _figures(rows: np.ndarray[Any, np.dtype[np.float64]], classes: Classes) -> dict[str, Any] | None:
    gold, said, weight, unit, probability = rows.T
    verdicts = LabelVerdicts(gold.astype(np.int64), said.astype(np.int64), weight, unit.astype(np.int64), probability)
    return label_figures(verdicts, classes)


def _rows(
    outcomes: Sequence[Outcome], readings: Mapping[str, Sequence[Reading]], classes: Classes, rule: Join
) -> Iterator[Row]:
    number = {share: at for at, share in enumerate(classes.shares)}
    none = len(number)
    for outcome in outcomes:
        item = outcome.item
        gold = {each.id: each.gold for each in item.checklist if each.gold is not None}
        if outcome.credit is None or not gold:
            continue
        unit = crc32(item.unit.encode("utf-8", "surrogatepass"))
        there = readings.get(item.id, ())
        samples: dict[int, dict[str, float]] = {}
        for reading in join_criteria(there, rule):
            parts = reading.result.parts if isinstance(reading.result, Verdict) else ()
            samples.setdefault(reading.sample, {}).update(parts)
        chances = _chances(there, classes)
        for name, share in gold.items():
            for met in samples.values():
                said = number.get(met[name], none) if name in met else none
                yield name, number[share], said, 1 / len(samples), unit, chances.get(name, np.nan)


def _chances(readings: Sequence[Reading], classes: Classes) -> dict[str, float]:
    """The mean probability of the positive class of each criterion, where replies tell it."""
    positive = classes.shares[classes.names.index(classes.positive)]
    told: dict[str, list[float]] = {}
    for reading in readings:
        soft = reading.result.soft if isinstance(reading.result, Verdict) else None
        if soft is None:
            continue
        every = criteria_shares(reading, soft=True)
        known = every if len(every) == 1 else dict(soft.expected)
        for name in known:
            told.setdefault(name, []).append(every[name].get(positive, 0.0))
    return {name: sum(each) / len(each) for name, each in told.items()}


def weighted_figures(outcomes: Sequence[Outcome], layout: Layout) -> dict[str, Any] | None:
    """The object under `weighted_score` in `metrics.json`: what the answers score, and by people's labels.

    `score`, `low` and `high` are the mean over the items whose every criterion has a verdict, `n` how many these are;
    `people` is the mean over those of them whose every criterion has a label, by the labels.

    Returns:
        None where no item has a score.
    """
    scored = {o.item.id: s for o in outcomes if o.item.checklist and (s := _mean(o)) is not None}
    if not scored:
        return None
    means = replace(layout, stratum=mean_stratum, strata={})
    found = part_scores(outcomes, means, lambda outcome: scored.get(outcome.item.id))
    golds = [
        {each.id: each.gold for each in o.item.checklist if each.gold is not None}
        for o in outcomes
        if o.item.id in scored
    ]
    there = [o for o in outcomes if o.item.id in scored]
    people = [weighted_score(gold, o.item.checklist) for gold, o in zip(golds, there, strict=True)]
    known = [each for each in people if each is not None]
    return {
        "score": found.score,
        "low": found.low,
        "high": found.high,
        "n": len(scored),
        "people": sum(known) / len(known) if known else None,
        "people_n": len(known),
    }


def _mean(outcome: Outcome) -> float | None:
    """Of an item's samples that have a score."""
    known = [score for (score,) in outcome.scores if score is not None] if _single(outcome) else []
    return sum(known) / len(known) if known else None


def _single(outcome: Outcome) -> bool:
    return all(len(scores) == 1 for scores in outcome.scores)
