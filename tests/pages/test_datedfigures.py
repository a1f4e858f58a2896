"""The page's figures of guaranteed agreement and of drift, where labels or runs of two dates are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from commands import pairs
from finishedruns import written_run

import judgebench as jb
from judgebench.pages.report import page_of


def judge(where, name="mine", wrong=(), unsure=()):
    """A judge in a folder of its own that is wrong on some of 40 pairs, and whose orders disagree on others."""
    says = lambda key, call: call.order[0] if int(key.id) in unsure else int(int(key.id) in wrong)  # noqa: E731
    run = written_run(name, pairs(40, ("alpacaeval-easy",)), says, orders="both", samples=2)
    shutil.move("runs", where)
    return Path(where) / run.relative_to("runs")


def figures(*runs, **options):
    """By title the figures of the page's one chapter."""
    return {each.title: each for each in page_of(jb.report(list(runs), **options)).context["chapters"][0].figures}


def test_guaranteed_agreement_is_drawn_where_labels_are():
    """30 items in a row are right, which shows 90% and not 95%; without labels of people there is no figure."""
    run = judge("october", unsure=range(30, 40))
    labels = [{"id": str(at), "label": "chosen"} for at in range(40)]
    rows = figures(run, labels=labels)["Guaranteed agreement"].table.rows
    curve = {row.entries[1]: row.entries[2] for row in rows}
    assert [curve[each] for each in (0.9, 0.95)] == [pytest.approx(0.75), 0.0]
    assert "Guaranteed agreement" not in figures(run)


def test_drift_is_drawn_where_runs_of_two_dates_are():
    """12 of 40 verdicts turn: 30 points of flips and of score; of two judges there is no such figure."""
    october, november = judge("october"), judge("november", wrong=range(12))
    figure = figures(october, november)["Drift of the judge"]
    assert [round(row.entries[3], 9) for row in figure.table.rows] == [0.3, -0.3]
    assert {row.entries[6] for row in figure.table.rows} == {"drift"}
    assert "Drift of the judge" not in figures(october, judge("large", "large"))
