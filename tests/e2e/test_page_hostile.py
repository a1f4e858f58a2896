"""Hostile texts, names and replies in the page: shown as text, never run, under a policy that stops them anyway."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from browsers import Browser, needs_browser
from commands import judgebench
from finishedruns import written_run
from hypothesis import HealthCheck, given, settings, strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = needs_browser

PAYLOADS = {
    "script": "</script><script>window.pwned = 1</script>",
    "comment": "<!--<script>window.pwned = 1</script>--><!--",
    "image": "<img src=x onerror='window.pwned = 1'><svg onload='window.pwned = 1'>",
    "frame": "<iframe srcdoc='<script>parent.pwned = 1</script>'></iframe><base href='http://127.0.0.1:9/'>",
    "link": "<a href='javascript:window.pwned=1'>x</a> [y](javascript:window.pwned=1) ![z](http://127.0.0.1:9/z.png)",
    "style": "<style>body { background: url(http://127.0.0.1:9/s) }</style><link rel=stylesheet "
    "href=http://127.0.0.1:9/>",
    "escapes": "\x1b]0;owned\x07\x1b[2Jgone \u202egnp.exe\u2066 \x00 \r over",
    "surrogates": "\ud800 alone \udfff",
    "jinja": "{{ 7 * 7 }}{% for x in () %}{% endfor %}",
    "plotly": "<b>bold</b><br><a href='https://example.org'>link</a>&lt;",
    "formula": "=cmd|' /C calc'!A0",
    "prototype": "__proto__",
}


def rows() -> list[dict[str, Any]]:
    """Two rows with each payload in every column, ids and subsets among them."""
    return [
        {"id": f"{text} {at}", "subset": text, "prompt": text, "chosen": f"{text} yes", "rejected": f"{text} no"}
        for text in PAYLOADS.values()
        for at in range(2)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Two runs whose judges, templates, replies and failures are hostile too, and their page."""
    place = tmp_path_factory.mktemp("hostile")
    with contextlib.chdir(place):
        runs = [written_run(f"judge{at}", rows(), lambda key, call, at=at: at, benchmark="custom") for at in range(2)]
        for run, name in zip(runs, ("script", "plotly"), strict=True):
            manifest = json.loads((run / "manifest.json").read_text())
            manifest["judge"]["name"] = manifest["judge"]["model"] = PAYLOADS[name]
            manifest["template"]["name"] = PAYLOADS["image"]
            manifest["versions"] = {PAYLOADS["frame"]: PAYLOADS["link"]}
            (run / "manifest.json").write_text(json.dumps(manifest))
            lines = [json.loads(line) for line in (run / "judgements.jsonl").read_text().splitlines()]
            for line, text in zip(lines, [text for text in PAYLOADS.values() for _ in range(2)], strict=True):
                line |= {"reply": f"{text} [[{line['verdict']}]] 🔥 {text}", "served_model": text, "reasoning": text}
            verdict = lines[1].pop("verdict")
            assert verdict
            lines[1]["failure"] = {"kind": "unreadable", "detail": PAYLOADS["image"]}
            (run / "judgements.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        ended = judgebench("report", *runs, "--html", "page.html")
        assert ended.status == 0, ended.err
    return place


@pytest.fixture
def page(browser: Browser, folder: Path) -> Iterator[Browser]:
    """The page; nothing in it may have run, made an element, asked the network, or been stopped by the policy."""
    browser.requests()
    browser.open(folder / "page.html")
    yield browser
    assert browser.js("return window.pwned") is None
    made = "main img, main iframe, main base, main link, main script, main style, main a[href^=http], a[href^=java]"
    assert browser.js("return [...document.querySelectorAll(arguments[0])].map((e) => e.outerHTML)", made) == []
    assert browser.problems() == []
    assert browser.requests() == []


def test_the_results_are_inert(page):
    """Names in tables, keys and plots."""
    assert page.js("return document.querySelectorAll('.plot svg').length") > 0
    assert page.js("return document.querySelectorAll('.plot svg a').length") == 0
    shown = page.js("return document.getElementById('view-results').textContent")
    assert "</script><script>window.pwned = 1</script>" in shown
    assert "\\u202egnp.exe" in shown


def test_names_in_plots_are_the_texts_that_they_are(page):
    """Tags stand there as they are."""
    assert "<b>bold</b>" in page.js(
        "return [...document.querySelectorAll('.plot svg text')].map((t) => t.textContent).join()"
    )


@pytest.mark.parametrize("name", PAYLOADS)
def test_an_item_is_inert(page, name):
    """Every text of it stands there as text, with what controls written out; so do messages and thinking."""
    at = 2 * list(PAYLOADS).index(name)
    page.js("location.hash = arguments[0]", f"#items?beside=1&number={at}")
    page.wait("return document.querySelectorAll('.full .run').length === 2")
    page.js("document.querySelectorAll('.full details').forEach((each) => { each.open = true; })")
    page.wait("return document.querySelectorAll('.full details.messages pre').length > 1")
    shown = page.js("return document.querySelector('.full .part .text').textContent")
    # The repr, for a message with a lone surrogate cannot be sent from one process to another.
    assert ascii(shown) == ascii(written_out(PAYLOADS[name]))


def written_out(text: str) -> str:
    """What a reader sees of a text: what controls, written out."""
    hidden = "\x1b\x07\u202e\u2066\x00\r\ud800\udfff"
    codes = {each: f"\\x{ord(each):02x}" if ord(each) < 256 else f"\\u{ord(each):04x}" for each in hidden}
    return "".join(codes.get(each, each) for each in text)


def test_the_verdict_is_marked_where_it_stands(page):
    """Behind characters that are two in JavaScript, and texts of all kinds."""
    for at in range(2, 2 * len(PAYLOADS), 2):
        page.js("location.hash = arguments[0]", f"#items?number={at}")
        page.wait("return document.querySelector('.full .title') && location.hash.endsWith(arguments[0])", f"={at}")
        page.wait("return document.querySelector('.full mark.verdict')?.textContent.startsWith('[[')")


def test_every_id_can_be_linked_to(page, folder):
    """What is chosen is found again by its address."""
    page.js("location.hash = '#items'")
    for at in range(0, 2 * len(PAYLOADS), 2):
        page.wait("return document.querySelector('.row')")
        page.js("judgebench.browser.list.select(arguments[0])", at)
        page.wait("return document.querySelector('.full .title')")
        address = page.js("return location.hash")
        page.open(folder / "page.html", address)
        page.wait("return judgebench.browser.at === arguments[0]", at)


def test_a_subset_that_is_hostile_can_be_filtered_by(page):
    """As a value like any other."""
    page.js("location.hash = '#items'")
    page.choose("subset", PAYLOADS["script"])
    page.wait("return document.querySelector('.count').textContent === '2 of 24 items'")


MARKS = st.sampled_from(
    [
        *(
            "<script>window.pwned = 1</script>",
            "<img src=x onerror='window.pwned = 1'>",
            "[a](javascript:window.pwned=1)",
        ),
        *("**", "__", "*", "`", "```\n", "\n# ", "\n- ", "\n1. ", "\n> ", "| a |\n", "\n", "\n\n", " ", "word"),
        *("![x](http://127.0.0.1:9/z.png)", "<b>", "</div>", "&lt;", "\u202e", "]()", "](", "["),
    ]
)
ELEMENTS = ["BLOCKQUOTE", "CODE", "DIV", "EM", "HR", "LI", "OL", "P", "PRE", "SPAN", "STRONG", "UL"]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.lists(MARKS, max_size=14).map("".join), min_size=20, max_size=20))
def test_markdown_makes_plain_elements_alone(page, texts):
    """Whatever is put together: no link, picture or script, no attribute but a class, and every word stays."""
    made = page.js(
        "const { markdown } = judgebench; return arguments[0].map((text) => { const place = markdown(text);"
        "const every = [place, ...place.querySelectorAll('*')];"
        "return [[...new Set(every.map((e) => e.tagName))], [...new Set(every.flatMap((e) => e.getAttributeNames()))],"
        "place.textContent]; })",
        texts,
    )
    for text, (tags, attributes, shown) in zip(texts, made, strict=True):
        assert set(tags) <= set(ELEMENTS)
        assert set(attributes) <= {"class"}
        assert shown.count("word") == text.count("word")
        assert shown.count("window.pwned") == text.count("window.pwned")


