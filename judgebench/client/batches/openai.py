"""Batches of OpenAI, of servers of its protocol, and of Azure, by LiteLLM's files and batches."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from judgebench.client.batches.base import NOT_DONE, BatchLine, BatchState, moment_of, objects
from judgebench.client.batches.http import HTTPBatches, NotThereError, UnreadError
from judgebench.client.cache.keys import CONNECTION, CONNECTION_PREFIXES
from judgebench.client.providers.litellm.settings import way_to
from judgebench.client.providers.litellm.transport import Connections
from judgebench.client.providers.litellm.wire import LiteLLMCall
from judgebench.judges import PLACEHOLDER_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from judgebench.client.batches.base import BatchPart, Written
    from judgebench.client.batches.http import LiveCalls
    from judgebench.judges import Judge

_TIMEOUT_S = 600
"""For a file of 200 MB to go up or come down."""
_LARGEST_FILE = 2**32
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
        except (ValueError, TypeError, AttributeError) as error:  # a response came, and LiteLLM takes no such form
            raise self.unread(error) from None
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
        sent = (_file_name(part.tag), part.payload, "application/jsonl")
        file = await self._call("acreate_file", file=sent, purpose="batch")
        try:
            return _state(
                await self._call(
                    "acreate_batch",
                    completion_window=_WINDOW,
                    endpoint=url,
                    input_file_id=file.id,
                    metadata={_TAG: part.tag},
                )
            )
        except UnreadError:
            if found := await self.find(part.tag, self.now(), part.requests):
                return found[0]
            raise

    async def find(self, tag: str, since: float, requests: int) -> list[BatchState]:  # noqa: ARG002 - the tag is enough
        """See `Batches`."""
        untagged: list[Any] = []

        def is_it(batch: Any) -> bool:
            moment = moment_of(_of(batch, "created_at"))
            if not _of(batch, "metadata") and (moment is None or moment >= since - _SKEW_S):
                untagged.append(batch)
            return bool(_tag(batch) == tag)

        found = await self._first_listed(is_it, since)
        if found is not None:
            return [found]
        for batch in untagged:  # servers that keep no metadata keep the name of the file
            with suppress(NotThereError, UnreadError):
                file = await self._call("afile_retrieve", file_id=str(_of(batch, "input_file_id")))
                if _of(file, "filename") == _file_name(tag):
                    return [_state(batch)]
        return []

    async def _listed(self, is_it: Callable[[Any], bool], unread: UnreadError) -> BatchState:
        """A batch whose own page cannot be read: in lists LiteLLM passes on what came.

        Raises:
            UnreadError: It is in none.
        """
        found = await self._first_listed(is_it, None)
        if found is None:
            raise unread
        return found

    async def _first_listed(self, is_it: Callable[[Any], bool], since: float | None) -> BatchState | None:
        """The first batch of that kind; lists that begin with the newest are read back to the moment."""
        after: str | None = None
        read: set[str] = set()
        while True:
            page = await self._call("alist_batches", limit=_PAGE, after=after)
            data = getattr(page, "data", None)
            if not isinstance(data, list):
                raise self.unread(ValueError("the list of batches has no data"))
            batches = [each for each in data if isinstance(_of(each, "id"), str)]
            if (found := next((each for each in batches if is_it(each)), None)) is not None:
                return _state(found)
            moments = [moment for each in batches if (moment := moment_of(_of(each, "created_at"))) is not None]
            is_past = since is not None and len(moments) > 1 and moments[-1] < min(moments[0], since - _SKEW_S)
            if not batches or is_past or getattr(page, "has_more", None) is False or _of(batches[-1], "id") in read:
                return None
            after = str(_of(batches[-1], "id"))
            read.add(after)

    async def check(self, batch: str) -> BatchState:
        """See `Batches`."""
        return await self._of_batch("aretrieve_batch", batch)

    async def _of_batch(self, function: str, batch: str) -> BatchState:
        try:
            return _state(await self._call(function, batch_id=batch))
        except UnreadError as error:
            return await self._listed(lambda each: _of(each, "id") == batch, error)
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
        return await self._of_batch("acancel_batch", batch)

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


def _of(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else getattr(value, name, None)


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


def _state(batch: Any) -> BatchState:
    counts = _of(batch, "request_counts")
    total, done, failed = (_count(_of(counts, name)) for name in ("total", "completed", "failed"))
    files = (_of(batch, name) for name in ("output_file_id", "error_file_id"))
    state = _word(_of(batch, "status"))
    return BatchState(
        id=str(_of(batch, "id")),
        state=state,
        ended=state in _ENDED,
        requests=total,
        done=done,
        failed=failed,
        cancelled=state in _CANCELLED,
        problem=_problem(_of(batch, "errors")) if state == "failed" else "",
        sources=tuple(str(file) for file in files if file),
        created=moment_of(_of(batch, "created_at")),
    )


def _count(said: Any) -> int:
    return int(said) if isinstance(said, int) or (isinstance(said, str) and said.isdecimal()) else 0


def _problem(errors: Any) -> str:
    """Why a batch was refused, in the provider's words."""
    data = errors if isinstance(errors, list) else _of(errors, "data")
    first = data[0] if isinstance(data, list) and data else errors
    said = f"{_of(first, 'code') or ''}: {_of(first, 'message') or ''}".strip(": ")
    return said or (first if isinstance(first, str) else "") or "the provider does not say why"


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
