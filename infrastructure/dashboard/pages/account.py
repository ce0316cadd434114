"""One account: its terms and every limit as it stands, its use by user, kind and key, and who changed what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from domain.errors import InvalidInput
from domain.keys import KeyScope
from domain.plans import MEASURES, PLANS, SPEND
from domain.windows import Window
from infrastructure.dashboard.page import (
    Document,
    FormSent,
    MeantFor,
    PageFilter,
    TableColumn,
    Visit,
    WebAction,
    WebPage,
    studios_action,
)
from infrastructure.dashboard.pages.rows import PAST, moment_of_visit, past_read, view_rows
from infrastructure.gateway.native.asof import as_of_document
from infrastructure.showing.changes import history_document
from infrastructure.showing.documents import account_document, limits_document
from projections.views.usage import USAGE

LONGEST: Final = 6
"""Digits of a place in a history."""
NO_LIMIT: Final = "unlimited"
LIMITS: Final = (
    TableColumn(name="measure", kind="measure"),
    TableColumn(name="scope"),
    TableColumn(name="window"),
    TableColumn(name="limit", kind="limit"),
    TableColumn(name="used", kind="money", wide=True),
    TableColumn(name="held", kind="money", wide=True),
    TableColumn(name="left", kind="limit"),
    TableColumn(name="resets_at", kind="until", wide=True),
)
HISTORY: Final = (
    TableColumn(name="at", kind="instant"),
    TableColumn(name="type", kind="fact"),
    TableColumn(name="told", unless="changes"),
    TableColumn(name="changes", kind="changes"),
    TableColumn(name="reason", wide=True),
    TableColumn(name="actor", kind="mono", wide=True),
)
USED: Final = (
    TableColumn(name="user", to="operations", by="user"),
    TableColumn(name="kind"),
    TableColumn(name="api_key", kind="key", to="operations", by="api_key", wide=True),
    TableColumn(name="period_start", kind="day"),
    TableColumn(name="operations", kind="count", wide=True),
    TableColumn(name="rejected", kind="count", wide=True),
    TableColumn(name="failed", kind="count", wide=True),
    TableColumn(name="outputs", kind="count", wide=True),
    TableColumn(name="price", kind="money"),
    TableColumn(name="adjusted", kind="money", wide=True),
    TableColumn(name="cost", kind="money", wide=True),
)


async def _limits(visit: Visit) -> Document:
    """The documents of `/v1/limits` and `/v1/accounts/{id}`, of now or of a moment."""
    accounts, past, account = visit.studio.accounts, visit.studio.past, visit.account
    moment = await moment_of_visit(visit)
    if moment is None:
        limits, terms = await accounts.limits(account), await accounts.show(account)
    else:
        limits, terms = await past.limits(account, moment), await past.account(account, moment)
    told = {**limits_document(limits), "terms": account_document(terms)}
    return dict(as_of_document(told, moment))


async def _usage(visit: Visit) -> Document:
    """The document of `/v1/usage`."""
    return await view_rows(visit, "usage", USAGE)


async def _history(visit: Visit) -> Document:
    """The document of `/v1/accounts/{id}/history`, the newest first; of terms alone unless all is asked for."""
    account, amounts = visit.account, visit.params.get("amounts") == "yes"
    rows = history_document(account, await visit.studio.past.history(account, amounts=amounts))["history"][::-1]
    begin = int(visit.after) if visit.after and visit.after.isdecimal() and len(visit.after) <= LONGEST else 0
    more = {"next": str(begin + visit.limit)} if len(rows) > begin + visit.limit else {}
    return {"account": account, "history": rows[begin : begin + visit.limit], **more}


async def _plan(sent: FormSent) -> str:
    visit = sent.visit
    await visit.studio.accounts.change_plan(
        visit.account, sent.needed("plan"), by=visit.caller.holder.actor, reason=sent.text("reason")
    )
    return visit.link("limits")


async def _limit(sent: FormSent) -> str:
    visit, measure = sent.visit, sent.needed("measure")
    await visit.studio.accounts.change_limit(
        visit.account,
        measure,
        _limit_in(sent, measure),
        scope=sent.text("scope") or "account",
        window=sent.text("window") or Window.PERIOD,
        by=visit.caller.holder.actor,
        reason=sent.text("reason"),
    )
    return visit.link("limits")


def _limit_in(sent: FormSent, measure: str) -> int | None:
    """A limit as people write it: an amount of money, a count, or no limit. Raises InvalidInput."""
    text = sent.needed("limit")
    if text == NO_LIMIT:
        return None
    if measure == SPEND:
        return sent.needed_amount("limit", sent.visit.gate.currency).micros
    if not (text.isascii() and text.isdecimal() and len(text) <= 12):
        raise InvalidInput("limit", f"{text[:40]!r} is not a count", hint=f"write a number, or {NO_LIMIT}")
    return int(text)


async def _standing(sent: FormSent) -> str:
    visit, step = sent.visit, sent.visit.path["step"]
    accounts = visit.studio.accounts
    steps: dict[str, Callable[..., Awaitable[object]]] = {"suspend": accounts.suspend, "resume": accounts.resume}
    if step not in steps:
        raise InvalidInput("step", f"{step!r} is none", hint="suspend or resume")
    await steps[step](visit.account, sent.needed("reason"), by=visit.caller.holder.actor)
    return visit.link("limits")


async def _open(sent: FormSent) -> str:
    visit = sent.visit
    opened = await visit.studio.accounts.open(
        sent.needed("id"),
        plan=sent.text("plan") or "free",
        zone=sent.text("zone") or "UTC",
        prepaid=sent.text("prepaid") == "yes",
        by=visit.caller.holder.actor,
        reason=sent.text("reason"),
    )
    return visit.link("overview", account=opened.id)


PAGES = (
    WebPage(
        name="limits",
        path="/limits",
        document=_limits,
        reads=past_read,
        template="limits.html",
        group="account",
        rows="limits",
        columns=LIMITS,
        filters=(PAST,),
        choices={"plan": tuple(PLANS), "measure": MEASURES, "window": tuple(map(str, Window))},
    ),
    WebPage(
        name="usage",
        path="/usage",
        document=_usage,
        reads=past_read,
        group="money",
        rows="usage",
        columns=USED,
        filters=(
            PageFilter(name="user"),
            PageFilter(name="kind"),
            PageFilter(name="api_key"),
            PageFilter(name="at", kind="day"),
            PAST,
        ),
    ),
    WebPage(
        name="history",
        path="/history",
        document=_history,
        scope=KeyScope.ADMIN,
        group="account",
        rows="history",
        columns=HISTORY,
        filters=(PageFilter(name="amounts", among=("yes",)),),
    ),
)


ACTIONS = (
    studios_action("change_plan", "/limits/plan", _plan),
    studios_action("change_limit", "/limits/limit", _limit),
    studios_action("change_standing", "/limits/standing/{step}", _standing),
    WebAction(name="open_account", path="/accounts/open", do=_open, scope=KeyScope.ADMIN, meant=MeantFor.STUDIO),
)
