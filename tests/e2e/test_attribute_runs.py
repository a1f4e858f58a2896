"""Several grades an item: one call rates each attribute; runs, score files, comparisons and mistakes before a call."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import judgebench, read_json, read_jsonl, write_jsonl
from scripted import judge_of_rows

NAMES = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")
FOLDER = Path("runs/helpsteer2/mine/attributes/ratings")


def rows(count: int = 12) -> list[dict[str, object]]:
    """Rows in HelpSteer2's columns; the grades of item n are n % 5, but verbosity's, which runs the other way."""
    return [
        {"prompt": f"Question {at}?", "response": f"answer {at}"}
        | {name: at % 5 if name != "verbosity" else 4 - at % 5 for name in NAMES}
        for at in range(count)
    ]


def by_number(request):
    """The grades themselves, but always n % 5 for verbosity; the answer 5 has no verdict."""
    at = int(request.text.rpartition("<answer>\nanswer ")[2].split()[0])
    if at == 5:
        return "No."
    return json.dumps({"reasoning": "So.", "ratings": dict.fromkeys(NAMES, at % 5)})


@pytest.fixture
def server():
    with judge_of_rows(by_number, rows()) as running:
        yield running


def run(*more: object):
    return judgebench("run", "helpsteer2", "--data", "rows.jsonl", "-j", "mine", *more)


def test_one_call_rates_every_attribute(server):
    """12 calls for 12 items of five attributes: four correlate fully, verbosity inversely; the score is their mean."""
    (metrics,) = run("--json").metrics
    assert server.count == 12
    found = metrics["attributes"]
    assert [*found] == list(NAMES)
    assert [round(found[name]["pearson"], 9) for name in NAMES] == [1, 1, 1, 1, -1]
    assert metrics["score"] == pytest.approx(0.6)
    assert metrics["measure"] == "pearson"
    assert (found["helpfulness"]["accuracy"]["score"], found["helpfulness"]["unrated"]) == (11 / 12, 1)
    assert found["helpfulness"]["bounds"] == {"low": 11 / 12, "high": 1.0}
    assert metrics["failures"] == {"unreadable": 1}
    assert read_jsonl(FOLDER / "outcomes.jsonl")[1]["attributes.correctness"] == 1.0


def test_a_run_is_kept_resumed_and_read_again(server):
    """The same again makes no call, a run that was cut off asks the rest, and rescoring gives the same figures."""
    first = run("--json").metrics[0]["attributes"]
    lines = (FOLDER / "judgements.jsonl").read_text().splitlines(keepends=True)
    (FOLDER / "judgements.jsonl").write_text("".join(lines[:6]))
    again = run("--json", "--cache-dir", "elsewhere").metrics[0]["attributes"]
    assert (again, server.count) == (first, 18)
    assert judgebench("rescore", FOLDER, "--json").status == 0
    assert read_json(FOLDER / "metrics.json")["attributes"] == first


def test_the_terminal_has_a_table_of_attributes(server, monkeypatch):
    """A row for each attribute, in 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    ended = run()
    assert "attribute     Pearson r" in ended.out
    assert "1 of 12 items have no rating" in " ".join(ended.out.split())
    assert "5 of 60 grades have no rating" in " ".join(ended.out.split())
    assert max(map(len, ended.out.splitlines())) <= 80


@pytest.mark.parametrize(
    "row",
    [
        lambda at, row: {"id": at, "scores": {name: row[name] for name in NAMES}},
        lambda at, row: {"id": at, "score": [{name.title(): row[name] for name in NAMES}]},
        lambda at, row: {"id": at, **{name: row[name] for name in NAMES}},
    ],
    ids=["object", "list of one", "columns"],
)
def test_score_files_have_a_head_for_each_attribute(row):
    """An object of heads, in a list or not, and a column for each are the same scores."""
    write_jsonl(Path("rows.jsonl"), rows())
    write_jsonl(Path("scores.jsonl"), [row(str(at), each) for at, each in enumerate(rows(), 1)])
    ended = judgebench("score", "scores.jsonl", "--benchmark", "helpsteer2", "--data", "rows.jsonl", "--json")
    (metrics,) = ended.metrics
    assert metrics["score"] == pytest.approx(1.0)
    assert {each["accuracy"]["score"] for each in metrics["attributes"].values()} == {1.0}


def test_one_head_is_that_attributes_score():
    """`--head` takes one head: figures of that attribute alone."""
    write_jsonl(Path("rows.jsonl"), rows())
    scores = [{"id": str(at), "scores": {name: each[name] for name in NAMES}} for at, each in enumerate(rows(), 1)]
    write_jsonl(Path("scores.jsonl"), scores)
    score = ("score", "scores.jsonl", "--benchmark", "helpsteer2", "--data", "rows.jsonl", "--json")
    (metrics,) = judgebench(*score, "--head", "verbosity").metrics
    assert metrics["attributes"]["verbosity"]["pearson"] == pytest.approx(1.0)
    assert metrics["attributes"]["helpfulness"]["pearson"] is None
    missing = [{"id": each["id"], "scores": {"helpfulness": 1}} for each in scores]
    write_jsonl(Path("scores.jsonl"), missing)
    ended = judgebench(*score)
    assert ended.status == 2
    assert "scores.jsonl line 1: has no score of correctness, coherence, complexity, verbosity" in ended.err


def test_runs_are_compared_by_their_mean_correlation(server):
    """Two runs over the same items are compared, and a page shows each attribute."""
    run()
    write_jsonl(Path("scores.jsonl"), [{"id": str(at), **each} for at, each in enumerate(rows(), 1)])
    judgebench("score", "scores.jsonl", "--benchmark", "helpsteer2", "--data", "rows.jsonl")
    other = Path("runs/helpsteer2/scores/scores")
    assert "+0.4" in judgebench("compare", other, FOLDER).out
    assert judgebench("report", FOLDER, other, "--html", "page.html").status == 0
    assert "helpsteer2-attributes" in Path("page.html").read_text()


def test_a_template_that_rates_other_attributes_is_a_mistake(server):
    """Names that have nothing in common stop before a call; a single rating is compared with each, and said."""
    Path("mine.jinja").write_text(
        "---\nname: mine2\nmode: rating\nverdict:\n  pattern: '<r>(.*?)</r>'\n  scale: [0, 4]\n"
        "  criteria: {helpfulnes: 1}\n  example: '<r>helpfulnes: 3</r>'\n---\n{% block user %}{{ prompt }} "
        "{{ completions[0].text }} <r>helpfulnes: 3</r>{% endblock %}\n"
    )
    ended = run("-t", "mine.jinja")
    assert (ended.status, server.count) == (2, 0)
    assert "did you mean helpfulnes?" in ended.err
    assert "one rating, which is compared with the grade of each attribute" in " ".join(
        run("-t", "rating-10", "--dry-run").err.split()
    )
