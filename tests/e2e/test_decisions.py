"""Decision models as judges: the same commands, verdicts that are probabilities, and what is refused before money."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from commands import (
    GOOD,
    best_of_four,
    by_quality,
    judgebench,
    pairs,
    read_json,
    read_jsonl,
    ties,
    write_jsonl,
    write_judges,
)
from deciding import questions_of, said
from faults import Reply
from loopback import LoopbackServer
from scripted import ScriptedModels

import judgebench as jb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faults import Request

FOLDER = Path("runs/rewardbench/mine/pairwise/both")
SURE = {0: 0.9123456789, 1: 0.6, 2: 0.35, 3: 0.987654321, 4: 0.5, 5: 0.72}
"""Of each question's number: how probable the good answer is where it stands first; in the second place 0.1 less."""
PRICE = {"input": 2.0, "output": 0.0}


def number_in(text: str) -> int:
    return int(text.split("Question ")[1].split("?", maxsplit=1)[0])


def leaning(request: Request) -> Reply:
    """A judge that is so sure of the good answer, and a little of the first one."""
    text = said(request)
    good_first = text.index(GOOD) < text.index("A bad answer")
    good = SURE[number_in(text)] - (0.0 if good_first else 0.1)
    first = good if good_first else 1 - good
    return Reply(answers=[{"A": first, "B": 1 - first}], usage={"prompt_tokens": 100, "completion_tokens": 0})


@pytest.fixture
def server() -> Iterator[ScriptedModels]:
    with ScriptedModels(leaning) as running:
        write_judges(running.url, mine={"api": "decisions", "price": PRICE})
        write_jsonl(Path("pairs.jsonl"), pairs(6, ("alpacaeval-easy",)))
        yield running


def mine(*more: object) -> Any:
    return judgebench("run", "rewardbench", "-j", "mine", "--data", "pairs.jsonl", "--orders", "both", "--json", *more)


def by_hand() -> dict[str, float]:
    """Brier's score and the error of ten bins, of the mean probability of each pair over both orders, item by item."""
    goods = [share - 0.05 for share in SURE.values()]
    forecasts = [(max(good, 1 - good), 1.0 if good > 0.5 else 0.0) for good in goods]
    brier = sum((p - right) ** 2 for p, right in forecasts) / len(forecasts)
    bins: dict[int, list[tuple[float, float]]] = {}
    for p, right in forecasts:
        bins.setdefault(math.ceil(p * 10), []).append((p, right))
    gaps = [abs(sum(p for p, _ in each) - sum(right for _, right in each)) for each in bins.values()]
    return {"brier": brier, "ece": sum(gaps) / len(forecasts)}


def test_probabilities_are_the_verdicts_and_the_calibration(server: ScriptedModels) -> None:
    """Without --logprobs, to 1e-9: 3 pairs right in both orders, one with a tie (0.75), one tie and wrong (0.25)."""
    (metrics,) = mine().metrics
    found, expected = metrics["calibration"], by_hand()
    assert metrics["score"] == pytest.approx((3 + 0.75 + 0.25 + 0) / 6)
    assert (found["brier"], found["ece"]) == pytest.approx((expected["brier"], expected["ece"]), abs=1e-9)
    assert (found["n"], found["by_tokens"], found["mass"]) == (6, 6, pytest.approx(1.0))
    for line in read_jsonl(FOLDER / "judgements.jsonl"):
        good = SURE[int(line["item"])] - (0.0 if line["order"][0] == 0 else 0.1)
        first = good if line["order"][0] == 0 else 1 - good
        assert line["probabilities"] == pytest.approx({"A": first, "B": 1 - first}, abs=1e-12)


def test_the_price_and_the_calls_are_counted(server: ScriptedModels) -> None:
    """12 calls of 100 tokens at $2 a million; what the same command then needs is there."""
    (first,) = mine().metrics
    (again,) = mine("--out", "elsewhere").metrics
    assert (first["usage"]["cost_usd"], first["usage"]["completion_tokens"]) == (pytest.approx(0.0024), 0)
    assert (again["usage"]["cached"], server.count, again["score"]) == (12, 12, first["score"])


def test_what_is_asked_is_in_the_cache_s_key(server: ScriptedModels) -> None:
    """A template that asks for ties asks another question of the same answers; the run says so to nobody's harm."""
    mine()
    mine("-t", "pairwise-ties")
    assert server.count == 24
    assert questions_of(server.requests[-1])[0]["options"] == ["A", "B", "tie"]


def test_log_probabilities_need_not_be_asked_for(server: ScriptedModels) -> None:
    """With --logprobs, and with --repair, it is the same run."""
    mine()
    mine("--logprobs", "--repair", 1)
    assert (server.count, [path.name for path in FOLDER.parent.iterdir()]) == (12, ["both"])


