"""What a source gives of its rows, and the mistake that reading them ends in."""

import pytest

from judgebench.errors import ConfigError
from judgebench.sources.opening import source_of


def read(source):
    """Places and data of all rows, read twice."""
    first = [(row.where, row.data) for row in source]
    assert [(row.where, row.data) for row in source] == first
    return first


def mistake(data):
    """The message of the mistake that reading ends in; always one line."""
    with pytest.raises(ConfigError) as caught:
        list(source_of(data))
    assert "\n" not in str(caught.value)
    return str(caught.value)
