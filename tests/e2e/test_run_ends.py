"""How a run ends: done, with failures, refused by the provider, interrupted; and what is kept each time."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from commands import (
    Ended,
    apart,
    by_quality,
    caches,
    files_below,
    judgebench,
    pairs,
    read_json,
    read_jsonl,
    without_progress,
    write_jsonl,
    write_judges,
)
from loopback import Fault, LoopbackServer, Reply, error_reply
from processes import Running
from scripted import ScriptedModels

from judgebench.api import run_grid
from judgebench.cli.console import messages
from judgebench.cli.run_ending import print_reasons
from judgebench.engine.options import PlanOptions, RunOptions
from judgebench.engine.plan import plan
from judgebench.engine.progress import Stop
from judgebench.errors import FatalProviderError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopback import Request

FOLDER = Path("runs/rewardbench/mine/pairwise/one")


@pytest.fixture
def server():
    with LoopbackServer(by_quality) as running:
        write_judges(running.url)
        write_jsonl(Path("pairs.jsonl"), pairs(20))
        yield running


@pytest.fixture
def models():
    """The same without sockets, where it is of no account how replies come."""
    with ScriptedModels(by_quality) as running:
        write_judges(running.url)
        write_jsonl(Path("pairs.jsonl"), pairs(20))
        yield running


def mine(*more: object) -> Ended:
    return judgebench("run", "rewardbench", "-j", "mine", "--data", "pairs.jsonl", *more)


def only(number: int, fault: Fault):
    """The fault for every question about one item."""
    return lambda request: fault if f"Question {number}?" in request.text else None


def on_item_3(reply: Reply):
    """The reply to every question about this item, and the right verdict on the others."""
    return lambda request: reply if "Question 3?" in request.text else by_quality(request)


FAILURES = {
    "unreadable": Reply("I find them both very good indeed."),
    "refused": Reply("I'm sorry, but I can't compare these."),
    "truncated": Reply("The first one is", finish_reason="length"),
    "empty": Reply(""),
    "context": Fault.context_length().reply,
    "filtered": Fault.content_policy().reply,
    "provider": error_reply(400, "Not this one."),
}


# --- failures of single items


@pytest.fixture(scope="module")
def with_failures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in which one item each meets each failure; the items with odd numbers."""
    faults = {2 * at + 1: Fault(kind, reply) for at, (kind, reply) in enumerate(FAILURES.items())}

    def met(request):
        return faults.get(int(request.text.partition("Question ")[2].partition("?")[0]))

    with apart(tmp_path_factory.mktemp("failures")) as folder, LoopbackServer(by_quality, faults=met) as server:
        write_judges(server.url)
        write_jsonl(Path("pairs.jsonl"), pairs(20))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("judgebench.client.calls.FIRST_WAIT_S", 0.001)
            mine("--concurrency", 1)
    return folder / FOLDER


@pytest.mark.parametrize("kind", FAILURES)
def test_a_failure_is_a_record(with_failures: Path, kind: str) -> None:
    """Its kind and reason stand in its judgement, with the reply where there was one."""
    item = str(2 * [*FAILURES].index(kind) + 1)
    (line,) = (line for line in read_jsonl(with_failures / "judgements.jsonl") if line["item"] == item)
    assert (line["failure"]["kind"], line["reply"]) == (kind, FAILURES[kind].content or line["reply"])
    assert line["failure"]["detail"]


def test_failures_leave_the_others_alone(with_failures: Path) -> None:
    """Every other item has its credit."""
    credit = {outcome["item"]: outcome["credit"] for outcome in read_jsonl(with_failures / "outcomes.jsonl")}
    failed = {str(2 * at + 1): 0.5 for at in range(len(FAILURES))}
    assert (len(credit), {item: each for item, each in credit.items() if each != 1}) == (20, failed)


@pytest.mark.parametrize(("share", "status"), [(None, 0), (0.95, 0), (0.96, 1)])
def test_a_run_with_some_failures_ends_with_0_unless_too_many(
    models: ScriptedModels, share: float | None, status: int
) -> None:
    """They are counted and listed; `--fail-under` makes a gate of it, and says so with --quiet too."""
    models.answer = on_item_3(FAILURES["unreadable"])
    ended = mine("--quiet", *([] if share is None else ["--fail-under", share]))
    line = "mine: coverage 0.95 is below --fail-under 0.96\n" if status else ""
    assert (ended.status, ended.err) == (status, line)


