"""An account's assets as its people add and dispose of them: added, trashed, restored, due to expire, erased.

    AssetAdded ─ kept ─ AssetTrashed ─┬─ AssetRestored ─ kept …
                   │                  └─ AssetErased
                   ├─ AssetExpirySet …            (due at an instant, or never)
                   └─ AssetErased                 for ever, unless the same bytes are made or brought again

Most assets are made and used by operations, whose facts tell that. Here are the facts that people add. An asset that
was seen again since such a fact is kept again, so a decision is told when it was seen last.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from domain.errors import AssetMissing
from domain.periods import Period


class Disposal(StrEnum):
    """People's decision about an asset."""

    KEPT = "kept"
    TRASHED = "trashed"
    ERASED = "erased"


# Facts


@dataclass(frozen=True, slots=True)
class AssetAdded:
    """A file was brought into the library by itself, without an operation.

    Neither its name nor its digest is here: `content` names what is kept beside the log and tells which file it is,
    `digest` is that content's, keyed, so that the log vouches for it.
    """

    account: str
    at: int
    period: Period
    asset: str
    user: str
    project: str | None
    media_type: str
    size: int
    width: int | None
    height: int | None
    duration_ms: int | None
    content: str
    digest: str


@dataclass(frozen=True, slots=True)
class AssetTrashed:
    """It is left out of the library until it is restored, or erased when its time in the trash is over."""

    account: str
    at: int
    period: Period
    asset: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AssetRestored:
    """It is in the library again."""

    account: str
    at: int
    period: Period
    asset: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AssetExpirySet:
    """It is erased once `expires` is past; None: never by itself."""

    account: str
    at: int
    period: Period
    asset: str
    expires: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AssetErased:
    """Its file and all that people wrote about it are deleted for ever; its facts stay."""

    account: str
    at: int
    period: Period
    asset: str
    reason: str = ""


AssetFact = AssetAdded | AssetTrashed | AssetRestored | AssetExpirySet | AssetErased


# States


@dataclass(frozen=True, slots=True)
class AssetState:
    """The last decision, and since when it holds; `expires` is when it is due, `added` whether people brought it."""

    disposal: Disposal = Disposal.KEPT
    since: int = 0
    expires: int | None = None
    added: bool = False


NEVER_DECIDED = AssetState()


# Evolve


def evolve_asset(state: AssetState, fact: AssetFact) -> AssetState:
    """The asset after one more fact."""
    match fact:
        case AssetAdded():
            return replace(state, disposal=Disposal.KEPT, since=fact.at, added=True)
        case AssetTrashed():
            return replace(state, disposal=Disposal.TRASHED, since=fact.at)
        case AssetRestored():
            return replace(state, disposal=Disposal.KEPT, since=fact.at)
        case AssetExpirySet():
            return replace(state, expires=fact.expires)
        case AssetErased():
            return AssetState(Disposal.ERASED, fact.at)


def as_seen(state: AssetState, seen: int) -> AssetState:
    """The state of an asset that was seen last at an instant: one that came back since is kept again."""
    return replace(state, disposal=Disposal.KEPT, since=seen) if seen > state.since else state


# What every decision asks first


def check_not_erased(asset: str, state: AssetState) -> None:
    if state.disposal is Disposal.ERASED:
        raise AssetMissing(f"asset {asset} is erased", hint="make or send the file again")
