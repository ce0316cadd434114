"""Those who keep the house of the simulated world, and those who break it: every moment one of them does something."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from domain.errors import ImageStudioError
from domain.money import Money
from infrastructure.simulation.customers import Town
from infrastructure.simulation.disk import Disk
from infrastructure.simulation.finance import DOINGS, Finance
from infrastructure.simulation.loop import MICROS, SimulatedLoop
from infrastructure.simulation.model import CHARGED, NaiveLedger
from infrastructure.simulation.processes import CutOff
from infrastructure.simulation.providers import CALM, Weather, Works
from infrastructure.simulation.purses import BrokenPromise

HOUR, DAY = 3_600, 86_400
ACCOUNTS = {"tight": False, "roomy": False, "paid": True, "hot": True}
"""Accounts, and whether each pays beforehand."""
ERRORS = (ImageStudioError, CutOff, TimeoutError)
WRONG = (BrokenPromise, AssertionError, LookupError, TypeError, AttributeError, ValueError)
"""Errors that nobody should get whatever fails."""


@dataclass(slots=True)
class House:
    """All that is done beside customers; `calm`: nothing is broken any more."""

    loop: SimulatedLoop
    town: Town
    works: Works
    chance: random.Random
    true: Callable[[], int]
    calm: bool = False
    faults: Counter[str] = field(default_factory=Counter)
    behind: set[asyncio.Task[None]] = field(default_factory=set)
    finance: Finance = field(init=False)

    def __post_init__(self) -> None:
        self.finance = Finance(self.town, self.chance, self.true, [*ACCOUNTS])

    @property
    def model(self) -> NaiveLedger:
        """The log so far."""
        return self.town.model

    async def keep(self) -> None:
        """Something happens every few seconds."""
        doings = (
            (self._kill, 3),
            (self._stop, 2),
            (self._end, 1),
            (self._set_clock, 2),
            (self._leap, 2),
            (self._storm, 2),
            (self._pay, 3),
            *((getattr(self.finance, name), often) for name, often in DOINGS.items()),
            (self._move_limit, 2),
            (self._refund, 6),
            (self._erase, 2),
            (self._suspend, 1),
            (self._close_period, 1),
            (self._reconcile, 1),
            (self._wear_out, 2),
        )
        kinds, weights = [kind for kind, _ in doings], [weight for _, weight in doings]
        while True:
            await asyncio.sleep(self.chance.random())
            (doing,) = self.chance.choices(kinds, weights)
            self.faults[doing.__name__.strip("_")] += 1
            self.do_behind(doing)

    def do_behind(self, doing: Callable[[], Awaitable[object]]) -> None:
        """Let it go on by itself; a caller's errors are nothing, any other ends the world."""
        task = self.loop.create_task(self._quietly(doing))
        self.behind.add(task)
        task.add_done_callback(self.behind.discard)

    async def _quietly(self, doing: Callable[[], Awaitable[object]]) -> None:
        try:
            with suppress(*ERRORS):
                async with asyncio.timeout(HOUR):
                    await doing()
        except WRONG as error:
            self.loop.failure = error

    async def _kill(self) -> None:
        self.town.anyone().kill()

    async def _stop(self) -> None:
        """F17: past its leases, as a rule."""
        process = self.town.anyone()
        process.stopped = True
        await asyncio.sleep(self.chance.choice((1, 20, 200)))
        self.loop.go_on(process)

    async def _end(self) -> None:
        process = self.town.anyone()
        if not process.stopped:
            await process.end()

    async def _set_clock(self) -> None:
        """F13: back, ahead, and after a while right again."""
        process = self.town.anyone()
        process.skew += self.chance.choice((-2 * HOUR, -90, -2, 2, 90, 2 * HOUR)) * MICROS
        await asyncio.sleep(self.chance.random() * 60)
        process.skew = 0

    async def _leap(self) -> None:
        self.loop.leap(self.chance.choice((5, 70, 1_000, 5 * HOUR, DAY, 12 * DAY)))

    async def _storm(self) -> None:
        """The providers have a bad time, or the network has."""
        self.works.weather = Weather(*(share * self.chance.choice((1, 5)) for share in (3, 3, 6, 3, 4, 3, 1, 3, 2)))
        self.town.cuts = self.chance.choice((0.02, 0.3))
        await asyncio.sleep(self.chance.random() * 30)
        self.works.weather, self.town.cuts = (CALM if self.calm else Weather()), (0.0 if self.calm else 0.02)

    async def _wear_out(self) -> None:
        disk = self.town.anyone().disk
        if disk is not None:
            self.wear(disk)

    async def _pay(self) -> None:
        account, key = self.chance.choice(("paid", "hot")), f"payment-{self.chance.randrange(10_000)}"
        amount = Money(self.chance.randrange(1, 3) * MICROS, "USD")
        for _ in range(self.chance.choice((1, 2))):
            await self.town.anyone().call(lambda studio: studio.accounts.add_credit(account, amount, key))

    async def _move_limit(self) -> None:
        scope = self.chance.choice((None, "user"))
        limit = self.chance.choice((0, 10, 30, 60, 200, None))
        account = self.chance.choice(("tight", "hot"))
        scope = "account" if scope is None else f"user:{account}-0"
        await self.town.anyone().call(
            lambda studio: studio.accounts.change_limit(account, "images", limit, scope=scope)
        )

    async def _refund(self) -> None:
        """F11: in parts, twice, at once."""
        charged = [id for id, deed in self.model.deeds.items() if deed.phase == CHARGED][-60:]
        if not charged:
            return
        id, reference = self.chance.choice(charged), f"refund-{self.chance.randrange(50)}"
        amount = self.chance.choice((None, Money(7_000, "USD"), Money(13_333, "USD")))
        account = self.model.deeds[id].account
        asked = [
            self.town.anyone().call(
                lambda studio: studio.upkeep.refund(
                    id, account=account, amount=amount, reason="unhappy", reference=reference
                )
            )
            for _ in range(self.chance.choice((1, 2, 3)))
        ]
        await asyncio.gather(*asked, return_exceptions=True)

    async def _erase(self) -> None:
        closed = [id for id, deed in self.model.deeds.items() if deed.phase == CHARGED][-60:]
        if closed:
            self.town.erases = True
            id = self.chance.choice(closed)
            account = self.model.deeds[id].account
            await self.town.anyone().call(lambda studio: studio.upkeep.erase(id, account=account))

    async def _suspend(self) -> None:
        account = self.chance.choice([*ACCOUNTS])
        await self.town.anyone().call(lambda studio: studio.accounts.suspend(account, "a trial"))
        await asyncio.sleep(self.chance.random() * 5)
        while True:
            with suppress(*ERRORS):
                await self.town.anyone().call(lambda studio: studio.accounts.resume(account, "over"))
                return
            await asyncio.sleep(1)

    async def _close_period(self) -> None:
        account = self.chance.choice([*ACCOUNTS])
        closed = await self.town.anyone().call(
            lambda studio: studio.statements.close(account, carry=self.chance.random() < 0.5)
        )
        await self.town.anyone().call(lambda studio: studio.statements.issue(account, closed.name))

    async def _reconcile(self) -> None:
        name, now = self.chance.choice(("swift", "depot")), self.true()
        await self.town.anyone().call(
            lambda studio: studio.providers.reconcile(name, now - 3 * DAY * MICROS, now, correct=True)
        )

    def wear(self, disk: Disk) -> None:
        """Most disks work, most of the time."""
        if not self.calm:
            disk.errors = self.chance.choice((0.0, 0.0, 0.001, 0.02))
            disk.lost = self.chance.choice((0.0, 0.0, 0.002, 0.05))
            disk.deaths = self.chance.choice((0.0, 0.0, 0.001, 0.005))
