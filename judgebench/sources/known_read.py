"""How rows of the known forms are read: pairs, lists of answers, grades and conversations out of their cells."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from judgebench.sources.cells import decode_cell
from judgebench.sources.form import Cells, CustomRow, FormError, label_in
from judgebench.sources.labels import TIE, UNLABELLED
from judgebench.sources.people import majority
from judgebench.sources.source import id_text
from judgebench.sources.turns import is_tagged, is_transcript, tagged, transcript

ARENA = {
    "model_a": "A",
    "model_b": "B",
    "tie": TIE,
    "tie (bothbad)": TIE,
    "both_bad": TIE,
    "bothbad": TIE,
    "tie (inconsistent)": TIE,
}
"""What the arena's `winner` says."""


def pair(
    prompt: str,
    answers: tuple[str, str],
    label: str,
    codes: Mapping[str, str] | None = None,
    **more: str,
) -> Callable[[Cells], CustomRow]:
    """A pair whose better answer a column names.

    Args:
        prompt: The prompt's column.
        answers: The columns of the first and the second answer.
        label: The column that says which is better.
        codes: What stands there; words where left out.
        **more: Columns that go along under another name: `id`, `subset`, `group`, `reference`, `rubric`.
    """

    def make(cells: Cells) -> CustomRow:
        models = (cells.raw("model_a"), cells.raw("model_b"))
        said = label_in(cells, label, codes, models=models)
        return paired(cells, asked(cells, prompt), [cells.need(answer) for answer in answers], said) | also(cells, more)

    return make


def paired(cells: Cells, prompt: object, answers: Sequence[object], label: str | Mapping[str, str]) -> CustomRow:
    """The columns of a labelled pair, with the models' names in the order of the completions."""
    made: CustomRow = {"response_a": answers[0], "response_b": answers[1], "label": label or None}
    if prompt is not None:
        made = {"prompt": prompt, **made}
    models = [cells.first(names) for names in MODELS]
    if all(isinstance(name, str) for name in models):
        made["models"] = models[::-1] if majority(label) == "B" else models
    return made


MODELS = (
    ("model_a", "model_1", "generator_1", "answer1_model_id"),
    ("model_b", "model_2", "generator_2", "answer2_model_id"),
)


def also(cells: Cells, names: Mapping[str, str]) -> CustomRow:
    """Columns that go along under another name, where they hold something."""
    return {name: as_text(cells(own)) for name, own in names.items() if cells.raw(own) not in (None, "")}


