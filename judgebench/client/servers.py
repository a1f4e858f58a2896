"""What a server of one's own says of itself over plain HTTP: its context, its slots, the tokens of a prompt.

Each asks another way. What it does not say is None, and so is all of a server that cannot be reached: nothing depends
on it.
"""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from judgebench.client.providers.direct.transport import certificates
from judgebench.errors import ConfigError
from judgebench.judges import address_of, call_settings, key_of, key_variables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.judges import Judge

_OLLAMA = frozenset({"ollama", "ollama_chat"})
_SPEAK_OPENAI = frozenset({"openai", "hosted_vllm", "lm_studio", "llamafile"})
_CONNECT_S, _READ_S = 2.0, 10.0
_MOST_BYTES = 16 * 2**20
_OK = 200
_PER_MESSAGE = 5
"""Tokens that a chat template puts around a message, where a server counts texts alone."""


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """What a server answered to a call.

    Attributes:
        status: Of the response; 0 where none came.
        body: The object in it.
        read: The tokens of the prompt that it says it has read.
        choices: How many replies came.
    """

    status: int
    body: dict[str, object]
    read: int | None
    choices: int

    @property
    def said(self) -> str:
        """The error in it, in its own words."""
        error = self.body.get("error", self.body.get("detail", self.body))
        message = error.get("message") if isinstance(error, dict) else error
        return str(message or f"status {self.status}")


