#!/usr/bin/env bash
# beancount 3.2.3: `option "display_precision"` may stand in every file. If a file that has it is included, and the currency was met before, loading
# ends with an AttributeError, and bean-check with a traceback. Alone each file is valid.
#   alone: 0 errors, both included: AttributeError
# Exits with 1 if both can be included.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels beancount==3.2.3
PYTHONPATH=wheels python3 - <<'PYTHON'
import sys
from pathlib import Path

from beancount import loader

BOOKED = 'option "display_precision" "USD:0.000001"\n2026-04-{0} open Assets:A{0}\n2026-04-{0} open Income:B{0}\n2026-04-{0} * "a charge"\n'
BOOKED += "  Assets:A{0}  1.000000 USD\n  Income:B{0}  -1.000000 USD\n"
for day in ("10", "11"):
    Path(f"{day}.beancount").write_text(BOOKED.format(day), encoding="utf-8")
Path("all.beancount").write_text('include "10.beancount"\ninclude "11.beancount"\n', encoding="utf-8")
alone = sum(len(loader.load_file(f"{day}.beancount")[1]) for day in ("10", "11"))
try:
    both = f"{len(loader.load_file('all.beancount')[1])} errors"
except AttributeError as error:
    both = type(error).__name__
print(f"alone: {alone} errors, both included: {both}")
sys.exit(0 if (alone, both) == (0, "AttributeError") else 1)
PYTHON
