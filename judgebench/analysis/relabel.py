"""Corrected labels of a run's items, by id: what a reader found wrong, and the items as they are then."""

from __future__ import annotations

import csv
import difflib
import hashlib
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from judgebench.errors import ConfigError, DataError, unknown_name
from judgebench.items import TIE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from judgebench.items import Item, ItemKey, Outcome
    from judgebench.runs import Finished, Judgement


class _Place(NamedTuple):
    """Where a correction stands."""

    path: str | Path
    line: int


@dataclass(frozen=True, slots=True)
class Fix:
    """A corrected label.

    Attributes:
        label: `flip` (of two answers the other is better), `tie`, `none`, or the number of the best answer, where the
            correct ones come first: 0 is the first of these.
        comment: Why.
        order: Which of the item's answers, as they are stored, comes first, second ...; the correct ones come first.
        num_correct: How many are correct.
    """

    item: str
    label: str
    comment: str
    order: tuple[int, ...]
    num_correct: int

    @property
    def tie(self) -> str | None:
        """The label of an item whose two answers are equally good."""
        return TIE if self.label == TIE else None

    def moved(self, order: Sequence[int]) -> tuple[int, ...]:
        """The order in which a call showed the answers, by their new numbers."""
        return tuple(self.order.index(at) for at in order)

    def of(self, item: Item) -> Item:
        """The item with this label."""
        completions = tuple(item.completions[at] for at in self.order)
        return replace(item, completions=completions, num_correct=self.num_correct, label=self.tie)

    def of_key(self, key: ItemKey) -> ItemKey:
        """The same without its texts."""
        lengths = tuple(key.lengths[at] for at in self.order)
        return replace(key, lengths=lengths, num_correct=self.num_correct, label=self.tie)

    def of_judgement(self, judgement: Judgement) -> Judgement:
        """The judgement with the order by the new numbers."""
        return replace(judgement, order=self.moved(judgement.order))


@dataclass(frozen=True, slots=True)
class LabelChange:
    """A label that was corrected, and the item's credit before and after; None where it has none."""

    item: str
    subset: str
    label: str
    comment: str
    credit_before: float | None
    credit_after: float | None


def read_fixes(path: str | Path, finished: Finished) -> dict[str, Fix]:
    """The corrections in a CSV file with the columns `id`, `label` and, where there is one, `comment`.

    Args:
        path: The file.
        finished: Whose items they are.

    Returns:
        Those that change a label, by item.

    Raises:
        ConfigError: The file cannot be read, names an item or a label that is none, or changes no label; the run is
            over altered items.
    """
    keys = finished.keys
    if finished.run.manifest.altered is not None:
        raise ConfigError(f"{finished.path}: a run over altered items; correct the labels of the run beside it")
    fixes: dict[str, Fix] = {}
    for line, row in _rows(Path(path)):
        identifier, label = (row.get("id") or "").strip(), (row.get("label") or "").strip().casefold()
        if identifier not in keys:
            raise _at(path, line, str(unknown_name("item", identifier, keys, mend="ids are those of the run's items")))
        if identifier in fixes:
            raise _at(path, line, f"item '{identifier}' is named twice; keep one of the rows")
        words = _words(keys[identifier], unlabelled=finished.benchmark.own_rows)
        fix = _fix(_Place(path, line), keys[identifier], label, (row.get("comment") or "").strip(), words)
        if fix is not None:
            fixes[identifier] = fix
    if not fixes:
        raise DataError(f"{path}: changes no label (rows with 'keep' leave a label as it is)")
    return fixes


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path}: file not found") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}); save it as CSV in UTF-8") from None
    first = text.partition("\n")[0]
    reader = csv.DictReader(text.splitlines(), delimiter=";" if first.count(";") > first.count(",") else ",")
    heads = [(name or "").strip().casefold() for name in reader.fieldnames or ()]
    if not {"id", "label"} <= {*heads}:
        found = ", ".join(heads) or "none"
        raise DataError(f"{path}: needs the columns id and label (and comment, if any); found {found}")
    reader.fieldnames = heads
    yield from ((reader.line_num, row) for row in reader)


