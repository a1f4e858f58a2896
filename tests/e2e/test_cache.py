"""`judgebench cache` from the command to the cache's folder, and between real processes."""

from __future__ import annotations

import gzip
import json
import os
import pty
import re
import shutil
import sqlite3
import sys
from contextlib import chdir
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from commands import (
    best_of_four,
    by_quality,
    judgebench,
    lasting_folder,
    pairs,
    process,
    read_json,
    read_jsonl,
    ties,
    write_jsonl,
    write_judges,
)
from loopback import LoopbackServer, Reply, error_reply
from processes import Running
from scripted import ScriptedModels

import judgebench as jb
from judgebench.client.cache.maintenance import ReplyStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from loopback import Request

PAID_NOW = ("calls", "cached", "spent_usd")
KEY, HEADER = "sk-canary-0123456789abcdefghij", "canary-of-a-header"
RUN = Path("author/rewardbench/mine/pairwise/one")
AUTHOR, REVIEWER = Path("author-cache"), Path("reviewer-cache")
ITEMS = 8


def of_every_kind(request: Request) -> Reply | str:
    """Verdicts, and replies of each kind of failure that is kept."""
    answer = f"{by_quality(request)} \u4e2d\u6587"
    kinds: dict[str, Reply | str] = {
        "1": Reply(answer, finish_reason="length"),
        "2": Reply(None, refusal="I will not judge this."),
        "3": "No letter here.",
        "4": Reply("", finish_reason="content_filter"),
        "5": Reply(answer, reasoning_content="It thinks of [[B]]."),
        "6": error_reply(400, "This model's maximum context length is 10 tokens.", code="context_length_exceeded"),
    }
    return next((made for number, made in kinds.items() if f"Question {number}?" in request.text), answer)


def with_outage(request: Request) -> Reply | str:
    """One call has no reply."""
    return error_reply(400, "No.") if "Question 7?" in request.text else by_quality(request)


SERVER = ScriptedModels(by_quality)
"""At one address for all tests, so that they can share its runs."""
JUDGE = {
    "api_key_env": "CANARY_API_KEY",
    "extra_headers": {"X-Team": HEADER},
    "price": {"input": 1.0, "output": 2.0},
}
"""Its key and headers are canaries."""


@pytest.fixture
def server() -> Iterator[ScriptedModels]:
    """A provider, and a judge there."""
    SERVER.answer = by_quality
    SERVER.requests.clear()
    with SERVER as running:
        write_judges(running.url, mine=JUDGE)
        yield running


@pytest.fixture
def data() -> Path:
    return write_jsonl(Path("pairs.jsonl"), pairs(ITEMS))


def written(*more: object, run: Path = RUN) -> Path:
    """Makes a run with the key, and a bundle of it."""
    with pytest.MonkeyPatch.context() as there:
        there.setenv("CANARY_API_KEY", KEY)
        judge("author", AUTHOR, *more)
    judgebench("cache", "export", "replies.jsonl.gz", run, "--cache-dir", AUTHOR)
    return Path("replies.jsonl.gz")


@cache
def written_once(answer: Any) -> Path:
    """The folder of a run over the usual pairs: by the provider, or with failures over real sockets."""
    here = lasting_folder()
    with chdir(here), LoopbackServer(answer) as server:
        write_judges(SERVER.url if answer is by_quality else server.url, mine=JUDGE)
        write_jsonl(Path("pairs.jsonl"), pairs(ITEMS))
        written()
    return here


@pytest.fixture
def author(server: ScriptedModels, data: Path) -> Callable[..., Path]:
    """Makes a run with the key, and a bundle of it; the usual ones are made once and copied."""

    def make(*more: object, answer: Any = by_quality, run: Path = RUN) -> Path:
        if not more and answer in {by_quality, of_every_kind, with_outage}:
            shutil.copytree(written_once(answer), ".", dirs_exist_ok=True)
            return Path("replies.jsonl.gz")
        server.answer = answer
        return written(*more, run=run)

    return make


