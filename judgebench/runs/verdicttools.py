"""The files of other tools that hold verdicts: what a row of each says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from judgebench.items import LABELS, TIE
from judgebench.runs.verdictcells import ANNOTATOR, ID, Judged, picked
from judgebench.runs.verdictwords import UnknownWordError, Word, is_none, pick_of, rating_of
from judgebench.sources.cells import decode_cell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgebench.runs.verdictcells import VerdictCells


def alpaca_eval(cells: VerdictCells) -> Iterator[Judged]:
    """A preference from 1 (the first output) to 2; 1.5, and once 0, is a draw."""
    value = cells.first(("preference",))
    number = None if is_none(value) else rating_of(value)
    if value is not None and number is None and not is_none(value):
        raise UnknownWordError(f"preference is {value!r:.60}, expected a number from 1 to 2")
    number = 1.5 if number == 0 else number
    known = number is not None and 1 <= number <= 2
    said = None if number is None or not known else Word(None if number == 1.5 else int(number > 1.5), slot=False)
    raw = cells.data.get("raw_completion")
    yield Judged(
        id=None,
        said=said,
        annotator=cells.text(ANNOTATOR),
        reply=_completion(raw),
        probabilities=None if number is None or not known or number in {1, 1.5, 2} else (2 - number, number - 1),
        cost_usd=cells.number_in(("price_per_example",)),
        latency_s=cells.number_in(("time_per_example",)),
        models=tuple([cells.text((f"generator_{n}",)) or f"output_{n}" for n in (1, 2)]),
        prompt=cells.prompt("instruction", "input"),
        answers=cells.two([("output_1", "output_2")]),
        subset=cells.text(("dataset",)),
    )


def _completion(raw: object) -> str | None:
    """A recorded reply as text: the words of an object of the provider's, or the object itself."""
    if isinstance(raw, dict):
        message = raw.get("message")
        said = raw.get("text") or (message.get("content") if isinstance(message, dict) else None)
        return str(said) if said else None if "logprobs" in raw else json.dumps(raw, ensure_ascii=False)
    return raw if isinstance(raw, str) and raw else None


def mt_bench_pair(cells: VerdictCells) -> Iterator[Judged]:
    """A game in each order, whose winners are models; judged by single grades, one in no order."""
    models = cells.two([("model_1", "model_2")])
    turn = cells.text(("turn",))
    number, later = cells.text(("question_id",)), turn if turn not in {None, "1"} else None
    games = [("g1_winner", "g1_judgment", (0, 1)), ("g2_winner", "g2_judgment", (1, 0))]
    if "m1_score" in cells.data:
        games = games[:1]
    for winner, judgment, order in games:
        value = cells.data.get(winner)
        yield Judged(
            id="-".join(filter(None, (number, *models, later))),
            said=None if is_none(value) else Word(picked(winner, cells, value, 2).index, slot=False),
            order=None if "m1_score" in cells.data else order,
            annotator=_judge(cells),
            reply=cells.text((judgment,)),
            models=models,
            subset=None if turn is None else f"turn {turn}",
            group=number,
        )


def mt_bench_single(cells: VerdictCells) -> Iterator[Judged]:
    """The grade of one model's answer; -1 where none was found."""
    score, turn = cells.number_in(("score",)), cells.text(("turn",))
    number, model = cells.text(("question_id",)), cells.text(("model",))
    yield Judged(
        id="-".join(filter(None, (number, model, turn if turn not in {None, "1"} else None))),
        said=None if score is None or score < 0 else score,
        annotator=_judge(cells),
        reply=cells.text(("judgment",)),
        k=1,
        models=(model,),
        subset=None if turn is None else f"turn {turn}",
        group=number,
    )


def _judge(cells: VerdictCells) -> str | None:
    """The judge of MT-Bench, beside which the name of its prompt stands."""
    judge = decode_cell(cells.data.get("judge"))
    return str(judge[0]) if isinstance(judge, list | tuple) and judge else cells.text(("judge",))


def pandalm(cells: VerdictCells) -> Iterator[Judged]:
    """1 or 2, and 0 for a tie."""
    yield Judged(
        id=cells.text(("idx",)),
        said=_counted("pandalm_result", cells),
        annotator="PandaLM",
        reply=cells.text(("pandalm_reason",)),
    )


def pandalm_people(cells: VerdictCells) -> Iterator[Judged]:
    """What each of three people said: 1 or 2, and 0 for a tie."""
    prompt = cells.prompt("instruction", "input")
    models = tuple((cells.text(("cmp_key",)) or "").split("_"))
    for column in ("annotator1", "annotator2", "annotator3"):
        yield Judged(
            id=cells.text(("idx",)),
            said=_counted(column, cells),
            annotator=column,
            models=models if len(models) == 2 else (),
            prompt=prompt,
            answers=cells.two([("response1", "response2")]),
            subset=cells.text(("motivation_app",)),
        )


def _counted(column: str, cells: VerdictCells) -> Word | None:
    value = cells.data[column]
    if is_none(value):
        return None
    return Word(picked(column, cells, value, 2).index, slot=False)


def rewardbench(cells: VerdictCells) -> Iterator[Judged]:
    """1 where the chosen answer won, 0 where the rejected one did, and half of it for a tie."""
    value = rating_of(cells.data["results"])
    if value not in {0, 0.5, 1}:
        raise UnknownWordError(f"results is {cells.data['results']!r:.60}, expected 1, 0.5 or 0, as of pairs")
    yield Judged(
        id=cells.text(ID),
        said=Word(None if value == 0.5 else int(value == 0), slot=False),
        annotator=cells.text(("model",)),
        label=Word(0, slot=False),
        subset=cells.text(("subset",)),
    )


def inspect(cells: VerdictCells) -> Iterator[Judged]:
    """One score of a sample: a judge's own choice where the target is one, else what a model graded the answer."""
    data, choices = cells.data, cells.data.get("choices")
    answers = tuple(map(str, choices)) if isinstance(choices, list) else ()
    label, k = cells.text(("target",)), len(answers) or 2
    epoch = cells.number_in(("epoch",))
    sample, subset = None if epoch is None else int(epoch) - 1, cells.text(("task",))
    if label is not None and (label.strip().upper() in LABELS[:k] or label.strip().casefold() == TIE):
        answer = cells.data.get("answer")
        yield Judged(
            id=str(data["id"]),
            said=None if is_none(answer) else picked("answer", cells, answer, k),
            sample=sample,
            annotator=cells.text(("model",)),
            reply=cells.text(("output",)),
            k=k,
            label=pick_of(label, k),
            prompt=cells.text(("input",)),
            answers=answers,
            subset=subset,
            latency_s=cells.number_in(("total_time",)),
        )
        return
    yield Judged(
        id=str(data["id"]),
        said=_graded(data["value"]),
        sample=sample,
        annotator=cells.text(("grader",)),
        reply=cells.text(("explanation",)),
        k=1,
        models=(cells.text(("model",)),),
        prompt=cells.text(("input",)),
        answers=(cells.text(("output",)) or "",),
        subset=subset,
    )


def _graded(value: object) -> float | None:
    """A grade as a number: correct is 1, partly correct a half, incorrect 0."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and value in {"C", "P", "I", "N"}:
        return {"C": 1.0, "P": 0.5, "I": 0.0}.get(value)
    number = rating_of(value)
    if number is None and not is_none(value):
        raise UnknownWordError(f"value is {value!r:.60}, expected C, P, I or a number")
    return number
