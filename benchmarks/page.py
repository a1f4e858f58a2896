"""The page of 5,970 judgements: its size, how fast it opens and scrolls; `python benchmarks/page.py` prints a table.

The run is made up (2,985 pairs in both orders, with texts of the length of RewardBench's and replies of about 900
characters, in words that come as often as words do). Chromium opens the page from disk five times; the median counts.
"""

import argparse
import gzip
import json
import random
import statistics
import sys
import tempfile
import time
from contextlib import chdir
from itertools import accumulate, pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from browsers import CHROMIUM, DRIVER, Browser, browsing
from finishedruns import written_run

from judgebench.api import Run
from judgebench.pages.report import report_page

PAIRS = 2985
OPENS = 5
MOST_SECONDS, MOST_RATIO = 3.0, 1.5
FRAMES = """
const done = arguments[arguments.length - 1], list = document.querySelector('.list'), times = [];
const step = list.scrollHeight / 120;
const frame = (now) => {
  times.push(now);
  list.scrollTop += step;
  if (times.length < 120) requestAnimationFrame(frame); else done(times);
};
requestAnimationFrame(frame);
"""


def words(draw: random.Random) -> "Words":
    """Texts of words of which some are frequent and most are rare."""
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    vocabulary = ["".join(draw.choices(letters, range(26, 0, -1), k=draw.randint(2, 9))) for _ in range(20_000)]
    return Words(draw, vocabulary)


class Words:
    def __init__(self, draw: random.Random, vocabulary: list[str]) -> None:
        self.draw, self.vocabulary = draw, vocabulary
        self.weights = list(accumulate(1 / rank for rank in range(1, len(vocabulary) + 1)))

    def text(self, characters: int) -> str:
        """A text of about so many characters."""
        return " ".join(self.draw.choices(self.vocabulary, cum_weights=self.weights, k=max(3, characters // 6)))


def made_run(pairs: int) -> Path:
    """A run over pairs in both orders, in this folder."""
    draw = random.Random(0)
    made = words(draw)
    rows = [
        {
            "id": number,
            "subset": ("alpacaeval-easy", "donotanswer", "hep-python")[number % 3],
            "prompt": made.text(draw.randint(40, 600)),
            "chosen": made.text(draw.randint(200, 2400)),
            "rejected": made.text(draw.randint(200, 2400)),
        }
        for number in range(pairs)
    ]
    run = written_run("judge", rows, lambda *_: int(draw.random() < 0.2), orders="both")
    path = run / "judgements.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        line["reply"] = f"{made.text(draw.randint(500, 1300))} {line['reply']}"
        line["key"] = f"{draw.getrandbits(256):064x}"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return run


def sizes(run: Path, page: Path) -> dict[str, float]:
    """Bytes of the file and of the compressed records, and their ratio."""
    items = gzip.decompress((run / "items.jsonl.gz").read_bytes())
    records = len(gzip.compress((run / "judgements.jsonl").read_bytes())) + len(gzip.compress(items))
    size = page.stat().st_size
    return {"file": size, "records": records, "ratio": size / records}


def opened(browser: Browser, page: Path, view: str) -> float:
    """Seconds from the navigation to the results in full, or in `#items` to the items that are read and listed."""
    browser.open(page, view)
    ready = "performance.getEntriesByName('judgebench:ready')[0]?.startTime"
    parsed = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd || undefined"
    return float(browser.wait(f"return {ready if view else parsed}")) / 1000


def scrolled(browser: Browser) -> tuple[float, float]:
    """Milliseconds between two frames while the whole list is scrolled through: the median, and 95 of 100."""
    times = browser.driver.execute_async_script(FRAMES)
    gaps = sorted(later - earlier for earlier, later in pairwise(times))
    return statistics.median(gaps), gaps[int(0.95 * len(gaps))]


def searched(browser: Browser) -> float:
    """Seconds for a search in all texts that finds nothing."""
    started = time.perf_counter()
    browser.js("location.hash = '#items?text=zzzzzzzz'")
    browser.wait("return document.querySelector('.count').textContent.startsWith('0 of')")
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=PAIRS, help="how many pairs, each in two orders")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        run = made_run(options.pairs)
        started = time.perf_counter()
        page = report_page([Run.load(run)], "page.html")
        built = time.perf_counter() - started
        found = sizes(run, page)
        print(f"{2 * options.pairs} judgements; the page is written in {built:.1f} s")
        for name in ("file", "records"):
            print(f"{name:<10} {found[name] / 1e6:6.2f} MB")
        print(f"file / compressed records: {found['ratio']:.2f} (at most {MOST_RATIO})")
        if CHROMIUM is None or DRIVER is None:
            print("no Chromium here: it is not opened")
            return
        with browsing(Path(folder)) as browser:
            for name, view in (("results", ""), ("items", "#items")):
                took = statistics.median(opened(browser, page, view) for _ in range(OPENS))
                print(f"opens with its {name} in {took:.2f} s (at most {MOST_SECONDS:.0f})")
            median, most = scrolled(browser)
            print(f"scrolling through all items: a frame in {median:.0f} ms, 95 of 100 within {most:.0f} ms")
            print(f"a search in all texts: {searched(browser):.2f} s")


if __name__ == "__main__":
    main()
