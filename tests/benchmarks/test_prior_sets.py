"""RewardBench's prior sets, the splits of hub datasets, and what the manifest keeps of them."""

import json

import pytest
from hypothesis import given, strategies as st
from scoring import chose, items_of, mistake_in, pair_key, run_offline, write_rows

from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.rewardbench import PRIOR, PRIOR_SETS, SECTIONS
from judgebench.errors import ConfigError
from judgebench.items import Outcome
from judgebench.metrics.accuracy import official_scores, point_score
from judgebench.sources import hub
from judgebench.sources.opening import source_of
from judgebench.sources.source import Row

NAME = "rewardbench"
BENCHMARK = get_benchmark(NAME)
COMMIT = "c" * 40
PUBLISHED = {"Chat": 0.8855, "Chat Hard": 0.4868, "Safety": 0.6311, "Reasoning": 0.7752, PRIOR: 0.6533}


def outcome(subset, credit, at=0):
    return Outcome(pair_key(f"{subset}:{at}", subset), credit, credit, credit)


def row(split, **more):
    """A row as a split of the hub has it."""
    return Row(f"rows split {split} row 1", {"prompt": "p", "chosen": "a longer one", "rejected": "r", **more}, split)


def item(*args, **more):
    return next(BENCHMARK.items([row(*args, **more)]))


def test_the_published_row():
    """oasst-rm-2.1-pythia-1.4b: four sections and the prior sets at half a weight give the published overall, .6901."""
    outcomes = [outcome(subset, PUBLISHED[section]) for section, subsets in SECTIONS.items() for subset in subsets]
    outcomes += [outcome(subset, PUBLISHED[PRIOR]) for subset in PRIOR_SETS]
    found = official_scores(outcomes, BENCHMARK.layout)
    assert {name: round(each.score, 4) for name, each in found.sections.items()} == PUBLISHED
    assert found.score == pytest.approx((0.8855 + 0.4868 + 0.6311 + 0.7752 + 0.5 * 0.6533) / 4.5, abs=1e-12)
    assert round(found.score, 4) == 0.6901
    assert found.missing == ()


def test_prior_sets_weigh_the_same_whatever_their_size():
    """The fifth section is the plain mean of its subsets, however many items each has."""
    outcomes = [outcome("shp", 1.0, at) for at in range(9)] + [outcome("summarize", 0.0)]
    assert official_scores(outcomes, BENCHMARK.layout).sections[PRIOR].score == pytest.approx(0.5, abs=1e-12)


def test_without_prior_sets_they_are_not_missing():
    """A run on the core set alone misses no prior sets; one on prior sets alone misses the four sections."""
    core = official_scores([outcome("hep-go", 1.0)], BENCHMARK.layout)
    assert (core.missing, PRIOR in core.sections) == (("Chat", "Chat Hard", "Safety"), False)
    prior = official_scores([outcome("shp", 0.25)], BENCHMARK.layout)
    assert (prior.missing, prior.score) == (tuple(SECTIONS), 0.25)


@given(st.dictionaries(st.sampled_from([*PRIOR_SETS, "hep-go", "donotanswer"]), st.floats(0, 1), min_size=1))
def test_the_score_is_the_weighted_mean_of_what_is_there(credits_):
    """With any of the subsets there, the score is the mean of their sections with weight 1, of the prior sets 0.5."""
    prior = [credit for subset, credit in credits_.items() if subset in PRIOR_SETS]
    parts = [(1.0, credit) for subset, credit in credits_.items() if subset not in PRIOR_SETS]
    parts += [(0.5, sum(prior) / len(prior))] if prior else []
    expected = sum(weight * score for weight, score in parts) / sum(weight for weight, _ in parts)
    found = point_score([outcome(subset, credit) for subset, credit in credits_.items()], BENCHMARK.layout)
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("more", [{}, {"subset": "honest"}, {"subset": None}])
def test_rows_of_a_prior_split_are_of_that_subset(more):
    """The split's name is the subset, whatever a column of that name says inside the set."""
    assert item("anthropic_hhh", **more).subset == "anthropic_hhh"


def test_ids_of_prior_rows_never_meet():
    """Ids of prior sets carry the set's name, and are row numbers where there are none."""
    rows = [row("shp"), row("summarize", id=1), row("shp"), row("summarize", id=2)]
    assert [each.id for each in BENCHMARK.items(rows)] == ["shp:1", "summarize:1", "shp:2", "summarize:2"]
    assert BENCHMARK.item(row("shp", id=5)).id == "shp:5"


def test_prior_rows_may_name_their_subset_themselves():
    """Rows with the set's name in their column are taken from any file, with their own ids."""
    data = {"prompt": "p", "chosen": "c", "rejected": "r", "subset": "shp", "id": "x1"}
    assert [(each.subset, each.id) for each in items_of(NAME, [data])] == [("shp", "x1")]


