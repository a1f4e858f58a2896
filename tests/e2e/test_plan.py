"""`judgebench plan`: from pilot runs or a guess to items, samples, labels and money."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

import pytest
from commands import judgebench, pairs
from finishedruns import judge_run, score_run, written_run
from scripted import judge_of_rows

import judgebench as jb


def planned(*arguments):
    ended = judgebench("plan", *arguments, "--json")
    assert ended.status == 0, ended.err
    return json.loads(ended.out)


def coin(*parts):
    """A number from 0 to 1 that hangs on these alone."""
    return int(hashlib.sha256(repr(parts).encode()).hexdigest()[:8], 16) / 2**32


def pilot(name, right, count=60, **asked):
    return written_run(name, pairs(count, ("alpacaeval-easy",)), lambda key, call: int(not right(key, call)), **asked)


def test_a_guess_without_a_pilot():
    """5 points at a discordance of 20%: 626 items by Connor's formula, 1,252 replies of two runs, no cost."""
    found = planned("--difference", 5, "--discordance", 0.2)
    (need,) = found["differences"]
    assert (need["items"], need["replies"], need["cost_usd"], need["items_low"]) == (626, 1252, None, None)
    assert found["sentence"].startswith("626 items show a difference of 5 points between two runs (80% power)")
    assert found["assumed"]["discordance"] == {"value": 0.2, "source": "given"}


def test_a_small_difference_is_named_as_it_was_asked():
    """0.04 points are not 0."""
    assert "items show a difference of 0.04 points between" in planned("--difference", 0.04)["sentence"]


def test_more_runs_need_more_items_by_holm():
    """Five runs are ten pairs: the level is 0.005, and the sentence says so."""
    found = planned("--difference", 5, "--runs", 5)
    assert found["alpha"] == pytest.approx(0.005)
    # ((2.80703 sqrt(.2) + .84162 sqrt(.1975)) / .05)^2 = 1061.9
    assert found["differences"][0]["items"] == 1062
    assert "any two of 5 runs" in found["sentence"]


def test_samples_and_orders_by_a_guess():
    """Retest 90% is a sample variance of .05: 3 samples save 2 x .05 x 2/3 of .2; both orders of 80% save .1."""
    found = planned("--difference", 5, "--retest", 0.9, "--consistency", 0.8)
    items = {(need["orders"], need["samples"]): need["items"] for need in found["differences"]}
    # ((1.95996 sqrt(v) + .84162 sqrt(v - .0025)) / .05)^2 + 20 step: v .1333 gives 416.1 + 6.7, v .1 311.5 + 10.
    assert (items[1, 1], items[1, 3], items[2, 1]) == (626, 423, 322)
    assert set(items) == {(orders, samples) for orders in (1, 2) for samples in (1, 3, 5)}


def test_labels_for_a_width_alone_and_with_a_judge():
    """Accuracy 85% at a rate of 1/2 is a correlation of .7: 402 labels alone, 209 with 10,000 verdicts."""
    found = planned("--width", 10, "--accuracy", 0.85)
    assert [(need["labels"], need["with_judge"], need["judged"]) for need in found["labels"]] == [(402, 209, 10_000)]
    assert found["differences"] == []


def test_two_pilot_runs_give_discordance_an_interval_and_the_cost():
    """Two runs that differ on 12 of 60 items, one reply each for $0.001: as many items as a guess of 20%."""
    runs = [pilot("one", lambda key, _: int(key.id) >= 6), pilot("two", lambda key, _: not 6 <= int(key.id) < 12)]
    (need,) = planned(*runs, "--difference", 5)["differences"]
    assert (need["items"], need["replies"], need["cost_usd"]) == (626, 1252, pytest.approx(1.252))
    # Wilson's interval of 12 in 60 is 11.83% to 31.78%: 369 (fewer by exact power) and 996 items by Connor.
    assert need["items_low"] == pytest.approx(369, rel=0.04)
    assert need["items_high"] == 996


def test_a_pilot_with_samples_says_what_more_samples_buy():
    """A judge whose verdicts are coins on a third of the items: samples are planned from its own noise."""

    def right(key, call):
        return coin(key.id, call.sample) < 0.5 if int(key.id) % 3 == 0 else int(key.id) % 7 != 0

    found = planned(pilot("noisy", right, samples=3), "--difference", 5)
    items = [need["items"] for need in found["differences"] if need["orders"] == 1]
    assert len(items) == 3
    assert items[0] > items[1] > items[2]
    ended = judgebench("plan", pilot("still", lambda key, _: int(key.id) % 3 > 0), "--difference", 5)
    assert "cannot say what more samples buy: give --retest SHARE, or a pilot with --samples 3" in ended.err


