"""Score files as the field writes them: how their columns are read, and which row is whose."""

import math

import pytest

from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.dataset import load_dataset
from judgebench.errors import ConfigError
from judgebench.runs.scorefiles import STEPS, ScoreReading, read_score_rows
from judgebench.runs.scores import ScoreOptions, read_scores
from judgebench.sources.opening import source_of

FORMS = {
    "one list": ({"scores": [1.5, 0.5]}, (1.5, 0.5), None),
    "batches of one": ({"scores": [[1.5], [[0.5]]]}, (1.5, 0.5), None),
    "text": ({"scores": "[1.5, 0.5]"}, (1.5, 0.5), None),
    "pipeline objects": (
        {"scores": [{"label": "LABEL_0", "score": 1.5}, {"label": "LABEL_0", "score": 0.5}]},
        (1.5, 0.5),
        None,
    ),
    "an object of both": ({"scores": {"chosen": 1.5, "rejected": 0.5}}, (1.5, 0.5), 1),
    "RewardBench": (
        {"text_chosen": "x", "text_rejected": "y", "scores_chosen": [1.5], "scores_rejected": [0.5]},
        (1.5, 0.5),
        1,
    ),
    "save_all": ({"chosen": 1.5, "rejected": 0.5}, (1.5, 0.5), 1),
    "RM-Bench": (
        {"chosen": ["x"], "rejected": ["y"], "score_chosen": [1, 2, 3], "score_rejected": [4, 5, 6]},
        (1, 2, 3, 4, 5, 6),
        3,
    ),
    "reject_reward, decimal commas": ({"id": "1", "chosen_reward": "1,5", "reject_reward": "0,5"}, (1.5, 0.5), 1),
    "as NumPy prints a list": ({"scores": "[1.5 0.5]"}, (1.5, 0.5), None),
    "chosen_score": ({"rejected_score": "0.5", "chosen_score": "1.5"}, (1.5, 0.5), 1),
    "chosen_rewards": ({"chosen_rewards": 1.5, "rejected_rewards": 0.5}, (1.5, 0.5), 1),
    "rewardChosen": ({"rewardChosen": 1.5, "rewardRejected": 0.5}, (1.5, 0.5), 1),
    "score_A": ({"score_B": 0.5, "score_A": 1.5}, (1.5, 0.5), None),
    "response1_score": ({"response1_score": 1.5, "response2_score": 0.5}, (1.5, 0.5), None),
    "RewardMATH": ({"problem": "p", "solution_reference": ["h", "m"], "score": [9, 2]}, (9, 2), None),
    # Right against the first two of three: two wins and 1; a lost one gets what is above all, 3 + 2.
    "RewardMATH pairs": (
        {"problem": "p", "score": ["A", "B", "A"], "chosen_position": ["A", "B", "B"]},
        (3, 1, 1, 5),
        None,
    ),
}


def scored(*rows: dict, **reading):
    return list(read_score_rows(source_of([*rows]), ScoreReading(**reading)))


@pytest.mark.parametrize("form", FORMS)
def test_a_form_gives_the_scores_of_the_completions(form):
    """Each form that the field writes is read, the chosen ones first, with how many are said to be chosen."""
    row, scores, chosen = FORMS[form]
    (found,) = scored({"id": 1, **row})

    assert (found.id, found.scores, found.chosen) == ("1", scores, chosen)
    assert found.as_given == (form in {"score_A", "response1_score"})


def test_rows_of_one_solution_each_are_put_together():
    """RewardMATH's results on RewardBench have a row a solution, with the scores of its steps."""
    rows = [
        {"problem": "p", "problem_id": 0, "solution_type": "chosen", "output": {"step_scores": [0.5, 0.25]}},
        {"problem": "p", "problem_id": 0, "solution_type": "rejected", "output": {"step_scores": [0.75]}},
    ]
    (found,) = scored(*rows, steps="min")

    assert (found.scores, found.chosen, found.prompt) == ((0.25, 0.75), 1, "p")


@pytest.mark.parametrize(
    "row",
    [
        {"scores": [[1, 5], [2, 4]]},
        {"scores": [{"help": 0, "safe": 5}, {"help": 0, "safe": 4}]},
        {"scores_chosen": [1, 5], "scores_rejected": [2, 4]},
        {"scores_chosen": [[1, 5]], "scores_rejected": [[2, 4]]},
        {"scores_chosen": {"help": 1, "safe": 5}, "scores_rejected": {"help": 2, "safe": 4}},
    ],
)
def test_a_head_is_named_or_counted(row):
    """Of several scores a completion one is taken, by --head; without it the message says which there are."""
    name = "safe" if "safe" in str(row) else "1"
    assert scored({"id": 1, **row}, head=name)[0].scores == (5, 4)
    with pytest.raises(ConfigError, match="has no head 'x'"):
        scored({"id": 1, **row}, head="x")
    if row.get("scores") or name == "safe" or isinstance(row["scores_chosen"][0], list):
        with pytest.raises(ConfigError, match=r"has 2 scores a completion.*--head"):
            scored({"id": 1, **row})


