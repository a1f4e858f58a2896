"""What a page says, and its file: without a browser."""

from __future__ import annotations

import base64
import gzip
import html
import importlib.util
import json
import re
import shlex
from pathlib import Path

import pytest
from commands import REPOSITORY, best_of_four, judgebench, pairs, ties, write_jsonl
from finishedruns import judge_run, score_run, written_run

import judgebench as jb
from judgebench.pages.reproduction import command
from judgebench.runs import calibration_line
from judgebench.runs.manifest import Manifest


def block(name: str, path: str = "page.html"):
    """A block of data, as a browser reads it."""
    found = re.search(f'<script type="text/plain" id="data-{name}">(.*?)</script>', Path(path).read_text(), re.DOTALL)
    return json.loads(gzip.decompress(base64.b64decode(found[1])))


def figures(path: str = "page.html"):
    """The figures' data by their names without the benchmark."""
    return {each["id"].split("-", 1)[1]: each for each in block("figures", path)}


def shown(path: str = "page.html") -> str:
    """The text of the page, tags and scripts left out."""
    text = re.sub(r"<(script|style)\b.*?</\1>", "", Path(path).read_text(), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def right(share: float, k: int = 2):
    """A judge that is right on the first items up to this share of 40."""
    return lambda key, _: 0 if int(key.id.split("-")[-1]) < share * 40 else k - 1


def first_run(count: int = 8) -> Path:
    """A judge that takes the first shown, without a price."""
    return written_run("first", pairs(count), lambda _, call: call.order[0], cost=0.0)


def test_the_best_and_how_sure_is_what_compare_says():
    """The difference, its interval and the corrected p are those of `judgebench compare` over the same runs."""
    runs = [written_run(f"judge{n}", pairs(40), right(share)) for n, share in enumerate((0.9, 0.5, 0.4))]
    jb.report_page(runs, "page.html")
    whole = jb.compare(runs).whole
    difference, adjusted = whole.pairs[0], whole.adjusted[0]
    text = shown()
    assert f"+{100 * difference.difference:.1f} points" in text
    assert f"{100 * difference.low:+.1f} to {100 * difference.high:+.1f}" in text
    rows = [row for row in figures()["differences"]["rows"] if row[0] == "score"]
    assert [row[3:9] for row in rows] == [
        [each.difference, each.low, each.high, each.p, p, each.smallest]
        for each, p in zip(whole.pairs, whole.adjusted, strict=True)
    ]
    assert (" significant " in text) == (adjusted <= 0.05)
    assert f"p = {adjusted:.3f} after Holm&#39;s correction for 3 pairs" in text or "p &lt;0.001" in text


def test_runs_that_cannot_be_told_apart_are_said_to():
    """One item of difference among 40 is chance; the cheaper of the two is named."""
    dear = written_run("dear", pairs(40), right(0.9), cost=0.5)
    cheap = written_run("cheap", pairs(40), right(0.875), cost=0.001)
    jb.report_page([dear, cheap], "page.html")
    text = shown()
    assert "not significant" in text
    assert "Not significantly different from it: cheap with template pairwise." in text
    assert "cheapest not significantly different: cheap with template pairwise, $0.040" in text


def test_two_best_runs_are_spoken_of_as_two():
    """Both have 36 of 40 right, the same ones; the third has 34, and is not told apart from either."""
    runs = [written_run(f"judge{n}", pairs(40), right(share)) for n, share in enumerate((0.9, 0.9, 0.85))]
    jb.report_page(runs, "page.html")
    text = shown()
    assert "judge0 with template pairwise and judge1 with template pairwise have the best score" in text
    assert "Not significantly different from at least one of these: judge2" in text


def test_the_first_card_is_what_pick_says():
    """The cheapest of two equal judges, in the words of `judgebench pick`; a single run has no such card."""
    runs = [written_run(name, pairs(400), right(10), cost=cost) for name, cost in (("big", 0.5), ("small", 0.001))]
    jb.report_page(runs, "page.html")
    text = shown()
    assert text.index("Pick: cheapest within the margin small") < text.index("Best ")
    assert jb.pick(runs).overall.sentence in html.unescape(text)
    jb.report_page([runs[0]], "page.html")
    assert "Pick:" not in shown()


def test_a_single_run_stands_beside_what_is_reached_without_judging():
    """There is nothing to compare with but the baselines."""
    jb.report_page([judge_run("offline/longest", 12)], "page.html")
    text = shown()
    assert "offline/longest with template pairwise scores" in text
    assert "Best baseline" in text


def test_scores_alone_make_a_page():
    """A reward model has no judgements; its items, scores and sureness are there."""
    jb.report_page([score_run("rm", [1, 1, 0, 1])], "page.html")
    entry = block("items-0")[2]
    assert entry["runs"]["0"] == {"calls": [], "scores": [[0.0, 0.5]]}
    assert "surest" in figures()
    assert "a reward model" in shown()


def test_runs_of_several_benchmarks_have_a_chapter_each():
    """RewardBench and RewardBench 2 with its Ties, whose margins are drawn."""
    two = [*best_of_four(4), *ties(1)]
    graded = written_run(
        "rater", two, lambda key, call: 9 - call.order[0], benchmark="rewardbench-2", templates=["rating-10"]
    )
    jb.report_page([first_run(), graded], "page.html")
    ids = {each["id"] for each in block("figures")}
    assert {"rewardbench-sections", "rewardbench-2-sections", "rewardbench-2-ties"} <= ids
    margins = next(each for each in block("figures") if each["id"] == "rewardbench-2-ties")
    # The one correct of four is rated 9, the best incorrect 8; of the three correct 9, 8, 7, the best incorrect 6.
    assert [(row[1], row[3], row[4]) for row in margins["rows"]] == [("ref:1", 1.0, 0.0), ("tied:1", 1.0, 2.0)]


def test_rm_bench_has_its_matrix():
    """As in metrics.json."""
    data = REPOSITORY / "tests" / "data" / "rm-bench.jsonl"
    rows = [json.loads(line) for line in data.read_text().splitlines()]
    run = jb.Run.load(written_run("judge", rows, lambda _, call: call.order[0], benchmark="rm-bench"))
    jb.report_page([run], "page.html")
    (found,) = (each for each in block("figures") if each["id"] == "rm-bench-matrix")
    assert [row[3] for row in found["rows"]] == [share for row in run.metrics.extra["matrix"] for share in row]


def test_what_has_nothing_to_show_is_named_with_the_reason():
    """Rather than an empty plot."""
    jb.report_page([first_run()], "page.html")
    text = shown()
    assert "Failures by kind: every judgement of every run here has a verdict" in text
    assert "Score against cost: no run here has a known price above 0" in text


def test_plots_are_in_the_page_of_the_plain_install():
    """Each once, as SVG in the file itself; there is no library in it."""
    jb.report_page([written_run(f"judge{n}", pairs(40), right(n / 3), cost=0.01 * n) for n in (1, 2)], "page.html")
    text = Path("page.html").read_text()
    plots = re.findall(r'<div class="plot" data-figure="([^"]+)">', text)
    assert {"rewardbench-differences", "rewardbench-cost", "rewardbench-sections"} <= set(plots)
    assert len(plots) == len(set(plots))
    assert text.count('<svg class="chart') == len(plots) - 1  # the heat map of agreement is a table
    assert Path("page.html").stat().st_size < 200_000


def test_labels_that_are_not_there_leave_the_score_out():
    """Agreement and biases are still shown."""
    rows = [{"id": str(n), "subset": "s", "prompt": f"Q {n}", "completions": ["one", "two"]} for n in range(8)]
    runs = [written_run(f"judge{n}", rows, lambda *_, n=n: n, benchmark="custom") for n in range(2)]
    jb.report_page(runs, "page.html")
    assert "These items have no labels, so there is no score" in shown()
    assert "agreement" in figures()


@pytest.mark.parametrize(
    ("rating", "said"),
    [
        (-1, "No reply here has a verdict, so there is no score: the failures by kind say why."),
        (5, "There is no score, which for graded items is a correlation: that needs several ratings that differ"),
    ],
    ids=["all failed", "all the same"],
)
def test_why_items_with_labels_have_no_score(rating, said):
    """The items have grades: it is the replies that give no correlation."""
    rows = [{"id": str(n), "prompt": f"Q {n}", "response": "one", "human_score": n} for n in range(4)]
    run = written_run("rater", rows, lambda *_: rating, benchmark="custom", templates=["rating-10"])
    jb.report_page([run], "page.html")
    assert said in shown()
    assert "no labels" not in shown()


def test_an_item_that_several_runs_have_is_there_once():
    """Also where one run has more items; of runs over other texts, each text."""
    few, many = (written_run(f"judge{n}", pairs(n), right(1)) for n in (4, 6))
    changed = [each | {"prompt": f"Another {each['id']}?"} for each in pairs(4)]
    other = written_run("other", changed, right(1))
    jb.report_page([few, many, other], "page.html")
    index = block("items")
    assert len(index["items"]["id"]) == 6 + 4
    calls = {run["title"]: result["calls"] for run, result in zip(index["runs"], index["results"], strict=True)}
    assert {title: sum(n is not None for n in column) for title, column in calls.items()} == {
        "judge4": 4,
        "judge6": 6,
        "other": 4,
    }


def test_twelve_runs_at_once():
    """Every run has its place in every part."""
    runs = [written_run(f"judge{n:02}", pairs(8), right(n / 24)) for n in range(12)]
    jb.report_page(runs, "page.html")
    assert len(block("items")["runs"]) == 12
    assert len(figures()["runs"]["rows"]) == 12
    assert len(figures()["agreement"]["rows"]) == 66


def test_follow_up_turns_are_in_the_messages():
    """A reply that could not be read, and the request for the verdict alone, stand before the second reply."""
    run = written_run("judge", pairs(2), right(1))
    lines = [json.loads(line) for line in (run / "judgements.jsonl").read_text().splitlines()]
    first = lines[0] | {"failure": {"kind": "unreadable", "detail": "nothing"}, "reply": "Well, hm."}
    del first["verdict"]
    lines = [first, lines[0] | {"turn": 1}, *lines[1:]]
    (run / "judgements.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    jb.report_page([run], "page.html")
    call = block("items-0")[0]["runs"]["0"]["calls"][0]
    assert call["earlier"] == ["Well, hm."]
    roles = [role for role, _ in block("wordings")[call["wording"]]]
    assert roles[-3:] == ["user", "assistant", "user"]
    assert block("wordings")[call["wording"]][-2] == ["assistant", [["e", 0]]]


def test_the_file_is_at_most_half_as_large_again_as_the_records():
    """With texts of the length of RewardBench's."""
    spec = importlib.util.spec_from_file_location("page_benchmark", REPOSITORY / "benchmarks" / "page.py")
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    run = benchmark.made_run(250)
    page = jb.report_page([run], "page.html")
    assert benchmark.sizes(run, page)["ratio"] <= 1.5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["RUN", "--html"], "requires an argument"),
        (["RUN", "--html", "missing/page.html"], "cannot be written"),
        (["RUN", "--html", "."], "is a folder"),
        (["RUN", "--htlm", "page.html"], "no such option --htlm; did you mean --html?"),
        (["nowhere", "--html", "page.html"], "folder not found"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(arguments, said):
    """Exit status 2, no page, no traceback."""
    run = first_run()
    ended = judgebench("report", *(str(run) if each == "RUN" else each for each in arguments))
    assert ended.status == 2
    assert said in ended.err
    assert len(ended.err.strip().splitlines()) <= 2
    assert not Path("page.html").exists()


def test_a_run_that_was_cut_off_is_refused_in_one_line():
    """It has no outcomes yet; the mend is said."""
    run = first_run()
    (run / "outcomes.jsonl").unlink()
    ended = judgebench("report", run, "--html", "page.html")
    assert (ended.status, Path("page.html").exists()) == (2, False)
    assert "the run was cut off" in ended.err


def test_an_interrupted_run_is_shown_as_one():
    """Its state is said on the page."""
    run = first_run()
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(manifest | {"state": "interrupted"}))
    jb.report_page([run], "page.html")
    assert "the run is interrupted" in shown()


def test_the_tables_are_printed_as_well():
    """The page is one more thing that the command writes."""
    run = first_run()
    with_page, without = judgebench("report", run, "--html", "page.html"), judgebench("report", run)
    assert with_page.out == without.out


def test_the_same_runs_make_the_same_page():
    """Byte for byte: no time is in it."""
    run = first_run()
    jb.report_page([run], "one.html")
    jb.report_page([run], "two.html")
    assert Path("one.html").read_bytes() == Path("two.html").read_bytes()


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        (
            {
                "benchmark": "custom",
                "judge": {"name": "a b"},
                "template": {"name": "t"},
                "data": {"source": "x y.csv"},
                "protocol": {"orders": "one"},
            },
            "judgebench run custom --judge 'a b' --template t --data 'x y.csv' --orders one",
        ),
        (
            {"benchmark": "rewardbench", "scores": {"name": "rm", "file": "s.jsonl"}, "data": {"source": "sample"}},
            "judgebench score s.jsonl --benchmark rewardbench --name rm --data sample",
        ),
        (
            {
                "benchmark": "rm-bench",
                "judge": {"name": "j"},
                "template": {"name": "pairwise"},
                "data": {"source": "org/set", "revision": "abc", "split": "test"},
                "selection": {"subsets": ["chat"], "limit": 5},
                "protocol": {"orders": "both", "samples": 3, "join": "majority", "early_stop": True, "repair": 0},
                "seed": 4,
                "altered": {"kind": "attack", "name": "padding"},
            },
            (
                "judgebench run rm-bench --judge j --template pairwise --data org/set@abc:test --subset chat --limit 5 "
                "--orders both --samples 3 --aggregate majority --early-stop --seed 4 --attack padding"
            ),
        ),
    ],
)
def test_the_command_that_makes_a_run_again(manifest, expected):
    """Quoted for a shell, with what is not the default."""
    assert command(Manifest.model_validate(manifest)) == expected


