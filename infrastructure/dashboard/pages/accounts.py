"""All accounts, for whoever runs the studio: how each stands in its current period."""

from __future__ import annotations

from typing import Any, Final

from application.keeping.accountviews import AccountView
from domain.plans import PLANS
from infrastructure.dashboard.page import Document, MeantFor, TableColumn, Visit, WebPage
from infrastructure.showing.documents import account_document
from infrastructure.showing.formats import iso

FIELDS: Final = ("id", "standing", "plan", "currency", "zone", "prepaid", "balance", "period", "open")
COLUMNS: Final = (
    TableColumn(name="id", to="overview", by="account"),
    TableColumn(name="standing", kind="state"),
    TableColumn(name="plan"),
    TableColumn(name="period", kind="span", wide=True),
    TableColumn(name="open", kind="count"),
    TableColumn(name="held", kind="money"),
    TableColumn(name="used", kind="money"),
    TableColumn(name="left", kind="limit"),
    TableColumn(name="balance", kind="sum", wide=True),
)


async def _list(visit: Visit) -> Document:
    """Of each account the parts of `/v1/accounts/{id}` that a table holds; of measures, what is spent."""
    found = await visit.studio.accounts.list_after(visit.after or "", visit.limit + 1)
    rows = [_row(one) for one in found[: visit.limit]]
    return {"accounts": rows, **({"next": rows[-1]["id"]} if len(found) > visit.limit else {})}


def _row(view: AccountView) -> dict[str, Any]:
    told: Any = account_document(view)
    told["period"] = {name: iso(at, view.zone) for name, at in (("start", view.period.start), ("end", view.period.end))}
    return {name: told[name] for name in FIELDS} | {name: told[name].get("spend") for name in ("held", "used", "left")}


PAGES = (
    WebPage(
        name="accounts",
        path="/accounts",
        document=_list,
        meant=MeantFor.STUDIO,
        group="studio",
        rows="accounts",
        columns=COLUMNS,
        template="accounts.html",
        choices={"plan": tuple(PLANS)},
    ),
)
