"""Exports of the books: one file a format, each a function from what was booked to its text, as it is read.

facts with their postings ── a format ── pieces of text or bytes ── a file, or stdout

All formats are told the same facts, and so have the same totals, to the micro-unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from application.keeping.books import Booked
from infrastructure.exporting.beancount import beancount
from infrastructure.exporting.focus import focus_csv
from infrastructure.exporting.hledger import hledger
from infrastructure.exporting.metering import cloudevents, stripe, stripe_net
from infrastructure.exporting.parquet import focus_parquet
from infrastructure.exporting.rows import csv_rows, json_rows
from infrastructure.exporting.tally import ExportTally

Pieces = Iterator[str] | Iterator[bytes]


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """How it is written, as text or in `binary`.

    It `bills` if it is told what is billed late, too; it `declares` if it has to know what was named before, also by
    facts that are left out.
    """

    write: Callable[[Iterable[Booked], ExportTally], Pieces]
    declares: bool = False
    binary: bool = False
    bills: bool = False


FORMATS: Mapping[str, ExportFormat] = {
    "beancount": ExportFormat(beancount, declares=True),
    "cloudevents": ExportFormat(cloudevents),
    "csv": ExportFormat(csv_rows),
    "focus-1.2": ExportFormat(focus_csv("1.2"), bills=True),
    "focus-1.2-parquet": ExportFormat(focus_parquet("1.2"), binary=True, bills=True),
    "focus-1.4": ExportFormat(focus_csv("1.4"), bills=True),
    "focus-1.4-parquet": ExportFormat(focus_parquet("1.4"), binary=True, bills=True),
    "hledger": ExportFormat(hledger, declares=True),
    "json": ExportFormat(json_rows),
    "stripe": ExportFormat(stripe),
    "stripe-net": ExportFormat(stripe_net),
}
