"""`judgebench templates new`: a template that works as it is; and what a bare prompt is told to add."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from commands import judgebench

import judgebench as jb
from judgebench.templates import lines_to_add, load_template

ROWS = "prompt;response_a;response_b;label\nWhy?;because;no reason;A\nHow?;so;like this;B\n"
DATA = {
    "pairwise": "prompt;response_a;response_b;label\nWhy?;because;no reason;A\n",
    "best_of_k": '{"prompt": "Why?", "completions": ["because", "so", "no reason at all"], "num_correct": 1}\n',
    "rating": '{"prompt": "Why?", "completions": ["because"], "human_score": 7}\n',
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fresh folder."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("mode", DATA)
def test_a_new_template_is_clean_and_runs(mode: str) -> None:
    """In each mode the file has its own name, lint finds nothing, and all replies of a run are parsed."""
    written = judgebench("templates", "new", "mine", "--mode", mode)
    assert (written.status, written.out) == (0, "")
    assert written.err.splitlines()[0] == "wrote: mine.jinja"
    assert (load_template("mine.jinja").name, load_template("mine.jinja").mode) == ("mine", mode)
    assert judgebench("templates", "lint", "mine.jinja").out == "no problems found\n"
    rows = Path("rows.csv" if mode == "pairwise" else "rows.jsonl")
    rows.write_text(DATA[mode])
    (metrics,) = judgebench(
        *("run", "custom", "--data", rows, "-j", "offline/longest", "-t", "mine.jinja", "--json")
    ).metrics
    assert metrics["coverage"] == 1


def test_no_file_is_overwritten() -> None:
    """One that is there stays as it is, and the message names it."""
    Path("mine.jinja").write_text("my work")
    ended = judgebench("templates", "new", "mine")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == "judgebench: mine.jinja: file exists; take another name, or delete it first\n"
    assert Path("mine.jinja").read_text() == "my work"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("pairwise", "'pairwise' is a shipped template; take another name, such as my-pairwise"),
        ("sub/four-way.jinja", "'four-way' is a shipped template"),
        ("two words", "a template's name has letters, digits"),
        ("..", "a template's name has letters, digits"),
        ("", "a template's name has letters, digits"),
        ("no-folder/mine", "no-folder/mine.jinja: cannot be written"),
    ],
)
def test_a_name_that_cannot_be_is_refused_in_one_line(name: str, said: str) -> None:
    """Nothing is written."""
    with pytest.raises(jb.ConfigError, match=re.escape(said)) as caught:
        jb.new_template(name)
    assert "\n" not in str(caught.value)
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("name", ["12", "no", "1.5", "2026-11-29", "v1.2", "null"])
def test_any_name_stays_a_text(name: str) -> None:
    """Also one that YAML takes for a number, a date or a truth value."""
    assert load_template(jb.new_template(name)).name == name


def test_an_ending_of_a_template_is_kept() -> None:
    """A path is written where it says."""
    Path("prompts").mkdir()
    assert jb.new_template("prompts/mine.j2", mode="rating") == Path("prompts/mine.j2")
    assert jb.lint("prompts/mine.j2") == []


def test_an_unknown_mode_is_refused() -> None:
    """With the nearest."""
    with pytest.raises(jb.ConfigError, match="unknown mode 'pairs': did you mean pairwise"):
        jb.new_template("mine", mode="pairs")  # type: ignore[arg-type]


def test_a_bare_prompt_is_told_what_it_lacks() -> None:
    """Lint names `templates new` and prints lines that make a clean template of the file."""
    Path("My prompt.txt").write_text("Which answer is better?\n")
    ended = judgebench("templates", "lint", "My prompt.txt")
    first, second, _, added = ended.out.split("\n", 3)
    assert ended.status == 1
    assert first == (
        "My prompt.txt:1: no front matter; `judgebench templates new NAME` writes a template to put the prompt into"
    )
    assert second == "or add these lines to My prompt.txt:"
    Path("whole.jinja").write_text(added)
    assert load_template("whole.jinja").name == "My-prompt"
    assert jb.lint("whole.jinja") == []


def test_the_lines_of_a_prompt_named_as_a_shipped_one_have_another_name() -> None:
    """Two prompts of one name could not be told apart."""
    assert "\nname: my-pairwise\n" in lines_to_add("drafts/pairwise.txt")


@pytest.mark.parametrize("mode", DATA)
def test_each_missing_line_of_a_head_is_given(mode: str) -> None:
    """Whoever adds the line that each finding names has a file that loads."""
    shown = "{{ prompt }}{% for c in completions %}\n[{{ c.label }}] {{ c.text }}{% endfor %}"
    head = ["description: x", "verdict:"]
    for _ in range(4):
        Path("own.jinja").write_text("\n".join(["---", *head, "---", "{% block user %}", shown, "{% endblock %}"]))
        missing = [finding for finding in jb.lint("own.jinja") if "is missing" in finding.what]
        if not missing:
            break
        line = re.findall("`([^`]+)`", missing[0].mend)[0]
        head = [each for each in head if not each.startswith(line.split(":")[0])]
        head.append(f"mode: {mode}" if line == "mode: pairwise" else line)
    template = load_template("own.jinja")
    assert (template.name, template.mode) == ("own", mode)


def test_a_file_in_the_place_of_a_benchmark_is_told_the_command() -> None:
    """And `--data` without a benchmark likewise."""
    Path("my pairs.csv").write_text(ROWS)
    ended = judgebench("run", "my pairs.csv", "-j", "offline/longest")
    said = "judgebench: 'my pairs.csv' is a file, not a benchmark: use custom --data 'my pairs.csv'\n"
    assert (ended.status, ended.err) == (2, said)
    ended = judgebench("run", "--data", "my pairs.csv")
    assert ended.err == "judgebench: --data needs a benchmark: judgebench run custom --data 'my pairs.csv'\n"


def test_what_is_understood_of_rows_is_said_once() -> None:
    """Before the first call of a run, and in its estimate."""
    Path("pairs.csv").write_text(ROWS)
    for more in ([], ["--dry-run"]):
        ended = judgebench("run", "custom", "--data", "pairs.csv", "-j", "offline/longest", *more)
        assert ended.err.count("data: pairs.csv: 2 rows, 2 items (pairs)") == 1


def test_a_copied_prompt_with_the_name_of_the_first_is_told_the_line_to_change() -> None:
    """Both files are named; one that is given twice is said to be."""
    Path("pairs.csv").write_text(ROWS)
    first = jb.new_template("mine")
    Path("copy.jinja").write_text(first.read_text())
    run = ("run", "custom", "--data", "pairs.csv", "-j", "offline/longest", "-t", first, "-t")
    assert judgebench(*run, "copy.jinja").err == (
        "judgebench: two templates have the same name: mine.jinja and copy.jinja; change the line `name: mine` in one "
        "of them\n"
    )
    assert judgebench(*run, first).err == "judgebench: template mine.jinja is given twice; leave one out\n"
