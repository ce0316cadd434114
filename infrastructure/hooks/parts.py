"""Webhooks of a studio, made of the parts that they share with the rest, and the sender that runs beside it.

async with open_studio() as studio, messaging(studio):
    ...
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache, partial
from typing import TYPE_CHECKING

from application.ledger.looking import LedgerReader
from application.notifying.addresses import HookAddresses
from application.notifying.planning import HookLog
from application.notifying.reading import WebhookReader
from application.notifying.sender import HookSender, Sending
from application.notifying.signing import Signer
from application.notifying.webhooks import Webhooks
from domain.actor import Actor, ActorKind
from domain.webhooks import Pause
from infrastructure.clock import new_id, new_secret
from infrastructure.hooks.keys import webhook_keys_of
from infrastructure.hooks.letters import OperationLetters, told_at
from infrastructure.hooks.mailing import AnyPost, MailPost
from infrastructure.hooks.mailserver import mail_server
from infrastructure.hooks.posting import HookPost
from infrastructure.service import Studio
from infrastructure.settings import Settings, revealed
from infrastructure.store.database import Database
from infrastructure.store.erasedusers import shown_codec
from infrastructure.store.hooks import SqlHookTables
from infrastructure.store.tables import SqlContents

if TYPE_CHECKING:
    from infrastructure.assembly import Assembly


def hook_post(settings: Settings) -> AnyPost:
    """The way out to webhooks, and to people by e-mail."""
    origins, seconds = settings.webhook_origins, settings.webhook_seconds
    url = revealed(settings.smtp_url)
    mail = MailPost(mail_server(url) if url else None, settings.smtp_from, seconds)
    return AnyPost(HookPost(origins, seconds=seconds, proxy=revealed(settings.proxy)), mail)


def webhooks_of(made: Assembly) -> Webhooks:
    """On the log and the database of an assembly."""
    tables, addresses = SqlHookTables(made.database), _addresses(made.database)
    process = Actor(ActorKind.STUDIO, made.owner)

    async def pause(account: str, webhook: str, why: Pause) -> object:
        return await made.webhooks.pause(account, webhook, why, by=process)

    shown = shown_codec(made.database, made.codec)
    sending = Sending(
        log=HookLog(made.reader, made.codec),
        tables=tables,
        addresses=addresses,
        signer=Signer(cache(partial(webhook_keys_of, made.settings))),
        letters=OperationLetters(made.reader, shown, made.operations.results, made.ledgers),
        post=made.hook_post,
        pause=pause,
        told_at=told_at,
        clock=made.clock,
        noise=lambda: int.from_bytes(new_secret()[:4], "big"),
        owner=made.owner,
        seconds=made.settings.webhook_seconds,
    )
    return Webhooks(
        ledgers=made.ledgers,
        tables=tables,
        addresses=addresses,
        writer=made.writer,
        sending=sending,
        check_url=made.hook_post.check,
        operator=made.operator,
    )


def sender_of(made: Assembly) -> HookSender:
    """One that sends what is due to the webhooks of an assembly."""
    return HookSender(made.webhooks.sending, made.feed)


def webhook_reader(ledgers: LedgerReader, database: Database) -> WebhookReader:
    """For those who only read."""
    return WebhookReader(ledgers=ledgers, tables=SqlHookTables(database), addresses=_addresses(database))


def _addresses(database: Database) -> HookAddresses:
    return HookAddresses(SqlContents(database), new_id, new_secret)


@asynccontextmanager
async def messaging(studio: Studio, *, seconds: float = 60.0) -> AsyncIterator[HookSender]:
    """Send messages to webhooks meanwhile; in the end no more is begun, and what was has so many seconds to end."""
    sender = studio.make_sender()
    running = asyncio.create_task(sender.run())
    try:
        yield sender
    finally:
        await sender.end(seconds)
        await running
