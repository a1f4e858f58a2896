"""The file that a reward model's scores go to, item by item, so that a run that was killed goes on where it was."""

from __future__ import annotations

import json
import math
import os
from array import array
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from judgebench._util.files import open_in_place, open_to_append, write_json, writing
from judgebench._util.jsonl import loads
from judgebench._util.locks import give_back, take
from judgebench._util.steps import step
from judgebench.errors import ConfigError
from judgebench.rewards.scorer import say_not_finite

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from judgebench.benchmarks.dataset import Dataset
    from judgebench.items import Item
    from judgebench.rewards.model import ModelScore, RewardModel

_MEND = "choose another folder with --out"


class ScoreFile:
    """Rows of `id`, `scores` and what else a model says of each completion; beside it what made them.

    Attributes:
        path: A JSON line an item, in the order in which they were scored.
    """

    def __init__(self, plain: Path, identity: Mapping[str, object]) -> None:
        """Args: the file's plain path, and what makes its scores: another's file stays, and this one gets a hash."""
        self._identity = json.loads(json.dumps(identity))
        self.path = plain
        if self._known(plain) not in (None, self._identity):
            self.path = plain.with_name(f"{plain.stem}-{_digest(self._identity)}{plain.suffix}")

    @property
    def about(self) -> Path:
        """What made the scores: model, settings, versions."""
        return self.path.with_suffix(".json")

    def _known(self, path: Path) -> object:
        try:
            return json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["identity"]
        except FileNotFoundError:
            return "a file of another kind" if path.exists() else None
        except (OSError, ValueError, KeyError, TypeError):
            return "not readable"

    @contextmanager
    def open(self, about: Mapping[str, object]) -> Iterator[ScoreFile]:
        """Has the file for this process; a line that was cut off is dropped.

        Raises:
            ConfigError: Another process writes it, or it cannot be written.
        """
        lock = str(self.path.absolute())
        if not take(lock):
            raise ConfigError(f"{self.path}: another process is writing it; wait for it, or choose another --out")
        try:
            with writing(self.path, _MEND):
                self.path.parent.mkdir(parents=True, exist_ok=True)
                write_json(self.about, {"identity": self._identity, **about})
                self._drop_torn_line()
            yield self
        finally:
            give_back(lock)

    def _drop_torn_line(self) -> None:
        if not self.path.exists():
            return
        with open_in_place(self.path) as file:
            text = file.read()
            if not text.endswith(b"\n"):
                file.truncate(text.rfind(b"\n") + 1)

    def rows(self) -> Iterator[dict[str, Any]]:
        """What is there."""
        if not self.path.exists():
            return
        with self.path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                try:
                    row = loads(line)
                    row["id"]
                except (ValueError, KeyError, TypeError):
                    raise ConfigError(f"{self.path} line {number}: not a row of scores; remove the file") from None
                yield row

    def append(self, rows: Sequence[Mapping[str, object]]) -> None:
        """Adds rows; they are on the disk when this returns."""
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        with writing(self.path, _MEND), open_to_append(self.path) as file:
            file.write(text.encode("utf-8", "backslashreplace"))
            file.flush()
            os.fsync(file.fileno())


def _digest(identity: object) -> str:
    import hashlib

    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:8]


def score_dataset(scorer: RewardModel, dataset: Dataset, file: ScoreFile) -> int:
    """Scores the items that the file has not, the longest first, so that memory runs out at once or never.

    Args:
        scorer: The model.
        dataset: The items.
        file: Open.

    Returns:
        How many were there.
    """
    there, said = set[str](), False
    for row in file.rows():
        if (item_id := str(row["id"])) in dataset.keys:
            there.add(item_id)
            said = said or say_not_finite(scorer.name, item_id, row.get("scores"))
    numbers = _longest_first(dataset, there)
    by_steps = any(key.steps for key in dataset.keys.values())
    asked = (dataset.items[number] for number in numbers)
    with step(f"scoring with {scorer.name}", unit="rows", total=len(numbers)) as mine:
        records = iter(scorer.step_records(asked) if by_steps else scorer.records(_conversations(asked)))
        ready: list[dict[str, object]] = []
        for number in numbers:
            item = dataset.items[number]
            wanted = 1 if item.steps else len(item.completions)
            if scorer.pending < wanted and ready:  # the next ones take time
                file.append(ready)
                ready = []
            given = list(islice(records, wanted))
            ready.append(_row(item, given))
            said = said or say_not_finite(scorer.name, item.id, ready[-1]["scores"])
            mine.done += 1
        if ready:
            file.append(ready)
    return len(there)


def _longest_first(dataset: Dataset, there: set[str]) -> array[int]:
    sizes = array("q")
    numbers = array("q")
    for number, item in enumerate(dataset):
        if item.id in there:
            continue
        prompt = sum(len(turn.text) for turn in item.conversation)
        sizes.append(prompt + max((len(each.text) for each in item.completions), default=0))
        numbers.append(number)
    order = sorted(range(len(numbers)), key=lambda at: -sizes[at])
    return array("q", [numbers[at] for at in order])


def _conversations(items: Iterable[Item]) -> Iterator[list[dict[str, str]]]:
    for item in items:
        before = [turn.message for turn in item.conversation]
        for completion in item.completions:
            yield [*before, *(turn.message for turn in completion.turns)]


def _row(item: Item, records: Sequence[ModelScore]) -> dict[str, object]:
    """An item's line: a column for each thing that its records say, a list in the order of completions."""
    if item.steps:
        (record,) = records
        found: dict[str, object] = {"id": item.id, "scores": _numbers(record.score)}
    else:
        found = {"id": item.id, "scores": [_numbers(record.score) for record in records]}
        for name in records[0].figures:
            found[name] = [_numbers(record.figures[name]) for record in records]
    truncated = sum(bool(record.truncated) for record in records)
    return found | ({"truncated": truncated} if truncated else {})


def _numbers(value: object) -> object:
    """As JSON has it: what is no finite number as a text that names it."""
    if isinstance(value, list | tuple):
        return [_numbers(each) for each in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
