"""`judgebench score`: files of scores, and what is wrong with them."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import best_of_four, files_below, judgebench, pairs, read_json, read_jsonl, ties, write_jsonl

from judgebench.runs.run import find_runs

FOLDER = Path("runs/rewardbench/scores/scores")


@pytest.fixture(autouse=True)
def data() -> None:
    write_jsonl(Path("pairs.jsonl"), pairs(8))


def score(file: str = "scores.jsonl", *more: object):
    return judgebench("score", file, "--benchmark", "rewardbench", "--data", "pairs.jsonl", "--json", *more)


def rows(**changed: object) -> list[dict]:
    """Scores of 8 pairs: the chosen one higher in the first six, equal in the seventh, lower in the last."""
    chosen = [2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 1.0, 0.5]
    return [{"id": n, "scores": [value, 1.0], **changed} for n, value in enumerate(chosen)]


def wrong(number: int, **changed: object) -> list[dict]:
    """The same with one row changed; a None takes a column away."""
    row = {name: value for name, value in (rows()[number] | changed).items() if value is not None}
    return [row if n == number else each for n, each in enumerate(rows())]


# --- files


def write(form: str) -> str:
    """The rows in one of the forms that are read."""
    path = Path(f"scores.{form.partition('-')[0]}")
    two = [{"id": r["id"], "scores_chosen": r["scores"][0], "scores_rejected": r["scores"][1]} for r in rows()]
    lists = [{name: [value] if name != "id" else value for name, value in row.items()} for row in two]
    match form:
        case "jsonl":
            write_jsonl(path, rows())
        case "jsonl-text":
            write_jsonl(path, [row | {"id": str(row["id"])} for row in rows()])
        case "jsonl-float":
            write_jsonl(path, [row | {"id": float(row["id"])} for row in rows()])
        case "jsonl-two":
            write_jsonl(path, two)
        case "jsonl-lists":
            write_jsonl(path, lists)
        case "csv" | "csv-two":
            with path.open("w", newline="") as file:
                columns = two if form == "csv-two" else [row | {"scores": json.dumps(row["scores"])} for row in rows()]
                writer = csv.DictWriter(file, columns[0])
                writer.writeheader()
                writer.writerows(columns)
        case "parquet":
            pq.write_table(pa.Table.from_pylist(rows()), path)
        case "parquet-two":
            pq.write_table(pa.Table.from_pylist(two), path)
    return str(path)


FORMS = [
    *("jsonl", "jsonl-text", "jsonl-float", "jsonl-two", "jsonl-lists"),
    *("csv", "csv-two", "parquet", "parquet-two"),
]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_credit(form: str) -> None:
    """1 where the chosen answer is strictly higher; equal is 0; ids are compared as text."""
    score(write(form))
    assert [outcome["credit"] for outcome in read_jsonl(FOLDER / "outcomes.jsonl")] == [1, 1, 1, 1, 1, 1, 0, 0]


def test_the_metrics_have_a_runs_fields() -> None:
    """Those of a judge's run, so that both stand in one table."""
    (metrics,) = score(write("jsonl")).metrics
    (judged,) = judgebench(
        *("run", "rewardbench", "-j", "offline/first", "--data", "pairs.jsonl", "--json"),
    ).metrics
    assert metrics.keys() == judged.keys()


def test_the_folder_can_be_read_elsewhere() -> None:
    """Manifest, items, outcomes and metrics."""
    score(write("jsonl"))
    assert files_below(FOLDER) == ["items.jsonl.gz", "manifest.json", "metrics.json", "outcomes.jsonl"]


def test_the_name_is_the_files_unless_given() -> None:
    """--name names the reward model, in the metrics and the folder."""
    (metrics,) = score(write("jsonl"), "--name", "org/my-rm").metrics
    assert (metrics["judge"], Path("runs/rewardbench/org--my-rm/scores").is_dir()) == ("org/my-rm", True)


def test_a_name_is_never_a_path() -> None:
    """Nothing is written outside --out."""
    score(write("jsonl"), "--name", "../../elsewhere")
    assert {name.split("/")[0] for name in files_below(Path())} == {"pairs.jsonl", "runs", "scores.jsonl"}


