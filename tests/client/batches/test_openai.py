"""Lines and states of OpenAI's and Azure's batches, as they are documented and as servers word them."""

from __future__ import annotations

import json

import pytest

from judgebench.client.batches.base import objects
from judgebench.client.batches.openai import _line

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
    assert [each["custom_id"] for each in objects(data)] == [KEY, KEY]
