"""Files as people have them: every dress of JSON, every delimiter, encoding and packing, Arrow and workbooks."""

import gzip
import json
import tracemalloc
import zipfile

import datasets
import pyarrow as pa
import pyarrow.feather
import pytest

from judgebench.errors import ConfigError, DataError
from judgebench.sources.jsonfile import read_json
from judgebench.sources.opening import data_stem, source_of

ROWS = [{"id": "1", "prompt": "Nämlich; a, b | c"}, {"id": "2", "prompt": 'say "no"\tor'}]


def data(path):
    """The rows' columns."""
    return [row.data for row in source_of(str(path))]


def mistake(path):
    with pytest.raises(ConfigError) as caught:
        data(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def zst(content):
    return pa.Codec("zstd").compress(content, asbytes=True)


# --- JSON


DRESSES = {
    "lines": "".join(json.dumps(row) + "\n" for row in ROWS),
    "array": json.dumps(ROWS),
    "indented array": json.dumps(ROWS, indent=2),
    "indented objects one after another": "\n".join(json.dumps(row, indent=4) for row in ROWS),
    "objects on one line": "".join(json.dumps(row) for row in ROWS),
    "columns": json.dumps({"id": ["1", "2"], "prompt": [row["prompt"] for row in ROWS]}),
    "indented columns with others beside": json.dumps(
        {"model": "org/m", "seed": 1, "id": ["1", "2"], "prompt": [row["prompt"] for row in ROWS]}, indent=1
    ),
    "columns of pandas": json.dumps({key: {str(at): row[key] for at, row in enumerate(ROWS)} for key in ROWS[0]}),
    "split of pandas": json.dumps(
        {"columns": ["id", "prompt"], "index": [0, 1], "data": [[*row.values()] for row in ROWS]}
    ),
    "table of pandas": json.dumps({"schema": {"fields": [{"name": "id"}]}, "data": ROWS}),
    "data": json.dumps({"data": ROWS}),
    "indented, beside other things": json.dumps({"version": 2, "about": {"by": "us"}, "examples": ROWS}, indent=2),
    "lines with commas": "".join(json.dumps(row) + ",\r\n" for row in ROWS),
    "by id": json.dumps({row["id"]: {"prompt": row["prompt"]} for row in ROWS}, indent=2),
}


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".txt"])
def test_json_in_every_dress_is_the_same_rows(tmp_path, suffix):
    """Whatever the suffix says, lines, arrays, columns, wrappers and objects one after another are read."""
    for name, text in DRESSES.items():
        path = tmp_path / f"{name}{suffix}"
        path.write_text(text, encoding="utf-8")
        assert data(path) == ROWS, name


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "p", "chosen": ["a", "b"], "rejected": ["c", "d"]},
        {"prompt": [{"role": "user", "content": "p"}], "chosen": [{"role": "assistant", "content": "a"}]},
        {"question": "q", "completions": [{"text": "a"}, {"text": "b"}]},
        {"id": 3, "scores": [1.5, 0.5]},
        {"conversations": [{"from": "human", "value": "p"}, {"from": "gpt", "value": "a"}]},
        {"source": "s", "completions": [{"model": "m", "response": "a"}]},
        {"a": "b"},
    ],
)
def test_an_only_row_is_a_row(tmp_path, row):
    """Lists of answers, turns and scores in it are no columns."""
    for indent in (None, 2):
        (tmp_path / "p.json").write_text(json.dumps(row, indent=indent), encoding="utf-8")
        assert data(tmp_path / "p.json") == [row]


def test_a_broken_line_is_a_bad_row_and_the_others_are_read(tmp_path):
    """Its place and what is wrong with it come with the row."""
    (tmp_path / "p.jsonl").write_text('{"a": 1}\n{"a": }\n"text"\n{"a": 2}\n', encoding="utf-8")
    rows = list(source_of(tmp_path / "p.jsonl").every_row())
    assert [row.problem and row.problem[:25] for row in rows] == [
        None,
        "not valid JSON (Expecting",
        "a JSON string, not an obj",
        None,
    ]
    assert rows[1].where == "p.jsonl line 2"
    assert rows[3].data == {"a": 2}


def test_columns_of_different_lengths_are_one_row(tmp_path):
    """Nothing is cut off without a word."""
    (tmp_path / "p.json").write_text(json.dumps({"x": [1, 2], "y": [1]}), encoding="utf-8")
    assert data(tmp_path / "p.json") == [{"x": [1, 2], "y": [1]}]


