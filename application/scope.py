"""Whose an operation is: a caller names its account too, and does not find another account's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from application.ports import Index, Indexed
from domain.errors import UnknownOperation


def owned(known: Sequence[Indexed], operation: str, account: str | None) -> list[Indexed]:
    """Those of the account, of what an id stands for; None is for those who run the studio. Raises UnknownOperation."""
    mine = [one for one in known if account in (None, one.account)]
    if not mine:
        raise UnknownOperation.of(operation)
    return mine


async def operations_of(index: Index, account: str, operation: str) -> list[Indexed]:
    """The operations that an id stands for in an account: one, or all of a batch. Raises UnknownOperation."""
    return owned(await asyncio.to_thread(index.operations, operation), operation, account)


async def account_of_operation(index: Index, operation: str) -> str:
    """Whose an operation is, for those who run the studio. Raises UnknownOperation."""
    known = await asyncio.to_thread(index.operations, operation)
    return owned(known, operation, None)[0].account
