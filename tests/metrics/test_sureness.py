"""Calibration of probabilities: by hand, and of simulated judges whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest
from making import key, reading
from simulating import runs

from judgebench.items import Reading, Soft, Verdict
from judgebench.metrics.intervals import wilson
from judgebench.metrics.sureness import calibration, forecasts, vote_calibration

AB, BA = (0, 1), (1, 0)


def soft(order, sample=0, **probabilities):
    """A choice with probabilities."""
    value = max(probabilities, key=probabilities.get)
    return Reading(order, sample, Verdict(value, soft=Soft(tuple(probabilities.items()), 0.9)))


def rated(index, sample=0, **probabilities):
    """A rating with probabilities, named r1, r2, ..."""
    shares = {name.removeprefix("r"): share for name, share in probabilities.items()}
    value = float(max(shares, key=shares.get))
    return Reading((index,), sample, Verdict(value, soft=Soft(tuple(shares.items()), 0.9)))


def found(readings, **more):
    """Probability and right of each question, rounded."""
    return [(round(each.probability, 9), each.right) for each in forecasts(readings, key(**more))]


def test_the_top_completion_s_mean_probability_is_the_forecast():
    """0.9 shown first and 0.5 shown second are 0.7 for the correct one."""
    assert found([soft(AB, A=0.9, B=0.1), soft(BA, A=0.5, B=0.5)]) == [(0.7, 1.0)]


def test_a_tie_s_probability_is_shared():
    """0.2 + 0.4 / 2 against 0.4 + 0.4 / 2: the wrong one has 0.6."""
    assert found([soft(AB, A=0.2, B=0.4, tie=0.4)]) == [(0.6, 0.0)]


def test_equal_ones_are_half_right():
    """Any of the two may be taken."""
    assert found([soft(AB, A=0.5, B=0.5)]) == [(0.5, 0.5)]


def test_votes_stand_in_where_there_are_no_probabilities():
    """Three of four verdicts name the correct one."""
    readings = [reading(AB, word, at) for at, word in enumerate(["A", "A", "B", "A", "!empty"])]
    assert found(readings) == [(0.75, 1.0)]


def test_ratings_say_how_probably_one_is_the_higher():
    """8 or 5 evenly against 5 or 2 evenly: above in 3 of 4 cases, equal in one, which is shared: 0.875."""
    assert found([rated(0, r8=0.5, r5=0.5), rated(1, r5=0.5, r2=0.5)]) == [(0.875, 1.0)]


def test_three_equal_ratings_share_the_top():
    """A third each, and a third of them is correct."""
    ((probability, right),) = found([reading((at,), 7.0) for at in range(3)], k=3)
    assert (probability, right) == (pytest.approx(1 / 3), pytest.approx(1 / 3))


def test_without_a_rating_of_each_there_is_none():
    """Nor without a label."""
    assert found([reading((0,), 7.0), reading((1,), "!empty")]) == []
    assert found([soft(AB, A=0.9, B=0.1)], num_correct=0) == []
    assert calibration({}, {}) is None


def test_the_figures_by_hand():
    """Right with 0.9 and 0.9, wrong with 0.6: Brier (0.01 + 0.01 + 0.36) / 3; gaps 0.1 (of two) and 0.6 (of one).

    The surest two are right, the third is not: risks 0, 0, 1/3, of which the mean is 1/9.
    """
    readings = {"1": [soft(AB, A=0.9, B=0.1)], "2": [soft(AB, A=0.9, B=0.1)], "3": [soft(AB, A=0.4, B=0.6)]}
    figures = calibration(readings, {name: key(name) for name in readings})
    assert (figures["n"], figures["by_tokens"], figures["binning"]) == (3, 3, "10 of equal width")
    assert figures["brier"] == pytest.approx(0.38 / 3)
    assert figures["ece"] == pytest.approx((2 * 0.1 + 0.6) / 3)
    assert figures["aurc"] == figures["aurc_optimum"] == pytest.approx(1 / 9)
    assert figures["aurc_random"] == pytest.approx(1 / 3)
    assert figures["mass"] == pytest.approx(0.9)
    assert [at["risk"] for at in figures["risk_coverage"]] == pytest.approx([0, 0, 1 / 3, 1 / 3])


def voted(letters):
    """A question with so many verdicts in one order."""
    return [reading(AB, "tie" if letter == "=" else letter, at) for at, letter in enumerate(letters)]


def test_the_share_of_votes_as_probability():
    """Four of five right (0.8, 1) and a split of six (0.5, 0.5): Brier (0.04 + 0.25) / 2, ECE 0.2 / 2."""
    readings = {"a": voted("AAAAB"), "b": voted("AABBAB")}
    keys = {item: key(item) for item in readings}
    figures = vote_calibration(readings, keys)
    assert (figures["n"], figures["by_tokens"], figures["mass"]) == (2, 0, None)
    assert (figures["brier"], figures["ece"]) == (pytest.approx(0.145), pytest.approx(0.1))
    assert figures == calibration(readings, keys)


def test_less_than_five_verdicts_have_no_calibration_error():
    """Three of four are no probability, nor is one rating each; one with log-probabilities is: an error of 0.1."""
    keys = {item: key(item) for item in "abc"}
    readings = {"a": voted("AAAB"), "b": [rated(0, r8=1.0), reading((1,), 2.0)], "c": [soft(AB, A=0.9, B=0.1)]}
    figures = calibration(readings, keys)
    assert (figures["n"], figures["ece_n"], figures["ece"]) == (3, 1, pytest.approx(0.1))
    figures = vote_calibration(readings, keys)
    assert (figures["n"], figures["brier"], figures["ece_n"], figures["bins"]) == (1, 0.0625, 0, [])
    assert {figures[name] for name in ("ece", "ece_max", "ece_calibrated")} == {None}


def test_one_verdict_is_no_share():
    """Nothing is known of how often it would be the same."""
    assert vote_calibration({"1": [soft(AB, A=0.9, B=0.1)]}, {"1": key("1")}) is None


def test_five_ratings_each_are_a_probability():
    """Five samples of 8 and 5 evenly as can be against five of 5: 3 of 5 higher, 2 of 5 equal, which is shared."""
    readings = {
        "1": [
            reading((at,), said, n)
            for at in (0, 1)
            for n, said in enumerate([[8.0, 5.0][n % 2] for n in range(5)] if at == 0 else [5.0] * 5)
        ]
    }
    assert calibration(readings, {"1": key("1")})["probability"] == pytest.approx(0.6 + 0.4 / 2)


def test_the_votes_of_a_run_with_log_probabilities_are_its_letters():
    """Five times A with 0.6: a share of 1."""
    readings = {"1": [soft(AB, n, A=0.6, B=0.4) for n in range(5)]}
    assert vote_calibration(readings, {"1": key("1")})["probability"] == 1.0


def test_the_interval_of_overconfidence_by_hand():
    """Said 0.9 and right, 0.9 and right, 0.6 and wrong: -0.1, -0.1, 0.6, whose mean is 2/15 and variance 49/300.

    By 2/3 x 1/3 that is .735, and with two more 3.47/4 for the design effect: 2.3/3 less Wilson's ends of 2 in 3.
    """
    readings = {"1": [soft(AB, A=0.9, B=0.1)], "2": [soft(AB, A=0.9, B=0.1)], "3": [soft(AB, A=0.4, B=0.6)]}
    figures = calibration(readings, {name: key(name) for name in readings})
    right = wilson(2 / 3, 3 * 4 / 3.47)
    assert figures["overconfidence"] == pytest.approx(2 / 15)
    assert figures["overconfidence_low"] == pytest.approx(0.8 - right.high)
    assert figures["overconfidence_high"] == pytest.approx(0.8 - right.low)


def test_a_judge_that_is_sure_and_right_has_intervals_with_a_width():
    """Twenty right verdicts at .999: up to Wilson's 3.84/23.84 of them may be wrong."""
    readings = {str(n): [soft(AB, A=0.999, B=0.001)] for n in range(20)}
    figures = calibration(readings, {name: key(name) for name in readings})
    assert figures["overconfidence_high"] == pytest.approx(0.999 - 20 / 23.8415, abs=1e-4)
    assert figures["overconfidence_low"] == pytest.approx(-0.001)
    assert figures["brier_high"] == pytest.approx(3.8415 / 23.8415, abs=1e-4)


