"""Runs, a cache and a bundle that an earlier version made stay readable, resumable and rescorable (`tests/stored`)."""

from __future__ import annotations

import gzip
import hashlib
import json
import shlex
import shutil
import tarfile
from functools import cache
from pathlib import Path
from statistics import correlation
from typing import TYPE_CHECKING, Any

import pytest
import storedjudges
from commands import Ended, judgebench, read_json, read_jsonl
from loopback import LoopbackServer

import judgebench as jb

if TYPE_CHECKING:
    from collections.abc import Sequence

STORED = Path(__file__).parent / "stored"
ARCHIVE = STORED / "0.1.0.tar.gz"
MADE: dict[str, dict[str, Any]] = read_json(STORED / "made.json")
EXPECTED: dict[str, Any] = read_json(STORED / "expected.json")
FIGURES = ("score", "sections", "subsets")

RUNS = [key.removesuffix(" judgements") for key in EXPECTED if key.endswith(" judgements")]
KILLED, CUT_OFF = "runs/rewardbench/killed/plain/one", ("poor", "interrupted", "killed")
HALF = "runs/rewardbench/half-renewed/plain/one"
FINISHED = [run for run in RUNS if run not in {KILLED, HALF}]
SCORES, MADE_OF_RUNS = ("all-scores", "some-scores", "four-scores"), ("jury", "cascade")
JUDGED = [run for run in FINISHED if not run.endswith("/scores") and not {"three", "two-steps"} & {*run.split("/")}]
COMMANDS = [name for name, made in MADE.items() if made["kind"] == "judge" and name != "failures"]
CACHED = [name for name in COMMANDS if "--cache-dir cache" in MADE[name]["command"]]
STEADY = "runs/rewardbench/steady/plain/both"
TIES = 0.3 * 0.5 + 0.3 * 0.5 + 0.2 * 0.5 + 0.2 * 0.5 + 0.01 * 0  # two pairs of prompts: one perfect, one upside down

BY_HAND = {
    # Items 0 to 7, each section has two: 0 and 4, 1 and 5, 2 and 6, 3 and 7.
    STEADY: (1 + 1 / 2 + 1 / 2 + 1) / 4,  # wrong on 2 and 5
    "runs/rewardbench/contrary/plain/both": (1 + 0 + 1 + 0) / 4,  # right on even ones
    "runs/rewardbench/first/plain/both": 1 / 2,  # whatever stands first, in both orders
    "runs/rewardbench/three/plain/both-jury-equal": (1 + 1 / 4 + 3 / 4 + 1 / 2) / 4,  # half where the two disagree
    "runs/rewardbench/two-steps/plain/both-cascade-disagreement-0.5": 3 / 4,  # every item is sent on to the steady one
    "runs/rewardbench/frail/plain/one": ((1 + 1 / 2) / 2 + 1 / 2 + 1 / 2 + 1 / 2) / 4,  # a verdict on 0, then failures
    "runs/rewardbench/all-scores/scores": (0 + 1 + 1 + 1) / 4,  # wrong on 0 and 4
    "runs/rewardbench/some-scores/scores": (0 + 1 + 1 / 2 + 1 / 2) / 4,  # none for 6 and 7
    # Items 0 to 3, one in each section.
    "runs/rewardbench/moody/plain/both-x2": (1 + 1 / 2 + 1 / 2 + 1) / 4,  # one of two wrong on 1 and 2
    "runs/rewardbench/moody/plain/both-x2-agree": (1 + 1 / 2 + 1 / 2 + 1) / 4,
    "runs/rewardbench/moody/plain/both-x2-rescored-plain-majority": (1 + 1 / 2 + 1 / 2 + 1) / 4,
    "runs/rewardbench/moody/plain/one-x5-majority-early": 1.0,  # never wrong more than twice in five times
    "runs/rewardbench/mumbler/plain/one-repair1": (1 + 1 + 1 + 1 / 2) / 4,  # 1 is mended, 3 is not
    "runs/rewardbench/wordy/plain/one": 1.0,  # names both, the right one last
    "runs/rewardbench/wordy/plain/one-rescored-strict": 1 / 2,  # all ambiguous
    "runs/rewardbench/wordy/strict/one": 1 / 2,
    "runs/rewardbench/sure/plain/both-soft": 1.0,
    "runs/rewardbench/sure/plain/both-soft-probability": 1.0,
    "runs/rewardbench/renewed/plain/one": (1 + 1 + 0 + 1) / 4,
    # Factuality 0 to 2, Math 0, and Ties; the steady judge is wrong on 2.
    "runs/rewardbench-2/steady/choose/one": (2 / 3 + 1 + TIES) / 3,
    "runs/rewardbench-2/steady/four-way/one": (2 / 3 + 1 + TIES) / 3,
    "runs/rewardbench-2/steady/rate/ratings": (2 / 3 + 1 + TIES) / 3,
    "runs/custom/steady/plain/one": 2 / 3,
    "runs/custom/right/plain/one-until-shown-wrong": 1.0,
    "runs/custom/wrong/plain/one-until-shown-right": 0.0,
    "runs/feedback-bench/steady/grade/ratings": correlation([9, 2, 4, 2, 9, 6], [5, 2, 5, 1, 5, 1]),
}


