"""The version of a price book: a digest of all its prices and rates of exchange, by what they say."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from decimal import Decimal

from domain.bounds import Metering
from domain.exchange import NO_EXCHANGE, ExchangeRates
from domain.inputs import plain
from domain.money import check_currency
from domain.pricing import PriceBook, Priced, PriceRule


def price_book_of(models: Iterable[Priced], currency: str, exchange: ExchangeRates = NO_EXCHANGE) -> PriceBook:
    """The price book of all these prices; its version changes if and only if one of them, or a rate of exchange, does.

    "0.10" and "0.1" are one price, and the order of models and rules is none. Raises InvalidMoney.
    """
    entries: list[list[str]] = sorted([model.id, *_content(rule)] for model in models for rule in model.prices)
    written: list[object] = [check_currency(currency), entries, *([exchange.content()] if exchange.rates else [])]
    content = json.dumps(written, separators=(",", ":"))
    return PriceBook(hashlib.sha256(content.encode()).hexdigest()[:12], currency, exchange)


def _content(rule: PriceRule) -> list[str]:
    when = {name: sorted(map(json.dumps, values)) for name, values in sorted(rule.when.items())}
    bounds = [None if bound is None else plain(bound) for bound in (rule.minimum, rule.maximum)]
    rate = Decimal(0) if rule.rate is None else rule.rate
    cost = rate if rule.cost_rate is None else rule.cost_rate
    terms = [str(rule.unit), rule.measure, plain(rate), plain(cost), str(rule.effective_from)]
    content = [*terms, json.dumps(when), json.dumps(bounds)]
    content += [] if rule.step is None else [f"step {plain(rule.step)}"]
    meters = [_metered(meter) for meter in rule.meters]
    return [*content, json.dumps(meters)] if meters else content


def _metered(meter: Metering) -> list[object]:
    known: list[object] = [meter.name, plain(meter.rate), plain(meter.cost), meter.most]
    bound = [] if meter.bound is None else meter.bound.content()
    return [*known, *bound, meter.per_output] if bound or meter.per_output else known
