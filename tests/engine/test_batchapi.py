"""`judgebench batch status|fetch|cancel`: the batches of a run from its folder alone, on this machine or another."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from commands import (
    best_of_four,
    by_quality,
    judgebench,
    pairs,
    read_json,
    read_jsonl,
    ties,
    write_jsonl,
    write_judges,
)
from scripted import ScriptedModels
from virtualtime import in_no_time

import judgebench as jb
from judgebench.errors import TransientError

ROWS = 20
FOLDER = Path("runs/rewardbench/mine/pairwise/one")
ASK = ("run", "rewardbench", "--data", "rows.jsonl", "-j", "mine", "--batch")


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def models(monkeypatch):
    """Models behind `mine`, and a run of three batches whose process was killed once the first had been taken."""
    monkeypatch.setattr("judgebench.engine.batchservice.FIRST_POLL_S", 0.001)
    write_jsonl(Path("rows.jsonl"), pairs(ROWS))
    with ScriptedModels(by_quality) as running:
        write_judges(running.url)
        desk = running.desk
        desk.most_requests, desk.checks = 8, 1
        desk.ends = lambda kept: "completed" if kept.number == 1 else "in_progress"
        desk.at = lambda step: die() if step == "check" and sum(b.checks for b in desk.batches.values()) > 6 else None
        with pytest.raises(Killed):
            judgebench(*ASK)
        desk.at = lambda _: None
        yield running


def die():
    raise Killed


def status(where="runs"):
    return [
        (each["batch"], each["state"], each["done"])
        for each in json.loads(judgebench("batch", "status", where, "--json").out)
    ]


def scores(folder):
    return {name: value for name, value in read_json(folder / "metrics.json").items() if name != "usage"}


def test_status_asks_the_provider_and_writes_nothing(models):
    """Each batch with its state and counts, in a table or as JSON."""
    before = (FOLDER / "batches.jsonl").read_bytes()
    assert status() == [("b1", "taken", 8), ("b2", "in_progress", 0), ("b3", "in_progress", 0)]
    table = judgebench("batch", "status", FOLDER)
    assert [line.split()[:4] for line in table.out.splitlines() if " b" in line][1:] == [
        ["mine", "b1", "taken", "8"],
        ["mine", "b2", "in", "progress"],
        ["mine", "b3", "in", "progress"],
    ]
    assert (FOLDER / "batches.jsonl").read_bytes() == before


def test_fetch_takes_what_is_there_and_sends_nothing(models):
    """What has not ended stays where it is, and the output says how to get it."""
    models.desk.ends = lambda kept: "completed" if kept.number == 2 else "in_progress"
    ended = judgebench("batch", "fetch", "runs")
    assert ended.status == 0
    assert f"interrupted: {FOLDER} (4 calls have no reply yet)" in ended.err
    assert (
        "1 batch (4 requests) still with the provider: rerun run --batch to resume, or judgebench batch " in ended.err
    )
    assert read_json(FOLDER / "metrics.json")["judgements"] == ROWS
    assert len(read_jsonl(FOLDER / "judgements.jsonl")) == 16
    assert len(models.desk.batches) == 3


def test_fetch_on_another_machine_is_the_run(models):
    """With the run's folder alone, under any name: the metrics are those of the command that goes on here."""
    models.desk.ends = lambda _: "completed"
    shutil.copytree("runs", "here")
    there = Path("elsewhere/copied")
    shutil.copytree(FOLDER, there)
    rows = Path("rows.jsonl").rename("gone")
    assert judgebench("batch", "fetch", there, "--cache-dir", "theirs").status == 0
    gone = rows.rename("rows.jsonl")
    assert judgebench(*ASK, "--out", "here").status == 0
    assert gone.exists()
    assert scores(there) == scores(Path("here") / FOLDER.relative_to("runs"))
    assert read_json(there / "manifest.json")["identity"] == read_json(FOLDER / "manifest.json")["identity"]
    assert len(models.desk.submitted) == len(set(models.desk.submitted)) == ROWS


def test_cancel_takes_what_was_done_and_the_run_can_go_on(models):
    """Half of each batch was done; the same command sends the rest."""
    ended = judgebench("batch", "cancel", "runs")
    assert ended.status == 0
    assert "rerun the run's command with --batch to send the rest" in ended.err
    assert status() == [("b1", "taken", 8), ("b2", "taken", 4), ("b3", "taken", 2)]
    models.desk.ends = lambda _: "completed"
    assert judgebench(*ASK).status == 0
    assert len(models.desk.batches["b4"].keys) == 6
    assert judgebench("batch", "cancel", "runs").err == "runs: every batch is taken\n"


