"""Label verdicts from rows to figures: run, cached, joined, rescored, compared, in juries; mistakes before a call."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from commands import judgebench, read_json, read_jsonl, write_jsonl, write_judges
from processes import Running
from scripted import Reply, ScriptedModels, judge_of_rows

import judgebench as jb
from judgebench.runs.scoring import up_to_date

MANY = 400
PLANTED = 1
"""So often the last message of the template itself words a pass."""

FOLDER = Path("runs/custom/mine/pass-fail/labels")


def rows(count: int = 12, **more: object) -> list[dict[str, object]]:
    """Answers of which every third fails."""
    return [
        {"id": f"q{at}", "prompt": f"Question {at}", "response": f"answer {at}", "label": "fail" if at % 3 else "pass"}
        | more
        for at in range(count)
    ]


def by_number(request):
    """Right but for the answers 1 and 3; the answer 5 has no verdict."""
    at = int(request.text.rpartition("<answer>\nanswer ")[2].split()[0])
    if at == 5:
        return "I would rather not decide."
    fails = bool(at % 3) is (at not in {1, 3})
    return f"Because of this.\nVerdict: {'FAIL' if fails else 'PASS'}"


@pytest.fixture
def server():
    with judge_of_rows(by_number, rows()) as running:
        yield running


def run(*more: object):
    return judgebench("run", "custom", "--data", "rows.jsonl", "-j", "mine", *more)


def test_a_label_run_says_what_it_found(server):
    """Of 8 that fail 6 are found, one passes and one has no verdict; of 4 that pass 3 do: 9 of 12 are right."""
    ended = run("--json")
    (metrics,) = ended.metrics
    labels = metrics["labels"]
    assert labels["confusion"] == {
        "pass": {"pass": 3, "fail": 1, "no verdict": 0},
        "fail": {"pass": 1, "fail": 6, "no verdict": 1},
    }
    assert (metrics["score"], labels["accuracy"]["score"]) == (0.75, 0.75)
    assert (labels["accuracy"]["low"], labels["accuracy"]["high"]) == (metrics["low"], metrics["high"])
    assert labels["recall"]["score"] == labels["specificity"]["score"] == 0.75
    assert metrics["bounds"]["low"] == 0.75
    assert metrics["bounds"]["high"] == pytest.approx(10 / 12)
    assert metrics["controls"]["baselines"]["always fail"]["score"] == pytest.approx(8 / 12)
    assert metrics["failures"] == {"unreadable": 1}
    assert read_json(FOLDER / "manifest.json")["template"]["classes"]["positive"] == "fail"


def test_the_end_of_a_run_fits_80_columns(server):
    """The figures that matter, and the confusion table."""
    out = run().out
    assert max(map(len, out.splitlines())) <= 80
    for said in ("fail (positive): recall 75.0%", "kappa 0.5", "label \\ verdict", "no verdict"):
        assert said in out


def test_the_same_again_takes_every_reply_from_the_cache(server):
    """And the folder alone has all of it: figures made again are the same."""
    run()
    asked = server.count
    again = run("--json", "--out", "other")
    assert server.count == asked
    finished = up_to_date(jb.Run.load(FOLDER))
    assert finished.metrics.to_json()["labels"] == again.metrics[0]["labels"]


def test_a_run_goes_on_where_it_was_cut_off(server):
    """A folder without its last judgements asks for these alone."""
    whole = run("--json").metrics[0]["labels"]
    lines = (FOLDER / "judgements.jsonl").read_bytes().splitlines(keepends=True)
    (FOLDER / "judgements.jsonl").write_bytes(b"".join(lines[:5]))
    asked = server.count
    assert run("--json").metrics[0]["labels"] == whole
    assert server.count == asked


def test_disagreements_are_listed(server):
    """Each with its label and its verdict."""
    run()
    out = judgebench("show", FOLDER, "--wrong").out
    assert "3 of 12 items with a label are not right (25.0%)" in out
    assert [line.split() for line in out.splitlines() if line.startswith("q")] == [
        ["q1", "all", "fail", "pass", "0"],
        ["q3", "all", "pass", "fail", "0"],
        ["q5", "all", "fail", "none", "0"],
    ]
    assert "verdict: fail" in judgebench("show", FOLDER, "q3").out


def test_grades_of_0_and_1_are_classes(server):
    """1 passes; a rating template keeps the correlation."""
    write_jsonl(Path("rows.jsonl"), [{**row, "human_score": int(row.pop("label") == "pass")} for row in rows()])
    (metrics,) = run("-t", "pass-fail", "--json").metrics
    assert (metrics["score"], metrics["measure"]) == (0.75, "share")
    (rated,) = judgebench(
        "run", "custom", "--data", "rows.jsonl", "-j", "offline/longest", "-t", "rating-10", "--json"
    ).metrics
    assert "labels" not in rated
    assert "pearson" in rated


def test_samples_are_aggregated_and_early_stop_saves_calls(server):
    """By majority; two samples that agree need no third."""
    (metrics,) = run("--samples", 3, "--aggregate", "majority", "--early-stop", "--json").metrics
    assert (metrics["score"], metrics["labels"]["confusion"]["pass"]["pass"]) == (0.75, 3)
    assert server.count == 11 * 2 + 3


def test_another_template_reads_the_replies_again(server):
    """One whose rule takes the reply without a verdict for a failing one; its classes must be the run's."""
    run()
    text = judgebench("templates", "show", "pass-fail").out
    Path("other.jinja").write_text(
        text.replace("name: pass-fail", "name: other").replace("(PASS|FAIL)'", "(PASS|FAIL)|(?:x)'")
    )
    ended = judgebench("rescore", FOLDER, "--template", "other.jinja", "--json")
    assert ended.status == 0, ended.err
    Path("third.jinja").write_text(
        text.replace("name: pass-fail", "name: third")
        .replace("FAIL: fail", "FAIL: bad")
        .replace("positive: fail", "positive: bad")
    )
    refused = judgebench("rescore", FOLDER, "--template", "third.jinja")
    assert refused.status == 2
    assert "has the classes pass, bad, the run pass, fail" in refused.err


