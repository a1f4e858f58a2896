"""Runs in batches: equal to live ones, and submitted once, whatever becomes of batches and of the process."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from commands import by_quality, judgebench, pairs, read_jsonl, write_jsonl, write_judges
from faults import Reply
from scripted import ScriptedModels
from virtualtime import in_no_time

import judgebench as jb
from judgebench.client import BatchLine
from judgebench.errors import ConfigError, FatalProviderError, RateLimitedError, TransientError

ROWS = 24
TIMED = {"cost_usd", "cached", "calls"}


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def models():
    """Models behind `mine`, which are always right, and rows to judge."""
    with ScriptedModels(by_quality) as running:
        write_judges(running.url, mine={"price": {"input": 2, "output": 8, "batch": 0.5}})
        write_jsonl(Path("rows.jsonl"), pairs(ROWS))
        yield running


def run(out="runs", *, batch=True, **options):
    """A run over the rows, in no time."""
    settings = {"judge": "mine", "data": "rows.jsonl", "out": out, "cache_dir": f"cache-{out}", **options}
    return in_no_time(jb.arun("rewardbench", batch=batch, **settings))[0]


def scores(made):
    """What `metrics.json` has, less what it took."""
    return {
        name: value for name, value in json.loads((made.path / "metrics.json").read_text()).items() if name != "usage"
    }


def test_a_run_in_batches_is_the_live_run(models):
    """The same keys, readings and metrics, at the price of a batch, without latencies; each request goes out once."""
    live, batched = run("live", batch=False, orders="both"), run(orders="both")
    mine, theirs = ({(j.item, j.order): j for j in made.judgements} for made in (batched, live))
    assert scores(batched) == scores(live)
    assert {at: (j.key, j.verdict, j.usage) for at, j in mine.items()} == {
        at: (j.key, j.verdict, j.usage) for at, j in theirs.items()
    }
    assert {at: j.cost_usd for at, j in mine.items()} == pytest.approx({at: j.cost_usd / 2 for at, j in theirs.items()})
    assert not any(j.cached or j.latency_s for j in mine.values())
    assert sorted(models.desk.submitted) == sorted(j.key for j in mine.values())


def test_batches_are_as_large_as_the_provider_takes(models):
    """By the number of requests and by bytes; together they are the run."""
    models.desk.most_requests = 7
    assert run().metrics.coverage == 1
    assert [len(kept.keys) for kept in models.desk.batches.values()] == [7, 7, 7, 3]
    largest = max(kept.size for kept in models.desk.batches.values())
    models.desk.most_requests, models.desk.most_bytes = 1000, largest
    again = run("again")
    assert again.metrics.coverage == 1
    assert len(models.desk.batches) in {8, 9}
    assert len(set(models.desk.submitted)) == ROWS


def shuffled(kept, lines):
    """Out of order, one missing, one doubled, one unknown, and one failed in each way, the first time each is asked."""
    if kept.number > 1:
        return lines
    missing, late, limited, long, *rest = lines
    found = [
        *rest,
        rest[0],
        BatchLine("f" * 64, 200),
        BatchLine(late.key, 500),
        BatchLine(limited.key, 429),
        BatchLine(long.key, 413),
    ]
    random.Random(0).shuffle(found)
    assert missing.key not in {line.key for line in found}
    return found


def test_lines_in_any_order_and_what_is_missing_is_asked_again(models):
    """What failed for a while, or has no line, goes out in a second batch; what failed for good is a failure."""
    models.desk.lines = shuffled
    made = run()
    first, second = models.desk.batches.values()
    assert len(first.keys) == ROWS
    assert len(second.keys) == 3
    assert made.metrics.failures == {"context": 1}
    assert len(list(made.judgements)) == ROWS


@pytest.mark.parametrize(("status", "kind"), [(500, "provider"), (0, "provider")])
def test_what_never_works_is_sent_three_times(models, status, kind):
    """A line that fails again and again is a failure of its own item, and costs no more than that."""
    bad: list[str] = []

    def lines(kept, those):
        bad[:] = bad or [those[0].key]
        return [BatchLine(each.key, status, why="expired") if each.key in bad else each for each in those]

    models.desk.lines = lines
    made = run()
    assert made.metrics.failures == {kind: 1}
    assert [len(kept.keys) for kept in models.desk.batches.values()] == [ROWS, 1, 1]


def test_an_expired_batch_gives_what_was_done_and_the_rest_is_sent_again(models):
    """Nothing that was done is asked twice."""
    models.desk.ends = lambda kept: "expired" if kept.number == 1 else "completed"
    assert run().metrics.coverage == 1
    first, second = models.desk.batches.values()
    assert second.keys == first.keys[ROWS // 2 :]


def test_a_batch_over_the_queue_limit_is_made_smaller(models):
    """Of what an account may have waiting, a batch takes less and less until it is taken."""
    models.desk.ends = lambda kept: "completed" if len(kept.keys) <= 6 else "failed: token_limit_exceeded: too much"
    assert run().metrics.coverage == 1
    assert sorted(models.desk.submitted) == sorted(set(models.desk.submitted))
    assert len(models.desk.submitted) == ROWS


def test_follow_up_turns_and_early_stops_go_in_rounds(models):
    """What a reply opens goes out when its batch has ended, and the result is the live run's."""
    models.answer = lambda request: by_quality(request) if len(request.messages) > 2 else "Hm."
    for options in ({"repair": 1}, {"samples": 5, "aggregate": "majority", "early_stop": True}):
        name = next(iter(options))
        models.answer = models.answer if name == "repair" else by_quality
        live, batched = run(f"live-{name}", batch=False, **options), run(f"runs-{name}", **options)
        assert scores(batched) == scores(live)
    assert len(models.desk.submitted) == 2 * ROWS + 3 * ROWS


