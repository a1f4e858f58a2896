"""`judgebench leaderboard DIR --html FILE`, driven in a real headless Chromium, from disk."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from browsers import needs_browser
from commands import files_below, judgebench, pairs, write_jsonl
from finishedruns import written_run

HOSTILE = '<img src=x onerror="document.title=1">"\u202e\x1b[2J={{7*7}}'

pytestmark = needs_browser


def right(share):
    """A judge that is right on the first items, up to this share of 40."""
    return lambda key, _: 0 if int(key.id) < share * 40 else 1


def score_run(name: str, share: float) -> None:
    data = write_jsonl(Path("rows.jsonl"), pairs(40))
    scores = write_jsonl(Path("rm.jsonl"), [{"id": n, "scores": [float(n < share * 40), 0.5]} for n in range(40)])
    ended = judgebench("score", scores, "--benchmark", "rewardbench", "--data", data, "--name", name)
    assert ended.status == 0, ended.err


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Three judges, of which the two best cannot be told apart, a reward model whose name means harm, and the page."""
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, share, cost in (("best", 0.95, 0.01), ("second", 0.9, 0.001), ("worst", 0.3, 0.005)):
            written_run(name, pairs(40), right(share), cost=cost)
        score_run(HOSTILE, 0.6)
        ended = judgebench("leaderboard", "runs", "--html", "public/board.html", "--json")
        assert ended.status == 0, ended.err
    return folder / "public" / "board.html"


@pytest.fixture
def page(browser, site):
    browser.open(site)
    browser.requests()
    yield browser
    assert browser.problems() == []
    assert browser.requests() == []


def judges(page) -> list[str]:
    """The judges of the rows that are seen, in order."""
    rows = "[...document.querySelectorAll('.ranking tbody tr')].filter((r) => !r.hidden)"
    return [name[:6] for name in page.js(f"return {rows}.map((r) => r.cells[1].innerText.trim())")]


def sorted_by(page) -> dict[str, str]:
    heads = "[...document.querySelectorAll('.ranking th[aria-sort]')]"
    return dict(page.js(f"return {heads}.map((h) => [h.innerText.trim(), h.getAttribute('aria-sort')])"))


def head(page, name: str) -> None:
    """A reader's focus on the button in a column's head."""
    buttons = "[...document.querySelectorAll('.ranking button.sort')]"
    page.js(f"{buttons}.find((b) => b.innerText.trim() === arguments[0]).focus()", name)


def test_the_foot_says_where_the_runs_pages_are(page, site):
    """The page is not all there is, and says so; a run's own page is."""
    assert "in the folder beside this file" in page.texts("footer")[0]
    page.open(next(site.with_name("board-runs").glob("*best*.html")))
    assert "Everything is in this one file" in page.texts("footer")[0]


def test_every_run_stands_by_its_score(page):
    """The best first."""
    assert judges(page) == ["best", "second", "<img s", "worst"]


def test_a_column_sorts_by_keyboard(page):
    """Enter and the space bar; `aria-sort` says which way; what has no value comes last both ways."""
    head(page, "cost")
    page.keys("\ue007")
    assert judges(page) == ["second", "worst", "best", "<img s"]
    assert sorted_by(page) == {"cost": "ascending"}
    page.keys(" ")
    assert judges(page) == ["best", "worst", "second", "<img s"]
    assert sorted_by(page) == {"cost": "descending"}


@pytest.mark.parametrize(
    ("column", "order"),
    [
        ("score", ["best", "second", "<img s", "worst"]),
        ("judge", ["<img s", "best", "second", "worst"]),
        ("rank", ["best", "second", "<img s", "worst"]),
    ],
)
def test_the_first_sort_of_a_column_is_the_useful_one(page, column, order):
    """The best score first, names from the beginning."""
    head(page, column)
    page.keys("\ue007")
    assert judges(page) == order


def test_words_filter_the_rows(page):
    """All words must be there; the number of rows is said; `Show all` brings the others back."""
    page.js("document.querySelector('[name=words]').focus()")
    page.keys("WORST pair")
    assert judges(page) == ["worst"]
    assert page.texts(".count") == ["1 of 4 rows."]
    page.click("#clear")
    assert len(judges(page)) == 4