def test_runs_are_compared_and_make_a_jury(server):
    """Paired on what is right; the jury of three has the class of two."""
    run()
    names = ["offline/first", "offline/random"]
    judgebench("run", "custom", "--data", "rows.jsonl", *(word for name in names for word in ("-j", name)))
    folders = [FOLDER, *(Path(f"runs/custom/{name.replace('/', '--')}/pass-fail/labels") for name in names)]
    compared = jb.compare(folders[0], folders[1])
    assert compared.agreement[0].of == "classes"
    assert compared.whole is not None
    made = judgebench("jury", *folders, "--json")
    assert made.status == 0, made.err
    verdicts = [
        {line["item"]: line.get("verdict") for line in read_jsonl(folder / "judgements.jsonl")} for folder in folders
    ]
    jury = Path(next(Path("runs/custom").glob("*jury*/pass-fail/*")))
    for line in read_jsonl(jury / "judgements.jsonl"):
        said = [each[line["item"]] for each in verdicts if each[line["item"]]]
        most = max({*said}, key=said.count)
        if 2 * said.count(most) > len(said):
            assert line["verdict"] == most
    assert json.loads((jury / "metrics.json").read_text())["labels"]["n"] == 12


def test_probabilities_rank_the_items():
    """The judge that always says pass gives failing answers .6 of the probability: a perfect ranking."""

    def sure(request):
        at = int(request.text.rpartition("<answer>\nanswer ")[2].split()[0])
        passes = 0.55 if at % 3 else 0.9
        return Reply("Verdict: PASS", logprobs=[("Verdict: ", {}), ("PASS", {"PASS": passes, "FAIL": 1 - passes})])

    with ScriptedModels(sure) as running:
        write_judges(running.url)
        write_jsonl(Path("rows.jsonl"), rows())
        (metrics,) = run("--logprobs", "--json").metrics
    labels = metrics["labels"]
    assert (labels["recall"]["score"], labels["roc_auc"]["score"], labels["average_precision"]["score"]) == (0, 1, 1)
    assert [each["threshold"] for each in labels["thresholds"]] == pytest.approx([0.45, 0.1], abs=1e-5)
    assert metrics["calibration"]["n"] == 12


