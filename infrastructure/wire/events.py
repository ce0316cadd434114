"""Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), read as they come."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_END: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_LINE: Final = re.compile(rb"\r\n|\n|\r")


class EventReader:
    """Pieces in, the data of whole events out; names and comments are left aside."""

    def __init__(self) -> None:
        self._left = b""

    def read(self, piece: bytes) -> Iterator[bytes]:
        """The data of each event that this piece ends."""
        self._left += piece
        *whole, self._left = _END.split(self._left)
        for event in whole:
            if data := _data(event):
                yield data


def _data(event: bytes) -> bytes:
    lines = [line for line in _LINE.split(event) if line.startswith(b"data:")]
    return b"\n".join(line.removeprefix(b"data:").removeprefix(b" ") for line in lines)
