"""`judgebench judges check NAME`: one tiny call that says what works."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import judgebench, write_judges
from loopback import Fault, LoopbackServer, Reply

import judgebench as jb

USAGE = {"prompt_tokens": 90, "completion_tokens": 7}


@pytest.fixture
def server():
    with LoopbackServer(lambda _: Reply("4 is right. [[A]]", usage=USAGE)) as running:
        write_judges(running.url)
        yield running


def test_what_works_is_said(server: LoopbackServer) -> None:
    """One call: the verdict, the tokens and who answered."""
    ended = judgebench("judges", "check", "mine")
    said = " ".join(ended.out.split())
    assert (ended.status, server.count) == (0, 1)
    for part in ("reply 4 is right. [[A]]", "verdict A", "tokens 90 in, 7 out", "works yes"):
        assert part in said


def test_nothing_is_kept(server: LoopbackServer) -> None:
    """The next check makes its call anew, and no folder is left."""
    judgebench("judges", "check", "mine", "--json")
    before = sorted(Path().rglob("*"))
    judgebench("judges", "check", "mine", "--json")
    assert (server.count, sorted(Path().rglob("*"))) == (2, before)


def test_json_has_the_same(server: LoopbackServer) -> None:
    """For scripts."""
    found = json.loads(judgebench("judges", "check", "mine", "--json").out)
    assert (found["works"], found["verdict"], found["prompt_tokens"], found["logprobs"]) == (True, "A", 90, None)


def test_a_reply_that_cannot_be_read(server: LoopbackServer) -> None:
    """Exit status 1, and why."""
    server.answer = lambda _: Reply("Four, I should think.", usage=USAGE)
    ended = judgebench("judges", "check", "mine")
    assert (ended.status, "none: unreadable" in ended.out, server.count) == (1, True, 1)


def test_a_server_in_trouble_is_asked_once(server: LoopbackServer) -> None:
    """No further try: it is a check."""
    server.faults = lambda _: Fault.status(503)
    ended = judgebench("judges", "check", "mine")
    assert (ended.status, server.count, "failed after 1 attempt" in " ".join(ended.out.split())) == (1, 1, True)


def test_a_wrong_key_is_one_line(server: LoopbackServer) -> None:
    """As in a run: exit status 2."""
    server.faults = lambda _: Fault.status(401)
    ended = judgebench("judges", "check", "mine")
    assert (ended.status, ended.out, len(ended.err.splitlines())) == (2, "", 1)


def test_log_probabilities_that_do_not_come(server: LoopbackServer) -> None:
    """Are said, with exit status 1: --logprobs would have nothing."""
    ended = judgebench("judges", "check", "mine", "--logprobs")
    assert (ended.status, "log-probs not returned" in " ".join(ended.out.split())) == (1, True)


def test_a_template_of_each_mode_fits(server: LoopbackServer) -> None:
    """A rating and a best of four too."""
    server.answer = lambda _: Reply("Rating: [[9]]", usage=USAGE)
    assert jb.check_judge("mine", template="rating-10").result.value == 9
    server.answer = lambda _: Reply("[[D]]", usage=USAGE)
    assert jb.check_judge("mine", template="four-way").result.value == "D"


def test_an_offline_judge_needs_no_server() -> None:
    """It is asked like any other."""
    assert jb.check_judge("offline/first").works
