"""Templates that were edited between runs: the page shows what changed, and which verdicts changed with it."""

from __future__ import annotations

from pathlib import Path

from commands import judgebench, pairs
from finishedruns import written_run

from judgebench.analysis.edits import wording_edits
from judgebench.runs.run import Finished, Run

OWN = """\
---
name: v1
mode: pairwise
verdict: {pattern: '\\[\\[([AB])\\]\\]', example: '[[A]]'}
---
{% block user %}{% include "rule.txt" %}
{{ prompt }}
{% for c in completions %}[[{{ c.label }}]] {{ c.text }}{% endfor %}{% endblock %}
"""


def edited_runs() -> list[Path]:
    """A judge's runs with a template and its edit, items 1 and 2 of 4 in another way."""
    paths = []
    for number, wrong in enumerate(("1", "2")):
        Path("rule.txt").write_text(f"Be strict {number}.")
        Path("v1.jinja").write_text(OWN if not number else OWN.replace("{{ prompt }}", "<b>{{ prompt }}</b>"))
        run = written_run("mine", pairs(4), lambda key, _, wrong=wrong: int(key.id == wrong), templates=["v1.jinja"])
        paths.append(run.rename(run.with_name(f"one-{number}")))
    return paths


def test_an_edit_has_its_lines_and_its_flips():
    """One edit, whose later text has its date: a line of the template and one of the included file, two verdicts."""
    (edit,) = wording_edits([Finished(Run(path)) for path in edited_runs()])
    assert (edit.before, edit.after.startswith("v1 (edited ")) == ("v1", True)
    changed = [line for line in edit.lines if line[0] in {"added", "removed"}]
    assert changed == [
        ("removed", "{{ prompt }}"),
        ("added", "<b>{{ prompt }}</b>"),
        ("removed", "Be strict 0."),
        ("added", "Be strict 1."),
    ]
    assert ("place", "rule.txt") in edit.lines
    assert edit.flips == ("mine: 2 of 4 items change their verdict, 1 for the better and 1 for the worse (items 1, 2)",)


def test_the_page_shows_the_edit_as_text():
    """What the template holds is shown, and is no markup of the page."""
    assert judgebench("report", *edited_runs(), "--html", "page.html").status == 0
    page = Path("page.html").read_text()
    assert "&lt;b&gt;{{ prompt }}&lt;/b&gt;" in page
    assert "v1 → v1 (edited " in page


def test_templates_of_other_names_are_no_edits():
    """Nor is one text in several runs."""
    runs = [written_run(name, pairs(4), lambda *_: 0) for name in ("a", "b")]
    assert wording_edits([Finished(Run(path)) for path in runs]) == []
