"""Rows as others publish them: each known form, with rows of our own, and what they become."""
# ruff: noqa: E501 - rows are easier to read when each is whole

import json

import pytest
from scoring import shared

from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.dataset import Selection, load_dataset
from judgebench.errors import DataError
from judgebench.sources.known import KnownSource, known_form, likely_label
from judgebench.sources.known_table import FORMS
from judgebench.sources.mapped import MappedSource, RowMap
from judgebench.sources.source import ListSource


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
Score 2: Hardly.
Score 3: Half.
Score 4: Nearly.
Score 5: Yes.

###Feedback: """

RUBRIC = "Is it a colour?\nScore 1: No.\nScore 2: Hardly.\nScore 3: Half.\nScore 4: Nearly.\nScore 5: Yes."

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
            {"id": 4, "model_a": "m", "model_b": "n", "prompt": Q, "response_a": GOOD, "response_b": BAD,
             "winner_model_a": False, "winner_model_b": True, "winner_tie": False},
            {"id": 3, "model_a": "m", "model_b": "n", "prompt": json.dumps([Q, "Why?"]),
             "response_a": json.dumps([GOOD, "So."]), "response_b": json.dumps([BAD, None]),
             "winner_model_a": 0, "winner_model_b": 0, "winner_tie": 1},
        ],
        [
            (Q, AB, 1, None),
            (Q, BA, 1, None),
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
          "rejected": f"\n\nHuman: {Q}\n\nAssistant: Which?\n\nHuman: Any.\n\nAssistant:"},
         {"chosen": f"System: Be kind.\n\n### Human: {Q}\n\n### Assistant: {GOOD}",
          "rejected": f"System: Be kind.\n\n### Human: {Q}\n\n### Assistant: {BAD}"}],
        [(f"{Q}|Which?|Any.", [GOOD, ""], 1, None), (f"Be kind.|{Q}", AB, 1, None)],
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
    "PKU-SafeRLHF": (
        [{"prompt": Q, "response_0": GOOD, "response_1": BAD, "better_response_id": number, "safer_response_id": 0} for number in (0, 1)],
        [(Q, AB, 1, None), (Q, BA, 1, None)],
    ),
    "WebGPT comparisons": (
        [{"question": {"full_text": Q}, "answer_0": GOOD, "answer_1": BAD, "score_0": score, "score_1": -score} for score in (0.5, -0.5, 0)],
        [(Q, AB, 1, None), (Q, BA, 1, None), (Q, AB, 0, "tie")],
    ),
    "Summaries from feedback": (
        [{"info": {"post": Q, "title": "t"}, "summaries": [{"text": f" {GOOD}"}, {"text": BAD}], "choice": number} for number in (0, 1)],
        [(Q, AB, 1, None), (Q, BA, 1, None)],
    ),
    "HelpSteer, HelpSteer2": (
        [{"prompt": Q, "response": GOOD, "helpfulness": 4, "correctness": 3, "coherence": 4, "complexity": 1, "verbosity": 1},
         {"prompt": f"Hi\n<extra_id_1>Assistant\nHello\n<extra_id_1>User\n{Q}", "response": BAD, "helpfulness": 0, "correctness": 0, "coherence": 4},
         {"prompt": Q, "response": BAD, "helpfulness": [1, 0], "correctness": [0, 0], "coherence": [4, 4]},
         {"prompt": Q, "response": BAD, "helpfulness": [1, 2], "correctness": [0, 0], "coherence": [4, 4]}],
        [(Q, [GOOD], 0, 4.0), (f"Hi|Hello|{Q}", [BAD], 0, 0.0), (Q, [BAD], 0, 0.5), (Q, [BAD], 0, 1.5)],
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
        [{"instruction": Q, "response_a": GOOD, "response_b": BAD, "winner": "Response B", "rubric": "1. A colour. [Hard Rule]", "source": "s"},
         {"instruction": Q, "response_a": GOOD, "response_b": BAD, "winner": "A", "rubric": ["A colour.", "Brief."]}],
        [(Q, BA, 1, None), (Q, AB, 1, None)],
    ),
    "RMB, pairs": (
        [{"pair_uid": "1", "conversation_input": [{"content": Q, "language": "English", "role": "user"}],
          "chosen": {"llm_name": "m", "answer": GOOD, "score": 4}, "reject": {"llm_name": "n", "answer": BAD, "score": 1},
          "category_path": "Pairwise_set/Helpfulness/Chat"},
         {"conversation_input": json.dumps([user(Q)]), "chosen": GOOD, "reject": BAD}],
        [(Q, AB, 1, None), (Q, AB, 1, None)],
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
          "answer1_model_id": "m", "answer2_model_id": "n", "reference": {"text": "Red."}} for n, score in enumerate([[9.0, 2.0], [1, 7], [5, 5], "9.5, 2"])],
        [(Q, AB, 1, None), (Q, BA, 1, None), (Q, AB, 0, "tie"), (Q, AB, 1, None)],
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
    "promptfoo results": (
        [{"vars": {"q": Q}, "prompt": {"raw": Q, "label": "p"}, "provider": {"id": "openai:m"}, "response": {"output": GOOD}, "success": True,
          "score": 1}],
        [(Q, [GOOD], 0, None)],
    ),
    "Prometheus, Feedback-Bench": (
        [{"orig_instruction": Q, "orig_response": GOOD, "orig_criteria": "Is it a colour?", "orig_reference_answer": "Red.",
          **{f"orig_score{at}_description": text for at, text in enumerate(("No.", "Hardly.", "Half.", "Nearly.", "Yes."), 1)}, "orig_score": "5"}],
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
    "HealthBench, answers": (
        [{"prompt_id": "p", "prompt": [user(Q)], "completion": GOOD, "rubrics": [{"criterion": "Names one.", "points": 5}, {"criterion": "Is rude.", "points": -2}]}],
        [(Q, [GOOD], 0, None)],
    ),
    "TRL, stepwise supervision": (
        [{"prompt": Q, "completions": [GOOD, BAD], "labels": labels} for labels in ([True, False], [True, True])],
        [(Q, [f"{GOOD}\n\n{BAD}"], 0, "1"), (Q, [f"{GOOD}\n\n{BAD}"], 0, "-1")],
    ),
    "ProcessBench": (
        [{"id": "gsm8k-1", "generator": "m", "problem": Q, "steps": [GOOD, BAD], "final_answer_correct": False, "label": 1}],
        [(Q, [f"{GOOD}\n\n{BAD}"], 0, "1")],
    ),
}  # fmt: skip