def test_a_run_without_any_verdict_has_no_score_and_ends_with_1(models: ScriptedModels) -> None:
    """Nothing is known of the judge."""
    models.answer = "Hm."
    ended = mine("--quiet", "--json")
    (metrics,) = ended.metrics
    assert (ended.status, metrics["score"], metrics["sections"], metrics["coverage"]) == (1, None, {}, 0)
    assert ended.err == "mine: no judgement has a verdict (failures: 20 unreadable)\n"


@pytest.mark.parametrize("benchmark", ["rm-bench", "custom"])
def test_a_run_without_any_verdict_has_no_figures_of_the_judge(models: ScriptedModels, benchmark: str) -> None:
    """Accuracy by level, recall, kappa, test-retest and the test against a baseline are unknown: null, not printed."""
    models.answer = "Hm."
    write_jsonl(Path("rows.jsonl"), [{"prompt": f"q{at}", "response": "a", "label": at % 2} for at in range(4)])
    data = Path(__file__).parents[1] / "data/rm-bench.jsonl" if benchmark == "rm-bench" else "rows.jsonl"
    more = ("--limit", 4, "--samples", 2)
    if benchmark == "custom":
        more = (*more, "-t", "pass-fail", "--labels", "1=pass,0=fail")
    out = judgebench("run", benchmark, "-j", "mine", "--data", data, *more).out
    assert [word for word in ("paired p", "recall", "kappa", "hard", "test-retest") if word in out] == []
    (path,) = Path(f"runs/{benchmark}").rglob("metrics.json")
    metrics = read_json(path)
    assert {each["p"] for each in metrics["controls"]["baselines"].values()} == {None}
    figures = metrics["labels"] if benchmark == "custom" else metrics
    for name in ("recall", "specificity", "kappa", "mcc") if benchmark == "custom" else ("hard", "normal", "easy"):
        assert figures[name] is None


def test_a_rerun_says_what_it_did_beside_what_is_stored(models: ScriptedModels) -> None:
    """12 of 20 were there: 8 calls now; then none. A first run says its calls alone."""
    assert "  20 calls, 0 from the cache; " in mine().out
    kept = FOLDER / "judgements.jsonl"
    write_jsonl(kept, read_jsonl(kept)[:12])
    assert "  8 calls now, 12 stored; " in mine("--cache-dir", "other").out
    assert ("  0 calls now, 20 stored; " in mine().out, models.count) == (True, 28)


def test_a_run_whose_every_call_failed_ends_with_1(server: LoopbackServer) -> None:
    """Where the judge had answered before, so that it is not stopped; the items of a second run are all refused."""
    mine("--limit", 2)
    server.faults = lambda request: Fault.status(400)
    assert mine("--concurrency", 1, "--refresh", "--limit", 2, "--quiet").status == 1


def test_failures_are_counted_by_kind_in_one_line_of_the_run(models: ScriptedModels) -> None:
    """With the folder that `show` lists them for."""
    models.answer = on_item_3(FAILURES["truncated"])
    assert without_progress(mine().err) == [
        f"done: {FOLDER} (1 of 20 without a verdict: 1 truncated)",
        f"details: judgebench show {FOLDER}",
    ]


def test_a_grid_with_failures_has_one_line_a_run(models: ScriptedModels) -> None:
    """However many failures there are, the table stays on the screen."""
    models.answer = lambda request: FAILURES["truncated"] if request.number % 2 else by_quality(request)
    grid = [option for name in ("pairwise", "pairwise-reasoning", "pairwise-ties") for option in ("-t", name)]
    lines = without_progress(mine(*grid).err)
    assert [line.partition(":")[0] for line in lines] == ["done", "done", "done", "details"]
    assert all("10 of 20 without a verdict: 10 truncated" in line for line in lines[:3])
    assert lines[3] == f"details: judgebench show {FOLDER}"


