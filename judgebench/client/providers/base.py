"""What goes to a provider, and what comes from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.verdicts import Reply


@dataclass(slots=True)
class Request:
    """One call, ready to be made; with a `schema`, that goes out as the form of the reply."""

    key: str
    messages: Sequence[Mapping[str, str]]
    sample: int = 0
    schema: Mapping[str, Any] | None = None
    hint: Mapping[str, Any] | None = field(default=None, compare=False)


@dataclass(slots=True)
class Answer:
    """What became of a call.

    Attributes:
        shared: Whether an equal call had been made, so that this one was not.
    """

    reply: Reply
    shared: bool = False
