"""Pages that show rows of a view: the documents of the routes that list it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from infrastructure.dashboard.page import Document, Visit
from infrastructure.gateway.native.paging import PageAsked
from infrastructure.gateway.native.views import rows_document
from projections.engine.view import AnyView


async def view_rows(visit: Visit, name: str, view: AnyView, **changes: Any) -> Document:
    """The rows that the address asks for; `changes` are `limit`, and filters of the page's own."""
    limit = changes.pop("limit", visit.limit)
    page = PageAsked(visit.after, limit)
    has_account = "account" in {one.name for one in fields(view.filter)}
    account = {"account": visit.whose} if visit.whose is not None and has_account else {}
    return await rows_document(visit.gate, name, view, {**visit.params, **changes}, page, **account)
