"""What a run is made of: items, orders, samples, judges, templates; and that two runs never share a folder."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from commands import (
    apart,
    by_quality,
    files_below,
    judgebench,
    pairs,
    read_json,
    read_jsonl,
    take_over,
    write_jsonl,
    write_judges,
)
from loopback import LoopbackServer
from scripted import ScriptedModels

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN = """\
---
name: own
mode: pairwise
verdict: {pattern: '<<([AB])>>', example: '<<A>>'}
---
{% block user %}
{{ prompt }} {{ completions[0].text }} {{ completions[1].text }}
{% endblock %}
"""


@pytest.fixture
def live():
    """The same over sockets."""
    with LoopbackServer(by_quality) as running:
        write_judges(running.url)
        write_jsonl(Path("pairs.jsonl"), pairs(12))
        yield running


@pytest.fixture
def server():
    with ScriptedModels(by_quality) as running:
        write_judges(running.url)
        write_jsonl(Path("pairs.jsonl"), pairs(12, ("alpacaeval-easy", "donotanswer", "hep-go")))
        yield running


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ScriptedModels, Path]]:
    """A judge that may be asked once more, and a folder with a run of it."""
    folder = tmp_path_factory.mktemp("made")
    with ScriptedModels(by_quality) as running:
        with apart(folder):
            write_judges(running.url)
            write_jsonl(Path("pairs.jsonl"), pairs(12, ("alpacaeval-easy", "donotanswer", "hep-go")))
            mine()
        yield running, folder


@pytest.fixture
def done(made: tuple[ScriptedModels, Path]) -> ScriptedModels:
    """Its folder and its cache are the test's own."""
    server, folder = made
    server.answer = by_quality
    del server.requests[12:]
    take_over(folder)
    return server


def mine(*more: object):
    return judgebench("run", "rewardbench", "-j", "mine", "--data", "pairs.jsonl", "--json", *more)


def judgements(out: str = "runs") -> list[dict]:
    (path,) = Path(out).rglob("judgements.jsonl")
    return read_jsonl(path)


def folders() -> set[str]:
    return {str(path.parent.relative_to("runs/rewardbench")) for path in Path("runs").rglob("metrics.json")}


# --- which items


def test_a_subset_is_all_there_is(server: ScriptedModels) -> None:
    """The other sections are missing, and said to be."""
    (metrics,) = mine("--subset", "donotanswer").metrics
    assert (list(metrics["subsets"]), metrics["missing"]) == (["donotanswer"], ["Chat", "Chat Hard", "Reasoning"])


def test_several_subsets_can_be_named(server: ScriptedModels) -> None:
    """--subset is repeatable."""
    (metrics,) = mine("--subset", "donotanswer", "--subset", "hep-go").metrics
    assert set(metrics["subsets"]) == {"donotanswer", "hep-go"}


def test_a_limit_is_spread_over_the_subsets(server: ScriptedModels) -> None:
    """Six items of three subsets are two of each."""
    mine("--limit", 6)
    assert set(Counter(line["subset"] for line in judgements()).values()) == {2}


def test_a_larger_limit_keeps_the_smaller_ones_items(server: ScriptedModels) -> None:
    """So that what was paid for is used again."""
    mine("--limit", 3)
    mine("--limit", 9, "--out", "other")
    assert {line["item"] for line in judgements()} < {line["item"] for line in judgements("other")}


# --- orders, samples, seed


def test_one_order_is_asked_by_default(done: ScriptedModels) -> None:
    """The official way, drawn from the seed and the item's id."""
    assert {tuple(line["order"]) for line in judgements()} == {(0, 1), (1, 0)}


def test_another_seed_draws_other_orders(done: ScriptedModels) -> None:
    """And keeps them in another folder."""
    mine("--seed", 1, "--out", "other")
    drawn = [{line["item"]: line["order"] for line in judgements(out)} for out in ("runs", "other")]
    assert drawn[0] != drawn[1]


def test_an_items_order_does_not_depend_on_the_others(done: ScriptedModels) -> None:
    """Nor on the limit or the order of arrival."""
    mine("--limit", 4, "--concurrency", 1, "--out", "other")
    whole = {line["item"]: line["order"] for line in judgements()}
    assert all(whole[line["item"]] == line["order"] for line in judgements("other"))


