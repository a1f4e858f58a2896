"""What `tune` is to do: the wordings, the train items and the held-out ones, all checked before the first call."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from judgebench.benchmarks.suites import check_single
from judgebench.engine.candidates import Wording, check_given
from judgebench.engine.forecast import DISCORDANCE
from judgebench.engine.plan import chosen_judges, companion_of, named_templates, plan
from judgebench.engine.writing import read_edits
from judgebench.errors import ConfigError
from judgebench.items import TIE, Outcome, text_print
from judgebench.judges import Judge, load_judges
from judgebench.metrics.accuracy import group_weights
from judgebench.metrics.comparisons import minimal_detectable_difference
from judgebench.protocols import held_out

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from judgebench.benchmarks.dataset import Dataset
    from judgebench.engine.options import PlanOptions, TuneOptions
    from judgebench.engine.spec import RunSpec
    from judgebench.engine.writing import TemplateEdit, Writer
    from judgebench.items import ItemKey

FEWEST = 20
"""With fewer independent items on one side nothing of any size can be shown."""
_ENOUGH = 0.1
"""A gain of this size is what the advice on numbers is for."""


@dataclass(frozen=True)
class TunePlan:
    """What is to be done.

    Attributes:
        candidates: The wordings that are there, over the train items; the one in use first.
        held: The items that are held out.
        unlabelled: Items without a label, which have no part in it.
        edits: What candidates are still to be written for; empty without a writer.
        writer: The model, or the function, that writes them.
        notes: What is odd about what was asked.
    """

    candidates: Sequence[Wording]
    held: Dataset
    unlabelled: int
    edits: Sequence[TemplateEdit] = ()
    writer: Judge | Writer | None = None
    notes: Sequence[str] = field(default_factory=list)

    @property
    def baseline(self) -> RunSpec:
        """The run of the wording in use over the train items."""
        return self.candidates[0].spec

    @property
    def detects(self) -> float:
        """The smallest gain that the held-out items show with a chance of 80%, if wordings differ on a fifth of them.

        Of correlations this is no guide: not-a-number.
        """
        if any(key.graded for key in self.held.keys.values()):
            return math.nan
        return minimal_detectable_difference(_units(self.held), discordant=DISCORDANCE)

    @staticmethod
    def texts_of(dataset: Dataset) -> tuple[str, ...]:
        """What tells items by their texts, sorted."""
        return tuple(sorted({text_print(item) for item in dataset}))

    def on_held_out(self, spec: RunSpec) -> RunSpec:
        """A run over the train items as one over the held-out ones."""
        return over(self.held, spec)


def plan_tune(benchmark: str, planned: PlanOptions, tuning: TuneOptions) -> TunePlan:
    """What is to be done. Nothing is written and no call is made.

    Args:
        benchmark: Whose items they are.
        planned: The judge, the wordings (the one in use first), the items and how they are asked.
        tuning: Where further candidates come from, and how many items are held out.

    Raises:
        ConfigError: Something is missing or does not fit, no item has a label, or there are too few.
    """
    check_single(benchmark, "tune with each of them")
    if len(planned.judges) > 1:
        raise ConfigError(
            f"tune is about one judge, not {len(planned.judges)}: name one with -j NAME (`judgebench judges list`)"
        )
    if len(planned.templates) < 2 and tuning.writer is None:
        given = "one is" if planned.templates else "none is"
        raise ConfigError(
            f"tune compares wordings, and {given} named: add -t FILE for the one in use and -t FILE for each "
            "candidate, or --writer NAME to have candidates written"
        )
    chosen_judges(planned)
    check_given(named_templates(planned.templates) if planned.templates else [])
    grid = plan(benchmark, planned)
    if grid.left_out:
        raise ConfigError(grid.left_out[0])
    first = grid.cells[0]
    keys = [key for key in first.dataset.keys.values() if key.labelled]
    share = tuning.held_out
    apart = held_out(keys, share, planned.seed)
    train = first.dataset.only({key.id for key in keys} - apart, "train", share)
    held = first.dataset.only(apart, "held-out", share)
    _check_sizes(keys, train, held, share)
    _check_labels(train, "train")
    _check_labels(held, "held-out")
    writer = None if tuning.writer is None else _writer(tuning.writer, planned.providers)
    return TunePlan(
        candidates=[Wording(over(train, cell), "given") for cell in grid.cells],
        held=held,
        unlabelled=len(first.dataset.keys) - len(keys),
        edits=[] if writer is None else read_edits(tuning.edits, first.template.mode),
        writer=writer,
        notes=grid.notes,
    )


def over(dataset: Dataset, spec: RunSpec) -> RunSpec:
    """A run over other items of the same data."""
    template = spec.template
    mine = dataset.held_against(template.mode, template.rule.classes, template.name)
    return replace(spec, dataset=mine, selection=mine.selection, companion=companion_of(spec.benchmark, mine, template))


def _writer(writer: object, providers: str | Path | None) -> Judge | Writer:
    from pathlib import Path

    if callable(writer) and not isinstance(writer, Judge):
        return writer
    known = load_judges(None if providers is None else Path(providers))
    try:
        (judge,) = known.chosen([writer])  # type: ignore[list-item]
    except ConfigError as error:
        raise ConfigError(f"--writer: {error}") from None
    if judge.offline or judge.decides:
        raise ConfigError(f"--writer {judge.name} writes no text: name a model")
    return judge


def _units(dataset: Dataset) -> int:
    return len({key.unit for key in dataset.keys.values()})


def _check_sizes(keys: Sequence[ItemKey], train: Dataset, held: Dataset, share: float) -> None:
    """Refuses parts of which nothing could be learnt.

    Raises:
        ConfigError: No item has a label, one part has too few, or it lacks a section of the score.
    """
    if not keys:
        raise ConfigError(
            "no item has a label, and tune compares verdicts with people's labels: name their column with --columns "
            "label=COLUMN (`judgebench data show` lists the columns)"
        )
    sizes = _units(train), _units(held)
    if min(sizes) < FEWEST:
        parts = f"{sizes[0]:,} to choose by and {sizes[1]:,} held out, at least {FEWEST} each are needed"
        if sum(sizes) >= 3 * FEWEST and not 0.25 <= share <= 0.75:
            raise ConfigError(f"--held-out {share:g} parts {sum(sizes):,} labelled items badly: {parts}; take 0.5")
        needed = next(n for n in range(10, 100_000, 10) if _detectable(n) <= _ENOUGH)
        wanted = max(needed / share, FEWEST / (1 - share))
        groups = "" if sum(sizes) >= len(train.keys) + len(held.keys) else f" in {sum(sizes):,} groups"
        raise ConfigError(
            f"{len(keys):,} labelled items{groups} are too few: {parts}. A gain of 10 points takes about "
            f"{math.ceil(wanted / 10) * 10:,}{' groups' if groups else ''} with --held-out {share:g}"
        )
    for part, dataset in (("to choose by", train), ("held out", held)):
        outcomes = [Outcome(key, 0.5, 0.5, 0.5) for key in dataset.keys.values()]
        layout = dataset.benchmark.layout
        if layout.overall == "sections" and not any(group.in_score for group in group_weights(outcomes, layout)):
            raise ConfigError(
                f"the items that are {part} lack a section of the score: take more items, or others with --subset"
            )


def _check_labels(dataset: Dataset, part: str) -> None:
    """Refuses labels that a judge which always says the same agrees with.

    Raises:
        ConfigError: All are one class, one grade or ties.
    """
    keys = dataset.keys.values()
    labels = {key.human_score if key.graded else key.gold for key in keys if not key.attributes}
    if len(labels) == 1 and (label := labels.pop()) is not None:
        what = (
            "are ties" if label == TIE else f"have the label {label:g}" if isinstance(label, float) else f"are {label}"
        )
        raise ConfigError(
            f"all {len(keys):,} {part} items {what}: always the same verdict agrees with such labels, so no wording is "
            "better; add items with other labels"
        )


def _detectable(items: int) -> float:
    return minimal_detectable_difference(items, discordant=DISCORDANCE)
