"""The named rules: slow plain references, any order of items, and a better answer never lowers a score."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from statistics import fmean

import pytest
from hypothesis import given, settings, strategies as st
from scoring import chose, failed, pair_key, rated
from sklearn.metrics import precision_recall_fscore_support, roc_auc_score

from judgebench.benchmarks.registry import AVERAGES, RULES, rules_for
from judgebench.benchmarks.right_against_wrong import best_of_k, pairs_of
from judgebench.benchmarks.three_way import CLASSES
from judgebench.items import ItemKey, Reading, Verdict
from judgebench.metrics.accuracy import Layout, point_score

SWAPPED = (1, 0)
SCORED = [name for name, rule in RULES.items() if {"pair", "best_of_k"} & {*rule.items} and name != "three_way"]
"""Rules of several answers whose credit rises with the score of the right one; three_way has ties in the middle."""
PAIR_RULES = ("strict_pair", "order_accuracy", "order_votes", "consistent_accuracy", "three_way", "aces_tau")
ANY = st.sampled_from([0, 1, None, "failed"])
BOTH = st.tuples(ANY, ANY)


def tied_key(identifier: str = "1") -> ItemKey:
    return ItemKey(identifier, "s", k=2, num_correct=0, lengths=(3, 4), label="tie")


def many(k: int, num_correct: int = 1, identifier: str = "1", criteria: str | None = None) -> ItemKey:
    return ItemKey(identifier, "s", k=k, num_correct=num_correct, lengths=(1,) * k, criteria=criteria)


def asked(said: object, order: tuple[int, ...]) -> Reading:
    """The reading of a pair: the completion that won, None for a tie, or `failed`."""
    return failed(order) if said == "failed" else chose(said, order)  # type: ignore[arg-type]


def both(said: tuple[object, object]) -> list[Reading]:
    return [asked(each, order) for each, order in zip(said, ((0, 1), SWAPPED), strict=True)]


def plain_credit(rule: str, said: tuple[object, object], *, tie: bool) -> float:
    """What the formula says, in the plainest words."""
    label = None if tie else 0
    if rule == "strict_pair":
        credits_ = []
        for each in said:
            if each == "failed" or (each is None and not tie):
                credits_.append(0.5)
            else:
                credits_.append(float(each == label))
        return fmean(credits_)
    right = [each != "failed" and each == label for each in said]
    if rule in {"order_accuracy", "three_way", "aces_tau"}:
        return fmean(right)
    if rule == "consistent_accuracy":
        return float(all(right))
    votes = 0
    for each in said:
        if each == label and each != "failed":
            votes += 1
        elif each != "failed" and (each is not None or tie):
            votes -= 1
    return float(votes > 0)


@pytest.mark.parametrize("rule", PAIR_RULES)
@given(said=BOTH, tie=st.booleans())
@settings(max_examples=60)
def test_a_pairs_credit_is_what_the_formula_says(rule, said, tie):
    """In both orders, with ties and failures, whatever people said; the bounds hold the credit."""
    outcome = RULES[rule].judged(tied_key() if tie else pair_key(), both(said))
    assert outcome.credit == pytest.approx(plain_credit(rule, said, tie=tie))
    assert outcome.low <= outcome.credit <= outcome.high
    turned = RULES[rule].judged(tied_key() if tie else pair_key(), both(said)[::-1])
    assert turned.credit == outcome.credit


@pytest.mark.parametrize("rule", PAIR_RULES)
@given(said=st.lists(BOTH, min_size=1, max_size=6), random=st.randoms(use_true_random=False), data=st.data())
@settings(max_examples=25)
def test_order_of_rows_never_matters_and_a_better_answer_never_lowers_a_pairs_score(rule, said, random, data):
    """The score is the same in any order; with one more right verdict it is as high or higher."""
    keys = [pair_key(str(at)) for at in range(len(said))]
    outcomes = [RULES[rule].judged(key, both(each)) for key, each in zip(keys, said, strict=True)]
    score = point_score(outcomes, Layout(overall="items"))
    assert point_score(random.sample(outcomes, len(outcomes)), Layout(overall="items")) == pytest.approx(score)
    at = data.draw(st.integers(0, len(said) - 1))
    better = [*outcomes[:at], RULES[rule].judged(keys[at], both((0, said[at][1]))), *outcomes[at + 1 :]]
    assert point_score(better, Layout(overall="items")) >= score - 1e-12


@pytest.mark.parametrize("rule", SCORED)
@given(scores=st.lists(st.integers(0, 4), min_size=5, max_size=5), more=st.integers(1, 3), judge=st.booleans())
@settings(max_examples=40)
def test_raising_the_correct_score_never_lowers_a_credit(rule, scores, more, judge):
    """By ratings of a judge and by scores of a reward model."""
    k = 2 if "best_of_k" not in RULES[rule].items else 5
    key = many(k)

    def credit(given_scores):
        if judge:
            return RULES[rule].judged(key, rated(given_scores)).credit
        return RULES[rule].scored(key, tuple(map(float, given_scores))).credit

    assert credit([scores[0] + more, *scores[1:k]]) >= credit(scores[:k])


@given(wins=st.lists(ANY, min_size=1, max_size=5))
def test_the_best_must_beat_every_loser(wins):
    """With several losers a tie or a failure is wrong; with one it is half."""
    key = many(len(wins) + 1)
    readings = [asked(each if each != 1 else other, (0, other)) for other, each in enumerate(wins, 1)]
    expected = float(all(each == 0 for each in wins))
    if len(wins) == 1 and wins[0] in {None, "failed"}:
        expected = 0.5
    assert RULES["best_beats_every_loser"].judged(key, readings).credit == expected


@given(scores=st.lists(st.integers(0, 3), min_size=2, max_size=6))
def test_the_reciprocal_rank_counts_those_as_high_or_higher(scores):
    """Right if strictly on top; the rank is 1 + how many incorrect ones stand as high or higher."""
    rank = 1 + sum(other >= scores[0] for other in scores[1:])
    outcome = RULES["reciprocal_rank"].scored(many(len(scores)), tuple(map(float, scores)))
    assert (outcome.credit, outcome.parts["reciprocal_rank"]) == (float(rank == 1), 1 / rank)


@given(scores=st.lists(st.integers(0, 3), min_size=3, max_size=6), data=st.data())
def test_one_of_k_gets_its_share_of_the_top(scores, data):
    """With m at the top, the share of the m that are correct."""
    right = data.draw(st.integers(1, len(scores) - 1))
    top = [at for at, score in enumerate(scores) if score == max(scores)]
    expected = sum(at < right for at in top) / len(top)
    outcome = RULES["k_against_one"].scored(many(len(scores), right), tuple(map(float, scores)))
    assert outcome.credit == pytest.approx(expected)


@given(scores=st.lists(st.integers(0, 3), min_size=3, max_size=6), data=st.data())
@settings(max_examples=40)
def test_right_against_wrong_is_counted_pair_by_pair(scores, data):
    """The share of pairs won, scikit-learn's area under the curve, and the curve by going through all choices."""
    right = data.draw(st.integers(1, len(scores) - 1))
    key, floats = many(len(scores), right), tuple(map(float, scores))
    outcome = RULES["right_against_wrong"].scored(key, floats)
    pairs = [(r, w) for r in range(right) for w in range(right, len(scores))]
    assert pairs_of(key) == pairs
    assert outcome.credit == pytest.approx(fmean(scores[r] > scores[w] for r, w in pairs))
    truth = [at < right for at in range(len(scores))]
    assert outcome.parts["auc"] == pytest.approx(roc_auc_score(truth, scores))
    curve = best_of_k([outcome])["best_of_k"]
    for k, found in enumerate(curve["curve"], 1):
        chances, oracle = [], []
        for drawn in combinations(range(len(scores)), k):
            top = [at for at in drawn if scores[at] == max(scores[each] for each in drawn)]
            chances.append(Fraction(sum(at < right for at in top), len(top)))
            oracle.append(any(at < right for at in drawn))
        assert found == pytest.approx(float(sum(chances) / len(chances)))
    assert (curve["maximum"], curve["end"]) == (max(curve["curve"]), curve["curve"][-1])
    assert curve["loss"] >= -1e-12


