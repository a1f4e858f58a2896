"""Scorers: a reward model in Python is scored by the path that a score file takes."""

import json

import pytest
from commands import judgebench
from plugins import lay_example, lay_package
from scoring import write_rows

import judgebench as jb
from judgebench.errors import ConfigError
from judgebench.rewards.scorer import LengthScorer, Scorer

ROWS = [
    {"id": "1", "prompt": "p", "chosen": "longest", "rejected": "long"},
    {"id": "2", "prompt": "p", "chosen": "no", "rejected": "yes"},
    {"id": "3", "prompt": "p", "chosen": "four", "rejected": ["a", "b", "four"]},
]
LENGTHS = [[7, 4], [2, 3], [4, 1, 1, 4]]
"""Counted by hand; right, wrong, and shared by two: the score is (1 + 0 + 1/2) / 3."""


class Given(Scorer):
    """Gives what it is told to give, and keeps what it was asked."""

    name = "given"

    def __init__(self, scores):
        self._scores, self.asked = scores, []

    def scores(self, conversations):
        self.asked = list(conversations)
        return self._scores


def scored(scorer, tmp_path, **options):
    return jb.score(scorer, benchmark="custom", data=ROWS, out=tmp_path / "runs", **options)


def sources_of(run):
    """The scores that each item's outcome came from."""
    return [json.loads(line)["scores"] for line in (run.path / "outcomes.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("scorer", [LengthScorer(), "length"])
def test_a_scorer_makes_the_run_that_its_file_makes(tmp_path, scorer):
    """The scores, the metrics and the outcomes are those of a file with the same numbers."""
    rows = [{"id": row["id"], "scores": scores} for row, scores in zip(ROWS, LENGTHS, strict=True)]
    of_file = scored(write_rows(tmp_path / "length.jsonl", rows), tmp_path / "file")
    of_scorer = scored(scorer, tmp_path / "scorer")
    assert of_scorer.metrics.score == pytest.approx(0.5, abs=1e-12)
    assert of_scorer.metrics == of_file.metrics
    assert sources_of(of_scorer) == sources_of(of_file)
    assert of_scorer.path.relative_to(tmp_path / "scorer").parts == ("runs", "custom", "length", "scores")


def test_a_scorer_is_asked_about_whole_conversations(tmp_path):
    """The prompt's turns and one completion's, the correct ones first, item by item."""
    scorer = Given([1.0] * 8)
    scored(scorer, tmp_path)
    assert scorer.asked[:2] == [
        [{"role": "user", "content": "p"}, {"role": "assistant", "content": text}] for text in ("longest", "long")
    ]
    assert [turns[-1]["content"] for turns in scorer.asked[4:]] == ["four", "a", "b", "four"]


def test_scores_in_a_list_of_rows(tmp_path):
    """What a score file holds may be given as rows too."""
    rows = [{"id": row["id"], "scores": scores} for row, scores in zip(ROWS, LENGTHS, strict=True)]
    assert scored(rows, tmp_path, name="mine").metrics.score == pytest.approx(0.5, abs=1e-12)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([1.0] * 7, "scorer 'given' ended at item '3': it must score every item"),
        ([1.0] * 9, "scorer 'given' gave more scores than conversations"),
        ([float("nan")] + [1.0] * 7, "given: scores that are not finite numbers: 1 (NaN);"),
        (["high"] + [1.0] * 7, "given item '1': column 'scores' holds 'high', expected numbers"),
    ],
)
@pytest.mark.filterwarnings("ignore:scorer 'given'")
def test_scores_that_do_not_fit_are_refused(tmp_path, scores, message):
    """A scorer that gives too few, too many, or no numbers is named, and no run is made."""
    with pytest.raises(ConfigError) as caught:
        scored(Given(scores), tmp_path)
    assert message in str(caught.value)
    assert not list((tmp_path / "runs").rglob("metrics.json"))


def test_a_score_that_is_no_number_may_be_a_failure(tmp_path):
    """With `allow_missing` such items count as missing, as in a file; the first is told of once, as it comes."""
    nan = float("nan")
    with pytest.warns(UserWarning, match="scorer 'given': item '1' has the score nan, not a finite number") as said:
        run = scored(Given([1.0, nan, nan, *[1.0] * 5]), tmp_path, allow_missing=True)
    assert (run.metrics.failures, len(said)) == ({"missing": 2}, 1)


# --- other packages' scorers


def test_the_example_of_the_docs_is_scored(tmp_path, monkeypatch):
    """By its name on the command line, with what stands after the colon: one of two items has the prompt's words."""
    lay_example(tmp_path / "site", monkeypatch)
    monkeypatch.chdir(tmp_path)
    rows = [
        {"prompt": "two red apples", "chosen": "red apples", "rejected": "none"},
        {"prompt": "two red apples", "chosen": "none", "rejected": "two"},
    ]
    data = write_rows(tmp_path / "rows.jsonl", rows)
    ended = judgebench("score", "overlap:2", "--benchmark", "custom", "--data", data, "--json")
    assert (ended.status, ended.metrics[0]["score"], ended.metrics[0]["judge"]) == (0, 0.5, "overlap"), ended.err
    assert sources_of(jb.Run.load("runs/custom/overlap/scores")) == [[2 * 2 / 3, 0], [0, 2 * 1 / 3]]


def test_a_file_wins_over_a_scorer(tmp_path, monkeypatch):
    """A file of a scorer's name is a file."""
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "length", [{"id": "1", "scores": [1, 2]}])
    with pytest.raises(ConfigError, match="length: unknown file format"):
        scored("length", tmp_path)


def test_a_scorer_that_is_none_is_one_clear_mistake(tmp_path, monkeypatch):
    """A package whose entry point makes something else is named, with what is wrong."""
    lay_package(tmp_path, "odd", "make = len", {"judgebench.scorers": {"odd": "odd:make"}})
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(
        ConfigError, match=r"scorer 'odd' of the package odd .*: it does not return a judgebench\.rewards"
    ):
        scored("odd", tmp_path)


class Broken(Scorer):
    """Raises at the first conversation."""

    name = "broken"

    def scores(self, conversations):
        for _ in conversations:
            raise RuntimeError("kaboom")


class Nameless(Broken):
    """Has no name."""

    name = None


@pytest.mark.parametrize(
    ("scorer", "message"),
    [
        (Broken(), f"scorer 'broken': {__name__}:Broken.scores() raised RuntimeError: kaboom; fix this method"),
        (Nameless(), f"scorer {__name__}:Nameless cannot be used: it has no name: set name to a text"),
        (Broken, "Broken is a class: pass an object of it: Broken(...)"),
        ("lenght:2", "unknown scorer 'lenght': did you mean length? The scorers are "),
        ("owner/lengths", "unknown scorer 'owner/lengths': "),
        ("nope.jsonl", "file or folder not found: 'nope.jsonl'"),
    ],
)
def test_a_mistake_in_a_scorer_is_one_line(tmp_path, monkeypatch, scorer, message):
    """With the class and what it raised, or the nearest name; a name without a file is never looked for on the hub."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        scored(scorer, tmp_path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_a_scorer_does_not_take_is_said(tmp_path, monkeypatch):
    """With the text after the colon."""
    lay_package(tmp_path, "strict", "make = int", {"judgebench.scorers": {"strict": "strict:make"}})
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(
        ConfigError, match=r"scorer 'strict' .* did not take 'many': ValueError: .*; check what follows"
    ):
        scored("strict:many", tmp_path)
