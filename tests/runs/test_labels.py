"""What runs are called beside each other: distinct, whatever differs, and the same in any order."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import simulating
from hypothesis import given, settings, strategies as st

from judgebench.runs.labels import manifest_labels
from judgebench.runs.manifest import Manifest, short_hash
from judgebench.runs.naming import named_beside

if TYPE_CHECKING:
    import random

PLAIN: dict[str, Any] = {
    "benchmark": "custom",
    "judge": "gpt",
    "model": "openai/gpt",
    "template": "v1",
    "text": "a",
    "edited": "2026-11-28T09:00:00+00:00",
    "data": "rows/pairs.csv",
    "items": "h1",
    "orders": "one",
    "join": "mean",
    "samples": 1,
    "limit": None,
    "seed": 0,
    "temperature": 0,
    "started": "2026-11-29T10:00:00+00:00",
}


@pytest.fixture
def utc(monkeypatch):
    """A place whose time is UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def manifest(**more: Any) -> Manifest:
    """A run's manifest, as far as names are made of it."""
    said = PLAIN | more
    return Manifest.model_validate(
        {
            "benchmark": said["benchmark"],
            "judge": {"name": said["judge"]},
            "template": {"name": said["template"], "hash": said["text"], "mode": "pairwise", "edited": said["edited"]},
            "protocol": {"name": "one", **{name: said[name] for name in ("orders", "join", "samples")}},
            "selection": {"limit": said["limit"], "columns": said.get("columns", {})},
            "seed": said["seed"],
            "data": {"source": said["data"]},
            "items": {"count": said.get("count", 300), "hash": said["items"]},
            "started": said["started"],
            "identity": {"judge": {"model": said["model"], "params": {"temperature": said["temperature"]}}},
            **({"rescored": said["rescored"]} if "rescored" in said else {}),
            **({"altered": said["altered"]} if "altered" in said else {}),
        }
    )


def labels(*runs: dict[str, Any]) -> list[Any]:
    """The labels of runs in folders of their own."""
    return manifest_labels([manifest(**run) for run in runs], [Path(f"runs/{at}") for at in range(len(runs))])


def hows(*runs: dict[str, Any]) -> list[str]:
    """What stands beside the judge of each."""
    return [label.how for label in labels(*runs)]


AGAIN = {"template": "v1", "hash": "a", "protocol": "one", "from": "one"}


@pytest.mark.parametrize(
    ("runs", "named"),
    [
        ([{}, {"text": "b", "edited": "2026-11-29T14:05:00+00:00"}], ["v1", "v1 (edited 29 Nov 14:05)"]),
        (
            [{"data": "x/team_a.csv"}, {"data": "x/team_b.csv", "items": "h2"}],
            ["v1, team_a.csv", "v1, team_b.csv"],
        ),
        ([{"data": "a/p.csv"}, {"data": "b/p.csv", "items": "h2"}], ["v1, a/p.csv", "v1, b/p.csv"]),
        ([{}, {"items": "h2", "count": 310}], ["v1, 300 items", "v1, 310 items"]),
        (
            [{}, {"items": "h2", "started": "2026-11-29T14:05:00+00:00"}],
            ["v1, rows of 29 Nov 10:00", "v1, rows of 29 Nov 14:05"],
        ),
        ([{}, {"limit": 60, "items": "h2"}], ["v1", "v1, limit 60"]),
        ([{}, {"columns": {"label": "winner"}, "items": "h2"}], ["v1", "v1, label=winner"]),
        ([{}, {"orders": "both"}], ["v1, one order", "v1, both orders"]),
        ([{}, {"samples": 3}], ["v1", "v1, 3 samples"]),
        ([{}, {"seed": 7}], ["v1", "v1, seed 7"]),
        ([{}, {"rescored": AGAIN}], ["v1", "v1, rescored"]),
        ([{}, {"rescored": AGAIN, "join": "agree"}], ["v1", "v1, unanimous, rescored"]),
        ([{}, {"rescored": AGAIN | {"template": "v2", "hash": "c"}}], ["v1", "v1 parsed with v2"]),
        ([{}, {"rescored": AGAIN | {"hash": "c"}}], ["v1", "v1 parsed with v1 (edited)"]),
        ([{}, {"temperature": 1}], ["v1, temperature 0", "v1, temperature 1"]),
        ([{}, {"model": "openai/gpt-2"}], ["v1, model openai/gpt", "v1, model openai/gpt-2"]),
        ([{}, {"altered": {"kind": "control", "name": "blind"}}], ["v1", "v1, blind"]),
        ([{}, {"started": "2026-11-29T14:05:00+00:00"}], ["v1, 29 Nov 10:00", "v1, 29 Nov 14:05"]),
        ([{"text": "b", "edited": None, "started": None}, {"edited": None, "started": None}], ["v1 (edited, b)", "v1"]),
        ([{}, {}], ["v1, 0", "v1, 1"]),
    ],
)
def test_what_differs_is_in_the_name(utc, runs, named):
    """Two runs that differ in one respect are called by it, and by nothing that is equal."""
    assert hows(*runs) == named


