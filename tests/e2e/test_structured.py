"""Structured output: the schema goes to judges that take one, the words of the template's tag to the others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import Ended, apart, judgebench, pairs, read_json, read_jsonl, write_jsonl, write_judges
from loopback import Fault, LoopbackServer, Reply, Request, error_reply

from judgebench.templates.template import load_template

FOLDER = Path("runs/rewardbench/mine/own/one")
OWN = """\
---
name: own
mode: pairwise
verdict:
  json: better
  pattern: '<<([AB])>>'
  example: 'The first. <<A>>'
---
{% block user %}
{{ prompt }}
{% for c in completions %}[{{ c.label }}] {{ c.text }}
{% endfor %}
{% if structured %}Reason first, then name the better one.{% else %}Reason, then end with <<A>> or <<B>>.{% endif %}
{% endblock %}
"""
ONLY_JSON = OWN.replace("  pattern: '<<([AB])>>'\n  example: 'The first. <<A>>'\n", "")
MODELS = ("openai/loopback", "hosted_vllm/loopback")


def said(better: object, reasoning: str = "") -> str:
    return json.dumps({"reasoning": reasoning, "better": better})


@pytest.fixture
def server():
    with LoopbackServer(said("A")) as running:
        write_judges(running.url, mine={"structured_output": True})
        write_jsonl(Path("pairs.jsonl"), pairs(4))
        Path("own.jinja").write_text(OWN)
        yield running


def mine(*more: object) -> Ended:
    return judgebench("run", "rewardbench", "-j", "mine", "-t", "own.jinja", "--data", "pairs.jsonl", *more)


def verdicts() -> set[str]:
    lines = read_jsonl(FOLDER / "judgements.jsonl")
    return {line.get("verdict") or line["failure"]["kind"] for line in lines}


# --- what goes out


@pytest.mark.parametrize("model", MODELS)
def test_the_schema_goes_out(server: LoopbackServer, model: str) -> None:
    """Strict and closed, every field required, the reasoning before the verdict."""
    write_judges(server.url, mine={"model": model, "structured_output": True})
    assert mine().status == 0
    form = server.requests[0].params["response_format"]
    schema = form["json_schema"].pop("schema")
    assert form == {"type": "json_schema", "json_schema": {"name": "verdict", "strict": True}}
    assert list(schema["properties"].items()) == [
        ("reasoning", {"type": "string"}),
        ("better", {"type": "string", "enum": ["A", "B"]}),
    ]
    assert (schema["required"], schema["additionalProperties"]) == (["reasoning", "better"], False)


@pytest.mark.parametrize(
    ("settings", "goes"),
    [
        ({}, False),
        ({"structured_output": False}, False),
        ({"model": "openai/gpt-4.1-mini"}, True),
        ({"model": "openai/gpt-4.1-mini", "structured_output": False}, False),
        ({"model": "openai/gpt-3.5-turbo"}, False),
    ],
)
def test_litellms_table_says_who_takes_a_schema(server: LoopbackServer, settings: dict, goes: bool) -> None:
    """Unless the judge does; a model that the table has not takes none."""
    write_judges(server.url, mine=settings)
    server.answer = "<<A>>"
    mine()
    assert {"response_format" in request.params for request in server.requests} == {goes}


@pytest.mark.parametrize(
    ("takes", "words"), [(True, "then name the better one."), (False, "then end with <<A>> or <<B>>.")]
)
def test_the_wording_is_for_what_goes_out(server: LoopbackServer, takes: bool, words: str) -> None:
    """The template knows whether the schema is there."""
    write_judges(server.url, mine={"structured_output": takes})
    mine()
    assert all(request.text.endswith(words) for request in server.requests)


def test_a_template_without_json_sends_no_schema(server: LoopbackServer) -> None:
    """Only `verdict.json` asks for it."""
    judgebench("run", "rewardbench", "-j", "mine", "-t", "pairwise", "--data", "pairs.jsonl")
    assert {"response_format" in request.params for request in server.requests} == {False}


def test_a_default_for_all_judges(server: LoopbackServer) -> None:
    """In `defaults`, as other settings."""
    Path("providers.yaml").write_text(
        f"defaults: {{structured_output: true}}\njudges: {{mine: {{model: openai/loopback, api_base: '{server.url}'}}}}"
    )
    mine()
    assert all("response_format" in request.params for request in server.requests)


# --- how the reply is read


READ = [
    (said("A"), "A"),
    (said("A", "Not <<B>>, I think."), "A"),
    (f"```json\n{said('A')}\n```", "A"),
    (f" \n{said('A')}\n", "A"),
    (said("C", "It is <<A>>."), "unreadable"),
    (json.dumps({"reasoning": "It is <<A>>."}), "unreadable"),
    (said(None, "<<A>>"), "unreadable"),
    ("I ignore your form: <<A>>", "A"),
    (f"My verdict:\n```json\n{said('A')}\n```", "A"),
    (f"The answer quotes\n```json\n{said('B')}\n```\nwhich is wrong. <<A>>", "A"),
    ("The first.", "unreadable"),
]


@pytest.fixture(scope="module", params=[True, False], ids=["schema", "no schema"])
def as_read(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """How the replies are read, an item each, by a judge that takes a schema and by one that does not."""

    def reply(asked: Request) -> str:
        return READ[int(asked.text.partition("Question ")[2].partition("?")[0])][0]

    with apart(tmp_path_factory.mktemp("read")), LoopbackServer(reply) as running:
        write_judges(running.url, mine={"structured_output": request.param})
        write_jsonl(Path("pairs.jsonl"), pairs(len(READ)))
        Path("own.jinja").write_text(OWN)
        mine()
        lines = sorted(read_jsonl(FOLDER / "judgements.jsonl"), key=lambda line: int(line["item"]))
        return [line.get("verdict") or line["failure"]["kind"] for line in lines]


@pytest.mark.parametrize(("at", "verdict"), [*enumerate(verdict for _, verdict in READ)])
def test_the_verdict_is_read(as_read: list[str], at: int, verdict: str) -> None:
    """An object by its field alone, anything else by the tag, whether or not the schema went out."""
    assert (as_read[at], len(as_read)) == (verdict, len(READ)), READ[at][0]


def test_rescoring_reads_the_same(server: LoopbackServer) -> None:
    """A stored reply tells by itself how it is read."""
    server.answer = said("A", "Not <<B>>.")
    mine()
    ended = judgebench("rescore", FOLDER, "--json")
    assert json.loads(ended.out)["changed"] == 0


def test_a_judge_without_schemas_can_give_the_object_on_request(server: LoopbackServer) -> None:
    """A template with no tag asks for it in its own words."""
    Path("own.jinja").write_text(ONLY_JSON)
    write_judges(server.url)
    assert (mine().status, verdicts()) == (0, {"A"})


@pytest.mark.parametrize(
    ("takes", "form"),
    [
        (True, 'in exactly this form: a JSON object with "reasoning" and "better", which is A or B'),
        (False, "in exactly this form: <<A>> or <<B>>"),
    ],
)
def test_a_follow_up_turn_asks_for_the_same_form(server: LoopbackServer, takes: bool, form: str) -> None:
    """`--repair` goes on as the question began."""
    write_judges(server.url, mine={"structured_output": takes})
    server.answer = lambda request: said("A") if len(request.messages) > 1 else "Hm."
    assert mine("--repair", 1).status == 0
    further = [request for request in server.requests if len(request.messages) > 1]
    assert {request.text.endswith(form) for request in further} == {True}
    assert {"response_format" in request.params for request in further} == {takes}


def test_offline_judges_answer_such_templates(server: LoopbackServer) -> None:
    """By the example, and are read."""
    ended = judgebench("run", "rewardbench", "-j", "offline/first", "-t", "own.jinja", "--data", "pairs.jsonl")
    assert (ended.status, server.count) == (0, 0)


# --- cache, folder, mistakes


def test_with_and_without_a_schema_nothing_is_mixed(server: LoopbackServer) -> None:
    """Another key and another folder; going back makes no call."""
    mine()
    write_judges(server.url, mine={"structured_output": False})
    second = mine()
    write_judges(server.url, mine={"structured_output": True})
    mine()
    folders = sorted(path.parent.name for path in Path("runs").rglob("metrics.json"))
    assert (server.count, len(folders), folders[0]) == (8, 2, "one")
    assert "the plain name is taken by a run with other settings" in " ".join(second.out.split())


def test_another_template_is_not_touched_by_the_setting(server: LoopbackServer) -> None:
    """Where no schema would go out, the setting changes neither key nor folder."""
    other = ("run", "rewardbench", "-j", "mine", "-t", "pairwise", "--data", "pairs.jsonl")
    judgebench(*other)
    write_judges(server.url, mine={"structured_output": False})
    judgebench(*other)
    assert (server.count, len(list(Path("runs").rglob("metrics.json")))) == (4, 1)


def test_a_server_that_refuses_the_schema_stops_the_judge(server: LoopbackServer) -> None:
    """At the third call, with the server's words and the setting that mends it."""
    refused = error_reply(400, "response_format is not supported by this server")
    server.faults = lambda request: Fault("schema", refused) if "response_format" in request.params else None
    ended = mine("--concurrency", 1)
    (stopped,) = (line for line in ended.err.splitlines() if line.startswith("stopped: judge"))
    assert (ended.status, server.count) == (1, 3)
    assert "response_format is not supported by this server" in stopped
    assert stopped.endswith("or set structured_output: false if it does not support schemas")


