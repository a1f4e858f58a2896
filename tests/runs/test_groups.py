"""Items that belong together, in runs of versions that did not say so, and where prompts are too few."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from commands import judgebench, pairs, write_jsonl
from finishedruns import written_run

from judgebench.runs.run import Finished, open_run


def rows(prompts: int) -> list[dict[str, object]]:
    """24 pairs, with so many prompts."""
    return [row | {"prompt": f"Why {at % prompts}?"} for at, row in enumerate(pairs(24, ("all",)))]


def finished(prompts: int) -> Finished:
    return Finished(open_run(written_run(f"judge-{prompts}", rows(prompts), lambda *_: 0, benchmark="custom")))


def without_groups(run: Finished) -> Finished:
    """The run as an earlier version would have written it."""
    path = run.path / "items.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        lines = [{name: value for name, value in json.loads(line).items() if name != "group"} for line in file]
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    return Finished(open_run(run.path))


def test_an_earlier_runs_items_of_one_prompt_are_a_group() -> None:
    """As a new run's are: two of each of twelve prompts."""
    run = finished(12)
    old = without_groups(run)

    assert {item: key.unit for item, key in old.keys.items()} == {item: key.unit for item, key in run.keys.items()}
    assert len({key.unit for key in old.keys.values()}) == 12


def test_where_prompts_are_too_few_a_note_says_so() -> None:
    """By commands that read runs."""
    (note,) = finished(6).notes

    assert "24 items share a prompt with others, but there are fewer than 10 prompts" in note
    assert list(finished(12).notes) == []


def test_a_run_over_few_prompts_says_so_once() -> None:
    """In its own notes, and then not again where it is read."""
    data = write_jsonl(Path("rows.jsonl"), rows(6))
    ran = judgebench("run", "custom", "--data", data, "-j", "offline/longest", "--json")
    read = Finished(open_run(next(path.parent for path in Path("runs").rglob("metrics.json"))))

    assert [note for note in ran.metrics[0]["notes"] if "24 items share a prompt" in note]
    assert list(read.notes) == []
