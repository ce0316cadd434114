"""Sums of usage as every door tells them: what is asked by words, and the answer as JSON and CSV.

A cost with unknown parts is `cost_partial`, and null if nothing of it is known: never zero. `cost_known` says of the
money that was charged how much of it has a cost that is known so.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from typing import IO, Any, Final

from domain.errors import InvalidInput
from domain.tags import tag_of
from infrastructure.showing.formats import UTC_NAME, cell, instant_of, iso, money
from infrastructure.showing.positions import position_document
from projections.calendars import GRAINS, Span
from projections.holding import Holding
from projections.summing import PERIOD, WHO, Summed, SumQuestion, UsageSums
from projections.tagged import GONE, NOT_SAID
from projections.views.quarters import KNOWN, QuarterFilter

FILTERS: Final = ("user", "project", "api_key", "kind", "model", "provider", "code")
ASKED: Final = ("group_by", "tz", "from", "to", "top", "project", "model", "provider", "code", "tag")
"""Words by which sums are asked for, and no view's rows."""
COUNTS: Final = ("charged", "rejected", "failed", "released", "outputs")
MONEY: Final = ("held", "gross", "adjusted", "price")
CENTS: Final = 10_000
NONE: Final = "-"
"""Chooses what has no project, or was asked by no API key."""
CSV_KNOWN: Final = "cost_known_"


def question_of(words: Mapping[str, str | None], account: str | None, zone: str = UTC_NAME) -> SumQuestion:
    """The question that words ask; days and instants are those of the zone. Raises InvalidInput, InvalidPeriod."""
    zone = words.get("tz") or zone
    since, until = (words.get(name) for name in ("from", "to"))
    filters = {name: value for name in FILTERS if (value := words.get(name)) is not None}
    for name, value in filters.items():
        if not value:
            raise InvalidInput(name, "chooses nothing", hint="leave it out for all")
    tag = words.get("tag")
    maybe = {name: "" for name in ("project", "api_key") if filters.get(name) == NONE}
    return SumQuestion(
        by=tuple(one.strip() for one in (words.get("group_by") or "").split(",") if one.strip()),
        zone=zone,
        since=None if since is None else instant_of(since, zone, "from"),
        until=None if until is None else instant_of(until, zone, "to"),
        wanted=QuarterFilter(account=account, **{**filters, **maybe}),
        top=words.get("top"),
        tag=None if tag is None else tag_of(tag),
    )


def sums_document(sums: UsageSums) -> dict[str, Any]:
    """An answer as JSON."""
    asked = sums.question
    document = {
        "usage": [_row(asked, row) for row in sums.rows],
        "total": [_sums(one) for one in sums.totals],
        "open": [_holding(one) for one in sums.open],
        "group_by": list(asked.by),
        "zone": asked.zone,
        "from": None if sums.span is None else iso(sums.span[0]),
        "to": None if sums.span is None else iso(sums.span[1]),
        **position_document(sums.position),
    }
    if asked.asks_tags:
        document["tags_erased"] = sums.erased
    return document if sums.next is None else {**document, "next": sums.next}


def _row(asked: SumQuestion, row: Summed) -> dict[str, Any]:
    grain = asked.grain
    group: dict[str, Any] = {one: _told(asked, row, one) for one in asked.by}
    if asked.tag_group is not None:
        group["erased"] = row.group[asked.tag_group] == GONE
    span = {} if row.span is None else {"start": iso(row.span[0]), "end": iso(row.span[1])}
    if grain is not None:
        span["hours"] = _hours(row.span)
    return {**group, **span, **_sums(row)}


def _told(asked: SumQuestion, row: Summed, name: str) -> str | None:
    """The value that a row is grouped by, null for what an operation does not have."""
    if name in GRAINS:
        return calendar_name(name, int(row.group[name]), asked.zone)
    if name == PERIOD:
        return iso(int(row.group[name]))
    told = str(row.group[name])
    return None if told in (NOT_SAID, GONE) else told


def calendar_name(grain: str, start: int, zone: str) -> str:
    """The name of an hour, day … by its beginning, as a clock in the zone shows it."""
    local = iso(start, zone)
    return local if grain == "hour" else local[:7] if grain == "month" else local[:10]


def _hours(span: Span | None) -> str:
    assert span is not None, "a part of a calendar has ends"
    hundredths = (span[1] - span[0]) * 100 // 3_600_000_000
    return f"{hundredths // 100}.{hundredths % 100:02d}".rstrip("0").rstrip(".")


def _sums(row: Summed) -> dict[str, Any]:
    sums, currency = row.sums, row.currency
    gross = {**sums, "gross": sums["price"] - sums["adjusted"]}
    difference = gross["gross"] - sums["held"]
    partial = sums["cost_unknown"] > 0
    return {
        "currency": currency,
        **{name: sums[name] for name in COUNTS},
        "failure_rate": rate(sums["failed"], sums["charged"] + sums["failed"]),
        **{name: money(gross[name], currency) for name in MONEY},
        "difference": money(difference, currency),
        "difference_share": rate(difference, sums["held"]),
        "cost": None if partial and not sums["cost"] else money(sums["cost"], row.cost_currency or currency),
        "cost_partial": partial,
        "cost_unknown": sums["cost_unknown"],
        "estimated": sums["estimated"],
        "cost_known": _known(sums, currency),
    }


def _known(sums: Mapping[str, int], currency: str) -> dict[str, Any]:
    """The charged money by how its cost is known, with the share of each."""
    whole = sum(sums[name] for name in KNOWN.values())
    return {
        str(source): {**money(sums[name], currency), "share": rate(sums[name], whole)}
        for source, name in KNOWN.items()
        if sums[name]
    }


def rate(part: int, whole: int) -> str | None:
    """A share as an exact decimal of four places, None of nothing."""
    if whole <= 0:
        return None
    share = (abs(part) * CENTS * 2 + whole) // (2 * whole)
    return f"{'-' if part < 0 else ''}{share // CENTS}.{share % CENTS:04d}"


def _holding(one: Holding) -> dict[str, Any]:
    group = {name: value or None for name, value in one.group.items()}
    return {**group, "currency": one.currency, "operations": one.operations, "held": money(one.held, one.currency)}


def write_sums_csv(stream: IO[str], document: Mapping[str, Any]) -> None:
    """The rows of a document as CSV: exact amounts, nothing for what nobody knows; how costs are known in columns."""
    rows = [dict(_flat(one)) for one in document["usage"]]
    names = [*dict.fromkeys(name for row in rows for name in row)]
    writer = csv.DictWriter(stream, names or [*document["group_by"], "currency"], restval="")
    writer.writeheader()
    writer.writerows(rows)


def _flat(row: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, value in row.items():
        if name == "cost_known":
            told = {str(source): value.get(source) for source in KNOWN}
            yield from ((f"{CSV_KNOWN}{source}", one["amount"] if one else "0") for source, one in told.items())
        elif isinstance(value, Mapping):
            yield name, str(value["amount"])
        elif isinstance(value, bool):
            yield name, str(value).lower()
        else:
            yield name, "" if value is None else cell(value) if name in WHO else str(value)
