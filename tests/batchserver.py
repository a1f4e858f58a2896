"""A loopback server that speaks batches: OpenAI's and Azure's files and batches, and Anthropic's message batches.

It answers live calls too, so that a run in batches can be compared with a live one.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web
from faults import Reply, Request, error_reply
from loopback import LoopbackServer, _body, _response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Lines = list[dict[str, Any]]


@dataclass
class Batch:
    """One batch: its number from 1 on, what was asked, and what came of it."""

    number: int
    id: str
    lines: Lines
    created: float
    metadata: Mapping[str, str] = field(default_factory=dict)
    file: str = ""
    checks: int = 0
    state: str = "in_progress"
    results: bytes = b""
    errors: bytes = b""
    counts: dict[str, int] = field(default_factory=dict)
    problem: dict[str, Any] | None = None

    @property
    def keys(self) -> list[str]:
        """The ids of its lines."""
        return [line["custom_id"] for line in self.lines]


class BatchServer(LoopbackServer):
    """See the module; `answer` is `LoopbackServer`'s.

    Args:
        polls: How often a batch is looked at before it ends.
        ends: The state in which the batch of a number ends; of those that are `expired` or `cancelled`, only the first
            half of the lines is done.
        mangle: Changes the result lines of a batch before they are handed out, as lines or as raw bytes.
        fault: By method and path, a response in place of the server's own; it is asked before anything is done, or,
            where it gives `"after"`, the connection is dropped once the request has been carried out.
        anthropic: Whether `/batches` is Anthropic's.
    """

    def __init__(
        self,
        answer: Any = "[[A]]",
        *,
        polls: int = 1,
        ends: Callable[[Batch], str] = lambda _: "completed",
        mangle: Callable[[Batch, Lines], Lines | bytes] = lambda _, lines: lines,
        fault: Callable[[str, str], Reply | str | None] = lambda _method, _path: None,
    ) -> None:
        super().__init__(answer)
        self.polls, self.ends, self.mangle, self.fault = polls, ends, mangle, fault
        self.batches: dict[str, Batch] = {}
        self.files: dict[str, bytes] = {}
        self.names: dict[str, str] = {}
        self.calls: list[tuple[str, str]] = []
        self.heads: list[tuple[str, dict[str, str]]] = []
        self.live: list[dict[str, Any]] = []

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The bodies of all live calls."""
        return [*self.live, *(request.params for request in self.requests)]

    @property
    def submitted(self) -> list[str]:
        """The ids of all lines of all batches."""
        return [key for batch in self.batches.values() for key in batch.keys]

    async def _handle(self, http: web.BaseRequest) -> web.StreamResponse:
        path = http.path.removeprefix("/v1").removeprefix("/openai/v1").removeprefix("/openai")
        if path == "/messages" and http.method == "POST":
            self.live.append(await http.json())
            return _response(self._message(self.live[-1]))
        if not path.startswith(("/files", "/batches", "/messages/batches")):
            return await super()._handle(http)
        self.calls.append((http.method, path))
        self.heads.append((http.query_string, dict(http.headers)))
        fault = self.fault(http.method, path)
        if isinstance(fault, Reply):
            return _response(fault)
        try:
            data, mime = await self._batched(http, path.strip("/").split("/"))
        except KeyError:
            return _response(error_reply(404, f"No such object: {path}"))
        if fault == "after" and http.transport is not None:
            http.transport.abort()
        return web.Response(body=data if isinstance(data, bytes) else json.dumps(data).encode(), content_type=mime)

    async def _batched(self, http: web.BaseRequest, path: list[str]) -> tuple[Any, str]:
        binary = "application/octet-stream"
        if path == ["files"]:
            return await self._upload(http), "application/json"
        if path[0] == "files" and len(path) == 2:
            return self._about(path[1]), "application/json"
        if path[0] == "files":
            return self.files[path[1]], binary
        anthropic = path[0] == "messages"
        path = path[1:] if anthropic else path
        if path == ["batches"] and http.method == "POST":
            said = await http.json()
            batch = self._create(said["requests"] if anthropic else None, said)
        elif path == ["batches"]:
            newest = [self._said(each, anthropic) for each in reversed(self.batches.values())]
            last = newest[-1]["id"] if newest else None
            return {"object": "list", "data": newest, "has_more": False, "last_id": last}, "application/json"
        else:
            batch = self.batches[path[1]]
            if path[-1] == "results":
                return batch.results, binary
            if path[-1] == "cancel":
                if batch.state == "in_progress":
                    self._end(batch, "cancelled", anthropic)
            else:
                batch.checks += 1
                if batch.state == "in_progress" and batch.checks >= self.polls:
                    self._end(batch, self.ends(batch), anthropic)
        return self._said(batch, anthropic), "application/json"

    async def _upload(self, http: web.BaseRequest) -> dict[str, Any]:
        data, name = b"", ""
        async for part in await http.multipart():
            if part.name == "file":
                data, name = bytes(await part.read()), part.filename
        file = f"file-{len(self.files) + 1}"
        self.files[file], self.names[file] = data, name or ""
        return self._about(file)

    def _about(self, file: str) -> dict[str, Any]:
        about = {"id": file, "object": "file", "bytes": len(self.files[file]), "created_at": int(time.time())}
        return {**about, "filename": self.names[file], "purpose": "batch", "status": "processed"}

    def _create(self, requests: Lines | None, said: Mapping[str, Any]) -> Batch:
        file = said.get("input_file_id", "")
        lines = [json.loads(line) for line in self.files[file].splitlines()] if requests is None else requests
        number = len(self.batches) + 1
        batch = Batch(number, f"batch_{number}", lines, time.time(), said.get("metadata") or {}, file)
        self.batches[batch.id] = batch
        return batch

    def _end(self, batch: Batch, state: str, anthropic: bool) -> None:
        batch.state = state
        if state == "failed":
            return
        many = len(batch.lines) if state == "completed" else len(batch.lines) // 2
        done = [self._done(line, anthropic) for line in batch.lines[:many]]
        word = "expired" if state == "expired" else "canceled" if anthropic else "cancelled"
        rest: Lines = [
            {"custom_id": key, "result": {"type": word}}
            if anthropic
            else {"custom_id": key, "response": None, "error": {"code": f"batch_{word}", "message": "Not executed."}}
            for key in batch.keys[many:]
        ]
        good = [line for line in done if _is_good(line)]
        batch.counts = {
            "done": len(good),
            "failed": len(done) - len(good),
            word: 0 if many == len(batch.lines) else len(rest),
        }
        lines = self.mangle(batch, [*done, *rest])
        if isinstance(lines, bytes) or anthropic:
            batch.results = lines if isinstance(lines, bytes) else _jsonl(lines)
        else:
            batch.results = _jsonl([line for line in lines if _is_good(line)])
            batch.errors = _jsonl([line for line in lines if not _is_good(line)])
        for kind, data in (("output", batch.results), ("error", batch.errors)):
            self.files[f"{batch.id}-{kind}"] = data

    def _done(self, line: Mapping[str, Any], anthropic: bool) -> dict[str, Any]:
        if anthropic:
            reply = self._message(line["params"])
            body = reply.body
            kind = {"type": "succeeded", "message": body} if reply.status == 200 else {"type": "errored", "error": body}
            return {"custom_id": line["custom_id"], "result": kind}
        raw = json.dumps(line["body"]).encode()
        request = Request(0, 0.0, line["body"], {})
        made = self.answer(request) if callable(self.answer) else self.answer
        reply = Reply(made) if isinstance(made, str) else made
        body = json.loads(_body(reply) if reply.body is not None else self._completion(request, reply, len(raw)))
        response = {"status_code": reply.status, "request_id": "req", "body": body}
        return {"id": f"r-{line['custom_id']}", "custom_id": line["custom_id"], "response": response, "error": None}

    def _message(self, params: Mapping[str, Any]) -> Reply:
        """What Anthropic's protocol answers."""
        request = Request(0, 0.0, dict(params), {})
        made = self.answer(request) if callable(self.answer) else self.answer
        reply = Reply(made) if isinstance(made, str) else made
        if reply.body is not None:
            return reply
        ends = {"stop": "end_turn", "length": "max_tokens"}
        usage = {"input_tokens": len(json.dumps(params)) // 4, "output_tokens": len(reply.content or "") // 4 + 1}
        content = [{"type": "text", "text": reply.content}]
        about = {"id": "msg_1", "type": "message", "role": "assistant", "model": params.get("model")}
        end = {"stop_reason": ends.get(reply.finish_reason, reply.finish_reason), "stop_sequence": None}
        return Reply(body={**about, "content": content, **end, "usage": usage})

    def _said(self, batch: Batch, anthropic: bool) -> dict[str, Any]:
        ended = batch.state != "in_progress"
        counts = batch.counts
        if anthropic:
            names = {"succeeded": "done", "errored": "failed", "expired": "expired", "canceled": "canceled"}
            said = {name: counts.get(own, 0) for name, own in names.items()}
            said["processing"] = 0 if ended else len(batch.lines)
            when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(batch.created))
            url = f"http://127.0.0.1:{self.port}/v1/messages/batches/{batch.id}/results" if ended else None
            return {
                "id": batch.id,
                "type": "message_batch",
                "processing_status": "ended" if ended else "in_progress",
                "request_counts": said,
                "created_at": when,
                "expires_at": when,
                "results_url": url,
            }
        total, done = len(batch.lines), counts.get("done", 0)
        return {
            "id": batch.id,
            "object": "batch",
            "endpoint": "/v1/chat/completions",
            "input_file_id": batch.file,
            "completion_window": "24h",
            "status": batch.state,
            "errors": batch.problem,
            "output_file_id": f"{batch.id}-output" if batch.results else None,
            "error_file_id": f"{batch.id}-error" if batch.errors else None,
            "created_at": int(batch.created),
            "expires_at": int(batch.created) + 86400,
            "request_counts": {"total": total, "completed": done, "failed": counts.get("failed", 0)},
            "metadata": dict(batch.metadata),
        }


def _is_good(line: Mapping[str, Any]) -> bool:
    if "result" in line:
        return line["result"]["type"] == "succeeded"
    return (line.get("response") or {}).get("status_code") == 200


def _jsonl(lines: Lines) -> bytes:
    return "".join(json.dumps(line) + "\n" for line in lines).encode()