def items(rows, benchmark="custom"):
    reading = RowMap(empty_answers="keep")  # transcripts that end before the last answer have an empty one
    return list(load_dataset(get_benchmark(benchmark), rows, Selection(rows=reading)))


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


def test_criteria_without_ids_are_known_by_their_places():
    """HealthBench's rubrics: from 1 on, with their points as weights; those that have ids keep them."""
    (item,) = items(EXAMPLES["HealthBench, answers"][0])
    assert [(each.id, each.text, each.weight) for each in item.checklist] == [
        ("1", "Names one.", 5),
        ("2", "Is rude.", -2),
    ]
    named = {"criterion_id": "c7", "criterion": "Names one.", "points": 5}
    (item,) = items([{"prompt": Q, "response": GOOD, "rubrics": [named]}])
    assert [each.id for each in item.checklist] == ["c7"]


def test_a_row_for_each_annotator_is_known_by_several_names():
    """Worker, rater or labeler, in any spelling, make one item of their rows; the column counts as used."""
    for name in ("annotator", "Worker", "Rater ID", "labelerId"):
        rows = [{"id": n, "question": Q, "answer_a": GOOD, "answer_b": BAD, "preference": said, name: who}
                for n in (1, 2) for who, said in (("ann", "A"), ("bob", "B"), ("cat", "A"))]  # fmt: skip
        dataset = load_dataset(get_benchmark("custom"), rows, Selection())
        assert [item.annotations for item in dataset] == [(("ann", "A"), ("bob", "B"), ("cat", "A"))] * 2
        assert dataset.understood.used["annotator"] == name
        assert not dataset.understood.unused


# --- what goes along, and what is refused


