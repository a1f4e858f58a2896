"""Whether what `validate`, `estimate`, `plan`, `drift`, `tune` and a guarantee promise holds, by simulation.

python -m benchmarks.trust                simulates all (minutes), keeps the shares in trust.json, writes the tables
python -m benchmarks.trust --only drift   one part (repeatable)
python -m benchmarks.trust --table        writes the tables of docs/trust.md from the shares that are kept

A part is a module beside this one with `ROWS`, each of which simulates one promise.
"""

from __future__ import annotations

import argparse
import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.trust.row import Row

HERE = Path(__file__).parent
KEPT = HERE / "trust.json"
DOCS = HERE.parents[1] / "docs" / "trust.md"
PARTS = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in {"__init__", "__main__", "row"})


def rows_of(part: str) -> Sequence[Row]:
    """The promises that one part simulates."""
    rows: Sequence[Row] = importlib.import_module(f"benchmarks.trust.{part}").ROWS
    return rows


def table_of(part: str, kept: dict[str, float]) -> str:
    """The shares of one part as a Markdown table, in percent, each beside what is promised."""
    lines = [["what is simulated", "promise", "found", "runs"], ["---"] * 4]
    for row in rows_of(part):
        if row.name in kept:
            found = f"{100 * kept[row.name]:.1f}%" if row.holds(kept[row.name]) else f"**{100 * kept[row.name]:.1f}%**"
            lines.append([row.name, row.promise, found, f"{row.runs:,}"])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def write_tables(kept: dict[str, dict[str, float]]) -> None:
    """Puts each part's table into the page, between its marks."""
    text = DOCS.read_text(encoding="utf-8")
    for part, shares in kept.items():
        begin, end = f"<!-- trust {part}: begin -->\n", f"<!-- trust {part}: end -->\n"
        before, rest = text.split(begin)
        _, after = rest.split(end)
        text = f"{before}{begin}{table_of(part, shares)}{end}{after}"
    DOCS.write_text(text, encoding="utf-8")


def main() -> None:
    """Simulates, keeps and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--table", action="store_true", help="Write the tables from trust.json; simulate nothing.")
    options = parser.parse_args()
    kept: dict[str, dict[str, float]] = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    for part in () if options.table else options.only or PARTS:
        kept[part] = {}
        for row in rows_of(part):
            kept[part][row.name] = share = row.simulate(row.runs)
            print(f"{part}: {row.name}: {share:.3f} ({row.promise})", flush=True)
        KEPT.write_text(json.dumps(dict(sorted(kept.items())), indent=1) + "\n", encoding="utf-8")
    write_tables(kept)


if __name__ == "__main__":
    main()
