"""Tasks as multipart forms (RFC 7578), for the APIs that take them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from application.ports import Media, Value
from domain.inputs import plain
from infrastructure.media import extension

Part = tuple[str, tuple[str | None, bytes] | tuple[str | None, bytes, str]]


def text_part(name: str, value: Value) -> Part:
    """A field: numbers in plain notation, flags as true and false."""
    return name, (None, as_text(value).encode())


def file_parts(name: str, files: tuple[Media, ...]) -> Iterator[Part]:
    """One part a file, under the same name; what a file is called says its number and type, and nothing else."""
    for number, file in enumerate(files, start=1):
        yield name, (f"{number}.{extension(file.media_type)}", file.content, file.media_type)


def as_text(value: Value) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            return plain(value)
    return str(value)