def test_a_form_keeps_what_else_a_row_says():
    """Reference, rubric, group and subset where a form has them, the models in the order of the completions, other columns as they are."""
    mt = items(EXAMPLES["MT-Bench judgements"][0])[0]
    assert (mt.group, mt.subset, mt.metadata["judge"], mt.metadata["models"]) == (
        "81",
        "turn 1",
        "author_2",
        ["n", "m"],
    )
    shp = items(EXAMPLES["SHP"][0])[0]
    assert (shp.group, shp.subset) == ("p", "d")
    judgelm = items(EXAMPLES["JudgeLM"][0])[1]
    assert (judgelm.reference, judgelm.metadata["models"]) == ("Red.", ["n", "m"])
    for name in ("Prometheus, Feedback-Bench", "Prometheus, filled prompts", "Prometheus, filled pairs"):
        graded = items(EXAMPLES[name][0])[0]
        assert (graded.reference, graded.rubric) == ("Red.", RUBRIC)
    best = items(EXAMPLES["UltraFeedback"][0])[0]
    assert (best.metadata["models"], best.metadata["source"]) == (["n", "o", "m"], "s")
    languages = items(EXAMPLES["M-RewardBench, several languages"][0])
    assert [(item.id, item.group) for item in languages] == [("1 (deu_Latn)", "1"), ("1 (arb_Arab)", "1")]


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("Chatbot Arena, Kaggle", {"winner_model_a": 1, "winner_tie": 1}, "expected 1 in exactly one of them"),
        (
            "Chatbot Arena",
            {"winner": "model_c"},
            "winner is 'model_c', expected model_a, model_b, tie.*--labels model_c=A",
        ),
        ("SHP", {"labels": 2}, "labels is 2, expected 1, 0: say what it means with --labels 2=A"),
        ("HelpSteer3", {"overall_preference": 7}, "overall_preference is 7, expected a number from -3 to 3"),
        ("AlpacaEval annotations", {"preference": 3}, "preference is 3, expected a number from 1 to 2"),
        ("PandaLM", {"annotator2": 3}, "annotator2 is 3, expected 1, 2, or 0 for a tie"),
        ("JudgeLM", {"score": [1]}, r"score is \[1\], expected two numbers"),
        ("HH transcripts", {"rejected": "Dog."}, "'rejected' does not begin with 'Human:'"),
        ("TRL, implicit prompt", {"rejected": "No."}, "do not begin alike"),
        ("TRL, unpaired preference", {"label": "maybe"}, "label is 'maybe', expected true or false"),
        ("Prometheus, filled prompts", {"instruction": "Rate it."}, "has no sections"),
        (
            "UltraFeedback",
            {"completions": [{"response": "x", "overall_score": 1}, {"response": "y"}]},
            "some answers have no score",
        ),
    ],
)
def test_a_row_that_contradicts_its_form_is_named(name, changes, message):
    """The row's place, what it says, and the option that helps; never another reading of it."""
    rows = [{column: value for column, value in row.items() if column != "id"} for row in EXAMPLES[name][0]]
    with pytest.raises(DataError, match=f"row {9}.*{message}"):
        items([*(rows * 8)[:8], {**rows[0], **changes}])


def test_a_label_that_a_form_does_not_know_is_taken_as_the_user_says():
    """`--labels` reaches the column that the form reads."""
    rows = [{**EXAMPLES["SHP"][0][0], "labels": label} for label in (1, 0, 7)]
    read = list(KnownSource(ListSource(rows), labels={"7": "tie"}))
    assert [row.data["label"] for row in read] == ["A", "B", "tie"]


def test_the_more_specific_of_two_forms_is_taken():
    """Rows of AlpacaEval with the code 0 and 1 are none of its annotations, and asked for as any others."""
    rows = [{"instruction": Q, "output_1": GOOD, "output_2": BAD, "preference": value} for value in (0, 1)]
    with pytest.raises(
        DataError, match="'preference' holds 0 and 1, and what they mean is not known: say it with --labels 0=A,1=B or"
    ):
        items(rows)
    assert [told(item) for item in items([*rows, {**rows[0], "preference": 2}])][1:] == [
        (Q, AB, 1, None),
        (Q, BA, 1, None),
    ]


# --- benchmarks' own files


