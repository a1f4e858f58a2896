"""Keys under real runs: whatever becomes of a run, nothing that the program writes or prints holds one."""

from __future__ import annotations

import base64
import gzip
import os
import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pytest
from commands import FRESH, by_quality, judgebench, pairs, process, read_json, read_jsonl, write_jsonl, write_judges
from loopback import Fault, LoopbackServer, Reply, error_reply
from processes import Running

from judgebench.client.cache.maintenance import ReplyStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from keyrings import MemoryRing
    from loopback import Request

OWN, HEADER, QUERY, PLAIN = (f"canary+{name}/0123456789" for name in ("own", "header", "query", "plain"))
KEYS = {
    "OPENAI_API_KEY": "sk-canary-openai-0123456789abcdef",
    "AWS_ACCESS_KEY_ID": "AKIACANARY0123456789",
    "AWS_SECRET_ACCESS_KEY": "canary/aws+secret/0123456789abcdefghijkl",
    "OWN_KEY": OWN,
    "HEADER_KEY": HEADER,
}
CANARIES = (*KEYS.values(), QUERY, PLAIN)
JUDGE = {"api_key_env": "OWN_KEY", "extra_headers": {"X-Key": "os.environ/HEADER_KEY", "X-Team": PLAIN}}
FOLDER = Path("runs/rewardbench/mine/pairwise/one")


def spelt(canary: str) -> list[str]:
    """The key as addresses have it, its slashes encoded or not and in either case, and as PHP writes it in JSON."""
    encoded = [quote(canary, safe=""), quote(canary)]
    lowered = [re.sub("%..", lambda found: found.group().lower(), each) for each in encoded]
    return [*encoded, *lowered, canary.replace("/", r"\/")]


def forms(canary: str) -> set[bytes]:
    """The key, and how it stands in an address and in base64, alone and behind `user:` and `me:`."""
    encoded = {*spelt(canary), quote_plus(canary), canary.replace("/", r"\\/")}
    for before in ("", "a", "ab"):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            inner = encode(f"{before}{canary}".encode()).decode().rstrip("=")
            encoded.add(inner[2 * len(before) : -2])
    return {form.encode() for form in {canary, *encoded}}


NEEDLES = {form: canary for canary in CANARIES for form in forms(canary)}


def written() -> Iterator[tuple[str, bytes]]:
    """Every file below the current folder, the cache and the home, as it is and unpacked; less the user's own two."""
    places = [Path(), Path(os.environ["JUDGEBENCH_CACHE_DIR"]), Path.home()]
    for path in (path for place in places for path in place.rglob("*") if path.is_file()):
        if str(path) in {"providers.yaml", "pairs.jsonl"}:
            continue
        content = path.read_bytes()
        yield str(path), content
        if path.suffix == ".gz":
            yield f"{path} unpacked", gzip.decompress(content)


def leaks(*said: str) -> list[str]:
    """Where a key is, in the files and in what was printed."""
    everywhere = [*written(), *((f"output {number}", text.encode()) for number, text in enumerate(said))]
    return [f"{where}: {canary}" for where, text in everywhere for form, canary in NEEDLES.items() if form in text]


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("judgebench.client.calls.FIRST_WAIT_S", 0.001)


@pytest.fixture
def way() -> str:
    """How calls are made."""
    return "litellm"


@pytest.fixture
def server(way: str) -> Iterator[LoopbackServer]:
    with LoopbackServer(by_quality) as running:
        write_judges(running.url, mine=JUDGE | {"transport": way})
        write_jsonl(Path("pairs.jsonl"), pairs(6))
        yield running


def mine(*more: object) -> Any:
    return judgebench("run", "rewardbench", "-j", "mine", "--data", "pairs.jsonl", "--concurrency", 2, *more)


def every_page() -> list[str]:
    """What each command prints of the run, and the files that they write."""
    commands: list[tuple[object, ...]] = [
        ("run", "rewardbench", "-j", "mine", "--data", "pairs.jsonl", "--json", "--offline"),
        ("run", "rewardbench", "-j", "mine", "--data", "pairs.jsonl", "--dry-run"),
        ("report", FOLDER, "--csv", "report.csv", "--markdown", "report.md"),
        ("show", FOLDER),
        ("show", FOLDER, 3),
        ("leaderboard", "runs"),
        ("leaderboard", "runs", "--csv", "board.csv", "--markdown", "board.md"),
        ("leaderboard", "runs", "--json"),
        ("rescore", FOLDER, "--json"),
        ("cache", "info"),
        ("cache", "export", "replies.jsonl.gz", FOLDER),
        ("judges", "list"),
        ("judges", "show", "mine"),
    ]
    ended = [judgebench(*command) for command in commands]
    assert [each.err for each in ended if each.status == 2] == []
    return [text for each in ended for text in (each.out, each.err)]


def of_judges() -> list[str]:
    """What commands print that know the keys: all others have only what stands in the files."""
    ended = [judgebench("judges", *more) for more in (("list",), ("show", "mine"))]
    return [text for each in ended for text in (each.out, each.err)]


