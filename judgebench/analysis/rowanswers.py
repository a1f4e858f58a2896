"""Which answer of an item was the first, the second ... in its row, where labels are told by these."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench.benchmarks.dataset import Selection, load_dataset
from judgebench.errors import ConfigError
from judgebench.sources.mapped import RowMap

if TYPE_CHECKING:
    from collections.abc import Collection

    from judgebench.benchmarks.dataset import Dataset
    from judgebench.runs import Finished


def row_answers(finished: Finished, wanted: Collection[str]) -> dict[str, tuple[int, ...]]:
    """The number that each answer of a row has in its item, in the row's order, for some of a run's items.

    A folder keeps the correct answer first, so a labelled row is looked up in the run's data. Items are left out whose
    data is not there or has another text by now, and whose rows say which answer is chosen.
    """
    dataset = _data_of(finished)
    given = {} if dataset is None else dataset.as_given()
    texts = {} if dataset is None else {item.id: [each.text for each in item.completions] for item in dataset}
    found: dict[str, tuple[int, ...]] = {}
    corrected = finished.run.manifest.rescored is not None and finished.run.manifest.rescored.labels is not None
    for item in finished.run.items:
        if item.id not in wanted:
            continue
        own = [each.text for each in item.completions]
        order = given.get(item.id)
        if order is not None and sorted(texts[item.id]) == sorted(own):
            row = [texts[item.id][order.index(at)] for at in range(len(order))]
            found[item.id] = tuple(own.index(text) for text in row)
        elif not item.num_correct and not corrected:
            found[item.id] = tuple(range(len(own)))
    return {item: order for item, order in found.items() if len({*order}) == len(order)}


def _data_of(finished: Finished) -> Dataset | None:
    """The rows that the run was made of, as they are today."""
    manifest, benchmark = finished.run.manifest, finished.benchmark
    if not benchmark.own_rows or manifest.data.source is None:
        return None
    said = manifest.selection
    rows = RowMap(
        columns=dict(said.columns),
        labels=dict(said.labels),
        id_column=said.id_column,
        group_column=said.group_column,
        bad_rows="skip",
        empty_answers="keep",
        config_name=said.config_name,
    )
    try:
        return load_dataset(benchmark, manifest.data.source, Selection(rows=rows))
    except ConfigError:
        return None
