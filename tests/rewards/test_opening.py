"""Opening a reward model where PyTorch is not installed."""

from importlib.util import find_spec

import pytest
from commands import judgebench


@pytest.mark.skipif(find_spec("torch") is not None, reason="PyTorch is installed")
def test_without_the_extra_the_command_says_what_to_install(tmp_path, monkeypatch):
    """In one line, with exit status 2; nothing else of judgebench needs PyTorch."""
    monkeypatch.chdir(tmp_path)
    ended = judgebench("reward", "model", "--benchmark", "rewardbench", "--data", "sample")
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert "torch" in ended.err
    assert "pip install 'judgebench[reward]'" in ended.err
