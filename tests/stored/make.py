"""Made the stored runs beside it: `python tests/stored/make.py FOLDER` makes such a set in a new folder.

It is kept to tell how they came about. A later version makes other files, so the set in `0.1.0/` is never made again.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import time
from collections import Counter
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parent.parent))

import storedjudges
from commands import REPOSITORY, best_of_four, judgebench, pairs, ties, write_jsonl
from loopback import LoopbackServer

ADDRESS = "http://127.0.0.1:9/v1"  # in place of the server that was asked: nothing answers there
SUBSETS = ("alpacaeval-easy", "llmbar-natural", "donotanswer", "hep-python")
JUDGES = (
    *("steady", "contrary", "first", "moody", "sure", "frail", "mumbler", "wordy", "right", "wrong"),
    *("renewed", "half-renewed", "poor", "interrupted", "killed"),
)
BODY = """\
{% block system %}Which answer is better?{% endblock %}
{% block user %}{{ prompt }}

{% include '_shown.jinja' %}

End with a letter in double brackets.{% endblock %}
"""
SHOWN = "{% for c in completions %}<answer_{{ c.label }}>\n{{ c.text }}\n</answer_{{ c.label }}>\n{% endfor %}"
ONE = """\
{% block system %}How good is the answer?{% endblock %}
{% block user %}{{ prompt }}

<answer>
{{ completions[0].text }}
</answer>

