"""Rows of files: every format, and every mistake that a file can hold."""

import csv
import gzip
import io
import json
import os
import subprocess
import sys
import tracemalloc

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from readrows import mistake, read as read_source

from judgebench.errors import ConfigError
from judgebench.sources import opening as rows_module
from judgebench.sources.cells import as_list, decode_cell
from judgebench.sources.opening import source_of
from judgebench.sources.source import Row

ROWS = [{"id": "1", "prompt": 'a "b", ü\u2028c'}, {"id": "2", "prompt": "two\nlines"}]
CSV = 'id,prompt\n1,"a ""b"", ü\u2028c"\n2,"two\nlines"\n'
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)


@pytest.fixture
def write(tmp_path):
    """Writes a file and returns its path as text."""

    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return str(path)

    return write


def parquet(table):
    """A table as the bytes of a Parquet file."""
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def read(spec, **options):
    """Places and data of all rows of what is named."""
    return read_source(source_of(spec, **options))


@pytest.mark.parametrize(
    ("name", "content", "places"),
    [
        ("pairs.jsonl", LINES, ["line 1", "line 2"]),
        ("pairs.JSONL", LINES, ["line 1", "line 2"]),
        ("pairs.jsonl.gz", LINES, ["line 1", "line 2"]),
        ("pairs.json", json.dumps(ROWS), ["row 1", "row 2"]),
        ("pairs.json.gz", json.dumps(ROWS, indent=1), ["row 1", "row 2"]),
        ("pairs.json", LINES, ["line 1", "line 2"]),
        ("pairs.csv", CSV, ["line 2", "line 3"]),
        ("pairs.csv.gz", CSV, ["line 2", "line 3"]),
        ("pairs.tsv", CSV.replace("id,", "id\t").replace("1,", "1\t").replace("2,", "2\t"), ["line 2", "line 3"]),
        ("pairs.parquet", parquet(pa.Table.from_pylist(ROWS)), ["row 1", "row 2"]),
    ],
)
def test_each_format_gives_the_same_rows(write, name, content, places):
    """Every format yields equal rows, each with its place, as often as it is iterated."""
    spec = write(name, content)
    assert read(spec, hub_split="ignored") == [
        (f"{name} {place}", row) for place, row in zip(places, ROWS, strict=True)
    ]
    rows = source_of(spec)
    assert (rows.name, rows.revision, rows.split) == (spec, None, None)


@pytest.mark.parametrize("name", ["pairs.jsonl", "pairs.json", "pairs.csv"])
def test_a_byte_order_mark_and_windows_line_ends(write, name):
    """What spreadsheets and Windows editors add to a file is not part of the rows."""
    content = "id,prompt\r\n\r\n1,x\r\n" if name.endswith("csv") else '{"id": "1", "prompt": "x"}\r\n\r\n'
    place = 3 if name.endswith("csv") else 1
    assert read(write(name, b"\xef\xbb\xbf" + content.encode())) == [
        (f"{name} line {place}", {"id": "1", "prompt": "x"})
    ]


