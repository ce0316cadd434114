#!/usr/bin/env bash
# polars 2.1: frames with decimals of different scales are put together under the first one's scale, and what does not fit is cut off without an
# error: 0.005243 after 1.5 becomes 0.0.
# Exits with 1 if the amount is kept, or the frames are refused.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels 'polars>=2.1,<2.2'
PYTHONPATH=wheels python3 - <<'PYTHON'
import sys
from decimal import Decimal

import polars

one, other = (polars.DataFrame({"amount": [Decimal(text)]}) for text in ("1.5", "0.005243"))
for how in ("vertical", "vertical_relaxed"):
    try:
        found = polars.concat([one, other], how=how)["amount"].to_list()
    except polars.exceptions.PolarsError as error:
        print(f"{how}: {type(error).__name__}")
        continue
    print(f"{how}: {found}")
    if sum(found) != Decimal("1.505243"):
        sys.exit(0)
sys.exit(1)
PYTHON
