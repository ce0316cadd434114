"""FOCUS's rows of plans and grants: what is billed, and what is effective, as the postings of the fact say.

    billed     what is moved into payments and receivable
    effective  what is moved into income, of whichever ledger account

So an allowance is taken off the effective cost of its plan, and comes back with the usage that it pays or as it lapses.
"""

from __future__ import annotations

from application.keeping.books import Booked
from domain.chart import Side
from domain.periods import Period
from domain.wallet import ChargedBack, GrantEnded, GrantGiven, GrantRevoked, Source, SubscriptionCharged

WalletFact = SubscriptionCharged | GrantGiven | GrantEnded | GrantRevoked | ChargedBack
Row = dict[str, str | int | None]
MILLION = 1_000_000


def of_wallet(one: Booked, fact: WalletFact, day: Period) -> Row | None:
    """The columns of a fact of a wallet, booked on a day; None if it changes nothing that is paid."""
    billed, effective = moved_into(one, Side.ASSETS), moved_into(one, Side.INCOME)
    if not billed and not effective:
        return None
    list_cost = billed or effective
    costs: Row = {"BilledCost": billed, "EffectiveCost": effective, "ContractedCost": list_cost, "ListCost": list_cost}
    span = fact.covers if isinstance(fact, SubscriptionCharged) else day
    when: Row = {"ChargePeriodStart": span.start, "ChargePeriodEnd": span.end}
    unit: Row = dict.fromkeys(("ListUnitPrice", "ContractedUnitPrice"), list_cost * MILLION)
    return {**costs, **when, **unit, **_told(fact)}


def moved_into(one: Booked, side: Side) -> int:
    """The amount that a fact moves into a side of the books: debits of assets, credits of income."""
    sign = 1 if side is Side.ASSETS else -1
    sources = sum(posting.amount for posting in one.postings if posting.source.side is side)
    destinations = sum(posting.amount for posting in one.postings if posting.destination.side is side)
    return sign * (sources - destinations)


def _told(fact: WalletFact) -> Row:
    category, words, sku, unit = _words(fact)
    frequency = "Recurring" if isinstance(fact, SubscriptionCharged) and fact.price >= 0 else "One-Time"
    told: Row = {"ChargeCategory": category, "ChargeDescription": words, "ChargeFrequency": frequency}
    return {**told, "SkuId": sku, "PricingQuantity": MILLION, "PricingUnit": unit, "SkuMeter": unit}


def _words(fact: WalletFact) -> tuple[str, str, str, str]:
    """The category, the description, what is sold, and its unit."""
    match fact:
        case SubscriptionCharged() if fact.price < 0:
            return "Credit", f"rest of plan {fact.plan}", fact.plan, "Periods"
        case SubscriptionCharged():
            return "Purchase", f"plan {fact.plan}", fact.plan, "Periods"
        case GrantGiven(source=Source.PAID):
            return "Purchase", f"credit {fact.grant}", "credit", "Payments"
        case GrantGiven(source=Source.PROMOTIONAL):
            return "Credit", f"credit {fact.grant}", "credit", "Credits"
        case GrantGiven():
            return "Adjustment", f"included in the price: {fact.grant}", "allowance", "Credits"
        case GrantEnded():
            return "Adjustment", f"rest of {fact.grant}: {fact.reason}", "credit", "Credits"
        case GrantRevoked():
            return "Adjustment", f"rest of {fact.grant}, revoked: {fact.reason}", "credit", "Credits"
        case ChargedBack():
            of = ("payment", "prepayment") if fact.grant is None else ("payment for credit", "credit")
            return "Adjustment", f"{of[0]} {fact.key} taken back", of[1], "Payments"
