"""The lineage of an asset: its ancestors, its descendants, and its cost with all that it came from.

    price of an asset with its ancestors = the sum of the shares of every asset among them, each counted once

A share is an asset's part of what an operation was charged. So an operation that made several of them is counted for
these, and one that an asset came from by two ways is counted once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from application.library.records import AssetLink, AssetRecord
from domain.money import Money
from domain.value import value


@dataclass(frozen=True, slots=True)
class Kin:
    """Assets of one direction, without the asked one, the oldest first; and the places that connect them with it."""

    assets: tuple[AssetRecord, ...]
    links: tuple[AssetLink, ...]


@value
class AssetSpend:
    """Price and cost of several assets: None if nothing of it is known, or nothing was ever charged.

    `cost_partial` if the cost of some operation is not known, so that it is at least that much; `operations` are those
    that made them, and `brought` how many of the assets no operation here made, for which nothing was paid here.
    """

    price: Money | None
    cost: Money | None
    cost_partial: bool
    operations: int
    brought: int


@value
class Lineage:
    """An asset, all that it came from and all that came of it, and what it cost with all that it came from."""

    asset: AssetRecord
    ancestors: Kin
    descendants: Kin
    whole: AssetSpend


def lineage_of(asset: AssetRecord, up: Kin, down: Kin) -> Lineage:
    """The lineage, from what was found in both directions; the asset itself is left out of both."""
    made_by = {link.operation for link in up.links if link.role == "output"}
    return Lineage(asset, _without(up, asset), _without(down, asset), spent((asset, *_others(up, asset)), len(made_by)))


def spent(assets: Sequence[AssetRecord], operations: int) -> AssetSpend:
    """Price and cost of these assets together, each counted once."""
    return AssetSpend(
        known_sum([one.price for one in assets]),
        known_sum([one.cost for one in assets]),
        any(one.cost_partial for one in assets),
        operations,
        sum(not one.made for one in assets),
    )


def _without(kin: Kin, asset: AssetRecord) -> Kin:
    return Kin(_others(kin, asset), kin.links)


def _others(kin: Kin, asset: AssetRecord) -> tuple[AssetRecord, ...]:
    return tuple(one for one in kin.assets if one.id != asset.id)


def known_sum(amounts: Sequence[Money | None]) -> Money | None:
    """The sum of what is known, None if nothing is."""
    known = [one for one in amounts if one is not None]
    return Money(sum(one.micros for one in known), known[0].currency) if known else None
