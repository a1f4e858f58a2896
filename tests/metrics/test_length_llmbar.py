"""The length bias of real replies: GPT-4 on LLMBar, whose subsets are hard where wrong answers are longer."""

from __future__ import annotations

import re

import pytest
from commands import SHARED_DATA, read_jsonl

from judgebench.items import ItemKey, Reading, Verdict
from judgebench.metrics.summary import length_bias

DATA = SHARED_DATA / "llmbar"

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="LLMBar's rows and replies are not at ../shared/data/llmbar")


def test_gpt4_shows_no_length_bias_on_llmbar() -> None:
    """With the label's effect by subset and by difference in length it is +0.29, p = 0.24 (statsmodels 0.14)."""
    keys, readings = {}, {}
    for row in read_jsonl(DATA / "rewardbench_rows.jsonl"):
        lengths = len(row["chosen"]), len(row["rejected"])
        keys[str(row["id"])] = ItemKey(str(row["id"]), row["subset"], 2, 1, lengths)
    for row in read_jsonl(DATA / "gpt4_cot_replies.jsonl"):
        order = (0, 1) if row["first"] == "chosen" else (1, 0)
        said = re.findall(r"Output \(([ab])\)", row["reply"])[-1]
        readings.setdefault(str(row["id"]), []).append(Reading(order, 0, Verdict("AB"["ab".index(said)])))

    found = length_bias(readings, keys)

    assert (round(found.estimate, 2), found.association) == (pytest.approx(0.29, abs=0.02), False)
    assert found.p == pytest.approx(0.24, abs=0.02)
