"""Shares and means corrected for a judge's errors: worked figures, slow references, and intervals that hold."""

import math
from statistics import NormalDist

import numpy as np
import pytest

from benchmarks.trust.estimate import holds
from judgebench.metrics.corrected import (
    METHODS,
    LabelledSample,
    corrected,
    labels_needed,
    lang_reiczigel,
    recommended,
)
from judgebench.metrics.isotonic import isotonic

NAN = math.nan
WORKED = LabelledSample(
    # 28 labelled: 1 true positive, 3 false negatives, 3 false positives, 21 true negatives; 40 of 248 more are positive
    [1] + [0] * 3 + [1] * 3 + [0] * 21 + [1] * 40 + [0] * 208,
    [1] * 4 + [0] * 24 + [NAN] * 248,
)


def drawn(seed, n=24, more=200, right=0.75):
    """Labels of zeros and ones, the judge's figures beside them, and those of items without labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n).astype(float)
    judged = np.where(rng.random(n) < right, labels, 1 - labels)
    return labels, judged, rng.integers(0, 3, more) / 2


def sample(labels, judged, rest, **options):
    """Labelled items first, then the others."""
    return LabelledSample(np.r_[judged, rest], np.r_[labels, np.full(len(rest), NAN)], **options)


@pytest.mark.parametrize(
    ("method", "figures"),
    [
        ("ppi", (0.161, 0.059, 0.371)),
        ("ppi_plus", (0.145, 0.065, 0.292)),
        ("rogan_gladen", (0.290, 0.0, 1.0)),
        ("calibrated", (0.145, 0.061, 0.305)),
    ],
)
def test_worked_figures(method, figures):
    """The worked example has its published figures at 90%; calibrated is 44 / 276 of 1/4 and 232 / 276 of 3/24."""
    found = corrected(WORKED, 0.9)[method]
    assert (found.value, found.low, found.high) == pytest.approx(figures, abs=5e-4)


def test_a_near_useless_judge_is_said_to_be_one():
    """Where TPR + TNR - 1 is not clearly above 0, Rogan-Gladen says that it cannot, with the reason."""
    assert corrected(WORKED, 0.9)["rogan_gladen"].note.startswith("cannot say: TPR + TNR - 1 is 0.125 (from 4 positive")


def test_lang_and_reiczigels_counts():
    """Their adjusted share at z = 1.645 is .062 less its shift, by their formula written out with the counts."""
    p, se, sp = (40 + 1.3528) / (248 + 2.7055), 2 / 6, 22 / 26
    share = (p + sp - 1) / (se + sp - 1)
    shift = 2 * 2.7055 * (share * se * (1 - se) / 6 - (1 - share) * sp * (1 - sp) / 26)
    spread = p * (1 - p) / 250.7055 + share**2 * se * (1 - se) / 6 + (1 - share) ** 2 * sp * (1 - sp) / 26
    middle, error = lang_reiczigel((40 / 248, 248), (1 / 4, 4), (21 / 24, 24), 1.64485)
    assert (share, middle) == (pytest.approx(0.062, abs=5e-4), pytest.approx(share + shift, abs=1e-4))
    assert error == pytest.approx(math.sqrt(spread) / (se + sp - 1), abs=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_ppi_is_that_of_ppi_python(seed):
    """PPI and PPI++ are what the formulas of ppi-python 0.2.3 give in loops, which was run beside them once."""
    labels, judged, rest = drawn(seed)
    n, more = len(labels), len(rest)
    plain = sum(rest) / more + sum(y - f for y, f in zip(labels, judged, strict=True)) / n
    mean_y, mean_f = sum(labels) / n, sum(judged) / n
    together = sum((y - mean_y) * (f - mean_f) for y, f in zip(labels, judged, strict=True)) / n
    pool = [*judged, *rest]
    spread = sum((f - sum(pool) / len(pool)) ** 2 for f in pool) / (len(pool) - 1)
    power = min(max(together / ((1 + n / more) * spread), 0), 1)
    tuned = power * sum(rest) / more + sum(y - power * f for y, f in zip(labels, judged, strict=True)) / n
    found = corrected(sample(labels, judged, rest))
    assert (found["ppi"].value, found["ppi_plus"].value) == pytest.approx((plain, tuned), abs=1e-9)


def test_ppis_interval_is_on_the_logit_scale():
    """Sample variances of the differences and of the rest's verdicts, on the scale of log-odds."""
    labels, judged, rest = drawn(4)
    found = corrected(sample(labels, judged, rest), 0.8)["ppi"]
    variance = np.var(labels - judged, ddof=1) / len(labels) + np.var(rest, ddof=1) / len(rest)
    half = NormalDist().inv_cdf(0.9) * math.sqrt(variance) / (found.value * (1 - found.value))
    ends = [math.log(end / (1 - end)) - math.log(found.value / (1 - found.value)) for end in (found.low, found.high)]
    assert ends == pytest.approx([-half, half])