def test_llmbar_reads_its_own_file(tmp_path):
    """`dataset.json` as the authors publish it; the folder says the subset, and a row without an id has its number."""
    rows = [{"input": Q, "output_1": GOOD, "output_2": BAD, "label": label} for label in (1, 2)]
    folder = tmp_path / "Adversarial" / "Neighbor"
    folder.mkdir(parents=True)
    path = folder / "dataset.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    read = items(str(path), "llmbar")
    assert [told(item) for item in read] == [(Q, AB, 1, None), (Q, BA, 1, None)]
    assert [(item.id, item.subset) for item in read] == [("1", "llmbar-adver-neighbor"), ("2", "llmbar-adver-neighbor")]
    assert {item.subset for item in items(rows, "llmbar")} == {"llmbar"}


def test_rewardmath_reads_its_pairs():
    """The pairs of a problem make one item: the correct solution once, then the others in their order."""
    right, wrong = ["4.", "So 4."], [["5."], ["6."]]
    rows = [
        {"problem": "2 + 2?", "problem_id": 7, "id": at, "subject": "Algebra", "chosen_position": position, "solution_reference": f"m{at}",
         f"eval_solution_{position}": right, f"eval_solution_{'BA'['AB'.index(position)]}": other}
        for at, (position, other) in enumerate(zip("AB", wrong, strict=True))
    ]  # fmt: skip
    (item,) = items(rows, "rewardmath")
    assert told(item) == ("2 + 2?", ["4.\nSo 4.", "5.", "6."], 1, None)
    assert (item.id, item.subset, item.metadata["models"]) == ("7", "Algebra", [None, "m0", "m1"])


def test_feedback_bench_reads_filled_prompts():
    """Prometheus' files of filled prompts, with GPT-4's scores, under feedback-bench."""
    (item,) = items(EXAMPLES["Prometheus, filled prompts"][0], "feedback-bench")
    assert told(item) == (Q, [GOOD], 0, 3.0)


# --- tables of one's own


def table(header, *rows):
    return [dict(zip(header.split(","), row, strict=True)) for row in rows]


@pytest.mark.parametrize(
    ("header", "labels", "expected"),
    [
        ("question,answer_a,answer_b,preferred", "AB", "AB"),
        ("Prompt,Response A,Response B,Label", "ab", "AB"),
        ("prompt,a,b,label", "AB", "AB"),
        ("instruction,output_1,output_2,preference", (1, 2), "AB"),
        ("prompt,response_a,response_b,label", (1, 2, 0), "ABt"),
        ("prompt,response_a,response_b,label", ("1.0", "2.0", ""), "AB-"),
        ("prompt,response_a,response_b,human_preference", ("response_a", "response_b"), "AB"),
        ("prompt,response_0,response_1,winner", ("response_0", "response_1"), "AB"),
        ("Question,Left,Right,Better", ("left", "right"), "AB"),
        ("Question,Answer 1,Answer 2,Which is better?", ("Answer 1", "Answer 2", "neither"), "ABt"),
        ("Prompt,Left,Right,Which response is better?", ("left", "A ~ B", "Both are equal"), "Att"),
        ("User Query,Assistant A,Assistant B,winner", ("Assistant A", "Assistant B"), "AB"),
        ("prompt,response_a,response_b,judgment", ("[[A>>B]]", "[[B>A]]", "[[A=B]]"), "ABt"),
        ("prompt,response_a,response_b,label", ("model_a", "tie (bothbad)", "both good"), "Att"),
        ("prompt,response_a,response_b,preferred", (GOOD, BAD), "AB"),
        ("prompt,response_a,response_b,chosen", ("response_a", "response_b"), "AB"),
        ("prompt,gpt4_response,claude_response,winner", ("gpt4", "claude"), "AB"),
        ("Instruction,Output (a),Output (b),Label", ("Output (a)", "Output (b)"), "AB"),
        ("prompt,model_a,model_b,winner", ("model_a", "model_b"), "AB"),
    ],
)
def test_a_table_is_read_by_the_names_of_its_columns(header, labels, expected):
    """Prompt, answers and label go by many names, and labels by many words."""
    answers = {"A": (AB, 1, None), "B": (BA, 1, None), "t": (AB, 0, "tie"), "-": (AB, 0, None)}
    rows = table(header, *((Q, GOOD, BAD, label) for label in labels))
    assert [told(item) for item in items(rows)] == [(Q, *answers[each]) for each in expected]


