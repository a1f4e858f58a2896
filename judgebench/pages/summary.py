"""The summary of a chapter, for anyone: which judge and template is best, by how much, how sure, at what cost."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from judgebench._util.text import difference_text, dollars, p_text, percent, score_range, score_text
from judgebench.analysis.equivalent import margin_text
from judgebench.analysis.pick import pick_finished
from judgebench.errors import ConfigError
from judgebench.items import is_coefficient
from judgebench.metrics.paired import ALPHA
from judgebench.pages.chapters import Card
from judgebench.runs import bounds_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench.analysis.comparison import Comparison
    from judgebench.metrics.paired import Difference
    from judgebench.metrics.sequential import Sequential
    from judgebench.pages.chapters import Line, Subject

_FEW = 4
_UNLABELLED = (
    "These items have no labels, so there is no score: what follows shows how far the judges agree, how they are "
    "biased, and what they cost."
)
_NO_VERDICT = "No reply here has a verdict, so there is no score: the failures by kind say why."
_ALL_ALIKE = (
    "There is no score, which for graded items is a correlation: that needs several ratings that differ, and grades "
    "that do."
)


def summary(subject: Subject) -> tuple[str, list[Card]]:
    """The sentence that comes first, and the four answers."""
    scored = [line for line in subject.lines if line.place.score is not None]
    if not scored:
        return _no_score(subject), []
    ranked = [line for line in scored if line.place.rank is not None]
    if len(ranked) < 2:
        return _alone(scored, subject)
    best = [line for line in ranked if line.place.rank == 1]
    measure = subject.measure
    names = _joined([_name(line) for line in best])
    score = score_text(best[0].place.score or 0.0, measure)
    verb = "has" if len(best) == 1 else "have"
    lead = f"{names} {verb} the best score on {subject.board.title}: {score} over {subject.board.items} items."
    interval = _interval(best[0], subject)
    how = f"{_how(best[0])}: " if len(best) == 1 else ""
    return lead + _apart(best, ranked, subject), [
        Card("Best", _joined([each.detail.finished.name.judge for each in best]), f"{how}{score}, {interval}"),
        _by_how_much(best, ranked, subject),
        _how_sure(best, ranked, subject),
        _cost(best[0], ranked),
    ]


def pick_card(subject: Subject) -> list[Card]:
    """Which judge to take, as `judgebench pick` says it; none where there is nothing to pick by."""
    runs = [line.detail.finished for line in subject.lines if line.place.rank is not None]
    if len(runs) < 2:
        return []
    try:
        found = pick_finished(runs)
    except ConfigError:
        # Without labels, prices or two runs of the same items there is no pick, and nobody asked for one.
        return []
    picked = found.overall.picked
    first, *more = found.in_short
    answer = "cannot say yet" if picked is None else picked.title
    return [Card("Pick: cheapest within the margin", answer, first, more, first=True)]


def _no_score(subject: Subject) -> str:
    """Why no run has one."""
    if not any(key.labelled for line in subject.lines for key in line.detail.finished.keys.values()):
        return _UNLABELLED
    return _ALL_ALIKE if any(line.detail.metrics.coverage for line in subject.lines) else _NO_VERDICT


def _joined(names: Sequence[str]) -> str:
    """A few names, and how many more there are."""
    shown = list(dict.fromkeys(names))
    return " and ".join([*shown[:_FEW], *([f"{len(shown) - _FEW} more"] if len(shown) > _FEW else [])])


def _name(line: Line) -> str:
    """Judge and template in words."""
    judge, how = line.detail.finished.name.judge, _how(line)
    return f"{judge} ({how})" if line.is_scores else f"{judge} {how}"


def _how(line: Line) -> str:
    name = line.detail.finished.name
    if name.template is None:
        return "a reward model"
    return f"with template {line.place.how}"


def _interval(line: Line, subject: Subject) -> str:
    low, high = line.place.low, line.place.high
    if line.detail.metrics.sequential is not None:
        return "the run stopped early, so its own interval is not shown"
    if low is None or high is None:
        return "no interval"
    return f"95% CI {score_range(low, high, subject.measure)}"


def _alone(scored: Sequence[Line], subject: Subject) -> tuple[str, list[Card]]:
    """The same of a single run, or of several of which no two can be compared."""
    if len(scored) > 1:
        lead = (
            f"These {len(scored)} runs of {subject.board.title} are over different items, so none is called the best; "
            "judgebench compare --common compares what two share."
        )
        return lead, []
    line = scored[0]
    score = score_text(line.place.score or 0.0, subject.measure)
    lead = f"{_name(line)} scores {score} on {subject.board.title}, over {line.place.items} items."
    return lead, [
        Card("Score", score, _interval(line, subject)),
        _beside_nothing(line, subject),
        _verdicts(line),
        _cost(line, [line]),
    ]


def _beside_nothing(line: Line, subject: Subject) -> Card:
    """The score against the best baseline."""
    controls = line.detail.metrics.controls
    if controls is None or not controls.baselines:
        return Card("Best baseline", "not known", "no baseline makes sense here, or the run is of an older version")
    name, best = max(controls.baselines.items(), key=lambda each: each[1].score)
    score = score_text(best.score, subject.measure)
    picking = "picking an answer at random" if name == "random" else f"always picking the {name} answer"
    if controls.judged is not None:
        judged = score_text(controls.judged, subject.measure)
        return Card("Best baseline", score, f"is reached by {picking}, where that makes sense; there it has {judged}")
    above = line.place.low is not None and line.place.low > best.score
    beyond = "the score's interval lies above that" if above else "the score's interval does not lie above that"
    return Card("Best baseline", score, f"is reached by {picking}; {beyond}")


def _verdicts(line: Line) -> Card:
    metrics = line.detail.metrics
    without = sum(metrics.failures.values())
    what = "items have scores" if line.is_scores else "replies parsed"
    said = f"{metrics.judgements - without} of {metrics.judgements} {what}"
    if metrics.bounds is not None and metrics.bounds.low != metrics.bounds.high:
        said += f"; with all others counted wrong or right, the score is {bounds_text(metrics.bounds, metrics.measure)}"
    return Card("Coverage", percent(metrics.coverage), said)


def _next(best: Sequence[Line], ranked: Sequence[Line]) -> Line | None:
    others = [line for line in ranked if line not in best]
    return max(others, key=lambda line: line.place.score or 0.0, default=None)


def _by_how_much(best: Sequence[Line], ranked: Sequence[Line], subject: Subject) -> Card:
    rival = _next(best, ranked)
    if rival is None:
        return Card("Difference", "equal", f"all {len(ranked)} have the same score")
    if (watched := _watched(best[0], rival)) is not None:
        low, high = (difference_text(each, "share") for each in (watched.low, watched.high))
        amount = f"{difference_text(watched.difference, 'share')} points"
        return Card("Difference", amount, f"over the second, {_name(rival)}; {_level(watched)} {low} to {high}")
    found = _difference(best[0], rival, subject)
    if found is None:
        return Card("Difference", "not known", "these runs were not compared")
    unit = "" if is_coefficient(subject.measure) else " points"
    low, high = (difference_text(each, subject.measure) for each in (found[0].low, found[0].high))
    amount = f"{difference_text(found[0].difference, subject.measure)}{unit}"
    return Card("Difference", amount, f"over the second, {_name(rival)}; 95% CI {low} to {high}")


def _watched(first: Line, second: Line) -> Sequential | None:
    """What came of the two being compared until their difference is shown; None where they are not its two sides."""
    own, other = first.detail.metrics.sequential, second.detail.metrics.sequential
    if own is None or other is None:
        return None
    turned = replace(own, difference=-own.difference, low=-own.high, high=-own.low)
    alike = replace(turned, against=other.against, saved=other.saved) == other
    return own if alike and _named(own, second) and _named(other, first) else None


def _named(found: Sequential, line: Line) -> bool:
    """Whether the line is what a run was compared with."""
    return found.against in {line.detail.finished.name.judge, line.detail.finished.name.template}


def _level(found: Sequential) -> str:
    kind = "anytime-valid" if found.items < found.of else "of the last look, at all items"
    return f"{100 * (1 - found.alpha):g}% interval, {kind},"


def _difference(first: Line, second: Line, subject: Subject) -> tuple[Difference, float] | None:
    """The tested difference of two lines, the better one less the other, and its p after correction.

    Args:
        first: The better one; lines stand in the comparison with the best first.
        second: The other.
        subject: What both belong to.
    """
    whole = None if subject.comparison is None else subject.comparison.whole
    if whole is None:
        return None
    for each, adjusted in zip(whole.pairs, whole.adjusted, strict=True):
        if (subject.compared[each.first], subject.compared[each.second]) == (first.number, second.number):
            return each, adjusted
    return None


def _how_sure(best: Sequence[Line], ranked: Sequence[Line], subject: Subject) -> Card:
    rival = _next(best, ranked)
    beside = best[1] if rival is None and len(best) > 1 else rival
    if beside is not None and (watched := _watched(best[0], beside)) is not None:
        return _how_sure_at_the_stop(watched)
    found = None if rival is None else _difference(best[0], rival, subject)
    if found is None or subject.comparison is None:
        return Card("Significance", "not known", "no two of these runs were compared")
    each, adjusted = found
    pairs = len(subject.comparison.whole.pairs) if subject.comparison.whole is not None else 0
    corrected = f" after Holm's correction for {pairs} pairs" if pairs > 1 else ""
    tested = f"paired test over {subject.comparison.items} items, p {_equals(adjusted)}{corrected}"
    if adjusted <= ALPHA:
        return Card("Significance", "significant", tested)
    if each.smallest < 1:
        least = difference_text(each.smallest, subject.measure).lstrip("+")
        unit = "" if is_coefficient(subject.measure) else " points"
        tested += f"; minimum detectable difference {least}{unit} (80% power)"
    if (within := _equivalent(each, subject.comparison)) is not None:
        return Card("Significance", f"equivalent within {within}", tested)
    return Card("Significance", "not significant", tested)


def _equivalent(each: Difference, found: Comparison) -> str | None:
    """The margin within which two runs are shown to be equivalent; None where they are not."""
    pairs = {(pair.first, pair.second): pair.decision for pair in found.equivalences}
    shown = pairs.get((each.first, each.second)) == "equivalent"
    return margin_text(found.margin or 0.0, found.measure) if shown else None


def _how_sure_at_the_stop(found: Sequential) -> Card:
    after = f"after {found.items} of {found.of} items; the interval is anytime-valid and allows for the stop"
    if found.decision == "shown":
        return Card("Significance", "significant", f"stopped {after}")
    size = "1 point" if found.size == 0.01 else f"{100 * found.size:g} points"
    if found.decision == "too_small":
        return Card("Significance", f"equivalent within {size}", f"stopped {after}")
    return Card("Significance", "not significant", f"nor equivalent within {size}, {after}")


def _chance(first: Line, second: Line, subject: Subject) -> bool | None:
    """Whether the difference of two lines is not significant; None where they were not compared."""
    if (watched := _watched(first, second)) is not None:
        return watched.decision != "shown"
    found = _difference(first, second, subject)
    return None if found is None else found[1] > ALPHA


def _apart(best: Sequence[Line], ranked: Sequence[Line], subject: Subject) -> str:
    """Which others are not significantly different from a best one, as a sentence; empty where no two were compared."""
    others = [line for line in ranked if line not in best]
    found = {line.number: [_chance(one, line, subject) for one in best] for line in others}
    if any(each is None for each in chain(*found.values())) or not found:
        return ""
    alike = [_name(line) for line in others if any(found[line.number])]
    if not alike:
        than = "the other run" if len(others) == 1 else f"each of the {len(others)} other runs"
        subject_ = "It is" if len(best) == 1 else "Each is"
        return f" {subject_} significantly better than {than}."
    more = f" and {len(alike) - _FEW} more" if len(alike) > _FEW else ""
    from_ = "from it" if len(best) == 1 else "from at least one of these"
    return f" Not significantly different {from_}: {', '.join(alike[:_FEW])}{more}."


def _equals(p: float) -> str:
    text = p_text(p)
    return text if text.startswith("<") else f"= {text}"


def _cost(best: Line, ranked: Sequence[Line]) -> Card:
    if best.is_scores:
        return Card("Cost", "not known", "a reward model's scores come without a price")
    cost = best.place.cost_usd
    if cost is None:
        return Card("Cost", "not known", "unknown price; set it in providers.yaml (price)")
    bill = best.detail.bill
    each = f"{dollars(bill.per_item)} per item" if bill is not None and bill.per_item is not None else ""
    latency = bill.latency if bill is not None else None
    said = "; ".join([*([each] if each else []), *([f"latency p50 {latency[0]:.2f} s"] if latency else [])])
    cheap = _cheapest_alike(best, ranked)
    if cheap is not None:
        said += f"; cheapest not significantly different: {_name(cheap)}, {dollars(cheap.place.cost_usd)}"
    return Card("Cost", dollars(cost), said)


def _cheapest_alike(best: Line, ranked: Sequence[Line]) -> Line | None:
    """The cheapest run that shares a letter with the best and is cheaper."""
    cost = best.place.cost_usd or 0.0
    alike = [
        line
        for line in ranked
        if line is not best
        and line.place.cost_usd is not None
        and line.place.cost_usd < cost
        and set(line.place.group) & set(best.place.group)
    ]
    return min(alike, key=lambda line: line.place.cost_usd or 0.0, default=None)
