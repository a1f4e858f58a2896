"""Batches of OpenAI, of servers of its protocol, and of Azure, by LiteLLM's files and batches."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from judgebench.client.batches.base import NOT_DONE, BatchLine, BatchState, objects
from judgebench.client.batches.http import HTTPBatches, NotThereError
from judgebench.client.cache.keys import CONNECTION, CONNECTION_PREFIXES
from judgebench.client.providers.litellm.settings import way_to
from judgebench.client.providers.litellm.transport import Connections
from judgebench.client.providers.litellm.wire import LiteLLMCall
from judgebench.judges import PLACEHOLDER_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from judgebench.client.batches.base import BatchPart, Written
    from judgebench.client.batches.http import LiveCalls
    from judgebench.judges import Judge

_TIMEOUT_S = 600
"""For a file of 200 MB to go up or come down."""
_LARGEST_FILE = 2**32
_WINDOW = "24h"
_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
_CANCELLED = frozenset({"cancelling", "cancelled"})
_TAG = "judgebench"
_PAGE = 100
_SKEW_S = 600.0
"""How far the provider's clock may be from this one's."""
_NOT_CARRIED_OUT = ("batch_expired", "batch_cancelled", "batch_canceled")
_WAYS = {"openai": "openai", "hosted_vllm": "openai", "azure": "azure"}
"""What LiteLLM's files and batches are told of a judge's provider."""


class OpenAIBatches(HTTPBatches):
    """See the module; each request is a line of a file that is uploaded first."""

    most_requests = 50_000
    most_bytes = 200_000_000

    def __init__(self, judge: Judge, calls: LiveCalls) -> None:
        super().__init__(judge, calls)
        self._settings: dict[str, Any] | None = None
        self._connections = Connections()

    @staticmethod
    def fits(judge: Judge) -> bool:
        """Whether the judge's provider speaks this protocol, as far as its name tells."""
        return judge.provider in _WAYS

    async def _call(self, function: str, **arguments: Any) -> Any:
        if self._settings is None:
            self._settings = _settings(self.judge)
        try:
            wire = LiteLLMCall(most_bytes=_LARGEST_FILE)
            return await self._connections.call(function, wire, **self._settings, **arguments)
        except Exception as error:  # noqa: BLE001 - OpenAI's and LiteLLM's, sorted by remedy
            response = getattr(error, "response", None)
            status, headers, data = None, {}, b""
            if response is not None and hasattr(error, "status_code"):
                status, headers = response.status_code, dict(response.headers)
                with suppress(Exception):  # of a stream that is closed
                    data = response.content
            raise self.remedy(status, headers, data, error) from None

    def line(self, key: str, written: Written) -> bytes:
        """See `Batches`."""
        url = _endpoint(self.judge, written.url)
        head = json.dumps({"custom_id": key, "method": "POST", "url": url})[:-1]
        return f'{head}, "body": '.encode() + written.body + b"}"

    async def ready(self) -> None:
        """See `Batches`."""
        await self._call("alist_batches", limit=1)

    async def create(self, part: BatchPart) -> BatchState:
        """See `Batches`."""
        part.payload.seek(0)
        url = json.loads(part.payload.readline())["url"]
        part.payload.seek(0)
        name = f"judgebench-{part.tag}.jsonl"
        file = await self._call("acreate_file", file=(name, part.payload, "application/jsonl"), purpose="batch")
        return _state(
            await self._call(
                "acreate_batch",
                completion_window=_WINDOW,
                endpoint=url,
                input_file_id=file.id,
                metadata={_TAG: part.tag},
            )
        )

    async def find(self, tag: str, since: float, requests: int) -> list[BatchState]:  # noqa: ARG002 - the tag is enough
        """See `Batches`."""
        after: str | None = None
        while True:
            page = await self._call("alist_batches", limit=_PAGE, after=after)
            for batch in page.data:
                if (getattr(batch, "metadata", None) or {}).get(_TAG) == tag:
                    return [_state(batch)]
            oldest = min((batch.created_at or since for batch in page.data), default=0)
            if not page.data or not getattr(page, "has_more", False) or oldest < since - _SKEW_S:
                return []
            after = page.data[-1].id

    async def check(self, batch: str) -> BatchState:
        """See `Batches`."""
        try:
            return _state(await self._call("aretrieve_batch", batch_id=batch))
        except NotThereError:
            raise self.gone(batch) from None

    async def results(self, batch: BatchState) -> Iterator[BatchLine]:
        """See `Batches`."""
        data = []
        for file in batch.sources:
            try:
                data.append((await self._call("afile_content", file_id=file)).content)
            except NotThereError:
                raise self.gone(f"{batch.id}'s file {file}") from None
        return (_line(each) for part in data for each in objects(part))

    async def cancel(self, batch: str) -> BatchState:
        """See `Batches`."""
        try:
            return _state(await self._call("acancel_batch", batch_id=batch))
        except NotThereError:
            raise self.gone(batch) from None

    async def aclose(self) -> None:
        """See `Batches`."""
        await self._connections.aclose()
        await super().aclose()