def test_what_json_allows(write):
    """Blank lines are skipped but counted, and lone surrogates and NaN are values like any other."""
    spec = write("pairs.jsonl", '\n{"a": "\\ud800"}\n   \n{"a": Infinity, "b": null}')
    assert read(spec) == [
        ("pairs.jsonl line 2", {"a": "\ud800"}),
        ("pairs.jsonl line 4", {"a": float("inf"), "b": None}),
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.jsonl", '{"a": 1}\n\n{"a": }\n', "p.jsonl line 3: not valid JSON (Expecting value in column 7): each line"),
        ("p.jsonl", "[1, 2]\n", "p.jsonl row 1: a JSON number, not an object: expected an object a line, or an array"),
        ("p.jsonl", '{"a": 1}\n[1]\n', "p.jsonl line 2: a JSON array, not an object: each line must hold one JSON"),
        ("p.jsonl", '{"a": 1}\n"x"\n', "p.jsonl line 2: a JSON string, not an object"),
        ("p.jsonl", "null\n", "p.jsonl line 1: a JSON null, not an object"),
        ("p.jsonl", '{"a": ' + "9" * 5000 + "}\n", "p.jsonl line 1: not valid JSON (Exceeds the limit"),
        ("p.jsonl", "[" * 200_000 + "\n", "p.jsonl line 1: not valid JSON (nested too deeply)"),
        ("p.jsonl", b'{"a": 1}\n{"a": "\xff"}\n', "p.jsonl line 2: not UTF-8 (byte 0xff in column 8): save"),
        (
            "p.json",
            '[{"a": 1},\n {"a": 2}',
            "p.json line 2: not valid JSON (Expecting ',' delimiter): expected an object a line",
        ),
        ("p.json", '[{"a": 1},\n {"a" 2}]', "p.json line 2: not valid JSON (Expecting ':' delimiter)"),
        ("p.json", '[{"a": 1},]', "p.json line 1: not valid JSON ("),
        ("p.json", '[{"a": 1} {}]', "p.json line 1: not valid JSON (Expecting ',' delimiter)"),
        ("p.json", "[]\n x", "p.json line 2: not valid JSON (Extra data)"),
        ("p.json", '[{"a": 1},\n3]', "p.json row 2: a JSON number, not an object: expected an object a line"),
        ("p.json", "[" + "[" * 200_000, "p.json line 1: not valid JSON (nested too deeply)"),
        ("p.json", '{\n"a" 1}', "p.json line 1: not valid JSON (Expecting property name"),
        ("p.json", b'[{"a": "\xc3\xa4"},\n{"a": "\xe4"}]', "p.json line 2: not UTF-8 (byte 0xe4 in column 8)"),
        ("p.csv", "a,b\n1,2\n1,2,3\n", "p.csv line 3: 3 cells where the header has 2: put cells"),
        ("p.csv", 'a,b\n"x\ny",2\n1\n', "p.csv line 4: 1 cells where the header has 2"),
        ("p.csv", 'a,b\n1,"2\n3,4\n', "p.csv line 2: not valid CSV (unexpected end of data)"),
        ("p.csv", 'a,b\n1,"2"3\n', "p.csv line 2: not valid CSV (',' expected after '\"')"),
        ("p.csv", "\na,b , b\n1,2,3\n", "p.csv line 2: the header has the column 'b' twice"),
        ("p.jsonl", "", "p.jsonl is empty: give a source with at least one row"),
        ("p.jsonl", "\n\n", "p.jsonl is empty"),
        ("p.json", " [ ] ", "p.json is empty"),
        ("p.json", "", "p.json is empty"),
        ("p.csv", "", "p.csv is empty"),
        ("p.csv", "a,b\n", "p.csv is empty"),
        ("p.parquet", parquet(pa.table({"a": pa.array([], pa.string())})), "p.parquet is empty"),
        ("p.parquet", b"", "as Parquet ("),
        ("p.parquet", b"PAR1 nonsense PAR1", "as Parquet ("),
        ("p.doc", "x", "unknown file format"),
        ("p.parquet.gz", "x", "unknown file format"),
    ],
)
def test_each_mistake_names_its_place_and_the_mend(write, name, content, message):
    """What is wrong in a file is one line with the file, the line and the mend."""
    assert message in mistake(write(name, content))


def test_rows_before_a_mistake_are_given(write):
    """A file is read as it streams: the rows before a malformed one come first."""
    rows = iter(source_of(write("p.jsonl", '{"a": 1}\nx\n')))
    assert next(rows) == Row("p.jsonl line 1", {"a": 1}, "p")
    with pytest.raises(ConfigError, match="line 2"):
        next(rows)


