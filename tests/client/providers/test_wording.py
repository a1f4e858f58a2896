"""What becomes of a provider's error by its words, fields and status, and which forms of a body are read."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from judgebench.client.providers.bodies import clean
from judgebench.client.providers.remedies import by_remedy
from judgebench.client.providers.wire import WireCall, note_body
from judgebench.errors import FatalProviderError, RateLimitedError, TransientError, VerdictFailure
from judgebench.judges import Judge

JUDGE = Judge(name="mine", model="openai/m", api_base="http://127.0.0.1:9/v1", api_key_env="MINE")


def remedy(status: int, body: Any, headers: dict[str, str] | None = None, asked: bytes = b"") -> Exception:
    wire = WireCall(status=status, body=body, headers={"date": "x", **(headers or {})}, asked=asked)
    return by_remedy(RuntimeError("refused"), JUDGE, [], wire)


def said(message: str, **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, **fields}}


KEYS = [
    *("Invalid token", "invalid token.", "Invalid token provided", "The token is invalid", "Token has expired"),
    *("token expired or incorrect", "The token you provided has been revoked", "Invalid or expired token"),
    *("jwt expired", "JWT malformed", "Invalid JWT", "Signature has expired", "Malformed token", "Expired token"),
    *("The security token included in the request is invalid.", "Missing Authentication Token", "Invalid access token"),
    *("The security token included in the request is expired", "Missing bearer token", "No authorization header"),
    *("Authorization header is missing", "Invalid subscription key", "Could not validate credentials"),
    *("\u65e0\u6548\u7684\u4ee4\u724c", "\u4ee4\u724c\u5df2\u8fc7\u671f", "\u4ee4\u724c\u65e0\u6548"),
    *("invalid_grant", "UnrecognizedClientException", "Invalid credentials", "Incorrect API key provided"),
]
NO_KEYS = [
    *("Invalid token in JSON at position 5", "invalid token count", "Unexpected token < in JSON", "Invalid token id 7"),
    *("stop token is invalid for this model", "The token limit is invalid", "max_tokens: invalid", "Invalid tokenizer"),
    *("Invalid token: '<|x|>' is not in the vocabulary", "special token is missing from the vocabulary"),
    *("missing required field messages", "Invalid value for session"),
]


def test_words_of_a_key_stop_the_judge_at_400():
    """Whatever the key is called; tokens of text are none."""
    found = {words: remedy(400, said(words)) for words in KEYS}
    assert [words for words, error in found.items() if "key is refused" not in str(error)] == []
    others = {words: remedy(400, said(words)) for words in NO_KEYS}
    assert [words for words, error in others.items() if not isinstance(error, VerdictFailure)] == []


def test_words_of_a_key_that_the_prompt_has_are_not_the_providers():
    """A server that repeats what it was asked."""
    assert isinstance(remedy(400, said("bad input: 'Invalid token'"), asked=b"... 'Invalid token' ..."), VerdictFailure)


DAYS: list[dict[str, Any]] = [
    {"details": [{"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}]}]},
    *({"window": each} for each in ("1d", "24h", "day", "daily", "P1D", "PT24H", "1 day", "86400s", 86400, "per_day")),
    *({"limit_window": "1d"}, {"rate_limit": {"period": "day"}}, {"unit": "DAY"}, {"interval": "24 hours"}),
    *({"limit_type": "daily"}, {"limitType": "requests_per_day"}, {"windowSeconds": 86400}, {"window_hours": 24}),
    *({"metadata": {"quota_unit": "1/d/{project}"}}, {"type": "daily_limit"}, {"scope": "day"}, {"time_window": "1d"}),
    *({"limits": [{"window": "1d"}, {"window": "day"}]}, {"metadata": {"quota_limit": "RequestsPerDayPerProject"}}),
]
MINUTES: list[dict[str, Any]] = [
    *({"window": each} for each in ("1m", "60s", "minute", 60, "1h", "hourly", "PT1M")),
    *({"details": [{"violations": [{"quotaId": "RequestsPerMinutePerProject"}]}]}, {"unit": "MINUTE"}),
    *({"limits": [{"window": "1m"}, {"window": "1d"}]}, {"day": 3}, {"windowSeconds": 60}, {"window_hours": 1}),
    *({"metadata": {"quota_unit": "1/min/{project}"}}, {"window": None}, {"unit": True}, {"type": "tokens"}),
]


@pytest.mark.parametrize("status", [403, 429])
def test_a_day_s_quota_that_only_a_field_names_stops_the_judge(status):
    """Beside a short wait too; a window of minutes is a rate limit."""
    wait = {"retry-after": "30"}
    found = [remedy(status, said("Limit reached.", **fields), wait) for fields in DAYS]
    assert [fields for fields, error in zip(DAYS, found, strict=True) if "the day's quota" not in str(error)] == []
    others = [remedy(status, said("Limit reached.", **fields), wait) for fields in MINUTES]
    assert [f for f, error in zip(MINUTES, others, strict=True) if not isinstance(error, RateLimitedError)] == []


def test_nothing_left_of_a_day_in_a_header_stops_the_judge():
    """Cerebras' headers; what is left of a minute is a rate limit, and so is what is left of a day."""
    day, minute = "x-ratelimit-remaining-requests-day", "x-ratelimit-remaining-tokens-minute"
    assert isinstance(remedy(429, {}, {day: "0", minute: "5"}), FatalProviderError)
    assert isinstance(remedy(429, {}, {day: "7", minute: "0"}), RateLimitedError)


