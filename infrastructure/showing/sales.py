"""How the price of a quote was made, in words: tariff, rule and factor, discount, and rate of exchange."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from domain.agreeing import AgreementFact, TariffAgreed
from domain.counts import counted
from domain.inputs import plain
from domain.money import Money, extend
from domain.periods import EARLIEST, LATEST, local_day
from domain.pricing import PriceRule, Quote
from domain.selling import COST, ONE, Sale
from domain.tariffs import OwnDiscount
from infrastructure.showing.formats import document, iso

if TYPE_CHECKING:
    from application.asking.buying import Till
    from domain.catalogue import Model


def sale_in_words(quote: Quote) -> str:
    """Such as "; sold by tariff retail (5a1e00000001), kind text-to-image: 0.06 USD of cost times 1.3"; empty if it is
    sold at the price book's price."""
    sale = quote.sale
    if sale is None:
        return ""
    return f"; sold {_by(sale)}: {_base(quote, sale)}{_terms(sale, quote.currency)}"


def sold_in_words(sale: Sale, currency: str) -> str:
    """The same for any amount in a currency, such as "by tariff retail (5a1e00000001): cost times 1.3"."""
    return f"{_by(sale)}: {'cost' if sale.of == COST else 'the price book'}{_terms(sale, currency)}"


def _terms(sale: Sale, currency: str) -> str:
    return f"{_factor(sale)}{_less(sale)}{_exchanged(sale, currency)}"


def _by(sale: Sale) -> str:
    if not sale.tariff:
        return f"at the price book's price{f', {sale.rule}' if sale.rule else ''}"
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
    return words if sale.before is None else f"{words} after {counted(sale.before, 'output')} of the period"


def _less(sale: Sale) -> str:
    return f", less {plain(sale.percent)} %" if sale.percent else ""


def _exchanged(sale: Sale, currency: str) -> str:
    if sale.rate is None:
        return ""
    day = local_day(sale.rate_from, "UTC")
    return f", at {plain(Decimal(sale.rate))} {currency} for 1 {sale.currency} ({sale.rate_source}, {day})"


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


def sold_document(model: Model, tills: Sequence[Till], at: int) -> list[dict[str, Any]]:
    """The price of one unit by each rule in force, by kind, where that is not the price book's price."""
    return [one for till in tills for rule in model.prices for one in _sold(model, rule, till, at)]


def _sold(model: Model, rule: PriceRule, till: Till, at: int) -> Iterator[dict[str, Any]]:
    if rule.rate is None or rule.effective_from > at or till.selling is None:
        return
    price, cost = extend(rule.rate, ONE), extend(rule.rate if rule.cost_rate is None else rule.cost_rate, ONE)
    names = (model.id, model.provider, str(rule.unit), ONE, rule.rate, price, cost)
    (quote,) = till.sold([Quote(*names, till.selling.currency, "", 1)])
    if quote.sale is not None:
        when = {name: sorted(map(str, values)) for name, values in rule.when.items()}
        told = {"kind": till.errand.kind, "unit": str(rule.unit), "when": when}
        yield {**told, "price": document(Money(quote.price, quote.currency))}
