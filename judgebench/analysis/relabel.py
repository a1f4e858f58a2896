"""Corrected labels of a run's items, by id: what a reader found wrong, and the items as they are then."""

from __future__ import annotations

import csv
import difflib
import hashlib
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from judgebench.analysis.rowanswers import row_answers
from judgebench.errors import ConfigError, DataError, unknown_name
from judgebench.items import NO_STEP, TIE, reordered
from judgebench.sources.labels import LETTERS, numbering, read_label

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from judgebench.items import Item, ItemKey, Outcome
    from judgebench.runs import Finished, Judgement


@dataclass(frozen=True, slots=True)
class Fix:
    """A corrected label.

    Attributes:
        label: `flip` (of two answers the other is better), `tie`, `none`, or what the file says of the best answer:
            `B`, `response_b`, a model's name, or its number, where the correct ones come first: 0 is the first of
            these.
        comment: Why.
        order: Which of the item's answers, as they are stored, comes first, second ...; the correct ones come first.
        num_correct: How many are correct.
        name: The class of a single answer, or its wrong steps; None of others, and where it has none.
    """

    item: str
    label: str
    comment: str
    order: tuple[int, ...]
    num_correct: int
    name: str | None = None

    @property
    def gold(self) -> str | None:
        """The label of an item whose two answers are equally good, or of one with a class."""
        return TIE if self.label == TIE and len(self.order) > 1 else self.name

    def moved(self, order: Sequence[int]) -> tuple[int, ...]:
        """The order in which a call showed the answers, by their new numbers."""
        return tuple(self.order.index(at) for at in order)

    def of(self, item: Item) -> Item:
        """The item with this label."""
        completions = tuple(item.completions[at] for at in self.order)
        grade = None if len(self.order) == 1 else item.human_score
        people = reordered(item.annotations, self.order)
        moved = replace(item, completions=completions, num_correct=self.num_correct, annotations=people)
        slots = "".join(item.slots[at] for at in self.order) if item.slots else ""
        return replace(moved, label=self.gold, human_score=grade, slots=slots)

    def of_key(self, key: ItemKey) -> ItemKey:
        """The same without its texts."""
        lengths = tuple(key.lengths[at] for at in self.order)
        slots = "".join(key.slots[at] for at in self.order) if key.slots else ""
        moved = replace(key, annotations=reordered(key.annotations, self.order), slots=slots)
        return replace(moved, lengths=lengths, num_correct=self.num_correct, label=self.gold)

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
    lines: dict[str, tuple[int, dict[str, str]]] = {}
    for line, row in _rows(Path(path)):
        identifier = (row.get("id") or "").strip()
        if identifier not in keys:
            raise _at(path, line, str(unknown_name("item", identifier, keys, mend="ids are those of the run's items")))
        if identifier in lines:
            raise _at(path, line, f"item '{identifier}' is named twice; keep one of the rows")
        lines[identifier] = line, row
    reader = _Reader(finished, {item: row["label"] or "" for item, (_, row) in lines.items()})
    fixes: dict[str, Fix] = {}
    for identifier, (line, row) in lines.items():
        try:
            fix = reader.fix(keys[identifier], (row.get("label") or "").strip(), (row.get("comment") or "").strip())
        except ValueError as error:
            raise _at(path, line, str(error)) from None
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


