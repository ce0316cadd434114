"""Events for meters: each fact once under an id that stays, with exact text for amounts, and our totals."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import Any

from domain.chart import Heading
from infrastructure.exporting.tally import ExportTally
from tests.infrastructure.exporting.shelf import Shelf


def charged(tally: ExportTally) -> Counter[str]:
    """By currency, what was charged and corrected."""
    found: Counter[str] = Counter()
    for (one, currency), balance in tally.of_ledger_accounts().items():
        if one.heading in (Heading.INCOME, Heading.ADJUSTMENTS):
            found[currency] -= balance
    return found


def events(shelf: Shelf, format: str) -> tuple[list[dict[str, Any]], ExportTally]:
    text, tally = shelf.export(format)
    return [json.loads(line) for line in text.splitlines()], tally


def test_cloudevents_are_whole_and_come_to_our_totals(shelf: Shelf) -> None:
    found, tally = events(shelf, "cloudevents")
    assert len(found) == len({one["id"] for one in found}) == tally.facts
    price: Counter[str] = Counter()
    moved: Counter[tuple[str, str]] = Counter()
    for one in found:
        assert (one["specversion"], one["datacontenttype"]) == ("1.0", "application/json")
        assert all(one[name] for name in ("id", "source", "type", "subject"))
        assert one["time"].endswith("Z")
        data = one["data"]
        price[data["currency"]] += int(Decimal(data["price"]).scaleb(6))
        for posting in data["postings"]:
            micros = int(Decimal(posting["amount"]).scaleb(6))
            moved[posting["source"], posting["currency"]] += micros
            moved[posting["destination"], posting["currency"]] -= micros
    assert price == charged(tally)
    assert +moved == +Counter({(one.name, of): sum for (one, of), sum in tally.of_ledger_accounts().items()})
    assert {one["data"]["cost"] for one in found if one["type"].endswith("released")} >= {None}


def test_a_retry_sends_the_same_ids(shelf: Shelf) -> None:
    for format, name in (("cloudevents", "id"), ("stripe", "identifier")):
        first, second = (events(shelf, format)[0] for _ in range(2))
        assert [one[name] for one in first] == [one[name] for one in second]


def test_stripes_events_are_within_its_bounds_and_come_to_our_totals(shelf: Shelf) -> None:
    found, tally = events(shelf, "stripe")
    sums: Counter[str] = Counter()
    for one in found:
        assert one.keys() == {"event_name", "identifier", "timestamp", "payload"}
        assert len(one["event_name"]) <= 100 >= len(one["identifier"])
        assert {type(value) for value in one["payload"].values()} == {str}
        sums[one["event_name"]] += int(one["payload"]["value"])
    assert sums == {f"image_studio_{currency.lower()}_micros": micros for currency, micros in charged(tally).items()}
    assert any(one["payload"]["value"].startswith("-") for one in found)
    assert len({one["identifier"] for one in found}) == len(found)


OWN = ("wallet:available", "wallet:held", "receivable")
USE = ("income:", "adjustments:", "goodwill")


def test_stripes_net_events_come_to_what_accounts_pay_of_their_own(shelf: Shelf) -> None:
    """By the books: what went from accounts' own money to income, whatever grants have paid beside it."""
    own: Counter[str] = Counter()
    for posting in [posting for one in events(shelf, "cloudevents")[0] for posting in one["data"]["postings"]]:
        source, destination = posting["source"], posting["destination"]
        sign = (source in OWN and destination.startswith(USE)) - (destination in OWN and source.startswith(USE))
        own[f"image_studio_{posting['currency'].lower()}_micros"] += sign * int(Decimal(posting["amount"]).scaleb(6))
    net, gross = (events(shelf, format)[0] for format in ("stripe-net", "stripe"))
    sums: Counter[str] = Counter()
    for one in net:
        sums[one["event_name"]] += int(one["payload"]["value"])
    assert +sums == +own
    assert {one["identifier"] for one in net} < {one["identifier"] for one in gross}
