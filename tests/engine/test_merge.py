"""A run in parts (`--shard I/N`) on machines that share nothing, merged into one equal to the run in one piece."""

from __future__ import annotations

import json
import shutil
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from commands import GOOD, best_of_four, by_quality, judgebench, pairs, read_json, ties, write_jsonl, write_judges
from scripted import ScriptedModels

import judgebench as jb
from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.sampling import Shard, shard_of
from judgebench.runs import find_runs, read_judgements

N = 3


def replies(request: Any) -> str:
    """Mostly right, at times wrong, and now and then with nothing to parse, by the text alone."""
    drawn = sum(map(ord, request.text)) % 7
    if "alpha" in request.text:
        return "PASS. Verdict: PASS"
    if drawn == 0:
        return "I cannot say."
    said = by_quality(request)
    return said if drawn < 5 else said.replace("[[A]]", "[[.]]").replace("[[B]]", "[[A]]").replace("[[.]]", "[[B]]")


def in_parts(benchmark: str, out: str = "parts", of: int = N, **options: Any) -> None:
    """Each part with a folder and a cache of its own, as on machines that share nothing."""
    for number in range(1, of + 1):
        own = {"out": f"{out}/{number}", "cache_dir": f"{out}-cache/{number}"}
        jb.grid(benchmark, shard=f"{number}/{of}", **options, **own)


def timeless(folder: Path) -> dict[str, Any]:
    """All that a run's folder has, but for times and the parts that it was merged from."""
    manifest = read_json(folder / "manifest.json")
    lines = [json.loads(line) for line in (folder / "judgements.jsonl").read_text().splitlines()]
    return {
        "files": sorted(str(path.relative_to(folder)) for path in folder.rglob("*")),
        "manifest": {name: each for name, each in manifest.items() if name not in {"started", "ended", "parts"}},
        "metrics": read_json(folder / "metrics.json"),
        "outcomes": (folder / "outcomes.jsonl").read_text(),
        "items": [item.id for item in jb.Run.load(folder).items],
        "judgements": sorted(json.dumps(line | {"latency_s": None}, sort_keys=True) for line in lines),
    }


def runs_below(out: str) -> dict[str, dict[str, Any]]:
    return {str(folder.relative_to(out)): timeless(folder) for folder in find_runs(Path(out))}


OWN = [
    {"id": f"row {n}", "prompt": f"Question {n // 2}?", "a": f"{GOOD} {n}.", "b": f"A bad answer {n}.", "label": said}
    for n, said in enumerate(["A", "B", "tie", None, "A", "B", "A"])
]  # fmt: skip

