"""The calls of a decision model by LiteLLM: typed questions about a state, answered with probabilities."""

from __future__ import annotations

import json
import math
import time
from functools import cached_property
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from judgebench.client.providers.litellm import transport as lite
from judgebench.client.providers.litellm.calls import Calls
from judgebench.client.providers.litellm.replies import cost_of
from judgebench.client.providers.litellm.settings import CallSettings
from judgebench.judges import call_settings, check_address, check_key, secret_values, used_tokens
from judgebench.verdicts import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.client.providers.base import Request
    from judgebench.client.providers.litellm.wire import WireCall
    from judgebench.judges import Judge

    Answer = dict[str, float | None]


class DecisionCalls(Calls):
    """The calls of one decision model, and their connections."""

    @cached_property
    def _way(self) -> CallSettings:
        return _way_to(self.judge)

    def prepare(self) -> str | None:
        """Imports LiteLLM; the model goes out as it is named."""
        lite.litellm()
        return None

    async def _made(self, request: Request, way: CallSettings, wire: WireCall) -> Reply:
        started = time.perf_counter()
        state, questions = as_sent(request.messages, request.questions or {})
        response = await self._connections.call("asystemone", wire, state=state, questions=questions, **way.settings)
        found = [_answer(question, response.answers.get(name)) for name, question in questions.items()]
        usage = _usage(response.usage)
        tokens, known = used_tokens(usage, answered=False)
        return Reply(
            text=json.dumps(found[0] if len(found) == 1 else found, ensure_ascii=False),
            answers=found,
            finish_reason="stop",
            served_model=response.model or None,
            cost_usd=cost_of(self.judge, tokens, wire, known=known),
            latency_s=round(time.perf_counter() - started, 4),
            created=round(time.time(), 3),
        ).model_copy(update=tokens)


def as_sent(
    messages: Sequence[Mapping[str, str]], questions: Mapping[str, Mapping[str, Any]]
) -> tuple[str, dict[str, dict[str, Any]]]:
    r"""The state and the questions that messages and typed questions go out as.

    The system message belongs to the question; before several it stands once, at the head of the state.

    Args:
        messages: As the template words them.
        questions: In the System One protocol, by name.

    Example:
        >>> said = [{"role": "system", "content": "Be strict."}, {"role": "user", "content": "A: 4. B: 5."}]
        >>> as_sent(said, {"verdict": {"type": "noul", "instructions": "Is A right?"}})
        ('A: 4. B: 5.', {'verdict': {'type': 'noul', 'instructions': 'Be strict.\n\nIs A right?'}})
    """
    rules = [message["content"].strip() for message in messages if message["role"] == "system"]
    rest = [message for message in messages if message["role"] != "system"]
    said = [each["content"] if len(rest) == 1 else f"{each['role']}: {each['content']}" for each in rest]
    asked = {name: dict(question) for name, question in questions.items()}
    if len(asked) > 1 or not said:
        return "\n\n".join([*rules, *said]), asked
    for question in asked.values():
        question["instructions"] = "\n\n".join([*rules, question["instructions"]])
    return "\n\n".join(said), asked


def _way_to(judge: Judge) -> CallSettings:
    """What every call of a decision model is made with.

    Raises:
        ConfigError: An address or a key is missing.
    """
    check_address(judge)
    check_key(judge)
    lite.keep_off_proxies(judge.api_base)
    settings = {"model": judge.model, "timeout": judge.timeout, "max_retries": 0, "num_retries": 0}
    return CallSettings({**settings, **call_settings(judge)}, [], secret_values(judge))


def _answer(question: Mapping[str, Any], answer: Any) -> Answer | None:
    """The probability of each option as it came, null where that is no number; None where there is no answer.

    A level of a score that is missing LiteLLM gives as 0, so that only their sum tells.
    """
    if answer is None:
        return None
    if answer.type == "noul":
        return {"true": _number(answer.noul), "false": _number(1 - answer.noul)}
    if answer.type == "score":
        levels = dict(enumerate(question["criteria"]))
        return {levels.get(int(at), at): _number(share) for at, share in answer.probabilities.items()}
    return {str(option): _number(share) for option, share in answer.probabilities.items()}


def _number(share: float) -> float | None:
    return share if math.isfinite(share) else None


def _usage(usage: Any) -> Any:
    """The tokens in the words of chat completions."""
    if usage is None:
        return None
    cached = SimpleNamespace(cached_tokens=usage.cached_tokens)
    return SimpleNamespace(
        prompt_tokens=usage.input_tokens, completion_tokens=usage.output_tokens, prompt_tokens_details=cached
    )
