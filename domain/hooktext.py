"""A webhook as text: its id, its secrets, and the signature of a message, by https://www.standardwebhooks.com.

hook_7hq2m9x4ka        the id, in facts, lists and logs
whsec_ + base64        a secret of 32 bytes, which follows from a key of the studio's
v1, + base64           HMAC-SHA-256 of "ID.SECONDS.BODY" under a secret
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Final

from domain.keytext import mint

ID: Final = "hook_"
SECRET: Final = "whsec_"
PURPOSE: Final = "webhook-secret-1"
"""Keeps these secrets apart from all else under the same key."""


def mint_webhook(noise: bytes) -> str:
    """The id that random bytes make; 32 of them are enough."""
    return ID + mint(noise).id.partition("_")[2]


def secret_of(key: bytes, account: str, webhook: str, number: int) -> str:
    """A webhook's secret of a number, as it is shown. An account's id holds no space, so no two follow alike."""
    told = f"{PURPOSE}\n{account}\n{webhook}\n{number}".encode()
    return SECRET + b64encode(hmac.digest(key, told, "sha256")).decode()


def signatures(secrets: Sequence[str], id: str, seconds: int, body: bytes) -> str:
    """The header by which each of the secrets vouches for a message of an instant (epoch seconds)."""
    told = f"{id}.{seconds}.".encode() + body
    signed = [hmac.digest(b64decode(one.removeprefix(SECRET)), told, "sha256") for one in secrets]
    return " ".join(f"v1,{b64encode(one).decode()}" for one in signed)
