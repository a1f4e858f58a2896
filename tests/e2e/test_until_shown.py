"""Two runs that stop when their difference is shown, against judges whose accuracy is set in the test."""

from __future__ import annotations

import hashlib
import json
import re
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import GOOD, Ended, apart, judgebench, pairs, read_json, read_jsonl, take_over, write_jsonl, write_judges
from loopback import Fault, LoopbackServer, Request
from processes import Running
from scripted import ScriptedModels

import judgebench as jb
from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.dataset import load_dataset
from judgebench.errors import FatalProviderError
from judgebench.pages.browser import Browser
from judgebench.pages.report import page_of
from judgebench.protocols.sequential import drawn
from judgebench.runs.run import Finished

ACCURACY = {"good": 0.9, "fair": 0.6, "same": 0.6, "sure": 1.0, "never": 0.0}
RUNS = Path("runs/custom")
ITEMS = 160


def number_of(request: Request) -> int:
    found = re.search(r"Question (\d+)\?", request.text)
    assert found is not None
    return int(found[1])


def is_right(judge: str, number: int) -> bool:
    """Whether a judge is right on an item, drawn once and for all; two judges independently."""
    drawn_ = int.from_bytes(hashlib.sha256(f"{judge} {number}".encode()).digest()[:4], "big") / 2**32
    return drawn_ < ACCURACY[judge]


def verdict(request: Request) -> str:
    """The verdict of the judge that the model's name says."""
    shown = dict(re.findall(r"<answer_([A-Z])>\n(.*?)\n</answer_", request.text, re.DOTALL))
    right = is_right(request.model, number_of(request))
    return next(f"So be it. [[{letter}]]" for letter, text in shown.items() if (GOOD in text) == right)


def written(url: str, provider: str) -> None:
    """The judges, at an address, and the rows."""
    write_judges(
        url, **{name: {"model": f"{provider}/{name}", "price": {"input": 1, "output": 1}} for name in ACCURACY}
    )
    write_jsonl(Path("rows.jsonl"), pairs(ITEMS, ("all",)))


@pytest.fixture
def server():
    with ScriptedModels(verdict) as running:
        written(running.url, "scripted")
        yield running


@pytest.fixture
def live():
    """The same over sockets: for what goes wrong, takes its time, or is in a process of its own."""
    with LoopbackServer(verdict) as running:
        written(running.url, "openai")
        yield running


@dataclass
class Compared:
    """What a comparison said, and what it asked."""

    folder: Path
    said: Ended
    requests: list[Request]

    def copy(self) -> Compared:
        """Its rows, judges, runs and cache, in the test's own folder."""
        take_over(self.folder)
        return self


def compared(folder: Path, *arguments: Any) -> Compared:
    """A comparison of which several tests read."""
    with apart(folder), ScriptedModels(verdict) as running:
        written(running.url, "scripted")
        return Compared(folder, versus(*arguments), running.requests)


@pytest.fixture(scope="module")
def shown_once(tmp_path_factory: pytest.TempPathFactory) -> Compared:
    return compared(tmp_path_factory.mktemp("shown"), "fair", "good")


@pytest.fixture(scope="module")
def small_once(tmp_path_factory: pytest.TempPathFactory) -> Compared:
    return compared(tmp_path_factory.mktemp("small"), "fair", "same", "--min-effect", "0.4", "--alpha", "0.1")


@pytest.fixture(scope="module")
def open_once(tmp_path_factory: pytest.TempPathFactory) -> Compared:
    return compared(tmp_path_factory.mktemp("open"), "fair", "same")


@pytest.fixture
def shown(shown_once: Compared, scripted: None) -> Compared:
    """Fair against good, and whoever asks once more finds nobody."""
    return shown_once.copy()


@pytest.fixture
def small(small_once: Compared, scripted: None) -> Compared:
    """Fair against same, within 40 points and with an alpha of 0.1."""
    return small_once.copy()


@pytest.fixture
def opened(open_once: Compared, scripted: None) -> Compared:
    """Fair against same, within 5 points."""
    return open_once.copy()


