"""What judgebench is measured beside: `python benchmarks/scalepeers.py PEER URL ROWS COUNT CONCURRENCY`.

A bare aiohttp loop, an Inspect task (inspect_ai), and Ray Data's `map_batches` over LiteLLM. Each asks COUNT prompts
and does nothing with the replies. `actors` measures what a call of an actor takes, for the model of many workers.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any


def prompts(rows: str, count: int) -> list[str]:
    """The texts of some rows, as one message each."""
    with Path(rows).open(encoding="utf-8") as file:
        return [
            "\n\n".join(json.loads(line)[key] for key in ("prompt", "chosen", "rejected"))
            for line in islice(file, count)
        ]


def bare(url: str, rows: str, count: int, concurrency: int) -> None:
    """As many tasks as calls in flight, a session, and nothing else."""
    import aiohttp

    async def run() -> None:
        waiting = iter(prompts(rows, count))
        connector = aiohttp.TCPConnector(limit=concurrency)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def ask() -> None:
                for prompt in waiting:
                    body = {"model": "local", "messages": [{"role": "user", "content": prompt}], "temperature": 0}
                    async with session.post(f"{url}/chat/completions", json=body) as response:
                        assert (await response.json())["choices"]

            await asyncio.gather(*(ask() for _ in range(concurrency)))

    asyncio.run(run())


def inspect(url: str, rows: str, count: int, concurrency: int) -> None:
    """A task with one generation and a scorer that looks for the verdict, at its own log's format."""
    os.environ |= {"LOCAL_API_KEY": "none", "LOCAL_BASE_URL": url}
    from inspect_ai import Task, eval as evaluate
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import get_model
    from inspect_ai.scorer import includes
    from inspect_ai.solver import generate

    samples = [Sample(input=prompt, target="[[A]]", id=number) for number, prompt in enumerate(prompts(rows, count), 1)]
    task = Task(dataset=MemoryDataset(samples), solver=generate(), scorer=includes())
    model = get_model("openai-api/local/local", base_url=url, api_key="none", responses_api=False)
    with tempfile.TemporaryDirectory() as folder:
        (log,) = evaluate(
            task,
            model=model,
            display="none",
            log_dir=folder,
            max_connections=concurrency,
            max_samples=concurrency,
            temperature=0,
        )
    assert log.status == "success", str(log.error)[:300]


def raydata(url: str, rows: str, count: int, concurrency: int) -> None:
    """Two actors, each of which sends its batch's prompts together through LiteLLM."""
    import ray

    workers = 2
    ray.init("local", num_cpus=workers, include_dashboard=False, log_to_driver=False, logging_level="ERROR")

    class Caller:
        def __init__(self) -> None:
            os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
            import litellm

            self._ask = litellm.acompletion

        async def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
            async def ask(prompt: str) -> str:
                reply = await self._ask(
                    model="hosted_vllm/local",
                    messages=[{"role": "user", "content": prompt}],
                    api_base=url,
                    api_key="none",
                    temperature=0,
                )
                return str(reply.choices[0].message.content)

            return {"reply": await asyncio.gather(*map(ask, batch["prompt"]))}

    size = max(1, concurrency // workers)
    data = ray.data.from_items([{"prompt": prompt} for prompt in prompts(rows, count)]).repartition(4 * workers)
    replies = data.map_batches(Caller, batch_size=size, concurrency=workers, num_cpus=0.5)
    found = sum(len(batch["reply"]) for batch in replies.iter_batches())
    assert found == count, found


def actors(_url: str, _rows: str, count: int, _concurrency: int) -> None:
    """Prints what an actor takes: seconds per call, and per 64 replies that it puts into a cache and reads again."""
    import ray

    from judgebench.client import ReplyCache
    from judgebench.verdicts import Reply

    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")

    class Limiter:
        async def lease(self, amounts: list[float]) -> int:
            return len(amounts)

    class Cache:
        def __init__(self, folder: str) -> None:
            self._cache = ReplyCache(Path(folder))

        async def put(self, replies: list[tuple[str, Reply]]) -> None:
            for key, reply in replies:
                self._cache.put(key, reply)

        async def get(self, keys: list[str]) -> int:
            return len(self._cache.get_many(keys))

    def each(calls: Any, number: int) -> float:
        started = time.perf_counter()
        ray.get([calls(at) for at in range(number)])
        return (time.perf_counter() - started) / number

    with tempfile.TemporaryDirectory() as folder:
        limiter = ray.remote(Limiter).options(num_cpus=0).remote()
        cache = ray.remote(Cache).options(num_cpus=0).remote(folder)
        reply = Reply(
            text="x" * 400, finish_reason="stop", served_model="local", prompt_tokens=500, completion_tokens=90
        )
        bundles = [[f"{at:06d}{within:02d}" + "0" * 56 for within in range(64)] for at in range(max(1, count // 64))]
        amounts = [1.0] * 20
        ray.get([limiter.lease.remote(amounts), cache.get.remote([])])
        found = {
            "lease_s": each(lambda _: limiter.lease.remote(amounts), count),
            "keep_s": each(lambda at: cache.put.remote([(key, reply) for key in bundles[at]]), len(bundles)),
            "get_s": each(lambda at: cache.get.remote(bundles[at]), len(bundles)),
        }
    print(json.dumps(found))


if __name__ == "__main__":
    peer, *rest = sys.argv[1:]
    {"bare": bare, "inspect": inspect, "raydata": raydata, "actors": actors}[peer](
        rest[0], rest[1], *map(int, rest[2:])
    )
