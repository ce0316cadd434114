"""Ctrl-C, again and again, at the moments that count; and what is woken by it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from infrastructure.cli.interrupting import interruptible
from infrastructure.cli.serve import fast_loop
from tests.infrastructure.cli.test_processes import start
from tests.patience import SECONDS

LEAVES_SLOWLY = """
import asyncio, os, signal, sys
from contextlib import asynccontextmanager
from threading import Timer
from time import sleep
from infrastructure import cli
from infrastructure.cli import app
from infrastructure.cli.commands import command
from infrastructure.cli.session import CommandSession
def again():
    os.kill(os.getpid(), signal.SIGINT)
@asynccontextmanager
async def leaving():
    try:
        yield
    finally:
        {leave}
@command(app.app)
async def waits(session: CommandSession) -> int:
    '''Wait.'''
    async with leaving():
        try:
            again()
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            {told}
            raise
    return 0
sys.exit(cli.main(["waits"]))
"""


@pytest.mark.parametrize(
    ("told", "leave"),
    [
        pytest.param("again()", "await asyncio.sleep(3600)", id="while it says that it stops"),
        pytest.param("pass", "again(); await asyncio.sleep(3600)", id="as it begins to leave"),
        pytest.param(
            "pass",
            "asyncio.get_running_loop().call_later(0.05, again); await asyncio.sleep(3600)",
            id="while it waits to leave",
        ),
        pytest.param("again()", "Timer(0.1, again).start(); sleep(3600)", id="a third time, as nothing else is heard"),
    ],
)
def test_the_next_one_ends_a_command_that_is_leaving_in_order(tmp_path: Path, told: str, leave: str) -> None:
    with start(tmp_path, "-c", LEAVES_SLOWLY.format(told=told, leave=leave)) as process:
        try:
            out, err = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert (process.returncode, out, err) == (130, "", "error: interrupted\n")


async def test_a_sleeping_loop_does_at_once_what_a_signal_asks() -> None:
    """The handler tells the loop to do something and does not wake it, as Python's own for Ctrl-C may not."""
    heard, overslept, loop = asyncio.Event(), asyncio.Event(), asyncio.get_running_loop()
    before = signal.signal(signal.SIGUSR1, lambda *_: loop.call_soon(heard.set))
    end = loop.call_later(SECONDS, overslept.set)
    try:
        with interruptible():
            threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()
            await heard.wait()
    finally:
        end.cancel()
        signal.signal(signal.SIGUSR1, before)
    assert not overslept.is_set()


async def test_what_signals_did_before_they_do_afterwards() -> None:
    mine, other = socket.socketpair()
    handler = signal.getsignal(signal.SIGINT)
    with mine, other:
        other.setblocking(False)
        before = signal.set_wakeup_fd(other.fileno())
        try:
            with suppress(LookupError), interruptible():
                raise LookupError
        finally:
            after = signal.set_wakeup_fd(before)
        assert (after, signal.getsignal(signal.SIGINT)) == (other.fileno(), handler)


async def _entered() -> bool:
    with interruptible():
        return True


def test_another_thread_hears_no_signals_and_needs_nothing() -> None:
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(asyncio.run(_entered())))
    thread.start()
    thread.join(SECONDS)
    assert found == [True]


def test_a_loop_that_is_woken_by_itself_is_left_alone() -> None:
    async def kept() -> bool:
        before = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(before)
        with interruptible():
            within = signal.set_wakeup_fd(-1)
            signal.set_wakeup_fd(within)
        return within == before

    with asyncio.Runner(loop_factory=fast_loop) as runner:
        assert runner.run(kept())
