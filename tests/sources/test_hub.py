"""Datasets of the hub, from a loopback server that speaks the part of its protocol that `datasets` uses."""

import hashlib
import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import datasets
import pytest
from processes import Running

from judgebench.errors import ConfigError
from judgebench.sources.hub import brief
from judgebench.sources.opening import source_of

OLD, NEW = "a" * 40, "b" * 40
REPOSITORY = "owner/Some-Pairs"
PROGRAM = """
import json, sys, time
from judgebench.sources.hub import brief
from judgebench.sources.opening import source_of
from judgebench.errors import ConfigError
answers = []
for spec, split, *config in json.loads(sys.argv[1]):
    start = time.perf_counter()
    try:
        rows = source_of(spec, hub_split=split, config_name=config[0] if config else None)
        read = [[[row.where, row.data] for row in rows] for _ in range(2)]
        answer = {"rows": read[0], "again": read[0] == read[1], "source": rows.name, "revision": rows.revision,
                  "split": rows.split}
    except ConfigError as error:
        answer = {"error": str(error)}
    answers.append(answer | {"seconds": time.perf_counter() - start})
print(json.dumps(answers))
"""


def lines(*rows):
    """Rows as JSON Lines."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def commit(text):
    """A commit of a small dataset with two splits."""
    return {
        "README.md": b"# pairs\n",
        "data/filtered.jsonl": lines(
            {"id": 1, "chosen": [text, "b"], "turn": {"role": "user"}}, {"id": 2, "chosen": []}
        ),
        "data/raw.jsonl": lines({"id": 3, "chosen": ["raw"]}),
    }


CARD = b"""---
configs:
- config_name: default
  data_files:
  - {split: filtered, path: data/filtered.jsonl}
  - {split: raw, path: data/raw.jsonl}
---
"""


class Hub(ThreadingHTTPServer):
    """A hub with one dataset of two commits, `main` being the newer and the tag `v1` the older."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.commits = {OLD: commit("old") | {"README.md": CARD}, NEW: commit("new") | {"README.md": CARD}}
        self.names = {"main": NEW, "v1": OLD}
        self.status = None
        self.files_status = None
        self.delay = 0.0

    @property
    def url(self):
        """The endpoint."""
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """The commit of a revision, the list of its files, and the files."""

    def log_message(self, *_):
        """Keep standard error clean."""

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self):
        self.do_GET()

    def do_POST(self):
        self.do_GET(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))

    def do_GET(self, form=None):
        hub = self.server
        time.sleep(hub.delay)
        path = unquote(urlsplit(self.path).path)
        api, files = f"/api/datasets/{REPOSITORY}", f"/datasets/{REPOSITORY}/resolve/"
        if hub.status is not None:
            self.answer(hub.status)
        elif path == api or path.startswith(f"{api}/revision/"):
            self.info(path.removeprefix(f"{api}/revision/") if path != api else "main")
        elif hub.files_status is not None:
            self.answer(hub.files_status)
        elif path.startswith((f"{api}/tree/", f"{api}/paths-info/")):
            revision, _, folder = path.removeprefix(f"{api}/").split("/", 1)[1].partition("/")
            self.tree(self.sha(revision), (form or {}).get("paths"), folder)
        elif path.startswith(files):
            revision, _, name = path.removeprefix(files).partition("/")
            self.file(self.sha(revision), name)
        else:
            self.answer(404, X_Error_Code="RepoNotFound")

    def sha(self, revision):
        return self.server.names.get(revision, revision)

    def info(self, revision):
        sha = self.sha(revision)
        if sha not in self.server.commits:
            self.answer(404, X_Error_Code="RevisionNotFound")
        else:
            siblings = [{"rfilename": name} for name in self.server.commits[sha]]
            self.answer(200, json.dumps({"id": REPOSITORY, "sha": sha, "siblings": siblings}).encode())

    def tree(self, sha, wanted, folder):
        files = self.server.commits[sha]
        entries = [{"type": "file", "path": name, "size": len(body), "oid": OLD} for name, body in files.items()]
        entries.append({"type": "directory", "path": "data", "oid": OLD})
        if wanted is not None:
            entries = [entry for entry in entries if entry["path"] in wanted]
        if folder:
            entries = [entry for entry in entries if entry["path"].startswith(f"{folder}/")]
        self.answer(200, json.dumps(entries).encode(), Content_Type="application/json")

    def file(self, sha, name):
        body = self.server.commits[sha].get(name)
        if body is None:
            self.answer(404, X_Error_Code="EntryNotFound", X_Repo_Commit=sha)
        else:
            tag = f'"{hashlib.sha256(body).hexdigest()}"'
            self.answer(200, body, X_Repo_Commit=sha, ETag=tag, Accept_Ranges="none")


