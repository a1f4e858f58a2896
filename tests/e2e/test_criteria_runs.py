"""Criteria verdicts from rows to figures: in one call or one each, cached, resumed, joined, rescored, in juries."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from commands import judgebench, read_json, read_jsonl, write_jsonl, write_judges
from scripted import judge_of_rows

import judgebench as jb
from judgebench.runs.scoring import up_to_date

FOLDER = Path("runs/custom/mine/criteria/criteria")
EACH = Path("runs/custom/mine/criteria-each/criteria-each")
WEIGHTS = {"city": 3, "year": 2, "rude": -2}


def rows(count: int = 6) -> list[dict[str, object]]:
    """Answers that name the city, every second one the year too, and that are never rude."""
    return [
        {
            "id": f"q{at}",
            "prompt": f"Question {at}",
            "response": f"answer {at}",
            "criteria": [
                {"id": name, "text": f"It is about the {name}.", "weight": weight, "label": label}
                for (name, weight), label in zip(
                    WEIGHTS.items(), ("met", ["unmet", "met"][at % 2], "unmet"), strict=True
                )
            ],
        }
        for at in range(count)
    ]


def truth(at: int) -> dict[str, str]:
    """What the judge says of an answer: as people do, but that it finds the year in answer 2 as well."""
    return {"city": "met", "year": "met" if at % 2 or at == 2 else "unmet", "rude": "unmet"}


def by_number(request):
    """In the form that is asked for; about answer 5 it leaves the last criterion out."""
    at = int(request.text.rpartition("<answer>\nanswer ")[2].split()[0])
    verdicts = truth(at)
    if "<criterion>" in request.text:
        name = re.search(r"<criterion>\s*It is about the (\w+)\.", request.text)[1]
        return "Hm." if (at, name) == (5, "rude") else f"So.\nVerdict: {verdicts[name].upper()}"
    if at == 5:
        verdicts.popitem()
    return json.dumps({"reasoning": "So.", "verdicts": verdicts})


@pytest.fixture
def server():
    with judge_of_rows(by_number, rows()) as running:
        yield running


def run(*more: object):
    return judgebench("run", "custom", "--data", "rows.jsonl", "-j", "mine", *more)


def test_a_run_says_what_it_found(server):
    """Five items right but for one of three in q2; q5 has no verdict: (4 + 2/3) / 6, and 6 calls."""
    (metrics,) = run("--json").metrics
    assert metrics["score"] == pytest.approx((4 + 2 / 3) / 6)
    assert metrics["bounds"]["high"] == pytest.approx((5 + 2 / 3) / 6)
    assert (server.count, metrics["failures"]) == (6, {"unreadable": 1})
    assert metrics["labels"]["confusion"] == {
        "met": {"met": 7, "unmet": 0, "no verdict": 2},
        "unmet": {"met": 1, "unmet": 7, "no verdict": 1},
    }
    assert metrics["criteria"]["year"]["accuracy"]["score"] == pytest.approx(4 / 6)
    assert [*metrics["criteria"]] == ["city", "rude", "year"]
    weighted = metrics["weighted_score"]
    assert (weighted["score"], weighted["n"]) == (pytest.approx((0.6 + 1 + 1 + 1 + 0.6) / 5), 5)
    assert weighted["people"] == pytest.approx((0.6 + 1 + 0.6 + 1 + 0.6) / 5)
    assert metrics["controls"]["baselines"]["all met"]["score"] == pytest.approx(0.5)
    assert "one call for all criteria of an item" in metrics["notes"]


def test_a_call_for_each_criterion_says_so_and_loses_no_others(server):
    """18 calls; the one without a verdict costs q5 that criterion alone."""
    (metrics,) = run("-t", "criteria-each", "--json").metrics
    assert server.count == 18
    assert metrics["score"] == pytest.approx((4 + 2 / 3 + 2 / 3) / 6)
    assert (metrics["failures"], metrics["coverage"]) == ({"unreadable": 1}, pytest.approx(17 / 18))
    assert "one call for each criterion" in metrics["notes"]
    manifest = read_json(EACH / "manifest.json")
    assert manifest["protocol"]["each"] is True
    assert manifest["template"]["classes"]["shares"] == [1.0, 0.0]
    said = {(each["item"], *each["order"]): each.get("parts") for each in read_jsonl(EACH / "judgements.jsonl")}
    assert (said["q0", 1], said["q5", 2]) == ({"year": 0.0}, None)


def test_both_ways_are_compared_on_the_same_items(server):
    """In one grid; each is a run of its own, and the screens fit 80 columns."""
    ended = run("-t", "criteria", "-t", "criteria-each")
    assert ended.status == 0
    assert max(map(len, ended.out.splitlines())) <= 80
    for text in ("weighted score of the answers", "criterion   agreement", "label \\ verdict", "2 runs"):
        assert text in ended.out
    compared = judgebench("compare", FOLDER, EACH)
    assert compared.status == 0, compared.err
    assert "6 items" in compared.out
    table = judgebench("leaderboard", "runs").out
    assert "criteria-each" in table


def test_a_run_goes_on_where_it_was_killed(server):
    """A folder without its last judgements and figures asks for these alone, and has the same figures."""
    whole = run("-t", "criteria-each", "--json").metrics[0]
    lines = (EACH / "judgements.jsonl").read_bytes().splitlines(keepends=True)
    (EACH / "judgements.jsonl").write_bytes(b"".join(lines[:7]) + lines[7][:20])
    for name in ("metrics.json", "outcomes.jsonl"):
        (EACH / name).unlink()
    asked = server.count
    assert run("-t", "criteria-each", "--json").metrics[0]["criteria"] == whole["criteria"]
    assert server.count == asked
    assert up_to_date(jb.Run.load(EACH)).metrics.to_json()["weighted_score"] == whole["weighted_score"]


def test_the_cache_answers_and_the_budget_stops(server):
    """Nothing is asked twice; a run under a budget ends early with what it has."""
    run()
    asked = server.count
    run("--out", "other")
    assert server.count == asked
    write_judges(server.url, mine={"price": {"input": 1000.0, "output": 1000.0}})
    ended = run("-t", "criteria-each", "--budget", "0.9", "--refresh", "--cache-dir", "fresh")
    assert ended.status == 1
    assert "budget" in ended.err


def test_a_follow_up_asks_for_what_is_missing(server):
    """With the ids; here the judge leaves it out again."""
    run("--repair", "1")
    (last,) = (request for request in server.requests if len(request.messages) > 2)
    assert '"rude": "(met or unmet)"' in last.messages[-1]["content"]


def test_samples_are_decided_for_each_criterion(server):
    """Three alike make the same figures as one."""
    (mean,) = run("--json").metrics
    (joined,) = run("--samples", "3", "--aggregate", "majority", "--json").metrics
    assert joined["labels"]["confusion"] == mean["labels"]["confusion"]
    assert joined["score"] == mean["score"]


def test_replies_are_read_again_by_another_rule(server):
    """`partly` was none of the values: with one that knows it, every item has a verdict on each criterion."""
    server.answer = lambda request: by_number(request).replace('"year": "met"', '"year": "partly"')
    (before,) = run("--json").metrics
    assert judgebench("templates", "new", "half", "--mode", "criteria").status == 0
    text = Path("half.jinja").read_text(encoding="utf-8")
    Path("half.jinja").write_text(text.replace("{met: 1, unmet: 0}", "{met: 1, unmet: 0, partly: 1}"), encoding="utf-8")
    again = jb.rescore(FOLDER, template="half.jinja")
    assert before["failures"] == {"unreadable": 4}
    assert dict(again.metrics.failures) == {"unreadable": 1}
    with pytest.raises(jb.ConfigError, match="about one criterion or about all"):
        jb.rescore(FOLDER, template="criteria-each")


def test_a_jury_votes_on_each_criterion(server):
    """Two of three members are right on q2's year, so the jury is; no member and no jury has a verdict on all of q5."""
    members = {name: {"model": f"scripted/{name}"} for name in ("one", "two", "three")}
    write_judges(server.url, **members)
    server.answer = lambda request: (
        by_number(request)
        if request.model == "three" or "answer 2" not in request.text
        else json.dumps({"verdicts": truth(0)})
    )
    run_all = [word for name in members for word in ("-j", name)]
    judgebench("run", "custom", "--data", "rows.jsonl", *run_all)
    folders = [FOLDER.parents[1].with_name(name) / "criteria/criteria" for name in members]
    made = judgebench("jury", *folders, "--json")
    assert made.status == 0, made.err
    (folder,) = (each.parent for each in Path("runs").rglob("metrics.json") if "jury" in str(each))
    jury = read_json(folder / "metrics.json")
    assert jury["score"] == pytest.approx(5 / 6)
    assert jury["criteria"]["year"]["confusion"]["unmet"] == {"met": 0, "unmet": 3, "no verdict": 0}


