"""The cache of replies: text on disk, nothing else, and nothing before the first reply."""

import os
import pickle
import sqlite3
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import judgebench
from judgebench.client.cache.maintenance import Choice, ReplyStore
from judgebench.client.cache.store import ReplyCache, default_cache_dir
from judgebench.errors import ConfigError
from judgebench.verdicts.reply import Reply

KEY = "a" * 64


class Canary:
    """Leaves a file where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.fixture
def cache(tmp_path):
    """A cache in a folder that is not there yet."""
    with ReplyCache(tmp_path / "cache") as made:
        yield made


def tampered(cache, statement, *values):
    """Changes the database by hand, as another program may."""
    cache.put(KEY, Reply(text="kept"))
    cache.close()
    connection = sqlite3.connect(cache.folder / "cache.db")
    with connection:
        connection.execute(statement, values)
    connection.close()


def refusal(act, *arguments):
    with pytest.raises(ConfigError) as caught:
        act(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_nothing_is_made_before_the_first_reply(cache):
    """Looking into a cache that is not there leaves it so."""
    assert cache.get(KEY) is None
    assert not cache.folder.exists()


def test_a_reply_comes_back_whole(cache):
    """Every field is kept."""
    reply = Reply(
        text="t",
        reasoning="r",
        finish_reason="stop",
        refusal="no",
        served_model="m",
        prompt_tokens=1,
        completion_tokens=2,
        reasoning_tokens=3,
        cached_prompt_tokens=4,
        cost_usd=0.5,
        latency_s=1.5,
        created=2.5,
        left_out=["temperature"],
    )
    cache.put(KEY, reply)

    assert cache.get(KEY) == reply


def test_a_later_reply_takes_the_place_of_the_first(cache):
    """Under one key there is one reply."""
    cache.put(KEY, Reply(text="old"))
    cache.put(KEY, Reply(text="new"))

    assert cache.get(KEY).text == "new"


@given(st.text(alphabet=st.characters(codec=None)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_comes_back_as_it_was(cache, text):
    """Control characters, emoji and lone surrogates are kept."""
    cache.put(KEY, Reply(text=text))

    assert cache.get(KEY).text == text


def test_five_megabytes_come_back_as_they_were(cache):
    """A long reply is kept in a file of its own, and reads the same."""
    text = "é\ud800\x00\r\n" * 1_000_000
    cache.put(KEY, Reply(text=text))

    assert cache.get(KEY).text == text


def test_a_reply_is_there_for_another_process(cache):
    """What one process has stored, another reads, and the other way round."""
    cache.put(KEY, Reply(text="from here"))
    script = (
        "import sys; from pathlib import Path; from judgebench.client.cache.store import ReplyCache\n"
        "from judgebench.verdicts.reply import Reply\n"
        "cache = ReplyCache(Path(sys.argv[1])); print(cache.get('a' * 64).text)\n"
        "cache.put('b' * 64, Reply(text='from there'))"
    )
    home = str(Path(judgebench.__file__).resolve().parents[1])
    done = subprocess.run(
        [sys.executable, "-c", script, str(cache.folder)],
        env=os.environ | {"PYTHONPATH": home},
        capture_output=True,
        text=True,
        check=True,
    )

    assert (done.stdout.strip(), cache.get("b" * 64).text) == ("from here", "from there")


def test_replies_are_stored_as_text(cache):
    """No row of the database, and no key, is a pickle."""
    cache.put(KEY, Reply(text="x"))
    cache.put("b" * 64, Reply(text="x" * 100_000))
    connection = sqlite3.connect(cache.folder / "cache.db")
    rows = connection.execute("SELECT raw, typeof(key), mode FROM Cache").fetchall()
    connection.close()

    assert {(raw, kind) for raw, kind, _ in rows} == {(1, "text")}
    assert {mode for *_, mode in rows} <= {1, 3}


def test_a_pickled_value_is_refused_unread(cache, tmp_path):
    """A pickle that somebody put into the database is never run."""
    trap = pickle.dumps(Canary(tmp_path / "sprung"))
    tampered(cache, "UPDATE Cache SET mode = 4, value = ?", sqlite3.Binary(trap))

    assert "pickled value" in refusal(cache.get, KEY)
    assert not (tmp_path / "sprung").exists()


def test_a_pickled_key_is_refused_unread(cache, tmp_path):
    """Keys are never unpickled either."""
    trap = pickle.dumps(Canary(tmp_path / "sprung"))
    tampered(cache, "UPDATE Cache SET raw = 0, key = ?", sqlite3.Binary(trap))

    assert cache.get(KEY) is None
    with pytest.raises(TypeError, match="pickled key"):
        list(cache._open(make=False))
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("value", ["no JSON", "[1]", '{"text": 5}', "", '{"text": "cut o', "[" * 20_000])
def test_an_entry_that_is_no_reply_counts_as_absent(cache, value):
    """To one look-up and to one of many; the next reply takes its place."""
    tampered(cache, "UPDATE Cache SET value = ?", value)
    before = (cache.get(KEY), cache.get_many([KEY]))
    cache.put(KEY, Reply(text="asked again"))

    assert (before, cache.get(KEY)) == ((None, {}), Reply(text="asked again"))


@pytest.mark.parametrize("size", [0, 1, 20_001, 40_000])
def test_a_long_reply_that_was_torn_counts_as_absent(cache, size):
    """Wherever its file was cut: in the middle of a character, too."""
    cache.put(KEY, Reply(text="é" * 40_000))
    (file,) = cache.folder.rglob("*.val")
    file.write_bytes(file.read_bytes()[:size])
    before = cache.get(KEY)
    cache.put(KEY, Reply(text="é" * 40_000))

    assert (before, cache.get(KEY)) == (None, Reply(text="é" * 40_000))


def test_a_torn_entry_is_new_to_an_import(cache):
    """It is no other reply that would have to stay."""
    tampered(cache, "UPDATE Cache SET value = ?", '{"text": "cut o')
    with ReplyStore(cache.folder) as store:
        added = store.add([(KEY, Reply(text="whole"))])
        found = store.get(KEY)

    assert (added.new, added.different, found) == (1, 0, Reply(text="whole"))


def test_only_text_can_be_stored(cache):
    """Anything that would be pickled on the way in is refused."""
    cache.put(KEY, Reply(text="x"))
    store = cache._open(make=True)

    with pytest.raises(TypeError, match="holds text"):
        store.set(KEY, {"a": 1})
    with pytest.raises(TypeError, match="text keys"):
        store.set(("a", 1), "x")


def test_a_folder_that_cannot_be_made_is_a_config_error(tmp_path):
    """A file where the folder should be is named, with the option that mends it."""
    (tmp_path / "file").write_text("x")

    assert "--cache-dir" in refusal(ReplyCache(tmp_path / "file" / "cache").put, KEY, Reply(text="x"))


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_without_permission_is_a_config_error(tmp_path):
    """A folder that may not be written is named."""
    tmp_path.chmod(0o500)

    assert "--cache-dir" in refusal(ReplyCache(tmp_path / "cache").put, KEY, Reply(text="x"))


@pytest.mark.parametrize("act", ["get", "put"])
def test_a_broken_database_is_a_config_error(tmp_path, act):
    """A file that is no database is named, and left as it is."""
    (tmp_path / "cache.db").write_bytes(b"this is no database at all" * 100)
    arguments = (KEY,) if act == "get" else (KEY, Reply(text="x"))
    with ReplyCache(tmp_path) as cache:
        said = refusal(getattr(cache, act), *arguments)

    assert str(tmp_path) in said


def test_the_folder_is_the_variables(monkeypatch, tmp_path):
    """`JUDGEBENCH_CACHE_DIR` goes before all."""
    monkeypatch.setenv("JUDGEBENCH_CACHE_DIR", str(tmp_path / "named"))

    assert default_cache_dir() == tmp_path / "named"


@pytest.mark.parametrize(("variable", "below"), [("XDG_CACHE_HOME", "judgebench"), ("HOME", ".cache/judgebench")])
def test_without_the_variable_it_is_in_the_users_cache(monkeypatch, tmp_path, variable, below):
    """The user's cache folder, by XDG's rule."""
    monkeypatch.delenv("JUDGEBENCH_CACHE_DIR")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv(variable, str(tmp_path))

    assert default_cache_dir() == tmp_path / below


def test_many_keys_are_looked_up_at_once(cache) -> None:
    """What is there comes back as `get` has it, halves of surrogate pairs too; what is not there is left out."""
    replies = {"a" * 64: Reply(text="x [[A]]", prompt_tokens=3), "b" * 64: Reply(text="\ud800"), "c" * 64: Reply()}
    for key, reply in replies.items():
        cache.put(key, reply)
    assert cache.get_many([*replies, "d" * 64]) == replies == {key: cache.get(key) for key in replies}


def test_a_reply_in_a_file_of_its_own_is_left_to_get(cache) -> None:
    """So that many long replies are never in memory at once."""
    cache.put("a" * 64, Reply(text="x" * 1_000_000))
    assert (cache.get_many(["a" * 64]), cache.get("a" * 64)) == ({}, Reply(text="x" * 1_000_000))


def test_many_keys_of_a_cache_that_is_not_there(tmp_path: Path) -> None:
    """Nothing is found and nothing is made."""
    assert (ReplyCache(tmp_path / "none").get_many(["a" * 64]), list(tmp_path.iterdir())) == ({}, [])


@pytest.fixture
def locked(cache, monkeypatch):
    """A cache that another connection keeps SQLite's write lock of, and that waits a twentieth of a second."""
    monkeypatch.setattr("judgebench.client.cache.store.BUSY_S", 0.05)
    cache.put(KEY, Reply(text="kept"))
    cache.close()
    other = sqlite3.connect(cache.folder / "cache.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield cache
    other.close()


def test_a_cache_that_another_process_keeps_locked_cannot_be_opened(locked):
    """One line names the folder and says what to do, instead of waiting for a minute."""
    said = refusal(locked.get, KEY)
    assert (str(locked.folder) in said, "locked by another process" in said) == (True, True)


def test_a_cache_that_is_locked_later_cannot_be_written(cache, monkeypatch):
    """Opened before, it says the same, and what is there can be read."""
    monkeypatch.setattr("judgebench.client.cache.store.BUSY_S", 0.05)
    cache.put(KEY, Reply(text="kept"))
    other = sqlite3.connect(cache.folder / "cache.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    said = refusal(cache.put, "b" * 64, Reply(text="x"))
    found = cache.get(KEY)
    other.close()
    cache.put("b" * 64, Reply(text="x"))
    assert ("rerun the command" in said, found, cache.get("b" * 64)) == (
        True,
        Reply(text="kept"),
        Reply(text="x"),
    )


def test_an_import_into_a_locked_cache_comes_to_an_end(cache, monkeypatch):
    """A transaction of many replies does not wait without end."""
    monkeypatch.setattr("judgebench.client.cache.store.BUSY_S", 0.05)
    cache.put(KEY, Reply(text="kept"))
    other = sqlite3.connect(cache.folder / "cache.db", isolation_level=None)
    with ReplyStore(cache.folder) as store:
        assert store.get(KEY)
        other.execute("BEGIN IMMEDIATE")
        said = refusal(store.add, [("b" * 64, Reply(text="x"))])
        other.close()
    assert "locked by another process" in said


@pytest.fixture
def read_only():
    """A cache of a short and a long reply in a folder that this process may read and not write."""
    with tempfile.TemporaryDirectory() as top:
        with ReplyCache(Path(top) / "cache") as cache:
            cache.put(KEY, Reply(text="kept"))
            cache.put("b" * 64, Reply(text="x" * 50_000))
        Path(top).chmod(0o755)
        for path in cache.folder.rglob("*"):
            path.chmod(0o555 if path.is_dir() else 0o444)
        cache.folder.chmod(0o555)
        superuser = os.geteuid() == 0
        if superuser:
            os.seteuid(65534)
        yield cache
        cache.close()
        if superuser:
            os.seteuid(0)
        for path in [cache.folder, *cache.folder.rglob("*")]:
            if path.is_dir():
                path.chmod(0o755)


def test_a_read_only_cache_can_be_read(read_only):
    """One by one, many at once, and as a whole."""
    with ReplyStore(read_only.folder) as store:
        info = store.info()
        found = (store.get(KEY), store.get_many([KEY, "c" * 64]), store.get("b" * 64))
    assert found == (Reply(text="kept"), {KEY: Reply(text="kept")}, Reply(text="x" * 50_000))
    assert (info.replies, info.unreadable, info.size_bytes > 50_000) == (2, 0, True)


def test_a_read_only_cache_cannot_be_written(read_only):
    """One line names the option that mends it, after a look as well as before; what is there can still be read."""
    assert read_only.get(KEY) == Reply(text="kept")
    assert "--cache-dir" in refusal(read_only.put, "c" * 64, Reply(text="x"))
    assert read_only.get(KEY) == Reply(text="kept")


def test_a_read_only_cache_cannot_be_pruned(read_only):
    """Nor emptied: a mistake in one line."""
    with ReplyStore(read_only.folder) as store:
        said = (refusal(store.prune, Choice()), refusal(store.prune, Choice(before=1e12)))
    assert all("--cache-dir" in each for each in said)


def test_without_a_home_the_cache_has_no_place(monkeypatch):
    """The variable and the option that mend it are named."""
    monkeypatch.delenv("JUDGEBENCH_CACHE_DIR")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", homeless)

    assert "set HOME, or add --cache-dir" in refusal(ReplyCache)


def homeless():
    raise RuntimeError("Could not determine home directory.")


def test_a_file_is_no_cache(tmp_path):
    """It is no empty cache either."""
    (tmp_path / "file").write_text("x")

    assert "is a file, expected a folder" in refusal(ReplyStore(tmp_path / "file").info)


# --- files of long replies, in a cache from elsewhere

LONG = Reply(text="long " * 20_000)


def files_of(folder):
    return sorted(path for path in folder.rglob("*.val"))


@pytest.fixture
def outside(tmp_path):
    """A file of the user's beside the cache, and a folder with nothing in it."""
    (tmp_path / "outside/empty").mkdir(parents=True)
    path = tmp_path / "outside/id_rsa"
    path.write_text('{"text": "private"}')
    return path


def led_outside(cache, outside, way):
    """A cache whose only entry has its text in a file outside."""
    cache.put(KEY, LONG)
    cache.close()
    (own,) = files_of(cache.folder)
    name = {
        "absolute": str(outside),
        "dots": "../outside/id_rsa",
        "dots inside": f"{own.relative_to(cache.folder).parent}/../../../outside/id_rsa",
        "empty folder": "../outside/empty/x.val",
        "number": 7,
        "bytes": str(outside).encode(),
    }.get(way)
    if way == "link":
        own.unlink()
        own.symlink_to(outside)
    elif way == "linked folder":
        target = outside.parent / "elsewhere"
        own.parent.rename(target)
        own.parent.symlink_to(target)
    elif way == "pipe":
        own.unlink()
        os.mkfifo(own)
    else:
        connection = sqlite3.connect(cache.folder / "cache.db")
        with connection:
            connection.execute("UPDATE Cache SET filename = ?", (name,))
        connection.close()


def held(folder):
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


WAYS = ["absolute", "dots", "dots inside", "empty folder", "number", "bytes", "link", "linked folder", "pipe"]


@pytest.mark.parametrize("way", WAYS)
def test_an_entry_that_leads_outside_counts_as_torn(cache, outside, way):
    """It is not read, and the next reply takes its place; what is outside is as it was."""
    led_outside(cache, outside, way)
    before = held(outside.parent)
    assert (cache.get(KEY), cache.get_many([KEY])) == (None, {})
    cache.put(KEY, LONG)
    assert cache.get(KEY) == LONG
    assert held(outside.parent) == before


@pytest.mark.parametrize("choice", [Choice(), Choice(before=2e9), Choice(model="x")])
@pytest.mark.parametrize("way", WAYS)
def test_pruning_removes_nothing_outside(cache, outside, way, choice):
    """All, the old ones, those of a model: of a cache whose entries lead elsewhere."""
    led_outside(cache, outside, way)
    before = held(outside.parent)
    with ReplyStore(cache.folder) as store:
        store.prune(choice)
        assert store.info().unreadable == (choice != Choice())
    assert held(outside.parent) == before


def test_a_new_files_folder_that_is_a_link_is_refused(cache, outside):
    """Every folder that a long reply could go into leads elsewhere: one line, and nothing is written there."""
    cache.put(KEY, Reply(text="short"))
    for number in range(256):
        (cache.folder / f"{number:02x}").symlink_to(outside.parent / "empty")
    before = held(outside.parent)
    assert "leads elsewhere by a symbolic link" in refusal(cache.put, "b" * 64, LONG)
    assert held(outside.parent) == before


@pytest.mark.parametrize("name", ["cache.db", "cache.db-wal", "cache.db-shm", "cache.db-journal"])
def test_a_database_that_is_a_link_is_refused(cache, outside, name):
    """It would be written where it leads to."""
    cache.put(KEY, Reply(text="short"))
    cache.close()
    (cache.folder / name).unlink(missing_ok=True)
    (cache.folder / name).symlink_to(outside)
    before = held(outside.parent)
    assert f"{name} is a symbolic link" in refusal(cache.get, KEY)
    assert f"{name} is a symbolic link" in refusal(cache.put, KEY, LONG)
    assert held(outside.parent) == before


def test_a_reserve_that_is_a_link_is_left_alone(cache, outside):
    """A cache does without; the file that it leads to is neither filled nor written over."""
    cache.folder.mkdir()
    (cache.folder / "reserve").symlink_to(outside)
    before = held(outside.parent)
    cache.put(KEY, Reply(text="short"))
    assert (cache.get(KEY), held(outside.parent)) == (Reply(text="short"), before)


def test_the_folder_itself_may_be_a_link(tmp_path):
    """As where a cache is kept on another disk."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "cache").symlink_to(tmp_path / "disk")
    with ReplyCache(tmp_path / "cache") as cache:
        cache.put(KEY, LONG)
        assert cache.get(KEY) == LONG


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_a_new_cache_is_for_the_user_alone(tmp_path):
    """Its folder and files; one that is there already, and shared, stays as it is."""
    with ReplyCache(tmp_path / "new" / "cache") as cache:
        cache.put("k", Reply(text="a"))
        rights = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [cache.folder, *cache.folder.iterdir()]}
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    with ReplyCache(shared) as cache:
        cache.put("k", Reply(text="a"))

    assert rights.pop("cache") == 0o700
    assert set(rights.values()) == {0o600}
    assert stat.S_IMODE(shared.stat().st_mode) == 0o755


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
@pytest.mark.parametrize(("folder", "file"), [(0o700, 0o600), (0o755, 0o644), (0o775, 0o664)])
def test_a_new_database_is_for_whom_its_folder_is_for(tmp_path, folder, file):
    """Whatever the umask is: others of a group that shares the folder can write."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(folder)
    with ReplyCache(shared) as cache:
        cache.put("k", Reply(text="a"))
    assert stat.S_IMODE((shared / "cache.db").stat().st_mode) == file


@pytest.mark.parametrize("field", ["cost_usd", "prompt_tokens", "latency_s"])
def test_a_reply_with_a_number_below_zero_is_none(tmp_path, field):
    with ReplyCache(tmp_path / "cache") as cache:
        cache.put("k", Reply(text="a", **{field: -5}))
        assert (cache.get("k"), cache.get_many(["k"])) == (None, {})


@pytest.mark.parametrize(("tokens", "is_one"), [(10**12, True), (10**30, False)])
def test_a_reply_with_a_count_of_tokens_that_is_none_is_none(tmp_path, tokens, is_one):
    """As made by hand: no provider's count is kept beyond 10 ** 12."""
    with ReplyCache(tmp_path / "cache") as cache:
        cache.put("k", Reply(text="a", prompt_tokens=tokens))
        assert (cache.get("k") is not None) == is_one


def test_a_damaged_cache_names_the_way_out(tmp_path):
    folder = tmp_path / "cache"
    folder.mkdir()
    (folder / "cache.db").write_bytes(b"no database at all, " * 500)
    with ReplyCache(folder) as cache, pytest.raises(ConfigError, match="cache export FILE RUN"):
        cache.get("k")
