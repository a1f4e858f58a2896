"""The figures of a run whose judgements are in a Parquet file, by the same functions as those of a run's folder.

What an item's readings come to depends on what they say, not on whose they are: each different set of readings is
looked at once, by the benchmark's own rule, and counted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from judgebench.analysis.agreement import named_choice
from judgebench.errors import ConfigError
from judgebench.items import LABELS, TIE, Failure, Outcome, Reading, Verdict
from judgebench.metrics import bias
from judgebench.metrics.accuracy import official_scores, point_score, score_bounds
from judgebench.metrics.summary import Metrics, Usage, consistency_over_orders
from judgebench.metrics.tallies import OutcomeTally, is_mean
from judgebench.runs import low_coverage

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from judgebench.analysis.judgementcolumns import FileBoard, FileRun
    from judgebench.metrics.resampling import Ints

_MOST_KINDS = 200_000
_SPARSE, _FEW = 4, 1000


class _Seen(NamedTuple):
    """What one set of readings comes to.

    Attributes:
        kind: The number of the outcome.
        choice: What they name: a completion, a tie or a class, as a number; -1 for nothing.
        consistent: The share of orders that agree; None where it is not one of several orders.
    """

    kind: int
    choice: int
    consistent: float | None


class _Places(NamedTuple):
    """Rows for what depends on where a verdict fell: readings, what each belongs to, and how many there are like it."""

    said: Ints
    clusters: Ints
    times: Ints | None


@dataclass(frozen=True)
class RunFigures:
    """One run's figures, and what it got on each item.

    Attributes:
        items: The numbers of its items, ascending.
        kinds: The outcome of each, as a number in `Patterns.kinds`.
        choices: What its readings name of each; -1 for nothing.
        letters: The number of each order of an item that has a verdict, and the slot that it names.
    """

    run: FileRun
    metrics: Metrics
    tally: OutcomeTally
    items: Ints
    kinds: Ints
    choices: npt.NDArray[np.int8]
    letters: tuple[Ints, npt.NDArray[np.int8]]


@dataclass
class Patterns:
    """All sets of readings that were met in a board's runs, and what they come to.

    Args:
        board: The judgements.
        where: The file, for messages.

    Raises:
        ConfigError: The benchmark's rule cannot be told from what the file has.
    """

    board: FileBoard
    where: str
    kinds: list[Outcome] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._check()
        said = self.board.said
        self._numbers: dict[tuple[object, ...], int] = {}
        self._seen: dict[tuple[object, ...], _Seen] = {}
        self._letters: dict[tuple[int, ...], int] = {}
        orders = {order: at for at, order in enumerate(dict.fromkeys(each.order for each in said))}
        keys = {key: at for at, key in enumerate(dict.fromkeys(each.key for each in said))}
        self.orders = np.array([orders[each.order] for each in said])
        self._keys = np.array([keys[each.key] for each in said])
        self.failures = [each.result.kind if isinstance(each.result, Failure) else None for each in said]
        slots = [_slot(each.order, each.result) for each in said]
        self._slots = np.array([-1 if slot is None else slot for slot in slots])
        self._shown = np.array([len(each.order) for each in said])
        self.labels = sorted(
            {
                each.result.value
                for each in said
                if isinstance(each.result, Verdict) and isinstance(each.result.value, str)
            }
            | {each.key.label for each in said if each.key.label is not None}
        )

    @property
    def categories(self) -> int:
        """How many choices, or letters, there may be."""
        return max(max(self._shown, default=1) + 1, len(self.labels) + 1)

    def _check(self) -> None:
        """Whether counts of readings are enough for the benchmark's rule."""
        board, subsets = self.board, {each.key.subset for each in self.board.said}
        name = board.benchmark.name
        if not is_mean(board.benchmark.layout, sorted(subsets)):
            raise ConfigError(f"{self.where}: the score of {name} is not a mean of credits; {_ORDINARY}")
        for run in board.runs:
            what = None
            if run.pairs is not None:
                what = "finds the best of several completions from pairs"
            elif run.join == "probability":
                what = "aggregates probabilities, which the file does not have"
            elif run.mode in {"criteria", "steps"}:
                what = f"has verdicts on {run.mode}"
            if what is not None:
                raise ConfigError(f"{self.where}: {run.judge} {what}; {_ORDINARY}")
        for each in board.said:
            rated = isinstance(each.result, Verdict) and not isinstance(each.result.value, str)
            if len(each.order) > 1 and sorted(each.order) != list(range(len(each.order))):
                raise ConfigError(
                    f"{self.where}: order {list(each.order)} shows some of an item's completions, not all; {_ORDINARY}"
                )
            if rated or (len(each.order) == 1 and each.order != (0,)):
                raise ConfigError(f"{self.where}: ratings, whose rule is by item; {_ORDINARY}")

    def figures(self, number: int) -> RunFigures:
        """The figures of one run.

        Args:
            number: Of the run.

        Raises:
            ConfigError: Two rows are of one item, order and sample, or those of an item are at odds.
        """
        run = self.board.runs[number]
        item, said, sample = self.board.rows_of(number)
        starts = (
            np.flatnonzero(np.concatenate([[True], item[1:] != item[:-1]]))
            if len(item)
            else np.zeros(0, dtype=np.int64)
        )
        items = item[starts]
        self._check_rows(run, item, said, sample)
        distinct, of_item = _patterns(said, starts)
        seen = [self._look(run, pattern) for pattern in distinct]
        counts = np.bincount(of_item, minlength=len(distinct))
        kinds = np.array([each.kind for each in seen])[of_item]
        choices = np.array([each.choice for each in seen], dtype=np.int8)[of_item]
        if self.board.groups is None:  # items are alike as far as their readings are
            rows = np.array([at for pattern in distinct for at in pattern], dtype=np.int64)
            sizes = [len(pattern) for pattern in distinct]
            places = _Places(rows, np.repeat(np.arange(len(distinct)), sizes), np.repeat(counts, sizes))
        else:
            places = _Places(said, self.board.groups[item], None)
        tally = self._tally(kinds, None if self.board.groups is None else self.board.groups[items])
        metrics = self._metrics(run, tally, said, places, list(zip(seen, counts.tolist(), strict=True)))
        return RunFigures(run, metrics, tally, items, kinds, choices, self._named(item, said))

    def _check_rows(self, run: FileRun, item: Ints, said: Ints, sample: Ints) -> None:
        order = self.orders[said]
        if self.board.samples > 1:
            place = np.lexsort((sample, order, item))
            item_, order_, sample_ = item[place], order[place], sample[place]
        else:
            item_, order_, sample_ = item, order, sample
        again = (item_[1:] == item_[:-1]) & (order_[1:] == order_[:-1]) & (sample_[1:] == sample_[:-1])
        if again.any():
            raise ConfigError(
                f"{self.where}: {int(again.sum()):,} rows of {run.judge} have the item, order and sample of another; "
                "keep one of each, or tell runs of one judge apart by a column 'run'"
            )
        key = self._keys[said]
        if ((item[1:] == item[:-1]) & (key[1:] != key[:-1])).any():
            raise ConfigError(
                f"{self.where}: rows of {run.judge} on one item differ in subset or label; make them alike"
            )

    def _look(self, run: FileRun, pattern: tuple[int, ...]) -> _Seen:
        """What a set of readings comes to, by the benchmark's rule."""
        if (found := self._seen.get((run.join, *pattern))) is not None:
            return found
        if len(self._seen) >= _MOST_KINDS:
            raise ConfigError(f"{self.where}: more than {_MOST_KINDS:,} different sets of readings; {_ORDINARY}")
        said = [self.board.said[at] for at in pattern]
        key = said[0].key
        readings = [Reading(each.order, sample, each.result) for sample, each in enumerate(said)]
        outcome = self.board.benchmark.outcome(key, readings, run.join)
        what = (key, outcome.credit, outcome.low, outcome.high, outcome.substituted)
        kind = self._numbers.setdefault(what, len(self.kinds))
        if kind == len(self.kinds):
            self.kinds.append(outcome)
        share, counted = consistency_over_orders({key.id: readings})
        choice = named_choice(key, readings) if key.k > 1 and key.num_correct <= 1 else self._label(key.label, readings)
        seen = _Seen(kind, -1 if choice is None else choice, share if counted else None)
        self._seen[run.join, *pattern] = seen
        return seen

    def _label(self, gold: str | None, readings: Sequence[Reading]) -> int | None:
        """The class that most readings name: 0 for the gold one, else its number among the others."""
        names = Counter(reading.label for reading in readings if reading.label is not None).most_common(2)
        if not names or (len(names) > 1 and names[0][1] == names[1][1]):
            return None
        others = [name for name in self.labels if name != gold]
        return 0 if names[0][0] == gold else 1 + others.index(str(names[0][0]))

    def _named(self, item: Ints, said: Ints) -> tuple[Ints, npt.NDArray[np.int8]]:
        """The letter, or the class, that most samples of an order of an item name."""
        order = self.orders[said]
        number = item * (int(self.orders.max()) + 1) + order
        starts = np.flatnonzero(np.concatenate([[True], number[1:] != number[:-1]])) if len(item) else number
        if len(starts) == len(number):
            there = np.flatnonzero(np.bincount(said, minlength=len(self.board.said)))
            of_said = np.full(len(self.board.said), -1, dtype=np.int8)
            of_said[there] = [self._letter((at,)) for at in there.tolist()]
            letters = of_said[said]
        else:
            distinct, of_order = _patterns(said, starts)
            letters = np.array([self._letter(pattern) for pattern in distinct], dtype=np.int8)[of_order]
        known = letters >= 0
        return number[starts][known], letters[known]

    def _letter(self, pattern: tuple[int, ...]) -> int:
        if pattern not in self._letters:
            among = [self.board.said[at] for at in pattern]
            names = Counter(each.result.value for each in among if isinstance(each.result, Verdict)).most_common(2)
            k = len(among[0].order)
            if not names:
                found = -1
            elif (len(names) > 1 and names[0][1] == names[1][1]) or names[0][0] == TIE:
                found = k
            else:
                found = LABELS.index(str(names[0][0])) if k > 1 else self.labels.index(str(names[0][0]))
            self._letters[pattern] = found
        return self._letters[pattern]

    def _tally(self, kinds: Ints, units: Ints | None) -> OutcomeTally:
        number = np.bincount(kinds, minlength=len(self.kinds))
        there = np.flatnonzero(number)
        place = np.zeros(len(self.kinds), dtype=np.int64)
        place[there] = np.arange(len(there))
        return OutcomeTally([self.kinds[at] for at in there], number[there], place[kinds], units)

    def _metrics(
        self, run: FileRun, tally: OutcomeTally, said: Ints, places: _Places, seen: Sequence[tuple[_Seen, int]]
    ) -> Metrics:
        layout = self.board.benchmark.layout
        of_said = np.bincount(said, minlength=len(self.board.said))
        failures: Counter[str] = Counter()
        for at in np.flatnonzero(of_said):
            if (kind := self.failures[at]) is not None:
                failures[kind] += int(of_said[at])
        judgements = len(said)
        counted = tally.layout(layout)
        if failures.total() == judgements:
            scores, bare = official_scores([], layout), 0.0
        else:
            scores = official_scores(tally.kinds, counted, seed=run.seed)
            bare = 0.0
            if any(kind.failed for kind in tally.kinds):
                without = point_score(tally.kinds, counted, "bare")
                bare = 0.0 if scores.score is None or without is None else scores.score - without
        choices = self._slots[places.said] >= 0
        named = places.said[choices]
        slots, shown, of = self._slots[named], self._shown[named], places.clusters[choices]
        times = None if places.times is None else places.times[choices]
        consistent = [(each.consistent, n) for each, n in seen if each.consistent is not None]
        in_orders = sum(n for _, n in consistent)
        metrics = Metrics(
            benchmark=self.board.benchmark.name,
            judge=run.judge,
            template=run.template,
            score=scores.score,
            low=scores.low,
            high=scores.high,
            sections=scores.sections,
            subsets=scores.subsets,
            section_subsets=scores.section_subsets,
            missing=scores.missing,
            items=len(tally.of_item),
            judgements=judgements,
            coverage=1 - failures.total() / judgements if judgements else 0.0,
            failures=dict(sorted(failures.items())),
            bounds=score_bounds(tally.kinds, counted, scores, seed=run.seed),
            substituted=bare,
            consistency=sum(share * n for share, n in consistent) / in_orders if in_orders else None,
            consistency_n=in_orders,
            position_bias=bias.first_position(slots, shown, clusters=of, times=times),
            slots=bias.slot_shares(slots, shown, clusters=of, times=times),
            length_bias=None,
            usage=Usage(**run.usage),
            measure=scores.measure,
            altered=run.altered,
        )
        if not run.placed:
            metrics = replace(metrics, position_bias=None, slots=None, consistency=None, consistency_n=0)
        return replace(metrics, notes=tuple(low_coverage(metrics)))


