"""How the price of a quote was made, in words: tariff, rule and factor, discount, and rate of exchange."""

from __future__ import annotations

from decimal import Decimal

from domain.agreeing import AgreementFact, TariffAgreed
from domain.inputs import plain
from domain.money import Money
from domain.periods import EARLIEST, LATEST, local_day
from domain.pricing import Quote
from domain.selling import COST, ONE, Sale
from domain.tariffs import OwnDiscount
from infrastructure.showing.formats import iso


def sale_in_words(quote: Quote) -> str:
    """Such as "; sold by tariff retail (5a1e00000001), kind text-to-image: 0.06 USD of cost times 1.3"; empty if it is
    sold at the price book's price."""
    sale = quote.sale
    if sale is None:
        return ""
    return f"; sold {_by(sale)}: {_base(quote, sale)}{_factor(sale)}{_less(sale)}{_exchanged(quote, sale)}"


def _by(sale: Sale) -> str:
    if not sale.tariff:
        return "at the price book's price"
    rule = f", {sale.rule}" if sale.rule else ", which has no rule for it"
    return f"by tariff {sale.tariff} ({sale.version}){rule}"


def _base(quote: Quote, sale: Sale) -> str:
    if sale.listed is None:
        return "what it comes to"
    of_cost = sale.of == COST
    amount = Money(quote.cost if of_cost else sale.listed, sale.currency)
    return f"{amount} {'of cost' if of_cost else 'in the price book'}"


def _factor(sale: Sale) -> str:
    words = f" times {plain(sale.factor)}" if sale.factor != ONE else ""
    words += f" and {Money(sale.added, sale.currency)} an output" if sale.added else ""
    return words if sale.before is None else f"{words} after {sale.before} outputs of the period"


def _less(sale: Sale) -> str:
    return f", less {plain(sale.percent)} %" if sale.percent else ""


def _exchanged(quote: Quote, sale: Sale) -> str:
    if sale.rate is None:
        return ""
    day = local_day(sale.rate_from, "UTC")
    return f", at {plain(Decimal(sale.rate))} {quote.currency} for 1 {sale.currency} ({sale.rate_source}, {day})"


def agreed_in_words(fact: AgreementFact) -> str:
    """The terms that an account agreed on its prices."""
    if isinstance(fact, TariffAgreed):
        return f"sold by tariff {fact.tariff}" if fact.tariff else "sold by the tariff of its plan"
    return off_in_words(OwnDiscount(fact.percent, fact.start, fact.end)) if fact.percent else "no discount of its own"


def off_in_words(off: OwnDiscount, zone: str = "UTC") -> str:
    """Such as "12.5 % off until 2027-01-01"."""
    start = "" if off.start == EARLIEST else f" from {iso(off.start, zone)}"
    end = "" if off.end == LATEST else f" until {iso(off.end, zone)}"
    return f"{plain(off.percent)} % off{start}{end}"