def test_the_order_of_the_file_does_not_matter() -> None:
    """Scores are found by id."""
    write_jsonl(Path("scores.jsonl"), rows()[::-1])
    score()
    assert [outcome["credit"] for outcome in read_jsonl(FOLDER / "outcomes.jsonl")][-2:] == [0, 0]


def test_four_completions_and_ties() -> None:
    """RewardBench 2: the top score shared by m gives 1/m, Ties its own rule."""
    items = [*best_of_four(2), *ties(1)]
    write_jsonl(Path("rb2.jsonl"), items)
    scores = [[5, 1, 2, 3], [4, 4, 1, 4], [9, 1, 1, 1], [9, 9, 9, 1, 1, 1]]
    write_jsonl(Path("s.jsonl"), [{"id": i["id"], "scores": s} for i, s in zip(items, scores, strict=True)])
    (metrics,) = judgebench(
        *("score", "s.jsonl", "--benchmark", "rewardbench-2", "--data", "rb2.jsonl", "--json"),
    ).metrics
    assert metrics["sections"]["Factuality"]["score"] == pytest.approx((1 + 1 / 3) / 2)
    assert metrics["sections"]["Ties"]["score"] > 0.99


def test_only_a_subset() -> None:
    """--subset; scores of the other items are then no mistake."""
    ended = score(write("jsonl"), "--subset", "donotanswer")
    assert (ended.status, ended.metrics[0]["items"]) == (0, 4)


# --- mistakes


