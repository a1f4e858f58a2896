"""A run that is read from its folder."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgebench._util.jsonl import loads
from judgebench.benchmarks import BENCHMARKS, get_benchmark
from judgebench.errors import ConfigError
from judgebench.metrics.summary import Metrics
from judgebench.runs.itemfile import read_items
from judgebench.runs.judgements import latest, read_judgements
from judgebench.runs.manifest import MADE, METRICS, OUTCOMES, read_manifest
from judgebench.runs.notebook import run_html

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from judgebench.items import Item
    from judgebench.runs.frames import Table
    from judgebench.runs.judgements import Judgement
    from judgebench.runs.names import Name


class Run:
    """A finished or begun run, read from its folder.

    Attributes:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def load(cls, path: str | Path) -> Run:
        """The run in a folder.

        Raises:
            ConfigError: The folder holds no run.
        """
        folder = Path(path)
        if read_manifest(folder) is None:
            raise ConfigError(f"{folder}: holds no run (no manifest.json); name the folder of one run")
        return cls(folder)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What was run: versions, seed, protocol, hashes, data source, judge settings, state."""
        return read_manifest(self.path) or {}

    @cached_property
    def metrics(self) -> Metrics:
        """The figures in `metrics.json`.

        Raises:
            ConfigError: They are not there, or of another version.
        """
        path = self.path / METRICS
        try:
            return Metrics.from_json(loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise ConfigError(f"{path}: is not there: the run was cut off; {self.mend}") from None
        except KeyError as error:
            raise ConfigError(
                f"{path}: was written by an older version of judgebench: it has no field '{error.args[0]}'; {self.mend}"
            ) from None
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise ConfigError(f"{path}: is of another version, or damaged ({error!r}); {self.mend}") from None

    @property
    def made_of(self) -> str | None:
        """`jury` or `cascade` where the run is made of other runs, which its manifest names; else None."""
        return next((kind for kind in MADE if kind in self.manifest), None)

    @property
    def mend(self) -> str:
        """What makes outcomes and figures anew, in words."""
        if "scores" in self.manifest:
            return "score the file again with judgebench score"
        if self.made_of is not None:
            return f"give judgebench {self.made_of} with the runs that it is made of again"
        return f"give its command again, or read its replies again: judgebench rescore {self.path}"

    @property
    def judgements(self) -> Iterator[Judgement]:
        """The judgement that counts for each item, order and sample; none for a score file's run."""
        return iter(latest(read_judgements(self.path)).values())

    @property
    def outcomes(self) -> Iterator[dict[str, Any]]:
        """The lines of `outcomes.jsonl`.

        Raises:
            ConfigError: There is no such file, or a line is none.
        """
        path = self.path / OUTCOMES
        try:
            with path.open(encoding="utf-8") as file:
                for line in file:
                    yield loads(line)
        except FileNotFoundError:
            raise ConfigError(f"{path}: is not there: the run was cut off; {self.mend}") from None
        except ValueError as error:
            raise ConfigError(f"{path}: is damaged ({error}); {self.mend}") from None

    @property
    def items(self) -> Iterator[Item]:
        """The items, with their texts."""
        return read_items(self.path)

    def to_pandas(self, table: Table = "judgements") -> pd.DataFrame:
        """The run as a pandas table; `judgebench.to_pandas` makes one of several runs.

        Args:
            table: `judgements` (a row a reply), `outcomes` (a row an item) or `scores` (a row a score: of the whole,
                of each section and subset).

        Raises:
            ConfigError: There is no such table, or the run has no such file.
        """
        from judgebench.runs import frames

        return frames.pandas_of(frames.arrow(self.rows(table), frames.schema_of(table, whose=False)))

    def rows(self, table: Table = "judgements") -> Iterator[dict[str, Any]]:
        """The rows of that table, one by one.

        Raises:
            ConfigError: There is no such table, or the run has no such file.
        """
        from judgebench.runs import frames

        chosen = frames.check_table(table)
        if chosen == "judgements":
            return frames.judgement_rows(self.judgements)
        return frames.score_rows(self.metrics) if chosen == "scores" else frames.outcome_rows(self.outcomes)

    @property
    def name(self) -> Name:
        """What tables call it: judge, template and protocol."""
        from judgebench.runs.names import name_of

        return name_of(self.manifest)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    def _repr_html_(self) -> str:
        from judgebench._util import html as notebooks

        try:
            metrics = self.metrics
        except ConfigError as error:
            return notebooks.paragraphs([repr(self), str(error)])
        name = str(self.manifest["benchmark"])
        return run_html(get_benchmark(name).title if name in BENCHMARKS else name, self.name, metrics)
