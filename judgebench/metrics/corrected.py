"""Shares and means as people would give them: a judge's figures, corrected by the labels of some items.

All values are from 0 to 1 here. Sources: Rogan and Gladen 1978 (doi:10.1093/oxfordjournals.aje.a112510) with the
interval of Lang and Reiczigel 2014 (doi:10.1016/j.prevetmed.2013.09.015); PPI, Angelopoulos and others 2023 (arXiv
2301.09633), and PPI++ with its power tuning (arXiv 2311.01453).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from judgebench.metrics.inclusion import left_out
from judgebench.metrics.isotonic import isotonic
from judgebench.metrics.resampling import codes

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Flags = npt.NDArray[np.bool_]

Method = Literal["labels", "judge", "rogan_gladen", "ppi", "ppi_plus", "calibrated"]
METHODS: tuple[Method, ...] = Method.__args__  # type: ignore[attr-defined]

LEAST_LABELS = 10
"""With fewer labelled items (or groups of them) nothing is corrected."""

ENOUGH_LABELS = 20
"""So many are recommended before anything is corrected."""

_LEFT_OUT = "cannot say: by their probabilities the labelled items do not stand for all; label some of every kind"
_FEW = 5.0
_CLEARLY = 0.1
"""Rogan and Gladen's denominator has to be above this; nearer to 0 the interval holds too seldom."""

_FOLDS = 10
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Corrected:
    """One method's figure.

    Attributes:
        value: From 0 to 1; None where there is none.
        low: The interval's lower end; None where the method claims nothing.
        high: Its upper end.
        note: What a reader must know; empty: nothing.
        worth: So many labels alone would have the same variance; None where it is not known.
        sound: Whether there are labels enough to rely on it.
    """

    method: Method
    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""
    worth: float | None = None
    sound: bool = False