def test_the_command_makes_the_same_run():
    """Given elsewhere, it makes a run of the same identity."""
    data = write_jsonl(Path("rows.jsonl"), pairs(12))
    options = ("--orders", "both", "--samples", "2", "--seed", "3", "--limit", "6", "--subset", "donotanswer")
    ended = judgebench("run", "rewardbench", "-j", "offline/longest", "--data", data, *options)
    assert ended.status == 0, ended.err
    (manifest,) = (json.loads(path.read_text()) for path in Path("runs").rglob("manifest.json"))
    words = shlex.split(command(Manifest.model_validate(manifest)))
    assert judgebench(*words[1:], "--out", "again").status == 0
    (again,) = (json.loads(path.read_text()) for path in Path("again").rglob("manifest.json"))
    assert again["identity"] == manifest["identity"]
    assert again["selection"] == manifest["selection"]


def test_a_template_of_ones_own_is_named_by_the_file_that_the_run_keeps():
    """Its name alone would find nothing elsewhere."""
    front = "---\nname: own\nmode: pairwise\nverdict: {pattern: '\\[\\[([AB])\\]\\]', example: '[[A]]'}\n---\n"
    answers = "{% for c in completions %}{{ c.text }}{% endfor %}"
    Path("own.jinja").write_text(front + "{% block user %}{{ prompt }} " + answers + "{% endblock %}")
    run = written_run("judge", pairs(4), right(1), templates=["own.jinja"])
    jb.report_page([run], "page.html")
    assert f"--template {run}/template.jinja --data" in shown()


