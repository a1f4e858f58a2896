"""Plain HTTP as a provider: servers of the OpenAI protocol at an address of one's own, for large runs."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from judgebench.client.providers.model import ModelProvider
from judgebench.judges import check_transport

if TYPE_CHECKING:
    from judgebench.client.batches.base import Batches
    from judgebench.client.providers.base import Request
    from judgebench.client.providers.direct.calls import DirectCalls
    from judgebench.verdicts import Reply


class DirectProvider(ModelProvider):
    """Models on servers of the OpenAI protocol, without LiteLLM; aiohttp is imported with the first call."""

    @cached_property
    def _calls(self) -> DirectCalls:
        from judgebench.client.providers.direct.calls import DirectCalls

        return DirectCalls(self.judge)

    def check(self) -> None:
        """Finds out whether there is an address and a key, and whether the judge can be asked so.

        Raises:
            ConfigError: It cannot.
        """
        check_transport(self.judge)
        super().check()

    def prepare(self) -> None:
        """Makes what every call goes out with."""
        _ = self._calls

    async def complete(self, request: Request) -> Reply:
        """One POST."""
        return await self._calls.complete(request)

    def batches(self) -> Batches:
        """Those of the OpenAI protocol.

        Raises:
            ConfigError: It is a decision model.
        """
        from judgebench.client.batches.openai import OpenAIBatches

        return super().batches() if self.judge.decides else OpenAIBatches(self.judge, self._calls)

    async def aclose(self) -> None:
        """Closes the connections of its calls."""
        await self._calls.aclose()
