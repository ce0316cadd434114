"""Events for meters: CloudEvents of every fact, as OpenMeter takes them, and Stripe's meter events of what is charged.

A fact has one id for ever, its stream and version, so that an event that is sent twice counts once. A refund is an
event of its own with a negative value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from typing import Any, Final

from application.keeping.books import Booked
from application.ledger.positions import told_position
from domain.booking import GoodwillGiven
from domain.operation import Adjusted, Charged, OperationFact, Released
from domain.wallet import own_part, sum_of
from infrastructure.exporting.tally import ExportTally, six
from infrastructure.showing.formats import iso, units_of

SOURCE: Final = "/image-studio"
MILLION: Final = 1_000_000


def cloudevents(booked: Iterable[Booked], tally: ExportTally) -> Iterator[str]:
    """One event a line; amounts are text with six decimals, and what nobody knows is null."""
    for one in tally.each(booked):
        yield json.dumps(meter_event(one), ensure_ascii=False) + "\n"


def meter_event(one: Booked) -> dict[str, Any]:
    """A fact as a CloudEvent."""
    return {
        "specversion": "1.0",
        "id": f"{one.stream}/{one.version}",
        "source": SOURCE,
        "type": f"image-studio.{one.name}",
        "subject": one.account,
        "time": iso(one.fact.at, precision="microseconds"),
        "datacontenttype": "application/json",
        "data": _data(one),
    }


def stripe(booked: Iterable[Booked], tally: ExportTally) -> Iterator[str]:
    """One meter event a line for each charge and correction of a price, in millionths of the currency's unit.

    Whoever pays it: use that grants have paid is in it. A meter is of one currency. `stripe_customer_id` is the
    account's id.
    """
    return _metered(booked, tally, price_of)


def stripe_net(booked: Iterable[Booked], tally: ExportTally) -> Iterator[str]:
    """The same without what grants have paid: the part that is left for Stripe to ask for."""
    return _metered(booked, tally, own_price_of)


def _metered(booked: Iterable[Booked], tally: ExportTally, amount: Callable[[Booked], int]) -> Iterator[str]:
    for one in tally.each(booked):
        price = amount(one)
        if price:
            event = {
                "event_name": f"image_studio_{one.currency.lower()}_micros",
                "identifier": sha256(f"{one.stream}/{one.version}".encode()).hexdigest(),
                "timestamp": one.fact.at // MILLION,
                "payload": {"stripe_customer_id": one.account, "value": str(price)},
            }
            yield json.dumps(event, ensure_ascii=False) + "\n"


def price_of(one: Booked) -> int:
    """By how much a fact changes what the account pays for its use."""
    if isinstance(one.fact, GoodwillGiven):
        return -one.fact.amount
    return one.fact.price if isinstance(one.fact, Charged | Adjusted) else 0


def own_price_of(one: Booked) -> int:
    """By how much a fact changes what the account pays of its own money for its use."""
    match one.fact:
        case Charged(price=price, drawn=drawn):
            return price - sum_of(drawn)
        case Adjusted(price=price, back=back) if back:
            return -own_part(back, -price)
        case _:
            return price_of(one)


def _data(one: Booked) -> dict[str, Any]:
    fact, cost = one.fact, None
    if isinstance(fact, Charged | Released | Adjusted):
        cost = None if fact.cost is None else six(fact.cost)
    known: dict[str, Any] = {
        "position": told_position(one.position),
        "day": one.day,
        "currency": one.currency,
        "price": six(price_of(one)),
        "cost": cost,
        **({"cost_currency": one.cost_currency} if one.cost_currency != one.currency else {}),
        "postings": [
            {"source": posting.source.name, "destination": posting.destination.name}
            | {"amount": six(posting.amount), "currency": posting.currency}
            for posting in one.postings
        ],
    }
    if isinstance(fact, OperationFact):
        operation = fact.operation
        known |= {"operation_id": operation.id, "user": operation.user, "project": operation.project}
        known |= {"kind": operation.kind, "model": operation.model, "provider": operation.provider}
    if isinstance(fact, Charged):
        known |= {"outputs": fact.outputs, "unit": fact.unit, "units": units_of(_millionths(fact))}
    return known


def _millionths(fact: Charged) -> int:
    top, bottom = fact.units.as_integer_ratio()
    return top * MILLION // bottom
