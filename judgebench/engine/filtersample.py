"""Rows to look at, with their texts and what the judge replied, from the cache: no call is made."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from judgebench.client import JudgeClient, KeyMaker
from judgebench.engine.filtered import ShownRow
from judgebench.engine.filterverdicts import CHOSEN, REJECTED
from judgebench.engine.questions import Questions
from judgebench.items import LABELS
from judgebench.sources.source import Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.client import ReplyCache
    from judgebench.engine.filterplan import FilterPlan
    from judgebench.engine.filtertally import DrawnRow
    from judgebench.items import Item, Turn

_LONGEST = 20_000
_OTHERS = 30


async def shown_rows(plan: FilterPlan, drawn: Sequence[DrawnRow], cache: ReplyCache) -> list[ShownRow]:
    """The rows that were drawn, in the order of the source.

    Args:
        plan: What was asked.
        drawn: The rows.
        cache: Where the replies are.
    """
    drawn = sorted(drawn, key=lambda each: each.number)
    given = [
        Row(f"row {each.number}", dict(each.row), encoded=each.encoded, number=each.number)
        for each in drawn
        if each.bad is None
    ]
    items: Mapping[int, Item] = {}
    names: Mapping[str, Sequence[int]] = {}
    replies: dict[int, list[tuple[str, str]]] = {}
    made = plan.rows.items(given, plan.asked.seed) if given else None
    if made is not None and (dataset := made.dataset) is not None:
        items, names = {made.numbers[item.id]: item for item in dataset}, made.orders
        spec = plan.run_over(dataset)
        questions = Questions(spec, KeyMaker(spec.judge))
        async with aclosing(JudgeClient(spec.judge, cache)) as client:
            for number, item in items.items():
                own = replies.setdefault(number, [])
                for call in spec.calls(dataset.keys[item.id]):
                    reply = client.cached(questions.request(item, call))
                    if reply is not None:
                        shown = [_answer_name(item, at, names.get(item.id)) for at in call.order]
                        own.append((", ".join(shown) if len(shown) > 1 else "", _cut(reply.text or "")))
    return [_shown(each, items.get(each.number), names, replies.get(each.number, ())) for each in drawn]


def _shown(
    drawn: DrawnRow,
    item: Item | None,
    names: Mapping[str, Sequence[int]],
    replies: Sequence[tuple[str, str]],
) -> ShownRow:
    texts: Mapping[str, str] = {
        str(name): _cut(str(value)) for name, value in list(drawn.row.items())[:_OTHERS] if value is not None
    }
    if item is None:
        return ShownRow(drawn.number, f"{drawn.reason}: {drawn.bad}", drawn.verdict, "", (), (), texts)
    order = names.get(item.id)
    answers = [(_answer_name(item, at, order), _cut(each.text)) for at, each in enumerate(item.completions)]
    told = {item.completions[0].text, *(text for _, text in answers), _said(item.conversation)}
    others = {name: text for name, text in texts.items() if text not in told and not _is_long(drawn.row[name])}
    prompt = _cut(_said(item.conversation))
    return ShownRow(drawn.number, drawn.reason, drawn.verdict, prompt, tuple(sorted(answers)), tuple(replies), others)


def _is_long(value: object) -> bool:
    """Whether a cell is rather a text that was judged than a fact about the row."""
    return isinstance(value, list | tuple | dict) or (isinstance(value, str) and len(value) > 200)


def _answer_name(item: Item, at: int, order: Sequence[int] | None) -> str:
    if len(item.completions) == 1:
        return "answer"
    if order is not None:
        return LABELS[order[at]]
    name, place, of = CHOSEN, at, item.num_correct
    if at >= item.num_correct:
        name, place, of = REJECTED, at - item.num_correct, len(item.completions) - item.num_correct
    return name if of == 1 else f"{name}[{place}]"


def _said(turns: Sequence[Turn]) -> str:
    if len(turns) == 1:
        return turns[0].text
    return "\n\n".join(f"{turn.role}: {turn.text}" for turn in turns)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} [...]"
