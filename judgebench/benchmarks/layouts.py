"""How the items of a benchmark file make its score: its sections, their parts, weights and average as a `Layout`."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from judgebench.metrics.accuracy import Layout

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from judgebench.benchmarks.named_rules import Rule
    from judgebench.benchmarks.spec import BenchmarkSpec, SectionSpec
    from judgebench.items import ItemKey

Patterns = tuple[tuple[str, tuple[str, ...]], ...]
"""Names, each with its subsets, in whose names `*` is any text."""


def subset_column(spec: BenchmarkSpec) -> str:
    """The column that says an item's subset."""
    return next((each.text for each in spec.expressions("subset")), "subset")


def is_subset(spec: BenchmarkSpec) -> bool:
    """Whether the sections are the subsets themselves."""
    return spec.sections in {"subset", subset_column(spec)}


def patterns_of(named: Mapping[str, SectionSpec] | str | None) -> Patterns:
    """Each section's, or part's, name with the subsets that it has; none where a column names them."""
    return () if named is None or isinstance(named, str) else tuple((n, tuple(s.subsets)) for n, s in named.items())


@lru_cache(maxsize=1024)
def part_with(subset: str, patterns: Patterns) -> str | None:
    """The name whose subsets name one, those without `*` first."""
    exact = next((name for name, subsets in patterns if subset in subsets), None)
    return exact or next((name for name, subsets in patterns if any(fnmatchcase(subset, s) for s in subsets)), None)


def layout_of(spec: BenchmarkSpec, rule: Rule) -> Layout:
    """How the items make the score."""
    overall: Any = "sections" if spec.average != "micro" else "items" if rule.is_mean else "pooled"
    patterns = patterns_of(spec.parts)
    how: dict[str, Any] = {
        "part_of": (lambda item: part_with(item.subset, patterns) or "") if patterns else rule.part_of,
        "subset_weights": _weights(spec.parts or spec.sections),
        "overall": overall,
        "stratum": rule.stratum,
    }
    if spec.sections is None and spec.average == "micro":
        return Layout(**how)
    if not isinstance(spec.sections, dict):
        by_subset = spec.sections is None or is_subset(spec)
        return Layout(**how, section_of=_by_subset if by_subset else _by_criteria, open_ended=True)
    shares = {name: section.weight for name, section in spec.sections.items()}
    return Layout(
        **how,
        sections=tuple(spec.sections),
        section_of=_by_names(patterns_of(spec.sections)),
        section_weights=shares if spec.average == "weighted" else {},
    )


def _weights(named: Mapping[str, SectionSpec] | str | None) -> dict[str, float]:
    """The fixed weights of subsets."""
    if named is None or isinstance(named, str):
        return {}
    return {
        subset: weight for section in named.values() for subset, weight in section.subsets.items() if weight is not None
    }


def _by_names(patterns: Patterns) -> Callable[[ItemKey], str | None]:
    return lambda item: part_with(item.subset, patterns)


def _by_subset(item: ItemKey) -> str | None:
    return item.subset


def _by_criteria(item: ItemKey) -> str | None:
    """The section in an item's `criteria`: their last line."""
    return (item.criteria or "").rpartition("\n")[2] or None
