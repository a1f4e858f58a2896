"""What a server really does with what it is sent, by small calls whose replies tell: servers answer 200 and ignore."""

from __future__ import annotations

import json
import re
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from judgebench._util.redaction import in_one_line
from judgebench.client import JudgeClient, ReplyCache, Request, server_of
from judgebench.engine.loops import finished
from judgebench.errors import ConfigError, FatalProviderError, JudgebenchError, VerdictFailure
from judgebench.judges import context_of, load_judges, secret_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.client import LocalServer
    from judgebench.judges import Judge
    from judgebench.verdicts import Reply

AbilityName = Literal[
    "logprobs",
    "structured_output",
    "number_bounds",
    "system_role",
    "temperature",
    "seed",
    "n",
    "context",
    "long_prompts",
]

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
_SHOWN = 160
"""So many characters of what a server says are shown."""
_KEPT_PARAMS = frozenset({"num_ctx", "extra_body", "reasoning_effort", "thinking"})
"""Parameters of the judge that go out with every probe: they change what its server does with all others."""
_BOUNDED = {
    "type": "object",
    "properties": {"score": {"type": "integer", "minimum": 1, "maximum": 5}},
    "required": ["score"],
    "additionalProperties": False,
}
_OUTSIDE = 250
_SCORE = f'Write this JSON object and nothing else: {{"score": {_OUTSIDE}}}'
_LONG = 4_500
"""Words of the long prompt where the context is not known: more than the 2,048 and 4,096 tokens of usual defaults."""
_BEYOND, _MOST_LONG = 1.25, 60_000
"""So many times a known context the long prompt has; one of more words is not sent."""
_SHORT_TIMES = 2
"""A long prompt that has at most so many times a short one's tokens was not cut: the server counts no tokens."""
_CONTEXT_SAID = re.compile(
    r"(?:context (?:length|window|size)|n_ctx|maximum|max_model_len)[^0-9]{0,40}?([0-9][0-9,]{2,8})", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Ability:
    """What a server does with one thing that it is sent.

    Attributes:
        name: Of the thing.
        works: Whether it does what is asked; None where the replies do not tell.
        detail: What it did.
        value: What a setting takes where that is no yes or no: the form of a schema, tokens.
    """

    name: AbilityName
    works: bool | None
    detail: str
    value: str | int | None = None


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
    def settings(self) -> dict[str, bool | int | str]:
        """The keys of providers.yaml that say what was found, where a setting does."""
        found = {each.name: each for each in self.findings}
        said: dict[str, bool | int | str] = {}
        schema = found["structured_output"]
        if schema.works is not None:
            said["structured_output"] = schema.value or schema.works
        if found["system_role"].works is False:
            said["system_role"] = False
        if (context := found["context"].value) is not None:
            said["context"] = context
        if found["long_prompts"].works is False:
            said["cuts_prompts"] = True
        return said

    def to_json(self) -> dict[str, object]:
        """Names and values, as `judges check --server --json` prints them."""
        return {
            "judge": self.judge,
            "model": self.model,
            "findings": {each.name: {"works": each.works, "detail": each.detail} for each in self.findings},
            "settings": self.settings,
        }


def check_server(name: str, *, providers: str | Path | None = None) -> ServerCheck:
    """Finds out with some 15 small calls and a long prompt what a judge's server really does; no reply is kept.

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
    schema = await _schema(asker)
    findings = (
        await _logprobs(asker),
        schema,
        await _bounds(asker, schema),
        await _system_role(asker),
        temperature,
        await _seed(asker, varies=temperature.works is True),
        _several(judge),
        *_context(judge, plain.prompt_tokens),
    )
    return ServerCheck(judge.name, judge.model, findings)


class _Asker:
    """Asks a judge's server without cache and retries, each time with parameters of its own."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge

    async def ask(
        self,
        text: str,
        *,
        system: str | None = None,
        schema: Mapping[str, object] | None = None,
        soft: bool = False,
        params: Mapping[str, object] | None = None,
        form: bool | str = True,
    ) -> Reply | JudgebenchError:
        import tempfile

        own = {name: value for name, value in (self.judge.params or {}).items() if name in _KEPT_PARAMS}
        asked = {"temperature": 0, "max_tokens": 48, **own, **(params or {})}
        judge = self.judge.model_copy(update={"params": asked, "soft": soft, "structured_output": form})
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
        return Ability("logprobs", works=False, detail=f"refused: {_refusal(reply)}")
    if reply.left_out:
        return Ability("logprobs", works=False, detail="LiteLLM does not send them to this provider")
    if not reply.logprobs:
        return Ability("logprobs", works=False, detail="ignored: none came back")
    several = any(len(known) > 1 for _, _, known in reply.logprobs)
    return Ability("logprobs", works=several, detail="returned" if several else "returned without alternatives")


async def _schema(asker: _Asker) -> Ability:
    """A prompt that asks for prose: only a server that enforces the schema answers with the object."""
    works, detail = await _enforced(asker, form=True)
    if works:
        return Ability("structured_output", works=True, detail=detail)
    works, other = await _enforced(asker, form="json_object")
    if works:
        said = f"{detail}; enforced as json_object with a schema"
        return Ability("structured_output", works=True, detail=said, value="json_object")
    both = detail if other == detail else f"{detail}; as json_object: {other}"
    return Ability("structured_output", works=False, detail=both)


async def _enforced(asker: _Asker, *, form: bool | str) -> tuple[bool, str]:
    reply = await asker.ask(_SEA, schema=_SCHEMA, form=form)
    if isinstance(reply, JudgebenchError):
        return False, f"refused: {_refusal(reply)}"
    try:
        said = json.loads(reply.text or "")
    except ValueError:
        return False, "ignored: the reply is text"
    kept = isinstance(said, dict) and [*said] == ["verdict"] and said["verdict"] in {"A", "B"}
    return kept, "enforced" if kept else "ignored: another object came back"


async def _bounds(asker: _Asker, schema: Ability) -> Ability:
    """A prompt that asks for a number outside the schema's bounds: only a server that enforces them changes it."""
    if not schema.works:
        return Ability("number_bounds", works=None, detail="cannot say: no schema is enforced")
    reply = await asker.ask(_SCORE, schema=_BOUNDED, form=schema.value if isinstance(schema.value, str) else True)
    if isinstance(reply, JudgebenchError):
        return Ability("number_bounds", works=False, detail=f"refused: {_refusal(reply)}")
    try:
        score = json.loads(reply.text or "")["score"]
    except (ValueError, LookupError, TypeError):
        return Ability("number_bounds", works=None, detail="cannot say: the reply has no number")
    if not isinstance(score, int | float) or not 1 <= score <= 5:
        return Ability("number_bounds", works=False, detail=f"not enforced: {score} came back for 1 to 5")
    plain = await asker.ask(_SCORE)
    if isinstance(plain, JudgebenchError) or str(_OUTSIDE) not in (plain.text or ""):
        return Ability("number_bounds", works=None, detail="cannot say: the model does not write the number it is told")
    return Ability("number_bounds", works=True, detail="enforced")


def _several(judge: Judge) -> Ability:
    server = server_of(judge)
    if server is None or server.ollama:
        return Ability("n", works=None, detail="cannot say: the protocol has none")
    answer = server.chat(_WORDS, seconds=judge.timeout, n=2, max_tokens=4, temperature=1)
    if not answer.choices:
        return Ability("n", works=False, detail=f"refused: {_cropped(in_one_line(answer.said, secret_values(judge)))}")
    works = answer.choices == 2
    return Ability("n", works=works, detail="used" if works else "ignored: 1 reply for n = 2")


def _context(judge: Judge, short: int) -> tuple[Ability, Ability]:
    """The context, and what becomes of a prompt that is longer; `short` is what it reads of one of a dozen words."""
    server = server_of(judge)
    if server is None:
        long = Ability("long_prompts", works=None, detail="not tried: no server of your own")
        return _context_said(None, context_of(judge), judge), long
    known = server.context or judge.room
    words = _LONG if known is None else round(known * _BEYOND) + 256
    if words > _MOST_LONG:
        long = Ability("long_prompts", works=None, detail=f"not tried: more than {_MOST_LONG:,} tokens")
        return _context_said(server, known, judge), long
    answer = server.chat(f"{_SEA}\n\n{'sea ' * words}\n\n{_SEA}", seconds=judge.timeout, max_tokens=8, temperature=0)
    found = _context_said(server, known, judge)
    if not answer.status:
        return found, Ability("long_prompts", works=None, detail=f"cannot say: no reply within {judge.timeout:g} s")
    if not answer.choices:
        said = None if known else _context_in(answer.said)
        return (
            found if said is None else _context_said(server, said, judge),
            Ability(
                "long_prompts",
                works=True,
                detail=f"refused: {_cropped(in_one_line(answer.said, secret_values(judge)))}",
            ),
        )
    if answer.read is None:
        return found, Ability("long_prompts", works=None, detail="cannot say: no token count")
    if answer.read <= _SHORT_TIMES * short:
        detail = f"cannot say: it counts {answer.read:,} tokens of about {words:,}, and {short:,} of a dozen words"
        return found, Ability("long_prompts", works=None, detail=detail)
    if answer.read < words:
        detail = f"cut without an error: {answer.read:,} tokens read of about {words:,}"
        at = min(answer.read, known or answer.read)
        return _context_said(server, at, judge), Ability("long_prompts", works=False, detail=detail)
    more = f", more than its {known:,}" if known else ""
    return found, Ability("long_prompts", works=True, detail=f"read whole: {answer.read:,} tokens{more}")


def _refusal(error: JudgebenchError) -> str:
    """What was said as a call was refused, without what its tries add."""
    said = error.detail if isinstance(error, VerdictFailure) else str(error)
    return _cropped(said.removeprefix("failed after 1 attempt: "))


def _cropped(said: str) -> str:
    return said if len(said) <= _SHOWN else f"{said[: _SHOWN - 3]}..."


def _context_in(said: str) -> int | None:
    """The context that a server names as it refuses a prompt."""
    found = _CONTEXT_SAID.search(said)
    return int(found[1].replace(",", "")) if found else None


def _context_said(server: LocalServer | None, tokens: int | None, judge: Judge) -> Ability:
    """A context; it is a setting's value where it is a server's of one's own, and `num_ctx` does not say it."""
    slots = "" if server is None or server.slots is None else f", {server.slots} slots"
    if tokens is None:
        return Ability("context", works=None, detail=f"cannot say: the server does not tell{slots}")
    own = server is not None and "num_ctx" not in (judge.params or {})
    return Ability("context", works=True, detail=f"{tokens:,} tokens{slots}", value=tokens if own else None)


async def _system_role(asker: _Asker) -> Ability:
    reply = await asker.ask(_ASKED, system=_RULE)
    if isinstance(reply, JudgebenchError):
        return Ability("system_role", works=False, detail=f"refused: {_refusal(reply)}")
    if _KEPT in (reply.text or "").lower():
        return Ability("system_role", works=True, detail="followed")
    merged = await asker.ask(f"{_RULE}\n\n{_ASKED}")
    if not isinstance(merged, JudgebenchError) and _KEPT in (merged.text or "").lower():
        return Ability("system_role", works=False, detail="ignored: the same words in the user's message are followed")
    return Ability("system_role", works=None, detail="cannot say: the model does not follow the words in either role")


async def _temperature(asker: _Asker) -> Ability:
    texts = await _texts(asker, [{"temperature": 1.5}] * _DRAWS)
    if isinstance(texts, JudgebenchError):
        return Ability("temperature", works=False, detail=f"refused: {_refusal(texts)}")
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
        return Ability("seed", works=False, detail=f"refused: {_refusal(texts)}")
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
