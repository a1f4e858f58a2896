"""The page's table of runs: what is in it, what is folded, and what a row is called."""

from __future__ import annotations

import re
from pathlib import Path

from commands import pairs
from finishedruns import score_run, written_run

import judgebench as jb


def table(*runs) -> tuple[str, list[str], list[list[str]]]:
    """What stands above the table, its heads, and the texts of its rows."""
    jb.report_page(list(runs), "page.html")
    text = Path("page.html").read_text()
    found = re.search(
        r'(?:<p class="shared">(.*?)</p>)?<div class="scroll"[^>]*Runs"><table class="runs">(.*?)</table>', text
    )
    plain = lambda cell: re.sub(r"<[^>]+>", "", cell)  # noqa: E731
    heads, *rows = [re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", found[2])]
    return found[1] or "", [plain(each) for each in heads], [[plain(each) for each in row] for row in rows]


def right(share: float):
    """A judge that is right on the first items up to this share of 40."""
    return lambda key, _: 0 if int(key.id.split("-")[-1]) < share * 40 else 1


def test_judge_and_score_come_first_and_what_all_share_is_named_once():
    """Template, protocol, items, coverage and the order of ranks are no columns where they are the same."""
    shared, heads, rows = table(*(written_run(f"judge{n}", pairs(40), right(n / 4)) for n in (3, 1)))
    assert shared.startswith("All runs: template pairwise · 40 items · coverage 100.0%")
    assert heads[:2] == ["judge", "score"]
    assert not {"template", "protocol", "items", "coverage", "rank"} & {*heads}
    assert [row[0] for row in rows] == ["judge3", "judge1"]


def test_a_score_has_its_interval_in_the_cell():
    """Words and a bar: 75.0 (58.8 to 87.3, by Clopper and Pearson or near it)."""
    _, _, rows = table(*(written_run(f"judge{n}", pairs(40), right(n / 4)) for n in (3, 1)))
    assert re.fullmatch(r"75\.0 \(\d\d\.\d\N{EN DASH}\d\d\.\d\)", rows[0][1])
    assert Path("page.html").read_text().count('<span class="reach"') == 2


def test_what_differs_is_a_column():
    """Two protocols stand in their rows."""
    runs = [written_run("judge", pairs(40), right(0.7), orders=orders) for orders in ("one", "both")]
    shared, heads, rows = table(*runs)
    at = heads.index("template")
    assert len({row[at] for row in rows}) == 2
    assert "protocol" not in shared


def test_a_reward_model_has_no_template_and_does_not_make_columns_differ():
    """Its row is empty there; what the judges share is still named once."""
    rows = pairs(40)
    shared, heads, _ = table(written_run("judge", rows, right(0.5)), score_run("rm", [True] * 40, rows))
    assert "template pairwise" in shared
    assert "template" not in heads


def test_a_single_run_has_everything_in_its_row():
    """There is nothing that it shares."""
    shared, heads, rows = table(written_run("judge", pairs(40), right(0.5)))
    assert shared == ""
    assert rows[0][heads.index("template")] == "pairwise"
