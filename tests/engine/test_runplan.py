"""Plans by ask and tell, carried by an engine that answers from memory, and by one in another process: no server."""

from __future__ import annotations

import asyncio
import os
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from commands import best_of_four, files_below, pairs, read_json, read_jsonl, write_jsonl
from in_memory_engine import InMemoryEngine
from otherprocess import ProcessEngine

from judgebench import Engine, RunPlan
from judgebench.client import JudgeClient, ReplyCache
from judgebench.engine.cached import CachedEngine, needed_at_most
from judgebench.engine.lockstep import Lockstep
from judgebench.engine.options import PlanOptions
from judgebench.engine.plan import plan
from judgebench.errors import BudgetReached, FatalProviderError
from judgebench.items import Failure
from judgebench.verdicts import Reply

if TYPE_CHECKING:
    from judgebench.engine.spec import RunSpec

DOCS = Path(__file__).parents[2] / "docs"
JUDGE = "openai/gpt-4o"
FOLDER = Path("runs/custom/openai--gpt-4o/pairwise")


def spec(count: int = 1, **options: Any) -> RunSpec:
    """One run over so many pairs, in one order; 0, 1, ... are their ids."""
    write_jsonl(Path("rows.jsonl"), pairs(count))
    (cell,) = plan("custom", PlanOptions(judges=[JUDGE], data="rows.jsonl", **{"orders": "one", **options})).cells
    return cell


def carried(cell: RunSpec, engine: Engine) -> Any:
    """The result of a run that an engine carries."""
    with RunPlan(cell, "runs") as run:
        asyncio.run(engine.run(run))
        return run.finish()


def votes(*verdicts: str) -> dict[tuple[str, int], list[str]]:
    """The samples of the first item."""
    return {("0", sample): [f"[[{verdict}]]"] for sample, verdict in enumerate(verdicts)}


# --- what is opened


@pytest.mark.parametrize(("verdicts", "rounds"), [("AAA", [3]), ("AABA", [3, 1]), ("ABABA", [3, 1, 1])])
def test_votes_are_opened_until_their_majority_is_settled(verdicts: str, rounds: list[int]) -> None:
    """Of five: three settle it if they agree (3 > 2 left); 2 to 1 needs a fourth, 2 to 2 the fifth."""
    cell = spec(samples=5, aggregate="majority", early_stop=True)
    opened = []
    with RunPlan(cell, "runs") as run:
        while works := list(run.open()):
            opened.append(len(works))
            for work in works:
                run.tell(work, Reply(text=f"[[{verdicts[work.call.sample]}]]"))
        assert opened == rounds
        assert run.finish().state == "done"


def test_a_knockout_opens_its_final_when_its_first_round_is_told() -> None:
    """Four completions: two matches, then the winners' match."""
    write_jsonl(Path("four.jsonl"), best_of_four(1))
    options = PlanOptions(judges=[JUDGE], data="four.jsonl", pairs="knockout", orders="one")
    (cell,) = plan("rewardbench-2", options).cells
    with RunPlan(cell, "runs") as run:
        first = list(run.open())
        for work in first:
            run.tell(work, Reply(text="[[A]]"))
        (final,) = run.open()
    assert sorted(index for work in first for index in work.call.order) == [0, 1, 2, 3]
    assert {*final.call.order} == {work.call.order[0] for work in first}


def test_a_follow_up_turn_is_opened_by_a_reply_that_cannot_be_read() -> None:
    """The question, then its turn with the reply and a request for the verdict; both are in the run's folder."""
    engine = InMemoryEngine({("0", 0): ["Hm.", "[[A]]"]})
    result = carried(spec(repair=1), engine)

    question, turn = engine.carried
    assert (question.turn, turn.turn, turn.call) == (0, 1, question.call)
    assert [*turn.request.messages][: len(question.request.messages)] == [*question.request.messages]
    assert turn.request.messages[-2] == {"role": "assistant", "content": "Hm."}
    assert (result.state, [line.get("turn", 0) for line in read_jsonl(result.folder / "judgements.jsonl")]) == (
        "done",
        [0, 1],
    )


def test_a_follow_up_turn_can_be_had_at_once() -> None:
    """Then it is not opened again."""
    with RunPlan(spec(2, repair=1), "runs") as run:
        first, second = run.open()
        run.tell(first, Reply(text="Hm."))
        turn = run.following(first)
        assert turn is not None
        assert (turn.turn, run.following(second), list(run.open())) == (1, None, [])


def test_work_is_given_once() -> None:
    """What is being carried is not opened again; what is told leaves nothing."""
    with RunPlan(spec(3), "runs") as run:
        works = list(run.open())
        assert ([work.item.id for work in works], list(run.open()), run.awaits) == (["0", "1", "2"], [], True)
        for work in works:
            run.tell(work, Reply(text="[[A]]"))
        assert (list(run.open()), run.awaits) == ([], False)


