"""The page of `judgebench filter`: what was kept and dropped, what the judge said, and some rows to look at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from judgebench._util.table import Column, Table
from judgebench._util.text import dollars, percent
from judgebench.pages.axes import linear
from judgebench.pages.figures import Figure
from judgebench.pages.plots import bars, joined, keys
from judgebench.pages.shell import Page, encoded, write_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgebench._util.table import Columns
    from judgebench.engine.filtered import Distribution, Filtered

SCRIPTS = ("core.js", "sort.js", "figures.js")


def filter_page(found: Filtered, path: str | Path) -> Path:
    """Writes the page of what `filter` did; a file that is there is replaced.

    >>> import judgebench as jb
    >>> rows = [{"prompt": "2 + 2?", "chosen": "It is four.", "rejected": "5"}]
    >>> found = jb.filter(rows, judge="offline/longest", out="judged.jsonl")
    >>> jb.filter_page(found, "judged.html").name
    'judged.html'

    Args:
        found: See `judgebench.filter`.
        path: The file.

    Raises:
        ConfigError: It cannot be written.
    """
    file = Path(path).expanduser()
    write_page(file, page_of_filtered(found))
    return file


def page_of_filtered(found: Filtered) -> Page:
    """What `filter` did, as a page."""
    figures = list(_figures(found))
    of = "dropped" if found.dropped else "kept"
    return Page(
        template="filtered.html",
        title=f"Filter: {found.out.name}",
        context={
            "found": found,
            "cards": list(_cards(found)),
            "figures": figures,
            "drawn": f"{len(found.sample)} row{'s' * (len(found.sample) != 1)} drawn at random from those {of}",
            "of": of,
        },
        scripts=SCRIPTS,
        blocks=[("figures", encoded([figure.to_json() for figure in figures]))],
    )


def _cards(found: Filtered) -> Iterator[tuple[str, str, str]]:
    """What is asked, the answer, and more on it."""
    rows = max(found.rows, 1)
    yield "Rows kept", f"{found.kept:,}", f"{percent(found.kept / rows)} of {found.rows:,}"
    yield "Rows dropped", f"{found.rows - found.kept:,}", percent((found.rows - found.kept) / rows)
    labelled = [
        sum(each.rows for each in found.values if each.column.endswith("agrees") and each.value == value)
        for value in ("true", "false")
    ]
    if any(labelled):
        yield "Agreement", percent(labelled[0] / sum(labelled)), f"with the label of {sum(labelled):,} rows"
    same = [
        sum(each.rows for each in found.values if each.column.endswith("consistent") and each.value == value)
        for value in ("true", "false")
    ]
    if any(same):
        yield "Consistency", percent(same[0] / sum(same)), "rows whose replies all say the same"
    cost = "unknown" if found.cost_usd is None else dollars(found.cost_usd)
    yield "Cost", cost, "the judge has no known price" if found.cost_usd is None else "cached replies at their price"


def _figures(found: Filtered) -> Iterator[Figure]:
    if found.dropped:
        words = (
            "Each row counts once: without a verdict by its failure, else by the first part of the condition that is "
            "not true."
        )
        yield Figure("reasons", "Dropped rows by reason", words, found.table())
    for each in found.distributions:
        yield _distribution(each)
    if found.values:
        words = "What the judge's columns hold. A column that is null throughout is left out."
        yield Figure("values", "Judge's columns", words, found.said())
    if found.subsets:
        yield Figure("subsets", "Subsets", "Rows of each subset that are kept.", found.by_subset())


def _distribution(found: Distribution) -> Figure:
    name = found.column
    width = (found.high - found.low) / len(found.kept)
    ends = [(found.low + at * width, found.low + (at + 1) * width) for at in range(len(found.kept))]
    names = [f"{low:.3g} to {high:.3g}" for low, high in ends]
    held = [at for at, both in enumerate(zip(found.kept, found.dropped, strict=True)) if any(both)]
    names = names[held[0] : held[-1] + 1]
    kept, dropped = found.kept[held[0] : held[-1] + 1], found.dropped[held[0] : held[-1] + 1]
    rows = [
        (label, [(0, float(one), f"{label}: {one:,} kept"), (1, float(other), f"{label}: {other:,} dropped")])
        for label, one, other in zip(names, kept, dropped, strict=True)
    ]
    most = max(one + other for one, other in zip(kept, dropped, strict=True))
    columns: Columns = {
        Column(name, names=True): lambda each: each[0],
        Column("kept", "tokens"): lambda each: each[1],
        Column("dropped", "tokens"): lambda each: each[2],
    }
    table = Table.of(list(zip(names, kept, dropped, strict=True)), columns)
    axis = linear(0, most, lambda count: f"{count:,.0f}", "rows", bounds=(0, most))
    plot = joined([keys([(0, "kept"), (1, "dropped")]), bars(rows, axis, f"Rows by {name}")])
    return Figure(
        f"distribution-{name.replace('_', '-')}",
        f"Distribution of {name}",
        "Rows by value, kept and dropped.",
        table,
        plot,
    )
