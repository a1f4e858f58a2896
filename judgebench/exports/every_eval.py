"""Results in the schema of Every Eval Ever, a shared database of evaluation results.

From https://github.com/evaleval/every_eval_ever: `eval.schema.json` for a run's scores and
`instance_level_eval.schema.json` for its items, both of version 0.2.2, and the folder
`data/BENCHMARK/DEVELOPER/MODEL/` with a file named by a UUID4 for each. Every free-form detail is text there.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from statistics import fmean
from typing import TYPE_CHECKING, Any

from judgebench.analysis.board import FIGURES
from judgebench.items import is_coefficient
from judgebench.metrics.intervals import CONFIDENCE
from judgebench.runs import folder_name, run_templates
from judgebench.templates import TEMPLATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from judgebench.exports.models import Model
    from judgebench.items import Item, Outcome
    from judgebench.runs import Finished, Judgement

VERSION = "0.2.2"
"""Of the schema."""

RELATIONSHIPS = ("first_party", "third_party", "collaborative", "other")
"""How who evaluates stands to who made the model."""

_TIES_BOUNDS = (-0.01, 1.01)
"""What RewardBench 2's rule for Ties can come to: its weights sum to 1.01, and its last part may be -1."""


@dataclass(frozen=True)
class Record:
    """A run in the schema.

    Attributes:
        folder: Where its files belong, relative to the folder of the export.
        name: Of the files, without their endings.
        log: The object with the scores.
        instances: The lines with the items, each ended; empty where no item has a credit.
    """

    folder: str
    name: str
    log: dict[str, Any]
    instances: str


def record(
    finished: Finished, model: Model, *, now: float, organization: str = "unknown", relationship: str = "other"
) -> Record:
    """A run in the schema.

    Args:
        finished: The run.
        model: Which model it is of.
        now: When the record is made, in seconds since 1970.
        organization: Who evaluates.
        relationship: One of `RELATIONSHIPS`.
    """
    manifest = finished.run.manifest
    benchmark = finished.benchmark.name
    every = manifest.to_json()
    said = {name: every.get(name) for name in ("benchmark", "identity", "started", "ended", "scores")}
    name = str(uuid.UUID(bytes=hashlib.sha256(json.dumps(said, sort_keys=True).encode()).digest()[:16], version=4))
    about = {"evaluation_id": f"{benchmark}/{model.id.replace('/', '_')}/{now}", "model_id": model.id}
    lines = [json.dumps(each, ensure_ascii=True) for each in _instances(finished, about)]
    instances = "".join(f"{line}\n" for line in lines)
    log: dict[str, Any] = {
        "schema_version": VERSION,
        "evaluation_id": about["evaluation_id"],
        "retrieved_timestamp": str(now),
        "source_metadata": {
            "source_name": "judgebench",
            "source_type": "evaluation_run",
            "source_organization_name": organization,
            "evaluator_relationship": relationship,
        },
        "eval_library": {
            "name": "judgebench",
            "version": manifest.versions.get("judgebench", "unknown"),
        },
        "model_info": _model(finished, model),
        "evaluation_results": list(_results(finished)),
    }
    if manifest.started:
        log["evaluation_timestamp"] = str(datetime.fromisoformat(manifest.started).timestamp())
    if lines:
        log["detailed_evaluation_results"] = {
            "format": "jsonl",
            "file_path": f"{name}.jsonl",
            "hash_algorithm": "sha256",
            "checksum": hashlib.sha256(instances.encode()).hexdigest(),
            "total_rows": len(lines),
        }
    return Record(f"data/{folder_name(benchmark)}/{model.organisation}/{model.model}", name, log, instances)


def _model(finished: Finished, model: Model) -> dict[str, Any]:
    where = "local" if model.engine else "api" if model.platform else "unknown"
    details = {"deployment_type": where, "kind": "scores of a reward model" if finished.is_scores else "judge"}
    if where != "unknown":
        details["model_availability"] = "other"
    if finished.made_of is not None:
        details["kind"] = finished.made_of
    served = finished.run.manifest.served_models
    if served:
        details["served_models"] = ", ".join(served)
    said: dict[str, Any] = {"name": model.name, "id": model.id, "developer": model.organisation}
    if model.platform:
        said["inference_platform"] = model.platform
    if model.engine:
        said["inference_engine"] = {"name": model.engine, "version": "unknown"}
    return {**said, "additional_details": details}