@pytest.fixture
def hub():
    """A running hub."""
    server = Hub()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def read_all(hub, tmp_path):
    """Reads datasets in a process of its own, because the endpoint and the caches are fixed at import."""

    def run(*asked, **environment):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        env = kept | {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home")} | environment
        done = Running(json.dumps(asked), code=PROGRAM, cwd=tmp_path, env=env)
        out, err = done.communicate()
        assert (done.returncode, err) == (0, "")
        return json.loads(out)

    return run


@pytest.fixture
def read(read_all):
    """Reads one dataset so."""
    return lambda spec, split="filtered", **environment: read_all((spec, split), **environment)[0]


def test_a_split_of_the_hub(read):
    """The newest commit is read, in plain Python values, twice the same, and named by its hash."""
    answer = read(REPOSITORY)
    assert answer["rows"] == [
        [f"{REPOSITORY} split filtered row 1", {"id": 1, "chosen": ["new", "b"], "turn": {"role": "user"}}],
        [f"{REPOSITORY} split filtered row 2", {"id": 2, "chosen": [], "turn": None}],
    ]
    assert answer["again"]
    assert (answer["source"], answer["revision"], answer["split"]) == (REPOSITORY, NEW, "filtered")


@pytest.mark.parametrize("revision", ["v1", OLD])
def test_a_pinned_revision(read, revision):
    """A tag and a commit are both read as the commit they name."""
    answer = read(f"{REPOSITORY}@{revision}", "raw")
    assert answer["rows"] == [[f"{REPOSITORY} split raw row 1", {"id": 3, "chosen": ["raw"], "turn": None}]]
    assert answer["revision"] == OLD


LANGUAGES = "".join(
    f"- config_name: {name}\n  data_files: [{{split: test, path: data/{name}.jsonl}}]\n" for name in ("de", "fr")
)


def test_what_the_hub_does_not_have_is_named(hub, read_all):
    """An unknown dataset, revision, split or configuration is said in one line, with those there are."""
    hub.names["two"] = commit_of_two = "c" * 40
    files = {f"data/{name}.jsonl": lines({"id": name}) for name in ("de", "fr")}
    hub.commits[commit_of_two] = {"README.md": f"---\nconfigs:\n{LANGUAGES}---\n".encode(), **files}
    two = f"{REPOSITORY}@two"
    asked = [("owner/other", "raw"), ("owner/two--dashes", "raw"), (f"{REPOSITORY}@v9", "raw"), (REPOSITORY, "test")]
    answers = read_all(*asked, (REPOSITORY, None), (two, None), (two, None, "es"), (two, None, "fr"))
    other, unfit, revision, split, none, unnamed, unknown = (answer["error"] for answer in answers[:-1])
    assert "no dataset of that name" in other
    assert "no dataset of that name" in unfit
    assert revision.startswith(f"{REPOSITORY} has no revision 'v9'")
    assert split.startswith(f"{REPOSITORY} has no split 'test', only filtered, raw")
    assert "has the splits filtered, raw" in none
    assert unnamed == f"{REPOSITORY} has several configurations: name one with --config-name: de, fr"
    assert unknown == f"{REPOSITORY} has no configuration 'es': name one with --config-name: de, fr"
    assert [row["id"] for _, row in answers[-1]["rows"]] == ["fr"]


@pytest.mark.parametrize(
    ("files", "split", "read_ids"), [(["test", "train"], "test", [0]), (["train", "zoo"], "train", [0])]
)
def test_the_usual_split(hub, read, files, split, read_ids):
    """Where no split is asked for, `test` is read, else `train`."""
    hub.commits[NEW] = {f"{name}.jsonl": lines({"id": number}) for number, name in enumerate(files)}
    if "zoo" in files:
        hub.commits[NEW]["README.md"] = (
            CARD.replace(b"filtered", b"train").replace(b"raw", b"zoo").replace(b"data/", b"")
        )
    answer = read(REPOSITORY, None)
    assert answer["split"] == split
    assert [row["id"] for _, row in answer["rows"]] == read_ids


def test_the_local_cache_serves_when_the_hub_does_not(hub, read_all):
    """What was loaded once is read again with the hub down or forbidden, and only as the revision it is."""
    read_all((f"{REPOSITORY}@{OLD}", "raw"), (REPOSITORY, "raw"))
    hub.status = 503
    latest, pinned, named, split = read_all(
        (REPOSITORY, "filtered"), (f"{REPOSITORY}@{OLD}", "filtered"), (f"{REPOSITORY}@v1", "raw"), (REPOSITORY, "test")
    )
    assert (latest["revision"], latest["rows"][0][1]["chosen"]) == (NEW, ["new", "b"])
    assert latest["seconds"] < 6
    assert (pinned["revision"], pinned["rows"][0][1]["chosen"]) == (OLD, ["old", "b"])
    assert "the local cache has only" in named["error"]
    assert OLD in named["error"]
    assert "has no split 'test'" in split["error"]
    assert read_all((REPOSITORY, "raw"), HF_HUB_OFFLINE="1")[0]["revision"] == NEW


def test_no_hub_and_no_cache(read):
    """With no network and no copy the reason and the mend come within seconds, not after the retries of `datasets`."""
    answer = read(REPOSITORY, HF_ENDPOINT="http://127.0.0.1:9")
    assert answer["seconds"] < 5
    assert answer["error"].startswith(f"cannot load {REPOSITORY}: the Hugging Face hub cannot be reached (")
    assert "--data FILE" in answer["error"]
    assert "HF_HUB_OFFLINE is set" in read(REPOSITORY, HF_HUB_OFFLINE="1")["error"]


def test_a_silent_hub(hub, read):
    """A hub that takes the call and says nothing is given up at the deadline."""
    hub.delay = 60
    answer = read(REPOSITORY)
    assert "cannot be reached" in answer["error"]
    assert answer["seconds"] < hub.delay


def test_a_hub_that_breaks_off(hub, read):
    """A pinned revision is never silently replaced by the one that lies in the cache."""
    hub.files_status = 403
    assert read(REPOSITORY)["error"].startswith(f"cannot load {REPOSITORY} (")
    hub.files_status = None
    read(REPOSITORY)
    hub.files_status = 403
    assert "the local cache has another revision" in read(f"{REPOSITORY}@v1")["error"]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The cache of `datasets` in a folder of the test's own."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")


ROWS = [{"id": "ä", "chosen": ["x", "y\n"], "meta": {"n": 1}}, {"id": "b", "chosen": [], "meta": None}]


def test_a_saved_dataset(tmp_path, cache):
    """A folder of `Dataset.save_to_disk` is read, in batches, as plain Python values."""
    many = ROWS + [{"id": str(number), "chosen": [], "meta": None} for number in range(600)]
    datasets.Dataset.from_list(many).save_to_disk(tmp_path / "saved")
    rows = source_of(str(tmp_path / "saved"), hub_split="filtered")
    assert [row.data for row in rows] == many
    assert [row.where for row in rows][-1] == "saved row 602"
    assert (rows.name, rows.revision, rows.split) == (str(tmp_path / "saved"), None, None)


def test_a_saved_dataset_with_splits(tmp_path, cache):
    """Of several splits the named one is read, and the only one needs no name."""
    saved = {"raw": datasets.Dataset.from_list(ROWS[:1]), "filtered": datasets.Dataset.from_list(ROWS[1:])}
    datasets.DatasetDict(saved).save_to_disk(tmp_path / "two")
    rows = source_of(str(tmp_path / "two"), hub_split="filtered")
    assert [(row.where, row.data["id"]) for row in rows] == [("two split filtered row 1", "b")]
    with pytest.raises(ConfigError, match="no split 'test', only raw, filtered"):
        source_of(str(tmp_path / "two"), hub_split="test")
    datasets.DatasetDict(train=saved["raw"]).save_to_disk(tmp_path / "one")
    assert source_of(str(tmp_path / "one"), hub_split="filtered").split == "train"


def test_a_broken_saved_dataset(tmp_path, cache):
    """A saved dataset with a file missing is a mistake with the mend."""
    folder = tmp_path / "saved"
    datasets.Dataset.from_list(ROWS).save_to_disk(folder)
    next(folder.glob("*.arrow")).unlink()
    with pytest.raises(ConfigError, match=r"cannot load .*saved .*save_to_disk"):
        source_of(str(folder))


def test_a_folder_laid_out_like_a_hub_dataset(tmp_path, cache, capfd):
    """A clone of a hub dataset goes through `load_dataset`, which finds the splits, with nothing on standard error."""
    folder = tmp_path / "clone"
    (folder / "data").mkdir(parents=True)
    (folder / "README.md").write_text("# clone\n")
    datasets.Dataset.from_list(ROWS).to_parquet(folder / "data" / "test-00000-of-00001.parquet")
    datasets.Dataset.from_list(ROWS[:1]).to_parquet(folder / "data" / "train-00000-of-00001.parquet")
    capfd.readouterr()
    rows = source_of(str(folder), hub_split="test")
    assert [row.data for row in rows] == ROWS
    assert rows.split == "test"
    assert source_of(str(folder)).split == "test"
    assert capfd.readouterr().err == ""
    (folder / "data" / "test-00000-of-00001.parquet").write_bytes(b"PAR1 and then nonsense")
    with pytest.raises(ConfigError, match=r"cannot load .*clone"):
        source_of(str(folder))


def test_a_page_in_an_error_of_the_hub_is_told_by_its_title():
    """As a proxy between answers; the line has no tags."""
    error = ConnectionError(
        "502 Server Error: <html><head><title>Bad Gateway</title></head><body><hr>nginx</body></html>"
    )
    assert brief(error) == "502 Server Error: HTML page: Bad Gateway, nginx"