def test_kinds_filter_the_rows(page):
    """Judges, or reward models."""
    page.choose("kind", "scores")
    assert judges(page) == ["<img s"]
    page.choose("kind", "judge")
    assert judges(page) == ["best", "second", "worst"]


def test_runs_that_cannot_be_told_apart_are_marked(page):
    """Those that share a letter with the row, and no others; a second press takes it back."""
    buttons = "[...document.querySelectorAll('button.alike')]"
    page.js(f"{buttons}[0].focus()")
    page.keys("\ue007")
    marked = "[...document.querySelectorAll('tr.kin')].map((r) => r.cells[1].innerText.trim())"
    assert page.js(f"return {marked}") == ["best", "second"]
    assert page.texts(".count") == ["1 run is not significantly different from best."]
    assert page.js(f"return {buttons}.map((b) => b.getAttribute('aria-pressed'))") == [
        "true",
        "false",
        "false",
        "false",
    ]
    page.keys("\ue007")
    assert page.js(f"return {marked}") == []


def test_each_run_has_its_page(page, site):
    """Links are relative, lead to files that are there, and to the run they name."""
    anchors = "[...document.querySelectorAll('.ranking a')]"
    links = page.js(f"return {anchors}.map((a) => [a.innerText, a.getAttribute('href')])")
    assert len(links) == 4
    assert all(not href.startswith(("/", "file:", "http")) for _, href in links)
    assert sorted(href.partition("/")[2] for _, href in links) == files_below(site.with_name("board-runs"))
    page.js("[...document.querySelectorAll('.ranking a')].find((a) => a.innerText === 'second').click()")
    page.wait("return document.body.dataset.ready === 'yes' && location.pathname.includes('board-runs')")
    assert "second" in page.js("return document.querySelector('main').innerText")


def test_the_whole_folder_can_be_moved(browser, site, tmp_path):
    """To any static host: nothing in it knows where it stood."""
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for path in (site, *site.with_name("board-runs").iterdir()):
        target = moved / path.relative_to(site.parent)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(path.read_bytes())
    browser.open(moved / "board.html")
    browser.click(".ranking a")
    browser.wait("return document.body.dataset.ready === 'yes' && location.pathname.includes('elsewhere/board-runs')")
    assert browser.problems() == []


def test_a_name_that_means_harm_is_text(page):
    """No element of its own; what would hide or turn words is written out; the same in what the page says aloud."""
    assert page.js("return document.querySelectorAll('.ranking img').length") == 0
    assert page.js("return document.title").startswith("Leaderboard")
    (name,) = [text for text in page.texts(".ranking tbody th") if "img" in text]
    assert name.startswith('<img src=x onerror="document.title=1">"\\u202e\\x1b[2J={{7*7}}')
    assert page.js("return document.documentElement.outerHTML.includes('\\u202e')") is False


def test_the_csv_is_what_is_seen(page):
    """The rows that the filters leave, numbers as fractions, a formula as text."""
    page.choose("kind", "judge")
    rows = list(csv.DictReader(io.StringIO(page.downloaded("board-rewardbench.csv", "button.csv"))))
    assert [row["judge"] for row in rows] == ["best", "second", "worst"]
    assert 0 < float(rows[0]["score"]) < 1
    assert rows[0]["95% CI"].endswith("%")
    page.click("#clear")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_phone_shows_it(page, dark):
    """The page is as wide as the phone; the table scrolls in its own frame, and the judge stays in sight."""
    with page.as_device(390, 800, dark=dark):
        assert page.js("return document.documentElement.scrollWidth <= innerWidth")
        page.js("document.querySelector('.scroll').scrollLeft = 400")
        left = page.js("return document.querySelector('.ranking tbody th').getBoundingClientRect().left")
        assert 0 <= left < 40


def test_without_scripts_the_table_is_there(site):
    """In order, in the file itself; the form that could do nothing is hidden."""
    text = site.read_text()
    assert text.index(">best<") < text.index(">second<") < text.index(">worst<")
    assert '<form class="filters" role="search" aria-label="Filter the runs" hidden>' in text
