"""One simulated world: processes, customers, those who keep the house, faults of all kinds, and in the end the books.

open ── customers act, faults come, time leaps ── calm: everything settles ── everything is held against everything
        └ after each commit: the model, every I that a fact can break
                     └ now and then: views and tables
"""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from application.ports import Recovery
from domain.errors import StoreError
from domain.money import Money
from infrastructure.clock import drawn_from
from infrastructure.service import Studio
from infrastructure.settings import Settings
from infrastructure.simulation.customers import Customer, Town
from infrastructure.simulation.disk import Disk
from infrastructure.simulation.forging import BY_LOT, FORGERIES, Forgeries, forge
from infrastructure.simulation.house import ACCOUNTS, DAY, ERRORS, HOUR, WRONG, House
from infrastructure.simulation.loop import MICROS, SimulatedLoop, Stuck, never
from infrastructure.simulation.model import NaiveLedger, Row
from infrastructure.simulation.processes import HONEST, Process, Tampering
from infrastructure.simulation.providers import CALM, SimulatedProvider, Work, Works
from infrastructure.simulation.purses import BrokenPromise, agree

BEGINNING = 1_801_353_600 * MICROS
"""2027-01-31T00:00:00Z, in epoch microseconds: the month ends soon."""
CATALOGUE, PLANS = (Path(__file__).with_name(f"{name}.toml") for name in ("catalogue", "plans"))
CUSTOMERS = 40
PROCESSES = 3
ROWS = "SELECT position, stream, version, topic, operation, actor, state, hash FROM facts WHERE position > ? ORDER BY 1"
VIEWS = ("usage_summary", "usage_quarters", "period_totals")
"""Views that sum up what was charged, net of corrections, and the corrections."""


@dataclass(slots=True)
class Lived:
    """A world that was lived; `digest` names all that its log holds, `broken` the promise that was not kept.

    `wanted` is how many operations it was to live through.
    """

    seed: int
    wanted: int
    operations: int
    facts: int
    digest: str
    faults: Counter[str]
    broken: str | None = None


