"""The calls of one judge by plain HTTP."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from judgebench.client.batches.base import Written
from judgebench.client.providers.base import form_of
from judgebench.client.providers.decisions import as_sent, decided
from judgebench.client.providers.direct.replies import completion_of, has_choice
from judgebench.client.providers.direct.settings import body_of, settings_of
from judgebench.client.providers.direct.transport import NotReachedError, Session, certificates
from judgebench.client.providers.remedies import Kind, by_remedy
from judgebench.client.providers.replies import Asked, reply_of, took
from judgebench.client.providers.wire import WireCall, note_body
from judgebench.client.tokens import is_cut
from judgebench.errors import JudgebenchError

if TYPE_CHECKING:
    import ssl

    from judgebench.client.providers.base import Request
    from judgebench.judges import Judge
    from judgebench.verdicts import Reply

_SHOWN = 1000


class DirectCalls:
    """The calls of one judge, and their connections.

    Args:
        judge: Who is asked.

    Raises:
        ConfigError: An address or a key is missing, or a setting cannot be sent.
    """

    def __init__(self, judge: Judge) -> None:
        self._settings = settings_of(judge)
        self._asked = Asked(judge, self._settings.fields, self._settings.secrets)
        self._session = Session(self._settings, judge.timeout)

    async def complete(self, request: Request) -> Reply:
        """One call; every error of a provider is sorted by its remedy."""
        wire, started = WireCall(), time.perf_counter()
        try:
            await self._session.post(self._body(request), wire)
        except NotReachedError as error:
            raise self._remedy(error, wire, error.kind) from None
        return self._whole(request, wire, time.perf_counter() - started)

    async def written(self, request: Request) -> Written:
        """What `complete` would send; nothing is sent."""
        return Written(self._settings.url, self._settings.headers, self._body(request))

    async def way(self) -> Written:
        """The address and the head of all calls."""
        return Written(self._settings.url, self._settings.headers, b"")

    def trusted(self) -> bool | ssl.SSLContext:
        """Whose certificates are taken; False for any."""
        return certificates(self._settings.ssl)

    async def read(self, request: Request, status: int, body: bytes) -> Reply:
        """What `complete` would make of this response to the request; nothing is sent."""
        wire = WireCall(status=status)
        note_body(wire, body)
        return self._whole(request, wire, 0.0)

    def _whole(self, request: Request, wire: WireCall, latency: float) -> Reply:
        """The reply that came, with what is known of the prompt's length."""
        judge = self._asked.judge
        try:
            reply = self._read(request, wire, latency)
        except JudgebenchError as error:
            error.took = took(judge, wire) if error.answered else None
            raise
        if is_cut(judge, request.messages, reply.prompt_tokens):
            return reply.model_copy(update={"finish_reason": "context"})
        return reply

    def _body(self, request: Request) -> bytes:
        if request.questions is not None:
            state, questions = as_sent(request.messages, request.questions)
            return body_of(self._settings.fields, {"state": state, "questions": questions})
        own: dict[str, Any] = {"messages": list(request.messages)}
        if request.schema is not None:
            own["response_format"] = form_of(request.schema, self._asked.judge)
        return body_of(self._settings.fields, own)

    def _read(self, request: Request, wire: WireCall, latency: float) -> Reply:
        """The reply that came.

        Raises:
            JudgebenchError: None did.
        """
        assert wire.status is not None
        if not 200 <= wire.status < 300:
            raise self._remedy(_said(wire), wire)
        if request.questions is not None:
            reply = decided(request.questions, self._asked.judge, wire)
            if reply is None:
                raise self._remedy(_said(wire), wire)
            return reply.model_copy(update={"latency_s": round(latency, 4)})
        if not has_choice(wire.body):
            raise self._remedy(_said(wire), wire)
        return reply_of(completion_of(wire.body), self._asked, wire, latency)

    def _remedy(self, error: Exception, wire: WireCall, kind: Kind = "") -> JudgebenchError:
        failure = by_remedy(error, self._asked.judge, self._settings.secrets, wire, kind)
        failure.took = took(self._asked.judge, wire) if failure.answered else None
        return failure

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._session.aclose()


def _said(wire: WireCall) -> RuntimeError:
    """The body of an error in one line, for where no message is found in it."""
    text = wire.body if isinstance(wire.body, str) else json.dumps(wire.body, ensure_ascii=False)
    return RuntimeError(text[:_SHOWN].strip())
