"""One item of a run in full: what was asked, what was said, how it was read, and what it counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from judgebench.errors import ConfigError, unknown_name
from judgebench.items import LABELS
from judgebench.protocols import altered
from judgebench.runs import read_judgements, run_templates
from judgebench.templates import follow_up, without_system
from judgebench.verdicts import PlacedVerdict, answer_of, read_placed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from judgebench.items import Item, Outcome
    from judgebench.runs import Finished, Judgement
    from judgebench.verdicts import Span


NO_TEXT = "(no text)"
"""What stands for a prompt or an answer that is not known: of verdicts made elsewhere there may be nothing but ids."""


@dataclass(frozen=True, slots=True)
class ShownCall:
    """One call about an item.

    Attributes:
        messages: The exact messages; None where the template cannot be rendered any more.
        verdict: Where the reply says its verdict; None where it says none.
        problem: Why the messages cannot be rendered.
        earlier: The answers that could not be read, each of which got a follow-up turn.
    """

    judgement: Judgement
    messages: list[Mapping[str, str]] | None
    verdict: Span | None
    problem: str = ""
    earlier: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownItem:
    """One item of a run.

    Attributes:
        outcome: None where the run was cut off before its outcomes were written.
        calls: In the order they were made; none for a score file's run.
    """

    item: Item
    outcome: Outcome | None
    calls: tuple[ShownCall, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """A judgement (or a score) that is not there, and why."""

    item: str
    subset: str
    kind: str
    detail: str


def list_failures(finished: Finished) -> list[Failed]:
    """What failed in a run, the most frequent kind first, in the order of the items."""
    finished.need_judgements()
    found: list[Failed] = []
    if finished.is_scores:
        for item, outcome in finished.outcomes.items():
            if any(score is None for sample in outcome.scores for score in sample):
                found.append(Failed(item, outcome.item.subset, "missing", "no usable scores in the score file"))
    else:
        for judgement in finished.judgements.values():
            if judgement.failure is not None:
                failure = judgement.failure
                found.append(Failed(judgement.item, judgement.subset, failure.kind, failure.detail))
        found += _not_asked(finished)
    counts: dict[str, int] = {}
    for each in found:
        counts[each.kind] = counts.get(each.kind, 0) + 1
    place = {item: at for at, item in enumerate(finished.keys)}
    return sorted(found, key=lambda each: (-counts[each.kind], each.kind, place.get(each.item, len(place))))


def _not_asked(finished: Finished) -> Iterator[Failed]:
    """Items of which the run has no judgement at all."""
    asked = {judgement.item for judgement in finished.judgements.values()}
    for key in finished.keys.values():
        if key.id not in asked:
            yield Failed(key.id, key.subset, "not_asked", "the run ended early")


def shown_item(finished: Finished, identifier: str) -> ShownItem:
    """One item in full.

    Raises:
        ConfigError: The run has no such item; the message names the nearest.
    """
    if identifier not in finished.keys:
        raise unknown_name("item", identifier, finished.keys, mend=_example(finished))
    return Showing(finished).item(next(item for item in finished.run.items if item.id == identifier))


def _example(finished: Finished) -> str:
    """How many items there are, and what an id looks like."""
    items = "1 item" if len(finished.keys) == 1 else f"{len(finished.keys)} items"
    return f"{finished.path} has {items}, such as '{next(iter(finished.keys))}'" if finished.keys else ""


class Showing:
    """The items of one run in full, one after another.

    Args:
        finished: The run.

    Raises:
        ConfigError: Its templates cannot be read.
    """

    def __init__(self, finished: Finished) -> None:
        self._finished = finished
        self._asks = not finished.is_scores and finished.made_of is None
        self._templates = run_templates(finished) if self._asks else None
        manifest = finished.run.manifest
        self._alteration, self._seed, self._origin = manifest.altered, manifest.seed, manifest.origin
        self._structured = manifest.identity.get("structured") is True
        judge = manifest.identity.get("judge")
        self._system_role = not (isinstance(judge, dict) and judge.get("system_role") is False)

    @cached_property
    def _outcomes(self) -> dict[str, Outcome]:
        try:
            return self._finished.outcomes
        except ConfigError:
            return {}

    @cached_property
    def _judgements(self) -> dict[str, list[Judgement]]:
        by_item: dict[str, list[Judgement]] = {}
        for judgement in self._finished.judgements.values():
            by_item.setdefault(judgement.item, []).append(judgement)
        return by_item

    @cached_property
    def _turns(self) -> dict[tuple[str, tuple[int, ...], int], list[str]]:
        """The answers that got a follow-up turn, of each call that has one."""
        if not any(judgement.turn for judgement in self._finished.judgements.values()):
            return {}
        turns: dict[tuple[str, tuple[int, ...], int], list[str]] = {}
        for each in read_judgements(self._finished.path):
            said = turns.setdefault((each.item, each.order, each.sample), [])
            said[each.turn :] = [answer_of(each.reply or "")]
        return turns

    def item(self, item: Item) -> ShownItem:
        """One of the run's items in full."""
        outcome = self._outcomes.get(item.id)
        if self._finished.is_scores:
            return ShownItem(item, outcome, ())
        return ShownItem(item, outcome, tuple(self._call(each, item) for each in self._judgements.get(item.id, ())))

    def _call(self, judgement: Judgement, item: Item) -> ShownCall:
        if self._templates is None:
            why = f"a {self._finished.made_of} makes no calls; see the runs that it is made of"
            return ShownCall(judgement, None, None, why)
        verdict = None
        if judgement.failure is None and judgement.reply is not None:
            rule = self._templates.reader_for(item.key, self._finished).rule_for(item, judgement.order)
            reading = read_placed(judgement.answer, rule, len(judgement.order))
            verdict = reading.marked if isinstance(reading, PlacedVerdict) else None
        if self._origin is not None:
            why = f"asked elsewhere (imported from {self._origin.file})"
            return ShownCall(judgement, None, verdict, why)
        earlier = self._turns.get((judgement.item, judgement.order, judgement.sample), [])[: judgement.turn]
        try:
            return ShownCall(judgement, self.messages(item, judgement.order, earlier), verdict, "", tuple(earlier))
        except ConfigError as error:
            return ShownCall(judgement, None, verdict, str(error))

    def messages(self, item: Item, order: Sequence[int], earlier: Sequence[str] = ()) -> list[Mapping[str, str]]:
        """The exact messages about an item.

        Args:
            item: As it is in the data; what a control does to it is done here.
            order: The index of the completion shown in each slot.
            earlier: The answers that could not be read, each of which got a follow-up turn.

        Raises:
            ConfigError: The template cannot be rendered for the item.
        """
        assert self._templates is not None
        wording = self._templates.wording_for(item.key, self._finished)
        structured = wording.structured and self._structured
        seen = item
        if self._alteration is not None:
            seen = altered(item, self._alteration, order, wording.rule, self._seed)
        rendered = wording.render(seen, order, structured=structured)
        messages: list[Mapping[str, str]] = [*(rendered if self._system_role else without_system(rendered))]
        for answer in earlier:
            rule = wording.rule_for(item, order)
            messages = follow_up(rule, messages, answer, len(order), structured=structured)
        return messages


def slots_of(calls: Sequence[ShownCall], index: int) -> str:
    """In which slot each call showed a completion: `A in call 1, B in call 2`."""
    said = [
        f"{LABELS[call.judgement.order.index(index)]} in call {number}"
        for number, call in enumerate(calls, 1)
        if index in call.judgement.order and len(call.judgement.order) > 1
    ]
    return ", ".join(said)
