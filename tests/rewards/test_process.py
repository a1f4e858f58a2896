"""Process reward models: each step's score is read at its own separator, in one pass."""

import json
import random
from pathlib import Path

import pytest
from commands import judgebench
from scoring import write_rows
from tinymodels import TEMPLATE, WORDS, byte_tokenizer, edit_config, tiny, tiny_tokenizer

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
    given = ("--benchmark", "custom", "--data", "rows.jsonl", "--threshold", "0.5")
    given += () if "--step-turns" in options else ("--step-separator", SEPARATOR)
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


TURNS = TEMPLATE.replace("m.content", "m.content | trim")


@pytest.mark.parametrize("template", [TEMPLATE, TURNS])
def test_a_step_as_a_turn_is_read_where_the_assistant_answers(tmp_path, monkeypatch, template):
    """All steps in one pass score as each does alone, with the steps before it said to be right."""
    import torch
    from transformers import AutoModelForCausalLM

    monkeypatch.chdir(tmp_path)
    tokenizer = tiny_tokenizer(template=template)
    tiny("prm", "LlamaForCausalLM", tokenizer=tokenizer)
    model = AutoModelForCausalLM.from_pretrained("prm").eval()
    right, wrong = tokenizer.convert_tokens_to_ids(["+", "-"])
    expected = []
    for row in ROWS:
        turns, scores = [], []
        for at, step in enumerate(row["steps"]):
            turns.append({"role": "user", "content": step if at else f"{row['prompt']}\n\n{step}"})
            ids = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=True)["input_ids"]
            with torch.inference_mode():
                logits = model(torch.tensor([ids])).logits[0, -1, [right, wrong]]
            scores.append(float(logits.softmax(-1)[0]))
            turns.append({"role": "assistant", "content": "+"})
        expected.append(scores)
    found = asked("prm", tmp_path, "--step-turns", "--step-tokens", "+,-")
    assert found == [pytest.approx(each, abs=1e-5) for each in expected]


OWN_HEAD = """
import torch
from transformers import LlamaConfig, LlamaModel, LlamaPreTrainedModel


class StepsConfig(LlamaConfig):
    model_type = "steps"


class StepsForProcessRewardModel(LlamaPreTrainedModel):
    config_class = StepsConfig

    def __init__(self, config):
        super().__init__(config)
        self.model = LlamaModel(config)
        size = config.hidden_size
        self.score = torch.nn.Sequential(torch.nn.Linear(size, size), torch.nn.ReLU(), torch.nn.Linear(size, 2))
        self.post_init()

    def forward(self, input_ids, attention_mask=None):
        return (self.score(self.model(input_ids, attention_mask=attention_mask).last_hidden_state),)
"""


def test_a_head_of_the_checkpoints_own_code(tmp_path, monkeypatch):
    """Loaded by `AutoModel`, with two outputs a token and no word of them in its config: the second means right."""
    import torch
    from transformers import AutoModel, LlamaConfig

    folder = Path(tiny(tmp_path / "prm", "LlamaForCausalLM"))
    (folder / "steps.py").write_text(OWN_HEAD)
    names = {"AutoConfig": "steps.StepsConfig", "AutoModel": "steps.StepsForProcessRewardModel"}
    edit_config(folder, model_type="steps", architectures=["StepsForProcessRewardModel"], auto_map=names)
    scope = {}
    exec(OWN_HEAD, scope)
    torch.manual_seed(2)
    made = scope["StepsForProcessRewardModel"](LlamaConfig.from_pretrained(folder)).eval()
    torch.save(made.state_dict(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    assert AutoModel.from_pretrained(folder, trust_remote_code=True).score[2].out_features == 2
    settings = RewardSettings(step_separator=SEPARATOR, trust_remote_code=True)
    turns = [{"role": "user", "content": "w1"}, {"role": "assistant", "content": "w2 w3\n\nw4"}]
    scorer = open_model(folder, settings)
    (record,) = scorer.records([turns])
    ids = scorer.encode([turns])[0].ids
    step = tiny_tokenizer().convert_tokens_to_ids("<step>")
    with torch.inference_mode():
        logits = made(torch.tensor([ids]))[0][0].softmax(-1)
    assert record.score == pytest.approx(
        [float(logits[at, 1]) for at, each in enumerate(ids) if each == step], abs=1e-5
    )


PLAIN = "{% for m in messages %}{{ m.content }}{% if not loop.last %} {% endif %}{% endfor %}"
STRIPPING = "{% for m in messages %}{{ m.content | trim }}</s>{% endfor %}"


@pytest.mark.parametrize(
    ("separator", "mark", "template"),
    [
        ("<extra_0>", "<extra_0>", PLAIN),
        ("<extra_0>", "<extra_0>", STRIPPING),
        (" ки", " ки", PLAIN),
        (" ки\n", " ки", PLAIN),
        (" ки\n", " ки", STRIPPING),
        ("\n", "\n", PLAIN),
    ],
)
def test_a_separator_is_read_at_its_last_token_that_is_no_blank(tmp_path, separator, mark, template):
    """With a tokenizer that joins what stands together: the token with which the text up to there ends."""
    tokenizer = byte_tokenizer(template=template, special=("<extra_0>",))
    tiny(tmp_path / "m", "LlamaForTokenClassification", tokenizer=tokenizer, num_labels=2)
    scorer = open_model(tmp_path / "m", RewardSettings(step_separator=separator))
    steps = ["It is so.", "Then it is w12, and w3 = 4.", "So"]
    turns = [{"role": "user", "content": "Is it?"}, {"role": "assistant", "content": "\n\n".join(steps)}]
    (encoded,) = scorer.encode([turns])
    head = "Is it? " if template == PLAIN else "Is it?</s>"
    for at, place in enumerate(encoded.steps):
        text = head + separator.join(steps[: at + 1]) + mark
        assert encoded.ids[: place + 1] == tokenizer(text)["input_ids"]
    assert len(encoded.steps) == 3


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
        ("LlamaForCausalLM", {"step_separator": SEPARATOR, "step_tokens": " +,-"}, "write both alike"),
        ("LlamaForTokenClassification", {"step_turns": True, "step_tokens": "+,-"}, "is for language models"),
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


def test_a_template_that_hides_what_the_assistant_says_of_a_step_is_refused(tmp_path):
    """One that thinks before every answer it is asked for, for instance."""
    template = TEMPLATE.replace("<assistant> {%", "<assistant> w0 {%")
    model = tiny(tmp_path / "m", "LlamaForCausalLM", tokenizer=tiny_tokenizer(template=template))
    scorer = open_model(model, RewardSettings(step_turns=True, step_tokens="+,-"))
    with pytest.raises(ConfigError, match="do not put '\\+' where the assistant begins to speak"):
        list(scorer.records([[{"role": "user", "content": "w1"}, {"role": "assistant", "content": "w2"}]]))


def test_steps_that_were_cut_off_have_no_score(tmp_path):
    """Those that are left are read at their own places."""
    model = tiny(tmp_path / "m", "LlamaForTokenClassification", num_labels=2)
    turns = [{"role": "user", "content": "w1"}, {"role": "assistant", "content": "w2 w3\n\nw4 w5\n\nw6 w7"}]
    (record,) = open_model(model, RewardSettings(step_separator=SEPARATOR, max_length=5)).records([turns])
    assert [score == score for score in record.score] == [False, True, True]
