"""Takes the README's pictures of the page: `python docs/screenshots.py` writes docs/images/page.png and items.png.

The runs are those of the offline judges over the bundled sample, with a toy reward model that counts different words,
so that everybody can take the same pictures. It needs the extra `test`, and Chromium with its driver.
"""

from __future__ import annotations

import json
import sys
import tempfile
from contextlib import chdir
from pathlib import Path

import judgebench as jb

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent / "tests"))

from browsers import Browser, browsing  # noqa: E402 - beside the tests

WIDTH = 1200
JUDGES = ["offline/longest", "offline/shortest", "offline/first"]


def runs() -> list[jb.Run]:
    """The runs, in this folder."""
    made = jb.grid("rewardbench", judges=JUDGES, data="sample", orders="both", cache_dir="cache")
    scores = [
        {"id": item.id, "scores": [float(len(set(completion.text.split()))) for completion in item.completions]}
        for item in made[0].items
    ]
    Path("words.jsonl").write_text("".join(json.dumps(row) + "\n" for row in scores), encoding="utf-8")
    return [*made, jb.score("words.jsonl", benchmark="rewardbench", data="sample", name="different-words")]


def take(browser: Browser, page: Path, hash_: str, shown: str, name: str, height: int) -> None:
    """One picture, as soon as an element is shown."""
    with browser.as_device(WIDTH, height):
        browser.open(page, hash_)
        browser.wait(f"return document.querySelector({shown!r})")
        (DOCS / "images").mkdir(exist_ok=True)
        browser.driver.save_screenshot(str(DOCS / "images" / name))
    print(f"docs/images/{name}: {(DOCS / 'images' / name).stat().st_size / 1000:.0f} kB")  # noqa: T201 - what it did


def main() -> None:
    """Takes the pictures."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder), browsing(Path(folder)) as browser:
        page = jb.report_page(runs(), "page.html")
        take(browser, page, "", ".plot svg", "page.png", 1100)
        browser.open(page, "#items?run=0&beside=2&sort=differ")
        browser.wait("return judgebench.browser.found")
        first = browser.js("return judgebench.browser.items.items.id[judgebench.browser.found[0]]")
        take(browser, page, f"#items?run=0&beside=2&sort=differ&item={first}", ".full .run", "items.png", 800)


if __name__ == "__main__":
    main()
