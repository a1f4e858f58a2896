"""The way to a judge: what every call of it is made with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from judgebench.client.providers.base import form_of
from judgebench.client.providers.bodies import clean
from judgebench.client.providers.litellm import transport as lite
from judgebench.client.providers.proxies import keep_off_proxies
from judgebench.errors import ConfigError
from judgebench.judges import call_settings, check_address, check_key, secret_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.judges import Judge

_ALTERNATIVES = "top_logprobs"
_ALLOWED = {"allowed_openai_params": [_ALTERNATIVES]}
"""Has LiteLLM send the number of alternatives where it can (`gemini/`), but does not say so."""


@dataclass(frozen=True)
class CallSettings:
    """How a judge is reached.

    Attributes:
        settings: LiteLLM's keywords; they hold its key.
        left_out: Default parameters that the model does not take.
        secrets: What must be in no message, in all forms, the longest first.
    """

    settings: dict[str, Any]
    left_out: list[str]
    secrets: list[str]

    def keywords(self, schema: Mapping[str, Any] | None, judge: Judge) -> dict[str, Any]:
        """LiteLLM's keywords for one call, but its messages.

        Args:
            schema: The JSON schema of the reply, if one goes out.
            judge: Who is asked.
        """
        return self.settings if schema is None else {**self.settings, "response_format": form_of(schema, judge)}


def way_to(judge: Judge) -> CallSettings:
    """What every call of a judge is made with.

    Raises:
        ConfigError: An address or a key is missing, or LiteLLM knows no way to the model.
    """
    check_address(judge)
    check_key(judge)
    keep_off_proxies(judge.api_base)
    secrets = secret_values(judge)
    params, defaulted = judge.params_asked()
    optional = params if defaulted else {name: params[name] for name in judge.soft_params}
    left_out: list[str] = []
    if optional:
        left_out = _not_taken(judge, optional, secrets)
        if judge.soft and left_out == [_ALTERNATIVES] and not _not_taken(judge, {**optional, **_ALLOWED}, secrets):
            left_out, params = [], {**params, **_ALLOWED}
        params = {name: value for name, value in params.items() if name not in left_out}
    settings = {
        "model": judge.model,
        "timeout": judge.timeout,
        "max_retries": 0,
        "num_retries": 0,
        **params,
        **call_settings(judge),
    }
    return CallSettings(settings, left_out, secrets)


def _not_taken(judge: Judge, params: Mapping[str, Any], secrets: Sequence[str]) -> list[str]:
    try:
        return params_not_taken(judge.known_as, params)
    except lite.litellm().BadRequestError as error:
        said = clean(str(error), secrets)
        raise ConfigError(f"judge '{judge.name}': LiteLLM cannot call {judge.model}: {said}") from None


def params_not_taken(model: str, params: Mapping[str, Any]) -> list[str]:
    """The names of the default parameters that LiteLLM knows the model not to take."""
    litellm = lite.litellm()
    name, provider, _, _ = litellm.get_llm_provider(model)

    def refused(some: Mapping[str, Any]) -> bool:
        try:
            litellm.utils.get_optional_params(model=name, custom_llm_provider=provider, **some)
        except litellm.UnsupportedParamsError:
            return True
        return False

    # These say something beside another parameter only.
    beside = {each: params[each] for each in ("logprobs", *_ALLOWED) if each in params}
    return [
        param
        for param, value in params.items()
        if refused({**(beside if param == _ALTERNATIVES else {}), param: value})
    ]


def changed_effort(judge: Judge) -> str:
    """How LiteLLM sends a judge's `reasoning_effort` where that is not as it is written; empty where it is."""
    params, _ = judge.params_asked()
    effort = params.get("reasoning_effort")
    if effort is None:
        return ""
    litellm = lite.litellm()
    name, provider, _, _ = litellm.get_llm_provider(judge.known_as)
    try:
        asked = [
            litellm.utils.get_optional_params(model=name, custom_llm_provider=provider, **some)
            for some in ({}, {"reasoning_effort": effort})
        ]
    except litellm.UnsupportedParamsError:  # the call says so
        return ""
    sent = {key: value for key, value in asked[1].items() if asked[0].get(key) != value}
    return "" if sent.get("reasoning_effort") == effort else ", ".join(f"{key}={value}" for key, value in sent.items())
