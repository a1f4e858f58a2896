"""Whatever names files, rows, judges and templates have: a run reads back equal, and nothing beside it changes."""

from __future__ import annotations

import json
import os
import shutil
import string
import tempfile
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import simulating
import yaml
from commands import Ended, apart, by_quality, judgebench, pairs, read_json, read_jsonl, ties, write_jsonl, write_judges
from hypothesis import example, given, settings, strategies as st
from scripted import ScriptedModels

import judgebench as jb
from judgebench.runs.manifest import read_manifest
from judgebench.runs.run import find_runs

if TYPE_CHECKING:
    from collections.abc import Iterator

FRONT = """\
---
name: {name}
mode: pairwise
verdict:
  pattern: '\\[\\[([AB])\\]\\]'
  example: 'The first. [[A]]'
---
"""
ANSWERS = "{% for c in completions %}<answer_{{ c.label }}>\n{{ c.text }}\n</answer_{{ c.label }}>{% endfor %}"
FILES = [
    *("template.jinja", "template-ties.jinja", "judgements.jsonl", "judgements-replaced.jsonl", "items.jsonl.gz"),
    *("outcomes.jsonl", "metrics.json", "manifest.json", "preferences.jsonl", "reading", "templates", "templates-ties"),
]
"""Names that a run's folder has for files of its own."""

ODD = [
    "sub/part.jinja",
    "reading/template.jinja",
    "a b",
    "ä.jinja",
    "x" * 200,
    "-",
    ".hidden",
    "a\\b",
    "'",
    "a\tb",
    "%s",
]


def write_template(folder: Path, includes: str | dict[str, str], text: str = "", name: str = "own") -> Path:
    """A template of this name that includes a file, or files with their texts, and these beside it."""
    included = ""
    for each, words in (includes if isinstance(includes, dict) else {includes: text}).items():
        (folder / each).parent.mkdir(parents=True, exist_ok=True)
        (folder / each).write_text(words, encoding="utf-8")
        included += f"{{% include {json.dumps(each, ensure_ascii=False)} %}}\n"
    path = folder / "own.jinja"
    body = f"{{% block user %}}{included}{ANSWERS}{{% endblock %}}\n"
    path.write_text(FRONT.format(name=json.dumps(name)) + body, encoding="utf-8")
    return path


def results(path: Path) -> dict[str, Any]:
    """What must read back equal: verdicts, credits, and the figures."""
    metrics = read_json(path / "metrics.json")
    outcomes = {line["item"]: line["credit"] for line in read_jsonl(path / "outcomes.jsonl")}
    said: dict[str, Any] = {name: metrics[name] for name in ("score", "sections", "subsets")}
    if (path / "judgements.jsonl").exists():
        said["verdicts"] = {each["item"]: each["verdict"] for each in read_jsonl(path / "judgements.jsonl")}
    return {**said, "credits": outcomes}


def tree(folder: Path, *without: str) -> dict[str, bytes | str | None]:
    """Every file and link below a folder with what it holds, and every folder."""
    found: dict[str, bytes | str | None] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name.split("/")[0] not in without:
            link = str(path.readlink()) if path.is_symlink() else None
            found[name] = link or (path.read_bytes() if path.is_file() else None)
    return found


@pytest.fixture
def server():
    with ScriptedModels(by_quality) as running:
        write_judges(running.url)
        write_jsonl(Path("rows.jsonl"), pairs(4))
        yield running


def mine(template: object, *more: object) -> Ended:
    return judgebench("run", "custom", "-j", "mine", "--data", "rows.jsonl", "-t", template, *more)


# --- what a template includes


@pytest.mark.parametrize("names", [[name for name in (*FILES, *ODD) if name != "reading"], ["reading"]], ids=len)
def test_an_included_file_harms_nothing(server: ScriptedModels, names: list[str]) -> None:
    """Whatever its name, every file of the run is the run's own, and what was included is kept."""
    texts = {name: f"The better one, {at}: {{{{ prompt }}}}" for at, name in enumerate(names)}
    path = write_template(Path("mine"), texts)
    ended = mine(path)
    assert (ended.status, server.count) == (0, 4), ended.err
    (run,) = find_runs(Path("runs"))
    assert (run / "template.jinja").read_text() == path.read_text()
    assert {name: (run / "templates" / name).read_text() for name in names} == texts
    assert jb.Run.load(run).metrics.score == 1.0
    shown = judgebench("show", run, 2).out
    assert [at for at in range(len(names)) if f"The better one, {at}: Question 2?" not in shown] == []
    assert (mine(path).status, server.count) == (0, 4)
    rescored = judgebench("rescore", run, "--json")
    assert (rescored.status, json.loads(rescored.out)["changed"]) == (0, 0)
    assert judgebench("report", run).status == 0
    copy = [run / "template.jinja", "--out", "copy"]
    assert (mine(*copy).status, server.count) == (0, 4)  # worded the same, from the run's own files


