"""Speed of reward models that are run here, as ratios: `python benchmarks/rewards.py` (two minutes).

Two rows, each measured side by side in one process on models made on the spot (extra judgebench[reward]):

- rows a second of a classifier against transformers' `pipeline("text-classification", batch_size=8)`, whose scores
  must be equal;
- completions a second of a policy that shares the prompt's keys and values among four completions, against one by one.

Seconds are those of one CPU thread, which the load of the machine changes least.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import torch  # noqa: E402
from tinymodels import WORDS, tiny  # noqa: E402

from judgebench.benchmarks import get_benchmark  # noqa: E402
from judgebench.benchmarks.dataset import load_dataset  # noqa: E402
from judgebench.rewards.checkpoint import find_checkpoint  # noqa: E402
from judgebench.rewards.implicit import ImplicitScorer  # noqa: E402
from judgebench.rewards.opening import open_model  # noqa: E402
from judgebench.rewards.scorefile import ScoreFile, score_dataset  # noqa: E402
from judgebench.rewards.settings import RewardSettings  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS, PROMPT, ANSWERS = 400, 1500, 4
CLASSIFIER = {"hidden_size": 64, "intermediate_size": 172}
POLICY = {"hidden_size": 128, "intermediate_size": 344}


def text(draw: random.Random, count: int) -> str:
    return " ".join(draw.choices(WORDS, k=count))


def seconds(work: Callable[[], list[float]]) -> tuple[float, list[float]]:
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def side_by_side(
    one: Callable[[], list[float]], other: Callable[[], list[float]], repeats: int
) -> tuple[list[float], list[float], float]:
    """Seconds of each in turn, and the largest difference of what they give."""
    times: tuple[list[float], list[float]] = ([], [])
    apart = 0.0
    for _ in range(repeats):
        first, second = seconds(one), seconds(other)
        times[0].append(first[0])
        times[1].append(second[0])
        apart = max(apart, *(abs(a - b) for a, b in zip(first[1], second[1], strict=True)))
    return *times, apart


def classifier(folder: Path, repeats: int) -> str:
    """Pairs of the lengths that chat data have, scored into a file as the command does."""
    from transformers import pipeline

    draw = random.Random(0)
    model = tiny(folder / "classifier", **CLASSIFIER)

    def words(mean: float) -> str:
        return text(draw, int(min(800, draw.lognormvariate(mean, 1))) + 1)

    rows = [
        {"id": str(at), "prompt": words(3.5), "chosen": words(4.5), "rejected": words(4.5)} for at in range(ROWS // 2)
    ]
    dataset = load_dataset(get_benchmark("custom"), rows)
    ours = open_model(model, RewardSettings(device="cpu"))
    theirs = pipeline("text-classification", model=model, device="cpu")
    files = (folder / f"{number}.jsonl" for number in count())

    def scored() -> list[float]:
        file = ScoreFile(next(files), {})
        with file.open({}):
            score_dataset(ours, dataset, file)
        found = {row["id"]: row["scores"] for row in file.rows()}
        return [score for row in rows for score in found[row["id"]]]

    def plain() -> list[float]:
        texts = [
            theirs.tokenizer.apply_chat_template(
                [{"role": "user", "content": row["prompt"]}, {"role": "assistant", "content": row[side]}],
                tokenize=False,
            )
            for row in rows
            for side in ("chosen", "rejected")
        ]
        found = theirs(texts, batch_size=8, truncation=True, function_to_apply="none", add_special_tokens=False)
        return [each["score"] for each in found]

    mine, other, apart = side_by_side(scored, plain, repeats)
    return row(f"rows a second, classifier / pipeline(batch_size=8), {ROWS} rows", 2.5, mine, other, apart, ROWS)


def sharing(folder: Path, repeats: int) -> str:
    """Two items of four short answers each to a long prompt."""
    draw = random.Random(1)
    model = tiny(folder / "policy", "LlamaForCausalLM", **POLICY)
    asked = []
    for _ in range(2):
        prompt = {"role": "user", "content": text(draw, PROMPT)}
        asked += [[prompt, {"role": "assistant", "content": text(draw, 100)}] for _ in range(ANSWERS)]
    settings = RewardSettings(reference_free=True, device="cpu", beta=1.0)
    alone = RewardSettings(reference_free=True, device="cpu", beta=1.0, batch_tokens=1)
    checkpoint = find_checkpoint(model, settings)
    shared = ImplicitScorer("shared", checkpoint, settings)
    single = ImplicitScorer("single", checkpoint, alone, share=False)
    mine, other, apart = side_by_side(lambda: list(shared.scores(asked)), lambda: list(single.scores(asked)), repeats)
    what = f"{ANSWERS} completions with a shared prompt / one by one, {PROMPT:,} prompt tokens"
    return row(what, 2.0, mine, other, apart, len(asked))


def row(what: str, target: float, mine: list[float], other: list[float], apart: float, number: int) -> str:
    ratio = statistics.median(b / a for a, b in zip(mine, other, strict=True))
    missed = "" if ratio >= target else ", missed"
    rates = " to ".join(f"{number / statistics.median(each):.1f}/s" for each in (mine, other))
    return f"| {what} | {ratio:.2f}{missed} | at least {target:g} | {rates}; largest difference {apart:.1e} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)
    lines = ["| what | ratio | target | medians |", "|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        lines += [classifier(Path(folder), given.repeats), sharing(Path(folder), given.repeats)]
    print("\n".join(lines))


if __name__ == "__main__":
    main()