# --- what is recorded


def test_what_is_told_is_in_the_folder() -> None:
    """Before anything else is told."""
    with RunPlan(spec(2), "runs") as run:
        for number, work in enumerate(run.open(), 1):
            run.tell(work, Reply(text="[[A]]"))
            assert len(read_jsonl(FOLDER / "one" / "judgements.jsonl")) == number


def test_a_failure_is_recorded_with_what_was_spent_on_it() -> None:
    """The tokens of its tries count."""
    with RunPlan(spec(), "runs") as run:
        (work,) = run.open()
        run.tell(work, Failure("provider", "gave up"), spent=Reply(completion_tokens=80))
        result = run.finish()
    assert (result.state, result.metrics.usage.completion_tokens) == ("incomplete", 80)
    assert result.unjudged == [("0", Failure("provider", "gave up"))]


def test_another_plan_goes_on_where_an_engine_was_cut_off() -> None:
    """Two of five calls are told; the next plan opens the other three."""
    cell, answers = spec(5), {(str(number), 0): ["[[A]]"] for number in range(5)}
    cut_off, engine = InMemoryEngine(answers, calls=2), InMemoryEngine(answers)
    assert carried(cell, cut_off).state == "interrupted"
    assert carried(cell, engine).state == "done"
    assert sorted(work.item.id for work in [*cut_off.carried, *engine.carried]) == ["0", "1", "2", "3", "4"]


def test_a_follow_up_turn_that_was_cut_off_is_opened_by_the_next_plan() -> None:
    """Its question is in the folder, and not asked again."""
    cell, answers = spec(repair=1), {("0", 0): ["Hm.", "[[A]]"]}
    carried(cell, InMemoryEngine(answers, calls=1))
    engine = InMemoryEngine(answers)
    assert carried(cell, engine).state == "done"
    assert [work.turn for work in engine.carried] == [1]


def test_a_dry_plan_writes_nothing() -> None:
    """It is told, and opens what follows."""
    run = RunPlan(spec(repair=1), "runs", dry=True)
    run.look()
    before = files_below(Path())
    asyncio.run(InMemoryEngine({("0", 0): ["Hm.", "[[A]]"]}).run(run))
    assert (list(run.open()), run.recorder.readings.total, files_below(Path())) == ([], 1, before)


# --- how it ends


def test_a_plan_that_is_ended_opens_nothing_more() -> None:
    """What is in flight is still recorded, and the result says why it stopped."""
    error = FatalProviderError("the key is refused")
    with RunPlan(spec(3), "runs") as run:
        works = run.open()
        first = next(works)
        run.end(error, first)
        run.tell(first, Reply(text="[[A]]"))
        assert (run.ended, list(works), list(run.open())) == (True, [], [])
        result = run.finish()
    assert (result.state, result.error, len(read_jsonl(FOLDER / "one" / "judgements.jsonl"))) == ("stopped", error, 1)


def test_a_plan_that_is_ended_before_anything_was_gained_raises_why() -> None:
    """And leaves no folder."""
    with RunPlan(spec(), "runs") as run:
        run.end(FatalProviderError("the key is refused"))
        with pytest.raises(FatalProviderError, match="refused"):
            run.finish()
    assert not FOLDER.exists()


def test_a_reached_budget_lets_a_pass_go_on() -> None:
    """For the cache may have the rest of it; a further pass opens nothing."""
    with RunPlan(spec(3), "runs") as run:
        works = run.open()
        run.end(BudgetReached("the budget is reached"), next(works))
        assert (run.ended, len(list(works)), list(run.open())) == (False, 2, [])


# --- from the cache alone


def test_what_the_cache_lacks_is_a_failure() -> None:
    """One of two replies is there."""
    cell = spec(2)
    with ReplyCache(Path("cache")) as cache:
        with RunPlan(cell, "runs") as run:
            cache.put(next(run.open()).request.key, Reply(text="[[A]]"))
        result = carried(cell, CachedEngine(cache))
    assert [(item, failure.kind) for item, failure in result.unjudged] == [("1", "not_cached")]
    assert [line["cached"] for line in read_jsonl(result.folder / "judgements.jsonl")] == [True, False]


def test_what_is_needed_at_most() -> None:
    """Five votes of which two are known and agree: the other three, for they may all say something else."""
    cell = spec(samples=5, aggregate="majority", early_stop=True)
    with ReplyCache(Path("cache")) as cache:
        run = RunPlan(cell, "runs", dry=True)
        for work in run.open():
            if work.call.sample < 2:
                cache.put(work.request.key, Reply(text="[[A]]"))
        dry = RunPlan(cell, "runs", dry=True)
        dry.look()
        lacking = [work for work in needed_at_most(dry, JudgeClient(cell.judge, cache)) if work is not None]
    assert sorted(work.call.sample for work in lacking) == [2, 3, 4]


