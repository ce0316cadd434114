"""The first page of an account: what it spent and holds, its limits, where it leads, and what wants attention."""

from __future__ import annotations

from asyncio import gather, to_thread
from collections.abc import Mapping
from typing import Any, Final

from application.keeping.accountviews import AccountView
from domain.keys import KeyScope
from infrastructure.dashboard.page import Document, Visit, WebPage
from infrastructure.dashboard.pages.operations import COLUMNS
from infrastructure.showing.alerts import raised_row
from infrastructure.showing.documents import account_document, limits_document
from infrastructure.showing.formats import iso
from infrastructure.showing.rows import list_document, row_document, tagged_document
from infrastructure.showing.standing import attention, pace_document
from projections.engine.asking import Found
from projections.queries import Views
from projections.views.operations import OPERATIONS
from projections.views.periods import PERIODS

SHOWN: Final = tuple(one for one in COLUMNS if one.name not in ("outputs", "held"))
NEWEST: Final = 8
MOST_RAISED: Final = 5
DOUBTS: Final = ("cost_unknown", "estimated")


async def _document(visit: Visit) -> Document:
    """The documents of `/v1/accounts/{id}`, `/v1/limits`, `/v1/periods`, `/v1/spend` and `/v1/operations`, as parts."""
    studio, now = visit.studio, visit.gate.clock()
    view, limits_found, raised = await gather(
        studio.accounts.show(visit.account), studio.accounts.limits(visit.account), _raised(visit, now)
    )
    account: Document = account_document(view)
    limits: Document = limits_document(limits_found)
    since = iso(view.period.start, view.zone)[:10]
    found, newest, tags, days = await to_thread(_rows, visit.studio.views, view, since)
    period = next((row_document(PERIODS, one) for one in found.rows), None)
    return {
        "account": account,
        "pace": pace_document(view.used.get("spend", 0), view.currency, view.period, now),
        "limits": limits["limits"],
        "attention": attention(account, limits["limits"], _doubts(period)),
        "raised": raised,
        "period": period,
        "first_day": since,
        "next_day": iso(view.period.end, view.zone)[:10],
        "days": [{"day": day, "micros": micros} for day, micros in days],
        "operations": tagged_document(list_document("operations", OPERATIONS, newest), tags)["operations"],
    }


OverviewRows = tuple[Found[Any], Found[Any], Mapping[str, Mapping[str, str]], list[tuple[str, int]]]


def _rows(views: Views, view: AccountView, since: str) -> OverviewRows:
    """The period's sums, the newest operations with their tags, and what was charged each day: all in one thread."""
    period = views.find(PERIODS, PERIODS.filter(account=view.id, at=view.period.start), limit=1)
    newest = views.find(OPERATIONS, OPERATIONS.filter(account=view.id), limit=NEWEST)
    tags = views.tags([row.id for row in newest.rows])
    return period, newest, tags, views.spent_by_day(view.id, since)


async def _raised(visit: Visit, now: int) -> list[Document]:
    """Alerts of spans that are not over, for whoever may administer them."""
    if not visit.caller.holder.may(KeyScope.ADMIN):
        return []
    found = await visit.studio.alerts.history(visit.account, MOST_RAISED)
    return [raised_row(one) for one in found if one.end > now]


def _doubts(period: Document | None) -> dict[str, int]:
    return {} if period is None else {name: period[name] for name in DOUBTS}


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
