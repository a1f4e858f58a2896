"""What was understood of rows, in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench._util.text import one_line, thousands

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from judgebench.benchmarks.checking import Understood

_NAMED = 6
"""So many columns or labels are named."""

_PER_TOKEN = 4
"""Characters of a token, by the rule of thumb for English."""


def understood_lines(found: Understood, source: str, contexts: Mapping[str, int] | None = None) -> list[str]:
    """At most six lines: rows, labels, groups, columns not used, what is odd, and the longest item.

    Args:
        found: What was understood.
        source: What the rows are called.
        contexts: By judge, the tokens that it takes in.
    """
    return [one_line(line) for line in _lines(found, source, contexts or {})]


def _lines(found: Understood, source: str, contexts: Mapping[str, int]) -> Iterator[str]:
    if not found.labels:
        likely = "".join(f"; `{name}` looks like one: {label_option(name)}" for name in found.likely[:1])
        yield f"no label{likely or ': verdicts and biases, but no score'}"
    skipped = f", {_count(found.bad_count, 'bad row')} left out" if found.bad_count else ""
    yield f"data: {source}: {_count(found.rows, 'row')}, {_count(found.items, 'item')} ({found.form}){skipped}"
    if found.labels:
        classes = [f"{name} {thousands(count)}" for name, count in found.labels.most_common()]
        without = f"; {_count(found.unlabelled, 'item')} without a label" if found.unlabelled else ""
        counted = f" ({found.counted})" if found.counted else ""
        yield f"labels: {_named(classes)}{without}{counted}"
    if found.groups:
        yield f"groups: {_count(found.groups, 'group')} of items that belong together"
    if found.unused:
        yield f"columns not used: {_named(found.unused)} (a template may show them as item.NAME)"
    odd = [f"{_count(found.empty, 'row')} with an empty answer"] * bool(found.empty)
    odd += [f"{_count(found.duplicates, 'item')} with the prompt and answers of another"] * bool(found.duplicates)
    if odd:
        yield f"check: {', '.join(odd)}"
    tokens = -(-found.longest[1] // _PER_TOKEN)
    too_small = {judge: size for judge, size in contexts.items() if tokens > size}
    limits = too_small or dict(sorted(contexts.items(), key=lambda each: each[1])[:1])
    fits = "".join(f"; {judge} takes {size:,}" + " (too long)" * (judge in too_small) for judge, size in limits.items())
    if found.items:
        yield f"longest item: about {tokens:,} tokens (item '{found.longest[0]}'){fits}"


def _count(number: int, noun: str) -> str:
    return f"{thousands(number)} {noun}{'s' * (number != 1)}"


def _named(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def label_option(name: str) -> str:
    """The option that takes a column as the label, as a shell reads it."""
    return f"--columns 'label={name}'" if set(name) & set(" ,=()") else f"--columns label={name}"
