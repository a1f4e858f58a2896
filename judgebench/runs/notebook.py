"""What a notebook shows of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench._util.html import html_table, paragraphs
from judgebench._util.text import dollars, percent, score_head, score_range, score_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgebench.items import Measure
    from judgebench.metrics.summary import Metrics
    from judgebench.runs.manifest import Name


def run_html(benchmark: str, name: Name, metrics: Metrics) -> str:
    """One run: its scores with intervals and counts, and what stands beside the score."""
    title = " · ".join([benchmark, name.judge, name.wording, *([name.protocol] if name.template else [])])
    measure = metrics.measure
    rows = []
    if metrics.score is not None and metrics.low is not None and metrics.high is not None:
        n = sum(each.n for each in metrics.subsets.values())
        rows.append(_scored("score", metrics.score, metrics.low, metrics.high, n, measure))
    parts = metrics.sections or metrics.subsets
    rows += [_scored(part, each.score, each.low, each.high, each.n, measure) for part, each in parts.items()]
    table = html_table(["", score_head([measure]), "95% interval", "items"], rows, title=title)
    return table + paragraphs(_beside(metrics))


def _scored(name: str, score: float, low: float, high: float, n: int, measure: Measure | None) -> list[str]:
    return [name, score_text(score, measure), score_range(low, high, measure), str(n)]


def _beside(metrics: Metrics) -> Iterator[str]:
    what = "judgements have a verdict" if metrics.template else "items have scores"
    there = metrics.judgements - sum(metrics.failures.values())
    failed = "".join(f", {count} {kind.replace('_', ' ')}" for kind, count in metrics.failures.items())
    yield f"{there} of {metrics.judgements} {what}{failed}"
    if metrics.position_bias is not None:
        first = metrics.position_bias
        interval = f"{percent(first.low)} to {percent(first.high)}"
        without = percent(first.null)
        yield f"chose the answer shown first: {percent(first.estimate)} ({interval}; {without} without bias)"
    if metrics.template:
        yield f"{metrics.usage.calls} calls, {metrics.usage.cached} from the cache; {dollars(metrics.usage.cost_usd)}"
    yield from (f"note: {note}" for note in metrics.notes)
