"""Metrics as tables for a terminal of 80 columns and more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from judgebench._util.text import dollars, one_line, percent, score_head, score_range, score_text, thousands
from judgebench.reports.styles import ASIDE, BAR, WARNING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console, RenderableType

    from judgebench.items import Measure
    from judgebench.metrics.bias import BiasEstimate
    from judgebench.metrics.controls import Flips
    from judgebench.metrics.intervals import Estimate
    from judgebench.metrics.summary import Metrics, Usage

_BAR = 12


def print_run(console: Console, metrics: Metrics, title: str, *, subsets: bool = True) -> None:
    """One run: its scores with intervals and counts, and what stands beside the score.

    Args:
        console: Where to.
        metrics: The run's.
        title: The benchmark's title.
        subsets: Whether each section's subsets are shown below it.
    """
    template = f" · {metrics.template}" if metrics.template else ""
    altered = f" · {metrics.altered}" if metrics.altered else ""
    console.print(Text(one_line(f"{title} · {metrics.judge}{template}{altered}"), style="bold"), soft_wrap=True)
    table = _scores(metrics, subsets=subsets)
    if table.row_count:
        console.print(table)
    for line in beside(metrics):
        console.print(Padding(line, (0, 0, 0, 2)))
    console.print()


def _scores(metrics: Metrics, *, subsets: bool) -> Table:
    measure = metrics.measure
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
    table.add_column("", min_width=20, overflow="fold")
    table.add_column(score_head([measure]), justify="right")
    table.add_column("95% interval", justify="right")
    table.add_column("items", justify="right")
    table.add_column("", no_wrap=True)
    if metrics.score is not None and metrics.low is not None and metrics.high is not None:
        interval = score_range(metrics.low, metrics.high, measure)
        scored = sum(each.n for each in metrics.subsets.values())
        score, bar = score_text(metrics.score, measure), _bar(metrics.score)
        table.add_row("score", score, interval, str(scored), bar, style="bold", end_section=True)
    named = {name.casefold() for name in metrics.sections}
    for name, section in metrics.sections.items():
        style = "bold" if subsets and len(metrics.subsets) > len(metrics.sections) else ""
        _add(table, name, section, measure, style)
        for subset in metrics.section_subsets.get(name, ()) if subsets else ():
            if subset.casefold() not in named:
                _add(table, subset, metrics.subsets[subset], measure, indent="  ")
    if not metrics.sections and len(metrics.subsets) > 1:
        for name, subset_score in metrics.subsets.items():
            _add(table, name, subset_score, measure)
    for name in metrics.missing:
        table.add_row(name, "no items", "", "0", "", style=ASIDE)
    return table


def _add(
    table: Table, name: str, estimate: Estimate, measure: Measure | None, style: str = "", *, indent: str = ""
) -> None:
    score, interval = score_text(estimate.score, measure), score_range(estimate.low, estimate.high, measure)
    table.add_row(indent + one_line(name), score, interval, str(estimate.n), _bar(estimate.score), style=style)


def _bar(share: float) -> Text:
    full = round(max(share, 0.0) * _BAR)
    return Text("━" * full, style=BAR).append("─" * (_BAR - full), style="dim")


def beside(metrics: Metrics) -> Iterator[RenderableType]:
    """What stands beside the score, a line each."""
    yield from _controls(metrics)
    if metrics.attack is not None:
        yield Text(flips_line(metrics.attack))
    what = "judgements" if metrics.template else "items"
    without = sum(metrics.failures.values())
    said = f"{metrics.judgements - without} of {metrics.judgements} {what} have a verdict"
    if not metrics.template:
        said = f"{metrics.judgements - without} of {metrics.judgements} items have scores"
    if without:
        kinds = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in metrics.failures.items())
        said += f" ({percent(metrics.coverage)}); without: {kinds}"
    yield Text(said, style=WARNING if without else "")
    if metrics.bounds is not None and metrics.bounds[0] != metrics.bounds[1]:
        low, high = metrics.bounds
        line = f"bounds {score_range(low, high, metrics.measure)}: every failure counted wrong, counted right"
        if metrics.substituted:
            line += f"; {percent(metrics.substituted)} of the score stands in for failures"
        yield Text(line)
    if metrics.consistency is not None:
        yield Text(f"same verdict in all orders: {percent(metrics.consistency)} of {metrics.consistency_n} items")
    figures = [f"{name} {value:.3f}" for name, value in metrics.extra.items() if isinstance(value, float)]
    if figures:
        yield Text(", ".join(figures))
    if metrics.extra.get("calibration"):
        yield Text(_calibration(metrics.extra["calibration"]))
    if metrics.position_bias is not None:
        yield Text(_bias_line("chose the answer shown first", metrics.position_bias))
    if metrics.template:
        yield Text(usage_line(metrics.usage))
    for note in metrics.notes:
        yield Text(one_line(f"note: {note}"))


def _calibration(found: Mapping[str, Any]) -> str:
    surest = ", ".join(f"{percent(1 - at['risk'])} of the surest {at['coverage']:.0%}" for at in found["risk_coverage"])
    return (
        f"probabilities of {found['n']} verdicts: Brier score {found['brier']:.3f}, "
        f"calibration error {found['ece']:.3f} ({found['binning']}){_too_sure(found)}; right {surest}; "
        f"area {found['aurc']:.3f} (AURC)"
    )


def _too_sure(found: Mapping[str, Any]) -> str:
    """By how many points the mean probability is above the share that is right; nothing for an older run."""
    if "overconfidence" not in found:
        return ""
    points, low, high = (100 * found[f"overconfidence{end}"] for end in ("", "_low", "_high"))
    if low <= 0 <= high:
        return f", not shown to be too sure or too little ({points:+.1f} points, {low:+.1f} to {high:+.1f})"
    return f", too {'sure' if points > 0 else 'little sure'} by {abs(points):.1f} points ({low:+.1f} to {high:+.1f})"


def flips_line(found: Flips) -> str:
    """How often an attack changed verdicts, in one line."""
    interval = f"{percent(found.low)} to {percent(found.high)}"
    said = f"{found.name}: {found.flips} of {found.n} verdicts flip, {percent(found.share)} ({interval})"
    return f"{said}: {found.toward} toward the attacked answer, {found.away} away"


def _controls(metrics: Metrics) -> Iterator[Text]:
    """What the score is to be held against."""
    found = metrics.controls
    if found is None or not found.baselines:
        return
    said = (f"{name} {score_text(each.score, metrics.measure)}" for name, each in found.baselines.items())
    yield Text(f"without judging: {', '.join(said)}")
    if found.judged is not None:
        judged = score_text(found.judged, metrics.measure)
        yield Text(f"(over all but {', '.join(map(one_line, found.left_out))}; with the verdicts {judged})")


def _bias_line(what: str, bias: BiasEstimate) -> str:
    interval = f"{percent(bias.low)} to {percent(bias.high)}"
    return f"{what}: {percent(bias.estimate)} ({interval}; {percent(bias.null)} without bias)"


def usage_line(usage: Usage) -> str:
    """Calls, tokens and cost in one line."""
    calls = f"{usage.calls} calls, {usage.cached} from the cache"
    tokens = f"{thousands(usage.prompt_tokens)} tokens in, {thousands(usage.completion_tokens)} out"
    cost = dollars(usage.cost_usd)
    if usage.cached and usage.cost_usd:
        cost += f" ({dollars(usage.spent_usd)} of it paid now)"
    return f"{calls}; {tokens}; {cost}"


def notes_of_failures(unjudged: Sequence[tuple[str, str, str]], *, more: str, shown: int = 10) -> Iterator[Text]:
    """The first failures, a line each; then how many more there are, and the command that lists them.

    Args:
        unjudged: Item, kind and detail of each.
        more: The command.
        shown: How many are shown.
    """
    for item, kind, detail in unjudged[:shown]:
        line = one_line(f"{item}: {kind.replace('_', ' ')}: {detail}")
        yield Text(f"  {line}", overflow="ellipsis", no_wrap=True)
    if len(unjudged) > shown:
        yield Text(f"  and {len(unjudged) - shown} more: {more}")
