"""People's labels of a run's items, out of a file or as the items carry them, beside the judge's verdicts."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING, Literal

from judgebench.analysis.labelwords import LabelWords
from judgebench.analysis.peoplerows import read_people
from judgebench.errors import ConfigError, DataError, unknown_name
from judgebench.items import LABELS, NEVER_ASKED, TIE, Failure
from judgebench.metrics.inclusion import left_out
from judgebench.metrics.votes import join, majority
from judgebench.runs import Finished, Run, open_run, protocol_of, run_templates, up_to_date

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from judgebench.analysis.peoplerows import PeopleRow
    from judgebench.items import Classes, FailureKind, ItemKey, Outcome, Reading
    from judgebench.metrics.votes import Join
    from judgebench.sources.opening import Data

Said = str | float
"""What a person or the judge says of an item: a choice, a class or a grade.

A choice is the letter of a completion, in the order in which the item has them (`A` is the first), or `tie`.
"""

Kind = Literal["choices", "classes", "steps", "grades"]
"""What verdicts and labels are: completions of an item, classes of one, numbers of a first wrong step, or grades."""

ALONE = ""
"""Whose label it is where nobody is named."""


@dataclass(frozen=True, slots=True)
class LabelledItem:
    """An item of a run, what the judge says of it, and what people do.

    Attributes:
        key: The item without its texts.
        section: Of the benchmark; None where it has none.
        verdict: The judge's one verdict: the majority of its readings where the run does not aggregate them otherwise
            (a draw of choices is a tie, one of classes no verdict), or their mean rating; None without one.
        shares: What the run scores: the share of its readings for each verdict, `None` for those without one; of
            sum 1, and empty where nothing was asked.
        failure: Why there is no verdict; `not_asked` where no call was made.
        labels: By annotator; empty where nobody has labelled the item.
        probability: With which the item was drawn to be labelled; 1 where nothing is said.
        slots: Of choices, which letter each completion has in the item's row; empty where that is not known.
    """

    key: ItemKey
    section: str | None
    verdict: Said | None
    shares: tuple[tuple[Said | None, float], ...]
    failure: FailureKind | None
    labels: tuple[tuple[str, Said], ...] = ()
    probability: float = 1.0
    slots: str = ""

    @property
    def was_asked(self) -> bool:
        """Whether the judge was asked, so that a missing verdict is a fault of its own."""
        return self.failure not in NEVER_ASKED

    @property
    def label(self) -> Said | None:
        """The one label: the most frequent one, or the mean grade; None without any.

        Where several are the most frequent, two choices make a tie, and there is none of classes.
        """
        said = [each for _, each in self.labels]
        if not said:
            return None
        if not any(isinstance(each, str) for each in said):
            return fmean(map(float, said))
        found = majority((str(each), 1.0) for each in said)
        return str(found.choice) if found.choice is not None else TIE if self.key.k == 2 else None


@dataclass(frozen=True, slots=True)
class Labelled:
    """A run beside people's labels of its items.

    Attributes:
        finished: The run.
        kind: What labels and verdicts are.
        classes: Of classes; None elsewhere.
        items: Every item of the run, with labels or without.
        file: The file of the labels; None where the items carry their own.
        drawn: Whether the items were drawn to be labelled with probabilities that the file states.
        notes: What a reader must know of the labels, a sentence each.
    """

    finished: Finished
    kind: Kind
    classes: Classes | None
    items: tuple[LabelledItem, ...]
    file: str | None = None
    drawn: bool = False
    notes: tuple[str, ...] = ()

    @property
    def labelled(self) -> tuple[LabelledItem, ...]:
        """The items with a label of one person at least."""
        return tuple(item for item in self.items if item.labels)

    @property
    def annotators(self) -> tuple[str, ...]:
        """Everyone who labelled an item; `ALONE` for labels without a name."""
        return tuple(dict.fromkeys(name for item in self.items for name, _ in item.labels))


def labelled(
    run: Run | Finished | str | Path,
    labels: Data | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    meanings: Mapping[str, str] | None = None,
) -> Labelled:
    """A run's verdicts beside people's labels.

    >>> import judgebench as jb
    >>> from judgebench.analysis.labelled import labelled
    >>> run = jb.run("rewardbench", judge="offline/longest", data="sample")
    >>> len(labelled(run, [{"id": next(iter(run.items)).id, "label": "chosen"}]).labelled)
    1

    Args:
        run: The run, or its folder.
        labels: Rows `id, label[, annotator, probability]`, in any form that rows have; None: the items' own labels.
        columns: Columns by name, as in `{"label": "vote", "id": "key"}`.
        meanings: What stands in a label -> what it means, as in `{"left": "A"}`.

    Raises:
        ConfigError: The run has no verdicts that labels can be held against, or no labels; an id is of no item, or a
            label says nothing; the message names the row and what helps.
    """
    finished = run if isinstance(run, Finished) else up_to_date(run if isinstance(run, Run) else open_run(run))
    bare = verdicts_of(finished)
    kind, classes = bare.kind, bare.classes
    items = {item.key.id: item for item in bare.items}
    if labels is None and (columns or meanings):
        raise ConfigError("--columns and --label-map say how a file of labels is read: name one with --labels")
    if labels is None:
        words = LabelWords(finished, kind, classes, ())
        own = [
            replace(each, labels=tuple(_own(each.key, kind)), slots=words.slots(each.key)) for each in items.values()
        ]
        found = Labelled(finished, kind, classes, tuple(own))
    else:
        found = _with_rows(bare, labels, columns, meanings)
    if not found.labelled:
        where = f"{found.file}: no row has a label" if found.file else f"{finished.path}: no item has a label of people"
        raise ConfigError(f"{where}; give --labels FILE with the columns id and label")
    return found


def verdicts_of(finished: Finished) -> Labelled:
    """A run's verdicts alone, without any label.

    Raises:
        ConfigError: The run has no verdicts that labels can be held against.
    """
    finished.need_judgements()
    if finished.run.manifest.altered is not None:
        raise ConfigError(f"{finished.path}: a control over altered items: name the run beside it")
    kind = _kind_of(finished)
    classes = finished.run.manifest.template.label_classes if kind == "classes" else None
    return Labelled(finished, kind, classes, tuple(_judged(finished, kind)))


def _kind_of(finished: Finished) -> Kind:
    """What the run's verdicts are.

    Raises:
        ConfigError: They are verdicts on criteria, or of several questions an item.
    """
    kind = finished.run.manifest.template.kind
    if kind is not None and kind.mode == "criteria":
        raise ConfigError(
            f"{finished.path}: verdicts on criteria are held against the labels of the criteria, by report; "
            "labels by item need a run of choices, classes, steps or ratings"
        )
    if any(key.attributes for key in finished.keys.values()):
        raise ConfigError(f"{finished.path}: grades by attribute are held against the items' own, by report")
    if kind is not None and kind.mode in {"label", "steps"}:
        return "classes" if kind.mode == "label" else "steps"
    if any(key.k > 1 for key in finished.keys.values()):
        if not finished.is_scores and not finished.made_of and protocol_of(finished).pairs is not None:
            raise ConfigError(
                f"{finished.path}: several pairs were asked of each item (--pairs), so there is no one verdict to hold "
                "labels against: name a run that judges all answers at once"
            )
        return "choices"
    return "grades"


def _judged(finished: Finished, kind: Kind) -> Iterator[LabelledItem]:
    """Every item with the judge's verdict; of choices those that have one."""
    protocol = None if finished.is_scores else protocol_of(finished)
    rule: Join = "mean" if protocol is None else protocol.join
    if kind == "steps" and rule == "mean":
        rule = "majority"
    section_of, readings = finished.benchmark.layout.section_of, finished.readings
    for item, outcome in finished.outcomes.items():
        key = finished.keys[item]
        if kind == "choices" and key.k < 2:
            continue
        among = readings.get(item, [])
        shares = _shares(outcome, among, rule, kind)
        failure = None
        verdict = _verdict(shares, kind)
        if verdict is None:
            kinds = [reading.result.kind for reading in among if isinstance(reading.result, Failure)]
            asked = [each for each in kinds if each not in NEVER_ASKED]
            none: FailureKind = "missing" if finished.is_scores else "not_asked"
            failure = (asked or kinds or (["ambiguous"] if among else [none]))[0]
        section = section_of(key)
        yield LabelledItem(key, section, verdict, shares if failure not in NEVER_ASKED else (), failure)