class _Reader:
    """What the labels of a file mean for a run's items.

    Args:
        finished: The run.
        labels: All labels of the file, by item.
    """

    def __init__(self, finished: Finished, labels: Mapping[str, str]) -> None:
        self._finished, self._labels = finished, labels
        self._unlabelled = finished.benchmark.own_rows
        self._classes = finished.run.manifest.template.label_classes
        codes: dict[int, set[int]] = {}
        for item, label in labels.items():
            if label.strip().isdecimal():
                codes.setdefault(finished.keys[item].k, set()).add(int(label))
        self._counted = {k for k, among in codes.items() if k in among and numbering(among | {1}, k) is not None}

    @cached_property
    def _rows(self) -> dict[str, tuple[int, ...]]:
        return row_answers(self._finished, self._labels)

    def fix(self, key: ItemKey, text: str, comment: str) -> Fix | None:
        """The correction that a label is; None where it changes nothing.

        Raises:
            ValueError: It is none; the message says what could stand there.
        """
        label = text.casefold()
        if self._classes is not None and key.k == 1:
            return self._class(key, text, comment)
        if key.steps:
            return self._steps(key, text, comment)
        if key.human_score is not None or key.k < 2:
            raise ValueError(
                f"item '{key.id}' is graded or has one answer; only labels of two or more can be corrected"
            )
        if label in {"", "keep", "chosen"}:
            return None
        every = tuple(range(key.k))
        if label in {"flip", "rejected"} and key.k == 2 and key.num_correct == 1:
            return Fix(key.id, "flip", comment, (1, 0), 1)
        said = read_label(text, key.k)
        if self._unlabelled and key.k == 2 and (said == TIE or (said == 0 and key.k in self._counted)):
            return None if key.label == TIE else Fix(key.id, TIE, comment, every, 0)
        if self._unlabelled and label == "none":
            return Fix(key.id, "none", comment, every, 0)
        best = self._best(key, text, said)
        if best < key.num_correct:
            return None
        return Fix(key.id, text, comment, (best, *(at for at in every if at != best)), 1)

    def _class(self, key: ItemKey, text: str, comment: str) -> Fix | None:
        """The correction of a class."""
        assert self._classes is not None
        names = self._classes.names
        if text.casefold() in {"", "keep"}:
            return None
        others = [name for name in names if name != key.label]
        name = self._classes.find(text)
        if name is None and text.casefold() == "flip" and len(others) == 1:
            name = others[0]
        if name is None and text.casefold() != "none":
            words = ["keep", *(["flip"] if len(names) == 2 else []), "none", *names]
            near = difflib.get_close_matches(text.casefold(), words, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(f"label '{text}' of item '{key.id}' must be {', '.join(words)}{hint}")
        return None if name == key.label else Fix(key.id, text, comment, (0,), 0, name)

    def _steps(self, key: ItemKey, text: str, comment: str) -> Fix | None:
        """The correction of the first wrong step, or of all of them."""
        if text.casefold() in {"", "keep"}:
            return None
        said = text.replace(",", " ").split()
        known = {str(at) for at in range(NO_STEP, key.steps)}
        if text.casefold() != "none" and (not {*said} <= known or (str(NO_STEP) in said and len(said) > 1)):
            last = key.steps - 1
            raise ValueError(
                f"label '{text}' of item '{key.id}' must be keep, none, or the number of its first wrong step, 0 to "
                f"{last}, or {NO_STEP}"
            )
        name = None if text.casefold() == "none" else " ".join(sorted({*said}, key=int))
        return None if name == key.label else Fix(key.id, text, comment, (0,), 0, name)

    def _best(self, key: ItemKey, text: str, said: str | int | None) -> int:
        """The number of the best answer, as the item has it."""
        if isinstance(said, int) and key.k not in self._counted and 0 <= said < key.k:
            return said
        models = [at for at, model in enumerate(self._finished.models.get(key.id) or ()) if model == text]
        if len(models) == 1:
            return models[0]
        at = said - 1 if isinstance(said, int) and key.k in self._counted else None
        at = LETTERS.index(said) if isinstance(said, str) and said in LETTERS[: key.k] and said else at
        if at is None or not 0 <= at < key.k:
            raise ValueError(self._expected(key, text))
        if key.id not in self._rows:
            raise ValueError(
                f"label '{text}' of item '{key.id}' is an answer of its row, and the run's rows are not there or say "
                "which one is chosen: write flip or keep, or the number of the best answer (0: the one labelled "
                "correct now)"
            )
        return self._rows[key.id][at]

    def _expected(self, key: ItemKey, text: str) -> str:
        two = ["flip", *([TIE] if self._unlabelled else [])] if key.k == 2 else []
        words = ["keep", *two, *(["none"] if self._unlabelled else []), *LETTERS[: key.k]]
        near = difflib.get_close_matches(text.casefold(), words, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        return (
            f"label '{text}' of item '{key.id}' must be {', '.join(words)} or the number of its best answer, 0 to "
            f"{key.k - 1} (0: the one labelled correct now){hint}"
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


def labels_entry(
    path: str | Path, finished: Finished, fixes: Mapping[str, Fix], score_before: float | None
) -> dict[str, object]:
    """What a manifest says of corrections: the file's name, a hash of the items with them, and what moved."""
    digest = str(finished.run.manifest.items.hash)
    said = "\n".join(
        [digest, *(f"{each.item}\t{each.order}\t{each.num_correct}\t{each.gold}" for each in fixes.values())]
    )
    moved = {item: list(order) for item, order in relabelled(finished, fixes).moved.items()}
    return {
        "file": Path(path).name,
        "hash": hashlib.sha256(said.encode()).hexdigest(),
        "count": len(fixes),
        "score_before": score_before,
        "moved": moved,
    }


def label_changes(
    finished: Finished, fixes: Mapping[str, Fix], before: Mapping[str, Outcome], after: Mapping[str, Outcome]
) -> Iterator[LabelChange]:
    """Each corrected label with what it does to its item's credit."""
    for item, fix in fixes.items():
        credits_ = before[item].credit, after[item].credit
        yield LabelChange(item, finished.keys[item].subset, fix.label, fix.comment, *credits_)