STEPS = ("create", "created", "check", "results")


@pytest.mark.parametrize("tags", [True, False])
def test_killed_at_every_step_nothing_is_submitted_twice(models, tags):
    """Before and after a batch is made, while it is waited for, and in the middle of its results."""
    models.desk.tags, models.desk.most_requests = tags, 10
    killed: list[tuple[str, int]] = []

    def at(step):
        count[step] = count.get(step, 0) + 1
        at_most = {"results": 13, "create": 2, "created": 2}.get(step, 3)
        for number in range(1, at_most + 1):
            if step in STEPS and count[step] == number and (step, number) not in killed:
                killed.append((step, number))
                raise Killed

    models.desk.at = at
    while True:
        count: dict[str, int] = {}
        try:
            made = run()
            break
        except Killed:
            continue
    assert len(killed) > 8
    assert made.metrics.coverage == 1
    assert sorted(models.desk.submitted) == sorted({j.key for j in made.judgements})
    assert scores(made) == scores(run("live", batch=False))


def test_an_answer_lost_on_the_way_is_no_second_batch(models):
    """Whether a batch was made is looked up before another is."""
    lost = iter([True])

    def at(step):
        if step == "created" and next(lost, False):
            raise TransientError("the connection broke")

    models.desk.at = at
    assert run().metrics.coverage == 1
    assert len(models.desk.batches) == 1


def test_the_budget_counts_batch_prices_and_sends_no_more_than_fits(models):
    """What is with the provider counts at its highest cost; what that turns out to be makes room for more."""
    write_judges(models.url, mine={"price": {"input": 2, "output": 8, "batch": 0.5}, "params": {"max_tokens": 1000}})
    highest = 1000 * 4 / 1e6 + 2000 * 1 / 1e6
    assert run(budget=8 * highest).metrics.coverage == 1
    assert len(models.desk.batches) > 2
    assert len(models.desk.submitted) == ROWS


def test_a_cancelled_batch_ends_the_run_with_what_was_done(models):
    """The same command sends the rest again; nobody's cancelling is undone by itself."""
    models.desk.ends = lambda kept: "cancelled" if kept.number == 1 else "completed"
    with pytest.warns(UserWarning, match="batch b1 was cancelled, 12 of 24 requests have no reply"):
        made = run()
    assert made.manifest.state == "stopped"
    assert run().metrics.coverage == 1
    assert len(models.desk.submitted) == ROWS + ROWS // 2


