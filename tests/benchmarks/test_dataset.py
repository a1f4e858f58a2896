"""The items of a run: checked once, the same in any file format, and chosen by subset and limit."""

import csv
import json
import random
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from judgebench.benchmarks import dataset as datasets, get_benchmark
from judgebench.benchmarks.dataset import Selection, load_dataset
from judgebench.benchmarks.store import ItemStore
from judgebench.errors import ConfigError, StorageError
from judgebench.items import Item

PAIRS, BEST = get_benchmark("rewardbench"), get_benchmark("rewardbench-2")
COLUMNS = ("id", "prompt", "chosen", "rejected", "subset")
SUBSETS = ("donotanswer", "hep-cpp", "llmbar-natural")


def pair(identifier, subset="donotanswer", prompt="Why?"):
    return dict(zip(COLUMNS, (identifier, prompt, f"good {identifier}", "bad", subset), strict=True))


def ties(kind, number):
    return {
        "id": f"{kind}:{number}",
        "prompt": "Name one.",
        "chosen": ["a"] if kind == "ref" else ["a", "b"],
        "rejected": ["c"],
        "subset": "Ties",
    }


def four(identifier, subset):
    return ties("ref", 0) | {"id": identifier, "subset": subset, "rejected": ["b", "c", "d"]}


def write(path, rows):
    """Rows as a file of the format that its name says."""
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def loaded(path, rows, benchmark=PAIRS, **selection):
    return load_dataset(benchmark, write(path, rows), Selection(**selection))


def refusal(*arguments, **named):
    with pytest.raises(ConfigError) as caught:
        loaded(*arguments, **named)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "rows.jsonl"


MANY = [pair(f"{subset}-{n}", subset) for subset in SUBSETS for n in range(7)]


def test_items_stream_in_the_order_of_the_data(path):
    """Iterating gives every item, as often as it is asked for."""
    dataset = loaded(path, MANY)

    assert [item.id for item in dataset] == [item.id for item in dataset] == [row["id"] for row in MANY]


def test_few_items_are_kept_in_memory(path):
    """Items below the bound are read once: those of a file that is gone since are still there."""
    dataset = loaded(path, MANY, subsets=SUBSETS[:1])
    path.unlink()

    assert [item.id for item in dataset] == [f"donotanswer-{n}" for n in range(7)]


@pytest.mark.parametrize("above", [True, False])
def test_items_above_the_bound_are_in_a_file(path, monkeypatch, above):
    """Where all items of the source together take a byte more than the bound, none is kept, and they are the same."""
    whole = list(loaded(path, MANY))
    said = [datasets._said(item, datasets._measured(datasets._texts(item))) for item in whole]
    size = sum(len(each.encode()) + datasets._OBJECTS_BYTES for each in said)
    monkeypatch.setattr("judgebench.benchmarks.store.KEPT_BYTES", size - above)

    again = loaded(path, MANY)

    assert again.items.in_memory is not above
    assert list(again) == whole


def test_items_in_a_file_that_is_full_are_a_storage_error():
    """The message names the temporary folder and says what to do."""
    store = ItemStore()
    store._file = Path("/dev/full").open("wb", buffering=0)  # noqa: SIM115 - closed below
    with pytest.raises(StorageError, match=r"no room for the items .*set TMPDIR"), store._file:
        store.add(Item("1", "s", (), (), 0), 1)


@pytest.mark.parametrize("kept", [None, [2, 0, 3]])
def test_the_items_that_take_most_room_are_known(kept):
    """Of all items, and of those that were chosen, by their new numbers; of equal ones the first comes first."""
    store = ItemStore()
    for number, size in enumerate((5, 9, 7, 9)):
        store.add(Item(str(number), "s", (), (), 0), size)
    if kept:
        store.keep(kept)
    assert (store.largest_first(), store.largest_first(2)) == (([2, 0, 1], [2, 0]) if kept else ([1, 3, 2, 0], [1, 3]))
    assert store.only([0, 1]).largest_first() == ([0, 1] if kept else [1, 0])


def test_keys_are_those_of_the_items(path):
    """What is kept of an item is its key."""
    dataset = loaded(path, MANY)

    assert dataset.keys == {item.id: item.key for item in dataset}


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet", "rows.json"])
@pytest.mark.parametrize("first", [1, "one", 'a "q"'])
def test_the_format_of_the_file_does_not_matter(tmp_path, path, name, first):
    """The same rows give the same items and the same hash, ids as numbers or as text."""
    second = 2 if isinstance(first, int) else "two"
    rows = [pair(first, prompt="Line one\nand, two"), pair(second, prompt='[{"role": "user"}')]
    other = loaded(tmp_path / name, rows)

    assert list(other) == list(loaded(path, rows))
    assert other.hash == loaded(path, rows).hash


@pytest.mark.parametrize("change", [{"prompt": "Why not?"}, {"chosen": "good  1"}, {"subset": "hep-go"}, {"id": "9"}])
def test_the_hash_changes_with_any_text(path, change):
    """Another prompt, answer, subset or id is another set of items."""
    before = loaded(path, [pair("1")]).hash

    assert loaded(path, [pair("1") | change]).hash != before


