"""Anthropic's message batches, by its own protocol: LiteLLM has no way to make one."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from judgebench.client.batches.base import NOT_DONE, BatchLine, BatchState, moment_of, objects
from judgebench.client.batches.http import HTTPBatches, NotThereError, Sent, copied
from judgebench.errors import BrokenReplyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from judgebench.client.batches.base import BatchPart, Written
    from judgebench.judges import Judge

_PAGE = 100
_SKEW_S = 600.0
_STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""The status of a live call for the type of an error."""


class AnthropicBatches(HTTPBatches):
    """See the module; a batch is one request that holds all of its own.

    It has no field for a tag: a batch that was made and not recorded is found by its moment and its number of requests.
    """

    most_requests = 100_000
    most_bytes = 256_000_000
    opening, between, closing = b'{"requests": [', b",", b"]}"

    @staticmethod
    def fits(judge: Judge) -> bool:
        """Whether it is Anthropic's."""
        return judge.provider == "anthropic"

    def _address(self, live: str, path: str) -> str:
        return f"{live.partition('?')[0]}/batches{path}"

    def line(self, key: str, written: Written) -> bytes:
        """See `Batches`."""
        return f'{{"custom_id": "{key}", "params": '.encode() + written.body + b"}"

    async def ready(self) -> None:
        """See `Batches`."""
        await self._look("?limit=1")

    async def create(self, part: BatchPart) -> BatchState:
        """See `Batches`."""
        sent = Sent(partial(copied, part.payload), part.headers, is_json=True)
        return _state(await self._said("POST", "", sent))

    async def find(self, tag: str, since: float, requests: int) -> list[BatchState]:  # noqa: ARG002 - it has none
        """See `Batches`."""
        found: list[BatchState] = []
        after = ""
        while True:
            page = await self._said("GET", f"?limit={_PAGE}{after}")
            data = page.get("data")
            states = [_state(each) for each in data] if isinstance(data, list) else []
            found += [each for each in states if each.requests == requests and (each.created or 0) >= since - _SKEW_S]
            oldest = min((each.created or since for each in states), default=0)
            if not states or not page.get("has_more") or oldest < since - _SKEW_S:
                return found
            after = f"&after_id={states[-1].id}"

    async def check(self, batch: str) -> BatchState:
        """See `Batches`."""
        return await self._of(batch, "GET", f"/{batch}")

    async def cancel(self, batch: str) -> BatchState:
        """See `Batches`."""
        return await self._of(batch, "POST", f"/{batch}/cancel")

    async def _of(self, batch: str, method: str, path: str) -> BatchState:
        try:
            return _state(await self._said(method, path))
        except NotThereError:
            raise self.gone(batch) from None

    async def results(self, batch: BatchState) -> Iterator[BatchLine]:
        """See `Batches`."""
        try:
            file = await self._downloaded(f"/{batch.id}/results")
        except NotThereError:
            raise self.gone(batch.id) from None
        return map(_line, objects(file))


def _state(said: Mapping[str, Any]) -> BatchState:
    counts = said.get("request_counts") or {}
    number = {name: counts.get(name) or 0 for name in ("processing", "succeeded", "errored", "canceled", "expired")}
    if not isinstance(said.get("id"), str):
        raise BrokenReplyError("the provider's answer is no message batch")
    return BatchState(
        id=said["id"],
        state=str(said.get("processing_status")),
        ended=said.get("processing_status") == "ended",
        requests=sum(number.values()),
        done=number["succeeded"],
        failed=number["errored"] + number["canceled"] + number["expired"],
        cancelled=said.get("cancel_initiated_at") is not None or number["canceled"] > 0,
        sources=("results",),
        created=moment_of(said.get("created_at")),
    )


def _line(said: Mapping[str, Any]) -> BatchLine:
    key, result = str(said["custom_id"]), said.get("result")
    kind = result.get("type") if isinstance(result, dict) else None
    if isinstance(result, dict) and kind == "succeeded":
        return BatchLine(key, 200, json.dumps(result.get("message")).encode())
    if isinstance(result, dict) and kind == "errored":
        error = result.get("error")
        inner = error.get("error", error) if isinstance(error, dict) else {}
        status = _STATUS.get(str(inner.get("type")) if isinstance(inner, dict) else "", 500)
        return BatchLine(key, status, json.dumps(error).encode())
    return BatchLine(key, NOT_DONE, why=f"the request was {kind}" if kind else "no result")
