"""Implicit rewards: log-probabilities token by token, under a policy and its reference, however they are computed."""

import json
import random
from pathlib import Path

import pytest
from commands import judgebench
from scoring import write_rows
from tinymodels import TEMPLATE, WORDS, tiny, tiny_tokenizer

from judgebench.errors import ConfigError
from judgebench.rewards.checkpoint import find_checkpoint
from judgebench.rewards.implicit import ImplicitScorer, reward_of
from judgebench.rewards.opening import open_model
from judgebench.rewards.settings import RewardSettings

pytestmark = pytest.mark.torch


def words(draw, least, most):
    return " ".join(draw.choices(WORDS, k=draw.randint(least, most)))


def conversations(prompts=5, answers=3, longest=120, seed=0):
    """Several answers of different lengths to each prompt, of which some are long."""
    draw = random.Random(seed)
    found = []
    for _ in range(prompts):
        prompt = {"role": "user", "content": words(draw, 2, longest)}
        found += [[prompt, {"role": "assistant", "content": words(draw, 1, 30)}] for _ in range(answers)]
    return found


def plainly(folder, asked):
    """Each conversation alone: the log-softmax of every place, added up over the answer's tokens."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    found = []
    with torch.inference_mode():
        for turns in asked:
            whole = tokenizer.apply_chat_template(turns, return_dict=True)["input_ids"]
            start = len(
                tokenizer.apply_chat_template(turns[:-1], add_generation_prompt=True, return_dict=True)["input_ids"]
            )
            logits = model(torch.tensor([whole])).logits[0].double().log_softmax(-1)
            found.append(sum(float(logits[at - 1, whole[at]]) for at in range(start, len(whole))))
    return found


def test_a_reward_is_the_difference_of_log_probabilities(tmp_path):
    """Of the answer's tokens and of no other, times beta; so with the answer's end, and without the prompt."""
    policy, base = (tiny(tmp_path / name, "LlamaForCausalLM", seed=at) for at, name in enumerate(("policy", "base")))
    asked = conversations()
    own, reference = plainly(policy, asked), plainly(base, asked)
    found = list(open_model(policy, RewardSettings(reference=base, beta=0.3)).records(asked))
    assert [one.figures["logprobs"] for one in found] == pytest.approx(own, abs=1e-4)
    assert [one.figures["reference_logprobs"] for one in found] == pytest.approx(reference, abs=1e-4)
    assert [one.score for one in found] == pytest.approx(
        [0.3 * (a - b) for a, b in zip(own, reference, strict=True)], abs=1e-4
    )
    assert [one.figures["tokens"] for one in found] == [len(turns[-1]["content"].split()) + 1 for turns in asked]


def test_per_token_and_without_reference():
    """By hand: (-8 + 12) / 4 tokens, and -8 alone."""
    figures = {"logprobs": -8.0, "reference_logprobs": -12.0, "tokens": 4}
    assert reward_of(figures, 0.5) == 2.0
    assert reward_of(figures, 0.5, per_token=True) == 0.5
    assert reward_of(figures, 0.5, with_reference=False) == -4.0


@pytest.mark.parametrize("kind", ["LlamaForCausalLM", "MistralForCausalLM"])
def test_a_shared_prompt_changes_nothing(tmp_path, kind):
    """Answers after the prompt's keys and values are as likely as in one pass, whatever the batch; also in windows."""
    settings = {"sliding_window": 24} if kind == "MistralForCausalLM" else {}
    model = tiny(tmp_path / "m", kind, **settings)
    asked = conversations(prompts=6, answers=4, longest=300)
    expected = plainly(model, asked)
    for share in (True, False):
        for tokens in (1, 64 * 400):
            given = RewardSettings(reference_free=True, beta=1.0, batch_tokens=tokens)
            scorer = ImplicitScorer("m", find_checkpoint(model, given), given, share=share)
            assert list(scorer.scores(asked)) == pytest.approx(expected, abs=1e-4), (share, tokens)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
