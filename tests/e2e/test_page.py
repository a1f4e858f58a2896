"""`judgebench report --html`: one file in a real browser, with everything that a reader does with it."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
from typing import TYPE_CHECKING

import pytest
from browsers import Browser, needs_browser
from commands import best_of_four, judgebench, pairs, write_jsonl
from finishedruns import score_run, written_run

import judgebench as jb

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = needs_browser

COUNT = 300
SUBSETS = ("alpacaeval-easy", "donotanswer", "hep-python")
SECRET = "xylophone"


def strong(key, call) -> int | None:
    """Right, but for: item 7 always takes the first shown, 11 has a failure in one order, 20 to 29 are wrong."""
    number = int(key.id)
    if number == 7:
        return call.order[0]
    if number == 11 and call.order[0] == 0:
        return -1
    return 1 if 20 <= number < 30 else 0


def weak(key, call) -> int | None:
    """Wrong on every third."""
    return int(int(key.id) % 3 == 0)


def rows():
    every = pairs(COUNT, SUBSETS)
    every[42]["prompt"] = f"Where is the {SECRET}?"
    return every


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Three runs over the same items, and their page, which names the best first: strong, rm, weak."""
    place = tmp_path_factory.mktemp("page")
    with contextlib.chdir(place):
        paths = [
            written_run("strong", rows(), strong, orders="both", cost=0.002),
            written_run("weak", rows(), weak, orders="both", cost=0.0001),
            score_run("rm", [number % 4 > 0 for number in range(COUNT)], rows()),
        ]
        ended = judgebench("report", *paths, "--html", "page.html")
        assert (ended.status, ended.err) == (0, "wrote: page.html\n")
    return place


@pytest.fixture
def page(browser: Browser, folder: Path) -> Iterator[Browser]:
    """The page, freshly opened; nothing may have been said to the console, or asked of the network."""
    browser.requests()
    browser.open(folder / "page.html")
    yield browser
    assert browser.problems() == []
    assert browser.requests() == []


def items(page: Browser) -> list[str]:
    """The ids that the list shows from its top."""
    page.wait("return !document.querySelector('.count').textContent.startsWith('searching')")
    page.js("document.querySelector('.list').scrollTop = 0")
    page.wait("return document.querySelector('.listing.none') || document.getElementById('row-0')")
    ids = page.js(
        "return [...document.querySelectorAll('.row')].sort((a, b) => a.dataset.at - b.dataset.at)"
        ".map((row) => row.querySelector('.id').textContent)"
    )
    assert ids is not None
    return ids


def count(page: Browser) -> str:
    (said,) = page.texts(".count")
    return said


def ask(page: Browser, hash_: str) -> None:
    """Goes to an address within the page."""
    page.js("location.hash = arguments[0]", hash_)
    page.wait("return document.body.dataset.view === 'items' && !document.getElementById('view-items').hidden")


def test_the_summary_says_which_is_best_by_how_much_how_sure_and_at_what_cost(page):
    """Strong has 289 of 300 and 2 halves; the judges' cost is 600 replies' price."""
    lead, *_ = page.texts(".lead")
    assert lead.startswith("strong with template pairwise, both orders has the best score on RewardBench")
    cards = dict(zip(page.texts(".card dt"), page.texts(".card .big"), strict=True))
    assert cards["Best"] == "strong"
    assert cards["Significance"] == "significant"
    assert cards["Cost"] == "$1.20"


def test_every_figure_has_its_plot_its_table_and_its_data(page):
    """As many rows in the CSV as in the table."""
    figures = page.js("return [...document.querySelectorAll('.figure[id]')].map((f) => f.id)")
    named = {figure.removeprefix("rewardbench-") for figure in figures}
    expected = {
        "runs",
        "differences",
        "sections",
        "subsets",
        "kinds",
        "cost",
        "agreement",
        "position",
        "biases",
        "components",
        "best",
    }
    assert expected | {"surest", "failures", "failure-effects"} == named
    for figure in figures:
        text = page.downloaded(f"{figure}.csv", f"button.csv[data-figure='{figure}']")
        lines = list(csv.reader(io.StringIO(text)))
        assert len(lines) - 1 == page.js(f"return document.querySelectorAll('#{figure} .scroll tbody tr').length"), (
            figure
        )


