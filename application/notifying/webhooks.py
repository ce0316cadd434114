"""Webhooks: registered, changed, rotated, paused and removed by small decisions, and their messages sent again.

new = await studio.webhooks.add("acme", "https://shop.example/hooks", events=("operation.completed",))
await studio.webhooks.replay("acme", new.webhook.id, dead=True)
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from application.ledger.group import Proposal
from application.ledger.ledgers import Ledgers
from application.ledger.reader import LogFilter
from application.ledger.transaction import ContentRow
from application.notifying.addresses import CheckUrl
from application.notifying.planning import PAGE, messages_of
from application.notifying.reading import WebhookReader
from application.notifying.records import OVERLAP, NewSecret, WebhookView
from application.notifying.sender import Sending
from application.notifying.signing import SigningKey
from domain.account import Account, AccountFact
from domain.actor import Actor
from domain.errors import IllegalTransition, InvalidInput, UnknownWebhook
from domain.hooktext import mint_webhook
from domain.ledger import Fact, Ledger, known_account
from domain.retrying import HookAnswer
from domain.subscribing import (
    change_webhook,
    known_webhook,
    pause_webhook,
    register_webhook,
    remove_webhook,
    resume_webhook,
    rotate_webhook,
)
from domain.webhooks import Pause, Webhook

TEST = "webhook.test"
Change = Callable[[Account, int], list[AccountFact]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhooks(WebhookReader):
    """The use cases of those who administer webhooks.

    Each fact names who did it: `by`, or else the `operator` for whom this process works. A `reason` is kept with it.
    """

    writer: Ledgers
    sending: Sending
    check_url: CheckUrl
    operator: Actor

    async def add(
        self, account: str, url: str, *, events: Sequence[str] = (), by: Actor | None = None, reason: str = ""
    ) -> NewSecret:
        """A webhook for these events, for all if none is named, and its first secret, which is shown this once.

        Raises UnknownAccount, InvalidInput for an address that may not be sent to, or an event that there is not.
        """
        self.check_url(url)
        key = await self._newest_key(account)
        id = mint_webhook(self.addresses.new_secret())
        row, address = self.addresses.new(account, id, url)

        def decide(known: Account, now: int) -> list[AccountFact]:
            return register_webhook(known, id, address, tuple(events), key.name, now, reason)

        return await self._with_secret(await self._decide(account, id, decide, by, row))

    async def change(
        self,
        account: str,
        webhook: str,
        *,
        url: str | None = None,
        events: Sequence[str] | None = None,
        by: Actor | None = None,
        reason: str = "",
    ) -> WebhookView:
        """Give it another address, other events, or both; its secrets stay. Raises UnknownWebhook, InvalidInput."""
        row, address, before = None, None, await self._known(account, webhook)
        if url is not None and url != await asyncio.to_thread(self.addresses.of, before):
            self.check_url(url)
            row, address = self.addresses.new(account, webhook, url)
        named = None if events is None else tuple(events)

        def decide(known: Account, now: int) -> list[AccountFact]:
            return change_webhook(known, webhook, now, address=address, events=named, reason=reason)

        after = await self._decide(account, webhook, decide, by, row)
        if address is not None and after.content == address.content:
            await asyncio.to_thread(self.addresses.erase, before.content)
        return await self.show(account, webhook)

    async def rotate(
        self, account: str, webhook: str, *, overlap: int = OVERLAP, by: Actor | None = None, reason: str = ""
    ) -> NewSecret:
        """Another secret, shown this once; the one before signs, too, for `overlap` hours. Raises UnknownWebhook."""
        key = await self._newest_key(account)

        def decide(known: Account, now: int) -> list[AccountFact]:
            return rotate_webhook(known, webhook, key.name, overlap, now, reason)

        return await self._with_secret(await self._decide(account, webhook, decide, by))

    async def pause(
        self, account: str, webhook: str, why: Pause = Pause.ASKED, *, by: Actor | None = None, reason: str = ""
    ) -> WebhookView:
        """Send it nothing until it is resumed; what waits is given up, and can be replayed. Raises UnknownWebhook."""
        await self._decide(account, webhook, lambda known, now: pause_webhook(known, webhook, why, now, reason), by)
        told = f"its webhook is paused: {why}"
        await asyncio.to_thread(self.tables.bury, webhook, self.sending.clock(), told)
        return await self.show(account, webhook)

    async def resume(self, account: str, webhook: str, *, by: Actor | None = None, reason: str = "") -> WebhookView:
        """Send it what happens from now on, and at once. Raises UnknownWebhook."""
        await self._decide(account, webhook, lambda known, now: resume_webhook(known, webhook, now, reason), by)
        await asyncio.to_thread(self.tables.wake, webhook)
        return await self.show(account, webhook)

    async def remove(self, account: str, webhook: str, *, by: Actor | None = None, reason: str = "") -> None:
        """Send it nothing any more, and erase its address. Raises UnknownWebhook."""
        before = await self._known(account, webhook)
        await self._put(account, lambda known, now: remove_webhook(known, webhook, now, reason), by)
        await asyncio.to_thread(self.addresses.erase, before.content)

    async def replay(
        self,
        account: str,
        webhook: str,
        *messages: str,
        dead: bool = False,
        since: int | None = None,
        position: int | None = None,
    ) -> int:
        """Send again those messages, all that were given up (`dead`), or every event since an instant or a position.

        How many. Each has the id that it had, so that who took it before can see it. Raises UnknownWebhook also for a
        message that there is not, IllegalTransition if the webhook is paused, InvalidInput.
        """
        if (bool(messages), dead, since is not None or position is not None).count(True) != 1:
            raise InvalidInput("replay", "say which messages, once", hint="some by id, the dead, or all since")
        known = await self._known(account, webhook)
        if known.paused is not None:
            raise IllegalTransition(f"webhook {webhook} is paused ({known.paused})", hint="resume it first")
        now = self.sending.clock()
        if since is not None or position is not None:
            return await asyncio.to_thread(self._replay_log, known, since or 0, position or 0, now)
        revived = await asyncio.to_thread(self.tables.revive, webhook, messages, now)
        if messages and not revived:
            raise UnknownWebhook(f"webhook {webhook} has no message {messages[0]!r}", hint="list its deliveries")
        return revived

    async def test(self, account: str, webhook: str) -> HookAnswer:
        """Send it a message of its own at once, even if it is paused; what it answered. Raises UnknownWebhook."""
        known, now = await self._known(account, webhook), self.sending.clock()
        id = f"evt_test_{self.addresses.new_id().replace('-', '')}"
        told = {"type": TEST, "timestamp": self.sending.told_at(now), "data": {"webhook": webhook}}
        return await self.sending.send(known, id, json.dumps(told).encode())

    def _replay_log(self, known: Webhook, since: int, position: int, now: int) -> int:
        log, wanted = self.sending.log, LogFilter(account=known.account, topics=self.sending.log.telling)
        last, count = max(position - 1, 0), 0
        while page := log.reader.read(last, PAGE, wanted):
            found = [one for entry in page for one in messages_of(entry, log.fact(entry), [known]) if one.at >= since]
            count += self.tables.put([replace(one, due=now) for one in found])
            last = page[-1].position
        return count

    async def _newest_key(self, account: str) -> SigningKey:
        def look(ledger: Ledger, _now: int) -> set[str]:
            return {one.secrets[0].key for one in known_account(ledger, account).webhooks.values()}

        return await asyncio.to_thread(self.sending.signer.newest, await self.ledgers.look(account, look))

    async def _known(self, account: str, webhook: str) -> Webhook:
        return await self.ledgers.look(
            account, lambda ledger, _: known_webhook(known_account(ledger, account), webhook)
        )

    async def _with_secret(self, webhook: Webhook) -> NewSecret:
        secret = await asyncio.to_thread(self.sending.signer.secret, webhook, webhook.secrets[0])
        return NewSecret(await self.show(webhook.account, webhook.id), secret)

    async def _decide(
        self, account: str, webhook: str, change: Change, by: Actor | None, content: ContentRow | None = None
    ) -> Webhook:
        """The webhook as the decision leaves it."""

        def look(ledger: Ledger, _now: int) -> Webhook:
            return known_webhook(known_account(ledger, account), webhook)

        found = await self._put(account, change, by, content, look)
        assert found is not None, "it was looked at"
        return found

    async def _put(
        self,
        account: str,
        change: Change,
        by: Actor | None,
        content: ContentRow | None = None,
        look: Callable[[Ledger, int], Webhook] | None = None,
    ) -> Webhook | None:
        def decide(ledger: Ledger, now: int) -> list[Fact]:
            return [*change(known_account(ledger, account), now)]

        proposal = Proposal(account, decide, content=content, look=look, actor=str(by or self.operator))
        seen: Webhook | None = (await self.writer.put(proposal)).seen
        return seen