def judge(out: str, cache: Path, *more: object) -> Any:
    named = more if more and not str(more[0]).startswith("-") else ("rewardbench", "--data", "pairs.jsonl", *more)
    return judgebench("run", *named, "-j", "mine", "--out", out, "--cache-dir", cache)


def reproduce(bundle: Path, *more: object) -> Any:
    """What a reader does who has the bundle, the data and the command, and no key."""
    imported = judgebench("cache", "import", bundle, "--cache-dir", REVIEWER)
    assert imported.status == 0, imported.err
    return judge("reviewer", REVIEWER, *more, "--offline")


def figures(run: Path) -> dict[str, Any]:
    """A run's metrics, but for what was paid now and for the note on what was imported."""
    metrics = read_json(run / "metrics.json")
    metrics["notes"] = [note for note in metrics["notes"] if "from a bundle that was imported" not in note]
    for name in PAID_NOW:
        metrics["usage"].pop(name, None)
    return metrics


def reviewed(run: Path) -> Path:
    return Path("reviewer", *run.parts[1:])


def replies_in(folder: Path) -> dict[str, Any]:
    with ReplyStore(folder) as store:
        return dict(store.replies())


def forget(folder: Path, count: int | None = None) -> None:
    """Takes replies out of a cache."""
    with ReplyStore(folder) as store:
        for key in sorted(store.keys())[:count]:
            store._store.delete(key)


# --- reproducing a run


def test_a_reader_without_a_key_gets_the_same_figures(author) -> None:
    """Export, import on another machine, and the same command with --offline: the same metrics.json."""
    reproduce(author())
    assert figures(reviewed(RUN)) == figures(RUN)


def test_a_reproduced_run_is_done(author) -> None:
    """Exit status 0, with no key set."""
    assert reproduce(author()).status == 0


def test_a_reproduced_run_makes_no_call(author, server: ScriptedModels) -> None:
    """The author's server hears nothing of the reader."""
    bundle = author()
    before = server.count
    reproduce(bundle)
    assert server.count == before


def test_failures_are_reproduced_too(author) -> None:
    """Cut-off, refused, filtered and unreadable replies, and prompts too long, are the same failures again."""
    reproduce(author(answer=of_every_kind))
    assert figures(reviewed(RUN)) == figures(RUN)


def test_a_run_with_ties_by_ratings_is_reproduced(author, server: ScriptedModels) -> None:
    """A benchmark that needs two templates is one bundle."""
    write_jsonl(Path("four.jsonl"), [*best_of_four(4), *ties(1)])
    run = Path("author/rewardbench-2/mine/four-way/one")
    command = ("rewardbench-2", "--data", "four.jsonl")
    reproduce(author(*command, run=run), *command)
    assert figures(reviewed(run)) == figures(run)


def test_both_orders_and_several_samples_are_reproduced(author) -> None:
    """Every sample has a reply of its own in the bundle."""
    more = ("--orders", "both", "--samples", "3")
    run = RUN.with_name("both-x3")
    answers = lambda request: "[[A]]" if request.number % 3 else "[[B]]"  # noqa: E731
    reproduce(author(*more, answer=answers, run=run), *more)
    assert figures(reviewed(run)) == figures(run)


@pytest.mark.parametrize("answer", [by_quality, of_every_kind])
def test_a_run_whose_replies_left_the_cache_is_reproduced(author, answer) -> None:
    """What the cache lacks is rebuilt from the run's own lines, failures too."""
    author(answer=answer)
    forget(AUTHOR)
    judgebench("cache", "export", "replies.jsonl.gz", RUN, "--cache-dir", AUTHOR)
    reproduce(Path("replies.jsonl.gz"))
    assert figures(reviewed(RUN)) == figures(RUN)