# --- JSON that is too large to be held


def streamed(path, text, encoding="utf-8"):
    """The rows of a file that may not be held at all."""
    path.write_bytes(text.encode(encoding) if not path.name.endswith("gz") else gzip.compress(text.encode()))
    return [(row.data, row.beside) for row in read_json(path, "p", whole=0)]


def held(path):
    return [(row.data, row.beside) for row in read_json(path, "p")]


def test_every_dress_is_streamed_as_it_is_held(tmp_path):
    """Arrays, columns, wrappers, tables, objects by id and one after another."""
    more = DRESSES | {
        "wrapped twice": json.dumps({"results": {"rows": ROWS, "n": 2}}),
        "names with points": json.dumps({"a.b": ["1", "2"], "item": ["x", "y"]}),
        "columns with turns": json.dumps({"prompt": ["p", "q"], "chosen": [[{"role": "user", "content": "x"}]] * 2}),
        "scores": json.dumps({"model": "org/m", "extra": {"a": 1}, "id": [1, 2], "scores": [[1.5, 2], [3, 0.25]]}),
        "of unequal length": json.dumps({"x": [1, 2], "y": [1]}),
        "one row": json.dumps({"prompt": "p", "completions": [{"text": "a"}, {"text": "b"}]}),
    }
    del more["lines with commas"]  # which are told by more text than may be held here
    for name, text in more.items():
        for suffix, encoding in (
            (".json", "utf-8"),
            (".json.gz", "utf-8"),
            (".json", "utf-16"),
            (".json", "utf-8-sig"),
        ):
            path = tmp_path / f"{name}{suffix}"
            assert streamed(path, text, encoding) == held(path) != [], (name, suffix, encoding)


def test_numbers_that_json_does_not_know_are_streamed(tmp_path):
    """NaN and infinities are null, in texts they stay; whole numbers of any length are exact."""
    rows = [{"id": 10**24 + at, "score": float("nan"), "text": f'NaN, "-Infinity": {at}\\' * 20} for at in range(1000)]
    found = streamed(tmp_path / "p.json", json.dumps({"data": rows, "limit": float("-inf"), "rate": 0.1}))
    assert found[-1] == ({**rows[-1], "score": None}, {"rate": 0.1})
    assert [data["id"] for data, _ in found] == [row["id"] for row in rows]


def test_a_mistake_in_streamed_json_says_where(tmp_path):
    """After which row, and after which text."""
    text = json.dumps(ROWS).replace('"2"', '"2" "3"')
    with pytest.raises(DataError, match=r"p\.json after row 1: not valid JSON \(.* after '.*\"id\": \"2\""):
        streamed(tmp_path / "p.json", text)
    with pytest.raises(DataError, match=r"p\.json: not valid JSON \(.*EOF"):
        streamed(tmp_path / "p.json", json.dumps({"data": ROWS})[:-3])


@pytest.mark.parametrize("dress", ["columns", "data"])
def test_one_large_object_is_not_held_in_memory(tmp_path, dress):
    """Reading takes a small part of the memory that its texts would."""
    text = "word " * 800
    count = 1500
    columns = {name: [f"{text}{name}{at}" for at in range(count)] for name in ("prompt", "chosen")}
    rows = [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    content = {"columns": columns, "data": {"version": 1, "data": rows}}[dress]
    path = tmp_path / "p.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    del content, rows, columns
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_json(path, "p")) == count
        assert tracemalloc.get_traced_memory()[1] < path.stat().st_size / 2
    finally:
        tracemalloc.stop()


