"""The books: the trial balance, and the postings behind each of its lines."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from application.keeping.books import BookQuery
from domain.keys import KeyScope
from infrastructure.dashboard.page import Document, MeantFor, PageFilter, TableColumn, Visit, WebPage
from infrastructure.dashboard.pages.rows import PAST, moment_of_visit, past_read, position_in
from infrastructure.gateway.native.asof import as_of_document
from infrastructure.showing.books import balance_document, postings_document
from infrastructure.showing.formats import instant_of
from projections.books import named

BALANCE: Final = (
    TableColumn(name="ledger_account", to="postings", by="ledger_account"),
    TableColumn(name="side", wide=True),
    TableColumn(name="debit", kind="money"),
    TableColumn(name="credit", kind="money"),
    TableColumn(name="cost_unknown", kind="count", wide=True),
)
POSTINGS: Final = (
    TableColumn(name="at", kind="instant"),
    TableColumn(name="fact", kind="fact", wide=True),
    TableColumn(name="account", wide=True),
    TableColumn(name="operation", kind="id", to="operation", along=("account",)),
    TableColumn(name="source"),
    TableColumn(name="destination"),
    TableColumn(name="amount", kind="money"),
    TableColumn(name="position", kind="count", wide=True),
)


async def _balance(visit: Visit) -> Document:
    """The document of `/v1/books`."""
    currency = visit.params.get("currency")
    moment, at = await moment_of_visit(visit), _instant(visit)
    if moment is not None:
        return dict(
            as_of_document(balance_document(await visit.studio.past.balance(moment, visit.whose, at, currency)), moment)
        )
    return balance_document(await asyncio.to_thread(visit.studio.books.balance, visit.whose, at, currency))


async def _postings(visit: Visit) -> Document:
    """The document of `/v1/books/postings`."""
    name = visit.params.get("ledger_account")
    wanted = BookQuery(visit.whose, None if name is None else named(name), _instant(visit))
    found = await asyncio.to_thread(visit.studio.books.postings, wanted, position_in(visit.after), visit.limit)
    document: dict[str, Any] = postings_document(found, wanted)
    return document


def _instant(visit: Visit) -> int | None:
    text = visit.params.get("at")
    return None if text is None else instant_of(text)


PAGES = (
    WebPage(
        name="books",
        path="/books",
        document=_balance,
        reads=past_read,
        template="books.html",
        scope=KeyScope.ADMIN,
        meant=MeantFor.ANY,
        group="money",
        rows="balances",
        columns=BALANCE,
        filters=(PageFilter(name="at", kind="day"), PageFilter(name="currency"), PAST),
    ),
    WebPage(
        name="postings",
        path="/books/postings",
        document=_postings,
        scope=KeyScope.ADMIN,
        meant=MeantFor.ANY,
        under="books",
        rows="postings",
        columns=POSTINGS,
        filters=(PageFilter(name="ledger_account"), PageFilter(name="at", kind="day")),
    ),
)
