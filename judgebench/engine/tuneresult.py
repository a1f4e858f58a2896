"""What a race and a look come to: the candidates, the comparison on the held-out items, and the files."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from judgebench.metrics.paired import ALPHA, PairedRuns
from judgebench.metrics.sequential import last_look
from judgebench.runs import HeldOutLook, TunedCandidate, template_texts
from judgebench.templates import INCLUDED, TEMPLATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgebench.engine.candidates import Wording
    from judgebench.engine.racing import RacePlan
    from judgebench.engine.runplan import RunPlan
    from judgebench.items import Measure
    from judgebench.runs import CandidateEnd
    from judgebench.templates import Template


def raced(every: Sequence[Wording], race: RacePlan | None) -> Iterator[TunedCandidate]:
    """What became of each wording that raced, the one in use first."""
    for arm, each in enumerate(every):
        items = [] if race is None else race.judged[arm]
        plan = None if race is None else race.runs[arm]
        yield TunedCandidate(
            each.template.name,
            each.origin,
            each.edit,
            run=None if plan is None or not plan.recorder.folder.path.exists() else str(plan.recorder.folder.path),
            items=len(items),
            score=None if race is None else race.score(arm, items),
            gain=None if race is None or not arm else race.gain(arm),
            cost_per_1000=None if race is None else race.cost_per_1000(arm),
            end=_end(arm, race),
        )


def _end(arm: int, race: RacePlan | None) -> CandidateEnd:
    if not arm:
        return "baseline"
    if race is None or race.ending is None:
        return "lost"
    if arm in race.race.dropped:
        return "dropped"
    return "won" if arm == race.winner else "lost"


def _per_1000(plan: RunPlan, items: int) -> float | None:
    """US dollars for 1,000 items, cached replies at their price; None where the price is not known."""
    cost = plan.recorder.usage.cost_usd
    return None if cost is None or not items else 1_000 * cost / items


def compared(plans: Sequence[RunPlan], before: int) -> tuple[HeldOutLook, Measure]:
    """The winner against the wording in use on the held-out items, and what their scores are.

    Args:
        plans: The winner's run over them, and the other's.
        before: How often some of them were looked at before.
    """
    best, used = plans
    spec = best.spec
    benchmark, items = spec.benchmark, list(spec.dataset.keys)
    every = [[plan.recorder.outcome(item) for item in items] for plan in plans]
    graded = any(key.graded for key in spec.dataset.keys.values())  # such items have no credit of their own
    known = [at for at in range(len(items)) if graded or all(run[at].credit is not None for run in every)]
    paired = PairedRuns([[run[at] for at in known] for run in every], benchmark.layout, benchmark.unit)
    found = paired.part(paired.whole).difference(0, 1)
    look = found if graded else last_look(every[0], every[1], benchmark.layout, benchmark.unit, alpha=ALPHA)
    return HeldOutLook(
        winner=spec.template.name,
        items=len(items),
        score=found.first_score,
        baseline_score=found.second_score,
        difference=look.difference,
        low=look.low,
        high=look.high,
        smallest=found.smallest,
        missing=len(items) - len(known),
        looks_before=before,
        run=str(best.recorder.folder.path),
        baseline_run=str(used.recorder.folder.path),
        cost_per_1000=_per_1000(best, len(items)),
        baseline_cost_per_1000=_per_1000(used, len(items)),
    ), "pearson" if graded else "share"


def spent_on(race: RacePlan | None, look: HeldOutLook | None) -> float | None:
    """What all of it cost in USD, cached replies at their price; None where a price is not known."""
    if race is None or any(run.recorder.usage.cost_usd is None for run in race.runs):
        return None
    costs = () if look is None else (look.cost_per_1000, look.baseline_cost_per_1000)
    return race.spent + sum((cost or 0.0) * (0 if look is None else look.items) / 1_000 for cost in costs)


def found_files(best: Template, used: Template) -> dict[str, str]:
    """The files of a better wording, by name: the template, what it takes in, and what it changes."""
    texts = {
        f"{best.name}.jinja" if path == TEMPLATE else path.removeprefix(f"{INCLUDED[TEMPLATE]}/"): text
        for path, text in template_texts(best).items()
    }
    lines = difflib.unified_diff(
        used.source.splitlines(), best.source.splitlines(), f"{used.name}.jinja", f"{best.name}.jinja", lineterm=""
    )
    return {**texts, f"{best.name}.diff": "".join(f"{line}\n" for line in lines)}
