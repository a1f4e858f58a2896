"""Every way in which protocols combine, counted again from `judgements.jsonl` by the rule as the docs word it."""

from __future__ import annotations

import json
import random
import re
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import fmean

import pytest
from commands import apart, best_of_four, judgebench, pairs, read_json, read_jsonl, write_jsonl, write_judges
from loopback import Reply
from scripted import ScriptedModels

FAILED = "failed"


def whimsical(seed):
    """A judge that says anything: letters, ties, ratings, with probabilities or without, or nonsense."""
    drawn = random.Random(seed)

    def answer(request):
        kind = drawn.random()
        if kind < 0.15:
            return "I could not say."
        labels = re.findall(r"<answer_([A-Z])>", request.text)
        words = [*labels, *(["C"] if "[[C]]" in request.text else [])] or [str(n) for n in range(1, 11)]
        shares = [drawn.random() for _ in words]
        known = {word: share / sum(shares) for word, share in zip(words, shares, strict=True)}
        said = max(known, key=known.get)
        if not request.params.get("logprobs") or kind < 0.3:
            return f"[[{said}]]"
        return Reply(f"[[{said}]]", logprobs=[("[[", {}), (said, known), ("]]", {})])

    return answer


@contextmanager
def served():
    with ScriptedModels(whimsical(1)) as running:
        write_judges(running.url, mine={"model": "scripted/whimsical"})
        write_jsonl(Path("pairs.jsonl"), pairs(7))
        write_jsonl(Path("four.jsonl"), [*best_of_four(4), *best_of_four(3, "Math")])
        yield running


@pytest.fixture
def server():
    with served() as running:
        yield running


def judged(benchmark, data, *options):
    """The judgements that count, by item; the credits; and the run's folder."""
    run = ("run", benchmark, "-j", "mine", "--data", data, *options, "--quiet")
    ended = judgebench(*run)
    assert ended.status in {0, 1}, ended.err
    (path,) = Path("runs").rglob("metrics.json")
    return read(path.parent)


def read(folder):
    last = {(j["item"], tuple(j["order"]), j["sample"]): j for j in read_jsonl(folder / "judgements.jsonl")}
    by_item: dict[str, list] = {}
    for judgement in last.values():
        by_item.setdefault(judgement["item"], []).append(judgement)
    return by_item, {line["item"]: line for line in read_jsonl(folder / "outcomes.jsonl")}


def chosen(judgement):
    """The completion that a judgement names; None for a tie."""
    if "failure" in judgement:
        return FAILED
    return None if judgement["verdict"] == "tie" else judgement["order"][ord(judgement["verdict"]) - 65]


def probable(judgement):
    """How probable it finds each completion, and a tie."""
    if "probabilities" not in judgement:
        return {chosen(judgement): 1.0}
    found: dict = {}
    for label, share in judgement["probabilities"].items():
        index = None if label == "tie" else judgement["order"][ord(label) - 65]
        found[index] = found.get(index, 0.0) + share
    return found


def joined(judgements, rule):
    """What the judgements of one question come to."""
    voting = [each for each in judgements if "failure" not in each]
    if not voting:
        return FAILED
    votes: dict = {}
    for each in voting:
        for choice, share in (probable(each) if rule == "mean-prob" else {chosen(each): 1.0}).items():
            votes[choice] = votes.get(choice, 0.0) + share / len(voting)
    best = [choice for choice, share in votes.items() if share > max(votes.values()) - 1e-9]
    decided = len(votes) == 1 if rule == "unanimous" else len(best) == 1
    return best[0] if decided else None


PAIRS = [
    ("mean", "--orders", "both", "--samples", 3),
    ("mean", "--repair", 1, "--samples", 2),
    ("unanimous", "--orders", "both"),
    ("unanimous", "--orders", "both", "--samples", 2, "--repair", 1),
    ("majority", "--orders", "both", "--samples", 2),
    ("majority", "--samples", 5, "--early-stop"),
    ("majority", "--orders", "both", "--samples", 2, "--early-stop", "--repair", 1),
    ("majority", "--orders", "all", "--samples", 3, "--early-stop", "--logprobs"),
    ("mean-prob", "--orders", "both", "--logprobs"),
    ("mean-prob", "--orders", "both", "--samples", 3, "--logprobs", "--repair", 1),
    ("mean-prob", "--orders", "both", "--samples", 3),
]