def test_an_adapter_switched_off_is_its_base(tmp_path):
    """One model in memory is policy and reference; the reward is that of the two models apart."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = tiny(tmp_path / "base", "LlamaForCausalLM")
    import torch

    torch.manual_seed(5)
    adapted = get_peft_model(
        AutoModelForCausalLM.from_pretrained(base),
        LoraConfig(r=4, task_type="CAUSAL_LM", target_modules=["q_proj", "v_proj"], init_lora_weights=False),
    )
    adapted.save_pretrained(tmp_path / "adapter")
    adapted.merge_and_unload().save_pretrained(tmp_path / "merged")
    tiny_tokenizer().save_pretrained(tmp_path / "merged")
    asked = conversations(prompts=3, longest=200)
    apart = open_model(str(tmp_path / "merged"), RewardSettings(reference=base))
    together = open_model(str(tmp_path / "adapter"), RewardSettings())
    found = list(together.scores(asked))
    assert found == pytest.approx(list(apart.scores(asked)), abs=1e-4)
    assert max(map(abs, found)) > 1e-3
    assert "switched off" in together.about["reference"]


def test_an_answer_that_is_too_long_keeps_its_end(tmp_path):
    """Its beginning has no prompt before it, and the first token left no probability."""
    model = tiny(tmp_path / "m", "LlamaForCausalLM")
    (asked,) = conversations(1, 1, longest=5)
    asked[-1]["content"] = words(random.Random(1), 30, 30)
    (record,) = open_model(model, RewardSettings(reference_free=True, max_length=10)).records([asked])
    assert (record.figures["tokens"], record.truncated > 0) == (9, True)


def test_a_reference_of_other_tokens_is_refused(tmp_path):
    """Its probabilities would be of other texts."""
    policy = tiny(tmp_path / "m", "LlamaForCausalLM")
    other = tiny(tmp_path / "other", "LlamaForCausalLM", tokenizer=tiny_tokenizer(words=WORDS[::-1]))
    with pytest.raises(ConfigError, match="its tokenizer has other tokens than that of"):
        open_model(policy, RewardSettings(reference=other))


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("LlamaForCausalLM", {}, r"add --reference MODEL, or --reference-free\. A generative reward model is a judge"),
        ("LlamaForCausalLM", {"reference_free": True, "head": "0"}, "--head is for classifiers"),
        ("LlamaForSequenceClassification", {"reference_free": True}, "--reference-free is for language models"),
        ("LlamaForSequenceClassification", {"length_normalized": True}, "--length-normalized is for language models"),
    ],
)
def test_a_model_and_options_that_do_not_go_together_are_refused(tmp_path, kind, settings, message):
    """In one line, before the weights are read."""
    with pytest.raises(ConfigError, match=message):
        open_model(tiny(tmp_path / "m", kind), RewardSettings(**settings))


def test_a_template_that_thinks_before_an_answer(tmp_path):
    """A prompt that ends in what the answer has not: the answer begins where the two part."""
    template = TEMPLATE.replace("<assistant> {%", "<assistant> w0 w0 {%")
    model = tiny(tmp_path / "m", "LlamaForCausalLM", tokenizer=tiny_tokenizer(template=template))
    asked = [[{"role": "user", "content": "w1"}, {"role": "assistant", "content": "w2 w3"}]]
    (record,) = open_model(model, RewardSettings(reference_free=True)).records(asked)
    assert record.figures["tokens"] == 3


def test_the_command_tells_the_accuracy_by_each_reward(tmp_path, monkeypatch):
    """With and without reference, from the log-probabilities in the score file, worked out here again."""
    monkeypatch.chdir(tmp_path)
    for at, name in enumerate(("policy", "base")):
        tiny(tmp_path / name, "LlamaForCausalLM", seed=at)
    asked = conversations(prompts=20, answers=2, longest=20)
    rows = [
        {"id": str(at), "prompt": one[0]["content"], "chosen": one[1]["content"], "rejected": other[1]["content"]}
        for at, (one, other) in enumerate(zip(asked[::2], asked[1::2], strict=True))
    ]
    write_rows(tmp_path / "rows.jsonl", rows)
    ended = judgebench("reward", "policy", "--benchmark", "custom", "--data", "rows.jsonl", "--reference", "base")
    assert ended.status == 0, ended.err
    assert "without reference, per token" in ended.out
    said = json.loads(Path("runs/custom/policy/scores/manifest.json").read_text())["scores"]["model"]
    lines = [json.loads(line) for line in Path("runs/score-files/custom/policy.jsonl").read_text().splitlines()]

    def accuracy(value):
        return sum(value(line, 0) > value(line, 1) for line in lines) / len(lines)

    expected = {
        "with reference": accuracy(lambda line, at: line["logprobs"][at] - line["reference_logprobs"][at]),
        "without reference": accuracy(lambda line, at: line["logprobs"][at]),
        "without reference, per token": accuracy(lambda line, at: line["logprobs"][at] / line["tokens"][at]),
    }
    found = {name: each["score"] for name, each in said["ranking_accuracy"].items()}
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert len({*expected.values()}) > 1
    assert json.loads(Path("runs/custom/policy/scores/metrics.json").read_text())["score"] == found["with reference"]
