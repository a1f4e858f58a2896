"""`import judgebench as jb`: what a command can do, a call can."""

from __future__ import annotations

import _thread
import asyncio
import contextlib
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from commands import by_quality, pairs, read_json, write_jsonl, write_judges
from loopback import Fault, LoopbackServer
from scripted import ScriptedModels

import judgebench as jb

if TYPE_CHECKING:
    from faults import Request


@pytest.fixture
def server():
    with LoopbackServer(by_quality) as running:
        write_judges(running.url)
        write_jsonl(Path("pairs.jsonl"), pairs(6))
        yield running


@pytest.fixture
def models():
    """The same without sockets, where it is of no account how replies come."""
    with ScriptedModels(by_quality) as running:
        write_judges(running.url)
        write_jsonl(Path("pairs.jsonl"), pairs(6))
        yield running


def run(**options: object) -> jb.Run:
    return jb.run("rewardbench", judge="mine", data="pairs.jsonl", **options)


def test_a_run_has_its_score(models: ScriptedModels) -> None:
    """As `metrics.json` has it."""
    found = run()
    assert (found.metrics.score, read_json(found.path / "metrics.json")["score"]) == (1.0, 1.0)


def test_a_run_has_its_judgements(models: ScriptedModels) -> None:
    """One for each item, order and sample."""
    assert len(run(orders="both").judgements) == 12


def test_a_run_has_its_items_and_outcomes(models: ScriptedModels) -> None:
    """In the order of the data."""
    found = run()
    assert [item.id for item in found.items] == [outcome.item.id for outcome in found.outcomes]


def test_the_last_judgement_of_a_question_counts(models: ScriptedModels) -> None:
    """A refreshed run has each question once."""
    run()
    assert len(list(run(refresh=True).judgements)) == 6


def test_a_run_is_loaded_from_its_folder(models: ScriptedModels) -> None:
    """Wherever the folder is moved to."""
    path = run().path.rename("moved")
    assert jb.Run.load(path).metrics.score == 1.0


def test_a_folder_without_a_run_is_a_mistake() -> None:
    """It is named."""
    with pytest.raises(jb.ConfigError, match=r"^here: not a run folder"):
        jb.Run.load("here")


def test_several_runs_in_one_process(models: ScriptedModels) -> None:
    """Each in a loop of its own."""
    run(out="one", cache_dir="one")
    run(out="two", cache_dir="two")
    assert models.count == 12


def test_a_grid_is_a_list_of_runs(models: ScriptedModels) -> None:
    """In the order of templates, then judges."""
    runs = jb.grid("rewardbench", judges=["mine", "offline/first"], templates=["pairwise"], data="pairs.jsonl")
    assert [each.metrics.judge for each in runs] == ["mine", "offline/first"]


def test_a_grid_warns_of_what_it_leaves_out(models: ScriptedModels) -> None:
    """A template that does not fit."""
    with pytest.warns(UserWarning, match="'four-way'"):
        jb.grid("rewardbench", judges=["mine"], templates=["pairwise", "four-way"], data="pairs.jsonl")


def test_a_grid_warns_of_a_judge_that_is_refused(server: LoopbackServer) -> None:
    """The others' runs are there."""
    write_judges(server.url, bad={"model": "openai/bad"}, good={"model": "openai/good"})
    server.faults = lambda request: Fault.status(401) if request.model == "bad" else None
    with pytest.warns(UserWarning, match="the key is refused"):
        runs = jb.grid("rewardbench", judges=["bad", "good"], data="pairs.jsonl")
    assert len(runs) == 1


def test_a_refused_judge_raises(server: LoopbackServer) -> None:
    """Where nothing was gained."""
    server.faults = lambda _: Fault.status(401)
    with pytest.raises(jb.FatalProviderError):
        run()


def broken_after(good: int):
    """A function that gives so many verdicts, then raises."""
    calls: list[object] = []

    def broken(messages: object) -> str:
        calls.append(messages)
        return "[[A]]" if len(calls) <= good else str(calls["bug"])  # type: ignore[call-overload]

    return broken