def versus(first: str, second: str, *more: object) -> Ended:
    return judgebench(*("run", "custom", "--data", "rows.jsonl", "-j", first, "-j", second, "--sequential", *more))


def asked(server: ScriptedModels | LoopbackServer | Compared) -> dict[str, list[int]]:
    """The numbers of the items that each judge was asked about, in order of arrival."""
    found: dict[str, list[int]] = {}
    for request in server.requests:
        found.setdefault(request.model, []).append(number_of(request))
    return found


def expected(items: list[str], first: str, second: str) -> float:
    """The mean difference of credit over some items."""
    return sum(is_right(first, int(item)) - is_right(second, int(item)) for item in items) / len(items)


def order() -> tuple[str, ...]:
    custom = get_benchmark("custom")
    return drawn(load_dataset(custom, "rows.jsonl").keys.values(), custom.layout, 0).tested


def folder(judge: str, against: str, name: str = "pairwise", protocol: str = "one") -> Path:
    return RUNS / judge / name / f"{protocol}-until-shown-{against}"


def test_a_difference_is_shown_and_both_stop(shown: Compared) -> None:
    """Both have judged the same first items of the drawn order; the figures are those of these items."""
    good, fair = versus("good", "fair", "--json").metrics
    found, count = good["sequential"], good["sequential"]["items"]
    first = order()[:count]

    assert (found["decision"], found["against"], found["of"], found["saved"]) == ("shown", "fair", ITEMS, ITEMS - count)
    assert 32 <= count <= 128
    assert {name: sorted(numbers) for name, numbers in asked(shown).items()} == {
        name: sorted(map(int, first)) for name in ("good", "fair")
    }
    assert found["difference"] == pytest.approx(expected(list(first), "good", "fair"))
    assert 0 < found["low"] < found["difference"] < found["high"]
    assert (fair["sequential"]["low"], fair["sequential"]["high"]) == (-found["high"], -found["low"])
    assert good["score"] - fair["score"] == pytest.approx(found["difference"])
    assert (good["items"], good["judgements"], good["failures"]) == (count, count, {})
    assert good["bounds"]["low"] == good["bounds"]["high"] == good["score"]


def test_the_command_says_what_came_of_it(shown: Compared) -> None:
    """Who is better, after how many items, the difference with its interval and level, and the calls saved."""
    ended = shown.said
    (said,) = re.findall(r"good is significantly better than fair after (\d+) of 160 items\n", ended.out)

    assert ended.status == 0
    assert re.search(r"\n  fair minus good: -\d+\.\d points \(-\d+\.\d to -\d+\.\d\)\n", ended.out)
    assert "95% CI, anytime-valid" in ended.out
    assert f"{2 * (160 - int(said))} calls saved" in ended.out
    assert "group" not in ended.out
    assert len(shown.requests) == 2 * int(said)


def test_the_same_command_makes_no_call_and_says_the_same(shown: Compared) -> None:
    """From the folders, which stay as they are; from the cache into new ones; offline, and the judges' order turned."""
    written = (folder("good", "fair") / "manifest.json").stat().st_mtime_ns
    again = versus("fair", "good")
    untouched = (folder("good", "fair") / "manifest.json").stat().st_mtime_ns == written
    elsewhere = versus("fair", "good", "--out", "other")
    offline = versus("good", "fair", "--offline", "--out", "third", "--json").metrics

    calls = re.compile(r"^  \d+ calls.*\n(?:    .*\n)*", re.MULTILINE)
    assert (calls.sub("", again.out), again.status, untouched) == (calls.sub("", shown.said.out), 0, True)
    assert calls.findall(again.out)[0].startswith("  0 calls now, ")
    assert elsewhere.out.splitlines()[-5:] == shown.said.out.splitlines()[-5:]
    assert offline[0]["sequential"] == read_json(folder("good", "fair") / "metrics.json")["sequential"]


