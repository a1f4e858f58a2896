"""A run that grows: `python -m benchmarks.growth --items 1000000` (a million: about half an hour and 8 GB of disk).

One process judges so many pairs by `transport: direct` against a loopback server without latency. Said are the memory
an item beyond a run of 2,000, the CPU and the time of a call in the last tenth to those in the first, the parts that
`judgements.jsonl` has come to, and what a resumed run takes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from speed import HERE, Bench, rows, stats  # beside this file

SMALL = 2_000
ANSWER = "Both answers are read with care, and their steps are compared one by one. " * 8 + "[[A]]"


@dataclass(frozen=True)
class Sample:
    """What had happened by a moment: calls that the server counted, seconds, CPU seconds of the run."""

    calls: int
    wall: float
    cpu: float


def cpu_of(process: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def watched(command: list[str], env: dict[str, str], cwd: Path, url: str) -> tuple[list[Sample], int, float]:
    """Samples of a run twice a second, its most memory in kB, and its CPU seconds."""
    before = stats(url)["count"]
    process = subprocess.Popen(command, env=env, cwd=cwd, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    samples = []
    while True:
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        samples.append(Sample(stats(url)["count"] - before, time.monotonic(), cpu_of(process.pid)))
        time.sleep(0.5)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{' '.join(command)} ended with {status}")
    return samples, usage.ru_maxrss, usage.ru_utime + usage.ru_stime


def between(samples: list[Sample], low: float, high: float) -> tuple[float, float]:
    """Seconds and CPU seconds of a call between two counts of calls; scores are made after the last one."""
    inside = [each for each in samples if low <= each.calls <= high]
    first, last = inside[0], inside[-1]
    calls = last.calls - first.calls
    return (last.wall - first.wall) / calls, (last.cpu - first.cpu) / calls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=100_000, help="pairs (100,000)")
    parser.add_argument("--concurrency", default="64", help="calls in flight (64)")
    parser.add_argument("--transport", choices=("direct", "litellm"), default="direct", help="how calls are made")
    parser.add_argument("--folder", type=Path, help="where to work; default: a temporary folder, which is removed")
    arguments = parser.parse_args()
    if arguments.items < 10 * SMALL:
        parser.error(f"--items must be at least {10 * SMALL:,}")
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        print("\n".join(figures(Path(name), arguments)))


def figures(folder: Path, arguments: argparse.Namespace) -> list[str]:
    """The table, a row a figure."""
    count = arguments.items
    bench = Bench(folder, dict(os.environ), repeats=1)
    print(f"writing {count:,} pairs", file=sys.stderr)
    rows(folder / "small.jsonl", SMALL)
    rows(folder / "large.jsonl", count)
    server = subprocess.Popen(
        [sys.executable, str(HERE.parent / "tests" / "loopback.py"), "--lifetime", "14400", "--answer", ANSWER],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        bench.serve(local=url)
        way = "direct-local" if arguments.transport == "direct" else "local"
        options = ("--concurrency", arguments.concurrency, "--cache-dir", "cache")
        _, base, _ = watched(bench.judge("small", *options, data="small.jsonl", name=way), bench.env, folder, url)
        print(f"judging {count:,} pairs", file=sys.stderr)
        command = bench.judge("large", *options, data="large.jsonl", name=way)
        samples, most, cpu = watched(command, bench.env, folder, url)
    finally:
        server.terminate()
        server.wait()
    again = bench.took(command)
    first, last = between(samples, 0.02 * count, 0.12 * count), between(samples, 0.9 * count, 0.999 * count)
    whole = between(samples, 0.02 * count, 0.999 * count)
    (run,) = (folder / "large").rglob("judgements.jsonl")
    parts = [path.stat().st_size for path in run.parent.glob("judgements-*.jsonl.gz")]
    metrics = json.loads((run.parent / "metrics.json").read_text())
    assert metrics["judgements"] == count, metrics["judgements"]
    size = run.stat().st_size
    an_item = (most - base) / (count - SMALL)
    said = f"base {base / 1000:.0f} MB, at most {most / 1000:.0f} MB"
    bench.add(f"memory an item beyond the base, {count:,} items", f"{an_item:.2f} kB", "at most 1 kB", said)
    said = f"{last[1] * 1e3:.2f} ms and {first[1] * 1e3:.2f} ms"
    bench.add("CPU of a call, last tenth / first tenth", f"{last[1] / first[1]:.2f}", "about 1", said)
    said = f"{1 / last[0]:.0f} and {1 / first[0]:.0f} calls/s"
    bench.add("time of a call, last tenth / first tenth", f"{last[0] / first[0]:.2f}", "about 1", said)
    bench.add("CPU of a judgement, all in all", f"{cpu / count * 1e3:.2f} ms", "", f"{1 / whole[0]:.0f} calls/s")
    said = f"{sum(parts) / 1e6:.0f} MB compressed, {size / 1e6:.0f} MB in the last file"
    bench.add("finished parts of judgements.jsonl", str(len(parts)), "", said)
    said = f"{again.cpu:.1f} s of CPU, {again.memory / 1000:.0f} MB"
    bench.add("the same again, with nothing to do", f"{again.wall:.1f} s", "", said)
    return ["| what | measured | target | beside it |", "|---|---|---|---|", *bench.lines]


if __name__ == "__main__":
    main()