def test_show_and_the_page_have_each_criterion(server):
    """The item with its criteria and what was said of each; the failure with what is missing."""
    run()
    shown = judgebench("show", FOLDER, "q2").out
    assert "It is about the year." in shown
    assert "year 1" in shown
    failed = judgebench("show", FOLDER).out
    assert "no verdict on rude (1 of 3" in failed
    assert judgebench("report", FOLDER, "--html", "page.html").status == 0
    page = Path("page.html").read_text(encoding="utf-8")
    assert "Criteria" in page
    wrong = judgebench("show", FOLDER, "--wrong").out
    assert "2 of 6 items with a label are not right" in wrong
    assert ["q2", "all", "year", "unmet", "year", "met", "0.667"] in [line.split() for line in wrong.splitlines()]


def test_recorded_replies_are_imported(server):
    """One for each item, about all of its criteria; the figures are those of the run."""
    (asked,) = run("--json").metrics
    replies = [{"id": each["item"], "reply": each["reply"]} for each in read_jsonl(FOLDER / "judgements.jsonl")]
    write_jsonl(Path("replies.jsonl"), replies)
    own = ("import", "replies.jsonl", "--benchmark", "custom", "--data", "rows.jsonl", "--template")
    made = judgebench(*own, "criteria")
    assert made.status == 0, made.err
    assert read_json(Path("runs/custom/replies/criteria/criteria/metrics.json"))["criteria"] == asked["criteria"]
    refused = judgebench(*own, "criteria-each")
    assert (refused.status, "one with verdict.of" in refused.err) == (2, True)


