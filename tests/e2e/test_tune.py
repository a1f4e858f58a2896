"""A better wording: the race on train items, the one look at held-out ones, and what stands in the way."""

from __future__ import annotations

import hashlib
import json
import os
import re
import runpy
import signal
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from commands import (
    GOOD,
    Ended,
    apart,
    judgebench,
    pairs,
    read_json,
    read_jsonl,
    take_over,
    write_jsonl,
    write_judges,
)
from scripted import ScriptedModels

import judgebench as jb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faults import Request

ITEMS = 120
ACCURACY = {"plain": 0.6, "careful": 0.97, "hasty": 0.2}
HEAD = "name: {name}\nmode: pairwise\nverdict: {{pattern: '\\[\\[([AB])\\]\\]', example: '[[A]]'}}\n"
BODY = """{{% block system %}}
You are a {word} judge. End with [[A]] or [[B]].
{{% endblock %}}
{{% block user %}}
{{{{ prompt }}}}
{{% for c in completions %}}
[{{{{ c.label }}}}] {{{{ c.text }}}}
{{% endfor %}}
Which answer is better? End with [[A]] or [[B]].
{{% endblock %}}
"""
JUDGE = Path("runs/custom/mine")
RECORD = JUDGE / "tuned/plain/tuned.json"


def template(name: str, word: str | None = None) -> str:
    return f"---\n{HEAD.format(name=name)}---\n{BODY.format(word=word or name)}"


def share(*of: object) -> float:
    """A number from 0 to 1, drawn once and for all."""
    return int.from_bytes(hashlib.sha256(repr(of).encode()).digest()[:4], "big") / 2**32


def verdict(request: Request) -> str:
    """What the judge says: right as often as the word in its system prompt makes it."""
    if request.model == "writer":
        return written(request)
    (word,) = re.findall(r"You are a (\w+) judge", request.messages[0]["content"])
    (number,) = re.findall(r"Question (\d+)\?", request.text)
    right = share(word, number) < ACCURACY.get(word, 0.6)
    shown = dict(re.findall(r"\[([AB])\] (.*)", request.text))
    return next(f"So it is. [[{letter}]]" for letter, text in shown.items() if (GOOD in text) == right)


def written(request: Request) -> str:
    """What the writing model says: one careful template, one that breaks the format, one that changes nothing."""
    if "criteria that decide" in request.text:
        return f"Here it is:\n```jinja\n{BODY.format(word='careful')}```"
    if "reasons first" in request.text:
        return f"```jinja\n{BODY.format(word='careful').replace('{{ prompt }}', '{{ question }}')}```"
    if "length is no merit" in request.text:
        return f"```jinja\n{BODY.format(word='plain')}```"
    return "I would rather not."


def prepared(url: str) -> None:
    """The judges, the rows and three templates, in this folder."""
    provider, price = "scripted" if "/scripted/" in url else "openai", {"input": 1, "output": 1}
    names = {name: {"model": f"{provider}/{name}", "price": price} for name in ("mine", "writer")}
    write_judges(url, **{name: {**each, "params": {"max_tokens": 100}} for name, each in names.items()})
    write_jsonl(Path("rows.jsonl"), pairs(ITEMS, ("all",)))
    for name in ACCURACY:
        Path(f"{name}.jinja").write_text(template(name))


def tune(*more: object, templates: tuple[str, ...] = ("plain", "hasty", "careful")) -> Ended:
    words = [word for name in templates for word in ("-t", f"{name}.jinja")]
    return judgebench("tune", "--data", "rows.jsonl", "-j", "mine", *words, *more)


@pytest.fixture
def models() -> Iterator[ScriptedModels]:
    with ScriptedModels(verdict) as running:
        prepared(running.url)
        yield running


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Ended, ScriptedModels]]:
    """A folder in which the careful wording was found, what was said, and the models."""
    folder = tmp_path_factory.mktemp("tuned")
    with apart(folder), ScriptedModels(verdict) as running:
        prepared(running.url)
        yield folder, tune(), running


