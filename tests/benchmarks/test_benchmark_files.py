"""Benchmark files: read from anywhere alike, wrong ones told by their line, runs that need the file no more."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent

import pytest
import yaml
from commands import judgebench, read_json
from plugins import lay_package
from scoring import DATA, run_offline, write_rows

import judgebench as jb
from judgebench.benchmarks import BENCHMARKS, get_benchmark
from judgebench.benchmarks.columns import MISSING, ColumnSpec
from judgebench.benchmarks.declared import Declared

ROWS = [
    {
        "qid": f"q{at}",
        "question": f"What is {at}?",
        "context": f"Note {at}.",
        "good": "yes " * (1 + at % 3),
        "bad": "no no",
        "part": ("qa", "summ")[at % 2],
    }
    for at in range(6)
]
MINE = {
    "name": "mine",
    "source": {"files": ["rows.jsonl"]},
    "item": "pair",
    "columns": {
        "id": "qid",
        "prompt": "question",
        "context": "context",
        "chosen": "good",
        "rejected": "bad",
        "subset": "part",
        "group": None,
    },
    "sections": {"column": "part"},
    "rule": "consistent_accuracy",
    "orders": "both",
}


def lay(folder: Path = Path(), **changes: object) -> Path:
    """The file and its rows, in a folder."""
    write_rows(folder / "rows.jsonl", ROWS)
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({**MINE, **changes}, sort_keys=False), encoding="utf-8")
    return path


def mistake(text: str) -> str:
    """What `benchmarks lint` says of a file."""
    Path("x.yaml").write_text(text, encoding="utf-8")
    ended = judgebench("benchmarks", "lint", "x.yaml")
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1), ended
    return ended.err


def test_a_users_file_is_a_benchmark() -> None:
    """Its own columns, context before the question, sections and rule; hand-worked: right where `yes` is longer."""
    lay()
    ended = judgebench("run", "mine.yaml", "-j", "offline/longest", "--json")
    (metrics,) = ended.metrics
    longer = [len(row["good"]) > len(row["bad"]) for row in ROWS]  # 4, 8 and 12 characters beside 5
    assert (metrics["benchmark"], metrics["score"]) == ("mine", sum(longer) / 6)
    assert {name: each["n"] for name, each in metrics["sections"].items()} == {"qa": 3, "summ": 3}
    assert metrics["judgements"] == 12
    rendered = judgebench("templates", "render", "pairwise", "--benchmark", "mine.yaml").out
    assert "Note 0.\n\nWhat is 0?" in rendered


def test_a_run_is_read_without_its_file() -> None:
    """Reports and leaderboards of a run need neither the file nor its rows."""
    lay()
    run = jb.run("mine.yaml", judge="offline/first")
    Path("mine.yaml").unlink()
    Path("rows.jsonl").unlink()
    assert judgebench("report", run.path).status == 0
    board = judgebench("leaderboard", "runs", "--benchmark", "mine")
    assert (board.status, "qa" in board.out) == (0, True)
    assert judgebench("rescore", run.path).status == 0


def test_the_files_hash_is_the_runs_identity() -> None:
    """Another rule makes another run beside the first; a comment or a licence makes none."""
    path = lay()
    first = jb.run("mine.yaml", judge="offline/first")
    identity = read_json(first.path / "manifest.json")["identity"]
    assert identity["benchmark_file"] == get_benchmark("mine.yaml").declaration()["hash"]
    path.write_text("# a note\nlicense: MIT\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert jb.run("mine.yaml", judge="offline/first").path == first.path
    lay(rule="order_votes")
    second = jb.run("mine.yaml", judge="offline/first")
    assert (second.path != first.path, second.metrics.score) == (True, 0.0)
    assert "mine " in judgebench("leaderboard", "runs").out


def test_files_that_ship_of_a_user_and_of_a_package_are_read_alike(tmp_path, monkeypatch):
    """The same text gives the same figures from the package, by a path, and by entry points of both forms."""
    text = (Path(jb.__file__).parent / "benchmarks" / "files" / "judgebench-gpt.yaml").read_text(encoding="utf-8")
    site = tmp_path / "site"
    for name, value in (("by-module", "filed"), ("by-path", "filed:WHERE")):
        (tmp_path / f"{name}.yaml").write_text(text.replace("name: judgebench-gpt", f"name: {name}"), encoding="utf-8")
        points = {"judgebench.benchmarks": {name: value}}
        lay_package(site, "filed" if value == "filed" else "filed_by_path", "", points)
    (site / "filed.py").unlink(missing_ok=True)
    (site / "filed").mkdir(exist_ok=True)
    code = "from pathlib import Path\nWHERE = Path(__file__).with_name('by-path.yaml')\n"
    (site / "filed" / "__init__.py").write_text(code, encoding="utf-8")
    for name in ("by-module", "by-path"):
        (site / "filed" / f"{name}.yaml").write_bytes((tmp_path / f"{name}.yaml").read_bytes())
    monkeypatch.syspath_prepend(str(site))
    found = []
    for name in ("judgebench-gpt", str(tmp_path / "by-module.yaml"), "by-module", "by-path"):
        metrics = run_offline(name, tmp_path / name.replace("/", "_"), str(DATA / "judgebench.jsonl")).metrics
        found.append((metrics.score, {section: each.low for section, each in metrics.sections.items()}))
    sys.modules.pop("filed", None)
    assert found[0][0] == pytest.approx(4 / 6)
    assert all(each == found[0] for each in found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("source: {url: here}\nrule: consistent\n", "x.yaml, line 2: unknown rule 'consistent': did you mean"),
        ("source: {url: here}\nruel: x\n", "x.yaml, line 2: unknown key 'ruel': did you mean rule?"),
        ("source: {url: here}\ncolumns:\n  id: a\n  chose: b\n", "x.yaml, line 4: unknown role 'chose': did you mean"),
        ("source: {url: here}\nitem: pairs\n", "x.yaml, line 2: item is 'pairs', and must be"),
        ("source: {url: here}\naverage: mean\n", "x.yaml, line 2: average is 'mean', and must be"),
        ("source: {url: here}\norders: [both]\n", "x.yaml, line 2: orders is ['both'], and"),
        ("source: {url: here}\nlabels: {x: left}\n", "x.yaml, line 2: labels.x is 'left': write A, B or tie"),
        (
            "source: {url: here}\nrule: correlation\n",
            "x.yaml, line 2: rule is correlation, which is not for item: pair",
        ),
        ("source: {url: here}\nsections: {a: [x], b: [x]}\n", "line 2: sections.b has the subset 'x' of a"),
        ("source: {url: here}\nsections: {a: {x: 1, y: null}}\n", "line 2: sections.a needs a weight of 0 or more"),
        ("source: {url: here}\naverage: weighted\n", "line 2: average is weighted, which needs sections"),
        ("source: {url: here}\nname: a/b\n", "x.yaml, line 2: name is 'a/b': use letters"),
        ("source: {url: here}\nname: llmbar\n", "line 2: name is 'llmbar', a benchmark of judgebench's own"),
        ("source: {url: here}\ntemplate: {pairwse: x}\n", "line 2: unknown mode 'pairwse': did you mean pairwise"),
        ("source: {url: here}\ntemplate: no-such\n", "unknown template 'no-such'"),
        ("source: {url: here}\nscale: [5, 1]\n", "line 2: scale must be the lowest and the highest grade"),
        ("source: {url: here}\ncolumns: {label: 'a | b'}\n", "line 2: columns.label is more than a name"),
        ("source: {url: here}\n  x\n", "x.yaml, line 2: not YAML"),
    ],
)
def test_a_file_that_is_wrong_names_the_line_and_the_nearest_name(text: str, message: str) -> None:
    """One line, exit status 2, before any row is read or call is made."""
    assert message in mistake(text)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"columns": {**MINE["columns"], "chosen": "god"}},
            "has no column 'god' to take as 'chosen': did you mean 'good'?",
        ),
        ({"item": "best_of_k", "rule": "consistent_accuracy"}, "rule is consistent_accuracy, which is not for item"),
        ({"sections": {"column": "prt"}}, "has no column 'prt' to take as 'sections': did you mean 'part'?"),
        ({"sections": {"all": ["qa"]}}, "subset 'summ' is in none of the sections all"),
        ({"only": {"prt": ["qa"]}}, "has no column 'prt' to take as 'only': did you mean 'part'?"),
        ({"only": {"part": ["q"]}}, "no row's part is one of those that mine takes (q)"),
        ({"item": "rating", "rule": "correlation"}, "has 2 completions, which does not fit item: rating"),
    ],
)
def test_rows_that_a_file_does_not_fit_are_told_before_a_call(changes, message: str) -> None:
    """The row, what is wrong and the nearest name; exit status 2 of lint and run."""
    lay(**changes)
    for command in (("benchmarks", "lint", "mine.yaml"), ("run", "mine.yaml", "-j", "offline/first")):
        ended = judgebench(*command)
        assert (ended.status, message in ended.err) == (2, True), ended.err


def test_a_file_runs_no_code() -> None:
    """A tag that would call something is no YAML here."""
    assert "not YAML" in mistake("source: {url: here}\nname: !!python/object/apply:os.getcwd []\n")


@pytest.mark.parametrize(
    ("text", "data", "expected"),
    [
        ("question", {"Question": "q"}, "q"),
        ("a | b", {"b": 1}, 1),
        ("a | 'none'", {"b": 1}, "none"),
        ("chosen.answer", {"chosen": {"answer": "x"}}, "x"),
        ("losers.answer", {"losers": [{"answer": "x"}, {"answer": "y"}]}, ["x", "y"]),
        ("losers.answer", {"losers": '[{"answer": "x"}]'}, ["x"]),
        ("a.b", {"a.b": "whole"}, "whole"),
        ("r_*", {"r_10": "z", "r_2": "y", "r_1": "x", "r_3": None}, ["x", "y", "z"]),
        ("{a}\n\n{b}", {"a": "x", "b": ""}, "x"),
        ("{a}: {b | c}", {"a": "x", "c": 2}, "x: 2"),
        ("a", {"b": 1}, MISSING),
        ("{a} {b}", {"a": "x"}, MISSING),
        ("chosen.text", {"chosen": {"answer": "x"}}, MISSING),
    ],
)
def test_a_column_may_be_a_choice_a_path_a_list_or_a_text(text, data, expected):
    """Names in any spelling, the first that is there, fields below, patterns in their natural order, texts of cells."""
    assert ColumnSpec(text).cell(data) == expected


def test_averages_weigh_items_sections_or_weights(tmp_path):
    """Hand-worked: 3 of 4 in a, 0 of 1 in b: micro 3/5, macro 3/8, weighted 3 to 1 9/16."""
    rows = [{"p": "?", "c": "xxx" if at < 3 else "x", "r": "yy", "s": "ab"[at == 4]} for at in range(5)]
    write_rows(tmp_path / "rows.jsonl", rows)
    columns = {"prompt": "p", "chosen": "c", "rejected": "r", "subset": "s"}
    scores = {}
    for average, sections in (
        ("micro", None),
        ("macro", None),
        ("weighted", {"A": {"subsets": ["a"], "weight": 3}, "B": {"subsets": "b"}}),
    ):
        said = {"source": {"files": ["rows.jsonl"]}, "columns": columns, "average": average, "rule": "strict_pair"}
        path = tmp_path / f"{average}.yaml"
        path.write_text(yaml.safe_dump(said | ({} if sections is None else {"sections": sections})), encoding="utf-8")
        run = jb.run(str(path), judge="offline/longest", out=tmp_path / "runs", cache_dir=tmp_path / "cache")
        scores[average] = run.metrics.score
    assert scores == pytest.approx({"micro": 3 / 5, "macro": 3 / 8, "weighted": 9 / 16})


def test_annotators_make_a_majority_and_flags_make_correct_completions():
    """2 of 3 say B; with no majority a tie; flags of k completions put the right ones first."""
    columns = {"prompt": "p", "response_a": "x", "response_b": "y", "label": ["a1", "a2", "a3"]}
    spec = {"name": "people", "columns": columns, "labels": {"0": "tie", "1": "A", "2": "B"}, "rule": "three_way"}
    pair = jb.benchmarks.declared.declared_again({"spec": spec})
    rows = [
        {"p": "?", "x": "first", "y": "second", "a1": 2, "a2": said, "a3": 2 if said == 2 else 0} for said in (2, 1)
    ]
    from judgebench.sources.source import Row

    first, second = pair.items(Row(f"row {at}", row) for at, row in enumerate(rows, 1))
    assert (first.completions[0].text, first.criteria, second.label) == ("second", "B", "tie")
    flagged = {"prompt": "p", "completions": "r_*", "correct": "ok", "pairs": "sampled"}
    spec = {"name": "flags", "item": "best_of_k", "columns": flagged, "rule": "right_against_wrong"}
    row = {"p": "?", "r_1": "a", "r_2": "b", "r_3": "c", "ok": [False, True, False], "sampled": [[0, 1], [1, 2]]}
    (item,) = jb.benchmarks.declared.declared_again({"spec": spec}).items([Row("row 1", row)])
    assert [each.text for each in item.completions] == ["b", "a", "c"]
    assert (item.num_correct, item.criteria) == (1, "0>1 0>2")


def test_the_page_is_followed_word_by_word() -> None:
    """Rows and file of the docs are linted and run; hand-worked: faithful 1 of 2, concise 0 of 1, macro 1/4."""
    page = (Path(__file__).parents[2] / "docs" / "benchmarks" / "files.md").read_text(encoding="utf-8")
    Path("rows.jsonl").write_text(dedent(page.split("<<'END'\n")[1].split("    END")[0]), encoding="utf-8")
    Path("mine.yaml").write_text(dedent(page.split("```yaml\n")[1].split("    ```")[0]), encoding="utf-8")
    linted = judgebench("benchmarks", "lint", "mine.yaml")
    assert (linted.status, "note:" in linted.out) == (0, False), linted.out
    (metrics,) = judgebench("run", "mine.yaml", "-j", "offline/longest", "--json").metrics
    assert (metrics["score"], Path("runs/contextual-mine").is_dir()) == (0.25, True)


def test_answers_with_classes_are_a_benchmark_too(tmp_path) -> None:
    """Item label: the file's words become classes, and the figures of labels stand beside the score."""
    write_rows(tmp_path / "rows.jsonl", [{"q": "?", "a": "x", "ok": "good"}, {"q": "!", "a": "y", "ok": "bad"}])
    said = {
        "source": {"files": ["rows.jsonl"]},
        "item": "label",
        "columns": {"prompt": "q", "response": "a", "label": "ok"},
    }
    (tmp_path / "c.yaml").write_text(
        yaml.safe_dump(said | {"labels": {"good": "pass", "bad": "fail"}}), encoding="utf-8"
    )
    ended = judgebench("run", tmp_path / "c.yaml", "-j", "offline/random", "--json", "--seed", "1")
    (metrics,) = ended.metrics
    assert (metrics["template"], set(metrics["labels"]["confusion"])) == ("pass-fail", {"pass", "fail"})