def test_every_column_of_the_runs_sorts_by_mouse_and_by_keyboard(page):
    """By score from the top, then from the bottom; a reader who hears the page is told which way."""
    judges = "return [...document.querySelectorAll('table.runs tbody .judge')].map((each) => each.textContent)"
    page.click("table.runs th.score .sort")
    assert page.js(judges)[-1] == "weak"
    page.js("document.querySelector('table.runs th.score .sort').focus()")
    page.keys("\ue007")
    assert page.js(judges)[0] == "weak"
    assert page.js("return document.querySelector('table.runs th.score').getAttribute('aria-sort')") == "ascending"
    heads = page.js("return document.querySelectorAll('table.runs thead th').length")
    assert page.js("return document.querySelectorAll('table.runs thead th .sort').length") == heads


def test_the_runs_fit_a_screen_and_a_phone_shows_the_score(page, folder):
    """Nothing is cut off at 1400 pixels; at 390 the judge and the score with its interval are in view."""
    with page.as_device(1400, 900):
        page.open(folder / "page.html")
        assert page.js("const s = document.querySelector('.scroll'); return s.scrollWidth <= s.clientWidth")
    with page.as_device(390, 844):
        page.open(folder / "page.html")
        right = "document.querySelector('table.runs td.score span').getBoundingClientRect().right"
        assert page.js(f"return {right}") < 390


def test_the_data_of_a_figure_are_its_numbers(page):
    """The cost of 600 replies, and the score, as fractions and dollars."""
    text = page.downloaded("rewardbench-runs.csv", "button.csv[data-figure='rewardbench-runs']")
    by_judge = {row["judge"]: row for row in csv.DictReader(io.StringIO(text))}
    assert float(by_judge["strong"]["cost in USD"]) == pytest.approx(1.2)
    assert float(by_judge["weak"]["cost in USD"]) == pytest.approx(0.06)
    assert float(by_judge["weak"]["score"]) == pytest.approx(2 / 3)
    assert by_judge["rm"]["cost in USD"] == ""


def test_a_plot_is_given_out_as_a_picture(page):
    """SVG, with its legend."""
    text = page.downloaded("rewardbench-cost.svg", "button.svg[data-figure='rewardbench-cost']")
    assert text.startswith("<svg")
    assert "strong" in text


def test_all_items_are_listed_and_few_exist(page):
    """300 in the count, and only what is in view in the document, also far down."""
    ask(page, "#items")
    assert (count(page), items(page)[:3]) == ("300 items", ["0", "1", "2"])
    page.js("document.querySelector('.list').scrollTop = 1e9")
    page.wait("return document.getElementById('row-299')")
    assert page.js("return document.querySelectorAll('.row').length") < 60


@pytest.mark.parametrize(
    ("filter_", "value", "expected"),
    [
        ("subset", "donotanswer", [str(n) for n in range(1, COUNT, 3)]),
        ("right", "wrong", [str(n) for n in range(20, 30)]),
        ("right", "partly", ["7", "11"]),
        ("failure", "unreadable", ["11"]),
        ("failure", "any", ["11"]),
    ],
)
def test_filters(page, filter_, value, expected):
    """Each leaves the items that it names."""
    ask(page, "#items")
    page.choose(filter_, value)
    page.wait("return document.querySelector('.count').textContent.includes(' of ')")
    assert count(page) == f"{len(expected)} of 300 items"
    assert items(page)[:10] == expected[:10]