def test_a_function_that_never_works_raises(models: ScriptedModels) -> None:
    """The bug is told as the function's, and what each call came to is in the run's folder."""
    with pytest.raises(jb.FatalProviderError, match="all calls failed in the function: TypeError: list indices"):
        jb.run("rewardbench", judge=broken_after(0), data="pairs.jsonl")
    (folder,) = Path("runs").glob("*/*/*/*")
    failures = [judgement.failure.kind for judgement in jb.Run.load(folder).judgements if judgement.failure]
    assert failures == ["provider"] * 3


def test_a_judge_that_stops_late_is_a_warning(server: LoopbackServer) -> None:
    """The run has what came before."""
    server.faults = lambda request: Fault.status(401) if request.number > 2 else None
    with pytest.warns(UserWarning, match="judge 'mine'"):
        found = run(concurrency=1)
    assert (found.manifest.state, found.metrics.coverage) == ("stopped", pytest.approx(2 / 6))


def test_a_coroutine_runs_in_a_notebooks_loop(models: ScriptedModels) -> None:
    """`await jb.arun(...)`."""

    async def notebook() -> jb.Run:
        return await jb.arun("rewardbench", judge="mine", data="pairs.jsonl")

    assert asyncio.run(notebook()).metrics.score == 1.0


def test_the_plain_call_works_in_a_notebook(models: ScriptedModels) -> None:
    """Where a loop is running already; that loop goes on afterwards."""

    async def notebook() -> list[float | None]:
        first = run()
        await asyncio.sleep(0)
        return [first.metrics.score, run(refresh=True).metrics.score]

    assert asyncio.run(notebook()) == [1.0, 1.0]


def test_a_mistake_reaches_a_notebook(models: ScriptedModels) -> None:
    """As the same exception."""

    async def notebook() -> None:
        jb.run("rewardbench", judge="mine", data="nowhere.jsonl")

    with pytest.raises(jb.ConfigError, match=r"nowhere\.jsonl"):
        asyncio.run(notebook())


@pytest.fixture
def interruptible():
    """Interrupts are heard, also where whoever runs the tests has them ignored (a shell's background)."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_a_notebooks_stop_button_ends_the_run(server: LoopbackServer) -> None:
    """The interrupt reaches the caller, no thread of the run is left, and what was answered is kept."""

    def fault(request: Request) -> Fault | None:
        if request.number <= 4:
            return None
        _thread.interrupt_main()
        return Fault.hang()

    async def notebook() -> None:
        run(concurrency=1)

    server.faults = fault
    loop = asyncio.new_event_loop()
    with contextlib.closing(loop), pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(notebook())
    folder = Path("runs/rewardbench/mine/pairwise/one")
    assert [each.name for each in threading.enumerate() if each.name == "judgebench"] == []
    assert sum(j.failure is None for j in jb.Run.load(folder).judgements) == 4


def test_a_cancelled_run_leaves_a_usable_folder(server: LoopbackServer) -> None:
    """What was answered is kept, with metrics over it, and the cancelling goes on to the caller."""
    server.faults = lambda request: Fault.hang() if request.number > 4 else None

    async def notebook() -> None:
        task = asyncio.create_task(jb.arun("rewardbench", judge="mine", data="pairs.jsonl", concurrency=1))
        await asyncio.to_thread(server.wait_count, 5)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(notebook())
    (path,) = Path("runs").rglob("manifest.json")
    assert jb.Run.load(path.parent).metrics.failures == {"not_asked": 2}


def test_scores_are_scored(models: ScriptedModels) -> None:
    """`jb.score`."""
    write_jsonl(Path("scores.jsonl"), [{"id": n, "scores": [n % 2, 0.5]} for n in range(6)])
    assert jb.score("scores.jsonl", benchmark="rewardbench", data="pairs.jsonl").metrics.score == 0.5


def test_an_unknown_option_is_a_mistake_of_the_call(models: ScriptedModels) -> None:
    """Not passed over."""
    with pytest.raises(TypeError, match="orderz"):
        run(orderz="both")


def test_records_can_be_read_twice(models: ScriptedModels) -> None:
    """Judgements, outcomes and items alike are gone through from the first on each time."""
    found = run()
    for records in (found.judgements, found.outcomes, found.items):
        assert (len(records), list(records)) == (6, list(records))
