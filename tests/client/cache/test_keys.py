"""The cache key: what changes it, and what does not."""

import pytest
from hypothesis import given, strategies as st

from judgebench.client.cache.keys import KeyMaker
from judgebench.judges.catalog import Price
from judgebench.judges.judge import Judge, Limits

MESSAGES = [{"role": "system", "content": "rules"}, {"role": "user", "content": "question"}]
BASE = {"name": "mine", "model": "openai/gpt-x"}
ANY_TEXT = st.text(alphabet=st.characters(codec=None))


def key(messages=MESSAGES, sample=0, schema=None, hint=None, **settings):
    return KeyMaker(Judge(**(BASE | settings))).key(messages, sample, schema, hint)


@pytest.mark.parametrize(
    "settings",
    [
        {"name": "another name of the same model"},
        {"api_key_env": "MY_KEY"},
        {"limits": Limits(concurrency=1, rpm=5, tpm=7)},
        {"price": Price(input=1, output=2)},
        {"timeout": 5},
        {"family": "gpt"},
        {"extra": {"api_version": "2025-01-01"}},
        {"extra": {"extra_headers": {"X-Team": "a"}}},
        {"extra": {"aws_region_name": "eu-west-1"}},
        {"extra": {"organization": "org"}},
        {"params": {"temperature": 0, "max_tokens": 2048}},
        {"params": {"max_tokens": 2048, "temperature": 0}},
    ],
)
def test_how_a_judge_is_reached_does_not_change_the_key(settings):
    """Names, keys, limits, prices and the connection leave the reply, and so the key, as it is."""
    assert key(**settings) == key()


def test_the_address_does_not_change_the_key_of_a_preset():
    """A server may move: the preset's name stands for it."""
    assert key(api_base="http://127.0.0.1:1/v1") == key(api_base="http://127.0.0.1:2/v1")


@pytest.mark.parametrize(
    "changed",
    [
        {"model": "openai/gpt-y"},
        {"params": {"temperature": 1}},
        {"params": {"temperature": 0}},
        {"cache_as": "gpt-x-2026"},
        {"api_base": "http://127.0.0.1:1/v1"},
        {"extra": {"reasoning": "high"}},
        {"messages": MESSAGES[1:]},
        {"messages": MESSAGES[::-1]},
        {"messages": [MESSAGES[0], {"role": "assistant", "content": "question"}]},
        {"messages": [MESSAGES[0], {"role": "user", "content": "question "}]},
        {"messages": [{"role": "system", "content": "rules4:user8:question"}]},
        {"sample": 1},
        {"schema": {"type": "object"}},
        {"hint": {"lengths": [1, 2]}},
    ],
)
def test_what_shapes_the_reply_changes_the_key(changed):
    """Model, parameters, messages, sample, schema and `cache_as` each make another key."""
    assert key(**changed) != key()


def test_two_models_behind_one_preset_have_two_keys():
    """A preset whose model changes asks again."""
    server = {"api_base": "http://127.0.0.1:1/v1"}

    assert key(model="hosted_vllm/a", **server) != key(model="hosted_vllm/b", **server)


def test_two_presets_of_one_model_at_addresses_have_two_keys():
    """The same model id on two servers of one's own may be two models."""
    server = {"api_base": "http://127.0.0.1:1/v1"}

    assert key(name="a", **server) != key(name="b", **server)


def test_cache_as_joins_two_presets():
    """Judges that say their replies are the same model's share them."""
    one = key(name="a", api_base="http://127.0.0.1:1/v1", cache_as="m")

    assert one == key(name="b", model="openai/other", api_base="http://127.0.0.1:2/v1", cache_as="m")


def test_a_key_is_a_digest():
    """64 hexadecimal digits, as a file's or a column's name may be."""
    assert len(key()) == 64
    assert set(key()) <= set("0123456789abcdef")


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_different_messages_have_different_keys(role, content, other_role, other_content):
    """No two messages have one key, whatever is in them, lone surrogates included."""
    keys = [key([{"role": r, "content": c}]) for r, c in ((role, content), (other_role, other_content))]

    assert (keys[0] == keys[1]) == ((role, content) == (other_role, other_content))


@given(st.lists(ANY_TEXT, min_size=1, max_size=4), st.lists(ANY_TEXT, min_size=1, max_size=4))
def test_where_a_message_ends_matters(texts, others):
    """The same text split otherwise is another conversation."""
    keys = [key([{"role": "user", "content": text} for text in among]) for among in (texts, others)]

    assert (keys[0] == keys[1]) == (texts == others)
