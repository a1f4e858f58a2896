"""Whether a file's verdicts are classes of single answers, and which classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench.items import Classes, class_key
from judgebench.runs.verdictcells import ANSWERS, GRADE, LABEL, MODELS, ORDER, VERDICT, VerdictCells, class_text
from judgebench.runs.verdictwords import UnknownWordError, is_none, pick_of, text_of
from judgebench.sources.labels import TIE, read_label
from judgebench.templates import load_template

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from judgebench.benchmarks.base import Benchmark
    from judgebench.benchmarks.dataset import Dataset
    from judgebench.sources.source import Source

_MOST = 50


def classes_of(
    source: Source, benchmark: Benchmark, dataset: Dataset | None, words: Mapping[str, str]
) -> Classes | None:
    """The classes that the verdicts of a bare file are; None where they are choices or ratings.

    They are where the items are single answers with a class; without items, where no word names an answer, not all are
    ties, and no column says models, answers or an order. No item needs a label: people's may come later.

    Args:
        source: The file's rows.
        benchmark: Whose items they are about.
        dataset: The items; None where they are made of the file's rows.
        words: What words mean, by their text.
    """
    of_data = None if dataset is None else {key.label for key in dataset.keys.values() if key.k == 1 and key.label}
    if dataset is not None and not of_data and not _graded(dataset):
        return None
    found: dict[str, str] = {}
    count = 0
    for said in _words(source, words):
        count += 1
        found.setdefault(class_key(said), said)
        if len(found) > _MOST:
            return None
    if dataset is None and not _are_classes(source, found.values(), count):
        return None
    names = list(dict.fromkeys([*sorted(of_data or ()), *sorted(found.values())]))
    shipped = _shipped(benchmark, names)
    if shipped is not None:
        return shipped
    alike = {class_key(name): name for name in reversed(names)}
    names = [name for name in names if alike[class_key(name)] == name]
    if len(names) < 2:
        return None
    plain = Classes(tuple(names), names[0])
    positive = benchmark.positive or plain.of_grade(0.0)
    return Classes(tuple(names), plain.find(positive or names[0]) or names[0])


def _graded(dataset: Dataset) -> bool:
    """Whether the items are single answers that people graded 0 or 1."""
    return all(key.k == 1 and key.human_score in {0.0, 1.0} for key in dataset.keys.values())


def _shipped(benchmark: Benchmark, names: Iterable[str]) -> Classes | None:
    """The classes of the benchmark's own label template, or of pass-fail, where they have all these names."""
    for template in dict.fromkeys([benchmark.templates.get("label", "pass-fail"), "pass-fail"]):
        classes = load_template(template).rule.classes
        if classes is not None and all(classes.find(name) is not None for name in names):
            return classes
    return None


def _words(source: Source, words: Mapping[str, str]) -> Iterator[str]:
    """What stands in the columns of verdicts and labels, as it is meant."""
    for row in source.placed_rows():
        cells = VerdictCells.of(row, 0)
        verdict = next((name for name in VERDICT if name in cells.data), None)
        gold = next((name for name in LABEL if name in cells.data), None)
        for column in (verdict, gold):
            if column is not None and not is_none(cells.data[column]):
                said = class_text(cells.data[column])
                yield words.get(text_of(said), said)


def _are_classes(source: Source, words: Iterable[str], count: int) -> bool:
    """Whether no word is a choice among answers; without labels each must be said twice or more, on average."""
    first = next(iter(source), None)
    columns = set() if first is None else {*VerdictCells.of(first, 0).data}
    several = {name for pair in (*MODELS, *ANSWERS) for name in pair} | {*ORDER, "completions"}
    said = list(words)
    if columns & several or not columns & {*VERDICT} or not said:
        return False
    if not columns & {*LABEL, *GRADE} and count < 2 * len(said):
        return False
    # A word for a tie, such as neutral or bad, is a class beside one that is no choice.
    ties = [read_label(word) == TIE for word in said]
    return not all(ties) and not any(_is_choice(word) for word, tie in zip(said, ties, strict=True) if not tie)


def _is_choice(word: str) -> bool:
    """Whether a word names an answer, a tie or a number."""
    try:
        pick_of(word, 26)
    except UnknownWordError:
        return read_label(word) is not None
    return True
