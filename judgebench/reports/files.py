"""Results written to files: text and Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgebench._util.files import output_file
from judgebench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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


def check_not_read(options: Mapping[str, Any], read: Sequence[Path]) -> None:
    """Finds out whether a command would write over a file that it reads.

    Args:
        options: The command's; `csv_file`, `html_file`, ... name what it writes.
        read: What it reads.

    Raises:
        ConfigError: It would.
    """
    places = {path.resolve() for path in read}
    for form in ("html", *FORMS):
        name = options.get(f"{form}_file")
        if name is not None and Path(name).resolve() in places:
            raise ConfigError(f"--{form} {name}: is a file that is read, and would be lost; name another")


def write_report(path: Path, text: str) -> None:
    """Writes a report, whole or not at all.

    Raises:
        ConfigError: The file cannot be written.
    """
    with output_file(path) as part:
        part.write_text(text, encoding="utf-8", errors="backslashreplace")
