"""Where calls go is said, is in the manifest, and keeps the replies of different servers apart."""

from __future__ import annotations

import json
import os
import sys

import pytest
from commands import judgebench, pairs, read_json, write_jsonl, write_judges
from loopback import LoopbackServer

import judgebench as jb

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def server():
    with LoopbackServer() as running:
        yield running


@pytest.fixture
def command(tmp_path):
    return ("run", "custom", "--data", write_jsonl(tmp_path / "rows.jsonl", pairs(2)), "--orders", "one")


def test_a_base_url_of_the_environment_is_said_kept_and_keyed(server, command, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    first = judgebench(*command, "-j", "openai/m")
    monkeypatch.delenv("OPENAI_BASE_URL")
    later = judgebench(*command, "-j", "openai/m", "--offline", "--out", "later", "--json")

    assert first.err.splitlines()[0] == f"judge 'openai/m' (openai/m): {server.url}, from OPENAI_BASE_URL"
    manifest = read_json(tmp_path / "runs/custom/openai--m/pairwise/one/manifest.json")
    assert manifest["judge"]["api_base"] == server.url
    assert later.metrics[0]["failures"] == {"not_cached": 2}


def test_a_moved_preset_is_said_with_quiet_too_and_gets_no_key_of_openais(server, command, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789abcdef")
    write_judges(server.url, **{"gpt-4.1-mini": {}})

    ended = judgebench(*command, "-j", "gpt-4.1-mini", "--quiet")

    assert ended.err == f"judge 'gpt-4.1-mini' (openai/loopback): {server.url}, from providers.yaml\n"
    assert {request.headers["Authorization"] for request in server.requests} == {"Bearer none"}


def test_python_is_warned_of_a_moved_preset(server, tmp_path):
    """As the command says it: the address, and the file."""
    write_judges(server.url, **{"gpt-4.1-mini": {}})
    with pytest.warns(UserWarning, match=rf"judge 'gpt-4.1-mini' \(openai/loopback\): {server.url}, from providers"):
        jb.run("custom", judge="gpt-4.1-mini", data=write_jsonl(tmp_path / "rows.jsonl", pairs(1)), orders="one")


def test_one_question_in_python_warns_of_a_moved_preset(server):
    """As a run does."""
    write_judges(server.url, **{"gpt-4.1-mini": {}})
    with pytest.warns(UserWarning, match=rf"judge 'gpt-4.1-mini' \(openai/loopback\): {server.url}, from providers"):
        jb.judge("Which?", "One.", "Two.", judge="gpt-4.1-mini")


def test_a_variable_that_a_file_found_here_sends_along_is_said(command, tmp_path):
    """Also where the calls go to the provider's own address."""
    headers = {"extra_headers": {"X-B": "os.environ/GITHUB_TOKEN"}}
    (tmp_path / "providers.yaml").write_text(json.dumps({"judges": {"gpt-4.1-mini": headers}}))
    ended = judgebench(*command, "-j", "gpt-4.1-mini", "--quiet")

    assert ended.err.splitlines()[0] == (
        "judge 'gpt-4.1-mini' (openai/gpt-4.1-mini): sends GITHUB_TOKEN along, from providers.yaml"
    )


def answered_no(monkeypatch, *command):
    """The end of a command in a terminal where the user says no."""
    monkeypatch.setattr("judgebench.cli.addresses.can_ask", lambda: True)
    read, write = os.pipe()
    os.write(write, b"n\n")
    os.close(write)
    with os.fdopen(read) as answers:
        monkeypatch.setattr(sys, "stdin", answers)
        return judgebench(*command)


def test_in_a_terminal_a_moved_preset_is_asked_about(server, command, monkeypatch):
    write_judges(server.url, **{"gpt-4.1-mini": {}})
    ended = answered_no(monkeypatch, *command, "-j", "gpt-4.1-mini")

    assert (ended.status, server.count) == (2, 0)
    assert "--providers" in ended.err


def test_in_a_terminal_a_run_without_its_label_is_asked_about(server, tmp_path, monkeypatch):
    """A column looks like the label: no call is made before the answer, and "no" names the option."""
    write_judges(server.url)
    rows = [{"prompt": "p", "response_a": "a", "response_b": "b", "said": said} for said in "AB"]
    data = write_jsonl(tmp_path / "rows.jsonl", rows)
    ended = answered_no(monkeypatch, "run", "custom", "--data", data, "-j", "mine")

    assert (ended.status, server.count) == (2, 0)
    assert "nothing was sent; add --columns label=said" in ended.err


def test_a_dry_run_says_where_each_judge_is(command):
    write_judges("http://127.0.0.1:9/v1")
    ended = judgebench(*command, "-j", "mine", "--dry-run")
    assert "judge 'mine' (openai/loopback): http://127.0.0.1:9/v1, from providers.yaml" in ended.err.splitlines()


def test_calls_to_this_machine_go_through_no_proxy(server, command, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    write_judges(server.url)

    assert judgebench(*command, "-j", "mine", "--json").metrics[0]["coverage"] == 1.0
