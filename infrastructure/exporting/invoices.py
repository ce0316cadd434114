"""FOCUS 1.4's *Invoice Detail*: a row a line of each issued statement, which together are what it bills.

An account that pays beforehand is billed its payments; others are billed their use, corrections and goodwill, and the
rounding of the whole, which is a row of its own (`Adjustment`). A voided statement keeps its rows, with that
status, who voided it and why.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Final

from application.keeping.statements import StatementView
from domain.statement import Statement
from domain.wallet import Source
from infrastructure.exporting.focus import AMOUNT, INSTANT, TEXT, US, Row, focus_cell
from infrastructure.exporting.parquet import rows_as_parquet
from infrastructure.exporting.tally import csv_line

COLUMNS: Final = {
    "BilledCost": AMOUNT,
    "BillingAccountId": TEXT,
    "BillingCurrency": TEXT,
    "BillingPeriodEnd": INSTANT,
    "BillingPeriodStart": INSTANT,
    "ChargeCategory": TEXT,
    "InvoiceDetailCreated": INSTANT,
    "InvoiceDetailDescription": TEXT,
    "InvoiceDetailGrain": TEXT,
    "InvoiceDetailId": TEXT,
    "InvoiceDetailLastUpdated": INSTANT,
    "InvoiceId": TEXT,
    "InvoiceIssueDate": INSTANT,
    "InvoiceIssueStatus": TEXT,
    "InvoiceIssuerName": TEXT,
    "PaymentDueDate": INSTANT,
    "PaymentTerms": TEXT,
    "ReferenceInvoiceId": TEXT,
    "x_VoidReason": TEXT,
    "x_VoidedBy": TEXT,
}
CATEGORIES: Final = {"goodwill": "Credit", "chargeback": "Adjustment"}
"""Of adjustments of no operation."""
Line = tuple[str, str, dict[str, str], int]
"""Category, description, grain and amount."""


def invoices_csv(issued: Iterable[StatementView]) -> Iterator[str]:
    """The rows of statements as CSV, under their columns' names."""
    yield csv_line(COLUMNS)
    for one in issued:
        for row in rows_of_invoice(one):
            yield csv_line(focus_cell(kind, row[name]) for name, kind in COLUMNS.items())


def invoices_parquet(issued: Iterable[StatementView]) -> Iterator[bytes]:
    """The same rows as Parquet. Raises PluginError if pyarrow is not installed."""
    return rows_as_parquet(COLUMNS, (row for one in issued for row in rows_of_invoice(one)))


def rows_of_invoice(one: StatementView) -> Iterator[Row]:
    """The rows of an issued statement; lines that bill nothing are left out."""
    read = one.statement
    known: Row = {
        **dict.fromkeys(COLUMNS),
        "BillingAccountId": read.account,
        "BillingCurrency": read.currency,
        "BillingPeriodStart": read.period.start,
        "BillingPeriodEnd": read.period.end,
        "InvoiceDetailCreated": one.issued,
        "InvoiceDetailLastUpdated": one.voided or one.issued,
        "InvoiceId": one.number,
        "InvoiceIssueDate": one.issued,
        "InvoiceIssueStatus": one.status.capitalize(),
        "InvoiceIssuerName": US,
        "ReferenceInvoiceId": one.replaces or one.number,
        "x_VoidReason": one.reason if one.voided is not None else None,
        "x_VoidedBy": one.voided_by or None,
    }
    billed = (line for line in _lines(read) if line[3])
    for place, (category, description, grain, amount) in enumerate(billed, 1):
        told: Row = {"BilledCost": amount, "ChargeCategory": category, "InvoiceDetailDescription": description}
        grain_text = json.dumps(grain, ensure_ascii=False)
        yield {**known, **told, "InvoiceDetailGrain": grain_text, "InvoiceDetailId": f"{one.number}/{place}"}


def _lines(read: Statement) -> Iterator[Line]:
    if read.opening is not None:
        for credit in read.credits:
            category = "Purchase" if credit.amount > 0 else "Adjustment"
            yield category, "prepayment", {"SkuId": "prepayment"}, credit.amount
        for grant in read.grants:
            if grant.source == Source.PAID:
                yield "Purchase", "credit", {"SkuId": "credit"}, grant.given
                yield "Adjustment", "payment for credit taken back", {"SkuId": "credit"}, -grant.charged_back
        return
    for plan in read.subscription:
        category = "Purchase" if plan.amount > 0 else "Credit"
        yield category, f"plan {plan.plan}", {"SkuId": plan.plan}, plan.amount
    for grant in read.grants:
        yield "Credit", f"paid by {grant.grant}", {}, -grant.used
    for line in read.usage:
        grain = {"SkuId": line.model, "ResourceType": line.kind, "x_UserId": line.user}
        grain |= {"SubAccountId": line.project} if line.project is not None else {}
        yield "Usage", f"{line.kind} by {line.model}", grain, line.amount
    for adjusted in read.adjustments:
        category = CATEGORIES.get(adjusted.what, "Usage")
        grain = {"ResourceId": adjusted.operation} if adjusted.operation else {}
        yield category, adjusted.what, grain, adjusted.amount
    yield "Adjustment", "rounding", {}, read.rounded_total - read.total