class LabelledSample:
    """What a judge said of items, and what people said of some of them.

    Args:
        judged: The judge's figure for each item, from 0 to 1, shape (items,); the same stand-in for every failure.
        labels: People's, likewise; NaN where there is none.
        probabilities: How likely each labelled item was to be labelled, above 0; None: all alike.
        clusters: What each item belongs to; None: itself.
        means: Whether the values are grades, and not shares of zeros and ones (with some halves).

    Raises:
        ValueError: Shapes do not fit, no label, or a probability that is not above 0 and up to 1.

    Example:
        >>> data = LabelledSample([1, 0, 1, 0, 1, 1], [1, 0, float("nan"), 0, 0, float("nan")])
        >>> data.n, round(data.difference(1.0)[0], 2)
        (4, 0.75)
    """

    def __init__(
        self,
        judged: npt.ArrayLike,
        labels: npt.ArrayLike,
        probabilities: npt.ArrayLike | None = None,
        clusters: npt.ArrayLike | None = None,
        *,
        means: bool = False,
    ) -> None:
        self.judged, self.given = np.asarray(judged, dtype=np.float64), np.asarray(labels, dtype=np.float64)
        if self.judged.shape != self.given.shape or self.judged.ndim != 1:
            raise ValueError(f"{self.judged.shape} judged, {self.given.shape} labels: expected as many")
        self.has: Flags = ~np.isnan(self.given)
        self.n, self.means = int(self.has.sum()), means
        if not self.n:
            raise ValueError("no label")
        self.cluster, self.clusters = codes(clusters, len(self.judged))
        drawn = np.ones(self.n) if probabilities is None else np.asarray(probabilities, dtype=np.float64)[self.has]
        if not bool(((drawn > 0) & (drawn <= 1)).all()):
            raise ValueError("a probability to be labelled is not above 0 and up to 1")
        stated = [] if probabilities is None else drawn.tolist()
        self.left_out = left_out(stated, len(self.judged), errors=3.0) > 0
        """Whether stated probabilities account for far fewer items than there are, beyond chance."""
        self.share: Floats = (1 / drawn) / (1 / drawn).sum()
        self.y, self.f, self.own = self.given[self.has], self.judged[self.has], self.cluster[self.has]
        self.equal = float(drawn.max() - drawn.min()) < _SAME
        self.single = self.clusters == len(self.judged)
        self.rest: Flags = ~self.has if self.equal and not self.has.all() else np.ones(len(self.has), dtype=bool)
        """The items whose mean verdict is corrected: those without a label; all where labels were drawn unequally."""

    @property
    def plain(self) -> bool:
        """Whether each item is by itself and was as likely to be labelled as any other."""
        return self.equal and self.single

    @cached_property
    def independent(self) -> float:
        """How many independent labels these are worth: clusters, by their weights (Kish 1965)."""
        sums = np.bincount(self.own, weights=self.share)
        return float(1 / (sums @ sums))

    @property
    def unseen(self) -> float:
        """What unequal draws add to a variance: half an error of the judge at the label that counts most."""
        return 0.0 if self.equal else 0.5 * float(self.share.max()) ** 2

    def quantile(self, confidence: float, telling: float = math.inf) -> float:
        """Of the normal distribution for plain draws of shares; else Student's, by the number of independent labels.

        Args:
            confidence: Of the interval.
            telling: How many labels the error is known from.
        """
        from scipy.special import ndtri, stdtrit

        if self.plain and not self.means and self.n >= ENOUGH_LABELS:
            return float(ndtri(0.5 + confidence / 2))
        freedom = self.independent - 1 if self.plain else min(self.independent - 1, 2 * telling)
        return float(stdtrit(max(freedom, 1.0), 0.5 + confidence / 2))

    def parts(self, values: Floats, over: Flags) -> Floats:
        """What each cluster adds to the error of a mean, scaled so that the sum of squares is the variance (CR2).

        Args:
            values: One an item of those that are counted.
            over: Which items these are: the labelled ones, by their weights, or those of `rest`.
        """
        shares = self.share if over is self.has else np.full(len(values), 1 / len(values))
        own = self.cluster[over]
        sums = np.bincount(own, weights=shares * (values - float(shares @ values)), minlength=self.clusters)
        sizes = np.bincount(own, weights=shares, minlength=self.clusters)
        left = np.maximum(1 - sizes, _SAME)
        scaled: Floats = sums / (np.sqrt(left) if self.plain else left)
        return scaled

    def difference(self, power: float, figures: Floats | None = None) -> tuple[float, Floats, Floats]:
        """PPI's mean: the judge's over `rest`, and what people say more over the labelled items.

        Args:
            power: How much the judge counts, 1 in PPI.
            figures: The judge's figure for each item; None: as given.

        Returns:
            The mean, and what each cluster adds to its error by its labels, and by its verdicts.
        """
        g = self.judged if figures is None else figures
        over, more = g[self.rest], self.y - power * g[self.has]
        value = power * float(over.mean()) + float(self.share @ more)
        return value, self.parts(more, self.has), power * self.parts(over, self.rest)

    def tuned(self) -> float:
        """PPI++'s power: that of the smallest variance, held to 0 to 1."""
        if self.plain and not self.has.all():
            spread = float(np.var(np.concatenate([self.f, self.judged[self.rest]]), ddof=1))
            together = float(np.mean((self.y - self.y.mean()) * (self.f - self.f.mean())))
            power = together / ((1 + self.n / (len(self.judged) - self.n)) * spread) if spread > 0 else 0.0
        else:
            told = self.parts(self.f, self.has) - self.parts(self.judged[self.rest], self.rest)
            bulk = float(told @ told)
            power = float(self.parts(self.y, self.has) @ told) / bulk if bulk > _SAME**2 else 0.0
        return min(max(power, 0.0), 1.0)


