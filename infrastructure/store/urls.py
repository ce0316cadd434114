"""The address of a database: its URL as the user meant it, always with the driver this program is made for.

sqlite:///ledger.db              in the current folder        %20 a space, %25 a percent sign, %3F a question mark
sqlite:////srv/ledger.db         an absolute path             # and letters of any language stand for themselves
sqlite:///~/ledger.db            in the user's home
sqlite:///file:/srv/ledger.db?mode=ro&uri=true                SQLite's own form, passed on as it is
postgresql://USER@HOST/NAME      and postgres://
postgresql://USER@ONE:5432,TWO:5432/NAME                      as libpq writes it, or ?host=ONE:5432&host=TWO:5432
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlencode

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from domain.errors import StoreError

SQLITE: Final = "sqlite"
POSTGRESQL: Final = "postgresql"
POSTGRES: Final = "postgres"
"""The names by which others call it."""

EXAMPLES: Final = "sqlite:///FILE or postgresql://HOST/NAME"
URI: Final = "file:"
OPTIONS: Final = frozenset(
    "timeout isolation_level detect_types check_same_thread cached_statements uri"
    " mode cache immutable vfs nolock psow modeof".split()
)
"""The options that may follow the ? of a SQLite URL: the driver's options, and with uri=true SQLite's own."""


SEVERAL: Final = re.compile(
    r"(?P<to>postgres(?:ql)?(?:\+\w+)?://(?:[^@/?]*@)?)(?P<hosts>[^@/?]*,[^@/?]*)(?P<rest>.*)", re.DOTALL
)
"""A URL of several servers, as libpq writes it."""


def parse_url(url: str) -> URL:
    """The database's address. Raises StoreError if it cannot be read, or could be meant in another way."""
    try:
        parsed = make_url(SEVERAL.sub(_spread, url))
    except (ArgumentError, ValueError) as error:
        raise StoreError("the database URL cannot be read", hint=EXAMPLES) from error
    backend = parsed.drivername.partition("+")[0]
    if backend in (POSTGRESQL, POSTGRES):
        return parsed.set(drivername="postgresql+psycopg2")
    if backend == SQLITE and parsed.database not in (None, "", ":memory:"):
        return _sqlite(url, parsed)
    raise StoreError(
        f"a database of type {parsed.drivername!r} cannot hold the ledger",
        hint="sqlite:///FILE (a file, not memory) or postgresql://HOST/NAME",
    )


def _spread(found: re.Match[str]) -> str:
    """Each server as a setting of its own, as SQLAlchemy reads them."""
    hosts = "&".join(f"host={host}" for host in found["hosts"].split(","))
    return f"{found['to']}{found['rest']}{'&' if '?' in found['rest'] else '?'}{hosts}"


def shown_url(url: URL) -> str:
    """The URL as its user writes it: without the driver, and without the password."""
    return url.set(drivername=url.get_backend_name()).render_as_string()


def sqlite_url(file: Path) -> str:
    """The URL of a SQLite file, whatever characters its path has."""
    return URL.create(SQLITE, database=str(file)).render_as_string()


def sqlite_file(url: URL) -> Path:
    """The file of a parsed SQLite URL."""
    name = str(url.database)
    return Path(unquote(name.removeprefix(URI)) if _is_uri(url) else name)


def sqlite_reading(url: URL) -> str:
    """SQLite's own address of a file that is only read, so that nothing is left beside it.

    Every reader of a database in WAL mode makes a log beside it, and only one that may write takes it away again. A log
    with something in it stays as it is. If nobody may write and no log is there, the file is all there is.
    """
    if _is_uri(url):
        return f"{url.database}?{urlencode([(name, value) for name, value in url.query.items() if name != 'uri'])}"
    file = sqlite_file(url)
    if has_log(file):
        mode = "mode=ro"
    elif os.access(file, os.W_OK) and os.access(file.parent, os.W_OK):
        mode = "mode=rw"
    else:
        mode = "immutable=1"
    return f"file:{quote(str(file))}?{mode}"


def has_log(file: Path) -> bool:
    """Whether there is anything in the log beside a SQLite file: what was written last, or is being written."""
    try:
        return file.with_name(f"{file.name}-wal").stat().st_size > 0
    except FileNotFoundError:
        return False


def _sqlite(text: str, url: URL) -> URL:
    if url.host:
        hint = "a path begins after three slashes: sqlite:///FILE"
        raise StoreError(f"{text!r} names a host, and a SQLite database has none", hint=hint)
    if "?" in text and not (url.query and OPTIONS.issuperset(url.query)):
        raise StoreError(f"what follows the ? in {text!r} is not an option", hint="a ? in a file's name is written %3F")
    if _is_uri(url):
        return url.set(drivername="sqlite+pysqlite")
    return url.set(drivername="sqlite+pysqlite", database=str(_expanded(str(url.database))))


def _expanded(name: str) -> Path:
    try:
        return Path(name).expanduser().absolute()
    except RuntimeError as error:
        raise StoreError(f"there is no home folder for {name!r}", hint="name the folder itself") from error


def _is_uri(url: URL) -> bool:
    return str(url.database).startswith(URI) and str(url.query.get("uri", "")).lower() in ("true", "1", "yes", "on")
