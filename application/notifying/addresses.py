"""Addresses of webhooks, beside the log: each is written with the fact that names it, and believed by that's digest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from application.ledger.contents import Body, content_name
from application.ledger.transaction import ContentRow, keyed_digest
from application.ports import Contents
from domain.subscribing import NewAddress
from domain.webhooks import Webhook

KIND = "webhook"
URL = "url"


class CheckUrl(Protocol):
    """Looks at an address before it is registered."""

    def __call__(self, url: str) -> None:
        """Raises InvalidInput for what is none, or may not be sent to."""


@dataclass(frozen=True, slots=True)
class HookAddresses:
    """Makes, reads and erases addresses; reading and erasing block."""

    contents: Contents
    new_id: Callable[[], str]
    new_secret: Callable[[], bytes]

    def new(self, account: str, webhook: str, url: str) -> tuple[ContentRow, NewAddress]:
        """The row to be written with the fact, and what the fact says of it."""
        body = Body(KIND, {KIND: {URL: url}}, {}).to_json()
        row = ContentRow(content_name(webhook, self.new_id()), account, self.new_secret(), body)
        return row, NewAddress(row.batch, keyed_digest(row.secret, body))

    def of(self, webhook: Webhook) -> str | None:
        """Its address; None if that is erased, or is not the one that was registered."""
        found = self.contents.load(webhook.content)
        if found is None or keyed_digest(found.secret, found.body) != webhook.digest:
            return None
        return str(Body.from_json(found.body).inputs[KIND][URL])

    def erase(self, content: str) -> None:
        """For ever."""
        self.contents.erase(content)
