"""From conversations to tokens: through the tokenizer's own chat template, with what is cut off counted."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgebench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench.rewards.scorer import Conversation
    from judgebench.rewards.settings import RewardSettings

_LIMITS = ("max_position_embeddings", "n_positions")
_NO_LIMIT = 10**9
"""What tokenizers without a limit name is far above this."""


@dataclass(slots=True)
class Encoded:
    """A conversation in tokens.

    Attributes:
        ids: The tokens.
        prompt: How many of them are the prompt's; 0 where that does not matter.
        steps: Where the score of each step is read; empty where there are none.
        truncated: How many tokens were cut off from the beginning.
        types: Which of two texts each token is of, where the tokenizer says so.
    """

    ids: list[int]
    prompt: int = 0
    steps: tuple[int, ...] = ()
    truncated: int = 0
    types: Sequence[int] = ()


class ChatEncoder:
    """A tokenizer with its chat template.

    Attributes:
        tokenizer: Of transformers.
        max_length: Tokens that a conversation has at most; None where nothing limits them.
    """

    def __init__(self, tokenizer: Any, config: dict[str, Any], settings: RewardSettings, model: str) -> None:
        self.tokenizer, self._model = tokenizer, model
        if settings.chat_template is not None:
            path = Path(settings.chat_template).expanduser()
            try:
                tokenizer.chat_template = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"--chat-template {path}: cannot be read ({error})") from None
        template = tokenizer.chat_template
        if not template and not settings.text_pair:
            raise ConfigError(
                f"{model}: its tokenizer has no chat template: give the one it was trained with, --chat-template FILE; "
                "or --text-pair where it takes prompt and answer as two texts"
            )
        self.template_hash = None if settings.text_pair else hashlib.sha256(str(template).encode()).hexdigest()
        self.max_length = settings.max_length
        said = {**config, **(config.get("text_config") or {})}
        for limit in (tokenizer.model_max_length, *(said.get(name) for name in _LIMITS)):
            if isinstance(limit, int) and 0 < limit < _NO_LIMIT:
                self.limit(limit, asked=settings.max_length)

    def limit(self, places: int, *, asked: int | None) -> None:
        """Lets conversations have at most so many tokens.

        Raises:
            ConfigError: The user asked for more.
        """
        if asked is not None and asked > places:
            raise ConfigError(f"--max-length {asked}: {self._model} takes at most {places} tokens")
        self.max_length = min(self.max_length or places, places)

    def texts(self, conversations: Sequence[Conversation], *, prompts: bool = False) -> list[str]:
        """The conversations as the template writes them; prompts with the beginning of an answer.

        Raises:
            ConfigError: The template refuses one.
        """
        import jinja2

        try:
            return [
                self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=prompts)
                for turns in conversations
            ]
        except (jinja2.TemplateError, TypeError, ValueError) as error:
            said = " ".join(str(error).split())
            raise ConfigError(
                f"{self._model}: its chat template does not take a conversation of the data: {said[:200]}; another "
                "template: --chat-template FILE"
            ) from None

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of texts that the template wrote, special ones included."""
        if not texts:
            return []
        found = self.tokenizer(list(texts), add_special_tokens=False, verbose=False, return_attention_mask=False)
        return list(found["input_ids"])

    def encode(self, conversations: Sequence[Conversation]) -> list[Encoded]:
        """Whole conversations."""
        return [self.cut(Encoded(ids)) for ids in self.tokens(self.texts(conversations))]

    def encode_pairs(self, conversations: Sequence[Conversation]) -> list[Encoded]:
        """Each conversation as two texts: the turns before the answer, parted by blank lines, and the answer."""
        pairs = [("\n\n".join(turn["content"] for turn in before), last["content"]) for *before, last in conversations]
        if not pairs:
            return []
        made = self.tokenizer([one for one, _ in pairs], [two for _, two in pairs], verbose=False)
        types = made.get("token_type_ids") or [()] * len(pairs)
        found = [Encoded(ids, types=kinds) for ids, kinds in zip(made["input_ids"], types, strict=True)]
        return [self._cut_pair(pair, whole) for pair, whole in zip(pairs, found, strict=True)]

    def _cut_pair(self, pair: tuple[str, str], whole: Encoded) -> Encoded:
        """A pair that is too long without the beginning of the prompt; the answer is cut where that is not enough."""
        over = 0 if self.max_length is None else len(whole.ids) - self.max_length
        if over <= 0:
            return whole
        prompt = len(self.tokenizer(pair[0], add_special_tokens=False, verbose=False)["input_ids"])
        self.tokenizer.truncation_side = "left"
        cut = self.tokenizer(
            *pair, truncation="only_first" if prompt > over else "longest_first", max_length=self.max_length
        )
        return Encoded(cut["input_ids"], truncated=over, types=cut.get("token_type_ids") or ())

    def cut(self, encoded: Encoded) -> Encoded:
        """The conversation without its beginning where it is too long: the answer's end is what is scored."""
        over = 0 if self.max_length is None else len(encoded.ids) - self.max_length
        if over <= 0:
            return encoded
        steps = tuple(at - over for at in encoded.steps)
        return Encoded(encoded.ids[over:], max(encoded.prompt - over, 0), steps, over)