def _shares(
    outcome: Outcome, readings: Sequence[Reading], rule: Join, kind: Kind
) -> tuple[tuple[Said | None, float], ...]:
    """The share of readings for each verdict."""
    said: list[Said | None]
    if kind == "grades":
        known = [reading.rating for reading in readings if reading.rating is not None]
        known = known or [sample[0] for sample in outcome.scores if sample and sample[0] is not None]
        said = [fmean(known) if known else None]
    elif kind == "choices" and outcome.scores:
        scores = outcome.scores if rule == "mean" else [_means(outcome.scores)]
        said = [_highest(sample) for sample in scores]
    else:
        said = [_named(reading) for reading in join(readings, rule)]
    return tuple((each, count / len(said)) for each, count in Counter(said).items())


def _named(reading: Reading) -> str | None:
    if reading.failed:
        return None
    if len(reading.order) == 1:
        return reading.label
    return TIE if reading.choice is None else LABELS[reading.choice]


def _means(samples: Sequence[tuple[float | None, ...]]) -> tuple[float | None, ...]:
    columns = [[score for score in column if score is not None] for column in zip(*samples, strict=True)]
    return tuple(fmean(column) if column else None for column in columns)


def _highest(scores: Sequence[float | None]) -> str | None:
    """The completion with the highest score; a tie where several have it, nothing where one is missing."""
    known = [score for score in scores if score is not None]
    if len(known) < len(scores) or not known:
        return None
    best = [at for at, score in enumerate(known) if score == max(known)]
    return LABELS[best[0]] if len(best) == 1 else TIE


