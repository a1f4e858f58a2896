"""Messages for models whose chat template has no system role."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Message = dict[str, str]


def without_system(messages: Sequence[Message]) -> list[Message]:
    r"""The messages with what the system says at the head of the first message of the user.

    Example:
        >>> without_system([{"role": "system", "content": "Be strict."}, {"role": "user", "content": "Which?"}])
        [{'role': 'user', 'content': 'Be strict.\n\nWhich?'}]
    """
    rules = [message["content"].strip() for message in messages if message["role"] == "system"]
    rest = [message for message in messages if message["role"] != "system"]
    if not rules:
        return rest
    first = next((at for at, message in enumerate(rest) if message["role"] == "user"), None)
    if first is None:
        return [{"role": "user", "content": "\n\n".join(rules)}, *rest]
    merged = {"role": "user", "content": "\n\n".join([*rules, rest[first]["content"].lstrip()])}
    return [*rest[:first], merged, *rest[first + 1 :]]
