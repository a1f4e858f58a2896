"""`judgebench rescore --labels`: corrected labels by id, and the score before and after."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import best_of_four, judgebench, pairs, write_jsonl
from finishedruns import written_run

import judgebench as jb
from judgebench.analysis.compare import compare_finished
from judgebench.runs import Finished

ROWS = 20


def denied(orders: str = "one") -> Path:
    """Chosen everywhere but for items 2 and 5: right on 18 of 20 pairs."""
    return written_run("judge", pairs(ROWS, ("hep-python",)), lambda key, _: int(key.id in {"2", "5"}), orders=orders)


def fixes(*lines: str) -> Path:
    Path("fixes.csv").write_text("\n".join(["id,label,comment", *lines]) + "\n")
    return Path("fixes.csv")


@pytest.mark.parametrize("orders", ["one", "both"])
def test_a_flipped_label_makes_a_wrong_verdict_right(orders):
    """18 of 20 before, 19 of 20 after; nothing else changes, and every verdict is still there."""
    found = jb.rescore(denied(orders), labels=fixes("5,flip,the code does not run"))

    assert (found.score_before, found.metrics.score) == (pytest.approx(0.9), pytest.approx(0.95))
    assert [(c.item, c.credit_before, c.credit_after, c.comment) for c in found.labels] == [
        ("5", 0.0, 1.0, "the code does not run")
    ]
    assert (found.changes, found.metrics.coverage) == ((), 1.0)


def test_the_new_run_has_the_corrected_items():
    """Its correct answer comes first, as everywhere; replies and messages are of the slots that were shown."""
    run = denied()
    before = {item.id: item for item in jb.Run.load(run).items}
    found = jb.rescore(run, labels=fixes("5,flip,", "7,keep,looked at"))
    after = jb.Run.load(found.path)
    items = {item.id: item for item in after.items}

    assert items["5"].completions == before["5"].completions[::-1]
    assert items["7"] == before["7"]
    old = next(j for j in jb.Run.load(run).judgements if j.item == "5")
    new = next(j for j in after.judgements if j.item == "5")
    assert [items["5"].completions[at] for at in new.order] == [before["5"].completions[at] for at in old.order]
    assert new.verdict == old.verdict
    assert after.metrics.score == pytest.approx(0.95)


def test_what_was_corrected_is_rescored_and_corrected_again():
    """Flipped back, the score is the first one; no call is counted as missing on the way."""
    once = jb.rescore(denied(), labels=fixes("5,flip,", "2,flip,"))
    assert once.metrics.score == pytest.approx(1.0)
    again = jb.rescore(once.path, labels=fixes("5,flip,"))
    assert (again.score_before, again.metrics.score) == (pytest.approx(1.0), pytest.approx(0.95))
    assert again.metrics.coverage == 1.0
    assert jb.rescore(again.path, dry_run=True).metrics.score == pytest.approx(0.95)


def test_the_best_of_four_is_named_by_its_number():
    """Item 1's answer 2, which the judge takes, becomes the correct one."""
    rows = best_of_four(8)
    ids = [row["id"] for row in rows]
    run = written_run("judge", rows, lambda key, _: 2 if key.id == ids[1] else 0, benchmark="rewardbench-2")
    found = jb.rescore(run, labels=fixes(f"{ids[1]},2,"))
    assert [(c.credit_before, c.credit_after) for c in found.labels] == [(0.0, 1.0)]
    assert found.metrics.score == pytest.approx(1.0)


def test_rows_of_ones_own_can_become_ties_and_lose_their_label():
    """A tie gives a choice nothing; an item without a label has no credit, and is not in the score."""
    rows = [{"id": str(n), "prompt": f"Q {n}?", "chosen": "yes", "rejected": "no"} for n in range(4)]
    found = jb.rescore(written_run("judge", rows, lambda *_: 0, benchmark="custom"), labels=fixes("1,tie,", "2,none,"))
    assert [(c.credit_before, c.credit_after) for c in found.labels] == [(1.0, 0.0), (1.0, None)]
    assert found.metrics.score == pytest.approx(2 / 3)


