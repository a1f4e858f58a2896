"""The scripted judge and the fake clock, through the client and through whole runs."""

import asyncio
import time
from collections import Counter
from contextlib import aclosing

import pytest
from asking import asked_on_fake_clock as asked, request
from scoring import write_rows

import judgebench as jb
from judgebench.client.budget import Budget
from judgebench.client.cache.store import ReplyCache
from judgebench.client.calls import BAD_REQUESTS_IN_A_ROW, PAID_TRIES, JudgeClient
from judgebench.client.testing import FAILURES, FakeClockLoop, ScriptedJudge, on_fake_clock
from judgebench.errors import ConfigError, FatalProviderError, VerdictFailure
from judgebench.judges import callable_judge
from judgebench.verdicts.reply import Reply

GOOD = "Answer A is better: [[A]]"
PRICE = {"input": 1.0, "output": 2.0}


@pytest.fixture
def rows(tmp_path):
    """Four pairs."""
    pairs = [{"id": str(n), "prompt": f"Q{n}", "chosen": "good", "rejected": "bad"} for n in range(4)]
    return str(write_rows(tmp_path / "rows.jsonl", pairs))


@pytest.fixture
def places(tmp_path):
    return {"out": tmp_path / "runs", "cache_dir": tmp_path / "cache"}


# --- the clock


def test_an_hour_passes_at_once():
    """And the loop's own clock shows it."""
    started = time.monotonic()

    async def sleeping():
        await asyncio.gather(asyncio.sleep(3600), asyncio.sleep(60))
        return asyncio.get_running_loop().time()

    assert on_fake_clock(sleeping()) == pytest.approx(3600)
    assert time.monotonic() - started < 5


def test_a_timeout_is_one_of_the_clocks():
    """`asyncio.timeout` goes by it."""

    async def hanging():
        async with asyncio.timeout(120):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        on_fake_clock(hanging())


def test_what_a_thread_would_do_is_done_at_once():
    """Its result and its error come as from a thread."""

    async def worked(function):
        return await asyncio.to_thread(function)

    assert on_fake_clock(worked(lambda: 7)) == 7
    with pytest.raises(ZeroDivisionError):
        on_fake_clock(worked(lambda: 1 / 0))


# --- functions as judges, through the client


def test_a_reply_has_its_latency_and_its_time(tmp_path):
    """Those of the clock, though the function gave its text alone."""
    (reply,), seconds, _ = asked(tmp_path, callable_judge(ScriptedJudge([GOOD], latency=2.5)))

    assert (reply.text, reply.latency_s, reply.finish_reason) == (GOOD, pytest.approx(2.5), "stop")
    assert (seconds, reply.created > 1e9, reply.cost_usd) == (pytest.approx(2.5), True, None)


def test_tokens_cost_what_the_judge_costs(tmp_path):
    """10 at 1 USD and 20 at 2 USD a million."""
    script = [
        Reply(text=GOOD, prompt_tokens=10, completion_tokens=20),
        Reply(text=GOOD),
        Reply(text=GOOD, cost_usd=0.5),
    ]
    replies, _, _ = asked(tmp_path, callable_judge(ScriptedJudge(script), price=PRICE), "one", "two", "three")

    assert [reply.cost_usd for reply in replies] == [pytest.approx(50e-6), None, 0.5]


def test_a_synchronous_function_is_called_in_a_thread(tmp_path):
    """With a loop of the usual kind; it may take the sample's number."""

    async def both():
        async with aclosing(client):
            return (await client.ask(request(client, "Q", sample=4))).reply.text

    with ReplyCache(tmp_path / "cache") as cache:
        client = JudgeClient(callable_judge(lambda messages, sample: f"{messages[0]['content']}{sample}"), cache)
        assert asyncio.run(both()) == "Q4"


@pytest.mark.parametrize(
    ("name", "waits"),
    [
        ("rate limit", 2.0),
        ("server error", None),
        ("timeout", None),
        ("connection error", None),
        ("broken reply", None),
        ("empty", None),
    ],
)
def test_what_passes_is_tried_again(tmp_path, name, waits):
    """And counted by what it was for; a wait that is asked for is kept."""
    (reply,), seconds, client = asked(tmp_path, callable_judge(ScriptedJudge([FAILURES[name], GOOD])))

    counted = "empty reply" if name == "empty" else name
    assert (reply.text, client.asked_again) == (GOOD, {counted: 1})
    assert waits is None or seconds == pytest.approx(waits)


def test_a_call_that_hangs_is_given_up_after_three_timeouts(tmp_path):
    """Each a second longer than the judge's own, and none waited for."""
    judge = callable_judge(ScriptedJudge(lambda _: GOOD, latency=1e9)).model_copy(update={"timeout": 60.0})
    (error,), seconds, client = asked(tmp_path, judge)

    assert (error.kind, client.asked_again) == ("provider", {"timeout": PAID_TRIES - 1})
    assert seconds >= PAID_TRIES * 61


@pytest.mark.parametrize("kind", ["context", "filtered"])
def test_what_is_wrong_with_the_prompt_is_kept_as_a_reply(tmp_path, kind):
    """As from any provider."""
    (reply,), _, _ = asked(tmp_path, callable_judge(ScriptedJudge([FAILURES[kind]])))

    assert reply.finish_reason == {"context": "context", "filtered": "content_filter"}[kind]


