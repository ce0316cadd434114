"""FOCUS as Parquet: decimals of one scale, instants with their zone, and text that stays text, whatever is in it.

rows ── ten thousand at a time ── a row group ── bytes
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from application.keeping.books import Booked
from domain.errors import PluginError
from infrastructure.exporting.focus import AMOUNT, INSTANT, UNIT_PRICE, Row, focus_columns, focus_row
from infrastructure.exporting.tally import ExportTally

if TYPE_CHECKING:
    import pyarrow as pa

GROUP: Final = 10_000


class _Pieces:
    """A file that is only written, and handed on piece by piece."""

    closed = False

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def taken(self) -> bytes:
        taken = bytes(self._written)
        self._written.clear()
        return taken


def focus_parquet(version: str) -> Callable[[Iterable[Booked], ExportTally], Iterator[bytes]]:
    """Writes a version as Parquet. Raises PluginError if pyarrow is not installed."""
    return partial(_parquet, version)


def _parquet(version: str, booked: Iterable[Booked], tally: ExportTally) -> Iterator[bytes]:
    found = (focus_row(one, version) for one in tally.each(booked))
    return rows_as_parquet(focus_columns(version), (row for row in found if row is not None))


def rows_as_parquet(columns: Mapping[str, str], rows: Iterator[Row]) -> Iterator[bytes]:
    """A file of rows with these columns, by name and type. Raises PluginError if pyarrow is not installed."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        told = "Parquet is written by pyarrow, which is not installed"
        raise PluginError(told, hint="pip install 'image-studio[parquet]'") from error
    schema, pieces = _schema(pa, columns), _Pieces()
    with parquet.ParquetWriter(pieces, schema) as writer:
        while group := list(islice(rows, GROUP)):
            writer.write_table(_table(pa, schema, group))
            yield pieces.taken()
    yield pieces.taken()


def _schema(arrow: Any, columns: Mapping[str, str]) -> pa.Schema:
    decimals = {AMOUNT: arrow.decimal128(38, 6), UNIT_PRICE: arrow.decimal128(38, 12)}
    kinds = {**decimals, INSTANT: arrow.timestamp("us", tz="UTC")}
    return arrow.schema([(name, kinds.get(kind, arrow.string())) for name, kind in columns.items()])


def _table(arrow: Any, schema: pa.Schema, rows: list[Row]) -> pa.Table:
    columns = [arrow.array([_value(field, row[field.name]) for row in rows], field.type) for field in schema]
    return arrow.Table.from_arrays(columns, schema=schema)


def _value(field: Any, value: str | int | None) -> Any:
    """An amount as the decimal that it is: its digits are the millionths, of a unit price a millionth of these."""
    if value is None or not str(field.type).startswith("decimal"):
        return value
    return Decimal(value).scaleb(-field.type.scale)
