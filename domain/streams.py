"""The two things that a stream's name tells: whose it is, and of a ledger's stream, when its period begins."""

from __future__ import annotations

NEVER = -(2**63)
"""Before all periods."""


def account_of(stream: str) -> str | None:
    """The account a stream belongs to, None for a name that no fact has."""
    kind, _, rest = stream.partition(":")
    if kind == "account":
        return rest
    return rest.rpartition(":")[0] if begin_of(stream) != NEVER else None


def begin_of(stream: str) -> int:
    """When the period of a ledger's stream begins; before all others for any other stream."""
    kind, _, rest = stream.partition(":")
    start = rest.rpartition(":")[2]
    return int(start) if kind == "ledger" and start.removeprefix("-").isdecimal() else NEVER
