"""Lines and states of Anthropic's message batches, as they are documented."""

from __future__ import annotations

import json
import time
from email.utils import formatdate

import pytest

from judgebench.client.batches.anthropic import _line, _state
from judgebench.client.providers import provider_of
from judgebench.errors import BrokenReplyError
from judgebench.judges.judge import Judge

KEY = "a" * 64


def error(kind):
    return {"type": "error", "error": {"type": kind, "message": "m"}}


@pytest.mark.parametrize(
    ("result", "status", "why"),
    [
        ({"type": "succeeded", "message": {"id": "m"}}, 200, ""),
        ({"type": "errored", "error": error("invalid_request_error")}, 400, ""),
        ({"type": "errored", "error": error("overloaded_error")}, 529, ""),
        ({"type": "errored", "error": {"type": "rate_limit_error", "message": "m"}}, 429, ""),
        ({"type": "errored", "error": error("something_new")}, 500, ""),
        ({"type": "expired"}, 0, "the request was expired"),
        ({"type": "canceled"}, 0, "the request was canceled"),
        (None, 0, "no result"),
    ],
)
def test_a_line_says_what_came_of_its_request(result, status, why):
    """A message, an error with the status that a live call's has, or nothing that was carried out."""
    line = _line({"custom_id": KEY, "result": result})
    assert (line.key, line.status, line.why) == (KEY, status, why)
    if status:
        assert json.loads(line.body) == (result.get("message") or result["error"])


def test_a_state_counts_all_requests():
    """The sum of the five counts is the batch; what expired or was cancelled has failed."""
    counts = {"processing": 1, "succeeded": 2, "errored": 3, "canceled": 4, "expired": 5}
    said = {"id": "b", "processing_status": "canceling", "request_counts": counts, "created_at": "2026-11-30T00:00:00Z"}
    state = _state({**said, "cancel_initiated_at": "2026-11-30T01:00:00Z"})
    assert (state.requests, state.done, state.failed, state.ended, state.cancelled) == (15, 2, 12, False, True)
    assert state.created == 1795996800.0
    with pytest.raises(BrokenReplyError, match="no message batch"):
        _state({"type": "error"})


def test_the_moment_is_by_the_providers_clock():
    """A batch is found by its moment, so a machine whose clock is an hour ahead notes the provider's."""
    batches = provider_of(Judge(name="j", model="anthropic/m")).batches()
    assert abs(batches.now() - time.time()) < 5
    for date in (formatdate(time.time() - 3600, usegmt=True), "no date"):
        batches._note_clock({"Date": date})
        assert abs(batches.now() - (time.time() - 3600)) < 5
