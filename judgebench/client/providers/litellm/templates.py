"""Bodies of calls that LiteLLM has mapped once for many: the texts of the messages are put in at their places."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from judgebench.client.providers.litellm import transport as lite

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from judgebench.client.batches.base import Written
    from judgebench.client.providers.base import Request

_PROVIDERS = frozenset({"openai", "hosted_vllm", "azure", "anthropic"})
"""Those whose bodies hold each text as it is, in a place of its own."""
_MOST = 1000
"""So many kinds of calls are kept."""


@dataclass(frozen=True, slots=True)
class _Template:
    """A body in pieces.

    Attributes:
        model: The call as LiteLLM writes it.
        pieces: What stands between the texts; one more than these.
        order: Which message's text follows each piece.
        is_ascii: Whether texts are written in ASCII alone.
    """

    model: Written
    pieces: list[bytes]
    order: list[int]
    is_ascii: bool

    def filled(self, texts: Sequence[str]) -> Written:
        parts = [self.pieces[0]]
        for at, piece in zip(self.order, self.pieces[1:], strict=True):
            parts += (json.dumps(texts[at], ensure_ascii=self.is_ascii).encode(), piece)
        return self.model._replace(body=b"".join(parts))


@dataclass(slots=True)
class Templates:
    """The templates of one judge.

    A kind of call is the roles of its messages and its form. The first call of each kind is mapped in full, and so is
    one with marks in the places of its texts; where the marks' places with the texts give the same bytes, the others of
    its kind are made so. A text that is empty or has blanks at an end is always mapped in full: some are trimmed.

    Args:
        provider: The judge's.
        written: Maps a call in full.
    """

    provider: str
    written: Callable[[Request], Awaitable[Written]]
    _kept: dict[str, _Template | None] = field(default_factory=dict)

    async def body(self, request: Request) -> Written:
        """A call as LiteLLM would send it; what mapping it raises."""
        if self.provider not in _PROVIDERS or _is_watched() or not all(map(_is_plain, request.messages)):
            return await self.written(request)
        texts = [sendable(each["content"]) for each in request.messages]
        kind = _kind([each["role"] for each in request.messages], request.schema)
        if kind not in self._kept:
            written = await self.written(request)
            template = await self._template(request)
            if len(self._kept) < _MOST:
                fits = template is not None and template.filled(texts).body == written.body
                self._kept[kind] = template if fits else None
            return written
        template = self._kept[kind]
        return await self.written(request) if template is None else template.filled(texts)

    async def _template(self, request: Request) -> _Template | None:
        """The template of a call's kind; None where a mark is not once in the body."""
        marks = [f"\ue000judgebench {at} \u00e9\ue001" for at in range(len(request.messages))]
        marked = [{**each, "content": mark} for each, mark in zip(request.messages, marks, strict=True)]
        model = await self.written(replace(request, messages=marked))
        for is_ascii in (False, True):
            written = [json.dumps(mark, ensure_ascii=is_ascii).encode() for mark in marks]
            if all(model.body.count(each) == 1 for each in written):
                order = sorted(range(len(marks)), key=lambda at: model.body.index(written[at]))
                pieces, rest = [], model.body
                for at in order:
                    piece, _, rest = rest.partition(written[at])
                    pieces.append(piece)
                return _Template(model, [*pieces, rest], order, is_ascii)
        return None


def _kind(roles: Sequence[str], schema: Mapping[str, object] | None) -> str:
    return json.dumps([roles, schema])


def _is_plain(message: Mapping[str, str]) -> bool:
    text = message["content"]
    return len(message) == 2 and text != "" and text == text.strip()


def _is_watched() -> bool:
    """Whether others' code has a say in LiteLLM's calls."""
    module = lite.litellm()
    takers = (module.callbacks, module.input_callback, module._async_input_callback)  # noqa: SLF001 - no other name
    return any(takers)


def sendable(text: str) -> str:
    """The text without lone surrogates, which are no UTF-8: OpenAI's SDK cannot send them."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
