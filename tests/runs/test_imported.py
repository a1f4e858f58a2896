"""Verdicts that were made elsewhere: each form of file, what its rows say, and what is refused."""

import csv
import io
import json
import math
import zipfile
from pathlib import Path
from statistics import mean, stdev

import pytest

import judgebench as jb
from judgebench.errors import ConfigError
from judgebench.runs.verdictforms import FORMS, form_of
from judgebench.runs.verdictwords import UnknownWordError, Word, order_of, pick_of

SLOTS = {
    "A": 0,
    "b": 1,
    "[[B]]": 1,
    "A>B": 0,
    "B>>A": 1,
    "b<a": 0,
    1: 0,
    2.0: 1,
    "2": 1,
    "A=B": None,
    0: None,
    "TIE": None,
}
NAMED = {"model_b": 1, "Response A": 0, "output (b)": 1, "assistant 2": 1, "chosen": 0, "rejected": 1, "gpt-4": 0}


def test_words_of_verdicts():
    """Letters and numbers are slots in the order shown, names are answers of the row, and ties have many words."""
    models = ("gpt-4", "claude")

    assert {word: pick_of(word, 2, models) for word in SLOTS} == {word: Word(at) for word, at in SLOTS.items()}
    assert {word: pick_of(word, 2, models) for word in NAMED} == {w: Word(at, slot=False) for w, at in NAMED.items()}
    assert {pick_of(word, 2) for word in ("tie (bothbad)", "draw", "Both bad", "equal")} == {Word(None)}
    assert pick_of("left", 2, words={"left": "A"}) == Word(0)


@pytest.mark.parametrize("word", ["C", "left", 3, "A>A", "maybe", "model_c"])
def test_other_words_are_no_verdict(word):
    """What names none of two answers is refused, never guessed."""
    with pytest.raises(UnknownWordError, match="expected A, B, tie"):
        pick_of(word, 2)


@pytest.mark.parametrize("order", ["BA", "b,a", [1, 0], "1 0", [2, 1], "swapped", "rejected", "model_b", True, "B A"])
def test_words_of_orders(order):
    """Each says that the second answer was shown first."""
    assert order_of(order, 2) == (1, 0)


PAIR = {"instruction": "q", "output_1": "x", "output_2": "y", "generator_1": "base", "generator_2": "mine"}
PREFERENCES = [1, 2, 2.0, 1.5, 0, 1.75, 1.25, 1.0000057719, None]


def alpaca(preferences):
    return [PAIR | {"annotator": "weighted", "preference": each, "dataset": "d"} for each in preferences]


def test_win_rates_are_alpaca_evals():
    """Mean, standard error and counts of preferences less 1, where 0 was a draw and what is no number is left out."""
    (run,) = jb.import_verdicts(alpaca(PREFERENCES))
    shares = [0, 1, 1, 0.5, 0.5, 0.75, 0.25, 0.0000057719]
    (found,) = run.metrics.extra["win_rates"]

    assert (found["model"], found["baseline"], run.metrics.judge) == ("mine", "base", "weighted")
    assert found["win_rate"] == pytest.approx(mean(shares), abs=1e-10)
    assert found["standard_error"] == pytest.approx(stdev(shares) / math.sqrt(8), abs=1e-10)
    assert (found["n_wins"], found["n_wins_base"], found["n_draws"], found["n_total"]) == (3, 3, 2, 8)
    assert found["discrete_win_rate"] == 0.5
    assert run.metrics.failures == {"unreadable": 1}
    assert run.metrics.position_bias is None  # in which order the outputs were shown is not known


def dresses(rows):
    """The same annotations in the files that AlpacaEval and pandas write."""
    columns = {name: {str(n): row.get(name) for n, row in enumerate(rows)} for name in rows[0]}
    cells = [{name: "" if value is None else value for name, value in row.items()} for row in rows]
    table = io.StringIO()
    writer = csv.DictWriter(table, ["", *rows[0]])
    writer.writeheader()
    writer.writerows({"": n, **row} for n, row in enumerate(cells))
    return {
        "annotations.json": json.dumps(rows, indent=2),
        "columns.json": json.dumps(columns),
        "lines.jsonl": "\n".join(map(json.dumps, rows)),
        "nan.json": json.dumps(rows).replace("null", "NaN"),
        "table.csv": table.getvalue(),
    }


