"""Providers' invoices, with the models that their lines name by the catalogue's entries."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from application.keeping.invoices import Invoices, MonthCosts
from domain.meant import near_names
from projections.monthcosts import CostsOfMonths

if TYPE_CHECKING:
    from domain.catalogue import Catalogue
    from infrastructure.assembly import Assembly


class CostsOfLedgers(MonthCosts, Protocol):
    """Our recorded costs in several ledgers, as far as their views have read the logs."""

    async def refresh(self) -> None:
        """Bring those views up to their logs."""


def invoices_of(made: Assembly) -> Invoices:
    """The use cases of an open studio."""
    months = made.parts.months
    return Invoices(
        ledgers=made.ledgers,
        writer=made.writer,
        streams=made.reader,
        codec=made.codec,
        index=made.index,
        costs=months or CostsOfMonths(made.database),
        refresh=months.refresh if months is not None else partial(asyncio.to_thread, made.views.catch_up),
        model_named=partial(model_named, made.catalogue),
        meant=partial(providers_meant, {*made.by_name, *(one.provider for one in made.catalogue)}),
        currency=made.price_book.currency,
        operator=made.operator,
        allowed=made.settings.drift_percent,
    )


def providers_meant(known: Collection[str], name: str) -> Sequence[str]:
    """The providers whose names are nearly this one, which is no provider's; none if it is one's."""
    return () if name in known else near_names(name.lower(), sorted(known))


def model_named(catalogue: Catalogue, provider: str, name: str) -> str:
    """The provider's model of this id or route, or of its route's last words; empty if it is none, or several."""
    models = [one for one in catalogue if one.provider == provider]
    for named in ("id", "route", "last"):
        found = {one.id for one in models if name == _name(named, one.id, one.route)}
        if found:
            return found.pop() if len(found) == 1 else ""
    return ""


def _name(named: str, id: str, route: str) -> str:
    return {"id": id, "route": route, "last": route.rpartition("/")[2]}[named]