ENDS = ("score", "n", "low", "high")
OTHER_ENDS = {
    "runs/rewardbench/frail/plain/one",
    "runs/rm-bench/offline--longest/pairwise/one",
    "runs/feedback-bench/steady/grade/ratings",
}
"""By now what stands in for a failure has the variance of a coin, a mean over several subsets Wilson's interval over
all its items, and Pearson's r the jackknife's, and so these have other intervals."""


WITHOUT_VERDICT = {"runs/rewardbench/wordy/plain/one-rescored-strict", "runs/rewardbench/wordy/strict/one"}
"""By now a run without any verdict has no score."""
NOTHING: dict[str, Any] = {"score": None, "sections": {}, "subsets": {}}


def unpack(folder: Path) -> None:
    """The stored files, in a folder."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stored files, only to be read."""
    folder = tmp_path_factory.mktemp("kept")
    unpack(folder)
    return folder


@pytest.fixture
def stored(kept: Path) -> Path:
    """Rows, templates, judges, cache and bundle in the current folder, as a user has them beside the runs."""
    shutil.copytree(kept, ".", ignore=lambda folder, names: ["runs"], dirs_exist_ok=True)
    return kept


def take(stored: Path, *names: str) -> list[str]:
    """Puts the runs of these commands, or of these folders, beside it, to be gone on with."""
    runs = [run for name in names for run in (MADE[name]["runs"] if name in MADE else [name])]
    for run in runs:
        shutil.copytree(stored / run, run)
    return runs


def verdicts(run: jb.Run) -> dict[str, str | float]:
    """What each reply that counts says: a verdict, or a failure's kind behind a mark."""
    told: dict[str, str | float] = {}
    for each in run.judgements:
        place = json.dumps([each.item, each.order, each.sample], ensure_ascii=False)
        told[place] = f"!{each.failure.kind}" if each.failure is not None else each.verdict
    return told


def figures(metrics: Any, fields: Sequence[str] = ENDS) -> dict[str, Any]:
    """Score, sections and subsets of a run's metrics, or of their JSON."""
    told = metrics.to_json() if hasattr(metrics, "to_json") else metrics

    def alike(scores: dict[str, Any]) -> dict[str, Any]:
        return {name: pytest.approx([each[field] for field in fields], nan_ok=True) for name, each in scores.items()}

    return {"score": pytest.approx(told["score"])} | {name: alike(told[name]) for name in ("sections", "subsets")}