def test_the_mend_mends_it(server: LoopbackServer) -> None:
    """The same command goes by the tag, in a folder of its own."""
    refused = error_reply(400, "response_format is not supported by this server")
    server.faults = lambda request: Fault("schema", refused) if "response_format" in request.params else None
    mine("--concurrency", 1)
    write_judges(server.url, mine={"structured_output": False})
    server.answer = "<<A>>"
    assert mine().status == 0


def test_a_setting_that_is_no_truth_value_is_a_mistake(server: LoopbackServer) -> None:
    """One line with the file and its line."""
    write_judges(server.url, mine={"structured_output": "sometimes"})
    ended = mine()
    assert (ended.status, ended.err.count("\n"), server.count) == (2, 1, 0)
    assert "structured_output is 'sometimes': expected true or false" in ended.err


def test_litellms_name_of_the_setting_is_known(server: LoopbackServer) -> None:
    """It would go to LiteLLM, which does nothing with it."""
    write_judges(server.url, mine={"supports_response_schema": True})
    assert "did you mean structured_output?" in mine().err


# --- shown


def test_a_judge_is_shown_with_what_counts(server: LoopbackServer) -> None:
    """`judges show` says whether a schema would go out, by the setting or by the table."""
    shown = [judgebench("judges", "show", name).out for name in ("mine", "gpt-4.1-mini", "offline/first")]
    said = [out.partition("structured_output: ")[2].split()[0] for out in shown]
    assert said == ["true", "true", "false"]


