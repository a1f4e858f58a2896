"""Judgements a second, CPU and memory a judgement, side by side in one run: `python -m benchmarks.scale`.

python -m benchmarks.scale                  measures every row that is not measured yet, keeps each in scale.json, and
                                            writes the tables of docs/scale.md; stopped, the same command goes on
python -m benchmarks.scale --again          forgets what is kept, and measures every row
python -m benchmarks.scale --only ray-2     one row (repeatable), measured again
python -m benchmarks.scale --items 2000     over fewer items; the rows say over how many
python -m benchmarks.scale --table          writes the tables from what is kept

Ray and Inspect stand in environments of their own (`--ray-python`, `--inspect-python`); without them their rows are
left out, and said. Ray runs in a network namespace, since it listens on every address.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import scalemodel
from benchmarks.speed import rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
KEPT = HERE / "scale.json"
DOCS = ROOT / "docs" / "scale.md"

ITEMS = 100_000
LATENCY_S, IN_FLIGHT = 0.02, 128
"""Of the server, and of every client."""
NAMESPACE = ("unshare", "--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
_SAMPLED_S = 0.25
_WARM = 50
"""So many items first, so that modules are compiled."""


@dataclass(frozen=True)
class Row:
    """What is measured.

    Attributes:
        label: In the table.
        command: Of the interpreter, the server's URL, the rows' file, and how many; run in an empty folder.
        most: So many items at most, where one takes long: the figures are per item.
        few: So many in the small run, whose time and CPU are taken off.
        needs: The package without which there is no such row.
        alone: Whether it runs in a namespace of its own, with all processes of that.
        batches: Whether the server is that of files and batches.
    """

    label: str
    command: Callable[[str, str, str, int], list[str]]
    most: int = ITEMS
    few: int = 1_000
    needs: str = ""
    alone: bool = False
    batches: bool = False


def peer(name: str) -> Callable[[str, str, str, int], list[str]]:
    script = str(HERE / "scalepeers.py")
    return lambda python, url, data, count: [python, script, name, url, data, str(count), str(IN_FLIGHT)]


def judgebench(*options: str) -> Callable[[str, str, str, int], list[str]]:
    def command(python: str, url: str, data: str, count: int) -> list[str]:
        judge = {"model": "openai/local", "api_base": url, "api_key_env": "LOCAL_KEY"}
        Path("p.yaml").write_text(json.dumps({"judges": {"local": judge}}))
        with Path(data).open("rb") as every, Path("few.jsonl").open("wb") as file:
            file.writelines(line for line, _ in zip(every, range(count), strict=False))
        words = [python, "-m", "judgebench", "run", "rewardbench", "--data", "few.jsonl", "-j", "local", "--providers"]
        flight = [] if "--batch" in options else ["--concurrency", str(IN_FLIGHT)]
        return [*words, "p.yaml", "--cache-dir", "cache", "--quiet", "--json", *flight, *options]

    return command


ROWS = {
    "bare": Row("bare aiohttp loop", peer("bare")),
    "direct": Row("judgebench, `--transport direct`", judgebench("--transport", "direct")),
    "litellm": Row("judgebench, LiteLLM (the default)", judgebench("--transport", "litellm")),
    "batch": Row("judgebench, `--batch`", judgebench("--batch"), batches=True),
    "ray-1": Row(
        "judgebench, `--engine ray`, 1 worker, direct",
        judgebench("--engine", "ray", "--ray-address", "127.0.0.1:6379", "--transport", "direct"),
        needs="ray",
        alone=True,
    ),
    "ray-2": Row(
        "judgebench, `--engine ray`, 2 workers, direct",
        judgebench("--engine", "ray", "--ray-address", "127.0.0.1:6379", "--transport", "direct"),
        needs="ray",
        alone=True,
    ),
    "map-batches": Row("Ray Data, `map_batches` over LiteLLM, 2 actors", peer("raydata"), needs="ray", alone=True),
    "actors": Row("what a call of a Ray actor takes", peer("actors"), most=20_000, needs="ray", alone=True),
    "inspect": Row("inspect_ai, `generate` and `includes`", peer("inspect"), most=10_000, few=200, needs="inspect_ai"),
}
"""By name, in the order in which they are measured."""

PARTS = [*ROWS, "simulation"]
WORKERS = {"ray-1": 1, "ray-2": 2}


@dataclass(frozen=True)
class Took:
    """What one command took, and all its processes: seconds, and kB of memory at most."""

    wall: float
    cpu: float
    memory: float
    main_cpu: float
    said: str


@dataclass(frozen=True)
class Measured:
    """A row's figures.

    Attributes:
        items: Of the large run.
        per_second: Judgements a second, beyond the start.
        cpu_ms: CPU a judgement, beyond the start; over all processes but the server.
        main_cpu_ms: The same of the process that was started.
        memory_mb: At most, over all processes.
        memory_kb: A judgement, beyond the small run.
        start_s: From the start to the first judgement, about: what the small run takes beyond its judgements.
        server_cpu_ms: The server's CPU a call, which is no part of the others.
        figures: What else the command printed.
        measured: When, and with which Python.
    """

    items: int
    per_second: float
    cpu_ms: float
    main_cpu_ms: float
    memory_mb: float
    memory_kb: float
    start_s: float
    server_cpu_ms: float
    figures: dict[str, float]
    measured: str


@contextmanager
def serving(*, batches: bool) -> Iterator[tuple[str, int]]:
    """The server in a process of its own: its base URL, and the process's number."""
    command = [sys.executable, str(HERE / "scaleserver.py"), *(["--batches"] if batches else [])]
    server = subprocess.Popen([*command, "--latency", str(LATENCY_S)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        yield server.stdout.readline().decode().strip(), server.pid
    finally:
        server.stdin.close()
        server.wait()


def stats(url: str) -> dict[str, float]:
    with urllib.request.urlopen(f"{url}/stats", timeout=30) as answer:
        found: dict[str, float] = json.load(answer)
    return found


def took(command: list[str], env: dict[str, str], *, everyone: bool, aside: set[int]) -> Took:
    """Runs a command to its end.

    Args:
        command: What is run, in this folder.
        env: Its variables.
        everyone: Whether all processes of this namespace count, also those that it leaves behind.
        aside: Processes that do not.
    """
    watched = Watched(aside) if everyone else None
    started = time.perf_counter()
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    said, wrong = process.communicate()
    wall = time.perf_counter() - started
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)[:300]} ended with {process.returncode}: {wrong[-1500:]}")
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = usage.ru_utime + usage.ru_stime
    if watched is None:
        return Took(wall, cpu, usage.ru_maxrss, cpu, said)
    every, memory = watched.ended()
    return Took(wall, every, memory, watched.of(process.pid), said)


