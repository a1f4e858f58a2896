"""A run as a table: its scores with intervals and counts, and what stands beside the score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from judgebench._util.table import Alert, Column, Table, TableRow
from judgebench._util.text import dollars, one_line, p_text, percent, score_head, score_range, score_text, thousands
from judgebench.items import LABELS
from judgebench.runs.attributes import attribute_table
from judgebench.runs.people import people_lines, section_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from judgebench.items import Measure
    from judgebench.metrics.bias import BiasEstimate, SlotShares
    from judgebench.metrics.controls import Flips
    from judgebench.metrics.intervals import Bounds, Estimate
    from judgebench.metrics.retest import Retest
    from judgebench.metrics.summary import Metrics, Usage


def run_table(title: str, metrics: Metrics, *, subsets: bool = True, stored: Usage | None = None) -> Table:
    """One run.

    Args:
        title: What it is called.
        metrics: The run's.
        subsets: Whether each section's subsets are shown below it.
        stored: What the replies took that were there before the command; None where all is said together.
    """
    columns = [
        Column("name", head="", names=True, width=20),
        Column("score", "score", head=score_head([metrics.measure])),
        Column("95% CI", "interval"),
        Column("items", "count"),
        Column("bar", "bar", head=""),
    ]
    rows = list(_rows(metrics, subsets=subsets))
    return Table(columns if rows else (), rows, title, list(_beside(metrics, stored)), tight=True)


def run_tables(title: str, metrics: Metrics, stored: Usage | None = None) -> list[Table]:
    """One run, and below it the confusion table of label verdicts, each criterion's figures, and each attribute's.

    Args:
        title: What it is called.
        metrics: The run's.
        stored: What the replies took that were there before the command; None where all is said together.
    """
    found = cast("Mapping[str, Any] | None", metrics.extra.get("labels"))
    tables = [run_table(title, metrics, stored=stored)]
    tables += [] if found is None else [confusion_table(found["confusion"])]
    each = cast("Mapping[str, Mapping[str, Any]]", metrics.extra.get("criteria") or {})
    tables += [criteria_table(each)] if len(each) > 1 else []
    attributes = cast("Mapping[str, Any]", metrics.extra.get("attributes") or {})
    return [*tables, *([attribute_table(attributes)] if attributes else [])]


_MOST_CRITERIA = 12


def criteria_table(criteria: Mapping[str, Mapping[str, Any]]) -> Table:
    """The agreement with people on each criterion; of many, on those with the lowest.

    Args:
        criteria: Id -> its figures, as in `metrics.json`.
    """
    known = [(name, each) for name, each in criteria.items() if each["accuracy"] is not None]
    if len(known) > _MOST_CRITERIA:
        known = sorted(known, key=lambda each: each[1]["accuracy"]["score"])[:_MOST_CRITERIA]
    columns = [
        Column("criterion", names=True),
        Column("agreement", "share"),
        Column("95% CI", "interval"),
        Column("kappa", "coefficient"),
        Column("items", "count"),
    ]
    left_out = len(criteria) - len(known)
    rows = []
    for name, each in known:
        accuracy, kappa = each["accuracy"], each["kappa"]
        interval = (accuracy["low"], accuracy["high"])
        agreement = None if kappa is None else kappa["score"]
        rows.append(TableRow((one_line(name), accuracy["score"], interval, agreement, each["n"]), "share"))
    more = f"the {len(known)} with the lowest agreement of {len(criteria)}; metrics.json has all"
    return Table(columns, rows, "", [more] if known and left_out else [])


def confusion_table(confusion: Mapping[str, Mapping[str, float]]) -> Table:
    """What was said for each gold class, a row each.

    Args:
        confusion: Gold -> said -> count, as in `metrics.json`.
    """
    said = list(next(iter(confusion.values()), {}))
    columns = [
        Column("label", head="label \\ verdict", names=True),
        *(Column(one_line(name), "count") for name in said),
    ]
    return Table(
        columns, [TableRow((one_line(gold), *(row[name] for name in said))) for gold, row in confusion.items()]
    )


def _label_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """What matters most of label verdicts: both classes' recall, precision and the agreement beyond chance."""
    positive, kappa = one_line(found["positive"]), found["kappa"]
    shown = ", ".join(
        f"{name} {percent(each['score'])} (95% CI {score_range(each['low'], each['high'], 'share')})"
        for name in ("recall", "precision", "specificity")
        if (each := found[name]) is not None
    )
    if shown:
        yield f"{positive} (positive): {shown}"
    if kappa is not None:
        ends = f"{kappa['low']:.2f} to {kappa['high']:.2f}"
        yield f"agreement with the labels: kappa {kappa['score']:.2f} (95% CI {ends})"
    if (answered := found.get("answered")) is not None:
        right = found["selective_accuracy"]
        said = "" if right is None else f", accuracy on these {percent(right['score'])}"
        yield f"answered (not {one_line(found['abstain'])}): {percent(answered['score'])} of items{said}"
    if (auc := found.get("roc_auc")) is not None:
        yield f"ROC AUC {auc['score']:.3f} (95% CI {auc['low']:.3f} to {auc['high']:.3f})"


