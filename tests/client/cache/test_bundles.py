"""Bundles of replies: what is written comes back, what is torn or changed is refused whole."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import judgebench as jb
from judgebench.client.cache.bundles import MAX_VALUES, Bundle, write_bundle
from judgebench.client.cache.header import BundledRun, Header
from judgebench.client.cache.keys import KEY_VERSION, KeyMaker
from judgebench.client.cache.maintenance import ReplyStore
from judgebench.errors import ConfigError
from judgebench.judges.judge import Judge
from judgebench.verdicts.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

DOCS = Path(__file__).parents[3] / "docs"
DAY_S = 86_400.0
STRANGE = {
    "lone surrogate": "a\ud800b",
    "null character": "a\x00b",
    "terminal escape": "\x1b]0;title\x07",
    "line ends": "a\nb\r\nc\u2028d",
    "emoji": "\U0001f600 \u4e2d\u6587",
    "quotes": '"sha256":"' + "0" * 64 + '"}',
}


def key(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def reply(number: int = 0, **more: Any) -> Reply:
    told = {"text": f"Reply {number}. [[A]]", "served_model": "m", "prompt_tokens": 10, "cost_usd": 0.5, "created": 9.0}
    return Reply(**{**told, **more})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ReplyStore]:
    with ReplyStore(tmp_path / "cache") as made:
        yield made


@pytest.fixture
def other(tmp_path: Path) -> Iterator[ReplyStore]:
    with ReplyStore(tmp_path / "other") as made:
        yield made


def fill(store: ReplyStore, replies: Sequence[Reply]) -> None:
    store.add((key(number), each) for number, each in enumerate(replies))


def contents(store: ReplyStore) -> dict[str, Reply | None]:
    """All replies, as they were given: without what an import says of where they are from."""
    return {name: each and each.model_copy(update={"imported": None}) for name, each in store.replies()}


@pytest.fixture
def bundle(store: ReplyStore, tmp_path: Path) -> Path:
    """A bundle of three replies."""
    fill(store, [reply(number) for number in range(3)])
    path = tmp_path / "three.jsonl.gz"
    jb.export_replies(path, cache_dir=store.folder)
    return path


def lines_of(path: Path) -> list[bytes]:
    return gzip.decompress(path.read_bytes()).splitlines(keepends=True)


def write_lines(path: Path, lines: Sequence[bytes]) -> None:
    path.write_bytes(gzip.compress(b"".join(lines)))


def sealed(lines: Sequence[bytes]) -> list[bytes]:
    """The lines with a footer that is right, in place of the last one."""
    body = list(lines[:-1])
    digest = hashlib.sha256(b"".join(body)).hexdigest()
    return [*body, json.dumps({"count": len(body) - 1, "sha256": digest}).encode() + b"\n"]


def line_of(data: dict[str, Any]) -> bytes:
    """A reply's line with a checksum that is right."""
    said = json.dumps(data, separators=(",", ":"), sort_keys=True)
    return f'{said[:-1]},"sha256":"{hashlib.sha256(said.encode()).hexdigest()}"}}\n'.encode()


def test_the_replies_come_back(bundle: Path, store: ReplyStore, other: ReplyStore) -> None:
    """What was exported from one cache is what an import puts into another."""
    jb.import_replies(bundle, cache_dir=other.folder)
    assert contents(other) == contents(store)


def test_every_field_of_a_reply_comes_back(store: ReplyStore, other: ReplyStore, tmp_path: Path) -> None:
    """No field is dropped on the way."""
    full = Reply(
        text="t", reasoning="r", finish_reason="stop", refusal="no", served_model="m", prompt_tokens=1,
        completion_tokens=2, reasoning_tokens=3, cached_prompt_tokens=4, cost_usd=0.1, latency_s=0.2, created=3.3,
        left_out=["temperature"],
    )  # fmt: skip
    fill(store, [full])
    jb.export_replies(tmp_path / "b", cache_dir=store.folder)
    jb.import_replies(tmp_path / "b", cache_dir=other.folder)
    assert contents(other) == {key(0): full}


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE.keys())
def test_strange_text_comes_back(store: ReplyStore, other: ReplyStore, tmp_path: Path, text: str) -> None:
    """Text of every kind passes through unharmed."""
    fill(store, [reply(text=text)])
    jb.export_replies(tmp_path / "b", cache_dir=store.folder)
    jb.import_replies(tmp_path / "b", cache_dir=other.folder)
    assert contents(other) == {key(0): reply(text=text)}


