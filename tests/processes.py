"""Commands in processes of their own, forked from one that has imported the libraries, which is most of a start."""

from __future__ import annotations

import atexit
import contextlib
import errno
import fcntl
import gc
import importlib
import io
import json
import os
import pkgutil
import random
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path
from typing import IO, Any, Self

_AT_A_CALL = (
    "litellm.litellm_core_utils.default_encoding",
    "litellm.llms.edenai.chat.transformation",
    "litellm.llms.fal_ai.chat.transformation",
    "litellm.llms.github_copilot.authenticator",
    "litellm.llms.hosted_vllm.chat.transformation",
    "litellm.llms.litellm_proxy.chat.transformation",
    "litellm._service_logger",
    "litellm.proxy._types",
    "litellm.proxy.spend_tracking.savings",
    "httpx",
    "numpy.random",
    "pandas",
    "pyarrow.dataset",
    "tenacity",
)
"""What a live run, and reading a dataset, imports beside the package and LiteLLM."""
_LONGEST = 1 << 20  # a request: the arguments and the environment
_WELCOME = b"."


class Running:
    """A command that was started, as `subprocess.Popen` has it; its streams are pipes of text.

    Args:
        arguments: Of `judgebench`.
        cwd: Its folder; this process's unless given.
        env: Its environment; this process's unless given.
        streams: File descriptors in the place of standard input, output and error; None makes a pipe.
        code: What is run in place of the command, with the same arguments.
        leads: Whether it leads a session, of which the terminal on its standard input is the terminal.
    """

    def __init__(
        self,
        *arguments: object,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
        streams: tuple[int | None, int | None, int | None] = (subprocess.DEVNULL, None, None),
        leads: bool = False,
        code: str = "",
    ) -> None:
        place = {"cwd": str(cwd or Path.cwd()), "env": env or dict(os.environ), "leads": leads, "code": code}
        request = {"arguments": [*map(str, arguments)], **place}
        self.returncode: int | None = None
        self._status, theirs = _pair()
        with contextlib.ExitStack() as opened:
            opened.callback(theirs.close)
            given = [_stream(stream, opened, writes=at > 0) for at, stream in enumerate(streams)]
            _parent().send(json.dumps(request).encode(), [theirs.fileno(), *(theirs for theirs, _ in given)])
        self.stdin, self.stdout, self.stderr = (ours for _, ours in given)
        self.pid = int(self._status.recv(20))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.wait()
        self._close()

    def poll(self) -> int | None:
        """The exit status, negative where a signal ended it; None while it runs."""
        if self.returncode is None and select.select([self._status], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self, timeout: float | None = 120) -> int:
        if self.returncode is None:
            self._status.settimeout(timeout)
            self.returncode = os.waitstatus_to_exitcode(int(self._status.recv(20)))
            self._status.close()
        return self.returncode

    def communicate(self, timeout: float | None = 120) -> tuple[str, str]:
        """What it still prints on both streams."""
        read: dict[int, str] = {}
        readers = [
            threading.Thread(target=lambda at=at, stream=stream: read.update({at: stream.read()}), daemon=True)
            for at, stream in enumerate((self.stdout, self.stderr))
            if stream is not None
        ]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join(timeout)
        self._close()
        return read.get(0, ""), read.get(1, "")

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _close(self) -> None:
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream is not None:
                stream.close()


def _pair() -> tuple[socket.socket, socket.socket]:
    """Two ends between which messages stay apart."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def _unconnected() -> socket.socket:
    return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def _stream(stream: int | None, opened: contextlib.ExitStack, *, writes: bool) -> tuple[int, IO[str] | None]:
    """The descriptor that the command gets, and our end of it where it is a pipe."""
    if stream == subprocess.DEVNULL:
        theirs = os.open(os.devnull, os.O_RDWR)
    elif stream is not None:
        return stream, None
    else:
        ends = os.pipe()
        theirs, ours = ends[::-1] if writes else ends
        opened.callback(os.close, theirs)
        return theirs, open(ours, "r" if writes else "w", encoding="utf-8")  # noqa: PTH123
    opened.callback(os.close, theirs)
    return theirs, None


class _Parent:
    """The process that commands are forked from, and the way to it.

    It is one for all processes of a run of the tests, started by whichever needs it first: its name is taken by then.
    """

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.process: subprocess.Popen[bytes] | None = None
        while (found := self._meet()) is None:
            assert self.process is None or self.process.poll() is None, "it has not started"
            time.sleep(0.05)
        self.socket = found
        atexit.register(self.close)

    def _meet(self) -> socket.socket | None:
        """The way to it; None where another's is only starting, or already ending."""
        name = f"\0judgebench-{os.environ.get('PYTEST_XDIST_TESTRUNUID', os.getpid())}"
        with _unconnected() as listening:
            try:
                listening.bind(name)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                listening.listen(100)
                command = [sys.executable, __file__, str(listening.fileno())]
                folder = Path(__file__).parent.parent
                # What the first test sets for its own command is no part of what all are forked from.
                plain = {name: value for name, value in os.environ.items() if not name.startswith(("_", "COMP_"))}
                self.process = subprocess.Popen(command, pass_fds=[listening.fileno()], cwd=folder, env=plain)
        way = _unconnected()
        way.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LONGEST)
        with contextlib.suppress(ConnectionError):
            way.connect(name)
            if way.recv(len(_WELCOME)):
                return way
        way.close()
        return None

    def send(self, request: bytes, descriptors: list[int]) -> None:
        socket.send_fds(self.socket, [request], descriptors)

    def is_gone(self) -> bool:
        return bool(select.select([self.socket], [], [], 0)[0])  # it sends nothing by this way: what is there is an end

    def close(self) -> None:
        if os.getpid() == self.pid:
            self.socket.close()
            if self.process is not None:
                self.process.wait()


