"""A segment: some thousand facts of closed periods, in the order of the log, as one compressed file.

    {"form": 1, "ledger": …, "before": {stream: the hash before its first fact here}}       the first line
    [position, stream, version, name, operation, actor, state]                              a line each fact, whole

Hashes are not in it: they are worked out from the one before, as each covers all that stands in a line. So a segment
that reads to the hashes at its ends is what was written.
"""

from __future__ import annotations

import lzma
from base64 import b64decode, b64encode
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final, NamedTuple

import msgspec

from application.ledger.log import link_hash
from domain.advice import Advice
from domain.errors import LogCorrupted

FORM: Final = 1
PRESET: Final = 3
"""Of compression: a third smaller than the quickest, and a fifth of the time of the smallest."""

_Line = tuple[int, str, int, str, str | None, str, str]
_lines = msgspec.json.Decoder(_Line)
_encoder = msgspec.json.Encoder()


class SegmentRow(NamedTuple):
    """A fact as the log has it, in the order of its columns, with a whole state."""

    position: int
    stream: str
    version: int
    topic: str
    operation: str | None
    actor: str
    state: str
    hash: bytes


class _Head(msgspec.Struct):
    """The first line."""

    form: int
    ledger: str
    before: dict[str, str]


class Segment:
    """The facts of a segment, in memory, found by position, stream and operation."""

    def __init__(self, rows: Sequence[SegmentRow]) -> None:
        self.rows = rows
        self._positions = [row.position for row in rows]

    def between(self, after: int, upto: int) -> Sequence[SegmentRow]:
        """Those above one position, up to another."""
        return self.rows[bisect_right(self._positions, after) : bisect_right(self._positions, upto)]

    @cached_property
    def by_stream(self) -> Mapping[str, Sequence[SegmentRow]]:
        found: defaultdict[str, list[SegmentRow]] = defaultdict(list)
        for row in self.rows:
            found[row.stream].append(row)
        return found

    def stretch(self, stream: str, above: int, upto: int) -> Sequence[SegmentRow]:
        """The facts of a stream above one version, up to another; its versions here have no holes."""
        rows = self.by_stream.get(stream, ())
        before = rows[0].version - 1 if rows else 0
        return rows[max(0, above - before) : max(0, upto - before)]

    @cached_property
    def by_operation(self) -> Mapping[str, Sequence[SegmentRow]]:
        found: defaultdict[str, list[SegmentRow]] = defaultdict(list)
        for row in self.rows:
            if row.operation is not None:
                found[row.operation].append(row)
        return found


def encode_segment(ledger: str, rows: Sequence[SegmentRow], before: Mapping[str, bytes]) -> bytes:
    """The bytes of a file that holds these rows; `before` is the hash before the first of each stream."""
    head = _Head(FORM, ledger, {stream: b64encode(hash).decode() for stream, hash in before.items()})
    lines = _encoder.encode_lines([head, *(row[:7] for row in rows)])
    return lzma.compress(lines, preset=PRESET)


def decode_segment(name: str, content: bytes, ledger: str) -> Segment:
    """The rows again, with their hashes. Raises LogCorrupted, naming the segment."""
    try:
        first, _, rest = lzma.decompress(content).partition(b"\n")
        head = msgspec.json.decode(first, type=_Head)
        if head.form != FORM or head.ledger != ledger:
            raise damaged(name, f"is of form {head.form} and of the ledger {head.ledger}, and not of {ledger}")
        before = {stream: b64decode(hash, validate=True) for stream, hash in head.before.items()}
        return Segment([*_chained(_lines.decode_lines(rest), before)])
    except (lzma.LZMAError, EOFError, msgspec.MsgspecError, ValueError, LookupError) as error:
        raise damaged(name, f"cannot be read: {error}") from error


def _chained(lines: Sequence[_Line], ends: dict[str, bytes]) -> Iterator[SegmentRow]:
    for line in lines:
        _, stream, version, topic, operation, actor, state = line
        ends[stream] = link_hash(ends[stream], stream, version, topic, operation, actor, state.encode())
        yield SegmentRow(*line, ends[stream])


def damaged(name: str, what: str) -> LogCorrupted:
    """The error that whoever needs a segment is told."""
    return LogCorrupted(f"segment {name} of the archive {what}", hint=Advice("archive.restore"))