@pytest.fixture
def here(tuned: tuple[Path, Ended, ScriptedModels]) -> Path:
    """A copy of that folder as the current one."""
    take_over(tuned[0])
    return Path()


def test_a_better_wording_is_found_and_measured_on_items_it_never_saw(tuned, here):
    """The first line has the gain with its interval on the held-out items and the price; the file is the template."""
    ended = tuned[1]
    assert ended.status == 0, ended.err
    found = read_json(RECORD)
    look, held = found["look"], found["held_out_items"]
    ends = r"\((\d+\.\d) to (\d+\.\d)\)"
    (said,) = re.findall(
        rf"^careful: \+(\d+\.\d) points {ends} on (\d+) items it never saw, \$0\.\d+ a thousand$",
        ended.out,
        re.MULTILINE,
    )
    assert [*map(float, said)] == pytest.approx(
        [100 * look[n] for n in ("difference", "low", "high")] + [held], abs=0.06
    )
    assert Path(found["template"]).read_text() == template("careful")
    diff = ["-You are a plain judge. End with [[A]] or [[B]].", "+You are a careful judge. End with [[A]] or [[B]]."]
    assert set(diff) <= {*Path(found["diff"]).read_text().splitlines()} & {*ended.out.splitlines()}


def test_the_gain_is_that_of_the_held_out_runs(here):
    """Mean credit of the two runs over the same items, which are no train items; what was dropped judged fewer."""
    found = read_json(RECORD)
    means, ids = [], []
    for name in ("careful", "plain"):
        lines = read_jsonl(JUDGE / name / "one-held-out/outcomes.jsonl")
        means.append(sum(line["credit"] for line in lines) / len(lines))
        ids.append({line["item"] for line in lines})
    train = {line["item"] for line in read_jsonl(JUDGE / "careful/one-train/outcomes.jsonl")}
    assert found["look"]["difference"] == pytest.approx(means[0] - means[1])
    assert (ids[0], ids[0] & train, len(ids[0])) == (ids[1], set(), found["held_out_items"])
    hasty = next(each for each in found["candidates"] if each["name"] == "hasty")
    assert hasty["end"] == "dropped"
    assert hasty["items"] == len(read_jsonl(JUDGE / "hasty/one-train/outcomes.jsonl")) < found["train_items"]


def test_the_manifests_say_which_part(here):
    """Each run's manifest names its part and the share; together they are all items."""
    entries = [read_json(JUDGE / "plain" / f"one-{part}/manifest.json") for part in ("train", "held-out")]
    assert [(each["selection"]["part"], each["selection"]["held_out"]) for each in entries] == [
        ("train", 0.5),
        ("held-out", 0.5),
    ]
    assert sum(each["items"]["count"] for each in entries) == ITEMS


def test_the_same_again_costs_nothing(tuned, here):
    """No call, the same record, and no further look."""
    before, record = tuned[2].count, RECORD.read_bytes()
    ended = tune()
    assert (ended.status, ended.out, tuned[2].count) == (0, tuned[1].out, before)
    assert RECORD.read_bytes() == record
    assert [each["part"] for each in read_jsonl(JUDGE / "tuned/looks.jsonl")] == ["train", "held-out"]


def test_without_folder_and_key_the_cache_is_enough(tuned, here):
    """From the cache alone, into another folder: the same gain."""
    ended = tune("--offline", "--out", "other", "--json")
    look = json.loads(ended.out)["look"]
    assert {**look, "run": 0, "baseline_run": 0} == {**read_json(RECORD)["look"], "run": 0, "baseline_run": 0}


def test_a_second_look_is_said(tuned, here):
    """Another candidate on the same held-out items: the interval no longer holds at 95%."""
    Path("better.jinja").write_text(template("better", "careful").replace("Which answer", "So which answer"))
    ended = tune(templates=("plain", "better"))
    assert ended.status == 0
    assert "held-out items were seen before (once): the interval no longer holds at 95%" in ended.err
    assert read_json(RECORD)["look"]["looks_before"] == 1
    assert "a thousand; seen before, so no longer a 95% interval\n" in ended.out


