"""A judge: its model, its parameters, its limits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from judgebench._util.redaction import without_secrets
from judgebench.items import Transport
from judgebench.judges.catalog import (
    DECISION_MODES,
    FREE,
    Price,
    listed_context,
    listed_end,
    listed_mode,
    listed_price,
    listed_schema,
)
from judgebench.judges.connection import check_url
from judgebench.judges.installed import decision_providers
from judgebench.verdicts import TOP

OFFLINE = ("longest", "shortest", "first", "random")
"""The baselines that need no model: `offline/longest` and so on."""

OWN_SERVERS = frozenset({"openai", "hosted_vllm"})
"""Providers whose protocol servers of one's own speak, under any model's name."""

DEFAULT_PARAMS: dict[str, Any] = {"temperature": 0, "max_tokens": 2048}
"""What a judge without `params` is asked with; the client leaves out, and says, what its model does not take."""


class Limits(BaseModel):
    """How fast a judge may be asked.

    Attributes:
        concurrency: Calls in flight at once.
        rpm: Requests per minute; None: no limit.
        tpm: Tokens per minute, prompt and completion; None: no limit.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True)

    concurrency: int = Field(default=32, ge=1)
    rpm: int | None = Field(default=None, ge=1)
    tpm: int | None = Field(default=None, ge=1)


class Judge(BaseModel):
    """A model and how to ask it.

    Attributes:
        name: The preset's name, or the model id that stood in its place.
        model: A LiteLLM id, `offline/...`, or `python/...` for a function.
        api_base: The server's address, where it is not the provider's own.
        api_key_env: The variable that holds the key; None: LiteLLM's own variables count.
        params: Parameters of every call; None: `DEFAULT_PARAMS`.
        limits: How fast it may be asked.
        price: USD per million tokens, where LiteLLM's table has none or another.
        cache_as: Whose replies these are, for the cache.
        timeout: Seconds until a call is given up.
        family: Whose model it is, where its own answers may be among those it judges; None: as its name says.
        structured_output: Whether it takes a JSON schema for its reply; `json_object`: in llama.cpp's form, where
            OpenAI's fails. None: as LiteLLM's table says.
        system_role: Whether its chat template has a system role; where false, what the system says is put at the head
            of the first message of the user. None: it has.
        context: The most tokens that it takes in, where that is the server's; None: as LiteLLM's table says.
        cuts_prompts: Whether its server cuts longer prompts without an error: a reply to as many tokens as it takes in
            is then a failure `context`. None: it does not.
        transport: How its calls are carried: `litellm`, or `direct` for plain HTTP to a server of the OpenAI protocol;
            None: by LiteLLM.
        api: How it is asked: `chat` for text, `decisions` for typed questions that it answers with probabilities; None:
            as LiteLLM's table says.
        extra: Further settings, passed to LiteLLM as they are.
        address_variable: The environment variable that `api_base` is from; None: a file, or there is none.
        found: Whether `./providers.yaml`, which nobody named, sends it to an address that is not its provider's own.
            No key goes there but one that `api_key_env` names.
        soft: Whether the log-probabilities of its replies' tokens are asked for (`--logprobs`); no setting of a file's.
        function: What answers in the place of a model (`callable_judge`); no setting of a file's, and in no manifest.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    name: str = Field(min_length=1)
    model: str = Field(min_length=1)
    api_base: Annotated[str, Field(pattern=r"^https?://[^\s/]+\S*$"), AfterValidator(check_url)] | None = None
    api_key_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")
    params: dict[str, object] | None = None
    limits: Limits = Limits()
    price: Price | None = None
    cache_as: str | None = Field(default=None, min_length=1)
    timeout: float = Field(default=120, gt=0)
    family: str | None = Field(default=None, min_length=1)
    structured_output: bool | Literal["json_object"] | None = None
    system_role: bool | None = None
    context: int | None = Field(default=None, ge=1)
    cuts_prompts: bool | None = None
    transport: Transport | None = None
    api: Literal["chat", "decisions"] | None = None
    extra: dict[str, object] = Field(default_factory=dict)
    address_variable: str | None = None
    found: bool = False
    soft: bool = False
    function: Callable[..., object] | None = Field(default=None, exclude=True, repr=False)

    @property
    def identity(self) -> str:
        """Whose replies these are, in the cache's key: no address of a file's, so a server may move.

        An address of the environment, which has no name, is in it.
        """
        if self.cache_as is not None or self.api_base is None:
            return self.cache_as or self.model
        if self.address_variable is None:
            return self.name
        return f"{self.model} at {str(without_secrets(self.api_base)).rstrip('/')}"

    @property
    def known_as(self) -> str:
        """The model as tables know it: that which a deployment of one's own (`base_model`) is of, else the model."""
        return str(self.extra.get("base_model") or self.model)

    @property
    def provider(self) -> str:
        """The part of the model id before the first slash."""
        return self.model.partition("/")[0]

    @property
    def offline(self) -> bool:
        """Whether this is a baseline that calls no model."""
        return self.provider == "offline"

    @property
    def decides(self) -> bool:
        """Whether it is a decision model: one that answers typed questions with probabilities, and writes no text."""
        if self.api is not None or self.function is not None or self.provider not in decision_providers():
            return self.api == "decisions"
        # A server of one's own gives any name to what it serves; without an entry nothing is found out.
        at_own_server = self.api_base is not None and self.provider in OWN_SERVERS
        return not at_own_server and listed_mode(self.known_as) in DECISION_MODES

    def params_asked(self) -> tuple[dict[str, object], bool]:
        """The parameters of a call, and whether they are the defaults (what the model does not take is left out)."""
        if self.decides:
            return {}, False
        params = DEFAULT_PARAMS if self.params is None else self.params
        return {**params, **self.soft_params}, self.params is None

    @property
    def room(self) -> int | None:
        """The most tokens that it takes in, as its settings say: `context`, else Ollama's `num_ctx`."""
        said = (self.params or {}).get("num_ctx") if self.context is None else self.context
        return said if isinstance(said, int) else None

    @property
    def soft_params(self) -> dict[str, object]:
        """The parameters that ask for log-probabilities, left out and said where the model does not take them."""
        if not self.soft or self.offline or self.decides:
            return {}
        return {"logprobs": True, "top_logprobs": (self.params or {}).get("top_logprobs", TOP)}

    def public(self) -> dict[str, object]:
        """The settings for a run's manifest, without any secret: headers by name only, addresses bare."""
        params, defaulted = self.params_asked()
        settings = self.model_dump(exclude_none=True, exclude={"soft", "found", "transport"}) | {
            "params": params,
            "params_defaulted": defaulted,
            **({"api": "decisions"} if self.decides else {}),
        }
        public: dict[str, Any] = without_secrets(settings)
        return public


