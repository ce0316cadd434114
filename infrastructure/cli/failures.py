"""Failures, each as one message with a hint on stderr, and as one exit code; a traceback is nobody's answer."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import TextIO

import typer

from domain.errors import ImageStudioError, NoLedger, OperationError, OperationRefused, UnknownAccount
from domain.meaning import Kind
from infrastructure.showing.codes import EXIT_CODES, OTHER

INTERRUPTED, UNREAD = 130, 141
NO_FIELDS: Mapping[str, object] = MappingProxyType({})


class Failure:
    """One message for people, one object for programs."""

    def __init__(self, code: str, message: str, hint: str = "", fields: Mapping[str, object] = NO_FIELDS) -> None:
        self.code, self.message, self.hint, self.fields = code, message, hint, fields

    def write(self, *, as_json: bool) -> None:
        if as_json:
            error = {"code": self.code, "message": self.message, "hint": self.hint, **self.fields}
            text = json.dumps({"error": error}, ensure_ascii=False)
        else:
            text = f"error: {self.message}" + (f"\n hint: {self.hint}" if self.hint else "")
        note(text)


def note(text: str) -> None:
    """A line on stderr; that nobody listens there is no reason to fail."""
    try:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    except OSError:
        silence(sys.stderr)


def guarded(run: Callable[[], object], arguments: Sequence[str]) -> int:
    """The exit code of a command, whatever becomes of it; what goes wrong is told on stderr."""
    as_json = "--json" in arguments
    sys.excepthook = lambda *raised: _unexpected(*raised, as_json=as_json)
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.CRITICAL if as_json else logging.WARNING)
    return _judged(run, arguments, as_json=as_json)


def _judged(run: Callable[[], object], arguments: Sequence[str], *, as_json: bool) -> int:
    try:
        code = run()
    except ImageStudioError as error:
        _failure_of(error, arguments).write(as_json=as_json)
        return EXIT_CODES[error.kind]
    except typer.TyperException as error:
        Failure("usage", _sentence(error.format_message()), _help_of(error)).write(as_json=as_json)
        return error.exit_code
    except typer.Abort:
        note("nothing was done")
        return OTHER
    except KeyboardInterrupt:
        code = INTERRUPTED
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        Failure("io", f"{where}{error.strerror or error}", "is there space, and may you write there?").write(
            as_json=as_json
        )
        return EXIT_CODES[Kind.BROKEN]
    if code == INTERRUPTED:
        Failure("interrupted", "interrupted").write(as_json=as_json)
    return code if isinstance(code, int) else 0


def _failure_of(error: ImageStudioError, arguments: Sequence[str]) -> Failure:
    from infrastructure.showing.hints import in_shell

    hint = in_shell(error.advice)
    database = _option(arguments, "--db")
    if isinstance(error, UnknownAccount | NoLedger) and database is not None:
        hint += f" --db {_without_password(database)}"
    return Failure(error.code, error.message, hint, _fields_of(error))


def _fields_of(error: ImageStudioError) -> dict[str, object]:
    """The fields that a program reads beside the message: the operation, and of a refusal its rule and figures."""
    from infrastructure.showing.refusals import refusal_document

    fields: dict[str, object] = {"operation": error.operation} if isinstance(error, OperationError) else {}
    return fields | refusal_document(error.refusal) if isinstance(error, OperationRefused) else fields


def _option(arguments: Sequence[str], name: str) -> str | None:
    """The value of an option as it was written, wherever it stands."""
    for place, word in enumerate(arguments):
        if word == name and place + 1 < len(arguments):
            return arguments[place + 1]
        if word.startswith(f"{name}="):
            return word.removeprefix(f"{name}=")
    return None


def _without_password(url: str) -> str:
    scheme, found, rest = url.partition("://")
    login, at, place = rest.rpartition("@")
    return f"{scheme}://{login.partition(':')[0]}@{place}" if found and at else url


def _help_of(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f"see: {context.command_path} --help" if context is not None else "see: imagestudio --help"


def _sentence(message: str) -> str:
    """The parser's message in the manner of ours: one line, no capital, no full stop."""
    line = " ".join(message.split()).rstrip(".")
    return line[:1].lower() + line[1:]


def silence(stream: TextIO) -> None:
    """Nobody reads it any more: let the interpreter flush what is left into nothing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _unexpected(kind: type[BaseException], error: BaseException, trace: TracebackType | None, *, as_json: bool) -> None:
    """The outermost hook: a defect, in one line with its place; the whole trace in Python's development mode."""
    if sys.flags.dev_mode:
        sys.__excepthook__(kind, error, trace)
        return
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" ({Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})" if trace is not None else ""
    hint = "this is a defect of the program; PYTHONDEVMODE=1 shows where it is"
    Failure("defect", f"{kind.__name__}: {error}{where}", hint).write(as_json=as_json)
