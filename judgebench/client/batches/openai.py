"""Batches of OpenAI, of servers of its protocol, and of Azure: files and batches beside their chat completions."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit, urlunsplit

from judgebench._util.redaction import in_one_line
from judgebench.client.batches.base import NOT_DONE, BatchLine, BatchState, moment_of, objects
from judgebench.client.batches.http import HTTPBatches, NotThereError, Sent, copied
from judgebench.errors import BrokenReplyError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from typing import BinaryIO

    import aiohttp

    from judgebench.client.batches.base import BatchPart, Written
    from judgebench.judges import Judge

_WINDOW = "24h"
_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
_CANCELLED = frozenset({"cancelling", "cancelled"})
_OTHER_WORDS = {
    **dict.fromkeys(("complete", "succeeded", "success", "finished", "done", "ended"), "completed"),
    **dict.fromkeys(("error", "errored", "failure"), "failed"),
    **dict.fromkeys(("timeout", "timed_out", "timeout_exceeded"), "expired"),
    **dict.fromkeys(("canceled", "aborted"), "cancelled"),
    **dict.fromkeys(("canceling", "cancellation_requested"), "cancelling"),
}
"""States as servers of this protocol word them, and OpenAI's words."""
_TAG = "judgebench"
_PAGE = 100
_SKEW_S = 600.0
"""How far the provider's clock may be from this one's."""
_NOT_CARRIED_OUT = ("batch_expired", "batch_cancelled", "batch_canceled")
_PROVIDERS = frozenset({"openai", "hosted_vllm", "azure"})
_DEPLOYMENT = re.compile(r"/deployments/[^/]+$")
"""Azure's, in the address of its live calls; files and batches are beside all of them."""


class OpenAIBatches(HTTPBatches):
    """See the module; each request is a line of a file that is uploaded first."""

    most_requests = 50_000
    most_bytes = 200_000_000

    @staticmethod
    def fits(judge: Judge) -> bool:
        """Whether the judge's provider speaks this protocol, as far as its name tells."""
        return judge.provider in _PROVIDERS

    def _address(self, live: str, path: str) -> str:
        parts = urlsplit(live)
        base = _DEPLOYMENT.sub("", parts.path.removesuffix("/chat/completions").removesuffix("/responses"))
        below, _, query = path.partition("?")
        every = "&".join(each for each in (parts.query, query) if each)
        return urlunsplit((parts.scheme, parts.netloc, base + below, every, ""))

    def line(self, key: str, written: Written) -> bytes:
        """See `Batches`."""
        url = _endpoint(self.judge, written.url)
        head = json.dumps({"custom_id": key, "method": "POST", "url": url})[:-1]
        return f'{head}, "body": '.encode() + written.body + b"}"

    async def ready(self) -> None:
        """See `Batches`."""
        await self._look("/batches?limit=1")

    async def create(self, part: BatchPart) -> BatchState:
        """See `Batches`."""
        part.payload.seek(0)
        url = json.loads(part.payload.readline())["url"]
        file = (await self._said("POST", "/files", Sent(partial(_upload, part)))).get("id")
        if not isinstance(file, str):
            raise BrokenReplyError("the server's answer is no file")
        about = {"input_file_id": file, "endpoint": url, "completion_window": _WINDOW, "metadata": {_TAG: part.tag}}
        return _state(await self._said("POST", "/batches", Sent.of_json(about)))

    async def find(self, tag: str, since: float, requests: int) -> list[BatchState]:  # noqa: ARG002 - the tag is enough
        """See `Batches`."""
        untagged: list[dict[str, Any]] = []
        async for batch in self._listed(since):
            if _tag(batch) == tag:
                return [_state(batch)]
            moment = moment_of(batch.get("created_at"))
            if not batch.get("metadata") and (moment is None or moment >= since - _SKEW_S):
                untagged.append(batch)
        for batch in untagged:  # servers that keep no metadata keep the name of the file
            with suppress(NotThereError, BrokenReplyError):
                file = await self._said("GET", f"/files/{_quoted(batch.get('input_file_id'))}")
                if file.get("filename") == _file_name(tag):
                    return [_state(batch)]
        return []

    async def _listed(self, since: float) -> AsyncIterator[dict[str, Any]]:
        """The batches there are; lists that begin with the newest are read back to the moment."""
        after, read = "", set()
        while True:
            page = await self._said("GET", f"/batches?limit={_PAGE}{after}")
            data = page.get("data")
            if not isinstance(data, list):
                raise BrokenReplyError("the server's answer is no list of batches")
            batches = [each for each in data if isinstance(each, dict) and isinstance(each.get("id"), str)]
            for each in batches:
                yield each
            moments = [moment for each in batches if (moment := moment_of(each.get("created_at"))) is not None]
            is_past = len(moments) > 1 and moments[-1] < min(moments[0], since - _SKEW_S)
            if not batches or is_past or page.get("has_more") is False or batches[-1]["id"] in read:
                return
            read.add(batches[-1]["id"])
            after = f"&after={_quoted(batches[-1]['id'])}"

    async def check(self, batch: str) -> BatchState:
        """See `Batches`."""
        return await self._of("GET", batch)

    async def _of(self, method: str, batch: str, path: str = "") -> BatchState:
        try:
            return _state(await self._said(method, f"/batches/{_quoted(batch)}{path}"))
        except NotThereError:
            raise self.gone(batch) from None

    async def results(self, batch: BatchState) -> Iterator[BatchLine]:
        """See `Batches`."""
        files: list[BinaryIO] = []
        for file in batch.sources:
            try:
                files.append(await self._downloaded(f"/files/{_quoted(file)}/content"))
            except NotThereError:
                if not files:
                    raise self.gone(f"{batch.id}'s file {file}") from None
                # Of errors alone: what the other file lacks may be sent again.
        return (_line(each) for file in files for each in objects(file))

    async def cancel(self, batch: str) -> BatchState:
        """See `Batches`."""
        return await self._of("POST", batch, "/cancel")


