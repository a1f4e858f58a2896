"""What a decision model is asked and what it says, whoever makes the call."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from judgebench.client.providers.replies import cost_of, wrong_reply
from judgebench.judges import used_tokens
from judgebench.verdicts import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.client.providers.wire import WireCall
    from judgebench.judges import Judge

    Answer = dict[str, float | None]

_MOST = 1e300
"""A number beyond this is none."""


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
    """The probability of each option as it came, None where that is no number; None where there is no answer.

    The protocol has numbers: a text that names one is none, nor is true or false.

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
        share = _number(answer["noul"])
        return {"true": share, "false": None if share is None else 1 - share}
    if question["type"] == "score":
        levels = dict(enumerate(question["criteria"]))
        return {levels.get(int(at), at): _number(share) for at, share in answer["probabilities"].items()}
    return {str(option): _number(share) for option, share in answer["probabilities"].items()}


def decided(questions: Mapping[str, Mapping[str, Any]], judge: Judge, wire: WireCall) -> Reply | None:
    """The reply in a decision model's body, but for the seconds that it took; None where it is none of either protocol.

    Args:
        questions: What was asked, in the System One protocol.
        judge: Whose call it was.
        wire: What came on the wire.

    Raises:
        BrokenReplyError: It has answers, and they, the usage or the model are of another form.
    """
    body = wire.body if isinstance(wire.body, dict) else {}
    answers = body.get("answers")
    if not isinstance(answers, dict | list) or body.get("error"):
        return None
    try:
        if isinstance(answers, list):
            answers = dict(zip(questions, map(_as_system_one, answers), strict=True))
        found = [answer_to(question, answers.get(name)) for name, question in questions.items()]
        tokens, known = used_tokens(_counts(body.get("usage") or {}), answered=False)
        return Reply(
            text=json.dumps(found[0] if len(found) == 1 else found, ensure_ascii=False),
            answers=list(found),
            finish_reason="stop",
            served_model=body.get("model") or None,
            cost_usd=cost_of(judge, tokens, wire, known=known),
            created=round(time.time(), 3),
        ).model_copy(update=tokens)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        raise wrong_reply(body, decides=True) from None


def _as_system_one(answer: Mapping[str, Any]) -> dict[str, Any] | None:
    """An answer of OpenAI's protocol in System One's; None for a refusal."""
    if answer["type"] == "refusal":
        return None
    if answer["type"] == "predicate":
        return {"noul": answer["probability"]}
    return {"probabilities": {str(each["value"]): each["probability"] for each in answer["probabilities"]}}


def _counts(usage: Mapping[str, Any]) -> dict[str, Any]:
    """The tokens by the names of a chat completion."""
    details = usage.get("input_tokens_details") or usage
    return {
        "prompt_tokens": usage.get("input_tokens", 0),
        "completion_tokens": usage.get("output_tokens", 0),
        "prompt_tokens_details": {"cached_tokens": details.get("cached_tokens", 0)},
    }


def _number(share: object) -> float | None:
    if isinstance(share, bool) or not isinstance(share, int | float):
        return None
    return float(share) if -_MOST < share < _MOST else None  # NaN is neither