@pytest.mark.parametrize("options", PAIRS, ids=lambda each: " ".join(map(str, each)))
def test_pairs(server: ScriptedModels, options) -> None:
    """RewardBench: 1, 0, and 0.5 for a tie or a failure, of each reply or of the joined verdict; and so by rescore."""
    rule, *more = options
    command = ("run", "rewardbench", "-j", "mine", "--data", "pairs.jsonl", "--aggregate", rule, *more, "--quiet")
    ended = judgebench(*command, "-t", "pairwise", "-t", "pairwise-ties")
    assert ended.status in {0, 1}, ended.err
    worth = {0: 1.0, 1: 0.0, None: 0.5, FAILED: 0.5}
    folders = [path.parent for path in Path("runs").rglob("metrics.json")]
    for folder in folders:
        by_item, outcomes = read(folder)
        for item, judgements in by_item.items():
            verdicts = map(chosen, judgements) if rule == "mean" else [joined(judgements, rule)]
            assert outcomes[item]["credit"] == pytest.approx(fmean(worth[each] for each in verdicts)), (folder, item)
        metrics = read_json(folder / "metrics.json")
        again = json.loads(judgebench("rescore", folder, "--json").out)["metrics"]

        assert len(by_item) == 7
        assert metrics["bounds"]["low"] <= metrics["score"] <= metrics["bounds"]["high"]
        for name in ("score", "bounds", "failures", "consistency", "position_bias", "controls"):
            assert again[name] == metrics[name], (folder, name)
    assert len(folders) == 2


@pytest.mark.parametrize("rule", ["mean", "majority", "mean-prob"])
@pytest.mark.parametrize("soft", [False, True])
def test_ratings(server: ScriptedModels, rule, soft) -> None:
    """Each sample by itself, or the mean rating of each; by probability the mean of the expected ratings."""
    more = ["--logprobs"] if soft else []
    by_item, outcomes = judged(
        "rewardbench", "pairs.jsonl", "-t", "rating-10", "--samples", 3, "--aggregate", rule, *more
    )

    def said(judgement):
        shares = judgement.get("probabilities") if rule == "mean-prob" else None
        return judgement["verdict"] if shares is None else sum(float(n) * share for n, share in shares.items())

    def credit(judgements):
        means = [
            [said(each) for each in judgements if each["order"] == [index] and "failure" not in each]
            for index in (0, 1)
        ]
        if not all(means):
            return 0.5
        one, other = (round(fmean(each), 9) for each in means)
        return 0.5 if one == other else float(one > other)

    for item, judgements in by_item.items():
        samples = [[each for each in judgements if each["sample"] == sample] for sample in range(3)]
        expected = fmean(map(credit, samples)) if rule == "mean" else credit(judgements)
        assert outcomes[item]["credit"] == pytest.approx(expected), item


def test_all_orders_are_a_latin_square(server: ScriptedModels) -> None:
    """Each completion once in each slot, and the joined verdict is a quarter for a tie or a failure."""
    by_item, outcomes = judged(
        "rewardbench-2", "four.jsonl", "-t", "four-way", "--orders", "all", "--aggregate", "majority"
    )
    for item, judgements in by_item.items():
        orders = [judgement["order"] for judgement in judgements]
        assert [sorted(slot) for slot in zip(*orders, strict=True)] == [[0, 1, 2, 3]] * 4
        expected = {0: 1.0, None: 0.25, FAILED: 0.25}.get(joined(judgements, "majority"), 0.0)
        assert outcomes[item]["credit"] == expected, item


