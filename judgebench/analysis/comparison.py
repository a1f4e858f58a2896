"""What a comparison of runs is, and how it is shown."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from judgebench._util.table import Column, Marked, Table, Tabular, ends_of
from judgebench._util.text import coefficient, difference_head, score_head
from judgebench.analysis.agreement import agreement_columns, agreement_legend
from judgebench.analysis.alike import other_lines
from judgebench.analysis.components import component_lines, components_table
from judgebench.analysis.equivalent import best_line, decisions, margin_lines, within_head
from judgebench.analysis.failures import LEGEND, failures_table
from judgebench.analysis.rewardfunctions import best_of_table, function_lines, functions_table
from judgebench.items import is_coefficient
from judgebench.metrics.paired import ALPHA, FEW

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from judgebench._util.table import Columns, Value
    from judgebench.analysis.agreement import RunsAgreement
    from judgebench.analysis.alike import OtherRun
    from judgebench.analysis.components import RunComponents
    from judgebench.analysis.failures import FailureEffect
    from judgebench.analysis.rewardfunctions import BestOf, RewardPair
    from judgebench.items import Measure
    from judgebench.metrics.agreement import Agreement
    from judgebench.metrics.equivalence import Contender, Equivalence
    from judgebench.metrics.intervals import Estimate
    from judgebench.metrics.paired import Difference
    from judgebench.runs import Name

CONSISTENCY = "consistency: share of items with the same verdict in all orders"
"""What a column of tables is."""

_MANY_PAIRS = 10

_INTERVALS = {
    "newcombe": f"Newcombe's paired interval (fewer than {FEW} items)",
    "bootstrap": "paired bootstrap",
}
_TESTS = {
    "mcnemar": "McNemar's test (mid-p)",
    "sign-flip": "sign-flip test",
    "bootstrap": "paired bootstrap",
}


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """One of the runs, over the items that are compared.

    Attributes:
        title: What tables call it: as short as tells the runs apart.
        items: How many items the run has in all.
        score: The official score over the compared items; None where no item has a label.
        group: Letters; two runs share one exactly where their scores are not significantly different; none
            below half coverage.
        coverage: Share of all its judgements with a verdict.
        consistency: Share of its items whose verdict is the same in all orders; None with one order.
    """

    title: str
    name: Name
    path: Path
    items: int
    score: float | None
    low: float | None
    high: float | None
    group: str
    coverage: float
    consistency: float | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """The score, a section or a subset, compared.

    Attributes:
        name: The section's or subset's; `score` for the whole.
        scores: Of each run.
        groups: Letters of each run, as in `ComparedRun`.
        pairs: The difference of each pair of runs.
        adjusted: Their p after Holm's correction, in the same order: over the pairs of runs for the score, over pairs
            and sections for sections, over pairs and subsets for subsets.
    """

    name: str
    scores: tuple[Estimate, ...]
    groups: tuple[str, ...]
    pairs: tuple[Difference, ...]
    adjusted: tuple[float, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Comparison(Tabular):
    """What `compare` found.

    Attributes:
        items: How many items are compared: those about which every run was asked.
        left_out: For each run how many of the items about which it was asked are not compared.
        measure: What the scores are: a `share` or `pearson`; None where there are none.
        whole: The official score, compared; None where no item has a label.
        agreement: Of each pair of runs.
        fleiss: Fleiss' kappa of all runs, over completions; None for two.
        krippendorff: Krippendorff's alpha of all runs, nominal, over completions; None for two.
        notes: What a reader must know.
        failures: What failures do to each pair of runs of which one has some.
        others: The runs that were named and are not compared, since they have other items.
        margin: Within how many points (hundredths of a correlation) pairs are tested for being equivalent; None: none.
        equivalences: Of each pair of runs at the margin.
        contenders: Of three and more runs, each against the best of the others.
        components: What moves the credits of each judge with several templates, orders or samples.
        rewards: Of each pair of reward models, how alike their scores are.
        best_of: What reward models choose among N answers, for each N.
    """

    benchmark: str
    title: str
    runs: tuple[ComparedRun, ...]
    items: int
    left_out: tuple[int, ...]
    whole: Part | None
    sections: tuple[Part, ...]
    subsets: tuple[Part, ...]
    agreement: tuple[RunsAgreement, ...]
    fleiss: Agreement | None
    krippendorff: Agreement | None
    notes: tuple[str, ...] = ()
    measure: Measure | None = "share"
    failures: tuple[FailureEffect, ...] = ()
    others: tuple[OtherRun, ...] = ()
    margin: float | None = None
    equivalences: tuple[Equivalence, ...] = ()
    contenders: tuple[Contender, ...] = ()
    components: tuple[RunComponents, ...] = ()
    rewards: tuple[RewardPair, ...] = ()
    best_of: tuple[BestOf, ...] = ()

    def to_json(self) -> dict[str, object]:
        """An object of plain values; what has no value is null."""
        data: dict[str, Any] = _plain(asdict(self))
        for run, said in zip(self.runs, data["runs"], strict=True):
            said["path"] = str(run.path)
        for other, said in zip(self.others, data["others"], strict=True):
            said["path"] = str(other.path)
        for pair, said in zip(self.equivalences, data["equivalences"], strict=True):
            said["decision"], said["not_worse"] = pair.decision, list(pair.not_worse)
        for each, said in zip(self.components, data["components"], strict=True):
            said["sentence"] = each.sentence
            for part, own in zip(each.found.components, said["found"]["components"], strict=True):
                own |= {"sd": part.sd, "truncated": part.truncated}
        return data

    def tables(self, *, subsets: bool = False, every: bool = True) -> Sequence[Table]:
        """The runs, the differences of their scores, the sections (and subsets), and what to make of it.

        Args:
            subsets: Show subsets as well.
            every: Show every pair; else, of more than ten, those of the best run.
        """
        few = self if every else self._few_pairs()
        count = f"{self.items:,} items{' that all runs have' if any(self.left_out) else ''}"
        levels = (("section", self.sections), ("subset", self.subsets if subsets else ()))
        return [
            replace(self._runs(), title=self.title, about=f"{len(self.runs)} runs · {count}"),
            few.pairs_table(self._hidden(few)),
            *([few.failures_table()] if few.failures else []),
            *([components_table(self.components)] if self.components else []),
            *([functions_table(few.rewards)] if few.rewards else []),
            *([best_of_table(self.best_of)] if self.best_of else []),
            *(self._parts(level, parts) for level, parts in levels if len(parts) > 1),
            Table((), notes=list(self._legend(subsets=subsets))),
            *([Table((), notes=list(other_lines(self.others, self.benchmark)))] if self.others else []),
        ]

    def _few_pairs(self) -> Comparison:
        """The same with the best run's pairs alone, where there are more than a reader takes in."""
        if len(self.runs) * (len(self.runs) - 1) // 2 <= _MANY_PAIRS:
            return self
        best = max(range(len(self.runs)), key=lambda at: (self.runs[at].score or -1.0, -at))
        whole = self.whole
        if whole is not None:
            own = [at for at, pair in enumerate(whole.pairs) if best in {pair.first, pair.second}]
            pairs, adjusted = tuple(whole.pairs[at] for at in own), tuple(whole.adjusted[at] for at in own)
            whole = replace(whole, pairs=pairs, adjusted=adjusted)
        return replace(
            self,
            whole=whole,
            agreement=tuple(each for each in self.agreement if best in {each.first, each.second}),
            failures=tuple(each for each in self.failures if best in {each.first, each.second}),
            equivalences=tuple(each for each in self.equivalences if best in {each.first, each.second}),
            rewards=tuple(each for each in self.rewards if best in {each.first, each.second}),
        )

    def _hidden(self, few: Comparison) -> list[str]:
        """How many pairs are not shown."""
        hidden = len(self.agreement) - len(few.agreement)
        return [f"pairs of the best run; {hidden} more: --all"] if hidden else []

    def remarks(self) -> Sequence[str]:
        """What a reader must know."""
        return self.notes

    def table(self, names: Sequence[str] = ()) -> Table:
        """Each pair of runs, over the score and each section, with p corrected for all pairs of a kind.

        Args:
            names: What the runs are called; empty for their titles.
        """
        titles = names or [run.title for run in self.runs]
        every = () if self.whole is None else (self.whole, *self.sections)
        lines = [(part, *pair) for part in every for pair in zip(part.pairs, part.adjusted, strict=True)]
        columns: Columns = {
            Column("of"): lambda line: line[0].name,
            Column("run"): lambda line: titles[line[1].first],
            Column("minus"): lambda line: titles[line[1].second],
            Column("difference", "difference"): lambda line: line[1].difference,
            Column("95% CI", "difference"): lambda line: ends_of(line[1]),
            Column("p", "p"): lambda line: line[1].p,
            Column("p (Holm)", "p"): lambda line: line[2],
            Column("MDE", "distance"): lambda line: line[1].smallest,
        }
        if self.equivalences:
            stands = decisions(self, titles)
            columns[Column(within_head(self))] = lambda line: (
                stands[line[1].first, line[1].second] if line[0] is self.whole else None
            )
        return Table.of(lines, columns, lambda _: {"unit": self.measure})

    def _runs(self) -> Table:
        columns: Columns = {
            Column("number", "count", head="", names=True): lambda each: each[0],
            Column("run", names=True): lambda each: each[1].title,
            Column("score", "score", head=score_head([self.measure])): lambda each: (
                "none" if each[1].score is None else each[1].score
            ),
            Column("95% CI", "interval"): lambda each: ends_of(each[1]),
        }
        if any(run.coverage < 1 for run in self.runs):
            columns[Column("coverage", "share")] = lambda each: each[1].coverage
        if any(run.consistency is not None for run in self.runs):
            columns[Column("consistency", "share")] = lambda each: each[1].consistency
        columns[Column("group", "mark")] = lambda each: each[1].group
        return Table.of(enumerate(self.runs, 1), columns, lambda _: {"unit": self.measure})

    def failures_table(self, names: Sequence[str] = ()) -> Table:
        """Each pair of runs of which one has failures: the difference without them, and with each bad or good.

        Args:
            names: What the runs are called; empty for their numbers.
        """
        return failures_table(self.failures, names or [str(at + 1) for at in range(len(self.runs))], self.measure)

    def pairs_table(self, notes: Sequence[str] = ()) -> Table:
        """Each pair of runs, with how far they say the same."""
        tested = (
            {}
            if self.whole is None
            else {
                (each.first, each.second): (each, p)
                for each, p in zip(self.whole.pairs, self.whole.adjusted, strict=True)
            }
        )
        columns: Columns = {Column("runs", names=True): lambda pair: f"{pair[0] + 1} - {pair[1] + 1}"}
        if tested:
            columns[Column("difference", "difference", head=difference_head(self.measure))] = lambda pair: (
                tested[pair][0].difference
            )
            columns[Column("95% CI", "difference")] = lambda pair: ends_of(tested[pair][0])
            columns[Column("p", "p")] = lambda pair: tested[pair][0].p
            if len(tested) > 1:
                columns[Column("p (Holm)", "p")] = lambda pair: tested[pair][1]
            columns[Column("MDE", "distance")] = lambda pair: tested[pair][0].smallest
            if self.equivalences:
                stands = decisions(self)
                columns[Column("within", head=within_head(self))] = stands.__getitem__
        if self.agreement:
            columns |= agreement_columns(self.agreement)
        pairs = list(tested) or [(each.first, each.second) for each in self.agreement]
        shown = {pair for pair, (_, p) in tested.items() if p <= ALPHA}
        style = {pair: "strong" if pair in shown else "" for pair in pairs}
        return Table.of(pairs, columns, lambda pair: {"unit": self.measure, "style": style[pair]}, notes=list(notes))

    def _parts(self, level: str, parts: Sequence[Part]) -> Table:
        """Two runs: each part with its difference; more: the score of each, with its letters."""
        two = len(self.runs) == 2
        columns: Columns = {
            Column(level, names=True, width=12 if two else 20): lambda part: part.name,
            Column("items", "count", priority=1, optional=two): lambda part: part.scores[0].n,
        }
        for at in range(len(self.runs)):
            columns[Column(str(at + 1), "score")] = partial(_score, at)
        if two:
            columns[Column("difference", "difference", head=difference_head(self.measure))] = lambda part: (
                part.pairs[0].difference
            )
            columns[Column("95% CI", "difference")] = lambda part: ends_of(part.pairs[0])
            columns[Column("p (Holm)", "p")] = lambda part: part.adjusted[0]
        return Table.of(
            parts,
            columns,
            lambda part: {"unit": self.measure, "style": "strong" if two and part.adjusted[0] <= ALPHA else ""},
        )

    def _legend(self, *, subsets: bool) -> Iterator[str]:
        if self.whole is not None:
            yield from self._of_tests(self.whole)
        if any(run.consistency is not None for run in self.runs):
            yield CONSISTENCY
        if self.failures:
            yield LEGEND
        if self.components:
            yield from component_lines(self.components)
        yield from function_lines(self.rewards, self.best_of)
        yield from agreement_legend(self.agreement)
        if self.fleiss is not None and self.krippendorff is not None:
            kappa, alpha = coefficient(self.fleiss.value), coefficient(self.krippendorff.value)
            yield f"all runs, over completions: Fleiss' kappa {kappa}, Krippendorff's alpha {alpha}"
        if len(self.runs) == 2 and len((*self.sections, *(self.subsets if subsets else ()))) > 1:
            yield "sections and subsets: intervals are uncorrected, p is corrected for all rows of the table"
        if len(self.subsets) > 1 and not subsets:
            yield f"--subsets shows the {len(self.subsets)} subsets"

    def _of_tests(self, whole: Part) -> Iterator[str]:
        apart, count = sum(p <= ALPHA for p in whole.adjusted), len(whole.pairs)
        if len(self.runs) > 2:
            yield (
                f"{apart} of {count} pairs differ significantly; runs with the same letter (group) are not "
                "significantly different"
            )
        elif apart:
            yield "the runs are significantly different"
        else:
            yield "the runs are not significantly different"
        tests = dict.fromkeys(_TESTS[each.test] for each in whole.pairs)
        yield f"p: {' and '.join(tests)}{f', Holm-corrected for {count} pairs' if count > 1 else ''}"
        yield f"95% CI of differences: {' and '.join(dict.fromkeys(_INTERVALS[each.interval] for each in whole.pairs))}"
        level = ", at the corrected level" if count > 1 else ""
        unit = "" if is_coefficient(self.measure) else " in percentage points"
        yield f"MDE: minimum detectable effect{unit} (80% power{level})"
        yield from margin_lines(self)
        if self.contenders:
            ranked = sorted(self.contenders, key=lambda each: -each.difference)
            yield best_line([str(each.run + 1) for each in ranked if each.can_be_best], len(self.runs))


def _score(at: int, part: Part) -> Value:
    score = part.scores[at].score
    return score if len(part.scores) == 2 else Marked(score, part.groups[at])


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and value != value else value  # noqa: PLR0124 - not-a-number
