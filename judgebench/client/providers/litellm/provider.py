"""LiteLLM as a provider: whatever it can call, by one name each."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from judgebench.client.providers.base import Provider
from judgebench.judges import check_address

if TYPE_CHECKING:
    from judgebench.client.batches.base import Batches
    from judgebench.client.providers.base import Request
    from judgebench.client.providers.litellm.calls import Calls
    from judgebench.verdicts import Reply


class LiteLLMProvider(Provider):
    """The models behind LiteLLM, which is imported with the first call."""

    @cached_property
    def _calls(self) -> Calls:
        # Without a call it is not imported: 2% of the row "cached run, 5970 judgements" of benchmarks/speed.py.
        if self.judge.decides:
            from judgebench.client.providers.litellm.decisions import DecisionCalls

            return DecisionCalls(self.judge)
        from judgebench.client.providers.litellm.calls import Calls

        return Calls(self.judge)

    def check(self) -> None:
        """Finds out whether there is an address and a key.

        Raises:
            ConfigError: One of them is missing.
        """
        check_address(self.judge)
        super().check()

    def prepare(self) -> None:
        """Imports LiteLLM, and finds out how the model is called."""
        self.sent_as = self._calls.prepare()

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
                return kind(self.judge)
        return super().batches()

    def advice(self, request: Request) -> str:
        """The judge's parameters, and what else goes out with its calls."""
        if self.judge.decides:
            return "check that the model is a decision model and that its server takes typed questions"
        soft = ", or leave out --logprobs if it has no log-probabilities" if self.judge.soft_params else ""
        return super().advice(request) + soft

    async def aclose(self) -> None:
        """Closes the connections of its calls."""
        await self._calls.aclose()