@pytest.mark.parametrize(
    ("row", "more", "said"),
    [
        (
            {"label": "flunk"},
            (),
            "rows.jsonl line 3: label 'flunk' is not one of the classes of template 'pass-fail' (pass, fail)",
        ),
        ({"label": "psas"}, (), "did you mean pass? say it with --labels psas=pass"),
        ({"label": 1}, (), "say it with --labels 1=pass"),
        ({"label": "bad"}, (), "say it with --labels bad=fail"),
        ({"label": "not sure"}, (), """say it with --labels '"not sure"=CLASS'"""),
        ({"label": None, "human_score": 3}, ("-t", "pass-fail"), "human_score 3 is not one of the classes"),
        ({"label": None, "human_score": 1}, ("-t", "toxicity"), "human_score 1 does not say which of the classes"),
    ],
)
def test_a_gold_class_that_no_value_names_stops_the_run(server, row, more, said):
    """Before a call, with the row, the nearest class and the option that says it."""
    write_jsonl(Path("rows.jsonl"), [*rows(2, **({"label": None} if more else {})), rows(1)[0] | {"id": "x"} | row])
    ended = run("-t", "pass-fail", *more) if not more else run(*more)
    assert (ended.status, server.count) == (2, 0)
    assert said in " ".join(ended.err.split())
    assert len(ended.err.strip().splitlines()) == 1


def test_codes_are_explained_by_labels(server):
    """Also those of a column that is named."""
    coded = [{**row, "verdict_by_hand": int(row.pop("label") == "pass")} for row in rows()]
    write_jsonl(Path("rows.jsonl"), coded)
    (metrics,) = run(
        "--columns", "label=verdict_by_hand", "--labels", "1=pass,0=fail", "-t", "pass-fail", "--json"
    ).metrics
    assert metrics["score"] == 0.75


def test_a_pair_is_no_item_of_a_label_template(server):
    """One answer is put in a class."""
    write_jsonl(Path("rows.jsonl"), [{"prompt": "p", "chosen": "a", "rejected": "b"}])
    ended = run("-t", "pass-fail")
    assert ended.status == 2
    assert "has 2 completions, a label template shows 1" in ended.err


def test_a_corrected_class_counts(server):
    """q1 passes after all and q3 fails, as the judge said."""
    run()
    Path("fixes.csv").write_text("id,label,comment\nq1,pass,seen\nq3,flip,\nq2,keep,\n")
    ended = judgebench("rescore", FOLDER, "--labels", "fixes.csv", "--json")
    assert ended.status == 0, ended.err
    (corrected,) = (path for path in FOLDER.parent.glob("*/metrics.json") if path.parent != FOLDER)
    assert read_json(corrected)["labels"]["confusion"]["fail"] == {"pass": 0, "fail": 7, "no verdict": 1}
    Path("fixes.csv").write_text("id,label\nq1,psas\n")
    refused = judgebench("rescore", FOLDER, "--labels", "fixes.csv")
    assert (refused.status, "did you mean pass?" in refused.err) == (2, True)


def test_the_page_has_the_confusion_table(server):
    """And the classes that a reader may correct a label to."""
    run()
    ended = judgebench("report", FOLDER, "--html", "page.html")
    assert ended.status == 0, ended.err
    page = Path("page.html").read_text(encoding="utf-8")
    for said in ("Label verdicts", "Confusion", "balanced accuracy", "judged to be of each"):
        assert said in page


