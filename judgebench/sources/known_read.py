"""How rows of the known forms are read: pairs, lists of answers, grades and conversations out of their cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from judgebench.sources.cells import decode_cell
from judgebench.sources.known import Cells, CustomRow, FormError, label_in
from judgebench.sources.labels import TIE, UNLABELLED
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


def paired(cells: Cells, prompt: object, answers: Sequence[object], label: str) -> CustomRow:
    """The columns of a labelled pair, with the models' names in the order of the completions."""
    made: CustomRow = {"response_a": answers[0], "response_b": answers[1], "label": label or None}
    if prompt is not None:
        made = {"prompt": prompt, **made}
    models = [next((cells.raw(name) for name in names if name in cells), None) for names in _MODELS]
    if all(isinstance(name, str) for name in models):
        made["models"] = models[::-1] if label == "B" else models
    return made


_MODELS = (("model_a", "model_1", "generator_1", "answer1_model_id"), ("model_b", "model_2", "generator_2", "answer2_model_id"))


def also(cells: Cells, names: Mapping[str, str]) -> CustomRow:
    """Columns that go along under another name, where they hold something."""
    return {name: as_text(cells(own)) for name, own in names.items() if cells.raw(own) not in {None, ""}}


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


def _alternating(prompts: object, answers: object) -> list[CustomRow]:
    turns: list[CustomRow] = []
    for said, answer in zip(prompts, answers, strict=True):  # type: ignore[call-overload]
        turns += [{"role": "user", "content": said or ""}, {"role": "assistant", "content": answer or ""}]
    return turns


def one_hot(cells: Cells) -> CustomRow:
    """The Kaggle arena's three columns, exactly one of which is 1."""
    names = {"winner_model_a": "A", "winner_model_b": "B", "winner_tie": TIE}
    ones = [label for name, label in names.items() if cells.number(name) == 1]
    zeros = sum(cells.number(name) == 0 for name in names)
    empty = all(cells.number(name) is None for name in names)
    if not empty and (len(ones), zeros) != (1, 2):
        shown = ", ".join(f"{name} {cells.raw(name)!r}" for name in names)
        raise FormError(f"{shown}, expected 1 in exactly one of them and 0 in the others")
    return arena_turns(cells, UNLABELLED if empty else ones[0])


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
    return made | {"group": str(cells.raw("question_id")), "subset": f"turn {cells.raw('turn')}"}


# --- lists of answers


def best_of(prompt: object, answers: Sequence[object], values: Sequence[float | None], models: Sequence[object]) -> CustomRow:
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
            return _float(answer[name])
    annotations = answer.get("annotations")
    kinds = annotations.values() if isinstance(annotations, Mapping) else ()
    rated = [each for kind in kinds for each in (kind if isinstance(kind, list) else [kind])]
    ratings = [_float(each.get("Rating")) for each in rated if isinstance(each, Mapping)]
    known = [rating for rating in ratings if rating is not None]
    return fmean(known) if known else None


