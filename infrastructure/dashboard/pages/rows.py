"""Pages that show rows of a view: the documents of the routes that list it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

from application.ledger.moments import Moment
from application.ledger.positions import position_of
from infrastructure.dashboard.page import Document, PageFilter, Reading, Visit
from infrastructure.gateway.native.asof import AS_OF
from infrastructure.gateway.native.paging import PageAsked
from infrastructure.gateway.native.views import rows_document
from infrastructure.showing.formats import iso, span_between
from projections.engine.view import AnyView

PAST: Final = PageFilter(name=AS_OF, kind="moment")
"""The filter of a page that shows what was, too."""


async def moment_of_visit(visit: Visit) -> Moment | None:
    """The moment that the address asks for; None for now. Raises InvalidInput."""
    text = visit.params.get(AS_OF)
    return None if text is None else await visit.studio.past.moment(text, visit.whose)


async def past_read(visit: Visit) -> Reading:
    """The facts up to the moment that the address asks for."""
    moment = await moment_of_visit(visit)
    return Reading(0 if moment is None else int(moment.position))


def position_in(after: str | None) -> int:
    """A position as the place after which more is shown, 0 for the beginning. Raises InvalidInput."""
    return 0 if after is None else position_of(after, "after")


def span_to_now(visit: Visit, since: str, until: str | None) -> tuple[int, int]:
    """A span in epoch microseconds that ends now unless told. Raises InvalidInput."""
    return span_between(since, until or iso(visit.gate.clock(), precision="microseconds"))


async def view_rows(visit: Visit, name: str, view: AnyView, **changes: Any) -> Document:
    """The rows that the address asks for, as they are, or were `as_of` a moment.

    `changes` are `limit`, and filters of the page's own.
    """
    limit = changes.pop("limit", visit.limit)
    page = PageAsked(visit.after, limit)
    has_account = "account" in {one.name for one in fields(view.filter)}
    account = {"account": visit.whose} if visit.whose is not None and has_account else {}
    chosen = {**visit.params, **changes}
    chosen.pop(AS_OF, None)
    moment = await moment_of_visit(visit)
    return dict(await rows_document(visit.gate, name, view, chosen, page, moment, caught_up=True, **account))
