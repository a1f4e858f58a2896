"""What a decision model is asked and what it says, whoever makes the call."""

from __future__ import annotations

import json
import math
import time
from typing import TYPE_CHECKING, Any

from judgebench.client.providers.replies import cost_of
from judgebench.judges import used_tokens
from judgebench.verdicts import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.client.providers.wire import WireCall
    from judgebench.judges import Judge

    Answer = dict[str, float | None]


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


def answer_to(question: Mapping[str, Any], answer: Mapping[str, Any] | None) -> Answer | None:
    """The probability of each option as it came, null where that is no number; None where there is no answer.

    Args:
        question: In the System One protocol.
        answer: To it: `noul`, or `probabilities`, which for a score are by the levels' numbers.

    Example:
        >>> answer_to({"type": "score", "criteria": ["bad", "good"]}, {"probabilities": {"0": 0.25, "1": 0.75}})
        {'bad': 0.25, 'good': 0.75}
    """
    if answer is None:
        return None
    if question["type"] == "noul":
        return {"true": _number(answer["noul"]), "false": _number(1 - answer["noul"])}
    if question["type"] == "score":
        levels = dict(enumerate(question["criteria"]))
        return {levels.get(int(at), at): _number(share) for at, share in answer["probabilities"].items()}
    return {str(option): _number(share) for option, share in answer["probabilities"].items()}


def decided(
    found: Sequence[Answer | None], model: str | None, usage: Mapping[str, Any], judge: Judge, wire: WireCall
) -> Reply:
    """The reply of a decision model, but for the seconds that it took.

    Args:
        found: Its answers, in the order of the questions.
        model: Which model answered.
        usage: `input_tokens`, `output_tokens` and `cached_tokens`.
        judge: Whose call it was.
        wire: What came on the wire.
    """
    counts = {
        "prompt_tokens": usage.get("input_tokens", 0),
        "completion_tokens": usage.get("output_tokens", 0),
        "prompt_tokens_details": {"cached_tokens": usage.get("cached_tokens", 0)},
    }
    tokens, known = used_tokens(counts, answered=False)
    return Reply(
        text=json.dumps(found[0] if len(found) == 1 else found, ensure_ascii=False),
        answers=list(found),
        finish_reason="stop",
        served_model=model or None,
        cost_usd=cost_of(judge, tokens, wire, known=known),
        created=round(time.time(), 3),
    ).model_copy(update=tokens)


def _number(share: float) -> float | None:
    return share if math.isfinite(share) else None