def test_what_is_settled_needs_no_key(server: ScriptedModels, monkeypatch: pytest.MonkeyPatch) -> None:
    """The items beyond the stop are in no cache, but no call is needed for them."""
    judges = {name: {"model": f"scripted/{name}", "api_key_env": "SOME_KEY"} for name in ACCURACY}
    monkeypatch.setenv("SOME_KEY", "sk-loopback")
    write_judges(server.url, **judges)
    versus("sure", "never")
    monkeypatch.delenv("SOME_KEY")

    assert versus("sure", "never").status == 0
    assert versus("sure", "never", "--out", "other").status == 0
    missing = versus("sure", "same", "--out", "third")
    assert (missing.status, missing.out) == (2, "")
    assert "SOME_KEY" in missing.err
    assert not Path("third").exists()


def test_a_difference_that_is_too_small(small: Compared) -> None:
    """Two judges that are equally good are shown to differ by less than 40 points, before all items are judged."""
    ended = small.said
    found = read_json(folder("fair", "same") / "metrics.json")["sequential"]

    assert ended.status == 0
    assert (found["decision"], found["size"]) == ("too_small", 0.4)
    assert found["items"] < ITEMS
    assert -0.4 < found["low"] < 0 < found["high"] < 0.4
    assert f"fair and same are equivalent within 40 points after {found['items']} of 160 items" in ended.out


def test_where_nothing_is_settled_all_items_are_judged(opened: Compared) -> None:
    """The runs are whole ones, and the command says that nothing was shown."""
    ended = opened.said
    metrics, manifest = (read_json(folder("fair", "same") / name) for name in ("metrics.json", "manifest.json"))

    assert ended.status == 0
    assert (
        "fair and same: inconclusive after 160 of 160 items, neither different nor equivalent within 5 points"
        in ended.out
    )
    assert "not needed" not in ended.out
    assert (metrics["items"], metrics["sequential"]["decision"], metrics["sequential"]["saved"]) == (ITEMS, "open", 0)
    assert ("asked" in manifest, manifest["state"], len(opened.requests)) == (False, "done", 2 * ITEMS)


def test_two_templates_of_one_judge(server: ScriptedModels) -> None:
    """Each is compared with the other by its name."""
    text = "---\nname: {name}\nmode: pairwise\nverdict: {{pattern: '\\[\\[([AB])\\]\\]'}}\n---\n{{% block user %}}"
    rest = "{{ prompt }} {% for c in completions %}<answer_{{ c.label }}>\n{{ c.text }}\n"
    rest += "</answer_{{ c.label }}>{% endfor %}"
    for name, more in (("plain", ""), ("wrong", " Say the worse one.")):
        Path(f"{name}.jinja").write_text(text.format(name=name) + rest + more + "{% endblock %}", encoding="utf-8")

    def answer(request: Request) -> str:
        letter = verdict(request)[-3]
        return f"[[{'AB'['AB'.index(letter) - 1]}]]" if "worse" in request.text else f"[[{letter}]]"

    server.answer = answer
    ended = judgebench(
        *("run", "custom", "--data", "rows.jsonl", "-j", "good", "-t", "plain.jinja", "-t", "wrong.jinja"),
        "--sequential",
    )

    assert re.search(r"plain is significantly better than wrong after 32 of 160 items", ended.out)
    assert server.count == 64
    assert folder("good", "wrong", "plain").is_dir()
    assert folder("good", "plain", "wrong").is_dir()


def test_the_folders_say_what_was_asked(small: Compared) -> None:
    """The manifest has the other run, the options and the number of items; these alone have outcomes."""
    path = folder("fair", "same")
    manifest, outcomes = read_json(path / "manifest.json"), read_jsonl(path / "outcomes.jsonl")
    rule = manifest["until_shown"]

    assert (rule["against"], rule["size"], rule["alpha"]) == ("same", 0.4, 0.1)
    assert manifest["protocol"]["name"] == "one-until-shown-same"
    assert manifest["state"] == "done"
    assert {line["item"] for line in outcomes} == {*order()[: manifest["asked"]]}
    assert len(outcomes) == len(read_jsonl(path / "judgements.jsonl")) == manifest["asked"] < ITEMS


