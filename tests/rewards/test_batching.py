"""Batches and heads: which sequences go together, what they are filled up with, and which outputs count."""

import pytest
from hypothesis import given, strategies as st

from judgebench.errors import ConfigError
from judgebench.rewards.batching import batches, padded, unused_token
from judgebench.rewards.settings import RewardSettings, head_weights


@given(st.lists(st.integers(0, 50), max_size=40), st.integers(1, 120))
def test_every_sequence_is_in_one_batch_and_no_batch_is_too_large(lengths, most):
    """Padded to one length a batch has at most so many tokens, unless it is a single sequence."""
    found = list(batches(lengths, most))
    assert sorted(at for batch in found for at in batch) == list(range(len(lengths)))
    for batch in found:
        assert len(batch) == 1 or len(batch) * max(1, *(lengths[at] for at in batch)) <= most
    assert [lengths[at] for batch in found for at in batch] == sorted(lengths, reverse=True)


@given(st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=6), min_size=1, max_size=4), st.integers(0, 6))
def test_the_last_token_of_every_row_is_found_past_the_padding(rows, wanted):
    """A model that takes the last token that is not padding takes the row's own last one, also where that ends it."""
    end = 2
    pad = unused_token(rows, wanted, end, 8)
    filled, mask = padded(rows, pad)
    for row, ids, own in zip(rows, filled, mask, strict=True):
        assert max(at for at, token in enumerate(ids) if token != pad) == len(row) - 1
        assert [token for token, there in zip(ids, own, strict=True) if there] == row
    assert pad != end


def test_the_tokenizers_own_padding_is_kept_where_it_does_no_harm():
    """Models with learned positions count by it."""
    assert unused_token([[5, 6], [7, 2]], 3, 2, 10) == 3


@pytest.mark.parametrize(
    ("head", "weights"),
    [
        ("verbosity", [0.0, 0.0, 1.0]),
        ("1", [0.0, 1.0, 0.0]),
        (-1, [0.0, 0.0, 1.0]),
        ("Helpfulness=0.7,verbosity=-0.3", [0.7, 0.0, -0.3]),
    ],
)
def test_a_head_is_a_name_an_index_or_weights(head, weights):
    """Names in any case, indices also from the end."""
    assert head_weights(head, ["helpfulness", "correctness", "verbosity"]) == weights


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (None, r"3 outputs \(a, b, c\): --head NAME\|INDEX takes one"),
        ("d", "--head d: the model has no such output; it has a, b, c"),
        ("3", "--head 3: the model has no such output"),
        ("a=x", "the weight of 'a' is not a number"),
        ("a=1,b", "'b' has no weight"),
        ("a=nan", "the weight of 'a' is not a number"),
        ("a=1,b=inf", "the weight of 'b' is not a number"),
        ("a=1,a=2", "'a' is named twice"),
        ("a=0,b=0", "all weights are 0"),
    ],
)
def test_a_head_that_means_nothing_is_refused(head, message):
    """With the outputs that there are."""
    with pytest.raises(ConfigError, match=message):
        head_weights(head, ["a", "b", "c"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"dtype": "int8"}, "dtype is 'int8': must be one of float32, bfloat16, float16"),
        ({"batch_tokens": 0}, "batch_tokens is 0: must be an integer >= 1"),
        ({"beta": 0.0}, "beta is 0: must be a number > 0"),
        ({"reference": "base", "reference_free": True}, "exclude each other"),
        ({"step_separator": ""}, "--step-separator is empty"),
        ({"step_turns": True}, "--step-turns needs --step-tokens GOOD,BAD"),
        ({"step_turns": True, "step_tokens": "+,-", "step_separator": "x"}, "exclude each other"),
        ({"text_pair": True, "chat_template": "t.jinja"}, "--text-pair takes no chat template"),
        ({"engine": "spark"}, "engine is 'spark': must be one of local, ray"),
        ({"ray_address": "auto"}, "--ray-address needs --engine ray"),
        ({"engine": "ray", "device": "cuda:1"}, "--device cuda:1 must be cpu or cuda"),
    ],
)
def test_settings_that_cannot_be_are_refused(given, message):
    """Before anything is loaded."""
    with pytest.raises(ConfigError, match=message):
        RewardSettings(**given)
