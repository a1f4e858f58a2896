"""What a grid would send and cost, net of what its folders and the cache have; nothing is written or sent."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from judgebench._util.steps import counted
from judgebench.client import JudgeClient, longest_answer, prompt_tokens
from judgebench.engine.batchgrid import check_batch
from judgebench.engine.cached import needed_at_most
from judgebench.engine.recorder import Lengths
from judgebench.engine.runplan import RunPlan, as_one_refresh, check_apart
from judgebench.items import Outcome
from judgebench.judges import cost, price_of
from judgebench.metrics.accuracy import group_weights, mean_stratum
from judgebench.metrics.comparisons import minimal_detectable_difference
from judgebench.metrics.grades import grades_or_credits
from judgebench.metrics.planning import corrected_level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from judgebench.benchmarks.base import Benchmark
    from judgebench.client import ReplyCache, Request
    from judgebench.engine.spec import RunSpec
    from judgebench.items import ItemKey
    from judgebench.judges import Judge

ASSUMED_ANSWER = 300
"""Tokens of an answer, where no reply of the judge is known."""

DISCORDANCE = 0.2
"""The share of items on which two runs are taken to differ."""

LATEST = 2_000
"""So many of the replies that the cache got last are looked through for those of a model."""

_FIRST_TOKEN_S, _TOKENS_PER_S = 0.5, 60.0
"""How soon and how fast a model answers, where no reply of it is known."""

COUNTED = 500
"""So many prompts are counted; the tokens of more are taken from these, in proportion to their characters."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What one run would send and cost.

    Attributes:
        judgements: In all.
        done: In the run's folder already.
        cached: In the cache, or asked for by another run of the same grid; they cost nothing.
        calls: To be made.
        prompt_tokens: Of those calls.
        completion_tokens: Expected of those calls.
        replies: How many replies that are there the expected answer is the mean of; 0: it is assumed.
        of_model: Whether these are the model's to other questions, since there is none to the template.
        cost_usd: Expected; None where the judge has no known price.
        highest_usd: If every answer were as long as it may be; None where price or limit is not known.
        repair: How many follow-up turns each of those replies may get, which no figure counts.
        seconds: How long the calls take, at the judge's limits and without refusals.
        latency_s: Of one reply, on average; assumed from its length where no reply's is known.
        timed: How many replies that are there this is the mean of; 0: it is assumed.
        in_flight: How many calls of the judge there are at once.
        assumed: Tokens of an answer, where no reply tells.
        labelled: The items with a label.
        compared: How many runs of the grid are over them; of a single one, two are assumed.
        detectable_difference: The smallest difference of two of these runs that so many items show with 80% power, at
            Holm's corrected level, if they differ on 20% of items; None without labels.
        detectable_if_grouped: The same if a judge were right on all items of a group or on none; None without groups.
        batch: Whether the calls go out in batches: at their price, and in a time that the provider chooses.
    """

    benchmark: str
    judge: str
    template: str
    protocol: str
    judgements: int
    done: int
    cached: int
    calls: int
    prompt_tokens: int
    completion_tokens: int
    replies: int
    cost_usd: float | None
    highest_usd: float | None
    repair: int = 0
    of_model: bool = False
    seconds: float = 0.0
    latency_s: float = 0.0
    timed: int = 0
    in_flight: int = 1
    assumed: int = ASSUMED_ANSWER
    labelled: int = 0
    compared: int = 1
    detectable_difference: float | None = None
    detectable_if_grouped: float | None = None
    batch: bool = False

    def to_json(self) -> dict[str, object]:
        """The object that `--json` prints."""
        return asdict(self)


@dataclass(slots=True)
class _Prompts:
    """Characters of all prompts, and some of the prompts, drawn evenly (reservoir sampling, Vitter 1985, R)."""

    count: int = 0
    characters: int = 0
    drawn: list[Request] = field(default_factory=list)
    _random: random.Random = field(default_factory=lambda: random.Random(0))

    def add(self, request: Request) -> None:
        self.count += 1
        self.characters += _characters(request)
        if len(self.drawn) < COUNTED:
            self.drawn.append(request)
        elif (at := self._random.randrange(self.count)) < COUNTED:
            self.drawn[at] = request

    def tokens(self, judge: Judge) -> int:
        if not self.drawn or judge.offline:
            return 0
        counted = sum(prompt_tokens(judge, _texts(request)) for request in self.drawn)
        if self.count == len(self.drawn):
            return counted
        return round(counted * self.characters / max(1, sum(map(_characters, self.drawn))))


def forecast(
    cells: Sequence[RunSpec],
    cache: ReplyCache,
    out: Path,
    *,
    refresh: bool = False,
    concurrency: int | None = None,
    batch: bool = False,
) -> list[Forecast]:
    """What a grid would send and cost, a forecast a cell.

    Args:
        cells: The grid.
        cache: Where replies are kept; only read.
        out: The folder above the runs' folders; only read.
        refresh: As if every reply were asked for again.
        concurrency: Calls of a judge at once; None for the judge's own limit.
        batch: Whether calls go out in batches, at their price.

    Raises:
        ConfigError: A mistake that the run itself would end with; a key or a price is not needed.
    """
    asked: set[str] = set()
    if batch:
        check_batch(cells)
    plans = [RunPlan(cell, out, refresh=refresh, dry=True) for cell in cells]
    check_apart(plans)
    if refresh:
        as_one_refresh(plans)
    known: dict[str, Lengths] = {}
    found = []
    for plan in plans:
        in_batches = batch and not plan.spec.judge.offline
        if in_batches:
            client: JudgeClient = _batch_client(plan, cache, refresh=refresh)
        else:
            client = JudgeClient(plan.spec.judge, cache, refresh=refresh, concurrency=concurrency)
        each = _of(plan, client, asked, known)
        found.append(replace(each, batch=True, seconds=0.0) if in_batches else each)
    return [_with_power(each, cell, cells) for each, cell in zip(found, cells, strict=True)]


def _batch_client(plan: RunPlan, cache: ReplyCache, *, refresh: bool) -> JudgeClient:
    from judgebench.client import BatchClient

    client = BatchClient(plan.spec.judge, cache, refresh=refresh)
    _ = client.batches  # a provider without any is a usage error
    return client


def _with_power(found: Forecast, cell: RunSpec, cells: Sequence[RunSpec]) -> Forecast:
    """What differences the labelled items of a run can show; nothing of a control, and without a mean of credits."""
    layout = cell.benchmark.layout
    keys = [key for key in cell.dataset.keys.values() if key.labelled and key.subset not in layout.strata]
    by_means = layout.stratum in {mean_stratum, grades_or_credits} and not any(key.graded for key in keys)
    if not keys or cell.alteration is not None or not by_means:
        return found
    same = [each for each in cells if each.alteration is None and each.dataset.hash == cell.dataset.hash]
    by_items, by_units = _effective(keys, cell.benchmark)
    if not by_items:
        return found
    detected = partial(minimal_detectable_difference, discordant=DISCORDANCE, alpha=corrected_level(max(len(same), 2)))
    return replace(
        found,
        labelled=len(keys),
        compared=len(same),
        detectable_difference=detected(by_items),
        detectable_if_grouped=detected(by_units) if by_units < by_items else None,
    )


def _effective(keys: Sequence[ItemKey], benchmark: Benchmark) -> tuple[float, float]:
    """How many items of equal weight the items are worth, each by itself and if those of a group are all alike."""
    layout, units = benchmark.layout, Counter[tuple[str | None, str, str]]()
    for place, _ in {(layout.place_of(key), benchmark.unit(key)) for key in keys}:
        units[place] += 1
    if layout.overall == "pooled":
        return float(len(keys)), float(len({benchmark.unit(key) for key in keys}))
    groups = group_weights([Outcome(key, 1.0, 1.0, 1.0) for key in keys], layout)
    total = sum(group.in_score for group in groups)
    if not total:
        return 0.0, 0.0
    shares = [(group, (group.in_score / total) ** 2) for group in groups]
    return 1 / sum(s / group.n for group, s in shares), 1 / sum(s / units[group.place] for group, s in shares)


def time_of(forecasts: Sequence[Forecast]) -> float:
    """How many seconds a grid takes: judges work side by side, the runs of one after another."""
    by_judge: dict[str, float] = {}
    for each in forecasts:
        by_judge[each.judge] = by_judge.get(each.judge, 0.0) + each.seconds
    return max(by_judge.values(), default=0.0)


def _answers_of_model(judge: Judge, cache: ReplyCache) -> Lengths:
    """The length of the replies of the judge's model among those that the cache got last."""
    name = judge.model.rpartition("/")[2]
    dated = re.compile(rf"(?:.*/)?{re.escape(name)}(?:[-@:][0-9][-0-9]*)?")
    found = Lengths()
    for reply in cache.latest(LATEST):
        if reply.served_model is not None and dated.fullmatch(reply.served_model):
            found.add(reply.completion_tokens, reply.latency_s)
    return found


