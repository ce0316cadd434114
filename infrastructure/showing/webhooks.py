"""Webhooks and messages to them as JSON and in words: never a secret, but where one was just made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.counts import counted
from domain.webhooks import (
    WebhookChanged,
    WebhookFact,
    WebhookPaused,
    WebhookRegistered,
    WebhookRemoved,
    WebhookResumed,
    WebhookRotated,
)
from infrastructure.showing.formats import iso

if TYPE_CHECKING:
    from application.notifying.records import MessagePage, NewSecret, WebhookView
    from application.ports.hooks import HookMessage
    from domain.retrying import HookAnswer

ALL = "all events"
PAUSES = {"asked": "somebody wanted it", "gone": "it answered that it is gone (410)", "failing": "it took nothing"}
"""Why a webhook is paused, in words."""


def webhook_document(view: WebhookView) -> dict[str, object]:
    """A webhook: where it is, what it is told, and how that goes. No events are all."""
    return {
        "id": view.id,
        "account": view.account,
        "url": view.url,
        "events": list(view.events),
        "standing": view.standing,
        "paused": None if view.paused is None else str(view.paused),
        "since": _instant(view.since),
        "registered_at": iso(view.registered),
        "secrets": [{"number": one.number, "until": _instant(one.until)} for one in view.secrets],
        "waiting": view.waiting,
        "dead": view.dead,
    }


def new_secret_document(new: NewSecret) -> dict[str, object]:
    """A webhook, with the secret that was just made."""
    return {**webhook_document(new.webhook), "secret": new.secret}


def message_document(message: HookMessage) -> dict[str, object]:
    """A message, and what became of it; of one that waits no more nothing is due."""
    waits = message.state == "waiting"
    return {
        "id": message.id,
        "webhook": message.webhook,
        "account": message.account,
        "event": message.event,
        "operation": message.operation,
        "position": message.position,
        "at": iso(message.at),
        "state": message.state,
        "tries": message.tries,
        "due_at": iso(message.due) if waits else None,
        "tried_at": _instant(message.last),
        "status": message.status,
        "said": message.said,
    }


def messages_document(page: MessagePage) -> dict[str, object]:
    """A page of them."""
    return {"deliveries": [message_document(one) for one in page.messages], "next": page.next}


def answer_document(answer: HookAnswer) -> dict[str, object]:
    """The answer of a webhook."""
    return {"accepted": answer.accepted, "status": answer.status, "said": answer.said}


def standing_text(view: WebhookView, zone: str) -> str:
    """How a webhook stands, in words."""
    since = "" if view.since is None else f" since {iso(view.since, zone)}"
    if view.paused is not None:
        return f"paused{since}: {PAUSES[view.paused]}"
    return f"failing{since}" if view.standing == "failing" else view.standing


def left_of_messages(view: WebhookView) -> str:
    """The messages that were not taken, in words."""
    return f"{counted(view.waiting, 'message')} waiting, {view.dead} given up"


def outcome_text(message: HookMessage, zone: str) -> str:
    """The fate of a message, in words."""
    said = f": {message.said}" if message.said else ""
    if message.state == "waiting":
        return f"try {message.tries + 1} at {iso(message.due, zone)}{said}"
    return f"taken ({message.status})" if message.state == "delivered" else f"given up{said}"


def told_of_webhook(fact: WebhookFact) -> str:
    """A fact about a webhook in words, which never have its address."""
    because = f" ({fact.reason})" if fact.reason else ""
    match fact:
        case WebhookRegistered() | WebhookChanged():
            words = f"is told of {' and '.join(fact.events) or ALL}"
        case WebhookRotated():
            words = f"has secret number {fact.secret}; the one before signs until {iso(fact.until)}"
        case WebhookPaused():
            words = f"is paused: {PAUSES[fact.why]}"
        case WebhookResumed():
            words = "is resumed"
        case WebhookRemoved():
            words = "is removed"
    return f"{fact.webhook} {words}{because}"


def _instant(at: int | None) -> str | None:
    return None if at is None else iso(at)
