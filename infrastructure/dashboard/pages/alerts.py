"""Alerts: what the account is told once its use comes to a share or an amount, and what it was told."""

from __future__ import annotations

from typing import Final

from domain.alerts import ALERT_MEASURES, ALERT_WINDOWS
from domain.errors import InvalidInput, InvalidMoney
from domain.keys import KeyScope
from infrastructure.dashboard.page import Document, FormSent, TableColumn, Visit, WebAction, WebPage
from infrastructure.showing.alerts import alert_document, alert_terms_of, raised_row

COLUMNS: Final = (
    TableColumn(name="measure", kind="measure"),
    TableColumn(name="scope"),
    TableColumn(name="window"),
    TableColumn(name="at", kind="words"),
    TableColumn(name="value", kind="money"),
    TableColumn(name="limit", kind="limit"),
    TableColumn(name="locks", kind="yes", wide=True),
    TableColumn(name="end", kind="instant", wide=True),
)
RAISED: Final = (
    TableColumn(name="told_at", kind="instant"),
    TableColumn(name="told"),
    TableColumn(name="threshold", wide=True),
    TableColumn(name="reached_at", kind="instant", wide=True),
    TableColumn(name="position", kind="count", wide=True),
)


async def _list(visit: Visit) -> Document:
    """The documents of `/v1/alerts` and `/v1/alerts/history`."""
    alerts = visit.studio.alerts
    found = [alert_document(one) for one in await alerts.list(visit.account)]
    raised = await alerts.history(visit.account, visit.limit)
    return {"alerts": found, "raised": [raised_row(one) for one in raised]}


async def _set(sent: FormSent) -> str:
    visit = sent.visit
    currency = (await visit.studio.accounts.show(visit.account)).currency
    at = [one.strip() for one in sent.needed("at").split(",") if one.strip()]
    try:
        terms = alert_terms_of(
            at,
            currency,
            scope=sent.text("scope") or "account",
            measure=sent.needed("measure"),
            window=sent.text("window") or "period",
            locks=sent.text("lock") == "yes",
        )
    except InvalidMoney as error:
        raise InvalidInput("at", str(error), hint=error.advice) from error
    by, reason = visit.caller.holder.actor, sent.text("reason")
    await visit.studio.alerts.set(visit.account, terms, by=by, reason=reason)
    return visit.link("alerts")


async def _remove(sent: FormSent) -> str:
    visit = sent.visit
    by, reason = visit.caller.holder.actor, sent.text("reason")
    await visit.studio.alerts.remove(visit.account, sent.needed("alert"), by=by, reason=reason)
    return visit.link("alerts")


PAGES = (
    WebPage(
        name="alerts",
        path="/alerts",
        document=_list,
        template="alerts.html",
        scope=KeyScope.ADMIN,
        group="account",
        rows="alerts",
        columns=COLUMNS,
        parts={"raised": RAISED},
        choices={"measure": ALERT_MEASURES, "window": tuple(map(str, ALERT_WINDOWS))},
    ),
)
ACTIONS = (
    WebAction(name="set_alert", path="/alerts", do=_set, scope=KeyScope.ADMIN),
    WebAction(name="remove_alert", path="/alerts/remove", do=_remove, scope=KeyScope.ADMIN),
)
