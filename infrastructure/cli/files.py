"""Files that a command writes for others to read: whole, or as they were."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

from domain.errors import InvalidInput


@contextmanager
def replacing(file: Path | None, option: str = "--csv") -> Iterator[TextIO | None]:
    """An option's new file, in place of the old one when it is complete, on disk; until then nobody sees it.

    It is opened before anything else is done. Raises InvalidInput if it cannot be written.
    """
    if file is None:
        yield None
        return
    if file.is_dir():
        raise InvalidInput(option, f"{file} is a folder", hint="give the path of a file")
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        stream = temporary.open("x", encoding="utf-8", newline="")
    except OSError as error:
        raise InvalidInput(option, f"{file} cannot be written: {error.strerror}") from error
    try:
        with stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_whole(file: Path, option: str) -> Iterator[BinaryIO]:
    """A new file of bytes, in the place of an old one once it is whole, on disk. Raises InvalidInput of the option."""
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        if file.is_dir():
            raise InvalidInput(option, f"{file} is a folder", hint="give the path of a file")
        with temporary.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(file)
    except OSError as error:
        raise InvalidInput(option, f"{file} cannot be written: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_new(file: Path, text: str, option: str) -> None:
    """An option's new file. Raises InvalidInput if it is there, or cannot be written."""
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise InvalidInput(option, f"{file} cannot be written: {error.strerror}") from error


def handed_text(file: Path) -> str:
    """The text of a file that somebody handed on. Raises InvalidInput if it cannot be read."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise InvalidInput("FILE", f"{file} cannot be read: {error}") from error