KINDS: dict[str, tuple[str, list[dict[str, Any]], dict[str, Any]]] = {
    "both orders, repaired, a sample": (
        "rewardbench",
        pairs(9),
        {"orders": "both", "repair": 1, "limit": 7, "seed": 3},
    ),
    "votes that stop early": (
        "rewardbench",
        pairs(5),
        {"samples": 3, "aggregate": "majority", "early_stop": True},
    ),
    "a control and an attack": ("rewardbench", pairs(5), {"controls": ["blind"], "attacks": ["padding"]}),
    "Ties, judged by a companion, and a grid": (
        "rewardbench-2",
        [*best_of_four(4), *chain.from_iterable(map(ties, range(3)))],
        {"judges": ["mine", "offline/longest"]},
    ),
    "a knockout of pairs": ("rewardbench-2", best_of_four(4), {"pairs": "knockout"}),
    "own rows in groups, some without a label, one left out": (
        "custom",
        [*OWN, {"id": "bad", "prompt": "?", "a": "one", "b": None}],
        {"templates": ["pairwise-ties"], "columns": {"answer_a": "a", "answer_b": "b"}, "bad_rows": "skip"},
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_merged_run_equals_the_run_in_one_piece(kind: str) -> None:
    """Whatever the protocol: the same files, lines, outcomes, figures and manifest, but for times."""
    benchmark, rows, options = KINDS[kind]
    with ScriptedModels(replies) as models:
        write_judges(models.url)
        options = {"judges": ["mine"], "data": str(write_jsonl(Path("rows.jsonl"), rows))} | options
        jb.grid(benchmark, out="whole", cache_dir="whole-cache", **options)
        asked = models.count
        in_parts(benchmark, **options)
        assert models.count == 2 * asked
        merged = jb.merge([f"parts/{number}" for number in range(1, N + 1)], out="merged")
    whole = runs_below("whole")
    assert len(merged) == len(whole)
    assert runs_below("merged") == whole


def test_an_equal_run_finds_the_whole_merged_run() -> None:
    """No call is made and nothing is written, and the folder still says which parts it is of."""
    options = {"judges": "offline/first", "data": str(write_jsonl(Path("rows.jsonl"), pairs(7)))}
    in_parts("rewardbench", **options)
    (merged,) = jb.merge("parts", out="runs")
    before = (merged.path / "manifest.json").read_bytes()
    run = jb.run("rewardbench", judge="offline/first", data="rows.jsonl", out="runs", cache_dir="none", offline=True)
    assert (run.path, (run.path / "manifest.json").read_bytes()) == (merged.path, before)
    assert [(part.part, part.items, part.state) for part in run.manifest.parts] == [
        ("1/3", 3, "done"),
        ("2/3", 2, "done"),
        ("3/3", 2, "done"),
    ]


def test_parts_are_disjoint_stratified_samples_and_hold_together_what_a_rule_scores_together() -> None:
    """Every item is in one part; each part has as many of each subset, up to one; a pair of Ties is in one part."""
    benchmark = get_benchmark("rewardbench-2")
    rows = [*best_of_four(40, "Math"), *best_of_four(8), *chain.from_iterable(map(ties, range(12)))]
    keys = jb.Run.load(_run_of(rows)).items
    found = [shard_of(benchmark, [benchmark.key(item) for item in keys], 5, Shard(n, 4)) for n in range(1, 5)]
    assert sorted(chain.from_iterable(found)) == sorted(str(row["id"]) for row in rows)
    for part in found:
        assert [sum(each.startswith(name) for each in part) for name in ("Math", "Fact", "ref", "tied")] == [
            10,
            2,
            3,
            3,
        ]
        assert {each[4:] for each in part if each.startswith("ref:")} == {
            each[5:] for each in part if each.startswith("tied:")
        }
    other = shard_of(benchmark, [benchmark.key(item) for item in keys], 6, Shard(1, 4))
    assert other != found[0]


def _run_of(rows: list[dict[str, Any]]) -> Path:
    return jb.run("rewardbench-2", judge="offline/first", data=str(write_jsonl(Path("all.jsonl"), rows))).path


def test_parts_share_a_folder() -> None:
    """On one file system, each part has a folder of its own whose name says which it is, and each resumes its own."""
    data = write_jsonl(Path("rows.jsonl"), pairs(6))
    for part in ("1/2", "2/2", "1/2"):
        ended = judgebench("run", "rewardbench", "-j", "offline/first", "--data", data, "--shard", part)
        assert ended.status == 0, ended.err
    folders = sorted(path.name for path in Path("runs/rewardbench/offline--first/pairwise").iterdir())
    assert folders == ["one-shard-1-of-2", "one-shard-2-of-2"]
    assert "0 calls now, 3 stored" in ended.out
    assert "part 1/2 of the run (--shard): judgebench merge joins the parts" in ended.out
    assert "a sample of 3 of 6 items" in ended.out


def test_a_part_that_is_missing_is_named_with_the_command_that_makes_it() -> None:
    """Nothing is written, and the exit status is 2; the command that is named makes it."""
    data = write_jsonl(Path("rows.jsonl"), pairs(6))
    in_parts("rewardbench", judges="offline/first", data=str(data), limit=5, seed=2)
    shutil.rmtree("parts/2")
    ended = judgebench("merge", "parts", "--out", "merged")
    assert (ended.status, Path("merged").exists()) == (2, False)
    first, command = ended.err.splitlines()
    assert "offline/first · pairwise · one-limit5-seed2: part 2 of 3 missing; " in first
    made = judgebench(*command.split()[1:], "--out", "parts/2")
    assert made.status == 0, made.err
    assert judgebench("merge", "parts", "--out", "merged").status == 0


def test_parts_are_merged_without_the_missing_ones_when_that_is_asked_for() -> None:
    """The run says what it lacks, a merge of a later part adds to it, and the plain run asks only for the rest."""
    options = {"data": str(write_jsonl(Path("rows.jsonl"), pairs(8))), "seed": 1}
    whole = jb.run("rewardbench", judge="offline/random", out="whole", **options)
    in_parts("rewardbench", judges="offline/random", of=4, **options)
    ended = judgebench("merge", "parts/1", "parts/3", "--allow-missing")
    assert (ended.status, "merged from 4 of 8 items: of 4 parts 2, 4 are missing or have not ended" in ended.out) == (
        0,
        True,
    )
    assert ended.err.startswith("interrupted: runs/rewardbench/offline--random/pairwise/one-seed1 (2 parts, 4 items; ")
    (more,) = jb.merge("parts/2", allow_missing=True)
    assert (more.metrics.items, len(more.judgements), [each.part for each in more.manifest.parts]) == (
        6,
        6,
        ["1/4", "3/4", "2/4"],
    )
    run = jb.run("rewardbench", judge="offline/random", out="runs", **options)
    assert (run.path, run.metrics.items, len([*read_judgements(run.path)])) == (more.path, 8, 8)
    assert timeless(run.path)["outcomes"] == timeless(whole.path)["outcomes"]
    assert {path.name for path in run.path.iterdir()} == {path.name for path in whole.path.iterdir()}


def test_the_same_part_twice_is_taken_once() -> None:
    """Of a copy that was made too early and the whole part, the whole one."""
    options = {"judges": "offline/first", "data": str(write_jsonl(Path("rows.jsonl"), pairs(8)))}
    in_parts("rewardbench", of=2, **options)
    shutil.copytree("parts/1", "copies/too-early")
    (early,) = find_runs(Path("copies/too-early"))
    lines = (early / "judgements.jsonl").read_text().splitlines(keepends=True)
    (early / "judgements.jsonl").write_text("".join(lines[:2]))
    (early / "manifest.json").write_text(json.dumps(read_json(early / "manifest.json") | {"state": "running"}))
    (merged,) = jb.merge(["copies", "parts", "parts/2"])
    assert (merged.metrics.items, merged.metrics.coverage, len([*read_judgements(merged.path)])) == (8, 1.0, 8)


def test_what_was_merged_before_is_not_taken_again() -> None:
    """Merging once more changes nothing but times."""
    in_parts("rewardbench", judges="offline/first", data=str(write_jsonl(Path("rows.jsonl"), pairs(7))))
    (merged,) = jb.merge("parts")
    before = timeless(merged.path)
    jb.merge("parts")
    assert timeless(merged.path) == before


def test_a_part_that_was_cut_off_is_not_taken_for_a_whole_one() -> None:
    """Of a run that reached its budget, a half-merged run would pass for the whole."""
    in_parts("rewardbench", judges="offline/first", data=str(write_jsonl(Path("rows.jsonl"), pairs(7))))
    (second,) = find_runs(Path("parts/2"))
    (second / "manifest.json").write_text(json.dumps(read_json(second / "manifest.json") | {"state": "stopped"}))
    with pytest.raises(jb.ConfigError, match="part 2 of 3 stopped; make them, or give --allow-missing"):
        jb.merge("parts")


def test_a_part_that_was_copied_half_is_named() -> None:
    """A part that has ended, and lacks judgements, is not merged as if it had them, unless that is asked for."""
    in_parts("rewardbench", judges="offline/first", data=str(write_jsonl(Path("rows.jsonl"), pairs(7))))
    (second,) = find_runs(Path("parts/2"))
    text = (second / "judgements.jsonl").read_text()
    for left in (text[: len(text) // 2], ""):
        (second / "judgements.jsonl").write_text(left)
        said = r"parts/2/.*judgements of \d of its \d items are missing.*copy the folder"
        with pytest.raises(jb.DataError, match=said):
            jb.merge("parts", out="merged")
    assert not find_runs(Path("merged"))
    (merged,) = jb.merge("parts", out="merged", allow_missing=True)
    assert read_json(merged.path / "manifest.json")["state"] == "interrupted"


DIFFERENT: dict[str, tuple[dict[str, Any], str]] = {
    "N": ({"shard": "2/3"}, "N of --shard (2, 3)"),
    "seed": ({"seed": 7}, "seed (0, 7)"),
    "limit": ({"limit": 3}, "limit (none, 3)"),
    "template": ({"templates": "mine.jinja"}, "text of the template ("),
    "judge settings": ({"providers": "others.yaml"}, "judge: temperature (0, 0.5)"),
    "data": ({"data": "others.jsonl"}, "rows ("),
    "samples": ({"samples": 2}, "samples (1, 2)"),
}


def test_parts_of_different_plans_are_refused() -> None:
    """Whatever differs is named, with both folders, and nothing is written, also with --allow-missing."""
    write_jsonl(Path("rows.jsonl"), pairs(4))
    write_jsonl(Path("others.jsonl"), pairs(5))
    with ScriptedModels("[[A]]") as models:
        write_judges(models.url)
        settings = {"model": "scripted/loopback", "api_base": models.url, "params": {"temperature": 0.5}}
        Path("others.yaml").write_text(json.dumps({"judges": {"mine": settings}}))
        options: dict[str, Any] = {"judges": "mine", "data": "rows.jsonl"}
        (first,) = jb.grid("rewardbench", **options, shard="1/2", out="first")
        text = (first.path / "template.jinja").read_text()
        Path("mine.jinja").write_text(text.replace("{% block user %}", "{% block user %}Be careful. ", 1))
        for what, (other, _) in DIFFERENT.items():
            jb.grid("rewardbench", **{**options, "shard": "2/2", "out": what} | other)
    for what, (_, said) in DIFFERENT.items():
        for allow in ([], ["--allow-missing"]):
            ended = judgebench("merge", "first", what, "--out", "merged", *allow)
            assert (ended.status, said in ended.err, "are parts of different plans" in ended.err) == (2, True, True), (
                what
            )
            assert ended.err.startswith(f"judgebench: {first.path} and {what}/rewardbench/mine/pairwise/one")
    assert not Path("merged").exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("0/4", "--shard 0/4: parts are numbered from 1 to N"),
        ("5/4", "--shard 5/4: parts are numbered from 1 to N"),
        ("1", "--shard 1: must be I/N, such as 1/8"),
        ("1/9", "--shard 1/9: 4 items of rewardbench make at most 4 parts"),
    ],
)
def test_a_part_that_cannot_be_made(given: str, said: str) -> None:
    """One line, before anything is asked."""
    data = write_jsonl(Path("rows.jsonl"), pairs(4))
    ended = judgebench("run", "rewardbench", "-j", "offline/first", "--data", data, "--shard", given)
    assert (ended.status, ended.err.startswith(f"judgebench: {said}")) == (2, True), ended.err


def test_a_comparison_needs_all_items() -> None:
    """Where the looks are at all items, no part is taken."""
    with pytest.raises(jb.ConfigError, match="--sequential needs all items, and --shard judges a part of them"):
        jb.grid("rewardbench", judges=["offline/first", "offline/longest"], data="sample", sequential=True, shard="1/2")


def test_a_damaged_part_is_named() -> None:
    """Its file, and what to do; nothing is merged."""
    in_parts("rewardbench", judges="offline/first", data=str(write_jsonl(Path("rows.jsonl"), pairs(6))))
    (second,) = find_runs(Path("parts/2"))
    text = (second / "shard.json").read_text()
    for broken, said in ((text[:40], "cannot be read"), (None, "file not found"), (text.replace("[0,", "[", 1), None)):
        if broken is None:
            (second / "shard.json").unlink()
        else:
            (second / "shard.json").write_text(broken)
        if said is not None:
            with pytest.raises(jb.DataError, match=rf"shard.json: {said}.*copy"):
                jb.merge("parts", out="merged")
    assert not list(Path("merged").glob("*/*/*/*/metrics.json"))


def test_a_leaderboard_ranks_no_part() -> None:
    """Parts are counted beside the merged run; where there are parts alone, the fix is named."""
    in_parts("rewardbench", judges="offline/first", data=str(write_jsonl(Path("rows.jsonl"), pairs(6))))
    with pytest.raises(jb.ConfigError, match=r"its runs are parts .* judgebench merge parts"):
        jb.leaderboard("parts")
    jb.merge("parts", out="parts")
    board = jb.leaderboard("parts")
    assert [place.protocol for place in board.boards[0].places] == ["one"]
    assert "3 runs are parts of a run (--shard) and not ranked" in board.unreadable[0]


def test_a_part_without_its_templates_is_named() -> None:
    """What the judge was asked with is of the run: a copy that lacks a template's file is not merged without it."""
    in_parts("rewardbench-2", judges="offline/first", data="sample", of=2)
    (first,) = find_runs(Path("parts/1"))
    for name in ("template-ties.jinja", "template.jinja"):
        (first / name).unlink()
        with pytest.raises(jb.ConfigError, match=f"{name}: file not found; copy the run's whole folder again"):
            jb.merge("parts", out="merged")
    assert not find_runs(Path("merged"))


def test_no_run_is_written_inside_another() -> None:
    """No command would find it there: a merge, a run and a score file are refused before they write anything."""
    in_parts("rewardbench", judges="offline/first", data=str(write_jsonl(Path("rows.jsonl"), pairs(4))), of=2)
    (first,) = find_runs(Path("parts/1"))
    before = sorted(first.rglob("*"))
    for command in (
        ("merge", "parts", "--out", first),
        ("merge", "parts", "--out", first / "deeper"),
        ("run", "rewardbench", "-j", "offline/longest", "--data", "rows.jsonl", "--out", first),
    ):
        ended = judgebench(*command)
        assert (ended.status, "is a run's folder, in which no other run is found" in ended.err) == (2, True), ended.err
    assert sorted(first.rglob("*")) == before
