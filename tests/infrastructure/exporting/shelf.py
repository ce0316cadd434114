"""Books of real facts on a real database, to be exported."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from application.keeping.books import BookQuery
from infrastructure.exporting import FORMATS
from infrastructure.exporting.tally import ExportTally
from projections.books import Books

ODD = 'a"b\\c;d|e,f:g%h=i'
"""An account's id with every sign that means something to a reader."""


@dataclass
class Shelf:
    """Books on one real database, exported."""

    books: Books
    end: int

    def export(self, format: str, **changes: Any) -> tuple[str, ExportTally]:
        """An export as text."""
        content, tally = self.export_bytes(format, **changes)
        return content.decode(), tally

    def export_bytes(self, format: str, **changes: Any) -> tuple[bytes, ExportTally]:
        tally = ExportTally(changes.pop("after", 0), changes.pop("upto", self.end), changes.pop("assertions", False))
        chosen = FORMATS[format]
        wanted = BookQuery(**changes, billed_late=chosen.bills)
        read = self.books.read(wanted, 0 if chosen.declares else tally.after, tally.upto)
        pieces: Iterable[str | bytes] = chosen.write(read, tally)
        return b"".join(one if isinstance(one, bytes) else one.encode() for one in pieces), tally
