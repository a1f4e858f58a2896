"""The day on which a provider ends a model is said where it is near."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from commands import judgebench

from judgebench.judges import catalog, end_of
from judgebench.judges.judge import Judge

END = date(2026, 12, 11)
NEAR, FAR = date(2026, 10, 12), date(2026, 10, 11)  # 60 and 61 days before


@pytest.fixture(autouse=True)
def table(monkeypatch):
    """A table of one model that ends."""
    entry = dict.fromkeys(catalog._FIELDS) | {"litellm_provider": "openai", "deprecation_date": END.isoformat()}
    monkeypatch.setattr(catalog, "_table", lambda: {"o3": entry, "odd": entry | {"deprecation_date": "one day"}})


@pytest.mark.parametrize(
    ("settings", "today", "end"),
    [
        ({"model": "openai/o3"}, NEAR, END),
        ({"model": "openai/o3"}, date(2027, 5, 1), END),
        ({"model": "openai/o3"}, FAR, None),
        ({"model": "openai/odd"}, NEAR, None),
        ({"model": "hosted_vllm/o3"}, NEAR, None),
        ({"model": "openai/o3", "api_base": "http://127.0.0.1:9/v1"}, NEAR, None),
    ],
)
def test_the_end_is_known_60_days_before(settings, today, end):
    assert end_of(Judge(name="j", **settings), today) == end


def test_a_run_says_it(monkeypatch):
    monkeypatch.setattr("judgebench.judges.judge.END_IS_NEAR_DAYS", 100_000)
    Path("rows.jsonl").write_text(json.dumps({"prompt": "?", "chosen": "a", "rejected": "b"}), encoding="utf-8")
    ended = judgebench("run", "custom", "--data", "rows.jsonl", "-j", "openai/o3")
    assert ended.err.splitlines()[0].startswith(f"judge 'openai/o3': the provider ends openai/o3 on {END};")