def test_rows_with_classes_are_kept_as_a_label_benchmark(server):
    """`data show` counts the classes, and the file that it writes runs."""
    ended = judgebench("data", "show", "rows.jsonl", "--save", "mine.yaml", "--json")
    assert json.loads(ended.out)["labels"] == {"fail": 8, "pass": 4}
    assert "item: label" in Path("mine.yaml").read_text(encoding="utf-8")
    (metrics,) = judgebench("run", "mine.yaml", "-j", "mine", "--json").metrics
    assert metrics["template"] == "pass-fail"


def test_a_judge_may_abstain(server):
    """Ten of twelve answered, nine of these rightly."""

    def unsure(request):
        at = int(request.text.rpartition("<answer>\nanswer ")[2].split()[0])
        return "Verdict: UNSURE" if at in {4, 6} else f"Verdict: {'PASS' if at in {0, 3, 9, 11} else 'FAIL'}"

    server.answer = unsure
    (metrics,) = run("-t", "pass-fail-unsure", "--json").metrics
    labels = metrics["labels"]
    assert (labels["answered"]["score"], labels["selective_accuracy"]["score"]) == (pytest.approx(10 / 12), 0.9)
    assert (metrics["score"], metrics["coverage"]) == (0.75, 1)
    assert "answered (not unsure): 83.3% of items, accuracy on these 90.0%" in run("-t", "pass-fail-unsure").out


def test_an_attack_on_labels_aims_at_the_first_class(server):
    """Only the 8 answers that fail are altered; a judge that obeys a planted verdict flips the 6 that it had failed."""

    def gullible(request):
        return "Verdict: PASS" if request.text.count("Verdict: PASS") > PLANTED else by_number(request)

    server.answer = gullible
    plain, attacked = run("--attack", "planted-verdict", "--json").metrics
    assert (plain["score"], attacked["altered"]) == (0.75, "attack-planted-verdict")
    assert attacked["labels"]["confusion"]["fail"]["pass"] == 8
    assert attacked["labels"]["confusion"]["pass"] == {"pass": 3, "fail": 1}
    flips = attacked["attack"]
    assert (flips["flips"], flips["toward"], flips["away"], flips["n"]) == (6, 6, 0, 7)
    again = judgebench("rescore", FOLDER.with_name("labels-attack-planted-verdict"), "--dry-run", "--json")
    assert again.status == 0, again.err


def test_nothing_to_attack_is_a_mistake(server):
    """Where all answers have the class that the attack aims at."""
    write_jsonl(Path("rows.jsonl"), [row | {"label": "pass"} for row in rows()])
    ended = run("--attack", "padding")
    assert (ended.status, "alters a rejected answer, and no item has one" in ended.err) == (2, True)
    assert server.count == 0


def test_a_killed_run_goes_on_where_it_was():
    """SIGKILL in the middle: the same command keeps the judgements that are there, and ends like a whole run."""
    write_jsonl(Path("rows.jsonl"), rows(MANY))
    command = ("run", "custom", "--data", "rows.jsonl", "-j", "offline/random", "-t", "pass-fail", "--seed", "1")
    running = Running(*command)
    file = Path("runs/custom/offline--random/pass-fail/labels/judgements.jsonl")
    while running.poll() is None and not (file.exists() and file.stat().st_size):
        time.sleep(0.01)
    running.kill()
    running.communicate()
    kept = [json.loads(line)["item"] for line in file.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    (metrics,) = judgebench(*command, "--json").metrics
    (whole,) = judgebench(*command, "--json", "--out", "others").metrics
    after = [line["item"] for line in read_jsonl(file)]
    assert 0 < len(kept) < MANY
    assert (after[: len(kept)], len(after), len({*after})) == (kept, MANY, MANY)
    assert (metrics["labels"], metrics["judgements"]) == (whole["labels"], MANY)
