"""What a server really does with what it is sent, by small calls whose replies tell: servers answer 200 and ignore."""

from __future__ import annotations

import json
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from judgebench.client import JudgeClient, ReplyCache, Request
from judgebench.engine.loops import finished
from judgebench.errors import ConfigError, FatalProviderError, JudgebenchError, VerdictFailure
from judgebench.judges import load_judges

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.judges import Judge
    from judgebench.verdicts import Reply

AbilityName = Literal["logprobs", "structured_output", "system_role", "temperature", "seed"]

_WORDS = "Write twelve random words, and nothing else."
_SEA = "Write one short sentence about the sea, as plain text."
_SCHEMA = {
    "type": "object",
    "properties": {"verdict": {"type": "string", "enum": ["A", "B"]}},
    "required": ["verdict"],
    "additionalProperties": False,
}
_RULE, _ASKED, _KEPT = "Answer every message with the single word kiwi.", "What is the capital of France?", "kiwi"
_DRAWS = 3


@dataclass(frozen=True, slots=True)
class Ability:
    """What a server does with one thing that it is sent.

    Attributes:
        name: Of the thing.
        works: Whether it does what is asked; None where the replies do not tell.
        detail: What it did.
    """

    name: AbilityName
    works: bool | None
    detail: str


@dataclass(frozen=True, slots=True)
class ServerCheck:
    """What a judge's server does with what it is sent.

    Attributes:
        judge: Its name.
        model: The LiteLLM id.
        findings: One of each ability.
    """

    judge: str
    model: str
    findings: tuple[Ability, ...]

    @property
    def settings(self) -> dict[str, bool]:
        """The keys of providers.yaml that say what was found, where a setting does."""
        found = {each.name: each.works for each in self.findings}
        said = {"structured_output": found.get("structured_output")}
        if found.get("system_role") is False:
            said["system_role"] = False
        return {name: works for name, works in said.items() if works is not None}

    def to_json(self) -> dict[str, object]:
        """Names and values, as `judges check --server --json` prints them."""
        return {
            "judge": self.judge,
            "model": self.model,
            "findings": {each.name: {"works": each.works, "detail": each.detail} for each in self.findings},
            "settings": self.settings,
        }


def check_server(name: str, *, providers: str | Path | None = None) -> ServerCheck:
    """Finds out with some ten small calls what a judge's server does with what it is sent; no reply is kept.

    Args:
        name: A preset or LiteLLM id.
        providers: A providers.yaml beside the one that ships.

    Raises:
        ConfigError: There is no such judge, it writes no text, or its key is missing.
        FatalProviderError: The server refuses a plain call, or does not answer.
    """
    judge = load_judges(None if providers is None else Path(providers)).get(name)
    if judge.offline or judge.decides:
        raise ConfigError(f"judge '{name}' writes no text, which --server looks at: leave --server out")
    return finished(_checked(judge))


async def _checked(judge: Judge) -> ServerCheck:
    asker = _Asker(judge)
    plain = await asker.ask(_SEA, params={"max_tokens": 16})
    if isinstance(plain, JudgebenchError):
        raise (
            plain
            if isinstance(plain, ConfigError | FatalProviderError)
            else FatalProviderError(f"judge '{judge.name}': a plain call failed: {plain}")
        )
    temperature = await _temperature(asker)
    findings = (
        await _logprobs(asker),
        await _schema(asker),
        await _system_role(asker),
        temperature,
        await _seed(asker, varies=temperature.works is True),
    )
    return ServerCheck(judge.name, judge.model, findings)


