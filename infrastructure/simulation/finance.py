"""Those who run the accounts of the simulated world: they grant and revoke credit, take payments back, change plans and
zones, and erase users while operations run."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from domain.erasure import UnknownUser
from domain.errors import IllegalTransition
from domain.money import Money
from infrastructure.simulation.customers import Town
from infrastructure.simulation.loop import MICROS

HOUR: Final = 3_600
PLANS: Final = ("house", "house", "club", "strict")
ZONES: Final = ("UTC", "Asia/Tokyo", "America/New_York", "Pacific/Apia", "Europe/Berlin")
GRANTS: Final = 60
"""References of grants, few enough that some are given twice."""
DOINGS: Final[Mapping[str, int]] = {
    "grant": 8,
    "revoke": 5,
    "take_back": 3,
    "change_plan": 4,
    "change_zone": 2,
    "erase_user": 3,
}
"""By what is done, how often."""


@dataclass(frozen=True, slots=True)
class Finance:
    """Each does one thing through any process; errors of the studio's are the caller's."""

    town: Town
    chance: random.Random
    true: Callable[[], int]
    accounts: Sequence[str]
    unfinished: dict[tuple[str, str], None] = field(default_factory=dict)
    """Users whose erasure nobody said was done."""

    async def grant(self) -> None:
        """Each reference counts once, at once and later; on other terms it is refused."""
        chance, account = self.chance, self.chance.choice(self.accounts)
        number = chance.randrange(GRANTS)
        amount = Money(chance.choice((10_000, 70_000, 333_333)), "USD")
        ends = None if number % 3 == 0 else self.true() + chance.choice((1, 30, 24 * 20)) * HOUR * MICROS
        kinds = ((), (), ("images",), ("text-to-image",), ("videos",))[number % 5]
        asked = [
            self.town.anyone().call(
                lambda studio: studio.accounts.grant(
                    account,
                    amount,
                    f"gift-{number}",
                    source=("promotional", "paid")[number % 4 == 1],
                    priority=number % 3,
                    expires=ends,
                    kinds=kinds,
                )
            )
            for _ in range(chance.choice((1, 2)))
        ]
        await asyncio.gather(*asked, return_exceptions=True)

    async def revoke(self) -> None:
        """W4: one of those that there are, or were, by two at once."""
        account = self.chance.choice(self.accounts)
        known = [*self.town.model.purses[account].given]
        if known:
            grant = self.chance.choice(known)
            asked = [
                self.town.anyone().call(lambda studio: studio.accounts.revoke_grant(account, grant, "abuse"))
                for _ in range(self.chance.choice((1, 2)))
            ]
            await asyncio.gather(*asked, return_exceptions=True)

    async def take_back(self) -> None:
        """W6: a payment, or that for a grant, in part or whole, and perhaps again."""
        account, of_grant = self.chance.choice(self.accounts), self.chance.random() < 0.5
        purse = self.town.model.purses[account]
        known = [*purse.given] if of_grant else [one.removeprefix("credit:") for one in purse.payments]
        if not known:
            return
        payment, amount = self.chance.choice(known), Money(self.chance.choice((5_000, 70_000, 1_000_000)), "USD")
        for _ in range(self.chance.choice((1, 2))):
            await self.town.anyone().call(
                lambda studio: studio.accounts.charge_back(account, payment, amount, "disputed", of_grant=of_grant)
            )

    async def change_plan(self) -> None:
        """W5: now, or when the period ends."""
        account, plan = self.chance.choice(self.accounts), self.chance.choice(PLANS)
        at = self.chance.choice(("now", "period-end"))
        await self.town.anyone().call(lambda studio: studio.accounts.change_plan(account, plan, at=at))

    async def change_zone(self) -> None:
        """F13: the next period ends on other clocks."""
        account, zone = self.chance.choice(self.accounts), self.chance.choice(ZONES)
        await self.town.anyone().call(lambda studio: studio.accounts.change_time_zone(account, zone))

    async def erase_user(self) -> None:
        """While operations of the user run; who comes back is shown by the same pseudonym."""
        account = self.chance.choice(self.accounts)
        user = f"{account}-{self.chance.randrange(2)}"
        self.town.erases = True
        self.unfinished[account, user] = None
        await self._erase(account, user)

    async def finish(self) -> None:
        """Erase again what was begun: a process that dies over it leaves the rest to whoever asks again."""
        for account, user in [*self.unfinished]:
            with suppress(IllegalTransition):  # nothing is open any more: the audit tells which view says otherwise
                await self._erase(account, user)

    async def _erase(self, account: str, user: str) -> None:
        with suppress(UnknownUser):  # nobody of that name has asked for anything yet
            await self.town.anyone().call(lambda studio: studio.upkeep.erase_user(user, account=account))
        self.unfinished.pop((account, user), None)