def corrected(data: LabelledSample, confidence: float = 0.95) -> dict[Method, Corrected]:
    """Every method's figure for the mean of people's labels over all items.

    Args:
        data: What the judge and people said.
        confidence: Of the intervals.

    Example:
        >>> nan = float("nan")
        >>> data = LabelledSample([1, 0] * 50, ([1, 0] * 9 + [0, 1]) + [nan] * 80)
        >>> round(corrected(data)["ppi"].value, 3)
        0.5
    """
    alone = labels_alone(data, confidence)
    found: dict[Method, Corrected] = {"labels": alone}
    found["judge"] = Corrected("judge", float(data.judged.mean()), note="biased by the judge's errors: no interval")
    if data.independent < LEAST_LABELS - _SAME:
        return found | _nothing(alone, _too_few(data))
    if data.left_out:
        return found | _nothing(replace(alone, low=None, high=None), _LEFT_OUT)
    found["rogan_gladen"] = rogan_gladen(data, confidence)
    found["ppi"] = _powered("ppi", data, 1.0, confidence)
    found["ppi_plus"] = _powered("ppi_plus", data, data.tuned(), confidence)
    found["calibrated"] = _calibrated(data, confidence)
    return found


def _nothing(alone: Corrected, note: str) -> dict[Method, Corrected]:
    """No method's figure but the labels' own, and why."""
    found: dict[Method, Corrected] = {name: Corrected(name, None, note=note) for name in METHODS[2:]}
    found["labels"] = replace(alone, note=note, sound=False)
    return found


def recommended(found: dict[Method, Corrected]) -> Method | None:
    """PPI++ where it is sound, else the labels alone, else nothing: by the number of labels, whatever the widths."""
    order: tuple[Method, ...] = ("ppi_plus", "labels")
    return next((name for name in order if found[name].sound), None)


def labels_needed(data: LabelledSample) -> int | None:
    """How many labels in all are enough for a correction, at the design of these; None where they are enough."""
    if data.independent >= LEAST_LABELS - _SAME:
        return None
    return math.ceil(ENOUGH_LABELS * data.n / data.independent - _SAME)


def _too_few(data: LabelledSample) -> str:
    few = f"{data.n} labels"
    if data.independent < data.n - 0.5:
        few += f", worth {data.independent:.0f} independent ones"
    return f"cannot say: {few}; {labels_needed(data)} labels would be enough"


def labels_alone(data: LabelledSample, confidence: float) -> Corrected:
    """The labels' own mean, with Clopper and Pearson's interval at the number of items that its variance stands for.

    That number is Korn and Graubard's (1998), at most what a share of independent labels would have.
    """
    value = float(data.share @ data.y)
    parts = data.parts(data.y, data.has)
    low, high = _exact(value, _held(value, float(parts @ parts), data, confidence), confidence)
    return Corrected("labels", value, low, high, worth=float(data.n), sound=True)


def _held(value: float, variance: float, data: LabelledSample, confidence: float) -> float:
    """The number of independent zeros and ones that a variance stands for, with Student's correction for few clusters.

    As if by two labels more of a share's own spread, so that a few labels that are alike by chance do not look sure.
    """
    from scipy.special import ndtri, stdtrit

    n = data.independent
    if data.plain and not data.means:
        return n
    spread = value * (1 - value)
    effect = variance * n / spread if spread > _SAME else 1.0
    if data.single and not data.means:
        effect = max(effect, 1.0)
    effect = (effect * (n - 1) + 2) / (n + 1)
    return n / effect * float(ndtri(0.5 + confidence / 2) / stdtrit(max(n - 1, 1.0), 0.5 + confidence / 2)) ** 2


def _exact(value: float, n: float, confidence: float) -> tuple[float, float]:
    """Clopper and Pearson's interval of a share of `n`, which need not be whole."""
    from scipy.special import betaincinv

    tail, successes = (1 - confidence) / 2, value * n
    low = 0.0 if successes < _SAME else float(betaincinv(successes, n - successes + 1, tail))
    high = 1.0 if n - successes < _SAME else float(betaincinv(successes + 1, n - successes, 1 - tail))
    return min(low, value), max(high, value)


def _powered(method: Method, data: LabelledSample, power: float, confidence: float) -> Corrected:
    value, labels, verdicts = data.difference(power)
    mean = float(data.share @ (data.y - power * data.f))
    return _interval(method, data, (value, -power - mean, 1 - mean), labels, verdicts, confidence)