@pytest.mark.parametrize("cut", [30, -4])
def test_a_broken_gzip(write, tmp_path, cut):
    """A gzipped file that is cut off is a mistake in the file."""
    write("p.jsonl.gz", LINES * 100)
    whole = (tmp_path / "p.jsonl.gz").read_bytes()
    (tmp_path / "p.jsonl.gz").write_bytes(whole[:cut])
    assert "p.jsonl.gz (Compressed file ended" in mistake(str(tmp_path / "p.jsonl.gz"))
    (tmp_path / "p.jsonl.gz").write_bytes(b"plain text")
    assert "p.jsonl.gz (Not a gzipped file" in mistake(str(tmp_path / "p.jsonl.gz"))
    (tmp_path / "p.jsonl.gz").write_bytes(whole[:20] + b"\xff" * 20 + whole[40:])
    assert "cannot read" in mistake(str(tmp_path / "p.jsonl.gz"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_forbidden_file(write, tmp_path):
    """A file that may not be read is said with the system's reason."""
    spec = write("p.jsonl", LINES)
    (tmp_path / "p.jsonl").chmod(0)
    assert "(Permission denied): check its permissions" in mistake(spec)


def test_a_file_that_cannot_be_read(write, monkeypatch):
    """What the system says about a file is passed on, with the mend."""
    spec = write("p.jsonl", LINES)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    assert mistake(spec) == f"cannot read {spec} (Permission denied): check its permissions, or make it again"


def test_a_missing_file_names_the_near_ones(write, tmp_path):
    """A wrong path names the files that it may have meant, and never goes to the network."""
    write("pairs.jsonl", LINES)
    write("notes.md", "x")
    assert "did you mean pairs.jsonl?" in mistake(str(tmp_path / "pears.jsonl"))
    assert "the folder has pairs.jsonl" in mistake(str(tmp_path / "zz.parquet"))
    assert "zzz.csv': the folder " in mistake(str(tmp_path / "no" / "zzz.csv"))
    (tmp_path / "bare").mkdir()
    assert "its folder has no data files" in mistake(str(tmp_path / "bare" / "x.csv"))
    for number in range(6):
        write(f"many/{number}{number}{number}.csv", "a\n1\n")
    assert mistake(str(tmp_path / "many" / "xyz.json")).endswith("444.csv and more")


@pytest.mark.parametrize(
    "spec", ["", "pears", "./owner/pairs", "../owner/pairs", "/owner/pairs", "a/b/c", "owner/", "a b/c"]
)
def test_what_is_neither_a_path_nor_a_hub_id(tmp_path, monkeypatch, spec):
    """A name that can be no hub id is a missing path, and the form of a hub id is said."""
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    found = mistake(spec)
    assert found.startswith(f"file or folder not found: {spec!r}")
    assert "owner/name[@REVISION]" in found


@pytest.mark.parametrize("spec", ["a\0b/c", "x" * 5000, "~nobody-of-that-name/p.jsonl"])
def test_a_path_that_cannot_be(spec):
    """A path that the system refuses is a mistake, not a traceback."""
    assert mistake(spec).startswith("cannot read ")


def test_hub_ids_are_told_from_paths(write, tmp_path, monkeypatch):
    """A path that exists wins, a data file's suffix is a path, and the rest may be a hub id with a revision."""
    asked = []

    def load_hub(hub_id, *, split, revision, config):
        asked.append((hub_id, split, revision))
        raise ConfigError("asked")

    monkeypatch.setattr(rows_module.hub, "load_hub", load_hub)
    monkeypatch.chdir(tmp_path)
    write("owner/name/p.jsonl", LINES)
    assert len(read("owner/name")) == 2
    for spec in ("owner/other", "owner/other@refs/pr/1", "owner/v1.5-pairs"):
        with pytest.raises(ConfigError, match="asked"):
            source_of(spec, hub_split="test")
    assert asked == [
        ("owner/other", "test", None),
        ("owner/other", "test", "refs/pr/1"),
        ("owner/v1.5-pairs", "test", None),
    ]
    assert "file or folder not found" in mistake("owner/other.jsonl")


def test_a_folder_of_files(write, tmp_path, monkeypatch):
    """A folder's data files are read by name, and its other files are not."""
    write("data/b.csv", "id\n2\n")
    write("data/a.jsonl", '{"id": "1"}\n')
    write("data/c.jsonl", "")
    for other in ("README.md", ".hidden.jsonl", "notes.txt", "_SUCCESS", "sub.jsonl/x.md"):
        write(f"data/{other}", "not rows")
    expected = [("a.jsonl line 1", {"id": "1"}), ("b.csv line 2", {"id": "2"})]
    assert read(str(tmp_path / "data")) == expected
    monkeypatch.setenv("HOME", str(tmp_path))
    assert source_of("~/data").name == "~/data"
    assert read("~/data/") == expected


def test_a_folder_without_rows(write, tmp_path):
    """A folder with no data files, or with empty ones only, is a mistake."""
    write("data/notes.txt", "x")
    write("data/.cache/x.jsonl", LINES)
    assert f"the folder {tmp_path / 'data'} contains no data files: use one with files that end in .jsonl" in mistake(
        str(tmp_path / "data")
    )
    write("data/a.csv", "id\n")
    write("data/b.jsonl", "")
    assert f"{tmp_path / 'data'} is empty" in mistake(str(tmp_path / "data"))


def test_a_folder_named_like_a_file(write, tmp_path):
    """A folder of parts that some programs name like a file is a folder."""
    write("pairs.parquet/part-0.parquet", parquet(pa.Table.from_pylist(ROWS)))
    assert [data for _, data in read(str(tmp_path / "pairs.parquet"))] == ROWS


def test_parquet_values_are_plain(write):
    """Nested columns arrive as lists, dicts and Python numbers, over many batches and row groups."""
    many = [{"id": number, "chosen": [{"role": "user", "n": 1.5}], "none": None} for number in range(1000)]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(many), sink, row_group_size=300)
    found = read(write("p.parquet", sink.getvalue()))
    assert [data for _, data in found] == many
    assert type(found[0][1]["id"]) is int
    assert found[-1][0] == "p.parquet row 1000"


def test_a_cell_larger_than_the_csv_modules_limit(write):
    """A long answer in a CSV file is no mistake."""
    text = "word, " * 100_000
    assert read(write("p.csv", f'a\n"{text}"\n')) == [("p.csv line 2", {"a": text})]


@pytest.mark.parametrize("name", ["p.jsonl", "p.json", "p.csv", "p.parquet", "p.jsonl.gz"])
def test_texts_are_not_held_in_memory(write, name):
    """Reading takes a small part of the memory that the texts would."""
    rows = [{"id": str(number), "text": f"{number} " * 500} for number in range(5_000)]
    if name.endswith("parquet"):
        content = parquet(pa.Table.from_pylist(rows))
    elif name.endswith("csv"):
        content = "id,text\n" + "".join(f"{row['id']},{row['text']}\n" for row in rows)
    else:
        content = json.dumps(rows) if name == "p.json" else "".join(json.dumps(row) + "\n" for row in rows)
    size = sum(len(row["text"]) for row in rows)
    source = source_of(write(name, content))
    del rows, content
    tracemalloc.start()
    try:
        assert sum(1 for _ in source) == 5_000
        assert tracemalloc.get_traced_memory()[1] < size / 3
    finally:
        tracemalloc.stop()


TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)
repeated = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


