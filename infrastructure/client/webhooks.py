"""Webhooks at a service: the methods of `application.notifying.webhooks.Webhooks`, over HTTP, for administrators' keys.

Each takes the account first, as the library's do; an empty one is the key's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from application.notifying.records import OVERLAP, USUAL_PAGE, MessagePage, NewSecret, WebhookView
from application.ports.hooks import HookMessage
from domain.retrying import HookAnswer
from domain.webhooks import Pause, SigningSecret
from infrastructure.client.sending import sent_as_json
from infrastructure.client.wire import Call, Wire
from infrastructure.showing.formats import instant_of, iso

PATH: Final = "/v1/webhooks"


@dataclass(frozen=True, slots=True)
class RemoteWebhooks:
    """Webhooks of an account. The log names the key for whatever is done; instants are whole seconds."""

    wire: Wire

    async def add(self, account: str, url: str, *, events: Sequence[str] = (), reason: str = "") -> NewSecret:
        """A webhook for these events, for all if none is named, and its first secret. Raises InvalidInput."""
        told = {"url": url, "events": [*events], "reason": reason}
        return _new(await self._send("POST", account, PATH, told, again=False))

    async def list(self, account: str = "") -> Sequence[WebhookView]:
        """The account's webhooks, in the order in which they were registered."""
        found = await self.wire.document(Call(method="GET", path=PATH, account=account))
        return [_view(one) for one in found["webhooks"]]

    async def show(self, account: str, webhook: str) -> WebhookView:
        """One webhook. Raises UnknownWebhook."""
        return _view(await self.wire.document(Call(method="GET", path=_path(webhook), account=account)))

    async def change(
        self,
        account: str,
        webhook: str,
        *,
        url: str | None = None,
        events: Sequence[str] | None = None,
        reason: str = "",
    ) -> WebhookView:
        """Give it another address, other events, or both. Raises UnknownWebhook, InvalidInput."""
        told = {"url": url, "events": None if events is None else [*events], "reason": reason}
        return _view(await self._send("PATCH", account, _path(webhook), told))

    async def rotate(self, account: str, webhook: str, *, overlap: int = OVERLAP, reason: str = "") -> NewSecret:
        """Another secret; the one before signs, too, for `overlap` hours. Raises UnknownWebhook, InvalidInput."""
        told = {"overlap": overlap, "reason": reason}
        return _new(await self._send("POST", account, _path(webhook, "rotate"), told, again=False))

    async def pause(self, account: str, webhook: str, *, reason: str = "") -> WebhookView:
        """Send it nothing until it is resumed. Raises UnknownWebhook."""
        return _view(await self._send("PATCH", account, _path(webhook), {"paused": True, "reason": reason}))

    async def resume(self, account: str, webhook: str, *, reason: str = "") -> WebhookView:
        """Send it what happens from now on. Raises UnknownWebhook."""
        return _view(await self._send("PATCH", account, _path(webhook), {"paused": False, "reason": reason}))

    async def remove(self, account: str, webhook: str) -> None:
        """Send it nothing any more, and erase its address. Raises UnknownWebhook."""
        await self.wire.ask(Call(method="DELETE", path=_path(webhook), account=account, again=False))

    async def deliveries(
        self, account: str, webhook: str, *, state: str | None = None, after: str | None = None, limit: int = USUAL_PAGE
    ) -> MessagePage:
        """Messages to a webhook, the newest first. Raises UnknownWebhook, InvalidInput."""
        asked = {"state": state, "after": after, "limit": str(limit)}
        params = {name: one for name, one in asked.items() if one is not None}
        call = Call(method="GET", path=_path(webhook, "deliveries"), account=account, params=params)
        found = await self.wire.document(call)
        return MessagePage(tuple(_message(one) for one in found["deliveries"]), found["next"])

    async def replay(
        self,
        account: str,
        webhook: str,
        *messages: str,
        dead: bool = False,
        since: int | None = None,
        position: int | None = None,
    ) -> int:
        """Send again those messages, all that were given up, or every event since an instant or a position.

        How many. Raises UnknownWebhook, IllegalTransition if the webhook is paused, InvalidInput.
        """
        at = None if since is None else iso(since, precision="microseconds")
        told = {"messages": [*messages], "dead": dead, "since": at, "position": position}
        count: int = (await self._send("POST", account, _path(webhook, "replay"), told))["replayed"]
        return count

    async def test(self, account: str, webhook: str) -> HookAnswer:
        """Send it a message of its own at once; what it answered. Raises UnknownWebhook."""
        found = await self._send("POST", account, _path(webhook, "test"), {}, again=False)
        return HookAnswer(found["status"], found["said"])

    async def _send(
        self, method: str, account: str, path: str, fields: Mapping[str, Any], *, again: bool = True
    ) -> Any:
        call = Call(method=method, path=path, account=account, body=sent_as_json(fields), again=again)
        return await self.wire.document(call)


def _path(webhook: str, *steps: str) -> str:
    return "/".join((PATH, quote(webhook, safe=""), *steps))


def _new(document: Mapping[str, Any]) -> NewSecret:
    return NewSecret(_view(document), document["secret"])


def _view(document: Mapping[str, Any]) -> WebhookView:
    secrets = [SigningSecret(one["number"], "", _instant(one["until"])) for one in document["secrets"]]
    plain = {name: document[name] for name in ("id", "account", "url", "standing", "waiting", "dead")}
    return WebhookView(
        **plain,
        events=tuple(document["events"]),
        paused=None if document["paused"] is None else Pause(document["paused"]),
        since=_instant(document["since"]),
        registered=instant_of(document["registered_at"]),
        secrets=tuple(secrets),
    )


def _message(document: Mapping[str, Any]) -> HookMessage:
    at, tried = instant_of(document["at"]), _instant(document["tried_at"])
    names = ("webhook", "id", "account", "event", "operation", "position", "state", "tries", "status", "said")
    due = _instant(document["due_at"]) or tried or at
    return HookMessage(**{name: document[name] for name in names}, at=at, due=due, last=tried)


def _instant(text: str | None) -> int | None:
    return None if text is None else instant_of(text)
