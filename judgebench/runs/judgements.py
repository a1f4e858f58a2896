"""Judgements: one reply and what it says, a line of a run's `judgements.jsonl`."""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, InstanceOf, Strict, TypeAdapter, ValidationError

from judgebench._util.files import open_in_place
from judgebench._util.jsonl import AnyText, first_error
from judgebench._util.steps import counted
from judgebench.errors import DataError
from judgebench.items import ASKED_AGAIN, LABELS, TIE, Failure, Reading, Soft, StepIndex, Verdict
from judgebench.metrics.summary import Usage
from judgebench.runs.journal import JUDGEMENTS, count_judgements, lines_of, write_lines
from judgebench.verdicts import Reply

if TYPE_CHECKING:
    from judgebench.items import ItemKey
    from judgebench.protocols import Call

encode = json.JSONEncoder(separators=(",", ":"), default=str).encode
"""A line of a JSONL file of a run, without its end."""


@dataclass(slots=True)
class ReplyUsage:
    """The tokens that a reply took, as the provider counted them."""

    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    cached_prompt_tokens: int


def _failure(value: Any) -> Any:
    return Failure(**value) if isinstance(value, dict) else value


_MEND = "copy the run again, or move the file away to ask again"

_Said = Annotated[
    AnyText | Annotated[int, Strict(), AfterValidator(StepIndex)] | Annotated[float, Strict()],
    Field(union_mode="left_to_right"),
]
"""A verdict: text, the number of a step, which a line has without a point, or a rating, which it has with one."""