OWN = [
    {"id": n, "prompt": f"Q {n}?", "response_a": "first", "response_b": "second!", "winner": label}
    for n, label in enumerate(("A", "B", "A", "tie", None))
]


@pytest.mark.parametrize(
    ("labels", "changed"),
    [
        (("A", "A", "B", "B", "B"), {"1": "A", "2": "B", "3": "B", "4": "B"}),
        (("response_a", "Answer 1", "second", "model_b", "tie"), {"1": "A", "2": "B", "3": "B", "4": "tie"}),
        (("1", "1", "2", "2", "0"), {"1": "A", "2": "B", "3": "B", "4": "tie"}),
        (("m", "m", "n", "n", "keep"), {"1": "A", "2": "B", "3": "B"}),
        (("chosen", "flip", "rejected", "equal", ""), {"1": "A", "2": "B"}),
        (("0", "1", "1", "keep", "keep"), {"1": "A", "2": "B"}),
    ],
)
def test_labels_in_the_words_of_the_rows(labels, changed):
    """Slots, words, numbers, models and ties are the rows' own, whichever answer the run has first."""
    models = {"model_a": "m", "model_b": "n"}
    run = jb.run("custom", judge="offline/first", data=write_jsonl(Path("own.jsonl"), [row | models for row in OWN]))
    found = jb.rescore(run, labels=fixes(*(f"{n},{label}," for n, label in enumerate(labels))))
    after = {item.id: item for item in jb.Run.load(found.path).items}

    def label_of(item):
        return item.label or ("A" if item.completions[0].text == "first" else "B")

    assert {change.item: label_of(after[change.item]) for change in found.labels} == changed


def test_a_leaderboard_says_the_score_before_and_after():
    """The corrected run is called so beside its origin, which keeps its rank and its plain name."""
    run = denied()
    jb.rescore(run, labels=fixes("5,flip,"))
    ended = judgebench("leaderboard", "runs")
    said = " ".join(ended.out.split())

    assert "-: judge · labels corrected (fixes.csv), not ranked: 90.0% before, 95.0% after (1 of 20 labels)" in said
    assert "other items" not in said
    assert "1 judge" in said


def test_runs_with_other_labels_are_compared_over_what_they_share():
    """The corrected item is another item."""
    run = denied()
    other = jb.rescore(run, labels=fixes("5,flip,")).path
    found = compare_finished([Finished(jb.Run.load(each)) for each in (run, other)], common=True)
    assert found.items == ROWS - 1


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["55,flip,"], "fixes.csv line 2: unknown item '55': did you mean 5"),
        (["5,flipped,"], "did you mean flip?"),
        (["5,good,"], "must be keep, flip, A, B or the number of its best answer, 0 to 1"),
        (["5,3,"], "0 to 1"),
        (["5,A,"], "label 'A' of item '5' is an answer of its row, and the run's rows are not there or say which one"),
        (["5,2,"], "write flip or keep"),
        (["5,flip,", "5,1,"], "line 3: item '5' is named twice"),
        (["5,keep,"], "changes no label"),
    ],
)
def test_mistakes_are_one_line_with_the_nearest(lines, said):
    """Exit status 2, and nothing is written."""
    run = denied()
    ended = judgebench("rescore", run, "--labels", fixes(*lines))
    assert ended.status == 2
    assert said in " ".join(ended.err.split())
    assert [each.name for each in run.parent.iterdir()] == ["one"]


def test_a_file_without_the_columns_says_which_are_needed():
    """And which it has."""
    Path("fixes.csv").write_text("item;gold\n5;A\n")
    ended = judgebench("rescore", denied(), "--labels", "fixes.csv")
    assert (ended.status, "needs the columns id and label" in ended.err, "item, gold" in ended.err) == (2, True, True)


def test_the_command_shows_the_score_before_and_after():
    """With the corrected items and their comments."""
    ended = judgebench("rescore", denied(), "--labels", fixes("5,flip,does not run"))
    assert ended.status == 0
    assert "score 90.0% before, 95.0% after (+5.0 pp)" in ended.out
    assert "1 label corrected" in ended.out
    assert "does not run" in ended.out