def test_prompts_of_several_turns_are_kept():
    """Prior sets have conversations as prompts, with strings as answers."""
    prompt = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}]
    found = item("anthropic_helpful", prompt=prompt)
    assert [turn.content for turn in found.conversation] == ["q", "a", "b"]


def test_other_subsets_are_refused(tmp_path):
    """A subset that is neither of the core set nor a prior set is a mistake that names the line."""
    data = {"prompt": "p", "chosen": "c", "rejected": "r", "subset": "pku_safer", "id": "1"}
    message = mistake_in(NAME, write_rows(tmp_path / "rows.jsonl", [data]))
    assert message.startswith("rows.jsonl line 1: subset 'pku_safer' is not one of RewardBench's 23 or its prior sets")


def test_a_folder_of_core_and_prior_files_is_one_run(tmp_path):
    """A file's name stands for the split, so a folder with the core set and prior sets gives the older overall."""
    folder = tmp_path / "rows"
    folder.mkdir()
    core = [{"prompt": "p", "chosen": "long one", "rejected": "r", "subset": "hep-go", "id": "1"}]
    write_rows(folder / "core.jsonl", core)
    write_rows(folder / "shp.jsonl", [{"prompt": "p", "chosen": "c", "rejected": "a long one"}])
    metrics = run_offline(NAME, tmp_path, str(folder)).metrics
    assert {name: each.score for name, each in metrics.sections.items()} == {"Reasoning": 1.0, PRIOR: 0.0}
    assert metrics.score == pytest.approx(1 / 1.5, abs=1e-12)


# --- splits and revisions of the hub


@pytest.fixture
def loads(monkeypatch):
    """A hub in the place of the real one; gives what was asked for."""
    asked = []

    def load_hub(hub_id, *, split, revision, config):
        asked.append((hub_id, split, revision))
        data = {"prompt": "p", "chosen": "c", "rejected": "a long one"}
        core = {**data, "subset": "hep-go", "id": f"{split}1"}
        return hub.Split(FakeDataset(data if split in PRIOR_SETS else core), split, revision=COMMIT)

    monkeypatch.setattr(hub, "load_hub", load_hub)
    return asked


class FakeDataset:
    """One row, as `datasets` gives batches."""

    def __init__(self, data):
        self.data = data

    def __len__(self):
        return 1

    def iter(self, batch_size):
        yield {name: [value] for name, value in self.data.items()}


@pytest.mark.parametrize(
    ("spec", "asked"),
    [
        ("owner/name", [("owner/name", "filtered", None)]),
        ("owner/name:raw", [("owner/name", "raw", None)]),
        ("owner/name@v1", [("owner/name", "filtered", "v1")]),
        ("owner/name@refs/pr/1:raw", [("owner/name", "raw", "refs/pr/1")]),
        ("owner/name:shp,raw", [("owner/name", "shp", None), ("owner/name", "raw", COMMIT)]),
    ],
)
def test_a_hub_id_may_name_revision_and_splits(loads, spec, asked):
    """ID@REVISION:SPLIT overrides the benchmark's split; of several splits all are of the same commit."""
    rows = source_of(spec, hub_split="filtered")
    assert loads == asked
    assert [found.split for found in rows] == [split for _, split, _ in asked]
    assert (rows.name, rows.revision, rows.split) == ("owner/name", COMMIT, ",".join(split for _, split, _ in asked))


@pytest.mark.parametrize("spec", ["owner/name:", "owner/name@", "owner/name:a,,b", "owner/name:../x"])
def test_a_half_written_hub_id_is_a_mistake(spec):
    """What is no hub id is said to be no file, with the form of an id."""
    with pytest.raises(ConfigError, match=r"owner/name\[@REVISION\]\[:SPLIT\]"):
        source_of(spec)


def test_the_manifest_keeps_what_was_read(loads, tmp_path):
    """The commit and the splits that were read stand in the manifest, not the tag that was asked for."""
    run = run_offline(NAME, tmp_path, "allenai/pref-test-sets@v1:shp,summarize")
    assert run.manifest.data.model_dump() == {
        "source": "allenai/pref-test-sets",
        "revision": COMMIT,
        "split": "shp,summarize",
    }
    assert {json.loads(line)["item"] for line in (run.path / "outcomes.jsonl").read_text().splitlines()} == {
        "shp:1",
        "summarize:1",
    }
    assert run.metrics.sections[PRIOR].score == 0


def test_a_pair_of_a_prior_set_is_judged_as_any_other():
    """The rule of a pair is the same in all sections."""
    assert BENCHMARK.judged(pair_key(subset="shp"), [chose(None)]).credit == 0.5
