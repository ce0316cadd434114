"""FOCUS 1.4's *Billing Period*: a row a span that accounts are billed for, and whether it is closed for all of them.

Accounts' months begin in their own zones, so that spans of one month differ; each is a row. It is joined with the other
sets by `BillingPeriodStart` and `InvoiceIssuerName`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from application.keeping.statements import BilledPeriod
from infrastructure.exporting.focus import INSTANT, TEXT, US, Row, focus_cell
from infrastructure.exporting.tally import csv_line

COLUMNS: Final = {
    "BillingPeriodCreated": INSTANT,
    "BillingPeriodEnd": INSTANT,
    "BillingPeriodLastUpdated": INSTANT,
    "BillingPeriodStart": INSTANT,
    "BillingPeriodStatus": TEXT,
    "InvoiceIssuerName": TEXT,
}
OPEN, CLOSED = "Open", "Closed"


def periods_csv(found: Iterable[BilledPeriod]) -> Iterator[str]:
    """The rows as CSV, under their columns' names."""
    yield csv_line(COLUMNS)
    for row in rows_of_periods(found):
        yield csv_line(focus_cell(kind, row[name]) for name, kind in COLUMNS.items())


def rows_of_periods(found: Iterable[BilledPeriod]) -> list[Row]:
    """A row a span, by its beginning; it is open as long as one account's is."""
    rows: dict[tuple[int, int], Row] = {}
    for one in found:
        span = (one.period.start, one.period.end)
        closed = one.opened if one.closing is None else one.closing.at
        before = rows.get(span)
        created = one.opened if before is None else min(int(before["BillingPeriodCreated"] or 0), one.opened)
        updated = closed if before is None else max(int(before["BillingPeriodLastUpdated"] or 0), closed)
        is_open = one.closing is None or (before is not None and before["BillingPeriodStatus"] == OPEN)
        rows[span] = {
            "BillingPeriodCreated": created,
            "BillingPeriodEnd": span[1],
            "BillingPeriodLastUpdated": updated,
            "BillingPeriodStart": span[0],
            "BillingPeriodStatus": OPEN if is_open else CLOSED,
            "InvoiceIssuerName": US,
        }
    return [rows[span] for span in sorted(rows)]
