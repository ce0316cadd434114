"""The meaning of an error for whoever asked, by whatever door: a door answers by it alone."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """The meaning of an error for the caller, at any door."""

    INVALID = "invalid"
    """The request, or a setting, is wrong as it stands."""
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    """It does not agree with what is recorded."""
    UNVERIFIED = "unverified"
    """Nobody can tell that it comes from whom it says."""
    UNAUTHENTICATED = "unauthenticated"
    """Nobody can tell who asks."""
    FORBIDDEN = "forbidden"
    """It is known who asks, and that they may not."""
    REFUSED = "refused"
    FAILED = "failed"
    """A provider did not do its part."""
    PENDING = "pending"
    """Its end is not known yet."""
    GONE = "gone"
    """It was there, and is deleted."""
    UNAVAILABLE = "unavailable"
    """The database cannot be used now."""
    OVERLOADED = "overloaded"
    """Nothing new is taken now."""
    BROKEN = "broken"
    """Something of ours is not as it has to be."""
