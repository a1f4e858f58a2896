"""`judgebench run --dry-run`: what would be sent and cost, and nothing sent."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from commands import best_of_four, caches, files_below, judgebench, pairs, ties, write_jsonl, write_judges
from faults import Reply
from scripted import ScriptedModels

import judgebench as jb
from judgebench.client.providers.litellm import transport as lite
from judgebench.engine.forecast import Forecast, time_of

PRICED = {"price": {"input": 1, "output": 10}, "params": {"max_tokens": 100}}
"""USD a million tokens."""


@pytest.fixture
def server():
    """Each reply has 50 tokens."""
    with ScriptedModels(Reply("[[A]]", usage={"prompt_tokens": 10, "completion_tokens": 50})) as running:
        write_judges(running.url, mine=PRICED, other=PRICED, free={})
        write_jsonl(Path("pairs.jsonl"), pairs(20))
        yield running


def run(*more: object, judge: str = "mine") -> Any:
    return judgebench("run", "rewardbench", "-j", judge, "--data", "pairs.jsonl", *more)


def forecast(*more: object, judge: str = "mine") -> dict[str, Any]:
    (found,) = json.loads(run("--dry-run", "--json", *more, judge=judge).out)
    return found


def test_nothing_is_sent_and_nothing_written(server: ScriptedModels) -> None:
    """Exit 0, no call, no folder, no cache."""
    before = files_below(Path())
    ended = run("--dry-run")
    assert (ended.status, server.count, files_below(Path()), caches()) == (0, 0, before, [])


def test_the_calls_foretold_are_the_calls_made(server: ScriptedModels) -> None:
    """With nothing there, with a part in the cache, and with all."""
    foretold = [forecast()["calls"]]
    run("--subset", "donotanswer", "--out", "elsewhere")
    foretold.append(forecast()["calls"])
    before = server.count
    run()
    made = [20, server.count - before]
    assert (foretold, forecast()["calls"]) == (made, 0)


def test_ties_and_orders_are_counted(server: ScriptedModels) -> None:
    """Four orders of three rows, and a rating for each of the ten completions of two Ties rows."""
    write_jsonl(Path("four.jsonl"), [*best_of_four(3), *ties(1)])
    ended = judgebench("run", "rewardbench-2", "-j", "mine", "--data", "four.jsonl", "--orders", "all", "--dry-run")
    assert ended.out.splitlines()[3].split()[2] == str(4 * 3 + 10)


def test_tokens_are_litellms(server: ScriptedModels) -> None:
    """The sum of its counter over the prompts that a run then sends."""
    foretold = forecast()["prompt_tokens"]
    run()
    sent = [request.messages for request in server.requests]
    counter = lite.litellm().token_counter
    assert foretold == sum(counter(model="scripted/loopback", messages=messages) for messages in sent)


def test_tokens_of_many_prompts_are_taken_from_some(server: ScriptedModels, monkeypatch: pytest.MonkeyPatch) -> None:
    """In proportion to their characters."""
    exact = forecast()["prompt_tokens"]
    monkeypatch.setattr("judgebench.engine.forecast.COUNTED", 5)
    assert forecast()["prompt_tokens"] == pytest.approx(exact, rel=0.05)


def test_answers_are_assumed_where_none_is_known(server: ScriptedModels) -> None:
    """300 tokens, but not more than the judge may give: 100 here. 20 calls cost 20 x 100 x 10 USD a million."""
    found = forecast()
    assert (found["completion_tokens"], found["replies"]) == (2000, 0)
    assert found["cost_usd"] == pytest.approx(found["prompt_tokens"] * 1e-6 + 0.02)


def test_answers_are_as_long_as_those_that_are_there(server: ScriptedModels) -> None:
    """Ten replies of 50 tokens in the cache: the other ten are expected so, and at most 100."""
    run("--subset", "donotanswer", "--out", "elsewhere")
    found = forecast()
    assert (found["completion_tokens"], found["replies"]) == (500, 10)
    assert found["cost_usd"] == pytest.approx(found["prompt_tokens"] * 1e-6 + 0.005)
    assert found["highest_usd"] == pytest.approx(found["prompt_tokens"] * 1e-6 + 0.01)


def test_answers_to_other_prompts_tell_how_long_a_model_s_are(server: ScriptedModels) -> None:
    """None of this template is there, but 20 of the same model, of 50 tokens; those of another model do not count."""
    run()
    found = forecast("-t", "pairwise-reasoning")
    assert (found["replies"], found["of_model"], found["completion_tokens"]) == (20, True, 20 * 50)
    assert "(mine): from the mean length of 20 cached replies of the same model" in " ".join(
        run("-t", "pairwise-reasoning", "--dry-run").out.split()
    )
    write_judges(server.url, mine={**PRICED, "model": "scripted/loopback-mini"})
    assert forecast("-t", "pairwise-reasoning")["replies"] == 0


def test_the_time_is_that_of_rounds_of_calls_in_flight(server: ScriptedModels) -> None:
    """20 calls by 8 are three rounds; unknown answers of 100 tokens take 0.5 s and 100 / 60 s."""
    found = forecast("--concurrency", 8)
    assert (found["timed"], found["latency_s"]) == (0, pytest.approx(0.5 + 300 / 60))
    assert found["seconds"] == pytest.approx(3 * found["latency_s"])
    assert "time: about 16 s without rate limits (8 calls in flight, 5.5 s per reply: assumed" in " ".join(
        run("--dry-run", "--concurrency", 8).out.split()
    )


def test_a_limit_per_minute_takes_its_time(server: ScriptedModels) -> None:
    """20 calls at 10 a minute are two minutes, however quick the replies are."""
    write_judges(server.url, mine={**PRICED, "limits": {"rpm": 10}})
    assert forecast()["seconds"] == pytest.approx(120)


def test_judges_work_side_by_side_and_their_runs_one_after_another() -> None:
    """The grid takes as long as the slowest judge."""
    one = Forecast("b", "a", "t", "one", 1, 0, 0, 1, 1, 1, 0, None, None, seconds=60)
    grid = [one, replace(one, template="u", seconds=30), replace(one, judge="c", seconds=80)]
    assert time_of(grid) == 90


def test_a_folder_counts_as_what_is_there(server: ScriptedModels) -> None:
    """Also where the cache is gone."""
    run()
    found = forecast("--cache-dir", "another")
    assert (found["done"], found["calls"]) == (20, 0)


def test_refresh_asks_for_everything(server: ScriptedModels) -> None:
    """Whatever is there."""
    run()
    assert forecast("--refresh")["calls"] == 20


def test_refresh_knows_how_long_answers_are(server: ScriptedModels) -> None:
    """From the 20 replies in the folder, of 50 tokens each."""
    run()
    found = forecast("--refresh")
    assert (found["replies"], found["completion_tokens"]) == (20, 20 * 50)


def test_equal_calls_of_a_grid_count_once(server: ScriptedModels) -> None:
    """The Ties ratings are the same calls whatever the main template."""
    write_jsonl(Path("four.jsonl"), [*best_of_four(3), *ties(1)])
    ended = judgebench(
        *("run", "rewardbench-2", "-j", "mine", "--data", "four.jsonl", "--dry-run", "--json"),
        *("-t", "four-way", "-t", "rating-10"),
    )
    four_way, rating = json.loads(ended.out)
    assert (four_way["calls"], rating["calls"], rating["cached"]) == (3 + 10, 12, 10)


def test_an_unknown_price_is_said(server: ScriptedModels) -> None:
    """With the mend, and no sum is invented."""
    ended = run("--dry-run", judge="free")
    assert "unknown" in ended.out
    assert "no known price: free; add price:" in ended.out


def test_no_key_is_needed(server: ScriptedModels) -> None:
    """One looks at the price before one has an account."""
    write_judges(server.url, mine={**PRICED, "api_key_env": "NOT_SET_ANYWHERE"})
    assert forecast()["calls"] == 20


@pytest.mark.parametrize(("budget", "said"), [(0.001, "may stop the run early"), (1, "is enough")])
def test_a_budget_is_held_against_the_highest_cost(server: ScriptedModels, budget: float, said: str) -> None:
    """Whether it suffices, whatever the answers."""
    assert said in run("--dry-run", "--budget", budget).out


@pytest.mark.parametrize(("turns", "said"), [(1, "up to 1 more call per"), (3, "up to 3 more calls per")])
def test_follow_up_turns_are_said_not_to_be_counted(server: ScriptedModels, turns: int, said: str) -> None:
    """No one knows how many replies cannot be read: calls and costs are without them, and the screen says so."""
    out = " ".join(run("--dry-run", "--repair", turns, "--budget", 1).out.split())
    assert f"not included: follow-up turns (--repair {turns}), {said} reply that could not be parsed" in out
    assert "as the judge's max_tokens, without follow-up turns" in out
    assert "is enough even at the maximum, without follow-up turns" in out
    assert (forecast("--repair", turns)["calls"], forecast("--repair", turns)["repair"]) == (20, turns)


def test_without_follow_up_turns_nothing_is_said_of_them(server: ScriptedModels) -> None:
    """There are none."""
    assert "follow-up" not in run("--dry-run", "--budget", 1).out


def test_a_follow_up_turn_that_is_known_to_come_is_counted(server: ScriptedModels) -> None:
    """Two replies that are there cannot be read, so that two calls are needed; with those too, none is."""
    server.answer = lambda request: "Hm." if "Question 3?" in request.text or "Question 7?" in request.text else "[[A]]"
    run()
    before = forecast("--repair", 1)
    server.answer = "[[A]]"
    run("--repair", 1)
    assert ((before["calls"], before["cached"]), server.count) == ((2, 18), 22)
    assert forecast("--repair", 1)["calls"] == forecast("--repair", 1, "--out", "elsewhere")["calls"] == 0


@pytest.mark.parametrize("more", [(), ("--out", "elsewhere")])
def test_a_follow_up_turns_answer_is_no_measure_of_an_answer(server: ScriptedModels, more: tuple[object, ...]) -> None:
    """10 answers of 80 tokens each got a turn of 2: the other 10 are foretold 80 each, from folder and cache alike."""
    server.answer = lambda request: (
        Reply("[[A]]", usage={"prompt_tokens": 10, "completion_tokens": 2})
        if len(request.messages) > 2
        else Reply("Hm.", usage={"prompt_tokens": 10, "completion_tokens": 80})
    )
    write_jsonl(Path("pairs.jsonl"), pairs(10))
    run("--repair", 1)
    write_jsonl(Path("pairs.jsonl"), pairs(20))
    found = forecast("--repair", 1, *more)
    assert (found["calls"], found["replies"], found["completion_tokens"]) == (10, 10, 800)


@pytest.mark.parametrize("more", [(), ("--out", "elsewhere")])
def test_an_answer_whose_follow_up_turn_is_to_come_is_measured(
    server: ScriptedModels, more: tuple[object, ...]
) -> None:
    """Each of 20 answers once, read or not."""
    server.answer = lambda request: "Hm." if "Question 3?" in request.text else "[[A]]"
    run()
    assert forecast("--repair", 1, *more)["replies"] == 20


def test_a_mistake_is_found(server: ScriptedModels) -> None:
    """As by the run itself."""
    ended = judgebench("run", "rewardbench", "-j", "mine", "--data", "pairs.jsonl", "-t", "four-way", "--dry-run")
    assert (ended.status, ended.err.count("\n")) == (2, 1)


def test_python_has_it_too(server: ScriptedModels) -> None:
    """`judgebench.forecast` gives a list of forecasts."""
    (found,) = jb.forecast("rewardbench", judges=["mine"], data="pairs.jsonl")
    assert (found.calls, found.judgements, server.count) == (20, 20, 0)


def test_a_dry_run_says_which_differences_the_items_detect():
    """400 equal items, two judges: 6.25 points at a discordance of 20%; of three judges Holm-corrected."""
    data = write_jsonl(Path("rows.jsonl"), pairs(400, ("alpacaeval-easy",)))
    judges = ("-j", "offline/longest", "-j", "offline/first")
    ended = judgebench("run", "rewardbench", *judges, "--data", data, "--dry-run", "--json")
    (one, _) = json.loads(ended.out)
    # ((1.95996 sqrt(.2) + .84162 sqrt(.2 - d^2)) / d)^2 = 400 at d = .06247
    assert one["detectable_difference"] == pytest.approx(0.0625, abs=0.0002)
    assert (one["labelled"], one["compared"], one["detectable_if_grouped"]) == (400, 2, None)
    shown = judgebench("run", "rewardbench", *judges, "-j", "offline/random", "--data", data, "--dry-run").out
    assert "400 labelled items detect differences of" in " ".join(shown.split())
    assert "any two of 3 runs, Holm-corrected, discordance 20% assumed" in " ".join(shown.split())


def test_a_dry_run_says_that_few_items_detect_nothing():
    """Four items show no difference at all with a chance of 80%; 20 show 31 points, at a discordance of as much."""
    said = lambda count: " ".join(  # noqa: E731
        judgebench(
            "run",
            "rewardbench",
            *("-j", "offline/first", "--dry-run", "--data"),
            write_jsonl(Path(f"{count}.jsonl"), pairs(count, ("alpacaeval-easy",))),
        ).out.split()
    )
    assert "4 labelled items are too few to detect any difference at 80% power (two runs)" in said(4)
    assert "differences of 31.3 points or more at 80% power (two runs, discordance 31% assumed)" in said(20)


def test_a_dry_run_without_labels_says_nothing_of_differences():
    """Rows without labels have no score, so there is no difference to detect."""
    rows = [{"prompt": "p", "response_a": f"a{n}", "response_b": "b"} for n in range(12)]
    data = write_jsonl(Path("rows.jsonl"), rows)
    ended = judgebench("run", "custom", "-j", "offline/longest", "--data", data, "--dry-run")
    assert (ended.status, "detect differences" in ended.out) == (0, False)
