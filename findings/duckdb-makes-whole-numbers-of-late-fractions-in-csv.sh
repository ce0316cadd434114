#!/usr/bin/env bash
# DuckDB 2.0.1, read_csv: the type of a column is that of its first 20,480 rows. If these are whole numbers, a fraction that comes later is
# rounded to a whole number, without an error or a reject. In an export of amounts the sum is then wrong.
#   BIGINT, sum 20480; written 20480.4
# Exits with 1 if the sum is what was written, or the fraction is refused.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels duckdb==2.0.1
PYTHONPATH=wheels python3 - <<'PYTHON'
import sys
from pathlib import Path

import duckdb

Path("amounts.csv").write_text("amount\n" + "1\n" * 20_480 + "0.4\n", encoding="utf-8")
try:
    [(kind, found)] = duckdb.sql("SELECT typeof(any_value(amount)), sum(amount) FROM read_csv('amounts.csv')").fetchall()
except duckdb.Error as error:
    print(f"refused: {str(error).splitlines()[0]}")
    sys.exit(1)
print(f"{kind}, sum {found}; written 20480.4")
sys.exit(0 if float(found) == 20_480 else 1)
PYTHON
