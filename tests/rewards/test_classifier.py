"""Classifiers: scores that depend on the conversation alone, and checkpoints that are none."""

import json
import random
from pathlib import Path

import pytest
from commands import judgebench
from plugins import lay_package
from scoring import write_rows
from tinymodels import TEMPLATE, WORDS, edit_config, pair_tokenizer, tiny, tiny_tokenizer

from judgebench.errors import ConfigError
from judgebench.rewards.opening import open_model
from judgebench.rewards.settings import RewardSettings

pytestmark = pytest.mark.torch


def conversations(count=24, seed=0, longest=60):
    """Conversations of very different lengths."""
    draw = random.Random(seed)

    def text():
        return " ".join(draw.choices(WORDS, k=draw.randint(1, longest)))

    return [[{"role": "user", "content": text()}, {"role": "assistant", "content": text()}] for _ in range(count)]


def scored(model, asked, **settings):
    return list(open_model(model, RewardSettings(**settings)).scores(asked))


def plainly(folder, asked):
    """One conversation at a time, without padding: the last token's output."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    found = []
    with torch.inference_mode():
        for turns in asked:
            ids = tokenizer.apply_chat_template(turns, return_tensors="pt", return_dict=True)["input_ids"]
            hidden = model.model(ids).last_hidden_state[0, -1]
            found.append(model.score(hidden).tolist())
    return found


PADDINGS = {"its own": "<pad>", "the end": "</s>", "none": None}


@pytest.mark.parametrize("pad", PADDINGS.values(), ids=PADDINGS)
def test_scores_do_not_depend_on_the_batch(tmp_path, pad):
    """Alone or with 63 others a conversation scores the same, to 1e-5, also where padding is the end token."""
    template = TEMPLATE.replace(" </s>{% endfor %}", " </s>{% endfor %}")
    model = tiny(tmp_path / "m", tokenizer=tiny_tokenizer(pad=pad, template=template))
    asked = conversations(64)
    expected = [value for (value,) in plainly(model, asked)]
    assert scored(model, asked, batch_tokens=1) == pytest.approx(expected, abs=1e-5)
    assert scored(model, asked, batch_tokens=64 * 130) == pytest.approx(expected, abs=1e-5)


def test_several_outputs_by_name_index_and_weights(tmp_path):
    """Each is the output that the checkpoint's labels name."""
    model = tiny(tmp_path / "m", id2label={0: "helpful", 1: "verbose"}, num_labels=2)
    asked = conversations(6)
    expected = plainly(model, asked)
    assert scored(model, asked, head="verbose") == pytest.approx([each[1] for each in expected], abs=1e-5)
    assert scored(model, asked, head="0") == pytest.approx([each[0] for each in expected], abs=1e-5)
    weighted = [0.5 * each[0] - 2 * each[1] for each in expected]
    assert scored(model, asked, head="helpful=0.5,verbose=-2") == pytest.approx(weighted, abs=1e-5)
    with pytest.raises(ConfigError, match=r"2 outputs \(helpful, verbose\)"):
        scored(model, asked)


