"""Conversations as tools write them: OpenAI's messages, ShareGPT's turns, transcripts of `Human:` and `Assistant:`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "ai": "assistant",
    "function_call": "assistant",
    "tool": "tool",
    "function": "tool",
    "ipython": "tool",
    "observation": "tool",
    "tool_response": "tool",
}
"""Who speaks, by the names that formats have for it."""

_TRANSCRIPT = re.compile(r"(?:^|\n\n)\s*(?:### ?)?(System|Human|User|Assistant): ?")
_TIGHT = re.compile(r"(?:^|\n)\s*(?:### ?)?(System|Human|User|Assistant): ?")
_BEGINS = re.compile(r"\s*(?:### ?)?(?:System|Human|User): ?")
_ANSWERS = re.compile(r"\n(?:### ?)?Assistant:")
_EXTRA_ID = re.compile(r"\n?<extra_id_1>(User|Assistant)\n")
_SPEAKER = {"System": "system", "Human": "user", "User": "user", "Assistant": "assistant"}
_ITEMS = {"function_call": "assistant", "function_call_output": "tool"}
"""Turns of OpenAI's Responses API that have no role."""

_SKIPPED = frozenset({"thinking", "reasoning", "redacted_thinking"})


class TurnError(ValueError):
    """A turn that cannot be read; the message says why, without its place."""


def is_turn(value: object) -> bool:
    """Whether a value is one turn of a conversation, in any dress."""
    if not isinstance(value, Mapping):
        return False
    said = value.keys() & {"content", "text", "tool_calls", "parts", "refusal"}
    return ("role" in value and bool(said)) or {"from", "value"} <= value.keys() or value.get("type") in _ITEMS


def turn_of(value: Mapping[str, object]) -> dict[str, str]:
    """A turn as its role (`system`, `user`, `assistant` or `tool`) and its text.

    A tool's call is written as `name(arguments)`; thinking parts are left out, as users never see them.

    Raises:
        TurnError: It has no known role, or something else than text.

    Example:
        >>> turn_of({"from": "gpt", "value": "Hi."})
        {'role': 'assistant', 'content': 'Hi.'}
    """
    if value.get("type") in _ITEMS and "role" not in value:
        return {"role": _ITEMS[str(value["type"])], "content": _part(value)}
    said = value.get("role", value.get("from"))
    role = ROLES.get(said.strip().casefold()) if isinstance(said, str) else None
    if role is None:
        raise TurnError(f"role {said!r}, expected {', '.join(sorted(set(ROLES.values())))}")
    names = ("content", "value", "text", "parts", "refusal")
    content = next((value[name] for name in names if value.get(name) is not None), None)
    calls = [_called(call) for call in _list(value.get("tool_calls"))]
    if isinstance(value.get("function_call"), Mapping):
        calls.append(_called(value["function_call"]))
    text = "" if content is None and calls else content_text(content)
    return {"role": role, "content": "\n".join([*([text] if text or not calls else []), *calls])}


def content_text(content: object) -> str:
    """The text of a turn's content: a text, or a list of parts.

    Raises:
        TurnError: A part is no text, such as an image.
    """
    if isinstance(content, str):
        return content
    if isinstance(content, Mapping):
        return _part(content)
    if isinstance(content, Sequence):
        return "\n".join([_part(part) for part in content if not _is_skipped(part)])
    raise TurnError("content is empty" if content is None else f"content is {type(content).__name__}, expected text")


def _is_skipped(part: object) -> bool:
    return isinstance(part, Mapping) and part.get("type") in _SKIPPED


def _part(part: object) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping):
        raise TurnError(f"a part is {type(part).__name__}, expected text")
    kind = part.get("type")
    if kind in {"tool_use", "tool_call", "function_call"}:
        return _called(part)
    if kind in {"tool_result", "function_call_output"}:
        return content_text(part.get("content", part.get("output")))
    if isinstance(part.get("text"), str) and not part.get("image"):
        return str(part["text"])
    if kind == "refusal" and isinstance(part.get("refusal"), str):
        return str(part["refusal"])
    raise TurnError(f"a part of type {kind!r}, and a judge is shown text only")


def _called(call: object) -> str:
    """A tool's call as text."""
    if not isinstance(call, Mapping):
        raise TurnError(f"a tool call is {type(call).__name__}, expected an object")
    of = call["function"] if isinstance(call.get("function"), Mapping) else call
    arguments = of.get("arguments", of.get("input", {}))
    said = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return f"{of.get('name', 'tool')}({said})"


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def is_transcript(text: object) -> bool:
    """Whether a text is a transcript: it begins with `Human:`, `User:` or `System:`, and a line with `Assistant:`."""
    return isinstance(text, str) and _BEGINS.match(text) is not None and _ANSWERS.search(text) is not None


def transcript(text: str, *, answered: bool = False) -> list[dict[str, str]]:
    r"""The turns of a transcript.

    Args:
        text: The transcript, `\n\nHuman: ...\n\nAssistant: ...`.
        answered: Whether it ends with an answer, be it empty; the `Assistant:` at the end of a prompt is no turn.

    Example:
        >>> transcript("\n\nHuman: Hi.\n\nAssistant: Hello.\n\nHuman: Why?\n\nAssistant:")[-1]
        {'role': 'user', 'content': 'Why?'}
    """
    turns = _split(text, _TRANSCRIPT)
    if len(turns) < 2:
        turns = _split(text, _TIGHT)
    return turns if answered else _unanswered(turns)


def is_tagged(text: object) -> bool:
    """Whether a text holds turns in HelpSteer's marks, `<extra_id_1>User`."""
    return isinstance(text, str) and _EXTRA_ID.search(text) is not None


def tagged(text: str) -> list[dict[str, str]]:
    """The turns of a prompt in HelpSteer's marks, which begins with the user's."""
    return _unanswered(_split(f"<extra_id_1>User\n{text}", _EXTRA_ID))


def _split(text: str, marks: re.Pattern[str]) -> list[dict[str, str]]:
    found = list(marks.finditer(text))
    ends = [mark.start() for mark in found[1:]] + [len(text)]
    return [
        {"role": _SPEAKER[mark[1]], "content": text[mark.end() : end].strip()}
        for mark, end in zip(found, ends, strict=True)
    ]


def _unanswered(turns: list[dict[str, str]]) -> list[dict[str, str]]:
    open_end = len(turns) > 1 and turns[-1] == {"role": "assistant", "content": ""}
    return turns[:-1] if open_end else turns