def _results(finished: Finished) -> Iterator[dict[str, Any]]:
    """The score of the whole, of each section and each subset, and the benchmark's own further figures."""
    metrics = finished.metrics
    shared = {"source_data": _source(finished), "generation_config": _generation(finished)}
    ties = {key.subset for key in finished.keys.values() if finished.benchmark.by_ties(key)}
    n = sum(each.n for each in metrics.subsets.values())
    if metrics.score is not None and metrics.low is not None and metrics.high is not None:
        whole = _score(metrics.score, metrics.low, metrics.high, n)
        whole["details"] = _beside(finished)
        yield {**_named(finished, "overall", "Score", ties=bool(ties)), "score_details": whole, **shared}
    for level, among in (("section", metrics.sections), ("subset", metrics.subsets)):
        for name, each in among.items():
            scored = _score(each.score, each.low, each.high, each.n)
            yield {**_named(finished, level, name, ties=name in ties), "score_details": scored, **shared}
    for figure in FIGURES:
        value = metrics.extra.get(figure)
        if isinstance(value, int | float) and figure != metrics.measure:
            yield {**_named(finished, "figure", figure), "score_details": {"score": value}, **shared}


def _named(finished: Finished, level: str, name: str, *, ties: bool = False) -> dict[str, Any]:
    """What a figure is: its name, its kind and what it can come to."""
    benchmark = finished.benchmark
    correlation = is_coefficient(finished.metrics.measure) or name in {"pearson", "spearman", "kendall"}
    low, high = (-1.0, 1.0) if correlation else _TIES_BOUNDS if ties else (0.0, 1.0)
    kind = ("pearson" if level != "figure" else name) if correlation else name if level == "figure" else "accuracy"
    which = {"overall": "overall", "figure": name}.get(level, level)
    return {
        "evaluation_result_id": result_id(benchmark.name, level, name),
        "evaluation_name": name,
        "metric_config": {
            "evaluation_description": f"{benchmark.title}: {name}. {benchmark.rule}",
            "metric_id": f"{benchmark.name}.{which}",
            "metric_name": name,
            "metric_kind": kind,
            "metric_unit": "correlation" if correlation else "proportion",
            "lower_is_better": False,
            "score_type": "continuous",
            "min_score": low,
            "max_score": high,
        },
    }


def result_id(benchmark: str, level: str, name: str) -> str:
    """The id of a figure, by which the lines with the items refer to it."""
    return f"{benchmark}/{level}" if level == "overall" else f"{benchmark}/{level}/{name}"


def _score(score: float, low: float, high: float, n: int) -> dict[str, Any]:
    interval = {"lower": low, "upper": high, "confidence_level": CONFIDENCE, "method": "docs/metrics.md of judgebench"}
    return {"score": score, "uncertainty": {"confidence_interval": interval, "num_samples": n}}


def _beside(finished: Finished) -> dict[str, str]:
    """What must be known beside the score."""
    metrics = finished.metrics
    said = {"coverage": str(metrics.coverage), "state": finished.run.manifest.state or ""}
    if metrics.bounds is not None:
        said |= {"every_failure_wrong": str(metrics.bounds.low), "every_failure_right": str(metrics.bounds.high)}
    said |= {f"failures_{kind}": str(count) for kind, count in metrics.failures.items()}
    if metrics.altered is not None:
        said["altered_items"] = metrics.altered
    return said


def _source(finished: Finished) -> dict[str, Any]:
    """Where the items come from: a dataset of the hub, or a file, of which the name alone is told."""
    data = finished.run.manifest.data
    source, details = data.source or "", {"items_sha256": str(finished.run.manifest.items.hash)}
    said: dict[str, Any] = {"dataset_name": finished.benchmark.title, "additional_details": details}
    if data.revision is None:
        return {**said, "source_type": "other", "source_id": PurePath(source).name or "unknown"}
    said |= {"source_type": "hf_dataset", "hf_repo": source, "hf_revision": data.revision}
    if data.split:
        said["hf_split"] = data.split
    return {**said, "samples_number": len(finished.keys)}


