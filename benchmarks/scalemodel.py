"""What bounds ten million judgements: a model from measured figures, and a simulation of 100 workers to check it by.

The model takes every resource by itself: the judgements a second that it lets through are what it can do divided by
what one judgement takes of it, and the least of them is the rate. The simulation runs the code that holds a cluster's
limits (`judgebench.engine.cluster`), with workers, actors, driver and provider that take the measured times, on a clock
of its own, where nothing is known of a least.
"""

from __future__ import annotations

import asyncio
import random
import selectors
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

JUDGEMENTS = 10_000_000
WORKERS = 100


@dataclass(frozen=True)
class Provider:
    """An example of a provider: a small model's list price and the limits of a large account.

    Attributes:
        rpm: Requests a minute.
        tpm: Tokens a minute.
        latency_s: Of a reply, the median; one in ten takes 1.7 times that.
        prompt: Tokens of a judgement's prompt.
        answer: Of its answer.
        usd_prompt: Per million tokens.
        usd_answer: Likewise.
        batch_share: What a batch costs of that.
        batch_hours: In which a batch is done at the latest.
    """

    rpm: int = 30_000
    tpm: int = 150_000_000
    latency_s: float = 1.5
    prompt: int = 800
    answer: int = 150
    usd_prompt: float = 0.4
    usd_answer: float = 1.6
    batch_share: float = 0.5
    batch_hours: int = 24

    @property
    def usd(self) -> float:
        """Of all judgements."""
        return JUDGEMENTS * (self.prompt * self.usd_prompt + self.answer * self.usd_answer) / 1e6


@dataclass(frozen=True)
class Setup:
    """Workers on a cluster, and what one judgement takes of each resource, in seconds.

    Attributes:
        workers: How many processes make calls.
        in_flight: Calls of all of them at once.
        worker_s: CPU of a worker.
        driver_s: CPU of the driver, which plans, reads and records.
        lease_s: An actor's time for one question for leave.
        in_a_lease: Calls that one question is for, at most.
        keep_s: An actor's time for one bundle of replies that it puts into the cache.
        in_a_bundle: Replies in a bundle, at most.
    """

    workers: int = WORKERS
    in_flight: int = 4_096
    worker_s: float = 0.001
    driver_s: float = 0.0005
    lease_s: float = 1 / 1_800
    in_a_lease: int = 20
    keep_s: float = 64 / 20_000
    in_a_bundle: int = 64

    def rates(self, provider: Provider) -> dict[str, float]:
        """Judgements a second that each resource lets through.

        Questions and bundles carry what waits, so that they are as full as they may be only where their actor is what
        bounds the rate.
        """
        return {
            "requests a minute": provider.rpm / 60,
            "tokens a minute": provider.tpm / 60 / (provider.prompt + provider.answer),
            "calls in flight": self.in_flight / (provider.latency_s * MEAN_OF_MEDIAN + self.worker_s),
            "CPU of the workers": self.workers / self.worker_s,
            "CPU of the driver": 1 / self.driver_s,
            "limiter": self.in_a_lease / self.lease_s,
            "cache": self.in_a_bundle / self.keep_s,
        }

    def bound(self, provider: Provider) -> tuple[str, float]:
        """What bounds the rate, and the rate."""
        rates = self.rates(provider)
        least = min(rates, key=lambda name: rates[name])
        return least, rates[least]


_STEP_S = 1e-9
SIGMA = 0.4
MEAN_OF_MEDIAN = 1.0833
"""Latencies are lognormal: their mean is exp(SIGMA² / 2) of the median."""


class _Server:
    """A resource that does one thing at a time, first come first served."""

    def __init__(self) -> None:
        self.busy_s = 0.0
        self._free_at = 0.0

    async def take(self, seconds: float) -> None:
        """Returns when so much of its time has been had."""
        now = asyncio.get_running_loop().time()
        self._free_at = max(now, self._free_at) + seconds
        self.busy_s += seconds
        await asyncio.sleep(self._free_at - now)


@dataclass(frozen=True)
class Simulated:
    """What a simulation came to.

    Attributes:
        rate: Judgements a second from the first quarter on.
        most_a_minute: The most calls that began within any 60 s.
        busy: The share of its time that each single resource was busy.
    """

    rate: float
    most_a_minute: int
    busy: Mapping[str, float]


def simulate(setup: Setup, provider: Provider, judgements: int, seed: int = 0) -> Simulated:
    """Makes so many judgements on a clock of its own.

    Args:
        setup: The cluster.
        provider: Whose limits are held; its latencies are lognormal.
        judgements: How many.
        seed: Of the latencies.
    """
    loop = _Loop()
    try:
        return loop.run_until_complete(_Simulation(setup, provider, judgements, seed).run())
    finally:
        loop.close()