def test_a_label_may_be_a_models_name():
    """Where the columns model_a and model_b say whose the answers are."""
    rows = table(
        "question,answer_a,answer_b,model_a,model_b,winner",
        (Q, GOOD, BAD, "gpt", "claude", "claude"),
        (Q, GOOD, BAD, "claude", "gpt", "claude"),
    )
    assert [told(item)[1] for item in items(rows)] == [BA, AB]
    clash = table("question,answer_a,answer_b,model_a,model_b,winner", *[(Q, GOOD, BAD, "b", "a", "a")] * 2)
    assert [told(item) for item in items(clash)] == [(Q, AB, 0, None)] * 2
    assert likely_label(list(clash[0]), clash) == ["winner"]


@pytest.mark.parametrize(
    ("codes", "shown"),
    [((0, 1), "0 and 1"), ((1, 1), "1"), (("True", "False"), None), ((1, 2, 3), "1, 2 and 3"), ((-1, 1), None)],
)
def test_numbers_that_may_mean_either_are_asked_for(codes, shown):
    """0 and 1 are never guessed, nor is one number alone, before anything is judged."""
    rows = table("prompt,response_a,response_b,label", *((Q, GOOD, BAD, code) for code in codes))
    with pytest.raises(DataError, match="--labels") as caught:
        items(rows)
    if shown is not None:
        assert f"'label' holds {shown}, and" in str(caught.value)
    told_so = KnownSource(
        ListSource(rows), labels={str(code): "AB"[at % 2] for at, code in enumerate(dict.fromkeys(codes))}
    )
    assert [row.data["label"] for row in told_so][:1] == ["A"]


def test_numbers_are_counted_over_the_whole_file():
    """Rows that are sorted by their label do not make it unclear."""
    rows = table("prompt,response_a,response_b,label", *((f"{Q} {at}", GOOD, BAD, 1 + at // 350) for at in range(700)))
    assert [told(item)[1] for item in items(rows)] == [AB] * 350 + [BA] * 350


def test_more_answers_than_two_have_columns_of_their_own():
    """Each is a completion, and the label is a letter, a column's name or a number up to their count."""
    rows = table("question,answer_1,answer_2,answer_3,best", *((Q, "x", "y", "z", best) for best in (1, 3, 2)))
    assert [told(item)[1] for item in items(rows)] == [["x", "y", "z"], ["z", "x", "y"], ["y", "x", "z"]]


def test_lists_of_objects_and_better_and_worse_columns():
    """Answers in a list may be objects with a text; better and worse answers go by several names."""
    rows = [
        {"query": Q, "responses": [{"model": "m", "text": GOOD}, {"model": "n", "text": BAD}], "best": best}
        for best in (2, 1)
    ]
    assert [told(item)[1] for item in items(rows)] == [BA, AB]
    for header in (
        "Prompt,Chosen,Rejected",
        "question,winner,loser",
        "instruction,chosen_response,rejected_response",
        "input,preferred_output,non_preferred_output",
    ):
        assert told(items(table(header, (Q, GOOD, BAD)))[0]) == (Q, AB, 1, None)


def test_grades_by_their_usual_names():
    """One answer with a column of numbers is a graded one."""
    assert told(items(table("question,answer,rating", (Q, GOOD, "4"), (Q, BAD, 1.5)))[0]) == (Q, [GOOD], 0, 4.0)


def test_conversations_of_sharegpt_and_openai():
    """Turns of either kind, content parts, tools and developer turns; an image is refused by its row."""
    sharegpt = {"conversations": [{"from": "system", "value": "Be kind."}, {"from": "human", "value": Q}],
                "chosen": {"from": "gpt", "value": GOOD}, "rejected": {"from": "model", "value": BAD}}  # fmt: skip
    (item,) = items([sharegpt])
    assert ([turn.role for turn in item.conversation], told(item)[1]) == (["system", "user"], AB)
    call = {"type": "function", "function": {"name": "look", "arguments": '{"q": 1}'}}
    openai = {"messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": Q}]},
                           {"role": "assistant", "content": None, "tool_calls": [call]}, {"role": "tool", "content": "blue"}, assistant(GOOD)],
              "rating": 5}  # fmt: skip
    (item,) = items([openai])
    said = [(turn.role, turn.content) for turn in item.conversation]
    assert said == [("system", "Be brief."), ("user", Q), ("assistant", 'look({"q": 1})'), ("tool", "blue")]
    assert told(item)[1:] == ([GOOD], 0, 5.0)
    image = {
        "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}, assistant(GOOD)]
    }
    with pytest.raises(DataError, match="part of type 'image_url', and a judge is shown text only"):
        items([image])