def _float(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


def nectar(cells: Cells) -> CustomRow:
    """Nectar's answers by their ranks, 1 the best."""
    answers = objects(cells, "answers")
    ranks = [_float(each.get("rank")) for each in answers]
    return best_of(
        asked(cells, "prompt"),
        [each.get("answer") for each in answers],
        [None if rank is None else -rank for rank in ranks],
        [each.get("model") for each in answers],
    )


def rmb_pair(cells: Cells) -> CustomRow:
    """A pair of RMB."""
    return _rmb(cells, "pair_uid", [cells("chosen"), cells("reject")])


def rmb_best(cells: Cells) -> CustomRow:
    """A best-of-N set of RMB."""
    return _rmb(cells, "bon_uid", [cells("bon_best"), *objects(cells, "loser_list")])


def _rmb(cells: Cells, identifier: str, answers: list[object]) -> CustomRow:
    if not all(isinstance(each, Mapping) and isinstance(each.get("answer"), str) for each in answers):
        raise FormError("an answer is no object with the text 'answer'")
    texts = [each["answer"] for each in answers]  # type: ignore[index]
    made: CustomRow = {"prompt": cells("conversation_input"), "completions": texts, "num_correct": 1}
    made["models"] = [each.get("llm_name") for each in answers]  # type: ignore[attr-defined]
    return made | also(cells, {"subset": "category_path"})


def hhh_choices(cells: Cells) -> CustomRow:
    """hhh_alignment's `targets`: choices, and 1 for the right one."""
    targets = cells("targets")
    if not isinstance(targets, Mapping) or not all(isinstance(targets.get(name), list) for name in ("choices", "labels")):
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
    return best_of(hhh_prompt(cells.need("input")), choices, [_float(label) for label in labels], [None] * len(choices))


def hhh_prompt(value: object) -> object:
    """A question of hhh_alignment, some of which are transcripts."""
    return transcript(value) if isinstance(value, str) and is_transcript(value) and "\n\nAssistant:" in value else value


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
        raise FormError("chosen and rejected do not begin alike, and there is no prompt: name it with --columns prompt=NAME")
    return {"prompt": shared.strip(), **dict(zip(("chosen", "rejected"), [t[len(shared) :].strip() for t in texts], strict=True))}


def common(first: str, second: str) -> str:
    """What two texts have in common from the beginning, whole words only."""
    at = next((at for at, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second)))
    if at < max(len(first), len(second)) and re.match(r"\w\w", first[at - 1 : at + 1] or second[at - 1 : at + 1]):
        at = len(re.sub(r"\w+$", "", first[:at]))
    return first[:at]


# --- pairs by two numbers, or by several annotators


def two_scores(cells: Cells) -> CustomRow:
    """JudgeLM's `score`, a number for each answer; an equal one is a tie."""
    value = cells("score")
    scores = [_float(each) for each in value] if isinstance(value, list) else []
    if value is not None and (len(scores) != 2 or None in scores):
        raise FormError(f"{cells.own('score')} is {value!r}, expected two numbers")
    label = UNLABELLED if value is None else TIE if scores[0] == scores[1] else "AB"[scores[0] < scores[1]]  # type: ignore[operator]
    made = paired(cells, asked(cells, "question_body"), [cells.need("answer1_body"), cells.need("answer2_body")], label)
    reference = cells("reference")
    text = reference.get("text") if isinstance(reference, Mapping) else reference
    return made | ({"reference": text} if isinstance(text, str) and text.strip() else {})


def strength(prompt: str, answers: tuple[str, str], column: str, **more: str) -> Callable[[Cells], CustomRow]:
    """A pair with a strength of preference: below 0 the first answer is better, above 0 the second, 0 is a tie."""

    def make(cells: Cells) -> CustomRow:
        value = cells.raw(column)
        if value in {"A", "B", TIE}:
            label = str(value)
        else:
            number = cells.number(column)
            if number is not None and not -3 <= number <= 3:
                raise FormError(f"{cells.own(column)} is {value!r}, expected a number from -3 to 3")
            label = UNLABELLED if number is None else TIE if number == 0 else "AB"[number > 0]
        return paired(cells, asked(cells, prompt), [cells.need(answer) for answer in answers], label) | also(cells, more)

    return make


def alpaca_annotation(cells: Cells) -> CustomRow:
    """AlpacaEval's `preference`, from 1 (the first output) to 2; in the middle, or 0, a tie."""
    value = cells.raw("preference")
    if value in {"A", "B", TIE}:
        label = str(value)
    else:
        number = cells.number("preference")
        if number is not None and number != 0 and not 1 <= number <= 2:
            raise FormError(f"{cells.own('preference')} is {value!r}, expected a number from 1 to 2, or 0 for a tie")
        label = UNLABELLED if number is None else TIE if number in {0, 1.5} else "AB"[number > 1.5]
    return paired(cells, asked(cells, "instruction", "input"), [cells.need("output_1"), cells.need("output_2")], label)


