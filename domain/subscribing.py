"""Decisions about webhooks: each is a fact of the account's stream, and none if it is so already.

register_webhook ─ change_webhook ─ rotate_webhook ─ pause_webhook ─ resume_webhook ─ remove_webhook
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.account import Account, AccountFact, check_not_closed
from domain.advice import Advice
from domain.errors import InvalidInput, UnknownWebhook
from domain.happenings import EVENTS, STUDIO_EVENTS
from domain.ids import check_reason
from domain.inputs import shortened
from domain.keys import STUDIO
from domain.webhooks import (
    Pause,
    Webhook,
    WebhookChanged,
    WebhookPaused,
    WebhookRegistered,
    WebhookRemoved,
    WebhookResumed,
    WebhookRotated,
)

MOST_WEBHOOKS = 50
"""Webhooks of one account."""
MOST_SECRETS = 3
"""Secrets of one webhook that sign at the same time: each lengthens every message."""
HOUR = 60 * 60 * 1_000_000
LONGEST_OVERLAP = 7 * 24
"""Hours for which the secret before signs, too."""


@dataclass(frozen=True, slots=True)
class NewAddress:
    """The name of an address beside the log, and the digest by which the log vouches for it."""

    content: str
    digest: str


def register_webhook(
    account: Account, id: str, address: NewAddress, events: tuple[str, ...], key: str, now: int, reason: str = ""
) -> list[AccountFact]:
    """Have it told of events, once. Raises InvalidInput, or if the account is closed IllegalTransition."""
    check_not_closed(account)
    check_reason(reason)
    if id in account.webhooks:
        return []
    if len(account.webhooks) >= MOST_WEBHOOKS:
        told = f"account {account.id!r} has {MOST_WEBHOOKS}, which is the most"
        raise InvalidInput("webhooks", told, hint="remove one that is not needed")
    named = check_events(events, account.id)
    return [WebhookRegistered(account.id, now, id, named, address.content, address.digest, key, reason)]


def change_webhook(
    account: Account,
    id: str,
    now: int,
    *,
    address: NewAddress | None = None,
    events: tuple[str, ...] | None = None,
    reason: str = "",
) -> list[AccountFact]:
    """Give it another address, other events, or both. Raises UnknownWebhook, InvalidInput."""
    check_reason(reason)
    webhook = known_webhook(account, id)
    place = address or NewAddress(webhook.content, webhook.digest)
    named = webhook.events if events is None else check_events(events, account.id)
    if (place.content, named) == (webhook.content, webhook.events):
        return []
    return [WebhookChanged(account.id, now, id, named, place.content, place.digest, reason)]


def rotate_webhook(account: Account, id: str, key: str, hours: int, now: int, reason: str = "") -> list[AccountFact]:
    """Give it another secret; the one before signs, too, for so many hours. Raises UnknownWebhook, InvalidInput."""
    check_reason(reason)
    webhook = known_webhook(account, id)
    if type(hours) is not int or not 0 <= hours <= LONGEST_OVERLAP:
        told = f"{shortened(hours)} is not a number of hours from 0 to {LONGEST_OVERLAP}"
        raise InvalidInput("overlap", told, hint="24 hours are usual")
    signing = webhook.signing(now)
    if len(signing) >= MOST_SECRETS:
        told = f"{len(signing)} secrets of {id} sign already, which is the most"
        raise InvalidInput("secrets", told, hint="wait until one of them has run out")
    return [WebhookRotated(account.id, now, id, webhook.secrets[0].number + 1, key, now + hours * HOUR, reason)]


def pause_webhook(account: Account, id: str, why: Pause, now: int, reason: str = "") -> list[AccountFact]:
    """Send it nothing until it is resumed. Raises UnknownWebhook."""
    check_reason(reason)
    if known_webhook(account, id).paused is not None:
        return []
    return [WebhookPaused(account.id, now, id, why, reason)]


def resume_webhook(account: Account, id: str, now: int, reason: str = "") -> list[AccountFact]:
    """Send it what happens from now on. Raises UnknownWebhook."""
    check_reason(reason)
    return [] if known_webhook(account, id).paused is None else [WebhookResumed(account.id, now, id, reason)]


def remove_webhook(account: Account, id: str, now: int, reason: str = "") -> list[AccountFact]:
    """Send it nothing any more, for ever; also of a closed account. Raises UnknownWebhook."""
    check_reason(reason)
    known_webhook(account, id)
    return [WebhookRemoved(account.id, now, id, reason)]


def known_webhook(account: Account, id: str) -> Webhook:
    """The account's webhook of this id. Raises UnknownWebhook, also for another account's, and one that is removed."""
    webhook = account.webhooks.get(id)
    if webhook is None:
        told = f"account {account.id!r} has no webhook {id!r}"
        raise UnknownWebhook(told, hint=Advice("webhook.list", account=account.id))
    return webhook


def check_events(events: tuple[str, ...], account: str) -> tuple[str, ...]:
    """The events in their usual order, each once; none stands for all. Raises InvalidInput for one there is not."""
    there = STUDIO_EVENTS if account == STUDIO else EVENTS
    for event in events:
        if event not in there:
            told = f"{shortened(event)} is no event" + (" of a customer's account" if event in STUDIO_EVENTS else "")
            raise InvalidInput("events", told, hint=f"choose of {', '.join(there)}; without any it is told all")
    return tuple(event for event in there if event in events)