def test_a_run_is_reproduced_though_the_cache_has_later_replies(author, server: ScriptedModels, monkeypatch) -> None:
    """The bundle has the replies that the run had, not those that a later --refresh brought."""
    author()
    server.answer = "[[B]]"
    monkeypatch.setenv("CANARY_API_KEY", KEY)
    judge("later", AUTHOR, "--refresh")
    monkeypatch.delenv("CANARY_API_KEY")
    judgebench("cache", "export", "replies.jsonl.gz", RUN, "--cache-dir", AUTHOR)
    reproduce(Path("replies.jsonl.gz"))
    assert figures(reviewed(RUN)) == figures(RUN)


def test_an_offline_baseline_is_reproduced(data: Path) -> None:
    """A judge that needs no network has a bundle like any other."""
    run = "author/rewardbench/offline--longest/pairwise/one"
    command = ("run", "rewardbench", "--data", "pairs.jsonl", "-j", "offline/longest")
    judgebench(*command, "--out", "author", "--cache-dir", AUTHOR)
    judgebench("cache", "export", "b.gz", run, "--cache-dir", AUTHOR)
    judgebench("cache", "import", "b.gz", "--cache-dir", REVIEWER)
    judgebench(*command, "--out", "reviewer", "--cache-dir", REVIEWER, "--offline")
    assert figures(reviewed(Path(run))) == figures(Path(run))


def test_the_cost_is_the_same_in_whatever_order_replies_arrive(data: Path) -> None:
    """A sum of many prices is reproduced to the last digit, though the author's replies came in another order."""
    write_jsonl(Path("pairs.jsonl"), pairs(40))
    answer = lambda request: "word " * (request.number % 37) + "[[A]]"  # noqa: E731
    with LoopbackServer(answer, latency=lambda request: (request.number * 7 % 10) / 200) as server:
        write_judges(server.url, mine=JUDGE)
        bundle = written()
    reproduce(bundle)
    cost, again = (read_json(run / "metrics.json")["usage"]["cost_usd"] for run in (RUN, reviewed(RUN)))
    assert cost == again > 0


# --- export


def test_no_secret_is_in_a_bundle(author) -> None:
    """Neither the key, nor the header, nor the address."""
    text = gzip.decompress(author(answer=of_every_kind).read_bytes()).decode()
    port = re.findall(r"127.0.0.1:([0-9]+)", Path("providers.yaml").read_text(encoding="utf-8"))
    assert [secret for secret in (KEY, HEADER, "X-Team", "127.0.0.1", *port) if secret in text] == []


def test_a_bundle_names_its_runs(author) -> None:
    """The header says what was run, so that the command can be given again."""
    (run,) = json.loads(gzip.decompress(author().read_bytes()).splitlines()[0])["runs"]
    assert [run[name] for name in ("benchmark", "judge", "template", "protocol")] == [
        *("rewardbench", "mine", "pairwise", "one"),
    ]


def test_an_export_of_a_run_leaves_other_replies_out(author, server: ScriptedModels, monkeypatch) -> None:
    """A bundle of one run has as many replies as the run, whatever else the cache has."""
    author()
    monkeypatch.setenv("CANARY_API_KEY", KEY)
    judge("more", AUTHOR, "--samples", "2")
    ended = judgebench("cache", "export", "b.gz", RUN, "--cache-dir", AUTHOR, "--json")
    assert json.loads(ended.out)["replies"] == ITEMS


def test_two_runs_share_a_bundle(author, server: ScriptedModels, monkeypatch) -> None:
    """Replies that both runs have are in it once."""
    author()
    monkeypatch.setenv("CANARY_API_KEY", KEY)
    judge("more", AUTHOR, "--samples", "2")
    runs = (RUN, "more/rewardbench/mine/pairwise/one-x2")
    ended = judgebench("cache", "export", "b.gz", *runs, "--cache-dir", AUTHOR, "--json")
    assert json.loads(ended.out)["replies"] == 2 * ITEMS


