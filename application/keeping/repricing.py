"""Repricing of what was sold: shown by account and model, and booked as corrections, each once for a price book.

    span ── PastSales ── another book ──> Repriced … ──> lines by account and model
                                             └── booked: one correction an operation, under the book's version

Whoever is interrupted begins again: what was booked is found by its reference and left alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from application.keeping.pastsales import PastSales
from application.ledger.group import Proposal, Receipt
from application.ledger.ledgers import Ledgers
from domain.actor import Actor
from domain.catalogue import Catalogue
from domain.ids import check_reason
from domain.ledger import Fact, Ledger, find
from domain.periods import Period
from domain.pricing import PriceBook
from domain.raising import NotCovered
from domain.repricing import (
    Repriced,
    changes,
    due,
    priced_together,
    raise_repriced,
    reprice,
    repriced,
    was_booked,
    was_covered,
)


@dataclass(frozen=True, slots=True)
class RepricedLine:
    """One account's operations of one model: what they were charged and cost, and what they would have been.

    `lowered` is what is given back; `raised` what charges would rise by, which is booked only if asked. Of `again`
    operations this price book was booked before, and they stay as they are. Of `unsaid` operations nobody can say, for
    the reasons `why`; they are in no sum.
    """

    account: str
    model: str
    currency: str
    cost_currency: str
    operations: int
    charged: int
    lowered: int
    raised: int
    cost: int
    unsaid: int
    why: tuple[str, ...]
    again: int = 0


@dataclass(frozen=True, slots=True)
class Repricings:
    """A whole span by another price book, and how many corrections were booked by this run.

    Of `short` operations not all was booked: the balance that was paid beforehand does not cover the rise, or goodwill
    left less of the period's charges to give back.
    """

    book: str
    lines: tuple[RepricedLine, ...]
    booked: int
    short: int = 0


@dataclass(frozen=True, slots=True)
class Repricing:
    """The use case of whoever corrects prices; the book is a catalogue that is not in force here."""

    sales: PastSales
    writer: Ledgers
    operator: Actor

    async def run(
        self,
        catalogue: Catalogue,
        book: PriceBook,
        since: int,
        until: int,
        *,
        account: str | None = None,
        reason: str = "",
        by: Actor | None = None,
        dry: bool = True,
        rises: bool = False,
    ) -> Repricings:
        """Price what was charged in [since, until) again; unless it is a `dry` run, book what is to be given back.

        With `rises` charges that were too little are raised as well. Raises InvalidInput without a reason for what is
        booked, UnknownAccount, LogCorrupted, StoreUnavailable.
        """
        if not dry:
            check_reason(reason, needed=True)
        found = await asyncio.to_thread(lambda: [*self._found(catalogue, book, since, until, account)])
        booked = short = 0
        for one in () if dry else [one for one in found if any(due(one, book.version))]:
            change = raise_repriced if rises and due(one, book.version)[0] > 0 else reprice
            try:
                receipt = await self._book(one, partial(change, found=one, book=book.version, reason=reason), by)
            except NotCovered:
                short += 1
                continue
            booked += bool(receipt.facts)
            state = receipt.states[one.sold.operation.id]
            short += not was_covered(state, one, book.version, receipt.facts)
        return Repricings(book.version, tuple(_lines(found, book.version)), booked, short)

    def _found(
        self, catalogue: Catalogue, book: PriceBook, since: int, until: int, account: str | None
    ) -> Iterable[Repriced]:
        for sold in self.sales.between(since, until, account):
            model = sold.operation.model
            yield repriced(sold, catalogue.get(model) if model in catalogue else None, book)

    async def _book(self, one: Repriced, change: Callable[..., list[Fact]], by: Actor | None) -> Receipt:
        id, account = one.sold.operation.id, one.sold.operation.account

        def decide(ledger: Ledger, now: int) -> list[Fact]:
            return change(ledger, now=now)

        def period(ledger: Ledger) -> Period:
            return find(ledger, id).operation.period

        proposal = Proposal(account, decide, operations=(id,), corrects=period, actor=str(by or self.operator))
        return await self.writer.put(proposal)


def _lines(found: Sequence[Repriced], book: str) -> Iterable[RepricedLine]:
    for (account, model), several in priced_together(found).items():
        said = [one for one in several if one.price is not None]
        moved = [due(one, book) for one in said]
        charged = several[0].sold.charged
        yield RepricedLine(
            account,
            model,
            charged.currency,
            charged.cost_currency or charged.currency,
            operations=len(said),
            charged=sum(one.sold.price for one in said),
            lowered=sum(price for price, _ in moved if price < 0),
            raised=sum(price for price, _ in moved if price > 0),
            cost=sum(cost for _, cost in moved),
            unsaid=len(several) - len(said),
            why=tuple(sorted({one.why for one in several if one.why})),
            again=sum(any(changes(one)) and was_booked(one, book) for one in said),
        )