def _words(key: ItemKey, *, unlabelled: bool) -> list[str]:
    """What a label of the item can be, but for numbers; a benchmark's own rule knows no tie and no missing label."""
    two = ["flip", *([TIE] if unlabelled else [])] if key.k == 2 else []
    return ["keep", *two, *(["none"] if unlabelled else [])]


def _fix(place: _Place, key: ItemKey, label: str, comment: str, words: Sequence[str]) -> Fix | None:
    every = tuple(range(key.k))
    if key.human_score is not None or key.k < 2:
        raise _at(*place, f"item '{key.id}' is graded or has one answer; only labels of two or more can be corrected")
    if label == "keep":
        return None
    if label == "flip" and key.k == 2 and key.num_correct == 1:
        return Fix(key.id, label, comment, (1, 0), 1)
    if label in {TIE, "none"} and label in words:
        return Fix(key.id, label, comment, every, 0)
    if label.isdecimal() and int(label) < key.k:
        best = int(label)
        if best < key.num_correct:
            return None
        return Fix(key.id, label, comment, (best, *(at for at in every if at != best)), 1)
    near = difflib.get_close_matches(label, words, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise _at(
        *place,
        f"label '{label}' of item '{key.id}' must be {', '.join(words)} or the number of its best answer, 0 to "
        f"{key.k - 1} (0: the one labelled correct now){hint}",
    )


def _at(path: str | Path, line: int, what: str) -> DataError:
    return DataError(f"{path} line {line}: {what}")


def relabelled(finished: Finished, fixes: Mapping[str, Fix]) -> Finished:
    """The run over its items with the corrected labels: keys, judgements and whose answers they are.

    Its outcomes and figures are still those of the old labels.
    """
    if not fixes:
        return finished
    other = copy(finished)
    keys = {item: fixes[item].of_key(key) if item in fixes else key for item, key in finished.keys.items()}
    judgements = {}
    for judgement in finished.judgements.values():
        new = fixes[judgement.item].of_judgement(judgement) if judgement.item in fixes else judgement
        judgements[new.item, new.order, new.sample] = new
    models = dict(finished.models)
    for item, fix in fixes.items():
        if item in models:
            models[item] = tuple(models[item][at] for at in fix.order)
    # By its new number, which number an answer had: readings are told in these when calls are counted.
    earlier = finished.moved
    moved = {**earlier, **{item: _after(earlier.get(item), fix.order) for item, fix in fixes.items()}}
    vars(other).update(keys=keys, judgements=judgements, models=models, moved=moved)
    return other


def _after(first: tuple[int, ...] | None, second: tuple[int, ...]) -> tuple[int, ...]:
    return second if first is None else tuple(first[at] for at in second)


def labels_entry(path: str | Path, finished: Finished, fixes: Mapping[str, Fix]) -> dict[str, object]:
    """What a manifest says of corrections: the file's name, a hash of the items with them, and what moved."""
    digest = str(finished.run.manifest.items.hash)
    said = "\n".join(
        [digest, *(f"{each.item}\t{each.order}\t{each.num_correct}\t{each.tie}" for each in fixes.values())]
    )
    moved = {item: list(order) for item, order in relabelled(finished, fixes).moved.items()}
    return {"file": Path(path).name, "hash": hashlib.sha256(said.encode()).hexdigest(), "moved": moved}


def label_changes(
    finished: Finished, fixes: Mapping[str, Fix], before: Mapping[str, Outcome], after: Mapping[str, Outcome]
) -> Iterator[LabelChange]:
    """Each corrected label with what it does to its item's credit."""
    for item, fix in fixes.items():
        credits_ = before[item].credit, after[item].credit
        yield LabelChange(item, finished.keys[item].subset, fix.label, fix.comment, *credits_)
