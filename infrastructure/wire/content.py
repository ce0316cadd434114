"""Content that travels: JSON with exact numbers, files as data URIs, amounts in micro-units, words safe to show."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import msgspec

from application.ports import Media, Task

MICROS: Final = 1_000_000
AT_ONCE: Final = 768 * 1024
"""Bytes or characters converted in one go, a few milliseconds in which no other thread runs; whole groups of both."""
MOST_COUNTED: Final = 10**9
"""Of one thing in one call, such as tokens; more is no count."""
LONGEST_MESSAGE: Final = 200
LONGEST_READ: Final = 2_000
_WIDEST_AMOUNT: Final = 12
_NUMBER: Final = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,18})?")
_DATA_URI: Final = re.compile(r"data:([a-z0-9.+-]+/[a-z0-9.+-]+)?((?:;[^;,]*)*),", re.IGNORECASE)
_ENDLESS: Final = re.compile(r"data:[^\s\"']{64,}|[A-Za-z0-9+/=_-]{64,}")
_QUERY: Final = re.compile(r"(https?://[^\s?\"']+)\?[^\s\"']+")
_PLAIN_WORD: Final = re.compile(r"[A-Za-z0-9_.:*/-]{1,24}")

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)


def encode_json(value: object) -> bytes:
    """JSON in which a Decimal is the very number that it is."""
    return _ENCODER.encode(value)


def count_of(value: object) -> int | None:
    """A count as a number of JSON, which may be written 20.0; None for whatever is none."""
    if not isinstance(value, int | Decimal) or isinstance(value, bool):
        return None
    return int(value) if 0 <= value <= MOST_COUNTED and value == int(value) else None


def decode_json(content: bytes) -> Any:
    """The value, every number that is not whole a Decimal. Raises ValueError for all that is no JSON."""
    try:
        return _DECODER.decode(content)
    except RecursionError as error:
        raise ValueError("JSON is nested too deeply") from error
    except ArithmeticError as error:
        raise ValueError("a number in the JSON is beyond all bounds") from error


def micros(amount: object) -> int | None:
    """An amount of dollars, as it stands in a reply, in micro-units, rounded half-even once; None where it is none."""
    if isinstance(amount, str) and _NUMBER.fullmatch(amount.strip()):
        amount = Decimal(amount.strip())
    if isinstance(amount, int) and not isinstance(amount, bool):
        amount = Decimal(amount)
    if not isinstance(amount, Decimal) or not amount.is_finite():
        return None
    if amount < 0 or (amount and amount.adjusted() >= _WIDEST_AMOUNT):
        return None
    try:
        return int((amount * MICROS).to_integral_value())
    except InvalidOperation:
        return None


def encode_base64(content: bytes) -> str:
    """The bytes as text (RFC 4648, 4). Blocking for large ones, but never other threads for long."""
    pieces = [content[start : start + AT_ONCE] for start in range(0, len(content), AT_ONCE)]
    return "".join(base64.b64encode(piece).decode() for piece in pieces)


def decode_base64(text: str) -> bytes:
    """The bytes that the text stands for alone (RFC 4648, 4). Large ones block, but never other threads for long.

    Raises ValueError: also for "=" beyond a whole group of four, which Python's decoder lets pass.
    """
    if len(text) % 4:
        raise ValueError("the text ends within a group of four characters")
    pieces = [text[start : start + AT_ONCE] for start in range(0, len(text), AT_ONCE)]
    if any(piece[-1] == "=" for piece in pieces[:-1]):
        raise ValueError("padding stands within the text")
    return b"".join(base64.b64decode(piece, validate=True) for piece in pieces)


def data_uri(media: Media) -> str:
    """The file as text (RFC 2397)."""
    return f"data:{media.media_type};base64,{encode_base64(media.content)}"


def read_data_uri(text: str) -> Media | None:
    """The file that a data URI holds, under the type that it claims; None where `text` is no readable data URI."""
    head = _DATA_URI.match(text)
    if head is None:
        return None
    encoded = text[head.end() :]
    try:
        if ";base64" in head[2].lower():
            content = decode_base64(encoded)
        else:
            content = unquote_to_bytes(encoded)
    except ValueError:
        return None
    return Media(content, (head[1] or "text/plain").lower())


def private_texts(task: Task) -> tuple[str, ...]:
    """The inputs of a task that must not be told on: its texts, but not plain words such as a size or a format."""
    texts = [value for value in task.inputs.values() if isinstance(value, str) and value.strip()]
    return tuple(text for text in texts if not _PLAIN_WORD.fullmatch(text))


def told_by_provider(words: object, hidden: Iterable[str] = ()) -> str:
    """A provider's words in one short line, without `hidden` texts, files, and what stands behind a "?" of an address.

    Empty where they are no words.
    """
    if not isinstance(words, str):
        return ""
    secrets = sorted(filter(None, hidden), key=len, reverse=True)
    if len(words) > LONGEST_READ:  # without what the cut may have left of a secret
        words = words[: LONGEST_READ + len(secrets[0])] if secrets else words[:LONGEST_READ]
    for secret in secrets:
        words = words.replace(secret, "…")
    words = words[:LONGEST_READ]
    words = _QUERY.sub(r"\1", words)
    words = _ENDLESS.sub("…", words)
    words = " ".join("".join(sign if sign.isprintable() else " " for sign in words).split())
    return words if len(words) <= LONGEST_MESSAGE else f"{words[:LONGEST_MESSAGE]}…"
