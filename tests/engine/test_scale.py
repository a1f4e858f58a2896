"""The limits of a cluster with many workers on a clock of its own, and the model of docs/scale.md, both in small."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.scalemodel import UNLIMITED, Provider, Setup, simulate

SLOW = Provider(rpm=600, tpm=1_000_000, latency_s=0.5)
FEW = Setup(workers=20, in_flight=40)


def test_many_workers_keep_the_limit_and_use_it() -> None:
    """20 workers that lease from one place: no 60 s have more than the limit, and 95% of it and more is used."""
    found = simulate(FEW, SLOW, 700, seed=1)
    assert found.most_a_minute <= SLOW.rpm
    assert 0.95 * SLOW.rpm / 60 <= found.rate <= SLOW.rpm / 60


def test_many_workers_keep_a_limit_of_tokens() -> None:
    """Where tokens are what is scarce: 950 a call, and 5 calls a second of them."""
    found = simulate(FEW, replace(SLOW, rpm=1_000_000, tpm=5 * 60 * 950), 350, seed=2)
    assert 4.75 <= found.rate <= 5.0
    assert found.most_a_minute <= 5 * 60


@pytest.mark.parametrize(
    ("setup", "bound"),
    [
        (replace(FEW, in_flight=30), "calls in flight"),
        (replace(FEW, in_flight=400, driver_s=0.01), "CPU of the driver"),
        (replace(FEW, in_flight=400, worker_s=0.2), "CPU of the workers"),
        (replace(FEW, in_flight=400, lease_s=0.01, in_a_lease=1), "limiter"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_the_model_finds_what_bounds_the_rate(setup: Setup, bound: str) -> None:
    """The least of what each resource lets through is the rate that comes of them all, within a tenth."""
    named, rate = setup.bound(replace(UNLIMITED, latency_s=0.5))
    found = simulate(setup, replace(UNLIMITED, latency_s=0.5), 600, seed=3)
    assert (named, found.rate) == (bound, pytest.approx(rate, rel=0.1))
