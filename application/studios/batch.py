"""Batch: a list of items, each carried through the steps of a recipe.

    list ──> items ─┬─ estimate ──> Forecast: every step of every item, before anything is spent
                    └─ run ───────> Outcome of each: so many side by side, begun in the list's order,
                                    none whose hold would lead past the budget
A batch that was stopped or killed is run again under its name: what was done answers by its keys, what was not is done.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from application.library.archive import Archived
from application.ports import Progress, silent
from application.studios.carrying import WAITING, Carrier, Outcome, Service
from application.studios.desk import ServiceDesk
from application.studios.forecast import Forecast, Forecaster
from application.studios.packing import packed
from application.studios.purse import Purse
from application.studios.recipes import Item, Order
from domain.errors import InvalidInput
from domain.meant import meant
from domain.money import Money
from domain.value import value


@value
class Batched:
    """How a batch ended: each item in the list's order, what all were charged, and why it was `stopped`, if it was."""

    name: str
    outcomes: tuple[Outcome, ...]
    price: Money
    stopped: str = ""

    @property
    def states(self) -> Mapping[str, int]:
        """How many items stand where."""
        return Counter(one.state for one in self.outcomes)


class ArchiveNamed(Protocol):
    """Writes assets by the names of their files into one ZIP file, as the library does."""

    async def __call__(self, account: str, names: Mapping[str, str], stream: BinaryIO) -> Archived: ...


@dataclass(frozen=True, slots=True)
class Batch:
    """The service, made of the others by their names. `currency` is that of the price book, `blank` a plain picture."""

    desk: ServiceDesk
    services: Mapping[str, Service]
    currency: str
    blank: Callable[[], bytes]
    write_archive: ArchiveNamed

    async def estimate(self, order: Order, progress: Progress = silent) -> Forecast:
        """The cost of what is left of it, and whether that would be admitted; records nothing. Raises InvalidInput."""
        self._check(order)
        return await Forecaster(self.services, self.desk.operations, order, self.currency, self.blank).all(progress)

    async def run(self, order: Order, progress: Progress = silent) -> Batched:
        """Do it, or go on with it under its name.

        A limit that refuses an item stops the batch, as does the budget; what is on its way then ends first. Raises
        InvalidInput, and StoreUnavailable or Overloaded, after which the batch can be gone on with.
        """
        self._check(order)
        carrier = Carrier(self.services, self.desk.operations, order, Purse(order.budget))
        outcomes = await _carried(carrier, order.items, order.side_by_side, progress)
        if carrier.broken is not None:
            raise carrier.broken
        return Batched(
            order.name, outcomes, Money(carrier.purse.charged, carrier.purse.currency or self.currency), carrier.stopped
        )

    async def archive(self, order: Order, batched: Batched, stream: BinaryIO) -> Archived:
        """Write all files that the batch ended with, in this run or before, into one ZIP file with a manifest.

        A file is named after its item's number and words or file. Raises AssetDamaged and what the stream raises.
        """
        return await self.write_archive(order.account, packed(order.items, batched.outcomes), stream)

    def named(self, service: str) -> Service:
        """The service of a name. Raises InvalidInput that names the nearest."""
        if service not in self.services:
            raise InvalidInput("service", f"there is no service {service!r}", hint=meant(service, self.services))
        return self.services[service]

    def _check(self, order: Order) -> None:
        for step in order.recipe.steps:
            self.named(step.service)


async def _carried(
    carrier: Carrier, items: Sequence[Item], side_by_side: int, progress: Progress
) -> tuple[Outcome, ...]:
    """All outcomes, in order; once the batch is stopped, no further item is begun, and what was done before answers."""
    outcomes = [Outcome(number, WAITING, ()) for number in range(1, len(items) + 1)]
    waiting = iter(range(len(items)))
    done = 0

    async def work() -> None:
        nonlocal done
        while carrier.broken is None and (place := next(waiting, None)) is not None:
            outcomes[place] = await carrier.carry(place + 1, items[place])
            done += 1
            progress(done / len(items), f"{done} of {len(items)} items")

    await asyncio.gather(*(work() for _ in range(min(side_by_side, len(items)))))
    return tuple(outcomes)
