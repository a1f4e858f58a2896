"""Rows that come from no file: lists, frames, other packages' sources, and the maps on top of any."""

import json
import sqlite3
from contextlib import closing

import pandas as pd
import pyarrow as pa
import pytest
from plugins import lay_example, lay_package
from readrows import mistake, read

import judgebench as jb
from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.dataset import load_dataset
from judgebench.errors import ConfigError
from judgebench.sources.mapped import MappedSource
from judgebench.sources.opening import source_of
from judgebench.sources.source import FrameSource, ListSource, Row, Source

CUSTOM = get_benchmark("custom")
PAIRS = [
    {"id": "1", "prompt": "p", "chosen": "a long answer", "rejected": "short", "subset": "x"},
    {"id": "2", "prompt": "q", "chosen": "no", "rejected": "a long answer", "subset": "y"},
]
VOTES = [{"question": "p", "left": "x", "right": "y", "winner": winner} for winner in ("model_a", "2", "draw", None)]
COLUMNS = {"prompt": "question", "response_a": "left", "response_b": "right", "label": "winner"}
LABELS = {"model_a": "A", "2": "B", "draw": "tie"}


class Stream:
    """What a frame of Polars or DuckDB is to us: Arrow's stream interface and nothing else."""

    def __init__(self, rows):
        self._table = pa.Table.from_pylist(rows)

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


# --- lists and frames


@pytest.mark.parametrize("make", [list, iter, tuple, lambda rows: (row for row in rows)])
def test_rows_in_memory(make):
    """A list of dictionaries, or what can be gone through only once, gives its rows as often as they are read."""
    assert read(source_of(make(PAIRS))) == [("list row 1", PAIRS[0]), ("list row 2", PAIRS[1])]


@pytest.mark.parametrize("make", [pd.DataFrame, pa.Table.from_pylist, Stream])
def test_frames(make):
    """A frame of pandas, Arrow or whatever speaks its interface gives its rows with their places."""
    assert read(source_of(make(PAIRS))) == [("frame row 1", PAIRS[0]), ("frame row 2", PAIRS[1])]


def test_a_reader_that_can_be_read_once_is_kept():
    """Rows of a stream of Arrow's are there a second time too."""
    table = pa.Table.from_pylist(PAIRS)
    assert len(read(source_of(pa.RecordBatchReader.from_batches(table.schema, table.to_batches())))) == 2


def test_values_of_a_frame_are_plain():
    """Missing values are None, lists are lists, and an index without a name is no column."""
    frame = pd.DataFrame({"id": [1, 2], "chosen": [["a"], ["b", "c"]], "note": ["x", None]}, index=["i", "j"])
    (_, first), (_, second) = read(source_of(frame))
    assert first == {"id": 1, "chosen": ["a"], "note": "x"}
    assert second == {"id": 2, "chosen": ["b", "c"], "note": None}
    assert list(read(source_of(frame.rename_axis("key")))[0][1]) == ["id", "chosen", "note", "key"]


def test_a_long_frame_is_read_in_batches():
    """The places go on over the batches in which rows are taken."""
    assert [row.where for row in FrameSource(pd.DataFrame({"a": range(600)}))][-1] == "frame row 600"


def test_the_same_rows_make_the_same_items_whatever_they_come_from(tmp_path):
    """A file, a list and a frame of the same texts have one hash, so their runs are of the same items."""
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in PAIRS), encoding="utf-8")
    ways = [str(path), path, PAIRS, iter(PAIRS), pd.DataFrame(PAIRS), ListSource(PAIRS)]
    assert len({load_dataset(CUSTOM, data).hash for data in ways}) == 1
    assert load_dataset(CUSTOM, PAIRS).origin == {"source": "list", "revision": None, "split": None}


def test_only_a_single_file_has_a_hash_of_its_own(tmp_path):
    """SHA-256 of the file's bytes, as `sha256sum` prints it; rows in memory and folders have none."""
    (tmp_path / "a.jsonl").write_bytes(b'{"a": 1}\n')
    (tmp_path / "b.jsonl").write_bytes(b'{"a": 1}\n')
    found = source_of(tmp_path / "a.jsonl").hash()
    assert found == "e8c628edc9968ef0c668f54e0ba2636b35503357eb1aca0ddc828aeace432f67"
    assert MappedSource(source_of(tmp_path / "a.jsonl")).hash() == found
    assert source_of(tmp_path).hash() is source_of(PAIRS).hash() is None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "list is empty: give a source with at least one row"),
        (pd.DataFrame(), "frame is empty"),
        ([PAIRS[0], "text"], "list row 2: is str, expected a dictionary of columns"),
        ({"prompt": ["p"]}, "data is dict: give a path, a hub id, a data frame or a list of rows"),
        (3, "data is int: give a path"),
        (pd.DataFrame({"label": ["A", 1]}), "frame: cannot be read ("),
    ],
)
def test_each_mistake_in_memory_names_its_place(data, message):
    """What is wrong with rows in memory is one line with the place and the fix."""
    assert message in mistake(data)


