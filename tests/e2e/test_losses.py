"""What a run must not lose or mix, whatever happens around it: a race, a closed terminal, changed rows."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from commands import Ended, by_quality, judgebench, pairs, read_json, read_jsonl, write_jsonl, write_judges
from loopback import Fault, LoopbackServer, Reply
from processes import Running
from scripted import ScriptedModels

from judgebench import api
from judgebench.engine.options import PlanOptions, RunOptions
from judgebench.engine.plan import plan
from judgebench.engine.progress import Silent
from judgebench.errors import ConfigError, FatalProviderError
from judgebench.runs.folder import RunWriter
from judgebench.runs.judgements import JUDGEMENTS
from judgebench.runs.manifest import Manifest

if TYPE_CHECKING:
    from faults import Request

COUNT = 20
FOLDER = Path("runs/custom/mine/pairwise/one")


@pytest.fixture
def server():
    with LoopbackServer(by_quality) as running:
        write_judges(running.url)
        write_jsonl(Path("rows.jsonl"), pairs(COUNT))
        yield running


@pytest.fixture
def models():
    with ScriptedModels(by_quality) as running:
        write_judges(running.url)
        write_jsonl(Path("rows.jsonl"), pairs(COUNT))
        yield running


def refused_after(calls: int):
    """Answers so many, and has a wrong key from then on."""

    def answer(request: Request) -> str:
        if request.number > calls:
            raise FatalProviderError("the key is refused")
        return by_quality(request)

    return answer


def mine(*more: object) -> Ended:
    given = ("-j", "mine", "--data", "rows.jsonl", "--orders", "one", "--concurrency", 1)
    return judgebench("run", "custom", *given, *more)


def begin(folder: RunWriter) -> None:
    folder.begin(Manifest(state="running", items={"hash": "x" * 64}), {}, [])


def test_a_folder_that_another_run_has_made_is_left_alone(tmp_path: Path) -> None:
    """Whoever comes second is refused at each further reply too, and writes nothing."""
    first, second = (RunWriter(tmp_path / "custom/mine/pairwise/one") for _ in range(2))
    second.hold()
    begin(first)
    (first.path / JUDGEMENTS).write_text("{}\n")
    first.close()
    for _ in range(3):
        with pytest.raises(ConfigError, match="another run has just written it"):
            begin(second)
    assert (first.path / JUDGEMENTS).read_text() == "{}\n"


class Closed(Silent):
    """A terminal that has gone away."""

    def judged(self, cell: object, judgement: object) -> None:
        raise BrokenPipeError


def test_a_closed_terminal_loses_no_reply(models: ScriptedModels) -> None:
    """The run goes on without a word, and no call is made again."""
    planned = plan("custom", PlanOptions(judges=["mine"], data="rows.jsonl", orders="one"))
    (result,) = asyncio.run(api.run_grid(planned, RunOptions(), progress=Closed()))
    assert (result.state, models.count) == ("done", COUNT)


def test_a_refresh_goes_on_where_it_stopped(models: ScriptedModels) -> None:
    """The same command asks for the rest alone."""
    mine()
    models.answer = refused_after(COUNT + 7)
    stopped = mine("--refresh")
    models.answer = by_quality
    ended = mine("--refresh")
    assert (stopped.status, ended.status, models.count) == (1, 0, COUNT + 7 + 1 + COUNT - 7)
    found = [len(read_jsonl(FOLDER / name)) for name in ("judgements.jsonl", "judgements-replaced.jsonl")]
    assert found == [COUNT, COUNT]


def test_a_refresh_that_has_not_ended_is_not_taken_for_a_run(models: ScriptedModels) -> None:
    """Without --refresh, old and new replies would be mixed: one line, exit 2."""
    mine()
    models.answer = refused_after(COUNT + 7)
    mine("--refresh")
    ended = mine()
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert "its last --refresh is incomplete" in ended.err


def test_a_grids_refresh_goes_on_where_it_stopped(models: ScriptedModels) -> None:
    """Two templates, cut off in the second: what the first has is not asked a third time."""
    both = ("-t", "pairwise", "-t", "pairwise-ties")
    mine(*both)
    models.answer = refused_after(3 * COUNT + 7)
    mine(*both, "--refresh")
    models.answer = by_quality
    foretold = json.loads(mine(*both, "--refresh", "--dry-run", "--json").out)
    ended = mine(*both, "--refresh")
    assert [each["calls"] for each in foretold] == [0, COUNT - 7]
    assert (ended.status, models.count) == (0, 4 * COUNT + 1)
    mine(*both, "--refresh")
    assert models.count == 6 * COUNT + 1


def test_what_a_refresh_replaced_counts_no_more(models: ScriptedModels) -> None:
    """Calls and tokens are those of the replies that the score rests on."""
    mine()
    before = read_json(FOLDER / "metrics.json")["usage"]
    mine("--refresh")
    assert read_json(FOLDER / "metrics.json")["usage"] == before


@pytest.mark.parametrize("command", ["report", "show", "rescore"])
def test_a_refresh_that_has_not_ended_is_not_read(models: ScriptedModels, command: str) -> None:
    """Old and new replies would be mixed in every figure: one line, exit 2; a leaderboard leaves it out."""
    mine()
    models.answer = refused_after(COUNT + 7)
    mine("--refresh")
    ended = judgebench(command, FOLDER)
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert "its last --refresh is incomplete" in ended.err
    assert "its last --refresh is incomplete" in judgebench("leaderboard", "runs").err


def test_a_refresh_that_has_ended_is_a_run_like_any_other(models: ScriptedModels) -> None:
    mine()
    mine("--refresh")
    assert (mine().status, "refreshed_from" in read_json(FOLDER / "manifest.json"), models.count) == (
        0,
        False,
        2 * COUNT,
    )


def test_a_key_refused_ends_calls_that_wait(server: LoopbackServer) -> None:
    """One is told to come again in a minute and a half; the run ends at the other's 401, not after that."""

    def faults(request):
        if request.number == 5:
            return Fault.status(429, retry_after=90)
        return Fault.status(401) if request.number > 8 else None

    server.faults = faults
    started = time.monotonic()
    ended = mine("--concurrency", 2)
    assert (ended.status, time.monotonic() - started < 60) == (1, True)


