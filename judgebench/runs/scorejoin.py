"""Which row of a score file is whose: by id, by prompt, or in the order of the data."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from judgebench.benchmarks import base
from judgebench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench.benchmarks.dataset import Dataset
    from judgebench.items import ItemKey
    from judgebench.runs.scorefiles import ScoredRow

    Rows = Sequence[ScoredRow]

IN_ORDER = "--in-order takes them in the order of the data"
"""How to go on where ids are of no use."""

_SHOWN = 5


def joined_rows(
    rows: Rows, dataset: Dataset, file: str, notes: list[str], *, in_order: bool = False, allow_missing: bool = False
) -> dict[str, ScoredRow]:
    """The row of each item that has one.

    Args:
        rows: All rows of the file.
        dataset: The items.
        file: Its name, for messages.
        notes: Gets how rows were joined, where that is not by id, and what was passed over.
        in_order: Take them in the order of the data, whatever their ids.
        allow_missing: Pass over rows of no item.

    Raises:
        ConfigError: The rows are not those of the items; the message shows one of each side.
    """
    if in_order:
        return _in_order(rows, dataset, file)
    if all(row.id is None for row in rows):
        by_prompt = _by_prompt(rows, dataset, allow_missing=allow_missing)
        if by_prompt is not None:
            notes.append(f"{file} has no ids: its rows are joined by their prompts")
            return by_prompt
        made = _in_order(rows, dataset, file)
        notes.append(f"{file} has no ids: its {len(rows)} rows are taken in the order of the data")
        return made
    return _by_id(rows, dataset, file, notes, allow_missing=allow_missing)


def _by_id(rows: Rows, dataset: Dataset, file: str, notes: list[str], *, allow_missing: bool) -> dict[str, ScoredRow]:
    without = next((row for row in rows if row.id is None), None)
    if without is not None:
        raise ConfigError(f"{without.where}: has no column 'id', and other rows have one")
    ids = [_known(str(row.id), dataset) for row in rows]
    twice = [identifier for identifier, count in Counter(ids).items() if count > 1]
    if twice:
        as_many = len(rows) in {len(dataset.keys), dataset.total}
        where = next(row.where for row, identifier in reversed([*zip(rows, ids, strict=True)]) if identifier in twice)
        mend = f"; {IN_ORDER}" if as_many else "; every item has one row"
        named = base.named([f"'{identifier}'" for identifier in twice], _SHOWN)
        raise ConfigError(f"{where}: duplicate id {named}{mend}")
    found = {identifier: row for identifier, row in zip(ids, rows, strict=True) if identifier in dataset.keys}
    unknown = [identifier for identifier in ids if identifier not in dataset.keys]
    if not found:
        mend = f"; {IN_ORDER}" if len(rows) == len(dataset.keys) else ""
        raise ConfigError(
            f"{file}: no scores for any of the {len(dataset.keys)} items: its first id is '{unknown[0]}', that of the "
            f"data '{next(iter(dataset.keys))}'; use the ids of the data{mend}"
        )
    if dataset.total > len(dataset.keys):
        return found  # with --subset, those of the items left out are no mistake
    missing = next((item for item in dataset.keys if item not in found), None)
    if unknown and not allow_missing:
        beside = "" if missing is None else f" (in the data, and not in the file: {missing})"
        raise ConfigError(
            f"{file}: ids not in the data: {base.named(unknown, _SHOWN)}{beside}; --allow-missing ignores them"
        )
    if unknown:
        what = "id" if len(unknown) == 1 else "ids"
        notes.append(f"{len(unknown)} {what} not in the data ignored: {base.named(unknown, _SHOWN)}")
    return found


def _known(identifier: str, dataset: Dataset) -> str:
    """The id as the data has it: 1.0, as a table with a gap in the column has it, is 1."""
    if identifier in dataset.keys:
        return identifier
    whole = identifier.removesuffix(".0")
    return whole if whole in dataset.keys else identifier


def _by_prompt(rows: Rows, dataset: Dataset, *, allow_missing: bool) -> dict[str, ScoredRow] | None:
    """By the prompt, where every row has one and it stands once on each side; else None."""
    prompts = {row.prompt.strip(): row for row in rows if row.prompt is not None}
    if len(prompts) < len(rows):
        return None
    asked = [(item.id, item.conversation[-1].text.strip() if item.conversation else "") for item in dataset]
    found = {item: prompts[prompt] for item, prompt in asked if prompt in prompts}
    taken = {row.where for row in found.values()}
    if not found or len(taken) < len(found):
        return None
    left = [row for row in rows if row.where not in taken]
    if left and dataset.total == len(dataset.keys) and not allow_missing:
        other = next((f"; the data has '{prompt[:40]}'" for _, prompt in asked if prompt not in prompts), "")
        raise ConfigError(
            f"{left[0].where}: no item has the prompt '{str(left[0].prompt).strip()[:40]}'{other}; --allow-missing "
            "ignores such rows"
        )
    return found


def _in_order(rows: Rows, dataset: Dataset, file: str) -> dict[str, ScoredRow]:
    keys = list(dataset.keys.values())
    if len(rows) != len(keys):
        mend = "give the column 'id'" if all(row.id is None for row in rows) else "leave --in-order out, to join by id"
        raise ConfigError(f"{file}: {len(rows)} rows for {len(keys)} items, which have no order in common: {mend}")
    ids = Counter(row.id for row in rows)
    for number, (row, key) in enumerate(zip(rows, keys, strict=True), 1):
        if row.id is not None and ids[row.id] == 1 and row.id != key.id and row.id in dataset.keys:
            raise _another(row, key, f"has the id '{row.id}'", number)
        if row.subset is not None and row.subset.casefold() != key.subset.casefold():
            raise _another(row, key, f"is of subset '{row.subset}'", number)
    prompts = {row.where for row in rows if row.prompt is not None}
    if prompts:
        for number, (row, item) in enumerate(zip(rows, dataset, strict=True), 1):
            own = item.conversation[-1].text if item.conversation else ""
            # A prompt may be in its chat template.
            if row.prompt is not None and own.strip() not in row.prompt and row.prompt.strip() not in own:
                raise _another(row, item.key, f"has the prompt '{row.prompt.strip()[:40]}'", number)
    return {key.id: row for row, key in zip(rows, keys, strict=True)}


def _another(row: ScoredRow, key: ItemKey, what: str, number: int) -> ConfigError:
    return ConfigError(
        f"{row.where}: {what}, and item {number} of the data is '{key.id}' of subset '{key.subset}': the two are not "
        "in the same order; give the ids of the data"
    )
