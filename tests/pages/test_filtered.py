"""The page of `filter`: counts, distributions and rows to look at, with nothing of theirs run or loaded."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import judgebench as jb
from judgebench.pages.filtered import page_of_filtered

HOSTILE = "<script>alert(1)</script> \u202eright to left"


@pytest.fixture
def found() -> jb.Filtered:
    """What became of three rows."""
    return jb.Filtered(
        state="done",
        out=Path("kept.jsonl"),
        parts=Path("kept.jsonl.parts"),
        judge="mine",
        template="pairwise",
        protocol="both orders",
        rows=3,
        judged=3,
        kept=1,
        dropped={"judge_agrees is not true": 2},
        keep="judge_agrees",
        values=(
            jb.ValueCount("judge_agrees", "true", 1, 1),
            jb.ValueCount("judge_agrees", "false", 2, 0),
            jb.ValueCount("judge_consistent", "true", 3, 1),
        ),
        subsets=(jb.SubsetCount(HOSTILE, 3, 1, 1, 3),),
        distributions=(jb.Distribution("judge_probability", 0, 1, (0, 0, 1, 0), (0, 2, 0, 0)),),
        cost_usd=0.5,
        sample=(
            jb.ShownRow(
                2,
                "judge_agrees is not true",
                {"judge_choice": "rejected", "judge_agrees": False},
                HOSTILE,
                (("chosen", "the first"), ("rejected", "the second")),
                (("chosen, rejected", HOSTILE),),
                {"source": HOSTILE},
            ),
        ),
    )


def text_of(found: jb.Filtered) -> str:
    return jb.filter_page(found, "page.html").read_text(encoding="utf-8")


def test_the_page_says_what_was_kept_and_why_not(found: jb.Filtered) -> None:
    """In a sentence, in cards, in tables; and each row that was drawn with its texts and the judge's replies."""
    text = text_of(found)
    for said in (
        "Kept 1 of 3 rows (33.3%). mine, template pairwise, both orders.",
        '<pre class="command">judge_agrees</pre>',
        "1 row drawn at random from those dropped",
        '<span class="pill">judge_agrees false</span>',
        "shown in the order chosen, rejected",
    ):
        assert said in text
    cards = [*page_of_filtered(found).context["cards"]]
    assert [(question, answer) for question, answer, _ in cards] == [
        ("Rows kept", "1"),
        ("Rows dropped", "2"),
        ("Agreement", "33.3%"),
        ("Consistency", "100.0%"),
        ("Cost", "$0.500"),
    ]


def test_a_distribution_begins_where_rows_are(found: jb.Filtered) -> None:
    """Bins at its ends that no row falls in are left out."""
    (figure,) = [each for each in page_of_filtered(found).context["figures"] if each.id.startswith("distribution")]
    assert figure.table.cells == [["0.25 to 0.5", "0", "2"], ["0.5 to 0.75", "1", "0"]]


def test_texts_of_rows_do_nothing(found: jb.Filtered) -> None:
    """What a row or a reply says is text: no element, no hidden or turned character, and nothing is loaded."""
    text = text_of(found)
    assert "<script>alert" not in text
    assert "\u202e" not in text
    assert "default-src &#39;none&#39;" in text
    assert re.findall(r"""(?:src|href)=["'](?!#|data:)""", text) == []