def test_the_command_of_a_run_takes_rows_in_memory(tmp_path):
    """A run over a list of rows scores as its file would: the longest answer is right once in two."""
    dataset = load_dataset(CUSTOM, PAIRS)
    assert [item.id for item in dataset] == ["1", "2"]
    scored = jb.score("length", benchmark="custom", data=PAIRS, out=tmp_path / "runs")
    assert scored.metrics.score == 0.5


# --- maps


def labels(source):
    """What people said of each item: the place of the better answer's text, or a tie."""
    items = list(CUSTOM.items(source))
    return [item.label or (item.completions[0].text if item.num_correct else None) for item in items]


@pytest.mark.parametrize("make", [ListSource, lambda rows: source_of(pd.DataFrame(rows))])
def test_columns_and_labels_are_mapped_on_top_of_any_source(make):
    """Rows of other names and labels become a benchmark's own, in any order of the map."""
    mapped = MappedSource(make(VOTES), COLUMNS, LABELS)
    assert labels(mapped) == ["x", "y", "tie", None]
    assert labels(MappedSource(make(VOTES), dict(reversed(COLUMNS.items())), LABELS)) == ["x", "y", "tie", None]


def test_other_columns_and_places_stay():
    """What the map does not name is kept, places and splits are those of the rows."""
    (row,) = MappedSource(ListSource([{"q": "p", "note": "n"}], "votes"), {"prompt": "q"})
    assert row == Row("votes row 1", {"note": "n", "prompt": "p"})


def test_columns_may_change_places():
    """Two columns whose names were mixed up are exchanged."""
    swapped = {"chosen": "rejected", "rejected": "chosen"}
    (row,) = MappedSource(ListSource([{"chosen": "bad", "rejected": "good"}]), swapped)
    assert row.data == {"chosen": "good", "rejected": "bad"}


def test_a_mapped_column_that_is_not_there_is_a_mistake():
    """A slip in a column's name is found at the first row; a later row may lack a column."""
    with pytest.raises(
        ConfigError, match=r"list row 1: has no column 'wins' to take as 'label': .*found question, left"
    ):
        list(MappedSource(ListSource(VOTES), COLUMNS | {"label": "wins"}))
    without = {column: value for column, value in VOTES[0].items() if column != "winner"}
    assert labels(MappedSource(ListSource([VOTES[0], without]), COLUMNS, LABELS)) == ["x", None]


@pytest.mark.parametrize(("said", "label"), [(1, "A"), (1.0, "A"), ("1", "A"), (" 1 ", "A"), (2, "2"), (None, None)])
def test_labels_are_compared_as_text(said, label):
    """A number in a frame or file is the label that its text is; what the map does not name stays."""
    (row,) = MappedSource(ListSource([{"label": said}]), labels={"1": "A"})
    assert row.data["label"] == (said if label == "2" else label)


def test_a_mapped_column_of_lists_in_text_is_still_found(tmp_path):
    """Whether a CSV column holds lists is asked of the column that stands behind the name."""
    (tmp_path / "p.csv").write_text('q,good,rejected\np,"[""c"", ""d""]",r\n', encoding="utf-8")
    (item,) = CUSTOM.items(MappedSource(source_of(tmp_path / "p.csv"), {"prompt": "q", "chosen": "good"}))
    assert (item.key.k, item.num_correct) == (3, 2)


# --- other packages' sources


@pytest.fixture
def database(tmp_path, monkeypatch):
    """A database with the pairs, in the current folder, and the example of the docs installed."""
    monkeypatch.chdir(tmp_path)
    lay_example(tmp_path / "site", monkeypatch)
    with closing(sqlite3.connect("votes.db")) as opened:
        opened.execute("create table pairs (id, prompt, chosen, rejected, subset)")
        opened.executemany("insert into pairs values (?, ?, ?, ?, ?)", [tuple(row.values()) for row in PAIRS])
        opened.commit()


def test_the_example_is_a_source_like_any_other(database):
    """Its rows make the items that a list of them makes, and the manifest names it."""
    dataset = load_dataset(CUSTOM, "sqlite:votes.db")
    assert dataset.hash == load_dataset(CUSTOM, PAIRS).hash
    assert dataset.origin["source"] == "sqlite:votes.db"
    assert [row.where for row in source_of("sqlite:votes.db#pairs")] == [
        f"sqlite:votes.db#pairs: pairs row {number}" for number in (1, 2)
    ]


