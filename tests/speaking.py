"""Servers of the providers' own protocols on the loopback interface: what each says, as a test wants it."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Says:
    """One response."""

    body: Any = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class SpeakingServer:
    """Answers each POST with the next of `responses`, and with `then` once they are through; keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.responses: list[Says] = []
        self.then = Says()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = json.loads(raw or b"{}")
                if self.path.endswith("/api/show"):  # Ollama's, before a model's first call
                    return self.answer(Says({"model_info": {}, "capabilities": ["completion"]}))
                outer.asked.append({"path": self.path, "body": body})
                return self.answer(outer.responses.pop(0) if outer.responses else outer.then)

            def answer(self, says: Says) -> None:
                data = says.body if isinstance(says.body, bytes) else None
                if data is None:
                    data = (says.body if isinstance(says.body, str) else json.dumps(says.body)).encode()
                self.send_response(says.status)
                for name, value in {"Content-Type": "application/json", **says.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def say(self, *responses: Says, then: Says) -> None:
        """Forgets what was, and says these in turn."""
        self.asked, self.responses, self.then = [], list(responses), then

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()


def openai(text: str | None = "[[A]]", end: str | None = "stop", **more: Any) -> dict[str, Any]:
    """A chat completion; `usage`, `logprobs` and fields of the `message` are put over the usual ones."""
    message = {"role": "assistant", "content": text, **more.pop("message", {})}
    choice = {"index": 0, "message": message, "finish_reason": end, "logprobs": more.pop("logprobs", None)}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, **more.pop("usage", {})}
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": usage,
        **more,
    }


def groq(text: str = "[[A]]", end: str = "stop", **more: Any) -> dict[str, Any]:
    """As Groq says it."""
    return openai(text, end, service_tier="on_demand", **more)


def anthropic(text: str = "[[A]]", end: str = "end_turn", tokens: int = 5) -> dict[str, Any]:
    """A message of Anthropic's."""
    usage = {"input_tokens": 10, "output_tokens": tokens}
    content = [{"type": "text", "text": text}]
    named = {"id": "m", "type": "message", "role": "assistant", "model": "m", "stop_sequence": None}
    return {**named, "content": content, "stop_reason": end, "usage": usage}


def gemini(text: str = "[[A]]", end: str = "STOP", **more: Any) -> dict[str, Any]:
    """A candidate of Gemini's."""
    content = {"parts": [{"text": text}], "role": "model"}
    usage = {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}
    candidate = {"content": content, "finishReason": end, "index": 0, **more}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m"}


def bedrock(text: str = "[[A]]", end: str = "end_turn") -> dict[str, Any]:
    """What Bedrock's Converse says."""
    output = {"message": {"role": "assistant", "content": [{"text": text}]}}
    usage = {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15}
    return {"metrics": {"latencyMs": 1}, "output": output, "stopReason": end, "usage": usage}


def ollama(text: str = "[[A]]", end: str = "stop", *, chat: bool = False, **counts: int) -> dict[str, Any]:
    """What Ollama's /api/generate says, or its /api/chat."""
    said = {"message": {"role": "assistant", "content": text}} if chat else {"response": text}
    counts = {"prompt_eval_count": 10, "eval_count": 5, **counts}
    return {"model": "m", "created_at": "2026-01-01T00:00:00Z", **said, "done": True, "done_reason": end, **counts}


def ollama_chat(text: str = "[[A]]", end: str = "stop", **counts: int) -> dict[str, Any]:
    """What Ollama's /api/chat says."""
    return ollama(text, end, chat=True, **counts)
