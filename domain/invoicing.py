"""To record, void and settle a provider's invoices: pure decisions, with our recorded costs told by whoever read them.

open_provider ─ record_invoice (once a number; an alert if it drifts) ─ void_invoice │ book_difference │ raise_drift
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from domain.account import Account, AccountFact, AccountOpened, evolve
from domain.advice import Advice
from domain.errors import CurrencyMismatch, IllegalTransition, InvalidInput
from domain.ids import check_id, check_reason
from domain.inputs import shortened
from domain.invoices import (
    CostDrifted,
    DifferenceBooked,
    Invoice,
    InvoiceExists,
    InvoiceLine,
    InvoiceRecorded,
    InvoiceVoided,
    Invoicing,
    UnknownInvoice,
    provider_account,
    provider_in,
)
from domain.money import Money, check_currency
from domain.periods import CALENDAR_MONTH, Period, check_zone, local_day
from domain.plans import Limits
from domain.value import value

MOST_LINES: Final = 1_000
LONGEST_NAME: Final = 200
PERCENT: Final = 100


@value
class ReceivedInvoice:
    """An invoice as it came; `allowed` is how much of it may differ from our costs without an alert, in percent."""

    number: str
    period: Period
    amount: int
    currency: str
    lines: tuple[InvoiceLine, ...] = ()
    reason: str = ""
    allowed: Decimal = Decimal(0)


@value
class ComputedCosts:
    """Our recorded costs of a month, micro-units, and how many of its operations have one that nobody knows."""

    known: int
    unknown: int


def open_provider(account: Account | None, provider: str, currency: str, zone: str, now: int) -> list[AccountFact]:
    """Open a provider's own ledger, once, on which nothing can be spent; months are those of the zone.

    Raises InvalidInput if it was opened with another zone.
    """
    check_id("provider", provider)
    check_currency(currency)
    if account is None:
        nothing = Limits(images=0, edits=0, videos=0, models_3d=0, upscales=0, spend=0, other=0)
        terms = ("provider", nothing, currency, check_zone(zone), CALENDAR_MONTH)
        return [AccountOpened(provider_account(provider), now, *terms, prepaid=False)]
    if account.zone != zone:
        told = f"invoices of {provider} are of months in {account.zone}, not in {zone}"
        raise InvalidInput("zone", told, hint="leave it out: it was chosen with the first invoice")
    return []


def record_invoice(account: Account, received: ReceivedInvoice, computed: ComputedCosts, now: int) -> list[AccountFact]:
    """Record it once a number, with an alert if the month's costs differ by more than is allowed; again: empty.

    Raises InvoiceExists for other content under the same number, InvalidInput for what is no invoice, CurrencyMismatch.
    """
    _check(account, received, now)
    known = account.invoicing.invoices.get(received.number)
    if known is not None and known.voided is None:
        _check_same(account, known, received)
        return []
    recorded = InvoiceRecorded(
        account.id,
        now,
        received.period,
        received.number,
        received.amount,
        received.currency,
        received.lines,
        received.reason,
    )
    after = evolve(account, recorded)
    assert after is not None, "it was there before"
    return [recorded, *raise_drift(after, received.period, computed, received.allowed, now)]


def raise_drift(
    account: Account, period: Period, computed: ComputedCosts, allowed: Decimal, now: int
) -> list[AccountFact]:
    """Raise an alert if a month's costs differ by more than so many percent from what is invoiced.

    It is of the month's last invoice, once a threshold: nothing if it was raised before, or without an invoice.
    """
    valid = account.invoicing.valid(period)
    invoiced = sum(one.amount for one in valid)
    if not valid or allowed in valid[-1].told or not is_drift(invoiced, computed.known, allowed):
        return []
    found = (invoiced, computed.known, computed.unknown, allowed, account.currency)
    return [CostDrifted(account.id, now, period, valid[-1].number, *found)]


def void_invoice(account: Account, number: str, reason: str, now: int) -> list[AccountFact]:
    """Undo it, with a reason; empty if it was voided. Raises UnknownInvoice."""
    check_reason(reason, needed=True)
    known = account.invoicing.invoices.get(number)
    if known is None:
        told = f"provider {provider_in(account.id)} has no invoice {shortened(number)}"
        raise UnknownInvoice(told, hint=Advice("invoice.list", provider=provider_in(account.id)))
    if known.voided is not None:
        return []
    return [InvoiceVoided(account.id, now, known.period, number, known.amount, account.currency, reason)]


def book_difference(
    account: Account, period: Period, computed: ComputedCosts, reason: str, now: int
) -> list[AccountFact]:
    """Take the rest of a month's difference as expense or income; empty if there is none.

    Raises IllegalTransition if the month has no invoice, or if some of its costs are not known.
    """
    check_reason(reason, needed=True)
    month = local_day(period.start, account.zone)[:7]
    if not account.invoicing.valid(period):
        raise IllegalTransition(f"{month} has no invoice of {provider_in(account.id)}", hint="record one first")
    if computed.unknown:
        told = f"nobody knows what {computed.unknown} of its operations cost, which is no difference yet"
        raise IllegalTransition(f"{month} cannot be settled: {told}", hint=Advice("cost.correct"))
    rest = open_difference(account.invoicing, period, computed.known)
    return [DifferenceBooked(account.id, now, period, rest, account.currency, reason)] if rest else []


def open_difference(invoicing: Invoicing, period: Period, computed: int) -> int:
    """The part of a month's invoices beyond our costs and what was booked of it; micro-units."""
    invoiced = sum(one.amount for one in invoicing.valid(period))
    return invoiced - computed - invoicing.differences.get(period.start, 0)