@pytest.mark.parametrize(
    "name", ["../outside.jinja", "/etc/hostname", "x" * 300 + ".jinja", "a\0b", "", ".", "a//../.."]
)
def test_an_include_that_leads_elsewhere_is_refused(server: ScriptedModels, name: str) -> None:
    """One line, exit 2, no call, and no folder."""
    Path("outside.jinja").write_text("secret")
    path = write_template(Path("mine"), "part.jinja", "text")
    path.write_text(path.read_text().replace('"part.jinja"', json.dumps(name)))
    ended = mine(path)
    assert (ended.status, ended.err.count("\n"), server.count) == (2, 1, 0), ended.err
    assert not Path("runs").exists()


def test_two_includes_of_one_file_are_one(server: ScriptedModels) -> None:
    """By different paths within the folder."""
    path = write_template(Path("mine"), "sub/part.jinja", "The better one, {{ prompt }}")
    text = path.read_text()
    path.write_text(text.replace("{% block user %}", '{% block user %}{% include "sub/../sub/./part.jinja" %}'))
    assert mine(path).status == 0
    (run,) = find_runs(Path("runs"))
    assert [each.name for each in (run / "templates").rglob("*.jinja")] == ["part.jinja"]
    assert judgebench("show", run, 2).out.count("The better one, Question 2?") == 2


@pytest.mark.parametrize("place", ["templates", "metrics.json/x"])
def test_what_stands_in_a_files_place_is_found_before_a_call(server: ScriptedModels, place: str) -> None:
    """A file where a folder of the run goes, or a folder where a file goes."""
    folder = Path("runs/custom/mine/own/one")
    (folder / place).parent.mkdir(parents=True)
    (folder / place).write_text("a note")
    ended = mine(write_template(Path("mine"), "part.jinja", "text"))
    assert (ended.status, ended.err.count("\n"), server.count) == (2, 1, 0), ended.err
    assert (folder / place).read_text() == "a note"


def test_both_templates_may_include_files_of_one_name(server: ScriptedModels) -> None:
    """The companion that rates Ties has its own text under the name."""
    write_jsonl(Path("rb2.jsonl"), [row for number in range(2) for row in ties(number)])
    own = write_template(Path("mine"), "_part.jinja", "Which one? {{ prompt }}")
    rating = Path("other/rate.jinja")
    rating.parent.mkdir()
    (rating.parent / "_part.jinja").write_text("How good? {{ prompt }}")
    rating.write_text(
        "---\nname: rate\nmode: rating\nverdict:\n  pattern: '\\[\\[(\\d+)\\]\\]'\n  scale: [1, 10]\n"
        "  example: '[[7]]'\n---\n"
        '{% block user %}{% include "_part.jinja" %} {{ completions[0].text }}{% endblock %}\n'
    )
    own.write_text(own.read_text().replace("mode: pairwise", "mode: best_of_k\nties: other/rate.jinja"))
    ended = judgebench("run", "rewardbench-2", "-j", "mine", "--data", "rb2.jsonl", "-t", own)
    assert ended.status == 0, ended.err
    (run,) = find_runs(Path("runs"))
    assert [(run / folder / "_part.jinja").read_text().split("?")[0] for folder in ("templates", "templates-ties")] == [
        "Which one",
        "How good",
    ]
    assert "How good? Name ref 0." in judgebench("show", run, "ref:0").out
    rescored = judgebench("rescore", run, "--json")
    assert (rescored.status, json.loads(rescored.out)["changed"]) == (0, 0)


