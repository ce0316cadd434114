"""FOCUS, the FinOps Foundation's format of bills: one row a charge, correction or payment, as a customer is billed.

    operation.charged       Usage       billed, or of what was paid beforehand only effective
    ledger.usage_booked     Usage       the same of a closed period, as a Correction in the open one
    operation.adjusted      Usage       of an earlier period a Correction, in the period in which it is booked
    ledger.goodwill_given   Credit      the same for no single charge
    ledger.credit_added     Purchase    billed, and effective only once it is used
    wallet.…                            plans, grants and what lapses of them (see `focuswallet`)

So effective costs are the price in all other views, but for what a refund gives to a grant that is over, which nobody
gets; billed costs are what the customer has to pay or has paid in.
A unit price is told if price and quantity have a single one, as metered work may have none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache, partial
from typing import Final

from application.keeping.books import Booked
from domain.booking import GoodwillGiven, UsageBooked
from domain.chart import Side
from domain.ledger import CreditAdded
from domain.operation import Adjusted, Charged, Operation
from domain.periods import Period, day_at
from domain.wallet import ChargedBack, GrantEnded, GrantGiven, GrantRevoked, SubscriptionCharged, own_part, sum_of
from infrastructure.exporting.focuswallet import moved_into, of_wallet
from infrastructure.exporting.tally import ExportTally, csv_line, six
from infrastructure.showing.formats import cell, instant_of, iso

TEXT, AMOUNT, INSTANT, PAIRS, UNIT_PRICE = "text", "amount", "instant", "pairs", "unit price"
"""The types of columns; amounts are in millionths, unit prices in millionths of these, and pairs JSON objects."""

Row = dict[str, str | int | None]
US: Final = "Image Studio"
MILLION: Final = 1_000_000

COMMON: Final[Mapping[str, str]] = {
    "BilledCost": AMOUNT,
    "BillingAccountId": TEXT,
    "BillingAccountName": TEXT,
    "BillingAccountType": TEXT,
    "BillingCurrency": TEXT,
    "BillingPeriodStart": INSTANT,
    "BillingPeriodEnd": INSTANT,
    "ChargeCategory": TEXT,
    "ChargeClass": TEXT,
    "ChargeDescription": TEXT,
    "ChargeFrequency": TEXT,
    "ChargePeriodStart": INSTANT,
    "ChargePeriodEnd": INSTANT,
    "ConsumedQuantity": AMOUNT,
    "ConsumedUnit": TEXT,
    "ContractedCost": AMOUNT,
    "ContractedUnitPrice": UNIT_PRICE,
    "EffectiveCost": AMOUNT,
    "InvoiceId": TEXT,
    "InvoiceIssuerName": TEXT,
    "ListCost": AMOUNT,
    "ListUnitPrice": UNIT_PRICE,
    "PricingCurrency": TEXT,
    "PricingQuantity": AMOUNT,
    "PricingUnit": TEXT,
    "ResourceId": TEXT,
    "ResourceType": TEXT,
    "ServiceCategory": TEXT,
    "ServiceName": TEXT,
    "ServiceSubcategory": TEXT,
    "SkuId": TEXT,
    "SkuMeter": TEXT,
    "SubAccountId": TEXT,
    "SubAccountName": TEXT,
    "SubAccountType": TEXT,
    "Tags": PAIRS,
    "x_Position": TEXT,
    "x_UserId": TEXT,
}
PROVIDERS: Final[Mapping[str, Sequence[str]]] = {
    "1.2": ("ProviderName", "PublisherName"),
    "1.4": ("ServiceProviderName", "HostProviderName"),
}
"""By version, the names of who sells and of who does the work."""
LATE: Final[Row] = {"ChargeClass": "Correction"}
UNITS: Final[Mapping[str, str]] = {"5s_block": "5 Seconds"}


def focus_columns(version: str) -> dict[str, str]:
    """The columns of a version, by name, and their types."""
    return dict(sorted({**COMMON, **dict.fromkeys(PROVIDERS[version], TEXT)}.items()))


def focus_csv(version: str) -> Callable[[Iterable[Booked], ExportTally], Iterator[str]]:
    """Writes a version as CSV: six decimals, instants in UTC, nothing for null."""
    return partial(_csv, version)


def _csv(version: str, booked: Iterable[Booked], tally: ExportTally) -> Iterator[str]:
    columns = focus_columns(version)
    yield csv_line(columns)
    for one in tally.each(booked):
        row = focus_row(one, version)
        if row is not None:
            yield csv_line(focus_cell(kind, row[name]) for name, kind in columns.items())


def focus_row(one: Booked, version: str) -> Row | None:
    """The row of a fact, None if it changes nothing for the customer."""
    fact = one.fact
    if isinstance(fact, Charged) and not one.closed:
        told = {**_used(one, fact), **_quantity(fact.units, fact.unit)}
        told |= _unit_prices(fact.price, fact.listed, fact.units)
    elif isinstance(fact, UsageBooked) and fact.price:
        told = {**_used(one, fact), **_quantity(fact.units, fact.unit), **LATE}
    elif isinstance(fact, Adjusted) and fact.price:
        own = -own_part(fact.back, -fact.price)
        kept: Row = {"EffectiveCost": moved_into(one, Side.INCOME)}
        told = {**_usage(one, fact.operation, fact.price, own), **kept, **_correction(fact)}
    elif isinstance(fact, GoodwillGiven):
        told = _goodwill(one, fact)
    elif isinstance(fact, CreditAdded):
        told = _purchase(one, fact.amount)
    elif isinstance(fact, SubscriptionCharged | GrantGiven | GrantEnded | GrantRevoked | ChargedBack):
        found = of_wallet(one, fact, _day(one.day, one.zone))
        if found is None:
            return None
        told = found
    else:
        return None
    seller, worker = PROVIDERS[version]
    known: Row = {**dict.fromkeys(focus_columns(version)), **_common(one), **told}
    return {**known, seller: US, worker: one.provider or US}


def _common(one: Booked) -> Row:
    return {
        "BillingAccountId": one.account,
        "BillingAccountName": one.account,
        "BillingAccountType": "Account",
        "BillingCurrency": one.currency,
        "BillingPeriodStart": one.period.start,
        "BillingPeriodEnd": one.period.end,
        "InvoiceIssuerName": US,
        "PricingCurrency": one.cost_currency,
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": US,
        "ServiceSubcategory": "Generative AI",
        "Tags": "{}",
        "x_Position": str(one.position),
    }


def _used(one: Booked, fact: Charged | UsageBooked) -> Row:
    return _usage(one, fact.operation, fact.price, fact.price - sum_of(fact.drawn), fact.listed)


def _usage(one: Booked, operation: Operation, price: int, own: int, listed: int | None = None) -> Row:
    """Work that was done on the day on which it was asked for; what was paid beforehand is not billed again.

    `own` is what no grant paid, and `listed` the price book's price, if it was sold for another.
    """
    day = _day(operation.day, one.zone)
    project: Row = {}
    if operation.project is not None:
        names: Row = dict.fromkeys(("SubAccountId", "SubAccountName"), operation.project)
        project = {**names, "SubAccountType": "Project"}
    return {
        **_costs(price, billed=0 if one.prepaid else own),
        **({} if listed is None else {"ListCost": listed}),
        "ChargeCategory": "Usage",
        "ChargeDescription": f"{operation.kind} by {operation.model}",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodStart": day.start,
        "ChargePeriodEnd": day.end,
        "ResourceId": operation.id,
        "ResourceType": operation.kind,
        "SkuId": operation.model,
        **project,
        "x_UserId": operation.user,
    }


def _costs(price: int, *, billed: int) -> Row:
    return {"BilledCost": billed, "EffectiveCost": price, "ContractedCost": price, "ListCost": price}


def _correction(fact: Adjusted) -> Row:
    """No more and no less was used; in a later period it is a correction of one that may have been invoiced."""
    told: Row = {"ChargeDescription": f"correction of {fact.operation.kind} by {fact.operation.model}"}
    if fact.operation.period != fact.period:
        return {**told, "ChargeClass": "Correction"}
    return {**told, **_quantity(Decimal(0), "call")}


def _quantity(units: Decimal, unit: str) -> Row:
    """Whole millionths of a unit, by its name in the plural."""
    top, bottom = units.as_integer_ratio()
    name = UNITS.get(unit, f"{unit.capitalize()}s")
    amount = top * MILLION // bottom
    names: Row = dict.fromkeys(("PricingUnit", "ConsumedUnit", "SkuMeter"), name)
    return {"PricingQuantity": amount, "ConsumedQuantity": amount, **names}


def _unit_prices(price: int, listed: int | None, units: Decimal) -> Row:
    """The price of one unit, as it is listed and as it was agreed."""
    told = price if listed is None else listed
    return {"ListUnitPrice": _unit_price(told, units), "ContractedUnitPrice": _unit_price(price, units)}


def _unit_price(price: int, units: Decimal) -> int | None:
    """None if price and quantity have no single one in twelve decimals, as metered work often has not."""
    top, bottom = units.as_integer_ratio()
    found, rest = divmod(price * MILLION * bottom, top) if top else (0, 1)
    return None if rest else found


def _goodwill(one: Booked, fact: GoodwillGiven) -> Row:
    """Of the whole period whose charges it is for."""
    return {
        **_costs(-fact.amount, billed=0 if one.prepaid else -fact.amount),
        "ChargeCategory": "Credit",
        "ChargeClass": None if fact.corrects == fact.period else "Correction",
        "ChargeDescription": "goodwill",
        "ChargeFrequency": "One-Time",
        "ChargePeriodStart": fact.corrects.start,
        "ChargePeriodEnd": fact.corrects.end,
    }


def _purchase(one: Booked, amount: int) -> Row:
    day = _day(one.day, one.zone)
    return {
        "BilledCost": amount,
        "EffectiveCost": 0,
        "ContractedCost": amount,
        "ListCost": amount,
        "ChargeCategory": "Purchase",
        "ChargeDescription": "prepayment",
        "ChargeFrequency": "One-Time",
        "ChargePeriodStart": day.start,
        "ChargePeriodEnd": day.end,
        "PricingQuantity": MILLION,
        "PricingUnit": "Payments",
        **_unit_prices(amount, None, Decimal(1)),
        "SkuId": "prepayment",
        "SkuMeter": "Payments",
    }


@lru_cache(maxsize=4096)
def _day(day: str, zone: str) -> Period:
    return day_at(zone, instant_of(f"{day}T12:00", zone))


def focus_cell(kind: str, value: str | int | None) -> str:
    """A value of a type of column as CSV: nothing for null."""
    if value is None:
        return ""
    if kind == AMOUNT:
        return six(int(value))
    if kind == UNIT_PRICE:
        return _twelve(int(value))
    return iso(int(value)) if kind == INSTANT else cell(str(value))


def _twelve(amount: int) -> str:
    """Millionths of millionths with all twelve decimals."""
    whole, rest = divmod(abs(amount), MILLION * MILLION)
    return f"{'-' if amount < 0 else ''}{whole}.{rest:012d}"