class _Clock(selectors.SelectSelector):
    """Waits for nothing, and counts the seconds that it was to wait."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        # A step takes time, too: without, what waits for less than a rounding error would wait for ever.
        self.passed += timeout or _STEP_S
        return []


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._passing = _Clock()
        super().__init__(self._passing)

    def time(self) -> float:
        return self._passing.passed


class _Simulation:
    def __init__(self, setup: Setup, provider: Provider, judgements: int, seed: int) -> None:
        self.setup, self.provider, self.judgements = setup, provider, judgements
        self.drawn = random.Random(seed)
        self.driver, self.limiter, self.desk = _Server(), _Server(), _Server()
        self.left = judgements
        self.began: list[float] = []
        self.ended: list[float] = []

    async def run(self) -> Simulated:
        from judgebench.engine.cluster.bundles import AskedJudge, Settings
        from judgebench.engine.cluster.limits import ClusterLimits
        from judgebench.judges import Judge

        limits = {"rpm": self.provider.rpm, "tpm": self.provider.tpm}
        judge = Judge.model_validate({"name": "judge", "model": "openai/judge"}).model_copy(
            update={"limits": _limits(limits)}
        )
        self.limits = ClusterLimits(
            Settings("", {"judge": AskedJudge(judge, self.setup.in_flight)}, {}, self.setup.workers)
        )
        share, rest = divmod(self.setup.in_flight, self.setup.workers)
        tasks = [self._worker(share + (number < rest)) for number in range(self.setup.workers)]
        await asyncio.gather(*tasks)
        took = asyncio.get_running_loop().time()
        self.ended.sort()
        first = len(self.ended) // 4
        last = len(self.ended) - first  # the end, where workers have nothing left, is no part of the rate
        rate = (last - first) / (self.ended[last - 1] - self.ended[first])
        busy = {
            "driver": self.driver.busy_s / took,
            "limiter": self.limiter.busy_s / took,
            "cache": self.desk.busy_s / took,
        }
        return Simulated(rate, _most_within(sorted(self.began), 60.0), busy)

    async def _worker(self, in_flight: int) -> None:
        from judgebench.engine.cluster.bundles import GroupedWaits

        cpu = _Server()
        requests = GroupedWaits(lambda amounts: self._leased(amounts, by_tokens=False), self.setup.in_a_lease)
        tokens = GroupedWaits(lambda amounts: self._leased(amounts, by_tokens=True), self.setup.in_a_lease)
        kept: GroupedWaits[float] = GroupedWaits(self._keep, self.setup.in_a_bundle)
        loop = asyncio.get_running_loop()

        async def one_after_another() -> None:
            while self.left > 0:
                self.left -= 1
                await self.driver.take(self.setup.driver_s)
                await cpu.take(self.setup.worker_s)
                await requests.wait(1.0)
                await tokens.wait(float(self.provider.prompt + self.provider.answer))
                self.began.append(loop.time())
                await asyncio.sleep(self.provider.latency_s * self.drawn.lognormvariate(0.0, SIGMA))
                await kept.wait(1.0)
                self.ended.append(loop.time())

        await asyncio.gather(*(one_after_another() for _ in range(in_flight)))

    async def _leased(self, amounts: Sequence[float], *, by_tokens: bool) -> int:
        await self.limiter.take(self.setup.lease_s / 2)  # requests and tokens are two questions
        granted: int = await self.limits.lease("judge", amounts, by_tokens=by_tokens)
        return granted

    async def _keep(self, replies: Sequence[float]) -> int:
        await self.desk.take(self.setup.keep_s * len(replies) / self.setup.in_a_bundle)
        return len(replies)


def _limits(limits: dict[str, int]) -> Any:
    from judgebench.judges.judge import Limits

    return Limits(**limits)


def _most_within(times: Sequence[float], seconds: float) -> int:
    """The most of some sorted times that lie within so many seconds."""
    most, first = 0, 0
    for at, time in enumerate(times):
        while times[first] < time - seconds:
            first += 1
        most = max(most, at - first + 1)
    return most


UNLIMITED = Provider(rpm=1_000_000_000, tpm=1_000_000_000_000)
"""Servers of one's own, which take what they are sent."""

CASES = {
    "the example's limits": (Setup(), Provider(), 33_000),
    "the same, leases of 10": (Setup(in_a_lease=10), Provider(), 33_000),
    "no limits, 800 in flight": (Setup(in_flight=800), UNLIMITED, 8_000),
    "no limits, 6,000 in flight": (Setup(in_flight=6_000), UNLIMITED, 24_000),
    "the same, a driver of no cost": (Setup(in_flight=6_000, driver_s=1e-6), UNLIMITED, 30_000),
    "the same, leases of 1": (Setup(in_flight=6_000, driver_s=1e-6, in_a_lease=1), UNLIMITED, 24_000),
}
"""What is simulated with 100 workers: the setup, the provider, and how many judgements."""


def with_costs(setup: Setup, costs: Mapping[str, float]) -> Setup:
    """The setup with the measured costs, but for those that it sets to (almost) nothing itself."""
    own = {name: value for name, value in costs.items() if getattr(setup, name) == getattr(Setup(), name)}
    return replace(setup, **own)  # type: ignore[arg-type]