MISTAKES = {
    "missing": (rows()[2:], "missing scores: 0, 1;"),
    "wrong count": (wrong(3, scores=[1.0, 2.0, 3.0]), "wrong number of scores: 3 (3 for 2 completions);"),
    "both for the chosen one": (
        wrong(3, scores=None, scores_chosen=[1.0, 2.0], scores_rejected=[]),
        "wrong number of scores: 3 (2 and 0 for 1 and 1 chosen and rejected completions);",
    ),
    "not finite": (wrong(3, scores=[float("nan"), 1.0]), "scores that are not finite numbers: 3 (NaN);"),
    "infinite": (wrong(3, scores=[float("inf"), 1.0]), "scores that are not finite numbers: 3 (inf);"),
    "null": (wrong(3, scores=[1.0, None]), "scores that are not finite numbers: 3 (empty);"),
    "unknown": ([*rows(), {"id": "x", "scores": [1, 2]}], "ids not in the data: x;"),
    "twice": ([*rows(), rows()[0]], "scores.jsonl line 9: duplicate id '0'"),
    "text": (wrong(3, scores=["high", 1.0]), "scores.jsonl line 4: column 'scores' holds 'high', expected numbers"),
    "true": (wrong(3, scores=[True, False]), "scores.jsonl line 4: column 'scores' holds True, expected numbers"),
    "no scores": (wrong(3, scores=None), "scores.jsonl line 4: no column 'scores'"),
    "no id": (wrong(3, id=None), "scores.jsonl line 4: has no column 'id'"),
    "no item's": ([{"id": "x", "scores": [1, 2]}], "no scores for any of the 8 items"),
    "empty": ([], "scores.jsonl is empty"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line(mistake: str) -> None:
    """Exit 2; what is wrong and where; nothing on stdout, nothing written."""
    scores, said = MISTAKES[mistake]
    write_jsonl(Path("scores.jsonl"), scores)
    ended = score()
    assert (ended.status, ended.out, ended.err.count("\n"), Path("runs").exists()) == (2, "", 1, False)
    assert said in ended.err


def test_the_first_five_ids_are_named() -> None:
    """And how many more there are."""
    write_jsonl(Path("scores.jsonl"), rows()[7:])
    assert "missing scores: 0, 1, 2, 3, 4 and 2 more; --allow-missing" in score().err


@pytest.mark.parametrize("option", ["--benchmark", "--data", "FILE"])
def test_what_is_not_there_is_named(option: str) -> None:
    """Benchmark, data and file of scores."""
    named = {"--benchmark": "rewardbench", "--data": "pairs.jsonl", "FILE": write("jsonl")} | {option: "nothing.jsonl"}
    ended = judgebench("score", named.pop("FILE"), *(word for pair in named.items() for word in pair))
    assert (ended.status, ended.err.count("\n"), "nothing.jsonl" in ended.err) == (2, 1, True)


# --- what is missing


def test_missing_scores_can_be_allowed() -> None:
    """They are failures: counted, 0 in the score, and in the bounds."""
    write_jsonl(Path("scores.jsonl"), rows()[2:])
    ended = score("scores.jsonl", "--allow-missing")
    (metrics,) = ended.metrics
    assert (ended.status, metrics["failures"], metrics["coverage"]) == (0, {"missing": 2}, 0.75)
    assert (metrics["bounds"]["low"], metrics["bounds"]["high"]) == (metrics["score"], metrics["score"] + 0.25)


def test_an_empty_cell_is_a_missing_score() -> None:
    """As CSV writes one: refused with its id, and with --allow-missing a failure, said in the singular."""
    cells = "".join(f"{row['id']},{'' if at == 0 else 1},0\n" for at, row in enumerate(rows()))
    Path("scores.csv").write_text(f"id,scores_chosen,scores_rejected\n{cells}")
    ended = score("scores.csv")
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert f"scores that are not finite numbers: {rows()[0]['id']} (empty); --allow-missing" in ended.err
    (metrics,) = score("scores.csv", "--allow-missing").metrics
    assert metrics["failures"] == {"missing": 1}
    assert "1 item without scores counts 0" in metrics["notes"]


def test_scores_of_chosen_and_rejected_are_as_many_as_these() -> None:
    """Two of one chosen and two of three rejected are four of four, and belong to other completions."""
    write_jsonl(Path("rb2.jsonl"), best_of_four(2))
    split = [(1, 3), (2, 2)]
    scores = [
        {"id": item["id"], "scores_chosen": [0.9] * chosen, "scores_rejected": [0.1] * rejected}
        for item, (chosen, rejected) in zip(best_of_four(2), split, strict=True)
    ]
    write_jsonl(Path("s.jsonl"), scores)
    ended = judgebench("score", "s.jsonl", "--benchmark", "rewardbench-2", "--data", "rb2.jsonl")
    said = "wrong number of scores: Factuality-1 (2 and 2 for 1 and 3 chosen and rejected completions)"
    assert (ended.status, said in ended.err) == (2, True)


@pytest.mark.parametrize("mistake", ["wrong count", "not finite", "null", "missing"])
def test_unusable_scores_are_allowed_too(mistake: str) -> None:
    """As missing ones."""
    write_jsonl(Path("scores.jsonl"), MISTAKES[mistake][0])
    assert set(score("scores.jsonl", "--allow-missing").metrics[0]["failures"]) == {"missing"}


def test_the_manifest_says_incomplete() -> None:
    """Where scores are missing."""
    write_jsonl(Path("scores.jsonl"), rows()[2:])
    score("scores.jsonl", "--allow-missing")
    assert read_json(FOLDER / "manifest.json")["state"] == "incomplete"


def test_nothing_at_all_is_never_allowed() -> None:
    """A file of other ids is the wrong file."""
    write_jsonl(Path("scores.jsonl"), [{"id": "x", "scores": [1, 2]}])
    assert score("scores.jsonl", "--allow-missing").status == 2


def test_unknown_ids_that_are_passed_over_are_said():
    """Seven ids that the data do not have: how many, and the first five."""
    write_jsonl(Path("scores.jsonl"), rows() + [{"id": f"x{n}", "scores": [1.0, 0.0]} for n in range(7)])
    (note, *_) = score("scores.jsonl", "--allow-missing").metrics[0]["notes"]
    assert note == "7 ids not in the data ignored: x0, x1, x2, x3, x4 and 2 more"


def test_scores_of_another_name_are_not_written_over():
    """Two names that make the same folder: the second run's says so by its hash, and the first is as it was."""
    rows = write_jsonl(Path("rows.jsonl"), pairs(4, ("alpacaeval-easy",)))
    for number, right in enumerate((1.0, 0.0)):
        write_jsonl(Path(f"{number}.jsonl"), [{"id": str(at), "scores": [right, 0.5]} for at in range(4)])
    given = ("--benchmark", "rewardbench", "--data", rows, "--name")
    assert judgebench("score", "0.jsonl", *given, "a b").status == 0
    assert judgebench("score", "1.jsonl", *given, "a-b").status == 0
    assert {name: read_json(path / "metrics.json")["score"] for name, path in scored_runs().items()} == {
        "a b": 1.0,
        "a-b": 0.0,
    }
    assert read_json(Path("runs/rewardbench/a-b/scores/manifest.json"))["scores"]["name"] == "a b"


def scored_runs() -> dict[str, Path]:
    """The runs of scores below `runs`, by name and, where that is another's, by hash."""
    manifests = {path: read_json(path / "manifest.json") for path in find_runs(Path("runs"))}
    return {manifest["scores"]["name"]: path for path, manifest in manifests.items()}


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "jsonl.gz"])
@pytest.mark.parametrize("stems", [("Llama-3.1-8B", "Llama-3.2-3B"), ("a.jsonl", "a.csv")])
def test_a_name_with_dots_is_whole(stems: tuple[str, str], suffix: str) -> None:
    """Only the suffix that says how a file is read is cut: two reward models are two runs."""
    for right, stem in enumerate(stems):
        assert judgebench("score", scored(f"{stem}.{suffix}", right), *RIGHTS).status == 0
    assert {name: read_json(path / "metrics.json")["score"] for name, path in scored_runs().items()} == {
        stems[0]: 0.0,
        stems[1]: 1.0,
    }


