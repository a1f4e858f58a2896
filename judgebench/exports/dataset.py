"""Runs as a Hugging Face dataset folder: Parquet files whose columns have their types, and a card that names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench._util.files import whole_folder, write_text, writing
from judgebench._util.table import Column, Table
from judgebench.errors import ConfigError
from judgebench.exports.scored import scored_judgements, scored_schema
from judgebench.exports.tables import arrow_of
from judgebench.runs import Finished, frames, run_labels, share_contents

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import pyarrow as pa

    from judgebench._util.table import Columns
    from judgebench.runs import Run

TABLES = {
    "judgements": "one row per reply: the verdict or the failure, the label, the reply, tokens, cost and latency",
    "outcomes": "one row per item: its credit by the benchmark's rule, and what it came from",
    "scores": "one row per score: of the whole, of each section and subset, with its interval",
    "items": "one row per item: prompt and completions, the first `num_correct` of which are correct",
}
_ROWS_A_GROUP = 10_000


def write_dataset(runs: Sequence[Run], out: Path, *, items: bool = False) -> list[Path]:
    """Writes runs as a folder that `datasets.load_dataset` reads, whole or not at all.

    Args:
        runs: The runs; each row says of which it is.
        out: The folder, which must not be there yet, or be empty.
        items: Whether the items' texts go with them.

    Raises:
        ConfigError: The folder holds files, or cannot be written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        what = "holds files" if out.is_dir() else "is a file"
        raise ConfigError(f"{out}: {what} already; name a new folder with --out")
    with writing(out, "choose another with --out"), whole_folder(out) as part:
        counts = {name: _write(runs, name, part) for name in TABLES if name != "items" or items}
        there = {name: count for name, count in counts.items() if count}
        write_text(part / "README.md", _card(runs, there))
    return [out / "README.md", *(out / f"{name}.parquet" for name in there)]


def _write(runs: Sequence[Run], name: str, folder: Path) -> int:
    """Writes a table of all runs, one after the other, and gives its number of rows; no file where there is none."""
    import pyarrow.parquet as pq

    path = folder / f"{name}.parquet"
    titles = {run.path: label.title for run, label in zip(runs, run_labels(runs), strict=True)}
    seen: set[tuple[str | None, str | None]] = set()
    count = 0
    schema = scored_schema(runs) if name == "judgements" else frames.schema_of(name)
    finished = {run.path: Finished(run) for run in runs}
    share_contents(list(finished.values()))
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for run in runs:
            if name == "items":
                # Runs of one benchmark mostly share their items.
                same = run.manifest.benchmark, run.manifest.items.hash
                if same in seen:
                    continue
                seen.add(same)
            if name == "judgements":
                tables: Iterable[pa.Table] = scored_judgements(finished[run.path], titles[run.path], _ROWS_A_GROUP)
            else:
                tables = [arrow_of(run, name, titles[run.path])]
            for table in tables:
                writer.write_table(table, row_group_size=_ROWS_A_GROUP)
                count += table.num_rows
    if not count:
        path.unlink()
    return count


def _card(runs: Sequence[Run], counts: dict[str, int]) -> str:
    """The card: which files there are, of which runs, and how they are read."""
    configs = "".join(
        f"- config_name: {name}\n  data_files: {name}.parquet\n{'  default: true' + chr(10) if at == 0 else ''}"
        for at, name in enumerate(counts)
    )
    titles = {run.path: label.title for run, label in zip(runs, run_labels(runs), strict=True)}
    columns: Columns = {
        Column("benchmark"): lambda run: str(run.manifest.benchmark),
        Column("run"): lambda run: titles[run.path],
        Column("judge"): lambda run: run.name.judge,
        Column("template"): lambda run: run.name.wording,
        Column("protocol"): lambda run: run.name.protocol,
        Column("score", "score"): lambda run: run.metrics.score,
        Column("items", "count"): lambda run: run.metrics.items,
    }
    made = Table.of(runs, columns, lambda run: {"unit": run.metrics.measure}).to_markdown().strip()
    tables = "\n".join(f"- `{name}` ({count} rows): {TABLES[name]}" for name, count in counts.items())
    return f"""---
configs:
{configs}tags:
- judgebench
- llm-as-judge
---

# Judgements

Runs of judgebench, an evaluation harness for LLM judges and reward models:

{made}

{tables}

```python
from datasets import load_dataset

load_dataset("THIS FOLDER", "{next(iter(counts))}", split="train")
```

`order` is the index of the completion shown in each slot, `choice` the index of the one that was chosen; correct
completions come first, `num_correct` of them. `verdict` is a slot's letter or `tie`, a number is in `rating`, and a
reply without either has its `failure`. `judgebench leaderboard judgements.parquet` ranks the runs.
"""
