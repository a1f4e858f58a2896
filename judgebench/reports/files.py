"""Results written to files: text and Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from judgebench._util.files import output_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judgebench._util.table import Tabular

FORMS = ("csv", "parquet", "markdown", "latex")


def write_forms(files: Mapping[str, str | None], *, values: Tabular, shown: Tabular) -> None:
    """Writes a result in the forms that a file is named for, each whole or not at all.

    Args:
        files: By form, of `FORMS`.
        values: What CSV and Parquet hold.
        shown: What Markdown and LaTeX do.

    Raises:
        ConfigError: A file cannot be written.
    """
    makers = {"csv": values.to_csv, "markdown": shown.to_markdown, "latex": shown.to_latex}
    for form in FORMS:
        if (name := files.get(form)) is None:
            continue
        if form in makers:
            write_report(Path(name), makers[form]())
            continue
        import pyarrow.parquet as pq

        with output_file(Path(name)) as part:
            pq.write_table(values.to_arrow(), part, compression="zstd")


def write_report(path: Path, text: str) -> None:
    """Writes a report, whole or not at all.

    Raises:
        ConfigError: The file cannot be written.
    """
    with output_file(path) as part:
        part.write_text(text, encoding="utf-8", errors="backslashreplace")
