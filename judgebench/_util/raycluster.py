"""Ray, found and started: the cluster at an address, or one of this machine's own for as long as a command runs."""

from __future__ import annotations

import logging
import os
import re
import socket
import subprocess
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgebench._util.text import one_line
from judgebench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDRESS = "RAY_ADDRESS"
"""Ray's own variable."""

_OBJECTS_BYTES = 256 * 2**20
"""What a machine's own Ray may hold of bundles; a bundle has at most 64 calls."""
SHOWN_S = 0.3
"""Until a step is on the screen, which stands still while Ray starts (`quiet`)."""
_CONNECT_S = 5.0
_PORTS = 65_536
_LOST = (
    "judgebench: ended early: its Ray was stopped or lost, or it was killed; the replies that came are kept: rerun the "
    "same command to resume"
)
_FIX = "start one with ray start --head, or leave it out for one on this machine"
_FRAME_HEAD, _SETTINGS = 9, b"\x04"
_HTTP2_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + _SETTINGS + bytes(5)
"""What a client of gRPC says first; the server answers with a frame of its own settings (RFC 9113, 3.4)."""

_NO_MODULE = re.compile(r"No module named '(\w+)")
_DEAD_ACTOR = re.compile(r"class_name: (\w+)")
_ERROR_LINE = re.compile(r"^(?:\w+\.)*(\w+(?:Error|Exception): .+)$", re.MULTILINE)
_WRAPPED = "UserCodeException"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Ray that is connected to.

    Attributes:
        ours: Whether this command connected to it, and so is to leave it.
        watch: Says what has happened where Ray ends this process.
    """

    ours: bool
    watch: LastWords

    @classmethod
    def connected(cls, address: str | None) -> Cluster:
        """Connects to the cluster at the address; without one, starts one on this machine.

        A Python program that has called `ray.init` itself keeps its connection.

        Raises:
            ConfigError: There is none, or its Ray or Python is of another version.
        """
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # its libraries write to standard error
        import ray
        import ray.data  # which sets levels of its own

        _silence()
        if ray.is_initialized():
            return cls(ours=False, watch=LastWords(_LOST))
        where, named = _given(address)
        own: dict[str, Any] = {"address": where}
        if where is None or where == "local":
            own = {"address": "local", "object_store_memory": _OBJECTS_BYTES, "include_dashboard": False}
        try:
            with quiet():
                ray.init(**own, logging_level=logging.CRITICAL, log_to_driver=False, configure_logging=False)
            worker_logs: Any = import_module("ray._private.worker")
            worker_logs._worker_logs_enabled = False  # noqa: SLF001 - messages of raylets, which go to standard output
        except (OSError, RuntimeError, ValueError) as error:
            if where == "auto" and isinstance(error, ConnectionError):
                raise ConfigError(f"{named} auto: no Ray cluster runs on this machine; {_FIX}") from None
            said = one_line(str(error))[:300]
            if "Version mismatch" in said:
                said = f"{said}: use the same versions on all machines"
            raise ConfigError(f"Ray cannot be {'reached' if where else 'started here'}: {said}") from None
        return cls(ours=True, watch=LastWords(_LOST))

    @property
    def cpus(self) -> float:
        """CPUs that are free, or where none is, that there are."""
        import ray

        free = ray.available_resources().get("CPU", 0.0)
        return float(free if free >= 1 else ray.cluster_resources().get("CPU", 1.0))

    @property
    def gpus(self) -> int:
        """GPUs that are free, or where none is, that there are."""
        import ray

        free = ray.available_resources().get("GPU", 0.0)
        return int(free if free >= 1 else ray.cluster_resources().get("GPU", 0.0))

    def left(self) -> None:
        """Ends the connection, and a cluster that was started here."""
        import ray

        if self.ours and ray.is_initialized():
            _silence()
            ray.shutdown()
        self.watch.close()


class LastWords:
    """A line on standard error where this process ends before `close`: Ray ends it without one when it is lost itself.

    Args:
        line: What is said then, by a shell that outlives this process.
    """

    def __init__(self, line: str) -> None:
        say = 'read -r word || printf "%s\\n" "$1" >&2'
        with suppress(OSError):  # no shell
            self._shell = subprocess.Popen(  # noqa: S603 - the line is our own
                ["/bin/sh", "-c", say, "sh", line],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )

    def close(self) -> None:
        """Nothing need be said."""
        shell: subprocess.Popen[bytes] | None = self.__dict__.pop("_shell", None)
        if shell is not None:
            with suppress(OSError):
                shell.communicate(b"all is well\n")


def _silence() -> None:
    """Ray and its Data set levels of their own, more than once."""
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing goes to standard error: Ray's own libraries write there while they start, whatever their level is."""
    before = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)


