"""Files as spreadsheets and annotation tools export them: the same six pairs in each, and what cannot be known."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

import judgebench as jb
from judgebench.errors import ConfigError
from judgebench.sources.nested import flat

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PAIRS = [("What is 2 + 2?", "4", "5", "A"), ("Capital of France?", "Rome", "Paris, of course", "B")] * 3


def table(header: str, words: dict[str, object], delimiter: str = ",", start: str = "") -> str:
    """The pairs as CSV with the label in these words."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(header.split("|"))
    writer.writerows([prompt, a, b, words[label]] for prompt, a, b, label in PAIRS)
    return start + text.getvalue()


def objects(make: object) -> str:
    """The pairs as JSON, an object each."""
    return json.dumps([make(n, *pair) for n, pair in enumerate(PAIRS, 1)])  # type: ignore[operator]


AB = {"A": "A", "B": "B"}
SIDES = {"A": "left", "B": "right"}


def argilla(n: int, prompt: str, a: str, b: str, label: str) -> dict[str, object]:
    said = [{"value": f"response_{1 + (label == 'B')}", "user_id": who, "status": "submitted"} for who in ("u", "v")]
    other = {"value": "response_1", "status": "discarded"}
    fields = {"prompt": prompt, "response_1": a, "response_2": b}
    return {"id": n, "fields": fields, "responses": {"preference": [*said, other]}, "suggestions": {}}


def label_studio(n: int, prompt: str, a: str, b: str, label: str) -> dict[str, object]:
    result = {"from_name": "pick", "type": "pairwise", "value": {"selected": SIDES[label]}}
    undone = {"result": [{"value": {"selected": "left"}}], "was_cancelled": True}
    return {
        "id": n,
        "data": {"prompt": prompt, "answer1": a, "answer2": b},
        "annotations": [{"result": [result]}, undone],
    }


EXPORTS: dict[str, tuple[str, str, str]] = {
    "Excel, semicolons, a mark": ("x.csv", "utf-8-sig", table("Prompt|Response A|Response B|Label", AB, ";")),
    "Excel, its own first line": ("x.csv", "utf-8", table("prompt|response_a|response_b|label", AB, ";", "sep=;\r\n")),
    "a title above the table": ("x.csv", "utf-8", table("prompt|a|b|winner", AB, start="Our evaluation,,,\r\n,,,\r\n")),
    "Excel's Unicode text": (
        "x.txt",
        "utf-16",
        table("Question|Answer 1|Answer 2|Better", {"A": "1st", "B": "2nd"}, "\t"),
    ),
    "Google Sheets": ("x.csv", "utf-8", table(" Prompt |Left|Right|Which is better?", {"A": "LEFT ", "B": "Right"})),
    "the label names two columns": (
        "x.csv",
        "utf-8",
        table("query|baseline|candidate|winner", {"A": "Baseline", "B": "candidate"}),
    ),
    "two models' columns": ("x.csv", "utf-8", table("prompt|gpt-4o|claude-3|winner", {"A": "gpt-4o", "B": "claude-3"})),
    "LangSmith, CSV": (
        "x.csv",
        "utf-8",
        table("inputs.question|inputs.answer_a|inputs.answer_b|outputs.preferred", AB),
    ),
    "LangSmith": (
        "x.json",
        "utf-8",
        objects(
            lambda _, p, a, b, x: {"inputs": {"question": p, "answer_a": a, "answer_b": b}, "outputs": {"best": x}}
        ),
    ),
    "Braintrust": (
        "x.json",
        "utf-8",
        objects(
            lambda n, p, a, b, x: {"id": n, "input": {"q": 1, "question": p, "output_a": a, "output_b": b}, "winner": x}
        ),
    ),
    "Argilla": ("x.json", "utf-8", objects(argilla)),
    "Argilla, on the hub": (
        "x.json",
        "utf-8",
        objects(lambda _, p, a, b, x: {"prompt": p, "response-1": a, "response-2": b, "preference": [{"value": x}]}),
    ),
    "Label Studio": ("x.json", "utf-8", objects(label_studio)),
    "Weights & Biases": (
        "x.json",
        "utf-8",
        json.dumps({"columns": ["prompt", "response_a", "response_b", "label"], "data": [[*pair] for pair in PAIRS]}),
    ),
    "answers in objects": (
        "x.json",
        "utf-8",
        objects(lambda _, p, a, b, x: {"prompt": p, "response_a": {"text": a}, "response_b": {"text": b}, "label": x}),
    ),
    "an object of answers": (
        "x.json",
        "utf-8",
        objects(lambda _, p, a, b, x: {"prompt": p, "responses": {"A": a, "B": b}, "label": x}),
    ),
    "an object of models' answers": (
        "x.json",
        "utf-8",
        objects(
            lambda _, p, a, b, x: {"prompt": p, "outputs": {"m-1": a, "n.2": b}, "winner": {"A": "m-1", "B": "n.2"}[x]}
        ),
    ),
    "a list of models' answers": (
        "x.json",
        "utf-8",
        objects(
            lambda _, p, a, b, x: {
                "prompt": p,
                "responses": [{"model": "m", "text": a}, {"model": "n", "text": b}],
                "winner": "mn"[x == "B"],
            }
        ),
    ),
}


