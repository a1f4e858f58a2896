"""Process reward models: each step's score is read at its own separator, in one pass."""

import json
import random
from pathlib import Path

import pytest
from commands import judgebench
from scoring import write_rows
from tinymodels import TEMPLATE, WORDS, tiny, tiny_tokenizer

from judgebench.errors import ConfigError
from judgebench.rewards.opening import open_model
from judgebench.rewards.settings import RewardSettings

pytestmark = pytest.mark.torch
SEPARATOR = " <step> "
DRAW = random.Random(4)
ROWS = [
    {
        "id": str(at),
        "prompt": " ".join(DRAW.choices(WORDS, k=DRAW.randint(2, 20))),
        "steps": [" ".join(DRAW.choices(WORDS, k=DRAW.randint(1, 12))) for _ in range(DRAW.randint(1, 6))],
        "label": -1,
    }
    for at in range(8)
]


def plainly(folder, kind, read):
    """Each item alone: what the model gives at every token `<step>` of the answer."""
    import torch
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = getattr(transformers, kind).from_pretrained(folder).eval()
    step = tokenizer.convert_tokens_to_ids("<step>")
    found = []
    with torch.inference_mode():
        for row in ROWS:
            answer = "".join(part + SEPARATOR for part in row["steps"])
            turns = [{"role": "user", "content": row["prompt"]}, {"role": "assistant", "content": answer}]
            ids = tokenizer.apply_chat_template(turns, return_dict=True)["input_ids"]
            logits = model(torch.tensor([ids])).logits[0]
            found.append([read(tokenizer, logits[at]) for at, token in enumerate(ids) if token == step])
    return found


def asked(model, tmp_path, *options):
    """The scores that the command writes for ROWS."""
    write_rows(tmp_path / "rows.jsonl", ROWS)
    given = ("--benchmark", "custom", "--data", "rows.jsonl", "--threshold", "0.5", "--step-separator", SEPARATOR)
    ended = judgebench("reward", model, *given, *options)
    assert ended.status == 0, ended.err
    (file,) = Path("runs/score-files/custom").glob("*.jsonl")
    rows = {row["id"]: row["scores"] for row in map(json.loads, file.read_text().splitlines())}
    return [rows[row["id"]] for row in ROWS]


def test_a_token_classifier_gives_the_chance_that_a_step_is_right(tmp_path, monkeypatch):
    """The second of two classes, or the one that is named, at the end of every step."""
    monkeypatch.chdir(tmp_path)
    tiny("prm", "LlamaForTokenClassification", num_labels=2)
    expected = plainly("prm", "AutoModelForTokenClassification", lambda _, one: float(one.softmax(-1)[1]))
    found = asked("prm", tmp_path)
    assert [len(each) for each in found] == [len(row["steps"]) for row in ROWS]
    assert found == [pytest.approx(each, abs=1e-5) for each in expected]


def test_a_language_model_gives_the_chance_of_one_token_against_the_other(tmp_path, monkeypatch):
    """`+` against `-` at the end of every step."""
    monkeypatch.chdir(tmp_path)
    tiny("prm", "LlamaForCausalLM")

    def read(tokenizer, one):
        return float(one[tokenizer.convert_tokens_to_ids(["+", "-"])].softmax(-1)[0])

    expected = plainly("prm", "AutoModelForCausalLM", read)
    assert asked("prm", tmp_path, "--step-tokens", "+,-") == [pytest.approx(each, abs=1e-5) for each in expected]


def test_the_steps_of_whole_answers_become_one_score_as_asked(tmp_path, monkeypatch):
    """Blank lines part an answer; the file keeps a score a step, so that another aggregate needs no model."""
    monkeypatch.chdir(tmp_path)
    tiny("prm", "LlamaForTokenClassification", num_labels=2)
    write_rows(tmp_path / "pairs.jsonl", [{"id": "a", "prompt": "w1", "chosen": "w2 w3\n\nw4\n\nw5", "rejected": "w6"}])
    given = ("reward", "prm", "--benchmark", "custom", "--data", "pairs.jsonl", "--step-separator", SEPARATOR)
    refused = judgebench(*given)
    assert (refused.status, "add --steps" in refused.err) == (2, True)
    assert judgebench(*given, "--steps", "min").status == 0
    (line,) = Path("runs/score-files/custom/prm.jsonl").read_text().splitlines()
    chosen, rejected = json.loads(line)["scores"]
    assert (len(chosen), len(rejected)) == (3, 1)
    outcome = json.loads(Path("runs/custom/prm/scores/outcomes.jsonl").read_text().splitlines()[0])
    assert outcome["scores"] == [min(chosen), rejected[0]]