def test_an_export_is_the_same_bytes_again(author) -> None:
    """Two exports of the same run cannot be told apart."""
    first = author().read_bytes()
    judgebench("cache", "export", "again.gz", RUN, "--cache-dir", AUTHOR)
    assert Path("again.gz").read_bytes() == first


def test_rebuilt_replies_are_said(author) -> None:
    """How many were not in the cache is counted."""
    author()
    forget(AUTHOR, 3)
    ended = judgebench("cache", "export", "b.gz", RUN, "--cache-dir", AUTHOR)
    assert "3 rebuilt from the runs' judgements" in ended.err


@pytest.mark.parametrize("forgotten", [0, ITEMS])
def test_thinking_text_is_kept(author, forgotten: int) -> None:
    """Also where the cache has lost the reply: it stands in the judgement."""
    author(answer=of_every_kind)
    forget(AUTHOR, forgotten)
    bundle = Path("thinking.gz")
    judgebench("cache", "export", bundle, RUN, "--cache-dir", AUTHOR)
    judgebench("cache", "import", bundle, "--cache-dir", REVIEWER)
    assert "It thinks of [[B]]." in [reply.reasoning for reply in replies_in(REVIEWER).values()]


def test_calls_without_a_reply_are_counted(author) -> None:
    """What the provider never answered is named by its kind."""
    author(answer=with_outage)
    ended = judgebench("cache", "export", "b.gz", RUN, "--cache-dir", AUTHOR, "--json")
    assert json.loads(ended.out)["missing"] == {"provider": 1}


def test_a_bundle_that_lacks_replies_ends_with_1(author) -> None:
    """The bundle is written, and the status says that it does not make the whole run."""
    author(answer=with_outage)
    assert judgebench("cache", "export", "b.gz", RUN, "--cache-dir", AUTHOR).status == 1


def test_replies_that_differ_between_runs_are_said(author, server: ScriptedModels, monkeypatch) -> None:
    """One bundle has one reply a key: the first run's."""
    author()
    server.answer = "[[B]] now."
    monkeypatch.setenv("CANARY_API_KEY", KEY)
    judge("later", AUTHOR, "--refresh")
    later = Path("later", *RUN.parts[1:])
    ended = judgebench("cache", "export", "b.gz", RUN, later, "--cache-dir", AUTHOR)
    assert (ended.status, f"{ITEMS} replies differ between the runs" in ended.err) == (1, True)


def test_a_torn_last_line_is_passed_over(author) -> None:
    """A run that was killed exports what it has."""
    author()
    path = RUN / "judgements.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    ended = judgebench("cache", "export", "b.gz", RUN, "--cache-dir", AUTHOR, "--json")
    assert json.loads(ended.out)["replies"] == ITEMS - 1


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere", "not a run folder"),
        ("scored", "has no replies"),
        ("garbled", "line 1: not a valid judgement record"),
    ],
)
def test_a_folder_without_replies_is_a_mistake(author, name: str, said: str) -> None:
    """What holds no run, no judgements or no readable ones ends with 2 and a line that says so."""
    author()
    for folder in ("scored", "garbled"):
        Path(folder).mkdir()
        Path(folder, "manifest.json").write_bytes((RUN / "manifest.json").read_bytes())
    Path("garbled/judgements.jsonl").write_text("garbled\n")
    ended = judgebench("cache", "export", "b.gz", name, "--cache-dir", AUTHOR)
    assert (ended.status, said in ended.err, ended.err.count("\n")) == (2, True, 1)


# --- import


def test_an_import_says_what_was_new(author) -> None:
    """And whose replies they are."""
    ended = judgebench("cache", "import", author(), "--cache-dir", REVIEWER)
    assert ended.out.splitlines()[0] == f"{ITEMS} replies: {ITEMS} new, 0 already cached"
    assert ended.err.splitlines()[0] == "of the run rewardbench · mine · pairwise · one"


