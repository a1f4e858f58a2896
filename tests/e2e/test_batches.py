"""`run --batch` over real sockets: the protocols of OpenAI, Azure and Anthropic, and a process that is killed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
import yaml
from batchserver import BatchServer
from commands import (
    by_quality,
    files_below,
    judgebench,
    pairs,
    read_json,
    read_jsonl,
    without_progress,
    write_jsonl,
    write_judges,
)
from faults import Reply, error_reply
from processes import Running

KEY = "sk-loopback-0123456789"
ROWS = 6
ASK = ("run", "rewardbench", "--data", "rows.jsonl", "-j", "mine")
FOLDER = Path("runs/rewardbench/mine/pairwise/one")


@pytest.fixture
def server(monkeypatch):
    """A server whose judge is always right, rows, and a key for each provider."""
    for name in ("OPENAI_API_KEY", "AZURE_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, KEY)
    write_jsonl(Path("rows.jsonl"), pairs(ROWS))
    with BatchServer(by_quality) as running:
        judge_at(running)
        yield running


def judge_at(server, provider="openai"):
    """The judge `mine` at the server, as a provider's."""
    root = server.url.removesuffix("/v1")
    kinds = {
        "openai": {"model": "openai/loopback", "api_base": server.url},
        "direct": {"model": "openai/loopback", "api_base": server.url, "transport": "direct"},
        "hosted_vllm": {"model": "hosted_vllm/loopback", "api_base": server.url},
        "azure": {"model": "azure/loopback", "api_base": root, "api_version": "2024-10-21"},
        "anthropic": {"model": "anthropic/claude-loopback", "api_base": root},
    }
    write_judges(server.url, mine={**kinds[provider], "price": {"input": 1, "output": 2}})


def scores(folder):
    return {name: value for name, value in read_json(folder / "metrics.json").items() if name != "usage"}


def wanted(body):
    return json.dumps(body, sort_keys=True)


@pytest.mark.parametrize("provider", ["openai", "direct", "azure", "anthropic"])
def test_a_batch_holds_what_live_calls_send_and_gives_what_they_give(server, provider):
    """Each line's body is that of the live call, and the metrics are equal."""
    judge_at(server, provider)
    assert judgebench(*ASK, "--out", "live", "--cache-dir", "other").status == 0
    assert judgebench(*ASK, "--batch").status == 0
    batch = next(iter(server.batches.values()))
    lines = [line.get("params") or line["body"] for line in batch.lines]
    assert sorted(map(wanted, lines)) == sorted(map(wanted, server.bodies))
    assert scores(FOLDER) == scores(Path("live") / FOLDER.relative_to("runs"))
    assert len(server.submitted) == len(set(server.submitted)) == ROWS
    if provider != "anthropic":
        path = "/chat/completions" if provider == "azure" else "/v1/chat/completions"
        assert {line["url"] for line in batch.lines} == {path}


def mangled(batch, lines):
    """Out of order, the first torn off in the middle, the others doubled."""
    whole = "".join(json.dumps(line) + "\n" for line in [*lines[1:], *lines[1:], lines[0]])
    return whole[:-40].encode() if batch.number == 1 else lines


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_half_written_result_file(server, provider, monkeypatch):
    """It is fetched again; what is still missing from it goes out once more, and that alone."""
    monkeypatch.setattr("judgebench.engine.batchservice.FIRST_POLL_S", 0.01)
    judge_at(server, provider)
    server.mangle = mangled
    assert judgebench(*ASK, "--batch").status == 0
    first, second = server.batches.values()
    assert second.keys == first.keys[:1]
    assert read_json(FOLDER / "metrics.json")["coverage"] == 1


def test_a_server_with_a_form_of_its_own(server):
    """A batch whose fields LiteLLM refuses is read from the list; it is made once, and its scores are the live ones."""
    own = {"created_at": "2026-01-01T00:00:00Z", "completion_window": None, "request_counts": {"total": None}}
    said = server._said

    def odd(batch, anthropic):
        words = {"completed": "Completed", "in_progress": "In progress"}
        return {**said(batch, anthropic), **own, "status": words[batch.state]}

    server._said = odd
    assert judgebench(*ASK, "--out", "live", "--cache-dir", "other").status == 0
    ended = judgebench(*ASK, "--batch")
    assert ended.status == 0, ended.err
    assert scores(FOLDER) == scores(Path("live") / FOLDER.relative_to("runs"))
    assert len(server.batches) == 1