@repeated
@given(st.lists(st.dictionaries(TEXTS, TEXTS, max_size=3), min_size=1, max_size=5), st.booleans())
def test_any_text_survives_json(write, rows, escaped):
    """JSON Lines and JSON arrays give back every text as it was."""
    texts = [json.dumps(row, ensure_ascii=escaped) for row in rows]
    assert [data for _, data in read(write("p.jsonl", "\n".join(texts)))] == rows
    assert [data for _, data in read(write("p.json", f"[{', '.join(texts)}]"))] == rows


@repeated
@given(st.lists(st.tuples(TEXTS, TEXTS).filter(any), min_size=1, max_size=5))
def test_any_text_survives_csv(write, cells):
    """CSV and TSV give back every text as it was, with newlines, quotes and delimiters."""
    for name, delimiter in (("p.csv", ","), ("p.tsv", "\t")):
        sink = io.StringIO(newline="")
        csv.writer(sink, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([("a", "b"), *cells])
        found = read(write(name, sink.getvalue()))
        assert [(data["a"], data["b"]) for _, data in found] == cells


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('["a", "b"]', ["a", "b"]),
        (' [{"role": "user", "content": "x"}]\n', [{"role": "user", "content": "x"}]),
        ("['a', \"it's\"]", ["a", "it's"]),
        ("[{'role': 'user', 'n': None}]", [{"role": "user", "n": None}]),
        ("[]", []),
        ("['a' \"it's\"\n 'b']", ["a", "it's", "b"]),
        ("['a','b']", ["a", "b"]),
        (
            "[{'role': 'user', 'n': 1}\n {'role': 'tool', 'n': [1, 2]}]",
            [{"role": "user", "n": 1}, {"role": "tool", "n": [1, 2]}],
        ),
        ("[ 1.12 -1.28   nan]", [1.12, -1.28, None]),
        ("['a' 'b', 'c']", ["['a' 'b', 'c']"]),
        ("[x y]", ["[x y]"]),
        ("[note] an answer", ["[note] an answer"]),
        (r"[\d] is a class", [r"[\d] is a class"]),
        ("[" * 100_000, ["[" * 100_000]),
        ("an answer", ["an answer"]),
        ("", [""]),
        (None, []),
        (("a", "b"), ["a", "b"]),
        (3, [3]),
        ({"role": "user"}, [{"role": "user"}]),
    ],
)
def test_cells_that_hold_lists(cell, value):
    """A list in a cell is decoded, from JSON or from Python's print of it, and any other text is one value."""
    assert as_list(cell) == value


def test_a_cell_that_is_no_list_is_left_alone():
    """Only a text that is a whole list or object is decoded."""
    assert decode_cell('{"a": 1}') == {"a": 1}
    assert decode_cell("{x} and [y]") == "{x} and [y]"
    assert decode_cell("12") == "12"
    assert decode_cell(["[1]"]) == ["[1]"]


def test_no_slow_import(write):
    """Reading text files imports none of the slow libraries."""
    program = (
        "import sys; from judgebench.sources.opening import source_of; list(source_of(sys.argv[1]));"
        "sys.exit(bool({'datasets', 'pyarrow', 'pandas', 'huggingface_hub'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", program, write("p.csv", CSV)], check=True)