def test_render_shows_both_wordings(server: LoopbackServer) -> None:
    """`--structured` is as for a judge that takes the schema, which it prints."""
    plain, structured = (judgebench("templates", "render", "own.jinja", *more).out for more in ((), ("--structured",)))
    assert ("end with <<A>>" in plain, "reply's schema" in plain) == (True, False)
    assert ("end with <<A>>" in structured, '"additionalProperties": false' in structured) == (False, True)


def test_render_says_where_there_is_no_schema(server: LoopbackServer) -> None:
    """One line, exit 2."""
    ended = judgebench("templates", "render", "pairwise", "--structured")
    assert (ended.status, "has no structured output" in ended.err) == (2, True)


def test_an_item_is_shown_as_it_was_asked(server: LoopbackServer) -> None:
    """The messages with the wording that went out, and the field that was read."""
    mine()
    shown = judgebench("show", FOLDER, "1").out
    assert ("then name the better one." in shown, "verdict: A" in shown) == (True, True)


def test_the_manifest_says_whether_the_schema_went_out(server: LoopbackServer) -> None:
    """In what makes the run this run."""
    mine()
    assert read_json(FOLDER / "manifest.json")["identity"]["structured"] is True


def test_the_first_reply_is_kept_as_it_came(server: LoopbackServer) -> None:
    """The whole object, in the judgement."""
    server.answer = Reply(said("A", "r"))
    mine()
    assert {line["reply"] for line in read_jsonl(FOLDER / "judgements.jsonl")} == {said("A", "r")}


def test_the_template_is_whole(server: LoopbackServer) -> None:
    """Its head says that it asks for structured output."""
    assert load_template("own.jinja").structured
