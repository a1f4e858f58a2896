"""How a process reward model is given an answer's steps, and at which tokens it says what it thinks of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench.errors import ConfigError
from judgebench.rewards.encoding import Encoded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgebench.rewards.encoding import ChatEncoder
    from judgebench.rewards.scorer import Conversation

    Parted = tuple[Conversation, list[str]]
    """The turns before an answer, and its steps."""

    Spans = Sequence[tuple[int, int]]
    """Where each token stands in its text."""

_AFTER_PROMPT = "\n\n"
"""What parts the prompt from the first step in one turn; as ProcessBench's own script for such models has it."""


class StepsInAnswer:
    r"""One answer, with a separator after each step; a step is read at the last token of its separator.

    Of a separator that ends in blanks or line ends, those are not read: ` ки\n` is read at `ки`.
    """

    def __init__(self, model: str, encoder: ChatEncoder, separator: str) -> None:
        self._model, self._encoder, self._separator = model, encoder, separator
        self._mark = separator.rstrip() or separator

    def encode(self, parted: Sequence[Parted]) -> list[Encoded]:
        """The tokens of each answer, and the places of its steps.

        Raises:
            ConfigError: The steps are not to be found in what the chat template or the tokenizer makes of them.
        """
        answers = ["".join(step + self._separator for step in steps) for _, steps in parted]
        turns = [
            [*before, {"role": "assistant", "content": answer}]
            for (before, _), answer in zip(parted, answers, strict=True)
        ]
        encoded = []
        for (text, ids, spans), answer, (_, steps) in zip(
            _tokenized(self._encoder, turns), answers, parted, strict=True
        ):
            places = self._places(spans, self._start(text, answer), steps)
            encoded.append(self._encoder.cut(Encoded(ids, steps=places)))
        return encoded

    def _start(self, text: str, answer: str) -> int:
        """Where the answer begins in a text; many templates strip what is around it."""
        found = text.rfind(answer)
        stripped = answer.strip()
        if found < 0 and stripped.endswith(self._mark):
            found = text.rfind(stripped)
            found -= len(answer) - len(answer.lstrip()) if found >= 0 else 0
        if found < 0:
            raise ConfigError(
                f"{self._model}: its chat template changes the answer's text, so that steps are not found in it: "
                "give another with --chat-template, or a --step-separator that it leaves alone"
            )
        return found

    def _places(self, spans: Spans, start: int, steps: Sequence[str]) -> tuple[int, ...]:
        places = []
        token = 0
        for step in steps:
            end = start + len(step) + len(self._mark)
            start += len(step) + len(self._separator)
            while token + 1 < len(spans) and spans[token + 1][0] < end:
                token += 1
            if spans[token][1] > start:
                raise ConfigError(
                    f"{self._model}: the tokenizer joins --step-separator {self._separator!r} with the text after it: "
                    "name a separator that ends a token"
                )
            places.append(token)
        return tuple(places)


class StepsAsTurns:
    """Each step as a turn of the user's, which the assistant answers by the token for right or that for wrong.

    The first turn is the prompt and the first step, a blank line between them. All steps are said to be right, and
    each is read at the token before that: what a causal model gives there depends on nothing after it.
    """

    def __init__(self, model: str, encoder: ChatEncoder, good: str, token: int) -> None:
        """Args: `good` is what the assistant says of a right step, `token` its last token."""
        self._model, self._encoder, self._good, self._token = model, encoder, good, token

    def encode(self, parted: Sequence[Parted]) -> list[Encoded]:
        """The tokens of each conversation, and the places of its steps.

        Raises:
            ConfigError: The assistant's turns are not to be found in what the chat template makes of them.
        """
        turns = [self._turns(before, steps) for before, steps in parted]
        encoded = []
        for given, (_, steps), (text, ids, spans) in zip(turns, parted, _tokenized(self._encoder, turns), strict=True):
            ends = range(len(given) - 2 * len(steps) + 1, len(given), 2)
            asked = self._encoder.texts([given[:end] for end in ends], prompts=True)
            places = [self._place(text, each, ids, spans) for each in asked]
            encoded.append(self._encoder.cut(Encoded(ids, steps=tuple(places))))
        return encoded

    def _turns(self, before: Conversation, steps: Sequence[str]) -> Conversation:
        """The prompt's turns, and for each step one of the user's and one of the assistant's."""
        turns = list(before)
        first, *rest = steps
        if turns and turns[-1]["role"] == "user":
            first = f"{turns.pop()['content']}{_AFTER_PROMPT}{first}"
        for step in (first, *rest):
            turns += [{"role": "user", "content": step}, {"role": "assistant", "content": self._good}]
        return turns

    def _place(self, text: str, asked: str, ids: Sequence[int], spans: Spans) -> int:
        """The token before the one that says right, after what the assistant is asked."""
        at = next((at for at, (_, end) in enumerate(spans) if end > len(asked)), len(ids))
        while at < len(ids) and not text[slice(*spans[at])].strip():
            at += 1
        if not text.startswith(asked) or at >= len(ids) or ids[at] != self._token:
            raise ConfigError(
                f"{self._model}: its chat template and tokenizer do not put {self._good!r} where the assistant begins "
                "to speak, so that --step-turns cannot be read: give another with --chat-template"
            )
        return at - 1


def _tokenized(encoder: ChatEncoder, turns: Sequence[Conversation]) -> list[tuple[str, list[int], Spans]]:
    """What the chat template writes of each, its tokens, and where they stand in it."""
    texts = encoder.texts(turns)
    found = encoder.tokenizer(
        texts, add_special_tokens=False, verbose=False, return_attention_mask=False, return_offsets_mapping=True
    )
    return list(zip(texts, map(list, found["input_ids"]), found["offset_mapping"], strict=True))
