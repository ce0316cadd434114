"""The names under which files are kept, in a folder and in a bucket alike.

<account folder> / <first two digits> / <digest>.<extension>
                                        <digest>.thumbnail.webp     made of it, and deleted with it
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256
from typing import Final

from domain.errors import InvalidInput

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_NO_SLUG: Final = re.compile(r"[^a-z0-9]+")
_THUMBNAIL: Final = ".thumbnail.webp"
MOST_REMEMBERED: Final = 10_000


@lru_cache(MOST_REMEMBERED)
def account_folder(account: str) -> str:
    """The one folder name of `account`: readable, short, and distinct even where letter case is ignored.

    The caller's id is opaque and may hold anything; the digest, not the readable part, tells accounts apart.
    """
    slug = _NO_SLUG.sub("-", account.lower()).strip("-")[:32].strip("-")
    digest = sha256(account.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    return f"{slug}-{digest}" if slug else digest


def folder_of(account: str, digest: str) -> str:
    """The folder of a file of this digest. Raises InvalidInput if it is none, so that it names nothing else."""
    if not _DIGEST.fullmatch(digest):
        raise InvalidInput("asset", "its digest is not a SHA-256 in lower-case hex")
    return f"{account_folder(account)}/{digest[:2]}"


def home_of(name: str) -> str:
    """The name that a file is looked for under, also if it was put aside in its account's folder."""
    account, file = name.partition("/")[0], name.rpartition("/")[2]
    return f"{account}/{file[:2]}/{file}"


def thumbnail_name(account: str, digest: str) -> str:
    """The name of a file's thumbnail, beside it; its digest is the file's. Raises InvalidInput as `folder_of`."""
    return f"{folder_of(account, digest)}/{digest}{_THUMBNAIL}"


def is_thumbnail(name: str) -> bool:
    """Whether a file was made of the one beside it, and can be again."""
    return name.endswith(_THUMBNAIL)


def digest_in(name: str) -> str:
    """The digest that a name says; empty for what is not whole, such as what is being written."""
    return name.rpartition("/")[2].partition(".")[0]