def test_two_judges_whose_names_make_one_folder(server: ScriptedModels) -> None:
    """In one grid they are refused before a call; one by one they are two runs, which the grid then finds."""
    write_judges(server.url, **{"a:b": {"params": {"seed": 1}}, "a-b": {"params": {"seed": 2}}})
    first, second, grid = (
        ("run", "custom", *judges, "--data", "rows.jsonl")
        for judges in (("-j", "a:b"), ("-j", "a-b"), ("-j", "a:b", "-j", "a-b"))
    )
    for more in ((), ("--dry-run",)):
        ended = judgebench(*grid, *more)
        mistakes = [line for line in ended.err.splitlines() if line.startswith("judgebench: ")]
        assert (ended.status, len(mistakes), server.count) == (2, 1, 0), ended.err
    statuses = [judgebench(*command).status for command in (first, second, grid)]
    assert (statuses, server.count) == ([0, 0, 0], 8)
    names = sorted(read_json(run / "manifest.json")["judge"]["name"] for run in find_runs(Path("runs")))
    assert names == ["a-b", "a:b"]


# --- everything together


NAMES = st.one_of(
    st.sampled_from([*FILES, *ODD, "../../../mine", "/mine", "..", "a/../../b", "con", "a\nb", "x" * 300]),
    st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30),
)


LETTERS = string.ascii_letters + string.digits
JUDGES, TEMPLATES = (
    st.builds(str.__add__, st.sampled_from(LETTERS), st.text(LETTERS + more, max_size=most))
    for more, most in (("._:@+-", 99), ("._-", 150))
)
"""Names that judges and templates may have; all others are refused, as in some of the examples below."""


def is_possible(folder: Path, name: str) -> bool:
    """Whether a file can have this name within this folder."""
    try:
        path = (folder / name).resolve()
        return path.is_relative_to(folder.resolve()) and path != folder.resolve() and path.name != "own.jinja"
    except (OSError, ValueError):
        return False


def make_inputs(root: Path, *, include: str, item: str, subset: str, judge: str, template: str) -> None:
    """Rows, a judge and a template of such names; `part.jinja` where a file cannot have the name."""
    rows = [{**row, "id": item if row["id"] == 0 else f"other-{row['id']}", "subset": subset} for row in pairs(3)]
    write_jsonl(root / "rows.jsonl", rows)
    (root / "providers.yaml").write_text(yaml.safe_dump({"judges": {judge: {"model": "offline/longest"}}}))
    (root / "mine").mkdir()
    try:
        write_template(root / "mine", include if is_possible(root / "mine", include) else "part.jinja", "Q", template)
    except OSError:
        write_template(root / "mine", "part.jinja", "Q", template)