# --- tables in text


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt"])
def test_any_delimiter_is_found(tmp_path, delimiter, suffix):
    """Under any suffix, with the other delimiters in the cells."""
    cells = ["id", "prompt"], *([row["id"], row["prompt"]] for row in ROWS)
    text = "".join(delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) + "\r\n" for row in cells)
    path = tmp_path / f"p{suffix}"
    path.write_text(text, encoding="utf-8", newline="")
    assert data(path) == ROWS


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("prompt;response_a;response_b;label\nWhy, and how?;a, b;c, d;A\n", 4),
        ("prompt,response_a\none; two; three,x\n", 2),
        ("prompt|chosen|rejected\nWhy?|a, b|c\n", 3),
        ("id\n1\n", 1),
        ("a;b\n1;2\n\n;\n3;4\n", 2),
        ('"a,b"\n1\n', 1),
        ("a,b,\n1,2,\n", 3),
    ],
)
def test_the_header_tells_the_delimiter(tmp_path, text, columns):
    """Delimiters inside the cells do not mislead, a table of one column has none, and blank rows are none."""
    (tmp_path / "p.csv").write_text(text, encoding="utf-8")
    rows = data(tmp_path / "p.csv")
    assert {len(row) for row in rows} == {columns}
    assert all(any(row.values()) for row in rows)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("p.csv", 'a, b, c\n"x, y", "1, 2", z\n"u", "v, w", z\n', [["x, y", "1, 2", "z"], ["u", "v, w", "z"]]),
        ("p.csv", 'a,b\n"say \\"no\\", or \\n",1\n"c:\\\\",2\n', [['say "no", or \\n', "1"], ["c:\\\\", "2"]]),
        ("p.tsv", 'a\tb\n5" disk\t"x\n"y\tz\n', [['5" disk', '"x'], ['"y', "z"]]),
        ("p.csv", "# of May\na,b\n1,2\n3,4\n", [["1", "2"], ["3", "4"]]),
        ("p.csv", "a,b,\n1,2\n3,4,\n", [["1", "2"], ["3", "4", ""]]),
        ("p.csv", "a,note,b,note\n1,x,2,y\n", [["1", "x", "2", "y"]]),
    ],
)
def test_other_programs_quotes_and_headers(tmp_path, name, text, expected):
    """Blanks or backslashes before quotes, quotes in TSV, a line above, a cell less than columns, a name twice."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    rows = list(source_of(tmp_path / name).every_row())
    assert [[*row.data.values()] for row in rows] == expected
    assert [row.problem for row in rows] == [None] * len(rows)


def test_a_row_of_another_length_is_a_bad_row(tmp_path):
    """The delimiter that was found is said with it."""
    (tmp_path / "p.csv").write_text("a;b\n1;2\n1;2;3\n4;5\n", encoding="utf-8")
    rows = list(source_of(tmp_path / "p.csv").every_row())
    assert [row.where for row in rows if row.problem] == ["p.csv line 3"]
    assert "(the delimiter is semicolons)" in rows[1].problem
    assert rows[2].data == {"a": "4", "b": "5"}


# --- encodings and packing


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
@pytest.mark.parametrize("form", ["csv", "jsonl", "json"])
def test_encodings_are_found(tmp_path, encoding, form):
    """By their mark, or by what no UTF-8 can be; Windows' own is a note."""
    texts = {"csv": "a,b\r\nü,1\r\n", "jsonl": '{"a": "ü", "b": "1"}\n', "json": '[\n {"a": "ü", "b": "1"}\n]'}
    path = tmp_path / f"p.{form}"
    path.write_bytes(texts[form].encode(encoding))
    source = source_of(path)
    assert [row.data for row in source] == [{"a": "ü", "b": "1"}]
    assert any("read as cp1252" in note for note in source.notes()) == (encoding == "cp1252")


def test_a_file_in_two_encodings_is_a_mistake(tmp_path):
    """Where UTF-8 stands before it, a byte that is none is damage; so are zero bytes, which UTF-16 has."""
    (tmp_path / "p.csv").write_bytes("a\nü\n".encode() + b"\xe4\n")
    assert "p.csv line 3: not UTF-8 (byte 0xe4 in column 1): save the file as UTF-8" in mistake(tmp_path / "p.csv")
    (tmp_path / "p.csv").write_bytes("a\nx\n".encode("utf-16-le"))
    assert "p.csv: is full of zero bytes, as UTF-16 without its mark does" in mistake(tmp_path / "p.csv")


@pytest.mark.parametrize("form", ["csv", "jsonl", "json", "tsv"])
def test_packed_files_are_unpacked(tmp_path, form):
    """Gzip and Zstandard, by the suffix."""
    texts = {
        "csv": "a,b\n1,2\n",
        "tsv": "a\tb\n1\t2\n",
        "jsonl": '{"a": "1", "b": "2"}\n',
        "json": '[{"a": "1", "b": "2"}]',
    }
    for suffix, pack in ((".gz", gzip.compress), (".zst", zst)):
        path = tmp_path / f"p.x.{form}{suffix}"
        path.write_bytes(pack(texts[form].encode()))
        assert data(path) == [{"a": "1", "b": "2"}]
        assert data_stem(path) == "p.x"


