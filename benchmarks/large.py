"""Metrics, leaderboard and page over millions of judgements in a Parquet file: seconds, CPU and memory.

    python -m benchmarks.large [--judgements 10000000] [--judges 100] [--subsets 20] [--ordinary 50000] [--groups]

Judges of pairs in both orders, made up from the seed, with a position bias, ties and failures. Each row is a process of
its own: `metrics` makes every run's figures and the agreement of each two runs; `leaderboard + page` goes on to rank
them and to write the page. Beside them the usual way over folders, of `--ordinary` judgements (0: none).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

METRICS = """
from pathlib import Path
from judgebench.analysis.fileboard import file_runs
for each in file_runs([Path("judgements.parquet")]).runs:
    print(len(each.figures), "runs,", each.items, "items, agreement of the first two", float(each.choices.same[0, 1]))
    each.letters
"""
COMMAND = """
import sys
from judgebench.__main__ import main
sys.argv = ["judgebench", "leaderboard", "{}", "--html", "board.html", "--no-run-pages", "--json", "--quiet"]
main()
"""
MEASURED = """
import json, resource, sys, time
start, status = time.perf_counter(), None
try:
    exec(sys.argv[1])
except SystemExit as end:
    status = end.code
took = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([took, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]), file=sys.stderr)
sys.exit(status)
"""


def judged(number: int, items: int, seed: int) -> dict[str, np.ndarray]:
    """One judge's verdicts in both orders: slot 0, slot 1 or tie, and what fails."""
    rng = np.random.default_rng([seed, number])
    difficulty = np.random.default_rng(seed).normal(0, 1, items)
    skill, bias = rng.normal(1, 0.4), rng.normal(0, 0.3)
    swapped = np.tile([0, 1], items)
    better = skill - np.repeat(difficulty, 2)
    first = np.where(swapped == 0, better, -better) + bias
    said = (rng.random(2 * items) > 1 / (1 + np.exp(-first))).astype(np.int32)
    said[rng.random(2 * items) < 0.03] = 2
    return {
        "swapped": swapped,
        "said": said,
        "failed": rng.random(2 * items) < 0.02,
        "tokens": rng.integers(200, 900, 2 * items),
    }


def make(path: Path, options: argparse.Namespace) -> None:
    """The Parquet file, a row group a judge."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    items = options.judgements // options.judges // 2
    ids = pa.array([f"item-{at:07d}" for at in range(items)])
    subsets = pa.array([f"subset {at}" for at in range(options.subsets)])
    of = np.random.default_rng(options.seed).integers(0, options.subsets, items).astype(np.int32)
    writer = None
    for number in range(options.judges):
        made, rows = judged(number, items, options.seed), 2 * items
        item = np.repeat(np.arange(items, dtype=np.int32), 2)

        def of_names(codes: np.ndarray, names: pa.Array, mask: np.ndarray | None = None) -> pa.Array:
            return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32), mask=mask), names)

        shown = np.stack([made["swapped"], 1 - made["swapped"]], 1).reshape(-1).astype(np.int64)
        columns = {
            "benchmark": of_names(np.zeros(rows), pa.array(["custom"])),
            "judge": of_names(np.zeros(rows), pa.array([f"judge-{number:04d}"])),
            "item": of_names(item, ids),
            "subset": of_names(of[item], subsets),
            "order": pa.ListArray.from_arrays(pa.array(np.arange(0, 2 * rows + 1, 2, dtype=np.int32)), pa.array(shown)),
            "sample": np.zeros(rows, dtype=np.int64),
            "verdict": of_names(made["said"], pa.array(["A", "B", "tie"]), made["failed"]),
            "failure": of_names(np.zeros(rows), pa.array(["unreadable"]), ~made["failed"]),
            "num_correct": np.ones(rows, dtype=np.int64),
            "prompt_tokens": made["tokens"],
            "completion_tokens": made["tokens"] // 10,
            "cost_usd": made["tokens"] * 1e-6,
            "cached": np.zeros(rows, dtype=bool),
        }
        if options.groups:
            columns["group"] = of_names(item // 4, pa.array([f"group {at}" for at in range(items // 4 + 1)]))
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()


def make_folders(options: argparse.Namespace) -> None:
    """The same judges as folders of runs, of fewer judgements."""
    import judgebench as jb

    items = options.ordinary // options.judges // 2
    rows = [
        {"id": f"item-{at:07d}", "prompt": f"question {at}", "chosen": f"good {at}", "rejected": f"bad {at}"}
        for at in range(items)
    ]
    for number in range(options.judges):
        said = judged(number, items, options.seed)["said"].reshape(-1, 2)
        lines = [
            {"id": row["id"], "verdict": ["A", "B", "tie"][said[at, swapped]], "order": "AB"[:: -1 if swapped else 1]}
            for at, row in enumerate(rows)
            for swapped in (0, 1)
        ]
        jb.import_verdicts(lines, judge=f"judge-{number:04d}", data=rows)


def measured(name: str, script: str, judgements: int) -> None:
    """A row: what a script takes in a process of its own."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", MEASURED, script], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{name}: {done.stderr}")
    took, cpu, memory = json.loads(done.stderr.splitlines()[-1])
    whole = time.perf_counter() - start
    print(f"{name:24} {judgements:12,} {took:8.2f} {whole:8.2f} {cpu:8.2f} {memory:10,.0f}", flush=True)


def main() -> None:
    """Makes the file and prints the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judgements", type=int, default=10_000_000)
    parser.add_argument("--judges", type=int, default=100)
    parser.add_argument("--subsets", type=int, default=20)
    parser.add_argument("--ordinary", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--groups", action="store_true", help="items in groups of four")
    options = parser.parse_args()
    root = str(Path(__file__).resolve().parent.parent)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        make(Path("judgements.parquet"), options)
        size = Path("judgements.parquet").stat().st_size / 1e6
        print(f"{options.judgements:,} judgements of {options.judges} judges, {size:,.0f} MB; {os.cpu_count()} cores")
        print(f"{'':24} {'judgements':>12} {'s':>8} {'with start':>8} {'CPU s':>8} {'peak MB':>10}")
        measured("metrics", METRICS, options.judgements)
        measured("leaderboard + page", COMMAND.format("judgements.parquet"), options.judgements)
        if options.ordinary:
            make_folders(options)
            measured("the same, of folders", COMMAND.format("runs"), options.ordinary)
        os.chdir(root)


if __name__ == "__main__":
    main()
