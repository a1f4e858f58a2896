"""`transport: direct`: the same run by plain HTTP, from the preset or for one command, and what cannot go so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from commands import judgebench, pairs, process, read_json, read_jsonl, write_jsonl, write_judges
from loopback import LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Iterator

WITHOUT_LITELLM = """
import sys; from judgebench.cli import main
try: main()
finally: print([name for name in sys.modules if name.partition(".")[0] in {"litellm", "openai"}], file=sys.stderr)
"""


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer(lambda request: f"I have read {len(request.text)} letters. [[A]]") as running:
        write_judges(running.url, mine={}, plain={"transport": "direct"})
        write_jsonl(Path("pairs.jsonl"), pairs(4))
        yield running


def run(*more: object, judge: str = "mine", out: str = "runs") -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The manifest of a run over four pairs, and its judgements without their times."""
    done = judgebench("run", "rewardbench", "-j", judge, "--data", "pairs.jsonl", "--out", out, *more)
    assert done.status == 0, done.err
    folder = Path(out) / "rewardbench" / judge / "pairwise/one"
    lines = sorted(read_jsonl(folder / "judgements.jsonl"), key=lambda line: line["item"])
    return read_json(folder / "manifest.json"), [{k: v for k, v in line.items() if k != "latency_s"} for line in lines]


def test_both_ways_give_the_same_records_and_share_the_cache(server: LoopbackServer) -> None:
    """Line by line with its key; the second of two commands makes no call, whichever way the first went."""
    _, by_litellm = run("--cache-dir", "first")
    manifest, directly = run("--cache-dir", "second", "--transport", "direct", out="direct")
    _, cached = run("--cache-dir", "second", out="again")

    assert directly == by_litellm
    assert [{**line, "cached": False} for line in cached] == by_litellm
    assert server.count == 8
    assert manifest["transport"] == "direct"


def test_the_manifest_says_how_calls_were_made(server: LoopbackServer) -> None:
    """Not what the option says: a run from the cache made none, and one that is done stays as it was."""
    first, _ = run()
    again, _ = run("--transport", "direct")
    cached, _ = run("--transport", "direct", out="other")

    assert again == first
    assert ["transport" in each or "sent_as" in each for each in (first, cached)] == [False, False]


def test_a_run_of_an_earlier_version_that_went_out_under_another_name_stays_as_it_was(server: LoopbackServer) -> None:
    """`openai/` was sent as `hosted_vllm/`: such a run is found done, and its replies are found in the cache."""
    first, _ = run("--cache-dir", "shared")
    folder = Path("runs/rewardbench/mine/pairwise/one")
    before = first | {"sent_as": "hosted_vllm/loopback"}
    (folder / "manifest.json").write_text(json.dumps(before))
    again, _ = run("--cache-dir", "other")
    run("--cache-dir", "shared", "--transport", "direct", out="elsewhere")
    assert (again, server.count) == (before, 4)


def test_judges_show_says_how_calls_are_made(server: LoopbackServer) -> None:
    """LiteLLM unless the preset says otherwise."""
    shown = [yaml.safe_load(judgebench("judges", "show", name).out)["transport"] for name in ("mine", "plain")]
    assert shown == ["litellm", "direct"]


def test_a_direct_run_imports_no_litellm(server: LoopbackServer) -> None:
    """From its start to its scores, with calls made."""
    ended = process("run", "rewardbench", "-j", "plain", "--data", "pairs.jsonl", python=("-c", WITHOUT_LITELLM))
    assert (ended.status, ended.err.splitlines()[-1], server.count) == (0, "[]", 4)


CANNOT: dict[str, tuple[dict[str, Any], str]] = {
    "another protocol": ({"model": "azure/m"}, "azure/ is another; name it hosted_vllm/NAME"),
    "no address": ({"model": "openai/m", "api_base": None}, "needs an api_base; set it to the server's address"),
    "a setting of azure's": ({"api_version": "2024-10-21"}, "cannot send api_version; remove it"),
    "a setting of bedrock's": ({"aws_region_name": "us-east-1"}, "cannot send aws_region_name; remove it"),
    "a setting of litellm's": ({"drop_params": True}, "cannot send drop_params; remove it"),
    "OpenAI's decisions": ({"api": "decisions"}, "decisions go direct to /v1/systemone only; name it hosted_vllm/NAME"),
    "an unknown way": ({"transport": "carrier"}, "transport is 'carrier': expected litellm or direct"),
}


@pytest.mark.parametrize("case", CANNOT)
def test_what_cannot_go_direct_is_a_mistake_of_the_settings(server: LoopbackServer, case: str) -> None:
    """One line with the fix and exit status 2, by `run` and `judges show` alike; nothing is sent."""
    settings, words = CANNOT[case]
    write_judges(server.url, mine={"transport": "direct", **settings})
    ran = judgebench("run", "rewardbench", "-j", "mine", "--data", "pairs.jsonl")
    shown = judgebench("judges", "show", "mine")
    assert [(each.status, words in each.err, each.err.count("\n")) for each in (ran, shown)] == [(2, True, 1)] * 2
    assert server.count == 0


def test_the_option_takes_the_place_of_the_preset_s(server: LoopbackServer) -> None:
    """A judge that cannot go direct, though all do by default, is asked through LiteLLM; an offline one asks nobody."""
    write_judges(server.url, mine={"transport": "direct", "drop_params": True})
    run("--transport", "litellm")
    offline = judgebench(
        "run", "rewardbench", "-j", "offline/first", "--data", "pairs.jsonl", "--transport", "direct", "--out", "off"
    )
    assert (server.count, offline.status) == (4, 0)
