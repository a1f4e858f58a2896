"""The presets, providers.yaml of the user's own, keys and prices."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections import defaultdict
from pathlib import Path

import pytest

import judgebench
from judgebench._util import resources as shipped_module
from judgebench._util.redaction import HIDDEN, redact
from judgebench._util.resources import shipped
from judgebench.errors import ConfigError
from judgebench.judges.catalog import KEY_VARIABLES, PROVIDERS, TABLE, Price, cost, listed_price, listed_schema
from judgebench.judges.credentials import call_settings, key_variables, missing_key
from judgebench.judges.judge import DEFAULT_PARAMS, Judge, Limits, price_of, takes_schema
from judgebench.judges.presets import Judges, load_judges

CANARY = "sk-canary-0123456789abcdef"
PLAIN_CANARY = "canaryWithNoPrefix"
OPENROUTER_VENDORS = {"openai": "openai", "anthropic": "anthropic", "google": "gemini"}


@pytest.fixture(autouse=True)
def away_from_home(tmp_path, monkeypatch):
    """No file of the user's own, no key in the environment, and an empty current folder."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    for name in {name for names in KEY_VARIABLES.values() for name in names}:
        monkeypatch.delenv(name, raising=False)


def python(script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a fresh interpreter that finds the package and sends LiteLLM to no network."""
    home = str(Path(judgebench.__file__).resolve().parent.parent)
    environment = os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONPATH": home}
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def write(text: str, path: Path = Path("own.yaml")) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def load(text: str) -> Judges:
    return load_judges(write(text))


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(text)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.fixture(scope="module")
def table() -> dict[str, dict]:
    litellm = Path(next(path for path in sys.path if (Path(path) / "litellm" / TABLE).is_file())) / "litellm"
    return json.loads((litellm / TABLE).read_text(encoding="utf-8"))


# --- the presets that ship


def test_every_hosted_preset_has_a_price():
    """So that a run of it can be forecast and kept to a budget."""
    hosted = [judge for judge in load_judges() if judge.api_base is None]
    assert len(hosted) >= 25
    assert [judge.name for judge in hosted if price_of(judge) is None] == []


@pytest.mark.upstream
def test_every_hosted_preset_is_in_litellms_table(table):
    """Each preset without an address is a model for text, or decisions, that LiteLLM's table has of its provider."""
    for judge in (judge for judge in load_judges() if judge.api_base is None):
        model = judge.model
        if judge.provider == "openrouter":  # the table has no OpenRouter: the model behind it, at the same price
            vendor, _, name = model.removeprefix("openrouter/").partition("/")
            model = f"{OPENROUTER_VENDORS[vendor]}/{name if vendor != 'anthropic' else name.replace('.', '-')}"
            assert price_of(judge).model_dump(exclude={"reasoning"}) == listed_price(model).model_dump(
                exclude={"reasoning"}
            )
        entry = table.get(model) or table.get(model.partition("/")[2])
        assert entry is not None, judge.name
        decides = entry["mode"] == "evaluation" or "/v1/decisions" in entry.get("supported_endpoints", ())
        assert decides if judge.decides else entry["mode"] == "chat", judge.name
        assert entry["litellm_provider"] == model.partition("/")[0], judge.name


def test_every_preset_names_a_family_or_a_server():
    """A hosted preset says whose model it is and which key it needs; a local one needs no key and costs nothing."""
    for judge in load_judges():
        if judge.api_base is None:
            assert judge.family, judge.name
            assert missing_key(judge) == KEY_VARIABLES[judge.provider][0], judge.name
        else:
            assert judge.api_base.startswith("http://127.0.0.1:"), judge.name
            assert missing_key(judge) is None, judge.name
            assert price_of(judge) == Price(input=0, output=0), judge.name


def test_local_servers_ship():
    """The four usual local servers and the usual providers are there."""
    judges = load_judges()
    assert {"vllm", "ollama", "llama-cpp", "lm-studio", "gpt-4.1-mini", "gemini-2.5-flash"} <= set(judges.names())
    providers = {judge.provider for judge in judges}
    assert providers >= {"openai", "anthropic", "gemini", "mistral", "together_ai", "openrouter", "deepseek"}


@pytest.mark.upstream
def test_params_that_presets_leave_to_the_default_are_taken_by_the_model():
    """A preset without params takes the default ones, and one with params takes those, as LiteLLM knows it."""
    script = """
        import litellm
        from litellm.utils import get_optional_params
        from judgebench.judges.presets import load_judges
        for judge in load_judges():
            model, provider, _, _ = litellm.get_llm_provider(judge.model)
            get_optional_params(model=model, custom_llm_provider=provider, **judge.params_asked()[0])
    """
    python(script)


def test_providers_with_keys_and_those_of_presets_are_known():
    """Whoever has a key variable here, or a preset, may stand before a model's slash."""
    presets = {judge.provider for judge in load_judges()}
    assert (set(KEY_VARIABLES) | presets) - {"offline"} <= PROVIDERS


@pytest.mark.upstream
def test_providers_are_those_of_litellm():
    """Every provider that the installed LiteLLM routes to may stand before a model's slash."""
    script = """
        import json, os, litellm
        path = os.path.join(os.path.dirname(litellm.__file__), "llms", "openai_like", "providers.json")
        names = {str(getattr(name, "value", name)) for name in litellm.provider_list}
        print(json.dumps(sorted(names | set(json.load(open(path))))))
    """
    done = python(script)
    assert set(json.loads(done.stdout.splitlines()[-1])) <= PROVIDERS


def test_loading_imports_no_litellm():
    """Reading judges, their prices and their keys imports neither LiteLLM nor datasets."""
    python("""
        import sys
        from judgebench.judges.credentials import missing_key
        from judgebench.judges.presets import load_judges; from judgebench.judges.judge import price_of
        for judge in load_judges():
            price_of(judge), missing_key(judge)
        assert not {"litellm", "datasets"} & set(sys.modules)
    """)


# --- names


def test_a_preset_by_its_name():
    """A name without a slash is a preset."""
    assert load_judges().get("gpt-4.1-mini").model == "openai/gpt-4.1-mini"


def test_a_litellm_id_takes_the_defaults():
    """A name with a slash is a LiteLLM id, asked with the file's defaults."""
    judge = load("defaults: {timeout: 7, limits: {rpm: 60}, api_version: '2'}").get("hosted_vllm/org/model")
    assert (judge.name, judge.model, judge.identity) == ("hosted_vllm/org/model",) * 3
    assert (judge.timeout, judge.limits, judge.extra) == (7, Limits(concurrency=32, rpm=60), {"api_version": "2"})


@pytest.mark.parametrize("name", ["longest", "shortest", "first", "random"])
def test_offline_baselines_need_no_file(name):
    """The four baselines are judges that cost nothing and need no key."""
    judge = load_judges().get(f"offline/{name}")
    assert judge.offline
    assert cost(price_of(judge), {"prompt_tokens": 10}) == 0
    assert missing_key(judge) is None


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("gpt-4.1-mni", "unknown judge 'gpt-4.1-mni': did you mean gpt-4.1-mini"),
        ("opneai/gpt-4.1", "unknown provider 'opneai': did you mean openai"),
        ("meta-llama/Llama-3.1-8B", "a model on your own server is hosted_vllm/NAME"),
        ("offline/best", "did you mean offline/longest or offline/first or offline/shortest?"),
        ("python/mine", "judge 'python/mine': python/ is for functions given in Python: jb.run(..., judge=FUNCTION)"),
        ("openai/", "the model 'openai/' has no provider: expected a LiteLLM id"),
        ("/gpt", "has no provider"),
        ("", "unknown judge ''"),
    ],
)
def test_an_unknown_name_gives_the_nearest(name, says):
    """What cannot be a judge is refused with the nearest names there are."""
    with pytest.raises(ConfigError) as caught:
        load_judges().get(name)
    assert says in str(caught.value)


