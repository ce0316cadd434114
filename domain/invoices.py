"""A provider's invoices, as facts of a ledger of its own: what it asks us to pay for a month, beside what we recorded.

    InvoiceRecorded ─┬─ CostDrifted            our costs of that month are another sum, by more than is put up with
                     ├─ DifferenceBooked …     the rest of a month's difference is taken as expense, or as income
                     └─ InvoiceVoided          it holds no more; its number may be recorded again

The account of these facts is the provider's own, by its name after `PROVIDER`: nobody can open or use it, and whatever
holds for accounts' streams (chains, seals, copies, the audit) holds for it. Its time zone is the one whose months the
provider bills. The decisions are in `domain.invoicing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from domain.errors import InvalidRequest
from domain.meaning import Kind
from domain.periods import Period
from domain.value import value

PROVIDER: Final = "@provider:"

# Facts


@value
class InvoiceLine:
    """One line: its name on the invoice, its amount in micro-units, and our model, empty if it is of none that we know.

    `quantity` is the number of units that are billed, None if it does not say.
    """

    name: str
    amount: int
    model: str = ""
    quantity: Decimal | None = None


@value
class InvoiceRecorded:
    """The provider asks `amount` micro-units for a month; less than nothing is a credit note. Lines add up to it."""

    account: str
    at: int
    period: Period
    number: str
    amount: int
    currency: str
    lines: tuple[InvoiceLine, ...] = ()
    reason: str = ""


@value
class InvoiceVoided:
    """The invoice holds no more: what it was recorded with is undone."""

    account: str
    at: int
    period: Period
    number: str
    amount: int
    currency: str
    reason: str


@value
class CostDrifted:
    """An alert: all invoices of the month come to `invoiced`, our recorded costs to `computed`, in micro-units.

    `unknown` operations of the month have a cost that nobody knows, which is not among them. `allowed` is how much of
    what is invoiced may differ, in percent.
    """

    account: str
    at: int
    period: Period
    number: str
    invoiced: int
    computed: int
    unknown: int
    allowed: Decimal
    currency: str


@value
class DifferenceBooked:
    """So much of what is invoiced for a month beyond our recorded costs is an expense; less than nothing is income."""

    account: str
    at: int
    period: Period
    amount: int
    currency: str
    reason: str


InvoiceFact = InvoiceRecorded | InvoiceVoided | CostDrifted | DifferenceBooked

# Errors


class UnknownInvoice(InvalidRequest):
    """The provider has no invoice of this number."""

    code = "unknown_invoice"
    kind = Kind.NOT_FOUND


class InvoiceExists(InvalidRequest):
    """The number was recorded with another month, amount or other lines."""

    code = "invoice_exists"
    kind = Kind.CONFLICT


# States


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice as it was recorded last; `voided` is when it was voided, None if it holds, and `void_reason` why.

    `voided_by` is who did it, as far as it was looked up: the log says it beside the fact.
    """

    number: str
    period: Period
    amount: int
    lines: tuple[InvoiceLine, ...]
    recorded: int
    reason: str = ""
    voided: int | None = None
    told: tuple[Decimal, ...] = ()
    """The drifts, in percent, that an alert said it is beyond."""
    void_reason: str = ""
    voided_by: str = ""

    @property
    def drifted(self) -> bool:
        """Whether an alert was raised."""
        return bool(self.told)


@dataclass(frozen=True, slots=True)
class Invoicing:
    """All invoices by number, in their order, and by the month's beginning what was booked as difference."""

    invoices: Mapping[str, Invoice] = field(default_factory=dict)
    differences: Mapping[int, int] = field(default_factory=dict)

    def valid(self, period: Period) -> list[Invoice]:
        """The month's invoices that were not voided."""
        return [one for one in self.invoices.values() if one.period == period and one.voided is None]

    def months(self) -> list[Period]:
        """Every month that was invoiced, in order."""
        return sorted({one.period for one in self.invoices.values() if one.voided is None})


NOTHING_INVOICED: Final = Invoicing()

# Evolve


def evolve_invoicing(before: Invoicing, fact: InvoiceFact) -> Invoicing:
    """The invoices after one more fact."""
    match fact:
        case InvoiceRecorded():
            one = Invoice(fact.number, fact.period, fact.amount, fact.lines, fact.at, fact.reason)
            return replace(before, invoices={**before.invoices, fact.number: one})
        case InvoiceVoided():
            return _with(before, replace(before.invoices[fact.number], voided=fact.at, void_reason=fact.reason))
        case CostDrifted():
            one = before.invoices[fact.number]
            return _with(before, replace(one, told=(*one.told, fact.allowed)))
        case DifferenceBooked():
            start = fact.period.start
            booked = before.differences.get(start, 0) + fact.amount
            return replace(before, differences={**before.differences, start: booked})


def _with(before: Invoicing, one: Invoice) -> Invoicing:
    return replace(before, invoices={**before.invoices, one.number: one})


def drift_of(fact: CostDrifted) -> str:
    """The id under which an alert is indexed; of an invoice and a threshold there is one as long as it holds."""
    return f"drift:{fact.account}:{fact.number}:{fact.allowed}"


def provider_account(provider: str) -> str:
    """The account of a provider's own ledger."""
    return f"{PROVIDER}{provider}"


def provider_in(account: str) -> str:
    """The provider of such an account."""
    return account.removeprefix(PROVIDER)