def test_a_reply_of_a_megabyte_comes_back(store: ReplyStore, other: ReplyStore, tmp_path: Path) -> None:
    """A huge reply that JSON writes six times as long is still a reply."""
    fill(store, [reply(text="\x01" * 1_000_000)])
    jb.export_replies(tmp_path / "b", cache_dir=store.folder)
    jb.import_replies(tmp_path / "b", cache_dir=other.folder)
    assert contents(other) == contents(store)


def test_the_same_replies_make_the_same_bytes(store: ReplyStore, other: ReplyStore, tmp_path: Path) -> None:
    """Neither the file's name, nor the time, nor the order of arrival is in a bundle."""
    replies = [(key(number), reply(number)) for number in range(50)]
    store.add(replies)
    other.add(reversed(replies))
    jb.export_replies(tmp_path / "a.gz", cache_dir=store.folder)
    jb.export_replies(tmp_path / "b.gz", cache_dir=other.folder)
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


def test_the_header_says_what_is_in_it(bundle: Path) -> None:
    """The first line names the format, both versions, the count and the runs."""
    header = json.loads(lines_of(bundle)[0])
    header.pop("judgebench")
    assert header == {"format": "judgebench-replies", "version": 1, "key_version": KEY_VERSION, "count": 3, "runs": []}


def test_a_line_can_be_checked_without_judgebench(bundle: Path) -> None:
    """A line's checksum is over the canonical JSON of its key and reply, as the docs say."""
    data = json.loads(lines_of(bundle)[1])
    found = data.pop("sha256")
    assert found == hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def test_the_check_in_the_docs_finds_a_bundle_right(bundle: Path) -> None:
    """The lines of Python in docs/cache.md run, on a bundle with text of every kind."""
    with ReplyStore(bundle.parent / "cache") as store:
        store.add((key(100 + number), reply(text=text)) for number, text in enumerate(STRANGE.values()))
    jb.export_replies("replies.jsonl.gz", cache_dir=store.folder)
    (code,) = re.findall(r"```python\n(.*?)```", (DOCS / "cache.md").read_text(encoding="utf-8"), re.DOTALL)
    exec(code, {})


def test_the_key_is_made_as_the_docs_say() -> None:
    """The recipe of docs/cache.md, written out by hand, gives the key under which a reply is kept."""
    judge = Judge.model_validate(
        {"name": "mine", "model": "openai/m", "api_base": "http://x/v1", "params": {"temperature": 0}}
    )
    said = '[1,["mine","openai/m"],{"temperature":0},{}]6:system5:Judge4:user3:a\u4e2db\x002'
    messages = [{"role": "system", "content": "Judge"}, {"role": "user", "content": "a\u4e2db"}]
    assert KeyMaker(judge).key(messages, 2) == hashlib.sha256(said.encode()).hexdigest()


def test_the_footer_is_over_all_lines_before_it(bundle: Path) -> None:
    """The last line has the count, and the checksum of every byte before it."""
    *body, footer = lines_of(bundle)
    assert json.loads(footer) == {"count": 3, "sha256": hashlib.sha256(b"".join(body)).hexdigest()}


def test_a_bundle_is_not_written_by_halves(store: ReplyStore, tmp_path: Path) -> None:
    """Where writing fails, the file that was there stays, and nothing else is left."""
    (tmp_path / "b").write_text("before")
    with pytest.raises(ConfigError):
        write_bundle(tmp_path / "b", Header(count=2), [(key(0), reply()), (key(1), reply(1, cost_usd=-1.0))])
    assert [path.name for path in tmp_path.glob("b*") if path.read_text() == "before"] == ["b"]