def test_a_provider_newer_than_the_list_is_taken_from_the_table(monkeypatch):
    """A provider that only LiteLLM's table knows is let through to LiteLLM."""
    monkeypatch.setattr("judgebench.judges.catalog._table", lambda: {"x": {"litellm_provider": "brandnew"}})
    assert load_judges().get("brandnew/x").provider == "brandnew"


# --- merging


def test_the_users_file_is_merged_key_by_key():
    """A judge of the user's file keeps what it does not change, also inside mappings; a null takes a key away."""
    judges = load(
        """
        judges:
          o3: {params: {reasoning_effort: low}, limits: {rpm: 10}, family: null}
          mine: {model: mistral/mistral-tiny, timeout: 5}
        """
    )
    o3 = judges.get("o3")
    assert o3.params == {"max_tokens": 16384, "reasoning_effort": "low"}
    assert o3.limits == Limits(concurrency=32, rpm=10)
    assert (o3.timeout, o3.family) == (600, None)
    assert judges.get("mine").timeout == 5
    assert judges.names()[-1] == "mine"
    assert len(judges) == len(list(judges)) == len(load_judges()) + 1


def test_defaults_reach_every_judge_and_yield_to_its_own():
    """The user's defaults hold for the shipped judges too, a judge's own key comes first."""
    judges = load("defaults: {timeout: 9, limits: {concurrency: 3}}\njudges:")
    assert judges.get("gpt-4.1").timeout == 9
    assert judges.get("gpt-4.1").limits.concurrency == 3
    assert judges.get("vllm").limits.concurrency == 64
    assert judges.get("o3").timeout == 600


