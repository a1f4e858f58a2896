"""What a notebook shows: escaped, and there even where a run was cut off."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from commands import pairs
from finishedruns import judge_run, score_run, written_run

import judgebench as jb
from judgebench._util.table import Column, Table, TableRow

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(1)>\u202e\x1b[2J'


class Tags(HTMLParser):
    """Every element and its attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: set[tuple[str, str]] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {(tag, name) for name, _ in attrs} or {(tag, "")}

    def handle_data(self, data: str) -> None:
        self.text += f"{data}\n"


HARMLESS = {("table", ""), ("caption", "style"), ("b", ""), ("thead", ""), ("tbody", ""), ("tr", ""), ("p", "")}
HARMLESS |= {("th", "style"), ("td", "style")}


def test_a_run_shows_its_scores():
    """The whole, then its sections, with intervals and counts; and what failed."""
    run = jb.Run.load(written_run("mine", pairs(4), lambda key, _: -1 if key.id == "0" else 0))
    text = Tags(run._repr_html_()).text
    assert "RewardBench · mine · pairwise" in text
    assert "87.5%" in text
    assert "coverage 75.0% (3/4 verdicts parsed; failures: 1 unreadable)" in text


def test_a_score_files_run_shows_its_scores():
    """Without verdicts and cost."""
    text = Tags(jb.Run.load(score_run("rm", [1, 0]))._repr_html_()).text
    assert "coverage 100.0% (2/2 items scored)" in text
    assert "calls" not in text


def test_a_run_that_was_cut_off_says_so():
    """A notebook shows no traceback in place of it."""
    run = jb.Run.load(judge_run("offline/first"))
    (run.path / "metrics.json").unlink()
    assert "the run was cut off" in Tags(run._repr_html_()).text


@pytest.mark.parametrize("result", ["compare", "leaderboard", "report"])
def test_other_results_show_themselves(result):
    """With the names of both runs."""
    runs = [judge_run("offline/first"), judge_run("offline/longest")]
    found = getattr(jb, result)("runs" if result == "leaderboard" else runs)
    shown = Tags(found._repr_html_())
    assert "offline/first" in shown.text
    assert "offline/longest" in shown.text
    assert shown.found <= HARMLESS


def test_names_out_of_data_are_text():
    """No element but the table's, no attribute but its alignment, no sign that hides or turns words."""
    html = Table([Column(HOSTILE)], [TableRow((HOSTILE,))], HOSTILE, [HOSTILE]).to_html()
    assert Tags(html).found <= HARMLESS
    assert "\u202e" not in html
    assert "\x1b" not in html


def test_a_hostile_subset_is_text_where_a_run_is_shown():
    """As in the table itself."""
    rows = [row | {"subset": HOSTILE if at % 2 else "plain"} for at, row in enumerate(pairs(4))]
    run = jb.Run.load(written_run("mine", rows, lambda *_: 0, benchmark="custom"))
    shown = Tags(run._repr_html_())
    assert shown.found <= HARMLESS
    assert "<script>" in shown.text