def pandalm(cells: Cells) -> CustomRow:
    """PandaLM's annotators, 1 and 2 for the answers and 0 for a tie: the majority, and a tie where there is none."""
    votes = []
    for name in ("annotator1", "annotator2", "annotator3"):
        number = cells.number(name)
        if number is not None and number not in {0, 1, 2}:
            raise FormError(f"{cells.own(name)} is {cells.raw(name)!r}, expected 1, 2, or 0 for a tie")
        votes += [] if number is None else [int(number)]
    counts = sorted({vote: votes.count(vote) for vote in votes}.items(), key=lambda each: -each[1])
    decided = bool(counts) and (len(counts) == 1 or counts[0][1] > counts[1][1])
    label = UNLABELLED if not votes else (TIE, "A", "B")[counts[0][0]] if decided else TIE
    return paired(cells, asked(cells, "instruction", "input"), [cells.need("response1"), cells.need("response2")], label)


# --- grades


def graded(prompt: str, response: str, score: str, **more: str) -> Callable[[Cells], CustomRow]:
    """One answer with a grade."""

    def make(cells: Cells) -> CustomRow:
        made: CustomRow = {"prompt": asked(cells, prompt), "response": cells.need(response)}
        return made | {"human_score": cells.number(score)} | also(cells, more)

    return make


def unpaired(cells: Cells) -> CustomRow:
    """TRL's unpaired preference: true is a wanted completion, counted 1, false an unwanted one, counted 0."""
    value = cells.raw("label")
    said = {"true": 1.0, "false": 0.0}.get(str(value).strip().casefold())
    if said is None and value not in {None, ""}:
        raise FormError(f"{cells.own('label')} is {value!r}, expected true or false")
    return {"prompt": asked(cells, "prompt"), "response": cells.need("completion"), "human_score": said}


# --- Prometheus: one text that holds everything

_SECTIONS = re.compile(
    r"###\s*The instruction to evaluate:(?P<orig_instruction>.*?)###\s*Response to evaluate:(?P<orig_response>.*?)"
    r"(?:###\s*Reference Answer[^\n]*:(?P<orig_reference_answer>.*?))?###\s*Score Rubrics?:(?P<rubric>.*?)(?:###\s*Feedback:.*)?$",
    re.DOTALL,
)
_RUBRIC = re.compile(r"^\s*Score (?P<score>[1-5]):\s*(?P<text>.*)$", re.MULTILINE)


def sections(text: object) -> dict[str, str]:
    """What a filled prompt of Prometheus holds, by the names of Feedback-Bench's columns.

    Raises:
        FormError: It has no such sections.
    """
    found = _SECTIONS.search(text) if isinstance(text, str) else None
    if found is None:
        raise FormError("the instruction has no sections '###The instruction to evaluate:', '###Response to evaluate:' ...")
    parts = {name: value.strip() for name, value in found.groupdict().items() if value is not None}
    rubric = parts.pop("rubric")
    parts["orig_criteria"] = _RUBRIC.sub("", rubric).strip().removeprefix("[").removesuffix("]").strip()
    return parts | {f"orig_score{each['score']}_description": each["text"].strip() for each in _RUBRIC.finditer(rubric)}


def mean_score(cells: Cells, column: str) -> float | None:
    """A score, or the mean of several."""
    value = cells(column)
    scores = [_float(each) for each in (value if isinstance(value, list) else [value])]
    known = [score for score in scores if score is not None]
    return fmean(known) if known else None


def feedback(cells: Cells) -> CustomRow:
    """A filled prompt of Prometheus with GPT-4's scores, in the columns of Feedback-Bench."""
    return {**sections(cells.need("instruction")), "orig_score": mean_score(cells, "gpt4_score")}