def test_alpaca_evals_files_in_every_dress():
    """Weighted preferences, objects as replies and rows without a preference: always the mean of preference - 1."""
    replies = [
        "[{'model': 'model_1', 'rank': 1}]",
        {"text": "m", "logprobs": {"content": []}},
        {"ordered_models": []},
        None,
    ]
    preferences = [1.9900139974, 1.4593660117, 1, 2.0, 1.5, 0, None, 1.0000002, 1.4999999999]
    more = {"dataset": "helpful_base", "datasplit": "eval", "price_per_example": 0.01, "time_per_example": 0.5}
    rows = [
        {**PAIR, "instruction": f"q{n % 8}", **more, "annotator": "w", "preference": preference}
        | {"raw_completion": replies[n % 4]}
        for n, preference in enumerate(preferences)
    ]
    shares = [0.5 if each == 0 else each - 1 for each in preferences if each is not None]
    for name, text in dresses(rows).items():
        Path(name).write_text(text)
        (run,) = jb.import_verdicts(name)
        (found,) = run.metrics.extra["win_rates"]

        assert found["win_rate"] == pytest.approx(sum(shares) / len(shares), abs=1e-10), name
        assert (found["n_wins"], found["n_draws"], found["n_total"]) == (2, 2, 8), name
        assert run.metrics.usage.cost_usd == pytest.approx(0.09), name


def test_annotators_of_one_pair_judge_one_item():
    """Rows of one instruction and its outputs by several annotators are verdicts on one item, so they compare."""
    rows = [
        {**PAIR, "instruction": f"q{n}", "annotator_index": who, "preference": (1, 2)[(n + who) % 2]}
        for n in range(3)
        for who in (0, 7)
    ]
    runs = jb.import_verdicts(rows)

    assert [run.metrics.judge for run in runs] == ["0", "7"]
    assert [len(list(run.items)) for run in runs] == [3, 3]
    assert jb.compare(*runs).items == 3


def test_alpaca_evals_win_rate_is_the_files_where_the_annotator_changes():
    """Annotators who judged no instruction in common are one run, as the file is one row of AlpacaEval's table."""
    rows = [row | {"instruction": f"q{n}"} for n, row in enumerate(alpaca([1.2, 2, 1, 1.5]))]
    rows[2]["annotator"] = rows[3]["annotator"] = "other"
    (run,) = jb.import_verdicts(rows)

    assert run.metrics.judge == "weighted + other"
    assert run.metrics.extra["win_rates"][0]["win_rate"] == pytest.approx((0.2 + 1 + 0 + 0.5) / 4, abs=1e-10)
    assert len(list(run.judgements)) == 4


def test_a_baseline_against_itself_draws():
    """The baseline's own annotations have a win rate too."""
    rows = [row | {"generator_2": "base"} for row in alpaca([1.5, 1.5, 1])]
    (found,) = jb.import_verdicts(rows)[0].metrics.extra["win_rates"]

    assert (found["win_rate"], found["n_draws"]) == (pytest.approx(1 / 3), 2)


GAMES = [
    {"question_id": 81, "model_1": "m", "model_2": "n", "g1_winner": "model_1", "g2_winner": "model_1"},
    {"question_id": 82, "model_1": "m", "model_2": "n", "g1_winner": "model_1", "g2_winner": "model_2"},
    {"question_id": 83, "model_1": "m", "model_2": "n", "g1_winner": "tie", "g2_winner": "error"},
]