def test_a_formula_is_text_in_the_data(page):
    """A spreadsheet does not run it; negative numbers stay numbers."""
    assert page.js("return judgebench.csv(['=a'], [[-1.5], ['=1+1'], ['-x'], ['a\"b']])") == (
        '\'=a\r\n-1.5\r\n\'=1+1\r\n\'-x\r\n"a""b"\r\n'
    )


@pytest.mark.parametrize(
    ("attempt", "stopped"),
    [
        (
            "const s = document.createElement('script'); s.textContent = 'window.own = 1'; document.head.append(s)",
            "script",
        ),
        (
            "const d = document.createElement('div'); d.innerHTML = `<img src=x onerror='window.own = 1'>`",
            "Content Security",
        ),
        ("new Image().src = 'http://127.0.0.1:9/x.png'", "img-src"),
        ("fetch('http://127.0.0.1:9/').catch(() => 0)", "connect-src"),
        ("const f = document.createElement('iframe'); f.src = 'http://127.0.0.1:9/'; document.body.append(f)", "frame"),
    ],
)
def test_the_policy_stops_what_would_get_through(browser, folder, attempt, stopped):
    """Even a script that stood in the page by mistake could neither run nor send anything."""
    browser.open(folder / "page.html")
    browser.js(attempt)
    browser.wait("return new Promise((done) => setTimeout(() => done(true), 150))")
    assert browser.js("return window.own") is None
    assert any("Content Security Policy" in problem and stopped in problem for problem in browser.problems())


def test_nothing_is_made_into_code(browser, folder):
    """`eval` is refused."""
    browser.open(folder / "page.html")
    # Later, for what a driver runs itself is allowed to.
    browser.js("setTimeout(() => { try { window.own = (0, eval)('1'); } catch (error) { window.own = error.name; } })")
    assert browser.wait("return window.own") == "EvalError"
    browser.problems()
