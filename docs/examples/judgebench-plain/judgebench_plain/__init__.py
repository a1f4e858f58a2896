"""Models on a server of the OpenAI protocol, by plain HTTP: `plain/NAME`, with an `api_base` in providers.yaml."""

from __future__ import annotations

import httpx

from judgebench import ConfigError, FatalProviderError, Reply
from judgebench.client import Provider, Request
from judgebench.errors import RateLimitedError, TransientError, VerdictFailure
from judgebench.judges import call_settings


class Plain(Provider):
    """One HTTP client a judge."""

    def check(self) -> None:
        """Before the first call: is all there that a call needs?"""
        super().check()
        if self.judge.api_base is None:
            raise ConfigError(f"judge '{self.judge.name}' has no address: give it an api_base in providers.yaml")

    def prepare(self) -> None:
        """With the first call."""
        settings = call_settings(self.judge)
        headers = {"Authorization": f"Bearer {settings['api_key']}"} if "api_key" in settings else {}
        self._http = httpx.AsyncClient(base_url=settings["api_base"], headers=headers, timeout=self.judge.timeout)

    async def complete(self, request: Request) -> Reply:
        """One call, made once."""
        params, _ = self.judge.params_asked()
        model = self.judge.model.removeprefix("plain/")
        body = {"model": model, "messages": list(request.messages), **params}
        try:
            response = await self._http.post("chat/completions", json=body)
        except httpx.TransportError as error:
            raise TransientError(f"{type(error).__name__}: {error}") from None
        said = f"status {response.status_code}: {response.text[:200]}"
        if response.status_code in {401, 403, 404}:
            raise FatalProviderError(f"judge '{self.judge.name}': {said}; check its key, model and api_base")
        if response.status_code == 429:
            wait = response.headers.get("retry-after", "")
            raise RateLimitedError(said, retry_after=float(wait) if wait.isdecimal() else None)
        if response.status_code >= 500:
            raise TransientError(said)
        if response.status_code >= 400:
            raise VerdictFailure("provider", said)
        reply = response.json()
        choice, usage = reply["choices"][0], reply.get("usage", {})
        return Reply(
            text=choice["message"]["content"],
            finish_reason=choice["finish_reason"],
            served_model=reply.get("model"),
            prompt_tokens=usage.get("prompt_tokens", 0),
            completion_tokens=usage.get("completion_tokens", 0),
        )

    async def aclose(self) -> None:
        """After the last call."""
        await self._http.aclose()
