"""A script of a user: mypy in strict mode finds the two mistakes below, and no other."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

import judgebench as jb
from judgebench import Comparison, GridResult, Judgement, Metrics, Run

rows: list[Mapping[str, object]] = [{"prompt": "2 + 2?", "chosen": "It is four.", "rejected": "Five."}]


def score_of(run: Run) -> float | None:
    metrics: Metrics = run.metrics
    return metrics.score


run = jb.run("custom", judge="offline/longest", data=rows, orders="both", aggregate="unanimous", controls=["blind"])
first: Judgement = next(iter(run.judgements))
credit: dict[str, float | None] = {outcome.item.id: outcome.credit for outcome in run.outcomes}
texts = [item.completions[0].text for item in run.items]
runs: GridResult[Run] = jb.grid("custom", judges=["offline/longest", "offline/first"], data=rows, templates="pairwise")
errors: tuple[jb.JudgebenchError, ...] = runs.errors
compared: Comparison = jb.compare(runs[0], runs[1])
forecasts: list[jb.Forecast] = jb.forecast("custom", judges="offline/first", data=rows, limit=1)


async def later() -> Run:
    return await jb.arun("custom", judge="offline/first", data=rows, out="later")


try:
    print(jb.__version__, score_of(run), score_of(asyncio.run(later())), len(run.controls), first.item, len(credit))
except (jb.DataError, jb.StorageError, jb.BudgetReached) as error:
    print(error)


if TYPE_CHECKING:  # an option that is not there, and a type that is another
    jb.run("custom", judge="offline/first", limt=3)  # type: ignore[call-arg]
    version: int = jb.__version__  # type: ignore[assignment]