# Frozen, so many fields take twice as long to make: 6% of the row "resumed done run" of benchmarks/speed.py.
@dataclass(slots=True, kw_only=True)
class Judgement:
    """One reply and what it says: a line of `judgements.jsonl`, which has these fields but for the defaults.

    Attributes:
        order: The index of the completion shown in each slot.
        verdict: A slot's letter, `tie`, a class, a rating or a step; None where there is a failure.
        ranking: All slots from the best to the worst, such as `B>A=C`, where the verdict is a ranking's first.
        parts: The rating of each criterion, or the score of each slot, where the verdict was made from those.
        also: Other verdicts that the reply names, each once, where there are any; they do not count.
        probabilities: How probable each verdict was (`--logprobs`); see `judgebench.items.Soft`, as for the next two.
        cost_usd: The price of the reply; None where it is not known.
        cached: Whether the reply came from the cache, or from an equal call of the same command.
        key: Its key in the cache.
        finish_reason: Why the model stopped; `refusal` where the provider marked one. None where it is not known.
        turn: 0 for the reply to the question, n for the reply to the nth follow-up turn (`--repair`).
        reasoning: Thinking text that came apart from the reply; never read for the verdict.
        logprobs: The tokens that the probabilities were read from, so that they can be read again.
        answers: A decision model's answers, as in `judgebench.Reply`.
        may_have_cost_usd: What tries of unknown cost may have cost at most, beside `cost_usd`; None: not known.
    """

    item: AnyText
    subset: AnyText
    order: tuple[int, ...]
    sample: int
    verdict: _Said | None = None
    ranking: AnyText | None = None
    parts: dict[AnyText, float] | None = None
    also: list[_Said] | None = None
    probabilities: dict[AnyText, float] | None = None
    mass: float | None = None
    expected: dict[AnyText, float] | None = None
    failure: Annotated[InstanceOf[Failure], BeforeValidator(_failure)] | None = None
    reply: AnyText | None
    finish_reason: AnyText | None
    served_model: AnyText | None
    usage: ReplyUsage
    cost_usd: float | None
    latency_s: float | None
    cached: bool
    key: AnyText
    turn: int = 0
    reasoning: AnyText | None = None
    logprobs: list[tuple[int, AnyText, dict[AnyText, float]]] | None = None
    may_have_cost_usd: float | None = 0.0
    answers: list[dict[AnyText, float | None] | None] | None = None

    @classmethod
    def of(
        cls,
        item: "ItemKey",
        call: "Call",
        key: str,
        reply: Reply,
        result: Verdict | Failure,
        *,
        cached: bool,
        turn: int = 0,
    ) -> "Judgement":
        """What a reply to a call says."""
        tokens = (reply.prompt_tokens, reply.completion_tokens, reply.reasoning_tokens, reply.cached_prompt_tokens)
        return cls(
            item=item.id,
            subset=item.subset,
            order=call.order,
            sample=call.sample,
            **fields_of(result),
            reply=reply.text,
            served_model=reply.served_model,
            usage=ReplyUsage(*tokens),
            cost_usd=reply.cost_usd,
            latency_s=reply.latency_s,
            cached=cached,
            key=key,
            finish_reason="refusal" if reply.refusal else reply.finish_reason,
            turn=turn,
            reasoning=reply.reasoning,
            logprobs=reply.logprobs,
            answers=reply.answers,
            may_have_cost_usd=reply.may_have_cost_usd,
        )

    @property
    def is_asked_again(self) -> bool:
        """Whether the same command asks for it again: nothing came, or nothing that was said."""
        if self.failure is None:
            return False
        said_nothing = self.failure.kind == "empty" and not self.reasoning and self.answer.says_nothing
        return said_nothing or self.failure.kind in ASKED_AGAIN

    @property
    def reading(self) -> Reading:
        """What it says, for the rule."""
        if self.verdict is None:
            assert self.failure is not None
            return Reading(self.order, self.sample, self.failure)
        soft = None
        if self.probabilities is not None and self.mass is not None:
            soft = Soft(tuple(self.probabilities.items()), self.mass, tuple((self.expected or {}).items()))
        verdict = Verdict(self.verdict, self.ranking, tuple((self.parts or {}).items()), soft, tuple(self.also or ()))
        return Reading(self.order, self.sample, verdict)

    @property
    def answer(self) -> Reply:
        """What came back, as far as it matters for reading it again."""
        return Reply(
            text=self.reply,
            finish_reason=self.finish_reason,
            reasoning=self.reasoning,
            completion_tokens=self.usage.completion_tokens,
            logprobs=self.logprobs,
            answers=self.answers,
        )

    def to_line(self) -> bytes:
        """The line in `judgements.jsonl`, with its end."""
        try:
            return _lines().dump_json(self, exclude_defaults=True, ensure_ascii=True) + b"\n"
        except ValueError:  # lone surrogates, which are no UTF-8
            return encode(_lines().dump_python(self, exclude_defaults=True)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "Judgement":
        """The judgement that a line holds.

        Raises:
            ValueError: It holds none; the message says where the mistake is.
        """
        try:
            judgement = _lines().validate_json(line)
        except ValidationError:
            judgement = _from_json(json.loads(line))
        value = judgement.verdict
        if value is None and judgement.failure is None:
            raise ValueError("neither a verdict nor a failure")
        several = len(judgement.order) > 1
        if several and isinstance(value, str) and value != TIE and value not in {*LABELS[: len(judgement.order)]}:
            raise ValueError(f"verdict is {value!r}, expected a slot of {len(judgement.order)}, or {TIE}")
        return judgement


@cache
def _lines() -> TypeAdapter[Judgement]:
    return TypeAdapter(Judgement)


def _from_json(data: Any) -> Judgement:
    """By way of Python's own reader, which takes lone surrogates; the first version's lines had no `finish_reason`."""
    if isinstance(data, dict):
        data.setdefault("finish_reason", None)
    try:
        return _lines().validate_python(data)
    except ValidationError as error:
        raise ValueError(first_error(error)) from None


def fields_of(result: Verdict | Failure) -> dict[str, Any]:
    """The fields of a judgement that hold what its reply says."""
    failure = result if isinstance(result, Failure) else None
    verdict = result if isinstance(result, Verdict) else None
    soft = None if verdict is None else verdict.soft
    return {
        "verdict": None if verdict is None else verdict.value,
        "failure": failure,
        "ranking": None if verdict is None else verdict.ranking,
        "parts": None if verdict is None else dict(verdict.parts) or None,
        "also": None if verdict is None else list(verdict.also) or None,
        "probabilities": None if soft is None else dict(soft.probabilities),
        "mass": None if soft is None else soft.mass,
        "expected": None if soft is None else dict(soft.expected) or None,
    }


def add_usage(usage: Usage, judgement: Judgement) -> None:
    """Adds one judgement to the totals."""
    usage.cached += judgement.cached
    usage.repairs += judgement.turn > 0
    usage.calls += not judgement.cached and (judgement.failure is None or judgement.failure.kind != "not_cached")
    usage.prompt_tokens += judgement.usage.prompt_tokens
    usage.completion_tokens += judgement.usage.completion_tokens
    usage.reasoning_tokens += judgement.usage.reasoning_tokens
    usage.cached_prompt_tokens += judgement.usage.cached_prompt_tokens
    if judgement.may_have_cost_usd is None or usage.may_have_cost_usd is None:
        usage.may_have_cost_usd = None
    else:
        usage.may_have_cost_usd += judgement.may_have_cost_usd
    if judgement.cost_usd is None:
        if judgement.failure is None or judgement.reply is not None or judgement.latency_s is not None:
            usage.cost_usd = None
    elif usage.cost_usd is not None:
        usage.cost_usd += judgement.cost_usd
        if usage.spent_usd is not None and not judgement.cached:
            usage.spent_usd += judgement.cost_usd


def write_judgements(folder: Path, judgements: Iterable[Judgement]) -> None:
    """Writes the judgements of a run that makes no call of its own, into a folder that has none."""
    write_lines(folder, (judgement.to_line() for judgement in judgements))


def cut_torn_line(path: Path) -> None:
    """Takes a last line without its end off the file: what a crash left of it is no judgement."""
    if not path.exists():
        return
    with open_in_place(path) as file:
        size = file.seek(0, os.SEEK_END)
        end = size
        while end > 0:
            start = max(0, end - 65536)
            file.seek(start)
            newline = file.read(end - start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        if end < size:
            file.truncate(end)


def read_judgements(folder: Path) -> Iterator[Judgement]:
    """The judgements of a run; of several for one item, order and sample, the last one counts (see `latest`).

    A last line without its end is passed over.

    Raises:
        DataError: Another line is no judgement, or a part of them cannot be read.
    """
    where = f"reading {folder / JUDGEMENTS}"
    lines = counted(lines_of(folder), where, unit="judgements", total=lambda: count_judgements(folder))
    for line, place in lines:
        try:
            yield Judgement.from_line(line)
        except UnicodeDecodeError:
            raise DataError(f"{place}: not UTF-8; {_MEND}") from None
        except (TypeError, ValueError) as error:
            raise DataError(f"{place}: not a valid judgement record ({error}); {_MEND}") from None


def latest(judgements: Iterable[Judgement]) -> dict[tuple[str, tuple[int, ...], int], Judgement]:
    """The judgement that counts for each item, order and sample: the last one."""
    return {(j.item, j.order, j.sample): j for j in judgements}
