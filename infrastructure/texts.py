"""Texts of files that somebody names: settings, catalogues, plans, proofs; never more than there is memory for.

A text in TOML is held against bounds before it is parsed: the parser takes time in the square of a key's parts.
"""

from __future__ import annotations

import errno
import json
import re
import tomllib
from collections.abc import Callable
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any, Final

MEBIBYTE: Final = 1 << 20
LONGEST: Final = 64 * MEBIBYTE
"""Bytes; what somebody writes has a thousandth of them, and a device never ends."""
LONGEST_TOML: Final = 512 * 1024
"""Characters; the largest of our own has forty thousand."""
MOST_PARTS: Final = 32
"""Parts of a key in TOML, as a.b.c has three."""

_PART: Final = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+"""
_DEEP: Final = re.compile(rf"(?<![\w-])(?:{_PART}){{{MOST_PARTS}}}")


def text_in(file: Path) -> str:
    """A file's text in UTF-8. Raises OSError for what cannot be read, or is longer; UnicodeDecodeError."""
    with file.open("rb") as stream:
        content = stream.read(LONGEST + 1)
    if len(content) > LONGEST:
        raise OSError(errno.EFBIG, f"has more than {LONGEST // MEBIBYTE} MiB", str(file))
    return TextIOWrapper(BytesIO(content), encoding="utf-8").read()


def json_of_file(text: str | bytes) -> Any:
    """A text in JSON, as `json.loads`. Raises ValueError, also for what is nested too deeply."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def toml_of(text: str, parse_float: Callable[[str], Any] = float) -> dict[str, Any]:
    """A text in TOML, as `tomllib.loads`. Raises TOMLDecodeError, soon, also for what is too long or too deep."""
    if len(text) > LONGEST_TOML:
        raise tomllib.TOMLDecodeError(f"it has {len(text):,} characters, at most {LONGEST_TOML:,} are read")
    if (deep := _DEEP.search(text)) is not None:
        line = text.count("\n", 0, deep.start()) + 1
        raise tomllib.TOMLDecodeError(f"a name has more than {MOST_PARTS} parts (at line {line})")
    try:
        return tomllib.loads(text, parse_float=parse_float)
    except RecursionError as error:
        raise tomllib.TOMLDecodeError("its values are nested too deeply") from error
    except tomllib.TOMLDecodeError:
        raise
    except ValueError as error:
        raise tomllib.TOMLDecodeError("a number has thousands of digits") from error
