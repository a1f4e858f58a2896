"""The page's answer on trust: a card on the first screen, and a figure, where people's labels are."""

import re
from pathlib import Path

import pytest
from commands import judgebench, lasting_folder

import judgebench as jb
from judgebench.pages.report import page_of


def shown():
    """The text of the page."""
    return " ".join(re.sub(r"<[^>]+>", " ", Path("page.html").read_text()).split())


def sides(found):
    """Who stands in the figure of agreement with people."""
    (figure,) = [
        each for each in page_of(found).context["chapters"][0].figures if each.title == "Agreement with people"
    ]
    return [row.entries[1] for row in figure.table.rows]


def run(people):
    """A judge that is right on 36 of 40 pairs, imported with the verdicts, and people's labels of them."""
    rows = [
        {"id": f"q{at}", "verdict": "AB"[(at + (at >= 36)) % 2], "label": "AB"[at % 2], "prompt": "p"}
        for at in range(40)
    ]
    given = [{"id": row["id"], "label": row["label"], "annotator": f"a{who}"} for row in rows for who in range(people)]
    return jb.import_verdicts(rows, judge="mine", out=str(lasting_folder()))[0], given


@pytest.mark.parametrize(
    ("people", "need", "answer"),
    [(1, "agreement=0.7", "yes"), (1, "agreement=0.99", "no"), (2, None, "cannot say yet")],
)
def test_the_first_card_says_whether_the_judge_can_be_trusted(people, need, answer):
    """The card has the gate's answer and its reason, and the figure people's own agreement where two labelled."""
    judged, labels = run(people)
    jb.report_page(judged, "page.html", labels=labels, need=need)
    assert f"Can you trust it {answer} mine: agreement with people 90.0%" in shown()
    report = jb.report(judged, labels=labels, need=need)
    assert sides(report) == (["mine", "people (ceiling)"] if people > 1 else ["mine"])


def test_runs_without_peoples_labels_have_no_card():
    """A gold label alone says nothing of people."""
    jb.report_page(run(1)[0], "page.html")
    assert "Can you trust it" not in shown()


def test_report_takes_labels_and_names_them_in_its_command(tmp_path):
    """The page says how it is made again, with the file of labels."""
    judged, labels = run(1)
    file = tmp_path / "people.csv"
    file.write_text("id,label\n" + "".join(f"{each['id']},{each['label']}\n" for each in labels))
    ended = judgebench("report", judged.path, "--labels", file, "--need", "agreement=0.7", "--html", "page.html")
    assert ended.status == 0
    assert "validate: TRUSTED" in " ".join(ended.out.split())
    assert f"--labels {file} --need agreement=0.7 --html page.html" in shown()
