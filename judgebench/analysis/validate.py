"""Whether a judge is good enough against people's labels: finished runs, figures, and a gate."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from judgebench._util.steps import counted
from judgebench.analysis.labelled import ALONE, labelled
from judgebench.analysis.validation import FEWEST, Need, PartFigures, RunValidation, Validation
from judgebench.errors import ConfigError
from judgebench.items import LABELS, TIE
from judgebench.metrics.alternative import AlternativeTest, alternative_test
from judgebench.metrics.ceiling import ReferenceRows, grade_rows, label_rows
from judgebench.metrics.gate import decide, labels_needed
from judgebench.metrics.inclusion import left_out
from judgebench.runs import Run, find_runs, list_runs, open_run, titles_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from judgebench.analysis.labelled import Labelled, LabelledItem, Said
    from judgebench.metrics.gate import Decision, GatedFigure
    from judgebench.metrics.intervals import Floats
    from judgebench.metrics.resampling import Ints
    from judgebench.sources.opening import Data

MARGIN = 0.05
"""How far below the people's own agreement the judge may be, where no need is given."""


def validate(
    runs: Run | str | Path | Sequence[Run | str | Path],
    labels: Data | None = None,
    *,
    need: str | Mapping[str, float] | None = None,
    margin: float | None = None,
    columns: Mapping[str, str] | None = None,
    meanings: Mapping[str, str] | None = None,
) -> Validation:
    """Whether judges may be used in the place of people: agreement beside the people's own, and a gate.

    >>> import judgebench as jb
    >>> run = jb.run("rewardbench", judge="offline/longest", data="sample")
    >>> jb.validate(run, need="agreement=0.9").decision
    'not_trusted'

    The gate says `trusted` where the lower end of the 95% interval is at or above the need, `not_trusted` where the
    upper end is below it, else `cannot_say`: a judge that is exactly as good as needed is called either in 5% at most.

    Args:
        runs: A run or its folder, a folder above several, or several of these.
        labels: Rows `id, label[, annotator, probability]`; None: the labels that the items carry.
        need: What is needed, as in `"kappa=0.6"` or `{"agreement": 0.85}`; None: the people's own agreement, less the
            margin.
        margin: How far below the people's own agreement the judge may be; 0.05 where None.
        columns: Columns of the labels by name, as in `{"label": "vote"}`.
        meanings: What stands in a label -> what it means, as in `{"left": "A"}`.

    Raises:
        ConfigError: A folder is no run, a label is none, the judge has no verdict on any labelled item, or the need
            cannot be stated of such verdicts.
    """
    asked = Need.of(need, margin)
    paths = [path for each in list_runs(runs) for path in _folders(each)]
    if not paths:
        raise ConfigError("no run named: name one or more run folders")
    found = [
        labelled(path, labels, columns=columns, meanings=meanings)
        for path in counted(list(dict.fromkeys(paths)), "reading labels", unit="runs", total=len(paths))
    ]
    titles = titles_of([each.finished for each in found])
    return Validation(tuple(validate_labelled(each, asked, title) for each, title in zip(found, titles, strict=True)))


def validate_labelled(found: Labelled, need: Need, title: str) -> RunValidation:
    """The same of one run that is read already.

    Args:
        found: The run beside its labels.
        need: What it is held to.
        title: What sentences call it.

    Raises:
        ConfigError: The judge has no verdict on any labelled item, or the need cannot be stated of its verdicts.
    """
    return _Validating(found, need, title).run()


def _folders(run: Run | str | Path) -> list[Path]:
    """The folders of a run, or of all below a folder."""
    from pathlib import Path as Folder

    path = run.path if isinstance(run, Run) else Folder(run)
    found = find_runs(path) if path.is_dir() else []
    return found or [open_run(path).path]


def _text(label: Said) -> str:
    return label if isinstance(label, str) else f"{label:g}"


