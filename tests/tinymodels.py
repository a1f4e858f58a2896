"""Reward models made on the spot: a word-level tokenizer with a chat template, models of a few thousand weights."""

from __future__ import annotations

import json

TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<{{ m.role }}> {{ m.content }} </s>{% endfor %}"
    "{% if add_generation_prompt %}<assistant> {% endif %}"
)
WORDS = [f"w{number}" for number in range(90)]
SIZES = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}


def tiny_tokenizer(*, pad="<pad>", template=TEMPLATE, words=WORDS):
    """A tokenizer of words; with `pad` None, or as the end, as many language models have it."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    special = ["<unk>", "<s>", "</s>", "<pad>", "<user>", "<assistant>", "<system>", "<step>", "+", "-"]
    vocabulary = {word: at for at, word in enumerate([*special, *words])}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made = PreTrainedTokenizerFast(
        tokenizer_object=core,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        pad_token=pad,
        model_input_names=["input_ids", "attention_mask"],
    )
    made.chat_template = template
    return made


def pair_tokenizer(*, types=True):
    """One that takes two texts, as encoders have it; with `types` it says which of them each token is of."""
    from tokenizers.processors import TemplateProcessing

    made = tiny_tokenizer(template=None)
    pair = "<s> $A </s> $B:1 </s>:1" if types else "<s> $A </s> </s> $B </s>"
    made.backend_tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>", pair=pair, special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    if types:
        made.model_input_names = [*made.model_input_names, "token_type_ids"]
    return made


def byte_tokenizer(*, template, special=()):
    """One of bytes and their merges, which joins what stands together, as those of most language models do."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    texts = [" ".join(WORDS), "It is so.\nThen.\n", "one ки\ntwo ки\n"] * 3
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<s>", "</s>", "<pad>", *special], initial_alphabet=alphabet
    )
    core.train_from_iterator(texts, trainer)
    made = PreTrainedTokenizerFast(tokenizer_object=core, bos_token="<s>", eos_token="</s>", pad_token="<pad>")
    made.chat_template = template
    return made


def tiny_config(tokenizer, kind="Llama", **settings):
    """With room for long texts."""
    import transformers

    return getattr(transformers, f"{kind}Config")(
        vocab_size=len(tokenizer),
        max_position_embeddings=4096,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        **(SIZES | settings),
    )


def tiny(folder, kind="LlamaForSequenceClassification", *, seed=0, tokenizer=None, **settings):
    """Saves a model with random weights, and its tokenizer, in a folder."""
    import torch
    import transformers

    tokenizer = tokenizer or tiny_tokenizer()
    torch.manual_seed(seed)
    if "Classification" in kind:
        settings = {"num_labels": 1} | settings
    config = tiny_config(tokenizer, kind.partition("For")[0], initializer_range=0.2, **settings)
    model = getattr(transformers, kind)(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def edit_config(folder, **settings):
    """Changes a checkpoint's config.json."""
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))
