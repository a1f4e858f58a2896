"""Runs over items that several people labelled: figures, page, rescoring, corrected labels, juries, and mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import judgebench, read_json, write_jsonl
from scripted import judge_of_rows

FOLDER = Path("runs/custom/mine/pass-fail/labels")


def gold(at: int) -> str:
    return "fail" if at % 3 else "pass"


def rows(count: int = 36) -> list[dict[str, object]]:
    """Answers of which every third passes; ann and bob say so, cat says the opposite of every fourth."""
    other = {"pass": "fail", "fail": "pass"}
    return [
        {
            "id": f"q{at}",
            "prompt": f"Question {at}",
            "response": f"answer {at}",
            "label": {"ann": gold(at), "bob": gold(at), "cat": gold(at) if at % 4 else other[gold(at)]},
        }
        for at in range(count)
    ]


def right(request):
    """What ann and bob say; the answer 5 has no verdict."""
    at = int(request.text.rpartition("<answer>\nanswer ")[2].split()[0])
    return "Hm." if at == 5 else f"Verdict: {gold(at).upper()}"


@pytest.fixture
def server():
    with judge_of_rows(right, rows()) as running:
        yield running


def run(*more: object):
    return judgebench("run", "custom", "--data", "rows.jsonl", "-j", "mine", *more)


def test_a_run_says_how_the_judge_stands_to_the_annotators(server):
    """The judge says what ann and bob say, and nothing of the answer 5; cat differs from them on 9 of the 36.

    Of an item on which all agree people have 1; of one on which cat differs ann and bob have half of a divided pair,
    and cat 0: (27 + 9/3) of 36. The judge has 1 but for the answer 5, and (1/2 + 1/2 + 1)/3: (26 + 9 * 2/3) of 36. All
    three are beaten: ann and bob never win where the judge does not, and cat loses 9 of the 35 with a verdict.
    """
    (metrics,) = run("--json").metrics
    found = metrics["annotators"]
    assert (found["people"], found["items"], found["labels"]) == (3, 36, 108)
    assert found["leave_one_out"]["people"]["score"] == pytest.approx(30 / 36)
    assert found["leave_one_out"]["judge"]["score"] == pytest.approx(32 / 36)
    test = found["alternative_annotator"]
    assert (test["epsilon"], test["winning_rate"], test["passes"]) == (0.2, 1.0, True)
    assert {name: each["items"] for name, each in test["annotators"].items()} == {"ann": 35, "bob": 35, "cat": 35}
    assert test["annotators"]["cat"]["annotator_wins"] == pytest.approx(26 / 35)
    assert test["without_verdict"] == 1
    assert [each["score"] for each in found["judge_kappa"]][:2] == [1.0, 1.0]


def test_the_terminal_and_the_page_show_it(server, monkeypatch):
    """Agreement, ceiling and test stand below the score in 80 columns, and in the page with a row an annotator."""
    monkeypatch.setenv("COLUMNS", "80")
    ended = run()
    said = " ".join(ended.out.split())
    assert "annotators: 3 on 36 items; Krippendorff's alpha" in said
    assert "judge 88.9% (95% CI" in said
    assert "alternative-annotator test (epsilon 0.2): passed, winning rate 1.00 (3 of 3 annotators)" in said
    assert max(map(len, ended.out.splitlines())) <= 80
    assert judgebench("report", FOLDER, "--html", "page.html").status == 0
    page = Path("page.html").read_text()
    assert "custom-annotators" in page
    assert "Alternative-annotator test" in page


def test_figures_are_kept_by_cache_rescoring_and_corrections(server):
    """A second run makes no call, and rescoring and a corrected label leave what people said as it is."""
    first = run("--json").metrics[0]["annotators"]
    assert run("--json").metrics[0]["annotators"] == first
    assert server.count == 36
    judgebench("rescore", FOLDER)
    assert read_json(FOLDER / "metrics.json")["annotators"] == first
    Path("fixed.csv").write_text("id,label\nq0,fail\n")
    assert judgebench("rescore", FOLDER, "--labels", "fixed.csv").status == 0
    corrected = next(path for path in Path("runs/custom").glob("**/metrics.json") if path.parent != FOLDER)
    assert read_json(corrected)["annotators"]["leave_one_out"] == first["leave_one_out"]
    assert read_json(corrected)["score"] < read_json(FOLDER / "metrics.json")["score"]


def test_mistakes_stop_before_a_call(server):
    """An annotator twice on an item, one with a single item, and an unknown class: status 2 with file, line and fix."""
    single = {"prompt": "p", "response": "r"}
    for data, said in (
        ([{"id": "a", **single, "label": "pass", "annotator": "ann"}] * 2, "rows.jsonl line 2: annotator 'ann' labels"),
        ([{"id": "a", **single, "label": {"ann": "pass", "bob": "fail"}}], "rows.jsonl line 1: annotator 'ann' labels"),
        (
            [{"id": at, **single, "label": {"ann": "pass", "bob": "fial"}} for at in "ab"],
            "rows.jsonl line 1: label 'fial' is not one of the classes of template 'pass-fail' (pass, fail): did you",
        ),
    ):
        write_jsonl(Path("rows.jsonl"), data)
        ended = run()
        assert (ended.status, server.count) == (2, 0)
        assert said in ended.err


def test_an_item_shows_what_each_annotator_said(server):
    """`show` names each annotator's label of an item."""
    run()
    assert "label: pass\nannotators: ann pass, bob pass, cat fail" in judgebench("show", FOLDER, "q0").out