def test_orders_that_disagree_and_judges_that_disagree(page):
    """Item 7 follows the order; the judges differ where one is wrong and another is not."""
    ask(page, "#items")
    page.click(".chip[name=flipped]")
    assert items(page) == ["7"]
    page.click(".chip[name=disagree]")
    third, ten, rm = set(range(0, COUNT, 3)), set(range(20, 30)), set(range(0, COUNT, 4))
    same = {n for n in range(COUNT) if (n in third) == (n in ten) == (n in rm)}
    same -= {7}  # both orders name another answer: a tie, which no other run has
    assert count(page) == f"{COUNT - len(same)} of 300 items"


def test_judges_disagree_where_any_two_verdicts_differ_and_a_failure_is_none(browser, tmp_path):
    """The scores miss items 0 and 1, a judge fails on 2: of 0 to 4 only 1 and 3 have two verdicts that differ."""
    with contextlib.chdir(tmp_path):
        every = best_of_four(5)
        ids = [row["id"] for row in every]
        says = {"one": [1, 1, -1, 0, 0], "two": [1, 2, 0, 1, 0]}
        write_jsonl(tmp_path / "rows.jsonl", every)
        write_jsonl(tmp_path / "s.jsonl", [{"id": each, "scores": [9.0, 1.0, 1.0, 1.0]} for each in ids[2:]])
        rm = jb.score("s.jsonl", benchmark="rewardbench-2", data="rows.jsonl", allow_missing=True)
        runs = [
            written_run(name, every, lambda key, _, said=said: said[ids.index(key.id)], benchmark="rewardbench-2")
            for name, said in says.items()
        ]
        jb.report_page([rm, *runs], "page.html")
    browser.open(tmp_path / "page.html")
    ask(browser, "#items?judges=1")
    assert items(browser) == [ids[1], ids[3]]
    ask(browser, "#items?run=1&beside=2&judges=1")
    assert sorted(items(browser)) == [ids[1], ids[3]]


def test_search_finds_words_in_prompts_completions_and_replies(page):
    """Whatever their case; what is found is marked."""
    ask(page, "#items")
    page.keys("/")
    page.keys(SECRET.upper())
    page.wait("return document.querySelector('.count').textContent === '1 of 300 items'")
    assert items(page) == ["42"]
    page.keys("\ue007")  # Enter: into the list
    page.keys("j")
    page.wait("return document.querySelector('.full mark.hit')")
    assert page.texts(".full mark.hit")[0].lower() == SECRET


def test_a_search_for_what_is_nowhere(page):
    """Says so, and 'Clear filters' takes it back."""
    ask(page, "#items?text=nowhere+to+be+found")
    page.wait("return document.querySelector('.count').textContent === '0 of 300 items'")
    assert page.texts(".full") == ["No matching items."]
    page.click(".filters .reset")
    page.wait("return document.querySelector('.count').textContent === '300 items'")


def test_an_item_in_full(page, folder):
    """The reply first, then the prompt and the answers under the letters of its slots; cost, latency and messages."""
    ask(page, "#items?item=5")
    page.wait("return document.querySelector('.full .call')")
    (text,) = page.texts(".full")
    order = next(
        json.loads(line)["order"]
        for line in (folder / "runs/rewardbench/strong/pairwise/both/judgements.jsonl").read_text().splitlines()
        if json.loads(line)["item"] == "5"
    )
    titles = page.texts(".completion h3")
    assert [title.split("\n")[0].split(" ")[1] for title in titles] == ["A", "B"]
    assert [("not" in title) for title in titles] == [completion > 0 for completion in order]
    assert text.index("[[") < text.index("Question 5?")
    assert "Question 5?" in text
    assert page.texts(".full mark.verdict") == ["[[A]]", "[[B]]"] if order == [0, 1] else ["[[B]]", "[[A]]"]
    assert "$0.002 · 1.00 s" in text
    assert messages(page) == sent_about(folder, "5", order)


def messages(page: Browser) -> list[str]:
    """The contents of the first call's messages, opened as a reader does."""
    page.click(".full details.messages summary")
    page.wait("return document.querySelectorAll('.full details.messages pre').length > 0")
    return page.js(
        "return [...document.querySelector('.full details.messages').querySelectorAll('pre')].map((p) => p.textContent)"
    )