def _verdict(shares: Sequence[tuple[Said | None, float]], kind: Kind) -> Said | None:
    """The verdict with the largest share; of several choices a tie, of several classes none."""
    votes = [(said, share) for said, share in shares if said is not None]
    if not votes:
        return None
    top = max(share for _, share in votes)
    best = [said for said, share in votes if share >= top - 1e-9]
    return best[0] if len(best) == 1 else TIE if kind == "choices" else None


def _own(key: ItemKey, kind: Kind) -> Iterator[tuple[str, Said]]:
    """The labels that an item carries."""
    if kind == "steps":
        if key.gold is not None:
            yield ALONE, key.gold
    elif key.annotations:
        yield from key.annotations
    elif kind == "grades":
        if key.human_score is not None:
            yield ALONE, key.human_score
    elif key.label is not None:
        yield ALONE, key.label
    elif kind == "choices" and key.num_correct == 1:
        yield ALONE, LABELS[0]


# --- labels of a file


def _with_rows(
    found: Labelled, labels: Data, columns: Mapping[str, str] | None, meanings: Mapping[str, str] | None
) -> Labelled:
    """The same with the labels of a file."""
    known = {item.key.id: item for item in found.items}
    name, rows = read_people(labels, columns or {}, meanings or {}, known)
    rows = _as_run_writes(rows, known)
    rows, notes = _of_run(found.finished, name, rows, known)
    words = LabelWords(found.finished, found.kind, found.classes, rows)
    given: dict[str, dict[str, tuple[Said, PeopleRow]]] = {}
    for row in rows:
        label = words.label(row, known[row.id].key)
        earlier = given.setdefault(row.id, {}).get(row.annotator)
        if earlier is not None:
            who = f"annotator '{row.annotator}' labels item" if row.annotator else "item"
            how = "" if row.annotator else " is labelled"
            fix = "keep one of the rows" if row.annotator else "keep one, or name each row's annotator in a column"
            raise DataError(f"{row.where}: {who} '{row.id}'{how} twice, first in {earlier[1].where}; {fix}")
        other = next(iter(given[row.id].values()), None)
        if other is not None and other[1].probability != row.probability:
            raise DataError(
                f"{row.where}: item '{row.id}' was drawn with probability {row.probability:g} here and "
                f"{other[1].probability:g} in {other[1].where}; an item has one"
            )
        given[row.id][row.annotator] = label, row
    items = []
    for item in found.items:
        said = given.get(item.key.id, {})
        each = tuple((who, label) for who, (label, _) in said.items())
        drawn = next((row.probability for _, row in said.values()), 1.0)
        items.append(replace(item, labels=each, probability=drawn, slots=words.slots(item.key)))
    found = replace(found, items=tuple(items), file=name, drawn=any(row.drawn for row in rows))
    return replace(found, notes=(*notes, *_short(found), *_other_scale(found)))