def test_labels_alone_have_the_exact_interval():
    """Of 3 in 20 it is Clopper and Pearson's: the binomial tail beyond each end is 2.5%."""
    found = corrected(LabelledSample([0.0] * 20, [1.0] * 3 + [0.0] * 17))["labels"]

    def tail(p, counts):
        return sum(math.comb(20, k) * p**k * (1 - p) ** (20 - k) for k in counts)

    assert tail(found.low, range(3, 21)) == pytest.approx(0.025)
    assert tail(found.high, range(4)) == pytest.approx(0.025)


def test_unequal_draws_are_weighted():
    """A label that was drawn with a fifth of another's probability counts five times, in every method."""
    labels, judged = np.r_[np.ones(10), np.zeros(10)], np.r_[np.ones(8), np.zeros(12)]
    weighted = sample(labels, judged, np.ones(50), probabilities=[1.0] * 10 + [0.2] * 10 + [1.0] * 50)
    found = corrected(weighted)
    assert found["labels"].value == pytest.approx(10 / (10 + 50))
    everyone = (8 + 50) / 70
    assert found["ppi"].value == pytest.approx(everyone + (10 - 8) / 60)


def test_equal_probabilities_are_a_plain_draw():
    """One probability for all changes no figure."""
    labels, judged, rest = drawn(1)
    same = np.full(len(labels) + len(rest), 0.1)
    assert corrected(sample(labels, judged, rest, probabilities=same)) == corrected(sample(labels, judged, rest))


def test_items_that_are_alike_count_once():
    """Each item three times over, as one group, says no more than each once: as many independent labels."""
    labels, judged, rest = drawn(2, n=30)
    groups = np.repeat(np.arange(len(labels) + len(rest)), 3)
    thrice = sample(*(np.repeat(each, 3) for each in (labels, judged, rest)), clusters=groups)
    once, found = corrected(sample(labels, judged, rest)), corrected(thrice)
    assert thrice.independent == pytest.approx(30)
    for method in ("labels", "ppi", "ppi_plus", "calibrated"):
        assert found[method].value == pytest.approx(once[method].value, abs=0.01)
        assert found[method].high - found[method].low > 0.99 * (once[method].high - once[method].low)


def test_mirrored_classes_mirror_the_figures():
    """The share of fails is one less that of passes, with mirrored intervals, in every method."""
    labels, judged, rest = drawn(5, n=40)
    one, other = corrected(sample(labels, judged, rest)), corrected(sample(1 - labels, 1 - judged, 1 - rest))
    for method in METHODS:
        assert one[method].value == pytest.approx(1 - other[method].value)
        if method != "judge":
            assert (one[method].low, one[method].high) == pytest.approx((1 - other[method].high, 1 - other[method].low))


def test_the_judge_alone_claims_nothing():
    """Its figure has no interval, since no interval allows for its errors."""
    found = corrected(WORKED)["judge"]
    assert (found.value, found.low, found.high) == (pytest.approx(44 / 276), None, None)


def test_fewer_than_ten_labels_say_nothing():
    """Nothing is corrected then, nothing is recommended, and the number that is enough is said."""
    few = sample([1.0, 0.0] * 4, [1.0] * 8, np.ones(90))
    found = corrected(few)
    assert [name for name in METHODS if found[name].value is not None] == ["labels", "judge"]
    assert (recommended(found), labels_needed(few)) == (None, 20)
    assert found["ppi"].note == "cannot say: 8 labels; 20 labels would be enough"