def test_questions_of_a_group_count_as_one():
    """Ten verdicts on items of one prompt each, and the same in twos: the interval is wider."""
    readings = {str(n): [soft(AB, A=0.8, B=0.2) if n % 4 < 2 else soft(AB, A=0.2, B=0.8)] for n in range(20)}
    apart, together = (
        calibration(readings, {str(n): replace(key(str(n)), group=group(n)) for n in range(20)})
        for group in (str, lambda n: str(n // 2))
    )
    widths = [each["overconfidence_high"] - each["overconfidence_low"] for each in (apart, together)]
    assert widths[1] > 1.2 * widths[0]


def test_one_item_says_nothing_on_calibration():
    """Its interval is as wide as can be."""
    figures = calibration({"1": [soft(AB, A=0.9, B=0.1)]}, {"1": key("1")})
    ends = [figures[f"{name}_{end}"] for name in ("brier", "overconfidence") for end in ("low", "high")]
    assert ends == [0.0, 1.0, -1.0, 1.0]


def judge(random, truthful, items=400):
    """Says a probability for each pair, which is the truth, or is surer by twice the log-odds."""
    readings, keys = {}, {}
    for at, p in enumerate(random.uniform(0.5, 1, items)):
        says = p if truthful else p**2 / (p**2 + (1 - p) ** 2)
        right = random.random() < p
        labels = {"A": says, "B": 1 - says} if right else {"A": 1 - says, "B": says}
        readings[str(at)] = [soft(AB, **labels)]
        keys[str(at)] = key(str(at))
    return calibration(readings, keys)


@pytest.mark.simulation
def test_a_judge_that_says_its_true_probability_is_calibrated():
    """Brier is E p(1-p) = 1/6, and the error no more than chance makes of 400 items: about 0.04, below 0.09 always."""
    found = [judge(np.random.default_rng(run), truthful=True) for run in range(runs(200))]
    assert np.mean([each["brier"] for each in found]) == pytest.approx(1 / 6, abs=0.003)
    assert np.mean([each["ece"] for each in found]) < 0.05
    assert max(each["ece"] for each in found) < 0.09


@pytest.mark.simulation
def test_a_judge_that_is_too_sure_is_found_out():
    """Its error is E |p^2 / (p^2 + (1-p)^2) - p|, by quadrature over p; chance adds a little."""
    p = np.linspace(0.5, 1, 100_001)
    truth = float(np.mean(p**2 / (p**2 + (1 - p) ** 2) - p))
    found = [judge(np.random.default_rng(run), truthful=False)["ece"] for run in range(runs(200))]
    assert np.mean(found) == pytest.approx(truth, abs=0.02)
    assert min(found) > 0.02


def test_both_orders_make_a_biased_judge_s_probabilities_truer():
    """Log-odds are 1 too high for the first: in one order Brier is worse than of the mean of both."""
    random = np.random.default_rng(1)
    one, both, keys = {}, {}, {}
    for at, p in enumerate(random.uniform(0.02, 0.98, 2_000)):
        odds = p / (1 - p)
        first = odds * np.e / (1 + odds * np.e)
        second = odds / np.e / (1 + odds / np.e)
        right = random.random() < p
        shown = AB if right else BA
        one[str(at)] = [soft(shown, A=first, B=1 - first)]
        both[str(at)] = [*one[str(at)], soft(shown[::-1], A=1 - second, B=second)]
        keys[str(at)] = key(str(at))
    assert calibration(both, keys)["brier"] < calibration(one, keys)["brier"]