def sent_about(folder: Path, item: str, order: list[int]) -> list[str]:
    """What `judgebench show` prints as the messages of the first call."""
    run = folder / "runs/rewardbench/strong/pairwise/both"
    with contextlib.chdir(folder):
        out = judgebench("show", run, item).out
    first = out[out.index("call 1:") : out.index("call 2:")]
    return [part.split("\n", 1)[1].strip("\n") for part in re.split(r"--- message · ", first.split("--- reply")[0])[1:]]


def test_a_failure_is_shown_as_one(page):
    """With its kind and its detail; the reply is still there."""
    ask(page, "#items?item=11")
    page.wait("return document.querySelector('.full .call')")
    (text,) = page.texts(".full")
    assert "no verdict: unreadable" in text
    assert "made up" in text


def test_two_runs_side_by_side_what_differs_first(page):
    """The list begins with the items on which they differ."""
    ask(page, "#items")
    page.choose("beside", "2")
    page.wait("return document.querySelector('.filters [name=sort]').value === 'differ'")
    differing = [n for n in range(COUNT) if (n % 3 == 0) != (20 <= n < 30) and n != 7]
    assert [int(each) for each in items(page)[:8]] == [n for n in differing if n != 11][:8]
    ask(page, "#items?run=0&beside=2&sort=differ&item=3")
    page.wait("return document.querySelectorAll('.full .run').length === 2")


def test_a_reward_models_scores_stand_beside_a_judge(page):
    """Its scores at the completions, and no call."""
    ask(page, "#items?run=1&item=8")
    page.wait("return document.querySelector('.full .completion')")
    assert any("score" in each for each in page.texts(".completion h3"))
    assert "A reward model: scores, no replies." in page.texts(".full")[0]


def test_all_judges_stand_side_by_side(page):
    """Item 22 is wrong by strong alone; a click on a judge shows its replies."""
    ask(page, "#items?item=22")
    page.wait("return document.querySelectorAll('.verdicts tbody tr').length === 3")
    cells = "[...r.cells].slice(0, 2).map((c) => c.innerText)"
    rows = page.js(f"return [...document.querySelectorAll('.verdicts tbody tr')].map((r) => {cells})")
    assert sorted(rows) == [["rm", "correct"], ["strong", "wrong"], ["weak", "correct"]]
    page.js("[...document.querySelectorAll('.choose')].find((each) => each.textContent === 'weak').click()")
    page.wait("return document.querySelector('.full .run .name')?.textContent === 'weak'")


def test_an_item_is_given_out_as_json(page):
    """Raw on the page and as a file, with the names of its runs."""
    ask(page, "#items?item=3")
    page.wait("return document.querySelector('.full .title')?.textContent === '3'")
    page.click(".raw-toggle")
    found = json.loads(page.js("return document.querySelector('.raw').textContent"))
    assert (found["id"], sorted(found["runs"])) == ("3", ["rm", "strong", "weak"])
    assert json.loads(page.downloaded("item-3.json", ".itemtools .save")) == found


def test_labels_that_the_good_judges_deny_come_out_as_corrections(browser, tmp_path):
    """Of 40 pairs two judges deny the labels of 3 and 7: y keeps one, n corrects the other, with a comment."""
    with contextlib.chdir(tmp_path):
        says = lambda key, _: int(key.id in {"3", "7"})  # noqa: E731
        runs = [written_run(name, pairs(40, ("alpacaeval-easy",)), says) for name in ("one", "two")]
        jb.report_page(runs, "page.html")
    browser.open(tmp_path / "page.html")
    ask(browser, "#items?suspect=1")
    assert items(browser) == ["3", "7"]
    browser.wait("return document.querySelector('.check')")
    browser.keys("y")
    browser.wait("return document.querySelector('.full .title')?.textContent === '7'")
    browser.js(
        "const c = document.querySelector('.check input'); c.value = 'B is plainly right';"
        "c.dispatchEvent(new Event('change'))"
    )
    browser.keys("n")
    browser.wait("return document.querySelector('.triage [role=status]').textContent === '2 checked, 1 corrected.'")
    text = browser.downloaded("fixes.csv", ".corrections")
    assert list(csv.DictReader(io.StringIO(text))) == [{"id": "7", "label": "1", "comment": "B is plainly right"}]


