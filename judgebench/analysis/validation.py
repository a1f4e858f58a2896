"""What `validate` found: decisions with their reasons, the figures behind them, and both as sentences and tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from judgebench._util.table import Column, Table, Tabular
from judgebench._util.text import difference_text, score_range, score_text
from judgebench.errors import ConfigError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from judgebench._util.table import Columns
    from judgebench._util.text import Unit
    from judgebench.analysis.labelled import Kind
    from judgebench.metrics.alternative import AlternativeTest
    from judgebench.metrics.gate import Decision, GatedFigure

    Figures = Mapping[str, GatedFigure | None]

FEWEST = 10
"""With fewer labelled items nothing is decided."""

_MOST_PARTS = 12
"""Of more subsets there is no table in a terminal."""

_WORST: tuple[Decision, ...] = ("not_trusted", "cannot_say", "trusted")
_SAID = {"trusted": "TRUSTED", "not_trusted": "NOT TRUSTED", "cannot_say": "CANNOT SAY"}
STATUS = {"trusted": 0, "not_trusted": 3, "cannot_say": 4}
"""Exit statuses."""

_UNITS: dict[str, Unit] = {"agreement": "share", "kappa": "kappa", "pearson": "pearson"}
_WORDS = {"agreement": "agreement", "kappa": "kappa", "pearson": "Pearson's r"}
_LABEL_FIGURES = ("accuracy", "balanced_accuracy", "macro_f1", "precision", "recall", "specificity", "mcc")


@dataclass(frozen=True, slots=True)
class Need:
    """What a judge is held to.

    Attributes:
        measure: `agreement`, `kappa` or `pearson`; None for the first that its verdicts have.
        value: The least value; None for the people's own, less the margin.
        margin: How far below the people's own it may be.
    """

    measure: str | None
    value: float | None
    margin: float

    @classmethod
    def of(cls, need: str | Mapping[str, float] | None, margin: float | None) -> Need:
        """What was asked for.

        Example:
            >>> Need.of("kappa=.6", None)
            Need(measure='kappa', value=0.6, margin=0.05)

        Raises:
            ConfigError: It is no need, or both were given.
        """
        if margin is not None and need is not None:
            raise ConfigError("--margin is for the people's own agreement, without --need: give one of them")
        if margin is not None and not 0 <= margin < 1:
            raise ConfigError(f"--margin {margin:g}: must be in [0, 1), such as 0.05 for 5 points")
        if need is None:
            return cls(None, None, 0.05 if margin is None else margin)
        pairs = need if isinstance(need, Mapping) else dict([_pair(need)])
        if len(pairs) != 1:
            raise ConfigError(f"{len(pairs)} needs: give one, such as kappa=0.6")
        ((name, value),) = pairs.items()
        if name not in _UNITS:
            raise unknown_name("measure", name, _UNITS, mend="(--need agreement=0.85, kappa=0.6 or pearson=0.7)")
        low = 0 if name == "agreement" else -1
        if not isinstance(value, int | float) or not low < value <= 1:
            raise ConfigError(f"--need {name}={value}: must be above {low} and at most 1, such as {name}=0.85")
        return cls(name, float(value), 0.05)

    def check(self, measures: Sequence[str], path: Path) -> None:
        """Whether verdicts that have these measures can be held to it.

        Raises:
            ConfigError: They have another one.
        """
        if self.measure is not None and self.measure not in measures:
            what = "ratings" if "pearson" in measures else "choices or classes"
            raise ConfigError(
                f"{path}: its verdicts are {what}, of which there is no {_WORDS[self.measure]}: "
                f"take --need {measures[0]}=0.8 or {measures[1]}=0.6"
            )


def _pair(text: str) -> tuple[str, Any]:
    name, mark, value = text.partition("=")
    try:
        number: Any = float(value)
    except ValueError:
        number = value.strip()
    if not mark or number == "":
        raise ConfigError(f"--need {text}: write MEASURE=VALUE, such as kappa=0.6 or agreement=0.85")
    return name.strip().casefold(), number


@dataclass(frozen=True, slots=True)
class PartFigures:
    """A section or a subset.

    Attributes:
        figures: The judge's, by name.
        ceiling: The people's own.
    """

    name: str
    items: int
    figures: Figures
    ceiling: Figures

    def to_json(self) -> dict[str, object]:
        """An object of plain values."""
        first, *others = self.figures
        return {
            "items": self.items,
            "agreement": _figure(self.figures[first]),
            **{name: _figure(self.figures[name]) for name in others},
            "ceiling": _figure(self.ceiling[first]),
        }


def _figure(found: GatedFigure | None) -> dict[str, float] | None:
    return None if found is None else {"score": found.score, "low": found.low, "high": found.high, "n": found.n}


@dataclass(frozen=True, slots=True, repr=False)
class RunValidation(Tabular):
    """One run beside people's labels.

    Attributes:
        kind: What its verdicts are.
        decision: Of the gate.
        why: In a word, why nothing can be said; None where something is.
        labels_needed: How many more labelled items would decide, with a power of 0.8 if the figure stays what it is;
            None where it is decided, and where no number would.
        measure: What the gate looks at.
        need: What it is held to.
        figures: The judge against the others of an item's annotators, each left out in turn.
        ceiling: An annotator against the same; None where no item has two.
        difference: The judge less an annotator, over the same items; likewise.
        alternative: The alternative-annotator test, where annotators have names.
        labels: The figures of classes, as `labels` in `metrics.json`.
        items: Labelled items that were judged.
        several: How many of them two people or more labelled.
        units: Groups of them, or items, that intervals take as one.
        annotators: People with a name.
        coverage: Share of the judge's replies on them with a verdict.
        drawn: Whether the file states with which probability each was drawn.
        file: Of the labels; None where the items carry them.
    """

    path: Path
    title: str
    benchmark: str
    judge: str
    template: str | None
    kind: Kind
    decision: Decision
    why: str | None
    labels_needed: int | None
    measure: str
    need: Need
    figures: Figures
    ceiling: Figures
    difference: Figures
    alternative: AlternativeTest | None
    labels: Mapping[str, object] | None
    sections: tuple[PartFigures, ...]
    subsets: tuple[PartFigures, ...]
    items: int
    several: int
    units: int
    annotators: int
    coverage: float
    drawn: bool
    file: str | None
    notes: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The answer in a sentence."""
        return f"{_SAID[self.decision]}: {self.reason}"

    @property
    def reason(self) -> str:
        """Why, with the figure and its interval."""
        found = self.figures[self.measure] if self.need.value is not None else self.difference[self.measure]
        if found is None or self.why == "no_ceiling":
            return f"{self._beside()}; {self._undecided()}"
        if self.why is not None:
            return f"{self._beside()}{self._against(found)}; {self._undecided()}"
        return f"{self._beside()}{self._against(found)}, {self._verdict()}"

    def _beside(self) -> str:
        """What the judge reaches, and people."""
        found, people = self.figures[self.measure], self.ceiling[self.measure]
        items = f"{self.items:,} labelled item{'s' * (self.items != 1)}"
        if found is None:
            return f"{self.title}: {_WORDS[self.measure]} with people has no value on {items}"
        said = f"{self.title}: {_WORDS[self.measure]} with people {self._text(found)} on {items}"
        return said if people is None else f"{said}, people's own {self._text(people)}"

    def _text(self, found: GatedFigure) -> str:
        unit = _UNITS[self.measure]
        value = score_text(found.score, unit).rpartition(" ")[2]
        return f"{value} (95% CI {score_range(found.low, found.high, unit)})"

    def _against(self, found: GatedFigure) -> str:
        """The difference from people, where that is the need."""
        if self.need.value is not None:
            return ""
        unit, points = _UNITS[self.measure], "" if self.measure != "agreement" else " points"
        low, high = difference_text(found.low, unit), difference_text(found.high, unit)
        return f": difference {difference_text(found.score, unit)}{points} (95% CI {low} to {high})"

    def _verdict(self) -> str:
        if self.need.value is not None:
            where = "at or above" if self.decision == "trusted" else "below"
            return f"{where} the need of {self._need}"
        return f"{'within' if self.decision == 'trusted' else 'beyond'} the margin of {self._need}"

    @property
    def _need(self) -> str:
        if self.need.value is not None:
            return score_text(self.need.value, _UNITS[self.measure]).rpartition(" ")[2]
        return f"{100 * self.need.margin:g} points" if self.measure == "agreement" else f"{self.need.margin:g}"

    def _undecided(self) -> str:
        """Why nothing can be said, and what would help."""
        why, _, of = (self.why or "").partition(":")
        needs = "--need pearson=0.7" if self.measure == "pearson" else "--need agreement=0.8 or --need kappa=0.6"
        line = f"the need of {self._need}" if self.need.value is not None else f"a margin of {self._need}"
        if why == "no_ceiling":
            return (
                "no item has labels of two people, so what they reach among themselves, which would be the need, is "
                f"not known: state one ({needs}), or have some items labelled by a second person"
            )
        if why == "one_label":
            return (
                f"every label of people is '{of}', so nothing shows whether the judge tells it from others: label "
                "items that people put elsewhere"
            )
        if why == "no_value":
            return f"{_WORDS[self.measure]} has no value where labels or verdicts are all alike: label more items"
        if why == "equal":
            return f"that is {line} itself, so no number of labels would decide while it stays so"
        more = "" if self.labels_needed is None else f"about {self.labels_needed:,} more labelled items would decide"
        if why == "few":
            return f"too few labels for a decision, which needs {FEWEST} items at least: {more}"
        return f"the interval reaches across {line}; {more} (80% power, if the figure stays)"

    def to_json(self) -> dict[str, object]:
        """An object of plain values."""
        first, *others = self.figures
        return {
            "run": str(self.path),
            "judge": self.judge,
            "template": self.template,
            "benchmark": self.benchmark,
            "decision": self.decision,
            "reason": self.reason,
            "labels_needed": self.labels_needed,
            "measure": self.measure,
            "need": self.need.value,
            "margin": self.need.margin if self.need.value is None else None,
            "items": self.items,
            "annotators": self.annotators,
            "coverage": self.coverage,
            "agreement": _with_measure(first, self.figures[first]),
            **{name: _figure(self.figures[name]) for name in others},
            "ceiling": _with_measure(first, self.ceiling[first]),
            "ceiling_kappa": _figure(self.ceiling.get("kappa")),
            "difference": _figure(self.difference[self.measure]),
            "alternative_annotator": _test(self.alternative),
            "labels": None if self.labels is None else dict(self.labels),
            "sections": {each.name: each.to_json() for each in self.sections},
            "subsets": {each.name: each.to_json() for each in self.subsets},
            "notes": list(self.notes),
        }

    def tables(self) -> Sequence[Table]:
        """The sentence, the figures, those of each part, and how they were made."""
        about = f"{self.items:,} labelled item{'s' * (self.items != 1)}"
        if self.annotators:
            about += f" · {self.annotators:,} annotator{'s' * (self.annotators != 1)}"
        title = f"{self.benchmark}: validate"
        parts = self.sections or self.subsets
        shown = [] if not parts or len(parts) > _MOST_PARTS else [self._part_table(parts)]
        return [
            Table((), notes=[self.sentence], title=title, about=about),
            self.table(),
            *shown,
            Table((), notes=list(self._legend())),
        ]

    def table(self) -> Table:
        """A line for each figure: the judge, and people beside it."""
        rows: list[tuple[Any, ...]] = []
        for name, found in self.figures.items():
            people = self.ceiling[name]
            rows.append((_named(name, self.kind), _value(name, found), _ends(name, found), _value(name, people)))
        for name in _LABEL_FIGURES if self.labels is not None else ():
            each = self.labels.get(name) if self.labels else None
            if isinstance(each, Mapping):
                value, ends = _plain(each["score"], name), (each["low"], each["high"])
                rows.append((name.replace("_", " "), value, _range(ends, name), None))
        heads = (Column("figure"), Column("judge"), Column("95% CI"), Column("people"))
        shown = len(heads) if self.several else len(heads) - 1
        return Table.rows_of([row[:shown] for row in rows], *heads[:shown])

    def _part_table(self, parts: Sequence[PartFigures]) -> Table:
        first, second = self.figures
        columns: Columns = {
            Column("section" if parts is self.sections else "subset", names=True): lambda each: each.name,
            Column("items", "count"): lambda each: each.items,
            Column(_named(first, self.kind)): lambda each: _value(first, each.figures[first]),
            Column("95% CI"): lambda each: _ends(first, each.figures[first]),
            Column(_named(second, self.kind)): lambda each: _value(second, each.figures[second]),
        }
        if self.several:
            columns[Column("people")] = lambda each: _value(first, each.ceiling[first])
        return Table.of(parts, columns)

    def _legend(self) -> Iterator[str]:
        """What else is there, and how the figures were made."""
        test = self.alternative
        if test is not None and test.winning_rate is not None:
            beaten = sum(each.beaten for each in test.annotators.values())
            yield (
                f"alternative-annotator test (epsilon {test.epsilon:g}): {'passed' if test.passes else 'not passed'}, "
                f"winning rate {test.winning_rate:.2f} ({beaten} of {len(test.annotators)} annotators), advantage "
                f"probability {test.advantage_probability:.2f}"
            )
        elif test is not None:
            yield "alternative-annotator test: not done, it needs 30 items of an annotator that others labelled too"
        if self.coverage < 1:
            how = "count with the judge's mean rating" if self.kind == "grades" else "agree with nobody"
            yield f"coverage {100 * self.coverage:.1f}%: replies without a verdict {how}"
        if self.several:
            yield (
                f"people: each annotator against the others of the item, and the judge against the same "
                f"({self.several:,} items with two labels or more)"
            )
        grouped = f", by {self.units:,} groups" if self.units < self.items else ""
        weighted = ", weighted by one over the probability of drawing" if self.drawn else ""
        yield (
            "intervals: Bayesian bootstrap with one unit more at its worst and best (exact for a share of "
            f"independent items){grouped}{weighted}"
        )
        if len(self.subsets) > _MOST_PARTS and not self.sections:
            yield f"{len(self.subsets):,} subsets: --json has their figures"

    def remarks(self) -> Sequence[str]:
        """What a reader must know."""
        return self.notes