def test_an_import_in_json_prints_an_object_and_nothing_else(author) -> None:
    """The same counts, for scripts."""
    ended = judgebench("cache", "import", author(), "--cache-dir", REVIEWER, "--json")
    said = json.loads(ended.out)
    assert [said[name] for name in ("replies", "new", "same", "different", "replaced")] == [ITEMS, ITEMS, 0, 0, 0]


def test_a_changed_bundle_ends_with_2_and_one_line(author) -> None:
    """A changed reply is refused, with the line where it stands."""
    path = author()
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b"[[A]]", b"[[B]]", 1)))
    ended = judgebench("cache", "import", path, "--cache-dir", REVIEWER)
    assert (ended.status, "does not match its checksum" in ended.err, ended.err.count("\n")) == (2, True, 1)


def test_a_hostile_header_moves_no_cursor(author) -> None:
    """Names in a bundle are data: control characters are written out."""
    path = author()
    *body, _ = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    header = json.loads(body[0])
    header["runs"][0]["judge"] = "\x1b[2Jmine"
    seal(path, [json.dumps(header).encode() + b"\n", *body[1:]])
    assert "\x1b" not in judgebench("cache", "import", path, "--cache-dir", REVIEWER).err


def seal(path: Path, body: list[bytes]) -> None:
    import hashlib

    footer = {"count": len(body) - 1, "sha256": hashlib.sha256(b"".join(body)).hexdigest()}
    path.write_bytes(gzip.compress(b"".join(body) + json.dumps(footer).encode() + b"\n"))


def big_bundle(count: int, text: str = "[[A]]") -> Path:
    with ReplyStore(Path("big")) as store:
        store.add((f"{number:064x}", jb_reply(text)) for number in range(count))
    jb.export_replies("big.gz", cache_dir="big")
    return Path("big.gz")


def jb_reply(text: str) -> Any:
    from judgebench.verdicts.reply import Reply as Kept

    return Kept(text=text, served_model="m", prompt_tokens=5, created=9.0)


def at_once(*commands: tuple[object, ...]) -> list[tuple[int, str]]:
    """Commands in processes that run at the same time: status and standard output of each."""
    running = [Running(*command) for command in commands]
    ended = [each.communicate(timeout=120) for each in running]
    return [(each.returncode, out or err) for each, (out, err) in zip(running, ended, strict=True)]


@cache
def imported_twice_at_once() -> tuple[list[dict[str, Any]], int]:
    """What two processes said that imported the same 1,000 replies, and how many are there."""
    here = lasting_folder()
    with chdir(here):
        path = big_bundle(1000)
        ended = at_once(*[("cache", "import", path, "--cache-dir", REVIEWER, "--json")] * 2)
        return [json.loads(out) for _, out in ended], len(replies_in(REVIEWER))


def test_two_imports_at_once_lose_nothing() -> None:
    """They leave every reply in the cache."""
    _, there = imported_twice_at_once()
    assert there == 1000


def test_of_two_imports_at_once_each_reply_is_new_to_one() -> None:
    """What one process wrote, the other finds there: the counts add up."""
    said, _ = imported_twice_at_once()
    assert [sum(each[name] for each in said) for name in ("new", "same", "different")] == [1000, 1000, 0]


def test_an_import_goes_on_beside_an_export_and_a_prune() -> None:
    """Commands on one cache at the same time all end well."""
    path = big_bundle(700)
    jb.import_replies(path, cache_dir=REVIEWER)
    ended = at_once(
        ("cache", "import", path, "--cache-dir", REVIEWER),
        ("cache", "prune", "--model", "other", "--yes", "--cache-dir", REVIEWER),
        ("cache", "export", "again.gz", "--cache-dir", REVIEWER),
    )
    assert [status for status, _ in ended] == [0, 0, 0]


