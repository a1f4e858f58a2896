"""The notebook of docs/python.md: it runs, offline, and holds no output of anybody's machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from commands import REPOSITORY

NOTEBOOK = REPOSITORY / "docs" / "examples" / "judgebench.ipynb"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The notebook after all its cells, in a kernel and a folder of its own."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("JUDGEBENCH_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        folder = tmp_path_factory.mktemp("notebook")
        NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    notebook.folder = folder
    return notebook


def shown(cell: Any, kind: str) -> str:
    return "".join(output["data"].get(kind, "") for output in cell.outputs if "data" in output)


@pytest.mark.docs
def test_every_cell_runs_without_a_word_on_standard_error(ran: Any) -> None:
    """No exception ends it, and nothing warns."""
    outputs = [output for cell in ran.cells if cell.cell_type == "code" for output in cell.outputs]
    assert [output["text"] for output in outputs if "text" in output] == []


@pytest.mark.docs
def test_results_show_themselves_as_tables(ran: Any) -> None:
    """A run, a comparison, a leaderboard, and pandas' own."""
    tables = [cell.source for cell in ran.cells if cell.cell_type == "code" and "<table" in shown(cell, "text/html")]
    for part in ("jb.run(", "jb.compare(", "jb.leaderboard(", "jb.to_pandas(", "outcomes["):
        assert any(part in source for source in tables), part


@pytest.mark.docs
def test_the_run_is_shown_with_its_score(ran: Any) -> None:
    """Name, score and interval, as `metrics.json` has them."""
    (metrics,) = Path(ran.folder).glob("runs/rewardbench/offline--longest/*/*/metrics.json")
    score = json.loads(metrics.read_text())["score"]
    html = next(shown(cell, "text/html") for cell in ran.cells if "longest = jb.run" in cell.source)
    assert f"{100 * score:.1f}%" in html
    assert "offline/longest" in html


def test_the_stored_notebook_has_no_outputs() -> None:
    """Nor counts of executions."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    kept = [cell for cell in cells if cell["cell_type"] == "code" and (cell["outputs"] or cell["execution_count"])]
    assert (kept, len(cells) > 10) == ([], True)
