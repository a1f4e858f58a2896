"""A reviewer's way: from a bundle alone to the author's scores in two commands, with no key, no rows and no call."""

from __future__ import annotations

import gzip
import json
import shlex
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from commands import apart, files_below, judgebench, read_json, write_jsonl, write_judges
from scripted import ScriptedModels

from judgebench.client.cache.bundles import write_bundle
from judgebench.client.cache.header import Header
from judgebench.judges import Judge
from judgebench.judges.addresses import at_its_address
from judgebench.runs.run import find_runs
from judgebench.verdicts import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator


pytestmark = pytest.mark.usefixtures("scripted")

SECRET = "sk-0123456789abcdef0123456789"
OWN = """\
---
name: v1
mode: pairwise
verdict: {pattern: '\\[\\[([AB])\\]\\]', example: '[[A]]'}
---
{% block user %}{% include "parts/rule.txt" %} {{ prompt }}
{% for c in completions %}[[{{ c.label }}]] {{ c.text }}{% endfor %}{% endblock %}
"""
ROWS = [
    {
        "id": f"q{at}",
        "prompt": f"Question {at % 6}?",
        "response_a": f"yes {at}",
        "response_b": "no" * at,
        "label": label,
    }
    for at, label in enumerate("BABABABABABA", 1)
]


def by_length(request: Any) -> str:
    """A verdict that depends on the prompt's length."""
    return f"[[{'AB'[len(request.text) % 2]}]]"


def authors_bundle(
    tmp_path: Path, *options: object, rows: Any = ROWS, own: str = OWN, **judges: dict[str, Any]
) -> tuple[Path, dict[str, Any]]:
    """A bundle of runs on rows of the author's own, and what their scores are."""
    Path("parts").mkdir()
    Path("parts/rule.txt").write_text("Be strict.")
    Path("v1.jinja").write_text(own)
    write_jsonl(Path("pairs.jsonl"), rows)
    judges = judges or {"mine": {"params": {"temperature": 1}}, "other": {"cache_as": "other-2026"}}
    with ScriptedModels(by_length) as models:
        write_judges(models.url, **{name: {"model": "scripted/m", **more} for name, more in judges.items()})
        chosen = [word for name in judges for word in ("-j", name)]
        ways = "-t", "v1.jinja", "-t", "pairwise", "--orders", "both", "--limit", "8", "--seed", "3"
        ended = judgebench("run", "custom", "--data", "pairs.jsonl", *chosen, *ways)
        assert ended.status == 0, ended.err
    runs = find_runs(Path("runs"))
    ended = judgebench("cache", "export", tmp_path / "replies.jsonl.gz", *runs, *options)
    assert ended.status == 0, ended.err
    assert ("the rows of pairs.jsonl are not in it" in ended.err) is ("--rows" not in options)
    return tmp_path / "replies.jsonl.gz", scores(runs)


def scores(runs: list[Path]) -> dict[str, Any]:
    """Score, sections, coverage and what a sample says of runs by judge and template."""
    found = [read_json(run / "metrics.json") for run in runs]
    for each in found:
        each["sampled"] = [note for note in each["notes"] if note.startswith("a sample of 8 of 12 items")]
        assert each["sampled"] or each["items"] == len(ROWS)
    return {f"{each['judge']} {each['template']}": [each[name] for name in WHAT] for each in found}


WHAT = "score", "low", "high", "sections", "coverage", "consistency", "items", "sampled"


@contextmanager
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A fresh folder with a fresh cache, where nothing of the author's is found."""
    (tmp_path / "reader").mkdir()
    with monkeypatch.context() as patch:
        patch.chdir(tmp_path / "reader")
        patch.setenv("JUDGEBENCH_CACHE_DIR", str(tmp_path / "reader-cache"))
        yield


def commands(out: str) -> list[list[str]]:
    """The commands that an import printed."""
    return [shlex.split(line)[1:] for line in out.splitlines() if line.startswith("judgebench ")]


def test_two_commands_give_the_authors_scores(tmp_path, monkeypatch):
    """Two judges of a server by two templates, one of the author's own with an included file: one command for all."""
    bundle, expected = authors_bundle(tmp_path, "--rows")
    with elsewhere(tmp_path, monkeypatch):
        (command,) = commands(judgebench("cache", "import", bundle).out)
        assert command[-1] == "--offline"
        ended = judgebench(*command)
        assert (ended.status, scores(find_runs(Path("runs")))) == (0, expected), ended.err


def test_a_bundle_has_no_key_and_no_address(tmp_path, monkeypatch):
    """Keys in rows and templates, headers and the server's address are not in the file."""
    rows = [row | {"note": f"token {SECRET}"} for row in ROWS]
    own = OWN.replace("{{ prompt }}", f"{{# {SECRET} #}}{{{{ prompt }}}}")
    judge = {"extra_headers": {"X-Team": "blue-team"}, "api_key_env": "MINE"}
    monkeypatch.setenv("MINE", "a-key-of-no-known-form")
    bundle, _ = authors_bundle(tmp_path, "--rows", rows=rows, own=own, mine=judge)
    text = gzip.decompress(bundle.read_bytes()).decode()
    assert [word for word in (SECRET, "127.0.0.1", "blue-team", "a-key-of-no", str(Path.cwd())) if word in text] == []


