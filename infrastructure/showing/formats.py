"""How values are written: exact money, ISO 8601 instants, and one JSON shape for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Final

from domain.counts import counted
from domain.errors import InvalidInput
from domain.money import Money
from domain.periods import EARLIEST, LATEST, Period, check_zone
from domain.plans import IN_MONEY
from domain.zones import zone_of

UTC_NAME: Final = "UTC"
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
MILLION: Final = 1_000_000
TOGETHER: Final = "\u00a0"
"""A space at which no line is broken."""


def iso(instant: int, zone: str = UTC_NAME, precision: str = "seconds") -> str:
    """An instant in a zone, such as 2026-11-23T07:31:47+01:00; "Z" is UTC. `precision` as datetime.isoformat has it."""
    local = (EPOCH + instant * MICROSECOND).astimezone(zone_of(zone))
    return local.isoformat(timespec=precision).replace("+00:00", "Z")


def since(instant: int) -> str | None:
    """The instant from which something holds, in UTC; None if it always has."""
    return None if instant <= EARLIEST else iso(instant)


def clock(instant: int, zone: str) -> str:
    """The minute that a clock in the zone shows, where the page says which zone that is."""
    return iso(instant, zone, "minutes")[:16]


def tags_text(tags: Mapping[str, str]) -> str:
    """Tags in one line."""
    return ", ".join(f"{name}={value}" for name, value in tags.items())


def span(start: int, end: int, zone: str = UTC_NAME) -> str:
    """A period as an ISO 8601 interval, half-open: days where it begins and ends at midnight, else instants."""
    ends = [iso(start, zone), iso(end, zone)]
    if all("T00:00:00" in instant for instant in ends):
        ends = [instant[:10] for instant in ends]
    return "/".join(ends)


def instant_of(text: str, zone: str = UTC_NAME, field: str = "at") -> int:
    """A day or an instant in ISO 8601; what names no offset is meant in the zone. Raises InvalidInput of `field`."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(field, f"{text!r} is no instant", hint="write 2026-11-23 or 2026-11-23T06:31:47Z") from error
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone_of(check_zone(zone)))
    instant = (moment - EPOCH) // MICROSECOND
    if not EARLIEST <= instant < LATEST:
        raise InvalidInput(field, f"{text} is out of range", hint="take a year from 1900 to 9899")
    return instant


def spanned(
    since: str | None, until: str | None, zone: str = UTC_NAME, names: tuple[str, str] = ("since", "until")
) -> tuple[int, int] | None:
    """The span [since, until) in epoch microseconds; None if neither is said. Raises InvalidInput of one of `names`."""
    return None if since is None and until is None else span_between(since, until, zone, names)


def span_between(
    since: str | None, until: str | None, zone: str = UTC_NAME, names: tuple[str, str] = ("since", "until")
) -> tuple[int, int]:
    """The same, for ever on a side that is not said. Raises InvalidInput of one of `names`."""
    start = EARLIEST if since is None else instant_of(since, zone, names[0])
    end = LATEST if until is None else instant_of(until, zone, names[1])
    if start >= end:
        raise InvalidInput(names[1], f"{until} is not after {since}", hint="name a later day")
    return start, end


def day_of(field: str, text: str) -> str:
    """A day such as 2026-11-23. Raises InvalidInput of `field`."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise InvalidInput(field, f"{text!r} is not a day", hint="write it as 2026-11-23")
    return text


def size(count: int) -> str:
    """Bytes, in thousands."""
    return f"{count} B" if count < 1000 else f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1e6:.1f} MB"


def units_of(millionths: int) -> str:
    """Millionths of a unit as an exact decimal."""
    whole, rest = divmod(abs(millionths), MILLION)
    fraction = f".{rest:06d}".rstrip("0") if rest else ""
    return f"{'-' if millionths < 0 else ''}{whole}{fraction}"


def measured(amounts: Mapping[str, int | None], currency: str) -> dict[str, Any]:
    """Amounts by measure as JSON: money for spend and balance, counts for outputs."""
    return {
        measure: money(amount, currency) if amount is not None and measure in IN_MONEY else amount
        for measure, amount in amounts.items()
    }


def cell(text: str) -> str:
    """Text for a CSV file: a spreadsheet takes what begins with one of these signs for a formula and runs it."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def limit_of(measure: str, limit: int | None, currency: str) -> str:
    """A limit or what is left of it: money for spend and balance, outputs else."""
    if limit is None:
        return "unlimited"
    return str(Money(limit, currency)) if measure in IN_MONEY else f"{limit:,}"


def document(value: Any) -> Any:
    """Any of our values as JSON: money in micros and exact text, instants in UTC, no file's content."""
    match value:
        case Money():
            return {"micros": value.micros, "currency": value.currency, "amount": str(value).split(" ")[0]}
        case Period():
            return {"start": iso(value.start), "end": iso(value.end)}
        case Decimal() | Path():
            return str(value)
        case Enum():
            return value.value
        case Mapping():
            return {str(name): document(one) for name, one in value.items()}
        case list() | tuple() | set() | frozenset():
            return [document(one) for one in (sorted(value) if isinstance(value, set | frozenset) else value)]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {field.name: document(getattr(value, field.name)) for field in fields(value) if field.repr}
    return value


def money(micros: int, currency: str | None) -> dict[str, Any]:
    """An amount as JSON; without a currency, as where nothing was ever priced, it is zero."""
    if currency is None:
        return {"micros": micros, "currency": None, "amount": units_of(micros)}
    written: dict[str, Any] = document(Money(micros, currency))
    return written


LOSSES = {
    "gone": "gone before it could be fetched",
    "blocked": "at an address that IMAGESTUDIO_OWN_ORIGINS does not let in",
    "too_large": "larger than is accepted",
    "wrong_output": "not what was sold",
    "unreadable": "damaged or of no kind that is known",
}
"""Why an output was lost, in words."""


def unlike_text(unlike: int) -> str:
    """How many outputs are not what was promised exactly."""
    return f"{counted(unlike, 'output')} of another size or length than asked"


def lost_text(lost: int, losses: Mapping[str, int]) -> str:
    """How many outputs were lost, and why."""
    reasons = [LOSSES.get(reason, reason) for reason in losses] or [LOSSES["gone"]]
    return f"{counted(lost, 'output')} lost, {'; '.join(reasons)}"
