"""A sender: it takes in the log, and sends what is due to webhooks, of which it sends to many at the same time.

commit ─ the feed ─ woken ─ the log taken in ─ webhooks that have messages due, claimed ─ let go
             └── now and then it looks by itself                      │
                                  one message after the other: letter ─ signed ─ sent ─ noted

One process at a time sends to a webhook, by a lease that each try renews. One that dies between sending and noting has
its message sent again by another, under the same id. Webhooks that fail take at most half of the places, so that they
never keep a healthy one waiting.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from application.following.feed import Feed
from application.ledger.log import Link
from application.ledger.writer import Clock
from application.notifying.addresses import HookAddresses
from application.notifying.planning import HookLog, HookPlanner
from application.notifying.signing import Signer
from application.notifying.woken import WokenWork
from application.ports.hooks import ClaimedHook, HookMessage, HookTables, Letters, Post
from domain.errors import ImageStudioError, LogCorrupted, StoreUnavailable, UnknownOperation
from domain.retrying import DELIVERED, GONE, HookAnswer, Tried, judge
from domain.webhooks import Pause, Webhook

LOGGER = logging.getLogger("imagestudio")

LOOK = 1.0
"""Seconds after which it looks by itself."""
TOGETHER = 0.05
"""Seconds in which more may happen before it looks: where much does, it is looked at together."""
PLACES = 64
"""Webhooks that one process sends to at the same time."""
AT_A_TIME = 50
"""Messages to one webhook before it is let go, so that others have their turn."""
KEPT_DAYS = 30
"""After which messages that were delivered or given up are deleted."""
HOUR, DAY = 3_600 * 1_000_000, 24 * 3_600 * 1_000_000
BREATH = 60 * 1_000_000
"""Microseconds for which a webhook rests that this process itself cannot send to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """The parts that a sender works with; `seconds` is the longest that a webhook may take to answer."""

    log: HookLog
    tables: HookTables
    addresses: HookAddresses
    signer: Signer
    letters: Letters
    post: Post
    pause: Callable[[str, str, Pause], Awaitable[object]]
    """Pauses a webhook of an account, and gives up what waits for it."""
    told_at: Callable[[int], str]
    """An instant as messages tell it."""
    clock: Clock
    noise: Callable[[], int]
    owner: str
    seconds: int
    sent: Counter[str] = field(default_factory=Counter)
    """Tries by what became of the message."""

    async def send(self, webhook: Webhook, id: str, body: bytes) -> HookAnswer:
        """One try to have the webhook take a message. Raises StoreUnavailable if it cannot be signed."""
        url = await asyncio.to_thread(self.addresses.of, webhook)
        if url is None:
            return HookAnswer(None, "its address is not the one that was registered")
        headers = await asyncio.to_thread(self.signer.headers, webhook, id, self.clock(), body)
        return await self.post(url, headers, body)


