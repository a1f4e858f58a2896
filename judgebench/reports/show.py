"""One item of a run, or what failed in it, as text: what comes from data cannot control the terminal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.rule import Rule
from rich.text import Text

from judgebench._util.table import Column, Table
from judgebench._util.text import dollars, one_line, visible
from judgebench.analysis.show import NO_TEXT, slots_of
from judgebench.items import NO_STEP
from judgebench.reports.styles import ASIDE, BAR, GOOD, MARKED, WARNING
from judgebench.reports.table import print_tables
from judgebench.runs import headings, people_said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from judgebench._util.table import Columns
    from judgebench.analysis.show import Failed, ShownCall, ShownItem
    from judgebench.items import Item, Turn
    from judgebench.runs import Finished
    from judgebench.verdicts import Span

_FEW_CALLS = 4


def print_failures(console: Console, finished: Finished, found: Sequence[Failed], *, shown: int = 10) -> None:
    """What failed, by kind; of each kind the first items with the detail."""
    console.print(Text(_title(finished), style="bold"), soft_wrap=True)
    if not found:
        what = "items scored" if finished.is_scores else "verdicts parsed"
        console.print(
            f"no failures: all {len(finished.keys) if finished.is_scores else len(finished.judgements):,} {what}"
        )
    for kind, count in Counter(each.kind for each in found).most_common():
        console.print(Text(f"{kind.replace('_', ' ')}: {count}", style=WARNING))
        columns: Columns = {
            Column("item", names=True): lambda each: each.item,
            Column("subset"): lambda each: each.subset,
            Column("detail"): lambda each: each.detail,
        }
        of_kind = [each for each in found if each.kind == kind]
        more = [f"and {count - shown} more; --all lists them"] if count > shown else []
        print_tables(console, [Table.of(of_kind[:shown], columns, notes=more)])
    console.print(f"show one in full: judgebench show {finished.path} ITEM", soft_wrap=True)
    if finished.run.manifest.protocol.protocol.orders != "one":
        console.print(f"verdicts that change with the order: judgebench show {finished.path} --flips", soft_wrap=True)


def print_item(console: Console, finished: Finished, shown: ShownItem, *, messages: bool = False) -> None:
    """One item in full.

    Args:
        console: Where to.
        finished: The run.
        shown: The item.
        messages: Show the messages of every call; else of the first four at most.
    """
    item, outcome = shown.item, shown.outcome
    console.print(Text(_title(finished), style="bold"), soft_wrap=True)
    credit = "unknown" if outcome is None else "none" if outcome.credit is None else f"{outcome.credit:g}"
    said = f"item {item.id} · subset {item.subset} · credit {credit}"
    if outcome is not None and outcome.low is not None and outcome.low != outcome.high:
        said += f" (bounds {outcome.low:g} to {outcome.high:g})"
    console.print(Text(one_line(said)), soft_wrap=not console.is_terminal)
    for line in people_said(item):
        _text(console, line)
    _heading(console, "prompt")
    _turns(console, item.conversation)
    for index in _order(shown):
        _heading(console, _completion_title(shown, index, placed=finished.placed))
        if item.steps:
            _steps(console, shown)
        else:
            _turns(console, item.completions[index].turns)
    for name, text in (("reference", item.reference), ("rubric", item.rubric), ("criteria", item.criteria_text)):
        if text:
            _heading(console, name)
            _text(console, text)
    few = len(shown.calls) <= _FEW_CALLS
    for number, call in enumerate(shown.calls, 1):
        about = _about(call, item, each=finished.run.manifest.protocol.protocol.each)
        _print_call(console, call, f"call {number}: {about}", with_messages=messages or few or number == 1)
    if not (messages or few):
        console.print(f"messages of {len(shown.calls) - 1} calls not shown; add --messages")
    if not shown.calls and not finished.is_scores:
        console.print("no calls were made for this item", style=WARNING)


def _title(finished: Finished) -> str:
    return one_line(headings([finished.run])[0])


def _order(shown: ShownItem) -> Sequence[int]:
    """The completions in the order of the first call, where it showed them all."""
    every = range(len(shown.item.completions))
    first = shown.calls[0].judgement.order if shown.calls else ()
    return first if sorted(first) == list(every) else every


def _completion_title(shown: ShownItem, index: int, *, placed: bool) -> str:
    item = shown.item
    said = [f"completion {index}"]
    if item.num_correct:
        said.append("correct" if index < item.num_correct else "not correct")
    slots = slots_of(shown.calls, index) if placed else ""
    if slots:
        said.append(f"shown as {slots}")
    if item.steps:
        gold = {None: "no label", str(NO_STEP): "no wrong step"}.get(item.label, f"wrong: step {item.label}")
        said.append(f"{len(item.steps)} step{'s' * (len(item.steps) > 1)} · {gold}")
    elif shown.outcome is not None and shown.outcome.scores:
        scores = [sample[index] for sample in shown.outcome.scores]
        said.append(f"score {', '.join('none' if score is None else f'{score:g}' for score in scores)}")
    return " · ".join(said)


def _about(call: ShownCall, item: Item, *, each: bool) -> str:
    """What a call was about: the completions that it showed, or one of the item's criteria."""
    judgement = call.judgement
    order = " ".join(map(str, judgement.order))
    what = "completion" if len(judgement.order) == 1 else "completions in order"
    if each and judgement.order[0] < len(item.checklist):
        what, order = "criterion", one_line(item.checklist[judgement.order[0]].id)
    return f"{what} {order}, sample {judgement.sample}"