def _seconds(judge: Judge, calls: int, tokens: int, latency: float, in_flight: int) -> float:
    """How long calls take side by side, and by the judge's limits per minute."""
    if judge.offline or not calls:
        return 0.0
    by_limits = [60 * calls / judge.limits.rpm] if judge.limits.rpm else []
    by_limits += [60 * tokens / judge.limits.tpm] if judge.limits.tpm else []
    return max(latency * -(-calls // in_flight), *by_limits, 0.0)


def _of(plan: RunPlan, client: JudgeClient, asked: set[str], known: dict[str, Lengths]) -> Forecast:
    plan.look()
    cell, judge = plan.spec, client.judge
    total, done = plan.total, plan.recorder.readings.total
    answers, prompts = plan.recorder.answers, _Prompts()
    looking = f"looking up replies for {cell.benchmark.name} · {judge.name} · {cell.template.name}"
    for work in counted(needed_at_most(plan, client), looking, unit="calls", total=total - done):
        if work is not None and work.request.key not in asked:
            asked.add(work.request.key)
            prompts.add(work.request)
    tokens, calls = prompts.tokens(judge), prompts.count
    longest = longest_answer(judge)
    if of_model := not answers.count and calls > 0 and not judge.offline and not judge.decides:
        if judge.name not in known:
            known[judge.name] = _answers_of_model(judge, client.cache)
        answers = known[judge.name]
    assumed = 0 if judge.decides else ASSUMED_ANSWER
    length = assumed if not answers.count else answers.tokens / answers.count
    timed = answers.timed if calls else 0
    latency = answers.seconds / timed if timed else _FIRST_TOKEN_S + length / _TOKENS_PER_S
    expected = 0 if judge.offline else round(calls * (length if longest is None else min(length, longest)))
    return Forecast(
        benchmark=cell.benchmark.name,
        judge=judge.name,
        template=cell.template.title,
        protocol=cell.protocol,
        judgements=total,
        done=done,
        cached=total - done - calls,
        calls=calls,
        prompt_tokens=tokens,
        completion_tokens=expected,
        replies=answers.count,
        cost_usd=_cost(judge, tokens, expected),
        highest_usd=None if longest is None else _cost(judge, tokens, calls * longest, highest=True),
        repair=cell.orders.repair,
        of_model=of_model and answers.count > 0,
        seconds=_seconds(judge, calls, tokens + expected, latency, client.pace.most),
        latency_s=0.0 if judge.offline else latency,
        timed=timed,
        in_flight=client.pace.most,
    )


def _cost(judge: Judge, prompt: int, answer: int, *, highest: bool = False) -> float | None:
    price = price_of(judge)
    if price is None:
        return None
    thought = answer if highest and (price.reasoning or 0) > price.output else 0
    return cost(price, {"prompt_tokens": prompt, "completion_tokens": answer, "reasoning_tokens": thought})


def _texts(request: Request) -> Sequence[Mapping[str, str]]:
    """The messages, and as one more the typed questions where there are such."""
    if request.questions is None:
        return request.messages
    return [*request.messages, {"role": "user", "content": json.dumps(request.questions, ensure_ascii=False)}]


def _characters(request: Request) -> int:
    return sum(len(message["content"]) for message in _texts(request))
