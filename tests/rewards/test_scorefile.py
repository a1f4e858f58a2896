"""Score files: what was scored stays, whatever ends the process, and is not scored again."""

import json
import math
from dataclasses import replace

import pytest

from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.dataset import load_dataset
from judgebench.errors import ConfigError
from judgebench.rewards.encoding import Encoded
from judgebench.rewards.model import ModelScore, ModelScorer
from judgebench.rewards.scorefile import ScoreFile, score_dataset

ROWS = [{"id": f"item-{size}", "prompt": "p", "chosen": "c" * size, "rejected": "r"} for size in (3, 9, 1, 6)]


class Counting(ModelScorer):
    """Scores by length, and keeps what it was asked; ends with an error after so many windows."""

    name, about, notes, batch_tokens = "counting", {}, (), 4

    def __init__(self, windows=99, read_at_once=32, batches_at_once=8):
        self.asked, self._windows = [], windows
        self.read_at_once, self.batches_at_once = read_at_once, batches_at_once

    def encode(self, conversations):
        return [Encoded([0] * len(turns[-1]["content"])) for turns in conversations]

    def read(self, window):
        if not self._windows:
            raise KeyboardInterrupt
        self._windows -= 1
        self.asked += [len(each.ids) for each in window]
        return [ModelScore(float(len(each.ids)), int(len(each.ids) == 9)) for each in window]


@pytest.fixture
def dataset():
    return load_dataset(get_benchmark("custom"), ROWS)


def score(path, dataset, scorer, identity=None):
    file = ScoreFile(path, {"model": "m"} if identity is None else identity)
    with file.open({}):
        there = score_dataset(scorer, dataset, file)
    return there, {row["id"]: row["scores"] for row in file.rows()}, file


EVERY = {"item-3": [3.0, 1.0], "item-9": [9.0, 1.0], "item-1": [1.0, 1.0], "item-6": [6.0, 1.0]}


def test_every_item_gets_its_own_scores_longest_first(tmp_path, dataset):
    """The scores of an item are in the order of its completions; what was cut off is counted."""
    scorer = Counting()
    assert score(tmp_path / "s.jsonl", dataset, scorer)[:2] == (0, EVERY)
    assert scorer.asked == [9, 1, 6, 1, 3, 1, 1, 1]
    lines = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]
    assert lines[0] == {"id": "item-9", "scores": [9.0, 1.0], "truncated": 1}


def test_a_file_whose_last_line_was_cut_off_goes_on(tmp_path, dataset):
    """As a power cut or kill -9 leaves it: whole lines stay, the rest is scored."""
    path = tmp_path / "s.jsonl"
    score(path, dataset, Counting())
    first, second, *_ = path.read_text().splitlines(keepends=True)
    path.write_text(first + second + '{"id": "item-1", "sco')
    scorer = Counting()
    assert score(path, dataset, scorer)[:2] == (2, EVERY)
    assert scorer.asked == [3, 1, 1, 1]


def test_what_was_scored_before_an_interruption_stays(tmp_path, dataset):
    """Each batch's rows are in the file before the next batch begins."""
    with pytest.raises(KeyboardInterrupt):
        score(tmp_path / "s.jsonl", dataset, Counting(windows=1, read_at_once=3, batches_at_once=1))
    assert [json.loads(line)["id"] for line in (tmp_path / "s.jsonl").read_text().splitlines()] == ["item-9"]


class Overflowing(Counting):
    """Has no finite score of long answers."""

    def read(self, window):
        return [replace(each, score=math.inf) if each.truncated else each for each in super().read(window)]


def test_a_score_that_is_not_finite_is_told_of_as_it_comes(tmp_path, dataset):
    """Before the next items are scored, once, with its item and what becomes of it; at a resumption too."""
    said = "counting: item 'item-9' has the score inf, not a finite number: --allow-missing counts such items as"
    with pytest.warns(UserWarning, match=said), pytest.raises(KeyboardInterrupt):
        score(tmp_path / "s.jsonl", dataset, Overflowing(windows=1, read_at_once=3, batches_at_once=1))
    with pytest.warns(UserWarning, match=said) as again:
        score(tmp_path / "s.jsonl", dataset, Overflowing())
    assert len(again) == 1


def test_windows_follow_the_time_that_they_take():
    """Quick models get larger ones, slow models smaller ones, between 1 batch and 16."""
    scorer = Counting(batches_at_once=2)
    sizes = []
    for seconds in (0.1, 0.1, 0.1, 5.0, 11.0, 11.0, 11.0, 11.0, 11.0):
        scorer._adapt(seconds)
        sizes.append(scorer.batches_at_once)
    assert sizes == [16, 16, 16, 16, 8, 4, 2, 1, 1]


def test_other_settings_make_another_file(tmp_path, dataset):
    """Scores of two models, or of one in two precisions, are never mixed."""
    path = tmp_path / "s.jsonl"
    score(path, dataset, Counting())
    before = path.read_text()
    there, _, other = score(path, dataset, Counting(), {"model": "m", "dtype": "float16"})
    assert (there, path.read_text()) == (0, before)
    assert other.path.name.startswith("s-")
    assert score(path, dataset, Counting(), {"model": "m", "dtype": "float16"})[0] == 4


def test_a_file_of_another_kind_is_left_alone(tmp_path, dataset):
    """A score file that somebody put there is neither read nor written."""
    path = tmp_path / "s.jsonl"
    path.write_text("mine\n")
    assert score(path, dataset, Counting())[2].path != path
    assert path.read_text() == "mine\n"


def test_a_line_that_is_no_row_is_named(tmp_path, dataset):
    """With the fix."""
    path = tmp_path / "s.jsonl"
    score(path, dataset, Counting())
    path.write_text("nonsense\n" + path.read_text())
    with pytest.raises(ConfigError, match=r"s\.jsonl line 1: not a row of scores; remove the file"):
        score(path, dataset, Counting())