def _slot(order: Sequence[int], result: Verdict | Failure) -> int | None:
    """The slot that a reading names; None for a tie, a class or a failure."""
    if len(order) < 2 or not isinstance(result, Verdict) or result.value == TIE:
        return None
    return LABELS.index(str(result.value))


def _patterns(said: Ints, starts: Ints) -> tuple[list[tuple[int, ...]], Ints]:
    """The different runs of numbers between starts, and which of them each is.

    Args:
        said: Numbers, shape (rows,).
        starts: Where each begins, ascending from 0.
    """
    if not len(starts):
        return [], starts
    sizes = np.diff(np.append(starts, len(said)))
    names = np.flatnonzero(np.bincount(said))
    place = np.zeros(int(names[-1]) + 1, dtype=np.int64)
    place[names] = np.arange(len(names))
    codes = place[said]
    distinct: list[tuple[int, ...]] = []
    of = np.empty(len(starts), dtype=np.int64)
    for size in np.flatnonzero(np.bincount(sizes)).tolist():
        among = np.flatnonzero(sizes == size)
        columns = [codes[starts[among] + at] for at in range(size)]
        code, levels = columns[0], len(names)
        for column in columns[1:]:
            if levels * len(names) >= 2**62:
                _, code = np.unique(code, return_inverse=True)
                levels = int(code.max()) + 1
            code, levels = code * len(names) + column, levels * len(names)
        first, which = _first_of(code, levels)
        of[among] = which + len(distinct)
        distinct += zip(*(names[column[first]].tolist() for column in columns), strict=True)
    return distinct, of


def _first_of(code: Ints, levels: int) -> tuple[Ints, Ints]:
    """Where each different number stands first, and which of them each is."""
    if levels > max(_SPARSE * len(code), _FEW):
        _, first, which = np.unique(code, return_index=True, return_inverse=True)
        return first, which
    first = np.full(levels, -1, dtype=np.int64)
    first[code[::-1]] = np.arange(len(code))[::-1]
    there = np.flatnonzero(first >= 0)
    place = np.zeros(levels, dtype=np.int64)
    place[there] = np.arange(len(there))
    return first[there], place[code]


_ORDINARY = "score the runs' folders: judgebench leaderboard DIR, judgebench report RUN..."
