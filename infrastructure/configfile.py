"""The configuration file: settings in TOML, under the environment and the .env file; a provider's stand in its table.

    database_url = "postgresql://ledger/studio"
    own_origins = ["http://files.internal:8080"]

    [wavespeed]
    key = "…"
    concurrency = 3

Names are those of the environment, in small letters and without IMAGESTUDIO_.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from domain.errors import InvalidInput
from infrastructure.texts import text_in, toml_of

VARIABLE: Final = "IMAGESTUDIO_CONFIG"
_NAMED: ContextVar[Path | None] = ContextVar("config", default=None)


@contextmanager
def config_file(named: Path | None) -> Iterator[None]:
    """Meanwhile settings are read from this file, if one is named, and not from the one that the environment names."""
    token = _NAMED.set(named or _NAMED.get())
    try:
        yield
    finally:
        _NAMED.reset(token)


def chosen_file(environment: str) -> Path | None:
    """The file that is used: the one that was named, or else what the environment says, if anything."""
    named = _NAMED.get() or (Path(environment) if environment else None)
    return None if named is None else named.expanduser()


def filed_settings(file: Path | None) -> Mapping[str, Any]:
    """Settings of the file by name, a provider's after its own name. Raises InvalidInput for what is no such file."""
    if file is None:
        return {}
    try:
        stat = file.stat()
        return _read(file, stat.st_mtime_ns, stat.st_size)
    except OSError as error:
        told = f"{file} cannot be read: {error.strerror}"
        raise InvalidInput(VARIABLE, told, hint="name a file that is there, and that you may read") from error


@lru_cache(4)
def _read(file: Path, _changed: int, _size: int) -> Mapping[str, Any]:
    try:
        document = toml_of(text_in(file))
    except (tomllib.TOMLDecodeError, UnicodeError) as error:
        where = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "it is not UTF-8"
        raise InvalidInput(VARIABLE, f"{file} is not TOML: {where}", hint="correct it there") from error
    return dict(_flat(file, document))


def _flat(file: Path, document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if not isinstance(value, dict):
            yield name.lower(), _plain(value)
            continue
        for each, one in value.items():
            if isinstance(one, dict):
                told = f"{file} has a table inside [{name}]: {each}"
                raise InvalidInput(VARIABLE, told, hint=f"write its settings in [{name}]")
            yield f"{name}_{each}".lower(), _plain(one)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def as_environment(value: Any) -> str:
    """A value as the environment would say it."""
    if isinstance(value, list):
        return os.pathsep.join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