class _Asker:
    """Asks a judge's server without cache and retries, each time with parameters of its own."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    async def ask(
        self,
        text: str,
        *,
        system: str | None = None,
        schema: Mapping[str, object] | None = None,
        soft: bool = False,
        params: Mapping[str, object] | None = None,
    ) -> Reply | JudgebenchError:
        import tempfile

        asked = {"temperature": 0, "max_tokens": 48, **(params or {})}
        judge = self._judge.model_copy(update={"params": asked, "soft": soft})
        messages = [{"role": "user", "content": text}]
        if system is not None:
            messages.insert(0, {"role": "system", "content": system})
        with tempfile.TemporaryDirectory() as folder, ReplyCache(Path(folder)) as cache:
            async with aclosing(JudgeClient(judge, cache, tries=1)) as client:
                client.check()
                request = Request(client.keys.key(messages, 0, schema), messages, 0, schema)
                try:
                    return (await client.ask(request)).reply
                except (VerdictFailure, FatalProviderError) as error:
                    return error


async def _logprobs(asker: _Asker) -> Ability:
    reply = await asker.ask(_SEA, soft=True, params={"max_tokens": 8})
    if isinstance(reply, JudgebenchError):
        return Ability("logprobs", works=False, detail=f"refused: {reply}")
    if reply.left_out:
        return Ability("logprobs", works=False, detail="LiteLLM does not send them to this provider")
    if not reply.logprobs:
        return Ability("logprobs", works=False, detail="ignored: none came back")
    several = any(len(known) > 1 for _, _, known in reply.logprobs)
    return Ability("logprobs", works=several, detail="returned" if several else "returned without alternatives")


async def _schema(asker: _Asker) -> Ability:
    """A prompt that asks for prose: only a server that enforces the schema answers with the object."""
    reply = await asker.ask(_SEA, schema=_SCHEMA)
    if isinstance(reply, JudgebenchError):
        return Ability("structured_output", works=False, detail=f"refused: {reply}")
    try:
        said = json.loads(reply.text or "")
    except ValueError:
        return Ability("structured_output", works=False, detail="ignored: the reply is text")
    kept = isinstance(said, dict) and [*said] == ["verdict"] and said["verdict"] in {"A", "B"}
    return Ability("structured_output", works=kept, detail="enforced" if kept else "ignored: another object came back")


async def _system_role(asker: _Asker) -> Ability:
    reply = await asker.ask(_ASKED, system=_RULE)
    if isinstance(reply, JudgebenchError):
        return Ability("system_role", works=False, detail=f"refused: {reply}")
    if _KEPT in (reply.text or "").lower():
        return Ability("system_role", works=True, detail="followed")
    merged = await asker.ask(f"{_RULE}\n\n{_ASKED}")
    if not isinstance(merged, JudgebenchError) and _KEPT in (merged.text or "").lower():
        return Ability("system_role", works=False, detail="ignored: the same words in the user's message are followed")
    return Ability("system_role", works=None, detail="cannot say: the model does not follow the words in either role")


async def _temperature(asker: _Asker) -> Ability:
    texts = await _texts(asker, [{"temperature": 1.5}] * _DRAWS)
    if isinstance(texts, JudgebenchError):
        return Ability("temperature", works=False, detail=f"refused: {texts}")
    if len({*texts}) == 1:
        return Ability("temperature", works=False, detail=f"ignored: {_DRAWS} equal replies at 1.5")
    cold = await _texts(asker, [{"temperature": 0}] * 2)
    if isinstance(cold, JudgebenchError):
        return Ability("temperature", works=False, detail=f"0 refused: {cold}")
    same = cold[0] == cold[1]
    return Ability("temperature", works=same, detail="used" if same else "0 ignored: replies differ at 0 too")


async def _seed(asker: _Asker, *, varies: bool) -> Ability:
    if not varies:
        return Ability("seed", works=None, detail="cannot say: the temperature is not used")
    texts = await _texts(asker, [{"temperature": 1.5, "seed": 7}] * 2)
    if isinstance(texts, JudgebenchError):
        return Ability("seed", works=False, detail=f"refused: {texts}")
    same = texts[0] == texts[1]
    return Ability("seed", works=same, detail="used" if same else "ignored: one seed, two replies")


async def _texts(asker: _Asker, params: Sequence[Mapping[str, object]]) -> list[str] | JudgebenchError:
    texts = []
    for each in params:
        reply = await asker.ask(_WORDS, params=each)
        if isinstance(reply, JudgebenchError):
            return reply
        texts.append(reply.text or "")
    return texts