def test_a_budget_holds(server: ScriptedModels) -> None:
    """Every token of the prompt and the questions is counted at its price, and none for an answer."""
    ended = mine("--budget", 0.003)
    assert (ended.status, 0 < server.count < 12) == (1, True)


def test_a_dry_run_has_the_price_and_no_answer(server: ScriptedModels) -> None:
    """The most is what is expected, since there are no output tokens."""
    (found,) = json.loads(mine("--dry-run").out)
    assert (found["calls"], found["completion_tokens"], server.count) == (12, 0, 0)
    assert found["cost_usd"] == found["highest_usd"] == pytest.approx(found["prompt_tokens"] * 2e-6)


def test_a_failure_is_typed_and_kept(server: ScriptedModels) -> None:
    """Broken probabilities are read once, are no verdict, and are not asked for again."""
    broken = {0: [None], 1: [{"A": 1.0}], 2: [{"A": 0.2, "B": 0.2}], 3: [{"A": math.nan, "B": 1.0}]}

    def reply(request: Request) -> Reply:
        at = number_in(said(request))
        return Reply(answers=broken[at]) if at in broken else leaning(request)

    server.answer = reply
    (metrics,) = mine().metrics
    assert metrics["failures"] == {"refused": 2, "unreadable": 6}
    mine()
    assert server.count == 12


def test_a_run_is_read_again_from_its_folder(server: ScriptedModels) -> None:
    """By another way of aggregation, and in a bundle with nothing but the run."""
    (before,) = mine().metrics
    found = json.loads(judgebench("rescore", FOLDER, "--aggregate", "mean-prob", "--json").out)
    assert found["metrics"]["calibration"]["brier"] == before["calibration"]["brier"]
    judgebench("cache", "export", "replies.jsonl.gz", FOLDER)
    judgebench("cache", "import", "replies.jsonl.gz", "--cache-dir", "other")
    (again,) = mine("--offline", "--out", "again", "--cache-dir", "other").metrics
    assert (again["calibration"], server.count) == (before["calibration"], 12)


def test_the_manifest_says_how_it_was_asked(server: ScriptedModels) -> None:
    """And a run by text in the same place is another one."""
    mine()
    manifest = read_json(FOLDER / "manifest.json")
    assert (manifest["judge"]["api"], manifest["identity"]["judge"]["api"]) == ("decisions", "decisions")
    assert manifest["judge"]["params"] == {}
    write_judges(server.url, mine={})
    server.answer = by_quality
    mine()
    assert len([*FOLDER.parent.iterdir()]) == 2


def test_four_answers_and_ties_of_rewardbench_2(server: ScriptedModels) -> None:
    """One choice of four, and each answer of Ties rated with a score: all right."""

    def reply(request: Request) -> Reply:
        (asked,) = questions_of(request)
        text = said(request)
        if asked["type"] == "score":
            high = GOOD in text
            return Reply(answers=[{level: float(level == ("9" if high else "2")) for level in asked["options"]}])
        places = {slot: text.index(f"<answer_{slot}>") for slot in asked["options"]}
        best = max((slot for slot in places if places[slot] < text.index(GOOD)), key=places.__getitem__)
        return Reply(answers=[{slot: 0.7 if slot == best else 0.1 for slot in asked["options"]}])

    server.answer = reply
    write_jsonl(Path("four.jsonl"), best_of_four(3) + ties(0))
    (metrics,) = judgebench("run", "rewardbench-2", "-j", "mine", "--data", "four.jsonl", "--json").metrics
    assert (metrics["sections"]["Factuality"]["score"], metrics["failures"]) == (1.0, {})
    assert metrics["sections"]["Ties"]["score"] > 0.9


def test_all_criteria_of_an_item_are_one_call(server: ScriptedModels) -> None:
    """A question each, in the order of the item's; one met of two of equal weight."""
    server.answer = Reply(answers=[{"true": 0.9, "false": 0.1}, {"true": 0.25, "false": 0.75}])
    criteria = [{"id": "c1", "text": "Short?"}, {"id": "c2", "text": "True?"}]
    rows = [{"id": "a", "prompt": "Why?", "response": "So.", "criteria": criteria}]
    write_jsonl(Path("rows.jsonl"), rows)
    judgebench("run", "custom", "-j", "mine", "--data", "rows.jsonl", "-t", "criteria")
    (line,) = read_jsonl(next(Path("runs/custom/mine/criteria").iterdir()) / "judgements.jsonl")
    assert (line["verdict"], line["parts"], line["expected"]) == (0.5, {"c1": 1.0, "c2": 0.0}, {"c1": 0.9, "c2": 0.25})
    assert (server.count, ["Short?" in each["instructions"] for each in questions_of(server.requests[0])]) == (
        1,
        [True, False],
    )


