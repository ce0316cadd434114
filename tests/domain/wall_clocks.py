"""Zones and instants for tests about time, and an independent look at the clock on the wall."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from domain.zones import zone_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1) // MICROSECOND
DAY = timedelta(days=1) // MICROSECOND

# Whole and odd offsets, both hemispheres, midnight changes of clocks, double midnights, and lost days.
ZONES = [
    "UTC", "Europe/Berlin", "Europe/London", "Europe/Dublin", "America/New_York", "America/Los_Angeles",
    "America/Sao_Paulo", "America/St_Johns", "America/Havana", "America/Asuncion", "America/Scoresbysund",
    "America/Caracas", "Atlantic/Azores", "Africa/Cairo", "Africa/Casablanca", "Africa/Monrovia",
    "Asia/Beirut", "Asia/Amman", "Asia/Gaza", "Asia/Tehran", "Asia/Kolkata", "Asia/Kathmandu",
    "Asia/Pyongyang", "Asia/Tokyo", "Australia/Sydney", "Australia/Lord_Howe", "Australia/Eucla",
    "Pacific/Apia", "Pacific/Chatham", "Pacific/Kiritimati", "Pacific/Kwajalein",
    "Pacific/Marquesas", "Antarctica/Troll",
]  # fmt: skip


def utc(text: str) -> int:
    """The instant of an ISO date and time in UTC."""
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - EPOCH) // MICROSECOND


def wall(instant: int, zone: str) -> datetime:
    """What the clock on the wall shows, without zone."""
    return (EPOCH + timedelta(microseconds=instant)).astimezone(zone_of(zone)).replace(tzinfo=None)


INSTANTS = st.integers(utc("1975-01-01"), utc("2090-12-31"))
ANY_ZONE = st.sampled_from(ZONES)