def check_ray(address: str | None) -> None:
    """Finds out whether there can be a pipeline; starts nothing.

    Raises:
        ConfigError: Ray is not installed, the address is none, or nothing is there.
    """
    if find_spec("ray") is None or find_spec("pandas") is None or find_spec("pyarrow") is None:
        raise ConfigError("--engine ray needs Ray: pip install 'judgebench[ray]'")
    check_address(address)


def check_address(address: str | None) -> None:
    """Finds out whether something answers at the cluster's address.

    Args:
        address: As it was given; None for `RAY_ADDRESS`, where that is set.

    Raises:
        ConfigError: It is no address, or nothing does.
    """
    where, named = _given(address)
    if where is None or where in {"local", "auto"}:
        return
    host, _, port = where.rpartition(":")
    if "//" in where or not host or not (port.isdecimal() and 0 < int(port) < _PORTS):
        fix = "start the command on a machine of the cluster (ray job submit does)" if "//" in where else ""
        raise ConfigError(f"{named} is '{where}': expected HOST:PORT, auto or local{fix and '; ' + fix}")
    if (reason := _silent(host.strip("[]"), int(port))) is not None:
        raise ConfigError(f"{named} {where}: no Ray cluster answers there ({reason}); {_FIX}")


def _silent(host: str, port: int) -> str | None:
    """Why no server of gRPC answers, within seconds; None where one does. Ray itself tries for minutes."""
    try:
        with closing(socket.create_connection((host, port), _CONNECT_S)) as connection:
            connection.sendall(_HTTP2_GREETING)
            said = connection.recv(_FRAME_HEAD)
    except OSError as error:
        return error.strerror or str(error)
    return None if said[3:4] == _SETTINGS else "something else does"


def _given(address: str | None) -> tuple[str | None, str]:
    """The address that counts, if any, and what gave it."""
    return (address, "--ray-address") if address else (os.environ.get(ADDRESS) or None, ADDRESS)


def check_version(wanted: str) -> None:
    """Finds out, on a worker, whether its judgebench is the command's.

    Raises:
        ConfigError: It is of another version.
    """
    if (here := version("judgebench")) != wanted:
        raise ConfigError(
            f"a Ray worker has judgebench {here}, this command {wanted}: install the same version on all machines "
            "of the cluster"
        )


def not_installed(error: BaseException) -> ConfigError | None:
    """What to say where a worker's machine lacks judgebench, or the code of a judge; None where that is not why."""
    if (module := _NO_MODULE.search(str(error))) is None:
        return None
    return ConfigError(f"a Ray worker has no {module[1]}: install it on all machines of the cluster")


def said_by_ray(error: BaseException) -> str:
    """What is wrong, in one line: Ray's messages have whole tracebacks and advice in them."""
    cause: BaseException | None = error
    while cause is not None and cause.__cause__ is not None:
        cause = cause.__cause__
    text = str(cause)
    if (actor := _DEAD_ACTOR.search(text)) is not None:
        return f"its actor {actor[1]} died"
    errors = [each for each in _ERROR_LINE.findall(text) if not each.startswith(_WRAPPED)]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = errors[-1] if errors else f"{type(cause).__name__}: {lines[-1]}" if lines else type(cause).__name__
    return one_line(said)[:300]
