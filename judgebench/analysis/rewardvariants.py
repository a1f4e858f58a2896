"""Ranking accuracy of a policy by each definition of its implicit reward, with and without reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from judgebench._util.table import Column, Table
from judgebench.metrics.accuracy import official_scores
from judgebench.rewards.implicit import reward_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from judgebench.benchmarks.dataset import Dataset
    from judgebench.runs import Run

_NAMES = {
    (True, False): "with reference",
    (True, True): "with reference, per token",
    (False, False): "without reference",
    (False, True): "without reference, per token",
}
_NOTE = "per token: log-probabilities divided by the number of tokens; beta changes no ranking"


def ranking_accuracy(rows: Iterable[Mapping[str, Any]], dataset: Dataset) -> dict[str, dict[str, float | None]]:
    """The benchmark's score by each definition; empty where rows have no log-probabilities.

    Args:
        rows: Of a score file.
        dataset: The items.

    Returns:
        By name: `score`, `low` and `high`.
    """
    by_id = {str(row["id"]): row for row in rows if "logprobs" in row}
    known = [key for key in dataset.keys.values() if key.id in by_id]
    if not known:
        return {}
    found: dict[str, dict[str, float | None]] = {}
    for (reference, per_token), name in _NAMES.items():
        if reference and "reference_logprobs" not in by_id[known[0].id]:
            continue
        outcomes = []
        for key in known:
            figures = _figures(by_id[key.id])
            scores = [reward_of(each, 1.0, per_token=per_token, with_reference=reference) for each in figures]
            outcomes.append(dataset.benchmark.scored(key, tuple(scores)))
        whole = official_scores(outcomes, dataset.benchmark.layout)
        found[name] = {"score": whole.score, "low": whole.low, "high": whole.high}
    return found


def _figures(row: Mapping[str, Any]) -> list[dict[str, float | int]]:
    names = [name for name in ("logprobs", "reference_logprobs", "tokens") if name in row]
    return [dict(zip(names, map(float, values), strict=True)) for values in zip(*(row[n] for n in names), strict=True)]


def reward_tables(run: Run) -> list[Table]:
    """What a run of a reward model has beside its scores: the ranking accuracy of a policy by each definition."""
    scores = run.manifest.scores
    model = {} if scores is None else (scores.model_extra or {}).get("model", {})
    found = model.get("ranking_accuracy") or {}
    if not found:
        return []
    measure = run.metrics.measure
    columns = {
        Column("reward", names=True): lambda one: one[0],
        Column("score", "score"): lambda one: one[1]["score"],
        Column("interval", "interval", "95% CI"): lambda one: _ends(one[1]),
    }
    return [
        Table.of(found.items(), columns, lambda _: {"unit": measure}, title="Ranking accuracy by reward", notes=[_NOTE])
    ]


def _ends(estimate: Mapping[str, float | None]) -> tuple[float, float] | None:
    low, high = estimate["low"], estimate["high"]
    return None if low is None or high is None else (low, high)
