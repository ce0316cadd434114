#!/usr/bin/env bash
# Python 3.11's zoneinfo asks the host's tables before the package tzdata, however old these are: with tzdata 2026.6 installed
# beside a host of 2025b (Debian 13), December of 2026 in Vancouver begins an hour late, and a billing period with it. Naming
# the version in the requirements changes nothing; only PYTHONTZPATH= or reset_tzpath([]) does.
#   the host's 2025b says -08:00, the package's 2026f says -07:00, zoneinfo says -08:00
# Exits with 1 if zoneinfo says what the package says.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels tzdata==2026.6
PYTHONPATH=wheels python3 - <<'PYTHON'
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo

import tzdata

NAME, NOON = "America/Vancouver", datetime(2026, 12, 1, 12)


def offset(zone: ZoneInfo) -> str:
    return NOON.replace(tzinfo=zone).isoformat()[-6:]


host = next(Path(folder) for folder in TZPATH if (Path(folder) / NAME).is_file())
table = host / "tzdata.zi"
named = table.read_text().split("\n", 1)[0].split()[-1] if table.is_file() else "tables"
with (host / NAME).open("rb") as theirs, (files("tzdata") / "zoneinfo" / NAME).open("rb") as packaged:
    old, new = offset(ZoneInfo.from_file(theirs)), offset(ZoneInfo.from_file(packaged))
said = offset(ZoneInfo(NAME))
print(f"the host's {named} says {old}, the package's {tzdata.IANA_VERSION} says {new}, zoneinfo says {said}")
raise SystemExit(said == new)
PYTHON
