"""Speed as ratios, side by side in one run: `python benchmarks/speed.py` (about half an hour) prints a table.

Every figure is a ratio to something measured in the same minutes on the same machine: the import of LiteLLM, or a bare
loop over `litellm.acompletion` against the same loopback server. Pairs of runs alternate, and the median ratio counts.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
JUDGEBENCH = [sys.executable, "-m", "judgebench"]
IMPORT = [sys.executable, "-c", "import litellm"]
PAIRS = 2985
FIGURES = ("cached", "further", "short", "live", "rate", "many_in_flight", "many_items", "labels")
FURTHER = 20


@dataclass(frozen=True)
class Took:
    """Seconds of one process, and the most memory that it had, in kB."""

    wall: float
    cpu: float
    memory: int


def run(command: list[str], env: dict[str, str], cwd: Path) -> Took:
    """Runs a command to its end."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, env=env, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    said = process.stderr.read() if process.stderr else b""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}: {said[-500:]!r}")
    return Took(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)


@contextmanager
def serving(latency: float) -> Iterator[str]:
    """The tests' server in a process of its own, for half an hour at most; its base URL."""
    command = [sys.executable, str(HERE.parent / "tests" / "loopback.py"), "--lifetime", "1800"]
    server = subprocess.Popen([*command, "--latency", str(latency)], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.wait()


def stats(url: str) -> dict[str, Any]:
    """What a server has counted so far."""
    with urllib.request.urlopen(f"{url}/stats", timeout=30) as answer:
        counted: dict[str, Any] = json.load(answer)
    return counted


def rows(path: Path, pairs: int = PAIRS) -> None:
    """Pairs of realistic length over RewardBench's subsets."""
    from judgebench.benchmarks.rewardbench import SECTIONS

    rng = random.Random(0)
    words = [
        "the",
        "answer",
        "model",
        "reason",
        "step",
        "because",
        "value",
        "check",
        "result",
        "given",
        "first",
        "then",
        "number",
        "case",
        "list",
        "false",
    ]
    subsets = [subset for among in SECTIONS.values() for subset in among]

    def text(length: int) -> str:
        return " ".join(rng.choice(words) for _ in range(length))

    with path.open("w", encoding="utf-8") as file:
        for number in range(pairs):
            row = {
                "id": number,
                "subset": subsets[number % len(subsets)],
                "prompt": text(60),
                "chosen": text(rng.randint(50, 250)),
                "rejected": text(rng.randint(50, 250)),
            }
            file.write(json.dumps(row) + "\n")


@dataclass
class Bench:
    """One folder, one table."""

    folder: Path
    env: dict[str, str]
    repeats: int
    lines: list[str] = field(default_factory=list)

    def judge(
        self, out: str, *options: str, data: str = "rows.jsonl", judges: str = "p.yaml", name: str = "local"
    ) -> list[str]:
        command = [*JUDGEBENCH, "run", "rewardbench", "--data", data, "-j", name, "--providers", judges]
        return [*command, "--out", out, "--quiet", "--json", *options]

    def serve(self, **urls: str) -> None:
        """Writes the judges, one a server."""
        judges: dict[str, Any] = {name: {"model": "openai/local", "api_base": url} for name, url in urls.items()}
        judges |= {f"direct-{name}": {**settings, "transport": "direct"} for name, settings in judges.items()}
        (self.folder / "p.yaml").write_text(json.dumps({"judges": judges}))

    def took(self, command: list[str]) -> Took:
        return run(command, self.env, self.folder)

    def begun(self, command: list[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, env=self.env, cwd=self.folder, stdout=subprocess.DEVNULL)

    def add(self, name: str, figure: str, target: str, said: str) -> None:
        self.lines.append(f"| {name} | {figure} | {target} | {said} |")
        print(f"{name}: {figure} ({said})", file=sys.stderr)

    def ratio(
        self, name: str, target: float, unit: str, ours: Callable[[], float], theirs: Callable[[], float]
    ) -> None:
        """Adds the median ratio of pairs of runs, and the medians of both sides."""
        pairs = [(ours(), theirs()) for _ in range(self.repeats)]
        ratio = statistics.median(a / b for a, b in pairs)
        scale = 1000 if unit == "ms" else 1
        a, b = (statistics.median(side) * scale for side in zip(*pairs, strict=True))
        self.add(name, f"{ratio:.3f}", f"at most {target:g}", f"{a:.2f} {unit} to {b:.2f} {unit}")

    def cached(self) -> None:
        """What makes no call, to the import of LiteLLM."""
        with serving(0) as url:
            self.serve(local=url)
            print("filling the cache", file=sys.stderr)
            self.took(self.judge("fill", "--orders", "both", "--concurrency", "64"))

        def wall(*options: str, command: list[str] | None = None, out: str = "") -> Callable[[], float]:
            return lambda: self.took(command or self.judge(out or _fresh("out"), *options)).wall

        imported = wall(command=IMPORT)
        imported()
        self.ratio("--help / import litellm", 0.1, "s", wall(command=[*JUDGEBENCH, "--help"]), imported)
        self.ratio(f"cached run, {PAIRS} pairs / import litellm", 0.5, "s", wall(), imported)
        both = ("--orders", "both")
        self.ratio(f"cached run, {2 * PAIRS} judgements / import litellm", 0.3, "s", wall(*both), imported)
        again = wall(*both, out="fill")
        self.ratio(f"resumed done run, {2 * PAIRS} judgements / import litellm", 0.3, "s", again, imported)

    def further(self) -> None:
        """The CPU of a command in a process that has run it before, as in a notebook, to the import of LiteLLM.

        Its judge is of another package and of a file of the user's own.
        """
        rows(self.folder / "few.jsonl", 20)
        lay_provider(self.folder / "site")
        (self.folder / "plugged.yaml").write_text(json.dumps({"judges": {"local": {"model": "plugged/model"}}}))
        script = (
            "import contextlib, io, resource, sys\n"
            "from judgebench.cli import main\n"
            "at = sys.argv.index('--out') + 1\n"
            "def command():\n"
            "    sys.argv[at] += '+'\n"
            "    try:\n"
            "        with contextlib.redirect_stdout(io.StringIO()): main()\n"
            "    except SystemExit as ended:\n"
            "        assert not ended.code\n"
            "command()\n"
            "before = resource.getrusage(resource.RUSAGE_SELF)\n"
            f"for _ in range({FURTHER}): command()\n"
            "after = resource.getrusage(resource.RUSAGE_SELF)\n"
            "print(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)"
        )

        def ours() -> float:
            arguments = self.judge(_fresh("further"), data="few.jsonl", judges="plugged.yaml")[len(JUDGEBENCH) :]
            command = [sys.executable, "-c", script, *arguments]
            env = self.env | {"PYTHONPATH": os.pathsep.join((str(self.folder / "site"), str(HERE.parent)))}
            done = subprocess.run(command, env=env, cwd=self.folder, stdout=subprocess.PIPE, check=True)
            return float(done.stdout) / FURTHER

        name = "CPU of a further command of a process / import litellm"
        self.took(IMPORT)
        self.ratio(name, 0.03, "ms", ours, lambda: self.took(IMPORT).cpu)

    def short(self) -> None:
        """A live run of twenty pairs as a whole, with imports and the end of the process, to the import of LiteLLM."""
        with serving(0) as url:
            self.serve(local=url)

            def ours() -> float:
                return self.took(self.judge(_fresh("short"), "--limit", "20", "--cache-dir", _fresh("cache"))).cpu

            def imported() -> float:
                return self.took(IMPORT).cpu

            imported()
            self.ratio("CPU of a short live run, 20 pairs / import litellm", 1.1, "s", ours, imported)

    def live(self) -> None:
        """A call at 50 ms latency and concurrency 64, by either transport, to the same in a bare loop.

        All figures come from two sizes, so that imports and start-up fall out.
        """
        few, many = 200, 2200

        def a_call(command: Callable[[int], list[str]], way: str) -> Callable[[], float]:
            def measure() -> float:
                small, large = (self.took(command(count)) for count in (few, many))
                return float((getattr(large, way) - getattr(small, way)) / (many - few))

            return measure

        def ours(name: str) -> Callable[[int], list[str]]:
            return lambda count: self.judge(
                *(_fresh("live"), "--limit", str(count), "--concurrency", "64", "--cache-dir", _fresh("cache")),
                name=name,
            )

        with serving(0.05) as url:
            self.serve(local=url)

            def bare(count: int) -> list[str]:
                script = str(HERE / "bare_loop.py")
                return [sys.executable, script, url, "rows.jsonl", str(count), "64", "openai/local"]

            figures = (
                ("wall time of a live call", 1.1, "wall", "local"),
                ("CPU of a live call", 0.9, "cpu", "local"),
                ("CPU of a live call, transport: direct", 0.2, "cpu", "direct-local"),
            )
            for title, target, way, name in figures:
                self.ratio(f"{title} / bare acompletion loop", target, "ms", a_call(ours(name), way), a_call(bare, way))

    def rate(self) -> None:
        """Calls a second of one process at 20 ms latency, by `transport: direct`; its start falls out."""
        few, many = 1_000, 10_000
        rows(self.folder / "rate.jsonl", many)
        with serving(0.02) as url:
            self.serve(local=url)

            def wall(count: int) -> float:
                fresh = (_fresh("rate"), "--limit", str(count), "--concurrency", "64", "--cache-dir", _fresh("cache"))
                return self.took(self.judge(*fresh, data="rate.jsonl", name="direct-local")).wall

            wall(few)  # reads the rows for the first time
            rates = []
            for _ in range(self.repeats):
                small, large = wall(few), wall(many)
                rates.append((many - few) / (large - small))
        low, *_, high = sorted(rates) if len(rates) > 1 else (*rates, *rates)
        rate = statistics.median(rates)
        self.add(
            "calls a second at 20 ms, transport: direct", f"{rate:.0f}", "at least 1,000", f"{low:.0f} to {high:.0f}"
        )

    def many_in_flight(self) -> None:
        """Calls in flight at 5 s latency, from when as many as may be have begun until the last one begins."""
        calls, latency, rounds = 1000, 5, 5
        rows(self.folder / "flight.jsonl", calls * rounds)
        with serving(latency) as url:
            self.serve(local=url)
            options = ("--concurrency", str(calls), "--cache-dir", _fresh("cache"))
            running = self.begun(self.judge(_fresh("flight"), *options, data="flight.jsonl"))
            seen = []
            while running.poll() is None:
                counted = stats(url)
                if calls <= counted["count"] < calls * rounds:
                    seen.append(counted["in_flight"])
                time.sleep(0.1)
        low, *_, high = sorted(seen)
        kept = statistics.mean(seen) / calls
        self.add(f"calls in flight / {calls}, at {latency} s", f"{kept:.3f}", "towards 1", f"{low} to {high}")

    def many_items(self) -> None:
        """100,000 items: memory, start to the first call, a done run again."""
        count, small = 100_000, 2_000
        rows(self.folder / "large.jsonl", count)
        rows(self.folder / "small.jsonl", small)
        imports = (
            "import judgebench.api, judgebench.engine.grid; "
            "from judgebench.client.providers.litellm import transport as lite; lite.litellm()"
        )
        self.took([sys.executable, "-c", imports])
        imported = self.took([sys.executable, "-c", imports]).wall
        with serving(0.0) as url:
            self.serve(local=url)
            options = ("--concurrency", "64", "--cache-dir", _fresh("cache"))
            base = self.took(self.judge("small", *options, data="small.jsonl")).memory
            print(f"judging {count:,} items", file=sys.stderr)
            large = self.took(self.judge("large", *options, data="large.jsonl"))
            again = self.took(self.judge("large", *options, data="large.jsonl"))
        self.add(f"memory, {count:,} items", f"{large.memory / 1000:.0f} MB", "at most 400 MB", f"{large.wall:.0f} s")
        an_item = (large.memory - base) / (count - small)
        self.add("memory an item beyond the base", f"{an_item:.2f} kB", "at most 1 kB", f"base {base / 1000:.0f} MB")
        with serving(0.0) as url:
            self.serve(local=url)
            before = time.time()
            fresh = self.judge(_fresh("first"), "--cache-dir", _fresh("cache"), data="large.jsonl")
            started = self.begun(fresh)
            while (first := stats(url)["first_at"]) is None and started.poll() is None:
                time.sleep(0.05)
            started.kill()
            started.wait()
        assert first is not None
        took = first - before
        said = f"{took:.1f} s, of which {imported:.1f} s imports"
        self.add(
            f"start to the first call beyond imports, {count:,} items", f"{took - imported:.1f} s", "at most 3 s", said
        )
        self.add(f"resumed done run, {count:,} items", f"{again.wall:.1f} s", "at most 5 s", f"{again.cpu:.1f} s CPU")

    def labels(self) -> None:
        """100,000 label verdicts against as many pairs, by an offline judge; and the figures of a million."""
        count = 100_000
        rows(self.folder / "large.jsonl", count)
        with (self.folder / "labels.jsonl").open("w", encoding="utf-8") as file:
            for number, line in enumerate((self.folder / "large.jsonl").open(encoding="utf-8")):
                pair = json.loads(line)
                row = {"id": number, "prompt": pair["prompt"], "response": f"{pair['chosen']} {pair['rejected']}"}
                file.write(json.dumps(row | {"label": "pass" if number % 3 else "fail"}) + "\n")

        def command(data: str) -> list[str]:
            fresh = ["--out", _fresh("out"), "--cache-dir", _fresh("cache"), "--quiet", "--json"]
            return [*JUDGEBENCH, "run", "custom", "--data", data, "-j", "offline/random", *fresh]

        pairs, labels = (self.took(command(data)) for data in ("large.jsonl", "labels.jsonl"))
        said = f"{labels.wall:.0f} s and {pairs.wall:.0f} s"
        self.add(f"label run / run of pairs, {count:,} items", f"{labels.wall / pairs.wall:.2f}", "at most 1.2", said)
        said = f"{labels.memory / 1000:.0f} MB and {pairs.memory / 1000:.0f} MB"
        self.add("memory of the same", f"{labels.memory / pairs.memory:.2f}", "at most 1.1", said)
        scored = self.took([sys.executable, str(HERE / "label_figures.py")])
        memory = f"{scored.memory / 1000:.0f} MB, at most 1,000 MB"
        self.add(
            "figures of 1,000,000 label verdicts", f"{scored.cpu:.0f} s CPU", "at most 20 s, made and scored", memory
        )


def lay_provider(site: Path) -> None:
    """A package with a provider `plugged/...`, as an installer would lay it down."""
    info = site / "plugged-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plugged\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[judgebench.providers]\nplugged = plugged:Plugged\n")
    (site / "plugged.py").write_text(
        "from judgebench.client import Provider\n"
        "from judgebench.verdicts import Reply\n"
        "class Plugged(Provider):\n"
        "    async def complete(self, request):\n"
        "        return Reply(text='[[A]]', prompt_tokens=1, completion_tokens=1, cost_usd=0)\n"
    )


def _fresh(name: str) -> str:
    return f"{name}-{time.monotonic_ns()}"


def imports_of_a_cached_run(bench: Bench) -> list[str]:
    """Which of the slow libraries a cached run imports; none is right."""
    code = (
        "import sys; from judgebench.cli import main; sys.argv = ['judgebench', *sys.argv[1:]]\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "sys.stderr.write(','.join(m for m in ('litellm', 'datasets', 'scipy', 'pandas', 'rich') if m in sys.modules))"
    )
    command = [sys.executable, "-c", code, *bench.judge("imports", "--orders", "both")[len(JUDGEBENCH) :]]
    done = subprocess.run(command, env=bench.env, cwd=bench.folder, capture_output=True, check=True)
    return [name for name in done.stderr.decode().split(",") if name]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="pairs of runs a figure (5)")
    parser.add_argument("--write", type=Path, help="write the table to this Markdown file as well")
    parser.add_argument("--only", choices=FIGURES, action="append", help="only these figures; repeatable")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows(folder / "rows.jsonl")
        # Compiled modules, as every installed package has them, whatever this environment says of the source tree.
        env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        env |= {"PYTHONPYCACHEPREFIX": str(folder / "compiled"), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        bench = Bench(folder, env | {"JUDGEBENCH_CACHE_DIR": str(folder / "cache")}, arguments.repeats)
        for figures in arguments.only or FIGURES:
            getattr(bench, figures)()
        if not arguments.only or "cached" in arguments.only:
            slow = imports_of_a_cached_run(bench)
            bench.add("slow libraries that a cached run imports", ", ".join(slow) or "none", "none", "")
    table = "\n".join(["| what | measured | target | medians |", "|---|---|---|---|", *bench.lines])
    print(table)
    if arguments.write:
        arguments.write.write_text(table + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
