"""Lines of JSON: the quick reader says what Python's own says."""

import json
import math

import pytest
from hypothesis import example, given, strategies as st

from judgebench._util.jsonl import loads

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
DOCUMENTS = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)


def same(one, other):
    """Whether two values are equal, of the same types, with NaN equal to itself and -0.0 apart from 0.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return (math.isnan(one) and math.isnan(other)) or repr(one) == repr(other)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    return one == other


def what_is_said(read, text):
    try:
        return read(text), None
    except (ValueError, RecursionError) as error:
        return None, (type(error), str(error))


@given(document=DOCUMENTS, ascii_only=st.booleans())
def test_a_document_is_read_as_python_reads_it(document, ascii_only):
    """Values, types, the order of keys; with halves of surrogate pairs, which only escapes can hold."""
    text = json.dumps(document, ensure_ascii=ascii_only)

    assert same(loads(text), json.loads(text))


@given(
    text=st.text('{}[]",:\\ue0123456789.+-truefalsnNaInity \t\r\n\x00\x1f\u2028\ud83d\ufeff', max_size=24),
    before=st.sampled_from(["", "[", '{"a":', '"']),
    after=st.sampled_from(["", "]", "}", '"', "\n"]),
)
@example('{"a": 1, "a": 2}', "", "")
@example("1e400", "", "")
@example("-0", "", "")
@example("-0.0", "", "")
@example("0.1000000000000000055511151231257827", "", "")
@example("9007199254740993.0", "", "")
@example("18446744073709551616", "", "")
@example("NaN", "", "")
@example("-Infinity", "", "")
@example("01", "", "")
@example("1.", "", "")
@example("\ufeff{}", "", "")
@example('"\\ud83d"', "", "")
@example('"\\ud83d\\ude00"', "", "")
@example('"a\tb"', "", "")
@example("[1,]", "", "")
@example("{} {}", "", "")
@example("", "", "")
@example('["' + "x" * 70 + '"]', "", "")
@example("1" * 5000, "", "")
def test_any_text_is_taken_or_refused_as_python_does(text, before, after):
    """Nearly-JSON of every kind: the same value, or the same error in the same words."""
    text = before + text + after
    ours, our_error = what_is_said(loads, text)
    theirs, their_error = what_is_said(json.loads, text)

    assert our_error == their_error
    assert same(ours, theirs)


@pytest.mark.parametrize("depth", [150, 250, 900])
def test_deep_values_are_read(depth):
    """Pydantic's parser stops at 200."""
    text = "[" * depth + "]" * depth

    assert loads(text) == json.loads(text)
