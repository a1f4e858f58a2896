"""The seam at which models plug in: one call goes out, one reply comes back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from judgebench._util.plugins import class_of
from judgebench.errors import ConfigError
from judgebench.judges import check_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.client.batches.base import Batches
    from judgebench.judges import Judge
    from judgebench.verdicts import Reply


@dataclass(slots=True)
class Request:
    """One call, ready to be made.

    Attributes:
        key: Of its reply in the cache, 64 hexadecimal digits.
        messages: Role and content of each.
        sample: The number of the repetition, from 0 on.
        schema: The JSON schema that goes out as the form of the reply, if one does.
        hint: What an offline judge is told beside the messages.
        questions: What a decision model is asked, by name, in the System One protocol; None for a reply of text.
    """

    key: str
    messages: Sequence[Mapping[str, str]]
    sample: int = 0
    schema: Mapping[str, object] | None = None
    hint: Mapping[str, object] | None = field(default=None, compare=False)
    questions: Mapping[str, Mapping[str, object]] | None = None

    @property
    def form(self) -> Mapping[str, object] | None:
        """What goes out beside the messages: a schema, or typed questions."""
        return self.schema if self.questions is None else self.questions


def form_of(schema: Mapping[str, Any], judge: Judge | None = None) -> dict[str, Any]:
    """How a JSON schema of the reply goes out in the OpenAI protocol, as `response_format`.

    Args:
        schema: The schema.
        judge: Who is asked; None: in OpenAI's own form.
    """
    if judge is not None and judge.structured_output == "json_object":
        return {"type": "json_object", "schema": schema}
    return {"type": "json_schema", "json_schema": {"name": "verdict", "schema": schema, "strict": True}}


@dataclass(slots=True)
class Answer:
    """What became of a call.

    Attributes:
        shared: Whether an equal call had been made, so that this one was not.
    """

    reply: Reply
    shared: bool = False


class Provider(ABC):
    """One judge's way to get replies.

    The cache, limits, retries, the timeout and the budget are the client's, as is hiding keys.

    Args:
        judge: Who is asked: `params_asked()` are its parameters, `judgebench.judges.call_settings` its address and key.

    Attributes:
        sent_as: The model as it goes out, where that is not as the judge names it; None also where that is not known.
    """

    sent_as: str | None = None

    def __init__(self, judge: Judge) -> None:
        self.judge = judge

    def check(self) -> None:
        """Finds out, before the first call, whether any can be made.

        Raises:
            ConfigError: A key, or something else that the user can mend, is missing.
        """
        check_key(self.judge)

    def prepare(self) -> None:
        """Gets ready, once, before the first call: what takes long to import is imported here."""
        return

    @abstractmethod
    async def complete(self, request: Request) -> Reply | str:
        """Makes one call, once; gives the reply, or its text alone.

        Of the reply only `text` is needed; its tokens, at the judge's price, are its cost where `cost_usd` is left out.

        Raises:
            TransientError: The same call may work later; `RateLimitedError`, `TimedOutError` and `BrokenReplyError` say
                how. `retry_after` is the wait that was asked for.
            FatalProviderError: No call of this judge can work until the user acts.
            VerdictFailure: This one call has no reply: of kind `context` where the prompt is too long, `filtered` where
                it was refused, else `provider`.
            OSError: The way to the model is broken; taken as transient. Any other exception fails the one call.
        """

    def batches(self) -> Batches:
        """The batch interface of the judge's provider.

        Raises:
            ConfigError: It has none here.
        """
        raise ConfigError(
            f"judge '{self.judge.name}' ({self.judge.model}): judgebench knows no batch interface of this provider; "
            "--batch takes openai/..., azure/..., anthropic/... and servers of the OpenAI protocol (api_base); "
            "leave out --batch"
        )

    @property
    def code(self) -> str:
        """The code that a call runs, as messages name it."""
        return f"the class {class_of(self)}"

    def advice(self, request: Request) -> str:
        """What to look at where every call is refused from the first on."""
        schema = "" if request.schema is None else ", or set structured_output: false if it does not support schemas"
        return f"check the judge's params{schema}"

    async def aclose(self) -> None:
        """Closes what was opened, after the last call; not called where `prepare` was not."""
        return