def _upload(part: BatchPart) -> aiohttp.FormData:
    """The file of a batch's requests, as it goes up."""
    import aiohttp

    form = aiohttp.FormData({"purpose": "batch"})
    form.add_field("file", copied(part.payload), filename=_file_name(part.tag), content_type="application/jsonl")
    return form


def _quoted(name: object) -> str:
    return quote(str(name), safe="")


def _endpoint(judge: Judge, url: str) -> str:
    """Which of the provider's endpoints a live call goes to."""
    path = "/responses" if url.partition("?")[0].endswith("/responses") else "/chat/completions"
    return path if judge.provider == "azure" else f"/v1{path}"


def _of(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _file_name(tag: str) -> str:
    return f"judgebench-{tag}.jsonl"


def _tag(batch: Any) -> Any:
    return _of(_of(batch, "metadata"), _TAG)


def _word(status: Any) -> str:
    """A state in OpenAI's words.

    Example:
        >>> _word("BatchStatus.COMPLETED"), _word("Canceled"), _word("in_progress")
        ('completed', 'cancelled', 'in_progress')
    """
    word = str(status).rpartition(".")[2].strip().lower().replace(" ", "_").replace("-", "_")
    return _OTHER_WORDS.get(word, word)


def _state(batch: Mapping[str, Any]) -> BatchState:
    if not isinstance(batch.get("id"), str):
        raise BrokenReplyError("the server's answer is no batch")
    counts = batch.get("request_counts")
    total, done, failed = (_count(_of(counts, name)) for name in ("total", "completed", "failed"))
    files = (batch.get(name) for name in ("output_file_id", "error_file_id"))
    state = _word(batch.get("status"))
    return BatchState(
        id=batch["id"],
        state=state,
        ended=state in _ENDED,
        requests=total,
        done=done,
        failed=failed,
        cancelled=state in _CANCELLED,
        problem=_problem(batch.get("errors")) if state == "failed" else "",
        sources=tuple(str(file) for file in files if file),
        created=moment_of(batch.get("created_at")),
    )


def _count(said: Any) -> int:
    return int(said) if isinstance(said, int) or (isinstance(said, str) and said.isdecimal()) else 0


def _problem(errors: Any) -> str:
    """Why a batch was refused, in the provider's words, in one line."""
    data = errors if isinstance(errors, list) else _of(errors, "data")
    every = data if isinstance(data, list) and data else [errors]
    first = every[0]
    said = f"{_of(first, 'code') or ''}: {_of(first, 'message') or ''}".strip(": ")
    said = in_one_line(said or (first if isinstance(first, str) else ""), ()) or "the provider does not say why"
    line = _of(first, "line")
    at = "" if line is None or re.search(rf"\b{line}\b", said) else f" (line {line})"
    return said + at + ("" if len(every) == 1 else f"; and {len(every) - 1:,} more")


def _line(said: Mapping[str, Any]) -> BatchLine:
    """A line of an output or an error file."""
    key, response, error = str(said["custom_id"]), said.get("response"), said.get("error")
    if isinstance(response, dict) and (body := response.get("body")) is not None:
        status = _count(response.get("status_code")) or (400 if error else 200)
        return BatchLine(key, status, body.encode() if isinstance(body, str) else _json(body))
    code = str(error.get("code") or "") if isinstance(error, dict) else ""
    if not code or code in _NOT_CARRIED_OUT:
        return BatchLine(key, NOT_DONE, why=code.replace("_", " ") or "no response")
    status = int(code) if code.isdecimal() and 400 <= int(code) < 600 else 400
    return BatchLine(key, status, _json({"error": error}))


def _json(body: object) -> bytes:
    return json.dumps(body).encode()
