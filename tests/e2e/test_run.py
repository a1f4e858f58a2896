"""`judgebench run` from the command to the folder."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from commands import (
    FRESH,
    Ended,
    apart,
    best_of_four,
    by_quality,
    caches,
    judgebench,
    pairs,
    process,
    read_json,
    read_jsonl,
    ties,
    without_progress,
    write_jsonl,
    write_judges,
)
from loopback import LoopbackServer, Reply
from processes import Running
from scripted import ScriptedModels

FILES = {
    *("manifest.json", "template.jinja", "items.jsonl.gz"),
    *("judgements.jsonl", "outcomes.jsonl", "metrics.json"),
}
JUDGEMENT = {
    *("item", "subset", "order", "sample", "verdict", "reply", "served_model"),
    *("usage", "cost_usd", "latency_s", "cached", "key"),
}
METRICS = {
    *("benchmark", "judge", "template", "score", "sections", "subsets", "missing", "items", "judgements", "coverage"),
    *("failures", "bounds", "consistency", "position_bias", "length_bias", "usage"),
}
USAGE = {
    *("calls", "cached", "prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_prompt_tokens", "cost_usd"),
}


@pytest.fixture
def live():
    with LoopbackServer(by_quality) as running:
        write_judges(running.url)
        yield running


@pytest.fixture
def server():
    """The same without sockets, where it is of no account how replies come."""
    with ScriptedModels(by_quality) as running:
        write_judges(running.url)
        yield running


@pytest.fixture
def data() -> Path:
    return write_jsonl(Path("pairs.jsonl"), pairs(8))


def mine(*more: object):
    return judgebench("run", "rewardbench", "-j", "mine", "--data", "pairs.jsonl", *more)


FOLDER = Path("runs/rewardbench/mine/pairwise/one")

# --- with no argument


RUN = """\
import runpy, sys
sys.argv = ["judgebench", "run"]
try: runpy.run_module("judgebench", run_name="__main__")
finally: print([name for name in sys.modules if name.partition(".")[0] == "litellm"], file=sys.stderr)
"""


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ended, Path]:
    """`python -m judgebench run` in a process of its own, with no key and no network, and the folder."""
    with apart(tmp_path_factory.mktemp("first")) as folder:
        return process(python=("-c", RUN)), folder


def test_without_arguments_the_main_job_runs(first_run: tuple[Ended, Path]) -> None:
    """Exit 0, a table on stdout, the folders on stderr."""
    ended, _ = first_run
    *folders, _ = without_progress(ended.err)
    assert (ended.status, "RewardBench 2 · offline/longest" in ended.out, len(folders)) == (0, True, 2)


def test_without_arguments_both_benchmarks_have_a_folder(first_run: tuple[Ended, Path]) -> None:
    """RewardBench and RewardBench 2, by the offline judge."""
    _, folder = first_run
    found = sorted(str(path.parent.relative_to(folder)) for path in (folder / "runs").rglob("metrics.json"))
    assert found == [
        "runs/rewardbench-2/offline--longest/four-way/one",
        "runs/rewardbench/offline--longest/pairwise/one",
    ]


def test_an_offline_judge_imports_nothing_of_litellm(first_run: tuple[Ended, Path]) -> None:
    """The first command of the README calls no model: not one module of LiteLLM's is imported."""
    ended, _ = first_run
    assert ("54 calls, 0 from the cache" in ended.out, ended.err.splitlines()[-1]) == (True, "[]")


# --- what is printed


@dataclass
class Done:
    """A run over the sockets, and what its command printed: quietly at first, then as JSON and as a table."""

    folder: Path
    quiet: Ended
    json: Ended
    table: Ended


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    answer = Reply("Clear. [[A]]", served_model="loopback-2")
    with apart(tmp_path_factory.mktemp("done")) as folder, LoopbackServer(answer) as running:
        write_judges(running.url)
        write_jsonl(Path("pairs.jsonl"), pairs(8))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("COLUMNS", "80")
            return Done(folder / FOLDER, mine("--quiet"), mine("--json"), mine())


def test_json_prints_a_list_and_nothing_else(done: Done) -> None:
    """One object a run; its fields are those of the contract."""
    (metrics,) = done.json.metrics
    assert metrics.keys() >= METRICS
    assert metrics["usage"].keys() >= USAGE


