"""Sums of what ended, in groups: by people, projects, keys, models and days; each leads to its operations."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Final

from infrastructure.dashboard.page import Document, MeantFor, PageFilter, TableColumn, Visit, WebPage
from infrastructure.gateway.native.paging import PageAsked
from infrastructure.showing.formats import UTC_NAME, iso
from infrastructure.showing.sums import question_of, sums_document

GROUPS: Final = ("user", "project", "api_key", "kind", "model", "provider", "day", "month")
"""The groups of an account's sums; over all accounts there is one more, and the usual one."""
ACCOUNT: Final = "account"
COLUMNS: Final = (
    TableColumn(name="account", to="overview", by="account"),
    TableColumn(name="user", to="operations", by="user"),
    TableColumn(name="project", to="operations", by="project"),
    TableColumn(name="api_key", kind="key", to="operations", by="api_key"),
    TableColumn(name="kind", to="operations", by="kind"),
    TableColumn(name="model", to="operations", by="model"),
    TableColumn(name="provider", to="operations", by="provider"),
    TableColumn(name="day", kind="day"),
    TableColumn(name="month"),
    TableColumn(name="charged", kind="count"),
    TableColumn(name="rejected", kind="count", wide=True),
    TableColumn(name="failed", kind="count", wide=True),
    TableColumn(name="outputs", kind="count", wide=True),
    TableColumn(name="gross", kind="money", wide=True),
    TableColumn(name="adjusted", kind="money", wide=True),
    TableColumn(name="price", kind="money"),
    TableColumn(name="cost", kind="money", wide=True),
)


async def _document(visit: Visit) -> Document:
    """The document of `/v1/usage` in groups: of an account in its zone from its period's beginning on, unless told."""
    account = visit.whose
    words: dict[str, str | None] = {"group_by": ACCOUNT if account is None else "user", **visit.params}
    zone = UTC_NAME
    if account is not None:
        view = await visit.studio.accounts.show(account)
        zone = view.zone
        words.setdefault("from", iso(view.period.start))
    asked = question_of(words, account, zone)
    if account is not None and ACCOUNT in asked.by:
        asked = replace(asked, by=tuple(one for one in asked.by if one != ACCOUNT))
    page = PageAsked(visit.after, visit.limit)
    found = await asyncio.to_thread(visit.studio.views.sum_up, asked, after=page.after, limit=page.limit)
    document: dict[str, Any] = sums_document(found)
    return document


PAGES = (
    WebPage(
        name="sums",
        path="/sums",
        document=_document,
        template="sums.html",
        meant=MeantFor.ANY,
        group="money",
        rows="usage",
        columns=COLUMNS,
        filters=(
            PageFilter(name="group_by", among=(*GROUPS, ACCOUNT)),
            *(PageFilter(name="from", kind="day"), PageFilter(name="to", kind="day")),
            *(PageFilter(name=one) for one in ("user", "project", "api_key", "kind", "model", "provider")),
        ),
    ),
)
