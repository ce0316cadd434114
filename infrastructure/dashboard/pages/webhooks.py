"""Webhooks: where an account is told what happens, how that goes, and the messages that were given up."""

from __future__ import annotations

from typing import Final

from domain.happenings import EVENTS
from domain.keys import KeyScope
from infrastructure.dashboard.page import (
    Document,
    FormSent,
    PageFilter,
    Shows,
    TableColumn,
    Visit,
    WebAction,
    WebPage,
)
from infrastructure.showing.webhooks import answer_document, messages_document, new_secret_document, webhook_document

STATES: Final = ("waiting", "delivered", "dead")
COLUMNS: Final = (
    TableColumn(name="id", kind="mono", to="webhook"),
    TableColumn(name="url"),
    TableColumn(name="standing", kind="state"),
    TableColumn(name="events", kind="kinds", wide=True),
    TableColumn(name="waiting", kind="count"),
    TableColumn(name="dead", kind="count"),
    TableColumn(name="registered_at", kind="instant", wide=True),
)
MESSAGES: Final = (
    TableColumn(name="at", kind="instant"),
    TableColumn(name="event"),
    TableColumn(name="operation", kind="id", to="operation"),
    TableColumn(name="state", kind="state"),
    TableColumn(name="tries", kind="count"),
    TableColumn(name="status", kind="since", wide=True),
    TableColumn(name="said", wide=True),
    TableColumn(name="due_at", kind="due", wide=True),
)


async def _list(visit: Visit) -> Document:
    """The document of `/v1/webhooks`."""
    return {"webhooks": [webhook_document(one) for one in await visit.studio.webhooks.list(visit.account)]}


async def _one(visit: Visit) -> Document:
    """The documents of `/v1/webhooks/{id}` and `…/deliveries`."""
    webhooks, id = visit.studio.webhooks, visit.path["id"]
    hook = webhook_document(await webhooks.show(visit.account, id))
    page = await webhooks.deliveries(
        visit.account, id, state=visit.params.get("state"), after=visit.after, limit=visit.limit
    )
    found = {name: value for name, value in messages_document(page).items() if value is not None}
    return {"webhook": hook, **found}


async def _add(sent: FormSent) -> Shows:
    visit = sent.visit
    events = [one for one in sent.many.get("events", ()) if one in EVENTS]
    new = await visit.studio.webhooks.add(
        visit.account, sent.needed("url"), events=events, by=visit.caller.holder.actor, reason=sent.text("reason")
    )
    return Shows("secret.html", "webhooks.secret", new_secret_document(new), under="webhooks")


async def _rotate(sent: FormSent) -> Shows:
    visit = sent.visit
    new = await visit.studio.webhooks.rotate(
        visit.account, visit.path["id"], by=visit.caller.holder.actor, reason=sent.text("reason")
    )
    return Shows("secret.html", "webhooks.secret", new_secret_document(new), under="webhooks")


async def _pause(sent: FormSent) -> str:
    visit, id, webhooks = sent.visit, sent.visit.path["id"], sent.visit.studio.webhooks
    by, reason = visit.caller.holder.actor, sent.text("reason")
    change = webhooks.resume if sent.text("resume") == "yes" else webhooks.pause
    await change(visit.account, id, by=by, reason=reason)
    return visit.link("webhook", id=id)


async def _replay(sent: FormSent) -> str:
    visit, id = sent.visit, sent.visit.path["id"]
    await visit.studio.webhooks.replay(visit.account, id, dead=True)
    return visit.link("webhook", id=id)


async def _test(sent: FormSent) -> Shows:
    visit, id = sent.visit, sent.visit.path["id"]
    answer = answer_document(await visit.studio.webhooks.test(visit.account, id))
    return Shows("tested.html", "webhooks.tested", {"id": id, **answer}, under="webhooks")


async def _remove(sent: FormSent) -> str:
    visit = sent.visit
    await visit.studio.webhooks.remove(
        visit.account, visit.path["id"], by=visit.caller.holder.actor, reason=sent.text("reason")
    )
    return visit.link("webhooks")


PAGES = (
    WebPage(
        name="webhooks",
        path="/webhooks",
        document=_list,
        template="webhooks.html",
        scope=KeyScope.ADMIN,
        group="account",
        rows="webhooks",
        columns=COLUMNS,
        choices={"event": tuple(EVENTS)},
    ),
    WebPage(
        name="webhook",
        path="/webhooks/{id}",
        document=_one,
        template="webhook.html",
        scope=KeyScope.ADMIN,
        under="webhooks",
        rows="deliveries",
        columns=MESSAGES,
        filters=(PageFilter(name="state", among=STATES),),
    ),
)
ACTIONS = (
    WebAction(name="add_webhook", path="/webhooks/add", do=_add, scope=KeyScope.ADMIN),
    WebAction(name="rotate_webhook", path="/webhooks/{id}/rotate", do=_rotate, scope=KeyScope.ADMIN),
    WebAction(name="pause_webhook", path="/webhooks/{id}/pause", do=_pause, scope=KeyScope.ADMIN),
    WebAction(name="replay_webhook", path="/webhooks/{id}/replay", do=_replay, scope=KeyScope.ADMIN),
    WebAction(name="test_webhook", path="/webhooks/{id}/test", do=_test, scope=KeyScope.ADMIN),
    WebAction(name="remove_webhook", path="/webhooks/{id}/remove", do=_remove, scope=KeyScope.ADMIN),
)
