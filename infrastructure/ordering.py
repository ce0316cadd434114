"""The orders in which a library is listed, as expressions over the view of assets and people's words about them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, case, cast, func, literal_column

from infrastructure.store.database import Database
from infrastructure.store.wording import title_of_asset
from projections.engine.sorting import Ordering
from projections.engine.tables import live
from projections.views.assets import ASSETS, price_of_asset

BEYOND = 2**62
"""Micro-units that nothing costs: assets for which nothing was charged come after all others, in either direction."""


def asset_order(sort: str, account: str, database: Database) -> Ordering:
    """The order of a word; each ends with the asset's id."""
    table, name = live(ASSETS), f"assets {sort}"
    id = table.c.id
    match sort:
        case "oldest":
            return Ordering(name, (table.c.first_seen, id), (True, False))
        case "largest" | "smallest":
            return Ordering(name, (table.c.size, id), (True, False), descending=sort == "largest")
        case "dearest" | "cheapest":
            descending = sort == "dearest"
            price = func.coalesce(price_of_asset(table), cast(-BEYOND if descending else BEYOND, BigInteger))
            return Ordering(name, (price, id), (True, False), descending)
    title = _plain(title_of_asset(account, id), database)
    untitled = case((title == "", 1), else_=0)
    return Ordering(name, (untitled, title, id), (True, False, False))


def _plain(text: ColumnElement[Any], database: Database) -> ColumnElement[Any]:
    """Without the case of Latin letters, and otherwise byte by byte, on both databases alike."""
    told = func.coalesce(text, literal_column("''"))
    return func.lower(told if database.is_sqlite else told.collate("C"))