@pytest.mark.parametrize("orders", ["both", "all"])
def test_both_orders_of_a_pair(server: ScriptedModels, orders: str) -> None:
    """Each completion stands once in each place; consistency is known; and it is said that this is not official."""
    (metrics,) = mine("--orders", orders).metrics
    assert (metrics["judgements"], metrics["consistency"]) == (24, 1.0)
    assert metrics["notes"][0].startswith("not the official way")


def test_samples_are_asked_each(server: ScriptedModels) -> None:
    """Three replies to each question, numbered."""
    mine("--samples", 3)
    assert Counter(line["sample"] for line in judgements()) == {0: 12, 1: 12, 2: 12}


# --- offline and refresh


def test_offline_makes_no_call(server: ScriptedModels) -> None:
    """What the cache lacks is a failure, of kind not_cached."""
    ended = mine("--offline")
    assert (ended.status, ended.metrics[0]["failures"], server.count) == (1, {"not_cached": 12}, 0)


def test_offline_takes_what_the_cache_has(server: ScriptedModels) -> None:
    """The same figures as the paid run."""
    score = mine().metrics[0]["score"]
    ended = mine("--offline", "--out", "other")
    assert (ended.status, ended.metrics[0]["score"]) == (0, score)


def test_what_was_not_cached_is_asked_later(server: ScriptedModels) -> None:
    """The same command without --offline fills the same folder."""
    mine("--offline")
    assert mine().metrics[0]["failures"] == {}


@pytest.mark.parametrize("out", ["runs", "other"])
def test_refresh_asks_again(done: ScriptedModels, out: str) -> None:
    """Whatever the cache or the folder has."""
    mine("--refresh", "--out", out)
    assert done.count == 24


def test_refresh_gives_the_new_verdicts(done: ScriptedModels) -> None:
    """The last reply to a question is the one that counts."""
    done.answer = "I can't. [[C]]"
    assert mine("--refresh").metrics[0]["failures"] == {"refused": 12}


def test_refresh_and_offline_contradict_each_other(done: ScriptedModels) -> None:
    """Exit 2 with one line, and a run that is there keeps its verdicts."""
    ended = mine("--refresh", "--offline")
    assert (ended.status, ended.err.count("\n"), "leave one out" in ended.err) == (2, 1, True)
    assert all("verdict" in line for line in judgements())


def test_concurrency_is_kept(live: LoopbackServer) -> None:
    """No more calls in flight than asked for."""
    live.latency = 0.02
    mine("--concurrency", 3)
    assert live.max_in_flight == 3


def test_the_judges_own_limit_is_kept(live: LoopbackServer) -> None:
    """Where the command names none."""
    live.latency = 0.02
    write_judges(live.url, mine={"limits": {"concurrency": 2}})
    mine()
    assert live.max_in_flight == 2


# --- grids


def grid(*more: object):
    return judgebench(
        *("run", "rewardbench", "--data", "pairs.jsonl", "--json", "-j", "mine", "-j", "offline/longest"), *more
    )


def test_every_judge_meets_every_template(server: ScriptedModels) -> None:
    """Two judges and two templates are four runs, in the order of the command."""
    runs = grid("-t", "pairwise", "-t", "rating-10").metrics
    assert [(run["template"], run["judge"]) for run in runs] == [
        ("pairwise", "mine"),
        ("pairwise", "offline/longest"),
        ("rating-10", "mine"),
        ("rating-10", "offline/longest"),
    ]


def test_a_template_that_does_not_fit_is_left_out(server: ScriptedModels) -> None:
    """And said, on standard error."""
    ended = grid("-t", "four-way", "-t", "pairwise")
    assert len(ended.metrics) == 2
    assert ended.err.splitlines()[0] == (
        "left out: template 'four-way' (best_of_k) does not fit rewardbench, which takes pairwise or rating"
    )


def test_runs_of_the_same_items_share_their_texts(server: ScriptedModels) -> None:
    """One file, linked into each folder."""
    grid()
    files = list(Path("runs").rglob("items.jsonl.gz"))
    assert (len(files), len({path.stat().st_ino for path in files})) == (2, 1)


# --- never mixed


def test_a_changed_template_gets_another_folder(server: ScriptedModels) -> None:
    """Under the same name, and it is said."""
    for text in (OWN, OWN.replace("{{ prompt }}", "Now: {{ prompt }}")):
        Path("own.jinja").write_text(text)
        (metrics,) = mine("-t", "own.jinja").metrics
    assert (len(folders()), "is taken by a run with another wording" in metrics["notes"][0]) == (2, True)