def test_games_of_mt_bench_are_both_orders():
    """Winners are models: the same in both games names slot A and then slot B."""
    rows = [row | {"judge": ["gpt-4", "pair-v2"], "g1_judgment": "a", "g2_judgment": "b", "turn": 1} for row in GAMES]
    (run,) = jb.import_verdicts(rows)
    found = {(each.item, each.order): each.verdict for each in run.judgements}

    assert run.metrics.judge == "gpt-4"
    assert [found["81-m-n", order] for order in ((0, 1), (1, 0))] == ["A", "B"]
    assert [found["82-m-n", order] for order in ((0, 1), (1, 0))] == ["A", "A"]
    assert [found["83-m-n", order] for order in ((0, 1), (1, 0))] == ["tie", None]
    assert (run.metrics.consistency, run.metrics.consistency_n) == (0.5, 2)


def test_single_grades_of_mt_bench():
    """A grade a model and question; -1 is none."""
    rows = [
        {
            "question_id": 81,
            "model": name,
            "judge": ["gpt-4", "single-v1"],
            "judgment": "[[8]]",
            "score": score,
            "turn": 2,
        }
        for name, score in (("m", 8), ("n", -1))
    ]
    (run,) = jb.import_verdicts(rows)

    assert {each.item: each.verdict for each in run.judgements} == {"81-m-2": 8.0, "81-n-2": None}
    assert run.metrics.failures == {"unreadable": 1}


def test_bare_verdicts_are_scored_by_their_labels():
    """Verdict and label are the row's own A and B; the order says what was shown in the slots."""
    rows = [
        {"id": 1, "verdict": "A", "order": "AB", "label": "B"},
        {"id": 1, "verdict": "A", "order": "BA", "label": "B"},
        {"id": 2, "verdict": "tie", "order": "AB", "label": "tie"},
        {"id": 2, "verdict": None, "order": "BA", "label": "tie"},
    ]
    (run,) = jb.import_verdicts(rows, judge="j")
    credits_ = {each.item.id: each.credit for each in run.outcomes}

    assert credits_ == {"1": 0.5, "2": 0.75}  # right in one order of two; a tie right, and half for a failure
    assert run.manifest.protocol.name == "both"
    assert run.metrics.position_bias.estimate == 1


def test_probabilities_are_of_the_verdict():
    """They are Brier-scored where labels are: (0.2^2 + 0.7^2) / 2."""
    rows = [
        {"id": 1, "verdict": "A", "probability": 0.8, "label": "A"},
        {"id": 2, "verdict": "B", "probability": 0.7, "label": "A"},
    ]
    (run,) = jb.import_verdicts(rows, judge="j")

    assert run.metrics.extra["calibration"]["brier"] == pytest.approx((0.2**2 + 0.7**2) / 2)
    with pytest.raises(ConfigError, match="probability_a"):
        jb.import_verdicts([rows[0], rows[1] | {"probability": 0.1}])


def test_annotators_are_runs_of_the_same_items():
    """Each annotator is a run, and they compare."""
    rows = [
        {"id": n, "verdict": v, "label": "A", "annotator": name}
        for name, said in (("ann", "AAAAAB"), ("bob", "ABBABB"))
        for n, v in enumerate(said)
    ]
    runs = jb.import_verdicts(rows)

    assert [run.metrics.judge for run in runs] == ["ann", "bob"]
    assert [run.metrics.score for run in runs] == pytest.approx([5 / 6, 2 / 6])
    assert len({run.manifest.items.hash for run in runs}) == 1
    assert jb.compare(*runs).items == 6
    named = jb.import_verdicts(rows, judge="crowd")
    assert [run.metrics.judge for run in named] == ["crowd ann", "crowd bob"]


def test_pandalm_counts_the_answers():
    """1 and 2 are the answers and 0 a tie, in its own results and its annotators'."""
    (own,) = jb.import_verdicts([{"idx": n, "pandalm_result": n, "pandalm_reason": "r"} for n in range(3)])
    people = jb.import_verdicts(
        [
            {"idx": 0, "instruction": "i", "input": "", "response1": "x", "response2": "y", "cmp_key": "m_n"}
            | {f"annotator{n}": n % 3 for n in (1, 2, 3)}
        ]
    )

    assert [each.verdict for each in own.judgements] == ["tie", "A", "B"]
    assert [[each.verdict for each in run.judgements] for run in people] == [["A"], ["B"], ["tie"]]


