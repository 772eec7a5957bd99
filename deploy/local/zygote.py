"""A process that has loaded every service and does nothing but fork: a role is ready in a fraction of a cold start.

It owns no event loop, no thread and no connection, and draws nothing random, so what it forks inherits none of them.
It is spoken to in lines of JSON: `{"start": ID, "module": M, "args": [...], "env": {...}, "log": F}` and
`{"signal": ID, "number": N}` come in; `{"loaded": true}`, `{"started": ID, "pid": P}` and `{"ended": ID, "code": C}` go out.
When its standard input closes, or it dies, all that it forked die with it (on Linux).
"""

import atexit
import contextlib
import ctypes
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from typing import Any, NoReturn

import httpx
from pydantic_settings import SettingsError

import shared.roles
from shared.answers import trusted
from shared.migrate import head
from shared.service_names import service_names
from shared.settings import SettingsFault, load

ALSO = (
    "shared.cli.running",
    "deploy.local.dns.__main__",
    "deploy.local.mailbox.__main__",
    "deploy.local.online_service",
    # What would be loaded at first use, then in each role again.
    "anyio._backends._asyncio",
    "cryptography.hazmat.backends.openssl.backend",
    "uvicorn.lifespan.off",
    "uvicorn.protocols.http.httptools_impl",
)
PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15


def main() -> None:
    """Loads, then forks on demand until nobody asks any more."""
    gc.disable()
    preload()
    gc.freeze()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    wake, bell = os.pipe()
    os.set_blocking(bell, False)
    signal.set_wakeup_fd(bell, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    say({"loaded": True})
    children: dict[int, str] = {}
    unread = b""
    while True:
        readable, _, _ = select.select([sys.stdin.fileno(), wake], [], [])
        if wake in readable:
            os.read(wake, 4096)
            for pid, code in ended():
                say({"ended": children.pop(pid), "code": code})
        if sys.stdin.fileno() in readable:
            received = os.read(sys.stdin.fileno(), 65536)
            if not received:
                return
            *lines, unread = (unread + received).split(b"\n")
            for line in lines:
                obey(json.loads(line), children)


def preload() -> None:
    """Loads every service and what they are made of."""
    own = [f"services.{name}.app" for name in service_names()]
    roles = [module.name for module in pkgutil.iter_modules(shared.roles.__path__, "shared.roles.")]
    for name in (*own, *roles, *ALSO):
        importlib.import_module(name)
    rehearse()
    if threading.active_count() > 1:
        raise RuntimeError(f"loading the services started threads: {threading.enumerate()}")


def rehearse() -> None:
    """Does once what every role does first and what leaves something behind: certificates read, classes compared."""
    httpx.AsyncClient(verify=trusted())
    for name in service_names():
        head(name)
        with contextlib.suppress(SettingsFault, SettingsError):
            load(importlib.import_module(f"services.{name}.app").SERVICE.settings)


def obey(order: dict[str, Any], children: dict[int, str]) -> None:
    """Forks a role, or passes a signal on to one that still runs."""
    if "start" in order:
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            become(order, parent)
        children[pid] = order["start"]
        say({"started": order["start"], "pid": pid})
    else:
        for pid, name in children.items():
            if name == order["signal"]:
                os.kill(pid, order["number"])


def ended() -> Iterator[tuple[int, int]]:
    """Children that have ended, with their exit codes; a signal's is negative."""
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            yield pid, os.waitstatus_to_exitcode(status)


def become(order: dict[str, Any], parent: int) -> NoReturn:
    """Turns a fresh fork into the role: its own session, environment, output and arguments; never returns."""
    code = 1
    try:
        os.setsid()
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            ctypes.CDLL(None).prctl(PR_SET_NAME, order["start"].encode()[:15], 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
        redirect(order["log"])
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        os.environ.clear()
        os.environ.update(order["env"])
        gc.enable()
        sys.argv = [order["module"], *order["args"]]
        runpy.run_module(order["module"], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            sys.stderr.write(end.code + "\n")
    except BaseException:  # noqa: BLE001 -- the last frame of this process: what went wrong is for its log
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()  # noqa: SLF001 -- os._exit would leave them out
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def redirect(log: str) -> None:
    """Standard output and error go to the log, standard input comes from nowhere; the zygote's own pipes are let go."""
    nowhere = os.open(os.devnull, os.O_RDONLY)
    out = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(nowhere, 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.closerange(3, 64)


def say(words: dict[str, Any]) -> None:
    """One line to whoever started us."""
    os.write(1, json.dumps(words).encode() + b"\n")


if __name__ == "__main__":
    main()
