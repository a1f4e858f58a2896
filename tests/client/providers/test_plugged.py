"""Providers of other packages: found through entry points, and the example in the docs works as it is."""

import asyncio
import os
import re
import sys
import tomllib
from pathlib import Path
from textwrap import indent

import pytest
from asking import Asker
from commands import Ended, judgebench
from loopback import Fault, LoopbackServer, Reply
from processes import Running
from scoring import write_rows

import judgebench as jb
from judgebench.client.providers import check_provider, provider_of
from judgebench.errors import ConfigError, FatalProviderError, VerdictFailure
from judgebench.judges import load_judges
from judgebench.judges.judge import Judge

DOCS = Path(__file__).parents[3] / "docs"
EXAMPLE = DOCS / "examples" / "judgebench-plain"
CODE = (EXAMPLE / "judgebench_plain" / "__init__.py").read_text(encoding="utf-8")
PROVIDER = "from judgebench.client import Provider\nclass Plug(Provider):\n    "
BROKEN = {
    "raises": ("raise ValueError('boom')", "ValueError: boom"),
    "no-class": ("class Other: ...", "AttributeError: module"),
    "no-provider": (
        "class Plug:\n    def __init__(self, judge): ...",
        "it is not a subclass of judgebench.client.Provider",
    ),
    "abstract": (PROVIDER + "'No call.'", "TypeError: Can't instantiate abstract class Plug"),
    "unborn": (
        PROVIDER + "complete = None\n    def __init__(self, judge): ...",
        "its __init__ does not call that of judgebench.client.Provider",
    ),
}


@pytest.fixture
def plug(tmp_path, monkeypatch):
    """Lays down a package with an entry point, as an installer would."""
    site = tmp_path / "site"
    monkeypatch.syspath_prepend(str(site))
    laid = []

    def plug(name, code, module="judgebench_plugged", cls="Plug"):
        info = site / f"{module}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n", encoding="utf-8")
        points = f"[judgebench.providers]\n{name} = {module}:{cls}\n"
        (info / "entry_points.txt").write_text(points, encoding="utf-8")
        (site / f"{module}.py").write_text(code, encoding="utf-8")
        laid.append(module)

    yield plug
    for module in laid:
        sys.modules.pop(module, None)


@pytest.fixture
def plain(plug):
    """The example of the docs, installed."""
    points = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]["entry-points"]
    ((name, value),) = points["judgebench.providers"].items()
    plug(name, CODE, *value.split(":"))


@pytest.fixture
def server():
    with LoopbackServer() as server:
        yield server


@pytest.fixture
def asker(plain, server, tmp_path):
    """Asks the example's judge."""
    with Asker(server, tmp_path, {"model": "plain/a-model", "params": {"max_tokens": 7}}) as asker:
        yield asker


def test_the_page_shows_the_example_as_it_is():
    """The whole of it, and its entry point."""
    page = (DOCS / "adding-a-provider.md").read_text(encoding="utf-8")

    assert CODE in re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert 'plain = "judgebench_plain:Plain"' in page
    assert len(CODE.splitlines()) < 60


def test_the_example_asks_with_model_parameters_and_messages(asker, server):
    """And gives text, tokens and who answered."""
    server.answer = lambda _: Reply("[[B]]", usage={"prompt_tokens": 11, "completion_tokens": 3})
    reply = asker.ask("Which?", price={"input": 1.0, "output": 2.0}).reply

    sent = server.requests[0].params
    assert (sent["model"], sent["max_tokens"]) == ("a-model", 7)
    assert (reply.text, reply.finish_reason, reply.cost_usd) == ("[[B]]", "stop", pytest.approx(17e-6))


def test_the_example_sends_the_key_that_the_preset_names(asker, server, monkeypatch):
    """As any judge, by the variable's name; and hides it."""
    monkeypatch.setenv("MINE_KEY", "canary-0123456789")
    server.answer = lambda _: Reply("canary-0123456789 [[A]]")
    reply = asker.ask(api_key_env="MINE_KEY").reply

    assert server.requests[0].headers["Authorization"] == "Bearer canary-0123456789"
    assert reply.text == "[hidden] [[A]]"


@pytest.mark.parametrize(
    ("fault", "counted"),
    [
        (Fault.status(429, retry_after=3), "rate limit"),
        (Fault.status(503), "server error"),
        (Fault.reset(), "server error"),
    ],
    ids=lambda x: str(x)[:20],
)
def test_what_passes_at_the_example_is_tried_again(asker, server, fault, counted):
    """By the client, which knows the remedy by the error."""
    server.faults = lambda request: fault if request.number == 1 else None
    asked = asker.ask()

    assert asked.client.asked_again == {counted: 1}
    assert counted != "rate limit" or asked.waits == [3.0]