@pytest.mark.parametrize("more", [("--seed", 1), ("--held-out", 0.7)])
def test_items_of_an_earlier_race_are_no_longer_unseen(here, more):
    """After a race that ended before its look, with other parts: the interval is said to hold no longer."""
    looks = JUDGE / "tuned/looks.jsonl"
    write_jsonl(looks, [each for each in read_jsonl(looks) if each["part"] == "train"])
    ended = tune(*more, templates=("plain", "careful"))
    assert "held-out items were seen before (once)" in ended.err
    assert "seen before, so no longer a 95% interval" in ended.out.splitlines()[0]


def test_the_same_texts_under_other_ids_are_the_same_items(here):
    """Rows without ids are numbered, so that a row more at the head renames all: texts tell what was seen."""
    with_rows([{**row, "id": 1000 + row["id"]} for row in pairs(ITEMS, ("all",))])
    assert "held-out items were seen before (2 times)" in tune(templates=("plain", "careful")).err


def test_a_glob_over_the_runs_passes_by_what_tune_keeps(here):
    """`runs/custom/*/*/*` of the docs names the record's files too: all commands read the runs among them."""
    every = sorted(Path("runs").glob("custom/*/*/*"))
    assert JUDGE / "tuned/looks.jsonl" in every
    for command in ("report", "validate"):
        ended = judgebench(command, *every)
        assert ended.out
        assert "judgebench: " not in ended.err


def test_other_commands_read_the_runs(here):
    """`compare`, `show` and `report` take them as any others; the page has the answer and the race."""
    held = [JUDGE / name / "one-held-out" for name in ("plain", "careful")]
    assert "significant" in judgebench("compare", *held).out
    item = read_jsonl(held[0] / "outcomes.jsonl")[0]["item"]
    assert judgebench("show", held[0], item).status == 0
    every = [*held, *(JUDGE / name / "one-train" for name in ACCURACY)]
    assert judgebench("report", *every, "--html", "page.html").status == 0
    page = Path("page.html").read_text()
    assert "Better wording than plain" in page
    assert "Tuned wording: mine" in page
    assert read_json(RECORD)["sentence"] in page


def test_nothing_found_is_a_result(models):
    """No candidate ahead on the train items: said, status 0, no template, and no held-out item was asked about."""
    ended = tune(templates=("careful", "plain"))
    assert ended.status == 0
    assert ended.out.startswith(
        "nothing found: no candidate scores above careful on the train items; held-out items unseen"
    )
    assert sorted(path.name for path in (JUDGE / "tuned/careful").iterdir()) == ["tuned.json"]
    assert not [*JUDGE.glob("*/one-held-out")]


def test_a_gain_that_may_be_chance_is_none(models, monkeypatch):
    """Ahead on the train items, but the interval on the others holds 0: no file, the figures, status 0."""
    monkeypatch.setitem(ACCURACY, "lucky", 0.66)
    Path("lucky.jinja").write_text(template("lucky"))
    ended = tune("--seed", 2, templates=("plain", "lucky"))
    found = read_json(RECORD)
    assert found["look"]["low"] <= 0
    assert (ended.status, found["found"], found["template"]) == (0, False, None)
    assert re.match(
        r"nothing found: lucky [+-]\d+\.\d points \(.*\) on \d+ items it never saw, which may be chance\n", ended.out
    )


def test_a_model_writes_candidates(models):
    """One for each edit, by what the wording in use gets wrong on train items; what breaks the format is said."""
    ended = judgebench("tune", "--data", "rows.jsonl", "-j", "mine", "-t", "plain.jinja", "--writer", "writer")
    found = read_json(RECORD)
    by_name = {each["name"]: each for each in found["candidates"]}
    assert (ended.status, found["look"]["winner"]) == (0, "plain-rubric")
    assert by_name["plain-rubric"]["end"] == "won"
    assert by_name["plain-reasons"]["why"] == "undefined 'question' (did you mean conversation?)"
    assert by_name["plain-length"]["why"] == "asks the same as plain"
    assert by_name["plain-short"]["why"] == "the reply has no block of code with a template"
    assert "candidate plain-length left out: asks the same as plain" in ended.err
    asked = [request.text for request in models.requests if request.model == "writer"]
    held = {line["item"] for line in read_jsonl(JUDGE / "plain/one-held-out/outcomes.jsonl")}
    shown = set(re.findall(r"Question (\d+)\?", " ".join(asked)))
    assert (len(asked), len(shown), shown & held) == (7, 6, set())
    before = models.count
    assert (
        judgebench("tune", "--data", "rows.jsonl", "-j", "mine", "-t", "plain.jinja", "--writer", "writer").out
        == ended.out
    )
    assert models.count == before


