"""Providers' invoices, held against the costs that we recorded: what was computed, what was invoiced, and what differs.

    invoice ── our costs of its month, as the views have them ── recorded, with an alert if they drift apart
    a month ── its invoices ── by model: invoiced, computed, unknown ── what is covered, what is left ── settled

A month is that of the provider's billing zone, and an operation is of the month in which it was asked for, as
`reconcile` has it. A cost that nobody knows is counted by itself, and never taken as zero.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Final, Protocol, TypeVar

from application.keeping.invoicedmonths import (
    DriftAlert,
    ModelCost,
    ModelDifference,
    MonthComparison,
    RecordedInvoice,
)
from application.ledger.group import Proposal
from application.ledger.ledgers import Ledgers
from application.ledger.log import Codec, Link
from application.ledger.looking import LedgerReader
from application.ledger.reader import StreamReader
from application.ports import Index
from domain.account import Account, AccountFact, evolve
from domain.actor import Actor
from domain.counts import counted
from domain.errors import InvalidInput
from domain.ids import check_id
from domain.invoices import (
    PROVIDER,
    CostDrifted,
    Invoice,
    InvoiceLine,
    InvoiceVoided,
    Invoicing,
    UnknownInvoice,
    provider_account,
    provider_in,
)
from domain.invoicing import (
    ComputedCosts,
    ReceivedInvoice,
    book_difference,
    is_drift,
    open_difference,
    open_provider,
    raise_drift,
    record_invoice,
    void_invoice,
)
from domain.ledger import Fact, Ledger, account_stream
from domain.money import Money, check_money
from domain.periods import Period, local_day, month_named

LOGGER: Final = logging.getLogger("imagestudio")
UTC_NAME: Final = "UTC"
PAGE: Final = 500
EVERY: Final = 2**63 - 1

Shape = TypeVar("Shape", CostDrifted, InvoiceVoided)


class MonthCosts(Protocol):
    """Our recorded costs by model, as far as the views have read the log."""

    def of_month(self, provider: str, since: int, until: int) -> Sequence[ModelCost]:
        """Of operations that were asked for in [since, until), epoch microseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoices:
    """The use cases of whoever pays the providers. `allowed` is the drift that raises no alert, in percent.

    `model_named` finds the model that a line of a provider's invoice names; empty if there is none, or not one alone.
    `meant` are the providers for which a name may be meant that is none's.
    """

    ledgers: LedgerReader
    writer: Ledgers
    streams: StreamReader
    codec: Codec
    index: Index
    costs: MonthCosts
    refresh: Callable[[], Awaitable[object]]
    model_named: Callable[[str, str], str]
    meant: Callable[[str], Sequence[str]]
    currency: str
    operator: Actor
    allowed: Decimal

    async def record(
        self,
        provider: str,
        number: str,
        *,
        month: str,
        amount: Money,
        lines: Sequence[InvoiceLine] = (),
        zone: str = "",
        by: Actor | None = None,
        reason: str = "",
    ) -> RecordedInvoice:
        """Record it, once a number. `zone` is the provider's billing zone, chosen with its first invoice, else UTC.

        Raises InvoiceExists for other content under the number, InvalidInput, InvalidPeriod, CurrencyMismatch.
        """
        check_money(amount)
        check_id("provider", provider)
        known = await self._account(provider)
        if known is None:
            self._check_meant(provider)
        chosen = zone or (UTC_NAME if known is None else known.zone)
        period = month_named(month, chosen)
        named = tuple(self._named(provider, line) for line in lines)
        content = (number, period, amount.micros, amount.currency, named, reason)
        computed = await self._computed(provider, period)

        def decide(ledger: Ledger, now: int) -> Sequence[Fact]:
            opened = open_provider(ledger.account, provider, self.currency, chosen, now)
            account = _after(ledger.account, opened)
            return [*opened, *record_invoice(account, ReceivedInvoice(*content, self.allowed), computed[0], now)]

        facts = await self._put(provider, decide, by, opening=True)
        self._tell(facts)
        account = await self._known(provider)
        comparison = self._compared(provider, account, period, computed[1])
        return RecordedInvoice(account.invoicing.invoices[number], bool(facts), comparison)

    def _check_meant(self, provider: str) -> None:
        """Raises InvalidInput for a name that is nearly a provider's, and none's."""
        if meant := self.meant(provider):
            told = f"there is no provider {provider!r}, and no invoice of one"
            raise InvalidInput("provider", told, hint=f"did you mean {' or '.join(meant)}?")

    async def check(self) -> Sequence[CostDrifted]:
        """Look at every month that was invoiced, of all providers, for a drift that was not told; what it raised.

        Costs are corrected and learned later, and what is allowed is changed. Raises StoreUnavailable.
        """
        raised: list[Fact] = []
        for provider in await self.providers():
            for period in (await self._known(provider)).invoicing.months():
                computed, _ = await self._computed(provider, period)
                raised += await self._decide(provider, partial(self._drift, period, computed), None)
        self._tell(raised)
        return [one for one in raised if isinstance(one, CostDrifted)]

    async def drifts(self, provider: str = "") -> Sequence[DriftAlert]:
        """The alerts that were raised, the newest first, each with its month as it is now; of one provider or of all.

        Raises UnknownInvoice if the provider has none.
        """
        named = [provider] if provider else await self.providers()
        found = [one for name in named for one in await self._drifts_of(name)]
        return sorted(found, key=lambda one: -one.raised.at)

    async def providers(self) -> Sequence[str]:
        """Those of which an invoice was recorded, by name."""
        found, last = list[str](), PROVIDER
        while page := await asyncio.to_thread(self.index.accounts, last, PAGE):
            found += [provider_in(one) for one in page if one.startswith(PROVIDER)]
            last = page[-1]
            if not last.startswith(PROVIDER):
                break
        return found

    async def void(self, provider: str, number: str, reason: str, *, by: Actor | None = None) -> Invoice:
        """Let an invoice hold no more; its number may be recorded again. Raises UnknownInvoice."""
        await self._known(provider)
        await self._decide(provider, lambda account, now: void_invoice(account, number, reason, now), by)
        return next(one for one in await self.list(provider) if one.number == number)

    async def settle(self, provider: str, month: str, reason: str, *, by: Actor | None = None) -> MonthComparison:
        """Take the rest of a month's difference as expense or income; again it changes nothing.

        Raises IllegalTransition without an invoice, or while costs are unknown.
        """
        account = await self._known(provider)
        period = month_named(month, account.zone)
        computed, _ = await self._computed(provider, period)
        await self._decide(provider, lambda known, now: book_difference(known, period, computed, reason, now), by)
        return await self.compare(provider, month)

    async def compare(self, provider: str, month: str) -> MonthComparison:
        """A month's costs against its invoices; also of a month without one. Raises InvalidPeriod."""
        check_id("provider", provider)
        account = await self._account(provider)
        period = month_named(month, UTC_NAME if account is None else account.zone)
        _, by_model = await self._computed(provider, period)
        return self._compared(provider, account, period, by_model)

    async def months(self, provider: str) -> Sequence[MonthComparison]:
        """Every month that has an invoice, in order. Raises UnknownInvoice if none has."""
        account = await self._known(provider)
        periods, found = account.invoicing.months(), []
        for period in periods:
            _, by_model = await self._computed(provider, period)
            found.append(self._compared(provider, account, period, by_model))
        return tuple(found)

    async def zone(self, provider: str) -> str:
        """The zone of its months. Raises UnknownInvoice if none was recorded."""
        return (await self._known(provider)).zone

    async def list(self, provider: str) -> Sequence[Invoice]:
        """Every invoice that was recorded, in the order in which they came. Raises UnknownInvoice if none was."""
        account = await self._known(provider)
        voiders = {fact.number: link.actor for link, fact in await self._facts(account, InvoiceVoided)}
        found = account.invoicing.invoices.values()
        return tuple(one if one.voided is None else replace(one, voided_by=voiders[one.number]) for one in found)

    async def _drifts_of(self, provider: str) -> Sequence[DriftAlert]:
        account = await self._known(provider)
        facts, months = [one for _, one in await self._facts(account, CostDrifted)], dict[Period, MonthComparison]()
        for fact in facts:
            if fact.period not in months:
                _, by_model = await self._computed(provider, fact.period)
                months[fact.period] = self._compared(provider, account, fact.period, by_model)
        return [DriftAlert(fact, months[fact.period]) for fact in facts]

    async def _facts(self, account: Account, shape: type[Shape]) -> Sequence[tuple[Link, Shape]]:
        """The facts of one kind of a provider's own stream, each with the row of the log that has it."""
        links = await asyncio.to_thread(
            self.streams.entries, account_stream(account.id), 0, EVERY, EVERY, self.codec.names_of(shape)
        )
        decoded = ((one, self.codec.decode(one.topic, one.state)) for one in links)
        return [(link, fact) for link, fact in decoded if isinstance(fact, shape)]

    def _drift(self, period: Period, computed: ComputedCosts, account: Account, now: int) -> Sequence[AccountFact]:
        return raise_drift(account, period, computed, self.allowed, now)

    def _named(self, provider: str, line: InvoiceLine) -> InvoiceLine:
        model = self.model_named(provider, line.model or line.name)
        return InvoiceLine(line.name, line.amount, model, line.quantity)

    async def _computed(self, provider: str, period: Period) -> tuple[ComputedCosts, Sequence[ModelCost]]:
        await self.refresh()
        found = await asyncio.to_thread(self.costs.of_month, provider, period.start, period.end)
        return ComputedCosts(sum(one.cost for one in found), sum(one.unknown for one in found)), found

    def _compared(
        self, provider: str, account: Account | None, period: Period, by_model: Sequence[ModelCost]
    ) -> MonthComparison:
        invoicing = Invoicing() if account is None else account.invoicing
        zone = UTC_NAME if account is None else account.zone
        valid, computed = invoicing.valid(period), sum(one.cost for one in by_model)
        invoiced = sum(one.amount for one in valid) if valid else None
        return MonthComparison(
            provider=provider,
            month=local_day(period.start, zone)[:7],
            period=period,
            zone=zone,
            currency=self.currency,
            invoices=tuple(valid),
            invoiced=invoiced,
            computed=computed,
            operations=sum(one.operations for one in by_model),
            unknown=sum(one.unknown for one in by_model),
            estimated=sum(one.estimated for one in by_model),
            open=sum(one.open for one in by_model),
            models=tuple(_by_model(valid, by_model)),
            booked=invoicing.differences.get(period.start, 0),
            left=None if invoiced is None else open_difference(invoicing, period, computed),
            drifted=invoiced is not None and is_drift(invoiced, computed, self.allowed),
        )

    async def _account(self, provider: str) -> Account | None:
        return await self.ledgers.look(provider_account(provider), lambda ledger, _now: ledger.account)

    async def _known(self, provider: str) -> Account:
        check_id("provider", provider)
        account = await self._account(provider)
        if account is None:
            raise UnknownInvoice(f"no invoice of provider {provider!r} was recorded", hint="record one first")
        return account

    async def _decide(
        self, provider: str, change: Callable[[Account, int], Sequence[AccountFact]], by: Actor | None
    ) -> tuple[Fact, ...]:
        def decided(ledger: Ledger, now: int) -> Sequence[Fact]:
            assert ledger.account is not None, "it was read before"
            return change(ledger.account, now)

        return await self._put(provider, decided, by)

    async def _put(
        self,
        provider: str,
        decide: Callable[[Ledger, int], Sequence[Fact]],
        by: Actor | None,
        *,
        opening: bool = False,
    ) -> tuple[Fact, ...]:
        account, actor = provider_account(provider), str(by or self.operator)
        proposal = Proposal(account, lambda ledger, now: [*decide(ledger, now)], opening=opening, actor=actor)
        return (await self.writer.put(proposal)).facts

    def _tell(self, facts: Iterable[Fact]) -> None:
        """The alert is a fact; whoever reads the service log is told of it, too."""
        for fact in facts:
            if isinstance(fact, CostDrifted):
                invoiced, computed = (Money(amount, fact.currency) for amount in (fact.invoiced, fact.computed))
                told = "invoice %s of %s: invoiced %s, computed %s, %s of unknown cost"
                LOGGER.warning(told, fact.number, fact.account, invoiced, computed, counted(fact.unknown, "operation"))