IMPORTING = """
import re, sys
from contextlib import suppress
from pathlib import Path
from judgebench.cli import main

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])

for path in ("some.gz", "all.gz"):
    before = peak()
    sys.argv[1:] = ["cache", "import", path, "--cache-dir", "reviewer-cache"]
    with suppress(SystemExit):
        main()
print(peak() - before)
print(*{"litellm", "datasets"} & {*sys.modules})
"""


@cache
def imported_by_a_fresh_process() -> list[str]:
    """Two bundles of 10 MB and 30 MB of text: by how many kB the second grew it; slow libraries that were imported."""
    with chdir(lasting_folder()):
        for count, name in ((1000, "some.gz"), (3000, "all.gz")):
            big_bundle(count, "x" * 10_000).rename(name)
        return process(python=("-c", IMPORTING)).out.splitlines()[-2:]


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory as Linux gives it")
def test_memory_does_not_grow_with_the_bundle() -> None:
    """An import of 30 MB of text holds a part of it at a time, as one of 10 MB does."""
    grown, _ = imported_by_a_fresh_process()
    assert int(grown) < 25_000


# --- info and prune


def test_info_says_what_there_is(author) -> None:
    """Folder, count, model and cost."""
    author()
    said = json.loads(judgebench("cache", "info", "--cache-dir", AUTHOR, "--json").out)
    (share,) = said["models"]
    assert (said["folder"], said["replies"], share["model"], share["unpriced"]) == (str(AUTHOR), ITEMS, "loopback", 0)


def test_info_costs_what_the_run_did(author) -> None:
    """The cache's cost is the sum over its replies."""
    author()
    said = json.loads(judgebench("cache", "info", "--cache-dir", AUTHOR, "--json").out)
    lines = read_jsonl(RUN / "judgements.jsonl")
    assert said["models"][0]["cost_usd"] == pytest.approx(sum(line["cost_usd"] for line in lines))


def test_info_of_no_cache_is_no_mistake() -> None:
    """A machine on which nothing was run has 0 replies."""
    ended = judgebench("cache", "info")
    assert (ended.status, "0 replies" in ended.out) == (0, True)


def test_info_fits_into_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long model names are folded; the folder's line is as long as its name."""
    monkeypatch.setenv("COLUMNS", "80")
    with ReplyStore(Path("long")) as store:
        store.add([("0" * 64, jb_reply("a").model_copy(update={"served_model": "m" * 200, "cost_usd": 1e6}))])
    assert max(map(len, judgebench("cache", "info", "--cache-dir", "long").out.splitlines())) <= 80


def test_a_file_in_place_of_the_folder_is_a_mistake() -> None:
    """One line and status 2, not a traceback."""
    Path("file").write_text("")
    ended = judgebench("cache", "import", big_bundle(1), "--cache-dir", "file")
    assert (ended.status, ended.err.count("\n")) == (2, 1)


def test_a_cache_that_is_none_is_a_mistake() -> None:
    """A folder whose cache.db is something else is named."""
    Path("odd").mkdir()
    Path("odd/cache.db").write_text("not a database, but long enough to be read as one\n" * 100)
    ended = judgebench("cache", "info", "--cache-dir", "odd")
    assert (ended.status, "cache folder odd: cannot be read" in ended.err) == (2, True)


def prune(*more: object) -> Any:
    """In a process whose standard input is no terminal."""
    return process("cache", "prune", "--cache-dir", "big", *more)


def test_prune_without_a_terminal_wants_yes() -> None:
    """A script that forgot --yes deletes nothing, and is told so."""
    big_bundle(3)
    ended = prune("--all")
    assert (ended.status, len(replies_in(Path("big")))) == (2, 3)


def test_prune_with_yes_deletes() -> None:
    """With --yes, nothing is asked."""
    big_bundle(3)
    ended = prune("--all", "--yes")
    assert (ended.out, len(replies_in(Path("big")))) == ("3 replies deleted, 0 kept\n", 0)


