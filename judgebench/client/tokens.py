"""How many tokens a prompt has, as LiteLLM counts them; its tokenizers are on disk, so nothing is fetched."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from judgebench.client.providers.litellm import transport as lite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.judges import Judge

_DEFAULT = "gpt-3.5-turbo"
"""Whose tokenizer LiteLLM takes for a model that it has none of."""


_LONG_TOKENS = 1300
_FEWEST_READ = 512
"""A cut prompt has half of a context of 1,024 tokens at least; less is the count of what was not cached, say."""
_MOST_CHARACTERS = 6
"""A token of a language has fewer characters on average; of Chinese, Japanese and Korean fewer than two and a half."""
_MOST_EAST_ASIAN = 2.5
_EAST_ASIAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_SHARE_READ = 0.6


@dataclass(frozen=True, slots=True)
class TokenCount:
    """The tokens of a prompt.

    Attributes:
        messages: Those of each message's text.
        total: Those of the whole prompt, with what marks the messages.
        tokenizer: What they were counted with.
        exact: Whether that is the model's own tokenizer.
    """

    messages: tuple[int, ...]
    total: int
    tokenizer: str
    exact: bool


def prompt_tokens(judge: Judge, messages: Sequence[Mapping[str, str]]) -> int:
    """The tokens of one prompt; an estimate where the model's own tokenizer is not among LiteLLM's."""
    return int(_litellm().token_counter(model=_counted_as(judge), messages=list(messages)))


def is_cut(judge: Judge, messages: Sequence[Mapping[str, str]], read: int) -> bool:
    """Whether a server left a part of a prompt out, as Ollama does without a word where it is longer than `num_ctx`.

    Tokenizers differ, so only a long prompt counts of which well under two thirds were read; where the server is known
    to cut prompts (`cuts_prompts`), one that fills its context counts too.

    Args:
        judge: Whose call it was.
        messages: The prompt.
        read: The tokens that the server says it has read.
    """
    if judge.cuts_prompts and judge.room is not None and read >= judge.room:
        return True
    characters = sum(len(message["content"]) for message in messages)
    if not _FEWEST_READ <= read < characters / _MOST_EAST_ASIAN:
        return False
    texts = (message["content"] for message in messages if not message["content"].isascii())
    east_asian = sum(len(_EAST_ASIAN.findall(text)) for text in texts)
    fewest = east_asian / _MOST_EAST_ASIAN + (characters - east_asian) / _MOST_CHARACTERS
    if fewest < _LONG_TOKENS or read >= fewest:
        return False
    return read < _SHARE_READ * prompt_tokens(judge, messages)


def counted(judge: Judge, messages: Sequence[Mapping[str, str]]) -> TokenCount:
    """The tokens of one prompt and of each of its messages, and what they were counted with."""
    import tiktoken

    litellm, model = _litellm(), _counted_as(judge)
    own = model in litellm.open_ai_chat_completion_models
    try:
        name = tiktoken.encoding_name_for_model(model if own else _DEFAULT)
    except KeyError:  # newer than tiktoken
        own, name = False, tiktoken.encoding_name_for_model(_DEFAULT)
    each = tuple(int(litellm.token_counter(model=model, text=message["content"])) for message in messages)
    return TokenCount(each, prompt_tokens(judge, messages), name, own)


def _counted_as(judge: Judge) -> str:
    """The model as LiteLLM's tokenizers know it: OpenAI's own without the provider, others as they are."""
    return judge.model.removeprefix("openai/") if judge.api_base is None else judge.model


def _litellm() -> Any:
    litellm = lite.litellm()
    litellm.disable_hf_tokenizer_download = True  # or each count goes to the network, for 23 s where there is none
    return litellm