def is_drift(invoiced: int, computed: int, allowed: Decimal) -> bool:
    """Whether the two differ by more than so many percent of what is invoiced."""
    return PERCENT * abs(invoiced - computed) > allowed * abs(invoiced)


def _check(account: Account, received: ReceivedInvoice, now: int) -> None:
    check_id("number", received.number)
    check_reason(received.reason)
    if received.currency != account.currency:
        told = f"invoices of {provider_in(account.id)} are in {account.currency}, this one is in {received.currency}"
        raise CurrencyMismatch(told, hint="nothing is ever converted: record what was paid in our currency")
    if received.period.start > now:
        raise InvalidInput("month", f"{local_day(received.period.start, account.zone)[:7]} has not begun")
    _check_lines(received)


def _check_lines(received: ReceivedInvoice) -> None:
    if len(received.lines) > MOST_LINES:
        raise InvalidInput(
            "lines", f"{len(received.lines):,} are more than {MOST_LINES:,}", hint="sum them up by model"
        )
    for line in received.lines:
        if not 1 <= len(line.name) <= LONGEST_NAME or not line.name.isprintable():
            raise InvalidInput("lines", f"a line has 1 to {LONGEST_NAME} printable characters as its name")
        if line.quantity is not None and (not line.quantity.is_finite() or line.quantity <= 0):
            raise InvalidInput(
                "lines", f"{shortened(line.name)} has a quantity of {line.quantity}", hint="give more than 0"
            )
    total = sum(line.amount for line in received.lines)
    if received.lines and total != received.amount:
        sums = [Money(amount, received.currency) for amount in (total, received.amount)]
        raise InvalidInput("lines", f"come to {sums[0]}, the invoice to {sums[1]}", hint="give the rest as a line, too")


def _check_same(account: Account, known: Invoice, received: ReceivedInvoice) -> None:
    if (known.period, known.amount, known.lines) == (received.period, received.amount, received.lines):
        return
    was, asked = (Money(amount, account.currency) for amount in (known.amount, received.amount))
    month = local_day(known.period.start, account.zone)[:7]
    told = f"of {was} for {month}" + ("" if known.amount != received.amount else ", with other lines or another month")
    what = (
        f"invoice {shortened(received.number)} of {provider_in(account.id)} was recorded {told}, this one is of {asked}"
    )
    raise InvoiceExists(what, hint=Advice("invoice.void", provider=provider_in(account.id), number=known.number))