def test_a_folder_in_place_of_the_file_is_a_mistake(store: ReplyStore, tmp_path: Path) -> None:
    """A run's folder given first, where the bundle's file belongs, is told apart."""
    fill(store, [reply()])
    with pytest.raises(ConfigError, match="name the bundle's file first"):
        jb.export_replies(tmp_path, cache_dir=store.folder)


def test_an_empty_cache_has_nothing_to_export(tmp_path: Path) -> None:
    """A wrong cache folder is a mistake, not an empty bundle."""
    with pytest.raises(ConfigError, match="no replies;"):
        jb.export_replies(tmp_path / "b", cache_dir=tmp_path / "nowhere")


def test_the_settings_of_the_connection_are_left_out() -> None:
    """What says how a judge is reached is in no bundle, whatever the manifest has."""
    extra = {"base_url": "http://canary", "api_version": "canary", "aws_region_name": "canary", "extra_headers": {}}
    manifest = {
        "benchmark": "rewardbench",
        "judge": {"name": "mine"},
        "template": {"name": "pairwise"},
        "protocol": {"name": "one"},
        "identity": {"judge": {"extra": {**extra, "top_k": 5}}},
    }
    assert BundledRun.of(manifest).identity == {"judge": {"extra": {"top_k": 5}}}


def with_header(**more: Any) -> Callable[[list[bytes]], list[bytes]]:
    return lambda lines: sealed([json.dumps({**json.loads(lines[0]), **more}).encode() + b"\n", *lines[1:]])


def with_reply(**more: Any) -> Callable[[list[bytes]], list[bytes]]:
    """The first reply's line changed, with checksums that are right."""

    def change(lines: list[bytes]) -> list[bytes]:
        data = json.loads(lines[1])
        del data["sha256"]
        return sealed([lines[0], line_of({**data, **more}), *lines[2:]])

    return change


DAMAGES = {
    "a changed text": (lambda lines: [lines[0], lines[1].replace(b"[[A]]", b"[[B]]"), *lines[2:]], "checksum"),
    "a changed text, sealed again": (
        lambda lines: sealed([lines[0], lines[1].replace(b"[[A]]", b"[[B]]"), *lines[2:]]),
        "checksum",
    ),
    "a changed key": (
        lambda lines: sealed([lines[0], lines[1].replace(b'"key":"', b'"key":"0', 1), *lines[2:]]),
        "sum",
    ),
    "a changed header": (
        lambda lines: [lines[0].replace(b'"runs":[]', b'"runs": []'), *lines[1:]],
        "checksum or count in the footer",
    ),
    "a lost line": (lambda lines: [lines[0], *lines[2:]], "fewer replies than in the header"),
    "a lost line, sealed again": (lambda lines: sealed([lines[0], *lines[2:]]), "fewer replies than in the header"),
    "a line twice": (lambda lines: sealed([*lines[:2], lines[1], *lines[3:]]), "keys not in order"),
    "lines in another order": (lambda lines: sealed([lines[0], lines[2], lines[1], *lines[3:]]), "keys not in order"),
    "no footer": (lambda lines: lines[:-1], "cut off"),
    "a torn footer": (lambda lines: [*lines[:-1], lines[-1][:-1]], "cut off"),
    "a line too many": (lambda lines: [*lines[:-1], lines[-1], b"{}\n"], "data after the footer"),
    "a wrong count": (with_header(count=2), "checksum or count in the footer"),
    "no lines": (lambda _: [], "cut off"),
    "another file": (lambda _: [b'{"item":"1"}\n'], "not a valid bundle"),
    "text": (lambda _: [b"hello\n"], "not a valid bundle"),
    "a later version": (with_header(version=2), "is a bundle of version 2, and this judgebench reads 1"),
    "keys of another version": (with_header(key_version=99), "keys of version 99"),
    "a count that is none": (with_header(count="many"), "header's count"),
    "runs that are none": (with_header(runs=[{"benchmark": 5}]), "header's runs"),
    "a key that is none": (with_reply(key="../../etc/passwd"), "64 hexadecimal digits"),
    "no reply": (with_reply(reply=None), "not a valid reply"),
    "text that is none": (with_reply(reply={"text": 5}), "not a valid reply"),
    "tokens below zero": (with_reply(reply={"text": "a", "prompt_tokens": -1}), "not a valid reply"),
    "an infinite cost": (with_reply(reply={"text": "a", "cost_usd": float("inf")}), "not a JSON object"),
    "a time that cannot be": (with_reply(reply={"text": "a", "created": 1e300}), "not a valid reply"),
}


