"""The figure of what people would say, beside what the judge says alone."""

import json
from contextlib import chdir

from commands import lasting_folder

import judgebench as jb
from judgebench.pages.report import page_of


def figure(rows, labels):
    """The figure's names and rows, of a run that is made of these verdicts; None where the page has none."""
    here = lasting_folder()
    with chdir(here):
        run = jb.import_verdicts(rows, judge="mine", out=str(here / "runs"))[0]
    page = page_of(jb.report(run, labels=labels))
    (chapter,) = page.context["chapters"]
    return next((each for each in chapter.figures if each.id.endswith("-estimate")), None)


def pairs(models):
    """Sixty pairs, of which the judge prefers the first answer in forty."""
    return [
        {"id": f"q{n}", "verdict": "AAB"[n % 3], "model_a": models[0], "model_b": models[1 + n % (len(models) - 1)]}
        for n in range(60)
    ]


def test_the_figure_has_the_judge_and_the_estimate():
    """A line for each: the judge alone without an interval, PPI++ with one, as `judgebench estimate` gives them."""
    labels = [{"id": f"q{n}", "label": "AB"[n % 2]} for n in range(30)]
    found = figure(pairs(["ant", "bee"]), labels)
    judge, corrected = json.loads(json.dumps(found.to_json()["rows"]))
    assert judge[:4] == ["mine", "ant", "judge alone", 40 / 60]
    assert judge[4:6] == [None, None]
    assert corrected[2] == "PPI++"
    assert corrected[4] < corrected[3] < corrected[5]


def test_several_models_have_a_line_each():
    """Of three models each has its own win rate."""
    labels = [{"id": f"q{n}", "label": "AB"[n % 2]} for n in range(40)]
    found = figure(pairs(["ant", "bee", "cat"]), labels)
    assert [row[1] for row in found.to_json()["rows"]] == ["ant", "ant", "bee", "bee", "cat", "cat"]


def test_few_labels_are_not_called_corrected():
    """With five labels there is no figure, since nothing can be said yet."""
    assert figure(pairs(["ant", "bee"]), [{"id": f"q{n}", "label": "A"} for n in range(5)]) is None
