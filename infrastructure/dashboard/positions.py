"""Documents of one position of the log: whatever two pages say of the same position, they say alike.

    the log's end ── views brought up to it ── document ── is a newer fact about its account? ──┬─ no ── it is of there
                         ^                                                                   yes
                         └────────────────────────── a few times ──────────────────────────────┘

An account's document depends on its own facts alone, so that others may go on meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from application.ledger.positions import Positions
from application.ledger.reader import LogFilter
from infrastructure.service import Studio

TRIES: Final = 5
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Placed(Generic[Made]):
    """A document, and the position that it is of; `moved` is where the log was later, if it moved each time."""

    document: Made
    position: int
    moved: int | None = None


async def placed(studio: Studio, account: str | None, make: Callable[[], Awaitable[Made]]) -> Placed[Made]:
    """Whatever is made of one position, about an account, or about all."""
    tries = 0
    while True:
        position = await asyncio.to_thread(_caught_up, studio)
        document = await make()
        tries += 1
        later = await asyncio.to_thread(_newer, studio, account, position)
        if later is None or tries == TRIES:
            return Placed(document, position, later)


def _caught_up(studio: Studio) -> int:
    position = studio.log.reader.end()
    studio.views.catch_up()
    return position


def _newer(studio: Studio, account: str | None, position: int) -> int | None:
    """The position of a newer fact, None if there is none; of several logs where they are by then."""
    if isinstance(position, Positions):
        mine = studio if account is None else studio.ledger_of(account)
        logs = {name: one for name, one in studio.by_shard.items() if mine in (studio, one)}
        newer = any(_newer(one, account, position.logs[name]) for name, one in logs.items())
        return studio.log.reader.end() if newer else None
    if studio.log.reader.end() == position:
        return None
    found = studio.log.reader.read(position, 1, LogFilter(account=account))
    return found[0].position if found else None