@pytest.mark.parametrize(("change", "said"), DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_bundle_is_refused(bundle: Path, change: Callable[[list[bytes]], list[bytes]], said: str) -> None:
    """Whatever is wrong with a bundle is found, and named."""
    write_lines(bundle, change(lines_of(bundle)))
    with pytest.raises(ConfigError, match=said):
        Bundle(bundle).check()


@pytest.mark.parametrize("change", [change for change, _ in DAMAGES.values()], ids=DAMAGES.keys())
def test_nothing_of_a_damaged_bundle_is_imported(
    bundle: Path, tmp_path: Path, change: Callable[[list[bytes]], list[bytes]]
) -> None:
    """A refused bundle leaves no trace, not even the cache's folder."""
    write_lines(bundle, change(lines_of(bundle)))
    with pytest.raises(ConfigError):
        jb.import_replies(bundle, cache_dir=tmp_path / "fresh")
    assert not (tmp_path / "fresh").exists()


@pytest.mark.parametrize("left", [0, 1, 5, 10, 40, -9, -8, -4, -1])
def test_a_file_that_is_cut_off_is_refused(bundle: Path, left: int) -> None:
    """A file whose last bytes are missing is no bundle, wherever it ends."""
    bundle.write_bytes(bundle.read_bytes()[:left])
    with pytest.raises(ConfigError):
        Bundle(bundle).check()


def test_a_flipped_bit_anywhere_is_refused_or_changes_nothing(bundle: Path) -> None:
    """Every byte that says something of the replies is under a checksum; the gzip header's few are not."""
    data, whole = bundle.read_bytes(), list(Bundle(bundle).replies())
    passed = []
    for at in range(len(data)):
        bundle.write_bytes(data[:at] + bytes([data[at] ^ 16]) + data[at + 1 :])
        try:
            passed.append(list(Bundle(bundle).replies()))
        except ConfigError:
            continue
    assert all(each == whole for each in passed)


def test_rubbish_behind_the_gzip_data_is_refused(bundle: Path) -> None:
    """Bytes behind the end are not passed over."""
    bundle.write_bytes(bundle.read_bytes() + b"rubbish")
    with pytest.raises(ConfigError):
        Bundle(bundle).check()


def test_a_file_that_is_no_gzip_is_named_as_such(tmp_path: Path) -> None:
    """A plain file is told from a damaged bundle."""
    (tmp_path / "plain.jsonl").write_text('{"format":"judgebench-replies"}\n')
    with pytest.raises(ConfigError, match="not gzip"):
        jb.import_replies(tmp_path / "plain.jsonl")


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    """A line that unpacks to more than a reply can be is not read to its end."""
    with gzip.open(tmp_path / "bomb.gz", "wb", compresslevel=1) as file:
        for _ in range(140):
            file.write(b" " * (1 << 20))
    with pytest.raises(ConfigError, match="longer than 128 MiB"):
        jb.import_replies(tmp_path / "bomb.gz")


def test_json_that_nests_without_end_is_refused(bundle: Path) -> None:
    """A line with right checksums whose JSON is too deep to be read is a mistake, not a crash."""
    lines = lines_of(bundle)
    deep = f'{{"key":"{key(0)}","reply":{"[" * 99_999}{"]" * 99_999}}}'
    digest = hashlib.sha256(deep.encode()).hexdigest()
    write_lines(bundle, sealed([lines[0], f'{deep[:-1]},"sha256":"{digest}"}}\n'.encode(), *lines[2:]]))
    with pytest.raises(ConfigError, match="not a JSON object"):
        Bundle(bundle).check()


@pytest.mark.parametrize(("name", "said"), [("missing.gz", "file not found"), (".", "not a file")])
def test_a_file_that_is_not_there_is_a_mistake(name: str, said: str) -> None:
    """A wrong path is named as such."""
    with pytest.raises(ConfigError, match=said):
        jb.import_replies(name)


def test_an_import_counts_what_is_new_same_and_different(bundle: Path, other: ReplyStore) -> None:
    """Each reply of the bundle is one of the three."""
    other.add([(key(0), reply(0)), (key(1), reply(99))])
    done = jb.import_replies(bundle, cache_dir=other.folder)
    assert (done.new, done.same, done.different) == (1, 1, 1)


def test_a_different_reply_in_the_cache_is_kept(bundle: Path, other: ReplyStore) -> None:
    """An import takes nothing away."""
    other.add([(key(1), reply(99))])
    jb.import_replies(bundle, cache_dir=other.folder)
    assert other.get(key(1)) == reply(99)


def test_replace_takes_the_reply_of_the_bundle(bundle: Path, other: ReplyStore) -> None:
    """With `replace`, the bundle's reply stands where another one did."""
    other.add([(key(1), reply(99))])
    jb.import_replies(bundle, replace=True, cache_dir=other.folder)
    assert contents(other)[key(1)] == reply(1)


def test_a_second_import_finds_everything_there(bundle: Path, other: ReplyStore) -> None:
    """An import that was cut off can be given again."""
    jb.import_replies(bundle, cache_dir=other.folder)
    assert jb.import_replies(bundle, cache_dir=other.folder).same == 3


def test_more_replies_than_a_transaction_holds_are_all_there(store: ReplyStore) -> None:
    """The last, smaller batch is written too."""
    fill(store, [reply(number) for number in range(1101)])
    assert store.info().replies == 1101


def test_info_counts_by_model(store: ReplyStore) -> None:
    """Each served model has its replies, tokens and cost, and how many have no known price."""
    fill(store, [reply(0), reply(1), reply(2, cost_usd=None), reply(3, served_model="n")])
    shares = [(share.model, share.replies, share.prompt_tokens, share.cost_usd, share.unpriced)
              for share in store.info().models]  # fmt: skip
    assert shares == [("m", 3, 30, 1.0, 1), ("n", 1, 10, 0.5, 0)]


def test_info_knows_the_oldest_and_the_newest(store: ReplyStore) -> None:
    """A reply that does not tell when it was given counts in neither."""
    fill(store, [reply(0, created=5.0), reply(1, created=7.0), reply(2, created=None)])
    info = store.info()
    assert (info.oldest, info.newest) == (5.0, 7.0)


def test_info_makes_no_folder(tmp_path: Path) -> None:
    """Looking at a cache that is not there says 0 replies and leaves it so."""
    assert (jb.cache_info(tmp_path / "none").replies, (tmp_path / "none").exists()) == (0, False)


def test_info_counts_what_cannot_be_read(store: ReplyStore) -> None:
    """An entry that is no reply is counted apart, not a crash."""
    fill(store, [reply()])
    store._store.set(key(5), "no JSON")
    info = store.info()
    assert (info.replies, info.unreadable) == (1, 1)


@pytest.mark.parametrize(
    ("choice", "kept"),
    [
        ({"older_than": 10}, {1, 2}),
        ({"model": "m"}, {2}),
        ({"older_than": 10, "model": "n"}, {0, 1, 2}),
        ({"older_than": 10, "model": "m"}, {1, 2}),
        ({"everything": True}, set()),
        ({"model": "unknown"}, {0, 1, 2}),
    ],
    ids=str,
)
def test_prune_deletes_what_meets_every_condition(store: ReplyStore, choice: dict[str, Any], kept: set[int]) -> None:
    """Age and model together mean the replies that both mean."""
    now = time.time()
    ages = [("m", 20), ("m", 1), ("n", 1)]
    fill(store, [reply(served_model=model, created=now - days * DAY_S) for model, days in ages])
    jb.prune_cache(**choice, cache_dir=store.folder)
    assert set(store.keys()) == {key(number) for number in kept}


def test_prune_counts_what_it_deleted_and_kept(store: ReplyStore) -> None:
    """Over many transactions, both counts are those of the cache."""
    fill(store, [reply(number, served_model="mn"[number % 3 == 0]) for number in range(1200)])
    pruned = jb.prune_cache(model="n", cache_dir=store.folder)
    assert (pruned.deleted, pruned.kept) == (400, 800)


@pytest.mark.parametrize("choice", [{"model": "m"}, {"everything": True}, {"older_than": 0}], ids=str)
def test_a_dry_run_deletes_nothing(store: ReplyStore, choice: dict[str, Any]) -> None:
    """It says how many it would delete."""
    fill(store, [reply(number) for number in range(3)])
    pruned = jb.prune_cache(**choice, dry_run=True, cache_dir=store.folder)
    assert (pruned.deleted, len(contents(store))) == (3, 3)


@pytest.mark.parametrize("choice", [{}, {"everything": True, "model": "m"}, {"everything": True, "older_than": 1}])
def test_prune_wants_to_know_which(store: ReplyStore, choice: dict[str, Any]) -> None:
    """Neither nothing nor contradictions mean everything."""
    with pytest.raises(ConfigError, match="select replies"):
        jb.prune_cache(**choice, cache_dir=store.folder)


@pytest.mark.parametrize("where", ["logprobs", "unknown"])
def test_a_line_of_very_many_values_is_refused_before_it_is_taken_apart(bundle: Path, where: str) -> None:
    """A bundle of some kB could else take GB of memory."""
    header, *_ = lines_of(bundle)
    line = line_of({"key": key(0), "reply": {"text": "[[A]]"}, where: [[]] * (MAX_VALUES + 1)})
    write_lines(bundle, [header, line])
    with pytest.raises(ConfigError, match="more than 1,000,000 values"):
        Bundle(bundle).check()


def test_a_header_of_very_many_runs_is_refused(bundle: Path) -> None:
    _, *others = lines_of(bundle)
    write_lines(bundle, [b'{"format":"judgebench-replies","runs":[' + b"[]," * MAX_VALUES + b"[]]}\n", *others])
    with pytest.raises(ConfigError, match="not a valid bundle"):
        Bundle(bundle).check()


def test_a_long_text_is_one_value(store: ReplyStore, other: ReplyStore, tmp_path: Path) -> None:
    fill(store, [reply(text=',[{"' * MAX_VALUES)])
    jb.export_replies(tmp_path / "b", cache_dir=store.folder)
    assert jb.import_replies(tmp_path / "b", cache_dir=other.folder).new == 1


def test_imported_replies_say_which_bundle_they_are_from(bundle: Path, other: ReplyStore) -> None:
    """Its SHA-256; an export of them is the same file again, and `prune` finds them."""
    other.add([(key(9), reply(9))])
    jb.import_replies(bundle, cache_dir=other.folder)

    digest = hashlib.sha256(bundle.read_bytes()).hexdigest()
    origins = [each.imported for _, each in other.replies()]
    assert sorted(origin.partition(" ")[0] for origin in origins if origin) == [digest] * 3
    assert jb.prune_cache(imported=True, cache_dir=other.folder).deleted == 3
    assert set(contents(other)) == {key(9)}
