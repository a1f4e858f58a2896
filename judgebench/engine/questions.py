"""The questions of a cell, worded: each call's request, and the follow-up turns that replies need."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from judgebench.client import Request
from judgebench.items import LABELS
from judgebench.protocols import calls_open
from judgebench.templates import can_be_mended, follow_up, hint_for, without_system
from judgebench.verdicts import answer_of, structured_schema, typed_questions

if TYPE_CHECKING:
    from judgebench.client import KeyMaker
    from judgebench.engine.base import Work
    from judgebench.engine.spec import RunSpec
    from judgebench.items import Failure, Item, Verdict
    from judgebench.protocols import Call
    from judgebench.templates import Template
    from judgebench.verdicts import Reply


@dataclass(frozen=True, slots=True)
class Questions:
    """The questions of a cell.

    Attributes:
        cell: What is run.
        keys: Makes the keys of its requests.
    """

    cell: RunSpec
    keys: KeyMaker

    def check(self) -> None:
        """Words each question once where its template needs the item's own data, else the first of each template.

        Raises:
            ConfigError: A question cannot be worded, or an item cannot be asked in this protocol.
        """
        cell = self.cell
        templates = {cell.template, *([cell.companion] if cell.companion else [])}
        every = any(template.needs_item_data for template in templates)
        for key in cell.dataset.keys.values():
            cell.questions(key)
        seen: set[Template] = set()
        for item in cell.dataset:
            key = cell.dataset.keys[item.id]
            template = cell.template_for(key)
            if every or template not in seen:
                seen.add(template)
                for call in cell.calls(key):
                    self.request(item, call)
                    if not every:
                        break
            if not every and seen == templates:
                break

    def request(self, item: Item, call: Call) -> Request:
        """The request of a call: its messages, the schema of its answer, and its key in the cache."""
        template = self.cell.template_for(self.cell.dataset.keys[item.id])
        shown = self.cell.shown(item, call.order)
        messages = template.render(shown, call.order, structured=template.structured and self.cell.takes_schema)
        if self.cell.judge.system_role is False:
            messages = without_system(messages)
        rule = template.rule_for(item, call.order)
        schema = structured_schema(rule, LABELS[: len(call.order)]) if self.cell.takes_schema else None
        hint = hint_for(template, shown, call.order) if self.cell.judge.offline else None
        asked = typed_questions(rule, LABELS[: len(call.order)], len(item.steps)) if self.cell.judge.decides else None
        key = self.keys.key(messages, call.sample, schema if asked is None else asked, hint)
        return Request(key, messages, call.sample, schema, hint, asked)

    def next_turn(self, work: Work, reply: Reply, result: Verdict | Failure) -> Work | None:
        """The follow-up turn that a reply needs, if one is allowed and can help."""
        if work.turn >= self.cell.orders.repair or not can_be_mended(result) or work.request.questions is not None:
            return None
        request, template = work.request, self.cell.template_for(work.item)
        structured = request.schema is not None
        rule, slots = template.rule_for(work.item, work.call.order), len(work.call.order)
        messages = follow_up(rule, request.messages, answer_of(reply.text or ""), slots, structured=structured)
        key = self.keys.key(messages, request.sample, request.schema, request.hint)
        return replace(work, request=replace(request, key=key, messages=messages), turn=work.turn + 1)

    def of_others(self, keys: set[str]) -> set[str]:
        """Those of some keys that no first turn of this cell's calls has."""
        left = set(keys)
        for item in self.cell.dataset:
            every = self.cell.every_question(self.cell.dataset.keys[item.id])
            left.difference_update(
                self.request(item, call).key for call in calls_open(self.cell.orders, item.id, every)
            )
        return left
