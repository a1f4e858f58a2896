"""Which judge to take: the cheapest run that is not significantly worse than the best one, overall and by section."""

from __future__ import annotations

import math
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from judgebench._util.steps import counted
from judgebench.analysis.cascade import MARGIN, CascadePair, spread
from judgebench.analysis.choice import OVERALL, Candidate, CascadePick, PartPick, Pick
from judgebench.analysis.leaderboard import comparable, is_altered, labels_of, open_by_benchmark, tested_items
from judgebench.analysis.placing import is_low
from judgebench.errors import ConfigError, unknown_name
from judgebench.metrics.accuracy import official_scores
from judgebench.metrics.paired import ALPHA, PairedRuns
from judgebench.metrics.selection import cheapest, standings
from judgebench.metrics.summary import LEAST_COVERAGE
from judgebench.runs import (
    Run,
    benchmark_title,
    check_alike,
    find_runs,
    list_runs,
    open_run,
    run_templates,
    titles_of,
    was_judged,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgebench.items import Measure
    from judgebench.metrics.sureness import By
    from judgebench.runs import Finished

_STEPS = 8
"""So many thresholds of a cascade are looked at."""


def pick(
    runs: Run | str | Path | Sequence[Run | str | Path],
    *others: Run | str | Path,
    sections: Sequence[str] = (),
    margin: float = MARGIN,
    budget: float | None = None,
    seed: int = 0,
) -> Pick:
    """The cheapest run that is less than a margin worse than the best one, overall and for each section.

    >>> import judgebench as jb
    >>> runs = jb.grid("rewardbench", judges=["offline/longest", "offline/first"], data="sample")
    >>> jb.pick(runs).overall.best.judge
    'offline/longest'

    A run counts as good enough where a paired interval shows it to be less than the margin worse than every other run
    (non-inferiority), corrected for the number of runs, and for sections also for the number of sections: the chance
    that a run is picked that is truly the margin or more worse than the truly best one is below 5%.

    Args:
        runs: A run or its folder, a folder above several runs, or several of these in a list.
        others: More of them.
        sections: Only these sections beside the whole; empty for all.
        margin: By how many points (hundredths of a correlation) a run may be worse.
        budget: What 1,000 items may cost at most, in US dollars; None: anything.
        seed: Of the resampling.

    Raises:
        ConfigError: A folder is no run, the runs are of different benchmarks, fewer than two can be compared, no item
            has a label, or there is no such section.
    """
    if not margin > 0:
        raise ConfigError(f"margin is {margin!r}: must be above 0, in points")
    if budget is not None and not budget >= 0:
        raise ConfigError(f"budget is {budget!r}: must be at least 0, in USD per 1,000 items")
    paths = list(dict.fromkeys(path for each in list_runs([*list_runs(runs), *others]) for path in _folders(each)))
    by_benchmark, unreadable = open_by_benchmark(paths)
    if len(by_benchmark) > 1:
        raise ConfigError(
            f"the runs are of {len(by_benchmark)} benchmarks ({', '.join(by_benchmark)}); name runs of one benchmark"
        )
    if not by_benchmark:
        raise ConfigError(unreadable[0] if unreadable else "no run named: name one or more run folders")
    (opened,) = by_benchmark.values()
    return pick_finished(
        opened, sections=sections, margin=margin, budget=budget, seed=seed, notes=[f"left out: {e}" for e in unreadable]
    )


def _folders(run: Run | str | Path) -> list[Path]:
    """The folders of a run, or of all below a folder."""
    path = run.path if isinstance(run, Run) else Path(run)
    found = find_runs(path) if path.is_dir() else []
    return found or [open_run(path).path]


def pick_finished(
    opened: Sequence[Finished],
    *,
    sections: Sequence[str] = (),
    margin: float = MARGIN,
    budget: float | None = None,
    seed: int = 0,
    notes: Sequence[str] = (),
) -> Pick:
    """Picks among runs of one benchmark that are read already; see `pick`."""
    runs = sorted((opened[at] for at in comparable(opened)), key=_by_price)
    items = tested_items(runs[0]) if runs else []
    if len(runs) < 2:
        raise ConfigError(_too_few(opened))
    if not items:
        raise ConfigError("no item has a label: without scores there is nothing to pick by")
    return _Picking(runs, items, margin, budget, seed).pick(sections, [*notes, *_left_out(opened, runs)])


def _too_few(opened: Sequence[Finished]) -> str:
    if len(opened) < 2:
        return f"{opened[0].path}: pick needs at least two runs of one benchmark"
    left = [opened[at] for at in comparable(opened)]
    reasons = [*_left_out(opened, left), *(f"left: {each.path}" for each in left)]
    return f"no two of the {len(opened)} runs can be compared ({'; '.join(reasons)}); name runs of the same items"


def _left_out(opened: Sequence[Finished], runs: Sequence[Finished]) -> Iterator[str]:
    """Which runs are not looked at, and why."""
    by_reason: dict[str, list[str]] = {}
    for each in opened:
        if not any(each is run for run in runs):
            by_reason.setdefault(_reason(each), []).append(str(each.path))
    for why in sorted(by_reason):
        yield f"left out ({why}): {', '.join(by_reason[why])}"


def _reason(run: Finished) -> str:
    """Why a run cannot be compared with others."""
    if is_altered(run):
        return "controls, over altered items"
    if is_low(run.metrics):
        return f"coverage below {LEAST_COVERAGE:.0%}"
    if labels_of(run) is not None:
        return "corrected labels"
    labelled = sum(outcome.item.labelled for outcome in run.outcomes.values())
    if not labelled:
        return "no labels"
    judged = len(tested_items(run))
    return "other items" if judged == labelled else f"only {judged:,} of {labelled:,} items judged"


def _by_price(run: Finished) -> tuple[bool, float, str, str, str, str]:
    """The order of runs that score the same: by cost, then by name."""
    cost, name = _cost_per_1000(run), run.name
    return cost is None, cost or 0.0, name.judge, name.template or "", name.protocol, str(run.path)


class _Picking:
    """Runs over the same items, to pick one from."""

    def __init__(
        self, runs: Sequence[Finished], items: Sequence[str], margin: float, budget: float | None, seed: int
    ) -> None:
        self.runs, self.items, self.margin, self.budget, self.seed = runs, items, margin, budget, seed
        self.titles = titles_of(runs)
        self.costs = [_cost_per_1000(each) for each in runs]
        self.outcomes = [[each.outcomes[item] for item in items] for each in runs]
        self.benchmark = runs[0].benchmark
        self.measure: Measure | None = next(filter(None, (each.metrics.measure for each in runs)), None)
        self.paired = PairedRuns(self.outcomes, self.benchmark.layout, self.benchmark.unit, seed=seed)

    def pick(self, sections: Sequence[str], notes: Sequence[str]) -> Pick:
        if not any(self.paired.whole):
            raise ConfigError("the runs have no score over all items: no section of the benchmark is complete")
        weights = {name: each for name, each in self.paired.sections.items() if any(each)}
        for name in sections:
            if name not in weights:
                raise unknown_name("section", name, weights)
        asked = [*dict.fromkeys(sections)] or (list(weights) if len(weights) > 1 else [])
        overall = self._choice(OVERALL, self.paired.whole, 1)
        parts = {
            name: self._choice(name, weights[name], len(asked))
            for name in counted(asked, "testing sections", unit="sections", total=len(asked))
        }
        return Pick(
            benchmark=self.benchmark.name,
            title=f"{benchmark_title([each.run for each in self.runs])}: pick",
            overall=overall,
            sections=parts,
            cascade=self._cascade(overall),
            notes=(*notes, *self._notes()),
        )

    def _choice(self, part: str, weights: Sequence[float], parts: int) -> PartPick:
        found = standings(self.paired.part(weights), self.margin / 100, tests=parts * (len(self.runs) - 1))
        candidates = [
            Candidate(
                title=self.titles[each.run],
                path=self.runs[each.run].path,
                judge=self.runs[each.run].name.judge,
                template=self.runs[each.run].name.template,
                protocol=self.runs[each.run].name.protocol,
                score=each.score,
                cost_per_1000=self.costs[each.run],
                difference=each.difference,
                low=each.low,
                high=each.high,
                within=each.within,
                beyond=each.beyond,
                more=each.more,
            )
            for each in found
        ]
        picked = cheapest(found, self.costs, self.budget)
        return PartPick(
            part=part,
            items=found[0].n,
            picked=None if picked is None else candidates[picked.run],
            best=candidates[found[0].best],
            candidates=tuple(sorted(candidates, key=lambda each: (each is not candidates[found[0].best], -each.score))),
            margin=self.margin,
            budget=self.budget,
            measure=self.measure,
        )

    def _notes(self) -> Iterator[str]:
        for each in self.runs:
            yield from each.notes
        scores = [self.titles[at] for at, each in enumerate(self.runs) if each.is_scores]
        if scores:
            yield f"score files have no cost and are not picked, only compared with: {', '.join(scores)}"
        unpriced = [
            self.titles[at] for at, each in enumerate(self.runs) if self.costs[at] is None and not each.is_scores
        ]
        if unpriced:
            yield (
                f"no known price, so not picked, only compared with: {', '.join(unpriced)} (price: {{input: ..., "
                "output: ...} in providers.yaml, before a run)"
            )

    def _cascade(self, overall: PartPick) -> CascadePick | None:
        """The cheapest cascade to the best run that is within the margin of every run and costs less than the pick."""
        against = overall.picked or overall.best
        most = against.cost_per_1000
        if most is None or overall.best.cost_per_1000 is None:
            return None
        best = next(at for at, each in enumerate(self.runs) if each.path == overall.best.path)
        cheap = [at for at, cost in enumerate(self.costs) if at != best and cost is not None and cost < most]
        pairs = [(at, pair) for at in cheap if (pair := self._pair(at, best)) is not None]
        trying = counted(pairs, "trying cascades", unit="cascades", total=len(pairs))
        found = [each for at, pair in trying if (each := self._of_pair(at, best, pair, len(pairs))) is not None]
        limit = min(most, math.inf if self.budget is None else self.budget)
        return min(
            (each for each in found if each.cost_per_1000 < limit), key=lambda each: each.cost_per_1000, default=None
        )

    def _pair(self, cheap: int, best: int) -> CascadePair | None:
        """The two runs as a cascade; None where the cheap one has nothing that tells when it is unsure."""
        both = [self.runs[cheap], self.runs[best]]
        if any(each.is_scores or each.made_of for each in both):
            return None
        templates = [run_templates(each) for each in both]
        by: By = "margin" if templates[0].wording.rule.scale is not None else "disagreement"
        try:
            check_alike(both, templates, "a cascade")
            return CascadePair(both, templates, by)
        except ConfigError:  # says why these two make no cascade, which is no mistake here
            return None

    def _of_pair(self, cheap: int, best: int, pair: CascadePair, tests: int) -> CascadePick | None:
        """The cheapest threshold within the margin, tested in order from the one that escalates most."""
        thresholds = [each for each in spread(pair.thresholds()[1:-1], _STEPS) if each is not None]
        if not thresholds:
            return None
        labelled = set(self.items)
        every = [[o for o in pair.outcomes(each) if o.item.id in labelled] for each in thresholds]
        place = {item: at for at, item in enumerate(self.items)}
        every = [sorted(each, key=lambda outcome: place[outcome.item.id]) for each in every]
        paired = PairedRuns([*every, *self.outcomes], self.benchmark.layout, self.benchmark.unit, seed=self.seed)
        whole, confidence = paired.part(paired.whole), 1 - ALPHA / tests
        runs = range(len(every), len(every) + len(self.runs))

        def is_within(at: int) -> bool:
            return all(100 * whole.interval(at, other, confidence=confidence).low > -self.margin for other in runs)

        shown = min(takewhile(is_within, range(len(every) - 1, -1, -1)), default=None)
        if shown is None:
            return None
        threshold, ends = thresholds[shown], whole.interval(shown, len(every) + best, confidence=confidence)
        sent = pair.sent(threshold)
        cost, score = pair.cost(sent), official_scores(every[shown], self.benchmark.layout, resamples=2).score
        if cost is None or score is None:
            return None
        return CascadePick(
            cheap=self.titles[cheap],
            expensive=self.titles[best],
            cheap_run=self.runs[cheap].path,
            expensive_run=self.runs[best].path,
            by=pair.by,
            threshold=threshold,
            share=len(sent) / len(pair.items),
            score=score,
            difference=float(whole.scores[shown] - whole.scores[len(every) + best]),
            low=ends.low,
            high=ends.high,
            cost_per_1000=1_000 * cost,
        )


def _cost_per_1000(run: Finished) -> float | None:
    """US dollars for 1,000 items, cached replies at their price; None where it is not known, and for scores."""
    judged = sum(map(was_judged, run.outcomes.values()))
    cost = None if run.is_scores else run.metrics.usage.cost_usd
    return None if cost is None or not judged else 1_000 * cost / judged