def test_the_budget_leaves_enough_for_the_look(models):
    """The race ends while the held-out items can still be paid for, and says so; no more than the budget is spent."""
    Path("same.jinja").write_text(template("same", "careful").replace("Which answer", "So which answer"))
    Path("third.jinja").write_text(template("third", "careful").replace("Which answer", "Then which answer"))
    templates = ("plain", "careful", "same", "third")
    everything = json.loads(tune("--json", "--out", "a", templates=templates).out)["spent_usd"]
    ended = tune("--json", "--out", "b", "--budget", 0.8 * everything, templates=templates)
    found = json.loads(ended.out)
    assert ended.status == 0, ended.err
    assert found["look"] is not None
    assert found["spent_usd"] <= 0.8 * everything
    assert "so that the budget of" in ended.err


def test_a_budget_that_is_too_small_says_what_is_needed(models):
    """No look is begun that could not be finished: status 1, and a greater budget goes on from there."""
    ended = tune("--budget", 0.004, templates=("plain", "careful"))
    assert ended.status == 1
    assert re.match(r"stopped: the race took .* raise --budget \$0\.004 to \$0\.\d+\n", ended.out)
    assert not [*JUDGE.glob("*/one-held-out")]
    calls = models.count
    assert tune(templates=("plain", "careful")).status == 0
    assert models.count > calls


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_killed_tune_goes_on_where_it_was():
    """SIGKILL in the race: the same command asks nothing twice but what was in flight, and finds the same."""
    asked, parent = Path("asked.txt"), os.getpid()

    def answer(request: Request) -> str:
        with asked.open("a") as file:
            file.write(f"{request.digest.hex()}\n")
        if os.getpid() != parent and len(asked.read_text().splitlines()) == 40:
            os.kill(os.getpid(), signal.SIGKILL)
        return verdict(request)

    with ScriptedModels(answer) as running:
        prepared(running.url)
        if not (child := os.fork()):
            signal.alarm(60)
            tune("--concurrency", 4, templates=("plain", "careful"))
            os._exit(0)
        assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
        assert not RECORD.exists()
        ended = tune(templates=("plain", "careful"))
    assert ended.status == 0, ended.err
    digests = asked.read_text().split()
    assert len(digests) - len(set(digests)) <= 4
    assert read_json(RECORD)["found"]


LABELS = """---
name: {name}
mode: label
positive: pass
verdict: {{pattern: 'Verdict: (PASS|FAIL)', values: {{PASS: pass, FAIL: fail}}, example: 'Verdict: PASS'}}
---
{{% block user %}}
You are a {name} judge. {{{{ prompt }}}} {{{{ completions[0].text }}}}
End with Verdict: PASS or Verdict: FAIL.
{{% endblock %}}
"""
RATINGS = """---
name: {name}
mode: rating
verdict: {{pattern: 'Rating: (\\d+)', scale: [1, 10], example: 'Rating: 7'}}
---
{{% block user %}}
You are a {name} judge. {{{{ prompt }}}} {{{{ completions[0].text }}}}
Rate it from 1 to 10. End with Rating: and the number.
{{% endblock %}}
"""


