"""Checkpoints that load and do not fit: said in one line before, or beside, their scores."""

import json
from pathlib import Path

import pytest
from commands import judgebench
from scoring import write_rows
from tinymodels import TEMPLATE, edit_config, pair_tokenizer, tiny, tiny_tokenizer

from judgebench.errors import ConfigError
from judgebench.rewards.opening import open_model
from judgebench.rewards.settings import RewardSettings

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning"),
    pytest.mark.filterwarnings("ignore:Found missing adapter keys"),
]

LONG = [[{"role": "user", "content": "w1 " * 60}, {"role": "assistant", "content": "w2 w3"}]]


def scored(model, **settings):
    return list(open_model(str(model), RewardSettings(**settings)).scores(LONG))


def adapter(folder, base, task="CAUSAL_LM"):
    """A LoRA adapter with random weights, and a head where it is a classifier's."""
    import transformers
    from peft import LoraConfig, get_peft_model

    kind = {"CAUSAL_LM": "AutoModelForCausalLM", "SEQ_CLS": "AutoModelForSequenceClassification"}[task]
    more = {"num_labels": 1} if task == "SEQ_CLS" else {}
    model = getattr(transformers, kind).from_pretrained(base, **more)
    config = LoraConfig(r=2, task_type=task, target_modules=["q_proj"], init_lora_weights=False)
    get_peft_model(model, config).save_pretrained(folder)
    return folder


def without(folder, part):
    """Takes the weights with this in their name out of an adapter."""
    from safetensors.torch import load_file, save_file

    file = folder / "adapter_model.safetensors"
    kept = {name: each for name, each in load_file(file).items() if part not in name}
    save_file(kept, file, metadata={"format": "pt"})


def test_a_tokenizer_with_more_tokens_than_the_model_is_refused(tmp_path):
    """It is another model's; the token and the model's number are named."""
    model = tiny(tmp_path / "m", tokenizer=tiny_tokenizer(words=["w1"]))
    tiny_tokenizer(words=["w1", "w2", "w3"]).save_pretrained(model)
    with pytest.raises(ConfigError, match=r"has a token 12 \('w3'\), and the model embeddings of 11 tokens only"):
        scored(model)


def test_a_model_that_fails_on_a_conversation_is_one_line(tmp_path):
    """With what it said: here a config that lacks what its code needs."""
    sizes = {"d_model": 32, "d_ff": 64, "num_layers": 1, "num_heads": 4, "d_kv": 8}
    model = tiny(tmp_path / "m", "T5ForSequenceClassification", **sizes)
    with pytest.raises(ConfigError, match=r"fails on \d+ tokens of a conversation \(.*decoder_start_token_id"):
        scored(model)


@pytest.mark.parametrize(
    ("kind", "limit", "sizes"),
    [
        ("GPT2", 40, {"n_positions": 40}),
        ("Roberta", 36, {"max_position_embeddings": 40}),  # from padding token 3 on
    ],
)
def test_the_limit_of_a_model_that_counts_otherwise(tmp_path, kind, limit, sizes):
    """A longer conversation loses its beginning, however the config tells the limit, and more cannot be asked for."""
    import transformers

    tokenizer = pair_tokenizer(types=False)
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_labels=1,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        **sizes,
    )
    getattr(transformers, f"{kind}ForSequenceClassification")(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    scorer = open_model(tmp_path, RewardSettings(text_pair=True))
    (record,) = scorer.records(LONG)
    assert record.truncated == len(tokenizer("w1 " * 60, "w2 w3")["input_ids"]) - limit
    with pytest.raises(ConfigError, match=f"--max-length {limit + 1}: .* takes at most {limit} tokens"):
        scored(tmp_path, text_pair=True, max_length=limit + 1)


@pytest.mark.parametrize("part", ["lora_B", "layers.0"])
def test_an_adapter_that_lacks_weights_is_refused(tmp_path, part):
    """The library makes them up, or leaves the base as it is there."""
    folder = adapter(tmp_path / "a", tiny(tmp_path / "base", "LlamaForCausalLM"))
    without(folder, part)
    with pytest.raises(ConfigError, match=r"the adapter has no weights for base_model\.\S+"):
        scored(folder)


def test_an_adapter_in_the_older_form_brings_its_head(tmp_path):
    """`adapter_model.bin` scores as the same weights in safetensors; without its head it is refused."""
    import torch
    from safetensors.torch import load_file

    folder = adapter(tmp_path / "a", tiny(tmp_path / "base", "LlamaForCausalLM"), "SEQ_CLS")
    expected = scored(folder)
    file = folder / "adapter_model.safetensors"
    torch.save(load_file(file), folder / "adapter_model.bin")
    file.rename(tmp_path / "kept")
    assert scored(folder) == expected
    (folder / "adapter_model.bin").unlink()
    (tmp_path / "kept").rename(file)
    without(folder, "score")
    with pytest.raises(ConfigError, match=r"has no weights for its head \(.*score\.weight.*\): copy it again"):
        scored(folder)


def test_what_an_adapter_needs_and_has_not_is_named(tmp_path):
    """Its weights, or its base, which is told from the model that the user named."""
    base = tiny(tmp_path / "base", "LlamaForCausalLM")
    folder = adapter(tmp_path / "a", base)
    told = folder / "adapter_config.json"
    settings = json.loads(told.read_text())
    told.write_text(json.dumps(settings | {"revision": "main"}))
    assert scored(folder), "a local base has no revisions, whatever was trained on"
    told.write_text(json.dumps(settings | {"base_model_name_or_path": "/nowhere/base"}))
    with pytest.raises(ConfigError, match="a: is an adapter, whose base cannot be read: model not found: '/nowhere"):
        scored(folder)
    (folder / "adapter_model.safetensors").unlink()
    with pytest.raises(ConfigError, match=r"has no weights \(adapter_model\.safetensors\): copy the adapter again"):
        scored(folder)


def test_a_policy_is_no_reference_of_itself(tmp_path):
    """Under another name too: each reward would be 0, and every item wrong."""
    for name in ("policy", "copy"):
        tiny(tmp_path / name, "LlamaForCausalLM")
    with pytest.raises(ConfigError, match=r"--reference .*copy: is the policy itself"):
        scored(tmp_path / "policy", reference=tmp_path / "copy")


def test_scores_that_tell_no_answers_apart_are_said(tmp_path, monkeypatch):
    """Here a chat template that leaves out what the assistant says."""
    monkeypatch.chdir(tmp_path)
    silent = TEMPLATE.replace("{{ m.content }}", "{% if m.role == 'user' %}{{ m.content }}{% endif %}")
    tiny(tmp_path / "rm", tokenizer=tiny_tokenizer(template=silent))
    write_rows(
        tmp_path / "rows.jsonl",
        [{"id": str(at), "prompt": f"w{at}", "chosen": "w7", "rejected": "w8"} for at in range(3)],
    )
    ended = judgebench("reward", "rm", "--benchmark", "custom", "--data", "rows.jsonl", "--json")
    (metrics,) = json.loads(ended.out)
    assert any("equal scores, in all 3 items" in note for note in metrics["notes"])


def test_labels_without_numbers_keep_their_order(tmp_path):
    """A config whose `id2label` numbers nothing is still one that can be read, or told of in one line."""
    folder = Path(tiny(tmp_path / "m"))
    edit_config(folder, id2label={"x": "good"})
    with pytest.raises(ConfigError, match="cannot load it"):
        scored(folder)
