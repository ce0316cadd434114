"""Thresholds watched by several processes at once, any of which is killed at any moment: each is told once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from pathlib import Path

from domain.alerting import AlertTerms
from domain.alerts import AlertRaised
from infrastructure.alerting import watching_alerts
from tests.application.asking.test_waiting import until
from tests.application.studios import PRICE, SYNC, facts_of, is_sound, studio_on
from tests.faults.processes import ended, started

ACCOUNTS = ("acme", "beta", "coin")
TIMES = 12
THRESHOLDS = tuple(PRICE * number for number in range(1, 11))


async def watch(url: str, home: Path) -> None:
    """Watches until it is stopped, as a service does."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with studio_on(url, home) as studio, watching_alerts(studio):
        await stopped.wait()


async def test_many_that_watch_and_die_tell_of_each_threshold_once(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        for account in ACCOUNTS:
            await studio.accounts.open(account, plan="enterprise")
            await studio.alerts.set(account, AlertTerms(amounts=THRESHOLDS))
        running = [started(watch, database_url, tmp_path) for _ in range(3)]
        for number in range(TIMES):
            for account in ACCOUNTS:
                await studio.operations.generate("a lake", account=account, model=SYNC)
            if number % 4 == 3:
                dying = running.pop(0)
                os.kill(dying.pid or 0, signal.SIGKILL)
                dying.join()
                running.append(started(watch, database_url, tmp_path))

        def told() -> Counter[tuple[str, str]]:
            return Counter((one.account, one.threshold) for one in facts_of(studio) if isinstance(one, AlertRaised))

        expected = {(account, str(amount)): 1 for account in ACCOUNTS for amount in THRESHOLDS}
        await until(lambda: len(told()) == len(expected))
        for one in running:
            os.kill(one.pid or 0, signal.SIGTERM)
            assert await asyncio.to_thread(ended, one) == 0
        assert await studio.alerts.check() == []
        assert told() == expected
        assert await is_sound(studio)