@dataclass(slots=True, eq=False)
class HookSender:
    """Sends until it is stopped."""

    sending: Sending
    feed: Feed
    places: int = PLACES
    _planner: HookPlanner = field(init=False)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict, init=False)
    _failing: set[str] = field(default_factory=set, init=False)
    _work: WokenWork = field(init=False)
    _beginning: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _forgot: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._planner = HookPlanner(self.sending.log, self.sending.tables)
        self._work = WokenWork(
            feed=self.feed,
            step=self._begin,
            concerns=self._concerns,
            failing="webhooks cannot be sent to for now",
            look=LOOK,
            together=TOGETHER,
        )

    async def run(self) -> None:
        """Until `stop`; what it sends then goes on."""
        await self._work.run()

    def _concerns(self, links: Sequence[Link]) -> bool:
        """Whether a commit tells of a webhook, or may be told to one; of another process any may."""
        some, log = self._planner.any_webhook, self.sending.log
        return (some and not links) or any(link.topic in (log.telling if some else log.about) for link in links)

    async def once(self) -> None:
        """Take in what is new, and send all that is due now. Raises StoreUnavailable, LogCorrupted."""
        while await self._begin():
            await asyncio.gather(*self._tasks.values())

    async def end(self, seconds: float) -> None:
        """Stop, and let what is being sent be answered, so long; what was not is sent again by others."""
        self._work.stop()
        async with self._beginning:  # what is begun now is begun whole, and nothing after it
            begun = list(self._tasks.values())
        if begun:
            await asyncio.wait(begun, timeout=seconds)
        left = list(self._tasks.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _begin(self) -> int:
        """Take in the log and begin to send to webhooks; to how many it sends now."""
        async with self._beginning:
            if self._work.stopping:
                return 0
            await asyncio.to_thread(self._planner.advance)
            for claimed in await asyncio.to_thread(self._claim):
                self._tasks[claimed.webhook] = asyncio.create_task(self._serve(claimed))
                if claimed.failures:
                    self._failing.add(claimed.webhook)
            return len(self._tasks)

    def _claim(self) -> list[ClaimedHook]:
        tables, now = self.sending.tables, self.sending.clock()
        if now - self._forgot > HOUR:
            tables.forget(now - KEPT_DAYS * DAY)
            self._forgot = now
        found: list[ClaimedHook] = []
        for failing in (False, True) if self._planner.any_webhook else ():
            free = self.places - len(self._tasks) - len(found)
            most = min(free, self.places // 2 - len(self._failing)) if failing else free
            if most > 0:
                found += tables.claim(most, self.sending.owner, now, self._until(now), failing=failing)
        return found

    def _until(self, now: int) -> int:
        """The end of a lease: twice the longest that a try takes."""
        return now + 2 * self.sending.seconds * 1_000_000

    async def _serve(self, claimed: ClaimedHook) -> None:
        """Send a webhook its messages that are due, one after the other, until one fails."""
        rest = 0
        try:
            webhook = (await asyncio.to_thread(self.sending.log.known, [claimed.webhook])).get(claimed.webhook)
            if webhook is None or webhook.paused is not None:
                why = "its webhook is removed" if webhook is None else f"its webhook is paused: {webhook.paused}"
                await asyncio.to_thread(self.sending.tables.bury, claimed.webhook, self.sending.clock(), why)
            else:
                await self._send_due(webhook, claimed)
        except ImageStudioError as error:
            LOGGER.warning("webhook %s cannot be sent to for now: %s", claimed.webhook, error)
            rest = self.sending.clock() + BREATH
        finally:
            del self._tasks[claimed.webhook]
            self._failing.discard(claimed.webhook)
            with suppress(StoreUnavailable):  # the lease ends by itself
                await asyncio.to_thread(self.sending.tables.release, claimed.webhook, self.sending.owner, rest)
            self._work.woken.set()

    async def _send_due(self, webhook: Webhook, claimed: ClaimedHook) -> None:
        now = self.sending.clock()
        for message in await asyncio.to_thread(self.sending.tables.due, webhook.id, now, AT_A_TIME):
            if self._work.stopping or not await self._send(webhook, claimed, message):
                return
            claimed = replace(claimed, failures=0, failing_since=None)

    async def _send(self, webhook: Webhook, claimed: ClaimedHook, message: HookMessage) -> bool:
        """Send one and note what became of it; whether the next one may follow at once."""
        sending = self.sending
        answer = await self._try(webhook, message)
        now = sending.clock()
        tried = Tried(message.tries + 1, claimed.failures, claimed.failing_since)
        verdict = judge(answer, tried, now, sending.noise())
        mine = await asyncio.to_thread(
            sending.tables.note, message, answer, verdict, sending.owner, now, self._until(now)
        )
        sending.sent[verdict.state] += 1
        if verdict.pauses and mine:
            why = Pause.GONE if answer.status == GONE else Pause.FAILING
            await sending.pause(webhook.account, webhook.id, why)
        return mine and verdict.state == DELIVERED

    async def _try(self, webhook: Webhook, message: HookMessage) -> HookAnswer:
        """A message that cannot be written has failed, so that it never keeps those after it waiting."""
        try:
            body = await self.sending.letters(message)
        except (LogCorrupted, UnknownOperation) as error:
            return HookAnswer(None, f"it cannot be told: {error.code}")
        return await self.sending.send(webhook, message.id, body)