def test_steps_become_one_score():
    """The aggregates are RewardMATH's; of 0.5 and 0.8 the odds are 1 and 4."""
    found = {name: made([0.5, 0.8]) for name, made in STEPS.items()}
    mean_logit = 1 / (1 + math.exp(-math.log(4) / 2))

    assert found == pytest.approx(
        {"min": 0.5, "max": 0.8, "prod": 0.4, "mean": 0.65, "geometric-mean": 0.4**0.5}
        | {"mean-logit": mean_logit, "mean-odds": 2.5, "last": 0.8}
    )


def test_steps_of_each_completion():
    """A list of steps a completion is one score by the aggregate that was stated."""
    assert scored({"id": 1, "score": [[0.5, 0.2], [0.9]]}, steps="min")[0].scores == (0.2, 0.9)


PAIRS = [{"id": str(n), "prompt": f"question {n}", "chosen": "x", "rejected": "y", "subset": f"s{n}"} for n in range(4)]


def read(scores, data=None, **options):
    dataset = load_dataset(get_benchmark("custom"), PAIRS if data is None else data)
    notes = []
    return read_scores(source_of(scores), dataset, ScoreOptions(**options), notes), notes


def test_ids_that_a_table_wrote_as_floats_are_whole():
    """An id 1.0, as a column with a gap in it has it, is 1."""
    found, _ = read([{"id": f"{n}.0", "scores": [n, 0]} for n in range(4)])

    assert found == {str(n): (n, 0) for n in range(4)}


def test_scores_without_ids_are_in_order():
    """As many rows as items are taken in the order of the data, and that is said."""
    found, notes = read([{"chosen": n, "rejected": 9} for n in range(4)])

    assert found == {str(n): (n, 9) for n in range(4)}
    assert notes == ["list has no ids: its 4 rows are taken in the order of the data"]


def test_scores_with_prompts_are_joined_by_them():
    """Rows without ids find their items by the prompt, whatever their order."""
    found, notes = read([{"problem": f"question {n}", "score": [n, 9]} for n in (3, 1, 0, 2)])

    assert found == {str(n): (n, 9) for n in range(4)}
    assert notes == ["list has no ids: its rows are joined by their prompts"]


def test_doubled_ids_are_taken_in_order_when_asked():
    """Published files with wrong ids twice are joined by --in-order, which the message names."""
    rows = [{"id": identifier, "subset": f"S{n}", "scores": [n, 9]} for n, identifier in enumerate("3023")]
    with pytest.raises(ConfigError, match=r"list row 4: duplicate id '3'; --in-order takes them in the order"):
        read(rows)

    rows = [{"id": identifier, "subset": f"S{n}", "scores": [n, 9]} for n, identifier in enumerate("3323")]
    found, _ = read(rows, in_order=True)
    assert found == {str(n): (n, 9) for n in range(4)}


WRONG = {
    "another order": ([{"id": n, "scores": [1, 0]} for n in (1, 0, 2, 3)], "list row 1: has the id '1', and item 1 of"),
    "another subset": ([{"subset": "s3", "scores": [1, 0]}] * 4, "is of subset 's3', and item 1 of the data is '0'"),
    "other prompts": ([{"prompt": "what?", "scores": [1, 0]}] * 4, "has the prompt 'what\\?', and item 1"),
    "fewer rows": ([{"scores": [1, 0]}] * 3, "3 rows for 4 items"),
}


@pytest.mark.parametrize("what", WRONG)
def test_an_order_that_is_another_is_refused(what):
    """Rows are taken in order only where nothing in them says otherwise; the message shows one of each side."""
    rows, said = WRONG[what]
    with pytest.raises(ConfigError, match=said):
        read(rows, in_order=True)


def test_other_ids_show_one_of_each_side():
    """A file with none of the data's ids says one of each."""
    with pytest.raises(ConfigError, match=r"its first id is 'x0', that of the data '0'.*--in-order"):
        read([{"id": f"x{n}", "scores": [1, 0]} for n in range(4)])


def test_scores_of_a_and_b_are_in_the_order_of_the_rows():
    """Where label says B, the score of b is that of the better answer; a tie has none."""
    data = [
        {"id": n, "prompt": "p", "response_a": "x", "response_b": "y", "label": label}
        for n, label in enumerate(("B", "A", "tie", None))
    ]
    found, _ = read([{"id": n, "score_a": 1, "score_b": 2} for n in range(4)], data)

    assert found == {"0": (2, 1), "1": (1, 2), "2": (1, 2), "3": (1, 2)}
    with pytest.raises(ConfigError, match="say which is chosen"):
        read([{"id": n, "score_a": 1, "score_b": 2} for n in range(4)])


def test_scores_that_are_not_numbers_are_said_as_they_are():
    """NaN is named as such, with the ids."""
    with pytest.raises(ConfigError, match=r"not finite numbers: 0 \(NaN\), 1 \(NaN\), 2 \(NaN\), 3 \(NaN\);"):
        read([{"id": n, "scores": [math.nan, 1]} for n in range(4)])
