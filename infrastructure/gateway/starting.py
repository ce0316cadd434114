"""The first start: an administrator's key, and an account with a key of its own, each shown once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from domain.errors import InvalidInput, UnknownAccount
from domain.keys import STUDIO, KeyScope, KeyTerms
from infrastructure.gateway.serving import is_loopback
from infrastructure.service import Studio

ACCOUNT: Final = "default"
PLAN: Final = "pro"
REASON: Final = "the first start of a service"


@dataclass(frozen=True, slots=True)
class FirstKeys:
    """The secrets of the first start: the studio's administrator's, and that of an account to begin with."""

    account: str
    administrator: str = field(repr=False)
    operator: str = field(repr=False)


async def first_keys(studio: Studio, account: str | None, host: str) -> FirstKeys | None:
    """Make them if no key was ever issued; None if one was. Of many processes exactly one makes them.

    Raises InvalidInput, and makes nothing, if `host` can be reached from elsewhere: whoever came first would not be
    the one who reads the keys.
    """
    if await _has_keys(studio):
        return None
    if not is_loopback(host):
        told = f"{host} can be reached from elsewhere, and there is no key yet"
        raise InvalidInput("host", told, hint="start it once on 127.0.0.1, or issue a key first")
    first = await studio.keys.ensure_first_key()
    if first is None:
        return None
    account = account or ACCOUNT
    try:
        await studio.accounts.show(account)
    except UnknownAccount:
        await studio.accounts.open(account, plan=PLAN, reason=REASON)
    own = await studio.keys.issue(account, KeyTerms((KeyScope.OPERATE,)), name="first key", reason=REASON)
    return FirstKeys(account, first.secret, own.secret)


async def _has_keys(studio: Studio) -> bool:
    try:
        return bool(await studio.keys.list(STUDIO))
    except UnknownAccount:
        return False