def price_of(judge: Judge) -> Price | None:
    """The judge's own price, else that of LiteLLM's table, else None; offline baselines are free."""
    if judge.price is not None:
        return judge.price
    return FREE if judge.offline else listed_price(judge.known_as, decisions=judge.decides)


_HALF = 0.5
"""What OpenAI, Azure and Anthropic take for a call in a batch, as a share of one made live."""


def in_batches(judge: Judge) -> Judge:
    """The judge at the price of its calls in batches; nothing else about it changes.

    The share is that of its `price`, else of LiteLLM's table, else half at the providers that say so; at a server of
    one's own a call costs in a batch what it costs live.
    """
    price = price_of(judge)
    if price is None:
        return judge
    own = judge.api_base is not None and judge.provider in OWN_SERVERS
    return judge.model_copy(update={"price": price.in_batch(1.0 if own else _HALF)})


def context_of(judge: Judge) -> int | None:
    """The most tokens that the judge takes in: its own setting or `num_ctx`, else by LiteLLM's table; None: unknown."""
    if judge.room is not None:
        return judge.room
    return None if judge.offline else listed_context(judge.known_as)


END_IS_NEAR_DAYS = 60


def end_of(judge: Judge, today: date | None = None) -> date | None:
    """The day from which the provider no longer serves the model, where that is within 60 days or past; else None."""
    end = None if judge.api_base is not None and judge.address_variable is None else listed_end(judge.model)
    near = (today or datetime.now(UTC).date()) + timedelta(days=END_IS_NEAR_DAYS)
    return end if end is not None and end <= near else None


def takes_schema(judge: Judge) -> bool:
    """Whether a JSON schema for the reply goes out with a call: as the judge says, else as LiteLLM's table does."""
    if judge.offline or judge.decides:
        return False
    return listed_schema(judge.known_as) if judge.structured_output is None else judge.structured_output is not False
