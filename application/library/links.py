"""Links to the files of assets, for whoever holds one and for a time: no account's key is needed to follow it.

a bucket ── signed by the store's own rules ──> an address of the store, which serves the file itself
a folder ── HMAC-SHA-256 of account, asset, expiry ──> a path that the HTTP door serves: checked, then streamed
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import quote, urlencode

from application.ports import Asset
from domain.errors import InvalidInput, Unverified
from domain.inputs import shortened

USUAL_SECONDS: Final = 60 * 60
MOST_SECONDS: Final = 7 * 24 * 60 * 60
"""The longest time for which S3 stores sign."""
SECOND: Final = 1_000_000
PURPOSE: Final = "link-to-asset-1"
"""Keeps these signatures apart from all others under the same key."""


class LinkingShelf(Protocol):
    """A store of files that may be able to link to them itself. Raises AssetMissing, StoreUnavailable."""

    async def link(self, account: str, asset: Asset, seconds: int) -> str | None:
        """An address at which the store itself serves the file for so long; None if it serves none."""


@dataclass(frozen=True, slots=True)
class SignedLink:
    """An address, or a path that begins with a slash and belongs behind the HTTP door's; it `expires` then (epoch
    microseconds)."""

    url: str
    expires: int


def sign(key: bytes, account: str, asset: str, expires: int) -> str:
    """The signature of a link: HMAC-SHA-256 of whose and which asset it is and when it expires (epoch seconds).

    URL-safe base64 without padding. An account's id holds no space, so no two links are signed alike.
    """
    told = f"{PURPOSE}\n{account}\n{asset}\n{expires}".encode()
    return urlsafe_b64encode(hmac.digest(key, told, "sha256")).decode().rstrip("=")


def verify(keys: Sequence[bytes], account: str, asset: str, expires: int, signature: str) -> bool:
    """Whether one of the keys signed exactly this; compared in constant time. Expiry is the caller's to look at."""
    told = signature.encode("utf-8", "surrogatepass")
    found = [hmac.compare_digest(sign(key, account, asset, expires).encode(), told) for key in keys]
    return any(found)


@dataclass(frozen=True, slots=True)
class Links:
    """Makes and checks links; `keys` are secrets, the newest first, which old links may be signed with, too."""

    shelf: LinkingShelf
    keys: Callable[[], Sequence[bytes]]
    clock: Callable[[], int]

    async def to(self, account: str, asset: str, file: Asset, seconds: int) -> SignedLink:
        """A link to the file for so many seconds. Raises InvalidInput, AssetMissing, StoreUnavailable."""
        if type(seconds) is not int or not 1 <= seconds <= MOST_SECONDS:
            told = f"{shortened(seconds)} is no time that a link lasts"
            raise InvalidInput("expires", told, hint=f"give 1 to {MOST_SECONDS} seconds, seven days")
        expires = self.clock() // SECOND + seconds
        url = await self.shelf.link(account, file, seconds)
        if url is None:
            signature = sign(self.keys()[0], account, asset, expires)
            told = urlencode({"account": account, "expires": expires, "signature": signature})
            url = f"/v1/assets/{quote(asset, safe='')}/content?{told}"
        return SignedLink(url, expires * SECOND)

    def check(self, account: str, asset: str, expires: int, signature: str) -> None:
        """Raises Unverified for a link that was not made here, was changed, or whose time is over."""
        if not verify(self.keys(), account, asset, expires, signature):
            raise Unverified("this link was not made here, or was changed", hint="ask whoever sent it for another")
        if self.clock() >= expires * SECOND:
            raise Unverified("the time of this link is over", hint="ask whoever sent it for another")
