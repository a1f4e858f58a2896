"""Everything `metrics.json` holds: the official scores, and beside them coverage, bounds, bias and usage."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from judgebench.items import LABELS, TIE, Failure, Verdict
from judgebench.metrics import bias
from judgebench.metrics.accuracy import official_scores, point_score, score_bounds
from judgebench.metrics.bias import BiasEstimate
from judgebench.metrics.choice_model import collect_choices
from judgebench.metrics.controls import Controls, Flips, Reached
from judgebench.metrics.intervals import Bounds, Estimate, Interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from judgebench.items import ItemKey, Measure, Outcome, Reading
    from judgebench.metrics.accuracy import Layout
    from judgebench.metrics.sequential import Sequential


@dataclass(slots=True)
class Usage:
    """What a run's replies took.

    Attributes:
        calls: Calls made to the provider.
        cached: Replies taken from the cache.
        repairs: How many of both were replies to a follow-up turn (`--repair`).
        cost_usd: The price of all replies, those from the cache included; None where the price is not known.
        spent_usd: The part of it that was paid for in this run.
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
        consistency: Share of items, of those with a verdict in every order, whose verdict is the same in all.
        consistency_n: How many items that is.
        extra: The benchmark's own further figures.
        notes: What a reader must know, a sentence each.
        controls: What is reached without judging; None where nothing makes sense.
        altered: What was done to the items: `blind`, `attack-` and a name; None: they are as they are.
        attack: How often it changed verdicts; None where the run over the items as they are is not there.
        sequential: What came of a comparison until the difference is shown; None where the run is none of one.
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
    extra: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    measure: Measure | None = "share"
    controls: Controls | None = None
    altered: str | None = None
    attack: Flips | None = None
    sequential: Sequential | None = None

    def to_json(self) -> dict[str, Any]:
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
    def from_json(cls, data: Mapping[str, Any]) -> Metrics:
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
            data = {"controls": None, "altered": None, "attack": None, "sequential": None, **data}
        known = {name: value for name, value in _need(data, names).items() if name in names}
        for name in ("sections", "subsets"):
            known[name] = {key: _made(Estimate, value, f"{name}.{key}") for key, value in known[name].items()}
        if known["position_bias"] is not None:
            known["position_bias"] = {k: v for k, v in known["position_bias"].items() if k != "first_share"}
        for name in ("position_bias", "length_bias"):
            known[name] = None if known[name] is None else _made(BiasEstimate, known[name], name)
        if known["bounds"] is not None:
            known["bounds"] = _bounds(known["bounds"])
        known["section_subsets"] = {name: tuple(subsets) for name, subsets in known["section_subsets"].items()}
        known |= {"missing": tuple(known["missing"]), "notes": tuple(known["notes"])}
        known["controls"] = None if known["controls"] is None else _controls(known["controls"])
        known["attack"] = None if known["attack"] is None else _made(Flips, known["attack"], "attack")
        if known["sequential"] is not None:
            from judgebench.metrics.sequential import Sequential

            known["sequential"] = _made(Sequential, known["sequential"], "sequential")
        known["usage"] = _made(Usage, known["usage"], "usage")
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
    scores = official_scores(outcomes, layout, seed=seed)
    results = [reading.result for among in readings.values() for reading in among]
    failures: Counter[str] = Counter(result.kind for result in results if isinstance(result, Failure))
    judgements = len(results)
    if not readings:
        judgements = len(outcomes)
        failures.update("missing" for outcome in outcomes if outcome.failed)
    keys = {outcome.item.id: outcome.item for outcome in outcomes}
    consistency, consistency_n = consistency_over_orders(readings)
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
        bounds=score_bounds(outcomes, layout, seed=seed),
        substituted=_substituted(outcomes, layout),
        consistency=consistency,
        consistency_n=consistency_n,
        position_bias=position_bias(readings, keys),
        length_bias=length_bias(readings, keys, outcomes),
        usage=usage,
        measure=scores.measure,
    )


def _substituted(outcomes: Sequence[Outcome], layout: Layout) -> float:
    """By how much the score would fall if nothing stood in for failures."""
    if not any(outcome.failed for outcome in outcomes):
        return 0.0
    with_, without = point_score(outcomes, layout), point_score(outcomes, layout, "bare")
    return 0.0 if with_ is None or without is None else with_ - without


def _choices(readings: Sequence[Reading]) -> Iterator[tuple[Reading, str]]:
    """Reading and verdict of every choice; ratings and failures are left out."""
    for reading in readings:
        if isinstance(reading.result, Verdict) and isinstance(reading.result.value, str):
            yield reading, reading.result.value


def consistency_over_orders(readings: Mapping[str, Sequence[Reading]]) -> tuple[float | None, int]:
    """The share of items whose verdict is the same in all orders, and the number of items it is a share of.

    An item counts where it was asked in several orders (of the same completions) and each has a verdict in every
    sample; None where no item does.
    """
    same = total = 0
    for among in readings.values():
        if len(among) < 2:
            continue
        by_question: dict[tuple[int, ...], list[Reading]] = {}
        for reading in among:
            if len(reading.order) > 1:
                by_question.setdefault(tuple(sorted(reading.order)), []).append(reading)
        asked = [group for group in by_question.values() if len({reading.order for reading in group}) > 1]
        if not asked or any(reading.failed for group in asked for reading in group):
            continue
        total += 1
        same += all(len({reading.choice for reading in group}) == 1 for group in asked)
    return (same / total if total else None), total


def position_bias(readings: Mapping[str, Sequence[Reading]], keys: Mapping[str, ItemKey]) -> BiasEstimate | None:
    """The share of verdicts for the completion shown first, ties left out; None where there are no choices."""
    units, first, slots = array("q"), array("q"), array("q")
    numbers: dict[str, int] = {}
    for item, among in readings.items():
        number = numbers.setdefault(keys[item].unit if item in keys else item, len(numbers))
        for reading, value in _choices(among):
            if value != TIE:
                units.append(number)
                first.append(LABELS.index(value))
                slots.append(len(reading.order))
    return bias.first_position(first, slots, clusters=units)


def length_bias(
    readings: Mapping[str, Sequence[Reading]], keys: Mapping[str, ItemKey], outcomes: Iterable[Outcome] = ()
) -> BiasEstimate | None:
    """By how much a longer completion is preferred, beyond labels and places, in log-odds; None where none differ.

    See `judgebench.metrics.choice_model`. `metrics.json` has it without the judge's own family, which reports add.
    """
    model = collect_choices(readings, keys, outcomes).fit()
    return None if model is None else model.length