class _Validating:
    """One run beside its labels."""

    def __init__(self, found: Labelled, need: Need, title: str) -> None:
        self._found, self._need, self._title = found, need, title
        self._finished = found.finished
        self._unasked = sum(not item.was_asked for item in found.labelled)
        self._items = [item for item in found.labelled if item.was_asked]
        self._check()
        self._weight: Floats = np.array([1 / item.probability for item in self._items])
        units = [item.key.unit for item in self._items]
        numbers = {unit: at for at, unit in enumerate(dict.fromkeys(units))}
        self._unit: Ints = np.array([numbers[unit] for unit in units], dtype=np.int64)
        self._every = np.ones(len(self._items), dtype=bool)
        self._rows = replace(self._reference_rows(), unseen=self._unseen())

    def _unseen(self) -> float:
        """The weight of items that no labelled one stands for, by the stated probabilities."""
        return left_out([item.probability for item in self._items], self._judged) if self._found.drawn else 0.0

    @property
    def _judged(self) -> int:
        return sum(item.was_asked for item in self._found.items)

    def _check(self) -> None:
        path, count = self._finished.path, len(self._found.labelled)
        if not self._items:
            raise ConfigError(f"{path}: none of the {count:,} labelled items was judged: rerun its command to resume")
        if all(item.verdict is None for item in self._items):
            kinds = Counter(str(item.failure) for item in self._items)
            said = ", ".join(f"{kind} {number:,}" for kind, number in kinds.most_common())
            raise ConfigError(
                f"{path}: the judge has no verdict on any of the {len(self._items):,} labelled items ({said}): nothing "
                f"can be held against the labels; judgebench show {path} lists the replies"
            )
        self._need.check(self._measures, path)

    @property
    def _measures(self) -> tuple[str, str]:
        """What the run's verdicts can be held to; the first one where nothing is asked for."""
        return ("pearson", "kappa") if self._found.kind == "grades" else ("agreement", "kappa")

    # --- rows

    def _reference_rows(self) -> ReferenceRows:
        if self._found.kind == "grades":
            grades = [[float(said) for _, said in item.labels] for item in self._items]
            return grade_rows(grades, [None if item.verdict is None else float(item.verdict) for item in self._items])
        codes = self._codes()
        told = [self._ways(item, codes) for item in self._items]
        return label_rows([labels for labels, _ in told], [shares for _, shares in told], len(codes))

    def _codes(self) -> dict[str, int]:
        """A number of each label and verdict."""
        if self._found.kind == "choices":
            most = max(item.key.k for item in self._items)
            names = [*LABELS[:most], *([TIE] if most == 2 or self._says(TIE) else [])]
        elif self._found.classes is not None:
            names = [*self._found.classes.names]
        else:
            labels = {str(said) for item in self._items for _, said in item.labels}
            verdicts = {str(said) for item in self._items for said, _ in item.shares if said is not None}
            names = sorted(labels | verdicts, key=int)
        return {name: at for at, name in enumerate(names if len(names) > 1 else [*names, ""])}

    def _says(self, name: str) -> bool:
        labels = any(said == name for item in self._items for _, said in item.labels)
        return labels or any(said == name for item in self._items for said, _ in item.shares)

    def _ways(self, item: LabelledItem, codes: Mapping[str, int]) -> tuple[list[list[int]], list[dict[int, float]]]:
        """The labels and the judge's shares as numbers; of choices whose letters are unknown, in every way."""
        labels, verdicts = [], []
        for names in self._letters(item):
            labels.append([codes[names.get(str(said), str(said))] for _, said in item.labels])
            none = len(codes)
            verdicts.append(
                {none if said is None else codes[names.get(str(said), str(said))]: share for said, share in item.shares}
            )
        return labels, verdicts

    def _letters(self, item: LabelledItem) -> Iterator[Mapping[str, str]]:
        """What each completion's letter is called in the item's row."""
        if self._found.kind != "choices":
            yield {}
        elif item.slots:
            yield dict(zip(LABELS, item.slots, strict=False))
        else:
            k = item.key.k
            yield from (dict(zip(LABELS[:k], LABELS[turn:k] + LABELS[:turn], strict=True)) for turn in range(k))

    # --- figures

    def run(self) -> RunValidation:
        """All of it."""
        figures = {name: self._rows.of_judge(name, *self._over(self._every)) for name in self._measures}
        ceiling = {name: self._rows.of_people(name, *self._over(self._every)) for name in self._measures}
        less = {name: self._rows.of_difference(name, *self._over(self._every)) for name in self._measures}
        measure = self._need.measure or self._measures[0]
        gated = figures[measure] if self._need.value is not None else less[measure]
        needed = self._need.value if self._need.value is not None else -self._need.margin
        decision, why, more = self._decide(gated, needed, measure)
        finished = self._finished
        return RunValidation(
            path=finished.path,
            title=self._title,
            benchmark=finished.benchmark.title,
            judge=finished.name.judge,
            template=finished.name.template,
            kind=self._found.kind,
            decision=decision,
            why=why,
            labels_needed=more,
            measure=measure,
            need=self._need,
            figures=figures,
            ceiling=ceiling,
            difference=less,
            alternative=self._alternative(),
            labels=self._label_metrics(),
            sections=self._parts([item.section for item in self._items]),
            subsets=self._parts([item.key.subset for item in self._items]),
            items=len(self._items),
            several=int(self._rows.several.sum()),
            units=len(np.unique(self._unit)),
            annotators=len([name for name in self._found.annotators if name != ALONE]),
            coverage=sum(share for item in self._items for said, share in item.shares if said is not None)
            / len(self._items),
            drawn=self._found.drawn,
            file=self._found.file,
            notes=tuple(self._notes()),
        )

    def _over(self, chosen: Any) -> tuple[Floats, Ints, Any]:
        return self._weight, self._unit, chosen

    def _decide(
        self, gated: GatedFigure | None, needed: float, measure: str
    ) -> tuple[Decision, str | None, int | None]:
        """The decision, why there is none, and how many more labelled items make one."""
        items = len(self._items)
        if self._need.value is None and gated is None:
            return "cannot_say", "no_ceiling", None
        if (only := self._only_label()) is not None:
            return "cannot_say", f"one_label:{only}", None
        if gated is None:
            return "cannot_say", "no_value", None
        more = labels_needed(gated, needed)
        if gated.n < FEWEST:
            return "cannot_say", "few", max(FEWEST - gated.n, more or 0)
        decision = decide(gated, needed)
        if decision != "cannot_say":
            return decision, None, None
        if measure == "pearson" and items < FEWEST:
            return decision, "few", more
        return decision, "equal" if more is None else "open", more

    def _only_label(self) -> str | None:
        """The one label that people give throughout, where there are others; None elsewhere."""
        if self._found.kind == "choices" and any(not item.slots for item in self._items):
            return None
        said = {
            next(self._letters(item)).get(str(label), _text(label)) for item in self._items for _, label in item.labels
        }
        return next(iter(said)) if len(said) == 1 else None

    def _parts(self, names: Sequence[str | None]) -> tuple[PartFigures, ...]:
        """The figures of each part, where there are several."""
        found = []
        for name in dict.fromkeys(names):
            chosen = np.array([each == name for each in names])
            if name is None or len(set(names)) < 2:
                continue
            over = self._over(chosen)
            found.append(
                PartFigures(
                    name=str(name),
                    items=int(chosen.sum()),
                    figures={each: self._rows.of_judge(each, *over) for each in self._measures},
                    ceiling={each: self._rows.of_people(each, *over) for each in self._measures},
                )
            )
        return tuple(sorted(found, key=lambda each: each.name))

    def _alternative(self) -> AlternativeTest | None:
        """The alternative-annotator test, where two people or more have names."""
        names = [name for name in self._found.annotators if name != ALONE]
        if len(names) < 2 or not self._rows.several.any():
            return None
        people: dict[str, dict[str, Said]] = {name: {} for name in names}
        for item in self._items:
            for name, said in item.labels:
                if name in people:
                    people[name][item.key.id] = said
        judge = {item.key.id: item.verdict for item in self._items if item.verdict is not None}
        return alternative_test(people, judge, grades=self._found.kind == "grades")

    def _label_metrics(self) -> dict[str, Any] | None:
        """Accuracy, F1 and the others of label runs, of items with one label."""
        classes = self._found.classes
        if classes is None:
            return None
        from judgebench.metrics.labels import LabelVerdicts, label_figures

        number = {name: at for at, name in enumerate(classes.names)}
        scale = len(self._items) / math.fsum(self._weight.tolist())
        rows = [
            (number[str(gold)], len(number) if said is None else number[str(said)], share * weight * scale, unit)
            for item, weight, unit in zip(self._items, self._weight.tolist(), self._unit.tolist(), strict=True)
            if (gold := item.label) is not None
            for said, share in item.shares
        ]
        if not rows:
            return None
        golds, verdicts, weights, units = (np.array(each) for each in zip(*rows, strict=True))
        return label_figures(LabelVerdicts(golds, verdicts, weights, units, np.full(len(rows), np.nan)), classes)

    def _notes(self) -> Iterator[str]:
        yield from self._found.notes
        yield from self._finished.notes
        if self._unasked:
            yield f"{self._unasked:,} labelled items were not judged and are left out"