@pytest.mark.parametrize("how", ["all", "knockout"])
@pytest.mark.parametrize("rule", ["mean", "unanimous", "majority"])
def test_the_best_from_pairs(server: ScriptedModels, how, rule) -> None:
    """Six matches, and the most wins share the credit; or three, in which the winner lost none."""
    by_item, outcomes = judged(
        "rewardbench-2", "four.jsonl", "-t", "pairwise-ties", "--pairs", how, "--orders", "both", "--aggregate", rule
    )

    def share(index, judgements):
        worth = {index: 1.0, None: 0.5}
        verdicts = [joined(judgements, rule)] if rule != "mean" else map(chosen, judgements)
        known = [worth.get(each, 0.0) for each in verdicts if each != FAILED]
        return fmean(known) if known else None

    for item, judgements in by_item.items():
        matches: dict = {}
        for each in judgements:
            matches.setdefault(tuple(sorted(each["order"])), []).append(each)
        shares = {(at, match): share(at, among) for match, among in matches.items() for at in match}
        scores = outcomes[item]["scores"]
        (scores,) = scores if isinstance(scores[0], list) else [scores]
        if how == "all":
            worth = {0.5: 0.5, None: 0.0}
            won = {index: [s for (at, _), s in shares.items() if at == index] for index in range(4)}
            wins = [sum(worth.get(s, float((s or 0) > 0.5)) for s in won[index]) for index in range(4)]
            assert (len(matches), scores) == (6, wins), item
        else:
            winners = [index for index in range(4) if scores[index] == 1]
            assert len(matches) == 3
            assert all(s is None or s >= 0.5 for (at, _), s in shares.items() if at in winners), item
            assert len(winners) == 1 or shares[winners[0], tuple(winners)] in {0.5, None}, item
        top = [index for index in range(4) if scores[index] == max(scores)]
        assert outcomes[item]["credit"] == pytest.approx((0 in top) / len(top)), item


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The cheap one and the dear one."""
    options = ("--data", "pairs.jsonl", "--orders", "both", "--samples", 2, "--quiet")
    with apart(tmp_path_factory.mktemp("cascade")) as folder, served():
        judgebench("run", "rewardbench", "-j", "mine", "-t", "pairwise", "-t", "pairwise-ties", *options)
    return [folder / "runs/rewardbench/mine" / template / "both-x2" for template in ("pairwise", "pairwise-ties")]


@pytest.mark.parametrize("by", ["disagreement", "margin", "confidence"])
def test_every_threshold_of_a_cascade(two_runs: list[Path], by) -> None:
    """The dear run's credit where the cheap one is as unsure as the threshold, else the cheap one's."""
    cheap, dear = ({line["item"]: line for line in read_jsonl(run / "outcomes.jsonl")} for run in two_runs)
    votes: dict[str, list] = {}
    for judgement in read_jsonl(two_runs[0] / "judgements.jsonl"):
        votes.setdefault(judgement["item"], []).append(chosen(judgement))

    def unsure(said):
        if by == "disagreement":
            return 1 - max(said.count(each) for each in (0, 1, FAILED) if each != FAILED) / len(said)
        shares = [said.count(index) / len(said) + said.count(FAILED) / len(said) / 2 for index in (0, 1)]
        return 1 - abs(shares[0] - shares[1]) if by == "margin" else 1 - max(shares)

    found = json.loads(judgebench("cascade", *two_runs, "--by", by, "--json").out)["steps"]
    for step in found:
        threshold = step["threshold"]
        sent = {item for item, said in votes.items() if threshold is not None and unsure(said) >= threshold - 1e-9}
        sections: dict[str, list] = {}
        for item, line in cheap.items():
            sections.setdefault(line["subset"], []).append((dear if item in sent else cheap)[item]["credit"])
        assert step["sent"] == len(sent)
        assert step["score"] == pytest.approx(fmean(map(fmean, sections.values())))
    assert all(one["sent"] <= other["sent"] for one, other in pairwise(found))
    assert len(found) > 2