def items_in(path: Path, **options: object) -> Sequence[tuple[str, list[str]]]:
    """Prompt and answers of each item, the better answer first."""
    found = jb.describe_data(path, **options)  # type: ignore[arg-type]
    assert found.understood.labels == {"A": 3, "B": 3}
    return [(each.conversation[-1].content, [c.text for c in each.completions]) for each in found._dataset]


EXPECTED = [("What is 2 + 2?", ["4", "5"]), ("Capital of France?", ["Paris, of course", "Rome"])] * 3


@pytest.mark.parametrize("export", EXPORTS)
def test_an_export_is_read_as_it_is(export: str, tmp_path: Path) -> None:
    """Prompts, answers and labels, without an option."""
    name, encoding, text = EXPORTS[export]
    (tmp_path / name).write_bytes(text.encode(encoding))

    assert items_in(tmp_path / name) == EXPECTED


UNKNOWN = {
    "another language": (
        table("Frage|Antwort A|Antwort B|Bevorzugt", {"A": "Antwort A", "B": "Antwort B"}, ";"),
        {"columns": 'prompt=Frage,response_a="Antwort A",response_b="Antwort B",label=Bevorzugt'},
    ),
    "words of another language": (
        table("prompt|response_a|response_b|label", {"A": "A更好", "B": "B更好"}),
        {"labels": "A更好=A,B更好=B"},
    ),
    "signs": (table("prompt|response_a|response_b|preference", {"A": "-1", "B": "1"}), {"labels": "-1=A,1=B"}),
    "truth": (table("prompt|response_a|response_b|label", {"A": "TRUE", "B": "FALSE"}), {"labels": "TRUE=A,FALSE=B"}),
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_what_nobody_can_know_is_refused_with_the_option_that_says_it(what: str, tmp_path: Path) -> None:
    """The option is in the message, and with it the rows are read."""
    text, options = UNKNOWN[what]
    path = tmp_path / "x.csv"
    path.write_text(text, encoding="utf-8-sig")
    with pytest.raises(ConfigError, match=f"--{next(iter(options))} "):
        jb.describe_data(path)

    assert items_in(path, **options) == EXPECTED


def test_a_column_of_answers_words_is_named_where_no_label_is_known(tmp_path: Path) -> None:
    """Whatever it is called."""
    path = tmp_path / "x.csv"
    path.write_text(table("prompt|response_a|response_b|outcome", SIDES), encoding="utf-8")
    found = jb.describe_data(path).understood

    assert (found.labels, found.likely) == ({}, ["outcome"])


def test_a_vote_without_a_majority_is_no_label() -> None:
    """Of two people who differ; what stands at the top counts before a field of its name."""
    votes = [{"value": "A"}, {"value": "B"}]

    assert flat({"label": votes, "id": 1, "data": {"id": 2, "prompt": "p"}}) == {"label": "", "id": 1, "prompt": "p"}
