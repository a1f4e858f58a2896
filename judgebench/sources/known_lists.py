"""Known forms whose rows list all answers, with a score, a rank or a mark each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from judgebench.sources.form import Cells, CustomRow, FormError
from judgebench.sources.known_read import also, asked, float_of
from judgebench.sources.turns import is_transcript, transcript


def best_of(
    prompt: object, answers: Sequence[object], values: Sequence[float | None], models: Sequence[object]
) -> CustomRow:
    """Answers with a number each, the highest of which are correct, and stand first; none, where all are equal."""
    known = [value for value in values if value is not None]
    top = max(known, default=None)
    right = [at for at, value in enumerate(values) if value == top and top is not None]
    right = right if len(right) < len(answers) else []
    if right and len(known) < len(values):
        raise FormError("some answers have no score, so that the best one is not known: give each one, or none")
    order = [*right, *(at for at in range(len(answers)) if at not in right)]
    made: CustomRow = {"prompt": prompt, "completions": [answers[at] for at in order], "num_correct": len(right)}
    return made | ({"models": [models[at] for at in order]} if any(models) else {})


def objects(cells: Cells, column: str) -> list[Mapping[str, object]]:
    """The objects in a list."""
    value = cells(column)
    if not isinstance(value, list) or not value or not all(isinstance(each, Mapping) for each in value):
        raise FormError(f"column '{cells.own(column)}' is no list of objects")
    return value


def ultrafeedback(cells: Cells) -> CustomRow:
    """UltraFeedback's completions, by `overall_score`, else the fine-grained score, else the mean of their ratings."""
    answers = objects(cells, "completions")
    return best_of(
        asked(cells, "instruction"),
        [each.get("response") for each in answers],
        [_overall(each) for each in answers],
        [each.get("model") for each in answers],
    )


def _overall(answer: Mapping[str, object]) -> float | None:
    for name in ("overall_score", "fine-grained_score"):
        if answer.get(name) is not None:
            return float_of(answer[name])
    annotations = answer.get("annotations")
    kinds = annotations.values() if isinstance(annotations, Mapping) else ()
    rated = [each for kind in kinds for each in (kind if isinstance(kind, list) else [kind])]
    ratings = [float_of(each.get("Rating")) for each in rated if isinstance(each, Mapping)]
    known = [rating for rating in ratings if rating is not None]
    return fmean(known) if known else None


def nectar(cells: Cells) -> CustomRow:
    """Nectar's answers by their ranks, 1 the best."""
    answers = objects(cells, "answers")
    ranks = [float_of(each.get("rank")) for each in answers]
    return best_of(
        asked(cells, "prompt"),
        [each.get("answer") for each in answers],
        [None if rank is None else -rank for rank in ranks],
        [each.get("model") for each in answers],
    )


def rmb_pair(cells: Cells) -> CustomRow:
    """A pair of RMB."""
    return _rmb(cells, [cells("chosen"), cells("reject")])


def rmb_best(cells: Cells) -> CustomRow:
    """A best-of-N set of RMB."""
    losers = cells("loser_list")
    if not isinstance(losers, list) or not losers:
        raise FormError(f"column '{cells.own('loser_list')}' is no list of answers")
    return _rmb(cells, [cells("bon_best"), *losers])


def _rmb(cells: Cells, answers: list[object]) -> CustomRow:
    texts = [each.get("answer") if isinstance(each, Mapping) else each for each in answers]
    if not all(isinstance(text, str) for text in texts):
        raise FormError("an answer is neither a text nor an object with the text 'answer'")
    made: CustomRow = {"prompt": cells("conversation_input"), "completions": texts, "num_correct": 1}
    models = [each.get("llm_name") if isinstance(each, Mapping) else None for each in answers]
    return made | ({"models": models} if any(models) else {}) | also(cells, {"subset": "category_path"})


def hhh_choices(cells: Cells) -> CustomRow:
    """hhh_alignment's `targets`: choices, and 1 for the right one."""
    targets = cells("targets")
    if not isinstance(targets, Mapping) or not all(
        isinstance(targets.get(name), list) for name in ("choices", "labels")
    ):
        raise FormError(f"column '{cells.own('targets')}' is no object of choices and labels")
    return _choices(cells, targets["choices"], targets["labels"])


def hhh_scores(cells: Cells) -> CustomRow:
    """BIG-bench's `target_scores`: answer -> 1 for the right one."""
    scores = cells("target_scores")
    if not isinstance(scores, Mapping):
        raise FormError(f"column '{cells.own('target_scores')}' is no object of answers and scores")
    return _choices(cells, list(scores), list(scores.values()))


def _choices(cells: Cells, choices: Sequence[object], labels: Sequence[object]) -> CustomRow:
    if len(choices) != len(labels) or len(choices) < 2:
        raise FormError(f"{len(choices)} answers and {len(labels)} labels, expected one each, of two answers at least")
    return best_of(
        hhh_prompt(cells.need("input")), choices, [float_of(label) for label in labels], [None] * len(choices)
    )


def hhh_prompt(value: object) -> object:
    """A question of hhh_alignment, some of which are transcripts."""
    return transcript(value) if isinstance(value, str) and is_transcript(value) and "\n\nAssistant:" in value else value
