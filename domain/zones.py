"""Time zones by the newer of two tables: those of the required `tzdata` package, and the host's.

    package, 2026f ─┬─ the newer ── a zone's clock ── where periods begin
    host,    2025b ─┘

A host's tables are as old as its last upgrade, and governments change their clocks at weeks' notice. Both are data,
read where they lie; nothing of the process is changed (`zoneinfo.TZPATH` is shared with the program that imports us).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.util import find_spec
from typing import Final
from zoneinfo import TZPATH, ZoneInfo

PACKAGE: Final = "tzdata"

UNKNOWN: Final = ""
"""The version of tables that do not say it; older than any."""

_RELEASE: Final = re.compile(r"\b(\d{4}[a-z]{1,2})\b")

_VERSION_FILES: Final = ("tzdata.zi", "+VERSION", "version")
"""The files in which a host's tables say which they are: Debian and Red Hat, the BSDs and macOS, and some others."""


@dataclass(frozen=True)
class ZoneTables:
    """Two tables: the package's in `folder`, None if it is not there as files, and the host's along `path`.

    The first tables on the host's path are the ones that are used.
    """

    folder: str | None
    path: Sequence[str]

    @cached_property
    def version(self) -> str:
        """The release of the newer tables, such as "2026f"; empty if they do not say it."""
        return max(self._hosts_version, self._packages_version)

    def zone(self, name: str) -> ZoneInfo:
        """The zone of an IANA name, by the newer tables. Raises KeyError, ValueError or OSError if there is none."""
        if self.folder is None or self._hosts_version > self._packages_version or name not in self._packages_zones:
            return ZoneInfo(name)
        return _read(self.folder, name)

    @cached_property
    def _packages_version(self) -> str:
        return _release_in(f"{self.folder}/__init__.py", "IANA_VERSION")

    @cached_property
    def _packages_zones(self) -> frozenset[str]:
        return frozenset(_text_of(f"{self.folder}/zones").split())

    @cached_property
    def _hosts_version(self) -> str:
        found = (_release_in(f"{folder}/{name}") for folder in self.path for name in _VERSION_FILES)
        return next((release for release in found if release), UNKNOWN)


def zone_of(name: str) -> ZoneInfo:
    """The zone of an IANA name, by the newer tables. Raises KeyError, ValueError or OSError if there is none."""
    return _tables().zone(name)


def zones_version() -> str:
    """The release of the tables in use, such as "2026f"; empty if they do not say it."""
    return _tables().version


@lru_cache(maxsize=1)
def _tables() -> ZoneTables:
    return ZoneTables(package_folder(), TZPATH)


def package_folder() -> str | None:
    """The folder of the package's files; None if it is not installed, or not as files."""
    spec = find_spec(PACKAGE)
    folders = spec.submodule_search_locations if spec is not None else None
    return folders[0] if folders else None


@lru_cache(maxsize=1024)
def _read(folder: str, name: str) -> ZoneInfo:
    with open(f"{folder}/zoneinfo/{name}", "rb") as file:  # noqa: PTH123 - the domain knows files by no other name
        return ZoneInfo.from_file(file, key=name)


def _release_in(path: str, line: str = "") -> str:
    """The release that a file names in its first line, or in the one that begins so."""
    told = next((one for one in _text_of(path).splitlines() if one.startswith(line)), "")
    release = _RELEASE.search(told)
    return release[1] if release else UNKNOWN


def _text_of(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - as above
            return file.read()
    except OSError:
        return ""
