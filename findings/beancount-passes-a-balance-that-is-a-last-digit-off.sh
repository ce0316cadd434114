#!/usr/bin/env bash
# beancount 3.2.3: a balance assertion is tolerated at twice the half of its last digit, so a whole last digit off passes. A transaction is
# tolerated at half, and so is refused. Only `~ 0` makes an assertion exact.
#   transaction: 1 error, assertion: 0 errors, with ~ 0: 1 error
# Exits with 1 if the assertion is refused without it.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels beancount==3.2.3
PYTHONPATH=wheels python3 - <<'PYTHON'
import sys

from beancount import loader

OPEN = "2026-01-01 open Assets:A\n2026-01-01 open Income:B\n"
BOOKED = '2026-04-10 * "a charge"\n  Assets:A  1.000000 USD\n  Income:B  {} USD\n'


def errors(text: str) -> int:
    return len(loader.load_string(OPEN + text)[1])


transaction = errors(BOOKED.format("-1.000001"))
plain, exact = (errors(BOOKED.format("-1.000000") + f"2026-04-11 balance Assets:A 1.000001 {how}USD\n") for how in ("", "~ 0 "))
print(f"transaction: {transaction} error, assertion: {plain} errors, with ~ 0: {exact} error")
sys.exit(0 if (transaction, plain, exact) == (1, 0, 1) else 1)
PYTHON