class Watched:
    """The CPU and the memory of all processes that there are, looked at a few times a second."""

    def __init__(self, aside: set[int]) -> None:
        self._aside = aside | {os.getpid()}
        self._cpu: dict[int, float] = {}
        self._before = dict(self._look()[0])
        self._most = 0.0
        self._through = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._through.wait(_SAMPLED_S):
            cpu, memory = self._look()
            self._cpu |= cpu
            self._most = max(self._most, memory)

    def _look(self) -> tuple[dict[int, float], float]:
        """Each process's CPU in seconds, and the memory of all in kB, what they share counted once."""
        cpu, memory = {}, 0.0
        tick = os.sysconf("SC_CLK_TCK")
        for path in Path("/proc").iterdir():
            if not path.name.isdigit() or int(path.name) in self._aside:
                continue
            try:
                words = (path / "stat").read_text().rpartition(")")[2].split()
                kept = (path / "smaps_rollup").read_text()
            except OSError:
                continue
            cpu[int(path.name)] = (int(words[11]) + int(words[12])) / tick
            memory += next((float(line.split()[1]) for line in kept.splitlines() if line.startswith("Pss:")), 0.0)
        return cpu, memory

    def of(self, process: int) -> float:
        """One process's CPU."""
        return self._cpu.get(process, 0.0)

    def ended(self) -> tuple[float, float]:
        """The CPU of all, and the most memory."""
        self._through.set()
        self._thread.join()
        self._cpu |= self._look()[0]
        return sum(cpu - self._before.get(process, 0.0) for process, cpu in self._cpu.items()), self._most