def known(run: str, fields: Sequence[str] = ENDS) -> dict[str, Any]:
    """The figures that were written down for a run."""
    lists = {
        name: {part: [each[field] for field in fields] for part, each in EXPECTED[f"{run} {name}"].items()}
        for name in ("sections", "subsets")
    }
    return {"score": EXPECTED[f"{run} score"], **lists}


@cache
def stored_metrics() -> dict[str, bytes]:
    """The metrics.json that was stored for each run."""
    with tarfile.open(ARCHIVE) as archive:
        paths = [path for path in archive.getmembers() if path.name.endswith("/metrics.json")]
        files = [(path.name, archive.extractfile(path)) for path in paths]
        return {name.removesuffix("/metrics.json"): file.read() for name, file in files if file is not None}


def check(folder: Path, run: str) -> None:
    """A folder holds what was written down for a run."""
    loaded = jb.Run.load(folder)
    assert verdicts(loaded) == EXPECTED[f"{run} judgements"]
    assert {each.item.id: each.credit for each in loaded.outcomes} == pytest.approx(EXPECTED[f"{run} credits"])
    others = run in OTHER_ENDS | WITHOUT_VERDICT
    again_made = others and (folder / "metrics.json").read_bytes() != stored_metrics()[run]
    fields = ENDS[:2] if again_made else ENDS
    expected = NOTHING if again_made and run in WITHOUT_VERDICT else known(run, fields)
    assert figures(loaded.metrics, fields) == expected


def again(name: str, *more: str, without: str = "--budget 0.0078") -> Ended:
    """The command that made a stored run, as it was given."""
    return judgebench(*shlex.split(MADE[name]["command"].replace(without, "")), *more)


def at_server(url: str) -> None:
    """Has the judges at a server of another address than the one that was asked."""
    path = Path("providers.yaml")
    path.write_text(path.read_text(encoding="utf-8").replace("http://127.0.0.1:9/v1", url), encoding="utf-8")


def digest(folder: Path) -> dict[str, str]:
    """A hash of every file below a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.mark.parametrize("run", BY_HAND)
def test_what_was_written_down_is_what_the_judges_said(run: str) -> None:
    """The scores that were taken from the files are those worked out by hand from what each judge is right on."""
    assert EXPECTED[f"{run} score"] == pytest.approx(BY_HAND[run])


@pytest.mark.parametrize("run", FINISHED)
def test_a_run_reads_back_equal(kept: Path, run: str) -> None:
    """Verdicts, credits and figures are those that were written down when the run was made."""
    check(kept / run, run)


@pytest.mark.parametrize("run", [KILLED, HALF])
def test_the_judgements_of_a_run_that_was_cut_off_read_back_equal(kept: Path, run: str) -> None:
    """The lines that are whole are there, also where no figures were ever written."""
    assert verdicts(jb.Run.load(kept / run)) == EXPECTED[f"{run} judgements"]


def test_the_commands_that_read_runs_take_them_and_change_nothing(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Report, compare, leaderboard, show and export go through every finished run."""
    monkeypatch.chdir(kept)
    before = digest(kept)
    out = kept.parent / f"{kept.name}-out"
    item = next(iter(EXPECTED[f"{STEADY} credits"]))
    several = [run for run in FINISHED if "/rewardbench/" in run]
    judges = [f"runs/rewardbench/{judge}/plain/both" for judge in ("steady", "contrary", "first")]
    given = [
        ("report", *FINISHED),
        ("compare", *judges, "runs/rewardbench/all-scores/scores", "--json"),
        ("leaderboard", "runs", "--json"),
        ("show", STEADY, item, "--messages"),
        ("export", *several, "--to", "dataset", "--out", out / "dataset"),
        ("export", *several, "--to", "every-eval-ever", "--out", out / "records", "--organization", "ours"),
        *(("show", run) for run in FINISHED),
    ]
    for command in given:
        ended = judgebench(*command)
        assert ended.status == 0, (command, ended.err)
    assert digest(kept) == before


