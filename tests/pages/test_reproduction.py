"""The commands under "How to reproduce it", each given again elsewhere."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
from commands import judgebench, pairs, read_json, write_jsonl, write_judges
from finishedruns import judge_run, written_run
from loopback import LoopbackServer

import judgebench as jb
from judgebench.engine.options import PlanOptions
from judgebench.engine.plan import plan
from judgebench.pages.reproduction import command, needed, recipe
from judgebench.runs.manifest import Manifest
from judgebench.runs.run import Finished

OWN = (
    "---\nname: own\nmode: pairwise\nverdict: {pattern: '\\[\\[([AB])\\]\\]', example: '[[A]]'}\n---\n"
    "{% block user %}{{ prompt }} {% for c in completions %}{{ c.text }}{% endfor %}{% endblock %}"
)

SAME = ("identity", "items", "protocol", "selection", "state")


def said_by(*paths: Path) -> list[list[str]]:
    """The words of each run's command."""
    return [shlex.split(command(jb.Run(path).manifest, path)) for path in paths]


def given_again(*paths: Path) -> None:
    """Gives each run's command anew with another folder, and finds the same run with the same figures in it."""
    for path, (program, *words) in zip(paths, said_by(*paths), strict=True):
        assert program == "judgebench"
        ended = judgebench(*words, "--out", "again")
        again = Path("again") / path.relative_to("runs")
        assert again.is_dir(), (words, ended.err)
        first, second = (read_json(folder / "manifest.json") for folder in (path, again))
        assert [first.get(name) for name in SAME] == [second.get(name) for name in SAME]
        assert figures(again) == figures(path)


def figures(path: Path) -> dict:
    """What a run found, without what is called and paid for a second time."""
    return {name: value for name, value in read_json(path / "metrics.json").items() if name != "usage"}


def made(kind: str, *arguments: object) -> Path:
    """The folder that a command says it has written."""
    ended = judgebench(kind, *arguments)
    (path,) = re.findall(r"^(?:done|incomplete): (.*)$", ended.err, re.MULTILINE)
    return Path(path)


def test_a_run_over_the_bundled_sample():
    """Its rows are named as `--data` takes them."""
    assert judgebench("run").status == 0
    paths = [path.parent for path in Path("runs").rglob("manifest.json")]
    assert len(paths) == 2
    assert all(words[words.index("--data") + 1] == "sample" for words in said_by(*paths))
    given_again(*paths)


def test_a_jury_with_its_name_weights_held_out_share_and_seed():
    """Beside one that has none of these."""
    members = [judge_run(f"offline/{name}", 40) for name in ("longest", "first", "random")]
    weighted = made("jury", *members, "--name", "three", "--weights", "accuracy", "--held-out", "0.25", "--seed", "3")
    given_again(weighted, made("jury", *members))


def test_a_cascade_with_its_threshold_sign_and_name():
    """0.5 is the share of verdicts that differ, by disagreement; the margin of a pair is another sign."""
    rows = pairs(8, ("alpacaeval-easy",))
    turning = lambda key, call: call.order[0] if int(key.id) < 3 else 0  # noqa: E731
    cheap, dear = written_run("cheap", rows, turning, orders="both"), written_run("dear", rows, lambda *_: 0)
    plain = made("cascade", cheap, dear, "--threshold", "0.5")
    by_margin = made("cascade", cheap, dear, "--threshold", "0.75", "--by", "margin", "--name", "two", "--seed", "4")
    given_again(plain, by_margin)


@pytest.mark.parametrize("more", [(), ("--subset", "donotanswer")])
def test_scores_of_which_some_are_missing(more):
    """Refused without --allow-missing; of one subset alone, where that was named."""
    data = write_jsonl(Path("rows.jsonl"), pairs(8))
    scores = write_jsonl(Path("s.jsonl"), [{"id": n, "scores": [1.0, 0.5]} for n in range(6)])
    given_again(made("score", scores, "--benchmark", "rewardbench", "--data", data, "--allow-missing", *more))


def test_scores_of_an_earlier_version_that_did_not_note_it():
    """Some were missing, which only --allow-missing lets pass."""
    manifest = {"benchmark": "rewardbench", "scores": {"name": "rm", "file": "s.jsonl"}, "state": "incomplete"}
    assert (
        command(Manifest.model_validate(manifest))
        == "judgebench score s.jsonl --benchmark rewardbench --name rm --allow-missing"
    )


