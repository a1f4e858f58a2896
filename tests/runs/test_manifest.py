"""Manifests: one builder for every kind of run, every earlier form read, and whatever else stands there refused."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
from commands import judgebench, pairs, read_json
from finishedruns import judge_run, score_run

from judgebench.errors import ConfigError
from judgebench.runs.manifest import Manifest, Name, read_manifest

STORED = Path(__file__).parents[1] / "stored" / "0.1.0.tar.gz"


def test_earlier_manifests_are_read_and_written_as_they_were(tmp_path: Path) -> None:
    """Each of the stored runs': no key is lost, none is added."""
    with tarfile.open(STORED) as archive:
        archive.extractall(tmp_path, filter="data")
    folders = [path.parent for path in tmp_path.rglob("manifest.json")]
    assert len(folders) > 40
    for folder in folders:
        manifest = read_manifest(folder)
        assert manifest is not None
        assert json.loads(json.dumps(manifest.to_json())) == read_json(folder / "manifest.json")


def test_every_maker_of_runs_names_the_same_versions() -> None:
    """A judge's run, a score file's, one read again, a jury's and a cascade's."""
    rows = pairs(4, ("alpacaeval-easy",))
    runs = [judge_run(f"offline/{name}", 4, "--orders", "both") for name in ("longest", "first")]
    score_run("rm", [True] * 4, rows)
    for command in (("rescore", runs[0]), ("jury", *runs), ("cascade", *runs, "--threshold", "0.5")):
        assert judgebench(*command).status == 0
    manifests = [manifest for path in Path("runs").rglob("manifest.json") if (manifest := read_manifest(path.parent))]
    assert len(manifests) == 6
    assert {frozenset(manifest.versions) for manifest in manifests} == {
        frozenset({"judgebench", "litellm", "jinja2", "pydantic", "numpy"})
    }


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("[]", "Input should be a valid dictionary"),
        ('{"judge": "mine"}', "judge: "),
        ('{"seed": "one"}', "seed: "),
        ('{"items": {"hash": 3}}', "items.hash: "),
    ],
)
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, text: str, mistake: str) -> None:
    """With the file and the place."""
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ConfigError) as refused:
        read_manifest(tmp_path)
    assert str(refused.value).startswith(f"{tmp_path / 'manifest.json'}: not a valid manifest ({mistake}")


def test_a_manifest_of_a_later_format_is_named_by_its_format(tmp_path: Path) -> None:
    """Though its parts are others."""
    (tmp_path / "manifest.json").write_text('{"format": 2, "judge": ["mine"]}')
    with pytest.raises(ConfigError, match="has format 2, and this version of judgebench reads 1"):
        read_manifest(tmp_path)


def test_names_with_lone_surrogates_are_kept() -> None:
    """As file names that are no UTF-8 have them."""
    manifest = Manifest.model_validate({"scores": {"name": "rm\udcff"}, "data": {"source": "\udcff.csv"}})
    assert (manifest.name, manifest.data.source) == (Name("rm\udcff", None, "scores"), "\udcff.csv")