def test_the_leaderboard_has_every_finished_run_with_its_score(kept: Path) -> None:
    """Each stored run, controls aside, stands there once, with the score that was written down."""
    boards = json.loads(judgebench("leaderboard", kept / "runs", "--json").out)
    scores = sorted(place["score"] for board in boards for place in board["places"])
    read = [run for run in FINISHED if not run.endswith(("-blind", "-planted-verdict"))]
    assert scores == pytest.approx(sorted(EXPECTED[f"{run} score"] for run in read))


def test_a_refresh_that_was_cut_off_is_no_run_to_report(kept: Path) -> None:
    """Old and new replies stand in its folder, so that the commands say what mends it."""
    ended = judgebench("report", kept / HALF)
    assert (ended.status, "--refresh" in ended.err) == (2, True)


@pytest.mark.parametrize("run", JUDGED)
def test_rescoring_gives_the_same(stored: Path, run: str) -> None:
    """The stored replies, read again by the run's own rule, give the same verdicts, credits and figures."""
    take(stored, run)
    path = jb.rescore(run).path
    assert path is not None
    check(path, run)


@pytest.mark.parametrize("run", [run for run in JUDGED if "until-shown" not in run])
def test_figures_come_from_the_judgements_alone(stored: Path, run: str) -> None:
    """Without `metrics.json` and `outcomes.jsonl`, rescoring makes the same ones."""
    take(stored, run)
    for name in ("metrics.json", "outcomes.jsonl"):
        (Path(run) / name).unlink()
    path = jb.rescore(run).path
    assert path is not None
    check(path, run)


def test_rescoring_reads_a_killed_run(stored: Path) -> None:
    """The whole lines count, and the torn one is passed over."""
    take(stored, KILLED)
    path = jb.rescore(KILLED).path
    assert path is not None
    assert verdicts(jb.Run.load(path)) == EXPECTED[f"{KILLED} judgements"]
    assert jb.Run.load(path).metrics.score == pytest.approx((1 + 1 + 0) / 3)  # items 0, 1 and 2


@pytest.mark.parametrize("name", ["rescored", "rescored by majority"])
def test_rescoring_by_another_rule_gives_the_same(stored: Path, name: str) -> None:
    """The command that made the rescored run makes an equal one."""
    (run,) = MADE[name]["runs"]
    take(stored, "last mark", "samples")
    check(Path(json.loads(again(name).out)["path"]), run)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_finished_run_needs_no_call(stored: Path, name: str) -> None:
    """The same command finds the folder done, keeps every line of judgements, and prints the same figures."""
    runs = take(stored, name)
    before = {run: (Path(run) / "judgements.jsonl").read_bytes() for run in runs}
    ended = again(name, "--offline")
    assert ended.status in {0, MADE[name]["status"]}, ended.err
    assert {str(path.parent) for path in Path("runs").rglob("manifest.json")} == {*runs}
    for run in runs:
        assert (Path(run) / "judgements.jsonl").read_bytes() == before[run]
        fields = ENDS[:2] if run in OTHER_ENDS else ENDS
        printed = [figures(metrics, fields) for metrics in ended.metrics]
        assert (NOTHING if run in WITHOUT_VERDICT else known(run, fields)) in printed
        check(Path(run), run)


def test_the_printed_figures_stay_the_same(tmp_path: Path) -> None:
    """What `--json` printed then is what it prints now, of a run among all others."""
    unpack(tmp_path)
    printed = again("both orders", "--offline").metrics
    assert [figures(each) for each in printed] == [
        {"score": then["score"]}
        | {
            name: {part: [each[bound] for bound in ("score", "n", "low", "high")] for part, each in then[name].items()}
            for name in ("sections", "subsets")
        }
        for then in read_json(Path("figures.json"))
    ]