def _interval(
    method: Method,
    data: LabelledSample,
    figure: tuple[float, float, float],
    labels: Floats,
    verdicts: Floats,
    confidence: float,
) -> Corrected:
    """The interval on the logit scale; where hardly any label tells a difference, one widened as if by two that do.

    `figure` is the value, and how far below and above the labels' mean difference from the judge one of them can be.
    """
    value, lowest, highest = figure
    error = math.sqrt(float((labels + verdicts) @ (labels + verdicts)) + data.unseen)
    own = data.parts(data.y, data.has)
    worth = data.n * float(own @ own) / error**2 if error > _SAME else None
    squares = labels**2
    telling = float(squares.sum() ** 2 / (squares @ squares)) if float(squares.sum()) > _SAME**2 else 0.0
    z, spread = data.quantile(confidence, telling), value * (1 - value)
    low = high = min(max(value, 0.0), 1.0)
    if spread > _SAME and error > 0:
        centre, half = math.log(value / (1 - value)), z * error / spread
        low, high = ((1 + math.tanh(at / 2)) / 2 for at in (centre - half, centre + half))
    if worth is not None and worth < data.n / 2:
        # The error is the judge's, which is not skewed as that of a share near 0 or 1 is.
        low, high = max(min(low, value - z * error), 0.0), min(max(high, value + z * error), 1.0)
        cubes = float((labels**3).sum())
        if cubes <= _SAME**3:  # most errors that labels show are of the kind that lowers the figure: more may be unseen
            low = max(min(low, value + _two_more(lowest, data.independent, error, float(squares.sum()), z)), 0.0)
        if cubes >= -(_SAME**3):
            high = min(max(high, value + _two_more(highest, data.independent, error, float(squares.sum()), z)), 1.0)
    note = ""
    if telling < _FEW or not 0 < value < 1:
        n = data.independent
        wide = z * math.sqrt((error * n / (n + 2)) ** 2 + 2 / (n + 2) ** 2)
        middle = (min(max(value, 0.0), 1.0) * n + 1) / (n + 2)
        low, high = max(min(low, middle - wide), 0.0), min(max(high, middle + wide), 1.0)
        note = "interval widened as if by two labels more: so few labels tell of the judge's errors"
    if not 0 <= value <= 1:
        note = f"the formula gives {value:.3f}, beyond what is possible"
    kept = min(max(value, 0.0), 1.0)
    return Corrected(
        method, kept, min(low, kept), max(high, kept), note, worth, data.independent >= ENOUGH_LABELS - _SAME
    )


def _two_more(away: float, n: float, error: float, squares: float, z: float) -> float:
    """How far an interval reaches with two labels more, which are `away` from the mean of `n` others.

    Args:
        away: As signed.
        n: How many independent labels there are.
        error: The standard error without it.
        squares: What of its square comes from labels.
        z: The quantile.
    """
    more = n / (n + 2) * (squares * n + 2 * away**2 / (n + 2)) / (n + 2)
    return 2 * away / (n + 2) + math.copysign(z * math.sqrt(error**2 - squares + more), away)


def _calibrated(data: LabelledSample, confidence: float) -> Corrected:
    """The mean of what labels say where the judge says as it does, by isotonic regression of labels on its figures.

    The interval is of PPI with the regression for a judge, fitted without the items whose errors it is told by
    (cross-fitting), so that it allows for what the regression does not know.
    """
    whole = isotonic(data.f, data.y, data.share)
    everything = whole(data.judged)
    value = float(everything.mean())
    fold = np.unique(data.own, return_inverse=True)[1] % _FOLDS
    unseen = np.zeros(data.n)
    for each in range(_FOLDS):
        out = fold == each
        if out.any():
            unseen[out] = isotonic(data.f[~out], data.y[~out], data.share[~out])(data.f[out])
    verdicts = data.parts(everything, np.ones(len(everything), dtype=bool))
    labels = data.parts(data.y - unseen, data.has)
    mean = float(data.share @ (data.y - unseen))
    return _interval("calibrated", data, (value, -1 - mean, 1 - mean), labels, verdicts, confidence)


