"""FOCUS files: the columns, nulls and values that the specification names, and our totals, as DuckDB sums them."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pyarrow import parquet

from domain.booking import GoodwillGiven, UsageBooked
from domain.chart import Heading, Side
from domain.wallet import Back
from infrastructure.exporting.focus import AMOUNT, INSTANT, focus_columns
from infrastructure.exporting.tally import ExportTally
from infrastructure.store.database import Database
from projections.books import Books
from tests.domain.examples import (
    APRIL,
    BILLED,
    CENT,
    CHARGED,
    COMPLETED,
    IN_MAY,
    MAY,
    OPERATION,
    RUNNING,
    SETTLED,
    in_may,
    of_operation,
)
from tests.domain.test_closing import CLOSED
from tests.infrastructure.exporting.shelf import Shelf
from tests.infrastructure.exporting.test_invoices import REFUND
from tests.projections.histories import Log

VERSIONS = ("1.2", "1.4")
MANDATORY = """BilledCost BillingAccountId BillingAccountName BillingCurrency BillingPeriodStart BillingPeriodEnd
    ChargeCategory ChargeClass ChargeDescription ChargePeriodStart ChargePeriodEnd ContractedCost EffectiveCost
    InvoiceIssuerName ListCost PricingQuantity PricingUnit ServiceCategory ServiceName""".split()
OF_VERSION = {"1.2": ["ProviderName", "PublisherName"], "1.4": ["ServiceProviderName", "HostProviderName"]}
NULLABLE = {"BillingAccountName", "ChargeClass", "ChargeDescription", "PricingQuantity", "PricingUnit"}
"""Of the mandatory columns, those that may be null."""
ALLOWED = {
    "ChargeCategory": {"Usage", "Purchase", "Tax", "Credit", "Adjustment"},
    "ChargeClass": {"", "Correction"},
    "ChargeFrequency": {"One-Time", "Recurring", "Usage-Based"},
    "ServiceCategory": {"AI and Machine Learning"},
    "ServiceSubcategory": {"Generative AI"},
}
"""Facts of FOCUS 1.2 and 1.4, by the FinOps Foundation."""


def rows_of(shelf: Shelf, version: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(shelf.export(f"focus-{version}")[0])))


def costs(tally: ExportTally) -> dict[str, tuple[int, int]]:
    """By currency, what is billed and what is effective, from our own balances."""
    billed: Counter[str] = Counter()
    effective: Counter[str] = Counter()
    for (_, one, currency), balance in tally.balances.items():
        if one.heading in (Heading.PAYMENTS, Heading.RECEIVABLE):
            billed[currency] += balance
        if one.side is Side.INCOME:
            effective[currency] -= balance
    return {currency: (billed[currency], effective[currency]) for currency in sorted(effective)}


@pytest.mark.parametrize("version", VERSIONS)
def test_columns_nulls_and_values_are_the_specifications(shelf: Shelf, version: str) -> None:
    rows = rows_of(shelf, version)
    columns = set(rows[0])
    assert {*MANDATORY, *OF_VERSION[version]} <= columns
    assert not {*OF_VERSION["1.4" if version == "1.2" else "1.2"]} & columns
    for row in rows:
        assert all(row[name] for name in (*MANDATORY, *OF_VERSION[version]) if name not in NULLABLE)
        assert all(row[name] in allowed for name, allowed in ALLOWED.items())
        check_row(row)
        for name, kind in focus_columns(version).items():
            if kind == AMOUNT and row[name]:
                assert re.fullmatch(r"-?\d+\.\d{6}", row[name])
            if kind == INSTANT:
                assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row[name])
    assert {row["ChargeCategory"] for row in rows} == {"Usage", "Purchase", "Credit", "Adjustment"}
    assert {row["ChargeClass"] for row in rows} == {"", "Correction"}


def check_row(row: dict[str, str]) -> None:
    """What holds between columns."""
    assert row["BillingPeriodStart"] < row["BillingPeriodEnd"]
    assert row["ChargePeriodStart"] < row["ChargePeriodEnd"]
    assert json.loads(row["Tags"]) == {}
    quantities = [bool(row[name]) for name in ("PricingQuantity", "PricingUnit")]
    assert quantities == [row["ChargeClass"] != "Correction"] * 2
    assert bool(row["ConsumedQuantity"]) == (row["ChargeCategory"] == "Usage" and row["ChargeClass"] == "")
    assert (row["ChargeFrequency"] == "Usage-Based") == (row["ChargeCategory"] == "Usage")
    assert bool(row["SkuId"])
    if row["ChargeCategory"] == "Purchase" and row["ChargeFrequency"] == "One-Time":
        assert Decimal(row["EffectiveCost"]) == 0 < Decimal(row["BilledCost"])
    if row["ChargeClass"] == "Correction":
        assert row["ChargePeriodStart"] < row["BillingPeriodStart"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["List", "Contracted"])
def test_a_unit_price_times_its_quantity_is_the_cost(shelf: Shelf, version: str, name: str) -> None:
    """Of what is used it is left out only if no single one would be exact."""
    rows = rows_of(shelf, version)
    priced = [row for row in rows if row[f"{name}UnitPrice"]]
    for row in priced:
        assert re.fullmatch(r"-?\d+\.\d{12}", row[f"{name}UnitPrice"])
        assert Decimal(row[f"{name}UnitPrice"]) * Decimal(row["PricingQuantity"]) == Decimal(row[f"{name}Cost"])
    for row in rows:
        if row not in priced and row["ChargeClass"] == "" and Decimal(row["PricingQuantity"]):
            rate = Decimal(row[f"{name}Cost"]) / Decimal(row["PricingQuantity"])
            assert rate != rate.quantize(Decimal("1E-12"))
    assert len(priced) > 20


@pytest.mark.parametrize("version", VERSIONS)
def test_duckdb_sums_the_parquet_to_our_totals(shelf: Shelf, version: str, tmp_path: Path) -> None:
    content, tally = shelf.export_bytes(f"focus-{version}-parquet")
    file = tmp_path / "focus.parquet"
    file.write_bytes(content)
    asked: Any = duckdb.sql(
        "SELECT BillingCurrency, sum(BilledCost), sum(EffectiveCost), typeof(any_value(BilledCost)),"
        f" typeof(any_value(BillingAccountId)) FROM '{file}' GROUP BY ALL ORDER BY ALL"
    )
    found = asked.fetchall()
    assert {row[0]: (int(row[1].scaleb(6)), int(row[2].scaleb(6))) for row in found} == costs(tally)
    assert {row[3:] for row in found} == {("DECIMAL(38,6)", "VARCHAR")}
    assert len(costs(tally)) == 3


@pytest.mark.parametrize("version", VERSIONS)
def test_both_files_have_the_same_rows(shelf: Shelf, version: str, tmp_path: Path) -> None:
    file = tmp_path / "focus.parquet"
    file.write_bytes(shelf.export_bytes(f"focus-{version}-parquet")[0])
    table: Any = parquet.read_table(file)
    assert table.num_rows == len(rows := rows_of(shelf, version)) == 202
    for name in ("BilledCost", "EffectiveCost", "PricingQuantity"):
        assert [str(one.as_py()) if one.is_valid else "" for one in table[name]] == [row[name] for row in rows]
    for name in ("BillingAccountId", "ResourceId", "ChargeClass"):
        armed = [one.as_py() or "" for one in table[name]]
        assert [one.removeprefix("'") for one in armed] == [row[name].removeprefix("'") for row in rows]
    assert str(table.schema.field("ChargePeriodStart").type) == "timestamp[us, tz=UTC]"


def test_parts_of_parquet_have_the_rows_of_the_whole(shelf: Shelf, tmp_path: Path) -> None:
    middle = shelf.end // 2
    for number, part in enumerate(({"upto": middle}, {"after": middle}, {})):
        (tmp_path / f"{number}.parquet").write_bytes(shelf.export_bytes("focus-1.4-parquet", **part)[0])
    first, second, whole = (parquet.read_table(tmp_path / f"{number}.parquet") for number in range(3))
    assert [*first["x_Position"].to_pylist(), *second["x_Position"].to_pylist()] == whole["x_Position"].to_pylist()
    assert first.num_rows > 0 < second.num_rows


def test_nothing_makes_a_file_without_rows(shelf: Shelf, tmp_path: Path) -> None:
    file = tmp_path / "none.parquet"
    file.write_bytes(shelf.export_bytes("focus-1.4-parquet", account="nobody")[0])
    table: Any = parquet.read_table(file)
    assert (table.num_rows, table.column_names) == (0, [*focus_columns("1.4")])


@pytest.fixture
def corrected(sqlite_template: Path, tmp_path: Path) -> Iterator[Shelf]:
    """An operation that ends when its period is closed, and goodwill for that period."""
    file = shutil.copy(sqlite_template, tmp_path / "ledger.db")
    late = (Decimal(4), 40 * CENT, 30 * CENT, "USD")
    with closing(Database(f"sqlite:///{file}")) as database:
        log = Log(database)
        log.record(
            [
                *(
                    *BILLED,
                    *SETTLED,
                    *of_operation("late", *RUNNING),
                    in_may(),
                    replace(CLOSED, opening=None, closing=None),
                ),
                *of_operation("late", replace(COMPLETED, at=IN_MAY), replace(CHARGED, at=IN_MAY)),
                UsageBooked("acme", IN_MAY, MAY, replace(OPERATION, id="late"), 4, "image", *late),
                GoodwillGiven("acme", IN_MAY, MAY, APRIL, 7 * CENT, "USD", "an outage", "g-1"),
            ]
        )
        yield Shelf(Books(database, log.source), log.reader.end())


def test_late_usage_is_a_correction_in_the_period_that_bills_it(corrected: Shelf) -> None:
    rows = rows_of(corrected, "1.4")
    assert [(row["ChargeCategory"], row["ChargeClass"], row["BillingPeriodStart"][:7]) for row in rows] == [
        ("Usage", "", "2026-04"),
        ("Usage", "Correction", "2026-05"),
        ("Credit", "Correction", "2026-05"),
    ]
    assert [row["ChargePeriodStart"][:10] for row in rows] == ["2026-04-10", "2026-04-10", "2026-04-01"]
    assert [row["BilledCost"] for row in rows] == ["0.400000", "0.400000", "-0.070000"]
    _, tally = corrected.export("focus-1.4")
    assert sum(int(Decimal(row["EffectiveCost"]).scaleb(6)) for row in rows) == costs(tally)["USD"][1]
    assert tally == corrected.export("csv")[1]


@pytest.mark.parametrize("source", ["allowance", "promotional"])
def test_a_refund_to_a_grant_that_is_over_is_no_less_effective_use(
    sqlite_template: Path, tmp_path: Path, source: str
) -> None:
    back = (Back("gone", source, 3 * CENT, "lapsed"),)
    refund = replace(REFUND, price=-5 * CENT, back=back)
    with closing(Database(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'ledger.db')}")) as database:
        log = Log(database)
        log.record([*BILLED, *SETTLED, refund])
        shelf = Shelf(Books(database, log.source), log.reader.end())
        charge, correction = rows_of(shelf, "1.4")
        told = [correction[name] for name in ("EffectiveCost", "BilledCost", "ContractedCost")]
        assert told == ["-0.020000", "-0.020000", "-0.050000"]
        effective = sum(int(Decimal(row["EffectiveCost"]).scaleb(6)) for row in (charge, correction))
        assert effective == costs(shelf.export("focus-1.4")[1])["USD"][1]


def test_a_part_that_begins_between_a_late_charge_and_its_bill_tells_it_once(corrected: Shelf) -> None:
    whole = rows_of(corrected, "1.4")
    for middle in range(corrected.end + 1):
        parts = [
            row
            for part in ({"upto": middle}, {"after": middle})
            for row in csv.DictReader(StringIO(corrected.export("focus-1.4", **part)[0]))
        ]
        assert parts == whole