def ctrl_c(server: LoopbackServer, after: int) -> tuple[int, str]:
    """A run that is interrupted once, a second after so many requests; its exit status and what it said."""
    given = ("run", "custom", "-j", "mine", "--data", "rows.jsonl", "--orders", "one", "--concurrency", "2")
    running = Running(*given)
    server.wait_count(after)
    time.sleep(1)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate()
    return running.wait(), said


def test_ctrl_c_ends_calls_that_wait(server: LoopbackServer) -> None:
    """Once is enough: what waits for a further try is given up, and the same command asks it again."""
    server.faults = lambda request: Fault.status(429, retry_after=90) if request.number in {5, 6} else None
    status, said = ctrl_c(server, after=6)
    assert (status, "rerun the same command to resume" in said) == (130, True)
    server.faults = None
    assert (mine().status, server.count) == (0, COUNT + 2)


def test_ctrl_c_loses_no_try_that_was_paid_for(server: LoopbackServer) -> None:
    """Four replies of 50 tokens and one that said nothing in 80, whose call then waits: 280 tokens."""
    server.answer = Reply("[[A]]", usage={"prompt_tokens": 10, "completion_tokens": 50})
    waiting = Fault.status(429, retry_after=90)
    tries = {5: Fault("empty", Reply("", usage={"prompt_tokens": 10, "completion_tokens": 80})), 6: waiting, 7: waiting}
    server.faults = lambda request: tries.get(request.number)
    assert ctrl_c(server, after=7)[0] == 130
    assert read_json(FOLDER / "metrics.json")["usage"]["completion_tokens"] == 280


def test_rows_that_change_under_a_run_are_not_mixed(models: ScriptedModels, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that are not kept in memory: the run goes on with those that it checked."""
    monkeypatch.setattr("judgebench.benchmarks.store.KEPT_BYTES", 0)
    monkeypatch.setattr("judgebench.engine.cached._LOOKED_UP_CALLS", 1)

    def answer(request) -> str:
        if request.number == 5:
            write_jsonl(Path("rows.jsonl"), [row | {"prompt": "Another question?"} for row in pairs(COUNT)])
        return by_quality(request)

    models.answer = answer
    assert mine().status == 0
    assert [request.number for request in models.requests if "Another question?" in request.text] == []


def test_a_cancelled_run_leaves_no_call_behind(server: LoopbackServer) -> None:
    """Cancelled from outside while it begins calls: none of them goes on alone."""
    server.hold()

    async def cancelled() -> set[asyncio.Task[object]]:
        planned = plan("custom", PlanOptions(judges=["mine"], data="rows.jsonl", orders="one"))
        run = asyncio.create_task(api.run_grid(planned, RunOptions(concurrency=2)))
        await asyncio.to_thread(server.wait_in_flight, 2)
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
        return {task for task in asyncio.all_tasks() if "LocalEngine._call()" in repr(task)}

    assert asyncio.run(cancelled()) == set()
    server.release()
