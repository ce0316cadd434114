"""FOCUS's Invoice Detail: the lines of statements, which come to what each bills."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import duckdb
import pytest

from application.keeping.forms import content_digest, content_of
from application.keeping.statements import BilledPeriod, StatementView
from domain.booking import GoodwillGiven
from domain.ledger import Fact
from domain.operation import Adjusted
from domain.statement import FORM, Statement
from domain.wallet import ChargedBack, GrantGiven
from infrastructure.exporting.invoices import COLUMNS, invoices_csv, invoices_parquet
from infrastructure.exporting.periods import COLUMNS as PERIOD_COLUMNS
from infrastructure.exporting.periods import periods_csv, rows_of_periods
from tests.domain.examples import (
    APRIL,
    BILLED,
    CENT,
    IN_MAY,
    LATER,
    MAY,
    NOON,
    OPERATION,
    PREPAID,
    SETTLED,
    of_operation,
)
from tests.domain.test_closing import CLOSED, statement

REFUND = Adjusted(
    OPERATION, LATER, APRIL, "2026-04-10", price=-CENT - 1, cost=0, currency="USD", reason="sorry", reference="t-1"
)
GIVEN = GoodwillGiven("acme", LATER, APRIL, APRIL, 7 * CENT, "USD", "an outage", "g-1")
USED = (*BILLED, *SETTLED, *of_operation("op-2", *SETTLED), REFUND, GIVEN)


def issued(read: Statement, number: int = 1, replaces: str = "", voided: int | None = None) -> StatementView:
    content = content_of(read, FORM)
    status = "issued" if voided is None else "voided"
    told = (f"acme-{number:04}", IN_MAY, replaces, voided)
    return StatementView(read, content, content_digest(content), status, *told)


def rows(*found: StatementView) -> Sequence[dict[str, str]]:
    return list(csv.DictReader(StringIO("".join(invoices_csv(found)))))


def billed(found: Sequence[dict[str, str]]) -> int:
    return sum(int(Decimal(row["BilledCost"]).scaleb(6)) for row in found)


def test_the_rows_of_a_statement_come_to_its_rounded_total() -> None:
    read = statement(*USED, opening=None)
    found = rows(issued(read))
    assert billed(found) == read.rounded_total == 72 * CENT
    assert [(row["ChargeCategory"], row["InvoiceDetailDescription"], row["BilledCost"]) for row in found] == [
        ("Usage", "text-to-image by painter", "0.800000"),
        ("Usage", "refund", "-0.010001"),
        ("Credit", "goodwill", "-0.070000"),
        ("Adjustment", "rounding", "0.000001"),
    ]
    assert json.loads(found[0]["InvoiceDetailGrain"])["SkuId"] == "painter"
    assert json.loads(found[1]["InvoiceDetailGrain"]) == {"ResourceId": "op-1"}
    assert len({row["InvoiceDetailId"] for row in found}) == len(found)
    nullable = {"PaymentDueDate", "PaymentTerms", "x_VoidReason", "x_VoidedBy"}
    assert all(row[name] for row in found for name in COLUMNS if name not in nullable)


def test_who_pays_beforehand_is_billed_the_payments() -> None:
    facts: Sequence[Fact] = (*PREPAID, *SETTLED)
    found = rows(issued(statement(*facts, opening=0)))
    assert [(row["ChargeCategory"], row["BilledCost"]) for row in found] == [("Purchase", "1.000000")]


@pytest.mark.parametrize(("facts", "opening", "told"), [(PREPAID, 0, 100 * CENT), (BILLED, None, 6 * CENT)])
def test_a_payment_for_a_grant_that_was_taken_back_is_billed_no_more_but_for_what_was_spent(
    facts: Sequence[Fact], opening: int | None, told: int
) -> None:
    given = GrantGiven("acme", LATER, APRIL, "pack", "paid", 10 * CENT, "USD")
    back = ChargedBack("acme", LATER, APRIL, 10 * CENT, "USD", "pack", "disputed", "pack", 4 * CENT)
    assert billed(rows(issued(statement(*facts, given, back, opening=opening)))) == told


def test_a_voided_statement_keeps_its_rows_and_the_next_refers_to_it() -> None:
    read = statement(*USED, opening=None)
    found = rows(issued(read, voided=IN_MAY + 1_000_000), issued(replace(read), 2, "acme-0001"))
    told = {(row["InvoiceId"], row["InvoiceIssueStatus"], row["ReferenceInvoiceId"]) for row in found}
    assert told == {("acme-0001", "Voided", "acme-0001"), ("acme-0002", "Issued", "acme-0001")}
    updated = {row["InvoiceId"]: row["InvoiceDetailLastUpdated"] for row in found}
    assert updated["acme-0001"] > updated["acme-0002"]
    assert len(found) == 8


def test_parquet_has_the_same_rows_and_duckdb_sums_them(tmp_path: Path) -> None:
    read, file = statement(*USED, opening=None), tmp_path / "invoices.parquet"
    file.write_bytes(b"".join(invoices_parquet([issued(read)])))
    asked: Any = duckdb.sql(f"SELECT sum(BilledCost), count(*), typeof(any_value(InvoiceIssueDate)) FROM '{file}'")
    assert asked.fetchall() == [(Decimal("0.720000"), 4, "TIMESTAMP WITH TIME ZONE")]


def test_a_billing_period_is_open_as_long_as_one_accounts_is() -> None:
    closed = replace(CLOSED, at=IN_MAY)
    april = BilledPeriod("2026-04-01", APRIL, "UTC", closed, "", opened=NOON)
    late = replace(april, closing=replace(closed, at=IN_MAY + 1), opened=LATER)
    still = replace(april, closing=None, opened=LATER)
    may = BilledPeriod("2026-05-01", MAY, "UTC", None, "", opened=IN_MAY)
    found = list(csv.DictReader(StringIO("".join(periods_csv([may, april, late])))))
    assert [(row["BillingPeriodStart"], row["BillingPeriodStatus"]) for row in found] == [
        ("2026-04-01T00:00:00Z", "Closed"),
        ("2026-05-01T00:00:00Z", "Open"),
    ]
    assert rows_of_periods([april, late])[0]["BillingPeriodLastUpdated"] == IN_MAY + 1
    assert rows_of_periods([late, april])[0]["BillingPeriodCreated"] == NOON
    assert [row["BillingPeriodStatus"] for row in rows_of_periods([april, still])] == ["Open"]
    assert [row["BillingPeriodStatus"] for row in rows_of_periods([still, april])] == ["Open"]
    assert all(row[name] for row in found for name in PERIOD_COLUMNS)
