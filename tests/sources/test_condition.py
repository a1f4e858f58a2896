"""Conditions on a row's columns: what they say, and what is wrong with them before anything is paid."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal

import pytest

from judgebench.errors import ConfigError
from judgebench.sources.cellvalues import kind_of
from judgebench.sources.condition import Condition

KINDS = {
    "source": "text",
    "margin": "number",
    "agrees": "boolean",
    "meta": "object",
    "tags": "list",
    "my column": "text",
    "any": "mixed",
    "empty": "nothing",
}
ROW = {
    "source": "chat",
    "margin": 0.5,
    "agrees": True,
    "meta": {"lang": "en"},
    "tags": ["a", "b"],
    "my column": "x",
    "any": 3,
    "empty": None,
}

SAID = [
    ("source == 'chat'", True),
    ('source != "chat"', False),
    ("margin > 0.4 and margin <= 0.5", True),
    ("0.1 < margin < 0.2", False),
    ("agrees", True),
    ("not agrees", False),
    ("agrees == true and agrees is true", True),
    ("source in ('chat', 'code')", True),
    ("source not in ['chat']", False),
    ("'a' in tags", True),
    ("'hat' in source", True),
    ("meta.lang == 'en' and meta['lang'] == 'en'", True),
    ("tags[0] == 'a' and tags[-1] == 'b'", True),
    ("tags[7] == 'a'", None),
    ("meta.region == 'eu'", None),
    ("col('my column') == 'x'", True),
    ("len(source) == 4 and len(tags) == 2", True),
    ("abs(-margin) * 2 + 1 == 2", True),
    ("margin / 0 > 1", None),
    ("any == 'x' or any == 3", True),
    ("any > 'x'", None),
    ("empty == 'x'", None),
    ("not empty == 'x'", None),
    ("empty is null and source is not None", True),
    ("empty == 'x' or agrees", True),
    ("empty == 'x' and not agrees", False),
    ("empty == 'x' and agrees", None),
    ("empty in (1, 2)", None),
    ("(agrees or agrees) and not (agrees and not agrees)", True),
]


@pytest.mark.parametrize(("text", "expected"), SAID, ids=[text for text, _ in SAID])
def test_what_a_condition_says_of_a_row(text: str, expected: bool | None) -> None:
    """As SQL has it: what is compared with an empty cell is neither true nor false."""
    condition = Condition(text)
    condition.check(KINDS)
    assert condition(ROW) is expected


WRONG = [
    ("sorce == 'a'", "no column 'sorce': did you mean source? the columns are source, margin"),
    ("my_column == 'a'", """did you mean col("my column")?"""),
    ("margin = 3", "at character 8: equality is written =="),
    ("agrees AND agrees", "and, or, not, in and is are written in lower case"),
    ("agrees && agrees", "write and, or"),
    ("agrees and", "cannot be parsed"),
    ("", "is empty; write a condition"),
    ("margin", "margin is a number, expected true or false"),
    ("margin + 1", "margin + 1 is neither true nor false; compare it"),
    ("not source", "source is text, expected true or false"),
    ("margin > '0.4'", "margin is a number and '0.4' is text: they are never equal"),
    ("source in ('a', 1)", "source is text and 1 is a number"),
    ("agrees == 1", "agrees is true or false and 1 is a number"),
    ("margin == null", "a comparison with null is never true: write is null"),
    ("source is 'chat'", "compare 'chat' with =="),
    ("source * 2 == 'cc'", "source is text, expected a number"),
    ("margin.low == 3", "margin is a number, expected an object with fields"),
    ("source[0] == 'c'", "source is text, expected a list"),
    ("1 in margin", "margin is a number, expected a list after 'in'"),
    ("len(margin) == 3", "margin is a number, and len() needs text or a list"),
    ("__import__('os').system('true')", "cannot be used"),
    ("open('x') == 'y'", "cannot be used"),
    ("[each for each in tags] == tags", "cannot be used"),
    ("(lambda: agrees)()", "cannot be used"),
    ("f'{source}' == 'chat'", "cannot be used"),
    ("agrees if agrees else agrees", "neither true nor false"),
    ("source ** 2 == 1", "cannot be used"),
]


@pytest.mark.parametrize(("text", "said"), WRONG, ids=[text for text, _ in WRONG])
def test_what_is_wrong_with_a_condition(text: str, said: str) -> None:
    """It is said in one line, with what there is, when the condition is read; nothing of it is ever run as code."""
    with pytest.raises(ConfigError) as error:
        Condition(text).check(KINDS)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_dates_and_decimals() -> None:
    """A date is compared as text of ISO 8601, a decimal as a number, and NaN is no value."""
    condition = Condition("day >= '2026-01-31' and price < 0.2 and ratio is null")
    row = {"day": dt.date(2026, 2, 1), "price": Decimal("0.1"), "ratio": math.nan}
    condition.check({name: kind_of(value) for name, value in row.items()})
    assert condition(row) is True
    assert condition({**row, "day": dt.datetime(2026, 1, 30, 23, tzinfo=dt.UTC)}) is False


def test_numbers_in_text() -> None:
    """A column of CSV whose every cell is a number is compared as one; an empty cell is none."""
    condition = Condition("price > 9")
    condition.check({"price": "text"}, {"price"})
    assert [condition({"price": text}) for text in ("10", " 8.5 ", "", None)] == [True, False, None, None]


def test_the_part_that_is_not_true() -> None:
    """Of parts that must all hold, the first that does not is named as the user wrote it."""
    condition = Condition("agrees  and (margin>1 or source == 'x') and empty is null")
    assert condition.first_unmet(ROW) == "margin>1 or source == 'x'"
    assert condition.first_unmet({**ROW, "margin": 2}) == ""


MOMENTS = {
    "day": dt.date(2026, 1, 31),
    "at": dt.datetime(2026, 1, 31, 8, 30),  # noqa: DTZ001 - as files have them
    "zoned": dt.datetime(2026, 1, 31, 8, 30, tzinfo=dt.timezone(dt.timedelta(hours=2))),
    "hour": dt.time(8, 30),
    "text": "2026-01-31 08:30",
    "meta": {"day": dt.date(2026, 1, 31), "price": Decimal("0.1"), "ratio": math.nan},
    "days": [dt.date(2026, 1, 31)],
    "prices": [Decimal("0.1")],
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("day == '2026-01-31'", True),
        ("at == '2026-01-31 08:30' and at == '2026-01-31T08:30:00'", True),
        ("at >= '2026-01-31 12:00'", False),
        ("at > '2026-01-31' and at > day", True),
        ("at == text and text == at", True),
        ("zoned == '2026-01-31 08:30' and zoned == '2026-01-31T06:30Z'", True),
        ("hour < '09:00'", True),
        ("day in ('2026-01-31', '2026-02-01')", True),
        ("day not in ('2026-02-01',)", True),
        ("'2026-01-31' in days and days[0] == '2026-01-31'", True),
        ("meta.day >= '2026-01-31' and meta.price == 0.1 and meta.ratio is null", True),
        ("0.1 in prices", True),
    ],
)
def test_moments_and_decimals_wherever_they_stand(text: str, expected: bool) -> None:
    """In a column, an object or a list, a date is compared as a moment, a decimal as a number, and NaN is no value."""
    condition = Condition(text)
    condition.check({name: kind_of(value) for name, value in MOMENTS.items()})
    assert condition(MOMENTS) is expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("day == 'yesterday'", "'yesterday' is no date: write it as in '2026-01-31'"),
        ("'2026' < day", "'2026' is no date"),
        ("day > 5", "day is a date and 5 is a number"),
        ("micro.deep == 1", 'did you mean col("micro.deep")?'),
        ("µm == 1", 'did you mean col("µm")?'),
        (f"{' + '.join(['day'] * 2000)} > 1", "is nested too deeply"),
    ],
)
def test_what_is_wrong_with_a_date_or_a_name(text: str, said: str) -> None:
    """What can never hold is found when the condition is read, and the name is given as it has to be written."""
    with pytest.raises(ConfigError) as error:
        Condition(text).check({"day": "date", "micro.deep": "number", "\u00b5m": "number"})
    assert said in str(error.value)