def test_where_the_users_file_is_looked_for(tmp_path, monkeypatch):
    """--providers comes before ./providers.yaml, that before the configuration folder, and only one is read."""
    one = "judges: {{mine: {{model: openai/{}}}}}"
    write(one.format("home"), tmp_path / "home/.config/judgebench/providers.yaml")
    assert load_judges().get("mine").model == "openai/home"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    write(one.format("xdg"), tmp_path / "xdg/judgebench/providers.yaml")
    assert load_judges().get("mine").model == "openai/xdg"
    write(one.format("here"), Path("providers.yaml"))
    assert load_judges().get("mine").model == "openai/here"
    judges = load(one.format("named"))
    assert judges.get("mine").model == "openai/named"
    assert judges.sources == (shipped("providers.yaml"), Path("own.yaml"))


def test_a_file_that_has_changed_is_read_again():
    """Within one process too, and where neither its size nor its time says so."""
    path = write("judges: {mine: {model: openai/a}}")
    load_judges(path)
    then = path.stat()
    path.write_text(path.read_text().replace("openai/a", "openai/b"))
    os.utime(path, ns=(then.st_atime_ns, then.st_mtime_ns))

    assert load_judges(path).get("mine").model == "openai/b"


def test_the_clones_own_folder_reads_the_file_once(monkeypatch):
    """Where ./providers.yaml is the very file that ships, it is not merged into itself."""
    monkeypatch.chdir(shipped())
    assert load_judges().sources == (shipped("providers.yaml"),)


def test_a_bom_and_a_date_are_read_as_text():
    """A byte order mark is skipped, and what looks like a date stays text."""
    path = Path("own.yaml")
    path.write_bytes(b"\xef\xbb\xbfjudges: {mine: {model: openai/x, cache_as: 2026-11-01}}")
    assert load_judges(path).get("mine").cache_as == "2026-11-01"


def test_anchors_and_merge_keys():
    """YAML's own way of sharing settings works."""
    judges = load(
        """
        judges:
          one: &one {model: openai/x, params: {top_p: 0.5}}
          two: {<<: *one, model: openai/y}
        """
    )
    assert judges.get("two").params == {"top_p": 0.5}
    assert judges.get("two").model == "openai/y"


# --- mistakes in the file