def test_the_page_names_its_own_command():
    """With every run, quoted for a shell."""
    run = written_run("a judge", pairs(4), right(1))
    jb.report_page([run], "page.html")
    assert f"judgebench report &#39;{run}&#39; --html page.html" in shown()


def test_a_significant_bias_stands_out():
    """The row of a judge that always takes the first is bold; a row of one that never looks at places isn't."""
    jb.report_page([first_run(40), written_run("fair", pairs(40), lambda *_: 0, orders="both")], "page.html")
    rows = re.findall(
        r"<tr( class=\"strong\")?><th scope=\"row\">(\w+)</th><td>(.*?)</td>", Path("page.html").read_text()
    )

    assert ('class="strong"', "first", "position bias (first slot)") in [(c.strip(), *rest) for c, *rest in rows]
    assert not [row for row in rows if row[0] and row[1] == "fair"]


def test_a_judge_that_is_less_sure_than_right_has_positive_ends():
    """The words have the sign: 13.2 points under, from 10.1 to 15.6."""
    found = {"n": 9, "brier": 0.1, "ece": 0.1, "binning": "10 of equal width", "risk_coverage": [], "aurc": 0.1}
    found |= {"overconfidence": -0.132, "overconfidence_low": -0.156, "overconfidence_high": -0.101}

    assert "underconfident by 13.2 points (95% CI 10.1 to 15.6)" in calibration_line(found)