def test_failures_stand_beside_the_score(models: ScriptedModels) -> None:
    """Coverage, kinds and bounds in the metrics."""
    models.answer = on_item_3(FAILURES["unreadable"])
    (metrics,) = mine("--json").metrics
    found = (metrics["coverage"], metrics["failures"], metrics["bounds"]["low"], metrics["bounds"]["high"])
    assert found == (0.95, {"unreadable": 1}, 0.95, 1.0)


def test_a_reply_with_terminal_escapes_does_no_harm(models: ScriptedModels) -> None:
    """Nothing that the terminal would obey is printed."""
    models.answer = on_item_3(Reply("I can't \x1b]0;owned\x07\x1b[2J say \x9b31m."))
    ended = mine()
    assert not {"\x1b", "\x07", "\x9b"} & set(ended.out + ended.err)


def test_provider_failures_are_asked_again(server: LoopbackServer) -> None:
    """By the same command, once the provider is well again."""
    server.faults = only(3, Fault("odd", FAILURES["provider"]))
    mine("--concurrency", 1)
    server.faults = None
    assert (mine().status, server.count) == (0, 21)


def test_unreadable_replies_are_not_asked_again(models: ScriptedModels) -> None:
    """They were paid for, and say what they say."""
    models.answer = on_item_3(FAILURES["unreadable"])
    mine()
    models.answer = by_quality
    assert (mine().status, models.count) == (0, 20)


# --- refused by the provider


@pytest.mark.parametrize("fault", [Fault.invalid_key(), Fault.model_not_found(), Fault.insufficient_quota()])
def test_a_provider_that_refuses_stops_the_run_at_once(server: LoopbackServer, fault: Fault) -> None:
    """Exit 2 with one line, after no more calls than were in flight; nothing is written."""
    server.faults = lambda _: fault
    ended = mine("--concurrency", 2)
    assert (ended.status, ended.err.count("\n"), ended.out, server.count) == (2, 1, "", 2)
    assert (Path("runs").exists(), caches()) == (False, [])


def test_a_key_refused_in_the_middle_keeps_what_there_is(server: LoopbackServer) -> None:
    """The run stops with exit 1, says why, and its folder has every reply."""
    server.faults = lambda request: Fault.status(401) if request.number > 7 else None
    ended = mine("--concurrency", 1)
    assert (ended.status, len(read_jsonl(FOLDER / "judgements.jsonl")), server.count) == (1, 7, 8)
    assert "stopped: judge 'mine' (openai/loopback): the key is refused" in ended.err


def refuses_after_7(request: Request) -> str:
    """Seven right verdicts, then no more."""
    if request.number > 7:
        raise FatalProviderError("the key is refused")
    return by_quality(request)


def test_a_stopped_run_says_what_it_did_not_ask(models: ScriptedModels) -> None:
    """As failures that no call was made for; its bounds leave room for them."""
    models.answer = refuses_after_7
    (metrics,) = mine("--concurrency", 1, "--json").metrics
    assert (metrics["failures"], metrics["bounds"]["high"]) == ({"not_asked": 13}, 1.0)


def test_a_stopped_run_goes_on(models: ScriptedModels) -> None:
    """The same command, once the key is mended, asks for the rest."""
    models.answer = refuses_after_7
    mine("--concurrency", 1)
    models.answer = by_quality
    assert (mine().status, models.count) == (0, 21)


def two_judges() -> Ended:
    return judgebench("run", "rewardbench", "-j", "bad", "-j", "good", "--data", "pairs.jsonl", "--json")


@pytest.fixture
def one_refused(server: LoopbackServer) -> LoopbackServer:
    write_jsonl(Path("pairs.jsonl"), pairs(6))
    write_judges(server.url, bad={"model": "openai/bad"}, good={"model": "openai/good"})
    server.faults = lambda request: Fault.status(401) if request.model == "bad" else None
    return server


def test_one_judge_refused_leaves_the_other_running(one_refused: LoopbackServer) -> None:
    """Exit 2, the other's run done and its metrics on stdout, and one line about the one that is refused."""
    ended = two_judges()
    assert (ended.status, [run["judge"] for run in ended.metrics]) == (2, ["good"])
    assert read_json(Path("runs/rewardbench/good/pairwise/one/manifest.json"))["state"] == "done"
    assert [line for line in ended.err.splitlines() if line.startswith("stopped: judge 'bad'")]


