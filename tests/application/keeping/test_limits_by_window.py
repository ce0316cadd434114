"""Limits by window on a real database: counted back when they are set, met by another process, and begun anew."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from application.ledger.reading_back import RECENT
from domain.errors import OperationRefused
from domain.windowed import WindowOpened
from infrastructure.service import Studio
from tests.application.studios import SYNC, count, facts_of, is_sound, studio_on
from tests.application.support import Clock
from tests.domain.wall_clocks import DAY, utc

NOON = utc("2026-04-10T12:00")
MANY = 60
"""Operations of one day, of five facts each: with those of the day before, more than are read back at first."""


async def generate(studio: Studio, times: int = 1) -> None:
    await asyncio.gather(*(studio.operations.generate("a lake", account="acme", model=SYNC) for _ in range(times)))


async def used(studio: Studio, window: str) -> tuple[int, int]:
    """Used and left by the account's limit of images over a window."""
    found = (await studio.accounts.limits("acme")).limits
    [one] = [one for one in found if (one.window, one.measure) == (window, "images")]
    return one.used, one.left


async def test_a_limit_counts_back_to_the_beginning_of_its_day_however_much_was_done(
    database_url: str, tmp_path: Path
) -> None:
    clock = Clock(NOON - DAY)
    async with studio_on(database_url, tmp_path, clock=clock) as studio:
        await studio.accounts.open("acme", plan="enterprise")
        await generate(studio, MANY)
        clock.now = NOON
        await generate(studio, MANY)
        assert len(facts_of(studio, "acme")) > RECENT
        await studio.accounts.change_limit("acme", "images", MANY + 1, window="day")
        assert await used(studio, "day") == (MANY, 1)
    async with studio_on(database_url, tmp_path, clock=clock) as other:
        await generate(other)
        with pytest.raises(OperationRefused) as refused:
            await generate(other)
        assert (refused.value.refusal.window, refused.value.refusal.resets_at) == ("day", utc("2026-04-11"))
        clock.now = utc("2026-04-11")
        await generate(other)
        assert await used(other, "day") == (1, MANY)
        assert count(facts_of(other), WindowOpened) == 2
        assert await is_sound(other)


async def test_what_counts_for_life_goes_on_in_every_period(database_url: str, tmp_path: Path) -> None:
    clock = Clock(NOON)
    async with studio_on(database_url, tmp_path, clock=clock) as studio:
        await studio.accounts.open("acme", plan="enterprise")
        await studio.accounts.change_limit("acme", "images", 3, window="life")
        await generate(studio, 2)
    clock.now = utc("2026-06-02")
    async with studio_on(database_url, tmp_path, clock=clock) as later:
        await generate(later)
        with pytest.raises(OperationRefused, match="images limit of 3 for life leaves 0, 1 asked"):
            await generate(later)
        assert await used(later, "life") == (3, 0)
        assert await is_sound(later)