End with a number in double brackets.{% endblock %}
"""


def front(name: str, mode: str, pattern: str, example: str, more: str = "", verdict: str = "") -> str:
    """The head of a template."""
    lines = [f"name: {name}", f"mode: {mode}", *([more] if more else []), "verdict:", f"  pattern: '{pattern}'"]
    return "\n".join(["---", *lines, *([f"  {verdict}"] if verdict else []), f"  example: '{example}'", "---", ""])


def write_inputs() -> None:
    """Rows, templates, scores and judges, as a user has them beside the runs."""
    for name in ("rows", "templates"):
        Path(name).mkdir()
    letter, number = r"\[\[([A-Z])\]\]", r"\[\[(\d+)\]\]"
    templates = {
        "_shown": SHOWN,
        "plain": front("plain", "pairwise", letter, "The first. [[A]]") + BODY,
        "strict": front("strict", "pairwise", letter, "The first. [[A]]", verdict="match: only") + BODY,
        "choose": front("choose", "best_of_k", letter, "The first. [[A]]", more="ties: templates/rate.jinja") + BODY,
        "rate": front("rate", "rating", number, "Good. [[7]]", verdict="scale: [1, 10]") + ONE,
        "grade": front("grade", "rating", number, "Good. [[4]]", verdict="scale: [1, 10]") + ONE,
    }
    for name, text in templates.items():
        Path(f"templates/{name}.jinja").write_text(text, encoding="utf-8")
    write_jsonl(Path("rows/pairs.jsonl"), pairs(8, SUBSETS))
    write_jsonl(Path("rows/few.jsonl"), pairs(4, SUBSETS))
    write_jsonl(Path("rows/many.jsonl"), pairs(40, ("all",)))
    four = [*best_of_four(3), *best_of_four(1, "Math"), *ties(0), *ties(2)]
    write_jsonl(Path("rows/four.jsonl"), four)
    write_jsonl(
        Path("rows/three.jsonl"), [{**row, "rejected": row["rejected"][:2]} for row in best_of_four(4, "three")]
    )
    write_jsonl(Path("rows/graded.jsonl"), [graded(at) for at in range(6)])
    odd = [
        {**row, "id": name, "subset": subset, "prompt": f"{row['prompt']} 🌧\n</answer> {{{{ x }}}} <b>ü</b>"}
        for row, name, subset in zip(
            pairs(3), ("a/b c", "ä/../ö", "007"), ("so much", "zwölf/2", "so much"), strict=True
        )
    ]
    write_jsonl(Path("rows/odd.jsonl"), odd)
    scores = [{"id": row["id"], "scores": [1.5, 0.5] if at % 4 else [0.25, 0.5]} for at, row in enumerate(pairs(8))]
    write_jsonl(Path("rows/all-scores.jsonl"), scores)
    write_jsonl(Path("rows/some-scores.jsonl"), scores[:6])
    best = [[9.0] * len(row["chosen"]) + [2.0, 1.0, 9.0][: len(row["rejected"])] for row in four]
    write_jsonl(Path("rows/four-scores.jsonl"), [{"id": r["id"], "scores": s} for r, s in zip(four, best, strict=True)])
    for name in ("llmbar", "judgebench", "rm-bench", "rewardmath"):
        shutil.copy(REPOSITORY / "tests/data" / f"{name}.jsonl", f"rows/{name}.jsonl")


def graded(number: int) -> dict[str, object]:
    """A row of Feedback-Bench: even ones deserve a 5, odd ones a 1 or 2."""
    texts = {f"orig_score{score}_description": f"Worth a {score}." for score in range(1, 6)}
    return {
        "id": number,
        "orig_instruction": f"Question {number}?",
        "orig_response": f"A {'bad' if number % 2 else 'good'} answer: number {number}.",
        "orig_reference_answer": "",
        "orig_criteria": "Is it good?",
        "orig_score": 1 + number % 3 % 2 if number % 2 else 5,
        **texts,
    }


def write_judges(url: str) -> None:
    """Whose replies these are is their names, or `cache_as`, and never the address."""
    alike = {
        "poor": "steady",
        "interrupted": "steady",
        "killed": "steady",
        "renewed": "steady",
        "half-renewed": "steady",
    }
    judges = {
        name: {
            "model": f"openai/{alike.get(name, name)}",
            "api_base": url,
            "params": {"temperature": 0, "max_tokens": 64},
            "price": {"input": 1, "output": 100},
        }
        for name in JUDGES
    }
    judges["first"]["cache_as"] = "first-2026-11"
    del judges["contrary"]["params"], judges["contrary"]["price"]
    Path("providers.yaml").write_text(yaml.safe_dump({"judges": judges}, sort_keys=False), encoding="utf-8")


PAIRS, FEW = ("rewardbench", "--data", "rows/pairs.jsonl"), ("rewardbench", "--data", "rows/few.jsonl")
PLAIN, FOUR = ("-t", "templates/plain.jinja"), ("rewardbench-2", "--data", "rows/four.jsonl")
RUNS: dict[str, tuple[str, ...]] = {
    "both orders": (*PAIRS, *PLAIN, "-j", "steady", "-j", "contrary", "-j", "first", "--orders", "both"),
    "samples": (*FEW, *PLAIN, "-j", "moody", "--orders", "both", "--samples", "2"),
    "agree": (*FEW, *PLAIN, "-j", "moody", "--orders", "both", "--samples", "2", "--join", "agree"),
    "early stop": (*FEW, *PLAIN, "-j", "moody", "--samples", "5", "--join", "majority", "--early-stop"),
    "best of k": (*FOUR, "-t", "templates/choose.jinja", "-j", "steady"),
    "ratings": (*FOUR, "-t", "templates/rate.jinja", "-j", "steady"),
    "grades": ("feedback-bench", "--data", "rows/graded.jsonl", "-t", "templates/grade.jinja", "-j", "steady"),
    "failures": (*PAIRS, *PLAIN, "-j", "frail"),
    "last mark": (*FEW, *PLAIN, "-j", "wordy"),
    "ambiguous": (*FEW, "-t", "templates/strict.jinja", "-j", "wordy"),
    "soft": (*FEW, *PLAIN, "-j", "sure", "--orders", "both", "--soft"),
    "by probability": (*FEW, *PLAIN, "-j", "sure", "--orders", "both", "--soft", "--join", "probability"),
    "all pairs": ("custom", "--data", "rows/three.jsonl", *PLAIN, "-j", "steady", "--pairs", "all"),
    "knockout": ("custom", "--data", "rows/three.jsonl", *PLAIN, "-j", "steady", "--pairs", "knockout"),
    "repair": (*FEW, *PLAIN, "-j", "mumbler", "--repair", "1"),
    "altered": (*FEW, *PLAIN, "-j", "steady", "--control", "blind", "--attack", "planted-verdict"),
    "odd names": ("custom", "--data", "rows/odd.jsonl", *PLAIN, "-j", "steady"),
    "limit and seed": (*PAIRS, *PLAIN, "-j", "contrary", "--limit", "4", "--seed", "7"),
    "until shown": ("custom", "--data", "rows/many.jsonl", *PLAIN, "-j", "right", "-j", "wrong", "--stop-when-shown"),
    "shipped": (*FOUR, "-t", "four-way", "-j", "steady"),
    "parts": (*FEW, "-t", "rating-criteria", "-j", "offline/longest"),
    "ranking": (*FOUR, "-t", "ranking", "-j", "offline/longest"),
    "structured": (*FEW, "-t", "pairwise-json", "-j", "offline/longest"),
    "llmbar": ("llmbar", "--data", "rows/llmbar.jsonl", "-j", "offline/longest"),
    "judgebench": ("judgebench-gpt", "--data", "rows/judgebench.jsonl", "-j", "offline/longest"),
    "rm-bench": ("rm-bench", "--data", "rows/rm-bench.jsonl", "-j", "offline/longest"),
    "rewardmath": ("rewardmath", "--data", "rows/rewardmath.jsonl", "-j", "offline/longest"),
}
UNCACHED = {
    "until shown",
    "shipped",
    "parts",
    "ranking",
    "structured",
    "llmbar",
    "judgebench",
    "rm-bench",
    "rewardmath",
}
BOTH = {judge: f"runs/rewardbench/{judge}/plain/both" for judge in ("steady", "contrary", "first")}


class Maker:
    """Gives the commands, and keeps which runs came of which."""

    def __init__(self, server: LoopbackServer) -> None:
        self.server = server
        self.made: dict[str, dict[str, object]] = {}

    def do(self, name: str, kind: str, *command: str, status: tuple[int, ...] = (0,)) -> str:
        """Gives a command in this process; what it printed."""
        before = runs()
        ended = judgebench(*command)
        assert ended.status in status, (name, ended)
        self.keep(name, kind, command, ended.status, before)
        return ended.out

    def keep(self, name: str, kind: str, command: tuple[str, ...], status: int, before: set[str]) -> None:
        """Writes down a command that was given."""
        found = sorted(runs() - before)
        self.made[name] = {"kind": kind, "command": shlex.join(command), "status": status, "runs": found}

    def cut_off(self, name: str, number: int, sign: signal.Signals) -> None:
        """A run in a process of its own that gets a signal when so many calls have been answered."""
        judge = name
        command = ("run", *PAIRS, *PLAIN, "-j", judge, "--concurrency", "1", "--cache-dir", "lost")
        before, count = runs(), self.server.count
        self.server.latency = lambda request: 1.0 if self.server.count > count + number else 0.0
        with subprocess.Popen(
            [sys.executable, "-m", "judgebench", *command, "--quiet"], stdout=subprocess.DEVNULL
        ) as process:
            self.server.wait_count(count + number + 1)
            time.sleep(0.2)
            process.send_signal(sign)
            status = process.wait(60)
        self.server.latency = 0.0
        self.keep(name, "cut off", command, status, before)


def runs() -> set[str]:
    """The folders that hold runs."""
    return {str(path.parent) for path in Path("runs").rglob("manifest.json")}


def make(server: LoopbackServer) -> dict[str, dict[str, object]]:
    """Every run, the cache and the bundle."""
    maker = Maker(server)
    for name, options in RUNS.items():
        cache = "lost" if name in UNCACHED else "cache"
        kind = "shipped" if name in UNCACHED - {"until shown"} else "judge"
        status = (1,) if name in {"failures", "ambiguous", "repair"} else (0,)
        printed = maker.do(name, kind, "run", *options, "--cache-dir", cache, "--json", status=status)
        if name == "both orders":
            Path("figures.json").write_text(printed, encoding="utf-8")
    maker.do("all-scores", "scores", "score", "rows/all-scores.jsonl", "--benchmark", *PAIRS, "--json")
    some = ("score", "rows/some-scores.jsonl", "--benchmark", *PAIRS, "--allow-missing", "--json")
    maker.do("some-scores", "scores", *some, status=(1,))
    maker.do("four-scores", "scores", "score", "rows/four-scores.jsonl", "--benchmark", *FOUR, "--json")
    maker.do("jury", "jury", "jury", *BOTH.values(), "--name", "three", "--json")
    cheap, dear = BOTH["first"], BOTH["steady"]
    maker.do("cascade", "cascade", "cascade", cheap, dear, "--threshold", "0.5", "--name", "two-steps", "--json")
    wordy = "runs/rewardbench/wordy/plain/one"
    maker.do("rescored", "rescored", "rescore", wordy, "--template", "templates/strict.jinja", "--json")
    samples = "runs/rewardbench/moody/plain/both-x2"
    maker.do("rescored by majority", "rescored", "rescore", samples, "--join", "majority", "--json")
    bundled = ("cache", "export", "replies.jsonl.gz", BOTH["steady"], BOTH["first"], samples, "--cache-dir", "cache")
    maker.do("bundle", "bundle", *bundled)
    renewed = ("run", *FEW, *PLAIN, "-j", "renewed", "--cache-dir", "lost")
    maker.do("refreshed", "refreshed", *renewed)
    server.answer = lambda request: storedjudges.answer(request) + " Still."  # type: ignore[operator]
    maker.do("refreshed again", "refreshed", *renewed, "--refresh")
    server.answer = storedjudges.answer
    half = ("run", *PAIRS, *PLAIN, "-j", "half-renewed", "--cache-dir", "lost", "--concurrency", "1")
    maker.do("half-renewed", "refreshed", *half)
    budget = ("--budget", "0.0078")
    maker.do("refresh cut off", "refresh cut off", *half, "--refresh", *budget, status=(1,))
    poor = ("run", *PAIRS, *PLAIN, "-j", "poor", "--cache-dir", "lost", "--concurrency", "1", *budget)
    maker.do("poor", "cut off", *poor, status=(1,))
    maker.cut_off("interrupted", 3, signal.SIGINT)
    maker.cut_off("killed", 4, signal.SIGKILL)
    killed = Path("runs/rewardbench/killed/plain/one/judgements.jsonl")
    killed.write_bytes(killed.read_bytes()[:-200])
    return maker.made


def tidy(url: str) -> None:
    """Folds the cache's log in, and takes out the address and what is only there while a process runs."""
    with sqlite3.connect("cache/cache.db") as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.execute("VACUUM")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    shutil.rmtree("lost")
    for name in ("reserve", "cache.db-wal", "cache.db-shm"):
        Path("cache", name).unlink(missing_ok=True)
    for path in Path().rglob("*"):
        if path.is_file() and path.suffix in {".json", ".jsonl", ".yaml"} and url in path.read_text(encoding="utf-8"):
            path.write_text(path.read_text(encoding="utf-8").replace(url, ADDRESS), encoding="utf-8")