def test_a_server_that_keeps_no_metadata(server):
    """An answer lost on the way is no second batch: the first is found by the name of its file."""
    said, lost = server._said, iter(["after"])
    server._said = lambda batch, anthropic: {**said(batch, anthropic), "metadata": None}
    server.fault = lambda method, path: next(lost, None) if (method, path) == ("POST", "/batches") else None
    ended = judgebench(*ASK, "--batch")
    assert ended.status == 0, ended.err
    assert read_json(FOLDER / "metrics.json")["coverage"] == 1
    assert len(server.batches) == 1


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_lines_fail_as_live_calls_do(server, provider):
    """A prompt that is too long is a failure of its own, a server error is asked again, an expired batch too."""
    judge_at(server, provider)
    broken = iter([True])

    def answer(request):
        if "Question 1?" in request.text:
            return error_reply(
                400, "This model's maximum context length is 8192 tokens.", code="context_length_exceeded"
            )
        if "Question 2?" in request.text and next(broken, False):
            kind = "api_error" if provider == "anthropic" else "server_error"
            return error_reply(500, "Internal error.", kind=kind)
        return by_quality(request)

    server.answer = answer
    server.ends = lambda batch: "expired" if batch.number == 1 else "completed"
    ended = judgebench(*ASK, "--batch")
    assert ended.status == 0, ended.err
    metrics = read_json(FOLDER / "metrics.json")
    assert metrics["failures"] == {"context": 1}
    assert metrics["judgements"] == ROWS


STEPS = (("POST", "/files", ""), ("POST", "/batches", ""), ("POST", "/batches", "after"), ("GET", "/content", ""))


def test_a_process_killed_at_any_step_submits_nothing_twice(server):
    """By kill -9, as the file goes up, before and after the batch is made, and as its results come down."""
    running: list[Running] = []
    steps = list(STEPS)

    def fault(method, path):
        if steps and method == steps[0][0] and path.endswith(steps[0][1]):
            os.kill(running[-1].pid, signal.SIGKILL)
            return steps.pop(0)[2] or Reply(status=503, body={"error": {"message": "too late"}})
        return None

    server.fault = fault
    for _ in range(len(STEPS) + 1):
        with Running(*ASK, "--batch") as command:
            running.append(command)
            command.communicate()
    assert [each.wait() for each in running] == [-signal.SIGKILL] * len(STEPS) + [0]
    assert len(server.submitted) == len(set(server.submitted)) == ROWS
    assert read_json(FOLDER / "metrics.json")["coverage"] == 1


LEFT = (
    f"1 batch ({ROWS} requests) still with the provider: rerun run --batch to resume, or judgebench batch "
    f"status|fetch|cancel {FOLDER}"
)


def test_an_interrupt_leaves_the_batch_with_the_provider(server):
    """Ctrl-C says how to go on; status shows the batch, fetch takes what it gave, and nothing is sent again."""
    server.polls = 10**6
    command = Running(*ASK, "--batch")
    while not server.batches or not server.calls[-1][1].startswith("/batches/"):
        assert command.poll() is None
    os.kill(command.pid, signal.SIGINT)
    _, err = command.communicate()
    assert command.wait() == 130
    assert without_progress(err) == [
        "leaving the batches with the provider; press Ctrl-C again to abort",
        f"interrupted: {FOLDER} ({ROWS} calls have no reply yet)",
        LEFT,
    ]
    shown = judgebench("batch", "status", "runs", "--json")
    assert [each["state"] for each in json.loads(shown.out)] == ["in_progress"]
    server.polls = 1
    assert judgebench("batch", "fetch", "runs").status == 0
    assert read_json(FOLDER / "metrics.json")["coverage"] == 1
    assert len(server.batches) == 1


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (404, "(openai/loopback): no batch interface at http://127.0.0.1:{port}/v1 (status 404); leave out --batch"),
        (401, "(openai/loopback): the key is refused (status 401): "),
    ],
)
def test_a_server_that_has_no_batches_or_refuses_the_key(server, status, said):
    """One line and status 2, before anything is written; the key is in no message."""
    server.fault = lambda method, path: error_reply(status, f"Incorrect key {KEY}.")
    ended = judgebench(*ASK, "--batch")
    assert ended.status == 2
    assert f"judgebench: judge 'mine' {said.format(port=server.port)}" in ended.err
    assert KEY not in ended.err
    assert not Path("runs").exists()


def test_no_key_is_found_before_anything_is_sent(server):
    """As for a live run."""
    write_judges(server.url, mine={"api_key_env": "MY_KEY"})
    ended = judgebench(*ASK, "--batch")
    assert ended.status == 2
    assert "judge 'mine' needs a key: set the environment variable MY_KEY" in ended.err
    assert not server.calls


