"""What a decision model's server says on the wire, in the System One protocol (`state`) and in OpenAI's (`input`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from faults import Request

PATHS = ("/systemone", "/decisions")


def questions_of(request: Request) -> list[dict[str, Any]]:
    """The questions of a request in order, whichever protocol it came by; `options` is what has a probability."""
    asked = request.params["questions"]
    if isinstance(asked, list):
        return [each | {"options": _options(each)} for each in asked]
    options = {
        "noul": lambda q: ["true", "false"],
        "choice": lambda q: [*q["criteria"]],
        "score": lambda q: q["criteria"],
    }
    return [each | {"options": options[each["type"]](each)} for each in asked.values()]


def _options(question: Mapping[str, Any]) -> list[str]:
    if question["type"] == "predicate":
        return ["true", "false"]
    if question["type"] == "choice":
        return [each["value"] for each in question["choices"]]
    return [each["label"] for each in question["levels"]]


def said(request: Request) -> str:
    """The state."""
    return str(request.params.get("state") or request.params.get("input"))


def decided(
    request: Request, answers: Sequence[Mapping[str, float] | None], usage: Mapping[str, Any], model: str
) -> dict[str, Any]:
    """The body of a reply; an answer that is None is missing, or a refusal."""
    tokens = {"input_tokens": 100, "output_tokens": 0, **usage}
    asked = request.params["questions"]
    if isinstance(asked, dict):
        names = zip(asked.items(), answers, strict=False)
        found = {name: _systemone(question, answer) for (name, question), answer in names if answer is not None}
        return {"model": model, "answers": found, "usage": tokens}
    replies = [_openai(question, answer) for question, answer in zip(asked, answers, strict=False)]
    return {"model": model, "answers": replies, "usage": tokens | {"total_tokens": tokens["input_tokens"]}}


def _systemone(question: Mapping[str, Any], answer: Mapping[str, float]) -> dict[str, Any]:
    if question["type"] == "noul":
        return {"type": "noul", "noul": answer["true"]}
    if question["type"] == "choice":
        return {"type": "choice", "choice": next(iter(answer), ""), "confidence": 0.5, "probabilities": dict(answer)}
    levels = question["criteria"]
    shares = {str(levels.index(level)): share for level, share in answer.items()}
    legend = {str(at): level for at, level in enumerate(levels)}
    return {"type": "score", "score": 0.0, "confidence": 0.5, "legend": legend, "probabilities": shares}


def _openai(question: Mapping[str, Any], answer: Mapping[str, float] | None) -> dict[str, Any]:
    name = question.get("name")
    if answer is None:
        return {"type": "refusal", "name": name}
    if question["type"] == "predicate":
        return {"type": "predicate", "name": name, "probability": answer["true"]}
    if question["type"] == "choice":
        shares = [{"value": option, "probability": share} for option, share in answer.items()]
        first = next(iter(answer), "")
        return {"type": "choice", "name": name, "choice": first, "confidence": 0.5, "probabilities": shares}
    labels = [level["label"] for level in question["levels"]]
    levels = [{"value": labels.index(at), "label": at, "probability": share} for at, share in answer.items()]
    return {"type": "score", "name": name, "score": 0.0, "confidence": 0.5, "probabilities": levels}