@pytest.mark.parametrize("name", COMMANDS)
def test_lost_figures_come_back_by_the_same_command(stored: Path, name: str) -> None:
    """Without `metrics.json` and `outcomes.jsonl` the command makes them from the folder's judgements."""
    runs = take(stored, name)
    for run in runs:
        (Path(run) / "metrics.json").unlink()
        (Path(run) / "outcomes.jsonl").unlink()
    again(name, "--offline")
    for run in runs:
        check(Path(run), run)


def test_only_what_said_nothing_is_asked_about_again(stored: Path) -> None:
    """Of a run with failures of every kind, the outage and the empty reply are asked again, and no other."""
    (run,) = take(stored, "failures")
    with LoopbackServer(storedjudges.answer) as server:
        at_server(server.url)
        again("failures")
        assert {storedjudges.number_of(request) for request in server.requests} == {6, 7}
    check(Path(run), run)


@pytest.mark.parametrize("name", CUT_OFF)
def test_a_run_that_was_cut_off_goes_on(stored: Path, name: str) -> None:
    """Stopped by the budget, interrupted or killed: what is in the folder stays, and only the rest is asked."""
    (run,) = take(stored, name)
    lines = (Path(run) / "judgements.jsonl").read_bytes()
    whole = lines[: lines.rfind(b"\n") + 1]
    with LoopbackServer(storedjudges.answer) as server:
        at_server(server.url)
        ended = again(name)
        asked = {storedjudges.number_of(request) for request in server.requests}
        assert server.count == len(asked) == 8 - whole.count(b"\n")
    after = (Path(run) / "judgements.jsonl").read_bytes()
    loaded = jb.Run.load(run)
    assert ended.status == 0, ended.err
    assert after.startswith(whole)
    assert len(verdicts(loaded)) == 8
    assert after.count(b"\n") == 8
    assert {each.item.id: each.credit for each in loaded.outcomes} == EXPECTED[f"{STEADY} credits"]
    assert loaded.metrics.score == pytest.approx(BY_HAND[STEADY])


def test_a_refresh_that_was_cut_off_goes_on(stored: Path) -> None:
    """Only what was not yet refreshed is asked, and the lines of before are set apart at the end."""
    take(stored, HALF)
    judgements = Path(HALF) / "judgements.jsonl"
    lines = judgements.read_text(encoding="utf-8").splitlines()
    with LoopbackServer(storedjudges.answer) as server:
        at_server(server.url)
        refused = again("half-renewed")
        ended = again("refresh cut off")
        assert server.count == 16 - len(lines)
    assert (refused.status, "--refresh" in refused.err) == (2, True)
    assert ended.status == 0, ended.err
    assert read_jsonl(Path(HALF) / "judgements-replaced.jsonl") == [json.loads(line) for line in lines[:8]]
    assert judgements.read_text(encoding="utf-8").splitlines()[: len(lines) - 8] == lines[8:]
    assert jb.Run.load(HALF).metrics.score == pytest.approx(BY_HAND[STEADY])


def test_a_refreshed_run_needs_no_call(stored: Path) -> None:
    """The command without --refresh finds the run done, with the replies of the refresh."""
    (run,) = take(stored, "refreshed")
    ended = again("refreshed", "--offline")
    assert ended.status == 0, ended.err
    check(Path(run), run)
    assert all(each.reply.endswith("Still.") for each in jb.Run.load(run).judgements)
    assert all(not each["reply"].endswith("Still.") for each in read_jsonl(Path(run) / "judgements-replaced.jsonl"))


@pytest.mark.parametrize("name", ["both orders", "best of k", "repair", "soft"])
def test_a_cut_line_comes_back_from_the_cache(stored: Path, name: str) -> None:
    """A last line that is torn is cut off and taken from the stored cache: everything is as it was."""
    run = take(stored, name)[0]
    path = Path(run) / "judgements.jsonl"
    path.write_bytes(path.read_bytes()[:-30])
    again(name, "--offline")
    check(Path(run), run)