def test_dates_are_no_finer_than_tells_them_apart():
    """Three texts of one name: the first is plain, the others have dates, with seconds where minutes are equal."""
    texts = [{}, *({"text": str(s), "edited": f"2026-11-29T14:05:{s}+00:00"} for s in (10, 20))]
    assert [how.count(":") for how in hows(*texts)] == [0, 2, 2]


def test_a_judges_title_names_what_differs_among_its_own_runs():
    """A judge with one run is called by its name alone; of one with several all that differs among these is named."""
    runs = [{"judge": "claude", "orders": "both"}, {}, {"template": "v2", "limit": 60, "items": "h2"}]
    assert [label.title for label in labels(*runs)] == ["claude", "gpt · v1", "gpt · v2 · limit 60"]


def test_rows_from_elsewhere_with_the_same_items_are_not_named():
    """Where all items are equal, the names of their files say nothing."""
    assert hows({"data": "a.csv", "judge": "x"}, {"data": "b.csv"}) == ["v1", "v1"]


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "benchmark": st.sampled_from(["custom", "rewardbench"]),
    "judge": st.sampled_from(["gpt", "gpt · v1", "claude"]),
    "template": st.sampled_from(["v1", "v1, limit 60", "v2"]),
    "text": st.sampled_from("abc"),
    "edited": st.sampled_from([None, "no date", "2026-11-28T09:00:00+00:00", "2025-11-28T09:00:00+00:00"]),
    "data": st.sampled_from(["a/p.csv", "b/p.csv", "p.csv", "", "org/set"]),
    "items": st.sampled_from(["h1", "h2", "h3"]),
    "orders": st.sampled_from(["one", "both"]),
    "samples": st.sampled_from([1, 3]),
    "limit": st.sampled_from([None, 60]),
    "seed": st.sampled_from([0, 1]),
    "temperature": st.sampled_from([0, 1, None]),
    "started": st.sampled_from([None, "2026-11-29T10:00:00+00:00", "2026-11-29T10:00:01+00:00"]),
}
RUNS = st.lists(st.fixed_dictionaries({}, optional=VALUES), min_size=1, max_size=7)
PARTS = st.lists(st.sampled_from(["runs", "a", "b"]), min_size=1, max_size=3).map("/".join)


@settings(max_examples=500 if simulating.whole else 40, deadline=None)
@given(RUNS, st.lists(PARTS, min_size=7, max_size=7, unique=True), st.randoms(use_true_random=False))
def test_labels_are_distinct_in_any_order(runs: list[dict[str, Any]], paths: list[str], chance: random.Random):
    """Different runs have different titles, rows of one benchmark's table never look alike, and no order matters."""
    manifests = [manifest(**run) for run in runs]
    folders = [Path(path) for path in paths[: len(runs)]]
    found = manifest_labels(manifests, folders)
    assert len({label.title for label in found}) == len(runs)
    assert len({(m.benchmark, label.judge, label.how) for m, label in zip(manifests, found, strict=True)}) == len(runs)
    order = list(range(len(runs)))
    chance.shuffle(order)
    assert manifest_labels([manifests[at] for at in order], [folders[at] for at in order]) == [
        found[at] for at in order
    ]


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ({"data": "b/team_b.csv", "items": "h2"}, "-team_b.csv"),
        ({"text": "b", "edited": "2026-11-29T14:05:00+00:00"}, "-edited-29-Nov-14-05"),
        ({"text": "b", "edited": "2026-11-27T14:05:00+00:00"}, ""),
        ({"temperature": 1}, "-temperature-1"),
        ({"data": "x/../../é ü/" + "y" * 300, "items": "h2"}, "-" + "y" * 60),
    ],
)
def test_a_folder_beside_says_what_differs(utc, tmp_path, new, said):
    """A run whose plain folder is taken is saved beside it: its name says what differs, then has eight digits."""
    plain = tmp_path / "one"
    plain.mkdir()
    (plain / "manifest.json").write_text(manifest().model_dump_json(by_alias=True))
    assert named_beside(plain, manifest(**new), {"its": "own"}).name == f"one{said}-{short_hash({'its': 'own'})}"


def test_a_run_beside_is_found_again_whatever_it_is_called(tmp_path):
    """A run of an earlier version, whose folder has a hash alone, goes on where it is."""
    identity = {"its": "own"}
    plain, there = tmp_path / "one", tmp_path / f"one-{short_hash(identity)}"
    for folder, own in ((plain, {}), (there, identity)):
        folder.mkdir()
        (folder / "manifest.json").write_text(manifest().model_copy(update={"identity": own}).model_dump_json())
    assert named_beside(plain, manifest(data="b.csv", items="h2"), identity) == there
