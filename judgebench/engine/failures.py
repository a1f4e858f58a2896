"""What the wording in use gets wrong on train items, for whoever writes candidates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench.engine.writing import TrainFailure
from judgebench.items import LABELS, TIE, Failure
from judgebench.runs import latest, read_judgements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench.engine.runplan import RunPlan
    from judgebench.items import Item, ItemKey, Reading

MOST = 6
"""So many failures are shown."""


def train_failures(plan: RunPlan, items: Sequence[str]) -> list[TrainFailure]:
    """Some items of a run that people disagree with most, in the order of `items`.

    Args:
        plan: The run of the wording in use over the train items.
        items: Those that it has judged.
    """
    losses = {item: _loss(plan, item) for item in items}
    worst = sorted((item for item in items if losses[item] > 0), key=lambda item: -losses[item])[:MOST]
    wanted = set(worst)
    judgements = latest(read_judgements(plan.recorder.folder.path)).items()
    replies = {at: judgement.reply or "" for at, judgement in judgements if at[0] in wanted}
    texts = {item.id: item for item in plan.spec.dataset if item.id in wanted}
    found = []
    for item in sorted(worst, key=items.index):
        key, readings = plan.spec.dataset.keys[item], plan.recorder.readings.of(item)
        if readings:
            reading = next((each for each in readings if not _is_right(each, key)), readings[0])
            reply = replies.get((item, reading.order, reading.sample), "")
            found.append(_failure(texts[item], key, reading, reply))
    return found


def _loss(plan: RunPlan, item: str) -> float:
    """How far the verdicts are from what people say; of grades, in grades."""
    outcome, key = plan.recorder.outcome(item), plan.spec.dataset.keys[item]
    if key.human_score is not None:
        given = [score for scores in outcome.scores for score in scores if score is not None]
        return abs(sum(given) / len(given) - key.human_score) if given else float("inf")
    return 0.0 if outcome.credit is None else 1 - outcome.credit


def _is_right(reading: Reading, key: ItemKey) -> bool:
    """Whether a choice or a class is what people say; never of ratings."""
    if reading.failed:
        return False
    if len(reading.order) > 1:
        choice = reading.choice
        return key.label == TIE if choice is None else choice < key.num_correct
    return reading.label is not None and reading.label == key.gold


def _failure(item: Item, key: ItemKey, reading: Reading, reply: str) -> TrainFailure:
    result = reading.result
    return TrainFailure(
        item=item.id,
        prompt="\n".join(turn.text for turn in item.conversation),
        answers=tuple(item.completions[index].text for index in reading.order),
        expected=_expected(key, reading),
        said=f"no verdict ({result.kind})" if isinstance(result, Failure) else str(result.value),
        reply=reply,
    )


def _expected(key: ItemKey, reading: Reading) -> str:
    """What people say, in the slots that the judge saw."""
    if len(reading.order) > 1 and key.label != TIE:
        return " or ".join(LABELS[slot] for slot, index in enumerate(reading.order) if index < key.num_correct)
    if key.label is not None:
        return key.label
    if key.human_score is not None:
        return f"{key.human_score:g}"
    return "a high rating" if reading.order[0] < key.num_correct else "a low rating"