def test_a_live_run_does_not_pay_again_for_what_is_in_a_batch(models):
    """It says so, and how to go on."""
    models.desk.at = lambda step: (_ for _ in ()).throw(Killed) if step == "check" else None
    with pytest.raises(Killed):
        run()
    with pytest.raises(ConfigError, match=r"1 batch of this run \(24 requests\) may still be with the provider; rerun"):
        run(batch=False)


def test_a_record_of_another_run_is_refused(models):
    """Its batches answer other questions."""
    made = run()
    path = made.path / "batches.jsonl"
    path.write_text(path.read_text().replace('"run": "', '"run": "x'))
    (made.path / "judgements.jsonl").write_text("")
    with pytest.raises(ConfigError, match=r"batches.jsonl: its batches belong to another run; move the file away"):
        run(cache_dir="other")


def test_a_provider_that_refuses_every_line_ends_the_judge(models):
    """As a live one that refuses its first calls does, with the same advice."""
    models.desk.lines = lambda kept, lines: [BatchLine(each.key, 400) for each in lines]
    with pytest.raises(FatalProviderError, match="the provider rejects all calls: status 400: bad request; check the"):
        run()


def test_replies_are_refused_cut_or_empty_as_live_ones(models):
    """Each reply in a batch becomes the failure that it would be live."""
    odd = [Reply(refusal="No."), Reply("[[A", finish_reason="length"), Reply("Hm."), Reply("", finish_reason="stop")]

    def answer(request):
        number = int(request.text.partition("Question ")[2].partition("?")[0])
        return odd[number] if number < len(odd) else by_quality(request)

    models.answer = answer
    live, batched = run("live", batch=False), run()
    assert batched.metrics.failures == live.metrics.failures
    assert scores(batched) == scores(live)


def test_two_runs_of_a_command_ask_an_equal_question_once(models):
    """Whichever sends it first, the other waits for its reply."""
    write_judges(models.url, mine={"cache_as": "one"}, twin={"cache_as": "one"})
    made = in_no_time(
        jb.agrid("rewardbench", judges=["mine", "twin"], data="rows.jsonl", batch=True, out="two", cache_dir="two")
    )[0]
    assert [each.metrics.coverage for each in made] == [1, 1]
    assert len(models.desk.submitted) == ROWS


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--offline"], "--batch makes calls and --offline makes none: leave one out"),
        (["--concurrency", 3], "--concurrency limits live calls, and --batch makes none: leave one out"),
        (["-t", "pairwise-ties", "--sequential"], "has them after up to 24 hours: leave one out"),
    ],
)
def test_what_does_not_go_together_is_one_line(models, options, said):
    """Found before anything is sent."""
    ended = judgebench(
        "run", "rewardbench", "--data", "rows.jsonl", "-j", "mine", "-t", "pairwise", "--batch", *options
    )
    assert ended.status == 2
    assert said in ended.err
    assert ended.err.count("\n") == 1
    assert not models.desk.batches


def test_other_providers_are_named_before_anything_is_sent():
    """One line says which ones there are."""
    write_jsonl(Path("rows.jsonl"), pairs(2))
    for more in ((), ("--dry-run",)):
        ended = judgebench("run", "rewardbench", "--data", "rows.jsonl", "-j", "ollama/x", "--batch", *more)
        assert ended.status == 2
        assert "judgebench knows no batch interface of this provider; --batch takes openai/..." in ended.err


def test_a_dry_run_says_the_batch_price(models):
    """Half of the live one's, and no time that is known."""
    live, batched = (
        jb.forecast("rewardbench", judges="mine", data="rows.jsonl", batch=batch)[0] for batch in (False, True)
    )
    assert batched.cost_usd == pytest.approx(live.cost_usd / 2)
    assert batched.highest_usd == pytest.approx(live.highest_usd / 2)
    assert (batched.seconds, batched.batch) == (0, True)


def test_the_record_has_no_secret_and_says_what_became_of_each_batch(models):
    """An event a line, in their order."""
    made = run()
    events = [line["event"] for line in read_jsonl(made.path / "batches.jsonl")]
    assert events == ["intended", "made", "seen", "seen", "taken"]