DATA = [{"id": n, "prompt": f"p{n}", "chosen": "x", "rejected": "yy", "subset": "alpacaeval-easy"} for n in range(4)]


def test_rewardbench_results_are_verdicts():
    """1 is for the chosen answer, 0 for the rejected one, and a half for a tie."""
    rows = [{"id": n, "results": r, "subset": "alpacaeval-easy", "model": "m"} for n, r in enumerate([1, 1, 0, 0.5])]
    (run,) = jb.import_verdicts(rows, benchmark="rewardbench", data=DATA)

    assert (run.metrics.judge, run.metrics.score) == ("m", 0.625)
    assert [each.verdict for each in run.judgements] == ["A", "A", "B", "tie"]


def test_replies_are_read_by_a_templates_rule():
    """Recorded replies get their verdicts from it, in the order that was shown, and can be read again."""
    said = ["[[A]]", "[[B]]", "no idea", "[[A]]"]
    rows = [{"id": n, "first": ("chosen", "rejected")[n % 2], "reply": reply} for n, reply in enumerate(said)]
    (run,) = jb.import_verdicts(rows, benchmark="rewardbench", data=DATA, template="pairwise", judge="j")

    assert [each.credit for each in run.outcomes] == [1, 1, 0.5, 0]
    assert run.metrics.failures == {"unreadable": 1}
    assert jb.rescore(run, template="pairwise", dry_run=True).changes == ()


def test_replies_without_a_template_are_no_verdicts():
    """They are not counted as failures: the option that reads them is named."""
    with pytest.raises(ConfigError, match=r"has replies and no verdicts: .*--template pairwise"):
        jb.import_verdicts([{"id": 1, "reply": "[[A]]"}], judge="j")


RIVALS = [
    {"id": "a", "prompt": "same", "response_a": "one", "response_b": "two", "label": "A", "subset": "s"},
    {"id": "b", "prompt": "same", "response_a": "three", "response_b": "four", "label": "B", "subset": "t"},
    {"id": "c", "prompt": "other", "response_a": "one", "response_b": "two", "label": "A", "subset": "t"},
]


def verdicts(rows, **options):
    (run,) = jb.import_verdicts(rows, judge="j", data=RIVALS, **options)
    return {each.item.id: each.credit for each in run.outcomes}


def test_verdicts_join_by_prompt_and_answers_where_there_are_no_ids():
    """Two items of one prompt are told by their answers, in whatever order and white space the file has these."""
    texts = [("other", "two", "one"), ("same ", "four", "three"), ("same", "one", "two ")]
    rows = [{"prompt": p, "response_a": a, "response_b": b, "verdict": "A"} for p, a, b in texts]

    assert verdicts(rows) == {"a": 1, "b": 1, "c": 0}
    assert verdicts([{"response_a": "three", "response_b": "four", "verdict": "B"}]) == {"b": 1}


def test_a_prompt_alone_joins_where_it_is_one_items():
    """Turns count by their last one; a prompt of two items is refused, with both of them."""
    turns = [{"role": "system", "content": "s"}, {"role": "user", "content": "other"}]

    assert verdicts([{"prompt": turns, "verdict": "A"}]) == {"c": 1}
    with pytest.raises(ConfigError, match=r"2 items of the data have this prompt \('a', 'b'\): add a column 'id'"):
        verdicts([{"prompt": "same", "verdict": "A"}])
    with pytest.raises(ConfigError, match="no item of the data has this prompt and answers: 'same'"):
        verdicts([{"prompt": "same", "response_a": "one", "response_b": "four", "verdict": "A"}])