def _print_call(console: Console, call: ShownCall, title: str, *, with_messages: bool) -> None:
    judgement = call.judgement
    console.print()
    console.print(Rule(title, style=BAR, characters="─"))
    if with_messages and call.messages is not None:
        for message in call.messages:
            _heading(console, f"message · {message['role']}")
            _text(console, message["content"])
    elif call.messages is None:
        console.print(Text(one_line(f"the messages are not known: {call.problem}"), style=WARNING))
    if judgement.reasoning is not None:
        _heading(console, "thinking (not parsed for the verdict)")
        _text(console, judgement.reasoning)
    _heading(console, "reply")
    if judgement.reply is None:
        console.print("none", style=ASIDE)
    else:
        console.print(_highlighted(judgement.reply, call.verdict), soft_wrap=True)
    if judgement.failure is None:
        verdict = f"{judgement.verdict:g}" if isinstance(judgement.verdict, float) else judgement.verdict
        choice = judgement.reading.choice
        named = "" if choice is None else f" (completion {choice})"
        made = "".join(f" · {name} {number:g}" for name, number in (judgement.parts or {}).items())
        made += "" if judgement.ranking is None else f" · ranking {judgement.ranking}"
        made += f" · also {', '.join(map(str, judgement.also))}" if judgement.also else ""
        console.print(Text(one_line(f"verdict: {verdict}{named}{made}"), style=GOOD))
    else:
        failure = f"no verdict: {judgement.failure.kind.replace('_', ' ')}: {judgement.failure.detail}"
        console.print(Text(one_line(failure), style=f"bold {WARNING}"), soft_wrap=True)
    if judgement.key or judgement.cost_usd is not None:  # not of verdicts made elsewhere, of which it is not known
        console.print(Text(one_line(_bill(call)), style=ASIDE), soft_wrap=True)


def _bill(call: ShownCall) -> str:
    judgement = call.judgement
    said = [] if judgement.served_model is None else [judgement.served_model]
    said.append(f"{judgement.usage.prompt_tokens} tokens in, {judgement.usage.completion_tokens} out")
    said.append(dollars(judgement.cost_usd))
    if judgement.latency_s is not None:
        said.append(f"{judgement.latency_s:.2f} s")
    if judgement.cached:
        said.append("cached")
    if judgement.finish_reason not in {None, "stop"}:
        said.append(f"finish reason: {judgement.finish_reason}")
    return " · ".join(said)


def _heading(console: Console, title: str) -> None:
    console.print()
    console.print(Text(f"--- {one_line(title)}", style=BAR), soft_wrap=True)


def _turns(console: Console, turns: Sequence[Turn]) -> None:
    if not turns:
        console.print(Text(NO_TEXT, style=ASIDE))
    for turn in turns:
        if len(turns) > 1:
            console.print(Text(f"{one_line(turn.role)}:", style=ASIDE))
        _text(console, turn.text)


def _steps(console: Console, shown: ShownItem) -> None:
    """Each step under its number, with its score where there is one."""
    scores = shown.outcome.scores[0] if shown.outcome is not None and shown.outcome.scores else ()
    for at, step in enumerate(shown.item.steps):
        score = scores[at] if at < len(scores) else None
        console.print(Text(f"step {at}:" + ("" if score is None else f" score {score:g}"), style=ASIDE))
        _text(console, step)


def _text(console: Console, text: str) -> None:
    console.print(Text(visible(text)), soft_wrap=True)


def _highlighted(reply: str, span: Span | None) -> Text:
    if span is None:
        return Text(visible(reply))
    text = Text(visible(reply[: span.start]))
    text.append(visible(reply[span.start : span.end]), style=MARKED)
    return text.append(visible(reply[span.end :]))
