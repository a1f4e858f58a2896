"""The table of known forms: their columns, what their labels mean, and what their rows become."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from judgebench.sources import known_lists as lists, known_read as read, prometheus
from judgebench.sources.form import Cells, KnownForm
from judgebench.sources.labels import TIE
from judgebench.sources.turns import is_transcript

MOST = 0.8
"""So many of the first rows have to be of a form that the columns alone do not tell."""

_PAIR, _BEST, _GRADE, _NONE = "pair", "best of k", "grade", "no label"


def _most(column: str, check: Callable[[object], bool]) -> Callable[[Sequence[Cells]], bool]:
    """Whether a column's cells pass a check in nearly all rows that have one: the others are bad rows of the form."""

    def fits(rows: Sequence[Cells]) -> bool:
        values = [value for cells in rows if (value := cells(column)) not in (None, "")]
        return bool(values) and sum(check(value) for value in values) >= MOST * len(values)

    return fits


def _both(*checks: Callable[[Sequence[Cells]], bool]) -> Callable[[Sequence[Cells]], bool]:
    return lambda rows: all(check(rows) for check in checks)


def _objects_with(*names: str) -> Callable[[object], bool]:
    def check(value: object) -> bool:
        return isinstance(value, list) and all(isinstance(each, Mapping) and {*names} <= each.keys() for each in value)

    return check