def _short(found: Labelled) -> Iterator[str]:
    """A warning where the stated probabilities leave much of the run out."""
    drawn = [item.probability for item in found.labelled]
    if found.drawn and left_out(drawn, len(found.items)):
        stood = sum(1 / each for each in drawn)
        yield (
            f"by their probabilities the labelled items stand for about {stood:,.0f} of the run's "
            f"{len(found.items):,}: a kind that was hardly drawn may have no label; check the column, or label more"
        )


def _other_scale(found: Labelled) -> Iterator[str]:
    """A warning where people's grades lie beyond the scale of the judge's ratings."""
    if found.kind != "grades":
        return
    said = [float(label) for item in found.labelled for _, label in item.labels]
    finished = found.finished
    bare = finished.is_scores or finished.made_of
    scale = None if bare else run_templates(finished).wording.rule.scale
    if said and scale is not None and (min(said) < scale[0] or max(said) > scale[1]):
        yield (
            f"people's grades go from {min(said):g} to {max(said):g}, the judge's scale from {scale[0]:g} to "
            f"{scale[1]:g}: its own mean and the weighted kappa say nothing; Pearson's r and corrected means do"
        )


def _as_run_writes(rows: list[PeopleRow], known: Mapping[str, LabelledItem]) -> list[PeopleRow]:
    """The rows with the run's ids where the file writes a number otherwise: 7.0, as of a column with gaps, or 007."""
    if all(row.id in known for row in rows):
        return rows
    alike: dict[str, list[str]] = {}
    for item in known:
        alike.setdefault(_plain_number(item), []).append(item)
    of = {row.id: alike.get(_plain_number(row.id), []) for row in rows if row.id not in known}
    return [replace(row, id=of[row.id][0]) if len(of.get(row.id, ())) == 1 else row for row in rows]


def _plain_number(identifier: str) -> str:
    found = _WHOLE.fullmatch(identifier)
    return identifier if found is None else found[1]


_WHOLE = re.compile(r"0*(\d+)(?:\.0+)?")


def _of_run(
    finished: Finished, name: str, rows: Sequence[PeopleRow], known: Mapping[str, LabelledItem]
) -> tuple[list[PeopleRow], list[str]]:
    """The rows of the run's items.

    Raises:
        DataError: None is, or one is not though the run has all items of its data.
    """
    kept = [row for row in rows if row.id in known]
    others = [row for row in rows if row.id not in known]
    if rows and not kept:
        first = next(iter(finished.keys), "")
        raise DataError(
            f"{name}: labels of other items: none of its {len({row.id for row in rows}):,} ids is of the run "
            f"{finished.path} (its first id is '{others[0].id}', the run's '{first}'); name the run of these items"
        )
    if not others:
        return kept, []
    count = finished.run.manifest.items
    if count.of is not None and count.count is not None and count.count < count.of:
        left = len({row.id for row in others})
        return kept, [f"{left:,} labelled items are not among the {count.count:,} that the run has of {count.of:,}"]
    mend = f"ids are those of the run {finished.path}; leave rows of other items out"
    raise DataError(f"{others[0].where}: {unknown_name('item', others[0].id, known, mend=mend)}")
