"""Reward models on the hub, from a loopback server that speaks the part of its protocol that small files need."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from judgebench.errors import ConfigError
from judgebench.rewards.hubmodel import find_on_hub

OLD, NEW = "a" * 40, "b" * 40
NAME = "owner/some-rm"
REVISIONS = {"main": NEW, "v1": OLD, OLD: OLD, NEW: NEW}


class Hub(BaseHTTPRequestHandler):
    """One model with two commits, whose config says which of them it is."""

    def do_GET(self):
        self._answer(body=True)

    def do_HEAD(self):
        self._answer(body=False)

    def _answer(self, *, body):
        parts = self.path.split("?")[0].strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            revision = parts[5] if len(parts) > 5 else "main"
            known = "/".join(parts[2:4]) == NAME
            missing = None if known and revision in REVISIONS else ("RevisionNotFound" if known else "RepoNotFound")
            self._send(404 if missing else 200, {"id": NAME, "sha": REVISIONS.get(revision)}, body, missing)
        elif parts[:2] == NAME.split("/") and parts[-1] == "config.json":
            self._send(200, {"commit": REVISIONS[parts[3]]}, body)
        else:
            self._send(404, {"commit": REVISIONS[parts[3]]}, body, "EntryNotFound")

    def _send(self, status, value, body, missing=None):
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("ETag", f'"{hashlib.sha1(text).hexdigest()}"')
        self.send_header("X-Repo-Commit", str(value.get("commit", NEW)))
        if missing:
            self.send_header("X-Error-Code", missing)
        self.end_headers()
        if body:
            self.wfile.write(text)

    def log_message(self, *_):
        pass


@pytest.fixture
def hub():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_revision_is_resolved_once_and_read_from_the_cache_without_a_network(hub, tmp_path):
    """Branch, tag and commit; the files are those of that commit, and a file that is not there is none."""
    cache = str(tmp_path)
    for revision, commit in ((None, NEW), ("v1", OLD), (OLD, OLD)):
        found = find_on_hub(NAME, revision, endpoint=hub, cache=cache)
        assert (found.commit, found.offline) == (commit, False)
        assert found.read_json("config.json") == {"commit": commit}
        assert found.read_json("adapter_config.json") is None
    for revision, commit in ((None, NEW), ("v1", OLD), (OLD, OLD)):
        away = find_on_hub(NAME, revision, endpoint="http://127.0.0.1:9", cache=cache)
        assert (away.commit, away.offline) == (commit, True)
        assert away.read_json("config.json") == {"commit": commit}
        assert away.read_json("adapter_config.json") is None


@pytest.mark.parametrize(
    ("name", "revision", "message"),
    [
        ("owner/other", None, "model not found: 'owner/other': no such folder or file here, and no model of that name"),
        (NAME, "v9", f"--revision v9: {NAME} has no such branch, tag or commit"),
    ],
)
def test_a_model_or_a_revision_that_is_not_there_is_one_line(hub, tmp_path, name, revision, message):
    """Told apart, with the fix."""
    with pytest.raises(ConfigError, match=message):
        find_on_hub(name, revision, endpoint=hub, cache=str(tmp_path))


def test_no_hub_and_no_copy_is_said_at_once(tmp_path):
    """With the reason, and no retries of the hub's client."""
    with pytest.raises(ConfigError, match=f"cannot load {NAME}: the Hugging Face hub cannot be reached .* has no copy"):
        find_on_hub(NAME, endpoint="http://127.0.0.1:9", cache=str(tmp_path))