def test_few_groups_are_few_labels():
    """Forty labels of four groups are four independent ones: ten times as many in such groups are not too many."""
    labels = np.tile([1.0, 0.0], 20)
    grouped = sample(labels, labels, np.ones(40), clusters=np.r_[np.repeat(range(4), 10), np.arange(4, 44)])
    assert recommended(corrected(grouped)) is None
    assert labels_needed(grouped) == 200


def test_a_judge_without_errors_is_not_believed_at_once():
    """Where labels and verdicts agree on all of 20 items, intervals still allow for errors that were not seen."""
    labels = np.tile([1.0, 0.0], 10)
    found = corrected(sample(labels, labels, np.tile([1.0, 0.0], 500)))
    assert found["ppi"].high - found["ppi"].low > 0.1
    assert "widened" in found["ppi"].note


def test_one_class_of_labels_has_no_rogan_gladen():
    """Without a negative label the judge's TNR is not known, and Rogan-Gladen has no figure."""
    found = corrected(sample(np.ones(30), np.ones(30), np.ones(70)))
    assert found["rogan_gladen"].value is None
    assert found["rogan_gladen"].note == "cannot say: no label is negative"
    assert found["labels"].high == 1.0


def test_power_tuning_ignores_a_judge_that_tells_nothing():
    """Verdicts that do not vary with the labels add nothing: PPI++ is the labels' mean."""
    found = corrected(sample([1.0, 0.0] * 15, [1.0] * 30, np.tile([1.0, 0.0], 100)))
    assert found["ppi_plus"].value == pytest.approx(0.5)


@pytest.mark.parametrize("odd", [0.0, -0.1, 1.5, NAN])
def test_a_probability_of_nothing_is_refused(odd):
    """Only items that could be drawn stand for others."""
    with pytest.raises(ValueError, match="probability"):
        LabelledSample([1.0, 0.0], [1.0, NAN], [odd, 1.0])


def test_isotonic_regression():
    """Each value is the largest over earlier starts of the smallest mean over later ends (Barlow's max-min)."""
    rng = np.random.default_rng(0)
    x, y, weights = np.arange(9.0), rng.random(9), rng.random(9)
    slow = [
        max(min(np.average(y[a : b + 1], weights=weights[a : b + 1]) for b in range(at, 9)) for a in range(at + 1))
        for at in range(9)
    ]
    assert isotonic(x, y, weights)(x).tolist() == pytest.approx(slow)


@pytest.mark.parametrize("options", [{"rate": 0.05}, {"right": 0.5, "cluster": 4, "labels": 60}], ids=str)
def test_intervals_hold(options):
    """With 20 labels of a rare class, or in groups with a useless judge, at least 93% of 95% intervals hold."""
    assert holds(80, seed=7, **options)["recommended"] >= 0.93 - 2 * math.sqrt(0.93 * 0.07 / 80)


def test_an_error_that_few_labels_show_may_be_more_frequent():
    """Where one of 20 labels shows an error that the judge makes in 18% of the items, PPI still holds the true 2%."""
    judged = [1.0] + [0.0] * 19 + [1.0] * 100 + [0.0] * 380
    found = corrected(LabelledSample(judged, [0.0] * 20 + [NAN] * 480))["ppi"]
    assert found.value > 0.1
    assert found.low <= 0.02


def test_unequal_draws_make_an_unseen_error_likelier():
    """Rogan-Gladen says nothing where one unseen error could count as much as all labels of a class."""
    judged = [1.0] * 6 + [0.0] * 30 + [0.5] * 100
    labels = [1.0] * 6 + [0.0] * 30 + [NAN] * 100
    likely = [0.02] * 6 + [0.9] * 30 + [1.0] * 100
    assert corrected(LabelledSample(judged, labels))["rogan_gladen"].sound
    assert not corrected(LabelledSample(judged, labels, likely))["rogan_gladen"].sound