def way() -> int:
    """A descriptor that `python processes.py ask` has to inherit, to be a command that is forked as well."""
    return _parent().socket.fileno()


_parents: list[_Parent] = []


def _parent() -> _Parent:
    if not _parents or _parents[-1].is_gone():
        _parents.append(_Parent())
    return _parents[-1]


# --- in the process that commands are forked from

_set_by_imports: dict[str, str] = {}


def _serve(listening: socket.socket) -> dict[str, Any]:
    """Forks a child for each request, in which it returns; here it ends when nobody is left to ask."""
    asking: list[socket.socket] = []
    waking, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    running: dict[int, socket.socket] = {}
    while True:
        ready = select.select([listening, waking, *asking], [], [])[0]
        if waking in ready:
            os.read(waking, 1000)
            _tell_ended(running)
            continue
        if listening in ready:
            asking.extend(_let_in(listening))
            continue
        text, descriptors, *_ = socket.recv_fds(ready[0], _LONGEST, 4)
        if not text:
            ready[0].close()
            asking.remove(ready[0])
            if not asking:
                sys.exit()
            continue
        if not (pid := os.fork()):
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for each in (waking, woken):
                os.close(each)
            for each in (listening, *asking, *running.values()):
                each.close()
            return {**json.loads(text), "descriptors": descriptors}
        running[pid] = socket.socket(fileno=descriptors[0])
        with contextlib.suppress(OSError):  # it may have been killed by now
            running[pid].send(str(pid).encode())
        for descriptor in descriptors[1:]:
            os.close(descriptor)


def _let_in(listening: socket.socket) -> list[socket.socket]:
    """Who asks next, unless it is somebody else: what runs here runs with our rights."""
    asking, _ = listening.accept()
    _, user, _ = struct.unpack("3i", asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    if user == os.getuid():
        asking.send(_WELCOME)
        return [asking]
    asking.close()
    return []


def _tell_ended(running: dict[int, socket.socket]) -> None:
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
            with running.pop(ended[0]) as told, contextlib.suppress(OSError):
                told.send(str(ended[1]).encode())


def _become(request: dict[str, Any]) -> None:
    """Makes this process what a fresh start of the command would be."""
    told, *streams = request["descriptors"]
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    for descriptor in {told, *streams}:
        os.close(descriptor)
    if request["leads"]:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", buffering=1 if os.isatty(1) else -1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr
    os.environ.clear()
    os.environ.update(_set_by_imports | request["env"])
    os.chdir(request["cwd"])
    random.seed()
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may have it ignored (nohup)
    sys.argv = ["judgebench", *request["arguments"]]


def _read_what_ships() -> None:
    """What the package reads and checks once a process (judges, templates, prices), no command reads again.

    No run is made: it starts threads, which no fork takes along.
    """
    for arguments in (("run", "--dry-run"), ("judges", "list")):
        sys.argv = ["judgebench", *arguments]
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            contextlib.suppress(SystemExit),
        ):
            runpy.run_module("judgebench", run_name="__main__", alter_sys=True)
    sys.modules["judgebench.runs.manifest"].Manifest.model_rebuild()


def _leave(status: object) -> None:
    """Ends this process as Python does, but for taking all modules apart: that writes to each page it shares.

    Where a stream cannot be written, or the status is a text, Python's own end is left to say so.
    """
    if not isinstance(status, int | None):
        return
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        return
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    os._exit(status or 0)


def _ask(asking: int, arguments: list[str]) -> int:
    """Has a command forked on the streams of this process; its exit status."""
    ours, theirs = _pair()
    request = {"arguments": arguments, "cwd": str(Path.cwd()), "env": dict(os.environ), "leads": False, "code": ""}
    with socket.socket(fileno=asking) as parent, theirs:
        socket.send_fds(parent, [json.dumps(request).encode()], [theirs.fileno(), 0, 1, 2])
    with ours:
        ours.recv(20)
        return os.waitstatus_to_exitcode(int(ours.recv(20)))


if __name__ == "__main__":
    if sys.argv[1] == "ask":
        sys.exit(_ask(int(sys.argv[2]), sys.argv[3:]))
    given, listens_at = dict(os.environ), int(sys.argv[1])
    sys.path[0] = str(Path(__file__).parent.parent)
    for module in pkgutil.walk_packages([str(Path("judgebench"))], "judgebench."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    sys.modules["judgebench.client.providers.litellm.transport"].litellm()
    for name in _AT_A_CALL:
        importlib.import_module(name)
    _set_by_imports.update({name: value for name, value in os.environ.items() if given.get(name) != value})
    _read_what_ships()
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=listens_at) as asked:
        work = _serve(asked)
    _become(work)
    try:
        if work["code"]:
            exec(work["code"], {"__name__": "__main__"})
            sys.exit()
        runpy.run_module("judgebench", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        _leave(ended.code)
        raise