def one(name: str, python: str, count: int, data: str) -> dict[str, float]:
    """Runs a row's command once over so many items, in this process's namespace; what it took."""
    row = ROWS[name]
    keep = ("PATH", "LANG", "PYTHONPATH", "VIRTUAL_ENV", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPYCACHEPREFIX")
    env = {key: value for key, value in os.environ.items() if key in keep}
    env |= {"LOCAL_KEY": "none", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "RAY_USAGE_STATS_ENABLED": "0"}
    env |= {"NO_PROXY": "*", "RAY_DEDUP_LOGS": "0"}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        env |= {"HOME": folder, "RAY_TMPDIR": folder}
        if row.alone:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        with serving(batches=row.batches) as (url, server):
            if name in WORKERS:
                head = [str(Path(python).parent / "ray"), "start", "--head", "--port", "6379", "--disable-usage-stats"]
                sizes = ["--num-cpus", str(WORKERS[name]), "--object-store-memory", str(2**28)]
                subprocess.run(
                    [*head, *sizes, "--include-dashboard", "false"], env=env, check=True, capture_output=True
                )
            before = {} if row.batches else stats(url)
            command = row.command(python, url, data, count)
            found = took(command, env, everyone=row.alone, aside={server})
            after = {} if row.batches else stats(url)
            if not row.batches and name != "actors" and after["count"] - before["count"] != count:
                raise SystemExit(f"{name}: {after['count'] - before['count']} calls for {count} items")
        disk = {
            label: size / count
            for label, name in (("run", "runs"), ("cache", "cache"))
            if (size := size_of(Path(name)))
        }
        os.chdir("/")
    printed = json.loads(found.said.splitlines()[-1]) if name == "actors" else {}
    server_s = after.get("cpu_s", 0.0) - before.get("cpu_s", 0.0)
    return {"server_s": server_s} | {k: v for k, v in asdict(found).items() if k != "said"} | printed | disk


def size_of(folder: Path) -> int:
    """The bytes of all files below a folder, each once."""
    files = {
        (each.stat().st_dev, each.stat().st_ino): each.stat().st_size for each in folder.rglob("*") if each.is_file()
    }
    return sum(files.values())


def measured(name: str, python: str, items: int, data: Path) -> Measured:
    """A row's figures, from a small and a large run in processes of their own."""
    row = ROWS[name]
    many = min(items, row.most)
    few = min(row.few, many // 2)
    _, small, large = (_apart(row, name, python, count, data) for count in (min(_WARM, few), few, many))
    each = (large["wall"] - small["wall"]) / (many - few)
    own = {"wall", "cpu", "main_cpu", "memory", "server_s"}
    return Measured(
        items=many,
        per_second=1 / max(each, 1e-9),
        cpu_ms=1000 * (large["cpu"] - small["cpu"]) / (many - few),
        main_cpu_ms=1000 * (large["main_cpu"] - small["main_cpu"]) / (many - few),
        memory_mb=large["memory"] / 1000,
        memory_kb=(large["memory"] - small["memory"]) / (many - few),
        start_s=max(0.0, small["wall"] - few * each),
        server_cpu_ms=1000 * large["server_s"] / many,
        figures={key: value for key, value in large.items() if key not in own},
        measured=f"{datetime.now(UTC):%Y-%m-%d}, Python {sys.version_info.major}.{sys.version_info.minor}",
    )


def _apart(row: Row, name: str, python: str, count: int, data: Path) -> dict[str, float]:
    words = [sys.executable, "-m", "benchmarks.scale", "--inside", name, "--python", python]
    words = [*(NAMESPACE if row.alone else ()), *words, "--items", str(count), "--data", str(data)]
    # Compiled modules, as every installed package has them, whatever this environment says of the source tree.
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    env |= {"PYTHONPYCACHEPREFIX": str(data.parent / "compiled")}
    done = subprocess.run(words, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{name}: not measured; rows before it are kept, and the same command goes on")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def has(python: str, package: str) -> bool:
    """Whether an interpreter is there and has a package."""
    if not package:
        return True
    if python == sys.executable:
        return importlib.util.find_spec(package) is not None
    script = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({package!r}) is None)"
    return Path(python).exists() and subprocess.run([python, "-c", script], check=False).returncode == 0


def left_out(row: Row, python: str) -> str | None:
    """Why a row cannot be measured here; None where it can."""
    if not has(python, row.needs):
        return f"{row.needs} is not installed in {python}"
    if row.alone and subprocess.run([*NAMESPACE, "true"], check=False, capture_output=True).returncode != 0:
        return "no network namespace can be made (unshare)"
    return None


def main() -> None:
    """Measures, keeps, and writes the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=ITEMS, metavar="N", help="items per row (100,000)")
    parser.add_argument("--only", action="append", choices=PARTS, metavar="ROW", help=", ".join(PARTS))
    parser.add_argument("--again", action="store_true", help="measure every row, whatever is kept")
    parser.add_argument("--table", action="store_true", help="write the tables of docs/scale.md; measure nothing")
    parser.add_argument(
        "--ray-python", default=sys.executable, metavar="PATH", help="an interpreter with judgebench[ray]"
    )
    parser.add_argument(
        "--inspect-python", default=sys.executable, metavar="PATH", help="an interpreter with inspect_ai"
    )
    for hidden in ("--inside", "--python", "--data"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        print(json.dumps(one(given.inside, given.python, given.items, given.data)))
        return
    kept: dict[str, Any] = {} if given.again or not KEPT.exists() else json.loads(KEPT.read_text())
    if not given.table:
        wanted = given.only or [name for name in ROWS if name not in kept]
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "rows.jsonl"
            rows(data, given.items)
            for name in (each for each in wanted if each in ROWS):
                row = ROWS[name]
                python = {"ray": given.ray_python, "inspect_ai": given.inspect_python}.get(row.needs, sys.executable)
                if (why := left_out(row, python)) is not None:
                    print(f"{name}: left out, {why}", file=sys.stderr)
                    continue
                started = time.perf_counter()
                found = measured(name, python, given.items, data)
                kept[name] = asdict(found)
                KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
                took_s = time.perf_counter() - started
                print(
                    f"{name}: {found.per_second:,.0f}/s, {found.cpu_ms:.2f} ms CPU, {found.memory_mb:.0f} MB "
                    f"({found.items:,} items, {took_s:.0f} s)",
                    file=sys.stderr,
                )
        if not given.only or "simulation" in given.only:
            keep_simulation(kept)
    write_tables(kept)


def keep_simulation(kept: dict[str, Any]) -> None:
    """Simulates 100 workers with the costs that are measured."""
    if importlib.util.find_spec("judgebench.engine.cluster") is None:
        print("simulation: left out, this version has no engine for a cluster", file=sys.stderr)
        return
    kept["simulation"] = scalemodel.simulated(scalemodel.costs_of(kept))
    KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def table_of(kept: dict[str, Any]) -> str:
    """The rows as a Markdown table."""
    lines = [
        ["what", "judgements/s", "CPU a judgement", "start", "memory", "a judgement more", "items"],
        ["---", *["---:"] * 6],
    ]
    for name, row in ROWS.items():
        if name in kept and name != "actors":
            each = Measured(**kept[name])
            own = f"{each.cpu_ms:.2f} ms"
            if row.alone and name in WORKERS:
                own += f" ({each.main_cpu_ms:.2f} the driver)"
            figures = [f"{each.per_second:,.0f}", own, f"{each.start_s:.1f} s", f"{each.memory_mb:,.0f} MB"]
            lines.append([row.label, *figures, f"{each.memory_kb:.2f} kB", f"{each.items:,}"])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def write_tables(kept: dict[str, Any]) -> None:
    """Puts the tables into the page, between their marks."""
    text = DOCS.read_text(encoding="utf-8")
    for part, table in (("rows", table_of(kept)), *scalemodel.tables(kept)):
        begin, end = f"<!-- scale {part}: begin -->\n", f"<!-- scale {part}: end -->\n"
        before, rest = text.split(begin)
        _, after = rest.split(end)
        text = f"{before}{begin}{table}{end}{after}"
    DOCS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