def test_named_pairs_alone_are_asked():
    """Where a row names its pairs, no others count: 0 beats 2, and 1 loses to 3."""
    key = many(4, 2, criteria="0>2 1>3")
    assert RULES["right_against_wrong"].questions(key, "pairwise") == [(0, 2), (1, 3)]
    assert RULES["right_against_wrong"].scored(key, (3.0, 1.0, 2.0, 2.0)).credit == 0.5


@given(
    rows=st.lists(st.tuples(st.sampled_from(CLASSES), st.sampled_from([*CLASSES, "failed"])), min_size=1, max_size=12)
)
@settings(max_examples=40)
def test_three_classes_have_scikit_learns_macro_figures(rows):
    """Gold and said class by the row's own slots; no verdict is a class that nobody has."""
    outcomes = []
    for at, (gold, said) in enumerate(rows):
        slot = "A" if gold == "tie" else gold
        key = tied_key(str(at)) if gold == "tie" else pair_key(str(at), criteria=gold)
        index = None if said == "tie" else int(said != slot)
        if gold == "tie" and said in {"A", "B"}:
            index = "AB".index(said)
        outcomes.append(RULES["three_way"].judged(key, [failed() if said == "failed" else chose(index)]))
    found = RULES["three_way"].extra(outcomes, Layout(overall="items"))
    gold, said = zip(*rows, strict=True)
    expected = precision_recall_fscore_support(gold, said, labels=list(CLASSES), average="macro", zero_division=0)
    assert [found[name] for name in ("macro_precision", "macro_recall", "macro_f1")] == pytest.approx(expected[:3])
    assert fmean(each.credit for each in outcomes) == pytest.approx(fmean(g == s for g, s in rows))
    assert found["macro_f1_low"] <= found["macro_f1_high"]