def test_one_judge_refused_is_said_once(one_refused: LoopbackServer) -> None:
    """However many templates it was to be asked with."""
    ended = judgebench(
        *("run", "rewardbench", "-j", "bad", "-j", "good", "--data", "pairs.jsonl"),
        *("-t", "pairwise", "-t", "pairwise-ties"),
    )
    assert ended.err.count("judge 'bad'") == 1


# --- interrupted


def start(*more: str) -> Running:
    return Running("run", "rewardbench", "-j", "mine", "--data", "pairs.jsonl", *more)


def interrupted(server: LoopbackServer, *, twice: bool) -> Ended:
    """A run of 20, stopped by Ctrl-C with three calls in flight; with five done before, where it is stopped twice."""
    if twice:
        server.faults = lambda request: Fault.hang() if request.number > 5 else None
    else:
        server.hold()
    running = start("--concurrency", "3")
    server.wait_count(8 if twice else 3)
    os.kill(running.pid, signal.SIGINT)
    assert running.stderr is not None
    # Two signals that come before the first is seen are one.
    said = next(line for line in running.stderr if line.startswith("finishing calls in flight"))
    if twice:
        os.kill(running.pid, signal.SIGINT)
    else:
        server.release()
    out, err = running.communicate(timeout=120)
    return Ended(running.returncode, out, said + err)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_polite_end_finishes_what_is_in_flight(server: LoopbackServer, number: signal.Signals) -> None:
    """Once or twice (a terminal that goes sends two): like one Ctrl-C."""
    server.hold()
    running = start("--concurrency", "3")
    server.wait_count(3)
    os.kill(running.pid, number)
    assert running.stderr is not None
    said = next(line for line in running.stderr if line.startswith("finishing calls in flight"))
    os.kill(running.pid, number)
    server.release()
    _, err = running.communicate(timeout=120)
    assert (said != "", "rerun the same command to resume" in err) == (True, True)
    assert (running.returncode, len(read_jsonl(FOLDER / "judgements.jsonl")), server.count) == (130, 3, 3)


def test_a_hangup_that_is_ignored_stays_so(server: LoopbackServer) -> None:
    """Under nohup, the run goes on to its end."""
    server.hold()
    nohup = "import runpy, signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    command = ("run", "rewardbench", "-j", "mine", "--data", "pairs.jsonl", "--concurrency", "3")
    running = Running(*command, code=nohup + "runpy.run_module('judgebench', run_name='__main__')")
    server.wait_count(3)
    os.kill(running.pid, signal.SIGHUP)
    server.release()
    running.communicate()
    assert (running.returncode, server.count) == (0, 20)