def as_text(value: object) -> object:
    """A reference or rubric as one text: the entries of a list, the parts of an object with their names."""
    if isinstance(value, Mapping):
        return "\n".join(f"{name}: {as_text(part)}" for name, part in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "\n".join(str(as_text(part)) for part in value)
    return value


def asked(cells: Cells, prompt: str, *more: str) -> object:
    """The prompt: a text, with the text of an `input` after it, or turns; marks of transcripts are read."""
    value = cells.need(prompt)
    if not isinstance(value, str):
        return value
    decoded = decode_cell(value)
    if isinstance(decoded, list) and decoded and all(isinstance(each, Mapping) for each in decoded):
        return decoded
    if is_transcript(value) and value.rstrip().endswith("Assistant:"):
        return transcript(value)
    if is_tagged(value):
        return tagged(value)
    texts = [value, *(cells.raw(name) for name in more)]
    return "\n\n".join(str(text) for text in texts if text is not None and str(text).strip())


# --- the arena


def arena_turns(cells: Cells, label: str) -> CustomRow:
    """Prompt and answers of the Kaggle form: texts, or lists with a text a turn."""
    prompt, *answers = (cells(name) for name in ("prompt", "response_a", "response_b"))
    columns = (prompt, *answers)
    if all(isinstance(each, list) for each in columns) and len({len(each) for each in columns}) == 1:  # type: ignore[arg-type]
        return paired(cells, None, [_alternating(prompt, each) for each in answers], label)
    return paired(cells, cells.need("prompt"), [cells.need("response_a"), cells.need("response_b")], label)


def arena_responses(cells: Cells) -> CustomRow:
    """Prompt and answers with the two models and `winner`."""
    return arena_turns(cells, label_in(cells, "winner", ARENA, models=(cells.raw("model_a"), cells.raw("model_b"))))


def _alternating(prompts: object, answers: object) -> list[CustomRow]:
    turns: list[CustomRow] = []
    for said, answer in zip(prompts, answers, strict=True):  # type: ignore[call-overload]
        turns += [{"role": "user", "content": said or ""}, {"role": "assistant", "content": answer or ""}]
    return turns


def one_hot(cells: Cells) -> CustomRow:
    """The Kaggle arena's three columns, exactly one of which is 1, or true."""
    names = {"winner_model_a": "A", "winner_model_b": "B", "winner_tie": TIE}
    numbers = {name: _flag(cells, name) for name in names}
    ones = [label for name, label in names.items() if numbers[name] == 1]
    zeros = sum(number == 0 for number in numbers.values())
    empty = all(number is None for number in numbers.values())
    if not empty and (len(ones), zeros) != (1, 2):
        shown = ", ".join(f"{name} {cells.raw(name)!r}" for name in names)
        raise FormError(f"{shown}, expected 1 in exactly one of them and 0 in the others")
    return arena_turns(cells, UNLABELLED if empty else ones[0])


def _flag(cells: Cells, name: str) -> float | None:
    said = {"true": 1.0, "false": 0.0}.get(str(cells.raw(name)).strip().casefold())
    return cells.number(name) if said is None else said


def conversations(cells: Cells) -> CustomRow:
    """Two whole conversations, of which the first `turn` exchanges were judged, and `winner`."""
    models = (cells.raw("model_a"), cells.raw("model_b"))
    label = label_in(cells, "winner", ARENA, models=models)
    turn = cells.number("turn")
    both = []
    for name in ("conversation_a", "conversation_b"):
        turns = cells(name)
        if not isinstance(turns, list):
            raise FormError(f"column '{cells.own(name)}' is no list of turns")
        both.append(turns if not turn else turns[: 2 * int(turn)])
    return paired(cells, None, both, label)


def mt_bench(cells: Cells) -> CustomRow:
    """A judgement of MT-Bench: rows of a question belong together, and a subset is a turn."""
    made = conversations(cells)
    return made | {"group": id_text(cells.raw("question_id")), "subset": f"turn {id_text(cells.raw('turn'))}"}


# --- transcripts and texts that repeat their prompt


def transcripts(cells: Cells) -> CustomRow:
    """Two whole transcripts."""
    made: CustomRow = {}
    for name in ("chosen", "rejected"):
        text = cells.need(name)
        if not isinstance(text, str) or not is_transcript(text):
            raise FormError(f"column '{cells.own(name)}' does not begin with 'Human:', as the others do")
        made[name] = transcript(text, answered=True)
    return made


def asked_in_transcript(cells: Cells) -> CustomRow:
    """A transcript up to the answer, and two answers."""
    return {"prompt": asked(cells, "prompt"), "chosen": cells.need("chosen"), "rejected": cells.need("rejected")}


def implicit(cells: Cells) -> CustomRow:
    """Two texts that begin with the prompt: the words that both have in common."""
    texts = [str(cells.need(name)) for name in ("chosen", "rejected")]
    shared = common(*texts)
    if not shared.strip():
        raise FormError(
            "chosen and rejected do not begin alike, and there is no prompt: name it with --columns prompt=NAME"
        )
    return {
        "prompt": shared.strip(),
        **dict(zip(("chosen", "rejected"), [t[len(shared) :].strip() for t in texts], strict=True)),
    }


def common(first: str, second: str) -> str:
    """What two texts have in common from the beginning, whole words only."""
    at = next(
        (at for at, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )
    if at < max(len(first), len(second)) and re.match(r"\w\w", first[at - 1 : at + 1] or second[at - 1 : at + 1]):
        at = len(re.sub(r"\w+$", "", first[:at]))
    return first[:at]


def float_of(value: object) -> float | None:
    """A number, also one that stands as text; None for anything else."""
    try:
        return float(str(value))
    except ValueError:
        return None


# --- pairs by two numbers, or by several annotators


def two_numbers(value: object) -> list[float | None]:
    """The numbers of a list, or of a text of two (`9 2`); none where it is neither."""
    if isinstance(value, str):
        value = re.split(r"[,;\s]+", value.strip())
    return [float_of(each) for each in value] if isinstance(value, list) else []


def two_scores(cells: Cells) -> CustomRow:
    """JudgeLM's `score`, a number for each answer; an equal one is a tie."""
    value = cells("score")
    scores = two_numbers(value)
    if value is not None and (len(scores) != 2 or None in scores):
        raise FormError(f"{cells.own('score')} is {value!r}, expected two numbers")
    label = UNLABELLED if value is None else TIE if scores[0] == scores[1] else "AB"[scores[0] < scores[1]]  # type: ignore[operator]
    made = paired(cells, asked(cells, "question_body"), [cells.need("answer1_body"), cells.need("answer2_body")], label)
    reference = cells("reference")
    text = reference.get("text") if isinstance(reference, Mapping) else reference
    return made | ({"reference": text} if isinstance(text, str) and text.strip() else {})


def webgpt(cells: Cells) -> CustomRow:
    """A pair of WebGPT's comparisons."""
    question = cells("question")
    scores = [cells.number("score_0"), cells.number("score_1")]
    label = UNLABELLED
    if None not in scores:
        label = TIE if scores[0] == scores[1] else "AB"[scores[0] < scores[1]]  # type: ignore[operator]
    prompt = question["full_text"] if isinstance(question, Mapping) else question
    return paired(cells, prompt, [cells.need("answer_0"), cells.need("answer_1")], label)


def summaries(cells: Cells) -> CustomRow:
    """Two summaries of a post or an article, and the number of the chosen one."""
    info, both = cells("info"), cells("summaries")
    if not isinstance(info, Mapping) or not isinstance(both, list) or len(both) != len("AB"):
        raise FormError(f"'{cells.own('info')}' is no object, or '{cells.own('summaries')}' no list of two")
    prompt = info.get("post") or info.get("article")
    label = label_in(cells, "choice", {"0": "A", "1": "B"})
    return paired(cells, prompt, [each["text"].strip() for each in both], label)


def strength(prompt: str, answers: tuple[str, str], column: str, **more: str) -> Callable[[Cells], CustomRow]:
    """A pair with a strength of preference: below 0 the first answer is better, above 0 the second, 0 is a tie."""

    def make(cells: Cells) -> CustomRow:
        given = cells.meaning(column)
        if given is not None:
            label = given
        else:
            number = cells.number(column)
            if number is not None and not -3 <= number <= 3:
                raise FormError(f"{cells.own(column)} is {cells.raw(column)!r}, expected a number from -3 to 3")
            label = UNLABELLED if number is None else TIE if number == 0 else "AB"[number > 0]
        return paired(cells, asked(cells, prompt), [cells.need(answer) for answer in answers], label) | also(
            cells, more
        )

    return make


def alpaca_annotation(cells: Cells) -> CustomRow:
    """AlpacaEval's `preference`, from 1 (the first output) to 2; in the middle, or 0, a tie."""
    label = cells.meaning("preference")
    if label is None:
        number = cells.number("preference")
        if number is not None and number != 0 and not 1 <= number <= 2:
            said = cells.raw("preference")
            raise FormError(f"{cells.own('preference')} is {said!r}, expected a number from 1 to 2, or 0 for a tie")
        label = UNLABELLED if number is None else TIE if number in {0, 1.5} else "AB"[number > 1.5]
    return paired(cells, asked(cells, "instruction", "input"), [cells.need("output_1"), cells.need("output_2")], label)


def pandalm(cells: Cells) -> CustomRow:
    """PandaLM's annotators, 1 and 2 for the answers and 0 for a tie: the majority, and a tie where there is none."""
    votes: dict[str, str] = {}
    for name in (own for own in cells.row if re.fullmatch(r"annotator_?\d+", own.casefold())):
        number = cells.number(name)
        if number is not None and number not in {0, 1, 2}:
            raise FormError(f"{cells.own(name)} is {cells.raw(name)!r}, expected 1, 2, or 0 for a tie")
        votes |= {} if number is None else {name: (TIE, "A", "B")[int(number)]}
    return paired(
        cells, asked(cells, "instruction", "input"), [cells.need("response1"), cells.need("response2")], votes
    )


# --- grades


def graded(prompt: str, response: str, score: str, **more: str) -> Callable[[Cells], CustomRow]:
    """One answer with a grade."""

    def make(cells: Cells) -> CustomRow:
        made: CustomRow = {"prompt": asked(cells, prompt), "response": cells.need(response)}
        return made | {"human_score": cells.grade(score)} | also(cells, more)

    return make


HELPSTEER = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")
"""HelpSteer's attributes."""


def helpsteer(cells: Cells) -> CustomRow:
    """One answer of HelpSteer's, with its grades by attribute."""
    made = graded("prompt", "response", "helpfulness")(cells)
    grades = {name: grade for name in HELPSTEER if (grade := _mean_grade(cells.grade(name))) is not None}
    return made | ({"attributes": grades} if grades else {})


def _mean_grade(grade: object) -> object:
    """A grade, or the mean of several people's."""
    if not isinstance(grade, Mapping):
        return grade
    known = [each for each in grade.values() if each is not None]
    return fmean(known) if known else None


def unpaired(cells: Cells) -> CustomRow:
    """TRL's unpaired preference: true is a wanted completion, counted 1, false an unwanted one, counted 0."""
    value = cells.raw("label")
    said = {"true": 1.0, "false": 0.0}.get(str(value).strip().casefold())
    if said is None and value not in (None, ""):
        raise FormError(f"{cells.own('label')} is {value!r}, expected true or false")
    return {"prompt": asked(cells, "prompt"), "response": cells.need("completion"), "human_score": said}


# --- benchmarks' own files


def llmbar_own(cells: Cells) -> CustomRow:
    """A row of LLMBar's dataset.json, in RewardBench's columns."""
    outputs = [cells.need("output_1"), cells.need("output_2")]
    label = label_in(cells, "label", {"1": "A", "2": "B"})
    if label not in {"A", "B"}:
        raise FormError(f"{cells.own('label')} is empty, expected 1 or 2")
    better = "AB".index(label)
    return {"prompt": cells.need("input"), "chosen": outputs[better], "rejected": outputs[1 - better]}


def rewardmath_pair(cells: Cells) -> list[CustomRow]:
    """A pair of RewardMATH_pairwise.json as two rows of one solution each."""
    position = label_in(cells, "chosen_position")
    if position not in {"A", "B"}:
        raise FormError(f"{cells.own('chosen_position')} is {cells.raw('chosen_position')!r}, expected A or B")
    return [
        {
            **{name: cells.raw(name) for name in ("problem", "problem_id", "subject", "level") if name in cells},
            "eval_solution": cells(f"eval_solution_{slot}"),
            "solution_type": "chosen" if slot == position else "rejected",
            "solution_reference": None if slot == position else cells.raw("solution_reference"),
        }
        for slot in "AB"
    ]


def openai_preference(cells: Cells) -> CustomRow:
    """OpenAI's preference tuning: `input` with messages, and the preferred and the other output."""
    given = cells("input")
    if not isinstance(given, Mapping) or not isinstance(given.get("messages"), list):
        raise FormError(f"column '{cells.own('input')}' is no object with messages")
    made: CustomRow = {
        "prompt": given["messages"],
        "chosen": cells("preferred_output"),
        "rejected": cells("non_preferred_output"),
    }
    return made | ({"tools": given["tools"]} if given.get("tools") else {})


def promptfoo(cells: Cells) -> CustomRow:
    """An output of promptfoo's results, with the prompt as it was sent."""
    prompt, response = cells("prompt"), cells("response")
    if not isinstance(response, Mapping) or response.get("output") is None:
        raise FormError(f"column '{cells.own('response')}' has no output")
    output = response["output"]
    sent = prompt.get("raw") if isinstance(prompt, Mapping) else prompt
    text = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
    return {"prompt": decode_cell(sent), "response": text}


def in_language(cells: Cells) -> CustomRow:
    """A pair of M-RewardBench, its id made one of its language's; the languages of a prompt belong together."""
    identifier = cells.raw("id")
    names = {name: cells.raw(name) for name in ("prompt", "chosen", "rejected")}
    return {**names, "id": f"{identifier} ({cells.raw('language')})", "group": str(identifier)}