def feedback_grade(cells: Cells) -> CustomRow:
    """The same, as a graded answer."""
    return _graded_sections(sections(cells.need("instruction")), mean_score(cells, "gpt4_score"))


def prometheus_grade(cells: Cells) -> CustomRow:
    """A row of Feedback-Bench as a graded answer."""
    parts = {name: str(cells.raw(name)) for name in (*_PARTS, *_DESCRIPTIONS) if cells.raw(name) is not None}
    return _graded_sections(parts, mean_score(cells, "orig_score"))


_PARTS = ("orig_instruction", "orig_response", "orig_reference_answer", "orig_criteria")
_DESCRIPTIONS = tuple(f"orig_score{score}_description" for score in range(1, 6))


def _graded_sections(parts: Mapping[str, str], score: float | None) -> CustomRow:
    made: CustomRow = {"prompt": parts["orig_instruction"], "response": parts["orig_response"], "human_score": score}
    return made | _guidance(parts)


def _guidance(parts: Mapping[str, str]) -> CustomRow:
    """Reference and rubric."""
    described = [f"Score {score}: {parts[name]}" for score, name in enumerate(_DESCRIPTIONS, 1) if name in parts]
    rubric = "\n".join([*([parts["orig_criteria"]] if parts.get("orig_criteria") else []), *described])
    return {
        **({"reference": parts["orig_reference_answer"]} if parts.get("orig_reference_answer") else {}),
        **({"rubric": rubric} if rubric else {}),
    }


def prometheus_pair(cells: Cells) -> CustomRow:
    """Preference-Bench: two responses, and `orig_preference` A or B."""
    parts = {name: str(cells.raw(name)) for name in (*_PARTS, *_DESCRIPTIONS) if cells.raw(name) is not None}
    label = label_in(cells, "orig_preference")
    answers = [cells.need("orig_response_A"), cells.need("orig_response_B")]
    return paired(cells, parts.get("orig_instruction"), answers, label) | _guidance(parts)


def prometheus_filled_pair(cells: Cells) -> CustomRow:
    """Two filled prompts of Prometheus, of the better and the worse response; `tie` 1 for people's ties."""
    better, worse = (sections(cells.need(name)) for name in ("chosen_instruction", "rejected_instruction"))
    label = TIE if cells.number("tie") == 1 else "A"
    answers = [better["orig_response"], worse["orig_response"]]
    return paired(cells, better["orig_instruction"], answers, label) | _guidance(better)


# --- benchmarks' own files


def llmbar_own(cells: Cells) -> CustomRow:
    """A row of LLMBar's dataset.json, in RewardBench's columns."""
    outputs = [cells.need("output_1"), cells.need("output_2")]
    label = label_in(cells, "label", {"1": "A", "2": "B"})
    if label not in {"A", "B"}:
        raise FormError(f"{cells.own('label')} is empty, expected 1 or 2")
    better = "AB".index(label)
    return {"prompt": cells.need("input"), "chosen": outputs[better], "rejected": outputs[1 - better]}


def openai_preference(cells: Cells) -> CustomRow:
    """OpenAI's preference tuning: `input` with messages, and the preferred and the other output."""
    given = cells("input")
    if not isinstance(given, Mapping) or not isinstance(given.get("messages"), list):
        raise FormError(f"column '{cells.own('input')}' is no object with messages")
    made: CustomRow = {"prompt": given["messages"], "chosen": cells("preferred_output"), "rejected": cells("non_preferred_output")}
    return made | ({"tools": given["tools"]} if given.get("tools") else {})


def in_language(cells: Cells) -> CustomRow:
    """A pair of M-RewardBench, its id made one of its language's; the languages of a prompt belong together."""
    identifier = cells.raw("id")
    names = {name: cells.raw(name) for name in ("prompt", "chosen", "rejected")}
    return {**names, "id": f"{identifier} ({cells.raw('language')})", "group": str(identifier)}