@settings(max_examples=100 if simulating.whole else 4)
@given(include=NAMES, item=NAMES, subset=NAMES, judge=JUDGES, template=TEMPLATES, scores=NAMES)
@example("template.jinja", "manifest.json", "../../..", "a..:b", "template.jinja", "Llama-3.1-8B")
@example("sub/judgements.jsonl", "..", "/", "manifest.json", "items", "..")
@example("judgements.jsonl", "a\0b", "", "../../mine", "", "x" * 300)
def test_no_name_is_a_path(include: str, item: str, subset: str, judge: str, template: str, scores: str) -> None:
    """A run is refused in one line, or reads back equal; and all around its folder is as it was."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name, chdir(name):
        root = Path(name) / "a/b/c"
        root.mkdir(parents=True)
        (Path(name) / "mine").mkdir()
        (Path(name) / "mine/thesis.txt").write_text("years of work")
        make_inputs(root, include=include, item=item, subset=subset, judge=judge, template=template)
        with chdir(root):
            score_file = root / "scores" / (scores if is_possible(root / "scores", scores) else "s")
            try:
                score_file = score_file.with_name(f"{score_file.name}.jsonl")
                score_file.parent.mkdir(parents=True)
                score_file.touch()
            except (OSError, ValueError):
                score_file = root / "s.jsonl"
            rows = read_jsonl(root / "rows.jsonl")
            write_jsonl(score_file, [{"id": row["id"], "scores": [1 - at % 2, 0.5]} for at, row in enumerate(rows)])
            before = tree(Path(name))
            given_ = ("--data", "rows.jsonl", "--out", "runs")
            ended = judgebench("run", "custom", "-j", judge, "-t", "mine/own.jinja", *given_)
            scored = judgebench("score", score_file, "--benchmark", "custom", *given_)
            check_runs(ended, scored)
        inside = "a/b/c/runs"
        after = {path: held for path, held in tree(Path(name)).items() if path != inside and inside + "/" not in path}
        assert after == before


def check_runs(ended: Ended, scored: Ended) -> None:
    """The runs of two commands read back equal by everything that reads them."""
    for each in (ended, scored):
        assert each.status in {0, 2}, each.err
        assert each.status == 0 or each.err.count("\n") == 1, each.err
    runs = find_runs(Path("runs"))
    assert len(runs) == [ended.status, scored.status].count(0)
    for run in runs:
        held, files = results(run), tree(run)
        loaded = jb.Run.load(run)
        assert {each.item.id: each.credit for each in loaded.outcomes} == held["credits"]
        assert loaded.metrics.score == held["score"]
        for command in ("report", "show"):
            assert judgebench(command, run).status == 0
        assert tree(run) == files
        if (run / "template.jinja").exists():
            judged = judgebench("rescore", run, "--json")
            assert judged.status == 0, judged.err
            assert results(Path(json.loads(judged.out)["path"])) == held
            assert tree(run) == files


# --- a stranger's folder


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ScriptedModels, Path]]:
    """A judge that may be asked once more, and a folder with a run and what it was made of."""
    folder = tmp_path_factory.mktemp("sent")
    with ScriptedModels(by_quality) as running:
        with apart(folder):
            write_judges(running.url)
            write_jsonl(Path("rows.jsonl"), pairs(4))
            path = write_template(Path("mine"), "sub/part.jinja", "Which? {{ prompt }}")
            assert mine(path, "--out", "from/elsewhere").status == 0
        shutil.rmtree(folder / "home")
        yield running, folder


@pytest.fixture
def run(sent: tuple[ScriptedModels, Path]) -> Path:
    """A run as a stranger may send it, two folders below."""
    shutil.copytree(sent[1], ".", dirs_exist_ok=True)
    return Path("from/elsewhere/custom/mine/own/one")


OUTSIDE = ["../../../../../mine", "/absolute", "a\0b", "x" * 5000, "..", "", "a\nb", "\ud800"]


@pytest.mark.parametrize("name", OUTSIDE)
def test_rescore_of_a_strangers_run_stays_beside_it(run: Path, name: str) -> None:
    """Its protocol's name is no path; a folder of such a name is as it was."""
    Path("mine-rescored-own").mkdir()
    Path("mine-rescored-own/thesis.txt").write_text("years of work")
    manifest = read_json(run / "manifest.json")
    manifest["protocol"]["name"] = name if not name.startswith("/") else str(Path.cwd() / "mine")
    (run / "manifest.json").write_text(json.dumps(manifest))
    before = tree(Path(), "from")
    ended = judgebench("rescore", run, "--json")
    assert ended.status == 0, ended.err
    assert Path(json.loads(ended.out)["path"]).parent == run.parent
    assert tree(Path(), "from") == before


@pytest.mark.parametrize("names", [OUTSIDE[:3], OUTSIDE[3:6], [OUTSIDE[6], *OUTSIDE[:2]]], ids=["up", "long", "lines"])
def test_what_is_made_of_a_strangers_runs_stays_where_it_is_said(run: Path, names: list[str]) -> None:
    """A jury, a cascade, exports and pages: nothing outside the folder that is named, whatever the manifests' names."""
    others = [run]
    for number in range(2):
        shutil.copytree("from", f"copy{number}")
        others.append(Path(f"copy{number}") / run.relative_to("from"))
    for path, name in zip(others, names, strict=True):
        manifest = read_json(path / "manifest.json")
        manifest["protocol"]["name"] = manifest["judge"]["name"] = manifest["template"]["name"] = name
        (path / "manifest.json").write_text(json.dumps(manifest))
    before = tree(Path())
    commands = [
        ("jury", *others, "--out", "out"),
        ("cascade", *others[:2], "--threshold", "0.5", "--out", "out"),
        ("cascade", *others[1:], "--threshold", "0.5", "--out", "out"),
        ("export", *others, "--to", "dataset", "--out", "out/dataset"),
        *[("export", each, "--to", "every-eval-ever", "--out", f"out/eee{at}") for at, each in enumerate(others)],
        ("leaderboard", ".", "--html", "out/board.html"),
    ]
    Path("out").mkdir()
    for command in commands:
        ended = judgebench(*command)
        assert (ended.status == 0 or ended.err.count("\n") == 1, "Traceback" in ended.err) == (True, False), ended.err
    assert tree(Path(), "out") == before