@pytest.mark.parametrize(
    "command", [("compare",), ("report",), ("leaderboard",), ("jury", "--out", "juries"), ("show",), ("rescore",)]
)
def test_stopped_runs_are_read_like_others(shown: Compared, command: tuple[str, ...]) -> None:
    """By every command that reads runs; the items that were not asked are not there, and no failure."""
    runs = [folder("good", "fair"), folder("fair", "good")]
    count = read_json(runs[0] / "manifest.json")["asked"]
    if command[0] == "leaderboard":
        ended = judgebench("leaderboard", "runs")
    elif command[0] in {"show", "rescore"}:
        ended = judgebench(*command, runs[0])
    else:
        ended = judgebench(*command, *runs)

    assert ended.status == 0, ended.err
    assert not re.search(r"not[ _]asked|(?<!of )160 (items|judgements)", ended.out)
    assert str(count) in ended.out or command[0] == "report"


def test_both_orders_and_votes_go_on_item_by_item(server: ScriptedModels) -> None:
    """All calls of an item are made before it counts, with votes that stop early within it."""
    votes = ("--orders", "both", "--samples", 2, "--aggregate", "majority", "--early-stop")
    good, fair = versus("good", "fair", *votes, "--json").metrics
    count = good["sequential"]["items"]

    assert good["sequential"]["decision"] == "shown"
    assert {name: len({*numbers}) for name, numbers in asked(server).items()} == {"good": count, "fair": count}
    assert good["judgements"] == fair["judgements"] == 3 * count  # three equal votes of four are settled


def test_a_failed_reply_counts_as_in_the_score(server: ScriptedModels) -> None:
    """Half a credit, by this benchmark's rule; the run is done."""
    silent = {int(item) for item in order()[:4]}
    script = server.answer
    server.answer = lambda r: "Hm." if r.model == "good" and number_of(r) in silent else script(r)
    ended = versus("good", "fair", "--json")
    found = ended.metrics[0]["sequential"]
    items = order()[: found["items"]]
    right = sum(0.5 if int(i) in silent else is_right("good", int(i)) for i in items) - sum(
        is_right("fair", int(i)) for i in items
    )

    assert ended.status == 0
    assert found["difference"] == pytest.approx(right / len(items))
    assert found["missing"] == 0


def test_an_item_that_one_has_no_credit_for_may_be_anything(server: ScriptedModels) -> None:
    """Offline, with gaps in the cache of one judge: the interval is wider, and the number is said."""
    rows = read_jsonl(Path("rows.jsonl"))
    gaps = {*order()[:5]}
    write_jsonl(Path("some.jsonl"), [row for row in rows if str(row["id"]) not in gaps])
    judgebench("run", "custom", "--data", "rows.jsonl", "-j", "good", "--quiet")
    judgebench("run", "custom", "--data", "some.jsonl", "-j", "fair", "--quiet")
    ended = versus("good", "fair", "--offline")
    found = read_json(folder("good", "fair") / "metrics.json")["sequential"]
    known = [item for item in order()[: found["items"]] if item not in gaps]

    assert found["missing"] == 5
    assert found["difference"] == pytest.approx(expected(known, "good", "fair"))
    assert "5 items have no credit from one run" in ended.out
    assert server.count == 2 * ITEMS - 5


def test_a_slow_judge_holds_the_other_up_by_a_block_at_most(live: LoopbackServer) -> None:
    """Neither is asked about a block before both have judged the one before."""
    live.latency = lambda request: 0.05 if request.model == "fair" else 0.0
    versus("good", "fair", "--quiet")
    seen = {"good": 0, "fair": 0}
    apart = []
    for request in live.requests:
        seen[request.model] += 1
        apart.append(abs(seen["good"] - seen["fair"]))

    assert max(apart) <= 32
    assert seen["good"] == seen["fair"]