def test_json_is_what_the_folder_has(done: Done) -> None:
    """The same figures in both places."""
    assert done.json.metrics == [read_json(done.folder / "metrics.json")]


def test_quiet_leaves_the_result_alone(done: Done) -> None:
    """Nothing on standard error."""
    assert ("RewardBench" in done.quiet.out, done.quiet.err) == (True, "")


def test_a_table_has_no_blanks_at_its_line_ends(done: Done) -> None:
    """Where it goes to a file."""
    lines = done.table.out.splitlines()
    assert [line for line in lines if line != line.rstrip()] == []


def test_a_table_fits_into_80_columns(done: Done) -> None:
    """The title apart, which is as long as the names are."""
    assert max(map(len, done.table.out.splitlines()[1:])) <= 80


# --- the folder


def test_a_run_has_its_files(done: Done) -> None:
    """Enough to report it, on another machine, with no call."""
    assert {path.name for path in done.folder.iterdir()} >= FILES


def test_nothing_half_written_is_left(done: Done) -> None:
    """No temporary file in the whole tree."""
    assert list(done.folder.parents[3].rglob("*.part")) == []


def test_a_judgement_has_its_fields(done: Done) -> None:
    """A line a reply, and each says all there is to say."""
    lines = read_jsonl(done.folder / "judgements.jsonl")
    assert (len(lines), [JUDGEMENT - line.keys() for line in lines]) == (8, [set()] * 8)


def test_a_judgement_has_the_reply_and_where_it_came_from(done: Done) -> None:
    """The text, the model that answered, and that it was not cached."""
    line = read_jsonl(done.folder / "judgements.jsonl")[0]
    assert (line["reply"], line["served_model"], line["cached"]) == ("Clear. [[A]]", "loopback-2", False)


def test_an_outcome_has_its_fields(done: Done) -> None:
    """Item, subset and credit."""
    outcomes = read_jsonl(done.folder / "outcomes.jsonl")
    order = {line["item"]: line["order"] for line in read_jsonl(done.folder / "judgements.jsonl")}
    assert [(o["item"], o["subset"], o["credit"]) for o in outcomes[:2]] == [
        ("0", "alpacaeval-easy", float(order["0"][0] == 0)),
        ("1", "donotanswer", float(order["1"][0] == 0)),
    ]


def test_the_items_are_there_with_their_texts(done: Done) -> None:
    """In the order of the data."""
    with gzip.open(done.folder / "items.jsonl.gz", "rt") as file:
        items = [json.loads(line) for line in file]
    assert [item["conversation"][0]["content"] for item in items] == [f"Question {n}?" for n in range(8)]


def test_the_manifest_says_how_the_run_was_made(server: ScriptedModels, data: Path) -> None:
    """Versions, seed, protocol, hashes, data, judge, start, end and state."""
    mine("--seed", 3)
    manifest = read_json(FOLDER.with_name("one-seed3") / "manifest.json")
    assert {"versions", "seed", "protocol", "data", "items", "judge", "started", "ended", "state"} <= manifest.keys()
    assert (manifest["seed"], manifest["state"], manifest["data"]["source"]) == (3, "done", "pairs.jsonl")