def test_shown_and_listed() -> None:
    """`show` names rule, licence and how rows are had by hand; `rules` has formula and source; `list` all names."""
    shown = " ".join(judgebench("benchmarks", "show", "judgebench-gpt").out.split())
    assert "order_votes: Both orders; +1 for each that agrees" in shown
    assert "hf download ScalerLab/JudgeBench --repo-type dataset" in shown
    rules = judgebench("benchmarks", "rules")
    assert all(name in rules.out for name in ("consistent_accuracy", "arXiv 2503.15620", "weighted"))
    assert judgebench("benchmarks", "rules", "consistent").err.startswith(
        "judgebench: unknown rule 'consistent': did you"
    )
    listed = judgebench("benchmarks", "list").out
    assert all(name in listed for name in BENCHMARKS)


def test_every_file_that_ships_is_whole():
    """Each has the name of its file, a licence, a reference and a rule, and its templates are there."""
    from judgebench.templates import load_template

    for name, where in BENCHMARKS.items():
        if where.endswith(".yaml"):
            benchmark = get_benchmark(name)
            assert isinstance(benchmark, Declared)
            assert (benchmark.name, where) == (name, f"{name}.yaml")
            assert benchmark.spec.license
            assert benchmark.spec.reference
            assert benchmark.spec.rule
            assert {load_template(each).mode for each in benchmark.templates.values()} == {*benchmark.templates}