def _generation(finished: Finished) -> dict[str, Any]:
    """How the judge was asked: its parameters and the words of the template."""
    manifest = finished.run.manifest
    if manifest.scores is not None:
        return {"additional_details": {"scores": str(manifest.scores.name)}}
    params = manifest.judge.params
    numbers = {name: params[name] for name in ("temperature", "top_p", "top_k") if _is_number(params.get(name))}
    limit = params.get("max_tokens", params.get("max_completion_tokens"))
    if isinstance(limit, int) and limit > 0:
        numbers["max_tokens"] = limit
    protocol = {f"protocol_{name}": str(value) for name, value in manifest.protocol.model_dump().items()}
    template = {"template": str(manifest.template.name)}
    path = finished.path / TEMPLATE
    if finished.made_of is None and path.exists():
        numbers["prompt_template"] = path.read_text(encoding="utf-8")
    return {"generation_args": numbers, "additional_details": {**template, **protocol}}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _instances(finished: Finished, about: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """A line an item that has a credit."""
    judgements: dict[str, list[Judgement]] = {}
    for judgement in finished.judgements.values():
        judgements.setdefault(judgement.item, []).append(judgement)
    method = "score" if finished.is_scores else "custom" if finished.made_of else _method(finished)
    for item in finished.run.items:
        outcome = finished.outcomes.get(item.id)
        if outcome is not None and outcome.credit is not None:
            yield {**about, **_instance(finished, item, outcome, judgements.get(item.id, []), method)}


def _method(finished: Finished) -> str:
    return "regex" if run_templates(finished).reader.rule.json_field is None else "json"


def _instance(
    finished: Finished, item: Item, outcome: Outcome, judgements: Sequence[Judgement], method: str
) -> dict[str, Any]:
    texts = [_text(completion.turns) for completion in item.completions]
    raw, reference = _text(item.conversation), texts[: item.num_correct]
    replies = [judgement.reply or "" for judgement in judgements]
    values = [_value(judgement) for judgement in judgements]
    if finished.is_scores:
        replies = [json.dumps(list(sample)) for sample in outcome.scores]
        values = list(replies)
    thoughts = [judgement.reasoning or "" for judgement in judgements]
    failures = [f"{j.failure.kind}: {j.failure.detail}" for j in judgements if j.failure is not None]
    latencies = [judgement.latency_s for judgement in judgements if judgement.latency_s is not None]
    orders = [list(judgement.order) for judgement in judgements]
    return {
        "schema_version": f"instance_level_eval_{VERSION}",
        "evaluation_name": item.subset,
        "evaluation_result_id": result_id(finished.benchmark.name, "subset", item.subset),
        "sample_id": item.id,
        "sample_hash": hashlib.sha256("".join([raw, *reference]).encode("utf-8", "backslashreplace")).hexdigest(),
        "interaction_type": "single_turn",
        "input": {"raw": raw, "reference": reference, "choices": texts},
        "output": {"raw": replies, "reasoning_trace": thoughts if any(thoughts) else None},
        "answer_attribution": [
            {
                "turn_idx": 0,
                "source": f"output.raw[{at}]",
                "extracted_value": value,
                "extraction_method": method,
                "is_terminal": True,
            }
            for at, value in enumerate(values)
            if value is not None
        ],
        "evaluation": {"score": outcome.credit, "is_correct": outcome.credit == 1},
        "token_usage": None if finished.is_scores else _tokens(judgements),
        "performance": {"latency_ms": 1000 * fmean(latencies)} if latencies else None,
        "error": "; ".join(failures) or None,
        "metadata": {"orders": json.dumps(orders), "num_correct": str(item.num_correct)},
    }


def _text(turns: Sequence[Any]) -> str:
    """Turns as text: a single one as it is, several with their roles."""
    if len(turns) == 1:
        return str(turns[0].text)
    return "\n\n".join(f"{turn.role}: {turn.text}" for turn in turns)


def _value(judgement: Judgement) -> str | None:
    return None if judgement.failure is not None else str(judgement.verdict)


def _tokens(judgements: Sequence[Judgement]) -> dict[str, int]:
    sent, got = sum(j.usage.prompt_tokens for j in judgements), sum(j.usage.completion_tokens for j in judgements)
    return {
        "input_tokens": sent,
        "output_tokens": got,
        "total_tokens": sent + got,
        "reasoning_tokens": sum(j.usage.reasoning_tokens for j in judgements),
    }
