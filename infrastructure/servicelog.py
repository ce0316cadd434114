"""The service log: all that runs in a process of the service tells by the same lines on stderr, one an event.

    2026-11-30T10:00:00.123456Z info  access  POST /v1/images/generations 200  key=key_… operation=0193… ms=812.4
    {"time": "2026-11-30T10:00:00.123456Z", "level": "info", "logger": "access", "event": "POST …", "key": "key_…", …}

Fields are those of our records' `extra`. Of an error its class and its place are told: its words may repeat what was
asked, unless it is one of ours. Of others' loggers the first line alone is, as asyncio's next ones show objects.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from traceback import walk_tb
from typing import Final, TextIO

from domain.errors import ImageStudioError
from infrastructure.settings import Settings

OURS: Final = "imagestudio"
BESIDE: Final = ("uvicorn", "py.warnings")
"""Loggers that go by the same level; all others tell no less than warnings."""
DEEPEST: Final = 12
"""Places of an error that are told, the innermost."""

_USUAL: Final = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"})


@contextmanager
def service_log(settings: Settings, *, as_json: bool = False, stream: TextIO | None = None) -> Iterator[None]:
    """Write what every logger of the process says to `stream`, usually stderr; afterwards all is as it was.

    JSON if the settings or `as_json` want it, or if nobody reads along at a terminal.
    """
    out = stream or sys.stderr
    is_json = settings.log_form == "json" or (settings.log_form == "auto" and (as_json or not out.isatty()))
    handler = logging.StreamHandler(out)
    handler.setFormatter(JsonLines() if is_json else ReadableLines())
    root, level = logging.getLogger(), settings.log_level.upper()
    before, handlers = {name: logging.getLogger(name).level for name in ("", OURS, *BESIDE)}, root.handlers[:]
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in (OURS, *BESIDE):
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.handlers[:] = handlers
        for name, one in before.items():
            logging.getLogger(name).setLevel(one)


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps({**_head(record), **_fields(record)}, ensure_ascii=False, default=str)


class ReadableLines(logging.Formatter):
    """One line an event for who reads along; what has more than one line becomes one."""

    def format(self, record: logging.LogRecord) -> str:
        head, told = _head(record), _fields(record)
        beside = " ".join(f"{name}={_plain(str(value))}" for name, value in told.items())
        return f"{head['time']} {head['level']:<7} {head['logger']}  {_plain(head['event'])}  {beside}".rstrip()


def _head(record: logging.LogRecord) -> dict[str, str]:
    event = record.getMessage()
    return {
        "time": datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "level": record.levelname.lower(),
        "logger": record.name.removeprefix(f"{OURS}."),
        "event": event if _is_ours(record) else event.partition("\n")[0],
    }


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name == OURS or record.name.startswith(f"{OURS}.")


def _fields(record: logging.LogRecord) -> Mapping[str, object]:
    told: dict[str, object] = {}
    if _is_ours(record):
        told = {name: value for name, value in vars(record).items() if name not in _USUAL and value is not None}
    if record.exc_info and record.exc_info[1] is not None:
        told |= _error(record.exc_info[1])
    return told


def _error(error: BaseException) -> dict[str, object]:
    """Its class, its words if they are ours, where it came from, and by which it was caused."""
    found = [(frame.f_code, line) for frame, line in walk_tb(error.__traceback__)]
    places = [f"{Path(code.co_filename).name}:{line} {code.co_name}" for code, line in found]
    told: dict[str, object] = {"error": type(error).__name__, "at": places[-DEEPEST:]}
    if isinstance(error, ImageStudioError):
        told |= {"code": error.code, "why": error.message}
    if error.__cause__ is not None:
        told["by"] = type(error.__cause__).__name__
    return told


def _plain(text: str) -> str:
    """On one line, and nothing that a terminal would take for a command."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
