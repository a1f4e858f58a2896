"""The door to LiteLLM: how calls are begun."""

import asyncio
import time

from judgebench.client import lite


def test_what_the_first_calls_import_is_no_measure_of_those_that_follow(monkeypatch):
    """A loop that stood still for 0.3 s, as when LiteLLM is imported, is not waited for twice as long again."""
    waits, sleep = [], asyncio.sleep

    async def counted(seconds):
        waits.append(seconds)
        await sleep(0)

    async def first_calls():
        asyncio.get_running_loop().call_soon(time.sleep, 0.3)
        await lite.eased()

    monkeypatch.setattr(asyncio, "sleep", counted)
    asyncio.run(first_calls())

    assert max(waits) == 0.1


def test_a_model_that_litellm_does_not_know_is_free_of_charge_to_it_and_one_that_it_knows_is_not():
    """So that it does not look for a price with every reply; what a reply costs is in judgebench.prices."""
    litellm = lite.litellm()
    known = litellm.get_model_info("gpt-4o-mini", custom_llm_provider="openai")

    lite.unpriced("hosted_vllm", "a-model-of-nobody")
    lite.unpriced("openai", "gpt-4o-mini")

    unknown = litellm.get_model_info("a-model-of-nobody", custom_llm_provider="hosted_vllm")
    assert (unknown["input_cost_per_token"], unknown["output_cost_per_token"]) == (0.0, 0.0)
    assert litellm.get_model_info("gpt-4o-mini", custom_llm_provider="openai") == known