class World:
    """Everything of one seed."""

    def __init__(self, seed: int, operations: int, home: Path, tampering: Tampering, forgeries: Forgeries) -> None:
        self.seed, self.operations, self.home = seed, operations, home
        self.tampering, self.forgeries = tampering, forgeries
        self.chance = random.Random(seed)
        self.loop = SimulatedLoop(self.chance)  # type: ignore[abstract]
        self.model = NaiveLedger()
        self.works = Works(self.chance, self.model, self.true)
        self.works.ended, self.works.broken = self._call_back_later, self._break
        self.town = Town([], self.model, self.chance)
        self.house = House(self.loop, self.town, self.works, self.chance, self.true)
        self._born = 0
        self._committed = False
        self._log: sqlite3.Connection | None = None

    def true(self) -> int:
        """The true time, in epoch microseconds."""
        return BEGINNING + self.loop.micros

    def run(self) -> Lived:
        """Live it. Raises BrokenPromise, and whatever a part should not have raised."""
        with drawn_from(self.true, lambda: self.chance.randbytes(32)):
            try:
                self.loop.after_each = self._after_each
                self.loop.run(self._live())
            finally:
                for process in self.town.processes:
                    process.kill()
                    process.bury()
                self._leave()
                if self._log is not None:
                    self._log.close()
        return self.told()

    def _leave(self) -> None:
        """Drop what would go on behind."""
        for task in self.house.behind:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            task.get_coro().close()
        self.loop.end()

    def told(self, broken: str | None = None) -> Lived:
        """The sum of it so far."""
        return Lived(
            self.seed,
            self.operations,
            len(self.model.deeds),
            self.model.position,
            self.model.digest(),
            self.house.faults,
            broken,
        )

    # After each step

    def _after_each(self) -> None:
        for process in self.town.processes:
            if not process.alive:
                self._bury(process)
                break
        if self._committed:
            self._committed = False
            self.follow()

    def follow(self) -> None:
        """Hold what was committed against the model."""
        if self._log is not None:
            rows: Iterator[Row] = self._log.execute(ROWS, (self.model.position,))
            self.model.follow(rows)

    def _commit(self) -> None:
        self._committed = True

    def _break(self, error: BrokenPromise) -> None:
        self.loop.failure = self.loop.failure or error

    # Its life

    async def _live(self) -> None:
        await self._found()
        customers = [
            Customer(self.town, account, f"{account}-{number % 2}", f"customer-{number}")
            for number, account in zip(range(CUSTOMERS), [*ACCOUNTS] * CUSTOMERS, strict=False)
        ]
        house = asyncio.get_running_loop().create_task(self.house.keep())
        await asyncio.gather(*[self._come(one) for one in customers])
        house.cancel()
        await asyncio.gather(house, return_exceptions=True)
        await self._settle(customers)
        await self._reckon()

    async def _found(self) -> None:
        """The ledger, its accounts, and the processes."""
        first = self._born_process(faulty=False)
        self._log = sqlite3.connect(self._file(), isolation_level=None)
        await first.call(_open_accounts)
        self._commit()
        self._after_each()
        await first.end()
        for _ in range(PROCESSES):
            self._replace(None)

    async def _come(self, customer: Customer) -> None:
        while len(self.model.deeds) < self.operations:
            await asyncio.sleep(self.chance.random())
            await customer.act()

    # Processes

    def _file(self) -> Path:
        return self.home / "ledger.db"

    def _born_process(self, *, faulty: bool = True, skew: int = 0) -> Process:
        self._born += 1
        process = Process(self.loop, f"p{self._born}", self.true, skew)
        disk = Disk(process, self.chance, process.kill, self._commit)
        process.open(self._settings(), self._providers(), disk, self.tampering if faulty else HONEST)
        if faulty:
            self.house.wear(disk)
        return process

    def _replace(self, old: Process | None) -> None:
        """A new process, as a supervisor starts one."""
        skew = (
            0 if self.house.calm or self.chance.random() < 0.8 else self.chance.choice((-HOUR, -40, 40, HOUR)) * MICROS
        )
        fresh = self._born_process(skew=skew)
        self.town.processes.append(fresh)
        fresh.chores()
        fresh.begin(fresh.studio.make_worker(4).run())
        if old is not None:
            self.house.faults.update(old.disk.seen if old.disk is not None else {})

    def _bury(self, process: Process) -> None:
        self.town.processes.remove(process)
        process.bury()
        self.follow()
        self._replace(process)

    def _settings(self) -> Settings:
        return Settings(
            home=self.home,
            database_url=f"sqlite:///{self._file()}",
            catalogues=(CATALOGUE,),
            plans=(PLANS,),
            plan_prices="charged",
            lock_seconds=1,
            snapshot_every=50,
            abandon_seconds=2 * DAY,
        )

    def _providers(self) -> dict[str, SimulatedProvider]:
        return {
            "swift": SimulatedProvider(self.works, "swift", Recovery.FINDABLE, jobs=False),
            "depot": SimulatedProvider(self.works, "depot", Recovery.FINDABLE, jobs=True),
            "murky": SimulatedProvider(self.works, "murky", Recovery.BLIND, jobs=False),
            "bench": SimulatedProvider(self.works, "bench", Recovery.REPEATABLE, jobs=False),
        }

    # Callbacks

    def _call_back_later(self, work: Work) -> None:
        """F8: callbacks come once, twice, early, late or never."""
        self.house.do_behind(partial(self._call_back, work))

    async def _call_back(self, work: Work) -> None:
        for _ in range(self.chance.choice((0, 1, 1, 2))):
            early = self.chance.random() < 0.1
            wait = 0.0 if early else max(work.ends - self.loop.time(), 0)
            await asyncio.sleep(wait + self.chance.choice((0.0, 1.0, 100.0)))
            if wait > 10 * DAY:
                return
            with suppress(*ERRORS):
                async with asyncio.timeout(HOUR):
                    await self.town.anyone().call(
                        lambda studio: studio.operations.notified(work.operation, work.job, work.attempt)
                    )

    # The end

    async def _settle(self, customers: list[Customer]) -> None:
        """Faults end, time passes, and everybody asks again."""
        self.house.calm, self.works.weather, self.town.cuts = True, CALM, 0.0
        for process in list(self.town.processes):
            self.loop.go_on(process)
            process.skew = 0
            process.kill()
            self._bury(process)
        for customer in customers:
            for _, request in customer.known:
                await customer.ask(request)
        for hours in (0, 3, *(24,) * 12):
            self.loop.leap(hours * HOUR)
            await asyncio.sleep(70)
            if hours and not self.model.open:
                break
        await self.house.finance.finish()

    async def _reckon(self) -> None:
        """I1 to I9, over everything."""
        agree(that=not self.model.open, invariant="F6", told=f"still open: {self.model.open[:5]}")
        process = self.town.processes[0]
        await process.call(self._audited)
        self._forge()

    def _forge(self) -> None:
        """I8: of rows that are altered behind its back the audit finds each, in a copy of the ledger."""
        chance, copy = random.Random(self.seed), self.home / "forged.db"
        kinds = [*self.forgeries] or [chance.choice([*FORGERIES])]
        for kind in kinds:
            if forge(self._file(), copy, {**FORGERIES, **self.forgeries}[kind], chance):
                agree(that=self._finds(copy), invariant="I8", told=f"the audit does not find {kind}")

    def _finds(self, file: Path) -> bool:
        """Whether the audit of a ledger's file finds anything amiss; refused to be opened is found, too."""
        process = Process(self.loop, "auditor", self.true)
        settings = self._settings().model_copy(update={"database_url": f"sqlite:///{file}"})
        try:
            process.open(settings, self._providers(), None)
            audit = process.studio.audit
            checks = (audit.verify, audit.differences, audit.bills, audit.books)
            return any(next(iter(check()), None) is not None for check in checks) or not audit.compare().equal
        except StoreError:
            return True
        finally:
            process.kill()
            process.bury()

    async def _audited(self, studio: Studio) -> None:
        await asyncio.to_thread(studio.views.catch_up)
        found = [*studio.audit.verify(), *studio.audit.differences(), *studio.audit.bills(), *studio.audit.books()]
        agree(that=not found, invariant="I8", told=f"the audit finds {found[:3]}")
        comparison = studio.audit.compare()
        agree(that=comparison.equal, invariant="I6", told=f"views differ from their replay: {comparison}")
        self._sums()

    def _sums(self) -> None:
        """I5: every view's sum is the log's, and every hold is gone."""
        assert self._log is not None
        wanted = (self.model.charges, sum(deed.adjusted for deed in self.model.deeds.values()))
        for view in VIEWS:
            found = self._log.execute(f"SELECT sum(price), sum(adjusted) FROM {view}").fetchone()
            sums = tuple(one or 0 for one in found)
            agree(that=sums == wanted, invariant="I5", told=f"{view} sums up to {sums}, the log to {wanted}")


async def _open_accounts(studio: Studio) -> None:
    for account, prepaid in ACCOUNTS.items():
        await studio.accounts.open(account, plan="tried" if account == "roomy" else "house", prepaid=prepaid)
        if prepaid:
            await studio.accounts.add_credit(account, Money(2 * MICROS, "USD"), "first")
    await studio.accounts.change_limit("tight", "images", 30)


@contextmanager
def own_folder() -> Iterator[Path]:
    """In memory where there is room for files in it."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="imagestudio-", dir=memory if memory.is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def live_world(
    seed: int,
    operations: int,
    tampering: Tampering = HONEST,
    forgeries: Forgeries = BY_LOT,
    ended: Callable[[], bool] = never,
) -> Lived:
    """One world, and what it came to; `broken` says what does not hold. Without `forgeries` there is one, by lot.

    Raises Ended once `ended` says so.
    """
    with own_folder() as home:
        world = World(seed, operations, home, tampering, forgeries)
        world.loop.ended = ended
        try:
            return world.run()
        except (BrokenPromise, Stuck) as error:
            return world.told(str(error))
        except (*ERRORS, *WRONG, OSError, sqlite3.Error) as error:
            return world.told(f"nobody reckoned with {type(error).__name__}: {error}")
