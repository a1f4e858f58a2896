"""Whether the longest prompts of a grid fit what its judges take in, before the first call.

Only the longest prompts are counted: by the server's own tokenizer where it offers one, else by LiteLLM's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from judgebench._util.text import thousands
from judgebench.client import KeyMaker, LocalServer, longest_answer, prompt_tokens, server_of
from judgebench.engine.questions import Questions
from judgebench.judges import context_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from judgebench.engine.spec import RunSpec
    from judgebench.items import Item
    from judgebench.judges import Judge

    Messages = Sequence[Mapping[str, str]]

_ASKED_FROM_BYTES = 4_096
"""A shorter prompt fits any server, so none is asked."""
_BYTES_PER_TOKEN = 2
"""Of the densest text; ordinary English has four."""
_LOOKED_AT = 4
"""The items with the longest texts need not have the longest prompts: of so many the longest is taken."""
_NEEDS_ROOM = frozenset({"vllm", "sglang"})
"""Servers that refuse a prompt which leaves less than `max_tokens` for the answer."""


@dataclass(frozen=True, slots=True)
class TooLong:
    """Prompts that a judge does not take in.

    Attributes:
        judge: Its name.
        template: Whose prompts they are.
        context: The most tokens that it takes in.
        answer: How many of these its server keeps for the answer; 0 where it does not.
        tokens: Of the longest prompt.
        item: Whose that is.
        items: How many items have such prompts.
        of: How many items there are.
        exact: Whether the server's own tokenizer counted.
        cut: Whether the server is known to cut them without an error.
    """

    judge: str
    template: str
    context: int
    answer: int
    tokens: int
    item: str
    items: int
    of: int
    exact: bool
    cut: bool

    @property
    def sentence(self) -> str:
        """Which prompts these are, and what becomes of them."""
        about = f"about {thousands(self.items)}" if self.items > 1 else "1"
        room = f", {thousands(self.answer)} of them for the answer" if self.answer else ""
        counted = "by its server's tokenizer" if self.exact else "estimated"
        cut = "the server cuts them without an error, and " if self.cut else ""
        takes = f"{thousands(self.context)} tokens{room}"
        items = f"{about} of {thousands(self.of)} item{'s' * (self.of != 1)}"
        longest = f"{thousands(self.tokens)} (item '{self.item}', {counted})"
        return (
            f"too long for {self.judge}, which takes {takes}: the {self.template} prompts of {items}, the longest "
            f"{longest}; {cut}they fail with `context`: start the server with a larger context"
        )


class Fits:
    """What the judges of a grid take in, and which prompts do not fit; each server is asked once.

    Args:
        ask: Whether a server may be asked; it is not before its address is confirmed.
    """

    def __init__(self, ask: Callable[[LocalServer, Judge], bool] = lambda *_: True) -> None:
        self._ask = ask
        self._servers: dict[str, LocalServer | None] = {}

    def context(self, judge: Judge) -> int | None:
        """The most tokens that a judge takes in: as it says, else as its server does, else by LiteLLM's table."""
        server = None if judge.room else self._server(judge)
        return (None if server is None else server.context) or context_of(judge)

    def too_long(self, cells: Sequence[RunSpec]) -> list[TooLong]:
        """The prompts that do not fit, of each judge and template with such.

        Args:
            cells: The grid.

        Raises:
            ConfigError: A question cannot be worded.
        """
        return [found for cell in cells if not cell.judge.offline and (found := self._too_long(cell)) is not None]

    def _server(self, judge: Judge) -> LocalServer | None:
        if judge.name not in self._servers:
            server = server_of(judge)
            self._servers[judge.name] = server if server is not None and self._ask(server, judge) else None
        return self._servers[judge.name]

    def _too_long(self, cell: RunSpec) -> TooLong | None:
        judge, items = cell.judge, cell.dataset.items
        looked_at = map(items.__getitem__, items.largest_first(_LOOKED_AT))
        worded = [(item, _longest_prompt(cell, item)) for item in looked_at]
        item, prompt = max(worded, key=lambda each: _bytes(each[1]))
        if _bytes(prompt) < _ASKED_FROM_BYTES and not judge.room:
            return None
        context = self.context(judge)
        if context is None or _bytes(prompt) // _BYTES_PER_TOKEN <= context // 2:
            return None
        server = self._server(judge)
        room = (longest_answer(judge) or 0) if server is not None and server.kind in _NEEDS_ROOM else 0
        answer = room if room < context else 0
        counted = None if server is None else server.count(prompt)
        tokens = prompt_tokens(judge, prompt) if counted is None else counted
        if tokens <= context - answer:
            return None

        order = items.largest_first()

        def fits(number: int) -> bool:
            messages = _longest_prompt(cell, items[number])
            exact = None if server is None or counted is None else server.count(messages)
            return (prompt_tokens(judge, messages) if exact is None else exact) <= context - answer

        return TooLong(
            judge=judge.name,
            template=cell.template.name,
            context=context,
            answer=answer,
            tokens=tokens,
            item=item.id,
            items=_first(order, fits),
            of=len(order),
            exact=counted is not None,
            cut=judge.cuts_prompts is True,
        )


def _first(order: Sequence[int], fits: Callable[[int], bool]) -> int:
    """How many come before the first that fits, of items whose prompts get shorter and shorter; 1 at least."""
    low, high = 1, len(order)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(order[middle]) else (middle + 1, high)
    return low


def _longest_prompt(cell: RunSpec, item: Item) -> Messages:
    """The longest of the item's prompts; that of another order or sample is as long."""
    questions = Questions(cell, KeyMaker(cell.judge))
    shown = {tuple(sorted(call.order)): call for call in cell.calls_open(cell.dataset.keys[item.id])}
    return max((questions.request(item, call).messages for call in shown.values()), key=_bytes, default=[])


def _bytes(messages: Messages) -> int:
    return sum(len(message["content"].encode("utf-8", "surrogatepass")) for message in messages)
