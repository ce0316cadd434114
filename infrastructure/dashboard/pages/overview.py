"""The first page of an account: what it spent and holds, its limits, where it leads, and what wants attention."""

from __future__ import annotations

from typing import Any, Final

from infrastructure.dashboard.page import Document, Visit, WebPage
from infrastructure.dashboard.pages.operations import COLUMNS
from infrastructure.dashboard.pages.rows import view_rows
from infrastructure.showing.documents import account_document, limits_document
from infrastructure.showing.formats import iso
from infrastructure.showing.standing import attention, pace_document
from projections.views.operations import OPERATIONS
from projections.views.periods import PERIODS
from projections.views.spend import SPEND

SHOWN: Final = tuple(one for one in COLUMNS if one.name not in ("outputs", "held"))
NEWEST: Final = 8
DAYS: Final = 500
"""Rows of days and models that a chart is of."""
DOUBTS: Final = ("cost_unknown", "estimated")


async def _document(visit: Visit) -> Document:
    """The documents of `/v1/accounts/{id}`, `/v1/limits`, `/v1/periods`, `/v1/spend` and `/v1/operations`, as parts."""
    studio = visit.studio
    view = await studio.accounts.show(visit.account)
    account: Document = account_document(view)
    limits: Document = limits_document(await studio.accounts.limits(visit.account))
    now = visit.gate.clock()
    rows = (await view_rows(visit, "periods", PERIODS, at=iso(view.period.start), limit=1))["periods"]
    period = rows[0] if rows else None
    since = iso(view.period.start, view.zone)[:10]
    spend = await view_rows(visit, "spend", SPEND, since=since, limit=DAYS)
    return {
        "account": account,
        "pace": pace_document(view.used.get("spend", 0), view.currency, view.period, now),
        "limits": limits["limits"],
        "attention": attention(account, limits["limits"], _doubts(period)),
        "period": period,
        "first_day": since,
        "next_day": iso(view.period.end, view.zone)[:10],
        "days": _days(spend["spend"]),
        "operations": (await view_rows(visit, "operations", OPERATIONS, limit=NEWEST))["operations"],
    }


def _doubts(period: Document | None) -> dict[str, int]:
    return {} if period is None else {name: period[name] for name in DOUBTS}


def _days(rows: list[Document]) -> list[dict[str, Any]]:
    """The charges of each day, with its corrections; exact, in micro-units."""
    found: dict[str, int] = {}
    for row in rows:
        found[row["day"]] = found.get(row["day"], 0) + row["price"]["micros"]
    return [{"day": day, "micros": micros} for day, micros in sorted(found.items())]


PAGES = (
    WebPage(
        name="overview",
        path="/",
        document=_document,
        template="overview.html",
        group="account",
        parts={"newest": SHOWN},
    ),
)
