"""The library's records, read from the views that the projector keeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from sqlalchemy import Select

from application.library.lineage import Kin, Lineage, known_sum, lineage_of
from application.library.records import (
    ORDERS,
    AssetLink,
    AssetPage,
    AssetQuery,
    AssetRecord,
    AssetTotal,
    LibraryTotals,
)
from domain.money import Money
from infrastructure.ordering import asset_order
from infrastructure.store.database import Database
from infrastructure.store.wording import collected, favourites, matching, tagged
from projections.assetsums import AssetSum, asset_sums
from projections.engine.asking import Found
from projections.engine.filters import check_word
from projections.engine.sorting import find_sorted
from projections.lineage import KinRows, ancestors, descendants
from projections.queries import Views
from projections.views.assets import ASSETS, AssetFilter, AssetRow
from projections.views.links import LINKS, LinkFilter, LinkRow


class AssetsInViews:
    """Implements AssetRecords on the views, which whoever asks brings up first."""

    def __init__(self, views: Views, database: Database) -> None:
        self._views = views
        self._database = database

    def page(self, account: str, wanted: AssetQuery, after: str | None, limit: int | None) -> AssetPage:
        filter = self._filter(account, wanted)
        check_word("sort", wanted.sort, ORDERS)
        if wanted.sort == ORDERS[0]:
            found = self._views.find(ASSETS, filter, after=after, limit=limit)
        else:
            order = asset_order(wanted.sort, account, self._database)
            found = find_sorted(self._database, ASSETS, filter, order, after, limit)
        return asset_page(found)

    def totals(self, account: str, wanted: AssetQuery) -> LibraryTotals:
        filter = self._filter(account, wanted)
        loved = replace(filter, among=(*filter.among, favourites(account)))
        return library_totals(
            asset_sums(self._database, filter), sum(part.assets for part in asset_sums(self._database, loved))
        )

    def _filter(self, account: str, wanted: AssetQuery) -> AssetFilter:
        return replace(asset_filter(account, wanted), among=tuple(self._among(account, wanted)))

    def _among(self, account: str, wanted: AssetQuery) -> Iterator[Select[tuple[str]]]:
        if wanted.text is not None:
            yield matching(self._database, account, wanted.text)
        if wanted.tag is not None:
            yield tagged(account, wanted.tag)
        if wanted.favourite:
            yield favourites(account)
        if wanted.collection is not None:
            yield collected(account, wanted.collection)

    def one(self, account: str, id: str) -> AssetRecord | None:
        row = self._views.one(ASSETS, account, id)
        return None if row is None else _record(row)

    def due(self, account: str | None, now: int, trashed_before: int, limit: int) -> Sequence[AssetRecord]:
        found = self._views.find(ASSETS, AssetFilter(account=account, due=(now, trashed_before)), limit=limit)
        return [_record(row) for row in found.rows]

    def places(self, account: str, id: str) -> Sequence[AssetLink]:
        return [_link(row) for row in self._views.rows(LINKS, LinkFilter(account=account, asset=id))]

    def ancestors(self, account: str, id: str) -> tuple[Sequence[AssetRecord], Sequence[AssetLink]]:
        return _kin(ancestors(self._database, account, id))

    def descendants(self, account: str, id: str) -> tuple[Sequence[AssetRecord], Sequence[AssetLink]]:
        return _kin(descendants(self._database, account, id))

    def of_operation(self, account: str, operation: str) -> Sequence[AssetLink]:
        rows = self._views.rows(LINKS, LinkFilter(account=account, batch=operation))
        rows = rows or self._views.rows(LINKS, LinkFilter(account=account, operation=operation))
        return [_link(row) for row in rows]


def library_totals(sums: Iterable[AssetSum], loved: int | None) -> LibraryTotals:
    """The sums together; nobody knows how many were favourites at a moment of the past."""
    parts = tuple(map(_total, sums))
    return LibraryTotals(
        sum(part.assets for part in parts),
        sum(part.size for part in parts),
        loved,
        known_sum([part.price for part in parts]),
        known_sum([part.cost for part in parts]),
        any(part.cost_partial for part in parts),
        parts,
    )


def lineage_in(row: AssetRow, up: KinRows, down: KinRows) -> Lineage:
    """The lineage that rows of views tell."""
    kin = (_kin(rows) for rows in (up, down))
    return lineage_of(_record(row), *(Kin(tuple(assets), tuple(links)) for assets, links in kin))


def asset_filter(account: str, wanted: AssetQuery) -> AssetFilter:
    """The filter of a question, but for people's words."""
    return AssetFilter(
        account=account,
        standing=wanted.standing,
        type=wanted.type,
        kind=wanted.kind,
        model=wanted.model,
        provider=wanted.provider,
        user=wanted.user,
        project=wanted.project,
        made=wanted.made,
        seen=wanted.seen,
        sizes=wanted.sizes,
    )


def asset_page(found: Found[AssetRow]) -> AssetPage:
    """The records of a page of rows."""
    return AssetPage(tuple(map(_record, found.rows)), found.next)


def _record(row: AssetRow) -> AssetRecord:
    return AssetRecord(
        row.account,
        row.id,
        row.media_type,
        row.size,
        row.width,
        row.height,
        row.duration_ms,
        row.made,
        row.used,
        row.user,
        row.project or None,
        row.operation,
        row.kind,
        row.model,
        row.provider,
        row.first_seen,
        row.last_seen,
        row.standing,
        row.stood_at,
        row.expires or None,
        price=_money(row.price, row.currency),
        cost=None if row.cost_unknown and not row.cost else _money(row.cost, row.cost_currency or row.currency),
        cost_partial=bool(row.cost_unknown),
    )


def _kin(found: KinRows) -> tuple[list[AssetRecord], list[AssetLink]]:
    return [_record(row) for row in found.assets], [_link(row) for row in found.links]


def _total(one: AssetSum) -> AssetTotal:
    made = one.kind is not None
    return AssetTotal(
        one.media_type,
        one.kind,
        one.model,
        one.assets,
        one.size,
        _money(one.price if made else None, one.currency),
        _money(one.cost if made and (one.cost or not one.cost_unknown) else None, one.cost_currency or one.currency),
        bool(one.cost_unknown),
    )


@lru_cache(maxsize=4096)
def _money(amount: int | None, currency: str | None) -> Money | None:
    return None if amount is None or currency is None else Money(amount, currency)


def _link(row: LinkRow) -> AssetLink:
    return AssetLink(row.operation, row.batch, row.role, row.place, row.files, row.asset, row.field, row.at)