def test_a_system_column_is_shown_as_a_system_turn():
    """A system prompt stands before the prompt; the one-word name of a system does not."""
    (item,) = items(table("system,question,chosen,rejected", ("You are kind.", Q, GOOD, BAD)))
    assert [(turn.role, turn.content) for turn in item.conversation] == [("system", "You are kind."), ("user", Q)]
    (item,) = items(table("system,question,chosen,rejected", ("gpt-4", Q, GOOD, BAD)))
    assert [turn.role for turn in item.conversation] == ["user"]


def test_rubrics_and_references_of_several_parts():
    """A rubric that is an object, and a list of references, become text."""
    rows = [
        {
            "question": Q,
            "chosen": GOOD,
            "rejected": BAD,
            "rubric": {"colour": "names one", "length": 3},
            "reference": ["Red.", "Green."],
        }
    ]
    (item,) = items(rows)
    assert (item.rubric, item.reference) == ("colour: names one\nlength: 3", "Red.\nGreen.")


def test_rows_of_the_benchmarks_own_columns_stay_as_they_are():
    """They have no known form, and so items of earlier versions stay the same."""
    own = {"prompt": Q, "response_a": GOOD, "response_b": BAD, "label": "A", "model_a": "m", "model_b": "n"}
    assert known_form(list(own), [own]) is None


_LIKELY = [
    (["A", "B"], True),
    (["1", "2"], True),
    ([1, 0], True),
    (["Answer 1", "answer_2", "tie"], True),
    (["good", "bad"], True),
    (["Pass", "FAIL"], True),
    (["news", "sport"], False),
    ([3, 4], False),
    (["1", "1"], False),
    ([["A"], ["B"]], False),
]
"""Values of a column, and whether these alone make it look like a label."""


def test_a_column_that_looks_like_a_label_is_named():
    """Where nothing was understood of it, for a message that says how to name it."""
    rows = table("prompt,response_a,response_b,winner", *((Q, GOOD, BAD, f"m{at}") for at in range(3)))
    assert known_form(list(rows[0]), rows) is None
    assert likely_label(list(rows[0]), rows) == ["winner"]
    for values, likely in _LIKELY:
        found = [{"prompt": Q, "Answer 1": GOOD, "Answer 2": BAD, "said": value, "lang": "en"} for value in values]
        assert bool(likely_label(list(found[0]), found)) is likely, values
    assert likely_label(["prompt", "preference_vote"], [{"prompt": Q, "preference_vote": "x"}]) == ["preference_vote"]


def test_answers_that_are_no_texts():
    """A number or a truth value is an answer as it stands in JSON."""
    rows = [
        {"question": Q, "answer_a": 4, "answer_b": True, "winner": "a"},
        {"question": Q, "answer_a": 4.5, "answer_b": "5", "winner": "b"},
    ]
    assert [told(item)[1] for item in items(rows)] == [["4", "true"], ["5", "4.5"]]


def test_transcripts_in_other_dress():
    """`User:` for `Human:`, and one line break between the turns."""
    rows = [{"chosen": f"User: {Q}\nAssistant: {GOOD}", "rejected": f"User: {Q}\nAssistant: {BAD}"}]
    assert [told(item) for item in items(rows)] == [(Q, AB, 1, None)]


def test_verdicts_without_answers_are_no_rows():
    """The message says what makes a run of them."""
    with pytest.raises(
        DataError, match=r"verdicts without answers \(human_winner\) become a run with `judgebench import FILE`"
    ):
        items([{"id": "1", "model_a": "m", "model_b": "n", "human_winner": "model_a", "judge_pick": "A"}])