def test_a_score_says_nothing_of_criteria(server):
    """A reward model's number is neither a verdict on a criterion nor a weighted score."""
    write_jsonl(Path("scores.jsonl"), [{"id": f"q{at}", "scores": [at]} for at in range(6)])
    (metrics,) = judgebench("score", "scores.jsonl", "--benchmark", "custom", "--data", "rows.jsonl", "--json").metrics
    assert metrics["score"] is None
    assert not {"weighted_score", "criteria", "labels"} & {*metrics}


def test_a_benchmark_file_has_criteria(server):
    """The columns by name, the rule by name, a section for each subset."""
    own = [{"qid": r["id"], "q": r["prompt"], "a": r["response"], "points": r["criteria"], "of": "x"} for r in rows()]
    write_jsonl(Path("own.jsonl"), own)
    file = Path("mine.yaml")
    file.write_text(
        "source: {files: [own.jsonl]}\nitem: criteria\nrule: criteria_accuracy\nsections: {column: of}\n"
        "columns: {id: qid, prompt: q, response: a, criteria: points, subset: of}\n",
        encoding="utf-8",
    )
    assert judgebench("benchmarks", "lint", file).status == 0
    (metrics,) = judgebench("run", file, "-j", "mine", "--json").metrics
    assert metrics["sections"]["x"]["score"] == pytest.approx((4 + 2 / 3) / 6)
    file.write_text(file.read_text(encoding="utf-8").replace("criteria: points, ", ""), encoding="utf-8")
    refused = judgebench("benchmarks", "lint", file)
    assert refused.status != 0
    assert "needs criteria" in refused.out + refused.err


def test_mistakes_are_one_line_before_a_call(server):
    """A label of no class, and a row without criteria, with file and line."""
    some = rows()
    some[3]["criteria"][1]["label"] = "unmett"
    write_jsonl(Path("rows.jsonl"), some)
    ended = run()
    assert (ended.status, server.count) == (2, 0)
    assert "rows.jsonl line 4: criterion 'year' has the label 'unmett'" in ended.err
    assert "did you mean unmet?" in ended.err
    del some[3]["criteria"]
    write_jsonl(Path("rows.jsonl"), some)
    ended = run()
    assert (ended.status, server.count) == (2, 0)
    assert "item 'q3' has no criteria" in ended.err
