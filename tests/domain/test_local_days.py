"""Every instant has one local day in a zone, to the microsecond, whatever its clocks do."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings

from domain.errors import InvalidPeriod
from domain.periods import CALENDAR_MONTH, EARLIEST, LATEST, Cycle, check_zone, local_day, period_at
from tests.domain.wall_clocks import ANY_ZONE, INSTANTS, MINUTE, ZONES, utc, wall

thorough = settings(max_examples=500)


# Zones


@pytest.mark.parametrize("zone", [*ZONES, "Etc/GMT+12", "Asia/Ho_Chi_Minh"])
def test_a_zone_of_the_tz_database_is_known(zone: str) -> None:
    assert check_zone(zone) == zone


@pytest.mark.parametrize(
    "zone",
    [
        "", "Mars/Olympus", "Europe", "Europe/", "../UTC", "/etc/localtime", "UTC ", "a\0b", "\ud800",
        "+02:00", "right/UTC", "posix/UTC", "localtime", "posixrules", "Factory", "zone.tab", "tzdata.zi",
        pytest.param("x" * 9000, id="huge"), None, 1, True, b"UTC", ["UTC"],
    ],
)  # fmt: skip
def test_what_is_no_zone_everywhere_is_refused_with_a_hint(zone: str) -> None:
    with pytest.raises(InvalidPeriod) as refusal:
        check_zone(zone)

    assert "Europe/Berlin" in refusal.value.hint


def test_no_period_or_day_is_found_in_an_unknown_zone() -> None:
    with pytest.raises(InvalidPeriod):
        period_at(CALENDAR_MONTH, "Mars/Olympus", 0)
    with pytest.raises(InvalidPeriod):
        local_day(0, "Mars/Olympus")


# The local day


@thorough
@given(INSTANTS, ANY_ZONE)
@example(utc("2011-11-06T02:31"), "America/St_Johns")
def test_the_local_day_is_the_date_on_the_wall(instant: int, zone: str) -> None:
    assert local_day(instant, zone) == wall(instant, zone).date().isoformat()


@pytest.mark.parametrize(
    ("before", "after", "zone"),
    [
        ("2026-03-28T23:00", "2026-03-29T00:00", "UTC"),
        ("2026-06-30T18:15", "2026-06-30T18:30", "Asia/Kolkata"),
        ("2026-06-30T18:00", "2026-06-30T18:15", "Asia/Kathmandu"),
        ("2026-06-30T15:00", "2026-06-30T15:15", "Australia/Eucla"),
        ("1971-12-31T23:44:30", "1972-01-01T00:44:30", "Africa/Monrovia"),
    ],
)
def test_the_local_day_turns_at_the_very_microsecond_of_midnight(before: str, after: str, zone: str) -> None:
    midnight = utc(after)

    assert local_day(utc(before), zone) == local_day(midnight - 1, zone)
    assert local_day(midnight - 1, zone) < local_day(midnight, zone)


def test_the_local_day_follows_a_clock_that_goes_back_over_midnight() -> None:
    back = utc("2010-11-07T02:31")  # at 00:01 on Sunday, St. John's went back to 23:01 on Saturday
    around = (back - MINUTE - 1, back - MINUTE, back - 1, back, back + 59 * MINUTE - 1, back + 59 * MINUTE)

    days = [local_day(instant, "America/St_Johns")[-2:] for instant in around]

    assert days == ["06", "07", "07", "06", "06", "07"]


def test_the_day_that_apia_never_had_is_nobodys_local_day() -> None:
    jump = utc("2011-12-30T10:00")

    assert local_day(jump - 1, "Pacific/Apia") == "2011-12-29"
    assert local_day(jump, "Pacific/Apia") == "2011-12-31"


@pytest.mark.parametrize("instant", [EARLIEST - 1, LATEST, 2**63, -(2**63), utc("2026-01-01") * 1000])
def test_an_instant_outside_all_calendars_is_refused(instant: int) -> None:
    with pytest.raises(InvalidPeriod, match="out of range"):
        local_day(instant, "UTC")
    with pytest.raises(InvalidPeriod, match="out of range"):
        period_at(CALENDAR_MONTH, "UTC", instant)


@pytest.mark.parametrize("zone", ZONES)
def test_the_first_and_the_last_instant_served_have_their_period(zone: str) -> None:
    for instant in (EARLIEST, LATEST - 1):
        assert period_at(Cycle(31), zone, instant).contains(instant)
        assert local_day(instant, zone) == wall(instant, zone).date().isoformat()
