"""A line of judgements.jsonl is a judgement, or an error that names the line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from judgebench.errors import ConfigError
from judgebench.items import Failure, Soft, Verdict
from judgebench.runs.judgements import Judgement, ReplyUsage, fields_of, read_judgements, write_judgements

if TYPE_CHECKING:
    from pathlib import Path

LINE: dict[str, Any] = {
    "item": "a",
    "subset": "s",
    "order": [1, 0],
    "sample": 0,
    "verdict": "A",
    "reply": "[[A]]",
    "finish_reason": "stop",
    "served_model": None,
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "reasoning_tokens": 0, "cached_prompt_tokens": 0},
    "cost_usd": None,
    "latency_s": 0.5,
    "cached": False,
    "key": "k",
}
WITHOUT = {name: value for name, value in LINE.items() if name != "verdict"}


def judgement(result: Verdict | Failure, **more: Any) -> Judgement:
    """One of a pair with this result."""
    fields = {"item": "a", "subset": "s", "order": (1, 0), "sample": 0, "reply": "r", "finish_reason": None}
    fields |= {"served_model": None, "usage": ReplyUsage(1, 2, 0, 0), "cost_usd": None, "latency_s": None}
    return Judgement(**fields | {"cached": False, "key": "k"} | fields_of(result) | more)


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        (WITHOUT, "neither a verdict nor a failure"),
        (WITHOUT | {"verdict": None}, "neither a verdict nor a failure"),
        (LINE | {"verdict": True}, "verdict"),
        (LINE | {"verdict": "Z"}, "verdict is 'Z', expected a slot of 2, or tie"),
        (LINE | {"verdict": "C"}, "verdict is 'C', expected a slot of 2, or tie"),
        (LINE | {"verdict": ""}, "verdict is '', expected a slot of 2, or tie"),
        (LINE | {"usage": {}}, "usage.prompt_tokens: Field required"),
        (WITHOUT | {"failure": {"sort": "empty"}}, "unexpected keyword argument 'sort'"),
        ([], "Input should be a dictionary"),
    ],
)
def test_a_line_that_is_no_judgement_is_named(tmp_path: Path, line: Any, mistake: str) -> None:
    """It is neither a tie, nor a rating of 1, nor an error of Python's."""
    path = tmp_path / "judgements.jsonl"
    path.write_text(json.dumps(LINE) + "\n" + json.dumps(line) + "\n")
    with pytest.raises(ConfigError) as refused:
        list(read_judgements(tmp_path))
    assert str(refused.value).startswith(f"{path} line 2: not a valid judgement record (")
    assert mistake in str(refused.value)


@pytest.mark.parametrize(
    "written",
    [
        judgement(Verdict("tie")),
        judgement(Verdict(3.0, None, (("truth", 4.0),), Soft((("3", 0.75), ("4", 0.25)), 0.9, (("truth", 3.5),)))),
        judgement(Verdict("B", "B>A"), turn=1, reasoning="so", logprobs=[(0, "B", {"B": -0.1})]),
        judgement(Failure("empty", "the reply is empty"), reply=None),
        judgement(Failure("unreadable", "\ud83d"), item="\udcff", reply="\ud83d"),
    ],
)
def test_what_is_written_is_read(tmp_path: Path, written: Judgement) -> None:
    """Every kind of result, with lone surrogates too."""
    write_judgements(tmp_path, [written])
    (found,) = read_judgements(tmp_path)
    assert (found, found.reading) == (written, written.reading)


def test_a_line_has_no_field_more_than_it_needs() -> None:
    """Those that tell nothing are left out, but for what every reply has."""
    assert json.loads(judgement(Verdict("A"), latency_s=0.5, reply="[[A]]", finish_reason="stop").to_line()) == LINE


def test_a_line_of_the_first_version_is_read() -> None:
    """It did not say why the model stopped."""
    line = json.dumps({name: value for name, value in LINE.items() if name != "finish_reason"})
    assert Judgement.from_line(line.encode()).finish_reason is None