RIGHTS = ("--benchmark", "rewardbench", "--data", "pairs.jsonl")


def scored(file: str, right: float) -> Path:
    """A file of scores by which all of the pairs are right, or none."""
    path = Path(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [{"id": str(at), "scores": json.dumps([right, 0.5])} for at in range(8)]
    if path.name.endswith(".csv"):
        with path.open("w", newline="") as opened:
            writer = csv.DictWriter(opened, ["id", "scores"])
            writer.writeheader()
            writer.writerows(rows)
    else:
        opening = gzip.open if path.name.endswith(".gz") else open
        with opening(path, "wt") as opened:
            opened.writelines(json.dumps({"id": row["id"], "scores": json.loads(row["scores"])}) + "\n" for row in rows)
    return path


@pytest.mark.parametrize("more", [(), ("--name", "mine")])
def test_scores_of_one_name_are_as_many_runs_as_files(more: tuple[str, ...]) -> None:
    """No file's run takes another's place; every table names both; the same file again goes to its own folder."""
    files = [scored(f"step{step}/scores.jsonl", right) for step, right in ((1000, 0.0), (2000, 1.0))]
    folders = []
    for file in (*files, *files):
        judgebench("score", file, *RIGHTS, *more)
        folders.append(find_runs(Path("runs")))
    plain, hashed = folders[1]
    assert folders == [[plain], [plain, hashed], [plain, hashed], [plain, hashed]]
    assert [read_json(path / "metrics.json")["score"] for path in (plain, hashed)] == [0.0, 1.0]
    for command in ("leaderboard", "compare", "report"):
        paths = ["runs"] if command == "leaderboard" else [plain, hashed]
        shown = " ".join(judgebench(command, *paths).out.split())
        assert all(f"step{step}/scores.jsonl" in shown for step in (1000, 2000)), command


def test_scores_over_other_rows_are_another_run() -> None:
    """One file scored over all of the items, then over a subset of them."""
    file = scored("scores.jsonl", 1.0)
    judgebench("score", file, *RIGHTS)
    judgebench("score", file, *RIGHTS, "--subset", "donotanswer")
    assert [read_json(path / "metrics.json")["items"] for path in find_runs(Path("runs"))] == [8, 4]


def test_scores_that_cannot_be_written_leave_the_earlier_ones() -> None:
    """A file where the items go: one line, and the earlier run is whole."""
    file = scored("scores.jsonl", 1.0)
    judgebench("score", file, *RIGHTS)
    before = {path: path.read_bytes() for path in FOLDER.iterdir()}
    shutil.rmtree("runs/rewardbench/.items")
    Path("runs/rewardbench/.items").write_text("")
    ended = judgebench("score", file, *RIGHTS)
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert {path: path.read_bytes() for path in FOLDER.iterdir()} == before
    assert [path.name for path in FOLDER.parent.iterdir()] == ["scores"]