def test_a_refused_judge_ends_the_comparison(live: LoopbackServer) -> None:
    """At its first reply: status 2 with the reason; the other is not asked beyond what was in flight."""
    live.faults = lambda request: Fault.invalid_key() if request.model == "fair" else None
    ended = versus("good", "fair")

    assert ended.status == 2
    assert "the comparison ended when fair (pairwise) was stopped" in ended.err
    assert re.search(r"stopped: .*fair.*key", ended.err)
    assert "is significantly better than" not in ended.out
    assert asked(live).get("good", []) == [] or max(map(len, asked(live).values())) <= 32


def test_a_judge_that_is_stopped_on_the_way_can_be_gone_on_with(server: ScriptedModels) -> None:
    """What was judged is kept, and the same command says what it would have said at once."""
    late = {int(item) for item in order()[40:]}

    def spent(request: Request) -> str:
        if request.model == "fair" and number_of(request) in late:
            raise FatalProviderError("the quota is used up")
        return verdict(request)

    server.answer = spent
    stopped = versus("good", "fair")
    open_ = read_json(folder("good", "fair") / "metrics.json")
    server.answer = verdict
    again = versus("good", "fair")
    at_once = versus("good", "fair", "--out", "other", "--offline")

    assert stopped.status == 1
    assert (open_["sequential"]["decision"], open_["sequential"]["items"]) == ("open", 32)
    assert open_["failures"]["not_asked"] >= ITEMS - 128
    assert "rerun the same command to resume" in stopped.err
    assert again.status == 0
    assert again.out.splitlines()[-5:] == at_once.out.splitlines()[-5:]
    assert len({(r.model, number_of(r)) for r in server.requests}) == 2 * int(
        re.findall(r"after (\d+) of", again.out)[0]
    )


def test_the_budget_ends_both(server: ScriptedModels) -> None:
    """Status 1; what was paid for is kept."""
    ended = versus("good", "fair", "--budget", "0.006", "--concurrency", "1")

    assert ended.status == 1
    assert "budget" in ended.err
    assert 0 < server.count < 128
    assert read_json(folder("good", "fair") / "manifest.json")["state"] == "stopped"


def test_an_interrupted_comparison_goes_on(live: LoopbackServer) -> None:
    """SIGINT ends it with 130; the same command makes only the calls that are left."""
    live.latency = 0.2
    command = ("run", "custom", "--data", "rows.jsonl", "-j", "good", "-j", "fair", "--sequential")
    running = Running(*command, "--concurrency", 4)
    until = time.monotonic() + 60
    while live.count < 10 and time.monotonic() < until:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    manifest = read_json(folder("good", "fair") / "manifest.json")
    live.latency = 0.0
    good, _ = versus("good", "fair", "--json").metrics

    assert (running.returncode, manifest["state"]) == (130, "interrupted"), err
    assert good["sequential"]["decision"] == "shown"
    assert live.count == 2 * good["sequential"]["items"]


def test_a_refresh_asks_again_and_settles_anew(server: ScriptedModels) -> None:
    """With other answers the stop is another one; all figures, those of the next command too, are of new replies."""
    before = versus("good", "fair", "--json").metrics[0]["sequential"]["items"]
    server.answer = lambda r: f"[[{'AB'['AB'.index(verdict(r)[-3]) - 1]}]]" if r.model == "fair" else verdict(r)
    ACCURACY["good"], kept = 1.0, ACCURACY["good"]
    try:
        found = versus("good", "fair", "--json", "--refresh").metrics[0]
        calls = server.count
        again = versus("good", "fair", "--json").metrics[0]
    finally:
        ACCURACY["good"] = kept

    assert found["sequential"]["items"] < before
    assert again == found
    assert server.count == calls == 2 * before + 2 * found["sequential"]["items"]


def versus_sections(second: str, *more: object) -> tuple[Ended, dict[str, Any]]:
    """Two sections of 20 and 100 items, which weigh the same; the smaller one is used up after about 40."""
    rows = pairs(20, ("alpacaeval-easy",)) + pairs(120, ("donotanswer",))[20:]
    write_jsonl(Path("rows.jsonl"), rows)
    ended = judgebench(
        *("run", "rewardbench", "--data", "rows.jsonl", "-j", "fair", "-j", second, "--sequential", *more)
    )
    (run,) = Path("runs/rewardbench/fair/pairwise").glob(f"*-{second}")
    return ended, read_json(run / "metrics.json")