def echoing(request: Request) -> str:
    """All secrets that a request brings, as a careless gateway repeats them."""
    sent = [request.key, request.headers.get("X-Key", ""), request.headers.get("X-Team", "")]
    seen = [*dict.fromkeys([*sent, *KEYS.values()])]
    seen += [form for each in seen for form in spelt(each)]
    seen += [base64.b64encode(f"me:{each}".encode()).decode() for each in seen]
    return " ".join(seen)


def echo(status: int) -> Fault:
    return Fault(f"echo {status}", lambda request: error_reply(status, f"Incorrect key: {echoing(request)}"))


def echo_raw(status: int) -> Fault:
    """The same in a body that is no JSON."""
    return Fault(f"raw {status}", lambda request: Reply(status=status, body=f"<p>denied: {echoing(request)}</p>"))


# --- the runs


def test_the_server_is_sent_what_is_kept_from_the_files(server: LoopbackServer) -> None:
    """The key and both headers arrive: or the other tests would find nothing, whatever was written."""
    mine()
    headers = server.requests[0].headers
    assert (server.requests[0].key, headers["X-Key"], headers["X-Team"]) == (OWN, HEADER, PLAIN)


def test_a_finished_run_holds_no_key(server: LoopbackServer) -> None:
    """Neither its folder, nor the cache, a bundle or a table, nor anything that a command prints.

    Bundle, tables and items are really among what is searched, or their being clean would mean nothing.
    """
    ended = mine("--json")
    assert (ended.status, leaks(ended.out, ended.err, *every_page())) == (0, [])
    names = {Path(name.removesuffix(" unpacked")).name for name, content in written() if b"mine" in content}
    assert names >= {"manifest.json", "metrics.json", "replies.jsonl.gz", "board.csv", "board.md", "report.csv"}


@pytest.mark.parametrize("way", ["litellm", "direct"])
@pytest.mark.parametrize("make", [echo, echo_raw])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
def test_no_error_at_first_holds_a_key(
    server: LoopbackServer, way: str, make: Callable[[int], Fault], status: int
) -> None:
    """The provider repeats every key that it was sent, in seven spellings, and refuses all calls."""
    server.faults = lambda _: make(status)
    ended = mine("--limit", 2)
    assert (ended.status > 0, ended.err.count("Traceback"), leaks(ended.out, ended.err)) == (True, 0, [])


MIDDLE = {"failures": {2: 500, 4: 400}, "refused": {4: 401}}
"""Of which questions the calls fail, with which status."""


def status_of(request: Request, kind: str) -> int | None:
    return next((status for at, status in MIDDLE[kind].items() if f"Question {at}?" in request.text), None)


@pytest.mark.parametrize("way", ["litellm", "direct"])
@pytest.mark.parametrize("kind", MIDDLE)
def test_no_error_in_the_middle_is_kept_with_a_key(server: LoopbackServer, way: str, kind: str) -> None:
    """What failed is in the run's folder, on the screen and in the reports, and none of them has a key."""
    server.faults = lambda request: echo(status) if (status := status_of(request, kind)) else None
    ended = mine()
    failed = {int(line["item"]) for line in read_jsonl(FOLDER / "judgements.jsonl") if "failure" in line}
    assert (ended.status, leaks(ended.out, ended.err, *every_page())) == (int(kind == "refused"), [])
    assert failed == (set() if kind == "refused" else {2, 4})


def test_what_became_of_the_error_is_still_said(server: LoopbackServer) -> None:
    """The provider's other words stay in the failure; the keys alone are hidden."""
    server.faults = lambda request: echo(400) if "Question 4?" in request.text else None
    mine()
    (failed,) = (line for line in read_jsonl(FOLDER / "judgements.jsonl") if line["item"] == "4")
    assert failed["failure"]["detail"].startswith("status 400: Incorrect key: [hidden]")


def test_a_spent_quota_is_told_without_a_key(server: LoopbackServer) -> None:
    """The one answer of status 429 that no waiting mends."""
    said = "You exceeded your current quota"
    kind = "insufficient_quota"
    server.faults = lambda _: Fault(kind, lambda r: error_reply(429, f"{said}: {echoing(r)}", kind=kind, code=kind))
    ended = mine()
    assert (ended.status, said in ended.err, leaks(ended.out, ended.err)) == (2, True, [])