MISTAKES = {
    "broken YAML": ("judges:\n  a: {model: openai/x\n  b: 1\n", 3, "not YAML"),
    "a tab": ("judges:\n\ta: 1\n", 2, "not YAML"),
    "a control character": ("judges:\n  a: {model: openai/\x07}\n", 2, "a control character"),
    "two documents": ("judges:\n---\njudges:\n", 2, "not YAML"),
    "an object": ("judges:\n  a: !!python/object:os.system {}\n", 2, "not YAML"),
    "itself inside": ("judges: &a\n  a: *a\n", 1, "inside its own anchor"),
    "a judge twice": (
        "judges:\n  a: {model: openai/x}\n  b: {model: openai/x}\n  a: {}\n",
        4,
        "duplicate key 'a', first on line 2",
    ),
    "a key twice": ("judges:\n  a:\n    timeout: 3\n    timeout: 4\n", 4, "duplicate key 'timeout'"),
    "a list": ("- a\n", 1, "found a list: expected a mapping with the keys 'defaults' and 'judges'"),
    "text": ("gpt\n", 1, "found 'gpt': expected a mapping"),
    "a top key": ("judges: {}\njugdes:\n  a: 1\n", 2, "did you mean judges?"),
    "judges a list": ("defaults: {}\njudges: [a]\n", 2, "judges is a list: expected a mapping"),
    "judge is text": ("judges:\n  a: openai/x\n", 2, "judges.a is 'openai/x': expected a mapping such as"),
    "a number for a name": ("judges:\n  4.1: {model: openai/x}\n", 2, "is not a valid judge name"),
    "a slash in a name": ("judges:\n  a/b: {model: openai/x}\n", 2, "is not a valid judge name"),
    "no model": ("judges:\n  a:\n    timeout: 3\n", 2, "judges.a missing model: expected a LiteLLM id"),
    "nothing": ("judges:\n  a:\n", 2, "judges.a missing model"),
    "model a number": (
        "judges:\n  a:\n    timeout: 3\n    model: 4\n",
        4,
        "judges.a.model is 4: expected a LiteLLM id",
    ),
    "no provider": ("judges:\n  a:\n    model: gpt-4.1\n", 3, "has no provider: expected a LiteLLM id"),
    "a wrong provider": ("judges:\n  a:\n    model: anthropc/x\n", 3, "did you mean anthropic"),
    "no such baseline": ("judges:\n  a:\n    model: offline/x\n", 3, "offline/longest"),
    "a slip in a key": ("judges:\n  a:\n    model: openai/x\n    limit: {rpm: 1}\n", 4, "did you mean limits?"),
    "an alias of a key": ("judges:\n  a:\n    base_url: http://x/v1\n", 3, "did you mean api_base?"),
    "limits a number": ("judges:\n  a:\n    limits: 3\n", 3, "judges.a.limits is 3: expected a mapping such as"),
    "unknown limit": ("judges:\n  a:\n    limits:\n      rmp: 3\n", 4, "unknown key: did you mean rpm?"),
    "limit is text": ("judges:\n  a:\n    limits:\n      rpm: '3'\n", 4, "is '3': expected an integer >= 1"),
    "no calls": ("judges:\n  a:\n    limits:\n      concurrency: 0\n", 4, "is 0: expected an integer >= 1"),
    "a yes": ("judges:\n  a:\n    limits: {tpm: yes}\n", 3, "is True: expected an integer"),
    "unknown price": ("judges:\n  a:\n    price:\n      inputs: 3\n", 4, "did you mean input"),
    "price below 0": ("judges:\n  a:\n    price: {input: -1, output: 1}\n", 3, "is -1: expected USD per million"),
    "half a price": (
        "judges:\n  a:\n    model: openai/x\n    price: {input: 1}\n",
        4,
        "missing output: expected a mapping",
    ),
    "endless timeout": ("judges:\n  a:\n    timeout: .inf\n", 3, "judges.a.timeout is inf: expected seconds"),
    "no timeout": ("defaults:\n  timeout: 0\n", 2, "defaults.timeout is 0: expected seconds, more than 0"),
    "params a list": ("judges:\n  a:\n    params: [1]\n", 3, "judges.a.params is a list: expected a mapping"),
    "a param outside": (
        "judges:\n  a:\n    temperature: 1\n",
        3,
        "must be inside 'params': params: {temperature: ...}",
    ),
    "our own setting": ("judges:\n  a:\n    num_retries: 1\n", 3, "is set by judgebench itself"),
    "our own param": ("judges:\n  a:\n    params:\n      stream: true\n", 4, "is set by judgebench itself"),
    "not a number": ("judges:\n  a:\n    params:\n      temperature: .nan\n", 4, "is not plain data"),
    "a set": ("judges:\n  a:\n    metadata: !!set {x}\n", 3, "is not plain data"),
    "a number for a key": ("judges:\n  a:\n    params: {1: 2}\n", 3, "is not plain data"),
    "no key's name": ("judges:\n  a:\n    3: 2\n", 3, "is not a setting"),
    "an address": ("judges:\n  a:\n    api_base: localhost:8000\n", 3, "expected an address such as http://"),
    "no host": ("judges:\n  a:\n    api_base: http://[::1/v1\n", 3, "expected an address such as http://"),
    "an empty part of a host": (
        "judges:\n  a:\n    api_base: http://.../v1\n",
        3,
        "expected an address such as http://",
    ),
    "no such port": ("judges:\n  a:\n    api_base: http://h:99999/v1\n", 3, "expected an address such as http://"),
    "the model as a param": ("judges:\n  a:\n    params: {model: x}\n", 3, "is set by judgebench itself"),
    "a body of text": ("judges:\n  a:\n    params: {extra_body: x}\n", 3, "extra_body is no mapping"),
    "headers in a list": ("judges:\n  a:\n    extra_headers: [x]\n", 3, "extra_headers is no mapping"),
    "a number in a header": ("judges:\n  a:\n    extra_headers: {X-T: 5}\n", 3, "X-T is not text: quote it"),
    "a line break in a header": ('judges:\n  a:\n    extra_headers: {X-T: "a\\nb"}\n', 3, "X-T contains a non-ASCII"),
    "cache_as a number": ("judges:\n  a:\n    cache_as: 3\n", 3, "is 3: expected text (quote it)"),
    "a default model": ("defaults:\n  model: openai/x\n", 2, "cannot be a default"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_names_file_line_and_mend(case):
    """Every mistake is one line with the file, the line of the very key, and what was expected."""
    text, line, says = MISTAKES[case]
    message = refusal(text)
    assert message.startswith(f"own.yaml, line {line}: "), message
    assert says in message


def test_the_first_mistake_of_an_entry_is_told_first():
    """Of several wrong keys the one that stands first is named."""
    assert "line 3: judges.a.timeout" in refusal("judges:\n  a:\n    timeout: x\n    family: 3\n    cache_as: 4\n")


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n"])
def test_an_empty_file_is_a_mistake(text):
    """A file that says nothing is refused."""
    assert refusal(text).startswith("own.yaml: the file is empty")


def test_a_file_that_is_not_there_or_cannot_be_read(tmp_path):
    """A named file must be there, be a file and be UTF-8."""
    with pytest.raises(ConfigError, match=r"^absent\.yaml: file not found$"):
        load_judges(Path("absent.yaml"))
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_judges(tmp_path)
    Path("latin.yaml").write_bytes(b"judges: \xe9")
    with pytest.raises(ConfigError, match=r"latin\.yaml: not UTF-8 \(byte 8\)"):
        load_judges(Path("latin.yaml"))


def test_a_number_of_many_digits_is_a_mistake():
    """What Python itself refuses to read is still one clear message."""
    assert "a number too long" in refusal("judges: {a: {timeout: " + "1" * 5000 + "}}")


@pytest.mark.parametrize("text", ["[" * 20_000, "judges: " + "{a: " * 20_000, "- " * 20_000])
def test_a_file_nested_without_end_is_a_mistake(text):
    """Thousands of levels are one clear message and never the end of the process."""
    assert "nested too deep" in refusal(text)


# --- secrets

HOLDS_A_KEY = {
    "api_key": (f"judges:\n  a:\n    model: openai/x\n    api_key: {PLAIN_CANARY}\n", 4),
    "authorization": (f"judges:\n  a:\n    extra_headers:\n      Authorization: {PLAIN_CANARY}\n", 4),
    "x-api-key": (f"judges:\n  a:\n    extra_headers: {{X-API-Key: {PLAIN_CANARY}}}\n", 3),
    "bearer": (f"judges:\n  a:\n    extra_headers:\n      X-Other: Bearer {PLAIN_CANARY}\n", 4),
    "aws": (f"defaults:\n  aws_secret_access_key: {PLAIN_CANARY}\n", 2),
    "in params": (f"judges:\n  a:\n    params: {{extra_body: {{token: {PLAIN_CANARY}}}}}\n", 3),
    "a number": ("judges:\n  a:\n    password: 12345\n", 3),
    "in a list": (f"judges:\n  a:\n    tags:\n      - fine\n      - {CANARY}\n", 5),
    "as api_key_env": (f"judges:\n  a:\n    api_key_env: {CANARY}\n", 3),
    "as a name": (f"judges:\n  {CANARY}: {{model: openai/x}}\n", 1),
    "in an address": (f"judges:\n  a:\n    api_base: https://user:{PLAIN_CANARY}@host/v1\n", 3),
    "in a query": (f"judges:\n  a:\n    api_base: https://host/v1?api-key={PLAIN_CANARY}\n", 3),
    "under an unknown key": (f"judges: {{}}\nkey: {CANARY}\n", 2),
}


@pytest.mark.parametrize("case", HOLDS_A_KEY)
def test_a_key_in_the_file_is_refused_and_not_printed(case):
    """A key itself in the file is refused with its line, the mend, and without the key."""
    text, line = HOLDS_A_KEY[case]
    message = refusal(text)
    assert message.startswith(f"own.yaml, line {line}: ")
    assert "put it in an environment variable and name that in api_key_env" in message
    assert "canary" not in message
    assert "12345" not in message


@pytest.mark.parametrize(
    "text",
    [
        f"judges:\n  a: {{model: openai/x, api_key: {CANARY}\n  b: 1\n",
        f"judges:\n  a: {{model: openai/x, api_key: *{CANARY}}}\n",
        f"judges:\n  {CANARY}: 1\n  {CANARY}: 2\n",
        "judges:\n  a: {api_key_env: canary0canary1canary2canary3}\n",
        "judges:\n  a: {api_key_env: 0canarycanarycanary}\n",
        "judges:\n  a: {api_base: 'user:canary@host/v1'}\n",
    ],
)
def test_no_message_prints_a_key(text):
    """Also where the file is broken for another reason, nothing that may be a key is printed."""
    assert "canary" not in refusal(text)


def test_a_variables_name_may_stand_where_a_key_may_not(monkeypatch):
    """`os.environ/NAME` is read when the judge is called, and only then."""
    judge = load(
        """
        judges:
          a: {model: openai/x, extra_headers: {X-Api-Key: os.environ/GATE_KEY, X-Title: b}, tags: [os.environ/GATE_KEY]}
        """
    ).get("a")
    monkeypatch.setenv("OPENAI_API_KEY", "one")
    assert missing_key(judge) == "GATE_KEY"
    with pytest.raises(ConfigError, match="judge 'a' needs a key: set the environment variable GATE_KEY"):
        call_settings(judge)
    monkeypatch.setenv("GATE_KEY", f" {CANARY}\n")
    assert call_settings(judge) == {"extra_headers": {"X-Api-Key": CANARY, "X-Title": "b"}, "tags": [CANARY]}
    assert CANARY not in json.dumps(judge.public())


def test_public_has_no_secret():
    """The manifest's settings hold no header's value, no credentials in an address and no key, and are JSON."""
    judge = Judge(
        name="a",
        model="openai/x",
        api_base=f"https://me:{PLAIN_CANARY}@host:8000/v1?api-key={PLAIN_CANARY}",
        api_key_env="MY_KEY",
        price=Price(input=1, output=2),
        extra={
            "extra_headers": {"X-Api-Key": PLAIN_CANARY, "X-Team": PLAIN_CANARY},
            "aws_secret_access_key": PLAIN_CANARY,
            "list": [CANARY, 3],
            "api_version": "2026-01-01",
        },
    )
    public = judge.public()
    assert "canary" not in json.dumps(public)
    assert public["api_base"] == "https://host:8000/v1"
    assert public["api_key_env"] == "MY_KEY"
    assert public["params"] == DEFAULT_PARAMS
    assert public["params_defaulted"] is True
    assert public["price"] == {"input": 1, "output": 2}
    assert public["extra"]["api_version"] == "2026-01-01"
    assert public["extra"]["extra_headers"] == {"X-Api-Key": HIDDEN, "X-Team": HIDDEN}


@pytest.mark.parametrize(
    "key",
    [
        "sk-proj-abcdefghij0123456789",
        "sk-ant-api03-abcdefghij0123456789",
        "gsk_abcdefghij0123456789abcd",
        "AIzaSyA0123456789abcdefghijklmnopqrstuv",
        "hf_abcdefghij0123456789abcd",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc-def",
        "Bearer abcdefgh12345678",
        "AKIAABCDEFGHIJKLMNOP",
    ],
)
def test_keys_are_known_by_their_look(key):
    """The usual kinds of keys are hidden wherever they stand in a text."""
    assert redact(f"error: '{key}' was refused") == f"error: '{HIDDEN}' was refused"


@pytest.mark.parametrize(
    "text", ["huggingface/hf-internal-testing/model", "task-specific-instruction-model", "a@b.org"]
)
def test_what_is_no_key_is_left_alone(text):
    """Names of models and plain words are not taken for keys."""
    assert redact(text) == text


# --- keys


@pytest.mark.parametrize(
    ("settings", "variables"),
    [
        ({"model": "openai/x"}, ("OPENAI_API_KEY",)),
        ({"model": "gemini/x"}, ("GEMINI_API_KEY", "GOOGLE_API_KEY")),
        ({"model": "together_ai/x"}, ("TOGETHER_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHERAI_API_KEY")),
        ({"model": "openai/x", "api_key_env": "MY_KEY"}, ("MY_KEY",)),
        ({"model": "openai/x", "api_base": "http://127.0.0.1:1/v1"}, ()),
        ({"model": "openai/x", "api_base": "http://127.0.0.1:1/v1", "api_key_env": "MY_KEY"}, ("MY_KEY",)),
        ({"model": "anthropic/x", "api_base": "https://gate/v1"}, ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")),
        ({"model": "hosted_vllm/x", "api_base": "http://127.0.0.1:1/v1"}, ()),
        ({"model": "ollama_chat/x"}, ()),
        ({"model": "offline/first"}, ()),
    ],
)
def test_which_variables_hold_the_key(settings, variables, monkeypatch):
    """The judge's own variable counts, else LiteLLM's, any one of them; a server of one's own needs none."""
    judge = Judge(name="a", **settings)
    assert key_variables(judge) == variables
    assert missing_key(judge) == (variables[0] if variables else None)
    if variables:
        monkeypatch.setenv(variables[-1], " ")
        assert missing_key(judge) == variables[0]
        monkeypatch.setenv(variables[-1], "set")
        assert missing_key(judge) is None


@pytest.mark.upstream
def test_litellm_reads_the_keys_from_these_variables():
    """Each variable of the table stands in LiteLLM's own code."""
    folder = Path(next(path for path in sys.path if (Path(path) / "litellm" / TABLE).is_file())) / "litellm"
    files = [folder / "main.py", folder / "utils.py", *(folder / "litellm_core_utils").glob("*.py")]
    files += (folder / "llms").rglob("*.py")
    code = "\n".join(path.read_text(encoding="utf-8") for path in files)
    named = {name for names in KEY_VARIABLES.values() for name in names}
    assert sorted(name for name in named if f'"{name}"' not in code) == []


def test_what_a_call_is_given(monkeypatch):
    """The address and key go with the call; LiteLLM finds its own keys, and a local server gets a placeholder."""
    local = Judge(name="a", model="openai/x", api_base="http://127.0.0.1:1/v1")
    assert call_settings(local) == {"api_base": "http://127.0.0.1:1/v1", "api_key": "none"}
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    assert call_settings(local) == {"api_base": "http://127.0.0.1:1/v1"}
    assert call_settings(Judge(name="a", model="openai/x")) == {}
    monkeypatch.setenv("MY_KEY", "mine\n")
    assert call_settings(Judge(name="a", model="openai/x", api_key_env="MY_KEY")) == {"api_key": "mine"}


# --- a judge


@pytest.mark.parametrize(
    ("settings", "identity"),
    [
        ({}, "openai/x"),
        ({"api_base": "http://127.0.0.1:1/v1"}, "a"),
        ({"api_base": "http://127.0.0.1:1/v1", "cache_as": "b"}, "b"),
        ({"cache_as": "b"}, "b"),
    ],
)
def test_whose_replies_the_cache_holds(settings, identity):
    """The identity is cache_as, else the preset's name where an address is set, else the model id."""
    assert Judge(name="a", model="openai/x", **settings).identity == identity


def test_params_are_the_judges_own_or_the_defaults():
    """With params exactly those are sent, even none; without, the defaults; what is returned is a copy."""
    judge = Judge(name="a", model="openai/x", params={"top_p": 1})
    assert judge.params_asked() == ({"top_p": 1}, False)
    judge.params_asked()[0]["top_p"] = 2
    assert judge.params_asked() == ({"top_p": 1}, False)
    assert Judge(name="a", model="openai/x", params={}).params_asked() == ({}, False)
    assert Judge(name="a", model="openai/x").params_asked() == ({"temperature": 0, "max_tokens": 2048}, True)
    assert load("judges: {a: {model: openai/x, params: {}}}").get("a").params_asked() == ({}, False)


def test_further_keys_are_kept_for_litellm():
    """Keys that judgebench does not know go to LiteLLM as they are."""
    judge = load("judges: {a: {model: azure/x, api_version: '2026', extra_headers: {X-Title: b}}}").get("a")
    assert judge.extra == {"api_version": "2026", "extra_headers": {"X-Title": "b"}}


# --- structured output


@pytest.mark.upstream
def test_who_takes_a_schema_is_as_litellm_says():
    """Read from the file, without its import: the presets, whole providers, and what the table does not have.

    OpenRouter's models are not in the table, and our presets say it themselves.
    """
    from judgebench.client.providers.litellm import transport as lite

    further = [
        "lm_studio/any",
        "fireworks_ai/any",
        "hosted_vllm/gpt-4.1",
        "openai/none",
        "together_ai/any",
        "azure/any",
    ]
    models = [judge.model for judge in load_judges() if judge.structured_output is None] + further
    ours = {model: listed_schema(model) for model in models}
    assert ours == {model: lite.litellm().supports_response_schema(model=model) for model in models}
    assert set(ours.values()) == {True, False}


@pytest.mark.parametrize(
    ("settings", "takes"),
    [
        ({"model": "openai/gpt-4.1"}, True),
        ({"model": "openai/gpt-4.1", "structured_output": False}, False),
        ({"model": "hosted_vllm/x"}, False),
        ({"model": "hosted_vllm/x", "structured_output": True}, True),
        ({"model": "offline/first", "structured_output": True}, False),
    ],
)
def test_the_judges_own_word_goes_before_the_table(settings, takes):
    """An offline judge never takes a schema."""
    assert takes_schema(Judge(name="a", **settings)) is takes


# --- prices


def test_prices_of_litellms_table(monkeypatch):
    """Prices are per million tokens, found with the provider's prefix or, for the same provider, without it."""
    small = {"input_cost_per_token": 4e-7, "output_cost_per_token": 1.6e-6, "cache_read_input_token_cost": 1e-7}
    flash = {"input_cost_per_token": 3e-7, "output_cost_per_token": 2.5e-6, "output_cost_per_reasoning_token": 5e-6}
    entries = {
        "small": defaultdict(lambda: None, litellm_provider="openai", **small),
        "gemini/f": defaultdict(lambda: None, litellm_provider="gemini", **flash),
    }
    monkeypatch.setattr("judgebench.judges.catalog._table", lambda: entries)
    assert listed_price("openai/small") == Price(input=0.4, output=1.6, cached_input=0.1)
    assert listed_price("gemini/f") == Price(input=0.3, output=2.5, reasoning=5)


@pytest.mark.parametrize("model", ["hosted_vllm/gpt-4.1", "openai/no-such-model", "openrouter/openai/gpt-4.1", "gpt"])
def test_a_model_that_the_table_does_not_have_has_no_price(model):
    """A model of the same name elsewhere is not taken for the listed one."""
    assert listed_price(model) is None
    assert price_of(Judge(name="a", model=model)) is None


def test_the_judges_own_price_comes_first():
    """A price in the file is taken before the table's."""
    own = Price(input=9, output=9)
    assert price_of(Judge(name="a", model="openai/gpt-4.1", price=own)) == own
    assert price_of(Judge(name="a", model="openai/gpt-4.1")) == listed_price("openai/gpt-4.1")


@pytest.mark.parametrize(
    ("price", "usage", "usd"),
    [
        ((2, 8, None, None), {"prompt_tokens": 1_000_000, "completion_tokens": 500_000}, 6.0),
        ((2, 8, 0.5, None), {"prompt_tokens": 1000, "cached_prompt_tokens": 400, "completion_tokens": 10}, 0.00148),
        ((2, 8, None, None), {"prompt_tokens": 1000, "cached_prompt_tokens": 400}, 0.002),
        ((2, 8, None, 4), {"completion_tokens": 1000, "reasoning_tokens": 900}, 0.0044),
        ((2, 8, None, None), {"completion_tokens": 1000, "reasoning_tokens": 900}, 0.008),
        ((2, 8, 0, 0), {"prompt_tokens": 10, "cached_prompt_tokens": 99, "reasoning_tokens": 5}, 0.0),
        ((2, 8, None, None), {"prompt_tokens": None}, 0.0),
        ((2, 8, None, None), {}, 0.0),
    ],
)
def test_cost_by_hand(price, usage, usd):
    """Cached and reasoning tokens are part of the others and cost their own price where there is one."""
    names = ("input", "output", "cached_input", "reasoning")
    assert cost(Price(**dict(zip(names, price, strict=True))), usage) == pytest.approx(usd, abs=1e-12)


# --- files that ship


def test_shipped_files_of_a_clone():
    """In a clone or an editable install the files stand at the top of the repository."""
    assert shipped("providers.yaml") == Path(judgebench.__file__).resolve().parent.parent / "providers.yaml"
    assert shipped("providers.yaml").is_file()
    assert shipped("prompt_templates", "x.jinja") == shipped() / "prompt_templates" / "x.jinja"


def test_shipped_files_of_a_wheel(tmp_path, monkeypatch):
    """In an installed wheel they stand inside the package."""
    (tmp_path / "judgebench" / "_shipped").mkdir(parents=True)
    monkeypatch.setattr(shipped_module, "__file__", str(tmp_path / "judgebench" / "_util" / "resources.py"))
    assert shipped("providers.yaml") == tmp_path / "judgebench" / "_shipped" / "providers.yaml"


def test_without_a_home_the_mend_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user that the system does not know, without HOME."""
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(ConfigError, match="set HOME, or add --providers"):
        load_judges()


def test_without_a_home_the_current_folders_file_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It stands before the one at home."""
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    Path("providers.yaml").write_text("judges: {mine: {model: openai/x}}")
    monkeypatch.setattr(Path, "home", homeless)
    assert load_judges().get("mine").model == "openai/x"


def homeless() -> Path:
    raise RuntimeError("Could not determine home directory.")