def test_ids_that_count_other_rows_are_refused():
    """An id whose texts are another item's says that the file counts otherwise than the data."""
    with pytest.raises(ConfigError, match="id 'c' has the prompt and answers of item 'a'"):
        verdicts([{"id": "c", "prompt": "same", "response_a": "one", "response_b": "two", "verdict": "A"}])


def test_rows_without_ids_and_texts_are_taken_in_order():
    """Only where there are as many as items, and said."""
    (run,) = jb.import_verdicts([{"verdict": "A"}] * 3, judge="j", data=RIVALS)

    assert [each.credit for each in run.outcomes] == [1, 0, 1]
    assert any("no ids: its rows are joined in the order of the data" in note for note in run.metrics.notes)
    with pytest.raises(ConfigError, match="no ids and no texts, and 2 rows for 3 items"):
        verdicts([{"verdict": "A"}] * 2)


def test_verdicts_of_one_subset():
    """With and without data; the file's other rows are no mistake, a subset that is not there is one."""
    rows = [{"id": each["id"], "verdict": "A", "label": "A", "subset": each["subset"]} for each in RIVALS]

    assert verdicts(rows, subsets=["t"]) == {"b": 0, "c": 1}
    (run,) = jb.import_verdicts(rows, judge="j", subsets=["s"])
    assert [each.item.id for each in run.outcomes] == ["a"]
    with pytest.raises(ConfigError, match="unknown subset 'u'"):
        jb.import_verdicts(rows, subsets=["u"])


def test_columns_and_labels_of_the_file_and_of_the_data():
    """A name is the file's where the file has such a column, else the data's; words mean the same in both."""
    data = [{"key": n, "q": "p", "left": f"x{n}", "right": "y", "gold": n % 2} for n in range(2)]
    rows = [{"key": n, "pick": "1"} for n in range(2)]
    names = {"verdict": "pick", "prompt": "q", "label": "gold"}
    (run,) = jb.import_verdicts(rows, judge="j", data=data, columns=names, labels={"0": "A", "1": "B"}, id_column="key")

    assert [each.credit for each in run.outcomes] == [0, 1]


def test_rewardbench_results_of_a_file_name_their_model():
    """What stands beside the columns of one JSON object is said of all its rows."""
    file = {"model": "org/judge", "model_type": "Generative", "results": [1, 0], "subset": ["alpacaeval-easy"] * 2}
    Path("judge.json").write_text(json.dumps(file | {"id": [0, 1]}))
    (run,) = jb.import_verdicts("judge.json", benchmark="rewardbench", data=DATA)

    assert (run.metrics.judge, run.metrics.score) == ("org/judge", 0.5)


def test_verdicts_without_replies_are_not_read_again():
    """There is nothing to read."""
    (run,) = jb.import_verdicts([{"id": 1, "verdict": "A"}])
    with pytest.raises(ConfigError, match="without replies"):
        jb.rescore(run, template="pairwise")


def inspect_log(samples, **about):
    return {"version": 2, "status": "success", "eval": {"task": "t", "model": "m/judge", **about}, "samples": samples}


def sample(n, target, answer, value, **more):
    return {
        "id": n,
        "epoch": 1,
        "input": [{"role": "system", "content": "s"}, {"role": "user", "content": f"q{n}"}],
        "choices": None,
        "target": target,
        "output": {"completion": f"say {answer}"},
        "scores": {"match": {"value": value, "answer": answer, "explanation": "why", **more}},
    }


CHOICES = [sample(1, "A", "A", "C"), sample(2, "B", "A", "I"), sample(3, ["B"], "", "I")]


@pytest.mark.parametrize("kind", ["json", "eval"])
def test_inspects_logs_of_a_judge(kind):
    """Where the target is a letter, the model under test is the judge: its answer is the verdict."""
    log = inspect_log(CHOICES)
    path = Path(f"log.{kind}")
    if kind == "json":
        path.write_text(json.dumps(log))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("header.json", json.dumps({name: log[name] for name in ("version", "status", "eval")}))
            for each in CHOICES:
                archive.writestr(f"samples/{each['id']}_epoch_1.json", json.dumps(each))
    (run,) = jb.import_verdicts(path)

    assert (run.metrics.judge, run.manifest.origin.form) == ("m/judge", "Inspect log")
    assert [each.verdict for each in run.judgements] == ["A", "A", None]
    assert [each.credit for each in run.outcomes] == [1, 0, 0.5]


