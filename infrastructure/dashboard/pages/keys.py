"""API keys: which there are and what each may spend; issued, bounded and revoked; and what a person has to approve."""

from __future__ import annotations

from typing import Final

from domain.errors import Forbidden
from domain.keys import KeyScope, KeyTerms
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
from infrastructure.gateway.native.keys import check_scopes
from infrastructure.showing.formats import instant_of
from infrastructure.showing.keys import key_document, new_key_document
from infrastructure.showing.refusals import approvals_document

COLUMNS: Final = (
    TableColumn(name="id", kind="mono", to="key"),
    TableColumn(name="name"),
    TableColumn(name="standing", kind="state"),
    TableColumn(name="scopes", kind="words"),
    TableColumn(name="user", wide=True),
    TableColumn(name="project", wide=True),
    TableColumn(name="issued_at", kind="instant", wide=True),
    TableColumn(name="expires", kind="until", wide=True),
)
MEASURES: Final = (
    TableColumn(name="measure", kind="measure"),
    TableColumn(name="limit", kind="limit"),
    TableColumn(name="used", kind="sum"),
    TableColumn(name="held", kind="sum"),
    TableColumn(name="left", kind="limit"),
)
APPROVALS: Final = (
    TableColumn(name="asked_at", kind="instant"),
    TableColumn(name="quote", kind="mono"),
    TableColumn(name="api_key", kind="key", to="key"),
    TableColumn(name="kind"),
    TableColumn(name="model", wide=True),
    TableColumn(name="price", kind="money"),
    TableColumn(name="standing", kind="state"),
    TableColumn(name="expires", kind="instant", wide=True),
    TableColumn(name="operation", kind="id", to="operation"),
)


async def _list(visit: Visit) -> Document:
    """The document of `/v1/keys`, the newest first."""
    found = [key_document(one) for one in await visit.studio.keys.list(visit.account)]
    return {"keys": found[::-1]}


async def _one(visit: Visit) -> Document:
    """The document of `/v1/keys/{id}`."""
    found: Document = key_document(await visit.studio.keys.show(visit.account, visit.path["id"]))
    return found


async def _approvals(visit: Visit) -> Document:
    """Each as `/v1/approvals/{quote}` tells it, the newest first; those that are over if they are asked for."""
    over = visit.params.get("over") == "yes"
    page = await visit.studio.approvals.list(visit.whose, over=over, after=visit.after, limit=visit.limit)
    found = approvals_document(page)
    return {name: value for name, value in found.items() if value is not None}


async def _issue(sent: FormSent) -> Shows:
    visit, currency = sent.visit, sent.visit.gate.currency
    scopes = tuple(KeyScope(one) for one in sent.many.get("scopes", ()) if one in tuple(KeyScope))
    check_scopes(visit.caller, scopes)
    expires, minute = sent.text("expires"), sent.count("per_minute")
    above, limit = sent.amount("approve_above", currency), sent.amount("limit", currency)
    terms = KeyTerms(
        scopes,
        user=sent.text("user") or None,
        project=sent.text("project") or None,
        forwards=sent.text("forwards") == "yes",
        expires=instant_of(expires, field="expires") if expires else None,
        approve_above=None if above is None else above.micros,
        per_minute=minute,
    )
    new = await visit.studio.keys.issue(
        visit.account,
        terms,
        name=sent.text("name"),
        limits={} if limit is None else {"spend": limit.micros},
        by=visit.caller.holder.actor,
        reason=sent.text("reason"),
    )
    return Shows("secret.html", "keys.secret", new_key_document(new), under="keys")


async def _limit(sent: FormSent) -> str:
    visit, id = sent.visit, sent.visit.path["id"]
    limit = sent.amount("limit", visit.gate.currency)
    await visit.studio.keys.change(
        visit.account,
        id,
        limits={"spend": None if limit is None else limit.micros},
        by=visit.caller.holder.actor,
        reason=sent.text("reason"),
    )
    return visit.link("key", id=id)


async def _revoke(sent: FormSent) -> str:
    visit, id = sent.visit, sent.visit.path["id"]
    if id == visit.caller.holder.key:
        raise Forbidden(f"key {id} is the one that is logged in", hint="log in with another key to revoke it")
    await visit.studio.keys.revoke(visit.account, id, by=visit.caller.holder.actor, reason=sent.text("reason"))
    return visit.link("key", id=id)


async def _approve(sent: FormSent) -> str:
    visit, quote = sent.visit, sent.visit.path["quote"]
    account = visit.whose or await visit.studio.approvals.account_of(quote)
    await visit.studio.approvals.give(account, quote, by=visit.caller.holder.actor, reason=sent.text("reason"))
    return visit.link("approvals")


PAGES = (
    WebPage(
        name="keys",
        path="/keys",
        document=_list,
        template="keys.html",
        scope=KeyScope.ADMIN,
        group="account",
        rows="keys",
        columns=COLUMNS,
    ),
    WebPage(
        name="key",
        path="/keys/{id}",
        document=_one,
        template="key.html",
        scope=KeyScope.ADMIN,
        under="keys",
        parts={"measures": MEASURES},
    ),
    WebPage(
        name="approvals",
        path="/approvals",
        document=_approvals,
        template="approvals.html",
        group="account",
        rows="approvals",
        columns=APPROVALS,
        filters=(PageFilter(name="over", among=("yes",)),),
    ),
)
ACTIONS = (
    WebAction(name="issue_key", path="/keys/issue", do=_issue, scope=KeyScope.ADMIN),
    WebAction(name="limit_key", path="/keys/{id}/limit", do=_limit, scope=KeyScope.ADMIN),
    WebAction(name="revoke_key", path="/keys/{id}/revoke", do=_revoke, scope=KeyScope.ADMIN),
    WebAction(name="approve", path="/approvals/{quote}/give", do=_approve, scope=KeyScope.ADMIN),
)
