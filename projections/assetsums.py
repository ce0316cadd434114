"""Sums over an account's assets: how many there are of what, how large they are, and what they cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, cast, func, select

from projections.engine.database import ViewDatabase
from projections.engine.tables import live
from projections.views.assets import ASSETS, AssetFilter, share_of
from projections.views.links import LINKS, OUTPUT
from projections.views.operations import OPERATIONS


@dataclass(frozen=True, slots=True)
class AssetSum:
    """Assets of one media type that one kind of operation made with one model; None if none here made them."""

    media_type: str
    kind: str | None
    model: str | None
    assets: int
    size: int
    price: int
    cost: int
    cost_unknown: int
    currency: str | None
    cost_currency: str | None


def asset_sums(database: ViewDatabase, wanted: AssetFilter) -> Iterator[AssetSum]:
    """One row a media type, kind and model; two statements. Raises InvalidInput for a word that there is not."""
    wanted.check()
    found = {(row[0], row[1], row[2]): row for row in _spent(database, wanted)}
    table = live(ASSETS)
    keys = (table.c.media_type, table.c.kind, table.c.model)
    counted = select(*keys, func.count(), _whole(func.sum(table.c.size))).where(*wanted.conditions(table))
    for media_type, kind, model, assets, size in database.rows(counted.group_by(*keys).order_by(*keys)):
        spent = found.get((media_type, kind, model))
        money = (0, 0, 0, None, None) if spent is None else tuple(spent[3:8])
        yield AssetSum(media_type, kind, model, assets, size, *money)


def _spent(database: ViewDatabase, wanted: AssetFilter) -> list[Any]:
    """The shares of all that was made, by what made it."""
    table, link, log = live(ASSETS), live(LINKS), live(OPERATIONS)
    keys = (table.c.media_type, table.c.kind, table.c.model)
    sums = (
        _whole(func.sum(share_of(log.c.price))),
        _whole(func.sum(share_of(log.c.cost))),
        _whole(func.sum(log.c.cost_unknown)),
        func.max(log.c.currency),
        func.max(log.c.cost_currency),
    )
    mine = (link.c.account == table.c.account) & (link.c.asset == table.c.id) & (link.c.role == OUTPUT)
    query = select(*keys, *sums).join_from(table, link, mine).join(log, log.c.id == link.c.operation)
    return [*database.rows(query.where(*wanted.conditions(table)).group_by(*keys))]


def _whole(value: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(func.coalesce(value, 0), BigInteger)
