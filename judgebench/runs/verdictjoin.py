"""Which item a row of verdicts is about: by its id, else by its prompt and answers, else by its place in the file."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from judgebench.errors import ConfigError
from judgebench.runs.verdictwords import UnknownWordError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from judgebench.benchmarks.dataset import Dataset
    from judgebench.items import Item
    from judgebench.runs.verdictcells import Judged

_SHOWN = 3


class ItemJoin:
    """Finds the items of a data set that rows of verdicts are about.

    Args:
        dataset: The items.
        file: What the file of verdicts is called.
    """

    def __init__(self, dataset: Dataset, file: str) -> None:
        self._dataset, self._file = dataset, file
        self._times: defaultdict[object, int] = defaultdict(int)
        self._by: set[str] = set()
        self._first_unknown: str | None = None
        self.joined = 0

    @property
    def notes(self) -> list[str]:
        """How rows were joined, where that was not by their ids."""
        return [f"{self._file} has no ids: its rows are joined {way}" for way in sorted(self._by)]

    def find(self, judged: Judged) -> str | None:
        """The id of a row's item; None where the row is of a subset that was not asked for.

        Raises:
            UnknownWordError: There is none, or there are several.
        """
        found = self._known(judged.id)
        if found is not None:
            self._check_content(found, judged)
        elif judged.prompt or any(judged.answers):
            found = self._by_content(judged)
        elif judged.id is None:
            found = self._in_order(judged)
        if found is None and not self._is_part:
            raise UnknownWordError(
                f"id '{judged.id}' is not in the data (which has '{next(iter(self._dataset.keys))}')"
            )
        if found is None:
            self._first_unknown = self._first_unknown or judged.id
        self.joined += found is not None
        return found

    def places(self, item: str, judged: Judged) -> dict[int, int] | None:
        """The completion that each answer of a row is, by its text; None where texts do not tell."""
        if not judged.answers or not all(judged.answers):
            return None
        of = {mark: index for index, mark in enumerate(self._marks[item][1:])}
        found = {at: of.get(_mark(answer)) for at, answer in enumerate(judged.answers)}
        if None in found.values() or len({*found.values()}) < len(self._marks[item]) - 1:
            return None
        return {at: index for at, index in found.items() if index is not None}

    def check(self) -> None:
        """Finds out, at the end, whether rows were joined at all, and in order only where there are as many.

        Raises:
            ConfigError: They were not.
        """
        if not self.joined:
            asked = " of the subsets" if self._is_part else ""
            raise ConfigError(
                f"{self._file}: no verdict on any of the {len(self._dataset.keys)} items{asked}: its first id is "
                f"'{self._first_unknown}', that of the data '{next(iter(self._dataset.keys))}'"
            )
        rows = max(self._times.values(), default=0)
        if _IN_ORDER in self._by and rows != len(self._dataset.keys):
            raise ConfigError(
                f"{self._file}: has no ids and no texts, and {rows} rows for {len(self._dataset.keys)} items: add a "
                "column 'id', or name it with --columns id=COLUMN"
            )

    @property
    def _is_part(self) -> bool:
        return len(self._dataset.keys) < self._dataset.total

    def _known(self, identifier: str | None) -> str | None:
        """The id as the data has it: 1.0, as a table with a gap in the column has it, is 1."""
        if identifier is None:
            return None
        whole = identifier.removesuffix(".0")
        return next((each for each in (identifier, whole) if each in self._dataset.keys), None)

    def _check_content(self, item: str, judged: Judged) -> None:
        """Finds ids that count other rows: the texts of this one are those of another item."""
        if judged.prompt and judged.answers and all(judged.answers):
            content = _content(judged.prompt, judged.answers)
            others = self._by_texts.get(content, ())
            if others and item not in others:
                raise UnknownWordError(
                    f"id '{judged.id}' has the prompt and answers of item '{others[0]}' of the data: ids differ; to "
                    "join by text, name no column id (--columns key=id)"
                )

    def _by_content(self, judged: Judged) -> str | None:
        prompt, answers = judged.prompt, judged.answers if all(judged.answers) else ()
        content = _content(prompt, answers)
        found = self._by_texts.get(content, ())
        what = "prompt and answers" if prompt and answers else "prompt" if prompt else "answers"
        if not found and self._is_part:
            return None
        if not found:
            known = "" if judged.id is None else f"id '{judged.id}' is not in the data, and "
            raise UnknownWordError(f"{known}no item of the data has this {what}: {str(prompt or answers[0])!r:.60}")
        if len(found) > 1 and not answers:
            named = ", ".join(f"'{each}'" for each in found[:_SHOWN])
            raise UnknownWordError(
                f"{len(found)} items of the data have this prompt ({named}): add a column 'id', or both answers"
            )
        self._by.add(f"by {what}")
        return found[0] if len(found) == 1 else found[self._next(content, judged) % len(found)]

    def _in_order(self, judged: Judged) -> str | None:
        if self._is_part and judged.subset is not None and judged.subset not in self._subsets:
            return None
        number = self._next("", judged)
        ids = self._ids
        self._by.add(_IN_ORDER)
        if number >= len(ids):
            return ids[-1] if ids else None  # `check` says so
        if judged.subset is not None and judged.subset != self._dataset.keys[ids[number]].subset:
            raise UnknownWordError(
                f"is of subset '{judged.subset}', and item {number + 1} of the data of "
                f"'{self._dataset.keys[ids[number]].subset}': the two are in another order; add a column 'id'"
            )
        return ids[number]

    def _next(self, content: object, judged: Judged) -> int:
        """How often such a row of the same annotator, order and sample was there before."""
        key = (content, judged.annotator, judged.order, judged.sample)
        self._times[key] += 1
        return self._times[key] - 1

    @cached_property
    def _ids(self) -> Sequence[str]:
        return [*self._dataset.keys]

    @cached_property
    def _subsets(self) -> Collection[str]:
        return {key.subset for key in self._dataset.keys.values()}

    @cached_property
    def _marks(self) -> dict[str, tuple[bytes, ...]]:
        """Of each item, what tells its prompt and each of its completions."""
        return {item.id: (_prompt_of(item), *(_mark(each.text) for each in item.completions)) for item in self._dataset}

    @cached_property
    def _by_texts(self) -> dict[bytes, list[str]]:
        """The items with a prompt and answers, with a prompt, and with answers."""
        found: defaultdict[bytes, list[str]] = defaultdict(list)
        for item, (prompt, *answers) in self._marks.items():
            for content in {_joined(prompt, answers), _joined(prompt, ()), _joined(b"", answers)}:
                found[content].append(item)
        return dict(found)


_IN_ORDER = "in the order of the data"


class NumberedRows:
    """Ids of rows that have none: the row's number, and one for rows of several annotators, orders or samples.

    Example:
        >>> rows = NumberedRows()
        >>> from judgebench.runs.verdictcells import Judged
        >>> [rows.id_of(Judged(id=None, said=None, prompt="p", annotator=who), n) for n, who in enumerate("aba", 1)]
        ['1', '1', '3']
    """

    def __init__(self) -> None:
        self._ids: defaultdict[bytes, list[str]] = defaultdict(list)
        self._times: defaultdict[object, int] = defaultdict(int)

    def id_of(self, judged: Judged, number: int) -> str:
        """The id of a row's item; the row's number where no row with these texts is another's verdict on it."""
        if not judged.prompt and not any(judged.answers):
            return str(number)
        content = _joined(_mark(judged.prompt or ""), [*map(_mark, judged.answers), *map(_mark, judged.models)])
        key = (content, judged.annotator, judged.order, judged.sample)
        ids, at = self._ids[content], self._times[key]
        self._times[key] += 1
        if at == len(ids):
            ids.append(str(number))
        return ids[at]


def _content(prompt: str | None, answers: Iterable[str]) -> bytes:
    return _joined(_mark(prompt) if prompt else b"", [_mark(answer) for answer in answers])


def _joined(prompt: bytes, answers: Iterable[bytes]) -> bytes:
    """What tells a prompt with answers in any order."""
    return hashlib.blake2b(b"".join([prompt, b"|", *sorted(answers)]), digest_size=16).digest()


def _mark(text: str | None) -> bytes:
    """What tells a text, whatever its white space."""
    said = " ".join((text or "").split())
    return hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _prompt_of(item: Item) -> bytes:
    return _mark(item.conversation[-1].text if item.conversation else "")
