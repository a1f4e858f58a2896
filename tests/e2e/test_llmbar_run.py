"""LLMBar's 419 real pairs judged with 838 real replies, over real sockets, to the last judgement."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from commands import REPOSITORY, SHARED_DATA, judgebench, read_jsonl, write_judges
from llmbar import ROWS, LlmbarAnswers
from scripted import ScriptedModels

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = SHARED_DATA / "llmbar"
TEMPLATE = REPOSITORY / "tests" / "data" / "output-ab.jinja"
FOLDER = Path("runs/rewardbench/mine/output-ab/both")

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="LLMBar's rows and replies are not at ../shared/data/llmbar")


COMMAND = ("run", "rewardbench", "-j", "mine", "-t", TEMPLATE, "--data", DATA / ROWS, "--orders", "both", "--json")


@dataclass(frozen=True)
class Judged:
    """The run, once: what it printed, its folder, the cache, and the server that answered."""

    metrics: dict[str, Any]
    folder: Path
    cache: Path
    server: ScriptedModels


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    here = tmp_path_factory.mktemp("llmbar")
    with ScriptedModels(LlmbarAnswers(DATA)) as server:
        where = ("--providers", write_judges(server.url, here), "--cache-dir", here / "cache")
        (metrics,) = judgebench(*COMMAND, *where, "--out", here / "runs").metrics
        yield Judged(metrics, here / FOLDER, here / "cache", server)


def test_a_run_over_llmbar_gives_the_known_figures(run: Judged) -> None:
    """681 of 838 right, 374 of 419 consistent, 318 right in both orders, by subset as published."""
    metrics = run.metrics
    credit = {o["item"]: o["credit"] for o in read_jsonl(run.folder / "outcomes.jsonl")}
    right = {name: round(2 * each["score"] * each["n"]) for name, each in metrics["subsets"].items()}
    found = {
        "calls": run.server.count,
        "judgements": metrics["judgements"],
        "right": sum(right.values()),
        "natural": right["llmbar-natural"],
        "neighbor": right["llmbar-adver-neighbor"],
        "GPTInst": right["llmbar-adver-GPTInst"],
        "GPTOut": right["llmbar-adver-GPTOut"],
        "manual": right["llmbar-adver-manual"],
        "consistent": round(metrics["consistency"] * 419),
        "right in both": sum(each == 1 for each in credit.values()),
    }
    assert found == {
        "calls": 838,
        "judgements": 838,
        "right": 681,
        "natural": 189,
        "neighbor": 201,
        "GPTInst": 153,
        "GPTOut": 70,
        "manual": 68,
        "consistent": 374,
        "right in both": 318,
    }


def test_the_inconsistent_ones_follow_a_place(run: Judged) -> None:
    """32 items have the first answer chosen in both orders, 13 the second."""
    verdicts: dict[str, list[str]] = {}
    for line in read_jsonl(run.folder / "judgements.jsonl"):
        verdicts.setdefault(line["item"], []).append(line["verdict"])
    counts = Counter("".join(both) for both in verdicts.values())
    assert (counts["AA"], counts["BB"]) == (32, 13)


def test_the_second_run_is_made_from_the_cache(run: Judged) -> None:
    """Into a new folder, without a call."""
    where = ("--providers", run.cache.parent / "providers.yaml", "--cache-dir", run.cache)
    (metrics,) = judgebench(*COMMAND, *where, "--out", "other").metrics
    assert (metrics["usage"]["cached"], run.server.count) == (838, 838)


def test_read_by_the_first_mention_405_verdicts_differ(run: Judged) -> None:
    """Of the 838 real ones, which are read by the last."""
    first = TEMPLATE.read_text(encoding="utf-8").replace("match: last", "match: first")
    Path("first.jinja").write_text(first.replace("name: output-ab", "name: first"), encoding="utf-8")
    found = json.loads(judgebench("rescore", run.folder, "-t", "first.jinja", "--dry-run", "--json").out)
    assert (found["judgements"], found["changed"]) == (838, 405)
    assert found["score_before"] == pytest.approx(681 / 838)
