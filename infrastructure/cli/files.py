"""Files that a command writes for others to read: whole, or as they were; or stdout, in the place of a file.

If a command's data went to stdout, it says nothing else there (`commands`), so that the data are whole.
"""

from __future__ import annotations

import errno
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, Final, TextIO

from domain.errors import ImageStudioError, InvalidInput, StoreError
from infrastructure.texts import text_in

EXHAUSTED: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""The path is right, and the disk behind it takes no more."""


@dataclass(slots=True)
class Stdout:
    """Whether a command's data went to stdout."""

    taken: bool = False


_STDOUT: ContextVar[Stdout | None] = ContextVar("stdout", default=None)


@contextmanager
def watching_stdout() -> Iterator[Stdout]:
    """Meanwhile it is noticed if a file that is named is stdout."""
    watched = Stdout()
    token = _STDOUT.set(watched)
    try:
        yield watched
    finally:
        _STDOUT.reset(token)


def is_stdout(file: Path) -> bool:
    """Whether a file is what stdout goes to: named -, or the same by any path, but for the null device."""
    if str(file) == "-":
        return True
    try:
        found = file.stat()
        return os.path.samestat(found, os.fstat(sys.stdout.fileno())) and not os.path.samestat(
            found, Path(os.devnull).stat()
        )
    except (OSError, ValueError):  # nothing is there, or stdout is no file
        return False


@contextmanager
def _on_stdout() -> Iterator[BinaryIO]:
    if (watched := _STDOUT.get()) is not None:
        watched.taken = True
    sys.stdout.flush()
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()


class DiskFull(StoreError):
    """There was no space for a file, whose path is right."""

    code = "io"


@contextmanager
def replacing(file: Path | None, option: str = "--csv") -> Iterator[TextIO | None]:
    """An option's new file of text, if there is one, as `replacing_whole` writes it."""
    if file is None:
        yield None
        return
    with replacing_whole(file, option) as raw:
        stream = TextIOWrapper(raw, encoding="utf-8", newline="")
        try:
            yield stream
            stream.flush()
        finally:
            with suppress(OSError):
                stream.detach()


@contextmanager
def replacing_whole(file: Path, option: str) -> Iterator[BinaryIO]:
    """An option's new file, in place of the old one when it is complete, on disk; until then nobody sees it.

    Of a link it is the file that it leads to; a device, a pipe and stdout, by any name, stay and are written to as it
    comes. It is opened before anything else is done. Raises InvalidInput if it cannot be written, DiskFull.
    """
    if is_stdout(file):
        with _on_stdout() as stream:
            yield stream
        return
    if file.is_dir():
        raise InvalidInput(option, f"{file} is a folder", hint="give the path of a file")
    target = file if _stays(file) else Path(os.path.realpath(file))
    written = target if _stays(file) else target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with written.open("wb" if written == target else "xb") as stream:
            yield stream
            stream.flush()
            if written != target:
                os.fsync(stream.fileno())
        if written != target:
            written.replace(target)
    except OSError as error:
        if error.filename not in (None, str(written)):
            raise
        raise not_written(error, file, option) from error
    finally:
        if written != target:
            with suppress(FileNotFoundError, NotADirectoryError):
                written.unlink()


def _stays(file: Path) -> bool:
    """Whether it is a device or a pipe, which nothing may take the place of."""
    return file.exists() and not file.is_file()


def write_new(file: Path, text: str, option: str) -> None:
    """An option's new file, whole or not at all. Raises InvalidInput if it is there, or cannot be written; DiskFull."""
    try:
        with file.open("x", encoding="utf-8") as stream:
            try:
                stream.write(text)
                stream.flush()
            except OSError:
                file.unlink()
                raise
    except FileExistsError as error:
        raise InvalidInput(option, f"{file} is there already", hint="name a new file") from error
    except OSError as error:
        raise not_written(error, file, option) from error


def not_written(error: OSError, file: Path, option: str, hint: str = "") -> ImageStudioError:
    """The error of a file that an option names: a full disk is no mistake of whoever named it."""
    told = f"{file} cannot be written: {error.strerror or error}"
    if error.errno in EXHAUSTED:
        return DiskFull(f"{option}: {told}", hint=hint or "free some space, or name another place")
    return InvalidInput(option, told, hint=hint or "name a file in a folder that you may write to")


def handed_text(file: Path, name: str = "FILE") -> str:
    """The text of a file that an argument or an option names. Raises InvalidInput if it cannot be read."""
    try:
        return text_in(file)
    except OSError as error:
        raise InvalidInput(name, f"{file} cannot be read: {error.strerror}", hint="name a file of text") from error
    except UnicodeError as error:
        raise InvalidInput(name, f"{file} is not a text in UTF-8", hint="name another file") from error