PAIRS = {
    "BertForSequenceClassification": {},
    "DebertaV2ForSequenceClassification": {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
    "RobertaForSequenceClassification": {},
}


@pytest.mark.parametrize("kind", PAIRS)
def test_prompt_and_answer_as_two_texts(tmp_path, kind):
    """As the tokenizer joins them, with its marks of which is which, and scored as one pair at a time."""
    import torch
    from transformers import AutoModelForSequenceClassification

    tokenizer = pair_tokenizer(types="Roberta" not in kind)
    model = tiny(tmp_path / "m", kind, tokenizer=tokenizer, **PAIRS[kind])
    plain = AutoModelForSequenceClassification.from_pretrained(model).eval()
    asked = conversations(20)
    asked.append([{"role": "system", "content": "w9"}, *asked[0]])
    expected = []
    for *before, answer in asked:
        prompt = "\n\n".join(turn["content"] for turn in before)
        with torch.inference_mode():
            expected.append(float(plain(**tokenizer(prompt, answer["content"], return_tensors="pt")).logits))
    assert scored(model, asked, text_pair=True, batch_tokens=1) == pytest.approx(expected, abs=1e-5)
    assert scored(model, asked, text_pair=True) == pytest.approx(expected, abs=1e-5)
    with pytest.raises(ConfigError, match="or --text-pair where it takes prompt and answer as two texts"):
        scored(model, asked)


@pytest.mark.parametrize(("limit", "kept"), [(8, "w2 w3 </s> w4 w5 w6 </s>"), (5, "w3 </s> w6 </s>")])
def test_a_pair_that_is_too_long_loses_the_beginning_of_its_prompt(tmp_path, limit, kept):
    """The answer stays whole where a token of the prompt is left beside it; what was cut off is counted."""
    tokenizer = pair_tokenizer()
    model = tiny(tmp_path / "m", "BertForSequenceClassification", tokenizer=tokenizer)
    turns = [{"role": "user", "content": "w1 w2 w3"}, {"role": "assistant", "content": "w4 w5 w6"}]
    (encoded,) = open_model(model, RewardSettings(text_pair=True, max_length=limit)).encode([turns])
    assert tokenizer.decode(encoded.ids) == f"<s> {kept}"
    assert (len(encoded.types), encoded.truncated) == (limit, 9 - limit)


OWN_SCORE = """
import torch
from transformers import LlamaConfig, LlamaModel, LlamaPreTrainedModel


class EndConfig(LlamaConfig):
    model_type = "end"


class EndForRewardModel(LlamaPreTrainedModel):
    config_class = EndConfig

    def __init__(self, config):
        super().__init__(config)
        self.model = LlamaModel(config)
        self.v_head = torch.nn.Linear(config.hidden_size, 1, bias=False)
        self.post_init()

    def forward(self, input_ids, attention_mask):
        states = self.v_head(self.model(input_ids, attention_mask=attention_mask).last_hidden_state)[..., 0]
        return (states.gather(1, attention_mask.sum(1, keepdim=True) - 1),)
"""


def test_own_code_that_only_auto_model_loads(tmp_path):
    """As internlm2-reward comes: one score at the last token, which the template writes, and no name for its output."""
    import torch
    from transformers import LlamaConfig

    folder = Path(tiny(tmp_path / "m", "LlamaForCausalLM"))
    (folder / "end.py").write_text(OWN_SCORE)
    names = {"AutoConfig": "end.EndConfig", "AutoModel": "end.EndForRewardModel"}
    edit_config(folder, model_type="end", architectures=["EndForRewardModel"], auto_map=names)
    scope = {}
    exec(OWN_SCORE, scope)
    torch.manual_seed(2)
    made = scope["EndForRewardModel"](LlamaConfig.from_pretrained(folder)).eval()
    torch.save(made.state_dict(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    (tmp_path / "t.jinja").write_text(TEMPLATE + "<step>")
    asked = conversations(12)
    scorer = open_model(folder, RewardSettings(trust_remote_code=True, chat_template=tmp_path / "t.jinja"))
    expected = []
    for each in scorer.encode(asked):
        with torch.inference_mode():
            expected.append(float(made.v_head(made.model(torch.tensor([each.ids])).last_hidden_state[0, -1])))
    assert list(scorer.scores(asked)) == pytest.approx(expected, abs=1e-5)


def test_a_long_conversation_loses_its_beginning(tmp_path):
    """The answer's last tokens are scored; how many were cut off is said of each."""
    model = tiny(tmp_path / "m")
    (asked,) = conversations(1, longest=60)
    scorer = open_model(model, RewardSettings(max_length=10))
    (record,) = scorer.records([asked])
    whole = open_model(model, RewardSettings()).encode([asked])[0].ids
    assert record.truncated == len(whole) - 10
    assert scorer.encode([asked])[0].ids == whole[-10:]


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
def test_an_adapter_brings_the_head_that_its_base_has_not(tmp_path):
    """As LoRA training of a language model saves it; without the head such an adapter is no reward model."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification

    base = tiny(tmp_path / "base", "LlamaForCausalLM")
    torch.manual_seed(3)
    model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=1)
    config = LoraConfig(r=2, task_type="SEQ_CLS", target_modules=["q_proj"], init_lora_weights=False)
    adapted = get_peft_model(model, config)
    adapted.save_pretrained(tmp_path / "adapter")
    merged = tmp_path / "merged"
    adapted.merge_and_unload().save_pretrained(merged)
    tiny_tokenizer().save_pretrained(merged)
    asked = conversations(5)
    found = scored(str(tmp_path / "adapter"), asked)
    assert found == pytest.approx([value for (value,) in plainly(merged, asked)], abs=1e-5)
    config_file = tmp_path / "adapter" / "adapter_config.json"
    config_file.write_text(json.dumps(json.loads(config_file.read_text()) | {"modules_to_save": None}))
    with pytest.raises(ConfigError, match=r"has no weights for score\.weight"):
        scored(str(tmp_path / "adapter"), asked, head="0")


def test_a_head_of_its_own_is_loaded_by_the_package_that_names_the_architecture(tmp_path, monkeypatch):
    """Its module gets tokens and their mask; what it returns is the score, through templates and batches as ever."""
    code = """
import torch

class Sums(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.table = torch.nn.Embedding(200, 1)
        with torch.no_grad():
            self.table.weight.copy_(torch.arange(200.0)[:, None])

    def get_input_embeddings(self):
        return self.table

    def forward(self, input_ids, attention_mask):
        return (self.table(input_ids)[..., 0] * attention_mask).sum(-1)

def load(checkpoint):
    assert checkpoint.config["architectures"] == ["SumsForReward"]
    return Sums()
"""
    lay_package(tmp_path, "sums", code, {"judgebench.reward_models": {"SumsForReward": "sums:load"}})
    monkeypatch.syspath_prepend(str(tmp_path))
    folder = Path(tiny(tmp_path / "m"))
    edit_config(folder, architectures=["SumsForReward"])
    asked = conversations(9)
    scorer = open_model(str(folder), RewardSettings(batch_tokens=300))
    assert list(scorer.scores(asked)) == [float(sum(each.ids)) for each in scorer.encode(asked)]


# --- what is no reward model


def test_a_head_that_is_not_in_the_checkpoint_is_refused(tmp_path):
    """A language model that calls itself a classifier would get a head of random numbers."""
    folder = Path(tiny(tmp_path / "m", "LlamaForCausalLM"))
    edit_config(folder, architectures=["LlamaForSequenceClassification"], num_labels=1)
    with pytest.raises(ConfigError, match=r"has no weights for score\.weight.*random numbers"):
        scored(str(folder), conversations(1))


def test_a_body_that_is_not_in_the_checkpoint_is_refused(tmp_path):
    """Any weight that is missing is one too many: a checkpoint with fewer layers than its config says."""
    folder = Path(tiny(tmp_path / "m"))
    edit_config(folder, num_hidden_layers=3)
    with pytest.raises(ConfigError, match=r"has no weights for model\.layers\.2\.\S+, .* and \d+ more"):
        scored(str(folder), conversations(1))


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("model.safetensors", None, r"has no weights \(model\.safetensors\): copy the checkpoint again"),
        (
            "model.safetensors",
            b"torn",
            r"transformers .* cannot load it \(SafetensorError: .*\): copy the checkpoint again",
        ),
        ("config.json", b"{", r"config\.json: cannot be read \(.*\); copy the checkpoint again"),
        ("config.json", None, r"has no config\.json: name the folder that save_pretrained wrote"),
        ("tokenizer", None, r"has no tokenizer \(tokenizer\.json\): save it beside the model"),
    ],
)
def test_a_broken_checkpoint_is_one_line(tmp_path, file, content, message):
    """That says what is wrong with it, and what to do."""
    folder = Path(tiny(tmp_path / "m"))
    for each in folder.glob(f"{file}*"):
        if content is None:
            each.unlink()
        else:
            each.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        scored(str(folder), conversations(1))
    assert "\n" not in str(caught.value)


def test_a_head_of_another_size_is_refused(tmp_path):
    """Transformers would make up another."""
    folder = Path(tiny(tmp_path / "m", num_labels=2))
    edit_config(folder, id2label={"0": "one"}, label2id={"one": 0})
    with pytest.raises(ConfigError, match=r"score\.weight"):
        scored(str(folder), conversations(1))


def test_a_language_model_is_told_its_way(tmp_path):
    """A generative reward model is a judge."""
    with pytest.raises(ConfigError, match=r"is a language model .*: serve it, and name it with judgebench run -j"):
        scored(tiny(tmp_path / "m", "LlamaForCausalLM"), conversations(1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"device": "cuda:7"}, "--device cuda:7: "),
        ({"device": "gpu"}, "--device gpu: unknown device"),
        ({"max_length": 5000}, "--max-length 5000: .* takes at most 4096 tokens"),
        ({"revision": "main"}, "--revision main: .* is a local checkpoint"),
        ({"chat_template": "nowhere.jinja"}, "--chat-template nowhere.jinja: cannot be read"),
    ],
)
def test_settings_that_do_not_fit_the_model_are_refused(tmp_path, settings, message):
    """In one line."""
    with pytest.raises(ConfigError, match=message):
        scored(tiny(tmp_path / "m"), conversations(1), **settings)


def test_a_template_is_needed_and_may_be_given(tmp_path):
    """Without one a model's input would be guessed."""
    model = tiny(tmp_path / "m", tokenizer=tiny_tokenizer(template=None))
    asked = conversations(2)
    with pytest.raises(ConfigError, match="has no chat template: give the one it was trained with, --chat-template"):
        scored(model, asked)
    (tmp_path / "t.jinja").write_text(TEMPLATE)
    other = tiny(tmp_path / "other")
    expected = scored(other, asked)
    assert scored(model, asked, chat_template=tmp_path / "t.jinja") == pytest.approx(expected, abs=1e-6)


def test_a_conversation_that_the_template_refuses_is_told(tmp_path):
    """With the template's own words."""
    refusing = (
        "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" + TEMPLATE
    )
    model = tiny(tmp_path / "m", tokenizer=tiny_tokenizer(template=refusing))
    with pytest.raises(ConfigError, match="does not take a conversation of the data: System role not supported"):
        scored(model, [[{"role": "system", "content": "w1"}, *conversations(1)[0]]])


# --- the command

ROWS = [
    {"id": str(at), "prompt": turns[0]["content"], "chosen": turns[1]["content"], "rejected": "w1 w2"}
    for at, turns in enumerate(conversations(12, seed=3))
]


def test_the_command_scores_as_the_file_that_it_keeps(tmp_path, monkeypatch):
    """`reward` and then `score` of its file give the same metrics; the manifest says what the scores depend on."""
    monkeypatch.chdir(tmp_path)
    tiny(tmp_path / "my-rm")
    write_rows(tmp_path / "rows.jsonl", ROWS)
    command = ("reward", "my-rm", "--benchmark", "custom", "--data", "rows.jsonl", "--json")
    made = judgebench(*command)
    assert made.status == 0, made.err
    file = tmp_path / "runs/score-files/custom/my-rm.jsonl"
    again = judgebench("score", file, "--benchmark", "custom", "--data", "rows.jsonl", "--json", "--out", "other")
    assert [each["score"] for each in made.metrics] == [each["score"] for each in again.metrics]
    assert again.metrics[0]["judge"] == "my-rm"
    before = file.read_bytes()
    assert judgebench(*command).metrics == made.metrics
    assert file.read_bytes() == before
    said = json.loads((tmp_path / "runs/custom/my-rm/scores/manifest.json").read_text())["scores"]["model"]
    assert {"weights", "dtype", "device", "chat_template", "versions", "max_length"} <= said.keys()
    assert (said["dtype"], {"torch", "transformers", "tokenizers"} <= said["versions"].keys()) == ("float32", True)


def test_the_command_says_in_one_line_what_is_no_reward_model(tmp_path, monkeypatch):
    """With exit status 2, and no folder of a run."""
    monkeypatch.chdir(tmp_path)
    tiny(tmp_path / "m", "LlamaForCausalLM")
    write_rows(tmp_path / "rows.jsonl", ROWS)
    for model in ("m", "nowhere/at/all", "rows.jsonl", "."):
        ended = judgebench("reward", model, "--benchmark", "custom", "--data", "rows.jsonl")
        assert (ended.status, len(ended.err.splitlines())) == (2, 1), ended.err
    assert not (tmp_path / "runs").exists()


OWN_CODE = """
from pathlib import Path

from transformers import LlamaConfig, LlamaForSequenceClassification

Path(MARK).touch()


class OwnConfig(LlamaConfig):
    model_type = "own"


class OwnForScore(LlamaForSequenceClassification):
    config_class = OwnConfig

    def __init__(self, config):
        super().__init__(LlamaConfig.from_dict(config.to_dict() | {"model_type": "llama"}))
"""


def test_code_that_comes_with_a_checkpoint_runs_only_when_asked_for(tmp_path):
    """Refused in one line that names the option; with it the model scores as its weights say."""
    mark = tmp_path / "mark"
    folder = Path(tiny(tmp_path / "m"))
    asked = conversations(3)
    expected = scored(str(folder), asked)
    (folder / "own.py").write_text(OWN_CODE.replace("MARK", repr(str(mark))))
    edit_config(
        folder,
        model_type="own",
        architectures=["OwnForScore"],
        auto_map={"AutoConfig": "own.OwnConfig", "AutoModelForSequenceClassification": "own.OwnForScore"},
    )
    with pytest.raises(ConfigError, match="needs code of its own to run: read that code, then add --trust-remote-code"):
        scored(str(folder), asked)
    assert not mark.exists()
    assert scored(str(folder), asked, trust_remote_code=True) == pytest.approx(expected, abs=1e-6)
    assert mark.exists()
