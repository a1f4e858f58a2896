"""How many items, samples and labels are needed, from pilot runs or from a guess: no call is made."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import TYPE_CHECKING

from judgebench.analysis.pilot import pilot_of
from judgebench.analysis.powerplan import Assumptions, DifferenceNeed, LabelNeed, PowerPlan
from judgebench.errors import ConfigError
from judgebench.metrics.planning import (
    ReplyNoise,
    corrected_level,
    detected_difference,
    items_for_difference,
    label_correlation,
    labels_for_width,
    noise_of_guess,
)
from judgebench.runs import Run, list_runs, open_run, up_to_date

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from judgebench.analysis.pilot import Pilot

SAMPLES = (1, 3, 5)
USUAL_ACCURACY, USUAL_DISCORDANCE, USUAL_RATE = 0.8, 0.2, 0.5
UNLABELLED = 10_000
_DIFFERENCES, _WIDTHS = (1.0, 2.0, 3.0, 5.0, 10.0), (5.0, 10.0, 20.0)
_OF_PILOT, _GIVEN, _ASSUMED = "from the pilot", "given", "assumed"
_FLAGS = {"retest": "--retest", "consistency": "--consistency"}


def plan(
    runs: Run | str | Path | Sequence[Run | str | Path] = (),
    *,
    difference: float | None = None,
    width: float | None = None,
    items: int | None = None,
    compared: int | None = None,
    unlabelled: int = UNLABELLED,
    assume: Assumptions | None = None,
) -> PowerPlan:
    """How many items show a difference, how many labels an interval needs, and what orders and samples buy.

    >>> import judgebench as jb
    >>> found = jb.plan(difference=5, assume=jb.Assumptions(discordance=0.2))
    >>> found.differences[0].items
    626

    Without a difference, a width or a number of items, several of each are planned.

    Args:
        runs: Pilot runs over the same labelled items, or their folders; none: from a guess.
        difference: To be shown between two runs, in points (hundredths of a correlation).
        width: Of the 95% interval of a rate (pass rate, win rate) from labels, in points.
        items: How many there are: the difference that they detect is planned.
        compared: How many runs are compared, each with each; None: the pilot's, or two.
        unlabelled: Items that the judge judges beside the labelled ones.
        assume: What is taken to be so instead of what the pilot says, or without one.

    Raises:
        ConfigError: A number is beyond what can be, a pilot run has no verdicts, labels or too few items, or what is
            assumed cannot be so together.
    """
    given = assume or Assumptions()
    _check(difference, width, items, compared, unlabelled)
    _check_assumed(given)
    opened = [up_to_date(run if isinstance(run, Run) else open_run(run)) for run in list_runs(runs)]
    paths = [each.path.resolve() for each in opened]
    for each in opened:
        if paths.count(each.path.resolve()) > 1:
            raise ConfigError(f"{each.path}: named twice; name different runs")
        each.need_judgements()
    pilot = pilot_of(opened) if opened else None
    count = compared or max(len(opened), 2)
    if pilot is not None and pilot.measure != "share" and pilot.pair is None:
        raise ConfigError(
            f"{pilot.paths[0]}: cannot say from one run of a correlation; name two runs of the same items"
        )
    if width is not None and pilot is not None and pilot.measure != "share" and given.accuracy is None:
        raise ConfigError(
            f"{pilot.paths[0]}: its score is a correlation, which says nothing on a rate; give --accuracy and --rate"
        )
    nothing = difference is None and width is None and items is None
    planning = _Planning(pilot, given, count, unlabelled)
    wanted = [difference] if difference is not None else list(_DIFFERENCES) if nothing else []
    widths = [width] if width is not None else list(_WIDTHS) if nothing and planning.measure == "share" else []
    needs = list(planning.detected(items)) if items is not None else []
    needs += [need for each in wanted for need in planning.needed(each, skip=nothing)]
    return PowerPlan(
        pilot=() if pilot is None else pilot.paths,
        pilot_items=0 if pilot is None else pilot.items,
        runs=count,
        alpha=planning.alpha,
        assumed=tuple(planning.assumed(differences=bool(needs), labels=bool(widths))),
        differences=tuple(needs),
        labels=tuple(planning.label_need(each) for each in widths),
        asked_items=items,
        cannot=tuple(planning.cannot()) if needs else (),
        measure=planning.measure,
    )


def _check(
    difference: float | None, width: float | None, items: int | None, compared: int | None, unlabelled: int
) -> None:
    for name, value in (("difference", difference), ("width", width)):
        if value is not None and not 0 < value < 100:
            raise ConfigError(f"{name} is {value!r}: must be above 0 and below 100, in points")
    if difference is not None and items is not None:
        raise ConfigError("give either the difference or the number of items: each is planned from the other")
    if items is not None and items < 2:
        raise ConfigError(f"items is {items!r}: must be at least 2")
    if compared is not None and compared < 2:
        raise ConfigError(f"runs is {compared!r}: a comparison needs at least 2")
    if unlabelled < 0:
        raise ConfigError(f"unlabelled is {unlabelled!r}: must be at least 0")


def _check_assumed(given: Assumptions) -> None:
    for each in fields(given):
        value = getattr(given, each.name)
        if value is None:
            continue
        if each.name == "design_effect":
            if not 1 <= value < math.inf:
                raise ConfigError(f"design_effect is {value!r}: must be at least 1")
        elif not 0 <= value <= 1:
            raise ConfigError(f"{each.name} is {value!r}: must be in [0, 1]")
    if given.retest is not None and given.consistency is not None and given.consistency > given.retest:
        raise ConfigError(
            f"consistency is {given.consistency:g} and retest {given.retest:g}: two orders cannot agree more often "
            "than two samples of one order; lower the consistency"
        )


class _Planning:
    """What is known, and what follows from it."""

    def __init__(self, pilot: Pilot | None, given: Assumptions, runs: int, unlabelled: int) -> None:
        self.pilot, self.given, self.runs, self.unlabelled = pilot, given, runs, unlabelled
        self.alpha = corrected_level(runs)
        self.measure = "share" if pilot is None else pilot.measure
        accuracy = given.accuracy if given.accuracy is not None else None if pilot is None else pilot.accuracy
        self.accuracy = USUAL_ACCURACY if accuracy is None else accuracy
        self.noise = self._noise()
        self.design_effect = given.design_effect or (1.0 if pilot is None else max(pilot.design_effect, 1.0))
        self.pair = None if pilot is None or given.discordance is not None else pilot.pair
        # Two runs differ at least where samples and orders of one do.
        usual = max(min(USUAL_DISCORDANCE, 2 * self.accuracy * (1 - self.accuracy)), 2.5 * self._of_one_reply())
        self.discordance = min(usual, 1.0) if given.discordance is None else given.discordance
        self.weighted = self._weighted()

    def _noise(self) -> ReplyNoise:
        if self.measure != "share":
            return ReplyNoise()
        guess = noise_of_guess(self.given.retest, self.given.consistency)
        own = ReplyNoise() if self.pilot is None else self.pilot.noise
        return ReplyNoise(
            own.sample if guess.sample is None else guess.sample, own.order if guess.order is None else guess.order
        )

    def _of_one_reply(self) -> float:
        """The known part of the variance of one reply to an item."""
        sample = self.noise.sample or 0.0
        return sample if self.noise.order is None else max((self.noise.order + sample) / 2, sample)

    def _weighted(self) -> float:
        """By how many times groups and weights add to the variance of a difference."""
        if self.given.design_effect is not None or self.pair is None:
            return self.design_effect
        return self.pair.variance / max(self.pair.square - self.pair.difference**2, 1e-9)

    @property
    def designs(self) -> list[tuple[int, int]]:
        """The orders and samples that can be planned: one reply first."""
        if self.noise.saved(*self._own) is None:
            return [self._own]
        orders = [1, *([max(self._own[0], 2)] if self.noise.order is not None else [])]
        every = {(b, k) for b in orders for k in SAMPLES if self.noise.saved(b, k) is not None}
        return sorted({*every, *([] if self.pilot is None else [self._own])})

    def needed(self, points: float, *, skip: bool) -> Iterator[DifferenceNeed]:
        """The items for a difference, for each design.

        Args:
            points: The difference.
            skip: Whether one that cannot be is passed over; else it is refused.
        """
        size = points / 100
        if self.pair is None and self.given.discordance is None:
            self.discordance = max(self.discordance, size)
        furthest = min(max(self.accuracy, 1 - self.accuracy), 1.0) if self.measure == "share" else 2.0
        square = self.discordance if self.pair is None else self.pair.high or 1.0
        if size > furthest or (size > square and self.measure == "share"):
            if skip:
                return
            raise ConfigError(self._impossible(points, furthest, square))
        for orders, samples in self.designs:
            count = self._items(size, orders, samples, 1.0)
            ends: tuple[int | None, int | None] = (None, None)
            if self.pair is not None and self.pair.low is not None and (orders, samples) == self._own:
                low, high = (end / self.pair.square for end in (self.pair.low, self.pair.high or 1.0))
                ends = self._items(size, orders, samples, low), self._items(size, orders, samples, high)
            yield self._need(points, orders, samples, count, ends)

    def _impossible(self, points: float, furthest: float, square: float) -> str:
        if points / 100 > furthest:
            return (
                f"a difference of {points:g} points is not possible: from an accuracy of {100 * self.accuracy:.1f}% no "
                f"run is more than {100 * furthest:.1f} points away"
            )
        return (
            f"a difference of {points:g} points is not possible if two runs differ on {100 * square:.1f}% of items: "
            f"give --discordance {points / 100:g} or more"
        )

    def _items(self, size: float, orders: int, samples: int, scale: float) -> int:
        """Items for a difference, where two runs differ so many times as often as the pilot says."""
        square, variance, binary = self._spread(orders, samples, scale)
        if binary:
            return items_for_difference(size, discordant=max(square, size), alpha=self.alpha)
        step = 1 / (orders * samples)
        return items_for_difference(size, square=max(variance, size**2), step=step, alpha=self.alpha)

    def _spread(self, orders: int, samples: int, scale: float = 1.0) -> tuple[float, float, bool]:
        """The share of discordant items, the mean square of a difference with groups and weights, and which holds."""
        saved = 2 * (self.noise.saved(orders, samples) or 0.0)
        # Two runs differ at least by the noise that is left, also where a pilot's few items say less.
        noise = 2 * self.noise.left(orders, samples, max(b for b, _ in self.designs))
        if self.pilot is not None and self.pair is not None and not self.pair.square:
            most = f"at most {100 * (self.pair.high or 1.0):.1f}% of items differ, 95%"
            raise ConfigError(
                f"{self.pilot.paths[0]}: cannot say from {self.pilot.items} items on which the runs never differ "
                f"({most}); judge more items, or give --discordance"
            )
        if self.pair is None or self.pilot is None:
            least = max(self.discordance - saved, noise)
            if saved > self.discordance:
                raise ConfigError(
                    f"a retest agreement or consistency so low alone makes two runs differ on more than "
                    f"{100 * self.discordance:.1f}% of items: give a higher --discordance"
                )
            alone = (orders, samples) == (1, 1) and self.design_effect == 1
            return self.discordance, least * self.design_effect, alone
        added = 2 * (self.noise.saved(*self._own) or 0.0)
        square = self.pair.square * scale
        # Noise is independent within a group: only what weights and groups add is not multiplied away.
        variance = max(square * self.weighted + (added - saved) * max(self.weighted, 1.0), noise)
        return square, variance, self.pair.binary and (orders, samples) == self._own == (1, 1)

    @property
    def _own(self) -> tuple[int, int]:
        """The orders and samples of the pilot."""
        return (1, 1) if self.pilot is None else (self.pilot.orders, self.pilot.samples)

    def detected(self, items: int) -> Iterator[DifferenceNeed]:
        """The difference that so many items detect, for each design."""
        least = items_for_difference(1.0, discordant=1.0, alpha=self.alpha)
        if self.measure == "share" and items < least:
            raise ConfigError(
                f"{items} items detect no difference with a chance of 80%, not even one of 100 points: at least {least}"
            )
        for orders, samples in self.designs:
            square, variance, binary = self._spread(orders, samples)
            size = detected_difference(items, square if binary else variance, binary=binary, alpha=self.alpha)
            if self.pair is None and size > self.discordance:
                if self.given.discordance is not None:
                    raise ConfigError(self._too_few(items, size))
                self.discordance = size
            yield self._need(100 * size, orders, samples, items, (None, None))

    def _too_few(self, items: int, size: float) -> str:
        """Items that only show a difference larger than the share on which two runs differ."""
        share = self.discordance
        enough = f"; at least {self._items(share, 1, 1, 1.0):,} items are needed" if share else ""
        return (
            f"{items} items detect differences of {100 * size:.1f} points or more, and two runs that differ on "
            f"{100 * share:.1f}% of items are not so far apart{enough}"
        )

    def _need(
        self, points: float, orders: int, samples: int, items: int, ends: tuple[int | None, int | None]
    ) -> DifferenceNeed:
        replies = math.ceil(items * orders * samples * self.runs * (1.0 if self.pilot is None else self.pilot.replies))
        price = None if self.pilot is None else self.pilot.cost_per_reply
        return DifferenceNeed(
            points, orders, samples, items, *ends, replies, None if price is None else price * replies
        )

    @property
    def rate(self) -> float:
        """Of the labels' positive class."""
        if self.given.rate is not None:
            return self.given.rate
        return USUAL_RATE if self.pilot is None or self.pilot.rate is None else self.pilot.rate

    @property
    def correlation(self) -> float:
        """Of the judge's verdict with the label."""
        known = None if self.pilot is None or self.given.accuracy is not None else self.pilot.correlation
        return label_correlation(self.accuracy, self.rate) if known is None else known

    def label_need(self, points: float) -> LabelNeed:
        """The labels for an interval so wide."""
        alone = labels_for_width(points / 100, self.rate)
        helped = labels_for_width(points / 100, self.rate, correlation=self.correlation, judged=self.unlabelled)
        price = None if self.pilot is None else self.pilot.cost_per_reply
        replies = 0.0
        if self.pilot is not None:
            replies = self.pilot.replies * self.pilot.orders * self.pilot.samples * (helped + self.unlabelled)
        return LabelNeed(points, alone, helped, self.unlabelled, None if price is None else price * replies)

    def assumed(self, *, differences: bool, labels: bool) -> Iterator[tuple[str, float, str]]:
        """What was taken to be so, and where it is from."""
        pilot, given = self.pilot, self.given
        if differences:
            if self.pair is not None:
                binary = self.pair.binary
                if self.pair.low is not None:
                    yield "discordance" if binary else "mean squared difference", self.pair.square, _OF_PILOT
            else:
                yield "discordance", self.discordance, _ASSUMED if given.discordance is None else _GIVEN
            measured = pilot is not None and given.design_effect is None and pilot.measure == "share"
            if self.design_effect > 1 or measured:
                yield "design effect", self.weighted, _OF_PILOT if measured else _GIVEN
            for name in ("retest", "consistency"):
                if (value := getattr(given, name)) is not None:
                    yield name, value, _GIVEN
        if labels:
            yield "accuracy", self.accuracy, _GIVEN if given.accuracy is not None else _OF_PILOT if pilot else _ASSUMED
            known = pilot is not None and pilot.rate is not None
            yield "rate", self.rate, _GIVEN if given.rate is not None else _OF_PILOT if known else _ASSUMED
            of_pilot = pilot is not None and pilot.correlation is not None and given.accuracy is None
            source = _OF_PILOT if of_pilot else "from accuracy and rate"
            yield "correlation of verdict and label", self.correlation, source

    def cannot(self) -> Iterator[str]:
        """What is not known of samples and orders, and what would tell."""
        if self.measure != "share":
            yield "cannot say what more samples or orders buy: the score is a correlation, no mean of credits"
            return
        if self.noise.sample is None:
            yield "cannot say what more samples buy: give --retest SHARE, or a pilot with --samples 3"
        if self.noise.order is None:
            yield "cannot say what both orders buy: give --consistency SHARE, or a pilot with --orders both"