def _number(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


def _numbers_in(column: str, low: float, high: float) -> Callable[[Sequence[Cells]], bool]:
    """Whether a column holds numbers of a range, at least in most rows: another code is another form."""

    def fits(rows: Sequence[Cells]) -> bool:
        numbers = [_number(value) for cells in rows if (value := cells.raw(column)) not in (None, "", "A", "B", TIE)]
        inside = [number for number in numbers if number is not None and low <= number <= high]
        return not numbers or 2 * len(inside) > len(numbers)

    return fits


def _alpaca(rows: Sequence[Cells]) -> bool:
    """Preferences from 1 to 2, or 0 for a tie: 0 and 1 alone are another code."""
    numbers = {_number(cells.raw("preference")) for cells in rows} - {None}
    return _numbers_in("preference", 0, 2)(rows) and not (
        0 in numbers and not any(number > 1 for number in numbers if number)
    )


def _implicit(rows: Sequence[Cells]) -> bool:
    """Whether the two texts of nearly all rows begin with a word in common, and are no transcripts."""
    pairs = [(cells.raw("chosen"), cells.raw("rejected")) for cells in rows]
    texts = [(first, second) for first, second in pairs if isinstance(first, str) and isinstance(second, str)]
    alike = [pair for pair in texts if read.common(*pair).strip()]
    return (
        bool(texts)
        and len(alike) >= MOST * len(texts)
        and not any(is_transcript(text) for pair in texts for text in pair)
    )


def _several_languages(rows: Sequence[Cells]) -> bool:
    return len({str(cells.raw("language")) for cells in rows}) > 1


_ANY_LABEL = "words: model_a, model_b, tie, ..."
_ARENA = "winner: model_a is the first answer, model_b the second; tie, tie (bothbad) and both_bad are ties"

FORMS: tuple[KnownForm, ...] = (
    KnownForm(
        "Chatbot Arena, Kaggle",
        ("prompt", "response_a", "response_b", "winner_model_a", "winner_model_b", "winner_tie"),
        _PAIR,
        "the one of winner_model_a, winner_model_b and winner_tie that is 1",
        read.one_hot,
    ),
    KnownForm(
        "Chatbot Arena, responses",
        ("prompt", "response_a", "response_b", "model_a", "model_b", "winner"),
        _PAIR,
        _ARENA,
        read.arena_responses,
        label="winner",
        labels=read.ARENA,
    ),
    KnownForm(
        "Chatbot Arena",
        ("conversation_a", "conversation_b", "winner"),
        _PAIR,
        _ARENA,
        read.conversations,
        label="winner",
        labels=read.ARENA,
        uses=("turn",),
    ),
    KnownForm(
        "MT-Bench judgements",
        ("question_id", "conversation_a", "conversation_b", "winner", "judge", "turn"),
        _PAIR,
        _ARENA + "; judged up to `turn`",
        read.mt_bench,
        label="winner",
        labels=read.ARENA,
        fits=_most("question_id", lambda value: _number(value) is not None),
    ),
    KnownForm(
        "UltraFeedback",
        ("instruction", "completions"),
        _BEST,
        "the completions of the highest overall_score (else fine-grained_score, else mean rating) are correct",
        lists.ultrafeedback,
        fits=_most("completions", _objects_with("response")),
    ),
    KnownForm(
        "HH transcripts",
        ("chosen", "rejected"),
        _PAIR,
        "chosen is better; the turns that both transcripts share are the prompt",
        read.transcripts,
        fits=_both(_most("chosen", is_transcript), _most("rejected", is_transcript)),
        without=("prompt",),
    ),
    KnownForm(
        "HH transcripts with a prompt",
        ("prompt", "chosen", "rejected"),
        _PAIR,
        "chosen is better; the prompt is a transcript",
        read.asked_in_transcript,
        fits=_most("prompt", lambda value: is_transcript(value) and str(value).rstrip().endswith("Assistant:")),
    ),
    KnownForm(
        "TRL, implicit prompt",
        ("chosen", "rejected"),
        _PAIR,
        "chosen is better; the words that both texts begin with are the prompt",
        read.implicit,
        fits=_implicit,
        without=(
            "prompt",
            "question",
            "instruction",
            "query",
            "input",
            "messages",
            "conversations",
            "context",
            "history",
        ),
    ),
    KnownForm(
        "TRL, unpaired preference",
        ("prompt", "completion", "label"),
        _GRADE,
        "label true counts 1, false counts 0",
        read.unpaired,
        label="label",
        labels={"true": "1", "false": "0"},
        fits=_most("label", lambda value: str(value).strip().casefold() in {"true", "false"}),
        without=("chosen", "rejected"),
    ),
    KnownForm(
        "Nectar",
        ("prompt", "answers"),
        _BEST,
        "the answers of the lowest rank are correct",
        lists.nectar,
        fits=_most("answers", _objects_with("answer", "rank")),
    ),
    KnownForm(
        "SHP",
        ("history", "human_ref_A", "human_ref_B", "labels"),
        _PAIR,
        "labels: 1 is human_ref_A, 0 is human_ref_B",
        read.pair(
            "history", ("human_ref_A", "human_ref_B"), "labels", {"1": "A", "0": "B"}, group="post_id", subset="domain"
        ),
        label="labels",
        labels={"1": "A", "0": "B"},
        uses=("post_id", "domain"),
    ),
    KnownForm(
        "HelpSteer, HelpSteer2",
        ("prompt", "response", "helpfulness", "correctness", "coherence"),
        _GRADE,
        "helpfulness (0 to 4) is the grade",
        read.graded("prompt", "response", "helpfulness"),
    ),
    KnownForm(
        "HelpSteer2 preference",
        ("prompt", "response_1", "response_2", "preference_strength"),
        _PAIR,
        "preference_strength: below 0 is response_1, above 0 response_2, 0 a tie",
        read.strength("prompt", ("response_1", "response_2"), "preference_strength"),
        label="preference_strength",
        fits=_numbers_in("preference_strength", -3, 3),
    ),
    KnownForm(
        "HelpSteer3",
        ("context", "response1", "response2", "overall_preference"),
        _PAIR,
        "overall_preference: below 0 is response1, above 0 response2, 0 a tie",
        read.strength("context", ("response1", "response2"), "overall_preference", subset="domain"),
        label="overall_preference",
        uses=("domain",),
        fits=_numbers_in("overall_preference", -3, 3),
    ),
    KnownForm(
        "OpenRubrics",
        ("instruction", "response_a", "response_b", "winner", "rubric"),
        _PAIR,
        "winner: words such as A, response_b, Response A",
        read.pair("instruction", ("response_a", "response_b"), "winner", rubric="rubric"),
        label="winner",
        fits=_most("winner", lambda value: _number(value) is None),
    ),
    KnownForm(
        "RMB, pairs",
        ("conversation_input", "chosen", "reject"),
        _PAIR,
        "chosen is better",
        lists.rmb_pair,
        uses=("category_path",),
    ),
    KnownForm(
        "RMB, best of N",
        ("conversation_input", "bon_best", "loser_list"),
        _BEST,
        "bon_best is correct",
        lists.rmb_best,
        uses=("category_path",),
    ),
    KnownForm(
        "hhh_alignment",
        ("input", "targets"),
        _PAIR,
        "targets: the choice with label 1 is better",
        lists.hhh_choices,
        fits=_most("targets", lambda value: isinstance(value, Mapping) and {"choices", "labels"} <= value.keys()),
    ),
    KnownForm(
        "hhh_alignment, BIG-bench",
        ("input", "target_scores"),
        _PAIR,
        "target_scores: the answer with the highest score is better",
        lists.hhh_scores,
    ),
    KnownForm(
        "JudgeLM",
        ("question_body", "answer1_body", "answer2_body", "score"),
        _PAIR,
        "score: the answer with the higher of the two is better, equal ones are a tie",
        read.two_scores,
        uses=("reference",),
        fits=_most("score", lambda value: isinstance(value, list) and len(value) == 2),
    ),
    KnownForm(
        "PandaLM",
        ("instruction", "response1", "response2", "annotator1", "annotator2", "annotator3"),
        _PAIR,
        "the annotators' majority: 1 is response1, 2 response2, 0 a tie; a tie where there is no majority",
        read.pandalm,
        uses=("input",),
    ),
    KnownForm(
        "AlpacaEval annotations",
        ("instruction", "output_1", "output_2", "preference"),
        _PAIR,
        "preference: 1 is output_1, 2 is output_2, what is between counts for the nearer; 1.5 or 0 is a tie",
        read.alpaca_annotation,
        label="preference",
        uses=("input",),
        fits=_alpaca,
    ),
    KnownForm(
        "AlpacaEval outputs",
        ("instruction", "output", "generator"),
        _NONE,
        "single outputs without a grade",
        lambda cells: {"prompt": read.asked(cells, "instruction", "input"), "response": cells.need("output")},
        uses=("input",),
    ),
    KnownForm(
        "Prometheus, Feedback-Bench",
        ("orig_instruction", "orig_response", "orig_criteria", "orig_score"),
        _GRADE,
        "orig_score is the grade",
        prometheus.prometheus_grade,
        uses=(*prometheus.PARTS, *prometheus.DESCRIPTIONS),
    ),
    KnownForm(
        "Prometheus, filled prompts",
        ("instruction", "gpt4_score"),
        _GRADE,
        "the mean of gpt4_score is the grade",
        prometheus.feedback_grade,
    ),
    KnownForm(
        "Prometheus, filled prompts",
        ("instruction", "gpt4_score"),
        _GRADE,
        "the mean of gpt4_score is the grade",
        prometheus.feedback,
        benchmarks=("feedback-bench",),
    ),
    KnownForm(
        "Prometheus, filled pairs",
        ("chosen_instruction", "rejected_instruction"),
        _PAIR,
        "chosen_instruction holds the better response; `tie` 1 is a tie",
        prometheus.prometheus_filled_pair,
        uses=("tie",),
    ),
    KnownForm(
        "Prometheus, Preference-Bench",
        ("orig_instruction", "orig_response_A", "orig_response_B", "orig_preference"),
        _PAIR,
        "orig_preference: A or B",
        prometheus.prometheus_pair,
        label="orig_preference",
        uses=(*prometheus.PARTS, *prometheus.DESCRIPTIONS),
    ),
    KnownForm(
        "Auto-J",
        ("scenario", "prompt", "response 1", "response 2", "label"),
        _PAIR,
        "label: 0 is response 1, 1 is response 2, 2 a tie",
        read.pair("prompt", ("response 1", "response 2"), "label", {"0": "A", "1": "B", "2": TIE}, subset="scenario"),
        label="label",
        labels={"0": "A", "1": "B", "2": TIE},
    ),
    KnownForm(
        "LLMBar",
        ("input", "output_1", "output_2", "label"),
        _PAIR,
        "label: 1 is output_1, 2 is output_2",
        read.llmbar_own,
        label="label",
        labels={"1": "A", "2": "B"},
        benchmarks=("llmbar",),
        places={
            "natural": "llmbar-natural",
            "neighbor": "llmbar-adver-neighbor",
            "gptinst": "llmbar-adver-GPTInst",
            "gptout": "llmbar-adver-GPTOut",
            "manual": "llmbar-adver-manual",
            "": "llmbar",
        },
    ),
    KnownForm(
        "RewardMATH, pairs",
        ("problem", "problem_id", "eval_solution_A", "eval_solution_B", "chosen_position"),
        _BEST,
        "chosen_position: A or B is the correct solution; the pairs of a problem make one item",
        read.rewardmath_pair,
        label="chosen_position",
        uses=("solution_reference", "answer", "id", "subject", "level"),
        benchmarks=("rewardmath",),
    ),
    KnownForm(
        "OpenAI preference tuning",
        ("input", "preferred_output", "non_preferred_output"),
        _PAIR,
        "preferred_output is better",
        read.openai_preference,
        fits=_most("input", lambda value: isinstance(value, Mapping) and "messages" in value),
    ),
    KnownForm(
        "M-RewardBench, several languages",
        ("id", "prompt", "chosen", "rejected", "language"),
        _PAIR,
        "chosen is better; an id is one of its language's",
        read.in_language,
        benchmarks=("custom", "rewardbench"),
        fits=_several_languages,
    ),
)
"""All of them; of two that fit, the one that needs more columns is taken."""
