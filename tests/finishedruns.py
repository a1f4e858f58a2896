"""Finished runs for the commands that read them back."""

from __future__ import annotations

from contextlib import chdir
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands import judgebench, lasting_folder, pairs, write_jsonl

from judgebench.engine.options import PlanOptions
from judgebench.engine.plan import plan
from judgebench.items import LABELS, TIE, Failure, ItemKey, Reading
from judgebench.metrics.summary import Usage
from judgebench.runs.folder import RunWriter
from judgebench.runs.judgements import Judgement, ReplyUsage, add_usage
from judgebench.runs.manifest import Name, make_manifest
from judgebench.runs.scoring import Beside, score
from judgebench.runs.templatefiles import template_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgebench.protocols.orders import Call


def score_run(name: str, right: Sequence[bool | float], rows: list[dict[str, Any]] | None = None) -> Path:
    """A score file's run over pairs: right or wrong on each."""
    rows = pairs(len(right), ("alpacaeval-easy",)) if rows is None else rows
    data = write_jsonl(Path(f"{name}-rows.jsonl"), rows)
    scores = [{"id": row["id"], "scores": [float(each), 0.5]} for row, each in zip(rows, right, strict=True)]
    ended = judgebench(
        "score",
        write_jsonl(Path(f"{name}.jsonl"), scores),
        "--benchmark",
        "rewardbench",
        "--data",
        data,
        "--name",
        name,
    )
    assert ended.status == 0, ended.err
    return Path("runs/rewardbench") / name / "scores"


@cache
def sample_runs() -> Path:
    """A folder below which two offline judges have judged the shipped sample; for reading alone."""
    here = lasting_folder()
    with chdir(here):
        ended = judgebench("run", "-j", "offline/first", "-j", "offline/longest", "--json")
    assert ended.status == 0, ended.err
    return here


def judge_run(judge: str, count: int = 8, *options: object, subsets: tuple[str, ...] = ("alpacaeval-easy",)) -> Path:
    """An offline judge's run over pairs."""
    data = write_jsonl(Path("judged-rows.jsonl"), pairs(count, subsets))
    ended = judgebench("run", "rewardbench", "-j", judge, "--data", data, *options, "--json")
    assert ended.status == 0, ended.err
    orders = options[options.index("--orders") + 1] if "--orders" in options else "one"
    return Path("runs/rewardbench") / judge.replace("/", "--") / "pairwise" / str(orders)


def written_run(
    judge: str,
    rows: list[dict[str, Any]],
    says: Callable[[ItemKey, Call], int | float | None],
    *,
    benchmark: str = "rewardbench",
    cost: float | None = 0.001,
    **planning: Any,
) -> Path:
    """A finished run whose replies are made up here, without any call.

    Args:
        judge: What it is called.
        rows: The benchmark's rows.
        says: For each call the completion that is chosen (None for a tie, below 0 for a failure), or the rating.
        benchmark: Whose rows they are.
        cost: Of each reply, which takes 10 tokens in and 1 out.
        **planning: As for `judgebench.grid`: `orders`, `samples`, `seed`, `templates`.
    """
    data = write_jsonl(Path(f"{judge}-rows.jsonl"), rows)
    cell = plan(benchmark, PlanOptions(judges=["offline/first"], data=data, **planning)).cells[0]
    template = cell.template
    folder = RunWriter(Path("runs") / benchmark / judge / template.name / cell.protocol)
    manifest = make_manifest("done", None, {**cell.described(), "judge": {"name": judge, "model": f"openai/{judge}"}})
    folder.begin(manifest, template_texts(template, cell.companion), cell.dataset)
    readings: dict[str, dict[Call, Reading]] = {item: {} for item in cell.dataset.keys}
    usage = Usage()
    for item, key in cell.dataset.keys.items():
        while calls := list(cell.calls(key, readings[item])):
            for call in calls:
                judgement = _judgement(key, call, says(key, call), cost)
                folder.append(judgement)
                add_usage(usage, judgement)
                readings[item][call] = judgement.reading
    every = {item: list(among.values()) for item, among in readings.items()}
    outcomes = [cell.benchmark.outcome(key, every[item]) for item, key in cell.dataset.keys.items()]
    name = Name(judge, template.name, cell.protocol)
    metrics = score(cell.benchmark, name, replace(cell.orders, seed=0, soft=False), outcomes, every, usage, Beside())
    folder.finish(manifest, outcomes, metrics)
    return folder.path


def _judgement(key: ItemKey, call: Call, said: float | None, cost: float | None) -> Judgement:
    failed = said is not None and said < 0
    verdict: str | float | None = None
    if not failed:
        slot = TIE if said is None or len(call.order) == 1 else LABELS[call.order.index(int(said))]
        verdict = float(said) if len(call.order) == 1 and said is not None else slot
    return Judgement(
        item=key.id,
        subset=key.subset,
        order=call.order,
        sample=call.sample,
        verdict=verdict,
        failure=Failure("unreadable", "made up") if failed else None,
        reply=f"[[{verdict}]]",
        served_model=None,
        usage=ReplyUsage(10, 1, 0, 0),
        finish_reason=None,
        cost_usd=cost,
        latency_s=1.0,
        cached=False,
        key=f"{len(call.order):064x}",
    )