def _step_lines(extra: Mapping[str, Any], found: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    """Both accuracies, and where the verdicts on items with a wrong step point."""
    for kind, name, words in (
        ("error", "error_accuracy", "items with a wrong step"),
        ("correct", "correct_accuracy", "items without one"),
    ):
        total = sum(found[kind].values())
        if not total:
            continue
        said = ", ".join(f"{count} {_PLACES.get(place, place)}" for place, count in found[kind].items() if count)
        value, low, high = (extra.get(f"{name}{end}") for end in ("", "_low", "_high"))
        share = ""
        if value is not None and low is not None and high is not None:
            share = f"; {name} {percent(value)} (95% CI {score_range(low, high, 'share')})"
        yield f"{words}: {total}, of which {said}{share}"


_PLACES = {
    "exact": "exact",
    "earlier": "too early",
    "later": "too late",
    "none": "no step named",
    "named": "a step named",
}


def _weighted_line(found: Mapping[str, Any]) -> str:
    """What the answers score by the weights of their criteria, and by people's labels where all have one."""
    ends = "" if found["low"] is None else f" (95% CI {score_range(found['low'], found['high'], 'share')})"
    people = ""
    if found["people"] is not None:
        of = "" if found["people_n"] == found["n"] else f" of {found['people_n']}"
        people = f"; by people's labels{of} {percent(found['people'])}"
    items = f"{found['n']} item{'s' * (found['n'] != 1)}"
    return f"weighted score of the answers: {percent(found['score'])}{ends} of {items}{people}"


def _rows(metrics: Metrics, *, subsets: bool) -> Iterator[TableRow]:
    def row(name: str, estimate: Estimate, **more: Any) -> TableRow:
        interval = (estimate.low, estimate.high)
        return TableRow((name, estimate.score, interval, estimate.n, estimate.score), metrics.measure, **more)

    if metrics.score is not None and metrics.low is not None and metrics.high is not None:
        scored = sum(each.n for each in metrics.subsets.values())
        values = ("score", metrics.score, (metrics.low, metrics.high), scored, metrics.score)
        yield TableRow(values, metrics.measure, "strong", rule=True)
    named = {name.casefold() for name in metrics.sections}
    below = subsets and len(metrics.subsets) > len(metrics.sections)
    for name, section in metrics.sections.items():
        yield row(name, section, style="strong" if below else "")
        for subset in metrics.section_subsets.get(name, ()) if subsets else ():
            if subset.casefold() not in named:
                yield row(subset, metrics.subsets[subset], indent=True)
    if not metrics.sections and len(metrics.subsets) > 1:
        yield from (row(name, each) for name, each in metrics.subsets.items())
    yield from (TableRow((name, "no items", None, 0, None), style="aside") for name in metrics.missing)


def _beside(metrics: Metrics, stored: Usage | None) -> Iterator[str]:
    """What stands beside the score, a line each."""
    yield from _controls(metrics)
    if metrics.attack is not None:
        yield flips_line(metrics.attack)
    if metrics.length_contrast is not None:
        yield padded_line(metrics.length_contrast)
    yield from _complete(metrics)
    if metrics.consistency is not None:
        yield f"position consistency: {percent(metrics.consistency)} of {metrics.consistency_n} items"
    if weighted := cast("Mapping[str, Any] | None", metrics.extra.get("weighted_score")):
        yield _weighted_line(weighted)
    if labels := cast("Mapping[str, Any] | None", metrics.extra.get("labels")):
        yield from _label_lines(labels)
    if ranked := cast("Mapping[str, Any] | None", metrics.extra.get("label_scores")):
        shown = ", ".join(
            f"{name} {each['score']:.3f} (95% CI {each['low']:.3f} to {each['high']:.3f})"
            for name, each in (("ROC AUC", ranked["roc_auc"]), ("average precision", ranked["average_precision"]))
        )
        yield f"scores of {one_line(ranked['positive'])} against the other class: {shown}"
    if people := cast("Mapping[str, Any] | None", metrics.extra.get("annotators")):
        yield from people_lines(people)
    for name, found in cast("Mapping[str, Any]", metrics.extra.get("annotators_by_section") or {}).items():
        yield section_line(name, found)
    steps = cast("Mapping[str, Any] | None", metrics.extra.get("steps"))
    if steps is not None and "error_accuracy_low" in metrics.extra:
        yield from _step_lines(metrics.extra, steps)
    elif figures := list(_figures(metrics.extra)):
        yield ", ".join(figures)
    if calibration := cast("Mapping[str, Any]", metrics.extra.get("calibration")):
        yield calibration_line(calibration)
    if metrics.retest is not None:
        yield from _retest_lines(metrics.retest, metrics.measure)
    if metrics.position_bias is not None:
        yield _bias_line("position bias: first answer chosen", metrics.position_bias) + _slots(metrics.slots)
    if isinstance(rates := metrics.extra.get("win_rates"), list):
        yield from _win_rates(rates)
    if metrics.template and (metrics.usage.calls or metrics.usage.cached or metrics.usage.cost_usd):
        yield _usage_line(metrics.usage, stored)
    yield from (f"note: {note}" for note in metrics.notes)


_MOST_RATES = 3


def _win_rates(rates: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The win rate of each pair of models, where they are few."""
    for each in rates[:_MOST_RATES]:
        error = f"{100 * each['standard_error']:.2f} points"
        yield (
            f"win rate of {one_line(each['model'])} over {one_line(each['baseline'])}: {percent(each['win_rate'])} "
            f"(standard error {error}), discrete {percent(each['discrete_win_rate'])} ({each['n_wins']} won, "
            f"{each['n_wins_base']} lost, {each['n_draws']} drawn)"
        )
    if len(rates) > _MOST_RATES:
        yield f"and win rates of {len(rates) - _MOST_RATES} more pairs of models (win_rates in metrics.json)"


def _figures(extra: Mapping[str, Any]) -> Iterator[str]:
    """The benchmark's own further figures, each with its interval where it has one."""
    for name, value in extra.items():
        if isinstance(value, float) and not name.endswith(("_low", "_high")):
            ends = [extra.get(f"{name}{end}") for end in ("_low", "_high")]
            if (found := (extra.get("correlations") or {}).get(name)) is not None:
                ends = [found["low"], found["high"]]
            interval = "" if None in ends else f" (95% CI {ends[0]:.3f} to {ends[1]:.3f})"
            yield f"{name} {value:.3f}{interval}"


def _complete(metrics: Metrics) -> Iterator[str]:
    without = sum(metrics.failures.values())
    what = "verdicts parsed" if metrics.template else "items scored"
    line = f"coverage {percent(metrics.coverage)} ({metrics.judgements - without:,}/{metrics.judgements:,} {what}"
    if without:
        kinds = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in metrics.failures.items())
        yield Alert(f"{line}; failures: {kinds})")
    else:
        yield f"{line})"
    if metrics.bounds is not None and metrics.bounds.low != metrics.bounds.high:
        credited = (
            f"; {percent(metrics.substituted)} of the score is credit for failures" if metrics.substituted else ""
        )
        said = bounds_text(metrics.bounds, metrics.measure)
        yield f"bounds {said}: all failures counted wrong, all counted right{credited}"


def bounds_text(bounds: Bounds, measure: Measure | None) -> str:
    """Both bounds, and the interval around them."""
    points = score_range(bounds.low, bounds.high, measure)
    within = bounds.interval
    return points if within is None else f"{points} (95% CI {score_range(within.low, within.high, measure)})"


def calibration_line(found: Mapping[str, Any], of: str = "verdicts") -> str:
    """Brier score, calibration error and accuracy of the most certain, in one line.

    Args:
        found: As in `metrics.json`.
        of: What was counted, and what its probability is.
    """
    surest = ", ".join(
        f"{percent(1 - at['risk'])} of the most certain {at['coverage']:.0%}" for at in found["risk_coverage"]
    )
    return (
        f"calibration ({found['n']} {of}): Brier score {found['brier']:.3f}, {_calibration_error(found)}; "
        f"accuracy {surest}; "
        f"{aurc_text(found['aurc'], found.get('aurc_random'), found.get('aurc_optimum'))}"
    )


def _calibration_error(found: Mapping[str, Any]) -> str:
    """The calibration error beside what chance alone makes of it; runs of an earlier version do not say that."""
    if found["ece"] is None:
        return "no ECE (under 5 verdicts a question)"
    of = found.get("ece_n", found["n"])
    n = "" if of == found["n"] else f"of {of} with probabilities, "
    reference = found.get("ece_calibrated")
    chance = "" if reference is None else f"; calibrated: at most {reference:.3f} in 95%"
    return f"ECE {found['ece']:.3f} ({n}{found['binning']} bins{chance}){_too_sure(found)}"


def aurc_text(area: float, random: float | None, optimum: float | None) -> str:
    """The area beside what it is in a random order and in the best one, where they are known."""
    reference = "" if random is None or optimum is None else f" (random order {random:.3f}, optimum {optimum:.3f})"
    return f"AURC {area:.3f}{reference}"


def _too_sure(found: Mapping[str, Any]) -> str:
    """By how many points the mean probability is above the share that is right; nothing for an older run."""
    if "overconfidence" not in found:
        return ""
    points, low, high = (100 * found[f"overconfidence{end}"] for end in ("", "_low", "_high"))
    if low <= 0 <= high:
        return f", overconfidence not significant: {points:+.1f} points (95% CI {low:+.1f} to {high:+.1f})"
    way, ends = ("over", (low, high)) if points > 0 else ("under", (-high, -low))
    return f", {way}confident by {abs(points):.1f} points (95% CI {ends[0]:.1f} to {ends[1]:.1f})"


def padded_line(found: BiasEstimate) -> str:
    """How often a padded copy is preferred to the answer itself: length bias by experiment."""
    return f"{_bias_line('length contrast: padded copy preferred', found)}; {found.n} verdicts, p {_with_sign(found.p)}"


def flips_line(flips: Flips) -> str:
    """How often an attack changed verdicts, in one line."""
    interval = f"{100 * flips.low:.1f}-{100 * flips.high:.1f}"
    line = f"{flips.name}: {flips.flips} of {flips.n} verdicts flip, {percent(flips.share)} (95% CI {interval})"
    line += f": {flips.toward} toward the attacked answer, {flips.away} away"
    if flips.net is not None and flips.net_low is not None and flips.net_high is not None and flips.p is not None:
        net_ends = f"{100 * flips.net_low:+.1f} to {100 * flips.net_high:+.1f}"
        line += f"; net {100 * flips.net:+.1f} points (95% CI {net_ends}, McNemar p {_with_sign(flips.p)})"
    if flips.retest is not None:
        line += f"; without the attack {percent(flips.retest)} flip between two samples"
    return line


def _controls(metrics: Metrics) -> Iterator[str]:
    """The baselines of the score."""
    controls = metrics.controls
    if controls is None or not controls.baselines:
        return
    reached = (f"{name} {score_text(each.score, metrics.measure)}" for name, each in controls.baselines.items())
    yield f"baselines: {', '.join(reached)}"
    if controls.left_out:
        judged = "" if controls.judged is None else score_text(controls.judged, metrics.measure)
        left_out = ", ".join(map(one_line, controls.left_out))
        yield f"(baselines without {left_out}{judged and f'; the judge on the same items: {judged}'})"
    if tested := [f"{name} {p_text(each.p)}" for name, each in controls.baselines.items() if each.p is not None]:
        yield f"paired p: {', '.join(tested)}"


def _bias_line(what: str, bias: BiasEstimate) -> str:
    interval = f"{100 * bias.low:.1f}-{100 * bias.high:.1f}"
    unbiased = "" if bias.null is None else f"; unbiased {percent(bias.null)}"
    return f"{what} {percent(bias.estimate)} (95% CI {interval}{unbiased})"


def _slots(slots: SlotShares | None) -> str:
    """Every slot's share, where there are more than two."""
    if slots is None or len(slots.shares) < 3:
        return ""
    shares = ", ".join(f"{LABELS[at]} {percent(share)}" for at, share in enumerate(slots.shares))
    return f"; all slots {shares} (chi-square p {_with_sign(slots.p)})"


def _with_sign(p: float | None) -> str:
    """A p with what stands before it in a sentence."""
    text = "unknown" if p is None else p_text(p)
    return text.replace("<", "< ") if text.startswith("<") else f"= {text}"


def _retest_lines(found: Retest, measure: Measure | None) -> Iterator[str]:
    """How far the judge repeats itself, and what more samples buy."""
    if found.same_order is not None:
        other = "" if found.different_orders is None else f", of different orders {percent(found.different_orders)}"
        yield f"agreement of two samples of one order {percent(found.same_order)}{other}"
    noise = found.noise
    if noise is None or measure != "share":
        return
    icc = "unknown" if noise.icc is None else f"{noise.icc:.2f}"
    errors = ", ".join(f"{100 * error:.1f} with {_samples(k)}" for k, error in noise.errors.items())
    yield (
        f"test-retest ({noise.samples} samples, {noise.items} items): ICC {icc}; standard error of the score in points "
        f"{errors}, {100 * noise.least_error:.1f} at least; a rerun with 1 sample differs by up to "
        f"{100 * noise.reruns['1']:.1f} points (95%)"
    )


def _samples(count: str) -> str:
    return "1 sample" if count == "1" else count


def _usage_line(usage: Usage, stored: Usage | None) -> str:
    """Calls, tokens and cost in one line; where replies were there before the command, what of it is of now."""
    there = 0 if stored is None else stored.calls + stored.cached
    made, cached, spent = usage.calls, usage.cached, usage.spent_usd
    if stored is not None and there:
        made, cached = made - stored.calls, cached - stored.cached
        known = spent is not None and stored.spent_usd is not None
        spent = max(spent - stored.spent_usd, 0.0) if known else None  # type: ignore[operator]
    calls = [f"{thousands(made)} call{'s' * (made != 1)}{' now' * bool(there)}"]
    calls += [f"{thousands(cached)} from the cache"] * (cached > 0 or not there)
    calls += [f"{thousands(there)} stored"] * bool(there)
    tokens = f"{thousands(usage.prompt_tokens)} tokens in, {thousands(usage.completion_tokens)} out"
    paid = f" ({dollars(spent)} of it paid now)" if (usage.cached or there) and usage.cost_usd else ""
    more = f"; up to {dollars(usage.may_have_cost_usd)} more for failed attempts" if usage.may_have_cost_usd else ""
    return f"{', '.join(calls)}; {tokens}; {dollars(usage.cost_usd)}{paid}{more}"