def _by_model(invoices: Sequence[Invoice], costs: Sequence[ModelCost]) -> list[ModelDifference]:
    """Every model of either side, the widest difference first; lines of no model that we know by their names."""
    known = {one.model: one for one in costs}
    lined = bool(invoices) and all(one.lines for one in invoices)
    amounts, quantities = Counter[tuple[str, str]](), dict[tuple[str, str], Decimal | None]()
    for line in (line for one in invoices for line in one.lines if lined):
        place = (line.model, "" if line.model else line.name)
        before = quantities.get(place, Decimal(0))
        amounts[place] += line.amount
        quantities[place] = None if before is None or line.quantity is None else before + line.quantity
    places = {*amounts, *((model, "") for model in known)}
    found = [_one_model(place, known.get(place[0]), amounts[place] if lined else None, quantities) for place in places]
    return sorted(found, key=lambda one: (-abs(one.difference or 0), one.model, one.name))


def _one_model(
    place: tuple[str, str],
    cost: ModelCost | None,
    invoiced: int | None,
    quantities: dict[tuple[str, str], Decimal | None],
) -> ModelDifference:
    counts = (0, 0) if cost is None else (cost.operations, cost.unknown)
    return ModelDifference(*place, invoiced, None if cost is None else cost.cost, *counts, quantities.get(place))


def _after(account: Account | None, facts: Sequence[AccountFact]) -> Account:
    for fact in facts:
        account = evolve(account, fact)
    assert account is not None, "there was one, or it was opened"
    return account