def test_a_batch_that_ends_while_it_is_cancelled_is_taken(models):
    """The provider refuses to cancel it then; it is looked at again, and nothing fails."""

    def at(step):
        if step == "cancel":
            models.desk.ends = lambda _: "completed"
            raise TransientError("conflict: the batch has ended")

    models.desk.at = at
    assert in_no_time(jb.abatch_cancel("runs"))[0][0].metrics.coverage == 1


def test_another_run_has_the_folder(models):
    """Fetch does not write beside a command that waits for the same batches."""
    from judgebench.runs import RunWriter

    writer = RunWriter(FOLDER)
    writer.hold()
    ended = judgebench("batch", "fetch", "runs")
    writer.close()
    assert ended.status == 2
    assert "another run is writing to it; wait for it" in ended.err


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (("items.jsonl.gz", b"no"), "items.jsonl.gz"),
        (("batches.jsonl", b"{}\n"), "batches.jsonl line 1: not a batch record; restore it"),
        (("batches.jsonl", None), "no run here has batches; add --batch to its command"),
        (("template.jinja", None), "template.jinja: file not found"),
    ],
)
def test_a_damaged_folder_is_one_line(models, damage, said):
    """What is wrong, where, and the fix."""
    name, data = damage
    (FOLDER / name).unlink()
    if data is not None:
        (FOLDER / name).write_bytes(data)
    ended = judgebench("batch", "fetch", "runs")
    assert ended.status == 2
    assert said in ended.err
    assert ended.err.count("\n") == 1


def test_a_torn_last_line_is_none(models):
    """A crash in the middle of writing an event loses the event and no more."""
    path = FOLDER / "batches.jsonl"
    path.write_bytes(path.read_bytes() + b'{"event": "taken", "ta')
    models.desk.ends = lambda _: "completed"
    assert judgebench("batch", "fetch", "runs").status == 0
    assert scores(FOLDER)["coverage"] == 1
    assert [line["event"] for line in read_jsonl(path)].count("taken") == 3


KINDS = {
    "ties": ("rewardbench-2", [*best_of_four(4), *ties(0), *ties(1)], []),
    "labels": (
        "custom",
        [{"id": n, "prompt": f"Q{n}?", "response": f"R{n}", "label": "fail" if n % 3 else "pass"} for n in range(9)],
        ["-t", "pass-fail"],
    ),
    "attack": ("rewardbench", pairs(6), ["--attack", "padding", "--orders", "both"]),
    "knockout": ("rewardbench-2", best_of_four(5), ["--pairs", "knockout"]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_folder_alone_gives_is_what_its_command_gives(kind, monkeypatch):
    """Whatever is judged, and however: fetch makes the same metrics, and takes the run for the same."""
    monkeypatch.setattr("judgebench.engine.batchservice.FIRST_POLL_S", 0.001)
    benchmark, rows, more = KINDS[kind]
    write_jsonl(Path("kind.jsonl"), rows)
    with ScriptedModels(answer) as running:
        write_judges(running.url)
        asked = ["run", benchmark, "--data", "kind.jsonl", "-j", "mine", *more, "--batch"]
        running.desk.checks = 1
        running.desk.at = lambda step: die() if step == "check" else None
        with pytest.raises(Killed):
            judgebench(*asked)
        running.desk.at = lambda _: None
        shutil.copytree("runs", "here")
        assert judgebench("batch", "fetch", "runs", "--cache-dir", "theirs").status == 0
        for out, cache in (("runs", "theirs"), ("here", "ours")):
            assert judgebench(*asked, "--out", out, "--cache-dir", cache).status == 0
    folders = sorted(path.parent.relative_to("here") for path in Path("here").rglob("metrics.json"))
    assert folders
    for folder in folders:
        assert scores(Path("runs") / folder) == scores(Path("here") / folder)


def answer(request):
    """That of a judge which is mostly right, in the form that is asked for."""
    if "<answer_" in request.text:
        return by_quality(request)
    return "Verdict: PASS" if len(request.text) % 2 else "Verdict: FAIL"