def test_without_rows_the_reader_is_told_what_is_needed(tmp_path, monkeypatch):
    """The command stands; where the author's file is then put, it gives the scores."""
    bundle, expected = authors_bundle(tmp_path)
    with elsewhere(tmp_path, monkeypatch):
        ended = judgebench("cache", "import", bundle)
        (command,) = commands(ended.out)
        assert "put the author's pairs.jsonl here" in ended.err
        assert "(templates and providers of the bundle)" in " ".join(ended.err.split())
        write_jsonl(Path("pairs.jsonl"), ROWS)
        assert judgebench(*command).status == 0
        assert scores(find_runs(Path("runs"))) == expected


def test_rows_that_differ_are_said_as_such(tmp_path, monkeypatch):
    """One word in one row, and a row that is gone: which they are, and not only that replies are missing."""
    bundle, _ = authors_bundle(tmp_path, mine={})
    judged = [line["id"] for line in map(json.loads, items_of(bundle))]
    with elsewhere(tmp_path, monkeypatch):
        (command,) = commands(judgebench("cache", "import", bundle).out)
        changed = [row | {"prompt": f"{row['prompt']} Really"} if row["id"] == judged[0] else row for row in ROWS]
        write_jsonl(Path("pairs.jsonl"), changed)
        ended = judgebench(*command)
        assert f"your rows are not the author's: 1 of 8 differ ('{judged[0]}')" in " ".join(
            (ended.out + ended.err).split()
        )


def items_of(bundle: Path) -> list[str]:
    """The ids of the bundle's rows, each in an object."""
    header = json.loads(gzip.decompress(bundle.read_bytes()).splitlines()[0])
    return [json.dumps({"id": item}) for item in next(iter(header["rows"].values()))["prints"]]


def tampered(bundle: Path, target: Path, **changes: Any) -> Path:
    """The bundle with another header, as whoever means harm would write it."""
    header = json.loads(gzip.decompress(bundle.read_bytes()).splitlines()[0])
    header["runs"] = [run | changes for run in header["runs"]]
    write_bundle(target, Header.model_validate({**header, "count": 1}), [("0" * 64, Reply(text="[[A]]"))])
    return target


@pytest.fixture(scope="module")
def plain_bundle(tmp_path_factory):
    """The author's, of one judge."""
    with apart(tmp_path_factory.mktemp("author")) as folder:
        return authors_bundle(folder, "--rows", mine={})[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"wording": {"name": "../../up", "text": OWN, "files": {}}},
        {"wording": {"name": "v1", "text": OWN, "files": {"../../up.txt": "x"}}},
        {"wording": {"name": "v1", "text": OWN, "files": {"/tmp/up.txt": "x"}}},
        {"wording": {"name": "v1", "text": OWN, "files": {"..\\up.txt": "x"}}},
        {"judge": "--out=/tmp/up"},
        {"benchmark": "--providers"},
        {"provider": {"model": "openai/m", "api_base": "http://elsewhere.example/v1", "api_key_env": "OPENAI_API_KEY"}},
        {"recipe": {"template": "none", "protocol": 3}},
        {
            "provider": {"address_variable": "LD_PRELOAD"},
            "identity": {"judge": {"identity": "openai/m at http://elsewhere.example"}},
        },
    ],
)
def test_nothing_is_written_beside_the_bundles_folder(plain_bundle, tmp_path, monkeypatch, changes):
    """Whatever a stranger's bundle says, files go into its own folder alone, and no address or key of it is used."""
    harmful = tampered(plain_bundle, tmp_path / "harm.gz", **changes)
    with elsewhere(tmp_path, monkeypatch):
        ended = judgebench("cache", "import", harmful)
        above = {path.name for path in tmp_path.iterdir()}
        assert {path.partition("/")[0] for path in files_below(Path())} <= {"harm"}
        assert above == {path.name for path in tmp_path.iterdir()}
        assert not Path("/tmp/up.txt").exists()
        written = "".join(path.read_text() for path in Path().rglob("providers.yaml"))
        assert "elsewhere.example" not in written + ended.out
        assert "LD_PRELOAD=" not in ended.out
        assert "OPENAI_API_KEY" not in written
        assert not any(word.startswith(("--out", "--providers=")) for each in commands(ended.out) for word in each)


def test_an_address_from_the_environment_is_set_by_the_command(tmp_path, monkeypatch):
    """The key has it, so the command that finds the replies sets it, and nothing more is asked for; it is offline."""
    bundle, _ = authors_bundle(tmp_path, "--rows", mine={})
    whose = "openai/m at http://10.0.0.7:8000/v1"
    changes = {"provider": {"address_variable": "OPENAI_API_BASE"}, "judge": "openai/m"}
    sent = tampered(bundle, tmp_path / "sent.gz", **changes, identity={"judge": {"identity": whose}})
    with elsewhere(tmp_path, monkeypatch):
        ended = judgebench("cache", "import", sent)
    setting, name, *words = shlex.split(ended.out.splitlines()[-1])

    assert (name, words[-1]) == ("judgebench", "--offline")
    assert "10.0.0.7" not in ended.err
    assert "author's address" not in ended.err
    monkeypatch.setenv(*setting.split("="))
    assert at_its_address(Judge(name="openai/m", model="openai/m")).identity == whose


def test_a_folder_of_the_readers_own_is_left_alone(tmp_path, monkeypatch):
    """One with the bundle's name: the files go beside it; the same bundle again goes to the same place."""
    bundle, _ = authors_bundle(tmp_path, "--rows", mine={})
    with elsewhere(tmp_path, monkeypatch):
        Path("replies").mkdir()
        Path("replies/mine.txt").write_text("mine")
        first, again = (judgebench("cache", "import", bundle).out.splitlines()[-1] for _ in range(2))
        assert first == again
        assert sorted(files_below(Path("replies"))) == ["mine.txt"]
