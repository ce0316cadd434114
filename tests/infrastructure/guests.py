"""A program that opens studios, and tells how it found itself changed afterwards; nothing at all is as it should be."""

from __future__ import annotations

import asyncio
import ctypes
import decimal
import faulthandler
import gc
import locale
import logging
import os
import signal
import socket
import sys
import threading
import warnings
import zoneinfo
from itertools import count, takewhile
from pathlib import Path

import sqlalchemy  # noqa: F401  # sets its own logger's level

from imagestudio import Request, open_blocking, open_studio

LAKE = Request("text-to-image", "acme", {"prompt": "a lake"}, model="scripted-image")


def surroundings() -> dict[str, object]:
    """What a process has but once, and so shares with whatever runs in it."""
    umask = os.umask(0o22)
    os.umask(umask)
    return {
        "collector": (gc.get_threshold(), gc.isenabled(), gc.get_freeze_count()),
        "log records": (logging.root.manager.disable, logging.getLoggerClass(), logging.getLogRecordFactory()),
        "warnings": (list(warnings.filters), warnings.showwarning),
        "environment": dict(os.environ),
        "environment of children": environment_of_children(),
        "imports": (list(sys.path), list(sys.meta_path), list(sys.path_hooks)),
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "hooks": (sys.excepthook, sys.unraisablehook, sys.displayhook, sys.breakpointhook, threading.excepthook),
        "tracing": (sys.gettrace(), sys.getprofile(), threading.gettrace(), faulthandler.is_enabled()),
        "interpreter": (sys.getswitchinterval(), sys.getrecursionlimit(), sys.get_int_max_str_digits()),
        "decimals": (repr(decimal.getcontext()), repr(decimal.DefaultContext)),
        "place": (locale.setlocale(locale.LC_ALL), zoneinfo.TZPATH, Path.cwd(), umask, socket.getdefaulttimeout()),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "threads": {thread.name for thread in threading.enumerate()},
    }


def environment_of_children() -> dict[bytes, bytes]:
    """As C has it: `os.putenv` does not tell Python."""
    pairs = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
    every = takewhile(lambda pair: pair is not None, (pairs[place] for place in count()))
    return {name: value for name, _, value in (pair.partition(b"=") for pair in every if pair)}


def loggers() -> dict[str, object]:
    """How those are set that are not as they were made; a library gives its own a handler that does nothing."""
    every = [logging.root, *logging.root.manager.loggerDict.values()]
    told = {one.name: told_of(one) for one in every if isinstance(one, logging.Logger)}
    return {name: said for name, said in told.items() if said != (logging.NOTSET, True, False, [], [])}


def told_of(one: logging.Logger) -> tuple[object, ...]:
    heard = [handler for handler in one.handlers if not isinstance(handler, logging.NullHandler)]
    return one.level, one.propagate, one.disabled, list(one.filters), heard


async def visit(*, serve: bool) -> None:
    async with open_studio(serve=serve) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.operations.run(LAKE)


def changed(before: dict[str, object]) -> list[str]:
    after = {"loggers": loggers(), **surroundings()}
    return [f"{name}: {difference(before[name], after[name])}" for name in before if before[name] != after[name]]


def difference(before: object, after: object) -> str:
    """Of what has names these alone, as an environment may hold secrets."""
    if isinstance(before, dict) and isinstance(after, dict):
        return str({name for name in {*before, *after} if before.get(name) != after.get(name)})
    return f"{before} -> {after}"


def main() -> None:
    asyncio.run(asyncio.sleep(0))
    before = {"loggers": loggers(), **surroundings()}
    for serve in (False, True):
        asyncio.run(visit(serve=serve))
    with open_blocking() as studio:
        studio.operations.run(LAKE)
    sys.exit("\n".join(changed(before)) or 0)


if __name__ == "__main__":
    main()
