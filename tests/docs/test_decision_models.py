"""docs/decision-models.md: its prices are LiteLLM's, and its arithmetic is right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from judgebench.judges import load_judges, price_of

PAGE = (Path(__file__).parents[2] / "docs/decision-models.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([^`]+)`(?: with `api: decisions`)? \| ([\d.]+) \| ([\d.]+) \|$", re.MULTILINE)


def test_a_thousand_items_are_two_million_tokens() -> None:
    """2,000 tokens a call: each model's price twice."""
    rows = ROW.findall(PAGE)
    assert len(rows) == 9
    assert [float(cost) for *_, cost in rows] == pytest.approx([2 * float(price) for _, price, _ in rows])


@pytest.mark.upstream
def test_the_prices_are_those_of_litellm_s_table() -> None:
    """As decision models, whose output is free."""
    judges = load_judges()
    for model, price, _ in ROW.findall(PAGE):
        found = price_of(judges.get(model).model_copy(update={"api": "decisions"}))
        assert found is not None, model
        assert (found.input, found.output) == (float(price), 0.0), model