# --- two runs


class BySide:
    """Answers as each run of a comparison is to: with the first completion, or the second."""

    def __init__(self, *chosen: int) -> None:
        self.chosen = chosen
        self.passes: list[list[tuple[int, str]]] = []

    async def run(self, plan: Lockstep) -> None:
        while works := list(plan.open()):
            self.passes.append([(work.run, work.item.id) for work in works])
            for work in works:
                plan.tell(work, Reply(text=f"[[{'AB'[work.call.order.index(self.chosen[work.run])]}]]"))


def compared(engine: BySide, count: int = 400) -> Any:
    """Two judges over pairs of which the first completion is right."""
    write_jsonl(Path("rows.jsonl"), pairs(count, ("all",)))
    options = PlanOptions(judges=[JUDGE, "openai/other"], data="rows.jsonl", orders="one", sequential=True)
    specs = plan("custom", options).cells
    first, second = (RunPlan(cell, "runs") for cell in specs)
    with first, second:
        both = Lockstep(first, second)
        asyncio.run(engine.run(both))
        return both.finish()


def test_two_runs_are_opened_block_by_block_until_their_difference_is_shown() -> None:
    """One is always right, the other always wrong: after a block of the same items in both, nothing more is opened."""
    engine = BySide(0, 1)
    (first, second), errors = compared(engine)

    of_first, of_second = ([item for run, item in engine.passes[0] if run == side] for side in (0, 1))
    assert of_first == of_second
    assert [run for run, _ in engine.passes[0]][:4] == [0, 1, 0, 1]
    assert (errors, len(engine.passes)) == ([], 1)
    found = first.metrics.sequential
    assert (found.decision, found.items, found.difference) == ("shown", len(of_first), 1.0)
    assert second.metrics.sequential.difference == -1.0
    assert read_json(first.folder / "manifest.json")["asked"] == len(of_first)


def test_what_ends_one_run_of_a_comparison_ends_the_other() -> None:
    """The second run's error is the first to be told, and the first run says with whom it ended."""

    class Refused(BySide):
        async def run(self, plan: Lockstep) -> None:
            works = list(plan.open())
            for work in works:
                plan.tell(work, Reply(text="[[A]]"))
            plan.end(FatalProviderError("refused"), works[1])
            assert (plan.ended, list(plan.open())) == (True, [])

    (first, second), errors = compared(Refused())
    assert (str(second.error), errors) == ("refused", [])
    assert "the comparison ended when openai/other" in str(first.error)


# --- work is data


def test_work_is_data() -> None:
    """It goes to another process and back, pickled, and is what it was; a follow-up turn is no other."""
    with RunPlan(spec(2, repair=1), "runs") as run:
        works = list(run.open())
        run.tell(works[0], Reply(text="Hm."))
        turn = run.following(works[0])
    assert pickle.loads(pickle.dumps([*works, turn])) == [*works, turn]


def test_calls_are_made_in_another_process() -> None:
    """The run is as one that was answered here, and its replies come from a process that is not this one."""
    here = carried(spec(3, repair=1), InMemoryEngine({(str(number), 0): ["Hm.", "[[A]]"] for number in range(3)}))
    outcomes = (here.folder / "outcomes.jsonl").read_text()
    elsewhere = spec(3, repair=1)
    with RunPlan(elsewhere, "others") as run:
        asyncio.run(ProcessEngine().run(run))
        result = run.finish()

    assert (result.folder / "outcomes.jsonl").read_text() == outcomes
    (served,) = {line["served_model"] for line in read_jsonl(result.folder / "judgements.jsonl")}
    assert served.startswith("process ")
    assert served != f"process {os.getpid()}"


# --- the page


def test_the_page_shows_the_file() -> None:
    """docs/engines.md has the engine that these tests use, line for line."""
    assert (
        f"```python\n{(DOCS / 'examples' / 'in_memory_engine.py').read_text()}```" in (DOCS / "engines.md").read_text()
    )


def test_the_pages_run_works() -> None:
    """As it stands there."""
    write_jsonl(Path("rows.jsonl"), pairs(1))
    blocks = (DOCS / "engines.md").read_text().split("```python\n")[1:]
    (example,) = [block.split("```")[0] for block in blocks if "RunPlan(spec" in block]
    names: dict[str, Any] = {}
    exec(example, names)  # the page's own lines
    assert names["result"].state == "done"