@dataclass
class LocalServer:
    """A server of one's own, which is asked as it is looked at, each thing once.

    Attributes:
        address: Where it is; of the OpenAI protocol with `/v1`.
        model: As the server knows it.
        ollama: Whether it speaks Ollama's own protocol.
        num_ctx: The context that Ollama is asked for in each call.
        headers: What goes out with each request: the judge's key.
        verify: Whether certificates are checked, or the file of those that are trusted.
    """

    address: str
    model: str
    ollama: bool = False
    num_ctx: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    verify: bool | str = True

    @property
    def local(self) -> bool:
        """Whether it is on this machine."""
        host = urlsplit(self.address).hostname or ""
        try:
            return host == "localhost" or host.endswith(".localhost") or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    @cached_property
    def models(self) -> tuple[str, ...]:
        """The models that it lists."""
        named = [each.get("name") if self.ollama else each.get("id") for each in self._listed]
        return tuple(each for each in named if isinstance(each, str))

    @cached_property
    def kind(self) -> str:
        """Whose it is, as it says of the model: `vllm`, `sglang`, `llamacpp`, `ollama`, ...; empty if it does not."""
        return "ollama" if self.ollama else str(self._entry.get("owned_by") or "")

    @cached_property
    def context(self) -> int | None:
        """The most tokens that one prompt and its answer may have together."""
        if self.ollama:
            return self._context_of_ollama()
        said = _count(self._entry.get("max_model_len"))
        if said is None and self.kind == "llamacpp":
            settings = self._got("/props").get("default_generation_settings")
            said = _count(settings.get("n_ctx")) if isinstance(settings, dict) else None
        if said is None and self.kind.startswith("organization"):  # LM Studio
            listed = _entries(self._got("/api/v0/models").get("data"))
            said = _count(_named(listed, self.model, "id").get("loaded_context_length"))
        return said

    @cached_property
    def slots(self) -> int | None:
        """How many calls it makes side by side."""
        return _count(self._got("/props").get("total_slots")) if self.kind == "llamacpp" else None

    def count(self, messages: Sequence[Mapping[str, str]]) -> int | None:
        """The tokens of a prompt by the server's own tokenizer; None where it offers none.

        Args:
            messages: As they are sent.
        """
        if self.ollama or not self.models:
            return None
        asked, text = [dict(each) for each in messages], "\n".join(each["content"] for each in messages)
        around = _PER_MESSAGE * (len(asked) + 1)
        if self.kind == "llamacpp":
            said = self._got("/v1/chat/completions/input_tokens", {"messages": asked}).get("input_tokens")
            if _count(said) is not None:
                return _count(said)
            tokens = self._got("/tokenize", {"content": text, "add_special": True}).get("tokens")
            return len(tokens) + around if isinstance(tokens, list) else None
        if self.kind in {"vllm", "sglang"}:
            whole = _count(self._got("/tokenize", {"model": self.model, "messages": asked}).get("count"))
            if whole is not None:
                return whole
            bare = _count(self._got("/tokenize", {"model": self.model, "prompt": text}).get("count"))
            return None if bare is None else bare + around
        if self.kind == "me":  # llama-cpp-python
            bare = _count(self._got("/extras/tokenize/count", {"input": text}).get("count"))
            return None if bare is None else bare + around
        return None

    def chat(self, text: str, *, seconds: float, **params: object) -> RawAnswer:
        """What the server itself answers to one message, where LiteLLM hands on a part of it.

        Args:
            text: The message.
            seconds: How long it may take.
            params: Of the call, as the OpenAI protocol names them.
        """
        messages = [{"role": "user", "content": text}]
        if self.ollama:
            options = {"num_predict": params.get("max_tokens"), "temperature": params.get("temperature")}
            options |= {} if self.num_ctx is None else {"num_ctx": self.num_ctx}
            body: dict[str, object] = {"model": self.model, "messages": messages, "stream": False, "options": options}
            status, said = self._exchanged("/api/chat", body, seconds)
            return RawAnswer(status, said, _count(said.get("prompt_eval_count")), 1 if status == _OK else 0)
        status, said = self._exchanged(
            "/v1/chat/completions", {"model": self.model, "messages": messages, **params}, seconds
        )
        usage, choices = said.get("usage"), said.get("choices")
        read = _count(usage.get("prompt_tokens")) if isinstance(usage, dict) else None
        return RawAnswer(status, said, read, len(choices) if isinstance(choices, list) else 0)

    def _context_of_ollama(self) -> int | None:
        """What is asked for, else what is loaded, else what its model file says; no more than the model takes."""
        shown = self._got("/api/show", {"model": self.model})
        known = shown.get("model_info")
        sizes = (
            [_count(size) for name, size in known.items() if str(name).endswith(".context_length")]
            if isinstance(known, dict)
            else []
        )
        most = next(filter(None, sizes), None)
        said = self.num_ctx
        if said is None:
            loaded = _entries(self._got("/api/ps").get("models"))
            said = _count(_named(loaded, self.model, "name").get("context_length"))
        if said is None:
            lines = str(shown.get("parameters") or "").splitlines()
            parts = (line.split() for line in lines)
            said = next(
                (int(each[1]) for each in parts if each[:1] == ["num_ctx"] and each[1:] and each[1].isdigit()), None
            )
        return min(said, most) if said and most else said

    @cached_property
    def _listed(self) -> list[dict[str, Any]]:
        said = self._got("/api/tags" if self.ollama else "/v1/models")
        return _entries(said.get("models" if self.ollama else "data"))

    @cached_property
    def _entry(self) -> dict[str, Any]:
        """What it lists of the model; of the only one it has, by whatever name that is asked for."""
        found = _named(self._listed, self.model, "id")
        return found or (self._listed[0] if len(self._listed) == 1 else {})

    def _got(self, path: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
        """The object that it answers with; empty where none comes.

        Args:
            path: Below the server's address without `/v1`.
            body: What is posted; None to get.
        """
        status, said = self._exchanged(path, body, _READ_S)
        return said if status == _OK else {}

    def _where(self, path: str) -> str:
        """The address of a path; what stands behind a question mark stays."""
        parts = urlsplit(self.address)
        base = parts.path.rstrip("/").removesuffix("/chat/completions")
        below = base + path.removeprefix("/v1") if path.startswith("/v1/") else base.removesuffix("/v1") + path
        return urlunsplit((parts.scheme, parts.netloc, below, parts.query, ""))

    def _exchanged(self, path: str, body: Mapping[str, object] | None, seconds: float) -> tuple[int, dict[str, Any]]:
        """The status, 0 where no answer came, and the object that came with it."""
        import httpx

        where = self._where(path)
        timeout = httpx.Timeout(seconds, connect=_CONNECT_S)
        read = bytearray()
        try:
            with (
                httpx.Client(
                    timeout=timeout, headers=self.headers, trust_env=not self.local, verify=certificates(self.verify)
                ) as client,
                client.stream("GET" if body is None else "POST", where, json=body) as response,
            ):
                for part in response.iter_bytes():
                    read += part
                    if len(read) > _MOST_BYTES:
                        return 0, {}
            said = json.loads(read)
        except (httpx.HTTPError, httpx.InvalidURL, OSError):
            return 0, {}
        except (ValueError, RecursionError):
            return response.status_code, {}
        return response.status_code, said if isinstance(said, dict) else {}


def server_of(judge: Judge) -> LocalServer | None:
    """The server of one's own behind a judge; None where its model is a provider's, or no key is there for it.

    Args:
        judge: Who is asked.
    """
    ollama = judge.provider in _OLLAMA
    if judge.offline or judge.decides or judge.function is not None or not (ollama or judge.provider in _SPEAK_OPENAI):
        return None
    address = judge.api_base or address_of(judge) or ("http://127.0.0.1:11434" if ollama else None)
    if address is None:
        return None
    try:
        settings = call_settings(judge)
    except ConfigError:
        return None
    variables = () if judge.found and judge.api_key_env is None else key_variables(judge)
    key = settings.get("api_key") or next(filter(None, map(key_of, variables)), "")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    for own in map(settings.get, ("default_headers", "headers", "extra_headers")):
        headers |= {str(name): str(value) for name, value in (own if isinstance(own, dict) else {}).items()}
    num_ctx = (judge.params or {}).get("num_ctx")
    return LocalServer(
        address,
        judge.model.partition("/")[2],
        ollama,
        num_ctx if isinstance(num_ctx, int) else None,
        headers,
        settings.get("ssl_verify", True),
    )


def _count(said: object) -> int | None:
    """A count that a server said; None for anything else."""
    if isinstance(said, list) and len(said) == 1:
        said = said[0]
    return said if isinstance(said, int) and not isinstance(said, bool) and said > 0 else None


def _entries(said: object) -> list[dict[str, Any]]:
    return [each for each in said if isinstance(each, dict)] if isinstance(said, list) else []


def _named(entries: Sequence[dict[str, Any]], model: str, key: str) -> dict[str, Any]:
    """The entry of a model, which Ollama names with a tag."""
    names = {model, f"{model}:latest"}
    return next((each for each in entries if each.get(key) in names), {})