@pytest.mark.parametrize("name", ["notes.txt", "judgements.jsonl", "metrics.json", "templates/sub", "templates/other"])
@pytest.mark.parametrize("command", ["show", "report", "rescore", "jury", "export", "leaderboard", "cache", "run"])
def test_a_link_in_a_runs_folder_is_refused(
    sent: tuple[ScriptedModels, Path], run: Path, tmp_path_factory: pytest.TempPathFactory, name: str, command: str
) -> None:
    """By everything that reads or writes a run: one line, exit 2, what it leads to as it was, and no call."""
    server, _ = sent
    secret = tmp_path_factory.mktemp("home") / "secret"
    secret.write_text("private")  # without an end of the line: no judgement
    link = run / name
    shutil.rmtree(link) if link.is_dir() else link.unlink(missing_ok=True)
    link.symlink_to(secret)
    made = {
        "jury": ("jury", run, run, "--out", "out"),
        "export": ("export", run, "--to", "dataset", "--out", "out"),
        "leaderboard": ("leaderboard", "from"),
        "cache": ("cache", "export", "bundle.jsonl.gz", run),
        "run": (
            "run",
            "custom",
            "-j",
            "mine",
            "--data",
            "rows.jsonl",
            "-t",
            "mine/own.jinja",
            "--out",
            "from/elsewhere",
        ),
    }
    before = tree(Path()), server.count
    ended = judgebench(*made.get(command, (command, run)))
    assert (ended.status, ended.err.count("\n")) == (2, 1), ended.err
    assert "is a symbolic link" in ended.err
    assert (tree(Path()), server.count, secret.read_text()) == (*before, "private")


def test_a_temporary_name_that_is_a_link_is_not_written_through(run: Path) -> None:
    """Older versions' names of files being written, and a pipe in the place of a file."""
    secret = Path("secret")
    secret.write_text("private\n")
    (run / "metrics.json.part").symlink_to(secret.absolute())
    assert mine("mine/own.jinja", "--out", "from/elsewhere").status == 2
    (run / "metrics.json.part").unlink()
    os.mkfifo(run / "notes")
    assert mine("mine/own.jinja", "--out", "from/elsewhere").status == 2
    assert secret.read_text() == "private\n"


def test_the_folder_of_runs_may_be_a_link(server: ScriptedModels, tmp_path_factory: pytest.TempPathFactory) -> None:
    """As where runs are kept on another disk; so may the benchmark's folder be."""
    disk = tmp_path_factory.mktemp("disk")
    Path("runs").symlink_to(disk)
    path = write_template(Path("mine"), "part.jinja", "text")
    for _ in range(2):
        assert mine(path).status == 0
    (run,) = find_runs(Path("runs/"))
    assert (judgebench("rescore", run).status, judgebench("show", run).status, server.count) == (0, 0, 4)
    assert read_manifest(disk / run.relative_to("runs")) is not None


def test_a_folder_of_other_things_is_no_run(run: Path) -> None:
    """Links above the runs are the user's own: what looks for runs below passes over them."""
    Path("from/link").symlink_to("/usr")
    ended = judgebench("leaderboard", "from")
    assert (ended.status, ended.err) == (0, "")


def test_rescore_takes_along_only_what_is_the_runs(run: Path) -> None:
    """Other files stay where they are: the new folder may be shared."""
    (run / "notes.txt").write_text("private")
    (run / "extra").mkdir()
    path = Path(json.loads(judgebench("rescore", run, "--json").out)["path"])
    assert sorted(each.name for each in path.iterdir()) == [
        *("items.jsonl.gz", "judgements.jsonl", "manifest.json", "metrics.json", "outcomes.jsonl"),
        *("template.jinja", "templates"),
    ]
    (path / "own notes").write_text("kept")
    assert judgebench("rescore", run).status == 0
    assert (path / "own notes").read_text() == "kept"
