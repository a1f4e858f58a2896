"""Equal calls are made once in a command, and several commands share a cache at the same time."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import Ended, by_quality, judgebench, pairs, read_json, write_jsonl, write_judges
from loopback import Fault, LoopbackServer
from processes import Running

from judgebench.client.cache.maintenance import ReplyStore

ITEMS = 16
SAME = {"cache_as": "one-model"}


@pytest.fixture
def server():
    with LoopbackServer(by_quality, latency=0.01) as running:
        write_judges(running.url, mine={}, one=SAME, two=SAME)
        write_jsonl(Path("pairs.jsonl"), pairs(ITEMS))
        yield running


def run(*judges: str, more: tuple[object, ...] = ()) -> Ended:
    named = [part for judge in judges for part in ("-j", judge)]
    return judgebench("run", "rewardbench", *named, "--data", "pairs.jsonl", "--json", *more)


def usages(ended: Ended) -> list[tuple[int, int]]:
    return [(metrics["usage"]["calls"], metrics["usage"]["cached"]) for metrics in ended.metrics]


# --- in one command


def test_two_judges_of_one_model_ask_once(server: LoopbackServer) -> None:
    """Side by side, each question goes out once, and both runs are whole."""
    ended = run("one", "two")
    assert (ended.status, server.count) == (0, ITEMS)
    assert [metrics["coverage"] for metrics in ended.metrics] == [1.0, 1.0]


def test_a_call_counts_for_the_run_that_made_it(server: LoopbackServer) -> None:
    """The other run has the reply as one that was there."""
    counts = usages(run("one", "two"))
    assert sum(calls for calls, _ in counts) == sum(cached for _, cached in counts) == ITEMS


def test_with_refresh_they_ask_once_more(server: LoopbackServer) -> None:
    """Not once each."""
    run("one", "two")
    run("one", "two", more=("--refresh",))
    assert server.count == 2 * ITEMS


def test_two_templates_of_the_same_words_ask_once(server: LoopbackServer) -> None:
    """Another name does not make another question."""
    shipped = judgebench("templates", "show", "pairwise").out
    for name in ("first", "second"):
        Path(f"{name}.jinja").write_text(shipped.replace("name: pairwise", f"name: {name}"))
    ended = run("mine", more=("-t", "first.jinja", "-t", "second.jinja"))
    assert (ended.status, server.count, usages(ended)) == (0, ITEMS, [(ITEMS, 0), (0, ITEMS)])


@pytest.mark.parametrize("concurrency", [1, 32])
def test_items_of_the_same_words_are_asked_once(server: LoopbackServer, concurrency: int) -> None:
    """Twenty rows of one text in two orders are two calls, and no more are counted or paid for."""
    (row,) = pairs(1)
    write_jsonl(Path("pairs.jsonl"), [{**row, "id": number} for number in range(20)])
    write_judges(server.url, mine={"price": {"input": 0, "output": 1_000_000}})
    (metrics,) = run("mine", more=("--concurrency", concurrency)).metrics
    usage = metrics["usage"]
    assert (server.count, usage["calls"], usage["cached"]) == (2, 2, 18)
    assert usage["cost_usd"] == pytest.approx(10 * usage["spent_usd"])


def test_what_one_judge_is_refused_the_other_still_asks(server: LoopbackServer, monkeypatch) -> None:
    """A wrong key of the first stops the first alone."""
    monkeypatch.setenv("GOOD_KEY", "good-7f3a91c4")
    monkeypatch.setenv("BAD_KEY", "bad-7f3a91c4")
    write_judges(server.url, bad={**SAME, "api_key_env": "BAD_KEY"}, good={**SAME, "api_key_env": "GOOD_KEY"})
    server.faults = lambda request: Fault.status(401) if request.key.startswith("bad") else None
    ended = run("bad", "good")
    assert (ended.status, [metrics["judge"] for metrics in ended.metrics]) == (2, ["good"])
    assert ended.metrics[0]["coverage"] == 1.0


# --- at the same time


def start(out: str, *more: str) -> Running:
    command = ("run", "rewardbench", "-j", "mine", "--data", "pairs.jsonl")
    return Running(*command, "--out", out, "--cache-dir", "shared", "--json", *more)


def ended(*running: Running) -> list[int]:
    said = [(each.communicate(timeout=120), each.returncode) for each in running]
    assert not [err for (_, err), status in said if status != 0 or "Traceback" in err]
    return [status for _, status in said]


def readable(folder: str = "shared") -> int:
    """How many replies a cache has, all of which can be read."""
    with ReplyStore(Path(folder)) as store:
        replies = dict(store.replies())
    assert None not in replies.values()
    return len(replies)


def test_two_commands_share_a_cache(server: LoopbackServer) -> None:
    """Neither fails, each has every verdict, no call is made twice by one of them, and every reply can be read."""
    ended(start("first"), start("second"))
    scores = [
        read_json(Path(out, "rewardbench/mine/pairwise/one/metrics.json"))["score"] for out in ("first", "second")
    ]
    assert (scores, readable()) == ([1.0, 1.0], ITEMS)
    assert ITEMS <= server.count <= 2 * ITEMS


def test_what_one_command_has_asked_the_other_takes(server: LoopbackServer) -> None:
    """One that begins while the other is at work asks only for what is not there yet, and for what a dead one asked."""
    server.faults = lambda request: Fault.hang() if request.number > 8 else None
    first = start("first", "--concurrency", "1")
    server.wait_count(9)
    server.faults = None
    second = start("second", "--concurrency", "1")
    first.kill()
    first.communicate()
    ended(second)
    assert (server.count, readable()) == (9 + 8, ITEMS)


def test_pruning_during_a_run_harms_neither(server: LoopbackServer) -> None:
    """The run keeps its own replies in its folder, and ends well."""
    server.hold()
    running = start("first", "--concurrency", "4")
    server.wait_in_flight(4)
    server.release()
    for _ in range(10):
        pruned = judgebench("cache", "prune", "--all", "--yes", "--cache-dir", "shared")
        assert pruned.status == 0, pruned.err
    ended(running)
    assert read_json(Path("first/rewardbench/mine/pairwise/one/metrics.json"))["coverage"] == 1.0
    assert server.count == ITEMS


def test_exporting_during_a_run_gives_a_bundle_that_is_whole(server: LoopbackServer) -> None:
    """Of the replies that were there; or one line says to give the command again."""
    server.faults = lambda request: Fault.hang() if request.number > 8 else None
    running = start("first", "--concurrency", "4")
    server.wait_count(12)
    exported = judgebench("cache", "export", "half.gz", "--cache-dir", "shared")
    running.kill()
    running.communicate()
    imported = judgebench("cache", "import", "half.gz", "--cache-dir", "other")
    assert (exported.status, imported.status, readable("other") >= 4) == (0, 0, True)


def test_an_import_during_a_run_is_taken_up(server: LoopbackServer) -> None:
    """Both write the same cache; nothing is lost."""
    run("mine", more=("--out", "author", "--cache-dir", "author-cache"))
    judgebench("cache", "export", "all.gz", "--cache-dir", "author-cache")
    before = server.count
    running = start("first", "--concurrency", "2")
    server.wait_count(before + 2)
    imported = judgebench("cache", "import", "all.gz", "--cache-dir", "shared")
    ended(running)
    assert (imported.status, readable()) == (0, ITEMS)


def test_equal_calls_of_two_commands_at_once_are_made_once(tmp_path: Path) -> None:
    """Each has a folder of its own; what one makes, the other waits for and takes from the cache."""
    rows = write_jsonl(tmp_path / "rows.jsonl", pairs(12))
    with LoopbackServer(latency=0.2) as server:
        write_judges(server.url)
        command = ("run", "custom", "--data", rows, "--orders", "one", "-j", "mine", "--quiet")
        both = [Running(*command, "--out", out) for out in ("one", "two")]
        statuses = [(running.communicate(), running.wait())[1] for running in both]
        assert (statuses, server.count) == ([0, 0], 12)
