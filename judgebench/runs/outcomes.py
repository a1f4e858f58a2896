"""Outcomes: what an item's readings came to, a line of a run's `outcomes.jsonl`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from judgebench._util.files import write_text
from judgebench._util.jsonl import loads
from judgebench.errors import DataError
from judgebench.items import Outcome
from judgebench.runs.judgements import encode
from judgebench.runs.manifest import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from judgebench.items import ItemKey

_OWN = frozenset({"item", "subset", "credit", "low", "high", "scores", "verdicts"})


def write_outcomes(folder: Path, outcomes: Iterable[Outcome]) -> None:
    """Writes a line an outcome; the file appears whole or not at all."""
    write_text(folder / OUTCOMES, (encode(_to_json(outcome)) + "\n" for outcome in outcomes))


def _to_json(outcome: Outcome) -> dict[str, Any]:
    line: dict[str, Any] = {"item": outcome.item.id, "subset": outcome.item.subset, "credit": outcome.credit}
    if outcome.low != outcome.high:
        line |= {"low": outcome.low, "high": outcome.high}
    if outcome.scores:
        line["scores"] = outcome.scores[0] if len(outcome.scores) == 1 else outcome.scores
    return {**line, **outcome.source, **outcome.parts}


def outcome_lines(folder: Path, mend: str) -> Iterator[dict[str, Any]]:
    """The lines of `outcomes.jsonl`.

    Args:
        folder: The run's.
        mend: What makes them anew, in words.

    Raises:
        DataError: There is no such file, or a line is no JSON object.
    """
    path = folder / OUTCOMES
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise DataError(f"{path}: file not found, the run was cut off; {mend}") from None
    with file:
        for number, line in enumerate(file, 1):
            try:
                data = loads(str(line, "utf-8"))
            except ValueError as error:
                raise DataError(f"{path} line {number}: not a valid outcome ({error}); {mend}") from None
            if not isinstance(data, dict):
                raise DataError(f"{path} line {number}: not a valid outcome ({data!r:.40}); {mend}")
            yield data


def read_outcomes(folder: Path, keys: Mapping[str, ItemKey], mend: str) -> dict[str, Outcome]:
    """The outcome of each item.

    Raises:
        DataError: There are none, or a line is none or of an item that is not there.
    """
    outcomes = {}
    for number, line in enumerate(outcome_lines(folder, mend), 1):
        try:
            outcome = _from_json(line, keys)
        except (KeyError, TypeError) as error:
            raise DataError(f"{folder / OUTCOMES} line {number}: not a valid outcome ({error!r}); {mend}") from None
        outcomes[outcome.item.id] = outcome
    if not outcomes:
        raise DataError(f"{folder}: empty run (no outcomes); {mend}")
    return outcomes


def _from_json(line: Mapping[str, Any], keys: Mapping[str, ItemKey]) -> Outcome:
    credit = line["credit"]
    if credit is not None and (isinstance(credit, bool) or not isinstance(credit, int | float)):
        raise TypeError(f"credit is {credit!r}")
    return Outcome(
        item=keys[line["item"]],
        credit=credit,
        low=line.get("low", credit),
        high=line.get("high", credit),
        scores=tuple(tuple(sample) for sample in samples_of(line)),
        parts=parts_of(line),
        source={"verdicts": line["verdicts"]} if "verdicts" in line else {},
    )


def samples_of(line: Mapping[str, Any]) -> list[list[float | None]]:
    """The scores of each sample, of one sample too; empty where verdicts were choices."""
    scores = line.get("scores") or []
    return scores if scores and isinstance(scores[0], list) else [scores] if scores else []


def parts_of(line: Mapping[str, Any]) -> dict[str, float]:
    """The further figures of the benchmark's own rule."""
    if line.keys() <= _OWN:
        return {}
    return {name: part for name, part in line.items() if name not in _OWN and isinstance(part, int | float)}


def was_judged(outcome: Outcome) -> bool:
    """Whether anything was asked about the item: one that was not has bounds alone, and no place for a rating."""
    return outcome.credit is not None or outcome.low == outcome.high or bool(outcome.scores)