def test_a_cut_line_is_counted_out_until_then(stored: Path) -> None:
    """Until it is back, the leaderboard counts what is there, as rescoring does."""
    take(stored, STEADY)
    path = Path(STEADY) / "judgements.jsonl"
    path.write_bytes(path.read_bytes()[:-30])
    rescored = jb.rescore(STEADY, dry_run=True).metrics.score
    boards = json.loads(judgebench("leaderboard", Path(STEADY).parent.parent, "--json").out)
    ((score,),) = [[place["score"] for place in board["places"]] for board in boards]
    assert rescored != pytest.approx(BY_HAND[STEADY])
    assert score == pytest.approx(rescored)


@pytest.mark.parametrize("name", CACHED)
def test_the_cache_has_every_reply(stored: Path, name: str) -> None:
    """Into an empty folder, and without any call, the command makes equal runs from the stored cache."""
    ended = again(name, "--offline", "--out", "again")
    assert ended.status in {0, MADE[name]["status"]}, ended.err
    for run in MADE[name]["runs"]:
        check(Path(run.replace("runs", "again", 1)), run)


def test_the_bundle_goes_into_an_empty_cache(stored: Path) -> None:
    """From the stored bundle alone its runs are made again, without any call."""
    imported = jb.import_replies("replies.jsonl.gz", cache_dir="empty")
    for name in ("both orders", "samples"):
        command = shlex.split(MADE[name]["command"].replace("--cache-dir cache", "--cache-dir empty"))
        left_out = command.index("contrary") if "contrary" in command else None
        if left_out is not None:
            del command[left_out - 1 : left_out + 1]
        ended = judgebench(*command, "--offline", "--out", "again")
        assert ended.status == 0, ended.err
        for run in MADE[name]["runs"]:
            if "contrary" not in run:
                check(Path(run.replace("runs", "again", 1)), run)
    assert (imported.new, imported.same, imported.different) == (16 + 16 + 16, 0, 0)


def test_the_bundle_and_the_cache_have_the_same_replies(stored: Path) -> None:
    """What the bundle brings is in the cache already; a bundle made now has the same replies."""
    take(stored, "both orders", "samples")
    imported = jb.import_replies("replies.jsonl.gz", cache_dir="cache")
    command = shlex.split(MADE["bundle"]["command"].replace("replies.jsonl.gz", "now.jsonl.gz"))
    ended = judgebench(*command)
    files = (gzip.decompress(Path(name).read_bytes()) for name in ("replies.jsonl.gz", "now.jsonl.gz"))
    then, now = ([json.loads(line) for line in file.splitlines()[1:-1]] for file in files)
    assert ended.status == 0, ended.err
    assert (imported.same, imported.new, imported.different) == (48, 0, 0)
    assert [(line["key"], line["reply"]["text"]) for line in now] == [
        (line["key"], line["reply"]["text"]) for line in then
    ]


@pytest.mark.parametrize("name", [*SCORES, *MADE_OF_RUNS])
def test_scores_juries_and_cascades_are_made_again_equal(stored: Path, name: str) -> None:
    """From the stored files, into an empty folder."""
    (run,) = MADE[name]["runs"]
    take(stored, "both orders")
    ended = again(name, "--out", "again")
    (path,) = Path("again").rglob("manifest.json")
    assert ended.status in {0, MADE[name]["status"]}, ended.err
    check(path.parent, run)


def test_the_cache_tells_what_it_holds(stored: Path) -> None:
    """As many replies as there are different keys of it in the runs, and none that cannot be read."""
    keys = {
        line["key"]
        for name in [*CACHED, "failures"]
        for run in MADE[name]["runs"]
        for line in read_jsonl(stored / run / "judgements.jsonl")
        if line.get("failure", {}).get("kind") != "provider"
    }
    assert jb.cache_info("cache").replies == len(keys)