def expected(folder: Path) -> dict[str, object]:
    """What a run's files say, read as plain lines of JSON."""
    lines = (
        (folder / "judgements.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
        if (folder / "judgements.jsonl").exists()
        else []
    )
    judgements = {}
    for line in map(json.loads, (line for line in lines if line.endswith("\n"))):
        place = json.dumps([line["item"], line["order"], line["sample"]], ensure_ascii=False)
        judgements[place] = "!" + line["failure"]["kind"] if "failure" in line else line["verdict"]
    said: dict[str, object] = {"judgements": judgements}
    if (folder / "metrics.json").exists():
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        outcomes = map(json.loads, (folder / "outcomes.jsonl").read_text(encoding="utf-8").splitlines())
        said |= {"credits": {line["item"]: line["credit"] for line in outcomes}}
        said |= {name: metrics[name] for name in ("score", "sections", "subsets")}
    return said


def write_lines(name: str, told: dict[str, object]) -> None:
    """A JSON object with a line for each of its keys."""
    lines = (f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in told.items())
    Path(name).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def nobody(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """The file as nobody's in particular."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def main() -> None:
    """Makes the set in a new folder."""
    folder = Path(sys.argv[1]).absolute()
    folder.mkdir(parents=True)
    os.chdir(folder)
    os.environ["PYTHONPATH"] = str(REPOSITORY)
    write_inputs()
    counts: Counter[bytes] = Counter()
    with LoopbackServer(lambda request: storedjudges.answer(request, counts)) as server:
        write_judges(server.url)
        made = make(server)
        tidy(server.url)
    write_lines("made.json", made)
    every = {run: expected(Path(run)) for run in sorted(runs())}
    write_lines(
        "expected.json", {f"{run} {name}": value for run, told in every.items() for name, value in told.items()}
    )
    with tarfile.open(f"{folder.name}.tar.gz", "w:gz") as archive:
        for name in ("cache", "figures.json", "providers.yaml", "replies.jsonl.gz", "rows", "runs", "templates"):
            archive.add(name, filter=nobody)


if __name__ == "__main__":
    main()
