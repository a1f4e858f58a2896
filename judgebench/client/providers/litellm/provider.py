"""LiteLLM as a provider: whatever it can call, by one name each."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from judgebench.client.providers.model import ModelProvider

if TYPE_CHECKING:
    from judgebench.client.batches.base import Batches
    from judgebench.client.providers.base import Request
    from judgebench.client.providers.litellm.calls import Calls
    from judgebench.verdicts import Reply


class LiteLLMProvider(ModelProvider):
    """The models behind LiteLLM, which is imported with the first call."""

    @cached_property
    def _calls(self) -> Calls:
        # Without a call it is not imported: 2% of the row "cached run, 5970 judgements" of benchmarks/speed.py.
        if self.judge.decides:
            from judgebench.client.providers.litellm.decisions import DecisionCalls

            return DecisionCalls(self.judge)
        from judgebench.client.providers.litellm.calls import Calls

        return Calls(self.judge)

    def prepare(self) -> None:
        """Imports LiteLLM, and finds out how the model is called."""
        self._calls.prepare()

    async def complete(self, request: Request) -> Reply:
        """One `acompletion`; of a decision model, one `asystemone`."""
        return await self._calls.complete(request)

    def batches(self) -> Batches:
        """Those of OpenAI, Azure and Anthropic, and of servers of OpenAI's protocol.

        Raises:
            ConfigError: It is another provider, or a decision model.
        """
        from judgebench.client.batches.anthropic import AnthropicBatches
        from judgebench.client.batches.openai import OpenAIBatches

        for kind in (OpenAIBatches, AnthropicBatches):
            if kind.fits(self.judge) and not self.judge.decides:
                return kind(self.judge, self._calls)
        return super().batches()

    async def aclose(self) -> None:
        """Closes the connections of its calls."""
        await self._calls.aclose()