def test_a_dry_run_of_prune_needs_no_yes() -> None:
    """It deletes nothing, so nothing is asked."""
    big_bundle(3)
    assert prune("--model", "m", "--dry-run").out == "3 replies would be deleted, 0 kept\n"


def test_prune_with_nothing_to_delete_asks_nothing() -> None:
    """A nightly job on a clean cache ends with 0."""
    big_bundle(3)
    ended = prune("--model", "other")
    assert (ended.status, ended.out) == (0, "0 replies deleted, 3 kept\n")


@pytest.mark.parametrize("more", [(), ("--all", "--model", "m"), ("--older-than", "-1"), ("--older-than", "soon")])
def test_prune_refuses_what_it_cannot_mean(more: tuple[str, ...]) -> None:
    """No condition, contradictions and impossible ages are mistakes."""
    assert judgebench("cache", "prune", "--yes", *more).status == 2


@pytest.mark.parametrize(("typed", "left"), [("y", 0), ("n", 3), ("", 3)])
def test_in_a_terminal_prune_asks(typed: str, left: int) -> None:
    """Only a yes deletes."""
    big_bundle(3)
    master, slave = pty.openpty()
    os.write(master, f"{typed}\n".encode())
    Running("cache", "prune", "--all", "--cache-dir", "big", streams=(slave, None, None)).communicate()
    os.close(master)
    os.close(slave)
    assert len(replies_in(Path("big"))) == left


@pytest.mark.parametrize("command", ["info", "prune", "export", "import"])
def test_help_has_an_example(command: str) -> None:
    """Each command shows how it is given."""
    assert f"judgebench cache {command}" in judgebench("cache", command, "--help").out.split("Example")[1]


@pytest.mark.parametrize("command", [(), ("info",), ("prune",), ("export",), ("import",)])
def test_help_fits_into_80_columns(command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, judgebench("cache", *command, "--help").out.splitlines())) <= 80


def test_an_import_needs_neither_litellm_nor_datasets() -> None:
    """What makes no call pays for no import of theirs."""
    _, imported = imported_by_a_fresh_process()
    assert imported == ""


def test_a_cache_that_is_locked_in_the_middle_of_a_run_ends_it_with_one_line(
    server: ScriptedModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback; once the other process has ended, the same command goes on."""
    monkeypatch.setattr("judgebench.client.cache.store.BUSY_S", 0.05)
    monkeypatch.setenv("CANARY_API_KEY", KEY)
    write_jsonl(Path("few.jsonl"), pairs(ITEMS))
    command = ("run", "rewardbench", "-j", "mine", "--data", "few.jsonl", "--cache-dir", "shared", "--concurrency", 1)
    others: list[sqlite3.Connection] = []

    def lock(request: Request) -> str:
        if request.number == 4:
            others.append(sqlite3.connect("shared/cache.db", isolation_level=None, check_same_thread=False))
            others[0].execute("BEGIN IMMEDIATE")
        return by_quality(request)

    server.answer = lock
    ended = judgebench(*command)
    others[0].close()
    asked = server.count
    again = judgebench(*command)
    lines = [line for line in ended.err.splitlines() if "locked by another process" in line]
    assert (len(lines), "Traceback" in ended.err, ended.status in {1, 2}) == (1, False, True), ended.err
    assert (asked <= 5, again.status) == (True, 0), again.err


@pytest.mark.parametrize("command", ["info", "prune --all --dry-run", "export all.gz"])
def test_a_file_is_no_cache(command: str) -> None:
    """Exit 2 and one line, not a cache without replies."""
    Path("file").write_text("x")
    ended = judgebench("cache", *command.split(), "--cache-dir", "file")
    assert (ended.status, ended.out, ended.err.count("\n"), "is a file" in ended.err) == (2, "", 1, True)