def _named(name: str, kind: Kind) -> str:
    return "weighted kappa" if name == "kappa" and kind == "grades" else _WORDS[name]


def _with_measure(name: str, found: GatedFigure | None) -> dict[str, object] | None:
    made = _figure(found)
    return None if made is None else {**made, "measure": name}


def _value(name: str, found: GatedFigure | None) -> str | None:
    return None if found is None else _plain(found.score, name)


def _ends(name: str, found: GatedFigure | None) -> str | None:
    return None if found is None else _range((found.low, found.high), name)


def _plain(score: float, name: str) -> str:
    return score_text(score, _UNITS.get(name, "kappa" if name == "mcc" else "share")).rpartition(" ")[2]


def _range(ends: tuple[float, float], name: str) -> str:
    return score_range(*ends, _UNITS.get(name, "kappa" if name == "mcc" else "share"))


def _test(test: AlternativeTest | None) -> dict[str, object] | None:
    return None if test is None else {**asdict(test), "passes": test.passes}


@dataclass(frozen=True, slots=True, repr=False)
class Validation(Tabular):
    """Runs beside people's labels.

    Attributes:
        runs: In the order in which they were named.
    """

    runs: tuple[RunValidation, ...]

    @property
    def decision(self) -> Decision:
        """The worst: not trusted before what cannot be said, and that before trusted."""
        return next(each for each in _WORST if any(run.decision == each for run in self.runs))

    def to_json(self) -> dict[str, object]:
        """The run's object; of several, the worst decision and each one's."""
        if len(self.runs) == 1:
            return self.runs[0].to_json()
        return {"decision": self.decision, "runs": [each.to_json() for each in self.runs]}

    def tables(self) -> Sequence[Table]:
        """Of one run all of it; of several a line each, and their sentences."""
        if len(self.runs) == 1:
            return self.runs[0].tables()
        return [self.table(), Table((), notes=[each.sentence for each in self.runs])]

    def table(self) -> Table:
        """A line for each run."""
        if len(self.runs) == 1:
            return self.runs[0].table()
        columns: Columns = {
            Column("run", names=True): lambda run: run.title,
            Column("decision"): lambda run: _SAID[run.decision],
            Column("agreement"): lambda run: _value(run.measure, run.figures[run.measure]),
            Column("95% CI"): lambda run: _ends(run.measure, run.figures[run.measure]),
            Column("items", "count"): lambda run: run.items,
            Column("labels_needed", "tokens", head="more labels"): lambda run: run.labels_needed,
        }
        if any(run.several for run in self.runs):
            columns[Column("people")] = lambda run: _value(run.measure, run.ceiling[run.measure])
        return Table.of(self.runs, columns, title="validate", about=f"{len(self.runs)} runs")

    def remarks(self) -> Sequence[str]:
        """What a reader must know of each."""
        return list(dict.fromkeys(note for run in self.runs for note in run.notes))