@pytest.mark.parametrize(("status", "error"), [(401, FatalProviderError), (400, VerdictFailure)])
def test_what_does_not_pass_is_not(asker, server, status, error):
    """One request."""
    server.faults = lambda _: Fault.status(status)

    assert (type(asker.ask().error), server.count) == (error, 1)


def test_a_run_with_the_example(plain, server, tmp_path):
    """From the command line, by a preset; without an address it is a mistake before the first call."""
    rows = write_rows(tmp_path / "rows.jsonl", [{"id": "1", "prompt": "Q", "chosen": "good", "rejected": "bad"}])
    file = tmp_path / "providers.yaml"
    file.write_text(f"judges:\n  mine: {{model: plain/a-model, api_base: '{server.url}'}}\n", encoding="utf-8")
    command = ("run", "custom", "--data", rows, "--out", tmp_path / "runs", "--cache-dir", tmp_path / "cache")
    ended = judgebench(*command, "--providers", file, "-j", "mine", "--json")
    addressless = judgebench(*command, "-j", "plain/a-model")

    assert (ended.status, ended.metrics[0]["usage"]["calls"], server.count) == (0, 1, 1), ended.err
    assert (addressless.status, "has no address: give it an api_base" in addressless.err) == (2, True)


def test_a_run_imports_nothing_of_litellm(plain, server, tmp_path):
    """A call by another provider needs none of it."""
    before = {name for name in sys.modules if name.startswith("litellm")}
    with Asker(server, tmp_path, {"model": "plain/a-model"}) as asker:
        asker.ask()

    assert {name for name in sys.modules if name.startswith("litellm")} == before


def test_without_the_package_its_name_is_unknown():
    """Nothing of the example is there unless it is installed."""
    with pytest.raises(ConfigError, match="unknown provider 'plain'"):
        load_judges().get("plain/a-model")


def test_a_slip_is_answered_with_other_packages_names_too(plain):
    """The nearest of all."""
    with pytest.raises(ConfigError, match="unknown provider 'plian': did you mean plain"):
        load_judges().get("plian/a-model")


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_package_is_one_clear_mistake(plug, name):
    """Whatever is wrong is one line that names the provider, the package, the entry point and the mend."""
    code, said = BROKEN[name]
    plug(name, code)
    with pytest.raises(ConfigError) as caught:
        provider_of(Judge(name="j", model=f"{name}/m"))

    start, end = str(caught.value).split(" cannot be used: ")
    assert start == f"provider '{name}' of the package judgebench_plugged (judgebench_plugged:Plug)"
    assert (end.startswith(said), end.endswith("; fix the package, or uninstall it")) == (True, True), end


def test_a_broken_package_is_found_before_the_first_call(plug, tmp_path):
    """Exit status 2, and no folder."""
    plug("raises", BROKEN["raises"][0])
    rows = write_rows(tmp_path / "rows.jsonl", [{"id": "1", "prompt": "Q", "chosen": "good", "rejected": "bad"}])
    with pytest.raises(ConfigError, match="provider 'raises' of the package"):
        jb.run("custom", judge="raises/m", data=str(rows), out=tmp_path / "runs", cache_dir=tmp_path / "cache")

    assert not (tmp_path / "runs" / "custom" / "raises--m" / "pairwise" / "one" / "manifest.json").exists()


DEVELOPING = """
import sys, warnings
warnings.simplefilter("default")
sys.path.insert(0, "site")
from judgebench.cli import main
main()
"""
"""A command as `python -X dev` runs it, as far as a provider's author sees."""


@pytest.fixture
def run_plugged(plug, tmp_path):
    """Runs pairs with a provider `own`, whose class has this body, in a process of its own, with asyncio's checks."""
    rows = [{"id": str(number), "prompt": str(number), "chosen": "good", "rejected": "bad"} for number in range(4)]
    data = write_rows(tmp_path / "rows.jsonl", rows)

    def run(body, *options):
        plug("own", f"from judgebench.client import Provider\nclass Plug(Provider):\n{indent(body, '    ')}\n")
        command = ("run", "custom", "--data", data, "-j", "own/m", "--out", tmp_path / "runs", *options)
        running = Running(*command, cwd=tmp_path, env=os.environ | {"PYTHONASYNCIODEBUG": "1"}, code=DEVELOPING)
        out, err = running.communicate()
        return Ended(running.wait(), out, err)

    return run