def test_inspects_logs_of_a_grader():
    """Elsewhere a model graded the answers: correct is 1, partly correct a half, incorrect 0."""
    grades = [sample(n, "forty-two", "42", value) for n, value in enumerate(["C", "P", "I", 0.25])]
    Path("log.json").write_text(json.dumps(inspect_log(grades, model_roles={"grader": {"model": "m/grader"}})))
    (run,) = jb.import_verdicts("log.json")

    assert run.metrics.judge == "m/grader"
    assert [each.verdict for each in run.judgements] == [1, 0.5, 0, 0.25]
    assert [item.completions[0].text for item in run.items] == ["say 42"] * 4


def test_each_form_is_told_by_its_columns():
    """The columns that a form needs tell it, whatever their case and further ones beside them."""
    for form in FORMS:
        assert form_of([name.upper() for name in form.needs] + ["other"]) is form
    assert form_of(["id", "text"]) is None


WRONG = {
    "an unknown word": (
        [{"id": 1, "verdict": "A"}, {"id": 2, "verdict": "left"}],
        "list row 2: verdict is 'left', exp",
    ),
    "an id twice": ([{"id": 1, "verdict": "A"}, {"id": 1, "verdict": "B"}], "list row 2: duplicate id '1'"),
    "another label": (
        [{"id": 1, "verdict": "A", "order": o, "label": o[0]} for o in ("AB", "BA")],
        "list row 2: id '1' has another label, text or model in list row 1",
    ),
    "0 and 1": ([{"id": n, "verdict": n} for n in (0, 1)], "holds 0 and 1.*--labels 0=A,1=B"),
    "no column": ([{"id": 1, "text": "A"}], "found id, text: name it with --columns verdict=COLUMN"),
    "a preference of 3 words": (alpaca(["good"]), "preference is 'good'"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_named(what):
    """With its place, and nothing is written."""
    rows, said = WRONG[what]
    with pytest.raises(ConfigError, match=said):
        jb.import_verdicts(rows)
    assert not Path("runs").exists() or not list(Path("runs").rglob("manifest.json"))


def test_all_bad_rows_are_named_at_once():
    """The first twenty, and how many more there are."""
    with pytest.raises(ConfigError, match=r"list row 1: .*\(25 of 25 rows cannot be used\)") as error:
        jb.import_verdicts([{"id": n, "verdict": f"maybe {n}"} for n in range(25)])

    assert len(error.value.__notes__) == 21
    assert error.value.__notes__[-1].strip() == "and 5 more"


def test_a_slot_of_chosen_and_rejected_needs_an_order():
    """A alone says nothing where the data names its answers chosen and rejected."""
    with pytest.raises(ConfigError, match="add a column 'order'"):
        jb.import_verdicts([{"id": 0, "verdict": "A"}], data=DATA, judge="j")


def test_ids_that_the_data_has_not_are_named():
    """With one of the data's own."""
    with pytest.raises(ConfigError, match=r"id '9' is not in the data \(which has '0'\)"):
        jb.import_verdicts([{"id": 9, "verdict": "chosen"}], data=DATA, judge="j")


def test_files_named_alike_are_two_runs():
    """The second one of another content does not take the place of the first."""
    first = jb.import_verdicts([{"id": 1, "verdict": "A"}], judge="j")[0]
    second = jb.import_verdicts([{"id": 1, "verdict": "B"}], judge="j")[0]
    again = jb.import_verdicts([{"id": 1, "verdict": "A"}], judge="j")[0]

    assert first.path != second.path
    assert first.path == again.path
