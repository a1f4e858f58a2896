"""Rows as others publish them: each known form, with rows of our own, and what they become."""
# ruff: noqa: E501 - rows are easier to read when each is whole

import json

import pytest

from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.dataset import load_dataset
from judgebench.sources.known import known_form
from judgebench.sources.known_table import FORMS


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


FILLED = """###Task Description:
Rate it.

###The instruction to evaluate:
Name a colour.

###Response to evaluate:
{}

###Reference Answer (Score 5):
Red.

###Score Rubrics:
[Is it a colour?]
Score 1: No.
Score 5: Yes.

###Feedback: """

RUBRIC = "Is it a colour?\nScore 1: No.\nScore 5: Yes."

Q, GOOD, BAD = "Name a colour.", "Blue is one.", "Dog."
AB, BA = [GOOD, BAD], [BAD, GOOD]

EXAMPLES = {
    # name of the form: rows, and for each what it becomes: prompt, completions, how many are correct, tie or grade
    "Chatbot Arena, Kaggle": (
        [
            {"id": 1, "model_a": "m", "model_b": "n", "prompt": json.dumps([Q]), "response_a": json.dumps([GOOD]),
             "response_b": json.dumps([BAD]), "winner_model_a": 1, "winner_model_b": 0, "winner_tie": 0},
            {"id": 2, "model_a": "m", "model_b": "n", "prompt": Q, "response_a": GOOD, "response_b": BAD,
             "winner_model_a": "0", "winner_model_b": "1", "winner_tie": "0"},
            {"id": 3, "model_a": "m", "model_b": "n", "prompt": json.dumps([Q, "Why?"]),
             "response_a": json.dumps([GOOD, "So."]), "response_b": json.dumps([BAD, None]),
             "winner_model_a": 0, "winner_model_b": 0, "winner_tie": 1},
        ],
        [
            (Q, AB, 1, None),
            (Q, BA, 1, None),
            (Q, [f"assistant: {GOOD}\n\nuser: Why?\n\nassistant: So.", f"assistant: {BAD}\n\nuser: Why?\n\nassistant: "], 0, "tie"),
        ],
    ),
    "Chatbot Arena, responses": (
        [
            {"id": "x", "prompt": Q, "response_a": GOOD, "response_b": BAD, "winner": "model_b", "model_a": "m", "model_b": "n"},
            {"id": "y", "prompt": Q, "response_a": GOOD, "response_b": BAD, "winner": "tie", "model_a": "m", "model_b": "n"},
        ],
        [(Q, BA, 1, None), (Q, AB, 0, "tie")],
    ),
    "Chatbot Arena": (
        [
            {"question_id": "7f", "model_a": "m", "model_b": "n", "winner": winner, "judge": "user_1", "turn": 1,
             "conversation_a": [user(Q), assistant(GOOD)], "conversation_b": [user(Q), assistant(BAD)]}
            for winner in ("model_a", "model_b", "tie (bothbad)", "both_bad")
        ],
        [(Q, AB, 1, None), (Q, BA, 1, None), (Q, AB, 0, "tie"), (Q, AB, 0, "tie")],
    ),
    "MT-Bench judgements": (
        [
            {"question_id": 81, "model_a": "m", "model_b": "n", "winner": "model_b", "judge": "author_2", "turn": 1,
             "conversation_a": [user(Q), assistant(GOOD), user("More"), assistant("x")],
             "conversation_b": [user(Q), assistant(BAD), user("More"), assistant("y")]},
        ],
        [(Q, BA, 1, None)],
    ),
    "UltraFeedback": (
        [
            {"instruction": Q, "source": "s", "models": ["m", "n", "o"], "completions": [
                {"model": "m", "response": BAD, "overall_score": 2.0},
                {"model": "n", "response": GOOD, "overall_score": 8.5},
                {"model": "o", "response": "Green.", "overall_score": 8.5},
            ]},
            {"instruction": Q, "completions": [
                {"response": BAD, "annotations": {"honesty": {"Rating": "2"}, "truthfulness": {"Rating": "1"}}},
                {"response": GOOD, "annotations": {"honesty": {"Rating": "5"}, "truthfulness": {"Rating": "N/A"}}},
            ]},
        ],
        [(Q, [GOOD, "Green.", BAD], 2, None), (Q, AB, 1, None)],
    ),
    "HH transcripts": (
        [{"chosen": f"\n\nHuman: {Q}\n\nAssistant: Which?\n\nHuman: Any.\n\nAssistant: {GOOD}",
          "rejected": f"\n\nHuman: {Q}\n\nAssistant: Which?\n\nHuman: Any.\n\nAssistant:"}],
        [(f"{Q}|Which?|Any.", [GOOD, ""], 1, None)],
    ),
    "HH transcripts with a prompt": (
        [{"prompt": f"\n\nHuman: {Q}\n\nAssistant:", "chosen": GOOD, "rejected": BAD}],
        [(Q, AB, 1, None)],
    ),
    "TRL, implicit prompt": (
        [{"chosen": "The sky is blue.", "rejected": "The sky is black."}, {"chosen": "It snows here.", "rejected": "It snows"}],
        [("The sky is", ["blue.", "black."], 1, None), ("It snows", ["here.", ""], 1, None)],
    ),
    "TRL, unpaired preference": (
        [{"prompt": Q, "completion": GOOD, "label": True}, {"prompt": [user(Q)], "completion": [assistant(BAD)], "label": False}],
        [(Q, [GOOD], 0, 1.0), (Q, [BAD], 0, 0.0)],
    ),
    "Nectar": (
        [{"prompt": f"\n\nHuman: {Q}\n\nAssistant: ", "turns": 1, "answers": [
            {"answer": BAD, "model": "m", "rank": 2.0}, {"answer": GOOD, "model": "n", "rank": 1.0}, {"answer": "No.", "model": "o", "rank": 3.0},
        ]}],
        [(Q, [GOOD, BAD, "No."], 1, None)],
    ),
    "SHP": (
        [{"post_id": "p", "domain": "d", "history": Q, "human_ref_A": GOOD, "human_ref_B": BAD, "labels": 1},
         {"post_id": "p", "domain": "d", "history": Q, "human_ref_A": GOOD, "human_ref_B": BAD, "labels": 0}],
        [(Q, AB, 1, None), (Q, BA, 1, None)],
    ),
    "HelpSteer, HelpSteer2": (
        [{"prompt": Q, "response": GOOD, "helpfulness": 4, "correctness": 3, "coherence": 4, "complexity": 1, "verbosity": 1},
         {"prompt": f"Hi\n<extra_id_1>Assistant\nHello\n<extra_id_1>User\n{Q}", "response": BAD, "helpfulness": 0, "correctness": 0, "coherence": 4}],
        [(Q, [GOOD], 0, 4.0), (f"Hi|Hello|{Q}", [BAD], 0, 0.0)],
    ),
    "HelpSteer2 preference": (
        [{"prompt": Q, "response_1": GOOD, "response_2": BAD, "preference_strength": strength} for strength in (-3, 1, 0)],
        [(Q, AB, 1, None), (Q, BA, 1, None), (Q, AB, 0, "tie")],
    ),
    "HelpSteer3": (
        [{"domain": "general", "language": "english", "context": [user(Q)], "response1": GOOD, "response2": BAD,
          "overall_preference": strength, "individual_preference": []} for strength in (-2, 3, 0)],
        [(Q, AB, 1, None), (Q, BA, 1, None), (Q, AB, 0, "tie")],
    ),
    "OpenRubrics": (
        [{"instruction": Q, "response_a": GOOD, "response_b": BAD, "winner": "Response B", "rubric": "1. A colour. [Hard Rule]", "source": "s"}],
        [(Q, BA, 1, None)],
    ),
    "RMB, pairs": (
        [{"pair_uid": "1", "conversation_input": [{"content": Q, "language": "English", "role": "user"}],
          "chosen": {"llm_name": "m", "answer": GOOD, "score": 4}, "reject": {"llm_name": "n", "answer": BAD, "score": 1},
          "category_path": "Pairwise_set/Helpfulness/Chat"}],
        [(Q, AB, 1, None)],
    ),
    "RMB, best of N": (
        [{"bon_uid": "1", "conversation_input": [user(Q)], "bon_best": {"llm_name": "m", "answer": GOOD},
          "loser_list": [{"llm_name": "n", "answer": BAD}, {"llm_name": "o", "answer": "No."}], "category_path": "BoN_set/Chat"}],
        [(Q, [GOOD, BAD, "No."], 1, None)],
    ),
    "hhh_alignment": (
        [{"input": Q, "targets": {"choices": [BAD, GOOD], "labels": [0, 1]}}],
        [(Q, AB, 1, None)],
    ),
    "hhh_alignment, BIG-bench": (
        [{"input": f"Human: {Q}\n\nAssistant: Which?\n\nHuman: Any.\n\nAssistant:", "target_scores": {GOOD: 1, BAD: 0}}],
        [(f"{Q}|Which?|Any.", AB, 1, None)],
    ),
    "JudgeLM": (
        [{"question_id": n, "question_body": Q, "answer1_body": GOOD, "answer2_body": BAD, "score": score,
          "answer1_model_id": "m", "answer2_model_id": "n", "reference": {"text": "Red."}} for n, score in enumerate([[9.0, 2.0], [1, 7], [5, 5]])],
        [(Q, AB, 1, None), (Q, BA, 1, None), (Q, AB, 0, "tie")],
    ),
    "PandaLM": (
        [{"idx": n, "instruction": "Answer.", "input": Q, "response1": GOOD, "response2": BAD,
          **{f"annotator{at}": vote for at, vote in enumerate(votes, 1)}} for n, votes in enumerate([(1, 1, 2), (2, 0, 2), (0, 1, 0), (0, 1, 2)])],
        [(f"Answer.\n\n{Q}", answers, right, tie) for answers, right, tie in [(AB, 1, None), (BA, 1, None), (AB, 0, "tie"), (AB, 0, "tie")]],
    ),
    "AlpacaEval annotations": (
        [{"instruction": Q, "output_1": GOOD, "output_2": BAD, "generator_1": "m", "generator_2": "n", "preference": value} for value in (1, 1.98, 1.02, 1.5, 0, None)],
        [(Q, AB, 1, None), (Q, BA, 1, None), (Q, AB, 1, None), (Q, AB, 0, "tie"), (Q, AB, 0, "tie"), (Q, AB, 0, None)],
    ),
    "AlpacaEval outputs": (
        [{"dataset": "d", "instruction": Q, "output": GOOD, "generator": "m"}],
        [(Q, [GOOD], 0, None)],
    ),
    "Prometheus, Feedback-Bench": (
        [{"orig_instruction": Q, "orig_response": GOOD, "orig_criteria": "Is it a colour?", "orig_reference_answer": "Red.",
          "orig_score1_description": "No.", "orig_score5_description": "Yes.", "orig_score": "5"}],
        [(Q, [GOOD], 0, 5.0)],
    ),
    "Prometheus, filled prompts": (
        [{"idx": 1, "category": "c", "instruction": FILLED.format(GOOD), "gpt4_score": [3, 2, 4], "gpt4_feedback": ["", "", ""]}],
        [(Q, [GOOD], 0, 3.0)],
    ),
    "Prometheus, filled pairs": (
        [{"chosen_instruction": FILLED.format(GOOD), "rejected_instruction": FILLED.format(BAD)},
         {"chosen_instruction": FILLED.format(GOOD), "rejected_instruction": FILLED.format(BAD), "tie": 1}],
        [(Q, AB, 1, None), (Q, AB, 0, "tie")],
    ),
    "Prometheus, Preference-Bench": (
        [{"orig_instruction": Q, "orig_response_A": GOOD, "orig_response_B": BAD, "orig_criteria": "Is it a colour?", "orig_preference": "B",
          "orig_reference_answer": "Red.", "instruction": "all of it"}],
        [(Q, BA, 1, None)],
    ),
    "Auto-J": (
        [{"scenario": "s", "label": label, "prompt": Q, "response 1": GOOD, "response 2": BAD} for label in (0, 1, 2)],
        [(Q, AB, 1, None), (Q, BA, 1, None), (Q, AB, 0, "tie")],
    ),
    "OpenAI preference tuning": (
        [{"input": {"messages": [user(Q)], "tools": []}, "preferred_output": [assistant(GOOD)], "non_preferred_output": [assistant(BAD)]}],
        [(Q, AB, 1, None)],
    ),
    "M-RewardBench, several languages": (
        [{"id": 1, "prompt": Q, "chosen": GOOD, "rejected": BAD, "language": language} for language in ("deu_Latn", "arb_Arab")],
        [(Q, AB, 1, None), (Q, AB, 1, None)],
    ),
}  # fmt: skip


def items(rows, benchmark="custom"):
    return list(load_dataset(get_benchmark(benchmark), rows))


def told(item):
    """Prompt, completions, how many are correct, and a tie or the grade."""
    prompt = "|".join(turn.content for turn in item.conversation)
    said = item.label if item.human_score is None else item.human_score
    return prompt, [completion.text for completion in item.completions], item.num_correct, said


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_known_form_is_read(name):
    """Rows in a published form are known by their columns and become its prompts, answers and labels."""
    rows, expected = EXAMPLES[name]
    form = known_form(list(dict.fromkeys(column for row in rows for column in row)), rows)
    assert form is not None
    assert form.name == name
    assert [told(item) for item in items(rows)] == expected


def test_each_form_has_an_example():
    """No form of the table goes untried."""
    assert {form.name for form in FORMS if "custom" in form.benchmarks} == {*EXAMPLES}