def graded(request: Request) -> str:
    """A class, or a rating that is nearer to people's the more careful the judge is."""
    word, number = re.findall(r"You are a (\w+) judge. Question (\d+)", request.text)[0]
    if "Verdict" in request.text:
        right = share(word, number) < ACCURACY[word]
        return f"Verdict: {'PASS' if (int(number) % 2 == 0) == right else 'FAIL'}"
    noise = {"plain": 8, "careful": 1}[word] * (share(word, number) - 0.5)
    return f"Rating: {min(10, max(1, round(int(number) % 10 + 1 + noise)))}"


@pytest.mark.parametrize(("text", "label"), [(LABELS, "label"), (RATINGS, "human_score")])
def test_classes_and_grades_are_tuned_alike(text, label):
    """Items with a class, and items with a grade, whose score is a correlation, find the better wording too."""
    rows = [
        {"id": n, "prompt": f"Question {n}", "response": "So.", label: "pass" if n % 2 == 0 else "fail"}
        if label == "label"
        else {"id": n, "prompt": f"Question {n}", "response": "So.", label: n % 10 + 1}
        for n in range(120)
    ]
    with ScriptedModels(graded) as running:
        prepared(running.url)
        write_jsonl(Path("rows.jsonl"), rows)
        for name in ("plain", "careful"):
            Path(f"{name}.jinja").write_text(text.format(name=name))
        ended = tune(templates=("plain", "careful"))
    assert ended.status == 0, ended.err
    found = read_json(RECORD)
    assert found["found"], ended.out
    assert found["measure"] == ("share" if label == "label" else "pearson")


def test_what_the_cache_lacks_is_no_result(models):
    """Offline with an empty cache: status 1 and how many replies are missing, never a comparison of nothing."""
    ended = tune("--offline", templates=("plain", "careful"))
    assert (ended.status, models.count) == (1, 0)
    assert ended.out.startswith("stopped: 120 replies are not cached, and --offline makes no calls")


def test_a_race_that_was_cut_short_has_no_losers(here):
    """Interrupted before the race was over: a candidate is not called lost, as it is after one that was."""
    done = jb.tune(
        data="rows.jsonl", judge="mine", templates=["plain.jinja", "careful.jinja"], out="again", offline=True
    )
    lost = tuple(replace(each, end="lost") for each in done.candidates[1:])
    for state, said in (("interrupted", "not decided"), ("done", "lost")):
        race = replace(done, state=state, candidates=(done.candidates[0], *lost)).tables()[0]
        assert [cells[-1] for cells in race.cells] == ["in use", said]


def with_rows(rows: list[dict[str, object]]) -> None:
    write_jsonl(Path("rows.jsonl"), rows)


def of_one_kind(text: str, **label: object) -> None:
    """Rows that all have one label, and templates for them."""
    with_rows([{"id": n, "prompt": f"Question {n}", "response": "So.", **label} for n in range(ITEMS)])
    for name in ACCURACY:
        Path(f"{name}.jinja").write_text(text.format(name=name))


