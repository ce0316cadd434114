"""Senders in processes of their own, killed between sending and noting, and several at once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from infrastructure.hooks.parts import messaging
from infrastructure.service import Studio
from tests.application.asking.test_waiting import until
from tests.application.notifying.receivers import TAKEN, Answer, Receiver
from tests.application.studios import SYNC, is_sound, studio_on
from tests.faults.processes import ended, started

SECONDS = 2
"""The longest that a webhook may take; a dead sender's lease ends after twice that."""
UNHURRIED = 60


async def tell(url: str, home: Path, origin: str, seconds: int = SECONDS) -> None:
    """Sends until it is stopped, as a service does; a try that takes longer is made again, maybe after others."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with (
        studio_on(url, home, webhook_origins=(origin,), webhook_seconds=seconds) as studio,
        messaging(studio, seconds=seconds),
    ):
        await stopped.wait()


async def filled(studio: Studio, origin: str, count: int, *paths: str) -> None:
    await studio.accounts.open("acme", plan="pro")
    for path in paths:
        await studio.webhooks.add("acme", f"{origin}{path}", events=["operation.charged"])
    for _ in range(count):
        await studio.operations.generate("a lake", account="acme", model=SYNC)


async def states(studio: Studio) -> Counter[str]:
    found: Counter[str] = Counter()
    for hook in await studio.webhooks.list("acme"):
        page = await studio.webhooks.deliveries("acme", hook.id, limit=100)
        found.update(one.state for one in page.messages)
    return found


async def test_a_sender_that_is_killed_before_it_notes_an_answer_has_that_message_sent_again_and_no_other(
    database_url: str, tmp_path: Path
) -> None:
    kills = {0, 3}
    running: list[ForkServerProcess] = []

    def answer(number: int) -> Answer:
        if number in kills:
            os.kill(running[-1].pid or 0, signal.SIGKILL)
        return TAKEN

    with Receiver(answer).running() as shop:
        async with studio_on(database_url, tmp_path, webhook_origins=(shop.url,)) as studio:
            await filled(studio, shop.url, 5, "/hooks")
            for _ in range(len(kills)):
                running.append(started(tell, database_url, tmp_path, shop.url))
                assert await asyncio.to_thread(ended, running[-1]) == -signal.SIGKILL
            running.append(started(tell, database_url, tmp_path, shop.url))
            await until(lambda: len(shop.received) == 5 + len(kills))
            await _settled(studio, 5)
            os.kill(running[-1].pid or 0, signal.SIGTERM)
            assert await asyncio.to_thread(ended, running[-1]) == 0
            assert await is_sound(studio)
        twice = [id for id, count in Counter(shop.ids).items() if count == 2]
        assert twice == [shop.ids[number] for number in sorted(kills)]
        times = [one.told["timestamp"] for one in {one.id: one for one in shop.received}.values()]
        assert (len(times), times) == (5, sorted(times))


async def _settled(studio: Studio, count: int) -> None:
    while (await states(studio)) != Counter(delivered=count):  # noqa: ASYNC110 - other processes bring it about
        await asyncio.sleep(0.05)


async def test_of_several_senders_one_sends_each_message_once_and_in_the_order_of_the_log(
    database_url: str, tmp_path: Path
) -> None:
    paths = ("/one", "/two", "/three")
    with Receiver().running() as shop:
        async with studio_on(database_url, tmp_path, webhook_origins=(shop.url,)) as studio:
            senders = [started(tell, database_url, tmp_path, shop.url, UNHURRIED) for _ in range(3)]
            await filled(studio, shop.url, 8, *paths)
            await until(lambda: len(shop.received) >= 8 * len(paths))
            await _settled(studio, 8 * len(paths))
            for sender in senders:
                os.kill(sender.pid or 0, signal.SIGTERM)
            assert [await asyncio.to_thread(ended, sender) for sender in senders] == [0, 0, 0]
        for path in paths:
            times = [one.told["timestamp"] for one in shop.of(path)]
            assert len(times) == len({one.id for one in shop.of(path)}) == 8
            assert times == sorted(times)