def test_after_a_section_that_is_used_up_all_items_have_the_last_look(server: ScriptedModels) -> None:
    """The rest is judged and a test of all items settles it, by the difference of the official scores."""
    ended, metrics = versus_sections("good", "--alpha", 0.01)
    found = metrics["sequential"]
    means = [expected([str(at) for at in part], "fair", "good") for part in (range(20), range(20, 120))]

    assert (metrics["items"], found["of"], found["items"], found["decision"]) == (120, 120, 120, "shown")
    assert found["drawn"] < 80
    assert found["difference"] == pytest.approx(sum(means) / 2)
    assert found["low"] < found["difference"] < found["high"] < 0
    assert "good is significantly better than fair after 120 of 120 items" in ended.out
    assert "99% CI, of the last look, at all items" in ended.out


def test_a_last_look_that_settles_nothing_is_inconclusive_over_all_items(server: ScriptedModels) -> None:
    """No run ends open while items are left."""
    ended, metrics = versus_sections("same", "--min-effect", 0.01)

    assert (metrics["items"], metrics["sequential"]["items"], metrics["sequential"]["decision"]) == (120, 120, "open")
    assert "inconclusive after 120 of 120 items" in ended.out


def test_a_stopped_run_is_no_result_of_the_benchmark(server: ScriptedModels) -> None:
    """RewardBench's own format does not take it."""
    write_jsonl(Path("rows.jsonl"), pairs(80))
    judgebench("run", "rewardbench", "--data", "rows.jsonl", "-j", "sure", "-j", "never", "--sequential", "--quiet")
    (run,) = Path("runs/rewardbench/sure").glob("*/*")
    ended = judgebench("export", run, "--to", "rewardbench", "--out", "out", "--model", "o/m")

    assert (ended.status, Path("out").exists()) == (2, False)
    assert "rerun its command without --sequential" in ended.err


def test_a_page_shows_the_items_that_were_asked(shown: Compared) -> None:
    """And no others."""
    path = folder("good", "fair")
    browser = Browser([Finished(jb.Run.load(path))], ["good"], [0])
    index = json.loads(dict(browser.blocks())["items"])

    assert len(index["items"]["id"]) == read_json(path / "manifest.json")["asked"]


def test_a_limit_and_a_seed(server: ScriptedModels) -> None:
    """The comparison is over the items that the limit leaves; another seed draws another order."""
    found = [
        versus("good", "fair", "--limit", 64, "--seed", seed, "--json").metrics[0]["sequential"] for seed in (0, 1)
    ]

    assert [each["of"] for each in found] == [64, 64]
    assert found[0]["difference"] != found[1]["difference"]


