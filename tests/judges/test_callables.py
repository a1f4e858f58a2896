"""A Python function as a judge: what it may ask for, and what makes it another judge."""

import functools
import linecache

import pytest

from judgebench.errors import ConfigError
from judgebench.judges import callable_judge, load_judges
from judgebench.judges.callables import arguments_of

KNOWN = {"temperature": 0, "sample": 3, "schema": None}


def plain(messages):
    return messages[-1]["content"]


async def later(messages):
    return plain(messages)


class Wordy:
    def __init__(self, words):
        self.words = words

    def __call__(self, messages):
        return self.words


def over(threshold):
    return lambda messages: f"{messages} {threshold}"


def test_a_function_is_a_judge_of_its_name():
    """Of a model that no table lists, so without a price."""
    judge = callable_judge(plain)

    assert (judge.name, judge.model, judge.provider, judge.price) == ("plain", "python/plain", "python", None)


def test_a_function_is_called_one_at_a_time_and_a_coroutine_as_other_judges_are():
    """A model in this process is seldom safe to be called by 32 threads."""
    assert (callable_judge(plain).limits.concurrency, callable_judge(later).limits.concurrency) == (1, 32)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda messages: "", {}),
        (lambda messages, temperature: "", {"temperature": 0}),
        (lambda messages, *, sample, other=1: "", {"sample": 3}),
        (lambda messages, **every: "", KNOWN),
        (lambda *messages: "", {}),
        (str, {}),
    ],
)
def test_a_function_gets_what_it_asks_for_by_name(function, expected):
    """Of the judge's parameters, the sample's number and the schema; the messages come first."""
    assert arguments_of(function, KNOWN) == expected


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda messages: "", {}),
        (lambda messages, temperature: "", {"temperature": 0}),
        (lambda messages, **every: "", {"temperature": 0, "max_tokens": 2048}),
    ],
)
def test_parameters_that_a_function_asks_for_are_the_judges(function, expected):
    """And so are part of its replies' keys; no others are."""
    assert callable_judge(function).params == expected


def test_parameters_of_ones_own_are_kept_whole():
    """Whether the function asks for them or not: they may be what tells two judges apart."""
    assert callable_judge(plain, params={"top_p": 0.5}).params == {"top_p": 0.5}


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda messages, mood: "", "the function needs mood; a call has messages, temperature, max_tokens"),
        (lambda: "", "the function has no argument: the first must take the messages"),
        (lambda *, messages: "", "the function has no argument"),
    ],
)
def test_a_function_that_no_call_fits_is_a_mistake(function, said):
    """Found before the first call."""
    with pytest.raises(ConfigError, match=said):
        callable_judge(function, name="odd")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (plain, later),
        (over(1), over(2)),
        (Wordy("a"), Wordy("b")),
        (functools.partial(max, key=len), functools.partial(max, key=str)),
        (Wordy("a").__call__, Wordy("b").__call__),
    ],
)
def test_another_function_of_the_same_name_has_replies_of_its_own(one, other):
    """By its source, what it closes over and what its object holds."""
    assert callable_judge(one, name="same").cache_as != callable_judge(other, name="same").cache_as


@pytest.mark.parametrize("make", [lambda: plain, lambda: over(1), lambda: Wordy("a"), lambda: functools.partial(plain)])
def test_the_same_function_finds_its_replies_again(make):
    """Nothing of where it lies in memory is in its digest."""
    assert callable_judge(make()).cache_as == callable_judge(make()).cache_as


def test_a_function_without_source_is_told_by_its_code(monkeypatch):
    """As one typed into an interpreter is, whatever else Python keeps under the name of no file."""
    lines = ["lambda messages: 'another'\n"]
    monkeypatch.setitem(linecache.cache, "<string>", (len(lines[0]), None, lines, "<string>"))
    one, other, again = (eval(f"lambda messages: 'say {n}'") for n in (1, 2, 1))

    same, different = callable_judge(one).cache_as == callable_judge(again).cache_as, callable_judge(other).cache_as
    assert same
    assert callable_judge(one).cache_as != different


def test_settings_are_those_of_a_preset():
    """A wrong one is a mistake of one line."""
    judge = callable_judge(plain, limits={"rpm": 60}, price={"input": 1, "output": 2})

    assert (judge.limits.concurrency, judge.limits.rpm, judge.price.output) == (1, 60, 2)
    with pytest.raises(ConfigError, match=r"judge 'plain': limits\.rmp: Extra inputs are not permitted"):
        callable_judge(plain, limits={"rmp": 60})


def test_a_manifest_has_nothing_of_the_function_but_its_digest():
    """What is written is data."""
    public = callable_judge(plain).public()

    assert "function" not in public
    assert public["cache_as"].startswith("python/plain@")


def test_names_functions_and_judges_may_stand_side_by_side():
    """Each once."""
    chosen = load_judges().chosen(["offline/first", plain, callable_judge(plain), later, "offline/first"])

    assert [judge.name for judge in chosen] == ["offline/first", "plain", "later"]


@pytest.mark.parametrize(
    ("judges", "said"),
    [
        ([plain, Wordy("a"), callable_judge(later, name="plain")], "two judges are called 'plain'"),
        ([None], "judge None must be a name, a function or a Judge"),
        ([callable_judge(plain, name="a b")], "'a b' is not a valid judge name"),
    ],
)
def test_judges_that_cannot_be_told_apart_or_named_are_a_mistake(judges, said):
    """One line."""
    with pytest.raises(ConfigError, match=said):
        load_judges().chosen(judges)
