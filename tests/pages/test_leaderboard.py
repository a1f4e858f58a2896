"""The leaderboard's page and what stands beside it: without a browser."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from commands import files_below, judgebench
from finishedruns import judge_run, score_run

import judgebench as jb
from judgebench.pages.leaderboard import page_stem


def links(path: Path) -> list[str]:
    return re.findall(r'<a href="([^"#][^"]*)">', path.read_text().split("<main", 1)[1])


def test_a_call_does_what_the_command_does():
    """A page, and one for each run in the folder beside it."""
    judge_run("offline/first")
    score_run("rm", [1, 0, 1])
    path = jb.leaderboard_page("runs", "board.html")
    assert sorted(links(path)) == [
        "board-runs/rewardbench-offline--first-pairwise-one.html",
        "board-runs/rewardbench-rm-scores.html",
    ]
    assert files_below(Path("board-runs")) == [
        "rewardbench-offline--first-pairwise-one.html",
        "rewardbench-rm-scores.html",
    ]


def test_run_pages_can_be_left_out():
    """One file, without a link."""
    judge_run("offline/first")
    ended = judgebench("leaderboard", "runs", "--html", "board.html", "--no-run-pages")
    assert ended.status == 0, ended.err
    assert (links(Path("board.html")), Path("board-runs").exists()) == ([], False)


def test_a_run_whose_template_is_damaged_has_no_page_and_all_others_do():
    """It stays on the board, without a link; the reason is said, and is not fatal."""
    (judge_run("offline/first") / "template.jinja").write_text("no front matter")
    score_run("rm", [1, 0, 1])
    ended = judgebench("leaderboard", "runs", "--html", "board.html", "--quiet")
    assert ended.status == 0, ended.err
    assert links(Path("board.html")) == ["board-runs/rewardbench-rm-scores.html"]
    assert "offline/first" in Path("board.html").read_text()


def test_published_figures_have_no_page():
    """They were not measured here."""
    judge_run("offline/first")
    jb.leaderboard_page("runs", "board.html", published=True)
    assert "oasst-rm-2.1-pythia-1.4b" in Path("board.html").read_text()
    assert len(links(Path("board.html"))) == 1


def test_two_runs_of_one_name_have_two_pages():
    """Of two folders of runs, say."""
    run = judge_run("offline/first")
    shutil.copytree(run, "runs/again/rewardbench/offline--first/pairwise/one")
    jb.leaderboard_page("runs", "board.html")
    assert sorted(links(Path("board.html"))) == [
        "board-runs/rewardbench-offline--first-pairwise-one.html",
        "board-runs/rewardbench-offline--first-pairwise-one~2.html",
    ]


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", ".hidden", "x" * 300, "\u202e<b>", "con?*|"])
def test_a_page_has_a_safe_name(name):
    """No path, nothing that an address or a file system would take for something else."""
    score_run("rm", [1, 0])
    board = jb.leaderboard("runs").boards[0]
    stem = page_stem(board, replace(board.places[0], judge=name))
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}", stem)
    assert ".." not in stem.split("-")[0]


@pytest.mark.parametrize(
    ("target", "said"), [("folder", "is a folder; name a file in it"), ("taken/x.html", "cannot be")]
)
def test_a_place_that_cannot_be_written_is_one_line(target, said):
    """Exit status 2."""
    judge_run("offline/first")
    Path("folder").mkdir()
    Path("taken").write_text("mine")
    ended = judgebench("leaderboard", "runs", "--html", target)
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert said in ended.err
    assert Path("taken").read_text() == "mine"