def test_a_file_holds_the_experiment(shown: Compared) -> None:
    """Under the options' own names."""
    config: dict[str, Any] = {"benchmark": "custom", "data": "rows.jsonl", "judges": ["good", "fair"]}
    config |= {"sequential": True, "min-effect": 0.1, "alpha": 0.1}
    Path("paper.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    found = judgebench("run", "--config", "paper.yaml", "--json").metrics[0]["sequential"]

    assert (found["decision"], found["size"], found["alpha"]) == ("shown", 0.1, 0.1)


def test_from_python(shown: Compared) -> None:
    """A keyword of `grid`; the figures are the runs' metrics."""
    options = {"data": "rows.jsonl", "sequential": True, "min_effect": 0.1}
    good, fair = jb.grid("custom", judges=["good", "fair"], **options)

    assert good.metrics.sequential is not None
    assert (good.metrics.sequential.decision, good.metrics.sequential.against) == ("shown", "fair")
    assert fair.metrics.sequential.difference == -good.metrics.sequential.difference
    with pytest.raises(jb.ConfigError, match="compares two runs, not 1 run"):
        jb.grid("custom", judges="good", **options)
    with pytest.raises(jb.ConfigError, match=r"alpha is 1: must be a number in \(0, 1\)"):
        jb.grid("custom", judges=["good", "fair"], alpha=1, **options)


def test_what_it_would_send_at_most(server: ScriptedModels) -> None:
    """A dry run counts all items, and says that it may be fewer."""
    ended = versus("good", "fair", "--dry-run")

    assert (ended.status, server.count) == (0, 0)
    assert re.search(r"\nall +320 ", ended.out)
    assert "upper bound: --sequential may stop earlier" in ended.out


MISTAKES = {
    "one run": (("-j", "good", "--sequential"), "not 1 run: name two judges"),
    "three": (("-j", "good", "-j", "fair", "-j", "same", "--sequential"), "not 3 runs"),
    "controls": (("-j", "good", "-j", "fair", "--sequential", "--control", "blind"), "leave out --control"),
    "size": (("-j", "good", "-j", "fair", "--sequential", "--min-effect", "5"), "'--min-effect'"),
    "alpha": (("-j", "good", "-j", "fair", "--sequential", "--alpha", "0"), "'--alpha'"),
    "alone": (("-j", "good", "-j", "fair", "--min-effect", "0.1"), "--min-effect needs --sequential"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_one_line(server: ScriptedModels, mistake: str) -> None:
    """Before anything is asked, with the mend."""
    options, said = MISTAKES[mistake]
    ended = judgebench("run", "custom", "--data", "rows.jsonl", *options)

    assert (ended.status, ended.out, server.count) == (2, "", 0)
    assert len(ended.err.splitlines()) == 1
    assert said in ended.err


def test_a_misfit_is_named_among_the_runs(server: ScriptedModels) -> None:
    """A template that was left out is why there are not two."""
    ended = judgebench(
        *("run", "rewardmath", "--data", "rows.jsonl", "-j", "good", "-t", "pairwise", "-t", "four-way"),
        "--sequential",
    )
    assert ended.status == 2
    assert len(ended.err.splitlines()) == 1


def test_without_a_benchmark_there_are_two(server: ScriptedModels) -> None:
    """The bundled sample is of two benchmarks, so one is to be named."""
    ended = judgebench("run", "-j", "offline/longest", "-j", "offline/first", "--sequential")

    assert (ended.status, ended.out) == (2, "")
    assert "needs a benchmark: judgebench run BENCHMARK" in ended.err


@pytest.mark.parametrize(
    ("comparison", "second", "sure"),
    [
        ("shown", "good", "significant"),
        ("small", "same", "equivalent within 40 points"),
        ("opened", "same", "not significant"),
    ],
)
def test_the_page_answers_by_the_valid_interval(
    request: pytest.FixtureRequest, comparison: str, second: str, sure: str
) -> None:
    """By how much and how sure are what metrics.json says of the comparison, and no p nor other interval is there."""
    request.getfixturevalue(comparison)
    first = "fair"
    runs = [folder(first, second), folder(second, first)]
    (subject,) = page_of(jb.report(runs)).context["chapters"]
    best, much, certain, _ = subject.cards[-4:]
    better = 0 if best.answer == first else 1
    found = read_json(runs[better] / "metrics.json")["sequential"]

    assert much.answer == (f"{100 * found['difference']:+.1f} points" if found["difference"] else "equal")
    if found["difference"]:
        kind = "anytime-valid" if found["items"] < found["of"] else "of the last look, at all items"
        level = 90 if comparison == "small" else 95
        assert f"{level}% interval, {kind}, {100 * found['low']:+.1f} to {100 * found['high']:+.1f}" in much.words
    assert certain.answer == sure
    assert f"after {found['items']} of 160 items" in certain.words
    assert "the run stopped early" in best.words
    assert ("It is significantly better than the other run" in subject.lead) == (sure == "significant")
    assert not re.search(r"\bp [=<]", " ".join(card.words for card in subject.cards))