def test_groups_of_items_that_are_judged_alike_count_once():
    """Ten groups of six items, right or wrong together: the design effect is near 6, and so many more items."""
    rows = [
        {"id": str(n), "prompt": f"p{n}", "response_a": "x", "response_b": "y", "label": "A", "group": f"g{n // 6}"}
        for n in range(60)
    ]
    run = written_run("grouped", rows, lambda key, _: int(int(key.id) // 6 % 3 == 0), benchmark="custom")
    found = planned(run, "--difference", 10)
    effect = found["assumed"]["design effect"]
    assert effect["source"] == "from the pilot"
    # 60 items of variance p q 60/59 against 10 groups of p q 10/9: 6 x (10/9) / (60/59)
    assert effect["value"] == pytest.approx(6 * (10 / 9) / (60 / 59), rel=1e-6)


def test_so_many_items_detect_a_difference():
    """985 items at 20% detect 4.0 points, which needs 985 items again."""
    found = planned("--items", 985)
    size = found["differences"][0]["difference"]
    assert size == pytest.approx(3.99, abs=0.01)
    assert planned("--difference", size)["differences"][0]["items"] == pytest.approx(985, abs=3)
    assert "985 items detect differences of 4 points or more" in found["sentence"]


def test_a_detected_difference_is_no_larger_than_the_assumed_discordance():
    """20 items detect more than 20 points, so that two runs are taken to differ on so many."""
    found = planned("--items", 20)
    (need,) = found["differences"]
    assert need["difference"] == pytest.approx(100 * found["assumed"]["discordance"]["value"])


def test_in_python_a_plan_is_the_commands():
    """`jb.plan` with assumptions gives what the command prints."""
    found = jb.plan(difference=3, assume=jb.Assumptions(discordance=0.1))
    assert json.loads(json.dumps(found.to_json())) == planned("--difference", 3, "--discordance", 0.1)
    assert found.table().records[1][0][2] == found.differences[0].items


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--difference", 90], "a difference of 90 points is not possible"),
        (["--difference", 30, "--discordance", 0.2], "give --discordance 0.3 or more"),
        (["--width", 0], "--width"),
        (["--difference", 3, "--items", 50], "give either the difference or the number of items"),
        (["--retest", 0.9, "--consistency", 0.95], "lower the consistency"),
        (["--retest", 0.5, "--discordance", 0.2, "--difference", 3], "give a higher --discordance"),
        (["nowhere", "--difference", 3], "nowhere: folder not found"),
        (["--items", 4], "4 items detect no difference with a chance of 80%, not even one of 100 points: at least 5"),
        (["--items", 20, "--discordance", 0.1], "not so far apart; at least 66 items are needed"),
        (["--runs", 1], "--runs"),
        (["--accuracy", "nan"], "--accuracy"),
        (["--design-effect", 0.5], "--design-effect"),
        (["--differance", 3], "did you mean --difference?"),
    ],
)
def test_what_cannot_be_is_one_line(arguments, said):
    """Exit status 2, nothing on standard output, and what would be right."""
    ended = judgebench("plan", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err
    assert len(ended.err.splitlines()) == 1


def test_a_pilot_that_says_nothing_is_refused_with_what_would_do():
    """No verdicts, one item, no labels, runs that never differ, and runs of other benchmarks."""
    silent, one = pilot("silent", lambda *_: True, 12), pilot("single", lambda *_: True, 1)
    same = [pilot(name, lambda *_: True, 12) for name in ("same", "alike")]
    silent_verdicts = written_run("mute", pairs(12, ("alpacaeval-easy",)), lambda *_: -1)
    cases = [
        ([silent_verdicts], "no reply has a verdict"),
        ([one], "cannot say from 1 labelled item: a pilot needs 10 or more"),
        (same, "cannot say from 12 items on which the runs never differ (at most 24.2% of items differ, 95%)"),
        ([silent, one], "cannot say from 1 labelled item"),
        ([silent, silent], "named twice; name different runs"),
    ]
    for runs, said in cases:
        ended = judgebench("plan", *runs, "--difference", 3)
        assert (ended.status, ended.out) == (2, "")
        assert said in ended.err


def test_scores_and_judges_can_be_pilots_together():
    """A reward model's scores have no noise of samples and no price; the judge's price stands for all."""
    judge = judge_run("offline/longest", 12)
    scores = score_run("rm", [1, 0] * 6, pairs(12, ("alpacaeval-easy",)))
    found = planned(judge, scores, "--difference", 5)
    assert found["pilot_items"] == 12
    assert found["differences"][0]["cost_usd"] == 0


def test_more_samples_leave_the_noise_of_their_mean():
    """A retest of 60% is a variance of 0.2: means of 5 samples of two runs keep 2 x 0.2 / 5, in any case."""
    needs = planned("--difference", 3, "--retest", 0.6, "--discordance", 0.33)["differences"]
    (most,) = [each for each in needs if each["samples"] == 5]
    items = ((1.95996 * 0.08**0.5 + 0.84162 * (0.08 - 0.03**2) ** 0.5) / 0.03) ** 2 + 1 / 5 / 0.03
    assert most["items"] == math.ceil(items)


def test_noise_of_few_whole_items_says_nothing_of_samples():
    """All but 6 of 40 items have a failed reply: what more samples buy cannot be said."""
    says = lambda key, call: -1 if int(key.id) >= 6 and call.sample else int(coin(key.id, call) < 0.3)  # noqa: E731
    failing = written_run("failing", pairs(40, ("alpacaeval-easy",)), says, orders="both", samples=2)
    found = planned(failing, "--difference", 3)
    assert any("cannot say what more samples buy" in each for each in found["cannot"])


def test_a_jury_is_planned_with_the_replies_and_the_price_of_all_its_judges():
    """Three judges that reply once at 0.1 cents: 6 replies and 0.6 cents for an item of two such juries."""
    members = [pilot(name, lambda key, _: int(key.id) % 5, 12, orders="one", cost=0.001) for name in "abc"]
    ended = judgebench("jury", *members, "--json")
    assert ended.status == 0, ended.err
    (jury,) = Path("runs/rewardbench/jury-of-3").glob("*/*")
    (need,) = planned(jury, "--difference", 5)["differences"]
    assert need["replies"] == 6 * need["items"]
    assert need["cost_usd"] == pytest.approx(0.006 * need["items"])


def test_a_correlation_is_planned_from_two_runs():
    """The spread of its bootstrap stands for a variance; one run, a width and samples say nothing."""
    rows = [{"id": str(n), "prompt": f"p{n}", "response": f"r{n}", "human_score": n % 5 + 1} for n in range(30)]

    def rated(key, call, often):
        return int(key.id) % 5 + 1 if coin(often, key.id) > often else 3

    asked = {"benchmark": "custom", "templates": ["direct-assessment"], "samples": 2}
    runs = [
        written_run(name, rows, lambda key, call, often=often: rated(key, call, often), **asked)
        for name, often in (("one", 0.2), ("two", 0.4))
    ]
    found = planned(*runs, "--difference", 10)
    assert [(need["orders"], need["samples"]) for need in found["differences"]] == [(1, 2)]
    # 30 items detect the MDE of `compare`; a difference of 0.1 needs (MDE / 0.1)^2 times as many.
    expected = 30 * (jb.compare(*runs).whole.pairs[0].smallest / 0.1) ** 2
    assert found["differences"][0]["items"] == pytest.approx(expected, rel=0.2)
    assert "0.1 between two runs" in found["sentence"]
    for arguments, said in (([runs[0]], "cannot say from one run of a correlation"), ([*runs, "--width", 5], "--rate")):
        ended = judgebench("plan", *arguments)
        assert ended.status == 2
        assert said in ended.err


def test_a_pilot_of_labels_gives_the_correlation_and_the_rate():
    """Of 8 answers that pass 6 are said to, of 4 that fail 3: Matthews' coefficient is .478 by hand, the rate 1/3."""
    rows = [
        {"id": f"q{n}", "prompt": "p", "response": f"answer {n}", "label": "pass" if n < 8 else "fail"}
        for n in range(12)
    ]

    def says(request):
        at = int(request.text.rpartition("<answer>\nanswer ")[2].split()[0])
        return f"Verdict: {'PASS' if at < 6 or at == 8 else 'FAIL'}"

    with judge_of_rows(says, rows):
        ended = judgebench("run", "custom", "--data", "rows.jsonl", "-j", "mine", "-t", "pass-fail", "--json")
        assert ended.status == 0, ended.err
    assumed = planned("runs/custom/mine/pass-fail/labels", "--width", 20)["assumed"]
    # (6 x 3 - 2 x 1) / sqrt(8 x 4 x 7 x 5); the template's positive class is the one that fails
    coefficient = 16 / 1120**0.5
    assert assumed["correlation of verdict and label"] == {
        "value": pytest.approx(coefficient),
        "source": "from the pilot",
    }
    assert assumed["rate"] == {"value": pytest.approx(1 / 3), "source": "from the pilot"}