def test_the_address_holds_what_is_shown(page, folder):
    """Opened anew, it shows the same; so does the browser's way back."""
    ask(page, "#items")
    page.choose("right", "wrong")
    page.wait("return document.querySelector('.count').textContent === '10 of 300 items'")
    page.click("#row-2")
    page.wait("return document.querySelector('.full .title')?.textContent === '22'")
    address = page.js("return location.hash")
    page.open(folder / "page.html", address)
    page.wait("return document.querySelector('.full .title')?.textContent === '22'")
    assert count(page) == "10 of 300 items"
    assert page.js("return document.querySelector('.row[aria-selected=true] .id').textContent") == "22"


@pytest.mark.parametrize(
    "hash_", ["#items?run=99&beside=x&item=nope&sort=odd&right=", "#nothing-of-the-kind", "#items?number=9999"]
)
def test_an_address_that_makes_no_sense_is_no_error(page, folder, hash_):
    """The page shows what it can."""
    page.open(folder / "page.html", hash_)
    assert page.js("return document.querySelectorAll('.view:not([hidden])').length") == 1


@pytest.mark.parametrize("hash_", ["#items?item=nope", "#items?number=9999", "#items?number=nope"])
def test_an_item_that_is_not_there_is_said(page, folder, hash_):
    """A link from another page leads to no empty place."""
    page.open(folder / "page.html", hash_)
    name = hash_.partition("=")[2]
    page.wait("return document.querySelector('.full .empty')")
    assert page.texts(".full .empty") == [f"There is no item {name} of strong on this page."]


def test_an_anchor_of_a_figure_opens_its_view(page, folder):
    """A link to a figure can be sent to somebody."""
    page.open(folder / "page.html", "#rewardbench-cost")
    assert page.js("return document.body.dataset.view") == "results"
    assert 0 <= page.js("return document.getElementById('rewardbench-cost').getBoundingClientRect().top") < 900


