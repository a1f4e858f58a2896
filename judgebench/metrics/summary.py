"""Everything `metrics.json` holds: the official scores, and beside them coverage, bounds, bias and usage."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from judgebench.items import LABELS, TIE, Failure, Verdict
from judgebench.metrics import bias
from judgebench.metrics.accuracy import official_scores, point_score, score_bounds
from judgebench.metrics.bias import BiasEstimate, SlotShares
from judgebench.metrics.choice_model import collect_choices, unit_numbers
from judgebench.metrics.controls import Controls, Flips, Reached
from judgebench.metrics.intervals import Bounds, Estimate, Interval
from judgebench.metrics.retest import Noise, Retest, order_agreements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from judgebench.items import ItemKey, Measure, Outcome, Reading
    from judgebench.metrics.accuracy import Layout
    from judgebench.metrics.sequential import Sequential


LEAST_COVERAGE = 0.5
"""With verdicts for a smaller share of its judgements a run keeps its official score, marked, and is not ranked."""


@dataclass(slots=True)
class Usage:
    """What a run's replies took.

    Attributes:
        calls: Calls made to the provider.
        cached: Replies taken from the cache.
        repairs: How many of both were replies to a follow-up turn (`--repair`).
        cost_usd: The price of all replies, those from the cache included; None where the price is not known.
        spent_usd: The part of it that was paid for in this run.
        may_have_cost_usd: What tries of unknown cost (broken replies, timeouts) may have cost at most, beside
            `cost_usd`; None where the price is not known.
    """

    calls: int = 0
    cached: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cached_prompt_tokens: int = 0
    cost_usd: float | None = 0.0
    spent_usd: float | None = 0.0
    repairs: int = 0
    may_have_cost_usd: float | None = 0.0


@dataclass(frozen=True, slots=True)
class Metrics:
    """The figures of one run; `Metrics.to_json` gives the object in `metrics.json`.

    Attributes:
        score: The benchmark's official score, from 0 to 1; None where no item has a label.
        measure: What the score is: a `share`, or `pearson` (from -1 to 1); None without a score.
        coverage: Share of judgements with a verdict.
        failures: Count of judgements by kind of failure.
        bounds: The score with every failure counted wrong, and right, with a 95% interval of both together.
        substituted: The part of the score that stands in for failures by the official rule.
        consistency: Share of items, of those with a verdict in every order, whose verdict is the same in all; of
            several samples, the chance that one of each order all name the same.
        consistency_n: How many items that is.
        extra: The benchmark's own further figures.
        notes: What a reader must know, a sentence each.
        controls: The baselines; None where nothing makes sense.
        altered: What was done to the items: `blind`, `attack-` and a name; None: they are as they are.
        attack: How often it changed verdicts; None where the run over the items as they are is not there.
        also: How many verdicts are of a reply that names another one too; None without replies, and in figures of an
            earlier version.
        sequential: What came of a comparison until the difference is shown; None where the run is none of one.
        slots: The share of verdicts for each slot; None where there are no choices.
        retest: What repeated samples say of the judge; None where there are none.
        length_contrast: The share of verdicts for a padded copy against the answer itself; None but in that control.
    """

    benchmark: str
    judge: str
    template: str | None
    score: float | None
    low: float | None
    high: float | None
    sections: Mapping[str, Estimate]
    subsets: Mapping[str, Estimate]
    section_subsets: Mapping[str, tuple[str, ...]]
    missing: tuple[str, ...]
    items: int
    judgements: int
    coverage: float
    failures: Mapping[str, int]
    bounds: Bounds | None
    substituted: float
    consistency: float | None
    consistency_n: int
    position_bias: BiasEstimate | None
    length_bias: BiasEstimate | None
    usage: Usage
    extra: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    measure: Measure | None = "share"
    controls: Controls | None = None
    altered: str | None = None
    attack: Flips | None = None
    sequential: Sequential | None = None
    also: int | None = None
    slots: SlotShares | None = None
    retest: Retest | None = None
    length_contrast: BiasEstimate | None = None

    def to_json(self) -> dict[str, object]:
        """The object in `metrics.json`."""
        data = asdict(self)
        data["missing"], data["notes"] = list(self.missing), list(self.notes)
        if self.position_bias is not None:
            data["position_bias"] = {"first_share": self.position_bias.estimate, **asdict(self.position_bias)}
        # A sum of floats depends on the order in which the replies arrived, but not in the digits that prices have.
        data["usage"] = {name: round(n, 10) if isinstance(n, float) else n for name, n in data["usage"].items()}
        extra = data.pop("extra")
        return {**data, **extra}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Metrics:
        """The metrics that `to_json` gave.

        Raises:
            KeyError: An older version wrote them: they lack the field that is named, as in `usage.spent_usd`.
            TypeError: They are of another version, or no metrics at all.
        """
        names = [each.name for each in fields(cls) if each.name != "extra"]
        if isinstance(data, dict) and "measure" not in data:
            # Before there was this field, a score was a correlation just where the three correlations stand beside it.
            data = {**data, "measure": "pearson" if "pearson" in data else "share"}
        if isinstance(data, dict):
            later = ("controls", "altered", "attack", "sequential", "also", "slots", "retest", "length_contrast")
            data = {**dict.fromkeys(later), **data}
        known = {name: value for name, value in _need(data, names).items() if name in names}
        for name in ("sections", "subsets"):
            known[name] = {key: _made(Estimate, value, f"{name}.{key}") for key, value in known[name].items()}
        if known["position_bias"] is not None:
            known["position_bias"] = {k: v for k, v in known["position_bias"].items() if k != "first_share"}
        for name in ("position_bias", "length_bias", "length_contrast"):
            known[name] = None if known[name] is None else _made(BiasEstimate, known[name], name)
        if known["bounds"] is not None:
            known["bounds"] = _bounds(known["bounds"])
        known["section_subsets"] = {name: tuple(subsets) for name, subsets in known["section_subsets"].items()}
        known |= {"missing": tuple(known["missing"]), "notes": tuple(known["notes"])}
        known["controls"] = None if known["controls"] is None else _controls(known["controls"])
        known["attack"] = None if known["attack"] is None else _made(Flips, known["attack"], "attack")
        known["slots"] = None if known["slots"] is None else _slots(known["slots"])
        known["retest"] = None if known["retest"] is None else _retest(known["retest"])
        if known["sequential"] is not None:
            from judgebench.metrics.sequential import Sequential

            known["sequential"] = _made(Sequential, known["sequential"], "sequential")
        known["usage"] = _usage(known["usage"])
        return cls(**known, extra={key: value for key, value in data.items() if key not in names})


def _need(data: Any, names: Iterable[str], within: str = "") -> dict[str, Any]:
    """An object that has all the fields; raises KeyError with the first one that it lacks."""
    if not isinstance(data, dict):
        raise TypeError(f"{data!r:.40} is not an object")
    lacking = next((name for name in names if name not in data), None)
    if lacking is not None:
        raise KeyError(f"{within}{lacking}")
    return data


def _made(kind: type[Any], data: Any, within: str) -> Any:
    """A dataclass from an object that has its fields, and no others; those with a default may be missing."""
    return kind(**_need(data, [each.name for each in fields(kind) if each.default is MISSING], f"{within}."))


def _bounds(data: Any) -> Bounds:
    """Those of an older version have no interval."""
    known = _need(data, ("low", "high"), "bounds.")
    interval = known.get("interval")
    return Bounds(
        known["low"], known["high"], None if interval is None else _made(Interval, interval, "bounds.interval")
    )


def _usage(data: Any) -> Usage:
    """Those of an older version did not count tries of unknown cost; a count that is missing is not 0."""
    needed = [each.name for each in fields(Usage) if each.name != "may_have_cost_usd"]
    return Usage(**{"may_have_cost_usd": None, **_need(data, needed, "usage.")})


def _slots(data: Any) -> SlotShares:
    found: SlotShares = _made(SlotShares, data, "slots")
    return replace(found, shares=tuple(found.shares), nulls=tuple(found.nulls))


def _retest(data: Any) -> Retest:
    found: Retest = _made(Retest, data, "retest")
    return replace(found, noise=None if found.noise is None else _made(Noise, found.noise, "retest.noise"))


def _controls(data: Any) -> Controls:
    """Those of an older version have no p."""
    found: Controls = _made(Controls, data, "controls")
    known = {name: _need(each, ("score",), f"controls.{name}.") for name, each in data["baselines"].items()}
    baselines = {name: _made(Reached, {"p": None, **each}, f"controls.{name}") for name, each in known.items()}
    return replace(found, baselines=baselines, left_out=tuple(found.left_out))


def summarise(
    *,
    benchmark: str,
    judge: str,
    template: str | None,
    layout: Layout,
    outcomes: Sequence[Outcome],
    readings: Mapping[str, Sequence[Reading]],
    usage: Usage,
    seed: int = 0,
) -> Metrics:
    """The figures of a run from its outcomes and readings; without readings, of a score file.

    What else is known of a run is set by `judgebench.runs.scoring.score`.

    Args:
        benchmark: Its name.
        judge: The judge's, or the reward model's.
        template: The template's, or None for scores.
        layout: How outcomes make sections and the score.
        outcomes: One an item.
        readings: By the item's id; an item of a score file has none.
        usage: What the replies took.
        seed: Of the bootstrap.
    """
    results = [reading.result for among in readings.values() for reading in among]
    failures: Counter[str] = Counter(result.kind for result in results if isinstance(result, Failure))
    judgements = len(results)
    if not readings:
        judgements = len(outcomes)
        failures.update("missing" for outcome in outcomes if outcome.failed)
    nothing = judgements > 0 and sum(failures.values()) == judgements
    credited = [replace(each, credit=None) for each in outcomes] if nothing else outcomes
    scores = official_scores(credited, layout, seed=seed)
    keys = {outcome.item.id: outcome.item for outcome in outcomes}
    consistency, consistency_n = consistency_over_orders(readings)
    position, slots = _places(readings, keys)
    return Metrics(
        benchmark=benchmark,
        judge=judge,
        template=template,
        score=scores.score,
        low=scores.low,
        high=scores.high,
        sections=scores.sections,
        subsets=scores.subsets,
        section_subsets=scores.section_subsets,
        missing=scores.missing,
        items=len(outcomes),
        judgements=judgements,
        coverage=1 - sum(failures.values()) / judgements if judgements else 0.0,
        failures=dict(sorted(failures.items())),
        bounds=score_bounds(outcomes, layout, scores, seed=seed),
        substituted=_substituted(credited, layout),
        consistency=consistency,
        consistency_n=consistency_n,
        position_bias=position,
        slots=slots,
        length_bias=length_bias(readings, keys, outcomes),
        usage=usage,
        measure=scores.measure,
        also=sum(isinstance(result, Verdict) and bool(result.also) for result in results) if readings else None,
    )


def _substituted(outcomes: Sequence[Outcome], layout: Layout) -> float:
    """By how much the score would fall if nothing stood in for failures."""
    if not any(outcome.failed for outcome in outcomes):
        return 0.0
    with_, without = point_score(outcomes, layout), point_score(outcomes, layout, "bare")
    return 0.0 if with_ is None or without is None else with_ - without


def _choices(readings: Sequence[Reading]) -> Iterator[tuple[Reading, str]]:
    """Reading and verdict of every choice; ratings, classes and failures are left out."""
    for reading in readings:
        if len(reading.order) > 1 and isinstance(reading.result, Verdict) and isinstance(reading.result.value, str):
            yield reading, reading.result.value


def consistency_over_orders(readings: Mapping[str, Sequence[Reading]]) -> tuple[float | None, int]:
    """The share of items whose verdict is the same in all orders, and the number of items it is a share of.

    An item counts where it was asked in several orders (of the same completions) and each has a verdict in every
    sample; None where no item does. Of several samples it is the chance that one of each order, drawn at random, all
    name the same, so that it does not depend on how many there are.
    """
    same: dict[str, float] = {}
    for each in order_agreements(readings):
        if each.all_orders is not None:
            same[each.item] = same.get(each.item, 1.0) * each.all_orders
    kept = [value for item, value in same.items() if not _lacks_a_verdict(readings[item])]
    return (sum(kept) / len(kept) if kept else None), len(kept)


def _lacks_a_verdict(readings: Sequence[Reading]) -> bool:
    """Whether any reading of a question that was asked in several orders failed."""
    failed = {tuple(sorted(each.order)) for each in readings if each.failed}
    return any(len({each.order for each in readings if tuple(sorted(each.order)) == asked}) > 1 for asked in failed)


def _places(
    readings: Mapping[str, Sequence[Reading]], keys: Mapping[str, ItemKey]
) -> tuple[BiasEstimate | None, SlotShares | None]:
    """How often the first slot is chosen of two, and each slot of any number."""
    units, chosen, shown = chosen_slots(readings, keys)
    return bias.first_position(chosen, shown, clusters=units), bias.slot_shares(chosen, shown, clusters=units)


def chosen_slots(
    readings: Mapping[str, Sequence[Reading]], keys: Mapping[str, ItemKey]
) -> tuple[array[int], array[int], array[int]]:
    """The unit, the slot and the number of slots of every choice; ties left out."""
    units, chosen, slots = array("q"), array("q"), array("q")
    groups = (keys[item].group if item in keys else None for item in readings)
    for among, number in zip(readings.values(), unit_numbers(groups), strict=True):
        for reading, value in _choices(among):
            if value != TIE:
                units.append(number)
                chosen.append(LABELS.index(value))
                slots.append(len(reading.order))
    return units, chosen, slots


def length_bias(
    readings: Mapping[str, Sequence[Reading]], keys: Mapping[str, ItemKey], outcomes: Iterable[Outcome] = ()
) -> BiasEstimate | None:
    """By how much a longer completion is preferred, beyond labels and places, in log-odds; None where none differ.

    See `judgebench.metrics.choice_model`. `metrics.json` has it without the judge's own family, which reports add.
    """
    model = collect_choices(readings, keys, outcomes).fit()
    return None if model is None else model.length
