"""A million label verdicts made and scored, every figure and interval among it: a row of `benchmarks/speed.py`."""

import random
import time

from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.rules import label_outcome
from judgebench.items import Classes, ItemKey, Reading, Verdict
from judgebench.metrics.summary import Usage
from judgebench.protocols import Protocol
from judgebench.runs.manifest import Name
from judgebench.runs.scoring import Beside, score

COUNT = 1_000_000


def main() -> None:
    rng = random.Random(0)
    said = {name: (Reading((0,), 0, Verdict(name)),) for name in ("pass", "fail")}
    outcomes, readings = [], {}
    for number in range(COUNT):
        gold = "fail" if rng.random() < 0.3 else "pass"
        key = ItemKey(str(number), "all", 1, 0, (100,), label=gold)
        readings[key.id] = said[gold if rng.random() < 0.8 else "pass"]
        outcomes.append(label_outcome(key, readings[key.id]))
    started = time.process_time()
    beside = Beside(classes=Classes(("pass", "fail"), "fail"))
    name = Name("judge", "template", "labels")
    metrics = score(get_benchmark("custom"), name, Protocol(), outcomes, readings, Usage(), beside)
    print(f"{COUNT:,} verdicts scored: {time.process_time() - started:.1f} s CPU, {metrics.extra['labels']}")


if __name__ == "__main__":
    main()