def test_the_keyboard_alone_is_enough(page):
    """Tab reaches the skip link first; j, k, arrows, End and Enter move in the list; the focus is seen."""
    page.keys("\ue004")
    assert page.js("return document.activeElement.className") == "skip"
    ask(page, "#items")
    page.wait("return document.querySelector('.full .title')?.textContent === '0'")  # the first is open
    page.keys("j", "j", "k")
    page.wait("return document.querySelector('.full .title')?.textContent === '1'")
    page.js("document.querySelector('.list').focus()")
    page.keys("\ue015")  # down
    page.wait("return document.querySelector('.full .title')?.textContent === '2'")
    page.keys("\ue010")  # End
    page.wait("return document.querySelector('.full .title')?.textContent === '299'")
    page.keys("\ue007")  # Enter
    page.wait("return document.activeElement.className === 'title'")
    assert page.js("return getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.keys("\ue00c")  # Esc
    page.wait("return document.activeElement.className === 'list'")


CONTRAST = """
const channel = (c) => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const parts = (text) => text.match(/[\\d.]+/g).map((n) => Number(n) * (text.startsWith('color(') ? 255 : 1));
const ground = (node) => {
  for (let at = node; at; at = at.parentElement) {
    const found = parts(getComputedStyle(at).backgroundColor);
    if (found.length < 4 || found[3] > 0) return found;
  }
  return [255, 255, 255];
};
const poor = [];
for (const node of document.querySelectorAll('body *')) {
  const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
  if (!own || !node.getClientRects().length || node.closest('svg, script, style, .skip, .unseen, :disabled')) continue;
  const [a, b] = [light(parts(getComputedStyle(node).color)), light(ground(node))].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  const sign = node.matches('.sign, button[id=theme] span');
  const said = `${node.className || node.tagName} ${ratio.toFixed(2)}: ${node.textContent.slice(0, 40)}`;
  if (ratio < (sign ? 3 : 4.5)) poor.push(said);
}
return poor;
"""


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_can_be_read(page, folder, dark):
    """At least 4.5 to 1 against its ground (WCAG AA), in light and dark, in every view."""
    with page.as_device(dark=dark):
        page.open(folder / "page.html")
        assert page.js(CONTRAST) == []
        ask(page, "#items?run=0&beside=2&item=11")
        page.wait("return document.querySelectorAll('.full .run').length === 2")
        assert page.js(CONTRAST) == []
        page.js("location.hash = '#reproduce'")
        page.wait("return document.body.dataset.view === 'reproduce'")
        assert page.js(CONTRAST) == []


def test_dark_is_dark_and_can_be_chosen(page, folder):
    """By the system, and by the button."""
    ground = "return getComputedStyle(document.body).backgroundColor"
    with page.as_device(dark=True):
        page.open(folder / "page.html")
        assert page.js(ground) == "rgb(18, 21, 20)"
        page.click("#theme")
        assert page.js(ground) == "rgb(251, 251, 250)"


@pytest.mark.parametrize("width", [320, 390])
def test_nothing_is_wider_than_a_phone(page, folder, width):
    """No view scrolls sideways, whatever is open."""
    with page.as_device(width, 800):
        page.open(folder / "page.html")
        for view in ("#results", "#items", "#items?run=0&beside=2&item=11", "#reproduce"):
            page.js("location.hash = arguments[0]", view)
            page.wait("return document.body.dataset.view === arguments[0].slice(1).split('?')[0]", view)
            page.js("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
            assert page.js("return [document.documentElement.scrollWidth, innerWidth]") == [width, width], view


def test_on_a_phone_an_item_takes_the_screen_and_gives_it_back(page, folder):
    """The list, then the item alone, then the list."""
    with page.as_device(390, 800):
        page.open(folder / "page.html", "#items")
        assert items(page)[0] == "0"
        page.click("#row-1")
        page.wait("return document.querySelector('.pane').getClientRects().length > 0")
        assert page.js("return document.querySelector('.list').getClientRects().length") == 0
        page.click(".back")
        page.wait("return document.querySelector('.list').getClientRects().length > 0")


def test_print_shows_every_table_on_white_and_no_buttons(page):
    """Also those that are folded, for as long as it prints, and from a dark screen."""
    with page.as_device(media="print", dark=True):
        assert page.js("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.js("return getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
        folded = "return document.querySelectorAll('details.table:not([open])').length"
        before = page.js(folded)
        page.js("dispatchEvent(new Event('beforeprint'))")
        assert (before > 0, page.js(folded)) == (True, 0)
        page.js("dispatchEvent(new Event('afterprint'))")
        assert page.js(folded) == before
        assert page.js("return document.querySelector('.head').getClientRects().length") == 0
        assert page.js("return document.querySelector('button.csv').getClientRects().length") == 0


def test_how_to_reproduce_it(page, folder):
    """The command, versions, hashes and seed of each run, as in its manifest."""
    page.js("location.hash = '#reproduce'")
    manifest = json.loads((folder / "runs/rewardbench/strong/pairwise/both/manifest.json").read_text())
    (text,) = page.texts("#view-reproduce")
    command = "judgebench run rewardbench --judge strong --template pairwise --data strong-rows.jsonl --orders both"
    assert command in text
    assert manifest["template"]["hash"] in text
    assert manifest["items"]["hash"] in text
    shown = page.js("return document.querySelector('.manifest').textContent")
    assert json.loads(shown) == manifest


def test_without_javascript_the_tables_are_there(folder):
    """Every score stands in the HTML itself."""
    text = (folder / "page.html").read_text()
    assert "<noscript>" in text
    assert re.search(r'<th scope="row" class="judge">strong</th><td class="score"[^>]*><b title="96.4%">96.4</b>', text)