def test_a_cascade_asks_the_text_judge_where_it_is_unsure(server: ScriptedModels) -> None:
    """By its probabilities: the two pairs at 0.55 are sent on first, and are right then: 5 of 6."""
    mine()
    with ScriptedModels(by_quality) as second:
        write_judges(second.url, second={"price": {"input": 50.0, "output": 50.0}})
        judgebench("run", "rewardbench", "-j", "second", "--data", "pairs.jsonl", "--orders", "both")
    ended = judgebench("cascade", FOLDER, "runs/rewardbench/second/pairwise/both", "--by", "confidence", "--json")
    found = json.loads(ended.out)
    assert (ended.status, found["by"]) == (0, "confidence")
    (step,) = (each for each in found["steps"] if each["sent"] == 2)
    assert (step["threshold"], step["score"]) == (pytest.approx(0.45), pytest.approx(5 / 6))


def test_a_check_shows_the_probabilities(server: ScriptedModels) -> None:
    """One call, and the answer as it came."""
    server.answer = Reply(answers=[{"A": 0.75, "B": 0.25}])
    ended = judgebench("judges", "check", "mine")
    text = " ".join(ended.out.split())
    assert ('{"A": 0.75, "B": 0.25}' in text, "verdict A, probability 0.75" in text) == (True, True)
    assert jb.check_judge("mine").to_json()["probabilities"] == {"A": 0.75, "B": 0.25}


def test_one_question_from_python(server: ScriptedModels) -> None:
    """`judge` gives the judgement with its probabilities."""
    server.answer = Reply(answers=[{"A": 0.25, "B": 0.75}])
    found = jb.judge("What is 2 + 2?", "Five.", "Four.", judge="mine")
    assert (found.verdict, found.probabilities) == ("B", {"A": 0.25, "B": 0.75})


def test_over_a_socket_it_is_the_same(server: ScriptedModels) -> None:
    """By LiteLLM and HTTP, to the last digit."""
    (expected,) = mine().metrics
    with LoopbackServer(leaning) as live:
        write_judges(live.url, mine={"model": "hosted_vllm/loopback", "api": "decisions", "price": PRICE})
        (found,) = mine("--out", "live", "--cache-dir", "other").metrics
    assert (found["score"], found["calibration"]) == (expected["score"], expected["calibration"])


REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "chat as decisions": ({"model": "openai/gpt-4o", "api": "decisions"}, "leave out api: decisions"),
    "decisions as chat": ({"model": "typesafe/jev-1.14.0", "api": "chat"}, "leave out api: chat"),
    "no way": ({"model": "anthropic/claude-haiku-4-5", "api": "decisions"}, "no way to decision models of anthropic"),
    "no way, found": ({"model": "nace/drex-v2.0"}, "no way to decision models of nace"),
    "with params": ({"model": "typesafe/jev-1.14.0", "params": {"temperature": 0}}, "takes no params"),
    "embedding": ({"model": "openai/text-embedding-3-small"}, "of mode embedding"),
    "a typo": ({"model": "openai/gpt-6-luna", "api": "decision"}, "expected chat or decisions"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_wrong_kind_of_model_is_refused_before_money(name: str) -> None:
    """In a run and in its estimate: exit status 2 and one line with the fix."""
    settings, fix = REFUSED[name]
    Path("providers.yaml").write_text(json.dumps({"judges": {"mine": settings}}), encoding="utf-8")
    for more in ((), ("--dry-run",)):
        ended = judgebench("run", "rewardbench", "-j", "mine", "--data", "sample", *more)
        assert (ended.status, len(ended.err.splitlines())) == (2, 1), ended.err
        assert fix in ended.err


def test_a_model_that_is_both_is_what_its_entry_says() -> None:
    """gpt-6-luna writes text unless it is asked for decisions, where its output costs nothing."""
    Path("providers.yaml").write_text("judges: {both: {model: openai/gpt-6-luna, api: decisions}}", encoding="utf-8")
    shown = [judgebench("judges", "show", name).out for name in ("both", "openai/gpt-6-luna")]
    assert ["output: 0.0" in each for each in shown] == [True, False]


def test_a_decision_model_is_found_by_litellm_s_table() -> None:
    """Without an entry."""
    shown = judgebench("judges", "show", "typesafe/jev-1.14.0").out
    assert ("api: decisions" in shown, "missing: set TYPESAFE_API_KEY" in shown) == (True, True)


def test_a_decision_model_writes_no_templates() -> None:
    """As the writer of `tune` it is refused before anything is asked."""
    write_jsonl(Path("many.jsonl"), pairs(100))
    ended = judgebench(
        *("tune", "rewardbench", "--data", "many.jsonl", "-j", "offline/longest", "-t", "pairwise", "--writer", "jev")
    )
    assert (ended.status, "--writer jev writes no text" in ended.err) == (2, True), ended.err
