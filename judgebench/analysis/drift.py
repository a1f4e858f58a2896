"""Did a judge change: two runs of one judge, template and protocol over the same items on two dates."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import fields
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from judgebench._util.text import percent
from judgebench.analysis.drifted import DatedRun, Drift, FlippedItem, SystemChange
from judgebench.analysis.estimate import ItemFigures, question_of
from judgebench.analysis.labelled import verdicts_of
from judgebench.errors import ConfigError
from judgebench.items import ASKED_AGAIN, LABELS, TIE, Failure
from judgebench.metrics.drift import flip_test, mean_change, rest_of, score_change, shift_p
from judgebench.runs import Run, benchmark_title, open_run, protocol_of, run_templates, up_to_date

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from judgebench.items import Reading
    from judgebench.metrics.drift import Question, Shift
    from judgebench.runs import Finished, Judgement

    Place = tuple[str, tuple[int, ...]]
    Said = str | float

NO_VERDICT = "no verdict"
_GRADE_STEP = 0.1
"""Of the scale: the step that an interval of grades is widened by."""


def drift(
    first: Run | str | Path,
    second: Run | str | Path,
    *,
    retest: Run | str | Path | None = None,
    system: tuple[Run | str | Path, Run | str | Path] | None = None,
    model: str | None = None,
    seed: int = 0,
) -> Drift:
    """Whether a judge changed between two dates, and what that does to a system's score.

    >>> import judgebench as jb
    >>> may = jb.run("rewardbench", judge="offline/longest", data="sample", out="may")
    >>> june = jb.run("rewardbench", judge="offline/longest", data="sample", out="june", refresh=True)
    >>> jb.drift(may, june).decision
    'no_drift'

    Verdicts that differ between the dates are held against those that differ on one date (samples of a question in one
    run, or `retest`), by an exact permutation test; whether the score over the same answers moved is tested by turning
    signs. Both together give a false alarm in 5% of comparisons without a change at most.

    Args:
        first: The earlier run over the anchors, items whose answers are the same on both dates.
        second: The later run.
        retest: A run like the first one and of its date, which tells of the judge's own noise.
        system: A system's answers judged on the first date and on the second, by the same judge, template and
            protocol.
        model: Whose win rate is the score, where items compare models.
        seed: Of the permutations.

    Raises:
        ConfigError: The runs differ in judge, template, protocol or items.
    """
    one, other = _opened(first), _opened(second)
    if one.path.resolve() == other.path.resolve():
        raise ConfigError(f"{one.path}: named twice; name the run of another date")
    _check_same(one, other)
    _check_same_items(one, other)
    again = None
    if retest is not None:
        again = _opened(retest)
        if again.path.resolve() in {one.path.resolve(), other.path.resolve()}:
            raise ConfigError(f"{again.path}: named twice; --retest needs a third run")
        _check_same(one, again)
        _check_same_items(one, again)
    return drift_of(one, other, again, system=system, model=model, seed=seed)


def on_two_dates(one: Finished, other: Finished) -> bool:
    """Whether two runs are of one judge, template and protocol over the same items."""
    if any(each.is_scores or each.made_of or not each.judgements for each in (one, other)):
        return False
    try:
        _check_same(one, other)
        _check_same_items(one, other)
    except ConfigError:  # says why they are not, which is no mistake here
        return False
    return True


def drift_of(
    one: Finished,
    other: Finished,
    again: Finished | None = None,
    *,
    system: tuple[Run | str | Path, Run | str | Path] | None = None,
    model: str | None = None,
    seed: int = 0,
) -> Drift:
    """As `drift`, of runs that are read already and known to be alike."""
    replies = _Replies(one, other, again)
    test = flip_test(replies.questions, replies.scale, replies.units, seed)
    score = _Score.of(one, other, model)
    judge, p = None, None
    if score.both:
        differences = [score.second[item] - score.first[item] for item in score.both]
        units = [one.keys[item].unit for item in score.both]
        judge = mean_change(differences, units, score.step)
        p = shift_p(differences, units, seed)
    change = None
    if system is not None:
        if judge is None:
            raise ConfigError(f"{one.path} and {other.path}: no item has a score on both dates, so none can be split")
        change = _system((one, other), system, score, model, judge)
    return Drift(
        benchmark=one.benchmark.name,
        title=f"{benchmark_title([one.run, other.run])}: drift of {one.name.judge}",
        first=_dated(one),
        second=_dated(other),
        items=replies.items,
        judged=replies.judged,
        same_replies=replies.same,
        flips=test,
        score=score.what,
        graded=score.graded,
        scores=score.means,
        judge=judge,
        p=p,
        system=change,
        flipped=tuple(replies.flipped()),
        temperature=_temperature(one),
        retested=again is not None,
        notes=tuple(dict.fromkeys([*one.notes, *other.notes, *replies.notes(), *_of_retest(one, again)])),
    )


def _opened(run: Run | str | Path) -> Finished:
    finished = up_to_date(run if isinstance(run, Run) else open_run(run))
    if finished.is_scores or finished.made_of:
        what = "a score file's" if finished.is_scores else f"a {finished.made_of}"
        raise ConfigError(f"{finished.path}: {what} run has no replies of its own; drift needs a judge's run")
    finished.need_judgements()
    return finished


def _check_same(one: Finished, other: Finished) -> None:
    """Finds out whether two runs are of one judge, template and protocol."""
    manifests = one.run.manifest, other.run.manifest
    if manifests[0].benchmark != manifests[1].benchmark:
        raise ConfigError(f"{one.path} is of {manifests[0].benchmark} and {other.path} of {manifests[1].benchmark}")
    mine, theirs = (each.judge for each in manifests)
    for what in ("name", "model", "api_base", "params"):
        before, after = getattr(mine, what), getattr(theirs, what)
        if before != after:
            name = {"name": "judge", "params": "judge parameters"}.get(what, f"judge's {what}")
            raise ConfigError(
                f"another {name}: {one.path} has {before} and {other.path} {after}; drift needs one judge on two dates "
                "(for two judges: judgebench compare)"
            )
    mark = "hash" if manifests[0].origin is None else "mode"  # what was imported has no template but its kind
    if getattr(manifests[0].template, mark) != getattr(manifests[1].template, mark):
        names = " and ".join(f"{run.path} has {run.run.manifest.template.name}" for run in (one, other))
        raise ConfigError(f"another template or another version of it: {names}; drift needs one template")
    protocols = protocol_of(one), protocol_of(other)
    differing = [
        each.name
        for each in fields(protocols[0])
        if each.name != "samples" and getattr(protocols[0], each.name) != getattr(protocols[1], each.name)
    ]
    if differing:
        raise ConfigError(
            f"another protocol ({', '.join(differing)}): {one.path} has {one.name.protocol} and {other.path} "
            f"{other.name.protocol}; drift needs one protocol"
        )
    if (manifests[0].altered is None) != (manifests[1].altered is None):
        raise ConfigError(f"one of {one.path} and {other.path} is a control over altered items")


def _check_same_items(one: Finished, other: Finished) -> None:
    mine, theirs = one.contents.prints, other.contents.prints
    same = sum(mine[item] == theirs.get(item) for item in mine)
    if not same == len(mine) == len(theirs):
        raise ConfigError(
            f"other items: {one.path} has {len(mine):,} and {other.path} {len(theirs):,}, {same:,} of them the same; "
            "drift needs the same answers on both dates (a system's new answers: --system RUN RUN)"
        )


def _dated(run: Finished) -> DatedRun:
    served = Counter(str(each.served_model) for each in run.judgements.values() if each.served_model is not None)
    return DatedRun(run.path, run.run.manifest.started, tuple(served.most_common()))


def _temperature(run: Finished) -> float | None:
    value = run.run.manifest.judge.params.get("temperature")
    return float(value) if isinstance(value, int | float) else None


def _said(reading: Reading) -> Said:
    if reading.failed:
        return NO_VERDICT
    if reading.rating is not None:
        return reading.rating
    named = reading.named
    return TIE if named is None else LABELS[named] if isinstance(named, int) else named


class _Replies:
    """What the replies to each question say on two dates.

    Attributes:
        same: How many replies of the second date are those of the first, out of the cache.
        items: How many items have a reply on both dates.
        judged: How many of these have a verdict on a date at least.
        scale: Of ratings; None where verdicts are the same or not.
    """

    def __init__(self, one: Finished, other: Finished, again: Finished | None) -> None:
        self.same = 0
        before = self._of(one, None)
        if again is not None:
            for place, said in self._of(again, one).items():
                before[place] += said
        after = self._of(other, one, count=True)
        self._by_place = {place: (before[place], after[place]) for place in before if place in after}
        self.questions: list[Question] = [*self._by_place.values()]
        self.units = [one.keys[item].unit for item, _ in self._by_place]
        self.items = len({item for item, _ in self._by_place})
        verdicts = {item for (item, _), pair in self._by_place.items() if {*pair[0], *pair[1]} != {NO_VERDICT}}
        self.judged = len(verdicts)
        ratings = [each for pair in self.questions for said in pair for each in said if isinstance(each, float)]
        self.scale = _width(one, ratings) if ratings else None

    def _of(self, run: Finished, earlier: Finished | None, *, count: bool = False) -> dict[Place, list[Said]]:
        """By item and order what the replies say; those that the cache had from an earlier run count once, there."""
        found: defaultdict[Place, list[Said]] = defaultdict(list)
        known = {} if earlier is None else earlier.judgements
        for place, judgement in run.judgements.items():
            failure = judgement.failure
            if isinstance(failure, Failure) and failure.kind in ASKED_AGAIN:
                continue
            if judgement.cached and _is_copy(judgement, known.get(place)):
                self.same += count
                continue
            found[place[0], place[1]].append(_said(judgement.reading))
        return found

    def flipped(self) -> list[FlippedItem]:
        """The items whose most frequent verdict is another on the second date."""
        found: dict[str, FlippedItem] = {}
        for (item, _), pair in self._by_place.items():
            first, second = (Counter(said).most_common(1)[0][0] for said in pair)
            if first != second:
                found.setdefault(item, FlippedItem(item, first, second))
        return [*found.values()]

    def notes(self) -> list[str]:
        """What a reader must know."""
        found = []
        if self.same:
            found.append(f"{self.same:,} replies of the second run are those of the first, out of the cache: left out")
        dates = [[said for pair in self.questions for said in pair[date]] for date in (0, 1)]
        failed = [said.count(NO_VERDICT) / len(said) if said else 0.0 for said in dates]
        if any(failed):
            before, after = (percent(each) for each in failed)
            found.append(
                f"no verdict in {before} of replies on the first date and {after} on the second: a failure counts as a "
                "verdict of its own"
            )
        return found


def _of_retest(one: Finished, again: Finished | None) -> list[str]:
    if again is None:
        return []
    days = [(each.run.manifest.started or "")[:10] for each in (one, again)]
    if not all(days) or days[0] == days[1]:
        return []
    return [f"the retest is of {days[1]} and the first run of {days[0]}: a change between them counts as noise"]


def _is_copy(judgement: Judgement, earlier: Judgement | None) -> bool:
    known = earlier is not None and judgement.reply is not None and bool(judgement.key)  # not of imported verdicts
    return known and earlier is not None and earlier.reply == judgement.reply and earlier.key == judgement.key


def _width(run: Finished, ratings: Sequence[float]) -> float:
    """How far the ends of the scale are apart; of ratings without one how far they are."""
    scale = run_templates(run).wording.rule.scale if run.run.manifest.origin is None else None
    return (scale[1] - scale[0] if scale is not None else max(ratings) - min(ratings)) or 1.0


class _Score(NamedTuple):
    """A score of each item on two dates: a grade, or a number from 0 to 1.

    Attributes:
        what: The score in words.
        graded: Whether it is a mean grade.
        step: By how much one item may differ, for the width of intervals.
    """

    first: dict[str, float]
    second: dict[str, float]
    what: str
    graded: bool
    step: float

    @classmethod
    def of(cls, one: Finished, other: Finished, model: str | None) -> _Score:
        (first, what, graded), (second, _, _) = (_figures(each, model) for each in (one, other))
        step = _GRADE_STEP * _width(one, [*first.values(), *second.values(), 0.0]) if graded else 1.0
        return cls(first, second, what, graded, step)

    @property
    def both(self) -> list[str]:
        """The items with a score on both dates."""
        return [item for item in self.first if item in self.second]

    @property
    def means(self) -> tuple[float, float] | None:
        """Over the items with a score on both dates."""
        items = self.both
        if not items:
            return None
        return fmean(self.first[item] for item in items), fmean(self.second[item] for item in items)


def _figures(run: Finished, model: str | None) -> tuple[dict[str, float], str, bool]:
    """Of each item the score, what it is, and whether it is a grade."""
    try:
        found = verdicts_of(run)
        if found.kind == "grades" and model is None:
            grades = {item.key.id: item.verdict for item in found.items if item.verdict is not None}
            return {item: float(grade) for item, grade in grades.items()}, "mean grade", True
        question = question_of(found, model)
    except ConfigError:  # verdicts that are no choice, class or grade, or choices without two models: their credit
        if model is not None:
            raise
        answered = {item for item, among in run.readings.items() if any(not each.failed for each in among)}
        known = {item: each.credit for item, each in run.outcomes.items() if item in answered}
        return {item: credit for item, credit in known.items() if credit is not None}, "score", False
    items = [item for item in question.items if item.shares]
    judged = ItemFigures.of(items, question, drawn=False).judged
    values = {item.key.id: float(each) for item, each in zip(items, judged, strict=True) if not math.isnan(each)}
    return values, f"win rate of {question.of}" if question.target == "win_rate" else f"share of {question.of}", False


def _system(
    anchors: tuple[Finished, Finished],
    runs: tuple[Run | str | Path, Run | str | Path],
    score: _Score,
    model: str | None,
    judge: Shift,
) -> SystemChange:
    """A system's change of score, and what of it is the judge's."""
    opened = [_opened(each) for each in runs]
    if opened[0].path.resolve() == opened[1].path.resolve():
        raise ConfigError(f"{opened[0].path}: named twice; --system needs a run of each date")
    for each in opened:
        if each.path.resolve() in {anchor.path.resolve() for anchor in anchors}:
            raise ConfigError(
                f"{each.path}: named twice; --system needs runs over the system's answers of each date, not those over "
                "the same answers"
            )
    sides = []
    for each in opened:
        _check_same(anchors[0], each)
        values, what, _ = _figures(each, model)
        if what != score.what:
            raise ConfigError(f"{each.path} has a {what}, and the anchors a {score.what}: judge both alike")
        if not values:
            raise ConfigError(f"{each.path}: no item has a score")
        sides.append(values)
    units = [[run.keys[item].unit for item in values] for run, values in zip(opened, sides, strict=True)]
    first, second = ([*values.values()] for values in sides)
    total = score_change(first, second, (units[0], units[1]), shares=not score.graded)
    return SystemChange(
        first=opened[0].path,
        second=opened[1].path,
        started=(opened[0].run.manifest.started, opened[1].run.manifest.started),
        items=(len(first), len(second)),
        scores=(fmean(first), fmean(second)),
        total=total,
        judge=judge,
        system=rest_of(total, judge),
    )