def test_the_hash_changes_with_a_grade(path):
    """A run never goes on over rows whose grades are other ones."""
    texts = {"orig_instruction": "Why?", "orig_response": "Because.", "orig_reference_answer": "", "orig_criteria": "?"}
    row = texts | {f"orig_score{score}_description": "So." for score in range(1, 6)} | {"orig_score": "3"}
    before = loaded(path, [row], get_benchmark("feedback-bench")).hash

    assert loaded(path, [row | {"orig_score": "4"}], get_benchmark("feedback-bench")).hash != before


def test_the_hash_is_that_of_the_chosen_items(path):
    """Rows outside the selection have no part in it."""
    chosen = loaded(path, MANY, subsets=("hep-cpp",)).hash

    assert loaded(path, [row for row in MANY if row["subset"] == "hep-cpp"]).hash == chosen


def test_an_id_that_stands_twice_is_refused(path):
    """The file and the id are named, and 1 and 1.0 are one id."""
    message = refusal(path, [pair(1), pair(1.0)])

    assert "rows.jsonl" in message
    assert "duplicate id '1'" in message


def test_an_unknown_subset_gets_the_nearest(path):
    """Whatever the case it is written in."""
    message = refusal(path, MANY, subsets=("LLMBar-naturel",))

    assert "unknown subset 'LLMBar-naturel': did you mean llmbar-natural" in message


def test_an_empty_file_is_refused(path):
    """There is nothing to judge."""
    assert "is empty" in refusal(path, [])


def test_subsets_are_chosen_by_name(path):
    """Only their items are left, in the order of the data."""
    chosen = loaded(path, MANY, subsets=("llmbar-natural", "donotanswer"))

    assert Counter(key.subset for key in chosen.keys.values()) == {"donotanswer": 7, "llmbar-natural": 7}
    assert chosen.total == 21


@pytest.mark.parametrize(
    ("limit", "counts"), [(3, [1, 1, 1]), (7, [2, 2, 3]), (9, [3, 3, 3]), (21, [7, 7, 7]), (99, [7, 7, 7])]
)
def test_a_limit_is_spread_over_the_subsets(path, limit, counts):
    """Each subset gives as many as another, or one more."""
    chosen = loaded(path, MANY, limit=limit).keys.values()

    assert sorted(Counter(key.subset for key in chosen).values()) == counts


def test_what_small_subsets_lack_is_taken_from_the_others(path):
    """A subset of one item gives that one."""
    rows = [pair("x", "hep-go"), *MANY]

    assert len(loaded(path, rows, limit=10).keys) == 10


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_greater_limit_takes_what_a_smaller_one_did(path, seed):
    """So the replies of the smaller run serve the greater one."""
    taken = [set(loaded(path, MANY, limit=limit, seed=seed).keys) for limit in range(1, 22)]

    assert all(less < more for less, more in pairwise(taken))


@pytest.mark.parametrize("limit", [1, 4, 5, 10])
def test_the_order_of_the_rows_does_not_change_what_is_taken(path, limit):
    """The same items are chosen from a shuffled file."""
    shuffled = random.Random(limit).sample(MANY, len(MANY))

    assert set(loaded(path, shuffled, limit=limit).keys) == set(loaded(path, MANY, limit=limit).keys)


def test_other_rows_of_other_subsets_do_not_change_what_is_taken_of_one(path):
    """Of a subset, the items that come first are the same beside any other."""
    alone = set(loaded(path, MANY[:7], limit=2).keys)

    assert alone == {name for name in loaded(path, MANY[:14], limit=4).keys if name.startswith("donotanswer")}


def test_another_seed_takes_other_items(path):
    """The choice is drawn from the seed."""
    taken = {frozenset(loaded(path, MANY, limit=6, seed=seed).keys) for seed in range(5)}

    assert len(taken) > 1


TIES = [ties(kind, n) for n in range(4) for kind in ("ref", "tied")]
MIXED = [four(f"{subset}-{n}", subset) for subset in ("Math", "Focus") for n in range(4)] + TIES


@pytest.mark.parametrize("limit", range(1, 17))
def test_a_limit_keeps_both_prompts_of_a_pair(path, limit):
    """Ties' prompts are taken two at a time, and never more than asked for."""
    chosen = loaded(path, MIXED, BEST, limit=limit).keys
    halves = Counter(name.partition(":")[2] for name in chosen if ":" in name)

    assert set(halves.values()) <= {2}
    assert limit - 1 <= len(chosen) <= limit


def test_pairs_do_not_break_the_nesting(path):
    """A greater limit takes all that a smaller one did, also where pairs go together."""
    taken = [set(loaded(path, MIXED, BEST, limit=limit).keys) for limit in range(1, 17)]

    assert all(less <= more for less, more in pairwise(taken))


def test_a_limit_that_leaves_nothing_is_refused(path):
    """One item of pairs that go together is none."""
    assert "a limit of 1 leaves no item" in refusal(path, TIES, BEST, limit=1)


def test_the_bundled_sample_goes_by_its_name():
    """`sample` is the bundled rows, and says so."""
    dataset = load_dataset(PAIRS, "sample")

    assert (dataset.source, len({key.subset for key in dataset.keys.values()})) == ("sample (bundled)", 23)


def test_a_file_named_sample_goes_before_the_bundled_one(tmp_path):
    """What is there under the name is what was meant."""
    (tmp_path / "sample").mkdir()
    write(tmp_path / "sample" / "rows.jsonl", [pair("1")])

    assert list(load_dataset(PAIRS, "sample").keys) == ["1"]