@pytest.mark.parametrize("twice", [False, True])
def test_an_interrupted_run_holds_no_key(server: LoopbackServer, twice: bool) -> None:
    """Ctrl-C once or twice, with an echoing error before it and a call in flight."""
    hang = Fault.hang() if twice else Fault.hang(1.0)
    server.faults = lambda r: hang if r.number > 3 else echo(400) if "Question 1?" in r.text else None
    with Running("run", "rewardbench", "-j", "mine", "--data", "pairs.jsonl", "--concurrency", 1) as running:
        server.wait_count(4)
        os.kill(running.pid, signal.SIGINT)
        assert running.stderr is not None
        said = next(line for line in running.stderr if line.startswith("finishing calls"))
        if twice:
            os.kill(running.pid, signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert (read_json(FOLDER / "manifest.json")["state"], leaks(out, said + err, *of_judges())) == ("interrupted", [])


def test_a_stopped_run_holds_no_key(server: LoopbackServer) -> None:
    """The key is refused in the middle, in words that repeat it."""
    server.faults = lambda request: echo(401) if request.number > 3 else None
    ended = mine("--concurrency", 1)
    assert read_json(FOLDER / "manifest.json")["state"] == "stopped"
    assert leaks(ended.out, ended.err, *of_judges()) == []


def test_debug_logs_of_the_libraries_hold_no_key(server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """LITELLM_LOG and OPENAI_LOG left set from some other work."""
    monkeypatch.setenv("LITELLM_LOG", "DEBUG")
    monkeypatch.setenv("OPENAI_LOG", "debug")
    server.faults = lambda request: echo(400) if "Question 4?" in request.text else None
    ended = process("run", "rewardbench", "-j", "mine", "--data", "pairs.jsonl", python=FRESH)
    assert (ended.status, leaks(ended.out, ended.err)) == (0, [])


@pytest.mark.parametrize("way", ["litellm", "direct"])
@pytest.mark.parametrize("there", [False, True])
def test_an_address_is_named_without_its_query(server: LoopbackServer, way: str, there: bool) -> None:
    """Where no server is, and where one is: LiteLLM puts the path behind the query, and finds nothing there."""
    write_judges(f"{server.url}?channel={quote_plus(QUERY)}", mine=JUDGE | {"transport": way})
    if not there:
        server.stop()
    ended = mine()
    shown = judgebench("judges", "show", "mine")
    found = {"litellm": 2, "direct": 0}[way]
    assert (ended.status, leaks(ended.out, ended.err, shown.out)) == (found if there else 1, [])


def test_the_cache_has_the_replies_and_no_key(server: LoopbackServer) -> None:
    """Its database and its files alike, with a reply that is long enough for a file of its own."""
    server.answer = lambda request: f"{'x' * 40_000} [[A]]" if "Question 4?" in request.text else "[[A]]"
    mine()
    cache = Path(os.environ["JUDGEBENCH_CACHE_DIR"])
    with ReplyStore(cache) as store:
        replies = list(store.replies())
    assert (len(replies), len(list(cache.rglob("*.val"))), leaks()) == (6, 1, [])


# --- keys in a keyring


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch, ring: MemoryRing) -> MemoryRing:
    """The keys stand in a keyring, and in no variable."""
    for name, value in KEYS.items():
        monkeypatch.delenv(name)
        ring.set_password("judgebench", name, value)
    return ring


def test_keys_of_a_keyring_are_sent(server: LoopbackServer, kept: MemoryRing) -> None:
    """The judge's own, and the one that a header names."""
    assert mine().status == 0
    assert (server.requests[0].key, server.requests[0].headers["X-Key"]) == (OWN, HEADER)


@pytest.mark.parametrize("kind", MIDDLE)
def test_a_key_of_a_keyring_is_hidden_too(server: LoopbackServer, kept: MemoryRing, kind: str) -> None:
    """In an error that repeats it, in the run's folder, and where judges are shown."""

    def own_echo(status: int) -> Fault:
        said = "No: {} {} {}"
        return Fault(
            "own",
            lambda r: error_reply(status, said.format(r.key, quote(r.key, safe=""), r.headers["X-Key"])),
        )

    server.faults = lambda request: own_echo(status) if (status := status_of(request, kind)) else None
    ended = mine()
    assert (ended.status, leaks(ended.out, ended.err, *of_judges())) == (int(kind == "refused"), [])


def test_a_cached_run_holds_no_key_of_a_keyring(server: LoopbackServer, kept: MemoryRing) -> None:
    """Without the keyring, what the cache has is judged all the same."""
    mine()
    kept.words.clear()
    ended = mine("--out", "again")
    assert (ended.status, server.count, leaks(ended.out, ended.err)) == (0, 6, [])


# --- keys in the file itself

IN_THE_FILE = {
    "api_key": {"api_key": OWN},
    "a header": {"extra_headers": {"Authorization": f"Bearer {OWN}"}},
    "a user in the address": {"api_base": f"http://me:{OWN.replace('/', '')}@127.0.0.1:9/v1"},
    "a query of the address": {"api_base": f"http://127.0.0.1:9/v1?api_key={OWN}"},
    "a parameter": {"params": {"extra_body": {"token": OWN}}},
    "AWS": {"aws_secret_access_key": KEYS["AWS_SECRET_ACCESS_KEY"]},
    "in place of a name": {"api_key_env": KEYS["OPENAI_API_KEY"]},
}


@pytest.mark.parametrize("where", IN_THE_FILE)
def test_a_key_in_the_file_is_refused(server: LoopbackServer, where: str) -> None:
    """One line that names the line and not the key; nothing is sent, nothing is written."""
    write_judges(server.url, mine=IN_THE_FILE[where])
    ended = mine()
    said = ended.out + ended.err
    assert (ended.status, ended.err.count("\n"), "providers.yaml, line" in said) == (2, 1, True)
    assert (server.count, OWN.replace("/", "") in said.replace("/", ""), leaks(said)) == (0, False, [])
