"""An account's webhooks: addresses of the customer's own, which are told what becomes of operations.

    WebhookRegistered ─ (WebhookChanged | WebhookRotated | WebhookPaused ─ WebhookResumed) … ─ (WebhookRemoved)

Facts of the account's own stream. An address may hold what is nobody else's business, so it stands beside the log,
erasable, and the log has its keyed digest. Secrets stand nowhere: each follows from a key of the studio's, the webhook
and the secret's number. The decisions about webhooks are in `domain.subscribing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum


class Pause(StrEnum):
    """Why nothing is sent to a webhook."""

    ASKED = "asked"
    """Somebody wanted it."""
    GONE = "gone"
    """It answered that it is gone (410)."""
    FAILING = "failing"
    """It took nothing for days."""


# Facts


@dataclass(frozen=True, slots=True)
class WebhookRegistered:
    """There is a webhook for these events, none for all; `content` names its address beside the log, `digest` vouches.

    `key` names the studio's key from which its first secret follows.
    """

    account: str
    at: int
    webhook: str
    events: tuple[str, ...]
    content: str
    digest: str
    key: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WebhookChanged:
    """Its events and its address are these from now on; its secrets stay."""

    account: str
    at: int
    webhook: str
    events: tuple[str, ...]
    content: str
    digest: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WebhookRotated:
    """It has another secret, under this number; the one before it signs, too, until an instant."""

    account: str
    at: int
    webhook: str
    secret: int
    key: str
    until: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WebhookPaused:
    """Nothing is sent to it until it is resumed."""

    account: str
    at: int
    webhook: str
    why: Pause
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WebhookResumed:
    """It is sent what happens from now on."""

    account: str
    at: int
    webhook: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WebhookRemoved:
    """It is sent nothing any more, and its address is erased."""

    account: str
    at: int
    webhook: str
    reason: str = ""


WebhookFact = WebhookRegistered | WebhookChanged | WebhookRotated | WebhookPaused | WebhookResumed | WebhookRemoved


# States


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """A secret of a webhook by its number, the name of the key that it follows from, and until when it signs."""

    number: int
    key: str
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook as its facts leave it; of its secrets the newest is the first."""

    id: str
    account: str
    events: tuple[str, ...]
    content: str
    digest: str
    secrets: tuple[SigningSecret, ...]
    registered: int
    paused: Pause | None = None
    since: int | None = None
    """When it was paused."""

    def wants(self, event: str) -> bool:
        """Whether it is to be told."""
        return self.paused is None and (not self.events or event in self.events)

    def signing(self, now: int) -> tuple[SigningSecret, ...]:
        """The secrets that sign at an instant, the newest first."""
        return tuple(one for one in self.secrets if one.until is None or now < one.until)


# Evolve


def evolve_webhook(webhook: Webhook | None, fact: WebhookFact) -> Webhook | None:
    """The webhook after one more fact, None once it is removed; a fact about none that there is changes nothing."""
    match fact:
        case WebhookRegistered():
            first = (SigningSecret(1, fact.key),)
            return Webhook(fact.webhook, fact.account, fact.events, fact.content, fact.digest, first, fact.at)
        case WebhookChanged():
            return webhook and replace(webhook, events=fact.events, content=fact.content, digest=fact.digest)
        case WebhookRotated():
            return webhook and _rotated(webhook, fact)
        case WebhookPaused():
            return webhook and replace(webhook, paused=fact.why, since=fact.at)
        case WebhookResumed():
            return webhook and replace(webhook, paused=None, since=None)
        case WebhookRemoved():
            return None


def webhooks_after(webhooks: Mapping[str, Webhook], fact: WebhookFact) -> Mapping[str, Webhook]:
    """All webhooks after one more fact, by their ids."""
    others = {id: one for id, one in webhooks.items() if id != fact.webhook}
    webhook = evolve_webhook(webhooks.get(fact.webhook), fact)
    return others if webhook is None else {**others, webhook.id: webhook}


def _rotated(webhook: Webhook, fact: WebhookRotated) -> Webhook:
    newest, *older = webhook.signing(fact.at)
    kept = replace(newest, until=fact.until)
    return replace(webhook, secrets=(SigningSecret(fact.secret, fact.key), kept, *older))
