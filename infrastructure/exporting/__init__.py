"""Exports of the books: one file a format, each a function from what was booked to text, as it is read.

facts with their postings ── a format ── text, in pieces ── a file, or stdout

All formats are told the same facts, and so have the same totals, to the micro-unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from application.keeping.books import Booked
from infrastructure.exporting.beancount import beancount
from infrastructure.exporting.hledger import hledger
from infrastructure.exporting.rows import csv_rows, json_rows
from infrastructure.exporting.tally import ExportTally

Text = Iterator[str]


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """How it is written; `declares` if what was named before has to be known, also of facts that are left out."""

    write: Callable[[Iterable[Booked], ExportTally], Text]
    declares: bool = False


FORMATS: Mapping[str, ExportFormat] = {
    "beancount": ExportFormat(beancount, declares=True),
    "csv": ExportFormat(csv_rows),
    "hledger": ExportFormat(hledger, declares=True),
    "json": ExportFormat(json_rows),
}