MISTAKES = {
    "no label": (
        lambda: with_rows([{"prompt": f"{n}?", "response_a": "x", "response_b": "y"} for n in range(9)]),
        (),
        "no item has a label, and tune compares verdicts with people's labels",
    ),
    "few items": (lambda: with_rows(pairs(30, ("all",))), (), "30 labelled items are too few"),
    "a badly chosen part": (
        lambda: None,
        ("--held-out", 0.01),
        "--held-out 0.01 parts 120 labelled items badly: ",
    ),
    "one class": (
        lambda: of_one_kind(LABELS, label="pass"),
        (),
        "train items are pass: always the same verdict agrees with such labels",
    ),
    "one grade": (lambda: of_one_kind(RATINGS, human_score=7), (), "train items have the label 7: "),
    "one template": (lambda: None, ("only", "plain"), "tune compares wordings, and one is named"),
    "the same twice": (
        lambda: Path("hasty.jinja").write_text(template("hasty", "plain")),
        (),
        "template 'hasty' asks the same as 'plain': change its text, or leave it out",
    ),
    "another mode": (
        lambda: Path("hasty.jinja").write_text(RATINGS.format(name="hasty")),
        (),
        "template 'hasty' has mode rating and 'plain' pairwise",
    ),
    "two judges": (lambda: None, ("-j", "writer"), "tune is about one judge, not 2"),
    "an offline writer": (lambda: None, ("--writer", "offline/first"), "--writer offline/first writes no text"),
    "edits alone": (lambda: None, ("--edits", "x.yaml"), "--edits needs --writer"),
    "no such edits": (lambda: None, ("--writer", "writer", "--edits", "x.yaml"), "x.yaml"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line_before_any_call(models, name):
    """Status 2, what is wrong and the fix, and nothing was sent or written."""
    prepare, more, said = MISTAKES[name]
    prepare()
    ended = tune(templates=("plain",)) if more[:1] == ("only",) else tune(*more)
    assert (ended.status, models.count) == (2, 0)
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert not Path("runs").exists()


def test_a_dry_run_says_what_it_costs_and_can_show():
    """Each wording on the train items, the two on the held-out ones, and the gain that they can show; no call."""
    prepared("http://127.0.0.1:9/v1")
    templates = [word for name in ("plain", "careful") for word in ("-t", f"{name}.jinja")]
    ended = judgebench("tune", "--data", "rows.jsonl", "-j", "offline/first", *templates, "--dry-run", "--json")
    assert (ended.status, Path("runs").exists()) == (0, False)
    said = json.loads(ended.out)
    assert [each["template"] for each in said["forecasts"]] == [
        *("plain (train)", "careful (train)", "plain (held out)", "winner (held out)")
    ]
    assert sum(each["calls"] for each in said["forecasts"]) == 2 * ITEMS
    assert 0.1 < said["detects"] < 0.2  # 1.96 + 0.84 standard errors of sqrt(0.2 / 60), about


def test_a_function_writes_candidates():
    """Any callable is a writer; it gets the template, each edit and train failures, and its texts may have heads."""
    Path("edits.yaml").write_text(yaml.safe_dump([{"name": "care", "edit": "More care."}]))
    writer = jb.ScriptedWriter({"care": [BODY.format(word="careful"), "no template", template("x", "hasty")]})
    with ScriptedModels(verdict) as running:
        prepared(running.url)
        with pytest.warns(UserWarning, match="candidate plain-care-2 left out"):
            found = jb.tune(
                data="rows.jsonl", judge="mine", templates=["plain.jinja"], writer=writer, edits="edits.yaml"
            )
    assert (found.look.winner, found.found) == ("plain-care", True)
    assert [each.end for each in found.candidates] == ["baseline", "won", "dropped", "left out"]
    ((given, edit, failures),) = writer.calls
    assert (given, edit.instruction) == (template("plain"), "More care.")
    wrong = [share("plain", int(each.item)) for each in failures]
    assert wrong
    assert all({each.expected, each.said} == {"A", "B"} for each in failures)


def test_the_example_of_a_writer_is_one():
    """docs/examples/template_writer.py: nothing without failures, else the edit's words at the head of the prompt."""
    path = Path(__file__).parents[2] / "docs/examples/template_writer.py"
    add_warning = runpy.run_path(str(path))["add_warning"]
    edit = jb.TemplateEdit("length", "Length is no merit.")
    failure = jb.TrainFailure("1", "Question?", ("x", "y"), expected="A", said="B")
    assert list(add_warning(template("plain"), edit, [])) == []
    (text,) = add_warning(template("plain"), edit, [failure])
    assert "{% block system %}\nLength is no merit.\n" in text


def test_a_writer_with_no_usable_text_leaves_nothing_to_race():
    """Said, with what was wrong; the run of the template in use is whole and can be read."""
    with ScriptedModels(verdict) as running:
        prepared(running.url)
        with pytest.warns(UserWarning, match="plain-rubric left out"):
            found = jb.tune(
                data="rows.jsonl", judge="mine", templates=["plain.jinja"], writer=jb.ScriptedWriter({"rubric": ["{%"]})
            )
    assert (found.sentence, found.found) == ("nothing found: no candidate is left to race", False)
    assert read_json(JUDGE / "plain/one-train/manifest.json")["state"] == "done"