def test_a_classifier_scores_a_step_by_what_is_there_up_to_its_end(tmp_path, monkeypatch):
    """A model of whole answers takes steps, too."""
    monkeypatch.chdir(tmp_path)
    tiny("rm")
    write_rows(tmp_path / "rows.jsonl", ROWS)
    ended = judgebench("reward", "rm", "--benchmark", "custom", "--data", "rows.jsonl", "--threshold", "0")
    assert ended.status == 0, ended.err
    rows = {
        row["id"]: row["scores"]
        for row in map(json.loads, Path("runs/score-files/custom/rm.jsonl").read_text().splitlines())
    }
    scorer = open_model("rm", RewardSettings())
    for row in ROWS[:3]:
        parts = [
            [
                {"role": "user", "content": row["prompt"]},
                {"role": "assistant", "content": "\n\n".join(row["steps"][: at + 1])},
            ]
            for at in range(len(row["steps"]))
        ]
        assert rows[row["id"]] == pytest.approx(list(scorer.scores(parts)), abs=1e-5)


CHANGING = TEMPLATE.replace("m.content", "m.content | replace('<step>', '')")


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("LlamaForTokenClassification", {}, "is a process reward model: say what ends a step, --step-separator"),
        ("LlamaForCausalLM", {"step_separator": SEPARATOR}, "--step-separator needs --step-tokens GOOD,BAD"),
        ("LlamaForCausalLM", {"step_tokens": "+,-"}, "--step-tokens needs --step-separator"),
        ("LlamaForSequenceClassification", {"step_separator": SEPARATOR}, "scores whole conversations"),
        ("LlamaForCausalLM", {"step_separator": SEPARATOR, "step_tokens": "+"}, "must be two tokens"),
        ("LlamaForCausalLM", {"step_separator": SEPARATOR, "step_tokens": "+,nope"}, "has no token 'nope'"),
        ("LlamaForCausalLM", {"step_separator": SEPARATOR, "step_tokens": "+,+"}, "both are the same token"),
    ],
)
def test_options_that_do_not_fit_the_model_are_refused(tmp_path, kind, settings, message):
    """In one line with the fix."""
    with pytest.raises(ConfigError, match=message):
        open_model(tiny(tmp_path / "m", kind), RewardSettings(**settings))


@pytest.mark.parametrize(
    ("separator", "template", "message"),
    [
        ("<step>", TEMPLATE, "joins --step-separator '<step>' with the text after it"),
        (SEPARATOR, CHANGING, "changes the"),
    ],
)
def test_steps_that_cannot_be_found_are_an_error(tmp_path, separator, template, message):
    """Rather than scores of other places."""
    model = tiny(
        tmp_path / "m", "LlamaForTokenClassification", tokenizer=tiny_tokenizer(template=template), num_labels=2
    )
    scorer = open_model(model, RewardSettings(step_separator=separator))
    turns = [{"role": "user", "content": "w1"}, {"role": "assistant", "content": "w2\n\nw3"}]
    with pytest.raises(ConfigError, match=message):
        list(scorer.records([turns]))


def test_steps_that_were_cut_off_have_no_score(tmp_path):
    """Those that are left are read at their own places."""
    model = tiny(tmp_path / "m", "LlamaForTokenClassification", num_labels=2)
    turns = [{"role": "user", "content": "w1"}, {"role": "assistant", "content": "w2 w3\n\nw4 w5\n\nw6 w7"}]
    (record,) = open_model(model, RewardSettings(step_separator=SEPARATOR, max_length=5)).records([turns])
    assert [score == score for score in record.score] == [False, True, True]