def simulated(costs: Mapping[str, float], seed: int = 0) -> list[dict[str, Any]]:
    """Every case, as the model and the simulation have it."""
    found = []
    for name, (case, provider, judgements) in CASES.items():
        setup = with_costs(case, costs)
        bound, rate = setup.bound(provider)
        came = simulate(setup, provider, judgements, seed)
        found.append({"case": name, "bound": bound, "model": rate, **asdict(came)})
    return found


def costs_of(kept: Mapping[str, Any]) -> dict[str, float]:
    """What one judgement takes of each resource of a cluster, from the rows that are measured."""
    costs: dict[str, float] = {}
    if (ray := kept.get("ray-2")) is not None:
        costs["driver_s"] = ray["main_cpu_ms"] / 1000
        costs["worker_s"] = max(ray["cpu_ms"] - ray["main_cpu_ms"], 0.01) / 1000
    if (actors := kept.get("actors")) is not None:
        costs |= {name: actors["figures"][name] for name in ("lease_s", "keep_s")}
    return costs


def ways(kept: Mapping[str, Any]) -> Iterator[tuple[str, float, dict[str, float]]]:
    """The measured ways to make ten million judgements: CPU a judgement in ms, and the rates that it lets through."""
    for name, label, processes in (
        ("litellm", "one process, LiteLLM", 1),
        ("direct", "one process, direct", 1),
        ("direct", "8 parts (`--shard`), direct, a core each", 8),
    ):
        if (row := kept.get(name)) is not None:
            setup = Setup(workers=processes, in_flight=4_096, worker_s=row["cpu_ms"] / 1000)
            rates = setup.rates(Provider())
            own = ("requests a minute", "tokens a minute", "calls in flight")
            yield label, row["cpu_ms"], {**{each: rates[each] for each in own}, "CPU": rates["CPU of the workers"]}
    if (row := kept.get("ray-2")) is not None:
        setup = with_costs(Setup(), costs_of(kept))
        yield f"Ray, {WORKERS} workers, direct", row["cpu_ms"], setup.rates(Provider())


def model_table(kept: Mapping[str, Any]) -> str:
    """How long ten million judgements take each way, and what bounds it, with and without a provider's limits."""
    example = Provider()
    lines = [
        ["way", "with the example's limits", "bound by", "on servers of one's own", "bound by", "CPU", "cost"],
        ["---", "---:", "---", "---:", "---", "---:", "---:"],
    ]
    for label, cpu_ms, rates in ways(kept):
        by = min(rates, key=lambda name: rates[name])
        own = {name: rate for name, rate in rates.items() if "a minute" not in name}
        free = min(own, key=lambda name: own[name])
        cpu = f"{cpu_ms * JUDGEMENTS / 3.6e6:,.1f} h"
        lines.append([label, _hours(rates[by]), by, _hours(own[free]), free, cpu, f"${example.usd:,.0f}"])
    if (row := kept.get("batch")) is not None:
        cpu = f"{row['cpu_ms'] * JUDGEMENTS / 3.6e6:,.1f} h"
        price = f"${example.usd * example.batch_share:,.0f}"
        lines.append(["`--batch`", f"up to {example.batch_hours} h a batch", "provider's queue", "", "", cpu, price])
    return _markdown(lines)


def disk_table(kept: Mapping[str, Any]) -> str:
    """What ten million judgements take on disk."""
    figures = kept.get("direct", {}).get("figures", {})
    lines = [["what", "a judgement", "10 million"], ["---", "---:", "---:"]]
    for name, label in (("run", "the run's folder (judgements, items, outcomes)"), ("cache", "the cache")):
        if name in figures:
            lines.append([label, f"{figures[name] / 1000:.2f} kB", f"{figures[name] * JUDGEMENTS / 1e9:,.1f} GB"])
    return _markdown(lines)


def simulation_table(found: Sequence[Mapping[str, Any]]) -> str:
    """Model and simulation side by side."""
    lines = [
        ["100 workers", "bound by", "model", "simulated", "most in 60 s", "busy: driver", "limiter", "cache"],
        ["---", "---", *["---:"] * 6],
    ]
    for each in found:
        busy = [f"{each['busy'][name]:.0%}" for name in ("driver", "limiter", "cache")]
        rates = [f"{each['model']:,.0f}/s", f"{each['rate']:,.0f}/s", f"{each['most_a_minute']:,}"]
        lines.append([each["case"], each["bound"], *rates, *busy])
    return _markdown(lines)


def _hours(rate: float) -> str:
    return f"{JUDGEMENTS / rate / 3600:,.1f} h ({rate:,.0f}/s)"


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def tables(kept: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The tables of the page, by their marks."""
    yield "model", model_table(kept)
    yield "disk", disk_table(kept)
    yield "simulation", simulation_table(kept.get("simulation", []))