def test_a_row_may_be_one_completion(tmp_path):
    """Rows of one id make an item, the correct one first, wherever they stand; steps are joined by lines."""
    rows = [
        {"pid": "1", "q": "p", "steps": ["a", "b"], "kind": "rejected"},
        {"pid": "2", "q": "r", "steps": ["long enough"], "kind": "chosen"},
        {"pid": "1", "q": "p", "steps": ["c"], "kind": "chosen"},
        {"pid": "2", "q": "r", "steps": ["x"], "kind": "rejected"},
    ]
    write_rows(tmp_path / "rows.jsonl", rows)
    columns = {"id": "pid", "prompt": "q", "response": "steps", "correct": "kind"}
    said = {"source": {"files": ["rows.jsonl"]}, "item": "best_of_k", "columns": columns, "rule": "reciprocal_rank"}
    path = tmp_path / "long.yaml"
    path.write_text(yaml.safe_dump(said), encoding="utf-8")
    run = jb.run(str(path), judge="offline/longest", out=tmp_path / "runs", cache_dir=tmp_path / "cache")
    assert [[each.text for each in item.completions] for item in run.items] == [["c", "a\nb"], ["long enough", "x"]]
    assert (run.metrics.score, run.metrics.extra["mrr"]) == (0.5, 0.75)
