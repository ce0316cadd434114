"""Webhooks shown as their accounts' ledgers stand, with what stands beside the log: addresses, and messages."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from application.ledger.looking import LedgerReader
from application.notifying.addresses import HookAddresses
from application.notifying.records import FAILING, LIVE, PAUSED, STATES, USUAL_PAGE, MessagePage, WebhookView
from application.ports.hooks import HookCounts, HookMessage, HookTables
from domain.errors import InvalidInput
from domain.ledger import Ledger, known_account
from domain.subscribing import known_webhook
from domain.webhooks import Webhook

NOTHING_SENT = HookCounts(waiting=0, dead=0, failures=0, failing_since=None)
LONGEST_NUMBER = 18
"""Digits of a position."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookReader:
    """Shows webhooks, and the messages to them."""

    ledgers: LedgerReader
    tables: HookTables
    addresses: HookAddresses

    async def list(self, account: str) -> Sequence[WebhookView]:
        """The account's webhooks, in the order in which they were registered. Raises UnknownAccount."""

        def look(ledger: Ledger, now: int) -> tuple[list[Webhook], int]:
            return [*known_account(ledger, account).webhooks.values()], now

        found, now = await self.ledgers.look(account, look)
        return await asyncio.to_thread(self._views, found, now)

    async def show(self, account: str, webhook: str) -> WebhookView:
        """One webhook of the account. Raises UnknownAccount, UnknownWebhook."""

        def look(ledger: Ledger, now: int) -> tuple[Webhook, int]:
            return known_webhook(known_account(ledger, account), webhook), now

        found, now = await self.ledgers.look(account, look)
        return (await asyncio.to_thread(self._views, [found], now))[0]

    async def deliveries(
        self, account: str, webhook: str, *, state: str | None = None, after: str | None = None, limit: int = USUAL_PAGE
    ) -> MessagePage:
        """Messages to a webhook, the newest first. Raises UnknownWebhook, InvalidInput."""
        await self.show(account, webhook)
        if state is not None and state not in STATES:
            raise InvalidInput("state", f"{state!r} is none", hint=f"choose of {', '.join(STATES)}")
        place = None if after is None else _place(after)
        found = await asyncio.to_thread(self.tables.find, webhook, state, place, limit + 1)
        last = found[limit - 1] if len(found) > limit else None
        return MessagePage(tuple(found[:limit]), None if last is None else f"{last.position}-{last.id}")

    async def told_of(self, account: str, positions: Sequence[int]) -> Sequence[HookMessage]:
        """The messages to the account's webhooks about facts at positions, in their order. Raises UnknownAccount."""
        hooks = await self.ledgers.look(account, lambda ledger, _now: [*known_account(ledger, account).webhooks])
        if not hooks or not positions:
            return ()
        return await asyncio.to_thread(self.tables.told_of, hooks, positions)

    def _views(self, found: Sequence[Webhook], now: int) -> Sequence[WebhookView]:
        counts = self.tables.counts([one.id for one in found])
        return [self._view(one, counts.get(one.id, NOTHING_SENT), now) for one in found]

    def _view(self, one: Webhook, known: HookCounts, now: int) -> WebhookView:
        failing = one.paused is None and known.failures > 0
        return WebhookView(
            id=one.id,
            account=one.account,
            url=self.addresses.of(one),
            events=one.events,
            standing=PAUSED if one.paused is not None else FAILING if failing else LIVE,
            paused=one.paused,
            since=known.failing_since if failing else one.since,
            registered=one.registered,
            secrets=one.signing(now),
            waiting=known.waiting,
            dead=known.dead,
        )


def _place(after: str) -> tuple[int, str]:
    position, _, id = after.partition("-")
    if not (position.isascii() and position.isdecimal() and id and len(position) <= LONGEST_NUMBER):
        raise InvalidInput("after", "is no cursor", hint="give the one that came with the page before")
    return int(position), id
