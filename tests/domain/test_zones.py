"""Months begin when the newest tables say, whichever the host has, and every zone agrees with a second opinion."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from textwrap import dedent
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidPeriod
from domain.periods import CALENDAR_MONTH, Period, check_zone, period_after, period_at
from domain.zones import ZoneTables, package_folder, zone_of, zones_version
from tests.domain.wall_clocks import EPOCH, MICROSECOND, utc

PACKAGED: str = import_module("tzdata").IANA_VERSION

NAMES = [name for name in (files("tzdata") / "zones").read_text().split() if name != "Factory"]
"""All zones of the package."""

DECEMBER_2026 = {
    "America/Vancouver": "2026-12-01T07:00",  # stays on daylight saving time from 2026 on
    "Europe/Berlin": "2026-11-30T23:00",
    "Asia/Kolkata": "2026-11-30T18:30",
    "America/St_Johns": "2026-12-01T03:30",
}

ZDUMP = shutil.which("zdump")
CHANGE = re.compile(r"^(\S+)\s+\w+ (\w+ +\d+ [\d:]+ \d+) UTC? = .* isdst=[01] gmtoff=(-?\d+)$")


@pytest.mark.parametrize("zone", DECEMBER_2026)
def test_december_begins_when_the_newest_tables_say(zone: str) -> None:
    assert period_at(CALENDAR_MONTH, zone, utc("2026-12-15")).start == utc(DECEMBER_2026[zone])


def test_the_packages_tables_are_the_newest_here_or_the_hosts_are_named() -> None:
    assert zones_version() >= PACKAGED


def test_importing_us_leaves_the_zones_of_the_process_as_they_were() -> None:
    script = dedent(
        """
        import zoneinfo
        before = zoneinfo.TZPATH, zoneinfo.ZoneInfo("Europe/Berlin")
        from domain.periods import CALENDAR_MONTH, period_at
        period_at(CALENDAR_MONTH, "Europe/Berlin", 1_795_000_000_000_000)
        assert before == (zoneinfo.TZPATH, zoneinfo.ZoneInfo("Europe/Berlin"))
        """
    )
    subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[2], check=True)


@pytest.mark.parametrize(
    "name", ["../zones", "/etc/passwd", "Europe/", "Europe/Berlin\x00", "", "Europe", "Mars/Olympus"]
)
def test_what_is_no_zone_is_refused_whatever_file_it_may_name(name: str) -> None:
    with pytest.raises(InvalidPeriod):
        check_zone(name)


def test_an_open_period_ends_when_its_fact_says_and_the_next_begins_there() -> None:
    """Here one that was opened by older tables, for which Vancouver's December began an hour later."""
    november = Period(utc("2026-11-01T07:00"), utc("2026-12-01T08:00"))
    following = period_after(november, CALENDAR_MONTH, "America/Vancouver", utc("2026-12-01T08:00"))
    assert period_after(november, CALENDAR_MONTH, "America/Vancouver", utc("2026-12-01T07:30")) == november
    assert following == Period(november.end, utc("2027-01-01T07:00"))


# Whose tables


def beside(host: Path, package: str | None = package_folder()) -> ZoneTables:
    """The package's tables beside those of a host, the first of whose folders is missing."""
    return ZoneTables(package, (str(host / "missing"), str(host)))


@pytest.mark.parametrize(
    ("file", "text"),
    [("tzdata.zi", "# version 2099a\nL A B\n"), ("+VERSION", "2099a\n"), ("version", "2099a")],
)
def test_a_host_that_is_newer_is_taken_at_its_word(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / file).write_text(text)
    tables = beside(tmp_path)
    assert tables.version == "2099a"
    assert tables.zone("Europe/Berlin") is ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize("text", ["# version 2025b\n", "# version ?\n", "", "\xff"])
def test_a_host_that_is_older_or_says_nothing_is_not_asked(tmp_path: Path, text: str) -> None:
    (tmp_path / "tzdata.zi").write_text(text)
    tables = beside(tmp_path)
    assert tables.version == PACKAGED
    shown = (EPOCH + utc("2026-12-01T07:00") * MICROSECOND).astimezone(tables.zone("America/Vancouver"))
    assert (shown.hour, shown.day) == (0, 1)


@pytest.mark.parametrize("folder", ["package", None])
def test_a_zone_that_only_the_host_has_is_the_hosts(tmp_path: Path, folder: str | None) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "zones").write_text("UTC\n")
    (tmp_path / "package" / "__init__.py").write_text('IANA_VERSION = "2098z"\n')
    tables = beside(tmp_path / "host", folder and str(tmp_path / folder))
    assert tables.zone("Europe/Berlin") is ZoneInfo("Europe/Berlin")


# A second opinion: the reference implementation's own reader, on the package's tables


def changes(names: list[str]) -> Iterator[tuple[str, int, int]]:
    """Zone, instant and the offset in seconds from there on, around every change of clocks of two years."""
    assert ZDUMP is not None
    folder = str(files("tzdata") / "zoneinfo")
    command = [ZDUMP, "-v", "-c", "2026,2028", *(f"{folder}/{name}" for name in names)]
    told = subprocess.run(command, capture_output=True, text=True, check=False, env={"TZDIR": folder}).stdout
    for line in told.splitlines():
        if found := CHANGE.match(line):
            instant = _instant(found[2])
            yield found[1].removeprefix(f"{folder}/"), instant, int(found[3])


MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def _instant(text: str) -> int:
    month, day, clock, year = text.split()
    return utc(f"{int(year):04}-{MONTHS.index(month) + 1:02}-{int(day):02}T{clock}")


@pytest.mark.skipif(ZDUMP is None, reason="zdump, of Debian's libc-bin, is not installed")
def test_every_zone_agrees_with_zdump_around_every_change_of_clocks() -> None:
    if zones_version() != PACKAGED:
        pytest.skip("the host's tables are newer than the package's")
    seen = 0
    for name, instant, offset in changes(NAMES):
        if 2026 <= (EPOCH + instant * MICROSECOND).year < 2028:
            shown = (EPOCH + instant * MICROSECOND).astimezone(zone_of(name)).utcoffset()
            assert shown is not None
            assert shown.total_seconds() == offset, (name, instant)
            seen += 1
    assert seen > 400


@given(st.sampled_from(NAMES), st.integers(utc("2026-01-01"), utc("2035-01-01")))
def test_every_zone_can_be_used_and_its_months_hold_their_instants(name: str, instant: int) -> None:
    assert period_at(CALENDAR_MONTH, name, instant).contains(instant)
