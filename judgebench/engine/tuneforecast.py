"""What `tune` would send and cost at most, and what its held-out items can show; nothing is written or sent."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from judgebench.client import JudgeClient, longest_answer, prompt_tokens
from judgebench.engine.forecast import DISCORDANCE, Forecast, forecast
from judgebench.engine.writing import writing_request
from judgebench.judges import Judge, cost, price_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench.client import ReplyCache
    from judgebench.engine.options import RunOptions
    from judgebench.engine.tuneplan import TunePlan

_WRITTEN = 1_500
"""Tokens of a template that a model writes."""


@dataclass(frozen=True)
class TuneForecast:
    """What `tune` would send and cost at most.

    Attributes:
        forecasts: Of each wording over the train items, of what a model writes, and of the two wordings that the
            held-out items are judged with.
        train_items: Labelled items to choose by.
        held_out_items: Labelled items that are held out.
        detects: The smallest gain that these show with a chance of 80%, if the wordings differ on a fifth of them; None
            of correlations.
    """

    forecasts: tuple[Forecast, ...]
    train_items: int
    held_out_items: int
    detects: float | None

    def lines(self) -> list[str]:
        """What the sizes can show, and what the figures are."""
        split = f"{self.train_items:,} train items, {self.held_out_items:,} held out"
        if self.detects is None:
            return [f"{split}; upper bound: the race drops candidates early"]
        shown = f"{100 * self.detects:.1f} points or more is found with 80% power"
        return [
            f"{split}: a gain of {shown} (if two wordings differ on {DISCORDANCE:.0%} of the items)",
            "upper bound: the race drops candidates early, and looks at the held-out items only if one is ahead",
        ]

    def to_json(self) -> dict[str, object]:
        """The object that `--json` prints."""
        return {
            "train_items": self.train_items,
            "held_out_items": self.held_out_items,
            "detects": self.detects,
            "forecasts": [each.to_json() for each in self.forecasts],
        }


def forecast_tune(plan: TunePlan, cache: ReplyCache, options: RunOptions) -> TuneForecast:
    """What would be sent and cost at most.

    Args:
        plan: What is to be done.
        cache: Where replies are kept; only read.
        options: How the calls would be made.

    Raises:
        ConfigError: A mistake that the command itself would end with.
    """
    specs = [each.spec for each in plan.candidates]
    pair = [plan.on_held_out(spec) for spec in (specs[0], specs[-1])]
    chosen = {"refresh": options.refresh, "concurrency": options.concurrency}
    train = [
        replace(each, template=f"{each.template} (train)")
        for each in forecast(specs, cache, Path(options.out), **chosen)  # type: ignore[arg-type]
    ]
    held = forecast(pair[:1] if len(specs) == 1 else pair, cache, Path(options.out), **chosen)  # type: ignore[arg-type]
    used = replace(held[0], template=f"{held[0].template} (held out)")
    winner = replace(held[-1], template="winner (held out)")
    detects = plan.detects
    # As if nothing were cached: written candidates are new.
    (fresh,) = forecast(specs[:1], cache, Path(options.out), refresh=True, concurrency=options.concurrency)
    return TuneForecast(
        # The held-out items alone show a gain: what so many show is said of them.
        tuple(
            replace(each, detectable_difference=None)
            for each in (*train, *_of_writer(plan, fresh, cache), used, winner)
        ),
        len(plan.baseline.dataset.keys),
        len(plan.held.keys),
        None if math.isnan(detects) else detects,
    )


def _of_writer(plan: TunePlan, used: Forecast, cache: ReplyCache) -> Sequence[Forecast]:
    """What a model writes, and what is written over the train items, as if each were the template in use."""
    count = len(plan.edits)
    if not count:
        return ()
    calls = used.judgements * count
    written = replace(
        used,
        template=f"{count} written (train)",
        judgements=calls,
        done=0,
        cached=0,
        calls=calls,
        prompt_tokens=count * used.prompt_tokens,
        completion_tokens=count * used.completion_tokens,
        cost_usd=None if used.cost_usd is None else count * used.cost_usd,
        highest_usd=None if used.highest_usd is None else count * used.highest_usd,
        seconds=count * used.seconds,
    )
    if not isinstance(plan.writer, Judge):
        return [written]
    judge, template = plan.writer, plan.baseline.template
    request = writing_request(JudgeClient(judge, cache), template, plan.edits[0], ())
    tokens, price, longest = prompt_tokens(judge, request.messages) * count, price_of(judge), longest_answer(judge)

    length = _WRITTEN if longest is None else min(_WRITTEN, longest)

    def of(answer: int | None) -> float | None:
        took = {"prompt_tokens": tokens, "completion_tokens": (answer or 0) * count, "reasoning_tokens": 0}
        return None if price is None or answer is None else cost(price, took)

    writing = Forecast(
        benchmark=used.benchmark,
        judge=judge.name,
        template="writes candidates",
        protocol="",
        judgements=count,
        done=0,
        cached=0,
        calls=count,
        prompt_tokens=tokens,
        completion_tokens=length * count,
        replies=0,
        assumed=length,
        cost_usd=of(length),
        highest_usd=of(longest),
    )
    return [writing, written]
