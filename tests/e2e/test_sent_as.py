"""A model that goes out under another of LiteLLM's names: said beforehand, and kept."""

from __future__ import annotations

from pathlib import Path

import yaml
from commands import judgebench, pairs, read_json, write_jsonl, write_judges
from loopback import LoopbackServer

MANIFEST = Path("runs/rewardbench/mine/pairwise/one/manifest.json")


def run(*more: object) -> dict:
    """The manifest after a run of four pairs."""
    assert judgebench("run", "rewardbench", "-j", "mine", "--data", "pairs.jsonl", *more).status == 0
    manifest = read_json(MANIFEST)
    assert isinstance(manifest, dict)
    return manifest


def test_another_name_is_said_and_kept() -> None:
    """`judges show` and the manifest name it, a resumed run goes on naming it, and one from the cache sends nothing."""
    with LoopbackServer("[[A]]") as server:
        write_judges(server.url)
        write_jsonl(Path("pairs.jsonl"), pairs(4))
        shown = yaml.safe_load(judgebench("judges", "show", "mine", "--providers", "providers.yaml").out)
        first, again = run(), run()
        cached = run("--out", "other")

    assert shown["model"] == "openai/loopback"
    assert shown["sent_as"] == first["sent_as"] == again["sent_as"] == "hosted_vllm/loopback"
    assert cached == again  # the folder that was there stays as it was
    assert "sent_as" not in read_json(Path("other") / MANIFEST.relative_to("runs"))


def test_a_name_that_goes_out_as_it_is_is_not_said_twice() -> None:
    """Nothing beside the model's own name."""
    with LoopbackServer("[[A]]") as server:
        write_judges(server.url, mine={"model": "hosted_vllm/loopback"})
        write_jsonl(Path("pairs.jsonl"), pairs(4))
        shown = yaml.safe_load(judgebench("judges", "show", "mine", "--providers", "providers.yaml").out)

        assert "sent_as" not in {**shown, **run()}
