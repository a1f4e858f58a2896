"""`judgebench report`: the tables of one or several runs."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from commands import judgebench, pairs, write_jsonl
from finishedruns import judge_run, score_run

import judgebench as jb


def test_one_run_in_full():
    """Scores, biases with q and what could have been seen, votes as probabilities, cost and latency."""
    ended = judgebench("report", judge_run("offline/first", 12, "--orders", "both"))
    assert ended.status == 0, ended.err
    words = " ".join(ended.out.split())
    for said in (
        "position consistency",
        "position bias",
        "Benjamini-Hochberg",
        "Brier score",
        "no ECE",
        "per item",
        "latency:",
    ):
        assert said in words


def test_a_judge_that_takes_the_first_has_that_bias():
    """Share 1 against one half, q below 0.05; corrected over all biases of the report."""
    (detail,) = jb.report([judge_run("offline/first", 12, "--orders", "both")]).details
    biases = {bias.behaviour.name: bias for bias in detail.biases}
    first = biases["position bias (first slot)"]
    assert first.behaviour.estimate.estimate == 1.0
    assert first.behaviour.estimate.p <= first.q <= 0.05
    assert (detail.votes["n"], detail.votes["ece"]) == (12, None)


def test_ratings_and_scores_say_what_being_sure_is_worth():
    """A score file's run has a risk-coverage line and what goes with length, and no cost or latency."""
    (detail,) = jb.report([score_run("rm", [1, 1, 0, 0])]).details
    assert [bias.behaviour.name for bias in detail.biases] == ["length association (log-odds)"]
    assert (detail.bill, detail.sureness.n) == (None, 4)
    assert dict(detail.sureness.accuracy)[1.0] == 0.5


def test_several_runs_stand_side_by_side_first():
    """A table with letters and the front of cost and score, then each run."""
    ended = judgebench("report", judge_run("offline/first"), judge_run("offline/longest"), score_run("rm", [1] * 8))
    assert ended.status == 0, ended.err
    assert "RewardBench · 3 runs" in ended.out
    assert ended.out.count("95% CI") > 3


def test_csv_and_markdown():
    """Every score is a line of the CSV; the Markdown has a row a run."""
    run = judge_run("offline/longest", 8, subsets=("alpacaeval-easy", "donotanswer"))
    ended = judgebench("report", run, "--csv", "scores.csv", "--markdown", "scores.md")
    assert ended.status == 0, ended.err
    rows = list(csv.DictReader(Path("scores.csv").read_text().splitlines()))
    levels = [(row["level"], row["name"]) for row in rows]
    assert levels[0] == ("score", "")
    assert {("section", "Chat"), ("section", "Safety"), ("subset", "donotanswer")} <= set(levels)
    assert float(rows[0]["score"]) == jb.Run.load(run).metrics.score
    assert "offline/longest" in Path("scores.md").read_text()


@pytest.mark.parametrize("columns", [80, 200])
def test_the_tables_fit_the_terminal(columns, monkeypatch):
    """No line is wider than the terminal."""
    monkeypatch.setenv("COLUMNS", str(columns))
    ended = judgebench("report", judge_run("offline/first", 12, "--orders", "both"), score_run("rm", [1] * 8))
    assert max(map(len, ended.out.splitlines())) <= columns


def test_the_same_run_twice_is_shown_once():
    """A glob and a name may overlap."""
    run = judge_run("offline/first")
    assert len(jb.report([run, run]).details) == 1


def test_an_empty_run_is_refused():
    """No judgements: exit 2, one line."""
    run = judge_run("offline/first")
    (run / "judgements.jsonl").write_text("")
    ended = judgebench("report", run)
    assert ended.status == 2
    assert "empty run" in ended.err


def family_run(model, *options, answers=("gpt-4o", "claude-3-opus"), **row):
    """A run over pairs with models, as if a judge of that model had made it."""
    rows = [each | dict(zip(("chosen_model", "rejected_model"), answers, strict=True)) | row for each in pairs(8)]
    data = write_jsonl(Path("models.jsonl"), rows)
    judged = judgebench("run", "rewardbench", "-j", "offline/first", "--data", data, "--orders", "both", *options)
    assert judged.status == 0, judged.err
    run = Path("runs/rewardbench/offline--first/pairwise/both")
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["judge"] |= {"model": model}
    (run / "manifest.json").write_text(json.dumps(manifest))
    return run


def test_preference_for_its_own_family_where_models_are_known(monkeypatch):
    """A judge that takes the first in both orders has none, and eight pairs could show but an association."""
    monkeypatch.setenv("COLUMNS", "100")
    run = family_run("openai/gpt-4.1")
    (detail,) = jb.report([run]).details
    biases = {bias.behaviour.name: bias for bias in detail.biases}
    own = biases["self-preference association (log-odds)"]
    assert (detail.family, own.behaviour.estimate.estimate, own.q) == ("openai", pytest.approx(0, abs=1e-9), None)
    assert biases["position consistency"].q is None
    assert "judge's family (openai)" in " ".join(judgebench("report", run).out.split())


@pytest.mark.parametrize(
    ("model", "more"),
    [("mistral/mistral-small", {}), ("acme/own", {}), ("openai/gpt-4.1", {"answers": ("unknown", "unknown")})],
)
def test_no_family_is_no_row(model, more):
    """Where the judge's family wrote none of the answers, or is not known."""
    (detail,) = jb.report([family_run(model, **more)]).details
    assert not any("self-preference" in bias.behaviour.name for bias in detail.biases)


def test_families_of_ones_own_are_kept_with_the_run():
    """The run's folder is enough: what --providers said of families counts in the report, which does not see it."""
    own = Path("own.yaml")
    own.write_text("families: {ours: ['acme-*', house-*]}")
    run = family_run("hosted_vllm/acme-7b", "--providers", own, answers=("house-model", "claude-3-opus"))
    own.unlink()
    (detail,) = jb.report([run]).details
    assert detail.family == "ours"
    assert any("self-preference" in bias.behaviour.name for bias in detail.biases)


def test_a_run_that_kept_no_families_has_those_of_today():
    """Runs of earlier versions are read with the families that ship."""
    run = family_run("openai/gpt-4.1")
    manifest = json.loads((run / "manifest.json").read_text())
    del manifest["families"]
    (run / "manifest.json").write_text(json.dumps(manifest))
    (detail,) = jb.report([run]).details
    assert detail.family == "openai"


@pytest.mark.parametrize("form", ["html", "csv", "parquet", "markdown", "latex"])
@pytest.mark.parametrize("command", ["leaderboard", "report"])
def test_a_file_that_is_read_is_not_written_over(command: str, form: str) -> None:
    """Whatever form is named, the judgements stay as they are."""
    Path("all.parquet").write_bytes(b"PAR1 judgements PAR1")
    ended = judgebench(command, "all.parquet", f"--{form}", "./all.parquet")
    assert (ended.status, ended.err) == (
        2,
        f"judgebench: --{form} ./all.parquet: is a file that is read, and would be lost; name another\n",
    )
    assert Path("all.parquet").read_bytes() == b"PAR1 judgements PAR1"