def test_changed_data_get_another_folder(done: ScriptedModels) -> None:
    """A corrected row is another item."""
    rows = pairs(12, ("alpacaeval-easy", "donotanswer", "hep-go"))
    rows[3]["chosen"] += " Indeed."
    write_jsonl(Path("pairs.jsonl"), rows)
    mine()
    assert len(folders()) == 2


def test_changed_params_get_another_folder(done: ScriptedModels) -> None:
    """The same judge, asked otherwise, is another judge."""
    write_judges(done.url, mine={"params": {"temperature": 1}})
    mine()
    assert (len(folders()), done.count) == (2, 24)


def test_changed_limits_do_not(done: ScriptedModels) -> None:
    """How fast a judge is asked changes nothing in its replies."""
    write_judges(done.url, mine={"limits": {"concurrency": 1}, "timeout": 9})
    mine()
    assert (len(folders()), done.count) == (1, 12)


def test_a_server_may_move(done: ScriptedModels) -> None:
    """Another address of the same judge makes no call again."""
    write_judges(done.url.replace("127.0.0.1", "localhost"))
    mine()
    assert (len(folders()), done.count) == (1, 12)


def test_the_changed_command_finds_its_folder_again(server: ScriptedModels) -> None:
    """Going back and forth makes no third one."""
    for params in ({"temperature": 0.1}, {"temperature": 1}, {"temperature": 0.1}, {"temperature": 1}):
        write_judges(server.url, mine={"params": params})
        mine()
    assert (len(folders()), server.count) == (2, 24)


# --- resume


def test_a_run_goes_on_where_its_file_ends(server: ScriptedModels) -> None:
    """With the cache gone, only what the folder lacks is asked."""
    mine("--cache-dir", "one")
    (path,) = Path("runs").rglob("judgements.jsonl")
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:5]))
    mine("--cache-dir", "two")
    assert (server.count, len(judgements())) == (12 + 7, 12)


def test_a_torn_last_line_is_asked_again(server: ScriptedModels) -> None:
    """What a crash left of a line is taken off."""
    score = mine("--cache-dir", "one").metrics[0]["score"]
    (path,) = Path("runs").rglob("judgements.jsonl")
    path.write_bytes(path.read_bytes()[:-9])
    again = mine("--cache-dir", "two").metrics[0]
    assert (server.count, again["score"], len(judgements())) == (13, score, 12)


@pytest.mark.parametrize("name", ["metrics.json", "outcomes.jsonl"])
def test_a_result_that_is_gone_is_made_again(done: ScriptedModels, name: str) -> None:
    """From the judgements, with no call."""
    (path,) = Path("runs").rglob(name)
    whole = path.read_text()
    path.write_text("{")
    mine()
    assert (path.read_text() == whole, done.count) == (True, 12)


def test_a_line_that_is_no_judgement_is_not_passed_over(done: ScriptedModels) -> None:
    """It is named with its file and line, and nothing is asked."""
    (path,) = Path("runs").rglob("judgements.jsonl")
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:2], "{}\n", *lines[3:]]))
    ended = mine()
    assert (ended.status, f"{path} line 3: not a valid judgement record" in ended.err, done.count) == (2, True, 12)


def test_the_same_run_writes_nothing_twice(done: ScriptedModels) -> None:
    """The folder has the same files after the second time."""
    before = files_below(Path("runs"))
    mine()
    assert (files_below(Path("runs")), len(judgements())) == (before, 12)


def test_a_run_that_is_done_stays_done(done: ScriptedModels) -> None:
    """As its manifest says."""
    mine()
    (path,) = Path("runs").rglob("manifest.json")
    assert read_json(path)["state"] == "done"


def test_a_column_names_rows_that_belong_together(server: ScriptedModels) -> None:
    """Twelve rows of four authors: the note says so, the interval is wider, and compare resamples authors."""
    write_jsonl(Path("own.jsonl"), [row | {"author": number // 3} for number, row in enumerate(pairs(12, ("own",)))])
    options = ("run", "custom", "-j", "mine", "--data", "own.jsonl", "--json")
    (apart,) = judgebench(*options, "--out", "apart").metrics
    (together,) = judgebench(*options, "--group-column", "author").metrics
    assert apart["notes"] == []
    assert together["notes"] == ["12 of 12 items share 4 groups: intervals and tests are clustered by group"]
    assert together["high"] - together["low"] > 1.5 * (apart["high"] - apart["low"])
    (path,) = Path("runs").rglob("manifest.json")
    assert read_json(path)["selection"]["group_column"] == "author"
