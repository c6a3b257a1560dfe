"""Commands as processes of their own that need not import the program first: copies of a process that has done so.

To import it is most of what a small command takes, and tests run a thousand of them. What is only true of a process
that starts from nothing, such as the encoding of its streams, is tested with `subprocess`.
"""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from tempfile import TemporaryFile

_LIMIT = 60.0
"""Seconds after which a command is taken for hung."""

_MESSAGE = 1 << 20
"""Bytes that a command's words and environment may have."""

_ELSEWHERE = ("rowferry.api", "rowferry.migrations", "rowferry.alembic_plugin")
"""What commands import only to serve, and what only Alembic imports."""


_OF_PYTHON = ("PYTHONIOENCODING", "PYTHONUTF8", "PYTHONWARNINGS", "LANG", "LC_")
"""What variables begin with that Python heeds only when it starts."""


def run_bytes(
    *words: object, env: Mapping[str, str], cwd: Path | None = None, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run `rowferry` with words, as `subprocess.run` would, but from a file as its input."""
    unlike = {name for name, value in env.items() if name.startswith(_OF_PYTHON) and os.environ.get(name) != value}
    assert not unlike, f"use subprocess: only a process that starts from nothing heeds {unlike}"
    said = [*map(str, words)]
    asked = json.dumps([said, dict(env), str(cwd or Path.cwd())]).encode()
    with TemporaryFile() as source, ThreadPoolExecutor(2) as readers:
        source.write(stdin)
        source.seek(0)
        (output, to_output), (errors, to_errors) = os.pipe(), os.pipe()
        printed = readers.map(_read, (output, errors))
        code = _ask(asked, [source.fileno(), to_output, to_errors])
        return subprocess.CompletedProcess(["rowferry", *said], code, *printed)


def run_text(
    *words: object, env: Mapping[str, str], cwd: Path | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """The same with texts, whose lines end in a line feed."""
    ran = run_bytes(*words, env=env, cwd=cwd, stdin=stdin.encode())
    printed = (stream.decode().replace("\r\n", "\n") for stream in (ran.stdout, ran.stderr))
    return subprocess.CompletedProcess(ran.args, ran.returncode, *printed)


def _read(pipe: int) -> bytes:
    with open(pipe, "rb") as stream:
        return stream.read()


def _ask(asked: bytes, streams: list[int]) -> int:
    """The exit code of what the server of this process was asked to run; the pipes that it prints to are its alone."""
    server = _server()
    socket.send_fds(server, [asked], streams)
    for pipe in streams[1:]:
        os.close(pipe)
    started = int(server.recv(20))
    try:
        return int(server.recv(20))
    except TimeoutError:
        os.kill(started, signal.SIGKILL)
        raise


@cache
def _server() -> socket.socket:
    """The server of this process, which ends when nobody can ask it any more."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(_LIMIT)
    with theirs:
        words = [sys.executable, __file__, str(theirs.fileno())]
        process = subprocess.Popen(
            words, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
    atexit.register(process.wait, _LIMIT)
    atexit.register(ours.close)
    return ours


def _serve(connection: socket.socket) -> None:
    """Do what is asked until nobody is there to ask."""
    while True:
        asked, streams, _, _ = socket.recv_fds(connection, _MESSAGE, 3)
        if not asked:
            return
        started = os.fork()
        if not started:
            connection.close()
            _become(streams, *json.loads(asked))
        for stream in streams:
            os.close(stream)
        connection.send(str(started).encode())
        _, status = os.waitpid(started, 0)
        connection.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(streams: list[int], words: list[str], env: dict[str, str], cwd: str) -> None:
    """Be a command from here on, with its streams, words, environment and folder."""
    for descriptor, stream in enumerate(streams):
        os.dup2(stream, descriptor)
        os.close(stream)
    # Streams remember what they were opened on: whether there is a place in it to go to, for example.
    sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv = ["rowferry", *words]
    sys.path[:1] = [str(Path(sys.executable).parent), *filter(None, env.get("PYTHONPATH", "").split(os.pathsep))]
    import_module("rowferry.cli.main").main()


def _import_all() -> None:
    import_module("rowferry.settings").set_up_libraries()
    for module in walk_packages(import_module("rowferry").__path__, "rowferry."):
        if not module.name.startswith(_ELSEWHERE):
            import_module(module.name)


if __name__ == "__main__":
    _import_all()
    _serve(socket.socket(fileno=int(sys.argv[1])))