def test_ctrl_c_before_anything_is_imported() -> None:
    """Exit 130 without a traceback."""
    script = (
        "import builtins, sys\n"
        "import judgebench.__main__ as entry\n"
        "plain = builtins.__import__\n"
        "def interrupted(name, *more):\n"
        "    if name == 'judgebench.cli':\n"
        "        raise KeyboardInterrupt\n"
        "    return plain(name, *more)\n"
        "builtins.__import__ = interrupted\n"
        "entry.main()\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (130, "")


def test_an_interrupt_between_two_runs_says_how_to_go_on(
    models: ScriptedModels, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first run is done, and the other was not begun: it is named."""
    stop = Stop()

    def last(request):
        stop.ask()
        return by_quality(request)

    models.answer = last
    templates = ("pairwise", "pairwise-ties")
    grid = plan("rewardbench", PlanOptions(judges=("mine",), templates=templates, data="pairs.jsonl", limit=1))
    ended = asyncio.run(run_grid(grid, RunOptions(), stop=stop))
    print_reasons(ended, messages())
    assert ([each.state for each in ended], models.count) == (["done"], 1)
    assert capsys.readouterr().err.splitlines() == [
        "interrupted: 1 run not begun (mine · pairwise-ties)",
        "rerun the same command to resume",
    ]


@pytest.mark.parametrize("twice", [False, True])
def test_ctrl_c_keeps_what_was_answered(server: LoopbackServer, twice: bool) -> None:
    """Exit 130: once, the three calls in flight are kept and no other is made; twice, what was answered before is.

    It says how to go on, without a traceback, and leaves metrics over what is there and a manifest that says so; the
    same command asks only for what is not there.
    """
    ended = interrupted(server, twice=twice)
    assert (ended.status, len(read_jsonl(FOLDER / "judgements.jsonl"))) == (130, 5 if twice else 3)
    assert twice or server.count == 3
    assert ("rerun the same command to resume" in ended.err, "Traceback" in ended.err) == (True, False)
    assert read_json(FOLDER / "manifest.json")["state"] == "interrupted"
    assert read_json(FOLDER / "metrics.json")["failures"] == {"not_asked": 15 if twice else 17}
    before = server.count
    server.faults = None
    assert (mine().status, server.count - before) == (0, 15 if twice else 17)


def test_a_killed_run_goes_on(server: LoopbackServer) -> None:
    """A kill -9 loses no more than what was in flight."""
    server.faults = lambda request: Fault.hang() if request.number > 5 else None
    running = start("--concurrency", "3")
    server.wait_count(8)
    running.kill()
    running.communicate()
    server.faults = None
    assert (mine().status, server.count) == (0, 8 + 15)


def changed_template(url: str) -> tuple[object, ...]:
    Path("own.jinja").write_text(Path("own.jinja").read_text().replace("{% block user %}", "{% block user %}Now: "))
    return ()


def changed_rows(url: str) -> tuple[object, ...]:
    rows = pairs(ITEMS)
    rows[3]["chosen"] += " Indeed."
    write_jsonl(Path("pairs.jsonl"), rows)
    return ()


def changed_judge(**settings: object):
    def change(url: str) -> tuple[object, ...]:
        write_judges(url, mine=settings)
        return ()

    return change


ITEMS = 8
OWN = ("-t", "own.jinja", "--cache-dir", "cache")
PARAMS = {"temperature": 0, "max_tokens": 2048}
CHANGES = {
    "template": changed_template,
    "data": changed_rows,
    "temperature": changed_judge(params={**PARAMS, "temperature": 0.5}),
    "max_tokens": changed_judge(params={**PARAMS, "max_tokens": 64}),
    "reasoning_effort": changed_judge(params={**PARAMS, "reasoning_effort": "high"}),
    "model": changed_judge(model="scripted/another"),
    "whose replies": changed_judge(cache_as="another"),
    "further settings": changed_judge(top_logprobs_of_ours=3),
    "seed": lambda _: ("--seed", 1),
    "limit": lambda _: ("--limit", 4),
    "subset": lambda _: ("--subset", "donotanswer"),
    "orders": lambda _: ("--orders", "both"),
    "samples": lambda _: ("--samples", 2),
    "repair": lambda _: ("--repair", 1),
}


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ScriptedModels, Path]]:
    """Models, and a folder as a run left it that was killed after three replies: rows, judge, template, runs, cache."""
    folder, copy = tmp_path_factory.mktemp("running"), tmp_path_factory.mktemp("killed") / "copy"

    def answer(request: Request) -> str:
        if request.number == 4:
            shutil.copytree(folder, copy)  # what is written by now, a kill leaves
        return "[[A]]"

    with ScriptedModels(answer) as models:
        with chdir(folder):
            write_judges(models.url)
            write_jsonl(Path("pairs.jsonl"), pairs(ITEMS))
            Path("own.jinja").write_text(
                judgebench("templates", "show", "pairwise").out.replace("name: pairwise", "name: own")
            )
            assert mine(*OWN, "--concurrency", 1).status == 0
        models.answer = "[[A]]"
        yield models, copy


@pytest.mark.parametrize("what", CHANGES)
def test_a_killed_run_is_not_gone_on_with_by_a_changed_one(killed: tuple[ScriptedModels, Path], what: str) -> None:
    """The changed one gets a folder of its own with its judgements alone, and the first is left as it was."""
    server, there = killed
    shutil.copytree(there, ".", dirs_exist_ok=True)
    first = Path("runs/rewardbench/mine/own/one")
    kept = {path: path.read_bytes() for path in filter(Path.is_file, first.rglob("*"))}
    assert mine(*OWN, *CHANGES[what](server.url)).status == 0
    assert {path: path.read_bytes() for path in filter(Path.is_file, first.rglob("*"))} == kept
    (other,) = (path.parent for path in Path("runs").rglob("metrics.json"))
    judged = [(line["item"], *line["order"], line["sample"]) for line in read_jsonl(other / "judgements.jsonl")]
    assert len(judged) == len(set(judged)) == read_json(other / "metrics.json")["judgements"]


def test_after_a_changed_one_the_killed_run_goes_on(killed: tuple[ScriptedModels, Path]) -> None:
    """By the first command, with the calls that it had not made."""
    server, there = killed
    shutil.copytree(there, ".", dirs_exist_ok=True)
    mine(*OWN, *CHANGES["orders"](server.url))
    count = server.count
    assert mine(*OWN).status == 0
    folder = Path("runs/rewardbench/mine/own/one")
    assert (read_json(folder / "manifest.json")["state"], server.count - count <= ITEMS - 3) == ("done", True)


def test_two_runs_never_write_one_folder(server: LoopbackServer) -> None:
    """The second one is told so in one line, and makes no call."""
    server.faults = lambda request: Fault.hang() if request.number > 5 else None
    first = start("--concurrency", "3")
    server.wait_count(8)
    second = mine()
    first.kill()
    first.communicate()
    assert (second.status, second.err.count("\n"), "another run is writing to it" in second.err) == (2, 1, True)
    assert server.count == 8


def test_a_live_run_prints_nothing_of_its_libraries(server: LoopbackServer) -> None:
    """No warning, no log line, no unclosed connection: the folder's line, and on a slow machine progress, is all."""
    running = start()
    _, err = running.communicate(timeout=120)
    assert without_progress(err) == [f"done: {FOLDER}"]


def test_an_unwritable_cache_is_found_before_a_call(server: LoopbackServer) -> None:
    """Or the first reply would be lost."""
    Path("cache").write_text("")
    ended = mine("--cache-dir", "cache")
    assert (ended.status, server.count, files_below(Path())) == (2, 0, ["cache", "pairs.jsonl", "providers.yaml"])


# --- a part of the items is a sample of all


def test_a_run_that_ends_early_has_judged_a_sample(models: ScriptedModels) -> None:
    """The file has all easy rows first; of what the budget paid for a quarter is hard."""
    rows = [row | {"subset": "easy" if at < 60 else "hard"} for at, row in enumerate(pairs(80))]
    write_jsonl(Path("rows.jsonl"), rows)
    write_judges(models.url, mine={"price": {"input": 100, "output": 100}, "params": {"max_tokens": 10}})
    options = ("--data", "rows.jsonl", "--budget", 0.2, "--concurrency", 1, "--json")
    ended = judgebench("run", "custom", "-j", "mine", *options)
    (metrics,) = ended.metrics
    judged = sum(each["n"] for each in metrics["subsets"].values())
    assert ended.status == 1
    assert 10 < judged < 70
    assert metrics["subsets"]["hard"]["n"] == pytest.approx(judged / 4, abs=1)
    assert metrics["notes"][0].startswith(f"a sample of {judged} of 80 items, in an order drawn from the seed: the")


def test_a_score_of_few_verdicts_is_marked() -> None:
    """Eleven of twenty replies cannot be parsed: the official score stays, with a note."""
    fault = FAILURES["unreadable"]

    def reply(request):
        number = int(request.text.partition("Question ")[2].partition("?")[0])
        return fault if number < 11 else by_quality(request)

    with ScriptedModels(reply) as running:
        write_judges(running.url)
        write_jsonl(Path("pairs.jsonl"), pairs(20))
        (metrics,) = mine("--json").metrics
    assert metrics["score"] == pytest.approx(0.5 * 11 / 20 + 9 / 20, abs=0.03)
    assert metrics["notes"][0].startswith("coverage is below 50%: the official score is mostly of failures")