def test_no_file_holds_the_key(live: LoopbackServer, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the run's folder nor the cache."""
    monkeypatch.setenv("MINE_KEY", "canary-5d2e8f")
    write_judges(live.url, mine={"api_key_env": "MINE_KEY", "extra_headers": {"X-Key": "os.environ/MINE_KEY"}})
    mine()
    places = [Path("runs"), Path(os.environ["JUDGEBENCH_CACHE_DIR"])]
    files = [path for place in places for path in place.rglob("*") if path.is_file()]
    assert live.requests[0].headers["X-Key"] == "canary-5d2e8f"
    assert [path for path in files if b"canary-5d2e8f" in path.read_bytes()] == []


# --- the cache


def test_the_same_command_makes_no_call_again(server: ScriptedModels, data: Path) -> None:
    """The folder has everything."""
    mine()
    mine()
    assert server.count == 8


def test_the_same_command_gives_the_same_metrics_again(server: ScriptedModels, data: Path) -> None:
    """To the digit, calls and tokens included."""
    assert mine("--json").out == mine("--json").out


def test_a_second_run_keeps_its_start(server: ScriptedModels, data: Path) -> None:
    """The manifest goes on saying when the first call was made."""
    mine()
    manifest = FOLDER / "manifest.json"
    manifest.write_text(json.dumps(read_json(manifest) | {"started": "2026-01-02T03:04:05+00:00"}))
    mine()
    assert read_json(manifest)["started"] == "2026-01-02T03:04:05+00:00"


def test_another_folder_is_filled_from_the_cache(server: ScriptedModels, data: Path) -> None:
    """No call, and each reply is marked as cached."""
    mine()
    usage = mine("--json", "--out", "other").metrics[0]["usage"]
    assert (server.count, usage["calls"], usage["cached"]) == (8, 0, 8)


def test_a_cached_run_needs_no_key(live: LoopbackServer, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing key is a mistake only when a call is needed."""
    write_judges(live.url, mine={"api_key_env": "MINE_KEY"})
    monkeypatch.setenv("MINE_KEY", "something")
    mine()
    monkeypatch.delenv("MINE_KEY")
    assert mine("--out", "other").status == 0


def test_what_a_model_does_not_take_is_said(live: LoopbackServer, data: Path) -> None:
    """With the first run, with the second, and from the cache."""
    write_judges(live.url, mine={"model": "openai/o3"})
    notes = [mine("--json", *more).metrics[0]["notes"] for more in ((), (), ("--out", "other"))]
    assert [first for first, *_ in notes] == ["openai/o3 does not support temperature: left out"] * 3


def test_another_cache_is_another_cache(server: ScriptedModels, data: Path) -> None:
    """--cache-dir."""
    mine("--cache-dir", "own-cache")
    assert (Path("own-cache/cache.db").exists(), caches()) == (True, [])


def test_duplicate_questions_are_asked_once(server: ScriptedModels) -> None:
    """Two items with the same texts share one call, and both have a judgement."""
    rows = [row | {"id": name} for row in pairs(1) for name in ("x", "y")]
    write_jsonl(Path("pairs.jsonl"), rows)
    (metrics,) = mine("--json", "--orders", "both").metrics
    assert (server.count, metrics["judgements"]) == (2, 4)


# --- other shapes


def test_four_way_and_ties(server: ScriptedModels) -> None:
    """A judge that is always right gets 1 in the domains and in Ties, which it is asked in ratings."""
    write_jsonl(Path("rb2.jsonl"), [*best_of_four(3), *best_of_four(3, "Focus"), *ties(1), *ties(2)])
    (metrics,) = judgebench("run", "rewardbench-2", "-j", "mine", "--data", "rb2.jsonl", "--json").metrics
    assert (metrics["sections"]["Factuality"]["score"], metrics["sections"]["Ties"]["score"] > 0.99) == (1.0, True)
    assert server.count == 6 + 2 * (4 + 6)


def test_conversations_of_several_turns_go_out_whole(server: ScriptedModels) -> None:
    """Every turn is in the prompt."""
    turns = [{"role": "user", "content": "First?"}, {"role": "assistant", "content": "Second."}]
    row = pairs(1)[0] | {"prompt": [*turns, {"role": "user", "content": "Third?"}]}
    write_jsonl(Path("pairs.jsonl"), [row])
    mine()
    assert all(words in server.requests[0].text for words in ("First?", "Second.", "Third?"))


def test_python_dash_m_is_the_same_command() -> None:
    """`python -m judgebench`."""
    assert process("--version", python=FRESH).out.startswith("judgebench ")


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal is needed")
def test_a_terminal_has_a_progress_bar(live: LoopbackServer, data: Path) -> None:
    """It says which benchmark and judge, and counts."""
    live.latency = 0.4
    ours, theirs = os.openpty()
    arguments = ("run", "rewardbench", "-j", "mine", "--data", "pairs.jsonl", "--concurrency", 2)
    with Running(*arguments, streams=(subprocess.DEVNULL, theirs, theirs)) as running:
        os.close(theirs)
        shown = b""
        # Linux ends a pseudo-terminal that nobody writes to any more with an error.
        with contextlib.suppress(OSError):
            while part := os.read(ours, 65536):
                shown += part
        os.close(ours)
    assert (running.returncode, "rewardbench · mine".encode() in shown, b" of 8 judged" in shown) == (0, True, True)
