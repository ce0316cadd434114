"""Texts of files that somebody names: settings, catalogues, plans, proofs; never more than there is memory for."""

from __future__ import annotations

import errno
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Final

MEBIBYTE: Final = 1 << 20
LONGEST: Final = 64 * MEBIBYTE
"""Bytes; what somebody writes has a thousandth of them, and a device never ends."""


def text_in(file: Path) -> str:
    """A file's text in UTF-8. Raises OSError for what cannot be read, or is longer; UnicodeDecodeError."""
    with file.open("rb") as stream:
        content = stream.read(LONGEST + 1)
    if len(content) > LONGEST:
        raise OSError(errno.EFBIG, f"has more than {LONGEST // MEBIBYTE} MiB", str(file))
    return TextIOWrapper(BytesIO(content), encoding="utf-8").read()
