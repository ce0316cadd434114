"""Options of PostgreSQL's sessions, from a database URL and from us, and the limits of transactions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy.engine import URL

CONNECT_SECONDS = 10
IDLE_SECONDS = 60
"""A process that was stopped inside a transaction loses its session, and with it its locks, after this long."""

GRACE_SECONDS = 5
"""The server is given so much longer than it allows itself: its own refusal says more than a cut."""

DEFAULTS: Mapping[str, object] = {
    "connect_timeout": CONNECT_SECONDS,
    "fallback_application_name": "imagestudio",
    "client_encoding": "utf8",
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""The options that a connection is asked for unless the URL says otherwise."""

OPTION = re.compile(r"(?:-c\s*|--)([A-Za-z_][\w.-]*)=((?:\\.|\S)*)")
"""One setting in the `options` of a URL; a blank in its value stands behind a backslash."""

DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(us|ms|s|min|h|d)?\s*")
SECONDS = {"us": 1e-6, "ms": 1e-3, None: 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


NAMES = {"lock": "lock_timeout", "statement": "statement_timeout", "idle": "idle_in_transaction_session_timeout"}
"""The server's name of each limit."""
SEARCH_PATH = "search_path"


@dataclass(frozen=True, slots=True)
class StatementLimits:
    """Seconds: a statement's wait for one lock, a statement, a transaction that does nothing. None is without end."""

    lock: float | None
    statement: float | None
    patience: float
    idle: float | None = IDLE_SECONDS
    schemas: str = ""
    """The search path of the URL's options: it is set with them, as poolers that hand out sessions lose it."""

    @classmethod
    def of(cls, url: URL, lock: float, statement: float) -> StatementLimits:
        """Ours, unless the URL's options name others."""
        theirs = options_of(url)

        def limit(name: str, ours: float) -> float | None:
            return seconds_written(theirs[name]) if DURATION.fullmatch(theirs.get(name, "")) else ours

        longest = limit(NAMES["statement"], statement)
        patience = max(statement, longest or 0)
        return cls(
            limit(NAMES["lock"], lock),
            longest,
            patience + min(GRACE_SECONDS, patience),
            limit(NAMES["idle"], IDLE_SECONDS),
            theirs.get(SEARCH_PATH, ""),
        )

    @property
    def sql(self) -> str:
        """The beginning of every transaction; whatever the database's own default is, ours is READ COMMITTED."""
        named = ((name, getattr(self, field)) for field, name in NAMES.items())
        limits = "".join(f"SET LOCAL {name} = {_milliseconds(value)}; " for name, value in named)
        return f"SET TRANSACTION ISOLATION LEVEL read committed; {limits}{_in_schemas(self.schemas)}"

    @property
    def in_force(self) -> dict[str, float | None]:
        """The seconds of each limit, by the server's name."""
        return {name: _milliseconds(getattr(self, field)) / 1000 or None for field, name in NAMES.items()}

    def patient(self, seconds: float) -> StatementLimits:
        """For what takes long by its nature."""
        return replace(self, statement=seconds, patience=seconds + GRACE_SECONDS)


def _in_schemas(names: str) -> str:
    """A search path as a statement, from its text in a URL; the server takes names without quotes as small."""
    quoted = (one if one.startswith('"') else f'"{one.lower()}"' for one in map(str.strip, names.split(",")))
    return f"SET LOCAL {SEARCH_PATH} TO {', '.join(quoted)}; " if names else ""


def _milliseconds(seconds: float | None) -> int:
    return 0 if seconds is None else max(1, int(seconds * 1000))


def seconds_written(text: str) -> float | None:
    """A limit as the server writes it, None for 0, which is none."""
    found = DURATION.fullmatch(text)
    assert found is not None
    return float(found[1]) * SECONDS[found[2]] or None


def options_of(url: URL) -> dict[str, str]:
    """The settings of the server that the URL's `options` make, by name."""
    given = url.query.get("options", "")
    text = given if isinstance(given, str) else " ".join(given)
    return {name.lower().replace("-", "_"): re.sub(r"\\(.)", r"\1", value) for name, value in OPTION.findall(text)}


def without_schemas(url: URL) -> URL:
    """The URL without the search path among its options, which poolers refuse, or drop."""
    told = options_of(url)
    if told.pop(SEARCH_PATH, None) is None:
        return url
    return with_settings(url, told)


def with_settings(url: URL, settings: Mapping[str, str]) -> URL:
    """The URL with exactly these settings of the server as its `options`."""
    if not settings:
        return url.difference_update_query(["options"])
    told = " ".join(f"-c{name}={value.replace(' ', chr(92) + ' ')}" for name, value in settings.items())
    return url.update_query_dict({"options": told})


def connect_arguments(url: URL) -> dict[str, object]:
    """The options that are asked of libpq; those of the URL always stand."""
    arguments = {name: value for name, value in DEFAULTS.items() if name not in url.query}
    if _hosts(url) > 1 and "target_session_attrs" not in url.query:
        arguments["target_session_attrs"] = "read-write"
    return arguments


def _hosts(url: URL) -> int:
    named = url.query.get("host", ())
    hosts = [named] if isinstance(named, str) else [*named]
    return sum(1 + host.count(",") for host in hosts) or 1
