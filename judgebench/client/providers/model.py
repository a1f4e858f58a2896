"""What the ways to models on servers have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench.client.providers.base import Provider
from judgebench.judges import check_address

if TYPE_CHECKING:
    from judgebench.client.providers.base import Request


class ModelProvider(Provider):
    """A way to models on servers, whose settings are those of a judge."""

    def check(self) -> None:
        """Finds out whether there is an address and a key.

        Raises:
            ConfigError: One of them is missing.
        """
        check_address(self.judge)
        super().check()

    def advice(self, request: Request) -> str:
        """The judge's parameters, and what else goes out with its calls."""
        if self.judge.decides:
            return "check that the model is a decision model and that its server takes typed questions"
        soft = ", or leave out --logprobs if it has no log-probabilities" if self.judge.soft_params else ""
        return super().advice(request) + soft
