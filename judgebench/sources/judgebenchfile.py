"""JUDGE-BENCH's files as rows: one for each instance and each of its annotated properties."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from judgebench.errors import DataError

HEAD = 1 << 16
"""So much of a large file's beginning tells whether it is one."""

_MARKS = ('"annotations"', '"metric"', '"category"')


def is_judge_bench(head: str) -> bool:
    """Whether a file that begins so may be one: it declares properties before it lists instances."""
    return all(mark in head for mark in _MARKS)


def judge_bench_rows(data: object, name: str) -> Iterator[tuple[str, dict[str, Any]]] | None:
    """Place and columns of each row; None where an object is of another form.

    A row has `id`, `metric`, `category` (`categorical`, `graded` or `continuous`), `prompt` (the property's, with the
    instance in its place), `response` (the instance, or its last part), `classes` or `lowest` and `highest`, `label` or
    `human_score` (what people say together) and `individual_human_scores`.

    Args:
        data: The file's object.
        name: The file's name, for messages.

    Raises:
        DataError: An instance lacks what its property needs; the message names it.
    """
    if not isinstance(data, Mapping) or not isinstance(data.get("annotations"), list):
        return None
    declared, instances = data["annotations"], data.get("instances")
    if not isinstance(instances, list) or not all(isinstance(each, Mapping) and "metric" in each for each in declared):
        return None
    return _rows(declared, instances, name)


def _rows(declared: list[Mapping[str, Any]], instances: list[Any], name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, instance in enumerate(instances, 1):
        where = f"{name} instance {number}"
        if not isinstance(instance, Mapping) or not isinstance(instance.get("annotations"), Mapping):
            raise DataError(f"{where}: has no object 'annotations', in which the people's scores are")
        said = instance["annotations"]
        for each in declared:
            scores = said.get(each["metric"])
            if scores is None and len(declared) == len(said) == 1:  # two of their files call the one property otherwise
                scores = next(iter(said.values()))
            if scores is None:
                continue
            yield where, _row(each, instance, scores, several=len(declared) > 1, where=where)


def _row(
    declared: Mapping[str, Any], instance: Mapping[str, Any], scores: Mapping[str, Any], *, several: bool, where: str
) -> dict[str, Any]:
    metric, category = str(declared["metric"]), str(declared.get("category"))
    identifier = instance.get("id")
    made: dict[str, Any] = {
        "id": f"{identifier}/{metric}" if several else identifier,
        "metric": metric,
        "category": category,
        "prompt": _filled(str(declared.get("prompt") or ""), instance.get("instance"), where),
        "response": _text(instance.get("instance")),
        "group": str(identifier),
        "individual_human_scores": scores.get("individual_human_scores") or [],
    }
    if category == "categorical":
        if not declared.get("labels_list"):
            raise DataError(f"{where}: the property '{metric}' is categorical and has no labels_list")
        return made | {"classes": declared["labels_list"], "label": scores.get("majority_human")}
    ends = [end for end in (declared.get("worst"), declared.get("best")) if isinstance(end, int | float)]
    bounds = {"lowest": min(ends), "highest": max(ends)} if len(ends) == 2 else {}
    return made | bounds | {"human_score": scores.get("mean_human")}


def _filled(prompt: str, instance: object, where: str) -> str:
    """The prompt with the instance, or each of its parts, in the place that it has."""
    parts = instance if isinstance(instance, Mapping) else {"instance": instance}
    texts = {str(name): "" if part is None else str(part) for name, part in parts.items()}
    made = re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda place: texts.get(place[1], place[0]), prompt)
    if made == prompt:
        raise DataError(f"{where}: the prompt has no place for the instance, such as {{{{ instance }}}}")
    return made


def _text(instance: object) -> str:
    if isinstance(instance, Mapping):  # the last part: an answer stands behind what it answers
        parts = [str(part) for part in instance.values() if part not in {None, ""}]
        return parts[-1] if parts else ""
    return "" if instance is None else str(instance)