def test_real_rows_of_pandalm():
    """The published pairs are read, each with the majority of its annotators; 54 of 999 have an empty answer."""
    path = shared("pandalm") / "testset-v1.json"
    rows = json.loads(path.read_text(encoding="utf-8"))
    rows = [row for row in rows if str(row["response1"]).strip() and str(row["response2"]).strip()]
    expected = []
    for row in rows:
        votes = [row[f"annotator{at}"] for at in (1, 2, 3)]
        winner = max(set(votes), key=votes.count)
        expected.append("tie" if votes.count(winner) == 1 else ("tie", "1", "2")[winner])
    read = []
    for item, row in zip(items(rows), rows, strict=True):
        first = row["response1"] if isinstance(row["response1"], str) else json.dumps(row["response1"])
        read.append(item.label or ("1" if item.completions[0].text == first else "2"))
    assert read == expected


def test_columns_that_the_user_names_count_before_a_forms_own():
    """A group or a subset of the row is not replaced by what a form takes for it."""
    (item,) = items([{**EXAMPLES["SHP"][0][0], "group": "mine"}])
    assert (item.group, item.subset) == ("mine", "d")


def test_a_label_may_mean_no_label():
    """`--labels` can say that a value is no label."""
    rows = [{**EXAMPLES["SHP"][0][0], "labels": label} for label in (1, -1)]
    assert [row.data["label"] for row in KnownSource(ListSource(rows), labels={"-1": ""})] == ["A", None]


def test_ids_by_another_name_only_where_they_are_unique():
    """`pair_id` names an item, but not where several people labelled one pair."""
    rows = [{"pair_id": pair, "question": Q, "answer_a": GOOD, "answer_b": BAD, "winner": "a"} for pair in ("x", "y")]
    assert [item.id for item in items(rows)] == ["x", "y"]
    assert [(item.id, item.metadata["pair_id"]) for item in items([*rows, rows[0]])] == [
        ("1", "x"),
        ("2", "y"),
        ("3", "x"),
    ]


def test_names_that_are_no_labels():
    """An annotator called A labels nothing, and chosen and rejected count before other answers of the row."""
    rows = [{"question": Q, "answer_a": GOOD, "answer_b": BAD, "annotator": who} for who in ("A", "B")]
    assert [told(item) for item in items(rows)] == [(Q, AB, 0, None)] * 2
    (item,) = items([{"question": Q, "chosen": GOOD, "rejected": BAD, "answer_1": BAD, "answer_2": GOOD, "winner": 1}])
    assert told(item) == (Q, AB, 1, None)


def test_a_sign_counts_where_the_user_says_what_labels_mean():
    """-1 and 1 are two labels."""
    rows = [{"prompt": Q, "response_a": GOOD, "response_b": BAD, "label": label} for label in (-1, "1", 0)]
    meanings = {"-1": "A", "1": "B", "0": "tie"}
    read = KnownSource(MappedSource(ListSource(rows), labels=meanings), labels=meanings)
    assert [row.data["label"] for row in read] == ["A", "B", "tie"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"ratings": [2, 5]}, (Q, BA, 1, None)),
        ({"scores": "[0.5, 0.5]"}, (Q, AB, 0, None)),
        ({"ranks": [2, 1]}, (Q, BA, 1, None)),
        ({"scores": [1, 2, 3]}, (Q, AB, 0, None)),
        ({"ratings": [2, 5], "winner": "A"}, (Q, AB, 1, None)),
    ],
)
def test_a_number_for_each_answer_in_a_list_says_which_is_best(more, expected):
    """The highest rating or score, the lowest rank; lists of another length say nothing, and a label counts first."""
    assert [told(item) for item in items([{"prompt": Q, "responses": AB, **more}])] == [expected]


@pytest.mark.parametrize(
    ("turn", "text"),
    [
        ({"role": "prompter", "text": "Hi."}, "Hi."),
        ({"role": "model", "parts": [{"text": "Hi."}]}, "Hi."),
        ({"role": "assistant", "content": None, "refusal": "No."}, "No."),
        ({"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}, "No."),
        ({"type": "function_call", "name": "f", "arguments": '{"a": 1}', "call_id": "c"}, 'f({"a": 1})'),
        ({"type": "function_call_output", "call_id": "c", "output": "7"}, "7"),
        ({"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {}}}]}, "f({})"),
    ],
)
def test_turns_in_other_dresses(turn, text):
    """Texts under other names, refusals, and calls that have no role, as OpenAI's newer interface lists them."""
    (item,) = items([{"prompt": {"messages": [user(Q), turn]}, "chosen": GOOD, "rejected": BAD}])
    assert item.conversation[-1].content == text
