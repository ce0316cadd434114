"""Webhooks and messages as they are shown, for whoever asks here or over a wire."""

from __future__ import annotations

from dataclasses import dataclass, field

from application.ports.hooks import HookMessage
from domain.retrying import DEAD, DELIVERED, WAITING
from domain.webhooks import Pause, SigningSecret

STATES = (WAITING, DELIVERED, DEAD)
LIVE, FAILING, PAUSED = "live", "failing", "paused"
OVERLAP = 24
"""Hours for which the secret before signs, too."""
USUAL_PAGE = 50


@dataclass(frozen=True, slots=True)
class WebhookView:
    """A webhook: of its secrets their numbers, and until when each signs; `url` is None if the address is lost.

    `standing` is "live", "failing" (since `since`), or "paused" for the reason `paused`. `waiting` messages are still
    to be sent, and `dead` ones were given up.
    """

    id: str
    account: str
    url: str | None
    events: tuple[str, ...]
    standing: str
    paused: Pause | None
    since: int | None
    registered: int
    secrets: tuple[SigningSecret, ...]
    waiting: int
    dead: int


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A webhook, and a secret of it that was just made, which nobody is shown again."""

    webhook: WebhookView
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Messages, the newest first, and the cursor after which more follow."""

    messages: tuple[HookMessage, ...]
    next: str | None