def test_a_fatal_error_stops_all_calls(tmp_path):
    """The second is not made."""
    script = ScriptedJudge([FAILURES["fatal"], GOOD])
    ended, _, _ = asked(tmp_path, callable_judge(script), "one", "two")

    assert ([type(each) for each in ended], len(script.calls)) == ([FatalProviderError] * 2, 1)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda messages: messages["x"], "TypeError: "),
        (lambda messages: 7, "expected text or a judgebench.Reply, got int"),
    ],
)
def test_a_mistake_in_the_function_stops_the_judge_at_the_third_call(tmp_path, function, said):
    """With its words and whose they are; judgebench's settings have no part in it."""
    ended, _, _ = asked(tmp_path, callable_judge(function, name="mine"), *map(str, range(BAD_REQUESTS_IN_A_ROW)))

    assert [type(each) for each in ended] == [VerdictFailure] * 2 + [FatalProviderError]
    assert said in ended[0].detail
    assert str(ended[-1]).startswith(f"judge 'mine' (python/mine): all calls failed in the function: {said}")
    assert str(ended[-1]).endswith("; fix its code")


def test_a_broken_connection_of_a_function_is_tried_again(tmp_path):
    """Any OSError is."""
    (reply,), _, client = asked(tmp_path, callable_judge(ScriptedJudge([ConnectionResetError("gone"), GOOD])))

    assert (reply.text, client.asked_again) == (GOOD, {"server error": 1})


def test_no_key_is_in_what_a_function_says(tmp_path, monkeypatch):
    """Neither in a reply nor in an error, whoever raised it."""
    monkeypatch.setenv("SOME_API_KEY", "canary-0123456789")
    script = [
        "canary-0123456789 [[A]]",
        ValueError("canary-0123456789"),
        VerdictFailure("provider", "canary-0123456789"),
    ]
    reply, *errors = asked(tmp_path, callable_judge(ScriptedJudge(script)), "one", "two", "three")[0]

    assert (reply.text, [error.detail for error in errors]) == (
        "[hidden] [[A]]",
        ["ValueError: [hidden]", "[hidden]"],
    )


def test_an_error_of_unknown_price_counts_at_its_highest(tmp_path):
    """It may have been paid for: one byte and 16 for the role at 1 USD, 10 tokens at 2 USD a million."""
    judge = callable_judge(ScriptedJudge([FAILURES["provider"]]), price=PRICE, params={"max_tokens": 10})
    _, _, client = asked(tmp_path, judge, "Q", budget=Budget(1.0))

    assert client.budget.spent == pytest.approx(37e-6)


# --- through whole runs


def test_a_run_with_a_function(rows, places):
    """Each item is judged by the function, in the order shown; a second run makes no call."""

    def honest(messages):
        text = messages[-1]["content"]
        return "[[A]]" if text.index("good") < text.index("bad") else "[[B]]"

    run, again = (jb.run("custom", judge=honest, data=rows, **places) for _ in range(2))

    assert (run.metrics.score, run.metrics.usage.calls, run.metrics.judge) == (1.0, 4, "honest")
    assert again.metrics.usage.calls == 4
    assert {each.served_model for each in run.judgements} == {"python/honest"}


def test_a_function_that_was_changed_is_asked_again(rows, places):
    """Under the same name, into a folder of its own."""

    def always(verdict):
        def same(messages):
            return f"[[{verdict}]]"

        return same

    first, second = (jb.run("custom", judge=always(verdict), data=rows, **places) for verdict in "AB")

    assert first.path != second.path
    assert {each.verdict for each in second.judgements} == {"B"}


def test_a_run_has_its_scripts_failures(rows, places):
    """One of each kind of the reply's own, and a good one; a minute each takes no time."""
    script = ScriptedJudge([FAILURES["truncated"], FAILURES["refused"], FAILURES["unreadable"], "[[A]]"], latency=60.0)
    run = on_fake_clock(jb.arun("custom", judge=script, data=rows, concurrency=1, **places))

    assert +Counter(run.metrics.failures) == {"truncated": 1, "refused": 1, "unreadable": 1}
    assert [each.latency_s for each in run.judgements] == [pytest.approx(60.0)] * 4


def test_a_script_that_is_too_short_says_so(rows, places):
    """And ends the run, which warns of it."""
    with pytest.warns(UserWarning, match="the script has 1 steps, and a further call was made"):
        run = on_fake_clock(jb.arun("custom", judge=ScriptedJudge(["[[A]]"]), data=rows, concurrency=1, **places))

    assert +Counter(run.metrics.failures) == {"not_asked": 3}


def test_a_function_with_a_mistake_is_found_before_the_run(rows, places):
    """One line, exit status 2 on a command line."""
    with pytest.raises(ConfigError, match="the function needs mood"):
        jb.run("custom", judge=lambda messages, mood: mood, data=rows, **places)


def test_the_loop_is_the_usual_one_but_for_its_clock():
    """Real selectors, so that a real connection would be seen."""
    assert issubclass(FakeClockLoop, asyncio.SelectorEventLoop)


def test_a_budget_needs_a_price_of_the_function(rows, places):
    """Which its own `callable_judge` takes."""
    with pytest.raises(ConfigError, match=r"no known price, required by --budget: add price: .* in callable_judge"):
        jb.run("custom", judge=ScriptedJudge([]), data=rows, budget=1.0, **places)