PASSING = [408, 409, 419, 421, 423, 424, 425, 430, 440, 444, 449, 450, 460, 463, 470, 499]
LASTING = [400, 405, 406, 407, 410, 411, 413, 414, 415, 416, 417, 418, 422, 426, 428, 431, 451, 494, 495, 496, 497]
HIGH = [500, 502, 503, 506, 507, 508, 509, 510, 511, 520, 521, 522, 523, 524, 525, 526, 527, 530, 561, 598, 599, 999]


def test_statuses_that_pass_are_tried_again():
    """Every one that is not registered as lasting, those of proxies and clouds among them."""
    found = {status: remedy(status, {"message": "x"}) for status in (*PASSING, *HIGH)}
    assert {status: type(error) for status, error in found.items()} == dict.fromkeys(found, TransientError)
    lasting = {status: type(remedy(status, {"message": "model m"})) for status in (*LASTING, 501, 505)}
    assert lasting == dict.fromkeys(lasting, VerdictFailure)


CONTENTS: list[tuple[Any, str | None]] = [
    ({"type": "text", "text": "[[A]]"}, "[[A]]"),
    ({"text": "[[A]]"}, "[[A]]"),
    ({"type": "output_text", "text": "[[A]]"}, "[[A]]"),
    ({"type": "text", "text": {"value": "[[A]]", "annotations": []}}, "[[A]]"),
    ({"parts": [{"text": "[["}, {"text": "A]]"}]}, "[[A]]"),
    ([{"type": "text", "text": {"value": "[[A]]"}}], "[[A]]"),
    ([{"type": "text", "text": "[["}, "A]]"], "[[A]]"),
    ({"type": "image", "url": "x"}, None),
    ({}, None),
    ({"A": 1}, None),
]


def test_content_as_one_object_is_read():
    """In the forms of content parts, one alone; an object without text stays what it is."""
    for content, text in CONTENTS:
        call = WireCall(status=200)
        body = {"choices": [{"message": {"role": "assistant", "content": content}}]}
        note_body(call, json.dumps(body).encode())
        assert call.body["choices"][0]["message"]["content"] == (content if text is None else text), content


def chunk(content: Any, **fields: Any) -> str:
    delta = {"choices": [{"index": 0, "delta": {"content": content}, **fields}]}
    return json.dumps({"id": "x", **delta}, ensure_ascii=False)


STREAMS = {
    "byte-order mark": "\ufeffdata: {0}\n\ndata: {1}\n\ndata: [DONE]\n\n",
    "comment first": ":\n\ndata: {0}\n\ndata: {1}\n\ndata: [DONE]\n\n",
    "keep-alive": ":keep-alive\n\ndata: {0}\n\n:keep-alive\n\ndata: {1}\n\ndata: [DONE]\n\n",
    "id and retry": "retry: 100\nid: 1\ndata: {0}\n\nid: 2\ndata: {1}\n\ndata: [DONE]\n\n",
    "event names": "event: message\ndata: {0}\n\nevent: message\ndata: {1}\n\ndata: [DONE]\n\n",
    "no empty lines": "data: {0}\ndata: {1}\ndata: [DONE]\n",
    "no space": "data:{0}\n\ndata:{1}\n\ndata:[DONE]\n\n",
    "carriage returns": "data: {0}\r\rdata: {1}\r\rdata: [DONE]\r\r",
    "windows lines": "data: {0}\r\n\r\ndata: {1}\r\n\r\ndata: [DONE]\r\n\r\n",
    "white space first": "\n\n  data: {0}\n\ndata: {1}\n\ndata: [DONE]",
}


def test_a_stream_of_events_is_read_in_each_of_its_forms():
    """With a byte-order mark, comments, ids and names, any line ends, a separator of Unicode in its text, and parts."""
    parts = {"line separator": "So\u2028 [[A", "parts": [{"type": "text", "text": "So\u2028 [[A"}]}
    for (name, form), content in product(STREAMS.items(), parts.values()):
        call = WireCall(status=200)
        note_body(call, form.format(chunk(content), chunk("]]", finish_reason="stop")).encode())
        assert isinstance(call.body, dict), name
        assert call.body["choices"][0]["message"]["content"] == "So\u2028 [[A]]", name


def test_the_data_of_an_event_may_stand_on_several_lines():
    """They are one text."""
    call = WireCall(status=200)
    whole = json.dumps(json.loads(chunk("[[A]]", finish_reason="stop")), indent=1).replace("\n", "\ndata: ")
    note_body(call, f"data: {whole}\n\ndata: [DONE]\n\n".encode())
    assert call.body["choices"][0]["message"]["content"] == "[[A]]"


def test_what_is_no_stream_is_no_completion():
    """A page or a text that holds `data:` further on is left as it is."""
    for text in ("<html>data: x</html>", "some data: {}", "data: nothing", "data"):
        call = WireCall(status=200)
        assert not note_body(call, text.encode())
        assert call.body == text


def test_what_a_check_of_a_body_adds_is_left_out() -> None:
    """Each place and what is wrong there, without the checker's own names and address."""

    class Body(BaseModel):
        share: float
        levels: list[int]

    with pytest.raises(ValidationError) as caught:
        Body.model_validate({"share": None, "levels": ["x]"]})
    told = clean(f"unexpected response: {caught.value}", ())
    assert "share Input should be a valid number; levels.0 Input should be a valid integer" in told
    assert not any(word in told for word in ("type=", "input_value", "https://"))
    assert clean("slow down [type=requests], see https://x.example", ()).endswith(
        "[type=requests], see https://x.example"
    )