def test_the_example_is_run(database):
    """`--data NAME:REST` of a run, whose score is that of the rows."""
    run = jb.run("custom", judge="offline/longest", data="sqlite:votes.db", out="runs", cache_dir="cache")
    assert run.metrics.score == 0.5


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("sqlite:nope.db", "sqlite:nope.db: file not found: nope.db: check the path"),
        ("sqlite:votes.db#other", "sqlite:votes.db#other: cannot be read (no such table: other): check the file"),
    ],
)
def test_the_mistakes_of_the_example_are_its_own(database, spec, message):
    """What the source says is wrong is what the user reads."""
    assert message in mistake(spec)


def test_a_path_wins_over_a_source(database, tmp_path):
    """A file whose name has a colon is read as a file."""
    (tmp_path / "sqlite:rows.jsonl").write_text('{"a": 1}\n', encoding="utf-8")
    assert read(source_of("sqlite:rows.jsonl")) == [("sqlite:rows.jsonl line 1", {"a": 1})]


def test_a_source_that_is_none_is_one_clear_mistake(tmp_path, monkeypatch):
    """A package whose entry point makes something else is named, with what is wrong."""
    lay_package(tmp_path, "odd", "make = len", {"judgebench.sources": {"odd": "odd:make"}})
    monkeypatch.syspath_prepend(str(tmp_path))
    assert mistake("odd:x") == (
        "source 'odd' of the package odd (odd:make) cannot be used: it does not return a "
        "judgebench.sources.source.Source; fix the package, or uninstall it"
    )


class Own(Source):
    """What another package's source may give and do."""

    def __init__(self, *rows, name="own:x", error=None):
        self._rows, self._error = rows, error
        if name is not None:
            self.name = name

    def rows(self):
        yield from self._rows
        if self._error is not None:
            raise self._error


def test_a_source_may_give_dictionaries():
    """Each is called by the source's name and its number."""
    assert read(Own(*PAIRS)) == [("own:x row 1", PAIRS[0]), ("own:x row 2", PAIRS[1])]


@pytest.mark.parametrize("make", [lambda own: own, MappedSource])
def test_a_row_of_another_packages_source_is_called_by_it_once(make):
    """The source's name is put before a place that lacks it, also where the same rows are given again."""
    rows = Own(Row("pair 1", PAIRS[0]), Row("own:x pair 2", PAIRS[1]))
    assert read(make(rows)) == [("own:x: pair 1", PAIRS[0]), ("own:x pair 2", PAIRS[1])]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (Own(Row("r 1", PAIRS[0]), error=KeyError("oops")), f"source 'own:x': {__name__}:Own.rows() raised KeyError: "),
        (Own("text"), "own:x row 1: is str, expected a dictionary of columns"),
        (Own(name=None), f"source {__name__}:Own cannot be used: it has no name: set self.name to a text"),
        (Own, "Own is a class: pass an object of it: Own(...)"),
    ],
)
def test_a_mistake_in_a_source_is_one_line(data, message):
    """With the class and what it raised."""
    assert message in mistake(data)


def test_a_count_that_raises_is_one_line():
    """As rows that raise."""
    source = Own(*PAIRS)
    source.count = lambda: len(None)
    with pytest.raises(ConfigError, match=r"source 'own:x': .*:Own\.count\(\) raised TypeError: .*; fix this method"):
        source.total()


def test_what_a_source_does_not_take_is_said(tmp_path, monkeypatch):
    """With the text after the colon."""
    lay_package(tmp_path, "picky", "make = int", {"judgebench.sources": {"picky": "picky:make"}})
    monkeypatch.syspath_prepend(str(tmp_path))
    assert mistake("picky:many").startswith(
        "source 'picky' of the package picky (picky:make) did not take 'many': ValueError: invalid literal"
    )


def test_a_near_file_is_a_sentence_of_its_own(tmp_path):
    """A question mark ends it."""
    (tmp_path / "rows.jsonl").write_text("{}", encoding="utf-8")
    assert "did you mean rows.jsonl? a dataset of" in mistake(str(tmp_path / "rows.jsonlx"))


def test_an_unknown_source_is_a_missing_file(database):
    """Without its package a name means nothing, and those that there are are said."""
    found = mistake("sqlit:votes.csv")
    assert found.startswith("file or folder not found: 'sqlit:votes.csv'")
    assert found.endswith("; no installed package has a source 'sqlit' (judgebench.sources: sqlite)")