def test_consistent_accuracy_tells_the_places_apart():
    """Right only with the better answer first: accuracy_first 1, accuracy_last 0, and no credit."""
    rule = RULES["consistent_accuracy"]
    outcomes = [rule.judged(pair_key(str(at)), both((0, 1))) for at in range(3)]
    found = rule.extra(outcomes, Layout(overall="items"))
    assert (found["accuracy_first"], found["accuracy_last"], outcomes[0].credit) == (1, 0, 0)


def test_every_rule_says_what_it_is():
    """Name, formula and source; each kind of item has a rule, and each average a formula."""
    for name, rule in RULES.items():
        assert (rule.name, bool(rule.formula), bool(rule.source)) == (name, True, True)
        assert not rule.formula.startswith(name)
    assert all(rules_for(item) for item in ("pair", "best_of_k", "rating", "label"))
    assert set(AVERAGES) == {"micro", "macro", "weighted"}


def test_a_rating_reading_is_one_completion():
    """A verdict of one completion is a rating, of which a pair needs two: 0.5 where they are equal."""
    readings = [Reading((at,), 0, Verdict(5.0)) for at in (0, 1)]
    assert RULES["strict_pair"].judged(pair_key(), readings).credit == 0.5


@given(pairs=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12))
def test_aces_tau_counts_ties_as_discordant(pairs):
    """(concordant - discordant) / (concordant + discordant), by a plain count; tau is twice the score less 1."""
    rule = RULES["aces_tau"]
    outcomes = [rule.scored(pair_key(str(at)), (float(good), float(worse))) for at, (good, worse) in enumerate(pairs)]
    concordant = sum(good > worse for good, worse in pairs)
    discordant = len(pairs) - concordant
    found = rule.extra(outcomes, Layout(overall="items"))
    assert found["tau"] == pytest.approx((concordant - discordant) / (concordant + discordant))
    assert found["tau_low"] <= found["tau"] <= found["tau_high"]


def test_the_rules_of_the_papers_are_there_by_name():
    """Strict pair, both orders, k against one, best against all, classes, correlation and tau; each average."""
    named = {"strict_pair", "consistent_accuracy", "k_against_one", "best_beats_every_loser", "aces_tau"}
    assert named | {"label_accuracy", "balanced_accuracy", "macro_f1", "correlation"} <= RULES.keys()
    assert {"micro", "macro", "weighted"} == AVERAGES.keys()
    assert all(rule.formula and rule.source and rule.items for rule in RULES.values())


def rounded(value):
    """The same with floats to nine digits, however deep."""
    if isinstance(value, dict):
        return {name: rounded(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(each) for each in value]
    return f"{value:.9f}" if isinstance(value, float) else value


@pytest.mark.parametrize("rule", [*SCORED, "three_way", "correlation"])
@given(rows=st.lists(st.lists(st.integers(0, 4), min_size=5, max_size=5), min_size=1, max_size=8), data=st.data())
@settings(max_examples=15)
def test_the_order_of_rows_never_matters_to_scores(rule, rows, data):
    """The score and the further figures of a rule are the same in any order of the items."""
    named = RULES[rule]
    k = 5 if "best_of_k" in named.items else 1 if rule == "correlation" else 2
    keys = [
        ItemKey(str(at), "s", k, int(k > 1), (1,) * k, human_score=float(row[4]) if k == 1 else None)
        for at, row in enumerate(rows)
    ]
    outcomes = [named.scored(key, tuple(map(float, row[:k]))) for key, row in zip(keys, rows, strict=True)]
    layout = Layout(overall="items" if named.is_mean else "pooled", stratum=named.stratum)
    turned = data.draw(st.permutations(outcomes))
    assert point_score(turned, layout) == pytest.approx(point_score(outcomes, layout))
    assert rounded(named.extra(turned, layout)) == rounded(named.extra(outcomes, layout))
