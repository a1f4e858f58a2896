"""A line of outcomes.jsonl is an outcome, or an error that names the line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from making import key

from judgebench.errors import ConfigError
from judgebench.items import Outcome
from judgebench.runs.outcomes import read_outcomes, write_outcomes

if TYPE_CHECKING:
    from pathlib import Path

KEYS = {name: key(name, "s") for name in ("a", "b")}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """With bounds, scores of one sample and of two, parts and verdicts, or without them."""
    outcomes = {
        "a": Outcome(KEYS["a"], 0.5, 0.0, 1.0, scores=((1.0, None),), parts={"agrees": 1.0}),
        "b": Outcome(KEYS["b"], None, None, None, scores=((1.0, 2.0), (3.0, 4.0)), source={"verdicts": ["A", None]}),
    }
    write_outcomes(tmp_path, outcomes.values())
    assert read_outcomes(tmp_path, KEYS, "run it again") == outcomes


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ('{"item": "a", "subset": "s", "credit": true}', "credit is True"),
        ('{"item": "a", "subset": "s", "credit": "1"}', "credit is '1'"),
        ('{"item": "a", "subset": "s"}', "'credit'"),
        ('{"item": "c", "subset": "s", "credit": 1}', "'c'"),
        ("[1]", "[1]"),
        ("{", "Expecting property name"),
    ],
)
def test_a_line_that_is_no_outcome_is_named(tmp_path: Path, line: str, mistake: str) -> None:
    """With the file, its place and what makes the file anew."""
    path = tmp_path / "outcomes.jsonl"
    path.write_text(f'{{"item": "b", "subset": "s", "credit": 1}}\n{line}\n')
    with pytest.raises(ConfigError) as refused:
        read_outcomes(tmp_path, KEYS, "run it again")
    message = str(refused.value)
    assert message.startswith(f"{path} line 2: not a valid outcome (")
    assert mistake in message
    assert message.endswith("; run it again")