ANSWER = "async def complete(self, request):\n    return '[[A]]'\n"


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("def check(self): {}['gone']", "check() raised KeyError: 'gone'; fix this method"),
        (
            "def prepare(self): import torch_nope",
            "prepare() raised ModuleNotFoundError: No module named 'torch_nope'; ",
        ),
        ("def prepare(self): raise ConnectionRefusedError('no server')", "prepare() raised ConnectionRefusedError: no"),
    ],
)
def test_a_bug_before_the_first_call_is_one_line(run_plugged, body, line):
    """Exit status 2, and nothing of asyncio's."""
    ended = run_plugged(ANSWER + body)

    assert (ended.status, ended.out) == (2, "")
    (said,) = (each for each in ended.err.splitlines() if each.startswith("judgebench: "))
    assert said.startswith(f"judgebench: judge 'own/m': judgebench_plugged:Plug.{line}")
    assert "Traceback" not in ended.err


def test_no_key_is_in_what_a_bug_says(plug, monkeypatch):
    """Whichever method raises with it."""
    monkeypatch.setenv("MINE_KEY", "canary-0123456789")
    raising = "raise ValueError('canary-0123456789')"
    plug("own", f"{PROVIDER}{ANSWER.replace(chr(10), chr(10) + '    ')}def check(self): {raising}\n")
    with pytest.raises(ConfigError, match=r"check\(\) raised ValueError: \[hidden\]; fix this method") as caught:
        check_provider(Judge(name="j", model="own/m", api_key_env="MINE_KEY"))

    assert caught.value.__cause__ is None


def test_a_bug_at_the_end_leaves_the_run_as_it_is(run_plugged):
    """A note says it; text alone is a reply."""
    ended = run_plugged(ANSWER + "async def aclose(self): raise RuntimeError('close')", "--json")

    assert (ended.status, ended.metrics[0]["coverage"]) == (0, 1)
    assert "note: judge 'own/m': judgebench_plugged:Plug.aclose() raised RuntimeError: close; fix this" in ended.err
    assert "Traceback" not in ended.err


BUG = "async def complete(self, request):\n    raise RuntimeError('kaboom')"


def test_a_bug_in_every_call_is_the_codes(run_plugged, tmp_path):
    """The class is named, not the judge's parameters; each call that was made has its own failure."""
    ended = run_plugged(BUG)

    assert "all calls failed in the class judgebench_plugged:Plug: RuntimeError: kaboom; fix its code" in ended.err
    failed = judgebench("show", tmp_path / "runs/custom/own--m/pairwise/one").out
    assert ("params" in ended.err, failed.count("RuntimeError: kaboom")) == (False, 3)


def test_a_judge_that_stops_says_why_even_if_quiet(run_plugged):
    """The reason is no note."""
    ended = run_plugged(BUG, "--quiet")
    lines = (each for each in ended.err.splitlines() if not each.startswith("Executing <Task"))

    assert ended.status == 1
    assert next(lines).startswith("stopped: judge 'own/m': all calls failed in the class")


def test_a_model_that_its_provider_refuses_is_not_shown_as_ready(plug):
    """The settings, then what stands in the way, with exit status 2."""
    plug("own", f"from judgebench.client import Provider\nclass Plug(Provider):\n{indent(ANSWER + PICKY, '    ')}")
    shown, refused = judgebench("judges", "show", "own/a"), judgebench("judges", "show", "own/b")

    assert (shown.status, shown.err) == (0, "")
    assert (refused.status, refused.err) == (2, "judgebench: no model b\n")


PICKY = """def check(self):
    if self.judge.model != "own/a":
        from judgebench import ConfigError
        raise ConfigError("no model b")
"""


def test_two_packages_with_one_name_are_a_mistake(plug):
    """Neither is taken silently."""
    plug("twice", "", "judgebench_one")
    plug("twice", "", "judgebench_two")
    with pytest.raises(ConfigError, match="provider 'twice' comes from judgebench_one and judgebench_two"):
        provider_of(Judge(name="j", model="twice/m"))


def test_litellms_names_cannot_be_taken(plug):
    """A package that calls its provider so is never even imported."""
    plug("openai", "raise SystemExit")

    assert type(provider_of(Judge(name="j", model="openai/m"))).__name__ == "LiteLLMProvider"


def test_a_client_that_made_no_call_closes_nothing(plain, asker):
    """The example has no connection before its first call."""

    async def nothing():
        await client.aclose()

    from judgebench.client.calls import JudgeClient

    client = JudgeClient(asker.judge(), asker.cache())
    client.check()
    asyncio.run(nothing())