def _settings(judge: Judge) -> dict[str, Any]:
    """How files and batches of a judge are reached, for LiteLLM; with its key."""
    way = way_to(judge).settings
    kept = {name: way[name] for name in way if _is_connection(name)}
    if judge.provider == "hosted_vllm":  # else LiteLLM would take OPENAI_API_KEY
        kept.setdefault("api_key", os.environ.get("HOSTED_VLLM_API_KEY", "").strip() or PLACEHOLDER_KEY)
    return {**kept, "custom_llm_provider": _WAYS[judge.provider], "max_retries": 0, "timeout": _TIMEOUT_S}


def _is_connection(name: str) -> bool:
    known = {"api_base", "api_key", *CONNECTION} - {"custom_llm_provider", "deployment_id", "user"}
    return name in known or name.startswith(CONNECTION_PREFIXES)


def _endpoint(judge: Judge, url: str) -> str:
    """Which of the provider's endpoints a live call goes to."""
    path = "/responses" if url.partition("?")[0].endswith("/responses") else "/chat/completions"
    return path if judge.provider == "azure" else f"/v1{path}"


def _state(batch: Any) -> BatchState:
    counts = getattr(batch, "request_counts", None)
    files = (getattr(batch, name, None) for name in ("output_file_id", "error_file_id"))
    state = str(batch.status)
    return BatchState(
        id=str(batch.id),
        state=state,
        ended=state in _ENDED,
        requests=getattr(counts, "total", 0) or 0,
        done=getattr(counts, "completed", 0) or 0,
        failed=getattr(counts, "failed", 0) or 0,
        cancelled=state in _CANCELLED,
        problem=_problem(batch) if state == "failed" else "",
        sources=tuple(str(file) for file in files if file),
        created=batch.created_at,
    )


def _problem(batch: Any) -> str:
    """Why a batch was refused, in the provider's words."""
    data = getattr(getattr(batch, "errors", None), "data", None) or []
    said = [f"{each.code or ''}: {each.message or ''}".strip(": ") for each in data[:1]]
    return said[0] if said else "the provider does not say why"


def _line(said: Mapping[str, Any]) -> BatchLine:
    """A line of an output or an error file."""
    key, response, error = str(said["custom_id"]), said.get("response"), said.get("error")
    if isinstance(response, dict) and isinstance(response.get("status_code"), int):
        body = response.get("body")
        return BatchLine(key, response["status_code"], body.encode() if isinstance(body, str) else _json(body))
    code = str(error.get("code") or "") if isinstance(error, dict) else ""
    if not code or code in _NOT_CARRIED_OUT:
        return BatchLine(key, NOT_DONE, why=code.replace("_", " ") or "no response")
    status = int(code) if code.isdecimal() and 400 <= int(code) < 600 else 400
    return BatchLine(key, status, _json({"error": error}))


def _json(body: object) -> bytes:
    return json.dumps(body).encode()