def test_a_broken_zst_file_is_a_mistake(tmp_path):
    """One line, as of gzip."""
    (tmp_path / "p.jsonl.zst").write_bytes(b"plain text")
    assert "cannot read" in mistake(tmp_path / "p.jsonl.zst")


# --- tables of other programs


def test_arrow_files_are_read(tmp_path):
    """Feather, Arrow with a footer, and Arrow's stream, which `datasets` keeps its cache in."""
    table = pa.Table.from_pylist(ROWS)
    with pa.OSFile(str(tmp_path / "file.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    with pa.OSFile(str(tmp_path / "stream.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    pa.feather.write_feather(table, str(tmp_path / "p.feather"))
    for name in ("file.arrow", "stream.arrow", "p.feather"):
        assert data(tmp_path / name) == ROWS, name
    (tmp_path / "bad.arrow").write_bytes(b"nonsense")
    assert "as Arrow (" in mistake(tmp_path / "bad.arrow")


def test_a_saved_dataset_is_read(tmp_path):
    """What `save_to_disk` leaves."""
    datasets.Dataset.from_list(ROWS).save_to_disk(tmp_path / "saved")
    assert data(tmp_path / "saved") == ROWS


def workbook(path, *sheets):
    """A workbook with sheets of rows, as small as the format allows."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"

    def cell(place, value):
        if isinstance(value, int | float):
            return f'<c r="{place}"><v>{value}</v></c>'
        return (
            f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{value}</t></is></c>'
            if value is not None
            else ""
        )

    def sheet(rows):
        lines = "".join(
            f'<row r="{at}">{"".join(cell(f"{chr(65 + column)}{at}", value) for column, value in enumerate(row))}</row>'
            for at, row in enumerate(rows, 1)
        )
        return f'<worksheet xmlns="{main}"><sheetData>{lines}</sheetData></worksheet>'

    numbers = range(1, len(sheets) + 1)
    types = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{kinds}.worksheet+xml"/>' for n in numbers
    )
    with zipfile.ZipFile(path, "w") as book:
        book.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/><Override '
            f'PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main+xml"/>{types}</Types>',
        )
        book.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{relations}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        names = "".join(f'<sheet name="Sheet{n}" sheetId="{n}" r:id="r{n}"/>' for n in numbers)
        book.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets>{names}</sheets></workbook>'
        )
        links = "".join(
            f'<Relationship Id="r{n}" Type="{relations}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{package}/relationships">{links}</Relationships>'
        )
        for n, rows in zip(numbers, sheets, strict=True):
            book.writestr(f"xl/worksheets/sheet{n}.xml", sheet(rows))


def test_a_workbook_is_read(tmp_path):
    """The first sheet with rows; whole numbers have no point, empty cells hold nothing."""
    workbook(tmp_path / "p.xlsx", [], [["id", "prompt", "label"], [1, "Why?", None], [2.5, "How?", "A"]])
    assert data(tmp_path / "p.xlsx") == [
        {"id": 1, "prompt": "Why?", "label": None},
        {"id": 2.5, "prompt": "How?", "label": "A"},
    ]
    (tmp_path / "bad.xlsx").write_bytes(b"nonsense")
    assert "as a workbook (" in mistake(tmp_path / "bad.xlsx")


def test_a_workbook_without_the_library_says_how_to_get_it(tmp_path, monkeypatch):
    """Or to save it as something else."""
    workbook(tmp_path / "p.xlsx", [["a"], ["b"]])
    monkeypatch.setitem(__import__("sys").modules, "python_calamine", None)
    assert mistake(tmp_path / "p.xlsx") == (
        "p.xlsx: workbooks need one more library: pip install 'judgebench[xlsx]', or save the sheet as CSV"
    )


def test_other_suffixes_are_refused_with_the_known_ones(tmp_path):
    """Old workbooks are told how to be saved."""
    (tmp_path / "p.xls").write_bytes(b"x")
    assert "unknown file format (save the sheet as .xlsx or .csv): use a file that ends in .jsonl" in mistake(
        tmp_path / "p.xls"
    )