def test_a_wait_that_the_provider_asks_for_is_kept(models):
    """`Retry-After` of a request about batches, and a growing interval between looks at them."""
    models.desk.checks = 12
    refused = iter([True])

    def at(step):
        if step == "check" and next(refused, False):
            raise RateLimitedError("slow down", retry_after=100.0)

    models.desk.at = at
    made, seconds = in_no_time(jb.arun("rewardbench", judge="mine", data="rows.jsonl", batch=True))
    assert made.metrics.coverage == 1
    polls = [min(5 * 1.5**number, 300) for number in range(11)]
    assert seconds == pytest.approx(100 + sum(polls), abs=1)


def test_a_provider_that_cannot_be_reached_ends_the_run_and_nothing_is_lost(models):
    """After half a minute where it never answered; the next command goes on."""
    models.desk.at = lambda step: (_ for _ in ()).throw(TransientError("down"))
    with pytest.raises(
        FatalProviderError, match=r"cannot be reached after 6 attempts: down; rerun the command to resume"
    ):
        run()
    assert not Path("runs").exists()
    models.desk.at = lambda _: None
    assert run().metrics.coverage == 1


def test_a_run_that_is_whole_needs_no_batch(models):
    """The same command again sends nothing, and so does a live one."""
    run()
    assert run().metrics.coverage == run(batch=False).metrics.coverage == 1
    assert len(models.desk.batches) == 1
    path = Path("runs/rewardbench/mine/pairwise/one/batches.jsonl")
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    assert run(batch=False).metrics.coverage == 1


def test_a_line_that_ends_the_judge_does_not_hide_the_others(models):
    """A key that is refused within a batch ends the run with what else came; the same command sends the rest again."""
    models.desk.lines = lambda kept, lines: [BatchLine(lines[0].key, 401), *lines[1:]] if kept.number == 1 else lines
    with pytest.warns(UserWarning, match="the key is refused"):
        made = run()
    assert len(list(made.judgements)) == ROWS - 1
    assert run().metrics.coverage == 1
    assert [len(kept.keys) for kept in models.desk.batches.values()] == [ROWS, 1]


def test_a_refresh_in_batches_goes_on_where_it_was_killed(models):
    """Each request is asked once more, whatever the cache has; what was refreshed stays."""
    before = run()
    models.desk.most_requests = 10
    stop = iter([True])

    def at(step):
        if step == "results" and len(models.desk.batches) == 4 and next(stop, False):
            raise Killed

    models.desk.at = at
    with pytest.raises(Killed):
        run(refresh=True)
    made = run(refresh=True)
    assert made.metrics.score == before.metrics.score
    assert len(models.desk.submitted) == 2 * ROWS
    assert len(list(made.judgements)) == ROWS


def test_baselines_beside_a_judge_in_batches_are_computed_at_once(models):
    """They have no provider."""
    made = in_no_time(jb.agrid("rewardbench", judges=["offline/first", "mine"], data="rows.jsonl", batch=True))[0]
    assert [each.metrics.coverage for each in made] == [1, 1]
    assert len(models.desk.submitted) == ROWS


def test_results_without_a_line_of_the_batch_are_not_paid_for_again(models):
    """The run stops, the batch stays open, and the same command fetches its results once more."""
    models.desk.lines = lambda _kept, _lines: [BatchLine("f" * 64, 200)]
    with pytest.raises(FatalProviderError, match="batch b1 is completed, and its results have no line that can be"):
        run()
    kept = models.desk.batches["b1"]
    kept.lines = [BatchLine(key, 200) for key in kept.keys]
    assert run().metrics.coverage == 1
    assert len(models.desk.submitted) == ROWS


def test_a_batch_that_is_gone_hides_none_of_the_others(models):
    """What they give is taken; its own requests are not sent again, and `batch status` names it."""
    models.desk.most_requests = 10
    models.desk.at = lambda step: (_ for _ in ()).throw(Killed) if step == "check" else None
    with pytest.raises(Killed):
        run()
    models.desk.at = lambda _: None
    del models.desk.batches["b1"]
    with pytest.warns(UserWarning, match="batch b1 is not there"):
        made = run()
    assert len([each for each in made.judgements if each.verdict]) == ROWS - 10
    assert len(models.desk.batches) == 2
    assert [(each.batch, each.state) for each in jb.batch_status("runs")] == [
        ("b1", "not found"),
        ("b2", "taken"),
        ("b3", "taken"),
    ]
