"""Judgements: one reply and what it says, a line of a run's `judgements.jsonl`."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from judgebench._util.files import open_in_place, whole_file, write_text
from judgebench._util.jsonl import loads
from judgebench._util.steps import count_lines, counted
from judgebench.errors import DataError
from judgebench.items import TIE, Failure, Reading, Soft, Verdict
from judgebench.verdicts import Reply

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from judgebench.metrics.summary import Usage
    from judgebench.verdicts import PlacedToken

JUDGEMENTS = "judgements.jsonl"
REPLACED = "judgements-replaced.jsonl"
"""Lines that a refresh has replaced: kept, since they were paid for, and read by nothing."""

encode = json.JSONEncoder(separators=(",", ":"), default=str).encode
"""A line of a JSONL file of a run, without its end."""


# Frozen, so many fields take twice as long to make: 6% of the row "resumed done run" of benchmarks/speed.py.
@dataclass(slots=True)
class Judgement:
    """One reply and what it says: a line of `judgements.jsonl`.

    Attributes:
        order: The index of the completion shown in each slot.
        verdict: A slot's letter, `tie`, or a rating; None where there is a failure.
        cost_usd: The price of the reply; None where it is not known.
        cached: Whether the reply came from the cache, or from an equal call of the same command.
        key: Its key in the cache.
        finish_reason: Why the model stopped; `refusal` where the provider marked one. None where it is not known.
        turn: 0 for the reply to the question, n for the reply to the nth follow-up turn (`--repair`).
        ranking: All slots from the best to the worst, such as `B>A=C`, where the verdict is a ranking's first.
        parts: The rating of each criterion, or the score of each slot, where the verdict was made from those.
        reasoning: Thinking text that came apart from the reply; never read for the verdict.
        soft: How probable each verdict was (`--logprobs`).
        logprobs: The tokens that was read from, so that it can be read again.
    """

    item: str
    subset: str
    order: tuple[int, ...]
    sample: int
    verdict: str | float | None
    failure: Failure | None
    reply: str | None
    served_model: str | None
    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    cached_prompt_tokens: int
    cost_usd: float | None
    latency_s: float | None
    cached: bool
    key: str
    finish_reason: str | None = None
    turn: int = 0
    ranking: str | None = None
    parts: tuple[tuple[str, float], ...] = ()
    reasoning: str | None = None
    soft: Soft | None = None
    logprobs: list[PlacedToken] | None = None

    @property
    def reading(self) -> Reading:
        """What it says, for the rule."""
        if self.failure is not None:
            return Reading(self.order, self.sample, self.failure)
        value = self.verdict if self.verdict is not None else TIE
        return Reading(self.order, self.sample, Verdict(value, self.ranking, self.parts, self.soft))

    @property
    def answer(self) -> Reply:
        """What came back, as far as it matters for reading it again."""
        return Reply(
            text=self.reply,
            finish_reason=self.finish_reason,
            completion_tokens=self.completion_tokens,
            logprobs=self.logprobs,
        )

    def to_json(self) -> dict[str, Any]:
        """The object in `judgements.jsonl`."""
        said: dict[str, Any] = {"item": self.item, "subset": self.subset, "order": self.order, "sample": self.sample}
        if self.failure is None:
            said["verdict"] = self.verdict
            if self.ranking is not None:
                said["ranking"] = self.ranking
            if self.parts:
                said["parts"] = dict(self.parts)
            if self.soft is not None:
                said["probabilities"] = dict(self.soft.probabilities)
                said["mass"] = self.soft.mass
                if self.soft.expected:
                    said["expected"] = dict(self.soft.expected)
        else:
            said["failure"] = {"kind": self.failure.kind, "detail": self.failure.detail}
        said |= {
            "reply": self.reply,
            "finish_reason": self.finish_reason,
            "served_model": self.served_model,
            "usage": {
                "prompt_tokens": self.prompt_tokens,
                "completion_tokens": self.completion_tokens,
                "reasoning_tokens": self.reasoning_tokens,
                "cached_prompt_tokens": self.cached_prompt_tokens,
            },
            "cost_usd": self.cost_usd,
            "latency_s": self.latency_s,
            "cached": self.cached,
            "key": self.key,
        }
        if self.turn:
            said["turn"] = self.turn
        if self.reasoning is not None:
            said["reasoning"] = self.reasoning
        if self.logprobs is not None:
            said["logprobs"] = self.logprobs
        return said

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Judgement:
        """The judgement that `to_json` gave.

        Raises:
            KeyError, TypeError, ValueError: It is not one.
        """
        failure = data.get("failure")
        verdict = data.get("verdict")
        return cls(
            item=data["item"],
            subset=data["subset"],
            order=tuple(data["order"]),
            sample=data["sample"],
            verdict=float(verdict) if isinstance(verdict, int | float) else verdict,
            failure=None if failure is None else Failure(failure["kind"], failure["detail"]),
            reply=data["reply"],
            served_model=data["served_model"],
            cost_usd=data["cost_usd"],
            latency_s=data["latency_s"],
            cached=data["cached"],
            key=data["key"],
            finish_reason=data.get("finish_reason"),
            turn=data.get("turn", 0),
            ranking=data.get("ranking"),
            parts=tuple((name, float(number)) for name, number in data.get("parts", {}).items()),
            reasoning=data.get("reasoning"),
            soft=_soft(data) if "probabilities" in data else None,
            logprobs=[(at, token, known) for at, token, known in data["logprobs"]] if "logprobs" in data else None,
            **data["usage"],
        )


def _soft(data: dict[str, Any]) -> Soft:
    return Soft(tuple(data["probabilities"].items()), data["mass"], tuple(data.get("expected", {}).items()))


def add_usage(usage: Usage, judgement: Judgement) -> None:
    """Adds one judgement to the totals."""
    usage.cached += judgement.cached
    usage.repairs += judgement.turn > 0
    usage.calls += not judgement.cached and (judgement.failure is None or judgement.failure.kind != "not_cached")
    usage.prompt_tokens += judgement.prompt_tokens
    usage.completion_tokens += judgement.completion_tokens
    usage.reasoning_tokens += judgement.reasoning_tokens
    usage.cached_prompt_tokens += judgement.cached_prompt_tokens
    if judgement.cost_usd is None:
        if judgement.failure is None or judgement.reply is not None or judgement.latency_s is not None:
            usage.cost_usd = None
    elif usage.cost_usd is not None:
        usage.cost_usd += judgement.cost_usd
        if usage.spent_usd is not None and not judgement.cached:
            usage.spent_usd += judgement.cost_usd


def write_judgements(folder: Path, judgements: Iterable[Judgement]) -> None:
    """Writes the judgements of a run that makes no call of its own."""
    write_text(folder / JUDGEMENTS, (encode(judgement.to_json()) + "\n" for judgement in judgements))


@contextmanager
def set_apart(folder: Path, count: int) -> Iterator[None]:
    """Moves the first lines, which a refresh has replaced, to the file of such lines when the block ends well.

    What takes space is written before the block, so that a full disk is met while nothing has changed. Each file
    appears whole or not at all; cut off between the two, the lines stand in both.
    """
    path, older = folder / JUDGEMENTS, folder / REPLACED
    with whole_file(path, lasting=True) as kept, whole_file(older, lasting=True) as gone:
        with path.open("rb") as file, gone.open("wb") as apart, kept.open("wb") as rest:
            if older.exists():
                with older.open("rb") as before:
                    shutil.copyfileobj(before, apart)
            apart.writelines(islice(file, count))
            rest.writelines(file)
        yield


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
        ConfigError: Another line is no judgement.
    """
    path = folder / JUDGEMENTS
    if not path.exists():
        return
    with path.open("rb") as file:
        lines = counted(file, f"reading {path}", unit="judgements", total=lambda: count_lines(path))
        for number, line in enumerate(lines, 1):
            if not line.endswith(b"\n"):
                return
            try:
                yield Judgement.from_json(loads(str(line, "utf-8")))
            except UnicodeDecodeError:
                raise DataError(f"{path} line {number}: is not UTF-8; move the folder away") from None
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise DataError(f"{path} line {number}: is no judgement ({error!r}); move the folder away") from None


def latest(judgements: Iterable[Judgement]) -> dict[tuple[str, tuple[int, ...], int], Judgement]:
    """The judgement that counts for each item, order and sample: the last one."""
    return {(j.item, j.order, j.sample): j for j in judgements}
