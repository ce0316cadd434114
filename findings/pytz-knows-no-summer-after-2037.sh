#!/usr/bin/env bash
# pytz 2026.6 knows no summer after 2037: it reads the transitions that are listed in a zone's file and not the rule behind
# them (the POSIX string of version 2 files), so that each July from 2038 on is on winter time. zoneinfo reads the rule.
# Whoever reckons far ends of contracts with pytz is an hour off.
#   July 2037: pytz +02:00, zoneinfo +02:00; July 2038: pytz +01:00, zoneinfo +02:00
# Exits with 1 if the two agree in 2038.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels pytz==2026.6 tzdata==2026.6
PYTHONPATH=wheels python3 - <<'PYTHON'
from datetime import datetime
from zoneinfo import ZoneInfo

import pytz

found = []
for year in (2037, 2038):
    noon = datetime(year, 7, 1, 12)
    theirs = pytz.timezone("Europe/Berlin").localize(noon).isoformat()[-6:]
    right = noon.replace(tzinfo=ZoneInfo("Europe/Berlin")).isoformat()[-6:]
    found.append((theirs, right))
    print(f"July {year}: pytz {theirs}, zoneinfo {right}", end="; " if year == 2037 else "\n")
raise SystemExit(found[1][0] == found[1][1])
PYTHON