@pytest.mark.parametrize(
    "two",
    [("-j", "mine", "-j", "other", "-t", "own.jinja"), ("-j", "mine", "-t", "pairwise", "-t", "own.jinja")],
    ids=["judges", "templates"],
)
def test_two_runs_that_stop_when_their_difference_is_shown(two):
    """Each names the other's judge, or template, with the options of the test and the judges' file."""
    Path("own.jinja").write_text(OWN)
    Path("elsewhere").mkdir()
    data = write_jsonl(Path("rows.jsonl"), pairs(64, ("all",)))
    with LoopbackServer(lambda _: "[[A]]") as server:
        judges = write_judges(server.url, Path("elsewhere"), mine={}, other={"params": {"temperature": 1}})
        options = ("--data", data, "--sequential", "--min-effect", "0.2", "--alpha", "0.1", "--providers", judges)
        ended = judgebench("run", "custom", *two, *options)
        assert ended.status == 0, ended.err
        Path("own.jinja").unlink()
        paths = [path.parent for path in Path("runs").rglob("manifest.json")]
        assert len(paths) == 2
        given_again(*paths)


def test_the_judges_file_is_named_only_where_it_makes_the_judge_what_it_is():
    """A baseline is the same without the file that is read; a judge by its id is not, with other defaults."""
    data = write_jsonl(Path("rows.jsonl"), pairs(4))
    Path("providers.yaml").write_text("judges: {mine: {model: openai/any}}\n")
    read = {"judges": ["offline/first", "mine", "openai/gpt-4.1-mini"], "data": str(data)}
    cells = plan("rewardbench", PlanOptions(**read)).cells
    assert [cell.described()["providers"] for cell in cells] == [None, "providers.yaml", None]
    Path("providers.yaml").write_text("defaults: {timeout: 7}\njudges: {mine: {model: openai/any}}\n")
    cells = plan("rewardbench", PlanOptions(**read)).cells
    assert cells[2].described()["providers"] == "providers.yaml"


def test_what_came_from_python_has_no_command():
    """A function, rows and scores in memory: the page says so; of a run that is made of them the command is there."""
    rows = pairs(2)
    judged = jb.run("rewardbench", judge=lambda messages: "[[A]]", data=rows)
    scored = jb.score([{"id": row["id"], "scores": [1, 0]} for row in rows], benchmark="rewardbench", data=rows)
    judge = judged.metrics.judge
    found = [recipe(Finished(run), "title") for run in (judged, scored)]
    assert [each.command for each in found] == ["", ""]
    assert found[0].needed.startswith(
        f"No command makes this run: the function '{judge}' and its rows came from Python."
    )
    assert found[1].needed.startswith("No command makes this run: its rows and its scores came from Python.")
    write_jsonl(Path("rows.jsonl"), rows)
    named = jb.run("rewardbench", judge="offline/first", data="rows.jsonl")
    assert recipe(Finished(named), "title").needed == ""


def test_a_run_of_an_earlier_version_says_that_the_preset_is_needed():
    """Its manifest does not know the file; a judge that is named by its model needs none."""
    preset = {"benchmark": "custom", "judge": {"name": "mine", "model": "openai/any"}}
    assert "the judge 'mine' is defined: its preset is needed" in needed(Manifest(**preset))
    assert needed(Manifest(**preset, providers=None)) == ""
    assert needed(Manifest(judge={"name": "openai/any", "model": "openai/any"})) == ""
    path = written_run("judge", pairs(4), lambda *_: 0)
    manifest = read_json(path / "manifest.json")
    jb.report_page([path], "with.html")
    del manifest["providers"]
    (path / "manifest.json").write_text(json.dumps(manifest))
    jb.report_page([path], "without.html")
    assert ["its preset is needed" in Path(page).read_text() for page in ("with.html", "without.html")] == [False, True]


@pytest.mark.parametrize("options", [(), ("--template", "own.jinja"), ("--aggregate", "unanimous")])
def test_a_run_whose_replies_were_read_again(options):
    """It is made of the run that it was read from, by the template or the join that was given."""
    Path("own.jinja").write_text(OWN)
    first = written_run("judge", pairs(4), lambda *_: 0, orders="both")
    path = made("rescore", first, *options)
    before = figures(path)
    (words,) = said_by(path)
    assert words[:3] == ["judgebench", "rescore", str(first)]
    shutil.copytree(path, "kept")
    Path("own.jinja").unlink()
    assert judgebench(*words[1:]).status == 0
    assert figures(path) == before
    assert read_json(path / "manifest.json")["identity"] == read_json(Path("kept/manifest.json"))["identity"]
