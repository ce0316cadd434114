"""How the service is: whether it can do its work, and what it did, in numbers that tell nothing of an account."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from domain.counts import counted
from domain.errors import StoreError
from domain.retrying import DEAD, DELIVERED, WAITING
from infrastructure.clock import SECOND
from infrastructure.gateway.arrivals import Exchange
from infrastructure.service import Studio
from infrastructure.showing.relays import relay_document
from infrastructure.showing.seals import watch_summary

STUCK: Final = 30.0
"""Seconds in which a view that is behind has to move, or it does not any more."""
DEADLINE: Final = 5.0
"""Seconds within which the database has to answer."""
OUTCOMES: Final = {DELIVERED: "delivered", WAITING: "failed", DEAD: "dead"}
"""The outcome of a try, by the state of its message after it."""
BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


@dataclass(slots=True)
class Readiness:
    """Whether the service can do its work now; what it saw of views the last time tells whether they move."""

    studio: Studio
    clock: Callable[[], float] = monotonic
    _seen: dict[str, tuple[int, float]] = field(default_factory=dict, init=False)

    async def watched(self) -> dict[str, Any] | None:
        """How far the log was verified, each of them if there are several; None if a database does not say."""
        try:
            async with asyncio.timeout(DEADLINE):
                return watch_summary(await asyncio.to_thread(self.studio.seals.watch.standing))
        except (StoreError, TimeoutError):
            return None

    async def lacks(self) -> list[str]:
        """Why it is not ready; empty if it is."""
        try:
            async with asyncio.timeout(DEADLINE):
                status = await asyncio.to_thread(self.studio.views.status)
        except StoreError as error:
            return [f"database: {error.outer}"]
        except TimeoutError:
            return [f"database: no answer within {DEADLINE:g} s"]
        return [lack for one in status if (lack := self._lack(one.view, one.position, one.lag, one.error))]

    async def relays(self) -> list[dict[str, object]]:
        """How far others are told of the books, by ledger; none if the database does not say. Never a lack."""
        relays = [one.relay for one in self.studio.ledgers if one.relay is not None]
        try:
            async with asyncio.timeout(DEADLINE):
                return [relay_document(await asyncio.to_thread(one.status)) for one in relays]
        except (StoreError, TimeoutError):
            return []

    def _lack(self, view: str, position: int, lag: int, error: str | None) -> str:
        if error is not None:
            return f"view {view}: it stands still at a fact that it cannot take in"
        now = self.clock()
        before, since = self._seen.get(view, (-1, now))
        if position != before or not lag:
            since = now
        self._seen[view] = (position, since)
        return (
            f"view {view}: {counted(lag, 'fact')} behind, and not moving for {STUCK:g} s"
            if now - since >= STUCK
            else ""
        )


class Meters(Collector):
    """The requests as they are counted, and the log and its views as they are when somebody asks."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self.registry = CollectorRegistry()
        labels = ("route", "method", "status")
        self._requests = Counter("imagestudio_requests", "Requests answered.", labels, registry=self.registry)
        self._seconds = Histogram(
            "imagestudio_request_seconds",
            "Time until the answer began, in seconds.",
            ("route", "method"),
            registry=self.registry,
            buckets=BUCKETS,
        )
        self.registry.register(self)

    def answered(self, one: Exchange) -> None:
        """One more request was answered."""
        self._requests.labels(one.route, one.method, str(one.status)).inc()
        self._seconds.labels(one.route, one.method).observe(one.seconds)

    def collect(self) -> Iterator[Any]:
        """The position of the log, and how far each view is behind it. Raises StoreUnavailable."""
        status = self._studio.views.status()
        end = GaugeMetricFamily("imagestudio_log_position", "Position of the newest fact.")
        end.add_metric([], max((one.position + one.lag for one in status), default=0))
        lag = GaugeMetricFamily("imagestudio_view_lag", "Facts that a view is behind the log.", labels=["view"])
        stopped = GaugeMetricFamily("imagestudio_view_stopped", "1 if a view stands still.", labels=["view"])
        for one in status:
            lag.add_metric([one.view], one.lag)
            stopped.add_metric([one.view], int(one.error is not None))
        yield from (end, lag, stopped, *self._webhooks(), *self._relay(), *self._watch())

    def _relay(self) -> Iterator[Any]:
        relays = [one.relay for one in self._studio.ledgers if one.relay is not None]
        if not relays:
            return
        found = [one.status() for one in relays]
        lag = GaugeMetricFamily("imagestudio_relay_lag", "Positions of the log that a broker is not told of.")
        lag.add_metric([], sum(one.lag for one in found))
        stands = GaugeMetricFamily("imagestudio_relay_stands", "1 if the broker is away or refuses.")
        stands.add_metric([], int(any(one.error for one in found)))
        told = CounterMetricFamily("imagestudio_relay_told", "Facts that this process told a broker.")
        told.add_metric([], sum(one.told for one in relays))
        yield from (lag, stands, told)

    def _webhooks(self) -> Iterator[Any]:
        senders = [one.webhooks.sending for one in self._studio.ledgers]
        tries = CounterMetricFamily("imagestudio_webhook_tries", "Messages sent to webhooks.", labels=["outcome"])
        for state, outcome in OUTCOMES.items():
            tries.add_metric([outcome], sum(one.sent[state] for one in senders))
        now = senders[0].clock()
        behind = [one.tables.lag(now) for one in senders]
        oldest = min((one.oldest for one in behind if one.oldest is not None), default=now)
        waiting = GaugeMetricFamily("imagestudio_webhook_waiting", "Messages that are still to be sent.")
        waiting.add_metric([], sum(one.waiting for one in behind))
        late = GaugeMetricFamily("imagestudio_webhook_lag_seconds", "For how long the oldest message is due.")
        late.add_metric([], (now - oldest) / SECOND)
        yield from (tries, waiting, late)

    def _watch(self) -> Iterator[Any]:
        watches = [one.seals.watch.standing() for one in self._studio.ledgers]
        verified = GaugeMetricFamily("imagestudio_verified_position", "Position up to which the log was found whole.")
        verified.add_metric([], sum(one.verified for one in watches))
        damage = GaugeMetricFamily("imagestudio_log_problems", "Problems that the last reading of the log found.")
        damage.add_metric([], sum(len(one.problems) for one in watches))
        yield from (verified, damage)

    def describe(self) -> Iterator[Any]:
        """Nothing: otherwise the database would be asked before anybody wants to know."""
        return iter(())
