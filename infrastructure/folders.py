"""The names of the folders in which files are kept."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256
from typing import Final

_NO_SLUG: Final = re.compile(r"[^a-z0-9]+")
MOST_REMEMBERED: Final = 10_000


@lru_cache(MOST_REMEMBERED)
def account_folder(account: str) -> str:
    """The one folder name of `account`: readable, short, and distinct even where letter case is ignored.

    The caller's id is opaque and may hold anything; the digest, not the readable part, tells accounts apart.
    """
    slug = _NO_SLUG.sub("-", account.lower()).strip("-")[:32].strip("-")
    digest = sha256(account.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    return f"{slug}-{digest}" if slug else digest
