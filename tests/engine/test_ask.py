"""One question to a judge, without a run."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import judgebench as jb

if TYPE_CHECKING:
    from collections.abc import Sequence


def test_two_answers_are_compared() -> None:
    """The longer one wins with the judge that always takes it; no folder of runs is made."""
    judged = jb.judge("What is 2 + 2?", "Five.", "It is four.", judge="offline/longest")
    assert (judged.verdict, judged.order, judged.failure) == ("B", (0, 1), None)
    assert not Path("runs").exists()


def test_the_answers_are_shown_in_the_order_given() -> None:
    """A is the first one, whatever the item is called."""
    seen: list[str] = []

    def judge(messages: Sequence[dict[str, str]]) -> str:
        seen.append(messages[-1]["content"])
        return "[[A]]"

    assert jb.judge("Which?", "first text", "second text", judge=judge).verdict == "A"
    assert seen[0].index("first text") < seen[0].index("second text")


def test_one_answer_is_rated() -> None:
    """On the scale of the template."""
    judged = jb.judge("What is 2 + 2?", "Four.", judge=lambda messages: "Rating: [[7]]")
    assert judged.verdict == 7.0


def test_the_best_of_three_is_found() -> None:
    """By the template for several answers."""
    judged = jb.judge("Name a colour.", "Red.", "Blue and a bit of green.", "No.", judge="offline/longest")
    assert judged.verdict == "B"


def test_the_same_question_is_answered_from_the_cache() -> None:
    """Once asked, it costs nothing more."""
    calls = Path("calls.txt")

    def judge(messages: Sequence[dict[str, str]]) -> str:
        with calls.open("a") as file:
            file.write(f"{len(messages)}\n")
        return "[[B]]"

    every = [jb.judge("Which?", "a", "b", judge=judge) for _ in range(2)]
    assert [each.cached for each in every] == [False, True]
    assert len(calls.read_text().splitlines()) == 1


def test_what_cannot_be_parsed_is_a_failure() -> None:
    """A record with its kind, no exception."""
    judged = jb.judge("Which?", "a", "b", judge=lambda messages: "I like both of them.")
    assert judged.verdict is None
    assert judged.failure is not None
    assert judged.failure.kind == "unreadable"


def test_a_template_for_another_number_of_answers() -> None:
    """It is named, with what it takes."""
    with pytest.raises(jb.ConfigError, match=r"^template 'pairwise' takes 2 answers, not 1: name another"):
        jb.judge("Which?", "a", judge="offline/longest", template="pairwise")


def test_it_can_be_awaited() -> None:
    """In a coroutine."""

    async def asked() -> jb.Judgement:
        return await jb.ajudge("Which?", "a", "b and more", judge="offline/longest")

    assert asyncio.run(asked()).verdict == "B"
