"""Lineage: the ancestors of an asset and its descendants, each in one recursive statement over the links.

up     asset <── output of ── operation <── input of ── assets … each once, so that no circle goes on
down   asset ── input of ──> operation ── output of ──> assets …
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import CTE, Select, Text, cast, literal, select, union_all

from projections.engine.asking import select_from
from projections.engine.database import ViewDatabase
from projections.engine.tables import live
from projections.views.assets import ASSETS, AssetRow
from projections.views.links import INPUT, LINKS, OUTPUT, LinkRow


@dataclass(frozen=True, slots=True)
class KinRows:
    """The assets of one direction, the asked one among them, and the places that connect them."""

    assets: Sequence[AssetRow]
    links: Sequence[LinkRow]


def ancestors(database: ViewDatabase, account: str, id: str) -> KinRows:
    """The asset, and all that it came from."""
    return _kin(database, account, id, OUTPUT, INPUT)


def descendants(database: ViewDatabase, account: str, id: str) -> KinRows:
    """The asset, and all that came of it."""
    return _kin(database, account, id, INPUT, OUTPUT)


def _kin(database: ViewDatabase, account: str, id: str, near: str, far: str) -> KinRows:
    found = _reached(account, id, near, far)
    table, links = live(ASSETS), live(LINKS)
    mine = select(found.c.asset)
    rows = select_from(ASSETS).where(table.c.account == account, table.c.id.in_(mine))
    operations = _of(account, near, mine)
    here = select(links).where(links.c.account == account)
    places = union_all(
        here.where(links.c.role == near, links.c.asset.in_(mine)),
        here.where(links.c.role == far, links.c.operation.in_(operations)),
    )
    return KinRows(
        [ASSETS.row(*row) for row in database.rows(rows.order_by(table.c.first_seen, table.c.id))],
        sorted((LINKS.row(*row) for row in database.rows(places)), key=_place),
    )


def _of(account: str, role: str, assets: Select[tuple[str]]) -> Select[tuple[str]]:
    """The operations in which some assets have this role."""
    links = live(LINKS)
    return select(links.c.operation).where(links.c.account == account, links.c.role == role, links.c.asset.in_(assets))


def _reached(account: str, id: str, near: str, far: str) -> CTE:
    """The ids of all assets that are reached: by operations, from those `near` in them to those `far` in them."""
    start = select(cast(literal(id), Text).label("asset")).cte("kin", recursive=True)
    here, there = live(LINKS).alias("here"), live(LINKS).alias("there")
    step = (
        select(there.c.asset)
        .join_from(start, here, (here.c.asset == start.c.asset) & (here.c.account == account) & (here.c.role == near))
        .join(there, (there.c.operation == here.c.operation) & (there.c.role == far))
    )
    return start.union(step)


def _place(row: LinkRow) -> tuple[str, str, int]:
    return row.operation, row.role, row.place