def rogan_gladen(data: LabelledSample, confidence: float) -> Corrected:
    """Rogan and Gladen's share with the adjusted interval of Lang and Reiczigel, where the judge is not near useless.

    A label between 0 and 1 (a tie, people who disagree) counts for either class with its part.
    """
    from scipy.special import stdtrit

    if data.means:
        return Corrected("rogan_gladen", None, note="cannot say: of shares only, not of grades")
    positive, negative = data.share * data.y, data.share * (1 - data.y)
    if min(float(positive.sum()), float(negative.sum())) < _SAME:
        kind = "positive" if float(positive.sum()) < _SAME else "negative"
        return Corrected("rogan_gladen", None, 0.0, 1.0, f"cannot say: no label is {kind}")
    found, sizes = [], []
    most = float(np.bincount(data.own, weights=data.share).max())
    for weights, right in ((positive, data.f), (negative, 1 - data.f)):
        found.append(float(weights @ right / weights.sum()))
        sums = np.bincount(data.own, weights=weights)
        # Of unequal draws an error that no label shows may be of an item that counts most.
        sizes.append(float(sums.sum() ** 2 / (sums @ sums) if data.equal else sums.sum() / most))
    (tpr, tnr), (of_tpr, of_tnr) = found, sizes
    seen = float(data.judged[data.rest].mean())
    informed = tpr + tnr - 1
    value = min(max((seen + tnr - 1) / informed, 0.0), 1.0) if abs(informed) > _SAME else None
    freedom = min(of_tpr, of_tnr, *([] if data.plain else [data.independent])) - 1
    z = float(stdtrit(max(freedom, 1.0), 0.5 + confidence / 2))
    at_least = informed - math.hypot(tpr - _exact(tpr, of_tpr, confidence)[0], tnr - _exact(tnr, of_tnr, confidence)[0])
    if at_least <= _CLEARLY or min(of_tpr, of_tnr) < _FEW:
        note = (
            f"cannot say: TPR + TNR - 1 is {informed:.3f} (from {of_tpr:.0f} positive and {of_tnr:.0f} negative "
            "labels), " + ("not clearly above 0" if at_least <= _CLEARLY else f"and {_FEW:.0f} of each are needed")
        )
        return Corrected("rogan_gladen", value, 0.0, 1.0, note)
    amounts = np.bincount(data.cluster[data.rest])
    amount = float(amounts.sum() ** 2 / (amounts @ amounts))
    centre, error = lang_reiczigel((seen, amount), (tpr, of_tpr), (tnr, of_tnr), z)
    low, high = (min(max(end, 0.0), 1.0) for end in (centre - z * error, centre + z * error))
    own = data.parts(data.y, data.has)
    worth = data.n * float(own @ own) / error**2
    if value is not None:
        low, high = min(low, value), max(high, value)
    return Corrected("rogan_gladen", value, low, high, "", worth, sound=True)


def lang_reiczigel(
    seen: tuple[float, float], tpr: tuple[float, float], tnr: tuple[float, float], z: float
) -> tuple[float, float]:
    """The middle and the standard error of Lang and Reiczigel's adjusted interval.

    Args:
        seen: The judge's share of positive verdicts, and of how many items.
        tpr: Its share of positive verdicts where people say positive, and of how many labels.
        tnr: Its share of negative verdicts where people say negative, likewise.
        z: The normal quantile.
    """
    p, se, sp = ((share * n + add) / (n + 2 * add) for (share, n), add in ((seen, z * z / 2), (tpr, 1), (tnr, 1)))
    of_p, of_se, of_sp = seen[1] + z * z, tpr[1] + 2, tnr[1] + 2
    informed = se + sp - 1
    share = (p + sp - 1) / informed
    spread_se, spread_sp = se * (1 - se) / of_se, sp * (1 - sp) / of_sp
    error = math.sqrt(p * (1 - p) / of_p + share**2 * spread_se + (1 - share) ** 2 * spread_sp) / abs(informed)
    return share + 2 * z * z * (share * spread_se - (1 - share) * spread_sp), error
