"""Lines and states of OpenAI's and Azure's batches, as they are documented and as servers word them."""

from __future__ import annotations

import gzip
import io
import json

import pytest

from judgebench.client.batches.base import LostBatchError, objects
from judgebench.client.batches.openai import _line, _state
from judgebench.client.providers import provider_of
from judgebench.errors import TransientError
from judgebench.judges.judge import Judge

KEY = "a" * 64


@pytest.mark.parametrize(
    ("said", "status", "body", "why"),
    [
        ({"response": {"status_code": 200, "body": {"id": 1}}, "error": None}, 200, {"id": 1}, ""),
        ({"response": {"status_code": 429, "body": '{"error": {}}'}}, 429, {"error": {}}, ""),
        ({"response": None, "error": {"code": "batch_expired", "message": "Late."}}, 0, None, "batch expired"),
        ({"response": None, "error": {"code": "batch_cancelled"}}, 0, None, "batch cancelled"),
        (
            {"response": None, "error": {"code": "429", "message": "Slow."}},
            429,
            {"error": {"code": "429", "message": "Slow."}},
            "",
        ),
        (
            {"error": {"code": "content_filter", "message": "No."}},
            400,
            {"error": {"code": "content_filter", "message": "No."}},
            "",
        ),
        ({"response": None, "error": None}, 0, None, "no response"),
        ({"response": {"request_id": "r"}, "error": "odd"}, 0, None, "no response"),
        ({"response": {"body": {"id": 1}}}, 200, {"id": 1}, ""),
        ({"response": {"status_code": "503", "body": {"error": "x"}}}, 503, {"error": "x"}, ""),
    ],
)
def test_a_line_says_what_came_of_its_request(said, status, body, why):
    """A response with its status, an error as the response it would have been, or nothing that was carried out."""
    line = _line({"custom_id": KEY, **said})
    assert (line.key, line.status, line.why) == (KEY, status, why)
    assert body is None or json.loads(line.body) == body


def test_lines_that_are_none_are_left_out():
    """Torn ones, those of other kinds and without an id; the others stand."""
    good = json.dumps({"custom_id": KEY})
    data = "\n".join([good, "", "[1]", '{"custom_id": 3}', "{}", good[:-4], "\ufeff", good]).encode()
    assert [each["custom_id"] for each in objects(io.BytesIO(data))] == [KEY, KEY]


def test_lines_are_read_one_by_one():
    """A file of results is never in memory as a whole; a line may have megabytes."""
    lines = [json.dumps({"custom_id": f"{at:064x}", "response": "x" * 5000}) for at in range(200)]
    long = json.dumps({"custom_id": KEY, "response": "x" * 3_000_000})
    file = io.BytesIO("\n".join([*lines, long]).encode())
    found = objects(file)
    next(found)
    assert file.tell() < 20_000
    assert [each["custom_id"] for each in found][-1] == KEY
    assert file.closed


def test_lines_may_be_compressed():
    """A gzip file is its lines; half of one is none."""
    data = gzip.compress(json.dumps({"custom_id": KEY}).encode())
    assert [each["custom_id"] for each in objects(io.BytesIO(data))] == [KEY]
    assert not list(objects(io.BytesIO(data[:-9])))


@pytest.mark.parametrize(
    ("said", "state", "ended"),
    [
        ({"status": "Completed"}, "completed", True),
        ({"status": "canceled"}, "cancelled", True),
        ({"status": "BatchStatus.SUCCEEDED"}, "completed", True),
        ({"status": "timeout_exceeded"}, "expired", True),
        ({"status": "error"}, "failed", True),
        ({"status": "In Progress"}, "in_progress", False),
        ({"status": None}, "none", False),
    ],
)
def test_a_state_in_other_words(said, state, ended):
    """Servers of the protocol spell states in their own way."""
    found = _state({"id": "b", **said})
    assert (found.state, found.ended) == (state, ended)


@pytest.mark.parametrize(
    ("errors", "problem"),
    [
        ({"data": [{"code": "bad_line", "message": "Line 1."}]}, "bad_line: Line 1"),
        ([{"message": "Line 1."}], "Line 1"),
        ([{"message": "Bad\nJSON.", "line": 7}], "Bad JSON (line 7)"),
        ([{"message": "Line 7 is none.", "line": 7}], "Line 7 is none"),
        ([{"message": "No.", "line": 1}] * 1200, "No (line 1); and 1,199 more"),
        ("Line 1.", "Line 1"),
        ({"data": ["Line 1."]}, "Line 1"),
        ({"data": None}, "the provider does not say why"),
        (None, "the provider does not say why"),
    ],
)
def test_why_a_batch_was_refused(errors, problem):
    """In one line, in whatever form the server says it; of several reasons the first."""
    assert _state({"id": "b", "status": "failed", "errors": errors}).problem == problem


@pytest.mark.parametrize("status", [400, 409, 410, 422])
def test_a_refusal_is_about_the_one_batch(status):
    """Some servers say so of a batch that they no longer have; the others of a run are gone on with."""
    batches = provider_of(Judge(name="j", model="openai/m")).batches()
    said = json.dumps({"error": {"message": "No batch found with id 'b1'."}}).encode()
    error = batches.remedy(status, {"date": "today"}, said, RuntimeError("x"))
    assert isinstance(error, LostBatchError if status != 409 else TransientError)
    assert "No batch found with id 'b1'" in str(error)
