"""Alerts of a studio, made of the parts that they share with the rest, and the watch that runs beside it.

async with open_studio() as studio, watching_alerts(studio):
    ...
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from application.notifying.alerts import AlertReader, Alerts
from application.notifying.watching import AlertWatch
from domain.actor import Actor, ActorKind
from infrastructure.store.alerts import SqlAlertTables
from infrastructure.store.erasedusers import shown_codec
from projections.alertsums import QuarterSums

if TYPE_CHECKING:
    from application.ledger.log import Codec
    from application.ledger.looking import LedgerReader
    from infrastructure.assembly import Assembly
    from infrastructure.service import Studio
    from infrastructure.store.reader import SqlReader


def alerts_of(made: Assembly) -> Alerts:
    """On the log, the views and the database of an assembly."""
    sums = QuarterSums(made.database, made.views.catch_up)
    watch = AlertWatch(
        reader=made.reader,
        codec=made.codec,
        tables=SqlAlertTables(made.database),
        sums=sums,
        ledgers=made.ledgers,
        writer=made.writer,
        actor=Actor(ActorKind.STUDIO, made.owner),
        feed=made.feed,
    )
    return Alerts(
        ledgers=made.ledgers,
        streams=made.reader,
        codec=shown_codec(made.database, made.codec),
        sums=sums,
        writer=made.writer,
        watch=watch,
        operator=made.operator,
    )


def alert_reader(ledgers: LedgerReader, reader: SqlReader, codec: Codec, bring_up: Callable[[], int]) -> AlertReader:
    """For those who only read; `bring_up` brings the views up to the log."""
    sums = QuarterSums(reader.database, bring_up)
    return AlertReader(ledgers=ledgers, streams=reader, codec=shown_codec(reader.database, codec), sums=sums)


@asynccontextmanager
async def watching_alerts(studio: Studio) -> AsyncIterator[None]:
    """Watch for thresholds meanwhile."""
    watch = studio.alerts.watch
    running = asyncio.create_task(watch.run())
    try:
        yield
    finally:
        watch.stop()
        await running
