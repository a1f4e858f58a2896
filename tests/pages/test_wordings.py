"""Messages as wordings: exactly what was sent, and the room of one for many."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from commands import pairs
from finishedruns import written_run

from judgebench.analysis.show import Showing
from judgebench.items import Turn
from judgebench.pages.wordings import Wordings, spelled, texts_of
from judgebench.runs.run import Finished, open_run

FRONT = """\
---
name: own
mode: pairwise
verdict:
  pattern: '\\[\\[([AB])\\]\\]'
  example: '[[A]]'
---
"""


def finished(body: str | None = None, count: int = 6, **row) -> Finished:
    """A run with a template of this body; without one, with the one that ships."""
    templates = []
    if body is not None:
        Path("own.jinja").write_text(FRONT + body)
        templates = ["own.jinja"]
    rows = [each | row for each in pairs(count)]
    return Finished(open_run(written_run("judge", rows, lambda *_: 0, orders="both", templates=templates)))


def worded(run: Finished) -> tuple[Wordings, int]:
    """The wordings of all calls, each checked against the messages themselves; and how many calls there are."""
    wordings, showing, calls = Wordings(), Showing(run), 0
    for item in run.run.items:
        for call in showing.item(item).calls:
            number = wordings.number(showing, item, call)
            assert number is not None
            texts = texts_of(item, call.judgement.order, call.earlier)
            assert spelled(wordings.table[number], texts) == call.messages
            calls += 1
    return wordings, calls


def test_the_template_that_ships_takes_the_room_of_one():
    """Twelve calls, one wording, without a word of any item in it."""
    wordings, calls = worded(finished())
    assert (len(wordings.table), calls) == (1, 12)
    assert "Question" not in str(wordings.table)


ANSWERS = "{% for c in completions %}[{{ c.label }}] {{ c.text }}{% endfor %}{% endblock %}"
BODIES = {
    "by length": "{% block user %}{{ 'Long' if prompt | length > 11 else 'Short' }}: {{ prompt }}" + ANSWERS,
    "altered texts": "{% block user %}{{ prompt | upper }} {{ completions[0].text[:4] }} {{ prompt }}" + ANSWERS,
    "metadata": "{% block user %}{{ item.note }}: {{ prompt }}" + ANSWERS,
    "private characters": "{% block user %}\ue000p,0\ue001 {{ prompt }} \ue000" + ANSWERS,
    "in two messages": "{% block system %}{{ prompt }}{% endblock %}{% block user %}{{ prompt }}{{ prompt }}" + ANSWERS,
    "a text that breaks the tokens": "{% block user %}{{ prompt | int(0) + 1 }} {{ prompt[0] }}" + ANSWERS,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_whatever_a_template_does_the_messages_are_exact(body):
    """Also where what it says depends on the texts."""
    worded(finished(body, 12, note="seen"))


@pytest.mark.parametrize("text", ["\ue000p,0\ue001", "\ue000s,1,0\ue001 x", "", "A", "\ud800"])
def test_whatever_a_text_holds_the_messages_are_exact(text):
    """Also what looks like the marks for texts."""
    worded(finished(prompt=text))


def test_several_turns_have_parts_of_their_own():
    """A conversation, and answers of one turn."""
    run = finished()
    item = next(iter(run.run.items))
    talk = replace(item, conversation=(Turn("user", "One?"), Turn("assistant", "Two."), Turn("user", "Three?")))
    showing = Showing(run)
    call = showing.item(talk).calls[0]
    wordings = Wordings()
    number = wordings.number(showing, talk, call)
    assert spelled(wordings.table[number], texts_of(talk, call.judgement.order, ())) == call.messages
    assert "Three?" not in str(wordings.table)