def test_no_key_is_in_any_file(server):
    """Not in the record of the batches, and not in the rest of the run's folder."""
    judgebench(*ASK, "--batch")
    texts = [
        (Path("runs") / each).read_bytes() for each in files_below(Path("runs")) if (Path("runs") / each).is_file()
    ]
    assert len(texts) > 5
    assert not any(KEY.encode() in text for text in texts)


def test_a_refused_batch_is_one_line(server):
    """What the provider says of the whole is what is wrong, and the next command starts over."""
    server.ends = lambda batch: setattr(batch, "problem", PROBLEM) or "failed"
    ended = judgebench(*ASK, "--batch")
    assert ended.status == 1
    assert "the provider refuses batch batch_1: billing_hard_limit_reached: Billing limit" in ended.err
    server.ends = lambda _: "completed"
    assert judgebench(*ASK, "--batch").status == 0


PROBLEM = {
    "object": "list",
    "data": [{"code": "billing_hard_limit_reached", "message": "Billing limit.", "line": None}],
}


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_batch_that_is_refused_for_now_is_sent_again_whole(server, provider):
    """After a 429 and a broken connection, with the same requests, once."""
    judge_at(server, provider)
    faults = [error_reply(429, "Slow down.", headers={"retry-after": "0"}), error_reply(503, "Busy.")]

    def fault(method, path):
        return faults.pop(0) if faults and method == "POST" and path.endswith("/batches") else None

    server.fault = fault
    assert judgebench(*ASK, "--batch").status == 0
    assert not faults
    assert len(server.batches) == 1
    assert len(server.submitted) == ROWS


@pytest.mark.parametrize("provider", ["openai", "direct"])
def test_schemas_and_log_probabilities_go_out_and_come_back_as_live(server, provider):
    """The request's form and the tokens' probabilities are part of a batch as of a call."""
    judge_at(server, provider)
    settings = yaml.safe_load(Path("providers.yaml").read_text())
    settings["judges"]["mine"]["structured_output"] = True
    Path("providers.yaml").write_text(yaml.safe_dump(settings))
    said = '{"reasoning": "Clear.", "verdict": "A"}'
    tokens = [(said[:-3], {}), ("A", {"A": 0.7, "B": 0.3}), (said[-2:], {})]
    server.answer = Reply(said, logprobs=tokens, usage={"prompt_tokens": 100})
    more = ("-t", "pairwise-json", "--logprobs")
    for out, how in (("live", ()), ("runs", ("--batch",))):
        ended = judgebench(*ASK, *more, "--out", out, "--cache-dir", out + "-cache", *how)
        assert ended.status == 0, ended.err
    live, batched = (
        [
            {**line, "latency_s": None, "cost_usd": None}
            for line in read_jsonl(next(Path(out).rglob("judgements.jsonl")))
        ]
        for out in ("live", "runs")
    )
    assert sorted(batched, key=repr) == sorted(live, key=repr)
    assert batched[0]["probabilities"]["A"] == pytest.approx(0.7)
    assert "response_format" in server.batches["batch_1"].lines[0]["body"]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 200 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_loses_no_batch(server, small_disk):
    """One line; with more space the same command takes what came, and sends nothing again."""
    out = small_disk / "runs"
    filler = small_disk / "filler"

    def fault(method, path):
        if path.endswith("/content") and not filler.exists():
            with contextlib.suppress(OSError), filler.open("wb") as file:
                while True:
                    file.write(bytes(4096))
                    file.flush()
        return

    server.fault = fault
    server.answer = lambda request: by_quality(request) + " " * 4000
    ended = judgebench(*ASK, "--batch", "--out", out)
    assert ended.status in {1, 2}
    assert "the disk is full; free some space, then rerun the command" in ended.err
    server.fault = lambda method, path: None
    filler.unlink()
    assert judgebench(*ASK, "--batch", "--out", out).status == 0
    assert len(server.submitted) == ROWS
    assert read_json(out / FOLDER.relative_to("runs") / "metrics.json")["coverage"] == 1


def test_a_full_temporary_folder_is_one_line(server, small_disk, monkeypatch):
    """Where a batch is written nothing is sent; where its results are kept it is taken by the next command."""
    monkeypatch.setattr("tempfile.tempdir", str(small_disk))
    filler = small_disk / "filler"
    filler.write_bytes(bytes(199_000))
    for _ in range(2):
        ended = judgebench(*ASK, "--batch")
        assert ended.status in {1, 2}
        assert f"{small_disk}: the disk is full; free some space, then rerun the command" in ended.err
        server.answer = lambda request: Reply(by_quality(request) + " " * 50_000, usage={"completion_tokens": 5})
        filler.unlink(missing_ok=True)
    assert len(server.batches) == 1
    monkeypatch.undo()
    assert judgebench(*ASK, "--batch").status == 0
    assert len(server.submitted) == ROWS
